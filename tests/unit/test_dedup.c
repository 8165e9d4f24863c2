#include "unit.h"

#include "link/dedup.h"

#define AGE INT64_C(1000)

static struct link_position at(const char *epoch, const char *id)
{
	return (struct link_position){ .epoch = slice_of(epoch), .id = slice_of(id) };
}

static struct link_position number(const char *epoch, int64_t n)
{
	return (struct link_position){ .epoch = slice_of(epoch), .id = slice_of(""), .sequenced = true, .sequence = n };
}

/* Sees and settles. */
static enum dedup_verdict take(struct dedup *d, struct link_position p, int64_t now)
{
	struct dedup_mark m;
	enum dedup_verdict v = dedup_see(d, &p, now, &m);
	if (v == DEDUP_NEW)
		dedup_settle(d, &m, true);
	return v;
}

static void a_repeated_message_is_known_until_it_leaves_the_window_by_count(void **state)
{
	(void)state;
	for (size_t window = 1; window <= 5; window++) {
		struct dedup *d = dedup_new(window, AGE);
		char id[24];
		for (size_t i = 0; i <= window; i++) {          /* one more than fits */
			snprintf(id, sizeof id, "m%zu", i);
			assert_int_equal(take(d, at("e", id), 0), DEDUP_NEW);
			assert_int_equal(dedup_marks(d), MIN(i + 1, window));
		}
		for (size_t i = window; i >= 1; i--) {          /* N-1 back and nearer are known */
			snprintf(id, sizeof id, "m%zu", i);
			assert_int_equal(take(d, at("e", id), 0), DEDUP_DUPLICATE);
		}
		assert_int_equal(take(d, at("e", "m0"), 0), DEDUP_NEW);
		assert_int_equal(dedup_counts(d)->duplicates, window);
		dedup_free(d);
	}
}

static void a_mark_ends_with_its_age(void **state)
{
	(void)state;
	static const struct { int64_t after; enum dedup_verdict want; } row[] = {
		{ 0, DEDUP_DUPLICATE }, { AGE - 1, DEDUP_DUPLICATE }, { AGE, DEDUP_NEW }, { AGE + 1, DEDUP_NEW },
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct dedup *d = dedup_new(8, AGE);
		assert_int_equal(take(d, at("", "x"), 50), DEDUP_NEW);
		assert_int_equal(take(d, at("", "x"), 50 + row[i].after), row[i].want);
		assert_int_equal(dedup_marks(d), 1);
		dedup_free(d);
	}
}

static void what_could_not_be_written_is_heard_again(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(4, AGE);
	struct link_position p = at("e", "x");
	struct dedup_mark m, twin;
	assert_int_equal(dedup_see(d, &p, 0, &m), DEDUP_NEW);
	assert_int_equal(dedup_see(d, &p, 0, &twin), DEDUP_PENDING);
	assert_int_equal(dedup_pending(d), 1);
	dedup_settle(d, &m, false);
	assert_int_equal(dedup_pending(d), 0);
	assert_int_equal(dedup_see(d, &p, 0, &twin), DEDUP_NEW);
	dedup_settle(d, &m, true);              /* a late answer for the one that was given up */
	assert_int_equal(dedup_pending(d), 1);
	dedup_settle(d, &twin, true);
	assert_int_equal(take(d, p, 0), DEDUP_DUPLICATE);
	dedup_free(d);
}

static void what_waits_for_the_disk_is_never_pushed_out(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(2, AGE);
	struct link_position a = at("", "a"), b = at("", "b"), c = at("", "c");
	struct dedup_mark ma, mb, mc;
	assert_int_equal(dedup_see(d, &a, 0, &ma), DEDUP_NEW);
	assert_int_equal(dedup_see(d, &b, 0, &mb), DEDUP_NEW);
	assert_int_equal(dedup_see(d, &c, 9 * AGE, &mc), DEDUP_FULL);
	assert_int_equal(dedup_counts(d)->refused, 1);
	dedup_settle(d, &ma, true);
	assert_int_equal(dedup_see(d, &c, 0, &mc), DEDUP_NEW);
	assert_int_equal(dedup_see(d, &b, 0, &mb), DEDUP_PENDING);
	dedup_free(d);
}

static void ids_and_numbers_count_within_their_epoch(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(16, AGE);
	assert_int_equal(take(d, at("one", "x"), 0), DEDUP_NEW);
	assert_int_equal(take(d, at("two", "x"), 0), DEDUP_NEW);
	assert_int_equal(take(d, at("one", "x"), 0), DEDUP_DUPLICATE);
	assert_int_equal(dedup_counts(d)->epochs, 1);           /* a repeat of the old one changes nothing */
	assert_int_equal(take(d, number("two", 7), 0), DEDUP_NEW);
	assert_int_equal(take(d, number("three", 7), 0), DEDUP_NEW);
	assert_int_equal(dedup_counts(d)->epochs, 2);
	assert_int_equal(dedup_counts(d)->gaps, 0);
	/* the number 7 and the id "7" are not the same message */
	assert_int_equal(take(d, at("three", "7"), 0), DEDUP_NEW);
	dedup_free(d);
}

static void gaps_and_reorderings_are_counted(void **state)
{
	(void)state;
	static const struct { int64_t n, gaps, reordered; } row[] = {
		{ 5, 0, 0 }, { 6, 0, 0 }, { 8, 1, 0 }, { 7, 1, 1 }, { 20, 12, 1 }, { 9, 12, 2 }, { 21, 12, 2 },
	};
	struct dedup *d = dedup_new(100, AGE);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		assert_int_equal(take(d, number("e", row[i].n), 0), DEDUP_NEW);
		assert_int_equal(dedup_counts(d)->gaps, row[i].gaps);
		assert_int_equal(dedup_counts(d)->reordered, row[i].reordered);
	}
	/* the whole range of numbers does not overflow the counter */
	assert_int_equal(take(d, number("f", INT64_MIN), 0), DEDUP_NEW);
	assert_int_equal(take(d, number("f", INT64_MAX), 0), DEDUP_NEW);
	assert_true(dedup_counts(d)->gaps == INT64_MAX);
	dedup_free(d);
}

static void a_message_without_a_place_is_said_so(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(4, AGE);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(take(d, at("e", ""), 0), DEDUP_NOWHERE);
		assert_int_equal(dedup_counts(d)->nowhere, i);
	}
	assert_int_equal(dedup_marks(d), 0);
	dedup_free(d);
}

static void a_restored_window_knows_what_the_last_run_took(void **state)
{
	(void)state;
	struct dedup *a = dedup_new(3, AGE), *b = dedup_new(3, AGE);
	struct dedup_mark m[4];
	struct link_position p[4] = { number("e", 1), number("e", 2), number("e", 3), number("e", 4) };
	int64_t highest;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(dedup_see(a, &p[i], i, &m[i]), DEDUP_NEW);
		assert_int_equal(m[i].n, i + 1);
		dedup_settle(a, &m[i], true);
	}
	for (int i = 0; i < 4; i++)
		dedup_restore(b, &m[i], AGE + 1);               /* the first two are too old by now */
	assert_true(dedup_highest(a, &highest));
	dedup_restore_stream(b, dedup_epoch(a), true, highest);
	assert_int_equal(dedup_marks(b), 2);
	assert_int_equal(take(b, p[3], AGE + 1), DEDUP_DUPLICATE);
	assert_int_equal(take(b, p[2], AGE + 1), DEDUP_DUPLICATE);
	assert_int_equal(dedup_see(b, &(struct link_position){ .epoch = slice_of("e"), .sequenced = true, .sequence = 6 }, AGE + 1, &m[0]), DEDUP_NEW);
	assert_int_equal(m[0].n, 5);
	assert_int_equal(dedup_counts(b)->gaps, 1);
	assert_int_equal(dedup_counts(b)->epochs, 0);
	dedup_free(a);
	dedup_free(b);
}

static void a_long_run_keeps_the_table_whole(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(37, 50);
	uint64_t x = 88172645463325252u;
	int64_t fresh = 0, known = 0;
	for (int64_t i = 0; i < 20000; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		struct link_position p = number("e", (int64_t)(x % 60));
		struct dedup_mark m;
		switch (dedup_see(d, &p, i, &m)) {
		case DEDUP_NEW:
			fresh++;
			dedup_settle(d, &m, x % 5 != 0);
			break;
		case DEDUP_DUPLICATE:
			known++;
			break;
		case DEDUP_PENDING:
		case DEDUP_NOWHERE:
		case DEDUP_FULL:
			fail_msg("not possible here");
		}
		assert_true(dedup_marks(d) <= 37);
		assert_int_equal(dedup_pending(d), 0);
	}
	assert_int_equal(fresh + known, 20000);
	assert_true(known > 1000);
	dedup_free(d);
}

static enum dedup_verdict nth(struct dedup *d, int i, int64_t now)
{
	char id[24];
	snprintf(id, sizeof id, "m%d", i);
	return take(d, at("e", id), now);
}

/* What was known when it shrank stays known until all of it has left the larger window. */
static void a_window_that_shrinks_forgets_nothing_it_knew(void **state)
{
	(void)state;
	for (int known = 1; known <= 8; known++) {
		struct dedup *d = dedup_new(8, AGE);
		for (int i = 0; i < known; i++)
			assert_int_equal(nth(d, i, 10), DEDUP_NEW);
		dedup_bound(d, 2, AGE, 10);
		for (int i = 0; i < 8 - known; i++)
			assert_int_equal(nth(d, 100 + i, 11), DEDUP_NEW);
		for (int i = 0; i < known; i++)
			assert_int_equal(nth(d, i, 11), DEDUP_DUPLICATE);
		for (int i = 0; i < known; i++)
			assert_int_equal(nth(d, 200 + i, 12), DEDUP_NEW);
		assert_int_equal(nth(d, 300, 12), DEDUP_NEW);
		assert_int_equal(dedup_marks(d), 2);            /* and then only as many as it was told */
		assert_int_equal(nth(d, 300, 12), DEDUP_DUPLICATE);
		assert_int_equal(nth(d, known > 1 ? 200 + known - 2 : 106, 12), DEDUP_NEW);
		dedup_free(d);
	}
}

static void a_shorter_age_forgets_nothing_it_knew(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(8, AGE);
	assert_int_equal(nth(d, 0, 10), DEDUP_NEW);
	dedup_bound(d, 8, 100, 10);
	assert_int_equal(nth(d, 1, 11), DEDUP_NEW);
	assert_int_equal(nth(d, 0, 10 + AGE - 1), DEDUP_DUPLICATE);
	assert_int_equal(nth(d, 1, 10 + AGE - 1), DEDUP_DUPLICATE);
	assert_int_equal(nth(d, 0, 10 + AGE), DEDUP_NEW);
	assert_int_equal(nth(d, 1, 10 + AGE), DEDUP_NEW);       /* 0 is gone, so 100 holds */
	assert_int_equal(nth(d, 1, 10 + AGE + 99), DEDUP_DUPLICATE);
	assert_int_equal(nth(d, 1, 10 + AGE + 100), DEDUP_NEW);
	dedup_free(d);
}

static void what_a_smaller_window_would_not_know_is_told(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(8, AGE);
	struct link_position p = at("e", "m1");
	struct dedup_mark m;
	for (int i = 0; i < 5; i++)
		assert_int_equal(nth(d, i, 10 + i), DEDUP_NEW);
	assert_int_equal(dedup_see(d, &p, 20, &m), DEDUP_DUPLICATE);
	assert_false(dedup_reaches(d, &m, 3, AGE, 20));         /* three are newer */
	assert_true(dedup_reaches(d, &m, 4, AGE, 20));
	assert_true(dedup_reaches(d, &m, 4, 10, 20));           /* of 11 */
	assert_false(dedup_reaches(d, &m, 4, 9, 20));
	dedup_free(d);
}

/* What is being written cannot be pushed out by a smaller window. */
static void a_smaller_window_keeps_what_is_being_written(void **state)
{
	(void)state;
	struct dedup *d = dedup_new(8, AGE);
	struct dedup_mark m[4];
	struct link_position p[4] = { at("e", "a"), at("e", "b"), at("e", "c"), at("e", "d") };
	for (int i = 0; i < 3; i++)
		assert_int_equal(dedup_see(d, &p[i], 20, &m[i]), DEDUP_NEW);
	dedup_bound(d, 2, AGE, 10);
	assert_int_equal(dedup_see(d, &p[3], 21, &m[3]), DEDUP_FULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dedup_see(d, &p[i], 21, &m[3]), DEDUP_PENDING);
	for (int i = 0; i < 3; i++)
		dedup_settle(d, &m[i], true);
	assert_int_equal(dedup_see(d, &p[3], 22, &m[3]), DEDUP_NEW);
	assert_int_equal(dedup_marks(d), 2);
	dedup_free(d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_repeated_message_is_known_until_it_leaves_the_window_by_count),
	cmocka_unit_test(a_mark_ends_with_its_age),
	cmocka_unit_test(what_could_not_be_written_is_heard_again),
	cmocka_unit_test(what_waits_for_the_disk_is_never_pushed_out),
	cmocka_unit_test(ids_and_numbers_count_within_their_epoch),
	cmocka_unit_test(gaps_and_reorderings_are_counted),
	cmocka_unit_test(a_message_without_a_place_is_said_so),
	cmocka_unit_test(a_restored_window_knows_what_the_last_run_took),
	cmocka_unit_test(a_long_run_keeps_the_table_whole),
	cmocka_unit_test(a_window_that_shrinks_forgets_nothing_it_knew),
	cmocka_unit_test(a_shorter_age_forgets_nothing_it_knew),
	cmocka_unit_test(what_a_smaller_window_would_not_know_is_told),
	cmocka_unit_test(a_smaller_window_keeps_what_is_being_written),
};

UNIT_MAIN("dedup", tests)
