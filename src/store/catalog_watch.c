/* What SQLite itself can say: whether its file is still the one of its name, and how far a query is, the steps its statement made in a scan of the whole table. */
#include <sqlite3.h>

#include "store/catalog_impl.h"

enum { EVERY = 20000 };                 /* instructions of SQLite's machine: about a millisecond */

static int64_t scanned(sqlite3 *h)
{
	int64_t n = 0;
	for (sqlite3_stmt *s = sqlite3_next_stmt(h, NULL); s; s = sqlite3_next_stmt(h, s))
		if (sqlite3_stmt_busy(s))
			n += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
	return n;
}

static int on_progress(void *ctx)
{
	struct catalog_watch *watch = ctx;
	int64_t looked = scanned(watch->sqlite);
	watch->stopped = !watch->w->progress(watch->w->progress_ctx, looked < watch->of ? looked : watch->of, watch->of);
	return watch->stopped;
}

static int64_t rows(struct catalog *c)
{
	struct db_stmt *s;
	struct err e;
	int64_t n = 0;
	if (db_prepare(c->db, &s, "SELECT coalesce(max(n), 0) FROM verdicts", &e) != RC_OK)
		return 0;
	if (db_step(s, &e) == DB_ROW)
		n = db_i64(s, 0);
	db_reset(s);
	return n;
}

void catalog_watch_begin(struct catalog *c, const struct catalog_window *w, struct catalog_watch *watch)
{
	*watch = (struct catalog_watch){ .w = w, .sqlite = db_sqlite(c->db) };
	if (!w->progress)
		return;
	watch->of = rows(c);
	sqlite3_progress_handler(watch->sqlite, EVERY, on_progress, watch);
}

void catalog_watch_end(struct catalog_watch *watch)
{
	sqlite3_progress_handler(watch->sqlite, 0, NULL, NULL);
}

bool catalog_moved(struct catalog *c)
{
	int moved = 0;
	return sqlite3_file_control(db_sqlite(c->db), "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved != 0;
}
