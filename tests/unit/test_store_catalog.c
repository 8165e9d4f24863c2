#include "unit_store.h"

#include "base/rng.h"
#include "store/catalog.h"

struct fixture {
	struct dir d;
	char path[300];
	struct catalog *c;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct err e;

	dir_make(&f->d);
	snprintf(f->path, sizeof f->path, "%s/catalog.db", f->d.path);
	ok(catalog_open(&f->c, f->path, CATALOG_OWNER, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	catalog_close(f->c);
	dir_remove(&f->d);
	free(f);
	return 0;
}

/* ---- building ---- */

static struct catalog_item item(int32_t lane, const char *id)
{
	return (struct catalog_item){
		.lane = lane, .id = slice_of(id), .name = slice_of("name"), .purpose = slice_of("assistants"),
		.status = slice_of("ok"), .bytes = -1, .created_us = 0
	};
}

static struct catalog_row row(const char *lane, const char *file_id, const char *key)
{
	return (struct catalog_row){
		.key = slice_of(key), .lane = slice_of(lane), .file_id = slice_of(file_id), .name = slice_of("name"),
		.status = slice_of(""), .sha256 = slice_of(""), .object = slice_of("o"), .bytes = 5, .created_us = -1, .used_us = -1,
		.deleted_us = -1, .refs = 0, .referenced = true
	};
}

static void list(struct fixture *f, int32_t lane, const char *const *ids, size_t n)
{
	int64_t counted = -1;
	struct err e;

	ok(catalog_list_begin(f->c, lane, &e));
	for (size_t i = 0; i < n; i++) {
		struct catalog_item it = item(lane, ids[i]);
		ok(catalog_list_add(f->c, &it, 1, &e));
	}
	ok(catalog_list_finish(f->c, lane, &counted, &e));
	assert_int_equal(counted, n);
}

static void rows(struct fixture *f, const struct catalog_row *r, size_t n)
{
	int64_t counted = -1;
	struct err e;

	ok(catalog_rows_begin(f->c, &e));
	ok(catalog_rows_add(f->c, r, n, &e));
	ok(catalog_rows_finish(f->c, &counted, &e));
	assert_int_equal(counted, n);
}

/* ---- the merge ---- */

struct heard {
	char text[4000];
};

static enum rc hear(void *ctx, const struct catalog_item *it, const struct catalog_row *r, bool more)
{
	struct heard *h = ctx;
	size_t used = strlen(h->text);

	snprintf(h->text + used, sizeof h->text - used, "%.*s=%.*s%s%s ", it != NULL ? (int)it->id.n : 1,
		 it != NULL ? it->id.p : "-", r != NULL ? (int)r->key.n : 1, r != NULL ? r->key.p : "-",
		 r != NULL && r->lane.n == 0 ? "?" : "", more ? "+" : "");
	return RC_OK;
}

static void a_merge_pairs_items_with_their_rows_both_ways(void **state)
{
	static const char *const ids[] = { "f3", "f1", "f2", "f5" };
	struct fixture *f = *state;
	const struct catalog_row r[] = {
		row("kimi", "f2", "k2"), row("kimi", "f9", "k9"), row("kimi", "f2", "k1"), row("kimi", "f1", "k3"), row("glm", "f3", "k4"),
		row("kimi", "", "no file"), row("kimi", "f0", "k0"), row("kimi", "f2", "k5")
	};
	struct heard h = { "" };
	struct err e;

	list(f, 0, ids, ARRAY_LEN(ids));
	rows(f, r, ARRAY_LEN(r));
	ok(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e));
	assert_string_equal(h.text, "-=k0 f1=k3 f2=k1+ f2=k2+ f2=k5 f3=- f5=- -=k9 ");
}

/* A row whose lane is not known may name an item of any lane: it protects, and never dangles. */
static void a_row_without_a_lane_names_items_of_every_lane(void **state)
{
	static const char *const ids[] = { "f1", "f2" };
	struct fixture *f = *state;
	const struct catalog_row r[] = {
		row("", "f1", "u1"), row("kimi", "f1", "k1"), row("", "f7", "u7"), row("kimi", "f7", "k7"), row("", "f7", "u0"),
		row("", "f8", "u8")
	};
	struct heard h = { "" };
	struct err e;

	list(f, 0, ids, ARRAY_LEN(ids));
	rows(f, r, ARRAY_LEN(r));
	ok(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e));
	assert_string_equal(h.text, "f1=k1+ f1=u1? f2=- -=k7 ");
}

static void a_merge_needs_both_lists_complete(void **state)
{
	static const char *const ids[] = { "f1" };
	struct fixture *f = *state;
	struct heard h = { "" };
	struct err e;

	assert_int_equal(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e), RC_INCOMPLETE);
	list(f, 0, ids, 1);
	assert_int_equal(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e), RC_INCOMPLETE);
	assert_non_null(strstr(e.text, "records"));
	rows(f, NULL, 0);
	ok(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e));
	ok(catalog_list_begin(f->c, 0, &e));
	assert_int_equal(catalog_merge(f->c, 0, slice_of("kimi"), hear, &h, &e), RC_INCOMPLETE);
	assert_non_null(strstr(e.text, "lane 0"));
}

static enum rc stop(void *ctx, const struct catalog_item *it, const struct catalog_row *r, bool more)
{
	(void)ctx;
	(void)it;
	(void)r;
	(void)more;
	return RC_CANCELLED;
}

static void a_visitor_that_stops_ends_the_merge_with_its_answer(void **state)
{
	static const char *const ids[] = { "f1", "f2" };
	struct fixture *f = *state;
	struct err e;

	list(f, 0, ids, 2);
	rows(f, NULL, 0);
	assert_int_equal(catalog_merge(f->c, 0, slice_of("kimi"), stop, NULL, &e), RC_CANCELLED);
	list(f, 0, ids, 1);
}

static void an_item_listed_twice_is_named(void **state)
{
	struct fixture *f = *state;
	const struct catalog_item items[] = { item(2, "f1"), item(2, "f\x1b"), item(2, "f2"), item(2, "f\x1b") };
	int64_t n;
	struct err e;

	ok(catalog_list_begin(f->c, 2, &e));
	ok(catalog_list_add(f->c, items, ARRAY_LEN(items), &e));
	assert_int_equal(catalog_list_finish(f->c, 2, &n, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "item f^[ was listed twice"));
}

static void a_row_listed_twice_is_named(void **state)
{
	struct fixture *f = *state;
	const struct catalog_row r[] = { row("kimi", "f1", "k1"), row("kimi", "f1", "k2"), row("kimi", "f1", "k1") };
	int64_t n;
	struct err e;

	ok(catalog_rows_begin(f->c, &e));
	ok(catalog_rows_add(f->c, r, ARRAY_LEN(r), &e));
	assert_int_equal(catalog_rows_finish(f->c, &n, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "row k1 was listed twice"));
}

/* ---- the merge against a model ---- */

enum { POOL = 60, ROWS_MAX = 120 };

struct model {
	char ids[POOL][4];
	bool listed[POOL];
	int row_id[ROWS_MAX];           /* index in the pool */
	int row_lane[ROWS_MAX];         /* 0 = kimi, 1 = another, 2 = unknown */
	char keys[ROWS_MAX][8];
	int rows;
	char seen[POOL * ROWS_MAX];     /* which pairs the merge showed: [row * POOL + id] */
	bool alone[POOL];
	bool dangling[ROWS_MAX];
	int visits, last_id;
	char last[8];
	bool expect_more;
};

static int pool_index(const struct model *m, struct slice id)
{
	for (int i = 0; i < POOL; i++)
		if (slice_is(id, m->ids[i]))
			return i;
	fail_msg("an id from nowhere");
	return -1;
}

static int row_index(const struct model *m, struct slice key)
{
	for (int i = 0; i < m->rows; i++)
		if (slice_is(key, m->keys[i]))
			return i;
	fail_msg("a row from nowhere");
	return -1;
}

static enum rc check_visit(void *ctx, const struct catalog_item *it, const struct catalog_row *r, bool more)
{
	struct model *m = ctx;
	struct slice id = it != NULL ? it->id : r->file_id;
	char z[8];

	snprintf(z, sizeof z, "%.*s", SLICE_FMT(id));
	int order = strcmp(m->last, z);
	assert_true(m->visits == 0 || order < 0 || (order == 0 && m->expect_more));
	assert_true(!m->expect_more || order == 0);
	memcpy(m->last, z, sizeof z);
	m->expect_more = more;
	m->visits++;
	if (r == NULL)
		m->alone[pool_index(m, id)] = true;
	else if (it == NULL)
		m->dangling[row_index(m, r->key)] = true;
	else
		m->seen[row_index(m, r->key) * POOL + pool_index(m, id)]++;
	return RC_OK;
}

static void make_model(struct model *m, struct rng *r)
{
	memset(m, 0, sizeof *m);
	for (int i = 0; i < POOL; i++) {
		snprintf(m->ids[i], sizeof m->ids[i], "%c%02d", "aZ\xe2"[rng_below(r, 3)], i);
		m->listed[i] = rng_below(r, 2) == 0;
	}
	m->rows = (int)rng_below(r, ROWS_MAX);
	for (int i = 0; i < m->rows; i++) {
		m->row_id[i] = (int)rng_below(r, POOL);
		m->row_lane[i] = (int)rng_below(r, 8) < 6 ? 0 : (int)rng_below(r, 2) + 1;
		snprintf(m->keys[i], sizeof m->keys[i], "k%d", i);
	}
}

static void load_model(struct fixture *f, const struct model *m, struct rng *r)
{
	static const char *const lanes[] = { "kimi", "other", "" };
	struct catalog_row every[ROWS_MAX];
	const char *ids[POOL];
	size_t n = 0;

	for (int i = 0; i < POOL; i++)
		if (m->listed[i])
			ids[n++] = m->ids[i];
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(r, i);
		const char *t = ids[i - 1];
		ids[i - 1] = ids[k];
		ids[k] = t;
	}
	list(f, 0, ids, n);
	for (int i = 0; i < m->rows; i++)
		every[i] = row(lanes[m->row_lane[i]], m->ids[m->row_id[i]], m->keys[i]);
	rows(f, every, (size_t)m->rows);
}

static void the_merge_agrees_with_a_brute_force_model(void **state)
{
	struct fixture *f = *state;
	struct model *m = xcalloc(1, sizeof *m);
	struct rng r;
	struct err e;

	for (uint64_t seed = 0; seed < 60; seed++) {
		bool named[POOL] = { false };
		rng_seed(&r, seed);
		make_model(m, &r);
		load_model(f, m, &r);
		ok(catalog_merge(f->c, 0, slice_of("kimi"), check_visit, m, &e));
		assert_false(m->expect_more);
		for (int i = 0; i < m->rows; i++) {
			bool ours = m->row_lane[i] == 0, unknown = m->row_lane[i] == 2, there = m->listed[m->row_id[i]];
			named[m->row_id[i]] |= ours || unknown;
			for (int k = 0; k < POOL; k++)
				assert_int_equal(m->seen[i * POOL + k], k == m->row_id[i] && there && (ours || unknown));
			assert_int_equal(m->dangling[i], ours && !there);
		}
		for (int k = 0; k < POOL; k++)
			assert_int_equal(m->alone[k], m->listed[k] && !named[k]);
	}
	free(m);
}

static enum rc check_values(void *ctx, const struct catalog_item *it, const struct catalog_row *r, bool more)
{
	(void)more;
	++*(int *)ctx;
	assert_slice(it->name, "name");
	assert_slice(it->purpose, "assistants");
	assert_int_equal(it->bytes, -1);
	assert_int_equal(it->created_us, 0);
	assert_slice(r->object, "o");
	assert_slice(r->sha256, "");
	assert_int_equal(r->bytes, 5);
	assert_int_equal(r->used_us, -1);
	assert_int_equal(r->refs, 0);
	assert_true(r->referenced);
	return RC_OK;
}

static void values_of_items_and_rows_come_back(void **state)
{
	static const char *const ids[] = { "f1" };
	struct fixture *f = *state;
	const struct catalog_row r[] = { row("kimi", "f1", "k1"), row("kimi", "f1", "k2") };
	int n = 0;
	struct err e;

	list(f, 0, ids, 1);
	rows(f, r, 2);
	ok(catalog_merge(f->c, 0, slice_of("kimi"), check_values, &n, &e));
	assert_int_equal(n, 2);
}

/* ---- verdicts and windows ---- */

static struct catalog_verdict verdict(int32_t lane, const char *id, const char *name, int64_t bytes, int64_t created_us,
				      int32_t v)
{
	return (struct catalog_verdict){
		.lane = lane, .id = slice_of(id), .name = slice_of(name), .purpose = slice_of("p"), .bytes = bytes,
		.created_us = created_us, .verdict = v, .rule = slice_of("orphan"), .where = slice_of("P n -"),
		.reason = slice_of("in no row"), .evidence = slice_of("{}")
	};
}

static void some_verdicts(struct fixture *f)
{
	const struct catalog_verdict v[] = {
		verdict(0, "a", "delta.pdf", 30, 400, 1), verdict(0, "b", "alpha.pdf", -1, 300, 2),
		verdict(1, "c", "Beta.txt", 10, -1, 1), verdict(0, "d", "alpha.pdf", 20, 100, 1),
		verdict(1, "e", "gamma\xff.txt", 40, 200, 3)
	};
	const struct catalog_rank ranks[] = { { 0, 2 }, { 2, 1 }, { 3, 1 } };
	struct err e;

	ok(catalog_verdicts_begin(f->c, &e));
	ok(catalog_verdicts_add(f->c, v, 3, &e));
	ok(catalog_verdicts_add(f->c, v + 3, 2, &e));
	ok(catalog_verdicts_rank(f->c, ranks, 3, &e));
	ok(catalog_verdicts_finish(f->c, &e));
}

static enum rc collect(void *ctx, const struct catalog_verdict *v)
{
	char *text = ctx;
	size_t used = strlen(text);

	memcpy(text + used, v->id.p, v->id.n);
	text[used + v->id.n] = '\0';
	return RC_OK;
}

static void assert_window(struct catalog *c, struct catalog_window w, int64_t want_total, const char *want)
{
	char text[100] = "";
	int64_t total = -1;
	struct err e;

	ok(catalog_window(c, &w, &total, collect, text, &e));
	assert_string_equal(text, want);
	assert_int_equal(total, want_total);
}

static struct catalog_window all(enum catalog_order order)
{
	return (struct catalog_window){ .lane = -1, .verdict = -1, .order = order, .limit = 10 };
}

static struct catalog_window backwards(enum catalog_order order)
{
	struct catalog_window w = all(order);

	w.descending = true;
	return w;
}

static struct catalog_window filtered(int32_t lane, int32_t v, const char *text)
{
	struct catalog_window w = all(CATALOG_BY_ID);

	w.lane = lane;
	w.verdict = v;
	w.text = slice_of(text);
	return w;
}

static struct catalog_window part(int64_t offset, int limit, bool descending)
{
	struct catalog_window w = all(CATALOG_BY_ID);

	w.offset = offset;
	w.limit = limit;
	w.descending = descending;
	return w;
}

static void windows_are_sorted_by_each_order_and_the_unknown_comes_last(void **state)
{
	struct fixture *f = *state;

	some_verdicts(f);
	assert_window(f->c, all(CATALOG_BY_RANK), 5, "dacbe");
	assert_window(f->c, all(CATALOG_BY_SIZE), 5, "cdaeb");
	assert_window(f->c, all(CATALOG_BY_AGE), 5, "abedc");
	assert_window(f->c, all(CATALOG_BY_NAME), 5, "cbdae");
	assert_window(f->c, all(CATALOG_BY_ID), 5, "abcde");
	assert_window(f->c, backwards(CATALOG_BY_ID), 5, "edcba");
	assert_window(f->c, backwards(CATALOG_BY_SIZE), 5, "beadc");
}

static void windows_filter_by_lane_verdict_and_text(void **state)
{
	struct fixture *f = *state;

	some_verdicts(f);
	assert_window(f->c, filtered(0, -1, NULL), 3, "abd");
	assert_window(f->c, filtered(-1, 1, NULL), 3, "acd");
	assert_window(f->c, filtered(1, 1, NULL), 1, "c");
	assert_window(f->c, filtered(-1, -1, "pdf"), 3, "abd");
	assert_window(f->c, filtered(-1, -1, "\xff."), 1, "e");
	assert_window(f->c, filtered(-1, -1, "e"), 3, "ace");
	assert_window(f->c, filtered(-1, -1, "%"), 0, "");
	assert_window(f->c, filtered(7, -1, NULL), 0, "");
}

static void windows_end_where_the_rows_end(void **state)
{
	struct fixture *f = *state;

	some_verdicts(f);
	assert_window(f->c, part(3, 10, false), 5, "de");
	assert_window(f->c, part(1, 2, false), 5, "bc");
	assert_window(f->c, part(4, 1, false), 5, "e");
	assert_window(f->c, part(5, 10, false), 5, "");
	assert_window(f->c, part(1, 2, true), 5, "dc");
	assert_window(f->c, part(-3, 1, false), 5, "a");
	assert_window(f->c, part(0, 0, false), 5, "");
}

static void a_reader_sees_the_last_verdicts_until_the_new_ones_are_complete(void **state)
{
	struct fixture *f = *state;
	const struct catalog_verdict v = verdict(0, "z", "new", 1, 1, 1);
	struct catalog *r;
	struct err e;

	some_verdicts(f);
	ok(catalog_open(&r, f->path, CATALOG_READER, &e));
	assert_window(r, all(CATALOG_BY_ID), 5, "abcde");
	ok(catalog_verdicts_begin(f->c, &e));
	ok(catalog_verdicts_add(f->c, &v, 1, &e));
	assert_window(r, all(CATALOG_BY_ID), 5, "abcde");
	ok(catalog_verdicts_finish(f->c, &e));
	assert_window(r, all(CATALOG_BY_ID), 1, "z");
	catalog_close(r);
}

static void before_the_first_validation_a_window_is_empty(void **state)
{
	struct fixture *f = *state;
	char text[10] = "";
	struct err e;

	assert_window(f->c, all(CATALOG_BY_ID), 0, "");
	assert_int_equal(catalog_one(f->c, slice_of("a"), collect, text, &e), RC_NOT_FOUND);
}

static enum rc check_verdict(void *ctx, const struct catalog_verdict *v)
{
	++*(int *)ctx;
	assert_int_equal(v->lane, 1);
	assert_slice(v->id, "c");
	assert_slice(v->name, "Beta.txt");
	assert_slice(v->purpose, "p");
	assert_int_equal(v->bytes, 10);
	assert_int_equal(v->created_us, -1);
	assert_int_equal(v->verdict, 1);
	assert_slice(v->rule, "orphan");
	assert_slice(v->where, "P n -");
	assert_slice(v->reason, "in no row");
	assert_slice(v->evidence, "{}");
	assert_int_equal(v->rank, 1);
	return RC_OK;
}

static void one_item_is_found_by_its_id_with_all_values(void **state)
{
	struct fixture *f = *state;
	int n = 0;
	struct err e;

	some_verdicts(f);
	ok(catalog_one(f->c, slice_of("c"), check_verdict, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(catalog_one(f->c, slice_of("x\n"), check_verdict, &n, &e), RC_NOT_FOUND);
	assert_null(strchr(e.text, '\n'));
}

/* ---- it can be thrown away ---- */

static void a_damaged_catalog_is_made_anew(void **state)
{
	static const char *const ids[] = { "f1" };
	struct fixture *f = *state;
	struct err e;

	catalog_close(f->c);
	unit_write(f->path, "garbage", 7, 0600);
	ok(catalog_open(&f->c, f->path, CATALOG_OWNER, &e));
	list(f, 0, ids, 1);
}

static void a_catalog_of_a_newer_version_is_made_anew_by_its_owner_only(void **state)
{
	struct fixture *f = *state;
	struct catalog *r;
	struct err e;

	catalog_close(f->c);
	assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 9"), SQLITE_OK);
	assert_int_equal(catalog_open(&r, f->path, CATALOG_READER, &e), RC_USAGE);
	ok(catalog_open(&f->c, f->path, CATALOG_OWNER, &e));
	assert_int_equal(raw_number(f->path, "PRAGMA user_version"), 3);
}

/* A second writer that cannot open it would leave the owner with a file without a name: what it lists then is in another. */
static void only_the_owner_makes_it_anew(void **state)
{
	static const char *const ids[] = { "f1" };
	struct fixture *f = *state;
	struct catalog *second;
	struct err e;

	assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 9"), SQLITE_OK);
	assert_int_equal(catalog_open(&second, f->path, CATALOG_WRITER, &e), RC_USAGE);
	assert_int_equal(raw_number(f->path, "PRAGMA user_version"), 9);
	assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 3"), SQLITE_OK);
	list(f, 0, ids, 1);
	ok(catalog_open(&second, f->path, CATALOG_WRITER, &e));
	catalog_close(second);
	assert_int_equal(raw_number(f->path, "SELECT count(*) FROM lists WHERE lane = 0"), 1);
}

static void a_database_of_another_program_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct err e;

	catalog_close(f->c);
	assert_int_equal(raw_sql(f->path, "PRAGMA application_id = 5"), SQLITE_OK);
	assert_int_equal(catalog_open(&f->c, f->path, CATALOG_OWNER, &e), RC_IO);
	assert_int_equal(raw_number(f->path, "PRAGMA application_id"), 5);
}

static void assert_filter(struct catalog *c, const char *text, const char *want)
{
	struct catalog_window w = all(CATALOG_BY_ID);
	struct query q;
	struct err e;
	ok(query_parse(&q, slice_of(text), NULL, &e));
	for (int i = 0; i < q.terms; i++) {
		if (q.term[i].key == QUERY_LANE)
			q.term[i].number = slice_is(query_value(&q, &q.term[i]), "one");
		if (q.term[i].key == QUERY_STATE && slice_is(query_value(&q, &q.term[i]), "planned"))
			q.term[i].number = CATALOG_PLANNED;
	}
	w.filter = &q;
	w.now_us = 1000 * INT64_C(1000000) + 400;       /* a is 1000 s old */
	assert_window(c, w, (int64_t)strlen(want), want);
}

/* verdicts: 1 stands in the fixture for what the words call protected, 2 ineligible, 3 kept, as the parser numbers them. */
static void a_filter_lets_pass_what_it_says(void **state)
{
	struct fixture *f = *state;
	struct catalog *c;
	struct err e;

	some_verdicts(f);
	ok(catalog_open(&c, f->path, CATALOG_READER, &e));
	assert_filter(c, "", "abcde");
	assert_filter(c, "lane:one", "ce");
	assert_filter(c, "!lane:one", "abd");
	assert_filter(c, "size>10B", "ade");
	assert_filter(c, "size>=10B size<40B", "acd");
	assert_filter(c, "size<=10B", "c");
	assert_filter(c, "!size>10B", "c");     /* unknown is neither */
	assert_filter(c, "size:unknown", "b");
	assert_filter(c, "!size:unknown", "acde");
	assert_filter(c, "age>1000s", "bde");
	assert_filter(c, "age>=1000s", "abde");
	assert_filter(c, "age<1000s", "");
	assert_filter(c, "age:unknown", "c");
	assert_filter(c, "protected", "acd");
	assert_filter(c, "!protected lane:two", "b");
	assert_filter(c, "planned", "acd");
	assert_filter(c, "!planned", "be");
	assert_filter(c, "name:alpha.pdf", "bd");
	assert_filter(c, "name~pdf !name~alpha", "a");
	assert_filter(c, "name~\xff", "e");
	assert_filter(c, "id:c", "c");
	assert_filter(c, "pdf !lt", "bd");
	assert_filter(c, "a pdf", "abd");
	assert_filter(c, "rule:orphan", "abcde");
	assert_filter(c, "rule:orph", "");
	assert_filter(c, "rule~orph class:R0", "abcde");
	assert_filter(c, "class:R1", "");
	assert_filter(c, "why~row purpose:p", "abcde");
	assert_filter(c, "name:\"x' OR 1=1 --\"", "");
	catalog_close(c);
}

static void a_kept_order_is_not_another_filters(void **state)
{
	struct fixture *f = *state;

	some_verdicts(f);
	assert_filter(f->c, "lane:one", "ce");
	assert_filter(f->c, "lane:two", "abd");
	assert_filter(f->c, "lane:two size>20B", "a");
	assert_filter(f->c, "lane:two size>20B", "a");
	assert_filter(f->c, "", "abcde");
}

struct watched {
	int64_t calls, looked, of, most;        /* most: calls until it is stopped */
};

static bool on_progress(void *ctx, int64_t looked, int64_t of)
{
	struct watched *w = ctx;

	assert_true(looked >= w->looked && looked <= of);
	w->looked = looked;
	w->of = of;
	return ++w->calls < w->most;
}

static void a_list_that_is_made_tells_how_far_it_is_and_can_be_stopped(void **state)
{
	struct fixture *f = *state;
	struct catalog_verdict v = verdict(0, "a", "delta.pdf", 30, 400, 1);
	struct watched w = { .most = INT64_MAX };
	struct catalog_window win = all(CATALOG_BY_NAME);
	char text[100] = "", id[24];
	struct query q;
	struct err e;
	int64_t total = 0;

	ok(catalog_verdicts_begin(f->c, &e));
	for (int i = 0; i < 30000; i++) {
		snprintf(id, sizeof id, "%06d", i);
		v.id = slice_of(id);
		ok(catalog_verdicts_add(f->c, &v, 1, &e));
	}
	ok(catalog_verdicts_finish(f->c, &e));
	ok(query_parse(&q, SLICE_LIT("id~00 !id~5 size>10B"), NULL, &e));
	win.filter = &q;
	win.limit = 1;
	win.progress = on_progress;
	win.progress_ctx = &w;
	ok(catalog_window(f->c, &win, &total, collect, text, &e));
	assert_true(total > 0 && w.calls > 5);
	assert_int_equal(w.of, 30000);
	assert_true(w.looked > 15000);
	int64_t whole = total;
	w = (struct watched){ .most = 3 };
	win.order = CATALOG_BY_SIZE;
	assert_int_equal(catalog_window(f->c, &win, &total, collect, text, &e), RC_CANCELLED);
	assert_int_equal(w.calls, 3);
	assert_true(w.looked < 15000);
	win.progress = NULL;
	text[0] = '\0';
	ok(catalog_window(f->c, &win, &total, collect, text, &e));      /* half an order is never shown */
	assert_int_equal(total, whole);
	assert_false(catalog_moved(f->c));
	assert_int_equal(unlink(f->path), 0);
	assert_true(catalog_moved(f->c));
}

static void every_column_can_be_the_order(void **state)
{
	static const char *const want[CATALOG_ORDERS] = { [CATALOG_BY_RANK] = "dacbe", [CATALOG_BY_SIZE] = "cdaeb", [CATALOG_BY_AGE] = "abedc",
		[CATALOG_BY_NAME] = "cbdae", [CATALOG_BY_ID] = "abcde", [CATALOG_BY_LANE] = "abdce", [CATALOG_BY_STATE] = "acdbe",
		[CATALOG_BY_RULE] = "abcde", [CATALOG_BY_CLASS] = "abcde", [CATALOG_BY_WHERE] = "abcde", [CATALOG_BY_WHY] = "abcde" };
	struct fixture *f = *state;

	some_verdicts(f);
	for (int i = 0; i < CATALOG_ORDERS; i++)
		assert_window(f->c, all((enum catalog_order)i), 5, want[i]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_merge_pairs_items_with_their_rows_both_ways),
		T(a_row_without_a_lane_names_items_of_every_lane),
		T(a_merge_needs_both_lists_complete),
		T(a_visitor_that_stops_ends_the_merge_with_its_answer),
		T(an_item_listed_twice_is_named),
		T(a_row_listed_twice_is_named),
		T(the_merge_agrees_with_a_brute_force_model),
		T(values_of_items_and_rows_come_back),
		T(windows_are_sorted_by_each_order_and_the_unknown_comes_last),
		T(windows_filter_by_lane_verdict_and_text),
		T(windows_end_where_the_rows_end),
		T(a_reader_sees_the_last_verdicts_until_the_new_ones_are_complete),
		T(before_the_first_validation_a_window_is_empty),
		T(one_item_is_found_by_its_id_with_all_values),
		T(a_damaged_catalog_is_made_anew),
		T(a_filter_lets_pass_what_it_says),
		T(a_kept_order_is_not_another_filters),
		T(every_column_can_be_the_order),
		T(a_list_that_is_made_tells_how_far_it_is_and_can_be_stopped),
		T(a_catalog_of_a_newer_version_is_made_anew_by_its_owner_only),
		T(only_the_owner_makes_it_anew),
		T(a_database_of_another_program_is_left_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_catalog", tests, NULL, NULL);
}
