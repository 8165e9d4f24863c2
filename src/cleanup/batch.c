/* Batches of a lane: which ranks are next, whether they are still what was planned, and their claims
 * (SEMANTICS 5, 1 and 2). */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <string.h>

int64_t cycle_canary(const struct cycle_lane *l)
{
	int64_t n = matrix_canary(l->n);
	return l->o.canary > 0 ? MIN(n, l->o.canary) : n;
}

/* What refers to others is settled, and looked for again, before they are sent. */
static int32_t up_to_cut(const struct cycle_lane *l, int32_t from, int32_t to)
{
	for (int k = 0; k < CYCLE_CUTS; k++)
		if (l->cut[k] > from && l->cut[k] < to)
			to = l->cut[k];
	return to;
}

/* What one request carries is answered at once: a few items more than may be in flight would be a round trip of their own,
 * and the next batch waits for it. The last batch takes what is left. */
static int64_t whole_flights(const struct cycle_lane *l, int64_t size)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	int64_t flight = MAX(MIN(cycle_wire(l), matrix_in_flight(l->n, f)), 1);
	bool cut = l->pace.per_request > 1 && size > flight && l->batch_to + size < l->n;
	return cut ? size - size % flight : size;
}

void begin_batch(struct step *s, struct cycle_lane *l)
{
	int64_t size = cycle_canary(l), ramp = l->o.ramp > 0 ? MIN(l->o.ramp, 3) : 3;
	if (l->canary_done)
		size = whole_flights(l, MAX(size, ramp * (l->batch_to - l->batch_from)));
	else
		l->go = false;
	l->batch++;
	l->batch_from = l->batch_to;
	l->batch_to = (int32_t)MIN(l->n, l->batch_from + size);
	l->batch_to = up_to_cut(l, l->batch_from, l->batch_to);
	l->phase = PHASE_CHECKING;
	l->batch_due_us = 0;
	emit(s, EFF_CYCLE, -1, -1);
}

/* ---- re-validation ---- */

/* Everything of the lane's batches that may still be sent, a slice of it at a time. False: it goes on at once. */
static bool check_waiting(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	int32_t r = l->check_at, end = (int32_t)MIN((int64_t)l->batch_to, (int64_t)r + (l->o.slice > 0 ? l->o.slice : CYCLE_SLICE));
	for (; r < end; r++) {
		if (it[r].state == ITEM_PLANNED || it[r].state == ITEM_READY)
			item_set(s, &it[r], ITEM_CHECKING);
		if (it[r].state != ITEM_CHECKING)
			continue;
		if (!l->check_to)
			l->check_from = r;
		l->check_to = r + 1;
	}
	l->check_at = r < l->batch_to ? r : 0;
	return !l->check_at;
}

static void rise(struct cycle *c, struct cycle_lane *l)
{
	const struct cycle_item *it = items_of(c, l);
	while (l->low < l->batch_to && item_settled(it[l->low].state))
		l->low++;
}

void check_go(struct step *s, struct cycle_lane *l)
{
	if (l->asking || blocked(s, l))
		return;
	if (!l->check_at) {
		rise(s->c, l);
		l->check_at = l->low;
		l->check_from = l->check_to = 0;
	}
	if (!check_waiting(s, l)) {
		l->pump_due_us = s->now.boot_us;
		return;
	}
	if (!l->check_to) {
		l->phase = PHASE_CLAIMING;
		return;
	}
	l->asking = true;
	l->asked_fresh = s->now.boot_us - l->list_at_us > l->o.list_max_age_us;
	struct effect *e = emit(s, EFF_RECHECK, lane_index(s->c, l), -1);
	e->from = l->first + l->check_from;
	e->to = l->first + l->check_to;
	e->number = l->asked_fresh;
	l->unanswered = 0;
}

static void checked(struct step *s, struct cycle_lane *l, struct cycle_item *it, enum check_result r)
{
	static const enum item_state to[] = { [CHECK_SAME] = ITEM_CLAIMING, [CHECK_DRIFTED] = ITEM_DRIFTED,
		[CHECK_REFERENCED] = ITEM_BLOCKED, [CHECK_PROTECTED] = ITEM_PROTECTED, [CHECK_NO_ANSWER] = ITEM_PLANNED,
		[CHECK_ABSENT] = ITEM_DRIFTED };
	/* an attempt of ours came late; its unit was given back, so it needs one again */
	if (r == CHECK_ABSENT && it->left && item_room(l, it)) {
		settle(s, it, ITEM_GONE, NULL);
		return;
	}
	if (r == CHECK_SAME) {
		it->checked_us = l->asked_fresh ? s->now.boot_us : l->list_at_us;
	} else if (r != CHECK_NO_ANSWER) {
		note(s);
		jw_kz(&s->w, "found", item_state_name(to[r]));
		note_emit(s, AUDIT_RECHECK, it->lane, item_index(s->c, it));
	}
	item_set(s, it, to[r]);
}

static void halt_if_stale(struct step *s, struct cycle_lane *l)
{
	if (lane_stale(l))
		lane_halt(s, l, "too many items changed since the plan was made: the plan is stale");
}

void clean_rechecked(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (!l->asking || l->phase != PHASE_CHECKING)
		return;
	l->asking = ev->more;
	for (size_t i = 0; i < ev->n; i++) {
		struct cycle_item *it = &s->c->item[ev->items[i]];
		if (it->state != ITEM_CHECKING)
			continue;
		l->unanswered += ev->results[i] == CHECK_NO_ANSWER;
		checked(s, l, it, ev->results[i]);
	}
	if (ev->more)
		return;
	if (l->unanswered)
		lane_halt(s, l, ev->text && *ev->text ? ev->text : "items could not be re-validated");
	else if (!l->c.by_state[ITEM_CHECKING])
		l->phase = PHASE_CLAIMING;
	halt_if_stale(s, l);
}

/* ---- claims ---- */

void claim_go(struct step *s, struct cycle_lane *l)
{
	int64_t n = l->c.by_state[ITEM_CLAIMING];
	if (l->asking || blocked(s, l))
		return;
	if (!n) {
		l->phase = l->retry_pass ? PHASE_RETRYING : PHASE_SENDING;
		l->cursor = l->low;
		return;
	}
	l->asking = true;
	note(s);
	jw_ki64(&s->w, "items", n);
	jw_ki64(&s->w, "batch", l->batch);
	note_emit(s, AUDIT_CLAIM_INTENT, lane_index(s->c, l), -1);
	memset(l->claims, 0, sizeof l->claims);
	struct effect *e = emit(s, EFF_CLAIM, lane_index(s->c, l), -1);
	e->from = l->first + l->low;
	e->to = l->first + l->batch_to;
}

static const struct { enum row_state row; enum item_state item; } claim_means[] = {
	[CLAIM_DONE] = { ROW_CLAIMED, ITEM_READY },
	[CLAIM_NO_ROW] = { ROW_NONE, ITEM_READY },
	[CLAIM_UNCLAIMED] = { ROW_UNTOUCHED, ITEM_READY },
	[CLAIM_REHEARSED] = { ROW_UNTOUCHED, ITEM_READY },
	[CLAIM_REFERENCED] = { ROW_STATE_COUNT, ITEM_BLOCKED },       /* COUNT: as it was */
	[CLAIM_CHANGED] = { ROW_STATE_COUNT, ITEM_DRIFTED },
	[CLAIM_FAILED] = { ROW_CLAIMED, ITEM_PLANNED },         /* nobody knows: it may carry our claim */
};

static void claimed(struct step *s, struct cycle_lane *l, struct cycle_item *it, enum claim_result r)
{
	enum row_state row = claim_means[r].row;
	if (row == ROW_CLAIMED && !it->has_row)
		row = ROW_NONE;
	if (row != ROW_STATE_COUNT && row != (enum row_state)it->row)
		row_set(s, it, row);
	if (it->state != ITEM_CLAIMING)
		return;         /* the lane aborts: the row's state is all that matters */
	if (claim_means[r].item == ITEM_READY)
		item_ready(s, l, it);
	else
		item_set(s, it, claim_means[r].item);
}

void clean_claimed(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	int64_t *by = l->claims;
	if (!l->asking || l->phase != PHASE_CLAIMING)
		return;
	l->asking = ev->more;
	for (size_t i = 0; i < ev->n; i++) {
		by[ev->results[i]]++;
		claimed(s, l, &s->c->item[ev->items[i]], ev->results[i]);
	}
	if (ev->more)
		return;
	note(s);
	jw_ki64(&s->w, "claimed", by[CLAIM_DONE]);
	jw_ki64(&s->w, "no_row", by[CLAIM_NO_ROW]);
	jw_ki64(&s->w, "unclaimed", by[CLAIM_UNCLAIMED] + by[CLAIM_REHEARSED]);
	jw_ki64(&s->w, "referenced", by[CLAIM_REFERENCED]);
	jw_ki64(&s->w, "changed", by[CLAIM_CHANGED]);
	jw_ki64(&s->w, "failed", by[CLAIM_FAILED]);
	note_emit(s, AUDIT_CLAIM_OUTCOME, ev->lane, -1);
	if (by[CLAIM_FAILED]) {
		l->phase = PHASE_CHECKING;      /* what failed is re-validated before it is claimed again */
		lane_halt(s, l, ev->text && *ev->text ? ev->text : "rows could not be claimed");
	}
	halt_if_stale(s, l);
}
