/* URLs and filters of PostgREST made from a mapping. Pure. A value stands alone (col=eq.VALUE) or
 * inside a list or a logical tree, where it is quoted. */
#ifndef SLUICE_RECORDS_POSTGREST_URL_H
#define SLUICE_RECORDS_POSTGREST_URL_H

#include "records/mapping.h"

void rest_url_table(const struct mapping *m, const char *table, struct buf *out);       /* …/table? */
void rest_url_select(const struct mapping *m, struct buf *out);                 /* select= of the mapped and joined columns */
void rest_url_select_one(struct buf *out, const char *column);
void rest_url_order(struct buf *out, const char *column);                       /* COLUMN.asc */
void rest_url_live(const struct mapping *m, struct buf *out);                   /* &… of rows that are not soft-deleted */
void rest_url_compare(struct buf *out, const char *column, const char *op, struct slice value);  /* &col=op.value */
void rest_url_in(struct buf *out, const char *column);                          /* &col=in.( ; then items, then ")" */
void rest_url_item(struct buf *out, bool first, struct slice value);
/* &… that guard one change of one row: its key, file and lane, its life, its claim. key must not be
 * empty: there is no statement without a row. */
void rest_url_guard(const struct mapping *m, enum batch_op op, struct slice key, struct slice file_id, struct slice lane_value,
		    const char *token, struct buf *out);
/* What text a request can carry: no NUL, valid UTF-8. */
bool rest_can_hold(struct slice text);

#endif
