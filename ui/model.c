#include "ui/model.h"

#include <string.h>

#include "ui/model_read.h"

void model_init(struct model *m)
{
	*m = (struct model){ .received_us = -1 };
}

void model_done(struct model *m)
{
	arena_free(m->hello.mem);
	arena_free(m->overview.mem);
	arena_free(m->cycle.mem);
	model_init(m);
}

void model_hello(struct model *m, const struct json *j)
{
	static const struct field fields[] = {
		F_STR(m_hello, operator_, "operator"), F_STR(m_hello, role, "role"), F_STR(m_hello, version, "version"),
		F_I64(m_hello, uid, "uid"), F_BOOL(m_hello, watching, "watching"),
	};
	arena_free(m->hello.mem);
	m->hello = (struct m_hello){ .has = true, .mem = arena_new(1024) };
	READ(&m->hello, fields, j, m->hello.mem);
}

void model_topic(struct model *m, struct slice topic, const struct json *data, int64_t now_us)
{
	if (slice_is(topic, "overview")) {
		read_overview(&m->overview, data);
		read_cycle(&m->cycle, json_get(data, "cycle"));
		m->received_us = now_us;
	} else if (slice_is(topic, "cycle")) {
		read_cycle(&m->cycle, data);
		m->received_us = now_us;
	}
}

int64_t m_sum(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a + b;
}

struct m_class m_cycle_class(const struct m_cycle *c)
{
	struct m_class all = { { 0 } };
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < c->lanes; i++)
			all.n[k] = m_sum(all.n[k], c->lane[i].class_.n[k]);
	return all;
}

int64_t m_class_restorable(const struct m_class *c)
{
	return m_sum(m_sum(c->n[1], c->n[2]), c->n[3]);
}

/* ---- answers ---- */

void m_candidates_read(struct m_candidates *c, const struct json *j)
{
	static const struct field fields[] = {
		F_STR(m_candidate, lane, "lane"), F_STR(m_candidate, id, "id"), F_STR(m_candidate, name, "name"),
		F_STR(m_candidate, purpose, "purpose"), F_STR(m_candidate, verdict, "verdict"), F_STR(m_candidate, rule, "rule"),
		F_STR(m_candidate, class_, "class"), F_STR(m_candidate, where, "where"), F_STR(m_candidate, reason, "reason"),
		F_STR(m_candidate, state, "state"), F_I64(m_candidate, bytes, "bytes"),
		F_I64(m_candidate, created_us, "created_us"), F_I64(m_candidate, rank, "rank"),
		F_BOOL(m_candidate, altered, "altered"),
	};
	m_candidates_done(c);
	*c = (struct m_candidates){ .has = true, .mem = arena_new(65536), .total = json_get_i64(j, "total", -1),
				    .offset = MAX(json_get_i64(j, "offset", 0), 0), .listed_us = json_get_i64(j, "listed_us", -1),
				    .loading = json_get_bool(j, "loading", false) };
	c->row = read_array(json_get(j, "rows"), sizeof(*c->row), &c->rows, c->mem);
	int i = 0;
	for (const struct json *v = json_first(json_get(j, "rows")); i < c->rows; v = json_next(v), i++) {
		READ(&c->row[i], fields, v, c->mem);
		/* an id that is not UTF-8 comes as base64: shown as it came, it is only compared */
		if (!c->row[i].id.p)
			c->row[i].id = read_str(json_get(v, "id_b64"), c->mem);
		c->row[i].whole = FIELDS_WHOLE(&c->row[i], fields, c->mem);
	}
}

void m_candidates_done(struct m_candidates *c)
{
	arena_free(c->mem);
	*c = (struct m_candidates){ 0 };
}

void m_audit_read(struct m_audit *a, const struct json *j, enum m_join how)
{
	const struct json *list = json_get(j, "records");
	if (how == M_REPLACE)
		m_audit_done(a);
	if (!a->mem)
		a->mem = arena_new(65536);
	int n, old = a->records, i = 0;
	struct m_record *more = read_array(list, sizeof(*more), &n, a->mem);
	for (const struct json *v = json_first(list); i < n; v = json_next(v))
		read_record(&more[i++], v, a->mem);
	struct m_record *both = arena_alloc(a->mem, (size_t)(old + n + 1) * sizeof(*both));
	if (old > 0)
		memcpy(both + (how == M_PREPEND ? n : 0), a->record, (size_t)old * sizeof(*both));
	memcpy(both + (how == M_PREPEND ? 0 : old), more, (size_t)n * sizeof(*both));
	a->record = both;
	a->records = old + n;
	a->has = true;
}

void m_audit_done(struct m_audit *a)
{
	arena_free(a->mem);
	*a = (struct m_audit){ 0 };
}
