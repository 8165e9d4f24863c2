#include "net/ws_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

enum {
	WRITES_PER_TURN = 32,
	LWS_READ_BYTES = 16384,
	DRAIN_MS = 1000,
	MAX_FDS = 65536,                /* lws holds 16 bytes for each, and misreads more than ten million */
	DESTROY_TURNS = 10000,
	LOG_LEVELS = LLL_ERR | LLL_WARN
};

const lws_retry_bo_t WS_NO_VALIDITY;

static const char *const RUNG_NAMES[] = {
	[WS_RESOLVE] = "resolve", [WS_CONNECT] = "connect", [WS_TLS] = "tls", [WS_UPGRADE] = "upgrade", [WS_RUNGS] = "open",
};

const char *ws_rung_name(enum ws_rung r)
{
	return RUNG_NAMES[r];
}

/* The log of lws */

static int heard_errno;

static void emit(int level, const char *line)
{
	const char *says = strstr(line, "connect says errno: ");
	size_t n = strlen(line);
	char shown[300];

	if (says && atoi(says + strlen("connect says errno: ")) != EINPROGRESS)
		heard_errno = atoi(says + strlen("connect says errno: "));
	if (!(level & LOG_LEVELS))
		return;
	while (n && line[n - 1] == '\n')
		n--;
	text_z(shown, sizeof shown, (struct slice){ line, n });
	log_warn("net", "lws", "%s", shown);
}

void ws_log_listen(void)
{
	heard_errno = 0;
	lws_set_log_level(LOG_LEVELS | LLL_DEBUG, emit);
}

int ws_log_heard_errno(void)
{
	lws_set_log_level(LOG_LEVELS, emit);
	return heard_errno;
}

/* Connections */

struct ws_conn *ws_conn_new(struct ws_ctx *ctx, const struct ws_role *role, void *role_data)
{
	struct ws_conn *c = xcalloc(1, sizeof *c);

	c->ctx = ctx;
	c->role = role;
	c->role_data = role_data;
	c->out_tail = &c->out;
	c->next = ctx->conns;
	if (c->next)
		c->next->prev = c;
	ctx->conns = c;
	return c;
}

void ws_nudge(struct ws_ctx *c)
{
	if (c->lws)
		lws_cancel_service(c->lws);
}

static void drop_queue(struct ws_conn *c)
{
	while (c->out) {
		struct ws_out *o = c->out;

		c->out = o->next;
		free(o);
	}
	c->out_tail = &c->out;
	c->queued = 0;
	free(c->ping);
	c->ping = NULL;
}

/* Any reason but the keepalive one makes lws treat the socket as dead: no Close frame, no flushing.
 * Returning -1 from a callback, or a synchronous kill, would not. */
void ws_conn_detach(struct ws_conn *c)
{
	struct lws *wsi = c->wsi;

	if (!wsi)
		return;
	c->wsi = NULL;
	c->role->detach(wsi);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	ws_nudge(c->ctx);
}

static void conn_unlink(struct ws_conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->ctx->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static void free_parts(struct ws_conn *c)
{
	loop_timer_free(c->deadline);
	drop_queue(c);
	buf_done(&c->rx);
	free(c->close_reason);
	free(c->peer_reason);
	free(c->cert);
	free(c);
}

void ws_conn_discard(struct ws_conn *c)
{
	conn_unlink(c);
	free_parts(c);
}

void ws_conn_end(struct ws_conn *c, const struct ws_end *end)
{
	conn_unlink(c);
	c->role->end(c, end);
	free_parts(c);
}

struct ws_end ws_conn_verdict(const struct ws_conn *c)
{
	struct ws_end e = { .was_open = c->open, .rung = c->rung, .close_code = c->open ? 1006 : 0, .why = c->why,
			    .cert = c->cert };

	if (c->peer_closed) {
		e.close_code = c->peer_code;
		snprintf(e.reason, sizeof e.reason, "%s", c->peer_reason ? c->peer_reason : "");
	} else if (c->closing) {
		e.by_us = true;
		e.close_code = c->open ? c->close_code : 0;
		text_z(e.reason, sizeof e.reason, slice_of(c->close_reason ? c->close_reason : ""));
	} else if (c->why == NET_WHY_FRAMES) {
		e.by_us = true;
		e.close_code = 1002;
		text_z(e.reason, sizeof e.reason, SLICE_LIT("the peer broke the rules of WebSocket frames"));
	} else {
		e.why = c->open && !e.why ? NET_WHY_CUT : e.why;
		text_z(e.reason, sizeof e.reason, SLICE_LIT("the connection ended without a Close frame"));
	}
	return e;
}

/* lws ends a connection without a word when a frame breaks the rules. Then the peer is still there;
 * when the peer cut it, the socket says so. */
static bool peer_is_there(const struct ws_conn *c)
{
	char byte;
	ssize_t n = recv(lws_get_socket_fd(c->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

void ws_conn_lws_closed(struct ws_conn *c)
{
	struct ws_end e;

	if (c->open && !c->peer_closed && !c->closing && peer_is_there(c))
		c->why = NET_WHY_FRAMES;
	e = ws_conn_verdict(c);
	c->wsi = NULL;
	ws_conn_end(c, &e);
}

static void on_deadline(void *ctx)
{
	struct ws_conn *c = ctx;
	struct ws_end e;

	if (!c->open && !c->closing) {
		c->role->timeout(c);
		return;
	}
	e = ws_conn_verdict(c);
	ws_conn_detach(c);
	ws_conn_end(c, &e);
}

void ws_conn_deadline(struct ws_conn *c, int64_t ms)
{
	if (!c->deadline)
		c->deadline = loop_timer_new(c->ctx->loop, on_deadline, c);
	loop_timer_start(c->deadline, ms, 0);
}

void ws_conn_opened(struct ws_conn *c)
{
	c->open = true;
	c->rung = WS_RUNGS;
	if (c->deadline && !c->closing)
		loop_timer_stop(c->deadline);
	if (c->out || c->closing || c->ping)
		lws_callback_on_writable(c->wsi);
}

/* Receiving */

static void refuse_message(struct ws_conn *c, enum net_why why, int code, const char *words)
{
	c->why = why;
	ws_close(c, code, words);
}

/* Looked at when it is whole: lws would end the connection without saying why. */
static void deliver(struct ws_conn *c, struct slice msg, bool binary)
{
	if (!binary && !utf8_valid(msg))
		refuse_message(c, NET_WHY_TEXT, 1007, "text that is not UTF-8");
	else
		c->role->message(c, msg, binary);
}

void ws_conn_received(struct ws_conn *c, const void *in, size_t n)
{
	bool first = lws_is_first_fragment(c->wsi), final = lws_is_final_fragment(c->wsi);
	bool binary = lws_frame_is_binary(c->wsi);
	struct buf whole;

	if (first) {
		buf_clear(&c->rx);
		c->rx_skip = false;
	}
	if (c->closing || c->rx_skip)
		return;
	if (n > c->max_message - c->rx.n) {
		c->rx_skip = true;
		buf_done(&c->rx);
		refuse_message(c, NET_WHY_TOO_LARGE, 1009, "message too large");
		return;
	}
	if (first && final) {
		deliver(c, (struct slice){ in, n }, binary);
		return;
	}
	buf_add(&c->rx, in, n);
	if (!final)
		return;
	whole = c->rx;
	buf_init(&c->rx);
	deliver(c, buf_slice(&whole), binary);
	buf_done(&whole);
}

void ws_conn_peer_says(struct ws_conn *c, struct slice words)
{
	char shown[160];

	text_z(shown, sizeof shown, words);
	free(c->peer_reason);
	c->peer_reason = xstrdup(shown);
}

void ws_conn_peer_close(struct ws_conn *c, const void *in, size_t n)
{
	const unsigned char *p = in;

	if (c->close_sent || c->peer_closed)
		return;
	c->peer_closed = true;
	c->peer_code = n >= 2 ? p[0] << 8 | p[1] : 1005;
	if (n > 2)
		ws_conn_peer_says(c, (struct slice){ (const char *)in + 2, n - 2 });
}

/* Sending */

/* From a writeable callback only, when nothing is buffered: lws drops the Close frame otherwise. */
static void send_close(struct ws_conn *c)
{
	c->close_sent = true;
	lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, (unsigned char *)c->close_reason,
			 c->close_reason ? strlen(c->close_reason) : 0);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_KEEPALIVE_IDLE, LWS_TO_KILL_ASYNC);
}

static bool write_frame(struct ws_conn *c, unsigned char *p, size_t n, enum lws_write_protocol kind)
{
	if (lws_write(c->wsi, p, n, kind) >= (int)n)
		return true;
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	return false;
}

static bool write_one(struct ws_conn *c)
{
	struct ws_out *o = c->out;
	bool ok;

	c->out = o->next;
	if (!c->out)
		c->out_tail = &c->out;
	c->queued -= o->n;
	c->inflight = o->n;
	ok = write_frame(c, o->bytes + LWS_PRE, o->n, LWS_WRITE_TEXT);
	free(o);
	return ok;
}

static bool write_ping(struct ws_conn *c)
{
	struct ws_out *o = c->ping;
	bool ok;

	c->ping = NULL;
	ok = write_frame(c, o->bytes + LWS_PRE, o->n, LWS_WRITE_PING);
	free(o);
	return ok;
}

void ws_conn_writeable(struct ws_conn *c)
{
	c->inflight = 0;
	if (c->close_sent || !c->open)
		return;
	c->flows = true;
	if (c->ping && !write_ping(c))
		return;
	for (int i = 0; i < WRITES_PER_TURN && c->out && !lws_send_pipe_choked(c->wsi); i++)
		if (!write_one(c))
			return;
	if (!lws_partial_buffered(c->wsi))
		c->inflight = 0;
	if (c->closing && !c->out && !c->inflight)
		send_close(c);
	else if (c->out || c->inflight || c->closing)
		lws_callback_on_writable(c->wsi);
}

static struct ws_out *out_new(struct slice msg)
{
	struct ws_out *o = xmalloc(sizeof *o + LWS_PRE + msg.n);

	o->next = NULL;
	o->n = msg.n;
	if (msg.n)
		memcpy(o->bytes + LWS_PRE, msg.p, msg.n);
	return o;
}

enum rc ws_send_text(struct ws_conn *c, struct slice msg, struct err *e)
{
	struct ws_out *o;

	if (c->closing)
		return err_set(e, RC_REFUSED, "the WebSocket connection is being closed; nothing can be sent");
	if (msg.n > c->max_queue - MIN(ws_queued(c), c->max_queue)) {
		err_set(e, RC_FULL, "%zu bytes wait to be sent already; the limit is %zu", ws_queued(c), c->max_queue);
		if (c->full_closes) {
			drop_queue(c);
			ws_close(c, 1013, "reading too slowly");
		}
		return RC_FULL;
	}
	o = out_new(msg);
	*c->out_tail = o;
	c->out_tail = &o->next;
	c->queued += msg.n;
	if (c->wsi && c->open)
		lws_callback_on_writable(c->wsi);
	return RC_OK;
}

void ws_ping(struct ws_conn *c, struct slice payload)
{
	struct ws_out *o;

	if (c->closing)
		return;
	o = out_new((struct slice){ payload.p, MIN(payload.n, (size_t)WS_PING_MAX) });
	free(c->ping);
	c->ping = o;
	if (!c->wsi || !c->open)
		return;
	if (!c->flows || c->out || c->inflight || lws_partial_buffered(c->wsi))
		lws_callback_on_writable(c->wsi);
	else if (!write_ping(c))
		ws_nudge(c->ctx);
}

void ws_close(struct ws_conn *c, int code, const char *reason)
{
	if (c->closing)
		return;
	c->closing = true;
	c->close_code = code;
	c->close_reason = reason && reason[0] ? xstrndup(reason, WS_REASON_MAX) : NULL;
	ws_conn_deadline(c, c->open ? WS_CLOSE_WAIT_MS : 0);
	if (c->wsi && c->open)
		lws_callback_on_writable(c->wsi);
}

bool ws_is_closing(const struct ws_conn *c)
{
	return c->closing;
}

size_t ws_queued(const struct ws_conn *c)
{
	return c->queued + c->inflight;
}

/* The context */

static void bound_fds(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur > MAX_FDS) {
		r.rlim_cur = MAX_FDS;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

struct ws_ctx *ws_ctx_new(struct loop *l)
{
	struct ws_ctx *c = xcalloc(1, sizeof *c);
	void *loops[1] = { loop_uv(l) };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
		.foreign_loops = loops,
		.pcontext = &c->lws,
		.user = c,
		.pt_serv_buf_size = LWS_READ_BYTES,
		.timeout_secs = 60,
		.retry_and_idle_policy = &WS_NO_VALIDITY,
	};

	c->loop = l;
	bound_fds();
	lws_set_log_level(LOG_LEVELS, emit);
	c->lws = lws_create_context(&info);
	if (!c->lws)
		die("ws: libwebsockets cannot start; is its libuv plugin installed (Debian package libwebsockets-evlib-uv)?");
	return c;
}

static void tick(void *ctx)
{
	(void)ctx;
}

static void drain(struct ws_ctx *c)
{
	struct loop_timer *t = loop_timer_new(c->loop, tick, NULL);
	int64_t end = loop_now(c->loop).boot_us + DRAIN_MS * 1000;

	for (struct ws_conn *k = c->conns; k; k = k->next)
		ws_close(k, 1001, "going away");
	loop_timer_start(t, 5, 5);
	while (c->conns && loop_now(c->loop).boot_us < end)
		loop_run_once(c->loop);
	loop_timer_free(t);
	while (c->conns) {
		struct ws_conn *k = c->conns;
		struct ws_end e = ws_conn_verdict(k);

		ws_conn_detach(k);
		ws_conn_end(k, &e);
	}
}

static void see_closing(uv_handle_t *h, void *found)
{
	if (uv_is_closing(h))
		*(bool *)found = true;
}

/* lws closes its handles in stages; each needs a turn of the loop. */
static void run_closings(struct loop *l)
{
	for (int i = 0, quiet = 0; i < DESTROY_TURNS && quiet < 3; i++) {
		bool found = false;

		uv_run(loop_uv(l), UV_RUN_NOWAIT);
		uv_walk(loop_uv(l), see_closing, &found);
		quiet = found ? 0 : quiet + 1;
	}
}

void ws_ctx_free(struct ws_ctx *c)
{
	if (!c)
		return;
	c->closing = true;
	drain(c);
	lws_context_destroy(c->lws);
	run_closings(c->loop);
	if (c->lws)
		lws_context_destroy(c->lws);
	run_closings(c->loop);
	ws_vhosts_free(c);
	ws_servers_free(c);
	free(c);
}
