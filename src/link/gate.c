/* The gate: turns on the loop's clock. */
#include "link/gate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/loop.h"

struct gate {
	struct loop *loop;
	struct turns turns;
	struct loop_timer *timer;
};

static void arm(struct gate *g)
{
	int64_t due = turns_due_us(&g->turns), now = loop_now(g->loop).boot_us;
	if (due == INT64_MAX)
		loop_timer_stop(g->timer);
	else
		loop_timer_start(g->timer, due > now ? (due - now + 999) / 1000 : 0, 0);
}

static void on_due(void *ctx)
{
	struct gate *g = ctx;
	struct turn *x;
	while ((x = turns_take(&g->turns, loop_now(g->loop).boot_us)))
		gate_turn(x, x->urgent);
	arm(g);
}

struct gate *gate_new(struct loop *l, int64_t rate_mhz, uint64_t seed)
{
	struct gate *g = xcalloc(1, sizeof *g);
	g->loop = l;
	turns_init(&g->turns, rate_mhz, seed);
	g->timer = loop_timer_new(l, on_due, g);
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	loop_timer_free(g->timer);
	free(g);
}

void gate_ask(struct gate *g, struct turn *x, bool urgent)
{
	turns_ask(&g->turns, x, urgent);
	arm(g);
}

void gate_leave(struct gate *g, struct turn *x)
{
	turns_leave(&g->turns, x);
}
