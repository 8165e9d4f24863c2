/* Inside api/; nobody else includes it. */
#ifndef SLUICE_API_INTERNAL_H
#define SLUICE_API_INTERNAL_H

#include "api/api.h"

struct conn;

struct api {
	struct engine *en;
	struct loop *loop;
	struct ws_server *server;
	struct conn *conns;
	int n_conns;
	struct loop_timer *flush;       /* coalesces notifications */
	bool flushing;
	void (*on_stop)(void *ctx);
	void *stop_ctx;
	bool closing;
};

struct conn {
	struct api *api;
	struct ws_conn *ws;             /* NULL when it has ended */
	struct conn *next, **prev;
	struct engine_who who;
	unsigned topics, dirty;         /* enum engine_topic */
	int64_t seq;
	bool attached;                  /* a console: its coming and going are decisions in the log */
	int pending;                    /* requests not answered: the struct lives until they are */
};

/* One request until its answer. */
struct request {
	struct conn *conn;
	const struct method *method;
	struct buf id;                  /* JSON of the id; empty = a notification */
};

/* pages.c */
/* en NULL: the engine is stopping. query: what stands after `?`, may be NULL. */
void pages_answer(struct engine *en, const char *path, const char *query, struct ws_http_reply *r);

/* rpc.c */
void rpc_message(struct conn *c, struct slice msg);
/* Answers a request and frees it. These fit engine_reply. */
void rpc_reply(void *ctx, enum rc rc, const struct err *e, const char *result);
void rpc_result(struct request *q, struct buf *result);
void rpc_fail(struct request *q, enum rc rc, const char *why);
void conn_unpend(struct conn *c);
void conn_send(struct conn *c, struct slice msg);

/* api.c */
void api_topic(struct api *a, enum engine_topic t, struct buf *out);

#endif
