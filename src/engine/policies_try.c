/* The last discovery judged twice, by the policies that are and by those of a file that is tried. */
#include "engine/policies.h"
#include "engine/view.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 5 };

struct sample {
	struct slice id, name, reason;
};

struct sampled {
	int64_t n;
	struct sample first[SAMPLES];
};

/* One policy, as it is and as it is tried, and what came of it in the lane at hand. */
struct trial {
	const char *name;
	struct side is, tried;
	struct policy_verdict by_is, by_tried;
	int at_is, at_tried;            /* index of the lane on either side, -1 = not its */
	int64_t listed, dangling, n_is[VERDICT_COUNT], n_tried[VERDICT_COUNT];
	struct sampled added, removed;
	struct arena *texts;
	int64_t all_added, all_removed;
	char trouble[400];         /* it cannot be tried; "" = it can */
};

struct trying {
	struct engine *en;
	engine_reply *reply;
	void *ctx;
	struct buf text, name, policy, out;
	struct config *cfg;             /* of the text */
	struct stamp stamp;
	int64_t wall_us;
	struct trial *trial;
	size_t n;
	struct jw w;
	int64_t added, removed;
	enum rc rc;
	struct err err;
};

/* ---- judging, on a worker ---- */

static struct slice keep(struct trial *t, struct slice s)
{
	return (struct slice){ arena_strndup(t->texts, s.p ? s.p : "", s.n), s.n };
}

static void sample(struct trial *t, struct sampled *to, const struct catalog_item *it)
{
	if (to->n < SAMPLES)
		to->first[to->n] = (struct sample){ keep(t, it->id), keep(t, it->name), keep(t, buf_slice(t->at_tried >= 0 ? &t->by_tried.reason : &t->by_is.reason)) };
	to->n++;
}

/* Whether this side would delete it. */
static bool chosen(struct side *s, int i, const struct catalog_item *item, const struct catalog_row *rows, size_t n, size_t live,
		   struct policy_verdict *v, int64_t count[VERDICT_COUNT])
{
	struct catalog_item it = *item;
	if (i < 0)
		return false;
	side_sees(s, i, &it, &n, &live);
	side_judge(s, i, &it, rows, n, v);
	count[v->verdict]++;
	return v->verdict == VERDICT_CANDIDATE;
}

static enum rc try_item(void *ctx, const struct catalog_item *item, const struct catalog_row *rows, size_t n, size_t live)
{
	struct trial *t = ctx;
	if (!item) {
		t->dangling += live > 0;
		return RC_OK;
	}
	bool is = chosen(&t->is, t->at_is, item, rows, n, live, &t->by_is, t->n_is);
	bool tried = chosen(&t->tried, t->at_tried, item, rows, n, live, &t->by_tried, t->n_tried);
	t->listed++;
	if (tried && !is)
		sample(t, &t->added, item);
	if (is && !tried)
		sample(t, &t->removed, item);
	return RC_OK;
}

static void verdicts(struct jw *w, const char *key, bool there, const int64_t n[VERDICT_COUNT])
{
	jw_key(w, key);
	if (!there) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	for (int v = 0; v < VERDICT_COUNT; v++)
		jw_ki64(w, verdict_name((enum verdict)v), n[v]);
	jw_end_obj(w);
}

static void samples(struct jw *w, const char *key, const struct sampled *s)
{
	jw_key(w, key);
	jw_arr(w);
	for (int64_t i = 0; i < MIN(s->n, (int64_t)SAMPLES); i++) {
		jw_obj(w);
		jw_kstr(w, "id", s->first[i].id);
		jw_kstr(w, "name", s->first[i].name);
		jw_kstr(w, "reason", s->first[i].reason);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static void lane_part(struct jw *w, const struct engine *en, const struct trial *t, int lane)
{
	jw_obj(w);
	jw_kz(w, "lane", en->cfg->lanes[lane].name);
	jw_ki64(w, "listed", t->listed);
	jw_ki64(w, "listed_us", en->lane[lane].listed_us);
	verdicts(w, "is", t->at_is >= 0, t->n_is);
	verdicts(w, "tried", t->at_tried >= 0, t->n_tried);
	jw_ki64(w, "added", t->added.n);
	jw_ki64(w, "removed", t->removed.n);
	samples(w, "added_first", &t->added);
	samples(w, "removed_first", &t->removed);
	jw_kopt(w, "rows_without_file", t->is.facts.records || t->tried.facts.records ? t->dangling : -1);
	jw_end_obj(w);
}

static enum rc try_lane(struct trying *q, struct trial *t, struct catalog *c, int lane)
{
	const char *rows = side_rows(q->en, &t->is, lane);
	t->at_is = side_lane(&t->is, lane);
	t->at_tried = side_lane(&t->tried, lane);
	if (t->at_is < 0 && t->at_tried < 0)
		return RC_OK;
	t->listed = t->dangling = 0;
	memset(t->n_is, 0, sizeof t->n_is);
	memset(t->n_tried, 0, sizeof t->n_tried);
	t->added = t->removed = (struct sampled){ 0 };
	t->texts = arena_new(4096);
	enum rc rc = gather_lane(c, lane, rows ? rows : side_rows(q->en, &t->tried, lane), try_item, t, &q->err);
	if (rc == RC_OK)
		lane_part(&q->w, q->en, t, lane);
	t->all_added += t->added.n;
	t->all_removed += t->removed.n;
	arena_free(t->texts);
	return rc;
}

static enum rc try_policy(struct trying *q, struct trial *t, struct catalog *c)
{
	struct jw *w = &q->w;
	char hex[HASH_HEX];
	enum rc rc = t->trouble[0] ? RC_OK : side_compare(q->en, &t->is, c, &q->err);
	if (!t->trouble[0] && rc == RC_OK)
		rc = side_compare(q->en, &t->tried, c, &q->err);
	jw_obj(w);
	jw_kz(w, "policy", t->name);
	jw_kz(w, "is", t->is.p ? hash_hex(hex, &t->is.p->hash) : NULL);
	jw_kz(w, "tried", t->tried.p ? hash_hex(hex, &t->tried.p->hash) : NULL);
	view_optional_z(w, "trouble", t->trouble);
	jw_key(w, "lanes");
	jw_arr(w);
	for (size_t i = 0; rc == RC_OK && !t->trouble[0] && i < q->en->cfg->n_lanes; i++)
		rc = try_lane(q, t, c, (int)i);
	jw_end_arr(w);
	jw_ki64(w, "added", t->all_added);
	jw_ki64(w, "removed", t->all_removed);
	jw_end_obj(w);
	q->added += t->all_added;
	q->removed += t->all_removed;
	return rc;
}

static void try_work(void *ctx)
{
	struct trying *q = ctx;
	struct catalog *c;
	q->rc = catalog_open(&c, q->en->paths->catalog, CATALOG_READER, &q->err);
	if (q->rc != RC_OK)
		return;
	q->rc = catalog_snapshot(c, &q->err);
	jw_obj(&q->w);
	jw_kstr(&q->w, "file", buf_slice(&q->name));
	jw_ki64(&q->w, "judged_us", q->wall_us);
	jw_key(&q->w, "policies");
	jw_arr(&q->w);
	for (size_t i = 0; q->rc == RC_OK && i < q->n; i++)
		q->rc = try_policy(q, &q->trial[i], c);
	jw_end_arr(&q->w);
	jw_ki64(&q->w, "added", q->added);
	jw_ki64(&q->w, "removed", q->removed);
	jw_end_obj(&q->w);
	catalog_close(c);
}

/* ---- around it, on the loop ---- */

static void try_end(struct trying *q)
{
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	for (size_t i = 0; i < q->n; i++) {
		side_close(&q->trial[i].is);
		side_close(&q->trial[i].tried);
		policy_verdict_done(&q->trial[i].by_is);
		policy_verdict_done(&q->trial[i].by_tried);
	}
	free(q->trial);
	config_free(q->cfg);
	buf_done(&q->text);
	buf_done(&q->name);
	buf_done(&q->policy);
	buf_done(&q->out);
	free(q);
}

static void tried(void *ctx)
{
	struct trying *q = ctx;
	struct stamp now;
	stamp_take(q->en, &now);
	if (q->rc == RC_OK && memcmp(&now, &q->stamp, sizeof now) != 0)
		q->rc = err_set(&q->err, RC_REFUSED, "the lists changed meanwhile; ask again");
	try_end(q);
}

/* A policy asked for by name must be tried; of all of them, those that cannot be say why. */
static enum rc add_trial(struct trying *q, const struct cfg_policy *is, const struct cfg_policy *tried)
{
	struct trial *t = &q->trial[q->n++];
	struct err e;
	policy_verdict_init(&t->by_is);
	policy_verdict_init(&t->by_tried);
	t->name = is ? is->name : tried->name;
	enum rc rc = side_open(q->en, q->en->cfg, is, q->wall_us, &t->is, &e);
	if (rc == RC_OK)
		rc = side_open(q->en, q->cfg, tried, q->wall_us, &t->tried, &e);
	if (rc == RC_OK || q->policy.n)
		return rc == RC_OK ? rc : err_set(&q->err, rc, "policy %s cannot be tried: %.300s", is ? is->name : tried->name, e.text);
	snprintf(t->trouble, sizeof t->trouble, "%s", e.text);
	return RC_OK;
}

/* Policies of the tried file in its order, then those that it no longer has. */
static enum rc pair(struct trying *q)
{
	const struct config *a = q->en->cfg, *b = q->cfg;
	const struct slice only = buf_slice(&q->policy);
	enum rc rc = RC_OK;
	q->trial = xcalloc(a->n_policies + b->n_policies + 1, sizeof *q->trial);
	for (size_t i = 0; rc == RC_OK && i < b->n_policies; i++)
		if (!only.n || slice_is(only, b->policies[i].name))
			rc = add_trial(q, config_policy(a, slice_of(b->policies[i].name)), &b->policies[i]);
	for (size_t i = 0; rc == RC_OK && i < a->n_policies; i++)
		if ((!only.n || slice_is(only, a->policies[i].name)) && !config_policy(b, slice_of(a->policies[i].name)))
			rc = add_trial(q, &a->policies[i], NULL);
	if (rc == RC_OK && !q->n)
		rc = err_set(&q->err, RC_USAGE, only.n ? "neither the file nor the engine has this policy" : "neither the file nor the engine has a policy");
	return rc;
}

static void parsed(void *ctx)
{
	struct trying *q = ctx;
	stamp_take(q->en, &q->stamp);
	if (q->rc == RC_OK && q->en->closing)
		q->rc = err_set(&q->err, RC_CANCELLED, "the engine stops");
	if (q->rc == RC_OK)
		q->rc = pair(q);
	if (q->rc == RC_OK)
		job_read(q->en, try_work, tried, q);
	else
		try_end(q);
}

static void parse_work(void *ctx)
{
	struct trying *q = ctx;
	q->rc = config_load_text(&q->cfg, buf_slice(&q->text), buf_z(&q->name), &q->err);
}

void engine_policy_try(struct engine *en, struct slice text, struct slice name, struct slice policy, engine_reply *r, void *ctx)
{
	struct trying *q = xcalloc(1, sizeof *q);
	*q = (struct trying){ .en = en, .reply = r, .ctx = ctx, .wall_us = now_read().wall_us };
	buf_add(&q->text, text.p, text.n);
	if (name.n)
		buf_add(&q->name, name.p, name.n);
	else                            /* a text without a place of its own is read as if it stood beside ours */
		buf_addf(&q->name, "%.*s/text", (int)(strrchr(en->cfg->file, '/') - en->cfg->file), en->cfg->file);
	buf_add(&q->policy, policy.p, policy.n);
	jw_init(&q->w, &q->out);
	job_read(en, parse_work, parsed, q);
}
