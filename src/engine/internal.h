/* Inside the engine's room; nobody outside src/engine includes it. */
#ifndef SLUICE_ENGINE_INTERNAL_H
#define SLUICE_ENGINE_INTERNAL_H

#include <stdatomic.h>

#include "base/secret.h"
#include "cleanup/cycle.h"
#include "cleanup/grant.h"
#include "cleanup/plan.h"
#include "cleanup/policy.h"
#include "engine/engine.h"
#include "lane/lane.h"
#include "link/diagnose.h"
#include "link/pool.h"
#include "records/records.h"
#include "store/census.h"

#define ENGINE_MODES(X) X(OBSERVE, "observe") X(REHEARSE, "rehearse") X(ARMED, "armed")
enum engine_mode {
#define X(e, w) MODE_##e,
	ENGINE_MODES(X)
#undef X
};
const char *engine_mode_name(enum engine_mode m);

/* A breaker set by hand; CLOSED = it is not. */
struct byhand {
	enum breaker_state state;
	int64_t until_us;               /* wall; 0 = until taken back */
	char by[64], why[160];
};

/* How many items, and rows without one, by enum reconciled. */
struct reconcile_count { int64_t of[RECONCILED_COUNT]; };

/* A configured lane and what the last discovery and validation found in it. */
struct elane {
	const struct cfg_lane *cfg;
	struct secret *key;
	struct lane *lane;
	char key_print[9];
	bool listed, complete;
	bool undoable;                  /* the list said that a delete can be taken back, exactly */
	int64_t items, bytes, pages, listed_us, expected;       /* wall; expected -1 */
	int64_t listed_boot_us;
	int64_t by_verdict[VERDICT_COUNT], irreversible;
	struct reconcile_count reconciled;
	char trouble[240];
	char excluded_by[64], excluded_why[200];
	int64_t excluded_us;
	struct bucket reads;            /* paces GETs of re-validation */
	struct byhand byhand;
	int64_t learned_mhz;            /* pace that the last cycle found; 0 = none */
	struct ereferrals *referrals;   /* what the provider's places said last; NULL = not asked */
	char places[200];               /* their names, "" none is configured */
};

/* Which files the configured places of a provider refer to. Unknown unless complete. */
struct ereferrals {
	bool asked, complete;
	char trouble[240];
	struct policy_held *held;       /* sorted by id; by what is no item itself */
	size_t n;
	struct einner {
		struct slice file, holder;      /* the holder is an item of the lane, or was */
		const char *by;
	} *inner;                       /* sorted by file */
	size_t n_inner;
	struct arena *texts;
	int64_t boot_us;                /* when the last page came */
	int users;                      /* a worker may still read what a newer answer replaces */
};

/* The last list of the application's own copies. */
struct eobjects {
	const struct cfg_objects *cfg;  /* NULL = the records have none, or were not listed yet */
	bool complete;
	int64_t count, bytes, others, listed_us;
	char trouble[240];              /* while it is not complete */
};

struct erecords {
	const struct cfg_records *cfg;
	struct records *rec;
	struct records_list list;
	bool listed;
	int64_t listed_us;
	struct elease {
		bool busy, ours;
		int64_t asked_us, until_us;     /* boot time */
		int64_t token;
		char holder[120], trouble[200];
	} lease;                        /* of a lease row, where one is configured */
	struct eobjects objects;
};

struct outcome_line {
	int64_t at_us, took_us;
	int32_t item;
	int attempt, status;
	const char *outcome, *class_;   /* static words */
};
enum { OUTCOME_LOG = 50 };

/* A grant: proposed by the first approval, active with the last one needed. */
enum { GRANT_APPROVALS = 16 };
struct egrant {
	struct grant g;                 /* of the first approval */
	char id[33], state[16];         /* proposed | active | lapsed | revoked */
	int64_t made_boot_us;
	int needed, approvals;
	struct approval {
		char operator_[64], via[16], nonce[33];
		int64_t at_us, lapses_us;
	} approval[GRANT_APPROVALS];    /* of distinct operators */
};

struct deed;

/* The shell around one cycle (runner.c). */
struct runner {
	struct engine *en;
	struct cycle *c;
	struct plan *plan;              /* NULL until frozen */
	const struct cfg_policy *policy;
	struct erecords *records;       /* NULL = policy has none */
	int lane_of[CYCLE_MAX_LANES];   /* cycle's lane → engine's */
	char name[32];                  /* 2026-11-22.3 */
	int64_t opened_us, closed_us;
	struct loop_timer *timer;
	int64_t armed_us;               /* boot time that it waits for; INT64_MAX = none, -1 = to be set */
	char token[64];                 /* of claims */
	struct slice control[CYCLE_MAX_LANES][CYCLE_CONTROL];   /* ids, in the plan's arena */
	struct egrant grant[CYCLE_MAX_LANES];
	int grants;
	struct outcome_line log[OUTCOME_LOG];
	int log_at, log_n;
	int64_t requests_at[CYCLE_MAX_LANES], rate_us[CYCLE_MAX_LANES];         /* for items per second */
	int64_t settled_at[CYCLE_MAX_LANES], per_second[CYCLE_MAX_LANES];
	int waiting;                    /* acts whose answer has not come: the runner may not be freed */
	struct deed *backlog, **backlog_tail;   /* what the audit log refused, in order */
	bool backlog_busy;
	struct deed *open;              /* what this turn of the loop brought; NULL = nothing yet */
	bool turn_set;                  /* its end is waited for */
	struct now turn;                /* while there is an open one: its first event's time, which all of it have */
	int64_t durable_us;             /* boot time at which the deed whose acts are being done became durable */
	struct { struct hash id; char hex[HASH_HEX]; } written; /* the plan's, as records name it */
	struct effects fx;              /* empty: room for the next event's */
	struct outgoing outgoing[CYCLE_MAX_LANES];
	bool going_out;
	bool copies_proved;             /* all that counts as restorable was read again since the start */
	bool copies_just_proved;        /* for the command that is being given now */
	struct restoring *restoring;    /* ids of an abort that restores; NULL = none yet */
	struct redrive *redrive;        /* only these dead letters may become candidates; NULL = no such bound */
	struct pick *pick;              /* nor any but these items; NULL = no such bound */
};

/* Serialised jobs on the catalogue (one writer at a time). */
struct job;
struct listing;
struct walk;

struct engine {
	struct loop *loop;
	struct ws_ctx *ws;
	const struct config *cfg;
	const struct paths *paths;
	struct store *store;
	struct loop_wake *store_wake;
	int64_t fence;
	char epoch[33];
	enum engine_mode mode;
	int64_t started_us, started_boot_us;
	struct elane lane[CFG_MAX_LANES];
	struct gate *gate;
	struct pool *link[CFG_MAX_LINKS];
	struct byhand link_byhand[CFG_MAX_LINKS];
	struct triggers *triggers;
	struct features *features;
	enum link_state link_told[CFG_MAX_LINKS];       /* in the last incident; idle = none yet */
	struct diagnoser *diagnoser;
	struct secret *link_token[CFG_MAX_LINKS];
	struct delivery *delivery;
	struct otlp *otlp;
	struct erecords *records;
	const struct erecords *rows_of; /* whose rows the catalogue holds, complete; NULL = nobody's */
	struct runner *run;             /* open cycle, or the last one that ended */
	int64_t last_cycle;
	struct catalog *catalog;        /* the writer, used by jobs */
	struct listing *listings;       /* lists under way */
	struct walk *walks;             /* places of providers being listed */
	struct copying *copying;        /* NULL = nothing is copied now */
	struct escrow_test {
		int64_t at_us, checked, damaged;        /* at_us 0 = none yet */
		char first[300];
	} escrow_test;                  /* the newest: copies read again and compared */
	int64_t expired_us;             /* boot; when old copies were last looked for */
	struct ecensus {
		struct census now;
		bool busy;
		int64_t due_us;         /* boot */
	} census;
	struct job *jobs, **jobs_tail;
	bool job_running;
	int reads_running;
	struct db *reader;              /* of sluice.db, on the loop: small reads only */
	struct loop_timer *tick, *hold_poll;
	struct loop_signal *usr1;
	struct now last_tick;
	int64_t lag_us;
	struct loop_step step;          /* the longest of the last whole second */
	bool hold_file;
	bool store_was_bad;
	char notice[240];
	struct audit_verdict verified;  /* the newest: at the start from the last checkpoint on, then the whole */
	int64_t verified_us;            /* of the whole; 0 = not yet */
	int64_t verified_seq;           /* to there, the whole */
	bool verified_once;
	struct anchoring *anchoring;
	bool sealing;
	struct vault_task *vault;       /* requests about copies in a bucket; NULL = none is under way */
	struct bringing_back *bringing_back;    /* a copy is uploaded by hand; NULL = none is */
	atomic_bool no_proofs;          /* the engine stops: verifications end */
	struct looking *lookings;       /* candidates.c: windows that are being read */
	struct verifying *verifyings;   /* verifying.c: proofs of the log, oldest first */
	struct catalog *look_reader;    /* between them: its order is kept, so that scrolling costs no sort */
	unsigned changed;
	bool change_queued;
	void (*on_change)(void *ctx, unsigned topics);
	void *change_ctx;
	int operators_attached, watchers_attached;
	struct cool { int wrong; int64_t until_us; } *cool;     /* per operator: wrong phrases in a row, boot time */
	bool stopping;                  /* asked to: drains */
	bool closing;                   /* being freed: nothing new is begun */
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	struct loop_timer *grace;
};

#define CLOCK_JUMPED "the clock jumped"         /* why a cycle is held, and what the clock's check looks for */

/* ---- engine.c ---- */
void engine_changed(struct engine *en, unsigned topics);
extern const struct audit_actor actor_engine;
struct audit_actor actor_of(const struct engine_who *who);
/* One record of its own, answered to nobody. payload JSON object. */
void engine_note(struct engine *en, enum audit_kind k, const struct audit_actor *who, const char *subject,
		 int64_t cycle, const char *payload);
/* For store_commit with the engine as context, where nobody waits for the answer. */
void engine_note_done(void *ctx, enum rc rc, const struct err *e);
void engine_permits(struct engine *en);                 /* follow en->mode */
struct elane *engine_lane(struct engine *en, struct slice name);

/* A verdict came: a broken chain is only observed from now on. whole: not from a checkpoint on. */
void engine_verified(struct engine *en, const struct audit_verdict *v, bool whole);

/* ---- anchoring.c ---- */
struct anchoring;
/* The signing key (made if this log was never signed) and the places outside; needs the reader. */
enum rc anchoring_open(struct engine *en, struct err *e) MUST_USE;
void anchoring_free(struct engine *en);
const char *anchoring_gone(const struct engine *en);    /* why nothing can be signed; NULL = it can */
void anchoring_proof(const struct engine *en, struct audit_proof *p);   /* what a verification goes by; any thread */
void anchoring_checkpoint(struct engine *en);           /* a record in the log, then outside */
bool anchoring_sign(const struct engine *en, struct checkpoint *out);   /* the head as it is; false: nothing is signed now */
void anchoring_tick(struct engine *en);
/* The head as it is now, everywhere once more; done when each place answered. */
void anchoring_last(struct engine *en, void (*done)(void *ctx), void *ctx);
void anchoring_sealed(struct engine *en, int64_t last); /* the records up to this one are in the database no more */
const char *anchoring_trouble(const struct engine *en);         /* of the first place that has any; NULL = none */
void anchoring_json(const struct engine *en, struct jw *w);             /* members key, anchors */

/* ---- commands.c ---- */
enum { ARM_WHY = 200 };
struct redrive;
/* May this one command now? If not, r is answered. */
bool command_may_write(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx);
bool command_may_record(struct engine *en, engine_reply *r, void *ctx);
/* Opens a cycle; d (taken over) bounds what it may plan, or only (borrowed), an array of items; NULL = nothing does. */
void command_start(struct engine *en, const struct engine_who *who, struct slice policy, struct redrive *d, const struct json *only,
		   engine_reply *r, void *ctx);
bool engine_may_arm(const struct engine *en, char why[ARM_WHY]);
void run_command(struct engine *en, const struct engine_who *who, enum cycle_event_kind k, engine_reply *r, void *ctx);    /* step or resume */
void command_refuse(engine_reply *r, void *ctx, enum rc rc, const char *why);
/* The plan was made by this policy and program. */
bool runner_plan_stands(const struct runner *run);

/* ---- byhand.c ---- */
enum rc byhand_open(struct engine *en, struct err *e) MUST_USE;         /* needs links, lanes and the reader */
void byhand_tick(struct engine *en);
void byhand_breaker(const struct byhand *h, struct breaker *b);         /* a new breaker takes over what is set */

/* ---- bring_back.c ---- */
bool bring_back_idle(const struct engine *en);

/* ---- grants.c ---- */
/* Before cleaning begins: false after refusing because a grant has lapsed, which then is none any more. */
bool grants_stand(struct runner *run, engine_reply *r, void *ctx);
/* "alpha: 1 of 2 approvals" for each proposal that waits; nothing when none does. */
void grants_waiting(const struct runner *run, struct buf *out);
void grant_approvals_json(const struct egrant *g, struct jw *w);        /* the array */
void grant_approvals_read(struct egrant *g, const struct json *body);

/* ---- diagnose.c ---- */
void diagnoses_open(struct engine *en);
void diagnoses_link_ended(struct engine *en, size_t link);     /* look again where the end was vague */

/* ---- jobs.c ---- */
/* work runs on a pool thread with the catalogue's writer; done on the loop. In order, one at a time. */
void job_queue(struct engine *en, void (*work)(struct catalog *c, void *ctx), void (*done)(void *ctx), void *ctx);
/* turn runs on the loop when the jobs before it are done; nothing else touches the catalogue until job_let_go. */
void job_hold(struct engine *en, void (*turn)(void *ctx), void *ctx);
void job_let_go(struct engine *en);
/* A read on a pool thread with its own connections; counted so that engine_free can wait. */
void job_read(struct engine *en, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);
bool jobs_idle(const struct engine *en);

/* ---- metrics_census.c ---- */
void census_tick(struct engine *en);

/* ---- discovery.c ---- */
struct discovery_result {
	bool ok;
	bool clock_known;               /* the server said what time it is */
	bool undoable;                  /* every page said so */
	int64_t items, bytes, pages, expected;
	char trouble[240];
};
typedef void discovery_fn(void *ctx, int lane, const struct discovery_result *r);
/* List a lane completely into the catalogue, check its floors. Runs even when the result is unwanted later. */
void discover_lane(struct engine *en, int lane, discovery_fn *fn, void *ctx);
/* Answer for every list of this lane (-1: of all) that it failed, now; what is under way is dropped when it comes. */
void discover_stop(struct engine *en, int lane, const char *why);
/* List again without the catalogue: which of these ids are there? found[i] true = present. */
typedef void relist_fn(void *ctx, bool complete, const bool *found, size_t n, const char *trouble);
void relist_lane(struct engine *en, int lane, const struct slice *ids, size_t n, relist_fn *fn, void *ctx);
/* The same, and every item is shown; fn is told of none. */
typedef void list_item_fn(void *ctx, const struct lane_item *it);
void walk_lane(struct engine *en, int lane, list_item_fn *each, relist_fn *fn, void *ctx);
typedef void discover_records_fn(void *ctx, const struct records_list *l);
void discover_records(struct engine *en, struct erecords *r, discover_records_fn *fn, void *ctx);

struct validation;

/* ---- objects.c ---- */
/* The records, then the objects their rows name, if they name any: the answer to both. */
void discover_known(struct engine *en, struct erecords *r, discover_records_fn *fn, void *ctx);
void objects_facts(const struct erecords *r, struct policy_facts *f);   /* f borrows from r */
/* v->objects_lane and v->objects_prefix. */
void objects_where(const struct runner *r, struct validation *v);
void objects_json(const struct erecords *r, struct jw *w);              /* member objects, if any are configured */
void objects_proof(const struct erecords *r, struct buf *out);
/* The object of these rows that is there, "" = none. */
struct slice objects_of(const struct catalog_row *rows, size_t live);

/* ---- reconcile.c ---- */
/* A row whose file the lane does not have. */
void reconcile_row(struct reconcile_count *n, const struct policy_facts *f, const struct catalog_row *row);
void reconcile_json(struct jw *w, const struct reconcile_count *n);     /* member reconcile */
/* The totals into the plan's header, before it is hashed. */
void reconcile_proof(struct validation *v);
/* Of the evidence: where the item was, "P O D"; false = no objects are configured. */
bool reconcile_where_of(struct slice evidence, char out[8]);

/* ---- referrers.c ---- */
/* List every configured place of the lane; the answer also stays in its elane. */
typedef void referrers_fn(void *ctx, const struct ereferrals *f);
void referrers_ask(struct engine *en, int lane, referrers_fn *fn, void *ctx);
void referrers_stop(struct engine *en, int lane, const char *why);      /* answers for what runs: incomplete; lane -1: of all */
const char *referrals_of(const struct ereferrals *f, struct slice id);  /* what uses it, NULL nothing found */
const struct ereferrals *referrals_keep(struct ereferrals *f);  /* one more user; each calls referrals_free */
void referrals_free(struct ereferrals *f);
/* Nothing asked yet, incomplete, or older than max_age_us: ask again before anything is deleted. */
bool referrals_stale(const struct ereferrals *f, int64_t max_age_us);

/* ---- gather.c ---- */
/* item with all rows that name it, the first `live` of them not soft-deleted; everything borrowed for the call. item NULL: the
 * row names a file that the lane does not have. */
typedef enum rc gather_fn(void *ctx, const struct catalog_item *item, const struct catalog_row *rows, size_t n, size_t live);
/* Every item of a listed lane in the order of ids; name NULL: without rows. On a worker. */
enum rc gather_lane(struct catalog *c, int lane, const char *name, gather_fn *fn, void *ctx, struct err *e) MUST_USE;

/* ---- validate.c ---- */
/* A candidate of a lane whose content is to be kept. */
struct ecopy {
	struct slice purpose, sha256;   /* in the plan's arena; of its row, "" = none */
	struct slice object;            /* that is there and that its row names, "" = none; in the plan's arena */
	const char *from;               /* name of the objects it was copied from; NULL = of its lane */
	bool kept;                      /* there is a verified copy: */
	int64_t bytes;
	struct hash hash;
	bool same_id;                   /* restored it has the id that it had */
	const char *why;                /* there is none; in the plan's arena */
};

struct pass;
struct validation {
	struct plan *plan;              /* in: lanes and header filled; out: frozen */
	struct journal *journal;        /* out: plan and items */
	bool records;                   /* the policy has any */
	int lanes;
	int lane_of[CYCLE_MAX_LANES];
	bool excluded[CYCLE_MAX_LANES];
	bool undoable[CYCLE_MAX_LANES]; /* a delete there can be taken back, exactly */
	char lane_name[CYCLE_MAX_LANES][64];
	const struct cfg_policy *policy;
	const struct redrive *redrive;  /* NULL, or all that may be planned */
	const struct pick *pick;        /* the same */
	bool *pick_seen;                /* of it, by place: the lists have it; NULL = none yet */
	struct pick_found {
		int64_t planned, kept, absent;  /* absent: on no list */
	} pick_found;
	const struct cfg_lane *lanes_cfg;       /* of the configuration */
	struct policy_facts facts;
	const struct ereferrals *referrals[CYCLE_MAX_LANES];    /* NULL = the lane has no places configured */
	const char *places[CYCLE_MAX_LANES];
	uint64_t seed;
	int64_t by_verdict[CYCLE_MAX_LANES][VERDICT_COUNT];
	struct reconcile_count reconciled[CYCLE_MAX_LANES];
	int64_t objects_unnamed;
	int objects_lane;               /* of the plan, whose bucket holds the objects; -1 = none */
	struct slice objects_prefix;
	struct hidden *hidden;          /* while the items pass; NULL = it cannot happen */
	int64_t irreversible[CYCLE_MAX_LANES];
	struct slice control[CYCLE_MAX_LANES][CYCLE_CONTROL];
	int control_n[CYCLE_MAX_LANES];
	struct arena *arena;            /* of protected_ids */
	const struct slice *protected_ids[CYCLE_MAX_LANES];     /* by hand, sorted bytewise */
	size_t n_protected[CYCLE_MAX_LANES];
	int64_t judged_us, frozen_us;   /* what the two halves took */
	bool copies;                    /* some lane's content is to be kept */
	enum cfg_escrow_word escrow[CYCLE_MAX_LANES];
	struct ecopy *copy;             /* by plan_item.nth */
	size_t copy_cap;
	int32_t *order;                 /* with copies: places of the plan's items, by rank */
	struct pass *pass;              /* between judging and freezing */
	enum rc rc;
	struct err err;
};
/* On a worker, each once, in this order, with the catalogue's writer; freezing also after a failure. */
void validation_judge(struct catalog *c, struct validation *v);
void validation_freeze(struct validation *v);

/* ---- depends.c ---- */
/* References among the plan's items give their levels; NULL gone: nothing else. Otherwise gone[nth], which says what leaves
 * the plan, grows by what may not go, and told is called for each of those and for each that goes after another. */
typedef enum rc depends_told(void *ctx, struct plan_item *it, bool leaves, const char *why);
bool depends_any(const struct validation *v);
enum rc depends_settle(struct validation *v, bool *gone, depends_told *told, void *ctx) MUST_USE;
void depends_cuts(const struct plan *p, int32_t cut[][CYCLE_CUTS]);     /* of a frozen plan, by lane */

/* ---- keeping.c ---- */
/* Every copy that the approval counted restorable is read again before this command is given. false: it is being
 * done, and the command is given or refused behind it. */
bool keeping_gate(struct runner *r, const struct engine_who *who, enum cycle_event_kind k, engine_reply *reply, void *ctx);
void keeping_test_one(struct runner *r);                /* of the ended cycle, by chance */
void keeping_expire(struct engine *en);                 /* copies older than keep_for, but those of the open cycle */

/* ---- copying.c ---- */
struct copying;
/* Not while the engine stops. Copies the candidates' content as v->escrow asks and tells in v->copy what came of each; done on the loop. */
void copying_run(struct runner *r, struct validation *v, void (*done)(void *ctx), void *ctx);
/* It ends soon: nothing new is begun, what runs is given up. */
/* The directory where copies are made. */
void copying_dir(const struct engine *en, struct buf *out);
void copying_stop(struct engine *en, const char *why);
void copying_json(const struct engine *en, struct jw *w);       /* member escrow: how far it is, or null */
/* What a crash left under way is taken away. At the start, before a cycle is rebuilt. */
void copying_recover(struct engine *en);

/* ---- runner.c ---- */
struct runner *runner_new(struct engine *en, int64_t id, const struct cfg_policy *p, bool rehearsal);
/* When the cycle was opened: its name and the token of its claims come from it, so that a restart knows both again. */
void runner_opened(struct runner *r, int64_t wall_us);
void runner_free(struct runner *r);
/* Handle, make durable, act. reply may be NULL; it is called when what was decided is durable. */
void runner_event(struct runner *r, const struct cycle_event *ev, const struct audit_actor *who, struct journal *also,
		  engine_reply *reply, void *ctx);
struct cycle_event event_of(enum cycle_event_kind k);
struct now runner_now(const struct runner *r);          /* of the turn, once it brought something */
bool runner_open(const struct engine *en);              /* a cycle is open */
void runner_arm_timer(struct runner *r);
void runner_store_state(struct runner *r, struct journal *j);
void runner_write(struct runner *r, struct effects *fx, struct journal *j, const struct audit_actor *who);    /* what is to be durable */

/* ---- deeds.c ---- */
/* Made durable together with what else this turn of the loop brings, then done. *fx is empty afterwards. */
void deeds_add(struct runner *r, struct effects *fx, const struct audit_actor *who, struct now now);
/* The same at once, after what came before it; also (may be NULL) is taken over. *fx is empty afterwards. */
void runner_carry_out(struct runner *r, struct effects *fx, struct journal *also, const struct audit_actor *who,
		      engine_reply *reply, void *ctx);
void deeds_flush(struct runner *r);                     /* the turn of the loop ends here */
void deeds_free(struct runner *r);
void runner_retry(struct runner *r);                    /* try to write what waits */
/* An intent, of an upload or a delete, comes to nothing: nothing was tried. */
void runner_withdraw(struct runner *r, int32_t item, bool upload, const char *why);
int engine_unwritten(const struct engine *en);          /* batches that are not durable yet */

/* ---- acts.c ---- */
void act(struct runner *r, const struct effect *e);
/* Takes those acts out of *fx that need nothing on disk before, at most max: at most one a lane and event. */
size_t acts_at_hand(struct runner *r, struct effects *fx, struct effect *out, size_t max);
void acts_go_out(struct runner *r);     /* deletes whose turn it is leave; those that may not leave any more are taken back */

/* ---- protect.c ---- */
/* The ids protected by hand in a lane, in order, in *a. */
enum rc protected_of(struct engine *en, const char *lane, struct arena *a, const struct slice **ids, size_t *n, struct err *e) MUST_USE;
bool protected_any(struct engine *en, const char *lane);        /* something may be; also when that cannot be read */
enum check_result protected_check(struct engine *en, const char *lane, struct slice id);     /* CHECK_SAME when it is not */

/* ---- restoring.c ---- */
struct restoring;
void restoring_free(struct restoring *x);
/* After a restart: baselines and new ids of the open cycle. */
enum rc restoring_read(struct runner *r, struct err *e) MUST_USE;
void restoring_new_id(struct runner *r, int32_t item, struct slice id);
struct slice restoring_id(const struct runner *r, int32_t item);        /* its new id, empty = none */
/* Items of the class that this engine can bring back: what cycle_plan_item.restorable says. */
int restoring_class(const struct plan_item *it);
int64_t restoring_of_lane(const struct plan_lane *l);                   /* how many of the plan */
void restoring_baseline(struct runner *r, int lane);
void restoring_upload(struct runner *r, int32_t item);
void restoring_seek(struct runner *r, int32_t item);

/* ---- bounds.c ---- */
/* After a restart: the items that the open cycle is bound to. RC_AUDIT if the log says it is bound and the list is lost
 * before a plan was frozen: it must not go on without. */
enum rc bounds_restore(struct runner *r, const struct cfg_policy *policy, struct err *e) MUST_USE;

/* ---- pick.c ---- */
struct pick;
/* items: an array of {"lane", "id"}, of this policy's lanes, 1 to 10,000, none twice. */
enum rc pick_parse(struct pick **out, const struct json *items, const struct cfg_policy *policy, const struct config *cfg, struct err *e) MUST_USE;
void pick_free(struct pick *p);                         /* NULL is fine */
int64_t pick_count(const struct pick *p);               /* -1 = NULL */
bool pick_has(const struct pick *p, const char *lane, struct slice id);
void pick_seen(struct validation *v, const char *lane, struct slice id);        /* an item that is on a list */
void pick_proof(struct validation *v);                  /* what became of them into the plan's header, before it is hashed */
void pick_found_json(struct jw *w, const struct validation *v);         /* member picked, names of those on no list with it */
void pick_tell(struct pick *p, const struct validation *v);
int64_t pick_absent(const struct pick *p);              /* -1 = not known: nothing is planned, or a restart came after it */
void pick_open(struct journal *j, const struct pick *p, const struct audit_actor *who, const char *policy, int64_t cycle);
enum rc pick_restore(struct engine *en, int64_t cycle, const struct cfg_policy *policy, struct pick **out, struct err *e) MUST_USE;   /* NULL: it has none */

/* ---- dead.c ---- */
void redrive_free(struct redrive *d);
bool redrive_has(const struct redrive *d, const char *lane, struct slice id);
void redrive_open(struct journal *j, const struct redrive *d, const struct audit_actor *who, int64_t cycle);
enum rc redrive_restore(struct engine *en, int64_t cycle, struct redrive **out, struct err *e) MUST_USE;        /* NULL: it is none */
void redrive_settle(struct runner *r, struct journal *j);

/* ---- recover.c ---- */
enum rc recover_cycle(struct engine *en, struct err *e) MUST_USE;

/* ---- plan_make.c ---- */
struct plan *plan_prepare(struct runner *r);            /* header fields from configuration and discovery */

#endif
