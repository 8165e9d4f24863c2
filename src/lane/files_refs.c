/* References at the provider: one page of one place. */
#include "lane/files_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

enum rc files_set_places(struct files_lane *ln, struct err *e)
{
	const struct cfg_lane *cfg = ln->base.cfg;
	char shown[80];
	ln->places = xcalloc(cfg->n_referrers + 1, sizeof *ln->places);
	for (size_t i = 0; i < cfg->n_referrers; i++) {
		ln->places[i] = dialect_place(ln->d, slice_of(cfg->referrers[i]));
		if (ln->places[i])
			continue;
		struct buf names = { 0 };
		dialect_place_names(ln->d, &names);
		err_set(e, RC_USAGE, "lane %s: referrers: the dialect %s has no list of %s; it has: %s", cfg->name, ln->d->name,
			text_z(shown, sizeof shown, slice_of(cfg->referrers[i])), buf_z(&names));
		buf_done(&names);
		return RC_USAGE;
	}
	return RC_OK;
}

size_t files_places(const struct lane *ln) { return ln->cfg->n_referrers; }
const struct dialect_place *files_place(const struct lane *ln, size_t i) { return files_self_const(ln)->places[i]; }

static void refs_url(const struct call *c, struct buf *out)
{
	struct slice u = lane_base_url(&c->ln->base);
	buf_add(out, u.p, u.n);
	buf_adds(out, c->place->path);
	if (c->parent.n) {
		buf_addc(out, '/');
		url_segment(out, buf_slice(&c->parent));
		buf_adds(out, c->place->child_path);
	}
	buf_addf(out, "?limit=%d", DIALECT_PLACE_LIMIT);
	if (c->subject.n) {
		buf_adds(out, "&after=");
		url_segment(out, buf_slice(&c->subject));
	}
}

static void refs_come(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	struct lane_refs page;
	struct lane_ref *refs;
	struct json_doc *doc;
	if (dialect_read_refs(c->ln->d, c->place, a, buf_slice(&c->parent), buf_slice(&c->subject), &page, &refs, &doc) != RC_OK)
		page.n = 0;             /* trouble and detail say why */
	c->fn.refs(c->ctx, &page);
	free(refs);
	json_doc_free(doc);
	files_call_free(c);
}

static void refs_refused(void *ctx)
{
	struct call *c = ctx;
	struct lane_refs p = { .trouble = LANE_REJECTED, .wait_ms = -1, .detail = "not sent: this id cannot be written in a URL" };
	c->fn.refs(c->ctx, &p);
	files_call_free(c);
}

void files_refs(struct lane *base, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx)
{
	struct files_lane *ln = files_self(base);
	struct call *c = files_call_new(ln, CALL_REFS, cursor, ctx);
	struct buf url = { 0 };
	c->fn.refs = fn;
	c->place = ln->places[place];
	buf_add(&c->parent, parent.p, parent.n);
	if (parent.n && !files_addressable(parent)) {
		loop_defer(base->loop, refs_refused, c);
		return;
	}
	refs_url(c, &url);
	files_send(c, "GET", buf_z(&url), FILES_LIST_MAX, NULL, refs_come);
	buf_done(&url);
}
