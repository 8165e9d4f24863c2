/* Requests and what they came to (SEMANTICS 5): one intent is at most one request, doubt is probed
 * before anything is repeated. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	PROBE_TRIES = 3,                /* without an answer, then UNKNOWN */
	PROBE_WAIT_US = 2000000,
	PACE_MAX_MS = 15 * 60 * 1000    /* whatever a server asks for, it is asked again after that */
};

void item_ready(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	int32_t rank = item_index(s->c, it) - l->first;
	item_set(s, it, ITEM_READY);
	l->cursor = MIN(l->cursor, rank);
	l->low = MIN(l->low, rank);
}

void item_probe(struct step *s, struct cycle_item *it)
{
	item_set(s, it, ITEM_PROBING);
	emit(s, EFF_PROBE, it->lane, item_index(s->c, it));
}

static int64_t probe_wait_us(const struct cycle_item *it) { return (int64_t)PROBE_WAIT_US << (2 * (it->probes - 1)); }

/* ---- settling ---- */

/* Five of one class, one settled after the other, with nothing left in their tiers. */
static void streak(struct step *s, struct cycle_lane *l, const struct cycle_item *it, const char *detail)
{
	char why[200];
	enum retry_class k = (enum retry_class)it->class_;
	bool failed = it->state == ITEM_UNKNOWN || (it->state == ITEM_FAILED && !retry_may(&l->o.retry, k, it->tries));
	if (!failed) {
		l->streak = it->state == ITEM_FAILED || it->state == ITEM_HELD ? l->streak : 0;
		return;
	}
	l->streak = k == l->streak_class ? l->streak + 1 : 1;
	l->streak_class = k;
	if (l->streak < CYCLE_STREAK)
		return;
	snprintf(why, sizeof why, "%d items one after the other failed with %s: %.120s", l->streak, retry_class_name(k), detail ? detail : "");
	lane_halt(s, l, why);
}

static void halt_by_counts(struct step *s, struct cycle_lane *l)
{
	int64_t t, f;
	cycle_tf(l, &t, &f);
	if (l->c.by_state[ITEM_GONE_OTHER] - l->gone_other_seen > matrix_gone_other_cap(t))
		lane_halt(s, l, "many items were gone before we asked: another cleaner is at work, or this is the wrong account");
	if (l->c.by_state[ITEM_REFUSED] - l->refused_seen > matrix_refused_cap(l->n))
		lane_halt(s, l, "the store refuses too many items: they are locked or in use");
}

static void outcome(struct step *s, const struct cycle_item *it, const char *what, const struct cycle_answer *a)
{
	note(s);
	jw_kz(&s->w, "outcome", what);
	jw_ki64(&s->w, "attempt", it->attempts);
	if (it->class_)
		jw_kz(&s->w, "class", retry_class_name((enum retry_class)it->class_));
	if (a && a->status)
		jw_ki64(&s->w, "status", a->status);
	if (a && a->detail && *a->detail)
		jw_kz(&s->w, "detail", a->detail);
	note_outcome(s, it, what, a ? a->status : 0);
}

void settle(struct step *s, struct cycle_item *it, enum item_state to, const struct cycle_answer *a)
{
	struct cycle_lane *l = lane_of(s->c, it);
	it->done_us = s->now.boot_us;
	item_set(s, it, to);
	outcome(s, it, item_state_name(to), a);
	streak(s, l, it, a ? a->detail : NULL);
	halt_by_counts(s, l);
}

/* ---- sending ---- */

bool item_room(const struct cycle_lane *l, const struct cycle_item *it)
{
	return l->items_charged < l->n && l->bytes_charged + item_charge(l, it) <= l->bytes_granted;
}

static void send(struct step *s, struct cycle_lane *l, struct cycle_item *it, struct breaker_ticket ticket)
{
	if (!it->attempts)
		l->budget.first_attempts++;
	it->attempts = (uint16_t)MIN(it->attempts + 1, (int)UINT16_MAX);
	it->tries = (uint8_t)MIN(it->tries + 1, (int)UINT8_MAX);
	it->sent_us = s->now.boot_us;
	it->sent_wall_us = s->now.wall_us;
	it->ticket = ticket;
	l->in_flight++;
	item_set(s, it, ITEM_SENT);
	note(s);
	jw_ki64(&s->w, "attempt", it->attempts);
	jw_ki64(&s->w, "charge", item_charge(l, it));
	jw_kz(&s->w, "claim", row_state_name((enum row_state)it->row));
	note_emit(s, AUDIT_INTENT, it->lane, item_index(s->c, it));
	if (!s->c->first_intent)
		run_begins(s);
	emit(s, EFF_SEND, it->lane, item_index(s->c, it));
}

/* Next item that may be sent now; moves the cursor past what can not. */
static struct cycle_item *next_ready(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	for (; l->cursor < l->batch_to; l->cursor++)
		if (it[l->cursor].state == ITEM_READY)
			return &it[l->cursor];
	return NULL;
}

int64_t cycle_wire(const struct cycle_lane *l)
{
	return MIN(l->o.in_flight, pace_in_flight(&l->pace));
}

static int64_t ahead(const struct cycle_lane *l)
{
	bool smooth = l->breaker.state == BREAKER_CLOSED && l->pace.state == PACE_CEILING;
	return smooth ? outgoing_ahead(&l->times, cycle_wire(l)) : 0;
}

/* What nobody knows yet may fail too: it counts as in flight. */
static bool may_fly(const struct cycle_lane *l)
{
	int64_t t, f, doubt = l->c.by_state[ITEM_PROBING] + l->c.by_state[ITEM_SETTLING];
	cycle_tf(l, &t, &f);
	return l->in_flight < cycle_wire(l) + ahead(l) && l->in_flight + doubt < matrix_in_flight(l->n, f);
}

static void breaker_note(struct step *s, struct cycle_lane *l)
{
	note(s);
	jw_kz(&s->w, "state", breaker_state_name(l->breaker.state));
	jw_ki64(&s->w, "bad", breaker_bad(&l->breaker));
	note_emit(s, AUDIT_BREAKER, lane_index(s->c, l), -1);
	emit(s, EFF_CYCLE, -1, -1);
}

void breaker_by_hand(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	breaker_force(&l->breaker, (enum breaker_state)ev->number, ev->until_us, s->now.boot_us);
	breaker_note(s, l);
}

/* When the breaker may go on by time; INT64_MAX when only a hand or an answer moves it. */
static int64_t breaker_due_us(const struct breaker *b)
{
	if (b->state == BREAKER_HALF_OPEN)
		return b->probe_due_us;
	return b->until_us > 0 && b->state != BREAKER_CLOSED ? b->until_us : INT64_MAX;
}

/* The breaker says no: a half-open one wants reads first, one after the other; an open one, time. */
static void breaker_wait(struct step *s, struct cycle_lane *l, const struct cycle_item *it)
{
	struct breaker *b = &l->breaker;
	if (b->state == BREAKER_HALF_OPEN && !l->breaker_read && breaker_allow(b, BREAKER_READ, s->now.boot_us, &l->breaker_ticket)) {
		l->breaker_read = true;
		emit(s, EFF_REREAD, it->lane, item_index(s->c, it))->number = REREAD_BREAKER;
	}
	int64_t due = breaker_due_us(b);
	if (due > s->now.boot_us)
		l->pump_due_us = due;
}

/* What could be sent now is held while the breaker is open, and goes on when time or a hand has opened the way. */
static void breaker_items(struct step *s, struct cycle_lane *l)
{
	bool shut = l->breaker.state == BREAKER_OPEN || l->breaker.state == BREAKER_FORCED_OPEN;
	struct cycle_item *it = items_of(s->c, l);
	if (!l->c.by_state[shut ? ITEM_READY : ITEM_HELD])
		return;
	for (int32_t r = 0; shut && r < l->batch_to; r++)
		if (it[r].state == ITEM_READY)
			item_set(s, &it[r], ITEM_HELD);
	for (int32_t r = -1; !shut && (r = next_of(s->c, l, r + 1, l->batch_to, MARK_HELD)) < l->batch_to;)
		item_ready(s, l, &it[r]);
}

/* May this one be sent, apart from rate and breaker? */
static bool may_send(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	if (it->tries >= 2 && !retry_budget_left(&l->budget)) {
		settle(s, it, ITEM_FAILED, NULL);
		return false;
	}
	if (!item_room(l, it)) {
		lane_halt(s, l, "the grant's budget is spent");
		return false;
	}
	return true;
}

/* Of the retry pass only the result decides. */
static bool given_up(struct step *s, const struct cycle_lane *l)
{
	return l->phase == PHASE_SENDING && lane_hopeless(s, l);
}

void pump(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it;
	struct breaker_ticket ticket;
	if (!blocked(s, l)) {
		if (breaker_tick(&l->breaker, s->now.boot_us))
			breaker_note(s, l);
		breaker_items(s, l);
		if (l->c.by_state[ITEM_HELD])
			l->pump_due_us = breaker_due_us(&l->breaker);
	}
	while (!blocked(s, l) && may_fly(l) && !given_up(s, l) && (it = next_ready(s, l))) {
		int64_t wait = pace_wait_us(&l->pace, s->now.boot_us);
		if (wait > 0) {
			l->pump_due_us = wait < INT64_MAX / 2 ? s->now.boot_us + wait : INT64_MAX;
			return;
		}
		if (!may_send(s, l, it))
			continue;
		if (s->now.boot_us - it->checked_us > l->o.list_max_age_us) {
			l->phase = PHASE_CHECKING;      /* it waited too long: look again first */
			return;
		}
		if (!breaker_allow(&l->breaker, BREAKER_DELETE, s->now.boot_us, &ticket)) {
			breaker_wait(s, l, it);
			return;
		}
		if (it->tries >= 2)
			(void)retry_budget_take(&l->budget);
		pace_sent(&l->pace, s->now.boot_us);
		send(s, l, it, ticket);
	}
}

/* ---- answers ---- */

static void again_later(struct step *s, struct cycle_lane *l, struct cycle_item *it, int64_t asked_ms, const struct cycle_answer *a)
{
	enum retry_class k = (enum retry_class)it->class_;
	bool may = retry_may(&l->o.retry, k, it->tries) && (l->retry_pass || retry_in_first_pass(k));
	if (!may || s->c->aborting) {
		settle(s, it, ITEM_FAILED, a);
		return;
	}
	int64_t ms = asked_ms >= 0 ? asked_ms : backoff_ms(&l->o.retry.tier[k].wait, it->tries, &s->c->rng);
	item_set(s, it, ITEM_BACKOFF);
	due_at(l, it, s->now.boot_us + ms * 1000);
	outcome(s, it, "repeat", a);
}

static void paced(struct step *s, struct cycle_lane *l, struct cycle_item *it, const struct cycle_answer *a)
{
	int64_t ms = MIN(a->wait_ms, (int64_t)PACE_MAX_MS);
	again_later(s, l, it, ms, a);
}

static void feed_breaker(struct step *s, struct cycle_lane *l, const struct cycle_item *it, const struct cycle_answer *a)
{
	enum breaker_result r = BREAKER_GOOD;
	switch (a->kind) {
	case ANSWER_PACE:
	case ANSWER_WITHDRAWN:
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

static void feed_pace(struct step *s, struct cycle_lane *l, const struct cycle_item *it, const struct cycle_answer *a)
{
	struct pace_answer p = { .sent_us = it->sent_us, .wait_ms = MIN(a->wait_ms, (int64_t)PACE_MAX_MS), .coarse = a->wait_coarse,
		.quota = a->quota };
	switch (a->kind) {
	case ANSWER_PACE: p.refused = true; break;
	case ANSWER_DELETED:
	case ANSWER_MISSING:
	case ANSWER_ITEM_REFUSED:
	case ANSWER_REHEARSED: p.accepted = true; break;
	case ANSWER_UNCLEAR: p.accepted = a->status != 0; break;
	case ANSWER_LANE_REFUSED:
	case ANSWER_NOT_SENT:
	case ANSWER_WITHDRAWN: break;
	}
	pace_answered(&l->pace, &p, s->now.boot_us);
}

static void unclear(struct step *s, struct cycle_item *it, const struct cycle_answer *a)
{
	it->left = true;
	it->probes = 0;
	item_set(s, it, ITEM_PROBING);
	outcome(s, it, "unclear", a);
	emit(s, EFF_PROBE, it->lane, item_index(s->c, it));
}

/* That attempt says nothing about the item. */
static void untry(struct cycle_item *it) { it->tries = (uint8_t)MAX(it->tries - 1, 0); }

/* Nothing was tried: as if it had not been sent. Nothing is written ahead until an answer says again what that is good for. */
static void withdrawn(struct step *s, struct cycle_lane *l, struct cycle_item *it, const struct cycle_answer *a)
{
	untry(it);
	l->times = (struct outgoing_times){ 0 };
	if (s->c->aborting)
		item_set(s, it, it->tries ? ITEM_FAILED : ITEM_PLANNED);
	else
		item_ready(s, l, it);
	outcome(s, it, "withdrawn", a);
}

/* About the lane, not the item: its try does not count. */
static void lane_refused(struct step *s, struct cycle_lane *l, struct cycle_item *it, const struct cycle_answer *a)
{
	untry(it);
	settle(s, it, ITEM_HELD, a);
	lane_halt(s, l, a->detail && *a->detail ? a->detail : "the store refuses this account");
}

/* The request is as young as its leaving, not as its intent; the grant counts it in the minute of the intent. */
static void left_late(struct step *s, struct cycle_lane *l, struct cycle_item *it, const struct cycle_answer *a)
{
	outgoing_measured(&l->times, a->ready_us - it->sent_us, s->now.boot_us - a->sent_us);
	it->sent_us = a->sent_us;
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
	feed_pace(s, l, it, a);
	if (a->sent_us)
		left_late(s, l, it, a);
	if (a->kind != ANSWER_WITHDRAWN) {
		l->requests++;
		it->class_ = (uint8_t)a->class_;
	}
	switch (a->kind) {
	case ANSWER_DELETED: settle(s, it, ITEM_DELETED, a); break;
	case ANSWER_MISSING: settle(s, it, it->left ? ITEM_GONE : ITEM_GONE_OTHER, a); break;
	case ANSWER_UNCLEAR: unclear(s, it, a); break;
	case ANSWER_ITEM_REFUSED: settle(s, it, ITEM_REFUSED, a); break;
	case ANSWER_LANE_REFUSED: lane_refused(s, l, it, a); break;
	case ANSWER_PACE: paced(s, l, it, a); break;
	case ANSWER_NOT_SENT: again_later(s, l, it, -1, a); break;
	case ANSWER_REHEARSED: settle(s, it, ITEM_REHEARSED, a); break;
	case ANSWER_WITHDRAWN: withdrawn(s, l, it, a); break;
	}
}

/* ---- probes ---- */

/* Its attempt did nothing, and nobody knows why: no failure of the store's. It is re-validated before it is sent again. */
static void try_again(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	it->lost = false;
	it->class_ = RETRY_NONE_CLASS;
	untry(it);
	item_ready(s, l, it);
	outcome(s, it, "not done", NULL);
}

/* Its doubt has no answer behind it; what it comes to is as after a timeout. */
static void settle_doubt(struct step *s, struct cycle_item *it, enum item_state to)
{
	if (it->lost)
		it->class_ = RETRY_TIMEOUT;
	settle(s, it, to, NULL);
}

static void found_present(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	int64_t old = it->sent_us < 0 ? s->now.boot_us : it->sent_us + l->o.settle_us;
	if (s->now.boot_us >= old && it->lost && !s->c->aborting) {
		try_again(s, l, it);
		return;
	}
	if (s->now.boot_us >= old) {
		settle_doubt(s, it, ITEM_FAILED);
		return;
	}
	item_set(s, it, ITEM_SETTLING);
	due_at(l, it, old);
}

static void found_nothing_out(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	if (++it->probes >= PROBE_TRIES) {
		settle_doubt(s, it, ITEM_UNKNOWN);
		return;
	}
	item_set(s, it, ITEM_SETTLING);
	due_at(l, it, s->now.boot_us + probe_wait_us(it));
}

void clean_probed(struct step *s, const struct cycle_event *ev)
{
	static const char *const words[] = { [PRESENT] = "present", [ABSENT] = "absent", [NO_ANSWER] = "no answer" };
	struct cycle_item *it = &s->c->item[ev->item];
	struct cycle_lane *l = lane_of(s->c, it);
	if (it->state != ITEM_PROBING)
		return;
	note(s);
	jw_kz(&s->w, "found", words[ev->presence]);
	note_emit(s, AUDIT_PROBE, it->lane, ev->item);
	switch (ev->presence) {
	case ABSENT: settle(s, it, ITEM_GONE, NULL); break;
	case PRESENT: found_present(s, l, it); break;
	case NO_ANSWER: found_nothing_out(s, l, it); break;
	}
}

void breaker_reread(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (!l->breaker_read)
		return;
	l->breaker_read = false;
	if (breaker_result(&l->breaker, l->breaker_ticket, ev->presence == NO_ANSWER ? BREAKER_BAD : BREAKER_GOOD, s->now.boot_us))
		breaker_note(s, l);
}
