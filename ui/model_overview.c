#include "ui/model_read.h"

static void read_breaker(struct m_breaker *b, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_breaker, state, "state"), F_STR(m_breaker, window, "window"), F_I64(m_breaker, bad, "bad"),
		F_I64(m_breaker, until_us, "until_us"), F_I64(m_breaker, flaps, "flaps"), F_I64(m_breaker, refused, "refused"),
	};
	READ(b, fields, j, mem);
}

static void read_said(struct m_link *k, const struct json *j, struct arena *mem)
{
	static const struct field said[] = { F_STR(m_said, name, "name"), F_STR(m_said, word, "word") };
	int i = 0;
	k->asked = json_is_object(j);
	k->said_us = json_get_i64(j, "at_us", -1);
	k->said_trouble = read_str(json_get(j, "trouble"), mem);
	k->said = read_array(json_get(j, "says"), sizeof(*k->said), &k->saids, mem);
	for (const struct json *v = json_first(json_get(j, "says")); i < k->saids; v = json_next(v))
		READ(&k->said[i++], said, v, mem);
}

static void read_features(struct m_link *k, const struct json *j, struct arena *mem)
{
	static const struct field feature[] = {
		F_STR(m_feature, name, "feature"), F_STR(m_feature, value, "value"), F_STR(m_feature, mode, "mode"), F_STR(m_feature, by, "by"),
		F_STR(m_feature, reason, "reason"), F_STR(m_feature, verdict, "verdict"), F_STR(m_feature, why, "why"),
		F_I64(m_feature, since_us, "since_us"),
	};
	static const struct field figures[] = {
		F_I64(m_figures, connections, "connections"), F_I64(m_figures, up, "up"), F_I64(m_figures, messages, "messages"), F_I64(m_figures, errors, "errors"),
		F_I64(m_figures, duplicates, "duplicates"), F_I64(m_figures, drops, "drops"), F_I64(m_figures, reconnects, "reconnects"),
		F_I64(m_figures, rtt_p50_us, "rtt_p50_us"), F_I64(m_figures, rtt_p99_us, "rtt_p99_us"),
		F_I64(m_figures, missed, "missed"), F_I64(m_figures, events, "events"), F_I64(m_figures, full, "full"), F_I64(m_figures, lost, "lost"),
		F_I64(m_figures, depth, "depth"), F_I64(m_figures, wait_p99_us, "wait_p99_us"),
	};
	int i = 0;
	k->feature = read_array(j, sizeof(*k->feature), &k->features, mem);
	for (const struct json *v = json_first(j); i < k->features; v = json_next(v)) {
		struct m_feature *f = &k->feature[i++];
		READ(f, feature, v, mem);
		READ(&f->group[M_CANARY], figures, json_get(v, "canary"), mem);
		READ(&f->group[M_STABLE], figures, json_get(v, "stable"), mem);
	}
}

static void read_link(struct m_link *k, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_link, name, "name"), F_STR(m_link, url, "url"), F_STR(m_link, handshake, "handshake"),
		F_STR(m_link, state, "state"), F_STR(m_link, sentence, "sentence"), F_STR(m_link, close_text, "close_text"),
		F_I64(m_link, rtt_us, "rtt_us"), F_I64(m_link, rtt_p50_us, "rtt_p50_us"), F_I64(m_link, rtt_p99_us, "rtt_p99_us"),
		F_I64(m_link, last_message_us, "last_message_us"), F_I64(m_link, messages_in, "messages_in"),
		F_I64(m_link, messages_out, "messages_out"), F_I64(m_link, reconnects, "reconnects"),
		F_I64(m_link, attempts, "attempts"), F_I64(m_link, close_code, "close_code"),
		F_I64(m_link, next_attempt_us, "next_attempt_us"),
	};
	static const struct field pool[] = {
		F_I64(m_link, conns_up, "up"), F_I64(m_link, conns_floor, "floor"), F_I64(m_link, conns, "configured"),
	};
	static const struct field rung[] = {
		F_STR(m_rung, name, "name"), F_STR(m_rung, state, "state"), F_I64(m_rung, us, "us"),
	};
	READ(k, fields, j, mem);
	static const struct field inbox[] = {
		F_I64(m_link, taken, "taken"), F_I64(m_link, duplicates, "duplicates"), F_I64(m_link, gaps, "gaps"),
		F_I64(m_link, unrecorded, "refused"), F_I64(m_link, pending, "pending"), F_I64(m_link, reordered, "reordered"),
		F_I64(m_link, epochs, "epochs"),
	};
	static const struct field outbox[] = {
		F_I64(m_link, queued, "items"), F_I64(m_link, sent, "sent"), F_I64(m_link, expired, "expired"),
		F_I64(m_link, too_large, "too_large"), F_I64(m_link, queued_bytes, "bytes"), F_I64(m_link, oldest_us, "oldest_us"),
		F_I64(m_link, repeated, "repeated"),
	};
	static const struct field reported[] = {
		F_I64(m_link, sessions, "sessions_active"), F_I64(m_link, semaphore_current, "semaphore_current"),
		F_I64(m_link, semaphore_limit, "semaphore_limit"),
	};
	READ(k, pool, json_get(j, "pool"), mem);
	READ(k, inbox, json_get(j, "inbox"), mem);
	READ(k, outbox, json_get(j, "outbox"), mem);
	READ(k, reported, json_get(j, "reported"), mem);
	k->reports = json_is_object(json_get(j, "reported"));
	k->probe_trouble = read_str(json_get(json_get(j, "probe"), "trouble"), mem);
	k->file_trouble = read_str(json_get(j, "health_file"), mem);
	read_said(k, json_get(j, "health"), mem);
	read_features(k, json_get(j, "features"), mem);
	const struct json *recent = json_get(j, "rtt_recent");
	int skip = (int)json_len(recent) - MODEL_RECENT;
	for (const struct json *v = json_first(recent); v; v = json_next(v))
		if (skip-- <= 0 && !json_i64(v, &k->rtt_recent[k->rtt_n++]))
			k->rtt_recent[k->rtt_n - 1] = -1;
	k->rung = read_array(json_get(j, "rungs"), sizeof(*k->rung), &k->rungs, mem);
	int i = 0;
	for (const struct json *v = json_first(json_get(j, "rungs")); i < k->rungs; v = json_next(v))
		READ(&k->rung[i++], rung, v, mem);
	read_breaker(&k->breaker, json_get(j, "breaker"), mem);
}

/* {"healthy": 970, "object_missing": 2}: "970 healthy, 2 object missing" */
static struct slice read_counts(const struct json *j, struct arena *mem)
{
	struct buf b;
	int64_t n;
	buf_init(&b);
	for (const struct json *v = json_first(j); v; v = json_next(v)) {
		if (!json_i64(v, &n))
			continue;
		buf_addf(&b, "%s%lld ", b.n ? ", " : "", (long long)n);
		struct slice key = json_key(v);
		for (size_t i = 0; i < key.n; i++)
			buf_addc(&b, key.p[i] == '_' ? ' ' : key.p[i]);
	}
	struct slice s = { b.n ? arena_strndup(mem, buf_z(&b), b.n) : NULL, b.n };
	buf_done(&b);
	return s;
}

static void read_lane(struct m_lane *l, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_lane, name, "name"), F_STR(m_lane, dialect, "dialect"), F_STR(m_lane, url, "url"),
		F_STR(m_lane, account, "account"), F_STR(m_lane, key, "key"), F_STR(m_lane, halted, "halted"),
		F_STR(m_lane, trouble, "trouble"), F_BOOL(m_lane, complete, "complete"),
		F_I64(m_lane, listed, "listed"), F_I64(m_lane, listed_us, "listed_us"), F_I64(m_lane, expected, "expected"),
		F_I64(m_lane, pages, "pages"), F_I64(m_lane, quota_items, "quota_items"), F_I64(m_lane, quota_bytes, "quota_bytes"),
		F_I64(m_lane, listed_bytes, "listed_bytes"), F_I64(m_lane, candidates, "candidates"),
		F_I64(m_lane, protected_, "protected"), F_I64(m_lane, ineligible, "ineligible"),
		F_I64(m_lane, irreversible, "irreversible"),
	};
	READ(l, fields, j, mem);
	const struct json *x = json_get(j, "excluded");
	l->excluded_by = read_str(json_get(x, "by"), mem);
	l->excluded_reason = read_str(json_get(x, "reason"), mem);
	l->excluded_us = json_get_i64(x, "at_us", -1);
	l->reconciled = read_counts(json_get(j, "reconcile"), mem);
	read_breaker(&l->breaker, json_get(j, "breaker"), mem);
}

static void read_engine(struct m_overview *o, const struct json *j)
{
	static const struct field engine[] = {
		F_STR(m_overview, name, "name"), F_STR(m_overview, version, "version"), F_STR(m_overview, mode, "mode"),
		F_STR(m_overview, lease, "lease"), F_STR(m_overview, notice, "notice"), F_I64(m_overview, pid, "pid"),
		F_I64(m_overview, started_us, "started_us"), F_I64(m_overview, loop_lag_us, "loop_lag_us"),
		F_I64(m_overview, clients, "clients"), F_I64(m_overview, watchers, "watchers"),
		F_BOOL(m_overview, store_writable, "store_writable"),
	};
	static const struct field chain[] = {
		F_I64(m_overview, chain_seq, "seq"), F_STR(m_overview, chain_short, "short"),
		F_I64(m_overview, chain_verified_seq, "verified_seq"), F_I64(m_overview, chain_verified_us, "verified_us"),
	};
	READ(o, engine, json_get(j, "engine"), o->mem);
	READ(o, chain, json_get(j, "chain"), o->mem);
	o->now_us = json_get_i64(j, "now_us", -1);
}

void read_overview(struct m_overview *o, const struct json *j)
{
	struct arena *old = o->mem;
	*o = (struct m_overview){ .has = true, .mem = arena_new(16384) };
	read_engine(o, j);
	int i = 0;
	o->link = read_array(json_get(j, "links"), sizeof(*o->link), &o->links, o->mem);
	for (const struct json *v = json_first(json_get(j, "links")); i < o->links; v = json_next(v))
		read_link(&o->link[i++], v, o->mem);
	i = 0;
	o->lane = read_array(json_get(j, "lanes"), sizeof(*o->lane), &o->lanes, o->mem);
	for (const struct json *v = json_first(json_get(j, "lanes")); i < o->lanes; v = json_next(v))
		read_lane(&o->lane[i++], v, o->mem);
	i = 0;
	o->decision = read_array(json_get(j, "decisions"), sizeof(*o->decision), &o->decisions, o->mem);
	for (const struct json *v = json_first(json_get(j, "decisions")); i < o->decisions; v = json_next(v))
		read_record(&o->decision[i++], v, o->mem);
	read_records(&o->records, &o->recordses, json_get(j, "records"), o->mem);
	o->policy = read_strings(json_get(j, "policies"), &o->policies, o->mem);
	const struct json *can = json_get(j, "can");
	o->cannot_start = read_str(json_get(can, "cycle.start"), o->mem);
	o->cannot_arm = read_str(json_get(can, "mode.armed"), o->mem);
	arena_free(old);
}
