/* CLEANING: each lane by its phase, until nothing more can be done at this moment. Rules and numbers: SEMANTICS 5. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { DUE_GRID_US = 10000 };   /* waits end on this grid, so that many end at once */
static const int64_t BATCH_US = INT64_C(3600000000);    /* and twice what its items take at the lane's pace */

bool lane_done(const struct cycle_lane *l)
{
	return l->phase == PHASE_SETTLED || l->phase == PHASE_ABORTED || l->phase == PHASE_EXCLUDED || !l->planned;
}

bool lane_stale(const struct cycle_lane *l)
{
	return l->n && l->c.by_state[ITEM_DRIFTED] > matrix_drift_cap(l->n);
}

void lane_halt(struct step *s, struct cycle_lane *l, const char *why)
{
	if (l->halted || s->c->aborting)
		return;
	l->halted = true;
	snprintf(l->halt_why, sizeof l->halt_why, "%s", why);
	note(s);
	jw_kz(&s->w, "state", "halted");
	jw_kz(&s->w, "why", why);
	note_emit(s, AUDIT_LANE, lane_index(s->c, l), -1);
	emit(s, EFF_CYCLE, -1, -1);
}

bool blocked(const struct step *s, const struct cycle_lane *l)
{
	const struct cycle *c = s->c;
	return c->held || c->store_failed || c->aborting || l->halted || time_over(c, s->now);
}

int64_t open_items(const struct cycle_lane *l)
{
	const int64_t *b = l->c.by_state;
	return b[ITEM_CHECKING] + b[ITEM_CLAIMING] + b[ITEM_READY] + b[ITEM_SENT] + b[ITEM_BACKOFF] + b[ITEM_PROBING];
}

void due_at(struct cycle_lane *l, struct cycle_item *it, int64_t us)
{
	int64_t off = us % DUE_GRID_US;
	it->due_us = off > 0 ? us + DUE_GRID_US - off : us;
	l->next_due_us = MIN(l->next_due_us, it->due_us);
}

void clean_enter(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		if (l->excluded)
			l->phase = PHASE_EXCLUDED;
		else if (l->planned && l->granted)
			begin_batch(s, l);
	}
}

/* ---- resuming ---- */

static void unhalt(struct step *s, struct cycle_lane *l)
{
	l->halted = false;
	l->halt_why[0] = 0;
	l->streak = 0;
	l->refused_seen = l->c.by_state[ITEM_REFUSED];
	l->gone_other_seen = l->c.by_state[ITEM_GONE_OTHER];
	note_why(s, AUDIT_LANE, lane_index(s->c, l), "resumed by hand");
	emit(s, EFF_CYCLE, -1, -1);
	struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = -1; (r = next_of(s->c, l, r + 1, (int32_t)l->n, MARK_HELD)) < l->n;)
		item_ready(s, l, &it[r]);
	if (l->phase == PHASE_CANARY_CHECK && !l->waiting_reads)
		canary_begin(s, l);
}

void clean_resume(struct step *s)
{
	for (int i = 0; i < s->c->lanes; i++) {
		struct cycle_lane *l = &s->c->lane[i];
		if (lane_done(l))
			continue;
		if (l->halted && !lane_stale(l))
			unhalt(s, l);
		if (l->phase == PHASE_BOUNDARY && !l->halted)
			l->go = true;
	}
}

/* ---- aborting ---- */

static void give_back_unsent(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = 0; r < l->n; r++) {
		enum item_state st = it[r].state;
		bool waits = st == ITEM_CHECKING || st == ITEM_CLAIMING || st == ITEM_READY;
		if (st == ITEM_BACKOFF || (waits && it[r].tries))
			settle(s, &it[r], ITEM_FAILED, NULL);
		else if (waits)
			item_set(s, &it[r], ITEM_PLANNED);
	}
}

void clean_abort(struct step *s)
{
	for (int i = 0; i < s->c->lanes; i++) {
		struct cycle_lane *l = &s->c->lane[i];
		if (!lane_done(l))
			give_back_unsent(s, l);
		else if (l->phase == PHASE_SETTLED)
			l->phase = PHASE_ABORTED;
	}
}

static void abort_go(struct step *s, struct cycle_lane *l)
{
	if (l->phase == PHASE_CANARY_CHECK)
		canary_cut(s, l);
	if (l->asking || open_items(l) || l->c.by_state[ITEM_SETTLING])
		return;
	lane_abort(s, l);
}

/* ---- going on ---- */

/* Items whose wait is over: repeat the send, or look again whether they are there. */
static void wake_due(struct step *s, struct cycle_lane *l)
{
	if (s->now.boot_us < l->next_due_us)
		return;
	struct cycle_item *it = items_of(s->c, l);
	l->next_due_us = INT64_MAX;
	for (int32_t r = -1; (r = next_of(s->c, l, r + 1, (int32_t)l->n, MARK_WAITS)) < l->n;) {
		if (it[r].due_us > s->now.boot_us)
			l->next_due_us = MIN(l->next_due_us, it[r].due_us);
		else if (it[r].state == ITEM_BACKOFF)
			item_ready(s, l, &it[r]);
		else
			item_probe(s, &it[r]);
	}
}

/* F that no retry can rescue is too much: what has not left stays, what has settles first. */
static void give_up(struct step *s, struct cycle_lane *l)
{
	const int64_t *b = l->c.by_state;
	give_back_unsent(s, l);
	if (!l->in_flight && !b[ITEM_PROBING] && !b[ITEM_SETTLING])
		batch_settled(s, l);
}

/* What the boundary would decide may stop the lane: then nothing of it may be open. */
static bool may_stop(struct step *s, const struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	return l->batch_to >= l->n || matrix_verdict(f, t) == MATRIX_ABORT || lane_hopeless(s, l);
}

/* Items that wait to be repeated do not hold up a ramp that goes on by itself: they are sent within the
 * next batch when their time has come. They are neither settled nor failed at its boundary. */
static int64_t waiting_along(struct step *s, const struct cycle_lane *l)
{
	bool flows = s->c->run == RUN_GATE && l->go && l->canary_done;
	return flows && !may_stop(s, l) ? l->c.by_state[ITEM_BACKOFF] : 0;
}

/* A batch that is not through in its time holds the lane; whoever resumes gives it that time once more. */
static void batch_deadline(struct step *s, struct cycle_lane *l)
{
	char why[160];
	if (blocked(s, l)) {
		l->batch_due_us = 0;
		return;
	}
	if (!l->batch_due_us) {
		int64_t items = l->batch_to - (l->retry_pass ? 0 : l->batch_from), rate = MAX(pace_rate_mhz(&l->pace), 1);
		l->batch_due_us = s->now.boot_us + BATCH_US + 2 * items * INT64_C(1000000000) / rate;
		return;
	}
	if (s->now.boot_us < l->batch_due_us)
		return;
	snprintf(why, sizeof why, "batch %" PRId32 " is not through in its time: %" PRId64 " items are open", l->batch, open_items(l));
	l->batch_due_us = 0;
	lane_halt(s, l, why);
}

static void sending_go(struct step *s, struct cycle_lane *l)
{
	batch_deadline(s, l);
	pump(s, l);
	bool canary = !l->canary_done && !s->c->rehearsal;
	bool young = l->c.by_state[ITEM_SETTLING] && (canary || may_stop(s, l));
	if (l->phase == PHASE_SENDING && !blocked(s, l) && lane_hopeless(s, l))
		give_up(s, l);
	/* what an open breaker holds is not through */
	if (l->phase != PHASE_SENDING || blocked(s, l) || open_items(l) + l->c.by_state[ITEM_HELD] > waiting_along(s, l) || young)
		return;
	if (canary)
		canary_begin(s, l);
	else
		batch_settled(s, l);
}

static void retrying_go(struct step *s, struct cycle_lane *l)
{
	batch_deadline(s, l);
	pump(s, l);
	if (l->phase == PHASE_RETRYING && !blocked(s, l) && !open_items(l) && !l->c.by_state[ITEM_HELD] && !l->c.by_state[ITEM_SETTLING])
		retry_settled(s, l);
}

static void boundary_go(struct step *s, struct cycle_lane *l)
{
	if (blocked(s, l))
		return;
	if (l->batch_to >= l->n)
		batch_settled(s, l);
	else if (s->c->run != RUN_NONE && l->go)
		begin_batch(s, l);
}

static void phase_go(struct step *s, struct cycle_lane *l)
{
	switch (l->phase) {
	case PHASE_CHECKING: check_go(s, l); break;
	case PHASE_CLAIMING: claim_go(s, l); break;
	case PHASE_SENDING: sending_go(s, l); break;
	case PHASE_RETRYING: retrying_go(s, l); break;
	case PHASE_CANARY_CHECK: canary_go(s, l); break;
	case PHASE_BOUNDARY: boundary_go(s, l); break;
	case PHASE_WAITING:
	case PHASE_CHOICE:
	case PHASE_SETTLED:
	case PHASE_ABORTED:
	case PHASE_EXCLUDED:
	case PHASE_COUNT: break;
	}
}

/* One event may carry a lane through several phases: a settled batch opens the next one. */
static void lane_go(struct step *s, struct cycle_lane *l)
{
	enum lane_phase was;
	wake_due(s, l);
	l->pump_due_us = INT64_MAX;
	do {
		was = l->phase;
		if (s->c->aborting)
			abort_go(s, l);
		else
			phase_go(s, l);
	} while (l->phase != was && !lane_done(l));
}

void clean_advance(struct step *s)
{
	struct cycle *c = s->c;
	bool all, aborting;
	do {    /* once more when one lane's failures aborted all of them */
		all = true;
		aborting = c->aborting;
		for (int i = 0; i < c->lanes; i++) {
			if (!lane_done(&c->lane[i]))
				lane_go(s, &c->lane[i]);
			all &= lane_done(&c->lane[i]);
		}
	} while (aborting != c->aborting);
	/* a step opens one batch of every lane that waited; a resume ends at the gate, it does not pass it */
	if (!all && c->run == RUN_STEP)
		c->run = RUN_NONE;
	if (all && !c->cleaned) {
		c->cleaned = true;
		c->run = RUN_NONE;
		emit(s, EFF_CYCLE, -1, -1);
	}
}

int64_t clean_due_us(const struct cycle *c)
{
	int64_t due = INT64_MAX;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (lane_done(l))
			continue;
		due = MIN(due, MIN(l->next_due_us, l->pump_due_us));
		if (l->batch_due_us && (l->phase == PHASE_SENDING || l->phase == PHASE_RETRYING))
			due = MIN(due, l->batch_due_us);
		if (l->phase == PHASE_CANARY_CHECK && !l->waiting_reads)
			due = MIN(due, l->reread_due_us);
	}
	return due;
}
