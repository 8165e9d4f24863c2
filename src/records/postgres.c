/* Records in PostgreSQL. A list is one REPEATABLE READ snapshot, which holds nobody back. A batch
 * locks its rows before it looks at them: a writer that locks the row before it attaches something
 * has either finished, and is seen, or comes after and sees the claim. */
#include "records/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/time.h"
#include "records/postgres_conn.h"

/* What a page or a fetch may hold is not known before it is there: small at first, then by its bytes. */
enum { FIRST_ROWS = 128, FEW_BYTES = 1 << 20, MANY_BYTES = 16 << 20, FETCH_ROWS = 20000 };

struct remote {
	struct loop *loop;
	struct asker *asker;
	struct secret *key, *writer_key;
};

struct pg {
	struct pg_conn *c;
	char *last_key;
	int limit;
	bool prepared;                  /* the statement of this call's batch */
};

static struct pg *pg_of(const struct session *s)
{
	return s->own;
}

/* ---- the source ---- */

static void source_free(struct remote *r)
{
	asker_free(r->asker);
	secret_free(r->key);
	secret_free(r->writer_key);
	free(r);
}

static enum rc load_key(struct secret **out, const char *path, const char *who, const struct cfg_records *cfg, struct err *e)
{
	char what[100];
	snprintf(what, sizeof what, "password of the %s of records %s", who, cfg->name);
	return path ? secret_load(out, path, what, e) : RC_OK;
}

static enum rc source_new(struct remote **out, struct loop *l, const struct cfg_records *cfg, struct err *e)
{
	struct remote *r = xcalloc(1, sizeof *r);
	r->loop = l;
	r->asker = asker_new(l);
	enum rc rc = load_key(&r->key, cfg->key_file, "reader", cfg, e);
	if (rc == RC_OK)
		rc = load_key(&r->writer_key, cfg->writer_key_file, "writer", cfg, e);
	if (rc == RC_OK)
		*out = r;
	else
		source_free(r);
	return rc;
}

static void source_stop(struct remote *r)
{
	asker_stop(r->asker);
}

/* ---- values ---- */

enum { TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_FLOAT4 = 700, TYPE_FLOAT8 = 701, TYPE_NUMERIC = 1700 };

static struct cell cell_at(const PGresult *r, int row, int col)
{
	if (PQgetisnull(r, row, col))
		return (struct cell){ .kind = CELL_NULL };
	struct cell c = { CELL_TEXT, { PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col) } };
	switch (PQftype(r, col)) {
	case TYPE_INT8: case TYPE_INT2: case TYPE_INT4:
		c.kind = CELL_INTEGER;
		break;
	case TYPE_FLOAT4: case TYPE_FLOAT8: case TYPE_NUMERIC:
		c.kind = CELL_REAL;
		break;
	default:
		break;
	}
	return c;
}

static enum rc hand_over(const PGresult *r, cells_fn *fn, void *ctx, size_t *bytes, struct err *e)
{
	struct cell c[MAP_COUNT + MAPPING_REFERENCES + 2];
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < PQntuples(r); i++) {
		for (int k = 0; k < PQnfields(r); k++) {
			c[k] = cell_at(r, i, k);
			*bytes += c[k].text.n;
		}
		rc = fn(ctx, c, e);
	}
	return rc;
}

static enum rc number(struct session *s, const char *sql, const char *const *values, int n, int64_t *out, struct err *e)
{
	PGresult *r;
	enum rc rc = pg_query(pg_of(s)->c, sql, values, n, &r, e);
	if (rc == RC_OK && (PQntuples(r) != 1 || !parse_i64(slice_of(PQgetvalue(r, 0, 0)), out)))
		rc = err_set(e, RC_FORMAT, "records %s: the server's answer is not a number", s->s->cfg->name);
	PQclear(r);
	return rc;
}

/* ---- opening ---- */

static const char columns_sql[] =
	"SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_catalog.pg_attribute a"
	" JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r','p','v','m','f') AND a.attnum > 0 AND NOT a.attisdropped"
	" ORDER BY a.attnum";

static enum rc read_columns(struct session *s, const char *table, struct mapping_schema *sc, struct err *e)
{
	PGresult *r;
	enum rc rc = pg_query(pg_of(s)->c, columns_sql, (const char *[]){ s->s->cfg->schema, table }, 2, &r, e);
	for (int i = 0; rc == RC_OK && i < PQntuples(r); i++) {
		GROW(sc->columns, sc->cap, sc->n + 1);
		sc->columns[sc->n++] = (struct mapping_column){ .name = xstrdup(PQgetvalue(r, i, 0)), .type = xstrdup(PQgetvalue(r, i, 1)),
								.not_null = PQgetvalue(r, i, 2)[0] == 't' };
	}
	PQclear(r);
	return rc;
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

/* Two sides of a reference can be compared as they are only when their types are the same. */
static enum rc compare_references(struct session *s, struct err *e)
{
	const struct cfg_records *cfg = s->s->cfg;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < cfg->n_references; i++) {
		struct mapping_schema other = { 0 };
		rc = read_columns(s, cfg->references[i].table, &other, e);
		const char *a = type_of(&s->schema, cfg->references[i].joins), *b = type_of(&other, cfg->references[i].column);
		s->m.ref_by_text[i] = strcmp(a, b) != 0 && !(is_texts(a) && is_texts(b));
		mapping_schema_done(&other);
	}
	return rc;
}

static enum rc session_open(struct session *s, bool writing, struct err *e)
{
	const struct source *src = s->s;
	struct remote *r = src->remote;
	struct pg *p = s->own = xcalloc(1, sizeof *p);
	p->limit = FIRST_ROWS;
	s->one_moment = true;
	enum rc rc = pg_open(&p->c, r->loop, r->asker, src->cfg, writing && r->writer_key ? r->writer_key : r->key, writing, e);
	if (rc == RC_OK)
		rc = number(s, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", NULL, 0, &s->now_us, e);
	if (rc == RC_OK)
		rc = read_columns(s, src->cfg->table, &s->schema, e);
	if (rc == RC_OK && s->schema.n == 0)
		rc = mapping_no_table(src->cfg, e);
	if (rc == RC_OK)
		rc = mapping_make(&s->m, src->cfg, src->lanes, &s->schema, e);
	s->m.dialect = MAPPING_POSTGRESQL;
	return rc == RC_OK ? compare_references(s, e) : rc;
}

static void session_close(struct session *s)
{
	struct pg *p = pg_of(s);
	if (!p)
		return;
	pg_close(p->c);                 /* the server rolls back what is open */
	free(p->last_key);
	free(p);
	s->own = NULL;
}

static enum rc run(struct session *s, const char *sql, struct err *e)
{
	PGresult *r;
	enum rc rc = pg_query(pg_of(s)->c, sql, NULL, 0, &r, e);
	PQclear(r);
	return rc;
}

static enum rc session_begin(struct session *s, enum begin_kind k, struct err *e)
{
	static const char *const sql[] = { [BEGIN_LIST] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", [BEGIN_READ] = "BEGIN READ ONLY",
					   [BEGIN_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" };
	s->locks = k == BEGIN_WRITE;
	return run(s, sql[k], e);
}

static void session_rollback(struct session *s)
{
	struct pg *p = pg_of(s);
	struct err e;
	s->locks = false;
	if (pg_in_transaction(p->c) && run(s, "ROLLBACK", &e) != RC_OK)
		return;                 /* the connection is gone, and with it the transaction */
}

/* A transaction that had failed answers COMMIT with ROLLBACK. */
static enum rc session_commit(struct session *s, struct err *e)
{
	PGresult *r;
	enum rc rc = pg_query(pg_of(s)->c, "COMMIT", NULL, 0, &r, e);
	if (rc == RC_OK && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		rc = err_set(e, RC_IO, "records %s: the server rolled the transaction back; nothing was changed", s->s->cfg->name);
	PQclear(r);
	return rc;
}

/* ---- reading ---- */

static enum rc session_count(struct session *s, int64_t *n, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	mapping_sql_count(&s->m, &sql);
	enum rc rc = number(s, buf_z(&sql.text), NULL, 0, n, e);
	mapping_sql_done(&sql);
	return rc;
}

static enum rc session_claims(struct session *s, const char *token, int64_t *n, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	mapping_sql_claims(&s->m, &sql);
	enum rc rc = number(s, buf_z(&sql.text), &token, 1, n, e);
	mapping_sql_done(&sql);
	return rc;
}

static enum rc session_lease(struct session *s, const char *who, struct records_lease *out, struct err *e)
{
	struct mapping_sql take = { .n = 0 }, look = { .n = 0 };
	PGresult *r = NULL;
	int64_t live = 0;
	mapping_sql_lease(&s->m, &take);
	enum rc rc = pg_query(pg_of(s)->c, buf_z(&take.text), &who, 1, &r, e);
	PQclear(r);
	r = NULL;
	mapping_sql_leased(&s->m, &look);
	if (rc == RC_OK)
		rc = pg_query(pg_of(s)->c, buf_z(&look.text), NULL, 0, &r, e);
	if (rc == RC_OK && (PQntuples(r) != 1 || !parse_i64(slice_of(PQgetvalue(r, 0, 1)), &out->token) ||
			    !parse_i64(slice_of(PQgetvalue(r, 0, 2)), &live)))
		rc = err_set(e, RC_NOT_FOUND, "records %s: table %s has no row named sluice; see data/schema/records-lease.sql", s->s->cfg->name, s->s->cfg->lease);
	if (rc == RC_OK) {
		out->ours = live && !strcmp(PQgetvalue(r, 0, 0), who);
		text_z(out->holder, sizeof out->holder, slice_of(PQgetvalue(r, 0, 0)));
	}
	PQclear(r);
	mapping_sql_done(&take);
	mapping_sql_done(&look);
	return rc;
}

static int next_limit(int limit, size_t bytes)
{
	if (bytes > MANY_BYTES)
		return MAX(limit / 8, 1);
	return bytes < FEW_BYTES ? MIN(limit * 4, SOURCE_PAGE) : limit;
}

static enum rc session_page(struct session *s, cells_fn *fn, void *ctx, int64_t *rows, bool *last, struct err *e)
{
	struct pg *p = pg_of(s);
	struct mapping_sql sql = { .n = 0 };
	const char *values[MAPPING_PARAMS];
	char limit[16];
	PGresult *r;
	size_t bytes = 0;
	mapping_sql_page(&s->m, !p->last_key, &sql);
	snprintf(limit, sizeof limit, "%d", p->limit);
	for (int i = 0; i < sql.n; i++)
		values[i] = sql.param[i] == MAPPING_LIMIT ? limit : p->last_key;
	enum rc rc = pg_query(p->c, buf_z(&sql.text), values, sql.n, &r, e);
	*rows = rc == RC_OK ? PQntuples(r) : 0;
	*last = *rows < p->limit;
	if (rc == RC_OK)
		rc = hand_over(r, fn, ctx, &bytes, e);
	if (rc == RC_OK && *rows > 0) {
		free(p->last_key);
		p->last_key = xstrdup(PQgetvalue(r, (int)*rows - 1, MAP_ID));
		p->limit = next_limit(p->limit, bytes);
	}
	PQclear(r);
	mapping_sql_done(&sql);
	return rc;
}

/* In portions: a reference table may be larger than our memory. */
static enum rc session_reference(struct session *s, size_t i, cells_fn *fn, void *ctx, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	struct buf cursor = { 0 };
	char fetch[64];
	size_t bytes = 0;
	int rows = 1;
	mapping_sql_reference(&s->m, i, &sql);
	buf_addf(&cursor, "DECLARE sluice_ref NO SCROLL CURSOR FOR %s", buf_z(&sql.text));
	enum rc rc = run(s, buf_z(&cursor), e);
	snprintf(fetch, sizeof fetch, "FETCH %d FROM sluice_ref", FETCH_ROWS);
	while (rc == RC_OK && rows > 0) {
		PGresult *r;
		rc = pg_query(pg_of(s)->c, fetch, NULL, 0, &r, e);
		rows = rc == RC_OK ? PQntuples(r) : 0;
		if (rc == RC_OK)
			rc = hand_over(r, fn, ctx, &bytes, e);
		PQclear(r);
	}
	if (rc == RC_OK)
		rc = run(s, "CLOSE sluice_ref", e);
	buf_done(&cursor);
	mapping_sql_done(&sql);
	return rc;
}

static enum rc of_files(struct session *s, bool lock, const char *const *ids, size_t n, cells_fn *fn, void *ctx, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	PGresult *r;
	size_t bytes = 0;
	(lock ? mapping_sql_lock : mapping_sql_rows)(&s->m, n, &sql);
	enum rc rc = pg_query(pg_of(s)->c, buf_z(&sql.text), ids, (int)n, &r, e);
	if (rc == RC_OK && !lock)
		rc = hand_over(r, fn, ctx, &bytes, e);
	PQclear(r);
	mapping_sql_done(&sql);
	return rc;
}

/* Two statements: what the second sees was committed before the locks were there. */
static enum rc session_look(struct session *s, const struct records_ref *refs, size_t n, cells_fn *fn, void *ctx, struct err *e)
{
	const char **ids = xcalloc(n + 1, sizeof *ids);
	struct arena *bytes = arena_new(1 << 14);
	size_t k = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n; i++)
		if (pg_can_hold(refs[i].file_id))       /* else it is in no row */
			ids[k++] = arena_strndup(bytes, refs[i].file_id.n ? refs[i].file_id.p : "", refs[i].file_id.n);
	if (k && s->locks)
		rc = of_files(s, true, ids, k, fn, ctx, e);
	if (k && rc == RC_OK)
		rc = of_files(s, false, ids, k, fn, ctx, e);
	arena_free(bytes);
	free(ids);
	return rc;
}

/* ---- changing ---- */

static enum rc prepare_once(struct session *s, const struct mapping_sql *sql, struct err *e)
{
	struct pg *p = pg_of(s);
	if (p->prepared)
		return RC_OK;
	enum rc rc = pg_prepare(p->c, buf_z(&sql->text), e);
	p->prepared = rc == RC_OK;
	return rc;
}

static enum rc session_change(struct session *s, const struct change *c, int64_t *changed, struct err *e)
{
	struct mapping_sql sql = { .n = 0 };
	char *values[MAPPING_PARAMS], text[TIME_TEXT];
	PGresult *r = NULL;
	bool can = true;
	mapping_sql_change(&s->m, c->op, &sql);
	for (int i = 0; i < sql.n; i++) {
		struct cell v = change_value(s, c, sql.param[i], text);
		can = can && pg_can_hold(v.text);
		values[i] = xstrndup(v.text.n ? v.text.p : "", v.text.n);
	}
	enum rc rc = can ? prepare_once(s, &sql, e) : RC_OK;
	if (rc == RC_OK && can)
		rc = pg_run(pg_of(s)->c, (const char *const *)values, sql.n, &r, e);
	*changed = 0;
	if (rc == RC_OK && can && !parse_i64(slice_of(PQcmdTuples(r)), changed))
		rc = err_set(e, RC_FORMAT, "records %s: the server does not say how many rows were changed", s->s->cfg->name);
	PQclear(r);
	for (int i = 0; i < sql.n; i++)
		free(values[i]);
	mapping_sql_done(&sql);
	return rc;
}

const struct adapter postgres_adapter = {
	.new = source_new, .stop = source_stop, .free = source_free,
	.open = session_open, .close = session_close, .begin = session_begin, .commit = session_commit, .rollback = session_rollback,
	.count = session_count, .page = session_page, .reference = session_reference, .look = session_look, .change = session_change,
	.claims = session_claims, .lease = session_lease,
};
