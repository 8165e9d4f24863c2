/* The engine: it owns every connection, the breakers, the cycle and the databases, and outlives the
 * terminal. This header is what the protocol (api/) may do with it. Loop thread only.
 * Commands answer through a reply once what they decided is durable; reads answer at once. */
#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

#include "base/json.h"
#include "config/config.h"
#include "config/paths.h"
#include "net/loop.h"
#include "net/ws.h"
#include "store/store.h"

#define SLUICE_VERSION "0.1.0"

struct engine;

/* Opens everything: lock and lease, store (verifies the chain since the last anchor), credentials,
 * lanes, links, records, recovery of an open cycle. Borrows cfg, paths, loop and ws until engine_free. */
enum rc engine_new(struct engine **out, struct loop *l, struct ws_ctx *ws, const struct config *cfg,
		   const struct paths *paths, struct err *e) MUST_USE;
/* Hold, let what is in flight settle (at most engine.grace), write engine.stop; then stopped() is called. */
void engine_stop(struct engine *en, const struct audit_actor *who, void (*stopped)(void *ctx), void *ctx);
void engine_free(struct engine *en);

/* ---- who asks ---- */
struct engine_who {
	char name[64];                  /* operator entry, "" = nobody */
	int64_t uid;
	bool watching;                  /* connection is a watcher's */
	char via[16];                   /* "console", "cli", "rpc" */
};
/* Fill name from the uid. */
void engine_identify(struct engine *en, struct engine_who *who);
const char *engine_role(const struct engine_who *who);          /* operator | watcher | nobody */
void engine_attached(struct engine *en, const struct engine_who *who, bool attached);   /* writes the record */

/* ---- commands ---- */
/* result: JSON value text or NULL; on failure e says why. Called exactly once, maybe at once. */
typedef void engine_reply(void *ctx, enum rc rc, const struct err *e, const char *result);

/* only: NULL, or an array of {"lane", "id"}: its plan can hold nothing else. */
void engine_cycle_start(struct engine *en, const struct engine_who *who, struct slice policy, const struct json *only, engine_reply *r, void *ctx);
void engine_cycle_step(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx);
void engine_cycle_resume(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx);
void engine_cycle_hold(struct engine *en, const struct engine_who *who, struct slice why, engine_reply *r, void *ctx);
void engine_cycle_cancel(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx);
void engine_cycle_ack(struct engine *en, const struct engine_who *who, int64_t failures, engine_reply *r, void *ctx);
void engine_cycle_abort(struct engine *en, const struct engine_who *who, struct slice how, struct slice reason,
			engine_reply *r, void *ctx);
void engine_lane_exclude(struct engine *en, const struct engine_who *who, struct slice lane, struct slice reason,
			 engine_reply *r, void *ctx);
struct engine_breaker {
	struct slice lane, link, reason;        /* one of lane and link */
	enum breaker_state state;               /* FORCED_OPEN, DISABLED, or CLOSED: left to itself again */
	int64_t for_ms;                         /* 0 = until taken back; DISABLED needs it, at most 24 h */
};
void engine_breaker_set(struct engine *en, const struct engine_who *who, const struct engine_breaker *b, engine_reply *r, void *ctx);
struct engine_feature {
	struct slice link, feature, to, reason; /* to: off, canary, on, promote or rollback */
};
void engine_feature_set(struct engine *en, const struct engine_who *who, const struct engine_feature *f, engine_reply *r, void *ctx);
void engine_set_mode(struct engine *en, const struct engine_who *who, struct slice mode, engine_reply *r, void *ctx);

struct engine_approval {
	struct slice plan, lane, phrase, irreversible_phrase, reason, on_abort;
	int64_t items, bytes;
};
void engine_approve(struct engine *en, const struct engine_who *who, const struct engine_approval *a, engine_reply *r, void *ctx);
void engine_submit_grant(struct engine *en, const struct engine_who *who, const struct json *file, engine_reply *r, void *ctx);
/* Take back a proposal or a grant before the plan's first delete. */
void engine_revoke(struct engine *en, const struct engine_who *who, struct slice lane, struct slice reason, engine_reply *r, void *ctx);
void engine_reject(struct engine *en, const struct engine_who *who, struct slice plan, struct slice reason,
		   engine_reply *r, void *ctx);
/* Letters are named "CYCLE.N". Redriving opens a cycle whose plan can hold only these. */
void engine_dead_redrive(struct engine *en, const struct engine_who *who, const struct json *letters, engine_reply *r, void *ctx);
void engine_dead_dismiss(struct engine *en, const struct engine_who *who, const struct json *letters, struct slice reason,
			 engine_reply *r, void *ctx);
/* An item protected by hand, or no more (off); from the next validation or re-validation on. */
struct engine_protection {
	struct slice lane, id, reason;
	bool off;
};
void engine_protect(struct engine *en, const struct engine_who *who, const struct engine_protection *p, engine_reply *r, void *ctx);
/* Look again at a link, rung by rung; or have it tried now, whatever it waits for. */
void engine_link_diagnose(struct engine *en, struct slice link, engine_reply *r, void *ctx);
void engine_link_retry(struct engine *en, const struct engine_who *who, struct slice link, engine_reply *r, void *ctx);
/* A refused command is a decision too. */
void engine_refused(struct engine *en, const struct engine_who *who, const char *method, const char *why);

/* ---- reads: append one JSON value (api/PROTOCOL.md) ---- */
void engine_overview_json(struct engine *en, struct buf *out);
enum rc engine_cycle_json(struct engine *en, int64_t cycle, struct buf *out, struct err *e) MUST_USE;     /* 0 = the last */
struct engine_protected_ask {
	struct slice lane;              /* empty = all */
	struct slice after_lane, after_id;
	int64_t limit;                  /* at most and unless given 1000 */
};
enum rc engine_protected_json(struct engine *en, const struct engine_protected_ask *q, struct buf *out, struct err *e) MUST_USE;
struct engine_plan_ask {
	int64_t cycle;                  /* 0 = the last */
	struct slice lane;              /* with items: what a grant of its first ranks would be */
	int64_t items;
};
enum rc engine_plan_json(struct engine *en, const struct engine_plan_ask *q, struct buf *out, struct err *e) MUST_USE;
struct engine_look {
	struct slice look, lane;
	int64_t offset, limit;
};
enum rc engine_plan_items_json(struct engine *en, const struct engine_look *q, struct buf *out, struct err *e) MUST_USE;
enum rc engine_grants_json(struct engine *en, int64_t cycle, struct buf *out, struct err *e) MUST_USE;
void engine_policies_json(struct engine *en, struct buf *out);
void engine_metrics(struct engine *en, struct buf *out);
struct engine_window {
	struct slice lane, verdict, text, order;
	struct slice filter;            /* base/query.h */
	struct slice query;             /* a name by which to ask how far it is, or stop it */
	bool desc;
	int64_t offset, limit;
};
/* These run on a worker; the reply comes later. */
void engine_candidates(struct engine *en, const struct engine_window *q, engine_reply *r, void *ctx);
/* How far a window of that name is; or it ends soon, with RC_CANCELLED. */
void engine_candidates_progress(struct engine *en, struct slice query, struct buf *out);
void engine_candidates_stop(struct engine *en, struct slice query, struct buf *out);
void engine_candidate(struct engine *en, struct slice id, engine_reply *r, void *ctx);
/* Every rule of a policy on one item of the last discovery. lane empty: whichever of the policy's has it. */
void engine_policy_explain(struct engine *en, struct slice policy, struct slice id, struct slice lane, engine_reply *r, void *ctx);
/* The last discovery judged by the policies of another configuration, beside those of this one. policy empty: all of both. */
void engine_policy_try(struct engine *en, struct slice text, struct slice name, struct slice policy, engine_reply *r, void *ctx);
struct engine_dead_ask {
	struct slice lane, belief;      /* empty = any */
	int64_t offset, limit;
};
void engine_dead_list(struct engine *en, const struct engine_dead_ask *q, engine_reply *r, void *ctx);
void engine_audit_tail(struct engine *en, const struct audit_filter *f, engine_reply *r, void *ctx);
/* Lines of the export as texts; to 0 = to the head, which is then signed. */
void engine_audit_export(struct engine *en, int64_t after, int64_t to, int limit, engine_reply *r, void *ctx);
void engine_audit_show(struct engine *en, int64_t seq, engine_reply *r, void *ctx);
/* Close a segment: the records so far leave the database for a signed, proved file. */
/* The copy of an item uploaded again under a new id, after its cycle; again: although that happened, or may have, before. */
struct engine_bring_back {
	struct slice lane, id, reason;
	bool again;
};
void engine_bring_back(struct engine *en, const struct engine_who *who, const struct engine_bring_back *q, engine_reply *r, void *ctx);
/* Copies in escrow: id or state "" = any. */
void engine_escrow_list(struct engine *en, struct slice lane, struct slice id, struct slice state, int64_t limit, engine_reply *r, void *ctx);
/* Read again and compared: all, of a lane, or of an item. */
void engine_escrow_verify(struct engine *en, struct slice lane, struct slice id, engine_reply *r, void *ctx);
void engine_audit_seal(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx);
/* The whole log. asker: whose it is (NULL = the engine's own), query: its name for it, "" = it will not ask.
 * Two run at once; the next ones wait for their turn. */
void engine_audit_verify(struct engine *en, const void *asker, struct slice query, engine_reply *r, void *ctx);
/* How far those of this asker and name are; or they end soon, with RC_CANCELLED. */
void engine_audit_progress(struct engine *en, const void *asker, struct slice query, struct buf *out);
void engine_audit_stop(struct engine *en, const void *asker, struct slice query, struct buf *out);
void engine_asker_gone(struct engine *en, const void *asker);   /* nobody waits for what it asked: all of it ends */

/* ---- changes ---- */
enum engine_topic { ENGINE_OVERVIEW = 1, ENGINE_CYCLE = 2 };
/* Called (coalesced, on the next turn) with the topics that changed. One listener. */
void engine_on_change(struct engine *en, void (*fn)(void *ctx, unsigned topics), void *ctx);
const char *engine_epoch(const struct engine *en);
const struct config *engine_config(const struct engine *en);
void engine_clients(struct engine *en, int operators, int watchers);    /* api tells how many are attached */

#endif
