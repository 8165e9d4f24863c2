/* An abort that brings back what was deleted (SEMANTICS 5, 7). */
#include "drive.h"

#include "store/audit.h"

static struct drive d;

static void assert_end(enum cycle_end e)
{
	struct buf b;
	assert_string_equal(cycle_end_name(d.c->end), cycle_end_name(e));
	buf_init(&b);
	assert_true(cycle_equation(d.c, &b));
	buf_done(&b);
}

static void assert_words(const char *want)
{
	struct buf b;
	buf_init(&b);
	assert_int_equal(cycle_restored(d.c, &b), want != NULL);
	assert_string_equal(buf_z(&b), want ? want : "");
	buf_done(&b);
}

/* Twelve are deleted, three of them in the canary; then an operator aborts. */
static void abort_midway(int32_t restorable)
{
	d.restorable = restorable;
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 12);
	assert_int_equal(drive_abort(&d, true, NULL), RC_OK);
	drive_run(&d);
}

static void all_is_brought_back_the_last_deleted_first_and_rows_follow(void **state)
{
	(void)state;
	drive_init(&d, 30);
	abort_midway(30);
	assert_end(END_ABORTED_RESTORED);
	assert_int_equal(cycle_end_rc(d.c->end), RC_RESTORED);
	assert_int_equal(drive_count(&d, ITEM_RESTORED), 12);
	assert_int_equal(d.asked[EFF_BASELINE], 1);
	assert_int_equal(d.n_uploaded, 12);
	assert_int_equal(d.audits[AUDIT_COMPENSATION_INTENT], 12);
	assert_int_equal(d.audits[AUDIT_COMPENSATION_OUTCOME], 12);
	for (int k = 0; k < 12; k++)
		assert_int_equal(d.uploaded[k], 11 - k);
	for (int32_t i = 0; i < 12; i++) {
		assert_int_equal(drive_item(&d, i)->row, ROW_REMAPPED);
		assert_non_null(strstr(d.new_id[i], "new-"));
	}
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 0);
	assert_int_equal(d.spent_items, 12);
	assert_words("restored 12 of 12");
	drive_done(&d);
}

static void what_has_no_copy_commits_as_aborted(void **state)
{
	(void)state;
	drive_init(&d, 30);
	abort_midway(5);
	assert_end(END_ABORTED_PARTLY_RESTORED);
	assert_int_equal(cycle_end_rc(d.c->end), RC_KEPT);
	assert_string_equal(d.reason, "aborted");
	for (int32_t i = 0; i < 12; i++) {
		assert_int_equal(drive_item(&d, i)->state, i < 5 ? ITEM_RESTORED : ITEM_DELETED);
		assert_int_equal(drive_item(&d, i)->row, i < 5 ? ROW_REMAPPED : ROW_COMMITTED);
	}
	assert_words("restored 5 of 12; 7 cannot be restored");
	drive_done(&d);
}

static bool no_room(struct drive *q, int lane) { (void)lane; return q->user != 0; }

static void nothing_is_uploaded_before_the_baseline(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.baseline = no_room;
	abort_midway(30);
	assert_true(d.c->held);
	assert_non_null(strstr(d.c->held_why, "nothing can be restored to lane0 yet"));
	assert_int_equal(d.n_uploaded, 0);
	d.user = 1;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_end(END_ABORTED_RESTORED);
	drive_done(&d);
}

/* Item 11 is refused, 10 is told to wait once, 9 for ever, 8 and 7 have no answer. */
static enum restore_result mixed(struct drive *q, int32_t item, int attempt)
{
	(void)q;
	switch (item) {
	case 11: return RESTORE_REFUSED;
	case 10: return attempt == 1 ? RESTORE_RETRY : RESTORE_DONE;
	case 9: return RESTORE_RETRY;
	case 8:
	case 7:
	case 6: return attempt == 1 ? RESTORE_UNCLEAR : RESTORE_DONE;
	default: return RESTORE_DONE;
	}
}
static int copies(struct drive *q, int32_t item) { (void)q; return item == 8 ? 1 : item == 7 ? 2 : 0; }

static void doubt_is_looked_up_before_anything_is_repeated(void **state)
{
	(void)state;
	static const struct { enum item_state state; int64_t uploads; const char *belief; } want[] = {
		[6] = { ITEM_RESTORED, 2, "" }, [7] = { ITEM_UNRESTORED, 1, "maybe_restored_twice" }, [8] = { ITEM_RESTORED, 1, "" },
		[9] = { ITEM_UNRESTORED, 3, "not_restored" }, [10] = { ITEM_RESTORED, 2, "" }, [11] = { ITEM_UNRESTORED, 1, "not_restored" },
	};
	drive_init(&d, 30);
	d.upload = mixed;
	d.seek = copies;
	abort_midway(30);
	assert_end(END_ABORTED_PARTLY_RESTORED);
	for (int32_t i = 6; i < 12; i++) {
		assert_string_equal(item_state_name(drive_item(&d, i)->state), item_state_name(want[i].state));
		assert_int_equal(d.uploads_of[i], want[i].uploads);
		assert_string_equal(d.dead_belief[i], want[i].belief);
		assert_int_equal(drive_item(&d, i)->row, want[i].state == ITEM_RESTORED ? ROW_REMAPPED : ROW_COMMITTED);
	}
	assert_int_equal(d.asked[EFF_SEEK], 3);
	assert_words("restored 9 of 12; 3 cannot be restored");
	drive_done(&d);
}

static enum restore_result full(struct drive *q, int32_t item, int attempt)
{
	(void)item; (void)attempt;
	return q->n_uploaded > 4 && !q->user ? RESTORE_LANE : RESTORE_DONE;
}

static void a_lane_that_takes_no_more_holds_and_the_operator_may_keep_the_rest(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		drive_init(&d, 30);
		d.upload = full;
		abort_midway(30);
		assert_true(d.c->held);
		assert_int_equal(drive_count(&d, ITEM_RESTORED), 4);
		assert_int_equal(drive_abort(&d, true, NULL), RC_REFUSED);
		d.user = 1;
		assert_int_equal(keep ? drive_abort(&d, false, NULL) : drive_do(&d, EV_RESUME), RC_OK);
		drive_run(&d);
		assert_end(keep ? END_ABORTED_PARTLY_RESTORED : END_ABORTED_RESTORED);
		assert_int_equal(drive_count(&d, ITEM_RESTORED), keep ? 4 : 12);
		assert_int_equal(drive_count(&d, ITEM_UNRESTORED), keep ? 1 : 0);       /* it was in hand */
		drive_done(&d);
	}
}

static enum restore_result never(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)item; (void)attempt;
	return RESTORE_REFUSED;
}

static void a_store_that_refuses_all_loses_five_and_no_more(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.upload = never;
	abort_midway(30);
	assert_true(d.c->held);
	assert_int_equal(drive_count(&d, ITEM_UNRESTORED), 5);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 7);
	drive_done(&d);
}

/* ---- a restart ---- */

static void an_intent_without_outcome_is_looked_for(void **state)
{
	(void)state;
	static const int found[] = { 0, 1, 2 };
	static const enum item_state want[] = { ITEM_RESTORED, ITEM_RESTORED, ITEM_UNRESTORED };
	static const int64_t uploads[] = { 2, 1, 1 };
	for (size_t k = 0; k < ARRAY_LEN(found); k++) {
		drive_init(&d, 30);
		d.restorable = 30;
		drive_clean(&d);
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
		assert_int_equal(drive_abort(&d, true, NULL), RC_OK);
		while (d.n_uploaded < 4)
			drive_answer_one(&d);
		int32_t open = d.uploaded[3];
		char fresh[24];
		snprintf(fresh, sizeof fresh, "new-%d", (int)open);
		assert_int_equal(drive_item(&d, open)->state, ITEM_RESTORING);
		drive_restart(&d, DRIVE_SECOND);
		assert_int_equal(drive_item(&d, open)->state, ITEM_SEEKING);
		/* the store is given its time before nothing found means nothing done */
		int64_t begun = d.now.boot_us;
		while (!d.n_act || d.act[0].kind != EFF_SEEK) {
			if (d.n_act)
				drive_answer_one(&d);
			else
				drive_wait(&d, MAX(cycle_due_us(d.c) - d.now.boot_us, 1));
			assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
		}
		assert_true(d.now.boot_us - begun > DRIVE_MINUTE - 2 * DRIVE_SECOND);
		struct cycle_event ev = drive_ev(&d, EV_SOUGHT);
		ev.item = open;
		ev.number = found[k];
		ev.text = "found-1";
		d.n_act = 0;
		assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
		drive_run(&d);
		assert_int_equal(drive_item(&d, open)->state, want[k]);
		assert_int_equal(d.uploads_of[open], uploads[k]);
		assert_int_equal(d.asked[EFF_BASELINE], 1);
		assert_string_equal(d.new_id[open], k == 0 ? fresh : k == 1 ? "found-1" : "");
		assert_end(k == 2 ? END_ABORTED_PARTLY_RESTORED : END_ABORTED_RESTORED);
		drive_done(&d);
	}
}

/* ---- by itself ---- */

static struct cycle_answer fails_after_the_canary(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	if (item < (int32_t)matrix_canary(q->items[0]))
		return answer_of(ANSWER_DELETED, RETRY_NONE_CLASS);
	return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 };
}

static void a_grant_that_says_restore_restores_by_itself(void **state)
{
	(void)state;
	drive_init(&d, 200);
	d.restorable = 200;
	d.on_abort = ON_ABORT_RESTORE;
	d.send = fails_after_the_canary;
	drive_clean(&d);
	drive_to_gate(&d);
	for (int i = 0; i < 20 && d.c->stage != STAGE_ENDED; i++) {
		if (drive_do(&d, EV_RESUME) != RC_OK)
			break;
		drive_run(&d);
	}
	drive_to_end(&d);
	assert_int_equal(drive_lane(&d, 0)->phase, PHASE_ABORTED);
	assert_true(drive_lane(&d, 0)->restore);
	assert_int_equal(drive_count(&d, ITEM_RESTORED), 10);
	assert_end(END_ABORTED_RESTORED);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_brought_back_the_last_deleted_first_and_rows_follow),
		cmocka_unit_test(what_has_no_copy_commits_as_aborted),
		cmocka_unit_test(nothing_is_uploaded_before_the_baseline),
		cmocka_unit_test(doubt_is_looked_up_before_anything_is_repeated),
		cmocka_unit_test(a_lane_that_takes_no_more_holds_and_the_operator_may_keep_the_rest),
		cmocka_unit_test(a_store_that_refuses_all_loses_five_and_no_more),
		cmocka_unit_test(an_intent_without_outcome_is_looked_for),
		cmocka_unit_test(a_grant_that_says_restore_restores_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
