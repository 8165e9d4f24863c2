#include "net/ws_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum { DEFAULT_QUEUE = 4 << 20, TLS_PROBE_MS = 5, ADDRESS_TEXT = 64, FAILURE_BYTES = 160 };

/* Outlives its connection when that is given up while the resolver works. */
struct ws_lookup {
	uv_getaddrinfo_t uv;
	struct ws_client *client;
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

static const struct lws_protocols PROTOCOLS[] = {
	{ "ws", on_lws, 0, WS_RX_BYTES, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};

static void failed(struct ws_conn *c, const char *why)
{
	struct ws_client *k = c->role_data;
	struct ws_end e = { .rung = c->rung, .http_status = k->http_status, .by_us = c->closing,
			    .why = k->why ? k->why : NET_WHY_VAGUE, .cert = ws_cert(c) };

	text_z(e.reason, sizeof e.reason, slice_of(why));
	ws_conn_detach(c);
	ws_conn_end(c, &e);
}

static void pass_rung(struct ws_conn *c, enum ws_rung r)
{
	struct ws_client *k = c->role_data;
	int64_t now = loop_now(c->ctx->loop).boot_us, took = now - k->rung_start_us;

	if (c->rung != r)
		return;
	c->rung = r + 1;
	if (c->rung == WS_TLS && !k->tls)
		c->rung = WS_UPGRADE;
	k->rung_start_us = now;
	if (k->h.on_rung)
		k->h.on_rung(k->ctx, r, took);
}

/* The role */

static void role_message(struct ws_conn *c, struct slice msg, bool binary)
{
	struct ws_client *k = c->role_data;
	struct loop *l = c->ctx->loop;
	uint64_t began = loop_step_began();

	k->h.on_message(k->ctx, msg, binary);
	loop_step_note(l, LOOP_STEP(role_message), began);
}

static void role_pong(struct ws_conn *c, struct slice payload)
{
	struct ws_client *k = c->role_data;

	if (k->h.on_pong)
		k->h.on_pong(k->ctx, payload);
}

/* What only an attempt needs; a connection that is open waits for hours without it. */
static void attempt_free(struct ws_client *k)
{
	if (k->lookup)
		k->lookup->client = NULL;
	if (k->addrs)
		uv_freeaddrinfo(k->addrs);
	loop_timer_free(k->step);
	loop_timer_free(k->probe);
	for (char **p = k->headers; p && *p; p++)
		free(*p);
	free(k->headers);
	free(k->host);
	free(k->path);
	free(k->unix_path);
	free(k->subprotocol);
	free(k->ca_file);
	free(k->failure);
}

static void client_free(struct ws_client *k)
{
	attempt_free(k);
	free(k);
}

static void role_end(struct ws_conn *c, const struct ws_end *end)
{
	struct ws_client *k = c->role_data;

	k->h.on_end(k->ctx, end);
	client_free(k);
}

static void role_detach(struct lws *wsi)
{
	lws_set_opaque_user_data(wsi, NULL);
}

static void role_timeout(struct ws_conn *c)
{
	struct ws_client *k = c->role_data;
	char why[160];

	k->why = NET_WHY_SILENT;
	snprintf(why, sizeof why, "not open after %lld ms; it stopped at: %s", (long long)k->connect_ms, ws_rung_name(c->rung));
	failed(c, why);
}

static const struct ws_role ROLE = { role_message, role_pong, role_end, role_detach, role_timeout };

/* Connecting */

static struct lws_vhost *vhost_for(struct ws_ctx *ctx, const struct ws_client *k)
{
	struct lws_context_creation_info info = {
		.vhost_name = "client",
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = PROTOCOLS,
		.http_proxy_address = ":0",             /* not the environment's */
		.connect_timeout_secs = 3600,           /* our own deadline decides */
		.retry_and_idle_policy = &WS_NO_VALIDITY,
	};
	struct ws_vhost *v;

	for (v = ctx->vhosts; v; v = v->next)
		if (v->tls == k->tls && slice_eq(slice_of(v->ca_file), slice_of(k->ca_file)))
			return v->vh;
	v = xcalloc(1, sizeof *v);
	v->tls = k->tls;
	v->ca_file = k->ca_file ? xstrdup(k->ca_file) : NULL;
	if (k->tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	if (k->ca_file) {
		info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
		info.client_ssl_ca_filepath = v->ca_file;
	}
	v->vh = lws_create_vhost(ctx->lws, &info);
	if (!v->vh) {
		free(v->ca_file);
		free(v);
		return NULL;
	}
	v->next = ctx->vhosts;
	ctx->vhosts = v;
	return v->vh;
}

void ws_vhosts_free(struct ws_ctx *c)
{
	while (c->vhosts) {
		struct ws_vhost *v = c->vhosts;

		c->vhosts = v->next;
		free(v->ca_file);
		free(v);
	}
}

/* lws tells nobody when the TCP part of a TLS connection stands. */
static void on_probe(void *ctx)
{
	struct ws_conn *c = ctx;
	struct ws_client *k = c->role_data;
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (c->rung != WS_CONNECT || !c->wsi) {
		loop_timer_stop(k->probe);
	} else if (getpeername(lws_get_socket_fd(c->wsi), (struct sockaddr *)&a, &n) == 0) {
		loop_timer_stop(k->probe);
		pass_rung(c, WS_CONNECT);
	}
}

static void numeric_address(const struct addrinfo *a, char dst[ADDRESS_TEXT])
{
	if (getnameinfo(a->ai_addr, a->ai_addrlen, dst, ADDRESS_TEXT, NULL, 0, NI_NUMERICHOST) != 0)
		dst[0] = '\0';
}

static void host_header(const struct ws_client *k, struct buf *out)
{
	bool v6 = strchr(k->host, ':') != NULL;

	buf_addf(out, v6 ? "[%s]" : "%s", k->host);
	if (!k->unix_path && k->port != (k->tls ? 443 : 80))
		buf_addf(out, ":%d", k->port);
}

static struct lws *ask_lws(struct ws_conn *c, struct lws_vhost *vh)
{
	struct ws_client *k = c->role_data;
	struct buf host, address;
	char numeric[ADDRESS_TEXT] = "";
	struct lws *wsi;

	buf_init(&host);
	buf_init(&address);
	host_header(k, &host);
	if (k->unix_path)
		buf_addf(&address, "+%s", k->unix_path);
	else
		numeric_address(k->addr, numeric);
	wsi = lws_client_connect_via_info(&(struct lws_client_connect_info){
		.context = c->ctx->lws,
		.vhost = vh,
		.address = k->unix_path ? buf_z(&address) : numeric,
		.port = k->port,
		.path = k->path,
		.host = buf_z(&host),
		.protocol = k->subprotocol,
		.local_protocol_name = "ws",
		.alpn = "http/1.1",
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (k->tls ? LCCSCF_USE_SSL : 0),
		.opaque_user_data = c,
		.retry_and_idle_policy = &WS_NO_VALIDITY,
	});
	buf_done(&host);
	buf_done(&address);
	return wsi;
}

static bool next_address(struct ws_client *k)
{
	if (k->addr && k->addr->ai_next) {
		k->addr = k->addr->ai_next;
		loop_timer_start(k->step, 0, 0);
		return true;
	}
	return false;
}

static void lost_closed(uv_handle_t *h)
{
	free(h);
}

static void close_if_lost(uv_handle_t *h, void *lost)
{
	if (h->type == UV_POLL && h->data == lost && !uv_is_closing(h))
		uv_close(h, lost_closed);
}

/* Where connect() fails at once, lws frees the connection but forgets its libuv watcher, which is
 * allocated with malloc and holds the freed pointer. To be closed before its descriptor's number is
 * used again. */
static void close_lost_watcher(struct ws_ctx *ctx)
{
	if (ctx->lost)
		uv_walk(loop_uv(ctx->loop), close_if_lost, ctx->lost);
	ctx->lost = NULL;
}

static void connect_now(struct ws_conn *c)
{
	struct ws_client *k = c->role_data;
	struct lws_vhost *vh = vhost_for(c->ctx, k);
	int why;

	if (!vh) {
		k->why = NET_WHY_ADDRESS;
		failed(c, "TLS cannot be set up; check the CA file");
		return;
	}
	k->rung_start_us = loop_now(c->ctx->loop).boot_us;      /* reading the CA store took its time */
	ws_log_listen();
	c->ctx->asking = true;
	c->ctx->lost = NULL;
	c->wsi = ask_lws(c, vh);
	c->ctx->asking = false;
	why = ws_log_heard_errno();
	close_lost_watcher(c->ctx);
	ws_nudge(c->ctx);
	if (!c->wsi) {
		k->why = why ? net_why_errno(why) : NET_WHY_VAGUE;
		if (!next_address(k))
			failed(c, why ? strerror(why) : "the connection could not be started");
		return;
	}
	if (k->tls)
		loop_timer_start(k->probe, TLS_PROBE_MS, TLS_PROBE_MS);
}

static void on_step(void *ctx)
{
	struct ws_conn *c = ctx;
	struct ws_client *k = c->role_data;

	if (k->failure[0]) {
		failed(c, k->failure);
		return;
	}
	pass_rung(c, WS_RESOLVE);
	if (!c->closing)
		connect_now(c);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *res)
{
	struct ws_lookup *l = r->data;
	struct ws_client *k = l->client;

	free(l);
	if (!k) {
		uv_freeaddrinfo(res);
		return;
	}
	k->lookup = NULL;
	if (status < 0) {
		k->why = NET_WHY_RESOLVE;
		snprintf(k->failure, FAILURE_BYTES, "the host name does not resolve: %s", uv_strerror(status));
	}
	k->addrs = k->addr = res;
	loop_timer_start(k->step, 0, 0);
}

static void resolve(struct ws_conn *c)
{
	struct ws_client *k = c->role_data;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct ws_lookup *l = xcalloc(1, sizeof *l);
	int n;

	l->client = k;
	l->uv.data = l;
	n = uv_getaddrinfo(loop_uv(c->ctx->loop), &l->uv, on_resolved, k->host, NULL, &hints);
	if (n < 0) {
		k->why = NET_WHY_RESOLVE;
		snprintf(k->failure, FAILURE_BYTES, "the host name does not resolve: %s", uv_strerror(n));
		loop_timer_start(k->step, 0, 0);
		free(l);
		return;
	}
	k->lookup = l;
}

/* What lws reports of a connection that never opened */

static bool tells_of_tls(const struct ws_conn *c, struct slice words)
{
	return c->peer_reason || (words.n && memmem(words.p, words.n, "SSL", 3));
}

static void on_connect_error(struct ws_conn *c, const char *in, size_t len)
{
	struct ws_client *k = c->role_data;
	struct slice words = { in ? in : "", in ? strnlen(in, len) : 0 };

	if (k->tls && tells_of_tls(c, words))
		pass_rung(c, WS_CONNECT);
	k->http_status = c->rung == WS_UPGRADE ? (int)lws_http_client_http_response(c->wsi) : 0;
	c->wsi = NULL;
	if (c->rung == WS_CONNECT && next_address(k))
		return;
	k->why = ws_client_refusal(c, words);
	if (c->rung == WS_CONNECT)
		words = SLICE_LIT("the connection was refused or the host is unreachable");
	else if (c->peer_reason && k->why != NET_WHY_STATUS)
		words = slice_of(c->peer_reason);
	else if (tells_of_tls(c, words))
		words = SLICE_LIT("the SSL/TLS handshake failed; does the port speak TLS?");
	else if (c->rung == WS_UPGRADE && k->http_status <= 0)
		words = words.n && slice_starts(words, "HS:") ? words : SLICE_LIT("the connection ended before the upgrade was answered");
	text_z(k->failure, FAILURE_BYTES, words);
	failed(c, k->failure);
}

static int add_headers(struct ws_conn *c, char **p, size_t room)
{
	struct ws_client *k = c->role_data;

	pass_rung(c, WS_CONNECT);
	pass_rung(c, WS_TLS);
	for (char **h = k->headers; h && *h; h++) {
		int n = snprintf(*p, room, "%s\r\n", *h);

		if (n < 0 || (size_t)n >= room)
			return -1;
		*p += n;
		room -= (size_t)n;
	}
	return 0;
}

static void on_established(struct ws_conn *c)
{
	struct ws_client *k = c->role_data;

	pass_rung(c, WS_UPGRADE);
	attempt_free(k);
	*k = (struct ws_client){ .h = k->h, .ctx = k->ctx, .tls = k->tls };
	ws_conn_opened(c);
	k->h.on_open(k->ctx);
}

/* Whatever lws says of this wsi later (its destruction comes a turn later) is not of c any more. */
static void on_lws_end(struct lws *wsi, struct ws_conn *c, enum lws_callback_reasons reason, const char *in, size_t len)
{
	role_detach(wsi);
	if (c->ctx->asking)
		return;
	c->wsi = wsi;
	if (reason == LWS_CALLBACK_CLIENT_CLOSED)
		ws_conn_lws_closed(c);
	else
		on_connect_error(c, reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR ? in : NULL, len);
}

static void note_destroyed(struct lws *wsi)
{
	struct ws_ctx *ctx = lws_context_user(lws_get_context(wsi));

	if (ctx->asking)
		ctx->lost = wsi;
}

/* c may be gone where lws failed inside its connect call: only reasons that cannot follow that are
 * looked at. */
static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct ws_conn *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
		return ws_verify(wsi, user, len);
	if (reason == LWS_CALLBACK_WSI_DESTROY)
		note_destroyed(wsi);
	if (!c)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		c->wsi = wsi;
		return add_headers(c, in, len);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		return ws_client_filter(c, wsi);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		on_established(c);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		ws_conn_received(c, in, len);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		role_pong(c, (struct slice){ in, len });
		break;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		ws_conn_writeable(c);
		break;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws_conn_peer_close(c, in, len);
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		on_lws_end(wsi, c, reason, in, len);
		break;
	default:
		break;
	}
	return 0;
}

struct ws_conn *ws_connect(struct ws_ctx *ctx, const struct ws_target *t, const struct ws_handler *h, void *user)
{
	struct ws_client *k;
	struct ws_conn *c;
	const char *why;

	if (ctx->closing)
		return NULL;
	k = xcalloc(1, sizeof *k);
	c = ws_conn_new(ctx, &ROLE, k);
	why = ws_target_parse(k, t);
	c->rung = WS_RESOLVE;
	c->max_message = t->max_message ? t->max_message : WS_DEFAULT_MESSAGE;
	c->max_queue = t->max_queue ? t->max_queue : DEFAULT_QUEUE;
	k->h = *h;
	k->ctx = user;
	k->rung_start_us = loop_now(ctx->loop).boot_us;
	k->step = loop_timer_new(ctx->loop, on_step, c);
	k->probe = loop_timer_new(ctx->loop, on_probe, c);
	ws_conn_deadline(c, k->connect_ms);
	k->failure = xmalloc(FAILURE_BYTES);
	snprintf(k->failure, FAILURE_BYTES, "%s", why ? why : "");
	k->why = why ? NET_WHY_ADDRESS : NET_WHY_NONE;
	if (why || k->unix_path)
		loop_timer_start(k->step, 0, 0);
	else
		resolve(c);
	return c;
}
