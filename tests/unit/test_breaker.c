#include "unit.h"

#include "guard/breaker.h"

static const int64_t S = 1000000;

static struct breaker fresh(bool reads_only)
{
	struct breaker b;
	breaker_init(&b, &(struct breaker_opts){ .reads_only = reads_only }, 7, 0);
	return b;
}

static bool call(struct breaker *b, enum breaker_call c, enum breaker_result r, int64_t now)
{
	struct breaker_ticket t;
	assert_true(breaker_allow(b, c, now, &t));
	return breaker_result(b, t, r, now);
}

static void open_it(struct breaker *b, int64_t now)
{
	for (int i = 0; i < BREAKER_MINIMUM; i++)
		call(b, BREAKER_READ, BREAKER_BAD, now);
	assert_int_equal(b->state, BREAKER_OPEN);
}

/* Opened at now; the moment at which it is half-open. */
static int64_t half_open_it(struct breaker *b, int64_t now)
{
	open_it(b, now);
	now = b->until_us;
	assert_true(breaker_tick(b, now));
	assert_int_equal(b->state, BREAKER_HALF_OPEN);
	return now;
}

static void it_opens_at_half_bad_of_at_least_ten(void **state)
{
	(void)state;
	/* every number of bad results among n = 1…20, bad ones first or last */
	for (int n = 1; n <= BREAKER_WINDOW; n++)
		for (int bad = 0; bad <= n; bad++) {
			struct breaker b = fresh(false);
			for (int i = 0; i < n && b.state == BREAKER_CLOSED; i++)
				call(&b, BREAKER_DELETE, i >= n - bad ? (i % 2 ? BREAKER_BAD : BREAKER_SLOW) : BREAKER_GOOD, i);
			bool should = false;
			for (int k = 1; k <= n; k++)
				should |= k >= BREAKER_MINIMUM && 2 * MAX(0, bad - (n - k)) >= k;
			assert_int_equal(b.state == BREAKER_OPEN, should);
		}
}

static void nine_bad_calls_do_not_open_it(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	for (int i = 0; i < BREAKER_MINIMUM - 1; i++)
		assert_false(call(&b, BREAKER_READ, BREAKER_BAD, 0));
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(call(&b, BREAKER_READ, BREAKER_BAD, 0));
	assert_int_equal(b.state, BREAKER_OPEN);
}

static void only_the_last_twenty_calls_count(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	for (int i = 0; i < 1000; i++)
		call(&b, BREAKER_READ, BREAKER_GOOD, i);
	for (int i = 0; i < 9; i++)
		call(&b, BREAKER_READ, BREAKER_BAD, i);
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_int_equal(breaker_bad(&b), 9);
	for (int i = 0; i < 20; i++)
		call(&b, BREAKER_READ, BREAKER_GOOD, i);
	assert_int_equal(breaker_bad(&b), 0);
	for (int i = 0; i < 10; i++)
		call(&b, BREAKER_READ, BREAKER_SLOW, i);
	assert_int_equal(b.state, BREAKER_OPEN);
}

static void pacing_answers_are_not_calls(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	for (int i = 0; i < 100; i++)
		assert_false(call(&b, BREAKER_DELETE, BREAKER_IGNORED, i));
	assert_int_equal(b.ring_n, 0);
	assert_int_equal(b.state, BREAKER_CLOSED);
}

static void open_refuses_until_its_time_and_then_anyone_who_asks_finds_it_half_open(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	struct breaker_ticket t;
	open_it(&b, 100 * S);
	assert_true(b.until_us >= 160 * S && b.until_us <= 175 * S);
	assert_false(breaker_allow(&b, BREAKER_READ, b.until_us - 1, &t));
	assert_false(breaker_allow(&b, BREAKER_DELETE, b.until_us - 1, &t));
	assert_int_equal(b.refused, 2);
	struct breaker by_tick = b, by_allow = b, by_result = b, by_delete = b;
	assert_true(breaker_tick(&by_tick, b.until_us));
	assert_int_equal(by_tick.state, BREAKER_HALF_OPEN);
	assert_true(breaker_allow(&by_allow, BREAKER_READ, b.until_us, &t));
	assert_int_equal(by_allow.state, BREAKER_HALF_OPEN);
	assert_false(breaker_allow(&by_delete, BREAKER_DELETE, b.until_us, &t));
	assert_int_equal(by_delete.state, BREAKER_HALF_OPEN);
	assert_true(breaker_result(&by_result, (struct breaker_ticket){ 0 }, BREAKER_GOOD, b.until_us));
	assert_int_equal(by_result.state, BREAKER_HALF_OPEN);
}

static void open_time_doubles_to_its_cap_and_starts_over_after_closing(void **state)
{
	(void)state;
	static const int64_t want_s[] = { 60, 120, 240, 480, 900, 900, 900 };
	struct breaker b = fresh(true);
	int64_t now = 0;
	open_it(&b, now);
	for (size_t i = 0; i < ARRAY_LEN(want_s); i++) {
		int64_t wait = b.until_us - now;
		assert_true(wait >= want_s[i] * S && wait <= want_s[i] * S * 5 / 4);
		now = b.until_us;
		assert_true(call(&b, BREAKER_READ, BREAKER_BAD, now));
		assert_int_equal(b.state, BREAKER_OPEN);
	}
	now = b.until_us;
	for (int i = 0; i < 4; i++)
		call(&b, BREAKER_READ, BREAKER_GOOD, now);
	assert_int_equal(b.state, BREAKER_CLOSED);
	open_it(&b, now);
	assert_true(b.until_us - now <= 75 * S);
}

static void half_open_lets_one_read_then_three_then_one_delete_through(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	int64_t now = half_open_it(&b, 0);
	struct breaker_ticket t[4], d, no;
	assert_false(breaker_allow(&b, BREAKER_DELETE, now, &no));
	assert_true(breaker_allow(&b, BREAKER_READ, now, &t[0]));
	assert_true(t[0].probe);
	assert_false(breaker_allow(&b, BREAKER_READ, now, &no));
	assert_false(breaker_result(&b, t[0], BREAKER_GOOD, now));
	for (int i = 1; i < 4; i++) {
		assert_false(breaker_allow(&b, BREAKER_DELETE, now, &no));
		assert_true(breaker_allow(&b, BREAKER_READ, now, &t[i]));
	}
	assert_false(breaker_allow(&b, BREAKER_READ, now, &no));
	for (int i = 1; i < 4; i++) {
		assert_false(breaker_allow(&b, BREAKER_DELETE, now, &no));
		assert_false(breaker_result(&b, t[i], BREAKER_GOOD, now));
	}
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_true(breaker_allow(&b, BREAKER_DELETE, now, &d));
	assert_false(breaker_allow(&b, BREAKER_DELETE, now, &no));
	assert_true(breaker_result(&b, d, BREAKER_GOOD, now));
	assert_int_equal(b.state, BREAKER_CLOSED);
	for (int i = 0; i < 50; i++)
		assert_true(breaker_allow(&b, BREAKER_DELETE, now, &d));
}

static void good_reads_alone_never_let_deletes_flow(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	struct breaker_ticket t, no;
	int64_t now = half_open_it(&b, 0);
	for (int i = 0; i < 100; i++)
		assert_false(call(&b, BREAKER_READ, BREAKER_GOOD, now));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_true(breaker_allow(&b, BREAKER_DELETE, now, &t));
	assert_false(breaker_allow(&b, BREAKER_DELETE, now, &no));
	assert_true(breaker_result(&b, t, BREAKER_BAD, now));
	assert_int_equal(b.state, BREAKER_OPEN);
}

static void a_link_closes_on_four_good_reads(void **state)
{
	(void)state;
	struct breaker b = fresh(true);
	int64_t now = half_open_it(&b, 0);
	for (int i = 0; i < 3; i++)
		assert_false(call(&b, BREAKER_READ, BREAKER_GOOD, now));
	assert_true(call(&b, BREAKER_READ, BREAKER_GOOD, now));
	assert_int_equal(b.state, BREAKER_CLOSED);
}

static void a_failed_or_slow_probe_opens_it_again_at_every_step(void **state)
{
	(void)state;
	for (int good = 0; good <= 5; good++)
		for (int slow = 0; slow < 2; slow++) {
			struct breaker b = fresh(false);
			int64_t now = half_open_it(&b, 0);
			for (int i = 0; i < good; i++)
				call(&b, BREAKER_READ, BREAKER_GOOD, now);
			assert_true(call(&b, BREAKER_READ, slow ? BREAKER_SLOW : BREAKER_BAD, now));
			assert_int_equal(b.state, BREAKER_OPEN);
			assert_int_equal(b.opened_in_row, 2);
		}
}

static void a_paced_probe_gives_its_slot_back_and_proves_nothing(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	int64_t now = half_open_it(&b, 0);
	for (int i = 0; i < 20; i++)
		assert_false(call(&b, BREAKER_READ, BREAKER_IGNORED, now));
	assert_int_equal(b.probes_good, 0);
	for (int i = 0; i < 4; i++)
		call(&b, BREAKER_READ, BREAKER_GOOD, now);
	for (int i = 0; i < 20; i++)
		assert_false(call(&b, BREAKER_DELETE, BREAKER_IGNORED, now));
	assert_true(call(&b, BREAKER_DELETE, BREAKER_GOOD, now));
}

static void results_of_an_older_generation_change_nothing(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	struct breaker_ticket old[30], t;
	for (int i = 0; i < 30; i++)
		assert_true(breaker_allow(&b, BREAKER_DELETE, 0, &old[i]));
	int64_t now = half_open_it(&b, 0);
	assert_true(breaker_allow(&b, BREAKER_READ, now, &t));
	struct breaker before = b;
	for (int i = 0; i < 30; i++)
		assert_false(breaker_result(&b, old[i], i % 2 ? BREAKER_GOOD : BREAKER_BAD, now));
	assert_int_equal(b.stale, 30);
	b.stale = before.stale;
	assert_memory_equal(&b, &before, sizeof(b));
	breaker_force(&b, BREAKER_CLOSED, 0, now);
	assert_false(breaker_result(&b, t, BREAKER_BAD, now));
	assert_int_equal(b.ring_n, 0);
}

static void a_lost_probe_frees_its_slot_at_the_deadline_and_comes_too_late(void **state)
{
	(void)state;
	for (int step = 0; step < 3; step++) {
		struct breaker b = fresh(false);
		struct breaker_ticket lost, again, no;
		int64_t now = half_open_it(&b, 0);
		enum breaker_call c = step == 2 ? BREAKER_DELETE : BREAKER_READ;
		for (int i = 0; i < (step == 0 ? 0 : step == 1 ? 1 : 4); i++)
			call(&b, BREAKER_READ, BREAKER_GOOD, now);
		int slots = step == 1 ? 3 : 1, good = b.probes_good;
		for (int i = 0; i < slots; i++)
			assert_true(breaker_allow(&b, c, now, &lost));
		assert_false(breaker_allow(&b, c, now + 30 * S - 1, &no));
		assert_true(breaker_allow(&b, c, now + 30 * S, &again));
		assert_int_equal(b.probes_out, 1);
		assert_false(breaker_result(&b, lost, BREAKER_BAD, now + 30 * S));
		assert_int_equal(b.state, BREAKER_HALF_OPEN);
		assert_int_equal(b.stale, 1);
		assert_int_equal(b.probes_good, good);
		assert_int_equal(b.probes_out, 1);
		breaker_result(&b, again, BREAKER_GOOD, now + 30 * S);
		assert_int_equal(b.state, step == 2 ? BREAKER_CLOSED : BREAKER_HALF_OPEN);
	}
}

static void a_lost_delete_is_given_up_even_while_reads_go_on(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	struct breaker_ticket lost, t;
	int64_t now = half_open_it(&b, 0), at = now;
	for (int i = 0; i < 4; i++)
		call(&b, BREAKER_READ, BREAKER_GOOD, now);
	assert_true(breaker_allow(&b, BREAKER_DELETE, now, &lost));
	bool through = false;
	for (; !through && at < now + 120 * S; at += S) {
		call(&b, BREAKER_READ, BREAKER_GOOD, at);
		through = breaker_allow(&b, BREAKER_DELETE, at, &t);
	}
	assert_true(through);
	assert_true(at <= now + 32 * S);
}

static void by_hand_it_stays_until_it_expires(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	struct breaker_ticket t;
	breaker_force(&b, BREAKER_FORCED_OPEN, 100 * S, 0);
	assert_false(breaker_allow(&b, BREAKER_READ, 100 * S - 1, &t));
	assert_true(breaker_tick(&b, 100 * S));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);

	breaker_force(&b, BREAKER_FORCED_OPEN, 0, 200 * S);
	assert_false(breaker_allow(&b, BREAKER_READ, INT64_MAX / 2, &t));
	breaker_force(&b, BREAKER_CLOSED, 0, 300 * S);
	assert_true(breaker_allow(&b, BREAKER_READ, 300 * S, &t));

	breaker_force(&b, BREAKER_DISABLED, 400 * S, 300 * S);
	for (int i = 0; i < 50; i++)
		assert_false(call(&b, BREAKER_DELETE, BREAKER_BAD, 399 * S));
	assert_int_equal(b.state, BREAKER_DISABLED);
	assert_true(breaker_tick(&b, 400 * S));
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_int_equal(b.ring_n, 0);
}

static void flaps_of_the_last_ten_minutes_are_counted(void **state)
{
	(void)state;
	struct breaker b = fresh(false);
	assert_int_equal(breaker_flaps(&b, 0), 0);
	for (int i = 0; i < 5; i++)
		breaker_force(&b, i % 2 ? BREAKER_CLOSED : BREAKER_OPEN, 0, i * 100 * S);
	assert_int_equal(breaker_flaps(&b, 400 * S), 5);
	assert_int_equal(breaker_flaps(&b, 600 * S), 5);
	assert_int_equal(breaker_flaps(&b, 600 * S + 1), 4);
	assert_int_equal(breaker_flaps(&b, 5000 * S), 0);
	for (int i = 0; i < 100; i++)
		breaker_force(&b, BREAKER_CLOSED, 0, 6000 * S);
	assert_int_equal(breaker_flaps(&b, 6000 * S), BREAKER_FLAP_RING);
}

/* Whatever happened before, time and good answers alone close it. */
static void from_any_history_it_finds_its_way_back(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 99);
	for (int round = 0; round < 2000; round++) {
		struct breaker b = fresh(round % 2);
		struct breaker_ticket t[8] = { { 0 } };
		int64_t now = 0;
		for (int i = 0; i < 200; i++) {
			size_t k = (size_t)rng_below(&r, 8);
			now += (int64_t)rng_below(&r, 20) * S * (rng_below(&r, 10) == 0 ? 60 : 1);
			enum breaker_call c = round % 2 || rng_below(&r, 2) ? BREAKER_READ : BREAKER_DELETE;
			if (rng_below(&r, 2))
				breaker_allow(&b, c, now, &t[k]);
			else
				breaker_result(&b, t[k], (enum breaker_result)rng_below(&r, 4), now);
			assert_in_range(b.probes_out, 0, 4);
			assert_true(b.state == BREAKER_HALF_OPEN || b.probes_out == 0);
			assert_true(b.probes_out > 0 || !b.delete_out);
		}
		int64_t start = now;
		/* a minute at a time: one read, one delete, answered well */
		for (; b.state != BREAKER_CLOSED && now < start + 7200 * S; now += 60 * S)
			for (int c = BREAKER_READ; c <= (round % 2 ? BREAKER_READ : BREAKER_DELETE); c++) {
				struct breaker_ticket one;
				if (breaker_allow(&b, (enum breaker_call)c, now, &one))
					breaker_result(&b, one, BREAKER_GOOD, now);
			}
		assert_int_equal(b.state, BREAKER_CLOSED);
		assert_true(now - start <= (1125 + 600) * S);
	}
}

static void options_have_defaults_and_names_are_stable(void **state)
{
	(void)state;
	struct breaker b;
	breaker_init(&b, NULL, 1, 5);
	assert_int_equal(b.opts.open_ms, 60000);
	assert_int_equal(b.opts.open_max_ms, 900000);
	assert_int_equal(b.opts.probe_deadline_ms, 30000);
	assert_int_equal(b.changed_us, 5);
	breaker_init(&b, &(struct breaker_opts){ .open_ms = 10, .open_max_ms = 20, .probe_deadline_ms = 5 }, 1, 0);
	open_it(&b, 0);
	assert_in_range(b.until_us, 10000, 12500);
	static const char *const names[] = { "closed", "open", "half-open", "forced-open", "disabled" };
	for (int s = 0; s < 5; s++)
		assert_string_equal(breaker_state_name((enum breaker_state)s), names[s]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_opens_at_half_bad_of_at_least_ten),
	cmocka_unit_test(nine_bad_calls_do_not_open_it),
	cmocka_unit_test(only_the_last_twenty_calls_count),
	cmocka_unit_test(pacing_answers_are_not_calls),
	cmocka_unit_test(open_refuses_until_its_time_and_then_anyone_who_asks_finds_it_half_open),
	cmocka_unit_test(open_time_doubles_to_its_cap_and_starts_over_after_closing),
	cmocka_unit_test(half_open_lets_one_read_then_three_then_one_delete_through),
	cmocka_unit_test(good_reads_alone_never_let_deletes_flow),
	cmocka_unit_test(a_link_closes_on_four_good_reads),
	cmocka_unit_test(a_failed_or_slow_probe_opens_it_again_at_every_step),
	cmocka_unit_test(a_paced_probe_gives_its_slot_back_and_proves_nothing),
	cmocka_unit_test(results_of_an_older_generation_change_nothing),
	cmocka_unit_test(a_lost_probe_frees_its_slot_at_the_deadline_and_comes_too_late),
	cmocka_unit_test(a_lost_delete_is_given_up_even_while_reads_go_on),
	cmocka_unit_test(by_hand_it_stays_until_it_expires),
	cmocka_unit_test(flaps_of_the_last_ten_minutes_are_counted),
	cmocka_unit_test(from_any_history_it_finds_its_way_back),
	cmocka_unit_test(options_have_defaults_and_names_are_stable),
};

UNIT_MAIN("breaker", tests)
