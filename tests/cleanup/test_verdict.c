/* The failure matrix over a whole lane and over several; budgets, tiers, the breaker (SEMANTICS 5). */
#include "drive.h"

static struct drive d;

#define DELETED answer_of(ANSWER_DELETED, RETRY_NONE_CLASS)
#define UNCLEAR(class_) answer_of(ANSWER_UNCLEAR, class_)
#define assert_phase(lane, p) assert_string_equal(lane_phase_name(drive_lane(&d, lane)->phase), lane_phase_name(p))

static void assert_tf(int lane, int64_t t, int64_t f)
{
	int64_t have_t, have_f;
	cycle_tf(drive_lane(&d, lane), &have_t, &have_f);
	assert_int_equal(have_t, t);
	assert_int_equal(have_f, f);
}

static void assert_end(enum cycle_end e)
{
	struct buf b;
	assert_string_equal(cycle_end_name(d.c->end), cycle_end_name(e));
	buf_init(&b);
	assert_true(cycle_equation(d.c, &b));
	buf_done(&b);
}

/* A breaker that lets everything through: here only the matrix decides. */
static void no_breaker(void)
{
	for (int i = 0; i < d.c->lanes; i++)
		breaker_force(&drive_lane(&d, i)->breaker, BREAKER_DISABLED, 0, d.now.boot_us);
}

static void clean_without_breaker(void)
{
	drive_plan(&d);
	no_breaker();
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
}

/* d.user of the items behind the first `from` fail for good: paced until their tier is spent. */
static int32_t fail_from;

static struct cycle_answer some_fail(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	if (item >= fail_from && item < fail_from + q->user)
		return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 };
	return DELETED;
}

/* ---- the examples ---- */

static struct cycle_answer late_but_done(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	return item >= 10 && item < 40 ? UNCLEAR(RETRY_TIMEOUT) : DELETED;
}

static enum presence absent(struct drive *q, int32_t item) { (void)q; (void)item; return ABSENT; }

static void timed_out_but_done_is_gone_and_no_failure(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.send = late_but_done;
	d.probe = absent;
	clean_without_breaker();
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_GONE), 30);
	assert_tf(0, 100, 0);
	assert_int_equal(d.asked[EFF_SEND], 100);       /* nothing was sent twice */
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	assert_int_equal(d.spent_items, 100);
	drive_done(&d);
}

static struct cycle_answer twelve_in_a_hundred(struct drive *q, int32_t item, int attempt)
{
	(void)q;
	return item % 25 < 3 && item >= 25 && attempt == 1 ? UNCLEAR(RETRY_SERVER_ERROR) : DELETED;
}

static void twelve_percent_of_a_thousand_are_rescued_by_the_retry_pass(void **state)
{
	(void)state;
	drive_init(&d, 1000);
	d.send = twelve_in_a_hundred;
	clean_without_breaker();
	drive_to_gate(&d);
	assert_tf(0, 1000, 0);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 1000);
	assert_int_equal(d.asked[EFF_SEND], 1117);
	assert_int_equal(drive_lane(&d, 0)->budget.repeats, 0); /* the first repeat of an item is free */
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void two_of_five_beside_one_of_eight_is_the_operators_choice(void **state)
{
	(void)state;
	drive_init(&d, 5);
	d.lanes = 2;
	d.items[1] = 8;
	d.on_abort = ON_ABORT_KEEP;
	d.send = some_fail;
	fail_from = 3;          /* 3, 4 of the first lane and 5 of the second, its canary */
	d.user = 3;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_phase(0, PHASE_CHOICE);
	assert_phase(1, PHASE_SETTLED);
	assert_tf(0, 5, 2);
	assert_tf(1, 8, 1);
	assert_false(d.c->aborting);
	assert_int_equal(cycle_ack_needed(d.c), 3);
	assert_int_equal(drive_ack(&d, 2), RC_USAGE);
	assert_int_equal(drive_ack(&d, 3), RC_OK);
	assert_phase(0, PHASE_SETTLED);
	drive_to_end(&d);
	assert_end(END_COMPLETED_WITH_FAILURES);
	assert_int_equal(d.dead, 3);
	drive_done(&d);
}

static void nothing_aborts_by_itself_below_twenty(void **state)
{
	/* items, failures, the lane's end by itself */
	static const struct { int32_t n; int failed; enum lane_phase phase; } rows[] = {
		{ 19, 18, PHASE_CHOICE }, { 19, 4, PHASE_CHOICE }, { 19, 3, PHASE_SETTLED }, { 19, 0, PHASE_SETTLED },
		{ 20, 4, PHASE_SETTLED }, { 20, 5, PHASE_ABORTED }, { 21, 18, PHASE_ABORTED },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, rows[i].n);
		d.on_abort = ON_ABORT_KEEP;
		d.send = some_fail;
		fail_from = rows[i].n - rows[i].failed;
		d.user = rows[i].failed;
		drive_clean(&d);
		drive_to_gate(&d);
		assert_phase(0, rows[i].phase);
		if (rows[i].phase == PHASE_CHOICE) {
			assert_int_equal(drive_ack(&d, rows[i].failed), RC_OK);
			drive_to_end(&d);
			assert_end(END_COMPLETED_WITH_FAILURES);
		} else if (rows[i].phase == PHASE_ABORTED) {
			drive_to_end(&d);
			assert_end(END_ABORTED_KEPT);
		}
		drive_done(&d);
	}
}

static void between_5_and_20_percent_the_count_is_acknowledged(void **state)
{
	static const struct { int failed; int64_t ack; } rows[] = { { 0, 0 }, { 4, 0 }, { 5, 5 }, { 20, 20 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, 100);
		d.on_abort = ON_ABORT_KEEP;
		d.send = some_fail;
		fail_from = 100 - rows[i].failed;
		d.user = rows[i].failed;
		drive_clean(&d);
		drive_to_gate(&d);
		assert_phase(0, PHASE_SETTLED);
		assert_int_equal(cycle_ack_needed(d.c), rows[i].ack);
		assert_int_equal(drive_do(&d, EV_STEP), rows[i].ack ? RC_REFUSED : RC_OK);
		if (rows[i].ack)
			assert_int_equal(drive_ack(&d, rows[i].ack), RC_OK);
		drive_run(&d);
		drive_to_end(&d);
		assert_end(rows[i].failed ? END_COMPLETED_WITH_FAILURES : END_COMPLETED);
		drive_done(&d);
	}
}

static void what_no_retry_can_rescue_stops_the_lane_before_the_rest_is_tried(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.on_abort = ON_ABORT_KEEP;
	d.send = some_fail;
	fail_from = 10;
	d.user = 90;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_phase(0, PHASE_ABORTED);
	assert_in_range(drive_count(&d, ITEM_FAILED), 21, 25);  /* N/5, one more, and what waited to be repeated */
	assert_int_equal(drive_count(&d, ITEM_PLANNED), 90 - drive_count(&d, ITEM_FAILED));
	drive_done(&d);
}

static void with_ask_the_lane_waits_and_keeps_only_when_told(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.on_abort = ON_ABORT_ASK;
	d.send = some_fail;
	fail_from = 75;
	d.user = 25;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_phase(0, PHASE_CHOICE);
	assert_non_null(strstr(d.c->waiting_for, "abort the cycle, or acknowledge"));
	assert_int_equal(drive_ack(&d, cycle_ack_needed(d.c)), RC_OK);
	drive_run(&d);
	drive_to_end(&d);
	assert_end(END_ABORTED_KEPT);
	drive_done(&d);
}

/* ---- several lanes ---- */

static struct cycle_answer second_lane_fails(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	if (item < q->items[0] + 10)
		return DELETED;
	return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 };
}

static void an_aborted_lane_beside_a_committed_one_completes_with_failures(void **state)
{
	(void)state;
	drive_init(&d, 300);
	d.lanes = 2;
	d.items[1] = 100;
	d.on_abort = ON_ABORT_KEEP;
	d.send = second_lane_fails;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_phase(0, PHASE_SETTLED);
	assert_phase(1, PHASE_ABORTED);
	assert_false(d.c->aborting);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 310);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_string_equal(d.reason, "expired");
	drive_run(&d);
	assert_string_equal(d.reason, "aborted");
	drive_to_end(&d);
	assert_end(END_COMPLETED_WITH_FAILURES);
	drive_done(&d);
}

static void aborted_lanes_with_more_than_half_of_the_items_abort_all(void **state)
{
	(void)state;
	for (int ask = 0; ask < 2; ask++) {
		drive_init(&d, 100);
		d.lanes = 2;
		d.items[1] = 150;
		d.o[0].in_flight = 1;
		d.on_abort = ON_ABORT_KEEP;
		d.send = second_lane_fails;
		drive_plan(&d);
		drive_lane(&d, 0)->on_abort = ask ? ON_ABORT_ASK : ON_ABORT_KEEP;
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
		drive_to_gate(&d);
		drive_run(&d);
		if (ask) {
			assert_true(d.c->held);
			assert_non_null(strstr(cycle_why_not(d.c, CMD_RESUME), "abort, keep or restore"));
			assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
			drive_run(&d);
		}
		assert_true(d.c->aborting);
		drive_to_end(&d);
		assert_end(END_ABORTED_KEPT);
		drive_done(&d);
	}
}

static void a_lane_between_batches_is_aborted_with_the_others(void **state)
{
	(void)state;
	drive_init(&d, 60);
	d.lanes = 2;
	d.items[1] = 150;
	d.on_abort = ON_ABORT_KEEP;
	d.send = second_lane_fails;
	drive_clean(&d);
	assert_phase(0, PHASE_BOUNDARY);
	for (int i = 0; i < 40 && drive_lane(&d, 1)->phase != PHASE_ABORTED; i++) {
		drive_lane(&d, 0)->go = false;  /* the first lane waits all the time */
		if (drive_lane(&d, 0)->phase == PHASE_BOUNDARY)
			drive_lane(&d, 0)->phase = PHASE_CHOICE;
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
	}
	assert_phase(0, PHASE_ABORTED);
	assert_phase(1, PHASE_ABORTED);
	assert_int_not_equal(d.c->stage, STAGE_CLEANING);
	drive_done(&d);
}

/* ---- streaks ---- */

static void five_of_one_class_in_a_row_hold_the_lane(void **state)
{
	(void)state;
	for (int n = 4; n <= 5; n++) {
		drive_init(&d, 100);
		d.o[0].in_flight = 1;
		d.send = some_fail;
		fail_from = 100 - n;
		d.user = n;
		drive_clean(&d);
		assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
		drive_run(&d);
		assert_int_equal(drive_lane(&d, 0)->halted, n >= 5);
		if (n >= 5)
			assert_non_null(strstr(drive_lane(&d, 0)->halt_why, "5 items one after the other failed with rate_limit"));
		drive_to_gate(&d);
		assert_int_equal(drive_count(&d, ITEM_DELETED), 100 - n);
		drive_done(&d);
	}
}

static struct cycle_answer with_breaks(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	if (item < 20 || item >= 32 || item % 4 == 0)
		return DELETED;
	return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 };
}

static void a_deletion_in_between_breaks_the_row(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.o[0].in_flight = 1;
	d.send = with_breaks;
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_false(drive_lane(&d, 0)->halted);
	assert_int_equal(drive_count(&d, ITEM_FAILED), 9);
	drive_done(&d);
}

/* ---- how much at once, and how much at all ---- */

static void in_flight_is_bounded_by_the_tolerance(void **state)
{
	static const struct { int32_t n; int64_t configured, most; } rows[] = {
		{ 1, 64, 1 }, { 4, 64, 1 }, { 5, 64, 2 }, { 10, 64, 3 }, { 100, 64, 21 }, { 400, 64, 64 }, { 400, 1, 1 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, rows[i].n);
		d.o[0].in_flight = rows[i].configured;
		drive_clean(&d);
		drive_to_gate(&d);
		assert_int_equal(d.most_in_flight, rows[i].most);
		drive_done(&d);
	}
}

static struct cycle_answer silent_store(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	return item < 10 ? DELETED : UNCLEAR(RETRY_TIMEOUT);
}

static void doubt_counts_against_the_tolerance(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.send = silent_store;
	clean_without_breaker();
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	for (int i = 0; i < 400 && d.n_act; i++) {
		drive_answer_one(&d);
		int64_t doubt = drive_count(&d, ITEM_PROBING) + drive_count(&d, ITEM_SETTLING) + drive_lane(&d, 0)->in_flight;
		assert_true(doubt <= 21);
	}
	drive_done(&d);
}

static void bytes_and_ranks_are_reserved_before_a_send(void **state)
{
	struct cycle_event ev;
	(void)state;
	drive_init(&d, 20);
	d.granted[0] = 10;      /* ranks 1 … 10 */
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 10);
	assert_int_equal(drive_count(&d, ITEM_PLANNED), 10);
	for (int32_t i = 10; i < 20; i++)
		assert_int_equal(d.sends_of[i], 0);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);

	drive_init(&d, 20);
	drive_plan(&d);
	ev = drive_ev(&d, EV_GRANT);
	ev.number = 20;
	ev.bytes = 599;         /* five items and 99 bytes */
	ev.until_us = d.now.wall_us + d.run_for;
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], 5);
	assert_non_null(strstr(drive_lane(&d, 0)->halt_why, "budget is spent"));
	drive_done(&d);
}

static struct cycle_answer first_ones_are_gone(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	return item >= 2 && item < 5 ? answer_of(ANSWER_MISSING, RETRY_NONE_CLASS) : DELETED;
}

static void units_that_return_open_no_rank_beyond_the_grant(void **state)
{
	(void)state;
	drive_init(&d, 20);
	d.granted[0] = 10;
	d.send = first_ones_are_gone;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_lane(&d, 0)->items_charged, 7);
	assert_int_equal(d.asked[EFF_SEND], 10);
	drive_done(&d);
}

static void unknown_sizes_are_charged_at_the_lanes_maximum(void **state)
{
	(void)state;
	drive_init(&d, 10);
	d.bytes = -1;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_lane(&d, 0)->bytes_charged, 10 * d.o[0].max_item_bytes);
	assert_int_equal(d.spent_bytes, 10 * d.o[0].max_item_bytes);
	drive_done(&d);
}

static void the_retry_budget_limits_repeats_beyond_the_first(void **state)
{
	int64_t repeats = 0;
	(void)state;
	drive_init(&d, 200);
	d.send = some_fail;
	fail_from = 20;
	d.user = 180;
	drive_clean(&d);
	for (int i = 0; i < 100 && drive_do(&d, EV_RESUME) == RC_OK; i++)
		drive_run(&d);
	for (int32_t i = 0; i < 200; i++)
		repeats += MAX(d.sends_of[i] - 2, 0);
	assert_true(repeats > 10);
	assert_true(repeats <= drive_lane(&d, 0)->budget.first_attempts / 10 + 10);
	assert_int_equal(repeats, drive_lane(&d, 0)->budget.repeats);
	drive_done(&d);
}

static struct cycle_answer always(struct drive *q, int32_t item, int attempt)
{
	static const struct { enum answer_kind kind; enum retry_class class_; } of[] = {
		{ ANSWER_PACE, RETRY_RATE_LIMIT }, { ANSWER_UNCLEAR, RETRY_TIMEOUT }, { ANSWER_UNCLEAR, RETRY_SERVER_ERROR },
		{ ANSWER_NOT_SENT, RETRY_NETWORK }, { ANSWER_UNCLEAR, RETRY_CONFLICTING } };
	(void)attempt;
	return item == 9 ? answer_of(of[q->user].kind, of[q->user].class_) : DELETED;
}

static void a_class_is_repeated_in_its_pass_and_within_its_tier(void **state)
{
	static const struct { int64_t first_pass, in_all; } rows[] = { { 3, 3 }, { 1, 2 }, { 1, 2 }, { 4, 4 }, { 1, 1 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, 10);
		d.send = always;
		d.user = (int)i;
		clean_without_breaker();
		assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
		while (drive_lane(&d, 0)->phase != PHASE_RETRYING && d.n_act + (cycle_due_us(d.c) < d.now.boot_us + DRIVE_MINUTE * 20))
			if (d.n_act) {
				drive_answer_one(&d);
			} else {
				drive_wait(&d, MAX(cycle_due_us(d.c) - d.now.boot_us, 1));
				assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
			}
		assert_int_equal(d.sends_of[9], rows[i].first_pass);
		drive_run(&d);
		assert_int_equal(d.sends_of[9], rows[i].in_all);
		assert_int_equal(drive_item(&d, 9)->state, ITEM_FAILED);
		drive_done(&d);
	}
}

/* ---- the breaker ---- */

static struct cycle_answer down_then_up(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	return item < 10 || q->user ? DELETED : answer_of(ANSWER_NOT_SENT, RETRY_NETWORK);
}

static void an_open_breaker_reads_first_then_deletes_once_then_closes(void **state)
{
	struct breaker *b;
	(void)state;
	drive_init(&d, 100);
	d.send = down_then_up;
	drive_clean(&d);
	b = &drive_lane(&d, 0)->breaker;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	for (int i = 0; i < 2000 && b->state == BREAKER_CLOSED; i++) {
		if (!d.n_act) {
			drive_wait(&d, MAX(cycle_due_us(d.c) - d.now.boot_us, 1));
			assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
			continue;
		}
		drive_answer_one(&d);
	}
	assert_int_equal(b->state, BREAKER_OPEN);
	while (d.n_act)
		drive_answer_one(&d);
	d.user = 1;
	if (drive_lane(&d, 0)->halted)
		assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	assert_true(drive_count(&d, ITEM_HELD) > 0);
	assert_int_equal(drive_count(&d, ITEM_READY), 0);
	int64_t sent = d.asked[EFF_SEND], reads = d.asked[EFF_REREAD];
	for (int i = 0; i < 200 && b->state != BREAKER_HALF_OPEN; i++) {
		if (drive_lane(&d, 0)->halted)
			assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
		assert_int_equal(d.asked[EFF_SEND], sent);
		drive_wait(&d, MAX(MIN(cycle_due_us(d.c) - d.now.boot_us, DRIVE_MINUTE * 20), 1));
		assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	}
	assert_int_equal(b->state, BREAKER_HALF_OPEN);
	assert_int_equal(drive_count(&d, ITEM_HELD), 0);
	for (int i = 0; i < 20 && d.asked[EFF_SEND] == sent; i++)
		if (d.n_act)
			drive_answer_one(&d);
	assert_true(d.asked[EFF_REREAD] - reads >= 4);
	assert_int_equal(d.asked[EFF_SEND], sent + 1);
	drive_answer_one(&d);
	assert_int_equal(b->state, BREAKER_CLOSED);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED) + drive_count(&d, ITEM_FAILED), 100);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timed_out_but_done_is_gone_and_no_failure),
		cmocka_unit_test(twelve_percent_of_a_thousand_are_rescued_by_the_retry_pass),
		cmocka_unit_test(two_of_five_beside_one_of_eight_is_the_operators_choice),
		cmocka_unit_test(nothing_aborts_by_itself_below_twenty),
		cmocka_unit_test(between_5_and_20_percent_the_count_is_acknowledged),
		cmocka_unit_test(what_no_retry_can_rescue_stops_the_lane_before_the_rest_is_tried),
		cmocka_unit_test(with_ask_the_lane_waits_and_keeps_only_when_told),
		cmocka_unit_test(an_aborted_lane_beside_a_committed_one_completes_with_failures),
		cmocka_unit_test(aborted_lanes_with_more_than_half_of_the_items_abort_all),
		cmocka_unit_test(a_lane_between_batches_is_aborted_with_the_others),
		cmocka_unit_test(five_of_one_class_in_a_row_hold_the_lane),
		cmocka_unit_test(a_deletion_in_between_breaks_the_row),
		cmocka_unit_test(in_flight_is_bounded_by_the_tolerance),
		cmocka_unit_test(doubt_counts_against_the_tolerance),
		cmocka_unit_test(bytes_and_ranks_are_reserved_before_a_send),
		cmocka_unit_test(units_that_return_open_no_rank_beyond_the_grant),
		cmocka_unit_test(unknown_sizes_are_charged_at_the_lanes_maximum),
		cmocka_unit_test(the_retry_budget_limits_repeats_beyond_the_first),
		cmocka_unit_test(a_class_is_repeated_in_its_pass_and_within_its_tier),
		cmocka_unit_test(an_open_breaker_reads_first_then_deletes_once_then_closes),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
