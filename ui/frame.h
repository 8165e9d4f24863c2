/* What stands around every screen: top line, tabs, banner, and the bottom line with keys, note or
 * prompt. Draws only. */
#ifndef SLUICE_UI_FRAME_H
#define SLUICE_UI_FRAME_H

#include "ui/ui.h"

/* Returns the area that is left for the screen. */
struct area frame_paint(struct ui *ui, struct area all, bool full);
void frame_bottom(struct ui *ui, struct area line, const char *bar);

#endif
