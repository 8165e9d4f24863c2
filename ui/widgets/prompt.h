/* A line that is typed: UTF-8, moves by characters, scrolls sideways. Knows nothing of what it is for. */
#ifndef SLUICE_UI_WIDGETS_PROMPT_H
#define SLUICE_UI_WIDGETS_PROMPT_H

#include "ui/grid.h"
#include "ui/keys.h"

struct prompt {
	struct buf text;
	size_t at;                      /* byte offset of the cursor */
	size_t most;                    /* bytes, 0 = 200 */
};

void prompt_done(struct prompt *p);
void prompt_set(struct prompt *p, const char *text);    /* cursor at the end */
/* Bytes from … to become these, the cursor stands after them. Nothing when it would be too long. */
void prompt_replace(struct prompt *p, size_t from, size_t to, struct slice by);
const char *prompt_text(const struct prompt *p);
/* True if the key edited the line or moved in it. Never Enter, Esc, Tab, Up, Down. */
bool prompt_key(struct prompt *p, const struct key *k);
/* Returns the column of the cursor. */
int prompt_paint(const struct prompt *p, struct area a, int y, int x, int w, enum role r);

#endif
