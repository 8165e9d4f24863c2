/* An object put back under its key: looked for first, put only where nothing is (If-None-Match, which is decided by the
 * store itself, in one step), then read again whole and compared. */
#include "lane/s3_impl.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s3_putting {
	struct s3_lane *ln;
	lane_uploaded_fn *fn;
	void *ctx;
	struct buf key, headers;
	int fd;
	int64_t bytes, signed_us;
	struct hash sha256;
	struct lane_answer answer;
	/* read again */
	struct hasher *hasher;
	int64_t came;
	bool stopped;
};

const char *s3_upload_never(const struct lane *base, struct slice purpose)
{
	(void)purpose;
	return s3_versions(s3_self_const(base)) ? "a version cannot be put back into its place among the versions of its key" : NULL;
}

static void put_end(struct s3_putting *p)
{
	bool done = p->answer.kind == LANE_DELETED;
	p->fn(p->ctx, &p->answer, done ? buf_slice(&p->key) : SLICE_LIT(""));
	if (p->hasher)
		hasher_free(p->hasher);
	buf_done(&p->key);
	buf_done(&p->headers);
	free(p);
}

static void put_refused(struct s3_putting *p, const char *why)
{
	p->answer.kind = LANE_ITEM_REFUSED;
	p->answer.trouble = LANE_REJECTED;
	p->answer.class_ = RETRY_REJECTED;
	snprintf(p->answer.detail, sizeof p->answer.detail, "%.190s", why);
	put_end(p);
}

/* ---- read again ---- */

static bool again_part(void *ctx, struct slice part)
{
	struct s3_putting *p = ctx;
	hasher_add(p->hasher, part.p, part.n);
	p->came += (int64_t)part.n;
	return true;
}

/* It is there, and what it holds is known, or nobody knows. */
static void again_end(void *ctx, const struct lane_content *c)
{
	struct s3_putting *p = ctx;
	struct hash now;
	hasher_end(p->hasher, &now);
	bool other = c->trouble == LANE_GARBLED && c->about_item;       /* longer than what was sent */
	if (c->trouble == LANE_FINE && p->came == p->bytes && hash_eq(&now, &p->sha256)) {
		p->answer.kind = LANE_DELETED;
		p->answer.trouble = LANE_FINE;
		p->answer.class_ = RETRY_NONE_CLASS;
		p->answer.detail[0] = '\0';
		put_end(p);
	} else if (c->trouble == LANE_FINE || other) {
		put_refused(p, "it was put, and reads differently from what was sent: look at this object before anything relies on it");
	} else {
		p->answer.kind = LANE_UNCLEAR;
		p->answer.trouble = c->trouble;
		p->answer.class_ = RETRY_TIMEOUT;
		snprintf(p->answer.detail, sizeof p->answer.detail, "it was put, and could not be read again: %.140s", c->detail);
		put_end(p);
	}
}

static void read_again(struct s3_putting *p)
{
	p->hasher = hasher_new();
	hasher_begin(p->hasher);
	s3_content(&p->ln->base, buf_slice(&p->key), p->bytes, again_part, again_end, p);
}

/* ---- the request ---- */

static void put_answered(void *ctx, const struct http_answer *a)
{
	struct s3_putting *p = ctx;
	struct s3_error said;
	p->answer = (struct lane_answer){ .left = a->left, .status = a->status, .wait_ms = -1, .took_us = a->took_us, .quota = a->quota };
	memcpy(p->answer.request_id, a->request_id, sizeof p->answer.request_id);
	p->answer.trouble = s3_trouble(a, p->signed_us, &said, p->answer.detail);
	if (p->answer.trouble == LANE_FINE && a->status == 200 && !p->ln->freed) {
		read_again(p);
		return;
	}
	if (a->status == 412) {
		put_refused(p, "its key is not free: an object is there by now, and nothing is overwritten");
		return;
	}
	if (p->answer.trouble == LANE_FINE)
		p->answer.trouble = LANE_GARBLED;
	dialect_meaning(p->answer.trouble, p->answer.trouble == LANE_REJECTED, &p->answer);
	if (p->answer.trouble == LANE_PACED) {
		p->answer.wait_ms = dialect_wait_ms(a);
		p->answer.wait_coarse = dialect_wait_coarse(a, p->answer.wait_ms);
	}
	put_end(p);
}

static void put_send(struct s3_putting *p)
{
	struct s3_header h[S3_HEADERS_MAX];
	struct arena *keep = arena_new(1 << 12);
	struct http_file file = { .fd = p->fd, .bytes = p->bytes };
	struct s3_out o = { .method = "PUT", .key = buf_slice(&p->key), .only_new = true, .headers = h, .file = &file, .sha256 = &p->sha256,
		.max_body = S3_ANSWER_MAX, .timeout_ms = S3_STREAM_TIMEOUT_MS, .idle_ms = p->ln->base.cfg->timeout_ms };
	if (s3_headers_read(buf_slice(&p->headers), keep, h, &o.n_headers))
		s3_send(p->ln, &o, &p->signed_us, put_answered, p);
	else
		put_refused(p, "not sent: its metadata cannot be written in a request");
	arena_free(keep);
}

/* Nothing left, so what else it came to may pass. */
static bool about_lane(enum lane_trouble t)
{
	return t == LANE_PACED || t == LANE_AUTH || t == LANE_BILLING || t == LANE_UNSUPPORTED || t == LANE_NOT_PERMITTED;
}

/* Stores that do not know If-None-Match take it for nothing: what is there is seen before. */
static void looked(void *ctx, const struct lane_probe *a)
{
	struct s3_putting *p = ctx;
	switch (a->presence) {
	case LANE_PRESENT:
		put_refused(p, "its key is not free: an object is there by now, and nothing is overwritten");
		return;
	case LANE_NO_ANSWER:
		p->answer.trouble = about_lane(a->trouble) ? a->trouble : LANE_NETWORK;
		dialect_meaning(p->answer.trouble, false, &p->answer);
		p->answer.wait_ms = a->wait_ms;
		snprintf(p->answer.detail, sizeof p->answer.detail, "not sent: %.180s", a->detail);
		put_end(p);
		return;
	case LANE_ABSENT:
		put_send(p);
	}
}

static void put_never(void *ctx)
{
	struct s3_putting *p = ctx;
	put_refused(p, p->bytes > S3_PUT_MAX ? "not sent: it has more than the 5 GiB of one PUT" : "not sent: this key cannot be written in a URL");
}

void s3_upload(struct lane *base, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx)
{
	struct s3_putting *p = xcalloc(1, sizeof *p);
	*p = (struct s3_putting){ .ln = s3_self(base), .fn = fn, .ctx = ctx, .fd = f->fd, .bytes = f->bytes, .sha256 = *f->sha256,
				  .answer = { .wait_ms = -1 } };
	buf_add(&p->key, f->name.p, f->name.n);
	buf_add(&p->headers, f->headers.p, f->headers.n);
	if (!s3_addressable(f->name) || !s3_writable(f->name) || f->bytes > S3_PUT_MAX)
		loop_defer(base->loop, put_never, p);
	else
		s3_probe(base, buf_slice(&p->key), looked, p);
}
