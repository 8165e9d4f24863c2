#include "records/postgrest_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void encode(struct buf *out, struct slice s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~";
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] && strchr(plain, s.p[i]))
			buf_addc(out, s.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
}

static void quoted(struct buf *out, struct slice s)
{
	buf_adds(out, "%22");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_adds(out, "%5C");
		encode(out, (struct slice){ s.p + i, 1 });
	}
	buf_adds(out, "%22");
}

static void name(struct buf *out, const char *column)
{
	size_t n = strlen(column);
	if (strspn(column, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n)
		buf_adds(out, column);
	else
		quoted(out, (struct slice){ column, n });
}

bool rest_can_hold(struct slice text)
{
	return !(text.n && memchr(text.p, 0, text.n)) && utf8_valid(text);
}

void rest_url_table(const struct mapping *m, const char *table, struct buf *out)
{
	buf_addf(out, "%s/", m->cfg->url);
	encode(out, slice_of(table));
	buf_addc(out, '?');
}

void rest_url_select(const struct mapping *m, struct buf *out)
{
	const char *comma = "select=";
	for (int k = 0; k < MAP_COUNT; k++)
		if (m->column[k]) {
			buf_adds(out, comma);
			name(out, m->column[k]);
			comma = ",";
		}
	for (size_t i = 0; i < m->cfg->n_references; i++) {
		bool again = false;
		for (int k = 0; k < MAP_COUNT; k++)
			again = again || (m->column[k] && strcmp(m->column[k], m->cfg->references[i].joins) == 0);
		for (size_t k = 0; k < i; k++)
			again = again || strcmp(m->cfg->references[k].joins, m->cfg->references[i].joins) == 0;
		if (!again) {
			buf_addc(out, ',');
			name(out, m->cfg->references[i].joins);
		}
	}
}

void rest_url_select_one(struct buf *out, const char *column)
{
	buf_adds(out, "select=");
	name(out, column);
}

void rest_url_order(struct buf *out, const char *column)
{
	name(out, column);
	buf_adds(out, ".asc");
}

void rest_url_compare(struct buf *out, const char *column, const char *op, struct slice value)
{
	buf_addc(out, '&');
	name(out, column);
	buf_addf(out, "=%s.", op);
	encode(out, value);
}

void rest_url_in(struct buf *out, const char *column)
{
	buf_addc(out, '&');
	name(out, column);
	buf_adds(out, "=in.(");
}

void rest_url_item(struct buf *out, bool first, struct slice value)
{
	if (!first)
		buf_addc(out, ',');
	quoted(out, value);
}

/* One leaf of a logical tree. */
static void leaf(struct buf *out, const char *column, const char *op, const char *value)
{
	name(out, column);
	buf_addf(out, ".%s", op);
	if (value) {
		buf_addc(out, '.');
		quoted(out, slice_of(value));
	}
}

/* Case does not count where the column is text and the word holds nothing that a pattern gives a meaning to. */
static const char *status_equals(const struct mapping *m)
{
	const char *w = m->cfg->status_deleted;
	return m->is_text[MAP_STATUS] && !strpbrk(w, "%_*\\") ? "ilike" : "eq";
}

void rest_url_live(const struct mapping *m, struct buf *out)
{
	const char *at = m->column[MAP_DELETED_AT], *status = m->column[MAP_STATUS];
	if (at && m->is_text[MAP_DELETED_AT]) {         /* an empty one is nobody's deletion */
		buf_adds(out, "&or=(");
		leaf(out, at, "is.null", NULL);
		buf_addc(out, ',');
		leaf(out, at, "eq", "");
		buf_addc(out, ')');
	} else if (at) {
		buf_addc(out, '&');
		name(out, at);
		buf_adds(out, "=is.null");
	}
	if (status) {
		buf_adds(out, "&or=(");
		leaf(out, status, "is.null", NULL);
		buf_addf(out, ",");
		leaf(out, status, status_equals(m)[0] == 'i' ? "not.ilike" : "neq", m->cfg->status_deleted);
		buf_addc(out, ')');
	}
}

static void soft_deleted(const struct mapping *m, struct buf *out)
{
	const char *at = m->column[MAP_DELETED_AT], *status = m->column[MAP_STATUS];
	const char *comma = "";
	buf_adds(out, "&or=(");
	if (at) {
		buf_adds(out, "and(");
		leaf(out, at, "not.is.null", NULL);
		if (m->is_text[MAP_DELETED_AT]) {
			buf_addc(out, ',');
			leaf(out, at, "neq", "");
		}
		buf_addc(out, ')');
		comma = ",";
	}
	if (status) {
		buf_adds(out, comma);
		leaf(out, status, status_equals(m), m->cfg->status_deleted);
	}
	buf_addc(out, ')');
}

static void unclaimed(const struct mapping *m, const char *token, struct buf *out)
{
	if (!m->column[MAP_TOKEN])
		return;
	buf_adds(out, "&or=(");
	leaf(out, m->column[MAP_TOKEN], "is.null", NULL);
	buf_addc(out, ',');
	leaf(out, m->column[MAP_TOKEN], "eq", "");
	if (token) {
		buf_addc(out, ',');
		leaf(out, m->column[MAP_TOKEN], "eq", token);
	}
	buf_addc(out, ')');
}

void rest_url_guard(const struct mapping *m, enum batch_op op, struct slice key, struct slice file_id, struct slice lane_value,
		    const char *token, struct buf *out)
{
	if (key.n == 0)
		die("records %s: a statement without a row", m->cfg->name);
	rest_url_compare(out, m->column[MAP_ID], "eq", key);
	if (op == BATCH_RELEASE) {
		rest_url_compare(out, m->column[MAP_TOKEN], "eq", slice_of(token));
		return;
	}
	rest_url_compare(out, m->column[MAP_FILE_ID], "eq", file_id);
	if (m->column[MAP_LANE])
		rest_url_compare(out, m->column[MAP_LANE], "eq", lane_value);
	if (op == BATCH_PURGE)
		soft_deleted(m, out);
	else
		rest_url_live(m, out);
	unclaimed(m, op == BATCH_COMMIT || op == BATCH_REMAP ? token : NULL, out);
}
