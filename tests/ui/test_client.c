/* The console's end of the protocol against a small server of the same loop. */
#include "tests/unit/unit.h"

#include "base/json.h"
#include "ui/client.h"

enum { GUARD_MS = 10000, TURN_MS = 5 };

/* What the server does and saw, and what the client told. */
static struct world {
	struct loop *loop;
	struct ws_ctx *ws;
	struct ws_server *server;
	struct ws_conn *conn;
	struct client *client;
	char dir[256], path[300];
	char last_path[32];
	const char *epoch;
	int64_t seq;
	int hellos, subscribes, others, accepted;
	bool mute;                      /* answer nothing but hello and subscribe */
	/* the client's side */
	enum client_state state;
	char why[256];
	int ups, snapshots, cycles, answers, errors;
	char error[256];
	int64_t value;
	struct loop_timer *guard;
	bool late;
	int turns;
} w;

static void on_guard(void *ctx)
{
	(void)ctx;
	w.late = ++w.turns > GUARD_MS / TURN_MS;
}

/* Turn the loop until *n reaches `to`. */
static void until(const int *n, int to)
{
	w.late = false;
	w.turns = 0;
	/* a turn of the loop may run timers and then wait: this one keeps it turning */
	loop_timer_start(w.guard, TURN_MS, TURN_MS);
	while (*n < to && !w.late)
		loop_run_once(w.loop);
	loop_timer_stop(w.guard);
	assert_false(w.late);
}

static void server_send(const char *text)
{
	struct err e;
	assert_int_equal(ws_send_text(w.conn, slice_of(text), &e), RC_OK);
}

static void answer(int64_t id, const char *result)
{
	struct buf b = { 0 };
	buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":%lld,%s}", (long long)id, result);
	server_send(buf_z(&b));
	buf_done(&b);
}

static void changed(const char *epoch, int64_t seq, int64_t number)
{
	struct buf b = { 0 };
	buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"changed\",\"params\":{\"epoch\":\"%s\",\"seq\":%lld,\"topic\":\"cycle\",\"data\":{\"n\":%lld}}}",
		 epoch, (long long)seq, (long long)number);
	server_send(buf_z(&b));
	buf_done(&b);
}

static void *server_accept(void *ctx, struct ws_conn *conn, const struct ws_peer *peer)
{
	(void)ctx;
	w.conn = conn;
	w.accepted++;
	snprintf(w.last_path, sizeof(w.last_path), "%s", peer->path);
	return &w;
}

static void server_message(void *ctx, struct ws_conn *conn, struct slice msg)
{
	struct json_doc *doc;
	struct err e;
	struct buf b = { 0 };
	(void)ctx, (void)conn;
	assert_int_equal(json_parse(&doc, msg, NULL, &e), RC_OK);
	const struct json *root = json_root(doc);
	int64_t id = json_get_i64(root, "id", -1);
	struct slice method = json_get_str(root, "method");
	assert_true(slice_is(json_get_str(root, "jsonrpc"), "2.0"));
	if (slice_is(method, "hello")) {
		w.hellos++;
		answer(id, "\"result\":{\"role\":\"operator\"}");
	} else if (slice_is(method, "subscribe")) {
		w.subscribes++;
		buf_addf(&b, "\"result\":{\"epoch\":\"%s\",\"seq\":%lld,\"topics\":{\"overview\":{},\"cycle\":{\"n\":1}}}", w.epoch, (long long)w.seq);
		answer(id, buf_z(&b));
	} else {
		w.others++;
		if (slice_is(method, "cycle.step"))
			answer(id, "\"error\":{\"code\":-32005,\"message\":\"grant needed\"}");
		else if (!w.mute)
			answer(id, "\"result\":{\"n\":42}");
	}
	buf_done(&b);
	json_doc_free(doc);
}

static void server_end(void *ctx, const struct ws_end *end)
{
	(void)ctx, (void)end;
	w.conn = NULL;
}

static void server_http(void *ctx, const char *path, const char *query, struct ws_http_reply *reply)
{
	(void)ctx, (void)path, (void)query;
	reply->status = 404;
}

static void on_state(void *ctx, enum client_state s, const char *why)
{
	(void)ctx;
	w.state = s;
	w.ups += s == CLIENT_UP;
	snprintf(w.why, sizeof(w.why), "%s", why);
}

static void on_hello(void *ctx, const struct json *hello)
{
	(void)ctx;
	assert_true(slice_is(json_get_str(hello, "role"), "operator"));
}

static void on_snapshot(void *ctx, struct slice topic, const struct json *data)
{
	(void)ctx;
	w.snapshots++;
	if (slice_is(topic, "cycle")) {
		w.cycles++;
		w.value = json_get_i64(data, "n", -1);
	}
}

static void on_answer(void *ctx, const struct json *result, const char *error)
{
	(void)ctx;
	assert_int_equal(result == NULL, error != NULL);
	w.answers++;
	w.errors += error != NULL;
	snprintf(w.error, sizeof(w.error), "%s", error ? error : "");
}

static void serve(void)
{
	static const char *const paths[] = { "/operate", "/watch", NULL };
	static const struct ws_server_handler handler = { server_accept, server_message, server_end, server_http };
	const struct ws_listen l = { .unix_path = w.path, .ws_paths = paths };
	struct err e;
	w.ws = ws_ctx_new(w.loop);
	if (ws_server_new(&w.server, w.ws, &l, &handler, NULL, &e) != RC_OK)
		fail_msg("%s", e.text);
}

static void begin(bool watch)
{
	static const struct client_events ev = { NULL, on_state, on_hello, on_snapshot };
	w = (struct world){ .epoch = "e1", .seq = 5 };
	unit_mkdir(w.dir);
	snprintf(w.path, sizeof(w.path), "%s/s", w.dir);
	w.loop = loop_new();
	w.guard = loop_timer_new(w.loop, on_guard, NULL);
	serve();
	w.client = client_new(w.loop, w.path, watch, &ev);
	until(&w.ups, 1);
}

static void end(void)
{
	client_free(w.client);
	if (w.ws)
		ws_ctx_free(w.ws);
	loop_timer_free(w.guard);
	loop_free(w.loop);
	unlink(w.path);
	rmdir(w.dir);
}

static void it_says_hello_and_subscribes(void **state)
{
	(void)state;
	begin(false);
	assert_string_equal(w.last_path, "/operate");
	assert_int_equal(w.hellos, 1);
	assert_int_equal(w.subscribes, 1);
	assert_int_equal(w.snapshots, 2);
	assert_int_equal(w.state, CLIENT_UP);
	assert_int_equal(client_silent_us(w.client), -1);
	end();
}

static void changes_in_sequence_are_taken(void **state)
{
	(void)state;
	begin(false);
	changed("e1", 6, 60);
	changed("e1", 7, 70);
	until(&w.cycles, 3);
	assert_int_equal(w.value, 70);
	assert_int_equal(w.subscribes, 1);
	end();
}

static void a_gap_and_another_epoch_subscribe_again(void **state)
{
	(void)state;
	begin(false);
	w.seq = 9;
	changed("e1", 8, 80);
	until(&w.subscribes, 2);
	until(&w.cycles, 2);
	assert_int_equal(w.value, 1);           /* the whole state, not the change after the gap */
	w.epoch = "e2";
	w.seq = 0;
	changed("e2", 10, 100);
	until(&w.subscribes, 3);
	until(&w.cycles, 3);
	assert_int_equal(w.value, 1);
	changed("e2", 1, 11);
	until(&w.cycles, 4);
	assert_int_equal(w.value, 11);
	end();
}

static void answers_and_refusals_reach_who_asked(void **state)
{
	(void)state;
	begin(false);
	client_call(w.client, "candidates", (struct slice){ 0 }, on_answer, NULL);
	assert_int_equal(w.answers, 0);         /* never from inside */
	assert_int_equal(client_pending(w.client), 1);
	until(&w.answers, 1);
	assert_int_equal(w.errors, 0);
	client_call(w.client, "cycle.step", SLICE_LIT("{}"), on_answer, NULL);
	until(&w.answers, 2);
	assert_string_equal(w.error, "grant needed");
	assert_int_equal(client_pending(w.client), 0);
	end();
}

static void a_watcher_does_not_even_send_what_changes(void **state)
{
	static const char *const writes[] = { "cycle.start", "cycle.step", "cycle.hold", "grant.approve", "engine.stop", "mode.set", "no.such" };
	(void)state;
	begin(true);
	assert_string_equal(w.last_path, "/watch");
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		client_call(w.client, writes[i], (struct slice){ 0 }, on_answer, NULL);
		until(&w.answers, (int)i + 1);
		assert_non_null(strstr(w.error, "watching is read-only"));
	}
	assert_int_equal(w.others, 0);
	client_call(w.client, "audit.tail", (struct slice){ 0 }, on_answer, NULL);
	until(&w.answers, (int)ARRAY_LEN(writes) + 1);
	assert_int_equal(w.others, 1);
	end();
}

static void what_was_under_way_is_unknown_and_never_repeated(void **state)
{
	(void)state;
	begin(false);
	w.mute = true;
	client_call(w.client, "grant.approve", (struct slice){ 0 }, on_answer, NULL);
	until(&w.others, 1);
	ws_close(w.conn, 1011, "test");
	until(&w.answers, 1);
	assert_non_null(strstr(w.error, "outcome unknown"));
	until(&w.ups, 2);                       /* attached again by itself */
	assert_int_equal(w.others, 1);
	assert_int_equal(w.subscribes, 2);
	end();
}

static void without_a_connection_nothing_is_sent_later(void **state)
{
	(void)state;
	begin(false);
	ws_ctx_free(w.ws);
	w.ws = NULL;
	int lost = 0;
	while (!lost) {
		loop_run_once(w.loop);
		lost = w.state == CLIENT_LOST;
	}
	client_call(w.client, "cycle.step", (struct slice){ 0 }, on_answer, NULL);
	until(&w.answers, 1);
	assert_non_null(strstr(w.error, "not sent"));
	serve();
	until(&w.ups, 2);
	assert_int_equal(w.others, 0);
	end();
}

static void what_is_not_json_ends_the_connection(void **state)
{
	(void)state;
	begin(false);
	server_send("{\"jsonrpc\":");
	until(&w.ups, 2);
	assert_int_equal(w.accepted, 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_hello_and_subscribes),
		cmocka_unit_test(changes_in_sequence_are_taken),
		cmocka_unit_test(a_gap_and_another_epoch_subscribe_again),
		cmocka_unit_test(answers_and_refusals_reach_who_asked),
		cmocka_unit_test(a_watcher_does_not_even_send_what_changes),
		cmocka_unit_test(what_was_under_way_is_unknown_and_never_repeated),
		cmocka_unit_test(without_a_connection_nothing_is_sent_later),
		cmocka_unit_test(what_is_not_json_ends_the_connection),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui client", tests, NULL, NULL);
}
