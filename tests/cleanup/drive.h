/* Drives one cycle by hand: what the coordinator asks for is answered by a test's own functions, time
 * moves only when nothing else can. */
#ifndef SLUICE_TESTS_CLEANUP_DRIVE_H
#define SLUICE_TESTS_CLEANUP_DRIVE_H

#include "tests/unit/unit.h"

#include "cleanup/cycle.h"

enum { DRIVE_ITEMS = 1200, DRIVE_EFFECTS = EFF_ENDED + 1 };
#define DRIVE_SECOND INT64_C(1000000)
#define DRIVE_MINUTE (60 * DRIVE_SECOND)

struct drive {
	struct cycle *c;
	struct now now;
	struct cycle_lane_opts o[CYCLE_MAX_LANES];
	bool auto_gates[STAGE_COUNT];
	bool needs_records, rehearsal;
	int lanes;
	int32_t items[CYCLE_MAX_LANES];         /* planned */
	int64_t granted[CYCLE_MAX_LANES];       /* 0 = all of them */
	enum on_abort on_abort;
	int64_t bytes;                          /* of every item; -1 unknown */
	int64_t plan_for, run_for;
	int control_n;
	bool rows;                              /* items have rows */
	int32_t restorable;                     /* the first so many items have a copy */
	/* how the world answers; NULL = as in fair weather. attempt counts from 1 */
	struct cycle_answer (*send)(struct drive *d, int32_t item, int attempt);
	enum presence (*probe)(struct drive *d, int32_t item);
	enum presence (*reread)(struct drive *d, int lane, int32_t item, enum reread_why why);
	enum check_result (*check)(struct drive *d, int32_t item, bool fresh);
	enum claim_result (*claim)(struct drive *d, int32_t item);
	enum claim_result (*row)(struct drive *d, int32_t item);
	enum claim_result (*look)(struct drive *d, int32_t item);       /* NULL = there is still no row */
	enum claim_result (*release)(struct drive *d, int32_t item);
	enum presence (*relist)(struct drive *d, int32_t item);
	bool (*baseline)(struct drive *d, int lane);                            /* NULL = listed, and there is room */
	enum restore_result (*upload)(struct drive *d, int32_t item, int attempt);
	int (*seek)(struct drive *d, int32_t item);                             /* files that may be it; NULL = none */
	enum claim_result (*remap)(struct drive *d, int32_t item);
	size_t part;                                    /* batches are answered in parts of so many; 0 = whole */
	void (*between)(struct drive *d, enum cycle_event_kind k);      /* two parts of such an answer */
	bool relist_ok;
	int64_t claims_left;
	/* what was asked for */
	int64_t asked[DRIVE_EFFECTS];
	int64_t sends_of[DRIVE_ITEMS], uploads_of[DRIVE_ITEMS];
	char new_id[DRIVE_ITEMS][24];
	int32_t uploaded[DRIVE_ITEMS];  /* in order */
	int64_t n_uploaded;
	int64_t most_in_flight;
	int64_t most_moved;             /* items that one event re-validates, claims or makes ready, at most */
	int64_t audits[64];
	int64_t dead, spent_items, spent_bytes;
	char dead_belief[DRIVE_ITEMS][24];
	char reason[16];                /* of the last row commit */
	struct effect *act;             /* not answered yet, in order */
	size_t n_act, cap_act;
	bool stop;                      /* a test's function: answer nothing more for now */
	int user;                       /* a test's own */
};

/* Defaults: one lane, rate without limit, 64 in flight, three control items, rows, 100 bytes each. */
void drive_init(struct drive *d, int32_t items);
void drive_done(struct drive *d);
/* Discover, validate, grant; stops before the gate into CLEANING. */
void drive_plan(struct drive *d);
void drive_grant(struct drive *d);
/* The same, and one step into the canary. */
void drive_clean(struct drive *d);
/* Answer and tick until nothing moves by itself within half an hour. */
void drive_run(struct drive *d);
void drive_answer_one(struct drive *d);
/* Resume at every stop until the cycle is at the gate into COMMITTING, or cannot go on. */
void drive_to_gate(struct drive *d);
/* Step at every gate until it ended. */
void drive_to_end(struct drive *d);
enum rc drive_do(struct drive *d, enum cycle_event_kind k);
enum rc drive_event(struct drive *d, struct cycle_event *ev, struct err *e);
enum rc drive_ack(struct drive *d, int64_t failures);
enum rc drive_abort(struct drive *d, bool restore, struct err *e);
void drive_wait(struct drive *d, int64_t us);
struct cycle_event drive_ev(const struct drive *d, enum cycle_event_kind k);
/* A new process: body and items as they are now, nothing else. State before recovery in *c. */
void drive_restart(struct drive *d, int64_t later_us);

int64_t drive_count(const struct drive *d, enum item_state st);
struct cycle_lane *drive_lane(struct drive *d, int lane);
struct cycle_item *drive_item(struct drive *d, int32_t item);
struct cycle_answer answer_of(enum answer_kind k, enum retry_class class_);

#endif
