/* The method table and its functions. */
#include "api/internal.h"

#include "base/mem.h"
#include "engine/health.h"

#include <stdio.h>

static struct engine *en(const struct request *q) { return q->conn->api->en; }
static const struct engine_who *who(const struct request *q) { return &q->conn->who; }

/* ---- reads ---- */

static void m_hello(struct request *q, const struct json *p)
{
	struct conn *c = q->conn;
	struct slice client = json_get_str(p, "client");
	struct buf b;
	struct jw w;
	if (slice_is(client, "console") || slice_is(client, "cli"))
		snprintf(c->who.via, sizeof c->who.via, "%.*s", SLICE_FMT(client));
	if (slice_is(client, "console") && !c->attached) {
		c->attached = true;
		engine_attached(en(q), &c->who, true);
	}
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "engine", engine_config(en(q))->name);
	jw_kz(&w, "version", SLUICE_VERSION);
	jw_kz(&w, "epoch", engine_epoch(en(q)));
	jw_key(&w, "operator");
	jw_z(&w, c->who.name[0] ? c->who.name : NULL);
	jw_kz(&w, "role", engine_role(&c->who));
	jw_ki64(&w, "uid", c->who.uid);
	jw_kbool(&w, "watching", c->who.watching);
	jw_end_obj(&w);
	rpc_result(q, &b);
}

static const struct { const char *name; enum engine_topic topic; } topics[] = {
	{ "overview", ENGINE_OVERVIEW }, { "cycle", ENGINE_CYCLE },
};

static void m_subscribe(struct request *q, const struct json *p)
{
	struct conn *c = q->conn;
	unsigned want = 0;
	struct slice name;
	struct buf b;
	struct jw w;
	for (const struct json *t = json_first(json_get(p, "topics")); t; t = json_next(t)) {
		unsigned one = 0;
		for (size_t i = 0; i < ARRAY_LEN(topics); i++)
			if (json_str(t, &name) && slice_is(name, topics[i].name))
				one = topics[i].topic;
		if (!one) {
			rpc_fail(q, RC_USAGE, "topics are overview and cycle");
			return;
		}
		want |= one;
	}
	c->topics = want;
	c->dirty = 0;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "epoch", engine_epoch(en(q)));
	jw_ki64(&w, "seq", c->seq);
	jw_key(&w, "topics");
	jw_obj(&w);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		struct buf t;
		if (!(want & topics[i].topic))
			continue;
		buf_init(&t);
		api_topic(c->api, topics[i].topic, &t);
		jw_key(&w, topics[i].name);
		jw_raw(&w, buf_slice(&t));
		buf_done(&t);
	}
	jw_end_obj(&w);
	jw_end_obj(&w);
	rpc_result(q, &b);
}

static void m_status(struct request *q, const struct json *p)
{
	struct buf b;
	(void)p;
	buf_init(&b);
	engine_overview_json(en(q), &b);
	rpc_result(q, &b);
}

/* One member of the overview. */
static void member(struct request *q, const char *key)
{
	struct buf b, out;
	struct json_doc *d;
	struct err e;
	buf_init(&b);
	buf_init(&out);
	engine_overview_json(en(q), &b);
	if (json_parse(&d, buf_slice(&b), NULL, &e) != RC_OK)
		die("the overview is not JSON: %s", e.text);
	buf_addf(&out, "{\"%s\":", key);
	json_print(&out, json_get(json_root(d), key));
	buf_addc(&out, '}');
	json_doc_free(d);
	buf_done(&b);
	rpc_result(q, &out);
}

static void m_lanes(struct request *q, const struct json *p) { (void)p; member(q, "lanes"); }
static void m_links(struct request *q, const struct json *p) { (void)p; member(q, "links"); }

/* READ: it opens a connection, but sends nothing that a peer could act on, touches no link's own connection, and is
 * rate-limited for all who ask together; telemetry and links are no target of a cleanup (SEMANTICS 2). */
static void m_diagnose(struct request *q, const struct json *p)
{
	engine_link_diagnose(en(q), json_get_str(p, "link"), rpc_reply, q);
}

static void m_retry(struct request *q, const struct json *p)
{
	engine_link_retry(en(q), who(q), json_get_str(p, "link"), rpc_reply, q);
}

static void finish(struct request *q, enum rc rc, struct buf *b, const struct err *e)
{
	if (rc == RC_OK) {
		rpc_result(q, b);
		return;
	}
	buf_done(b);
	rpc_fail(q, rc, e->text);
}

static void m_cycle_status(struct request *q, const struct json *p)
{
	struct buf b;
	struct err e;
	buf_init(&b);
	finish(q, engine_cycle_json(en(q), json_get_i64(p, "cycle", 0), &b, &e), &b, &e);
}

static void m_plan_show(struct request *q, const struct json *p)
{
	struct engine_plan_ask ask = { .cycle = json_get_i64(p, "cycle", 0), .lane = json_get_str(p, "lane"),
		.items = json_get_i64(p, "items", 0) };
	struct buf b;
	struct err e;
	buf_init(&b);
	finish(q, engine_plan_json(en(q), &ask, &b, &e), &b, &e);
}

static void m_plan_items(struct request *q, const struct json *p)
{
	struct engine_look look = { .look = json_get_str(p, "look"), .lane = json_get_str(p, "lane"),
		.offset = json_get_i64(p, "offset", 0), .limit = json_get_i64(p, "limit", 0) };
	struct buf b;
	struct err e;
	buf_init(&b);
	finish(q, engine_plan_items_json(en(q), &look, &b, &e), &b, &e);
}

static void m_grant_list(struct request *q, const struct json *p)
{
	struct buf b;
	struct err e;
	buf_init(&b);
	finish(q, engine_grants_json(en(q), json_get_i64(p, "cycle", 0), &b, &e), &b, &e);
}

static void m_candidates(struct request *q, const struct json *p)
{
	struct engine_window f = { .lane = json_get_str(p, "lane"), .verdict = json_get_str(p, "verdict"), .text = json_get_str(p, "text"),
		.filter = json_get_str(p, "filter"), .query = json_get_str(p, "query"), .order = json_get_str(p, "order"), .desc = json_get_bool(p, "desc", false), .offset = json_get_i64(p, "offset", 0),
		.limit = json_get_i64(p, "limit", 0) };
	engine_candidates(en(q), &f, rpc_reply, q);
}

static void m_candidates_progress(struct request *q, const struct json *p)
{
	struct buf b = { 0 };
	engine_candidates_progress(en(q), json_get_str(p, "query"), &b);
	rpc_result(q, &b);
}

/* READ: it ends a read that its asker named. */
static void m_candidates_stop(struct request *q, const struct json *p)
{
	struct buf b = { 0 };
	engine_candidates_stop(en(q), json_get_str(p, "query"), &b);
	rpc_result(q, &b);
}

static void m_candidate(struct request *q, const struct json *p)
{
	engine_candidate(en(q), json_get_str(p, "id"), rpc_reply, q);
}

static void m_policy_explain(struct request *q, const struct json *p)
{
	engine_policy_explain(en(q), json_get_str(p, "policy"), json_get_str(p, "id"), json_get_str(p, "lane"), rpc_reply, q);
}

static void m_policy_try(struct request *q, const struct json *p)
{
	engine_policy_try(en(q), json_get_str(p, "text"), json_get_str(p, "name"), json_get_str(p, "policy"), rpc_reply, q);
}

static void m_audit_tail(struct request *q, const struct json *p)
{
	struct audit_filter f = { .limit = (int)MIN(json_get_i64(p, "limit", 0), 1000), .before_seq = json_get_i64(p, "before", 0),
		.after_seq = json_get_i64(p, "after", 0), .kind = json_get_str(p, "kind"), .actor = json_get_str(p, "actor"),
		.subject = json_get_str(p, "subject"), .cycle = json_get_i64(p, "cycle", 0), .oldest_first = json_get_bool(p, "oldest_first", false) };
	engine_audit_tail(en(q), &f, rpc_reply, q);
}

static void m_dead_list(struct request *q, const struct json *p)
{
	struct engine_dead_ask ask = { .lane = json_get_str(p, "lane"), .belief = json_get_str(p, "belief"), .offset = json_get_i64(p, "offset", 0),
		.limit = json_get_i64(p, "limit", 0) };
	engine_dead_list(en(q), &ask, rpc_reply, q);
}

static void m_dead_redrive(struct request *q, const struct json *p)
{
	engine_dead_redrive(en(q), who(q), json_get(p, "letters"), rpc_reply, q);
}

static void m_dead_dismiss(struct request *q, const struct json *p)
{
	engine_dead_dismiss(en(q), who(q), json_get(p, "letters"), json_get_str(p, "reason"), rpc_reply, q);
}

static void m_protect_list(struct request *q, const struct json *p)
{
	struct engine_protected_ask ask = { .lane = json_get_str(p, "lane"), .after_lane = json_get_str(p, "after_lane"),
		.after_id = json_get_str(p, "after_id"), .limit = json_get_i64(p, "limit", 0) };
	struct buf b;
	struct err e;
	buf_init(&b);
	finish(q, engine_protected_json(en(q), &ask, &b, &e), &b, &e);
}

static void protect(struct request *q, const struct json *p, bool off)
{
	struct engine_protection x = { .lane = json_get_str(p, "lane"), .id = json_get_str(p, "id"), .reason = json_get_str(p, "reason"), .off = off };
	engine_protect(en(q), who(q), &x, rpc_reply, q);
}

static void m_protect_set(struct request *q, const struct json *p) { protect(q, p, false); }
static void m_protect_clear(struct request *q, const struct json *p) { protect(q, p, true); }

static void m_audit_export(struct request *q, const struct json *p)
{
	engine_audit_export(en(q), json_get_i64(p, "after", 0), json_get_i64(p, "to", 0), (int)MIN(json_get_i64(p, "limit", 0), 1000), rpc_reply, q);
}

static void m_audit_show(struct request *q, const struct json *p)
{
	engine_audit_show(en(q), json_get_i64(p, "seq", 0), rpc_reply, q);
}

static void m_audit_seal(struct request *q, const struct json *p) { (void)p; engine_audit_seal(en(q), who(q), rpc_reply, q); }

static void m_audit_verify(struct request *q, const struct json *p)
{
	engine_audit_verify(en(q), q->conn, json_get_str(p, "query"), rpc_reply, q);
}

static void m_audit_progress(struct request *q, const struct json *p)
{
	struct buf b;
	buf_init(&b);
	engine_audit_progress(en(q), q->conn, json_get_str(p, "query"), &b);
	rpc_result(q, &b);
}

static void m_audit_stop(struct request *q, const struct json *p)
{
	struct buf b;
	buf_init(&b);
	engine_audit_stop(en(q), q->conn, json_get_str(p, "query"), &b);
	rpc_result(q, &b);
}

static void m_policies(struct request *q, const struct json *p)
{
	struct buf b;
	(void)p;
	buf_init(&b);
	engine_policies_json(en(q), &b);
	rpc_result(q, &b);
}

static void m_checks(struct request *q, const struct json *p)
{
	struct buf b;
	(void)p;
	buf_init(&b);
	engine_checks_json(en(q), &b);
	rpc_result(q, &b);
}

static void m_metrics(struct request *q, const struct json *p)
{
	struct buf text, b;
	struct jw w;
	(void)p;
	buf_init(&text);
	buf_init(&b);
	engine_metrics(en(q), &text);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "text", buf_slice(&text));
	jw_end_obj(&w);
	buf_done(&text);
	rpc_result(q, &b);
}

static void m_methods(struct request *q, const struct json *p)
{
	struct buf b;
	struct jw w;
	(void)p;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_key(&w, "methods");
	jw_arr(&w);
	for (const struct method *m = api_methods; m->name; m++) {
		jw_obj(&w);
		jw_kz(&w, "name", m->name);
		jw_kz(&w, "flag", method_flag_name(m->flag));
		jw_kz(&w, "help", m->help);
		jw_key(&w, "params");
		jw_arr(&w);
		for (const struct param *a = m->params; a->name; a++) {
			jw_obj(&w);
			jw_kz(&w, "name", a->name);
			jw_kz(&w, "type", param_type_name(a->type));
			jw_kbool(&w, "required", a->required);
			jw_end_obj(&w);
		}
		jw_end_arr(&w);
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	jw_end_obj(&w);
	rpc_result(q, &b);
}

static void m_escrow_list(struct request *q, const struct json *p)
{
	engine_escrow_list(en(q), json_get_str(p, "lane"), json_get_str(p, "id"), json_get_str(p, "state"), json_get_i64(p, "limit", 0), rpc_reply, q);
}

static void m_escrow_restore(struct request *q, const struct json *p)
{
	const struct engine_bring_back x = { .lane = json_get_str(p, "lane"), .id = json_get_str(p, "id"), .reason = json_get_str(p, "reason"),
		.again = json_get_bool(p, "again", false) };
	engine_bring_back(en(q), who(q), &x, rpc_reply, q);
}

static void m_escrow_verify(struct request *q, const struct json *p)
{
	engine_escrow_verify(en(q), json_get_str(p, "lane"), json_get_str(p, "id"), rpc_reply, q);
}

/* ---- commands ---- */

static void m_start(struct request *q, const struct json *p)
{
	engine_cycle_start(en(q), who(q), json_get_str(p, "policy"), json_get(p, "only"), rpc_reply, q);
}

static void m_step(struct request *q, const struct json *p) { (void)p; engine_cycle_step(en(q), who(q), rpc_reply, q); }
static void m_resume(struct request *q, const struct json *p) { (void)p; engine_cycle_resume(en(q), who(q), rpc_reply, q); }
static void m_cancel(struct request *q, const struct json *p) { (void)p; engine_cycle_cancel(en(q), who(q), rpc_reply, q); }

static void m_hold(struct request *q, const struct json *p)
{
	engine_cycle_hold(en(q), who(q), json_get_str(p, "why"), rpc_reply, q);
}

static void m_ack(struct request *q, const struct json *p)
{
	engine_cycle_ack(en(q), who(q), json_get_i64(p, "failures", -1), rpc_reply, q);
}

static void m_abort(struct request *q, const struct json *p)
{
	engine_cycle_abort(en(q), who(q), json_get_str(p, "how"), json_get_str(p, "reason"), rpc_reply, q);
}

static void m_exclude(struct request *q, const struct json *p)
{
	engine_lane_exclude(en(q), who(q), json_get_str(p, "lane"), json_get_str(p, "reason"), rpc_reply, q);
}

static void breaker_set(struct request *q, const struct json *p, enum breaker_state to)
{
	struct engine_breaker b = { json_get_str(p, "lane"), json_get_str(p, "link"), json_get_str(p, "reason"), to, json_get_i64(p, "for_ms", 0) };
	engine_breaker_set(en(q), who(q), &b, rpc_reply, q);
}

static void m_breaker_open(struct request *q, const struct json *p) { breaker_set(q, p, BREAKER_FORCED_OPEN); }

static void m_breaker_auto(struct request *q, const struct json *p) { breaker_set(q, p, BREAKER_CLOSED); }

static void m_breaker_disable(struct request *q, const struct json *p) { breaker_set(q, p, BREAKER_DISABLED); }

static void m_feature(struct request *q, const struct json *p)
{
	struct engine_feature f = { json_get_str(p, "link"), json_get_str(p, "feature"), json_get_str(p, "to"), json_get_str(p, "reason") };
	engine_feature_set(en(q), who(q), &f, rpc_reply, q);
}

static void m_mode(struct request *q, const struct json *p)
{
	engine_set_mode(en(q), who(q), json_get_str(p, "mode"), rpc_reply, q);
}

static void m_approve(struct request *q, const struct json *p)
{
	struct engine_approval a = { .plan = json_get_str(p, "plan"), .lane = json_get_str(p, "lane"), .phrase = json_get_str(p, "phrase"),
		.irreversible_phrase = json_get_str(p, "irreversible_phrase"), .reason = json_get_str(p, "reason"),
		.on_abort = json_get_str(p, "on_abort"), .items = json_get_i64(p, "items", 0), .bytes = json_get_i64(p, "bytes", 0) };
	engine_approve(en(q), who(q), &a, rpc_reply, q);
}

static void m_reject(struct request *q, const struct json *p)
{
	engine_reject(en(q), who(q), json_get_str(p, "plan"), json_get_str(p, "reason"), rpc_reply, q);
}

static void m_revoke(struct request *q, const struct json *p)
{
	engine_revoke(en(q), who(q), json_get_str(p, "lane"), json_get_str(p, "reason"), rpc_reply, q);
}

static void m_submit(struct request *q, const struct json *p)
{
	engine_submit_grant(en(q), who(q), json_get(p, "file"), rpc_reply, q);
}

static void drained(void *ctx)
{
	struct request *q = ctx;
	struct api *a = q->conn->api;
	struct buf b;
	buf_init(&b);
	buf_adds(&b, "{\"stopped\":true}");
	rpc_result(q, &b);
	if (a->on_stop)
		a->on_stop(a->stop_ctx);
}

static void m_stop(struct request *q, const struct json *p)
{
	struct audit_actor actor = { .name = slice_of(q->conn->who.name), .uid = q->conn->who.uid,
		.role = slice_of(engine_role(&q->conn->who)), .via = slice_of(q->conn->who.via) };
	(void)p;
	if (q->conn->api->closing) {
		rpc_fail(q, RC_REFUSED, "the engine is stopping already");
		return;
	}
	q->conn->api->closing = true;
	engine_stop(en(q), &actor, drained, q);
}

#define S(n) { n, PARAM_STRING, false }
#define S1(n) { n, PARAM_STRING, true }
#define I(n) { n, PARAM_INTEGER, false }
#define I1(n) { n, PARAM_INTEGER, true }
#define B(n) { n, PARAM_BOOL, false }

const struct method api_methods[] = {
	{ "hello", METHOD_READ, { S("client") }, m_hello, "who is asked, and who asks" },
	{ "methods", METHOD_READ, { { 0 } }, m_methods, "this table" },
	{ "subscribe", METHOD_READ, { { "topics", PARAM_ARRAY, true } }, m_subscribe, "snapshots now, changes from now on" },
	{ "status", METHOD_READ, { { 0 } }, m_status, "everything on the first screen" },
	{ "cycle.status", METHOD_READ, { I("cycle") }, m_cycle_status, "the open or last cycle" },
	{ "lanes", METHOD_READ, { { 0 } }, m_lanes, "lanes with their lists and breakers" },
	{ "links", METHOD_READ, { { 0 } }, m_links, "links with their ladders" },
	{ "links.diagnose", METHOD_READ, { S1("link") }, m_diagnose, "look again at a link, rung by rung" },
	{ "candidates", METHOD_READ, { S("query"), S("filter"), S("lane"), S("verdict"), S("text"), S("order"), B("desc"), I("offset"), I("limit") }, m_candidates,
	  "a window of the last validation" },
	{ "candidates.progress", METHOD_READ, { S1("query") }, m_candidates_progress, "how many rows a list that is being made was looked for in" },
	{ "candidates.stop", METHOD_READ, { S1("query") }, m_candidates_stop, "end the making of a list" },
	{ "candidates.one", METHOD_READ, { S1("id") }, m_candidate, "one item with its evidence" },
	{ "plan.show", METHOD_READ, { I("cycle"), S("lane"), I("items") }, m_plan_show, "the frozen plan" },
	{ "plan.items", METHOD_READ, { S1("look"), S("lane"), I("offset"), I("limit") }, m_plan_items, "items of the plan to look at" },
	{ "grant.list", METHOD_READ, { I("cycle") }, m_grant_list, "grants of a cycle" },
	{ "dead.list", METHOD_READ, { S("lane"), S("belief"), I("offset"), I("limit") }, m_dead_list, "dead letters by harm" },
	{ "escrow.list", METHOD_READ, { S("lane"), S("id"), S("state"), I("limit") }, m_escrow_list, "copies kept of what was or is going to be deleted" },
	{ "escrow.verify", METHOD_READ, { S("lane"), S("id") }, m_escrow_verify, "read copies again and compare" },
	{ "audit.tail", METHOD_READ, { I("limit"), I("before"), I("after"), S("kind"), S("actor"), S("subject"), I("cycle"), B("oldest_first") },
	  m_audit_tail, "records of the log" },
	{ "audit.export", METHOD_READ, { I("after"), I("to"), I("limit") }, m_audit_export, "lines of the log as texts, and its signed head" },
	{ "audit.show", METHOD_READ, { I1("seq") }, m_audit_show, "one record and its place in the chain" },
	{ "audit.verify", METHOD_READ, { S("query") }, m_audit_verify, "recompute the chain" },
	{ "audit.progress", METHOD_READ, { S1("query") }, m_audit_progress, "how many records a verification of this connection is past" },
	{ "audit.stop", METHOD_READ, { S1("query") }, m_audit_stop, "end a verification of this connection" },
	{ "policies", METHOD_READ, { { 0 } }, m_policies, "configured policies" },
	{ "policy.explain", METHOD_READ, { S1("policy"), S1("id"), S("lane") }, m_policy_explain,
	  "every rule of a policy on one item of the last discovery" },
	{ "policy.try", METHOD_READ, { S1("text"), S("name"), S("policy") }, m_policy_try,
	  "the last discovery judged by another configuration's policies" },
	{ "checks", METHOD_READ, { { 0 } }, m_checks, "what the engine stands on, check by check" },
	{ "metrics", METHOD_READ, { { 0 } }, m_metrics, "Prometheus text" },
	{ "cycle.start", METHOD_WRITE, { S1("policy"), { "only", PARAM_ARRAY, false } }, m_start, "start a cycle, of picked items only" },
	{ "cycle.step", METHOD_WRITE, { { 0 } }, m_step, "pass one gate, or open one batch" },
	{ "cycle.resume", METHOD_WRITE, { { 0 } }, m_resume, "go on to the next gate" },
	{ "cycle.hold", METHOD_WRITE, { S("why") }, m_hold, "no new sends; what is in flight settles" },
	{ "cycle.ack", METHOD_WRITE, { I1("failures") }, m_ack, "acknowledge failures by their count" },
	{ "cycle.cancel", METHOD_WRITE, { { 0 } }, m_cancel, "end a cycle that has deleted nothing" },
	{ "protect.list", METHOD_READ, { S("lane"), S("after_lane"), S("after_id"), I("limit") }, m_protect_list, "items that are protected by hand" },
	{ "protect.set", METHOD_WRITE, { S1("lane"), S1("id"), S1("reason") }, m_protect_set, "protect an item, whatever a policy says" },
	{ "protect.clear", METHOD_WRITE, { S1("lane"), S1("id"), S1("reason") }, m_protect_clear, "protect an item no more" },
	{ "lane.exclude", METHOD_WRITE, { S1("lane"), S1("reason") }, m_exclude, "leave a lane out of the open cycle" },
	{ "breaker.open", METHOD_WRITE, { S("lane"), S("link"), I("for_ms"), S1("reason") }, m_breaker_open, "keep a breaker open by hand" },
	{ "breaker.auto", METHOD_WRITE, { S("lane"), S("link"), S1("reason") }, m_breaker_auto, "leave a breaker to itself again" },
	{ "breaker.disable", METHOD_DANGER, { S("lane"), S("link"), I1("for_ms"), S1("reason") }, m_breaker_disable,
	  "switch a breaker off for a time: it lets everything through" },
	{ "mode.set", METHOD_WRITE, { S1("mode") }, m_mode, "observe, rehearse or armed" },
	{ "links.feature", METHOD_WRITE, { S1("link"), S1("feature"), S1("to"), S1("reason") }, m_feature,
	  "a feature of a link: off, canary or on; promote or rollback" },
	{ "links.retry", METHOD_WRITE, { S1("link") }, m_retry, "try a link now, whatever it waits for" },
	{ "engine.stop", METHOD_WRITE, { { 0 } }, m_stop, "hold, drain, stop" },
	{ "grant.reject", METHOD_WRITE, { S1("plan"), S1("reason") }, m_reject, "refuse the plan and end its cycle" },
	{ "grant.revoke", METHOD_WRITE, { S1("lane"), S1("reason") }, m_revoke, "take back a lane's grant before the first delete" },
	{ "grant.approve", METHOD_DANGER, { S1("plan"), S1("lane"), I1("items"), I1("bytes"), S1("phrase"), S("irreversible_phrase"), S1("reason"),
	  S("on_abort") }, m_approve, "grant deletion with the typed phrases" },
	{ "grant.submit", METHOD_DANGER, { { "file", PARAM_OBJECT, true } }, m_submit, "grant deletion with a signed file" },
	{ "audit.seal", METHOD_DANGER, { { 0 } }, m_audit_seal, "close a segment of the log" },
	{ "escrow.restore", METHOD_DANGER, { S1("lane"), S1("id"), S1("reason"), B("again") }, m_escrow_restore, "upload a copy again under a new id" },
	{ "dead.redrive", METHOD_DANGER, { { "letters", PARAM_ARRAY, true } }, m_dead_redrive, "open a cycle for these dead letters only" },
	{ "dead.dismiss", METHOD_DANGER, { { "letters", PARAM_ARRAY, true }, S1("reason") }, m_dead_dismiss, "take dead letters off the list" },
	{ "cycle.abort", METHOD_DANGER, { S1("how"), S1("reason") }, m_abort, "stop for good: keep or restore" },
	{ NULL, METHOD_READ, { { 0 } }, NULL, NULL },
};
