#include "drive.h"

#include "store/audit.h"

struct cycle_answer answer_of(enum answer_kind k, enum retry_class class_)
{
	return (struct cycle_answer){ .kind = k, .class_ = class_, .left = true, .wait_ms = -1, .detail = "said so" };
}

struct cycle_event drive_ev(const struct drive *d, enum cycle_event_kind k)
{
	return (struct cycle_event){ .kind = k, .now = d->now, .item = -1, .text = "" };
}

void drive_wait(struct drive *d, int64_t us)
{
	d->now.boot_us += us;
	d->now.wall_us += us;
}

static void take(struct drive *d, const struct effect *e)
{
	d->asked[e->kind]++;
	if (e->kind == EFF_AUDIT)
		d->audits[e->audit]++;
	if (e->kind == EFF_SEND)
		d->sends_of[e->item]++;
	if (e->kind == EFF_RESTORE) {
		d->uploads_of[e->item]++;
		d->uploaded[d->n_uploaded++ % DRIVE_ITEMS] = e->item;
	}
	if (e->kind == EFF_NEW_ID)
		snprintf(d->new_id[e->item], sizeof d->new_id[0], "%s", e->text);
	if (e->kind == EFF_SPENT) {
		d->spent_items += e->number;
		d->spent_bytes += e->bytes;
	}
	if (e->kind == EFF_DEAD) {
		d->dead++;
		snprintf(d->dead_belief[e->item], sizeof d->dead_belief[0], "%s", e->text);
	}
	if (e->kind == EFF_COMMIT_ROWS)
		snprintf(d->reason, sizeof d->reason, "%s", e->text);
	if (e->kind < EFF_DISCOVER)
		return;
	GROW(d->act, d->cap_act, d->n_act + 1);
	d->act[d->n_act] = *e;
	d->act[d->n_act++].text = NULL;
}

static void take_all(struct drive *d, struct effects *fx)
{
	for (size_t i = 0; i < fx->n; i++)
		take(d, &fx->e[i]);
	for (int i = 0; i < d->c->lanes; i++)
		d->most_in_flight = MAX(d->most_in_flight, d->c->lane[i].in_flight);
	effects_done(fx);
}

enum rc drive_event(struct drive *d, struct cycle_event *ev, struct err *e)
{
	struct effects fx = { 0 };
	struct err mine = { .text = "" };
	struct cycle_counts before, after;
	cycle_totals(d->c, &before);
	enum rc rc = cycle_handle(d->c, ev, &fx, e ? e : &mine);
	cycle_totals(d->c, &after);
	for (int k = ITEM_CHECKING; k <= ITEM_READY; k++)
		d->most_moved = MAX(d->most_moved, after.by_state[k] - before.by_state[k]);
	assert_true(cycle_marks_hold(d->c));
	take_all(d, &fx);
	return rc;
}

enum rc drive_do(struct drive *d, enum cycle_event_kind k)
{
	struct cycle_event ev = drive_ev(d, k);
	return drive_event(d, &ev, NULL);
}

static void feed(struct drive *d, struct cycle_event *ev)
{
	assert_int_equal(drive_event(d, ev, NULL), RC_OK);
}

/* ---- the world's answers ---- */

static void answer_send(struct drive *d, const struct effect *a)
{
	struct cycle_event ev = drive_ev(d, EV_ANSWER);
	ev.item = a->item;
	ev.answer = d->send ? d->send(d, a->item, (int)d->sends_of[a->item])
		  : answer_of(d->rehearsal ? ANSWER_REHEARSED : ANSWER_DELETED, RETRY_NONE_CLASS);
	feed(d, &ev);
}

static void answer_read(struct drive *d, const struct effect *a)
{
	struct cycle_event ev = drive_ev(d, a->kind == EFF_PROBE ? EV_PROBED : EV_REREAD);
	ev.lane = a->lane;
	ev.item = a->item;
	ev.number = a->number;
	if (a->kind == EFF_PROBE)
		ev.presence = d->probe ? d->probe(d, a->item) : PRESENT;
	else
		ev.presence = d->reread ? d->reread(d, a->lane, a->item, (enum reread_why)a->number) : a->item < 0 ? PRESENT : ABSENT;
	feed(d, &ev);
}

static bool wanted(const struct drive *d, const struct effect *a, int32_t i)
{
	const struct cycle_item *it = &d->c->item[i];
	if (a->kind == EFF_RECHECK)
		return it->state == ITEM_CHECKING;
	if (a->kind == EFF_CLAIM)
		return it->state == ITEM_CLAIMING;
	if (a->kind == EFF_COMMIT_ROWS || a->kind == EFF_REMAP_ROWS)
		return it->row == ROW_INTENT;
	if (a->kind == EFF_LOOK_ROWS)
		return item_look_due(it);
	return it->row == ROW_RELEASING || it->unclaim;
}

static int result_of(struct drive *d, const struct effect *a, int32_t i)
{
	if (a->kind == EFF_RECHECK)
		return (int)(d->check ? d->check(d, i, a->number) : CHECK_SAME);
	if (a->kind == EFF_CLAIM)
		return (int)(d->claim ? d->claim(d, i) : d->rehearsal ? CLAIM_REHEARSED : d->c->item[i].has_row ? CLAIM_DONE : CLAIM_NO_ROW);
	if (a->kind == EFF_COMMIT_ROWS)
		return (int)(d->row ? d->row(d, i) : CLAIM_DONE);
	if (a->kind == EFF_REMAP_ROWS)
		return (int)(d->remap ? d->remap(d, i) : CLAIM_DONE);
	if (a->kind == EFF_LOOK_ROWS)
		return (int)(d->look ? d->look(d, i) : CLAIM_NO_ROW);
	return (int)(d->release ? d->release(d, i) : CLAIM_DONE);
}

static void feed_parts(struct drive *d, struct cycle_event *ev, size_t part)
{
	const size_t all = ev->n;
	for (size_t at = 0; part && all - at > part; at += part) {
		ev->n = part;
		ev->more = true;
		feed(d, ev);
		ev->items += part;
		ev->results += part;
		if (d->between)
			d->between(d, ev->kind);
		ev->n = all - at - part;
	}
	ev->more = false;
	feed(d, ev);
}

static void answer_batch(struct drive *d, const struct effect *a)
{
	static const enum cycle_event_kind of[] = { [EFF_RECHECK] = EV_RECHECKED, [EFF_CLAIM] = EV_CLAIMED, [EFF_COMMIT_ROWS] = EV_ROWS,
		[EFF_LOOK_ROWS] = EV_ROWS, [EFF_REMAP_ROWS] = EV_ROWS,
		[EFF_RELEASE] = EV_RELEASED };
	struct cycle_event ev = drive_ev(d, of[a->kind]);
	int32_t *items = xcalloc((size_t)(a->to - a->from) + 1, sizeof *items);
	uint8_t *results = xcalloc((size_t)(a->to - a->from) + 1, 1);
	ev.lane = a->lane;
	for (int32_t i = a->from; i < a->to; i++) {
		if (!wanted(d, a, i))
			continue;
		items[ev.n] = i;
		results[ev.n++] = (uint8_t)result_of(d, a, i);
	}
	ev.items = items;
	ev.results = results;
	ev.text = "database is locked";
	feed_parts(d, &ev, a->kind == EFF_RECHECK || a->kind == EFF_CLAIM ? d->part : 0);
	free(items);
	free(results);
}

static void answer_relist(struct drive *d, const struct effect *a)
{
	struct cycle_event ev = drive_ev(d, EV_RELISTED);
	const struct cycle_lane *l = &d->c->lane[a->lane];
	uint8_t results[DRIVE_ITEMS];
	for (int32_t i = l->first; i < l->first + l->planned; i++)
		if (d->c->item[i].state == ITEM_GONE_OTHER)
			results[ev.n++] = (uint8_t)(d->relist ? d->relist(d, i) : ABSENT);
	ev.lane = a->lane;
	ev.ok = d->relist_ok;
	ev.results = results;
	feed(d, &ev);
}

static void answer_validate(struct drive *d)
{
	struct cycle_event ev = drive_ev(d, EV_VALIDATED);
	struct cycle_plan_item items[DRIVE_ITEMS];
	int control[CYCLE_MAX_LANES];
	int32_t n = 0;
	for (int lane = 0; lane < d->lanes; lane++) {
		control[lane] = d->control_n;
		for (int32_t i = 0; i < d->items[lane]; i++)
			{
			items[n] = (struct cycle_plan_item){ lane, d->bytes, d->rows, n < d->restorable };
			n++;
		}
	}
	cycle_take_plan(d->c, items, n, control, d->now.wall_us + d->plan_for, d->now.boot_us + d->plan_for);
	ev.ok = true;
	feed(d, &ev);
}

static void answer_restore(struct drive *d, const struct effect *a)
{
	struct cycle_event ev = drive_ev(d, a->kind == EFF_BASELINE ? EV_BASELINE : a->kind == EFF_SEEK ? EV_SOUGHT : EV_RESTORED);
	char id[24];
	snprintf(id, sizeof id, "new-%d", (int)a->item);
	ev.lane = a->lane;
	ev.item = a->item;
	ev.text = id;
	ev.ok = a->kind == EFF_BASELINE && (d->baseline ? d->baseline(d, a->lane) : true);
	if (a->kind == EFF_SEEK)
		ev.number = d->seek ? d->seek(d, a->item) : 0;
	if (a->kind == EFF_RESTORE)
		ev.number = (int64_t)(d->upload ? d->upload(d, a->item, (int)d->uploads_of[a->item]) : RESTORE_DONE);
	ev.answer = answer_of(ANSWER_UNCLEAR, ev.number == RESTORE_RETRY ? RETRY_RATE_LIMIT : RETRY_SERVER_ERROR);
	if (a->kind == EFF_RESTORE && ev.number != RESTORE_DONE)
		ev.text = "the store said so";
	feed(d, &ev);
}

static void answer_listed(struct drive *d, const struct effect *a)
{
	struct cycle_event ev = drive_ev(d, EV_LISTED);
	ev.lane = a->lane;
	ev.ok = true;
	ev.number = 2 * d->items[a->lane];
	feed(d, &ev);
}

void drive_answer_one(struct drive *d)
{
	struct effect a = d->act[0];
	struct cycle_event ev = drive_ev(d, EV_RECORDS);
	memmove(d->act, d->act + 1, --d->n_act * sizeof *d->act);
	drive_wait(d, 1000);
	switch (a.kind) {
	case EFF_DISCOVER: answer_listed(d, &a); break;
	case EFF_LIST_RECORDS: ev.ok = true; feed(d, &ev); break;
	case EFF_VALIDATE: answer_validate(d); break;
	case EFF_SEND: answer_send(d, &a); break;
	case EFF_PROBE:
	case EFF_REREAD: answer_read(d, &a); break;
	case EFF_RECHECK:
	case EFF_CLAIM:
	case EFF_COMMIT_ROWS:
	case EFF_LOOK_ROWS:
	case EFF_REMAP_ROWS:
	case EFF_RELEASE: answer_batch(d, &a); break;
	case EFF_RELIST: answer_relist(d, &a); break;
	case EFF_COUNT_CLAIMS:
		ev.kind = EV_CLAIMS;
		ev.number = d->claims_left;
		feed(d, &ev);
		break;
	case EFF_BASELINE:
	case EFF_RESTORE:
	case EFF_SEEK: answer_restore(d, &a); break;
	case EFF_NEW_ID: case EFF_AUDIT: case EFF_ITEM: case EFF_DEAD: case EFF_SPENT: case EFF_CYCLE: case EFF_ENDED: break;
	}
}

void drive_run(struct drive *d)
{
	for (int turns = 0; turns < 100000 && !d->stop; turns++) {
		int64_t due = cycle_due_us(d->c);
		if (d->n_act) {
			drive_answer_one(d);
			continue;
		}
		if (due > d->now.boot_us + 30 * DRIVE_MINUTE)
			return;
		drive_wait(d, MAX(due - d->now.boot_us, 1));
		assert_int_equal(drive_do(d, EV_TICK), RC_OK);
	}
	assert_true(d->stop);
}

/* ---- stages ---- */

void drive_init(struct drive *d, int32_t items)
{
	*d = (struct drive){ .lanes = 1, .bytes = 100, .control_n = CYCLE_CONTROL, .rows = true, .needs_records = true, .relist_ok = true,
		.plan_for = 60 * DRIVE_MINUTE, .run_for = 8 * 60 * DRIVE_MINUTE };
	d->now = (struct now){ .wall_us = INT64_C(1800000000000000), .boot_us = 1000 * DRIVE_SECOND };
	d->items[0] = items;
	for (int i = 0; i < CYCLE_MAX_LANES; i++) {
		d->o[i] = (struct cycle_lane_opts){ .in_flight = 64, .rate_mhz = INT64_C(1000000000), .burst = 1000000, .settle_us = DRIVE_MINUTE,
			.max_item_bytes = 1000, .list_max_age_us = 5 * DRIVE_MINUTE };
		snprintf(d->o[i].name, sizeof d->o[i].name, "lane%d", i);
		retry_policy_default(&d->o[i].retry);
	}
}

void drive_done(struct drive *d)
{
	cycle_free(d->c);
	free(d->act);
	d->c = NULL;
	d->act = NULL;
	d->n_act = d->cap_act = 0;
}

static void fresh(struct drive *d)
{
	d->c = cycle_new(1, 7, d->o, d->lanes, d->needs_records, d->rehearsal, d->auto_gates);
	for (int i = 0; i < d->lanes; i++)
		pace_init(&d->c->lane[i].pace, d->o[i].rate_mhz, d->o[i].burst, d->o[i].rate_mhz, d->now.boot_us);
}

void drive_grant(struct drive *d)
{
	for (int i = 0; i < d->lanes; i++) {
		if (d->c->lane[i].excluded)
			continue;
		struct cycle_event ev = drive_ev(d, EV_GRANT);
		int64_t each = d->bytes < 0 ? d->o[i].max_item_bytes : d->bytes;
		ev.lane = i;
		ev.number = d->granted[i] ? d->granted[i] : d->items[i];
		ev.bytes = ev.number * each;
		ev.on_abort = d->on_abort;
		ev.until_us = d->now.wall_us + d->run_for;
		feed(d, &ev);
	}
}

void drive_plan(struct drive *d)
{
	fresh(d);
	assert_int_equal(drive_do(d, EV_START), RC_OK);
	drive_run(d);
	if (d->c->stage == STAGE_DISCOVERING)
		assert_int_equal(drive_do(d, EV_STEP), RC_OK);
	drive_run(d);
	assert_int_equal(d->c->stage, STAGE_VALIDATING);
	drive_grant(d);
}

void drive_clean(struct drive *d)
{
	drive_plan(d);
	assert_int_equal(drive_do(d, EV_STEP), RC_OK);
	assert_int_equal(d->c->stage, STAGE_CLEANING);
	drive_run(d);
}

void drive_to_gate(struct drive *d)
{
	drive_run(d);
	for (int i = 0; i < 2000 && d->c->stage == STAGE_CLEANING && !d->c->cleaned; i++) {
		if (drive_do(d, EV_RESUME) != RC_OK)
			return;
		drive_run(d);
	}
}

void drive_to_end(struct drive *d)
{
	for (int i = 0; i < 50 && d->c->stage != STAGE_ENDED; i++) {
		if (drive_do(d, EV_STEP) != RC_OK)
			return;
		drive_run(d);
	}
}

enum rc drive_ack(struct drive *d, int64_t failures)
{
	struct cycle_event ev = drive_ev(d, EV_ACK);
	ev.number = failures;
	return drive_event(d, &ev, NULL);
}

enum rc drive_abort(struct drive *d, bool restore, struct err *e)
{
	struct cycle_event ev = drive_ev(d, EV_ABORT);
	ev.text = "enough";
	ev.restore = restore;
	return drive_event(d, &ev, e);
}

void drive_restart(struct drive *d, int64_t later_us)
{
	struct cycle *was = d->c;
	struct effects fx = { 0 };
	struct err e = { .text = "" };
	struct buf body;
	buf_init(&body);
	cycle_body(was, &body);
	drive_wait(d, later_us);
	d->n_act = 0;
	fresh(d);
	assert_int_equal(cycle_body_read(d->c, buf_slice(&body), d->now, &e), RC_OK);
	for (int32_t i = 0; d->c->stage >= STAGE_CLEANING && i < was->items; i++) {
		const struct cycle_item *it = &was->item[i];
		struct cycle_plan_item p = { it->lane, it->bytes, it->has_row, it->restorable };
		struct cycle_stored st = { it->state, it->row, it->attempts, it->class_, it->sent_wall_us };
		assert_int_equal(cycle_item_restore(d->c, i, &p, &st, &e), RC_OK);
	}
	buf_done(&body);
	cycle_free(was);
	assert_int_equal(cycle_recover(d->c, d->now, &fx, &e), RC_OK);
	take_all(d, &fx);
}

int64_t drive_count(const struct drive *d, enum item_state st)
{
	struct cycle_counts n;
	cycle_totals(d->c, &n);
	return n.by_state[st];
}

struct cycle_lane *drive_lane(struct drive *d, int lane) { return &d->c->lane[lane]; }
struct cycle_item *drive_item(struct drive *d, int32_t item) { return &d->c->item[item]; }
