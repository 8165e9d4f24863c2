/* What the Overview is put together from: rows of links, breakers and lanes, and the details of one. */
#ifndef SLUICE_UI_SCREENS_OVERVIEW_H
#define SLUICE_UI_SCREENS_OVERVIEW_H

#include "ui/screens/screens.h"
#include "ui/widgets/table.h"

/* A breaker as it is listed: of a lane or of a link, and halted lanes with them. */
struct breaker_row {
	struct slice name, why;
	const struct m_breaker *b;
	bool halted;
	int rank;                       /* 0 halted, 1 not closed, 2 closed; worst first */
};

enum { OVERVIEW_BREAKERS = 64, OVERVIEW_LANE_COLUMNS = 8 };
extern const struct column overview_lane_columns[OVERVIEW_LANE_COLUMNS];

int overview_breakers(const struct ui *ui, struct breaker_row out[OVERVIEW_BREAKERS]);
void overview_breaker(struct ui *ui, struct area row, const struct breaker_row *r);
void overview_link(struct ui *ui, struct area row, const struct m_link *k);
void overview_lane(struct ui *ui, const struct table *t, struct area row, const struct m_lane *l);
bool overview_lane_detail(struct ui *ui, struct flow *f, struct slice key);

#endif
