/* One item being judged; inside policy.c and policy_rules.c only. */
#ifndef SLUICE_CLEANUP_POLICY_INTERNAL_H
#define SLUICE_CLEANUP_POLICY_INTERNAL_H

#include "base/json.h"
#include "cleanup/policy.h"

struct judging {
	const struct cfg_policy *p;
	const struct policy_facts *f;
	const struct catalog_item *item;
	const struct catalog_row *rows;         /* live ones */
	size_t n;
	const struct catalog_row *deleted;      /* soft-deleted ones */
	size_t n_deleted;
	struct policy_verdict *v;
	struct jw w;
};

bool policy_glob(const char *const *globs, size_t n, struct slice name);       /* a name that cannot be matched matches all */
bool policy_listed(const char *const *list, size_t n, struct slice s);
/* rule: index in the policy. `not` is done; unknown stays unknown. */
enum policy_finding policy_rule(const struct judging *j, size_t rule, char because[POLICY_BECAUSE]);

#endif
