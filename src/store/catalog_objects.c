#include "store/catalog.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/catalog_impl.h"

/* How an object is found stands beside the list, for whoever reads it later: objects_how has one row. */

enum rc catalog_objects_begin(struct catalog *c, enum catalog_item_key by, struct slice prefix, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = catalog_forget_list(c, CATALOG_OBJECTS, e);
	if (rc == RC_OK)
		rc = db_exec(c->db, "DROP TABLE IF EXISTS objects; DROP TABLE IF EXISTS loading_objects; DROP TABLE IF EXISTS objects_how;"
			     "CREATE TABLE loading_objects (key TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;"
			     "CREATE TABLE objects_how (by INTEGER NOT NULL, prefix TEXT NOT NULL) STRICT", e);
	if (rc == RC_OK)
		rc = db_prepare(c->db, &s, "INSERT INTO objects_how VALUES (?1, ?2)", e);
	if (rc == RC_OK) {
		db_bind_i64(s, 1, by);
		db_bind_text(s, 2, prefix.n != 0 ? prefix : SLICE_LIT(""));
		rc = db_run(s, NULL, e);
	}
	return catalog_end(c, rc, e);
}

enum rc catalog_objects_add(struct catalog *c, const struct catalog_object *o, size_t n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(c->db, &s, "INSERT INTO loading_objects VALUES (?1, ?2)", e);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		db_bind_text(s, 1, o[i].key);
		db_bind_i64(s, 2, o[i].bytes);
		rc = db_run(s, NULL, e);
	}
	return catalog_end(c, rc, e);
}

static enum rc one_number(struct catalog *c, const char *sql, int64_t *n, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	*n = db_step(s, e) == DB_ROW ? db_i64(s, 0) : 0;
	db_reset(s);
	return db_step_rc(s);
}

/* A key that was listed twice is one object, and the smaller of the two: nothing is taken to be larger than it is. */
enum rc catalog_objects_finish(struct catalog *c, int64_t *objects, struct err *e)
{
	enum rc rc = catalog_begin(c, e);

	if (rc != RC_OK)
		return rc;
	rc = db_exec(c->db, "CREATE TABLE objects (key TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
		     "INSERT INTO objects SELECT key, min(bytes) FROM loading_objects GROUP BY key;"
		     "DROP TABLE loading_objects", e);
	if (rc == RC_OK)
		rc = one_number(c, "SELECT count(*) FROM objects", objects, e);
	if (rc == RC_OK)
		rc = catalog_set_list(c, CATALOG_OBJECTS, *objects, e);
	return catalog_end(c, rc, e);
}

enum rc catalog_objects_how(struct catalog *c, struct catalog_objects *how, struct err *e)
{
	struct db_stmt *s;
	int64_t n = 0;
	enum rc rc = one_number(c, "SELECT count(*) FROM lists WHERE lane = -3", &n, e);

	how->listed = rc == RC_OK && n == 1;
	if (!how->listed)
		return rc;
	rc = db_prepare(c->db, &s, "SELECT by, prefix FROM objects_how", e);
	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) == DB_ROW) {
		int64_t by = db_i64(s, 0);
		struct slice prefix = db_text(s, 1);
		how->by = by == CATALOG_ITEM_ID ? CATALOG_ITEM_ID : by == CATALOG_ITEM_NAME ? CATALOG_ITEM_NAME : CATALOG_ITEM_NONE;
		buf_add(&how->prefix, prefix.p, prefix.n);
	}
	db_reset(s);
	return db_step_rc(s);
}

enum rc catalog_object_known(struct catalog *c, struct slice key, bool *known, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, "SELECT 1 FROM objects WHERE key = ?1", e);

	*known = false;
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, key);
	*known = db_step(s, e) == DB_ROW;
	db_reset(s);
	return db_step_rc(s);
}

enum rc catalog_objects_unnamed(struct catalog *c, const int *lanes, size_t n, int64_t *unnamed, struct err *e)
{
	static const char *const column[] = { [CATALOG_ITEM_NONE] = NULL, [CATALOG_ITEM_ID] = "id", [CATALOG_ITEM_NAME] = "name" };
	struct catalog_objects how = { 0 };
	struct buf sql;
	enum rc rc = catalog_objects_how(c, &how, e);

	*unnamed = 0;
	buf_init(&sql);
	buf_adds(&sql, "SELECT count(*) FROM objects WHERE key NOT IN (SELECT object FROM rows)");
	for (size_t i = 0; i < n && column[how.by] != NULL; i++)
		buf_addf(&sql, " AND key NOT IN (SELECT (SELECT prefix FROM objects_how) || %s FROM items_%d)", column[how.by], lanes[i]);
	if (rc == RC_OK && how.listed)
		rc = one_number(c, buf_z(&sql), unnamed, e);
	buf_done(&how.prefix);
	buf_done(&sql);
	return rc;
}
