/* Words that may stand where one types: each once, in the order in which they came, narrowed to those that
 * begin with what was typed. Words may be foreign: they are shown through base/text. Pure. */
#ifndef SLUICE_UI_WIDGETS_CHOICES_H
#define SLUICE_UI_WIDGETS_CHOICES_H

#include "base/str.h"

struct choices {
	struct buf *word;
	size_t n, cap;
};

enum { CHOICES_MOST = 256 };            /* more are not kept */

void choices_done(struct choices *c);
/* Not when it is there already, empty, or holds a control character (nobody could type it). */
void choices_add(struct choices *c, struct slice word);
void choices_addz(struct choices *c, const char *word);
/* Only those that begin with `typed` stay. */
void choices_narrow(struct choices *c, struct slice typed);
/* What all of them begin with, whole characters; empty without any. Borrowed from the first. */
struct slice choices_common(const struct choices *c);

#endif
