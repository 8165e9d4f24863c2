/* Deletes that come within a few milliseconds go as one bulk request: every item has its own durable intent
 * before (the caller's), is in at most one request, and gets its own answer out of the one that comes back. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s3_delete {
	struct s3_delete *next;
	struct buf id;
	struct s3_ask ask;              /* into id */
	bool must_undo;
	lane_answer_fn *fn;
	void *ctx;
};

struct s3_batch {
	struct s3_lane *ln;
	struct s3_delete **item;
	struct s3_ask *ask;
	struct s3_said *said;
	size_t n;
	bool must_undo;
	int64_t signed_us;
};

static void item_end(struct s3_delete *d, const struct lane_answer *a)
{
	d->fn(d->ctx, a);
	buf_done(&d->id);
	free(d);
}

static void item_refused(void *ctx)
{
	item_end(ctx, &(struct lane_answer){ .kind = LANE_ITEM_REFUSED, .trouble = LANE_REJECTED, .class_ = RETRY_REJECTED, .wait_ms = -1,
					     .detail = "not sent: this key cannot be written in a bulk delete" });
}

static void batch_free(struct s3_batch *b)
{
	free(b->item);
	free(b->ask);
	free(b->said);
	free(b);
}

static void batch_end(struct s3_batch *b, const struct lane_answer *a)
{
	for (size_t i = 0; i < b->n; i++)
		item_end(b->item[i], a);
	batch_free(b);
}

/* Nothing left because something before it did not go well. */
static void batch_unsent(struct s3_batch *b, enum lane_trouble t, int64_t wait_ms, const char *why)
{
	bool passing = t == LANE_SERVER || t == LANE_TIMEOUT || t == LANE_CUT || t == LANE_NETWORK || t == LANE_GARBLED;
	struct lane_answer a = { .trouble = passing ? LANE_NETWORK : t, .wait_ms = wait_ms };
	dialect_meaning(a.trouble, false, &a);
	snprintf(a.detail, sizeof a.detail, "not sent: %.180s", why);
	batch_end(b, &a);
}

/* ---- the answer ---- */

static void answer_base(const struct http_answer *h, struct lane_answer *a)
{
	*a = (struct lane_answer){ .left = h->left, .status = h->status, .wait_ms = -1, .took_us = h->took_us, .quota = h->quota };
	memcpy(a->request_id, h->request_id, sizeof a->request_id);
}

static void unclear(struct lane_answer *a, const char *why)
{
	a->kind = LANE_UNCLEAR;
	a->trouble = LANE_GARBLED;
	a->class_ = RETRY_CONFLICTING;
	snprintf(a->detail, sizeof a->detail, "HTTP %d: %.120s: the object may be gone or not", a->status, why);
}

static void answer_item(struct s3_batch *b, size_t i, const struct lane_answer *base)
{
	const struct s3_said *s = &b->said[i];
	struct lane_answer a = *base;
	if (s->deleted && s->refused)
		unclear(&a, "the answer names this key as deleted and as not deleted");
	else if (s->refused)
		s3_key_error(&s->error, &a);
	else if (!s->deleted)
		unclear(&a, "the answer does not name this key");
	else if (b->must_undo && !s->marker_version[0])
		snprintf(a.detail, sizeof a.detail, "deleted, and the store names no delete marker: it may not come back");
	else if (s->marker_version[0])
		snprintf(a.detail, sizeof a.detail, "delete marker %s", s->marker_version);
	item_end(b->item[i], &a);
}

static void batch_read(struct s3_batch *b, const struct http_answer *h)
{
	struct lane_answer base;
	struct err e = { 0 };
	answer_base(h, &base);
	if (h->status == 200 && s3_read_deletes(h->body, b->ask, b->said, b->n, &e) == RC_OK) {
		for (size_t i = 0; i < b->n; i++)
			answer_item(b, i, &base);
		batch_free(b);
		return;
	}
	unclear(&base, e.text[0] ? e.text : "no answer that a bulk delete has");
	batch_end(b, &base);
}

static void batch_answered(void *ctx, const struct http_answer *h)
{
	struct s3_batch *b = ctx;
	struct s3_error said;
	struct lane_answer a;
	answer_base(h, &a);
	a.trouble = s3_trouble(h, b->signed_us, &said, a.detail);
	if (a.trouble == LANE_FINE) {
		batch_read(b, h);
		return;
	}
	dialect_meaning(a.trouble, false, &a);
	if (a.trouble == LANE_PACED) {
		a.wait_ms = dialect_wait_ms(h);
		a.wait_coarse = dialect_wait_coarse(h, a.wait_ms);
	}
	batch_end(b, &a);
}

/* ---- the request ---- */

static void batch_send(struct s3_batch *b)
{
	struct buf body = { 0 };
	s3_write_deletes(&body, b->ask, b->n);
	struct s3_out o = { .method = "POST", .query = SLICE_LIT("delete="), .body = buf_slice(&body), .max_body = S3_ANSWER_MAX,
		.timeout_ms = b->ln->base.cfg->timeout_ms };
	s3_send(b->ln, &o, &b->signed_us, batch_answered, b);
	buf_done(&body);
}

/* A store that does not know versions may take a version id for nothing and delete the object itself. */
static void batch_versioned(void *ctx, const struct s3_versioned *v)
{
	struct s3_batch *b = ctx;
	bool versions = s3_versions(b->ln);
	struct lane_answer no = { .kind = LANE_LANE_REFUSED, .trouble = LANE_UNSUPPORTED, .class_ = RETRY_UNSUPPORTED, .wait_ms = -1 };
	if (b->ln->freed)
		batch_unsent(b, LANE_CUT, -1, "cancelled here");
	else if (v->is == S3_VERSIONING_UNKNOWN)
		batch_unsent(b, v->trouble, v->wait_ms, v->detail);
	else if (v->is == S3_VERSIONING_ENABLED || (versions && v->is == S3_VERSIONING_SUSPENDED))
		batch_send(b);
	else {
		snprintf(no.detail, sizeof no.detail, versions ? "not sent: versioning of the bucket is %s, so a version id would mean nothing"
			 : "not sent: versioning of the bucket is %s now, so what the plan calls restorable would be gone for good", s3_versioning_name(v->is));
		batch_end(b, &no);
	}
}

/* The first deletes of the queue that may share a request: at most S3_BATCH_KEYS, with one promise. */
static struct s3_batch *batch_take(struct s3_lane *ln)
{
	struct s3_batch *b = xcalloc(1, sizeof *b);
	size_t room = 0;
	for (const struct s3_delete *d = ln->queue; d && room < S3_BATCH_KEYS; d = d->next)
		room++;
	b->ln = ln;
	b->item = xcalloc(room, sizeof *b->item);
	b->ask = xcalloc(room, sizeof *b->ask);
	b->said = xcalloc(room, sizeof *b->said);
	b->must_undo = ln->queue->must_undo;
	while (b->n < room && ln->queue->must_undo == b->must_undo) {
		struct s3_delete *d = ln->queue;
		ln->queue = d->next;
		b->ask[b->n] = d->ask;
		b->item[b->n++] = d;
	}
	if (!ln->queue)
		ln->queue_tail = &ln->queue;
	return b;
}

void s3_delete_flush(void *ctx)
{
	struct s3_lane *ln = ctx;
	ln->queued = 0;
	while (ln->queue) {
		struct s3_batch *b = batch_take(ln);
		if (b->must_undo || s3_versions(ln))
			s3_versioned(ln, batch_versioned, b);
		else
			batch_send(b);
	}
}

void s3_delete(struct lane *base, struct slice id, lane_answer_fn *fn, void *ctx)
{
	struct s3_lane *ln = s3_self(base);
	struct s3_delete *d = xcalloc(1, sizeof *d);
	*d = (struct s3_delete){ .fn = fn, .ctx = ctx, .must_undo = ln->must_undo };
	buf_add(&d->id, id.p, id.n);
	if (!s3_split(ln, buf_slice(&d->id), &d->ask)) {
		loop_defer(base->loop, item_refused, d);
		return;
	}
	*ln->queue_tail = d;
	ln->queue_tail = &d->next;
	if (++ln->queued == 1 || ln->queued == S3_BATCH_KEYS)
		loop_timer_start(ln->flush, ln->queued == 1 ? S3_LINGER_MS : 0, 0);
}

void s3_delete_stop(struct s3_lane *ln)
{
	static const struct lane_answer gone = { .kind = LANE_NOT_SENT, .trouble = LANE_NETWORK, .class_ = RETRY_NETWORK, .wait_ms = -1, .detail = "cancelled here" };
	while (ln->queue) {
		struct s3_delete *d = ln->queue;
		ln->queue = d->next;
		item_end(d, &gone);
	}
}
