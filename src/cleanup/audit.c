/* AUDITING: no claim left behind, a sample re-read, the equation (SEMANTICS 2). */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

enum { SAMPLE_MAX = 50, SAMPLE_ONE_IN = 20 };

static void sample_one(struct step *s, int32_t item)
{
	s->c->item[item].reread = true;
	emit(s, EFF_REREAD, s->c->item[item].lane, item)->number = REREAD_SAMPLE;
}

/* Where most were deleted they are drawn one by one: not all of a million are looked at for fifty. */
static void draw(struct step *s, int64_t want)
{
	struct cycle *c = s->c;
	while (want > 0) {
		int32_t i = (int32_t)rng_below(&c->rng, (uint64_t)c->items);
		if (c->item[i].state != ITEM_DELETED || c->item[i].reread)
			continue;
		sample_one(s, i);
		want--;
	}
}

static void go_through(struct step *s, int64_t want, int64_t deleted)
{
	struct cycle *c = s->c;
	for (int32_t i = 0; want && i < c->items; i++)
		if (c->item[i].state == ITEM_DELETED && (int64_t)rng_below(&c->rng, (uint64_t)deleted--) < want) {
			sample_one(s, i);
			want--;
		}
}

static void sample(struct step *s)
{
	struct cycle *c = s->c;
	struct cycle_counts n;
	cycle_totals(c, &n);
	int64_t deleted = n.by_state[ITEM_DELETED], want = MIN((int64_t)SAMPLE_MAX, (deleted + SAMPLE_ONE_IN - 1) / SAMPLE_ONE_IN);
	c->sampling = want > 0;
	c->sample_left = want;
	if (2 * deleted > c->items)
		draw(s, want);
	else
		go_through(s, want, deleted);
}

static void count(struct step *s)
{
	s->c->counting = true;
	emit(s, EFF_COUNT_CLAIMS, -1, -1);
}

void audit_enter(struct step *s)
{
	s->c->claims_swept = false;
	count(s);
	if (!s->c->rehearsal)
		sample(s);
}

void audit_resume(struct step *s)
{
	struct cycle *c = s->c;
	if (c->counting || c->release_busy || c->claims_counted)
		return;
	c->claims_swept = false;
	count(s);
}

/* Claims that nobody remembers (a crash between a claim and its record): all that may carry one are
 * given back once more. */
static void sweep(struct step *s)
{
	struct cycle *c = s->c;
	c->claims_swept = true;
	for (int32_t i = 0; i < c->items; i++) {
		struct cycle_item *it = &c->item[i];
		if (it->has_row && it->row == ROW_CONFLICT) {
			it->unclaim = true;
			mark(c, it);
		} else if (it->has_row && it->row != ROW_COMMITTED && it->row != ROW_REMAPPED && it->row != ROW_CONFLICT && it->row != ROW_NONE) {
			row_set(s, it, ROW_CLAIMED);
		}
	}
	(void)release_next(s);
}

void audit_swept(struct step *s)
{
	if (s->c->held || s->c->store_failed)
		return;
	if (!release_next(s))
		count(s);
}

void audit_claims(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	if (!c->counting)
		return;
	c->counting = false;
	c->claims_left = ev->number;
	c->claims_counted = ev->number == 0;
	note(s);
	jw_kopt(&s->w, "claims_left", ev->number);
	note_emit(s, AUDIT_RECHECK, -1, -1);
	if (ev->number > 0 && !c->claims_swept && !c->held && !c->store_failed)
		sweep(s);
}

void audit_reread(struct step *s, const struct cycle_event *ev)
{
	struct cycle *c = s->c;
	if (!c->sampling || ev->item < 0 || !c->item[ev->item].reread)
		return;
	struct cycle_item *it = &c->item[ev->item];
	it->reread = false;
	if (--c->sample_left == 0)
		c->sampling = false;
	if (ev->presence != PRESENT)
		return;
	c->sample_bad++;
	it->class_ = RETRY_CONFLICTING;
	item_set(s, it, ITEM_UNKNOWN);
	note(s);
	jw_kz(&s->w, "outcome", item_state_name(ITEM_UNKNOWN));
	jw_kz(&s->w, "detail", "the store said deleted, and it is still there");
	note_outcome(s, it, item_state_name(ITEM_UNKNOWN), 0);
	if (it->row == ROW_COMMITTED)
		row_conflict(s, it, "auditing");
	else
		item_dead(s, it, "auditing", "maybe_deleted");
}

bool audit_finished(const struct cycle *c, const char **why)
{
	struct buf eq;
	if (c->counting || c->sampling || c->release_busy) {
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
