#include "net/tcp.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BACKLOG = 511, READ_BYTES = 65536, LINGER_MS = 1000 };

struct tcp_server {
	uv_tcp_t uv;
	struct loop *loop;
	struct tcp_handler handler;
	void *ctx;
	struct tcp_conn *conns;
	int users;                      /* open handles that point here */
	bool freed;
	int port;
	char read[READ_BYTES];          /* one read at a time on one thread */
};

struct tcp_conn {
	uv_tcp_t uv;
	uv_shutdown_t shutdown;
	struct tcp_server *server;
	struct tcp_conn *next, *prev;
	struct loop_timer *linger;      /* a peer that never ends is not waited for */
	void *ctx;
	bool paused;
	bool finishing;                 /* no more data to or from the handler */
	bool peer_ended;
	bool flushed;                   /* our end was sent */
	bool ended;                     /* on_end was called */
};

struct out {
	uv_write_t uv;
	struct tcp_conn *conn;
	char bytes[];
};

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b);

static void server_release(struct tcp_server *s)
{
	if (--s->users == 0)
		free(s);
}

static void conn_end(struct tcp_conn *c)
{
	if (!c->ended) {
		c->ended = true;
		c->server->handler.on_end(c->ctx);
	}
}

static void conn_unlink(struct tcp_conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else if (c->server->conns == c)
		c->server->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->next = c->prev = NULL;
}

static void conn_closed(uv_handle_t *h)
{
	struct tcp_conn *c = h->data;

	conn_unlink(c);
	conn_end(c);
	server_release(c->server);
	free(c);
}

static void conn_drop(struct tcp_conn *c)
{
	if (uv_is_closing((uv_handle_t *)&c->uv))
		return;
	loop_timer_free(c->linger);
	c->linger = NULL;
	c->finishing = true;
	uv_close((uv_handle_t *)&c->uv, conn_closed);
}

static void linger_over(void *ctx)
{
	conn_drop(ctx);
}

/* Close only when both directions ended: closing with unread bytes would send a reset, which may
 * destroy our last answer on its way. */
static void conn_maybe_drop(struct tcp_conn *c)
{
	if (c->flushed && c->peer_ended)
		conn_drop(c);
}

static void on_shutdown(uv_shutdown_t *r, int status)
{
	struct tcp_conn *c = r->data;

	c->flushed = true;
	if (status < 0)
		conn_drop(c);
	else
		conn_maybe_drop(c);
}

void tcp_close(struct tcp_conn *c)
{
	if (c->finishing || uv_is_closing((uv_handle_t *)&c->uv))
		return;
	c->finishing = true;
	c->shutdown.data = c;
	if (c->paused)
		tcp_pause(c, false);
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->uv, on_shutdown) < 0) {
		conn_drop(c);
		return;
	}
	c->linger = loop_timer_new(c->server->loop, linger_over, c);
	loop_timer_start(c->linger, LINGER_MS, 0);
}

void tcp_reset(struct tcp_conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	uv_os_fd_t fd;

	if (uv_is_closing((uv_handle_t *)&c->uv))
		return;
	if (uv_fileno((uv_handle_t *)&c->uv, &fd) == 0)
		(void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	conn_drop(c);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	struct tcp_conn *c = h->data;

	(void)hint;
	*b = uv_buf_init(c->server->read, READ_BYTES);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct tcp_conn *c = h->data;

	if (n > 0 && !c->finishing) {
		c->server->handler.on_data(c->ctx, c, (struct slice){ b->base, (size_t)n });
	} else if (n == UV_EOF) {
		c->peer_ended = true;
		if (c->finishing)
			conn_maybe_drop(c);
		else
			tcp_close(c);
	} else if (n < 0) {
		conn_drop(c);
	}
}

void tcp_pause(struct tcp_conn *c, bool paused)
{
	if (c->paused == paused || uv_is_closing((uv_handle_t *)&c->uv))
		return;
	c->paused = paused;
	if (paused)
		uv_read_stop((uv_stream_t *)&c->uv);
	else
		uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read);
}

static void on_written(uv_write_t *r, int status)
{
	struct out *o = r->data;

	if (status < 0 && status != UV_ECANCELED)
		conn_drop(o->conn);
	free(o);
}

void tcp_send(struct tcp_conn *c, struct slice bytes)
{
	struct out *o;
	uv_buf_t b;

	if (c->finishing || bytes.n == 0)
		return;
	o = xmalloc(sizeof *o + bytes.n);
	o->conn = c;
	o->uv.data = o;
	memcpy(o->bytes, bytes.p, bytes.n);
	b = uv_buf_init(o->bytes, (unsigned)bytes.n);
	if (uv_write(&o->uv, (uv_stream_t *)&c->uv, &b, 1, on_written) < 0) {
		free(o);
		conn_drop(c);
	}
}

static void forget(uv_handle_t *h)
{
	struct tcp_conn *c = h->data;

	server_release(c->server);
	free(c);
}

static void on_connection(uv_stream_t *h, int status)
{
	struct tcp_server *s = h->data;
	struct tcp_conn *c;

	if (status < 0)
		return;
	c = xcalloc(1, sizeof *c);
	c->server = s;
	c->uv.data = c;
	s->users++;
	uv_tcp_init(loop_uv(s->loop), &c->uv);
	if (uv_accept(h, (uv_stream_t *)&c->uv) < 0) {
		uv_close((uv_handle_t *)&c->uv, forget);
		return;
	}
	uv_tcp_nodelay(&c->uv, 1);
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	c->ctx = s->handler.on_accept(s->ctx, c);
	if (!c->paused && !uv_is_closing((uv_handle_t *)&c->uv))
		uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read);
}

static int to_address(const char *host, int port, struct sockaddr_storage *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;

	if (uv_ip4_addr(host, port, v4) == 0)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127 ? 0 : -1;
	if (uv_ip6_addr(host, port, v6) == 0)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ? 0 : -1;
	return -1;
}

static int bind_and_listen(struct tcp_server *s, const struct sockaddr_storage *a)
{
	struct sockaddr_storage got;
	int n, len = sizeof got;

	if ((n = uv_tcp_bind(&s->uv, (const struct sockaddr *)a, 0)) < 0)
		return n;
	if ((n = uv_listen((uv_stream_t *)&s->uv, BACKLOG, on_connection)) < 0)
		return n;
	if ((n = uv_tcp_getsockname(&s->uv, (struct sockaddr *)&got, &len)) < 0)
		return n;
	s->port = got.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&got)->sin6_port)
					    : ntohs(((struct sockaddr_in *)&got)->sin_port);
	return 0;
}

static void listener_closed(uv_handle_t *h)
{
	server_release(h->data);
}

enum rc tcp_listen(struct tcp_server **out, struct loop *l, const char *host, int port,
		   const struct tcp_handler *h, void *ctx, struct err *e)
{
	struct sockaddr_storage a = { 0 };
	struct tcp_server *s;
	int n;

	*out = NULL;
	if (port < 0 || port > 65535 || to_address(host, port, &a) < 0)
		return err_set(e, RC_USAGE, "%s:%d is not a loopback address; use 127.0.0.1 or ::1 and a port", host, port);
	s = xcalloc(1, sizeof *s);
	s->loop = l;
	s->handler = *h;
	s->ctx = ctx;
	s->users = 1;
	uv_tcp_init(loop_uv(l), &s->uv);
	s->uv.data = s;
	n = bind_and_listen(s, &a);
	if (n < 0) {
		uv_close((uv_handle_t *)&s->uv, listener_closed);
		return err_set(e, RC_IO, "cannot listen on %s:%d: %s", host, port, uv_strerror(n));
	}
	*out = s;
	return RC_OK;
}

int tcp_port(const struct tcp_server *s)
{
	return s->port;
}

void tcp_server_free(struct tcp_server *s)
{
	if (!s || s->freed)
		return;
	s->freed = true;
	while (s->conns) {
		struct tcp_conn *c = s->conns;

		conn_unlink(c);
		conn_end(c);
		conn_drop(c);
	}
	uv_close((uv_handle_t *)&s->uv, listener_closed);
}
