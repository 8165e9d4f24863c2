#include "link/hello.h"
#include "link/link.h"

#include "peer.h"

static struct loop *loop;
static struct ws_ctx *ws;
static struct peer peer;
static struct cfg_link cfg;
static struct link *k;
static char url[64];
static struct buf states;               /* "connecting hello up " */
static int64_t longest_wait_us;

static void on_changed(void *ctx, struct link *l, enum link_state from)
{
	const struct link_view *v = link_look(l);
	(void)ctx;
	(void)from;
	buf_addf(&states, "%s,", link_state_name(v->state));
	if (v->next_attempt_us >= 0)
		longest_wait_us = MAX(longest_wait_us, v->next_attempt_us - loop_now(loop).boot_us);
}

static void begin(const char *handshake)
{
	snprintf(url, sizeof url, "ws://127.0.0.1:%d/", tcp_port(peer.server));
	cfg = (struct cfg_link){ .name = "daemon", .url = url, .handshake = handshake, .ping_interval_ms = 30, .pong_timeout_ms = 200,
				 .hello_timeout_ms = 150, .connections = 1, .reconnect_base_ms = 20, .reconnect_max_ms = 200, .min_uptime_ms = 10000 };
	k = NULL;
	longest_wait_us = 0;
}

static void go(const struct secret *token)
{
	k = link_new(loop, ws, &cfg, token, 7, on_changed, NULL);
	link_start(k);
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	ws = ws_ctx_new(loop);
	peer_start(&peer, loop);
	begin("exai");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	link_free(k);
	ws_ctx_free(ws);
	peer_stop(&peer);
	loop_free(loop);
	buf_done(&states);
	return 0;
}

static bool in_state(void *ctx)
{
	return link_look(k)->state == *(enum link_state *)ctx;
}

static const struct link_view *until(enum link_state s)
{
	pump(loop, in_state, &s);
	return link_look(k);
}

static bool has_pong(void *ctx) { return link_look(k)->pongs >= *(int *)ctx; }
static bool many_attempts(void *ctx) { return link_look(k)->attempts >= *(int *)ctx; }
static bool many_messages(void *ctx) { return link_look(k)->messages_in >= *(int *)ctx; }
static bool their_close(void *ctx) { (void)ctx; return peer.their_close != 0; }
static bool pinged(void *ctx) { return peer.pings >= *(int *)ctx; }

/* ---- coming up ---- */

static void without_a_hello_a_link_is_up_after_the_upgrade(void **state)
{
	(void)state;
	int one = 1;
	cfg.handshake = "none";
	go(NULL);
	const struct link_view *v = until(LINK_UP);
	assert_string_equal(v->sentence, "");
	assert_true(v->up_since_us > 0);
	assert_int_equal(v->ladder.failed, -1);
	assert_true(v->ladder.us[LINK_R_CONNECT] >= 0 && v->ladder.us[LINK_R_UPGRADE] >= 0);
	assert_int_equal(v->ladder.us[LINK_R_TLS], -1);
	assert_int_equal(peer.frames, 0);
	pump(loop, has_pong, &one);
	assert_true(window_last(&v->rtt_us, 0) > 0);
	assert_string_equal(buf_z(&states), "connecting,up,");
}

static void the_hello_names_session_and_token_and_waits_for_its_ack(void **state)
{
	(void)state;
	char dir[256], path[300];
	struct secret *token;
	struct err e = { 0 };
	unit_mkdir(dir);
	snprintf(path, sizeof path, "%s/token", dir);
	unit_write(path, "a\"quoted\\token-0123456789\n", 26, 0600);
	assert_int_equal(secret_load(&token, path, "token of link daemon", &e), RC_OK);
	cfg.session_id = "console-1";
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true,\"session_id\":\"console-1\"}";
	go(token);
	until(LINK_UP);
	assert_string_equal(peer.first, "{\"op\":\"hello\",\"session_id\":\"console-1\",\"token\":\"a\\\"quoted\\\\token-0123456789\"}");
	assert_string_equal(buf_z(&states), "connecting,hello,up,");
	link_free(k);
	k = NULL;
	secret_free(token);
	unlink(path);
	rmdir(dir);
}

static void other_frames_before_the_ack_change_nothing(void **state)
{
	(void)state;
	int three = 3;
	go(NULL);
	until(LINK_HELLO);
	while (!peer.frames)
		loop_run_once(loop);
	peer_text(&peer, "hello");
	peer_text(&peer, "{\"op\":\"progress\"}");
	peer_text(&peer, "{\"op\":\"hello_ack\",\"ok\":\"true\"}");
	pump(loop, many_messages, &three);
	assert_int_equal(link_look(k)->state, LINK_HELLO);
	assert_int_equal(link_look(k)->bad_frames, 3);
	peer_text(&peer, "{\"op\":\"hello_ack\",\"ok\":true}");
	until(LINK_UP);
}

/* ---- refusals ---- */

static void a_refused_hello_gives_up_and_says_what_to_do(void **state)
{
	(void)state;
	static const struct { const char *error; int close; enum link_state want; const char *says; } t[] = {
		{ "unauthorized", 4003, LINK_GIVEN_UP, "token_file" },
		{ "unauthorized", 0, LINK_GIVEN_UP, "token_file" },
		{ "missing_hello", 4001, LINK_GIVEN_UP, "handshake" },
		{ "invalid_hello", 4000, LINK_GIVEN_UP, "handshake" },
		{ "jwt_required", 4003, LINK_GIVEN_UP, "JWT" },
		{ "out_of_coffee", 4009, LINK_WAITING, "its log" },
	};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char answer[100];
		snprintf(answer, sizeof answer, "{\"op\":\"hello_ack\",\"ok\":false,\"error\":\"%s\"}", t[i].error);
		peer.answer = answer;
		peer.close_code = t[i].close;
		cfg.reconnect_max_ms = 60000;
		go(NULL);
		const struct link_view *v = until(t[i].want);
		assert_non_null(strstr(v->sentence, t[i].error));
		assert_non_null(strstr(v->sentence, t[i].says));
		assert_int_equal(v->ladder.failed, LINK_R_HELLO);
		assert_int_equal(v->next_attempt_us >= 0, t[i].want == LINK_WAITING);
		if (t[i].close)
			assert_int_equal(v->last_close_code, t[i].close);
		link_free(k);
		k = NULL;
	}
}

static void a_close_instead_of_an_ack_is_read_by_its_code(void **state)
{
	(void)state;
	static const struct { int code; const char *text; enum link_state want; const char *says; } t[] = {
		{ 4003, "unauthorized", LINK_GIVEN_UP, "token" },
		{ 4000, "invalid hello", LINK_GIVEN_UP, "handshake" },
		{ 4002, "hello timeout or disconnect", LINK_WAITING, "in time" },
		{ 1008, "Too many connections from your IP (10/10)", LINK_WAITING, "(10/10)" },
		{ 1011, "keepalive ping timeout", LINK_WAITING, "keepalive" },
		{ 1000, "", LINK_JAMMED, "restart the daemon" },
	};
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peer.close_code = t[i].code;
		peer.close_text = t[i].text;
		go(NULL);
		const struct link_view *v = until(t[i].want);
		if (!strstr(v->sentence, t[i].says))
			fail_msg("%d: %s", t[i].code, v->sentence);
		assert_int_equal(v->last_close_code, t[i].code);
		assert_string_equal(v->last_close_text, t[i].text);
		link_free(k);
		k = NULL;
	}
}

static void a_jammed_daemon_is_tried_again(void **state)
{
	(void)state;
	int three = 3;
	peer.close_code = 1000;
	go(NULL);
	until(LINK_JAMMED);
	pump(loop, many_attempts, &three);
	peer.close_code = 0;
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true}";
	until(LINK_UP);
}

static void a_normal_close_of_a_link_that_was_up_is_no_jam(void **state)
{
	(void)state;
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true}";
	peer.close_code = 1000;
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	go(NULL);
	const struct link_view *v = until(LINK_WAITING);
	assert_null(strstr(v->sentence, "jammed"));
	assert_int_equal(v->last_close_code, 1000);
	assert_int_equal(v->up_count, 1);
}

static void a_hello_without_an_answer_times_out(void **state)
{
	(void)state;
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	go(NULL);
	const struct link_view *v = until(LINK_WAITING);
	assert_non_null(strstr(v->sentence, "no answer to the hello for 150 ms"));
	assert_int_equal(v->ladder.failed, LINK_R_HELLO);
	assert_string_equal(buf_z(&states), "connecting,hello,closing,waiting,");
}

static void a_refused_upgrade_is_read_by_its_status(void **state)
{
	(void)state;
	static const struct { const char *answer; int status; enum link_state want; } t[] = {
		{ "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, LINK_GIVEN_UP },
		{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, LINK_GIVEN_UP },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, LINK_WAITING },
		{ "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, LINK_WAITING },
		{ "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, LINK_GIVEN_UP },
	};
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char says[20];
		peer.upgrade = t[i].answer;
		go(NULL);
		const struct link_view *v = until(t[i].want);
		snprintf(says, sizeof says, "HTTP %d", t[i].status);
		if (!strstr(v->sentence, says))
			fail_msg("%d: %s", t[i].status, v->sentence);
		assert_int_equal(v->ladder.failed, LINK_R_UPGRADE);
		link_free(k);
		k = NULL;
	}
}

static void a_server_that_is_not_there_waits_and_says_so(void **state)
{
	(void)state;
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	tcp_server_free(peer.server);
	peer.server = NULL;
	go(NULL);
	const struct link_view *v = until(LINK_WAITING);
	assert_int_equal(v->ladder.failed, LINK_R_CONNECT);
	assert_non_null(strstr(v->sentence, "is the server running"));
	assert_true(v->next_attempt_us - loop_now(loop).boot_us <= 60000000);
}

static void a_handshake_that_is_not_there_is_refused_by_name(void **state)
{
	(void)state;
	cfg.handshake = "mqtt";
	go(NULL);
	assert_int_equal(link_look(k)->state, LINK_GIVEN_UP);
	assert_string_equal(link_look(k)->sentence, "handshake mqtt is not in this version; it has: none, exai, exai-dashboard, json-events");
	link_diagnose(k);
	assert_int_equal(link_look(k)->state, LINK_GIVEN_UP);
}

/* ---- staying up ---- */

static void a_missing_pong_closes_with_1011_and_reconnects(void **state)
{
	(void)state;
	int two = 2;
	cfg.handshake = "none";
	cfg.pong_timeout_ms = 60;
	peer.no_pong = true;
	go(NULL);
	until(LINK_UP);
	pump(loop, their_close, NULL);
	assert_int_equal(peer.their_close, 1011);
	assert_non_null(strstr(link_look(k)->sentence, "no pong for 60 ms"));
	peer.no_pong = false;
	pump(loop, many_attempts, &two);
	until(LINK_UP);
	assert_int_equal(link_look(k)->reconnects, 1);
}

static void only_the_payload_that_was_sent_is_a_pong(void **state)
{
	(void)state;
	cfg.handshake = "none";
	cfg.pong_timeout_ms = 60;
	peer.wrong_pong = true;
	go(NULL);
	until(LINK_UP);
	until(LINK_CLOSING);
	assert_int_equal(link_look(k)->pongs, 0);
}

static void pings_go_on_and_none_is_sent_while_one_is_out(void **state)
{
	(void)state;
	int five = 5;
	cfg.handshake = "none";
	go(NULL);
	pump(loop, has_pong, &five);
	assert_int_equal(link_look(k)->rtt_us.n, link_look(k)->pongs);
	peer.no_pong = true;
	int more = peer.pings + 1;
	pump(loop, pinged, &more);
	until(LINK_CLOSING);
	assert_int_equal(peer.pings, more);
}

static void frames_that_say_nothing_known_are_counted(void **state)
{
	(void)state;
	int seven = 7;
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true}";
	go(NULL);
	until(LINK_UP);
	peer_text(&peer, "{\"op\":\"progress\",\"request_id\":\"r\"}");
	peer_text(&peer, "{\"error\":{\"code\":\"TIMEOUT\",\"message\":\"x\"}}");
	peer_text(&peer, "{\"op\":\"call_tool_res\"}");
	peer_text(&peer, "not json");
	peer_text(&peer, "{\"op\":\"surprise\"}");
	peer_frame(&peer, 2, "{\"op\":\"pong\"}", 13);
	pump(loop, many_messages, &seven);
	assert_int_equal(link_look(k)->bad_frames, 3);
	assert_true(link_look(k)->ladder.us[LINK_R_FIRST] >= 0);
}

/* ---- coming back ---- */

static void short_ups_do_not_start_the_backoff_over(void **state)
{
	(void)state;
	int many = 9;
	cfg.handshake = "none";
	cfg.reconnect_base_ms = 1;
	cfg.reconnect_max_ms = 64;
	cfg.breaker.open_ms = cfg.breaker.open_max_ms = 1;      /* it opens, but holds nothing back */
	peer.close_at_once = 1001;
	go(NULL);
	pump(loop, many_attempts, &many);
	assert_true(link_look(k)->up_count >= many - 1);
	assert_true(longest_wait_us > 4 * 1000);
	assert_true(longest_wait_us <= 65 * 1000);
}

static void the_first_retry_is_jittered_too(void **state)
{
	(void)state;
	int64_t wait[8];
	bool differ = false;
	cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
	peer.upgrade = "cut";
	for (uint64_t seed = 0; seed < 8; seed++) {
		k = link_new(loop, ws, &cfg, NULL, seed, NULL, NULL);
		link_start(k);
		wait[seed] = until(LINK_WAITING)->next_attempt_us - loop_now(loop).boot_us;
		assert_true(wait[seed] <= 60000000);
		differ |= seed > 0 && llabs(wait[seed] - wait[0]) > 1000000;
		link_free(k);
	}
	k = NULL;
	assert_true(differ);
}

static void the_breaker_opens_and_holds_attempts_back(void **state)
{
	(void)state;
	int ten = 10;
	cfg.reconnect_base_ms = 1;
	cfg.reconnect_max_ms = 2;
	cfg.breaker.open_ms = 30000;
	peer.upgrade = "cut";
	go(NULL);
	pump(loop, many_attempts, &ten);
	const struct link_view *v = until(LINK_WAITING);
	assert_int_equal(v->attempts, 10);
	assert_int_equal(v->breaker->state, BREAKER_OPEN);
	assert_true(v->next_attempt_us >= v->breaker->until_us);
	peer.upgrade = NULL;
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true}";
	link_diagnose(k);
	until(LINK_UP);
}

static void a_link_that_gave_up_comes_back_when_asked(void **state)
{
	(void)state;
	peer.close_code = 4003;
	go(NULL);
	until(LINK_GIVEN_UP);
	peer.close_code = 0;
	peer.answer = "{\"op\":\"hello_ack\",\"ok\":true}";
	link_diagnose(k);
	until(LINK_UP);
	assert_int_equal(link_look(k)->attempts, 2);
}

static void freeing_in_any_state_is_clean(void **state)
{
	(void)state;
	static const enum link_state at[] = { LINK_CONNECTING, LINK_HELLO, LINK_UP, LINK_WAITING, LINK_CLOSING };
	cfg.pong_timeout_ms = 40;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		peer.answer = at[i] == LINK_HELLO ? NULL : "{\"op\":\"hello_ack\",\"ok\":true}";
		peer.no_pong = at[i] == LINK_CLOSING;
		peer.close_code = at[i] == LINK_WAITING ? 1001 : 0;
		cfg.reconnect_base_ms = cfg.reconnect_max_ms = 60000;
		go(NULL);
		if (at[i] != LINK_CONNECTING)
			until(at[i]);
		link_free(k);
		k = NULL;
	}
}

/* ---- the table ---- */

static void every_end_has_its_class(void **state)
{
	static const struct { const char *handshake; int code, http; enum link_class want; } t[] = {
		{ "none", 1000, 0, LINK_RETRY }, { "none", 1001, 0, LINK_RETRY }, { "none", 1002, 0, LINK_RETRY_LATER },
		{ "none", 1003, 0, LINK_RETRY_LATER }, { "none", 1006, 0, LINK_RETRY }, { "none", 1007, 0, LINK_RETRY_LATER },
		{ "none", 1008, 0, LINK_RETRY_LATER }, { "none", 1009, 0, LINK_RETRY_LATER }, { "none", 1011, 0, LINK_RETRY },
		{ "none", 1012, 0, LINK_RETRY }, { "none", 1013, 0, LINK_RETRY_LATER }, { "none", 1014, 0, LINK_RETRY_LATER },
		{ "none", 3000, 0, LINK_TERMINAL }, { "none", 3003, 0, LINK_TERMINAL }, { "none", 4003, 0, LINK_RETRY_LATER },
		{ "exai", 4000, 0, LINK_TERMINAL }, { "exai", 4001, 0, LINK_TERMINAL }, { "exai", 4002, 0, LINK_RETRY_LATER },
		{ "exai", 4003, 0, LINK_TERMINAL }, { "exai", 1008, 0, LINK_RETRY_LATER }, { "exai", 1011, 0, LINK_RETRY },
		{ "exai", 4999, 0, LINK_RETRY_LATER }, { "exai", 0, 401, LINK_TERMINAL }, { "none", 0, 403, LINK_TERMINAL },
		{ "none", 0, 301, LINK_TERMINAL }, { "none", 0, 404, LINK_RETRY_LATER }, { "none", 0, 429, LINK_RETRY_LATER },
		{ "none", 0, 500, LINK_RETRY }, { "none", 0, 503, LINK_RETRY }, { "none", 0, 200, LINK_RETRY_LATER },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct ws_end end = { .was_open = t[i].code != 0, .rung = WS_UPGRADE, .close_code = t[i].code, .http_status = t[i].http,
				      .why = t[i].http ? NET_WHY_STATUS : NET_WHY_NONE };
		enum link_cause c = cause_of_end(&end, false);
		if (hello_verdict(hello_find(t[i].handshake), c, &end).class_ != t[i].want)
			fail_msg("%s %d %d", t[i].handshake, t[i].code, t[i].http);
	}
}

static void every_cause_has_a_word_of_its_own_and_whole_sentences(void **state)
{
	(void)state;
	for (int i = 0; i < LINK_CAUSES; i++) {
		const struct cause *c = cause_of((enum link_cause)i);
		if (!c->name || !*c->name || c->name[strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
			fail_msg("cause %d: %s", i, c->name);
		if (i && (!c->what || !*c->what || !*c->why || !*c->todo))
			fail_msg("%s says not what, why or what to do", c->name);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(c->name, cause_of((enum link_cause)j)->name);
	}
}

static void a_failed_rung_names_its_cause(void **state)
{
	static const struct { enum net_why why; enum ws_rung rung; enum link_cause want; } t[] = {
		{ NET_WHY_RESOLVE, WS_RESOLVE, CAUSE_RESOLVE }, { NET_WHY_REFUSED, WS_CONNECT, CAUSE_REFUSED },
		{ NET_WHY_UNREACHABLE, WS_CONNECT, CAUSE_UNREACHABLE }, { NET_WHY_SILENT, WS_CONNECT, CAUSE_CONNECT_TIMEOUT },
		{ NET_WHY_SILENT, WS_TLS, CAUSE_TLS_TIMEOUT }, { NET_WHY_SILENT, WS_UPGRADE, CAUSE_UPGRADE_TIMEOUT },
		{ NET_WHY_CERT_EXPIRED, WS_TLS, CAUSE_TLS_EXPIRED }, { NET_WHY_NOT_TLS, WS_TLS, CAUSE_TLS_PLAIN },
		{ NET_WHY_VAGUE, WS_CONNECT, CAUSE_CONNECT }, { NET_WHY_VAGUE, WS_TLS, CAUSE_TLS }, { NET_WHY_VAGUE, WS_UPGRADE, CAUSE_UPGRADE },
		{ NET_WHY_CUT, WS_UPGRADE, CAUSE_UPGRADE_CUT }, { NET_WHY_ACCEPT_KEY, WS_UPGRADE, CAUSE_ACCEPT_KEY },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(cause_of_why(t[i].why, t[i].rung, 0), t[i].want);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(without_a_hello_a_link_is_up_after_the_upgrade),
	T(the_hello_names_session_and_token_and_waits_for_its_ack),
	T(other_frames_before_the_ack_change_nothing),
	T(a_refused_hello_gives_up_and_says_what_to_do),
	T(a_close_instead_of_an_ack_is_read_by_its_code),
	T(a_jammed_daemon_is_tried_again),
	T(a_normal_close_of_a_link_that_was_up_is_no_jam),
	T(a_hello_without_an_answer_times_out),
	T(a_refused_upgrade_is_read_by_its_status),
	T(a_server_that_is_not_there_waits_and_says_so),
	T(a_handshake_that_is_not_there_is_refused_by_name),
	T(a_missing_pong_closes_with_1011_and_reconnects),
	T(only_the_payload_that_was_sent_is_a_pong),
	T(pings_go_on_and_none_is_sent_while_one_is_out),
	T(frames_that_say_nothing_known_are_counted),
	T(short_ups_do_not_start_the_backoff_over),
	T(the_first_retry_is_jittered_too),
	T(the_breaker_opens_and_holds_attempts_back),
	T(a_link_that_gave_up_comes_back_when_asked),
	T(freeing_in_any_state_is_clean),
	cmocka_unit_test(every_end_has_its_class),
	cmocka_unit_test(every_cause_has_a_word_of_its_own_and_whole_sentences),
	cmocka_unit_test(a_failed_rung_names_its_cause),
};

UNIT_MAIN("link", tests)
