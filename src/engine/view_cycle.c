/* Snapshots for the protocol: the cycle, its grants and outcomes. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Words of the screens for where a lane is. */
static const char *phase_word(const struct cycle_lane *l)
{
	if (l->excluded)
		return "excluded";
	if (l->halted)
		return "held";
	if (l->phase == PHASE_SENDING)
		return l->canary_done ? "batch" : "canary";
	return lane_phase_name(l->phase);
}

static void class_part(struct jw *w, const struct runner *r, int lane)
{
	static const char *const names[] = { "R0", "R1", "R2", "R3" };
	jw_key(w, "class");
	jw_obj(w);
	for (int k = 0; k < REV_COUNT; k++)
		jw_ki64(w, names[k], r->plan ? r->plan->lane[lane].by_class[k] : 0);
	jw_end_obj(w);
}

static void failed_by(struct jw *w, const struct cycle_counts *n)
{
	jw_key(w, "failed_by");
	jw_obj(w);
	for (int k = 0; k < RETRY_CLASS_COUNT; k++)
		if (n->failed_by[k])
			jw_ki64(w, retry_class_name((enum retry_class)k), n->failed_by[k]);
	jw_end_obj(w);
}

static void canary_part(struct jw *w, const struct runner *r, const struct cycle_lane *l)
{
	int64_t deleted = 0, to = cycle_canary(l);
	jw_key(w, "canary");
	if (!l->batch) {
		jw_null(w);
		return;
	}
	for (int32_t i = l->first; i < l->first + l->planned && i < l->first + (int32_t)to; i++)
		deleted += r->c->item[i].state == ITEM_DELETED;
	jw_obj(w);
	jw_ki64(w, "items", to);
	jw_ki64(w, "deleted", deleted);
	jw_kbool(w, "checked", l->canary_done);
	jw_ki64(w, "control", l->control_asked);
	jw_ki64(w, "control_present", l->control_ok);
	jw_end_obj(w);
}

/* Settled items per second since the last look a second ago or more. */
static int64_t per_second(struct runner *r, int i)
{
	const int64_t *b = r->c->lane[i].c.by_state;
	int64_t settled = 0, now = now_read().boot_us;
	for (int k = ITEM_DELETED; k < ITEM_STATE_COUNT; k++)
		settled += b[k];
	int64_t span = now - r->rate_us[i];
	if (span >= 1000000) {
		r->per_second[i] = r->rate_us[i] ? (settled - r->settled_at[i]) * 1000000 / span : 0;
		r->rate_us[i] = now;
		r->settled_at[i] = settled;
	}
	return r->per_second[i];
}

static void numbers(struct jw *w, struct runner *r, int i)
{
	struct cycle_lane *l = &r->c->lane[i];
	static const struct { const char *key; enum item_state s; } keys[] = {
		{ "deleted", ITEM_DELETED }, { "gone", ITEM_GONE }, { "gone_other", ITEM_GONE_OTHER }, { "failed", ITEM_FAILED },
		{ "unknown", ITEM_UNKNOWN }, { "refused", ITEM_REFUSED }, { "drifted", ITEM_DRIFTED }, { "protected", ITEM_PROTECTED },
		{ "blocked", ITEM_BLOCKED }, { "held", ITEM_HELD }, { "rehearsed", ITEM_REHEARSED },
		{ "restoring", ITEM_RESTORING }, { "perhaps_restored", ITEM_SEEKING }, { "restored", ITEM_RESTORED },
		{ "not_restored", ITEM_UNRESTORED } };
	int64_t t, f, rate = per_second(r, i);
	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		jw_ki64(w, keys[k].key, l->c.by_state[keys[k].s]);
	jw_ki64(w, "not_started", cycle_not_started(&l->c));
	jw_ki64(w, "sent", l->budget.first_attempts);
	jw_ki64(w, "in_flight", l->in_flight);
	failed_by(w, &l->c);
	cycle_tf(l, &t, &f);
	jw_ki64(w, "T", t);
	jw_ki64(w, "F", f);
	jw_ki64(w, "N", l->n);
	jw_kz(w, "verdict", matrix_verdict_name(matrix_verdict(f, t)));
	jw_ki64(w, "tolerance_left", MAX(l->n / 5 - f, 0));
	jw_ki64(w, "retry_budget_left", retry_budget_left(&l->budget));
	jw_ki64(w, "budget_items", l->n - l->items_charged);
	jw_ki64(w, "budget_bytes", l->bytes_granted - l->bytes_charged);
	jw_ki64(w, "requests", l->requests);
	jw_ki64(w, "per_second", rate);
	jw_kopt(w, "eta_s", rate > 0 ? cycle_not_started(&l->c) / rate : -1);
	jw_kopt(w, "paced_until_us", l->pace.bucket.closed_until_us > now_read().boot_us ? view_wall(l->pace.bucket.closed_until_us) : -1);
	jw_kz(w, "pace", pace_state_name(l->pace.state));
	jw_ki64(w, "pace_mhz", pace_rate_mhz(&l->pace));
}

static void one_lane(struct jw *w, struct runner *r, int i)
{
	struct cycle_lane *l = &r->c->lane[i];
	jw_obj(w);
	jw_kz(w, "lane", l->o.name);
	jw_ki64(w, "planned", l->planned);
	jw_ki64(w, "planned_bytes", l->c.planned_bytes);
	jw_ki64(w, "granted", l->n);
	jw_ki64(w, "granted_bytes", l->bytes_granted);
	jw_kz(w, "phase", phase_word(l));
	jw_ki64(w, "batch", l->batch);
	jw_ki64(w, "batch_items", l->batch_to - l->batch_from);
	numbers(w, r, i);
	view_optional_z(w, "halted", l->halted ? l->halt_why : NULL);
	canary_part(w, r, l);
	class_part(w, r, i);
	jw_end_obj(w);
}

static void stages_part(struct jw *w, const struct cycle *c)
{
	jw_key(w, "stages");
	jw_arr(w);
	for (int s = STAGE_DISCOVERING; s < STAGE_ENDED; s++) {
		jw_obj(w);
		jw_kz(w, "name", cycle_stage_name((enum cycle_stage)s));
		jw_kz(w, "state", (int)c->stage > s ? "done" : (int)c->stage == s ? "now" : "todo");
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static void can_part(struct jw *w, struct engine *en, const struct cycle *c)
{
	static const struct { const char *key; enum cycle_command cmd; } cmds[] = { { "step", CMD_STEP }, { "resume", CMD_RESUME },
		{ "hold", CMD_HOLD }, { "abort", CMD_ABORT }, { "approve", CMD_APPROVE }, { "ack", CMD_ACK }, { "cancel", CMD_CANCEL },
		{ "exclude", CMD_EXCLUDE } };
	jw_key(w, "can");
	jw_obj(w);
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		const char *why = cycle_why_not(c, cmds[i].cmd);
		if (!why && cmds[i].cmd == CMD_APPROVE && en->mode != MODE_ARMED)
			why = "the mode is not armed";
		if (!why && cmds[i].cmd != CMD_HOLD && !store_writable(en->store))
			why = "the audit log cannot be written";
		view_optional_z(w, cmds[i].key, why);
	}
	jw_end_obj(w);
}

static void plan_part(struct jw *w, const struct runner *r)
{
	char hex[HASH_HEX], shown[16];
	int64_t bytes = 0;
	jw_key(w, "plan");
	if (!r->plan || !r->c->plan_frozen) {
		jw_null(w);
		return;
	}
	for (int i = 0; i < r->plan->lanes; i++)
		bytes += r->plan->lane[i].bytes;
	bool spent = r->c->first_intent, over = now_read().wall_us >= r->plan->until_us && !spent;
	jw_obj(w);
	jw_kz(w, "id", hash_hex(hex, &r->plan->id));
	jw_kz(w, "short", hash_short(shown, &r->plan->id));
	jw_ki64(w, "made_us", r->plan->made_us);
	jw_ki64(w, "expires_us", r->plan->until_us);
	jw_ki64(w, "items", r->plan->items);
	jw_ki64(w, "bytes", bytes);
	jw_kbool(w, "valid", !spent && !over && r->c->stage != STAGE_ENDED);
	view_optional_z(w, "invalid_because", spent ? "deleting has begun: the plan is spent" : over ? "the plan has run out"
			: r->c->stage == STAGE_ENDED ? "the cycle has ended" : NULL);
	jw_end_obj(w);
}

static void grant_by(struct jw *w, const struct egrant *g)
{
	struct buf b;
	buf_init(&b);
	for (int i = 0; i < g->approvals; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", g->approval[i].operator_);
	jw_kz(w, "by", buf_z(&b));
	buf_done(&b);
}

static void one_grant(struct jw *w, const struct runner *r, const struct egrant *g)
{
	char hex[HASH_HEX];
	jw_obj(w);
	jw_kz(w, "id", g->id);
	jw_kz(w, "lane", g->g.lane);
	jw_kz(w, "plan", r->plan ? hash_hex(hex, &r->plan->id) : "");
	jw_ki64(w, "items", g->g.items);
	jw_ki64(w, "bytes", g->g.bytes);
	jw_ki64(w, "share_bp", g->g.share_bp);
	jw_kz(w, "on_abort", g->g.on_abort);
	jw_kz(w, "state", !strcmp(g->state, "active") && (r->c->stage == STAGE_ENDED || r->c->first_intent) ? "spent" : g->state);
	jw_key(w, "approvals");
	grant_approvals_json(g, w);
	grant_by(w, g);
	jw_ki64(w, "needed", g->needed);
	jw_kz(w, "reason", g->g.reason);
	jw_ki64(w, "made_us", g->g.made_us);
	jw_ki64(w, "expires_us", g->g.lapses_us);
	jw_end_obj(w);
}

static void grants_part(struct jw *w, const struct runner *r)
{
	jw_key(w, "grants");
	jw_arr(w);
	for (int i = 0; i < r->grants; i++)
		one_grant(w, r, &r->grant[i]);
	jw_end_arr(w);
}

static void rows_part(struct jw *w, const struct cycle *c)
{
	const struct cycle_rows n = cycle_rows(c);
	jw_key(w, "rows");
	jw_obj(w);
	jw_ki64(w, "todo", n.todo);
	jw_ki64(w, "committed", n.committed);
	jw_ki64(w, "remapped", n.remapped);
	jw_ki64(w, "none", n.none);
	jw_ki64(w, "conflicts", n.conflicts);
	jw_ki64(w, "failed", 0);
	jw_end_obj(w);
}

static void log_part(struct jw *w, const struct runner *r)
{
	jw_key(w, "log");
	jw_arr(w);
	for (int k = 1; k <= r->log_n; k++) {
		const struct outcome_line *l = &r->log[(r->log_at + OUTCOME_LOG - k) % OUTCOME_LOG];
		if (!r->plan || l->item >= r->plan->items)
			continue;
		const struct plan_item *it = &r->plan->item[l->item];
		jw_obj(w);
		jw_ki64(w, "at_us", l->at_us);
		jw_kstr(w, "lane", r->plan->lane[it->lane].name);
		jw_kstr(w, "id", it->id);
		jw_kstr(w, "name", it->name);
		jw_kz(w, "outcome", l->outcome);
		jw_kz(w, "class", l->class_);
		jw_ki64(w, "attempt", l->attempt);
		jw_kopt(w, "status", l->status ? l->status : -1);
		jw_kopt(w, "took_us", l->took_us);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static const char *const state_words[] = {
#define X(e, w) [VIEW_##e] = w,
	VIEW_CYCLE_STATES(X)
#undef X
};

static const char *state_word(const struct cycle *c)
{
	if (c->stage == STAGE_ENDED)
		return state_words[VIEW_ENDED];
	if (c->held || c->store_failed)
		return state_words[VIEW_HELD];
	return state_words[c->waiting_for[0] ? VIEW_WAITING : VIEW_WORKING];
}

static void waiting_part(struct jw *w, const struct runner *r)
{
	struct buf b, text;
	buf_init(&b);
	buf_init(&text);
	grants_waiting(r, &b);
	buf_adds(&text, r->c->waiting_for);
	if (b.n && r->c->stage == STAGE_VALIDATING)
		buf_addf(&text, "; %s", buf_z(&b));
	jw_kz(w, "waiting_for", buf_z(&text));
	buf_clear(&text);
	view_optional_z(w, "restored", cycle_restored(r->c, &text) ? buf_z(&text) : NULL);
	buf_done(&text);
	buf_done(&b);
}

static void whole_cycle(struct engine *en, struct runner *r, struct buf *out)
{
	struct cycle *c = r->c;
	struct buf eq;
	struct jw w;
	buf_init(&eq);
	bool balanced = cycle_equation(c, &eq);
	jw_init(&w, out);
	jw_obj(&w);
	jw_ki64(&w, "id", c->id);
	jw_kz(&w, "name", r->name);
	jw_kz(&w, "policy", r->policy->name);
	jw_kopt(&w, "picked", pick_count(r->pick));
	jw_kopt(&w, "picked_absent", pick_absent(r->pick));
	jw_kbool(&w, "rehearsal", c->rehearsal);
	jw_kz(&w, "stage", cycle_stage_name(c->stage));
	jw_kz(&w, "state", state_word(c));
	waiting_part(&w, r);
	jw_ki64(&w, "since_us", view_wall(c->since_us));
	view_optional_z(&w, "end", cycle_end_name(c->end));
	stages_part(&w, c);
	can_part(&w, en, c);
	plan_part(&w, r);
	grants_part(&w, r);
	jw_key(&w, "lanes");
	jw_arr(&w);
	for (int i = 0; i < c->lanes; i++)
		one_lane(&w, r, i);
	jw_end_arr(&w);
	rows_part(&w, c);
	copying_json(en, &w);
	jw_kopt(&w, "ack_needed", cycle_ack_needed(c) ? cycle_ack_needed(c) : -1);
	jw_kz(&w, "equation", buf_z(&eq));
	jw_kbool(&w, "balanced", balanced);
	log_part(&w, r);
	jw_end_obj(&w);
	buf_done(&eq);
}

static struct runner *which(struct engine *en, int64_t cycle, struct err *e)
{
	if (en->run && (!cycle || cycle == en->run->c->id))
		return en->run;
	if (cycle)
		err_set(e, RC_NOT_FOUND, "cycle %" PRId64 " is not the current one; audit tail --cycle %" PRId64 " shows what was decided in it", cycle, cycle);
	else
		err_set(e, RC_NOT_FOUND, "no cycle has run since the engine started");
	return NULL;
}

enum rc engine_cycle_json(struct engine *en, int64_t cycle, struct buf *out, struct err *e)
{
	struct runner *r = which(en, cycle, e);
	if (!r)
		return RC_NOT_FOUND;
	whole_cycle(en, r, out);
	return RC_OK;
}

enum rc engine_grants_json(struct engine *en, int64_t cycle, struct buf *out, struct err *e)
{
	struct runner *r = which(en, cycle, e);
	struct jw w;
	if (!r)
		return RC_NOT_FOUND;
	jw_init(&w, out);
	jw_obj(&w);
	grants_part(&w, r);
	jw_end_obj(&w);
	return RC_OK;
}
