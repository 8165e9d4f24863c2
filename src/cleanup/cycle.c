#include "cleanup/cycle.h"

#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stage_names[] = {
#define X(e, w) w,
	CYCLE_STAGES(X)
#undef X
};
static const char *const end_names[] = {
#define X(e, w) w,
	CYCLE_ENDS(X)
#undef X
};
static const char *const item_names[] = {
#define X(e, w) w,
	ITEM_STATES(X)
#undef X
};
static const char *const row_names[] = {
#define X(e, w) w,
	ROW_STATES(X)
#undef X
};
static const char *const phase_names[] = {
#define X(e, w) w,
	LANE_PHASES(X)
#undef X
};

const char *cycle_stage_name(enum cycle_stage s) { return stage_names[s]; }
const char *cycle_end_name(enum cycle_end e) { return end_names[e]; }
const char *item_state_name(enum item_state s) { return item_names[s]; }
const char *row_state_name(enum row_state s) { return row_names[s]; }
const char *lane_phase_name(enum lane_phase p) { return phase_names[p]; }

enum rc cycle_end_rc(enum cycle_end e)
{
	static const enum rc rcs[END_COUNT] = {
		[END_NONE] = RC_HELD, [END_COMPLETED] = RC_OK, [END_COMPLETED_WITH_FAILURES] = RC_FAILURES,
		[END_ABORTED_RESTORED] = RC_RESTORED, [END_ABORTED_PARTLY_RESTORED] = RC_KEPT,
		[END_ABORTED_KEPT] = RC_KEPT, [END_CANCELLED] = RC_CANCELLED, [END_LAPSED] = RC_CANCELLED,
	};
	return rcs[e];
}

bool item_settled(enum item_state s) { return s >= ITEM_DELETED; }
bool item_deleted(enum item_state s) { return s == ITEM_DELETED || s == ITEM_GONE; }

/* ---- effects and records ---- */

void effects_done(struct effects *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->e[i].text);
	free(e->e);
	*e = (struct effects){ 0 };
}

void step_init(struct step *s, struct cycle *c, struct effects *out, struct now now)
{
	*s = (struct step){ .c = c, .out = out, .now = now };
	buf_init(&s->note);
}

void step_done(struct step *s) { buf_done(&s->note); }

struct effect *emit(struct step *s, enum effect_kind k, int lane, int32_t item)
{
	GROW(s->out->e, s->out->cap, s->out->n + 1);
	struct effect *e = &s->out->e[s->out->n++];
	*e = (struct effect){ .kind = k, .lane = lane, .item = item };
	return e;
}

void note(struct step *s)
{
	buf_clear(&s->note);
	jw_init(&s->w, &s->note);
	jw_obj(&s->w);
}

void note_emit(struct step *s, enum audit_kind k, int lane, int32_t item)
{
	jw_end_obj(&s->w);
	struct effect *e = emit(s, EFF_AUDIT, lane, item);
	e->audit = (int)k;
	e->text = xstrndup(buf_z(&s->note), s->note.n);
}

void note_why(struct step *s, enum audit_kind k, int lane, const char *why)
{
	note(s);
	jw_kz(&s->w, "why", why);
	note_emit(s, k, lane, -1);
}

/* ---- items ---- */

struct cycle_lane *lane_of(struct cycle *c, const struct cycle_item *it) { return &c->lane[it->lane]; }
int lane_index(const struct cycle *c, const struct cycle_lane *l) { return (int)(l - c->lane); }
int32_t item_index(const struct cycle *c, const struct cycle_item *it) { return (int32_t)(it - c->item); }

void item_set(struct step *s, struct cycle_item *it, enum item_state to)
{
	struct cycle_lane *l = lane_of(s->c, it);
	if (it->state == ITEM_FAILED)
		l->c.failed_by[it->class_]--;
	l->c.by_state[it->state]--;
	it->state = (uint8_t)to;
	l->c.by_state[to]++;
	if (to == ITEM_FAILED)
		l->c.failed_by[it->class_]++;
	emit(s, EFF_ITEM, it->lane, item_index(s->c, it));
}

void row_set(struct step *s, struct cycle_item *it, enum row_state to)
{
	it->row = (uint8_t)to;
	emit(s, EFF_ITEM, it->lane, item_index(s->c, it));
}

int64_t item_charge(const struct cycle_lane *l, const struct cycle_item *it)
{
	return it->bytes < 0 ? l->o.max_item_bytes : it->bytes;
}

void cycle_tf(const struct cycle_lane *l, int64_t *t, int64_t *f)
{
	const int64_t *b = l->c.by_state;
	*f = b[ITEM_FAILED] + b[ITEM_UNKNOWN];
	*t = b[ITEM_DELETED] + b[ITEM_GONE] + b[ITEM_GONE_OTHER] + *f;
}

void cycle_totals(const struct cycle *c, struct cycle_counts *out)
{
	*out = (struct cycle_counts){ 0 };
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_counts *n = &c->lane[i].c;
		out->planned += n->planned;
		out->planned_bytes += n->planned_bytes;
		for (int k = 0; k < ITEM_STATE_COUNT; k++)
			out->by_state[k] += n->by_state[k];
		for (int k = 0; k < RETRY_CLASS_COUNT; k++)
			out->failed_by[k] += n->failed_by[k];
	}
}

int64_t cycle_not_started(const struct cycle_counts *n)
{
	int64_t open = 0;
	for (int k = 0; k < ITEM_DELETED; k++)
		open += n->by_state[k];
	return open + n->by_state[ITEM_REHEARSED];
}

bool cycle_equation(const struct cycle *c, struct buf *out)
{
	static const enum item_state terms[] = { ITEM_DELETED, ITEM_GONE, ITEM_GONE_OTHER, ITEM_FAILED, ITEM_UNKNOWN,
		ITEM_REFUSED, ITEM_DRIFTED, ITEM_PROTECTED, ITEM_BLOCKED, ITEM_HELD };
	struct cycle_counts n;
	cycle_totals(c, &n);
	int64_t planned = c->items, sum = 0, busy = 0;
	buf_addf(out, "%" PRId64 " planned =", planned);
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		buf_addf(out, " %s%" PRId64 " %s", i ? "+ " : "", n.by_state[terms[i]], item_state_name(terms[i]));
		sum += n.by_state[terms[i]];
	}
	int64_t rest = cycle_not_started(&n);
	buf_addf(out, " + %" PRId64 " not started", rest);
	for (int k = ITEM_SENT; k < ITEM_DELETED; k++)
		busy += n.by_state[k];
	return planned == sum + rest && busy == 0;
}

/* ---- life ---- */

struct cycle *cycle_new(int64_t id, uint64_t seed, const struct cycle_lane_opts *lanes, int n, bool needs_records,
			bool rehearsal, const bool auto_gate[STAGE_COUNT])
{
	if (n < 1 || n > CYCLE_MAX_LANES)
		die("cycle_new: %d lanes", n);
	struct cycle *c = xcalloc(1, sizeof *c);
	c->id = id;
	c->needs_records = needs_records;
	c->rehearsal = rehearsal;
	memcpy(c->auto_gate, auto_gate, sizeof c->auto_gate);
	c->auto_gate[STAGE_CLEANING] = false;
	c->auto_gate[STAGE_ENDED] = false;
	rng_seed(&c->rng, seed);
	c->lanes = n;
	for (int i = 0; i < n; i++) {
		struct cycle_lane *l = &c->lane[i];
		l->o = lanes[i];
		l->next_due_us = INT64_MAX;
		breaker_init(&l->breaker, &l->o.breaker, rng_u64(&c->rng), 0);
		bucket_init(&l->bucket, l->o.rate_mhz, l->o.burst, 0);
	}
	return c;
}

void cycle_free(struct cycle *c)
{
	if (!c)
		return;
	free(c->item);
	free(c);
}

void cycle_take_plan(struct cycle *c, const struct cycle_plan_item *items, int32_t n, const int control_n[CYCLE_MAX_LANES],
		     int64_t until_wall_us, int64_t until_boot_us)
{
	free(c->item);
	c->item = xcalloc((size_t)MAX(n, 1), sizeof *c->item);
	c->items = n;
	c->plan_until_wall_us = until_wall_us;
	c->plan_until_boot_us = until_boot_us;
	for (int i = 0; i < c->lanes; i++) {
		c->lane[i].first = 0;
		c->lane[i].planned = 0;
		c->lane[i].c = (struct cycle_counts){ 0 };
		c->lane[i].control_n = control_n[i];
	}
	for (int32_t i = 0; i < n; i++) {
		struct cycle_lane *l = &c->lane[items[i].lane];
		if (!l->planned)
			l->first = i;
		l->planned++;
		l->c.planned++;
		l->c.planned_bytes += items[i].bytes < 0 ? l->o.max_item_bytes : items[i].bytes;
		l->c.by_state[ITEM_PLANNED]++;
		c->item[i] = (struct cycle_item){ .bytes = items[i].bytes, .lane = items[i].lane, .sent_us = -1,
			.has_row = items[i].has_row };
	}
}

/* ---- gates ---- */

bool lane_done(const struct cycle_lane *l)
{
	return l->phase == PHASE_SETTLED || l->phase == PHASE_ABORTED || l->phase == PHASE_EXCLUDED || !l->planned;
}

void lane_halt(struct step *s, struct cycle_lane *l, const char *why)
{
	if (l->halted)
		return;
	l->halted = true;
	snprintf(l->halt_why, sizeof l->halt_why, "%s", why);
	note(s);
	jw_kz(&s->w, "state", "halted");
	jw_kz(&s->w, "why", why);
	note_emit(s, AUDIT_LANE, lane_index(s->c, l), -1);
}

static bool gate_validating(const struct cycle *c, char why[240])
{
	int in = 0;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded)
			continue;
		in++;
		if (!l->complete) {
			snprintf(why, 240, "lane %s is not completely listed: %s", l->o.name, l->trouble);
			return false;
		}
	}
	if (!in)
		snprintf(why, 240, "every lane is excluded; cancel the cycle");
	else if (c->needs_records && !c->records_ok)
		snprintf(why, 240, "records: %s", c->records_trouble);
	else
		return true;
	return false;
}

static bool gate_cleaning(const struct cycle *c, char why[240])
{
	int in = 0;
	if (!c->plan_frozen) {
		snprintf(why, 240, "there is no plan yet");
		return false;
	}
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded || !l->planned)
			continue;
		in++;
		if (!l->granted) {
			snprintf(why, 240, "grant needed for %s (%" PRId32 " items)", l->o.name, l->planned);
			return false;
		}
	}
	if (!in)
		snprintf(why, 240, "no lane of the plan is left; cancel the cycle");
	return in > 0;
}

int64_t cycle_ack_needed(const struct cycle *c)
{
	int64_t need = 0;
	if (c->aborting)
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

static bool gate_committing(const struct cycle *c, char why[240])
{
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (lane_done(l))
			continue;
		if (l->phase == PHASE_CHOICE)
			snprintf(why, 240, "%s failed too often: acknowledge the failures, or abort", l->o.name);
		else if (l->halted)
			snprintf(why, 240, "lane %s halted: %s", l->o.name, l->halt_why);
		else
			snprintf(why, 240, "%s is not finished", l->o.name);
		return false;
	}
	int64_t ack = cycle_ack_needed(c);
	if (ack)
		snprintf(why, 240, "acknowledge %" PRId64 " failures first", ack);
	return !ack;
}

/* Is the gate out of the present stage passable, apart from the operator? */
static bool gate_open(const struct cycle *c, char why[240])
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
		snprintf(why, 240, "%s", z ? z : "");
	return ok;
}

static bool working(const struct cycle *c)
{
	if (c->listing || c->validating || c->rows_busy || c->release_busy || c->counting || c->sampling || c->relisting)
		return true;
	if (c->stage != STAGE_CLEANING)
		return false;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		const int64_t *b = l->c.by_state;
		bool idle = lane_done(l) || l->phase == PHASE_BOUNDARY || l->phase == PHASE_CHOICE || l->halted || c->held;
		if (!idle || l->in_flight || b[ITEM_PROBING])
			return true;
	}
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

/* One sentence for the screens: what the cycle waits for; empty while it works. */
static void describe(struct step *s)
{
	struct cycle *c = s->c;
	char was[sizeof c->waiting_for];
	memcpy(was, c->waiting_for, sizeof was);
	c->waiting_for[0] = 0;
	if (c->stage == STAGE_ENDED)
		return;
	if (c->store_failed)
		snprintf(c->waiting_for, sizeof c->waiting_for, "the audit log cannot be written; nothing is sent");
	else if (c->held)
		snprintf(c->waiting_for, sizeof c->waiting_for, "held: %s", c->held_why);
	else if (!working(c) && gate_open(c, c->waiting_for))
		snprintf(c->waiting_for, sizeof c->waiting_for, "%s", next_gate_word(c));
	else if (!working(c) && c->stage == STAGE_CLEANING)
		for (int i = 0; i < c->lanes; i++) {
			const struct cycle_lane *l = &c->lane[i];
			if (l->phase == PHASE_BOUNDARY && !l->halted)
				snprintf(c->waiting_for, sizeof c->waiting_for, "%s: batch %" PRId32 " settled: step or resume",
					 l->o.name, l->batch);
		}
	else if (working(c))
		c->waiting_for[0] = 0;
	if (strcmp(was, c->waiting_for)) {
		c->since_us = s->now.boot_us;
		emit(s, EFF_CYCLE, -1, -1);
	}
}

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
	struct buf eq;
	buf_init(&eq);
	bool balanced = cycle_equation(c, &eq), claims = c->stage == STAGE_CLEANING;
	note(s);
	jw_kz(&s->w, "end", cycle_end_name(end));
	jw_kz(&s->w, "from", cycle_stage_name(c->stage));
	jw_kz(&s->w, "equation", buf_z(&eq));
	jw_kbool(&s->w, "balanced", balanced);
	jw_kbool(&s->w, "rehearsal", c->rehearsal);
	note_emit(s, AUDIT_CYCLE_CLOSE, -1, -1);
	buf_done(&eq);
	c->stage = STAGE_ENDED;
	c->end = end;
	c->run = RUN_NONE;
	c->since_us = s->now.boot_us;
	if (claims)                             /* ended before the first intent */
		commit_release(s);
	emit(s, EFF_CYCLE, -1, -1);
	emit(s, EFF_ENDED, -1, -1)->number = end;
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

static void advance(struct step *s)
{
	do {
		if (s->c->stage == STAGE_CLEANING)
			clean_advance(s);
	} while (s->c->stage != STAGE_ENDED && pass_gate(s));
}

/* ---- events ---- */

static void on_start(struct step *s)
{
	struct cycle *c = s->c;
	note(s);
	jw_ki64(&s->w, "lanes", c->lanes);
	jw_kbool(&s->w, "rehearsal", c->rehearsal);
	note_emit(s, AUDIT_CYCLE_OPEN, -1, -1);
	emit(s, EFF_CYCLE, -1, -1);
	c->listing = true;
	for (int i = 0; i < c->lanes; i++)
		emit(s, EFF_DISCOVER, i, -1);
}

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
	if (!s->c->listing)
		return;
	s->c->listing = false;
	s->c->records_ok = ev->ok;
	snprintf(s->c->records_trouble, sizeof s->c->records_trouble, "%s", ev->text ? ev->text : "");
}

static void on_validated(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	c->validating = false;
	if (!ev->ok) {
		c->held = true;
		snprintf(c->held_why, sizeof c->held_why, "validation failed: %s", ev->text ? ev->text : "");
		note_why(s, AUDIT_HOLD, -1, c->held_why);
		return;
	}
	c->plan_frozen = true;
	emit(s, EFF_CYCLE, -1, -1);
	if (!c->items)
		end_cycle(s, END_COMPLETED);
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
	l->granted = true;
	l->n = ev->number;
	l->bytes_granted = ev->bytes;
	l->on_abort = ev->on_abort;
	c->run_until_wall_us = ev->until_us;
	emit(s, EFF_CYCLE, -1, -1);
	return RC_OK;
}

static enum rc on_exclude(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	struct cycle_lane *l = &c->lane[ev->lane];
	if (c->first_intent || c->stage > STAGE_VALIDATING)
		return err_set(e, RC_REFUSED, "lane %s can be excluded only before cleaning begins", l->o.name);
	l->excluded = true;
	l->phase = PHASE_EXCLUDED;
	note_why(s, AUDIT_LANE, ev->lane, "excluded by hand");
	emit(s, EFF_CYCLE, -1, -1);
	if (c->listing)
		after_list(s);
	return RC_OK;
}

static void hold(struct step *s, const char *why)
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
	if (c->stage == STAGE_CLEANING)
		clean_resume(s);
	if (c->stage == STAGE_COMMITTING)
		commit_resume(s);
	if (c->stage == STAGE_AUDITING && !c->claims_counted && !c->counting)
		audit_enter(s);
	if (c->stage == STAGE_VALIDATING && !c->plan_frozen && !c->validating) {
		c->run = RUN_NONE;
		validate(s);
	}
}

static enum rc on_ack(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	int64_t need = cycle_ack_needed(c);
	if (!need)
		return err_set(e, RC_USAGE, "there are no failures to acknowledge");
	if (ev->number != need)
		return err_set(e, RC_USAGE, "%" PRId64 " failures are to be acknowledged, not %" PRId64, need, ev->number);
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		if (l->phase == PHASE_CHOICE)
			l->phase = PHASE_SETTLED;
		if (l->phase == PHASE_SETTLED)
			l->acked = true;
	}
	note(s);
	jw_ki64(&s->w, "failures", need);
	note_emit(s, AUDIT_ACK, -1, -1);
	emit(s, EFF_CYCLE, -1, -1);
	return RC_OK;
}

static enum rc on_abort(struct step *s, const struct cycle_event *ev, struct err *e)
{
	struct cycle *c = s->c;
	const char *why = cycle_why_not(c, CMD_ABORT);
	struct cycle_counts n;
	if (why)
		return err_set(e, RC_REFUSED, "%s", why);
	cycle_totals(c, &n);
	int64_t gone = n.by_state[ITEM_DELETED] + n.by_state[ITEM_GONE];
	if (ev->restore && gone)
		return err_set(e, RC_REFUSED, "%" PRId64 " items are deleted and 0 of them can be restored: there are no escrow copies; "
			       "abort with keep", gone);
	if (!c->first_intent) {
		end_cycle(s, END_CANCELLED);
		return RC_OK;
	}
	c->aborting = true;
	c->abort_restore = ev->restore;
	c->held = false;
	c->run = RUN_NONE;
	note(s);
	jw_kz(&s->w, "how", ev->restore ? "restore" : "keep");
	jw_kz(&s->w, "why", ev->text);
	note_emit(s, AUDIT_ABORT, -1, -1);
	emit(s, EFF_CYCLE, -1, -1);
	if (c->stage == STAGE_CLEANING)
		clean_abort(s);
	return RC_OK;
}

static enum rc on_cancel(struct step *s, struct err *e)
{
	const char *why = cycle_why_not(s->c, CMD_CANCEL);
	if (why)
		return err_set(e, RC_REFUSED, "%s", why);
	end_cycle(s, END_CANCELLED);
	return RC_OK;
}

/* void_it: whatever the clocks say, a plan that has not begun is over. */
static void lapse_check(struct step *s, bool void_it)
{
	struct cycle *c = s->c;
	if (c->stage == STAGE_ENDED)
		return;
	if (c->plan_frozen && !c->first_intent &&
	    (void_it || s->now.wall_us >= c->plan_until_wall_us || s->now.boot_us >= c->plan_until_boot_us)) {
		for (int i = 0; i < c->lanes; i++)
			if (c->lane[i].granted)
				note_why(s, AUDIT_GRANT_LAPSED, i, void_it ? "the clock jumped" : "its plan ran out before the first delete");
		end_cycle(s, END_LAPSED);
	} else if (c->first_intent && c->stage == STAGE_CLEANING && !c->held && !c->aborting && c->run_until_wall_us &&
		   s->now.wall_us >= c->run_until_wall_us) {
		hold(s, "the grant's running time is over; abort, or finish what is settled");
	}
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

static enum rc dispatch(struct step *s, const struct cycle_event *ev, struct err *e)
{
	switch (ev->kind) {
	case EV_START: on_start(s); break;
	case EV_LISTED: on_listed(s, ev); break;
	case EV_RECORDS: on_records(s, ev); break;
	case EV_VALIDATED: on_validated(s, ev); break;
	case EV_GRANT: return on_grant(s, ev, e);
	case EV_EXCLUDE: return on_exclude(s, ev, e);
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
	case EV_REREAD:
		if (s->c->stage == STAGE_AUDITING)
			audit_reread(s, ev);
		else
			clean_reread(s, ev);
		break;
	case EV_RELISTED: commit_relisted(s, ev); break;
	case EV_ROWS: commit_rows(s, ev); break;
	case EV_RELEASED: commit_released(s, ev); break;
	case EV_CLAIMS: audit_claims(s, ev); break;
	case EV_TICK:
	case EV_LAPSE_CHECK: lapse_check(s, ev->kind == EV_LAPSE_CHECK && ev->ok); break;
	case EV_STORE_FAILED:
		s->c->store_failed = true;
		hold(s, "the audit log could not be written");
		break;
	case EV_STORE_BACK: s->c->store_failed = false; break;
	}
	return RC_OK;
}

enum rc cycle_handle(struct cycle *c, const struct cycle_event *ev, struct effects *out, struct err *e)
{
	struct step s;
	if (c->stage == STAGE_ENDED)
		return ev->kind >= EV_GRANT && ev->kind <= EV_ABORT ? err_set(e, RC_REFUSED, "the cycle has ended") : RC_OK;
	step_init(&s, c, out, ev->now);
	enum rc rc = dispatch(&s, ev, e);
	if (rc == RC_OK && c->stage != STAGE_ENDED)
		advance(&s);
	describe(&s);
	step_done(&s);
	return rc;
}

int64_t cycle_due_us(const struct cycle *c)
{
	int64_t due = INT64_MAX;
	if (c->stage == STAGE_ENDED)
		return due;
	if (c->plan_frozen && !c->first_intent)
		due = c->plan_until_boot_us;
	if (c->stage == STAGE_CLEANING)
		due = MIN(due, clean_due_us(c));
	return due;
}

/* ---- why not ---- */

static const char *why_not_run(const struct cycle *c)
{
	static _Thread_local char why[240];
	if (c->stage == STAGE_ENDED)
		return "the cycle has ended";
	if (c->store_failed)
		return "the audit log cannot be written; nothing is sent";
	if (c->held)
		return NULL;
	if (c->stage == STAGE_CLEANING && !c->aborting) {
		for (int i = 0; i < c->lanes; i++)
			if (c->lane[i].halted || c->lane[i].phase == PHASE_BOUNDARY)
				return NULL;
	}
	if (c->stage == STAGE_VALIDATING && !c->plan_frozen && !c->validating)
		return NULL;
	if (c->stage == STAGE_COMMITTING && !c->rows_busy && !c->release_busy)
		return NULL;
	if (working(c))
		return "it is working; wait, or hold";
	return gate_open(c, why) ? NULL : why;
}

const char *cycle_why_not(const struct cycle *c, enum cycle_command cmd)
{
	if (c->stage == STAGE_ENDED)
		return "the cycle has ended";
	switch (cmd) {
	case CMD_STEP:
	case CMD_RESUME: return why_not_run(c);
	case CMD_HOLD: return NULL;
	case CMD_CANCEL: return c->first_intent ? "deleting has begun; abort instead" : NULL;
	case CMD_ABORT:
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
