/* The one event loop of a process (libuv), wrapped so that nothing above net/ includes uv.h.
 * Everything here belongs to the loop's thread, except loop_wake_send(). Nothing called from the
 * loop may block. loop_free() runs the loop until every handle is closed and dies if one is left. */
#ifndef SLUICE_NET_LOOP_H
#define SLUICE_NET_LOOP_H

#include "base/err.h"
#include "base/time.h"

#include <stdint.h>

struct loop;
struct loop *loop_new(void);
void loop_run(struct loop *l);                  /* until loop_stop() */
void loop_run_once(struct loop *l);             /* one turn, may wait */
void loop_stop(struct loop *l);
void loop_free(struct loop *l);
/* Once, when no loop is left and none will be made: the worker threads end, and give back what libraries keep for each. */
void loop_workers_end(void);
void *loop_uv(struct loop *l);                  /* the uv_loop_t, for net/ only */
void loop_owe(struct loop *l, int n);            /* +1, later −1: loop_free waits for it; for net/ only */
struct now loop_now(struct loop *l);            /* clocks read now, not cached */
/* Longest delay between a timer's due time and its run since the last call, in µs (loop lag). */
int64_t loop_lag_us(struct loop *l);
int64_t loop_lag_lately_us(const struct loop *l);       /* the same, of the last two such spans; changes nothing */

/* From one wait of the loop to the next: everything that runs in between makes everyone else wait. */
struct loop_step {
	int64_t us;             /* by the clock, to the millisecond */
	int64_t cpu_us;         /* of it on a processor; the rest the machine did something else */
	const char *by;         /* "file.c:function" that took most of it; "input and output" = a library's own */
};
struct loop_step loop_step(struct loop *l);             /* the longest since the last call */
struct loop_step loop_step_worst(const struct loop *l); /* and since the first */
/* The part of a step that asks has had its slice of time: what can be put off until after the next wait is. The slice begins with
 * the first that asks. */
bool loop_step_long(struct loop *l);
/* Around a callback that a library of net/ makes; began is loop_step_began(). */
uint64_t loop_step_began(void);
void loop_step_note(struct loop *l, const char *by, uint64_t began);
#define LOOP_STEP(fn) (__FILE_NAME__ ":" #fn)

/* Timers. One-shot unless repeat_ms > 0; one that repeats every 5 s or more runs up to 50 ms later, with others. Freeing a
 * running timer is fine, also from its callback. */
struct loop_timer;
#define loop_timer_new(l, fn, ctx) loop_timer_named(l, fn, ctx, LOOP_STEP(fn))
struct loop_timer *loop_timer_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what);
void loop_timer_start(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);     /* NULL is fine */
/* Run fn once on the next turn, before waiting. */
#define loop_defer(l, fn, ctx) loop_defer_named(l, fn, ctx, LOOP_STEP(fn))
void loop_defer_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what);

/* Work that takes milliseconds, on a pool thread; done runs on the loop. Poll *cancelled if long. */
#define loop_work(l, work, done, ctx) loop_work_named(l, work, done, ctx, LOOP_STEP(done))
void loop_work_named(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx, const char *what);

/* Wake from another thread; sends may be merged into one call of fn. */
struct loop_wake;
#define loop_wake_new(l, fn, ctx) loop_wake_named(l, fn, ctx, LOOP_STEP(fn))
struct loop_wake *loop_wake_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what);
void loop_wake_send(struct loop_wake *w);       /* any thread, async-signal-safe */
void loop_wake_free(struct loop_wake *w);

struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int signum, void (*fn)(void *ctx, int signum), void *ctx);
void loop_signal_free(struct loop_signal *s);

/* Readability of a descriptor that is not a regular file (a tty, a pipe, a socket). Never closes fd;
 * free the watcher before fd is closed. */
struct loop_poll;
#define loop_poll_new(out, l, fd, fn, ctx, e) loop_poll_named(out, l, fd, fn, ctx, LOOP_STEP(fn), e)
enum rc loop_poll_named(struct loop_poll **out, struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, const char *what, struct err *e) MUST_USE;
/* Watch for what is wanted from now on; a new watcher waits for bytes to read. */
void loop_poll_want(struct loop_poll *p, bool read, bool write);
void loop_poll_free(struct loop_poll *p);

#endif
