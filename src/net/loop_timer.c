/* Timers of a loop: a binary heap by due time, and one timer of libuv for the first of it. A loop has some for every
 * connection; libuv's own take three times the memory. */
#include "net/loop_internal.h"

#include <stdlib.h>

enum { SLOW_MS = 5000, TOGETHER_NS = 50000000, FINE_MS = 100 };
static const int64_t FOREVER_MS = 1000000000000;

struct loop_timer {
	struct loop *loop;
	void (*fn)(void *ctx);
	void *ctx;
	const char *what;
	uint64_t due_ns;
	uint32_t at;                    /* place in the heap, from 1; 0 = does not run */
	uint32_t repeat_ms;
	bool fine;                      /* a short wait: a millisecond more would be felt */
};

/* ---- the heap ---- */

static void put(struct loop *l, size_t at, struct loop_timer *t)
{
	l->heap[at] = t;
	t->at = (uint32_t)at;
}

static void sift_up(struct loop *l, size_t at, struct loop_timer *t)
{
	for (; at > 1 && t->due_ns < l->heap[at / 2]->due_ns; at /= 2)
		put(l, at, l->heap[at / 2]);
	put(l, at, t);
}

static void sift_down(struct loop *l, size_t at, struct loop_timer *t)
{
	for (size_t child; (child = at * 2) <= l->timers; at = child) {
		child += child < l->timers && l->heap[child + 1]->due_ns < l->heap[child]->due_ns;
		if (l->heap[child]->due_ns >= t->due_ns)
			break;
		put(l, at, l->heap[child]);
	}
	put(l, at, t);
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
	size_t at = t->at;
	struct loop_timer *last = l->heap[l->timers--];

	t->at = 0;
	if (last == t)
		return;
	if (at > 1 && last->due_ns < l->heap[at / 2]->due_ns)
		sift_up(l, at, last);
	else
		sift_down(l, at, last);
}

static void heap_add(struct loop *l, struct loop_timer *t)
{
	GROW(l->heap, l->heap_room, l->timers + 2);
	sift_up(l, ++l->timers, t);
}

/* Thousands of keepalives wake the process once for many of them. */
static uint64_t next_due(const struct loop_timer *t, uint64_t ns)
{
	return t->repeat_ms < SLOW_MS ? ns : (ns + TOGETHER_NS - 1) / TOGETHER_NS * TOGETHER_NS;
}

/* ---- the one timer of libuv ---- */

static void on_alarm(uv_timer_t *h);

/* libuv counts in whole milliseconds of a clock that it reads when a wait is over: in the middle of a step it is old. */
static void arm(struct loop *l)
{
	uint64_t at = l->timers ? (l->heap[1]->due_ns + 999999u) / 1000000u : 0;

	if (at == l->armed_ms || uv_is_closing((uv_handle_t *)&l->alarm))
		return;
	l->armed_ms = at;
	if (!at) {
		uv_timer_stop(&l->alarm);
		return;
	}
	uv_update_time(&l->uv);
	loop_must(uv_timer_start(&l->alarm, on_alarm, l->heap[1]->due_ns > uv_hrtime() ? at - MIN(at, uv_now(&l->uv)) : 0, 0), "timer start");
}

/* The loop goes on while something is armed; when exactly is told before it waits. */
static void arm_soon(struct loop *l)
{
	if (!l->timers || !uv_is_active((uv_handle_t *)&l->alarm))
		arm(l);
}

void loop_timers_before_wait(struct loop *l)
{
	arm(l);
	loop_fine_set(l, l->timers && l->heap[1]->fine ? l->heap[1]->due_ns : 0);
}

static void fire(struct loop *l, struct loop_timer *t)
{
	const char *what = t->what;
	uint64_t began = uv_hrtime();

	if (began > t->due_ns && (int64_t)((began - t->due_ns) / 1000) > l->lag_us)
		l->lag_us = (int64_t)((began - t->due_ns) / 1000);
	heap_remove(l, t);
	if (t->repeat_ms) {
		t->fine = t->repeat_ms < FINE_MS;
		t->due_ns = next_due(t, began + t->repeat_ms * 1000000ull);
		heap_add(l, t);
	}
	t->fn(t->ctx);
	loop_step_note(l, what, began);
}

/* Those that are due now, for a slice of time; what they start runs after the next look at descriptors, also when it is
 * due at once. */
static void fire_due(struct loop *l)
{
	uint64_t now = uv_hrtime();

	l->armed_ms = 0;
	while (l->timers && l->heap[1]->due_ns <= now && uv_hrtime() - now < LOOP_SLICE_NS)
		fire(l, l->heap[1]);
	/* started at no distance it would run again at once: the true time is told before the next wait */
	loop_must(l->timers ? uv_timer_start(&l->alarm, on_alarm, 1, 0) : uv_timer_stop(&l->alarm), "timer start");
	l->armed_ms = 0;
}

static void on_alarm(uv_timer_t *h)
{
	fire_due(h->data);
}

/* ---- a loop's ---- */

void loop_timers_init(struct loop *l)
{
	loop_must(uv_timer_init(&l->uv, &l->alarm), "timer");
	l->alarm.data = l;
	loop_fine_init(l, fire_due);
}

void loop_timers_close(struct loop *l)
{
	uv_close((uv_handle_t *)&l->alarm, NULL);
	loop_fine_close(l);
}

void loop_timers_done(struct loop *l)
{
	if (l->timers)
		die("loop: %s still runs when the loop is freed", l->heap[1]->what);
	free(l->heap);
}

int64_t loop_lag_us(struct loop *l)
{
	int64_t lag = l->lag_us;

	l->lag_before_us = lag;
	l->lag_us = 0;
	return lag;
}

int64_t loop_lag_lately_us(const struct loop *l)
{
	return MAX(l->lag_us, l->lag_before_us);
}

struct loop_timer *loop_timer_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);

	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx, .what = what };
	return t;
}

void loop_timer_start(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms)
{
	struct loop *l = t->loop;

	if (t->at)
		heap_remove(l, t);
	t->repeat_ms = repeat_ms > 0 ? (uint32_t)MIN(repeat_ms, (int64_t)UINT32_MAX) : 0;
	t->fine = after_ms < FINE_MS;
	t->due_ns = next_due(t, uv_hrtime() + (uint64_t)MIN(MAX(after_ms, (int64_t)0), FOREVER_MS) * 1000000u);
	heap_add(l, t);
	arm_soon(l);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (!t->at)
		return;
	heap_remove(t->loop, t);
	arm_soon(t->loop);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(t);
	free(t);
}
