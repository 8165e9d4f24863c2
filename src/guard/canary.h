/* Is what a few connections try worse than what the others do? Counts of both groups over the same time, and a
 * margin; beside them how many are needed before anything is said. Pure. */
#ifndef SLUICE_GUARD_CANARY_H
#define SLUICE_GUARD_CANARY_H

#include "base/str.h"

enum { CANARY_LEAST_BAD = 3 };          /* fewer drops, errors or repeats say nothing */

struct canary_figures {
	int64_t connections;
	int64_t messages, errors, duplicates;   /* errors: frames its adapter does not know */
	int64_t drops, reconnects;              /* drops: attempts and connections that ended */
	int64_t rtts, rtt_p50_us, rtt_p99_us;   /* of the newest; -1 = none */
};

struct canary_opts {
	int64_t margin_bp;              /* basis points that the canary may be worse by */
	int64_t sample;                 /* round trips, or messages, of either group before they are compared; at least 1 */
};

enum canary_verdict {
	CANARY_FEW,                     /* too little was seen */
	CANARY_GOOD,                    /* enough was seen, and it is not worse */
	CANARY_WORSE,                   /* by more than the margin */
};
const char *canary_verdict_name(enum canary_verdict v);

/* why: the figures that decided, "" for FEW. A round trip is worse only by more than CANARY_RTT_US as well. */
enum { CANARY_RTT_US = 5000, CANARY_WHY = 200 };
enum canary_verdict canary_judge(const struct canary_figures *canary, const struct canary_figures *stable, const struct canary_opts *o,
				 char why[CANARY_WHY]);

#endif
