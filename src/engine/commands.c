/* What operators ask for. Each command is checked here against mode, identity and the cycle, decided
 * by the coordinator, and answered when the decision is durable. */
#include "engine/degrade.h"
#include "engine/lease.h"
#include "engine/triggers.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void command_refuse(engine_reply *r, void *ctx, enum rc rc, const char *why)
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
		command_refuse(r, ctx, RC_REFUSED, why);
	return false;
}

/* A decision that cannot be recorded is not taken. Hold alone is heard at any time. */
bool command_may_record(struct engine *en, engine_reply *r, void *ctx)
{
	if (store_writable(en->store))
		return true;
	command_refuse(r, ctx, RC_AUDIT, "the audit log cannot be written; nothing is decided until it can, hold excepted; stop the engine and look at its log");
	return false;
}

static struct runner *open_run(struct engine *en, engine_reply *r, void *ctx)
{
	if (runner_open(en))
		return en->run;
	command_refuse(r, ctx, RC_REFUSED, "no cycle is open; start one with cycle start POLICY");
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

static void start(struct engine *en, const struct engine_who *who, const struct cfg_policy *p, struct redrive *d, struct pick *pick,
		  engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct cycle_event ev = event_of(EV_START);
	struct journal *also = NULL;
	runner_free(en->run);
	en->run = runner_new(en, ++en->last_cycle, p, en->mode == MODE_REHEARSE);
	en->run->redrive = d;
	en->run->pick = pick;
	engine_permits(en);
	if (d || pick)
		also = journal_new();
	if (d)
		redrive_open(also, d, &a, en->run->c->id);
	if (pick)
		pick_open(also, pick, &a, p->name, en->run->c->id);
	runner_event(en->run, &ev, &a, also, r, ctx);
}

void command_start(struct engine *en, const struct engine_who *who, struct slice policy, struct redrive *d, const struct json *only,
		   engine_reply *r, void *ctx)
{
	const struct cfg_policy *p = config_policy(en->cfg, policy);
	struct pick *pick = NULL;
	struct err e;
	char why[DEGRADE_WHY], name[80];
	if (!command_may_write(en, who, r, ctx)) {
		redrive_free(d);
		return;
	}
	if (!p) {
		snprintf(why, sizeof why, "there is no policy %s; sluice rpc policies lists them", text_z(name, sizeof name, policy));
		command_refuse(r, ctx, RC_USAGE, why);
	} else if (runner_open(en)) {
		snprintf(why, sizeof why, "cycle %s is open; finish, cancel or abort it first", en->run->name);
		command_refuse(r, ctx, RC_REFUSED, why);
	} else if (en->run && en->run->waiting) {
		command_refuse(r, ctx, RC_REFUSED, "the last cycle is still being closed; try again in a moment");
	} else if (degrade_forbids_start(en, why)) {
		command_refuse(r, ctx, RC_REFUSED, why);
	} else if (only && pick_parse(&pick, only, p, en->cfg, &e) != RC_OK) {
		r(ctx, e.rc, &e, NULL);
	} else if (command_may_record(en, r, ctx)) {
		start(en, who, p, d, pick, r, ctx);
		return;
	}
	pick_free(pick);
	redrive_free(d);
}

void engine_cycle_start(struct engine *en, const struct engine_who *who, struct slice policy, const struct json *only, engine_reply *r, void *ctx)
{
	command_start(en, who, policy, NULL, only, r, ctx);
}

/* ---- gates ---- */

bool runner_plan_stands(const struct runner *run)
{
	return hash_eq(&run->policy->hash, &run->plan->policy_hash) && slice_is(run->plan->program, "sluice " SLUICE_VERSION);
}

static bool gate_mode(struct engine *en, struct runner *run, engine_reply *r, void *ctx)
{
	bool cleaning = run->c->plan_frozen && run->c->stage >= STAGE_VALIDATING && run->c->stage <= STAGE_COMMITTING;
	if (!cleaning || run->c->rehearsal || en->mode == MODE_ARMED)
		return true;
	command_refuse(r, ctx, RC_REFUSED, "the mode is not armed: nothing outside may change; mode armed first");
	return false;
}

/* A plan that has not begun is refused under another policy or program; one that has may be finished. */
static bool gate_plan(const struct runner *run, engine_reply *r, void *ctx)
{
	char why[160];
	if (!run->plan || !run->c->plan_frozen || run->c->first_intent || runner_plan_stands(run))
		return true;
	snprintf(why, sizeof why, "policy %s or the program changed since the plan was made; cancel the cycle and start a new one", run->policy->name);
	command_refuse(r, ctx, RC_GRANT, why);
	return false;
}

/* Nothing is deleted while somebody who uses the lane's files cannot be heard. */
static bool gate_links(struct engine *en, engine_reply *r, void *ctx)
{
	char why[200], text[260];
	if (en->run->c->stage < STAGE_VALIDATING || en->run->c->stage > STAGE_CLEANING || !links_forbid(en, why))
		return true;
	snprintf(text, sizeof text, "%s; resume when it is up again", why);
	command_refuse(r, ctx, RC_HELD, text);
	return false;
}

/* Another engine may clean by the same records, on another host. */
static bool gate_lease(struct engine *en, engine_reply *r, void *ctx)
{
	char why[200];
	const struct cycle *c = en->run->c;
	if (!c->plan_frozen || c->stage < STAGE_VALIDATING || c->stage > STAGE_CLEANING || !lease_forbids(en, why))
		return true;
	command_refuse(r, ctx, RC_LEASE, why);
	return false;
}

void run_command(struct engine *en, const struct engine_who *who, enum cycle_event_kind k, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(k);
	if (runner_open(en) && command_may_write(en, who, NULL, NULL)) {
		if (paths_hold(en->paths)) {
			command_refuse(r, ctx, RC_HELD, "the file HOLD is in the state directory; remove it, then resume");
			return;
		}
		if (!gate_mode(en, en->run, r, ctx) || !gate_plan(en->run, r, ctx) || !gate_links(en, r, ctx) || !gate_lease(en, r, ctx) ||
		    !grants_stand(en->run, r, ctx) || !keeping_gate(en->run, who, k, r, ctx))
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
		command_refuse(r, ctx, RC_USAGE, "abort how? keep or restore");
	else if (!reason.n)
		command_refuse(r, ctx, RC_USAGE, "an abort needs a reason");
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
		command_refuse(r, ctx, RC_USAGE, "that lane is not in the open cycle");
	} else if (!reason.n) {
		command_refuse(r, ctx, RC_USAGE, "excluding a lane needs a reason");
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
		command_refuse(r, ctx, RC_USAGE, "mode is observe, rehearse or armed");
		return;
	}
	if (!command_may_record(en, r, ctx))
		return;
	if (to == MODE_ARMED && en->mode != MODE_ARMED && !engine_may_arm(en, why)) {
		command_refuse(r, ctx, RC_REFUSED, why);
		return;
	}
	if (to != MODE_ARMED && runner_open(en) && en->run->c->stage >= STAGE_CLEANING && !en->run->c->rehearsal && !en->run->c->held) {
		command_refuse(r, ctx, RC_REFUSED, "a cycle is cleaning: hold it before leaving armed");
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
