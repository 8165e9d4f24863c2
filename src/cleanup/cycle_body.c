/* Persistence of the coordinator and its recovery after a restart (SEMANTICS 7, as a table). */
#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flags and numbers of the cycle and of a lane that survive a restart: name, offset, kind, most. */
enum field_kind { F_BOOL, F_I64, F_I32, F_INT, F_ENUM, F_TEXT };
struct field {
	const char *name;
	size_t at, size;
	enum field_kind kind;
	int64_t most;                   /* of an enum */
};
#define CF(f, k) { #f, offsetof(struct cycle, f), sizeof(((struct cycle *)0)->f), k, INT64_MAX }
#define CE(f, n) { #f, offsetof(struct cycle, f), sizeof(((struct cycle *)0)->f), F_ENUM, (n) - 1 }
#define LF(f, k) { #f, offsetof(struct cycle_lane, f), sizeof(((struct cycle_lane *)0)->f), k, INT64_MAX }
#define LE(f, n) { #f, offsetof(struct cycle_lane, f), sizeof(((struct cycle_lane *)0)->f), F_ENUM, (n) - 1 }

static const struct field cycle_fields[] = {
	CE(stage, STAGE_COUNT), CE(end, END_COUNT), CE(ending, END_COUNT), CF(rehearsal, F_BOOL), CF(held, F_BOOL),
	CF(held_why, F_TEXT), CF(plan_frozen, F_BOOL), CF(plan_until_wall_us, F_I64), CF(first_intent, F_BOOL),
	CF(run_until_wall_us, F_I64), CF(aborting, F_BOOL), CF(abort_restore, F_BOOL), CF(must_abort, F_TEXT), CF(cleaned, F_BOOL),
	CF(needs_records, F_BOOL),
};
static const struct field lane_fields[] = {
	LE(phase, PHASE_COUNT), LF(list_items, F_I64), LF(excluded, F_BOOL), LF(granted, F_BOOL), LF(n, F_I64),
	LF(bytes_granted, F_I64), LE(on_abort, ON_ABORT_RESTORE + 1), LF(batch, F_I32), LF(batch_from, F_I32), LF(batch_to, F_I32),
	LF(go, F_BOOL), LF(halted, F_BOOL), LF(halt_why, F_TEXT), LF(acked, F_BOOL), LF(requests, F_I64), LF(canary_done, F_BOOL),
	LF(restore, F_BOOL), LF(based, F_BOOL),
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
		else if (f[i].kind != F_TEXT && json_i64(v, &num) && (f[i].kind != F_ENUM || (num >= 0 && num <= f[i].most)))
			field_set(base, &f[i], num);
		else
			return err_set(e, RC_AUDIT, "the stored cycle has no usable %s; it cannot be continued", f[i].name);
	}
	return RC_OK;
}

/* Only where there are any: a body without them has none. */
static void cuts_write(struct jw *w, const struct cycle_lane *l)
{
	if (!l->cut[0])
		return;
	jw_key(w, "cuts");
	jw_arr(w);
	for (int k = 0; k < CYCLE_CUTS && l->cut[k]; k++)
		jw_i64(w, l->cut[k]);
	jw_end_arr(w);
}

static void cuts_read(const struct json *j, struct cycle_lane *l)
{
	int64_t v;
	int k = 0;
	for (const struct json *x = json_is_array(j) ? json_first(j) : NULL; x && k < CYCLE_CUTS; x = json_next(x))
		if (json_i64(x, &v) && v > 0 && v < INT32_MAX)
			l->cut[k++] = (int32_t)v;
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
		cuts_write(&w, &c->lane[i]);
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
		cuts_read(json_get(l, "cuts"), &c->lane[i]);
	}
	json_doc_free(d);
	c->since_us = now.boot_us;
	c->plan_until_boot_us = now.boot_us + (c->plan_until_wall_us - now.wall_us);
	c->run_until_boot_us = now.boot_us + (c->run_until_wall_us - now.wall_us);
	return rc;
}

/* ---- items ---- */

/* Could an attempt of ours have reached the store? A refusal that says nothing happened does not count. */
static bool may_have_left(const struct cycle_stored *st)
{
	bool harmless = st->class_ == RETRY_RATE_LIMIT || st->class_ == RETRY_NETWORK || st->class_ == RETRY_AUTH ||
			st->class_ == RETRY_BILLING || st->class_ == RETRY_UNSUPPORTED;
	if (st->state == ITEM_SENT || st->state == ITEM_PROBING || st->state == ITEM_SETTLING || st->state == ITEM_UNKNOWN)
		return true;
	return st->attempts > 1 || (st->attempts == 1 && !harmless);
}

static bool storable(const struct cycle *c, int32_t n, const struct cycle_plan_item *p, const struct cycle_stored *st)
{
	return n == c->items && p->lane >= 0 && p->lane < c->lanes && (!n || p->lane >= c->item[n - 1].lane) &&
	       st->state >= 0 && st->state < ITEM_STATE_COUNT && st->row >= 0 && st->row < ROW_STATE_COUNT &&
	       st->class_ >= 0 && st->class_ < RETRY_CLASS_COUNT && st->attempts >= 0;
}

enum rc cycle_item_restore(struct cycle *c, int32_t n, const struct cycle_plan_item *p, const struct cycle_stored *st, struct err *e)
{
	if (!storable(c, n, p, st))
		return err_set(e, RC_AUDIT, "item %d of the stored cycle has a state that cannot be; it cannot be continued", (int)n);
	GROW(c->item, c->item_cap, (size_t)n + 1);
	GROW(c->marks, c->marks_cap, (size_t)n + 1);
	c->items = n + 1;
	struct cycle_item *it = &c->item[n];
	struct cycle_lane *l = &c->lane[p->lane];
	*it = (struct cycle_item){ .bytes = p->bytes, .lane = p->lane, .sent_us = -1, .sent_wall_us = st->sent_wall_us,
		.done_us = -1, .checked_us = INT64_MIN / 2, .has_row = p->has_row, .restorable = (uint8_t)p->restorable, 
		.state = (uint8_t)st->state, .written = (uint8_t)st->state, .row = (uint8_t)st->row,
		.attempts = (uint16_t)MIN(st->attempts, (int)UINT16_MAX), .tries = c->rehearsal ? 0 : (uint8_t)MIN(st->attempts, (int)UINT8_MAX),
		.class_ = (uint8_t)st->class_, .left = !c->rehearsal && may_have_left(st) };
	c->marks[n] = 0;
	mark(c, it);
	cycle_count_item(c, n, (enum item_state)st->state);
	if (item_holds_unit((enum item_state)st->state)) {
		l->items_charged++;
		l->bytes_charged += item_charge(l, it);
	}
	l->budget.first_attempts += st->attempts > 0;
	l->budget.repeats += st->attempts > 2 ? st->attempts - 2 : 0;
	return RC_OK;
}

/* ---- what the last durable state of an item means for a new process ---- */

enum recovery { KEEP, BACK_TO_PLAN, ASK };
static const enum recovery recovery_of[ITEM_STATE_COUNT] = {
	[ITEM_CHECKING] = BACK_TO_PLAN, [ITEM_CLAIMING] = BACK_TO_PLAN, [ITEM_READY] = BACK_TO_PLAN, [ITEM_BACKOFF] = BACK_TO_PLAN,
	[ITEM_SENT] = ASK, [ITEM_PROBING] = ASK, [ITEM_SETTLING] = ASK,
};

static void recover_item(struct step *s, struct cycle_item *it)
{
	enum recovery to = recovery_of[it->state];
	switch (to == ASK && s->c->rehearsal ? BACK_TO_PLAN : to) {     /* a rehearsal's requests never leave */
	case KEEP: break;
	case BACK_TO_PLAN:
		if (it->state == ITEM_CLAIMING && it->has_row)
			row_set(s, it, ROW_CLAIMED);    /* perhaps */
		item_set(s, it, ITEM_PLANNED);
		break;
	case ASK:
		/* it may be as young as the wall clock says, and have waited for its turn: a store that acts late is given its time */
		it->sent_us = it->sent_wall_us < 0 ? -1 : s->now.boot_us - MAX(s->now.wall_us - it->sent_wall_us - OUTGOING_MAX_US, 0);
		it->probes = 0;
		/* no answer was ever heard: also not by an engine that asked and ended in its turn */
		it->lost = it->state == ITEM_SENT || it->class_ == RETRY_NONE_CLASS;
		if (it->lost)
			it->class_ = RETRY_NONE_CLASS;
		item_probe(s, it);
		break;
	}
}

/* The batch that was under way is opened again; what was settled stays so. */
static void recover_lane(struct step *s, struct cycle_lane *l)
{
	struct cycle *c = s->c;
	const struct cycle_item *it = items_of(c, l);
	bool unsent = false;
	l->list_at_us = INT64_MIN / 2;          /* every remaining item is re-validated from fresh answers */
	if (lane_done(l) || l->phase == PHASE_CHOICE)
		return;
	for (int32_t r = 0; r < l->batch_to; r++)
		unsent |= it[r].state == ITEM_PLANNED;
	if (unsent)
		l->phase = PHASE_CHECKING;
	else if (l->phase != PHASE_BOUNDARY)
		l->phase = PHASE_SENDING;
}

static void recover_cleaning(struct step *s)
{
	struct cycle *c = s->c;
	for (int32_t i = 0; i < c->items; i++)
		recover_item(s, &c->item[i]);
	for (int i = 0; i < c->lanes; i++)
		recover_lane(s, &c->lane[i]);
	if (!c->aborting && !c->cleaned)
		hold(s, "the engine was restarted; deletes wait for an operator");
	(void)release_next(s);
}

static enum rc belongs(const struct cycle *c, struct err *e)
{
	for (int i = 0; i < c->lanes; i++) {
		const struct cycle_lane *l = &c->lane[i];
		bool batch = l->batch_from >= 0 && l->batch_from <= l->batch_to && l->batch_to <= l->n && l->batch >= 0;
		if (l->n < 0 || l->n > l->planned || !batch || l->bytes_granted < 0)
			return err_set(e, RC_AUDIT, "the stored cycle's batches of lane %s do not fit its items; it cannot be continued", l->o.name);
	}
	return RC_OK;
}

static void recovery_note(struct step *s)
{
	struct cycle *c = s->c;
	int64_t asked = 0;
	for (int32_t i = 0; i < c->items; i++)
		asked += recovery_of[c->item[i].state] == ASK;
	note(s);
	jw_kz(&s->w, "stage", cycle_stage_name(c->stage));
	jw_ki64(&s->w, "intents_without_outcome", asked);
	note_emit(s, AUDIT_RECOVERY, -1, -1);
}

enum rc cycle_recover(struct cycle *c, struct now now, struct effects *out, struct err *e)
{
	struct step s;
	if (c->stage <= STAGE_VALIDATING)
		cycle_drop_plan(c);
	enum rc rc = belongs(c, e);
	if (rc != RC_OK)
		return rc;
	step_init(&s, c, out, now);
	recovery_note(&s);
	if (c->stage <= STAGE_VALIDATING) {
		c->stage = STAGE_DISCOVERING;
		discover_again(&s);
	} else if (c->stage == STAGE_CLEANING) {
		recover_cleaning(&s);
	} else if (c->stage == STAGE_COMMITTING) {
		commit_enter(&s);
	} else if (c->stage == STAGE_AUDITING) {
		audit_enter(&s);
	}
	if (c->stage != STAGE_ENDED)
		advance(&s);
	describe(&s);
	emit(&s, EFF_CYCLE, -1, -1);
	step_done(&s);
	return RC_OK;
}
