/* The inside of the SQLite adapter: one opened file of the application with its mapping, and the
 * statements on it. Shared by sqlite*.c only; sqlite.c alone knows the library. */
#ifndef SLUICE_RECORDS_SQLITE_IMPL_H
#define SLUICE_RECORDS_SQLITE_IMPL_H

#include "records/mapping.h"
#include "records/sqlite.h"

struct sqlite3;

struct guest {
	const struct sqlite_source *s;
	struct sqlite3 *h;
	bool wal;
	struct mapping_schema schema;
	struct mapping m;
};

enum rc guest_open(struct guest *g, const struct sqlite_source *s, struct err *e) MUST_USE;
void guest_close(struct guest *g);
enum rc guest_exec(struct guest *g, const char *sql, struct err *e) MUST_USE;
void guest_rollback(struct guest *g);           /* if a transaction is open */

struct guest_stmt;                              /* one sqlite3_stmt */
enum rc guest_prepare(struct guest *g, const struct buf *sql, struct guest_stmt **out, struct err *e) MUST_USE;
void guest_finalize(struct guest_stmt *s);      /* NULL is fine */
void guest_reset(struct guest_stmt *s);
/* Bytes are borrowed until the next step ends. A parameter that the statement does not have is skipped. */
void guest_bind(struct guest_stmt *s, int i, struct slice v);
void guest_bind_i64(struct guest_stmt *s, int i, int64_t v);
enum guest_step { GUEST_ROW, GUEST_DONE, GUEST_ERROR };
enum guest_step guest_step(struct guest *g, struct guest_stmt *s, struct err *e);
/* Of the change that ended just now. */
int64_t guest_changed(struct guest *g);

struct slice guest_text(struct guest_stmt *s, int col);         /* borrowed until the next step */
int64_t guest_number(struct guest_stmt *s, int col);            /* -1 for NULL, negative or no integer */
int64_t guest_time_us(struct guest_stmt *s, int col);           /* text or epoch; -1 unknown */

/* A key as the database holds it, integer or text, to page by. */
struct guest_key;
void guest_key_take(struct guest_key **k, struct guest_stmt *s, int col);
void guest_key_bind(struct guest_stmt *s, int i, const struct guest_key *k);
void guest_key_free(struct guest_key *k);       /* NULL is fine */

#endif
