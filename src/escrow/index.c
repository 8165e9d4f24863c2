#include "escrow/escrow.h"

#include "base/json.h"

#define COLUMNS "lane, id, name, purpose, bytes, sha256, created_us, meta, path, state, cycle, at_us"

static struct journal_escrow entry(struct db_stmt *s)
{
	return (struct journal_escrow){
		.lane = db_text(s, 0), .id = db_text(s, 1), .name = db_text(s, 2), .purpose = db_text(s, 3),
		.bytes = db_i64(s, 4), .sha256 = db_text(s, 5), .created_us = db_i64(s, 6), .meta = db_text(s, 7),
		.path = db_text(s, 8), .state = db_text(s, 9), .cycle = db_i64(s, 10), .at_us = db_i64(s, 11)
	};
}

static enum rc end(struct db_stmt *s, enum rc rc)
{
	enum rc last = db_step_rc(s);

	db_reset(s);
	return rc != RC_OK ? rc : last;
}

static struct slice keep_in(struct arena *a, struct slice s)
{
	return (struct slice){ arena_strndup(a, s.n ? s.p : "", s.n), s.n };
}

static void keep(struct journal_escrow *x, struct arena *a)
{
	struct slice *const texts[] = { &x->lane, &x->id, &x->name, &x->purpose, &x->sha256, &x->meta, &x->path, &x->state };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = keep_in(a, *texts[i]);
}

enum rc escrow_look(struct db *reader, struct slice lane, struct slice id, struct journal_escrow *out, struct arena *a, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(reader, &s, "SELECT " COLUMNS " FROM escrow WHERE lane = ?1 AND id = ?2", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, lane);
	db_bind_text(s, 2, id);
	switch (db_step(s, e)) {
	case DB_ROW:
		*out = entry(s);
		keep(out, a);
		break;
	case DB_DONE:
		rc = err_set(e, RC_NOT_FOUND, "there is no copy of this item in escrow");
		break;
	case DB_ERROR:
		break;
	}
	return end(s, rc);
}

enum rc escrow_find(struct db *reader, struct slice lane, struct slice id, struct journal_escrow *out, struct arena *a, struct err *e)
{
	enum rc rc = escrow_look(reader, lane, id, out, a, e);

	if (rc == RC_OK && !slice_is(out->state, "ok"))
		rc = err_set(e, RC_NOT_FOUND, "the copy of this item in escrow was %.*s, so there is none",
			     SLICE_FMT(out->state));
	return rc;
}

void escrow_headers(struct slice meta, struct buf *out)
{
	struct json_doc *d;

	if (json_parse(&d, meta, NULL, NULL) != RC_OK)
		return;
	struct slice h = json_get_str(json_root(d), "headers");
	buf_add(out, h.p, h.n);
	json_doc_free(d);
}

enum rc escrow_each(struct db *reader, const struct escrow_filter *f, escrow_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(reader, &s, "SELECT " COLUMNS " FROM escrow WHERE (?1 = '' OR lane = ?1) AND (?2 = '' OR state = ?2)"
				" AND (?3 = 0 OR cycle = ?3) AND (?5 = '' OR id = ?5) ORDER BY at_us DESC, lane, id LIMIT ?4", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, f->lane.n ? f->lane : SLICE_LIT(""));
	db_bind_text(s, 2, f->state.n ? f->state : SLICE_LIT(""));
	db_bind_i64(s, 3, f->cycle);
	db_bind_i64(s, 4, f->limit > 0 ? f->limit : -1);
	db_bind_text(s, 5, f->id.n ? f->id : SLICE_LIT(""));
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_escrow x = entry(s);

		rc = v(ctx, &x);
	}
	return end(s, rc);
}
