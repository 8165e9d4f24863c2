#include "engine/internal.h"
#include "engine/vault.h"
#include "engine/lease.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/delivery.h"
#include "engine/features.h"
#include "engine/otlp.h"
#include "engine/triggers.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 1000, HOLD_MS = 100, DRAIN_SLICE_US = 4000 };
#define EXPIRE_EVERY_US (INT64_C(3600) * 1000000)

const struct audit_actor actor_engine = { .name = { "engine", 6 }, .uid = -1, .role = { "engine", 6 }, .via = { "engine", 6 } };

static const char *const mode_names[] = {
#define X(e, w) [MODE_##e] = w,
	ENGINE_MODES(X)
#undef X
};
const char *engine_mode_name(enum engine_mode m) { return mode_names[m]; }

const char *engine_epoch(const struct engine *en) { return en->epoch; }
const struct config *engine_config(const struct engine *en) { return en->cfg; }

struct audit_actor actor_of(const struct engine_who *who)
{
	return (struct audit_actor){ .name = slice_of(who->name[0] ? who->name : "nobody"), .uid = who->uid,
		.role = slice_of(engine_role(who)), .via = slice_of(who->via) };
}

const char *engine_role(const struct engine_who *who)
{
	if (strcmp(who->via, "trigger") == 0)
		return "engine";
	return who->watching ? "watcher" : who->name[0] ? "operator" : "nobody";
}

void engine_identify(struct engine *en, struct engine_who *who)
{
	const struct cfg_operator *o = config_operator_uid(en->cfg, who->uid);
	who->name[0] = 0;
	if (!o)
		return;
	snprintf(who->name, sizeof who->name, "%s", o->name);
	if (o->role == CFG_WATCHER)
		who->watching = true;
}

struct elane *engine_lane(struct engine *en, struct slice name)
{
	int i = config_lane_index(en->cfg, name);
	return i < 0 ? NULL : &en->lane[i];
}

/* ---- changes ---- */

static void tell_change(void *ctx)
{
	struct engine *en = ctx;
	unsigned topics = en->changed;
	en->change_queued = false;
	en->changed = 0;
	if (en->on_change && topics)
		en->on_change(en->change_ctx, topics);
}

void engine_changed(struct engine *en, unsigned topics)
{
	en->changed |= topics;
	if (en->change_queued || !en->on_change)
		return;
	en->change_queued = true;
	loop_defer(en->loop, tell_change, en);
}

void engine_on_change(struct engine *en, void (*fn)(void *ctx, unsigned topics), void *ctx)
{
	en->on_change = fn;
	en->change_ctx = ctx;
}

/* ---- notes ---- */

void engine_note_done(void *ctx, enum rc rc, const struct err *e)
{
	struct engine *en = ctx;
	if (rc != RC_OK)
		log_error("audit", NULL, "a record could not be written: %s", e->text);
	engine_changed(en, ENGINE_OVERVIEW);
}

void engine_note(struct engine *en, enum audit_kind k, const struct audit_actor *who, const char *subject,
		 int64_t cycle, const char *payload)
{
	struct journal *j = journal_new();
	journal_audit(j, k, who, slice_of(subject), cycle, SLICE_LIT(""), slice_of(payload));
	store_commit(en->store, j, engine_note_done, en);
}

static void note_why(struct engine *en, enum audit_kind k, const struct audit_actor *who, const char *subject, const char *key, const char *why)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, key, why);
	jw_end_obj(&w);
	engine_note(en, k, who, subject, runner_open(en) ? en->run->c->id : 0, buf_z(&b));
	buf_done(&b);
}

void engine_refused(struct engine *en, const struct engine_who *who, const char *method, const char *why)
{
	struct audit_actor a = actor_of(who);
	note_why(en, AUDIT_REFUSED, &a, method, "why", why);
}

void engine_attached(struct engine *en, const struct engine_who *who, bool attached)
{
	struct audit_actor a = actor_of(who);
	engine_note(en, attached ? AUDIT_ATTACH : AUDIT_DETACH, &a, who->name, 0, "{}");
}

void engine_clients(struct engine *en, int operators, int watchers)
{
	en->operators_attached = operators;
	en->watchers_attached = watchers;
	engine_changed(en, ENGINE_OVERVIEW);
}

/* ---- mode ---- */

void engine_permits(struct engine *en)
{
	static const enum http_permit http[] = { [MODE_OBSERVE] = HTTP_READS, [MODE_REHEARSE] = HTTP_REHEARSE, [MODE_ARMED] = HTTP_ALL };
	static const enum records_permit rows[] = { [MODE_OBSERVE] = RECORDS_READS, [MODE_REHEARSE] = RECORDS_REHEARSE, [MODE_ARMED] = RECORDS_ALL };
	/* a rehearsal stays one, whatever the mode becomes */
	enum engine_mode m = runner_open(en) && en->run->c->rehearsal && en->mode == MODE_ARMED ? MODE_REHEARSE : en->mode;
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		lane_permit(en->lane[i].lane, http[m]);
	for (size_t i = 0; i < en->cfg->n_records; i++)
		records_permit(en->records[i].rec, rows[m]);
}

/* Putting the old configuration, or log, back does not arm it again. */
static void fall_back(struct engine *en, const char *from, const char *why)
{
	struct journal *j = journal_new();
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "from", from);
	jw_kz(&w, "to", engine_mode_name(MODE_OBSERVE));
	jw_kz(&w, "why", why);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_MODE, &actor_engine, slice_of(engine_mode_name(MODE_OBSERVE)), 0, SLICE_LIT(""), buf_slice(&b));
	journal_setting(j, "mode", slice_of(engine_mode_name(MODE_OBSERVE)));
	journal_setting(j, "armed_for", SLICE_LIT(""));
	store_commit(en->store, j, engine_note_done, en);
	buf_done(&b);
}

/* Armed only if it was armed for exactly this configuration. */
static enum rc read_mode(struct engine *en, struct err *e)
{
	struct buf mode, hash;
	char hex[HASH_HEX];
	bool has_mode, has_hash;
	buf_init(&mode);
	buf_init(&hash);
	enum rc rc = journal_read_setting(en->reader, "mode", &mode, &has_mode, e);
	if (rc == RC_OK)
		rc = journal_read_setting(en->reader, "armed_for", &hash, &has_hash, e);
	en->mode = MODE_OBSERVE;
	hash_hex(hex, &en->cfg->hash);
	if (rc == RC_OK && has_mode && slice_is(buf_slice(&mode), "rehearse"))
		en->mode = MODE_REHEARSE;
	if (rc == RC_OK && has_mode && slice_is(buf_slice(&mode), "armed")) {
		if (has_hash && slice_is(buf_slice(&hash), hex)) {
			en->mode = MODE_ARMED;
		} else {
			fall_back(en, "armed", "the configuration changed");
			snprintf(en->notice, sizeof en->notice, "the configuration changed: back to observe until it is armed again");
		}
	}
	if (rc == RC_OK && en->mode != MODE_OBSERVE && !en->verified.ok) {
		fall_back(en, engine_mode_name(en->mode), "the audit log does not verify");
		en->mode = MODE_OBSERVE;
	}
	buf_done(&mode);
	buf_done(&hash);
	return rc;
}

/* ---- the tick ---- */

static void hold_by(struct engine *en, const char *why, const char *via)
{
	struct cycle_event ev = event_of(EV_HOLD);
	struct audit_actor a = actor_engine;
	a.via = slice_of(via);
	ev.text = why;
	if (runner_open(en) && !en->run->c->held)
		runner_event(en->run, &ev, &a, NULL, NULL, NULL);
}

static void on_usr1(void *ctx, int signum)
{
	(void)signum;
	hold_by(ctx, "SIGUSR1", "signal");
}

static void check_clock(struct engine *en, struct now now)
{
	int64_t wall = now.wall_us - en->last_tick.wall_us, boot = now.boot_us - en->last_tick.boot_us;
	int64_t jump = wall - boot;
	en->last_tick = now;
	if (llabs(jump) <= en->cfg->engine.clock_skew_ms * 1000)
		return;
	char payload[64];
	snprintf(payload, sizeof payload, "{\"jump_us\":%" PRId64 "}", jump);
	engine_note(en, AUDIT_CLOCK_JUMP, &actor_engine, "clock", 0, payload);
	snprintf(en->notice, sizeof en->notice, "the clock jumped by %" PRId64 " s: plans and grants not yet begun are void", jump / 1000000);
	hold_by(en, CLOCK_JUMPED, "engine");
	if (runner_open(en)) {
		struct cycle_event ev = event_of(EV_LAPSE_CHECK);
		ev.ok = true;
		runner_event(en->run, &ev, &actor_engine, NULL, NULL, NULL);
	}
}

/* Boot time ends a plan or a running time by the runner's timer; the wall clock may get there earlier. */
static void check_lapse(struct runner *r, int64_t wall_us)
{
	const struct cycle *c = r->c;
	int64_t until = c->first_intent ? c->run_until_wall_us : c->plan_until_wall_us;
	struct cycle_event ev = event_of(EV_LAPSE_CHECK);
	if (c->plan_frozen && !c->ending && !c->must_abort[0] && c->stage <= STAGE_CLEANING && until && wall_us >= until)
		runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

/* Who makes the file wants the sends to stop now. */
static void look_for_hold(void *ctx)
{
	struct engine *en = ctx;
	bool hold = paths_hold(en->paths);
	if (hold && !en->hold_file)
		hold_by(en, "the file HOLD is there", "file");
	en->hold_file = hold;
}

static void on_tick(void *ctx)
{
	struct engine *en = ctx;
	en->lag_us = loop_lag_us(en->loop);
	en->step = loop_step(en->loop);
	check_clock(en, now_read());
	if (runner_open(en))
		check_lapse(en->run, en->last_tick.wall_us);
	if (en->run)
		runner_retry(en->run);
	anchoring_tick(en);
	delivery_tick(en);
	if (en->last_tick.boot_us - en->expired_us > EXPIRE_EVERY_US) {
		en->expired_us = en->last_tick.boot_us;
		keeping_expire(en);
	}
	triggers_tick(en);
	byhand_tick(en);
	features_tick(en);
	census_tick(en);
	lease_tick(en);
	if (store_writable(en->store) == en->store_was_bad) {
		en->store_was_bad = !en->store_was_bad;
		engine_changed(en, ENGINE_OVERVIEW | ENGINE_CYCLE);
	}
}

/* ---- links ---- */

static const char *const incident_words[LINK_STATE_COUNT] = {
	[LINK_UP] = "up", [LINK_WAITING] = "down", [LINK_JAMMED] = "jammed", [LINK_GIVEN_UP] = "given up",
};

static size_t link_index(const struct engine *en, const struct pool *k)
{
	size_t i = 0;
	while (en->link[i] != k)
		i++;
	return i;
}

static void link_incident(struct engine *en, const struct link_view *v, const struct pool_counts *c)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "state", incident_words[v->state]);
	if (v->sentence[0])
		jw_kz(&w, "why", v->sentence);
	if (v->state != LINK_UP && v->last_close_code)
		jw_ki64(&w, "close_code", v->last_close_code);
	if (c->configured > 1) {
		jw_ki64(&w, "up", c->up);
		jw_ki64(&w, "floor", c->floor);
		jw_ki64(&w, "connections", c->configured);
	}
	jw_end_obj(&w);
	engine_note(en, AUDIT_LINK_INCIDENT, &actor_engine, v->name, 0, buf_z(&b));
	buf_done(&b);
}

/* An incident is told once; between two ups the words down, jammed and given up may follow one another. */
static void on_link(void *ctx, struct pool *k, enum link_state from)
{
	struct engine *en = ctx;
	size_t i = link_index(en, k);
	const struct link_view *v = pool_look(k);
	bool first = en->link_told[i] == LINK_IDLE && v->state == LINK_WAITING;
	(void)from;
	delivery_link_changed(en, i);
	triggers_link_changed(en, i);
	if (incident_words[v->state] && en->link_told[i] != v->state && !first && !en->stopping) {
		struct pool_counts c;
		pool_count(k, &c);
		en->link_told[i] = v->state;
		link_incident(en, v, &c);
	}
	diagnoses_link_ended(en, i);
	engine_changed(en, ENGINE_OVERVIEW);
}

static void on_cut(void *ctx, struct pool *k)
{
	struct engine *en = ctx;
	delivery_link_cut(en, link_index(en, k));
}

/* ---- opening ---- */

static void on_store(void *ctx)
{
	struct engine *en = ctx;
	if (store_drain_some(en->store, DRAIN_SLICE_US))
		loop_wake_send(en->store_wake);
	delivery_committed(en);
}

static void wake_store(void *ctx)
{
	loop_wake_send(ctx);
}

static void name_places(struct elane *l)
{
	size_t n = l->lane ? lane_places(l->lane) : 0, at = 0;
	for (size_t i = 0; i < n && at < sizeof l->places; i++)
		at += (size_t)snprintf(l->places + at, sizeof l->places - at, "%s%s", i ? ", " : "", lane_place_name(l->lane, i));
}

static enum rc open_lanes(struct engine *en, struct err *e)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_lanes; i++) {
		struct elane *l = &en->lane[i];
		char what[80];
		l->cfg = &en->cfg->lanes[i];
		l->expected = -1;
		snprintf(what, sizeof what, "credential of lane %s", l->cfg->name);
		if (l->cfg->key_file)
			rc = secret_load(&l->key, l->cfg->key_file, what, e);
		if (rc == RC_OK && l->key)
			secret_print(l->key, l->key_print);
		if (rc == RC_OK)
			rc = lane_new(&l->lane, en->loop, l->cfg, l->key, e);
		name_places(l);
		bucket_init(&l->reads, l->cfg->rate_mhz, l->cfg->burst, en->started_boot_us);
	}
	return rc;
}

static enum rc open_records(struct engine *en, struct err *e)
{
	enum rc rc = RC_OK;
	en->records = xcalloc(en->cfg->n_records + 1, sizeof *en->records);
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_records; i++) {
		en->records[i].cfg = &en->cfg->records[i];
		rc = records_new(&en->records[i].rec, en->loop, en->cfg, &en->cfg->records[i], e);
	}
	return rc;
}

static enum rc open_links(struct engine *en, struct err *e)
{
	const struct pool_handler handler = { on_link, on_cut, en };
	enum rc rc = RC_OK;
	uint64_t gate_seed;
	rng_os(&gate_seed, sizeof gate_seed);
	en->gate = gate_new(en->loop, en->cfg->engine.handshakes_mhz, gate_seed);
	diagnoses_open(en);
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++) {
		const struct cfg_link *c = &en->cfg->links[i];
		uint64_t seed;
		char what[80];
		rng_os(&seed, sizeof seed);
		snprintf(what, sizeof what, "token of link %s", c->name);
		if (c->token_file)
			rc = secret_load(&en->link_token[i], c->token_file, what, e);
		if (rc == RC_OK)
			en->link[i] = pool_new(en->loop, en->ws, en->gate, c, en->link_token[i], seed, &handler);
	}
	if (rc == RC_OK)
		rc = delivery_open(en, e);
	if (rc == RC_OK)
		rc = byhand_open(en, e);
	if (rc == RC_OK)
		rc = features_open(en, e);
	triggers_open(en);
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++)
		pool_start(en->link[i]);
	return rc;
}

static enum rc open_store(struct engine *en, struct err *e)
{
	struct store_opts o = { .dir = en->paths->state_dir, .wake = wake_store };
	enum rc rc = store_lock(en->paths->state_dir, &en->fence, e);
	if (rc != RC_OK)
		return rc;
	en->store_wake = loop_wake_new(en->loop, on_store, en);
	o.wake_ctx = en->store_wake;
	rc = store_open(&en->store, &o, e);
	if (rc == RC_OK)
		rc = db_open(&en->reader, en->paths->db, DB_READER, NULL, e);
	if (rc == RC_OK)
		rc = catalog_open(&en->catalog, en->paths->catalog, CATALOG_OWNER, e);
	return rc;
}

/* ---- the log's proof ---- */

void engine_verified(struct engine *en, const struct audit_verdict *v, bool whole)
{
	const char *gone = anchoring_gone(en);
	if (!en->verified_once || en->verified.ok || v->ok)     /* what was found first stands */
		en->verified = *v;
	en->verified_once = true;
	if (v->ok && gone) {
		en->verified.ok = false;
		snprintf(en->verified.why, sizeof en->verified.why, "%.199s", gone);
	}
	v = &en->verified;
	if (whole) {
		en->verified_us = now_read().wall_us;
		en->verified_seq = v->head.seq;
	}
	if (!v->ok) {
		snprintf(en->notice, sizeof en->notice, "the audit log does not verify: %.150s; only observing until that is explained", v->why);
		log_error("audit", NULL, "the log does not verify: %s", v->why);
		if (en->mode != MODE_OBSERVE && !en->stopping)
			fall_back(en, engine_mode_name(en->mode), "the audit log does not verify");
		en->mode = MODE_OBSERVE;
		engine_permits(en);
		hold_by(en, "the audit log does not verify", "engine");
	}
	engine_changed(en, ENGINE_OVERVIEW | ENGINE_CYCLE);
}

/* From the last checkpoint on, which takes as long as what was written since (SEMANTICS 7). */
static enum rc verify_at_start(struct engine *en, struct err *e)
{
	struct audit_proof p;
	struct audit_verdict v;
	anchoring_proof(en, &p);
	p.from_anchor = true;
	enum rc rc = audit_prove(en->reader, &p, &v, e);
	if (rc == RC_OK)
		engine_verified(en, &v, false);
	return rc;
}

static void verified_whole(void *ctx, enum rc rc, const struct err *e, const char *result)
{
	(void)ctx;
	(void)result;
	if (rc != RC_OK && rc != RC_REFUSED)
		log_error("audit", NULL, "the log could not be verified: %s", e->text);
}

/* The first records of this run are there: they are the first to be signed. */
static void start_noted(void *ctx, enum rc rc, const struct err *e)
{
	struct engine *en = ctx;
	engine_note_done(ctx, rc, e);
	if (rc == RC_OK && !en->closing)
		anchoring_checkpoint(en);
}

static void note_start(struct engine *en)
{
	struct journal *j = journal_new();
	struct buf b;
	struct jw w;
	char hex[HASH_HEX];
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "version", SLUICE_VERSION);
	jw_ki64(&w, "fence", en->fence);
	jw_kz(&w, "mode", engine_mode_name(en->mode));
	jw_kz(&w, "environment", en->cfg->name);
	jw_kz(&w, "config", hash_hex(hex, &en->cfg->hash));
	jw_end_obj(&w);
	journal_audit(j, AUDIT_ENGINE_START, &actor_engine, SLICE_LIT("engine"), 0, SLICE_LIT(""), buf_slice(&b));
	journal_audit(j, AUDIT_CONFIG_LOADED, &actor_engine, SLICE_LIT("config"), 0, SLICE_LIT(""), buf_slice(&b));
	store_commit(en->store, j, start_noted, en);
	buf_done(&b);
}

static void make_epoch(struct engine *en)
{
	uint8_t raw[16];
	struct buf b;
	buf_init(&b);
	rng_os(raw, sizeof raw);
	hex_encode(&b, raw, sizeof raw);
	snprintf(en->epoch, sizeof en->epoch, "%s", buf_z(&b));
	buf_done(&b);
}

enum rc engine_new(struct engine **out, struct loop *l, struct ws_ctx *ws, const struct config *cfg,
		   const struct paths *paths, struct err *e)
{
	struct engine *en = xcalloc(1, sizeof *en);
	struct now now = now_read();
	en->loop = l;
	en->ws = ws;
	en->cfg = cfg;
	en->paths = paths;
	en->started_us = now.wall_us;
	en->started_boot_us = now.boot_us;
	en->last_tick = now;
	make_epoch(en);
	en->cool = xcalloc(cfg->n_operators + 1, sizeof *en->cool);
	*out = en;
	enum rc rc = open_store(en, e);
	if (rc == RC_OK)
		rc = anchoring_open(en, e);
	if (rc == RC_OK)
		rc = open_lanes(en, e);
	if (rc == RC_OK)
		rc = open_records(en, e);
	if (rc == RC_OK)
		rc = verify_at_start(en, e);    /* before anything is written */
	if (rc == RC_OK)
		rc = read_mode(en, e);
	if (rc == RC_OK) {
		note_start(en);
		engine_permits(en);
		copying_recover(en);
		rc = recover_cycle(en, e);
	}
	if (rc == RC_OK)
		rc = open_links(en, e);
	if (rc != RC_OK) {
		engine_free(en);
		*out = NULL;
		return rc;
	}
	engine_permits(en);
	en->hold_file = paths_hold(paths);
	en->tick = loop_timer_new(l, on_tick, en);
	loop_timer_start(en->tick, TICK_MS, TICK_MS);
	en->hold_poll = loop_timer_new(l, look_for_hold, en);
	loop_timer_start(en->hold_poll, HOLD_MS, HOLD_MS);
	en->usr1 = loop_signal_new(l, SIGUSR1, on_usr1, en);
	engine_audit_verify(en, NULL, SLICE_LIT(""), verified_whole, en);
	otlp_open(en);
	return RC_OK;
}

/* ---- closing ---- */

static void grace_check(void *ctx);

static void last_note(void *ctx, enum rc rc, const struct err *e)
{
	struct engine *en = ctx;
	if (rc != RC_OK)
		log_error("audit", NULL, "engine.stop could not be written: %s", e->text);
	anchoring_last(en, en->stopped, en->stopped_ctx);
}

static void write_stop(struct engine *en, bool in_time)
{
	struct journal *j = journal_new();
	journal_audit(j, AUDIT_ENGINE_STOP, &actor_engine, SLICE_LIT("engine"), 0, SLICE_LIT(""),
		      in_time ? SLICE_LIT("{\"drained\":true}") : SLICE_LIT("{\"drained\":false}"));
	store_commit(en->store, j, last_note, en);
}

static bool quiet(const struct engine *en)
{
	bool run = !en->run || !en->run->waiting;
	return run && jobs_idle(en) && delivery_idle(en) && bring_back_idle(en) && vault_idle(en) && !engine_unwritten(en);
}

static void grace_check(void *ctx)
{
	struct engine *en = ctx;
	struct now now = now_read();
	bool late = now.boot_us - en->last_tick.boot_us > en->cfg->engine.grace_ms * 1000;
	if (!quiet(en) && !late)
		return;
	loop_timer_stop(en->grace);
	write_stop(en, !late);
}

void engine_stop(struct engine *en, const struct audit_actor *who, void (*stopped)(void *ctx), void *ctx)
{
	if (en->stopping)
		return;
	en->stopping = true;
	en->stopped = stopped;
	en->stopped_ctx = ctx;
	atomic_store(&en->no_proofs, true);
	note_why(en, AUDIT_HOLD, who, "engine", "why", "engine stop asked");
	if (runner_open(en) && en->run->c->stage == STAGE_CLEANING)
		hold_by(en, "the engine stops", "engine");
	discover_stop(en, -1, "the engine stops");
	referrers_stop(en, -1, "the engine stops");
	delivery_stop(en);
	copying_stop(en, "the engine stops");
	vault_stop(en);
	loop_timer_stop(en->tick);
	en->last_tick = now_read();
	en->grace = loop_timer_new(en->loop, grace_check, en);
	loop_timer_start(en->grace, 1, 20);
}

void engine_free(struct engine *en)
{
	if (!en)
		return;
	en->closing = true;
	atomic_store(&en->no_proofs, true);
	en->on_change = NULL;
	delivery_stop(en);
	discover_stop(en, -1, "the engine stops");
	referrers_stop(en, -1, "the engine stops");
	copying_stop(en, "the engine stops");
	vault_stop(en);
	otlp_free(en);
	loop_timer_free(en->tick);
	loop_timer_free(en->hold_poll);
	loop_timer_free(en->grace);
	loop_signal_free(en->usr1);
	diagnoser_free(en->diagnoser);
	en->diagnoser = NULL;
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		pool_free(en->link[i]);
		secret_free(en->link_token[i]);
	}
	gate_free(en->gate);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		lane_free(en->lane[i].lane);
	for (size_t i = 0; en->records && i < en->cfg->n_records; i++)
		records_free(en->records[i].rec);
	while ((en->store && (engine_unwritten(en) || !jobs_idle(en))) || en->change_queued || !delivery_idle(en) || !vault_idle(en) ||
	       (en->run && en->run->turn_set))
		loop_run_once(en->loop);
	store_close(en->store);
	delivery_free(en);
	features_free(en);
	triggers_free(en);
	anchoring_free(en);
	runner_free(en->run);
	loop_wake_free(en->store_wake);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		secret_free(en->lane[i].key);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		referrals_free(en->lane[i].referrals);
	catalog_close(en->look_reader);
	catalog_close(en->catalog);
	db_close(en->reader);
	free(en->records);
	free(en->cool);
	free(en);
}
