#include "unit.h"

#include "guard/window.h"

static void an_empty_window_has_no_figure(void **state)
{
	(void)state;
	struct window w = { 0 };
	assert_int_equal(window_percentile(&w, 50), -1);
	assert_int_equal(window_last(&w, 0), -1);
	window_add(&w, 7);
	assert_int_equal(window_percentile(&w, 0), 7);
	assert_int_equal(window_percentile(&w, 100), 7);
	assert_int_equal(window_last(&w, 0), 7);
	assert_int_equal(window_last(&w, 1), -1);
	assert_int_equal(window_last(&w, -1), -1);
}

static void percentiles_are_nearest_rank(void **state)
{
	(void)state;
	struct window w = { 0 };
	static const int64_t v[] = { 15, 50, 20, 40, 35 };
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		window_add(&w, v[i]);
	static const int64_t want[][2] = { { 0, 15 }, { 5, 15 }, { 20, 15 }, { 21, 20 }, { 30, 20 }, { 40, 20 }, { 50, 35 }, { 95, 50 }, { 100, 50 }, { 101, 50 } };
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(window_percentile(&w, (int)want[i][0]), want[i][1]);
}

static void the_oldest_sample_leaves_first(void **state)
{
	(void)state;
	struct window w = { 0 };
	for (int i = 1; i <= 200; i++) {
		window_add(&w, i);
		int held = MIN(i, (int)WINDOW_SAMPLES);
		assert_int_equal(w.n, held);
		for (int back = 0; back < held; back++)
			assert_int_equal(window_last(&w, back), i - back);
		assert_int_equal(window_last(&w, held), -1);
		assert_int_equal(window_percentile(&w, 0), i - held + 1);
		assert_int_equal(window_percentile(&w, 100), i);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_empty_window_has_no_figure),
	cmocka_unit_test(percentiles_are_nearest_rank),
	cmocka_unit_test(the_oldest_sample_leaves_first),
};

UNIT_MAIN("window", tests)
