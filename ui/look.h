/* How a state looks: its mark, its word and its role; never a colour alone. One table for the words
 * of links, breakers, lanes, outcomes and modes; an unknown word is shown as it came with `·`. Pure. */
#ifndef SLUICE_UI_LOOK_H
#define SLUICE_UI_LOOK_H

#include "ui/glyph.h"
#include "ui/grid.h"

enum look_kind { LOOK_LINK, LOOK_BREAKER, LOOK_PHASE, LOOK_OUTCOME, LOOK_MODE, LOOK_VERDICT, LOOK_RUNG, LOOK_CHECK, LOOK_BELIEF };

struct look {
	enum glyph mark;
	enum role role;
	struct slice word;
};

bool look_known(enum look_kind kind, struct slice state);       /* has a row in the table */
struct look look_of(enum look_kind kind, struct slice state);
/* "● up" in at most w columns (0 = to the edge); returns the column after it. */
int look_put(struct area a, int y, int x, int w, struct look l);
/* A file's name in a cell of a list, head and tail; a dim note where there is none. */
void look_name(struct area cell, struct slice name);

#endif
