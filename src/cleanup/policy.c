#include "cleanup/policy_internal.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(e, w) w,
	VERDICTS(X)
#undef X
};

const char *verdict_name(enum verdict v) { return names[v]; }

bool verdict_parse(struct slice word, enum verdict *out)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (slice_is(word, names[i])) {
			*out = (enum verdict)i;
			return true;
		}
	return false;
}

void policy_verdict_init(struct policy_verdict *v)
{
	*v = (struct policy_verdict){ 0 };
	buf_init(&v->rule);
	buf_init(&v->reason);
	buf_init(&v->evidence);
}

void policy_verdict_done(struct policy_verdict *v)
{
	buf_done(&v->rule);
	buf_done(&v->reason);
	buf_done(&v->evidence);
}

static void evidence(struct judging *j, const char *rule, enum policy_finding found, const char *because)
{
	static const char *const words[] = { [POLICY_NO] = "no", [POLICY_YES] = "yes", [POLICY_CANNOT_KNOW] = "cannot know" };
	jw_obj(&j->w);
	jw_kz(&j->w, "rule", rule);
	jw_kz(&j->w, "verdict", words[found]);
	jw_kz(&j->w, "because", because);
	jw_end_obj(&j->w);
}

static void conclude(struct judging *j, enum verdict verdict, const char *rule, const char *reason)
{
	j->v->verdict = verdict;
	buf_clear(&j->v->rule);
	buf_clear(&j->v->reason);
	buf_adds(&j->v->rule, rule);
	buf_adds(&j->v->reason, reason);
}

/* ---- all rules together ---- */

/* A row that names no object cannot be followed to the reference tables. */
static bool references_unknown(const struct judging *j)
{
	if (!j->f->references)
		return false;
	for (size_t i = 0; i < j->n; i++)
		if (!j->rows[i].object.n)
			return true;
	return false;
}

enum { RULE_PATH = 220 };

static enum policy_finding judge_rule(struct judging *j, const struct cfg_rule *r, const char *path, char because[POLICY_BECAUSE]);

/* The first member that decided says why. */
static enum policy_finding judge_group(struct judging *j, const struct cfg_rule *r, const char *path, char because[POLICY_BECAUSE])
{
	struct policy_tally t = { .match = r->kind == CFG_RULE_ALL ? CFG_MATCH_ALL : CFG_MATCH_ANY };
	char first[POLICY_CANNOT_KNOW + 1][POLICY_BECAUSE] = { "", "", "" };
	size_t n;
	const struct cfg_rule *in = cfg_members(r, &n);
	for (size_t i = 0; i < n; i++) {
		char why[POLICY_BECAUSE], name[RULE_PATH];
		snprintf(name, sizeof name, "%s/%s", path, in[i].name);
		enum policy_finding found = judge_rule(j, &in[i], name, why);
		policy_tally_add(&t, found);
		if (!first[found][0])
			snprintf(first[found], sizeof first[found], "%s", why);
	}
	enum policy_finding found = policy_tally(&t);
	if (found == POLICY_CANNOT_KNOW || found == (t.match == CFG_MATCH_ANY ? POLICY_YES : POLICY_NO))
		snprintf(because, POLICY_BECAUSE, "%s", first[found]);
	else
		snprintf(because, POLICY_BECAUSE, "%s of %zu", found == POLICY_YES ? "all" : "none", n);
	return policy_not(found, r->negate);
}

/* Members stand in the evidence before their group, as GROUP/MEMBER. */
static enum policy_finding judge_rule(struct judging *j, const struct cfg_rule *r, const char *path, char because[POLICY_BECAUSE])
{
	bool group = r->kind == CFG_RULE_ALL || r->kind == CFG_RULE_ANY;
	enum policy_finding found = group ? judge_group(j, r, path, because) : policy_rule(j, r, because);
	evidence(j, path, found, because);
	return found;
}

static void rules(struct judging *j)
{
	const struct cfg_policy *p = j->p;
	struct policy_tally t = { .match = p->match };
	char because[POLICY_BECAUSE] = "", why[POLICY_BECAUSE] = "", unknown_why[200] = "";
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct cfg_rule *r = &p->rules[i];
		enum policy_finding found = judge_rule(j, r, r->name, because);
		policy_tally_add(&t, found);
		if (found == POLICY_YES) {
			buf_addf(&j->v->rule, "%s%s", j->v->rule.n ? "+" : "", r->name);
			snprintf(why, sizeof why, "%s", because);
		} else if (found == POLICY_CANNOT_KNOW) {
			snprintf(unknown_why, sizeof unknown_why, "ineligible: %s", because);
		}
	}
	switch (policy_tally(&t)) {
	case POLICY_YES:
		j->v->verdict = VERDICT_CANDIDATE;
		buf_clear(&j->v->reason);
		buf_adds(&j->v->reason, why);
		break;
	case POLICY_CANNOT_KNOW: conclude(j, VERDICT_INELIGIBLE, "", unknown_why); break;
	case POLICY_NO: conclude(j, VERDICT_KEPT, "", "no rule selects it"); break;
	}
}

/* Places of the provider that were asked who uses the item, and what came of it. */
static void provider_references(struct judging *j)
{
	char because[300];
	if (!j->f->places || j->v->verdict != VERDICT_CANDIDATE)
		return;
	if (j->f->places_trouble) {
		snprintf(because, sizeof because, "ineligible: %s", j->f->places_trouble);
		evidence(j, "referenced:provider", POLICY_CANNOT_KNOW, j->f->places_trouble);
		conclude(j, VERDICT_INELIGIBLE, "", because);
	} else if (!policy_held_by(j)) {
		snprintf(because, sizeof because, "not found in %s", j->f->places);
		evidence(j, "referenced:provider", POLICY_NO, because);
	}
}

/* The age floor holds for every rule. */
static void age_floor(struct judging *j)
{
	int64_t age_us = j->f->wall_us - j->item->created_us;
	if (!j->p->age_floor_ms || j->v->verdict != VERDICT_CANDIDATE)
		return;
	if (j->item->created_us < 0) {
		evidence(j, "age_floor", POLICY_CANNOT_KNOW, "created_at unknown");
		conclude(j, VERDICT_INELIGIBLE, "age_floor", "ineligible: created_at unknown");
	} else if (age_us < j->p->age_floor_ms * 1000) {
		evidence(j, "age_floor", POLICY_YES, "younger than the age floor");
		conclude(j, VERDICT_PROTECTED, "age_floor", "younger than the age floor");
	}
}

size_t policy_live(const struct catalog_row *rows, size_t n)
{
	size_t live = 0;
	while (live < n && rows[live].deleted_us < 0)
		live++;
	return live;
}

struct judging policy_judging(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
			       const struct catalog_row *rows, size_t n)
{
	size_t live = policy_live(rows, n);
	return (struct judging){ .p = p, .f = f, .item = item, .rows = rows, .n = live, .deleted = n ? rows + live : rows, .n_deleted = n - live };
}

/* Those that are looked for again before its delete. */
static void objects_named(struct judging *j)
{
	jw_key(&j->w, "objects");
	jw_arr(&j->w);
	for (size_t i = 0; i < j->n; i++)
		if (j->rows[i].object.n)
			jw_str(&j->w, j->rows[i].object);
	jw_end_arr(&j->w);
}

/* Any unknown: no action. Where no objects are configured, the row is what the orphan rule speaks of. */
static void reconciled(struct judging *j)
{
	char because[300];
	struct policy_verdict *v = j->v;
	bool unknown = v->reconciled == RECONCILED_UNKNOWN;
	if (j->f->objects != POLICY_OBJECTS_NONE) {
		snprintf(because, sizeof because, "%s%s%s", reconciled_name(v->reconciled), unknown && j->f->objects_trouble ? ": " : "",
			 unknown && j->f->objects_trouble ? j->f->objects_trouble : "");
		jw_obj(&j->w);
		jw_kz(&j->w, "rule", "reconcile");
		jw_kz(&j->w, "verdict", unknown ? "cannot know" : v->reconciled == RECONCILED_HEALTHY ? "yes" : "no");
		jw_kz(&j->w, "because", because);
		jw_kz(&j->w, "where", v->where);
		if (v->reconciled == RECONCILED_HEALTHY && policy_object_of(j) == THERE_YES)
			objects_named(j);
		jw_end_obj(&j->w);
	}
	if (!unknown || v->verdict != VERDICT_CANDIDATE)
		return;
	snprintf(because, sizeof because, "ineligible: whether its object is there cannot be known: %s",
		 j->f->objects_trouble ? j->f->objects_trouble : "the records did not answer completely");
	conclude(j, VERDICT_INELIGIBLE, "", because);
}

void policy_judge(const struct cfg_policy *p, const struct policy_facts *f, const struct catalog_item *item,
		  const struct catalog_row *rows, size_t n, struct policy_verdict *v)
{
	struct judging j = policy_judging(p, f, item, rows, n);
	const char *because, *rule;
	j.v = v;
	v->verdict = VERDICT_KEPT;
	buf_clear(&v->rule);
	buf_clear(&v->reason);
	buf_clear(&v->evidence);
	jw_init(&j.w, &v->evidence);
	jw_arr(&j.w);
	reconcile_where(THERE_YES, policy_object_of(&j), policy_row_of(&j), v->where);
	v->reconciled = policy_reconciled(&j);
	rules(&j);
	reconciled(&j);
	if (v->verdict == VERDICT_CANDIDATE && references_unknown(&j)) {
		evidence(&j, "references", POLICY_CANNOT_KNOW, "its row names no object, so references cannot be followed");
		conclude(&j, VERDICT_INELIGIBLE, "", "ineligible: its row names no object, so references cannot be known");
	}
	provider_references(&j);
	age_floor(&j);
	rule = policy_protected_by(&j, &because);
	if (rule) {
		evidence(&j, rule, POLICY_YES, because);
		conclude(&j, VERDICT_PROTECTED, rule, because);
	}
	jw_end_arr(&j.w);
}
