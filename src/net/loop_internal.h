/* Shared by the files of net/loop only. */
#ifndef SLUICE_NET_LOOP_INTERNAL_H
#define SLUICE_NET_LOOP_INTERNAL_H

#include "net/loop.h"

#include "base/mem.h"

#include <uv.h>

enum { LOOP_SLICE_NS = 4000000 };        /* others wait so long at most, where the work can be cut */

struct deferred {
	struct deferred *next;
	void (*fn)(void *ctx);
	void *ctx;
	const char *what;
};

struct loop {
	uv_loop_t uv;
	uv_idle_t idle;                 /* runs while something is deferred */
	struct deferred *first, **tail;
	int works;                      /* queued or running on the pool, and owed */
	bool stopped;

	uv_timer_t alarm;               /* for the earliest of all timers */
	struct loop_timer **heap;       /* that run, by due time */
	size_t timers, heap_room;
	uint64_t armed_ms;              /* what alarm is set to, of uv_now; 0 = it is not */
	struct loop_fine *fine;         /* NULL: no descriptor was left for it */
	int64_t lag_us, lag_before_us;

	uv_prepare_t before_wait;
	uv_check_t after_wait;
	uint64_t woke_ns, woke_cpu_ns;
	uint64_t noted_ns;              /* of the longest callback of this step */
	uint64_t slice_ns;              /* when the first asked loop_step_long() in this step; 0 = nobody yet */
	const char *noted;
	struct loop_step step, worst;
};

/* What libuv can only refuse when the machine is out of something or the caller broke a rule. */
void loop_must(int uv_rc, const char *what);
void loop_timers_init(struct loop *l);
void loop_timers_before_wait(struct loop *l);
void loop_timers_close(struct loop *l);         /* handles are closed; loop_timers_done() follows */
void loop_timers_done(struct loop *l);          /* dies if one runs */
void loop_fine_init(struct loop *l, void (*over)(struct loop *l));
void loop_fine_set(struct loop *l, uint64_t due_ns);   /* of uv_hrtime(); over() is called then if that is soon; 0 = not */
void loop_fine_close(struct loop *l);
void loop_steps_init(struct loop *l);
void loop_steps_begin(struct loop *l);          /* what was before is no step of the loop */
void loop_steps_close(struct loop *l);

#endif
