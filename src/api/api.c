#include "api/api.h"

#include "api/internal.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTIFY_MS = 100 };

void api_topic(struct api *a, enum engine_topic t, struct buf *out)
{
	struct err e;
	if (t == ENGINE_OVERVIEW)
		engine_overview_json(a->en, out);
	else if (engine_cycle_json(a->en, 0, out, &e) != RC_OK)
		buf_adds(out, "null");
}

/* ---- notifications ---- */

static void notify(struct conn *c, const char *topic, struct slice data)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "jsonrpc", "2.0");
	jw_kz(&w, "method", "changed");
	jw_key(&w, "params");
	jw_obj(&w);
	jw_kz(&w, "epoch", engine_epoch(c->api->en));
	jw_ki64(&w, "seq", ++c->seq);
	jw_kz(&w, "topic", topic);
	jw_key(&w, "data");
	jw_raw(&w, data);
	jw_end_obj(&w);
	jw_end_obj(&w);
	conn_send(c, buf_slice(&b));
	buf_done(&b);
}

static void notify_topic(struct api *a, enum engine_topic t, const char *name)
{
	struct buf data;
	buf_init(&data);
	for (struct conn *c = a->conns; c; c = c->next) {
		if (!(c->topics & c->dirty & t))
			continue;
		if (!data.n)
			api_topic(a, t, &data);
		c->dirty &= ~(unsigned)t;
		notify(c, name, buf_slice(&data));
	}
	buf_done(&data);
}

static void flush(void *ctx)
{
	struct api *a = ctx;
	a->flushing = false;
	notify_topic(a, ENGINE_OVERVIEW, "overview");
	notify_topic(a, ENGINE_CYCLE, "cycle");
}

static void changed(void *ctx, unsigned topics)
{
	struct api *a = ctx;
	bool any = false;
	for (struct conn *c = a->conns; c; c = c->next) {
		c->dirty |= topics & c->topics;
		any |= c->dirty != 0;
	}
	if (!any || a->flushing)
		return;
	a->flushing = true;
	loop_timer_start(a->flush, NOTIFY_MS, 0);
}

/* ---- connections ---- */

static void count(struct api *a)
{
	int operators = 0, watchers = 0;
	if (!a->en)
		return;
	for (struct conn *c = a->conns; c; c = c->next)
		if (c->who.watching)
			watchers++;
		else
			operators++;
	engine_clients(a->en, operators, watchers);
}

static void *on_accept(void *ctx, struct ws_conn *ws, const struct ws_peer *peer)
{
	struct api *a = ctx;
	if (!a->en)
		return NULL;
	struct conn *c = xcalloc(1, sizeof *c);
	c->api = a;
	c->ws = ws;
	c->who.uid = peer->uid;
	snprintf(c->who.via, sizeof c->who.via, "rpc");
	engine_identify(a->en, &c->who);
	if (!strcmp(peer->path, "/watch"))
		c->who.watching = true;
	c->next = a->conns;
	c->prev = &a->conns;
	if (c->next)
		c->next->prev = &c->next;
	a->conns = c;
	count(a);
	return c;
}

static void on_message(void *conn_ctx, struct ws_conn *ws, struct slice msg)
{
	struct conn *c = conn_ctx;
	(void)ws;
	if (c->api->en)
		rpc_message(c, msg);
}

static void on_end(void *conn_ctx, const struct ws_end *end)
{
	struct conn *c = conn_ctx;
	(void)end;
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->ws = NULL;
	c->topics = 0;
	if (c->api->en)
		engine_asker_gone(c->api->en, c);
	if (c->attached && c->api->en)
		engine_attached(c->api->en, &c->who, false);
	count(c->api);
	if (!c->pending)
		free(c);
}

static void on_http(void *ctx, const char *path, const char *query, struct ws_http_reply *r)
{
	pages_answer(((struct api *)ctx)->en, path, query, r);
}

/* ---- life ---- */

enum rc api_new(struct api **out, struct engine *en, struct loop *l, struct ws_ctx *ws, const struct paths *p, struct err *e)
{
	static const char *const ws_paths[] = { "/operate", "/watch", NULL };
	static const struct ws_server_handler handler = { on_accept, on_message, on_end, on_http };
	struct api *a = xcalloc(1, sizeof *a);
	struct ws_listen listen = { .unix_path = p->socket, .tcp = engine_config(en)->engine.http, .ws_paths = ws_paths,
		.unix_mode = engine_config(en)->engine.group ? 0660 : 0600 };
	a->en = en;
	a->loop = l;
	enum rc rc = ws_server_new(&a->server, ws, &listen, &handler, a, e);
	if (rc != RC_OK) {
		free(a);
		return rc;
	}
	a->flush = loop_timer_new(l, flush, a);
	engine_on_change(en, changed, a);
	*out = a;
	return RC_OK;
}

void api_on_stop(struct api *a, void (*fn)(void *ctx), void *ctx)
{
	a->on_stop = fn;
	a->stop_ctx = ctx;
}

void api_close(struct api *a)
{
	if (!a)
		return;
	engine_on_change(a->en, NULL, NULL);
	loop_timer_free(a->flush);
	a->flush = NULL;
	for (struct conn *c = a->conns; c; c = c->next)
		c->topics = c->dirty = 0;
	a->en = NULL;
}

void api_free(struct api *a)
{
	free(a);
}
