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

bool item_settled(enum item_state s) { return s >= ITEM_DELETED && s != ITEM_RESTORING && s != ITEM_SEEKING; }
bool item_deleted(enum item_state s) { return s == ITEM_DELETED || s == ITEM_GONE || s == ITEM_UNRESTORED; }

bool item_holds_unit(enum item_state s)
{
	return s == ITEM_SENT || s == ITEM_PROBING || s == ITEM_SETTLING || s == ITEM_DELETED || s == ITEM_GONE || s == ITEM_UNKNOWN ||
	       s >= ITEM_RESTORING;
}

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

void note_outcome(struct step *s, const struct cycle_item *it, const char *word, int status)
{
	note_emit(s, AUDIT_OUTCOME, it->lane, item_index(s->c, it));
	struct effect *e = &s->out->e[s->out->n - 1];
	e->word = word;
	e->number = it->attempts;
	e->from = it->class_;
	e->to = status;
	e->at_us = s->now.wall_us;
}

void note_why(struct step *s, enum audit_kind k, int lane, const char *why)
{
	note(s);
	jw_kz(&s->w, "why", why);
	note_emit(s, k, lane, -1);
}

/* ---- items ---- */

struct cycle_lane *lane_of(struct cycle *c, const struct cycle_item *it) { return &c->lane[it->lane]; }
struct cycle_item *items_of(struct cycle *c, const struct cycle_lane *l) { return c->item + l->first; }
int lane_index(const struct cycle *c, const struct cycle_lane *l) { return (int)(l - c->lane); }
int32_t item_index(const struct cycle *c, const struct cycle_item *it) { return (int32_t)(it - c->item); }

int64_t item_charge(const struct cycle_lane *l, const struct cycle_item *it)
{
	return it->bytes < 0 ? l->o.max_item_bytes : it->bytes;
}

/* What was sent counts in the minute that follows it: few sums for the ceiling over 24 h, none too short. */
static int64_t spent_at(int64_t wall_us)
{
	const int64_t minute = 60 * 1000000;
	return wall_us - wall_us % minute + minute;
}

static void count_spent(struct step *s, struct cycle_lane *l, const struct cycle_item *it, int sign)
{
	int lane = it->lane;
	int64_t at = spent_at(it->sent_wall_us), bytes = item_charge(l, it);
	l->items_charged += sign;
	l->bytes_charged += sign * bytes;
	struct effect *e = s->spent ? &s->out->e[s->spent - 1] : NULL;
	if (!e || e->lane != lane || e->at_us != at) {
		e = emit(s, EFF_SPENT, lane, -1);
		e->at_us = at;
		s->spent = s->out->n;
	}
	e->number += sign;
	e->bytes += sign * bytes;
}

/* To an engine that starts again these are one: the item goes back to the plan. Only a row that may carry our claim must be
 * known before it is asked for. */
static bool only_waits(const struct cycle_item *it, enum item_state st)
{
	return st == ITEM_PLANNED || st == ITEM_CHECKING || st == ITEM_READY || (st == ITEM_CLAIMING && !it->has_row);
}

/* The last word on an item is always written. */
static void item_changed(struct step *s, struct cycle_item *it)
{
	it->written = it->state;
	emit(s, EFF_ITEM, it->lane, item_index(s->c, it));
}

void item_set(struct step *s, struct cycle_item *it, enum item_state to)
{
	struct cycle_lane *l = lane_of(s->c, it);
	bool held = item_holds_unit(it->state);
	if (it->state == ITEM_FAILED)
		l->c.failed_by[it->class_]--;
	l->c.by_state[it->state]--;
	it->state = (uint8_t)to;
	l->c.by_state[to]++;
	if (to == ITEM_FAILED)
		l->c.failed_by[it->class_]++;
	mark(s->c, it);
	if (held != item_holds_unit(to))
		count_spent(s, l, it, held ? -1 : 1);
	if (!only_waits(it, to) || !only_waits(it, (enum item_state)it->written) || (to == ITEM_PLANNED && it->written != ITEM_PLANNED))
		item_changed(s, it);
}

void row_set(struct step *s, struct cycle_item *it, enum row_state to)
{
	it->row = (uint8_t)to;
	mark(s->c, it);
	/* that there is no row is written with its intent */
	if (it->has_row || !only_waits(it, (enum item_state)it->state) || !only_waits(it, (enum item_state)it->written))
		item_changed(s, it);
}

void item_dead(struct step *s, struct cycle_item *it, const char *phase, const char *belief)
{
	if (it->dead)
		return;
	it->dead = true;
	struct effect *e = emit(s, EFF_DEAD, it->lane, item_index(s->c, it));
	e->word = phase;
	e->text = xstrdup(belief);
	note(s);
	jw_kz(&s->w, "phase", phase);
	jw_kz(&s->w, "belief", belief);
	jw_kz(&s->w, "class", retry_class_name(it->class_));
	note_emit(s, AUDIT_DEAD_LETTER, it->lane, item_index(s->c, it));
}

void cycle_tf(const struct cycle_lane *l, int64_t *t, int64_t *f)
{
	const int64_t *b = l->c.by_state;
	*f = b[ITEM_FAILED] + b[ITEM_UNKNOWN];
	*t = b[ITEM_DELETED] + b[ITEM_GONE] + b[ITEM_GONE_OTHER] + *f +
	     b[ITEM_RESTORING] + b[ITEM_SEEKING] + b[ITEM_RESTORED] + b[ITEM_UNRESTORED];
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
	static const enum item_state undone[] = { ITEM_RESTORED, ITEM_UNRESTORED };      /* named where there are any */
	struct cycle_counts n;
	cycle_totals(c, &n);
	int64_t planned = c->items, sum = 0, busy = 0;
	buf_addf(out, "%" PRId64 " planned =", planned);
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		buf_addf(out, " %s%" PRId64 " %s", i ? "+ " : "", n.by_state[terms[i]], item_state_name(terms[i]));
		sum += n.by_state[terms[i]];
	}
	for (size_t i = 0; i < ARRAY_LEN(undone); i++) {
		if (n.by_state[undone[i]])
			buf_addf(out, " + %" PRId64 " %s", n.by_state[undone[i]], item_state_name(undone[i]));
		sum += n.by_state[undone[i]];
	}
	int64_t rest = cycle_not_started(&n);
	buf_addf(out, " + %" PRId64 " not started", rest);
	for (int k = ITEM_SENT; k < ITEM_DELETED; k++)
		busy += n.by_state[k];
	busy += n.by_state[ITEM_RESTORING] + n.by_state[ITEM_SEEKING];
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
		l->next_due_us = l->pump_due_us = l->reread_due_us = INT64_MAX;
		breaker_init(&l->breaker, &l->o.breaker, rng_u64(&c->rng), 0);
		pace_init(&l->pace, l->o.rate_mhz, l->o.burst, l->o.learned_mhz, 0);
	}
	return c;
}

void cycle_free(struct cycle *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->lanes; i++)
		restore_free(&c->lane[i]);
	free(c->item);
	free(c->marks);
	free(c);
}

void cycle_drop_plan(struct cycle *c)
{
	free(c->item);
	free(c->marks);
	c->item = NULL;
	c->marks = NULL;
	memset(c->marked, 0, sizeof c->marked);
	c->items = 0;
	c->item_cap = c->marks_cap = 0;
	c->plan_frozen = false;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		l->first = l->planned = 0;
		l->c = (struct cycle_counts){ 0 };
		l->granted = false;
		l->n = l->bytes_granted = 0;
		restore_free(l);
	}
}

void cycle_count_item(struct cycle *c, int32_t n, enum item_state st)
{
	const struct cycle_item *it = &c->item[n];
	struct cycle_lane *l = &c->lane[it->lane];
	if (!l->planned)
		l->first = n;
	l->planned++;
	l->c.planned++;
	l->c.planned_bytes += item_charge(l, it);
	l->c.by_state[st]++;
	if (st == ITEM_FAILED)
		l->c.failed_by[it->class_]++;
}

struct cycle_ready {
	struct cycle_item *item;
	uint16_t *marks;
	int64_t marked[MARKS];
	int32_t items;
	int32_t first[CYCLE_MAX_LANES], planned[CYCLE_MAX_LANES];
	int64_t bytes[CYCLE_MAX_LANES];
};

struct cycle_ready *cycle_ready_plan(const struct cycle_plan_item *items, int32_t n, const int64_t charge[CYCLE_MAX_LANES])
{
	struct cycle_ready *p = xcalloc(1, sizeof *p);
	p->item = xmalloc((size_t)MAX(n, 1) * sizeof *p->item);
	p->marks = xmalloc((size_t)MAX(n, 1) * sizeof *p->marks);
	p->items = n;
	for (int32_t i = 0; i < n; i++) {
		int lane = items[i].lane;
		p->item[i] = (struct cycle_item){ .bytes = items[i].bytes, .lane = lane, .sent_us = -1, .sent_wall_us = -1,
			.done_us = -1, .checked_us = INT64_MIN / 2, .has_row = items[i].has_row, .restorable = (uint8_t)items[i].restorable };
		p->marks[i] = item_marks(&p->item[i]);
		marks_count(p->marked, 0, p->marks[i]);
		if (!p->planned[lane]++)
			p->first[lane] = i;
		p->bytes[lane] += items[i].bytes < 0 ? charge[lane] : items[i].bytes;
	}
	return p;
}

void cycle_ready_free(struct cycle_ready *p)
{
	if (!p)
		return;
	free(p->item);
	free(p->marks);
	free(p);
}

void cycle_take_ready(struct cycle *c, struct cycle_ready *p, const int control_n[CYCLE_MAX_LANES], int64_t until_wall_us, int64_t until_boot_us)
{
	cycle_drop_plan(c);
	c->item = p->item;
	c->marks = p->marks;
	memcpy(c->marked, p->marked, sizeof c->marked);
	c->items = p->items;
	c->plan_until_wall_us = until_wall_us;
	c->plan_until_boot_us = until_boot_us;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		l->control_n = MIN(control_n[i], (int)CYCLE_CONTROL);
		l->first = p->first[i];
		l->planned = p->planned[i];
		l->c.planned = l->c.by_state[ITEM_PLANNED] = p->planned[i];
		l->c.planned_bytes = p->bytes[i];
	}
	free(p);
}

void cycle_take_plan(struct cycle *c, const struct cycle_plan_item *items, int32_t n, const int control_n[CYCLE_MAX_LANES],
		     int64_t until_wall_us, int64_t until_boot_us)
{
	int64_t charge[CYCLE_MAX_LANES] = { 0 };
	for (int i = 0; i < c->lanes; i++)
		charge[i] = c->lane[i].o.max_item_bytes;
	cycle_take_ready(c, cycle_ready_plan(items, n, charge), control_n, until_wall_us, until_boot_us);
}
