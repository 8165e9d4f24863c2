/* The menu of orders over a list: a column and its direction, by keys alone; Esc changes nothing. */
#ifndef SLUICE_UI_SCREENS_SORT_MENU_H
#define SLUICE_UI_SCREENS_SORT_MENU_H

#include "ui/ui.h"

struct sort_column {
	const char *word;               /* of the request */
	const char *title, *up, *down;  /* the column, and its two directions in words */
	bool down_first;                /* which way it is offered */
};

enum { SORT_COLUMNS = 16 };

typedef void sort_fn(struct ui *ui, size_t column, bool desc);

/* The table must outlive the menu; at and desc are the order that is shown now. */
void sort_open(struct ui *ui, const struct sort_column *column, size_t n, size_t at, bool desc, sort_fn *chosen);

extern const struct screen_ops page_sort;

#endif
