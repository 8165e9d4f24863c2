#include "sim/daemon_impl.h"

#include <stdio.h>
#include <string.h>

#include "sim/gen.h"

static void refuse_hello(struct answer *out, const char *error, int code, const char *reason)
{
	struct jw w;
	if (error) {
		jw_init(&w, &out->text);
		jw_obj(&w);
		jw_kz(&w, "op", "hello_ack");
		jw_kbool(&w, "ok", false);
		jw_kz(&w, "error", error);
		jw_end_obj(&w);
	}
	out->close_code = code;
	out->close_reason = reason;
}

static bool good_session_id(struct slice s)
{
	bool ok = s.n >= 3 && s.n <= 64;
	for (size_t i = 0; ok && i < s.n; i++)
		ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_' ||
		     s.p[i] == '-';
	return ok;
}

static void name_session(struct session *s, struct slice wish)
{
	if (good_session_id(wish))
		snprintf(s->id, sizeof(s->id), "%.*s", SLICE_FMT(wish));
	else
		snprintf(s->id, sizeof(s->id), "sim_%016llx", (unsigned long long)gen_hash((uint64_t)s->d->sim->opts->seed, (uint64_t)s->conn, 9));
}

static void hello(struct session *s, const struct json *root, struct answer *out)
{
	const struct link_opts *o = s->d->o;
	struct slice token = options_credential(o->token, o->token_secret);
	struct jw w;
	if (!slice_is(json_get_str(root, "op"), "hello")) {
		refuse_hello(out, "missing_hello", 4001, o->newer ? "unrecognized protocol" : "missing hello");
		return;
	}
	if (token.n && !slice_eq(token, json_get_str(root, "token"))) {
		refuse_hello(out, "unauthorized", 4003, "unauthorized");
		return;
	}
	name_session(s, json_get_str(root, "session_id"));
	jw_init(&w, &out->text);
	jw_obj(&w);
	jw_kz(&w, "op", "hello_ack");
	jw_kbool(&w, "ok", true);
	jw_kz(&w, "session_id", s->id);
	jw_end_obj(&w);
	out->acks = true;
}

/* ---- after hello ---- */

static void request_id(struct jw *w, const struct json *root)
{
	struct slice id = json_get_str(root, "request_id");
	if (id.n)
		jw_kstr(w, "request_id", id);
}

static void timestamp(struct jw *w)
{
	struct buf t = { 0 };
	int64_t us = now_read().wall_us;
	buf_addf(&t, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
	jw_key(w, "timestamp");
	jw_raw(w, buf_slice(&t));
	buf_done(&t);
}

static void list_tools(struct session *s, const struct json *root, struct jw *w)
{
	jw_kz(w, "op", "list_tools_res");
	if (s->d->o->newer)
		request_id(w, root);
	jw_key(w, "tools");
	jw_arr(w);
	for (int64_t i = 0; i < s->d->o->tools; i++) {
		char name[32];
		snprintf(name, sizeof(name), "tool_%lld", (long long)i);
		jw_obj(w);
		jw_kz(w, "name", name);
		jw_kz(w, "description", "a tool of the simulator");
		jw_key(w, "inputSchema");
		jw_obj(w);
		jw_kz(w, "type", "object");
		jw_end_obj(w);
		jw_end_obj(w);
	}
	jw_end_arr(w);
	timestamp(w);
}

static void ping(struct session *s, const struct json *root, struct jw *w)
{
	(void)s;
	jw_kz(w, "op", "pong");
	request_id(w, root);
	timestamp(w);
}

static void call_tool(struct session *s, const struct json *root, struct jw *w)
{
	jw_kz(w, "op", "call_tool_res");
	request_id(w, root);
	if (!s->d->o->newer)
		jw_kbool(w, "ok", true);
	jw_key(w, "outputs");
	jw_arr(w);
	jw_obj(w);
	jw_kz(w, "type", "text");
	jw_kstr(w, "text", json_get_str(root, "name"));
	jw_end_obj(w);
	jw_end_arr(w);
}

static const struct {
	const char *op;
	bool newer_only;
	void (*fn)(struct session *s, const struct json *root, struct jw *w);
} calls[] = {
	{ "list_tools", false, list_tools },
	{ "call_tool", false, call_tool },
	{ "tool_call", true, call_tool },
	{ "ping", true, ping },
};

static void unknown(struct jw *w, struct slice op)
{
	struct buf m = { 0 };
	buf_adds(&m, "Unknown operation: ");
	buf_add(&m, op.p, op.n);
	jw_kz(w, "op", "error");
	jw_key(w, "error");
	jw_obj(w);
	jw_kz(w, "code", "INVALID_REQUEST");
	jw_kstr(w, "message", buf_slice(&m));
	jw_end_obj(w);
	buf_done(&m);
}

static void call(struct session *s, const struct json *root, struct answer *out)
{
	struct slice op = json_get_str(root, "op");
	struct jw w;
	size_t i = 0, n = sizeof(calls) / sizeof(*calls);
	while (i < n && (!slice_is(op, calls[i].op) || (calls[i].newer_only && !s->d->o->newer)))
		i++;
	jw_init(&w, &out->text);
	jw_obj(&w);
	if (i < n)
		calls[i].fn(s, root, &w);
	else
		unknown(&w, op);
	jw_end_obj(&w);
}

void talk(struct session *s, struct slice msg, bool binary, struct answer *out)
{
	const struct link_opts *o = s->d->o;
	struct json_doc *doc = NULL;
	if (o->handshake == HANDSHAKE_ECHO)
		buf_add(&out->text, msg.p, msg.n);
	if (o->handshake != HANDSHAKE_EXAI)
		return;
	bool ok = !binary && json_parse(&doc, msg, NULL, NULL) == RC_OK && json_is_object(json_root(doc));
	if (s->ready)
		call(s, ok ? json_root(doc) : NULL, out);
	else if (ok)
		hello(s, json_root(doc), out);
	else
		refuse_hello(out, o->newer ? NULL : "invalid_hello", 4000, o->newer ? "invalid message" : "invalid hello");
	json_doc_free(doc);
}
