/* catalog.db: what the last discoveries found. It can be thrown away. Loaded un-indexed, one table
 * per list, indexed once at the end. Used on worker threads; one struct catalog per thread, and never
 * two writers at a time (the engine serialises its workers). Its owner, who opens it first and closes
 * it last, makes a damaged or newer file anew: nobody else may, since the owner would go on in a file
 * that has no name any more. A database of another program is refused. */
#ifndef SLUICE_STORE_CATALOG_H
#define SLUICE_STORE_CATALOG_H

#include "base/query.h"
#include "store/db.h"

struct catalog;
enum catalog_use { CATALOG_READER, CATALOG_WRITER, CATALOG_OWNER };
enum rc catalog_open(struct catalog **out, const char *path, enum catalog_use use, struct err *e) MUST_USE;
void catalog_close(struct catalog *c);
/* The file was made anew since: open it again. */
bool catalog_moved(struct catalog *c);
/* Of a reader: all it reads from now on is as it is now. */
enum rc catalog_snapshot(struct catalog *c, struct err *e) MUST_USE;

struct catalog_item {
	int32_t lane;                   /* index in the configuration */
	struct slice id, name, purpose, status;
	int64_t bytes, created_us;      /* -1 unknown */
	int64_t expires_us;             /* 0, -1 unknown, CATALOG_NEVER = the store says that it stays */
	bool object_found;              /* read only: there is an object of its id or name, as catalog_objects_begin says */
};
#define CATALOG_NEVER INT64_MAX

/* One of the application's own copies. */
struct catalog_object {
	struct slice key;               /* as a row names it */
	int64_t bytes;
};

struct catalog_row {
	struct slice key;               /* primary key of the row */
	struct slice lane;              /* lane name it maps to */
	struct slice file_id, name, status, sha256, object;
	int64_t bytes, created_us, used_us, refs;       /* -1 unknown */
	int64_t deleted_us;             /* -1 live, 0 soft-deleted and nobody knows when */
	bool referenced;                /* a configured reference table points at it */
	bool object_found;              /* read only: the object it names is in the list of objects */
};

/* Begin a fresh list of one lane (drops the old one); add pages; finish builds the order by id.
 * A duplicate id is RC_FORMAT and names it. */
enum rc catalog_list_begin(struct catalog *c, int32_t lane, struct err *e) MUST_USE;
enum rc catalog_list_add(struct catalog *c, const struct catalog_item *items, size_t n, struct err *e) MUST_USE;
enum rc catalog_list_finish(struct catalog *c, int32_t lane, int64_t *items, struct err *e) MUST_USE;
enum rc catalog_rows_begin(struct catalog *c, struct err *e) MUST_USE;
enum rc catalog_rows_add(struct catalog *c, const struct catalog_row *rows, size_t n, struct err *e) MUST_USE;
enum rc catalog_rows_finish(struct catalog *c, int64_t *rows, struct err *e) MUST_USE;

/* The objects, listed after the rows: catalog_rows_begin forgets them. Until they are finished none is found.
 * An item's object is called prefix, then its id or name. */
enum catalog_item_key { CATALOG_ITEM_NONE, CATALOG_ITEM_ID, CATALOG_ITEM_NAME };
enum rc catalog_objects_begin(struct catalog *c, enum catalog_item_key by, struct slice prefix, struct err *e) MUST_USE;
enum rc catalog_objects_add(struct catalog *c, const struct catalog_object *o, size_t n, struct err *e) MUST_USE;
enum rc catalog_objects_finish(struct catalog *c, int64_t *objects, struct err *e) MUST_USE;
enum rc catalog_object_known(struct catalog *c, struct slice key, bool *known, struct err *e) MUST_USE;
/* Objects that no row names, and no item of these lanes by its key. */
enum rc catalog_objects_unnamed(struct catalog *c, const int *lanes, size_t n, int64_t *unnamed, struct err *e) MUST_USE;

/* One ordered pass over a lane's items beside the rows that name them (a merge of two ordered
 * cursors). row NULL = in no row; item NULL = dangling row. Several rows of one file come one by
 * one, `more` says that another follows. A row with an empty lane (not known) counts for the items
 * of every lane and never dangles; a row with an empty file_id names nothing and is not shown.
 * An empty lane_name: the items alone. RC_INCOMPLETE unless the list of the lane and the rows were both finished. */
typedef enum rc catalog_merge_visit(void *ctx, const struct catalog_item *item, const struct catalog_row *row, bool more);
enum rc catalog_merge(struct catalog *c, int32_t lane, struct slice lane_name, catalog_merge_visit *v, void *ctx, struct err *e) MUST_USE;

/* Verdicts of the last validation, for the Candidates screen. The last ones stay visible until
 * catalog_verdicts_finish puts the new ones in their place. */
struct catalog_verdict {
	int32_t lane;
	struct slice id, name, purpose;
	int64_t bytes, created_us;
	int32_t verdict;                /* enum verdict of cleanup/policy */
	int32_t class_;                 /* enum reversibility of cleanup/plan: 0 irreversible … 3 */
	struct slice rule;              /* "stale-30d", "orphan", "protect:names" … */
	struct slice where;             /* "P O D", "P n D", "P n -" */
	struct slice reason;            /* one sentence */
	struct slice evidence;          /* JSON */
	int32_t rank;                   /* in the plan, 0 = not planned; not read by catalog_verdicts_add */
};
enum rc catalog_verdicts_begin(struct catalog *c, struct err *e) MUST_USE;
enum rc catalog_verdicts_add(struct catalog *c, const struct catalog_verdict *v, size_t n, struct err *e) MUST_USE;
/* What came out after the verdicts were added, for those that were added as number nth. */
struct catalog_amend {
	int64_t nth;
	int32_t verdict, class_;
	struct slice reason;            /* empty = as it was */
	struct slice evidence;
};
enum rc catalog_verdicts_amend(struct catalog *c, const struct catalog_amend *a, size_t n, struct err *e) MUST_USE;
/* Ranks are known only when all verdicts are: this gives them to those that were added as number nth
 * (0 …, ascending). */
struct catalog_rank {
	int64_t nth;
	int32_t rank;
};
enum rc catalog_verdicts_rank(struct catalog *c, const struct catalog_rank *r, size_t n, struct err *e) MUST_USE;
enum rc catalog_verdicts_finish(struct catalog *c, struct err *e) MUST_USE;

/* Ascending; unknown sizes and ages and what is not planned come last; age ascending = youngest
 * first. The order of the last window is kept (4 bytes a row), so that scrolling costs no sort. */
enum catalog_order { CATALOG_BY_RANK, CATALOG_BY_SIZE, CATALOG_BY_AGE, CATALOG_BY_NAME, CATALOG_BY_ID, CATALOG_BY_LANE, CATALOG_BY_STATE,
	CATALOG_BY_RULE, CATALOG_BY_CLASS, CATALOG_BY_WHERE, CATALOG_BY_WHY, CATALOG_ORDERS };
/* The number of a term of state for what is in the plan. */
enum { CATALOG_PLANNED = -1 };
struct catalog_window {
	int32_t lane;                   /* -1 = all */
	int32_t verdict;                /* -1 = all */
	struct slice text;              /* part of name or id, bytes as they are; empty = any */
	const struct query *filter;     /* number = index of a lane, verdict of a state or CATALOG_PLANNED; NULL = all */
	int64_t now_us;                 /* ages are from here */
	/* While an order is made, on the caller's thread: rows looked at so far. False stops it: RC_CANCELLED. May be NULL. */
	bool (*progress)(void *ctx, int64_t looked, int64_t of);
	void *progress_ctx;
	enum catalog_order order;
	bool descending;
	int64_t offset;
	int limit;
};
typedef enum rc catalog_verdict_visit(void *ctx, const struct catalog_verdict *v);
/* Rows of a window; *total = how many match. */
enum rc catalog_window(struct catalog *c, const struct catalog_window *w, int64_t *total, catalog_verdict_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc catalog_one(struct catalog *c, struct slice id, catalog_verdict_visit *v, void *ctx, struct err *e) MUST_USE;

#endif
