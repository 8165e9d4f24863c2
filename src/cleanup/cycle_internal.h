/* Shared by the files of the coordinator; nobody else includes it.
 * cycle.c items, effects, life · marks.c which may have work · events.c what happened · gates.c what may go on, in words ·
 * clean.c lanes · batch.c re-validation and claims · send.c requests and answers · canary.c ·
 * verdict.c the matrix · commit.c rows · restore.c an abort undone · audit.c the last look · cycle_body.c persistence */
#ifndef SLUICE_CLEANUP_CYCLE_INTERNAL_H
#define SLUICE_CLEANUP_CYCLE_INTERNAL_H

#include "base/json.h"
#include "cleanup/cycle.h"
#include "store/audit.h"

/* One call of cycle_handle: the state, the moment, and where effects go. */
struct step {
	struct cycle *c;
	struct effects *out;
	struct now now;
	struct buf note;        /* payload being written */
	struct jw w;
	size_t spent;           /* the last EFF_SPENT + 1; 0 = none */
};

/* ---- cycle.c ---- */
void step_init(struct step *s, struct cycle *c, struct effects *out, struct now now);
void step_done(struct step *s);
struct effect *emit(struct step *s, enum effect_kind k, int lane, int32_t item);
/* An audit record: note() opens its payload object, the caller adds members to s->w, note_emit closes it. */
void note(struct step *s);
void note_emit(struct step *s, enum audit_kind k, int lane, int32_t item);
/* Of an item's outcome; word is static. */
void note_outcome(struct step *s, const struct cycle_item *it, const char *word, int status);
/* A record with one sentence. */
void note_why(struct step *s, enum audit_kind k, int lane, const char *why);

struct cycle_lane *lane_of(struct cycle *c, const struct cycle_item *it);
struct cycle_item *items_of(struct cycle *c, const struct cycle_lane *l);
int lane_index(const struct cycle *c, const struct cycle_lane *l);
int32_t item_index(const struct cycle *c, const struct cycle_item *it);
/* The one door for an item's state: keeps the counts and the grant's units, asks for the row to be written. */
void item_set(struct step *s, struct cycle_item *it, enum item_state to);
void row_set(struct step *s, struct cycle_item *it, enum row_state to);
int64_t item_charge(const struct cycle_lane *l, const struct cycle_item *it);
void cycle_drop_plan(struct cycle *c);
void cycle_count_item(struct cycle *c, int32_t n, enum item_state st);
/* Written once per item. belief: row_conflict | maybe_deleted | exists | not_restored | maybe_restored_twice */
void item_dead(struct step *s, struct cycle_item *it, const char *phase, const char *belief);

/* ---- marks.c ---- */
enum { MARK_ROW = 1, MARK_LOOK = 2, MARK_CLAIM = 4, MARK_BACK = 8, MARK_CONFLICT = 16, MARK_WAITS = 32, MARK_FAILED = 64, MARK_HELD = 128,
	MARK_COMMITTED = 256, MARK_REMAPPED = 512, MARK_NO_ROW = 1024, MARK_TODO = 2048, MARKS = 16 };
uint16_t item_marks(const struct cycle_item *it);
void marks_count(int64_t marked[MARKS], unsigned was, unsigned is);
int64_t marked(const struct cycle *c, unsigned which);          /* items with this one mark */
/* After whatever changed an item; item_set and row_set do. */
void mark(struct cycle *c, const struct cycle_item *it);
/* The first of items from … to - 1 with one of these marks; to = none. */
int32_t next_marked(const struct cycle *c, int32_t from, int32_t to, unsigned which);
/* The same of a lane's ranks. */
static inline int32_t next_of(const struct cycle *c, const struct cycle_lane *l, int32_t from, int32_t to, unsigned which)
{
	return next_marked(c, l->first + from, l->first + to, which) - l->first;
}

/* ---- events.c ---- */
void hold(struct step *s, const char *why);
/* Whatever can go on goes on. */
void advance(struct step *s);
void discover_again(struct step *s);
/* The first intent: the plan is spent, the grants' running time begins. */
void run_begins(struct step *s);

/* ---- gates.c ---- */
bool gate_open(const struct cycle *c, char why[240]);   /* out of the present stage, apart from the operator */
bool working(const struct cycle *c);
void describe(struct step *s);
/* Why time forbids to send; NULL = it does not. */
const char *time_over(const struct cycle *c, struct now now);

/* ---- clean.c ---- */
/* Stop a lane: nothing new is sent there until an operator resumes. Says so once. */
void lane_halt(struct step *s, struct cycle_lane *l, const char *why);
bool lane_done(const struct cycle_lane *l);     /* settled, aborted, excluded or without items */
bool lane_stale(const struct cycle_lane *l);    /* so much drifted that the plan is worthless: only an abort helps */
bool blocked(const struct step *s, const struct cycle_lane *l);   /* nothing new may leave here now */
int64_t open_items(const struct cycle_lane *l);
void due_at(struct cycle_lane *l, struct cycle_item *it, int64_t us);
void clean_enter(struct step *s);
void clean_resume(struct step *s);              /* an operator said step or resume: halted lanes go on */
void clean_advance(struct step *s);
void clean_abort(struct step *s);
int64_t clean_due_us(const struct cycle *c);

/* ---- batch.c ---- */
void begin_batch(struct step *s, struct cycle_lane *l);
void check_go(struct step *s, struct cycle_lane *l);
void claim_go(struct step *s, struct cycle_lane *l);
void clean_rechecked(struct step *s, const struct cycle_event *ev);
void clean_claimed(struct step *s, const struct cycle_event *ev);

/* ---- send.c ---- */
void item_ready(struct step *s, struct cycle_lane *l, struct cycle_item *it);
bool item_room(const struct cycle_lane *l, const struct cycle_item *it);        /* the grant has a unit and bytes for it */
void item_probe(struct step *s, struct cycle_item *it);
void settle(struct step *s, struct cycle_item *it, enum item_state to, const struct cycle_answer *a);
void pump(struct step *s, struct cycle_lane *l);
void clean_answer(struct step *s, const struct cycle_event *ev);
void clean_probed(struct step *s, const struct cycle_event *ev);
void breaker_by_hand(struct step *s, const struct cycle_event *ev);
void breaker_reread(struct step *s, const struct cycle_event *ev);

/* ---- canary.c ---- */
void canary_begin(struct step *s, struct cycle_lane *l);
void canary_reread(struct step *s, const struct cycle_event *ev);
void canary_go(struct step *s, struct cycle_lane *l);
void canary_cut(struct step *s, struct cycle_lane *l);  /* the lane aborts: what was seen counts */

/* ---- verdict.c ---- */
void batch_settled(struct step *s, struct cycle_lane *l);
void retry_settled(struct step *s, struct cycle_lane *l);
/* F that no retry can rescue is above N/5: nothing more is sent. */
bool lane_hopeless(struct step *s, const struct cycle_lane *l);
void lane_abort(struct step *s, struct cycle_lane *l);
void lane_accept(struct step *s, struct cycle_lane *l);         /* the operator acknowledged its failures */

/* ---- commit.c ---- */
void commit_enter(struct step *s);
void commit_relisted(struct step *s, const struct cycle_event *ev);
void commit_rows(struct step *s, const struct cycle_event *ev);
void commit_released(struct step *s, const struct cycle_event *ev);
void commit_resume(struct step *s);
bool commit_finished(const struct cycle *c, const char **why);
/* One call for the next rows whose claim must be given back; false = there are none. */
bool release_next(struct step *s);
void row_conflict(struct step *s, struct cycle_item *it, const char *phase);
enum cycle_end commit_end(const struct cycle *c);

/* ---- restore.c ---- */
void restore_enter(struct step *s);             /* COMMITTING begins, or begins again after a restart */
void restore_go(struct step *s);
void restore_stop(struct step *s);              /* the operator keeps what is not brought back yet */
void restore_free(struct cycle_lane *l);
void restore_based(struct step *s, const struct cycle_event *ev);
void restore_answered(struct step *s, const struct cycle_event *ev);
void restore_sought(struct step *s, const struct cycle_event *ev);
bool restore_wanted(const struct cycle *c);     /* some lane brings back */
bool restore_any(const struct cycle *c);         /* some item may be restore_due() */
bool restore_left(const struct cycle *c);       /* and is not through */
bool restore_may_stop(const struct cycle *c);   /* there is something that restore_stop would keep */
bool restore_working(const struct cycle *c);
int64_t restore_due_us(const struct cycle *c);

/* ---- audit.c ---- */
void audit_enter(struct step *s);
void audit_resume(struct step *s);
void audit_claims(struct step *s, const struct cycle_event *ev);
void audit_swept(struct step *s);               /* claims were given back once more: count again */
void audit_reread(struct step *s, const struct cycle_event *ev);
bool audit_finished(const struct cycle *c, const char **why);

#endif
