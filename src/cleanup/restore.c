/* An abort that brings back what was deleted: the saga of SEMANTICS 5. Each lane for itself, in COMMITTING,
 * after the claims on what was not deleted are given back: one list of what it holds, then one item after
 * the other, the last deleted first. One intent is at most one upload; doubt is looked up in the lane before
 * anything is repeated. A compensation is never compensated itself. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SEEK_TRIES = 3,                 /* without an answer, then an operator is asked */
	SEEK_WAIT_US = 2000000,
	PACE_MAX_MS = 15 * 60 * 1000    /* as for deletes: whatever a server asks for, it is asked again after that */
};

bool restore_due(const struct cycle *c, const struct cycle_item *it)
{
	if (it->state == ITEM_RESTORING || it->state == ITEM_SEEKING)
		return true;
	return it->restorable && c->lane[it->lane].restore && (it->state == ITEM_DELETED || it->state == ITEM_GONE);
}

/* ---- which ---- */

bool restore_wanted(const struct cycle *c)
{
	for (int i = 0; i < c->lanes; i++)
		if (c->lane[i].restore)
			return true;
	return false;
}

/* Some item of it may be restore_due(). */
static bool lane_restores(const struct cycle_lane *l)
{
	return l->restore || l->c.by_state[ITEM_RESTORING] || l->c.by_state[ITEM_SEEKING];
}

bool restore_any(const struct cycle *c)
{
	for (int i = 0; i < c->lanes; i++)
		if (lane_restores(&c->lane[i]))
			return true;
	return false;
}

static bool left(const struct cycle_lane *l) { return l->in_hand || l->order_at < l->order_n; }

bool restore_left(const struct cycle *c)
{
	if (c->stage != STAGE_COMMITTING)
		return false;
	for (int i = 0; i < c->lanes; i++)
		if (left(&c->lane[i]))
			return true;
	return false;
}

static bool out(const struct cycle_lane *l) { return l->basing || l->uploading || l->seeking; }

bool restore_working(const struct cycle *c)
{
	for (int i = 0; c->stage == STAGE_COMMITTING && i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (out(l) || (left(l) && !c->held && !c->store_failed))
			return true;
	}
	return false;
}

int64_t restore_due_us(const struct cycle *c)
{
	int64_t due = INT64_MAX;
	for (int i = 0; !c->held && !c->store_failed && !c->release_busy && !c->relisting && i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (left(l) && !out(l))
			due = MIN(due, l->in_hand ? l->restore_due_us : 0);
	}
	return due;
}

bool cycle_restored(const struct cycle *c, struct buf *out_)
{
	int64_t done = 0, all = 0, not_ = 0;
	bool any = restore_wanted(c);
	for (int i = 0; !any && i < c->lanes; i++)
		any = c->lane[i].c.by_state[ITEM_RESTORED] > 0;
	if (!any)
		return false;
	for (int32_t i = 0; i < c->items; i++) {
		const struct cycle_item *it = &c->item[i];
		bool back = it->state == ITEM_RESTORED, due = restore_due(c, it);
		bool gone = back || due || item_deleted((enum item_state)it->state);
		all += gone && c->lane[it->lane].phase == PHASE_ABORTED;
		done += back;
		not_ += gone && !back && !due && c->lane[it->lane].phase == PHASE_ABORTED;
	}
	if (!done && !all)
		return false;
	buf_addf(out_, "restored %" PRId64 " of %" PRId64, done, all);
	if (not_)
		buf_addf(out_, "; %" PRId64 " cannot be restored", not_);
	return true;
}

/* In doubt first; then the last deleted first. */
struct place { int64_t at; int32_t item; };

static int later_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? 1 : -1;
	return x->item < y->item ? 1 : -1;
}

/* What a restart forgot about its end is ordered by its send, before all that this process saw end. */
static int64_t place_of(struct now now, const struct cycle_item *it)
{
	if (it->state == ITEM_RESTORING || it->state == ITEM_SEEKING)
		return INT64_MAX;
	return it->done_us >= 0 ? it->done_us : MIN(it->sent_wall_us - now.wall_us, 0) + INT64_MIN / 2;
}

static void line_up(struct step *s, struct cycle_lane *l)
{
	struct cycle *c = s->c;
	const int32_t end = l->first + l->planned;
	struct place *p = xcalloc(lane_restores(l) ? (size_t)l->planned + 1 : 1, sizeof *p);
	restore_free(l);
	for (int32_t i = lane_restores(l) ? l->first : end; (i = next_marked(c, i, end, MARK_BACK)) < end; i++)
		if (restore_due(c, &c->item[i]))
			p[l->order_n++] = (struct place){ place_of(s->now, &c->item[i]), i };
	qsort(p, (size_t)l->order_n, sizeof *p, later_first);
	l->order = xcalloc((size_t)l->order_n + 1, sizeof *l->order);
	for (int32_t k = 0; k < l->order_n; k++)
		l->order[k] = p[k].item;
	free(p);
}

void restore_free(struct cycle_lane *l)
{
	free(l->order);
	l->order = NULL;
	l->order_n = l->order_at = 0;
	l->in_hand = NULL;
}

void restore_enter(struct step *s)
{
	for (int i = 0; i < s->c->lanes; i++)
		if (s->c->lane[i].planned)
			line_up(s, &s->c->lane[i]);
}

/* ---- outcomes ---- */

static void let_go(struct cycle_lane *l) { l->in_hand = NULL; }

static void outcome(struct step *s, const struct cycle_item *it, const char *what, const char *detail, const char *new_id)
{
	note(s);
	jw_kz(&s->w, "outcome", what);
	jw_ki64(&s->w, "attempt", it->tries);
	if (it->class_)
		jw_kz(&s->w, "class", retry_class_name((enum retry_class)it->class_));
	if (new_id)
		jw_kz(&s->w, "new_id", new_id);
	if (detail && *detail)
		jw_kz(&s->w, "detail", detail);
	note_emit(s, AUDIT_COMPENSATION_OUTCOME, it->lane, item_index(s->c, it));
}

static void restored(struct step *s, struct cycle_lane *l, struct cycle_item *it, const char *new_id, const char *how)
{
	it->class_ = RETRY_NONE_CLASS;
	item_set(s, it, ITEM_RESTORED);
	outcome(s, it, how, NULL, new_id);
	struct effect *e = emit(s, EFF_NEW_ID, it->lane, item_index(s->c, it));
	e->text = xstrdup(new_id);
	l->restore_streak = 0;
	let_go(l);
}

static void lost(struct step *s, struct cycle_lane *l, struct cycle_item *it, const char *belief, const char *detail)
{
	char why[200];
	item_set(s, it, ITEM_UNRESTORED);
	outcome(s, it, belief, detail, NULL);
	item_dead(s, it, "restoring", belief);
	let_go(l);
	if (++l->restore_streak < CYCLE_STREAK)
		return;
	l->restore_streak = 0;
	snprintf(why, sizeof why, "%d items of %s one after the other could not be restored: %.110s", CYCLE_STREAK, l->o.name,
		 detail ? detail : "");
	hold(s, why);
}

static void wait_us(struct step *s, struct cycle_lane *l, int64_t us) { l->restore_due_us = s->now.boot_us + us; }

/* Another upload, if its tier and the shared budget have one left. */
static void again(struct step *s, struct cycle_lane *l, struct cycle_item *it, int64_t asked_ms, const char *detail)
{
	enum retry_class k = (enum retry_class)it->class_;
	bool fresh = k == RETRY_NONE_CLASS;     /* an upload that a restart forgot: no failure of the store's */
	if (!fresh && (!retry_may(&l->o.retry, k, it->tries) || (it->tries >= 2 && !retry_budget_take(&l->budget)))) {
		lost(s, l, it, "not_restored", detail);
		return;
	}
	int64_t ms = fresh ? 0 : asked_ms >= 0 ? asked_ms : backoff_ms(&l->o.retry.tier[k].wait, it->tries, &s->c->rng);
	item_set(s, it, ITEM_RESTORING);
	outcome(s, it, "repeat", detail, NULL);
	wait_us(s, l, ms * 1000);
}

/* ---- stopping ---- */

static bool not_begun(const struct cycle_item *it) { return it->state == ITEM_DELETED || it->state == ITEM_GONE; }

/* In hand, and known not to be uploaded. */
static bool waits(const struct cycle_lane *l) { return l->in_hand && !l->uploading && l->in_hand->state != ITEM_SEEKING; }

bool restore_may_stop(const struct cycle *c)
{
	for (int i = 0; c->stage == STAGE_COMMITTING && i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (waits(l) || (l->order_at < l->order_n && not_begun(&c->item[l->order[l->order_n - 1]])))
			return true;
	}
	return false;
}

/* What may have been uploaded still comes to its end. */
void restore_stop(struct step *s)
{
	struct cycle *c = s->c;
	c->held &= c->store_failed;     /* a log that cannot be written holds on */
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		l->restore = false;
		l->restore_streak = 0;
		while (l->order_n > l->order_at && not_begun(&c->item[l->order[l->order_n - 1]]))
			l->order_n--;
		if (waits(l) && not_begun(l->in_hand))
			let_go(l);
		else if (waits(l))
			lost(s, l, l->in_hand, "not_restored", "the operator keeps what is not restored yet");
	}
	c->abort_restore = false;
	c->run = RUN_NONE;
	emit(s, EFF_CYCLE, -1, -1);
	commit_resume(s);
}

/* ---- going on ---- */

static void take(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = &s->c->item[l->order[l->order_at++]];
	l->in_hand = it;
	it->tries = it->probes = 0;
	it->class_ = RETRY_NONE_CLASS;
	l->restore_due_us = 0;
	if (not_begun(it))
		return;
	/* as young as the wall clock says: a store that acts late is given its time */
	int64_t age = it->sent_wall_us < 0 ? l->o.settle_us : MAX(s->now.wall_us - it->sent_wall_us, 0);
	item_set(s, it, ITEM_SEEKING);
	wait_us(s, l, MAX(l->o.settle_us - age, 0));
}

static void upload(struct step *s, struct cycle_lane *l, struct cycle_item *it)
{
	int64_t wait = pace_wait_us(&l->pace, s->now.boot_us);
	if (wait > 0) {
		wait_us(s, l, MIN(wait, (int64_t)PACE_MAX_MS * 1000));
		return;
	}
	l->budget.first_attempts += it->tries == 0;
	it->tries = (uint8_t)MIN(it->tries + 1, (int)UINT8_MAX);
	it->sent_us = s->now.boot_us;
	it->sent_wall_us = s->now.wall_us;
	l->uploading = true;
	pace_sent(&l->pace, s->now.boot_us);
	item_set(s, it, ITEM_RESTORING);
	note(s);
	jw_ki64(&s->w, "attempt", it->tries);
	note_emit(s, AUDIT_COMPENSATION_INTENT, it->lane, item_index(s->c, it));
	emit(s, EFF_RESTORE, it->lane, item_index(s->c, it));
}

static void lane_go(struct step *s, struct cycle_lane *l)
{
	if (out(l) || !left(l))
		return;
	if (!l->based) {
		l->basing = true;
		emit(s, EFF_BASELINE, lane_index(s->c, l), -1);
		return;
	}
	if (!l->in_hand)
		take(s, l);
	if (s->now.boot_us < l->restore_due_us)
		return;
	if (l->in_hand->state == ITEM_SEEKING) {
		l->seeking = true;
		emit(s, EFF_SEEK, lane_index(s->c, l), item_index(s->c, l->in_hand));
	} else {
		upload(s, l, l->in_hand);
	}
}

void restore_go(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++) {
		if (c->held || c->store_failed || c->relisting || c->release_busy || !c->undeleted_free)
			return;
		lane_go(s, &c->lane[i]);
	}
}

/* ---- answers ---- */

void restore_based(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	char why[200];
	if (!l->basing)
		return;
	l->basing = false;
	l->based = ev->ok;
	note(s);
	jw_kbool(&s->w, "complete", ev->ok);
	jw_ki64(&s->w, "to_restore", l->order_n - l->order_at);
	jw_ki64(&s->w, "alike", ev->number);
	jw_kz(&s->w, "detail", ev->text);
	note_emit(s, AUDIT_COMPENSATION_BASELINE, ev->lane, -1);
	emit(s, EFF_CYCLE, -1, -1);
	if (ev->ok)
		return;
	snprintf(why, sizeof why, "nothing can be restored to %s yet: %.140s", l->o.name, ev->text ? ev->text : "");
	hold(s, why);
}

static void feed_pace(struct step *s, struct cycle_lane *l, const struct cycle_item *it, const struct cycle_event *ev)
{
	struct pace_answer p = { .sent_us = it->sent_us, .wait_ms = MIN(ev->answer.wait_ms, (int64_t)PACE_MAX_MS),
		.coarse = ev->answer.wait_coarse, .quota = ev->answer.quota };
	p.refused = ev->number == RESTORE_RETRY && ev->answer.class_ == RETRY_RATE_LIMIT;
	p.accepted = ev->number == RESTORE_DONE || ev->number == RESTORE_REFUSED;
	pace_answered(&l->pace, &p, s->now.boot_us);
}

/* That upload says nothing about the item. */
static void not_tried(struct step *s, struct cycle_lane *l, struct cycle_item *it, const char *what, const char *detail)
{
	it->tries = (uint8_t)MAX(it->tries - 1, 0);
	outcome(s, it, what, detail, NULL);
	l->restore_due_us = 0;
}

void restore_answered(struct step *s, const struct cycle_event *ev)
{
	struct cycle_item *it = &s->c->item[ev->item];
	struct cycle_lane *l = lane_of(s->c, it);
	if (!l->uploading || l->in_hand != it)
		return;
	l->uploading = false;
	feed_pace(s, l, it, ev);
	if (ev->number != RESTORE_WITHDRAWN)
		it->class_ = (uint8_t)ev->answer.class_;
	switch ((enum restore_result)ev->number) {
	case RESTORE_DONE: restored(s, l, it, ev->text, "restored"); break;
	case RESTORE_REFUSED: lost(s, l, it, "not_restored", ev->text); break;
	case RESTORE_RETRY: again(s, l, it, MIN(ev->answer.wait_ms, (int64_t)PACE_MAX_MS), ev->text); break;
	case RESTORE_WITHDRAWN: not_tried(s, l, it, "withdrawn", ev->text); break;
	case RESTORE_LANE:
		not_tried(s, l, it, "held", ev->text);
		hold(s, ev->text && *ev->text ? ev->text : "the store takes no uploads");
		break;
	case RESTORE_UNCLEAR:
		it->probes = 0;
		item_set(s, it, ITEM_SEEKING);
		outcome(s, it, "unclear", ev->text, NULL);
		wait_us(s, l, l->o.settle_us);
		break;
	}
	commit_resume(s);
}

static void found_nothing_out(struct step *s, struct cycle_lane *l, struct cycle_item *it, const char *text)
{
	char why[200];
	wait_us(s, l, (int64_t)SEEK_WAIT_US << (2 * it->probes));
	if (++it->probes < SEEK_TRIES)
		return;
	it->probes = 0;
	l->restore_due_us = 0;
	snprintf(why, sizeof why, "nobody can tell whether an upload to %s happened: %.120s", l->o.name, text ? text : "");
	hold(s, why);
}

void restore_sought(struct step *s, const struct cycle_event *ev)
{
	struct cycle_item *it = &s->c->item[ev->item];
	struct cycle_lane *l = lane_of(s->c, it);
	if (!l->seeking || l->in_hand != it)
		return;
	l->seeking = false;
	note(s);
	jw_kopt(&s->w, "copies", ev->number);
	note_emit(s, AUDIT_PROBE, it->lane, ev->item);
	if (ev->number < 0)
		found_nothing_out(s, l, it, ev->text);
	else if (ev->number == 0)
		again(s, l, it, -1, "its upload did not happen");
	else if (ev->number == 1)
		restored(s, l, it, ev->text, "restored, adopted");
	else
		lost(s, l, it, "maybe_restored_twice", "several files may be it");
	commit_resume(s);
}
