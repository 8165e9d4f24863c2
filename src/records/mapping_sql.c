#include "records/mapping.h"

/* Statements for SQLite and PostgreSQL. What differs: the mark of a parameter, and that PostgreSQL
 * compares values of one type only, so that there a column is read as text where its type may be
 * another. SQLite compares as it is, so that an index serves. */

static void quoted(struct buf *out, const char *text, char mark)
{
	buf_addc(out, mark);
	for (const char *p = text; *p; p++) {
		if (*p == mark)
			buf_addc(out, mark);
		buf_addc(out, *p);
	}
	buf_addc(out, mark);
}

static void name(struct mapping_sql *s, const char *column)
{
	quoted(&s->text, column, '"');
}

/* A parameter stands once in the list, however often the statement uses it. */
static void param(const struct mapping *m, struct mapping_sql *s, enum mapping_param p)
{
	int i = 0;
	while (i < s->n && s->param[i] != p)
		i++;
	if (i == s->n)
		s->param[s->n++] = p;
	buf_addf(&s->text, "%c%d", m->dialect == MAPPING_POSTGRESQL ? '$' : '?', i + 1);
}

static void column(const struct mapping *m, struct mapping_sql *s, enum mapped k)
{
	if (m->column[k])
		name(s, m->column[k]);
	else
		buf_adds(&s->text, "NULL");
}

static void as_text(const struct mapping *m, struct mapping_sql *s, enum mapped k)
{
	if (m->dialect == MAPPING_SQLITE || m->is_text[k]) {
		column(m, s, k);
		return;
	}
	buf_adds(&s->text, "CAST(");
	column(m, s, k);
	buf_adds(&s->text, " AS TEXT)");
}

/* A row counts while it is not soft-deleted; an empty deleted_at is nobody's deletion. */
static void live(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "(1=1");
	if (m->column[MAP_DELETED_AT]) {
		buf_adds(&s->text, " AND (");
		column(m, s, MAP_DELETED_AT);
		buf_adds(&s->text, " IS NULL OR ");
		as_text(m, s, MAP_DELETED_AT);
		buf_adds(&s->text, "='')");
	}
	if (m->column[MAP_STATUS]) {
		buf_adds(&s->text, " AND lower(coalesce(");
		as_text(m, s, MAP_STATUS);
		buf_adds(&s->text, ",''))<>lower(");
		quoted(&s->text, m->cfg->status_deleted, '\'');
		buf_addc(&s->text, ')');
	}
	buf_addc(&s->text, ')');
}

static void listed(const struct mapping *m, struct mapping_sql *s)
{
	if (m->deleted_too)
		buf_adds(&s->text, "1=1");
	else
		live(m, s);
}

static void table(const struct mapping *m, struct mapping_sql *s, const char *t)
{
	if (m->dialect == MAPPING_POSTGRESQL) {
		name(s, m->cfg->schema);
		buf_addc(&s->text, '.');
	}
	name(s, t);
}

static void from(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, " FROM ");
	table(m, s, m->cfg->table);
}

void mapping_sql_count(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "SELECT count(*)");
	from(m, s);
	buf_adds(&s->text, " WHERE ");
	listed(m, s);
}

static void all_columns(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "SELECT ");
	for (int k = 0; k < MAP_COUNT; k++) {
		if (k)
			buf_addc(&s->text, ',');
		column(m, s, (enum mapped)k);
	}
}

/* Both sides of a reference as text in lower case where their types differ: a UUID is printed in
 * lower case, but may have been stored in upper case as text. A pair too many only protects. */
static void join_side(const struct mapping *m, struct mapping_sql *s, size_t i, const char *col)
{
	if (m->ref_by_text[i])
		buf_adds(&s->text, "lower(CAST(");
	name(s, col);
	if (m->ref_by_text[i])
		buf_adds(&s->text, " AS TEXT))");
}

void mapping_sql_page(const struct mapping *m, bool first, struct mapping_sql *s)
{
	all_columns(m, s);
	for (size_t i = 0; i < m->cfg->n_references; i++) {
		buf_addc(&s->text, ',');
		join_side(m, s, i, m->cfg->references[i].joins);
	}
	from(m, s);
	buf_adds(&s->text, " WHERE ");
	listed(m, s);
	if (!first) {
		buf_adds(&s->text, " AND ");
		column(m, s, MAP_ID);
		buf_addc(&s->text, '>');
		param(m, s, MAPPING_AFTER);
	}
	buf_adds(&s->text, " ORDER BY ");
	column(m, s, MAP_ID);
	buf_adds(&s->text, " LIMIT ");
	param(m, s, MAPPING_LIMIT);
}

void mapping_sql_reference(const struct mapping *m, size_t i, struct mapping_sql *s)
{
	const struct cfg_reference *r = &m->cfg->references[i];
	buf_adds(&s->text, "SELECT ");
	join_side(m, s, i, r->column);
	buf_adds(&s->text, " FROM ");
	table(m, s, r->table);
	buf_adds(&s->text, " WHERE ");
	name(s, r->column);
	buf_adds(&s->text, " IS NOT NULL");
}

/* IN over the whole reference table: it is read once per statement, or its index is used. */
static void referenced(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "CASE WHEN 1=0");
	for (size_t i = 0; i < m->cfg->n_references; i++) {
		buf_adds(&s->text, " OR ");
		join_side(m, s, i, m->cfg->references[i].joins);
		buf_adds(&s->text, " IN (");
		mapping_sql_reference(m, i, s);
		buf_addc(&s->text, ')');
	}
	buf_adds(&s->text, " THEN 1 ELSE 0 END");
}

static void of_files(const struct mapping *m, size_t n, struct mapping_sql *s)
{
	from(m, s);
	buf_adds(&s->text, " WHERE ");
	if (m->column[MAP_LANE]) {      /* lets an index that begins with the lane serve */
		as_text(m, s, MAP_LANE);
		buf_adds(&s->text, " IN (");
		for (size_t i = 0; i < m->cfg->n_lanes; i++) {
			if (i)
				buf_addc(&s->text, ',');
			quoted(&s->text, m->cfg->lanes[i].value, '\'');
		}
		buf_adds(&s->text, ") AND ");
	}
	as_text(m, s, MAP_FILE_ID);
	buf_adds(&s->text, " IN (");
	for (size_t i = 1; i <= n; i++)
		buf_addf(&s->text, "%s%c%zu", i > 1 ? "," : "", m->dialect == MAPPING_POSTGRESQL ? '$' : '?', i);
	buf_addc(&s->text, ')');
}

void mapping_sql_rows(const struct mapping *m, size_t n, struct mapping_sql *s)
{
	all_columns(m, s);
	buf_adds(&s->text, ",CASE WHEN ");
	live(m, s);
	buf_adds(&s->text, " THEN 1 ELSE 0 END,");
	referenced(m, s);
	of_files(m, n, s);
}

void mapping_sql_lock(const struct mapping *m, size_t n, struct mapping_sql *s)
{
	buf_adds(&s->text, "SELECT 1");
	of_files(m, n, s);
	buf_adds(&s->text, " ORDER BY ");
	column(m, s, MAP_ID);
	buf_adds(&s->text, " FOR UPDATE");
}

static void update(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "UPDATE ");
	table(m, s, m->cfg->table);
	buf_adds(&s->text, " SET ");
}

static void set(const struct mapping *m, struct mapping_sql *s, enum mapped k, enum mapping_param p, const char **comma)
{
	if (!m->column[k])
		return;
	buf_adds(&s->text, *comma);
	column(m, s, k);
	buf_addc(&s->text, '=');
	param(m, s, p);
	*comma = ",";
}

static void equals(const struct mapping *m, struct mapping_sql *s, enum mapped k, enum mapping_param p)
{
	if (k == MAP_ID)
		column(m, s, k);        /* in its own type, so that its index serves */
	else
		as_text(m, s, k);
	buf_addc(&s->text, '=');
	param(m, s, p);
}

/* The row by its key, still live and still naming this file of this lane. */
static void same_row(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, " WHERE ");
	equals(m, s, MAP_ID, MAPPING_KEY);
	buf_adds(&s->text, " AND ");
	equals(m, s, MAP_FILE_ID, MAPPING_FILE);
	if (m->column[MAP_LANE]) {
		buf_adds(&s->text, " AND ");
		equals(m, s, MAP_LANE, MAPPING_LANE);
	}
	buf_adds(&s->text, " AND ");
}

static void unclaimed_by_others(const struct mapping *m, struct mapping_sql *s, bool ours_is_fine)
{
	if (!m->column[MAP_TOKEN])
		return;
	buf_adds(&s->text, " AND (coalesce(");
	as_text(m, s, MAP_TOKEN);
	buf_adds(&s->text, ",'')=''");
	if (ours_is_fine) {
		buf_adds(&s->text, " OR ");
		equals(m, s, MAP_TOKEN, MAPPING_TOKEN);
	}
	buf_addc(&s->text, ')');
}

static void unset(const struct mapping *m, struct mapping_sql *s, enum mapped k, bool not_null, const char **comma)
{
	if (!m->column[k])
		return;
	buf_adds(&s->text, *comma);
	column(m, s, k);
	buf_adds(&s->text, not_null ? "=''" : "=NULL");
	*comma = ",";
}

static void unset_claim(const struct mapping *m, struct mapping_sql *s, const char **comma)
{
	unset(m, s, MAP_TOKEN, m->token_not_null, comma);
	unset(m, s, MAP_CLAIM, m->claim_not_null, comma);
}

static void claim(const struct mapping *m, struct mapping_sql *s)
{
	const char *comma = "";
	update(m, s);
	set(m, s, MAP_TOKEN, MAPPING_TOKEN, &comma);
	set(m, s, MAP_CLAIM, MAPPING_NOW, &comma);
	same_row(m, s);
	live(m, s);
	unclaimed_by_others(m, s, false);
}

static void release(const struct mapping *m, struct mapping_sql *s)
{
	const char *comma = "";
	update(m, s);
	unset_claim(m, s, &comma);
	buf_adds(&s->text, " WHERE ");
	equals(m, s, MAP_ID, MAPPING_KEY);
	buf_adds(&s->text, " AND ");
	equals(m, s, MAP_TOKEN, MAPPING_TOKEN);
}

static void commit(const struct mapping *m, struct mapping_sql *s)
{
	const char *comma = "";
	update(m, s);
	set(m, s, MAP_DELETED_AT, MAPPING_NOW, &comma);
	set(m, s, MAP_STATUS, MAPPING_STATUS, &comma);
	set(m, s, MAP_REASON, MAPPING_REASON, &comma);
	unset_claim(m, s, &comma);
	same_row(m, s);
	live(m, s);
	unclaimed_by_others(m, s, true);
}

static void remap(const struct mapping *m, struct mapping_sql *s)
{
	const char *comma = "";
	update(m, s);
	set(m, s, MAP_FILE_ID, MAPPING_NEW, &comma);
	unset_claim(m, s, &comma);
	same_row(m, s);
	live(m, s);
	unclaimed_by_others(m, s, true);
}

static void purge(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "DELETE");
	from(m, s);
	same_row(m, s);
	buf_adds(&s->text, "NOT ");
	live(m, s);
	unclaimed_by_others(m, s, false);
}

void mapping_sql_change(const struct mapping *m, enum batch_op op, struct mapping_sql *s)
{
	switch (op) {
	case BATCH_RECHECK: return;
	case BATCH_CLAIM: claim(m, s); return;
	case BATCH_RELEASE: release(m, s); return;
	case BATCH_COMMIT: commit(m, s); return;
	case BATCH_PURGE: purge(m, s); return;
	case BATCH_REMAP: remap(m, s); return;
	}
}

void mapping_sql_claims(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "SELECT count(*)");
	from(m, s);
	buf_adds(&s->text, " WHERE ");
	equals(m, s, MAP_TOKEN, MAPPING_TOKEN);
}

/* ---- the lease row ---- */

static const char *clock_of(const struct mapping *m)
{
	return m->dialect == MAPPING_POSTGRESQL ? "extract(epoch FROM clock_timestamp())::bigint" : "CAST(strftime('%s', 'now') AS INTEGER)";
}

void mapping_sql_lease(const struct mapping *m, struct mapping_sql *s)
{
	buf_adds(&s->text, "UPDATE ");
	table(m, s, m->cfg->lease);
	buf_adds(&s->text, " SET token = token + CASE WHEN holder = ");
	param(m, s, MAPPING_TOKEN);
	buf_adds(&s->text, " THEN 0 ELSE 1 END, holder = ");
	param(m, s, MAPPING_TOKEN);
	buf_addf(&s->text, ", until = %s + %lld WHERE name = 'sluice' AND (holder = ", clock_of(m), (long long)(m->cfg->lease_for_ms / 1000));
	param(m, s, MAPPING_TOKEN);
	buf_addf(&s->text, " OR until < %s)", clock_of(m));
}

void mapping_sql_leased(const struct mapping *m, struct mapping_sql *s)
{
	buf_addf(&s->text, "SELECT holder, token, CASE WHEN until >= %s THEN 1 ELSE 0 END FROM ", clock_of(m));
	table(m, s, m->cfg->lease);
	buf_adds(&s->text, " WHERE name = 'sluice'");
}

void mapping_sql_done(struct mapping_sql *s)
{
	buf_done(&s->text);
}
