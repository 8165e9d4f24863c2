/* Lanes that speak OpenAI's Files API in one of the dialects of lane/dialect.h. */
#include "lane/files_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "lane/probe_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static bool files_speaks(struct slice dialect) { return dialect_find(dialect) != NULL; }

static void set_purposes(struct files_lane *ln)
{
	if (!ln->d->purpose_param)
		return;
	ln->purposes = ln->base.cfg->n_purposes ? ln->base.cfg->purposes : ln->d->purposes;
	ln->n_purposes = ln->base.cfg->n_purposes;
	while (!ln->base.cfg->n_purposes && ln->purposes[ln->n_purposes])
		ln->n_purposes++;
}

/* What is listed is part of what a plan is about. */
static void files_identity(const struct lane *base, struct buf *out)
{
	const struct files_lane *ln = files_self_const(base);
	for (size_t i = 0; i < ln->n_purposes; i++)
		buf_addf(out, "%s%s", i ? "," : " purposes=", ln->purposes[i]);
}

static enum rc files_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e)
{
	struct files_lane *ln = xcalloc(1, sizeof *ln);
	struct http_opts o = {
		.max_connections = (int)MIN(cfg->in_flight + 2, 1024),
		.ca_file = cfg->ca_file,
		.allow_plain = cfg->cleartext,
	};
	ln->base = (struct lane){ .kind = &files_kind, .loop = l, .cfg = cfg, .key = key };
	ln->d = dialect_find(slice_of(cfg->dialect));
	if (files_set_places(ln, e) != RC_OK) {
		free(ln->places);
		free(ln);
		return RC_USAGE;
	}
	ln->http = http_client_new(l, &o);
	if (!ln->d->has_get)
		ln->lists = probe_list_new(&ln->base);
	set_purposes(ln);
	*out = &ln->base;
	return RC_OK;
}

static void files_permit(struct lane *ln, enum http_permit p) { http_client_permit(files_self(ln)->http, p); }
static bool files_can_get(const struct lane *ln) { return files_self_const(ln)->d->has_get; }
static int64_t files_requests_sent(const struct lane *ln) { return http_requests_sent(files_self_const(ln)->http); }

/* ---- requests ---- */

enum { CONTENT_TIMEOUT_MS = 6 * 3600 * 1000 };

void files_headers_fill(struct headers *h, const struct files_lane *ln, bool content)
{
	size_t n = 0;
	memset(h, 0, sizeof *h);
	h->lines[n++] = content ? "Accept: */*" : "Accept: application/json";
	if (ln->base.key) {
		struct slice k = secret_use(ln->base.key);
		char *room = xcalloc(1, k.n + sizeof "Authorization: Bearer ");
		h->auth.p = room;       /* one allocation, so that growing leaves no copy behind */
		h->auth.cap = k.n + sizeof "Authorization: Bearer ";
		buf_adds(&h->auth, "Authorization: Bearer ");
		buf_add(&h->auth, k.p, k.n);
		h->lines[n++] = buf_z(&h->auth);
	}
	for (size_t i = 0; i < ln->base.cfg->n_headers && i < FILES_HEADERS; i++) {
		buf_addf(&h->extra[i], "%s: %s", ln->base.cfg->headers[i].name, ln->base.cfg->headers[i].value);
		h->lines[n++] = buf_z(&h->extra[i]);
	}
	h->lines[n] = NULL;
}

void files_headers_wipe(struct headers *h)
{
	secret_wipe(&h->auth);
	buf_done(&h->auth);
	for (size_t i = 0; i < FILES_HEADERS; i++)
		buf_done(&h->extra[i]);
}

void files_call_free(struct call *c)
{
	buf_done(&c->subject);
	buf_done(&c->cursor);
	buf_done(&c->parent);
	free(c);
}

struct call *files_call_new(struct files_lane *ln, enum call_kind kind, struct slice subject, void *ctx)
{
	struct call *c = xcalloc(1, sizeof *c);
	c->ln = ln;
	c->kind = kind;
	c->ctx = ctx;
	buf_add(&c->subject, subject.p, subject.n);
	return c;
}

void files_send(struct call *c, const char *method, const char *url, size_t max_body, http_part_fn *part, http_done_fn *done)
{
	const struct cfg_lane *cfg = c->ln->base.cfg;
	struct headers h;
	files_headers_fill(&h, c->ln, part != NULL);
	struct http_req r = {
		.method = method, .url = url, .headers = h.lines,
		.timeout_ms = c->kind == CALL_LIST || c->kind == CALL_REFS ? cfg->list_timeout_ms : cfg->timeout_ms, .max_body = max_body,
	};
	if (part) {             /* as long as something comes */
		r.part = part;
		r.idle_ms = cfg->timeout_ms;
		r.timeout_ms = CONTENT_TIMEOUT_MS;
	}
	c->http = http_send(c->ln->http, &r, done, c);
	files_headers_wipe(&h);
}

bool files_addressable(struct slice id)
{
	return id.n && !slice_is(id, ".") && !slice_is(id, "..");
}

void files_item_url(const struct files_lane *ln, struct slice id, struct buf *out)
{
	struct slice u = lane_base_url(&ln->base);
	buf_add(out, u.p, u.n);
	buf_adds(out, ln->d->list_path);
	buf_addc(out, '/');
	url_segment(out, id);
}

static void files_free(struct lane *base)
{
	struct files_lane *ln = files_self(base);
	if (ln->lists)
		probe_list_stop(ln->lists);
	http_client_free(ln->http);
	files_list_stop(ln);
	probe_list_free(ln->lists);
	free(ln->places);
	free(ln);
}

/* ---- delete ---- */

static void deleted(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_answer out;
	dialect_read_delete(c->ln->d, a, buf_slice(&c->subject), &out);
	c->fn.answer(c->ctx, &out);
	files_call_free(c);
}

static void delete_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_answer out = { .kind = LANE_ITEM_REFUSED, .trouble = LANE_REJECTED, .class_ = RETRY_REJECTED, .wait_ms = -1,
				   .detail = "not sent: this id cannot be written in a URL" };
	c->fn.answer(c->ctx, &out);
	files_call_free(c);
}

static void files_delete(struct lane *base, struct slice id, lane_answer_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	struct call *c = files_call_new(ln, CALL_DELETE, id, ctx);
	struct buf url = { 0 };
	c->fn.answer = fn;
	if (!files_addressable(id)) {
		loop_defer(ln->base.loop, delete_refused, c);
		return;
	}
	files_item_url(ln, id, &url);
	files_send(c, "DELETE", buf_z(&url), FILES_ANSWER_MAX, NULL, deleted);
	buf_done(&url);
}

/* ---- probe ---- */

static void probe_read(const struct dialect *d, const struct http_answer *a, struct slice id, struct lane_probe *p, struct json_doc **doc)
{
	bool about_item;
	struct err e = { 0 };
	memset(p, 0, sizeof *p);
	*doc = NULL;
	p->presence = LANE_NO_ANSWER;
	p->wait_ms = -1;
	p->status = a->status;
	p->took_us = a->took_us;
	p->trouble = dialect_trouble(d, a, &about_item, p->detail);
	if (p->trouble == LANE_PACED)
		p->wait_ms = dialect_wait_ms(a);
	if (dialect_says_missing(d, a)) {
		p->presence = LANE_ABSENT;
		p->trouble = LANE_FINE;
	} else if (p->trouble == LANE_FINE && dialect_read_item(d, a, id, &p->item, doc, &e) == RC_OK) {
		p->presence = LANE_PRESENT;
	} else if (p->trouble == LANE_FINE) {
		p->trouble = LANE_GARBLED;
		snprintf(p->detail, sizeof p->detail, "%.190s", e.text);
	}
}

static void probed(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_probe p;
	struct json_doc *doc;
	probe_read(c->ln->d, a, buf_slice(&c->subject), &p, &doc);
	c->fn.probe(c->ctx, &p);
	json_doc_free(doc);
	files_call_free(c);
}

static void probe_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_probe p = { .presence = LANE_NO_ANSWER, .trouble = LANE_REJECTED, .wait_ms = -1,
				.detail = "not sent: this id cannot be written in a URL" };
	c->fn.probe(c->ctx, &p);
	files_call_free(c);
}

static void files_probe(struct lane *base, struct slice id, lane_probe_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	if (ln->lists) {
		probe_list_ask(ln->lists, id, fn, ctx);
		return;
	}
	struct call *c = files_call_new(ln, CALL_PROBE, id, ctx);
	struct buf url = { 0 };
	c->fn.probe = fn;
	if (!files_addressable(id)) {
		loop_defer(ln->base.loop, probe_refused, c);
		return;
	}
	files_item_url(ln, id, &url);
	files_send(c, "GET", buf_z(&url), FILES_ANSWER_MAX, NULL, probed);
	buf_done(&url);
}

const struct lane_kind files_kind = {
	.speaks = files_speaks, .names = dialect_names, .open = files_new, .free = files_free, .permit = files_permit,
	.can_get = files_can_get, .requests_sent = files_requests_sent, .identity = files_identity,
	.list = files_list, .probe = files_probe, .delete_ = files_delete,
	.upload_never = files_upload_never, .upload = files_upload,
	.content_never = files_content_never, .content = files_content, .content_go_on = files_content_go_on, .content_stop = files_content_stop,
	.places = files_places, .place = files_place, .refs = files_refs,
};
