/* Pages of a bucket, and one object or version looked up by a list of its key: unlike HEAD a list says
 * in its body what it is about, and it is as fresh as a GET. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_PAGES_MAX = 1000 };

/* Whether the bucket is versioned is asked beside the list, which takes both; a list of versions is asked for after it. */
struct s3_page {
	struct s3_lane *ln;
	lane_page_fn *fn;
	void *ctx;
	struct buf next, next_version, cursor;
	struct s3_versioned versioned;
	struct lane_page page;          /* what its answer was, but for the items */
	struct s3_list list;            /* of that answer, where it could be read */
	int64_t signed_us;
	int waits;                      /* answers that have not come */
	bool bad_cursor;
};

/* ---- cursors: a token, or in a lane of versions "KEY&VERSION", both encoded ---- */

static void cursor_of(const struct s3_list *l, bool versions, struct buf *out)
{
	if (!versions) {
		buf_add(out, l->next.p, l->next.n);
		return;
	}
	s3_encode(out, l->next, false);
	buf_addc(out, '&');
	s3_encode(out, l->next_version, false);
}

static bool cursor_decode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned v = 0;
		if (s.p[i] != '%')
			buf_addc(out, s.p[i]);
		else if (i + 2 >= s.n || sscanf(s.p + i + 1, "%2X", &v) != 1)
			return false;
		else {
			buf_addc(out, (char)v);
			i += 2;
		}
	}
	return true;
}

static bool cursor_read(struct s3_page *p, struct slice cursor)
{
	if (!s3_versions(p->ln) || !cursor.n) {
		buf_add(&p->next, cursor.p, cursor.n);
		return true;
	}
	const char *amp = memchr(cursor.p, '&', cursor.n);
	size_t n = amp ? (size_t)(amp - cursor.p) : 0;
	return amp && cursor_decode((struct slice){ cursor.p, n }, &p->next) &&
	       cursor_decode((struct slice){ amp + 1, cursor.n - n - 1 }, &p->next_version);
}

/* ---- pages ---- */

static void page_deliver(struct s3_page *p, const struct lane_page *page)
{
	p->fn(p->ctx, page);
	s3_list_done(&p->list);
	buf_done(&p->next);
	buf_done(&p->next_version);
	buf_done(&p->cursor);
	free(p);
}

static void page_trouble(struct s3_page *p, enum lane_trouble t, const char *why)
{
	p->page.trouble = t;
	snprintf(p->page.detail, sizeof p->page.detail, "%.190s", why);
}

static void page_fail(struct s3_page *p, enum lane_trouble t, int64_t wait_ms, const char *why)
{
	p->page = (struct lane_page){ .wait_ms = wait_ms, .date_us = -1 };
	page_trouble(p, t, why);
	page_deliver(p, &p->page);
}

static void item_of(const struct s3_entry *e, bool versions, struct arena *texts, struct lane_item *out)
{
	*out = (struct lane_item){ .id = e->key, .name = e->key, .purpose = SLICE_LIT(""), .status = SLICE_LIT(""), .bytes = e->bytes,
				   .created_us = e->modified_us };
	if (!versions)
		return;
	char *id = arena_alloc(texts, e->key.n + e->version.n + 1);
	memcpy(id, e->key.p, e->key.n);
	id[e->key.n] = '@';
	memcpy(id + e->key.n + 1, e->version.p, e->version.n);
	out->id = (struct slice){ id, e->key.n + e->version.n + 1 };
	out->purpose = e->latest ? SLICE_LIT("current") : SLICE_LIT("noncurrent");
}

static int by_id(const void *a, const void *b)
{
	return slice_cmp(((const struct lane_item *)a)->id, ((const struct lane_item *)b)->id);
}

/* Delete markers are no items: deleting one brings an object back. NULL, or what is wrong. */
static const char *take_items(struct s3_page *p, const struct s3_list *l, struct lane_item *items, size_t *n)
{
	bool versions = s3_versions(p->ln);
	struct slice prefix = slice_of(p->ln->base.cfg->prefix);
	for (size_t i = 0; i < l->n; i++) {
		const struct s3_entry *e = &l->entry[i];
		if (e->key.n < prefix.n || memcmp(e->key.p, prefix.p, prefix.n) != 0)
			return "a key of it does not begin with the lane's prefix";
		if (versions && (e->version.n > S3_VERSION_MAX || memchr(e->version.p, '@', e->version.n)))
			return "a version id of it cannot be part of an item's id";
		if (e->kind != S3_MARKER)
			item_of(e, versions, l->texts, &items[(*n)++]);
	}
	qsort(items, *n, sizeof *items, by_id);
	for (size_t i = 1; i < *n; i++)
		if (slice_eq(items[i - 1].id, items[i].id))
			return "the page has one key twice";
	return l->truncated && !l->n ? "an empty page says that there is more" : NULL;
}

static void page_read(struct s3_page *p)
{
	const struct s3_list *l = &p->list;
	struct lane_page *page = &p->page;
	struct lane_item *items = xcalloc(l->n + 1, sizeof *items);
	const char *fault = take_items(p, l, items, &page->n);
	page->items = items;
	page->last = !l->truncated;
	page->undoable = !s3_versions(p->ln) && p->versioned.is == S3_VERSIONING_ENABLED;
	if (fault) {
		page->n = 0;
		page->trouble = LANE_GARBLED;
		snprintf(page->detail, sizeof page->detail, "the list is not usable: %.150s", fault);
	} else if (l->truncated) {
		cursor_of(l, s3_versions(p->ln), &p->cursor);
		page->cursor = buf_slice(&p->cursor);
	}
	page_deliver(p, page);
	free(items);
}

/* Both answers are there. */
static void page_end(struct s3_page *p)
{
	const struct s3_versioned *v = &p->versioned;
	if (p->bad_cursor || p->ln->freed)
		page_fail(p, p->ln->freed ? LANE_CUT : LANE_REJECTED, -1, p->ln->freed ? "cancelled here" : "not sent: no page gave this cursor");
	else if (v->is == S3_VERSIONING_UNKNOWN && (s3_versions(p->ln) || v->trouble != LANE_GARBLED))
		page_fail(p, v->trouble, v->wait_ms, v->detail);
	else if (p->page.trouble != LANE_FINE)
		page_deliver(p, &p->page);
	else
		page_read(p);
}

static void page_come(void *ctx, const struct http_answer *a)
{
	struct s3_page *p = ctx;
	struct s3_error said;
	struct err e = { 0 };
	char detail[200];
	enum lane_trouble t = s3_trouble(a, p->signed_us, &said, detail);
	p->page = (struct lane_page){ .wait_ms = t == LANE_PACED ? dialect_wait_ms(a) : -1, .date_us = t == LANE_FINE ? a->date_us : -1, .status = a->status };
	if (t != LANE_FINE)
		page_trouble(p, t, detail);
	else if (s3_read_list(&p->list, a->body, s3_versions(p->ln), &e) != RC_OK) {
		snprintf(detail, sizeof detail, "the list is not usable: %.150s", e.text);
		page_trouble(p, LANE_GARBLED, detail);
	}
	if (!--p->waits)
		page_end(p);
}

static void page_ask(struct s3_page *p)
{
	struct s3_lane *ln = p->ln;
	struct buf query = { 0 };
	s3_query_list(&query, s3_versions(ln), slice_of(ln->base.cfg->prefix), MIN(ln->base.cfg->page_items, 1000), buf_slice(&p->next), buf_slice(&p->next_version));
	struct s3_out o = { .method = "GET", .query = buf_slice(&query), .max_body = S3_LIST_MAX, .timeout_ms = ln->base.cfg->list_timeout_ms };
	p->waits++;
	s3_send(ln, &o, &p->signed_us, page_come, p);
	buf_done(&query);
}

static void page_versioned(void *ctx, const struct s3_versioned *v)
{
	struct s3_page *p = ctx;
	bool versions = s3_versions(p->ln);
	p->versioned = *v;
	if (versions && v->is == S3_VERSIONING_NEVER)
		page_trouble(p, LANE_UNSUPPORTED, "the bucket has never been versioned, so it has no versions to list: write versions: current");
	else if (versions && v->is != S3_VERSIONING_UNKNOWN && !p->bad_cursor && !p->ln->freed)
		page_ask(p);
	if (!--p->waits)
		page_end(p);
}

void s3_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx)
{
	struct s3_page *p = xcalloc(1, sizeof *p);
	p->ln = s3_self(base);
	p->fn = fn;
	p->ctx = ctx;
	p->waits = 1;
	p->page = (struct lane_page){ .wait_ms = -1, .date_us = -1 };
	p->bad_cursor = !cursor_read(p, cursor);
	s3_versioned(p->ln, page_versioned, p);
	if (!s3_versions(p->ln) && !p->bad_cursor)
		page_ask(p);
}

/* ---- one item ---- */

struct s3_probing {
	struct s3_lane *ln;
	lane_probe_fn *fn;
	void *ctx;
	struct buf id;
	struct s3_ask ask;              /* into id */
	struct buf next, next_version;
	int64_t signed_us, since_us;
	int pages;
};

static void probe_page(struct s3_probing *q);

static void probe_end(struct s3_probing *q, struct lane_probe *p)
{
	p->took_us = now_read().boot_us - q->since_us;
	q->fn(q->ctx, p);
	buf_done(&q->id);
	buf_done(&q->next);
	buf_done(&q->next_version);
	free(q);
}

static void probe_fail(struct s3_probing *q, enum lane_trouble t, int64_t wait_ms, int status, const char *why)
{
	struct lane_probe p = { .presence = LANE_NO_ANSWER, .trouble = t, .wait_ms = wait_ms, .status = status };
	snprintf(p.detail, sizeof p.detail, "%.190s", why);
	probe_end(q, &p);
}

static const struct s3_entry *find_entry(const struct s3_list *l, const struct s3_ask *ask)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entry[i].kind != S3_MARKER && slice_eq(l->entry[i].key, ask->key) && (!ask->version.n || slice_eq(l->entry[i].version, ask->version)))
			return &l->entry[i];
	return NULL;
}

/* Keys come in order, so the key itself comes first of all that begin with it. */
static bool read_past(const struct s3_list *l, const struct s3_ask *ask)
{
	return !l->truncated || (l->n && !slice_eq(l->entry[l->n - 1].key, ask->key));
}

static void probe_read(struct s3_probing *q, const struct http_answer *a)
{
	struct s3_list l;
	struct err e = { 0 };
	if (s3_read_list(&l, a->body, s3_versions(q->ln), &e) != RC_OK) {
		probe_fail(q, LANE_GARBLED, -1, a->status, e.text);
		s3_list_done(&l);
		return;
	}
	const struct s3_entry *hit = find_entry(&l, &q->ask);
	if (hit || read_past(&l, &q->ask)) {
		struct lane_probe p = { .presence = hit ? LANE_PRESENT : LANE_ABSENT, .wait_ms = -1, .status = a->status };
		if (hit)
			item_of(hit, s3_versions(q->ln), l.texts, &p.item);
		probe_end(q, &p);
	} else if (++q->pages >= PROBE_PAGES_MAX || !l.n || q->ln->freed) {
		probe_fail(q, LANE_GARBLED, -1, a->status, "the list of this key does not end");
	} else {
		buf_clear(&q->next);
		buf_clear(&q->next_version);
		buf_add(&q->next, l.next.p, l.next.n);
		buf_add(&q->next_version, l.next_version.p, l.next_version.n);
		probe_page(q);
	}
	s3_list_done(&l);
}

static void probe_come(void *ctx, const struct http_answer *a)
{
	struct s3_probing *q = ctx;
	struct s3_error said;
	char detail[200];
	enum lane_trouble t = s3_trouble(a, q->signed_us, &said, detail);
	if (t != LANE_FINE)
		probe_fail(q, t, t == LANE_PACED ? dialect_wait_ms(a) : -1, a->status, detail);
	else
		probe_read(q, a);
}

static void probe_page(struct s3_probing *q)
{
	struct s3_lane *ln = q->ln;
	struct buf query = { 0 };
	s3_query_list(&query, s3_versions(ln), q->ask.key, s3_versions(ln) ? 1000 : 1, buf_slice(&q->next), buf_slice(&q->next_version));
	struct s3_out o = { .method = "GET", .query = buf_slice(&query), .max_body = S3_LIST_MAX, .timeout_ms = ln->base.cfg->timeout_ms };
	s3_send(ln, &o, &q->signed_us, probe_come, q);
	buf_done(&query);
}

static void probe_refused(void *ctx) { probe_fail(ctx, LANE_REJECTED, -1, 0, "not sent: no list of this lane gave this id"); }

void s3_probe(struct lane *base, struct slice id, lane_probe_fn *fn, void *ctx)
{
	struct s3_probing *q = xcalloc(1, sizeof *q);
	*q = (struct s3_probing){ .ln = s3_self(base), .fn = fn, .ctx = ctx, .since_us = now_read().boot_us };
	buf_add(&q->id, id.p, id.n);
	if (s3_split(q->ln, buf_slice(&q->id), &q->ask))
		probe_page(q);
	else
		loop_defer(base->loop, probe_refused, q);
}
