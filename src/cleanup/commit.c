/* COMMITTING: rows after their files, claims given back. Rules: SEMANTICS 2, 5. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_PER_CALL = 500 };

/* ---- rows ---- */

static bool row_due(const struct cycle *c, const struct cycle_item *it)
{
	if (it->row == ROW_INTENT)
		return true;    /* its file was gone when the intent was written */
	if (!it->has_row || it->row == ROW_COMMITTED || it->row == ROW_REMAPPED || it->row == ROW_CONFLICT || it->row == ROW_NONE)
		return false;
	if (restore_due(c, it))
		return false;
	return item_deleted(it->state) || it->state == ITEM_RESTORED || (it->state == ITEM_GONE_OTHER && it->confirmed);
}

static const char *const REMAP = "restored";

static const char *reason_of(const struct cycle *c, const struct cycle_item *it)
{
	if (it->state == ITEM_RESTORED)
		return REMAP;
	return c->aborting || c->lane[it->lane].phase == PHASE_ABORTED ? "aborted" : "expired";
}

/* One call for up to ROWS_PER_CALL rows with one reason; the next one follows its answer. */
static bool rows_next(struct step *s)
{
	struct cycle *c = s->c;
	const char *reason = NULL;
	int32_t n = 0, from = 0, to = 0;
	for (int32_t i = -1; n < ROWS_PER_CALL && (i = next_marked(c, i + 1, c->items, MARK_ROW)) < c->items;) {
		struct cycle_item *it = &c->item[i];
		if (!row_due(c, it))
			continue;
		if (reason && strcmp(reason, reason_of(c, it)))
			break;
		reason = reason_of(c, it);
		from = n++ ? from : i;
		to = i + 1;
		row_set(s, it, ROW_INTENT);
		note(s);
		jw_kz(&s->w, "after", item_state_name((enum item_state)it->state));
		note_emit(s, AUDIT_ROW_INTENT, it->lane, i);
	}
	if (!n)
		return false;
	c->rows_busy = n;
	struct effect *e = emit(s, reason == REMAP ? EFF_REMAP_ROWS : EFF_COMMIT_ROWS, -1, -1);
	e->from = from;
	e->to = to;
	e->text = xstrdup(reason);
	return true;
}

/* A file that had no row when it was claimed had nothing to claim, so nobody was kept from making one. */
bool item_look_due(const struct cycle_item *it)
{
	return !it->has_row && it->row == ROW_NONE && !it->looked && (item_deleted((enum item_state)it->state) || it->state == ITEM_RESTORED);
}

static bool look_next(struct step *s)
{
	struct cycle *c = s->c;
	int32_t n = 0, from = 0, i = c->look_at;
	for (; n < ROWS_PER_CALL && (i = next_marked(c, i, c->items, MARK_LOOK)) < c->items; i++)
		from = n++ ? from : i;
	c->look_at = i;
	if (!n)
		return false;
	c->rows_busy = n;
	struct effect *e = emit(s, EFF_LOOK_ROWS, -1, -1);
	e->from = from;
	e->to = i;
	return true;
}

/* ---- claims ---- */

/* Before COMMITTING only what went back to the plan is known not to be deleted. */
static bool release_due(const struct cycle *c, const struct cycle_item *it)
{
	if (it->row != ROW_CLAIMED && it->row != ROW_RELEASING)
		return it->unclaim;
	return c->stage >= STAGE_COMMITTING ? !row_due(c, it) && !restore_due(c, it) : it->state == ITEM_PLANNED;
}

bool release_next(struct step *s)
{
	struct cycle *c = s->c;
	int32_t n = 0, from = 0, to = 0;
	for (int32_t i = -1; n < ROWS_PER_CALL && (i = next_marked(c, i + 1, c->items, MARK_CLAIM)) < c->items;) {
		if (!release_due(c, &c->item[i]))
			continue;
		from = n++ ? from : i;
		to = i + 1;
		if (!c->item[i].unclaim)
			row_set(s, &c->item[i], ROW_RELEASING);
	}
	if (!n)
		return false;
	c->release_busy = n;
	note(s);
	jw_ki64(&s->w, "rows", n);
	note_emit(s, AUDIT_CLAIM_RELEASE, -1, -1);
	struct effect *e = emit(s, EFF_RELEASE, -1, -1);
	e->from = from;
	e->to = to;
	return true;
}

/* ---- the stage ---- */

/* Aborting gives claims back first, then brings back what it can, then commits what is gone all the same. */
static void work_on(struct step *s)
{
	struct cycle *c = s->c;
	bool back = c->aborting || restore_wanted(c);
	if (c->relisting || c->rows_busy || c->release_busy || c->held || c->store_failed || (back && release_next(s)))
		return;
	c->undeleted_free = true;
	if (rows_next(s) || (!restore_left(c) && look_next(s)) || back)
		return;
	(void)release_next(s);
}

void commit_enter(struct step *s)
{
	struct cycle *c = s->c;
	for (int i = 0; i < c->lanes; i++) {
		struct cycle_lane *l = &c->lane[i];
		bool need = false;
		for (int32_t k = l->first; l->c.by_state[ITEM_GONE_OTHER] && k < l->first + l->planned; k++)
			need |= c->item[k].state == ITEM_GONE_OTHER && c->item[k].has_row;
		if (!need)
			continue;
		c->relisting++;
		emit(s, EFF_RELIST, i, -1);
	}
	restore_enter(s);
	work_on(s);
}

/* A complete list decides whether what was gone before we asked is really gone. */
void commit_relisted(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	struct cycle_lane *l = &c->lane[ev->lane];
	size_t k = 0;
	if (!c->relisting || l->relisted)
		return;
	c->relisting--;
	l->relisted = true;
	for (int32_t i = l->first; i < l->first + l->planned; i++) {
		struct cycle_item *it = &c->item[i];
		if (it->state != ITEM_GONE_OTHER)
			continue;
		it->confirmed = ev->ok && k < ev->n && ev->results[k] == ABSENT;
		k++;
	}
	note(s);
	jw_kbool(&s->w, "complete", ev->ok);
	jw_ki64(&s->w, "gone_other", (int64_t)k);
	jw_kz(&s->w, "detail", ev->text);
	note_emit(s, AUDIT_RECHECK, ev->lane, -1);
	work_on(s);
}

void row_conflict(struct step *s, struct cycle_item *it, const char *phase)
{
	row_set(s, it, ROW_CONFLICT);
	it->unclaim = it->has_row && s->c->stage == STAGE_COMMITTING;
	mark(s->c, it);
	item_dead(s, it, phase, "row_conflict");
}

static enum row_state row_outcome(const struct cycle_item *it, enum claim_result r)
{
	switch (r) {
	case CLAIM_DONE:
	case CLAIM_REHEARSED: return it->state == ITEM_RESTORED ? ROW_REMAPPED : ROW_COMMITTED;
	case CLAIM_NO_ROW: return ROW_NONE;
	case CLAIM_UNCLAIMED:
	case CLAIM_REFERENCED:
	case CLAIM_CHANGED: return ROW_CONFLICT;
	case CLAIM_FAILED: break;
	}
	return ROW_INTENT;
}

static void could_not(struct step *s, int64_t n, const char *what, const char *text)
{
	char why[200];
	snprintf(why, sizeof why, "%" PRId64 " %s: %.120s", n, what, text ? text : "");
	hold(s, why);
}

/* Nothing was changed, so only what was found is worth a record. */
static bool looked_up(struct cycle *c, int32_t item, enum row_state found)
{
	struct cycle_item *it = &c->item[item];
	if (it->has_row || it->row != ROW_NONE)
		return false;
	it->looked = found != ROW_INTENT;
	mark(c, it);
	if (!it->looked)
		c->look_at = MIN(c->look_at, item);
	return found == ROW_NONE;
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
		enum row_state to = row_outcome(it, ev->results[i]);
		if (looked_up(c, ev->items[i], to))
			continue;
		if (to == ROW_INTENT) {
			failed++;
			continue;
		}
		if (to == ROW_CONFLICT)
			row_conflict(s, it, "committing");
		else
			row_set(s, it, to);
		note(s);
		jw_kz(&s->w, "row", row_state_name(to));
		note_emit(s, AUDIT_ROW_OUTCOME, it->lane, ev->items[i]);
	}
	if (failed)
		could_not(s, failed, "rows could not be written", ev->text);
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
		it->unclaim &= ev->results[i] == CLAIM_FAILED;
		mark(c, it);
		if (ev->results[i] != CLAIM_FAILED && it->row == ROW_RELEASING)
			row_set(s, it, ROW_RELEASED);
	}
	if (failed && c->stage >= STAGE_COMMITTING)
		could_not(s, failed, "claims could not be given back", ev->text);
	if (c->stage == STAGE_COMMITTING)
		work_on(s);
	else if (c->stage == STAGE_AUDITING)
		audit_swept(s);
	else if (!failed)
		(void)release_next(s);
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
	unsigned which = MARK_ROW | MARK_LOOK | MARK_CLAIM | (restore_any(c) ? MARK_BACK : 0);
	for (int32_t i = -1; (i = next_marked(c, i + 1, c->items, which)) < c->items;) {
		if (restore_due(c, &c->item[i])) {
			*why = "items are left to restore: resume";
			return false;
		}
		if (row_due(c, &c->item[i]) || item_look_due(&c->item[i])) {
			*why = "rows are left to write: resume";
			return false;
		}
		if (release_due(c, &c->item[i])) {
			*why = "claims are left to give back: resume";
			return false;
		}
	}
	return true;
}

enum cycle_end commit_end(const struct cycle *c)
{
	struct cycle_counts n;
	int active = 0, aborted = 0;
	int64_t conflicts = marked(c, MARK_CONFLICT);
	const int64_t *b = n.by_state;
	cycle_totals(c, &n);
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		if (l->excluded || !l->planned)
			continue;
		active++;
		aborted += l->phase == PHASE_ABORTED;
	}
	if (c->ending)
		return c->ending;
	bool back = c->abort_restore || restore_wanted(c) || b[ITEM_RESTORED];
	if (aborted && aborted == active && !back)
		return END_ABORTED_KEPT;
	if (aborted && aborted == active)       /* what was in flight when it aborted may have been deleted since */
		return b[ITEM_DELETED] + b[ITEM_GONE] + b[ITEM_UNKNOWN] + b[ITEM_UNRESTORED] + conflicts ? END_ABORTED_PARTLY_RESTORED
													 : END_ABORTED_RESTORED;
	int64_t bad = b[ITEM_FAILED] + b[ITEM_UNKNOWN] + b[ITEM_REFUSED] + b[ITEM_HELD];
	return aborted || bad || conflicts ? END_COMPLETED_WITH_FAILURES : END_COMPLETED;
}
