/* What happened, one event at a time: the coordinator's only entry, and its stages. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- stages ---- */

static void enter(struct step *s, enum cycle_stage to, const char *by)
{
	struct cycle *c = s->c;
	note(s);
	jw_kz(&s->w, "from", cycle_stage_name(c->stage));
	jw_kz(&s->w, "to", cycle_stage_name(to));
	jw_kz(&s->w, "opened_by", by);
	note_emit(s, AUDIT_GATE, -1, -1);
	c->stage = to;
	c->since_us = s->now.boot_us;
	emit(s, EFF_CYCLE, -1, -1);
}

static void end_cycle(struct step *s, enum cycle_end end)
{
	struct cycle *c = s->c;
	struct buf eq, back;
	buf_init(&eq);
	buf_init(&back);
	bool balanced = cycle_equation(c, &eq);
	note(s);
	jw_kz(&s->w, "end", cycle_end_name(end));
	jw_kz(&s->w, "from", cycle_stage_name(c->stage));
	jw_kz(&s->w, "equation", buf_z(&eq));
	jw_kbool(&s->w, "balanced", balanced);
	if (cycle_restored(c, &back))
		jw_kz(&s->w, "restored", buf_z(&back));
	jw_kbool(&s->w, "rehearsal", c->rehearsal);
	note_emit(s, AUDIT_CYCLE_CLOSE, -1, -1);
	buf_done(&eq);
	buf_done(&back);
	c->stage = STAGE_ENDED;
	c->end = end;
	c->run = RUN_NONE;
	c->since_us = s->now.boot_us;
	emit(s, EFF_CYCLE, -1, -1);
	emit(s, EFF_ENDED, -1, -1)->number = end;
}

/* It ends before the first delete. Claims that may have been taken are given back on the way. */
static void end_early(struct step *s, enum cycle_end end)
{
	struct cycle *c = s->c;
	if (c->stage < STAGE_CLEANING) {
		end_cycle(s, end);
		return;
	}
	c->ending = end;
	c->aborting = true;
	c->held = false;
	c->run = RUN_NONE;
	emit(s, EFF_CYCLE, -1, -1);
	if (c->stage == STAGE_CLEANING)
		clean_abort(s);
	if (c->stage == STAGE_COMMITTING)
		commit_resume(s);
	if (c->stage == STAGE_AUDITING)
		audit_resume(s);
}

static void validate(struct step *s)
{
	s->c->validating = true;
	emit(s, EFF_VALIDATE, -1, -1);
}

/* Pass one gate if it may be passed now. */
static bool pass_gate(struct step *s)
{
	struct cycle *c = s->c;
	char why[240];
	enum cycle_stage to = c->stage + 1;
	bool by_policy = c->auto_gate[to] || (c->aborting && c->stage >= STAGE_CLEANING);
	if (working(c) || c->held || c->store_failed || !gate_open(c, why))
		return false;
	if (c->run == RUN_NONE && !by_policy)
		return false;
	const char *by = c->run != RUN_NONE ? "operator" : c->aborting ? "abort" : "policy";
	c->run = RUN_NONE;
	if (to == STAGE_ENDED) {
		end_cycle(s, commit_end(c));
		return false;
	}
	enter(s, to, by);
	if (to == STAGE_VALIDATING)
		validate(s);
	else if (to == STAGE_CLEANING)
		clean_enter(s);
	else if (to == STAGE_COMMITTING)
		commit_enter(s);
	else
		audit_enter(s);
	return true;
}

void advance(struct step *s)
{
	struct cycle *c = s->c;
	do {
		if (c->stage == STAGE_CLEANING)
			clean_advance(s);
		if (c->stage == STAGE_COMMITTING)
			restore_go(s);
	} while (c->stage != STAGE_ENDED && pass_gate(s));
	/* a command outlives its event only where batches follow each other; a gate that was not open
	 * then never opens later by what an operator said before */
	if (c->stage != STAGE_CLEANING || c->cleaned)
		c->run = RUN_NONE;
}

/* ---- discovery ---- */

static void after_list(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++)
		if (!c->lane[i].listed && !c->lane[i].excluded)
			return;
	if (c->needs_records && !c->records_listed) {
		c->records_listed = true;
		emit(s, EFF_LIST_RECORDS, -1, -1);
	} else if (!c->needs_records) {
		c->listing = false;
	}
}

void discover_again(struct step *s)
{
	struct cycle *c = s->c;
	c->listing = true;
	c->records_listed = c->records_ok = false;
	for (int i = 0; i < c->lanes; i++) {
		c->lane[i].listed = c->lane[i].complete = false;
		if (!c->lane[i].excluded)
			emit(s, EFF_DISCOVER, i, -1);
	}
	after_list(s);
}

static void on_start(struct step *s)
{
	struct cycle *c = s->c;
	note(s);
	jw_ki64(&s->w, "lanes", c->lanes);
	jw_kbool(&s->w, "rehearsal", c->rehearsal);
	note_emit(s, AUDIT_CYCLE_OPEN, -1, -1);
	emit(s, EFF_CYCLE, -1, -1);
	discover_again(s);
}

static void on_listed(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (!s->c->listing || l->listed)
		return;
	l->listed = true;
	l->complete = ev->ok;
	l->list_items = ev->number;
	l->list_at_us = s->now.boot_us;
	snprintf(l->trouble, sizeof l->trouble, "%s", ev->text ? ev->text : "");
	after_list(s);
}

static void on_records(struct step *s, const struct cycle_event *ev)
{
	if (!s->c->listing || !s->c->records_listed)
		return;
	s->c->listing = false;
	s->c->records_ok = ev->ok;
	snprintf(s->c->records_trouble, sizeof s->c->records_trouble, "%s", ev->text ? ev->text : "");
}

/* ---- plan and grant ---- */

static void on_validated(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	char why[200];
	if (!c->validating)
		return;
	c->validating = false;
	if (!ev->ok) {
		snprintf(why, sizeof why, "validation failed: %.160s", ev->text ? ev->text : "");
		hold(s, why);
		return;
	}
	c->plan_frozen = true;
	emit(s, EFF_CYCLE, -1, -1);
	if (!c->items)
		end_cycle(s, END_COMPLETED);
}

/* The cycle's running time is the shortest of its grants'. */
void run_begins(struct step *s)
{
	struct cycle *c = s->c;
	int64_t run = INT64_MAX;
	c->first_intent = true;
	for (int i = 0; i < c->lanes; i++)
		if (c->lane[i].granted && c->lane[i].run_us > 0)
			run = MIN(run, c->lane[i].run_us);
	if (run < INT64_MAX) {
		c->run_until_wall_us = s->now.wall_us + run;
		c->run_until_boot_us = s->now.boot_us + run;
	}
	emit(s, EFF_CYCLE, -1, -1);
}

static enum rc on_grant(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	struct cycle_lane *l = &c->lane[ev->lane];
	const char *why = cycle_why_not(c, CMD_APPROVE);
	if (why)
		return err_set(e, RC_GRANT, "%s", why);
	if (l->excluded || !l->planned)
		return err_set(e, RC_GRANT, "lane %s has no items in this plan", l->o.name);
	if (ev->number < 1 || ev->number > l->planned)
		return err_set(e, RC_CAP, "a grant for %s must be for 1 to %" PRId32 " items, not %" PRId64, l->o.name, l->planned, ev->number);
	if (ev->bytes < 0)
		return err_set(e, RC_CAP, "a grant for %s must say how many bytes, not %" PRId64, l->o.name, ev->bytes);
	l->granted = true;
	l->n = ev->number;
	l->bytes_granted = ev->bytes;
	l->on_abort = ev->on_abort;
	l->run_us = ev->until_us - s->now.wall_us;
	emit(s, EFF_CYCLE, -1, -1);
	return RC_OK;
}

static enum rc on_revoke(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (s->c->first_intent || s->c->stage > STAGE_VALIDATING)
		return err_set(e, RC_GRANT, "the plan is spent: its first delete was prepared; hold or abort the cycle");
	if (!l->granted)
		return err_set(e, RC_GRANT, "lane %s has no grant", l->o.name);
	l->granted = false;
	l->n = l->bytes_granted = l->run_us = 0;
	emit(s, EFF_CYCLE, -1, -1);
	return RC_OK;
}

static enum rc on_exclude(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	struct cycle_lane *l = &c->lane[ev->lane];
	if (c->stage > STAGE_VALIDATING)
		return err_set(e, RC_REFUSED, "lane %s can be excluded only before cleaning begins", l->o.name);
	l->excluded = true;
	l->phase = PHASE_EXCLUDED;
	note_why(s, AUDIT_LANE, ev->lane, "excluded by hand");
	emit(s, EFF_CYCLE, -1, -1);
	if (c->listing)
		after_list(s);
	return RC_OK;
}

/* ---- the operator ---- */

void hold(struct step *s, const char *why)
{
	struct cycle *c = s->c;
	c->run = RUN_NONE;
	if (c->held || c->stage == STAGE_ENDED)
		return;
	c->held = true;
	snprintf(c->held_why, sizeof c->held_why, "%s", why && *why ? why : "by hand");
	note_why(s, AUDIT_HOLD, -1, c->held_why);
	emit(s, EFF_CYCLE, -1, -1);
}

static void go_on(struct step *s, enum cycle_run run)
{
	struct cycle *c = s->c;
	if (c->held) {
		c->held = false;
		note_why(s, AUDIT_RESUME, -1, c->held_why);
		emit(s, EFF_CYCLE, -1, -1);
	}
	c->run = run;
	if (c->stage == STAGE_CLEANING && !c->cleaned && !c->aborting)
		clean_resume(s);
	if (c->stage == STAGE_COMMITTING)
		commit_resume(s);
	if (c->stage == STAGE_AUDITING && !c->claims_counted)
		audit_resume(s);
	if (c->stage == STAGE_VALIDATING && !c->plan_frozen && !c->validating)
		validate(s);
}

static enum rc on_ack(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	int64_t need = cycle_ack_needed(c);
	if (!need)
		return err_set(e, RC_USAGE, "there are no failures to acknowledge");
	if (ev->number != need)
		return err_set(e, RC_USAGE, "%" PRId64 " failures are to be acknowledged, not %" PRId64, need, ev->number);
	note(s);
	jw_ki64(&s->w, "failures", need);
	note_emit(s, AUDIT_ACK, -1, -1);
	for (int i = 0; i < c->lanes; i++)
		lane_accept(s, &c->lane[i]);
	emit(s, EFF_CYCLE, -1, -1);
	return RC_OK;
}

static bool restorable(const struct cycle *c)
{
	for (int32_t i = 0; i < c->items; i++)
		if (c->item[i].restorable && item_deleted((enum item_state)c->item[i].state))
			return true;
	return false;
}

static enum rc on_abort(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	const char *why = cycle_why_not(c, CMD_ABORT);
	struct cycle_counts n;
	if (why)
		return err_set(e, RC_REFUSED, "%s", why);
	cycle_totals(c, &n);
	if (ev->restore && restore_left(c))
		return err_set(e, RC_REFUSED, "it is being restored");
	int64_t gone = n.by_state[ITEM_DELETED] + n.by_state[ITEM_GONE];
	if (ev->restore && gone && !restorable(c))
		return err_set(e, RC_REFUSED, "%" PRId64 " items are deleted and 0 of them can be restored: there are no escrow copies; "
			       "abort with keep", gone);
	note(s);
	jw_kz(&s->w, "how", ev->restore ? "restore" : "keep");
	jw_kz(&s->w, "why", ev->text);
	note_emit(s, AUDIT_ABORT, -1, -1);
	if (!c->first_intent) {
		end_early(s, END_CANCELLED);
		return RC_OK;
	}
	if (restore_may_stop(c)) {
		restore_stop(s);
		return RC_OK;
	}
	c->aborting = true;
	c->abort_restore = ev->restore;
	for (int i = 0; i < c->lanes; i++)
		c->lane[i].restore |= ev->restore;
	c->held = false;
	c->run = RUN_NONE;
	emit(s, EFF_CYCLE, -1, -1);
	clean_abort(s);
	return RC_OK;
}

static enum rc on_cancel(struct step *s, struct err *e)
{
	const char *why = cycle_why_not(s->c, CMD_CANCEL);
	if (why)
		return err_set(e, RC_REFUSED, "%s", why);
	end_early(s, END_CANCELLED);
	return RC_OK;
}

/* void_it: whatever the clocks say, a plan that has not begun is over. */
static void lapse(struct step *s, bool void_it)
{
	struct cycle *c = s->c;
	const char *over = time_over(c, s->now);
	if (c->stage == STAGE_ENDED || c->ending || !(over || void_it))
		return;
	if (c->first_intent) {
		if (!over || c->must_abort[0])
			return;
		snprintf(c->must_abort, sizeof c->must_abort, "%s", over);
		emit(s, EFF_CYCLE, -1, -1);
		hold(s, over);
		return;
	}
	if (!c->plan_frozen)
		return;
	for (int i = 0; i < c->lanes; i++)
		if (c->lane[i].granted)
			note_why(s, AUDIT_GRANT_LAPSED, i, over ? "its plan ran out before the first delete" : "the clock jumped");
	end_early(s, END_LAPSED);
}

static enum rc on_command(struct step *s, const struct cycle_event *ev, struct err *e)
{
	enum cycle_command cmd = ev->kind == EV_STEP ? CMD_STEP : CMD_RESUME;
	const char *why = cycle_why_not(s->c, cmd);
	if (why)
		return err_set(e, s->c->stage == STAGE_VALIDATING ? RC_GRANT : RC_REFUSED, "%s", why);
	go_on(s, ev->kind == EV_STEP ? RUN_STEP : RUN_GATE);
	return RC_OK;
}

/* ---- dispatch ---- */

static void on_reread(struct step *s, const struct cycle_event *ev)
{
	switch ((enum reread_why)ev->number) {
	case REREAD_CANARY: canary_reread(s, ev); break;
	case REREAD_BREAKER: breaker_reread(s, ev); break;
	case REREAD_SAMPLE: audit_reread(s, ev); break;
	}
}

static enum rc dispatch(struct step *s, const struct cycle_event *ev, struct err *e)
{
	switch (ev->kind) {
	case EV_START: on_start(s); break;
	case EV_LISTED: on_listed(s, ev); break;
	case EV_RECORDS: on_records(s, ev); break;
	case EV_VALIDATED: on_validated(s, ev); break;
	case EV_GRANT: return on_grant(s, ev, e);
	case EV_REVOKE: return on_revoke(s, ev, e);
	case EV_EXCLUDE: return on_exclude(s, ev, e);
	case EV_BREAKER: breaker_by_hand(s, ev); break;
	case EV_STEP:
	case EV_RESUME: return on_command(s, ev, e);
	case EV_HOLD: hold(s, ev->text); break;
	case EV_CANCEL: return on_cancel(s, e);
	case EV_ACK: return on_ack(s, ev, e);
	case EV_ABORT: return on_abort(s, ev, e);
	case EV_RECHECKED: clean_rechecked(s, ev); break;
	case EV_CLAIMED: clean_claimed(s, ev); break;
	case EV_ANSWER: clean_answer(s, ev); break;
	case EV_PROBED: clean_probed(s, ev); break;
	case EV_REREAD: on_reread(s, ev); break;
	case EV_RELISTED: commit_relisted(s, ev); break;
	case EV_ROWS: commit_rows(s, ev); break;
	case EV_RELEASED: commit_released(s, ev); break;
	case EV_CLAIMS: audit_claims(s, ev); break;
	case EV_BASELINE: restore_based(s, ev); break;
	case EV_RESTORED: restore_answered(s, ev); break;
	case EV_SOUGHT: restore_sought(s, ev); break;
	case EV_TICK:
	case EV_LAPSE_CHECK: lapse(s, ev->kind == EV_LAPSE_CHECK && ev->ok); break;
	case EV_STORE_FAILED:
		s->c->store_failed = true;
		hold(s, "the audit log could not be written");
		break;
	case EV_STORE_BACK: s->c->store_failed = false; break;
	}
	return RC_OK;
}

static bool is_command(enum cycle_event_kind k) { return k >= EV_GRANT && k <= EV_ABORT; }

/* Hold, cancel and abort are always heard; what leads on is not when its time is over. */
static const char *too_late(const struct cycle *c, const struct cycle_event *ev)
{
	if (ev->kind != EV_GRANT && ev->kind != EV_STEP && ev->kind != EV_RESUME)
		return NULL;
	return c->aborting ? NULL : time_over(c, ev->now);
}

enum rc cycle_handle(struct cycle *c, const struct cycle_event *ev, struct effects *out, struct err *e)
{
	struct step s;
	const char *late = too_late(c, ev);
	if (c->stage == STAGE_ENDED)
		return is_command(ev->kind) && ev->kind != EV_HOLD ? err_set(e, RC_REFUSED, "the cycle has ended") : RC_OK;
	if (late)
		return err_set(e, RC_GRANT, "%s", late);
	step_init(&s, c, out, ev->now);
	enum rc rc = dispatch(&s, ev, e);
	if (rc == RC_OK && c->stage != STAGE_ENDED && !is_command(ev->kind))
		lapse(&s, false);
	if (rc == RC_OK && c->stage != STAGE_ENDED)
		advance(&s);
	if (rc == RC_OK)
		describe(&s);
	step_done(&s);
	return rc;
}

int64_t cycle_due_us(const struct cycle *c)
{
	int64_t due = INT64_MAX;
	if (c->stage == STAGE_ENDED || c->ending)
		return c->stage == STAGE_CLEANING ? clean_due_us(c) : due;
	if (c->stage == STAGE_COMMITTING)
		return restore_due_us(c);
	if (c->plan_frozen && !c->first_intent)
		due = c->plan_until_boot_us;
	if (c->stage == STAGE_CLEANING) {
		due = MIN(due, clean_due_us(c));
		if (c->first_intent && !c->cleaned && !c->aborting && !c->must_abort[0] && c->run_until_wall_us)
			due = MIN(due, c->run_until_boot_us);
	}
	return due;
}
