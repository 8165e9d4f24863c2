/* Delays between tries: fixed, exponential, exponential with full jitter. The random number is an
 * argument; jitter comes after the cap, so that many waiters never fall into step at the maximum. */
#ifndef SLUICE_GUARD_BACKOFF_H
#define SLUICE_GUARD_BACKOFF_H

#include "base/rng.h"

enum backoff_kind { BACKOFF_NONE, BACKOFF_FIXED, BACKOFF_EXP, BACKOFF_EXP_JITTER };

struct backoff {
	enum backoff_kind kind;
	int64_t base_ms, max_ms;
};

/* Delay before attempt n+1 after n >= 1 tries that failed. EXP adds up to 25 % jitter, EXP_JITTER is
 * uniform in 0..delay. FIXED is exact. */
int64_t backoff_ms(const struct backoff *b, int n, struct rng *r);

#endif
