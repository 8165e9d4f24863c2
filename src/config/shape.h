/* Does the written tree fit the field table? Unknown and repeated keys, a list where one value is
 * due, missing keys, values left empty. Values themselves are value.c's. Any thread. */
#ifndef SLUICE_CONFIG_SHAPE_H
#define SLUICE_CONFIG_SHAPE_H

#include "config/fields.h"
#include "config/tree.h"

struct shape {
	bool readable;                 /* the structs can be filled for more errors */
	bool unknown;                  /* there are unknown keys */
};
struct shape shape_check(const struct tree *t, const struct section *root, struct config_report *r);

/* "did you mean `rate`?" or "one of a, b, c" out of n words; for keys and names. */
void shape_suggest(struct buf *out, const char *word, const char *const *words, size_t n);

#endif
