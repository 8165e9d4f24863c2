/* Is what a few connections try worse than what the others do? Counts of both groups over the same time, and a
 * margin; beside them how many are needed before anything is said. Pure.
 *
 * What is compared, feature by feature; worse = more often, or later, than the stable group by more than the margin:
 *   keepalive  drops per connection, unknown frames and repeats per message, p50 and p99 of the round trip
 *   dedup      messages the group's own window got wrong, per message: repeats it would have taken for new ones, and
 *              new ones it had no room for. One is enough: promoted, it would be an effect taken twice
 *   queue      events its own bounds lost (too large, too old) or had no room for when they came, per event, and p50
 *              and p99 of the time from the event to its leaving
 *   pool       as keepalive, the added connections beside the ones before; and worse as well when the ones before were
 *              cut off and came back three times each since: who came pushes out who was there
 * Drops, losses and wrong ones are judged as they come; the rest from opts.sample on in either group. */
#ifndef SLUICE_GUARD_CANARY_H
#define SLUICE_GUARD_CANARY_H

#include "base/str.h"

enum canary_feature { CANARY_KEEPALIVE, CANARY_DEDUP, CANARY_QUEUE, CANARY_POOL, CANARY_FEATURES };

enum { CANARY_LEAST_BAD = 3 };          /* fewer drops, errors, repeats or losses say nothing */

struct canary_figures {
	int64_t connections, up;
	int64_t messages, errors, duplicates;   /* errors: frames its adapter does not know */
	int64_t drops, reconnects;              /* drops: attempts and connections that ended */
	int64_t rtts, rtt_p50_us, rtt_p99_us;   /* of the newest; -1 = none */
	int64_t missed;                         /* messages that its own window got wrong; what is remembered beside it caught them */
	int64_t events, full, lost, depth;      /* events: of ours for it; full: its bounds had no room at first; depth: waiting now */
	int64_t waits, wait_p50_us, wait_p99_us;        /* from the event to its leaving, of the newest; -1 = none */
};

struct canary_opts {
	int64_t margin_bp;              /* basis points that the canary may be worse by */
	int64_t sample;                 /* round trips, messages or events of either group before they are compared; at least 1 */
};

enum canary_verdict {
	CANARY_FEW,                     /* too little was seen */
	CANARY_GOOD,                    /* enough was seen, and it is not worse */
	CANARY_WORSE,                   /* by more than the margin */
};
const char *canary_verdict_name(enum canary_verdict v);

/* why: the figures that decided, "" for FEW. A round trip is worse only by more than CANARY_RTT_US as well, a wait by
 * more than CANARY_WAIT_US. */
enum { CANARY_RTT_US = 5000, CANARY_WAIT_US = 1000000, CANARY_WHY = 200 };
enum canary_verdict canary_judge(enum canary_feature of, const struct canary_figures *canary, const struct canary_figures *stable,
				 const struct canary_opts *o, char why[CANARY_WHY]);

#endif
