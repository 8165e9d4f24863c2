#include "store/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keysort.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/catalog_impl.h"

/* Verdicts are added to a table beside the last ones, which stay visible until all are there. A
 * window is a slice of an order: the rowids that match, sorted once and kept while only the offset
 * changes (4 bytes per row). */

#define COLUMNS "lane, id, name, purpose, bytes, created_us, verdict, rule, place, reason, evidence, class"
#define SELECT "SELECT " COLUMNS ", coalesce(rank, 0) FROM verdicts LEFT JOIN ranks USING (n) "

/* ---- loading ---- */

enum rc catalog_verdicts_begin(struct catalog *c, struct err *e)
{
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_exec(c->db, "DROP TABLE IF EXISTS loading_verdicts;"
		     "CREATE TABLE loading_verdicts (n INTEGER PRIMARY KEY, lane INTEGER NOT NULL, id TEXT NOT NULL,"
		     " name TEXT NOT NULL, purpose TEXT NOT NULL, bytes INTEGER, created_us INTEGER, verdict INTEGER NOT NULL,"
		     " rule TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL, evidence TEXT NOT NULL, class INTEGER NOT NULL) STRICT;"
		     "DROP TABLE IF EXISTS loading_ranks;"
		     "CREATE TABLE loading_ranks (n INTEGER PRIMARY KEY, rank INTEGER NOT NULL) STRICT", e);
	return catalog_end(c, rc, e);
}

static enum rc add_verdict(struct db_stmt *s, const struct catalog_verdict *v, struct err *e)
{
	db_bind_i64(s, 1, v->lane);
	db_bind_text(s, 2, v->id);
	db_bind_text(s, 3, v->name);
	db_bind_text(s, 4, v->purpose);
	db_bind_opt(s, 5, v->bytes);
	db_bind_opt(s, 6, v->created_us);
	db_bind_i64(s, 7, v->verdict);
	db_bind_text(s, 8, v->rule);
	db_bind_text(s, 9, v->where);
	db_bind_text(s, 10, v->reason);
	db_bind_text(s, 11, v->evidence);
	db_bind_i64(s, 12, v->class_);
	return db_run(s, NULL, e);
}

enum rc catalog_verdicts_add(struct catalog *c, const struct catalog_verdict *v, size_t n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(c->db, &s, "INSERT INTO loading_verdicts (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", e);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = add_verdict(s, &v[i], e);
	return catalog_end(c, rc, e);
}

enum rc catalog_verdicts_amend(struct catalog *c, const struct catalog_amend *a, size_t n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(c->db, &s, "UPDATE loading_verdicts SET verdict = ?2, reason = CASE WHEN ?3 = '' THEN reason ELSE ?3 END,"
			" evidence = ?4, class = ?5 WHERE n = ?1", e);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		db_bind_i64(s, 1, a[i].nth + 1);
		db_bind_i64(s, 2, a[i].verdict);
		db_bind_text(s, 3, a[i].reason.n ? a[i].reason : SLICE_LIT(""));
		db_bind_text(s, 4, a[i].evidence);
		db_bind_i64(s, 5, a[i].class_);
		rc = db_run(s, NULL, e);
	}
	return catalog_end(c, rc, e);
}

enum rc catalog_verdicts_rank(struct catalog *c, const struct catalog_rank *r, size_t n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(c->db, &s, "INSERT INTO loading_ranks (n, rank) VALUES (?, ?)", e);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		db_bind_i64(s, 1, r[i].nth + 1);
		db_bind_i64(s, 2, r[i].rank);
		rc = db_run(s, NULL, e);
	}
	return catalog_end(c, rc, e);
}

/* 0 = none was ever finished. */
static enum rc generation(struct catalog *c, int64_t *out, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, "SELECT items FROM lists WHERE lane = ?1", e);

	*out = 0;
	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, CATALOG_VERDICTS);
	if (db_step(s, e) == DB_ROW)
		*out = db_i64(s, 0);
	db_reset(s);
	return db_step_rc(s);
}

enum rc catalog_verdicts_finish(struct catalog *c, struct err *e)
{
	int64_t last = 0;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = generation(c, &last, e);
	if (rc == RC_OK)
		rc = db_exec(c->db, "DROP TABLE IF EXISTS verdicts; ALTER TABLE loading_verdicts RENAME TO verdicts;"
			     "DROP TABLE IF EXISTS ranks; ALTER TABLE loading_ranks RENAME TO ranks;"
			     "CREATE INDEX verdicts_id ON verdicts (id)", e);
	if (rc == RC_OK)
		rc = catalog_set_list(c, CATALOG_VERDICTS, last + 1, e);
	rc = catalog_end(c, rc, e);
	db_shrink(c->db);
	return rc;
}

/* ---- orders ---- */

/* Ascending; what is unknown or not planned (NULL) comes last. Descending is the same read backwards. */
static const struct {
	const char *key;
	bool text, ranks;               /* the key is a text; it stands in ranks */
} orders[] = {
	[CATALOG_BY_RANK] = { .key = "lane << 32 | rank", .ranks = true },
	[CATALOG_BY_SIZE] = { .key = "bytes" },
	[CATALOG_BY_AGE] = { .key = "-created_us" },
	[CATALOG_BY_NAME] = { .key = "name", .text = true },
	[CATALOG_BY_ID] = { .key = "id", .text = true },
	[CATALOG_BY_LANE] = { .key = "lane" },
	[CATALOG_BY_STATE] = { .key = "verdict" },
	[CATALOG_BY_RULE] = { .key = "rule", .text = true },
	[CATALOG_BY_CLASS] = { .key = "class" },
	[CATALOG_BY_WHERE] = { .key = "place", .text = true },
	[CATALOG_BY_WHY] = { .key = "reason", .text = true },
};
_Static_assert(ARRAY_LEN(orders) == CATALOG_ORDERS, "every order has its key");

static bool same_order(const struct catalog *c, const struct catalog_window *w, int64_t gen)
{
	const struct catalog_window *o = &c->order_window;

	return c->order_valid && c->order_generation == gen && o->lane == w->lane && o->verdict == w->verdict &&
	       o->order == w->order && slice_eq(o->text, w->text) && o->now_us == w->now_us && catalog_filter_same(o->filter, w->filter);
}

static enum rc prepare_order(struct catalog *c, const struct catalog_window *w, struct db_stmt **s, struct err *e)
{
	struct buf sql = { 0 };

	bool ranks = orders[w->order].ranks || catalog_filter_ranks(w->filter);
	buf_addf(&sql, "SELECT n, %s FROM verdicts%s WHERE 1%s%s%s", orders[w->order].key, ranks ? " LEFT JOIN ranks USING (n)" : "",
		 w->lane >= 0 ? " AND lane = ?1" : "", w->verdict >= 0 ? " AND verdict = ?2" : "",
		 w->text.n != 0 ? " AND (instr(CAST(name AS BLOB), ?3) > 0 OR instr(CAST(id AS BLOB), ?3) > 0)" : "");
	catalog_filter_sql(&sql, w->filter);
	buf_adds(&sql, " ORDER BY n");  /* as they lie: the key is sorted here, which is several times faster */
	enum rc rc = db_prepare(c->db, s, buf_z(&sql), e);
	buf_done(&sql);
	if (rc != RC_OK)
		return rc;
	if (w->lane >= 0)
		db_bind_i64(*s, 1, w->lane);
	if (w->verdict >= 0)
		db_bind_i64(*s, 2, w->verdict);
	if (w->text.n != 0)
		db_bind_blob(*s, 3, w->text.p, w->text.n);
	catalog_filter_bind(*s, w->filter, w->now_us);
	return RC_OK;
}

static void add_key(struct keysort *k, struct db_stmt *s, bool text)
{
	uint32_t n = (uint32_t)db_i64(s, 0);
	if (db_is_null(s, 1))
		keysort_add_none(k, n);
	else if (text)
		keysort_add_text(k, n, db_text(s, 1));
	else
		keysort_add_number(k, n, db_i64(s, 1));
}

static enum rc take_order(struct catalog *c, const struct catalog_window *w, struct db_stmt *s, struct err *e)
{
	struct catalog_watch watch;
	struct keysort *k = keysort_new();

	catalog_watch_begin(c, w, &watch);
	while (db_step(s, e) == DB_ROW)
		add_key(k, s, orders[w->order].text);
	catalog_watch_end(&watch);
	enum rc rc = db_step_rc(s);
	db_reset(s);
	if (watch.stopped)
		rc = err_set(e, RC_CANCELLED, "stopped before the list was made");
	if (rc == RC_OK) {
		c->order_n = keysort_count(k);
		GROW(c->order, c->order_cap, c->order_n + 1);
	}
	keysort_end(k, rc == RC_OK ? c->order : NULL);
	return rc;
}

static enum rc build_order(struct catalog *c, const struct catalog_window *w, int64_t gen, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = prepare_order(c, w, &s, e);

	c->order_valid = false;
	c->order_n = 0;
	if (rc == RC_OK)
		rc = take_order(c, w, s, e);
	if (rc != RC_OK)
		return rc;
	buf_clear(&c->order_text);
	buf_add(&c->order_text, w->text.p, w->text.n);
	c->order_window = *w;
	c->order_window.text = buf_slice(&c->order_text);
	if (w->filter) {
		c->order_filter = *w->filter;
		c->order_window.filter = &c->order_filter;
	}
	c->order_generation = gen;
	c->order_valid = true;
	return RC_OK;
}

/* ---- windows ---- */

static enum rc visit_verdict(struct db_stmt *s, catalog_verdict_visit *v, void *ctx)
{
	struct catalog_verdict x = {
		.lane = (int32_t)db_i64(s, 0), .id = db_text(s, 1), .name = db_text(s, 2), .purpose = db_text(s, 3),
		.bytes = db_i64(s, 4), .created_us = db_i64(s, 5), .verdict = (int32_t)db_i64(s, 6), .rule = db_text(s, 7),
		.where = db_text(s, 8), .reason = db_text(s, 9), .evidence = db_text(s, 10), .class_ = (int32_t)db_i64(s, 11),
		.rank = (int32_t)db_i64(s, 12)
	};

	return v(ctx, &x);
}

static enum rc visit_nth(struct db_stmt *s, uint32_t n, catalog_verdict_visit *v, void *ctx, struct err *e)
{
	enum rc rc = RC_OK;

	db_bind_i64(s, 1, n);
	if (db_step(s, e) == DB_ROW)
		rc = visit_verdict(s, v, ctx);
	db_reset(s);
	return rc != RC_OK ? rc : db_step_rc(s);
}

static enum rc visit_window(struct catalog *c, const struct catalog_window *w, catalog_verdict_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, SELECT "WHERE n = ?1", e);
	int64_t total = (int64_t)c->order_n, from = MAX(w->offset, 0);

	for (int64_t i = from; i < total && i - from < w->limit && rc == RC_OK; i++)
		rc = visit_nth(s, c->order[w->descending ? total - 1 - i : i], v, ctx, e);
	return rc;
}

/* One snapshot from the generation to the last row. */
static enum rc window_in_snapshot(struct catalog *c, const struct catalog_window *w, int64_t *total,
				  catalog_verdict_visit *v, void *ctx, struct err *e)
{
	int64_t gen = 0;
	enum rc rc = generation(c, &gen, e);

	if (rc == RC_OK && gen == 0)
		return RC_OK;
	if (rc == RC_OK && !same_order(c, w, gen))
		rc = build_order(c, w, gen, e);
	if (rc == RC_OK)
		*total = (int64_t)c->order_n;
	return rc == RC_OK ? visit_window(c, w, v, ctx, e) : rc;
}

enum rc catalog_window(struct catalog *c, const struct catalog_window *w, int64_t *total, catalog_verdict_visit *v, void *ctx, struct err *e)
{
	int64_t n = 0;
	enum rc rc = db_do(c->db, "BEGIN", e);

	if (rc == RC_OK)
		rc = catalog_end(c, window_in_snapshot(c, w, &n, v, ctx, e), e);
	if (total != NULL)
		*total = n;
	return rc;
}

enum rc catalog_one(struct catalog *c, struct slice id, catalog_verdict_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	char shown[160];
	int64_t gen = 0, seen = 0;
	enum rc rc = generation(c, &gen, e);

	if (rc == RC_OK && gen != 0) {
		rc = db_prepare(c->db, &s, SELECT "WHERE id = ?1 ORDER BY lane, n", e);
		if (rc != RC_OK)
			return rc;
		db_bind_text(s, 1, id);
		while (rc == RC_OK && db_step(s, e) == DB_ROW) {
			seen++;
			rc = visit_verdict(s, v, ctx);
		}
		db_reset(s);
		if (rc == RC_OK)
			rc = db_step_rc(s);
	}
	if (rc == RC_OK && seen == 0)
		rc = err_set(e, RC_NOT_FOUND, "no item %s was validated; run a discovery, or check the id",
			     text_z(shown, sizeof shown, id));
	return rc;
}
