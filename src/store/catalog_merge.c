#include "store/catalog.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/catalog_impl.h"

struct cursor {
	struct db_stmt *s;
	bool more;                      /* the statement stands on a row */
};

enum { ROW_TEXTS = 7 };

/* SQLite's own order of TEXT. */
static int compare(struct slice a, struct slice b)
{
	int order = memcmp(a.p, b.p, MIN(a.n, b.n));

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* ---- items ---- */

static struct catalog_item item_of(struct db_stmt *s, int32_t lane)
{
	return (struct catalog_item){
		.lane = lane, .id = db_text(s, 0), .name = db_text(s, 1), .purpose = db_text(s, 2), .status = db_text(s, 3),
		.bytes = db_i64(s, 4), .created_us = db_i64(s, 5), .expires_us = db_i64(s, 6),
		.object_found = db_i64(s, 7) == 1
	};
}

static enum rc open_items(struct catalog *c, int32_t lane, const struct catalog_objects *how, struct db_stmt **s, struct err *e)
{
	static const char *const found[] = {
		[CATALOG_ITEM_NONE] = "0", [CATALOG_ITEM_ID] = "EXISTS (SELECT 1 FROM objects AS o WHERE o.key = ?1 || i.id)",
		[CATALOG_ITEM_NAME] = "EXISTS (SELECT 1 FROM objects AS o WHERE o.key = ?1 || i.name)"
	};
	enum catalog_item_key by = how->listed ? how->by : CATALOG_ITEM_NONE;
	char sql[240];

	snprintf(sql, sizeof sql, "SELECT id, name, purpose, status, bytes, created_us, expires_us, %s FROM items_%d AS i ORDER BY id",
		 found[by], (int)lane);
	enum rc rc = db_prepare(c->db, s, sql, e);
	if (rc == RC_OK && by != CATALOG_ITEM_NONE)
		db_bind_text(*s, 1, slice_of(buf_z(&how->prefix)));
	return rc;
}

/* ---- rows ---- */

#define ROWS "SELECT file_id, key, lane, name, status, sha256, object, bytes, created_us, used_us, deleted_us, refs, referenced, "
#define UNLISTED "0 FROM rows "
#define LISTED "EXISTS (SELECT 1 FROM objects AS o WHERE o.key = object) FROM rows "
#define NAMED "WHERE lane = ?1 AND file_id > '' "
#define UNMAPPED "WHERE lane = '' AND file_id > '' "

static enum rc has_unmapped(struct catalog *c, bool *yes, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(c->db, &s, "SELECT 1 FROM rows " UNMAPPED "LIMIT 1", e);

	if (rc != RC_OK)
		return rc;
	*yes = db_step(s, e) == DB_ROW;
	db_reset(s);
	return db_step_rc(s);
}

static enum rc open_rows(struct catalog *c, struct slice lane_name, bool objects, struct db_stmt **s, struct err *e)
{
	static const char *const sql[2][2] = {          /* unmapped, objects */
		{ ROWS UNLISTED NAMED "ORDER BY file_id, key", ROWS LISTED NAMED "ORDER BY file_id, key" },
		{ ROWS UNLISTED NAMED "UNION ALL " ROWS UNLISTED UNMAPPED "ORDER BY 1, 2",
		  ROWS LISTED NAMED "UNION ALL " ROWS LISTED UNMAPPED "ORDER BY 1, 2" }
	};
	bool unmapped = false;
	enum rc rc = lane_name.n != 0 ? has_unmapped(c, &unmapped, e) : RC_OK;

	if (rc == RC_OK)
		rc = db_prepare(c->db, s, sql[unmapped][objects], e);
	if (rc == RC_OK)
		db_bind_text(*s, 1, lane_name);
	return rc;
}

/* The row in the statement, its texts copied into `bytes`: looking ahead to the next row would take
 * them away. */
static void take_row(struct db_stmt *s, struct buf *bytes, struct catalog_row *row)
{
	struct slice *texts[ROW_TEXTS] = {
		&row->file_id, &row->key, &row->lane, &row->name, &row->status, &row->sha256, &row->object
	};
	size_t at = 0;

	buf_clear(bytes);
	for (int i = 0; i < ROW_TEXTS; i++) {
		*texts[i] = db_text(s, i);
		buf_add(bytes, texts[i]->p, texts[i]->n);
	}
	for (int i = 0; i < ROW_TEXTS; at += texts[i]->n, i++)
		texts[i]->p = texts[i]->n != 0 ? bytes->p + at : "";
	row->bytes = db_i64(s, 7);
	row->created_us = db_i64(s, 8);
	row->used_us = db_i64(s, 9);
	row->deleted_us = db_i64(s, 10);
	row->refs = db_i64(s, 11);
	row->referenced = db_i64(s, 12) == 1;
	row->object_found = db_i64(s, 13) == 1;
}

/* Moves the statement on. */
static enum rc step(struct cursor *c, struct err *e)
{
	c->more = db_step(c->s, e) == DB_ROW;
	return db_step_rc(c->s);
}

/* ---- the merge ---- */

struct merge {
	struct cursor items, rows;
	struct buf row_bytes;
	int32_t lane;
	catalog_merge_visit *visit;
	void *ctx;
};

/* On to the next row that is to be shown. A row whose lane is not known never dangles: the file may
 * be in another lane. *more = it is of the same file. */
static enum rc next_row(struct merge *m, struct slice file_id, bool dangling, bool *more, struct err *e)
{
	enum rc rc;

	do {
		rc = step(&m->rows, e);
		*more = rc == RC_OK && m->rows.more && compare(db_text(m->rows.s, 0), file_id) == 0;
	} while (*more && dangling && db_text(m->rows.s, 2).n == 0);
	return rc;
}

/* All rows of one file, beside its item or alone. */
static enum rc visit_rows(struct merge *m, const struct catalog_item *item, struct err *e)
{
	struct catalog_row row;
	bool more = true;
	enum rc rc = RC_OK;

	while (more && rc == RC_OK) {
		take_row(m->rows.s, &m->row_bytes, &row);
		rc = next_row(m, row.file_id, item == NULL, &more, e);
		if (rc == RC_OK && (item != NULL || row.lane.n != 0))
			rc = m->visit(m->ctx, item, &row, more);
	}
	return rc;
}

static enum rc visit_next(struct merge *m, struct err *e)
{
	int order = !m->items.more ? 1 : !m->rows.more ? -1 : compare(db_text(m->items.s, 0), db_text(m->rows.s, 0));

	if (order > 0)
		return visit_rows(m, NULL, e);
	struct catalog_item item = item_of(m->items.s, m->lane);
	enum rc rc = order == 0 ? visit_rows(m, &item, e) : m->visit(m->ctx, &item, NULL, false);
	return rc == RC_OK ? step(&m->items, e) : rc;
}

static enum rc run(struct merge *m, struct err *e)
{
	enum rc rc = step(&m->items, e);

	if (rc == RC_OK && m->rows.s != NULL)
		rc = step(&m->rows, e);
	while (rc == RC_OK && (m->items.more || m->rows.more))
		rc = visit_next(m, e);
	return rc;
}

enum rc catalog_merge(struct catalog *c, int32_t lane, struct slice lane_name, catalog_merge_visit *v, void *ctx, struct err *e)
{
	struct merge m = { .lane = lane, .visit = v, .ctx = ctx };
	struct catalog_objects how = { 0 };
	int64_t n;
	enum rc rc = catalog_list_size(c, lane, &n, e);

	if (rc == RC_OK && lane_name.n != 0)
		rc = catalog_list_size(c, CATALOG_ROWS, &n, e);
	if (rc == RC_OK)
		rc = catalog_objects_how(c, &how, e);
	if (rc == RC_OK)
		rc = open_items(c, lane, &how, &m.items.s, e);
	if (rc == RC_OK && lane_name.n != 0)
		rc = open_rows(c, lane_name, how.listed, &m.rows.s, e);
	if (rc == RC_OK)
		rc = run(&m, e);
	if (m.items.s != NULL)
		db_reset(m.items.s);
	if (m.rows.s != NULL)
		db_reset(m.rows.s);
	buf_done(&m.row_bytes);
	buf_done(&how.prefix);
	return rc;
}
