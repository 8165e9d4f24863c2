/* The gate canary → ramp (SEMANTICS 2): what was deleted is gone, what must stay is there. */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

enum {
	CANARY_WAIT_US = 30000000,      /* a deleted item may be visible that long */
	REREAD_WAIT_US = 1000000
};

static bool batch_has_delete(const struct cycle *c, const struct cycle_lane *l)
{
	const struct cycle_item *it = c->item + l->first;
	for (int32_t r = l->batch_from; r < l->batch_to; r++)
		if (it[r].state == ITEM_DELETED)
			return true;
	return false;
}

/* Ask for everything that has not answered as it should. */
static void ask(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	int lane = lane_index(s->c, l);
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		if (!it[r].reread)
			continue;
		l->waiting_reads++;
		emit(s, EFF_REREAD, lane, item_index(s->c, &it[r]))->number = REREAD_CANARY;
	}
	for (int k = 0; k < l->control_n; k++) {
		if (l->control[k] != CONTROL_UNKNOWN)
			continue;
		l->waiting_reads++;
		emit(s, EFF_REREAD, lane, -1 - k)->number = REREAD_CANARY;
	}
}

void canary_begin(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	if (!batch_has_delete(s->c, l)) {
		if (l->batch_to < l->n)
			lane_halt(s, l, "the canary deleted nothing");
		batch_settled(s, l);
		return;
	}
	l->phase = PHASE_CANARY_CHECK;
	l->canary_until_us = s->now.boot_us + CANARY_WAIT_US;
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		it[r].reread = it[r].state == ITEM_DELETED;
		it[r].present = false;
	}
	l->control_asked = l->control_ok = 0;
	for (int k = 0; k < l->control_n; k++) {
		/* one that was gone before, and the operator went on, is not asked for again */
		if (l->control[k] == CONTROL_GONE)
			continue;
		l->control[k] = CONTROL_UNKNOWN;
		l->control_asked++;
	}
	ask(s, l);
}

struct found {
	int64_t lies, unread;
	int gone;
};

static struct found look(const struct cycle *c, const struct cycle_lane *l)
{
	const struct cycle_item *it = c->item + l->first;
	struct found f = { .gone = l->control_asked };
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		f.lies += it[r].reread && it[r].present;
		f.unread += it[r].reread && !it[r].present;
	}
	for (int k = 0; k < l->control_n; k++) {
		f.unread += l->control[k] == CONTROL_UNKNOWN;
		f.gone -= l->control[k] == CONTROL_UNKNOWN;
	}
	f.gone -= l->control_ok;
	return f;
}

/* The store said deleted, and it is still there. */
static void proved_lies(struct step *s, struct cycle_lane *l)
{
	struct cycle_item *it = items_of(s->c, l);
	for (int32_t r = l->batch_from; r < l->batch_to; r++) {
		bool lie = it[r].reread && it[r].present;
		it[r].reread = false;
		if (!lie)
			continue;
		it[r].class_ = RETRY_CONFLICTING;
		settle(s, &it[r], ITEM_UNKNOWN, NULL);
	}
}

static void canary_note(struct step *s, const struct cycle_lane *l)
{
	note(s);
	jw_kz(&s->w, "canary", l->canary_done ? "passed" : "not passed");
	jw_ki64(&s->w, "control_present", l->control_ok);
	jw_ki64(&s->w, "control_asked", l->control_asked);
	note_emit(s, AUDIT_GATE, lane_index(s->c, l), -1);
}

static void judge(struct step *s, struct cycle_lane *l)
{
	struct found f = look(s->c, l);
	bool early = s->now.boot_us < l->canary_until_us;
	if ((f.lies || f.unread) && early) {
		l->reread_due_us = s->now.boot_us + REREAD_WAIT_US;
		return;
	}
	if (f.gone) {
		lane_halt(s, l, "a control item outside the plan is gone: the store may delete something else than it is asked to");
	} else if (f.lies) {
		lane_halt(s, l, "the store said deleted, but a re-read after 30 s still finds canary items");
	} else if (f.unread) {
		lane_halt(s, l, "the canary could not be re-read: the store did not answer");
		return;         /* it is asked again when an operator resumes */
	} else {
		l->canary_done = true;
	}
	proved_lies(s, l);
	canary_note(s, l);
	batch_settled(s, l);
}

void canary_reread(struct step *s, const struct cycle_event *ev)
{
	struct cycle_lane *l = &s->c->lane[ev->lane];
	if (l->phase != PHASE_CANARY_CHECK || !l->waiting_reads)
		return;
	l->waiting_reads--;
	if (ev->item >= 0) {
		struct cycle_item *it = &s->c->item[ev->item];
		it->present = ev->presence == PRESENT;
		it->reread = it->reread && ev->presence != ABSENT;
	} else if (ev->presence != NO_ANSWER) {
		l->control[-1 - ev->item] = ev->presence == PRESENT ? CONTROL_THERE : CONTROL_GONE;
		l->control_ok += ev->presence == PRESENT;
	}
	if (!l->waiting_reads && !s->c->aborting)
		judge(s, l);
}

void canary_go(struct step *s, struct cycle_lane *l)
{
	if (l->waiting_reads || l->halted || s->now.boot_us < l->reread_due_us)
		return;
	l->reread_due_us = INT64_MAX;
	ask(s, l);
}

void canary_cut(struct step *s, struct cycle_lane *l)
{
	proved_lies(s, l);
	l->phase = PHASE_BOUNDARY;
	l->waiting_reads = 0;
}
