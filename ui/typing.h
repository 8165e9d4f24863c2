/* The line where a filter or a command is typed: what may stand at its cursor, Tab, and what is said over it. */
#ifndef SLUICE_UI_TYPING_H
#define SLUICE_UI_TYPING_H

#include "ui/ui.h"

/* Complete what is before the cursor as far as all choices agree. */
void typing_complete(struct ui *ui);
/* The line over the prompt: what is wrong before the cursor's word, else the choices, else what is wrong. */
enum role typing_says(struct ui *ui, struct buf *out);
/* Enter: false says why on the line and leaves it open. */
bool typing_may_end(struct ui *ui);
void typing_history(struct ui *ui, int step);

#endif
