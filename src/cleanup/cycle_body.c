/* Persistence of the coordinator and its recovery after a restart (SEMANTICS 7, as a table). */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flags and numbers of the cycle and of a lane that survive a restart: name, offset, kind. */
enum field_kind { F_BOOL, F_I64, F_I32, F_INT, F_ENUM, F_TEXT };
struct field {
	const char *name;
	size_t at, size;
	enum field_kind kind;
};
#define CF(f, k) { #f, offsetof(struct cycle, f), sizeof(((struct cycle *)0)->f), k }
#define LF(f, k) { #f, offsetof(struct cycle_lane, f), sizeof(((struct cycle_lane *)0)->f), k }

static const struct field cycle_fields[] = {
	CF(stage, F_ENUM), CF(end, F_ENUM), CF(rehearsal, F_BOOL), CF(held, F_BOOL), CF(held_why, F_TEXT),
	CF(plan_frozen, F_BOOL), CF(plan_until_wall_us, F_I64), CF(first_intent, F_BOOL), CF(run_until_wall_us, F_I64),
	CF(aborting, F_BOOL), CF(abort_restore, F_BOOL), CF(cleaned, F_BOOL), CF(records_ok, F_BOOL),
	CF(records_listed, F_BOOL), CF(needs_records, F_BOOL),
};
static const struct field lane_fields[] = {
	LF(phase, F_ENUM), LF(listed, F_BOOL), LF(complete, F_BOOL), LF(list_items, F_I64), LF(excluded, F_BOOL),
	LF(granted, F_BOOL), LF(n, F_I64), LF(bytes_granted, F_I64), LF(on_abort, F_ENUM), LF(batch, F_I32),
	LF(batch_from, F_I32), LF(batch_to, F_I32), LF(retry_pass, F_BOOL), LF(retried, F_BOOL), LF(stop_first_pass, F_BOOL),
	LF(halted, F_BOOL), LF(halt_why, F_TEXT), LF(acked, F_BOOL), LF(requests, F_I64), LF(canary_done, F_BOOL),
	LF(control_n, F_INT),
};

static int64_t field_get(const char *base, const struct field *f)
{
	const char *p = base + f->at;
	switch (f->kind) {
	case F_BOOL: return *(const bool *)p;
	case F_I64: return *(const int64_t *)p;
	case F_I32: return *(const int32_t *)p;
	case F_INT: return *(const int *)p;
	case F_ENUM: return (int64_t) * (const unsigned *)p;
	case F_TEXT: break;
	}
	return 0;
}

static void field_set(char *base, const struct field *f, int64_t v)
{
	char *p = base + f->at;
	switch (f->kind) {
	case F_BOOL: *(bool *)p = v != 0; break;
	case F_I64: *(int64_t *)p = v; break;
	case F_I32: *(int32_t *)p = (int32_t)v; break;
	case F_INT: *(int *)p = (int)v; break;
	case F_ENUM: *(unsigned *)p = (unsigned)v; break;
	case F_TEXT: break;
	}
}

static void fields_write(struct jw *w, const void *base, const struct field *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].kind == F_TEXT)
			jw_kz(w, f[i].name, (const char *)base + f[i].at);
		else
			jw_ki64(w, f[i].name, field_get(base, &f[i]));
}

static enum rc fields_read(const struct json *j, void *base, const struct field *f, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *v = json_get(j, f[i].name);
		struct slice t;
		int64_t num;
		if (f[i].kind == F_TEXT && json_str(v, &t))
			snprintf((char *)base + f[i].at, f[i].size, "%.*s", SLICE_FMT(t));
		else if (f[i].kind != F_TEXT && json_i64(v, &num))
			field_set(base, &f[i], num);
		else
			return err_set(e, RC_AUDIT, "the stored cycle lacks %s; it cannot be continued", f[i].name);
	}
	return RC_OK;
}

void cycle_body(const struct cycle *c, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	fields_write(&w, c, cycle_fields, ARRAY_LEN(cycle_fields));
	jw_key(&w, "lanes");
	jw_arr(&w);
	for (int i = 0; i < c->lanes; i++) {
		jw_obj(&w);
		jw_kz(&w, "name", c->lane[i].o.name);
		fields_write(&w, &c->lane[i], lane_fields, ARRAY_LEN(lane_fields));
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	jw_end_obj(&w);
}

enum rc cycle_body_read(struct cycle *c, struct slice body, struct now now, struct err *e)
{
	struct json_doc *d;
	enum rc rc = json_parse(&d, body, NULL, e);
	if (rc != RC_OK)
		return err_prefix(e, "stored cycle");
	const struct json *j = json_root(d), *l = json_first(json_get(j, "lanes"));
	rc = fields_read(j, c, cycle_fields, ARRAY_LEN(cycle_fields), e);
	for (int i = 0; rc == RC_OK && i < c->lanes; i++, l = json_next(l)) {
		if (!slice_is(json_get_str(l, "name"), c->lane[i].o.name))
			rc = err_set(e, RC_AUTH, "the stored cycle was for other lanes than the configuration has now");
		else
			rc = fields_read(l, &c->lane[i], lane_fields, ARRAY_LEN(lane_fields), e);
	}
	json_doc_free(d);
	c->since_us = now.boot_us;
	c->plan_until_boot_us = now.boot_us + (c->plan_until_wall_us - now.wall_us);
	return rc;
}

void cycle_item_restore(struct cycle *c, int32_t n, const struct cycle_plan_item *p, int state, int row, int attempts,
			int class_, bool was_sent)
{
	struct cycle_lane *l = &c->lane[p->lane];
	if (!c->item || n >= c->items) {
		c->item = xreallocarray(c->item, (size_t)n + 1, sizeof *c->item);
		c->items = n + 1;
	}
	struct cycle_item *it = &c->item[n];
	if (!l->planned)
		l->first = n;
	l->planned++;
	l->c.planned++;
	l->c.planned_bytes += p->bytes < 0 ? l->o.max_item_bytes : p->bytes;
	l->c.by_state[state]++;
	if (state == ITEM_FAILED)
		l->c.failed_by[class_]++;
	*it = (struct cycle_item){ .bytes = p->bytes, .lane = p->lane, .sent_us = -1, .has_row = p->has_row,
		.state = (uint8_t)state, .row = (uint8_t)row, .attempts = (uint8_t)attempts, .class_ = (uint8_t)class_,
		.maybe = was_sent };
	l->budget.first_attempts += attempts > 0;
	l->budget.repeats += attempts > 2 ? attempts - 2 : 0;
}

/* What the last durable state of an item means for a new process. */
enum recovery { KEEP, BACK_TO_PLAN, ASK };
static const enum recovery recovery_of[ITEM_STATE_COUNT] = {
	[ITEM_PLANNED] = KEEP, [ITEM_CHECKING] = BACK_TO_PLAN, [ITEM_CLAIMING] = BACK_TO_PLAN, [ITEM_READY] = BACK_TO_PLAN,
	[ITEM_SENT] = ASK, [ITEM_BACKOFF] = BACK_TO_PLAN, [ITEM_PROBING] = ASK, [ITEM_SETTLING] = ASK,
};

static void recover_item(struct step *s, struct cycle_item *it)
{
	struct cycle_lane *l = lane_of(s->c, it);
	switch (recovery_of[it->state]) {
	case KEEP: break;
	case BACK_TO_PLAN:
		if (it->state == ITEM_CLAIMING && it->has_row)
			row_set(s, it, ROW_CLAIMED);    /* or not: giving back decides */
		item_set(s, it, ITEM_PLANNED);
		break;
	case ASK:
		it->maybe = true;
		it->probes = 0;
		item_set(s, it, ITEM_PROBING);
		emit(s, EFF_PROBE, it->lane, item_index(s->c, it));
		break;
	}
	bool holds_unit = item_deleted(it->state) || it->state == ITEM_UNKNOWN || it->state == ITEM_PROBING;
	if (holds_unit) {
		it->charged = true;
		l->items_charged++;
		l->bytes_charged += item_charge(l, it);
	}
}

static void recover_lane(struct step *s, struct cycle_lane *l)
{
	struct cycle *c = s->c;
	if (c->stage != STAGE_CLEANING || lane_done(l) || l->phase == PHASE_CHOICE)
		return;
	struct cycle_item *it = c->item + l->first;
	/* the batch that was under way is opened again from its first unsettled item */
	int32_t from = l->batch_to;
	for (int32_t r = l->batch_to - 1; r >= 0; r--)
		if (it[r].state == ITEM_PLANNED || it[r].state == ITEM_HELD)
			from = r;
	if (l->phase == PHASE_RETRYING) {
		/* failed ones go back to the retry set; the pass is decided again at its boundary */
		l->retry_pass = false;
		l->retried = false;
	}
	l->batch_to = from;
	l->phase = l->c.by_state[ITEM_PROBING] ? PHASE_SENDING : PHASE_BOUNDARY;
	l->batch_from = MIN(l->batch_from, l->batch_to);
	l->cursor = l->batch_to;
	l->list_at_us = INT64_MIN / 2;          /* every remaining item is re-validated from fresh answers */
}

void cycle_recover(struct cycle *c, struct now now, struct effects *out)
{
	struct step s;
	step_init(&s, c, out, now);
	note(&s);
	jw_kz(&s.w, "stage", cycle_stage_name(c->stage));
	int64_t asked = 0;
	for (int32_t i = 0; i < c->items; i++)
		asked += recovery_of[c->item[i].state] == ASK;
	jw_ki64(&s.w, "intents_without_outcome", asked);
	note_emit(&s, AUDIT_RECOVERY, -1, -1);
	for (int32_t i = 0; i < c->items; i++)
		recover_item(&s, &c->item[i]);
	for (int i = 0; i < c->lanes; i++)
		recover_lane(&s, &c->lane[i]);
	if (c->stage == STAGE_CLEANING) {
		commit_release(&s);
		c->held = true;
		snprintf(c->held_why, sizeof c->held_why, "the engine was restarted; deletes wait for an operator");
	}
	if (c->stage == STAGE_DISCOVERING || (c->stage == STAGE_VALIDATING && !c->plan_frozen)) {
		c->stage = STAGE_DISCOVERING;
		c->listing = true;
		c->records_listed = false;
		for (int i = 0; i < c->lanes; i++) {
			c->lane[i].listed = false;
			if (!c->lane[i].excluded)
				emit(&s, EFF_DISCOVER, i, -1);
		}
	}
	if (c->stage == STAGE_COMMITTING)
		commit_enter(&s);
	if (c->stage == STAGE_AUDITING)
		audit_enter(&s);
	snprintf(c->waiting_for, sizeof c->waiting_for, "%s%s", c->held ? "held: " : "", c->held ? c->held_why : "");
	emit(&s, EFF_CYCLE, -1, -1);
	step_done(&s);
}
