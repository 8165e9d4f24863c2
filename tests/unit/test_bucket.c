#include "unit.h"

#include "guard/bucket.h"

static const int64_t S = 1000000;

static void the_burst_passes_and_then_the_rate(void **state)
{
	(void)state;
	struct bucket b;
	bucket_init(&b, 2000, 3, 5 * S);       /* two a second */
	int64_t now = 5 * S;
	for (int i = 0; i < 3; i++)
		assert_true(bucket_take(&b, now));
	assert_false(bucket_take(&b, now));
	assert_int_equal(bucket_wait_us(&b, now), S / 2);
	assert_false(bucket_take(&b, now + S / 2 - 1));
	assert_int_equal(bucket_wait_us(&b, now + S / 2 - 1), 1);
	assert_true(bucket_take(&b, now + S / 2));
	/* idle time fills it to the burst and no further */
	now += 1000 * S;
	for (int i = 0; i < 3; i++)
		assert_true(bucket_take(&b, now));
	assert_false(bucket_take(&b, now));
}

static void slow_rates_are_exact_however_often_it_is_asked(void **state)
{
	(void)state;
	static const int64_t rates[] = { 1, 3, 7, 333, 1000, 16667, 1000003 };
	for (size_t k = 0; k < ARRAY_LEN(rates); k++) {
		struct bucket b;
		bucket_init(&b, rates[k], 1, 0);
		assert_true(bucket_take(&b, 0));
		int64_t now = 0, taken = 0;
		for (; taken < 50; taken++) {
			int64_t wait = bucket_wait_us(&b, now);
			for (int i = 1; i < 10; i++)
				assert_false(bucket_take(&b, now + wait * i / 10));
			now += wait;
			assert_true(bucket_take(&b, now));
		}
		/* 50 tokens at rates[k] per 1,000 s, each rounded up to a microsecond by the wait */
		int64_t exact = taken * 1000 * S / rates[k];
		assert_true(now >= exact && now <= exact + taken);
	}
}

static void nothing_passes_without_rate_or_burst(void **state)
{
	(void)state;
	static const int64_t rows[][2] = { { 0, 5 }, { 1000, 0 }, { 0, 0 }, { -1, 5 }, { 1000, -1 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bucket b;
		bucket_init(&b, rows[i][0], rows[i][1], 0);
		assert_false(bucket_take(&b, 0));
		assert_false(bucket_take(&b, INT64_MAX));
		assert_true(bucket_wait_us(&b, 0) == INT64_MAX);
	}
}

static void a_servers_wait_closes_it_and_the_later_one_counts(void **state)
{
	(void)state;
	struct bucket b;
	bucket_init(&b, 1000, 5, 0);
	bucket_close_until(&b, 10 * S);
	bucket_close_until(&b, 4 * S);
	assert_false(bucket_take(&b, 9 * S));
	assert_int_equal(bucket_wait_us(&b, 9 * S), S);
	assert_false(bucket_take(&b, 10 * S - 1));
	assert_true(bucket_take(&b, 10 * S));
	assert_int_equal(bucket_wait_us(&b, 10 * S), 0);
}

static void time_that_stands_still_or_jumps_neither_gives_nor_overflows(void **state)
{
	(void)state;
	struct bucket b;
	bucket_init(&b, 1000, 2, 100 * S);
	assert_true(bucket_take(&b, 100 * S));
	assert_true(bucket_take(&b, 100 * S));
	assert_false(bucket_take(&b, 50 * S));
	assert_int_equal(bucket_wait_us(&b, 50 * S), 51 * S);
	assert_false(bucket_take(&b, 100 * S));
	assert_true(bucket_take(&b, INT64_MAX));
	bucket_init(&b, INT64_MAX, INT64_MAX, INT64_MIN / 4);
	for (int i = 0; i < 100; i++)
		assert_true(bucket_take(&b, INT64_MAX / 4));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_burst_passes_and_then_the_rate),
	cmocka_unit_test(slow_rates_are_exact_however_often_it_is_asked),
	cmocka_unit_test(nothing_passes_without_rate_or_burst),
	cmocka_unit_test(a_servers_wait_closes_it_and_the_later_one_counts),
	cmocka_unit_test(time_that_stands_still_or_jumps_neither_gives_nor_overflows),
};

UNIT_MAIN("bucket", tests)
