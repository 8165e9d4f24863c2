/* One written value of the field table's type into its struct member: whole token, unit where one is
 * due, no leading zeros, limits of the table. Any thread. */
#ifndef SLUICE_CONFIG_VALUE_H
#define SLUICE_CONFIG_VALUE_H

#include "base/mem.h"
#include "config/fields.h"

struct value_place {
	struct arena *a;               /* owns strings */
	const char *dir;               /* relative paths begin here */
};

/* Scalar types except REF into *to (f->size bytes); of lists (not REFS) one entry, for GATES *to is
 * the whole struct. On false `why` has the sentence after the key. */
bool value_parse(const struct field *f, struct slice text, void *to, const struct value_place *p, struct buf *why) MUST_USE;
/* The word of an enum field's value; "" when there is none. */
const char *value_word(const struct field_word *words, int value);

#endif
