/* The coordinator of one cleanup cycle: a pure function (state, event) → (state, effects). No clock,
 * no I/O, no randomness of its own: `now` and the seed come in. The shell (engine/runner.c) makes
 * every record of an event durable in one commit and only then carries out its acts, so an intent is
 * always on disk before its request leaves. It may be called from one thread at a time.
 *
 * Words, gates, outcomes and limits: SEMANTICS 2, 5, 7. Items are indexed 0 … n-1 over the whole
 * plan; a lane's items are contiguous and in rank order. */
#ifndef SLUICE_CLEANUP_CYCLE_H
#define SLUICE_CLEANUP_CYCLE_H

#include "base/str.h"
#include "base/time.h"
#include "cleanup/outgoing.h"
#include "guard/breaker.h"
#include "guard/matrix.h"
#include "guard/pace.h"
#include "guard/retry.h"

#define CYCLE_STAGES(X) \
	X(DISCOVERING, "DISCOVERING") X(VALIDATING, "VALIDATING") X(CLEANING, "CLEANING") \
	X(COMMITTING, "COMMITTING") X(AUDITING, "AUDITING") X(ENDED, "ENDED")
enum cycle_stage {
#define X(e, w) STAGE_##e,
	CYCLE_STAGES(X)
#undef X
	STAGE_COUNT
};

#define CYCLE_ENDS(X) \
	X(NONE, "") X(COMPLETED, "COMPLETED") X(COMPLETED_WITH_FAILURES, "COMPLETED_WITH_FAILURES") \
	X(ABORTED_RESTORED, "ABORTED_RESTORED") X(ABORTED_PARTLY_RESTORED, "ABORTED_PARTLY_RESTORED") \
	X(ABORTED_KEPT, "ABORTED_KEPT") X(CANCELLED, "CANCELLED") X(LAPSED, "LAPSED")
enum cycle_end {
#define X(e, w) END_##e,
	CYCLE_ENDS(X)
#undef X
	END_COUNT
};

/* Where one item is. From ITEM_DELETED on it is settled. Stored in sluice.db: append only. */
#define ITEM_STATES(X) \
	X(PLANNED, "planned") X(CHECKING, "checking") X(CLAIMING, "claiming") X(READY, "ready") \
	X(SENT, "sent") X(BACKOFF, "waiting to repeat") X(PROBING, "probing") X(SETTLING, "present, too early to tell") \
	X(DELETED, "deleted") X(GONE, "gone") X(GONE_OTHER, "gone_other") X(FAILED, "failed") X(UNKNOWN, "unknown") \
	X(REFUSED, "refused") X(DRIFTED, "drifted") X(PROTECTED, "protected") X(BLOCKED, "blocked") X(HELD, "held") \
	X(REHEARSED, "rehearsed") X(RESTORING, "restoring") X(SEEKING, "perhaps restored") X(RESTORED, "restored") \
	X(UNRESTORED, "deleted, not restored")
enum item_state {
#define X(e, w) ITEM_##e,
	ITEM_STATES(X)
#undef X
	ITEM_STATE_COUNT
};

/* CLAIMED: the row may carry our claim. Stored in sluice.db: append only. */
#define ROW_STATES(X) \
	X(UNTOUCHED, "untouched") X(CLAIMED, "claimed") X(INTENT, "intent") X(COMMITTED, "committed") \
	X(NONE, "no row") X(CONFLICT, "conflict") X(RELEASED, "released") X(RELEASING, "releasing") X(REMAPPED, "remapped")
enum row_state {
#define X(e, w) ROW_##e,
	ROW_STATES(X)
#undef X
	ROW_STATE_COUNT
};

#define LANE_PHASES(X) \
	X(WAITING, "waiting") X(CHECKING, "re-validating") X(CLAIMING, "claiming") X(SENDING, "sending") \
	X(CANARY_CHECK, "canary check") X(BOUNDARY, "between batches") X(RETRYING, "retry pass") \
	X(CHOICE, "operator chooses") X(SETTLED, "settled") X(ABORTED, "aborted") X(EXCLUDED, "excluded")
enum lane_phase {
#define X(e, w) PHASE_##e,
	LANE_PHASES(X)
#undef X
	PHASE_COUNT
};

const char *cycle_stage_name(enum cycle_stage s);
const char *cycle_end_name(enum cycle_end e);
const char *item_state_name(enum item_state s);
const char *row_state_name(enum row_state s);
const char *lane_phase_name(enum lane_phase p);
enum rc cycle_end_rc(enum cycle_end e);                /* exit code of SEMANTICS 9 */
bool item_settled(enum item_state s);
bool item_deleted(enum item_state s);                  /* and stays so: DELETED, GONE, UNRESTORED */
bool item_holds_unit(enum item_state s);               /* of the grant: all but proved non-deletions */

struct cycle_item {
	int64_t bytes;                  /* -1 unknown: charged at the lane's maximum */
	int64_t sent_us;                /* boot time of the last send or upload, -1 never or before a restart */
	int64_t sent_wall_us;           /* wall time of the same, -1 never */
	int64_t due_us;                 /* BACKOFF, SETTLING: when to go on */
	int64_t done_us;                /* boot time at which its delete was known, -1 not in this process */
	int64_t checked_us;             /* boot time of the facts its last re-validation relied on */
	int32_t lane;
	uint16_t attempts;              /* intents written */
	uint8_t tries;                  /* of them, or of its uploads, those that count against its tier */
	uint8_t state;                  /* enum item_state */
	uint8_t written;                /* the state that was last told to be written */
	uint8_t row;                    /* enum row_state */
	uint8_t class_;                 /* enum retry_class of the last failure */
	uint8_t probes;                 /* asked without an answer */
	uint8_t restorable;             /* enum reversibility of its plan: 0 cannot be brought back */
	struct breaker_ticket ticket;   /* of the breaker when it was sent */
	bool has_row;
	bool left;                      /* a request of ours for it has left, or may have */
	bool lost;                      /* the engine ended between its intent and its outcome */
	bool dead;                      /* a dead letter was written */
	bool reread;                    /* waits for a re-read (canary, sample) */
	bool present;                   /* the last re-read found it */
	bool confirmed;                 /* GONE_OTHER: a complete list showed it is gone */
	bool unclaim;                   /* CONFLICT: its row may still carry our claim */
	bool looked;                    /* deleted without a row, and in COMMITTING there was still none */
};

struct cycle_lane;
int64_t cycle_wire(const struct cycle_lane *l);        /* so many requests may be out at once */
bool item_look_due(const struct cycle_item *it);       /* has somebody made a row for a file that is gone? */

struct cycle_lane_opts {
	char name[64];
	int64_t in_flight;              /* configured, >= 1 */
	int64_t rate_mhz, burst;        /* never faster */
	int64_t learned_mhz;            /* pace of an earlier cycle on this lane; 0 = none */
	int64_t settle_us;              /* 60 s unless configured */
	int64_t max_item_bytes;         /* charge for unknown sizes */
	int64_t list_max_age_us;        /* 5 min: nothing is sent on facts older than this */
	int64_t canary, ramp;           /* of the policy: at most so many first, then so many times more; 0 = 10 and 3 */
	int32_t slice;                  /* items that one event marks; 0 = CYCLE_SLICE */
	struct retry_policy retry;
	struct breaker_opts breaker;
};

struct cycle_counts {
	int64_t planned, planned_bytes;
	int64_t by_state[ITEM_STATE_COUNT];     /* of all planned items */
	int64_t failed_by[RETRY_CLASS_COUNT];
};

enum check_result { CHECK_SAME, CHECK_DRIFTED, CHECK_REFERENCED, CHECK_PROTECTED, CHECK_NO_ANSWER, CHECK_ABSENT };
enum claim_result { CLAIM_DONE, CLAIM_NO_ROW, CLAIM_UNCLAIMED, CLAIM_REFERENCED, CLAIM_CHANGED, CLAIM_FAILED, CLAIM_REHEARSED };
enum { CLAIM_RESULTS = CLAIM_REHEARSED + 1 };

enum { CYCLE_MAX_LANES = 16, CYCLE_CONTROL = 3, CYCLE_CUTS = 15, CYCLE_STREAK = 5 };
enum { CYCLE_SLICE = 4096 };            /* items that one event is about at most, and that one marks: a batch may have a million */
struct cycle_lane {
	struct cycle_lane_opts o;
	enum lane_phase phase;
	int32_t first, planned;         /* its items */
	/* discovery */
	bool listed, complete;
	int64_t list_items;
	char trouble[200];              /* why the list is not usable */
	bool excluded;
	/* grant */
	bool granted;
	int64_t n;                      /* items granted: ranks 1…n; N of the matrix */
	int64_t bytes_granted, bytes_charged, items_charged;    /* charged: what holds a unit now, in flight included */
	int64_t run_us;                 /* its running time, from the plan's first intent on */
	enum on_abort { ON_ABORT_ASK, ON_ABORT_KEEP, ON_ABORT_RESTORE } on_abort;
	/* cleaning */
	int32_t batch, batch_from, batch_to;    /* items batch_from … batch_to-1 of the lane, 0-based rank */
	int32_t cut[CYCLE_CUTS];        /* ranks at which a batch ends: what stands behind is referred to by what stands before; 0 = none */
	bool go;                        /* an operator opened the way past the last canary */
	bool asking, asked_fresh;       /* a re-validation or claim is out */
	bool retry_pass, retried;       /* retry pass runs / has run */
	int64_t in_flight;              /* intents without an outcome: requests, and what is written ahead of them */
	struct outgoing_times times;
	int32_t cursor;                 /* no READY item below this rank */
	int32_t low;                    /* no unsettled item below this rank */
	int32_t check_at, check_from, check_to; /* being marked for re-validation: ranks before check_at are done, 0 = not begun; what was marked */
	int64_t unanswered, claims[CLAIM_RESULTS];      /* of the answer that is coming in parts, so far */
	int64_t batch_due_us;           /* boot time by which the batch, or the retry pass, must be through; 0 = not begun */
	int64_t next_due_us;            /* earliest due item in BACKOFF or SETTLING; INT64_MAX = none */
	int64_t pump_due_us;            /* when sending may go on by time alone; INT64_MAX = when something happens */
	bool breaker_read;              /* a half-open probe read is out */
	struct breaker_ticket breaker_ticket;
	struct pace pace;
	struct breaker breaker;
	struct retry_budget budget;
	bool halted;
	char halt_why[200];
	enum retry_class streak_class;  /* five of one class, one after the other */
	int streak;
	int64_t refused_seen, gone_other_seen;  /* what an operator who resumed had seen */
	bool acked;
	int64_t requests;               /* that left and ended, answered or not */
	bool canary_done;
	int64_t canary_until_us, reread_due_us;
	int control_n, control_ok, control_asked;       /* items outside the plan that must stay */
	enum control_seen { CONTROL_UNKNOWN, CONTROL_THERE, CONTROL_GONE } control[3];
	int64_t waiting_reads;          /* re-reads asked for, not answered */
	int64_t list_at_us;             /* boot time of the list that re-validation may rely on */
	bool relisted;
	/* an abort that brings back what was deleted (restore.c) */
	bool restore;                   /* it does */
	bool based;                     /* what the lane held before the first upload is durable */
	bool basing, uploading, seeking;        /* that list, one upload, one look for an upload is out */
	int32_t *order;                 /* items to bring back, the last deleted first; NULL until COMMITTING */
	int32_t order_n, order_at;      /* those before order_at are through, or the one in hand */
	struct cycle_item *in_hand;     /* NULL = none */
	int64_t restore_due_us;         /* boot time at which the one in hand goes on */
	int restore_streak;             /* lost one after the other */
	struct cycle_counts c;
};


enum cycle_run { RUN_NONE, RUN_STEP, RUN_GATE };

struct cycle {
	int64_t id;
	enum cycle_stage stage;
	enum cycle_end end;
	bool rehearsal;
	bool auto_gate[STAGE_COUNT];    /* policy opens the gate into this stage by itself */
	enum cycle_run run;
	bool held;
	char held_why[200];
	char waiting_for[240];          /* sentence; "" while working */
	int64_t since_us;               /* boot time of the last change of stage or waiting */
	int lanes;
	struct cycle_lane lane[CYCLE_MAX_LANES];
	struct cycle_item *item;
	int32_t items;
	uint16_t *marks;                /* of each: what may have to be done about it (marks.c) */
	int64_t marked[16];             /* so many have each mark */
	size_t item_cap, marks_cap;     /* while they are restored one by one */
	bool plan_frozen;
	int64_t plan_until_wall_us, plan_until_boot_us;
	bool needs_records;
	bool records_listed, records_ok;
	char records_trouble[200];
	bool listing, validating;       /* an effect is under way */
	bool first_intent;              /* the plan is spent */
	int64_t run_until_wall_us, run_until_boot_us;   /* the earliest end of the grants' running times */
	bool aborting, abort_restore;
	enum cycle_end ending;          /* what it ends as although claims must be given back first; NONE = what became of it */
	char must_abort[200];           /* sentence: too much failed over all lanes, or time is over; only an abort goes on */
	bool cleaned;                   /* every lane is through CLEANING; the next run command passes the gate */
	/* committing, auditing */
	int64_t rows_busy, release_busy;
	bool undeleted_free;            /* no claim is left on what was not deleted */
	int32_t look_at;                /* items before it need no look */
	bool claims_counted, claims_swept;
	int64_t claims_left;
	int64_t sample_left, sample_bad;
	bool counting, sampling;
	int relisting;                  /* lanes whose re-list is under way */
	bool store_failed;              /* an intent could not be written: nothing new leaves */
	struct rng rng;
};

/* ---- events ---- */
enum cycle_event_kind {
	EV_START,               /* first event */
	EV_LISTED,              /* lane, ok, number = items, text = trouble */
	EV_RECORDS,             /* ok, text = trouble */
	EV_VALIDATED,           /* ok, items/item[] (ownership moves), lanes' first/planned set by cycle_take_plan */
	EV_GRANT,               /* lane, number = items, bytes, on_abort, until_us = wall time that it would run to if it began now */
	EV_REVOKE,              /* lane: its grant is taken back, before the first intent */
	EV_EXCLUDE,             /* lane */
	EV_BREAKER,             /* lane, number = enum breaker_state by hand, until_us = boot time it expires, 0 = not */
	EV_STEP, EV_RESUME, EV_HOLD, EV_CANCEL,
	EV_ACK,                 /* number = failures the operator acknowledges */
	EV_ABORT,               /* restore */
	EV_RECHECKED,           /* lane, items[]/results[] = enum check_result; more = a part, the same answer goes on */
	EV_CLAIMED,             /* lane, items[]/results[] = enum claim_result; more */
	EV_ANSWER,              /* item, answer */
	EV_PROBED,              /* item, presence */
	EV_REREAD,              /* lane, item (>= 0) or control (-1 - k), presence, number as in EFF_REREAD */
	EV_RELISTED,            /* lane, ok: complete and controls there; results[] presence of GONE_OTHER items in order */
	EV_ROWS,                /* items[]/results[] = enum claim_result */
	EV_RELEASED,            /* items[]/results[] */
	EV_CLAIMS,              /* number = claims left, -1 = cannot be read */
	EV_BASELINE,            /* lane, ok: listed, its ids are durable, and there is room; text = trouble */
	EV_RESTORED,            /* item, number = enum restore_result, text = the new id or what was said; answer: class_, wait_ms,
				   quota, status */
	EV_SOUGHT,              /* item, number = files that may be it, -1 = no answer; text = the id of the only one, or trouble */
	EV_TICK,
	EV_STORE_FAILED,        /* text: the audit log cannot be written */
	EV_STORE_BACK,
	EV_LAPSE_CHECK          /* wall time moved: does the plan still stand? */
};

enum presence { PRESENT, ABSENT, NO_ANSWER };
enum restore_result {
	RESTORE_DONE,
	RESTORE_REFUSED,        /* about this item: it will not be taken */
	RESTORE_LANE,           /* about the lane: key, quota, room */
	RESTORE_RETRY,          /* proved: nothing was uploaded */
	RESTORE_UNCLEAR,        /* it may be there */
	RESTORE_WITHDRAWN       /* its intent became durable too late: nothing was tried */
};
enum reread_why { REREAD_CANARY, REREAD_BREAKER, REREAD_SAMPLE };

/* What a delete came to (the shell translates lane/lane.h's answer). */
enum answer_kind { ANSWER_DELETED, ANSWER_MISSING, ANSWER_UNCLEAR, ANSWER_ITEM_REFUSED, ANSWER_LANE_REFUSED,
		   ANSWER_PACE, ANSWER_NOT_SENT, ANSWER_REHEARSED,
		   ANSWER_WITHDRAWN };          /* its intent became durable too late: nothing was tried */
struct cycle_answer {
	enum answer_kind kind;
	enum retry_class class_;
	bool left;
	int64_t wait_ms;                /* -1 unknown */
	bool wait_coarse;               /* it came in whole seconds */
	struct pace_quota quota;
	bool slow;
	int status;
	int64_t ready_us, sent_us;      /* boot times at which its intent was durable and its request left; 0 = it did not leave */
	const char *detail;             /* sentence; lane halts quote it */
};

struct cycle_event {
	enum cycle_event_kind kind;
	struct now now;
	int lane;
	int32_t item;
	bool ok, restore, more;
	int64_t number, bytes, until_us;
	enum on_abort on_abort;
	const char *text;
	const uint8_t *results;
	const int32_t *items;
	size_t n;
	struct cycle_answer answer;
	enum presence presence;
};

/* ---- effects ---- */
enum effect_kind {
	/* made durable, all together, before any act of the same event */
	EFF_AUDIT,              /* a record: audit (enum audit_kind as int), lane, item, text = JSON members for the payload; of an item's
				   outcome also word, number = attempt, from = enum retry_class, to = status, at_us = wall time */
	EFF_ITEM,               /* item's state changed */
	EFF_DEAD,               /* item becomes a dead letter: word = phase, text = belief */
	EFF_SPENT,              /* lane: number items and bytes more (returned: less) count for 24 h from wall time at_us */
	EFF_CYCLE,              /* the cycle's own row changed */
	EFF_NEW_ID,             /* item is restored as text */
	/* acts */
	EFF_DISCOVER,           /* lane */
	EFF_LIST_RECORDS,
	EFF_VALIDATE,
	EFF_RECHECK,            /* lane, from, to (item indices): only items in state CHECKING; number 1 = the list is too
				   old, each must be asked for */
	EFF_CLAIM,              /* lane, from, to: only items in state CLAIMING */
	EFF_SEND,               /* item */
	EFF_PROBE,              /* item */
	EFF_REREAD,             /* lane, item >= 0 or control -1 - k, number = enum reread_why */
	EFF_RELIST,             /* lane */
	EFF_COMMIT_ROWS,        /* from, to: items with row INTENT in the range; text = reason */
	EFF_LOOK_ROWS,          /* from, to: items in the range for which item_look_due(); answered by EV_ROWS */
	EFF_RELEASE,            /* from, to: items with row RELEASING, or unclaim, in the range */
	EFF_COUNT_CLAIMS,
	EFF_BASELINE,           /* lane: list it whole, keep the ids that might be taken for an upload durably, look whether
				   there is room for items whose restore_due() */
	EFF_RESTORE,            /* item: bring its bytes back, once */
	EFF_SEEK,               /* item: which files of its name and size does the lane hold that are neither in the baseline
				   nor another item's new id? */
	EFF_REMAP_ROWS,         /* from, to: items with row INTENT in the range: from the old id to the new */
	EFF_ENDED               /* the cycle is over; number = enum cycle_end */
};

struct effect {
	enum effect_kind kind;
	int audit;
	int lane;                       /* -1 none */
	int32_t item;                   /* -1 none */
	int32_t from, to;
	int64_t number, bytes, at_us;
	const char *word;               /* static */
	char *text;                     /* owned by the effects; may be NULL */
};

struct effects {
	struct effect *e;
	size_t n, cap;
};
void effects_done(struct effects *e);

/* ---- the function ---- */
struct cycle *cycle_new(int64_t id, uint64_t seed, const struct cycle_lane_opts *lanes, int n, bool needs_records,
			bool rehearsal, const bool auto_gate[STAGE_COUNT]);
void cycle_free(struct cycle *c);
/* Appends to *out. Commands that cannot be done answer their refusal and change nothing. */
enum rc cycle_handle(struct cycle *c, const struct cycle_event *ev, struct effects *out, struct err *e) MUST_USE;
/* Boot time at which an EV_TICK is due; INT64_MAX = none. */
int64_t cycle_due_us(const struct cycle *c);

/* Before EV_VALIDATED: hand over the plan's items (copied), lane by lane in rank order. */
struct cycle_plan_item {
	int32_t lane;
	int64_t bytes;
	bool has_row;
	int restorable;                 /* enum reversibility of cleanup/plan */
};
void cycle_take_plan(struct cycle *c, const struct cycle_plan_item *items, int32_t n, const int control_n[CYCLE_MAX_LANES],
		     int64_t until_wall_us, int64_t until_boot_us);
/* The same in two halves: of a million items the first takes long. It may run on any thread; charge = what an item of unknown
 * size counts as in each lane (cycle_lane_opts.max_item_bytes). The second takes what the first gave; NULL may be freed. */
struct cycle_ready *cycle_ready_plan(const struct cycle_plan_item *items, int32_t n, const int64_t charge[CYCLE_MAX_LANES]);
void cycle_ready_free(struct cycle_ready *p);
void cycle_take_ready(struct cycle *c, struct cycle_ready *p, const int control_n[CYCLE_MAX_LANES], int64_t until_wall_us, int64_t until_boot_us);

/* Why a command cannot be given now; NULL = it can. The words of the screens' greyed keys. */
enum cycle_command { CMD_STEP, CMD_RESUME, CMD_HOLD, CMD_CANCEL, CMD_ABORT, CMD_ACK, CMD_APPROVE, CMD_EXCLUDE, CMD_COUNT };
const char *cycle_why_not(const struct cycle *c, enum cycle_command cmd);
/* Failures the operator must acknowledge before COMMITTING; 0 = none. */
int64_t cycle_ack_needed(const struct cycle *c);

/* Items of the lane's first batch. */
int64_t cycle_canary(const struct cycle_lane *l);
/* T and F of a lane (SEMANTICS 5), from its settled items. */
void cycle_tf(const struct cycle_lane *l, int64_t *t, int64_t *f);
/* planned = deleted + gone + … in words, and whether it holds. */
bool cycle_equation(const struct cycle *c, struct buf *out);
/* Sum over all lanes. */
void cycle_totals(const struct cycle *c, struct cycle_counts *out);
int64_t cycle_not_started(const struct cycle_counts *n);
/* What became of the rows; todo = the item is gone, and its row waits. */
struct cycle_rows { int64_t committed, remapped, none, conflicts, todo; };
struct cycle_rows cycle_rows(const struct cycle *c);
bool cycle_marks_hold(const struct cycle *c);  /* for tests: they are what the items say */
/* Is it to be brought back, and has it not come to its end yet? */
bool restore_due(const struct cycle *c, const struct cycle_item *it);
/* "restored 375 of 412; 37 cannot be restored"; false, and nothing, when nothing was to be. */
bool cycle_restored(const struct cycle *c, struct buf *out);

/* ---- persistence (cycle_body.c) ---- */
/* Everything but the items, as JSON for journal_cycle.body. */
void cycle_body(const struct cycle *c, struct buf *out);
/* Rebuild after a restart: cycle_new with the same lanes, then the body, then each item's stored
 * state; then cycle_recover, which releases, probes and holds by SEMANTICS 7's table. */
enum rc cycle_body_read(struct cycle *c, struct slice body, struct now now, struct err *e) MUST_USE;
struct cycle_stored {
	int state, row, attempts, class_;
	int64_t sent_wall_us;           /* -1 never */
};
/* Item n (in order from 0) as it was stored. RC_AUDIT when a value cannot be. */
enum rc cycle_item_restore(struct cycle *c, int32_t n, const struct cycle_plan_item *p, const struct cycle_stored *st,
			   struct err *e) MUST_USE;
/* After the last item. RC_AUDIT when body and items do not belong together; *out is then empty. */
enum rc cycle_recover(struct cycle *c, struct now now, struct effects *out, struct err *e) MUST_USE;

#endif
