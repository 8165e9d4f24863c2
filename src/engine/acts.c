/* What the coordinator asks to be done, translated to lanes, records and workers, and their answers
 * translated back into events. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/point.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct elane *elane_of(struct runner *r, int lane) { return &r->en->lane[r->lane_of[lane]]; }

static void feed(struct runner *r, const struct cycle_event *ev)
{
	runner_event(r, ev, &actor_engine, NULL, NULL, NULL);
}

static void feed_with(struct runner *r, const struct cycle_event *ev, struct journal *also)
{
	runner_event(r, ev, &actor_engine, also, NULL, NULL);
}

/* ---- discovery ---- */

struct lane_ctx {
	struct runner *r;
	int lane;
};

static struct journal *discovery_record(struct runner *r, int lane, const struct discovery_result *d)
{
	struct elane *l = elane_of(r, lane);
	struct journal *j = journal_new();
	struct buf p;
	struct jw w;
	buf_init(&p);
	jw_init(&w, &p);
	jw_obj(&w);
	jw_kbool(&w, "complete", d->ok);
	jw_ki64(&w, "items", d->items);
	jw_ki64(&w, "bytes", d->bytes);
	jw_ki64(&w, "pages", d->pages);
	jw_kopt(&w, "expected", d->expected);
	if (d->trouble[0])
		jw_kz(&w, "trouble", d->trouble);
	if (d->ok)
		jw_kbool(&w, "server_clock", d->clock_known);
	jw_kbool(&w, "rehearsal", r->c->rehearsal);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_DISCOVERY, &actor_engine, slice_of(l->cfg->name), r->c->id, SLICE_LIT(""), buf_slice(&p));
	if (d->ok && !r->c->rehearsal)
		journal_lane_listed(j, slice_of(l->cfg->name), d->items, l->listed_us);
	buf_done(&p);
	return j;
}

static void lane_listed(void *ctx, int engine_lane_index, const struct discovery_result *d)
{
	struct lane_ctx *q = ctx;
	struct runner *r = q->r;
	struct elane *l = &r->en->lane[engine_lane_index];
	struct now now = now_read();
	l->listed = true;
	l->complete = d->ok;
	l->undoable = d->ok && d->undoable;
	l->items = d->items;
	l->bytes = d->bytes;
	l->pages = d->pages;
	l->expected = d->expected;
	l->listed_us = now.wall_us;
	l->listed_boot_us = now.boot_us;
	memset(l->by_verdict, 0, sizeof l->by_verdict);
	l->irreversible = 0;
	snprintf(l->trouble, sizeof l->trouble, "%s", d->trouble);
	struct cycle_event ev = event_of(EV_LISTED);
	ev.lane = q->lane;
	ev.ok = d->ok;
	ev.number = d->items;
	ev.text = d->trouble;
	r->waiting--;
	feed_with(r, &ev, discovery_record(r, q->lane, d));
	free(q);
}

static void do_discover(struct runner *r, int lane)
{
	struct lane_ctx *q = xmalloc(sizeof *q);
	*q = (struct lane_ctx){ r, lane };
	r->waiting++;
	discover_lane(r->en, r->lane_of[lane], lane_listed, q);
}

static void records_listed(void *ctx, const struct records_list *l)
{
	struct runner *r = ctx;
	struct cycle_event ev = event_of(EV_RECORDS);
	struct journal *j = journal_new();
	struct buf p;
	struct jw w;
	buf_init(&p);
	jw_init(&w, &p);
	jw_obj(&w);
	jw_kbool(&w, "complete", l->rc == RC_OK);
	jw_kopt(&w, "rows", l->rc == RC_OK ? l->rows : -1);
	jw_kz(&w, "places", l->places);
	if (l->rc != RC_OK)
		jw_kz(&w, "trouble", l->err.text);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_RECORDS_LIST, &actor_engine, slice_of(records_name(r->records->rec)), r->c->id, SLICE_LIT(""), buf_slice(&p));
	buf_done(&p);
	ev.ok = l->rc == RC_OK && (!l->empty || l->may_be_empty);
	ev.number = l->rows;
	ev.text = l->rc != RC_OK ? l->err.text : "they answered, but with no row at all; say may_be_empty if that is right";
	r->waiting--;
	feed_with(r, &ev, j);
}

static void do_list_records(struct runner *r)
{
	r->waiting++;
	discover_records(r->en, r->records, records_listed, r);
}

/* ---- validation ---- */

struct validating {
	struct validation v;            /* first: the worker is given this struct as its own */
	struct runner *r;
	int asking;                     /* lanes whose referrers are being listed */
};

static void referrals_proof(struct jw *w, const char *places, const struct ereferrals *f)
{
	jw_key(w, "referrers");
	jw_obj(w);
	jw_kz(w, "places", places);
	jw_kbool(w, "complete", f->complete);
	jw_ki64(w, "references", (int64_t)f->n);
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
		if (q->v.referrals[i])
			referrals_proof(&w, q->v.places[i], q->v.referrals[i]);
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
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

static void give_plan(struct runner *r, const struct validation *v)
{
	const struct plan *p = v->plan;
	struct cycle_plan_item *it = xcalloc((size_t)MAX(p->items, 1), sizeof *it);
	for (int32_t i = 0; i < p->items; i++)
		it[i] = (struct cycle_plan_item){ p->item[i].lane, p->item[i].bytes, p->item[i].row.n > 0,
			restoring_class(&p->item[i]) };
	struct now now = now_read();
	cycle_take_plan(r->c, it, p->items, v->control_n, p->until_us, now.boot_us + (p->until_us - now.wall_us));
	memcpy(r->control, v->control, sizeof r->control);
	free(it);
}

static void note_lane_figures(struct runner *r, const struct validation *v)
{
	for (int i = 0; i < v->lanes; i++) {
		struct elane *l = elane_of(r, i);
		memcpy(l->by_verdict, v->by_verdict[i], sizeof l->by_verdict);
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
		feed(r, &ev);
	}
}

static void validating_free(struct validating *q)
{
	plan_free(q->v.plan);
	journal_free(q->v.journal);
	for (int i = 0; i < q->v.lanes; i++)
		referrals_free((struct ereferrals *)q->v.referrals[i]);
	arena_free(q->v.arena);
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
		give_plan(r, v);
		note_lane_figures(r, v);
		keep_controls(r, v->journal);
		j = v->journal;
		v->journal = NULL;
		v->plan = NULL;
	}
	/* interrupted by a stop: as after a crash, the next start validates again */
	if (q->v.rc != RC_CANCELLED || !r->en->stopping)
		feed_with(r, &ev, j);
	if (r->c->rehearsal && r->c->plan_frozen)
		rehearsal_grants(r);
	validating_free(q);
}

static void freeze_work(void *ctx)
{
	struct validating *q = ctx;
	validation_freeze(&q->v);
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
		struct elane *l = elane_of(q->r, i);
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

static void do_validate(struct runner *r)
{
	struct validating *q = xcalloc(1, sizeof *q);
	struct validation *v = &q->v;
	q->r = r;
	v->policy = r->policy;
	v->redrive = r->redrive;
	v->lanes = r->c->lanes;
	for (int i = 0; i < v->lanes; i++) {
		v->lane_of[i] = r->lane_of[i];
		v->excluded[i] = r->c->lane[i].excluded;
		v->undoable[i] = elane_of(r, i)->undoable;
		snprintf(v->lane_name[i], sizeof v->lane_name[i], "%s", r->c->lane[i].o.name);
	}
	v->lanes_cfg = r->en->cfg->lanes;
	if (r->records) {
		const struct records_list *l = &r->records->list;
		v->facts.records = r->records->listed && l->rc == RC_OK;
		v->facts.records_usable = v->facts.records && (!l->empty || l->may_be_empty);
		v->facts.references = r->records->cfg->n_references > 0;
	}
	v->seed = (uint64_t)r->c->id;
	v->records = r->records != NULL;
	if (!v->records)
		r->en->rows_of = NULL;  /* it empties the catalogue's rows */
	r->waiting++;
	q->asking = 1;
	for (int i = 0; i < v->lanes; i++)
		if (elane_of(r, i)->places[0] && !v->excluded[i]) {
			q->asking++;
			referrers_ask(r->en, r->lane_of[i], referrers_listed, q);
		}
	referrers_listed(q, NULL);
}

/* ---- records: one batch call ---- */

struct batch {
	struct runner *r;
	enum cycle_event_kind kind;
	int lane;
	int32_t *items;
	struct records_ref *refs;
	uint8_t *results;
	size_t n;
	/* recheck by GET */
	size_t *queue, queued, next;    /* which of the items, some of them again */
	uint8_t *tries;
	int64_t out;
	int64_t not_before_us;          /* boot time */
	struct loop_timer *timer;
	bool items_too;                 /* not only rows and references */
	char why[200];
};

enum { RECHECK_TRIES = 3, RECHECK_WAIT_MS = 250, RECHECK_WAIT_MAX_MS = 10000 };

static struct batch *batch_new(struct runner *r, enum cycle_event_kind kind, int lane, size_t max)
{
	struct batch *b = xcalloc(1, sizeof *b);
	b->r = r;
	b->kind = kind;
	b->lane = lane;
	b->items = xcalloc(max + 1, sizeof *b->items);
	b->refs = xcalloc(max + 1, sizeof *b->refs);
	b->results = xcalloc(max + 1, 1);
	r->waiting++;
	return b;
}

static void batch_add(struct batch *b, int32_t item)
{
	const struct plan_item *pi = &b->r->plan->item[item];
	b->items[b->n] = item;
	b->refs[b->n] = (struct records_ref){ b->r->plan->lane[pi->lane].name, pi->id, pi->row, SLICE_LIT("") };
	b->n++;
}

static void batch_feed(struct batch *b, const char *text)
{
	struct runner *r = b->r;
	struct cycle_event ev = event_of(b->kind);
	ev.lane = b->lane;
	ev.items = b->items;
	ev.results = b->results;
	ev.n = b->n;
	ev.text = text;
	r->waiting--;
	feed(r, &ev);
	loop_timer_free(b->timer);
	free(b->queue);
	free(b->tries);
	free(b->items);
	free(b->refs);
	free(b->results);
	free(b);
}

static const uint8_t claim_of[] = {
	[RECORDS_DONE] = CLAIM_DONE, [RECORDS_NO_ROW] = CLAIM_NO_ROW, [RECORDS_UNCLAIMED] = CLAIM_UNCLAIMED,
	[RECORDS_REFERENCED] = CLAIM_REFERENCED, [RECORDS_CHANGED] = CLAIM_CHANGED, [RECORDS_FAILED] = CLAIM_FAILED,
	[RECORDS_REHEARSED] = CLAIM_REHEARSED,
};

static void batch_answer(void *ctx, const struct records_answer *a)
{
	struct batch *b = ctx;
	for (size_t i = 0; i < b->n; i++)
		b->results[i] = a->rc == RC_OK ? claim_of[a->results[i]] : CLAIM_FAILED;
	batch_feed(b, a->err.text);
}

static void do_claim(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_CLAIMED, e->lane, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].state == ITEM_CLAIMING)
			batch_add(b, i);
	if (r->records) {
		records_claim(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	batch_feed(b, "");
}

static void do_commit(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_INTENT)
			batch_add(b, i);
	POINT("row", "before");
	if (r->records) {
		records_commit(r->records->rec, b->refs, b->n, r->token, e->text, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	batch_feed(b, "");
}

static void do_remap(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_INTENT && r->c->item[i].state == ITEM_RESTORED) {
			batch_add(b, i);
			b->refs[b->n - 1].new_id = restoring_id(r, i);
		}
	POINT("row", "before");
	if (r->records) {
		records_remap(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	batch_feed(b, "");
}

static void look_answer(void *ctx, const struct records_answer *a)
{
	struct batch *b = ctx;
	for (size_t i = 0; i < b->n; i++)
		b->results[i] = a->rc != RC_OK ? CLAIM_FAILED : a->results[i] == RECORDS_DONE ? CLAIM_NO_ROW : claim_of[a->results[i]];
	batch_feed(b, a->err.text);
}

static void do_look(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (item_look_due(&r->c->item[i]))
			batch_add(b, i);
	if (r->records) {
		records_recheck(r->records->rec, b->refs, b->n, look_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	batch_feed(b, "");
}

static void do_release(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_RELEASED, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_RELEASING || r->c->item[i].unclaim)
			batch_add(b, i);
	if (r->records) {
		records_release(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_DONE, b->n);
	batch_feed(b, "");
}

static void claims_counted(void *ctx, int64_t n, const struct err *err)
{
	struct runner *r = ctx;
	struct cycle_event ev = event_of(EV_CLAIMS);
	ev.number = n;
	ev.text = err ? err->text : "";
	r->waiting--;
	feed(r, &ev);
}

static void do_count_claims(struct runner *r)
{
	r->waiting++;
	if (r->records)
		records_count_claims(r->records->rec, r->token, claims_counted, r);
	else
		claims_counted(r, 0, NULL);
}

/* ---- re-validation ---- */

static void recheck_rows(struct batch *b);

static void recheck_answer(void *ctx, const struct records_answer *a)
{
	static const uint8_t check_of[] = {
		[RECORDS_DONE] = CHECK_SAME, [RECORDS_NO_ROW] = CHECK_SAME, [RECORDS_UNCLAIMED] = CHECK_SAME,
		[RECORDS_REFERENCED] = CHECK_REFERENCED, [RECORDS_CHANGED] = CHECK_DRIFTED, [RECORDS_FAILED] = CHECK_NO_ANSWER,
		[RECORDS_REHEARSED] = CHECK_SAME,
	};
	struct batch *b = ctx;
	for (size_t i = 0; i < b->n; i++)
		if (b->results[i] == CHECK_SAME)
			b->results[i] = a->rc == RC_OK ? check_of[a->results[i]] : CHECK_NO_ANSWER;
	batch_feed(b, a->rc == RC_OK ? b->why : a->err.text);
}

/* Who uses an item by now, as far as the provider's places tell. */
static void recheck_places(struct batch *b)
{
	const struct elane *l = elane_of(b->r, b->lane);
	if (!l->places[0])
		return;
	for (size_t i = 0; i < b->n; i++) {
		if (b->results[i] != CHECK_SAME)
			continue;
		if (!l->referrals || !l->referrals->complete)
			b->results[i] = CHECK_NO_ANSWER;
		else if (referrals_of(l->referrals, b->refs[i].file_id))
			b->results[i] = CHECK_REFERENCED;
	}
	if (l->referrals && !l->referrals->complete && !b->why[0])
		snprintf(b->why, sizeof b->why, "%.190s", l->referrals->trouble);
}

/* What somebody protects since the plan was frozen stays. */
static void recheck_protected(struct batch *b)
{
	const char *lane = elane_of(b->r, b->lane)->cfg->name;
	for (size_t i = 0; i < b->n; i++)
		if (b->results[i] == CHECK_SAME)
			b->results[i] = (uint8_t)protected_check(b->r->en, lane, b->refs[i].file_id);
}

static void recheck_rows(struct batch *b)
{
	recheck_protected(b);
	recheck_places(b);
	if (b->r->records && !b->r->en->closing)
		records_recheck(b->r->records->rec, b->refs, b->n, recheck_answer, b);
	else
		batch_feed(b, b->why);
}

static void recheck_go(struct batch *b);

static bool as_planned(const struct plan_item *pi, const struct lane_item *it)
{
	return (pi->bytes < 0 || it->bytes < 0 || pi->bytes == it->bytes) &&
	       (pi->created_us < 0 || it->created_us < 0 || pi->created_us == it->created_us);
}

/* Asked again at the end, unless it was often enough. */
static void recheck_again(struct batch *b, size_t i, const struct lane_probe *p)
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
	struct batch *b;
	size_t i;
};

static void recheck_probed(void *ctx, const struct lane_probe *p)
{
	struct recheck_probe *q = ctx;
	struct batch *b = q->b;
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

static void recheck_ask(struct batch *b, struct elane *l)
{
	struct recheck_probe *q = xmalloc(sizeof *q);
	*q = (struct recheck_probe){ b, b->queue[b->next++] };
	b->tries[q->i]++;
	b->out++;
	bucket_take(&l->reads, now_read().boot_us);
	lane_probe(l->lane, b->r->plan->item[b->items[q->i]].id, recheck_probed, q);
}

/* A window of GETs at a time, no faster than the lane's rate. */
static void recheck_go(struct batch *b)
{
	struct elane *l = elane_of(b->r, b->lane);
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

static void recheck_items(struct batch *b)
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
	struct batch *b = ctx;
	for (size_t i = 0; i < n; i++)
		b->results[i] = !complete ? CHECK_NO_ANSWER : found[i] ? CHECK_SAME : CHECK_ABSENT;
	if (!complete)
		snprintf(b->why, sizeof b->why, "%s", trouble);
	recheck_rows(b);
}

static void recheck_list(struct batch *b)
{
	struct slice *ids = xcalloc(b->n + 1, sizeof *ids);
	for (size_t i = 0; i < b->n; i++)
		ids[i] = b->refs[i].file_id;
	relist_lane(b->r->en, b->r->lane_of[b->lane], ids, b->n, recheck_listed, b);
	free(ids);
}

static void recheck_begin(struct batch *b)
{
	if (!b->items_too)
		recheck_rows(b);
	else if (lane_can_get(elane_of(b->r, b->lane)->lane))
		recheck_items(b);
	else
		recheck_list(b);
}

static void recheck_referred(void *ctx, const struct ereferrals *f)
{
	(void)f;                        /* recheck_rows looks into the elane */
	recheck_begin(ctx);
}

static void do_recheck(struct runner *r, const struct effect *e)
{
	struct batch *b = batch_new(r, EV_RECHECKED, e->lane, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].state == ITEM_CHECKING)
			batch_add(b, i);
	b->items_too = e->number && b->n;       /* else results are CHECK_SAME so far: the list says so */
	struct elane *l = elane_of(r, e->lane);
	if (b->n && l->places[0] && referrals_stale(l->referrals, r->c->lane[e->lane].o.list_max_age_us))
		referrers_ask(r->en, r->lane_of[e->lane], recheck_referred, b);
	else
		recheck_begin(b);
}

/* ---- single items ---- */

struct one {
	struct runner *r;
	int lane;
	int32_t item;
	bool reread;
	int64_t why;                    /* enum reread_why */
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
	struct cycle_event ev = event_of(EV_ANSWER);
	POINT("send", "after");
	ev.item = o->item;
	ev.answer = (struct cycle_answer){ .kind = kinds[a->kind], .class_ = a->class_, .left = a->left, .wait_ms = a->wait_ms,
		.wait_coarse = a->wait_coarse, .quota = a->quota, .slow = a->took_us > elane_of(r, o->lane)->cfg->timeout_ms * 500, .status = a->status, .detail = a->detail };
	if (a->kind == LANE_NOT_SENT && a->trouble == LANE_NOT_PERMITTED)
		ev.answer.kind = r->c->rehearsal ? ANSWER_REHEARSED : ANSWER_LANE_REFUSED;
	r->waiting--;
	feed(r, &ev);
	free(o);
}

static void do_send(struct runner *r, const struct effect *e)
{
	struct one *o = one_new(r, e->lane, e->item);
	POINT("send", "before");
	lane_must_undo(elane_of(r, e->lane)->lane, r->plan->item[e->item].class_ == REV_R3);
	lane_delete(elane_of(r, e->lane)->lane, r->plan->item[e->item].id, sent, o);
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
	feed(r, &ev);
	free(o);
}

static void do_probe(struct runner *r, const struct effect *e, bool reread)
{
	struct one *o = one_new(r, e->lane, e->item);
	struct slice id = e->item >= 0 ? r->plan->item[e->item].id : r->control[e->lane][-1 - e->item];
	o->reread = reread;
	o->why = e->number;
	lane_probe(elane_of(r, e->lane)->lane, id, probed, o);
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
	feed(r, &ev);
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

void act(struct runner *r, const struct effect *e)
{
	if (r->en->closing)
		return;         /* as after a crash: what is durable says what has to be done */
	switch (e->kind) {
	case EFF_DISCOVER: do_discover(r, e->lane); break;
	case EFF_LIST_RECORDS: do_list_records(r); break;
	case EFF_VALIDATE: do_validate(r); break;
	case EFF_RECHECK: do_recheck(r, e); break;
	case EFF_CLAIM: do_claim(r, e); break;
	case EFF_SEND: do_send(r, e); break;
	case EFF_PROBE: do_probe(r, e, false); break;
	case EFF_REREAD: do_probe(r, e, true); break;
	case EFF_RELIST: do_relist(r, e->lane); break;
	case EFF_COMMIT_ROWS: do_commit(r, e); break;
	case EFF_LOOK_ROWS: do_look(r, e); break;
	case EFF_RELEASE: do_release(r, e); break;
	case EFF_COUNT_CLAIMS: do_count_claims(r); break;
	case EFF_ENDED: do_ended(r); break;
	case EFF_BASELINE: restoring_baseline(r, e->lane); break;
	case EFF_RESTORE: restoring_upload(r, e->item); break;
	case EFF_SEEK: restoring_seek(r, e->item); break;
	case EFF_REMAP_ROWS: do_remap(r, e); break;
	case EFF_AUDIT: case EFF_ITEM: case EFF_DEAD: case EFF_SPENT: case EFF_CYCLE: case EFF_NEW_ID: break;
	}
}
