/* The failure matrix at work (SEMANTICS 5): batch boundaries, the retry pass, what a lane comes to. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void matrix_note(struct step *s, const struct cycle_lane *l, const char *at, const char *verdict)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	note(s);
	jw_kz(&s->w, "at", at);
	jw_ki64(&s->w, "T", t);
	jw_ki64(&s->w, "F", f);
	jw_ki64(&s->w, "N", l->n);
	jw_kz(&s->w, "verdict", verdict);
	note_emit(s, AUDIT_MATRIX, lane_index(s->c, l), -1);
	emit(s, EFF_CYCLE, -1, -1);
}

/* ---- what can be rescued ---- */

static bool retryable(const struct cycle_lane *l, const struct cycle_item *it)
{
	if (it->state == ITEM_UNKNOWN)
		return !l->retried;
	return it->state == ITEM_FAILED && retry_may(&l->o.retry, (enum retry_class)it->class_, it->tries) &&
	       (it->tries < 2 || retry_budget_left(&l->budget) > 0);
}

static bool any_retryable(struct step *s, const struct cycle_lane *l)
{
	const struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = -1; (r = next_of(s->c, l, r + 1, l->batch_to, MARK_FAILED)) < l->batch_to;)
		if (retryable(l, &it[r]))
			return true;
	return false;
}

/* F that no retry can rescue. */
static int64_t lost(struct step *s, const struct cycle_lane *l)
{
	const struct cycle_item *it = items_of(s->c, l);
	int64_t t, f, n = 0;
	cycle_tf(l, &t, &f);
	for (int32_t r = -1; f && (r = next_of(s->c, l, r + 1, l->batch_to, MARK_FAILED)) < l->batch_to;)
		n += !retryable(l, &it[r]);
	return n;
}

bool lane_hopeless(struct step *s, const struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	return matrix_enough(t) && matrix_hopeless(f, l->n) && matrix_hopeless(lost(s, l), l->n);
}

/* ---- a lane's end ---- */

static void lane_settle(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	l->phase = PHASE_SETTLED;
	for (int32_t r = -1; (r = next_of(s->c, l, r + 1, (int32_t)l->n, MARK_FAILED)) < l->n;) {
		if (it[r].state == ITEM_FAILED)
			item_dead(s, &it[r], "cleaning", "exists");
		else if (it[r].state == ITEM_UNKNOWN)
			item_dead(s, &it[r], "cleaning", "maybe_deleted");
	}
	emit(s, EFF_CYCLE, -1, -1);
}

/* What was deleted stays deleted, or is brought back in COMMITTING. */
void lane_abort(struct step *s, struct cycle_lane *l)
{
	lane_settle(s, l);
	l->phase = PHASE_ABORTED;
}

/* ---- all lanes together ---- */

static void abort_all(struct step *s, const char *why)
{
	struct cycle *c = s->c;
	c->aborting = true;
	for (int i = 0; i < c->lanes; i++) {
		if (c->lane[i].phase != PHASE_ABORTED)
			c->lane[i].restore = c->lane[i].on_abort == ON_ABORT_RESTORE;
		c->abort_restore |= c->lane[i].restore;
	}
	note(s);
	jw_kz(&s->w, "how", c->abort_restore ? "restore" : "keep");
	jw_kz(&s->w, "why", why);
	note_emit(s, AUDIT_ABORT, -1, -1);
	emit(s, EFF_CYCLE, -1, -1);
	clean_abort(s);
}

/* All lanes stop: by themselves where every grant said how, else the operator does. */
static void stop_all(struct step *s, const char *why)
{
	struct cycle *c = s->c;
	bool said = true;
	for (int i = 0; i < c->lanes; i++)
		said &= !c->lane[i].n || c->lane[i].on_abort != ON_ABORT_ASK;
	if (said) {
		abort_all(s, why);
		return;
	}
	snprintf(c->must_abort, sizeof c->must_abort, "%s: abort, keep or restore", why);
	hold(s, c->must_abort);
}

/* F/T over all lanes (F of those whose retry pass decided), and the weight of aborted ones. */
static void overall(struct step *s)
{
	struct cycle *c = s->c;
	int64_t t = 0, f = 0, n = 0, aborted = 0;
	int in = 0;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		int64_t lt, lf;
		bool decided = l->phase == PHASE_ABORTED || l->phase == PHASE_SETTLED || l->phase == PHASE_CHOICE;
		cycle_tf(l, &lt, &lf);
		in += l->n > 0;
		t += lt;
		f += decided ? lf : 0;
		n += l->n;
		aborted += l->phase == PHASE_ABORTED ? l->n : 0;
	}
	if (in < 2 || c->aborting || c->must_abort[0])
		return;
	if (matrix_enough(t) && matrix_verdict(f, t) == MATRIX_ABORT)
		stop_all(s, "more than 20 % failed over all lanes");
	else if (2 * aborted > n)
		stop_all(s, "aborted lanes hold more than half of the items");
}

/* ---- decisions ---- */

static void decide_abort(struct step *s, struct cycle_lane *l, const char *at)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	bool by_itself = matrix_enough(t) && l->on_abort != ON_ABORT_ASK;
	bool restore = l->on_abort == ON_ABORT_RESTORE;
	matrix_note(s, l, at, !by_itself ? "operator chooses" : restore ? "abort, restore" : "abort, keep");
	l->restore |= by_itself && restore;
	if (by_itself)
		lane_abort(s, l);
	else
		l->phase = PHASE_CHOICE;
	overall(s);
}

static void go_past(struct step *s, struct cycle_lane *l)
{
	l->retry_pass = l->retried = false;
	if (l->batch_to < l->n) {
		l->phase = PHASE_BOUNDARY;
		return;
	}
	lane_settle(s, l);
	overall(s);
}

static void decide(struct step *s, struct cycle_lane *l, const char *at)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	switch (matrix_after(f, t)) {
	case MATRIX_AFTER_CONTINUE: matrix_note(s, l, at, "continue"); break;
	case MATRIX_AFTER_ACK: matrix_note(s, l, at, "continue, acknowledged"); break;
	case MATRIX_AFTER_ABORT: decide_abort(s, l, at); return;
	}
	go_past(s, l);
}

void lane_accept(struct step *s, struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	if (l->phase == PHASE_CHOICE && matrix_enough(t)) {
		lane_abort(s, l);
		overall(s);
	} else if (l->phase == PHASE_CHOICE) {
		go_past(s, l);
	}
	l->acked |= l->phase == PHASE_SETTLED;
}

static void begin_retry(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	l->phase = PHASE_RETRYING;
	l->retry_pass = true;
	l->batch_due_us = 0;
	l->low = l->cursor = 0;
	l->streak = 0;
	for (int32_t r = -1; (r = next_of(s->c, l, r + 1, l->batch_to, MARK_FAILED)) < l->batch_to;) {
		if (!retryable(l, &it[r]))
			continue;
		if (it[r].state == ITEM_UNKNOWN) {
			it[r].probes = 0;
			item_probe(s, &it[r]);
			continue;
		}
		int64_t ms = backoff_ms(&l->o.retry.tier[it[r].class_].wait, it[r].tries, &s->c->rng);
		item_set(s, &it[r], ITEM_BACKOFF);
		due_at(l, &it[r], s->now.boot_us + ms * 1000);
	}
	l->retried = true;
}

void retry_settled(struct step *s, struct cycle_lane *l)
{
	decide(s, l, "after the retry pass");
}

void batch_settled(struct step *s, struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	enum matrix_verdict v = matrix_verdict(f, t);
	bool last = l->batch_to >= l->n;
	l->phase = PHASE_BOUNDARY;
	if (s->c->rehearsal)
		l->canary_done = true;
	if (l->halted) {
		emit(s, EFF_CYCLE, -1, -1);
		return;
	}
	matrix_note(s, l, last ? "end of pass" : "batch", matrix_verdict_name(v));
	if (lane_hopeless(s, l)) {
		decide_abort(s, l, "cannot be rescued");
	} else if ((matrix_enough(t) && v == MATRIX_ABORT) || (last && v != MATRIX_CONTINUE)) {
		if (any_retryable(s, l))
			begin_retry(s, l);
		else
			decide(s, l, "no retry can help");
	} else if (last) {
		lane_settle(s, l);
		overall(s);
	}
}
