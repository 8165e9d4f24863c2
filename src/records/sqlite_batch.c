#include "records/sqlite_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "base/text.h"
#include "base/time.h"

/* One row that names a file of the chunk, as it is inside this transaction. */
struct found {
	struct slice key, file_id, lane_value, token, reason;
	const char *lane;               /* NULL = of no lane of ours */
	int64_t used_us, updated_us;
	bool live, referenced, claimed_otherwise;
};

struct chunk {
	struct guest *g;
	const struct sqlite_batch *b;
	size_t from, n;
	struct found *rows;
	size_t rows_n, rows_cap;
	struct arena *bytes;
	struct guest_stmt *change;      /* NULL while rehearsing or rechecking */
	char now[TIME_TEXT];
	struct buf reason;
};

static bool ends_with_word(struct slice s, const char *word)
{
	size_t n = strlen(word);
	return n && s.n >= n && memcmp(s.p + s.n - n, word, n) == 0 && (s.n == n || s.p[s.n - n - 1] == ' ');
}

/* ---- looking ---- */

static struct slice keep(struct chunk *c, struct slice v)
{
	return v.n ? (struct slice){ arena_strndup(c->bytes, v.p, v.n), v.n } : v;
}

static void take_found(struct chunk *c, struct guest_stmt *s)
{
	struct slice lane_value = guest_text(s, MAP_LANE), token = guest_text(s, MAP_TOKEN);
	GROW(c->rows, c->rows_cap, c->rows_n + 1);
	c->rows[c->rows_n++] = (struct found){
		.key = keep(c, guest_text(s, MAP_ID)), .file_id = keep(c, guest_text(s, MAP_FILE_ID)),
		.lane_value = keep(c, lane_value), .lane = mapping_lane(&c->g->m, lane_value),
		.token = keep(c, token), .reason = keep(c, guest_text(s, MAP_REASON)),
		.used_us = guest_time_us(s, MAP_USED), .updated_us = guest_time_us(s, MAP_UPDATED),
		.live = guest_number(s, MAP_COUNT) == 1, .referenced = guest_number(s, MAP_COUNT + 1) == 1,
		.claimed_otherwise = token.n == 0 && guest_text(s, MAP_CLAIM).n > 0,
	};
}

static enum rc look(struct chunk *c, struct err *e)
{
	struct buf sql = { 0 };
	struct guest_stmt *s;
	enum guest_step at = GUEST_DONE;
	mapping_sql_rows(&c->g->m, c->n, &sql);
	enum rc rc = guest_prepare(c->g, &sql, &s, e);
	for (size_t i = 0; rc == RC_OK && i < c->n; i++)
		guest_bind(s, (int)i + 1, c->b->refs[c->from + i].file_id);
	while (rc == RC_OK && (at = guest_step(c->g, s, e)) == GUEST_ROW)
		take_found(c, s);
	if (at == GUEST_ERROR)
		rc = RC_IO;
	guest_finalize(s);
	buf_done(&sql);
	return rc;
}

static bool same_file(const struct found *f, const struct records_ref *r)
{
	return f->lane && slice_is(r->lane, f->lane) && slice_eq(f->file_id, r->file_id);
}

/* The item's own row, and whether another live row names the same file. */
static const struct found *own_row(const struct chunk *c, const struct records_ref *r, bool *another)
{
	const struct found *own = NULL;
	*another = false;
	for (size_t i = 0; i < c->rows_n; i++) {
		const struct found *f = &c->rows[i];
		if (!same_file(f, r))
			continue;
		if (r->key.n && slice_eq(f->key, r->key))
			own = f;
		else
			*another = *another || f->live;
	}
	return own;
}

/* After the list began; a time in whole seconds, as many databases keep them, may be later than it says. */
static bool after(int64_t us, int64_t list_us)
{
	return us >= (us % 1000000 ? list_us : list_us - list_us % 1000000);
}

static bool touched_since(const struct chunk *c, const struct found *f)
{
	int64_t list = c->g->s->listed_us;
	return list >= 0 && (after(f->used_us, list) || after(f->updated_us, list));
}

/* ---- one item ---- */

static enum records_result still_same(const struct chunk *c, const struct records_ref *r, const struct found *own, bool another)
{
	if (another)
		return RECORDS_REFERENCED;
	if (r->key.n == 0)
		return RECORDS_DONE;
	if (!own || !own->live)
		return RECORDS_CHANGED;
	if (own->referenced)
		return RECORDS_REFERENCED;
	return touched_since(c, own) ? RECORDS_CHANGED : RECORDS_DONE;
}

/* The guarded statement for one row: changes exactly this row or none. */
static enum records_result change(struct chunk *c, const struct found *own, struct err *e)
{
	struct guest_stmt *s = c->change;
	if (!s)
		return RECORDS_REHEARSED;
	guest_reset(s);
	guest_bind(s, 1, own->key);
	guest_bind(s, 2, own->file_id);
	guest_bind(s, 3, own->lane_value);
	guest_bind(s, 4, slice_of(c->b->token));
	if (c->b->op == SQLITE_OP_COMMIT && c->g->m.epoch_deleted_at)
		guest_bind_i64(s, 5, now_read().wall_us / 1000000);
	else
		guest_bind(s, 5, slice_of(c->now));
	guest_bind(s, 6, slice_of(c->g->s->cfg->status_deleted));
	guest_bind(s, 7, buf_slice(&c->reason));
	if (guest_step(c->g, s, e) != GUEST_DONE)
		return RECORDS_FAILED;
	int64_t changed = guest_changed(c->g);
	if (changed > 1) {
		err_set(e, RC_FORMAT, "records %s: one key of %s names %" PRId64 " rows, so no row can be changed safely; map columns.id to its "
			"primary key", c->g->s->cfg->name, c->g->s->cfg->table, changed);
		return RECORDS_FAILED;
	}
	return changed == 1 ? RECORDS_DONE : RECORDS_CHANGED;
}

static enum records_result claim_one(struct chunk *c, const struct records_ref *r, const struct found *own, bool another, struct err *e)
{
	enum records_result same = still_same(c, r, own, another);
	if (same != RECORDS_DONE && !(same == RECORDS_CHANGED && own && own->live && slice_is(own->token, c->b->token)))
		return same;
	if (r->key.n == 0)
		return RECORDS_NO_ROW;
	if (!c->g->m.column[MAP_TOKEN])
		return RECORDS_UNCLAIMED;
	if (slice_is(own->token, c->b->token))
		return RECORDS_DONE;
	if (own->token.n || own->claimed_otherwise)
		return RECORDS_CHANGED;
	return change(c, own, e);
}

static enum records_result release_one(struct chunk *c, const struct records_ref *r, const struct found *own, struct err *e)
{
	if (!c->g->m.column[MAP_TOKEN])
		return RECORDS_UNCLAIMED;
	if (r->key.n == 0)
		return RECORDS_NO_ROW;
	/* The row may name another file by now and still carry our token: the key alone decides. */
	struct found by_key = { .key = r->key };
	enum records_result done = change(c, own ? own : &by_key, e);
	return done == RECORDS_CHANGED ? RECORDS_DONE : done;
}

static bool ours_already(const struct chunk *c, const struct found *own)
{
	return !own->live && (!c->g->m.column[MAP_REASON] || ends_with_word(own->reason, c->b->token));
}

static enum records_result commit_one(struct chunk *c, const struct records_ref *r, const struct found *own, bool another, struct err *e)
{
	if (own && ours_already(c, own))
		return RECORDS_DONE;
	if (another)
		return RECORDS_REFERENCED;
	if (r->key.n == 0)
		return RECORDS_NO_ROW;
	if (!own || !own->live)
		return RECORDS_CHANGED;
	if (own->referenced)
		return RECORDS_REFERENCED;
	if (own->token.n && !slice_is(own->token, c->b->token))
		return RECORDS_CHANGED;
	return change(c, own, e);
}

static enum records_result one(struct chunk *c, const struct records_ref *r, struct err *e)
{
	bool another;
	const struct found *own = own_row(c, r, &another);
	switch (c->b->op) {
	case SQLITE_OP_RECHECK:
		return still_same(c, r, own, another);
	case SQLITE_OP_CLAIM:
		return claim_one(c, r, own, another, e);
	case SQLITE_OP_RELEASE:
		return release_one(c, r, own, e);
	case SQLITE_OP_COMMIT:
		return commit_one(c, r, own, another, e);
	}
	return RECORDS_FAILED;
}

/* ---- a chunk is one short transaction ---- */

static bool writes(const struct guest *g, const struct sqlite_batch *b)
{
	return g->s->permit == RECORDS_ALL && b->op != SQLITE_OP_RECHECK &&
	       (b->op == SQLITE_OP_COMMIT || g->m.column[MAP_TOKEN]);
}

static enum rc prepare_change(struct chunk *c, struct err *e)
{
	struct buf sql = { 0 };
	switch (c->b->op) {
	case SQLITE_OP_RECHECK:
		return RC_OK;
	case SQLITE_OP_CLAIM:
		mapping_sql_claim(&c->g->m, &sql);
		break;
	case SQLITE_OP_RELEASE:
		mapping_sql_release(&c->g->m, &sql);
		break;
	case SQLITE_OP_COMMIT:
		mapping_sql_commit(&c->g->m, &sql);
		break;
	}
	enum rc rc = guest_prepare(c->g, &sql, &c->change, e);
	buf_done(&sql);
	return rc;
}

static enum rc end(struct guest *g, bool writing, enum sqlite_op op, struct err *e)
{
	static const char *const point[] = { [SQLITE_OP_RECHECK] = "", [SQLITE_OP_CLAIM] = "records.claim",
					     [SQLITE_OP_RELEASE] = "records.release", [SQLITE_OP_COMMIT] = "records.commit" };
	if (!writing) {
		guest_rollback(g);
		return RC_OK;
	}
	POINT(point[op], "before");
	enum rc rc = guest_exec(g, "COMMIT", e);
	if (rc == RC_OK)
		POINT(point[op], "after");
	return rc;
}

static enum rc run_chunk(struct chunk *c, struct err *e)
{
	bool writing = writes(c->g, c->b);
	enum rc rc = guest_exec(c->g, writing ? "BEGIN IMMEDIATE" : "BEGIN", e);
	if (rc == RC_OK && writing)
		rc = prepare_change(c, e);
	if (rc == RC_OK && c->b->op != SQLITE_OP_RELEASE)
		rc = look(c, e);
	for (size_t i = c->from; rc == RC_OK && i < c->from + c->n; i++) {
		c->b->results[i] = one(c, &c->b->refs[i], e);
		if (c->b->results[i] == RECORDS_FAILED)
			rc = RC_IO;
	}
	guest_finalize(c->change);
	if (rc == RC_OK)
		rc = end(c->g, writing, c->b->op, e);
	guest_rollback(c->g);
	return rc;
}

/* A failed chunk changed nothing: all its items failed, and so did those that were not tried. */
static void run_chunks(struct guest *g, const struct sqlite_batch *b, struct err *e)
{
	for (size_t from = 0; from < b->n; from += MAPPING_CHUNK) {
		struct chunk c = { .g = g, .b = b, .from = from, .n = MIN(b->n - from, (size_t)MAPPING_CHUNK) };
		time_rfc3339(c.now, now_read().wall_us, true);
		buf_addf(&c.reason, "%s%s%s", b->reason, *b->reason ? " " : "", b->token);
		c.bytes = arena_new(1 << 15);
		enum rc rc = run_chunk(&c, e);
		arena_free(c.bytes);
		free(c.rows);
		buf_done(&c.reason);
		if (rc == RC_OK)
			continue;
		for (size_t i = from; i < b->n; i++)
			b->results[i] = RECORDS_FAILED;
		return;
	}
}

enum rc sqlite_batch(const struct sqlite_source *s, const struct sqlite_batch *b, struct err *e)
{
	struct guest g;
	if (s->permit == RECORDS_READS && b->op != SQLITE_OP_RECHECK)
		return err_set(e, RC_REFUSED, "records %s: the mode allows reads only; nothing was changed", s->cfg->name);
	enum rc rc = guest_open(&g, s, e);
	if (rc != RC_OK)
		return rc;
	if (b->op != SQLITE_OP_RELEASE)
		rc = mapping_can_delete(&g.m, e);
	if (rc == RC_OK)
		run_chunks(&g, b, e);
	guest_close(&g);
	return rc;
}

enum rc sqlite_count_claims(const struct sqlite_source *s, const char *token, int64_t *n, struct err *e)
{
	struct guest g;
	struct guest_stmt *st = NULL;
	struct buf sql = { 0 };
	*n = 0;
	enum rc rc = guest_open(&g, s, e);
	if (rc != RC_OK)
		return rc;
	if (g.m.column[MAP_TOKEN]) {
		mapping_sql_claims(&g.m, &sql);
		rc = guest_prepare(&g, &sql, &st, e);
		guest_bind(st, 4, slice_of(token));
		if (rc == RC_OK && guest_step(&g, st, e) != GUEST_ROW)
			rc = RC_IO;
		if (rc == RC_OK)
			*n = guest_number(st, 0);
		guest_finalize(st);
	}
	buf_done(&sql);
	guest_close(&g);
	return rc;
}
