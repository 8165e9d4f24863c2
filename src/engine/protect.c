/* Items that an operator protects by hand, whatever a policy says (SEMANTICS 1). The database is the truth: a
 * validation reads all of them, a re-validation asks for each item of its batch. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 1024, PROTECTED_MAX = 100000 };

/* ---- for the policy ---- */

struct reading {
	struct arena *arena;
	struct slice *ids;
	size_t n, cap;
};

static enum rc read_id(void *ctx, const struct journal_protect *p)
{
	struct reading *q = ctx;
	GROW(q->ids, q->cap, q->n + 1);
	q->ids[q->n++] = (struct slice){ arena_strndup(q->arena, p->id.p, p->id.n), p->id.n };
	return RC_OK;
}

enum rc protected_of(struct engine *en, const char *lane, struct arena *a, const struct slice **ids, size_t *n, struct err *e)
{
	struct reading q = { .arena = a };
	enum rc rc = journal_read_protected(en->reader, slice_of(lane), read_id, &q, e);
	*n = q.n;
	*ids = q.n ? memcpy(arena_alloc(a, q.n * sizeof *q.ids), q.ids, q.n * sizeof *q.ids) : NULL;
	free(q.ids);
	return rc;
}

static enum rc one_is_enough(void *ctx, const struct journal_protect *p)
{
	(void)ctx;
	(void)p;
	return RC_FULL;
}

bool protected_any(struct engine *en, const char *lane)
{
	struct err e;
	return journal_read_protected(en->reader, slice_of(lane), one_is_enough, NULL, &e) != RC_OK;
}

enum check_result protected_check(struct engine *en, const char *lane, struct slice id)
{
	struct err e;
	bool yes;
	if (journal_is_protected(en->reader, slice_of(lane), id, &yes, &e) != RC_OK)
		return CHECK_NO_ANSWER;
	return yes ? CHECK_PROTECTED : CHECK_SAME;
}

/* ---- commands ---- */

/* The item in the plan of the open cycle; -1 = it is not in one. */
static int32_t planned(const struct engine *en, struct slice lane, struct slice id)
{
	const struct runner *run = en->run;
	if (!runner_open(en) || !run->plan || !run->c->plan_frozen)
		return -1;
	for (int32_t i = 0; i < run->plan->items; i++)
		if (slice_eq(run->plan->item[i].id, id) && slice_eq(run->plan->lane[run->plan->item[i].lane].name, lane))
			return i;
	return -1;
}

/* Re-validation keeps a protected item from being sent only while it is still to come. */
static const char *too_late(const struct engine *en, int32_t item)
{
	enum item_state s = item < 0 ? ITEM_PLANNED : (enum item_state)en->run->c->item[item].state;
	if (item_deleted(s))
		return "it is deleted already";
	return s == ITEM_PLANNED || item_settled(s) ? NULL : "it is in the batch that is being deleted: hold, and abort if it must stay";
}

struct protecting {
	struct engine *en;
	bool off, planned;
	engine_reply *reply;
	void *ctx;
};

static void protecting_done(void *ctx, enum rc rc, const struct err *e)
{
	struct protecting *q = ctx;
	char result[80];
	snprintf(result, sizeof result, "{\"protected\":%s,\"planned\":%s}", q->off ? "false" : "true", q->planned ? "true" : "false");
	engine_changed(q->en, ENGINE_OVERVIEW | ENGINE_CYCLE);
	q->reply(q->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(q);
}

static void write_down(struct protecting *q, const struct engine_who *who, struct slice lane, struct slice id, struct slice reason)
{
	struct audit_actor a = actor_of(who);
	struct journal *j = journal_new();
	struct journal_protect p = { .lane = lane, .id = id, .actor = a.name, .reason = reason, .at_us = now_read().wall_us, .off = q->off };
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", lane);
	jw_kbool(&w, "protected", !q->off);
	jw_kstr(&w, "reason", reason);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_PROTECT, &a, id, runner_open(q->en) ? q->en->run->c->id : 0, SLICE_LIT(""), buf_slice(&b));
	journal_protect(j, &p);
	buf_done(&b);
	store_commit(q->en->store, j, protecting_done, q);
}

static enum rc one_more(void *ctx, const struct journal_protect *p)
{
	(void)p;
	++*(size_t *)ctx;
	return RC_OK;
}

/* NULL = it can be written down. */
static const char *refusal(struct engine *en, const struct engine_protection *p)
{
	struct err e;
	size_t n = 0;
	bool yes = false;
	if (!engine_lane(en, p->lane))
		return "no lane of the configuration has that name; `sluice lanes` lists them";
	if (!p->id.n || p->id.n > ID_MAX)
		return "an id has 1 to 1024 bytes";
	if (!p->reason.n)
		return p->off ? "taking a protection away needs a reason" : "protecting an item needs a reason";
	if (journal_is_protected(en->reader, p->lane, p->id, &yes, &e) != RC_OK)
		return "the database cannot be read now; try again";
	if (p->off)
		return yes ? NULL : "that item is not protected by hand; a `protect` rule of the policy may still keep it";
	if (journal_read_protected(en->reader, SLICE_LIT(""), one_more, &n, &e) != RC_OK)
		return "the database cannot be read now; try again";
	return n < PROTECTED_MAX || yes ? NULL : "100000 items are protected by hand: make it a `protect` rule of the policy";
}

void engine_protect(struct engine *en, const struct engine_who *who, const struct engine_protection *p, engine_reply *r, void *ctx)
{
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	int32_t item = planned(en, p->lane, p->id);
	const char *why = refusal(en, p);
	if (why || (!p->off && (why = too_late(en, item)))) {
		command_refuse(r, ctx, item >= 0 && !p->off ? RC_REFUSED : RC_USAGE, why);
		return;
	}
	struct protecting *q = xmalloc(sizeof *q);
	*q = (struct protecting){ en, p->off, item >= 0, r, ctx };
	write_down(q, who, p->lane, p->id, p->reason);
}

/* ---- the list ---- */

struct listed {
	struct jw w;
	struct slice after_lane, after_id;
	int left;
	bool more;
};

static enum rc one_listed(void *ctx, const struct journal_protect *p)
{
	struct listed *q = ctx;
	int d = slice_cmp(p->lane, q->after_lane);
	if (d < 0 || (!d && slice_cmp(p->id, q->after_id) <= 0))
		return RC_OK;
	q->more = q->more || !q->left;
	if (q->more)
		return RC_OK;
	q->left--;
	jw_obj(&q->w);
	jw_kstr(&q->w, "lane", p->lane);
	jw_kstr(&q->w, "id", p->id);
	jw_kstr(&q->w, "by", p->actor);
	jw_kstr(&q->w, "reason", p->reason);
	jw_ki64(&q->w, "at_us", p->at_us);
	jw_end_obj(&q->w);
	return RC_OK;
}

enum rc engine_protected_json(struct engine *en, const struct engine_protected_ask *ask, struct buf *out, struct err *e)
{
	struct listed q = { .after_lane = ask->after_lane, .after_id = ask->after_id, .left = ask->limit > 0 ? (int)MIN(ask->limit, 1000) : 1000 };
	jw_init(&q.w, out);
	jw_obj(&q.w);
	jw_key(&q.w, "items");
	jw_arr(&q.w);
	enum rc rc = journal_read_protected(en->reader, ask->lane, one_listed, &q, e);
	jw_end_arr(&q.w);
	jw_kbool(&q.w, "more", q.more);
	jw_end_obj(&q.w);
	return rc;
}
