#include "unit.h"

#include "link/queue.h"

#define AGE INT64_C(1000)

static struct queue *make(size_t items, size_t bytes)
{
	return queue_new(&(struct queue_opts){ items, bytes, AGE });
}

/* The next that waits, given out; -1 none. */
static int64_t next(struct queue *q, int64_t now)
{
	struct slice frame;
	int64_t id;
	if (!queue_next(q, now, &id, &frame))
		return -1;
	queue_out(q, id);
	return id;
}

static void it_holds_as_many_as_it_may(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 4; n++) {
		struct queue *q = make(n, 100);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(queue_add(q, (int64_t)i, 0, slice_of("x"), 0), QUEUE_TAKEN);
		assert_int_equal(queue_add(q, 9, 0, slice_of("x"), 0), n ? QUEUE_FULL : QUEUE_TOO_LARGE);
		assert_int_equal(queue_items(q), n);
		assert_int_equal(queue_counts(q)->most_items, n);
		assert_int_equal(queue_counts(q)->too_large, n ? 0 : 1);
		queue_free(q);
	}
}

static void it_holds_as_many_bytes_as_it_may(void **state)
{
	(void)state;
	static const struct { size_t first; const char *second; enum queue_answer want; } row[] = {
		{ 6, "123", QUEUE_TAKEN }, { 6, "1234", QUEUE_TAKEN }, { 6, "12345", QUEUE_FULL },
		{ 6, "1234567890", QUEUE_FULL }, { 6, "12345678901", QUEUE_TOO_LARGE }, { 10, "", QUEUE_TAKEN }, { 10, "1", QUEUE_FULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct queue *q = make(10, 10);
		assert_int_equal(queue_add(q, 1, 0, (struct slice){ "abcdefghij", row[i].first }, 0), QUEUE_TAKEN);
		assert_int_equal(queue_add(q, 2, 0, slice_of(row[i].second), 0), row[i].want);
		assert_true(queue_bytes(q) <= 10);
		queue_free(q);
	}
}

static void what_is_too_old_is_dropped_and_counted(void **state)
{
	(void)state;
	static const struct { int64_t after; bool there; } row[] = { { 0, true }, { AGE - 1, true }, { AGE, false }, { AGE + 1, false } };
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct queue *q = make(4, 100);
		assert_int_equal(queue_add(q, 1, 50, slice_of("x"), 50), QUEUE_TAKEN);
		queue_expire(q, 50 + row[i].after);
		assert_int_equal(queue_items(q), row[i].there);
		assert_int_equal(queue_counts(q)->expired, !row[i].there);
		assert_int_equal(queue_add(q, 2, 50, slice_of("x"), 50 + row[i].after), row[i].there ? QUEUE_TAKEN : QUEUE_EXPIRED);
		assert_int_equal(queue_counts(q)->expired, row[i].there ? 0 : 2);
		queue_free(q);
	}
	/* out and old: nobody knows whether it came, so it was not sent */
	struct queue *q = make(4, 100);
	assert_int_equal(queue_add(q, 1, 0, slice_of("x"), 0), QUEUE_TAKEN);
	assert_int_equal(next(q, 0), 1);
	assert_int_equal(next(q, AGE), -1);
	assert_int_equal(queue_counts(q)->expired, 1);
	assert_int_equal(queue_counts(q)->sent, 0);
	assert_false(queue_sent(q, 1));
	assert_int_equal(queue_items_out(q), 0);
	queue_free(q);
}

static void only_what_was_out_can_be_sent(void **state)
{
	(void)state;
	struct queue *q = make(4, 100);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(queue_add(q, i, 0, slice_of("x"), 0), QUEUE_TAKEN);
	assert_false(queue_sent(q, 1));
	assert_false(queue_sent(q, 7));
	assert_int_equal(next(q, 0), 1);
	assert_int_equal(next(q, 0), 2);
	assert_true(queue_sent(q, 2));          /* in any order */
	assert_false(queue_sent(q, 2));
	assert_int_equal(queue_oldest(q), 1);
	assert_int_equal(queue_counts(q)->sent, 1);
	queue_left(q);
	assert_int_equal(queue_oldest(q), 3);
	assert_int_equal(queue_counts(q)->sent, 2);
	assert_int_equal(queue_items_out(q), 0);
	queue_free(q);
}

static void after_a_cut_the_same_ids_go_out_again(void **state)
{
	(void)state;
	struct queue *q = make(4, 100);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(queue_add(q, i, 0, slice_of("x"), 0), QUEUE_TAKEN);
	assert_int_equal(next(q, 0), 1);
	assert_int_equal(next(q, 0), 2);
	queue_cut(q);
	assert_int_equal(queue_items_out(q), 0);
	queue_left(q);                          /* nothing is out: nothing has left */
	assert_int_equal(queue_counts(q)->sent, 0);
	assert_true(queue_sent(q, 2));          /* its acknowledgement came late, but it came */
	assert_int_equal(next(q, 0), 1);
	assert_int_equal(next(q, 0), 3);
	assert_int_equal(next(q, 0), -1);
	assert_int_equal(queue_counts(q)->repeated, 1);
	assert_int_equal(queue_items(q), 2);
	queue_free(q);
}

static void a_queue_that_shrinks_loses_nothing_and_takes_nothing_until_it_drained(void **state)
{
	(void)state;
	struct queue *q = make(4, 100);
	for (int64_t i = 0; i < 4; i++)
		assert_int_equal(queue_add(q, i, 0, slice_of("0123456789"), 0), QUEUE_TAKEN);
	queue_bound(q, &(struct queue_opts){ 2, 15, AGE });
	assert_int_equal(queue_items(q), 4);
	for (int64_t i = 0; i < 4; i++) {
		assert_int_equal(next(q, 0), i);
		assert_int_equal(queue_add(q, 9, 0, slice_of("01234"), 0), i < 3 ? QUEUE_FULL : QUEUE_TAKEN);   /* one of 10 bytes is left then */
		if (i < 3)
			assert_true(queue_sent(q, i));
	}
	assert_int_equal(queue_add(q, 10, 0, slice_of(""), 0), QUEUE_FULL);
	assert_int_equal(queue_counts(q)->expired + queue_counts(q)->too_large, 0);
	queue_free(q);
}

static void what_is_moved_keeps_its_order_and_what_is_out(void **state)
{
	(void)state;
	struct queue *q = make(2, 100), *from = make(3, 100);
	for (int64_t i = 0; i < 5; i++)
		assert_int_equal(queue_add(i % 2 ? q : from, i, 0, slice_of("x"), 0), QUEUE_TAKEN);
	assert_int_equal(next(from, 0), 0);
	queue_move(q, from);
	assert_int_equal(queue_items(from) + queue_bytes(from) + queue_items_out(from), 0);
	assert_int_equal(queue_items(q), 5);
	assert_int_equal(queue_bytes(q), 5);
	assert_int_equal(queue_items_out(q), 1);
	assert_int_equal(queue_counts(q)->taken, 5);
	for (int64_t i = 1; i < 5; i++)
		assert_int_equal(next(q, 0), i);
	for (int64_t i = 0; i < 5; i++)
		assert_true(queue_sent(q, i));
	queue_free(from);
	queue_free(q);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_holds_as_many_as_it_may),
	cmocka_unit_test(it_holds_as_many_bytes_as_it_may),
	cmocka_unit_test(what_is_too_old_is_dropped_and_counted),
	cmocka_unit_test(only_what_was_out_can_be_sent),
	cmocka_unit_test(after_a_cut_the_same_ids_go_out_again),
	cmocka_unit_test(a_queue_that_shrinks_loses_nothing_and_takes_nothing_until_it_drained),
	cmocka_unit_test(what_is_moved_keeps_its_order_and_what_is_out),
};

UNIT_MAIN("queue", tests)
