/* Breakers by hand: kept open, switched off, or left to themselves again; of a lane through its cycle, of a link at
 * its pool. What is set outlives cycles and restarts until it expires or is taken back. */
#include "engine/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFF_MAX_MS = 24 * 3600 * 1000 };         /* a safeguard that is off comes back within a day */

struct target {
	const char *of, *name;          /* "lane" or "link" */
	struct byhand *hand;
	int lane, link;                 /* -1 = the other */
};

static struct target lane_target(struct engine *en, size_t i)
{
	return (struct target){ "lane", en->cfg->lanes[i].name, &en->lane[i].byhand, (int)i, -1 };
}

static struct target link_target(struct engine *en, size_t i)
{
	return (struct target){ "link", en->cfg->links[i].name, &en->link_byhand[i], -1, (int)i };
}

static bool find(struct engine *en, const struct engine_breaker *a, struct target *t)
{
	for (size_t i = 0; a->lane.n && i < en->cfg->n_lanes; i++)
		if (slice_is(a->lane, en->cfg->lanes[i].name))
			return *t = lane_target(en, i), true;
	for (size_t i = 0; a->link.n && i < en->cfg->n_links; i++)
		if (slice_is(a->link, en->cfg->links[i].name))
			return *t = link_target(en, i), true;
	return false;
}

/* Boot time of a wall time; 0 stays 0. */
static int64_t boot_of(int64_t wall_us)
{
	struct now now = now_read();
	return wall_us ? MAX(now.boot_us + wall_us - now.wall_us, now.boot_us + 1) : 0;
}

void byhand_breaker(const struct byhand *h, struct breaker *b)
{
	if (h->state != BREAKER_CLOSED)
		breaker_force(b, h->state, boot_of(h->until_us), now_read().boot_us);
}

/* Left to itself: what was kept open proves itself first, what was off begins closed. */
static enum breaker_state after(enum breaker_state was)
{
	return was == BREAKER_FORCED_OPEN ? BREAKER_HALF_OPEN : BREAKER_CLOSED;
}

static void tell_cycle(struct engine *en, int lane, enum breaker_state s, int64_t until_us, const struct audit_actor *who)
{
	struct cycle_event ev = event_of(EV_BREAKER);
	for (int i = 0; runner_open(en) && i < en->run->c->lanes; i++)
		if (en->run->lane_of[i] == lane) {
			ev.lane = i;
			ev.number = s;
			ev.until_us = until_us;
			runner_event(en->run, &ev, who, NULL, NULL, NULL);
		}
}

static void apply(struct engine *en, const struct target *t, enum breaker_state s, int64_t until_wall_us, const struct audit_actor *who)
{
	if (t->lane >= 0)
		tell_cycle(en, t->lane, s, boot_of(until_wall_us), who);
	else
		breaker_force(pool_breaker(en->link[t->link]), s, boot_of(until_wall_us), now_read().boot_us);
	engine_changed(en, ENGINE_OVERVIEW | ENGINE_CYCLE);
}

/* ---- kept in the database ---- */

static void key_of(const struct target *t, char key[80])
{
	snprintf(key, 80, "breaker.%s.%s", t->of, t->name);
}

static void keep(struct journal *j, const struct target *t, const struct byhand *h)
{
	char key[80], value[300] = "";
	key_of(t, key);
	if (h->state != BREAKER_CLOSED)
		snprintf(value, sizeof value, "%s %" PRId64 " %s %s", breaker_state_name(h->state), h->until_us, h->by, h->why);
	journal_setting(j, key, slice_of(value));
}

static bool parse(const char *value, struct byhand *h)
{
	char state[16];
	int at = 0;
	*h = (struct byhand){ .state = BREAKER_CLOSED };
	if (sscanf(value, "%15s %" SCNd64 " %63s %n", state, &h->until_us, h->by, &at) != 3 || !at)
		return false;
	snprintf(h->why, sizeof h->why, "%s", value + at);
	h->state = strcmp(state, "disabled") == 0 ? BREAKER_DISABLED : BREAKER_FORCED_OPEN;
	return h->until_us == 0 || h->until_us > now_read().wall_us;
}

static enum rc restore(struct engine *en, const struct target *t, struct err *e)
{
	struct buf value = { 0 };
	struct byhand h;
	char key[80];
	bool found;
	key_of(t, key);
	enum rc rc = journal_read_setting(en->reader, key, &value, &found, e);
	if (rc == RC_OK && found && parse(buf_z(&value), &h)) {
		*t->hand = h;
		if (t->link >= 0)
			byhand_breaker(&h, pool_breaker(en->link[t->link]));
	}
	buf_done(&value);
	return rc;
}

enum rc byhand_open(struct engine *en, struct err *e)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_lanes; i++) {
		struct target t = lane_target(en, i);
		rc = restore(en, &t, e);
	}
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++) {
		struct target t = link_target(en, i);
		rc = restore(en, &t, e);
	}
	return rc;
}

/* ---- set, and taken back ---- */

struct setting {
	struct engine *en;
	struct target t;
	struct byhand to;
	struct engine_who who;
	engine_reply *reply;
	void *ctx;
};

static void set(void *ctx, enum rc rc, const struct err *e)
{
	struct setting *s = ctx;
	char result[64];
	if (rc == RC_OK) {
		struct audit_actor a = actor_of(&s->who);
		enum breaker_state was = s->t.hand->state, to = s->to.state == BREAKER_CLOSED ? after(was) : s->to.state;
		*s->t.hand = s->to;
		apply(s->en, &s->t, to, s->to.until_us, &a);
		snprintf(result, sizeof result, "{\"state\":\"%s\"}", breaker_state_name(to));
	}
	s->reply(s->ctx, rc, e, rc == RC_OK ? result : NULL);
	free(s);
}

static void note(struct journal *j, const struct target *t, const struct byhand *h, const struct audit_actor *a, const char *reason, int64_t cycle)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "asked", h->state == BREAKER_CLOSED ? "auto" : breaker_state_name(h->state));
	jw_kz(&w, "of", t->of);
	jw_kopt(&w, "until_us", h->until_us ? h->until_us : -1);
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_BREAKER, a, slice_of(t->name), cycle, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
}

static void begin(struct engine *en, const struct engine_who *who, const struct engine_breaker *b, const struct target *t, engine_reply *r, void *ctx)
{
	struct setting *s = xcalloc(1, sizeof *s);
	struct audit_actor a = actor_of(who);
	struct journal *j = journal_new();
	*s = (struct setting){ en, *t, { .state = b->state, .until_us = b->for_ms > 0 ? now_read().wall_us + b->for_ms * 1000 : 0 }, *who, r, ctx };
	text_z(s->to.why, sizeof s->to.why, b->reason);
	snprintf(s->to.by, sizeof s->to.by, "%s", who->name);
	note(j, t, &s->to, &a, s->to.why, runner_open(en) && t->lane >= 0 ? en->run->c->id : 0);
	keep(j, t, &s->to);
	store_commit(en->store, j, set, s);
}

void engine_breaker_set(struct engine *en, const struct engine_who *who, const struct engine_breaker *b, engine_reply *r, void *ctx)
{
	struct target t;
	if (!command_may_write(en, who, r, ctx))
		return;
	if (!find(en, b, &t) || (b->lane.n && b->link.n))
		command_refuse(r, ctx, RC_USAGE, "name a configured lane or a configured link, one of them");
	else if (!b->reason.n)
		command_refuse(r, ctx, RC_USAGE, "a breaker set by hand needs a reason");
	else if (b->state == BREAKER_DISABLED && (b->for_ms <= 0 || b->for_ms > OFF_MAX_MS))
		command_refuse(r, ctx, RC_USAGE, "switching a breaker off needs for how long, at most 24h");
	else if (b->state == BREAKER_CLOSED && t.hand->state == BREAKER_CLOSED)
		command_refuse(r, ctx, RC_REFUSED, "that breaker is not set by hand; it finds its way by itself");
	else if (command_may_record(en, r, ctx))
		begin(en, who, b, &t, r, ctx);
}

/* ---- time ---- */

/* The breaker itself goes on by its own clock; here it is told and forgotten. */
static void expire(struct engine *en, const struct target *t, int64_t wall_us)
{
	struct byhand none = { .state = BREAKER_CLOSED };
	if (t->hand->state == BREAKER_CLOSED || !t->hand->until_us || wall_us < t->hand->until_us || !store_writable(en->store))
		return;
	struct journal *j = journal_new();
	note(j, t, &none, &actor_engine, "its time is over", runner_open(en) && t->lane >= 0 ? en->run->c->id : 0);
	keep(j, t, &none);
	*t->hand = none;
	store_commit(en->store, j, engine_note_done, en);
	if (t->link >= 0)
		breaker_tick(pool_breaker(en->link[t->link]), now_read().boot_us);
	engine_changed(en, ENGINE_OVERVIEW | ENGINE_CYCLE);
}

void byhand_tick(struct engine *en)
{
	int64_t wall = now_read().wall_us;
	for (size_t i = 0; i < en->cfg->n_lanes; i++) {
		struct target t = lane_target(en, i);
		expire(en, &t, wall);
	}
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		struct target t = link_target(en, i);
		expire(en, &t, wall);
	}
}
