#include "net/loop.h"

#include "base/mem.h"

#include <stdlib.h>
#include <uv.h>

struct deferred {
	struct deferred *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	uv_loop_t uv;
	uv_idle_t idle;                 /* runs while something is deferred */
	struct deferred *first, **tail;
	int works;                      /* queued or running on the pool, and owed */
	int64_t lag_us, lag_before_us;
	bool stopped;
};

struct loop_timer {
	uv_timer_t uv;
	struct loop *loop;
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t due_ns;
	uint64_t repeat_ms;
};

struct loop_work {
	uv_work_t uv;
	struct loop *loop;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

struct loop_wake {
	uv_async_t uv;
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
	void (*fn)(void *ctx);
	void *ctx;
};

/* What libuv can only refuse when the machine is out of something or the caller broke a rule. */
static void must(int uv_rc, const char *what)
{
	if (uv_rc < 0)
		die("loop: %s: %s", what, uv_strerror(uv_rc));
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof *l);

	must(uv_loop_init(&l->uv), "start");
	must(uv_idle_init(&l->uv, &l->idle), "idle handle");
	l->idle.data = l;
	l->tail = &l->first;
	return l;
}

void loop_run(struct loop *l)
{
	while (!l->stopped)
		if (!uv_run(&l->uv, UV_RUN_DEFAULT))
			break;
	l->stopped = false;
}

void loop_run_once(struct loop *l)
{
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
	drop_deferred(l);
	while (uv_loop_close(&l->uv) == UV_EBUSY) {
		uv_walk(&l->uv, die_if_open, NULL);
		uv_run(&l->uv, UV_RUN_ONCE);
	}
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

static void free_handle(uv_handle_t *h)
{
	free(h->data);
}

/* Timers */

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);

	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx };
	must(uv_timer_init(&l->uv, &t->uv), "timer");
	t->uv.data = t;
	return t;
}

static void timer_fire(uv_timer_t *h)
{
	struct loop_timer *t = h->data;
	uint64_t now = uv_hrtime();

	if (now > t->due_ns && (int64_t)((now - t->due_ns) / 1000) > t->loop->lag_us)
		t->loop->lag_us = (int64_t)((now - t->due_ns) / 1000);
	t->due_ns = now + t->repeat_ms * 1000000u;
	t->fn(t->ctx);
}

/* libuv counts from its cached clock, which is old after a long callback. */
void loop_timer_start(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms)
{
	uint64_t after = after_ms > 0 ? (uint64_t)after_ms : 0;

	uv_update_time(&t->loop->uv);
	t->repeat_ms = repeat_ms > 0 ? (uint64_t)repeat_ms : 0;
	t->due_ns = uv_hrtime() + after * 1000000u;
	must(uv_timer_start(&t->uv, timer_fire, after, t->repeat_ms), "timer start");
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, free_handle);
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

		d->fn(d->ctx);
		free(d);
		d = next;
	}
}

void loop_defer(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct deferred *d = xcalloc(1, sizeof *d);

	*d = (struct deferred){ .fn = fn, .ctx = ctx };
	*l->tail = d;
	l->tail = &d->next;
	must(uv_idle_start(&l->idle, run_deferred), "idle start");
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

	(void)status;
	w->loop->works--;
	if (w->done)
		w->done(w->ctx);
	free(w);
}

void loop_work(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct loop_work *w = xcalloc(1, sizeof *w);

	*w = (struct loop_work){ .loop = l, .work = work, .done = done, .ctx = ctx };
	w->uv.data = w;
	l->works++;
	must(uv_queue_work(&l->uv, &w->uv, work_run, work_after), "queue work");
}

/* Wakes */

static void wake_fire(uv_async_t *h)
{
	struct loop_wake *w = h->data;

	w->fn(w->ctx);
}

struct loop_wake *loop_wake_new(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct loop_wake *w = xcalloc(1, sizeof *w);

	*w = (struct loop_wake){ .fn = fn, .ctx = ctx };
	must(uv_async_init(&l->uv, &w->uv, wake_fire), "wake");
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
	must(uv_signal_init(&l->uv, &s->uv), "signal");
	s->uv.data = s;
	must(uv_signal_start(&s->uv, signal_fire, signum), "signal start");
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

	(void)status;
	(void)events;
	p->fn(p->ctx);
}

enum rc loop_poll_new(struct loop_poll **out, struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, struct err *e)
{
	struct loop_poll *p = xcalloc(1, sizeof *p);
	int n = uv_poll_init(&l->uv, &p->uv, fd);

	*out = NULL;
	if (n < 0) {
		free(p);
		return err_set(e, RC_IO, "descriptor %d cannot be watched: %s", fd, uv_strerror(n));
	}
	p->fn = fn;
	p->ctx = ctx;
	p->uv.data = p;
	must(uv_poll_start(&p->uv, UV_READABLE | UV_DISCONNECT, poll_fire), "poll start");
	*out = p;
	return RC_OK;
}

void loop_poll_want(struct loop_poll *p, bool read, bool write)
{
	must(uv_poll_start(&p->uv, (read ? UV_READABLE | UV_DISCONNECT : 0) | (write ? UV_WRITABLE : 0), poll_fire), "poll start");
}

void loop_poll_free(struct loop_poll *p)
{
	if (p)
		uv_close((uv_handle_t *)&p->uv, free_handle);
}
