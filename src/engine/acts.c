/* What the coordinator asks to be done, translated to lanes, records and workers, and their answers
 * translated back into events. */
#include "engine/acts_impl.h"

#include "base/mem.h"
#include "base/point.h"

#include <stdlib.h>
#include <string.h>

/* ---- single items ---- */

struct one {
	struct runner *r;
	int lane;
	int32_t item;
	bool reread;
	int64_t why;                    /* enum reread_why */
	int64_t ready_us, sent_us;      /* a delete: boot times at which its intent was durable and it left */
};

static struct one *one_new(struct runner *r, int lane, int32_t item)
{
	struct one *o = xmalloc(sizeof *o);
	*o = (struct one){ .r = r, .lane = lane, .item = item };
	r->waiting++;
	return o;
}

static void sent(void *ctx, const struct lane_answer *a)
{
	static const enum answer_kind kinds[] = {
		[LANE_DELETED] = ANSWER_DELETED, [LANE_MISSING] = ANSWER_MISSING, [LANE_UNCLEAR] = ANSWER_UNCLEAR,
		[LANE_ITEM_REFUSED] = ANSWER_ITEM_REFUSED, [LANE_LANE_REFUSED] = ANSWER_LANE_REFUSED, [LANE_PACE] = ANSWER_PACE,
		[LANE_NOT_SENT] = ANSWER_NOT_SENT,
	};
	struct one *o = ctx;
	struct runner *r = o->r;
	struct cycle_event ev = { .kind = EV_ANSWER, .now = runner_now(r) };
	POINT("send", "after");
	ev.item = o->item;
	ev.answer = (struct cycle_answer){ .kind = kinds[a->kind], .class_ = a->class_, .left = a->left, .wait_ms = a->wait_ms,
		.wait_coarse = a->wait_coarse, .quota = a->quota, .slow = a->took_us > acts_lane(r, o->lane)->cfg->timeout_ms * 500, .status = a->status,
		.ready_us = o->ready_us, .sent_us = a->kind == LANE_NOT_SENT ? 0 : o->sent_us, .detail = a->detail };
	if (a->kind == LANE_NOT_SENT && a->trouble == LANE_NOT_PERMITTED)
		ev.answer.kind = r->c->rehearsal ? ANSWER_REHEARSED : ANSWER_LANE_REFUSED;
	r->waiting--;
	acts_feed(r, &ev);
	outgoing_answered(&r->outgoing[o->lane], r->c, o->lane, ev.now);
	acts_go_out(r);
	free(o);
}

static void do_send(struct runner *r, int lane, const struct outgoing_one *one, int64_t boot_us)
{
	struct one *o = one_new(r, lane, one->item);
	o->ready_us = one->ready_us;
	o->sent_us = boot_us;
	POINT("send", "before");
	lane_must_undo(acts_lane(r, lane)->lane, r->plan->item[one->item].class_ == REV_R3);
	lane_delete(acts_lane(r, lane)->lane, r->plan->item[one->item].id, sent, o);
}

/* What may leave leaves, what may not is taken back. */
static void go_out(struct runner *r, int lane)
{
	struct outgoing *out = &r->outgoing[lane];
	struct outgoing_one one;
	const char *why;
	struct now now = now_read();
	for (;;)
		switch (outgoing_next(out, r->c, lane, now, &one, &why)) {
		case OUTGOING_NONE: return;
		case OUTGOING_SEND: do_send(r, lane, &one, now.boot_us); break;
		case OUTGOING_TAKE_BACK: runner_withdraw(r, one.item, false, why); break;
		}
}

/* An answer that comes at once, and what it leads to, is gone through by the call that is under way. */
void acts_go_out(struct runner *r)
{
	if (r->going_out || r->en->closing)
		return;
	r->going_out = true;
	for (int i = 0; i < r->c->lanes; i++)
		if (r->outgoing[i].n)
			go_out(r, i);
	r->going_out = false;
}

static void probed(void *ctx, const struct lane_probe *p)
{
	static const enum presence of[] = { [LANE_PRESENT] = PRESENT, [LANE_ABSENT] = ABSENT, [LANE_NO_ANSWER] = NO_ANSWER };
	struct one *o = ctx;
	struct runner *r = o->r;
	struct cycle_event ev = event_of(o->reread ? EV_REREAD : EV_PROBED);
	ev.lane = o->lane;
	ev.item = o->item;
	ev.number = o->why;
	ev.presence = of[p->presence];
	r->waiting--;
	acts_feed(r, &ev);
	free(o);
}

static void do_probe(struct runner *r, const struct effect *e, bool reread)
{
	struct one *o = one_new(r, e->lane, e->item);
	struct slice id = e->item >= 0 ? r->plan->item[e->item].id : r->control[e->lane][-1 - e->item];
	o->reread = reread;
	o->why = e->number;
	lane_probe(acts_lane(r, e->lane)->lane, id, probed, o);
}

/* ---- re-list ---- */

static void relisted(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct lane_ctx *q = ctx;
	struct runner *r = q->r;
	struct cycle_event ev = event_of(EV_RELISTED);
	size_t controls = (size_t)r->c->lane[q->lane].control_n, items = n - controls;
	uint8_t *res = xcalloc(items + 1, 1);
	ev.lane = q->lane;
	ev.ok = complete;
	for (size_t i = 0; i < controls; i++)
		ev.ok &= found[i];
	for (size_t i = 0; i < items; i++)
		res[i] = found[controls + i] ? PRESENT : ABSENT;
	ev.results = res;
	ev.n = items;
	ev.text = trouble;
	r->waiting--;
	acts_feed(r, &ev);
	free(res);
	free(q);
}

static void do_relist(struct runner *r, int lane)
{
	const struct cycle_lane *l = &r->c->lane[lane];
	struct slice *ids = xcalloc((size_t)(l->planned + l->control_n) + 1, sizeof *ids);
	struct lane_ctx *q = xmalloc(sizeof *q);
	size_t n = 0;
	*q = (struct lane_ctx){ r, lane };
	for (int k = 0; k < l->control_n; k++)
		ids[n++] = r->control[lane][k];
	for (int32_t i = l->first; i < l->first + l->planned; i++)
		if (r->c->item[i].state == ITEM_GONE_OTHER)
			ids[n++] = r->plan->item[i].id;
	r->waiting++;
	relist_lane(r->en, r->lane_of[lane], ids, n, relisted, q);
	free(ids);
}

/* ---- the end ---- */

static void do_ended(struct runner *r)
{
	struct engine *en = r->en;
	anchoring_checkpoint(en);
	loop_timer_stop(r->timer);
	discover_stop(en, -1, "the cycle ended");
	referrers_stop(en, -1, "the cycle ended");
	copying_stop(en, "the cycle ended");
	keeping_test_one(r);
	keeping_expire(en);
	engine_permits(en);     /* a rehearsal is over */
}

/* Re-validation by a list that is at hand, claims where there are no rows: nothing outside is asked or changed. */
static bool at_hand(struct runner *r, const struct effect *e)
{
	if (r->records || e->to - e->from > CYCLE_SLICE)
		return false;
	return e->kind == EFF_CLAIM || (e->kind == EFF_RECHECK && !e->number && !acts_lane(r, e->lane)->places[0]);
}

size_t acts_at_hand(struct runner *r, struct effects *fx, struct effect *out, size_t max)
{
	size_t kept = 0, n = 0;
	for (size_t i = 0; i < fx->n; i++)
		if (n < max && at_hand(r, &fx->e[i]))
			out[n++] = fx->e[i];
		else
			fx->e[kept++] = fx->e[i];
	fx->n = kept;
	return n;
}

void act(struct runner *r, const struct effect *e)
{
	if (r->en->closing)
		return;         /* as after a crash: what is durable says what has to be done */
	switch (e->kind) {
	case EFF_DISCOVER: act_discover(r, e->lane); break;
	case EFF_LIST_RECORDS: act_list_records(r); break;
	case EFF_VALIDATE: act_validate(r); break;
	case EFF_RECHECK: act_recheck(r, e); break;
	case EFF_CLAIM: act_claim(r, e); break;
	case EFF_SEND: outgoing_add(&r->outgoing[e->lane], e->item, r->durable_us); break;
	case EFF_PROBE: do_probe(r, e, false); break;
	case EFF_REREAD: do_probe(r, e, true); break;
	case EFF_RELIST: do_relist(r, e->lane); break;
	case EFF_COMMIT_ROWS: act_commit(r, e); break;
	case EFF_LOOK_ROWS: act_look(r, e); break;
	case EFF_RELEASE: act_release(r, e); break;
	case EFF_COUNT_CLAIMS: act_count_claims(r); break;
	case EFF_ENDED: do_ended(r); break;
	case EFF_BASELINE: restoring_baseline(r, e->lane); break;
	case EFF_RESTORE: restoring_upload(r, e->item); break;
	case EFF_SEEK: restoring_seek(r, e->item); break;
	case EFF_REMAP_ROWS: act_remap(r, e); break;
	case EFF_AUDIT: case EFF_ITEM: case EFF_DEAD: case EFF_SPENT: case EFF_CYCLE: case EFF_NEW_ID: break;
	}
}
