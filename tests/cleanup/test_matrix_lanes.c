/* Lanes of 1, 2, 3, 5, 19, 20, 21, 40 and 100 items with every number of failures, through the coordinator,
 * against what exact fractions say (gen-matrix-lanes.py). */
#include "drive.h"

#include "matrix_lanes.h"

static struct drive d;
static int32_t first_bad;

/* Two classes in turn: five of one in a row would hold the lane. */
static struct cycle_answer bad_ranks_fail(struct drive *q, int32_t item, int attempt)
{
	(void)q, (void)attempt;
	if (item < first_bad)
		return answer_of(ANSWER_DELETED, RETRY_NONE_CLASS);
	if (item % 2)
		return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10, .detail = "429" };
	return answer_of(ANSWER_UNCLEAR, RETRY_TIMEOUT);
}

static struct cycle_answer bad_ranks_are_lost(struct drive *q, int32_t item, int attempt)
{
	(void)q, (void)attempt;
	return item < first_bad ? answer_of(ANSWER_DELETED, RETRY_NONE_CLASS) : answer_of(ANSWER_UNCLEAR, RETRY_CONFLICTING);
}

static void begin(size_t i, struct cycle_answer (*send)(struct drive *q, int32_t item, int attempt))
{
	drive_init(&d, matrix_lanes[i].n);
	first_bad = matrix_lanes[i].n - matrix_lanes[i].f;
	d.on_abort = ON_ABORT_KEEP;
	d.run_for = 6 * 24 * 60 * DRIVE_MINUTE;         /* the breaker opens for a quarter of an hour at a time */
	d.send = send;
	drive_clean(&d);
}

static void assert_state(size_t i, bool ok)
{
	const struct cycle_lane *l = drive_lane(&d, 0);
	int64_t t, f;
	cycle_tf(l, &t, &f);
	if (!ok)
		fail_msg("N=%d F=%d: %s, F/T = %lld/%lld, to acknowledge %lld, halted: %s, %s", matrix_lanes[i].n, matrix_lanes[i].f,
			 lane_phase_name(l->phase), (long long)f, (long long)t, (long long)cycle_ack_needed(d.c), l->halt_why, d.c->waiting_for);
}

/* What only an operator may do is not done by itself; what was acknowledged by its count goes on. */
static void goes_on(size_t i, int64_t failed)
{
	struct buf b;
	assert_state(i, cycle_ack_needed(d.c) == failed);
	if (failed) {
		assert_int_equal(drive_do(&d, EV_STEP) == RC_OK, false);
		assert_int_not_equal(drive_ack(&d, failed - 1), RC_OK);
		assert_int_not_equal(drive_ack(&d, failed + 1), RC_OK);
		assert_int_equal(drive_ack(&d, failed), RC_OK);
	}
	drive_to_end(&d);
	assert_state(i, d.c->end == (matrix_lanes[i].f ? END_COMPLETED_WITH_FAILURES : END_COMPLETED));
	buf_init(&b);
	assert_true(cycle_equation(d.c, &b));
	buf_done(&b);
}

static void every_lane_comes_to_what_exact_fractions_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(matrix_lanes); i++) {
		int f = matrix_lanes[i].f;
		begin(i, bad_ranks_fail);
		if (matrix_lanes[i].end != LANE_HELD)
			drive_to_gate(&d);
		const struct cycle_lane *l = drive_lane(&d, 0);
		switch (matrix_lanes[i].end) {
		case LANE_SETTLES:
			assert_state(i, l->phase == PHASE_SETTLED);
			goes_on(i, 0);
			break;
		case LANE_ACK:
			assert_state(i, l->phase == PHASE_SETTLED);
			goes_on(i, f);
			break;
		case LANE_CHOICE:
			assert_state(i, l->phase == PHASE_CHOICE);
			goes_on(i, f);
			break;
		case LANE_ABORTS:
			assert_state(i, l->phase == PHASE_ABORTED);
			break;
		case LANE_HELD:
			assert_state(i, l->halted && drive_count(&d, ITEM_DELETED) == 0 && !l->canary_done);
			break;
		}
		drive_done(&d);
	}
}

/* What no retry can rescue never exceeds the fifth by more than the one that was on its way, once 20 are settled. */
static void what_is_lost_stops_a_lane_at_a_fifth(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(matrix_lanes); i++) {
		if (matrix_lanes[i].end != LANE_ABORTS)
			continue;
		begin(i, bad_ranks_are_lost);
		drive_to_gate(&d);
		int64_t t, f;
		cycle_tf(drive_lane(&d, 0), &t, &f);
		assert_state(i, drive_lane(&d, 0)->phase == PHASE_ABORTED && f == MAX(matrix_lanes[i].n / 5 + 1, MATRIX_MIN_SAMPLE - first_bad));
		drive_done(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lane_comes_to_what_exact_fractions_say),
		cmocka_unit_test(what_is_lost_stops_a_lane_at_a_fifth),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("matrix lanes", tests, NULL, NULL);
}
