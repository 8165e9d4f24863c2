/* When a condition becomes a firing: it must hold for so long without a break (debounce), fires once while it
 * goes on holding, and not again within its cool-down. Counted ones fire at each so many. Pure: time is an
 * argument (µs, boot time). */
#ifndef SLUICE_GUARD_TRIGGER_H
#define SLUICE_GUARD_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

struct trigger {
	int64_t for_us, cooldown_us;
	int64_t since_us;               /* it holds from here on, -1 = it does not */
	int64_t fired_us;               /* last firing, -1 = none */
	bool spent;                     /* fired for what holds now */
	int64_t counted;
	int64_t firings;
};

void trigger_init(struct trigger *t, int64_t for_ms, int64_t cooldown_ms);
/* True when it fires now. Called whenever the condition may have changed, and from time to time. */
bool trigger_see(struct trigger *t, bool holds, int64_t now_us);
/* One more of what is counted; true when it fires: at least count of them, and the cool-down is over. Starts over then. */
bool trigger_count(struct trigger *t, int64_t count, int64_t now_us);

#endif
