/* One connection to PostgreSQL: libpq, non-blocking, its socket on the loop. Every function here is
 * called on the thread of a call (records/ask.h) and returns when the loop has seen the end of it. */
#ifndef SLUICE_RECORDS_POSTGRES_CONN_H
#define SLUICE_RECORDS_POSTGRES_CONN_H

#include <libpq-fe.h>

#include "base/secret.h"
#include "config/config.h"
#include "records/ask.h"

struct pg_conn;

/* Opens a session: UTC, UTF-8, time limits, row security refused, and read-only unless writing.
 * *out is set also on errors; close it. */
enum rc pg_open(struct pg_conn **out, struct loop *l, struct asker *a, const struct cfg_records *cfg, const struct secret *key,
		bool writing, struct err *e) MUST_USE;
void pg_close(struct pg_conn *c);               /* NULL is fine */
/* values: text or NULL; n = 0 may be several statements. *out is the last result, owned by the caller. */
enum rc pg_query(struct pg_conn *c, const char *sql, const char *const *values, int n, PGresult **out, struct err *e) MUST_USE;
/* The one statement of this session that pg_run repeats. */
enum rc pg_prepare(struct pg_conn *c, const char *sql, struct err *e) MUST_USE;
enum rc pg_run(struct pg_conn *c, const char *const *values, int n, PGresult **out, struct err *e) MUST_USE;
bool pg_in_transaction(const struct pg_conn *c);
bool pg_alive(const struct pg_conn *c);
/* A text that a column can hold: no NUL, valid UTF-8 (the session's encoding). */
bool pg_can_hold(struct slice text);

#endif
