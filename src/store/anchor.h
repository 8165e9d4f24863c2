/* Anchor files: one checkpoint a line, outside the log, so that a cut or exchanged log is seen. Lines are
 * only ever appended. For store/ and its tests; others append with audit_anchor (audit.h). */
#ifndef SLUICE_STORE_ANCHOR_H
#define SLUICE_STORE_ANCHOR_H

#include "store/checkpoint.h"

struct anchor {
	struct checkpoint c;
	const char *file;               /* borrowed */
	int line;
};

struct anchors {
	struct anchor *a;               /* by seq; later lines of equal seq later */
	size_t n, cap;
	bool damaged;                   /* a line is no anchor: */
	char why[200];
};

/* Adds the lines of a file; none if it is not there, which *found tells. A last line without a newline
 * is a write that was cut and counts for nothing. */
enum rc anchors_load(struct anchors *all, const char *file, bool *found, struct err *e) MUST_USE;
void anchors_sort(struct anchors *all);
void anchors_done(struct anchors *all);
/* Append one line (0600, fsync). */
enum rc anchor_append(const char *file, const struct checkpoint *c, struct err *e) MUST_USE;

#endif
