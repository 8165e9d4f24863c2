/* One connection to a monitored WebSocket endpoint; link/pool keeps as many as a link has. What it says is
 * what the wire says. States move through one function (link_set_state). Loop thread only. */
#ifndef SLUICE_LINK_LINK_H
#define SLUICE_LINK_LINK_H

#include "base/secret.h"
#include "config/config.h"
#include "guard/breaker.h"
#include "guard/window.h"
#include "link/ladder.h"
#include "net/ws.h"

#define LINK_STATES(X) \
	X(IDLE, "idle") \
	X(CONNECTING, "connecting")     /* resolving, connecting, upgrading: the ladder says which */ \
	X(HELLO, "hello")               /* handshake of the adapter */ \
	X(UP, "up") \
	X(CLOSING, "closing") \
	X(WAITING, "waiting")           /* for the next attempt */ \
	X(JAMMED, "jammed")             /* upgrades, but refuses to work: 1000 without hello_ack; waits too */ \
	X(GIVEN_UP, "given up")         /* terminal close or refusal: needs a person */

enum link_state {
#define X(e, w) LINK_##e,
	LINK_STATES(X)
#undef X
	LINK_STATE_COUNT
};
const char *link_state_name(enum link_state s);
bool link_state_may(enum link_state from, enum link_state to);

struct link_view {
	const char *name, *url, *handshake;
	enum link_state state;
	struct ladder ladder;                   /* of the last attempt */
	uint32_t failures[LINK_CAUSES];         /* ends by cause */
	const char *sentence;                   /* why it is not up, and what to do; "" when up */
	struct window rtt_us;
	int64_t up_since_us, last_message_us;   /* boot time, -1 */
	int64_t messages_in, messages_out, bytes_in, bytes_out, pings, pongs;
	int64_t reconnects, attempts, up_count;
	int last_close_code;
	const char *last_close_text;            /* "" none */
	int64_t next_attempt_us;                /* boot time, -1 */
	const struct breaker *breaker;          /* of its pool, or its own */
	int64_t generation;                     /* of this attempt: unique in its pool, growing */
	int64_t bad_frames;                     /* not JSON or unknown op */
};

struct link;

/* What connections to one endpoint share. */
struct link_team {
	struct breaker *breaker;
	void (*ask)(void *ctx, struct link *k);         /* an attempt is due: link_turn when it may begin, once */
	void (*leave)(void *ctx, struct link *k);       /* it asks no more */
	bool (*spare)(void *ctx, const struct link *k); /* enough others are up: it may be closed on a first suspicion */
	int64_t (*generation)(void *ctx);
	void (*rtt)(void *ctx, int64_t us);     /* a ping was answered */
	void *ctx;
};

/* token may be NULL. changed is called after every change of state (not per message). */
struct link *link_new(struct loop *l, struct ws_ctx *ws, const struct cfg_link *cfg, const struct secret *token,
		      uint64_t seed, void (*changed)(void *ctx, struct link *k, enum link_state from), void *ctx);
/* A breaker as a link wants it. */
void link_breaker_init(struct breaker *b, const struct cfg_link *cfg, uint64_t seed, int64_t at_us);
/* Before the start; team outlives k. Without one it attempts as it likes. */
void link_join(struct link *k, const struct link_team *team);
void link_turn(struct link *k);                 /* what it asked its team for */
void link_start(struct link *k);
void link_keepalive(struct link *k, int64_t ping_ms, int64_t pong_ms);       /* from the next ping on */
void link_start_in(struct link *k, int64_t ms);
void link_diagnose(struct link *k);             /* try now, whatever the wait */
/* What a second look found out about a failure without an exact reason; anything else stays as it is. */
void link_explain(struct link *k, enum link_cause cause, const struct climb *c);
void link_free(struct link *k);
const struct link_view *link_look(const struct link *k);

/* Text messages of the peer, once the link is up and its adapter knows the frame. */
void link_on_message(struct link *k, void (*fn)(void *ctx, struct link *k, struct slice msg), void *ctx);
/* RC_REFUSED while it is not up, RC_FULL while too much has not left. Sent is not delivered: what a cut
 * swallows is the caller's to repeat. */
enum rc link_send(struct link *k, struct slice text, struct err *e) MUST_USE;
size_t link_unsent(const struct link *k);       /* bytes that have not left this process */

#endif
