/* What still works while a part is broken, what does not, and how it comes back: one table in words. The
 * doctor, /readyz?verbose and screen 9 print its rows beside the check that fails, docs/degradation.md is
 * made of it, and tests/integration/degradation.py breaks every part to see that its cells are true. */
#ifndef SLUICE_ENGINE_DEGRADE_H
#define SLUICE_ENGINE_DEGRADE_H

#include "engine/health.h"

struct degrade_row {
	const char *part;               /* for people */
	const char *kind;               /* of the check that tells it; "" = none does: it is seen elsewhere */
	enum health at;                 /* the state of that check in which the row holds */
	const char *broken, *works, *stops, *back;
};

const struct degrade_row *degrade_rows(size_t *n);
/* NULL: nothing is lost. */
const struct degrade_row *degrade_of(const char *kind, enum health at);

enum { DEGRADE_WHY = 320, DEGRADE_DISK_MB = 64 };
/* Room for the log of one more cycle? mb -1: the state directory cannot be asked. */
int64_t degrade_free_mb(const char *dir);
/* Why no new cycle is opened now: the disk is nearly full, and an open cycle needs what is left. */
bool degrade_forbids_start(const struct engine *en, char why[DEGRADE_WHY]);
/* Could a copy be kept now? FAIL where a policy or lane requires one, WARN where it is only tried; UNKNOWN:
 * nobody wants copies. said: as of a check. */
enum health degrade_escrow_room(const struct engine *en, char said[280]);

#endif
