/* Every item of the listed lanes judged against its rows, on a worker: verdicts into the catalogue,
 * candidates into a plan. Then, when what can be copied was copied (engine/copying.c), the plan is frozen
 * and put into a journal batch. */
#include "engine/hidden.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { VERDICT_BATCH = 1000 };

struct pass {
	struct validation *v;
	struct catalog *c;
	int lane;                       /* of the plan */
	struct policy_verdict verdict;
	struct rng rng;
	int64_t kept_seen;
	enum { COMPARE, JUDGE } turn;           /* sets of items, then verdicts and candidates */
	struct policy_sets *sets;
	struct catalog_rank *ranks;     /* of the candidates, in the order of plan_add */
	size_t n_ranks, cap_ranks;
	int64_t verdicts;
	struct catalog_verdict out[VERDICT_BATCH];
	size_t n_out;
	struct arena *texts;
};

static struct slice keep(struct arena *a, struct slice s)
{
	return (struct slice){ arena_strndup(a, s.p ? s.p : "", s.n), s.n };
}

/* What a copy is made and compared by; the plan keeps neither. */
static void offer_copy(struct pass *p, const struct catalog_item *it, const struct catalog_row *rows, size_t live)
{
	struct validation *v = p->v;
	GROW(v->copy, v->copy_cap, (size_t)v->plan->items);
	v->copy[v->plan->items - 1] = (struct ecopy){ .purpose = plan_keep(v->plan, it->purpose),
		.sha256 = plan_keep(v->plan, live ? rows[0].sha256 : SLICE_LIT("")), .object = plan_keep(v->plan, objects_of(rows, live)), .bytes = -1 };
}

/* Before anything was copied. */
static enum reversibility reversible(const struct validation *v, int lane)
{
	return v->undoable[lane] ? REV_R3 : REV_R0;
}

static void take_candidate(struct pass *p, const struct catalog_item *it, const struct catalog_row *rows, size_t live)
{
	struct plan_item pi = { .lane = p->lane, .id = it->id, .name = it->name, .bytes = it->bytes, .created_us = it->created_us,
		.used_us = live ? rows[0].used_us : -1, .class_ = reversible(p->v, p->lane),
		.row = live ? rows[0].key : SLICE_LIT(""),
		.rule = buf_slice(&p->verdict.rule), .evidence = buf_slice(&p->verdict.evidence) };
	plan_add(p->v->plan, &pi);
	if (p->v->copies)
		offer_copy(p, it, rows, live);
	GROW(p->ranks, p->cap_ranks, p->n_ranks + 1);
	p->ranks[p->n_ranks++] = (struct catalog_rank){ .nth = p->verdicts };
}

/* Up to CYCLE_CONTROL items that stay, chosen by the plan's seed. */
static void offer_control(struct pass *p, const struct catalog_item *it)
{
	struct validation *v = p->v;
	int k = v->control_n[p->lane];
	p->kept_seen++;
	if (k < CYCLE_CONTROL)
		v->control_n[p->lane]++;
	else if ((k = (int)rng_below(&p->rng, (uint64_t)p->kept_seen)) >= CYCLE_CONTROL)
		return;
	v->control[p->lane][k] = plan_keep(v->plan, it->id);
}

static enum rc flush(struct pass *p)
{
	enum rc rc = catalog_verdicts_add(p->c, p->out, p->n_out, &p->v->err);
	p->n_out = 0;
	arena_reset(p->texts);
	return rc;
}

static enum rc put_verdict(struct pass *p, const struct catalog_item *it)
{
	p->verdicts++;
	p->out[p->n_out++] = (struct catalog_verdict){
		.lane = it->lane, .id = keep(p->texts, it->id), .name = keep(p->texts, it->name), .purpose = keep(p->texts, it->purpose),
		.bytes = it->bytes, .created_us = it->created_us, .verdict = (int32_t)p->verdict.verdict,
		.class_ = (int32_t)reversible(p->v, p->lane), .rule = keep(p->texts, buf_slice(&p->verdict.rule)), .where = keep(p->texts, slice_of(p->verdict.where)),
		.reason = keep(p->texts, buf_slice(&p->verdict.reason)), .evidence = keep(p->texts, buf_slice(&p->verdict.evidence)) };
	return p->n_out == VERDICT_BATCH ? flush(p) : RC_OK;
}

/* Why the item is not among what this cycle was opened for; NULL = it is. */
static const char *not_chosen(const struct pass *p, const struct catalog_item *it)
{
	const char *lane = p->v->lane_name[p->lane];
	if (p->v->redrive && !redrive_has(p->v->redrive, lane, it->id))
		return "not among the dead letters that are redriven";
	return p->v->pick && !pick_has(p->v->pick, lane, it->id) ? "not among the items that were picked" : NULL;
}

/* A redrive and a hand-picked cycle plan nothing but what was chosen, and that only if the policy says so. */
static void bound_to_chosen(struct pass *p, const struct catalog_item *it)
{
	struct policy_verdict *v = &p->verdict;
	const char *why = v->verdict == VERDICT_CANDIDATE ? not_chosen(p, it) : NULL;
	if (!why)
		return;
	v->verdict = VERDICT_KEPT;
	buf_clear(&v->reason);
	buf_adds(&v->reason, why);
}

static enum rc one_item(void *ctx, const struct catalog_item *it, const struct catalog_row *rows, size_t n, size_t live)
{
	struct pass *p = ctx;
	if (!it) {                      /* a row without a file: no rule of this version deletes rows alone */
		if (p->turn == JUDGE)
			reconcile_row(&p->v->reconciled[p->lane], &p->v->facts, rows);
		return RC_OK;
	}
	if (p->turn == COMPARE) {
		policy_sets_add(p->sets, it, rows, live, !policy_protects(p->v->policy, &p->v->facts, it, rows, n));
		return RC_OK;
	}
	policy_judge(p->v->policy, &p->v->facts, it, rows, n, &p->verdict);
	pick_seen(p->v, p->v->lane_name[p->lane], it->id);
	bound_to_chosen(p, it);
	p->v->by_verdict[p->lane][p->verdict.verdict]++;
	p->v->reconciled[p->lane].of[p->verdict.reconciled]++;
	if (p->v->hidden)
		hidden_item(p->v->hidden, p->lane, p->verdict.verdict == VERDICT_CANDIDATE, it, rows, live);
	if (p->verdict.verdict == VERDICT_CANDIDATE)
		take_candidate(p, it, rows, live);
	else
		offer_control(p, it);
	return put_verdict(p, it);
}

static void lane_facts(struct validation *v, int lane)
{
	const struct ereferrals *f = v->referrals[lane];
	v->facts.protected_ids = v->protected_ids[lane];
	v->facts.n_protected = v->n_protected[lane];
	v->facts.places = v->places[lane];
	v->facts.places_trouble = f && !f->complete ? f->trouble : NULL;
	v->facts.held = f ? f->held : NULL;
	v->facts.n_held = f ? f->n : 0;
}

static enum rc each_lane(struct pass *p)
{
	struct validation *v = p->v;
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < v->lanes; i++) {
		if (v->excluded[i])
			continue;
		p->lane = i;
		p->kept_seen = 0;
		lane_facts(v, i);
		rc = gather_lane(p->c, v->lane_of[i], v->lane_name[i], one_item, p, &v->err);
	}
	return rc;
}

static enum rc rank(struct pass *p)
{
	const struct plan *pl = p->v->plan;
	for (int32_t i = 0; i < pl->items; i++)
		p->ranks[pl->item[i].nth].rank = pl->item[i].rank;
	return catalog_verdicts_rank(p->c, p->ranks, p->n_ranks, &p->v->err);
}

static void write_journal(struct validation *v)
{
	const struct plan *p = v->plan;
	struct journal *j = v->journal = journal_new();
	for (int32_t i = 0; i < p->items; i++) {
		const struct plan_item *it = &p->item[i];
		struct journal_item ji = { .cycle = p->cycle, .n = i, .lane = it->lane, .rank = it->rank, .id = it->id, .name = it->name,
			.bytes = it->bytes, .created_us = it->created_us, .row = it->row, .evidence = it->evidence, .rule = it->rule,
			.class_ = (int32_t)it->class_, .state = ITEM_PLANNED, .row_state = ROW_UNTOUCHED, .sent_us = -1 };
		journal_item(j, &ji);
	}
}

/* A policy without records judges without rows: those of another policy are none of its business. */
static enum rc no_rows(struct catalog *c, struct err *e)
{
	int64_t n;
	enum rc rc = catalog_rows_begin(c, e);
	return rc == RC_OK ? catalog_rows_finish(c, &n, e) : rc;
}

/* Rules that compare items see all of them before the first is judged. */
static enum rc compare(struct pass *p)
{
	struct validation *v = p->v;
	if (!policy_needs_sets(v->policy))
		return RC_OK;
	p->turn = COMPARE;
	p->sets = policy_sets_new(v->policy, v->lanes_cfg);
	enum rc rc = each_lane(p);
	policy_sets_seal(p->sets);
	v->facts.sets = p->sets;
	return rc;
}

static enum rc judge(struct pass *p)
{
	struct validation *v = p->v;
	enum rc rc = v->rc;             /* of what was read before */
	if (rc == RC_OK && !v->records)
		rc = no_rows(p->c, &v->err);
	v->judged_us = now_read().boot_us;
	if (rc == RC_OK)
		rc = compare(p);
	p->turn = JUDGE;
	if (rc == RC_OK)
		rc = catalog_verdicts_begin(p->c, &v->err);
	if (rc == RC_OK)
		rc = each_lane(p);
	if (rc == RC_OK)
		rc = flush(p);
	if (rc == RC_OK && v->facts.objects == POLICY_OBJECTS_LISTED)
		rc = catalog_objects_unnamed(p->c, v->lane_of, (size_t)v->lanes, &v->objects_unnamed, &v->err);
	if (rc == RC_OK)
		rc = depends_settle(v, NULL, NULL, NULL);
	if (v->copies)
		v->order = plan_in_rank_order(v->plan);
	v->judged_us = now_read().boot_us - v->judged_us;
	return rc;
}

void validation_judge(struct catalog *c, struct validation *v)
{
	struct pass *p = v->pass = xcalloc(1, sizeof *p);
	p->v = v;
	p->c = c;
	p->texts = arena_new(1 << 16);
	rng_seed(&p->rng, v->seed);
	v->hidden = hidden_new(v);
	policy_verdict_init(&p->verdict);
	v->rc = judge(p);
}

/* ---- what was copied, and what was not ---- */

static bool asked_for(const struct validation *v, const struct plan_item *it)
{
	return v->copies && v->escrow[it->lane] != CFG_ESCROW_OFF && it->class_ == REV_R0;
}

/* One more line of evidence: the plan is hashed with it. */
static struct slice with_copy(struct pass *p, const struct plan_item *it)
{
	const struct ecopy *k = &p->v->copy[it->nth];
	struct buf b;
	struct jw w;
	buf_init(&b);
	buf_add(&b, it->evidence.p, it->evidence.n - 1);
	buf_adds(&b, it->evidence.n > 2 ? "," : "");
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "rule", "escrow");
	jw_kz(&w, "verdict", k->kept ? "yes" : "no");
	jw_kz(&w, "because", !k->kept ? k->why : k->same_id ?
	      "copied and verified: it can be restored under its own key, unless that is taken by then" : "copied and verified: it can be restored under a new id");
	if (k->kept && k->from)
		jw_kz(&w, "from", k->from);
	if (k->kept) {
		char hex[HASH_HEX];
		jw_ki64(&w, "bytes", k->bytes);
		jw_kz(&w, "sha256", hash_hex(hex, &k->hash));
	}
	jw_end_obj(&w);
	buf_addc(&b, ']');
	struct slice s = plan_keep(p->v->plan, buf_slice(&b));
	buf_done(&b);
	return s;
}

/* Required, and there is no copy: no candidate. A rehearsal copies nothing and shows what it would take. */
static bool falls_out(const struct validation *v, const struct plan_item *it)
{
	return asked_for(v, it) && v->escrow[it->lane] == CFG_ESCROW_REQUIRED && !v->copy[it->nth].kept && !v->plan->rehearsal;
}

static enum rc amend(struct pass *p, struct plan_item *it, bool gone)
{
	struct validation *v = p->v;
	const struct ecopy *k = &v->copy[it->nth];
	struct buf why;
	buf_init(&why);
	if (gone)
		buf_addf(&why, "no copy can be kept, and its escrow is required: %s", k->why);
	struct catalog_amend a = { .nth = p->ranks[it->nth].nth, .verdict = gone ? VERDICT_KEPT : VERDICT_CANDIDATE,
		.class_ = (int32_t)it->class_, .reason = buf_slice(&why), .evidence = it->evidence };
	enum rc rc = catalog_verdicts_amend(p->c, &a, 1, &v->err);
	buf_done(&why);
	return rc;
}

static void take_out(struct pass *p, const bool *gone)
{
	size_t n = 0;
	for (size_t k = 0; k < p->n_ranks; k++)
		if (!gone[k])
			p->ranks[n++] = p->ranks[k];
	p->n_ranks = n;
	plan_remove(p->v->plan, gone);
}

/* A line of evidence where an item goes after another; a verdict where it may not go. */
static enum rc told_of_order(void *ctx, struct plan_item *it, bool leaves, const char *why)
{
	struct pass *p = ctx;
	struct validation *v = p->v;
	struct buf b = { 0 };
	struct jw w;
	buf_add(&b, it->evidence.p, it->evidence.n - 1);
	buf_adds(&b, it->evidence.n > 2 ? "," : "");
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "rule", "order");
	jw_kz(&w, "verdict", leaves ? "no" : "yes");
	jw_kz(&w, "because", why);
	jw_end_obj(&w);
	buf_addc(&b, ']');
	it->evidence = plan_keep(v->plan, buf_slice(&b));
	buf_done(&b);
	v->by_verdict[it->lane][VERDICT_CANDIDATE] -= leaves;
	v->by_verdict[it->lane][VERDICT_PROTECTED] += leaves;
	struct catalog_amend a = { .nth = p->ranks[it->nth].nth, .verdict = leaves ? VERDICT_PROTECTED : VERDICT_CANDIDATE,
		.reason = leaves ? slice_of(why) : SLICE_LIT(""), .evidence = it->evidence };
	return catalog_verdicts_amend(p->c, &a, 1, &v->err);
}

static enum rc settle_copies(struct pass *p)
{
	struct validation *v = p->v;
	bool *gone = v->copies || depends_any(v) ? xcalloc((size_t)MAX(v->plan->items, 1), sizeof *gone) : NULL;
	enum rc rc = RC_OK;
	for (int32_t i = 0; gone && rc == RC_OK && i < v->plan->items; i++) {
		struct plan_item *it = &v->plan->item[i];
		if (!asked_for(v, it))
			continue;
		it->evidence = with_copy(p, it);
		gone[it->nth] = falls_out(v, it);
		it->class_ = v->copy[it->nth].kept ? REV_R1 : REV_R0;
		v->by_verdict[it->lane][VERDICT_CANDIDATE] -= gone[it->nth];
		v->by_verdict[it->lane][VERDICT_KEPT] += gone[it->nth];
		rc = amend(p, it, gone[it->nth]);
	}
	if (rc == RC_OK && gone)
		rc = depends_settle(v, gone, told_of_order, p);
	if (rc == RC_OK && v->hidden)
		rc = hidden_check(v->hidden, v, gone, &v->err);
	if (gone && rc == RC_OK)
		take_out(p, gone);
	free(gone);
	return rc;
}

static void pass_free(struct pass *p)
{
	p->v->facts.sets = NULL;
	hidden_free(p->v->hidden);
	p->v->hidden = NULL;
	policy_sets_free(p->sets);
	policy_verdict_done(&p->verdict);
	arena_free(p->texts);
	free(p->ranks);
	free(p);
}

void validation_freeze(struct validation *v)
{
	struct pass *p = v->pass;
	if (v->rc == RC_OK)
		v->rc = settle_copies(p);
	v->frozen_us = now_read().boot_us;
	if (v->rc == RC_OK) {
		reconcile_proof(v);
		pick_proof(v);
	}
	if (v->rc == RC_OK)
		v->rc = plan_freeze(v->plan, &v->err);
	v->frozen_us = now_read().boot_us - v->frozen_us;
	if (v->rc == RC_OK)
		v->rc = rank(p);
	if (v->rc == RC_OK)
		v->rc = catalog_verdicts_finish(p->c, &v->err);
	if (v->rc == RC_OK)
		write_journal(v);
	for (int i = 0; v->rc == RC_OK && i < v->lanes; i++)
		v->irreversible[i] = v->plan->lane[i].by_class[REV_R0];
	pass_free(p);
	free(v->copy);
	free(v->order);
	v->order = NULL;
	v->pass = NULL;
	v->copy = NULL;
}
