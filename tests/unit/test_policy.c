/* What a policy says of one item: every rule's yes, no and cannot know; all, any and not; protect wins. */
#include "tests/unit/unit.h"

#include "cleanup/policy.h"

enum { NOW_S = 1800000000 };
#define DAY_US INT64_C(86400000000)
#define NOW_US (NOW_S * INT64_C(1000000))

static struct policy_verdict v;

static int setup(void **state)
{
	(void)state;
	policy_verdict_init(&v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	policy_verdict_done(&v);
	return 0;
}

static struct cfg_rule rule_of(enum cfg_rule_kind kind)
{
	return (struct cfg_rule){ .name = "r", .kind = kind, .older_than_ms = -1, .longer_than_ms = -1, .larger_than = -1, .smaller_than = -1, .above_bp = -1, .until_bp = -1 };
}

static struct catalog_item an_item(void)
{
	return (struct catalog_item){ .id = SLICE_LIT("file-1"), .name = SLICE_LIT("a.txt"), .purpose = SLICE_LIT("batch"), .status = SLICE_LIT("processed"),
		.bytes = 1000, .created_us = NOW_US - 40 * DAY_US };
}

static enum verdict judged(const struct cfg_rule *rules, size_t n, enum cfg_match match, const struct catalog_item *it, const struct catalog_row *rows, size_t n_rows)
{
	const struct cfg_policy p = { .rules = rules, .n_rules = n, .match = match, .protect = { .referenced = true } };
	const struct policy_facts f = { .wall_us = NOW_US, .records = true, .records_usable = true };
	policy_judge(&p, &f, it, rows, n_rows, &v);
	return v.verdict;
}

static enum verdict by(struct cfg_rule r, const struct catalog_item *it) { return judged(&r, 1, CFG_MATCH_ALL, it, NULL, 0); }

static void size_is_strict_at_both_ends(void **state)
{
	static const struct {
		int64_t bytes, larger, smaller;
		enum verdict want;
	} rows[] = {
		{ 999, 999, -1, VERDICT_KEPT }, { 1000, 999, -1, VERDICT_CANDIDATE }, { 1000, 1000, -1, VERDICT_KEPT }, { 0, 0, -1, VERDICT_KEPT }, { 1, 0, -1, VERDICT_CANDIDATE },
		{ 0, -1, 1, VERDICT_CANDIDATE }, { 1, -1, 1, VERDICT_KEPT }, { 5, 4, 6, VERDICT_CANDIDATE }, { 4, 4, 6, VERDICT_KEPT }, { 6, 4, 6, VERDICT_KEPT },
		{ -1, 0, -1, VERDICT_INELIGIBLE }, { INT64_MAX, 0, -1, VERDICT_CANDIDATE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cfg_rule r = rule_of(CFG_RULE_SIZE);
		struct catalog_item it = an_item();
		r.larger_than = rows[i].larger;
		r.smaller_than = rows[i].smaller;
		it.bytes = rows[i].bytes;
		if (by(r, &it) != rows[i].want)
			fail_msg("row %zu: %s", i, verdict_name(v.verdict));
	}
}

static void words_are_compared_whole_and_what_is_missing_cannot_be_known(void **state)
{
	static const char *const batch[] = { "assistants", "batch" }, *const globs[] = { "tmp-*", "*.bak" }, *const broken[] = { "parse_failed" };
	static const struct {
		enum cfg_rule_kind kind;
		const char *purpose, *name, *status;
		bool own_statuses;
		enum verdict want;
	} rows[] = {
		{ CFG_RULE_PURPOSE, "batch", "", "", false, VERDICT_CANDIDATE }, { CFG_RULE_PURPOSE, "Batch", "", "", false, VERDICT_KEPT },
		{ CFG_RULE_PURPOSE, "batches", "", "", false, VERDICT_KEPT }, { CFG_RULE_PURPOSE, "", "", "", false, VERDICT_INELIGIBLE },
		{ CFG_RULE_NAME, "", "tmp-1", "", false, VERDICT_CANDIDATE }, { CFG_RULE_NAME, "", "x.bak", "", false, VERDICT_CANDIDATE },
		{ CFG_RULE_NAME, "", "TMP-1", "", false, VERDICT_KEPT }, { CFG_RULE_NAME, "", "", "", false, VERDICT_INELIGIBLE },
		{ CFG_RULE_FAILED_UPLOAD, "", "", "error", false, VERDICT_CANDIDATE }, { CFG_RULE_FAILED_UPLOAD, "", "", "failed", false, VERDICT_CANDIDATE },
		{ CFG_RULE_FAILED_UPLOAD, "", "", "processed", false, VERDICT_KEPT }, { CFG_RULE_FAILED_UPLOAD, "", "", "", false, VERDICT_INELIGIBLE },
		{ CFG_RULE_FAILED_UPLOAD, "", "", "parse_failed", true, VERDICT_CANDIDATE }, { CFG_RULE_FAILED_UPLOAD, "", "", "error", true, VERDICT_KEPT },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cfg_rule r = rule_of(rows[i].kind);
		struct catalog_item it = an_item();
		r.purposes = batch, r.n_purposes = ARRAY_LEN(batch);
		r.names = globs, r.n_names = ARRAY_LEN(globs);
		r.statuses = broken, r.n_statuses = rows[i].own_statuses ? ARRAY_LEN(broken) : 0;
		it.purpose = slice_of(rows[i].purpose);
		it.name = slice_of(rows[i].name);
		it.status = slice_of(rows[i].status);
		if (by(r, &it) != rows[i].want)
			fail_msg("row %zu: %s, %s", i, verdict_name(v.verdict), buf_z(&v.reason));
	}
}

static void a_name_that_cannot_be_matched_is_never_selected_not_even_by_not(void **state)
{
	static const char *const globs[] = { "tmp-*" };
	char *name = xcalloc(1, 3000);
	struct cfg_rule r = rule_of(CFG_RULE_NAME);
	struct catalog_item it = an_item();
	(void)state;
	memset(name, 'x', 2999);
	r.names = globs, r.n_names = 1;
	for (int negate = 0; negate < 2; negate++) {
		r.negate = negate;
		it.name = (struct slice){ name, 2999 };
		assert_int_equal(by(r, &it), VERDICT_INELIGIBLE);
		it.name = (struct slice){ "tmp-\0x", 6 };
		assert_int_equal(by(r, &it), VERDICT_INELIGIBLE);
		it.name = (struct slice){ name, 1023 };
		assert_int_equal(by(r, &it), negate ? VERDICT_CANDIDATE : VERDICT_KEPT);
	}
	free(name);
}

static void expired_is_what_the_store_said_it_would_not_keep(void **state)
{
	static const struct {
		int64_t expires_us;
		enum verdict want, negated;
		const char *why;
	} rows[] = {
		{ NOW_US - 1, VERDICT_CANDIDATE, VERDICT_KEPT, "expired " }, { NOW_US, VERDICT_KEPT, VERDICT_CANDIDATE, "" }, { NOW_US + DAY_US, VERDICT_KEPT, VERDICT_CANDIDATE, "" },
		{ CATALOG_NEVER, VERDICT_KEPT, VERDICT_CANDIDATE, "" }, { 0, VERDICT_INELIGIBLE, VERDICT_INELIGIBLE, "expires_at unknown" },
		{ -1, VERDICT_INELIGIBLE, VERDICT_INELIGIBLE, "expires_at unknown" }, { 1, VERDICT_CANDIDATE, VERDICT_KEPT, "expired " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cfg_rule r = rule_of(CFG_RULE_EXPIRED);
		struct catalog_item it = an_item();
		it.expires_us = rows[i].expires_us;
		if (by(r, &it) != rows[i].want || !strstr(buf_z(&v.reason), rows[i].why))
			fail_msg("row %zu: %s, %s", i, verdict_name(v.verdict), buf_z(&v.reason));
		r.negate = true;
		assert_int_equal(by(r, &it), rows[i].negated);
	}
}

/* L live; a number: soft-deleted so many days ago; ? soft-deleted, nobody knows when. */
static enum verdict with_rows(const char *spec, bool records, bool referenced, enum cfg_rule_kind kind)
{
	struct catalog_row rows[4] = { 0 };
	struct catalog_item it = an_item();
	struct cfg_rule r = rule_of(kind);
	size_t n = strlen(spec);
	for (size_t i = 0; i < n; i++) {
		rows[i] = (struct catalog_row){ .key = SLICE_LIT("k"), .object = SLICE_LIT("o"), .used_us = -1, .referenced = referenced };
		rows[i].deleted_us = spec[i] == 'L' ? -1 : spec[i] == '?' ? 0 : NOW_US - (spec[i] - '0') * DAY_US;
	}
	r.longer_than_ms = 3 * DAY_US / 1000;
	const struct cfg_policy p = { .rules = &r, .n_rules = 1, .protect = { .referenced = true } };
	const struct policy_facts f = { .wall_us = NOW_US, .records = records, .records_usable = true };
	policy_judge(&p, &f, &it, rows, n, &v);
	return v.verdict;
}

static void soft_deleted_needs_every_row_deleted_for_so_long(void **state)
{
	static const struct {
		const char *rows;
		enum verdict want;
	} cases[] = {
		{ "", VERDICT_KEPT }, { "L", VERDICT_KEPT }, { "L9", VERDICT_KEPT }, { "L?", VERDICT_KEPT },
		{ "2", VERDICT_KEPT }, { "3", VERDICT_KEPT }, { "4", VERDICT_CANDIDATE }, { "94", VERDICT_CANDIDATE }, { "92", VERDICT_KEPT },
		{ "?", VERDICT_INELIGIBLE }, { "9?", VERDICT_INELIGIBLE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (with_rows(cases[i].rows, true, false, CFG_RULE_SOFT_DELETED) != cases[i].want)
			fail_msg("%s: %s, %s", cases[i].rows, verdict_name(v.verdict), buf_z(&v.reason));
	assert_int_equal(with_rows("9", false, false, CFG_RULE_SOFT_DELETED), VERDICT_INELIGIBLE);
	assert_int_equal(with_rows("9", true, true, CFG_RULE_SOFT_DELETED), VERDICT_PROTECTED);
}

/* A row that is deleted is no row: its item is an orphan, as if it were not listed at all. */
static void soft_deleted_rows_are_no_rows_to_the_other_rules(void **state)
{
	(void)state;
	assert_int_equal(with_rows("", true, false, CFG_RULE_ORPHAN), VERDICT_CANDIDATE);
	assert_int_equal(with_rows("2", true, false, CFG_RULE_ORPHAN), VERDICT_CANDIDATE);
	assert_string_equal(v.where, "P n -");
	assert_int_equal(with_rows("L2", true, false, CFG_RULE_ORPHAN), VERDICT_KEPT);
	assert_string_equal(v.where, "P n D");
}

/* Rules that answer as they are told: by the size of the item. */
static struct cfg_rule answers(char c)
{
	struct cfg_rule r = rule_of(c == '?' ? CFG_RULE_PURPOSE : CFG_RULE_SIZE);
	r.larger_than = c == 'y' ? 0 : INT64_MAX;
	return r;
}

static void all_and_any_over_three_answers(void **state)
{
	static const struct {
		const char *rules;
		enum verdict all, any;
	} rows[] = {
		{ "y", VERDICT_CANDIDATE, VERDICT_CANDIDATE }, { "n", VERDICT_KEPT, VERDICT_KEPT }, { "?", VERDICT_INELIGIBLE, VERDICT_INELIGIBLE },
		{ "yy", VERDICT_CANDIDATE, VERDICT_CANDIDATE }, { "yn", VERDICT_KEPT, VERDICT_CANDIDATE }, { "ny", VERDICT_KEPT, VERDICT_CANDIDATE },
		{ "nn", VERDICT_KEPT, VERDICT_KEPT }, { "y?", VERDICT_INELIGIBLE, VERDICT_CANDIDATE }, { "?y", VERDICT_INELIGIBLE, VERDICT_CANDIDATE },
		{ "n?", VERDICT_KEPT, VERDICT_INELIGIBLE }, { "?n", VERDICT_KEPT, VERDICT_INELIGIBLE }, { "??", VERDICT_INELIGIBLE, VERDICT_INELIGIBLE },
		{ "yyy", VERDICT_CANDIDATE, VERDICT_CANDIDATE }, { "yy?", VERDICT_INELIGIBLE, VERDICT_CANDIDATE }, { "yn?", VERDICT_KEPT, VERDICT_CANDIDATE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cfg_rule r[3];
		struct catalog_item it = an_item();
		size_t n = strlen(rows[i].rules);
		it.purpose = SLICE_LIT("");
		for (size_t k = 0; k < n; k++)
			r[k] = answers(rows[i].rules[k]);
		assert_int_equal(judged(r, n, CFG_MATCH_ALL, &it, NULL, 0), rows[i].all);
		assert_int_equal(judged(r, n, CFG_MATCH_ANY, &it, NULL, 0), rows[i].any);
	}
}

static void not_turns_yes_and_no_and_leaves_unknown_unknown(void **state)
{
	static const struct {
		char answer;
		enum verdict want;
	} rows[] = { { 'y', VERDICT_KEPT }, { 'n', VERDICT_CANDIDATE }, { '?', VERDICT_INELIGIBLE } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cfg_rule r = answers(rows[i].answer);
		struct catalog_item it = an_item();
		it.purpose = SLICE_LIT("");
		r.negate = true;
		assert_int_equal(by(r, &it), rows[i].want);
	}
}

static void protect_wins_over_every_rule(void **state)
{
	static const char *const names[] = { "a.*" };
	const struct policy_facts f = { .wall_us = NOW_US, .records = true, .records_usable = true };
	(void)state;
	for (int kind = CFG_RULE_AGE; kind <= CFG_RULE_SOFT_DELETED; kind++) {
		struct cfg_rule r = rule_of((enum cfg_rule_kind)kind);
		struct cfg_policy p = { .rules = &r, .n_rules = 1, .protect = { .names = names, .n_names = 1 } };
		struct catalog_item it = an_item();
		r.older_than_ms = 0;
		r.larger_than = 0;
		policy_judge(&p, &f, &it, NULL, 0, &v);
		assert_int_equal(v.verdict, VERDICT_PROTECTED);
		assert_true(policy_protects(&p, &f, &it, NULL, 0));
		p.protect.n_names = 0;
		assert_false(policy_protects(&p, &f, &it, NULL, 0));
	}
}

/* ---- duplicates ---- */

struct one {
	const char *id, *sha;
	int64_t created_d, bytes;       /* days ago, -1 unknown */
	bool referenced;
	const char *want;               /* for keep newest, oldest, referenced: y n ? */
};

static enum policy_finding ask(const struct policy_sets *s, enum cfg_keep keep, const struct one *o)
{
	char because[POLICY_BECAUSE];
	struct catalog_item it = { .id = slice_of(o->id), .bytes = o->bytes, .created_us = o->created_d < 0 ? -1 : NOW_US - o->created_d * DAY_US };
	struct catalog_row row = { .sha256 = slice_of(o->sha), .referenced = o->referenced };
	return policy_sets_duplicate(s, keep, &it, &row, 1, because);
}

static struct policy_sets *compared(const struct cfg_policy *p, const struct cfg_lane *lanes, const struct one *o, size_t n)
{
	struct policy_sets *s = policy_sets_new(p, lanes);
	for (size_t i = 0; i < n; i++) {
		struct catalog_item it = { .id = slice_of(o[i].id), .bytes = o[i].bytes, .created_us = o[i].created_d < 0 ? -1 : NOW_US - o[i].created_d * DAY_US };
		struct catalog_row row = { .sha256 = slice_of(o[i].sha), .referenced = o[i].referenced };
		policy_sets_add(s, &it, &row, 1, !o[i].referenced);
	}
	policy_sets_seal(s);
	return s;
}

static void of_equal_ones_exactly_the_right_one_stays(void **state)
{
	static const struct one all[] = {
		{ "only", "aa", 5, 10, false, "nnn" },
		{ "pair-old", "bb", 9, 10, false, "yny" }, { "pair-new", "bb", 1, 10, false, "nyn" },
		{ "other-size", "bb", 1, 11, false, "nnn" },
		{ "three-a", "cc", 3, 7, true, "yyn" }, { "three-b", "cc", 2, 7, false, "yyy" }, { "three-c", "CC", 1, 7, true, "nyn" }, { "three-d", "cc", 4, 7, false, "yny" },
		{ "no-hash", "", 3, 10, false, "???" }, { "no-size", "bb", 3, -1, false, "???" },
		{ "no-time-a", "dd", -1, 10, false, "???" }, { "no-time-b", "dd", 2, 10, false, "???" },
	};
	static const char letter[] = { [POLICY_NO] = 'n', [POLICY_YES] = 'y', [POLICY_CANNOT_KNOW] = '?' };
	static const enum cfg_keep keeps[] = { CFG_KEEP_NEWEST, CFG_KEEP_OLDEST, CFG_KEEP_REFERENCED };
	struct cfg_rule r = rule_of(CFG_RULE_DUPLICATE);
	const struct cfg_policy p = { .rules = &r, .n_rules = 1 };
	struct policy_sets *s = compared(&p, NULL, all, ARRAY_LEN(all));
	(void)state;
	assert_true(policy_needs_sets(&p));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t k = 0; k < ARRAY_LEN(keeps); k++)
			if (letter[ask(s, keeps[k], &all[i])] != all[i].want[k])
				fail_msg("%s with keep %zu is %c", all[i].id, k, letter[ask(s, keeps[k], &all[i])]);
	policy_sets_free(s);
}

static void of_any_group_of_equals_one_stays(void **state)
{
	struct cfg_rule r = rule_of(CFG_RULE_DUPLICATE);
	const struct cfg_policy p = { .rules = &r, .n_rules = 1 };
	(void)state;
	for (int n = 0; n <= 6; n++) {
		struct one all[6];
		char ids[6][8];
		int stay[2] = { 0, 0 };
		for (int i = 0; i < n; i++) {           /* all of one moment: ties are decided, once */
			snprintf(ids[i], sizeof ids[i], "id-%d", i);
			all[i] = (struct one){ ids[i], "ee", 3, 10, false, "" };
		}
		struct policy_sets *s = compared(&p, NULL, all, (size_t)n);
		for (int i = 0; i < n; i++) {
			stay[0] += ask(s, CFG_KEEP_NEWEST, &all[i]) == POLICY_NO;
			stay[1] += ask(s, CFG_KEEP_OLDEST, &all[i]) == POLICY_NO;
		}
		assert_int_equal(stay[0], MIN(n, 1));
		assert_int_equal(stay[1], MIN(n, 1));
		policy_sets_free(s);
	}
}

/* ---- quota ---- */

/* Ten items of ten bytes, id-0 the oldest; how many go. */
static int pressed(int64_t quota_items, int64_t quota_bytes, int64_t above_bp, int64_t until_bp, int protected_, bool sizes_known)
{
	struct cfg_rule r = rule_of(CFG_RULE_QUOTA);
	static const int lane = 0;
	const struct cfg_policy p = { .rules = &r, .n_rules = 1, .lanes = &lane, .n_lanes = 1 };
	const struct cfg_lane l = { .quota_items = quota_items, .quota_bytes = quota_bytes };
	struct policy_sets *s = policy_sets_new(&p, &l);
	char because[POLICY_BECAUSE], id[8];
	int goes = 0, unknown = 0;
	r.above_bp = above_bp;
	r.until_bp = until_bp;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < 10; i++) {
			snprintf(id, sizeof id, "id-%d", i);
			struct catalog_item it = { .id = slice_of(id), .bytes = sizes_known || i ? 10 : -1, .created_us = NOW_US - (10 - i) * DAY_US };
			if (!pass) {
				policy_sets_add(s, &it, NULL, 0, i >= protected_);
				continue;
			}
			enum policy_finding found = policy_sets_quota(s, &r, &it, because);
			goes += found == POLICY_YES && i >= protected_;
			unknown += found == POLICY_CANNOT_KNOW;
			if (found == POLICY_YES && goes)
				assert_true(i < protected_ + goes);     /* the oldest that may go, without a gap */
		}
		if (!pass)
			policy_sets_seal(s);
	}
	policy_sets_free(s);
	return unknown ? -unknown : goes;
}

static void quota_pressure_selects_the_oldest_until_it_is_gone(void **state)
{
	(void)state;
	assert_int_equal(pressed(10, -1, 10000, 0, 0, true), 0);        /* at the share is not above it */
	assert_int_equal(pressed(10, -1, 9999, 9999, 0, true), 1);
	assert_int_equal(pressed(10, -1, 9000, 7000, 0, true), 3);
	assert_int_equal(pressed(10, -1, 9000, 6999, 0, true), 4);
	assert_int_equal(pressed(10, -1, 9000, 0, 0, true), 10);
	assert_int_equal(pressed(20, -1, 5000, 1000, 0, true), 0);      /* 50 % */
	assert_int_equal(pressed(20, -1, 4999, 1000, 0, true), 8);
	assert_int_equal(pressed(-1, 100, 9000, 5000, 0, true), 5);
	assert_int_equal(pressed(1000, 100, 9000, 5000, 0, true), 5);   /* the fuller of the two */
	assert_int_equal(pressed(10, -1, 9000, 7000, 4, true), 3);      /* the protected are passed over */
	assert_int_equal(pressed(10, -1, 9000, 0, 8, true), 2);
	assert_int_equal(pressed(-1, 100, 9000, 5000, 0, false), -10);  /* a size is unknown: how full it is cannot be known */
	assert_int_equal(pressed(-1, -1, 1, 0, 0, true), -10);
}

static void without_the_comparison_nothing_is_selected(void **state)
{
	struct catalog_item it = an_item();
	(void)state;
	assert_int_equal(by(rule_of(CFG_RULE_DUPLICATE), &it), VERDICT_INELIGIBLE);
	assert_int_equal(by(rule_of(CFG_RULE_QUOTA), &it), VERDICT_INELIGIBLE);
}

/* no, cannot know, yes of an item with 1,000 bytes and no row. */
static struct cfg_rule says(int answer, const char *name)
{
	struct cfg_rule r = rule_of(answer == 1 ? CFG_RULE_AGE : CFG_RULE_SIZE);
	r.name = name;
	r.of = CFG_AGE_LAST_USED;
	r.older_than_ms = 1;
	r.larger_than = answer == 2 ? 1 : 5000;
	return r;
}

static int kleene(enum cfg_match how, int a, int b) { return how == CFG_MATCH_ALL ? MIN(a, b) : MAX(a, b); }

/* Against min, max and 2 - x over {0 no, 1 cannot know, 2 yes}: every combination two groups deep. */
static void groups_of_three_answers_are_min_max_and_complement(void **state)
{
	static const enum verdict want[] = { VERDICT_KEPT, VERDICT_INELIGIBLE, VERDICT_CANDIDATE };
	const struct catalog_item it = an_item();
	(void)state;
	for (int n = 0; n < 81 * 32; n++) {
		int x[4] = { n % 3, n / 3 % 3, n / 9 % 3, n / 27 % 3 }, how = n / 81;
		enum cfg_match top = how & 1 ? CFG_MATCH_ANY : CFG_MATCH_ALL, outer = how & 2 ? CFG_MATCH_ANY : CFG_MATCH_ALL,
			       inner = how & 4 ? CFG_MATCH_ANY : CFG_MATCH_ALL;
		const struct cfg_rule deep[] = { says(x[2], "c"), says(x[3], "d") };
		struct cfg_rule mid[] = { says(x[1], "b"), { .name = "in", .negate = how & 8 } };
		struct cfg_rule rules[] = { says(x[0], "a"), { .name = "out", .negate = how & 16 } };
		mid[1].kind = inner == CFG_MATCH_ALL ? CFG_RULE_ALL : CFG_RULE_ANY;
		mid[1].all = mid[1].any = deep;
		mid[1].n_all = mid[1].n_any = ARRAY_LEN(deep);
		rules[1].kind = outer == CFG_MATCH_ALL ? CFG_RULE_ALL : CFG_RULE_ANY;
		rules[1].all = rules[1].any = mid;
		rules[1].n_all = rules[1].n_any = ARRAY_LEN(mid);
		int in = kleene(inner, x[2], x[3]);
		int out = kleene(outer, x[1], how & 8 ? 2 - in : in);
		int all = kleene(top, x[0], how & 16 ? 2 - out : out);
		if (judged(rules, ARRAY_LEN(rules), top, &it, NULL, 0) != want[all])
			fail_msg("combination %d: %s, %s", n, verdict_name(v.verdict), buf_z(&v.evidence));
	}
}

static void every_member_of_a_group_stands_in_the_evidence(void **state)
{
	const struct catalog_item it = an_item();
	const struct cfg_rule in[] = { says(0, "small"), says(1, "used"), says(2, "large") };
	const struct cfg_rule group = { .name = "any-1", .kind = CFG_RULE_ANY, .any = in, .n_any = ARRAY_LEN(in) };
	(void)state;
	assert_int_equal(judged(&group, 1, CFG_MATCH_ALL, &it, NULL, 0), VERDICT_CANDIDATE);
	assert_string_equal(buf_z(&v.evidence), "[{\"rule\":\"any-1/small\",\"verdict\":\"no\",\"because\":\"1000 bytes\"},"
		"{\"rule\":\"any-1/used\",\"verdict\":\"cannot know\",\"because\":\"last_used unknown\"},"
		"{\"rule\":\"any-1/large\",\"verdict\":\"yes\",\"because\":\"1000 bytes\"},"
		"{\"rule\":\"any-1\",\"verdict\":\"yes\",\"because\":\"1000 bytes\"}]");
	assert_string_equal(buf_z(&v.rule), "any-1");
	assert_string_equal(buf_z(&v.reason), "1000 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(size_is_strict_at_both_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(words_are_compared_whole_and_what_is_missing_cannot_be_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_cannot_be_matched_is_never_selected_not_even_by_not, setup, teardown),
		cmocka_unit_test_setup_teardown(expired_is_what_the_store_said_it_would_not_keep, setup, teardown),
		cmocka_unit_test_setup_teardown(soft_deleted_needs_every_row_deleted_for_so_long, setup, teardown),
		cmocka_unit_test_setup_teardown(soft_deleted_rows_are_no_rows_to_the_other_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(all_and_any_over_three_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(not_turns_yes_and_no_and_leaves_unknown_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(protect_wins_over_every_rule, setup, teardown),
		cmocka_unit_test(of_equal_ones_exactly_the_right_one_stays),
		cmocka_unit_test(of_any_group_of_equals_one_stays),
		cmocka_unit_test(quota_pressure_selects_the_oldest_until_it_is_gone),
		cmocka_unit_test_setup_teardown(without_the_comparison_nothing_is_selected, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_of_three_answers_are_min_max_and_complement, setup, teardown),
		cmocka_unit_test_setup_teardown(every_member_of_a_group_stands_in_the_evidence, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
