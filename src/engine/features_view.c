/* Features of links as they are shown: in the status, and in /metrics. */
#include "engine/features_impl.h"
#include "engine/metric.h"

#include "base/mem.h"

enum { SHOWN = 100 };           /* links whose figures have lines of their own */

static void one_json(const struct engine *en, size_t i, enum canary_feature of, struct jw *w)
{
	const struct tried *x = &en->features->of[i][of];
	struct canary_figures f[GROUPS];
	char value[64], why[CANARY_WHY];
	bool running = x->now.mode == FEATURE_CANARY;
	enum canary_verdict v = features_verdict(en, i, of, f, why);
	feature_value(&en->cfg->links[i], of, value);
	jw_obj(w);
	jw_kz(w, "feature", feature_rows[of].name);
	jw_kz(w, "value", value);
	jw_kz(w, "mode", feature_mode_name(x->now.mode));
	jw_ki64(w, "since_us", x->now.since_us);
	jw_kz(w, "by", x->now.by);
	jw_kz(w, "reason", x->now.why);
	jw_kz(w, "verdict", running ? canary_verdict_name(v) : "");
	jw_kz(w, "why", running ? why : "");
	for (int g = 0; g < GROUPS; g++) {
		jw_key(w, feature_group_name(g));
		feature_figures_json(w, of, &f[g]);
	}
	jw_end_obj(w);
}

void features_json(const struct engine *en, size_t i, struct jw *w)
{
	jw_arr(w);
	for (int f = 0; en->features && f < CANARY_FEATURES; f++)
		if (feature_given(&en->cfg->links[i], (enum canary_feature)f))
			one_json(en, i, (enum canary_feature)f, w);
	jw_end_arr(w);
}

static const struct {
	const char *name, *type, *help;
	size_t at;
	bool seconds;
} rows[] = {
#define ROW(m) offsetof(struct canary_figures, m)
	{ "sluice_link_canary_connections", "gauge", "Connections of the canary and of the others of a link with a feature.", ROW(connections), false },
	{ "sluice_link_canary_up", "gauge", "Connections of either group that are up.", ROW(up), false },
	{ "sluice_link_canary_messages", "gauge", "Messages of either group since the feature's mode changed.", ROW(messages), false },
	{ "sluice_link_canary_errors", "gauge", "Frames the adapter does not know, of either group, since then.", ROW(errors), false },
	{ "sluice_link_canary_duplicates", "gauge", "Repeated messages of either group since then.", ROW(duplicates), false },
	{ "sluice_link_canary_drops", "gauge", "Connections and attempts of either group that ended since then.", ROW(drops), false },
	{ "sluice_link_canary_reconnects", "gauge", "Reconnects of either group since then.", ROW(reconnects), false },
	{ "sluice_link_canary_missed", "gauge", "Messages that the window of either group got wrong since then; the larger one caught them.", ROW(missed), false },
	{ "sluice_link_canary_events", "gauge", "Events for either group since then.", ROW(events), false },
	{ "sluice_link_canary_full", "gauge", "Events that the queue of either group had no room for when they came, since then.", ROW(full), false },
	{ "sluice_link_canary_lost", "gauge", "Events that the bounds of either group would have lost since then, or did: too large, or too old.", ROW(lost), false },
	{ "sluice_link_canary_rtt_p50_seconds", "gauge", "Median round trip of either group since then.", ROW(rtt_p50_us), true },
	{ "sluice_link_canary_rtt_p99_seconds", "gauge", "99th percentile of round trips of either group since then.", ROW(rtt_p99_us), true },
#undef ROW
};

/* The one that is tried, or the first that is given; CANARY_FEATURES: none. */
static enum canary_feature shown(const struct engine *en, size_t i)
{
	int f = en->features ? (int)feature_trying(en, i) : CANARY_FEATURES;
	for (int g = 0; en->features && f == CANARY_FEATURES && g < CANARY_FEATURES; g++)
		if (feature_given(&en->cfg->links[i], (enum canary_feature)g))
			f = g;
	return (enum canary_feature)f;
}

static void modes(const struct engine *en, size_t n, struct metrics *m)
{
	metric_family(m, "sluice_link_feature_mode", "gauge", "Mode of a feature of a link: 0 off, 1 canary, 2 on.");
	for (size_t i = 0; i < n; i++)
		for (int f = 0; f < CANARY_FEATURES; f++)
			if (feature_given(&en->cfg->links[i], (enum canary_feature)f))
				metric_sample(m, "link", en->cfg->links[i].name, "feature", feature_rows[f].name, (int64_t)en->features->of[i][f].now.mode);
}

static void figures(const struct engine *en, size_t n, size_t r, struct metrics *m)
{
	for (size_t i = 0; i < n; i++) {
		enum canary_feature of = shown(en, i);
		struct canary_figures f[GROUPS];
		if (of == CANARY_FEATURES)
			continue;
		features_figures(en, i, of, f);
		for (int g = 0; g < GROUPS; g++) {
			int64_t v = *(const int64_t *)(const void *)((const char *)&f[g] + rows[r].at);
			if (v >= 0 && rows[r].seconds)
				metric_micro(m, "link", en->cfg->links[i].name, "group", feature_group_name(g), v);
			else if (v >= 0)
				metric_sample(m, "link", en->cfg->links[i].name, "group", feature_group_name(g), v);
		}
	}
}

void metrics_features(struct engine *en, struct metrics *m)
{
	size_t n = MIN(en->cfg->n_links, (size_t)SHOWN), any = 0;
	for (size_t i = 0; i < n; i++)
		any += shown(en, i) != CANARY_FEATURES;
	if (!any)
		return;
	modes(en, n, m);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		metric_family(m, rows[r].name, rows[r].type, rows[r].help);
		figures(en, n, r, m);
	}
}
