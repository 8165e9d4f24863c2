#include "net/loop_internal.h"

#include <stdlib.h>

struct loop_work {
	uv_work_t uv;
	struct loop *loop;
	const char *what;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

struct loop_wake {
	uv_async_t uv;
	struct loop *loop;
	const char *what;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *ctx, int signum);
	void *ctx;
};

struct loop_poll {
	uv_poll_t uv;
	struct loop *loop;
	const char *what;
	void (*fn)(void *ctx);
	void *ctx;
};

void loop_must(int uv_rc, const char *what)
{
	if (uv_rc < 0)
		die("loop: %s: %s", what, uv_strerror(uv_rc));
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof *l);

	loop_must(uv_loop_init(&l->uv), "start");
	loop_must(uv_idle_init(&l->uv, &l->idle), "idle handle");
	l->idle.data = l;
	l->tail = &l->first;
	loop_timers_init(l);
	loop_steps_init(l);
	return l;
}

void loop_run(struct loop *l)
{
	loop_steps_begin(l);
	while (!l->stopped)
		if (!uv_run(&l->uv, UV_RUN_DEFAULT))
			break;
	l->stopped = false;
}

void loop_run_once(struct loop *l)
{
	loop_steps_begin(l);
	uv_run(&l->uv, UV_RUN_ONCE);
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
	uv_stop(&l->uv);
}

static void die_if_open(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		die("loop: a %s handle is still open when the loop is freed", uv_handle_type_name(h->type));
}

static void drop_deferred(struct loop *l)
{
	while (l->first) {
		struct deferred *d = l->first;

		l->first = d->next;
		free(d);
	}
	l->tail = &l->first;
}

void loop_workers_end(void) { uv_library_shutdown(); }

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (l->works > 0)
		uv_run(&l->uv, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&l->idle, NULL);
	loop_timers_close(l);
	loop_steps_close(l);
	drop_deferred(l);
	while (uv_loop_close(&l->uv) == UV_EBUSY) {
		uv_walk(&l->uv, die_if_open, NULL);
		uv_run(&l->uv, UV_RUN_ONCE);
	}
	loop_timers_done(l);
	free(l);
}

void *loop_uv(struct loop *l)
{
	return &l->uv;
}

void loop_owe(struct loop *l, int n)
{
	l->works += n;
}

struct now loop_now(struct loop *l)
{
	(void)l;
	return now_read();
}

static void free_handle(uv_handle_t *h)
{
	free(h->data);
}

/* Deferred calls */

static void run_deferred(uv_idle_t *h)
{
	struct loop *l = h->data;
	struct deferred *d = l->first;

	l->first = NULL;
	l->tail = &l->first;
	uv_idle_stop(h);
	while (d) {
		struct deferred *next = d->next;

		uint64_t began = uv_hrtime();

		d->fn(d->ctx);
		loop_step_note(l, d->what, began);
		free(d);
		d = next;
	}
}

void loop_defer_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what)
{
	struct deferred *d = xcalloc(1, sizeof *d);

	*d = (struct deferred){ .fn = fn, .ctx = ctx, .what = what };
	*l->tail = d;
	l->tail = &d->next;
	loop_must(uv_idle_start(&l->idle, run_deferred), "idle start");
}

/* Work on the pool */

static void work_run(uv_work_t *r)
{
	struct loop_work *w = r->data;

	w->work(w->ctx);
}

static void work_after(uv_work_t *r, int status)
{
	struct loop_work *w = r->data;

	uint64_t began = uv_hrtime();

	(void)status;
	w->loop->works--;
	if (w->done)
		w->done(w->ctx);
	loop_step_note(w->loop, w->what, began);
	free(w);
}

void loop_work_named(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx, const char *what)
{
	struct loop_work *w = xcalloc(1, sizeof *w);

	*w = (struct loop_work){ .loop = l, .what = what, .work = work, .done = done, .ctx = ctx };
	w->uv.data = w;
	l->works++;
	loop_must(uv_queue_work(&l->uv, &w->uv, work_run, work_after), "queue work");
}

/* Wakes */

static void wake_fire(uv_async_t *h)
{
	struct loop_wake *w = h->data;
	struct loop *l = w->loop;
	const char *what = w->what;
	uint64_t began = uv_hrtime();

	w->fn(w->ctx);
	loop_step_note(l, what, began);
}

struct loop_wake *loop_wake_named(struct loop *l, void (*fn)(void *ctx), void *ctx, const char *what)
{
	struct loop_wake *w = xcalloc(1, sizeof *w);

	*w = (struct loop_wake){ .loop = l, .what = what, .fn = fn, .ctx = ctx };
	loop_must(uv_async_init(&l->uv, &w->uv, wake_fire), "wake");
	w->uv.data = w;
	return w;
}

void loop_wake_send(struct loop_wake *w)
{
	uv_async_send(&w->uv);
}

void loop_wake_free(struct loop_wake *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, free_handle);
}

/* Signals */

static void signal_fire(uv_signal_t *h, int signum)
{
	struct loop_signal *s = h->data;

	s->fn(s->ctx, signum);
}

struct loop_signal *loop_signal_new(struct loop *l, int signum, void (*fn)(void *ctx, int signum), void *ctx)
{
	struct loop_signal *s = xcalloc(1, sizeof *s);

	*s = (struct loop_signal){ .fn = fn, .ctx = ctx };
	loop_must(uv_signal_init(&l->uv, &s->uv), "signal");
	s->uv.data = s;
	loop_must(uv_signal_start(&s->uv, signal_fire, signum), "signal start");
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, free_handle);
}

/* Descriptors */

/* A hang-up arrives as an error status, once: the owner's read() then sees what it is. */
static void poll_fire(uv_poll_t *h, int status, int events)
{
	struct loop_poll *p = h->data;
	struct loop *l = p->loop;
	const char *what = p->what;
	uint64_t began = uv_hrtime();

	(void)status;
	(void)events;
	p->fn(p->ctx);
	loop_step_note(l, what, began);
}

enum rc loop_poll_named(struct loop_poll **out, struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, const char *what, struct err *e)
{
	struct loop_poll *p = xcalloc(1, sizeof *p);
	int n = uv_poll_init(&l->uv, &p->uv, fd);

	*out = NULL;
	if (n < 0) {
		free(p);
		return err_set(e, RC_IO, "descriptor %d cannot be watched: %s", fd, uv_strerror(n));
	}
	p->loop = l;
	p->what = what;
	p->fn = fn;
	p->ctx = ctx;
	p->uv.data = p;
	loop_must(uv_poll_start(&p->uv, UV_READABLE | UV_DISCONNECT, poll_fire), "poll start");
	*out = p;
	return RC_OK;
}

void loop_poll_want(struct loop_poll *p, bool read, bool write)
{
	loop_must(uv_poll_start(&p->uv, (read ? UV_READABLE | UV_DISCONNECT : 0) | (write ? UV_WRITABLE : 0), poll_fire), "poll start");
}

void loop_poll_free(struct loop_poll *p)
{
	if (p)
		uv_close((uv_handle_t *)&p->uv, free_handle);
}
