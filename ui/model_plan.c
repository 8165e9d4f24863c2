#include "ui/model_read.h"

static void read_amount(struct m_amount *a, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_I64(m_amount, items, "items"), F_I64(m_amount, bytes, "bytes"), F_I64(m_amount, restorable_bytes, "restorable_bytes"),
		F_STR(m_amount, phrase, "phrase"), F_STR(m_amount, irreversible_phrase, "irreversible_phrase"),
	};
	READ(a, fields, j, mem);
	read_class(&a->class_, json_get(j, "class"));
}

static void read_lane(struct m_plan_lane *l, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_plan_lane, lane, "lane"), F_STR(m_plan_lane, url, "url"), F_STR(m_plan_lane, account, "account"),
		F_STR(m_plan_lane, key, "key"), F_STR(m_plan_lane, claims_sentence, "claims_sentence"),
		F_STR(m_plan_lane, phrase, "phrase"), F_STR(m_plan_lane, irreversible_phrase, "irreversible_phrase"),
		F_I64(m_plan_lane, items, "items"), F_I64(m_plan_lane, bytes, "bytes"), F_I64(m_plan_lane, listed, "listed"),
		F_I64(m_plan_lane, listed_bytes, "listed_bytes"), F_I64(m_plan_lane, share_bp, "share_bp"),
		F_I64(m_plan_lane, pages, "pages"), F_I64(m_plan_lane, listed_us, "listed_us"),
		F_I64(m_plan_lane, expected, "expected"), F_I64(m_plan_lane, restorable_bytes, "restorable_bytes"), F_BOOL(m_plan_lane, complete, "complete"),
		F_BOOL(m_plan_lane, claims, "claims"),
	};
	static const struct field caps[] = {
		F_I64(m_plan_lane, cap_items, "items"), F_I64(m_plan_lane, cap_bytes, "bytes"),
		F_I64(m_plan_lane, cap_share_bp, "share_bp"), F_I64(m_plan_lane, cap_remain, "remain"),
	};
	READ(l, fields, j, mem);
	READ(l, caps, json_get(j, "caps"), mem);
	read_class(&l->class_, json_get(j, "class"));
	l->blind = read_strings(json_get(j, "blind"), &l->blinds, mem);
	l->cap_default = read_strings(json_get(json_get(j, "caps"), "defaults"), &l->cap_defaults, mem);
	l->has_grant = json_is_object(json_get(j, "grant"));
	read_amount(&l->grant, json_get(j, "grant"), mem);
}

void m_plan_read(struct m_plan *p, const struct json *j)
{
	static const struct field fields[] = {
		F_STR(m_plan, id, "id"), F_STR(m_plan, short_, "short"), F_STR(m_plan, cycle, "cycle"),
		F_STR(m_plan, policy, "policy"), F_STR(m_plan, policy_hash, "policy_hash"),
		F_STR(m_plan, invalid_because, "invalid_because"), F_STR(m_plan, creator, "creator"),
		F_STR(m_plan, lease, "lease"), F_STR(m_plan, identities, "identities"), F_STR(m_plan, if_abort, "if_abort"),
		F_BOOL(m_plan, valid, "valid"), F_I64(m_plan, made_us, "made_us"), F_I64(m_plan, expires_us, "expires_us"),
		F_I64(m_plan, approvals_needed, "approvals_needed"),
		F_I64(m_plan, irreversible_approvals_needed, "irreversible_approvals_needed"),
	};
	m_plan_done(p);
	*p = (struct m_plan){ .has = json_is_object(j), .mem = arena_new(8192) };
	READ(p, fields, j, p->mem);
	const struct json *since = json_get(j, "since_last");
	p->since_added = json_get_i64(since, "added", -1);
	p->since_removed = json_get_i64(since, "removed", -1);
	p->lane = read_array(json_get(j, "lanes"), sizeof(*p->lane), &p->lanes, p->mem);
	int i = 0;
	for (const struct json *v = json_first(json_get(j, "lanes")); i < p->lanes; v = json_next(v))
		read_lane(&p->lane[i++], v, p->mem);
	read_records(&p->records, &p->recordses, json_get(j, "records"), p->mem);
}

void m_plan_done(struct m_plan *p)
{
	arena_free(p->mem);
	*p = (struct m_plan){ 0 };
}

const struct m_plan_lane *m_plan_lane(const struct m_plan *p, struct slice lane)
{
	for (int i = 0; i < p->lanes; i++)
		if (slice_eq(p->lane[i].lane, lane))
			return &p->lane[i];
	return NULL;
}
