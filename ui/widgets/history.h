/* Lines that were typed, the newest last; in memory only, for a line may hold a reason. */
#ifndef SLUICE_UI_WIDGETS_HISTORY_H
#define SLUICE_UI_WIDGETS_HISTORY_H

#include "base/str.h"

enum { HISTORY_LINES = 50 };

struct history {
	struct buf line[HISTORY_LINES], draft;  /* draft: what was being typed */
	int n, at;                              /* at == n: the draft */
};

void history_done(struct history *h);
/* A line that is the last one already is not kept twice; the oldest leaves. */
void history_add(struct history *h, const char *line);
void history_leave(struct history *h);          /* back to an empty draft */
/* One step back (-1) or forth; typed is kept as the draft when it is left. NULL: there is none. */
const char *history_step(struct history *h, int step, const char *typed);

#endif
