/* The lists of OpenAI-like lanes: pages, small ones read at once, large ones by a worker. */
#include "lane/files_impl.h"

#include "base/mem.h"

#include <stdlib.h>

enum { PARSE_ON_WORKER_BYTES = 1 << 20 };

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
	files_call_free(c);
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

void files_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	struct call *c = files_call_new(ln, CALL_LIST, slice_of(NULL), ctx);
	struct buf url = { 0 };
	c->fn.page = fn;
	if (!set_place(c, cursor)) {
		loop_defer(ln->base.loop, list_refused, c);
		return;
	}
	list_url(c, &url);
	files_send(c, "GET", buf_z(&url), FILES_LIST_MAX, NULL, listed);
	buf_done(&url);
}

void files_list_stop(struct files_lane *ln)
{
	while (ln->jobs) {
		struct page_job *j = ln->jobs;
		struct lane_page gone = { .trouble = LANE_CUT, .wait_ms = -1, .date_us = -1, .detail = "cancelled here" };
		struct call *c = j->call;
		ln->jobs = j->next;
		j->call = NULL;
		page_deliver(c, &gone);
	}
}
