#include "net/http_sock.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct sock {
	uv_poll_t uv;
	struct http_socks *owner;
	curl_socket_t fd;
	int events;                     /* watched now */
	bool ours;                      /* opened and closed through us, so it may be watched while idle */
	bool wanted;                    /* libcurl asked for events */
	bool queued;                    /* among those whose events are told when it is their turn */
	int flags;                      /* what is told then */
	struct sock *next;
};

struct http_socks {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	bool inside;                    /* an event or the timer is being told to libcurl: it is asked again before that returns */
	bool at_once;                   /* libcurl wants to be called without delay: requests that were added */
	void (*ready)(void *ctx);
	void *ctx;
	struct sock **by_fd;
	size_t cap;
	struct sock *first, **last;     /* queued */
};

static void sock_freed(uv_handle_t *h)
{
	free(h->data);
}

static struct sock *sock_unqueue(struct http_socks *s, struct sock *k)
{
	struct sock **at = &s->first;

	while (k->queued && *at != k)
		at = &(*at)->next;
	if (!k->queued)
		return k;
	*at = k->next;
	if (!k->next)
		s->last = at;
	k->queued = false;
	k->next = NULL;
	return k;
}

/* Before the descriptor is closed, so that its number can be watched again at once. */
static void sock_drop(struct http_socks *s, curl_socket_t fd)
{
	struct sock *k = (size_t)fd < s->cap ? s->by_fd[fd] : NULL;

	if (!k)
		return;
	s->by_fd[fd] = NULL;
	sock_unqueue(s, k);
	uv_poll_stop(&k->uv);
	uv_close((uv_handle_t *)&k->uv, sock_freed);
}

static struct sock *sock_add(struct http_socks *s, curl_socket_t fd, bool ours)
{
	struct sock *k = xcalloc(1, sizeof *k);
	size_t was = s->cap;
	int n = uv_poll_init_socket(loop_uv(s->loop), &k->uv, fd);

	if (n < 0) {
		free(k);
		return NULL;
	}
	k->uv.data = k;
	k->owner = s;
	k->fd = fd;
	k->ours = ours;
	if ((size_t)fd >= s->cap) {
		GROW(s->by_fd, s->cap, (size_t)fd + 1);
		for (size_t i = was; i < s->cap; i++)
			s->by_fd[i] = NULL;
	}
	s->by_fd[fd] = k;
	return k;
}

/* What an answer brings about goes out before the next answer is read: a store works on it meanwhile. */
static void tell(struct http_socks *s, curl_socket_t fd, int flags)
{
	int running;

	s->inside = true;
	curl_multi_socket_action(s->multi, fd, flags, &running);
	s->ready(s->ctx);
	if (s->at_once) {
		s->at_once = false;
		curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		s->ready(s->ctx);
	}
	s->inside = false;
	if (s->at_once)
		loop_timer_start(s->timer, 0, 0);
	s->at_once = false;
}

/* First come, first served, for a slice of time: the rest is told after the next wait, which reports all that are not told yet
 * again. */
static void serve(struct http_socks *s)
{
	while (s->first && !loop_step_long(s->loop)) {
		struct sock *k = sock_unqueue(s, s->first);
		int flags = k->flags;

		k->flags = 0;
		if (k->wanted)
			tell(s, k->fd, flags);
	}
}

/* An idle connection that turns readable was ended by its server: nobody reads it until libcurl
 * looks at it again, so the watcher is stopped or it would fire for ever. */
static void on_event(uv_poll_t *h, int status, int events)
{
	struct sock *k = h->data;
	struct http_socks *s = k->owner;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;

	if (!k->wanted || status < 0) {
		uv_poll_stop(h);
		k->events = 0;
		if (!k->wanted)
			return;
	}
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	if (status < 0) {
		tell(s, sock_unqueue(s, k)->fd, flags);
		return;
	}
	k->flags |= flags;
	if (!k->queued) {
		k->queued = true;
		*s->last = k;
		s->last = &k->next;
	}
	serve(s);
}

static void watch(struct sock *k, int events)
{
	k->wanted = true;
	if (k->events == events)
		return;
	if (uv_poll_start(&k->uv, events, on_event) == 0)
		k->events = events;
}

static void unwatch(struct http_socks *s, struct sock *k)
{
	k->wanted = false;
	if (!k->ours) {
		sock_drop(s, k->fd);
	} else if (k->events & UV_WRITABLE) {
		uv_poll_stop(&k->uv);
		k->events = 0;
	}
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	struct http_socks *s = ctx;
	struct sock *k = (size_t)fd < s->cap ? s->by_fd[fd] : NULL;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		if (k)
			unwatch(s, k);
		return 0;
	}
	if (!k)
		k = sock_add(s, fd, false);
	if (!k)
		return -1;
	watch(k, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
	return 0;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_socks *s = ctx;
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	sock_drop(s, fd);
	if (!sock_add(s, fd, true)) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static int on_close(void *ctx, curl_socket_t fd)
{
	sock_drop(ctx, fd);
	return close(fd);
}

static void on_timer(void *ctx)
{
	tell(ctx, CURL_SOCKET_TIMEOUT, 0);
}

/* Never acts from in here: libcurl may be in the middle of something. */
static int on_timeout(CURLM *m, long ms, void *ctx)
{
	struct http_socks *s = ctx;

	(void)m;
	s->at_once = s->inside && ms == 0;
	if (s->at_once)
		return 0;
	if (ms < 0)
		loop_timer_stop(s->timer);
	else
		loop_timer_start(s->timer, ms, 0);
	return 0;
}

struct http_socks *http_socks_new(struct loop *l, CURLM *m, void (*ready)(void *ctx), void *ctx)
{
	struct http_socks *s = xcalloc(1, sizeof *s);

	*s = (struct http_socks){ .loop = l, .multi = m, .ready = ready, .ctx = ctx };
	s->timer = loop_timer_new(l, on_timer, s);
	s->last = &s->first;
	curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(m, CURLMOPT_TIMERDATA, s);
	return s;
}

void http_socks_free(struct http_socks *s)
{
	for (size_t fd = 0; fd < s->cap; fd++)
		if (s->by_fd[fd])
			sock_drop(s, (curl_socket_t)fd);
	loop_timer_free(s->timer);
	free(s->by_fd);
	free(s);
}

void http_socks_use(struct http_socks *s, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s);
}
