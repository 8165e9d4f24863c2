/* Columns that fit: each has a width, may grow, and leaves in the order of its priority when the area
 * is too narrow. Lays out once per frame; cells are then areas one row high. */
#ifndef SLUICE_UI_WIDGETS_TABLE_H
#define SLUICE_UI_WIDGETS_TABLE_H

#include "ui/grid.h"

struct column {
	const char *title;
	int width;                      /* least */
	int grow;                       /* share of what is left over */
	int most;                       /* 0 = no limit to growing */
	bool right;                     /* right-aligned */
	int keep;                       /* the lowest leaves first; 0 never leaves */
};

enum { TABLE_COLUMNS = 16, TABLE_GAP = 2 };

struct table {
	const struct column *column;
	int n;
	int x[TABLE_COLUMNS], w[TABLE_COLUMNS];         /* w 0 = not shown */
	int width, fixed, skip;
};

void table_layout(struct table *t, const struct column *column, int n, int width);
/* The same scrolled sideways: the first `fixed` columns stay, the `skip` after them are left out; at least one other stays. */
void table_scroll(struct table *t, const struct column *column, int n, int width, int fixed, int skip);
/* What skip must become, once laid out, for one step to the left (-1) or right (1) that shows something else; as it is when there is none. */
int table_scrolled(const struct table *t, int skip, int by);
/* At the edges of the titles' line: columns are left out on this side. */
void table_arrows(const struct table *t, struct area line);
void table_titles(const struct table *t, struct area a, int y);
/* The cell of a column, an empty area when it is not shown. */
struct area table_cell(const struct table *t, struct area row, int column);
/* Own text, aligned as the column is. */
void table_put(const struct table *t, struct area row, int column, enum role r, const char *text);
/* Foreign text. */
void table_show(const struct table *t, struct area row, int column, enum role r, struct slice s);

#endif
