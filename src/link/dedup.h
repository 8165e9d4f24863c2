/* What of a link was taken in already: a window over marks, bounded by count and by age. A message is
 * marked in two steps, because its effect must be durable before it may count as taken: seen first
 * (its twin is then neither new nor a duplicate), settled when the commit came back. What could not be
 * written is forgotten, so a peer that sends it again is heard. Pure: time comes as an argument. */
#ifndef SLUICE_LINK_DEDUP_H
#define SLUICE_LINK_DEDUP_H

#include "base/hash.h"

/* Where a message stands in its peer's stream. id empty and no sequence: nowhere. */
struct link_position {
	struct slice epoch;             /* of the stream; empty = the peer does not say */
	struct slice id;
	bool sequenced;
	int64_t sequence;
};

enum dedup_verdict {
	DEDUP_NEW,                      /* to be settled */
	DEDUP_PENDING,                  /* its twin is being written: do nothing, acknowledge nothing */
	DEDUP_DUPLICATE,                /* its effect is durable */
	DEDUP_NOWHERE,                  /* cannot be told from another: counts each time */
	DEDUP_FULL                      /* too much waits for the disk: refuse, the peer will repeat it */
};

struct dedup_counts {
	int64_t duplicates, nowhere, refused;
	int64_t gaps;                   /* sequence numbers that were skipped */
	int64_t reordered;              /* came after a later one */
	int64_t epochs;                 /* changes of epoch */
};

/* From the database, and to it. */
struct dedup_mark {
	int64_t n;                      /* 1, 2, 3 … per link */
	struct hash key;                /* of epoch and id, or epoch and sequence */
	int64_t at_us;                  /* wall time */
};

struct dedup;
/* window >= 1 marks; age_us > 0: the most it ever remembers. */
struct dedup *dedup_new(size_t window, int64_t age_us);
/* Remembers by these from now on, at most as much as it was made for. since_us, wall time: what was known then stays
 * known as long as the most allows; until the last of it has left, the most holds for all. */
void dedup_bound(struct dedup *d, size_t window, int64_t age_us, int64_t since_us);
/* What holds now, of a mark as well that is written at now_us. */
void dedup_holds(const struct dedup *d, int64_t now_us, size_t *window, int64_t *age_us);
/* A window of this size and age would still know this mark. */
bool dedup_reaches(const struct dedup *d, const struct dedup_mark *m, size_t window, int64_t age_us, int64_t now_us);
void dedup_free(struct dedup *d);
void dedup_clear(struct dedup *d);              /* as new, counts stay */

/* NEW fills *m; whoever asked settles it. DUPLICATE fills it with what is known of its twin. */
enum dedup_verdict dedup_see(struct dedup *d, const struct link_position *p, int64_t now_us, struct dedup_mark *m);
void dedup_settle(struct dedup *d, const struct dedup_mark *m, bool durable);

/* After a start: marks in order of n, then where the stream stood. */
void dedup_restore(struct dedup *d, const struct dedup_mark *m, int64_t now_us);
void dedup_restore_stream(struct dedup *d, struct slice epoch, bool sequenced, int64_t highest);

size_t dedup_marks(const struct dedup *d);      /* in the window now */
size_t dedup_pending(const struct dedup *d);
const struct dedup_counts *dedup_counts(const struct dedup *d);
struct slice dedup_epoch(const struct dedup *d);        /* "" none */
bool dedup_highest(const struct dedup *d, int64_t *out);        /* sequence; false = none yet */

#endif
