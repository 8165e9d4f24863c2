#include "unit.h"

#include "base/rng.h"
#include "cleanup/plan.h"

enum { ITEMS = 3000, LANES = 3 };

static struct plan *empty_plan(enum plan_order order)
{
	static const char *const names[LANES] = { "alpha", "beta", "gamma" };
	struct plan *p = plan_new(7);
	p->order = order;
	p->lanes = LANES;
	p->lane = xcalloc(LANES, sizeof *p->lane);
	for (int i = 0; i < LANES; i++)
		p->lane[i].name = slice_of(names[i]);
	return p;
}

static void add(struct plan *p, int32_t lane, const char *id, int64_t bytes, int64_t created_us, int32_t level)
{
	plan_add(p, &(struct plan_item){ .lane = lane, .id = slice_of(id), .name = slice_of("n"), .row = slice_of(""), .rule = slice_of("age"),
			 .evidence = slice_of("{}"), .bytes = bytes, .created_us = created_us, .used_us = -1, .level = level });
}

/* Ids of many lengths, some the beginning of others; few values, so that many are equal; every tenth unknown. */
static struct plan *some_plan(enum plan_order order, uint64_t seed)
{
	struct plan *p = empty_plan(order);
	struct rng r;
	char id[64];
	rng_seed(&r, seed);
	for (int i = 0; i < ITEMS; i++) {
		snprintf(id, sizeof id, "file-%.*s-%x", (int)rng_below(&r, 5), "aaaa", (i * 7919) % ITEMS);
		add(p, (int32_t)rng_below(&r, LANES), id, rng_below(&r, 10) ? (int64_t)rng_below(&r, 50) << 33 : -1,
		    rng_below(&r, 10) ? (int64_t)rng_below(&r, 50) : -1, (int32_t)rng_below(&r, 3));
	}
	return p;
}

static int order_of(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* As SEMANTICS 4 says it, one rule after the other. */
static int by_the_book(const void *a, const void *b, void *plan)
{
	const struct plan *p = plan;
	const struct plan_item *x = a, *y = b;
	bool by_age = p->order == ORDER_OLDEST || p->order == ORDER_NEWEST, up = p->order == ORDER_OLDEST || p->order == ORDER_SMALLEST;
	int64_t v = by_age ? x->created_us : x->bytes, w = by_age ? y->created_us : y->bytes;
	int d = order_of(x->lane, y->lane);
	if (!d)
		d = order_of(x->level, y->level);
	if (!d)
		d = order_of(v < 0, w < 0);
	if (!d && v >= 0)
		d = up ? order_of(v, w) : order_of(w, v);
	return d ? d : slice_cmp(x->id, y->id);
}

static int by_id(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;
	return x->lane != y->lane ? order_of(x->lane, y->lane) : slice_cmp(x->id, y->id);
}

static struct plan_item *copy_of(const struct plan *p)
{
	struct plan_item *v = xcalloc((size_t)p->items, sizeof *v);
	memcpy(v, p->item, (size_t)p->items * sizeof *v);
	return v;
}

static void test_ranks_follow_lane_level_order_and_id(void **state)
{
	struct err e = { 0 };
	(void)state;
	for (int order = ORDER_OLDEST; order <= ORDER_SMALLEST; order++) {
		struct plan *p = some_plan((enum plan_order)order, 11);
		struct plan_item *want = copy_of(p);
		int32_t *before = plan_in_rank_order(p), rank = 0;
		qsort_r(want, ITEMS, sizeof *want, by_the_book, p);
		for (int i = 0; i < ITEMS; i++)
			assert_int_equal(before[i], want[i].nth);
		assert_int_equal(plan_freeze(p, &e), RC_OK);
		for (int i = 0; i < ITEMS; i++) {
			rank = i && p->item[i].lane == p->item[i - 1].lane ? rank + 1 : 1;
			assert_int_equal(p->item[i].nth, want[i].nth);
			assert_int_equal(p->item[i].rank, rank);
		}
		free(before);
		free(want);
		plan_free(p);
	}
}

/* header, then the hash of each item by lane and id, encoded field by field. */
static void hash_by_the_book(const struct plan *p, struct hash *out)
{
	struct plan_item *v = copy_of(p);
	struct buf all, b;
	struct hash one;
	buf_init(&all);
	buf_init(&b);
	buf_add(&all, p->header.p, p->header.n);
	qsort(v, (size_t)p->items, sizeof *v, by_id);
	for (int32_t i = 0; i < p->items; i++) {
		buf_clear(&b);
		enc_bytes(&b, p->lane[v[i].lane].name);
		enc_z(&b, "file");
		enc_bytes(&b, v[i].id);
		enc_i64(&b, v[i].rank);
		enc_bytes(&b, v[i].name);
		enc_i64(&b, v[i].bytes);
		enc_i64(&b, v[i].created_us < 0 ? -1 : v[i].created_us / 1000000);
		enc_bytes(&b, v[i].row);
		enc_bytes(&b, v[i].rule);
		enc_bytes(&b, v[i].evidence);
		enc_i64(&b, v[i].class_);
		hash_bytes(&one, b.p, b.n);
		buf_add(&all, one.b, sizeof one.b);
	}
	hash_bytes(out, all.p, all.n);
	buf_done(&all);
	buf_done(&b);
	free(v);
}

static void test_the_id_is_the_hash_of_header_and_items_by_lane_and_id(void **state)
{
	struct err e = { 0 };
	struct hash want, again;
	struct plan *p = some_plan(ORDER_OLDEST, 12), *read = empty_plan(ORDER_OLDEST);
	(void)state;
	assert_int_equal(plan_freeze(p, &e), RC_OK);
	hash_by_the_book(p, &want);
	assert_true(hash_eq(&p->id, &want));
	for (int32_t i = 0; i < p->items; i++)          /* as it comes from disk: by rank */
		plan_add(read, &p->item[i]);
	buf_add(&read->header, p->header.p, p->header.n);
	plan_hash(read, &again);
	assert_true(hash_eq(&again, &want));
	plan_free(read);
	plan_free(p);
}

static void test_an_id_twice_in_a_lane_is_refused_by_name(void **state)
{
	struct err e = { 0 };
	struct plan *p = empty_plan(ORDER_LARGEST);
	(void)state;
	add(p, 1, "file-b", 1, 1, 0);
	add(p, 0, "file-a", 1, 1, 0);
	add(p, 1, "file-a", 1, 1, 0);
	assert_int_equal(plan_freeze(p, &e), RC_OK);
	add(p, 1, "file-b", 2, 2, 1);
	assert_int_equal(plan_freeze(p, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "file-b stands twice in lane beta"));
	plan_free(p);
}

static void test_a_plan_of_nothing_has_an_id(void **state)
{
	struct err e = { 0 };
	struct hash want;
	struct plan *p = empty_plan(ORDER_NEWEST);
	(void)state;
	assert_int_equal(plan_freeze(p, &e), RC_OK);
	hash_by_the_book(p, &want);
	assert_true(hash_eq(&p->id, &want));
	plan_free(p);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_ranks_follow_lane_level_order_and_id),
	cmocka_unit_test(test_the_id_is_the_hash_of_header_and_items_by_lane_and_id),
	cmocka_unit_test(test_an_id_twice_in_a_lane_is_refused_by_name),
	cmocka_unit_test(test_a_plan_of_nothing_has_an_id),
};

UNIT_MAIN("plan", tests)
