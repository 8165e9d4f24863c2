/* Records behind PostgREST (Supabase). There are no transactions: every change is one statement that
 * names its row and what the row was, with max-affected=1. A list is complete when the same count
 * stands before and after it and every page was followed to an empty one, whatever the server's own
 * limit of rows. A change whose answer is missing has failed as far as we know; repeating it finds
 * out, because what is ours is recognised. */
#include "records/postgrest_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/time.h"

enum rc rest_get(struct session *s, const struct buf *url, const char *prefer, struct rest_reply *out, struct err *e)
{
	return rest_call(rest_of(s)->r, &(struct rest_request){ .method = "GET", .url = buf_z(url), .prefer = prefer }, out, e);
}

enum rc rest_not_rows(const struct session *s, struct err *e)
{
	return err_set(e, RC_FORMAT, "records %s: the answer of %s is not a list of rows", s->s->cfg->name, s->s->cfg->url);
}

/* ---- opening ---- */

static bool named_in(const struct json *required, struct slice name)
{
	struct slice one;
	for (const struct json *v = json_first(required); v; v = json_next(v))
		if (json_str(v, &one) && slice_eq(one, name))
			return true;
	return false;
}

static void columns_of(const struct json *definition, struct mapping_schema *sc)
{
	for (const struct json *p = json_first(json_get(definition, "properties")); p; p = json_next(p)) {
		struct slice name = json_key(p), type = json_get_str(p, "format");
		GROW(sc->columns, sc->cap, sc->n + 1);
		sc->columns[sc->n++] = (struct mapping_column){ .name = xstrndup(name.p, name.n), .type = xstrndup(type.n ? type.p : "", type.n),
								.not_null = named_in(json_get(definition, "required"), name) };
	}
}

static const char *type_of(const struct mapping_schema *sc, const char *column)
{
	for (size_t i = 0; i < sc->n; i++)
		if (strcasecmp(sc->columns[i].name, column) == 0)
			return sc->columns[i].type;
	return "";
}

static bool is_texts(const char *type)
{
	return strcmp(type, "text") == 0 || strncmp(type, "character varying", 17) == 0;
}

static void compare_references(struct session *s, const struct json *definitions)
{
	const struct cfg_records *cfg = s->s->cfg;
	for (size_t i = 0; i < cfg->n_references; i++) {
		struct mapping_schema other = { 0 };
		columns_of(json_get(definitions, cfg->references[i].table), &other);
		const char *a = type_of(&s->schema, cfg->references[i].joins), *b = type_of(&other, cfg->references[i].column);
		/* A place that is not described is asked as it is, and its error is no answer. */
		s->m.ref_by_text[i] = *b && strcmp(a, b) != 0 && !(is_texts(a) && is_texts(b));
		rest_of(s)->to_uuid[i] = s->m.ref_by_text[i] && strcmp(b, "uuid") == 0;
		mapping_schema_done(&other);
	}
}

/* The API describes its tables at its root. */
static enum rc session_open(struct session *s, bool writing, struct err *e)
{
	const struct cfg_records *cfg = s->s->cfg;
	struct rest *p = s->own = xcalloc(1, sizeof *p);
	struct rest_reply a;
	struct buf url = { 0 };
	p->r = s->s->remote;
	p->writing = writing;
	p->limit = REST_PAGE;
	p->texts = arena_new(1 << 14);
	buf_addf(&url, "%s/", cfg->url);
	enum rc rc = rest_call(p->r, &(struct rest_request){ .method = "GET", .url = buf_z(&url), .accept = "application/openapi+json" }, &a, e);
	const struct json *definitions = rc == RC_OK && a.doc ? json_get(json_root(a.doc), "definitions") : NULL;
	s->now_us = a.date_us >= 0 ? a.date_us : now_read().wall_us;
	if (rc == RC_OK && !json_is_object(definitions))
		rc = err_set(e, RC_FORMAT, "records %s: %s does not describe its tables (OpenAPI 2); turn openapi-mode on for this key", cfg->name, cfg->url);
	if (rc == RC_OK)
		columns_of(json_get(definitions, cfg->table), &s->schema);
	if (rc == RC_OK && s->schema.n == 0)
		rc = mapping_no_table(cfg, e);
	if (rc == RC_OK)
		rc = mapping_make(&s->m, cfg, s->s->lanes, &s->schema, e);
	if (rc == RC_OK)
		compare_references(s, definitions);
	rest_reply_free(&a);
	buf_done(&url);
	return rc;
}

static void session_close(struct session *s)
{
	struct rest *p = rest_of(s);
	if (!p)
		return;
	free(p->last_key);
	arena_free(p->texts);
	free(p);
	s->own = NULL;
}

static enum rc session_begin(struct session *s, enum begin_kind k, struct err *e)
{
	(void)s;
	(void)k;
	(void)e;
	return RC_OK;
}

static enum rc session_commit(struct session *s, struct err *e)
{
	return session_begin(s, BEGIN_WRITE, e);
}

static void session_rollback(struct session *s)
{
	(void)s;
}

/* ---- counting ---- */

static void select_key(const struct session *s, struct buf *url)
{
	rest_url_table(&s->m, s->s->cfg->table, url);
	buf_adds(url, "limit=1");
}

static enum rc exact(struct session *s, const struct buf *url, int64_t *n, struct err *e)
{
	struct rest_reply a;
	enum rc rc = rest_get(s, url, "count=exact", &a, e);
	*n = a.total;
	if (rc == RC_OK && a.total < 0)
		rc = err_set(e, RC_INCOMPLETE, "records %s: %s does not tell how many rows there are", s->s->cfg->name, s->s->cfg->url);
	rest_reply_free(&a);
	return rc;
}

static enum rc session_count(struct session *s, int64_t *n, struct err *e)
{
	struct buf url = { 0 };
	select_key(s, &url);
	if (!s->m.deleted_too)
		rest_url_live(&s->m, &url);
	enum rc rc = exact(s, &url, n, e);
	buf_done(&url);
	return rc;
}

static enum rc session_claims(struct session *s, const char *token, int64_t *n, struct err *e)
{
	struct buf url = { 0 };
	select_key(s, &url);
	rest_url_compare(&url, s->m.column[MAP_TOKEN], "eq", slice_of(token));
	enum rc rc = exact(s, &url, n, e);
	buf_done(&url);
	return rc;
}

/* ---- changing ---- */

static void put(const struct session *s, struct jw *w, const struct change *c, enum mapped k, enum mapping_param p)
{
	char text[TIME_TEXT];
	if (!s->m.column[k])
		return;
	struct cell v = change_value(s, c, p, text);
	jw_key(w, s->m.column[k]);
	if (v.kind == CELL_INTEGER)
		jw_raw(w, v.text);
	else
		jw_str(w, v.text);
}

static void unset(const struct session *s, struct jw *w, enum mapped k, bool not_null)
{
	if (s->m.column[k])
		jw_kz(w, s->m.column[k], not_null ? "" : NULL);
}

static void write_body(const struct session *s, const struct change *c, struct buf *out)
{
	struct jw w;
	if (c->op == BATCH_PURGE)
		return;
	jw_init(&w, out);
	jw_obj(&w);
	if (c->op == BATCH_CLAIM) {
		put(s, &w, c, MAP_TOKEN, MAPPING_TOKEN);
		put(s, &w, c, MAP_CLAIM, MAPPING_NOW);
	} else {
		if (c->op == BATCH_COMMIT) {
			put(s, &w, c, MAP_DELETED_AT, MAPPING_NOW);
			put(s, &w, c, MAP_STATUS, MAPPING_STATUS);
			put(s, &w, c, MAP_REASON, MAPPING_REASON);
		}
		if (c->op == BATCH_REMAP)
			put(s, &w, c, MAP_FILE_ID, MAPPING_NEW);
		unset(s, &w, MAP_TOKEN, s->m.token_not_null);
		unset(s, &w, MAP_CLAIM, s->m.claim_not_null);
	}
	jw_end_obj(&w);
}

/* Nothing was changed: perhaps because an earlier statement of ours, whose answer was lost, came through by now. */
static enum rc ours_by_now(struct session *s, const struct change *c, int64_t *changed, struct err *e)
{
	enum mapped column = c->op == BATCH_CLAIM ? MAP_TOKEN : MAP_REASON;
	struct buf url = { 0 };
	bool remap = c->op == BATCH_REMAP;
	if (!remap && ((c->op != BATCH_CLAIM && c->op != BATCH_COMMIT) || !s->m.column[column]))
		return RC_OK;
	select_key(s, &url);
	rest_url_compare(&url, s->m.column[MAP_ID], "eq", c->key);
	rest_url_compare(&url, s->m.column[MAP_FILE_ID], "eq", remap ? c->new_id : c->file_id);
	if (!remap)
		rest_url_compare(&url, s->m.column[column], "eq", slice_of(c->op == BATCH_CLAIM ? c->token : c->reason));
	enum rc rc = exact(s, &url, changed, e);
	buf_done(&url);
	return rc;
}

static enum rc session_change(struct session *s, const struct change *c, int64_t *changed, struct err *e)
{
	struct buf url = { 0 }, body = { 0 };
	struct rest_reply a;
	*changed = 0;
	if (!rest_can_hold(c->key) || !rest_can_hold(c->file_id) || !rest_can_hold(c->new_id))
		return RC_OK;
	rest_url_table(&s->m, s->s->cfg->table, &url);
	rest_url_select_one(&url, s->m.column[MAP_ID]);
	rest_url_guard(&s->m, c->op, c->key, c->file_id, c->lane_value, c->token, &url);
	write_body(s, c, &body);
	enum rc rc = rest_call(rest_of(s)->r, &(struct rest_request){
		.method = c->op == BATCH_PURGE ? "DELETE" : "PATCH", .url = buf_z(&url), .body = buf_slice(&body), .writing = rest_of(s)->writing,
		.prefer = "handling=strict, max-affected=1, return=representation" }, &a, e);
	if (rc != RC_OK && strcmp(a.code, "PGRST124") == 0) {
		*changed = 2;           /* it was undone: the key names several */
		rc = RC_OK;
	} else if (rc == RC_OK && (!a.doc || !json_is_array(json_root(a.doc)))) {
		rc = rest_not_rows(s, e);
	} else if (rc == RC_OK) {
		*changed = (int64_t)json_len(json_root(a.doc));
		if (*changed == 0)
			rc = ours_by_now(s, c, changed, e);
	}
	rest_reply_free(&a);
	buf_done(&url);
	buf_done(&body);
	return rc;
}

const struct adapter postgrest_adapter = {
	.new = rest_new, .stop = rest_stop, .free = rest_free,
	.open = session_open, .close = session_close, .begin = session_begin, .commit = session_commit, .rollback = session_rollback,
	.count = session_count, .page = rest_page, .reference = rest_reference, .look = rest_look, .change = session_change,
	.claims = session_claims,
};
