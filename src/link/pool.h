/* A link as its operator sees it: so many connections to one endpoint, kept up, seen as one. It is up while at
 * least its floor of them is. They share a breaker, and all links of an engine share one gate, which lets
 * no more handshakes begin in a second than configured. Loop thread. */
#ifndef SLUICE_LINK_POOL_H
#define SLUICE_LINK_POOL_H

#include "link/feature.h"
#include "link/link.h"

struct gate;
struct gate *gate_new(struct loop *l, int64_t rate_mhz, uint64_t seed);
void gate_free(struct gate *g);                 /* after its pools */

struct pool_counts {
	int configured, floor, up;
	int asking;                             /* wait for the gate */
	int by_state[LINK_STATE_COUNT];
	int64_t generation;                     /* newest attempt */
};

struct pool;
struct pool_handler {
	/* The link as one changed its state. */
	void (*changed)(void *ctx, struct pool *p, enum link_state from);
	/* A connection that was up is gone, others may still be; NULL = not wanted. */
	void (*cut)(void *ctx, struct pool *p);
	void *ctx;
};

/* token may be NULL; cfg, token and gate are borrowed. */
struct pool *pool_new(struct loop *l, struct ws_ctx *ws, struct gate *g, const struct cfg_link *cfg, const struct secret *token,
		      uint64_t seed, const struct pool_handler *h);
/* First attempts are spread over the configured time. */
void pool_start(struct pool *p);
void pool_diagnose(struct pool *p);             /* whatever is not up tries now; the first of them does not ask the gate */
/* Of a second look: every connection whose own end was vague takes it. */
void pool_explain(struct pool *p, enum link_cause cause, const struct climb *c);
void pool_free(struct pool *p);

/* As one: state by the floor, counters summed, the rest of the connection that speaks for it: one that is up,
 * or one in the state shown. Valid until the next call. */
const struct link_view *pool_look(struct pool *p);
enum link_state pool_state(const struct pool *p);
void pool_count(const struct pool *p, struct pool_counts *c);
const struct link_view *pool_connection(const struct pool *p, int i);
struct breaker *pool_breaker(struct pool *p);

void pool_on_message(struct pool *p, void (*fn)(void *ctx, struct pool *p, struct slice msg), void *ctx);
/* On the connection with the least unsent. RC_REFUSED while none is up, RC_FULL while too much has not left. */
enum rc pool_send(struct pool *p, struct slice text, struct err *e) MUST_USE;
/* The same on a connection of that group of a feature, if one of it is up. */
enum rc pool_send_by(struct pool *p, int group, struct slice text, struct err *e) MUST_USE;
size_t pool_unsent(const struct pool *p);       /* bytes of all that have not left this process */

/* The feature in this mode, on the canary or all; what both groups do is counted anew. */
void pool_feature(struct pool *p, enum canary_feature f, enum feature_mode m);
void pool_figures(const struct pool *p, enum canary_feature of, struct canary_figures f[GROUPS]);      /* since pool_feature */
bool pool_is_canary(const struct pool *p, int i);       /* it runs what the others do not */
int pool_group_speaking(const struct pool *p);   /* of the connection whose message is being told */
void pool_duplicate(struct pool *p);            /* the message being told was a repeat */

/* The state of the whole. Pure. */
enum link_state pool_state_of(const int by_state[LINK_STATE_COUNT], int floor);

#endif
