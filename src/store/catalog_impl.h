/* The inside of a struct catalog, shared by catalog.c, catalog_merge.c and catalog_view.c only. */
#ifndef SLUICE_STORE_CATALOG_IMPL_H
#define SLUICE_STORE_CATALOG_IMPL_H

#include "store/catalog.h"

/* Rows of the table `lists` besides the lanes. */
enum { CATALOG_ROWS = -1, CATALOG_VERDICTS = -2, CATALOG_OBJECTS = -3 };

struct catalog {
	struct db *db;
	/* Verdicts in the order of the last window, by rowid: kept until the order, the filter or the
	 * generation changes. */
	uint32_t *order;
	size_t order_n, order_cap;
	bool order_valid;
	int64_t order_generation;
	struct catalog_window order_window;     /* text points into order_text */
	struct buf order_text;
	struct query order_filter;
};

enum rc catalog_begin(struct catalog *c, struct err *e) MUST_USE;
/* COMMIT when rc is RC_OK, else ROLLBACK; returns rc or what the commit said. */
enum rc catalog_end(struct catalog *c, enum rc rc, struct err *e) MUST_USE;
enum rc catalog_exec(struct catalog *c, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_USE;
enum rc catalog_set_list(struct catalog *c, int32_t lane, int64_t items, struct err *e) MUST_USE;
enum rc catalog_forget_list(struct catalog *c, int32_t lane, struct err *e) MUST_USE;
enum rc catalog_list_size(struct catalog *c, int32_t lane, int64_t *items, struct err *e) MUST_USE;

/* ---- catalog_objects.c ---- */
struct catalog_objects {
	bool listed;                    /* the others count only then */
	enum catalog_item_key by;
	struct buf prefix;
};
/* To be given to buf_done: prefix. */
enum rc catalog_objects_how(struct catalog *c, struct catalog_objects *how, struct err *e) MUST_USE;

/* ---- catalog_filter.c ---- */
/* A term asks for what stands in ranks. */
bool catalog_filter_ranks(const struct query *q);
/* " AND …" for every term of the filter, with values ?4 and up; then these. */
void catalog_filter_sql(struct buf *sql, const struct query *q);
void catalog_filter_bind(struct db_stmt *s, const struct query *q, int64_t now_us);
bool catalog_filter_same(const struct query *a, const struct query *b);

/* ---- catalog_watch.c ---- */
struct catalog_watch {
	const struct catalog_window *w;
	void *sqlite;
	int64_t of;
	bool stopped;
};
/* From here to the end w->progress is called now and then. */
void catalog_watch_begin(struct catalog *c, const struct catalog_window *w, struct catalog_watch *watch);
void catalog_watch_end(struct catalog_watch *watch);

#endif
