/* Records in an SQLite file that belongs to a live application. Worker threads, one call at a time.
 * Each call opens the file, looks at its columns and closes it. It is never created, its journal
 * mode and schema are never changed, nothing is checkpointed, and transactions are short. */
#ifndef SLUICE_RECORDS_SQLITE_H
#define SLUICE_RECORDS_SQLITE_H

#include "records/records.h"

enum sqlite_op { SQLITE_OP_RECHECK, SQLITE_OP_CLAIM, SQLITE_OP_RELEASE, SQLITE_OP_COMMIT };

struct sqlite_source {
	const struct cfg_records *cfg;
	const struct cfg_lane *lanes;
	enum records_permit permit;
	int64_t listed_us;              /* wall time at which the last complete list began, -1 never */
};

struct sqlite_batch {
	enum sqlite_op op;
	const struct records_ref *refs;
	size_t n;
	const char *token, *reason;     /* "" if none */
	enum records_result *results;
};

void sqlite_list(struct sqlite_source *s, records_page_fn *page, void *ctx, struct records_list *out);
/* RC_OK = every result is set; e->text then says why some of them are RECORDS_FAILED. */
enum rc sqlite_batch(const struct sqlite_source *s, const struct sqlite_batch *b, struct err *e) MUST_USE;
enum rc sqlite_count_claims(const struct sqlite_source *s, const char *token, int64_t *n, struct err *e) MUST_USE;

#endif
