#include "records/postgrest_impl.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_BYTES = 4000 };

/* ---- values ---- */

static struct cell cell_of(struct session *s, const struct json *v)
{
	struct cell c = { .kind = CELL_TEXT };
	struct buf b = { 0 };
	int64_t n;
	if (!v || json_is_null(v))
		return (struct cell){ .kind = CELL_NULL };
	if (json_str(v, &c.text))
		return c;
	json_print(&b, v);
	c.text = (struct slice){ arena_strndup(rest_of(s)->texts, buf_z(&b), b.n), b.n };
	c.kind = json_i64(v, &n) ? CELL_INTEGER : b.n && (isdigit((unsigned char)b.p[0]) || b.p[0] == '-') ? CELL_REAL : CELL_TEXT;
	buf_done(&b);
	return c;
}

static void lower(struct session *s, struct cell *c)
{
	char *p = arena_strndup(rest_of(s)->texts, c->text.n ? c->text.p : "", c->text.n);
	for (size_t i = 0; i < c->text.n; i++)
		p[i] = (char)tolower((unsigned char)p[i]);
	c->text.p = p;
}

static void mapped_cells(struct session *s, const struct json *row, struct cell *c)
{
	for (int k = 0; k < MAP_COUNT; k++)
		c[k] = s->m.column[k] ? cell_of(s, json_get(row, s->m.column[k])) : (struct cell){ .kind = CELL_NULL };
}

static struct cell join_cell(struct session *s, const struct json *row, size_t i)
{
	struct cell c = cell_of(s, json_get(row, s->m.cfg->references[i].joins));
	if (s->m.ref_by_text[i])
		lower(s, &c);
	return c;
}

/* ---- pages ---- */

/* One portion behind *last in the order of `column`, as many rows as the server gives; smaller when
 * they do not fit. The new *last is the key of its last row. */
static enum rc portion(struct session *s, const struct buf *what, const char *column, char **last, struct rest_reply *a, size_t *rows, struct err *e)
{
	struct rest *p = rest_of(s);
	enum rc rc;
	for (;;) {
		struct buf url = { 0 };
		buf_add(&url, what->p, what->n);
		if (*last)
			rest_url_compare(&url, column, "gt", slice_of(*last));
		buf_addf(&url, "&limit=%d&order=", p->limit);
		rest_url_order(&url, column);
		rc = rest_get(s, &url, NULL, a, e);
		buf_done(&url);
		if (rc == RC_OK || !a->too_large || p->limit == 1)
			break;
		rest_reply_free(a);
		p->limit = MAX(p->limit / 8, 1);
	}
	arena_free(p->texts);
	p->texts = arena_new(1 << 14);
	*rows = 0;
	if (rc == RC_OK && (!a->doc || !json_is_array(json_root(a->doc))))
		rc = rest_not_rows(s, e);
	if (rc != RC_OK)
		return rc;
	*rows = json_len(json_root(a->doc));
	if (*rows > (size_t)p->limit)
		return err_set(e, RC_FORMAT, "records %s: %s gave more rows than were asked for", s->s->cfg->name, s->s->cfg->url);
	const struct json *end = NULL;
	for (const struct json *row = json_first(json_root(a->doc)); row; row = json_next(row))
		end = row;
	if (!end)
		return RC_OK;
	struct cell key = cell_of(s, json_get(end, column));
	if (key.kind == CELL_NULL || (*last && slice_is(key.text, *last)))
		return err_set(e, RC_INCOMPLETE, "records %s: %s gives the same page again; the list is incomplete", s->s->cfg->name, s->s->cfg->url);
	free(*last);
	*last = xstrndup(key.text.p, key.text.n);
	return RC_OK;
}

enum rc rest_page(struct session *s, cells_fn *fn, void *ctx, int64_t *rows, bool *last, struct err *e)
{
	struct cell c[MAP_COUNT + MAPPING_REFERENCES + 2];
	struct buf what = { 0 };
	struct rest_reply a;
	size_t n;
	rest_url_table(&s->m, s->s->cfg->table, &what);
	rest_url_select(&s->m, &what);
	if (!s->m.deleted_too)
		rest_url_live(&s->m, &what);
	enum rc rc = portion(s, &what, s->m.column[MAP_ID], &rest_of(s)->last_key, &a, &n, e);
	for (const struct json *row = n ? json_first(json_root(a.doc)) : NULL; rc == RC_OK && row; row = json_next(row)) {
		mapped_cells(s, row, c);
		for (size_t i = 0; i < s->m.cfg->n_references; i++)
			c[MAP_COUNT + i] = join_cell(s, row, i);
		rc = fn(ctx, c, e);
	}
	*rows = (int64_t)n;
	*last = n == 0;                 /* a short page may be the server's own limit */
	rest_reply_free(&a);
	buf_done(&what);
	return rc;
}

/* In the order of the value itself: what a border skips is the same value again. */
enum rc rest_reference(struct session *s, size_t i, cells_fn *fn, void *ctx, struct err *e)
{
	const struct cfg_reference *ref = &s->m.cfg->references[i];
	struct buf what = { 0 };
	char *last = NULL;
	size_t n = 1;
	enum rc rc = RC_OK;
	rest_url_table(&s->m, ref->table, &what);
	rest_url_select_one(&what, ref->column);
	rest_url_compare(&what, ref->column, "not.is", SLICE_LIT("null"));
	while (rc == RC_OK && n) {
		struct rest_reply a;
		rc = portion(s, &what, ref->column, &last, &a, &n, e);
		for (const struct json *row = n ? json_first(json_root(a.doc)) : NULL; rc == RC_OK && row; row = json_next(row)) {
			struct cell c = cell_of(s, json_get(row, ref->column));
			if (s->m.ref_by_text[i])
				lower(s, &c);
			rc = fn(ctx, &c, e);
		}
		rest_reply_free(&a);
	}
	free(last);
	buf_done(&what);
	return rc;
}

/* ---- looking ---- */

/* A row that was found, until its references are known. */
struct seen {
	struct cell c[MAP_COUNT + 2], join[MAPPING_REFERENCES];
};
struct looking {
	struct session *s;
	struct seen *rows;
	size_t n, cap;
};

static struct cell kept(struct session *s, struct cell c)
{
	if (c.text.n)
		c.text.p = arena_strndup(rest_of(s)->texts, c.text.p, c.text.n);
	return c;
}

static struct cell truth(bool yes)
{
	return (struct cell){ CELL_INTEGER, yes ? SLICE_LIT("1") : SLICE_LIT("0") };
}

/* All rows of one request; less than there are is no answer. */
static enum rc look_some(struct looking *l, struct buf *url, struct err *e)
{
	struct session *s = l->s;
	struct rest_reply a;
	buf_addc(url, ')');
	enum rc rc = rest_get(s, url, "count=exact", &a, e);
	if (rc == RC_OK && (!a.doc || !json_is_array(json_root(a.doc))))
		rc = rest_not_rows(s, e);
	if (rc == RC_OK && a.total != (int64_t)json_len(json_root(a.doc)))
		rc = err_set(e, RC_INCOMPLETE, "records %s: %s gave %zu of %" PRId64 " rows of a few files", s->s->cfg->name, s->s->cfg->url,
			     json_len(json_root(a.doc)), a.total);
	for (const struct json *row = rc == RC_OK ? json_first(json_root(a.doc)) : NULL; row; row = json_next(row)) {
		GROW(l->rows, l->cap, l->n + 1);
		struct seen *r = &l->rows[l->n++];
		mapped_cells(s, row, r->c);
		for (int k = 0; k < MAP_COUNT; k++)
			r->c[k] = kept(s, r->c[k]);
		for (size_t i = 0; i < s->m.cfg->n_references; i++)
			r->join[i] = kept(s, join_cell(s, row, i));
		r->c[MAP_COUNT] = truth(mapping_live(&s->m, r->c[MAP_DELETED_AT].text, r->c[MAP_STATUS].text));
		r->c[MAP_COUNT + 1] = truth(false);
	}
	rest_reply_free(&a);
	return rc;
}

static void look_url(const struct session *s, struct buf *url)
{
	buf_clear(url);
	rest_url_table(&s->m, s->s->cfg->table, url);
	rest_url_select(&s->m, url);
	if (s->m.column[MAP_LANE]) {
		rest_url_in(url, s->m.column[MAP_LANE]);
		for (size_t i = 0; i < s->m.cfg->n_lanes; i++)
			rest_url_item(url, i == 0, slice_of(s->m.cfg->lanes[i].value));
		buf_addc(url, ')');
	}
	rest_url_in(url, s->m.column[MAP_FILE_ID]);
}

static enum rc look_rows(struct looking *l, const struct records_ref *refs, size_t n, struct err *e)
{
	struct buf url = { 0 };
	size_t items = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (!rest_can_hold(refs[i].file_id))
			continue;               /* in no row */
		if (items == 0)
			look_url(l->s, &url);
		rest_url_item(&url, items == 0, refs[i].file_id);
		items++;
		if (url.n > URL_BYTES) {
			rc = look_some(l, &url, e);
			items = 0;
		}
	}
	if (rc == RC_OK && items)
		rc = look_some(l, &url, e);
	buf_done(&url);
	return rc;
}

/* A value that the reference's column cannot hold is in no row of it. */
static bool may_refer(const struct session *s, size_t i, struct slice v)
{
	if (!v.n || !rest_can_hold(v))
		return false;
	if (!rest_of(s)->to_uuid[i])
		return true;
	for (size_t k = 0; k < v.n; k++)
		if (!isxdigit((unsigned char)v.p[k]) && v.p[k] != '-')
			return false;
	return v.n == 36;
}

/* Is there one row with this value? */
static enum rc look_reference(struct session *s, size_t i, struct slice value, bool *there, struct err *e)
{
	const struct cfg_reference *ref = &s->m.cfg->references[i];
	struct buf url = { 0 };
	struct rest_reply a;
	rest_url_table(&s->m, ref->table, &url);
	rest_url_select_one(&url, ref->column);
	rest_url_compare(&url, ref->column, "eq", value);
	buf_adds(&url, "&limit=1");
	enum rc rc = rest_get(s, &url, NULL, &a, e);
	if (rc == RC_OK && (!a.doc || !json_is_array(json_root(a.doc))))
		rc = rest_not_rows(s, e);
	*there = rc == RC_OK && json_len(json_root(a.doc)) > 0;
	rest_reply_free(&a);
	buf_done(&url);
	return rc;
}

/* The values of many rows at once. When they are all unreferenced, as they mostly are, one empty answer says so. */
static enum rc any_reference(struct looking *l, size_t i, size_t from, size_t *to, bool *any, struct err *e)
{
	struct session *s = l->s;
	const struct cfg_reference *ref = &s->m.cfg->references[i];
	struct buf url = { 0 };
	struct rest_reply a = { 0 };
	size_t items = 0, k = from;
	enum rc rc = RC_OK;
	rest_url_table(&s->m, ref->table, &url);
	rest_url_select_one(&url, ref->column);
	buf_adds(&url, "&limit=1");
	rest_url_in(&url, ref->column);
	for (; k < l->n && url.n < URL_BYTES; k++)
		if (may_refer(s, i, l->rows[k].join[i].text))
			rest_url_item(&url, items++ == 0, l->rows[k].join[i].text);
	buf_addc(&url, ')');
	*any = false;
	*to = k;
	if (items)
		rc = rest_get(s, &url, NULL, &a, e);
	if (items && rc == RC_OK && (!a.doc || !json_is_array(json_root(a.doc))))
		rc = rest_not_rows(s, e);
	if (items && rc == RC_OK)
		*any = json_len(json_root(a.doc)) > 0;
	rest_reply_free(&a);
	buf_done(&url);
	return rc;
}

static enum rc look_references(struct looking *l, size_t i, struct err *e)
{
	enum rc rc = RC_OK;
	for (size_t from = 0, to; rc == RC_OK && from < l->n; from = to) {
		bool any, there;
		to = from;
		rc = any_reference(l, i, from, &to, &any, e);
		for (size_t k = from; rc == RC_OK && any && k < to; k++) {
			if (!may_refer(l->s, i, l->rows[k].join[i].text))
				continue;
			rc = look_reference(l->s, i, l->rows[k].join[i].text, &there, e);
			if (there)
				l->rows[k].c[MAP_COUNT + 1] = truth(true);
		}
	}
	return rc;
}

enum rc rest_look(struct session *s, const struct records_ref *refs, size_t n, cells_fn *fn, void *ctx, struct err *e)
{
	struct looking l = { .s = s };
	arena_free(rest_of(s)->texts);
	rest_of(s)->texts = arena_new(1 << 14);
	enum rc rc = look_rows(&l, refs, n, e);
	for (size_t i = 0; rc == RC_OK && i < s->m.cfg->n_references; i++)
		rc = look_references(&l, i, e);
	for (size_t k = 0; rc == RC_OK && k < l.n; k++)
		rc = fn(ctx, l.rows[k].c, e);
	free(l.rows);
	return rc;
}
