/* The bytes of one object, or of one version of it, and what the store keeps with them. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not kept: tags, ACLs, locks, the storage class. */
static const char *const kept_headers[] = {
	"cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires", "x-amz-meta-", NULL,
};

struct s3_reading {
	struct s3_lane *ln;
	lane_part_fn *part;
	lane_content_fn *fn;
	void *ctx;
	struct http_call *http;
	int64_t signed_us;
};

/* What callers hold is the request itself. */
static struct lane_stream *stream_of(struct s3_reading *r) { return (struct lane_stream *)r; }
static struct s3_reading *reading_of(struct lane_stream *s) { return (struct s3_reading *)s; }

bool s3_addressable(struct slice key)
{
	for (size_t at = 0; at <= key.n;) {
		const char *slash = at < key.n ? memchr(key.p + at, '/', key.n - at) : NULL;
		struct slice one = { key.p + at, (slash ? (size_t)(slash - key.p) : key.n) - at };
		if (slice_is(one, ".") || slice_is(one, ".."))
			return false;
		at += one.n + 1;
	}
	return key.n > 0;
}

static bool printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

bool s3_headers_read(struct slice lines, struct arena *keep, struct s3_header out[S3_HEADERS_MAX], size_t *n)
{
	*n = 0;
	while (lines.n) {
		const char *end = memchr(lines.p, '\n', lines.n), *colon = end ? memmem(lines.p, (size_t)(end - lines.p), ": ", 2) : NULL;
		if (!colon || colon == lines.p || *n == S3_HEADERS_MAX)
			return false;
		struct s3_header h = { arena_strndup(keep, lines.p, (size_t)(colon - lines.p)), { colon + 2, (size_t)(end - colon) - 2 } };
		if (!printable(h.value))
			return false;
		for (size_t i = 0; i < *n; i++)
			if (strcmp(out[i].name, h.name) == 0)
				return false;
		out[(*n)++] = h;
		lines.n -= (size_t)(end + 1 - lines.p);
		lines.p = end + 1;
	}
	return true;
}

static bool whole_headers(const struct http_answer *a)
{
	struct s3_header h[S3_HEADERS_MAX];
	struct arena *keep = arena_new(1 << 12);
	size_t n;
	bool whole = !a->kept_part && s3_headers_read(a->kept, keep, h, &n);
	arena_free(keep);
	return whole;
}

static bool on_part(void *ctx, struct slice part)
{
	struct s3_reading *r = ctx;
	return r->part(r->ctx, part);
}

/* An error that has its row is about this key unless the row says that it is about the lane. */
static void read_error(const struct s3_error *said, struct lane_content *out)
{
	struct lane_answer key = { 0 };
	if (!said->code[0] || (out->trouble != LANE_REJECTED && out->trouble != LANE_AUTH))
		return;
	s3_key_error(said, &key);
	out->missing = key.kind == LANE_MISSING;
	out->about_item = out->missing || key.kind == LANE_ITEM_REFUSED || out->trouble == LANE_REJECTED;
	if (out->about_item)
		out->trouble = LANE_REJECTED;
}

static void read_end(void *ctx, const struct http_answer *a)
{
	struct s3_reading *r = ctx;
	struct s3_error said;
	struct lane_content out = { .wait_ms = -1, .status = a->status, .took_us = a->took_us };
	out.trouble = s3_trouble(a, r->signed_us, &said, out.detail);
	if (a->error == HTTP_ERR_TOO_LARGE) {
		out.trouble = LANE_GARBLED;
		out.about_item = true;
		snprintf(out.detail, sizeof out.detail, "more bytes came than the lane lists for this object");
	} else if (out.trouble == LANE_FINE && a->status != 200) {
		out.trouble = LANE_GARBLED;
		snprintf(out.detail, sizeof out.detail, "HTTP %d is no answer to a request for the whole object", a->status);
	} else if (out.trouble == LANE_FINE && !whole_headers(a)) {
		out.trouble = LANE_REJECTED;
		out.about_item = true;
		snprintf(out.detail, sizeof out.detail, "its metadata cannot be kept: it is too much, has a name twice, or bytes that no header should hold");
	} else {
		read_error(&said, &out);
	}
	if (out.trouble == LANE_PACED)
		out.wait_ms = dialect_wait_ms(a);
	out.headers = a->kept;
	r->fn(r->ctx, &out);
	free(r);
}

static void read_refused(void *ctx)
{
	struct s3_reading *r = ctx;
	r->fn(r->ctx, &(struct lane_content){ .trouble = LANE_REJECTED, .about_item = true, .wait_ms = -1,
					     .detail = "not sent: this key cannot be written in a URL" });
	free(r);
}

struct lane_stream *s3_content(struct lane *base, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx)
{
	struct s3_lane *ln = s3_self(base);
	struct s3_reading *r = xcalloc(1, sizeof *r);
	struct s3_ask ask;
	struct buf query = { 0 };
	*r = (struct s3_reading){ .ln = ln, .part = part, .fn = fn, .ctx = ctx };
	if (!s3_split(ln, id, &ask) || !s3_addressable(ask.key)) {
		loop_defer(base->loop, read_refused, r);
		return stream_of(r);
	}
	if (ask.version.n)
		s3_query_add(&query, "versionId", ask.version);
	struct s3_out o = { .method = "GET", .key = ask.key, .query = buf_slice(&query), .part = on_part, .keep = kept_headers,
		.max_body = (size_t)MAX(at_most, 1), .timeout_ms = S3_STREAM_TIMEOUT_MS, .idle_ms = base->cfg->timeout_ms };
	r->http = s3_send(ln, &o, &r->signed_us, read_end, r);
	buf_done(&query);
	return stream_of(r);
}

void s3_content_go_on(struct lane *base, struct lane_stream *s)
{
	(void)base;
	if (reading_of(s)->http)
		http_go_on(reading_of(s)->http);
}

void s3_content_stop(struct lane *base, struct lane_stream *s)
{
	(void)base;
	if (reading_of(s)->http)
		http_cancel(reading_of(s)->http);
}
