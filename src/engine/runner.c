/* The shell around the coordinator: what an event changed is written to a journal, which deeds.c makes durable
 * before what it asks for is done. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cycle_event event_of(enum cycle_event_kind k)
{
	return (struct cycle_event){ .kind = k, .now = now_read(), .item = -1 };
}

struct now runner_now(const struct runner *r) { return r->open ? r->turn : now_read(); }

bool runner_open(const struct engine *en)
{
	return en->run && en->run->c->stage != STAGE_ENDED;
}

/* ---- effects that are made durable ---- */

static struct slice subject_of(const struct runner *r, const struct effect *e)
{
	if (e->item >= 0 && r->plan && e->item < r->plan->items)
		return r->plan->item[e->item].id;
	if (e->lane >= 0)
		return slice_of(r->c->lane[e->lane].o.name);
	return r->policy ? slice_of(r->policy->name) : SLICE_LIT("");
}

/* "" until it is frozen. */
static struct slice plan_hex(struct runner *r)
{
	if (!r->plan || !r->c->plan_frozen)
		return SLICE_LIT("");
	if (!r->written.hex[0] || memcmp(&r->written.id, &r->plan->id, sizeof r->plan->id) != 0) {
		r->written.id = r->plan->id;
		hash_hex(r->written.hex, &r->plan->id);
	}
	return (struct slice){ r->written.hex, HASH_HEX - 1 };
}

static void log_outcome(struct runner *r, const struct effect *e)
{
	struct outcome_line *l = &r->log[r->log_at];
	if (e->item < 0 || !e->word)
		return;
	r->log_at = (r->log_at + 1) % OUTCOME_LOG;
	r->log_n = MIN(r->log_n + 1, OUTCOME_LOG);
	*l = (struct outcome_line){ .at_us = e->at_us, .item = e->item, .took_us = -1, .attempt = (int)e->number, .status = e->to,
		.outcome = e->word, .class_ = e->from ? retry_class_name((enum retry_class)e->from) : "" };
}

/* Every record of a rehearsal says that it is one. */
static void mark_rehearsal(struct buf *b, struct slice payload)
{
	const char word[] = "\"rehearsal\":";
	if (payload.n < 2 || memmem(payload.p, payload.n, word, sizeof word - 1)) {
		buf_add(b, payload.p, payload.n);
		return;
	}
	buf_add(b, payload.p, payload.n - 1);
	buf_addf(b, "%s%strue}", payload.n > 2 ? "," : "", word);
}

static void write_audit(struct runner *r, struct journal *j, const struct effect *e, const struct audit_actor *who)
{
	struct slice payload = e->text ? slice_of(e->text) : SLICE_LIT("{}");
	struct buf marked;
	enum audit_kind k = (enum audit_kind)e->audit;
	bool by_engine = k == AUDIT_INTENT || k == AUDIT_OUTCOME || k == AUDIT_PROBE || k == AUDIT_MATRIX || k == AUDIT_BREAKER ||
		k == AUDIT_COMPENSATION_INTENT || k == AUDIT_COMPENSATION_OUTCOME;
	buf_init(&marked);
	if (r->c->rehearsal) {
		mark_rehearsal(&marked, payload);
		payload = buf_slice(&marked);
	}
	journal_audit(j, k, by_engine ? &actor_engine : who, subject_of(r, e), r->c->id, plan_hex(r), payload);
	buf_done(&marked);
	if (k == AUDIT_OUTCOME)
		log_outcome(r, e);
}

static void write_item(struct runner *r, struct journal *j, int32_t n)
{
	const struct cycle_item *it = &r->c->item[n];
	journal_item_state(j, r->c->id, n, it->state, it->row, it->attempts, it->class_, it->sent_wall_us);
}

void runner_store_state(struct runner *r, struct journal *j)
{
	struct buf body;
	buf_init(&body);
	cycle_body(r->c, &body);
	const char *state = r->c->stage == STAGE_ENDED ? cycle_end_name(r->c->end) : r->c->held ? "held" : "open";
	struct journal_cycle row = { .id = r->c->id, .name = slice_of(r->name), .policy = slice_of(r->policy->name),
		.stage = slice_of(cycle_stage_name(r->c->stage)), .state = slice_of(state), .plan = plan_hex(r),
		.body = buf_slice(&body), .opened_us = r->opened_us, .closed_us = r->closed_us };
	journal_cycle(j, &row);
	buf_done(&body);
}

static void write_dead(struct runner *r, struct journal *j, const struct effect *e)
{
	const struct cycle_item *it = &r->c->item[e->item];
	struct journal_dead d = { .cycle = r->c->id, .n = e->item, .lane = slice_of(r->c->lane[it->lane].o.name),
		.id = subject_of(r, e), .phase = slice_of(e->word), .class_ = slice_of(retry_class_name((enum retry_class)it->class_)),
		.belief = slice_of(e->text), .body = SLICE_LIT("{}"), .at_us = now_read().wall_us };
	journal_dead(j, &d);
}

static void write_spent(struct runner *r, struct journal *j, const struct effect *e)
{
	if (!r->c->rehearsal && (e->number || e->bytes))
		journal_lane_spent(j, slice_of(r->c->lane[e->lane].o.name), e->number, e->bytes, e->at_us);
}

static int64_t deleted_of(const struct cycle_lane *l)
{
	return l->c.by_state[ITEM_DELETED] + l->c.by_state[ITEM_GONE] + l->c.by_state[ITEM_UNRESTORED];
}

static void write_deleted(struct runner *r, struct journal *j)
{
	for (int i = 0; i < r->c->lanes; i++)
		if (deleted_of(&r->c->lane[i]))
			journal_lane_deleted(j, slice_of(r->c->lane[i].o.name), deleted_of(&r->c->lane[i]));
}

void runner_write(struct runner *r, struct effects *fx, struct journal *j, const struct audit_actor *who)
{
	bool cycle_row = false;
	int32_t last = -1;
	for (size_t i = 0; i < fx->n; i++) {
		const struct effect *e = &fx->e[i];
		switch (e->kind) {
		case EFF_AUDIT: write_audit(r, j, e, who); break;
		case EFF_ITEM:
			if (e->item != last)
				write_item(r, j, e->item);
			last = e->item;
			break;
		case EFF_DEAD: write_dead(r, j, e); break;
		case EFF_SPENT: write_spent(r, j, e); break;
		case EFF_CYCLE: cycle_row = true; break;
		case EFF_NEW_ID:
			journal_restored(j, r->c->id, e->item, slice_of(e->text));
			restoring_new_id(r, e->item, slice_of(e->text));
			break;
		case EFF_ENDED:
			r->closed_us = now_read().wall_us;
			cycle_row = true;
			if (!r->c->rehearsal)
				write_deleted(r, j);
			if (!r->c->rehearsal && r->redrive)
				redrive_settle(r, j);
			break;
		case EFF_DISCOVER: case EFF_LIST_RECORDS: case EFF_VALIDATE: case EFF_RECHECK: case EFF_CLAIM: case EFF_SEND:
		case EFF_PROBE: case EFF_REREAD: case EFF_RELIST: case EFF_COMMIT_ROWS: case EFF_LOOK_ROWS: case EFF_RELEASE: case EFF_COUNT_CLAIMS:
		case EFF_BASELINE: case EFF_RESTORE: case EFF_SEEK: case EFF_REMAP_ROWS: break;
		}
	}
	if (cycle_row)
		runner_store_state(r, j);
}

/* ---- one event ---- */

void runner_event(struct runner *r, const struct cycle_event *ev, const struct audit_actor *who, struct journal *also,
		  engine_reply *reply, void *ctx)
{
	struct effects fx = r->fx;      /* with the room that the last one left */
	struct cycle_event at = *ev;
	struct effect now[CYCLE_MAX_LANES];
	struct err e = { 0 };
	at.now = r->open ? r->turn : ev->now;
	r->fx = (struct effects){ 0 };
	enum rc rc = cycle_handle(r->c, &at, &fx, &e);
	if (rc != RC_OK) {
		effects_done(&fx);
		journal_free(also);
		if (reply)
			reply(ctx, rc, &e, NULL);
		return;
	}
	size_t n = acts_at_hand(r, &fx, now, ARRAY_LEN(now));
	if (also || reply)
		runner_carry_out(r, &fx, also, who, reply, ctx);
	else if (fx.n)
		deeds_add(r, &fx, who, at.now);
	if (r->fx.e)
		effects_done(&fx);
	else
		r->fx = fx;
	for (size_t i = 0; i < n; i++)
		act(r, &now[i]);
	acts_go_out(r);         /* of what is written ahead, a hold takes back what has not left */
	runner_arm_timer(r);
	engine_changed(r->en, ENGINE_CYCLE | ENGINE_OVERVIEW);
}

/* ---- time ---- */

static void on_timer(void *ctx)
{
	struct runner *r = ctx;
	struct cycle_event ev = event_of(EV_TICK);
	r->armed_us = -1;
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

void runner_arm_timer(struct runner *r)
{
	int64_t due = cycle_due_us(r->c);
	if (due == r->armed_us)
		return;
	r->armed_us = due;
	if (due == INT64_MAX)
		loop_timer_stop(r->timer);
	else
		loop_timer_start(r->timer, MAX((due - now_read().boot_us + 999) / 1000, 1), 0);
}

/* ---- life ---- */

static struct cycle_lane_opts lane_opts(const struct engine *en, const struct elane *l)
{
	const struct cfg_lane *c = l->cfg;
	struct cycle_lane_opts o = { .in_flight = c->in_flight, .rate_mhz = c->rate_mhz, .burst = c->burst,
		.learned_mhz = l->learned_mhz, .settle_us = c->settle_ms * 1000, .max_item_bytes = c->max_item_bytes,
		.list_max_age_us = en->cfg->engine.list_max_age_ms * 1000,
		.retry = c->retry, .breaker = c->breaker };
	snprintf(o.name, sizeof o.name, "%s", c->name);
	return o;
}

void runner_opened(struct runner *r, int64_t wall_us)
{
	char day[TIME_TEXT];
	r->opened_us = wall_us;
	time_rfc3339(day, wall_us, false);
	snprintf(r->name, sizeof r->name, "%.10s.%" PRId64, day, r->c->id);
	snprintf(r->token, sizeof r->token, "sluice:%" PRId64 ":%" PRId64, r->c->id, wall_us);
}

struct runner *runner_new(struct engine *en, int64_t id, const struct cfg_policy *p, bool rehearsal)
{
	struct runner *r = xcalloc(1, sizeof *r);
	struct cycle_lane_opts o[CYCLE_MAX_LANES];
	bool gates[STAGE_COUNT] = { [STAGE_VALIDATING] = p->auto_validating, [STAGE_COMMITTING] = p->auto_committing,
		[STAGE_AUDITING] = p->auto_auditing };
	uint64_t seed;
	int n = (int)MIN(p->n_lanes, (size_t)CYCLE_MAX_LANES);
	rng_os(&seed, sizeof seed);
	r->en = en;
	r->policy = p;
	r->records = p->records >= 0 ? &en->records[p->records] : NULL;
	for (int i = 0; i < n; i++) {
		r->lane_of[i] = p->lanes[i];
		o[i] = lane_opts(en, &en->lane[p->lanes[i]]);
		o[i].canary = p->canary;
		o[i].ramp = p->ramp;
	}
	r->c = cycle_new(id, seed, o, n, r->records != NULL, rehearsal, gates);
	for (int i = 0; i < n; i++) {
		pace_init(&r->c->lane[i].pace, o[i].rate_mhz, o[i].burst, o[i].learned_mhz, now_read().boot_us);
		pace_bulk(&r->c->lane[i].pace, lane_bulk(en->lane[p->lanes[i]].lane), now_read().boot_us);
		breaker_init(&r->c->lane[i].breaker, &o[i].breaker, seed + (uint64_t)i + 1, now_read().boot_us);
		byhand_breaker(&en->lane[p->lanes[i]].byhand, &r->c->lane[i].breaker);
	}
	runner_opened(r, now_read().wall_us);
	r->closed_us = -1;
	r->armed_us = -1;
	r->timer = loop_timer_new(en->loop, on_timer, r);
	r->backlog_tail = &r->backlog;
	return r;
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->c->lanes; i++)
		r->en->lane[r->lane_of[i]].learned_mhz = pace_learned_mhz(&r->c->lane[i].pace);
	deeds_free(r);
	effects_done(&r->fx);
	loop_timer_free(r->timer);
	redrive_free(r->redrive);
	pick_free(r->pick);
	restoring_free(r->restoring);
	plan_free(r->plan);
	for (int i = 0; i < CYCLE_MAX_LANES; i++)
		outgoing_done(&r->outgoing[i]);
	cycle_free(r->c);
	free(r);
}
