/* A second look at a WebSocket server by other means: libcurl climbs resolve, connect, TLS and upgrade
 * and tells exactly where it ended and why. The connection is closed after the answer to the upgrade;
 * no frame is sent. Loop thread only. */
#ifndef SLUICE_NET_CLIMB_H
#define SLUICE_NET_CLIMB_H

#include "net/ws.h"

struct climb {
	enum net_why why;               /* NET_WHY_NONE: every rung was passed */
	enum ws_rung rung;              /* where it ended; WS_RUNGS = above all */
	int64_t us[WS_RUNGS];           /* each rung took; -1 not passed */
	int http_status;                /* 0 = no answer */
	struct net_cert cert;           /* also one that does not verify; all zero = none seen */
	char address[64];               /* "127.0.0.1:8080", "" = never connected */
	char detail[160];               /* words of the library, shown form */
};

struct climber;
struct climber *climber_new(struct loop *l);
void climber_free(struct climber *c);   /* what runs is dropped without a call; not from a done */

struct climb_ask {
	const char *url;                /* ws:// or wss:// */
	const char *ca_file;            /* NULL = system */
	int64_t timeout_ms;             /* all rungs; 0 = 10,000 */
};
/* done is called once, never from inside; result is borrowed for the call. */
void climber_start(struct climber *c, const struct climb_ask *ask, void (*done)(void *ctx, const struct climb *r), void *ctx);

#endif
