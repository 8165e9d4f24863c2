/* How many there are of what the log's database keeps, for the metrics. Read with a connection of its own;
 * a large log is read whole once, then only what it grew. Any thread; a census belongs to one. */
#ifndef SLUICE_STORE_CENSUS_H
#define SLUICE_STORE_CENSUS_H

#include "store/db.h"

enum { CENSUS_WORDS = 12, CENSUS_WORD = 24 };

/* Counts by word; words beyond the room are counted as "other". */
struct census_part {
	int n;
	struct census_count {
		char word[CENSUS_WORD];
		int64_t count, bytes;
	} of[CENSUS_WORDS];
};

struct census {
	int64_t seq;                            /* records that are counted; 0 = none was read yet */
	struct census_part grants;              /* by state; spent: its deleting began */
	struct census_part copies;              /* in escrow, by state, with their bytes */
	struct census_part restores, by_hand;   /* outcomes of compensations, by an abort and by operators; grow */
};

/* Brings *c up to date: grants and copies anew, outcomes of the records after c->seq added. On an error *c is as it was. */
enum rc census_read(struct census *c, struct db *reader, struct err *e) MUST_USE;

#endif
