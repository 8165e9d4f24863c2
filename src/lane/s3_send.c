/* One signed request to a bucket or to an object of it. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 32 + S3_HEADERS_MAX };

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
	struct s3_header h[8 + S3_HEADERS_MAX];
	size_t n;
	struct buf digest, authorization, path;
	char time[S3_TIME_TEXT], sha[HASH_HEX];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct s3_header *)a)->name, ((const struct s3_header *)b)->name);
}

static void sign_header(struct signing *s, const char *name, struct slice value) { s->h[s->n++] = (struct s3_header){ name, value }; }

static void sign_headers(struct s3_lane *ln, const struct s3_out *o, const struct s3_key *key, struct signing *s)
{
	const char *digest = o->body.n ? body_digest(o->body, &s->digest) : NULL;
	if (digest)
		sign_header(s, digest, buf_slice(&s->digest));
	sign_header(s, "host", buf_slice(&ln->host));
	if (o->only_new)
		sign_header(s, "if-none-match", SLICE_LIT("*"));
	sign_header(s, "x-amz-content-sha256", slice_of(s->sha));
	sign_header(s, "x-amz-date", slice_of(s->time));
	if (key->token.n)
		sign_header(s, "x-amz-security-token", key->token);
	for (size_t i = 0; i < MIN(o->n_headers, (size_t)S3_HEADERS_MAX); i++)
		sign_header(s, o->headers[i].name, o->headers[i].value);
	qsort(s->h, s->n, sizeof *s->h, by_name);
}

static void set_path(const struct s3_lane *ln, struct slice key, struct buf *out)
{
	buf_add(out, ln->path.p, ln->path.n);
	if (key.n && ln->base.cfg->addressing != CFG_ADDRESS_HOST)
		buf_addc(out, '/');
	s3_encode(out, key, true);
}

static void sign_request(struct s3_lane *ln, const struct s3_out *o, int64_t wall_us, struct signing *s)
{
	struct s3_key key;
	struct hash h;
	memset(s, 0, sizeof *s);
	s3_key_read(secret_use(ln->base.key), &key);
	hash_bytes(&h, o->body.p, o->body.n);
	hash_hex(s->sha, o->file ? o->sha256 : &h);
	s3_time(s->time, wall_us);
	set_path(ln, o->key, &s->path);
	sign_headers(ln, o, &key, s);
	struct s3_request r = { .method = o->method, .region = ln->base.cfg->region, .service = "s3", .path = buf_slice(&s->path),
		.query = o->query, .headers = s->h, .n_headers = s->n, .body_sha256 = s->sha, .wall_us = wall_us };
	s3_sign(&r, &key, &s->authorization);
}

struct http_call *s3_send(struct s3_lane *ln, const struct s3_out *o, int64_t *signed_us, http_done_fn *done, void *ctx)
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
	buf_addf(&url, "%s%s%s%.*s", buf_z(&ln->origin), buf_z(&s.path), o->query.n ? "?" : "", SLICE_FMT(o->query));
	struct http_req r = { .method = o->method, .url = buf_z(&url), .headers = l.z, .body = o->body, .file = o->file, .part = o->part, .keep = o->keep,
		.timeout_ms = o->timeout_ms, .idle_ms = o->idle_ms, .max_body = o->max_body };
	struct http_call *call = http_send(ln->http, &r, done, ctx);
	buf_done(&url);
	lines_done(&l);
	buf_done(&s.path);
	buf_done(&s.digest);
	buf_done(&s.authorization);
	return call;
}
