/* A bucket of an S3 store: life, signed requests, and whether the bucket is versioned. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONING_FRESH_US = 60 * 1000000 };

/* ---- life ---- */

static bool s3_speaks(struct slice dialect) { return slice_is(dialect, "s3"); }
static void s3_names(struct buf *out) { buf_adds(out, "s3"); }
static void s3_permit(struct lane *ln, enum http_permit p) { http_client_permit(s3_self(ln)->http, p); }
static bool s3_can_get(const struct lane *ln) { (void)ln; return true; }
static int64_t s3_requests_sent(const struct lane *ln) { return http_requests_sent(s3_self_const(ln)->http); }
static bool s3_undoes(const struct lane *ln) { return !s3_versions(s3_self_const(ln)); }
static void s3_must_undo(struct lane *ln, bool must) { s3_self(ln)->must_undo = must; }

static void s3_identity(const struct lane *ln, struct buf *out)
{
	const struct cfg_lane *c = ln->cfg;
	buf_addf(out, " bucket=%s region=%s prefix=%s versions=%s", c->bucket, c->region, c->prefix, s3_versions(s3_self_const(ln)) ? "all" : "current");
}

/* "https://host:443/base" and the bucket: where requests go, and what is signed. */
static void set_place(struct s3_lane *ln)
{
	const struct cfg_lane *c = ln->base.cfg;
	struct slice u = lane_base_url(&ln->base);
	bool tls = slice_starts(u, "https:");
	size_t scheme = tls ? 8 : 7, at = scheme;
	while (at < u.n && u.p[at] != '/')
		at++;
	struct slice host = { u.p + scheme, at - scheme };
	const char *usual = tls ? ":443" : ":80";
	size_t k = strlen(usual);
	if (host.n > k && memcmp(host.p + host.n - k, usual, k) == 0)
		host.n -= k;
	if (c->addressing == CFG_ADDRESS_HOST)
		buf_addf(&ln->host, "%s.", c->bucket);
	buf_add(&ln->host, host.p, host.n);
	buf_addf(&ln->origin, "%s%s", tls ? "https://" : "http://", buf_z(&ln->host));
	s3_encode(&ln->path, (struct slice){ u.p + at, u.n - at }, true);
	buf_addf(&ln->path, "/%s", c->addressing == CFG_ADDRESS_HOST ? "" : c->bucket);
}

static enum rc s3_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e)
{
	struct s3_key parts;
	struct http_opts o = {
		.max_connections = (int)MIN(cfg->in_flight + 2, 64), .ca_file = cfg->ca_file, .allow_plain = cfg->cleartext,
	};
	if (!cfg->bucket)
		return err_set(e, RC_USAGE, "lane %s: the dialect s3 needs a bucket", cfg->name);
	if (!key || !s3_key_read(secret_use(key), &parts))
		return err_set(e, RC_AUTH, "lane %s: its key_file must hold one line, ACCESS_KEY_ID:SECRET or ACCESS_KEY_ID:SECRET:TOKEN", cfg->name);
	struct s3_lane *ln = xcalloc(1, sizeof *ln);
	ln->base = (struct lane){ .kind = &s3_kind, .loop = l, .cfg = cfg, .key = key };
	ln->http = http_client_new(l, &o);
	ln->versioning_boot_us = -1;
	ln->queue_tail = &ln->queue;
	ln->flush = loop_timer_new(l, s3_delete_flush, ln);
	ln->recall = loop_timer_new(l, s3_versioned_recall, ln);
	set_place(ln);
	*out = &ln->base;
	return RC_OK;
}

static void s3_free(struct lane *base)
{
	struct s3_lane *ln = s3_self(base);
	ln->freed = true;
	loop_timer_free(ln->flush);
	loop_timer_free(ln->recall);
	http_client_free(ln->http);
	s3_versioned_stop(ln);
	s3_delete_stop(ln);
	buf_done(&ln->origin);
	buf_done(&ln->host);
	buf_done(&ln->path);
	free(ln);
}

bool s3_split(const struct s3_lane *ln, struct slice id, struct s3_ask *out)
{
	*out = (struct s3_ask){ id, SLICE_LIT("") };
	if (s3_versions(ln)) {
		const char *at = id.n ? memrchr(id.p, '@', id.n) : NULL;
		if (!at)
			return false;
		out->key.n = (size_t)(at - id.p);
		out->version = (struct slice){ at + 1, id.n - out->key.n - 1 };
		if (!out->version.n || out->version.n > S3_VERSION_MAX)
			return false;
	}
	return s3_writable(out->key);
}

/* ---- one request ---- */

enum { LINES_MAX = 32 };

struct lines {
	struct buf line[LINES_MAX];
	const char *z[LINES_MAX + 1];
	size_t n;
};

static void line_add(struct lines *l, const char *name, struct slice value)
{
	struct buf *b = &l->line[l->n];
	buf_addf(b, "%s: ", name);
	buf_add(b, value.p, value.n);
	l->z[l->n++] = buf_z(b);
}

static void lines_done(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		secret_wipe(&l->line[i]);
		buf_done(&l->line[i]);
	}
}

/* AWS wants a digest of the body that is no part of the signature; MD5, where the system still has it. */
static const char *body_digest(struct slice body, struct buf *out)
{
	uint8_t md5[MD5_BYTES];
	struct hash sha;
	if (hash_md5(md5, body.p, body.n)) {
		base64_encode(out, md5, sizeof md5);
		return "content-md5";
	}
	hash_bytes(&sha, body.p, body.n);
	base64_encode(out, sha.b, sizeof sha.b);
	return "x-amz-checksum-sha256";
}

struct signing {
	struct s3_header h[8];
	size_t n;
	struct buf digest, authorization;
	char time[S3_TIME_TEXT], sha[HASH_HEX];
};

static void sign_headers(struct s3_lane *ln, const struct s3_out *o, const struct s3_key *key, struct signing *s)
{
	const char *digest = o->body.n ? body_digest(o->body, &s->digest) : NULL;
	bool first = digest && digest[0] == 'c';
	if (first)
		s->h[s->n++] = (struct s3_header){ digest, buf_slice(&s->digest) };
	s->h[s->n++] = (struct s3_header){ "host", buf_slice(&ln->host) };
	if (digest && !first)
		s->h[s->n++] = (struct s3_header){ digest, buf_slice(&s->digest) };
	s->h[s->n++] = (struct s3_header){ "x-amz-content-sha256", slice_of(s->sha) };
	s->h[s->n++] = (struct s3_header){ "x-amz-date", slice_of(s->time) };
	if (key->token.n)
		s->h[s->n++] = (struct s3_header){ "x-amz-security-token", key->token };
}

static void sign_request(struct s3_lane *ln, const struct s3_out *o, int64_t wall_us, struct signing *s)
{
	struct s3_key key;
	struct hash h;
	memset(s, 0, sizeof *s);
	s3_key_read(secret_use(ln->base.key), &key);
	hash_bytes(&h, o->body.p, o->body.n);
	hash_hex(s->sha, &h);
	s3_time(s->time, wall_us);
	sign_headers(ln, o, &key, s);
	struct s3_request r = { .method = o->method, .region = ln->base.cfg->region, .service = "s3", .path = buf_slice(&ln->path),
		.query = o->query, .headers = s->h, .n_headers = s->n, .body_sha256 = s->sha, .wall_us = wall_us };
	s3_sign(&r, &key, &s->authorization);
}

void s3_send(struct s3_lane *ln, const struct s3_out *o, int64_t *signed_us, http_done_fn *done, void *ctx)
{
	const struct cfg_lane *c = ln->base.cfg;
	struct signing s;
	struct lines l = { .n = 0 };
	struct buf url = { 0 };
	*signed_us = now_read().wall_us;
	sign_request(ln, o, *signed_us, &s);
	for (size_t i = 0; i < s.n; i++)
		if (strcmp(s.h[i].name, "host") != 0)
			line_add(&l, s.h[i].name, s.h[i].value);
	line_add(&l, "Authorization", buf_slice(&s.authorization));
	if (o->body.n)
		line_add(&l, "Content-Type", SLICE_LIT("application/xml"));
	for (size_t i = 0; i < c->n_headers && l.n < LINES_MAX; i++)
		line_add(&l, c->headers[i].name, slice_of(c->headers[i].value));
	buf_addf(&url, "%s%s?%.*s", buf_z(&ln->origin), buf_z(&ln->path), SLICE_FMT(o->query));
	struct http_req r = { .method = o->method, .url = buf_z(&url), .headers = l.z, .body = o->body,
		.timeout_ms = o->timeout_ms, .max_body = o->max_body };
	http_send(ln->http, &r, done, ctx);
	buf_done(&url);
	lines_done(&l);
	buf_done(&s.digest);
	buf_done(&s.authorization);
}

void s3_query_list(struct buf *out, bool versions, struct slice prefix, int64_t limit, struct slice next, struct slice next_version)
{
	char number[24];
	snprintf(number, sizeof number, "%lld", (long long)limit);
	if (!versions && next.n)
		s3_query_add(out, "continuation-token", next);
	s3_query_add(out, "encoding-type", SLICE_LIT("url"));
	if (versions && next.n)
		s3_query_add(out, "key-marker", next);
	if (!versions)
		s3_query_add(out, "list-type", SLICE_LIT("2"));
	s3_query_add(out, "max-keys", slice_of(number));
	s3_query_add(out, "prefix", prefix);
	if (versions && next_version.n)
		s3_query_add(out, "version-id-marker", next_version);
	if (versions)
		s3_query_add(out, "versions", SLICE_LIT(""));
}

/* ---- is the bucket versioned? ---- */

struct s3_wait {
	struct s3_wait *next;
	struct s3_lane *ln;
	s3_versioned_fn *fn;
	void *ctx;
	int64_t signed_us;
};

static void answer_waits(struct s3_lane *ln, const struct s3_versioned *v)
{
	struct s3_wait *w = ln->waits, *next;
	ln->waits = NULL;
	for (; w; w = next) {
		next = w->next;
		w->fn(w->ctx, v);
		free(w);
	}
}

static void versioning_answered(void *ctx, const struct http_answer *a)
{
	struct s3_wait *first = ctx;
	struct s3_lane *ln = first->ln;
	struct s3_error said;
	struct s3_versioned v = { .wait_ms = -1 };
	v.trouble = s3_trouble(a, first->signed_us, &said, v.detail);
	ln->asking = false;
	if (v.trouble == LANE_PACED)
		v.wait_ms = dialect_wait_ms(a);
	if (v.trouble == LANE_FINE)
		v.is = s3_read_versioning(a->body);
	if (v.trouble == LANE_FINE && v.is == S3_VERSIONING_UNKNOWN) {
		v.trouble = LANE_GARBLED;
		snprintf(v.detail, sizeof v.detail, "the store does not say whether the bucket is versioned");
	}
	ln->versioning = v.is;
	ln->versioning_boot_us = v.is == S3_VERSIONING_UNKNOWN ? -1 : now_read().boot_us;
	answer_waits(ln, &v);
}

void s3_versioned_recall(void *ctx)
{
	struct s3_lane *ln = ctx;
	if (!ln->asking)
		answer_waits(ln, &(struct s3_versioned){ .is = ln->versioning, .wait_ms = -1 });
}

void s3_versioned(struct s3_lane *ln, s3_versioned_fn *fn, void *ctx)
{
	struct s3_wait *w = xcalloc(1, sizeof *w);
	struct s3_out o = { .method = "GET", .query = SLICE_LIT("versioning="), .max_body = 64 << 10, .timeout_ms = ln->base.cfg->timeout_ms };
	*w = (struct s3_wait){ NULL, ln, fn, ctx, 0 };
	struct s3_wait **tail = &ln->waits;
	while (*tail)
		tail = &(*tail)->next;
	*tail = w;
	if (ln->asking)
		return;
	if (ln->versioning_boot_us >= 0 && now_read().boot_us - ln->versioning_boot_us < VERSIONING_FRESH_US) {
		loop_timer_start(ln->recall, 0, 0);
		return;
	}
	ln->asking = true;
	s3_send(ln, &o, &w->signed_us, versioning_answered, w);
}

void s3_versioned_stop(struct s3_lane *ln)
{
	answer_waits(ln, &(struct s3_versioned){ .trouble = LANE_CUT, .wait_ms = -1, .detail = "cancelled here" });
}

const struct lane_kind s3_kind = {
	.speaks = s3_speaks, .names = s3_names, .open = s3_new, .free = s3_free, .permit = s3_permit,
	.can_get = s3_can_get, .requests_sent = s3_requests_sent, .identity = s3_identity,
	.list = s3_list, .probe = s3_probe, .delete_ = s3_delete,
	.undoes = s3_undoes, .must_undo = s3_must_undo, .undo = s3_undo,
};
