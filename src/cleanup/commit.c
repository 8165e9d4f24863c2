/* COMMITTING: rows after their files, claims given back. AUDITING: nothing left behind, a sample
 * re-read, the equation. Rules: SEMANTICS 2, 5. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_PER_CALL = 500, SAMPLE_MAX = 50, SAMPLE_ONE_IN = 20 };

/* ---- rows ---- */

static bool row_due(const struct cycle *c, const struct cycle_item *it)
{
	const struct cycle_lane *l = &c->lane[it->lane];
	if (!it->has_row || it->row == ROW_COMMITTED || it->row == ROW_CONFLICT)
		return false;
	return item_deleted(it->state) || (it->state == ITEM_GONE_OTHER && l->relisted && it->reread);
}

/* One call for up to ROWS_PER_CALL rows, starting at item `from`; the next one follows its answer. */
static void rows_from(struct step *s, int32_t from)
{
	struct cycle *c = s->c;
	int32_t n = 0, i;
	for (i = from; i < c->items && n < ROWS_PER_CALL; i++) {
		struct cycle_item *it = &c->item[i];
		if (!row_due(c, it))
			continue;
		n++;
		row_set(s, it, ROW_INTENT);
		note(s);
		jw_kz(&s->w, "after", item_state_name(it->state));
		note_emit(s, AUDIT_ROW_INTENT, it->lane, i);
	}
	if (!n)
		return;
	c->rows_busy = n;
	struct effect *e = emit(s, EFF_COMMIT_ROWS, -1, -1);
	e->from = from;
	e->to = i;
	e->text = xstrdup(c->aborting ? "aborted" : "expired");
}

/* While cleaning only what was never asked for; a claim whose answer is missing may be there. */
bool cycle_claim_to_release(const struct cycle *c, const struct cycle_item *it)
{
	if (!it->has_row)
		return false;
	if (c->stage == STAGE_CLEANING)
		return it->row == ROW_CLAIMED && it->state == ITEM_PLANNED;
	if (it->row != ROW_CLAIMED)
		return it->state == ITEM_CLAIMING;
	return !item_deleted(it->state) && it->state != ITEM_GONE_OTHER;
}

static void release_from(struct step *s, int32_t from)
{
	struct cycle *c = s->c;
	int32_t n = 0, i;
	for (i = from; i < c->items && n < ROWS_PER_CALL; i++)
		n += cycle_claim_to_release(c, &c->item[i]);
	if (!n)
		return;
	c->release_busy = n;
	note(s);
	jw_ki64(&s->w, "rows", n);
	note_emit(s, AUDIT_CLAIM_RELEASE, -1, -1);
	struct effect *e = emit(s, EFF_RELEASE, -1, -1);
	e->from = from;
	e->to = i;
}

void commit_release(struct step *s)
{
	if (!s->c->release_busy)
		release_from(s, 0);
}

static void count_due(struct cycle *c)
{
	c->rows_todo = 0;
	for (int32_t i = 0; i < c->items; i++)
		c->rows_todo += row_due(c, &c->item[i]);
}

static void work_on(struct step *s)
{
	struct cycle *c = s->c;
	if (c->relisting || c->rows_busy || c->release_busy)
		return;
	count_due(c);
	rows_from(s, 0);
	if (!c->rows_busy)
		release_from(s, 0);
}

void commit_enter(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		bool need = false;
		for (int32_t k = l->first; k < l->first + l->planned; k++)
			need |= c->item[k].state == ITEM_GONE_OTHER && c->item[k].has_row;
		if (!need)
			continue;
		c->relisting++;
		emit(s, EFF_RELIST, i, -1);
	}
	work_on(s);
}

/* A complete list decides whether what was gone before we asked is really gone. */
void commit_relisted(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	struct cycle_lane *l = &c->lane[ev->lane];
	size_t k = 0;
	if (!c->relisting)
		return;
	c->relisting--;
	l->relisted = true;
	for (int32_t i = l->first; i < l->first + l->planned; i++) {
		struct cycle_item *it = &c->item[i];
		if (it->state != ITEM_GONE_OTHER)
			continue;
		it->reread = ev->ok && k < ev->n && ev->results[k] == ABSENT;
		k++;
		if (!it->reread && it->row == ROW_CLAIMED)
			row_set(s, it, ROW_CLAIMED);
	}
	note(s);
	jw_kbool(&s->w, "complete", ev->ok);
	jw_ki64(&s->w, "gone_other", (int64_t)k);
	jw_kz(&s->w, "detail", ev->text);
	note_emit(s, AUDIT_RECHECK, ev->lane, -1);
	work_on(s);
}

static void row_conflict(struct step *s, struct cycle_item *it)
{
	row_set(s, it, ROW_CONFLICT);
	if (it->dead)
		return;
	it->dead = true;
	struct effect *e = emit(s, EFF_DEAD, it->lane, item_index(s->c, it));
	e->word = "committing";
	e->text = xstrdup("row_conflict");
	note(s);
	jw_kz(&s->w, "phase", "committing");
	jw_kz(&s->w, "belief", "row_conflict");
	note_emit(s, AUDIT_DEAD_LETTER, it->lane, item_index(s->c, it));
}

static enum row_state row_outcome(enum claim_result r)
{
	switch (r) {
	case CLAIM_DONE:
	case CLAIM_REHEARSED: return ROW_COMMITTED;
	case CLAIM_NO_ROW: return ROW_NONE;
	case CLAIM_UNCLAIMED:
	case CLAIM_REFERENCED:
	case CLAIM_CHANGED: return ROW_CONFLICT;
	case CLAIM_FAILED: break;
	}
	return ROW_INTENT;
}

void commit_rows(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	int64_t failed = 0;
	if (!c->rows_busy)
		return;
	c->rows_busy = 0;
	for (size_t i = 0; i < ev->n; i++) {
		struct cycle_item *it = &c->item[ev->items[i]];
		enum row_state to = row_outcome(ev->results[i]);
		if (to == ROW_INTENT) {
			failed++;
			continue;
		}
		if (to == ROW_CONFLICT) {
			row_conflict(s, it);
		} else {
			row_set(s, it, to);
			if (to == ROW_NONE)
				it->has_row = false;
		}
		note(s);
		jw_kz(&s->w, "row", row_state_name(to));
		note_emit(s, AUDIT_ROW_OUTCOME, it->lane, ev->items[i]);
	}
	if (failed) {
		c->held = true;
		snprintf(c->held_why, sizeof c->held_why, "%" PRId64 " rows could not be written: %.120s", failed, ev->text ? ev->text : "");
		note_why(s, AUDIT_HOLD, -1, c->held_why);
		return;
	}
	work_on(s);
}

void commit_released(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	int64_t failed = 0;
	if (!c->release_busy)
		return;
	c->release_busy = 0;
	for (size_t i = 0; i < ev->n; i++) {
		struct cycle_item *it = &c->item[ev->items[i]];
		failed += ev->results[i] == CLAIM_FAILED;
		if (ev->results[i] != CLAIM_FAILED)
			row_set(s, it, ROW_RELEASED);
	}
	if (failed) {
		c->held = true;
		snprintf(c->held_why, sizeof c->held_why, "%" PRId64 " claims could not be given back: %.120s", failed, ev->text ? ev->text : "");
		note_why(s, AUDIT_HOLD, -1, c->held_why);
		return;
	}
	if (c->stage == STAGE_CLEANING)
		release_from(s, 0);
	else
		work_on(s);
}

void commit_resume(struct step *s)
{
	work_on(s);
}

bool commit_finished(const struct cycle *c, const char **why)
{
	if (c->relisting || c->rows_busy || c->release_busy) {
		*why = "rows are being written";
		return false;
	}
	for (int32_t i = 0; i < c->items; i++) {
		const struct cycle_item *it = &c->item[i];
		if (it->row == ROW_INTENT || row_due(c, it)) {
			*why = "rows are left to write: resume";
			return false;
		}
		if (cycle_claim_to_release(c, it)) {
			*why = "claims are left to give back: resume";
			return false;
		}
	}
	return true;
}

/* ---- auditing ---- */

static void sample(struct step *s)
{
	struct cycle *c = s->c;
	int64_t deleted = 0, want;
	for (int32_t i = 0; i < c->items; i++)
		deleted += c->item[i].state == ITEM_DELETED;
	want = MIN((int64_t)SAMPLE_MAX, (deleted + SAMPLE_ONE_IN - 1) / SAMPLE_ONE_IN);
	c->sampling = want > 0;
	c->sample_left = want;
	for (int32_t i = 0; i < c->items && want && deleted; i++) {
		struct cycle_item *it = &c->item[i];
		it->reread = false;
		if (it->state != ITEM_DELETED)
			continue;
		if ((int64_t)rng_below(&c->rng, (uint64_t)deleted--) < want) {
			want--;
			emit(s, EFF_REREAD, it->lane, i);
		}
	}
}

void audit_enter(struct step *s)
{
	s->c->counting = true;
	emit(s, EFF_COUNT_CLAIMS, -1, -1);
	if (!s->c->rehearsal && !s->c->sampling)
		sample(s);
}

void audit_claims(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	c->counting = false;
	c->claims_left = ev->number;
	c->claims_counted = ev->number == 0;
	note(s);
	jw_kopt(&s->w, "claims_left", ev->number);
	note_emit(s, AUDIT_RECHECK, -1, -1);
}

void audit_reread(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	if (!c->sampling || ev->item < 0)
		return;
	if (--c->sample_left == 0)
		c->sampling = false;
	if (ev->presence != PRESENT)
		return;
	struct cycle_item *it = &c->item[ev->item];
	c->sample_bad++;
	it->class_ = RETRY_CONFLICTING;
	item_set(s, it, ITEM_UNKNOWN);
	note(s);
	jw_kz(&s->w, "outcome", "unknown");
	jw_kz(&s->w, "detail", "the store said deleted, and it is still there");
	note_emit(s, AUDIT_OUTCOME, it->lane, ev->item);
	if (it->row == ROW_COMMITTED)
		row_conflict(s, it);
}

bool audit_finished(const struct cycle *c, const char **why)
{
	struct buf eq;
	if (c->counting || c->sampling) {
		*why = "the sample is being re-read";
		return false;
	}
	if (!c->claims_counted) {
		*why = c->claims_left > 0 ? "claims of this cycle are left in the records: resume to count again"
					  : "the records do not say whether claims are left: resume to ask again";
		return false;
	}
	buf_init(&eq);
	bool ok = cycle_equation(c, &eq);
	buf_done(&eq);
	if (!ok)
		*why = "the numbers do not add up";
	return ok;
}

enum cycle_end commit_end(const struct cycle *c)
{
	struct cycle_counts n;
	int active = 0, aborted = 0;
	int64_t conflicts = 0;
	cycle_totals(c, &n);
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded || !l->planned)
			continue;
		active++;
		aborted += l->phase == PHASE_ABORTED;
	}
	for (int32_t i = 0; i < c->items; i++)
		conflicts += c->item[i].row == ROW_CONFLICT;
	if (aborted && aborted == active)
		return c->abort_restore ? END_ABORTED_RESTORED : END_ABORTED_KEPT;
	int64_t bad = n.by_state[ITEM_FAILED] + n.by_state[ITEM_UNKNOWN] + n.by_state[ITEM_REFUSED] + n.by_state[ITEM_HELD];
	return aborted || bad || conflicts ? END_COMPLETED_WITH_FAILURES : END_COMPLETED;
}
