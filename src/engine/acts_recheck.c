/* Re-validation just before a batch is sent: still there, unchanged, unreferenced, not protected since. */
#include "engine/acts_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECHECK_TRIES = 3, RECHECK_WAIT_MS = 250, RECHECK_WAIT_MAX_MS = 10000, RECHECK_SLICE_US = 4000, RECHECK_LOOK_EVERY = 64 };

static void recheck_rows(struct acts_batch *b);

static const uint8_t check_of[] = {
	[RECORDS_DONE] = CHECK_SAME, [RECORDS_NO_ROW] = CHECK_SAME, [RECORDS_UNCLAIMED] = CHECK_SAME,
	[RECORDS_REFERENCED] = CHECK_REFERENCED, [RECORDS_CHANGED] = CHECK_DRIFTED, [RECORDS_FAILED] = CHECK_NO_ANSWER,
	[RECORDS_REHEARSED] = CHECK_SAME,
};

static void recheck_call(struct acts_batch *b, const struct records_ref *refs, size_t n, records_answer_fn *answer)
{
	records_recheck(b->r->records->rec, refs, n, answer, b);
}

/* Who uses an item by now, as far as the provider's places tell. */
static enum check_result places_check(const struct elane *l, struct slice id)
{
	if (!l->places[0])
		return CHECK_SAME;
	if (!l->referrals || !l->referrals->complete)
		return CHECK_NO_ANSWER;
	return referrals_of(l->referrals, id) ? CHECK_REFERENCED : CHECK_SAME;
}

static void places_trouble(struct acts_batch *b)
{
	const struct elane *l = acts_lane(b->r, b->lane);
	if (l->places[0] && l->referrals && !l->referrals->complete && !b->why[0])
		snprintf(b->why, sizeof b->why, "%.190s", l->referrals->trouble);
}

static void recheck_records(struct acts_batch *b)
{
	if (b->r->records && b->n && !b->r->en->closing)
		acts_batch_ask(b, recheck_call, check_of);
	else
		acts_batch_feed(b, b->why);
}

/* What somebody protects since the plan was frozen stays, and what is used by now. An item that is being checked cannot
 * be protected any more (engine/protect.c): what was so before is in the database, however long this takes. */
static void recheck_slice(void *ctx)
{
	struct acts_batch *b = ctx;
	const struct elane *l = acts_lane(b->r, b->lane);
	int64_t until = now_read().boot_us + RECHECK_SLICE_US;
	for (; b->looked < b->n; b->looked++) {
		uint8_t *res = &b->results[b->looked];
		if (b->looked % RECHECK_LOOK_EVERY == 0 && now_read().boot_us >= until) {
			loop_defer(b->r->en->loop, recheck_slice, b);
			return;
		}
		if (*res == CHECK_SAME && b->protections)
			*res = (uint8_t)protected_check(b->r->en, l->cfg->name, b->refs[b->looked].file_id);
		if (*res == CHECK_SAME)
			*res = (uint8_t)places_check(l, b->refs[b->looked].file_id);
	}
	places_trouble(b);
	acts_objects(b, recheck_records);
}

static void recheck_rows(struct acts_batch *b)
{
	b->protections = protected_any(b->r->en, acts_lane(b->r, b->lane)->cfg->name);
	recheck_slice(b);
}

static void recheck_go(struct acts_batch *b);

static bool as_planned(const struct plan_item *pi, const struct lane_item *it)
{
	return (pi->bytes < 0 || it->bytes < 0 || pi->bytes == it->bytes) &&
	       (pi->created_us < 0 || it->created_us < 0 || pi->created_us == it->created_us);
}

/* Asked again at the end, unless it was often enough. */
static void recheck_again(struct acts_batch *b, size_t i, const struct lane_probe *p)
{
	int64_t wait_ms = p->wait_ms >= 0 ? MIN(p->wait_ms, (int64_t)RECHECK_WAIT_MAX_MS) : RECHECK_WAIT_MS << b->tries[i];
	bool passing = p->trouble != LANE_AUTH && p->trouble != LANE_BILLING && p->trouble != LANE_REJECTED;
	b->results[i] = CHECK_NO_ANSWER;
	snprintf(b->why, sizeof b->why, "items could not be re-validated: %.150s", p->detail);
	if (!passing || b->tries[i] >= RECHECK_TRIES)
		return;
	b->queue[b->queued++] = i;
	b->not_before_us = MAX(b->not_before_us, now_read().boot_us + wait_ms * 1000);
}

struct recheck_probe {
	struct acts_batch *b;
	size_t i;
};

static void recheck_probed(void *ctx, const struct lane_probe *p)
{
	struct recheck_probe *q = ctx;
	struct acts_batch *b = q->b;
	const struct plan_item *pi = &b->r->plan->item[b->items[q->i]];
	switch (p->presence) {
	case LANE_PRESENT: b->results[q->i] = as_planned(pi, &p->item) ? CHECK_SAME : CHECK_DRIFTED; break;
	case LANE_ABSENT: b->results[q->i] = CHECK_ABSENT; break;
	case LANE_NO_ANSWER: recheck_again(b, q->i, p); break;
	}
	free(q);
	b->out--;
	recheck_go(b);
}

static void recheck_ask(struct acts_batch *b, struct elane *l)
{
	struct recheck_probe *q = xmalloc(sizeof *q);
	*q = (struct recheck_probe){ b, b->queue[b->next++] };
	b->tries[q->i]++;
	b->out++;
	bucket_take(&l->reads, now_read().boot_us);
	lane_probe(l->lane, b->r->plan->item[b->items[q->i]].id, recheck_probed, q);
}

/* A window of GETs at a time, no faster than the lane's rate. */
static void recheck_go(struct acts_batch *b)
{
	struct elane *l = acts_lane(b->r, b->lane);
	while (b->next < b->queued && b->out < l->cfg->in_flight && !b->r->en->closing) {
		int64_t now = now_read().boot_us, wait = MAX(b->not_before_us - now, bucket_wait_us(&l->reads, now));
		if (wait > 0) {
			loop_timer_start(b->timer, MAX((wait + 999) / 1000, 1), 0);
			return;
		}
		recheck_ask(b, l);
	}
	if (b->out)
		return;
	for (; b->next < b->queued; b->next++)          /* the engine stops */
		b->results[b->queue[b->next]] = CHECK_NO_ANSWER;
	recheck_rows(b);
}

static void recheck_wait_over(void *ctx) { recheck_go(ctx); }

static void recheck_items(struct acts_batch *b)
{
	b->queue = xcalloc(b->n * RECHECK_TRIES, sizeof *b->queue);
	b->tries = xcalloc(b->n, 1);
	for (; b->queued < b->n; b->queued++)
		b->queue[b->queued] = b->queued;
	b->timer = loop_timer_new(b->r->en->loop, recheck_wait_over, b);
	recheck_go(b);
}

/* A lane without GET: one complete list answers for all. */
static void recheck_listed(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct acts_batch *b = ctx;
	for (size_t i = 0; i < n; i++)
		b->results[i] = !complete ? CHECK_NO_ANSWER : found[i] ? CHECK_SAME : CHECK_ABSENT;
	if (!complete)
		snprintf(b->why, sizeof b->why, "%s", trouble);
	recheck_rows(b);
}

static void recheck_list(struct acts_batch *b)
{
	struct slice *ids = xcalloc(b->n + 1, sizeof *ids);
	for (size_t i = 0; i < b->n; i++)
		ids[i] = b->refs[i].file_id;
	relist_lane(b->r->en, b->r->lane_of[b->lane], ids, b->n, recheck_listed, b);
	free(ids);
}

static void recheck_begin(struct acts_batch *b)
{
	if (!b->items_too)
		recheck_rows(b);
	else if (lane_can_get(acts_lane(b->r, b->lane)->lane))
		recheck_items(b);
	else
		recheck_list(b);
}

static void recheck_referred(void *ctx, const struct ereferrals *f)
{
	(void)f;                        /* recheck_rows looks into the elane */
	recheck_begin(ctx);
}

static bool to_check(const struct cycle_item *it) { return it->state == ITEM_CHECKING; }

static void recheck_filled(struct acts_batch *b)
{
	struct runner *r = b->r;
	struct elane *l = acts_lane(r, b->lane);
	b->items_too &= b->n > 0;
	if (b->n && l->places[0] && referrals_stale(l->referrals, r->c->lane[b->lane].o.list_max_age_us))
		referrers_ask(r->en, r->lane_of[b->lane], recheck_referred, b);
	else
		recheck_begin(b);
}

void act_recheck(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_RECHECKED, e->lane, (size_t)(e->to - e->from));
	b->items_too = e->number;       /* else results are CHECK_SAME so far: the list says so */
	acts_batch_fill(b, e, to_check, recheck_filled);
}
