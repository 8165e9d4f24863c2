/* Whose attempt begins when: one queue for all connections of an engine, so that never more handshakes
 * begin in a second than configured. Between two turns lies at least 1/rate, plus up to a quarter of it at random.
 * Urgent ones (a link below its floor) go first; otherwise first come, first served. Pure: time is an argument. */
#ifndef SLUICE_LINK_TURNS_H
#define SLUICE_LINK_TURNS_H

#include "base/rng.h"

#include <stdbool.h>

struct turn {                           /* in its owner; zeroed = does not wait */
	struct turn *next, *prev;
	bool waits, urgent;
};

struct turns {
	struct rng rng;
	int64_t gap_us, next_us;
	struct turn *first[2], *last[2];        /* urgent, other */
	int waiting;
	int64_t given;
};

void turns_init(struct turns *t, int64_t rate_mhz, uint64_t seed);      /* per 1,000 s, at least 1 */
void turns_ask(struct turns *t, struct turn *x, bool urgent);           /* once: asking again keeps the place */
void turns_leave(struct turns *t, struct turn *x);
/* When the next one may begin; INT64_MAX if none waits. */
int64_t turns_due_us(const struct turns *t);
/* The one whose turn it is, which waits no more (urgent is kept); NULL = not yet, or none. */
struct turn *turns_take(struct turns *t, int64_t now_us);

#endif
