/* How long the loop makes others wait, and for whom. */
#include "net/loop_internal.h"

#include <time.h>

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t loop_step_began(void)
{
	return uv_hrtime();
}

bool loop_step_long(struct loop *l)
{
	uint64_t now = uv_hrtime();

	l->slice_ns = l->slice_ns ? l->slice_ns : now;
	return now - l->slice_ns >= LOOP_SLICE_NS;
}

/* Inner callbacks are noted first; the outer one counts if it did clearly more than they. */
void loop_step_note(struct loop *l, const char *by, uint64_t began)
{
	uint64_t took = uv_hrtime() - began;

	if (took <= l->noted_ns + l->noted_ns / 2)
		return;
	l->noted_ns = took;
	l->noted = by;
}

void loop_steps_begin(struct loop *l)
{
	l->woke_ns = uv_hrtime();
	l->woke_cpu_ns = cpu_ns();
	l->noted_ns = 0;
}

static void on_step_over(uv_prepare_t *h)
{
	struct loop *l = h->data;
	uint64_t now = uv_hrtime(), took = now > l->woke_ns ? now - l->woke_ns : 0, cpu = cpu_ns();

	if ((int64_t)(took / 1000) > l->step.us) {
		l->step = (struct loop_step){ .us = (int64_t)(took / 1000), .cpu_us = (int64_t)((cpu - l->woke_cpu_ns) / 1000),
					      .by = l->noted_ns > took / 2 ? l->noted : "input and output" };
		if (l->step.us > l->worst.us)
			l->worst = l->step;
	}
	l->woke_ns = now;
	l->woke_cpu_ns = cpu;
	l->noted_ns = l->slice_ns = 0;
	loop_timers_before_wait(l);
}

/* libuv reads its clock, in milliseconds, when the wait is over; the callbacks for descriptors ran already. */
static void on_waited(uv_check_t *h)
{
	struct loop *l = h->data;

	l->woke_ns = MAX(l->woke_ns, uv_now(&l->uv) * 1000000u);
}

void loop_steps_init(struct loop *l)
{
	loop_must(uv_prepare_init(&l->uv, &l->before_wait), "prepare handle");
	loop_must(uv_check_init(&l->uv, &l->after_wait), "check handle");
	l->before_wait.data = l->after_wait.data = l;
	loop_must(uv_prepare_start(&l->before_wait, on_step_over), "prepare start");
	loop_must(uv_check_start(&l->after_wait, on_waited), "check start");
	uv_unref((uv_handle_t *)&l->before_wait);
	uv_unref((uv_handle_t *)&l->after_wait);
	l->step.by = l->worst.by = "";
}

void loop_steps_close(struct loop *l)
{
	uv_close((uv_handle_t *)&l->before_wait, NULL);
	uv_close((uv_handle_t *)&l->after_wait, NULL);
}

struct loop_step loop_step(struct loop *l)
{
	struct loop_step s = l->step;

	l->step = (struct loop_step){ .by = "" };
	return s;
}

struct loop_step loop_step_worst(const struct loop *l)
{
	return l->worst;
}
