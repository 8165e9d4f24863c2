/* Intents that are durable and wait for room on the wire. One lane's: at most in_flight requests are out at once, and
 * while they are, the intents of the next ones become durable, so that the disk is no pause between a request
 * and its successor. How many are written ahead follows what the disk and the store take (outgoing_ahead); none
 * is while the lane is paced or its breaker is not closed. What waits is no request: it is taken back, by its own outcome,
 * the moment nothing may leave, or when its turn does not come in OUTGOING_MAX_US; so a delete leaves at most that much later
 * than its intent became durable, which is what recovery allows for. Pure; not thread-safe. */
#ifndef SLUICE_CLEANUP_OUTGOING_H
#define SLUICE_CLEANUP_OUTGOING_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cycle;

enum { OUTGOING_MAX_US = 1000000, OUTGOING_AHEAD = 256 };

/* How long an intent takes to become durable, and a request to be answered: moving means, 0 = not measured. */
struct outgoing_times {
	int64_t disk_us, wire_us;
};
void outgoing_measured(struct outgoing_times *t, int64_t disk_us, int64_t wire_us);
/* So many intents may be written beyond in_flight: twice what leaves while one becomes durable. 0 … OUTGOING_AHEAD. */
int64_t outgoing_ahead(const struct outgoing_times *t, int64_t in_flight);

struct outgoing {
	struct outgoing_one {
		int32_t item;
		int64_t ready_us;       /* boot time at which its intent was durable */
	} *ring;
	size_t cap, at, n;              /* the oldest of n */
	size_t fresh;                   /* so many of the newest never met a full wire */
	int64_t out;                    /* requests that are not answered, */
	int64_t kept;                   /* and so many that are: while nothing may leave an answer makes no room */
};

void outgoing_done(struct outgoing *o);
void outgoing_add(struct outgoing *o, int32_t item, int64_t ready_us);
/* Its answer was told to the cycle before. What was in flight when a hold or a halt came is all that still leaves. */
void outgoing_answered(struct outgoing *o, struct cycle *c, int lane, struct now now);

enum outgoing_next { OUTGOING_NONE, OUTGOING_SEND, OUTGOING_TAKE_BACK };
/* The oldest one, if something is to be done with it now; with OUTGOING_SEND it counts as out. *why is a sentence for its
 * outcome. One that finds room when it comes is in flight already: it leaves. */
enum outgoing_next outgoing_next(struct outgoing *o, struct cycle *c, int lane, struct now now, struct outgoing_one *one,
				 const char **why);

#endif
