/* The `:` line: an action's id and what follows it, with completion and history. */
#ifndef SLUICE_UI_COMMAND_H
#define SLUICE_UI_COMMAND_H

#include "ui/ui.h"

void command_run(struct ui *ui, const char *line);
void command_complete(struct ui *ui);
void command_history(struct ui *ui, int step);
/* Ids that begin with what was typed, for the hint beside the line. */
void command_hint(struct ui *ui, struct buf *out);

#endif
