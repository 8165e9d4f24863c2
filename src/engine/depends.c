/* References among the items of a lane, as its places tell them, made into an order of the plan. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "cleanup/depend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_NAMED = 5 };

struct where {
	struct slice id;
	int32_t lane, nth;
};

struct order {
	struct validation *v;
	const bool *gone;
	struct where *where;            /* of the plan's items, by lane and id */
	int32_t *place;                 /* nth → index in plan.item */
	struct depend_node *node;       /* by nth */
	struct depend_edge *edge;
	size_t edges, cap;
};

bool depends_any(const struct validation *v)
{
	for (int i = 0; i < v->lanes; i++)
		if (v->referrals[i] && v->referrals[i]->n_inner)
			return true;
	return false;
}

static int by_id(const void *a, const void *b)
{
	const struct where *x = a, *y = b;
	return x->lane != y->lane ? (x->lane > y->lane) - (x->lane < y->lane) : slice_cmp(x->id, y->id);
}

static int32_t find(const struct order *o, int lane, struct slice id)
{
	struct where key = { .id = id, .lane = lane };
	const struct where *w = bsearch(&key, o->where, (size_t)o->v->plan->items, sizeof key, by_id);
	return w ? w->nth : -1;
}

static void make_index(struct order *o)
{
	const struct plan *p = o->v->plan;
	size_t n = (size_t)p->items + 1;
	o->where = xcalloc(n, sizeof *o->where);
	o->place = xcalloc(n, sizeof *o->place);
	o->node = xcalloc(n, sizeof *o->node);
	for (int32_t i = 0; i < p->items; i++) {
		const struct plan_item *it = &p->item[i];
		o->where[i] = (struct where){ it->id, it->lane, it->nth };
		o->place[it->nth] = i;
		o->node[it->nth].fate = o->gone && o->gone[it->nth] ? DEPEND_STAYS : DEPEND_GOES;
	}
	qsort(o->where, (size_t)p->items, sizeof *o->where, by_id);
}

/* From -1: who refers to it is not in the plan. */
static void make_edges(struct order *o)
{
	for (int lane = 0; lane < o->v->lanes; lane++) {
		const struct ereferrals *f = o->v->referrals[lane];
		for (size_t i = 0; f && i < f->n_inner; i++) {
			int32_t to = find(o, lane, f->inner[i].file);
			if (to < 0)
				continue;
			GROW(o->edge, o->cap, o->edges + 1);
			o->edge[o->edges++] = (struct depend_edge){ find(o, lane, f->inner[i].holder), to };
		}
	}
}

static const struct plan_item *item_of(const struct order *o, int32_t nth) { return &o->v->plan->item[o->place[nth]]; }

static void name(struct buf *b, struct slice id)
{
	text_show(b, id, 60, false);
}

/* "f-1 → f-2 → f-1" from where the walk comes back to. */
static void ring(const struct order *o, int32_t nth, struct buf *b)
{
	int32_t slow = nth, first;
	for (int32_t i = 0; i < o->v->plan->items; i++)
		slow = o->node[slow].by;        /* on the ring now, however long the way to it */
	first = slow;
	name(b, item_of(o, first)->id);
	for (int k = 0; k < RING_NAMED; k++) {
		slow = o->node[slow].by;
		buf_adds(b, " → ");
		name(b, item_of(o, slow)->id);
		if (slow == first)
			return;
	}
	buf_adds(b, " → …");
}

/* Who outside the plan refers to it. */
static const char *outside(const struct order *o, const struct plan_item *it)
{
	const struct ereferrals *f = o->v->referrals[it->lane];
	for (size_t i = 0; f && i < f->n_inner; i++)
		if (slice_eq(f->inner[i].file, it->id) && find(o, it->lane, f->inner[i].holder) < 0)
			return f->inner[i].by;
	return "something uses it";
}

static void sentence(const struct order *o, const struct plan_item *it, struct buf *b)
{
	const struct depend_node *d = &o->node[it->nth];
	switch (d->fate) {
	case DEPEND_GOES:
		buf_adds(b, "it goes after ");
		name(b, item_of(o, d->by)->id);
		buf_adds(b, ", which refers to it");
		break;
	case DEPEND_CIRCLE:
		buf_adds(b, "refused: items refer to one another in a circle: ");
		ring(o, it->nth, b);
		break;
	case DEPEND_DEEP:
		buf_addf(b, "its chain of references has more than %d items: it waits for the next plan", DEPEND_LEVELS);
		break;
	case DEPEND_HELD:
		if (d->by < 0) {
			buf_addf(b, "%s, and is not in this plan", outside(o, it));
			break;
		}
		buf_adds(b, "item ");
		name(b, item_of(o, d->by)->id);
		buf_adds(b, " uses it, and stays");
		break;
	case DEPEND_STAYS:
		break;
	}
}

static enum rc tell(struct order *o, bool *gone, depends_told *told, void *ctx)
{
	struct plan *p = o->v->plan;
	struct buf b = { 0 };
	enum rc rc = RC_OK;
	for (int32_t i = 0; rc == RC_OK && i < p->items; i++) {
		const struct depend_node *d = &o->node[p->item[i].nth];
		if (d->fate == DEPEND_STAYS || (d->fate == DEPEND_GOES && !d->level))
			continue;
		buf_clear(&b);
		sentence(o, &p->item[i], &b);
		gone[p->item[i].nth] |= d->fate != DEPEND_GOES;
		rc = told(ctx, &p->item[i], d->fate != DEPEND_GOES, buf_z(&b));
	}
	buf_done(&b);
	return rc;
}

enum rc depends_settle(struct validation *v, bool *gone, depends_told *told, void *ctx)
{
	struct order o = { .v = v, .gone = gone };
	enum rc rc = RC_OK;
	if (!depends_any(v) || !v->plan->items)
		return RC_OK;
	make_index(&o);
	make_edges(&o);
	depend_resolve(o.node, v->plan->items, o.edge, o.edges);
	for (int32_t i = 0; i < v->plan->items; i++)
		v->plan->item[i].level = o.node[v->plan->item[i].nth].level;
	if (gone)
		rc = tell(&o, gone, told, ctx);
	free(o.where);
	free(o.place);
	free(o.node);
	free(o.edge);
	return rc;
}

void depends_cuts(const struct plan *p, int32_t cut[][CYCLE_CUTS])
{
	for (int32_t lane = 0; lane < p->lanes; lane++) {
		const struct plan_item *it = &p->item[p->lane[lane].first];
		int n = 0;
		memset(cut[lane], 0, sizeof cut[lane]);
		for (int32_t r = 1; r < p->lane[lane].items && n < CYCLE_CUTS; r++)
			if (it[r].level != it[r - 1].level)
				cut[lane][n++] = r;
	}
}
