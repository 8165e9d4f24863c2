#include "records/source.h"

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
	struct session *g;
	const struct adapter *a;
	const struct batch *b;
	size_t from, n;
	struct found *rows;
	size_t rows_n, rows_cap;
	struct arena *bytes;
	bool writing;                   /* else rehearsing or rechecking */
	struct buf reason;
};

static bool ends_with_word(struct slice s, const char *word)
{
	size_t n = strlen(word);
	return n && s.n >= n && memcmp(s.p + s.n - n, word, n) == 0 && (s.n == n || s.p[s.n - n - 1] == ' ');
}

/* ---- looking ---- */

static struct slice keep(struct chunk *c, const struct cell *v)
{
	return v->text.n ? (struct slice){ arena_strndup(c->bytes, v->text.p, v->text.n), v->text.n } : v->text;
}

static enum rc take_found(void *ctx, const struct cell *v, struct err *e)
{
	struct chunk *c = ctx;
	(void)e;
	GROW(c->rows, c->rows_cap, c->rows_n + 1);
	c->rows[c->rows_n++] = (struct found){
		.key = keep(c, &v[MAP_ID]), .file_id = keep(c, &v[MAP_FILE_ID]),
		.lane_value = keep(c, &v[MAP_LANE]), .lane = mapping_lane(&c->g->m, v[MAP_LANE].text),
		.token = keep(c, &v[MAP_TOKEN]), .reason = keep(c, &v[MAP_REASON]),
		.used_us = cell_time_us(&v[MAP_USED]), .updated_us = cell_time_us(&v[MAP_UPDATED]),
		.live = cell_number(&v[MAP_COUNT]) == 1, .referenced = cell_number(&v[MAP_COUNT + 1]) == 1,
		.claimed_otherwise = v[MAP_TOKEN].text.n == 0 && v[MAP_CLAIM].text.n > 0,
	};
	return RC_OK;
}

static bool same_file(const struct found *f, const struct records_ref *r)
{
	return f->lane && slice_is(r->lane, f->lane) && slice_eq(f->file_id, r->file_id);
}

/* The item's own row, and whether another row names the same file: a live one, or where soft-deleted rows count one that
 * somebody refers to. */
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
			*another = *another || f->live || (f->referenced && c->g->s->cfg->deleted_too);
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
static enum records_result change_to(struct chunk *c, const struct found *own, struct slice new_id, struct err *e)
{
	const struct change ch = { .op = c->b->op, .key = own->key, .file_id = own->file_id, .lane_value = own->lane_value, .new_id = new_id,
				   .token = c->b->token, .reason = buf_z(&c->reason), .now_us = now_read().wall_us };
	int64_t changed = 0;
	if (!c->writing)
		return RECORDS_REHEARSED;
	if (ch.key.n == 0) {
		err_set(e, RC_INTERNAL, "records %s: a statement without a row was refused", c->g->s->cfg->name);
		return RECORDS_FAILED;
	}
	if (c->a->change(c->g, &ch, &changed, e) != RC_OK)
		return RECORDS_FAILED;
	if (changed > 1) {
		err_set(e, RC_FORMAT, "records %s: one key of %s names %" PRId64 " rows, so no row can be changed safely; map columns.id to its "
			"primary key", c->g->s->cfg->name, c->g->s->cfg->table, changed);
		return RECORDS_FAILED;
	}
	return changed == 1 ? RECORDS_DONE : RECORDS_CHANGED;
}

static enum records_result change(struct chunk *c, const struct found *own, struct err *e)
{
	return change_to(c, own, SLICE_LIT(""), e);
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

/* Hard delete of a row that is soft-deleted and still names this file. */
static enum records_result purge_one(struct chunk *c, const struct records_ref *r, const struct found *own, bool another, struct err *e)
{
	if (r->key.n == 0)
		return RECORDS_NO_ROW;
	if (!own)
		return RECORDS_NO_ROW;
	if (another || own->referenced)
		return RECORDS_REFERENCED;
	return own->live || own->token.n || own->claimed_otherwise ? RECORDS_CHANGED : change(c, own, e);
}

/* Also a row that names the new file already is ours: nobody else can know its id. */
static enum records_result remap_one(struct chunk *c, const struct records_ref *r, const struct found *own, bool another, struct err *e)
{
	struct records_ref now = *r;
	bool other;
	now.file_id = r->new_id;
	const struct found *new = own_row(c, &now, &other);
	bool same = slice_eq(r->file_id, r->new_id);
	if (r->key.n == 0)
		return RECORDS_NO_ROW;
	if (!r->new_id.n) {
		err_set(e, RC_INTERNAL, "records %s: a row cannot be remapped to no file", c->g->s->cfg->name);
		return RECORDS_FAILED;
	}
	if (new && new->live && !(same && slice_is(new->token, c->b->token)))
		return another && !same ? RECORDS_REFERENCED : RECORDS_DONE;
	if (!own || !own->live || (own->token.n && !slice_is(own->token, c->b->token)))
		return RECORDS_CHANGED;
	enum records_result done = change_to(c, own, r->new_id, e);
	return done == RECORDS_DONE && another ? RECORDS_REFERENCED : done;
}

static enum records_result one(struct chunk *c, const struct records_ref *r, struct err *e)
{
	bool another;
	const struct found *own = own_row(c, r, &another);
	switch (c->b->op) {
	case BATCH_RECHECK:
		return still_same(c, r, own, another);
	case BATCH_CLAIM:
		return claim_one(c, r, own, another, e);
	case BATCH_RELEASE:
		return release_one(c, r, own, e);
	case BATCH_COMMIT:
		return commit_one(c, r, own, another, e);
	case BATCH_PURGE:
		return purge_one(c, r, own, another, e);
	case BATCH_REMAP:
		return remap_one(c, r, own, another, e);
	}
	return RECORDS_FAILED;
}

/* ---- a chunk is one short transaction ---- */

static bool writes(const struct session *g, const struct batch *b)
{
	return g->s->permit == RECORDS_ALL && b->op != BATCH_RECHECK &&
	       (b->op == BATCH_COMMIT || b->op == BATCH_PURGE || b->op == BATCH_REMAP || g->m.column[MAP_TOKEN]);
}

static enum rc end(struct chunk *c, struct err *e)
{
	static const char *const point[] = { [BATCH_RECHECK] = "", [BATCH_CLAIM] = "records.claim", [BATCH_RELEASE] = "records.release",
					     [BATCH_COMMIT] = "records.commit", [BATCH_PURGE] = "records.purge",
					     [BATCH_REMAP] = "records.remap" };
	if (!c->writing)
		return RC_OK;
	POINT(point[c->b->op], "before");
	enum rc rc = c->a->commit(c->g, e);
	if (rc == RC_OK)
		POINT(point[c->b->op], "after");
	return rc;
}

/* Of a remap the rows that name either file. */
static enum rc look(struct chunk *c, struct err *e)
{
	struct records_ref both[MAPPING_CHUNK];
	const struct records_ref *refs = c->b->refs + c->from;
	size_t n = 0;
	if (c->b->op != BATCH_REMAP)
		return c->a->look(c->g, refs, c->n, take_found, c, e);
	for (size_t i = 0; i < c->n; i++) {
		both[n++] = refs[i];
		if (slice_eq(refs[i].new_id, refs[i].file_id))
			continue;
		both[n] = refs[i];
		both[n++].file_id = refs[i].new_id;
	}
	return c->a->look(c->g, both, n, take_found, c, e);
}

static enum rc run_chunk(struct chunk *c, struct err *e)
{
	c->writing = writes(c->g, c->b);
	enum rc rc = c->a->begin(c->g, c->writing ? BEGIN_WRITE : BEGIN_READ, e);
	if (rc == RC_OK && c->b->op != BATCH_RELEASE)
		rc = look(c, e);
	for (size_t i = c->from; rc == RC_OK && i < c->from + c->n; i++) {
		c->b->results[i] = one(c, &c->b->refs[i], e);
		if (c->b->results[i] == RECORDS_FAILED)
			rc = RC_IO;
	}
	if (rc == RC_OK)
		rc = end(c, e);
	c->a->rollback(c->g);
	return rc;
}

/* Of a failed chunk nobody knows; repeating it is harmless. Those that were not tried failed too. */
static void run_chunks(struct session *g, const struct batch *b, struct err *e)
{
	const size_t most = b->op == BATCH_REMAP ? MAPPING_CHUNK / 2 : MAPPING_CHUNK;
	for (size_t from = 0; from < b->n; from += most) {
		struct chunk c = { .g = g, .a = g->s->adapter, .b = b, .from = from, .n = MIN(b->n - from, most) };
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

enum rc source_batch(const struct source *s, const struct batch *b, struct err *e)
{
	struct session g = { .s = s };
	if (s->permit == RECORDS_READS && b->op != BATCH_RECHECK)
		return err_set(e, RC_REFUSED, "records %s: the mode allows reads only; nothing was changed", s->cfg->name);
	enum rc rc = s->adapter->open(&g, s->permit == RECORDS_ALL && b->op != BATCH_RECHECK, e);
	if (rc == RC_OK && b->op != BATCH_RELEASE)
		rc = mapping_can_delete(&g.m, e);
	if (rc == RC_OK)
		run_chunks(&g, b, e);
	s->adapter->close(&g);
	mapping_schema_done(&g.schema);
	return rc;
}

enum rc source_lease(const struct source *s, const char *who, struct records_lease *out, struct err *e)
{
	struct session g = { .s = s };
	*out = (struct records_lease){ 0 };
	if (s->permit != RECORDS_ALL || !s->adapter->lease || !s->cfg->lease)
		return err_set(e, RC_REFUSED, "records %s: the lease row is taken in mode armed only", s->cfg->name);
	enum rc rc = s->adapter->open(&g, true, e);
	if (rc == RC_OK)
		rc = s->adapter->lease(&g, who, out, e);
	s->adapter->close(&g);
	mapping_schema_done(&g.schema);
	return rc;
}

enum rc source_count_claims(const struct source *s, const char *token, int64_t *n, struct err *e)
{
	struct session g = { .s = s };
	*n = 0;
	enum rc rc = s->adapter->open(&g, false, e);
	if (rc == RC_OK && g.m.column[MAP_TOKEN])
		rc = s->adapter->claims(&g, token, n, e);
	s->adapter->close(&g);
	mapping_schema_done(&g.schema);
	return rc;
}
