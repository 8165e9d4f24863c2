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

enum rc mapping_no_table(const struct cfg_records *cfg, struct err *e)
{
	return err_set(e, RC_USAGE, "records %s: there is no table %s in this database; name the right one in table of these records",
		       cfg->name, cfg->table);
}

static bool holds_text(const char *type)
{
	return strcasestr(type, "char") || strcasestr(type, "text") || strcasestr(type, "clob");
}

static enum rc map_one(struct mapping *m, const struct mapping_schema *s, enum mapped k, struct err *e)
{
	const struct mapped_kind *kind = &kinds[k];
	const struct cfg_column *want = (const struct cfg_column *)((const char *)&m->cfg->columns + kind->at);
	const struct mapping_column *c = column_named(s, want->name);
	if (!c && want->name && !want->given)
		c = column_named(s, kind->second_name);
	if (!c && want->name && (want->given || kind->required || (k == MAP_OBJECT && m->cfg->objects >= 0)))
		return missing(m->cfg, want->name, kind->key, e);
	m->column[k] = c ? c->name : NULL;
	m->is_text[k] = c && holds_text(c->type);
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

bool mapping_live(const struct mapping *m, struct slice deleted_at, struct slice status)
{
	const char *w = m->cfg->status_deleted;
	if (m->column[MAP_DELETED_AT] && deleted_at.n)
		return false;
	return !(m->column[MAP_STATUS] && status.n == strlen(w) && strncasecmp(status.p, w, status.n) == 0);
}

const char *mapping_lane(const struct mapping *m, struct slice value)
{
	for (size_t i = 0; i < m->cfg->n_lanes; i++)
		if (!m->column[MAP_LANE] || slice_is(value, m->cfg->lanes[i].value))
			return m->lanes[m->cfg->lanes[i].lane].name;
	return NULL;
}
