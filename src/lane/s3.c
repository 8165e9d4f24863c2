/* A bucket of an S3 store: life, and whether the bucket is versioned. */
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
static const char *s3_content_never(const struct lane *ln, struct slice purpose) { (void)ln; (void)purpose; return NULL; }
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
	.list = s3_list, .probe = s3_probe, .delete_ = s3_delete, .bulk = S3_BATCH_KEYS,
	.content_never = s3_content_never, .content = s3_content, .content_go_on = s3_content_go_on, .content_stop = s3_content_stop,
	.upload_never = s3_upload_never, .upload = s3_upload, .upload_most = S3_PUT_MAX, .upload_keeps_id = true,
	.undoes = s3_undoes, .must_undo = s3_must_undo, .undo = s3_undo,
};
