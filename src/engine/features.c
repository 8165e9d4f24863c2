#include "engine/features.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/internal.h"
#include "engine/metric.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 100 };           /* links whose figures have lines of their own */
static const char NAME[] = "keepalive";

/* What is decided about a link's feature, and by whom. */
struct flag {
	enum feature_mode mode;
	int64_t since_us;               /* wall time */
	char by[64], why[300];
};

struct features {
	struct one {
		struct flag now;
		enum feature_mode was;          /* before it, while it is owed */
		struct canary_figures seen[GROUPS];     /* that decided it, while it is owed */
		bool judged;                    /* seen says why */
		bool owed;                      /* holds already, and is not in the log yet */
		bool busy;                      /* a change is being written */
	} *one;
};

static struct canary_opts opts_of(const struct cfg_link *c)
{
	return (struct canary_opts){ c->features.margin_bp, c->features.sample };
}

static const char *group_name(int g)
{
	return g == GROUP_CANARY ? "canary" : "stable";
}

/* ---- kept in the database and in the log ---- */

static void key_of(const struct cfg_link *c, char key[100])
{
	snprintf(key, 100, "feature.%s.%s", c->name, NAME);
}

static void keep(struct journal *j, const struct cfg_link *c, const struct flag *f)
{
	char key[100], value[64];
	struct buf b = { 0 };
	key_of(c, key);
	feature_value(c, value);
	buf_addf(&b, "%s %" PRId64 " %s %s %s", feature_mode_name(f->mode), f->since_us, value, f->by, f->why);
	journal_setting(j, key, buf_slice(&b));
	buf_done(&b);
}

/* False when nothing is kept for the value that is configured now. */
static bool parse(const char *text, const struct cfg_link *c, struct flag *f)
{
	char mode[16], value[64], now[64];
	int at = 0;
	*f = (struct flag){ .mode = FEATURE_OFF };
	feature_value(c, now);
	if (sscanf(text, "%15s %" SCNd64 " %63s %63s %n", mode, &f->since_us, value, f->by, &at) != 4 || !at || strcmp(value, now) != 0)
		return false;
	for (int m = 0; m < FEATURE_MODES; m++)
		if (strcmp(mode, feature_mode_name((enum feature_mode)m)) == 0)
			f->mode = (enum feature_mode)m;
	text_z(f->why, sizeof f->why, slice_of(text + at));
	return true;
}

static void figures_json(struct jw *w, const struct canary_figures *f)
{
	jw_obj(w);
	jw_ki64(w, "connections", f->connections);
	jw_ki64(w, "messages", f->messages);
	jw_ki64(w, "errors", f->errors);
	jw_ki64(w, "duplicates", f->duplicates);
	jw_ki64(w, "drops", f->drops);
	jw_ki64(w, "reconnects", f->reconnects);
	jw_ki64(w, "rtts", f->rtts);
	jw_kopt(w, "rtt_p50_us", f->rtt_p50_us);
	jw_kopt(w, "rtt_p99_us", f->rtt_p99_us);
	jw_end_obj(w);
}

/* figures: NULL when nothing was measured. */
static void note(struct journal *j, const struct cfg_link *c, const struct flag *f, enum feature_mode was, const struct audit_actor *a,
		 const struct canary_figures *figures)
{
	char value[64];
	struct buf b = { 0 };
	struct jw w;
	feature_value(c, value);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "feature", NAME);
	jw_kz(&w, "value", value);
	jw_kz(&w, "from", feature_mode_name(was));
	jw_kz(&w, "to", feature_mode_name(f->mode));
	jw_kz(&w, a == &actor_engine ? "why" : "reason", f->why);
	for (int g = 0; figures && g < GROUPS; g++) {
		jw_key(&w, group_name(g));
		figures_json(&w, &figures[g]);
	}
	jw_end_obj(&w);
	journal_audit(j, AUDIT_FLAG, a, slice_of(c->name), 0, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

/* ---- the engine's own decisions hold at once, and are written as soon as can be ---- */

static void decide(struct engine *en, size_t i, enum feature_mode to, const char *why)
{
	struct one *x = &en->features->one[i];
	x->was = x->now.mode;
	x->now = (struct flag){ .mode = to, .since_us = now_read().wall_us, .by = "engine" };
	snprintf(x->now.why, sizeof x->now.why, "%s", why);
	x->owed = true;
	pool_feature(en->link[i], to);
	log_warn("features", en->cfg->links[i].name, "%s %s → %s: %s", NAME, feature_mode_name(x->was), feature_mode_name(to), why);
	engine_changed(en, ENGINE_OVERVIEW);
}

struct writing {
	struct engine *en;
	size_t i;
};

static void written(void *ctx, enum rc rc, const struct err *e)
{
	struct writing *d = ctx;
	struct one *x = &d->en->features->one[d->i];
	if (rc != RC_OK)
		log_error("features", d->en->cfg->links[d->i].name, "what was decided is not in the log yet: %s", e->text);
	x->busy = false;
	x->owed = rc != RC_OK;
	free(d);
}

static void write_owed(struct engine *en, size_t i)
{
	struct one *x = &en->features->one[i];
	if (!x->owed || x->busy || !store_writable(en->store))
		return;
	struct writing *d = xcalloc(1, sizeof *d);
	struct journal *j = journal_new();
	*d = (struct writing){ en, i };
	x->busy = true;
	note(j, &en->cfg->links[i], &x->now, x->was, &actor_engine, x->judged ? x->seen : NULL);
	keep(j, &en->cfg->links[i], &x->now);
	store_commit(en->store, j, written, d);
}

static void judge(struct engine *en, size_t i)
{
	struct one *x = &en->features->one[i];
	struct canary_opts o = opts_of(&en->cfg->links[i]);
	char why[CANARY_WHY], said[CANARY_WHY + 80];
	if (x->busy || x->now.mode != FEATURE_CANARY)
		return;
	pool_figures(en->link[i], x->seen);
	if (canary_judge(&x->seen[GROUP_CANARY], &x->seen[GROUP_STABLE], &o, why) != CANARY_WORSE)
		return;
	x->judged = true;
	snprintf(said, sizeof said, "rolled back, worse by more than %" PRId64 " %%: %s", o.margin_bp / 100, why);
	decide(en, i, FEATURE_OFF, said);
}

void features_tick(struct engine *en)
{
	for (size_t i = 0; en->features && !en->stopping && i < en->cfg->n_links; i++) {
		if (!feature_given(&en->cfg->links[i]))
			continue;
		judge(en, i);
		write_owed(en, i);
	}
}

static enum rc restore(struct engine *en, size_t i, struct err *e)
{
	struct one *x = &en->features->one[i];
	struct buf value = { 0 };
	char key[100];
	bool found;
	key_of(&en->cfg->links[i], key);
	enum rc rc = journal_read_setting(en->reader, key, &value, &found, e);
	if (rc == RC_OK && found && parse(buf_z(&value), &en->cfg->links[i], &x->now))
		pool_feature(en->link[i], x->now.mode);
	else if (rc == RC_OK)
		decide(en, i, FEATURE_CANARY, "its value is new");
	buf_done(&value);
	return rc;
}

enum rc features_open(struct engine *en, struct err *e)
{
	enum rc rc = RC_OK;
	en->features = xcalloc(1, sizeof *en->features);
	en->features->one = xcalloc(en->cfg->n_links + 1, sizeof *en->features->one);
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++)
		if (feature_given(&en->cfg->links[i]))
			rc = restore(en, i, e);
	return rc;
}

void features_free(struct engine *en)
{
	if (en->features)
		free(en->features->one);
	free(en->features);
	en->features = NULL;
}

/* ---- an operator's ---- */

struct setting {
	struct engine *en;
	size_t i;
	struct flag to;
	engine_reply *reply;
	void *ctx;
};

static void set(void *ctx, enum rc rc, const struct err *e)
{
	struct setting *s = ctx;
	struct one *x = &s->en->features->one[s->i];
	char result[64];
	x->busy = false;
	if (rc == RC_OK) {
		x->now = s->to;
		x->judged = x->owed = false;
		pool_feature(s->en->link[s->i], s->to.mode);
		engine_changed(s->en, ENGINE_OVERVIEW);
		snprintf(result, sizeof result, "{\"mode\":\"%s\"}", feature_mode_name(s->to.mode));
	}
	s->reply(s->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(s);
}

static void begin(struct engine *en, const struct engine_who *who, size_t i, enum feature_mode to, struct slice reason, engine_reply *r, void *ctx)
{
	struct setting *s = xcalloc(1, sizeof *s);
	struct one *x = &en->features->one[i];
	struct audit_actor a = actor_of(who);
	struct canary_figures seen[GROUPS];
	struct journal *j = journal_new();
	*s = (struct setting){ en, i, { .mode = to, .since_us = now_read().wall_us }, r, ctx };
	text_z(s->to.why, sizeof s->to.why, reason);
	snprintf(s->to.by, sizeof s->to.by, "%s", who->name);
	pool_figures(en->link[i], seen);
	x->busy = true;
	if (x->owed)            /* the log has both, in their order */
		note(j, &en->cfg->links[i], &x->now, x->was, &actor_engine, x->judged ? x->seen : NULL);
	note(j, &en->cfg->links[i], &s->to, x->now.mode, &a, x->now.mode == FEATURE_CANARY ? seen : NULL);
	keep(j, &en->cfg->links[i], &s->to);
	store_commit(en->store, j, set, s);
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

void engine_feature_set(struct engine *en, const struct engine_who *who, const struct engine_feature *f, engine_reply *r, void *ctx)
{
	int i = link_of(en, f->link), k = word_of(f->to);
	if (!command_may_write(en, who, r, ctx))
		return;
	const struct one *x = i < 0 ? NULL : &en->features->one[i];
	if (i < 0)
		command_refuse(r, ctx, RC_USAGE, "name a configured link; sluice links shows them");
	else if (!slice_is(f->feature, NAME))
		command_refuse(r, ctx, RC_USAGE, "the feature is keepalive; dedup, queue and pool size cannot be tried on a canary in this version");
	else if (!feature_given(&en->cfg->links[i]))
		command_refuse(r, ctx, RC_REFUSED, "that link has no value to try; write ping_interval or pong_timeout under its features: and restart the engine");
	else if (k < 0)
		command_refuse(r, ctx, RC_USAGE, "it becomes off, canary or on; promote and rollback end a canary");
	else if (!f->reason.n)
		command_refuse(r, ctx, RC_USAGE, "a feature is changed with a reason");
	else if (words[k].of_canary && x->now.mode != FEATURE_CANARY)
		command_refuse(r, ctx, RC_REFUSED, "there is no canary to promote or roll back; sluice links shows the mode and who set it");
	else if (words[k].to == x->now.mode)
		command_refuse(r, ctx, RC_REFUSED, "it is in that mode already");
	else if (x->busy)
		command_refuse(r, ctx, RC_REFUSED, "another change of it is being written; try again");
	else if (command_may_record(en, r, ctx))
		begin(en, who, (size_t)i, words[k].to, f->reason, r, ctx);
}

/* ---- shown ---- */

void features_json(const struct engine *en, size_t i, struct jw *w)
{
	const struct cfg_link *c = &en->cfg->links[i];
	const struct one *x = en->features ? &en->features->one[i] : NULL;
	struct canary_opts o = opts_of(c);
	struct canary_figures f[GROUPS];
	char value[64], why[CANARY_WHY];
	jw_arr(w);
	if (x && feature_given(c)) {
		pool_figures(en->link[i], f);
		feature_value(c, value);
		enum canary_verdict v = canary_judge(&f[GROUP_CANARY], &f[GROUP_STABLE], &o, why);
		bool running = x->now.mode == FEATURE_CANARY;
		jw_obj(w);
		jw_kz(w, "feature", NAME);
		jw_kz(w, "value", value);
		jw_kz(w, "mode", feature_mode_name(x->now.mode));
		jw_ki64(w, "since_us", x->now.since_us);
		jw_kz(w, "by", x->now.by);
		jw_kz(w, "reason", x->now.why);
		jw_kz(w, "verdict", running ? canary_verdict_name(v) : "");
		jw_kz(w, "why", running ? why : "");
		for (int g = 0; g < GROUPS; g++) {
			jw_key(w, group_name(g));
			figures_json(w, &f[g]);
		}
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static const struct {
	const char *name, *type, *help;
	size_t at;
	bool seconds;
} rows[] = {
#define ROW(m) offsetof(struct canary_figures, m)
	{ "sluice_link_canary_connections", "gauge", "Connections of the canary and of the others of a link with a feature.", ROW(connections), false },
	{ "sluice_link_canary_messages", "gauge", "Messages of either group since the feature's mode changed.", ROW(messages), false },
	{ "sluice_link_canary_errors", "gauge", "Frames the adapter does not know, of either group, since then.", ROW(errors), false },
	{ "sluice_link_canary_duplicates", "gauge", "Repeated messages of either group since then.", ROW(duplicates), false },
	{ "sluice_link_canary_drops", "gauge", "Connections and attempts of either group that ended since then.", ROW(drops), false },
	{ "sluice_link_canary_reconnects", "gauge", "Reconnects of either group since then.", ROW(reconnects), false },
	{ "sluice_link_canary_rtt_p50_seconds", "gauge", "Median round trip of either group since then.", ROW(rtt_p50_us), true },
	{ "sluice_link_canary_rtt_p99_seconds", "gauge", "99th percentile of round trips of either group since then.", ROW(rtt_p99_us), true },
#undef ROW
};

static bool shown(const struct engine *en, size_t i)
{
	return en->features && feature_given(&en->cfg->links[i]);
}

void metrics_features(struct engine *en, struct metrics *m)
{
	size_t n = MIN(en->cfg->n_links, (size_t)SHOWN), any = 0;
	for (size_t i = 0; i < n; i++)
		any += shown(en, i);
	if (!any)
		return;
	metric_family(m, "sluice_link_keepalive_mode", "gauge", "1 for the mode a link's keepalive feature is in.");
	for (size_t i = 0; i < n; i++)
		for (int k = 0; shown(en, i) && k < FEATURE_MODES; k++)
			metric_sample(m, "link", en->cfg->links[i].name, "mode", feature_mode_name((enum feature_mode)k), (int)en->features->one[i].now.mode == k);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		metric_family(m, rows[r].name, rows[r].type, rows[r].help);
		for (size_t i = 0; i < n; i++) {
			struct canary_figures f[GROUPS];
			if (!shown(en, i))
				continue;
			pool_figures(en->link[i], f);
			for (int g = 0; g < GROUPS; g++) {
				int64_t v = *(const int64_t *)(const void *)((const char *)&f[g] + rows[r].at);
				if (v >= 0 && rows[r].seconds)
					metric_micro(m, "link", en->cfg->links[i].name, "group", group_name(g), v);
				else if (v >= 0)
					metric_sample(m, "link", en->cfg->links[i].name, "group", group_name(g), v);
			}
		}
	}
}
