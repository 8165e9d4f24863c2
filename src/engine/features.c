#include "engine/features_impl.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One feature of one link. */
struct at {
	struct engine *en;
	size_t i;
	enum canary_feature f;
};

static struct tried *at_of(const struct at *a)
{
	return &a->en->features->of[a->i][a->f];
}

static const struct cfg_link *link_at(const struct at *a)
{
	return &a->en->cfg->links[a->i];
}

/* ---- kept in the database and in the log ---- */

static void key_of(const struct at *a, char key[100])
{
	snprintf(key, 100, "feature.%s.%s", link_at(a)->name, feature_rows[a->f].name);
}

static void keep(struct journal *j, const struct at *a, const struct flag *f)
{
	char key[100], value[64];
	struct buf b = { 0 };
	key_of(a, key);
	feature_value(link_at(a), a->f, value);
	buf_addf(&b, "%s %" PRId64 " %s %s %s", feature_mode_name(f->mode), f->since_us, value, f->by, f->why);
	journal_setting(j, key, buf_slice(&b));
	buf_done(&b);
}

/* False when nothing is kept for the value that is configured now. */
static bool parse(const char *text, const struct at *a, struct flag *f)
{
	char mode[16], value[64], now[64];
	int end = 0;
	*f = (struct flag){ .mode = FEATURE_OFF };
	feature_value(link_at(a), a->f, now);
	if (sscanf(text, "%15s %" SCNd64 " %63s %63s %n", mode, &f->since_us, value, f->by, &end) != 4 || !end || strcmp(value, now) != 0)
		return false;
	for (int m = 0; m < FEATURE_MODES; m++)
		if (strcmp(mode, feature_mode_name((enum feature_mode)m)) == 0)
			f->mode = (enum feature_mode)m;
	text_z(f->why, sizeof f->why, slice_of(text + end));
	return true;
}

/* figures: NULL when nothing was measured. */
static void note(struct journal *j, const struct at *x, const struct flag *f, enum feature_mode was, const struct audit_actor *a,
		 const struct canary_figures *figures)
{
	char value[64];
	struct buf b = { 0 };
	struct jw w;
	feature_value(link_at(x), x->f, value);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "feature", feature_rows[x->f].name);
	jw_kz(&w, "value", value);
	jw_kz(&w, "from", feature_mode_name(was));
	jw_kz(&w, "to", feature_mode_name(f->mode));
	jw_kz(&w, a == &actor_engine ? "why" : "reason", f->why);
	for (int g = 0; figures && g < GROUPS; g++) {
		jw_key(&w, feature_group_name(g));
		feature_figures_json(&w, x->f, &figures[g]);
	}
	jw_end_obj(&w);
	journal_audit(j, AUDIT_FLAG, a, slice_of(link_at(x)->name), 0, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

/* ---- the engine's own decisions hold at once, and are written as soon as can be ---- */

static void decide(const struct at *a, enum feature_mode to, const char *why)
{
	struct tried *x = at_of(a);
	x->was = x->now.mode;
	x->now = (struct flag){ .mode = to, .since_us = now_read().wall_us, .by = "engine" };
	snprintf(x->now.why, sizeof x->now.why, "%s", why);
	x->owed = true;
	feature_rows[a->f].set(a->en, a->i, &x->now);
	log_warn("features", link_at(a)->name, "%s %s → %s: %s", feature_rows[a->f].name, feature_mode_name(x->was), feature_mode_name(to), why);
	engine_changed(a->en, ENGINE_OVERVIEW);
}

static void written(void *ctx, enum rc rc, const struct err *e)
{
	struct at *d = ctx;
	struct tried *x = at_of(d);
	if (rc != RC_OK)
		log_error("features", link_at(d)->name, "what was decided is not in the log yet: %s", e->text);
	x->busy = false;
	x->owed = rc != RC_OK;
	free(d);
}

static void write_owed(const struct at *a)
{
	struct tried *x = at_of(a);
	if (!x->owed || x->busy || !store_writable(a->en->store))
		return;
	struct at *d = xmalloc(sizeof *d);
	struct journal *j = journal_new();
	*d = *a;
	x->busy = true;
	note(j, a, &x->now, x->was, &actor_engine, x->judged ? x->seen : NULL);
	keep(j, a, &x->now);
	store_commit(a->en->store, j, written, d);
}

/* A change of any feature of the link is being written. */
static bool writing(const struct at *a)
{
	for (int f = 0; f < CANARY_FEATURES; f++)
		if (a->en->features->of[a->i][f].busy)
			return true;
	return false;
}

static void judge(const struct at *a)
{
	struct tried *x = at_of(a);
	char why[CANARY_WHY], said[CANARY_WHY + 80];
	if (x->busy || x->now.mode != FEATURE_CANARY)
		return;
	if (features_verdict(a->en, a->i, a->f, x->seen, why) != CANARY_WORSE)
		return;
	x->judged = true;
	snprintf(said, sizeof said, "rolled back, worse by more than %" PRId64 " %%: %s", link_at(a)->features.margin_bp / 100, why);
	decide(a, FEATURE_OFF, said);
}

/* Two at once would spoil each other's figures: a new value waits for its turn. */
static void begin_fresh(const struct at *a)
{
	struct tried *x = at_of(a);
	if (!x->fresh || writing(a) || feature_trying(a->en, a->i) != CANARY_FEATURES)
		return;
	x->fresh = x->judged = false;
	decide(a, FEATURE_CANARY, "its value is new");
}

static void tick(struct engine *en, size_t i)
{
	for (struct at a = { en, i, 0 }; a.f < CANARY_FEATURES; a.f++) {
		if (!feature_given(&en->cfg->links[i], a.f))
			continue;
		judge(&a);
		if (!at_of(&a)->owed)
			begin_fresh(&a);
		write_owed(&a);
	}
}

void features_tick(struct engine *en)
{
	for (size_t i = 0; en->features && !en->stopping && i < en->cfg->n_links; i++)
		tick(en, i);
}

static enum rc restore(const struct at *a, struct err *e)
{
	struct tried *x = at_of(a);
	struct buf value = { 0 };
	char key[100];
	bool found;
	key_of(a, key);
	enum rc rc = journal_read_setting(a->en->reader, key, &value, &found, e);
	x->fresh = rc == RC_OK && (!found || !parse(buf_z(&value), a, &x->now));
	if (rc == RC_OK && x->fresh)
		x->now = (struct flag){ .since_us = now_read().wall_us, .by = "engine", .why = "its value is new, and is tried when no other of this link is" };
	if (rc == RC_OK)
		feature_rows[a->f].set(a->en, a->i, &x->now);
	buf_done(&value);
	return rc;
}

static enum rc open_link(struct engine *en, size_t i, struct err *e)
{
	enum rc rc = RC_OK;
	struct at a = { en, i, 0 };
	for (; rc == RC_OK && a.f < CANARY_FEATURES; a.f++)
		if (feature_given(&en->cfg->links[i], a.f))
			rc = restore(&a, e);
	for (a.f = 0; rc == RC_OK && a.f < CANARY_FEATURES; a.f++)
		begin_fresh(&a);
	return rc;
}

enum rc features_open(struct engine *en, struct err *e)
{
	enum rc rc = RC_OK;
	en->features = xcalloc(1, sizeof *en->features);
	en->features->of = xcalloc(en->cfg->n_links + 1, sizeof *en->features->of);
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++)
		rc = open_link(en, i, e);
	return rc;
}

void features_free(struct engine *en)
{
	if (en->features)
		free(en->features->of);
	free(en->features);
	en->features = NULL;
}

/* ---- an operator's ---- */

struct setting {
	struct at at;
	struct flag to;
	engine_reply *reply;
	void *ctx;
};

static void set(void *ctx, enum rc rc, const struct err *e)
{
	struct setting *s = ctx;
	struct tried *x = at_of(&s->at);
	char result[64];
	x->busy = false;
	if (rc == RC_OK) {
		x->now = s->to;
		x->judged = x->owed = x->fresh = false;
		if (!s->at.en->closing)         /* its connections are gone then */
			feature_rows[s->at.f].set(s->at.en, s->at.i, &s->to);
		engine_changed(s->at.en, ENGINE_OVERVIEW);
		snprintf(result, sizeof result, "{\"mode\":\"%s\"}", feature_mode_name(s->to.mode));
	}
	s->reply(s->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(s);
}

static void begin(const struct at *at, const struct engine_who *who, enum feature_mode to, struct slice reason, engine_reply *r, void *ctx)
{
	struct setting *s = xcalloc(1, sizeof *s);
	struct tried *x = at_of(at);
	struct audit_actor a = actor_of(who);
	struct canary_figures seen[GROUPS];
	struct journal *j = journal_new();
	*s = (struct setting){ *at, { .mode = to, .since_us = now_read().wall_us }, r, ctx };
	text_z(s->to.why, sizeof s->to.why, reason);
	snprintf(s->to.by, sizeof s->to.by, "%s", who->name);
	features_figures(at->en, at->i, at->f, seen);
	x->busy = true;
	if (x->owed)            /* the log has both, in their order */
		note(j, at, &x->now, x->was, &actor_engine, x->judged ? x->seen : NULL);
	note(j, at, &s->to, x->now.mode, &a, x->now.mode == FEATURE_CANARY ? seen : NULL);
	keep(j, at, &s->to);
	store_commit(at->en->store, j, set, s);
}

static const struct {
	const char *word;
	enum feature_mode to;
	bool of_canary;                 /* only from there */
} words[] = { { "off", FEATURE_OFF, false }, { "canary", FEATURE_CANARY, false }, { "on", FEATURE_ON, false },
	      { "promote", FEATURE_ON, true }, { "rollback", FEATURE_OFF, true } };

static int word_of(struct slice to)
{
	for (size_t k = 0; k < ARRAY_LEN(words); k++)
		if (slice_is(to, words[k].word))
			return (int)k;
	return -1;
}

static int link_of(const struct engine *en, struct slice name)
{
	for (size_t i = 0; i < en->cfg->n_links; i++)
		if (slice_is(name, en->cfg->links[i].name))
			return (int)i;
	return -1;
}

/* Why it cannot be; NULL = it can. */
static const char *refused(const struct at *a, const struct engine_feature *f, int k)
{
	const struct tried *x = at_of(a);
	enum canary_feature trying = feature_trying(a->en, a->i);
	if (k < 0)
		return "it becomes off, canary or on; promote and rollback end a canary";
	if (!f->reason.n)
		return "a feature is changed with a reason";
	if (words[k].of_canary && x->now.mode != FEATURE_CANARY)
		return "there is no canary to promote or roll back; sluice links shows the mode and who set it";
	if (words[k].to == x->now.mode && !x->fresh)
		return "it is in that mode already";
	if (words[k].to == FEATURE_CANARY && trying != CANARY_FEATURES)
		return "another feature of this link is tried now, and two would spoil each other's figures; promote or roll it back first";
	return writing(a) ? "another change of this link is being written; try again" : NULL;
}

void engine_feature_set(struct engine *en, const struct engine_who *who, const struct engine_feature *f, engine_reply *r, void *ctx)
{
	int i = link_of(en, f->link), k = word_of(f->to);
	struct at a = { en, (size_t)MAX(i, 0), feature_named(f->feature) };
	char said[200];
	if (!command_may_write(en, who, r, ctx))
		return;
	if (i < 0) {
		command_refuse(r, ctx, RC_USAGE, "name a configured link; sluice links shows them");
	} else if (a.f == CANARY_FEATURES) {
		command_refuse(r, ctx, RC_USAGE, FEATURES_ARE);
	} else if (!feature_given(&en->cfg->links[i], a.f)) {
		snprintf(said, sizeof said, "that link has no value of it to try; %s under its features: and restart the engine", feature_rows[a.f].missing);
		command_refuse(r, ctx, RC_REFUSED, said);
	} else {
		const char *why = refused(&a, f, k);
		if (why)
			command_refuse(r, ctx, k < 0 || !f->reason.n ? RC_USAGE : RC_REFUSED, why);
		else if (command_may_record(en, r, ctx))
			begin(&a, who, words[k].to, f->reason, r, ctx);
	}
}
