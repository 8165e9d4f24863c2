/* What was seen of one attempt, rung by rung, and of its end. Loop thread only. */
#ifndef SLUICE_LINK_LADDER_H
#define SLUICE_LINK_LADDER_H

#include "base/json.h"
#include "link/causes.h"
#include "net/climb.h"

enum link_rung { LINK_R_RESOLVE, LINK_R_CONNECT, LINK_R_TLS, LINK_R_UPGRADE, LINK_R_HELLO, LINK_R_FIRST, LINK_RUNGS };
const char *link_rung_name(enum link_rung r);

struct ladder {
	int64_t began_us;               /* boot time; -1 = no attempt yet */
	int64_t us[LINK_RUNGS];         /* each rung took; -1 not passed */
	int64_t rung_us;                /* boot time of the last rung that was passed */
	int failed;                     /* -1 none */
	int64_t failed_us;              /* how long it stood on the failed rung */
	bool tls;
	struct net_cert cert;           /* all zero = not known */
	int http_status;                /* answer to the upgrade; 0 none */
	enum link_cause cause;          /* of the last end; CAUSE_NONE while none is due */
	char detail[160];               /* words of the library or the peer, shown form */
	int64_t lag_us;                 /* of the local loop when a keepalive ended it; -1 */
};

void ladder_begin(struct ladder *l, bool tls, int64_t now_us);
void ladder_pass(struct ladder *l, enum link_rung r, int64_t now_us);
void ladder_fail(struct ladder *l, enum link_rung r, int64_t now_us);
/* The rung on which an end found the attempt. */
void ladder_end(struct ladder *l, enum link_cause cause, const struct ws_end *end, int64_t now_us);

/* silent_us: since the last message, -1 none came. */
void ladder_pong_missing(const struct ladder *l, int64_t after_ms, int64_t silent_us, char *dst, size_t cap);
/* A second look that ended on the same rung: its certificate is kept; true if its cause is taken for a
 * vague one, and sentence is the new one. */
bool ladder_explain(struct ladder *l, enum link_cause cause, const struct climb *c, char *sentence, size_t cap);
/* A second look would tell more than is known: the exact cause, or whose certificate it was. */
bool ladder_wants_look(const struct ladder *l);
/* "what (details): probably why; what to do". why replaces the table's words after the colon; may be NULL. */
void ladder_sentence(const struct ladder *l, const struct ws_end *end, const char *why, struct buf *out);
/* Members rungs, cause … of the link (api/PROTOCOL.md). */
void ladder_json(const struct ladder *l, struct jw *w);

#endif
