/* The protocol (PROTOCOL.md): JSON-RPC over WebSocket on the engine's Unix socket, and GET/HEAD pages.
 * One method table with READ | WRITE | DANGER; a watcher's connection is refused everything that is
 * not READ before a handler is reached. Loop thread only. */
#ifndef SLUICE_API_API_H
#define SLUICE_API_API_H

#include "engine/engine.h"

struct api;

/* Listens on paths->socket (the caller holds the state lock) and, if configured, on loopback TCP for
 * pages only. */
enum rc api_new(struct api **out, struct engine *en, struct loop *l, struct ws_ctx *ws, const struct paths *p, struct err *e) MUST_USE;
/* The order of an end: api_close, engine_free, ws_ctx_free (which ends the connections), api_free. */
void api_close(struct api *a);
void api_free(struct api *a);
/* fn is called when a client asked engine.stop and the engine has drained. */
void api_on_stop(struct api *a, void (*fn)(void *ctx), void *ctx);

enum method_flag { METHOD_READ, METHOD_WRITE, METHOD_DANGER };
enum param_type { PARAM_STRING, PARAM_INTEGER, PARAM_BOOL, PARAM_OBJECT, PARAM_ARRAY };
const char *method_flag_name(enum method_flag f);
const char *param_type_name(enum param_type t);

struct param {
	const char *name;               /* NULL ends the list */
	enum param_type type;
	bool required;
};

struct request;
enum { METHOD_PARAMS = 11 };
struct method {
	const char *name;
	enum method_flag flag;
	struct param params[METHOD_PARAMS];
	void (*call)(struct request *q, const struct json *params);
	const char *help;
};
/* All methods, ends with a NULL name. Docs, help and tests read this table. */
extern const struct method api_methods[];
const struct method *api_method_find(struct slice name);

#endif
