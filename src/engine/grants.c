/* Grants: what operators approve, how many of them must, and until when it counts (SEMANTICS 4). Every
 * refusal names its rule and is written down. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool plan_matches(struct runner *run, struct slice plan)
{
	char hex[HASH_HEX];
	return run && run->plan && run->c->plan_frozen && slice_is(plan, hash_hex(hex, &run->plan->id));
}

static void propose(struct journal *j, enum audit_kind k, const struct audit_actor *a, struct runner *run, const struct grant *g,
		    const char *why)
{
	struct buf b;
	struct jw w;
	char hex[HASH_HEX];
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "lane", g->lane);
	jw_ki64(&w, "items", g->items);
	jw_ki64(&w, "bytes", g->bytes);
	jw_kz(&w, "on_abort", g->on_abort);
	jw_kz(&w, "reason", g->reason);
	jw_kz(&w, "nonce", g->nonce);
	if (why)
		jw_kz(&w, "why", why);
	jw_end_obj(&w);
	journal_audit(j, k, a, slice_of(g->lane), run->c->id, slice_of(run->plan ? hash_hex(hex, &run->plan->id) : ""), buf_slice(&b));
	buf_done(&b);
}

void grant_approvals_json(const struct egrant *g, struct jw *w)
{
	jw_arr(w);
	for (int i = 0; i < g->approvals; i++) {
		jw_obj(w);
		jw_kz(w, "operator", g->approval[i].operator_);
		jw_ki64(w, "at_us", g->approval[i].at_us);
		jw_kz(w, "via", g->approval[i].via);
		jw_kz(w, "nonce", g->approval[i].nonce);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

void grant_approvals_read(struct egrant *g, const struct json *body)
{
	g->needed = (int)json_get_i64(body, "needed", 1);
	for (const struct json *j = json_first(json_get(body, "approvals")); j && g->approvals < GRANT_APPROVALS; j = json_next(j)) {
		struct approval *a = &g->approval[g->approvals++];
		snprintf(a->operator_, sizeof a->operator_, "%.*s", SLICE_FMT(json_get_str(j, "operator")));
		snprintf(a->via, sizeof a->via, "%.*s", SLICE_FMT(json_get_str(j, "via")));
		snprintf(a->nonce, sizeof a->nonce, "%.*s", SLICE_FMT(json_get_str(j, "nonce")));
		a->at_us = json_get_i64(j, "at_us", 0);
	}
}

static void store_grant(struct journal *j, struct runner *run, const struct egrant *g)
{
	char hex[HASH_HEX];
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "reason", g->g.reason);
	jw_ki64(&w, "needed", g->needed);
	jw_key(&w, "approvals");
	grant_approvals_json(g, &w);
	jw_end_obj(&w);
	struct journal_grant jg = { .id = slice_of(g->id), .cycle = run->c->id, .plan = slice_of(hash_hex(hex, &run->plan->id)),
		.lane = slice_of(g->g.lane), .items = g->g.items, .bytes = g->g.bytes, .share_bp = g->g.share_bp,
		.on_abort = slice_of(g->g.on_abort), .state = slice_of(g->state), .body = buf_slice(&b), .made_us = g->g.made_us,
		.made_boot_us = g->made_boot_us, .expires_us = g->g.lapses_us, .boot = slice_of(boot_id()) };
	journal_grant(j, &jg);
	buf_done(&b);
}

struct lists {
	int64_t since_us, most;
};

static enum rc one_list(void *ctx, const struct audit_record *rec)
{
	struct lists *q = ctx;
	struct json_doc *d;
	if (rec->at.wall_us < q->since_us)
		return RC_NOT_FOUND;            /* older ones follow */
	if (json_parse(&d, rec->payload, NULL, NULL) != RC_OK)
		return RC_OK;
	const struct json *j = json_root(d);
	if (json_get_bool(j, "complete", false) && !json_get_bool(j, "rehearsal", false))
		q->most = MAX(q->most, json_get_i64(j, "items", 0));
	json_doc_free(d);
	return RC_OK;
}

/* The largest complete list of a lane in 24 h, from the log; 0 = none. */
static enum rc most_listed(struct engine *en, struct slice lane, int64_t wall_us, int64_t *most, struct err *e)
{
	struct lists q = { .since_us = wall_us - INT64_C(86400000000) };
	struct audit_filter f = { .kind = slice_of(audit_kind_name(AUDIT_DISCOVERY)), .subject = lane, .limit = 200, .decisions_only = true };
	enum rc rc = audit_query(en->reader, &f, one_list, &q, e);
	*most = q.most;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Has that lane's part of the plan anything that could be brought back? */
static bool restorable(const struct runner *run, const char *lane)
{
	for (int i = 0; i < run->plan->lanes; i++)
		if (slice_is(run->plan->lane[i].name, lane))
			return restoring_of_lane(&run->plan->lane[i]) > 0;
	return false;
}

static enum rc check_grant(struct engine *en, struct runner *run, const struct grant *g, struct err *e)
{
	struct journal_lane mem;
	struct now now = now_read();
	if (en->mode != MODE_ARMED)
		return err_set(e, RC_REFUSED, "the mode is %s: a grant can be given only when armed", engine_mode_name(en->mode));
	if (!run || !run->plan || !run->c->plan_frozen)
		return err_set(e, RC_GRANT, "there is no plan to approve");
	if (!runner_plan_stands(run))
		return err_set(e, RC_GRANT, "the policy or the program changed since the plan was made; start a new cycle");
	if (strcmp(g->on_abort, "ask") && strcmp(g->on_abort, "keep") && strcmp(g->on_abort, "restore"))
		return err_set(e, RC_USAGE, "on_abort is ask, keep or restore");
	if (!strcmp(g->on_abort, "restore") && !restorable(run, g->lane))
		return err_set(e, RC_GRANT, "on_abort restore needs escrow copies, and this plan has none; choose keep or ask");
	if (!g->reason[0])
		return err_set(e, RC_USAGE, "an approval needs a reason");
	enum rc rc = journal_read_lane(en->reader, slice_of(g->lane), now.wall_us, &mem, e);
	if (rc != RC_OK)
		return rc;
	struct grant_window w = { .spent_items = MAX(mem.spent_items, 0), .spent_bytes = MAX(mem.spent_bytes, 0) };
	rc = most_listed(en, slice_of(g->lane), now.wall_us, &w.most_listed, e);
	if (rc != RC_OK)
		return rc;
	return grant_check(run->plan, g, &w, now.wall_us, e);
}

static void rejected(struct engine *en, const struct audit_actor *a, struct runner *run, const struct grant *g, const struct err *e)
{
	struct journal *j = journal_new();
	if (run)
		propose(j, AUDIT_GRANT_REJECTED, a, run, g, e->text);
	else
		journal_audit(j, AUDIT_REFUSED, a, SLICE_LIT("grant"), 0, SLICE_LIT(""), SLICE_LIT("{}"));
	store_commit(en->store, j, NULL, NULL);
}

/* ---- several approvals ---- */

static struct egrant *grant_of(struct runner *run, const char *lane)
{
	for (int i = 0; i < run->grants; i++)
		if (!strcmp(run->grant[i].g.lane, lane))
			return &run->grant[i];
	return NULL;
}

/* What cannot be restored may need more operators. */
static int needed_for(const struct runner *run, const struct grant *g)
{
	const struct cfg_policy *p = run->policy;
	int lane = plan_lane_find(run->plan, slice_of(g->lane));
	bool irreversible = lane >= 0 && plan_irreversible_of(run->plan, lane, g->items) > 0;
	int64_t n = irreversible ? MAX(p->approvals, p->irreversible_approvals) : p->approvals;
	return (int)MIN(MAX(n, 1), GRANT_APPROVALS);
}

static bool lives(const struct egrant *g)
{
	return !strcmp(g->state, "proposed") || !strcmp(g->state, "active");
}

static bool same_amount(const struct grant *a, const struct grant *b)
{
	return a->items == b->items && a->bytes == b->bytes && !strcmp(a->on_abort, b->on_abort);
}

static bool has_approved(const struct egrant *g, const char *who)
{
	for (int i = 0; i < g->approvals; i++)
		if (!strcmp(g->approval[i].operator_, who))
			return true;
	return false;
}

/* May this approval be added to what the lane has, or take its place? With one approval the later word counts;
 * with several nobody changes what another has approved. */
static enum rc may_add(const struct egrant *eg, const struct grant *g, struct err *e)
{
	if (!eg || !lives(eg) || eg->needed < 2)
		return RC_OK;
	bool mine = eg->approvals == 1 && has_approved(eg, g->operator_);
	if (!strcmp(eg->state, "active"))
		return err_set(e, RC_GRANT, "approvals: lane %s is granted by %d operators; revoke that grant before another is proposed", g->lane, eg->approvals);
	if (!same_amount(&eg->g, g))
		return mine ? RC_OK : err_set(e, RC_GRANT, "approvals: %s proposed %" PRId64 " items, %" PRId64 " bytes, on_abort %s in lane %s; approve exactly that or revoke it",
					      eg->approval[0].operator_, eg->g.items, eg->g.bytes, eg->g.on_abort, g->lane);
	if (has_approved(eg, g->operator_))
		return err_set(e, RC_GRANT, "approvals: %s has approved this already; %d distinct operators must, %d did", g->operator_, eg->needed, eg->approvals);
	return RC_OK;
}

static void add_approval(struct egrant *eg, const struct audit_actor *a, const struct grant *g)
{
	struct approval *p = &eg->approval[eg->approvals++];
	snprintf(p->operator_, sizeof p->operator_, "%s", g->operator_);
	snprintf(p->via, sizeof p->via, "%.*s", SLICE_FMT(a->via));
	snprintf(p->nonce, sizeof p->nonce, "%s", g->nonce);
	p->at_us = now_read().wall_us;
	eg->g.lapses_us = MIN(eg->g.lapses_us, g->lapses_us);
	if (g->share_bp && (!eg->g.share_bp || g->share_bp < eg->g.share_bp))
		eg->g.share_bp = g->share_bp;
}

/* The proposal that this approval belongs to: the lane's, or a new one in its place. */
static struct egrant *proposal(struct runner *run, struct journal *j, const struct audit_actor *a, const struct grant *g)
{
	struct egrant *eg = grant_of(run, g->lane);
	if (eg && lives(eg) && eg->needed > 1 && same_amount(&eg->g, g))
		return eg;
	if (eg && lives(eg)) {
		snprintf(eg->state, sizeof eg->state, "lapsed");
		store_grant(j, run, eg);
	}
	if (!eg)
		eg = &run->grant[run->grants++];
	*eg = (struct egrant){ .g = *g, .made_boot_us = now_read().boot_us, .needed = needed_for(run, g), .state = "proposed" };
	snprintf(eg->id, sizeof eg->id, "%s", g->nonce);
	propose(j, AUDIT_GRANT_PROPOSED, a, run, g, NULL);
	return eg;
}

struct answer {
	engine_reply *r;
	void *ctx;
	char result[120];
};

static void answered(void *ctx, enum rc rc, const struct err *e)
{
	struct answer *a = ctx;
	a->r(a->ctx, rc, e, rc == RC_OK ? a->result : NULL);
	free(a);
}

/* Durable, and no more than that: the coordinator hears of it when there are enough. */
static void commit_alone(struct engine *en, struct journal *j, const char *result, engine_reply *r, void *ctx)
{
	struct answer *a = xmalloc(sizeof *a);
	*a = (struct answer){ .r = r, .ctx = ctx };
	snprintf(a->result, sizeof a->result, "%s", result);
	store_commit(en->store, j, answered, a);
	engine_changed(en, ENGINE_OVERVIEW | ENGINE_CYCLE);
}

/* One checked approval; the last one needed gives the grant to the coordinator. */
static void give(struct runner *run, const struct audit_actor *a, const struct grant *g, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_GRANT);
	int lane = plan_lane_find(run->plan, slice_of(g->lane));
	const char *why = cycle_why_not(run->c, CMD_APPROVE);
	char text[120];
	if (why || lane < 0 || run->c->lane[lane].excluded) {
		command_refuse(r, ctx, RC_GRANT, why ? why : "that lane is excluded from the cycle");
		return;
	}
	struct journal *j = journal_new();
	struct egrant *eg = proposal(run, j, a, g);
	add_approval(eg, a, g);
	snprintf(text, sizeof text, "%d of %d approvals", eg->approvals, eg->needed);
	propose(j, AUDIT_GRANT_APPROVED, a, run, g, eg->needed > 1 ? text : NULL);
	bool enough = eg->approvals >= eg->needed;
	if (enough)
		snprintf(eg->state, sizeof eg->state, "active");
	store_grant(j, run, eg);
	if (!enough) {
		snprintf(text, sizeof text, "{\"granted\":false,\"approvals\":%d,\"needed\":%d}", eg->approvals, eg->needed);
		commit_alone(run->en, j, text, r, ctx);
		return;
	}
	ev.lane = lane;
	ev.number = eg->g.items;
	ev.bytes = eg->g.bytes;
	ev.on_abort = !strcmp(eg->g.on_abort, "keep") ? ON_ABORT_KEEP : !strcmp(eg->g.on_abort, "restore") ? ON_ABORT_RESTORE : ON_ABORT_ASK;
	ev.until_us = ev.now.wall_us + run->policy->run_for_ms * 1000;
	runner_event(run, &ev, a, j, r, ctx);
}

/* ---- lapsing and taking back ---- */

void grants_waiting(const struct runner *run, struct buf *out)
{
	for (int i = 0; i < run->grants; i++) {
		const struct egrant *g = &run->grant[i];
		if (!strcmp(g->state, "proposed"))
			buf_addf(out, "%s%s: %d of %d approvals", out->n ? ", " : "", g->g.lane, g->approvals, g->needed);
	}
}

/* A grant that lapsed before the first delete carries nothing any more. One that lapses with its plan is the
 * coordinator's, which ends the cycle. */
bool grants_stand(struct runner *run, engine_reply *r, void *ctx)
{
	struct now now = now_read();
	char why[200];
	if (run->c->first_intent || run->c->rehearsal || run->c->stage != STAGE_VALIDATING)
		return true;
	for (int i = 0; i < run->grants; i++) {
		struct egrant *g = &run->grant[i];
		struct cycle_event ev = event_of(EV_REVOKE);
		if (!lives(g) || now.wall_us < g->g.lapses_us || g->g.lapses_us >= run->plan->until_us)
			continue;
		bool active = !strcmp(g->state, "active");
		struct journal *j = journal_new();
		snprintf(g->state, sizeof g->state, "lapsed");
		propose(j, AUDIT_GRANT_LAPSED, &actor_engine, run, &g->g, "its time is over");
		store_grant(j, run, g);
		ev.lane = plan_lane_find(run->plan, slice_of(g->g.lane));
		snprintf(why, sizeof why, "the grant of lane %s has lapsed; approve again", g->g.lane);
		if (active)
			runner_event(run, &ev, &actor_engine, j, NULL, NULL);
		else
			store_commit(run->en->store, j, engine_note_done, run->en);
		command_refuse(r, ctx, RC_GRANT, why);
		return false;
	}
	return true;
}

void engine_revoke(struct engine *en, const struct engine_who *who, struct slice lane, struct slice reason, engine_reply *r, void *ctx)
{
	struct cycle_event ev = event_of(EV_REVOKE);
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct audit_actor a = actor_of(who);
	char name[64], why[200];
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	struct egrant *g = run && run->plan ? grant_of(run, text_z(name, sizeof name, lane)) : NULL;
	if (!g || !lives(g)) {
		command_refuse(r, ctx, RC_GRANT, "there is no grant of that lane to revoke");
	} else if (!reason.n) {
		command_refuse(r, ctx, RC_USAGE, "revoking a grant needs a reason");
	} else if (run->c->first_intent || run->c->stage > STAGE_VALIDATING) {
		command_refuse(r, ctx, RC_GRANT, "the plan is spent: its first delete was prepared; hold or abort the cycle");
	} else {
		bool active = !strcmp(g->state, "active");
		struct journal *j = journal_new();
		snprintf(g->state, sizeof g->state, "revoked");
		propose(j, AUDIT_GRANT_REJECTED, &a, run, &g->g, text_z(why, sizeof why, reason));
		store_grant(j, run, g);
		ev.lane = plan_lane_find(run->plan, slice_of(g->g.lane));
		if (active)
			runner_event(run, &ev, &a, j, r, ctx);
		else
			commit_alone(en, j, "{}", r, ctx);
	}
}

/* ---- typed ---- */

static void new_nonce(char nonce[33])
{
	uint8_t raw[16];
	struct buf b;
	buf_init(&b);
	rng_os(raw, sizeof raw);
	hex_encode(&b, raw, sizeof raw);
	snprintf(nonce, 33, "%s", buf_z(&b));
	buf_done(&b);
}

enum { WRONG_PHRASES = 3, COOL_DOWN_US = 30000000 };

static struct cool *cool_of(struct engine *en, const struct engine_who *who)
{
	const struct cfg_operator *o = config_operator(en->cfg, slice_of(who->name));
	return o ? &en->cool[o - en->cfg->operators] : &en->cool[en->cfg->n_operators];
}

static enum rc check_cool(struct engine *en, const struct engine_who *who, struct err *e)
{
	int64_t left = cool_of(en, who)->until_us - now_read().boot_us;
	if (left <= 0)
		return RC_OK;
	return err_set(e, RC_REFUSED, "three wrong phrases: %s can approve again in %" PRId64 " s", who->name, left / 1000000 + 1);
}

static void count_phrase(struct engine *en, const struct engine_who *who, bool right)
{
	struct cool *c = cool_of(en, who);
	c->wrong = right ? 0 : c->wrong + 1;
	if (c->wrong < WRONG_PHRASES)
		return;
	c->wrong = 0;
	c->until_us = now_read().boot_us + COOL_DOWN_US;
}

void engine_approve(struct engine *en, const struct engine_who *who, const struct engine_approval *q, engine_reply *r, void *ctx)
{
	struct audit_actor a = actor_of(who);
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct grant g = { .items = q->items, .bytes = q->bytes, .made_us = now_read().wall_us };
	struct err e = { 0 };
	enum rc rc = RC_OK;
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	text_z(g.lane, sizeof g.lane, q->lane);
	text_z(g.reason, sizeof g.reason, q->reason);
	text_z(g.on_abort, sizeof g.on_abort, q->on_abort.n ? q->on_abort : SLICE_LIT("ask"));
	snprintf(g.operator_, sizeof g.operator_, "%s", who->name);
	new_nonce(g.nonce);
	if (!plan_matches(run, q->plan))
		rc = err_set(&e, RC_GRANT, "this plan is no longer valid: the engine's plan is another one; look at it again");
	else
		g.plan = run->plan->id;
	if (rc == RC_OK)
		g.lapses_us = run->plan->until_us;
	if (rc == RC_OK)
		rc = check_cool(en, who, &e);
	if (rc == RC_OK)
		rc = check_grant(en, run, &g, &e);
	if (rc == RC_OK)
		rc = may_add(grant_of(run, g.lane), &g, &e);
	if (rc == RC_OK) {
		rc = grant_check_phrases(run->plan, &g, q->phrase, q->irreversible_phrase, &e);
		count_phrase(en, who, rc == RC_OK);
	}
	if (rc != RC_OK) {
		rejected(en, &a, run, &g, &e);
		r(ctx, rc, &e, NULL);
		return;
	}
	give(run, &a, &g, r, ctx);
}

/* ---- signed files ---- */

static enum rc verify_file(struct engine *en, const struct grant *g, const uint8_t sig[SIG_BYTES], struct err *e)
{
	const struct cfg_operator *o = config_operator(en->cfg, slice_of(g->operator_));
	struct buf b;
	bool good = false;
	if (!o)
		return err_set(e, RC_GRANT, "grant file: %s is no operator of this configuration", g->operator_);
	if (o->role == CFG_WATCHER)
		return err_set(e, RC_GRANT, "grant file: %s is a watcher and can approve nothing", g->operator_);
	buf_init(&b);
	grant_encode(&b, g);
	for (size_t i = 0; i < o->n_keys; i++)
		good |= sign_verify(o->keys[i].b, buf_slice(&b), sig);
	buf_done(&b);
	return good ? RC_OK : err_set(e, RC_GRANT, "grant file: the signature is not %s's, or the file was changed after signing", g->operator_);
}

struct nonce {
	const char *want;
	bool found;
};

static enum rc same_nonce(void *ctx, const struct journal_grant *g)
{
	struct nonce *q = ctx;
	q->found |= slice_is(g->id, q->want) || memmem(g->body.p, g->body.n, q->want, strlen(q->want)) != NULL;
	return RC_OK;
}

/* A file counts once: also one that another grant has replaced since. */
static enum rc used_before(struct engine *en, const struct runner *run, const char *nonce, struct err *e)
{
	struct nonce q = { nonce, false };
	for (int i = 0; i < run->grants; i++)
		for (int k = 0; k < run->grant[i].approvals; k++)
			q.found |= !strcmp(run->grant[i].approval[k].nonce, nonce);
	enum rc rc = q.found ? RC_OK : journal_read_grants(en->reader, run->c->id, same_nonce, &q, e);
	if (rc == RC_OK && q.found)
		return err_set(e, RC_GRANT, "this grant file was submitted before; sign a new one");
	return rc;
}

void engine_submit_grant(struct engine *en, const struct engine_who *who, const struct json *file, engine_reply *r, void *ctx)
{
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct audit_actor a = actor_of(who);
	uint8_t sig[SIG_BYTES];
	struct grant g;
	struct err e = { 0 };
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	enum rc rc = grant_read(&g, sig, file, &e);
	if (rc != RC_OK) {
		r(ctx, rc, &e, NULL);
		return;
	}
	rc = verify_file(en, &g, sig, &e);
	if (rc == RC_OK && !run)
		rc = err_set(&e, RC_GRANT, "no cycle is open: the grant is for a plan that does not exist any more");
	if (rc == RC_OK)
		rc = used_before(en, run, g.nonce, &e);
	if (rc == RC_OK && !g.lapses_us)
		rc = err_set(&e, RC_GRANT, "grant file: it does not say when it lapses; sign a new one");
	if (rc == RC_OK)
		rc = check_grant(en, run, &g, &e);
	if (rc == RC_OK)
		rc = may_add(grant_of(run, g.lane), &g, &e);
	if (rc != RC_OK) {
		rejected(en, &a, run, &g, &e);
		r(ctx, rc, &e, NULL);
		return;
	}
	a.name = slice_of(g.operator_);
	a.via = SLICE_LIT("signed file");
	give(run, &a, &g, r, ctx);
}

void engine_reject(struct engine *en, const struct engine_who *who, struct slice plan, struct slice reason,
		   engine_reply *r, void *ctx)
{
	struct runner *run = runner_open(en) ? en->run : NULL;
	struct audit_actor a = actor_of(who);
	struct cycle_event ev = event_of(EV_CANCEL);
	struct grant g = { 0 };
	char why[200];
	if (!command_may_write(en, who, r, ctx) || !command_may_record(en, r, ctx))
		return;
	if (!plan_matches(run, plan)) {
		command_refuse(r, ctx, RC_GRANT, "there is no such plan to reject");
		return;
	}
	if (!reason.n) {
		command_refuse(r, ctx, RC_USAGE, "rejecting a plan needs a reason");
		return;
	}
	struct journal *j = journal_new();
	propose(j, AUDIT_GRANT_REJECTED, &a, run, &g, text_z(why, sizeof why, reason));
	runner_event(run, &ev, &a, j, r, ctx);
}
