#include "store/catalog.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/catalog_impl.h"
#include "store/schema.h"

/* Loading: rows are appended by rowid without any index (446,000 rows/s; with a text key in place
 * 24,000), and at the end copied once in key order, so that the merge is two sequential scans. */

/* ---- opening ---- */

/* Ours, but damaged (it is written without fsync) or of another version: make it anew. A database of
 * another program is left alone. */
static bool may_discard(const char *path)
{
	uint8_t header[72] = { 0 };
	const int32_t id = schema_catalog.application_id;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, header, sizeof header);
	close(fd);
	if (n < (ssize_t)sizeof header || memcmp(header, "SQLite format 3", 16) != 0)
		return true;
	uint32_t found = (uint32_t)header[68] << 24 | (uint32_t)header[69] << 16 | (uint32_t)header[70] << 8 | header[71];
	return found == (uint32_t)id || found == 0;
}

enum rc catalog_open(struct catalog **out, const char *path, enum catalog_use use, struct err *e)
{
	enum db_mode mode = use == CATALOG_READER ? DB_READER : DB_SCRATCH;
	struct db *db = NULL;
	enum rc rc = db_open(&db, path, mode, &schema_catalog, e);

	*out = NULL;
	if (rc != RC_OK && use == CATALOG_OWNER && may_discard(path) && unlink(path) == 0)
		rc = db_open(&db, path, mode, &schema_catalog, e);
	if (rc != RC_OK)
		return rc;
	*out = xcalloc(1, sizeof **out);
	(*out)->db = db;
	return RC_OK;
}

void catalog_close(struct catalog *c)
{
	if (c == NULL)
		return;
	db_close(c->db);
	free(c->order);
	buf_done(&c->order_text);
	free(c);
}

enum rc catalog_snapshot(struct catalog *c, struct err *e)
{
	return db_do(c->db, "BEGIN", e);
}

/* ---- transactions ---- */

enum rc catalog_begin(struct catalog *c, struct err *e)
{
	return db_do(c->db, "BEGIN IMMEDIATE", e);
}

enum rc catalog_end(struct catalog *c, enum rc rc, struct err *e)
{
	struct err undo;

	if (rc == RC_OK)
		rc = db_do(c->db, "COMMIT", e);
	if (rc != RC_OK)                /* a second answer of the rollback would say nothing new */
		(void)!db_do(c->db, "ROLLBACK", &undo);
	return rc;
}

/* fmt holds lane numbers only. */
enum rc catalog_exec(struct catalog *c, struct err *e, const char *fmt, ...)
{
	char sql[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof sql)
		die("catalog: a statement of %d bytes", n);
	return db_exec(c->db, sql, e);
}

enum rc catalog_set_list(struct catalog *c, int32_t lane, int64_t items, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, "INSERT OR REPLACE INTO lists (lane, items) VALUES (?1, ?2)", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, lane);
	db_bind_i64(s, 2, items);
	return db_run(s, NULL, e);
}

/* RC_INCOMPLETE when the list was not finished. */
enum rc catalog_list_size(struct catalog *c, int32_t lane, int64_t *items, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, "SELECT items FROM lists WHERE lane = ?1", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, lane);
	enum db_step step = db_step(s, e);
	if (step == DB_ROW)
		*items = db_i64(s, 0);
	db_reset(s);
	if (step == DB_DONE)
		return err_set(e, RC_INCOMPLETE, lane >= 0 ? "lane %d has no complete list; discover it first" :
			       "the records have no complete list; discover them first", (int)lane);
	return db_step_rc(s);
}

enum rc catalog_forget_list(struct catalog *c, int32_t lane, struct err *e)
{
	return catalog_exec(c, e, "DELETE FROM lists WHERE lane = %d", (int)lane);
}

/* ---- the list of a lane ---- */

enum rc catalog_list_begin(struct catalog *c, int32_t lane, struct err *e)
{
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = catalog_forget_list(c, lane, e);
	if (rc == RC_OK)
		rc = catalog_exec(c, e, "DROP TABLE IF EXISTS items_%d; DROP TABLE IF EXISTS loading_%d", (int)lane, (int)lane);
	if (rc == RC_OK)
		rc = catalog_exec(c, e, "CREATE TABLE loading_%d (id TEXT NOT NULL, name TEXT NOT NULL, purpose TEXT NOT NULL,"
				  " status TEXT NOT NULL, bytes INTEGER, created_us INTEGER, expires_us INTEGER) STRICT", (int)lane);
	return catalog_end(c, rc, e);
}

static enum rc add_item(struct db_stmt *s, const struct catalog_item *it, struct err *e)
{
	db_bind_text(s, 1, it->id);
	db_bind_text(s, 2, it->name);
	db_bind_text(s, 3, it->purpose);
	db_bind_text(s, 4, it->status);
	db_bind_opt(s, 5, it->bytes);
	db_bind_opt(s, 6, it->created_us);
	db_bind_opt(s, 7, it->expires_us);
	return db_run(s, NULL, e);
}

static enum rc add_items(struct catalog *c, const struct catalog_item *items, size_t n, struct err *e)
{
	struct db_stmt *s = NULL;
	int32_t lane = -1;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (s == NULL || items[i].lane != lane) {
			char sql[120];
			lane = items[i].lane;
			snprintf(sql, sizeof sql, "INSERT INTO loading_%d VALUES (?,?,?,?,?,?,?)", (int)lane);
			rc = db_prepare(c->db, &s, sql, e);
		}
		if (rc == RC_OK)
			rc = add_item(s, &items[i], e);
	}
	return rc;
}

enum rc catalog_list_add(struct catalog *c, const struct catalog_item *items, size_t n, struct err *e)
{
	enum rc rc = catalog_begin(c, e);

	return rc == RC_OK ? catalog_end(c, add_items(c, items, n, e), e) : rc;
}

/* Names the first value of a column that occurs twice. */
static enum rc name_duplicate(struct catalog *c, const char *sql, const char *object, enum rc rc, struct err *e)
{
	struct db_stmt *s;
	char shown[160];

	if (rc != RC_FORMAT || db_prepare(c->db, &s, sql, e) != RC_OK)
		return rc;
	if (db_step(s, e) == DB_ROW)
		rc = err_set(e, RC_FORMAT, "%s %s was listed twice; list again, and if it stays, report it to the store's vendor",
			     object, text_z(shown, sizeof shown, db_text(s, 0)));
	db_reset(s);
	return rc;
}

static enum rc sort_items(struct catalog *c, int lane, struct err *e)
{
	char sql[160];
	enum rc rc = catalog_exec(c, e, "CREATE TABLE items_%d (id TEXT PRIMARY KEY, name TEXT NOT NULL, purpose TEXT NOT NULL,"
				  " status TEXT NOT NULL, bytes INTEGER, created_us INTEGER, expires_us INTEGER) STRICT, WITHOUT ROWID", lane);

	if (rc == RC_OK)
		rc = catalog_exec(c, e, "INSERT INTO items_%d SELECT * FROM loading_%d ORDER BY id", lane, lane);
	snprintf(sql, sizeof sql, "SELECT id FROM loading_%d GROUP BY id HAVING count(*) > 1 LIMIT 1", lane);
	rc = name_duplicate(c, sql, "item", rc, e);
	if (rc == RC_OK)
		rc = catalog_exec(c, e, "DROP TABLE loading_%d", lane);
	return rc;
}

static enum rc count_rows(struct catalog *c, const char *table, int64_t *n, struct err *e)
{
	char sql[80];
	struct db_stmt *s;

	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	enum rc rc = db_prepare(c->db, &s, sql, e);
	if (rc != RC_OK)
		return rc;
	*n = db_step(s, e) == DB_ROW ? db_i64(s, 0) : 0;
	db_reset(s);
	return db_step_rc(s);
}

enum rc catalog_list_finish(struct catalog *c, int32_t lane, int64_t *items, struct err *e)
{
	char table[32];
	int64_t n = 0;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	snprintf(table, sizeof table, "items_%d", (int)lane);
	rc = sort_items(c, lane, e);
	if (rc == RC_OK)
		rc = count_rows(c, table, &n, e);
	if (rc == RC_OK)
		rc = catalog_set_list(c, lane, n, e);
	if (items != NULL)
		*items = n;
	rc = catalog_end(c, rc, e);
	db_shrink(c->db);
	return rc;
}

/* ---- the rows of the records ---- */

#define ROW_COLUMNS \
	"lane TEXT NOT NULL, file_id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL," \
	" sha256 TEXT NOT NULL, object TEXT NOT NULL, bytes INTEGER, created_us INTEGER, used_us INTEGER," \
	" deleted_us INTEGER, refs INTEGER, referenced INTEGER NOT NULL"

enum rc catalog_rows_begin(struct catalog *c, struct err *e)
{
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = catalog_forget_list(c, CATALOG_ROWS, e);
	if (rc == RC_OK)
		rc = catalog_forget_list(c, CATALOG_OBJECTS, e);
	if (rc == RC_OK)
		rc = db_exec(c->db, "DROP TABLE IF EXISTS rows; DROP TABLE IF EXISTS loading_rows;"
			     "CREATE TABLE loading_rows (" ROW_COLUMNS ") STRICT", e);
	return catalog_end(c, rc, e);
}

static enum rc add_row(struct db_stmt *s, const struct catalog_row *r, struct err *e)
{
	db_bind_text(s, 1, r->lane);
	db_bind_text(s, 2, r->file_id);
	db_bind_text(s, 3, r->key);
	db_bind_text(s, 4, r->name);
	db_bind_text(s, 5, r->status);
	db_bind_text(s, 6, r->sha256);
	db_bind_text(s, 7, r->object);
	db_bind_opt(s, 8, r->bytes);
	db_bind_opt(s, 9, r->created_us);
	db_bind_opt(s, 10, r->used_us);
	db_bind_opt(s, 11, r->deleted_us);
	db_bind_opt(s, 12, r->refs);
	db_bind_i64(s, 13, r->referenced);
	return db_run(s, NULL, e);
}

enum rc catalog_rows_add(struct catalog *c, const struct catalog_row *rows, size_t n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(c->db, &s, "INSERT INTO loading_rows VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", e);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = add_row(s, &rows[i], e);
	return catalog_end(c, rc, e);
}

static enum rc sort_rows(struct catalog *c, struct err *e)
{
	enum rc rc = db_exec(c->db, "CREATE TABLE rows (" ROW_COLUMNS ", PRIMARY KEY (lane, file_id, key)) STRICT, WITHOUT ROWID;"
			     "INSERT INTO rows SELECT * FROM loading_rows ORDER BY lane, file_id, key", e);

	rc = name_duplicate(c, "SELECT key FROM loading_rows GROUP BY lane, file_id, key HAVING count(*) > 1 LIMIT 1",
			    "row", rc, e);
	return rc == RC_OK ? db_exec(c->db, "DROP TABLE loading_rows", e) : rc;
}

enum rc catalog_rows_finish(struct catalog *c, int64_t *rows, struct err *e)
{
	int64_t n = 0;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = sort_rows(c, e);
	if (rc == RC_OK)
		rc = count_rows(c, "rows", &n, e);
	if (rc == RC_OK)
		rc = catalog_set_list(c, CATALOG_ROWS, n, e);
	if (rows != NULL)
		*rows = n;
	return catalog_end(c, rc, e);
}
