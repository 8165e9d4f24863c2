/* Where an item's three places are decides what may become of it: the table, and what fills it. */
#include "unit_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cleanup/policy.h"
#include "escrow/objects.h"

/* ---- the table, over all 64 ---- */

static void the_table_is_that_of_the_contract_and_any_unknown_is_no_action(void **state)
{
	static const struct {
		const char *where;
		enum reconciled want;
	} rows[] = {
		{ "P O D", RECONCILED_HEALTHY }, { "P - D", RECONCILED_LONE }, { "P - -", RECONCILED_ORPHAN }, { "- O D", RECONCILED_COPY_GONE },
		{ "- - D", RECONCILED_DANGLING }, { "- O -", RECONCILED_OBJECT_ORPHAN }, { "P O -", RECONCILED_ROW_LOST }, { "- - -", RECONCILED_NOWHERE },
		/* n/a: P and D alone decide */
		{ "P n D", RECONCILED_HEALTHY }, { "P n -", RECONCILED_ORPHAN }, { "- n D", RECONCILED_DANGLING }, { "- n -", RECONCILED_NOWHERE },
		{ "P n n", RECONCILED_ROWLESS }, { "P O n", RECONCILED_ROWLESS }, { "P - n", RECONCILED_ROWLESS }, { "- O n", RECONCILED_ROWLESS },
		{ "- - n", RECONCILED_ROWLESS }, { "- n n", RECONCILED_ROWLESS },
	};
	size_t seen = 0;
	(void)state;
	for (int p = 0; p < THERE_COUNT; p++)
		for (int o = 0; o < THERE_COUNT; o++)
			for (int d = 0; d < THERE_COUNT; d++) {
				char where[8];
				enum reconciled want = RECONCILED_UNKNOWN;
				reconcile_where((enum there)p, (enum there)o, (enum there)d, where);
				for (size_t i = 0; i < ARRAY_LEN(rows); i++)
					if (strcmp(where, rows[i].where) == 0) {
						want = rows[i].want;
						seen++;
					}
				if (strchr(where, '?') || where[0] == 'n')
					assert_int_equal(want, RECONCILED_UNKNOWN);
				if (reconcile((enum there)p, (enum there)o, (enum there)d) != want)
					fail_msg("%s: %s", where, reconciled_name(reconcile((enum there)p, (enum there)o, (enum there)d)));
			}
	assert_int_equal(seen, ARRAY_LEN(rows));
}

/* ---- what a policy makes of it ---- */

static enum verdict judged(struct policy_facts f, const struct catalog_item *it, const struct catalog_row *rows, size_t n, enum cfg_rule_kind kind,
			   struct policy_verdict *v)
{
	const struct cfg_rule r = { .name = "r", .kind = kind, .older_than_ms = 0, .longer_than_ms = -1, .larger_than = -1, .smaller_than = -1,
		.above_bp = -1, .until_bp = -1 };
	const struct cfg_policy p = { .rules = &r, .n_rules = 1, .match = CFG_MATCH_ALL };
	f.wall_us = INT64_C(1800000000000000);
	policy_judge(&p, &f, it, rows, n, v);
	return v->verdict;
}

static void rows_say_which_objects_must_be_there(void **state)
{
	enum { NONE = POLICY_OBJECTS_NONE, UNKNOWN = POLICY_OBJECTS_UNKNOWN, LISTED = POLICY_OBJECTS_LISTED };
	enum { KEPT = VERDICT_KEPT, TAKEN = VERDICT_CANDIDATE, SAFE = VERDICT_PROTECTED, CANNOT = VERDICT_INELIGIBLE };
	static const struct {
		const char *rows;       /* of each: t = its object is there, f = not, 0 = names none, x = deleted, its object is not there */
		int objects;
		bool by_item, item_found;
		const char *where;
		int by_age, by_orphan;
	} t[] = {
		{ "", NONE, false, false, "P n -", TAKEN, TAKEN }, { "f", NONE, false, false, "P n D", TAKEN, KEPT },
		{ "t", LISTED, true, false, "P O D", TAKEN, KEPT }, { "f", LISTED, true, true, "P - D", SAFE, SAFE },
		{ "tf", LISTED, true, false, "P - D", SAFE, SAFE }, { "ft", LISTED, true, false, "P - D", SAFE, SAFE },
		{ "0", LISTED, true, false, "P n D", TAKEN, KEPT }, { "0t", LISTED, true, false, "P O D", TAKEN, KEPT },
		{ "0f", LISTED, true, false, "P - D", SAFE, SAFE }, { "tt", LISTED, true, false, "P O D", TAKEN, KEPT },
		{ "", LISTED, true, false, "P - -", TAKEN, TAKEN }, { "", LISTED, true, true, "P O -", TAKEN, KEPT },
		{ "", LISTED, false, true, "P n -", TAKEN, TAKEN }, { "x", LISTED, true, false, "P - -", TAKEN, TAKEN },
		{ "t", UNKNOWN, true, false, "P ? D", CANNOT, KEPT }, { "f", UNKNOWN, true, false, "P ? D", CANNOT, KEPT },
		{ "0", UNKNOWN, true, false, "P n D", TAKEN, KEPT }, { "0f", UNKNOWN, true, false, "P ? D", CANNOT, KEPT },
		{ "", UNKNOWN, true, false, "P ? -", CANNOT, CANNOT }, { "", UNKNOWN, false, false, "P n -", TAKEN, TAKEN },
	};
	struct policy_verdict v;
	(void)state;
	policy_verdict_init(&v);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct policy_facts f = { .records = true, .records_usable = true, .objects = (enum policy_objects)t[i].objects,
			.objects_by_item = t[i].by_item, .objects_trouble = t[i].objects == UNKNOWN ? "it hangs" : NULL };
		const struct catalog_item it = { .id = SLICE_LIT("file-1"), .name = SLICE_LIT("a"), .bytes = 1, .created_us = 1, .object_found = t[i].item_found };
		struct catalog_row rows[4] = { 0 };
		size_t n = strlen(t[i].rows);
		for (size_t k = 0; k < n; k++)
			rows[k] = (struct catalog_row){ .deleted_us = t[i].rows[k] == 'x' ? 1 : -1, .used_us = -1,
				.object = t[i].rows[k] == '0' ? SLICE_LIT("") : SLICE_LIT("o"), .object_found = t[i].rows[k] == 't' };
		enum verdict age = judged(f, &it, rows, n, CFG_RULE_AGE, &v), orphan = judged(f, &it, rows, n, CFG_RULE_ORPHAN, &v);
		if (strcmp(v.where, t[i].where) != 0 || (int)age != t[i].by_age || (int)orphan != t[i].by_orphan)
			fail_msg("row %zu: %s, age %s, orphan %s", i, v.where, verdict_name(age), verdict_name(orphan));
	}
	const struct policy_facts f = { .records_unknown = true };
	const struct catalog_item it = { .id = SLICE_LIT("file-1"), .name = SLICE_LIT("a"), .bytes = 1, .created_us = 1 };
	assert_int_equal(judged(f, &it, NULL, 0, CFG_RULE_AGE, &v), VERDICT_INELIGIBLE);
	assert_string_equal(v.where, "P n ?");
	policy_verdict_done(&v);
}

static void rows_without_an_item_are_told_apart(void **state)
{
	const struct policy_facts listed = { .records = true, .objects = POLICY_OBJECTS_LISTED, .objects_by_item = true },
		unknown = { .records = true, .objects = POLICY_OBJECTS_UNKNOWN }, none = { .records = true };
	struct catalog_row row = { .deleted_us = -1, .object = SLICE_LIT("o"), .object_found = true };
	(void)state;
	assert_int_equal(policy_row_alone(&listed, &row), RECONCILED_COPY_GONE);
	assert_int_equal(policy_row_alone(&unknown, &row), RECONCILED_UNKNOWN);
	assert_int_equal(policy_row_alone(&none, &row), RECONCILED_DANGLING);
	row.object_found = false;
	assert_int_equal(policy_row_alone(&listed, &row), RECONCILED_DANGLING);
	row.deleted_us = 5;
	assert_int_equal(policy_row_alone(&listed, &row), RECONCILED_NOWHERE);
}

/* ---- the directory ---- */

struct fixture {
	struct dir d;
	char root[300];
	char keys[4000];                /* sorted by nothing: as they came, with a blank before each */
	int64_t bytes;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	dir_make(&f->d);
	snprintf(f->root, sizeof f->root, "%s/objects", f->d.path);
	assert_int_equal(mkdir(f->root, 0700), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	dir_remove(&f->d);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *name, const char *bytes)
{
	char path[700];
	snprintf(path, sizeof path, "%s/%s", f->root, name);
	FILE *x = fopen(path, "w");
	assert_non_null(x);
	fputs(bytes, x);
	fclose(x);
}

static void folder(const struct fixture *f, const char *name)
{
	char path[700];
	snprintf(path, sizeof path, "%s/%s", f->root, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static enum rc page(void *ctx, const struct catalog_object *o, size_t n, struct err *e)
{
	struct fixture *f = ctx;
	(void)e;
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(f->keys);
		f->bytes += o[i].bytes;
		snprintf(f->keys + at, sizeof f->keys - at, " %.*s", SLICE_FMT(o[i].key));
	}
	return RC_OK;
}

static enum rc listed(struct fixture *f, const char *prefix, int64_t most, struct objects_count *n, struct err *e)
{
	const struct objects_dir d = { f->root, prefix, most, NULL };
	f->keys[0] = 0;
	f->bytes = 0;
	return objects_dir_list(&d, page, f, n, e);
}

static bool has(const struct fixture *f, const char *key)
{
	char with[200];
	snprintf(with, sizeof with, " %s", key);
	const char *at = strstr(f->keys, with);
	return at && (at[strlen(with)] == ' ' || !at[strlen(with)]);
}

static void all_files_below_are_listed_and_no_link_is_followed(void **state)
{
	struct fixture *f = *state;
	struct objects_count n;
	struct err e;
	char path[700];
	put(f, "a", "12345");
	folder(f, "sub");
	put(f, "sub/b.pdf", "123");
	folder(f, "sub/deep");
	put(f, "sub/deep/c", "");
	snprintf(path, sizeof path, "%s/link", f->root);
	assert_int_equal(symlink("a", path), 0);
	snprintf(path, sizeof path, "%s/out", f->root);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(path, sizeof path, "%s/pipe", f->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	ok(listed(f, "up/", 100, &n, &e));
	assert_int_equal(n.objects, 3);
	assert_int_equal(n.bytes, 8);
	assert_int_equal(f->bytes, 8);
	assert_int_equal(n.others, 3);
	assert_true(has(f, "up/a") && has(f, "up/sub/b.pdf") && has(f, "up/sub/deep/c"));
}

static void more_than_one_page_comes_whole_and_the_bound_holds(void **state)
{
	struct fixture *f = *state;
	struct objects_count n;
	struct err e;
	for (int i = 0; i < 2345; i++) {
		char name[20];
		snprintf(name, sizeof name, "%d", i);
		put(f, name, "x");
	}
	ok(listed(f, "", 2346, &n, &e));
	ok(listed(f, "", 2345, &n, &e));
	assert_int_equal(n.objects, 2345);
	assert_int_equal(f->bytes, 2345);
	assert_int_equal(listed(f, "", 2344, &n, &e), RC_INCOMPLETE);
	assert_non_null(strstr(e.text, "more than 2344 objects"));
}

static void what_cannot_be_read_is_incomplete(void **state)
{
	struct fixture *f = *state;
	struct objects_count n;
	struct err e;
	char path[700];
	int in = open(f->root, O_RDONLY | O_DIRECTORY);
	assert_true(in >= 0);
	for (int i = 0; i < 70; i++) {          /* deeper than is followed */
		assert_int_equal(mkdirat(in, "d", 0700), 0);
		int next = openat(in, "d", O_RDONLY | O_DIRECTORY);
		close(in);
		in = next;
	}
	close(in);
	assert_int_equal(listed(f, "", 100, &n, &e), RC_INCOMPLETE);
	assert_non_null(strstr(e.text, "64 deep"));
	snprintf(path, sizeof path, "%s/linked", f->d.path);
	assert_int_equal(symlink(f->root, path), 0);
	snprintf(f->root, sizeof f->root, "%s/linked", f->d.path);
	assert_int_equal(listed(f, "", 100, &n, &e), RC_INCOMPLETE);
	assert_non_null(strstr(e.text, "symbolic link"));
	snprintf(f->root, sizeof f->root, "%s/none", f->d.path);
	assert_int_equal(listed(f, "", 100, &n, &e), RC_INCOMPLETE);
	if (geteuid()) {
		snprintf(f->root, sizeof f->root, "%s/shut", f->d.path);
		assert_int_equal(mkdir(f->root, 0700), 0);
		put(f, "seen", "x");
		folder(f, "half");
		snprintf(path, sizeof path, "%s/half", f->root);
		assert_int_equal(chmod(path, 0), 0);
		assert_int_equal(listed(f, "", 100, &n, &e), RC_INCOMPLETE);
		assert_int_equal(chmod(path, 0700), 0);
		assert_int_equal(chmod(f->root, 0), 0);
		assert_int_equal(listed(f, "", 100, &n, &e), RC_INCOMPLETE);
		assert_int_equal(chmod(f->root, 0700), 0);
		ok(listed(f, "", 100, &n, &e));
	}
}

static void a_list_that_is_given_up_is_none(void **state)
{
	struct fixture *f = *state;
	atomic_bool stop = true;
	const struct objects_dir d = { f->root, "", 10, &stop };
	struct objects_count n;
	struct err e;
	put(f, "a", "x");
	assert_int_equal(objects_dir_list(&d, page, f, &n, &e), RC_CANCELLED);
}

static void one_object_is_opened_by_its_key_and_nothing_outside_is(void **state)
{
	static const struct {
		const char *key;
		enum rc want;
	} t[] = {
		{ "up/a", RC_OK }, { "up/sub/b", RC_OK }, { "up/none", RC_NOT_FOUND }, { "up/sub", RC_NOT_FOUND }, { "up/link", RC_NOT_FOUND },
		{ "up/into/b", RC_NOT_FOUND }, { "up/../objects/a", RC_NOT_FOUND }, { "up/./a", RC_NOT_FOUND }, { "up//a", RC_NOT_FOUND },
		{ "up/a/", RC_NOT_FOUND }, { "up/a/b", RC_NOT_FOUND }, { "a", RC_NOT_FOUND }, { "up/", RC_NOT_FOUND }, { "", RC_NOT_FOUND },
		{ "up/pipe", RC_NOT_FOUND },
	};
	struct fixture *f = *state;
	const struct objects_dir d = { f->root, "up/", 10, NULL };
	char path[700];
	put(f, "a", "12345");
	folder(f, "sub");
	put(f, "sub/b", "123");
	snprintf(path, sizeof path, "%s/link", f->root);
	assert_int_equal(symlink("a", path), 0);
	snprintf(path, sizeof path, "%s/into", f->root);
	assert_int_equal(symlink("sub", path), 0);
	snprintf(path, sizeof path, "%s/pipe", f->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int64_t bytes;
		int fd;
		struct err e;
		enum rc rc = objects_dir_open(&d, slice_of(t[i].key), &fd, &bytes, &e);
		if (rc != t[i].want)
			fail_msg("%s: %d %s", t[i].key, (int)rc, e.text);
		assert_true(rc != RC_OK || fd >= 0);
		if (rc == RC_OK)
			close(fd);
	}
}

/* ---- beside items and rows in the catalogue ---- */

struct seen { char text[400]; };

static enum rc visit(void *ctx, const struct catalog_item *item, const struct catalog_row *row, bool more)
{
	struct seen *s = ctx;
	size_t at = strlen(s->text);
	(void)more;
	snprintf(s->text + at, sizeof s->text - at, "%.*s%s%s ", SLICE_FMT(item ? item->id : row->file_id), item && item->object_found ? "+" : "",
		 row ? row->object_found ? "O" : "o" : "");
	return RC_OK;
}

static void catalogue(void **state)
{
	struct fixture *f = *state;
	struct catalog *c;
	struct err e;
	char path[400];
	int64_t n;
	const int lane = 3;
	static const char *const ids[] = { "f1", "f2", "f3", "f4" };
	static const struct { const char *file, *object; } rows[] = { { "f1", "up/a" }, { "f2", "up/gone" }, { "f9", "up/b" }, { "f3", "" } };
	snprintf(path, sizeof path, "%s/catalog.db", f->d.path);
	ok(catalog_open(&c, path, CATALOG_OWNER, &e));
	ok(catalog_list_begin(c, lane, &e));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct catalog_item it = { .lane = lane, .id = slice_of(ids[i]), .name = SLICE_LIT("n"), .purpose = SLICE_LIT(""), .status = SLICE_LIT("") };
		ok(catalog_list_add(c, &it, 1, &e));
	}
	ok(catalog_list_finish(c, lane, &n, &e));
	ok(catalog_rows_begin(c, &e));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct catalog_row r = { .key = slice_of(rows[i].file), .lane = SLICE_LIT("l"), .file_id = slice_of(rows[i].file), .name = SLICE_LIT(""),
			.status = SLICE_LIT(""), .sha256 = SLICE_LIT(""), .object = slice_of(rows[i].object), .deleted_us = -1 };
		ok(catalog_rows_add(c, &r, 1, &e));
	}
	ok(catalog_rows_finish(c, &n, &e));
	static const struct { enum catalog_item_key by; const char *want; int64_t unnamed; } t[] = {
		{ CATALOG_ITEM_ID, "f1O f2o f3o f4+ f9O ", 1 }, { CATALOG_ITEM_NONE, "f1O f2o f3o f4 f9O ", 2 }, { CATALOG_ITEM_NAME, "f1+O f2+o f3+o f4+ f9O ", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct catalog_object o[] = { { SLICE_LIT("up/a"), 1 }, { SLICE_LIT("up/b"), 2 }, { SLICE_LIT("up/f4"), 3 },
			{ SLICE_LIT("up/n"), 4 }, { SLICE_LIT("up/a"), 9 } };
		struct seen before = { "" }, s = { "" };
		bool known;
		ok(catalog_objects_begin(c, t[i].by, SLICE_LIT("up/"), &e));
		ok(catalog_objects_add(c, o, ARRAY_LEN(o), &e));
		ok(catalog_merge(c, lane, SLICE_LIT("l"), visit, &before, &e));
		assert_string_equal(before.text, "f1o f2o f3o f4 f9o ");
		ok(catalog_objects_finish(c, &n, &e));
		assert_int_equal(n, 4);
		ok(catalog_merge(c, lane, SLICE_LIT("l"), visit, &s, &e));
		assert_string_equal(s.text, t[i].want);
		ok(catalog_object_known(c, SLICE_LIT("up/b"), &known, &e));
		assert_true(known);
		ok(catalog_object_known(c, SLICE_LIT("b"), &known, &e));
		assert_false(known);
		ok(catalog_objects_unnamed(c, &lane, 1, &n, &e));
		assert_int_equal(n, t[i].unnamed);
	}
	ok(catalog_rows_begin(c, &e));          /* new rows: the objects are to be listed again */
	ok(catalog_rows_finish(c, &n, &e));
	ok(catalog_objects_unnamed(c, &lane, 1, &n, &e));
	assert_int_equal(n, 0);
	catalog_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_that_of_the_contract_and_any_unknown_is_no_action),
		cmocka_unit_test(rows_say_which_objects_must_be_there),
		cmocka_unit_test(rows_without_an_item_are_told_apart),
		cmocka_unit_test_setup_teardown(all_files_below_are_listed_and_no_link_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_one_page_comes_whole_and_the_bound_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_incomplete, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_that_is_given_up_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(one_object_is_opened_by_its_key_and_nothing_outside_is, setup, teardown),
		cmocka_unit_test_setup_teardown(catalogue, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
