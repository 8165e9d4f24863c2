/* All there is about one candidate: its row, and the evidence that is asked for when it is opened. */
#ifndef SLUICE_UI_SCREENS_CANDIDATES_DETAIL_H
#define SLUICE_UI_SCREENS_CANDIDATES_DETAIL_H

#include "ui/ui.h"

struct flow;

struct evidence {
	struct buf lines, id;           /* what was answered; what was asked about */
	char trouble[240];
};

/* v must live as long as the ui. */
void candidate_ask(struct ui *ui, struct evidence *v, struct slice id);
void candidate_flow(struct ui *ui, struct flow *f, const struct m_candidate *r, const struct evidence *v);
void candidate_done(struct evidence *v);

#endif
