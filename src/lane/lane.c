#include "lane/lane_impl.h"

#include "base/text.h"

/* Every kind of lane. A new one: its file, its row here, its words in config/fields.c. */
static const struct lane_kind *const kinds[] = { &files_kind, &exec_kind, &s3_kind };

const char *lane_trouble_name(enum lane_trouble t)
{
	switch (t) {
	case LANE_FINE: return "fine";
	case LANE_PACED: return "paced";
	case LANE_SERVER: return "server";
	case LANE_NETWORK: return "network";
	case LANE_TIMEOUT: return "timeout";
	case LANE_CUT: return "cut";
	case LANE_AUTH: return "auth";
	case LANE_BILLING: return "billing";
	case LANE_UNSUPPORTED: return "unsupported";
	case LANE_REJECTED: return "rejected";
	case LANE_GARBLED: return "garbled";
	case LANE_NOT_PERMITTED: return "not permitted";
	}
	return "";
}

const char *lane_delete_kind_name(enum lane_delete_kind k)
{
	switch (k) {
	case LANE_DELETED: return "deleted";
	case LANE_MISSING: return "missing";
	case LANE_UNCLEAR: return "unclear";
	case LANE_ITEM_REFUSED: return "item refused";
	case LANE_LANE_REFUSED: return "lane refused";
	case LANE_PACE: return "pace";
	case LANE_NOT_SENT: return "not sent";
	}
	return "";
}

static enum rc unknown_dialect(const struct cfg_lane *cfg, struct err *e)
{
	struct buf names = { 0 };
	char shown[80];
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (i)
			buf_adds(&names, ", ");
		kinds[i]->names(&names);
	}
	err_set(e, RC_USAGE, "lane %s: dialect %s is not in this version; it has: %s", cfg->name,
		text_z(shown, sizeof shown, slice_of(cfg->dialect)), buf_z(&names));
	buf_done(&names);
	return RC_USAGE;
}

enum rc lane_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i]->speaks(slice_of(cfg->dialect)))
			return cfg->n_referrers && !kinds[i]->refs
				? err_set(e, RC_USAGE, "lane %s: the dialect %s knows no places that refer to files; remove referrers", cfg->name, cfg->dialect)
				: kinds[i]->open(out, l, cfg, key, e);
	return unknown_dialect(cfg, e);
}

void lane_free(struct lane *ln)
{
	if (ln)
		ln->kind->free(ln);
}

void lane_permit(struct lane *ln, enum http_permit p)
{
	ln->kind->permit(ln, p);
}

const char *lane_name(const struct lane *ln)
{
	return ln->cfg->name;
}

bool lane_can_get(const struct lane *ln)
{
	return ln->kind->can_get(ln);
}

int64_t lane_requests_sent(const struct lane *ln)
{
	return ln->kind->requests_sent(ln);
}

struct slice lane_base_url(const struct lane *ln)
{
	struct slice u = slice_of(ln->cfg->url);
	while (u.n && u.p[u.n - 1] == '/')
		u.n--;
	return u;
}

void lane_identity(const struct lane *ln, struct buf *out)
{
	char print[9] = "none";
	struct slice u = lane_base_url(ln);
	if (ln->key)
		secret_print(ln->key, print);
	buf_addf(out, "lane=%s dialect=%s url=%.*s account=%s key=%s", ln->cfg->name, ln->cfg->dialect, SLICE_FMT(u),
		 ln->cfg->account, print);
	if (ln->kind->identity)
		ln->kind->identity(ln, out);
}

void lane_list(struct lane *ln, struct slice cursor, lane_page_fn *fn, void *ctx)
{
	ln->kind->list(ln, cursor, fn, ctx);
}

void lane_delete(struct lane *ln, struct slice id, lane_answer_fn *fn, void *ctx)
{
	ln->kind->delete_(ln, id, fn, ctx);
}

void lane_probe(struct lane *ln, struct slice id, lane_probe_fn *fn, void *ctx)
{
	ln->kind->probe(ln, id, fn, ctx);
}

size_t lane_places(const struct lane *ln)
{
	return ln->kind->places ? ln->kind->places(ln) : 0;
}

const char *lane_place_name(const struct lane *ln, size_t place)
{
	return ln->kind->place(ln, place)->name;
}

bool lane_place_of_items(const struct lane *ln, size_t place)
{
	return ln->kind->place(ln, place)->of_items;
}

const char *lane_place_word(const struct lane *ln, size_t place)
{
	return ln->kind->place(ln, place)->word;
}

void lane_refs(struct lane *ln, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx)
{
	ln->kind->refs(ln, place, parent, cursor, fn, ctx);
}

const char *lane_content_never(const struct lane *ln, struct slice purpose)
{
	return ln->kind->content_never ? ln->kind->content_never(ln, purpose) : "this kind of lane gives no content back";
}

struct lane_stream *lane_content(struct lane *ln, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx)
{
	return ln->kind->content(ln, id, at_most, part, fn, ctx);
}

void lane_content_go_on(struct lane *ln, struct lane_stream *s)
{
	ln->kind->content_go_on(ln, s);
}

void lane_content_stop(struct lane *ln, struct lane_stream *s)
{
	ln->kind->content_stop(ln, s);
}

const char *lane_upload_never(const struct lane *ln, struct slice purpose)
{
	return ln->kind->upload_never ? ln->kind->upload_never(ln, purpose) : "this kind of lane takes no uploads";
}

void lane_upload(struct lane *ln, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx)
{
	ln->kind->upload(ln, f, fn, ctx);
}

int64_t lane_bulk(const struct lane *ln)
{
	return ln->kind->bulk > 0 ? ln->kind->bulk : 1;
}

int64_t lane_upload_most(const struct lane *ln)
{
	return ln->kind->upload_most ? ln->kind->upload_most : INT64_MAX;
}

bool lane_upload_keeps_id(const struct lane *ln)
{
	return ln->kind->upload_keeps_id;
}

/* As browsers write a file name into a form (RFC 7578): quotes and line ends escaped, the rest as it is. */
void lane_upload_name(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		if (c == '"' || c == '\r' || c == '\n' || c == 0)
			buf_addf(out, "%%%02X", c);
		else
			buf_addc(out, (char)c);
	}
}

void lane_must_undo(struct lane *ln, bool must)
{
	if (ln->kind->must_undo)
		ln->kind->must_undo(ln, must);
}

bool lane_undoes(const struct lane *ln)
{
	return ln->kind->undoes && ln->kind->undoes(ln);
}

void lane_undo(struct lane *ln, struct slice id, int64_t since_wall_us, lane_undo_fn *fn, void *ctx)
{
	ln->kind->undo(ln, id, since_wall_us, fn, ctx);
}
