#include "unit.h"

#include "base/mem.h"
#include "guard/canary.h"
#include "link/feature.h"

static const struct canary_opts twenty = { 2000, 10 };

static struct canary_figures fine(int64_t connections)
{
	return (struct canary_figures){ .connections = connections, .messages = 100, .rtts = 20, .rtt_p50_us = 100000, .rtt_p99_us = 200000 };
}

static enum canary_verdict judged(const struct canary_figures *c, const struct canary_figures *s, char why[CANARY_WHY])
{
	return canary_judge(CANARY_KEEPALIVE, c, s, &twenty, why);
}

static void alike_is_as_good(void **state)
{
	struct canary_figures c = fine(1), s = fine(3);
	char why[CANARY_WHY];
	(void)state;
	assert_int_equal(judged(&c, &s, why), CANARY_GOOD);
	assert_string_equal(why, "20 round trips, 100 messages, 0 drops; stable ones 20, 100, 0");
}

static void too_little_says_nothing(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	for (int64_t n = 0; n <= 11; n++) {
		struct canary_figures c = fine(1), s = fine(3);
		c.messages = s.messages = 0;
		c.rtts = n;
		c.rtt_p50_us = c.rtt_p99_us = 900000;
		assert_int_equal(judged(&c, &s, why), n < 10 ? CANARY_FEW : CANARY_WORSE);
		c.rtts = 20;
		s.rtts = n;
		assert_int_equal(judged(&c, &s, why), n < 10 ? CANARY_FEW : CANARY_WORSE);
	}
}

static void nothing_at_all_is_few(void **state)
{
	struct canary_figures none = { .rtt_p50_us = -1, .rtt_p99_us = -1 };
	char why[CANARY_WHY];
	(void)state;
	assert_int_equal(judged(&none, &none, why), CANARY_FEW);
	assert_string_equal(why, "");
	assert_int_equal(canary_judge(CANARY_KEEPALIVE, &none, &none, &(struct canary_opts){ 0, 0 }, why), CANARY_FEW);
}

static void a_round_trip_is_worse_beyond_the_margin(void **state)
{
	static const struct { int64_t p50, p99; enum canary_verdict is; } row[] = {
		{ 120000, 200000, CANARY_GOOD }, { 120001, 200000, CANARY_WORSE }, { 100000, 240000, CANARY_GOOD }, { 100000, 240001, CANARY_WORSE }, { 1, 1, CANARY_GOOD } };
	char why[CANARY_WHY];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct canary_figures c = fine(1), s = fine(3);
		c.rtt_p50_us = row[i].p50;
		c.rtt_p99_us = row[i].p99;
		assert_int_equal(judged(&c, &s, why), row[i].is);
	}
	assert_string_equal((judged(&(struct canary_figures){ .connections = 1, .rtts = 10, .rtt_p50_us = 9000, .rtt_p99_us = 9000 },
				    &(struct canary_figures){ .connections = 1, .rtts = 10, .rtt_p50_us = 3000, .rtt_p99_us = 3000 }, why), why),
			    "round trip p50 9000 us canary, 3000 us stable");
}

static void a_few_milliseconds_are_noise(void **state)
{
	struct canary_figures c = fine(1), s = fine(3);
	char why[CANARY_WHY];
	(void)state;
	c.rtt_p50_us = c.rtt_p99_us = 5100;
	s.rtt_p50_us = s.rtt_p99_us = 100;
	assert_int_equal(judged(&c, &s, why), CANARY_GOOD);
	c.rtt_p50_us = 5101;
	assert_int_equal(judged(&c, &s, why), CANARY_WORSE);
}

static void three_drops_are_enough_by_themselves(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	for (int64_t n = 0; n <= 4; n++) {
		struct canary_figures c = { .connections = 1, .drops = n }, s = { .connections = 3 };
		assert_int_equal(judged(&c, &s, why), n < CANARY_LEAST_BAD ? CANARY_FEW : CANARY_WORSE);
	}
	assert_string_equal(why, "4 drops of 1 canary connections, 0 of 3 stable ones");
}

/* A server that restarts drops everybody: per connection, and with the margin. */
static void drops_of_all_are_not_the_canarys(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	struct canary_figures c = { .connections = 1, .drops = 4 }, s = { .connections = 3, .drops = 12 };
	assert_int_equal(judged(&c, &s, why), CANARY_FEW);
	s.drops = 10;           /* 4 of 1 are exactly 20 % above 10 of 3 */
	assert_int_equal(judged(&c, &s, why), CANARY_FEW);
	s.drops = 9;
	assert_int_equal(judged(&c, &s, why), CANARY_WORSE);
}

static void errors_and_repeats_count_per_message(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	for (int what = 0; what < 2; what++) {
		struct canary_figures c = fine(1), s = fine(3);
		int64_t *bad = what ? &c.errors : &c.duplicates, *other = what ? &s.errors : &s.duplicates;
		s.messages = 300;
		*bad = 12;
		*other = 30;
		assert_int_equal(judged(&c, &s, why), CANARY_GOOD);
		*other = 29;
		assert_int_equal(judged(&c, &s, why), CANARY_WORSE);
		*bad = 2;
		*other = 0;
		assert_int_equal(judged(&c, &s, why), CANARY_GOOD);
	}
}

/* One message taken twice is one too many; what the stable window gets wrong as often says nothing. */
static void one_wrong_message_is_enough(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	struct canary_figures c = { .messages = 5 }, s = { .messages = 15 };
	assert_int_equal(canary_judge(CANARY_DEDUP, &c, &s, &twenty, why), CANARY_FEW);
	c.missed = 1;
	assert_int_equal(canary_judge(CANARY_DEDUP, &c, &s, &twenty, why), CANARY_WORSE);
	assert_string_equal(why, "1 wrong of 5 canary messages, 0 of 15 stable ones");
	s.missed = 3;
	assert_int_equal(canary_judge(CANARY_DEDUP, &c, &s, &twenty, why), CANARY_FEW);
	c = (struct canary_figures){ .messages = 10, .duplicates = 9, .drops = 99, .rtts = 20, .rtt_p99_us = 9000000 };
	s = (struct canary_figures){ .messages = 10, .rtts = 20 };
	assert_int_equal(canary_judge(CANARY_DEDUP, &c, &s, &twenty, why), CANARY_GOOD);      /* not its business */
	assert_string_equal(why, "10 messages, 9 repeats, 0 wrong; stable ones 10, 0, 0");
	c.messages = 9;
	assert_int_equal(canary_judge(CANARY_DEDUP, &c, &s, &twenty, why), CANARY_FEW);
}

static void a_queue_is_worse_that_loses_or_has_no_room(void **state)
{
	static const struct { int64_t events, full, lost; enum canary_verdict is; } row[] = {
		{ 3, 0, 2, CANARY_FEW }, { 3, 0, 3, CANARY_WORSE }, { 9, 9, 0, CANARY_FEW }, { 10, 2, 0, CANARY_GOOD }, { 10, 3, 0, CANARY_WORSE }, { 10, 0, 3, CANARY_WORSE } };
	char why[CANARY_WHY];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct canary_figures c = { .events = row[i].events, .full = row[i].full, .lost = row[i].lost }, s = { .events = 30 };
		assert_int_equal(canary_judge(CANARY_QUEUE, &c, &s, &twenty, why), row[i].is);
	}
	struct canary_figures c = { .events = 10, .full = 5 }, s = { .events = 30, .full = 15 };
	assert_int_equal(canary_judge(CANARY_QUEUE, &c, &s, &twenty, why), CANARY_GOOD);
	assert_string_equal(why, "10 events, 5 without room, 0 lost; stable ones 30, 15, 0");
}

static void a_longer_wait_is_worse_beyond_a_second(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	struct canary_figures c = { .events = 10, .waits = 10, .wait_p50_us = 1000100, .wait_p99_us = 1000100 },
			      s = { .events = 10, .waits = 10, .wait_p50_us = 100, .wait_p99_us = 100 };
	assert_int_equal(canary_judge(CANARY_QUEUE, &c, &s, &twenty, why), CANARY_GOOD);
	c.wait_p99_us++;
	assert_int_equal(canary_judge(CANARY_QUEUE, &c, &s, &twenty, why), CANARY_WORSE);
	assert_string_equal(why, "wait p99 1000101 us canary, 100 us stable");
	c.waits = 9;
	assert_int_equal(canary_judge(CANARY_QUEUE, &c, &s, &twenty, why), CANARY_GOOD);
}

static void added_connections_that_push_out_the_others_are_worse(void **state)
{
	char why[CANARY_WHY];
	(void)state;
	for (int64_t n = 8; n <= 10; n++) {
		struct canary_figures c = { .connections = 1, .drops = n }, s = { .connections = 3, .drops = n, .reconnects = n };
		c.drops = n / 3;
		assert_int_equal(canary_judge(CANARY_POOL, &c, &s, &twenty, why), n < 9 ? CANARY_FEW : CANARY_WORSE);
		assert_int_equal(canary_judge(CANARY_KEEPALIVE, &c, &s, &twenty, why), CANARY_FEW);
		s.reconnects = 3;       /* the peer was away, and most attempts failed */
		assert_int_equal(canary_judge(CANARY_POOL, &c, &s, &twenty, why), CANARY_FEW);
	}
	struct canary_figures c = { .connections = 1, .drops = 3 }, s = { .connections = 3 };
	assert_int_equal(canary_judge(CANARY_POOL, &c, &s, &twenty, why), CANARY_WORSE);
	assert_string_equal(why, "3 drops of 1 canary connections, 0 of 3 stable ones");
}

static void a_share_of_the_added_connections_comes_first(void **state)
{
	static const struct { int64_t own, more, share; int canary; } row[] = {
		{ 1, 2, 2500, 2 }, { 4, 8, 2500, 5 }, { 4, 9, 2500, 6 }, { 4, 104, 1, 5 }, { 4, 8, 5000, 6 }, { 4, 0, 2500, 4 } };
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct cfg_link c = { .connections = row[i].own, .features = { .connections = row[i].more, .share_bp = row[i].share } };
		assert_int_equal(feature_connections(&c, FEATURE_OFF), row[i].own);
		assert_int_equal(feature_connections(&c, FEATURE_CANARY), row[i].canary);
		assert_int_equal(feature_connections(&c, FEATURE_ON), MAX(row[i].own, row[i].more));
	}
}

static void a_value_that_is_not_given_is_the_links_own(void **state)
{
	struct cfg_link c = { .events = { .window = 100, .window_age_ms = 60 }, .notify = { .items = 50, .bytes = 4000, .age_ms = 7 },
			      .features = { .dedup_window = 30, .queue_bytes = 9000 } };
	(void)state;
	for (int m = 0; m < FEATURE_MODES; m++)
		for (int canary = 0; canary < 2; canary++) {
			bool new = m == FEATURE_ON || (m == FEATURE_CANARY && canary);
			struct dedup_bounds b = feature_dedup(&c, (enum feature_mode)m, canary);
			struct queue_opts o = feature_queue(&c, (enum feature_mode)m, canary);
			assert_int_equal(b.window, new ? 30 : 100);
			assert_int_equal(b.age_us, 60000);
			assert_int_equal(o.items, 50);
			assert_int_equal(o.bytes, new ? 9000 : 4000);
			assert_int_equal(o.age_us, 7000);
		}
	assert_int_equal(feature_dedup_most(&c).window, 100);
	c.features.dedup_window = 101;
	assert_int_equal(feature_dedup_most(&c).window, 101);
	assert_true(feature_given(&c, CANARY_DEDUP) && feature_given(&c, CANARY_QUEUE) && !feature_given(&c, CANARY_KEEPALIVE));
}

static void the_canary_is_never_nobody_and_never_all(void **state)
{
	struct cfg_link c = { .features = { .share_bp = 2500 } };
	(void)state;
	assert_int_equal(feature_canaries(&c, 0), 0);
	assert_int_equal(feature_canaries(&c, 1), 0);
	assert_int_equal(feature_canaries(&c, 2), 1);
	assert_int_equal(feature_canaries(&c, 4), 1);
	assert_int_equal(feature_canaries(&c, 5), 2);
	assert_int_equal(feature_canaries(&c, 1000), 250);
	c.features.share_bp = 10000;
	assert_int_equal(feature_canaries(&c, 4), 3);
	c.features.share_bp = 1;
	assert_int_equal(feature_canaries(&c, 4), 1);
}

static void keepalive_by_mode_and_group(void **state)
{
	struct cfg_link c = { .ping_interval_ms = 20000, .pong_timeout_ms = 10000, .features = { .ping_interval_ms = 5000 } };
	int64_t ping, pong;
	(void)state;
	for (int m = 0; m < FEATURE_MODES; m++)
		for (int canary = 0; canary < 2; canary++) {
			feature_keepalive(&c, (enum feature_mode)m, canary, &ping, &pong);
			assert_int_equal(ping, m == FEATURE_ON || (m == FEATURE_CANARY && canary) ? 5000 : 20000);
			assert_int_equal(pong, 10000);
		}
}

/* What was before the mode changed is not counted. */
static void a_trial_counts_from_its_beginning(void **state)
{
	struct canary_figures sum[GROUPS] = { { .connections = 3, .messages = 7, .drops = 5 }, { .connections = 1, .messages = 2, .drops = 4 } };
	struct feature_trial t;
	(void)state;
	trial_begin(&t, FEATURE_CANARY, sum);
	sum[GROUP_CANARY].drops = 6;
	window_add(&t.rtt[GROUP_CANARY], 300);
	struct canary_figures f = trial_figures(&t, GROUP_CANARY, &sum[GROUP_CANARY]);
	assert_int_equal(f.connections, 1);
	assert_int_equal(f.drops, 2);
	assert_int_equal(f.messages, 0);
	assert_int_equal(f.rtts, 1);
	assert_int_equal(f.rtt_p99_us, 300);
	assert_int_equal(trial_figures(&t, GROUP_STABLE, &sum[GROUP_STABLE]).rtt_p50_us, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alike_is_as_good),
		cmocka_unit_test(too_little_says_nothing),
		cmocka_unit_test(nothing_at_all_is_few),
		cmocka_unit_test(a_round_trip_is_worse_beyond_the_margin),
		cmocka_unit_test(a_few_milliseconds_are_noise),
		cmocka_unit_test(three_drops_are_enough_by_themselves),
		cmocka_unit_test(drops_of_all_are_not_the_canarys),
		cmocka_unit_test(errors_and_repeats_count_per_message),
		cmocka_unit_test(one_wrong_message_is_enough),
		cmocka_unit_test(a_queue_is_worse_that_loses_or_has_no_room),
		cmocka_unit_test(a_longer_wait_is_worse_beyond_a_second),
		cmocka_unit_test(added_connections_that_push_out_the_others_are_worse),
		cmocka_unit_test(a_share_of_the_added_connections_comes_first),
		cmocka_unit_test(a_value_that_is_not_given_is_the_links_own),
		cmocka_unit_test(the_canary_is_never_nobody_and_never_all),
		cmocka_unit_test(keepalive_by_mode_and_group),
		cmocka_unit_test(a_trial_counts_from_its_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
