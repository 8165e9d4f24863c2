/* Snapshots for the protocol: the overview. Shapes: api/PROTOCOL.md. */
#include "engine/delivery.h"
#include "engine/features.h"
#include "engine/internal.h"
#include "engine/view.h"

#include "engine/degrade.h"
#include "engine/lease.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DECISIONS = 20, RTT_RECENT = 16 };

void view_optional_z(struct jw *w, const char *key, const char *z)
{
	if (z && *z)
		jw_kz(w, key, z);
	else {
		jw_key(w, key);
		jw_null(w);
	}
}

/* Boot time as wall time, for people who only have a clock. */
int64_t view_wall(int64_t boot_us)
{
	struct now n = now_read();
	return boot_us < 0 ? -1 : n.wall_us - (n.boot_us - boot_us);
}

void view_breaker(struct jw *w, const struct breaker *b, const struct byhand *h)
{
	char win[BREAKER_WINDOW + 1];
	int n = 0;
	for (int i = 0; i < b->ring_n; i++)
		win[n++] = "GBSI"[b->ring[(b->ring_at + i) % (b->ring_n ? b->ring_n : 1)] & 3];
	win[n] = 0;
	jw_obj(w);
	jw_kz(w, "state", breaker_state_name(b->state));
	jw_kz(w, "window", win);
	jw_ki64(w, "bad", breaker_bad(b));
	jw_kopt(w, "until_us", b->until_us > 0 ? view_wall(b->until_us) : -1);
	jw_ki64(w, "flaps", breaker_flaps(b, now_read().boot_us));
	jw_ki64(w, "refused", b->refused);
	view_optional_z(w, "by", h->state != BREAKER_CLOSED ? h->by : NULL);
	view_optional_z(w, "reason", h->state != BREAKER_CLOSED ? h->why : NULL);
	jw_end_obj(w);
}

/* ---- engine and chain ---- */

static void loop_part(struct jw *w, const char *key, const struct loop_step *s)
{
	jw_key(w, key);
	jw_obj(w);
	jw_ki64(w, "us", s->us);
	jw_ki64(w, "cpu_us", s->cpu_us);
	view_optional_z(w, "by", s->by && s->by[0] ? s->by : NULL);
	jw_end_obj(w);
}

static void engine_part(struct engine *en, struct jw *w)
{
	const struct loop_step worst = loop_step_worst(en->loop);
	jw_key(w, "engine");
	jw_obj(w);
	jw_kz(w, "name", en->cfg->name);
	jw_kz(w, "version", SLUICE_VERSION);
	jw_ki64(w, "pid", getpid());
	jw_kz(w, "mode", engine_mode_name(en->mode));
	jw_ki64(w, "started_us", en->started_us);
	jw_ki64(w, "loop_lag_us", en->lag_us);
	loop_part(w, "loop_step", &en->step);
	loop_part(w, "loop_worst", &worst);
	jw_kbool(w, "store_writable", store_writable(en->store));
	char lease[200];
	lease_text(en, NULL, lease);
	jw_kz(w, "lease", lease);
	view_optional_z(w, "notice", store_writable(en->store) ? en->notice : "the audit log cannot be written; nothing is sent");
	jw_ki64(w, "clients", en->operators_attached);
	jw_ki64(w, "watchers", en->watchers_attached);
	jw_end_obj(w);
}

void view_head(struct jw *w, const struct audit_head *h)
{
	char hex[HASH_HEX], shown[16];
	jw_ki64(w, "seq", h->seq);
	jw_kz(w, "hash", hash_hex(hex, &h->hash));
	jw_kz(w, "short", hash_short(shown, &h->hash));
}

static void chain_part(struct engine *en, struct jw *w)
{
	struct audit_head h = store_head(en->store);
	jw_key(w, "chain");
	jw_obj(w);
	view_head(w, &h);
	jw_ki64(w, "waiting", engine_unwritten(en));
	jw_kopt(w, "verified_seq", en->verified_us && en->verified.ok ? en->verified_seq : -1);
	jw_kopt(w, "verified_us", en->verified_us ? en->verified_us : -1);
	jw_kopt(w, "checked_from", en->verified_once && en->verified.first ? en->verified.first : -1);
	view_optional_z(w, "broken", en->verified_once && !en->verified.ok ? en->verified.why : NULL);
	anchoring_json(en, w);
	jw_end_obj(w);
}

/* ---- links ---- */

static void delivery(struct jw *w, const struct delivery_view *d)
{
	jw_key(w, "inbox");
	if (d->dedups) {
		jw_obj(w);
		jw_ki64(w, "taken", d->taken);
		jw_ki64(w, "marks", d->marks);
		jw_ki64(w, "pending", d->pending);
		jw_ki64(w, "duplicates", d->in.duplicates);
		jw_ki64(w, "gaps", d->in.gaps);
		jw_ki64(w, "reordered", d->in.reordered);
		jw_ki64(w, "epochs", d->in.epochs);
		jw_ki64(w, "nowhere", d->in.nowhere);
		jw_ki64(w, "refused", d->in.refused);
		jw_end_obj(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "reported");
	if (d->reports) {
		jw_obj(w);
		for (int f = 0; f < LINK_FACT_COUNT; f++)
			jw_kopt(w, link_fact_name((enum link_fact)f), d->facts.v[f]);
		jw_kopt(w, "at_us", d->facts_us);
		jw_end_obj(w);
	} else {
		jw_null(w);
	}
	jw_kz(w, "health_file", d->file_trouble);
	jw_key(w, "probe");
	if (d->probes) {
		jw_obj(w);
		jw_kopt(w, "took_us", d->probe_us);
		jw_ki64(w, "failed", d->probes_failed);
		jw_kz(w, "trouble", d->probe_trouble);
		jw_end_obj(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "outbox");
	if (d->notifies) {
		jw_obj(w);
		jw_ki64(w, "items", d->queue_items);
		jw_ki64(w, "bytes", d->queue_bytes);
		jw_ki64(w, "out", d->queue_out);
		jw_kopt(w, "oldest_us", d->oldest_us);
		jw_ki64(w, "sent", d->out.sent);
		jw_ki64(w, "repeated", d->out.repeated);
		jw_ki64(w, "expired", d->out.expired);
		jw_ki64(w, "too_large", d->out.too_large);
		jw_ki64(w, "most_items", (int64_t)d->out.most_items);
		jw_ki64(w, "most_bytes", (int64_t)d->out.most_bytes);
		jw_end_obj(w);
	} else {
		jw_null(w);
	}
}

enum { CONNECTIONS_SHOWN = 16 };

/* Those that need a look first: what is not up. */
static void connections(struct jw *w, const struct pool *p, int n)
{
	int shown = 0;
	jw_key(w, "connections");
	jw_arr(w);
	for (int up = 0; up < 2; up++)
		for (int i = 0; i < n && shown < CONNECTIONS_SHOWN; i++) {
			const struct link_view *v = pool_connection(p, i);
			if ((v->state == LINK_UP) != up)
				continue;
			shown++;
			jw_obj(w);
			jw_ki64(w, "n", i + 1);
			jw_ki64(w, "generation", v->generation);
			jw_kz(w, "state", link_state_name(v->state));
			jw_kbool(w, "canary", pool_is_canary(p, i));
			jw_kopt(w, "rtt_us", window_last(&v->rtt_us, 0));
			jw_kopt(w, "up_since_us", view_wall(v->up_since_us));
			jw_end_obj(w);
		}
	jw_end_arr(w);
}

static void pool_part(struct jw *w, const struct pool *p)
{
	struct pool_counts c;
	pool_count(p, &c);
	jw_key(w, "pool");
	jw_obj(w);
	jw_ki64(w, "up", c.up);
	jw_ki64(w, "floor", c.floor);
	jw_ki64(w, "configured", c.configured);
	jw_ki64(w, "asking", c.asking);
	jw_ki64(w, "generation", c.generation);
	connections(w, p, c.configured);
	jw_end_obj(w);
}

static void one_link(const struct engine *en, size_t i, struct jw *w)
{
	const struct link_view *v = pool_look(en->link[i]);
	struct delivery_view d;
	delivery_look(en, i, &d);
	jw_obj(w);
	jw_kz(w, "name", v->name);
	jw_kz(w, "url", v->url);
	jw_kz(w, "handshake", v->handshake);
	jw_kz(w, "state", link_state_name(v->state));
	jw_kz(w, "sentence", v->sentence);
	jw_kopt(w, "rtt_us", window_last(&v->rtt_us, 0));
	jw_kopt(w, "rtt_p50_us", window_percentile(&v->rtt_us, 50));
	jw_kopt(w, "rtt_p99_us", window_percentile(&v->rtt_us, 99));
	jw_key(w, "rtt_recent");
	jw_arr(w);
	for (int k = RTT_RECENT - 1; k >= 0; k--)
		if (window_last(&v->rtt_us, k) >= 0)
			jw_i64(w, window_last(&v->rtt_us, k));
	jw_end_arr(w);
	jw_kopt(w, "last_message_us", view_wall(v->last_message_us));
	jw_kopt(w, "up_since_us", view_wall(v->up_since_us));
	jw_ki64(w, "messages_in", v->messages_in);
	jw_ki64(w, "messages_out", v->messages_out);
	jw_ki64(w, "reconnects", v->reconnects);
	jw_ki64(w, "attempts", v->attempts);
	jw_ki64(w, "close_code", v->last_close_code);
	jw_kz(w, "close_text", v->last_close_text);
	jw_kopt(w, "next_attempt_us", view_wall(v->next_attempt_us));
	ladder_json(&v->ladder, w);
	jw_key(w, "breaker");
	view_breaker(w, v->breaker, &en->link_byhand[i]);
	pool_part(w, en->link[i]);
	delivery(w, &d);
	jw_key(w, "health");
	delivery_said_json(en, i, w);
	jw_key(w, "features");
	features_json(en, i, w);
	jw_end_obj(w);
}

static void links_part(struct engine *en, struct jw *w)
{
	jw_key(w, "links");
	jw_arr(w);
	for (size_t i = 0; i < en->cfg->n_links; i++)
		one_link(en, i, w);
	jw_end_arr(w);
}

/* ---- lanes and records ---- */

/* The cycle's view of an engine lane, NULL when it is in none. */
static const struct cycle_lane *in_cycle(struct engine *en, const struct elane *l)
{
	for (int i = 0; en->run && i < en->run->c->lanes; i++)
		if (&en->lane[en->run->lane_of[i]] == l)
			return &en->run->c->lane[i];
	return NULL;
}

static void excluded(struct jw *w, const struct elane *l, const struct cycle_lane *cl)
{
	jw_key(w, "excluded");
	if (!cl || !cl->excluded) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	jw_kz(w, "by", l->excluded_by);
	jw_kz(w, "reason", l->excluded_why);
	jw_ki64(w, "at_us", l->excluded_us);
	jw_end_obj(w);
}

/* What of the provider was asked who uses the files. */
static void referrers(struct jw *w, const struct elane *l)
{
	const struct ereferrals *f = l->referrals;
	jw_key(w, "referrers");
	if (!l->places[0]) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	jw_kz(w, "places", l->places);
	jw_kbool(w, "complete", f && f->complete);
	jw_kopt(w, "references", f && f->complete ? (int64_t)(f->n + f->n_inner) : -1);
	jw_kopt(w, "asked_us", f ? view_wall(f->boot_us) : -1);
	view_optional_z(w, "trouble", f ? f->trouble : NULL);
	jw_end_obj(w);
}

static void one_lane(struct engine *en, struct jw *w, const struct elane *l)
{
	const struct cycle_lane *cl = in_cycle(en, l);
	struct breaker idle;
	bool validated = en->run && en->run->c->plan_frozen && cl && !cl->excluded;
	breaker_init(&idle, &l->cfg->breaker, 1, 0);
	jw_obj(w);
	jw_kz(w, "name", l->cfg->name);
	jw_kz(w, "dialect", l->cfg->dialect);
	jw_kz(w, "url", l->cfg->url);
	jw_kz(w, "account", l->cfg->account);
	jw_kz(w, "key", l->key_print);
	jw_kopt(w, "listed", l->listed && l->complete ? l->items : -1);
	jw_kbool(w, "complete", l->complete);
	jw_kopt(w, "listed_us", l->listed ? l->listed_us : -1);
	jw_kopt(w, "expected", l->expected);
	jw_ki64(w, "pages", l->pages);
	jw_kopt(w, "quota_items", l->cfg->quota_items);
	jw_kopt(w, "quota_bytes", l->cfg->quota_bytes);
	jw_kopt(w, "listed_bytes", l->listed && l->complete ? l->bytes : -1);
	jw_kopt(w, "candidates", validated ? l->by_verdict[VERDICT_CANDIDATE] : -1);
	jw_kopt(w, "protected", validated ? l->by_verdict[VERDICT_PROTECTED] : -1);
	jw_kopt(w, "ineligible", validated ? l->by_verdict[VERDICT_INELIGIBLE] : -1);
	jw_kopt(w, "irreversible", validated ? l->irreversible : -1);
	if (validated && en->run->records && en->run->records->cfg->objects >= 0)
		reconcile_json(w, &l->reconciled);
	referrers(w, l);
	excluded(w, l, cl);
	view_optional_z(w, "halted", cl && cl->halted ? cl->halt_why : NULL);
	view_optional_z(w, "trouble", l->trouble);
	jw_key(w, "breaker");
	byhand_breaker(&l->byhand, &idle);
	view_breaker(w, cl && runner_open(en) ? &cl->breaker : &idle, &l->byhand);
	jw_end_obj(w);
}

static void lanes_part(struct engine *en, struct jw *w)
{
	jw_key(w, "lanes");
	jw_arr(w);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		one_lane(en, w, &en->lane[i]);
	jw_end_arr(w);
}

static void records_sentence(struct jw *w, const struct erecords *r, bool ok)
{
	struct buf b;
	buf_init(&b);
	buf_adds(&b, !r->listed ? "not read yet" : ok ? r->list.places : r->list.err.text);
	if (ok)
		objects_proof(r, &b);
	jw_kstr(w, "sentence", buf_slice(&b));
	buf_done(&b);
}

static void records_part(struct engine *en, struct jw *w)
{
	jw_key(w, "records");
	jw_arr(w);
	for (size_t i = 0; i < en->cfg->n_records; i++) {
		const struct erecords *r = &en->records[i];
		bool ok = r->listed && r->list.rc == RC_OK;
		jw_obj(w);
		jw_kz(w, "name", r->cfg->name);
		jw_kopt(w, "rows", ok ? r->list.rows : -1);
		jw_kbool(w, "complete", ok);
		jw_kopt(w, "listed_us", r->listed ? r->listed_us : -1);
		records_sentence(w, r, ok);
		if (r->listed)
			objects_json(r, w);
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

/* ---- decisions ---- */

static enum rc one_decision(void *ctx, const struct audit_record *rec)
{
	struct jw *w = ctx;
	struct buf b;
	buf_init(&b);
	audit_json(&b, rec);
	jw_raw(w, buf_slice(&b));
	buf_done(&b);
	return RC_OK;
}

/* What people decided and what the engine decided for them; single intents and outcomes are in the cycle's log. */
static void decisions_part(struct engine *en, struct jw *w)
{
	struct audit_filter f = { .limit = DECISIONS, .decisions_only = true };
	struct err e;
	jw_key(w, "decisions");
	jw_arr(w);
	if (audit_query(en->reader, &f, one_decision, w, &e) != RC_OK)
		snprintf(en->notice, sizeof en->notice, "the audit log cannot be read: %.200s", e.text);
	jw_end_arr(w);
}

static const char *why_not_start(const struct engine *en, char low[DEGRADE_WHY])
{
	if (runner_open(en))
		return "a cycle is open";
	if (!store_writable(en->store))
		return "the audit log cannot be written";
	return degrade_forbids_start(en, low) ? low : NULL;
}

static void can_part(struct engine *en, struct jw *w)
{
	char low[DEGRADE_WHY];
	jw_key(w, "can");
	jw_obj(w);
	view_optional_z(w, "cycle.start", why_not_start(en, low));
	char why[ARM_WHY];
	view_optional_z(w, "mode.armed", en->mode == MODE_ARMED ? "it is armed" : engine_may_arm(en, why) ? NULL : why);
	jw_end_obj(w);
}

void engine_overview_json(struct engine *en, struct buf *out)
{
	struct jw w;
	struct buf cycle;
	struct err e;
	buf_init(&cycle);
	jw_init(&w, out);
	jw_obj(&w);
	engine_part(en, &w);
	jw_ki64(&w, "now_us", now_read().wall_us);
	chain_part(en, &w);
	links_part(en, &w);
	lanes_part(en, &w);
	records_part(en, &w);
	jw_key(&w, "cycle");
	if (en->run && engine_cycle_json(en, 0, &cycle, &e) == RC_OK)
		jw_raw(&w, buf_slice(&cycle));
	else
		jw_null(&w);
	decisions_part(en, &w);
	jw_key(&w, "policies");
	jw_arr(&w);
	for (size_t i = 0; i < en->cfg->n_policies; i++)
		jw_z(&w, en->cfg->policies[i].name);
	jw_end_arr(&w);
	can_part(en, &w);
	jw_end_obj(&w);
	buf_done(&cycle);
}
