/* The `:` line: an action's id and what follows it, with completion and history. */
#ifndef SLUICE_UI_COMMAND_H
#define SLUICE_UI_COMMAND_H

#include "ui/ui.h"

void command_run(struct ui *ui, const char *line);
/* What may stand at the cursor, and from which byte on: ids, then names that the id takes. */
size_t command_offer(struct ui *ui, struct slice text, size_t cursor, struct choices *c);
/* What follows the id, in words. */
void command_hint(struct ui *ui, struct buf *out);

#endif
