#include <stdio.h>
#include <string.h>

#include "config/finish.h"

enum { PATH_TEXT = 200 };

/* "policies[0].rules[1].any[0]": where a rule was written. */
struct place {
	char z[PATH_TEXT];
};

static struct place under(const struct place *p, const char *key)
{
	struct place out;
	snprintf(out.z, sizeof(out.z), "%.150s.%s", p->z, key);
	return out;
}

struct rules {
	struct filling *f;
	const struct cfg_policy *p;
	const struct cfg_rule *seen[CFG_RULES_MAX];
	size_t n;                               /* may rise above that */
};

/* Which key belongs to which kind of rule, and what is said when it is missing. */
static const struct {
	const char *key;
	enum cfg_rule_kind kind;
	const char *needed;                     /* NULL = may be absent */
} rule_keys[] = {
	{ "older_than", CFG_RULE_AGE, "needs `older_than`, as older_than: 30d" },
	{ "of", CFG_RULE_AGE, NULL },
	{ "longer_than", CFG_RULE_SOFT_DELETED, "needs `longer_than`, as longer_than: 30d" },
	{ "larger_than", CFG_RULE_SIZE, NULL },
	{ "smaller_than", CFG_RULE_SIZE, NULL },
	{ "purposes", CFG_RULE_PURPOSE, "needs `purposes`, as purposes: [batch]" },
	{ "names", CFG_RULE_NAME, "needs `names`, as names: [\"tmp-*\"]" },
	{ "statuses", CFG_RULE_FAILED_UPLOAD, NULL },
	{ "keep", CFG_RULE_DUPLICATE, NULL },
	{ "above", CFG_RULE_QUOTA, "needs `above`, as above: 90%" },
	{ "until", CFG_RULE_QUOTA, "needs `until`, as until: 70%" },
};

/* One of rule, all and any, and no more; false when nothing more can be said about it. */
static bool check_kind(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	static const char *const kinds[] = { "rule", "all", "any" };
	const char *first = NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!tree_has(s->f->t, under(at, kinds[i]).z))
			continue;
		if (first) {
			fill_bad(s->f, under(at, kinds[i]).z, "stands beside `%s`; an entry is one rule or one group", first);
			return false;
		}
		first = kinds[i];
	}
	if (!first)
		fill_bad(s->f, at->z, "has no `rule`, which every rule needs that is no group (`all`, `any`)");
	else if (r->kind == CFG_RULE_NONE && strcmp(first, "rule") != 0)
		fill_bad(s->f, under(at, first).z, "is a group without rules; write at least one or remove it");
	return r->kind != CFG_RULE_NONE;
}

static void check_keys(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	for (size_t n = 0; n < ARRAY_LEN(rule_keys); n++) {
		bool there = tree_has(s->f->t, under(at, rule_keys[n].key).z);
		if (there && r->kind != rule_keys[n].kind)
			fill_bad(s->f, under(at, rule_keys[n].key).z, "is for the %s rule; add a rule of its own", cfg_rule_kind_name(rule_keys[n].kind));
		if (!there && r->kind == rule_keys[n].kind && rule_keys[n].needed)
			fill_bad(s->f, at->z, "%s", rule_keys[n].needed);
	}
}

static void check_size(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	if (r->larger_than < 0 && r->smaller_than < 0)
		fill_bad(s->f, at->z, "needs `larger_than` or `smaller_than`, as larger_than: 100MB");
	if (r->smaller_than >= 0 && r->larger_than >= r->smaller_than - 1)
		fill_bad(s->f, at->z, "selects nothing: no size is above larger_than and below smaller_than");
}

static void check_quota(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	const struct cfg_policy *p = s->p;
	if (r->above_bp >= 0 && r->until_bp > r->above_bp)
		fill_bad(s->f, under(at, "until").z, "is above `above`; it says where the deleting stops");
	for (size_t n = 0; n < p->n_lanes; n++) {
		const struct cfg_lane *l = p->lanes[n] >= 0 ? &s->f->c->lanes[p->lanes[n]] : NULL;
		if (l && l->quota_items < 0 && l->quota_bytes < 0)
			fill_bad(s->f, under(at, "rule").z, "needs a quota of lane %s; add `quota_items` or `quota_bytes` there", l->name ? l->name : "?");
	}
}

/* What a rule needs to be told by the records. */
static void check_records(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	const struct cfg_records *rec = s->p->records >= 0 ? &s->f->c->records[s->p->records] : NULL;
	char policy[40];
	snprintf(policy, sizeof(policy), "policies[%td].records", s->p - s->f->c->policies);
	bool has = tree_has(s->f->t, policy);
	if (r->kind == CFG_RULE_ORPHAN && !has)
		fill_bad(s->f, under(at, "rule").z, "needs records; without them every file would look like an orphan. Add `records: NAME` to the policy");
	if (r->kind == CFG_RULE_AGE && r->of == CFG_AGE_LAST_USED && (!has || (rec && !rec->columns.last_used.name)))
		fill_bad(s->f, under(at, "of").z, "last_used needs records with a last_used column");
	if (r->kind == CFG_RULE_SOFT_DELETED && (!has || (rec && !rec->columns.deleted_at.name)))
		fill_bad(s->f, under(at, "rule").z, "needs records with a deleted_at column: they say what was soft-deleted, and when");
	if (r->kind == CFG_RULE_DUPLICATE && (!has || (rec && !rec->columns.sha256.name)))
		fill_bad(s->f, under(at, "rule").z, "needs records with a sha256 column: stores do not say what a file holds");
}

static void check_name(struct rules *s, const struct cfg_rule *r, const struct place *at)
{
	for (size_t k = 0; k < MIN(s->n, (size_t)CFG_RULES_MAX); k++)
		if (r->name && s->seen[k]->name && strcmp(r->name, s->seen[k]->name) == 0) {
			fill_bad(s->f, at->z, "has the name of another rule of this policy, %s; remove one or give it a `name`", r->name);
			return;
		}
	if (s->n < CFG_RULES_MAX)
		s->seen[s->n] = r;
	if (s->n++ == CFG_RULES_MAX)
		fill_bad(s->f, at->z, "is one rule too many: a policy has at most %d, groups and what is in them included", CFG_RULES_MAX);
}

static void check_list(struct rules *s, const struct cfg_rule *rules, size_t n, const struct place *list)
{
	for (size_t k = 0; k < n; k++) {
		const struct cfg_rule *r = &rules[k];
		struct place at;
		size_t members;
		snprintf(at.z, sizeof(at.z), "%.150s[%zu]", list->z, k);
		if (!check_kind(s, r, &at))
			continue;
		check_keys(s, r, &at);
		check_records(s, r, &at);
		if (r->kind == CFG_RULE_SIZE)
			check_size(s, r, &at);
		if (r->kind == CFG_RULE_QUOTA)
			check_quota(s, r, &at);
		check_name(s, r, &at);
		const struct cfg_rule *in = cfg_members(r, &members);
		const struct place inside = under(&at, r->kind == CFG_RULE_ALL ? "all" : "any");
		check_list(s, in, members, &inside);
	}
}

void checks_rules(struct filling *f, size_t policy)
{
	struct rules s = { .f = f, .p = &f->c->policies[policy] };
	struct place list;
	snprintf(list.z, sizeof(list.z), "policies[%zu].rules", policy);
	check_list(&s, s.p->rules, s.p->n_rules, &list);
}
