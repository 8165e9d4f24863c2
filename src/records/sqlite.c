/* Records in an SQLite file that belongs to a live application. Each call opens the file, looks at
 * its columns and closes it. It is never created, its journal mode and schema are never changed,
 * nothing is checkpointed, and transactions are short. */
#include "records/source.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"

struct guest {
	sqlite3 *h;
	sqlite3_stmt *change;           /* kept for the rows of a batch */
	sqlite3_value *last_key;        /* of the page before */
};

static struct guest *guest_of(const struct session *s)
{
	return s->own;
}

/* ---- errors ---- */

static const char *advice(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "; the application holds it longer than busy_timeout: try again, or raise that";
	case SQLITE_CANTOPEN:
		return "; check the path, and that this account may read the file and its directory";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "; check that this account may write the file and its directory";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "; the file is damaged or no SQLite database";
	case SQLITE_CONSTRAINT:
		return "; the table's own rules refuse the value";
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return "; check the disk";
	default:
		return "";
	}
}

static enum rc fail(const struct session *s, const char *doing, struct err *e)
{
	sqlite3 *h = guest_of(s)->h;
	char path[120], said[100];
	return err_set(e, RC_IO, "records %s: cannot %s %s: %s%s", s->s->cfg->name, doing,
		       text_z(path, sizeof path, slice_of(s->s->cfg->path)),
		       text_z(said, sizeof said, slice_of(sqlite3_errmsg(h))), advice(sqlite3_extended_errcode(h)));
}

/* ---- statements ---- */

static enum rc prepare(struct session *s, const struct mapping_sql *sql, sqlite3_stmt **out, struct err *e)
{
	*out = NULL;
	if (sqlite3_prepare_v2(guest_of(s)->h, sql->text.p, (int)sql->text.n, out, NULL) != SQLITE_OK)
		return fail(s, "read", e);
	return RC_OK;
}

/* Bytes are borrowed until the next step ends. */
static void bind(sqlite3_stmt *st, int i, struct slice v)
{
	sqlite3_bind_text(st, i, v.n ? v.p : "", (int)v.n, SQLITE_STATIC);
}

static struct cell cell_at(sqlite3_stmt *st, int col)
{
	static const enum cell_kind kinds[] = { [SQLITE_INTEGER] = CELL_INTEGER, [SQLITE_FLOAT] = CELL_REAL, [SQLITE_TEXT] = CELL_TEXT,
						[SQLITE_BLOB] = CELL_TEXT, [SQLITE_NULL] = CELL_NULL };
	struct cell c = { .kind = kinds[sqlite3_column_type(st, col)] };
	if (c.kind == CELL_NULL)
		return c;
	c.text.p = (const char *)sqlite3_column_text(st, col);
	c.text.n = c.text.p ? (size_t)sqlite3_column_bytes(st, col) : 0;
	return c;
}

/* Every row of the statement as cells. */
static enum rc rows(struct session *s, sqlite3_stmt *st, int columns, cells_fn *fn, void *ctx, struct err *e)
{
	struct cell c[MAP_COUNT + MAPPING_REFERENCES + 2];
	enum rc rc = RC_OK;
	int code = SQLITE_DONE;
	while (rc == RC_OK && (code = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++)
			c[i] = cell_at(st, i);
		rc = fn(ctx, c, e);
	}
	return rc == RC_OK && code != SQLITE_DONE ? fail(s, "read", e) : rc;
}

static enum rc exec(struct session *s, const char *sql, const char *doing, struct err *e)
{
	return sqlite3_exec(guest_of(s)->h, sql, NULL, NULL, NULL) == SQLITE_OK ? RC_OK : fail(s, doing, e);
}

/* ---- opening ---- */

static void guest_rollback(struct session *s)
{
	struct guest *g = guest_of(s);
	sqlite3_finalize(g->change);
	g->change = NULL;
	if (!sqlite3_get_autocommit(g->h))
		sqlite3_exec(g->h, "ROLLBACK", NULL, NULL, NULL);
}

static void guest_close(struct session *s)
{
	struct guest *g = guest_of(s);
	if (!g)
		return;
	if (g->h)
		guest_rollback(s);
	sqlite3_value_free(g->last_key);
	sqlite3_close_v2(g->h);
	free(g);
	s->own = NULL;
}

static enum rc find_wal(struct session *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = RC_OK;
	if (sqlite3_prepare_v2(guest_of(s)->h, "PRAGMA journal_mode", -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
		rc = fail(s, "open", e);
	else                            /* a long read holds back writers unless the log is write-ahead */
		s->one_moment = slice_is(cell_at(st, 0).text, "wal");
	sqlite3_finalize(st);
	return rc;
}

static enum rc read_columns(struct session *s, struct err *e)
{
	struct mapping_schema *sc = &s->schema;
	sqlite3_stmt *st = NULL;
	const char *table = s->s->cfg->table;
	if (sqlite3_prepare_v2(guest_of(s)->h, "SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?1)", -1, &st, NULL) != SQLITE_OK)
		return fail(s, "read", e);
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	int code;
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		GROW(sc->columns, sc->cap, sc->n + 1);
		const char *name = (const char *)sqlite3_column_text(st, 0), *type = (const char *)sqlite3_column_text(st, 1);
		sc->columns[sc->n++] = (struct mapping_column){ .name = xstrdup(name ? name : ""), .type = xstrdup(type ? type : ""),
								.not_null = sqlite3_column_int(st, 2) != 0 };
	}
	sqlite3_finalize(st);
	if (code != SQLITE_DONE)
		return fail(s, "read", e);
	if (sc->n == 0)
		return mapping_no_table(s->s->cfg, e);
	return RC_OK;
}

static enum rc guest_open(struct session *s, bool writing, struct err *e)
{
	/* Also a reader opens read-write: a write-ahead log cannot be read otherwise where the -shm file
	 * is missing. query_only refuses every change. */
	const struct cfg_records *cfg = s->s->cfg;
	struct guest *g = s->own = xcalloc(1, sizeof *g);
	s->now_us = now_read().wall_us;
	if (sqlite3_open_v2(cfg->path, &g->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		return fail(s, "open", e);
	sqlite3_extended_result_codes(g->h, 1);
	sqlite3_busy_timeout(g->h, (int)MIN(cfg->busy_timeout_ms, 600000));
	sqlite3_db_config(g->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(g->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(g->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	enum rc rc = exec(s, writing ? "PRAGMA wal_autocheckpoint=0" : "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON", "open", e);
	if (rc == RC_OK)
		rc = find_wal(s, e);
	if (rc == RC_OK)
		rc = read_columns(s, e);
	return rc == RC_OK ? mapping_make(&s->m, cfg, s->s->lanes, &s->schema, e) : rc;
}

static enum rc guest_begin(struct session *s, enum begin_kind k, struct err *e)
{
	return exec(s, k == BEGIN_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", "begin in", e);
}

static enum rc guest_commit(struct session *s, struct err *e)
{
	return exec(s, "COMMIT", "write", e);
}

/* ---- reading ---- */

static enum rc number(struct session *s, struct mapping_sql *sql, const char *value, int64_t *n, struct err *e)
{
	sqlite3_stmt *st;
	enum rc rc = prepare(s, sql, &st, e);
	if (rc == RC_OK && value)
		bind(st, 1, slice_of(value));
	if (rc == RC_OK && sqlite3_step(st) != SQLITE_ROW)
		rc = fail(s, "read", e);
	if (rc == RC_OK)
		*n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	mapping_sql_done(sql);
	return rc;
}

static enum rc guest_count(struct session *s, int64_t *n, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	mapping_sql_count(&s->m, &sql);
	return number(s, &sql, NULL, n, e);
}

static enum rc guest_claims(struct session *s, const char *token, int64_t *n, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	mapping_sql_claims(&s->m, &sql);
	return number(s, &sql, token, n, e);
}

/* ---- the lease row ---- */

static void leased(sqlite3_stmt *st, const char *who, struct records_lease *out)
{
	struct cell holder = cell_at(st, 0);
	out->ours = slice_is(holder.text, who) && sqlite3_column_int64(st, 2);
	out->token = sqlite3_column_int64(st, 1);
	text_z(out->holder, sizeof out->holder, holder.text);
}

static enum rc lease_step(struct session *s, struct mapping_sql *sql, const char *who, struct records_lease *out, struct err *e)
{
	sqlite3_stmt *st;
	enum rc rc = prepare(s, sql, &st, e);
	if (rc == RC_OK && sql->n)
		bind(st, 1, slice_of(who));
	int code = rc == RC_OK ? sqlite3_step(st) : SQLITE_OK;
	if (rc == RC_OK && code == SQLITE_ROW)
		leased(st, who, out);
	else if (rc == RC_OK && code != SQLITE_DONE)
		rc = fail(s, "take the lease in", e);
	else if (rc == RC_OK && !sql->n)
		rc = err_set(e, RC_NOT_FOUND, "records %s: table %s has no row named sluice; see data/schema/records-lease.sql", s->s->cfg->name, s->s->cfg->lease);
	sqlite3_finalize(st);
	mapping_sql_done(sql);
	return rc;
}

static enum rc guest_lease(struct session *s, const char *who, struct records_lease *out, struct err *e)
{
	struct mapping_sql take = { .n = 0 }, look = { .n = 0 };
	mapping_sql_lease(&s->m, &take);
	enum rc rc = lease_step(s, &take, who, out, e);
	if (rc != RC_OK)
		return rc;
	mapping_sql_leased(&s->m, &look);
	return lease_step(s, &look, who, out, e);
}

struct paging {
	sqlite3_stmt *st;
	struct guest *g;
	cells_fn *fn;
	void *ctx;
	int64_t rows;
};

static enum rc page_row(void *ctx, const struct cell *c, struct err *e)
{
	struct paging *p = ctx;
	if (++p->rows == SOURCE_PAGE) { /* as the database holds it: integer or text */
		sqlite3_value_free(p->g->last_key);
		p->g->last_key = sqlite3_value_dup(sqlite3_column_value(p->st, MAP_ID));
	}
	return p->fn(p->ctx, c, e);
}

static enum rc guest_page(struct session *s, cells_fn *fn, void *ctx, int64_t *n, bool *last, struct err *e)
{
	struct guest *g = guest_of(s);
	struct paging p = { .g = g, .fn = fn, .ctx = ctx };
	struct mapping_sql sql = { .n = 0 };
	mapping_sql_page(&s->m, !g->last_key, &sql);
	enum rc rc = prepare(s, &sql, &p.st, e);
	for (int i = 0; rc == RC_OK && i < sql.n; i++)
		if (sql.param[i] == MAPPING_LIMIT)
			sqlite3_bind_int(p.st, i + 1, SOURCE_PAGE);
		else
			sqlite3_bind_value(p.st, i + 1, g->last_key);
	if (rc == RC_OK)
		rc = rows(s, p.st, MAP_COUNT + (int)s->m.cfg->n_references, page_row, &p, e);
	*n = p.rows;
	*last = p.rows < SOURCE_PAGE;
	sqlite3_finalize(p.st);
	mapping_sql_done(&sql);
	return rc;
}

static enum rc guest_reference(struct session *s, size_t i, cells_fn *fn, void *ctx, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	sqlite3_stmt *st;
	mapping_sql_reference(&s->m, i, &sql);
	enum rc rc = prepare(s, &sql, &st, e);
	if (rc == RC_OK)
		rc = rows(s, st, 1, fn, ctx, e);
	sqlite3_finalize(st);
	mapping_sql_done(&sql);
	return rc;
}

static enum rc guest_look(struct session *s, const struct records_ref *refs, size_t n, cells_fn *fn, void *ctx, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	sqlite3_stmt *st;
	mapping_sql_rows(&s->m, n, &sql);
	enum rc rc = prepare(s, &sql, &st, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		bind(st, (int)i + 1, refs[i].file_id);
	if (rc == RC_OK)
		rc = rows(s, st, MAP_COUNT + 2, fn, ctx, e);
	sqlite3_finalize(st);
	mapping_sql_done(&sql);
	return rc;
}

/* ---- changing ---- */

static enum rc prepare_change(struct session *s, enum batch_op op, struct mapping_sql *sql, struct err *e)
{
	struct guest *g = guest_of(s);
	mapping_sql_change(&s->m, op, sql);
	if (!g->change)
		return prepare(s, sql, &g->change, e);
	sqlite3_reset(g->change);
	sqlite3_clear_bindings(g->change);
	return RC_OK;
}

static enum rc guest_change(struct session *s, const struct change *c, int64_t *changed, struct err *e)
{
	struct guest *g = guest_of(s);
	struct mapping_sql sql = { .n = 0 };
	char text[TIME_TEXT];
	int64_t v;
	enum rc rc = prepare_change(s, c->op, &sql, e);
	for (int i = 0; rc == RC_OK && i < sql.n; i++) {
		struct cell cell = change_value(s, c, sql.param[i], text);
		if (cell.kind == CELL_INTEGER && parse_i64(cell.text, &v))
			sqlite3_bind_int64(g->change, i + 1, v);
		else                    /* text[] is used again by the next */
			sqlite3_bind_text(g->change, i + 1, cell.text.n ? cell.text.p : "", (int)cell.text.n, SQLITE_TRANSIENT);
	}
	if (rc == RC_OK && sqlite3_step(g->change) != SQLITE_DONE)
		rc = fail(s, "write", e);
	if (rc == RC_OK)
		*changed = sqlite3_changes64(g->h);
	mapping_sql_done(&sql);
	return rc;
}

const struct adapter sqlite_adapter = {
	.open = guest_open, .close = guest_close, .begin = guest_begin, .commit = guest_commit, .rollback = guest_rollback,
	.count = guest_count, .page = guest_page, .reference = guest_reference, .look = guest_look, .change = guest_change,
	.claims = guest_claims, .lease = guest_lease,
};
