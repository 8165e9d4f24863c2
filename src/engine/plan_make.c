/* The header of a plan from configuration and discovery, and a plan read back from disk. */
#include "engine/internal.h"
#include "engine/lease.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static struct slice join(struct plan *p, const char *const *v, size_t n)
{
	struct buf b;
	buf_init(&b);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", v[i]);
	struct slice s = plan_keep(p, buf_slice(&b));
	buf_done(&b);
	return s;
}

static struct slice keep_z(struct plan *p, const char *z) { return plan_keep(p, slice_of(z ? z : "")); }

/* Caps that equal the built-in default are marked, so that the plan can spell them out as such. */
static struct plan_caps caps_of(const struct cfg_policy *p)
{
	const struct cfg_caps *c = &p->caps;
	return (struct plan_caps){ .items = c->items, .bytes = c->bytes, .share_bp = c->share_bp, .remain = c->remain,
		.items_default = c->items == 1000, .bytes_default = c->bytes == INT64_C(10000000000),
		.share_default = c->share_bp == 5000, .remain_default = c->remain == 0 };
}

static void lane_header(struct runner *r, struct plan *p, int i)
{
	struct elane *el = &r->en->lane[r->lane_of[i]];
	struct plan_lane *l = &p->lane[i];
	struct buf id;
	buf_init(&id);
	lane_identity(el->lane, &id);
	l->name = keep_z(p, el->cfg->name);
	l->identity = plan_keep(p, buf_slice(&id));
	l->url = keep_z(p, el->cfg->url);
	l->account = keep_z(p, el->cfg->account);
	l->key = keep_z(p, el->key_print);
	l->caps = caps_of(r->policy);
	l->listed = el->items;
	l->listed_bytes = el->bytes;
	l->pages = el->pages;
	l->listed_us = el->listed_us;
	l->expected = el->expected;
	l->blind = join(p, el->cfg->blind, el->cfg->n_blind);
	l->claims = keep_z(p, r->records ? r->records->list.caps.unclaimed : "the policy has no records");
	l->max_item_bytes = el->cfg->max_item_bytes;
	buf_done(&id);
}

/* What was declared to be no fault stands in the plan. */
static void records_proof(const struct erecords *r, struct buf *out)
{
	buf_addf(out, "%s: %s", r->cfg->name, r->list.places);
	if (r->cfg->may_be_empty)
		buf_addf(out, "; declared: %s may be empty", r->cfg->table);
	for (size_t i = 0; i < r->cfg->n_references; i++)
		if (r->cfg->references[i].may_be_empty)
			buf_addf(out, "; declared: %s may be empty", r->cfg->references[i].table);
	objects_proof(r, out);
}

/* Places of providers that were asked who uses the files, and how that came out. */
static void places_proof(struct runner *r, struct buf *out)
{
	for (int i = 0; i < r->c->lanes; i++) {
		const struct elane *l = &r->en->lane[r->lane_of[i]];
		if (!l->places[0] || !l->referrals || r->c->lane[i].excluded)
			continue;
		buf_adds(out, out->n ? "; " : "");
		if (l->referrals->complete)
			buf_addf(out, "%s: %s listed, %zu files in use", l->cfg->name, l->places, l->referrals->n + l->referrals->n_inner);
		else
			buf_adds(out, l->referrals->trouble);
	}
}

struct plan *plan_prepare(struct runner *r)
{
	static const enum plan_order orders[] = { [CFG_ORDER_OLDEST] = ORDER_OLDEST, [CFG_ORDER_NEWEST] = ORDER_NEWEST,
		[CFG_ORDER_LARGEST] = ORDER_LARGEST, [CFG_ORDER_SMALLEST] = ORDER_SMALLEST };
	struct plan *p = plan_new(r->c->id);
	struct buf proof;
	buf_init(&proof);
	p->policy = keep_z(p, r->policy->name);
	p->policy_hash = r->policy->hash;
	p->program = keep_z(p, "sluice " SLUICE_VERSION);
	p->creator = keep_z(p, "engine");
	if (r->records)
		records_proof(r->records, &proof);
	places_proof(r, &proof);
	if (r->policy->hidden_escrow == CFG_HIDDEN_ALLOW)
		buf_addf(&proof, "%sdeclared: an item and the only other copy of it may both go", proof.n ? "; " : "");
	p->records_proof = plan_keep(p, buf_slice(&proof));
	char lease[200] = "this host only";
	if (r->records)
		lease_text(r->en, r->records, lease);
	p->lease = keep_z(p, lease);
	p->made_us = now_read().wall_us;
	p->until_us = p->made_us + r->policy->plan_for_ms * 1000;
	p->rehearsal = r->c->rehearsal;
	p->order = orders[r->policy->order];
	p->lanes = r->c->lanes;
	p->lane = xcalloc((size_t)p->lanes, sizeof *p->lane);
	for (int i = 0; i < p->lanes; i++)
		lane_header(r, p, i);
	buf_done(&proof);
	return p;
}
