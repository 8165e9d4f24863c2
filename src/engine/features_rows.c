/* The features of links, one row each. What is compared stands in guard/canary.h, the values in link/feature.h. */
#include "engine/delivery.h"
#include "engine/features_impl.h"

#include "base/mem.h"

static void set_keepalive(struct engine *en, size_t i, const struct flag *f)
{
	pool_feature(en->link[i], CANARY_KEEPALIVE, f->mode);
}

static void set_dedup(struct engine *en, size_t i, const struct flag *f)
{
	pool_feature(en->link[i], CANARY_DEDUP, f->mode);
	delivery_try_dedup(en, i, f->mode, f->since_us);
}

static void set_queue(struct engine *en, size_t i, const struct flag *f)
{
	pool_feature(en->link[i], CANARY_QUEUE, f->mode);
	delivery_try_queue(en, i, f->mode);
}

static void set_pool(struct engine *en, size_t i, const struct flag *f)
{
	pool_feature(en->link[i], CANARY_POOL, f->mode);
}

enum { WIRE = 1, MARKS = 2, EVENTS = 4 };

const struct feature_row feature_rows[CANARY_FEATURES] = {
	[CANARY_KEEPALIVE] = { "keepalive", "write ping_interval or pong_timeout", set_keepalive, WIRE },
	[CANARY_DEDUP] = { "dedup", "write dedup_window or dedup_age", set_dedup, WIRE | MARKS },
	[CANARY_QUEUE] = { "queue", "write queue_items or queue_bytes", set_queue, WIRE | EVENTS },
	[CANARY_POOL] = { "pool", "write connections", set_pool, WIRE },
};

static const struct figure_row {
	const char *key;
	size_t at;
	unsigned of;
	bool may_lack;                  /* -1 = none */
} figures[] = {
#define ROW(m) offsetof(struct canary_figures, m)
	{ "connections", ROW(connections), WIRE, false }, { "up", ROW(up), WIRE, false }, { "messages", ROW(messages), WIRE, false }, { "errors", ROW(errors), WIRE, false },
	{ "duplicates", ROW(duplicates), WIRE, false }, { "drops", ROW(drops), WIRE, false }, { "reconnects", ROW(reconnects), WIRE, false },
	{ "rtts", ROW(rtts), WIRE, false }, { "rtt_p50_us", ROW(rtt_p50_us), WIRE, true }, { "rtt_p99_us", ROW(rtt_p99_us), WIRE, true },
	{ "missed", ROW(missed), MARKS, false },
	{ "events", ROW(events), EVENTS, false }, { "full", ROW(full), EVENTS, false }, { "lost", ROW(lost), EVENTS, false },
	{ "depth", ROW(depth), EVENTS, false }, { "waits", ROW(waits), EVENTS, false }, { "wait_p50_us", ROW(wait_p50_us), EVENTS, true },
	{ "wait_p99_us", ROW(wait_p99_us), EVENTS, true },
#undef ROW
};

enum canary_feature feature_named(struct slice name)
{
	int f = 0;
	while (f < CANARY_FEATURES && !slice_is(name, feature_rows[f].name))
		f++;
	return (enum canary_feature)f;
}

void features_figures(const struct engine *en, size_t i, enum canary_feature f, struct canary_figures out[GROUPS])
{
	pool_figures(en->link[i], f, out);
	delivery_figures(en, i, f, out);
}

enum canary_verdict features_verdict(const struct engine *en, size_t i, enum canary_feature f, struct canary_figures out[GROUPS], char why[CANARY_WHY])
{
	const struct cfg_features *c = &en->cfg->links[i].features;
	struct canary_opts o = { c->margin_bp, c->sample };
	features_figures(en, i, f, out);
	return canary_judge(f, &out[GROUP_CANARY], &out[GROUP_STABLE], &o, why);
}

const char *feature_group_name(int g)
{
	return g == GROUP_CANARY ? "canary" : "stable";
}

void feature_figures_json(struct jw *w, enum canary_feature of, const struct canary_figures *f)
{
	jw_obj(w);
	for (size_t r = 0; r < ARRAY_LEN(figures); r++) {
		int64_t v = *(const int64_t *)(const void *)((const char *)f + figures[r].at);
		if (!(figures[r].of & feature_rows[of].figures))
			continue;
		if (figures[r].may_lack)
			jw_kopt(w, figures[r].key, v);
		else
			jw_ki64(w, figures[r].key, v);
	}
	jw_end_obj(w);
}

enum canary_feature feature_trying(const struct engine *en, size_t i)
{
	int f = 0;
	while (f < CANARY_FEATURES && en->features->of[i][f].now.mode != FEATURE_CANARY)
		f++;
	return (enum canary_feature)f;
}
