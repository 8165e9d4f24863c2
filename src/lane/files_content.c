/* The bytes of one file: GET below its own path. */
#include "lane/files_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* What callers hold is the request itself. */
static struct lane_stream *stream_of(struct call *c) { return (struct lane_stream *)c; }
static struct call *call_of(struct lane_stream *s) { return (struct call *)s; }

const char *files_content_never(const struct lane *base, struct slice purpose)
{
	const struct dialect *d = files_self_const(base)->d;
	if (!d->content_path)
		return d->content_why;
	for (const char *const *p = d->content_purposes; p; p++)
		if (!*p || slice_is(purpose, *p))
			return *p ? NULL : d->content_why;
	return NULL;
}

static bool on_part(void *ctx, struct slice part)
{
	struct call *c = ctx;
	return c->part(c->ctx, part);
}

static void streamed(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_content out = { .wait_ms = -1, .status = a->status, .took_us = a->took_us };
	if (a->error == HTTP_ERR_TOO_LARGE) {
		out.trouble = LANE_GARBLED;
		out.about_item = true;
		snprintf(out.detail, sizeof out.detail, "more bytes came than the lane lists for this item");
	} else if (dialect_says_missing(c->ln->d, a)) {
		out.trouble = LANE_REJECTED;
		out.about_item = out.missing = true;
		snprintf(out.detail, sizeof out.detail, "HTTP %d: the store says that there is no such file", a->status);
	} else {
		out.trouble = dialect_trouble(c->ln->d, a, &out.about_item, out.detail);
		out.about_item = out.about_item || out.trouble == LANE_REJECTED;
		if (out.trouble == LANE_FINE && a->status != 200) {
			out.trouble = LANE_GARBLED;
			snprintf(out.detail, sizeof out.detail, "HTTP %d is no answer to a request for the whole content", a->status);
		}
	}
	if (out.trouble == LANE_PACED)
		out.wait_ms = dialect_wait_ms(a);
	c->fn.content(c->ctx, &out);
	files_call_free(c);
}

static void content_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_content out = { .trouble = LANE_REJECTED, .about_item = true, .wait_ms = -1,
				    .detail = "not sent: this id cannot be written in a URL" };
	c->fn.content(c->ctx, &out);
	files_call_free(c);
}

struct lane_stream *files_content(struct lane *base, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	struct call *c = files_call_new(ln, CALL_CONTENT, id, ctx);
	struct buf url = { 0 };
	c->fn.content = fn;
	c->part = part;
	if (!files_addressable(id)) {
		loop_defer(ln->base.loop, content_refused, c);
		return stream_of(c);
	}
	files_item_url(ln, id, &url);
	buf_adds(&url, ln->d->content_path);
	files_send(c, "GET", buf_z(&url), (size_t)MAX(at_most, 1), on_part, streamed);
	buf_done(&url);
	return stream_of(c);
}

void files_content_go_on(struct lane *base, struct lane_stream *s)
{
	(void)base;
	if (call_of(s)->http)
		http_go_on(call_of(s)->http);
}

void files_content_stop(struct lane *base, struct lane_stream *s)
{
	(void)base;
	if (call_of(s)->http)
		http_cancel(call_of(s)->http);
}
