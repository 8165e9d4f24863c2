#include "records/sqlite_impl.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

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

static enum rc fail(const struct guest *g, const char *doing, struct err *e)
{
	int code = sqlite3_extended_errcode(g->h);
	char path[120], said[100];
	return err_set(e, RC_IO, "records %s: cannot %s %s: %s%s", g->s->cfg->name, doing,
		       text_z(path, sizeof path, slice_of(g->s->cfg->path)),
		       text_z(said, sizeof said, slice_of(sqlite3_errmsg(g->h))), advice(code));
}

/* ---- statements ---- */

static sqlite3_stmt *raw(struct guest_stmt *s)
{
	return (sqlite3_stmt *)(void *)s;
}

enum rc guest_prepare(struct guest *g, const struct buf *sql, struct guest_stmt **out, struct err *e)
{
	sqlite3_stmt *s = NULL;
	*out = NULL;
	if (sqlite3_prepare_v2(g->h, sql->p, (int)sql->n, &s, NULL) != SQLITE_OK)
		return fail(g, "read", e);
	*out = (struct guest_stmt *)(void *)s;
	return RC_OK;
}

void guest_finalize(struct guest_stmt *s)
{
	sqlite3_finalize(raw(s));
}

void guest_reset(struct guest_stmt *s)
{
	sqlite3_reset(raw(s));
	sqlite3_clear_bindings(raw(s));
}

void guest_bind(struct guest_stmt *s, int i, struct slice v)
{
	if (i <= sqlite3_bind_parameter_count(raw(s)))
		sqlite3_bind_text(raw(s), i, v.n ? v.p : "", (int)v.n, SQLITE_STATIC);
}

void guest_bind_i64(struct guest_stmt *s, int i, int64_t v)
{
	if (i <= sqlite3_bind_parameter_count(raw(s)))
		sqlite3_bind_int64(raw(s), i, v);
}

enum guest_step guest_step(struct guest *g, struct guest_stmt *s, struct err *e)
{
	switch (sqlite3_step(raw(s))) {
	case SQLITE_ROW:
		return GUEST_ROW;
	case SQLITE_DONE:
		return GUEST_DONE;
	default:
		fail(g, sqlite3_stmt_readonly(raw(s)) ? "read" : "write", e);
		return GUEST_ERROR;
	}
}

int64_t guest_changed(struct guest *g)
{
	return sqlite3_changes64(g->h);
}

enum rc guest_exec(struct guest *g, const char *sql, struct err *e)
{
	if (sqlite3_exec(g->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(g, sql[0] == 'B' ? "begin in" : "write", e);
	return RC_OK;
}

void guest_rollback(struct guest *g)
{
	if (g->h && !sqlite3_get_autocommit(g->h))
		sqlite3_exec(g->h, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- values ---- */

struct slice guest_text(struct guest_stmt *s, int col)
{
	const unsigned char *p = sqlite3_column_text(raw(s), col);
	return p ? (struct slice){ (const char *)p, (size_t)sqlite3_column_bytes(raw(s), col) } : slice_of(NULL);
}

int64_t guest_number(struct guest_stmt *s, int col)
{
	int64_t v;
	if (sqlite3_column_type(raw(s), col) == SQLITE_INTEGER)
		v = sqlite3_column_int64(raw(s), col);
	else if (!parse_i64(guest_text(s, col), &v))
		return -1;
	return v >= 0 ? v : -1;
}

/* Seconds, milliseconds or microseconds since 1970, told apart by their size. */
static int64_t epoch_us(int64_t v)
{
	if (v < 0)
		return -1;
	if (v < INT64_C(100000000000))
		return v * 1000000;
	return v < INT64_C(100000000000000) ? v * 1000 : v;
}

int64_t guest_time_us(struct guest_stmt *stmt, int col)
{
	sqlite3_stmt *s = raw(stmt);
	int64_t us;
	struct slice t;
	switch (sqlite3_column_type(s, col)) {
	case SQLITE_INTEGER:
		return epoch_us(sqlite3_column_int64(s, col));
	case SQLITE_FLOAT:
		return sqlite3_column_double(s, col) > 1e8 && sqlite3_column_double(s, col) < 1e11
			? (int64_t)(sqlite3_column_double(s, col) * 1e6) : -1;
	case SQLITE_TEXT:
		t = guest_text(stmt, col);
		return time_parse_sql(t, &us) || time_parse_rfc3339(t, &us) ? us : -1;
	default:
		return -1;
	}
}

void guest_key_take(struct guest_key **k, struct guest_stmt *s, int col)
{
	guest_key_free(*k);
	*k = (struct guest_key *)(void *)sqlite3_value_dup(sqlite3_column_value(raw(s), col));
}

void guest_key_bind(struct guest_stmt *s, int i, const struct guest_key *k)
{
	sqlite3_bind_value(raw(s), i, (const sqlite3_value *)(const void *)k);
}

void guest_key_free(struct guest_key *k)
{
	sqlite3_value_free((sqlite3_value *)(void *)k);
}

/* ---- opening ---- */

void guest_close(struct guest *g)
{
	guest_rollback(g);
	sqlite3_close_v2(g->h);
	mapping_schema_done(&g->schema);
}

static enum rc find_wal(struct guest *g, struct err *e)
{
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(g->h, "PRAGMA journal_mode", -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
		sqlite3_finalize(s);
		return fail(g, "open", e);
	}
	g->wal = slice_is(guest_text((struct guest_stmt *)(void *)s, 0), "wal");
	sqlite3_finalize(s);
	return RC_OK;
}

static enum rc read_columns(struct guest *g, struct err *e)
{
	struct mapping_schema *sc = &g->schema;
	sqlite3_stmt *s = NULL;
	const char *table = g->s->cfg->table;
	if (sqlite3_prepare_v2(g->h, "SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?1)", -1, &s, NULL) != SQLITE_OK)
		return fail(g, "read", e);
	sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	int code;
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		GROW(sc->columns, sc->cap, sc->n + 1);
		const char *name = (const char *)sqlite3_column_text(s, 0), *type = (const char *)sqlite3_column_text(s, 1);
		sc->columns[sc->n++] = (struct mapping_column){ .name = xstrdup(name ? name : ""), .type = xstrdup(type ? type : ""),
								.not_null = sqlite3_column_int(s, 2) != 0 };
	}
	sqlite3_finalize(s);
	if (code != SQLITE_DONE)
		return fail(g, "read", e);
	if (sc->n == 0)
		return err_set(e, RC_USAGE, "records %s: there is no table %s in this database; name the right one in table of these records",
			       g->s->cfg->name, table);
	return RC_OK;
}

enum rc guest_open(struct guest *g, const struct sqlite_source *s, struct err *e)
{
	/* Also a reader opens read-write: a write-ahead log cannot be read otherwise where the -shm file
	 * is missing. query_only refuses every change. */
	*g = (struct guest){ .s = s };
	enum rc rc = RC_OK;
	if (sqlite3_open_v2(s->cfg->path, &g->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		rc = fail(g, "open", e);
	if (rc == RC_OK) {
		sqlite3_extended_result_codes(g->h, 1);
		sqlite3_busy_timeout(g->h, (int)MIN(s->cfg->busy_timeout_ms, 600000));
		sqlite3_db_config(g->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_db_config(g->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(g->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		rc = guest_exec(g, s->permit == RECORDS_ALL ? "PRAGMA wal_autocheckpoint=0"
							 : "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON", e);
	}
	if (rc == RC_OK)
		rc = find_wal(g, e);
	if (rc == RC_OK)
		rc = read_columns(g, e);
	if (rc == RC_OK)
		rc = mapping_make(&g->m, s->cfg, s->lanes, &g->schema, e);
	if (rc != RC_OK)
		guest_close(g);
	return rc;
}

