#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/chain.h"
#include "store/schema.h"

enum { PROGRESS_EVERY = 1024 };      /* records: some milliseconds */

/* ---- the schema ---- */

#define OBJECTS "SELECT name, type || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"

static const char *column(sqlite3_stmt *s, int i)
{
	const unsigned char *z = sqlite3_column_text(s, i);

	return z != NULL ? (const char *)z : "";
}

/* Both lists are sorted by name: the first difference is named. */
static void compare_schemas(sqlite3_stmt *want, sqlite3_stmt *have, struct audit_verdict *v)
{
	char shown[60];
	bool w = sqlite3_step(want) == SQLITE_ROW, h = sqlite3_step(have) == SQLITE_ROW;

	while (v->ok && (w || h)) {
		int order = !w ? 1 : !h ? -1 : strcmp(column(want, 0), column(have, 0));
		if (order < 0)
			chain_bad(v, 0, "%s is missing from the schema: somebody removed it", column(want, 0));
		else if (order > 0)
			chain_bad(v, 0, "%s in the schema is not ours: somebody added it",
			    text_z(shown, sizeof shown, slice_of(column(have, 0))));
		else if (strcmp(column(want, 1), column(have, 1)) != 0)
			chain_bad(v, 0, "%s in the schema is not as we made it: somebody changed it", column(want, 0));
		w = sqlite3_step(want) == SQLITE_ROW;
		h = sqlite3_step(have) == SQLITE_ROW;
	}
}

static void check_schema(struct db *reader, struct audit_verdict *v)
{
	sqlite3 *model = NULL;
	sqlite3_stmt *want = NULL, *have = NULL;

	if (sqlite3_open(":memory:", &model) != SQLITE_OK)
		die("out of memory in SQLite");
	for (const struct db_migration *m = schema_sluice.steps; m->version != 0; m++)
		if (sqlite3_exec(model, m->sql, NULL, NULL, NULL) != SQLITE_OK)
			die("schema version %d: %s", m->version, sqlite3_errmsg(model));
	if (sqlite3_prepare_v2(model, OBJECTS, -1, &want, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db_sqlite(reader), OBJECTS, -1, &have, NULL) == SQLITE_OK)
		compare_schemas(want, have, v);
	else
		chain_bad(v, 0, "the schema cannot be read");
	sqlite3_finalize(want);
	sqlite3_finalize(have);
	sqlite3_close(model);
}

/* ---- the chain ---- */

/* The hash of a record that this walk has passed. */
static bool stored_hash(void *reader, int64_t seq, struct hash *out)
{
	struct db_stmt *s;
	struct err e;
	bool found = false;

	if (db_prepare(reader, &s, "SELECT hash FROM audit WHERE seq = ?1", &e) != RC_OK)
		return false;
	db_bind_i64(s, 1, seq);
	if (db_step(s, &e) == DB_ROW && db_text(s, 0).n == HASH_BYTES) {
		memcpy(out->b, db_text(s, 0).p, HASH_BYTES);
		found = true;
	}
	db_reset(s);
	return found;
}

static int64_t newest(struct db *reader)
{
	struct audit_head head;
	struct err e;

	return audit_read_head(reader, &head, &e) == RC_OK ? head.seq : 0;
}

/* 0 = there is none. */
static int64_t oldest(struct db *reader)
{
	struct db_stmt *s;
	struct err e;
	int64_t first = 0;

	if (db_prepare(reader, &s, "SELECT min(seq) FROM audit", &e) != RC_OK)
		return 0;
	if (db_step(s, &e) == DB_ROW)
		first = db_i64(s, 0);
	db_reset(s);
	return first;
}

/* How many records the walk will meet, for the progress only; damage is found by the walk. */
static int64_t ahead(struct db *reader, int64_t from)
{
	int64_t first = from > 1 ? from : oldest(reader);

	return first > 0 ? MAX(newest(reader) - first + 1, 0) : 0;
}

/* The log may have grown since its records were counted. */
static bool go_on(const struct chain *k, int64_t of)
{
	return k->p->progress(k->p->ctx, k->v->records, MAX(of, k->v->records));
}

static void walk_row(struct chain *k, struct db_stmt *s, int64_t of)
{
	struct audit_verdict *v = k->v;
	struct audit_record rec;
	const char *why = audit_from_row(s, &rec);

	if (why != NULL) {
		chain_bad(v, v->head.seq + 1, "record %" PRId64 ": %s", rec.seq, why);
		return;
	}
	chain_record(k, &rec);
	if (v->ok && k->p->progress != NULL && v->records % PROGRESS_EVERY == 0)
		v->stopped = !go_on(k, of);
}

static enum rc walk(struct chain *k, struct db *reader, int64_t of, struct err *e)
{
	struct audit_verdict *v = k->v;
	struct db_stmt *s;
	enum db_step step = DB_ROW;
	enum rc rc = db_prepare(reader, &s, "SELECT " AUDIT_COLUMNS " FROM audit WHERE seq >= ?1 ORDER BY seq", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, k->from > 1 ? k->from : INT64_MIN);
	v->stopped = k->p->progress != NULL && !go_on(k, of);
	while (v->ok && !v->stopped && (step = db_step(s, e)) == DB_ROW)
		walk_row(k, s, of);
	if (step == DB_ERROR)
		chain_bad(v, v->head.seq + 1, "record %" PRId64 " cannot be read: %s", v->head.seq + 1, sqlite3_errmsg(db_sqlite(reader)));
	db_reset(s);
	if (v->ok && !v->stopped && k->p->progress != NULL)
		(void)go_on(k, of);
	return RC_OK;
}

/* The record of the newest anchor; 0 = the whole: nothing to go by, or it was sealed away. */
static int64_t start_of(struct chain *k, struct db *reader)
{
	const struct checkpoint *c = k->anchors.n != 0 ? &k->anchors.a[k->anchors.n - 1].c : NULL;

	if (!k->of_anchors.ok || !k->p->from_anchor || c == NULL || !checkpoint_trusted(c, &k->p->keys))
		return 0;
	return c->seq >= oldest(reader) ? c->seq : 0;
}

enum rc audit_prove(struct db *reader, const struct audit_proof *p, struct audit_verdict *out, struct err *e)
{
	struct chain k = { .p = p, .v = out, .h = db_hasher(reader), .passed = stored_hash, .ctx = reader };
	enum rc rc = chain_begin(&k, e);

	if (rc == RC_OK) {
		chain_from(&k, start_of(&k, reader));
		rc = walk(&k, reader, p->progress != NULL ? ahead(reader, k.from) : 0, e);
	}
	if (rc == RC_OK && !out->stopped) {
		chain_end(&k, newest(reader));
		if (out->ok)
			check_schema(reader, out);
	}
	chain_done(&k);
	return rc;
}

/* ---- without keys ---- */

struct simple {
	void (*progress)(void *ctx, int64_t done, int64_t of);
	void *ctx;
};

static bool simple_progress(void *ctx, int64_t done, int64_t of)
{
	struct simple *s = ctx;

	s->progress(s->ctx, done, of);
	return true;
}

enum rc audit_verify(struct db *reader, const char *anchor_file, struct audit_verdict *out,
		     void (*progress)(void *ctx, int64_t done, int64_t of), void *ctx, struct err *e)
{
	struct simple s = { progress, ctx };
	struct audit_proof p = { .anchors = { anchor_file }, .progress = progress != NULL ? simple_progress : NULL, .ctx = &s };

	return audit_prove(reader, &p, out, e);
}

enum rc audit_anchor_checkpoint(const char *anchor_file, const struct checkpoint *c, struct err *e)
{
	return c->seq == 0 ? RC_OK : anchor_append(anchor_file, c, e);
}

enum rc audit_anchor(const char *anchor_file, const struct audit_head *head, int64_t wall_us, struct err *e)
{
	struct checkpoint c = { .seq = head->seq, .hash = head->hash, .count = head->seq, .wall_us = wall_us };

	return audit_anchor_checkpoint(anchor_file, &c, e);
}
