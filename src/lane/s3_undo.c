/* A delete in a versioned bucket is taken back by deleting its delete marker: the last version is the
 * object again, under its own key, the same bytes. What to delete is read from the bucket itself, so that
 * nothing has to be remembered and a repetition does no harm. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { MARKERS_MAX = 100, UNDO_PAGE = 1000 };

struct s3_undoing {
	struct s3_lane *ln;
	lane_undo_fn *fn;
	void *ctx;
	struct buf key;
	int64_t since_us, signed_us;
	struct s3_list list;            /* ask points into it */
	struct s3_ask *ask;
	struct s3_said *said;
	size_t n;
	struct lane_undone out;
};

static void undo_end(struct s3_undoing *u, enum lane_undo_kind kind, enum lane_trouble t, const char *why)
{
	u->out.kind = kind;
	u->out.trouble = t;
	if (why != u->out.detail)
		snprintf(u->out.detail, sizeof u->out.detail, "%.190s", why);
	u->fn(u->ctx, &u->out);
	s3_list_done(&u->list);
	free(u->ask);
	free(u->said);
	buf_done(&u->key);
	free(u);
}

/* false: the answer had trouble, and u is gone. */
static bool undo_fine(struct s3_undoing *u, const struct http_answer *a)
{
	struct s3_error said;
	enum lane_trouble t = s3_trouble(a, u->signed_us, &said, u->out.detail);
	if (t == LANE_FINE && a->status == 200)
		return true;
	if (t == LANE_PACED)
		u->out.wait_ms = dialect_wait_ms(a);
	undo_end(u, LANE_UNDO_UNKNOWN, t == LANE_FINE ? LANE_GARBLED : t, t == LANE_FINE ? "an answer that is neither 200 nor an error" : u->out.detail);
	return false;
}

static void undo_deleted(void *ctx, const struct http_answer *a)
{
	struct s3_undoing *u = ctx;
	struct err e = { 0 };
	if (!undo_fine(u, a))
		return;
	if (s3_read_deletes(a->body, u->ask, u->said, u->n, &e) != RC_OK) {
		undo_end(u, LANE_UNDO_UNKNOWN, LANE_GARBLED, e.text);
		return;
	}
	for (size_t i = 0; i < u->n; i++) {
		struct lane_answer one = { 0 };
		if (u->said[i].deleted && !u->said[i].refused)
			continue;
		if (!u->said[i].refused || u->said[i].deleted) {
			undo_end(u, LANE_UNDO_UNKNOWN, LANE_GARBLED, "the answer does not say plainly that the delete marker is gone");
			return;
		}
		s3_key_error(&u->said[i].error, &one);
		bool refused = one.kind == LANE_ITEM_REFUSED || one.kind == LANE_LANE_REFUSED;
		undo_end(u, refused ? LANE_UNDO_IMPOSSIBLE : LANE_UNDO_UNKNOWN, one.trouble, one.detail);
		return;
	}
	undo_end(u, LANE_UNDONE, LANE_FINE, "");
}

static void undo_send(struct s3_undoing *u)
{
	struct buf body = { 0 };
	if (u->ln->freed) {
		undo_end(u, LANE_UNDO_UNKNOWN, LANE_CUT, "cancelled here");
		return;
	}
	s3_write_deletes(&body, u->ask, u->n);
	struct s3_out o = { .method = "POST", .query = SLICE_LIT("delete="), .body = buf_slice(&body), .max_body = S3_ANSWER_MAX,
		.timeout_ms = u->ln->base.cfg->timeout_ms };
	u->said = xcalloc(u->n, sizeof *u->said);
	s3_send(u->ln, &o, &u->signed_us, undo_deleted, u);
	buf_done(&body);
}

/* The newest entries of the key: markers made since then, on top of a version. NULL, or why not. */
static const char *take_markers(struct s3_undoing *u, enum lane_undo_kind *kind)
{
	const struct s3_list *l = &u->list;
	struct slice key = buf_slice(&u->key);
	u->ask = xcalloc(l->n + 1, sizeof *u->ask);
	*kind = LANE_UNDO_IMPOSSIBLE;
	for (size_t i = 0; i < l->n && slice_eq(l->entry[i].key, key); i++) {
		const struct s3_entry *e = &l->entry[i];
		if (e->latest != (i == 0))
			return "the versions of this key do not come newest first";
		if (e->kind == S3_VERSION) {
			u->out.bytes = e->bytes;
			u->out.created_us = e->modified_us;
			*kind = u->n ? LANE_UNDONE : LANE_UNDO_NEEDLESS;
			return u->n ? NULL : "the object is there";
		}
		if (e->modified_us < u->since_us)
			return "the object was deleted before, by somebody else";
		if (u->n == MARKERS_MAX)
			return "this key has too many delete markers";
		u->ask[u->n++] = (struct s3_ask){ e->key, e->version };
	}
	return l->truncated && u->n == l->n ? "this key has too many delete markers" : "no version of this object is left";
}

static void undo_listed(void *ctx, const struct http_answer *a)
{
	struct s3_undoing *u = ctx;
	struct err e = { 0 };
	enum lane_undo_kind kind;
	if (!undo_fine(u, a))
		return;
	if (s3_read_list(&u->list, a->body, true, &e) != RC_OK) {
		undo_end(u, LANE_UNDO_UNKNOWN, LANE_GARBLED, e.text);
		return;
	}
	const char *why = take_markers(u, &kind);
	if (why)
		undo_end(u, kind, LANE_FINE, why);
	else
		undo_send(u);
}

static void undo_versioned(void *ctx, const struct s3_versioned *v)
{
	struct s3_undoing *u = ctx;
	struct buf query = { 0 };
	if (u->ln->freed || v->is == S3_VERSIONING_UNKNOWN) {
		u->out.wait_ms = v->wait_ms;
		undo_end(u, LANE_UNDO_UNKNOWN, u->ln->freed ? LANE_CUT : v->trouble, u->ln->freed ? "cancelled here" : v->detail);
		return;
	}
	if (v->is != S3_VERSIONING_ENABLED) {
		snprintf(u->out.detail, sizeof u->out.detail, "versioning of the bucket is %s: there is nothing to go back to", s3_versioning_name(v->is));
		undo_end(u, LANE_UNDO_IMPOSSIBLE, LANE_FINE, u->out.detail);
		return;
	}
	s3_query_list(&query, true, buf_slice(&u->key), UNDO_PAGE, slice_of(NULL), slice_of(NULL));
	struct s3_out o = { .method = "GET", .query = buf_slice(&query), .max_body = S3_LIST_MAX, .timeout_ms = u->ln->base.cfg->timeout_ms };
	s3_send(u->ln, &o, &u->signed_us, undo_listed, u);
	buf_done(&query);
}

void s3_undo(struct lane *base, struct slice id, int64_t since_wall_us, lane_undo_fn *fn, void *ctx)
{
	struct s3_undoing *u = xcalloc(1, sizeof *u);
	*u = (struct s3_undoing){ .ln = s3_self(base), .fn = fn, .ctx = ctx, .since_us = since_wall_us,
				  .out = { .bytes = -1, .created_us = -1, .wait_ms = -1 } };
	buf_add(&u->key, id.p, id.n);
	s3_versioned(u->ln, undo_versioned, u);
}
