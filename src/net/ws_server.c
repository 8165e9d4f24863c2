#include "net/ws_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
	SPARE_FDS = 16,                 /* below the limit accept() would spin */
	PATH_BYTES = 512,
	QUERY_BYTES = 1024,
	BODY_CHUNK = 16384,
	HEAD_BYTES = 512
};

/* One accepted socket, from its first byte to its last. */
struct peer {
	struct ws_server *server;
	bool on_unix;
	struct ws_conn *conn;           /* once it is a WebSocket */
	void *user;                     /* the connection's context */
	struct buf body;                /* of the answer being written */
	size_t sent;
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

const struct lws_protocols WS_SERVER_PROTOCOLS[] = {
	{ "sluice", on_lws, 0, WS_RX_BYTES, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};

/* The role of an accepted WebSocket */

static void role_message(struct ws_conn *c, struct slice msg, bool binary)
{
	struct peer *p = c->role_data;

	struct loop *l = c->ctx->loop;
	uint64_t began = loop_step_began();

	(void)binary;
	p->server->h.on_message(p->user, c, msg);
	loop_step_note(l, LOOP_STEP(role_message), began);
}

static void role_pong(struct ws_conn *c, struct slice payload)
{
	(void)c;
	(void)payload;
}

static void role_end(struct ws_conn *c, const struct ws_end *end)
{
	struct peer *p = c->role_data;

	p->conn = NULL;
	p->server->h.on_end(p->user, end);
}

static void role_detach(struct lws *wsi)
{
	struct peer *p = lws_get_opaque_user_data(wsi);

	if (p)
		p->conn = NULL;
}

static void role_timeout(struct ws_conn *c)
{
	struct ws_end e = ws_conn_verdict(c);

	ws_conn_detach(c);
	ws_conn_end(c, &e);
}

static const struct ws_role ROLE = { role_message, role_pong, role_end, role_detach, role_timeout };

/* What a request is and who sends it */

static size_t copy_header(struct lws *wsi, enum lws_token_indexes which, char *dst, size_t cap)
{
	int n = lws_hdr_copy(wsi, dst, (int)cap, which);

	if (n < 0 || lws_hdr_total_length(wsi, which) >= (int)cap) {
		dst[0] = '\0';
		return 0;
	}
	return (size_t)n;
}

static bool is_loopback_name(struct slice host)
{
	char z[64];
	struct in_addr a;

	if (host.n == 0 || host.n >= sizeof z)
		return false;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	if (strcasecmp(z, "localhost") == 0 || strcmp(z, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, z, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

/* A page in a browser can reach loopback under its own name (DNS rebinding) but cannot choose Host,
 * and cannot hide Origin: only local names pass, and nothing that says it comes from a page. */
static const char *refusal(struct lws *wsi)
{
	char host[128];
	size_t n = copy_header(wsi, WSI_TOKEN_HOST, host, sizeof host);
	size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0)
		return "requests from web pages (Origin) are refused";
	if (!is_loopback_name((struct slice){ host, MIN(name, n) }))
		return "the Host header must name this machine (localhost)";
	return NULL;
}

static struct ws_peer peer_identity(struct lws *wsi, const struct peer *p, const char *path)
{
	struct ws_peer who = { .uid = (uid_t)-1, .gid = (gid_t)-1, .pid = -1, .path = path };
	struct ucred c;
	socklen_t n = sizeof c;

	if (p->on_unix && getsockopt(lws_get_socket_fd(lws_get_network_wsi(wsi)), SOL_SOCKET, SO_PEERCRED, &c, &n) == 0)
		who.uid = c.uid, who.gid = c.gid, who.pid = c.pid;
	return who;
}

/* Answers over HTTP */

static const char *status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} WORDS[] = {
		{ 200, "OK" }, { 204, "No Content" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 414, "URI Too Long" },
		{ 426, "Upgrade Required" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
		if (WORDS[i].status == status)
			return WORDS[i].words;
	return "Status";
}

static int write_head(struct lws *wsi, int status, const char *type, size_t length)
{
	unsigned char b[LWS_PRE + HEAD_BYTES];
	int n = snprintf((char *)b + LWS_PRE, HEAD_BYTES,
			 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s"
			 "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n",
			 status, status_words(status), type, length,
			 status == 405 ? "Allow: GET, HEAD\r\n" : "", status == 426 ? "Upgrade: websocket\r\n" : "");

	if (n < 0 || n >= HEAD_BYTES)
		return -1;
	return lws_write(wsi, b + LWS_PRE, (size_t)n, LWS_WRITE_HTTP) == n ? 0 : -1;
}

static int finished(struct lws *wsi)
{
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Head at once, body as the socket takes it. */
static int answer(struct lws *wsi, struct peer *p, int status, const char *type)
{
	bool head_only = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;

	if (write_head(wsi, status, type ? type : "text/plain; charset=utf-8", p->body.n))
		return -1;
	if (head_only || p->body.n == 0) {
		buf_done(&p->body);
		return finished(wsi);
	}
	p->sent = 0;
	lws_callback_on_writable(wsi);
	return 0;
}

static int answer_words(struct lws *wsi, struct peer *p, int status, const char *words)
{
	buf_clear(&p->body);
	buf_addf(&p->body, "%s\n", words);
	return answer(wsi, p, status, NULL);
}

static int on_http_writeable(struct lws *wsi, struct peer *p)
{
	unsigned char b[LWS_PRE + BODY_CHUNK];
	size_t n = MIN(p->body.n - p->sent, (size_t)BODY_CHUNK);

	if (!p->body.n)
		return 0;
	memcpy(b + LWS_PRE, p->body.p + p->sent, n);
	if (lws_write(wsi, b + LWS_PRE, n, LWS_WRITE_HTTP) != (int)n)
		return -1;
	p->sent += n;
	if (p->sent < p->body.n) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	buf_done(&p->body);
	return finished(wsi);
}

static bool copy_query(struct lws *wsi, char dst[QUERY_BYTES])
{
	size_t at = 0;
	int n;

	dst[0] = '\0';
	for (int i = 0; (n = lws_hdr_copy_fragment(wsi, dst + at, (int)(QUERY_BYTES - at - 1), WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
		at += (size_t)n;
		if (at + 2 >= QUERY_BYTES)
			return false;
		dst[at++] = '&';
	}
	if (n < 0 && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= QUERY_BYTES)
		return false;
	dst[at ? at - 1 : 0] = '\0';
	return true;
}

static int on_http(struct lws *wsi, struct peer *p, const char *path)
{
	struct ws_http_reply r = { .status = 404 };
	char query[QUERY_BYTES];
	const char *why = refusal(wsi);
	uint64_t began = loop_step_began();

	if (why)
		return answer_words(wsi, p, 403, why);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) && !lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI))
		return answer_words(wsi, p, 405, "only GET and HEAD are answered here");
	if (!copy_query(wsi, query))
		return answer_words(wsi, p, 414, "the query is too long");
	if (!p->server->h.on_http)
		return answer_words(wsi, p, 404, "nothing here");
	p->server->h.on_http(p->server->user, path, query, &r);
	loop_step_note(p->server->ctx->loop, LOOP_STEP(on_http), began);
	buf_done(&p->body);
	p->body = r.body;
	return answer(wsi, p, r.status, r.content_type);
}

/* Upgrades: lws asks before it answers 101; a positive return says that we answered instead. */

static int refuse_upgrade(struct lws *wsi, int status, const char *words)
{
	unsigned char b[LWS_PRE + HEAD_BYTES];
	int n;

	if (write_head(wsi, status, "text/plain; charset=utf-8", strlen(words) + 1))
		return -1;
	n = snprintf((char *)b + LWS_PRE, HEAD_BYTES, "%s\n", words);
	return lws_write(wsi, b + LWS_PRE, (size_t)n, LWS_WRITE_HTTP) == n ? 1 : -1;
}

static bool is_ws_path(const struct ws_server *s, const char *path)
{
	for (char **p = s->ws_paths; *p; p++)
		if (strcmp(*p, path) == 0)
			return true;
	return false;
}

static int accept_upgrade(struct lws *wsi, struct peer *p, const char *path)
{
	struct ws_server *s = p->server;
	struct ws_peer who = peer_identity(wsi, p, path);
	struct ws_conn *c = ws_conn_new(s->ctx, &ROLE, p);

	c->wsi = wsi;
	c->rung = WS_UPGRADE;
	c->max_message = s->max_message;
	c->max_queue = s->max_queue;
	c->full_closes = true;
	p->conn = c;
	p->user = s->h.accept(s->user, c, &who);
	if (p->user)
		return 0;
	p->conn = NULL;
	ws_conn_discard(c);
	return refuse_upgrade(wsi, 403, "this connection is refused");
}

static int on_upgrade(struct lws *wsi, struct peer *p, const char *protocol)
{
	char path[PATH_BYTES], version[8];
	const char *why = refusal(wsi);

	copy_header(wsi, WSI_TOKEN_GET_URI, path, sizeof path);
	copy_header(wsi, WSI_TOKEN_VERSION, version, sizeof version);
	if (strcasecmp(protocol, "websocket") != 0)
		return refuse_upgrade(wsi, 501, "only WebSocket upgrades are supported");
	if (why)
		return refuse_upgrade(wsi, 403, why);
	if (!p->on_unix)
		return refuse_upgrade(wsi, 403, "WebSocket is served on the Unix socket only");
	if (!is_ws_path(p->server, path))
		return refuse_upgrade(wsi, 404, "no WebSocket is served on this path");
	if (strcmp(version, "13") != 0)
		return refuse_upgrade(wsi, 426, "WebSocket version 13 is required");
	if (p->server->ctx->closing || p->conn)
		return refuse_upgrade(wsi, 503, "the server is stopping");
	return accept_upgrade(wsi, p, path);
}

/* Sockets */

static int on_accept(struct ws_server *s, int fd)
{
	struct rlimit r = { .rlim_cur = RLIM_INFINITY };

	getrlimit(RLIMIT_NOFILE, &r);
	if (s->ctx->closing || s->refuse)
		return -1;
	if (s->connections >= s->max_connections || (rlim_t)fd + SPARE_FDS >= r.rlim_cur) {
		log_warn("net", "server", "a connection was refused: %d are open, the limit is %d", s->connections, s->max_connections);
		return -1;
	}
	return 0;
}

static void peer_new(struct lws *wsi)
{
	struct ws_server *s = lws_vhost_user(lws_get_vhost(wsi));
	struct peer *p = xcalloc(1, sizeof *p);

	p->server = s;
	p->on_unix = lws_get_vhost(wsi) != s->tcp;
	s->connections++;
	lws_set_opaque_user_data(wsi, p);
}

static void peer_free(struct lws *wsi, struct peer *p)
{
	struct ws_conn *c = p->conn;

	lws_set_opaque_user_data(wsi, NULL);
	if (c)
		ws_conn_lws_closed(c);
	p->server->connections--;
	buf_done(&p->body);
	free(p);
}

static int on_ws(struct lws *wsi, enum lws_callback_reasons reason, struct ws_conn *c, void *in, size_t len)
{
	if (!c)
		return reason == LWS_CALLBACK_ESTABLISHED ? -1 : 0;
	(void)wsi;
	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		ws_conn_opened(c);
		break;
	case LWS_CALLBACK_RECEIVE:
		ws_conn_received(c, in, len);
		break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		ws_conn_writeable(c);
		break;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws_conn_peer_close(c, in, len);
		break;
	case LWS_CALLBACK_CLOSED:
		ws_conn_lws_closed(c);
		break;
	default:
		break;
	}
	return 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct peer *p;

	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
		return ws_verify(wsi, user, len);
	if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION)
		return on_accept(lws_vhost_user(lws_get_vhost(wsi)), (int)(intptr_t)in);
	if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
		peer_new(wsi);
	p = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	if (!p)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_HTTP:
		return on_http(wsi, p, in);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return on_http_writeable(wsi, p);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(wsi, p, in);
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
		return -1;
	case LWS_CALLBACK_WSI_DESTROY:
		peer_free(wsi, p);
		return 0;
	default:
		return on_ws(wsi, reason, p->conn, in, len);
	}
}
