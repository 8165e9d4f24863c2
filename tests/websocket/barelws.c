/* barelws PORT N WANT [echo]: what the library alone takes to keep N connections up, with nothing of Sluice around it: the yardstick of
 * tests/promises/links/bench. Says "up" when all are; then counts what comes and, after WANT messages, says how long they
 * took from the first. Pings every 20 s. With echo each connection says something and, when it was answered, says it again: WANT
 * answers in all. Ends with stdin. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { AT_ONCE = 50, READ_BYTES = 512, PING_S = 20 };

static struct lws_context *ctx;
static uv_loop_t loop;
static int port, wanted, asked, up;
static long want, got;
static bool echo;
static uint64_t first_ns;

static void connect_more(void)
{
	while (asked < wanted && asked - up < AT_ONCE) {
		struct lws_client_connect_info i = { .context = ctx, .address = "127.0.0.1", .port = port, .path = "/", .host = "127.0.0.1",
						     .local_protocol_name = "ws", .alpn = "http/1.1" };
		asked++;
		if (!lws_client_connect_via_info(&i))
			exit(1);
	}
}

static void came(struct lws *wsi)
{
	if (!lws_is_final_fragment(wsi))
		return;
	if (!got++)
		first_ns = uv_hrtime();
	if (got == want) {
		printf("{\"messages\": %ld, \"seconds\": %.6f}\n", got, (double)(uv_hrtime() - first_ns) / 1e9);
		fflush(stdout);
	}
	if (echo)
		lws_callback_on_writable(wsi);
}

static int say(struct lws *wsi)
{
	static const char words[] = "{\"id\":\"m1\",\"type\":\"thing\",\"sequence\":1,\"epoch\":\"e1\"}";
	unsigned char b[LWS_PRE + sizeof words];

	memcpy(b + LWS_PRE, words, sizeof words - 1);
	return lws_write(wsi, b + LWS_PRE, sizeof words - 1, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR)
		exit(1);
	if (reason == LWS_CALLBACK_CLIENT_RECEIVE)
		came(wsi);
	if (reason == LWS_CALLBACK_CLIENT_WRITEABLE && echo)
		return say(wsi);
	if (reason != LWS_CALLBACK_CLIENT_ESTABLISHED)
		return 0;
	if (echo)
		lws_callback_on_writable(wsi);
	if (++up == wanted) {
		puts("up");
		fflush(stdout);
	}
	connect_more();
	return 0;
}

static void on_stdin(uv_poll_t *p, int status, int events)
{
	char c[64];

	(void)p;
	(void)status;
	(void)events;
	if (read(STDIN_FILENO, c, sizeof c) <= 0)
		_exit(0);
}

int main(int argc, char **argv)
{
	static const struct lws_protocols protocols[] = { { "ws", on_lws, 0, READ_BYTES, 0, NULL, 0 }, { NULL, NULL, 0, 0, 0, NULL, 0 } };
	static const lws_retry_bo_t pings = { .secs_since_valid_ping = PING_S, .secs_since_valid_hangup = 2 * PING_S };
	void *loops[] = { &loop };
	uv_poll_t in;

	if (argc < 4)
		return 2;
	port = atoi(argv[1]);
	wanted = atoi(argv[2]);
	want = atol(argv[3]);
	echo = argc > 4;
	lws_set_log_level(0, NULL);
	uv_loop_init(&loop);
	ctx = lws_create_context(&(struct lws_context_creation_info){ .port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .options = LWS_SERVER_OPTION_LIBUV,
		.foreign_loops = loops, .pt_serv_buf_size = 16384, .retry_and_idle_policy = &pings, .fd_limit_per_thread = 65536 });
	if (!ctx)
		return 1;
	uv_poll_init(&loop, &in, STDIN_FILENO);
	uv_poll_start(&in, UV_READABLE | UV_DISCONNECT, on_stdin);
	connect_more();
	return uv_run(&loop, UV_RUN_DEFAULT);
}
