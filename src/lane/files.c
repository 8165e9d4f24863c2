/* Lanes that speak OpenAI's Files API in one of the dialects of lane/dialect.h. */
#include "lane/lane_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "lane/dialect.h"
#include "lane/probe_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARSE_ON_WORKER_BYTES = 1 << 20, LIST_BODY_MAX = 256 << 20, ANSWER_BODY_MAX = 256 << 10 };

struct files_lane {
	struct lane base;
	const struct dialect *d;
	struct http_client *http;
	struct page_job *jobs;          /* pages that a worker reads */
	struct probe_list *lists;       /* NULL where one item can be asked for */
	const char *const *purposes;    /* asked for in turn; none = all at once */
	size_t n_purposes;
};

enum call_kind { CALL_LIST, CALL_DELETE, CALL_PROBE };

struct call {
	struct files_lane *ln;
	enum call_kind kind;
	union {
		lane_page_fn *page;
		lane_answer_fn *answer;
		lane_probe_fn *probe;
	} fn;
	void *ctx;
	struct buf subject;             /* the id, or after which item of a list */
	size_t purpose;                 /* of a list, where it goes by purpose */
	struct buf cursor;              /* of the next page */
};

/* A page in the hands of a worker. It owns copies, so the lane may go while it runs. */
struct page_job {
	struct page_job *next;
	struct call *call;              /* NULL = the lane has gone: only free */
	const struct dialect *d;
	struct dialect_ask ask;
	struct buf body, after;
	struct http_answer answer;
	struct lane_page page;
	struct lane_item *items;
	struct json_doc *doc;
};

/* ---- life ---- */

static struct files_lane *self(struct lane *ln) { return (struct files_lane *)ln; }
static const struct files_lane *self_const(const struct lane *ln) { return (const struct files_lane *)ln; }

static bool files_speaks(struct slice dialect) { return dialect_find(dialect) != NULL; }

static void set_purposes(struct files_lane *ln)
{
	if (!ln->d->purpose_param)
		return;
	ln->purposes = ln->base.cfg->n_purposes ? ln->base.cfg->purposes : ln->d->purposes;
	ln->n_purposes = ln->base.cfg->n_purposes;
	while (!ln->base.cfg->n_purposes && ln->purposes[ln->n_purposes])
		ln->n_purposes++;
}

/* What is listed is part of what a plan is about. */
static void files_identity(const struct lane *base, struct buf *out)
{
	const struct files_lane *ln = self_const(base);
	for (size_t i = 0; i < ln->n_purposes; i++)
		buf_addf(out, "%s%s", i ? "," : " purposes=", ln->purposes[i]);
}

static enum rc files_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e)
{
	struct files_lane *ln = xcalloc(1, sizeof *ln);
	struct http_opts o = {
		.max_connections = (int)MIN(cfg->in_flight + 2, 1024),
		.ca_file = cfg->ca_file,
		.allow_plain = cfg->cleartext,
	};
	(void)e;
	ln->base = (struct lane){ .kind = &files_kind, .loop = l, .cfg = cfg, .key = key };
	ln->d = dialect_find(slice_of(cfg->dialect));
	ln->http = http_client_new(l, &o);
	if (!ln->d->has_get)
		ln->lists = probe_list_new(&ln->base);
	set_purposes(ln);
	*out = &ln->base;
	return RC_OK;
}

static void files_permit(struct lane *ln, enum http_permit p) { http_client_permit(self(ln)->http, p); }
static bool files_can_get(const struct lane *ln) { return self_const(ln)->d->has_get; }
static int64_t files_requests_sent(const struct lane *ln) { return http_requests_sent(self_const(ln)->http); }

/* ---- requests ---- */

enum { HEADERS_MAX = 24 };

/* Header lines of one request. The first may hold the credential: wiped right after the send. */
struct headers {
	struct buf auth;
	struct buf extra[HEADERS_MAX];
	const char *lines[HEADERS_MAX + 3];
};

static void headers_fill(struct headers *h, const struct files_lane *ln)
{
	size_t n = 0;
	memset(h, 0, sizeof *h);
	h->lines[n++] = "Accept: application/json";
	if (ln->base.key) {
		struct slice k = secret_use(ln->base.key);
		char *room = xcalloc(1, k.n + sizeof "Authorization: Bearer ");
		h->auth.p = room;       /* one allocation, so that growing leaves no copy behind */
		h->auth.cap = k.n + sizeof "Authorization: Bearer ";
		buf_adds(&h->auth, "Authorization: Bearer ");
		buf_add(&h->auth, k.p, k.n);
		h->lines[n++] = buf_z(&h->auth);
	}
	for (size_t i = 0; i < ln->base.cfg->n_headers && i < HEADERS_MAX; i++) {
		buf_addf(&h->extra[i], "%s: %s", ln->base.cfg->headers[i].name, ln->base.cfg->headers[i].value);
		h->lines[n++] = buf_z(&h->extra[i]);
	}
	h->lines[n] = NULL;
}

static void headers_wipe(struct headers *h)
{
	secret_wipe(&h->auth);
	buf_done(&h->auth);
	for (size_t i = 0; i < HEADERS_MAX; i++)
		buf_done(&h->extra[i]);
}

static void call_free(struct call *c)
{
	buf_done(&c->subject);
	buf_done(&c->cursor);
	free(c);
}

static struct call *call_new(struct files_lane *ln, enum call_kind kind, struct slice subject, void *ctx)
{
	struct call *c = xcalloc(1, sizeof *c);
	c->ln = ln;
	c->kind = kind;
	c->ctx = ctx;
	buf_add(&c->subject, subject.p, subject.n);
	return c;
}

static void send_call(struct call *c, const char *method, const char *url, size_t max_body, http_done_fn *done)
{
	const struct cfg_lane *cfg = c->ln->base.cfg;
	struct headers h;
	headers_fill(&h, c->ln);
	struct http_req r = {
		.method = method, .url = url, .headers = h.lines,
		.timeout_ms = c->kind == CALL_LIST ? cfg->list_timeout_ms : cfg->timeout_ms, .max_body = max_body,
	};
	http_send(c->ln->http, &r, done, c);
	headers_wipe(&h);
}

/* "." and ".." would be folded into the path of the whole list on their way. */
static bool addressable(struct slice id)
{
	return id.n && !slice_is(id, ".") && !slice_is(id, "..");
}

static void item_url(const struct files_lane *ln, struct slice id, struct buf *out)
{
	struct slice u = lane_base_url(&ln->base);
	buf_add(out, u.p, u.n);
	buf_adds(out, ln->d->list_path);
	buf_addc(out, '/');
	url_segment(out, id);
}

/* ---- list ---- */

static void list_url(const struct call *c, struct buf *out)
{
	const struct files_lane *ln = c->ln;
	struct slice u = lane_base_url(&ln->base);
	int64_t limit = MIN(ln->base.cfg->page_items, (int64_t)ln->d->page_max);
	buf_add(out, u.p, u.n);
	buf_adds(out, ln->d->list_path);
	if (ln->d->unpaged)
		return;
	buf_addf(out, "?%s=%lld", ln->d->limit_param, (long long)limit);
	if (ln->n_purposes) {
		buf_addf(out, "&%s=", ln->d->purpose_param);
		url_segment(out, slice_of(ln->purposes[c->purpose]));
	}
	if (!c->subject.n)
		return;
	buf_addf(out, "&%s=", ln->d->cursor_param);
	url_segment(out, buf_slice(&c->subject));
}

static struct dialect_ask ask_of(const struct call *c)
{
	const struct files_lane *ln = c->ln;
	return (struct dialect_ask){
		.after = buf_slice(&c->subject), .purposes = ln->purposes, .n_purposes = ln->n_purposes,
		.purpose = ln->n_purposes ? slice_of(ln->purposes[c->purpose]) : slice_of(NULL),
		.cap = MIN(ln->base.cfg->page_items, (int64_t)ln->d->page_max), .quota = ln->base.cfg->quota_items,
	};
}

/* A list by purpose is one list: its cursor is "N:ID", after ID in the N-th purpose. */
static void chain(struct call *c, struct lane_page *p)
{
	size_t next = c->purpose + p->last;
	if (!c->ln->n_purposes || p->trouble != LANE_FINE || next == c->ln->n_purposes)
		return;
	buf_addf(&c->cursor, "%zu:%.*s", next, p->last ? 0 : (int)p->cursor.n, p->last ? "" : p->cursor.p);
	p->cursor = buf_slice(&c->cursor);
	p->last = false;
}

/* The start of a list for an empty cursor; false for one that no page of this lane gave. */
static bool set_place(struct call *c, struct slice cursor)
{
	size_t n = 0;
	if (!c->ln->n_purposes || !cursor.n) {
		buf_add(&c->subject, cursor.p, cursor.n);
		return true;
	}
	for (; n < cursor.n && cursor.p[n] >= '0' && cursor.p[n] <= '9' && c->purpose < c->ln->n_purposes; n++)
		c->purpose = c->purpose * 10 + (size_t)(cursor.p[n] - '0');
	if (!n || n == cursor.n || cursor.p[n] != ':' || c->purpose >= c->ln->n_purposes)
		return false;
	buf_add(&c->subject, cursor.p + n + 1, cursor.n - n - 1);
	return true;
}

static void page_deliver(struct call *c, struct lane_page *p)
{
	chain(c, p);
	c->fn.page(c->ctx, p);
	call_free(c);
}

static void job_unlink(struct page_job *j)
{
	for (struct page_job **at = &j->call->ln->jobs; *at; at = &(*at)->next)
		if (*at == j) {
			*at = j->next;
			return;
		}
}

static void job_free(struct page_job *j)
{
	buf_done(&j->body);
	buf_done(&j->after);
	free(j->items);
	json_doc_free(j->doc);
	free(j);
}

static void job_work(void *ctx)
{
	struct page_job *j = ctx;
	if (dialect_read_page(j->d, &j->answer, &j->ask, &j->page, &j->items, &j->doc) != RC_OK)
		j->page.n = 0;          /* trouble and detail say why */
}

static void job_done(void *ctx)
{
	struct page_job *j = ctx;
	if (j->call) {
		job_unlink(j);
		page_deliver(j->call, &j->page);
	}
	job_free(j);
}

static struct page_job *job_new(struct call *c, const struct http_answer *a)
{
	struct page_job *j = xcalloc(1, sizeof *j);
	j->call = c;
	j->d = c->ln->d;
	j->ask = ask_of(c);
	buf_add(&j->after, c->subject.p, c->subject.n);
	j->ask.after = buf_slice(&j->after);
	buf_add(&j->body, a->body.p, a->body.n);
	j->answer = *a;
	j->answer.body = buf_slice(&j->body);
	j->next = c->ln->jobs;
	c->ln->jobs = j;
	return j;
}

static void listed(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_page page;
	struct lane_item *items;
	struct json_doc *doc;
	if (a->body.n > PARSE_ON_WORKER_BYTES) {
		loop_work(c->ln->base.loop, job_work, job_done, job_new(c, a));
		return;
	}
	struct dialect_ask ask = ask_of(c);
	if (dialect_read_page(c->ln->d, a, &ask, &page, &items, &doc) != RC_OK)
		page.n = 0;
	page_deliver(c, &page);
	free(items);
	json_doc_free(doc);
}

static void list_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_page p = { .trouble = LANE_REJECTED, .wait_ms = -1, .date_us = -1, .detail = "not sent: no page gave this cursor" };
	page_deliver(c, &p);
}

static void files_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx)
{
	struct files_lane *ln = self(base);
	struct call *c = call_new(ln, CALL_LIST, slice_of(NULL), ctx);
	struct buf url = { 0 };
	c->fn.page = fn;
	if (!set_place(c, cursor)) {
		loop_defer(ln->base.loop, list_refused, c);
		return;
	}
	list_url(c, &url);
	send_call(c, "GET", buf_z(&url), LIST_BODY_MAX, listed);
	buf_done(&url);
}

static void files_free(struct lane *base)
{
	struct files_lane *ln = self(base);
	if (ln->lists)
		probe_list_stop(ln->lists);
	http_client_free(ln->http);
	while (ln->jobs) {
		struct page_job *j = ln->jobs;
		struct lane_page gone = { .trouble = LANE_CUT, .wait_ms = -1, .date_us = -1, .detail = "cancelled here" };
		struct call *c = j->call;
		ln->jobs = j->next;
		j->call = NULL;
		page_deliver(c, &gone);
	}
	probe_list_free(ln->lists);
	free(ln);
}

/* ---- delete ---- */

static void deleted(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_answer out;
	dialect_read_delete(c->ln->d, a, buf_slice(&c->subject), &out);
	c->fn.answer(c->ctx, &out);
	call_free(c);
}

static void delete_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_answer out = { .kind = LANE_ITEM_REFUSED, .trouble = LANE_REJECTED, .class_ = RETRY_REJECTED, .wait_ms = -1,
				   .detail = "not sent: this id cannot be written in a URL" };
	c->fn.answer(c->ctx, &out);
	call_free(c);
}

static void files_delete(struct lane *base, struct slice id, lane_answer_fn *fn, void *ctx)
{
	struct files_lane *ln = self(base);
	struct call *c = call_new(ln, CALL_DELETE, id, ctx);
	struct buf url = { 0 };
	c->fn.answer = fn;
	if (!addressable(id)) {
		loop_defer(ln->base.loop, delete_refused, c);
		return;
	}
	item_url(ln, id, &url);
	send_call(c, "DELETE", buf_z(&url), ANSWER_BODY_MAX, deleted);
	buf_done(&url);
}

/* ---- probe ---- */

static void probe_read(const struct dialect *d, const struct http_answer *a, struct slice id, struct lane_probe *p, struct json_doc **doc)
{
	bool about_item;
	struct err e = { 0 };
	memset(p, 0, sizeof *p);
	*doc = NULL;
	p->presence = LANE_NO_ANSWER;
	p->wait_ms = -1;
	p->status = a->status;
	p->took_us = a->took_us;
	p->trouble = dialect_trouble(d, a, &about_item, p->detail);
	if (p->trouble == LANE_PACED)
		p->wait_ms = dialect_wait_ms(a);
	if (dialect_says_missing(d, a)) {
		p->presence = LANE_ABSENT;
		p->trouble = LANE_FINE;
	} else if (p->trouble == LANE_FINE && dialect_read_item(d, a, id, &p->item, doc, &e) == RC_OK) {
		p->presence = LANE_PRESENT;
	} else if (p->trouble == LANE_FINE) {
		p->trouble = LANE_GARBLED;
		snprintf(p->detail, sizeof p->detail, "%.190s", e.text);
	}
}

static void probed(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_probe p;
	struct json_doc *doc;
	probe_read(c->ln->d, a, buf_slice(&c->subject), &p, &doc);
	c->fn.probe(c->ctx, &p);
	json_doc_free(doc);
	call_free(c);
}

static void probe_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_probe p = { .presence = LANE_NO_ANSWER, .trouble = LANE_REJECTED, .wait_ms = -1,
				.detail = "not sent: this id cannot be written in a URL" };
	c->fn.probe(c->ctx, &p);
	call_free(c);
}

static void files_probe(struct lane *base, struct slice id, lane_probe_fn *fn, void *ctx)
{
	struct files_lane *ln = self(base);
	if (ln->lists) {
		probe_list_ask(ln->lists, id, fn, ctx);
		return;
	}
	struct call *c = call_new(ln, CALL_PROBE, id, ctx);
	struct buf url = { 0 };
	c->fn.probe = fn;
	if (!addressable(id)) {
		loop_defer(ln->base.loop, probe_refused, c);
		return;
	}
	item_url(ln, id, &url);
	send_call(c, "GET", buf_z(&url), ANSWER_BODY_MAX, probed);
	buf_done(&url);
}

const struct lane_kind files_kind = {
	.speaks = files_speaks, .names = dialect_names, .open = files_new, .free = files_free, .permit = files_permit,
	.can_get = files_can_get, .requests_sent = files_requests_sent, .identity = files_identity,
	.list = files_list, .probe = files_probe, .delete_ = files_delete,
};
