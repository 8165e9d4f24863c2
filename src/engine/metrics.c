/* Prometheus text (version 0.0.4). Labels come from the configuration only. */
#include "engine/internal.h"

#include "base/text.h"
#include "engine/health.h"

#include <inttypes.h>
#include <stdlib.h>

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *label, const char *value, const char *label2, const char *value2, int64_t v)
{
	buf_adds(b, name);
	if (label) {
		buf_addf(b, "{%s=\"", label);
		text_label(b, slice_of(value));
		if (label2) {
			buf_addf(b, "\",%s=\"", label2);
			text_label(b, slice_of(value2));
		}
		buf_adds(b, "\"}");
	}
	buf_addf(b, " %" PRId64 "\n", v);
}

static void seconds(struct buf *b, const char *name, int64_t us)
{
	buf_addf(b, "%s %" PRId64 ".%06" PRId64 "\n", name, us / 1000000, us % 1000000);
}

static void engine_part(struct engine *en, struct buf *b)
{
	head(b, "sluice_mode", "gauge", "1 for the mode the engine is in.");
	for (int m = MODE_OBSERVE; m <= MODE_ARMED; m++)
		one(b, "sluice_mode", "mode", engine_mode_name((enum engine_mode)m), NULL, NULL, en->mode == (enum engine_mode)m);
	head(b, "sluice_start_time_seconds", "gauge", "When the engine started.");
	seconds(b, "sluice_start_time_seconds", en->started_us);
	head(b, "sluice_loop_lag_seconds", "gauge", "Longest delay of a timer in the last second.");
	seconds(b, "sluice_loop_lag_seconds", en->lag_us);
	head(b, "sluice_audit_records_total", "counter", "Records in the audit log.");
	one(b, "sluice_audit_records_total", NULL, NULL, NULL, NULL, store_head(en->store).seq);
	head(b, "sluice_audit_writable", "gauge", "1 while the audit log can be written.");
	one(b, "sluice_audit_writable", NULL, NULL, NULL, NULL, store_writable(en->store));
}

static void links_part(struct engine *en, struct buf *b)
{
	head(b, "sluice_link_state", "gauge", "1 for the state each link is in.");
	for (size_t i = 0; i < en->cfg->n_links; i++)
		for (int s = 0; s < LINK_STATE_COUNT; s++)
			one(b, "sluice_link_state", "link", en->cfg->links[i].name, "state", link_state_name((enum link_state)s),
			    pool_state(en->link[i]) == (enum link_state)s);
	head(b, "sluice_link_connections", "gauge", "Connections of each link by state.");
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		struct pool_counts c;
		pool_count(en->link[i], &c);
		for (int s = 0; s < LINK_STATE_COUNT; s++)
			one(b, "sluice_link_connections", "link", en->cfg->links[i].name, "state", link_state_name((enum link_state)s), c.by_state[s]);
	}
	head(b, "sluice_link_messages_total", "counter", "Messages received on a link.");
	for (size_t i = 0; i < en->cfg->n_links; i++)
		one(b, "sluice_link_messages_total", "link", en->cfg->links[i].name, NULL, NULL, pool_look(en->link[i])->messages_in);
	head(b, "sluice_link_reconnects_total", "counter", "Times a link was connected again.");
	for (size_t i = 0; i < en->cfg->n_links; i++)
		one(b, "sluice_link_reconnects_total", "link", en->cfg->links[i].name, NULL, NULL, pool_look(en->link[i])->reconnects);
}

static void micro(struct buf *b, const char *name, const char *link, const char *rung, int64_t us)
{
	buf_addf(b, "%s{link=\"", name);
	text_label(b, slice_of(link));
	if (rung)
		buf_addf(b, "\",rung=\"%s", rung);
	buf_addf(b, "\"} %" PRId64 ".%06" PRId64 "\n", us / 1000000, us % 1000000);
}

/* Causes are a closed list; one that never came has no line. */
static void failures(struct engine *en, struct buf *b)
{
	head(b, "sluice_link_failures_total", "counter", "Ends and failed attempts of a link by cause.");
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		const struct link_view *v = pool_look(en->link[i]);
		for (int c = 1; c < LINK_CAUSES; c++)
			if (v->failures[c])
				one(b, "sluice_link_failures_total", "link", v->name, "cause", cause_of((enum link_cause)c)->name, v->failures[c]);
	}
}

static void ladders_part(struct engine *en, struct buf *b)
{
	failures(en, b);
	head(b, "sluice_link_cause", "gauge", "1 for why the last connection of a link ended; none while it did not.");
	for (size_t i = 0; i < en->cfg->n_links; i++)
		one(b, "sluice_link_cause", "link", en->cfg->links[i].name, "cause", cause_of(pool_look(en->link[i])->ladder.cause)->name, 1);
	head(b, "sluice_link_rung_seconds", "gauge", "How long each rung of the last attempt took.");
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		const struct ladder *l = &pool_look(en->link[i])->ladder;
		for (int r = 0; r < LINK_RUNGS; r++)
			if (l->us[r] >= 0)
				micro(b, "sluice_link_rung_seconds", en->cfg->links[i].name, link_rung_name((enum link_rung)r), l->us[r]);
	}
	head(b, "sluice_link_certificate_expiry_seconds", "gauge", "When the certificate of a link's server expires.");
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		const struct ladder *l = &pool_look(en->link[i])->ladder;
		if (l->cert.expires_us)
			micro(b, "sluice_link_certificate_expiry_seconds", en->cfg->links[i].name, NULL, l->cert.expires_us);
	}
}

static void lanes_part(struct engine *en, struct buf *b)
{
	head(b, "sluice_lane_listed_items", "gauge", "Items in the last complete list of a lane.");
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		if (en->lane[i].complete)
			one(b, "sluice_lane_listed_items", "lane", en->cfg->lanes[i].name, NULL, NULL, en->lane[i].items);
	head(b, "sluice_lane_requests_total", "counter", "Requests that left for a lane.");
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		one(b, "sluice_lane_requests_total", "lane", en->cfg->lanes[i].name, NULL, NULL, lane_requests_sent(en->lane[i].lane));
}

static void cycle_part(struct engine *en, struct buf *b)
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
	head(b, "sluice_breaker_state", "gauge", "1 for the state each breaker is in.");
	for (int i = 0; i < c->lanes; i++)
		for (int s = BREAKER_CLOSED; s <= BREAKER_DISABLED; s++)
			one(b, "sluice_breaker_state", "lane", c->lane[i].o.name, "state", breaker_state_name((enum breaker_state)s),
			    (int)c->lane[i].breaker.state == s);
}

static void checks_part(struct engine *en, struct buf *b)
{
	size_t n;
	struct health_check *c = engine_health(en, &n);
	head(b, "sluice_check_failing", "gauge", "1 while a check of the doctor fails.");
	for (size_t i = 0; i < n; i++)
		one(b, "sluice_check_failing", "check", c[i].kind, "name", c[i].name, c[i].health == HEALTH_FAIL);
	free(c);
}

void engine_metrics(struct engine *en, struct buf *out)
{
	engine_part(en, out);
	links_part(en, out);
	ladders_part(en, out);
	lanes_part(en, out);
	cycle_part(en, out);
	checks_part(en, out);
}
