#include "ui/widgets/history.h"

#include <string.h>

void history_done(struct history *h)
{
	for (int i = 0; i < h->n; i++)
		buf_done(&h->line[i]);
	buf_done(&h->draft);
	*h = (struct history){ 0 };
}

void history_add(struct history *h, const char *line)
{
	if (h->n > 0 && strcmp(buf_z(&h->line[h->n - 1]), line) == 0)
		return;
	if (h->n == HISTORY_LINES) {
		buf_done(&h->line[0]);
		memmove(&h->line[0], &h->line[1], (HISTORY_LINES - 1) * sizeof(h->line[0]));
		h->n--;
	}
	h->line[h->n] = (struct buf){ 0 };
	buf_adds(&h->line[h->n++], line);
}

void history_leave(struct history *h)
{
	h->at = h->n;
	buf_clear(&h->draft);
}

const char *history_step(struct history *h, int step, const char *typed)
{
	int to = h->at + step;
	if (to < 0 || to > h->n)
		return NULL;
	if (h->at == h->n) {
		buf_clear(&h->draft);
		buf_adds(&h->draft, typed);
	}
	h->at = to;
	return buf_z(to == h->n ? &h->draft : &h->line[to]);
}
