/* Validation: who refers to the files is asked, verdicts are made on a worker, copies are taken, the plan is frozen. */
#include "engine/acts_impl.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct validating {
	struct validation v;            /* first: the worker is given this struct as its own */
	struct runner *r;
	int asking;                     /* lanes whose referrers are being listed */
	int64_t charge[CYCLE_MAX_LANES];
	struct cycle_ready *ready;      /* the plan's items for the coordinator, made beside the loop */
	int32_t cut[CYCLE_MAX_LANES][CYCLE_CUTS];
};

static void referrals_proof(struct jw *w, const char *places, const struct ereferrals *f)
{
	jw_key(w, "referrers");
	jw_obj(w);
	jw_kz(w, "places", places);
	jw_kbool(w, "complete", f->complete);
	jw_ki64(w, "references", (int64_t)(f->n + f->n_inner));
	if (!f->complete)
		jw_kz(w, "trouble", f->trouble);
	jw_end_obj(w);
}

static void plan_record(struct validating *q)
{
	const struct plan *p = q->v.plan;
	char hex[HASH_HEX];
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "items", p->items);
	jw_key(&w, "lanes");
	jw_arr(&w);
	for (int i = 0; i < p->lanes; i++) {
		jw_obj(&w);
		jw_kstr(&w, "lane", p->lane[i].name);
		jw_kstr(&w, "target", p->lane[i].identity);
		jw_ki64(&w, "items", p->lane[i].items);
		jw_ki64(&w, "bytes", p->lane[i].bytes);
		jw_ki64(&w, "listed", p->lane[i].listed);
		jw_ki64(&w, "irreversible", p->lane[i].by_class[REV_R0]);
		if (q->v.facts.objects != POLICY_OBJECTS_NONE)
			reconcile_json(&w, &q->v.reconciled[i]);
		if (q->v.referrals[i])
			referrals_proof(&w, q->v.places[i], q->v.referrals[i]);
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	pick_found_json(&w, &q->v);
	jw_kz(&w, "expires", time_rfc3339((char[TIME_TEXT]){ 0 }, p->until_us, false));
	jw_kbool(&w, "rehearsal", p->rehearsal);
	jw_ki64(&w, "judged_ms", q->v.judged_us / 1000);
	jw_ki64(&w, "frozen_ms", q->v.frozen_us / 1000);
	jw_end_obj(&w);
	hash_hex(hex, &p->id);
	struct journal_plan jp = { .id = slice_of(hex), .cycle = p->cycle, .header = buf_slice(&p->header), .summary = buf_slice(&b),
		.made_us = p->made_us, .expires_us = p->until_us };
	journal_plan(q->v.journal, &jp);
	journal_audit(q->v.journal, AUDIT_PLAN, &actor_engine, slice_of(q->r->policy->name), p->cycle, slice_of(hex), buf_slice(&b));
	buf_done(&b);
}

static struct cycle_ready *ready_items(const struct plan *p, const int64_t charge[CYCLE_MAX_LANES])
{
	struct cycle_plan_item *it = xcalloc((size_t)MAX(p->items, 1), sizeof *it);
	for (int32_t i = 0; i < p->items; i++)
		it[i] = (struct cycle_plan_item){ p->item[i].lane, p->item[i].bytes, p->item[i].row.n > 0,
			restoring_class(&p->item[i]) };
	struct cycle_ready *ready = cycle_ready_plan(it, p->items, charge);
	free(it);
	return ready;
}

static void give_plan(struct runner *r, struct validating *q)
{
	const struct plan *p = r->plan;
	struct now now = now_read();
	cycle_take_ready(r->c, q->ready, q->v.control_n, p->until_us, now.boot_us + (p->until_us - now.wall_us));
	q->ready = NULL;
	for (int i = 0; i < p->lanes; i++)
		memcpy(r->c->lane[i].cut, q->cut[i], sizeof q->cut[i]);
	memcpy(r->control, q->v.control, sizeof r->control);
}

static void note_lane_figures(struct runner *r, const struct validation *v)
{
	pick_tell(r->pick, v);
	for (int i = 0; i < v->lanes; i++) {
		struct elane *l = acts_lane(r, i);
		memcpy(l->by_verdict, v->by_verdict[i], sizeof l->by_verdict);
		l->reconciled = v->reconciled[i];
		l->irreversible = v->irreversible[i];
	}
}

/* The items that must stay are chosen once: a restart looks at the same ones. */
static void keep_controls(struct runner *r, struct journal *j)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "cycle", r->c->id);
	jw_key(&w, "lanes");
	jw_arr(&w);
	for (int i = 0; i < r->c->lanes; i++) {
		jw_arr(&w);
		for (int k = 0; k < r->c->lane[i].control_n; k++)
			jw_str(&w, r->control[i][k]);
		jw_end_arr(&w);
	}
	jw_end_arr(&w);
	jw_end_obj(&w);
	journal_setting(j, "controls", buf_slice(&b));
	buf_done(&b);
}

/* A rehearsal spends nothing, so it needs nobody's approval: it plays the largest grant the caps allow. */
static void rehearsal_grants(struct runner *r)
{
	for (int i = 0; i < r->c->lanes && r->c->stage == STAGE_VALIDATING; i++) {
		const struct plan_lane *l = &r->plan->lane[i];
		int64_t n = MIN((int64_t)l->items, MIN(l->caps.items, l->caps.share_bp * l->listed / 10000));
		if (n < 1 || r->c->lane[i].excluded)
			continue;
		struct cycle_event ev = event_of(EV_GRANT);
		ev.lane = i;
		ev.number = n;
		ev.bytes = plan_bytes_of(r->plan, i, n);
		ev.on_abort = ON_ABORT_KEEP;
		ev.until_us = ev.now.wall_us + r->policy->run_for_ms * 1000;
		acts_feed(r, &ev);
	}
}

static void validating_free(struct validating *q)
{
	cycle_ready_free(q->ready);
	plan_free(q->v.plan);
	journal_free(q->v.journal);
	for (int i = 0; i < q->v.lanes; i++)
		referrals_free((struct ereferrals *)q->v.referrals[i]);
	arena_free(q->v.arena);
	free(q->v.pick_seen);
	free(q);
}

static void validated(void *ctx)
{
	struct validating *q = ctx;
	struct runner *r = q->r;
	struct cycle_event ev = event_of(EV_VALIDATED);
	struct journal *j = NULL;
	job_let_go(r->en);
	ev.ok = q->v.rc == RC_OK;
	ev.text = q->v.err.text;
	r->waiting--;
	if (ev.ok && r->c->stage != STAGE_ENDED) {
		r->plan = q->v.plan;
		q->v.plan = NULL;
		struct validation *v = &q->v;
		v->plan = r->plan;
		plan_record(q);
		give_plan(r, q);
		note_lane_figures(r, v);
		keep_controls(r, v->journal);
		j = v->journal;
		v->journal = NULL;
		v->plan = NULL;
	}
	/* interrupted by a stop: as after a crash, the next start validates again */
	if (q->v.rc != RC_CANCELLED || !r->en->stopping)
		acts_feed_with(r, &ev, j);
	if (r->c->rehearsal && r->c->plan_frozen)
		rehearsal_grants(r);
	validating_free(q);
}

static void freeze_work(void *ctx)
{
	struct validating *q = ctx;
	validation_freeze(&q->v);
	if (q->v.rc != RC_OK)
		return;
	q->ready = ready_items(q->v.plan, q->charge);
	depends_cuts(q->v.plan, q->cut);
}

static void copied(void *ctx)
{
	struct validating *q = ctx;
	loop_work(q->r->en->loop, freeze_work, validated, q);
}

static void judged(void *ctx)
{
	struct validating *q = ctx;
	struct engine *en = q->r->en;
	if (q->v.copies && q->v.rc == RC_OK && (en->stopping || en->closing))
		q->v.rc = err_set(&q->v.err, RC_CANCELLED, "the engine stops");
	if (q->v.copies && q->v.rc == RC_OK)
		copying_run(q->r, &q->v, copied, q);
	else
		copied(q);
}

static void judge_work(void *ctx)
{
	struct validating *q = ctx;
	validation_judge(q->r->en->catalog, &q->v);
}

/* The catalogue is its own until the plan is frozen: the verdicts are finished only then. */
static void judge(void *ctx)
{
	struct validating *q = ctx;
	loop_work(q->r->en->loop, judge_work, judged, q);
}

/* The files were listed before: whatever refers to one of them by now is seen. */
static void validate_begin(struct validating *q)
{
	struct validation *v = &q->v;
	v->plan = plan_prepare(q->r);
	for (int i = 0; i < v->lanes; i++) {
		struct elane *l = acts_lane(q->r, i);
		v->excluded[i] = q->r->c->lane[i].excluded;
		v->escrow[i] = cfg_escrow_of(v->policy, l->cfg);
		v->copies = v->copies || v->escrow[i] != CFG_ESCROW_OFF;
		if (l->places[0] && !v->excluded[i]) {
			v->places[i] = l->places;
			v->referrals[i] = referrals_keep(l->referrals);
		}
	}
	v->arena = arena_new(4096);
	for (int i = 0; v->rc == RC_OK && i < v->lanes; i++)
		v->rc = protected_of(q->r->en, v->lane_name[i], v->arena, &v->protected_ids[i], &v->n_protected[i], &v->err);
	v->facts.wall_us = now_read().wall_us;
	job_hold(q->r->en, judge, q);
}

static void referrers_listed(void *ctx, const struct ereferrals *f)
{
	struct validating *q = ctx;
	(void)f;                        /* it is kept in its elane */
	if (--q->asking == 0)
		validate_begin(q);
}

void act_validate(struct runner *r)
{
	struct validating *q = xcalloc(1, sizeof *q);
	struct validation *v = &q->v;
	q->r = r;
	v->policy = r->policy;
	v->objects_lane = -1;
	v->redrive = r->redrive;
	v->pick = r->pick;
	v->lanes = r->c->lanes;
	for (int i = 0; i < v->lanes; i++) {
		v->lane_of[i] = r->lane_of[i];
		v->excluded[i] = r->c->lane[i].excluded;
		v->undoable[i] = acts_lane(r, i)->undoable;
		q->charge[i] = r->c->lane[i].o.max_item_bytes;
		snprintf(v->lane_name[i], sizeof v->lane_name[i], "%s", r->c->lane[i].o.name);
	}
	v->lanes_cfg = r->en->cfg->lanes;
	if (r->records) {
		const struct records_list *l = &r->records->list;
		v->facts.records = r->records->listed && l->rc == RC_OK;
		v->facts.records_usable = v->facts.records && (!l->empty || l->may_be_empty);
		v->facts.records_unknown = !v->facts.records;
		v->facts.references = r->records->cfg->n_references > 0;
		objects_facts(r->records, &v->facts);
		objects_where(r, v);
	}
	v->seed = (uint64_t)r->c->id;
	v->records = r->records != NULL;
	if (!v->records)
		r->en->rows_of = NULL;  /* it empties the catalogue's rows */
	r->waiting++;
	q->asking = 1;
	for (int i = 0; i < v->lanes; i++)
		if (acts_lane(r, i)->places[0] && !v->excluded[i]) {
			q->asking++;
			referrers_ask(r->en, r->lane_of[i], referrers_listed, q);
		}
	referrers_listed(q, NULL);
}
