#include "unit.h"

#include "cleanup/cycle.h"

static void nothing_is_written_ahead_before_it_was_measured(void **state)
{
	struct outgoing_times t = { 0 };
	(void)state;
	assert_int_equal(outgoing_ahead(&t, 64), 0);
	outgoing_measured(&t, 0, 0);
	assert_true(outgoing_ahead(&t, 64) > 0);
}

static void so_many_as_leave_twice_while_one_becomes_durable(void **state)
{
	static const struct { int64_t disk, wire, flight, ahead; } rows[] = {
		{ 1000, 1000, 64, 128 }, { 1000, 5000, 64, 25 }, { 1000, 200000, 64, 0 }, { 1000, 128000, 64, 1 }, { 1000, 128001, 64, 0 },
		{ 1992, 1000, 64, 254 }, { 2000, 1000, 64, 256 }, { 2010, 1000, 64, 256 }, { INT64_MAX / 2, 1, INT64_MAX / 2, 256 }, { 5000, 1000, 1, 10 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outgoing_times t = { 0 };
		outgoing_measured(&t, rows[i].disk, rows[i].wire);
		assert_int_equal(outgoing_ahead(&t, rows[i].flight), rows[i].ahead);
	}
}

static void the_means_follow_and_one_value_does_not_decide(void **state)
{
	struct outgoing_times t = { 0 };
	(void)state;
	outgoing_measured(&t, 1000, 1000);
	outgoing_measured(&t, 9000, 1000);
	assert_int_equal(t.disk_us, 2000);
	for (int i = 0; i < 100; i++)
		outgoing_measured(&t, 9000, 1000);
	assert_in_range(t.disk_us, 8900, 9000);
}

/* ---- the queue ---- */

struct line { struct cycle *c; struct outgoing o; };

static struct line line_of(int64_t in_flight)
{
	struct cycle_lane_opts o = { .name = "alpha", .in_flight = in_flight, .rate_mhz = 1000, .burst = 1 };
	bool gates[STAGE_COUNT] = { false };
	struct line l = { .c = cycle_new(1, 1, &o, 1, false, false, gates) };
	l.c->lane[0].o = o;
	l.c->lane[0].pace.state = PACE_CEILING;
	l.c->run_until_wall_us = l.c->run_until_boot_us = INT64_MAX;
	return l;
}

static void line_end(struct line *l)
{
	outgoing_done(&l->o);
	cycle_free(l->c);
}

static enum outgoing_next next(struct line *l, int64_t at, int32_t *item)
{
	struct outgoing_one one = { 0 };
	const char *why;
	enum outgoing_next n = outgoing_next(&l->o, l->c, 0, (struct now){ at, at }, &one, &why);
	*item = one.item;
	assert_int_equal(n == OUTGOING_TAKE_BACK, why != NULL && n != OUTGOING_NONE);
	return n;
}

static void they_leave_in_order_as_there_is_room(void **state)
{
	struct line l = line_of(2);
	int32_t item;
	(void)state;
	for (int32_t i = 0; i < 40; i++)
		outgoing_add(&l.o, i, 1000);
	for (int32_t i = 0; i < 40; i++) {
		if (i >= 2) {
			assert_int_equal(next(&l, 1000, &item), OUTGOING_NONE);
			outgoing_answered(&l.o, l.c, 0, (struct now){ 1000, 1000 });
		}
		assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
		assert_int_equal(item, i);
		outgoing_add(&l.o, 40 + i, 1000);
	}
	assert_int_equal(l.o.n, 40);
	line_end(&l);
}

static void what_waits_is_taken_back_when_nothing_may_leave(void **state)
{
	struct line l = line_of(1);
	int32_t item;
	(void)state;
	for (int32_t i = 0; i < 3; i++)
		outgoing_add(&l.o, i, 1000);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_NONE);
	l.c->held = true;
	assert_int_equal(next(&l, 1000, &item), OUTGOING_TAKE_BACK);
	assert_int_equal(item, 1);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_TAKE_BACK);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_NONE);
	assert_int_equal(l.o.out, 1);
	line_end(&l);
}

static void what_finds_room_when_it_comes_is_in_flight_already(void **state)
{
	struct line l = line_of(2);
	int32_t item;
	(void)state;
	l.c->held = true;
	outgoing_add(&l.o, 7, 1000);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	assert_int_equal(item, 7);
	line_end(&l);
}

/* Sixty-four were asked for when the key was revoked: sixty-four are asked, whatever their answers make room for. */
static void an_answer_makes_no_room_while_nothing_may_leave(void **state)
{
	struct line l = line_of(2);
	struct now now = { 1000, 1000 };
	int32_t item;
	(void)state;
	for (int32_t i = 0; i < 2; i++) {
		outgoing_add(&l.o, i, 1000);
		assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	}
	l.c->lane[0].halted = true;
	outgoing_answered(&l.o, l.c, 0, now);
	outgoing_add(&l.o, 2, 1000);            /* its intent was being written when the answer came */
	assert_int_equal(next(&l, 1000, &item), OUTGOING_TAKE_BACK);
	assert_int_equal(item, 2);
	outgoing_answered(&l.o, l.c, 0, now);
	assert_int_equal(l.o.out, 2);
	l.c->lane[0].halted = false;
	for (int32_t i = 3; i < 6; i++)
		outgoing_add(&l.o, i, 1000);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_NONE);
	assert_int_equal(l.o.out, 2);
	line_end(&l);
}

static void a_second_and_no_more(void **state)
{
	struct line l = line_of(1);
	int32_t item;
	(void)state;
	for (int32_t i = 0; i < 3; i++)
		outgoing_add(&l.o, i, 1000);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
	assert_int_equal(next(&l, 1000, &item), OUTGOING_NONE);
	outgoing_answered(&l.o, l.c, 0, (struct now){ 1000, 1000 });
	assert_int_equal(next(&l, 1000 + OUTGOING_MAX_US, &item), OUTGOING_SEND);
	outgoing_answered(&l.o, l.c, 0, (struct now){ 1000, 1000 });
	assert_int_equal(next(&l, 1001 + OUTGOING_MAX_US, &item), OUTGOING_TAKE_BACK);
	line_end(&l);
}

static void it_stays_only_while_the_lane_is_smooth(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		struct line l = line_of(1);
		int32_t item;
		outgoing_add(&l.o, 0, 1000);
		outgoing_add(&l.o, 1, 1000);
		assert_int_equal(next(&l, 1000, &item), OUTGOING_SEND);
		l.c->lane[0].breaker.state = k == 0 ? BREAKER_OPEN : k == 1 ? BREAKER_HALF_OPEN : BREAKER_CLOSED;
		l.c->lane[0].pace.state = k == 2 ? PACE_LEARNED : PACE_CEILING;
		l.c->lane[0].halted = k == 3;
		assert_int_equal(next(&l, 1000, &item), OUTGOING_TAKE_BACK);
		line_end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_written_ahead_before_it_was_measured),
		cmocka_unit_test(so_many_as_leave_twice_while_one_becomes_durable),
		cmocka_unit_test(the_means_follow_and_one_value_does_not_decide),
		cmocka_unit_test(they_leave_in_order_as_there_is_room),
		cmocka_unit_test(what_waits_is_taken_back_when_nothing_may_leave),
		cmocka_unit_test(what_finds_room_when_it_comes_is_in_flight_already),
		cmocka_unit_test(an_answer_makes_no_room_while_nothing_may_leave),
		cmocka_unit_test(a_second_and_no_more),
		cmocka_unit_test(it_stays_only_while_the_lane_is_smooth),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
