#include "net_helper.h"

#include "net/tcp.h"
#include "net/ws.h"

#include <errno.h>
#include <libwebsockets.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A server that echoes, with a place for what it saw; clients with a place each. */

struct session {
	struct house *house;
	struct ws_conn *conn;
	struct ws_peer who;
	char path[64];
	int ends;
	struct ws_end end;
};

struct house {
	struct loop *loop;
	struct ws_ctx *ctx;
	struct ws_server *server;
	char dir[256], sock[100];
	struct session sessions[8];
	int accepted, messages, http;
	bool refuse, echo;
	size_t last_n;
	char last_path[64], last_query[256];
	size_t http_body;
};

struct guest {
	struct house *house;
	struct ws_conn *conn;
	int opens, messages, pongs, ends;
	bool alive;
	struct ws_end end;
	struct buf last;
	char pong[128];
	enum ws_rung rungs[8];
	int nrungs;
};

static void *host_accept(void *ctx, struct ws_conn *conn, const struct ws_peer *peer)
{
	struct house *h = ctx;
	struct session *s = &h->sessions[h->accepted % 8];

	if (h->refuse)
		return NULL;
	h->accepted++;
	*s = (struct session){ .house = h, .conn = conn, .who = *peer };
	snprintf(s->path, sizeof s->path, "%s", peer->path);
	return s;
}

static void host_message(void *ctx, struct ws_conn *conn, struct slice msg)
{
	struct session *s = ctx;
	struct err e;

	s->house->messages++;
	s->house->last_n = msg.n;
	if (s->house->echo)
		assert_int_equal(ws_send_text(conn, msg, &e), RC_OK);
}

static void host_end(void *ctx, const struct ws_end *end)
{
	struct session *s = ctx;

	s->conn = NULL;
	s->ends++;
	s->end = *end;
}

static void host_http(void *ctx, const char *path, const char *query, struct ws_http_reply *reply)
{
	struct house *h = ctx;

	h->http++;
	snprintf(h->last_path, sizeof h->last_path, "%s", path);
	snprintf(h->last_query, sizeof h->last_query, "%s", query);
	if (strcmp(path, "/health") != 0)
		return;
	reply->status = 200;
	reply->content_type = "application/json";
	for (size_t i = 0; i < h->http_body; i++)
		buf_addc(&reply->body, (char)('a' + i % 26));
}

static const struct ws_server_handler HOST = { host_accept, host_message, host_end, host_http };
static const char *const PATHS[] = { "/rpc", "/watch", NULL };

static void house_open(struct house *h, const char *tcp, size_t max_queue)
{
	struct ws_listen l = { .ws_paths = PATHS, .tcp = tcp, .max_queue = max_queue, .max_message = 2 << 20, .max_connections = 6 };
	struct err e = { .text = "" };

	memset(h, 0, sizeof *h);
	h->echo = true;
	h->http_body = 5;
	unit_mkdir(h->dir);
	assert_true((size_t)snprintf(h->sock, sizeof h->sock, "%s/s", h->dir) < sizeof h->sock);
	l.unix_path = h->sock;
	h->loop = loop_new();
	h->ctx = ws_ctx_new(h->loop);
	if (ws_server_new(&h->server, h->ctx, &l, &HOST, h, &e) != RC_OK)
		fail_msg("%s", e.text);
}

static void house_close(struct house *h)
{
	ws_ctx_free(h->ctx);
	loop_free(h->loop);
	assert_int_not_equal(access(h->sock, F_OK), 0);
	assert_int_equal(rmdir(h->dir), 0);
}

static void guest_rung(void *ctx, enum ws_rung r, int64_t took_us)
{
	struct guest *g = ctx;

	assert_true(took_us >= 0);
	assert_true(g->nrungs < 8);
	g->rungs[g->nrungs++] = r;
}

static void guest_open(void *ctx)
{
	((struct guest *)ctx)->opens++;
}

static void guest_message(void *ctx, struct slice msg, bool binary)
{
	struct guest *g = ctx;

	assert_false(binary);
	g->messages++;
	buf_clear(&g->last);
	buf_add(&g->last, msg.p, msg.n);
}

static void guest_pong(void *ctx, struct slice p)
{
	struct guest *g = ctx;

	g->pongs++;
	snprintf(g->pong, sizeof g->pong, "%.*s", (int)p.n, p.p);
}

static void guest_end(void *ctx, const struct ws_end *end)
{
	struct guest *g = ctx;

	g->ends++;
	g->end = *end;
	g->conn = NULL;
}

static const struct ws_handler GUEST = { guest_rung, guest_open, guest_message, guest_pong, guest_end };

static void guest_to(struct guest *g, struct house *h, const struct ws_target *t)
{
	memset(g, 0, sizeof *g);
	g->house = h;
	g->conn = ws_connect(h->ctx, t, &GUEST, g);
	assert_non_null(g->conn);
	assert_int_equal(g->nrungs + g->ends + g->opens, 0);
}

static void guest_enter(struct guest *g, struct house *h, const char *path)
{
	char url[64];

	snprintf(url, sizeof url, "ws://localhost%s", path);
	guest_to(g, h, &(struct ws_target){ .url = url, .unix_path = h->sock, .max_message = 2 << 20 });
}

static void say(struct guest *g, const char *p, size_t n)
{
	struct err e;

	assert_int_equal(ws_send_text(g->conn, (struct slice){ p, n }, &e), RC_OK);
}

static bool is_open(void *ctx)
{
	struct guest *g = ctx;

	return g->opens == 1 || g->ends;
}

static bool is_ended(void *ctx)
{
	return ((struct guest *)ctx)->ends == 1;
}

static bool has_message(void *ctx)
{
	return ((struct guest *)ctx)->messages > 0;
}

static bool has_pong(void *ctx)
{
	return ((struct guest *)ctx)->pongs > 0;
}

static bool first_session_ended(void *ctx)
{
	return ((struct house *)ctx)->sessions[0].ends == 1;
}

static void guest_open_now(struct guest *g, struct house *h)
{
	guest_enter(g, h, "/rpc");
	pump(h->loop, is_open, g);
	if (g->ends)
		fail_msg("%s", g->end.reason);
}

/* Raw bytes over a socket of our own */

struct raw {
	int fd;
	struct buf in;
	const char *want;
	bool eof;
};

static void raw_unix(struct raw *r, const struct house *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memset(r, 0, sizeof *r);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", h->sock);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&a, sizeof a), 0);
}

static void raw_tcp(struct raw *r, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	memset(r, 0, sizeof *r);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&a, sizeof a), 0);
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
}

static void raw_send(struct raw *r, const void *p, size_t n)
{
	assert_int_equal(send(r->fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void raw_says(struct raw *r, const char *z)
{
	raw_send(r, z, strlen(z));
}

static void raw_read(struct raw *r)
{
	char b[65536];
	ssize_t n;

	while ((n = recv(r->fd, b, sizeof b, 0)) > 0)
		buf_add(&r->in, b, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		r->eof = true;
}

static bool raw_has(void *ctx)
{
	struct raw *r = ctx;

	raw_read(r);
	return r->in.n && memmem(r->in.p, r->in.n, r->want, strlen(r->want));
}

static bool raw_eof(void *ctx)
{
	raw_read(ctx);
	return ((struct raw *)ctx)->eof;
}

static void raw_expect(struct raw *r, struct house *h, const char *want)
{
	r->want = want;
	pump(h->loop, raw_has, r);
}

static void raw_done(struct raw *r)
{
	close(r->fd);
	buf_done(&r->in);
}

static const char UPGRADE[] = "GET /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void raw_enter(struct raw *r, struct house *h)
{
	raw_unix(r, h);
	raw_says(r, UPGRADE);
	raw_expect(r, h, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
	raw_expect(r, h, "\r\n\r\n");
	buf_clear(&r->in);
}

/* A masked client frame with a mask of zeroes. */
static void raw_frame(struct raw *r, unsigned char first, const char *p, size_t n)
{
	unsigned char b[14] = { first, (unsigned char)(0x80 | n) };

	assert_true(n < 126);
	raw_send(r, b, 6);
	if (n)
		raw_send(r, p, n);
}

/* Tests: both ends */

static void an_echo_passes_every_rung_and_tells_the_peer_uid(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	guest_enter(&g, &h, "/watch?token=1");
	pump(h.loop, is_open, &g);
	assert_int_equal(g.ends, 0);
	assert_int_equal(g.nrungs, 3);
	assert_int_equal(g.rungs[0], WS_RESOLVE);
	assert_int_equal(g.rungs[1], WS_CONNECT);
	assert_int_equal(g.rungs[2], WS_UPGRADE);
	assert_int_equal(h.sessions[0].who.uid, getuid());
	assert_int_equal(h.sessions[0].who.pid, getpid());
	assert_string_equal(h.sessions[0].path, "/watch");
	say(&g, "hello", 5);
	pump(h.loop, has_message, &g);
	assert_slice(buf_slice(&g.last), "hello");
	ws_ping(g.conn, SLICE_LIT("are you there"));
	pump(h.loop, has_pong, &g);
	assert_string_equal(g.pong, "are you there");
	ws_close(g.conn, 1000, "done");
	assert_int_equal(g.ends, 0);
	pump(h.loop, is_ended, &g);
	assert_true(g.end.was_open && g.end.by_us);
	assert_int_equal(g.end.close_code, 1000);
	pump(h.loop, first_session_ended, &h);
	assert_int_equal(h.sessions[0].end.close_code, 1000);
	assert_string_equal(h.sessions[0].end.reason, "done");
	assert_false(h.sessions[0].end.by_us);
	buf_done(&g.last);
	house_close(&h);
}

static void two_clients_do_not_hear_each_other(void **state)
{
	(void)state;
	struct house h;
	struct guest a, b;

	house_open(&h, NULL, 0);
	guest_open_now(&a, &h);
	guest_open_now(&b, &h);
	say(&a, "from a", 6);
	pump(h.loop, has_message, &a);
	say(&b, "from b", 6);
	pump(h.loop, has_message, &b);
	assert_slice(buf_slice(&a.last), "from a");
	assert_slice(buf_slice(&b.last), "from b");
	assert_int_equal(a.messages + b.messages, 2);
	buf_done(&a.last);
	buf_done(&b.last);
	house_close(&h);
	assert_int_equal(a.ends + b.ends, 2);
}

static void freeing_the_context_says_going_away_to_both_ends(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	guest_open_now(&g, &h);
	house_close(&h);
	assert_int_equal(g.ends, 1);
	assert_int_equal(g.end.close_code, 1001);
	assert_int_equal(h.sessions[0].ends, 1);
	assert_int_equal(h.sessions[0].end.close_code, 1001);
}

static void a_message_of_one_mebibyte_comes_back_whole(void **state)
{
	(void)state;
	struct house h;
	struct guest g;
	size_t n = 1 << 20;
	char *p = xmalloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + i % 26);
	house_open(&h, NULL, 0);
	guest_open_now(&g, &h);
	say(&g, p, n);
	assert_int_equal(ws_queued(g.conn), n);
	pump(h.loop, has_message, &g);
	assert_int_equal(g.last.n, n);
	assert_memory_equal(g.last.p, p, n);
	assert_int_equal(ws_queued(g.conn), 0);
	free(p);
	buf_done(&g.last);
	house_close(&h);
}

static bool heard_99(void *ctx)
{
	return ((struct guest *)ctx)->messages == 99;
}

static void many_small_messages_keep_their_number(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	guest_open_now(&g, &h);
	for (int i = 0; i < 99; i++)
		say(&g, "x", 1);
	pump(h.loop, heard_99, &g);
	assert_int_equal(h.messages, 99);
	buf_done(&g.last);
	house_close(&h);
}

static void a_message_above_the_limit_closes_with_1009(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 3; extra++) {
		struct house h;
		struct guest g;
		char big[1002];

		memset(big, 'x', sizeof big);
		house_open(&h, NULL, 0);
		guest_to(&g, &h, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = h.sock, .max_message = 1001 });
		pump(h.loop, is_open, &g);
		say(&g, big, 1000 + extra);
		pump(h.loop, extra < 2 ? has_message : is_ended, &g);
		if (extra < 2)
			assert_int_equal(g.last.n, 1000 + extra);
		else
			assert_int_equal(g.end.close_code, 1009);
		buf_done(&g.last);
		house_close(&h);
	}
}

static void a_clients_queue_is_bounded(void **state)
{
	(void)state;
	struct house h;
	struct guest g;
	struct err e;

	house_open(&h, NULL, 0);
	guest_to(&g, &h, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = h.sock, .max_queue = 10 });
	assert_int_equal(ws_send_text(g.conn, SLICE_LIT("123456789"), &e), RC_OK);
	assert_int_equal(ws_send_text(g.conn, SLICE_LIT("ab"), &e), RC_FULL);
	assert_non_null(strstr(e.text, "limit is 10"));
	assert_int_equal(ws_send_text(g.conn, SLICE_LIT("a"), &e), RC_OK);
	pump(h.loop, has_message, &g);
	buf_done(&g.last);
	house_close(&h);
}

static void a_slow_reader_is_closed_and_the_others_live(void **state)
{
	(void)state;
	struct house h;
	struct guest g;
	struct raw r;
	struct err e;
	enum rc rc = RC_OK;
	char chunk[8192];
	size_t most = 0;

	memset(chunk, 'x', sizeof chunk);
	house_open(&h, NULL, 100000);
	raw_enter(&r, &h);
	guest_open_now(&g, &h);
	for (int i = 0; i < 2000 && rc == RC_OK; i++) {
		rc = ws_send_text(h.sessions[0].conn, (struct slice){ chunk, sizeof chunk }, &e);
		most = MAX(most, ws_queued(h.sessions[0].conn));
		if (i % 8 == 0)
			loop_run_once(h.loop);
	}
	assert_int_equal(rc, RC_FULL);
	assert_true(most <= 100000);
	assert_int_equal(ws_send_text(h.sessions[0].conn, SLICE_LIT("x"), &e), RC_REFUSED);
	pump(h.loop, first_session_ended, &h);
	assert_int_equal(h.sessions[0].end.close_code, 1013);
	assert_true(h.sessions[0].end.by_us);
	pump(h.loop, raw_eof, &r);
	say(&g, "still here", 10);
	pump(h.loop, has_message, &g);
	raw_done(&r);
	buf_done(&g.last);
	house_close(&h);
}

static void fragments_with_a_ping_between_become_one_message(void **state)
{
	(void)state;
	struct house h;
	struct raw r;

	house_open(&h, NULL, 0);
	raw_enter(&r, &h);
	raw_frame(&r, 0x01, "one ", 4);
	raw_frame(&r, 0x00, "two ", 4);
	raw_frame(&r, 0x89, "ping", 4);
	raw_frame(&r, 0x80, "three", 5);
	raw_expect(&r, &h, "\x8a\x04ping");
	raw_expect(&r, &h, "\x81\x0done two three");
	assert_int_equal(h.messages, 1);
	raw_done(&r);
	pump(h.loop, first_session_ended, &h);
	assert_int_equal(h.sessions[0].end.close_code, 1006);
	house_close(&h);
}

static void close_codes_and_reasons_arrive(void **state)
{
	(void)state;
	static const struct {
		int sent, seen;
	} ROWS[] = {
		{ 1000, 1000 }, { 1001, 1001 }, { 1008, 1008 }, { 1011, 1011 }, { 3000, 3000 }, { 4003, 4003 },
		{ 1012, 1002 }, { 1013, 1002 },         /* lws rewrites them; the reason tells */
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct house h;
		struct guest g;

		house_open(&h, NULL, 0);
		guest_open_now(&g, &h);
		ws_close(h.sessions[0].conn, ROWS[i].sent, "because \x1b[31m");
		ws_close(h.sessions[0].conn, 1000, "again");
		pump(h.loop, is_ended, &g);
		pump(h.loop, first_session_ended, &h);
		assert_int_equal(g.end.close_code, ROWS[i].seen);
		assert_true(g.end.was_open);
		assert_false(g.end.by_us);
		assert_non_null(strstr(g.end.reason, "because"));
		assert_null(strchr(g.end.reason, '\x1b'));
		assert_int_equal(h.sessions[0].end.close_code, ROWS[i].sent);
		assert_true(h.sessions[0].end.by_us);
		house_close(&h);
	}
}

static void queued_messages_leave_before_the_close(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	guest_open_now(&g, &h);
	for (int i = 0; i < 100; i++)
		say(&g, "last words", 10);
	ws_close(g.conn, 1000, "bye");
	pump(h.loop, is_ended, &g);
	pump(h.loop, first_session_ended, &h);
	assert_int_equal(h.messages, 100);
	assert_int_equal(h.sessions[0].end.close_code, 1000);
	buf_done(&g.last);
	house_close(&h);
}

static void a_peer_that_ignores_close_is_cut_after_two_seconds(void **state)
{
	(void)state;
	struct house h;
	struct raw r;
	int64_t start;

	house_open(&h, NULL, 0);
	raw_enter(&r, &h);
	start = loop_now(h.loop).boot_us;
	ws_close(h.sessions[0].conn, 1008, "policy");
	raw_expect(&r, &h, "policy");
	pump(h.loop, first_session_ended, &h);
	assert_true(loop_now(h.loop).boot_us - start >= 1900000);
	assert_int_equal(h.sessions[0].end.close_code, 1008);
	pump(h.loop, raw_eof, &r);
	raw_done(&r);
	house_close(&h);
}

static void a_refused_client_sees_403(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	h.refuse = true;
	guest_enter(&g, &h, "/rpc");
	pump(h.loop, is_ended, &g);
	assert_false(g.end.was_open);
	assert_int_equal(g.end.rung, WS_UPGRADE);
	assert_int_equal(g.end.http_status, 403);
	h.refuse = false;
	guest_enter(&g, &h, "/elsewhere");
	pump(h.loop, is_ended, &g);
	assert_int_equal(g.end.http_status, 404);
	assert_int_equal(h.accepted, 0);
	house_close(&h);
}

static void closing_before_open_ends_once_and_by_us(void **state)
{
	(void)state;
	struct house h;
	struct guest g;

	house_open(&h, NULL, 0);
	guest_enter(&g, &h, "/rpc");
	ws_close(g.conn, 1000, "changed my mind");
	assert_int_equal(g.ends, 0);
	pump(h.loop, is_ended, &g);
	assert_true(g.end.by_us);
	assert_false(g.end.was_open);
	guest_to(&g, &h, &(struct ws_target){ .url = "ws://localhost:9/rpc" });
	ws_close(g.conn, 1000, "changed my mind");
	pump(h.loop, is_ended, &g);
	assert_true(g.end.by_us);
	house_close(&h);
}

static bool three_ended(void *ctx)
{
	struct house *h = ctx;

	return h->sessions[0].ends + h->sessions[1].ends + h->sessions[2].ends == 3;
}

static void connections_above_the_limit_are_refused_early(void **state)
{
	(void)state;
	struct house h;
	struct raw r[7];

	house_open(&h, NULL, 0);
	for (int i = 0; i < 6; i++)
		raw_enter(&r[i], &h);
	raw_unix(&r[6], &h);
	pump(h.loop, raw_eof, &r[6]);
	for (int i = 0; i < 3; i++)
		raw_done(&r[i]);
	pump(h.loop, three_ended, &h);
	raw_done(&r[6]);
	raw_enter(&r[6], &h);
	for (int i = 3; i < 7; i++)
		raw_done(&r[i]);
	house_close(&h);
}

/* Tests: HTTP and refusals */

static void check_http(struct house *h, struct raw *r, const char *request, const char *want)
{
	buf_clear(&r->in);
	raw_says(r, request);
	raw_expect(r, h, want);
}

static void get_and_head_are_answered_on_one_connection(void **state)
{
	(void)state;
	struct house h;
	struct raw r;

	house_open(&h, "127.0.0.1:0", 0);
	raw_tcp(&r, ws_server_tcp_port(h.server));
	check_http(&h, &r, "GET /health?since=1:2&x=%41 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "\r\n\r\nabcde");
	assert_non_null(strstr(buf_z(&r.in), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"));
	assert_string_equal(h.last_path, "/health");
	assert_string_equal(h.last_query, "since=1:2&x=A");
	check_http(&h, &r, "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "Content-Length: 5\r\n");
	raw_expect(&r, &h, "\r\n\r\n");
	assert_null(strstr(buf_z(&r.in), "abcde"));
	assert_string_equal(h.last_query, "");
	check_http(&h, &r, "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 Not Found");
	raw_done(&r);
	raw_unix(&r, &h);
	check_http(&h, &r, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\nabcde");
	raw_done(&r);
	house_close(&h);
}

static void a_large_answer_is_written_as_it_is_read(void **state)
{
	(void)state;
	struct house h;
	struct raw r;

	house_open(&h, "127.0.0.1:0", 0);
	h.http_body = 3000001;
	raw_tcp(&r, ws_server_tcp_port(h.server));
	raw_says(&r, "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n");
	pump(h.loop, raw_eof, &r);
	assert_non_null(strstr(buf_z(&r.in), "Content-Length: 3000001\r\n"));
	assert_int_equal(r.in.n - (size_t)(strstr(r.in.p, "\r\n\r\n") + 4 - r.in.p), 3000001);
	raw_done(&r);
	house_close(&h);
}

static void methods_that_change_are_answered_405(void **state)
{
	(void)state;
	static const char *const METHODS[] = { "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };
	struct house h;

	house_open(&h, "127.0.0.1:0", 0);
	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
		char request[200];
		struct raw r;

		raw_tcp(&r, ws_server_tcp_port(h.server));
		snprintf(request, sizeof request, "%s /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", METHODS[i]);
		check_http(&h, &r, request, "HTTP/1.1 405 ");
		raw_done(&r);
	}
	assert_int_equal(h.http, 0);
	house_close(&h);
}

static void pages_and_foreign_names_are_refused(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
		"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: 10.0.0.1:80\r\n\r\n",
		"GET /health HTTP/1.1\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n",
	};
	struct house h;

	house_open(&h, "127.0.0.1:0", 0);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct raw r;

		raw_tcp(&r, ws_server_tcp_port(h.server));
		check_http(&h, &r, ROWS[i], "HTTP/1.1 403 ");
		raw_done(&r);
	}
	assert_int_equal(h.http, 0);
	house_close(&h);
}

static void upgrades_that_are_not_ours_are_refused(void **state)
{
	(void)state;
#define KEY "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUpgrade: "
	static const struct {
		const char *request, *want;
	} ROWS[] = {
		{ "GET /rpc HTTP/1.1\r\nHost: evil.example\r\nSec-WebSocket-Version: 13\r\n" KEY "websocket\r\n\r\n", "HTTP/1.1 403 " },
		{ "GET /rpc HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nSec-WebSocket-Version: 13\r\n" KEY "websocket\r\n\r\n", "HTTP/1.1 403 " },
		{ "GET /other HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Version: 13\r\n" KEY "websocket\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /rpc HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Version: 8\r\n" KEY "websocket\r\n\r\n", "HTTP/1.1 426 " },
		{ "GET /rpc HTTP/1.1\r\nHost: localhost\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" KEY "h2c\r\n\r\n", "HTTP/1.1 501 " },
	};
#undef KEY
	struct house h;

	house_open(&h, "127.0.0.1:0", 0);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct raw r;

		raw_unix(&r, &h);
		check_http(&h, &r, ROWS[i].request, ROWS[i].want);
		raw_done(&r);
	}
	assert_int_equal(h.accepted, 0);
	house_close(&h);
}

static void tcp_never_becomes_a_websocket(void **state)
{
	(void)state;
	struct house h;
	struct raw r;

	house_open(&h, "127.0.0.1:0", 0);
	raw_tcp(&r, ws_server_tcp_port(h.server));
	check_http(&h, &r, UPGRADE, "HTTP/1.1 403 ");
	raw_done(&r);
	assert_int_equal(h.accepted, 0);
	house_close(&h);
}

static void bytes_that_are_not_http_end_the_connection(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 hello there, this is TLS",
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", "nonsense\r\n\r\n",
	};
	struct house h;

	house_open(&h, "127.0.0.1:0", 0);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct raw r;

		raw_tcp(&r, ws_server_tcp_port(h.server));
		raw_says(&r, ROWS[i]);
		shutdown(r.fd, SHUT_WR);
		pump(h.loop, raw_eof, &r);
		assert_null(strstr(buf_z(&r.in), "200 OK"));
		raw_done(&r);
	}
	assert_int_equal(h.http + h.accepted, 0);
	house_close(&h);
}

/* Tests: places to listen */

struct place {
	struct loop *loop;
	struct ws_ctx *ctx;
	char dir[256], path[300];
	struct err e;
};

static void place_open(struct place *p)
{
	memset(p, 0, sizeof *p);
	unit_mkdir(p->dir);
	p->loop = loop_new();
	p->ctx = ws_ctx_new(p->loop);
}

static enum rc place_try(struct place *p, const char *path, const char *tcp)
{
	struct ws_server *s;

	return ws_server_new(&s, p->ctx, &(struct ws_listen){ .unix_path = path, .tcp = tcp, .ws_paths = PATHS }, &HOST, NULL, &p->e);
}

static void place_close(struct place *p)
{
	ws_ctx_free(p->ctx);
	loop_free(p->loop);
	unlink(p->path);
	rmdir(p->dir);
}

static void a_path_of_107_bytes_works_and_108_is_a_clear_error(void **state)
{
	(void)state;
	struct place p;
	struct house h = { .ctx = NULL };
	struct guest g;

	for (size_t n = 107; n <= 108; n++) {
		place_open(&p);
		size_t dir = strlen(p.dir);
		memset(p.path, 'x', sizeof p.path);
		memcpy(p.path, p.dir, dir);
		p.path[dir] = '/';
		p.path[n] = '\0';
		assert_int_equal(place_try(&p, p.path, NULL), n == 107 ? RC_OK : RC_USAGE);
		if (n == 108) {
			assert_non_null(strstr(p.e.text, "108 bytes"));
			h.ctx = p.ctx;
			guest_to(&g, &h, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = p.path });
			pump(p.loop, is_ended, &g);
			assert_non_null(strstr(g.end.reason, "107 bytes"));
		}
		place_close(&p);
	}
}

static void the_socket_and_its_directory_are_closed_to_others(void **state)
{
	(void)state;
	struct place p;
	struct stat st;

	place_open(&p);
	snprintf(p.path, sizeof p.path, "%s/s", p.dir);
	chmod(p.dir, 0755);
	assert_int_equal(place_try(&p, p.path, NULL), RC_USAGE);
	assert_non_null(strstr(p.e.text, "chmod 700"));
	chmod(p.dir, 0700);
	assert_int_equal(place_try(&p, p.path, NULL), RC_OK);
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	place_close(&p);
}

static void an_occupied_path_is_kept(void **state)
{
	(void)state;
	struct house h;
	struct place p;

	house_open(&h, NULL, 0);
	place_open(&p);
	assert_int_equal(place_try(&p, h.sock, NULL), RC_LEASE);
	assert_non_null(strstr(p.e.text, "another process answers"));
	snprintf(p.path, sizeof p.path, "%s/s", p.dir);
	unit_write(p.path, "precious", 8, 0600);
	assert_int_equal(place_try(&p, p.path, NULL), RC_USAGE);
	assert_int_equal(access(p.path, F_OK), 0);
	unlink(p.path);
	assert_int_equal(place_try(&p, "relative", NULL), RC_USAGE);
	assert_int_equal(place_try(&p, "/nonexistent-directory/s", NULL), RC_USAGE);
	place_close(&p);
	house_close(&h);
}

static void a_dead_socket_file_is_replaced(void **state)
{
	(void)state;
	struct place p;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	place_open(&p);
	snprintf(p.path, sizeof p.path, "%s/s", p.dir);
	assert_true((size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s/s", p.dir) < sizeof a.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	assert_int_equal(place_try(&p, p.path, NULL), RC_OK);
	place_close(&p);
}

static void tcp_is_loopback_only_and_a_taken_port_is_an_error(void **state)
{
	(void)state;
	static const char *const BAD[] = { "0.0.0.0:0", "10.0.0.1:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":9469", "" };
	struct place p;
	struct tcp_server *t;
	char tcp[32];

	place_open(&p);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		assert_int_equal(place_try(&p, NULL, BAD[i]), RC_USAGE);
	assert_int_equal(tcp_listen(&t, p.loop, "127.0.0.1", 0, &(struct tcp_handler){ NULL, NULL, NULL }, NULL, &p.e), RC_OK);
	snprintf(tcp, sizeof tcp, "127.0.0.1:%d", tcp_port(t));
	assert_int_equal(place_try(&p, NULL, tcp), RC_IO);
	assert_non_null(strstr(p.e.text, "in use"));
	tcp_server_free(t);
	place_close(&p);
}

/* Tests: a client and peers that misbehave */

struct liar {
	struct house h;                 /* loop and context only */
	struct tcp_server *tcp;
	void (*act)(struct liar *l, struct tcp_conn *c);
	struct tcp_conn *conn;
	char request[2048];
	size_t n;
	int accepted;
	bool eager;                     /* acts on the first bytes, whatever they are */
	char url[64];
};

static void *liar_accept(void *ctx, struct tcp_conn *c)
{
	struct liar *l = ctx;

	l->accepted++;
	l->conn = c;
	l->n = 0;
	return l;
}

static void liar_data(void *ctx, struct tcp_conn *c, struct slice b)
{
	struct liar *l = ctx;
	size_t room = sizeof l->request - 1 - l->n, n = MIN(b.n, room);
	bool had = strstr(l->request, "\r\n\r\n") != NULL && l->n > 0;

	memcpy(l->request + l->n, b.p, n);
	l->n += n;
	l->request[l->n] = '\0';
	if (!had && (l->eager || strstr(l->request, "\r\n\r\n")))
		l->act(l, c);
}

static void liar_end(void *ctx)
{
	((struct liar *)ctx)->conn = NULL;
}

static void liar_open(struct liar *l, void (*act)(struct liar *l, struct tcp_conn *c))
{
	static const struct tcp_handler H = { liar_accept, liar_data, liar_end };
	struct err e;

	memset(l, 0, sizeof *l);
	l->act = act;
	l->h.loop = loop_new();
	l->h.ctx = ws_ctx_new(l->h.loop);
	assert_int_equal(tcp_listen(&l->tcp, l->h.loop, "127.0.0.1", 0, &H, l, &e), RC_OK);
	snprintf(l->url, sizeof l->url, "ws://127.0.0.1:%d/x?y=1", tcp_port(l->tcp));
}

static void liar_close(struct liar *l)
{
	ws_ctx_free(l->h.ctx);
	tcp_server_free(l->tcp);
	loop_free(l->h.loop);
}

static void upgrade_it(struct liar *l, struct tcp_conn *c)
{
	const char *key = strstr(l->request, "Sec-WebSocket-Key: ");
	char joined[128], accept[64], reply[256];
	unsigned char sha[20];

	assert_non_null(key);
	snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
	lws_SHA1((unsigned char *)joined, strlen(joined), sha);
	lws_b64_encode_string((char *)sha, 20, accept, sizeof accept);
	snprintf(reply, sizeof reply,
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
	tcp_send(c, slice_of(reply));
}

static void upgrade_and_cut(struct liar *l, struct tcp_conn *c)
{
	upgrade_it(l, c);
	tcp_send(c, SLICE_LIT("\x81\x02hi"));
	tcp_close(c);
}

static void upgrade_and_pong(struct liar *l, struct tcp_conn *c)
{
	upgrade_it(l, c);
	tcp_send(c, SLICE_LIT("\x8a\x05\0\1\2\3\4"));
	tcp_send(c, SLICE_LIT("\x01\x02he\x89\x00\x80\x03llo"));
	tcp_send(c, SLICE_LIT("\x88\x0d\x03\xf3keepalive!!"));
}

static void upgrade_and_bad_utf8(struct liar *l, struct tcp_conn *c)
{
	upgrade_it(l, c);
	tcp_send(c, SLICE_LIT("\x81\x02\xff\xff"));
}

static void wrong_accept(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	tcp_send(c, SLICE_LIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
}

static void busy_503(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	tcp_send(c, SLICE_LIT("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
}

static void see_other(struct liar *l, struct tcp_conn *c)
{
	char reply[200];

	snprintf(reply, sizeof reply, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/away\r\nContent-Length: 0\r\n\r\n", tcp_port(l->tcp));
	tcp_send(c, slice_of(reply));
}

static void say_nothing(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	(void)c;
}

static void cut_it(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	tcp_close(c);
}

static void reset_it(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	tcp_reset(c);
}

static void not_http(struct liar *l, struct tcp_conn *c)
{
	(void)l;
	tcp_send(c, SLICE_LIT("SSH-2.0-OpenSSH_9.2\r\n"));
	tcp_close(c);
}

static void an_attempt_that_fails_names_its_rung(void **state)
{
	(void)state;
	static const struct {
		void (*act)(struct liar *l, struct tcp_conn *c);
		int status;
		const char *reason;
	} ROWS[] = {
		{ busy_503, 503, "" }, { see_other, 302, "" }, { wrong_accept, 101, "Accept" }, { say_nothing, 0, "not open after 150 ms" },
		{ cut_it, 0, "ended before" }, { reset_it, 0, "ended before" }, { not_http, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct liar l;
		struct guest g;

		liar_open(&l, ROWS[i].act);
		guest_to(&g, &l.h, &(struct ws_target){ .url = l.url, .connect_timeout_ms = ROWS[i].act == say_nothing ? 150 : 5000 });
		pump(l.h.loop, is_ended, &g);
		assert_false(g.end.was_open);
		assert_int_equal(g.opens, 0);
		assert_int_equal(g.end.rung, WS_UPGRADE);
		assert_int_equal(g.end.close_code, 0);
		if (ROWS[i].act != wrong_accept)
			assert_int_equal(g.end.http_status, ROWS[i].status);
		if (!strstr(g.end.reason, ROWS[i].reason))
			fail_msg("row %zu: %s", i, g.end.reason);
		assert_true(g.end.reason[0] != '\0');
		assert_int_equal(l.accepted, 1);
		liar_close(&l);
		assert_int_equal(g.ends, 1);
	}
}

static void a_refused_connection_fails_at_connect(void **state)
{
	(void)state;
	struct liar l;
	struct guest g;

	liar_open(&l, say_nothing);
	tcp_server_free(l.tcp);
	l.tcp = NULL;
	loop_run_once(l.h.loop);
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.end.rung, WS_CONNECT);
	assert_non_null(strstr(g.end.reason, "refused"));
	assert_int_equal(g.nrungs, 1);
	guest_to(&g, &l.h, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = "/nonexistent/s" });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.end.rung, WS_CONNECT);
	assert_non_null(strstr(g.end.reason, "No such file"));
	liar_close(&l);
}

static void an_address_that_cannot_be_used_fails_at_resolve(void **state)
{
	(void)state;
	static const char *const URLS[] = { "ws://no-such-host.invalid/", "http://127.0.0.1/", "ws://", "", NULL };
	static const char *const SPLIT[] = { "X: y\r\nZ: a", NULL };
	struct liar l;
	struct guest g;

	liar_open(&l, say_nothing);
	for (size_t i = 0; i < ARRAY_LEN(URLS); i++) {
		guest_to(&g, &l.h, &(struct ws_target){ .url = URLS[i] });
		pump(l.h.loop, is_ended, &g);
		assert_int_equal(g.end.rung, WS_RESOLVE);
		assert_true(g.end.reason[0] != '\0');
	}
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url, .headers = SPLIT });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.end.rung, WS_RESOLVE);
	assert_int_equal(l.accepted, 0);
	liar_close(&l);
}

static void tls_to_a_plain_port_fails_at_tls(void **state)
{
	(void)state;
	struct liar l;
	struct guest g;

	liar_open(&l, not_http);
	l.eager = true;
	snprintf(l.url, sizeof l.url, "wss://localhost:%d/", tcp_port(l.tcp));
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.end.rung, WS_TLS);
	assert_non_null(strstr(g.end.reason, "SSL"));
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url, .ca_file = "/nonexistent.pem" });
	pump(l.h.loop, is_ended, &g);
	assert_false(g.end.was_open);
	assert_non_null(strstr(g.end.reason, "CA file"));
	liar_close(&l);
}

static void the_request_carries_what_was_asked(void **state)
{
	(void)state;
	static const char *const HEADERS[] = { "Authorization: Bearer token", "X-Second: 2", NULL };
	struct liar l;
	struct guest g;
	char host[64];

	setenv("http_proxy", "127.0.0.1:1", 1);
	liar_open(&l, upgrade_it);
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url, .headers = HEADERS, .subprotocol = NULL });
	pump(l.h.loop, is_open, &g);
	unsetenv("http_proxy");
	assert_int_equal(g.opens, 1);
	assert_true(slice_starts(slice_of(l.request), "GET /x?y=1 HTTP/1.1\r\n"));
	snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%d\r\n", tcp_port(l.tcp));
	assert_non_null(strstr(l.request, host));
	assert_non_null(strstr(l.request, "\r\nAuthorization: Bearer token\r\n"));
	assert_non_null(strstr(l.request, "\r\nX-Second: 2\r\n"));
	assert_null(strstr(l.request, "Extensions"));
	assert_null(strstr(l.request, "Origin"));
	liar_close(&l);
	assert_int_equal(g.end.close_code, 1001);
}

static void a_cut_after_open_is_1006(void **state)
{
	(void)state;
	struct liar l;
	struct guest g;

	liar_open(&l, upgrade_and_cut);
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.opens, 1);
	assert_int_equal(g.messages, 1);
	assert_true(g.end.was_open);
	assert_false(g.end.by_us);
	assert_int_equal(g.end.close_code, 1006);
	buf_done(&g.last);
	liar_close(&l);
}

static void unasked_pongs_fragments_and_1011_are_told(void **state)
{
	(void)state;
	struct liar l;
	struct guest g;

	liar_open(&l, upgrade_and_pong);
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.pongs, 1);
	assert_int_equal(g.messages, 1);
	assert_slice(buf_slice(&g.last), "hello");
	assert_int_equal(g.end.close_code, 1011);
	assert_string_equal(g.end.reason, "keepalive!!");
	buf_done(&g.last);
	liar_close(&l);
}

static void text_that_is_not_utf8_never_reaches_the_owner(void **state)
{
	(void)state;
	struct liar l;
	struct guest g;

	liar_open(&l, upgrade_and_bad_utf8);
	guest_to(&g, &l.h, &(struct ws_target){ .url = l.url });
	pump(l.h.loop, is_ended, &g);
	assert_int_equal(g.messages, 0);
	assert_true(g.end.was_open);
	assert_true(g.end.by_us);
	assert_int_equal(g.end.close_code, 1007);
	assert_int_equal(g.end.why, NET_WHY_TEXT);
	liar_close(&l);
}

static void reconnect_at_once(void *ctx, const struct ws_end *end)
{
	struct guest *g = ctx;
	struct ws_handler again = GUEST;

	g->end = *end;
	g->messages++;
	again.on_end = reconnect_at_once;
	again.on_rung = NULL;
	if (g->messages < 5)
		g->conn = ws_connect(g->house->ctx, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = g->house->sock }, &again, g);
	else
		g->ends = 1;
}

static void a_new_attempt_may_begin_in_on_end(void **state)
{
	(void)state;
	struct house h;
	struct guest g = { .house = &h };
	struct ws_handler first = GUEST;

	house_open(&h, NULL, 0);
	h.refuse = true;
	first.on_end = reconnect_at_once;
	first.on_rung = NULL;
	g.conn = ws_connect(h.ctx, &(struct ws_target){ .url = "ws://localhost/rpc", .unix_path = h.sock }, &first, &g);
	pump(h.loop, is_ended, &g);
	assert_int_equal(g.messages, 5);
	house_close(&h);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(an_echo_passes_every_rung_and_tells_the_peer_uid),
	cmocka_unit_test(two_clients_do_not_hear_each_other),
	cmocka_unit_test(freeing_the_context_says_going_away_to_both_ends),
	cmocka_unit_test(a_message_of_one_mebibyte_comes_back_whole),
	cmocka_unit_test(many_small_messages_keep_their_number),
	cmocka_unit_test(a_message_above_the_limit_closes_with_1009),
	cmocka_unit_test(a_clients_queue_is_bounded),
	cmocka_unit_test(a_slow_reader_is_closed_and_the_others_live),
	cmocka_unit_test(fragments_with_a_ping_between_become_one_message),
	cmocka_unit_test(close_codes_and_reasons_arrive),
	cmocka_unit_test(queued_messages_leave_before_the_close),
	cmocka_unit_test(a_peer_that_ignores_close_is_cut_after_two_seconds),
	cmocka_unit_test(a_refused_client_sees_403),
	cmocka_unit_test(closing_before_open_ends_once_and_by_us),
	cmocka_unit_test(connections_above_the_limit_are_refused_early),
	cmocka_unit_test(get_and_head_are_answered_on_one_connection),
	cmocka_unit_test(a_large_answer_is_written_as_it_is_read),
	cmocka_unit_test(methods_that_change_are_answered_405),
	cmocka_unit_test(pages_and_foreign_names_are_refused),
	cmocka_unit_test(upgrades_that_are_not_ours_are_refused),
	cmocka_unit_test(tcp_never_becomes_a_websocket),
	cmocka_unit_test(bytes_that_are_not_http_end_the_connection),
	cmocka_unit_test(a_path_of_107_bytes_works_and_108_is_a_clear_error),
	cmocka_unit_test(the_socket_and_its_directory_are_closed_to_others),
	cmocka_unit_test(an_occupied_path_is_kept),
	cmocka_unit_test(a_dead_socket_file_is_replaced),
	cmocka_unit_test(tcp_is_loopback_only_and_a_taken_port_is_an_error),
	cmocka_unit_test(an_attempt_that_fails_names_its_rung),
	cmocka_unit_test(a_refused_connection_fails_at_connect),
	cmocka_unit_test(an_address_that_cannot_be_used_fails_at_resolve),
	cmocka_unit_test(tls_to_a_plain_port_fails_at_tls),
	cmocka_unit_test(the_request_carries_what_was_asked),
	cmocka_unit_test(a_cut_after_open_is_1006),
	cmocka_unit_test(unasked_pongs_fragments_and_1011_are_told),
	cmocka_unit_test(text_that_is_not_utf8_never_reaches_the_owner),
	cmocka_unit_test(a_new_attempt_may_begin_in_on_end),
};

UNIT_MAIN("net/ws", TESTS)
