/* Shared by the files of net/ws only. A struct ws_conn outlives its lws connection by nothing: it
 * ends once, through ws_conn_end. `wsi` is NULL before the attempt, and again once lws is told to
 * kill it; lws then calls back with no connection attached, which every callback tolerates. */
#ifndef SLUICE_NET_WS_INTERNAL_H
#define SLUICE_NET_WS_INTERNAL_H

#include "net/ws.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <sys/un.h>

enum {
	WS_CLOSE_WAIT_MS = 2000,
	WS_PING_MAX = 125,
	WS_REASON_MAX = 123,
	WS_RX_BYTES = 512,              /* per connection; messages arrive in pieces of this */
	WS_DEFAULT_MESSAGE = 1 << 20,
};

struct ws_out {
	struct ws_out *next;
	size_t n;
	unsigned char bytes[];          /* LWS_PRE bytes of room, then the message */
};

struct ws_conn;

/* What differs between a connection we made and one we accepted. */
struct ws_role {
	void (*message)(struct ws_conn *c, struct slice msg, bool binary);
	void (*pong)(struct ws_conn *c, struct slice payload);
	void (*end)(struct ws_conn *c, const struct ws_end *end);       /* last call; frees the role's own */
	void (*detach)(struct lws *wsi);                                /* lws forgets the connection */
	void (*timeout)(struct ws_conn *c);                             /* deadline passed before it opened */
};

struct ws_conn {
	struct ws_ctx *ctx;
	struct ws_conn *next, *prev;
	const struct ws_role *role;
	void *role_data;
	struct lws *wsi;
	bool open;
	enum ws_rung rung;              /* being climbed; WS_RUNGS once open */

	struct buf rx;
	size_t max_message;
	bool rx_skip;                   /* the rest of this message is not wanted */

	struct ws_out *out, **out_tail;
	size_t queued;                  /* bytes in out */
	size_t inflight;                /* given to lws, not yet taken by the kernel */
	size_t max_queue;
	bool full_closes;               /* a reader that lets it fill is closed with 1013 */
	struct ws_out *ping;            /* wanted */
	bool flows;                     /* something could be written: a ping may go at once */

	bool closing;                   /* ws_close was called */
	bool close_sent;
	bool peer_closed;               /* its Close came first */
	int close_code, peer_code;
	char *close_reason, *peer_reason;       /* NULL = none; the peer's in shown form */
	enum net_why why;               /* decided before the end is told; NET_WHY_NONE = not */
	struct net_cert *cert;          /* NULL = none was seen */
	struct loop_timer *deadline;
};

struct ws_vhost {                       /* a client vhost, one per CA */
	struct ws_vhost *next;
	struct lws_vhost *vh;
	bool tls;
	char *ca_file;                  /* NULL = system */
};

struct ws_ctx {
	struct loop *loop;
	struct lws_context *lws;        /* NULL again when lws finished its own end */
	struct ws_conn *conns;
	struct ws_vhost *vhosts;
	struct ws_server *servers;
	bool closing;
	bool asking;                    /* inside lws's connect call */
	struct lws *lost;               /* what that call destroyed */
};

/* Role data of a connection we make. */
struct ws_client {
	struct ws_handler h;
	void *ctx;
	struct ws_lookup *lookup;
	struct loop_timer *step;        /* the next move, outside the caller's and lws's stack */
	struct loop_timer *probe;       /* TLS only: has the socket connected? */
	struct addrinfo *addrs, *addr;  /* all, and the one to try */
	bool tls;
	char *host, *path, *unix_path, *subprotocol, *ca_file;
	char **headers;
	int port;
	int64_t rung_start_us, connect_ms;
	int http_status;
	char *failure;                  /* NULL = none; decided before lws was asked */
	enum net_why why;               /* of the failure */
};

struct ws_server {
	struct ws_server *next;
	struct ws_ctx *ctx;
	struct ws_server_handler h;
	void *user;
	char *unix_path;
	char **ws_paths;
	struct lws_vhost *tcp;
	size_t max_message, max_queue;
	int max_connections, connections;
	bool refuse;                    /* it could not be set up whole */
};

extern const lws_retry_bo_t WS_NO_VALIDITY;     /* our own pings; lws's timers are one sorted list */

struct ws_conn *ws_conn_new(struct ws_ctx *c, const struct ws_role *role, void *role_data);
/* Ends the attempt, or the wait for the peer's Close, after ms. */
void ws_conn_deadline(struct ws_conn *c, int64_t ms);
/* Callbacks of lws come in here. */
void ws_conn_opened(struct ws_conn *c);
void ws_conn_received(struct ws_conn *c, const void *in, size_t n);
void ws_conn_writeable(struct ws_conn *c);
void ws_conn_peer_close(struct ws_conn *c, const void *in, size_t n);
/* What the peer, or its certificate, gives as a reason. */
void ws_conn_peer_says(struct ws_conn *c, struct slice words);
void ws_conn_lws_closed(struct ws_conn *c);
/* Takes the connection away from lws, which kills it on its next turn. Never calls back. */
void ws_conn_detach(struct ws_conn *c);
/* Frees without telling anyone. */
void ws_conn_discard(struct ws_conn *c);
/* Tells the owner and frees. */
void ws_conn_end(struct ws_conn *c, const struct ws_end *end);
/* How an open connection ended, as far as is known. */
struct ws_end ws_conn_verdict(const struct ws_conn *c);
/* lws acts on what a foreign callback armed only after this. */
void ws_nudge(struct ws_ctx *c);

/* Why lws ended the attempt; words are its own. */
enum net_why ws_client_refusal(const struct ws_conn *c, struct slice words);
/* Notes the certificate that is being verified (an X509_STORE_CTX). */
void ws_read_cert(struct ws_conn *c, void *store);
/* lws takes any subprotocol: -1 = not this one. */
int ws_client_filter(struct ws_conn *c, struct lws *wsi);
/* Fills k from t; NULL, or why it cannot be used. */
const char *ws_target_parse(struct ws_client *k, const struct ws_target *t);
extern const struct lws_protocols WS_SERVER_PROTOCOLS[];
void ws_servers_free(struct ws_ctx *c);
void ws_vhosts_free(struct ws_ctx *c);
/* Both ends: refuses a certificate that does not verify, and says why. */
int ws_verify(struct lws *wsi, void *store, size_t ok);

/* lws tells why a connect failed at once only in its debug log: between these two it is listened to. */
void ws_log_listen(void);
int ws_log_heard_errno(void);

#endif
