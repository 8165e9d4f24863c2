/* What is typed after `/`: words `key:value` of a known list, the rest is a text to be found. Pure. */
#ifndef SLUICE_UI_WIDGETS_FILTER_H
#define SLUICE_UI_WIDGETS_FILTER_H

#include "base/json.h"

/* Write the parameters of a request: one member per `key:value`, and the rest under text_key (NULL = a
 * rest is an error). False with a sentence when a word is not understood. */
bool filter_write(struct jw *w, const char *filter, const char *const *keys, const char *text_key, struct buf *why);

#endif
