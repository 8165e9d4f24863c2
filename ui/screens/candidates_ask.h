/* What the list of candidates asks the engine: rows of a view, how far that is, and to stop. */
#ifndef SLUICE_UI_SCREENS_CANDIDATES_ASK_H
#define SLUICE_UI_SCREENS_CANDIDATES_ASK_H

#include "base/query.h"
#include "ui/screens/sort_menu.h"

enum { CANDIDATES_ORDERS = 11 };
extern const struct sort_column candidates_orders[CANDIDATES_ORDERS];

struct candidates_view {
	char filter[QUERY_BYTES + 1];
	size_t order;                   /* index in candidates_orders */
	bool desc;
};

struct candidates_rows {
	int64_t offset;
	int limit;
};

/* One request; it must live as long as the ui. */
struct candidates_ask {
	char query[64];                 /* its name */
	bool stopped;                   /* it was told to end */
	int64_t looked, of;             /* rows; -1 not known */
};

void candidates_ask(struct ui *ui, struct candidates_ask *a, const struct candidates_view *v, struct candidates_rows rows, ui_answer_fn *fn, void *ctx);
void candidates_ask_progress(struct ui *ui, struct candidates_ask *a);
void candidates_ask_stop(struct ui *ui, struct candidates_ask *a);

#endif
