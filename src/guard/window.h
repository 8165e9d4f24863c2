/* A window of samples for figures on screens: count, percentiles, a sparkline's last values. Pure. */
#ifndef SLUICE_GUARD_WINDOW_H
#define SLUICE_GUARD_WINDOW_H

#include <stdint.h>

enum { WINDOW_SAMPLES = 64 };

struct window {
	uint32_t v[WINDOW_SAMPLES];     /* what does not fit is UINT32_MAX */
	int n, at;
};

void window_add(struct window *w, int64_t v);
int64_t window_percentile(const struct window *w, int percent);        /* -1 when empty; nearest rank */
int64_t window_last(const struct window *w, int back);                 /* 0 = newest, -1 when there is none */

#endif
