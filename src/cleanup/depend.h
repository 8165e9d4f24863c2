/* Which items must go before which: what refers goes before what it refers to (SEMANTICS 2, gate into CLEANING).
 * Items that refer to one another in a circle are refused, and so is whatever something refers to that stays.
 * Pure: nodes are numbers, edges say "from refers to to". */
#ifndef SLUICE_CLEANUP_DEPEND_H
#define SLUICE_CLEANUP_DEPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEPEND_LEVELS = 16 };            /* longer chains are cut: their ends wait for another plan */

struct depend_edge {
	int32_t from, to;               /* from -1: something that stays, whoever it is */
};

enum depend_fate {
	DEPEND_GOES,                    /* at its level */
	DEPEND_STAYS,                   /* it was said so */
	DEPEND_HELD,                    /* what stays refers to it */
	DEPEND_CIRCLE,                  /* it refers to itself, by way of others or not */
	DEPEND_DEEP                     /* its chain has more than DEPEND_LEVELS levels */
};

struct depend_node {
	enum depend_fate fate;          /* in: GOES or STAYS */
	int32_t level;                  /* GOES: 0 = nothing in the plan refers to it; else above all that do */
	int32_t by;                     /* GOES above 0, HELD, DEEP: one that refers to it, -1 = something outside; CIRCLE: the next in
					 * the circle, which it refers to */
};

/* Fills node[0 … n). Edges to nodes outside 0 … n are ignored; they may repeat, and are sorted here. */
void depend_resolve(struct depend_node *node, int32_t n, struct depend_edge *edge, size_t edges);

#endif
