/* One request per message: parse, check against the table, call; and the answers. */
#include "api/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_PARSE = -32700, RPC_INVALID = -32600, RPC_NO_METHOD = -32601, RPC_PARAMS = -32602 };

const char *method_flag_name(enum method_flag f)
{
	switch (f) {
	case METHOD_READ: return "READ";
	case METHOD_WRITE: return "WRITE";
	case METHOD_DANGER: return "DANGER";
	}
	return "";
}

const char *param_type_name(enum param_type t)
{
	switch (t) {
	case PARAM_STRING: return "string";
	case PARAM_INTEGER: return "integer";
	case PARAM_BOOL: return "boolean";
	case PARAM_OBJECT: return "object";
	case PARAM_ARRAY: return "array";
	}
	return "";
}

const struct method *api_method_find(struct slice name)
{
	for (const struct method *m = api_methods; m->name; m++)
		if (slice_is(name, m->name))
			return m;
	return NULL;
}

/* ---- answers ---- */

void conn_send(struct conn *c, struct slice msg)
{
	struct err e;
	if (c->ws && ws_send_text(c->ws, msg, &e) != RC_OK) {
		log_warn("api", c->who.name, "closed: %s", e.text);
		ws_close(c->ws, 1008, "the reader is too slow");
	}
}

static void send_error(struct conn *c, struct slice id, int code, enum rc rc, const char *why)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "jsonrpc", "2.0");
	jw_key(&w, "id");
	if (id.n)
		jw_raw(&w, id);
	else
		jw_null(&w);
	jw_key(&w, "error");
	jw_obj(&w);
	jw_ki64(&w, "code", code);
	jw_kz(&w, "message", why);
	jw_key(&w, "data");
	jw_obj(&w);
	jw_ki64(&w, "rc", rc);
	jw_kz(&w, "name", rc_name(rc));
	jw_end_obj(&w);
	jw_end_obj(&w);
	jw_end_obj(&w);
	conn_send(c, buf_slice(&b));
	buf_done(&b);
}

void conn_unpend(struct conn *c)
{
	if (--c->pending == 0 && !c->ws)
		free(c);
}

static void request_end(struct request *q)
{
	conn_unpend(q->conn);
	buf_done(&q->id);
	free(q);
}

void rpc_result(struct request *q, struct buf *result)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	if (q->id.n) {
		jw_init(&w, &b);
		jw_obj(&w);
		jw_kz(&w, "jsonrpc", "2.0");
		jw_key(&w, "id");
		jw_raw(&w, buf_slice(&q->id));
		jw_key(&w, "result");
		jw_raw(&w, result->n ? buf_slice(result) : SLICE_LIT("{}"));
		jw_end_obj(&w);
		conn_send(q->conn, buf_slice(&b));
	}
	buf_done(&b);
	buf_done(result);
	request_end(q);
}

void rpc_fail(struct request *q, enum rc rc, const char *why)
{
	if (q->id.n)
		send_error(q->conn, buf_slice(&q->id), -32000 - (int)rc, rc, why);
	request_end(q);
}

void rpc_reply(void *ctx, enum rc rc, const struct err *e, const char *result)
{
	struct buf b;
	if (rc != RC_OK) {
		rpc_fail(ctx, rc, e ? e->text : "it failed");
		return;
	}
	buf_init(&b);
	buf_adds(&b, result ? result : "{}");
	rpc_result(ctx, &b);
}

/* ---- requests ---- */

static bool type_fits(const struct json *v, enum param_type t)
{
	int64_t n;
	bool b;
	switch (t) {
	case PARAM_STRING: return json_is_string(v);
	case PARAM_INTEGER: return json_i64(v, &n);
	case PARAM_BOOL: return json_bool(v, &b);
	case PARAM_OBJECT: return json_is_object(v);
	case PARAM_ARRAY: return json_is_array(v);
	}
	return false;
}

static const struct param *param_find(const struct method *m, struct slice name)
{
	for (const struct param *p = m->params; p->name; p++)
		if (slice_is(name, p->name))
			return p;
	return NULL;
}

static bool check_params(const struct method *m, const struct json *params, char why[200])
{
	char name[64];
	if (params && !json_is_object(params)) {
		snprintf(why, 200, "%s: params must be an object", m->name);
		return false;
	}
	for (const struct json *v = json_first(params); v; v = json_next(v)) {
		const struct param *p = param_find(m, json_key(v));
		if (!p)
			snprintf(why, 200, "%s: unknown parameter %s", m->name, text_z(name, sizeof name, json_key(v)));
		else if (!type_fits(v, p->type))
			snprintf(why, 200, "%s: %s must be %s %s", m->name, p->name,
				 p->type == PARAM_INTEGER || p->type == PARAM_OBJECT || p->type == PARAM_ARRAY ? "an" : "a", param_type_name(p->type));
		else
			continue;
		return false;
	}
	for (const struct param *p = m->params; p->name; p++)
		if (p->required && !json_get(params, p->name)) {
			snprintf(why, 200, "%s: %s is missing", m->name, p->name);
			return false;
		}
	return true;
}

/* Who may: checked here, before any handler, whatever the client drew on its screen. */
static bool permitted(struct conn *c, const struct method *m, struct slice id)
{
	char why[200];
	if (m->flag == METHOD_READ)
		return true;
	if (c->who.watching)
		snprintf(why, sizeof why, "%s is refused: this connection is a watcher's, it can look and nothing else", m->name);
	else if (!c->who.name[0])
		snprintf(why, sizeof why, "%s is refused: uid %" PRId64 " is no operator; add it under operators: in the configuration", m->name, c->who.uid);
	else
		return true;
	engine_refused(c->api->en, &c->who, m->name, why);
	send_error(c, id, -32000 - RC_REFUSED, RC_REFUSED, why);
	return false;
}

static void dispatch(struct conn *c, const struct json *root)
{
	struct slice name = json_get_str(root, "method");
	const struct json *idj = json_get(root, "id");
	const struct method *m = api_method_find(name);
	char why[200], shown[64];
	struct buf id;
	int64_t n;
	buf_init(&id);
	if (json_is_string(idj) || json_i64(idj, &n))
		json_print(&id, idj);
	if (!json_is_object(root) || !slice_is(json_get_str(root, "jsonrpc"), "2.0") || !name.n || (idj && !id.n)) {
		send_error(c, buf_slice(&id), RPC_INVALID, RC_USAGE, "not a JSON-RPC 2.0 request");
	} else if (!m) {
		snprintf(why, sizeof why, "there is no method %s; the method `methods` lists them", text_z(shown, sizeof shown, name));
		send_error(c, buf_slice(&id), RPC_NO_METHOD, RC_USAGE, why);
	} else if (!permitted(c, m, buf_slice(&id))) {
		;
	} else if (!check_params(m, json_get(root, "params"), why)) {
		send_error(c, buf_slice(&id), RPC_PARAMS, RC_USAGE, why);
	} else {
		struct request *q = xmalloc(sizeof *q);
		*q = (struct request){ .conn = c, .method = m, .id = id };
		c->pending++;
		m->call(q, json_get(root, "params"));
		return;
	}
	buf_done(&id);
}

void rpc_message(struct conn *c, struct slice msg)
{
	struct json_doc *d;
	struct err e;
	if (json_parse(&d, msg, NULL, &e) != RC_OK) {
		send_error(c, (struct slice){ NULL, 0 }, RPC_PARSE, RC_USAGE, e.text);
		return;
	}
	dispatch(c, json_root(d));
	json_doc_free(d);
}
