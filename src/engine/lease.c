#include "engine/lease.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The same over restarts: the state directory is locked, so there are never two of this name. */
static void who_am_i(const struct engine *en, char who[120])
{
	char host[40] = "?";
	gethostname(host, sizeof host - 1);
	snprintf(who, 120, "%.30s at %.30s:%.50s", en->cfg->name, host, en->paths->state_dir);
}

static bool ours_now(const struct erecords *r) { return r->lease.ours && now_read().boot_us < r->lease.until_us; }

bool lease_held(const struct engine *en, const struct erecords *r, char why[200])
{
	const struct elease *l = &r->lease;
	if (!r->cfg->lease || ours_now(r))
		return true;
	if (l->trouble[0])
		snprintf(why, 200, "the lease row of records %s cannot be taken: %.130s", r->cfg->name, l->trouble);
	else if (l->holder[0] && !l->ours)
		snprintf(why, 200, "the lease of records %s is held by %.120s", r->cfg->name, l->holder);
	else
		snprintf(why, 200, "the lease of records %s is not ours%s", r->cfg->name, en->mode == MODE_ARMED ? " yet; try again in a moment" : "; it is taken in mode armed");
	return false;
}

bool lease_forbids(const struct engine *en, char why[200])
{
	const struct runner *run = en->run;
	return runner_open(en) && run->records && !run->c->rehearsal && !lease_held(en, run->records, why);
}

/* ---- asking ---- */

static void hold_without(struct engine *en)
{
	struct cycle_event ev = event_of(EV_HOLD);
	struct audit_actor a = actor_engine;
	char why[200];
	if (!runner_open(en) || en->run->c->held || en->run->c->stage != STAGE_CLEANING || !lease_forbids(en, why))
		return;
	a.via = SLICE_LIT("lease");
	ev.text = why;
	runner_event(en->run, &ev, &a, NULL, NULL, NULL);
}

static void answered(void *ctx, enum rc rc, const struct records_lease *got, const struct err *e)
{
	struct erecords *r = ctx;
	struct elease *l = &r->lease;
	bool was = l->ours;
	l->busy = false;
	l->trouble[0] = '\0';
	if (rc == RC_CANCELLED || rc == RC_REFUSED) {
		l->ours = false;
		return;
	}
	if (rc != RC_OK) {      /* what was ours stays ours until it would have run out */
		snprintf(l->trouble, sizeof l->trouble, "%.190s", e->text);
		return;
	}
	l->ours = got->ours;
	l->token = got->token;
	l->until_us = l->asked_us + r->cfg->lease_for_ms * 1000;
	snprintf(l->holder, sizeof l->holder, "%s", got->holder);
	if (was && !l->ours)
		log_warn("records", r->cfg->name, "the lease row is held by %s", l->holder);
}

static void ask(struct engine *en, struct erecords *r, int64_t now)
{
	char who[120];
	who_am_i(en, who);
	r->lease.busy = true;
	r->lease.asked_us = now;
	records_lease(r->rec, who, answered, r);
}

void lease_tick(struct engine *en)
{
	int64_t now = now_read().boot_us;
	for (size_t i = 0; i < en->cfg->n_records; i++) {
		struct erecords *r = &en->records[i];
		struct elease *l = &r->lease;
		if (!r->cfg->lease || l->busy)
			continue;
		if (en->mode != MODE_ARMED || en->stopping)
			l->ours = false;        /* it runs out by itself */
		else if (!l->ours || l->trouble[0] || now >= l->asked_us + r->cfg->lease_for_ms * 1000 / 3)
			ask(en, r, now);
	}
	hold_without(en);
}

/* ---- shown ---- */

static void one_text(const struct erecords *r, char *text, size_t n)
{
	if (ours_now(r))
		snprintf(text, n, "%s: ours, token %lld", r->cfg->name, (long long)r->lease.token);
	else if (r->lease.holder[0] && !r->lease.ours)
		snprintf(text, n, "%s: %.80s", r->cfg->name, r->lease.holder);
	else
		snprintf(text, n, "%s: not taken", r->cfg->name);
}

void lease_text(const struct engine *en, const struct erecords *r, char text[200])
{
	size_t at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < en->cfg->n_records && at < 150; i++)
		if (en->records[i].cfg->lease && (!r || r == &en->records[i])) {
			if (at)
				at += (size_t)snprintf(text + at, 200 - at, "; ");
			one_text(&en->records[i], text + at, 200 - at);
			at = strlen(text);
		}
	if (!at)
		snprintf(text, 200, "this host only");
}
