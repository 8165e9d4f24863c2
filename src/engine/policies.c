#include "engine/policies.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one side ---- */

static bool same_z(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

/* What the engine listed for a is what b would list. */
static bool same_lane(const struct cfg_lane *a, const struct cfg_lane *b)
{
	bool same = same_z(a->dialect, b->dialect) && same_z(a->url, b->url) && same_z(a->account, b->account) && a->n_referrers == b->n_referrers;
	for (size_t i = 0; same && i < a->n_referrers; i++)
		same = same_z(a->referrers[i], b->referrers[i]);
	return same;
}

static enum rc open_lane(struct engine *en, struct side *s, size_t i, struct err *e)
{
	const struct cfg_lane *cl = &s->cfg->lanes[s->p->lanes[i]];
	int k = config_lane_index(en->cfg, slice_of(cl->name));
	if (k < 0 || !same_lane(en->lane[k].cfg, cl))
		return err_set(e, RC_REFUSED, "lane %s is %s the engine's configuration, so nothing was listed for it", cl->name,
			       k < 0 ? "not in" : "another account, place or dialect than in");
	struct elane *l = &en->lane[k];
	if (!l->listed || !l->complete)
		return err_set(e, RC_INCOMPLETE, "lane %s was not listed completely since the engine started; a cycle lists it: sluice cycle start POLICY", cl->name);
	s->lane_of[i] = k;
	if (l->places[0]) {
		s->places[i] = l->places;
		s->referrals[i] = l->referrals ? referrals_keep(l->referrals) : NULL;
	}
	return protected_of(en, l->cfg->name, s->arena, &s->protected_ids[i], &s->n_protected[i], e);
}

static enum rc open_records(struct engine *en, struct side *s, struct err *e)
{
	const struct cfg_records *want = s->p->records >= 0 ? &s->cfg->records[s->p->records] : NULL;
	const struct erecords *have = en->rows_of;
	if (!want)
		return RC_OK;
	if (!have || !same_z(have->cfg->name, want->name))
		return err_set(e, RC_INCOMPLETE, "the last discovery did not list records %s; start a cycle of a policy that has them", want->name);
	if (!config_same_records(en->cfg, have->cfg, s->cfg, want))
		return err_set(e, RC_REFUSED, "records %s are described otherwise than in the engine's configuration (relative paths begin at the file's folder), so their rows were not listed", want->name);
	if (want->deleted_too && !have->cfg->deleted_too)
		return err_set(e, RC_REFUSED, "soft-deleted rows of %s were not listed: no policy of the engine looks at them", want->name);
	s->facts.records = true;
	s->facts.records_usable = !have->list.empty || have->list.may_be_empty;
	s->facts.references = want->n_references > 0;
	objects_facts(have, &s->facts);
	if (s->facts.objects_trouble)
		s->facts.objects_trouble = arena_strndup(s->arena, s->facts.objects_trouble, strlen(s->facts.objects_trouble));
	s->deleted_too = want->deleted_too;
	return RC_OK;
}

enum rc side_open(struct engine *en, const struct config *cfg, const struct cfg_policy *p, int64_t wall_us, struct side *s, struct err *e)
{
	enum rc rc = RC_OK;
	*s = (struct side){ .cfg = cfg, .p = p, .facts = { .wall_us = wall_us }, .arena = arena_new(4096) };
	for (size_t i = 0; p && rc == RC_OK && i < p->n_lanes; i++)
		rc = open_lane(en, s, i, e);
	return p && rc == RC_OK ? open_records(en, s, e) : rc;
}

void side_close(struct side *s)
{
	for (size_t i = 0; i < CFG_MAX_LANES; i++)
		referrals_free((struct ereferrals *)s->referrals[i]);
	policy_sets_free(s->sets);
	arena_free(s->arena);
	*s = (struct side){ 0 };
}

int side_lane(const struct side *s, int lane)
{
	for (size_t i = 0; s->p && i < s->p->n_lanes; i++)
		if (s->lane_of[i] == lane)
			return (int)i;
	return -1;
}

const char *side_rows(const struct engine *en, const struct side *s, int lane)
{
	return s->facts.records ? en->cfg->lanes[lane].name : NULL;
}

void side_sees(const struct side *s, int i, struct catalog_item *item, size_t *n, size_t *live)
{
	item->lane = s->p->lanes[i];
	if (!s->facts.records)
		*n = *live = 0;
	if (!s->deleted_too)
		*n = *live;
}

static void lane_facts(struct side *s, int i)
{
	const struct ereferrals *f = s->referrals[i];
	s->facts.places = s->places[i];
	s->facts.places_trouble = !s->places[i] ? NULL : !f || !f->asked ? "who uses the files was not asked yet; a cycle asks before its plan"
		: !f->complete ? f->trouble : NULL;
	s->facts.held = f ? f->held : NULL;
	s->facts.n_held = f ? f->n : 0;
	s->facts.protected_ids = s->protected_ids[i];
	s->facts.n_protected = s->n_protected[i];
}

void side_judge(struct side *s, int i, const struct catalog_item *item, const struct catalog_row *rows, size_t n, struct policy_verdict *v)
{
	lane_facts(s, i);
	policy_judge(s->p, &s->facts, item, rows, n, v);
}

struct comparing {
	struct side *s;
	int i;
};

static enum rc compare_item(void *ctx, const struct catalog_item *item, const struct catalog_row *rows, size_t n, size_t live)
{
	struct comparing *q = ctx;
	if (!item)
		return RC_OK;
	struct catalog_item it = *item;
	side_sees(q->s, q->i, &it, &n, &live);
	policy_sets_add(q->s->sets, &it, rows, live, !policy_protects(q->s->p, &q->s->facts, &it, rows, n));
	return RC_OK;
}

enum rc side_compare(const struct engine *en, struct side *s, struct catalog *c, struct err *e)
{
	enum rc rc = RC_OK;
	if (!s->p || !policy_needs_sets(s->p))
		return RC_OK;
	s->sets = policy_sets_new(s->p, s->cfg->lanes);
	for (size_t i = 0; rc == RC_OK && i < s->p->n_lanes; i++) {
		struct comparing q = { s, (int)i };
		lane_facts(s, (int)i);
		rc = gather_lane(c, s->lane_of[i], side_rows(en, s, s->lane_of[i]), compare_item, &q, e);
	}
	policy_sets_seal(s->sets);
	s->facts.sets = s->sets;
	return rc;
}

void stamp_take(const struct engine *en, struct stamp *s)
{
	*s = (struct stamp){ .rows_of = en->rows_of, .rows_us = en->rows_of ? en->rows_of->listed_us : 0,
		.objects_us = en->rows_of ? en->rows_of->objects.listed_us : 0 };
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		s->lane_us[i] = en->lane[i].listed_us;
}

int64_t side_listed_us(const struct engine *en, const struct side *s)
{
	int64_t us = INT64_MAX;
	for (size_t i = 0; i < s->p->n_lanes; i++)
		us = MIN(us, en->lane[s->lane_of[i]].listed_us);
	return us;
}

/* ---- one item explained ---- */

struct explaining {
	struct engine *en;
	engine_reply *reply;
	void *ctx;
	struct side side;
	struct stamp stamp;
	struct buf id, out;
	struct jw w;
	int lane;                       /* the only one that is looked into; -1 = all of the policy */
	int at, found;                  /* index of the lane at hand */
	struct policy_verdict verdict;
	enum rc rc;
	struct err err;
};

static void one_protection(void *ctx, const char *rule, const char *because)
{
	struct jw *w = ctx;
	jw_obj(w);
	jw_kz(w, "rule", rule);
	jw_kz(w, "because", because);
	jw_end_obj(w);
}

static void explained_rows(struct jw *w, const struct catalog_row *rows, size_t n)
{
	enum { SHOWN = 20 };
	jw_ki64(w, "rows_total", (int64_t)n);
	jw_key(w, "rows");
	jw_arr(w);
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		jw_obj(w);
		jw_kstr(w, "key", rows[i].key);
		jw_kopt(w, "deleted_us", rows[i].deleted_us);
		jw_kopt(w, "used_us", rows[i].used_us);
		jw_kbool(w, "referenced", rows[i].referenced);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static void explained(struct explaining *q, const struct catalog_item *it, const struct catalog_row *rows, size_t n)
{
	struct jw *w = &q->w;
	const struct side *s = &q->side;
	side_judge(&q->side, q->at, it, rows, n, &q->verdict);
	jw_obj(w);
	jw_kz(w, "policy", s->p->name);
	jw_kz(w, "lane", s->cfg->lanes[it->lane].name);
	jw_kstr(w, "id", it->id);
	jw_kstr(w, "name", it->name);
	jw_kstr(w, "purpose", it->purpose);
	jw_kopt(w, "bytes", it->bytes);
	jw_kopt(w, "created_us", it->created_us);
	jw_ki64(w, "listed_us", q->en->lane[s->lane_of[q->at]].listed_us);
	jw_ki64(w, "judged_us", s->facts.wall_us);
	jw_kz(w, "match", s->p->match == CFG_MATCH_ALL ? "all" : "any");
	jw_key(w, "evidence");
	jw_raw(w, buf_slice(&q->verdict.evidence));
	jw_key(w, "protects");
	jw_arr(w);
	policy_protections(s->p, &s->facts, it, rows, n, one_protection, w);
	jw_end_arr(w);
	explained_rows(w, rows, n);
	jw_kz(w, "verdict", verdict_name(q->verdict.verdict));
	jw_kstr(w, "rule", buf_slice(&q->verdict.rule));
	jw_kz(w, "where", q->verdict.where);
	jw_kstr(w, "reason", buf_slice(&q->verdict.reason));
	jw_end_obj(w);
}

static enum rc explain_item(void *ctx, const struct catalog_item *item, const struct catalog_row *rows, size_t n, size_t live)
{
	struct explaining *q = ctx;
	if (!item || !slice_eq(item->id, buf_slice(&q->id)))
		return RC_OK;
	if (q->found++)
		return err_set(&q->err, RC_USAGE, "more than one lane of the policy has this id; name the lane");
	struct catalog_item it = *item;
	side_sees(&q->side, q->at, &it, &n, &live);
	explained(q, &it, rows, n);
	return RC_OK;
}

static void explain_work(void *ctx)
{
	struct explaining *q = ctx;
	struct side *s = &q->side;
	struct catalog *c;
	q->rc = catalog_open(&c, q->en->paths->catalog, CATALOG_READER, &q->err);
	if (q->rc != RC_OK)
		return;
	q->rc = catalog_snapshot(c, &q->err);
	if (q->rc == RC_OK)
		q->rc = side_compare(q->en, s, c, &q->err);
	for (size_t i = 0; q->rc == RC_OK && i < s->p->n_lanes; i++) {
		q->at = (int)i;
		if (q->lane < 0 || q->lane == s->lane_of[i])
			q->rc = gather_lane(c, s->lane_of[i], side_rows(q->en, s, s->lane_of[i]), explain_item, q, &q->err);
	}
	if (q->rc == RC_OK && !q->found)
		q->rc = err_set(&q->err, RC_NOT_FOUND, "the last discovery of this policy's lanes has no item with this id");
	catalog_close(c);
}

static void explain_done(void *ctx)
{
	struct explaining *q = ctx;
	struct stamp now;
	stamp_take(q->en, &now);
	if (q->rc == RC_OK && memcmp(&now, &q->stamp, sizeof now) != 0)
		q->rc = err_set(&q->err, RC_REFUSED, "the lists changed meanwhile; ask again");
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	side_close(&q->side);
	policy_verdict_done(&q->verdict);
	buf_done(&q->id);
	buf_done(&q->out);
	free(q);
}

void engine_policy_explain(struct engine *en, struct slice policy, struct slice id, struct slice lane, engine_reply *r, void *ctx)
{
	struct explaining *q = xcalloc(1, sizeof *q);
	const struct cfg_policy *p = config_policy(en->cfg, policy);
	*q = (struct explaining){ .en = en, .reply = r, .ctx = ctx, .lane = lane.n ? config_lane_index(en->cfg, lane) : -1 };
	buf_add(&q->id, id.p, id.n);
	jw_init(&q->w, &q->out);
	policy_verdict_init(&q->verdict);
	stamp_take(en, &q->stamp);
	if (!p)
		q->rc = err_set(&q->err, RC_USAGE, "there is no such policy; sluice policies lists them");
	else if (lane.n && q->lane < 0)
		q->rc = err_set(&q->err, RC_USAGE, "there is no such lane; sluice lanes lists them");
	else
		q->rc = side_open(en, en->cfg, p, now_read().wall_us, &q->side, &q->err);
	if (q->rc == RC_OK)
		job_read(en, explain_work, explain_done, q);
	else
		explain_done(q);
}
