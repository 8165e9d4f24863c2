/* A WebSocket server on raw TCP (RFC 6455), strict about what it reads and able to send wrong
 * things. It answers Close and protocol errors by itself, everything else is its handler's business;
 * no compression, no subprotocol. Loop thread only. */
#ifndef SLUICE_SIM_WSD_H
#define SLUICE_SIM_WSD_H

#include "sim/frame.h"
#include "sim/head.h"
#include "sim/outbox.h"

struct wsd;
struct wsd_conn;

enum { WSD_ACCEPT = 0, WSD_ACCEPT_WRONGLY = -1 };

struct wsd_handler {
	/* A correct upgrade request: WSD_ACCEPT, WSD_ACCEPT_WRONGLY (a wrong key) or the HTTP status to refuse with. */
	int (*on_upgrade)(void *ctx, int64_t conn);
	/* A request that is no upgrade was refused with status. */
	void (*on_refused)(void *ctx, int64_t conn, int status);
	void *(*on_open)(void *ctx, struct wsd_conn *c, int64_t conn);  /* returns the connection's context */
	void (*on_message)(void *cc, struct slice msg, bool binary);
	void (*on_ping)(void *cc, struct slice payload);                /* whoever wants a pong sends it */
	void (*on_pong)(void *cc, struct slice payload);
	/* The peer's Close (1005 without a code), or, by_us, the one that a protocol error made us send. */
	void (*on_close)(void *cc, int code, struct slice reason, bool by_us);
	void (*on_end)(void *cc);                                       /* exactly once after on_open */
};

enum rc wsd_listen(struct wsd **out, struct loop *l, struct outbox *box, int port, size_t max_message,
		   const struct wsd_handler *h, void *ctx, struct err *e) MUST_USE;
int wsd_port(const struct wsd *s);
void wsd_free(struct wsd *s);

void wsd_text(struct wsd_conn *c, struct slice msg);
void wsd_control(struct wsd_conn *c, int opcode, struct slice payload);
/* Close; TCP ends after the peer's Close or a second. Nothing is sent after it. */
void wsd_close(struct wsd_conn *c, int code, struct slice reason);
void wsd_cut(struct wsd_conn *c, bool reset);
/* Bytes go out as they are; NULL when nothing may be sent any more. */
struct buf *wsd_raw(struct wsd_conn *c);
/* From now on nothing that comes is read or answered. */
void wsd_deaf(struct wsd_conn *c);
bool wsd_closing(const struct wsd_conn *c);

#endif
