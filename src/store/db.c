#include "store/db.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db_impl.h"

struct db_stmt {
	struct db *d;
	sqlite3_stmt *s;
	char *sql;
	enum rc rc;
};

static const char *what(const struct db *d)
{
	return d->schema != NULL ? d->schema->what : "database";
}

/* ---- errors ---- */

static bool no_space(sqlite3 *h, int code)
{
	int sys = sqlite3_system_errno(h);

	return (code & 0xff) == SQLITE_FULL ||
	       ((code & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG));
}

static const char *advice(sqlite3 *h, int code)
{
	if (no_space(h, code))
		return "; free disk space";
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "; the file is damaged: keep it and restore a copy";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "; check its owner and permissions";
	case SQLITE_CANTOPEN:
		return "; check that its directory exists and is writable";
	case SQLITE_IOERR:
		return "; check the disk and its free space";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "; another program is using it: close that one";
	default:
		return "";
	}
}

static enum rc code_rc(const struct db *d, int code)
{
	enum rc unusable = d->schema != NULL ? d->schema->unusable : RC_AUDIT;

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		die("out of memory in SQLite");
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return RC_FORMAT;
	case SQLITE_AUTH:
		return RC_REFUSED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return unusable;
	default:
		return RC_INTERNAL;
	}
}

enum rc db_fail(struct db *d, const char *doing, struct err *e)
{
	int code = sqlite3_extended_errcode(d->h);
	char path[160], said[120];

	return err_set(e, code_rc(d, code), "%s %s: cannot %s: %s%s", what(d),
		       text_z(path, sizeof path, slice_of(d->path)), doing,
		       text_z(said, sizeof said, slice_of(sqlite3_errmsg(d->h))), advice(d->h, code));
}

enum rc db_refuse(const struct db *d, enum rc rc, const char *sentence, struct err *e)
{
	char path[160];

	return err_set(e, rc, "%s %s %s", what(d), text_z(path, sizeof path, slice_of(d->path)), sentence);
}

/* ---- statements ---- */

void db_free_statements(struct db *d)
{
	for (size_t i = 0; i < d->n; i++) {
		sqlite3_finalize(d->stmts[i]->s);
		free(d->stmts[i]->sql);
		free(d->stmts[i]);
	}
	free(d->stmts);
}

static struct db_stmt *cached(struct db *d, const char *sql)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->stmts[i]->sql, sql) == 0 && !sqlite3_stmt_busy(d->stmts[i]->s))
			return d->stmts[i];
	return NULL;
}

static enum rc make_stmt(struct db *d, struct db_stmt **out, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		return db_fail(d, "prepare a statement", e);
	struct db_stmt *made = xmalloc(sizeof *made);
	*made = (struct db_stmt){ .d = d, .s = s, .sql = xstrdup(sql) };
	GROW(d->stmts, d->cap, d->n + 1);
	d->stmts[d->n++] = made;
	*out = made;
	return RC_OK;
}

enum rc db_prepare(struct db *d, struct db_stmt **out, const char *sql, struct err *e)
{
	struct db_stmt **recent = &d->recent[((uintptr_t)sql >> 3) % DB_RECENT];
	struct db_stmt *s = *recent;

	if (s == NULL || strcmp(s->sql, sql) != 0 || sqlite3_stmt_busy(s->s))
		s = cached(d, sql);
	if (s == NULL) {
		enum rc rc = make_stmt(d, &s, sql, e);
		if (rc != RC_OK)
			return rc;
	}
	*recent = s;
	sqlite3_reset(s->s);
	sqlite3_clear_bindings(s->s);
	*out = s;
	return RC_OK;
}

static void bound(struct db_stmt *s, int code)
{
	if (code != SQLITE_OK)
		die("SQLite: cannot bind a value of %s: %s", s->sql, sqlite3_errstr(code));
}

void db_bind_i64(struct db_stmt *s, int i, int64_t v)
{
	bound(s, sqlite3_bind_int64(s->s, i, v));
}

void db_bind_opt(struct db_stmt *s, int i, int64_t v)
{
	if (v == -1)
		db_bind_null(s, i);
	else
		db_bind_i64(s, i, v);
}

void db_bind_text(struct db_stmt *s, int i, struct slice v)
{
	if (v.n > INT_MAX)
		die("SQLite: a text of %zu bytes", v.n);
	bound(s, sqlite3_bind_text(s->s, i, v.n != 0 ? v.p : "", (int)v.n, SQLITE_STATIC));
}

void db_bind_blob(struct db_stmt *s, int i, const void *p, size_t n)
{
	if (n > INT_MAX)
		die("SQLite: a value of %zu bytes", n);
	bound(s, sqlite3_bind_blob(s->s, i, n != 0 ? p : "", (int)n, SQLITE_STATIC));
}

void db_bind_null(struct db_stmt *s, int i)
{
	bound(s, sqlite3_bind_null(s->s, i));
}

static const char *doing(struct db_stmt *s)
{
	return sqlite3_column_count(s->s) > 0 ? "read" : "write";
}

enum db_step db_step(struct db_stmt *s, struct err *e)
{
	s->rc = RC_OK;
	switch (sqlite3_step(s->s)) {
	case SQLITE_ROW:
		return DB_ROW;
	case SQLITE_DONE:
		return DB_DONE;
	default:
		s->rc = db_fail(s->d, doing(s), e);
		sqlite3_reset(s->s);
		return DB_ERROR;
	}
}

enum rc db_step_rc(const struct db_stmt *s)
{
	return s->rc;
}

enum rc db_run(struct db_stmt *s, int64_t *changed, struct err *e)
{
	int code;

	while ((code = sqlite3_step(s->s)) == SQLITE_ROW)
		;
	if (code != SQLITE_DONE) {
		enum rc rc = db_fail(s->d, doing(s), e);
		sqlite3_reset(s->s);
		return rc;
	}
	if (changed != NULL)
		*changed = sqlite3_changes64(s->d->h);
	sqlite3_reset(s->s);
	return RC_OK;
}

enum rc db_do(struct db *d, const char *sql, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, sql, e);

	return rc == RC_OK ? db_run(s, NULL, e) : rc;
}

void db_reset(struct db_stmt *s)
{
	sqlite3_reset(s->s);
}

int64_t db_i64(struct db_stmt *s, int col)
{
	int64_t v = sqlite3_column_int64(s->s, col);
	return v == 0 && db_is_null(s, col) ? -1 : v;   /* NULL counts as 0: only that is looked at twice */
}

bool db_is_null(struct db_stmt *s, int col)
{
	return db_is_type(s, col, SQLITE_NULL);
}

bool db_is_type(struct db_stmt *s, int col, int sqlite_type)
{
	return sqlite3_column_type(s->s, col) == sqlite_type;
}

struct slice db_text(struct db_stmt *s, int col)
{
	const char *p = sqlite3_column_blob(s->s, col);

	return p != NULL ? (struct slice){ p, (size_t)sqlite3_column_bytes(s->s, col) } : (struct slice){ "", 0 };
}

int64_t db_last_rowid(struct db *d)
{
	return sqlite3_last_insert_rowid(d->h);
}

void *db_sqlite(struct db *d)
{
	return d->h;
}

struct hasher *db_hasher(struct db *d)
{
	if (d->hasher == NULL)
		d->hasher = hasher_new();
	return d->hasher;
}

void db_shrink(struct db *d)
{
	sqlite3_db_release_memory(d->h);
	mem_trim();
}

enum rc db_exec(struct db *d, const char *sql, struct err *e)
{
	if (sqlite3_exec(d->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(d, "write", e);
	return RC_OK;
}
