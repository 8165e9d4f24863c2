/* Snapshots for the protocol: the plan as the approval page shows it, its items, the policies. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK = 10, WINDOW_MAX = 500 };

static struct runner *with_plan(struct engine *en, int64_t cycle, struct err *e)
{
	if (en->run && en->run->plan && en->run->c->plan_frozen && (!cycle || cycle == en->run->c->id))
		return en->run;
	err_set(e, RC_NOT_FOUND, "there is no plan; start a cycle and step it through validation");
	return NULL;
}

static void classes(struct jw *w, const struct plan *p, int lane, int64_t n)
{
	static const char *const names[] = { "R0", "R1", "R2", "R3" };
	const struct plan_lane *l = &p->lane[lane];
	int64_t by[REV_COUNT] = { 0 };
	int64_t bytes = 0;
	for (int64_t r = 0; r < n && r < l->items; r++) {
		const struct plan_item *it = &p->item[l->first + r];
		by[it->class_]++;
		bytes += it->class_ == REV_R0 ? 0 : plan_charge(l, it);
	}
	jw_key(w, "class");
	jw_obj(w);
	for (int k = 0; k < REV_COUNT; k++)
		jw_ki64(w, names[k], by[k]);
	jw_end_obj(w);
	jw_ki64(w, "restorable_bytes", bytes);
}

static void phrases(struct jw *w, const struct plan *p, int lane, int64_t n)
{
	struct buf b;
	buf_init(&b);
	grant_phrase(&b, p, lane, n);
	jw_kstr(w, "phrase", buf_slice(&b));
	buf_clear(&b);
	grant_phrase_irreversible(&b, p, lane, n);
	view_optional_z(w, "irreversible_phrase", buf_z(&b));
	buf_done(&b);
}

static void caps_part(struct jw *w, const struct plan_caps *c)
{
	const struct { bool is; const char *word; } defaults[] = { { c->items_default, "items" }, { c->bytes_default, "bytes" },
		{ c->share_default, "share" }, { c->remain_default, "remain" } };
	jw_key(w, "caps");
	jw_obj(w);
	jw_ki64(w, "items", c->items);
	jw_ki64(w, "bytes", c->bytes);
	jw_ki64(w, "share_bp", c->share_bp);
	jw_ki64(w, "remain", c->remain);
	jw_key(w, "defaults");
	jw_arr(w);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (defaults[i].is)
			jw_z(w, defaults[i].word);
	jw_end_arr(w);
	jw_end_obj(w);
}

static void blind_part(struct jw *w, struct slice blind)
{
	jw_key(w, "blind");
	jw_arr(w);
	if (blind.n)
		jw_str(w, blind);
	jw_end_arr(w);
}

static void one_lane(struct jw *w, const struct runner *r, int i, int64_t ask)
{
	const struct plan *p = r->plan;
	const struct plan_lane *l = &p->lane[i];
	jw_obj(w);
	jw_kstr(w, "lane", l->name);
	jw_kstr(w, "url", l->url);
	jw_kstr(w, "account", l->account);
	jw_kstr(w, "key", l->key);
	jw_ki64(w, "items", l->items);
	jw_ki64(w, "bytes", l->bytes);
	jw_ki64(w, "listed", l->listed);
	jw_ki64(w, "listed_bytes", l->listed_bytes);
	jw_ki64(w, "share_bp", l->listed ? 10000 * (int64_t)l->items / l->listed : 0);
	classes(w, p, i, l->items);
	jw_ki64(w, "pages", l->pages);
	jw_kbool(w, "complete", true);
	jw_ki64(w, "listed_us", l->listed_us);
	jw_kopt(w, "expected", l->expected);
	caps_part(w, &l->caps);
	blind_part(w, l->blind);
	jw_kbool(w, "claims", l->claims.n == 0);
	jw_kstr(w, "claims_sentence", l->claims);
	phrases(w, p, i, l->items);
	if (ask > 0 && ask <= l->items) {
		jw_key(w, "grant");
		jw_obj(w);
		jw_ki64(w, "items", ask);
		jw_ki64(w, "bytes", plan_bytes_of(p, i, ask));
		classes(w, p, i, ask);
		phrases(w, p, i, ask);
		jw_end_obj(w);
	}
	jw_end_obj(w);
}

static void records_part(struct jw *w, const struct runner *r)
{
	jw_key(w, "records");
	jw_arr(w);
	if (r->records) {
		jw_obj(w);
		jw_kz(w, "name", r->records->cfg->name);
		jw_kopt(w, "rows", r->records->listed ? r->records->list.rows : -1);
		jw_kstr(w, "places", r->plan->records_proof);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static void header_part(struct jw *w, const struct runner *r)
{
	const struct plan *p = r->plan;
	char hex[HASH_HEX], shown[16];
	bool spent = r->c->first_intent, over = now_read().wall_us >= p->until_us;
	jw_kz(w, "id", hash_hex(hex, &p->id));
	jw_kz(w, "short", hash_short(shown, &p->id));
	jw_ki64(w, "cycle", p->cycle);
	jw_kstr(w, "policy", p->policy);
	jw_kz(w, "policy_hash", hash_hex(hex, &p->policy_hash));
	jw_ki64(w, "made_us", p->made_us);
	jw_ki64(w, "expires_us", p->until_us);
	jw_kbool(w, "valid", !spent && !over && r->c->stage != STAGE_ENDED);
	view_optional_z(w, "invalid_because", r->c->stage == STAGE_ENDED ? "the cycle has ended" : spent ? "deleting has begun: the plan is spent"
			: over ? "the plan has run out" : NULL);
	jw_kstr(w, "creator", p->creator);
	jw_kbool(w, "rehearsal", p->rehearsal);
}

static void if_abort(struct jw *w, const struct runner *r)
{
	const struct plan *p = r->plan;
	char text[200];
	int64_t back = 0, same = 0, keys = 0;
	for (int i = 0; i < p->lanes; i++) {
		back += restoring_of_lane(&p->lane[i]);
		same += p->lane[i].by_class[REV_R3];
		keys += lane_upload_keeps_id(r->en->lane[r->lane_of[i]].lane) ? p->lane[i].by_class[REV_R1] : 0;
	}
	const char *under = keys == back - same ? " from verified copies, under their own keys" : keys ?
		" from verified copies, under new ids or their own keys" : " from verified copies, under new ids";
	if (back)
		snprintf(text, sizeof text, "%" PRId64 " of %" PRId32 " items could be restored%s%s; %" PRId64 " would stay deleted", back, p->items,
			 back > same ? under : ", as they were", back > same && same ? " or as they were" : "",
			 p->items - back);
	else
		snprintf(text, sizeof text, "what is deleted by then stays deleted: nothing in this plan can be restored");
	jw_kz(w, "if_abort", text);
}

enum rc engine_plan_json(struct engine *en, const struct engine_plan_ask *q, struct buf *out, struct err *e)
{
	struct runner *r = with_plan(en, q->cycle, e);
	struct jw w;
	if (!r)
		return RC_NOT_FOUND;
	jw_init(&w, out);
	jw_obj(&w);
	header_part(&w, r);
	jw_key(&w, "lanes");
	jw_arr(&w);
	for (int i = 0; i < r->plan->lanes; i++)
		one_lane(&w, r, i, slice_eq(r->plan->lane[i].name, q->lane) ? q->items : 0);
	jw_end_arr(&w);
	records_part(&w, r);
	jw_key(&w, "since_last");
	jw_null(&w);
	jw_kstr(&w, "lease", r->plan->lease);
	jw_ki64(&w, "approvals_needed", r->policy->approvals);
	jw_ki64(&w, "irreversible_approvals_needed", r->policy->irreversible_approvals);
	jw_kz(&w, "identities", "uid + key");
	if_abort(&w, r);
	jw_end_obj(&w);
	return RC_OK;
}

/* ---- items to look at ---- */

static int by_size(const void *a, const void *b)
{
	const struct plan_item *x = *(const struct plan_item *const *)a, *y = *(const struct plan_item *const *)b;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int by_newest(const void *a, const void *b)
{
	const struct plan_item *x = *(const struct plan_item *const *)a, *y = *(const struct plan_item *const *)b;
	return (x->created_us < y->created_us) - (x->created_us > y->created_us);
}

static void shuffle(const struct plan_item **v, size_t n, uint64_t seed)
{
	struct rng r;
	rng_seed(&r, seed);
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)rng_below(&r, i);
		const struct plan_item *t = v[i - 1];
		v[i - 1] = v[k];
		v[k] = t;
	}
}

static void item_row(struct jw *w, const struct runner *r, const struct plan_item *it)
{
	struct buf shown;
	char where[8];
	buf_init(&shown);
	struct text_info info = text_show(&shown, it->name, 0, false);
	buf_done(&shown);
	jw_obj(w);
	jw_kstr(w, "lane", r->plan->lane[it->lane].name);
	jw_kstr(w, "id", it->id);
	jw_kstr(w, "name", it->name);
	jw_kbool(w, "altered", info.altered);
	jw_kopt(w, "bytes", it->bytes);
	jw_kopt(w, "created_us", it->created_us);
	jw_kz(w, "verdict", "candidate");
	jw_kstr(w, "rule", it->rule);
	jw_kz(w, "class", (const char *const[]){ "R0", "R1", "R2", "R3" }[it->class_]);
	jw_kz(w, "where", reconcile_where_of(it->evidence, where) ? where : it->row.n ? "P n D" : "P n -");
	jw_ki64(w, "rank", it->rank);
	jw_kz(w, "state", item_state_name((enum item_state)r->c->item[it - r->plan->item].state));
	jw_end_obj(w);
}

enum rc engine_plan_items_json(struct engine *en, const struct engine_look *q, struct buf *out, struct err *e)
{
	struct runner *r = with_plan(en, 0, e);
	struct jw w;
	if (!r)
		return RC_NOT_FOUND;
	const struct plan *p = r->plan;
	const struct plan_item **v = xcalloc((size_t)p->items + 1, sizeof *v);
	size_t n = 0;
	bool all = slice_is(q->look, "all"), irreversible = slice_is(q->look, "irreversible");
	for (int32_t i = 0; i < p->items; i++) {
		if (q->lane.n && !slice_eq(p->lane[p->item[i].lane].name, q->lane))
			continue;
		if (!irreversible || p->item[i].class_ == REV_R0)
			v[n++] = &p->item[i];
	}
	if (slice_is(q->look, "largest"))
		qsort(v, n, sizeof *v, by_size);
	else if (slice_is(q->look, "newest"))
		qsort(v, n, sizeof *v, by_newest);
	else if (slice_is(q->look, "random"))
		shuffle(v, n, (uint64_t)p->made_us);
	else if (!all && !irreversible) {
		free(v);
		return err_set(e, RC_USAGE, "look is largest, newest, random, irreversible or all");
	}
	size_t from = (size_t)MAX(q->offset, 0), limit = (size_t)(q->limit > 0 ? MIN(q->limit, WINDOW_MAX) : LOOK);
	jw_init(&w, out);
	jw_obj(&w);
	jw_ki64(&w, "total", (int64_t)n);
	jw_key(&w, "rows");
	jw_arr(&w);
	for (size_t i = from; i < n && i < from + limit; i++)
		item_row(&w, r, v[i]);
	jw_end_arr(&w);
	jw_end_obj(&w);
	free(v);
	return RC_OK;
}

/* ---- policies ---- */

static void one_policy(struct jw *w, const struct config *c, const struct cfg_policy *p)
{
	char hex[HASH_HEX];
	jw_obj(w);
	jw_kz(w, "name", p->name);
	jw_key(w, "lanes");
	jw_arr(w);
	for (size_t i = 0; i < p->n_lanes; i++)
		jw_z(w, c->lanes[p->lanes[i]].name);
	jw_end_arr(w);
	jw_kz(w, "records", p->records >= 0 ? c->records[p->records].name : NULL);
	jw_kz(w, "match", p->match == CFG_MATCH_ALL ? "all" : "any");
	jw_key(w, "rules");
	jw_arr(w);
	for (size_t i = 0; i < p->n_rules; i++) {
		struct buf b = { 0 };
		cfg_rule_words(&b, &p->rules[i]);
		jw_str(w, buf_slice(&b));
		buf_done(&b);
	}
	jw_end_arr(w);
	jw_kz(w, "order", cfg_order_name(p->order));
	jw_ki64(w, "cap_items", p->caps.items);
	jw_ki64(w, "cap_bytes", p->caps.bytes);
	jw_ki64(w, "cap_share_bp", p->caps.share_bp);
	jw_ki64(w, "cap_remain", p->caps.remain);
	jw_ki64(w, "approvals", p->approvals);
	jw_kz(w, "on_abort", cfg_on_abort_name(p->on_abort));
	jw_kz(w, "hash", hash_hex(hex, &p->hash));
	jw_end_obj(w);
}

void engine_policies_json(struct engine *en, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_key(&w, "policies");
	jw_arr(&w);
	for (size_t i = 0; i < en->cfg->n_policies; i++)
		one_policy(&w, en->cfg, &en->cfg->policies[i]);
	jw_end_arr(&w);
	jw_end_obj(&w);
}
