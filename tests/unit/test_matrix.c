#include "unit.h"

#include "guard/matrix.h"

#include "matrix_table.h"

static void every_verdict_up_to_200_is_that_of_exact_fractions(void **state)
{
	(void)state;
	for (int t = 0; t <= 200; t++)
		for (int f = 0; f <= t; f++) {
			enum matrix_verdict want = f >= matrix_table[t][1] ? MATRIX_ABORT : f >= matrix_table[t][0] ? MATRIX_RETRY : MATRIX_CONTINUE;
			if (matrix_verdict(f, t) != want)
				fail_msg("F=%d T=%d: %s", f, t, matrix_verdict_name(matrix_verdict(f, t)));
			static const enum matrix_after after[] = { MATRIX_AFTER_CONTINUE, MATRIX_AFTER_ACK, MATRIX_AFTER_ABORT };
			assert_int_equal(matrix_after(f, t), after[want]);
		}
}

static void the_limits_belong_to_retry(void **state)
{
	(void)state;
	static const struct {
		int64_t f, t;
		enum matrix_verdict v;
	} rows[] = {
		{ 0, 0, MATRIX_CONTINUE }, { 0, 1, MATRIX_CONTINUE }, { 1, 1, MATRIX_ABORT }, { 4, 100, MATRIX_CONTINUE }, { 5, 100, MATRIX_RETRY },
		{ 20, 100, MATRIX_RETRY }, { 21, 100, MATRIX_ABORT }, { 1, 5, MATRIX_RETRY }, { 1, 4, MATRIX_ABORT }, { 1, 20, MATRIX_RETRY },
		{ 1, 21, MATRIX_CONTINUE }, { 49999999, 1000000000, MATRIX_CONTINUE }, { 50000000, 1000000000, MATRIX_RETRY },
		{ 200000000, 1000000000, MATRIX_RETRY }, { 200000001, 1000000000, MATRIX_ABORT },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(matrix_verdict(rows[i].f, rows[i].t), rows[i].v);
	assert_string_equal(matrix_verdict_name(MATRIX_CONTINUE), "continue");
	assert_string_equal(matrix_verdict_name(MATRIX_RETRY), "retry");
	assert_string_equal(matrix_verdict_name(MATRIX_ABORT), "abort");
}

static void nothing_is_enough_below_twenty(void **state)
{
	(void)state;
	assert_false(matrix_enough(0));
	assert_false(matrix_enough(19));
	assert_true(matrix_enough(20));
	assert_true(matrix_enough(21));
}

static void caps_are_those_of_exact_fractions(void **state)
{
	(void)state;
	for (int n = 0; n <= 200; n++) {
		const short *row = matrix_table[n];
		for (int f = 0; f <= n + 1; f++) {
			assert_int_equal(matrix_hopeless(f, n), f >= row[2]);
			assert_int_equal(matrix_in_flight(n, f), MAX(1, row[3] - f));
		}
		assert_int_equal(matrix_canary(n), row[4]);
		assert_int_equal(matrix_drift_cap(n), row[5]);
		assert_int_equal(matrix_refused_cap(n), row[6]);
		assert_int_equal(matrix_gone_other_cap(n), row[7]);
	}
}

/* What in-flight items could add to F can never carry it past what stops at once. */
static void items_in_flight_cannot_overrun_the_stop(void **state)
{
	(void)state;
	for (int64_t n = 1; n <= 200; n++)
		for (int64_t f = 0; f <= n / 5; f++)
			assert_true(f + matrix_in_flight(n, f) <= n / 5 + 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_verdict_up_to_200_is_that_of_exact_fractions),
	cmocka_unit_test(the_limits_belong_to_retry),
	cmocka_unit_test(nothing_is_enough_below_twenty),
	cmocka_unit_test(caps_are_those_of_exact_fractions),
	cmocka_unit_test(items_in_flight_cannot_overrun_the_stop),
};

UNIT_MAIN("matrix", tests)
