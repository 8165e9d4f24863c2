/* What keeps an item whatever the rules say (SEMANTICS 3). */
#include "cleanup/policy_internal.h"

#include "base/mem.h"

#include <stdlib.h>

static int by_bytes(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int by_held(const void *a, const void *b)
{
	return slice_cmp(((const struct policy_held *)a)->id, ((const struct policy_held *)b)->id);
}

const struct policy_held *policy_held_by(const struct judging *j)
{
	const struct policy_held key = { .id = j->item->id };
	return j->f->n_held ? bsearch(&key, j->f->held, j->f->n_held, sizeof key, by_held) : NULL;
}

static const char *hand(const struct judging *j)
{
	const struct slice *id = &j->item->id;
	return j->f->n_protected && bsearch(id, j->f->protected_ids, j->f->n_protected, sizeof *id, by_bytes) ? "protected by hand" : NULL;
}

static const char *ids(const struct judging *j)
{
	return policy_listed(j->p->protect.ids, j->p->protect.n_ids, j->item->id) ? "its id is protected" : NULL;
}

static const char *names(const struct judging *j)
{
	return policy_glob(j->p->protect.names, j->p->protect.n_names, j->item->name) ? "its name is protected" : NULL;
}

static const char *purposes(const struct judging *j)
{
	return policy_listed(j->p->protect.purposes, j->p->protect.n_purposes, j->item->purpose) ? "its purpose is protected" : NULL;
}

static bool younger(const struct judging *j, int64_t ms)
{
	return ms && (j->item->created_us < 0 || j->f->wall_us - j->item->created_us < ms * 1000);
}

static const char *younger_than(const struct judging *j)
{
	if (!younger(j, j->p->protect.younger_than_ms))
		return NULL;
	return j->item->created_us < 0 ? "it may be young: created_at unknown" : "it is young";
}

static const char *provider(const struct judging *j)
{
	const struct policy_held *held = policy_held_by(j);
	return held ? held->by : NULL;
}

static const char *object(const struct judging *j)
{
	return policy_reconciled(j) == RECONCILED_LONE ? "its row names an object that the source lacks: this may be the last copy" : NULL;
}

static const char *referenced(const struct judging *j)
{
	for (size_t i = 0; i < j->n + j->n_deleted; i++)
		if (j->p->protect.referenced && (i < j->n ? &j->rows[i] : &j->deleted[i - j->n])->referenced)
			return "a reference table points at its row";
	return NULL;
}

/* In the order in which they are told. */
static const struct {
	const char *rule;
	const char *(*because)(const struct judging *j);
} protections[] = {
	{ "protect:hand", hand }, { "protect:ids", ids }, { "protect:names", names }, { "protect:purposes", purposes },
	{ "protect:younger_than", younger_than }, { "protect:object", object }, { "referenced:provider", provider }, { "protect:referenced", referenced },
};

const char *policy_protected_by(const struct judging *j, const char **because)
{
	for (size_t i = 0; i < ARRAY_LEN(protections); i++) {
		*because = protections[i].because(j);
		if (*because)
			return protections[i].rule;
	}
	return NULL;
}

void policy_protections(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
			const struct catalog_row *rows, size_t n, policy_protection_fn *fn, void *ctx)
{
	const struct judging j = policy_judging(p, f, item, rows, n);
	for (size_t i = 0; i < ARRAY_LEN(protections); i++) {
		const char *because = protections[i].because(&j);
		if (because)
			fn(ctx, protections[i].rule, because);
	}
	if (younger(&j, p->age_floor_ms))
		fn(ctx, "age_floor", item->created_us < 0 ? "created_at unknown" : "younger than the age floor");
}

bool policy_protects(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
		     const struct catalog_row *rows, size_t n)
{
	const struct judging j = policy_judging(p, f, item, rows, n);
	const char *because;
	return younger(&j, p->age_floor_ms) || policy_protected_by(&j, &because);
}
