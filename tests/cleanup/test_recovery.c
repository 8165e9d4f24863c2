/* COMMITTING, AUDITING, and what a restart does with each stored state (SEMANTICS 5 and 7). */
#include "drive.h"

#include "store/audit.h"

static struct drive d;

#define DELETED answer_of(ANSWER_DELETED, RETRY_NONE_CLASS)

static void assert_end(enum cycle_end e)
{
	struct buf b;
	assert_string_equal(cycle_end_name(d.c->end), cycle_end_name(e));
	buf_init(&b);
	assert_true(cycle_equation(d.c, &b));
	buf_done(&b);
}

/* ---- rows ---- */

static enum claim_result row_says(struct drive *q, int32_t item)
{
	static const enum claim_result of[] = { CLAIM_DONE, CLAIM_REFERENCED, CLAIM_CHANGED, CLAIM_NO_ROW };
	return q->user ? CLAIM_FAILED : of[item % 4];
}

static void a_row_somebody_still_uses_is_the_most_urgent_dead_letter(void **state)
{
	(void)state;
	drive_init(&d, 20);
	d.row = row_says;
	drive_clean(&d);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_end(END_COMPLETED_WITH_FAILURES);
	assert_int_equal(d.dead, 10);
	for (int32_t i = 0; i < 20; i++) {
		static const enum row_state want[] = { ROW_COMMITTED, ROW_CONFLICT, ROW_CONFLICT, ROW_NONE };
		assert_int_equal(drive_item(&d, i)->row, want[i % 4]);
		assert_string_equal(d.dead_belief[i], want[i % 4] == ROW_CONFLICT ? "row_conflict" : "");
	}
	drive_done(&d);
}

static void a_database_that_is_down_holds_and_the_same_rows_are_written_again(void **state)
{
	(void)state;
	drive_init(&d, 20);
	d.row = row_says;
	d.user = 1;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_true(d.c->held);
	assert_non_null(strstr(d.c->held_why, "20 rows could not be written: database is locked"));
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 1);
	d.user = 0;
	drive_to_end(&d);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 2);
	assert_int_equal(d.c->stage, STAGE_ENDED);
	drive_done(&d);
}

static struct cycle_answer some_other(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	return item >= 10 && item < 14 ? answer_of(ANSWER_MISSING, RETRY_NONE_CLASS) : DELETED;
}

static enum presence one_is_there(struct drive *q, int32_t item) { (void)q; return item == 12 ? PRESENT : ABSENT; }

static void what_others_removed_commits_only_after_a_complete_list(void **state)
{
	(void)state;
	for (int complete = 0; complete < 2; complete++) {
		drive_init(&d, 100);
		d.send = some_other;
		d.relist = one_is_there;
		d.relist_ok = complete;
		drive_clean(&d);
		drive_to_gate(&d);
		drive_to_end(&d);
		assert_int_equal(d.asked[EFF_RELIST], 1);
		assert_int_equal(drive_count(&d, ITEM_GONE_OTHER), 4);
		for (int32_t i = 10; i < 14; i++)
			assert_int_equal(drive_item(&d, i)->row, complete && i != 12 ? ROW_COMMITTED : ROW_RELEASED);
		assert_end(END_COMPLETED);
		drive_done(&d);
	}
}

static struct cycle_answer every_kind(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	switch (item) {
	case 10: return answer_of(ANSWER_ITEM_REFUSED, RETRY_REJECTED);
	case 11: return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 1 };
	case 12: return answer_of(ANSWER_UNCLEAR, RETRY_TIMEOUT);
	default: return DELETED;
	}
}

static enum presence nobody_answers(struct drive *q, int32_t item) { (void)q; (void)item; return NO_ANSWER; }

static void only_what_is_gone_commits_and_every_other_claim_is_given_back(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.send = every_kind;
	d.probe = nobody_answers;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_item(&d, 12)->state, ITEM_UNKNOWN);
	drive_to_end(&d);
	for (int32_t i = 10; i < 13; i++)
		assert_int_equal(drive_item(&d, i)->row, ROW_RELEASED);
	assert_string_equal(d.dead_belief[11], "exists");
	assert_string_equal(d.dead_belief[12], "maybe_deleted");
	assert_string_equal(d.dead_belief[10], "");
	assert_end(END_COMPLETED_WITH_FAILURES);
	drive_done(&d);
}

/* ---- the last look ---- */

static enum claim_result given_back(struct drive *q, int32_t item) { (void)item; q->claims_left = 0; return CLAIM_DONE; }

static void claims_that_nobody_remembers_are_given_back_once_more(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.granted[0] = 20;      /* ten rows were never touched by this cycle, as far as it knows */
	d.release = given_back;
	d.claims_left = 3;
	drive_clean(&d);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_int_equal(d.asked[EFF_COUNT_CLAIMS], 2);
	assert_int_equal(d.asked[EFF_RELEASE], 1);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_cycle_does_not_end_while_claims_are_left(void **state)
{
	(void)state;
	static const int64_t left[] = { 1, -1 };
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		drive_init(&d, 30);
		d.claims_left = left[i];
		drive_clean(&d);
		drive_to_gate(&d);
		drive_to_end(&d);
		assert_int_equal(d.c->stage, STAGE_AUDITING);
		assert_non_null(strstr(d.c->waiting_for, "claims"));
		d.claims_left = 0;
		drive_to_end(&d);
		assert_end(END_COMPLETED);
		drive_done(&d);
	}
}

static enum presence sample_shows_it(struct drive *q, int lane, int32_t item, enum reread_why why)
{
	(void)lane;
	if (why == REREAD_SAMPLE)
		q->user = item;
	return item < 0 || why == REREAD_SAMPLE ? PRESENT : ABSENT;
}

static void a_sample_that_is_still_there_is_unknown_and_a_conflict(void **state)
{
	(void)state;
	drive_init(&d, 15);
	d.reread = sample_shows_it;
	drive_clean(&d);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_int_equal(drive_item(&d, d.user)->state, ITEM_UNKNOWN);
	assert_int_equal(drive_item(&d, d.user)->row, ROW_CONFLICT);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 14);
	assert_end(END_COMPLETED_WITH_FAILURES);
	assert_int_equal(d.spent_items, 15);
	drive_done(&d);
}

/* ---- a restart, state by state ---- */

/* A lane of 20 in its second batch (ranks 3 … 8), the first three of it in the states given. */
static void stored(enum item_state st, enum row_state row, int attempts, enum retry_class class_)
{
	drive_init(&d, 20);
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	struct cycle_lane *l = drive_lane(&d, 0);
	struct cycle_item *it = drive_item(&d, 3);
	assert_int_equal(l->batch_from, 2);
	l->c.by_state[it->state]--;
	l->c.by_state[st]++;
	it->state = (uint8_t)st;
	it->row = (uint8_t)row;
	it->attempts = (uint16_t)attempts;
	it->class_ = (uint8_t)class_;
	it->sent_wall_us = attempts ? d.now.wall_us - 2 * DRIVE_MINUTE : -1;
	memset(d.asked, 0, sizeof d.asked);
	memset(d.sends_of, 0, sizeof d.sends_of);
}

static void unsent_items_go_back_to_the_plan_and_wait_for_an_operator(void **state)
{
	static const struct { enum item_state st; enum row_state row; int attempts; bool claim; } rows[] = {
		{ ITEM_PLANNED, ROW_UNTOUCHED, 0, false }, { ITEM_CHECKING, ROW_UNTOUCHED, 0, false },
		{ ITEM_CLAIMING, ROW_UNTOUCHED, 0, true },      /* perhaps */
		{ ITEM_READY, ROW_CLAIMED, 0, true }, { ITEM_READY, ROW_RELEASING, 0, true },
		{ ITEM_BACKOFF, ROW_CLAIMED, 1, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stored(rows[i].st, rows[i].row, rows[i].attempts, rows[i].attempts ? RETRY_RATE_LIMIT : RETRY_NONE_CLASS);
		drive_restart(&d, DRIVE_MINUTE);
		assert_true(d.c->held);
		assert_int_equal(drive_item(&d, 3)->state, ITEM_PLANNED);
		assert_int_equal(d.asked[EFF_RELEASE], rows[i].claim);
		drive_run(&d);
		assert_int_equal(drive_item(&d, 3)->row, rows[i].claim ? ROW_RELEASED : ROW_UNTOUCHED);
		assert_int_equal(d.asked[EFF_SEND] + d.asked[EFF_CLAIM] + d.asked[EFF_RECHECK], 0);
		drive_to_gate(&d);
		assert_int_equal(drive_item(&d, 3)->state, ITEM_DELETED);
		assert_int_equal(d.sends_of[0], 0);     /* what was settled stays so */
		drive_to_end(&d);
		assert_end(END_COMPLETED);
		drive_done(&d);
	}
}

static enum presence restart_probe;
static enum presence as_restart_probe(struct drive *q, int32_t item) { (void)q; (void)item; return restart_probe; }

static void an_intent_without_outcome_is_probed_before_anything_else(void **state)
{
	static const struct { enum item_state st; enum presence p; enum item_state want; } rows[] = {
		{ ITEM_SENT, PRESENT, ITEM_READY }, { ITEM_SENT, ABSENT, ITEM_GONE }, { ITEM_SENT, NO_ANSWER, ITEM_UNKNOWN },
		{ ITEM_PROBING, ABSENT, ITEM_GONE }, { ITEM_PROBING, PRESENT, ITEM_FAILED }, { ITEM_SETTLING, ABSENT, ITEM_GONE },
		{ ITEM_SETTLING, PRESENT, ITEM_FAILED },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stored(rows[i].st, ROW_CLAIMED, 1, RETRY_TIMEOUT);
		d.probe = as_restart_probe;
		restart_probe = rows[i].p;
		drive_restart(&d, DRIVE_SECOND);
		assert_int_equal(d.asked[EFF_PROBE], 1);
		assert_int_equal(drive_item(&d, 3)->state, ITEM_PROBING);
		assert_int_equal(drive_lane(&d, 0)->items_charged, 3);  /* two deleted, and the one in doubt */
		drive_run(&d);
		assert_string_equal(item_state_name((enum item_state)drive_item(&d, 3)->state), item_state_name(rows[i].want));
		assert_int_equal(drive_lane(&d, 0)->items_charged, 2 + item_holds_unit(rows[i].want));
		assert_int_equal(d.asked[EFF_SEND], 0);
		assert_true(drive_item(&d, 3)->left);
		drive_to_gate(&d);
		if (rows[i].want == ITEM_READY)
			assert_int_equal(drive_item(&d, 3)->state, ITEM_DELETED);
		drive_done(&d);
	}
}

static int64_t when_failed;

static enum presence present_note(struct drive *q, int32_t item) { (void)item; when_failed = q->now.wall_us; return PRESENT; }

static void an_intent_of_a_moment_ago_is_given_the_stores_time_across_the_restart(void **state)
{
	(void)state;
	stored(ITEM_SENT, ROW_CLAIMED, 1, RETRY_NONE_CLASS);
	int64_t sent = drive_item(&d, 3)->sent_wall_us = d.now.wall_us;
	d.probe = present_note;
	drive_restart(&d, DRIVE_SECOND);
	drive_run(&d);
	assert_int_equal(drive_item(&d, 3)->state, ITEM_READY);
	assert_true(when_failed - sent >= DRIVE_MINUTE);
	drive_done(&d);
}

static struct cycle_answer third_is_missing(struct drive *q, int32_t item, int attempt)
{
	(void)q; (void)attempt;
	return item == 3 ? answer_of(ANSWER_MISSING, RETRY_NONE_CLASS) : DELETED;
}

static void a_404_after_a_restart_is_ours_only_if_a_request_can_have_left(void **state)
{
	static const struct { int attempts; enum retry_class class_; enum item_state want; } rows[] = {
		{ 0, RETRY_NONE_CLASS, ITEM_GONE_OTHER }, { 1, RETRY_RATE_LIMIT, ITEM_GONE_OTHER }, { 1, RETRY_NETWORK, ITEM_GONE_OTHER },
		{ 1, RETRY_TIMEOUT, ITEM_GONE }, { 2, RETRY_RATE_LIMIT, ITEM_GONE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stored(ITEM_BACKOFF, ROW_CLAIMED, rows[i].attempts, rows[i].class_);
		d.send = third_is_missing;
		drive_restart(&d, DRIVE_SECOND);
		drive_to_gate(&d);
		assert_string_equal(item_state_name((enum item_state)drive_item(&d, 3)->state), item_state_name(rows[i].want));
		drive_done(&d);
	}
}

static void settled_items_stay_settled(void **state)
{
	static const enum item_state states[] = { ITEM_DELETED, ITEM_GONE, ITEM_GONE_OTHER, ITEM_FAILED, ITEM_UNKNOWN, ITEM_REFUSED,
		ITEM_DRIFTED, ITEM_PROTECTED, ITEM_BLOCKED };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		stored(states[i], ROW_CLAIMED, 1, RETRY_CONFLICTING);
		drive_restart(&d, DRIVE_SECOND);
		assert_int_equal(drive_item(&d, 3)->state, states[i]);
		drive_to_gate(&d);
		assert_int_equal(d.sends_of[3], 0);
		if (cycle_ack_needed(d.c))
			assert_int_equal(drive_ack(&d, 1), RC_OK);
		drive_to_end(&d);
		bool commits = states[i] == ITEM_DELETED || states[i] == ITEM_GONE || states[i] == ITEM_GONE_OTHER;
		assert_int_equal(drive_item(&d, 3)->row, commits ? ROW_COMMITTED : ROW_RELEASED);
		drive_done(&d);
	}
}

static void a_held_item_is_tried_again_when_an_operator_resumes(void **state)
{
	(void)state;
	stored(ITEM_HELD, ROW_CLAIMED, 1, RETRY_AUTH);
	drive_lane(&d, 0)->halted = true;
	drive_restart(&d, DRIVE_SECOND);
	drive_run(&d);
	assert_int_equal(drive_item(&d, 3)->state, ITEM_HELD);
	drive_to_gate(&d);
	assert_int_equal(drive_item(&d, 3)->state, ITEM_DELETED);
	drive_done(&d);
}

static bool all_fresh;

static enum check_result note_fresh(struct drive *q, int32_t item, bool fresh)
{
	(void)q; (void)item;
	all_fresh &= fresh;
	return CHECK_SAME;
}

static void everything_that_remains_is_re_validated_from_fresh_answers(void **state)
{
	(void)state;
	stored(ITEM_READY, ROW_CLAIMED, 0, RETRY_NONE_CLASS);
	d.check = note_fresh;
	all_fresh = true;
	drive_restart(&d, DRIVE_SECOND);
	drive_to_gate(&d);
	assert_true(all_fresh);
	assert_true(d.asked[EFF_RECHECK] > 0);
	drive_done(&d);
}

/* ---- a restart, stage by stage ---- */

static void before_cleaning_a_cycle_starts_over(void **state)
{
	(void)state;
	drive_init(&d, 20);
	drive_plan(&d);
	int64_t lists = d.asked[EFF_DISCOVER];
	drive_restart(&d, DRIVE_SECOND);
	assert_int_equal(d.c->stage, STAGE_DISCOVERING);
	assert_false(d.c->plan_frozen);
	assert_false(drive_lane(&d, 0)->granted);
	assert_int_equal(d.asked[EFF_DISCOVER], lists + 1);
	drive_run(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_GRANT);      /* the old grant was for the old plan */
	drive_grant(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_to_gate(&d);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void an_excluded_lane_stays_excluded(void **state)
{
	(void)state;
	drive_init(&d, 5);
	d.lanes = 2;
	d.items[1] = 5;
	d.c = cycle_new(1, 7, d.o, 2, true, false, d.auto_gates);
	assert_int_equal(drive_do(&d, EV_START), RC_OK);
	struct cycle_event ev = drive_ev(&d, EV_EXCLUDE);
	ev.lane = 1;
	assert_int_equal(drive_event(&d, &ev, NULL), RC_OK);
	memset(d.asked, 0, sizeof d.asked);
	drive_restart(&d, DRIVE_SECOND);
	assert_int_equal(d.asked[EFF_DISCOVER], 1);
	assert_true(drive_lane(&d, 1)->excluded);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_LIST_RECORDS], 1);
	drive_done(&d);
}

static void committing_goes_on_by_itself(void **state)
{
	(void)state;
	drive_init(&d, 20);
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(drive_item(&d, 0)->row, ROW_INTENT);
	d.asked[EFF_COMMIT_ROWS] = 0;
	drive_restart(&d, DRIVE_SECOND);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 1);          /* the same statements again */
	drive_run(&d);
	assert_int_equal(drive_item(&d, 0)->row, ROW_COMMITTED);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_row_intent_is_finished_whatever_a_new_list_says(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.send = some_other;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	while (drive_item(&d, 10)->row != ROW_INTENT)
		drive_answer_one(&d);
	d.relist_ok = false;    /* now the list cannot be had */
	drive_restart(&d, DRIVE_SECOND);
	drive_run(&d);
	assert_int_equal(drive_item(&d, 10)->row, ROW_COMMITTED);
	drive_to_end(&d);
	assert_int_equal(d.c->stage, STAGE_ENDED);
	drive_done(&d);
}

static void an_abort_goes_on_by_itself(void **state)
{
	(void)state;
	drive_init(&d, 20);
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	while (!d.asked[EFF_SEND])
		drive_answer_one(&d);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	d.probe = nobody_answers;
	drive_restart(&d, DRIVE_SECOND);
	assert_false(d.c->held);
	drive_run(&d);
	assert_end(END_ABORTED_KEPT);
	drive_done(&d);
}

static void auditing_counts_again(void **state)
{
	(void)state;
	drive_init(&d, 20);
	drive_clean(&d);
	drive_to_gate(&d);
	while (d.c->stage != STAGE_AUDITING) {
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		if (d.c->stage != STAGE_AUDITING)
			drive_run(&d);
	}
	d.asked[EFF_COUNT_CLAIMS] = 0;
	drive_restart(&d, DRIVE_SECOND);
	assert_int_equal(d.asked[EFF_COUNT_CLAIMS], 1);
	drive_run(&d);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_hold_survives_a_restart(void **state)
{
	(void)state;
	drive_init(&d, 20);
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	assert_int_equal(drive_do(&d, EV_HOLD), RC_OK);
	d.asked[EFF_COMMIT_ROWS] = 0;
	drive_restart(&d, DRIVE_SECOND);
	drive_run(&d);
	assert_true(d.c->held);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 0);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_retry_pass_is_begun_again(void **state)
{
	(void)state;
	drive_init(&d, 20);
	d.send = every_kind;
	d.probe = as_restart_probe;
	restart_probe = PRESENT;
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	for (int i = 0; i < 400 && drive_lane(&d, 0)->phase != PHASE_RETRYING; i++)
		if (d.n_act) {
			drive_answer_one(&d);
		} else {
			drive_wait(&d, MAX(cycle_due_us(d.c) - d.now.boot_us, 1));
			assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
		}
	assert_int_equal(drive_lane(&d, 0)->phase, PHASE_RETRYING);
	drive_restart(&d, DRIVE_SECOND);
	drive_run(&d);
	drive_to_gate(&d);
	assert_true(drive_lane(&d, 0)->phase == PHASE_SETTLED);
	assert_true(d.sends_of[12] <= 2);       /* its tier outlives the restart */
	drive_done(&d);
}

/* ---- what was stored cannot be ---- */

static enum rc read_body(const char *from, const char *to, struct err *e)
{
	struct buf b;
	struct cycle *c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
	buf_init(&b);
	cycle_body(d.c, &b);
	char *at = from ? strstr(b.p, from) : NULL;
	assert_true(!from || at);
	struct buf changed;
	buf_init(&changed);
	buf_add(&changed, b.p, at ? (size_t)(at - b.p) : b.n);
	if (at) {
		buf_adds(&changed, to);
		buf_adds(&changed, at + strlen(from));
	}
	enum rc rc = cycle_body_read(c, buf_slice(&changed), d.now, e);
	buf_done(&changed);
	buf_done(&b);
	cycle_free(c);
	return rc;
}

static void a_stored_cycle_that_cannot_be_is_refused(void **state)
{
	struct err e;
	(void)state;
	drive_init(&d, 20);
	drive_clean(&d);
	assert_int_equal(read_body(NULL, NULL, &e), RC_OK);
	assert_int_equal(read_body("\"stage\":2", "\"stage\":6", &e), RC_AUDIT);
	assert_int_equal(read_body("\"stage\":2", "\"stage\":-1", &e), RC_AUDIT);
	assert_int_equal(read_body("\"stage\":2,", "", &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "no usable stage"));
	assert_int_equal(read_body("\"phase\":", "\"phase\":99,\"was\":", &e), RC_AUDIT);
	assert_int_equal(read_body("\"name\":\"lane0\"", "\"name\":\"other\"", &e), RC_AUTH);
	assert_int_not_equal(read_body("{", "", &e), RC_OK);
	drive_done(&d);
}

static void stored_items_that_cannot_be_are_refused(void **state)
{
	static const struct { int32_t n; int lane; struct cycle_stored st; } rows[] = {
		{ 1, 0, { 0, 0, 0, 0, -1 } }, { 0, 1, { 0, 0, 0, 0, -1 } }, { 0, -1, { 0, 0, 0, 0, -1 } },
		{ 0, 0, { ITEM_STATE_COUNT, 0, 0, 0, -1 } }, { 0, 0, { -1, 0, 0, 0, -1 } }, { 0, 0, { 0, ROW_STATE_COUNT, 0, 0, -1 } },
		{ 0, 0, { 0, 0, -1, 0, -1 } }, { 0, 0, { 0, 0, 0, RETRY_CLASS_COUNT, -1 } },
	};
	struct err e;
	struct effects fx = { 0 };
	(void)state;
	drive_init(&d, 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cycle *c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
		struct cycle_plan_item p = { rows[i].lane, 100, true, 0 };
		assert_int_equal(cycle_item_restore(c, rows[i].n, &p, &rows[i].st, &e), RC_AUDIT);
		cycle_free(c);
	}
	struct cycle *c = cycle_new(1, 7, d.o, 1, true, false, d.auto_gates);
	c->stage = STAGE_CLEANING;
	c->lane[0].n = 5;       /* a grant for five, and no item */
	assert_int_equal(cycle_recover(c, d.now, &fx, &e), RC_AUDIT);
	assert_int_equal(fx.n, 0);
	cycle_free(c);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_somebody_still_uses_is_the_most_urgent_dead_letter),
		cmocka_unit_test(a_database_that_is_down_holds_and_the_same_rows_are_written_again),
		cmocka_unit_test(what_others_removed_commits_only_after_a_complete_list),
		cmocka_unit_test(only_what_is_gone_commits_and_every_other_claim_is_given_back),
		cmocka_unit_test(claims_that_nobody_remembers_are_given_back_once_more),
		cmocka_unit_test(a_cycle_does_not_end_while_claims_are_left),
		cmocka_unit_test(a_sample_that_is_still_there_is_unknown_and_a_conflict),
		cmocka_unit_test(unsent_items_go_back_to_the_plan_and_wait_for_an_operator),
		cmocka_unit_test(an_intent_without_outcome_is_probed_before_anything_else),
		cmocka_unit_test(an_intent_of_a_moment_ago_is_given_the_stores_time_across_the_restart),
		cmocka_unit_test(a_404_after_a_restart_is_ours_only_if_a_request_can_have_left),
		cmocka_unit_test(settled_items_stay_settled),
		cmocka_unit_test(a_held_item_is_tried_again_when_an_operator_resumes),
		cmocka_unit_test(everything_that_remains_is_re_validated_from_fresh_answers),
		cmocka_unit_test(before_cleaning_a_cycle_starts_over),
		cmocka_unit_test(an_excluded_lane_stays_excluded),
		cmocka_unit_test(committing_goes_on_by_itself),
		cmocka_unit_test(a_row_intent_is_finished_whatever_a_new_list_says),
		cmocka_unit_test(an_abort_goes_on_by_itself),
		cmocka_unit_test(auditing_counts_again),
		cmocka_unit_test(a_hold_survives_a_restart),
		cmocka_unit_test(a_retry_pass_is_begun_again),
		cmocka_unit_test(a_stored_cycle_that_cannot_be_is_refused),
		cmocka_unit_test(stored_items_that_cannot_be_are_refused),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
