/* What each rule says of one item: yes, no or cannot know, and why in one sentence. */
#include "cleanup/policy_internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_MATCHED = 1024 };

bool policy_glob(const char *const *globs, size_t n, struct slice name)
{
	char z[NAME_MAX_MATCHED];
	if (name.n >= sizeof z || memchr(name.p, 0, name.n))
		return n > 0;           /* cannot be matched: fail closed */
	memcpy(z, name.p, name.n);
	z[name.n] = 0;
	for (size_t i = 0; i < n; i++)
		if (fnmatch(globs[i], z, 0) == 0)
			return true;
	return false;
}

bool policy_listed(const char *const *list, size_t n, struct slice s)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(s, list[i]))
			return true;
	return false;
}

static enum policy_finding rule_age(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	char age[TIME_TEXT];
	int64_t at = j->item->created_us;
	if (r->of == CFG_AGE_LAST_USED) {
		at = -1;
		for (size_t i = 0; i < j->n; i++) {
			if (j->rows[i].used_us < 0) {
				at = -1;
				break;
			}
			at = MAX(at, j->rows[i].used_us);
		}
	}
	if (at < 0) {
		snprintf(because, POLICY_BECAUSE, "%s unknown", r->of == CFG_AGE_CREATED ? "created_at" : "last_used");
		return POLICY_CANNOT_KNOW;
	}
	int64_t us = j->f->wall_us - at;
	snprintf(because, POLICY_BECAUSE, "%s %s ago", r->of == CFG_AGE_CREATED ? "created" : "last used", time_age(age, MAX(us, 0)));
	return us > r->older_than_ms * 1000 ? POLICY_YES : POLICY_NO;
}

static enum policy_finding rule_orphan(const struct judging *j, char because[POLICY_BECAUSE])
{
	if (!j->f->records || !j->f->records_usable) {
		snprintf(because, POLICY_BECAUSE, "%s", j->f->records ? "the records are empty" : "the records did not answer completely");
		return POLICY_CANNOT_KNOW;
	}
	if (policy_reconciled(j) == RECONCILED_ROW_LOST) {
		snprintf(because, POLICY_BECAUSE, "in no row, and its object is there: its row was lost");
		return POLICY_NO;
	}
	snprintf(because, POLICY_BECAUSE, j->n ? "in %zu row%s" : "in no row; records complete", j->n, j->n == 1 ? "" : "s");
	return j->n ? POLICY_NO : POLICY_YES;
}

static enum policy_finding rule_size(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	int64_t bytes = j->item->bytes;
	if (bytes < 0) {
		snprintf(because, POLICY_BECAUSE, "size unknown");
		return POLICY_CANNOT_KNOW;
	}
	snprintf(because, POLICY_BECAUSE, "%lld bytes", (long long)bytes);
	return bytes > r->larger_than && (r->smaller_than < 0 || bytes < r->smaller_than) ? POLICY_YES : POLICY_NO;
}

/* One of a list of words; an item without that field cannot be known. */
static enum policy_finding one_of(struct slice s, const char *field, bool yes, char because[POLICY_BECAUSE])
{
	char shown[100];
	if (!s.n) {
		snprintf(because, POLICY_BECAUSE, "%s unknown", field);
		return POLICY_CANNOT_KNOW;
	}
	snprintf(because, POLICY_BECAUSE, "%s %s", field, text_z(shown, sizeof shown, s));
	return yes ? POLICY_YES : POLICY_NO;
}

static enum policy_finding rule_name(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	struct slice name = j->item->name;
	if (name.n >= NAME_MAX_MATCHED || (name.n && memchr(name.p, 0, name.n))) {
		snprintf(because, POLICY_BECAUSE, "name cannot be matched: too long, or with a NUL in it");
		return POLICY_CANNOT_KNOW;
	}
	return one_of(name, "name", name.n && policy_glob(r->names, r->n_names, name), because);
}

static enum policy_finding rule_failed(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	static const char *const usual[] = { "error", "failed" };
	struct slice s = j->item->status;
	return one_of(s, "status", r->n_statuses ? policy_listed(r->statuses, r->n_statuses, s) : policy_listed(usual, ARRAY_LEN(usual), s), because);
}

/* A store that says nothing may still keep it; one that says null keeps it for good. */
static enum policy_finding rule_expired(const struct judging *j, char because[POLICY_BECAUSE])
{
	char age[TIME_TEXT];
	int64_t at = j->item->expires_us, us = j->f->wall_us - at;
	if (at <= 0) {
		snprintf(because, POLICY_BECAUSE, "expires_at unknown");
		return POLICY_CANNOT_KNOW;
	}
	if (at == CATALOG_NEVER)
		snprintf(because, POLICY_BECAUSE, "never expires");
	else
		snprintf(because, POLICY_BECAUSE, us > 0 ? "expired %s ago" : "expires in %s", time_age(age, us > 0 ? us : -us));
	return us > 0 ? POLICY_YES : POLICY_NO;
}

/* The last of its rows counts; one that is live keeps it. */
static enum policy_finding rule_soft_deleted(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	char age[TIME_TEXT];
	int64_t last = 0;
	bool known = true;
	if (!j->f->records) {
		snprintf(because, POLICY_BECAUSE, "the records did not answer completely");
		return POLICY_CANNOT_KNOW;
	}
	for (size_t i = 0; i < j->n_deleted; i++) {
		known &= j->deleted[i].deleted_us > 0;
		last = MAX(last, j->deleted[i].deleted_us);
	}
	if (j->n || !j->n_deleted) {
		snprintf(because, POLICY_BECAUSE, j->n ? "in %zu live row%s" : "in no row", j->n, j->n == 1 ? "" : "s");
		return POLICY_NO;
	}
	if (!known) {
		snprintf(because, POLICY_BECAUSE, "its row is soft-deleted, and nobody knows since when");
		return POLICY_CANNOT_KNOW;
	}
	int64_t us = j->f->wall_us - last;
	snprintf(because, POLICY_BECAUSE, "its row was soft-deleted %s ago", time_age(age, MAX(us, 0)));
	return us > r->longer_than_ms * 1000 ? POLICY_YES : POLICY_NO;
}

static enum policy_finding compared(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	if (!j->f->sets) {
		snprintf(because, POLICY_BECAUSE, "the items were not compared");
		return POLICY_CANNOT_KNOW;
	}
	return r->kind == CFG_RULE_DUPLICATE ? policy_sets_duplicate(j->f->sets, r->keep, j->item, j->rows, j->n, because)
					     : policy_sets_quota(j->f->sets, r, j->item, because);
}

enum policy_finding policy_not(enum policy_finding found, bool negate)
{
	if (!negate || found == POLICY_CANNOT_KNOW)
		return found;
	return found == POLICY_YES ? POLICY_NO : POLICY_YES;
}

void policy_tally_add(struct policy_tally *t, enum policy_finding found)
{
	t->n++;
	t->yes += found == POLICY_YES;
	t->unknown += found == POLICY_CANNOT_KNOW;
}

/* What is unknown decides nothing where the others already do. */
enum policy_finding policy_tally(const struct policy_tally *t)
{
	if (t->match == CFG_MATCH_ANY)
		return t->yes ? POLICY_YES : t->unknown ? POLICY_CANNOT_KNOW : POLICY_NO;
	return t->yes + t->unknown < t->n ? POLICY_NO : t->unknown ? POLICY_CANNOT_KNOW : POLICY_YES;
}

enum policy_finding policy_rule(const struct judging *j, const struct cfg_rule *r, char because[POLICY_BECAUSE])
{
	const struct catalog_item *it = j->item;
	enum policy_finding found = POLICY_CANNOT_KNOW;
	switch (r->kind) {
	case CFG_RULE_AGE: found = rule_age(j, r, because); break;
	case CFG_RULE_ORPHAN: found = rule_orphan(j, because); break;
	case CFG_RULE_SIZE: found = rule_size(j, r, because); break;
	case CFG_RULE_PURPOSE: found = one_of(it->purpose, "purpose", policy_listed(r->purposes, r->n_purposes, it->purpose), because); break;
	case CFG_RULE_NAME: found = rule_name(j, r, because); break;
	case CFG_RULE_FAILED_UPLOAD: found = rule_failed(j, r, because); break;
	case CFG_RULE_EXPIRED: found = rule_expired(j, because); break;
	case CFG_RULE_SOFT_DELETED: found = rule_soft_deleted(j, r, because); break;
	case CFG_RULE_DUPLICATE: case CFG_RULE_QUOTA: found = compared(j, r, because); break;
	case CFG_RULE_ALL: case CFG_RULE_ANY: case CFG_RULE_NONE: break;
	}
	return policy_not(found, r->negate);
}
