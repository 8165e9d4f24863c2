#include "engine/triggers.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "guard/trigger.h"
#include "link/adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct triggers {
	struct trigger *t;              /* as configured */
	bool *known;                    /* a trigger's link was up, or failed, since the start */
	bool *was_up;
	bool *was_down;
	int64_t down_since_us[CFG_MAX_LINKS];   /* boot time, -1 = up */
};

/* A link that only flickers is no reason to hold: it is when it is not back at the second look. */
enum { LOOKS_US = 1000000 };

static int64_t now_us(const struct engine *en)
{
	return loop_now(en->loop).boot_us;
}

/* ---- lanes that depend on links ---- */

static bool is_down(const struct engine *en, int link)
{
	enum link_state s = pool_state(en->link[link]);
	int64_t since = en->triggers->down_since_us[link];
	if (s == LINK_JAMMED || s == LINK_GIVEN_UP)
		return true;
	return since >= 0 && now_us(en) - since >= LOOKS_US;
}

static bool needs_links(const struct cycle_lane *l)
{
	return !l->excluded && l->granted;
}

bool links_forbid(const struct engine *en, char why[200])
{
	const struct runner *run = en->run;
	for (int i = 0; runner_open(en) && i < run->c->lanes; i++) {
		const struct cfg_lane *lane = en->lane[run->lane_of[i]].cfg;
		for (size_t k = 0; needs_links(&run->c->lane[i]) && k < lane->n_depends_on; k++)
			if (is_down(en, lane->depends_on[k])) {
				int link = lane->depends_on[k];
				snprintf(why, 200, "link %s, which lane %s depends on, is %s", en->cfg->links[link].name, lane->name,
					 link_state_name(pool_state(en->link[link])));
				return true;
			}
	}
	return false;
}

static void hold_with(struct engine *en, const char *why, const char *via, struct journal *also)
{
	struct cycle_event ev = event_of(EV_HOLD);
	struct audit_actor a = actor_engine;
	a.via = slice_of(via);
	ev.text = why;
	runner_event(en->run, &ev, &a, also, NULL, NULL);
}

static void hold_dependent(struct engine *en)
{
	char why[200];
	if (runner_open(en) && en->run->c->stage == STAGE_CLEANING && !en->run->c->held && links_forbid(en, why))
		hold_with(en, why, "link", NULL);
}

static void note_links(struct engine *en)
{
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		int64_t *since = &en->triggers->down_since_us[i];
		if (pool_state(en->link[i]) == LINK_UP)
			*since = -1;
		else if (*since < 0)
			*since = now_us(en);
	}
}

/* ---- firing ---- */

static const char *const action_words[] = { [CFG_TRIGGER_START] = "start", [CFG_TRIGGER_HOLD] = "hold" };

struct firing {
	struct engine *en;
	const struct cfg_trigger *cfg;
	char why[160];
};

static void record(struct engine *en, const struct cfg_trigger *c, const char *why, const char *did, const char *refusal)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "why", why);
	jw_kz(&w, "do", action_words[c->action]);
	if (c->policy >= 0)
		jw_kz(&w, "policy", en->cfg->policies[c->policy].name);
	jw_kz(&w, "did", did);
	if (refusal)
		jw_kz(&w, "refusal", refusal);
	jw_end_obj(&w);
	engine_note(en, AUDIT_TRIGGER, &actor_engine, c->name, runner_open(en) ? en->run->c->id : 0, buf_z(&b));
	buf_done(&b);
	log_info("trigger", c->name, "%s: %s%s%s", why, did, refusal ? ": " : "", refusal ? refusal : "");
}

static void started(void *ctx, enum rc rc, const struct err *e, const char *result)
{
	struct firing *f = ctx;
	(void)result;
	if (!f->en->closing)
		record(f->en, f->cfg, f->why, rc == RC_OK ? "started a cycle" : "nothing", rc == RC_OK ? NULL : e->text);
	free(f);
}

static void start_policy(struct engine *en, const struct cfg_trigger *c, const char *why)
{
	struct engine_who who = { .uid = -1, .via = "trigger" };
	struct firing *f = xcalloc(1, sizeof *f);
	*f = (struct firing){ .en = en, .cfg = c };
	snprintf(f->why, sizeof f->why, "%s", why);
	snprintf(who.name, sizeof who.name, "trigger %s", c->name);
	command_start(en, &who, slice_of(en->cfg->policies[c->policy].name), NULL, NULL, started, f);
}

static void hold_cleaning(struct engine *en, const struct cfg_trigger *c, const char *why)
{
	bool holds = runner_open(en) && !en->run->c->held;
	char text[200];
	snprintf(text, sizeof text, "trigger %s: %s", c->name, why);
	record(en, c, why, holds ? "held the cycle" : "nothing", holds ? NULL : runner_open(en) ? "the cycle is held already" : "no cycle is open");
	if (holds)
		hold_with(en, text, "trigger", NULL);
}

static void fire(struct engine *en, const struct cfg_trigger *c, const char *why)
{
	switch (c->action) {
	case CFG_TRIGGER_START: start_policy(en, c, why); break;
	case CFG_TRIGGER_HOLD: hold_cleaning(en, c, why); break;
	}
}

/* ---- conditions ---- */

static bool above_quota(const struct elane *l, int64_t bp)
{
	const struct cfg_lane *c = l->cfg;
	bool items = c->quota_items > 0 && (double)l->items * 10000 > (double)c->quota_items * (double)bp;
	bool bytes = c->quota_bytes > 0 && (double)l->bytes * 10000 > (double)c->quota_bytes * (double)bp;
	return l->complete && (items || bytes);
}

static bool holds(struct engine *en, size_t i, const struct cfg_trigger *c)
{
	enum link_state s = c->link >= 0 ? pool_state(en->link[c->link]) : LINK_IDLE;
	struct triggers *g = en->triggers;
	if (c->link >= 0) {
		g->was_up[i] |= s == LINK_UP;
		g->known[i] |= s == LINK_UP || s == LINK_WAITING || s == LINK_JAMMED || s == LINK_GIVEN_UP;
		g->was_down[i] |= g->was_up[i] && s != LINK_UP;
	}
	switch (c->when) {
	case CFG_WHEN_LINK_DOWN: return s != LINK_UP && g->known[i];
	case CFG_WHEN_LINK_JAMMED: return s == LINK_JAMMED;
	case CFG_WHEN_LINK_RECOVERED: return s == LINK_UP && g->was_down[i];
	case CFG_WHEN_QUOTA_ABOVE: return above_quota(&en->lane[c->lane], c->above_bp);
	case CFG_WHEN_MESSAGES: return false;
	}
	return false;
}

static void say(const struct engine *en, const struct cfg_trigger *c, char why[160])
{
	const char *link = c->link >= 0 ? en->cfg->links[c->link].name : "";
	switch (c->when) {
	case CFG_WHEN_LINK_DOWN:
	case CFG_WHEN_LINK_JAMMED:
		snprintf(why, 160, "link %s is %s for %" PRId64 " ms or more", link, link_state_name(pool_state(en->link[c->link])), c->for_ms);
		return;
	case CFG_WHEN_LINK_RECOVERED:
		snprintf(why, 160, "link %s is up again for %" PRId64 " ms or more", link, c->for_ms);
		return;
	case CFG_WHEN_QUOTA_ABOVE:
		snprintf(why, 160, "lane %s is above %" PRId64 ".%02" PRId64 " %% of its quota", en->cfg->lanes[c->lane].name, c->above_bp / 100, c->above_bp % 100);
		return;
	case CFG_WHEN_MESSAGES:
		snprintf(why, 160, "%" PRId64 " messages %s came on link %s", c->count, c->type, link);
		return;
	}
}

static void look(struct engine *en, size_t i)
{
	const struct cfg_trigger *c = &en->cfg->triggers[i];
	char why[160];
	if (c->when == CFG_WHEN_MESSAGES || !trigger_see(&en->triggers->t[i], holds(en, i, c), now_us(en)))
		return;
	say(en, c, why);
	fire(en, c, why);
}

/* ---- what the engine tells ---- */

void triggers_open(struct engine *en)
{
	struct triggers *g = en->triggers = xcalloc(1, sizeof *g);
	size_t n = en->cfg->n_triggers;
	g->t = xcalloc(n + 1, sizeof *g->t);
	g->known = xcalloc(n + 1, 1);
	g->was_up = xcalloc(n + 1, 1);
	g->was_down = xcalloc(n + 1, 1);
	for (size_t i = 0; i < n; i++)
		trigger_init(&g->t[i], en->cfg->triggers[i].for_ms, en->cfg->triggers[i].cooldown_ms);
	for (size_t i = 0; i < en->cfg->n_links; i++)
		g->down_since_us[i] = now_us(en);
}

void triggers_tick(struct engine *en)
{
	if (en->stopping)
		return;
	note_links(en);
	hold_dependent(en);
	for (size_t i = 0; i < en->cfg->n_triggers; i++)
		look(en, i);
}

void triggers_link_changed(struct engine *en, size_t link)
{
	if (!en->triggers || en->stopping)
		return;
	note_links(en);
	hold_dependent(en);
	for (size_t i = 0; i < en->cfg->n_triggers; i++)
		if (en->cfg->triggers[i].link == (int)link)
			look(en, i);
}

void triggers_message(struct engine *en, size_t link, const struct json *message)
{
	for (size_t i = 0; en->triggers && !en->stopping && i < en->cfg->n_triggers; i++) {
		const struct cfg_trigger *c = &en->cfg->triggers[i];
		char why[160];
		if (c->when != CFG_WHEN_MESSAGES || c->link != (int)link)
			continue;
		const struct json *at = adapter_path(message, en->cfg->links[link].events.type);
		struct slice type;
		if (!at || !json_str(at, &type) || !slice_is(type, c->type) || !trigger_count(&en->triggers->t[i], c->count, now_us(en)))
			continue;
		say(en, c, why);
		fire(en, c, why);
	}
}

void triggers_free(struct engine *en)
{
	if (!en->triggers)
		return;
	free(en->triggers->t);
	free(en->triggers->known);
	free(en->triggers->was_up);
	free(en->triggers->was_down);
	free(en->triggers);
	en->triggers = NULL;
}
