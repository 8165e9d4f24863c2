/* Shared by cycle.c, clean.c, commit.c and cycle_body.c; nobody else includes it. */
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
};

void step_init(struct step *s, struct cycle *c, struct effects *out, struct now now);
void step_done(struct step *s);

struct effect *emit(struct step *s, enum effect_kind k, int lane, int32_t item);
/* An audit record: note() opens its payload object, the caller adds members to s->w, note_emit closes it. */
void note(struct step *s);
void note_emit(struct step *s, enum audit_kind k, int lane, int32_t item);
/* A record with one sentence. */
void note_why(struct step *s, enum audit_kind k, int lane, const char *why);

struct cycle_lane *lane_of(struct cycle *c, const struct cycle_item *it);
int lane_index(const struct cycle *c, const struct cycle_lane *l);
int32_t item_index(const struct cycle *c, const struct cycle_item *it);
/* The one door for an item's state: keeps the counts, asks for the row to be written. */
void item_set(struct step *s, struct cycle_item *it, enum item_state to);
void row_set(struct step *s, struct cycle_item *it, enum row_state to);
int64_t item_charge(const struct cycle_lane *l, const struct cycle_item *it);

/* Stop a lane: nothing new is sent there until an operator resumes. Says so once. */
void lane_halt(struct step *s, struct cycle_lane *l, const char *why);
bool lane_done(const struct cycle_lane *l);     /* settled, aborted, excluded or without items */

/* clean.c */
void clean_enter(struct step *s);
void clean_resume(struct step *s);              /* an operator said step or resume: halted lanes go on */
void clean_rechecked(struct step *s, const struct cycle_event *ev);
void clean_claimed(struct step *s, const struct cycle_event *ev);
void clean_answer(struct step *s, const struct cycle_event *ev);
void clean_probed(struct step *s, const struct cycle_event *ev);
void clean_reread(struct step *s, const struct cycle_event *ev);
void clean_advance(struct step *s);             /* whatever can go on goes on */
void clean_abort(struct step *s);
int64_t clean_due_us(const struct cycle *c);

/* commit.c */
void commit_enter(struct step *s);
void commit_relisted(struct step *s, const struct cycle_event *ev);
void commit_rows(struct step *s, const struct cycle_event *ev);
void commit_release(struct step *s);              /* give claims back, as far as there are any */
void commit_released(struct step *s, const struct cycle_event *ev);
void commit_resume(struct step *s);
bool commit_finished(const struct cycle *c, const char **why);
void audit_enter(struct step *s);
void audit_claims(struct step *s, const struct cycle_event *ev);
void audit_reread(struct step *s, const struct cycle_event *ev);
bool audit_finished(const struct cycle *c, const char **why);
enum cycle_end commit_end(const struct cycle *c);

#endif
