#include "records/mapping.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

/* One row per mapped column: its key in the configuration, and the name that the second shape of
 * the default table uses. A required column has no way to do without. */
static const struct mapped_kind {
	const char *key, *second_name;
	bool required;
	size_t at;
} kinds[MAP_COUNT] = {
#define AT(f) offsetof(struct cfg_columns, f)
	[MAP_ID] = { "id", NULL, true, AT(id) },
	[MAP_LANE] = { "lane", "provider_name", true, AT(lane) },
	[MAP_FILE_ID] = { "file_id", NULL, true, AT(file_id) },
	[MAP_NAME] = { "name", "original_name", false, AT(name) },
	[MAP_BYTES] = { "bytes", "file_size", false, AT(bytes) },
	[MAP_SHA256] = { "sha256", "file_hash", false, AT(sha256) },
	[MAP_CREATED] = { "created", "upload_timestamp", false, AT(created) },
	[MAP_UPDATED] = { "updated", NULL, false, AT(updated) },
	[MAP_USED] = { "last_used", NULL, false, AT(last_used) },
	[MAP_STATUS] = { "status", NULL, false, AT(status) },
	[MAP_DELETED_AT] = { "deleted_at", NULL, false, AT(deleted_at) },
	[MAP_REASON] = { "deletion_reason", NULL, false, AT(deletion_reason) },
	[MAP_CLAIM] = { "claim", NULL, false, AT(claim) },
	[MAP_TOKEN] = { "claim_token", NULL, false, AT(claim_token) },
	[MAP_OBJECT] = { "object", "storage_path", false, AT(object) },
#undef AT
};

void mapping_schema_done(struct mapping_schema *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->columns[i].name);
		free(s->columns[i].type);
	}
	free(s->columns);
	*s = (struct mapping_schema){ 0 };
}

static const struct mapping_column *column_named(const struct mapping_schema *s, const char *name)
{
	for (size_t i = 0; name && i < s->n; i++)
		if (strcasecmp(s->columns[i].name, name) == 0)
			return &s->columns[i];
	return NULL;
}

static enum rc missing(const struct cfg_records *cfg, const char *name, const char *key, struct err *e)
{
	char column[80];
	return err_set(e, RC_USAGE, "records %s: table %s has no column %s; name the right one in columns.%s of these records", cfg->name,
		       cfg->table, text_z(column, sizeof column, slice_of(name)), key);
}

static enum rc map_one(struct mapping *m, const struct mapping_schema *s, enum mapped k, struct err *e)
{
	const struct mapped_kind *kind = &kinds[k];
	const struct cfg_column *want = (const struct cfg_column *)((const char *)&m->cfg->columns + kind->at);
	const struct mapping_column *c = column_named(s, want->name);
	if (!c && want->name && !want->given)
		c = column_named(s, kind->second_name);
	if (!c && want->name && (want->given || kind->required))
		return missing(m->cfg, want->name, kind->key, e);
	m->column[k] = c ? c->name : NULL;
	if (c && k == MAP_DELETED_AT)
		m->epoch_deleted_at = strcasestr(c->type, "int") != NULL;
	if (c && k == MAP_CLAIM)
		m->claim_not_null = c->not_null;
	if (c && k == MAP_TOKEN)
		m->token_not_null = c->not_null;
	return RC_OK;
}

enum rc mapping_make(struct mapping *m, const struct cfg_records *cfg, const struct cfg_lane *lanes,
		     const struct mapping_schema *s, struct err *e)
{
	enum rc rc = RC_OK;
	*m = (struct mapping){ .cfg = cfg, .lanes = lanes };
	for (int k = 0; k < MAP_COUNT && rc == RC_OK; k++)
		rc = map_one(m, s, (enum mapped)k, e);
	for (size_t i = 0; i < cfg->n_references && rc == RC_OK; i++)
		if (!column_named(s, cfg->references[i].joins))
			rc = missing(cfg, cfg->references[i].joins, "object (or in the reference's joins)", e);
	return rc;
}

enum rc mapping_can_delete(const struct mapping *m, struct err *e)
{
	if (m->column[MAP_DELETED_AT] || m->column[MAP_STATUS])
		return RC_OK;
	return err_set(e, RC_USAGE, "records %s: table %s has neither %s nor a status column, so a deletion cannot be recorded; "
		       "add the column, or name it in columns.deleted_at of these records", m->cfg->name, m->cfg->table,
		       m->cfg->columns.deleted_at.name ? m->cfg->columns.deleted_at.name : "deleted_at");
}

const char *mapping_lane(const struct mapping *m, struct slice value)
{
	for (size_t i = 0; i < m->cfg->n_lanes; i++)
		if (!m->column[MAP_LANE] || slice_is(value, m->cfg->lanes[i].value))
			return m->lanes[m->cfg->lanes[i].lane].name;
	return NULL;
}

/* ---- statements ---- */

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

void mapping_sql_name(struct buf *out, const char *name)
{
	quoted(out, name, '"');
}

static void column(const struct mapping *m, enum mapped k, struct buf *out)
{
	if (m->column[k])
		mapping_sql_name(out, m->column[k]);
	else
		buf_adds(out, "NULL");
}

/* A row counts while it is not soft-deleted; an empty deleted_at is nobody's deletion. */
static void live(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "(1");
	if (m->column[MAP_DELETED_AT]) {
		buf_adds(out, " AND (");
		column(m, MAP_DELETED_AT, out);
		buf_adds(out, " IS NULL OR ");
		column(m, MAP_DELETED_AT, out);
		buf_adds(out, "='')");
	}
	if (m->column[MAP_STATUS]) {
		buf_adds(out, " AND lower(coalesce(");
		column(m, MAP_STATUS, out);
		buf_adds(out, ",''))<>lower(");
		quoted(out, m->cfg->status_deleted, '\'');
		buf_addc(out, ')');
	}
	buf_addc(out, ')');
}

static void from(const struct mapping *m, struct buf *out)
{
	buf_adds(out, " FROM ");
	mapping_sql_name(out, m->cfg->table);
}

void mapping_sql_count(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "SELECT count(*)");
	from(m, out);
	buf_adds(out, " WHERE ");
	live(m, out);
}

static void all_columns(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "SELECT ");
	for (int k = 0; k < MAP_COUNT; k++) {
		if (k)
			buf_addc(out, ',');
		column(m, (enum mapped)k, out);
	}
}

void mapping_sql_page(const struct mapping *m, bool first, struct buf *out)
{
	all_columns(m, out);
	for (size_t i = 0; i < m->cfg->n_references; i++) {
		buf_addc(out, ',');
		mapping_sql_name(out, m->cfg->references[i].joins);
	}
	from(m, out);
	buf_adds(out, " WHERE ");
	live(m, out);
	if (!first) {
		buf_adds(out, " AND ");
		column(m, MAP_ID, out);
		buf_adds(out, ">?2");
	}
	buf_adds(out, " ORDER BY ");
	column(m, MAP_ID, out);
	buf_adds(out, " LIMIT ?1");
}

void mapping_sql_reference(const struct cfg_reference *r, struct buf *out)
{
	buf_adds(out, "SELECT ");
	mapping_sql_name(out, r->column);
	buf_adds(out, " FROM ");
	mapping_sql_name(out, r->table);
	buf_adds(out, " WHERE ");
	mapping_sql_name(out, r->column);
	buf_adds(out, " IS NOT NULL");
}

void mapping_sql_known(const struct cfg_reference *r, struct buf *out)
{
	mapping_sql_reference(r, out);
	buf_adds(out, " AND ");
	mapping_sql_name(out, r->column);
	buf_adds(out, "=?1 LIMIT 1");
}

/* IN over the whole reference table: SQLite reads it once per statement, or uses its index. */
static void referenced(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "(0");
	for (size_t i = 0; i < m->cfg->n_references; i++) {
		buf_adds(out, " OR coalesce(");
		mapping_sql_name(out, m->cfg->references[i].joins);
		buf_adds(out, " IN (");
		mapping_sql_reference(&m->cfg->references[i], out);
		buf_adds(out, "),0)");
	}
	buf_addc(out, ')');
}

void mapping_sql_rows(const struct mapping *m, size_t n, struct buf *out)
{
	all_columns(m, out);
	buf_addc(out, ',');
	live(m, out);
	buf_addc(out, ',');
	referenced(m, out);
	from(m, out);
	buf_adds(out, " WHERE ");
	if (m->column[MAP_LANE]) {      /* lets an index that begins with the lane serve */
		column(m, MAP_LANE, out);
		buf_adds(out, " IN (");
		for (size_t i = 0; i < m->cfg->n_lanes; i++) {
			if (i)
				buf_addc(out, ',');
			quoted(out, m->cfg->lanes[i].value, '\'');
		}
		buf_adds(out, ") AND ");
	}
	column(m, MAP_FILE_ID, out);
	buf_adds(out, " IN (?1");
	for (size_t i = 2; i <= n; i++)
		buf_addf(out, ",?%zu", i);
	buf_addc(out, ')');
}

static void update(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "UPDATE ");
	mapping_sql_name(out, m->cfg->table);
	buf_adds(out, " SET ");
}

static void set(const struct mapping *m, enum mapped k, const char *to, const char **comma, struct buf *out)
{
	if (!m->column[k])
		return;
	buf_adds(out, *comma);
	column(m, k, out);
	buf_adds(out, to);
	*comma = ",";
}

/* The row by its key, still live and still naming this file of this lane. */
static void same_row(const struct mapping *m, struct buf *out)
{
	buf_adds(out, " WHERE ");
	column(m, MAP_ID, out);
	buf_adds(out, "=?1 AND ");
	column(m, MAP_FILE_ID, out);
	buf_adds(out, "=?2 AND ");
	if (m->column[MAP_LANE]) {
		column(m, MAP_LANE, out);
		buf_adds(out, "=?3 AND ");
	}
	live(m, out);
}

static void unclaimed_by_others(const struct mapping *m, bool ours_is_fine, struct buf *out)
{
	if (!m->column[MAP_TOKEN])
		return;
	buf_adds(out, " AND (coalesce(");
	column(m, MAP_TOKEN, out);
	buf_adds(out, ",'')=''");
	if (ours_is_fine) {
		buf_adds(out, " OR ");
		column(m, MAP_TOKEN, out);
		buf_adds(out, "=?4");
	}
	buf_addc(out, ')');
}

static void unset_claim(const struct mapping *m, const char **comma, struct buf *out)
{
	set(m, MAP_TOKEN, m->token_not_null ? "=''" : "=NULL", comma, out);
	set(m, MAP_CLAIM, m->claim_not_null ? "=''" : "=NULL", comma, out);
}

void mapping_sql_claim(const struct mapping *m, struct buf *out)
{
	const char *comma = "";
	update(m, out);
	set(m, MAP_TOKEN, "=?4", &comma, out);
	set(m, MAP_CLAIM, "=?5", &comma, out);
	same_row(m, out);
	unclaimed_by_others(m, false, out);
}

void mapping_sql_release(const struct mapping *m, struct buf *out)
{
	const char *comma = "";
	update(m, out);
	unset_claim(m, &comma, out);
	buf_adds(out, " WHERE ");
	column(m, MAP_ID, out);
	buf_adds(out, "=?1 AND ");
	column(m, MAP_TOKEN, out);
	buf_adds(out, "=?4");
}

void mapping_sql_commit(const struct mapping *m, struct buf *out)
{
	const char *comma = "";
	update(m, out);
	set(m, MAP_DELETED_AT, "=?5", &comma, out);
	set(m, MAP_STATUS, "=?6", &comma, out);
	set(m, MAP_REASON, "=?7", &comma, out);
	unset_claim(m, &comma, out);
	same_row(m, out);
	unclaimed_by_others(m, true, out);
}

void mapping_sql_claims(const struct mapping *m, struct buf *out)
{
	buf_adds(out, "SELECT count(*)");
	from(m, out);
	buf_adds(out, " WHERE ");
	column(m, MAP_TOKEN, out);
	buf_adds(out, "=?4");
}
