/* One item being judged; inside policy*.c only. */
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

struct judging policy_judging(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
			      const struct catalog_row *rows, size_t n);
/* policy_reconcile.c */
enum there policy_object_of(const struct judging *j);
enum there policy_row_of(const struct judging *j);
enum reconciled policy_reconciled(const struct judging *j);
/* The first thing that protects it, and why; NULL when nothing does. The age floor is not among them. */
const char *policy_protected_by(const struct judging *j, const char **because);
const struct policy_held *policy_held_by(const struct judging *j);
bool policy_glob(const char *const *globs, size_t n, struct slice name);       /* a name that cannot be matched matches all */
bool policy_listed(const char *const *list, size_t n, struct slice s);
/* r: no group. `not` is done; unknown stays unknown. */
enum policy_finding policy_rule(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE]);
enum policy_finding policy_not(enum policy_finding found, bool negate);

/* What the entries of a list, all or any of which must hold, come to (SEMANTICS 3: three answers). */
struct policy_tally {
	enum cfg_match match;
	size_t n, yes, unknown;
};
void policy_tally_add(struct policy_tally *t, enum policy_finding found);
enum policy_finding policy_tally(const struct policy_tally *t);

#endif
