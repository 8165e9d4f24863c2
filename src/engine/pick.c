/* A hand-picked plan (SEMANTICS 4): a cycle of a policy whose plan can hold nothing but the items that an operator
 * named. It bounds, it never adds: what the policy does not select, or protects, stays out. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICKED_MAX = 10000, NAMED = 20, NAMED_IN_TEXT = 3 };

struct picked {
	struct slice lane, id;
};

struct pick {
	struct arena *texts;
	struct picked *item;            /* sorted by lane and id */
	size_t n, cap;
	struct pick_found found;
};

void pick_free(struct pick *p)
{
	if (!p)
		return;
	arena_free(p->texts);
	free(p->item);
	free(p);
}

int64_t pick_count(const struct pick *p) { return p ? (int64_t)p->n : -1; }

static int by_item(const void *x, const void *y)
{
	const struct picked *a = x, *b = y;
	int d = slice_cmp(a->lane, b->lane);
	return d ? d : slice_cmp(a->id, b->id);
}

static const struct picked *find(const struct pick *p, const char *lane, struct slice id)
{
	const struct picked probe = { slice_of(lane), id };
	return bsearch(&probe, p->item, p->n, sizeof *p->item, by_item);
}

bool pick_has(const struct pick *p, const char *lane, struct slice id) { return find(p, lane, id) != NULL; }

/* ---- what became of them ---- */

void pick_seen(struct validation *v, const char *lane, struct slice id)
{
	const struct picked *one = v->pick ? find(v->pick, lane, id) : NULL;
	if (!one)
		return;
	if (!v->pick_seen)
		v->pick_seen = xcalloc(v->pick->n, sizeof *v->pick_seen);
	v->pick_seen[one - v->pick->item] = true;
}

/* On no list, and there is a list of its lane. */
static bool absent(const struct validation *v, size_t i)
{
	for (int k = 0; k < v->lanes; k++)
		if (v->excluded[k] && slice_is(v->pick->item[i].lane, v->lane_name[k]))
			return false;
	return !v->pick_seen || !v->pick_seen[i];
}

static void count(struct validation *v)
{
	v->pick_found = (struct pick_found){ .planned = v->plan->items };
	for (size_t i = 0; i < v->pick->n; i++)
		v->pick_found.absent += absent(v, i);
	v->pick_found.kept = (int64_t)v->pick->n - v->pick_found.absent - v->pick_found.planned;
}

void pick_proof(struct validation *v)
{
	struct buf b;
	char shown[80];
	int named = 0;
	if (!v->pick)
		return;
	count(v);
	buf_init(&b);
	buf_add(&b, v->plan->records_proof.p, v->plan->records_proof.n);
	buf_addf(&b, "%s%zu picked by hand: %" PRId64 " planned, %" PRId64 " kept, %" PRId64 " not found", b.n ? "; " : "", v->pick->n,
		 v->pick_found.planned, v->pick_found.kept, v->pick_found.absent);
	for (size_t i = 0; i < v->pick->n && named < NAMED_IN_TEXT; i++)
		if (absent(v, i))
			buf_addf(&b, "%s%s", named++ ? ", " : " (", text_z(shown, sizeof shown, v->pick->item[i].id));
	if (named)
		buf_adds(&b, v->pick_found.absent > named ? " ...)" : ")");
	v->plan->records_proof = plan_keep(v->plan, buf_slice(&b));
	buf_done(&b);
}

void pick_found_json(struct jw *w, const struct validation *v)
{
	int named = 0;
	if (!v->pick)
		return;
	jw_key(w, "picked");
	jw_obj(w);
	jw_ki64(w, "items", (int64_t)v->pick->n);
	jw_ki64(w, "planned", v->pick_found.planned);
	jw_ki64(w, "kept", v->pick_found.kept);
	jw_ki64(w, "absent", v->pick_found.absent);
	jw_key(w, "not_found");
	jw_arr(w);
	for (size_t i = 0; i < v->pick->n && named < NAMED; i++) {
		if (!absent(v, i))
			continue;
		named++;
		jw_obj(w);
		jw_kstr(w, "lane", v->pick->item[i].lane);
		jw_kstr(w, "id", v->pick->item[i].id);
		jw_end_obj(w);
	}
	jw_end_arr(w);
	jw_end_obj(w);
	jw_ki64(w, "picked_absent", v->pick_found.absent);
}

void pick_tell(struct pick *p, const struct validation *v)
{
	if (p)
		p->found = v->pick_found;
}

int64_t pick_absent(const struct pick *p) { return p && p->found.planned >= 0 ? p->found.absent : -1; }

static struct slice keep(struct pick *p, struct slice s) { return (struct slice){ arena_strndup(p->texts, s.p, s.n), s.n }; }

static enum rc add(struct pick *p, const struct json *j, const struct cfg_policy *policy, const struct config *cfg, struct err *e)
{
	struct slice lane = json_get_str(j, "lane"), id = json_get_str(j, "id");
	char shown[80];
	bool of_policy = false;
	if (!json_is_object(j) || !lane.n || !id.n)
		return err_set(e, RC_USAGE, "an item is picked by its lane and its id");
	for (size_t i = 0; i < policy->n_lanes; i++)
		of_policy |= slice_is(lane, cfg->lanes[policy->lanes[i]].name);
	if (!of_policy)
		return err_set(e, RC_USAGE, "%s is no lane of policy %s", text_z(shown, sizeof shown, lane), policy->name);
	if (p->n == PICKED_MAX)
		return err_set(e, RC_USAGE, "at most %d items are picked by hand; more is the business of a policy's rules", (int)PICKED_MAX);
	GROW(p->item, p->cap, p->n + 1);
	p->item[p->n++] = (struct picked){ keep(p, lane), keep(p, id) };
	return RC_OK;
}

enum rc pick_parse(struct pick **out, const struct json *items, const struct cfg_policy *policy, const struct config *cfg, struct err *e)
{
	struct pick *p = xcalloc(1, sizeof *p);
	enum rc rc = RC_OK;
	char shown[80];
	p->texts = arena_new(4096);
	p->found.planned = -1;
	for (const struct json *j = json_first(items); j && rc == RC_OK; j = json_next(j))
		rc = add(p, j, policy, cfg, e);
	if (rc == RC_OK && !p->n)
		rc = err_set(e, RC_USAGE, "name at least one item, or leave `only` out");
	if (rc == RC_OK)
		qsort(p->item, p->n, sizeof *p->item, by_item);
	for (size_t i = 1; i < p->n && rc == RC_OK; i++)
		if (by_item(&p->item[i - 1], &p->item[i]) == 0)
			rc = err_set(e, RC_USAGE, "%s is picked twice", text_z(shown, sizeof shown, p->item[i].id));
	if (rc != RC_OK) {
		pick_free(p);
		p = NULL;
	}
	*out = p;
	return rc;
}

static void write_items(const struct pick *p, struct jw *w)
{
	jw_key(w, "picked");
	jw_arr(w);
	for (size_t i = 0; i < p->n; i++) {
		jw_obj(w);
		jw_kstr(w, "lane", p->item[i].lane);
		jw_kstr(w, "id", p->item[i].id);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

void pick_open(struct journal *j, const struct pick *p, const struct audit_actor *who, const char *policy, int64_t cycle)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "cycle", cycle);
	jw_ki64(&w, "items", (int64_t)p->n);
	write_items(p, &w);
	jw_end_obj(&w);
	journal_setting(j, "picked", buf_slice(&b));
	journal_audit(j, AUDIT_CYCLE_PICKED, who, slice_of(policy), cycle, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

enum rc pick_restore(struct engine *en, int64_t cycle, const struct cfg_policy *policy, struct pick **out, struct err *e)
{
	struct json_doc *doc = NULL;
	struct buf b;
	bool found;
	*out = NULL;
	buf_init(&b);
	enum rc rc = journal_read_setting(en->reader, "picked", &b, &found, e);
	if (rc == RC_OK && found && json_parse(&doc, buf_slice(&b), NULL, e) == RC_OK && json_get_i64(json_root(doc), "cycle", 0) == cycle)
		rc = pick_parse(out, json_get(json_root(doc), "picked"), policy, en->cfg, e);
	json_doc_free(doc);
	buf_done(&b);
	return rc;
}
