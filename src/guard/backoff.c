#include "guard/backoff.h"

#include "base/mem.h"

/* Far above any wait and far below an overflow when jitter is added. */
static const int64_t LONGEST_MS = (int64_t)1 << 50;

static int64_t exponential(const struct backoff *b, int n, int64_t cap)
{
	int64_t d = b->base_ms;
	for (int k = 1; k < n && d > 0 && d < cap; k++)
		d *= 2;
	return MIN(d, cap);
}

int64_t backoff_ms(const struct backoff *b, int n, struct rng *r)
{
	int64_t cap = b->max_ms > 0 ? MIN(b->max_ms, LONGEST_MS) : LONGEST_MS;
	int64_t d = MAX(exponential(b, n, cap), 0);
	switch (b->kind) {
	case BACKOFF_NONE:
		return 0;
	case BACKOFF_FIXED:
		return MAX(MIN(b->base_ms, cap), 0);
	case BACKOFF_EXP:
		return d + (int64_t)rng_below(r, (uint64_t)(d / 4) + 1);
	case BACKOFF_EXP_JITTER:
		return (int64_t)rng_below(r, (uint64_t)d + 1);
	}
	return 0;
}
