/* For tests that run a loop: wait for a condition with a deadline, never for a time. */
#ifndef SLUICE_TESTS_NET_HELPER_H
#define SLUICE_TESTS_NET_HELPER_H

#include "../unit/unit.h"

#include "net/loop.h"

enum { PUMP_DEADLINE_MS = 8000 };

static inline void pump_tick(void *ctx)
{
	(void)ctx;
}

/* Turns the loop until cond(ctx); fails the test after the deadline. */
static inline void pump(struct loop *l, bool (*cond)(void *ctx), void *ctx)
{
	struct loop_timer *tick = loop_timer_new(l, pump_tick, NULL);
	int64_t end = loop_now(l).boot_us + PUMP_DEADLINE_MS * 1000;

	loop_timer_start(tick, 5, 5);
	while (!cond(ctx) && loop_now(l).boot_us < end)
		loop_run_once(l);
	loop_run_once(l);               /* what was closed ends; the tick bounds the wait */
	loop_timer_free(tick);
	assert_true(cond(ctx));
}

#endif
