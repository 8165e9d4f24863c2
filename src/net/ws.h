/* WebSocket and HTTP server ends over libwebsockets on the loop; the only file that knows lws and
 * its traps (own ping, own backoff, polite close, no compression, own reassembly). Loop thread only.
 *
 * Client: one attempt = one struct ws_conn, which reports rungs, then open, messages, and exactly one
 * on_end; after on_end it is freed and the pointer is dead. Reconnecting is the caller's business.
 * Server: a Unix socket (or loopback TCP) that speaks WebSocket on configured paths and answers GET
 * and HEAD through one callback. */
#ifndef SLUICE_NET_WS_H
#define SLUICE_NET_WS_H

#include "base/str.h"
#include "net/loop.h"
#include "net/why.h"

#include <sys/types.h>

struct ws_ctx;                            /* one lws context per loop */
struct ws_ctx *ws_ctx_new(struct loop *l);
/* Sends Close 1001 to all, waits at most 1 s, ends the rest, frees servers too. Runs the loop itself:
 * from the owner after loop_run, never from a callback. ws_connect returns NULL meanwhile. */
void ws_ctx_free(struct ws_ctx *c);

enum ws_rung { WS_RESOLVE, WS_CONNECT, WS_TLS, WS_UPGRADE, WS_RUNGS };
const char *ws_rung_name(enum ws_rung r);

struct ws_conn;
struct ws_end {
	bool was_open;
	enum ws_rung rung;                /* where an attempt failed, if it never opened */
	/* Code received or sent; 1005 = without one; 1006 = no close frame; 0 = never open. lws 4.1 shows
	 * a received 1012, 1013 or 1014 as 1002; the reason is intact. */
	int close_code;
	bool by_us;
	int http_status;                  /* of a refused upgrade, 0 if none */
	enum net_why why;                 /* NET_WHY_NONE: the Close frame says it */
	const struct net_cert *cert;      /* of the server, also one that does not verify; NULL none; borrowed */
	char reason[160];                 /* shown form of close text or error */
};

struct ws_handler {
	void (*on_rung)(void *ctx, enum ws_rung r, int64_t took_us);   /* passed; may be NULL */
	void (*on_open)(void *ctx);
	void (*on_message)(void *ctx, struct slice msg, bool binary);  /* whole message */
	void (*on_pong)(void *ctx, struct slice payload);              /* may be NULL */
	void (*on_end)(void *ctx, const struct ws_end *end);
};

struct ws_target {
	const char *url;                  /* ws://host:port/path or wss://… */
	const char *unix_path;            /* instead of host and port; url gives the path */
	const char *subprotocol;          /* may be NULL */
	const char *const *headers;       /* "Name: value", NULL-terminated, may be NULL */
	const char *ca_file;              /* NULL = system */
	int64_t connect_timeout_ms;       /* upgrade included; 0 = 10,000 */
	size_t max_message;               /* 0 = 1 MiB; larger closes with 1009 */
	size_t max_queue;                 /* unsent bytes; 0 = 4 MiB */
};

/* Certificate of the server, known from the TLS rung on; NULL without TLS. Borrowed from c. */
const struct net_cert *ws_cert(const struct ws_conn *c);

/* Callbacks never come from inside ws_connect. */
struct ws_conn *ws_connect(struct ws_ctx *c, const struct ws_target *t, const struct ws_handler *h, void *ctx);

/* For both ends. */
enum rc ws_send_text(struct ws_conn *c, struct slice msg, struct err *e) MUST_USE;   /* RC_FULL above max_queue */
void ws_ping(struct ws_conn *c, struct slice payload);             /* <= 125 bytes */
/* Sends what is queued, then Close; no message is delivered any more. on_end follows, after the peer's
 * Close or 2 s, never from inside. */
void ws_close(struct ws_conn *c, int code, const char *reason);
bool ws_is_closing(const struct ws_conn *c);                       /* on_end follows by itself; it says why */
size_t ws_queued(const struct ws_conn *c);                         /* unsent bytes */

struct ws_peer {
	uid_t uid;                        /* SO_PEERCRED on a Unix socket, else (uid_t)-1 */
	gid_t gid;
	pid_t pid;
	const char *path;                 /* of the request, without query; borrowed */
};

struct ws_http_reply {
	int status;
	const char *content_type;
	struct buf body;                  /* filled by the callback, freed by the server */
};

struct ws_server_handler {
	/* A new connection on one of the WebSocket paths. Return its context, or NULL to refuse (403). */
	void *(*accept)(void *ctx, struct ws_conn *conn, const struct ws_peer *peer);
	void (*on_message)(void *conn_ctx, struct ws_conn *conn, struct slice msg);
	void (*on_end)(void *conn_ctx, const struct ws_end *end);
	/* GET and HEAD (others are answered 405 before this). query is borrowed, "" if none. */
	void (*on_http)(void *ctx, const char *path, const char *query, struct ws_http_reply *reply);
};

struct ws_listen {
	const char *unix_path;            /* socket file, created 0600 in a directory that must be ours and 0700 */
	mode_t unix_mode;                 /* 0 = 0600 */
	const char *tcp;                  /* "127.0.0.1:9469" or NULL: HTTP only, never WebSocket */
	const char *const *ws_paths;      /* NULL-terminated */
	size_t max_message;               /* 0 = 1 MiB */
	size_t max_queue;                 /* per connection; a reader that lets it fill is closed with 1013 … 0 = 8 MiB */
	int max_connections;              /* 0 = 64 */
};

struct ws_server;
/* The caller holds the lock that proves that no other process owns unix_path. */
enum rc ws_server_new(struct ws_server **out, struct ws_ctx *c, const struct ws_listen *l,
		      const struct ws_server_handler *h, void *ctx, struct err *e) MUST_USE;
int ws_server_tcp_port(const struct ws_server *s);

#endif
