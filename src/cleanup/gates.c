/* What may go on, and why not, in words: the gates of SEMANTICS 2 and the greyed keys of the screens. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 240 };

/* ---- the gates ---- */

static bool gate_validating(const struct cycle *c, char why[WHY])
{
	int in = 0;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded)
			continue;
		in++;
		if (!l->complete) {
			snprintf(why, WHY, "lane %s is not completely listed: %.150s", l->o.name, l->trouble);
			return false;
		}
	}
	if (!in)
		snprintf(why, WHY, "every lane is excluded; cancel the cycle");
	else if (c->needs_records && !c->records_ok)
		snprintf(why, WHY, "records: %.200s", c->records_trouble);
	else
		return true;
	return false;
}

static bool gate_cleaning(const struct cycle *c, char why[WHY])
{
	int in = 0;
	if (!c->plan_frozen) {
		snprintf(why, WHY, "there is no plan yet");
		return false;
	}
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded || !l->planned)
			continue;
		in++;
		if (!l->granted) {
			snprintf(why, WHY, "grant needed for %s (%" PRId32 " items)", l->o.name, l->planned);
			return false;
		}
	}
	if (!in)
		snprintf(why, WHY, "no lane of the plan is left; cancel the cycle");
	return in > 0;
}

int64_t cycle_ack_needed(const struct cycle *c)
{
	int64_t need = 0;
	if (c->aborting || c->stage != STAGE_CLEANING)
		return 0;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		int64_t t, f;
		cycle_tf(l, &t, &f);
		bool asks = l->phase == PHASE_CHOICE || (l->phase == PHASE_SETTLED && matrix_verdict(f, t) != MATRIX_CONTINUE);
		if (f && asks && !l->acked)
			need += f;
	}
	return need;
}

static void why_unfinished(const struct cycle_lane *l, char why[WHY])
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	if (l->phase == PHASE_CHOICE && matrix_enough(t))
		snprintf(why, WHY, "%s: F/T = %" PRId64 "/%" PRId64 ": abort the cycle, or acknowledge the failures to end this lane here and keep what it did",
			 l->o.name, f, t);
	else if (l->phase == PHASE_CHOICE)
		snprintf(why, WHY, "%s: F/T = %" PRId64 "/%" PRId64 ": acknowledge the failures to go on, or abort", l->o.name, f, t);
	else if (l->halted)
		snprintf(why, WHY, "lane %s halted: %.160s", l->o.name, l->halt_why);
	else
		snprintf(why, WHY, "%s is not finished", l->o.name);
}

static bool gate_committing(const struct cycle *c, char why[WHY])
{
	for (int i = 0; i < c->lanes; i++)
		if (!lane_done(&c->lane[i])) {
			why_unfinished(&c->lane[i], why);
			return false;
		}
	int64_t ack = cycle_ack_needed(c);
	if (ack)
		snprintf(why, WHY, "acknowledge %" PRId64 " failures first", ack);
	return !ack;
}

bool gate_open(const struct cycle *c, char why[WHY])
{
	const char *z = NULL;
	bool ok = false;
	switch (c->stage) {
	case STAGE_DISCOVERING: return gate_validating(c, why);
	case STAGE_VALIDATING: return gate_cleaning(c, why);
	case STAGE_CLEANING: return gate_committing(c, why);
	case STAGE_COMMITTING: ok = commit_finished(c, &z); break;
	case STAGE_AUDITING: ok = audit_finished(c, &z); break;
	case STAGE_ENDED: z = "the cycle has ended"; break;
	case STAGE_COUNT: break;
	}
	if (!ok)
		snprintf(why, WHY, "%s", z ? z : "");
	return ok;
}

/* ---- time ---- */

const char *time_over(const struct cycle *c, struct now now)
{
	if (c->plan_frozen && !c->first_intent && (now.wall_us >= c->plan_until_wall_us || now.boot_us >= c->plan_until_boot_us))
		return "the plan has run out; start a new cycle";
	if (c->first_intent && c->stage == STAGE_CLEANING && !c->cleaned && !c->aborting && c->run_until_wall_us &&
	    (now.wall_us >= c->run_until_wall_us || now.boot_us >= c->run_until_boot_us))
		return "the grant's running time is over: nothing more is sent; abort";
	return NULL;
}

/* ---- what it waits for ---- */

static bool lane_idle(const struct cycle *c, const struct cycle_lane *l)
{
	if (l->in_flight || l->asking || l->waiting_reads || l->c.by_state[ITEM_PROBING])
		return false;
	if (c->aborting && l->c.by_state[ITEM_SETTLING])
		return false;   /* it waits for the store's time, and for nobody */
	return lane_done(l) || l->phase == PHASE_BOUNDARY || l->phase == PHASE_CHOICE || l->halted || c->held;
}

bool working(const struct cycle *c)
{
	if (restore_working(c))
		return true;
	if (c->listing || c->validating || c->rows_busy || c->release_busy || c->counting || c->sampling || c->relisting)
		return true;
	for (int i = 0; c->stage == STAGE_CLEANING && i < c->lanes; i++)
		if (!lane_idle(c, &c->lane[i]))
			return true;
	return false;
}

static const char *next_gate_word(const struct cycle *c)
{
	switch (c->stage) {
	case STAGE_DISCOVERING: return "ready to validate: step";
	case STAGE_VALIDATING: return "granted: step to clean the canary";
	case STAGE_CLEANING: return "cleaned: step to commit the rows";
	case STAGE_COMMITTING: return "committed: step to audit";
	case STAGE_AUDITING: return "audited: step to sign off";
	case STAGE_ENDED:
	case STAGE_COUNT: break;
	}
	return "";
}

/* A lane between two batches stands for all that need the operator. */
static void describe_boundary(struct cycle *c)
{
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->phase != PHASE_BOUNDARY || l->halted)
			continue;
		if (l->go)
			snprintf(c->waiting_for, WHY, "%s: batch %" PRId32 " settled: step or resume", l->o.name, l->batch);
		else
			snprintf(c->waiting_for, WHY, "%s: canary passed%s: step or resume", l->o.name,
				 l->control_n ? "" : ", without a control item: nothing is known to remain in this lane");
	}
}

void describe(struct step *s)
{
	struct cycle *c = s->c;
	char was[sizeof c->waiting_for];
	memcpy(was, c->waiting_for, sizeof was);
	c->waiting_for[0] = 0;
	if (c->stage == STAGE_ENDED)
		return;
	if (c->store_failed)
		snprintf(c->waiting_for, WHY, "the audit log cannot be written; nothing is sent");
	else if (c->held)
		snprintf(c->waiting_for, WHY, "held: %s", c->held_why);
	else if (!working(c) && gate_open(c, c->waiting_for))
		snprintf(c->waiting_for, WHY, "%s", next_gate_word(c));
	else if (!working(c) && c->stage == STAGE_CLEANING)
		describe_boundary(c);
	if (strcmp(was, c->waiting_for)) {
		c->since_us = s->now.boot_us;
		emit(s, EFF_CYCLE, -1, -1);
	}
}

/* ---- why a command cannot be given ---- */

static const char *why_not_clean(const struct cycle *c, char why[WHY])
{
	bool stale = false;
	if (c->must_abort[0])
		return c->must_abort;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (lane_done(l))
			continue;
		if (!lane_stale(l) && (l->halted || l->phase == PHASE_BOUNDARY))
			return NULL;
		stale |= lane_stale(l);
	}
	if (c->held)
		return NULL;
	if (working(c))
		return "it is working; wait, or hold";
	if (stale)
		return "too many items changed since the plan was made: the plan is stale; abort";
	return gate_open(c, why) ? NULL : why;
}

static const char *why_not_run(const struct cycle *c)
{
	static _Thread_local char why[WHY];
	if (c->store_failed)
		return "the audit log cannot be written; nothing is sent";
	if (c->stage == STAGE_CLEANING && !c->aborting)
		return why_not_clean(c, why);
	if (c->held)
		return NULL;
	if (working(c))
		return "it is working; wait, or hold";
	if (c->stage == STAGE_VALIDATING && !c->plan_frozen)
		return NULL;
	if (c->stage == STAGE_COMMITTING || (c->stage == STAGE_AUDITING && !c->claims_counted))
		return NULL;
	return gate_open(c, why) ? NULL : why;
}

const char *cycle_why_not(const struct cycle *c, enum cycle_command cmd)
{
	if (c->stage == STAGE_ENDED)
		return cmd == CMD_HOLD ? NULL : "the cycle has ended";
	switch (cmd) {
	case CMD_STEP:
	case CMD_RESUME: return why_not_run(c);
	case CMD_HOLD: return NULL;
	case CMD_CANCEL:
		if (c->ending)
			return "it is being ended: claims are given back first";
		return c->first_intent ? "deleting has begun; abort instead" : NULL;
	case CMD_ABORT:
		if (restore_may_stop(c))
			return NULL;    /* keep what is not brought back yet */
		if (c->aborting)
			return "it is being aborted";
		return c->stage > STAGE_CLEANING ? "cleaning is over; nothing is left to abort" : NULL;
	case CMD_ACK: return cycle_ack_needed(c) ? NULL : "there are no failures to acknowledge";
	case CMD_APPROVE:
		if (c->stage != STAGE_VALIDATING || !c->plan_frozen)
			return c->first_intent ? "the plan is spent" : "there is no plan to approve";
		return NULL;
	case CMD_EXCLUDE: return c->stage > STAGE_VALIDATING ? "cleaning has begun" : NULL;
	case CMD_COUNT: break;
	}
	return NULL;
}
