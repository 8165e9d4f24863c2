/* Complete lists: every page of a lane into the catalogue, then the floors of SEMANTICS 3. Nothing is
 * deleted while paging, and there is no fallback to another kind of list. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_TRIES = 5, LIST_PAGES_MAX = 1000000, LIST_WAIT_MAX_MS = 60000 };

struct listing {
	struct listing *next, **prev;   /* of the engine's; doubly linked */
	struct engine *en;
	int lane;
	bool unwanted;                  /* its answer was given: it ends as soon as nothing is under way */
	bool asked, writing;            /* under way: a page's request, a page's or the list's way into the catalogue */
	struct discovery_result r;
	discovery_fn *fn;
	void *ctx;
	struct loop_timer *timer;
	struct buf cursor;
	uint64_t *seen;                 /* hashes of cursors asked for, against repeats */
	size_t n_seen, cap_seen;
	int tries;
	int64_t skew_us;
	/* pages: the one on its way into the catalogue, and, beside it, the next one, asked for meanwhile */
	struct listed_page {
		struct catalog_item *items;     /* NULL = none */
		size_t n;
		struct arena *arena;
		bool last;
	} now, next_page;
	struct arena *arena;            /* of want */
	enum rc rc;
	struct err err;
	bool *sentinel;
	/* re-list instead of catalogue */
	struct wanted *want;            /* in the order of ids */
	bool *found;
	size_t n_want;
	relist_fn *relist;
	list_item_fn *each;             /* of a re-list; may be NULL */
	bool in_catalog;
};

struct wanted {
	struct slice id;
	size_t at;                      /* where the caller has it */
};

static void ask(struct listing *l);

static void page_drop(struct listed_page *p)
{
	arena_free(p->arena);
	free(p->items);
	*p = (struct listed_page){ 0 };
}

static void listing_free(struct listing *l)
{
	*l->prev = l->next;
	if (l->next)
		l->next->prev = l->prev;
	loop_timer_free(l->timer);
	buf_done(&l->cursor);
	free(l->seen);
	free(l->sentinel);
	free(l->found);
	free(l->want);
	page_drop(&l->now);
	page_drop(&l->next_page);
	arena_free(l->arena);
	free(l);
}

/* Nobody wants it any more: it is gone as soon as nothing of it is under way. */
static void rest(struct listing *l)
{
	if (!l->asked && !l->writing)
		listing_free(l);
	else
		loop_timer_stop(l->timer);
}

static void answer(struct listing *l, bool ok, const char *trouble)
{
	if (l->unwanted)
		return;
	l->unwanted = true;
	l->r.ok = ok;
	snprintf(l->r.trouble, sizeof l->r.trouble, "%s", trouble);
	if (l->relist)
		l->relist(l->ctx, ok, l->found, l->n_want, trouble);
	else
		l->fn(l->ctx, l->lane, &l->r);
}

static void finish(struct listing *l, bool ok, const char *trouble)
{
	answer(l, ok, trouble);
	rest(l);
}

void discover_stop(struct engine *en, int lane, const char *why)
{
	struct listing *next;
	for (struct listing *l = en->listings; l; l = next) {
		next = l->next;
		if (l->unwanted || (lane >= 0 && l->lane != lane))
			continue;
		finish(l, false, why);
	}
}

/* ---- floors ---- */

static bool floors(struct listing *l, char why[240])
{
	struct engine *en = l->en;
	const struct cfg_lane *cfg = en->lane[l->lane].cfg;
	struct journal_lane mem;
	struct err e;
	if (journal_read_lane(en->reader, slice_of(cfg->name), now_read().wall_us, &mem, &e) != RC_OK) {
		snprintf(why, 240, "its last good list cannot be read: %.150s", e.text);
		return false;
	}
	l->r.expected = mem.listed_items < 0 ? -1 : MAX(mem.listed_items - mem.deleted_since, 0);
	if (l->r.expected > 0 && !l->r.items)
		snprintf(why, 240, "the list is empty, %" PRId64 " items were expected", l->r.expected);
	else if (l->r.expected > 0 && 2 * l->r.items < l->r.expected)
		snprintf(why, 240, "only %" PRId64 " items are listed, %" PRId64 " were expected", l->r.items, l->r.expected);
	else if (l->r.clock_known && llabs(l->skew_us) > en->cfg->engine.clock_skew_ms * 1000)
		snprintf(why, 240, "our clock and the server's differ by %" PRId64 " s; set the clock", (int64_t)(llabs(l->skew_us) / 1000000));
	else {
		for (size_t i = 0; i < cfg->n_sentinels; i++)
			if (!l->sentinel[i]) {
				snprintf(why, 240, "sentinel %s is not in the list: wrong account, or an incomplete list", cfg->sentinels[i]);
				return false;
			}
		return true;
	}
	return false;
}

/* ---- pages ---- */

static void listed_work(struct catalog *c, void *ctx)
{
	struct listing *l = ctx;
	l->rc = catalog_list_finish(c, l->lane, &l->r.items, &l->err);
}

static void listed_done(void *ctx)
{
	struct listing *l = ctx;
	char why[240] = "";
	l->writing = false;
	if (l->unwanted)
		rest(l);
	else if (l->rc != RC_OK)
		finish(l, false, l->err.text);
	else
		finish(l, floors(l, why), why);
}

static void page_work(struct catalog *c, void *ctx)
{
	struct listing *l = ctx;
	l->rc = RC_OK;
	if (!l->in_catalog) {
		l->rc = catalog_list_begin(c, l->lane, &l->err);
		l->in_catalog = true;
	}
	if (l->rc == RC_OK)
		l->rc = catalog_list_add(c, l->now.items, l->now.n, &l->err);
}

static void page_done(void *ctx);

/* The page that came goes into the catalogue, while the one after it is on its way here. */
static void page_write(struct listing *l)
{
	l->now = l->next_page;
	l->next_page = (struct listed_page){ 0 };
	l->writing = true;
	job_queue(l->en, page_work, page_done, l);
	if (!l->now.last)
		ask(l);
}

static void page_done(void *ctx)
{
	struct listing *l = ctx;
	bool last = l->now.last;
	l->writing = false;
	page_drop(&l->now);
	if (l->unwanted)
		rest(l);
	else if (l->rc != RC_OK)
		finish(l, false, l->err.text);
	else if (last) {
		l->writing = true;
		job_queue(l->en, listed_work, listed_done, l);
	} else if (l->next_page.items)
		page_write(l);
}

static uint64_t cursor_hash(struct slice s)
{
	struct hash h;
	uint64_t v;
	hash_bytes(&h, s.p, s.n);
	memcpy(&v, h.b, sizeof v);
	return v;
}

static bool cursor_repeats(struct listing *l, struct slice cursor)
{
	uint64_t h = cursor_hash(cursor);
	for (size_t i = 0; i < l->n_seen; i++)
		if (l->seen[i] == h)
			return true;
	GROW(l->seen, l->cap_seen, l->n_seen + 1);
	l->seen[l->n_seen++] = h;
	return false;
}

static void keep_items(struct listing *l, const struct lane_page *p)
{
	const struct cfg_lane *cfg = l->en->lane[l->lane].cfg;
	struct arena *a = arena_new(1 << 16);
	l->next_page = (struct listed_page){ xcalloc(MAX(p->n, (size_t)1), sizeof *l->next_page.items), p->n, a, p->last };
	for (size_t i = 0; i < p->n; i++) {
		const struct lane_item *it = &p->items[i];
		l->next_page.items[i] = (struct catalog_item){
			.lane = l->lane, .bytes = it->bytes, .created_us = it->created_us, .expires_us = it->expires_us,
			.id = { arena_strndup(a, it->id.p, it->id.n), it->id.n },
			.name = { arena_strndup(a, it->name.p, it->name.n), it->name.n },
			.purpose = { arena_strndup(a, it->purpose.p, it->purpose.n), it->purpose.n },
			.status = { arena_strndup(a, it->status.p, it->status.n), it->status.n },
		};
		l->r.bytes += MAX(it->bytes, 0);
		for (size_t k = 0; k < cfg->n_sentinels; k++)
			l->sentinel[k] |= slice_is(it->id, cfg->sentinels[k]);
	}
}

static int by_id(const void *a, const void *b)
{
	return slice_cmp(((const struct wanted *)a)->id, ((const struct wanted *)b)->id);
}

static void mark_found(struct listing *l, const struct lane_page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct wanted key = { .id = p->items[i].id };
		const struct wanted *w = bsearch(&key, l->want, l->n_want, sizeof key, by_id);
		if (w)
			l->found[w->at] = true;
	}
}

static bool again(struct listing *l, const struct lane_page *p)
{
	bool passing = p->trouble == LANE_PACED || p->trouble == LANE_SERVER || p->trouble == LANE_NETWORK ||
		       p->trouble == LANE_TIMEOUT || p->trouble == LANE_CUT;
	int64_t wait = p->wait_ms >= 0 ? p->wait_ms : (int64_t)250 << l->tries;
	if (!passing || ++l->tries >= LIST_TRIES || wait > LIST_WAIT_MAX_MS)
		return false;
	loop_timer_start(l->timer, MAX(wait, 1), 0);
	return true;
}

static void page_failed(struct listing *l, const struct lane_page *p)
{
	char why[240], wait[48] = "";
	if (p->wait_ms > LIST_WAIT_MAX_MS)
		snprintf(wait, sizeof wait, "; it asks to wait for %" PRId64 " s", p->wait_ms / 1000);
	snprintf(why, sizeof why, "listing failed on page %" PRId64 ": %.120s%s", l->r.pages + 1, p->detail, wait);
	finish(l, false, why);
}

static void on_page(void *ctx, const struct lane_page *p)
{
	struct listing *l = ctx;
	l->asked = false;
	if (l->unwanted) {
		rest(l);
		return;
	}
	if (p->trouble != LANE_FINE) {
		if (!again(l, p))
			page_failed(l, p);
		return;
	}
	l->tries = 0;
	l->r.undoable = p->undoable && (l->r.undoable || !l->r.pages);
	l->r.pages++;
	if (p->date_us >= 0) {
		l->r.clock_known = true;
		l->skew_us = now_read().wall_us - p->date_us;
	}
	if (!p->last && !p->cursor.n)
		finish(l, false, "a page claimed that more follows, and not after what");
	else if (!p->last && cursor_repeats(l, p->cursor))
		finish(l, false, "the store repeated a cursor: the list goes in circles");
	else if (l->r.pages > LIST_PAGES_MAX)
		finish(l, false, "the list does not end");
	else {
		buf_clear(&l->cursor);
		buf_add(&l->cursor, p->cursor.p, p->cursor.n);
		if (l->relist) {
			mark_found(l, p);
			for (size_t i = 0; l->each && i < p->n; i++)
				l->each(l->ctx, &p->items[i]);
			if (p->last)
				finish(l, true, "");
			else
				ask(l);
			return;
		}
		keep_items(l, p);
		if (!l->writing)
			page_write(l);
	}
}

static void ask(struct listing *l)
{
	l->asked = true;
	lane_list(l->en->lane[l->lane].lane, buf_slice(&l->cursor), on_page, l);
}

static void on_wait(void *ctx) { ask(ctx); }

static struct listing *listing_new(struct engine *en, int lane, void *ctx)
{
	struct listing *l = xcalloc(1, sizeof *l);
	l->en = en;
	l->lane = lane;
	l->ctx = ctx;
	l->r.expected = -1;
	l->sentinel = xcalloc(en->lane[lane].cfg->n_sentinels + 1, sizeof *l->sentinel);
	l->timer = loop_timer_new(en->loop, on_wait, l);
	buf_init(&l->cursor);
	l->next = en->listings;
	l->prev = &en->listings;
	if (l->next)
		l->next->prev = &l->next;
	en->listings = l;
	return l;
}

void discover_lane(struct engine *en, int lane, discovery_fn *fn, void *ctx)
{
	struct listing *l = listing_new(en, lane, ctx);
	l->fn = fn;
	ask(l);
}

void relist_lane(struct engine *en, int lane, const struct slice *ids, size_t n, relist_fn *fn, void *ctx)
{
	struct listing *l = listing_new(en, lane, ctx);
	l->want = xcalloc(n + 1, sizeof *l->want);
	l->arena = arena_new(4096);
	for (size_t i = 0; i < n; i++)
		l->want[i] = (struct wanted){ { arena_strndup(l->arena, ids[i].p, ids[i].n), ids[i].n }, i };
	qsort(l->want, n, sizeof *l->want, by_id);
	l->n_want = n;
	l->found = xcalloc(n + 1, sizeof *l->found);
	l->relist = fn;
	ask(l);
}

void walk_lane(struct engine *en, int lane, list_item_fn *each, relist_fn *fn, void *ctx)
{
	struct listing *l = listing_new(en, lane, ctx);
	l->want = xcalloc(1, sizeof *l->want);
	l->relist = fn;
	l->each = each;
	ask(l);
}

/* ---- records ---- */

struct rows {
	struct engine *en;
	struct erecords *r;
	discover_records_fn *fn;
	void *ctx;
	struct catalog *cat;            /* its own writer: other jobs are held meanwhile */
	struct records_list list;
};

/* On the records' worker. */
static enum rc rows_page(void *ctx, const struct catalog_row *rows, size_t n, struct err *e)
{
	struct rows *q = ctx;
	enum rc rc = RC_OK;
	if (!q->cat) {
		rc = catalog_open(&q->cat, q->en->paths->catalog, CATALOG_WRITER, e);
		if (rc == RC_OK)
			rc = catalog_rows_begin(q->cat, e);
	}
	return rc == RC_OK ? catalog_rows_add(q->cat, rows, n, e) : rc;
}

/* The catalogue's other jobs wait until rows_finish_done. */
static void rows_finish_work(void *ctx)
{
	struct rows *q = ctx;
	struct catalog *c = q->cat ? q->cat : q->en->catalog;
	int64_t n;
	if (q->list.rc != RC_OK)
		return;
	if (!q->cat)                    /* not one page: an empty table */
		q->list.rc = catalog_rows_begin(c, &q->list.err);
	if (q->list.rc == RC_OK)
		q->list.rc = catalog_rows_finish(c, &n, &q->list.err);
}

static void rows_finish_done(void *ctx)
{
	struct rows *q = ctx;
	catalog_close(q->cat);
	q->r->list = q->list;
	q->r->listed = true;
	q->r->listed_us = now_read().wall_us;
	q->en->rows_of = q->list.rc == RC_OK ? q->r : NULL;
	job_let_go(q->en);
	q->fn(q->ctx, &q->r->list);
	free(q);
}

static void rows_listed(void *ctx, const struct records_list *l)
{
	struct rows *q = ctx;
	q->list = *l;
	loop_work(q->en->loop, rows_finish_work, rows_finish_done, q);
}

static void rows_begin(void *ctx)
{
	struct rows *q = ctx;
	q->en->rows_of = NULL;
	if (!q->en->closing) {
		records_list(q->r->rec, rows_page, rows_listed, q);
		return;
	}
	q->list.rc = err_set(&q->list.err, RC_CANCELLED, "the engine stops: the records were not asked");
	rows_finish_done(q);
}

void discover_records(struct engine *en, struct erecords *r, discover_records_fn *fn, void *ctx)
{
	struct rows *q = xcalloc(1, sizeof *q);
	*q = (struct rows){ .en = en, .r = r, .fn = fn, .ctx = ctx };
	job_hold(en, rows_begin, q);
}
