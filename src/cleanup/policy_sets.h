/* What the rules that compare items with each other need: one pass over all items of the policy's lanes,
 * before the first of them is judged (SEMANTICS 3: duplicate, quota pressure). Pure; one thread. */
#ifndef SLUICE_CLEANUP_POLICY_SETS_H
#define SLUICE_CLEANUP_POLICY_SETS_H

#include "config/config.h"
#include "store/catalog.h"

/* CANNOT_KNOW is not NO: what needs a field the item lacks is never selected, and `not` does not turn it. */
enum policy_finding { POLICY_NO, POLICY_YES, POLICY_CANNOT_KNOW };
enum { POLICY_BECAUSE = 160 };

struct policy_sets;
bool policy_needs_sets(const struct cfg_policy *p);
/* lanes: of the configuration, for their quotas; items name them by index. Both are borrowed. */
struct policy_sets *policy_sets_new(const struct cfg_policy *p, const struct cfg_lane *lanes);
void policy_sets_free(struct policy_sets *s);
/* may_go: nothing protects it; quota pressure counts only on those. */
void policy_sets_add(struct policy_sets *s, const struct catalog_item *it, const struct catalog_row *rows, size_t n, bool may_go);
void policy_sets_seal(struct policy_sets *s);           /* after the last, before the first question */
enum policy_finding policy_sets_duplicate(const struct policy_sets *s, enum cfg_keep keep, const struct catalog_item *it,
					  const struct catalog_row *rows, size_t n, char because[POLICY_BECAUSE]);
/* rule: of the policy. */
enum policy_finding policy_sets_quota(const struct policy_sets *s, const struct cfg_rule *rule, const struct catalog_item *it, char because[POLICY_BECAUSE]);

#endif
