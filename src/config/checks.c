#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/finish.h"
#include "config/url.h"
#include "store/audit.h"

enum { PATH_TEXT = 200 };

struct place {
	char z[PATH_TEXT];
};

/* "lanes[2]" or "lanes[2].url" */
static struct place in(const char *list, size_t i, const char *key)
{
	struct place p;
	snprintf(p.z, sizeof(p.z), "%s[%zu]%s%s", list, i, key[0] ? "." : "", key);
	return p;
}

static struct place in2(const char *list, size_t i, const char *sub, size_t k, const char *key)
{
	struct place p;
	snprintf(p.z, sizeof(p.z), "%s[%zu].%s[%zu]%s%s", list, i, sub, k, key[0] ? "." : "", key);
	return p;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* ---- names: unique in their list; every entry begins with its name ---- */

static const char *name_at(const void *list, size_t size, size_t i)
{
	const char *name;
	memcpy(&name, (const char *)list + i * size, sizeof(name));
	return name;
}

static void unique_names(struct filling *f, const char *key, const void *list, size_t size, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (same(name_at(list, size, i), name_at(list, size, k))) {
				fill_bad(f, in(key, i, "name").z, "`%s` is the name of %s[%zu] too; names are unique",
					 name_at(list, size, i), key, k);
				break;
			}
}

/* ---- operators ---- */

static void operator_uids(struct filling *f, size_t i)
{
	const struct cfg_operator *ops = f->c->operators;
	for (size_t k = 0; k < i; k++)
		for (size_t a = 0; a < ops[i].n_uids; a++)
			for (size_t b = 0; b < ops[k].n_uids; b++)
				if (ops[i].uids[a] >= 0 && ops[i].uids[a] == ops[k].uids[b])
					fill_bad(f, in2("operators", i, "uids", a, "").z, "belongs to operators[%zu] too; one uid is one person", k);
}

/* Refused already, so that it is left as zeros. */
static bool unread(const struct cfg_key *k)
{
	static const struct cfg_key zeros;
	return memcmp(k, &zeros, sizeof(zeros)) == 0;
}

static void operator_keys(struct filling *f, size_t i)
{
	const struct cfg_operator *ops = f->c->operators;
	for (size_t k = 0; k < i; k++)
		for (size_t a = 0; a < ops[i].n_keys; a++)
			for (size_t b = 0; b < ops[k].n_keys; b++)
				if (!unread(&ops[i].keys[a]) && memcmp(ops[i].keys[a].b, ops[k].keys[b].b, KEY_BYTES) == 0)
					fill_bad(f, in2("operators", i, "keys", a, "").z, "belongs to operators[%zu] too; one key is one person", k);
}

static void check_operators(struct filling *f)
{
	const struct config *c = f->c;
	for (size_t i = 0; i < c->n_operators; i++) {
		if (!c->operators[i].n_uids && !c->operators[i].n_keys)
			fill_bad(f, in("operators", i, "").z, "has neither uids nor keys, so nobody can be this operator; write one");
		operator_uids(f, i);
		operator_keys(f, i);
	}
}

/* ---- what lanes and links share ---- */

static void check_cleartext(struct filling *f, struct place url, const char *u, const char *secret, bool allowed)
{
	bool tls = u && strncmp(u, "https", 5) != 0 && strncmp(u, "wss", 3) != 0;
	if (tls && secret && !allowed && !cfg_url_loopback(u))
		fill_bad(f, url.z, "would carry a credential to another host without encryption; use %s://, or write `cleartext: yes`",
			 u[0] == 'h' ? "https" : "wss");
}

static void check_breaker(struct filling *f, struct place p, const struct breaker_opts *b)
{
	if (b->open_ms > b->open_max_ms)
		fill_bad(f, p.z, "is longer than open_max; make open_max at least as long");
}

static bool token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void check_header(struct filling *f, size_t lane, size_t i, const struct cfg_header *h)
{
	static const char *const credentials[] = { "authorization", "proxy-authorization", "x-api-key", "api-key", "cookie" };
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade" };
	struct place p = in2("lanes", lane, "headers", i, "name");
	if (!h->name)
		return;
	for (const char *z = h->name; *z; z++)
		if (!token_char(*z)) {
			fill_bad(f, p.z, "is not the name of a header; write letters, digits and -");
			return;
		}
	for (size_t k = 0; k < ARRAY_LEN(credentials); k++)
		if (strcasecmp(h->name, credentials[k]) == 0)
			fill_bad(f, p.z, "carries a credential; put it into a private file and name that in key_file");
	for (size_t k = 0; k < ARRAY_LEN(ours); k++)
		if (strcasecmp(h->name, ours[k]) == 0)
			fill_bad(f, p.z, "is set by the HTTP client itself; remove it");
}

/* ---- engine ---- */

static void check_anchors(struct filling *f)
{
	const struct cfg_engine *g = &f->c->engine;
	for (size_t k = 0; k < g->n_log_levels; k++)
		if (!log_is_module_level(g->log_levels[k]))
			fill_bad(f, "engine.log_levels", "has an entry that is not MODULE=LEVEL, such as link=debug; sluice.yaml(5) names the modules");
	if (g->anchor_url && strncmp(g->anchor_url, "https", 5) != 0 && !cfg_url_loopback(g->anchor_url))
		fill_bad(f, "engine.anchor_url", "is another host without encryption; use https://");
	if (g->otlp && strncmp(g->otlp, "https", 5) != 0 && !cfg_url_loopback(g->otlp))
		fill_bad(f, "engine.otlp", "is another host without encryption; use https://");
	if (g->anchor_token_file && !g->anchor_url)
		fill_bad(f, "engine.anchor_token_file", "is for engine.anchor_url, which is not there; write that or remove this");
}

/* ---- lanes ---- */

/* Two lanes of one store that can hold no object in common: other buckets, or other prefixes in one. */
static bool other_objects(const struct cfg_lane *a, const struct cfg_lane *b)
{
	if (!a->bucket || !b->bucket)
		return false;
	return !same(a->bucket, b->bucket) || strncmp(a->prefix, b->prefix, MIN(strlen(a->prefix), strlen(b->prefix))) != 0;
}

static void check_same_target(struct filling *f, size_t i)
{
	const struct cfg_lane *l = f->c->lanes;
	for (size_t k = 0; k < i; k++) {
		if (!same(l[i].url, l[k].url) || other_objects(&l[i], &l[k]))
			continue;
		if (same(l[i].account, l[k].account))
			fill_bad(f, in("lanes", i, "url").z,
				 "is the url and account of lane %s too; two lanes on one account would count and delete the same files twice",
				 l[k].name ? l[k].name : "?");
		else if (same(l[i].key_file, l[k].key_file))
			fill_bad(f, in("lanes", i, "key_file").z, "is the key of lane %s at the same url, so both are one account",
				 l[k].name ? l[k].name : "?");
	}
}

static void check_retry(struct filling *f, size_t i, const struct retry_policy *r)
{
	static const struct {
		enum retry_class class_;
		const char *key;
	} tiers[] = {
		{ RETRY_RATE_LIMIT, "retry.rate_limit" },
		{ RETRY_TIMEOUT, "retry.timeout" },
		{ RETRY_SERVER_ERROR, "retry.server_error" },
		{ RETRY_NETWORK, "retry.network" },
	};
	for (size_t k = 0; k < ARRAY_LEN(tiers); k++) {
		const struct backoff *b = &r->tier[tiers[k].class_].wait;
		if (b->base_ms > b->max_ms && b->kind != BACKOFF_FIXED)
			fill_bad(f, in("lanes", i, tiers[k].key).z, "has a base above its max; make max at least as long");
	}
}

/* What belongs to a store behind HTTP, and what to a script. */
static void check_target(struct filling *f, size_t i, const struct cfg_lane *l)
{
	static const char *const http_only[] = { "url", "key_file", "ca_file", "headers", "cleartext", "purposes" };
	bool exec = same(l->dialect, "exec");
	if (!exec && !l->url && !tree_has(f->t, in("lanes", i, "url").z))
		fill_bad(f, in("lanes", i, "").z, "has no `url`, which every lane needs but one of dialect exec");
	if (!exec && l->n_command)
		fill_bad(f, in("lanes", i, "command").z, "is for the dialect exec; remove it");
	if (exec && !l->n_command)
		fill_bad(f, in("lanes", i, "").z, "has no `command`, which every lane of dialect exec needs");
	if (exec && l->n_command && l->command[0] && l->command[0][0] != '/')
		fill_bad(f, in("lanes", i, "command").z, "begins with no absolute path; nothing is looked up in PATH");
	for (size_t k = 0; exec && k < ARRAY_LEN(http_only); k++)
		if (tree_has(f->t, in("lanes", i, http_only[k]).z))
			fill_bad(f, in("lanes", i, http_only[k]).z, "is nothing for the dialect exec: the script knows its store itself; remove it");
}

static bool bucket_ok(const char *b)
{
	size_t n = strlen(b);
	return n >= 3 && strspn(b, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n && isalnum((unsigned char)b[0]) &&
	       isalnum((unsigned char)b[n - 1]) && !strstr(b, "..");
}

/* A region stands in a header and in what is signed. */
static bool region_ok(const char *r) { return r[strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && r[0]; }

static void check_bucket(struct filling *f, size_t i, const struct cfg_lane *l)
{
	static const char *const s3_only[] = { "bucket", "region", "addressing", "prefix", "versions" };
	bool s3 = same(l->dialect, "s3");
	for (size_t k = 0; !s3 && k < ARRAY_LEN(s3_only); k++)
		if (tree_has(f->t, in("lanes", i, s3_only[k]).z))
			fill_bad(f, in("lanes", i, s3_only[k]).z, "is for the dialect s3; remove it");
	if (!s3)
		return;
	if (!l->bucket && !tree_has(f->t, in("lanes", i, "bucket").z))
		fill_bad(f, in("lanes", i, "").z, "has no `bucket`, which every lane of dialect s3 needs");
	if (l->bucket && !bucket_ok(l->bucket))
		fill_bad(f, in("lanes", i, "bucket").z, "is no name of a bucket: 3 to 63 small letters, digits, dots and hyphens, as in backups-2024");
	if (l->region && !region_ok(l->region))
		fill_bad(f, in("lanes", i, "region").z, "is no name of a region, as in eu-central-1");
	if (!l->key_file && !tree_has(f->t, in("lanes", i, "key_file").z))
		fill_bad(f, in("lanes", i, "").z, "has no `key_file`, which every lane of dialect s3 needs: one line, ACCESS_KEY_ID:SECRET");
	if (tree_has(f->t, in("lanes", i, "purposes").z))
		fill_bad(f, in("lanes", i, "purposes").z, "is nothing for the dialect s3, whose lists are whole; remove it");
}

static void check_lane(struct filling *f, size_t i)
{
	const struct cfg_lane *l = &f->c->lanes[i];
	check_target(f, i, l);
	check_bucket(f, i, l);
	check_same_target(f, i);
	if (!same(l->dialect, "exec"))
		check_cleartext(f, in("lanes", i, "url"), l->url, l->key_file, l->cleartext);
	check_breaker(f, in("lanes", i, "breaker.open"), &l->breaker);
	check_retry(f, i, &l->retry);
	for (size_t k = 0; k < l->n_headers; k++)
		check_header(f, i, k, &l->headers[k]);
	if (l->quota_bytes >= 0 && l->max_item_bytes > l->quota_bytes && l->quota_bytes > 0)
		fill_bad(f, in("lanes", i, "quota_bytes").z, "is less than max_item, what one file of unknown size is charged");
}

/* ---- links ---- */

static bool is_kind(const char *word)
{
	static const char *const kinds[] = {
#define X(e, w) w,
		AUDIT_KINDS(X)
#undef X
	};
	size_t n = strlen(word);
	bool prefix = n && word[n - 1] == '.';
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (prefix ? strncmp(kinds[i], word, n) == 0 : strcmp(kinds[i], word) == 0)
			return true;
	return false;
}

static void check_events(struct filling *f, size_t i, const struct cfg_link *l)
{
	bool speaks = same(l->handshake, "json-events");
	if (!speaks && (l->events.id || l->events.sequence || l->events.epoch || l->events.ack))
		fill_bad(f, in("links", i, "events").z, "is only for `handshake: json-events`; write that, or remove it");
	if (!speaks && l->notify.n_kinds)
		fill_bad(f, in("links", i, "notify").z, "is only for `handshake: json-events`; write that, or remove it");
	if (speaks && l->events.ack && !l->events.id)
		fill_bad(f, in("links", i, "events.ack").z, "names messages by their id; write events.id as well");
	for (size_t k = 0; k < l->notify.n_kinds; k++)
		if (!is_kind(l->notify.kinds[k]))
			fill_bad(f, in("links", i, "notify.kinds").z, "has an entry that is no kind of the log; sluice audit tail shows them");
}

static void check_features(struct filling *f, size_t i, const struct cfg_link *l)
{
	const struct cfg_features *x = &l->features;
	bool dedup = x->dedup_window || x->dedup_age_ms, queue = x->queue_items || x->queue_bytes;
	if (l->connections < 2 && (x->ping_interval_ms || x->pong_timeout_ms || dedup || queue))
		fill_bad(f, in("links", i, "features").z, "needs connections to compare: with one there is no canary; make connections at least 2");
	if (x->connections && x->connections <= l->connections)
		fill_bad(f, in("links", i, "features.connections").z,
			 "is not above the link's own, and fewer cannot be tried: what is taken away does nothing that could be compared; write it as the link's connections");
	if (x->connections && l->session_id)
		fill_bad(f, in("links", i, "features.connections").z, "cannot be: several connections cannot share a session_id; remove one of them");
	if (dedup && !same(l->handshake, "json-events"))
		fill_bad(f, in("links", i, "features").z, "tries another window for repeats, and only `handshake: json-events` has one; write that, or remove it");
	if (queue && !l->notify.n_kinds)
		fill_bad(f, in("links", i, "features").z, "tries another queue, and without notify.kinds there is none; write them, or remove it");
}

static void check_link(struct filling *f, size_t i)
{
	const struct cfg_link *l = &f->c->links[i];
	check_cleartext(f, in("links", i, "url"), l->url, l->token_file, l->cleartext);
	check_breaker(f, in("links", i, "breaker.open"), &l->breaker);
	if (l->floor > l->connections)
		fill_bad(f, in("links", i, "floor").z, "is above connections; so many can never be up");
	if (l->connections > 1 && l->session_id)
		fill_bad(f, in("links", i, "session_id").z, "cannot be shared by several connections; remove it, or keep connections at 1");
	if (l->reconnect_base_ms > l->reconnect_max_ms)
		fill_bad(f, in("links", i, "reconnect_base").z, "is longer than reconnect_max; make reconnect_max at least as long");
	bool exai = same(l->handshake, "exai");
	if (l->session_id && !exai)
		fill_bad(f, in("links", i, "session_id").z, "is only said in the exai hello; write `handshake: exai` or remove it");
	if (l->token_file && !exai)
		fill_bad(f, in("links", i, "token_file").z, "is only sent in the exai hello; write `handshake: exai` or remove it");
	check_events(f, i, l);
	check_features(f, i, l);
	if (!exai && l->health_file)
		fill_bad(f, in("links", i, "health_file").z, "is the exai daemon's; write `handshake: exai` or remove it");
	if (!exai && !same(l->probe, "none"))
		fill_bad(f, in("links", i, "probe").z, "is an op of the exai daemon; write `handshake: exai` or remove it");
	for (size_t k = 0; k < i; k++)
		if (same(l->session_id, f->c->links[k].session_id) && same(l->url, f->c->links[k].url))
			fill_bad(f, in("links", i, "session_id").z,
				 "is used by links[%zu] at the same url; when either closes the daemon drops the session for both", k);
}

/* ---- records ---- */

static void check_columns(struct filling *f, size_t i, const struct cfg_records *r)
{
	if (!r->columns.id.name && r->columns.id.given)
		fill_bad(f, in("records", i, "columns.id").z, "cannot be none; rows are named by it");
	if (!r->columns.file_id.name && r->columns.file_id.given)
		fill_bad(f, in("records", i, "columns.file_id").z, "cannot be none; without it no row knows its file");
	if (!r->columns.lane.name && r->columns.lane.given && r->n_lanes != 1)
		fill_bad(f, in("records", i, "columns.lane").z,
			 "is none, but there are %zu lanes; map exactly one in `lanes:` or name the column", r->n_lanes);
	if (!r->columns.status.name && r->columns.status.given && !r->columns.deleted_at.name)
		fill_bad(f, in("records", i, "columns.status").z, "and deleted_at are both none; a soft delete needs one of them");
}

static void check_references(struct filling *f, size_t i, const struct cfg_records *r)
{
	for (size_t k = 0; k < r->n_references; k++) {
		const struct cfg_reference *ref = &r->references[k];
		if (!ref->joins)
			fill_bad(f, in2("records", i, "references", k, "").z,
				 "needs `joins`, because the object column is none; name the column of the records table it refers to");
		if (!ref->known_id && !ref->may_be_empty)
			fill_bad(f, in2("records", i, "references", k, "").z,
				 "needs `known_id`, one value that must be found there: an empty answer would read as \"nothing is referenced\"");
		for (size_t m = 0; m < k; m++)
			if (same(ref->table, r->references[m].table) && same(ref->column, r->references[m].column) &&
			    same(ref->joins, r->references[m].joins))
				fill_bad(f, in2("records", i, "references", k, "").z, "is references[%zu] again; remove one", m);
	}
}

static bool database_named(const char *url)
{
	const char *slash = strrchr(url, '/');
	return slash > url + strlen("postgresql://") && slash[1];
}

/* Where the database is, and that its kind knows the keys that say so. */
static void check_where(struct filling *f, size_t i, const struct cfg_records *r)
{
	bool sqlite = r->kind == CFG_RECORDS_SQLITE, pg = r->url && strncmp(r->url, "postgresql:", 11) == 0;
	if (sqlite && !r->path)
		fill_bad(f, in("records", i, "path").z, "is missing; name the database file");
	if (sqlite && r->url)
		fill_bad(f, in("records", i, "url").z, "is not for kind sqlite, whose database is a file; write path, or the right kind");
	if (!sqlite && !tree_has(f->t, in("records", i, "url").z))
		fill_bad(f, in("records", i, "url").z, "is missing; say where the database is");
	if (!sqlite && r->url && pg != (r->kind == CFG_RECORDS_POSTGRESQL))
		fill_bad(f, in("records", i, "url").z, pg ? "is for kind postgresql; kind postgrest has http:// or https://"
							  : "is for kind postgrest; kind postgresql has postgresql://HOST/DATABASE");
	else if (pg && !database_named(r->url))
		fill_bad(f, in("records", i, "url").z, "names no database; write postgresql://HOST/DATABASE");
	if (r->kind == CFG_RECORDS_POSTGREST && r->path)
		fill_bad(f, in("records", i, "path").z, "is not for kind postgrest, which has a url only");
	if (r->kind != CFG_RECORDS_POSTGRESQL && (r->user || r->writer))
		fill_bad(f, in("records", i, r->user ? "user" : "writer").z, "is for kind postgresql only; remove it");
	if (sqlite && (r->key_file || r->writer_key_file))
		fill_bad(f, in("records", i, r->key_file ? "key_file" : "writer_key_file").z, "is not for kind sqlite; remove it");
	if (r->kind == CFG_RECORDS_POSTGREST)
		check_cleartext(f, in("records", i, "url"), r->url, r->key_file ? r->key_file : r->writer_key_file, r->cleartext);
}

static void check_records(struct filling *f, size_t i)
{
	if (f->c->records[i].kind == CFG_RECORDS_POSTGREST && f->c->records[i].lease)
		fill_bad(f, in("records", i, "lease").z, "cannot be taken through PostgREST, which compares with no clock of its own; remove it, or use postgresql");
	const struct cfg_records *r = &f->c->records[i];
	checks_object_column(f, i);
	check_where(f, i, r);
	check_columns(f, i, r);
	check_references(f, i, r);
	bool mapped = tree_has(f->t, in("records", i, "lanes").z);
	for (size_t k = 0; mapped && k < r->n_lanes; k++)
		for (size_t m = 0; m < k; m++)
			if (same(r->lanes[k].value, r->lanes[m].value))
				fill_bad(f, in2("records", i, "lanes", k, "value").z, "is mapped twice; one value means one lane");
	for (size_t k = 0; k < i; k++)
		if (r->path && !r->url && same(r->path, f->c->records[k].path) && same(r->table, f->c->records[k].table))
			fill_bad(f, in("records", i, "path").z, "and table are those of records[%zu] too; use that one", k);
}

/* ---- policies ---- */

static bool maps(const struct cfg_records *r, int lane)
{
	for (size_t i = 0; i < r->n_lanes; i++)
		if (r->lanes[i].lane == lane)
			return true;
	return false;
}

static void check_lanes_known(struct filling *f, size_t i, const struct cfg_policy *p)
{
	const struct config *c = f->c;
	for (size_t k = 0; p->records >= 0 && k < p->n_lanes; k++)
		if (p->lanes[k] >= 0 && !maps(&c->records[p->records], p->lanes[k]))
			fill_bad(f, in2("policies", i, "lanes", k, "").z,
				 "is not mapped by records %s, so every file in it would look like an orphan; add it to the records' `lanes:`",
				 c->records[p->records].name ? c->records[p->records].name : "?");
}

static int64_t operators_who_may(const struct config *c)
{
	int64_t n = 0;
	for (size_t i = 0; i < c->n_operators; i++)
		n += c->operators[i].role == CFG_OPERATOR;
	return n;
}

static void check_approvals(struct filling *f, size_t i, const struct cfg_policy *p)
{
	int64_t n = operators_who_may(f->c);
	if (p->approvals > n)
		fill_bad(f, in("policies", i, "approvals").z, "asks for %lld operator%s and `operators:` has %lld; the policy could never run",
			 (long long)p->approvals, p->approvals == 1 ? "" : "s", (long long)n);
	else if (p->irreversible_approvals > n)
		fill_bad(f, in("policies", i, "irreversible_approvals").z, "asks for %lld operators and `operators:` has %lld",
			 (long long)p->irreversible_approvals, (long long)n);
	if (p->irreversible_approvals < p->approvals && p->irreversible_approvals > 0)
		fill_bad(f, in("policies", i, "irreversible_approvals").z, "is less than approvals; what cannot be restored needs at least as many");
	if (p->plan_for_ms > 3600000 && p->approvals < 2 && p->irreversible_approvals < 2)
		fill_bad(f, in("policies", i, "plan_for").z, "is above 60m, which is for plans that several must approve");
}

/* What no lane keeps a copy of cannot be restored. */
static void check_on_abort(struct filling *f, size_t i, const struct cfg_policy *p)
{
	bool copies = false;
	for (size_t k = 0; k < p->n_lanes; k++)
		copies |= p->lanes[k] >= 0 && cfg_escrow_of(p, &f->c->lanes[p->lanes[k]]) != CFG_ESCROW_OFF;
	if (p->on_abort == CFG_ABORT_RESTORE && !copies)
		fill_bad(f, in("policies", i, "on_abort").z, "restoring needs escrow, and none of the policy's lanes has it; write keep or ask, or "
			 "`escrow: try`");
}

static void check_policy(struct filling *f, size_t i)
{
	const struct cfg_policy *p = &f->c->policies[i];
	check_on_abort(f, i, p);
	checks_rules(f, i);
	check_lanes_known(f, i, p);
	check_approvals(f, i, p);
}

/* ---- triggers ---- */

static void check_trigger(struct filling *f, size_t i)
{
	const struct cfg_trigger *t = &f->c->triggers[i];
	bool quota = t->when == CFG_WHEN_QUOTA_ABOVE, messages = t->when == CFG_WHEN_MESSAGES;
	if (!quota && t->link < 0)
		fill_bad(f, in("triggers", i, "link").z, "is missing; name the link that is watched");
	if (quota && (t->lane < 0 || t->above_bp < 0))
		fill_bad(f, in("triggers", i, "lane").z, "and above are both needed for quota_above");
	if (quota && t->lane >= 0 && f->c->lanes[t->lane].quota_items < 0 && f->c->lanes[t->lane].quota_bytes < 0)
		fill_bad(f, in("triggers", i, "lane").z, "has neither quota_items nor quota_bytes; nothing could ever be above it");
	if (messages && (!t->type || t->count < 0))
		fill_bad(f, in("triggers", i, "type").z, "and count are both needed for messages");
	if (messages && t->link >= 0 && !same(f->c->links[t->link].handshake, "json-events"))
		fill_bad(f, in("triggers", i, "link").z, "does not speak json-events; its messages have no type");
	if (t->action == CFG_TRIGGER_START && t->policy < 0)
		fill_bad(f, in("triggers", i, "policy").z, "is missing; name the policy to start");
}

static void each(struct filling *f, size_t n, void (*check)(struct filling *f, size_t i))
{
	for (size_t i = 0; i < n; i++)
		check(f, i);
}

void checks_run(struct filling *f)
{
	const struct config *c = f->c;
	unique_names(f, "operators", c->operators, sizeof(*c->operators), c->n_operators);
	unique_names(f, "links", c->links, sizeof(*c->links), c->n_links);
	unique_names(f, "lanes", c->lanes, sizeof(*c->lanes), c->n_lanes);
	unique_names(f, "objects", c->objects, sizeof(*c->objects), c->n_objects);
	unique_names(f, "records", c->records, sizeof(*c->records), c->n_records);
	unique_names(f, "policies", c->policies, sizeof(*c->policies), c->n_policies);
	unique_names(f, "triggers", c->triggers, sizeof(*c->triggers), c->n_triggers);
	check_anchors(f);
	check_operators(f);
	each(f, c->n_links, check_link);
	each(f, c->n_lanes, check_lane);
	each(f, c->n_objects, checks_objects);
	checks_escrow(f);
	each(f, c->n_records, check_records);
	each(f, c->n_policies, check_policy);
	each(f, c->n_triggers, check_trigger);
}
