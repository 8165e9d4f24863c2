#include "store/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/journal_op.h"

enum { BLOCK_BYTES = 4096 };

struct journal *journal_new(void)
{
	struct journal *j = xmalloc(sizeof *j);

	*j = (struct journal){ .arena = arena_new(BLOCK_BYTES), .holds = 1, .last = &j->first };
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL || __atomic_sub_fetch(&j->holds, 1, __ATOMIC_ACQ_REL))
		return;
	arena_free(j->arena);
	free(j);
}

struct journal *journal_keep(struct journal *j)
{
	__atomic_add_fetch(&j->holds, 1, __ATOMIC_RELAXED);
	return j;
}

size_t journal_count(const struct journal *j)
{
	return j->audits;
}

uint64_t journal_kinds(const struct journal *j)
{
	return j->kinds;
}

/* Bytes of an op of each kind: most are far smaller than a record of the log. */
static const size_t op_bytes[] = {
#define OP_BYTES(member) (offsetof(struct op, member) + sizeof((struct op *)0)->member)
	[OP_AUDIT] = OP_BYTES(audit), [OP_CYCLE] = OP_BYTES(cycle), [OP_PLAN] = OP_BYTES(plan), [OP_ITEM] = OP_BYTES(item),
	[OP_ITEM_STATE] = OP_BYTES(states), [OP_GRANT] = OP_BYTES(grant), [OP_DEAD] = OP_BYTES(dead), [OP_DEAD_REMOVE] = OP_BYTES(dead),
	[OP_SEAL] = OP_BYTES(last), [OP_LANE_LISTED] = OP_BYTES(lane), [OP_LANE_DELETED] = OP_BYTES(lane), [OP_LANE_SPENT] = OP_BYTES(lane),
	[OP_ESCROW] = OP_BYTES(escrow), [OP_SETTING] = OP_BYTES(setting), [OP_TAKEN] = OP_BYTES(taken), [OP_PROTECT] = OP_BYTES(protect),
	[OP_RESTORED] = OP_BYTES(restore), [OP_BASELINE] = OP_BYTES(restore)
#undef OP_BYTES
};

struct op *journal_op_add(struct journal *j, enum op_kind kind)
{
	struct op *op = arena_alloc(j->arena, op_bytes[kind]);

	op->next = NULL;
	op->kind = kind;
	*j->last = op;
	j->last = &op->next;
	return op;
}

static struct slice keep(struct journal *j, struct slice s)
{
	if (s.n == 0)
		return (struct slice){ "", 0 };
	char *p = arena_alloc(j->arena, s.n);
	memcpy(p, s.p, s.n);
	return (struct slice){ p, s.n };
}

void journal_audit(struct journal *j, enum audit_kind kind, const struct audit_actor *who,
		   struct slice subject, int64_t cycle, struct slice plan, struct slice payload)
{
	struct op *op = journal_op_add(j, OP_AUDIT);

	static_assert(AUDIT_KIND_COUNT <= 64, "kinds are a set of bits");
	op->audit = (struct audit_record){
		.kind = kind,
		.actor = { keep(j, who->name), who->uid, keep(j, who->role), keep(j, who->via) },
		.subject = keep(j, subject),
		.cycle = cycle,
		.plan = keep(j, plan),
		.payload = payload.n != 0 ? keep(j, payload) : SLICE_LIT("{}")
	};
	j->audits++;
	j->kinds |= UINT64_C(1) << kind;
}

void journal_cycle(struct journal *j, const struct journal_cycle *c)
{
	struct op *op = journal_op_add(j, OP_CYCLE);

	op->cycle = *c;
	op->cycle.name = keep(j, c->name);
	op->cycle.policy = keep(j, c->policy);
	op->cycle.stage = keep(j, c->stage);
	op->cycle.state = keep(j, c->state);
	op->cycle.plan = keep(j, c->plan);
	op->cycle.body = keep(j, c->body);
}

void journal_plan(struct journal *j, const struct journal_plan *p)
{
	struct op *op = journal_op_add(j, OP_PLAN);

	op->plan = *p;
	op->plan.id = keep(j, p->id);
	op->plan.header = keep(j, p->header);
	op->plan.summary = keep(j, p->summary);
}

void journal_item(struct journal *j, const struct journal_item *it)
{
	struct op *op = journal_op_add(j, OP_ITEM);

	struct slice *const text[] = { &op->item.id, &op->item.name, &op->item.row, &op->item.rule, &op->item.evidence };
	size_t n = 0;

	journal_states_over(j);
	op->item = *it;
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		n += text[i]->n;
	char *to = arena_alloc(j->arena, n);
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		if (text[i]->n)
			memcpy(to, text[i]->p, text[i]->n);
		text[i]->p = to;
		to += text[i]->n;
	}
}

void journal_grant(struct journal *j, const struct journal_grant *g)
{
	struct op *op = journal_op_add(j, OP_GRANT);

	op->grant = *g;
	op->grant.id = keep(j, g->id);
	op->grant.plan = keep(j, g->plan);
	op->grant.lane = keep(j, g->lane);
	op->grant.on_abort = keep(j, g->on_abort);
	op->grant.state = keep(j, g->state);
	op->grant.body = keep(j, g->body);
	op->grant.boot = keep(j, g->boot);
}

void journal_dead(struct journal *j, const struct journal_dead *d)
{
	struct op *op = journal_op_add(j, OP_DEAD);

	op->dead = *d;
	op->dead.lane = keep(j, d->lane);
	op->dead.id = keep(j, d->id);
	op->dead.phase = keep(j, d->phase);
	op->dead.class_ = keep(j, d->class_);
	op->dead.belief = keep(j, d->belief);
	op->dead.body = keep(j, d->body);
}

void journal_dead_remove(struct journal *j, int64_t cycle, int32_t n)
{
	journal_op_add(j, OP_DEAD_REMOVE)->dead = (struct journal_dead){ .cycle = cycle, .n = n };
}

void journal_seal(struct journal *j, int64_t last)
{
	journal_op_add(j, OP_SEAL)->last = last;
}

static struct op_lane *add_lane(struct journal *j, enum op_kind kind, struct op_lane lane)
{
	struct op *op = journal_op_add(j, kind);

	op->lane = lane;
	op->lane.lane = keep(j, lane.lane);
	return &op->lane;
}

void journal_lane_listed(struct journal *j, struct slice lane, int64_t items, int64_t at_us)
{
	add_lane(j, OP_LANE_LISTED, (struct op_lane){ .lane = lane, .items = items, .at_us = at_us });
}

void journal_lane_deleted(struct journal *j, struct slice lane, int64_t more)
{
	add_lane(j, OP_LANE_DELETED, (struct op_lane){ .lane = lane, .items = more });
}

void journal_lane_spent(struct journal *j, struct slice lane, int64_t items, int64_t bytes, int64_t at_us)
{
	struct op_lane *l = j->spent;

	if (l != NULL && l->at_us == at_us && slice_eq(l->lane, lane)) {
		l->items += items;
		l->bytes += bytes;
		return;
	}
	j->spent = add_lane(j, OP_LANE_SPENT, (struct op_lane){ .lane = lane, .items = items, .bytes = bytes, .at_us = at_us });
}

void journal_escrow(struct journal *j, const struct journal_escrow *x)
{
	struct op *op = journal_op_add(j, OP_ESCROW);

	op->escrow = *x;
	op->escrow.lane = keep(j, x->lane);
	op->escrow.id = keep(j, x->id);
	op->escrow.name = keep(j, x->name);
	op->escrow.purpose = keep(j, x->purpose);
	op->escrow.sha256 = keep(j, x->sha256);
	op->escrow.meta = keep(j, x->meta);
	op->escrow.path = keep(j, x->path);
	op->escrow.state = keep(j, x->state);
}

static void add_restore(struct journal *j, enum op_kind k, int64_t cycle, int32_t n, struct slice id)
{
	struct op *op = journal_op_add(j, k);

	op->restore = (struct op_restore){ .cycle = cycle, .n = n, .id = keep(j, id) };
}

void journal_restored(struct journal *j, int64_t cycle, int32_t n, struct slice new_id)
{
	add_restore(j, OP_RESTORED, cycle, n, new_id);
}

void journal_baseline(struct journal *j, int64_t cycle, int32_t lane, struct slice id)
{
	add_restore(j, OP_BASELINE, cycle, lane, id);
}

void journal_setting(struct journal *j, const char *key, struct slice value)
{
	struct op *op = journal_op_add(j, OP_SETTING);

	op->setting.key = keep(j, slice_of(key));
	op->setting.value = keep(j, value);
}

void journal_taken(struct journal *j, const struct journal_taken *t)
{
	struct op *op = journal_op_add(j, OP_TAKEN);

	op->taken = *t;
	op->taken.link = keep(j, t->link);
	op->taken.epoch = keep(j, t->epoch);
}

void journal_protect(struct journal *j, const struct journal_protect *p)
{
	struct op *op = journal_op_add(j, OP_PROTECT);

	op->protect = *p;
	op->protect.lane = keep(j, p->lane);
	op->protect.id = keep(j, p->id);
	op->protect.actor = keep(j, p->actor);
	op->protect.reason = keep(j, p->reason);
}
