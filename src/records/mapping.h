/* The mapping of a records table: which of its columns mean what (mapping.c), and the SQL made from
 * it (mapping_sql.c). Pure: the adapter hands in the columns that the schema has. Both shapes of provider_file_uploads
 * that are in use are known; a name written in the configuration must exist. */
#ifndef SLUICE_RECORDS_MAPPING_H
#define SLUICE_RECORDS_MAPPING_H

#include "base/str.h"
#include "config/config.h"

enum mapped {
	MAP_ID, MAP_LANE, MAP_FILE_ID, MAP_NAME, MAP_BYTES, MAP_SHA256, MAP_CREATED, MAP_UPDATED, MAP_USED, MAP_STATUS,
	MAP_DELETED_AT, MAP_REASON, MAP_CLAIM, MAP_TOKEN, MAP_OBJECT, MAP_COUNT
};

struct mapping_column {
	char *name, *type;              /* as declared */
	bool not_null;
};
struct mapping_schema {
	struct mapping_column *columns;
	size_t n, cap;
};
void mapping_schema_done(struct mapping_schema *s);

enum batch_op { BATCH_RECHECK, BATCH_CLAIM, BATCH_RELEASE, BATCH_COMMIT, BATCH_PURGE, BATCH_REMAP };
enum mapping_dialect { MAPPING_SQLITE, MAPPING_POSTGRESQL };
enum { MAPPING_REFERENCES = 16 };       /* most that a configuration names */

struct mapping {
	enum mapping_dialect dialect;   /* set after mapping_make, by PostgreSQL; like ref_by_text */
	const struct cfg_records *cfg;
	const struct cfg_lane *lanes;   /* what cfg->lanes[].lane counts */
	const char *column[MAP_COUNT];  /* name in the schema, NULL = not there; borrowed from schema and cfg */
	bool is_text[MAP_COUNT];        /* of a type that holds any text */
	bool ref_by_text[MAPPING_REFERENCES];   /* the two sides are of different types */
	bool deleted_too;               /* count and pages hold soft-deleted rows as well */
	bool epoch_deleted_at;          /* deleted_at is declared as an integer */
	bool claim_not_null, token_not_null;
};

/* RC_USAGE with the missing column and its key when a required or written one is not there. */
enum rc mapping_make(struct mapping *m, const struct cfg_records *cfg, const struct cfg_lane *lanes,
		     const struct mapping_schema *s, struct err *e) MUST_USE;
enum rc mapping_no_table(const struct cfg_records *cfg, struct err *e);
/* A deletion can be recorded: there is deleted_at or a status. Else RC_USAGE says what to add. */
enum rc mapping_can_delete(const struct mapping *m, struct err *e) MUST_USE;
/* Lane name of a row's value, NULL = of no lane of ours. value is ignored without a lane column. */
/* A row with these cells of MAP_DELETED_AT and MAP_STATUS is not soft-deleted: what the statements mean by it. */
bool mapping_live(const struct mapping *m, struct slice deleted_at, struct slice status);
const char *mapping_lane(const struct mapping *m, struct slice value);

/* Statements of MAPPING_SQLITE and MAPPING_POSTGRESQL. Each is added to an empty mapping_sql; its
 * parameters are numbered from 1 in the order of param[]. */
enum mapping_param { MAPPING_KEY, MAPPING_FILE, MAPPING_LANE, MAPPING_TOKEN, MAPPING_NOW, MAPPING_STATUS, MAPPING_REASON, MAPPING_NEW, MAPPING_AFTER,
		     MAPPING_LIMIT, MAPPING_PARAMS };
struct mapping_sql {
	struct buf text;
	enum mapping_param param[MAPPING_PARAMS];
	int n;
};
void mapping_sql_done(struct mapping_sql *s);

void mapping_sql_count(const struct mapping *m, struct mapping_sql *s);
/* Columns MAP_ID … MAP_OBJECT in this order, then one per reference: its join value. */
void mapping_sql_page(const struct mapping *m, bool first, struct mapping_sql *s);
void mapping_sql_reference(const struct mapping *m, size_t i, struct mapping_sql *s);   /* every value */
enum { MAPPING_CHUNK = 200 };
/* Rows of any of n file ids, which are parameters 1 … n, live or not: columns as above, then live
 * (0/1), then referenced (0/1). */
void mapping_sql_rows(const struct mapping *m, size_t n, struct mapping_sql *s);
/* The same rows, locked until the transaction ends (PostgreSQL). */
void mapping_sql_lock(const struct mapping *m, size_t n, struct mapping_sql *s);
/* Changes one row by its key, guarded by what it was; BATCH_RECHECK has no statement. */
void mapping_sql_change(const struct mapping *m, enum batch_op op, struct mapping_sql *s);
/* The lease row: taken or renewed by MAPPING_TOKEN (who) if it is ours or ran out; then who has it. Columns of the second: holder,
 * token, and whether it has not run out (0/1). */
void mapping_sql_lease(const struct mapping *m, struct mapping_sql *s);
void mapping_sql_leased(const struct mapping *m, struct mapping_sql *s);
void mapping_sql_claims(const struct mapping *m, struct mapping_sql *s);

#endif
