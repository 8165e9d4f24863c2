/* libcyaml with a schema built from the field table: every scalar is read as text, because its own
 * numbers are lenient (`50%` is 50, `2GB` is 2). A section becomes an array of slots, one per field. */
#ifndef SLUICE_CONFIG_RAW_H
#define SLUICE_CONFIG_RAW_H

#include "base/mem.h"
#include "config/fields.h"

/* NULL p = not written. Scalar: char *. List of scalars: char *[n]. MAP: slot[fields].
 * LIST: n blocks of slot[fields] behind each other. */
struct slot {
	void *p;
	uint64_t n;
};

struct raw;
/* skip_unknown: unknown keys were reported already. */
enum rc raw_read(struct raw **out, const struct section *root, struct slice text, bool skip_unknown, struct err *e) MUST_USE;
const struct slot *raw_slots(const struct raw *r);
void raw_free(struct raw *r);

#endif
