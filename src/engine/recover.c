/* After a restart: the open cycle is rebuilt from sluice.db, its plan is hashed again, and the
 * coordinator says what each item's last durable record means (SEMANTICS 7). */
#include "engine/internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct open_cycle {
	int64_t id, opened_us;
	char policy[64], name[32], plan[HASH_HEX], stage[32];
	struct buf body;
	int n;
};

static enum rc take_cycle(void *ctx, const struct journal_cycle *c)
{
	struct open_cycle *o = ctx;
	if (o->n++)
		return RC_OK;
	o->id = c->id;
	o->opened_us = c->opened_us;
	snprintf(o->policy, sizeof o->policy, "%.*s", SLICE_FMT(c->policy));
	snprintf(o->name, sizeof o->name, "%.*s", SLICE_FMT(c->name));
	snprintf(o->plan, sizeof o->plan, "%.*s", SLICE_FMT(c->plan));
	snprintf(o->stage, sizeof o->stage, "%.*s", SLICE_FMT(c->stage));
	buf_add(&o->body, c->body.p, c->body.n);
	return RC_OK;
}

struct restoring {
	struct runner *r;
	struct plan *plan;
	struct err *e;
	const char *plan_id;
};

static enum rc take_plan(void *ctx, const struct journal_plan *jp)
{
	struct restoring *q = ctx;
	return plan_read_header(q->plan, jp->header, q->e);
}

static enum rc take_item(void *ctx, const struct journal_item *it)
{
	struct restoring *q = ctx;
	struct plan_item pi = { .lane = it->lane, .rank = it->rank, .id = it->id, .name = it->name, .row = it->row, .rule = it->rule,
		.evidence = it->evidence, .bytes = it->bytes, .created_us = it->created_us, .used_us = -1,
		.class_ = (enum reversibility)it->class_ };
	struct cycle_plan_item ci = { it->lane, it->bytes, it->row.n > 0, restoring_class(&pi) };
	plan_add(q->plan, &pi);
	struct cycle_stored st = { it->state, it->row_state, it->attempts, it->last_class, it->sent_us };
	return cycle_item_restore(q->r->c, it->n, &ci, &st, q->e);
}

static void approver(struct egrant *g, struct slice body)
{
	struct json_doc *d;
	if (json_parse(&d, body, NULL, NULL) != RC_OK)
		return;
	snprintf(g->g.reason, sizeof g->g.reason, "%.*s", SLICE_FMT(json_get_str(json_root(d), "reason")));
	grant_approvals_read(g, json_root(d));
	json_doc_free(d);
}

static enum rc take_grant(void *ctx, const struct journal_grant *jg)
{
	struct restoring *q = ctx;
	struct runner *r = q->r;
	if (r->grants == CYCLE_MAX_LANES || !slice_is(jg->state, "active") || !slice_is(jg->plan, q->plan_id))
		return RC_OK;
	struct egrant *g = &r->grant[r->grants++];
	snprintf(g->id, sizeof g->id, "%.*s", SLICE_FMT(jg->id));
	snprintf(g->g.lane, sizeof g->g.lane, "%.*s", SLICE_FMT(jg->lane));
	snprintf(g->state, sizeof g->state, "%.*s", SLICE_FMT(jg->state));
	snprintf(g->g.on_abort, sizeof g->g.on_abort, "%.*s", SLICE_FMT(jg->on_abort));
	g->g.items = jg->items;
	g->g.bytes = jg->bytes;
	g->g.share_bp = jg->share_bp;
	g->g.made_us = jg->made_us;
	g->g.lapses_us = jg->expires_us;
	g->made_boot_us = jg->made_boot_us;
	approver(g, jg->body);
	return RC_OK;
}

/* Ranks were counted by plan_add's caller; the lanes' sums come from the items again. */
static void recount(struct plan *p)
{
	for (int32_t i = 0; i < p->items; i++) {
		struct plan_lane *l = &p->lane[p->item[i].lane];
		if (p->item[i].rank == 1)
			l->first = i;
	}
}

static enum rc same_targets(struct runner *r, const struct plan *p, struct err *e)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < p->lanes; i++) {
		struct elane *el = &r->en->lane[r->lane_of[i]];
		struct buf id;
		buf_init(&id);
		lane_identity(el->lane, &id);
		p->lane[i].url = slice_of(el->cfg->url);
		p->lane[i].account = slice_of(el->cfg->account);
		p->lane[i].key = slice_of(el->key_print);
		if (!slice_eq(p->lane[i].identity, buf_slice(&id)))
			rc = err_set(e, RC_AUTH, "lane %.*s is now another target or account than cycle %s was approved for; "
				     "put the old one back to finish or abort it", SLICE_FMT(p->lane[i].name), r->name);
		buf_done(&id);
	}
	return rc;
}

static enum rc restore_plan(struct runner *r, struct plan *p, const char *want, struct err *e)
{
	struct engine *en = r->en;
	struct restoring q = { r, p, e, want };
	struct hash h;
	char hex[HASH_HEX];
	enum rc rc = journal_read_plan(en->reader, r->c->id, take_plan, &q, e);
	if (rc == RC_OK && p->lanes != r->c->lanes)
		rc = err_set(e, RC_AUTH, "cycle %s was for other lanes than its policy has now", r->name);
	if (rc == RC_OK)
		rc = journal_read_items(en->reader, r->c->id, 0, 0, take_item, &q, e);
	if (rc == RC_OK)
		rc = journal_read_grants(en->reader, r->c->id, take_grant, &q, e);
	if (rc != RC_OK)
		return rc;
	recount(p);
	plan_hash(p, &h);
	if (strcmp(hash_hex(hex, &h), want))
		return err_set(e, RC_AUDIT, "the stored plan of cycle %s does not hash to its id; it cannot be continued", r->name);
	p->id = h;
	return same_targets(r, p, e);
}

/* The lanes were listed first, then the records: what was touched after the last lane was, the plan did not see. */
static void restore_listed(const struct runner *r)
{
	int64_t us = -1;
	for (int i = 0; i < r->plan->lanes; i++)
		us = MAX(us, r->plan->lane[i].listed_us);
	if (r->records)
		records_listed_since(r->records->rec, us);
}

/* Items outside the plan that must stay: those that were chosen with it, none if that is not known. */
static enum rc restore_controls(struct runner *r, struct err *e)
{
	struct buf b;
	struct json_doc *d = NULL;
	bool found;
	buf_init(&b);
	enum rc rc = journal_read_setting(r->en->reader, "controls", &b, &found, e);
	if (rc == RC_OK && found && json_parse(&d, buf_slice(&b), NULL, NULL) != RC_OK)
		found = false;
	const struct json *j = d ? json_root(d) : NULL;
	const struct json *lane = found && json_get_i64(j, "cycle", 0) == r->c->id ? json_first(json_get(j, "lanes")) : NULL;
	for (int i = 0; i < r->c->lanes; i++, lane = lane ? json_next(lane) : NULL) {
		struct slice id;
		int k = 0;
		for (const struct json *v = json_first(lane); v && k < CYCLE_CONTROL && json_str(v, &id); v = json_next(v))
			r->control[i][k++] = plan_keep(r->plan, id);
		r->c->lane[i].control_n = k;
	}
	json_doc_free(d);
	buf_done(&b);
	return rc;
}

/* It has done nothing yet and cannot be continued: it ends here, so that the engine can start. */
static enum rc give_up(struct engine *en, const struct open_cycle *o, const char *why)
{
	struct journal *j = journal_new();
	struct audit_actor who = actor_engine;
	struct buf b;
	struct jw w;
	who.name = SLICE_LIT("recovery");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "end", cycle_end_name(END_LAPSED));
	jw_kz(&w, "from", o->stage);
	jw_kz(&w, "why", why);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_CYCLE_CLOSE, &who, slice_of(o->policy), o->id, SLICE_LIT(""), buf_slice(&b));
	struct journal_cycle row = { .id = o->id, .name = slice_of(o->name), .policy = slice_of(o->policy),
		.stage = slice_of(cycle_stage_name(STAGE_ENDED)), .state = slice_of(cycle_end_name(END_LAPSED)), .plan = slice_of(o->plan),
		.body = buf_slice(&o->body), .opened_us = o->opened_us, .closed_us = now_read().wall_us };
	journal_cycle(j, &row);
	store_commit(en->store, j, NULL, NULL);
	snprintf(en->notice, sizeof en->notice, "cycle %s was ended: %.180s", o->name, why);
	buf_done(&b);
	return RC_OK;
}

static bool nothing_done(const struct open_cycle *o)
{
	return !strcmp(o->stage, cycle_stage_name(STAGE_DISCOVERING)) || !strcmp(o->stage, cycle_stage_name(STAGE_VALIDATING));
}

static enum rc rebuild(struct engine *en, struct open_cycle *o, struct err *e)
{
	const struct cfg_policy *p = config_policy(en->cfg, slice_of(o->policy));
	if (!p)
		return err_set(e, RC_USAGE, "cycle %s is open and its policy %s is no longer configured; put it back to finish or abort it",
			       o->name, o->policy);
	struct runner *r = runner_new(en, o->id, p, false);
	runner_opened(r, o->opened_us);
	enum rc rc = cycle_body_read(r->c, buf_slice(&o->body), now_read(), e);
	if (rc == RC_OK)
		rc = bounds_restore(r, p, e);
	if (rc == RC_OK && r->c->stage >= STAGE_CLEANING) {     /* before that the cycle starts over */
		r->plan = plan_new(o->id);
		rc = restore_plan(r, r->plan, o->plan, e);
		if (rc == RC_OK)
			restore_listed(r);
		if (rc == RC_OK)
			rc = restore_controls(r, e);
		if (rc == RC_OK)
			rc = restoring_read(r, e);
	}
	if (rc != RC_OK) {
		runner_free(r);
		return rc;
	}
	struct effects fx = { 0 };
	if (paths_hold(en->paths)) {
		r->c->held = true;
		snprintf(r->c->held_why, sizeof r->c->held_why, "the file HOLD is there");
	}
	rc = cycle_recover(r->c, now_read(), &fx, e);
	if (rc != RC_OK) {
		runner_free(r);
		return rc;
	}
	en->run = r;
	struct audit_actor who = actor_engine;
	who.name = SLICE_LIT("recovery");
	runner_carry_out(r, &fx, NULL, &who, NULL, NULL);
	effects_done(&fx);
	runner_arm_timer(r);
	return RC_OK;
}

enum rc recover_cycle(struct engine *en, struct err *e)
{
	struct open_cycle o = { 0 };
	buf_init(&o.body);
	enum rc rc = journal_last_cycle(en->reader, &en->last_cycle, e);
	if (rc == RC_OK)
		rc = journal_open_cycles(en->reader, take_cycle, &o, e);
	if (rc == RC_OK && o.n)
		rc = rebuild(en, &o, e);
	if (rc != RC_OK && o.n && nothing_done(&o))
		rc = give_up(en, &o, e->text);
	buf_done(&o.body);
	return rc;
}
