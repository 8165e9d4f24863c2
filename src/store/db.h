/* One SQLite connection with a statement cache and the settings this product needs (facts in the
 * comments of db.c). Only store/ and records/sqlite.c include sqlite3.h. A struct db belongs to one
 * thread at a time. Only the storage thread opens sluice.db for writing; everyone else opens readers. */
#ifndef SLUICE_STORE_DB_H
#define SLUICE_STORE_DB_H

#include "base/str.h"

struct hasher;

enum db_mode {
	DB_WRITER,              /* WAL, synchronous FULL, wal_autocheckpoint 0; created whole (0600, rename, fsync of the
				 * directory), so that an empty or half-made file under its name is damage */
	DB_READER,              /* read-only, query_only */
	DB_SCRATCH              /* catalog.db: WAL, synchronous OFF, may be thrown away */
};

struct db;
struct db_stmt;

struct db_migration {
	int version;            /* user_version after it */
	const char *sql;
};

struct db_schema {
	const char *what;       /* "audit log", "catalog": for messages */
	int32_t application_id;
	const struct db_migration *steps;   /* ends with version 0 */
	enum rc unusable;       /* what failed I/O and damage are answered with: RC_AUDIT, RC_IO */
	bool fixed;             /* once open, the writer may change rows but no table, trigger or pragma */
	const char *append_only;            /* a table in which it may not even change rows; NULL = none */
};

/* schema NULL for a reader that does not check. A newer user_version is refused with RC_USAGE, a
 * file that is no database or of another application with RC_AUDIT. */
enum rc db_open(struct db **out, const char *path, enum db_mode mode, const struct db_schema *schema, struct err *e) MUST_USE;
void db_close(struct db *d);
void db_shrink(struct db *d);                  /* pages kept in memory that are on disk are given up */
enum rc db_exec(struct db *d, const char *sql, struct err *e) MUST_USE;

/* One statement without values through the statement cache: BEGIN, SAVEPOINT … */
enum rc db_do(struct db *d, const char *sql, struct err *e) MUST_USE;

/* Cached for the life of the connection, so the texts must be few; a statement that is being
 * stepped is left alone and a second one made. Returned reset with no bindings. */
enum rc db_prepare(struct db *d, struct db_stmt **out, const char *sql, struct err *e) MUST_USE;
void db_bind_i64(struct db_stmt *s, int i, int64_t v);
void db_bind_opt(struct db_stmt *s, int i, int64_t v);            /* -1 binds NULL */
void db_bind_text(struct db_stmt *s, int i, struct slice v);      /* borrowed until the next step ends */
void db_bind_blob(struct db_stmt *s, int i, const void *p, size_t n);
void db_bind_null(struct db_stmt *s, int i);
enum db_step { DB_ROW, DB_DONE, DB_ERROR };
enum db_step db_step(struct db_stmt *s, struct err *e);
enum rc db_step_rc(const struct db_stmt *s);                      /* of the last step: RC_OK unless it was DB_ERROR */
/* Step to the end; RC_OK and *changed (may be NULL). */
enum rc db_run(struct db_stmt *s, int64_t *changed, struct err *e) MUST_USE;
void db_reset(struct db_stmt *s);
int64_t db_i64(struct db_stmt *s, int col);                       /* NULL reads as -1 */
bool db_is_null(struct db_stmt *s, int col);
struct slice db_text(struct db_stmt *s, int col);                 /* borrowed until the next step; TEXT or BLOB */
int64_t db_last_rowid(struct db *d);
/* For store/ only. */
void *db_sqlite(struct db *d);                                    /* the sqlite3 handle */
bool db_is_type(struct db_stmt *s, int col, int sqlite_type);
struct hasher *db_hasher(struct db *d);                           /* one per connection */
/* Fill e from the last error of the connection: "WHAT PATH: cannot DOING: …". */
enum rc db_fail(struct db *d, const char *doing, struct err *e);

#endif
