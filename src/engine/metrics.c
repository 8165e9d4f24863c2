#include "engine/internal.h"

#include "engine/features.h"
#include "engine/health.h"
#include "engine/metric.h"
#include "engine/otlp.h"

#include <stdlib.h>
#include <string.h>

static void head(struct metrics *m, const char *name, const char *type, const char *help)
{
	metric_family(m, name, type, help);
}

/* name is that of the head before it. */
static void one(struct metrics *m, const char *name, const char *label, const char *value, const char *label2, const char *value2, int64_t v)
{
	(void)name;
	metric_sample(m, label, value, label2, value2, v);
}

static void seconds(struct metrics *m, const char *name, int64_t us)
{
	(void)name;
	metric_micro(m, NULL, NULL, NULL, NULL, us);
}

static void engine_part(struct engine *en, struct metrics *b)
{
	head(b, "sluice_mode", "gauge", "1 for the mode the engine is in.");
	for (int m = MODE_OBSERVE; m <= MODE_ARMED; m++)
		one(b, "sluice_mode", "mode", engine_mode_name((enum engine_mode)m), NULL, NULL, en->mode == (enum engine_mode)m);
	head(b, "sluice_start_time_seconds", "gauge", "When the engine started.");
	seconds(b, "sluice_start_time_seconds", en->started_us);
	head(b, "sluice_loop_lag_seconds", "gauge", "Longest delay of a timer in the last second.");
	seconds(b, "sluice_loop_lag_seconds", en->lag_us);
	head(b, "sluice_loop_step_seconds", "gauge", "Longest time between two waits of the loop, in the last second.");
	seconds(b, "sluice_loop_step_seconds", en->step.us);
	head(b, "sluice_loop_worst_step_seconds", "gauge", "Longest time between two waits of the loop, since the start.");
	seconds(b, "sluice_loop_worst_step_seconds", loop_step_worst(en->loop).us);
	head(b, "sluice_audit_records_total", "counter", "Records in the audit log.");
	one(b, "sluice_audit_records_total", NULL, NULL, NULL, NULL, store_head(en->store).seq);
	head(b, "sluice_audit_writable", "gauge", "1 while the audit log can be written.");
	one(b, "sluice_audit_writable", NULL, NULL, NULL, NULL, store_writable(en->store));
}

static void lanes_part(struct engine *en, struct metrics *b)
{
	head(b, "sluice_lane_listed_items", "gauge", "Items in the last complete list of a lane.");
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		if (en->lane[i].complete)
			one(b, "sluice_lane_listed_items", "lane", en->cfg->lanes[i].name, NULL, NULL, en->lane[i].items);
	head(b, "sluice_lane_requests_total", "counter", "Requests that left for a lane.");
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		one(b, "sluice_lane_requests_total", "lane", en->cfg->lanes[i].name, NULL, NULL, lane_requests_sent(en->lane[i].lane));
}

static void cycle_part(struct engine *en, struct metrics *b)
{
	if (!en->run)
		return;
	const struct cycle *c = en->run->c;
	head(b, "sluice_cycle_stage", "gauge", "1 for the stage the current cycle is in.");
	for (int s = 0; s < STAGE_COUNT; s++)
		one(b, "sluice_cycle_stage", "stage", cycle_stage_name((enum cycle_stage)s), NULL, NULL, (int)c->stage == s);
	head(b, "sluice_cycle_items", "gauge", "Items of the current cycle by lane and state.");
	for (int i = 0; i < c->lanes; i++)
		for (int s = 0; s < ITEM_STATE_COUNT; s++)
			one(b, "sluice_cycle_items", "lane", c->lane[i].o.name, "state", item_state_name((enum item_state)s), c->lane[i].c.by_state[s]);
}

/* Of the open cycle; without one, what a lane's next cycle begins with. */
static enum breaker_state breaker_of(const struct engine *en, size_t lane)
{
	for (int i = 0; runner_open(en) && i < en->run->c->lanes; i++)
		if (en->run->lane_of[i] == (int)lane)
			return en->run->c->lane[i].breaker.state;
	return en->lane[lane].byhand.state;
}

static void breakers_part(struct engine *en, struct metrics *b)
{
	head(b, "sluice_breaker_state", "gauge", "1 for the state each lane's breaker is in.");
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		for (int s = BREAKER_CLOSED; s <= BREAKER_DISABLED; s++)
			one(b, "sluice_breaker_state", "lane", en->cfg->lanes[i].name, "state", breaker_state_name((enum breaker_state)s),
			    (int)breaker_of(en, i) == s);
}

/* Of links that are not shown one by one, how many fail. */
static void checks_part(struct engine *en, struct metrics *b)
{
	size_t n;
	int64_t others[2] = { 0, 0 };
	static const char *const kinds[2] = { "link", "link-token" };
	struct health_check *c = engine_health(en, &n);
	head(b, "sluice_check_failing", "gauge", "1 while a check of the doctor fails.");
	for (size_t i = 0; i < n; i++) {
		bool of_link = strcmp(c[i].kind, kinds[0]) == 0 || strcmp(c[i].kind, kinds[1]) == 0;
		if (!of_link || metrics_link_shown(en, c[i].name))
			one(b, NULL, "check", c[i].kind, "name", c[i].name, c[i].health == HEALTH_FAIL);
		else
			others[strcmp(c[i].kind, kinds[1]) == 0] += c[i].health == HEALTH_FAIL;
	}
	for (int k = 0; k < 2 && en->cfg->n_links && !metrics_link_shown(en, en->cfg->links[en->cfg->n_links - 1].name); k++)
		one(b, NULL, "check", kinds[k], "name", "(others)", others[k]);
	free(c);
}

static void otlp_part(struct engine *en, struct metrics *b)
{
	const char *trouble;
	const struct otlp_counts *c = otlp_look(en, &trouble);
	if (!c)
		return;
	head(b, "sluice_otlp_pushes_total", "counter", "Pushes of metrics to the collector by how they ended.");
	one(b, NULL, "result", "accepted", NULL, NULL, c->accepted);
	one(b, NULL, "result", "retried", NULL, NULL, c->retried);
	one(b, NULL, "result", "dropped", NULL, NULL, c->dropped);
	head(b, "sluice_otlp_points_lost_total", "counter", "Points that the collector did not take and that may not be repeated.");
	one(b, NULL, "why", "dropped", NULL, NULL, c->points_dropped);
	one(b, NULL, "why", "rejected", NULL, NULL, c->points_rejected);
}

void metrics_collect(struct engine *en, struct metrics *m)
{
	engine_part(en, m);
	metrics_process(en, m);
	metrics_links(en, m);
	lanes_part(en, m);
	cycle_part(en, m);
	breakers_part(en, m);
	metrics_census(en, m);
	metrics_features(en, m);
	checks_part(en, m);
	otlp_part(en, m);
}

void engine_metrics(struct engine *en, struct buf *out)
{
	struct metrics *m = metrics_new();
	metrics_collect(en, m);
	metrics_prometheus(m, out);
	metrics_free(m);
}
