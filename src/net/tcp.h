/* Raw TCP on the loop for servers that must be able to misbehave (the simulator): accept, bytes in,
 * bytes out, orderly close and reset. Loop thread only. */
#ifndef SLUICE_NET_TCP_H
#define SLUICE_NET_TCP_H

#include "base/str.h"
#include "net/loop.h"

struct tcp_server;
struct tcp_conn;

struct tcp_handler {
	void *(*on_accept)(void *ctx, struct tcp_conn *c);              /* returns the connection's context */
	void (*on_data)(void *conn_ctx, struct tcp_conn *c, struct slice bytes);
	/* Exactly once; c is dead after it. Never from inside tcp_close or tcp_reset. */
	void (*on_end)(void *conn_ctx);
};

/* host is a numeric loopback address; port 0 picks one. */
enum rc tcp_listen(struct tcp_server **out, struct loop *l, const char *host, int port,
		   const struct tcp_handler *h, void *ctx, struct err *e) MUST_USE;
int tcp_port(const struct tcp_server *s);
void tcp_server_free(struct tcp_server *s);                             /* closes its connections too */
void tcp_send(struct tcp_conn *c, struct slice bytes);                  /* copied, queued */
void tcp_close(struct tcp_conn *c);                                     /* after what is queued was sent */
void tcp_reset(struct tcp_conn *c);                                     /* RST, drops what is queued */
void tcp_pause(struct tcp_conn *c, bool paused);                        /* stop reading */

#endif
