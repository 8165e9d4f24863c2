#include "guard/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void window_add(struct window *w, int64_t v)
{
	w->v[w->at] = (uint32_t)MIN(MAX(v, 0), (int64_t)UINT32_MAX);
	w->at = (w->at + 1) % WINDOW_SAMPLES;
	w->n = MIN(w->n + 1, (int)WINDOW_SAMPLES);
}

static int cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

int64_t window_percentile(const struct window *w, int percent)
{
	if (w->n == 0)
		return -1;
	uint32_t sorted[WINDOW_SAMPLES];
	memcpy(sorted, w->v, (size_t)w->n * sizeof(sorted[0]));
	qsort(sorted, (size_t)w->n, sizeof(sorted[0]), cmp);
	int p = MIN(MAX(percent, 0), 100), rank = (p * w->n + 99) / 100;
	return sorted[MAX(rank, 1) - 1];
}

int64_t window_last(const struct window *w, int back)
{
	if (back < 0 || back >= w->n)
		return -1;
	return w->v[(w->at - 1 - back + 2 * WINDOW_SAMPLES) % WINDOW_SAMPLES];
}
