/* The filter of the candidates while it is typed: base/query.h, and the words that are known. */
#ifndef SLUICE_UI_SCREENS_CANDIDATES_FILTER_H
#define SLUICE_UI_SCREENS_CANDIDATES_FILTER_H

#include "ui/ui.h"
#include "ui/widgets/choices.h"

/* False: it is fine. */
bool candidates_wrong(struct ui *ui, struct slice text, size_t *at, struct buf *why);
/* What may stand at the cursor; returns the byte from which on. Rules are those given. */
size_t candidates_offer(struct ui *ui, struct slice text, size_t cursor, const struct choices *rules, struct choices *out);
/* The rules of a row: "a+b". */
void candidates_rules(struct choices *rules, struct slice of_row);

#endif
