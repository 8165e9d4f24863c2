/* CLEANING, lane by lane: batches, sends, answers, probes, the canary, the matrix, the retry pass.
 * Rules and numbers: SEMANTICS 5. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	PROBE_TRIES = 3,                /* without an answer, then UNKNOWN */
	PROBE_WAIT_US = 2000000,
	CANARY_WAIT_US = 30000000,      /* a deleted canary item may be visible that long */
	REREAD_WAIT_US = 1000000
};

static struct cycle_item *items_of(struct cycle *c, struct cycle_lane *l) { return c->item + l->first; }

/* Ranks the lane is working on now. */
static void scope(const struct cycle_lane *l, int32_t *from, int32_t *to)
{
	*from = l->phase == PHASE_RETRYING ? 0 : l->batch_from;
	*to = l->phase == PHASE_RETRYING ? (int32_t)l->n : l->batch_to;
}

static int64_t open_items(const struct cycle_lane *l)
{
	const int64_t *b = l->c.by_state;
	return b[ITEM_CHECKING] + b[ITEM_CLAIMING] + b[ITEM_READY] + b[ITEM_SENT] + b[ITEM_BACKOFF] + b[ITEM_PROBING];
}

static void due_at(struct cycle_lane *l, struct cycle_item *it, int64_t us)
{
	it->due_us = us;
	l->next_due_us = MIN(l->next_due_us, us);
}

static void unit_return(struct cycle_lane *l, struct cycle_item *it)
{
	if (!it->charged)
		return;
	it->charged = false;
	l->items_charged--;
	l->bytes_charged -= item_charge(l, it);
}

/* ---- batches ---- */

static void begin_batch(struct step *s, struct cycle_lane *l)
{
	int32_t size = (int32_t)matrix_canary(l->n);
	if (l->canary_done) {
		int64_t next = 3 * (int64_t)(l->batch_to - l->batch_from);
		size = (int32_t)MIN(MAX(next, size), l->n);
	}
	l->batch++;
	l->batch_from = l->batch_to;
	l->batch_to = (int32_t)MIN(l->n, (int64_t)l->batch_from + size);
	l->cursor = l->batch_from;
	l->phase = PHASE_CHECKING;
	struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = l->batch_from; r < l->batch_to; r++)
		if (it[r].state == ITEM_PLANNED)
			item_set(s, &it[r], ITEM_CHECKING);
	struct effect *e = emit(s, EFF_RECHECK, lane_index(s->c, l), -1);
	e->from = l->first + l->batch_from;
	e->to = l->first + l->batch_to;
	emit(s, EFF_CYCLE, -1, -1);
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

void clean_resume(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		if (!l->halted)
			continue;
		l->halted = false;
		l->streak = 0;
		note_why(s, AUDIT_LANE, i, "resumed by hand");
		struct cycle_item *it = items_of(c, l);
		for (int32_t r = 0; r < l->n; r++)
			if (it[r].state == ITEM_HELD)   /* beyond the batch after a restart: it is re-validated */
				item_set(s, &it[r], r < l->batch_to ? ITEM_READY : ITEM_PLANNED);
		int32_t to;
		scope(l, &l->cursor, &to);
		if (l->phase == PHASE_CHECKING || l->phase == PHASE_CLAIMING) {
			/* what could not be re-validated or claimed is asked again */
			l->batch--;
			l->batch_to = l->batch_from;
			for (int32_t r = l->batch_from; r < l->n; r++)
				if (it[r].state == ITEM_CHECKING || it[r].state == ITEM_CLAIMING)
					item_set(s, &it[r], ITEM_PLANNED);
			begin_batch(s, l);
		}
	}
}

void clean_rechecked(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	int64_t unanswered = 0, claim = 0;
	if (l->phase != PHASE_CHECKING)
		return;
	for (size_t i = 0; i < ev->n; i++) {
		struct cycle_item *it = &s->c->item[ev->from + (int32_t)i];
		static const enum item_state to[] = { [CHECK_SAME] = ITEM_CLAIMING, [CHECK_DRIFTED] = ITEM_DRIFTED,
			[CHECK_REFERENCED] = ITEM_BLOCKED, [CHECK_PROTECTED] = ITEM_PROTECTED, [CHECK_NO_ANSWER] = ITEM_PLANNED };
		if (it->state != ITEM_CHECKING)
			continue;
		enum check_result r = ev->results[i];
		unanswered += r == CHECK_NO_ANSWER;
		claim += r == CHECK_SAME;
		if (r != CHECK_SAME && r != CHECK_NO_ANSWER) {
			note(s);
			jw_kz(&s->w, "found", item_state_name(to[r]));
			note_emit(s, AUDIT_RECHECK, ev->lane, item_index(s->c, it));
		}
		item_set(s, it, to[r]);
	}
	if (unanswered)
		lane_halt(s, l, ev->text && *ev->text ? ev->text : "items could not be re-validated");
	if (l->c.by_state[ITEM_DRIFTED] > matrix_drift_cap(l->n))
		lane_halt(s, l, "too many items changed since the plan was made: the plan is stale");
	if (l->halted)
		return;
	l->phase = PHASE_CLAIMING;
	if (!claim) {
		l->phase = PHASE_SENDING;
		return;
	}
	note(s);
	jw_ki64(&s->w, "items", claim);
	jw_ki64(&s->w, "batch", l->batch);
	note_emit(s, AUDIT_CLAIM_INTENT, ev->lane, -1);
	struct effect *e = emit(s, EFF_CLAIM, ev->lane, -1);
	e->from = l->first + l->batch_from;
	e->to = l->first + l->batch_to;
}

static void claim_one(struct step *s, struct cycle_item *it, enum claim_result r)
{
	switch (r) {
	case CLAIM_DONE: row_set(s, it, ROW_CLAIMED); item_set(s, it, ITEM_READY); break;
	case CLAIM_NO_ROW: row_set(s, it, ROW_NONE); item_set(s, it, ITEM_READY); break;
	case CLAIM_UNCLAIMED:
	case CLAIM_REHEARSED: item_set(s, it, ITEM_READY); break;
	case CLAIM_REFERENCED: item_set(s, it, ITEM_BLOCKED); break;
	case CLAIM_CHANGED: item_set(s, it, ITEM_DRIFTED); break;
	case CLAIM_FAILED: item_set(s, it, ITEM_PLANNED); break;
	}
}

void clean_claimed(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	int64_t by[CLAIM_REHEARSED + 1] = { 0 };
	if (l->phase != PHASE_CLAIMING)
		return;
	for (size_t i = 0; i < ev->n; i++) {
		struct cycle_item *it = &s->c->item[ev->items[i]];
		if (it->state != ITEM_CLAIMING)
			continue;
		by[ev->results[i]]++;
		claim_one(s, it, ev->results[i]);
	}
	note(s);
	jw_ki64(&s->w, "claimed", by[CLAIM_DONE]);
	jw_ki64(&s->w, "no_row", by[CLAIM_NO_ROW]);
	jw_ki64(&s->w, "unclaimed", by[CLAIM_UNCLAIMED] + by[CLAIM_REHEARSED]);
	jw_ki64(&s->w, "referenced", by[CLAIM_REFERENCED]);
	jw_ki64(&s->w, "changed", by[CLAIM_CHANGED]);
	jw_ki64(&s->w, "failed", by[CLAIM_FAILED]);
	note_emit(s, AUDIT_CLAIM_OUTCOME, ev->lane, -1);
	if (by[CLAIM_FAILED])
		lane_halt(s, l, ev->text && *ev->text ? ev->text : "rows could not be claimed");
	else if (l->c.by_state[ITEM_DRIFTED] > matrix_drift_cap(l->n))
		lane_halt(s, l, "too many items changed since the plan was made: the plan is stale");
	else
		l->phase = PHASE_SENDING;
}

/* ---- settling ---- */

static void dead(struct step *s, struct cycle_item *it, const char *phase, const char *belief)
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

static void streak(struct step *s, struct cycle_lane *l, enum retry_class k, const char *detail)
{
	char why[200];
	l->streak = k == l->streak_class ? l->streak + 1 : 1;
	l->streak_class = k;
	if (l->streak < CYCLE_STREAK)
		return;
	snprintf(why, sizeof why, "%d items one after the other failed with %s: %.120s", l->streak, retry_class_name(k), detail ? detail : "");
	lane_halt(s, l, why);
}

static void settle(struct step *s, struct cycle_item *it, enum item_state to, const struct cycle_answer *a)
{
	struct cycle_lane *l = lane_of(s->c, it);
	bool proved = to == ITEM_GONE_OTHER || to == ITEM_FAILED || to == ITEM_REFUSED || to == ITEM_HELD || to == ITEM_REHEARSED;
	if (proved)
		unit_return(l, it);
	item_set(s, it, to);
	note(s);
	jw_kz(&s->w, "outcome", item_state_name(to));
	jw_ki64(&s->w, "attempt", it->attempts);
	if (to == ITEM_FAILED || to == ITEM_UNKNOWN)
		jw_kz(&s->w, "class", retry_class_name(it->class_));
	if (a && a->status)
		jw_ki64(&s->w, "status", a->status);
	if (a && a->detail && *a->detail)
		jw_kz(&s->w, "detail", a->detail);
	note_emit(s, AUDIT_OUTCOME, it->lane, item_index(s->c, it));
	if (to == ITEM_DELETED || to == ITEM_GONE)
		l->streak = 0;
	if ((to == ITEM_FAILED && !retry_may(&l->o.retry, (enum retry_class)it->class_, it->attempts)) || to == ITEM_UNKNOWN)
		streak(s, l, it->class_, a ? a->detail : NULL);
	int64_t t, f;
	cycle_tf(l, &t, &f);
	if (l->c.by_state[ITEM_GONE_OTHER] > matrix_gone_other_cap(t))
		lane_halt(s, l, "many items were gone before we asked: another cleaner is at work, or this is the wrong account");
	if (l->c.by_state[ITEM_REFUSED] > matrix_refused_cap(l->n))
		lane_halt(s, l, "the store refuses too many items: they are locked or in use");
}

/* ---- sending ---- */

static bool reserve(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	if (it->charged)
		return true;
	int64_t bytes = item_charge(l, it);
	if (l->items_charged + 1 > l->n || l->bytes_charged + bytes > l->bytes_granted) {
		lane_halt(s, l, "the grant's budget is spent");
		return false;
	}
	it->charged = true;
	l->items_charged++;
	l->bytes_charged += bytes;
	return true;
}

static void send(struct step *s, struct cycle_lane *l, struct cycle_item *it, struct breaker_ticket ticket)
{
	if (!it->attempts)
		l->budget.first_attempts++;
	it->attempts++;
	it->sent_us = s->now.boot_us;
	it->ticket = ticket;
	l->requests++;
	l->in_flight++;
	item_set(s, it, ITEM_SENT);
	note(s);
	jw_ki64(&s->w, "attempt", it->attempts);
	jw_ki64(&s->w, "charge", item_charge(l, it));
	jw_kz(&s->w, "claim", row_state_name(it->row));
	note_emit(s, AUDIT_INTENT, it->lane, item_index(s->c, it));
	if (!s->c->first_intent) {
		s->c->first_intent = true;
		emit(s, EFF_CYCLE, -1, -1);
	}
	emit(s, EFF_SEND, it->lane, item_index(s->c, it));
}

/* Next item that may be sent now; moves the cursor past what can not. */
static struct cycle_item *next_ready(struct step *s, struct cycle_lane *l)
{
	int32_t from, to;
	scope(l, &from, &to);
	struct cycle_item *it = items_of(s->c, l);
	for (; l->cursor < to; l->cursor++)
		if (it[l->cursor].state == ITEM_READY)
			return &it[l->cursor];
	return NULL;
}

/* Items whose wait is over: repeat the send, or look again whether they are there. */
static void wake_due(struct step *s, struct cycle_lane *l)
{
	if (s->now.boot_us < l->next_due_us)
		return;
	struct cycle_item *it = items_of(s->c, l);
	l->next_due_us = INT64_MAX;
	for (int32_t r = 0; r < l->n; r++) {
		if (it[r].state != ITEM_BACKOFF && it[r].state != ITEM_SETTLING)
			continue;
		if (it[r].due_us > s->now.boot_us) {
			l->next_due_us = MIN(l->next_due_us, it[r].due_us);
		} else if (it[r].state == ITEM_BACKOFF) {
			item_set(s, &it[r], ITEM_READY);
			l->cursor = MIN(l->cursor, r);
		} else {
			item_set(s, &it[r], ITEM_PROBING);
			emit(s, EFF_PROBE, it[r].lane, item_index(s->c, &it[r]));
		}
	}
}

static int64_t flight_cap(const struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	return MIN(l->o.in_flight, matrix_in_flight(l->n, f));
}

/* Half-open: a read goes first. */
static bool breaker_read_first(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	if (l->breaker.state != BREAKER_HALF_OPEN)
		return false;
	if (!l->breaker_read && breaker_allow(&l->breaker, BREAKER_READ, s->now.boot_us, &l->breaker_ticket)) {
		l->breaker_read = true;
		emit(s, EFF_REREAD, it->lane, item_index(s->c, it));
	}
	return true;
}

static void breaker_note(struct step *s, struct cycle_lane *l)
{
	note(s);
	jw_kz(&s->w, "state", breaker_state_name(l->breaker.state));
	jw_ki64(&s->w, "bad", breaker_bad(&l->breaker));
	note_emit(s, AUDIT_BREAKER, lane_index(s->c, l), -1);
	emit(s, EFF_CYCLE, -1, -1);
}

static void pump(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it;
	struct breaker_ticket ticket;
	if (s->c->held || s->c->store_failed || s->c->aborting || l->halted)
		return;
	if (breaker_tick(&l->breaker, s->now.boot_us))
		breaker_note(s, l);
	while (!l->halted && l->in_flight < flight_cap(l) && (it = next_ready(s, l))) {
		if (bucket_wait_us(&l->bucket, s->now.boot_us) > 0)
			return;
		if (it->attempts >= 2 && !retry_budget_take(&l->budget)) {
			settle(s, it, ITEM_FAILED, NULL);
			continue;
		}
		if (!breaker_allow(&l->breaker, BREAKER_DELETE, s->now.boot_us, &ticket)) {
			breaker_read_first(s, l, it);
			return;
		}
		if (!reserve(s, l, it))
			return;
		bucket_take(&l->bucket, s->now.boot_us);
		send(s, l, it, ticket);
	}
}

/* ---- answers ---- */

static void again_later(struct step *s, struct cycle_lane *l, struct cycle_item *it, int64_t asked_ms, const struct cycle_answer *a)
{
	const struct retry_tier *tier = &l->o.retry.tier[it->class_];
	bool may = retry_may(&l->o.retry, it->class_, it->attempts) && (l->retry_pass || retry_in_first_pass(it->class_));
	if (!may || s->c->aborting) {
		settle(s, it, ITEM_FAILED, a);
		return;
	}
	int64_t ms = asked_ms >= 0 ? asked_ms : backoff_ms(&tier->wait, it->attempts, &s->c->rng);
	item_set(s, it, ITEM_BACKOFF);
	due_at(l, it, s->now.boot_us + ms * 1000);
	note(s);
	jw_kz(&s->w, "outcome", "repeat");
	jw_kz(&s->w, "class", retry_class_name(it->class_));
	jw_ki64(&s->w, "attempt", it->attempts);
	jw_ki64(&s->w, "wait_ms", ms);
	if (a && a->status)
		jw_ki64(&s->w, "status", a->status);
	note_emit(s, AUDIT_OUTCOME, it->lane, item_index(s->c, it));
}

static void feed_breaker(struct step *s, struct cycle_lane *l, const struct cycle_item *it, const struct cycle_answer *a)
{
	enum breaker_result r = BREAKER_GOOD;
	switch (a->kind) {
	case ANSWER_PACE:
	case ANSWER_REHEARSED: r = BREAKER_IGNORED; break;
	case ANSWER_UNCLEAR:
	case ANSWER_NOT_SENT: r = BREAKER_BAD; break;
	case ANSWER_DELETED:
	case ANSWER_MISSING:
	case ANSWER_ITEM_REFUSED:
	case ANSWER_LANE_REFUSED: r = a->slow ? BREAKER_SLOW : BREAKER_GOOD; break;
	}
	if (breaker_result(&l->breaker, it->ticket, r, s->now.boot_us))
		breaker_note(s, l);
}

static void unclear(struct step *s, struct cycle_item *it, const struct cycle_answer *a)
{
	it->maybe = true;
	item_set(s, it, ITEM_PROBING);
	note(s);
	jw_kz(&s->w, "outcome", "unclear");
	jw_kz(&s->w, "class", retry_class_name(a->class_));
	jw_ki64(&s->w, "attempt", it->attempts);
	if (a->status)
		jw_ki64(&s->w, "status", a->status);
	if (a->detail)
		jw_kz(&s->w, "detail", a->detail);
	note_emit(s, AUDIT_OUTCOME, it->lane, item_index(s->c, it));
	it->probes = 0;
	emit(s, EFF_PROBE, it->lane, item_index(s->c, it));
}

void clean_answer(struct step *s, const struct cycle_event *ev)
{
	struct cycle_item *it = &s->c->item[ev->item];
	struct cycle_lane *l = lane_of(s->c, it);
	const struct cycle_answer *a = &ev->answer;
	if (it->state != ITEM_SENT)
		return;
	l->in_flight--;
	feed_breaker(s, l, it, a);
	it->class_ = (uint8_t)a->class_;
	switch (a->kind) {
	case ANSWER_DELETED: settle(s, it, ITEM_DELETED, a); break;
	case ANSWER_MISSING: settle(s, it, it->maybe ? ITEM_GONE : ITEM_GONE_OTHER, a); break;
	case ANSWER_UNCLEAR: unclear(s, it, a); break;
	case ANSWER_ITEM_REFUSED: settle(s, it, ITEM_REFUSED, a); break;
	case ANSWER_LANE_REFUSED:
		settle(s, it, it->maybe ? ITEM_UNKNOWN : ITEM_HELD, a);
		lane_halt(s, l, a->detail && *a->detail ? a->detail : "the store refuses this account");
		break;
	case ANSWER_PACE:
		if (a->wait_ms >= 0)
			bucket_close_until(&l->bucket, s->now.boot_us + a->wait_ms * 1000);
		again_later(s, l, it, a->wait_ms, a);
		break;
	case ANSWER_NOT_SENT: again_later(s, l, it, a->wait_ms, a); break;
	case ANSWER_REHEARSED: settle(s, it, ITEM_REHEARSED, a); break;
	}
}

void clean_probed(struct step *s, const struct cycle_event *ev)
{
	struct cycle_item *it = &s->c->item[ev->item];
	struct cycle_lane *l = lane_of(s->c, it);
	static const char *const words[] = { [PRESENT] = "present", [ABSENT] = "absent", [NO_ANSWER] = "no answer" };
	if (it->state != ITEM_PROBING)
		return;
	note(s);
	jw_kz(&s->w, "found", words[ev->presence]);
	note_emit(s, AUDIT_PROBE, it->lane, ev->item);
	switch (ev->presence) {
	case ABSENT: settle(s, it, ITEM_GONE, NULL); break;
	case PRESENT:
		if (it->sent_us < 0 || s->now.boot_us - it->sent_us >= l->o.settle_us) {
			it->maybe = false;      /* proved: that attempt did nothing */
			settle(s, it, ITEM_FAILED, NULL);
		} else {
			item_set(s, it, ITEM_SETTLING);
			due_at(l, it, it->sent_us + l->o.settle_us);
		}
		break;
	case NO_ANSWER:
		if (++it->probes >= PROBE_TRIES) {
			settle(s, it, ITEM_UNKNOWN, NULL);
		} else {
			item_set(s, it, ITEM_SETTLING);
			due_at(l, it, s->now.boot_us + PROBE_WAIT_US);
		}
		break;
	}
}

/* ---- canary ---- */

static void canary_read(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	int lane = lane_index(s->c, l);
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		if (it[r].state != ITEM_DELETED)
			continue;
		it[r].reread = true;
		l->waiting_reads++;
		emit(s, EFF_REREAD, lane, item_index(s->c, &it[r]));
	}
	l->control_asked = MIN(l->control_n, CYCLE_CONTROL);
	l->control_ok = 0;
	for (int k = 0; k < l->control_asked; k++) {
		l->waiting_reads++;
		emit(s, EFF_REREAD, lane, -1 - k);
	}
}

static bool batch_has_delete(struct step *s, const struct cycle_lane *l)
{
	const struct cycle_item *it = s->c->item + l->first;
	for (int32_t r = l->batch_from; r < l->batch_to; r++)
		if (it[r].state == ITEM_DELETED)
			return true;
	return false;
}

static void canary_begin(struct step *s, struct cycle_lane *l)
{
	if (!batch_has_delete(s, l)) {
		if (l->batch_to < l->n)
			lane_halt(s, l, "the canary deleted nothing");
		l->phase = PHASE_BOUNDARY;
		return;
	}
	l->phase = PHASE_CANARY_CHECK;
	l->canary_until_us = s->now.boot_us + CANARY_WAIT_US;
	canary_read(s, l);
}

static void canary_end(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	int32_t still = -1;
	for (int32_t r = l->batch_from; r < l->batch_to; r++)
		if (it[r].reread)
			still = r;
	if (still >= 0 && s->now.boot_us < l->canary_until_us && !s->c->aborting) {
		l->next_due_us = MIN(l->next_due_us, s->now.boot_us + REREAD_WAIT_US);
		return;
	}
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		if (!it[r].reread)
			continue;
		it[r].reread = false;
		it[r].class_ = RETRY_CONFLICTING;
		settle(s, &it[r], ITEM_UNKNOWN, NULL);
	}
	l->phase = PHASE_BOUNDARY;
	if (still >= 0)
		lane_halt(s, l, "the store said deleted, but a re-read after 30 s still finds canary items");
	else if (l->control_ok < l->control_asked)
		lane_halt(s, l, "a control item outside the plan is gone: the store may delete something else than it is asked to");
	else
		l->canary_done = true;
	note(s);
	jw_kz(&s->w, "canary", l->canary_done ? "passed" : "not passed");
	jw_ki64(&s->w, "control_present", l->control_ok);
	jw_ki64(&s->w, "control_asked", l->control_asked);
	note_emit(s, AUDIT_GATE, lane_index(s->c, l), -1);
}

void clean_reread(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (l->breaker_read) {
		l->breaker_read = false;
		if (breaker_result(&l->breaker, l->breaker_ticket, ev->presence == NO_ANSWER ? BREAKER_BAD : BREAKER_GOOD, s->now.boot_us))
			breaker_note(s, l);
		return;
	}
	if (l->phase != PHASE_CANARY_CHECK || !l->waiting_reads)
		return;
	l->waiting_reads--;
	if (ev->item < 0)
		l->control_ok += ev->presence == PRESENT;
	else if (ev->presence == ABSENT)
		s->c->item[ev->item].reread = false;
	if (!l->waiting_reads)
		canary_end(s, l);
}

/* The wait between two re-reads of a canary is over. */
static void canary_again(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	if (l->waiting_reads || s->now.boot_us < l->next_due_us)
		return;
	l->next_due_us = INT64_MAX;
	for (int32_t r = l->batch_from; r < l->batch_to; r++)
		if (it[r].reread) {
			l->waiting_reads++;
			emit(s, EFF_REREAD, lane_index(s->c, l), item_index(s->c, &it[r]));
		}
}

/* ---- the matrix ---- */

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

static bool retryable(const struct cycle_lane *l, const struct cycle_item *it)
{
	if (it->state == ITEM_UNKNOWN)
		return !l->retried;
	return it->state == ITEM_FAILED && retry_may(&l->o.retry, it->class_, it->attempts) &&
	       (it->attempts < 2 || retry_budget_left(&l->budget) > 0);
}

/* F that no retry can rescue. */
static int64_t lost(struct step *s, const struct cycle_lane *l)
{
	const struct cycle_item *it = s->c->item + l->first;
	int64_t t, f, n = 0;
	cycle_tf(l, &t, &f);
	if (!f)
		return 0;
	for (int32_t r = 0; r < l->batch_to; r++)
		n += (it[r].state == ITEM_FAILED || it[r].state == ITEM_UNKNOWN) && !retryable(l, &it[r]);
	return n;
}

static void lane_settle(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	l->phase = PHASE_SETTLED;
	for (int32_t r = 0; r < l->n; r++) {
		if (it[r].state == ITEM_FAILED)
			dead(s, &it[r], "cleaning", "exists");
		else if (it[r].state == ITEM_UNKNOWN)
			dead(s, &it[r], "cleaning", "maybe_deleted");
	}
	emit(s, EFF_CYCLE, -1, -1);
}

/* The lane stops here; what was deleted stays deleted. */
static void lane_abort(struct step *s, struct cycle_lane *l)
{
	lane_settle(s, l);
	l->phase = PHASE_ABORTED;
}

static void abort_all(struct step *s, const char *why)
{
	struct cycle *c = s->c;
	if (c->aborting)
		return;
	c->aborting = true;
	note(s);
	jw_kz(&s->w, "how", "keep");
	jw_kz(&s->w, "why", why);
	note_emit(s, AUDIT_ABORT, -1, -1);
	clean_abort(s);
}

/* F/T over all lanes, and the weight of aborted lanes. */
static void overall(struct step *s)
{
	struct cycle *c = s->c;
	int64_t t = 0, f = 0, n = 0, aborted = 0;
	if (c->lanes < 2)
		return;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		int64_t lt, lf;
		cycle_tf(l, &lt, &lf);
		if (l->phase == PHASE_ABORTED || l->phase == PHASE_SETTLED || l->phase == PHASE_CHOICE) {
			t += lt;
			f += lf;
		}
		n += l->n;
		aborted += l->phase == PHASE_ABORTED ? l->n : 0;
	}
	if (matrix_enough(t) && matrix_verdict(f, t) == MATRIX_ABORT)
		abort_all(s, "more than 20 % failed over all lanes");
	else if (2 * aborted > n)
		abort_all(s, "aborted lanes hold more than half of the items");
}

static void decide_abort(struct step *s, struct cycle_lane *l, const char *at)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	bool by_itself = matrix_enough(t) && l->on_abort == ON_ABORT_KEEP;
	matrix_note(s, l, at, by_itself ? "abort, keep" : "operator chooses");
	if (by_itself)
		lane_abort(s, l);
	else
		l->phase = PHASE_CHOICE;
	overall(s);
}

static void begin_retry(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	l->phase = PHASE_RETRYING;
	l->retry_pass = true;
	l->cursor = 0;
	for (int32_t r = 0; r < l->batch_to; r++) {
		if (!retryable(l, &it[r]))
			continue;
		if (it[r].state == ITEM_UNKNOWN) {
			it[r].probes = 0;
			item_set(s, &it[r], ITEM_PROBING);
			emit(s, EFF_PROBE, it[r].lane, item_index(s->c, &it[r]));
			continue;
		}
		int64_t ms = backoff_ms(&l->o.retry.tier[it[r].class_].wait, it[r].attempts, &s->c->rng);
		item_set(s, &it[r], ITEM_BACKOFF);
		due_at(l, &it[r], s->now.boot_us + ms * 1000);
	}
	l->retried = true;
}

static void decide(struct step *s, struct cycle_lane *l, const char *at)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	switch (matrix_after(f, t)) {
	case MATRIX_AFTER_CONTINUE:
		matrix_note(s, l, at, "continue");
		break;
	case MATRIX_AFTER_ACK:
		matrix_note(s, l, at, "continue, acknowledged");
		break;
	case MATRIX_AFTER_ABORT:
		decide_abort(s, l, at);
		return;
	}
	l->retry_pass = false;
	l->stop_first_pass = false;
	if (l->batch_to < l->n) {
		l->phase = PHASE_BOUNDARY;
		return;
	}
	lane_settle(s, l);
	overall(s);
}

static bool any_retryable(struct step *s, const struct cycle_lane *l)
{
	const struct cycle_item *it = s->c->item + l->first;
	for (int32_t r = 0; r < l->batch_to; r++)
		if (retryable(l, &it[r]))
			return true;
	return false;
}

/* A batch has settled. */
static void boundary(struct step *s, struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	enum matrix_verdict v = matrix_verdict(f, t);
	bool last = l->batch_to >= l->n;
	l->phase = PHASE_BOUNDARY;
	matrix_note(s, l, last ? "end of pass" : "batch", matrix_verdict_name(v));
	struct effect *e = emit(s, EFF_SPENT, lane_index(s->c, l), -1);
	e->number = l->items_charged;
	e->bytes = l->bytes_charged;
	if (matrix_enough(t) && matrix_hopeless(lost(s, l), l->n)) {
		decide_abort(s, l, "cannot be rescued");
	} else if ((matrix_enough(t) && v == MATRIX_ABORT) || (last && v != MATRIX_CONTINUE)) {
		l->stop_first_pass = true;
		if (any_retryable(s, l))
			begin_retry(s, l);
		else
			decide(s, l, "no retry can help");
	} else if (last) {
		lane_settle(s, l);
		overall(s);
	}
}

/* ---- going on ---- */

static void settle_sending(struct step *s, struct cycle_lane *l)
{
	int64_t open = open_items(l), young = l->c.by_state[ITEM_SETTLING];
	bool canary = !l->canary_done && !s->c->rehearsal;
	if (open || (young && (canary || l->batch_to >= l->n)))
		return;
	if (canary)
		canary_begin(s, l);
	if (l->phase == PHASE_SENDING)
		l->phase = PHASE_BOUNDARY;
	if (l->phase == PHASE_BOUNDARY)
		boundary(s, l);
}

static void next_batch(struct step *s, struct cycle_lane *l)
{
	struct cycle *c = s->c;
	if (l->halted || c->held || c->aborting || c->store_failed || l->batch_to >= l->n)
		return;
	if (c->run == RUN_NONE)
		return;
	begin_batch(s, l);
}

static void give_back_unsent(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = 0; r < l->n; r++) {
		enum item_state st = it[r].state;
		if (st == ITEM_BACKOFF)
			settle(s, &it[r], it[r].maybe ? ITEM_UNKNOWN : ITEM_FAILED, NULL);
		else if (st == ITEM_CHECKING || st == ITEM_CLAIMING || st == ITEM_READY) {
			unit_return(l, &it[r]);
			item_set(s, &it[r], ITEM_PLANNED);
		}
	}
}

void clean_abort(struct step *s)
{
	for (int i = 0; i < s->c->lanes; i++) {
		struct cycle_lane *l = &s->c->lane[i];
		if (!lane_done(l))
			give_back_unsent(s, l);
	}
}

static void abort_advance(struct step *s, struct cycle_lane *l)
{
	if (l->phase == PHASE_CANARY_CHECK && !l->waiting_reads)
		canary_end(s, l);
	if (l->in_flight || open_items(l) || l->c.by_state[ITEM_SETTLING] || l->phase == PHASE_CANARY_CHECK)
		return;
	lane_abort(s, l);
}

static void phase_advance(struct step *s, struct cycle_lane *l);

/* One event may carry a lane through several phases: a settled batch opens the next one. */
static void lane_advance(struct step *s, struct cycle_lane *l)
{
	wake_due(s, l);
	if (s->c->aborting) {
		abort_advance(s, l);
		return;
	}
	enum lane_phase was;
	do {
		was = l->phase;
		phase_advance(s, l);
	} while (l->phase != was);
}

static void phase_advance(struct step *s, struct cycle_lane *l)
{
	switch (l->phase) {
	case PHASE_SENDING:
		pump(s, l);
		settle_sending(s, l);
		break;
	case PHASE_RETRYING:
		pump(s, l);
		if (!open_items(l) && !l->c.by_state[ITEM_SETTLING])
			decide(s, l, "after the retry pass");
		break;
	case PHASE_CANARY_CHECK:
		canary_again(s, l);
		break;
	case PHASE_BOUNDARY:
		if (!l->halted && l->batch_to >= l->n)
			boundary(s, l);
		else
			next_batch(s, l);
		break;
	case PHASE_WAITING:
	case PHASE_CHECKING:
	case PHASE_CLAIMING:
	case PHASE_CHOICE:
	case PHASE_SETTLED:
	case PHASE_ABORTED:
	case PHASE_EXCLUDED:
	case PHASE_COUNT: break;
	}
}

void clean_advance(struct step *s)
{
	struct cycle *c = s->c;
	bool all = true;
	for (int i = 0; i < c->lanes; i++) {
		if (!lane_done(&c->lane[i]))
			lane_advance(s, &c->lane[i]);
		all &= lane_done(&c->lane[i]);
	}
	/* a step opens one batch of every lane that waited; a resume ends at the gate, it does not pass it */
	if (!all && c->run == RUN_STEP)
		c->run = RUN_NONE;
	if (all && !c->cleaned) {
		c->cleaned = true;
		c->run = RUN_NONE;
	}
}

int64_t clean_due_us(const struct cycle *c)
{
	int64_t due = INT64_MAX;
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (lane_done(l))
			continue;
		due = MIN(due, l->next_due_us);
		if (l->halted || c->held || !l->c.by_state[ITEM_READY])
			continue;
		if (l->breaker.state != BREAKER_CLOSED && l->breaker.state != BREAKER_DISABLED)
			due = MIN(due, MAX(l->breaker.until_us, l->breaker.probe_due_us));
		/* the bucket's wait counts from its own last moment */
		int64_t wait = bucket_wait_us(&l->bucket, l->bucket.at_us);
		if (l->in_flight < flight_cap(l) && wait > 0 && wait < INT64_MAX)
			due = MIN(due, l->bucket.at_us + wait);
	}
	return due;
}
