#include "ui/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	RECONNECT_MS = 250,
	RECONNECT_MAX_MS = 4000,
	PING_US = 5000000,              /* between pings */
	SILENT_US = 12000000            /* without any sign: stale */
};

struct call {
	struct call *next;
	int64_t id;
	client_done_fn *done;
	void *ctx;
	char method[40];
};

struct client {
	struct loop *loop;
	struct ws_ctx *ws;
	struct ws_conn *conn;           /* NULL between attempts */
	char *path;
	bool watch, open;
	struct client_events ev;
	enum client_state state;
	struct call *calls, *refused;   /* refused: to be answered on the next turn */
	int64_t last_id;
	struct buf epoch;
	int64_t seq;
	int64_t wait_ms, heard_us, pinged_us;
	struct loop_timer *again, *answer;
};

/* The allow-list for a watching connection; the engine has its own. */
static const char *const reads[] = {
	"hello", "methods", "subscribe", "status", "cycle.status", "lanes", "links", "links.diagnose", "candidates", "candidates.one", "candidates.progress", "candidates.stop", "policy.explain", "policy.try", "plan.show",
	"plan.items", "grant.list", "audit.tail", "audit.verify", "audit.progress", "audit.stop", "policies", "checks", "metrics", "dead.list", "protect.list",
	"escrow.list", "escrow.verify",
};

bool client_method_reads(const char *method)
{
	for (size_t i = 0; i < ARRAY_LEN(reads); i++)
		if (strcmp(reads[i], method) == 0)
			return true;
	return false;
}

static void set_state(struct client *c, enum client_state s, const char *why)
{
	c->state = s;
	c->ev.on_state(c->ev.ctx, s, why);
}

/* ---- calls ---- */

static struct call *call_new(const char *method, client_done_fn *done, void *ctx)
{
	struct call *k = xcalloc(1, sizeof(*k));
	snprintf(k->method, sizeof(k->method), "%s", method);
	k->done = done;
	k->ctx = ctx;
	return k;
}

static void answer_refused(void *ctx)
{
	struct client *c = ctx;
	while (c->refused) {
		struct call *k = c->refused;
		char why[160];
		c->refused = k->next;
		if (c->watch && !client_method_reads(k->method))
			snprintf(why, sizeof(why), "not sent: watching is read-only, and %s changes something", k->method);
		else
			snprintf(why, sizeof(why), "not sent: no connection to the engine");
		k->done(k->ctx, NULL, why);
		free(k);
	}
}

static bool send_call(struct client *c, struct call *k, struct slice params)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "jsonrpc", "2.0");
	jw_ki64(&w, "id", k->id);
	jw_kz(&w, "method", k->method);
	jw_key(&w, "params");
	jw_raw(&w, params.n > 0 ? params : SLICE_LIT("{}"));
	jw_end_obj(&w);
	bool sent = ws_send_text(c->conn, buf_slice(&b), NULL) == RC_OK;
	buf_done(&b);
	return sent;
}

void client_call(struct client *c, const char *method, struct slice params, client_done_fn *done, void *ctx)
{
	struct call *k = call_new(method, done, ctx);
	k->id = ++c->last_id;
	bool allowed = !c->watch || client_method_reads(method);
	if (allowed && c->open && send_call(c, k, params)) {
		k->next = c->calls;
		c->calls = k;
		return;
	}
	k->next = c->refused;
	c->refused = k;
	loop_timer_start(c->answer, 0, 0);
}

int client_pending(const struct client *c)
{
	int n = c->refused ? 1 : 0;
	for (const struct call *k = c->calls; k; k = k->next)
		n++;
	return n;
}

static void drop_calls(struct client *c, bool tell)
{
	struct call *all = c->calls;
	c->calls = NULL;
	while (all) {
		struct call *k = all;
		char why[160];
		all = k->next;
		snprintf(why, sizeof(why), "the connection ended while %s was under way: outcome unknown, look before you repeat it", k->method);
		if (tell)
			k->done(k->ctx, NULL, why);
		free(k);
	}
}

static void take_answer(struct client *c, const struct json *msg, int64_t id)
{
	struct call **at = &c->calls;
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	struct call *k = *at;
	if (!k)
		return;
	*at = k->next;
	const struct json *error = json_get(msg, "error");
	if (error) {
		struct slice s = json_get_str(error, "message");
		char *why = xstrndup(s.n ? s.p : "the engine refused without a reason", s.n ? s.n : 35);
		k->done(k->ctx, NULL, why);
		free(why);
	} else {
		k->done(k->ctx, json_get(msg, "result"), NULL);
	}
	free(k);
}

/* ---- snapshots ---- */

static void on_subscribed(void *ctx, const struct json *result, const char *error)
{
	struct client *c = ctx;
	if (error) {
		ws_close(c->conn, 1000, "cannot subscribe");
		return;
	}
	struct slice epoch = json_get_str(result, "epoch");
	buf_clear(&c->epoch);
	buf_add(&c->epoch, epoch.p, epoch.n);
	c->seq = json_get_i64(result, "seq", 0);
	for (const struct json *t = json_first(json_get(result, "topics")); t; t = json_next(t))
		c->ev.on_snapshot(c->ev.ctx, json_key(t), t);
	if (c->state != CLIENT_UP)
		set_state(c, CLIENT_UP, "");
	c->wait_ms = RECONNECT_MS;
}

static void subscribe(struct client *c)
{
	c->seq = -1;
	client_call(c, "subscribe", SLICE_LIT("{\"topics\":[\"overview\",\"cycle\"]}"), on_subscribed, c);
}

static void on_hello(void *ctx, const struct json *result, const char *error)
{
	struct client *c = ctx;
	if (error)
		ws_close(c->conn, 1000, "no hello");
	else
		c->ev.on_hello(c->ev.ctx, result);
}

static void take_change(struct client *c, const struct json *p)
{
	int64_t seq = json_get_i64(p, "seq", -1);
	if (c->seq < 0)
		return;                 /* a subscription is under way and brings it all */
	if (seq != c->seq + 1 || !slice_eq(json_get_str(p, "epoch"), buf_slice(&c->epoch))) {
		subscribe(c);
		return;
	}
	c->seq = seq;
	c->ev.on_snapshot(c->ev.ctx, json_get_str(p, "topic"), json_get(p, "data"));
}

/* ---- the connection ---- */

static void heard(struct client *c)
{
	c->heard_us = loop_now(c->loop).boot_us;
}

static void on_open(void *ctx)
{
	struct client *c = ctx;
	c->open = true;
	heard(c);
	client_call(c, "hello", SLICE_LIT("{\"client\":\"console\"}"), on_hello, c);
	subscribe(c);
}

static void on_message(void *ctx, struct slice msg, bool binary)
{
	static const struct json_limits limits = { .max_bytes = 64u << 20, .max_values = 4000000 };
	struct client *c = ctx;
	struct json_doc *doc;
	struct err e;
	int64_t id;
	heard(c);
	if (binary || json_parse(&doc, msg, &limits, &e) != RC_OK) {
		ws_close(c->conn, 1007, "not JSON");
		return;
	}
	const struct json *root = json_root(doc);
	if (json_i64(json_get(root, "id"), &id))
		take_answer(c, root, id);
	else if (slice_is(json_get_str(root, "method"), "changed"))
		take_change(c, json_get(root, "params"));
	json_doc_free(doc);
}

static void on_pong(void *ctx, struct slice payload)
{
	(void)payload;
	heard(ctx);
}

static void on_end(void *ctx, const struct ws_end *end)
{
	struct client *c = ctx;
	char why[256];
	c->conn = NULL;
	c->open = false;
	drop_calls(c, true);
	if (end->close_code == 1001)
		snprintf(why, sizeof(why), "the engine stopped");
	else
		snprintf(why, sizeof(why), "%s%s", end->was_open ? "the connection to the engine ended: " : "no engine: ",
			 *end->reason ? end->reason : "nothing listens on its socket");
	set_state(c, CLIENT_LOST, why);
	loop_timer_start(c->again, c->wait_ms, 0);
	c->wait_ms = MIN(c->wait_ms * 2, RECONNECT_MAX_MS);
}

static void attempt(void *ctx)
{
	static const struct ws_handler handler = {
		.on_open = on_open, .on_message = on_message, .on_pong = on_pong, .on_end = on_end,
	};
	struct client *c = ctx;
	struct ws_target target = {
		.url = c->watch ? "ws://localhost/watch" : "ws://localhost/operate",
		.unix_path = c->path,
		.connect_timeout_ms = 3000,
		.max_message = 64u << 20,
	};
	c->conn = ws_connect(c->ws, &target, &handler, c);
}

struct client *client_new(struct loop *l, const char *socket_path, bool watch, const struct client_events *ev)
{
	struct client *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->ws = ws_ctx_new(l);
	c->path = xstrdup(socket_path);
	c->watch = watch;
	c->ev = *ev;
	c->wait_ms = RECONNECT_MS;
	c->seq = -1;
	c->again = loop_timer_new(l, attempt, c);
	c->answer = loop_timer_new(l, answer_refused, c);
	attempt(c);
	return c;
}

static void quiet_state(void *ctx, enum client_state s, const char *why)
{
	(void)ctx, (void)s, (void)why;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	drop_calls(c, false);
	for (struct call *k = c->refused; k;) {
		struct call *next = k->next;
		free(k);
		k = next;
	}
	c->refused = NULL;
	c->ev.on_state = quiet_state;
	ws_ctx_free(c->ws);             /* on_end may come from here */
	loop_timer_free(c->again);
	loop_timer_free(c->answer);
	buf_done(&c->epoch);
	free(c->path);
	free(c);
}

void client_tick(struct client *c, int64_t now_us)
{
	if (!c->open || now_us - c->pinged_us < PING_US)
		return;
	c->pinged_us = now_us;
	ws_ping(c->conn, SLICE_LIT("console"));
}

int64_t client_silent_us(const struct client *c)
{
	int64_t silent = loop_now(c->loop).boot_us - c->heard_us;
	return c->state == CLIENT_UP && c->open && silent <= SILENT_US ? -1 : silent;
}
