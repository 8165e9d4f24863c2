#include "config/finish.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"

static const char *own(struct filling *f, const char *text)
{
	return arena_strndup(f->place.a, text, strlen(text));
}

/* "30d", "1h30m": as one would write it. */
static void add_age(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
	for (size_t i = 0; ms && i < ARRAY_LEN(units); i++) {
		if (ms >= units[i].ms)
			buf_addf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
		ms %= units[i].ms;
	}
}

/* groups: of the policy, so far; a group without a name is told by its number. */
static void name_rule(struct filling *f, struct cfg_rule *r, int groups)
{
	struct buf b;
	if (r->name)
		return;
	buf_init(&b);
	if (r->kind == CFG_RULE_ALL || r->kind == CFG_RULE_ANY) {
		buf_addf(&b, "%s-%d", r->kind == CFG_RULE_ALL ? "all" : "any", groups);
	} else if (r->kind == CFG_RULE_AGE) {
		buf_addf(&b, "age-%s-", r->of == CFG_AGE_CREATED ? "created" : "used");
		add_age(&b, r->older_than_ms);
		if (r->older_than_ms <= 0)
			buf_addc(&b, '0');
	} else if (r->kind == CFG_RULE_SOFT_DELETED) {
		buf_adds(&b, "soft-deleted-");
		add_age(&b, r->longer_than_ms);
		if (r->longer_than_ms <= 0)
			buf_addc(&b, '0');
	} else if (r->kind != CFG_RULE_NONE) {
		buf_adds(&b, cfg_rule_kind_name(r->kind));
		for (size_t i = 0; i < b.n; i++)
			if (b.p[i] == '_')
				b.p[i] = '-';
	}
	if (r->negate)
		buf_adds(&b, "-not");
	r->name = own(f, buf_z(&b));
	buf_done(&b);
}

static void finish_rules(struct filling *f, struct cfg_policy *p, const struct cfg_rule *rules, size_t n, int *groups)
{
	for (size_t k = 0; k < n; k++) {
		struct cfg_rule *r = (struct cfg_rule *)&rules[k];
		size_t members;
		if (r->kind == CFG_RULE_NONE)
			r->kind = r->n_all ? CFG_RULE_ALL : r->n_any ? CFG_RULE_ANY : CFG_RULE_NONE;
		const struct cfg_rule *in = cfg_members(r, &members);
		*groups += members > 0;
		name_rule(f, r, *groups);
		if (r->kind == CFG_RULE_SOFT_DELETED && p->records >= 0)
			((struct cfg_records *)&f->c->records[p->records])->deleted_too = true;
		finish_rules(f, p, in, members, groups);
	}
}

static void map_all_lanes(struct filling *f, struct cfg_records *r)
{
	struct cfg_lane_value *v = arena_alloc(f->place.a, (f->c->n_lanes + 1) * sizeof(*v));
	for (size_t i = 0; i < f->c->n_lanes; i++)
		v[i] = (struct cfg_lane_value){ f->c->lanes[i].name, (int)i };
	r->lanes = v;
	r->n_lanes = f->c->n_lanes;
}

static void finish_records(struct filling *f, struct cfg_records *r)
{
	if (!r->n_lanes)
		map_all_lanes(f, r);
	for (size_t i = 0; i < r->n_references; i++) {
		struct cfg_reference *ref = (struct cfg_reference *)&r->references[i];
		if (!ref->joins)
			ref->joins = r->columns.object.name;
	}
}

/* A script that reads one line after the other is asked one thing at a time. */
static void finish_exec(struct filling *f, size_t i, struct cfg_lane *l)
{
	char key[60];
	struct buf b = { 0 };
	if (!l->dialect || strcmp(l->dialect, "exec") != 0)
		return;
	snprintf(key, sizeof(key), "lanes[%zu].in_flight", i);
	if (!tree_has(f->t, key))
		l->in_flight = 1;
	if (l->url || !l->n_command)
		return;
	buf_addf(&b, "exec:%s", l->command[0]);
	l->url = own(f, buf_z(&b));
	buf_done(&b);
}

void finish_defaults(struct filling *f)
{
	for (size_t i = 0; i < f->c->n_lanes; i++)
		finish_exec(f, i, (struct cfg_lane *)&f->c->lanes[i]);
	for (size_t i = 0; i < f->c->n_records; i++)
		finish_records(f, (struct cfg_records *)&f->c->records[i]);
	for (size_t i = 0; i < f->c->n_policies; i++) {
		struct cfg_policy *p = (struct cfg_policy *)&f->c->policies[i];
		if (p->irreversible_approvals < 0)
			p->irreversible_approvals = p->approvals;
		int groups = 0;
		finish_rules(f, p, p->rules, p->n_rules, &groups);
	}
}
