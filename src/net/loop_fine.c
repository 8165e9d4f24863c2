/* A wait of a few milliseconds that ends when it is over: libuv's timers count whole milliseconds and are late by one or
 * more. Beside its timer, never instead of it: without a descriptor the loop is only less exact. */
#include "net/loop_internal.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SOON_NS = 30000000, GRID_NS = 50000 };

struct loop_fine {
	uv_poll_t uv;
	void (*over)(struct loop *l);
	int fd;
	uint64_t due_ns;                /* of uv_hrtime(); 0 = does not run */
};

static void on_over(uv_poll_t *h, int status, int events)
{
	struct loop *l = h->data;
	uint64_t times;

	(void)status;
	(void)events;
	if (read(l->fine->fd, &times, sizeof times) == (ssize_t)sizeof times)
		l->fine->due_ns = 0;
	l->fine->over(l);
}

void loop_fine_init(struct loop *l, void (*over)(struct loop *l))
{
	struct loop_fine *f = xcalloc(1, sizeof *f);

	f->over = over;
	f->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (f->fd < 0 || uv_poll_init(&l->uv, &f->uv, f->fd) != 0) {
		if (f->fd >= 0)
			close(f->fd);
		free(f);
		return;
	}
	f->uv.data = l;
	l->fine = f;
	loop_must(uv_poll_start(&f->uv, UV_READABLE, on_over), "fine timer");
	uv_unref((uv_handle_t *)&f->uv);
}

void loop_fine_set(struct loop *l, uint64_t due_ns)
{
	struct loop_fine *f = l->fine;
	uint64_t now = uv_hrtime(), at = (due_ns + GRID_NS - 1) / GRID_NS * GRID_NS;
	bool soon = due_ns > now && due_ns - now < SOON_NS;

	if (!f || at == f->due_ns || (!soon && !f->due_ns))
		return;
	const struct itimerspec t = { .it_value.tv_nsec = soon ? (long)(at - now) : 0 };
	if (timerfd_settime(f->fd, 0, &t, NULL) == 0)
		f->due_ns = soon ? at : 0;
}

static void closed(uv_handle_t *h)
{
	struct loop *l = h->data;

	close(l->fine->fd);
	free(l->fine);
	l->fine = NULL;
}

void loop_fine_close(struct loop *l)
{
	if (!l->fine)
		return;
	uv_poll_stop(&l->fine->uv);
	uv_close((uv_handle_t *)&l->fine->uv, closed);
}
