#include "link/hello.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- exai: the hello of the EX-AI daemon ---- */

static bool exai_first(const struct cfg_link *cfg, const struct secret *token, struct buf *out)
{
	struct jw w;
	/* Room for every byte escaped, so that growing leaves no copy of the token behind. */
	out->cap = 512 + (token ? 6 * secret_use(token).n : 0);
	out->p = xcalloc(1, out->cap);
	jw_init(&w, out);
	jw_obj(&w);
	jw_kz(&w, "op", "hello");
	if (cfg->session_id)
		jw_kz(&w, "session_id", cfg->session_id);
	if (token)
		jw_kstr(&w, "token", secret_use(token));
	else
		jw_kz(&w, "token", "");
	jw_end_obj(&w);
	return true;
}

static const struct {
	const char *error;
	struct hello_verdict v;
} exai_errors[] = {
	{ "unauthorized", { LINK_TERMINAL, "the token is not the daemon's: put the right one in token_file" } },
	{ "jwt_required", { LINK_TERMINAL, "the daemon wants a JWT, which this version cannot send" } },
	{ "invalid_hello", { LINK_TERMINAL, "the daemon does not understand our hello: is this its port, and handshake exai right?" } },
	{ "missing_hello", { LINK_TERMINAL, "the daemon expects another first frame: is handshake exai right?" } },
};

static struct json_doc *frame_parse(struct slice frame)
{
	struct json_limits lim = { .max_bytes = 4 << 20, .max_depth = 64, .max_values = 200000 };
	struct json_doc *doc = NULL;
	if (json_parse(&doc, frame, &lim, NULL) != RC_OK)
		return NULL;
	return doc;
}

static void exai_refusal(const struct json *root, struct hello_verdict *v, char error[64])
{
	struct slice why = json_get_str(root, "error");
	text_z(error, 64, why);
	*v = (struct hello_verdict){ LINK_RETRY_LATER, "the daemon refused the hello: look at its log" };
	for (size_t i = 0; i < sizeof exai_errors / sizeof *exai_errors; i++)
		if (slice_is(why, exai_errors[i].error))
			*v = exai_errors[i].v;
}

static enum hello_answer exai_answer(struct slice frame, struct hello_verdict *v, char error[64])
{
	struct json_doc *doc = frame_parse(frame);
	const struct json *root = doc ? json_root(doc) : NULL;
	enum hello_answer a = HELLO_OTHER;
	bool ok = false;
	if (slice_is(json_get_str(root, "op"), "hello_ack") && json_bool(json_get(root, "ok"), &ok)) {
		a = ok ? HELLO_ACK : HELLO_REFUSED;
		if (!ok)
			exai_refusal(root, v, error);
	}
	json_doc_free(doc);
	return a;
}

/* Errors come without op in newer daemons. */
static bool exai_known(struct slice frame)
{
	static const char *const ops[] = { "hello_ack", "progress", "stream_chunk", "stream_complete", "call_tool_res", "call_tool_ack",
					   "list_tools_res", "error", "pong", "cancelled", "health_res", "rotate_token_res" };
	struct json_doc *doc = frame_parse(frame);
	const struct json *root = doc ? json_root(doc) : NULL;
	bool known = json_is_object(json_get(root, "error"));
	for (size_t i = 0; i < sizeof ops / sizeof *ops && !known; i++)
		known = slice_is(json_get_str(root, "op"), ops[i]);
	json_doc_free(doc);
	return known;
}

static const struct hello_close exai_closes[] = {
	{ 1000, { LINK_RETRY, "the daemon closed in good order: it may have been stopped or restarted" } },
	{ 1008, { LINK_RETRY_LATER, "the daemon allows no more connections from this address: close others, or raise its limit" } },
	{ 4000, { LINK_TERMINAL, "the daemon does not understand our hello: is this its port, and handshake exai right?" } },
	{ 4001, { LINK_TERMINAL, "the daemon expects another first frame: is handshake exai right?" } },
	{ 4002, { LINK_RETRY_LATER, "our hello did not reach the daemon in time: it or the network is slow" } },
	{ 4003, { LINK_TERMINAL, "the token is not the daemon's: put the right one in token_file" } },
	{ 0, { LINK_RETRY, NULL } }
};

/* ---- none: up after the upgrade ---- */

static bool none_first(const struct cfg_link *cfg, const struct secret *token, struct buf *out)
{
	(void)cfg;
	(void)token;
	(void)out;
	return false;
}

static enum hello_answer none_answer(struct slice frame, struct hello_verdict *v, char error[64])
{
	(void)frame;
	(void)v;
	(void)error;
	return HELLO_ACK;
}

static const struct hello_close no_closes[] = { { 0, { LINK_RETRY, NULL } } };

/* ---- exai-dashboard and json-events: no hello, but JSON ---- */

static bool events_known(struct slice frame)
{
	struct json_doc *doc = frame_parse(frame);
	bool known = doc && json_is_object(json_root(doc));
	json_doc_free(doc);
	return known;
}

/* The types its monitoring sends; a test event and cache metrics came later. */
static bool dashboard_known(struct slice frame)
{
	static const char *const types[] = { "initial_stats", "event", "session_metrics", "semaphore_metrics", "websocket_health", "stats",
					     "recent_events", "historical_data", "time_series", "test_event", "cache_metrics" };
	struct json_doc *doc = frame_parse(frame);
	struct slice type = json_get_str(doc ? json_root(doc) : NULL, "type");
	bool known = false;
	for (size_t i = 0; i < sizeof types / sizeof *types && !known; i++)
		known = slice_is(type, types[i]);
	json_doc_free(doc);
	return known;
}

static const struct hello hellos[] = {
	{ "none", none_first, none_answer, NULL, no_closes },
	{ "exai", exai_first, exai_answer, exai_known, exai_closes },
	{ "exai-dashboard", none_first, none_answer, dashboard_known, no_closes },
	{ "json-events", none_first, none_answer, events_known, no_closes },
};

const struct hello *hello_find(const char *name)
{
	for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++)
		if (strcmp(hellos[i].name, name) == 0)
			return &hellos[i];
	return NULL;
}

void hello_names(struct buf *out)
{
	for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
		if (i)
			buf_adds(out, ", ");
		buf_adds(out, hellos[i].name);
	}
}

/* ---- what an end means ---- */

static const struct hello_close *own_close(const struct hello *h, int code)
{
	for (const struct hello_close *r = h ? h->closes : no_closes; r->code; r++)
		if (r->code == code)
			return r;
	return NULL;
}

struct hello_verdict hello_verdict(const struct hello *h, enum link_cause c, const struct ws_end *end)
{
	const struct hello_close *r = end->was_open && !end->by_us && c != CAUSE_JAMMED ? own_close(h, end->close_code) : NULL;
	if (r)
		return r->v;
	return (struct hello_verdict){ cause_class(c, end), NULL };
}
