/* Text that flows: words and phrases side by side, broken to the next line where they do not fit.
 * Draws into an area from a row that may be above it (a scrolled page); counts the rows it needed. */
#ifndef SLUICE_UI_WIDGETS_FLOW_H
#define SLUICE_UI_WIDGETS_FLOW_H

#include "ui/grid.h"

struct flow {
	struct area a;
	int y, x;                       /* where the next text goes */
	int indent;                     /* where a line begins */
};

void flow_init(struct flow *f, struct area a, int y, int indent);
void flow_line(struct flow *f);                                 /* end of a line */
void flow_at(struct flow *f, int x);                            /* go to a column of this line, if it is not past it */
/* A phrase that stays together: own words, or foreign ones. Goes to the next line when it does not fit. */
void flow_put(struct flow *f, enum role r, const char *text);
void flow_putf(struct flow *f, enum role r, const char *fmt, ...) PRINTF_LIKE(3, 4);
void flow_show(struct flow *f, enum role r, struct slice s);
/* A sentence (area_said), broken between its words; or kept together. */
void flow_said(struct flow *f, enum role r, struct slice s);
void flow_words(struct flow *f, enum role r, struct slice s);
void flow_gap(struct flow *f, int columns);                     /* blanks, none at the beginning of a line */
/* "label   text" of a page of details, the text broken and indented. Nothing when s is absent. */
void flow_field(struct flow *f, const char *label, struct slice s);
void flow_fieldf(struct flow *f, const char *label, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
