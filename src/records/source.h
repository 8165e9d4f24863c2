/* The inside of records/: a source is one entry of the configuration, a session one opened database
 * of it with its mapping, an adapter what differs between the kinds. list.c and batch.c hold what is
 * the same for all of them: what a complete list is, and when a row may be claimed or changed.
 * A session lives for one call, on the thread of that call. */
#ifndef SLUICE_RECORDS_SOURCE_H
#define SLUICE_RECORDS_SOURCE_H

#include "base/mem.h"
#include "records/mapping.h"
#include "records/records.h"

struct adapter;
struct asker;
struct remote;

struct source {
	const struct cfg_records *cfg;
	const struct cfg_lane *lanes;
	const struct adapter *adapter;
	struct remote *remote;          /* of adapters that have new(), else NULL; borrowed by copies */
	enum records_permit permit;
	int64_t listed_us;              /* time of the database at which the last complete list began, -1 never */
};

/* One value of a row. Its bytes are borrowed until the row function returns. */
struct cell {
	enum cell_kind { CELL_NULL, CELL_TEXT, CELL_INTEGER, CELL_REAL } kind;
	struct slice text;              /* numbers are printed */
};
int64_t cell_number(const struct cell *c);      /* -1 for NULL, negative or no integer */
int64_t cell_time_us(const struct cell *c);     /* text, or a number since 1970; -1 unknown */
typedef enum rc cells_fn(void *ctx, const struct cell *cells, struct err *e);

struct session {
	const struct source *s;
	struct mapping_schema schema;
	struct mapping m;
	int64_t now_us;                 /* wall time as the database has it */
	bool one_moment;                /* BEGIN_LIST reads as of one moment and holds nobody back */
	bool locks;                     /* inside BEGIN_WRITE */
	void *own;                      /* the adapter's */
};

enum begin_kind { BEGIN_LIST, BEGIN_READ, BEGIN_WRITE };

/* One row to change, as it was seen in this transaction. */
struct change {
	enum batch_op op;
	struct slice key, file_id, lane_value, new_id;
	const char *token, *reason;     /* reason ends with the token */
	int64_t now_us;
};
/* What a statement's parameter holds; text is the caller's room for a time. MAPPING_AFTER and
 * MAPPING_LIMIT belong to pages and are no part of a change. */
struct cell change_value(const struct session *s, const struct change *c, enum mapping_param p, char text[32]);

/* Every function answers before it returns; `e` says what failed. An adapter without transactions
 * does nothing in begin, commit and rollback. */
struct adapter {
	/* NULL for SQLite. On the loop. */
	enum rc (*new)(struct remote **out, struct loop *l, const struct cfg_records *cfg, struct err *e);
	void (*stop)(struct remote *r);         /* on the loop: the call that runs fails now, and so does every later one */
	void (*free)(struct remote *r);         /* on the loop, no call runs */

	/* writing: not only to read. Fills schema and now_us, then makes the mapping. */
	enum rc (*open)(struct session *s, bool writing, struct err *e) MUST_USE;
	void (*close)(struct session *s);       /* also after an open that failed; rolls back what is open */
	enum rc (*begin)(struct session *s, enum begin_kind k, struct err *e) MUST_USE;
	enum rc (*commit)(struct session *s, struct err *e) MUST_USE;   /* failed = nobody knows */
	void (*rollback)(struct session *s);

	enum rc (*count)(struct session *s, int64_t *n, struct err *e) MUST_USE;
	/* The next rows in the order of the key: cells MAP_ID … MAP_OBJECT, then one per reference: its
	 * join value. *rows = how many; *last = there are no more. */
	enum rc (*page)(struct session *s, cells_fn *fn, void *ctx, int64_t *rows, bool *last, struct err *e) MUST_USE;
	enum rc (*reference)(struct session *s, size_t i, cells_fn *fn, void *ctx, struct err *e) MUST_USE;
	/* Rows that name one of these files, live or not: MAP_ID … MAP_OBJECT, live, referenced (0/1). */
	enum rc (*look)(struct session *s, const struct records_ref *refs, size_t n, cells_fn *fn, void *ctx, struct err *e) MUST_USE;
	enum rc (*change)(struct session *s, const struct change *c, int64_t *changed, struct err *e) MUST_USE;
	enum rc (*claims)(struct session *s, const char *token, int64_t *n, struct err *e) MUST_USE;
	/* NULL: this kind knows no lease row. Takes or renews it, then reads it. RC_NOT_FOUND: there is no such row. */
	enum rc (*lease)(struct session *s, const char *who, struct records_lease *out, struct err *e) MUST_USE;
};
extern const struct adapter sqlite_adapter, postgres_adapter, postgrest_adapter;

enum { SOURCE_PAGE = 5000 };            /* rows; an adapter may hand in less */

struct batch {
	enum batch_op op;
	const struct records_ref *refs;
	size_t n;
	const char *token, *reason;     /* "" if none */
	enum records_result *results;
};

void source_list(struct source *s, records_page_fn *page, void *ctx, struct records_list *out);
/* RC_OK = every result is set; e->text then says why some of them are RECORDS_FAILED. */
enum rc source_batch(const struct source *s, const struct batch *b, struct err *e) MUST_USE;
enum rc source_lease(const struct source *s, const char *who, struct records_lease *out, struct err *e) MUST_USE;
enum rc source_count_claims(const struct source *s, const char *token, int64_t *n, struct err *e) MUST_USE;

#endif
