/* A verification of the log that an operator started: how far it is, its end before it, and what it found. */
#ifndef SLUICE_UI_SCREENS_VERIFYING_H
#define SLUICE_UI_SCREENS_VERIFYING_H

#include "ui/ui.h"
#include "ui/widgets/flow.h"

/* One at a time; all zero at first. It must live as long as the ui. */
struct verifying {
	bool under_way, stopped;        /* stopped: it was told to end */
	char query[64];                 /* its name */
	int64_t done, of;               /* records; -1 not known */
	int64_t at_us, from_us, from;   /* boot time of done, of the first figure, and that figure; from_us 0 = none yet */
	char verdict[240];              /* of the last one, "" = none yet */
	enum role role;
};

void verifying_begin(struct ui *ui, struct verifying *v);       /* nothing while one is under way */
void verifying_tick(struct ui *ui, struct verifying *v);        /* once a second: asks how far it is */
void verifying_stop(struct ui *ui, struct verifying *v);
/* "verifying 412,000 of 1,000,000 · 41 % · Esc stops", or the last verdict; first in its line, so that it is never
 * what does not fit. false = there is nothing to say. */
bool verifying_put(const struct verifying *v, struct flow *f);
/* How long it will take from `at_us` on, in microseconds; -1 = it is too early to say. */
int64_t verifying_left(const struct verifying *v);

#endif
