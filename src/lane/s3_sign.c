#include "lane/s3_sign.h"

#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- credentials ---- */

/* What may stand in a header: no space, no control character. */
static bool printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0;
}

static struct slice until_colon(struct slice *rest)
{
	const char *colon = rest->n ? memchr(rest->p, ':', rest->n) : NULL;
	struct slice head = { rest->p, colon ? (size_t)(colon - rest->p) : rest->n };
	size_t used = head.n + (colon != NULL);
	rest->p += used;
	rest->n -= used;
	return head;
}

bool s3_key_read(struct slice text, struct s3_key *out)
{
	struct slice rest = text;
	out->id = until_colon(&rest);
	out->secret = until_colon(&rest);
	out->token = rest;
	return printable(out->id) && printable(out->secret) && (!rest.n || printable(rest));
}

/* ---- encoding ---- */

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void s3_encode(struct buf *out, struct slice s, bool slashes)
{
	for (size_t i = 0; i < s.n; i++)
		if (unreserved(s.p[i]) || (slashes && s.p[i] == '/'))
			buf_addc(out, s.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
}

void s3_query_add(struct buf *query, const char *name, struct slice value)
{
	buf_addf(query, "%s%s=", query->n ? "&" : "", name);
	s3_encode(query, value, false);
}

/* ---- the signature ---- */

const char *s3_time(char dst[S3_TIME_TEXT], int64_t wall_us)
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;
	gmtime_r(&t, &tm);
	if (!strftime(dst, S3_TIME_TEXT, "%Y%m%dT%H%M%SZ", &tm))
		dst[0] = '\0';
	return dst;
}

static void header_names(const struct s3_request *r, struct buf *out)
{
	for (size_t i = 0; i < r->n_headers; i++)
		buf_addf(out, "%s%s", i ? ";" : "", r->headers[i].name);
}

/* Spaces in a row count as one. */
static void add_value(struct buf *out, struct slice v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ' || (i && v.p[i - 1] != ' '))
			buf_addc(out, v.p[i]);
}

void s3_canonical(const struct s3_request *r, struct buf *out)
{
	buf_addf(out, "%s\n", r->method);
	buf_add(out, r->path.p, r->path.n);
	buf_addc(out, '\n');
	buf_add(out, r->query.p, r->query.n);
	buf_addc(out, '\n');
	for (size_t i = 0; i < r->n_headers; i++) {
		buf_addf(out, "%s:", r->headers[i].name);
		add_value(out, r->headers[i].value);
		buf_addc(out, '\n');
	}
	buf_addc(out, '\n');
	header_names(r, out);
	buf_addf(out, "\n%s", r->body_sha256);
}

static struct slice bytes_of(const struct hash *h) { return (struct slice){ (const char *)h->b, HASH_BYTES }; }

void s3_signing_key(struct hash *out, struct slice secret, const char *day, const char *region, const char *service)
{
	/* one allocation, so that growing leaves no copy of the secret behind */
	struct buf first = { .p = xcalloc(1, secret.n + sizeof "AWS4"), .cap = secret.n + sizeof "AWS4" };
	buf_adds(&first, "AWS4");
	buf_add(&first, secret.p, secret.n);
	hash_hmac(out, buf_slice(&first), slice_of(day));
	secret_wipe(&first);
	buf_done(&first);
	hash_hmac(out, bytes_of(out), slice_of(region));
	hash_hmac(out, bytes_of(out), slice_of(service));
	hash_hmac(out, bytes_of(out), SLICE_LIT("aws4_request"));
}

void s3_sign(const struct s3_request *r, const struct s3_key *k, struct buf *out)
{
	char time[S3_TIME_TEXT], day[9], hex[HASH_HEX];
	struct buf text = { 0 }, scope = { 0 };
	struct hash h;
	s3_time(time, r->wall_us);
	snprintf(day, sizeof day, "%.8s", time);
	buf_addf(&scope, "%s/%s/%s/aws4_request", day, r->region, r->service);
	s3_canonical(r, &text);
	hash_bytes(&h, text.p, text.n);
	buf_clear(&text);
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", time, buf_z(&scope), hash_hex(hex, &h));
	s3_signing_key(&h, k->secret, day, r->region, r->service);
	hash_hmac(&h, bytes_of(&h), buf_slice(&text));
	buf_addf(out, "AWS4-HMAC-SHA256 Credential=%.*s/%s,SignedHeaders=", SLICE_FMT(k->id), buf_z(&scope));
	header_names(r, out);
	buf_addf(out, ",Signature=%s", hash_hex(hex, &h));
	buf_done(&text);
	buf_done(&scope);
}
