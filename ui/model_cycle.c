#include "ui/model_read.h"

static void read_grant(struct m_grant *g, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_grant, id, "id"), F_STR(m_grant, lane, "lane"), F_STR(m_grant, plan, "plan"),
		F_STR(m_grant, on_abort, "on_abort"), F_STR(m_grant, state, "state"), F_STR(m_grant, reason, "reason"),
		F_I64(m_grant, items, "items"), F_I64(m_grant, bytes, "bytes"), F_I64(m_grant, share_bp, "share_bp"),
		F_I64(m_grant, needed, "needed"), F_I64(m_grant, made_us, "made_us"), F_I64(m_grant, expires_us, "expires_us"),
	};
	static const struct field approval[] = {
		F_STR(m_approval, operator_, "operator"), F_STR(m_approval, via, "via"), F_I64(m_approval, at_us, "at_us"),
	};
	READ(g, fields, j, mem);
	g->approval = read_array(json_get(j, "approvals"), sizeof(*g->approval), &g->approvals, mem);
	int i = 0;
	for (const struct json *v = json_first(json_get(j, "approvals")); i < g->approvals; v = json_next(v))
		READ(&g->approval[i++], approval, v, mem);
}

static void read_failed_by(struct m_cycle_lane *l, const struct json *j, struct arena *mem)
{
	l->failed_bys = json_is_object(j) ? (int)json_len(j) : 0;
	l->failed_by = arena_alloc(mem, MAX((size_t)l->failed_bys, 1) * sizeof(*l->failed_by));
	int i = 0;
	for (const struct json *v = json_first(j); i < l->failed_bys; v = json_next(v), i++) {
		struct slice key = json_key(v);
		l->failed_by[i].class_ = (struct slice){ arena_strndup(mem, key.p, key.n), key.n };
		if (!json_i64(v, &l->failed_by[i].n))
			l->failed_by[i].n = -1;
	}
}

static void read_lane(struct m_cycle_lane *l, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_cycle_lane, lane, "lane"), F_STR(m_cycle_lane, phase, "phase"), F_STR(m_cycle_lane, verdict, "verdict"),
		F_STR(m_cycle_lane, halted, "halted"), F_I64(m_cycle_lane, planned, "planned"),
		F_I64(m_cycle_lane, planned_bytes, "planned_bytes"), F_I64(m_cycle_lane, granted, "granted"),
		F_I64(m_cycle_lane, granted_bytes, "granted_bytes"), F_I64(m_cycle_lane, batch, "batch"),
		F_I64(m_cycle_lane, batch_items, "batch_items"), F_I64(m_cycle_lane, sent, "sent"),
		F_I64(m_cycle_lane, in_flight, "in_flight"), F_I64(m_cycle_lane, deleted, "deleted"),
		F_I64(m_cycle_lane, gone, "gone"), F_I64(m_cycle_lane, gone_other, "gone_other"),
		F_I64(m_cycle_lane, failed, "failed"), F_I64(m_cycle_lane, unknown, "unknown"),
		F_I64(m_cycle_lane, refused, "refused"), F_I64(m_cycle_lane, drifted, "drifted"),
		F_I64(m_cycle_lane, protected_, "protected"), F_I64(m_cycle_lane, blocked, "blocked"),
		F_I64(m_cycle_lane, held, "held"), F_I64(m_cycle_lane, not_started, "not_started"),
		F_I64(m_cycle_lane, T, "T"), F_I64(m_cycle_lane, F, "F"), F_I64(m_cycle_lane, N, "N"),
		F_I64(m_cycle_lane, tolerance_left, "tolerance_left"), F_I64(m_cycle_lane, retry_budget_left, "retry_budget_left"),
		F_I64(m_cycle_lane, budget_items, "budget_items"), F_I64(m_cycle_lane, budget_bytes, "budget_bytes"),
		F_I64(m_cycle_lane, requests, "requests"), F_I64(m_cycle_lane, paced_until_us, "paced_until_us"),
		F_I64(m_cycle_lane, per_second, "per_second"), F_I64(m_cycle_lane, eta_s, "eta_s"),
	};
	static const struct field canary[] = {
		F_I64(m_cycle_lane, canary_items, "items"), F_I64(m_cycle_lane, canary_deleted, "deleted"),
		F_BOOL(m_cycle_lane, canary_checked, "checked"), F_I64(m_cycle_lane, control, "control"),
		F_I64(m_cycle_lane, control_present, "control_present"),
	};
	READ(l, fields, j, mem);
	l->has_canary = json_is_object(json_get(j, "canary"));
	READ(l, canary, json_get(j, "canary"), mem);
	read_class(&l->class_, json_get(j, "class"));
	read_failed_by(l, json_get(j, "failed_by"), mem);
}

static void read_log(struct m_log *l, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_I64(m_log, at_us, "at_us"), F_I64(m_log, attempt, "attempt"), F_I64(m_log, status, "status"),
		F_I64(m_log, took_us, "took_us"), F_STR(m_log, lane, "lane"), F_STR(m_log, id, "id"), F_STR(m_log, name, "name"),
		F_STR(m_log, outcome, "outcome"), F_STR(m_log, class_, "class"),
	};
	READ(l, fields, j, mem);
}

static void read_head(struct m_cycle *c, const struct json *j)
{
	static const struct field head[] = {
		F_STR(m_cycle, id, "id"), F_STR(m_cycle, name, "name"), F_STR(m_cycle, policy, "policy"),
		F_STR(m_cycle, stage, "stage"), F_STR(m_cycle, state, "state"), F_STR(m_cycle, waiting_for, "waiting_for"),
		F_STR(m_cycle, end, "end"), F_STR(m_cycle, equation, "equation"), F_STR(m_cycle, restored, "restored"), F_BOOL(m_cycle, rehearsal, "rehearsal"),
		F_BOOL(m_cycle, balanced, "balanced"), F_I64(m_cycle, since_us, "since_us"),
		F_I64(m_cycle, ack_needed, "ack_needed"), F_I64(m_cycle, picked, "picked"),
		F_I64(m_cycle, picked_absent, "picked_absent"),
	};
	static const struct field copying[] = {
		F_I64(m_cycle, copying_items, "items"), F_I64(m_cycle, copying_kept, "kept"), F_I64(m_cycle, copying_not_kept, "not_kept"),
		F_I64(m_cycle, copying_bytes, "bytes"),
	};
	static const struct field can[] = {
		F_STR(m_can, step, "step"), F_STR(m_can, resume, "resume"), F_STR(m_can, hold, "hold"),
		F_STR(m_can, abort, "abort"), F_STR(m_can, approve, "approve"), F_STR(m_can, ack, "ack"),
		F_STR(m_can, cancel, "cancel"),
	};
	static const struct field plan[] = {
		F_STR(m_cycle, plan_id, "id"), F_STR(m_cycle, plan_short, "short"),
		F_STR(m_cycle, plan_invalid_because, "invalid_because"), F_BOOL(m_cycle, plan_valid, "valid"),
		F_I64(m_cycle, plan_made_us, "made_us"), F_I64(m_cycle, plan_expires_us, "expires_us"),
		F_I64(m_cycle, plan_items, "items"), F_I64(m_cycle, plan_bytes, "bytes"),
	};
	static const struct field rows[] = {
		F_I64(m_cycle, rows_todo, "todo"), F_I64(m_cycle, rows_committed, "committed"), F_I64(m_cycle, rows_none, "none"),
		F_I64(m_cycle, rows_conflicts, "conflicts"), F_I64(m_cycle, rows_failed, "failed"),
	};
	READ(c, head, j, c->mem);
	READ(c, copying, json_get(j, "copying"), c->mem);
	c->copying = json_is_object(json_get(j, "copying"));
	READ(&c->can, can, json_get(j, "can"), c->mem);
	c->has_plan = json_is_object(json_get(j, "plan"));
	READ(c, plan, json_get(j, "plan"), c->mem);
	READ(c, rows, json_get(j, "rows"), c->mem);
}

void read_cycle(struct m_cycle *c, const struct json *j)
{
	static const struct field stage[] = { F_STR(m_stage, name, "name"), F_STR(m_stage, state, "state") };
	struct arena *old = c->mem;
	*c = (struct m_cycle){ .has = json_is_object(j), .mem = arena_new(16384) };
	read_head(c, j);
	int i = 0;
	c->stage_list = read_array(json_get(j, "stages"), sizeof(*c->stage_list), &c->stages, c->mem);
	for (const struct json *v = json_first(json_get(j, "stages")); i < c->stages; v = json_next(v))
		READ(&c->stage_list[i++], stage, v, c->mem);
	i = 0;
	c->grant = read_array(json_get(j, "grants"), sizeof(*c->grant), &c->grants, c->mem);
	for (const struct json *v = json_first(json_get(j, "grants")); i < c->grants; v = json_next(v))
		read_grant(&c->grant[i++], v, c->mem);
	i = 0;
	c->lane = read_array(json_get(j, "lanes"), sizeof(*c->lane), &c->lanes, c->mem);
	for (const struct json *v = json_first(json_get(j, "lanes")); i < c->lanes; v = json_next(v))
		read_lane(&c->lane[i++], v, c->mem);
	i = 0;
	c->log = read_array(json_get(j, "log"), sizeof(*c->log), &c->logs, c->mem);
	for (const struct json *v = json_first(json_get(j, "log")); i < c->logs; v = json_next(v))
		read_log(&c->log[i++], v, c->mem);
	arena_free(old);
}
