/* Inside the room: what a pool asks of the gate. */
#ifndef SLUICE_LINK_GATE_H
#define SLUICE_LINK_GATE_H

#include "link/pool.h"
#include "link/turns.h"

void gate_ask(struct gate *g, struct turn *x, bool urgent);     /* gate_turn(x) follows, never from inside */
void gate_leave(struct gate *g, struct turn *x);
void gate_turn(struct turn *x, bool urgent);                    /* pool.c: x, which was urgent or not, may begin */

#endif
