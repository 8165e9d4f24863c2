/* A batch may have a million items: no event is about all of them, and between two slices everybody is heard. */
#include "drive.h"

#include "store/audit.h"

enum { SLICE = 16, ITEMS = 1000 };
static struct drive d;

static void init(void)
{
	drive_init(&d, ITEMS);
	d.o[0].slice = SLICE;
	d.part = SLICE;
}

static int64_t claimed(void)
{
	int64_t n = 0;
	for (int32_t i = 0; i < d.c->items; i++)
		n += d.c->item[i].row == ROW_CLAIMED;
	return n;
}

static void no_event_is_about_more_than_a_slice(void **state)
{
	(void)state;
	init();
	drive_clean(&d);
	drive_to_end(&d);
	assert_string_equal(cycle_end_name(d.c->end), cycle_end_name(END_COMPLETED));
	assert_int_equal(drive_count(&d, ITEM_DELETED), ITEMS);
	assert_in_range(d.most_moved, SLICE, SLICE);
	/* each batch is asked about and claimed once, however many parts the answers have */
	assert_int_equal(d.asked[EFF_RECHECK], drive_lane(&d, 0)->batch);
	assert_int_equal(d.asked[EFF_CLAIM], drive_lane(&d, 0)->batch);
	assert_int_equal(d.audits[AUDIT_CLAIM_INTENT], drive_lane(&d, 0)->batch);
	assert_int_equal(d.audits[AUDIT_CLAIM_OUTCOME], drive_lane(&d, 0)->batch);
	drive_done(&d);
}

/* Holds after the first part of the kind of answer in q->user. */
static void hold_once(struct drive *q, enum cycle_event_kind k)
{
	if (q->user != (int)k)
		return;
	q->user = -1;
	assert_int_equal(drive_do(q, EV_HOLD), RC_OK);
}

static void held_between_parts(enum cycle_event_kind k, enum effect_kind not_then)
{
	init();
	drive_clean(&d);
	drive_run(&d);
	d.between = hold_once;
	d.user = (int)k;
	for (int i = 0; i < 10 && d.user >= 0; i++) {
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
	}
	assert_int_equal(d.user, -1);
	int64_t before = d.asked[not_then];
	assert_true(d.c->held);
	assert_false(drive_lane(&d, 0)->asking);        /* the answer is taken to its end */
	assert_int_equal(drive_count(&d, ITEM_SENT), 0);
	drive_wait(&d, DRIVE_MINUTE);
	drive_run(&d);
	assert_int_equal(d.asked[not_then], before);
	drive_to_end(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), ITEMS);
	drive_done(&d);
}

static void a_hold_between_two_parts_of_a_re_validation_claims_nothing(void **state)
{
	(void)state;
	held_between_parts(EV_RECHECKED, EFF_CLAIM);
}

static void a_hold_between_two_parts_of_a_claim_sends_nothing(void **state)
{
	(void)state;
	held_between_parts(EV_CLAIMED, EFF_SEND);
}

/* Up to a batch of which one slice is marked. */
static void to_marking(void)
{
	init();
	drive_clean(&d);
	drive_run(&d);
	for (int i = 0; i < 10 && !drive_lane(&d, 0)->check_at; i++) {
		drive_run(&d);
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	}
	assert_int_equal(drive_count(&d, ITEM_CHECKING), SLICE);
}

static void a_hold_between_two_slices_asks_nothing(void **state)
{
	(void)state;
	to_marking();
	int64_t asked = d.asked[EFF_RECHECK];
	assert_int_equal(drive_do(&d, EV_HOLD), RC_OK);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_RECHECK], asked);
	assert_int_equal(drive_count(&d, ITEM_CHECKING), SLICE);
	drive_to_end(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), ITEMS);
	drive_done(&d);
}

static void an_abort_between_two_slices_ends_with_what_was_deleted(void **state)
{
	(void)state;
	to_marking();
	int64_t deleted = drive_count(&d, ITEM_DELETED);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	drive_to_end(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), deleted);
	assert_int_equal(drive_count(&d, ITEM_PLANNED), ITEMS - deleted);
	assert_int_equal(claimed(), 0);
	drive_done(&d);
}

static void abort_once(struct drive *q, enum cycle_event_kind k)
{
	if (q->user != (int)k)
		return;
	q->user = -1;
	assert_int_equal(drive_abort(q, false, NULL), RC_OK);
}

static void an_abort_between_two_parts_of_a_claim_gives_all_of_it_back(void **state)
{
	(void)state;
	init();
	drive_clean(&d);
	drive_run(&d);
	int64_t deleted = drive_count(&d, ITEM_DELETED);
	d.between = abort_once;
	d.user = EV_CLAIMED;
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_int_equal(d.user, -1);
	drive_to_end(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), deleted);
	assert_int_equal(claimed(), 0);
	assert_true(d.asked[EFF_RELEASE] > 0);
	drive_done(&d);
}

/* One part without an answer speaks for the batch: nothing of it is sent. */
static enum check_result no_answer_first(struct drive *q, int32_t item, bool fresh)
{
	(void)fresh;
	return q->user && item == q->user ? CHECK_NO_ANSWER : CHECK_SAME;
}

static void what_one_part_does_not_say_stops_the_lane_after_the_last(void **state)
{
	(void)state;
	init();
	drive_clean(&d);
	drive_run(&d);
	int64_t sent = d.asked[EFF_SEND];
	d.check = no_answer_first;
	d.user = 10;                    /* the first of the second batch */
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_true(drive_lane(&d, 0)->halted);
	assert_int_equal(d.asked[EFF_SEND], sent);
	d.user = 0;
	drive_to_end(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), ITEMS);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_event_is_about_more_than_a_slice),
		cmocka_unit_test(a_hold_between_two_parts_of_a_re_validation_claims_nothing),
		cmocka_unit_test(a_hold_between_two_parts_of_a_claim_sends_nothing),
		cmocka_unit_test(a_hold_between_two_slices_asks_nothing),
		cmocka_unit_test(an_abort_between_two_slices_ends_with_what_was_deleted),
		cmocka_unit_test(an_abort_between_two_parts_of_a_claim_gives_all_of_it_back),
		cmocka_unit_test(what_one_part_does_not_say_stops_the_lane_after_the_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
