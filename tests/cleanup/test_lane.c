/* CLEANING of a lane: canary, answers, matrix, retry pass, caps (SEMANTICS 2 and 5). */
#include "drive.h"

#include "store/audit.h"

static struct drive d;

#define DELETED answer_of(ANSWER_DELETED, RETRY_NONE_CLASS)
#define assert_phase(lane, p) assert_string_equal(lane_phase_name(drive_lane(&d, lane)->phase), lane_phase_name(p))
#define assert_halted(lane, words) do { assert_true(drive_lane(&d, lane)->halted); \
	assert_non_null(strstr(drive_lane(&d, lane)->halt_why, words)); } while (0)

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

/* Fails by 429 until its tier is spent; does not touch the breaker. */
static struct cycle_answer paced(void) { return (struct cycle_answer){ .kind = ANSWER_PACE, .class_ = RETRY_RATE_LIMIT, .wait_ms = 10 }; }

/* ---- canary ---- */

static void the_canary_is_a_tenth_and_at_most_ten(void **state)
{
	static const int32_t rows[][2] = { { 1, 1 }, { 2, 1 }, { 3, 1 }, { 5, 1 }, { 9, 1 }, { 10, 1 }, { 19, 1 }, { 20, 2 }, { 21, 2 },
		{ 99, 9 }, { 100, 10 }, { 101, 10 }, { 1000, 10 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, rows[i][0]);
		drive_clean(&d);
		assert_int_equal(d.asked[EFF_SEND], rows[i][1]);
		assert_int_equal(drive_lane(&d, 0)->batch, 1);
		drive_to_gate(&d);
		assert_int_equal(d.asked[EFF_SEND], rows[i][0]);
		drive_done(&d);
	}
}

static struct cycle_answer gone_first(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	return item < q->user ? answer_of(ANSWER_MISSING, RETRY_NONE_CLASS) : DELETED;
}

static void a_canary_that_deleted_nothing_does_not_pass(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.send = gone_first;
	d.user = 3;
	drive_clean(&d);
	assert_halted(0, "the canary deleted nothing");
	assert_false(drive_lane(&d, 0)->canary_done);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);       /* another canary, of the same size, and its own gate */
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], 6);
	assert_true(drive_lane(&d, 0)->canary_done);
	assert_phase(0, PHASE_BOUNDARY);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 27);
	drive_done(&d);
}

static enum presence control_gone(struct drive *q, int lane, int32_t item, enum reread_why why)
{
	(void)q; (void)lane; (void)why;
	return item == -2 ? ABSENT : item < 0 ? PRESENT : ABSENT;
}

static void a_control_item_that_is_gone_halts_the_lane(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.reread = control_gone;
	drive_clean(&d);
	assert_halted(0, "a control item outside the plan is gone");
	assert_false(drive_lane(&d, 0)->canary_done);
	assert_int_equal(d.asked[EFF_SEND], 10);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], 10);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);       /* known now: the next canary asks for the other two */
	drive_run(&d);
	assert_int_equal(d.asked[EFF_SEND], 20);
	assert_int_equal(drive_lane(&d, 0)->control_asked, 2);
	assert_true(drive_lane(&d, 0)->canary_done);
	drive_done(&d);
}

static enum presence still_there(struct drive *q, int lane, int32_t item, enum reread_why why)
{
	(void)lane; (void)why;
	return item == q->user || item < 0 ? PRESENT : ABSENT;
}

static void a_canary_item_that_is_still_there_after_30_s_is_a_lie(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.reread = still_there;
	d.user = 4;
	drive_clean(&d);
	assert_halted(0, "still finds canary items");
	assert_int_equal(drive_item(&d, 4)->state, ITEM_UNKNOWN);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 9);
	assert_true(drive_item(&d, 4)->class_ == RETRY_CONFLICTING);
	assert_int_equal(d.asked[EFF_SEND], 10);
	drive_done(&d);
}

static enum presence seen_for_a_while(struct drive *q, int lane, int32_t item, enum reread_why why)
{
	(void)lane; (void)why;
	return item < 0 || q->user-- > 0 ? PRESENT : ABSENT;
}

static void a_canary_item_may_be_seen_a_little_longer(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.reread = seen_for_a_while;
	d.user = 25;
	drive_clean(&d);
	assert_true(drive_lane(&d, 0)->canary_done);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 10);
	drive_done(&d);
}

static enum presence silent(struct drive *q, int lane, int32_t item, enum reread_why why)
{
	(void)lane; (void)why;
	return q->user ? NO_ANSWER : item < 0 ? PRESENT : ABSENT;
}

static void a_canary_that_cannot_be_read_is_no_lie_and_is_read_again(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.reread = silent;
	d.user = 1;
	drive_clean(&d);
	assert_halted(0, "could not be re-read");
	assert_int_equal(drive_count(&d, ITEM_DELETED), 10);
	d.user = 0;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_true(drive_lane(&d, 0)->canary_done);
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 100);
	drive_done(&d);
}

static void without_control_items_the_gate_says_so(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.control_n = 0;
	drive_clean(&d);
	assert_non_null(strstr(d.c->waiting_for, "nothing is known to remain in this lane"));
	drive_done(&d);
}

/* ---- what an answer comes to ---- */

static struct cycle_answer scripted;
static enum presence probe_says;

static struct cycle_answer as_scripted(struct drive *q, int32_t item, int attempt)
{
	(void)q;
	return item == 5 && attempt == 1 ? scripted : DELETED;
}

static enum presence as_probe_says(struct drive *q, int32_t item) { (void)q; (void)item; return probe_says; }

static void every_answer_has_its_outcome(void **state)
{
	static const struct {
		enum answer_kind kind;
		enum retry_class class_;
		enum presence probe;
		enum item_state state;
		bool unit;
		int64_t sends;
	} rows[] = {
		{ ANSWER_DELETED, RETRY_NONE_CLASS, PRESENT, ITEM_DELETED, true, 1 },
		{ ANSWER_MISSING, RETRY_NONE_CLASS, PRESENT, ITEM_GONE_OTHER, false, 1 },
		{ ANSWER_UNCLEAR, RETRY_TIMEOUT, ABSENT, ITEM_GONE, true, 1 },
		{ ANSWER_UNCLEAR, RETRY_TIMEOUT, PRESENT, ITEM_FAILED, false, 1 },
		{ ANSWER_UNCLEAR, RETRY_SERVER_ERROR, NO_ANSWER, ITEM_UNKNOWN, true, 1 },
		{ ANSWER_UNCLEAR, RETRY_CONFLICTING, PRESENT, ITEM_FAILED, false, 1 },
		{ ANSWER_ITEM_REFUSED, RETRY_REJECTED, PRESENT, ITEM_REFUSED, false, 1 },
		{ ANSWER_LANE_REFUSED, RETRY_AUTH, PRESENT, ITEM_HELD, false, 1 },
		{ ANSWER_LANE_REFUSED, RETRY_BILLING, PRESENT, ITEM_HELD, false, 1 },
		{ ANSWER_PACE, RETRY_RATE_LIMIT, PRESENT, ITEM_DELETED, true, 2 },
		{ ANSWER_NOT_SENT, RETRY_NETWORK, PRESENT, ITEM_DELETED, true, 2 },
		{ ANSWER_WITHDRAWN, RETRY_NONE_CLASS, PRESENT, ITEM_DELETED, true, 2 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, 100);
		d.send = as_scripted;
		d.probe = as_probe_says;
		probe_says = rows[i].probe;
		scripted = answer_of(rows[i].kind, rows[i].class_);
		drive_clean(&d);
		drive_run(&d);
		assert_string_equal(item_state_name((enum item_state)drive_item(&d, 5)->state), item_state_name(rows[i].state));
		assert_int_equal(d.sends_of[5], rows[i].sends);
		assert_int_equal(drive_lane(&d, 0)->items_charged, drive_count(&d, ITEM_DELETED) + (rows[i].unit && rows[i].state != ITEM_DELETED));
		assert_int_equal(d.spent_items, drive_lane(&d, 0)->items_charged);
		assert_int_equal(d.spent_bytes, drive_lane(&d, 0)->bytes_charged);
		drive_done(&d);
	}
}

static struct cycle_answer unclear_then_missing(struct drive *q, int32_t item, int attempt)
{
	(void)q;
	if (item != 5)
		return item > 30 && attempt == 1 ? answer_of(ANSWER_UNCLEAR, RETRY_TIMEOUT) : DELETED;
	return attempt == 1 ? answer_of(ANSWER_UNCLEAR, RETRY_SERVER_ERROR) : answer_of(ANSWER_MISSING, RETRY_NONE_CLASS);
}

static void a_404_after_an_attempt_that_left_is_ours(void **state)
{
	(void)state;
	drive_init(&d, 35);
	d.send = unclear_then_missing;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(d.sends_of[5], 2);
	assert_int_equal(drive_item(&d, 5)->state, ITEM_GONE);
	assert_int_equal(drive_count(&d, ITEM_GONE_OTHER), 0);
	drive_done(&d);
}

static int64_t probes_at[8];

static enum presence present_and_when(struct drive *q, int32_t item)
{
	if (item == 5 && q->user < 8)
		probes_at[q->user++] = q->now.boot_us - drive_item(q, 5)->sent_us;
	return PRESENT;
}

static void present_counts_as_failed_only_after_the_settling_time(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.send = as_scripted;
	d.probe = present_and_when;
	scripted = answer_of(ANSWER_UNCLEAR, RETRY_TIMEOUT);
	drive_clean(&d);
	assert_int_equal(d.user, 2);
	assert_true(probes_at[0] < DRIVE_SECOND);
	assert_true(probes_at[1] >= DRIVE_MINUTE && probes_at[1] < DRIVE_MINUTE + DRIVE_SECOND);
	drive_done(&d);
}

static struct cycle_answer asks_for_patience(struct drive *q, int32_t item, int attempt)
{
	struct cycle_answer a = paced();
	a.wait_ms = q->user ? INT64_C(86400000) * 365 : 7000;
	return item == 0 && attempt == 1 ? a : DELETED;
}

static void a_server_that_says_wait_is_waited_for_and_not_for_a_year(void **state)
{
	(void)state;
	for (int year = 0; year < 2; year++) {
		drive_init(&d, 100);
		d.o[0].in_flight = 1;
		d.send = asks_for_patience;
		d.user = year;
		drive_plan(&d);
		int64_t at = d.now.boot_us;
		assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
		drive_run(&d);
		int64_t took = d.now.boot_us - at;
		assert_true(took >= (year ? 15 * DRIVE_MINUTE : 7 * DRIVE_SECOND));
		assert_true(took < (year ? 16 * DRIVE_MINUTE : 8 * DRIVE_SECOND));
		assert_int_equal(drive_count(&d, ITEM_DELETED), 10);
		drive_done(&d);
	}
}

/* ---- about the lane ---- */

static struct cycle_answer revoked(struct drive *q, int32_t item, int attempt)
{
	(void)item; (void)attempt;
	if (!q->user && drive_count(q, ITEM_DELETED) < (q->items[0] > 400 ? 200 : 100))
		return DELETED;
	return q->user ? DELETED : answer_of(ANSWER_LANE_REFUSED, RETRY_AUTH);
}

static void a_policy_may_ask_for_a_smaller_canary_and_a_slower_ramp(void **state)
{
	static const struct { int64_t canary, ramp; int32_t n, to[4]; } rows[] = {
		/* absent, the contract's own, one less, one more than it allows */
		{ 0, 0, 412, { 10, 40, 130, 400 } }, { 10, 3, 412, { 10, 40, 130, 400 } }, { 9, 2, 412, { 9, 27, 63, 135 } }, { 11, 4, 412, { 10, 40, 130, 400 } },
		{ 4, 2, 412, { 4, 12, 28, 60 } }, { 1, 1, 412, { 1, 2, 3, 4 } }, { 0, 1, 412, { 10, 20, 30, 40 } }, { 4, 0, 412, { 4, 16, 52, 160 } },
		/* a tenth of the grant below, at and above the policy's canary */
		{ 4, 3, 39, { 3, 12, 39, 39 } }, { 4, 3, 40, { 4, 16, 40, 40 } }, { 4, 3, 50, { 4, 16, 50, 50 } }, { 8, 3, 50, { 5, 20, 50, 50 } },
		{ 10, 3, 9, { 1, 4, 9, 9 } }, { 1, 3, 1, { 1, 1, 1, 1 } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, rows[i].n);
		d.o[0].canary = rows[i].canary;
		d.o[0].ramp = rows[i].ramp;
		drive_clean(&d);
		for (int k = 0; k < 4; k++) {
			assert_int_equal(drive_lane(&d, 0)->batch_to, rows[i].to[k]);
			if (rows[i].to[k] < rows[i].n) {
				assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
				drive_run(&d);
			}
		}
		drive_done(&d);
	}
}

static void a_batch_of_bulk_requests_is_whole_flights_but_the_last(void **state)
{
	static const struct { int in_flight, per_request; int32_t to[5]; } rows[] = {
		{ 29, 1000, { 10, 39, 126, 387, 412 } }, { 30, 1000, { 10, 40, 130, 400, 412 } }, { 31, 1000, { 10, 40, 102, 288, 412 } },
		{ 31, 1, { 10, 40, 130, 400, 412 } },
		/* a fifth of the lane and one more may be in flight, and no more */
		{ 100, 1000, { 10, 40, 123, 372, 412 } }, { 1000, 2, { 10, 40, 123, 372, 412 } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, 412);
		d.o[0].in_flight = rows[i].in_flight;
		drive_clean(&d);
		d.c->lane[0].pace.per_request = rows[i].per_request;
		for (int k = 0; k < 5; k++) {
			assert_int_equal(drive_lane(&d, 0)->batch_to, rows[i].to[k]);
			if (k < 4) {
				assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
				drive_run(&d);
			}
		}
		drive_done(&d);
	}
}

static struct cycle_answer never_lets_go(struct drive *q, int32_t item, int attempt)
{
	(void)q, (void)attempt;
	return item < 10 ? DELETED : (struct cycle_answer){ .kind = ANSWER_WITHDRAWN };
}

static void a_batch_that_is_not_through_in_its_time_holds_the_lane(void **state)
{
	(void)state;
	drive_init(&d, 100);
	d.o[0].rate_mhz = 1000;
	d.o[0].burst = 100;
	d.send = never_lets_go;
	drive_clean(&d);
	int64_t began = d.now.boot_us;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	for (int i = 0; i < 20000 && !drive_lane(&d, 0)->halted; i++) {
		if (d.n_act) {
			drive_answer_one(&d);
			continue;
		}
		drive_wait(&d, MAX(cycle_due_us(d.c) - d.now.boot_us, 1));
		assert_int_equal(drive_do(&d, EV_TICK), RC_OK);
	}
	assert_halted(0, "batch 2 is not through in its time");
	/* an hour, and twice what 30 items take at one a second */
	assert_true(d.now.boot_us - began >= 61 * DRIVE_MINUTE && d.now.boot_us - began < 62 * DRIVE_MINUTE);
	d.send = NULL;
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 100);
	drive_done(&d);
}

static void a_key_revoked_mid_way_holds_what_is_in_flight_and_sends_nothing_more(void **state)
{
	(void)state;
	drive_init(&d, 412);
	d.send = revoked;
	drive_clean(&d);
	drive_to_gate(&d);      /* stops at the halt, and resumes into it again and again */
	assert_int_equal(drive_count(&d, ITEM_DELETED), 200);
	drive_done(&d);

	drive_init(&d, 412);
	d.send = revoked;
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_halted(0, "said so");
	assert_int_equal(drive_count(&d, ITEM_DELETED), 200);
	assert_int_equal(drive_count(&d, ITEM_HELD), 64);
	assert_int_equal(d.asked[EFF_SEND], 264);
	assert_int_equal(drive_lane(&d, 0)->items_charged, 200);
	assert_int_equal(d.spent_items, 200);
	assert_tf(0, 200, 0);
	assert_non_null(strstr(d.c->waiting_for, "lane lane0 halted"));
	d.user = 1;             /* the key is back */
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 412);
	drive_to_end(&d);
	assert_end(END_COMPLETED);
	drive_done(&d);
}

static void a_lane_that_halts_in_its_last_batch_does_not_settle_with_held_items(void **state)
{
	(void)state;
	drive_init(&d, 110);
	d.send = revoked;
	drive_clean(&d);
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(drive_count(&d, ITEM_HELD), 10);
	assert_int_not_equal(drive_lane(&d, 0)->phase, PHASE_SETTLED);
	assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
	drive_run(&d);
	assert_end(END_ABORTED_KEPT);
	assert_int_equal(drive_count(&d, ITEM_HELD), 10);
	drive_done(&d);
}

static struct cycle_answer locked(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	return item >= 10 && item < 10 + q->user ? answer_of(ANSWER_ITEM_REFUSED, RETRY_REJECTED) : DELETED;
}

static void locked_items_beyond_the_cap_hold_the_lane_and_are_not_in_t(void **state)
{
	static const struct { int locked; bool halts; } rows[] = { { 0, false }, { 9, false }, { 10, false }, { 11, true }, { 30, true } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, 100);
		d.o[0].in_flight = 1;
		d.send = locked;
		d.user = rows[i].locked;
		drive_clean(&d);
		assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
		drive_run(&d);
		assert_int_equal(drive_lane(&d, 0)->halted, rows[i].halts);
		if (rows[i].halts) {
			assert_halted(0, "refuses too many items");
			assert_int_equal(drive_count(&d, ITEM_REFUSED), 11);
			assert_tf(0, 10, 0);
		}
		drive_to_gate(&d);
		assert_int_equal(drive_count(&d, ITEM_REFUSED), rows[i].locked);
		assert_tf(0, 100 - rows[i].locked, 0);
		assert_int_equal(drive_lane(&d, 0)->items_charged, 100 - rows[i].locked);
		drive_to_end(&d);
		assert_end(rows[i].locked ? END_COMPLETED_WITH_FAILURES : END_COMPLETED);
		drive_done(&d);
	}
}

static struct cycle_answer others_were_here(struct drive *q, int32_t item, int attempt)
{
	(void)attempt;
	return item >= 10 && item < 10 + q->user ? answer_of(ANSWER_MISSING, RETRY_NONE_CLASS) : DELETED;
}

static void another_cleaner_holds_the_lane(void **state)
{
	(void)state;
	for (int n = 5; n <= 6; n++) {
		drive_init(&d, 60);
		d.o[0].in_flight = 1;
		d.send = others_were_here;
		d.user = n;
		drive_clean(&d);
		assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
		drive_run(&d);
		assert_int_equal(drive_lane(&d, 0)->halted, n > 5);
		assert_int_equal(drive_count(&d, ITEM_GONE_OTHER), n);
		drive_done(&d);
	}
}

/* ---- re-validation ---- */

static enum check_result first_ones_changed(struct drive *q, int32_t item, bool fresh)
{
	static const enum check_result of[] = { CHECK_DRIFTED, CHECK_REFERENCED, CHECK_PROTECTED };
	(void)fresh;
	return item < q->user % 100 ? of[q->user / 100] : CHECK_SAME;
}

static void drift_beyond_the_cap_makes_the_plan_stale(void **state)
{
	/* max(2, N/10) of N = 10 and of N = 40 */
	static const struct { int32_t n; int drifted; bool stale; } rows[] = {
		{ 10, 0, false }, { 10, 1, false }, { 10, 2, false }, { 10, 3, true }, { 40, 4, false }, { 40, 5, true } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		drive_init(&d, rows[i].n);
		d.check = first_ones_changed;
		d.user = rows[i].drifted;
		drive_clean(&d);
		drive_to_gate(&d);
		assert_int_equal(drive_lane(&d, 0)->halted, rows[i].stale);
		for (int k = 0; k < rows[i].drifted; k++)
			assert_int_equal(d.sends_of[k], 0);
		if (!rows[i].stale) {
			assert_int_equal(drive_count(&d, ITEM_DELETED), rows[i].n - rows[i].drifted);
			drive_done(&d);
			continue;
		}
		int64_t sent = d.asked[EFF_SEND];
		assert_halted(0, "the plan is stale");
		assert_int_equal(drive_do(&d, EV_RESUME), RC_REFUSED);
		assert_non_null(strstr(cycle_why_not(d.c, CMD_RESUME), "abort"));
		drive_run(&d);
		assert_int_equal(d.asked[EFF_SEND], sent);
		assert_int_equal(drive_abort(&d, false, NULL), RC_OK);
		drive_run(&d);
		assert_end(sent ? END_ABORTED_KEPT : END_CANCELLED);
		drive_done(&d);
	}
}

static void what_is_referenced_or_protected_now_is_never_sent(void **state)
{
	(void)state;
	for (int kind = 1; kind <= 2; kind++) {
		drive_init(&d, 30);
		d.check = first_ones_changed;
		d.user = 100 * kind + 12;
		drive_clean(&d);
		drive_to_gate(&d);
		assert_int_equal(drive_count(&d, kind == 1 ? ITEM_BLOCKED : ITEM_PROTECTED), 12);
		assert_int_equal(drive_count(&d, ITEM_DELETED), 18);
		for (int k = 0; k < 12; k++)
			assert_int_equal(d.sends_of[k], 0);
		drive_to_end(&d);
		assert_end(END_COMPLETED);
		drive_done(&d);
	}
}

static bool was_fresh[2000];

static enum check_result note_fresh(struct drive *q, int32_t item, bool fresh)
{
	was_fresh[item] = fresh;
	return q->user && item == 3 ? CHECK_DRIFTED : CHECK_SAME;
}

static void nothing_is_sent_on_facts_older_than_five_minutes(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.check = note_fresh;
	drive_plan(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	assert_false(was_fresh[0]);     /* the list of a moment ago says so */
	drive_answer_one(&d);
	drive_run(&d);
	int64_t checks = d.asked[EFF_RECHECK];
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_answer_one(&d);
	assert_int_equal(drive_do(&d, EV_HOLD), RC_OK);
	drive_run(&d);          /* claimed and ready, and held */
	drive_wait(&d, 6 * DRIVE_MINUTE);
	d.user = 1;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_true(d.asked[EFF_RECHECK] >= checks + 2);
	assert_true(was_fresh[3]);
	assert_int_equal(d.sends_of[3], 0);
	assert_int_equal(drive_item(&d, 3)->state, ITEM_DRIFTED);
	assert_int_equal(d.sends_of[4], 1);
	drive_done(&d);
}

static enum check_result no_word(struct drive *q, int32_t item, bool fresh)
{
	(void)fresh;
	return q->user && item == 1 ? CHECK_NO_ANSWER : CHECK_SAME;
}

static void what_could_not_be_re_validated_halts_and_is_asked_again(void **state)
{
	(void)state;
	drive_init(&d, 30);
	d.check = no_word;
	d.user = 1;
	drive_clean(&d);
	assert_true(drive_lane(&d, 0)->halted);
	assert_int_equal(d.asked[EFF_SEND], 0);
	d.user = 0;
	drive_to_gate(&d);
	assert_int_equal(drive_count(&d, ITEM_DELETED), 30);
	drive_done(&d);
}

static enum claim_result finds(struct drive *q, int32_t item)
{
	return q->user ? CLAIM_FAILED : item == 7 ? CLAIM_REFERENCED : CLAIM_NO_ROW;
}

static void a_row_that_was_made_for_a_file_that_is_gone_is_a_conflict(void **state)
{
	(void)state;
	drive_init(&d, 700);            /* more than one call takes */
	d.rows = false;
	d.look = finds;
	d.user = 1;
	drive_clean(&d);
	drive_to_gate(&d);
	assert_int_equal(drive_do(&d, EV_STEP), RC_OK);
	drive_run(&d);
	assert_true(d.c->held);         /* the records did not answer: nobody knows */
	d.user = 0;
	assert_int_equal(drive_do(&d, EV_RESUME), RC_OK);
	drive_run(&d);
	assert_int_equal(d.asked[EFF_LOOK_ROWS], 3);
	assert_int_equal(d.asked[EFF_COMMIT_ROWS], 0);
	for (int32_t i = 0; i < 700; i++)
		assert_int_equal(drive_item(&d, i)->row, i == 7 ? ROW_CONFLICT : ROW_NONE);
	assert_string_equal(d.dead_belief[7], "row_conflict");
	assert_int_equal(d.dead, 1);
	drive_done(&d);
}

static enum claim_result claims(struct drive *q, int32_t item)
{
	static const enum claim_result of[] = { CLAIM_DONE, CLAIM_NO_ROW, CLAIM_UNCLAIMED, CLAIM_REFERENCED, CLAIM_CHANGED };
	if (q->user)
		return item ? CLAIM_DONE : CLAIM_FAILED;
	return of[item % 5];
}

static void claims_decide_what_is_sent(void **state)
{
	static const enum item_state want[] = { ITEM_DELETED, ITEM_DELETED, ITEM_DELETED, ITEM_BLOCKED, ITEM_DRIFTED };
	(void)state;
	drive_init(&d, 10);
	d.claim = claims;
	drive_clean(&d);
	drive_to_gate(&d);
	for (int32_t i = 0; i < 10; i++) {
		assert_int_equal(drive_item(&d, i)->state, want[i % 5]);
		assert_int_equal(d.sends_of[i], want[i % 5] == ITEM_DELETED);
	}
	drive_done(&d);
	drive_init(&d, 20);
	d.claim = claims;
	d.user = 1;
	drive_clean(&d);
	assert_halted(0, "database is locked");
	assert_int_equal(d.asked[EFF_SEND], 0);
	assert_int_equal(drive_item(&d, 0)->row, ROW_CLAIMED);  /* perhaps: it will be given back */
	d.user = 0;
	drive_to_gate(&d);
	assert_int_equal(drive_item(&d, 0)->state, ITEM_DELETED);
	drive_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_canary_is_a_tenth_and_at_most_ten),
		cmocka_unit_test(a_canary_that_deleted_nothing_does_not_pass),
		cmocka_unit_test(a_control_item_that_is_gone_halts_the_lane),
		cmocka_unit_test(a_canary_item_that_is_still_there_after_30_s_is_a_lie),
		cmocka_unit_test(a_canary_item_may_be_seen_a_little_longer),
		cmocka_unit_test(a_canary_that_cannot_be_read_is_no_lie_and_is_read_again),
		cmocka_unit_test(without_control_items_the_gate_says_so),
		cmocka_unit_test(every_answer_has_its_outcome),
		cmocka_unit_test(a_404_after_an_attempt_that_left_is_ours),
		cmocka_unit_test(present_counts_as_failed_only_after_the_settling_time),
		cmocka_unit_test(a_server_that_says_wait_is_waited_for_and_not_for_a_year),
		cmocka_unit_test(a_policy_may_ask_for_a_smaller_canary_and_a_slower_ramp),
		cmocka_unit_test(a_batch_of_bulk_requests_is_whole_flights_but_the_last),
		cmocka_unit_test(a_batch_that_is_not_through_in_its_time_holds_the_lane),
		cmocka_unit_test(a_key_revoked_mid_way_holds_what_is_in_flight_and_sends_nothing_more),
		cmocka_unit_test(a_lane_that_halts_in_its_last_batch_does_not_settle_with_held_items),
		cmocka_unit_test(locked_items_beyond_the_cap_hold_the_lane_and_are_not_in_t),
		cmocka_unit_test(another_cleaner_holds_the_lane),
		cmocka_unit_test(drift_beyond_the_cap_makes_the_plan_stale),
		cmocka_unit_test(what_is_referenced_or_protected_now_is_never_sent),
		cmocka_unit_test(nothing_is_sent_on_facts_older_than_five_minutes),
		cmocka_unit_test(what_could_not_be_re_validated_halts_and_is_asked_again),
		cmocka_unit_test(a_row_that_was_made_for_a_file_that_is_gone_is_a_conflict),
		cmocka_unit_test(claims_decide_what_is_sent),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
