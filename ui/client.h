/* The console's end of the protocol (src/api/PROTOCOL.md): one WebSocket on the engine's Unix socket,
 * requests with callbacks, snapshots in sequence, reconnecting by itself. It never repeats a request:
 * what was in flight when the connection broke is answered "unknown outcome". A connection opened for
 * watching refuses to send anything that is not a READ method, before the engine would. Loop thread only. */
#ifndef SLUICE_UI_CLIENT_H
#define SLUICE_UI_CLIENT_H

#include "base/json.h"
#include "net/ws.h"

struct client;

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_UP,                      /* hello and first snapshots are in */
	CLIENT_LOST                     /* tries again by itself */
};

struct client_events {
	void *ctx;
	void (*on_state)(void *ctx, enum client_state s, const char *why);
	void (*on_hello)(void *ctx, const struct json *hello);
	void (*on_snapshot)(void *ctx, struct slice topic, const struct json *data);
};

/* result is borrowed for the call, NULL on error; error is a sentence, NULL when fine. */
typedef void client_done_fn(void *ctx, const struct json *result, const char *error);

struct client *client_new(struct loop *l, const char *socket_path, bool watch, const struct client_events *ev);
void client_free(struct client *c);     /* callbacks of what is in flight are dropped, not called */
/* params: a JSON object, empty = {}. done is called exactly once, never from inside. */
void client_call(struct client *c, const char *method, struct slice params, client_done_fn *done, void *ctx);
/* Once a second: pings, notices an engine that does not answer. */
void client_tick(struct client *c, int64_t now_us);
/* How long the engine has not been heard of; -1 = it is answering. */
int64_t client_silent_us(const struct client *c);
int client_pending(const struct client *c);             /* requests without an answer */
bool client_method_reads(const char *method);

#endif
