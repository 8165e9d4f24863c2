/* The application's own database that tracks the files. One adapter per kind behind this interface
 * (records/source.h). Every call runs on a worker, or for a remote database on a thread of its own, one
 * at a time per source, in order; callbacks come on the loop. The database belongs to a live application: short transactions, its journal mode
 * and schema are never changed, every statement is guarded and names its rows. */
#ifndef SLUICE_RECORDS_RECORDS_H
#define SLUICE_RECORDS_RECORDS_H

#include "base/str.h"
#include "config/config.h"
#include "net/loop.h"
#include "store/catalog.h"

struct records;

enum records_permit { RECORDS_READS, RECORDS_REHEARSE, RECORDS_ALL };

/* cfg is one of all->records; both are borrowed. The database is opened by each call, not here. */
enum rc records_new(struct records **out, struct loop *l, const struct config *all, const struct cfg_records *cfg,
		    struct err *e) MUST_USE;
void records_free(struct records *r);                      /* waits for the call that runs; a remote one is cancelled */
void records_permit(struct records *r, enum records_permit p);
const char *records_name(const struct records *r);

/* What the mapping found in the schema (columns are detected at each list). */
struct records_caps {
	bool claim, deleted_at, deletion_reason, status, used, refs;
	char unclaimed[160];            /* sentence for the plan when there is no claim column, else "" */
};

/* The complete list: key-set paging, count before = count after, reference tables with self-test. */
struct records_list {
	enum rc rc;                     /* RC_OK = complete */
	struct err err;                 /* why not */
	int64_t rows;                   /* read, live ones */
	int64_t count_before, count_after;
	bool empty;                     /* complete but no row */
	bool may_be_empty;              /* declared so */
	struct records_caps caps;
	char places[400];               /* "provider_file_uploads 4,120 rows; conversation_files self-test ok" */
};
/* Each page is handed to `page` ON THE WORKER THREAD (it writes the catalog); done on the loop. */
typedef enum rc records_page_fn(void *ctx, const struct catalog_row *rows, size_t n, struct err *e);
typedef void records_list_fn(void *ctx, const struct records_list *l);
void records_list(struct records *r, records_page_fn *page, records_list_fn *done, void *ctx);

/* After a restart: the list that the open cycle's plan stands on began at this wall time or later, so a row used or
 * updated since then counts as changed. A list of this process's own replaces it. */
void records_listed_since(struct records *r, int64_t wall_us);

/* One item of a batch call. `key` is the row's key, empty when the item has no row. */
struct records_ref {
	struct slice lane;              /* lane name */
	struct slice file_id, key;
	struct slice new_id;            /* of a remap, empty elsewhere */
};
enum records_result {
	RECORDS_DONE,                   /* claimed / released / committed by us (now or before) */
	RECORDS_NO_ROW,                 /* nothing to do: the item has no row */
	RECORDS_UNCLAIMED,              /* the mapping has no claim column */
	RECORDS_REFERENCED,             /* a reference or a new row has appeared */
	RECORDS_CHANGED,                /* the row is not as it was: zero rows changed and not ours */
	RECORDS_FAILED,                 /* database error: err says so */
	RECORDS_REHEARSED               /* would have been done */
};
const char *records_result_name(enum records_result r);
struct records_answer {
	enum rc rc;                     /* RC_OK: results[] is valid for all n */
	struct err err;
	const enum records_result *results;
	size_t n;
};
typedef void records_answer_fn(void *ctx, const struct records_answer *a);

/* refs are copied. token names this cycle in the claim column ("sluice:<cycle>:<opened>"). */
/* Still unreferenced, row as listed? DONE = unchanged; for an item without a row: there is still none. */
void records_recheck(struct records *r, const struct records_ref *refs, size_t n, records_answer_fn *fn, void *ctx);
void records_claim(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx);
void records_release(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx);
/* Soft delete: one conditional statement per row; repeating it is harmless (ours is recognised by the
 * token, which stands behind the reason in the row). */
void records_commit(struct records *r, const struct records_ref *refs, size_t n, const char *token,
		    const char *reason, records_answer_fn *fn, void *ctx);
/* The files are back under new ids: each row names new_id instead of file_id and loses our claim, in one conditional
 * statement; nothing else of it changes. Repeating it is harmless. REFERENCED = done, but another live row names the old id. */
void records_remap(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx);
/* Hard delete of rows that were soft-deleted before and still name their file: gone without a trace.
 * NO_ROW = there is none (any more); CHANGED = it is live again or somebody claimed it. */
void records_purge(struct records *r, const struct records_ref *refs, size_t n, records_answer_fn *fn, void *ctx);
/* Rows that still carry this claim token (must be 0 at the end of a cycle); -1 on error. */
typedef void records_count_fn(void *ctx, int64_t n, const struct err *err);
void records_count_claims(struct records *r, const char *token, records_count_fn *fn, void *ctx);

/* The lease row as it is after we asked for it under our name `who`. */
struct records_lease {
	bool ours;                      /* and it has not run out */
	int64_t token;                  /* fencing: rises with every new holder */
	char holder[120];               /* shown form */
};
typedef void records_lease_fn(void *ctx, enum rc rc, const struct records_lease *l, const struct err *e);
/* Needs RECORDS_ALL: it writes one row of a table that is there for it. */
void records_lease(struct records *r, const char *who, records_lease_fn *fn, void *ctx);

#endif
