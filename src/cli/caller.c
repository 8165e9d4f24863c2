#include "cli/cli.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/progress.h"
#include "net/ws.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct caller {
	struct loop *loop;
	struct ws_ctx *ws;
	struct ws_conn *conn;
	struct loop_timer *timer;
	bool open, ended, due;
	char why[200];
	int64_t next_id, want;
	struct json_doc *answer;
	int64_t look;                   /* the question how far it is; 0 = none is under way */
	int64_t done, of;               /* what was said to it */
};

static const struct json_limits wide = { .max_bytes = 64 << 20 };
enum { CONNECT_MS = 5000, ANSWER_MS = 120000, LOOK_MS = 200 };

static void on_open(void *ctx) { ((struct caller *)ctx)->open = true; }

static void take_look(struct caller *cl, const struct json *result)
{
	cl->look = 0;
	if (!json_get_bool(result, "running", false))
		return;
	cl->done = json_get_i64(result, "done", -1);
	cl->of = json_get_i64(result, "of", -1);
}

static void on_message(void *ctx, struct slice msg, bool binary)
{
	struct caller *cl = ctx;
	struct json_doc *d;
	struct err e;
	(void)binary;
	if (json_parse(&d, msg, &wide, &e) != RC_OK) {
		snprintf(cl->why, sizeof cl->why, "the engine's answer cannot be read: %.150s", e.text);
		cl->ended = true;
		return;
	}
	int64_t id = json_get_i64(json_root(d), "id", 0);
	if (cl->want && id == cl->want && !cl->answer) {
		cl->answer = d;
		return;
	}
	if (cl->look && id == cl->look)
		take_look(cl, json_get(json_root(d), "result"));
	json_doc_free(d);
}

static void on_end(void *ctx, const struct ws_end *end)
{
	struct caller *cl = ctx;
	cl->ended = true;
	cl->conn = NULL;
	snprintf(cl->why, sizeof cl->why, "%s", end->reason);
}

static void on_due(void *ctx) { ((struct caller *)ctx)->due = true; }

static void arm(struct caller *cl, int64_t ms)
{
	cl->due = false;
	loop_timer_start(cl->timer, ms, 0);
}

enum rc caller_open(struct caller **out, const struct cli *c, bool watch, struct err *e)
{
	static const struct ws_handler handler = { .on_open = on_open, .on_message = on_message, .on_end = on_end };
	struct caller *cl = xcalloc(1, sizeof *cl);
	struct ws_target t = { .url = watch ? "ws://localhost/watch" : "ws://localhost/operate", .unix_path = c->paths->socket,
		.max_message = 64 << 20, .connect_timeout_ms = CONNECT_MS };
	cl->loop = loop_new();
	cl->ws = ws_ctx_new(cl->loop);
	cl->timer = loop_timer_new(cl->loop, on_due, cl);
	cl->next_id = 1;
	cl->conn = ws_connect(cl->ws, &t, &handler, cl);
	arm(cl, CONNECT_MS);
	while (cl->conn && !cl->open && !cl->ended && !cl->due)
		loop_run_once(cl->loop);
	if (!cl->open) {
		err_set(e, RC_NO_ENGINE, "no engine answers at %s; start one with sluice engine start", c->paths->socket);
		caller_close(cl);
		return RC_NO_ENGINE;
	}
	*out = cl;
	struct json_doc *d;
	enum rc rc = caller_call(cl, "hello", "{\"client\":\"cli\"}", &d, e);
	if (rc == RC_OK)
		json_doc_free(d);
	else
		caller_close(cl);
	return rc;
}

void caller_close(struct caller *cl)
{
	if (!cl)
		return;
	json_doc_free(cl->answer);
	loop_timer_free(cl->timer);
	if (cl->conn)
		ws_close(cl->conn, 1000, "done");
	ws_ctx_free(cl->ws);
	loop_free(cl->loop);
	free(cl);
}

void caller_wait(struct caller *cl, int64_t ms)
{
	arm(cl, ms);
	while (!cl->due && !cl->ended)
		loop_run_once(cl->loop);
}

/* The error member of an answer as ours. */
static enum rc refused(const struct json *error, struct err *e)
{
	char text[380];
	text_z(text, sizeof text, json_get_str(error, "message"));
	int64_t rc = json_get_i64(json_get(error, "data"), "rc", RC_INTERNAL);
	return err_set(e, (enum rc)rc, "%s", text);
}

static enum rc ask(struct caller *cl, int64_t *id, const char *method, const char *params, struct err *e)
{
	struct buf b;
	if (!cl->conn)
		return err_set(e, RC_NO_ENGINE, "the engine went away before %s%s%s", method, cl->why[0] ? ": " : "", cl->why);
	buf_init(&b);
	*id = cl->next_id++;
	buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":%" PRId64 ",\"method\":\"%s\",\"params\":%s}", *id, method, params ? params : "{}");
	enum rc rc = ws_send_text(cl->conn, buf_slice(&b), e);
	buf_done(&b);
	return rc;
}

static void wait_answer(struct caller *cl, int64_t ms)
{
	arm(cl, ms);
	while (!cl->answer && !cl->ended && !cl->due)
		loop_run_once(cl->loop);
}

/* What came, or why nothing did. */
static enum rc take_answer(struct caller *cl, const char *method, struct json_doc **out, struct err *e)
{
	struct buf b;
	enum rc rc;
	struct json_doc *d = cl->answer;
	cl->answer = NULL;
	cl->want = 0;
	if (!d)
		return err_set(e, RC_NO_ENGINE, "the engine went away before it answered %s%s%s", method, cl->why[0] ? ": " : "", cl->why);
	const struct json *error = json_get(json_root(d), "error");
	if (error) {
		rc = refused(error, e);
		json_doc_free(d);
		return rc;
	}
	/* callers get the result alone, as a document of its own */
	buf_init(&b);
	json_print(&b, json_get(json_root(d), "result"));
	json_doc_free(d);
	rc = json_parse(out, buf_slice(&b), &wide, e);
	buf_done(&b);
	return rc;
}

enum rc caller_call(struct caller *cl, const char *method, const char *params, struct json_doc **out, struct err *e)
{
	enum rc rc = ask(cl, &cl->want, method, params, e);
	if (rc != RC_OK)
		return rc;
	wait_answer(cl, ANSWER_MS);
	return take_answer(cl, method, out, e);
}

/* Its word is theirs: "cancelled after …" is the answer to the call itself. */
enum rc caller_long(struct caller *cl, const struct caller_long *c, struct progress *p, struct json_doc **out, struct err *e)
{
	int64_t stop = 0, waited = 0;
	cl->look = 0;
	cl->done = cl->of = -1;
	enum rc rc = ask(cl, &cl->want, c->method, c->params, e);
	while (rc == RC_OK && !cl->answer && !cl->ended && waited < ANSWER_MS) {
		wait_answer(cl, LOOK_MS);
		waited = cl->look ? waited + LOOK_MS : 0;
		if (cl->answer || cl->ended)
			break;
		if (!progress_tell(p, cl->done, cl->of) && !stop)
			rc = ask(cl, &stop, c->stop, c->params, e);
		else if (!cl->look)
			rc = ask(cl, &cl->look, c->progress, c->params, e);
	}
	return rc == RC_OK ? take_answer(cl, c->method, out, e) : rc;
}

enum rc cli_call(struct cli *c, const char *method, const char *params, struct json_doc **out, struct err *e)
{
	struct caller *cl;
	enum rc rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	rc = caller_call(cl, method, params, out, e);
	caller_close(cl);
	return rc;
}
