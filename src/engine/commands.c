/* What operators ask for. Each command is checked here against mode, identity and the cycle, decided
 * by the coordinator, and answered when the decision is durable. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(engine_reply *r, void *ctx, enum rc rc, const char *why)
{
	struct err e;
	err_set(&e, rc, "%s", why);
	r(ctx, rc, &e, NULL);
}

/* r may be NULL: only to know. */
bool command_may_write(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx)
{
	char why[160];
	if (!who->watching && who->name[0] && !en->stopping)
		return true;
	if (who->watching)
		snprintf(why, sizeof why, "this connection is a watcher's: it can look, nothing else");
	else if (!who->name[0])
		snprintf(why, sizeof why, "uid %" PRId64 " is no operator; add it under operators: in the configuration", who->uid);
	else
		snprintf(why, sizeof why, "the engine is stopping");
	if (r)
		refuse(r, ctx, RC_REFUSED, why);
	return false;
}

/* A decision that cannot be recorded is not taken. Hold alone is heard at any time. */
bool command_may_record(struct engine *en, engine_reply *r, void *ctx)
{
	if (store_writable(en->store))
		return true;
	refuse(r, ctx, RC_AUDIT, "the audit log cannot be written; nothing is decided until it can, hold excepted; stop the engine and look at its log");
	return false;
}

static struct runner *open_run(struct engine *en, engine_reply *r, void *ctx)
{
	if (runner_open(en))
		return en->run;
	refuse(r, ctx, RC_REFUSED, "no cycle is open; start one with cycle start POLICY");
	return NULL;
}

static void command(struct engine *en, const struct engine_who *who, struct cycle_event *ev, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct runner *run;
	if (command_may_write(en, who, r, ctx) && command_may_record(en, r, ctx) && (run = open_run(en, r, ctx)))
		runner_event(run, ev, &a, NULL, r, ctx);
}

/* ---- starting ---- */

static void start(struct engine *en, const struct engine_who *who, const struct cfg_policy *p, struct redrive *d, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct cycle_event ev = event_of(EV_START);
	struct journal *also = NULL;
	runner_free(en->run);
	en->run = runner_new(en, ++en->last_cycle, p, en->mode == MODE_REHEARSE);
	en->run->redrive = d;
	engine_permits(en);
	if (d) {
		also = journal_new();
		redrive_open(also, d, &a, en->run->c->id);
	}
	runner_event(en->run, &ev, &a, also, r, ctx);
}

void command_start(struct engine *en, const struct engine_who *who, struct slice policy, struct redrive *d, engine_reply *r, void *ctx)
{
	const struct cfg_policy *p = config_policy(en->cfg, policy);
	char why[200], name[80];
	if (!command_may_write(en, who, r, ctx)) {
		redrive_free(d);
		return;
	}
	if (!p) {
		snprintf(why, sizeof why, "there is no policy %s; sluice rpc policies lists them", text_z(name, sizeof name, policy));
		refuse(r, ctx, RC_USAGE, why);
	} else if (runner_open(en)) {
		snprintf(why, sizeof why, "cycle %s is open; finish, cancel or abort it first", en->run->name);
		refuse(r, ctx, RC_REFUSED, why);
	} else if (en->run && en->run->waiting) {
		refuse(r, ctx, RC_REFUSED, "the last cycle is still being closed; try again in a moment");
	} else if (command_may_record(en, r, ctx)) {
		start(en, who, p, d, r, ctx);
		return;
	}
	redrive_free(d);
}

void engine_cycle_start(struct engine *en, const struct engine_who *who, struct slice policy, engine_reply *r, void *ctx)
{
	command_start(en, who, policy, NULL, r, ctx);
}

/* ---- gates ---- */

static bool plan_stands(const struct runner *run)
{
	return hash_eq(&run->policy->hash, &run->plan->policy_hash) && slice_is(run->plan->program, "sluice " SLUICE_VERSION);
}

static bool gate_mode(struct engine *en, struct runner *run, engine_reply *r, void *ctx)
{
	bool cleaning = run->c->plan_frozen && run->c->stage >= STAGE_VALIDATING && run->c->stage <= STAGE_COMMITTING;
	if (!cleaning || run->c->rehearsal || en->mode == MODE_ARMED)
		return true;
	refuse(r, ctx, RC_REFUSED, "the mode is not armed: nothing outside may change; mode armed first");
	return false;
}

/* A plan that has not begun is refused under another policy or program; one that has may be finished. */
static bool gate_plan(const struct runner *run, engine_reply *r, void *ctx)
{
	char why[160];
	if (!run->plan || !run->c->plan_frozen || run->c->first_intent || plan_stands(run))
		return true;
	snprintf(why, sizeof why, "policy %s or the program changed since the plan was made; cancel the cycle and start a new one", run->policy->name);
	refuse(r, ctx, RC_GRANT, why);
	return false;
}

static void run_command(struct engine *en, const struct engine_who *who, enum cycle_event_kind k, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(k);
	if (runner_open(en) && command_may_write(en, who, NULL, NULL)) {
		if (paths_hold(en->paths)) {
			refuse(r, ctx, RC_HELD, "the file HOLD is in the state directory; remove it, then resume");
			return;
		}
		if (!gate_mode(en, en->run, r, ctx) || !gate_plan(en->run, r, ctx))
			return;
	}
	command(en, who, &ev, r, ctx);
}

void engine_cycle_step(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx)
{
	run_command(en, who, EV_STEP, r, ctx);
}

void engine_cycle_resume(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx)
{
	run_command(en, who, EV_RESUME, r, ctx);
}

void engine_cycle_hold(struct engine *en, const struct engine_who *who, struct slice why, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_HOLD);
	struct audit_actor a = actor_of(who);
	char text[200];
	ev.text = text_z(text, sizeof text, why);
	if (who->watching || !who->name[0])
		(void)command_may_write(en, who, r, ctx);
	else if (runner_open(en))
		runner_event(en->run, &ev, &a, NULL, r, ctx);
	else
		r(ctx, RC_OK, NULL, "{\"held\":false}");
}

void engine_cycle_cancel(struct engine *en, const struct engine_who *who, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_CANCEL);
	command(en, who, &ev, r, ctx);
}

void engine_cycle_ack(struct engine *en, const struct engine_who *who, int64_t failures, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_ACK);
	ev.number = failures;
	command(en, who, &ev, r, ctx);
}

void engine_cycle_abort(struct engine *en, const struct engine_who *who, struct slice how, struct slice reason,
			engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_ABORT);
	char text[200];
	ev.text = text_z(text, sizeof text, reason);
	ev.restore = slice_is(how, "restore");
	if (!ev.restore && !slice_is(how, "keep"))
		refuse(r, ctx, RC_USAGE, "abort how? keep or restore");
	else if (!reason.n)
		refuse(r, ctx, RC_USAGE, "an abort needs a reason");
	else
		command(en, who, &ev, r, ctx);
}

/* Who and why; the coordinator's own record says that it happened. */
static void exclusion_record(struct journal *j, const struct runner *run, const struct audit_actor *a, struct slice lane, struct slice reason)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "asked", "exclude");
	jw_kstr(&w, "reason", reason);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_LANE, a, lane, run->c->id, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

static void note_exclusion(struct engine *en, struct elane *l, const struct engine_who *who, struct slice reason)
{
	snprintf(l->excluded_by, sizeof l->excluded_by, "%s", who->name);
	text_z(l->excluded_why, sizeof l->excluded_why, reason);
	l->excluded_us = now_read().wall_us;
	discover_stop(en, (int)(l - en->lane), "excluded by hand");
	referrers_stop(en, (int)(l - en->lane), "excluded by hand");
}

void engine_lane_exclude(struct engine *en, const struct engine_who *who, struct slice lane, struct slice reason,
			 engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_EXCLUDE);
	struct runner *run = en->run;
	ev.lane = -1;
	for (int i = 0; run && i < run->c->lanes; i++)
		if (slice_is(lane, run->c->lane[i].o.name))
			ev.lane = i;
	if (!runner_open(en)) {
		(void)open_run(en, r, ctx);
	} else if (ev.lane < 0) {
		refuse(r, ctx, RC_USAGE, "that lane is not in the open cycle");
	} else if (!reason.n) {
		refuse(r, ctx, RC_USAGE, "excluding a lane needs a reason");
	} else if (command_may_write(en, who, r, ctx) && command_may_record(en, r, ctx)) {
		struct audit_actor a = actor_of(who);
		struct journal *j = journal_new();
		exclusion_record(j, run, &a, lane, reason);
		runner_event(run, &ev, &a, j, r, ctx);
		if (run->c->lane[ev.lane].excluded)
			note_exclusion(en, &en->lane[run->lane_of[ev.lane]], who, reason);
	}
}

/* ---- mode ---- */

struct mode_change {
	struct engine *en;
	enum engine_mode to;
	engine_reply *reply;
	void *ctx;
};

static void mode_set(void *ctx, enum rc rc, const struct err *e)
{
	struct mode_change *m = ctx;
	char result[64];
	if (rc == RC_OK) {
		m->en->mode = m->to;
		m->en->notice[0] = 0;
		engine_permits(m->en);
		engine_changed(m->en, ENGINE_OVERVIEW | ENGINE_CYCLE);
	}
	snprintf(result, sizeof result, "{\"mode\":\"%s\"}", engine_mode_name(m->en->mode));
	m->reply(m->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(m);
}

/* Is this lane completely listed under this configuration, or left out of the open cycle by hand? */
static bool lane_known(const struct engine *en, int lane)
{
	if (en->lane[lane].complete)
		return true;
	for (int i = 0; runner_open(en) && i < en->run->c->lanes; i++)
		if (en->run->lane_of[i] == lane)
			return en->run->c->lane[i].excluded;
	return false;
}

static bool policy_known(const struct engine *en, const struct cfg_policy *p, char why[ARM_WHY])
{
	for (size_t i = 0; i < p->n_lanes; i++)
		if (!lane_known(en, p->lanes[i])) {
			snprintf(why, ARM_WHY, "lane %s has not been listed completely since the engine started; start a cycle first",
				 en->cfg->lanes[p->lanes[i]].name);
			return false;
		}
	const struct erecords *r = p->records >= 0 ? &en->records[p->records] : NULL;
	if (r && !(r->listed && r->list.rc == RC_OK)) {
		snprintf(why, ARM_WHY, "records %s have not answered completely since the engine started; start a cycle first", r->cfg->name);
		return false;
	}
	return true;
}

/* Arming needs one complete discovery of a policy under this configuration. A cycle that cleans was discovered
 * when it was planned: armed again it can only be finished or aborted, and every item is re-validated. */
bool engine_may_arm(const struct engine *en, char why[ARM_WHY])
{
	if (en->verified_once && !en->verified.ok) {
		snprintf(why, ARM_WHY, "the audit log does not verify: %.120s", en->verified.why);
		return false;
	}
	if (runner_open(en) && en->run->c->stage >= STAGE_CLEANING && !en->run->c->rehearsal)
		return true;
	if (runner_open(en))
		return policy_known(en, en->run->policy, why);
	snprintf(why, ARM_WHY, "there is no policy to clean by");
	for (size_t i = 0; i < en->cfg->n_policies; i++)
		if (policy_known(en, &en->cfg->policies[i], why))
			return true;
	return false;
}

void engine_set_mode(struct engine *en, const struct engine_who *who, struct slice mode, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	enum engine_mode to = MODE_OBSERVE;
	char why[ARM_WHY], payload[80], hex[HASH_HEX];
	while (to <= MODE_ARMED && !slice_is(mode, engine_mode_name(to)))
		to++;
	if (!command_may_write(en, who, r, ctx))
		return;
	if (to > MODE_ARMED) {
		refuse(r, ctx, RC_USAGE, "mode is observe, rehearse or armed");
		return;
	}
	if (!command_may_record(en, r, ctx))
		return;
	if (to == MODE_ARMED && en->mode != MODE_ARMED && !engine_may_arm(en, why)) {
		refuse(r, ctx, RC_REFUSED, why);
		return;
	}
	if (to != MODE_ARMED && runner_open(en) && en->run->c->stage >= STAGE_CLEANING && !en->run->c->rehearsal && !en->run->c->held) {
		refuse(r, ctx, RC_REFUSED, "a cycle is cleaning: hold it before leaving armed");
		return;
	}
	struct mode_change *m = xmalloc(sizeof *m);
	*m = (struct mode_change){ en, to, r, ctx };
	struct journal *j = journal_new();
	hash_hex(hex, &en->cfg->hash);
	snprintf(payload, sizeof payload, "{\"from\":\"%s\",\"to\":\"%s\"}", engine_mode_name(en->mode), engine_mode_name(to));
	journal_audit(j, AUDIT_MODE, &a, slice_of(engine_mode_name(to)), 0, SLICE_LIT(""), slice_of(payload));
	journal_setting(j, "mode", slice_of(engine_mode_name(to)));
	journal_setting(j, "armed_for", to == MODE_ARMED ? slice_of(hex) : SLICE_LIT(""));
	store_commit(en->store, j, mode_set, m);
}

/* ---- grants ---- */

static bool plan_matches(struct runner *run, struct slice plan)
{
	char hex[HASH_HEX];
	return run && run->plan && run->c->plan_frozen && slice_is(plan, hash_hex(hex, &run->plan->id));
}

static void propose(struct journal *j, enum audit_kind k, const struct audit_actor *a, struct runner *run, const struct grant *g,
		    const char *why)
{
	struct buf b;
	struct jw w;
	char hex[HASH_HEX];
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "lane", g->lane);
	jw_ki64(&w, "items", g->items);
	jw_ki64(&w, "bytes", g->bytes);
	jw_kz(&w, "on_abort", g->on_abort);
	jw_kz(&w, "reason", g->reason);
	jw_kz(&w, "nonce", g->nonce);
	if (why)
		jw_kz(&w, "why", why);
	jw_end_obj(&w);
	journal_audit(j, k, a, slice_of(g->lane), run->c->id, slice_of(run->plan ? hash_hex(hex, &run->plan->id) : ""), buf_slice(&b));
	buf_done(&b);
}

static void store_grant(struct journal *j, struct runner *run, const struct egrant *g)
{
	char hex[HASH_HEX];
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "operator", g->g.operator_);
	jw_kz(&w, "reason", g->g.reason);
	jw_kz(&w, "via", g->via);
	jw_end_obj(&w);
	struct journal_grant jg = { .id = slice_of(g->id), .cycle = run->c->id, .plan = slice_of(hash_hex(hex, &run->plan->id)),
		.lane = slice_of(g->g.lane), .items = g->g.items, .bytes = g->g.bytes, .share_bp = g->g.share_bp,
		.on_abort = slice_of(g->g.on_abort), .state = slice_of(g->state), .body = buf_slice(&b), .made_us = g->g.made_us,
		.made_boot_us = g->made_boot_us, .expires_us = g->g.lapses_us, .boot = slice_of(boot_id()) };
	journal_grant(j, &jg);
	buf_done(&b);
}

/* Approvals of one plan and lane so far must come from distinct operators; this version grants at one. */
static enum rc enough_approvals(const struct runner *run, struct err *e)
{
	const struct cfg_policy *p = run->policy;
	if (p->approvals > 1 || p->irreversible_approvals > 1)
		return err_set(e, RC_GRANT, "policy %s wants %" PRId64 " approvals; collecting several is not part of this version, so nothing is granted",
			       p->name, MAX(p->approvals, p->irreversible_approvals));
	return RC_OK;
}

struct lists {
	int64_t since_us, most;
};

static enum rc one_list(void *ctx, const struct audit_record *rec)
{
	struct lists *q = ctx;
	struct json_doc *d;
	if (rec->at.wall_us < q->since_us)
		return RC_NOT_FOUND;            /* older ones follow */
	if (json_parse(&d, rec->payload, NULL, NULL) != RC_OK)
		return RC_OK;
	const struct json *j = json_root(d);
	if (json_get_bool(j, "complete", false) && !json_get_bool(j, "rehearsal", false))
		q->most = MAX(q->most, json_get_i64(j, "items", 0));
	json_doc_free(d);
	return RC_OK;
}

/* The largest complete list of a lane in 24 h, from the log; 0 = none. */
static enum rc most_listed(struct engine *en, struct slice lane, int64_t wall_us, int64_t *most, struct err *e)
{
	struct lists q = { .since_us = wall_us - INT64_C(86400000000) };
	struct audit_filter f = { .kind = slice_of(audit_kind_name(AUDIT_DISCOVERY)), .subject = lane, .limit = 200, .decisions_only = true };
	enum rc rc = audit_query(en->reader, &f, one_list, &q, e);
	*most = q.most;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc check_grant(struct engine *en, struct runner *run, const struct grant *g, struct err *e)
{
	struct journal_lane mem;
	struct now now = now_read();
	if (en->mode != MODE_ARMED)
		return err_set(e, RC_REFUSED, "the mode is %s: a grant can be given only when armed", engine_mode_name(en->mode));
	if (!run || !run->plan || !run->c->plan_frozen)
		return err_set(e, RC_GRANT, "there is no plan to approve");
	if (!plan_stands(run))
		return err_set(e, RC_GRANT, "the policy or the program changed since the plan was made; start a new cycle");
	if (strcmp(g->on_abort, "ask") && strcmp(g->on_abort, "keep") && strcmp(g->on_abort, "restore"))
		return err_set(e, RC_USAGE, "on_abort is ask, keep or restore");
	if (!strcmp(g->on_abort, "restore"))
		return err_set(e, RC_GRANT, "on_abort restore needs escrow copies, and this plan has none; choose keep or ask");
	if (!g->reason[0])
		return err_set(e, RC_USAGE, "an approval needs a reason");
	enum rc rc = enough_approvals(run, e);
	if (rc == RC_OK)
		rc = journal_read_lane(en->reader, slice_of(g->lane), now.wall_us, &mem, e);
	if (rc != RC_OK)
		return rc;
	struct grant_window w = { .spent_items = MAX(mem.spent_items, 0), .spent_bytes = MAX(mem.spent_bytes, 0) };
	rc = most_listed(en, slice_of(g->lane), now.wall_us, &w.most_listed, e);
	if (rc != RC_OK)
		return rc;
	return grant_check(run->plan, g, &w, now.wall_us, e);
}

static void rejected(struct engine *en, const struct audit_actor *a, struct runner *run, const struct grant *g, const struct err *e)
{
	struct journal *j = journal_new();
	if (run)
		propose(j, AUDIT_GRANT_REJECTED, a, run, g, e->text);
	else
		journal_audit(j, AUDIT_REFUSED, a, SLICE_LIT("grant"), 0, SLICE_LIT(""), SLICE_LIT("{}"));
	store_commit(en->store, j, NULL, NULL);
}

/* Give the checked grant to the coordinator. */
static void give(struct runner *run, const struct audit_actor *a, const struct grant *g, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_GRANT);
	int lane = plan_lane_find(run->plan, slice_of(g->lane));
	struct journal *j = journal_new();
	struct egrant *eg = NULL;
	const char *why = cycle_why_not(run->c, CMD_APPROVE);
	if (why || lane < 0 || run->c->lane[lane].excluded) {
		journal_free(j);
		refuse(r, ctx, RC_GRANT, why ? why : "that lane is excluded from the cycle");
		return;
	}
	for (int i = 0; i < run->grants; i++)
		if (!strcmp(run->grant[i].g.lane, g->lane))
			eg = &run->grant[i];
	if (eg) {                               /* the later word counts */
		snprintf(eg->state, sizeof eg->state, "lapsed");
		store_grant(j, run, eg);
	}
	if (!eg)
		eg = &run->grant[run->grants++];
	*eg = (struct egrant){ .g = *g, .made_boot_us = ev.now.boot_us };
	snprintf(eg->id, sizeof eg->id, "%s", g->nonce);
	snprintf(eg->via, sizeof eg->via, "%.*s", (int)MIN(a->via.n, sizeof eg->via - 1), a->via.p);
	snprintf(eg->state, sizeof eg->state, "active");
	ev.lane = lane;
	ev.number = g->items;
	ev.bytes = g->bytes;
	ev.on_abort = strcmp(g->on_abort, "keep") ? ON_ABORT_ASK : ON_ABORT_KEEP;
	ev.until_us = ev.now.wall_us + run->policy->run_for_ms * 1000;
	propose(j, AUDIT_GRANT_PROPOSED, a, run, g, NULL);
	propose(j, AUDIT_GRANT_APPROVED, a, run, g, NULL);
	store_grant(j, run, eg);
	runner_event(run, &ev, a, j, r, ctx);
}

static void new_nonce(char nonce[33])
{
	uint8_t raw[16];
	struct buf b;
	buf_init(&b);
	rng_os(raw, sizeof raw);
	hex_encode(&b, raw, sizeof raw);
	snprintf(nonce, 33, "%s", buf_z(&b));
	buf_done(&b);
}

enum { WRONG_PHRASES = 3, COOL_DOWN_US = 30000000 };

static struct cool *cool_of(struct engine *en, const struct engine_who *who)
{
	const struct cfg_operator *o = config_operator(en->cfg, slice_of(who->name));
	return o ? &en->cool[o - en->cfg->operators] : &en->cool[en->cfg->n_operators];
}

static enum rc check_cool(struct engine *en, const struct engine_who *who, struct err *e)
{
	int64_t left = cool_of(en, who)->until_us - now_read().boot_us;
	if (left <= 0)
		return RC_OK;
	return err_set(e, RC_REFUSED, "three wrong phrases: %s can approve again in %" PRId64 " s", who->name, left / 1000000 + 1);
}

static void count_phrase(struct engine *en, const struct engine_who *who, bool right)
{
	struct cool *c = cool_of(en, who);
	c->wrong = right ? 0 : c->wrong + 1;
	if (c->wrong < WRONG_PHRASES)
		return;
	c->wrong = 0;
	c->until_us = now_read().boot_us + COOL_DOWN_US;
}

void engine_approve(struct engine *en, const struct engine_who *who, const struct engine_approval *q, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct grant g = { .items = q->items, .bytes = q->bytes, .made_us = now_read().wall_us };
	struct err e = { 0 };
	enum rc rc = RC_OK;
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	text_z(g.lane, sizeof g.lane, q->lane);
	text_z(g.reason, sizeof g.reason, q->reason);
	text_z(g.on_abort, sizeof g.on_abort, q->on_abort.n ? q->on_abort : SLICE_LIT("ask"));
	snprintf(g.operator_, sizeof g.operator_, "%s", who->name);
	new_nonce(g.nonce);
	if (!plan_matches(run, q->plan))
		rc = err_set(&e, RC_GRANT, "this plan is no longer valid: the engine's plan is another one; look at it again");
	else
		g.plan = run->plan->id;
	if (rc == RC_OK)
		g.lapses_us = run->plan->until_us;
	if (rc == RC_OK)
		rc = check_cool(en, who, &e);
	if (rc == RC_OK)
		rc = check_grant(en, run, &g, &e);
	if (rc == RC_OK) {
		rc = grant_check_phrases(run->plan, &g, q->phrase, q->irreversible_phrase, &e);
		count_phrase(en, who, rc == RC_OK);
	}
	if (rc != RC_OK) {
		rejected(en, &a, run, &g, &e);
		r(ctx, rc, &e, NULL);
		return;
	}
	give(run, &a, &g, r, ctx);
}

static enum rc verify_file(struct engine *en, const struct grant *g, const uint8_t sig[SIG_BYTES], struct err *e)
{
	const struct cfg_operator *o = config_operator(en->cfg, slice_of(g->operator_));
	struct buf b;
	bool good = false;
	if (!o)
		return err_set(e, RC_GRANT, "grant file: %s is no operator of this configuration", g->operator_);
	if (o->role == CFG_WATCHER)
		return err_set(e, RC_GRANT, "grant file: %s is a watcher and can approve nothing", g->operator_);
	buf_init(&b);
	grant_encode(&b, g);
	for (size_t i = 0; i < o->n_keys; i++)
		good |= sign_verify(o->keys[i].b, buf_slice(&b), sig);
	buf_done(&b);
	return good ? RC_OK : err_set(e, RC_GRANT, "grant file: the signature is not %s's, or the file was changed after signing", g->operator_);
}

struct nonce {
	const char *want;
	bool found;
};

static enum rc same_nonce(void *ctx, const struct journal_grant *g)
{
	struct nonce *q = ctx;
	q->found |= slice_is(g->id, q->want);
	return RC_OK;
}

/* A file counts once: also one that another grant has replaced since. */
static enum rc used_before(struct engine *en, const struct runner *run, const char *nonce, struct err *e)
{
	struct nonce q = { nonce, false };
	for (int i = 0; i < run->grants; i++)
		q.found |= !strcmp(run->grant[i].id, nonce);
	enum rc rc = q.found ? RC_OK : journal_read_grants(en->reader, run->c->id, same_nonce, &q, e);
	if (rc == RC_OK && q.found)
		return err_set(e, RC_GRANT, "this grant file was submitted before; sign a new one");
	return rc;
}

void engine_submit_grant(struct engine *en, const struct engine_who *who, const struct json *file, engine_reply *r, void *ctx)
{
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct audit_actor a = actor_of(who);
	uint8_t sig[SIG_BYTES];
	struct grant g;
	struct err e = { 0 };
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	enum rc rc = grant_read(&g, sig, file, &e);
	if (rc != RC_OK) {
		r(ctx, rc, &e, NULL);
		return;
	}
	rc = verify_file(en, &g, sig, &e);
	if (rc == RC_OK && !run)
		rc = err_set(&e, RC_GRANT, "no cycle is open: the grant is for a plan that does not exist any more");
	if (rc == RC_OK)
		rc = used_before(en, run, g.nonce, &e);
	if (rc == RC_OK && !g.lapses_us)
		rc = err_set(&e, RC_GRANT, "grant file: it does not say when it lapses; sign a new one");
	if (rc == RC_OK)
		rc = check_grant(en, run, &g, &e);
	if (rc != RC_OK) {
		rejected(en, &a, run, &g, &e);
		r(ctx, rc, &e, NULL);
		return;
	}
	a.name = slice_of(g.operator_);
	a.via = SLICE_LIT("signed file");
	give(run, &a, &g, r, ctx);
}

void engine_reject(struct engine *en, const struct engine_who *who, struct slice plan, struct slice reason,
		   engine_reply *r, void *ctx)
{
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct audit_actor a = actor_of(who);
	struct cycle_event ev = event_of(EV_CANCEL);
	struct grant g = { 0 };
	char why[200];
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	if (!plan_matches(run, plan)) {
		refuse(r, ctx, RC_GRANT, "there is no such plan to reject");
		return;
	}
	if (!reason.n) {
		refuse(r, ctx, RC_USAGE, "rejecting a plan needs a reason");
		return;
	}
	struct journal *j = journal_new();
	propose(j, AUDIT_GRANT_REJECTED, &a, run, &g, text_z(why, sizeof why, reason));
	runner_event(run, &ev, &a, j, r, ctx);
}
