/* Gates, commands and ends of a cycle (SEMANTICS 2). */
#include "drive.h"

#include "store/audit.h"

static struct drive d;

static void assert_balanced(void)
{
	struct buf b;
	buf_init(&b);
	assert_true(cycle_equation(d.c, &b));
	buf_done(&b);
}

#define assert_waits(words) assert_non_null(strstr(d.c->waiting_for, words))
#define assert_end(e) do { assert_string_equal(cycle_end_name(d.c->end), cycle_end_name(e)); assert_balanced(); } while (0)

/* ---- gates ---- */

static void a_cycle_goes_from_list_to_sign_off(void **state)
{
	(void)state;
	drive_init(&d, 100);
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 100);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	assert_int_equal(d.asked[EFF_SEND], 100);
	assert_int_equal(d.spent_items, 100);
	assert_int_equal(d.spent_bytes, 10000);
	assert_string_equal(d.reason, "expired");
	drive_done(&d);
}

static void no_gate_opens_without_an_operator(void **state)
{
	(void)state;
	drive_init(&d, 10);
	drive_plan(&d);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_VALIDATING);
	assert_waits("step to clean the canary");
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_to_gate(&d);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_CLEANING);
	assert_waits("step to commit");
	for (int stage = STAGE_COMMITTING; stage <= STAGE_AUDITING; stage++) {
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
		assert_int_equal(d.c->stage, stage);
	}
	assert_waits("sign off");
	drive_done(&d);
}

static void a_policy_opens_every_gate_but_the_one_into_cleaning_and_the_last(void **state)
{
	(void)state;
	drive_init(&d, 10);
	for (int g = 0; g < STAGE_COUNT; g++)
		d.auto_gates[g] = true;
	drive_plan(&d);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_VALIDATING);
	assert_int_equal(d.asked[EFF_SEND], 0);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_waits("canary passed");
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_AUDITING);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void an_incomplete_list_is_never_validated(void **state)
{
	struct cycle_event ev;
	(void)state;
	drive_init(&d, 5);
	d.c = cycle_new(1, 7, d.o, 2, false, false, d.auto_gates);
	assert_int_equal(drive_do(&d, EV_START), RC_OK);
	for (int i = 0; i < 2; i++) {
		ev = drive_ev(&d, EV_LISTED);
		ev.lane = i;
		ev.ok = i == 0;
		ev.text = "the cursor repeats";
		assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	}
	assert_int_equal(drive_do(&d, EV_STEP), RC_REFUSED);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_REFUSED);
	assert_waits("lane1 is not completely listed: the cursor repeats");
	ev = drive_ev(&d, EV_EXCLUDE);
	ev.lane = 1;
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(d.c->stage, STAGE_VALIDATING);
	drive_done(&d);
}

static void records_that_did_not_answer_stop_the_cycle(void **state)
{
	struct cycle_event ev;
	(void)state;
	drive_init(&d, 5);
	d.c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
	assert_int_equal(drive_do(&d, EV_START), RC_OK);
	drive_answer_one(&d);
	assert_int_equal(d.asked[EFF_LIST_RECORDS], 1);
	ev = drive_ev(&d, EV_RECORDS);
	ev.text = "database is locked";
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	assert_int_equal(drive_do(&d, EV_STEP), RC_REFUSED);
	assert_waits("records: database is locked");
	drive_done(&d);
}

static void nothing_is_cleaned_without_a_grant_for_every_lane(void **state)
{
	struct cycle_event ev;
	(void)state;
	drive_init(&d, 5);
	d.lanes = 2;
	d.items[1] = 5;
	drive_plan(&d);
	d.c->lane[1].granted = false;
	assert_int_equal(drive_do(&d, EV_STEP), RC_GRANT);
	ev = drive_ev(&d, EV_EXCLUDE);
	ev.lane = 1;
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	assert_int_equal(drive_count(&d, ITEM_PLANNED), 5);
	drive_done(&d);
}

static void a_command_given_too_early_opens_no_gate_later(void **state)
{
	(void)state;
	drive_init(&d, 5);
	drive_plan(&d);
	d.c->lane[0].granted = false;
	assert_int_equal(drive_do(&d, EV_HOLD), RC_OK);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);       /* takes the hold away, and no more */
	drive_grant(&d);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_VALIDATING);
	assert_int_equal(d.asked[EFF_SEND], 0);
	drive_done(&d);
}

static void a_grant_is_for_what_the_plan_has(void **state)
{
	static const struct { int64_t items, bytes; enum rc rc; } rows[] = {
		{ 0, 0, RC_CAP }, { 1, 100, RC_OK }, { 4, 400, RC_OK }, { 5, 500, RC_OK }, { 6, 600, RC_CAP }, { -1, 0, RC_CAP },
		{ 5, -1, RC_CAP }, { 5, 0, RC_OK },
	};
	(void)state;
	drive_init(&d, 5);
	drive_plan(&d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cycle_event ev = drive_ev(&d, EV_GRANT);
		ev.number = rows[i].items;
		ev.bytes = rows[i].bytes;
		ev.until_us = d.now.wall_us + d.run_for;
		assert_int_equal(drive_event(&d, &ev, NULL), rows[i].rc);
	}
	drive_done(&d);
}

/* ---- step, resume, hold ---- */

static void a_step_is_one_batch_and_a_resume_goes_to_the_gate_and_not_past_it(void **state)
{
	static const int64_t after_step[] = { 10, 40, 130, 300 };
	(void)state;
	drive_init(&d, 300);
	drive_clean(&d);
	for (size_t i = 0; i < ARRAY_LEN(after_step); i++) {
		assert_int_equal(drive_count(&d, ITEM_DELETED), after_step[i]);
		if (i + 1 < ARRAY_LEN(after_step))
			assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
	}
	assert_int_equal(d.c->stage, STAGE_CLEANING);
	assert_true(d.c->cleaned);
	drive_done(&d);

	drive_init(&d, 300);
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 300);
	assert_int_equal(d.c->stage, STAGE_CLEANING);
	assert_waits("step to commit");
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(d.c->stage, STAGE_COMMITTING);
	drive_done(&d);
}

static struct cycle_answer second_lane_is_slow(struct drive *q, int32_t item, int attempt)
{
	if (item >= 50 && !q->user && attempt == 1)
		return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 5 * 60 * 1000 };
	return answer_of(ANSWER_DELETED, RETRY_NONE_CLASS);
}

static void a_resume_for_one_lane_is_none_for_anothers_canary(void **state)
{
	(void)state;
	drive_init(&d, 50);
	d.lanes = 2;
	d.items[1] = 50;
	d.send = second_lane_is_slow;
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	while (d.n_act)
		drive_answer_one(&d);
	assert_int_equal(drive_lane(&d, 0)->phase, PHASE_BOUNDARY);
	assert_int_equal(drive_lane(&d, 1)->phase, PHASE_SENDING);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_lane(&d, 0)->phase, PHASE_SETTLED);
	assert_int_equal(drive_lane(&d, 1)->phase, PHASE_BOUNDARY);
	assert_true(drive_lane(&d, 1)->canary_done);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 55);
	assert_waits("lane1: canary passed");
	drive_done(&d);
}

static void assert_hold(void)
{
	struct err e = { .text = "" };
	struct cycle_event ev = drive_ev(&d, EV_HOLD);
	assert_null(cycle_why_not(d.c, CMD_HOLD));
	assert_int_equal(drive_event(&d, &ev, &e), RC_OK);
}

static void hold_is_never_refused(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
	assert_int_equal(drive_do(&d, EV_START), RC_OK);
	assert_hold();
	assert_hold();
	drive_done(&d);
	for (int stage = 0; stage < 6; stage++) {
		drive_init(&d, 30);
		drive_plan(&d);
		if (stage >= 1)
			assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		if (stage >= 2)
			drive_to_gate(&d);
		for (int k = 3; k <= stage; k++) {
			drive_run(&d);
			assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		}
		assert_hold();
		assert_true(d.c->held || d.c->stage == STAGE_ENDED);
		assert_hold();
		drive_done(&d);
	}
	drive_init(&d, 30);
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_STORE_FAILED), RC_OK);
	assert_hold();
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	assert_hold();
	drive_done(&d);
}

static void a_held_cycle_sends_claims_and_commits_nothing(void **state)
{
	int64_t sent, claims;
	(void)state;
	drive_init(&d, 300);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(d.asked[EFF_RECHECK], 1);
	assert_hold();
	drive_run(&d);          /* the re-validation answers; no claim follows */
	assert_int_equal(d.asked[EFF_CLAIM], 0);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	assert_int_equal(d.asked[EFF_CLAIM], 1);
	drive_answer_one(&d);
	sent = d.asked[EFF_SEND];
	assert_true(sent > 0);
	assert_hold();
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], sent);
	assert_int_equal(drive_count(&d, ITEM_SENT), 0);
	claims = d.asked[EFF_CLAIM];
	drive_wait(&d, DRIVE_MINUTE);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_CLAIM], claims);
	assert_waits("held: ");
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 1);
	drive_done(&d);
	drive_init(&d, 700);    /* more rows than one call takes */
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_hold();
	drive_run(&d);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 1);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 2);
	drive_done(&d);
}

static void without_a_log_nothing_leaves_and_nothing_resumes(void **state)
{
	int64_t sent;
	(void)state;
	drive_init(&d, 100);
	drive_clean(&d);
	sent = d.asked[EFF_SEND];
	assert_int_equal(drive_do(&d, EV_STORE_FAILED), RC_OK);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_REFUSED);
	assert_waits("audit log cannot be written");
	drive_run(&d);
	assert_int_equal(drive_do(&d, EV_STORE_BACK), RC_OK);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], sent);      /* what was held stays held until somebody says go on */
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 100);
	drive_done(&d);
}

static struct cycle_answer late_intent(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)item;
	return attempt == 1 ? answer_of(ANSWER_WITHDRAWN, RETRY_NONE_CLASS) : answer_of(ANSWER_DELETED, RETRY_NONE_CLASS);
}

static void a_withdrawn_send_costs_nothing(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.send = late_intent;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 30);
	assert_int_equal(drive_item(&d, 0)->attempts, 2);
	assert_int_equal(drive_item(&d, 0)->tries, 1);
	assert_int_equal(drive_lane(&d, 0)->budget.repeats, 0);
	assert_int_equal(drive_lane(&d, 0)->breaker.state, BREAKER_CLOSED);
	assert_int_equal(breaker_bad(&drive_lane(&d, 0)->breaker), 0);
	assert_int_equal(d.spent_items, 30);
	drive_done(&d);
}

/* ---- time ---- */

static void a_plan_that_waits_too_long_lapses(void **state)
{
	(void)state;
	drive_init(&d, 10);
	drive_plan(&d);
	drive_wait(&d, d.plan_for - DRIVE_SECOND);
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	assert_int_equal(d.c->stage, STAGE_VALIDATING);
	drive_wait(&d, DRIVE_SECOND);
	assert_true(cycle_due_us(d.c) <= d.now.boot_us);
	assert_int_equal(drive_do(&d, EV_STEP), RC_GRANT);      /* also before anything ticked */
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	assert_end(END_LAPSED);
	assert_int_equal(d.audits[AUDIT_GRANT_LAPSED], 1);
	drive_done(&d);
}

static void either_clock_ends_a_plan(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		drive_init(&d, 10);
		drive_plan(&d);
		if (k)
			d.now.wall_us += d.plan_for;
		else
			d.now.boot_us += d.plan_for;
		assert_int_equal(drive_do(&d, EV_LAPSE_CHECK), RC_OK);
		assert_end(END_LAPSED);
		drive_done(&d);
	}
}

static void a_clock_jump_voids_a_plan_that_has_not_begun(void **state)
{
	struct cycle_event ev;
	(void)state;
	for (int begun = 0; begun < 2; begun++) {
		drive_init(&d, 10);
		drive_plan(&d);
		if (begun) {
			assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
			drive_run(&d);
		}
		ev = drive_ev(&d, EV_LAPSE_CHECK);
		ev.ok = true;
		assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
		assert_int_equal(d.c->stage, begun ? STAGE_CLEANING : STAGE_ENDED);
		drive_done(&d);
	}
}

static void a_plan_that_lapses_with_claims_gives_them_back(void **state)
{
	(void)state;
	drive_init(&d, 10);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	assert_int_equal(drive_do(&d, EV_HOLD), RC_OK);
	drive_answer_one(&d);   /* claimed, and held before the first intent */
	assert_int_equal(drive_item(&d, 0)->row, ROW_CLAIMED);
	drive_wait(&d, d.plan_for);
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	assert_int_not_equal(d.c->stage, STAGE_ENDED);
	drive_run(&d);
	assert_end(END_LAPSED);
	assert_int_equal(drive_item(&d, 0)->row, ROW_RELEASED);
	assert_int_equal(d.asked[EFF_SEND], 0);
	drive_done(&d);
}

static enum rc drive_revoke(struct drive *q, int lane)
{
	struct cycle_event ev = drive_ev(q, EV_REVOKE);
	ev.lane = lane;
	return drive_event(q, &ev, NULL);
}

static void the_running_time_begins_with_the_first_intent(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.run_for = 40 * DRIVE_MINUTE;
	drive_plan(&d);
	drive_wait(&d, 50 * DRIVE_MINUTE);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_false(d.c->must_abort[0]);
	assert_true(d.c->run_until_boot_us > d.now.boot_us && d.c->run_until_boot_us <= d.now.boot_us + d.run_for);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_revoked_grant_opens_no_gate_and_a_begun_one_cannot_be_revoked(void **state)
{
	(void)state;
	drive_init(&d, 100);
	drive_plan(&d);
	assert_int_equal(drive_revoke(&d, 0), RC_OK);
	assert_int_equal(drive_revoke(&d, 0), RC_GRANT);
	assert_int_not_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(d.asked[EFF_SEND], 0);
	drive_grant(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_true(d.asked[EFF_SEND] > 0);
	assert_int_equal(drive_revoke(&d, 0), RC_GRANT);
	drive_done(&d);
}

static void when_the_running_time_is_over_only_an_abort_goes_on(void **state)
{
	int64_t sent;
	(void)state;
	drive_init(&d, 100);
	d.run_for = 20 * DRIVE_MINUTE;
	drive_clean(&d);
	sent = d.asked[EFF_SEND];
	drive_wait(&d, d.run_for);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_GRANT);
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	assert_true(d.c->held);
	assert_non_null(strstr(cycle_why_not(d.c, CMD_RESUME), "running time is over"));
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], sent);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	drive_run(&d);
	drive_to_end(&d);
	assert_end(END_ABORTED_KEPT);
	drive_done(&d);
}

/* ---- ends ---- */

static struct cycle_answer fails_after_the_canary(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	if (item < (int32_t)matrix_canary(q->items[0]))
		return answer_of(ANSWER_DELETED, RETRY_NONE_CLASS);
	return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 };
}

static struct cycle_answer never_sent(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)item; (void)attempt;
	return answer_of(ANSWER_NOT_SENT, RETRY_NETWORK);
}

static void an_abort_that_found_nothing_deleted_is_restored(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.send = never_sent;
	drive_clean(&d);
	assert_true(d.c->first_intent);
	assert_int_equal(drive_abort(&d, true, NULL), RC_OK);
	drive_run(&d);
	assert_end(END_ABORTED_RESTORED);
	assert_int_equal(cycle_end_rc(d.c->end), RC_RESTORED);
	assert_int_equal(d.spent_items, 0);
	drive_done(&d);
}

static void restore_is_refused_in_words_once_something_is_deleted(void **state)
{
	struct err e = { .text = "" };
	(void)state;
	drive_init(&d, 30);
	drive_clean(&d);
	assert_int_equal(drive_abort(&d, true, &e), RC_REFUSED);
	assert_non_null(strstr(e.text, "3 items are deleted and 0 of them can be restored"));
	assert_false(d.c->aborting);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	assert_int_equal(drive_abort(&d, false, &e), RC_REFUSED);
	drive_run(&d);
	assert_end(END_ABORTED_KEPT);
	assert_string_equal(d.reason, "aborted");
	assert_int_equal(cycle_end_rc(d.c->end), RC_KEPT);
	drive_done(&d);
}

static void what_was_in_flight_at_a_restore_is_not_called_restored(void **state)
{
	(void)state;
	drive_init(&d, 30);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	drive_answer_one(&d);
	assert_int_equal(drive_count(&d, ITEM_SENT), 3);
	assert_int_equal(drive_abort(&d, true, NULL), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 3);
	assert_end(END_ABORTED_PARTLY_RESTORED);
	drive_done(&d);
}

static void an_abort_after_the_last_batch_is_an_abort(void **state)
{
	(void)state;
	drive_init(&d, 30);
	drive_clean(&d);
	drive_to_gate(&d);
	assert_true(d.c->cleaned);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	drive_run(&d);
	assert_end(END_ABORTED_KEPT);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 30);
	assert_string_equal(d.reason, "aborted");
	drive_done(&d);
}

static void cancelling_is_for_cycles_that_deleted_nothing(void **state)
{
	(void)state;
	drive_init(&d, 30);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_CANCEL), RC_OK);
	assert_end(END_CANCELLED);
	drive_done(&d);
	drive_init(&d, 30);
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_CANCEL), RC_REFUSED);
	drive_done(&d);
}

static void a_cancel_while_claims_are_taken_gives_them_back(void **state)
{
	(void)state;
	drive_init(&d, 30);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	assert_int_equal(d.asked[EFF_CLAIM], 1);        /* on its way */
	assert_int_equal(drive_do(&d, EV_CANCEL), RC_OK);
	assert_int_not_equal(d.c->stage, STAGE_ENDED);
	drive_item(&d, 0)->state = ITEM_CLAIMING;       /* the records' worker had begun when it was cancelled */
	drive_lane(&d, 0)->c.by_state[ITEM_CLAIMING]++;
	drive_lane(&d, 0)->c.by_state[ITEM_PLANNED]--;
	drive_run(&d);
	drive_done(&d);

	drive_init(&d, 30);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	int32_t items[3] = { 0, 1, 2 };
	uint8_t results[3] = { CLAIM_DONE, CLAIM_DONE, CLAIM_FAILED };
	struct cycle_event ev = drive_ev(&d, EV_CLAIMED);
	ev.items = items;
	ev.results = results;
	ev.n = 3;
	d.n_act = 0;
	assert_int_equal(drive_do(&d, EV_CANCEL), RC_OK);
	assert_int_not_equal(d.c->stage, STAGE_ENDED);
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	assert_int_equal(d.asked[EFF_RELEASE], 1);
	drive_run(&d);
	assert_end(END_CANCELLED);
	for (int32_t i = 0; i < 3; i++)
		assert_int_equal(drive_item(&d, i)->row, ROW_RELEASED);
	drive_done(&d);
}

static void an_empty_plan_is_done(void **state)
{
	(void)state;
	drive_init(&d, 0);
	d.c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
	assert_int_equal(drive_do(&d, EV_START), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void an_ended_cycle_takes_no_command_but_hold(void **state)
{
	static const enum cycle_event_kind kinds[] = { EV_GRANT, EV_EXCLUDE, EV_STEP, EV_RESUME, EV_CANCEL, EV_ACK, EV_ABORT };
	(void)state;
	drive_init(&d, 5);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_CANCEL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(drive_do(&d, kinds[i]), RC_REFUSED);
	assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	drive_done(&d);
}

static void a_rehearsal_changes_nothing_outside(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.rehearsal = true;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_REHEARSED), 100);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS] + d.asked[EFF_RELEASE] + d.asked[EFF_REREAD], 0);
	assert_int_equal(d.spent_items, 0);
	assert_int_equal(drive_lane(&d, 0)->batch, 3);  /* 10, 30, 60: the same batches */
	drive_done(&d);
}

static void failures_are_acknowledged_by_their_count(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.send = fails_after_the_canary;
	drive_clean(&d);
	drive_to_gate(&d);
	int64_t f = cycle_ack_needed(d.c);
	assert_int_equal(f, 17);        /* of T = 20: beyond rescue, the other ten were not even tried */
	assert_int_equal(drive_count(&d, ITEM_PLANNED), 10);
	assert_int_equal(drive_ack(&d, f - 1), RC_USAGE);
	assert_int_equal(drive_ack(&d, f + 1), RC_USAGE);
	assert_int_equal(drive_ack(&d, 0), RC_USAGE);
	assert_int_equal(drive_do(&d, EV_STEP), RC_REFUSED);
	assert_int_equal(drive_ack(&d, f), RC_OK);
	assert_int_equal(drive_ack(&d, f), RC_USAGE);
	drive_run(&d);
	drive_to_end(&d);
	assert_end(END_ABORTED_KEPT);   /* above 20 % of 20 or more: acknowledged is kept, not completed */
	assert_int_equal(d.dead, 17);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cycle_goes_from_list_to_sign_off),
		cmocka_unit_test(no_gate_opens_without_an_operator),
		cmocka_unit_test(a_policy_opens_every_gate_but_the_one_into_cleaning_and_the_last),
		cmocka_unit_test(an_incomplete_list_is_never_validated),
		cmocka_unit_test(records_that_did_not_answer_stop_the_cycle),
		cmocka_unit_test(nothing_is_cleaned_without_a_grant_for_every_lane),
		cmocka_unit_test(a_command_given_too_early_opens_no_gate_later),
		cmocka_unit_test(a_grant_is_for_what_the_plan_has),
		cmocka_unit_test(a_step_is_one_batch_and_a_resume_goes_to_the_gate_and_not_past_it),
		cmocka_unit_test(a_resume_for_one_lane_is_none_for_anothers_canary),
		cmocka_unit_test(hold_is_never_refused),
		cmocka_unit_test(a_held_cycle_sends_claims_and_commits_nothing),
		cmocka_unit_test(without_a_log_nothing_leaves_and_nothing_resumes),
		cmocka_unit_test(a_withdrawn_send_costs_nothing),
		cmocka_unit_test(a_plan_that_waits_too_long_lapses),
		cmocka_unit_test(either_clock_ends_a_plan),
		cmocka_unit_test(a_clock_jump_voids_a_plan_that_has_not_begun),
		cmocka_unit_test(a_plan_that_lapses_with_claims_gives_them_back),
		cmocka_unit_test(the_running_time_begins_with_the_first_intent),
		cmocka_unit_test(a_revoked_grant_opens_no_gate_and_a_begun_one_cannot_be_revoked),
		cmocka_unit_test(when_the_running_time_is_over_only_an_abort_goes_on),
		cmocka_unit_test(an_abort_that_found_nothing_deleted_is_restored),
		cmocka_unit_test(restore_is_refused_in_words_once_something_is_deleted),
		cmocka_unit_test(what_was_in_flight_at_a_restore_is_not_called_restored),
		cmocka_unit_test(an_abort_after_the_last_batch_is_an_abort),
		cmocka_unit_test(cancelling_is_for_cycles_that_deleted_nothing),
		cmocka_unit_test(a_cancel_while_claims_are_taken_gives_them_back),
		cmocka_unit_test(an_empty_plan_is_done),
		cmocka_unit_test(an_ended_cycle_takes_no_command_but_hold),
		cmocka_unit_test(a_rehearsal_changes_nothing_outside),
		cmocka_unit_test(failures_are_acknowledged_by_their_count),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cycle", tests, NULL, NULL);
}
