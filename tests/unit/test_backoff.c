#include "unit.h"

#include "guard/backoff.h"

static void fixed_is_exact_and_none_is_none(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 1);
	struct backoff fixed = { BACKOFF_FIXED, 5000, 0 }, none = { BACKOFF_NONE, 5000, 9000 };
	for (int n = 0; n < 100; n++) {
		assert_int_equal(backoff_ms(&fixed, n, &r), 5000);
		assert_int_equal(backoff_ms(&none, n, &r), 0);
	}
}

static void exponential_doubles_to_its_cap_and_jitter_comes_after_it(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 2);
	struct backoff b = { BACKOFF_EXP, 1000, 10000 };
	static const int64_t want[] = { 1000, 1000, 2000, 4000, 8000, 10000, 10000, 10000 };
	for (int n = 0; n < (int)ARRAY_LEN(want); n++) {
		int64_t least = INT64_MAX, most = 0;
		for (int k = 0; k < 3000; k++) {
			int64_t d = backoff_ms(&b, n, &r);
			least = MIN(least, d);
			most = MAX(most, d);
		}
		assert_in_range(least, want[n], want[n] + want[n] / 50);
		assert_in_range(most, want[n] + want[n] / 5, want[n] + want[n] / 4);
	}
}

static void full_jitter_is_uniform_from_nothing_to_the_delay(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 3);
	struct backoff b = { BACKOFF_EXP_JITTER, 100, 800 };
	int low = 0;
	for (int k = 0; k < 8000; k++) {
		int64_t d = backoff_ms(&b, 9, &r);
		assert_in_range(d, 0, 800);
		low += d < 400;
	}
	assert_in_range(low, 3700, 4300);
	for (int k = 0; k < 1000; k++)
		assert_in_range(backoff_ms(&b, 1, &r), 0, 100);
}

static void extreme_values_neither_overflow_nor_go_below_zero(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 4);
	for (int kind = BACKOFF_NONE; kind <= BACKOFF_EXP_JITTER; kind++) {
		struct backoff huge = { (enum backoff_kind)kind, INT64_MAX, INT64_MAX }, uncapped = { (enum backoff_kind)kind, 1, 0 },
			       zero = { (enum backoff_kind)kind, 0, 0 }, negative = { (enum backoff_kind)kind, -5, -5 };
		assert_true(backoff_ms(&huge, INT32_MAX, &r) >= 0);
		assert_true(backoff_ms(&uncapped, INT32_MAX, &r) >= 0);
		assert_int_equal(backoff_ms(&zero, 50, &r), 0);
		assert_int_equal(backoff_ms(&negative, 50, &r), 0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(fixed_is_exact_and_none_is_none),
	cmocka_unit_test(exponential_doubles_to_its_cap_and_jitter_comes_after_it),
	cmocka_unit_test(full_jitter_is_uniform_from_nothing_to_the_delay),
	cmocka_unit_test(extreme_values_neither_overflow_nor_go_below_zero),
};

UNIT_MAIN("backoff", tests)
