/* The mapping of a records table: which of its columns mean what, and the statements made from it.
 * Pure: the adapter hands in the columns that the schema has. Both shapes of provider_file_uploads
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

struct mapping {
	const struct cfg_records *cfg;
	const struct cfg_lane *lanes;   /* what cfg->lanes[].lane counts */
	const char *column[MAP_COUNT];  /* name in the schema, NULL = not there; borrowed from schema and cfg */
	bool epoch_deleted_at;          /* deleted_at is declared as an integer */
	bool claim_not_null, token_not_null;
};

/* RC_USAGE with the missing column and its key when a required or written one is not there. */
enum rc mapping_make(struct mapping *m, const struct cfg_records *cfg, const struct cfg_lane *lanes,
		     const struct mapping_schema *s, struct err *e) MUST_USE;
/* A deletion can be recorded: there is deleted_at or a status. Else RC_USAGE says what to add. */
enum rc mapping_can_delete(const struct mapping *m, struct err *e) MUST_USE;
/* Lane name of a row's value, NULL = of no lane of ours. value is ignored without a lane column. */
const char *mapping_lane(const struct mapping *m, struct slice value);

/* Statements. Parameters are numbered as said. */
void mapping_sql_name(struct buf *out, const char *name);       /* quoted */
void mapping_sql_count(const struct mapping *m, struct buf *out);
/* Columns MAP_ID … MAP_OBJECT in this order, then one per reference: its join value.
 * ?1 = rows, ?2 = the last key of the page before (only if not first). */
void mapping_sql_page(const struct mapping *m, bool first, struct buf *out);
void mapping_sql_reference(const struct cfg_reference *r, struct buf *out);     /* every value */
void mapping_sql_known(const struct cfg_reference *r, struct buf *out);         /* ?1 = a value: a row if it is there */
enum { MAPPING_CHUNK = 200 };
/* Rows of any of n file ids, live or not: columns as above, then live (0/1), then referenced (0/1). ?1 … ?n. */
void mapping_sql_rows(const struct mapping *m, size_t n, struct buf *out);
/* ?1 key ?2 file id ?3 lane value ?4 token ?5 now (text) */
void mapping_sql_claim(const struct mapping *m, struct buf *out);
/* ?1 key ?4 token */
void mapping_sql_release(const struct mapping *m, struct buf *out);
/* ?1 key ?2 file id ?3 lane value ?4 token ?5 now ?6 status ?7 reason */
void mapping_sql_commit(const struct mapping *m, struct buf *out);
/* ?4 token */
void mapping_sql_claims(const struct mapping *m, struct buf *out);

#endif
