#include <stdlib.h>

#include "link/pool.h"
#include "link/turns.h"
#include "unit.h"

static struct turns t;
static struct turn x[2000];

static int setup(void **state)
{
	(void)state;
	memset(x, 0, sizeof x);
	turns_init(&t, 100 * 1000, 7);          /* 100/s: 10 ms apart */
	return 0;
}

static int index_of(const struct turn *got)
{
	return got ? (int)(got - x) : -1;
}

static void nobody_waits_nothing_is_due(void **state)
{
	(void)state;
	assert_true(turns_due_us(&t) == INT64_MAX);
	assert_null(turns_take(&t, 1000000));
}

static void the_first_begins_at_once_the_second_a_gap_later(void **state)
{
	(void)state;
	turns_ask(&t, &x[0], false);
	turns_ask(&t, &x[1], false);
	assert_int_equal(index_of(turns_take(&t, 1000000)), 0);
	assert_null(turns_take(&t, 1000000));
	assert_null(turns_take(&t, 1009999));
	assert_true(turns_due_us(&t) >= 1010000 && turns_due_us(&t) <= 1012500);
	assert_int_equal(index_of(turns_take(&t, turns_due_us(&t))), 1);
	assert_false(x[1].waits);
}

static void urgent_ones_go_first_and_keep_their_order(void **state)
{
	(void)state;
	static const int expect[] = { 1, 3, 0, 2 };
	for (int i = 0; i < 4; i++)
		turns_ask(&t, &x[i], i & 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(index_of(turns_take(&t, MAX(turns_due_us(&t), 0))), expect[i]);
}

static void asking_twice_keeps_the_place_and_leaving_gives_it_up(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		turns_ask(&t, &x[i], false);
	turns_ask(&t, &x[0], true);
	turns_leave(&t, &x[1]);
	turns_leave(&t, &x[1]);
	assert_int_equal(t.waiting, 2);
	assert_int_equal(index_of(turns_take(&t, 0)), 0);
	assert_int_equal(index_of(turns_take(&t, turns_due_us(&t))), 2);
	turns_ask(&t, &x[1], false);
	assert_int_equal(index_of(turns_take(&t, turns_due_us(&t))), 1);
	assert_int_equal(t.waiting, 0);
}

/* A pause is no credit: after it they come one by one again. */
static void an_idle_time_saves_no_turns(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		turns_ask(&t, &x[i], false);
	assert_non_null(turns_take(&t, 0));
	assert_non_null(turns_take(&t, 60000000));
	assert_null(turns_take(&t, 60000000));
}

/* 2,000 ask within a second, as after a cut; whoever polls every millisecond sees never more than the rate in any second. */
static void two_thousand_never_pass_the_rate(void **state)
{
	(void)state;
	static int64_t at[2000];
	struct rng r;
	int asked = 0, n = 0, even = 0;
	rng_seed(&r, 3);
	for (int64_t now = 0; n < 2000 && now < 60000000; now += 1000) {
		for (int k = (int)rng_below(&r, 5); k > 0 && asked < 2000; k--)
			turns_ask(&t, &x[asked++], false);
		while (turns_take(&t, now))
			at[n++] = now;
	}
	assert_int_equal(n, 2000);
	for (int i = 100; i < n; i++)
		assert_true(at[i] - at[i - 100] >= 1000000);
	for (int i = 2; i < n; i++)
		even += at[i] - at[i - 1] == at[i - 1] - at[i - 2];
	assert_true(even < n / 2);              /* not a metronome */
	assert_true(at[n - 1] <= 2000 * 12500);  /* and at most a quarter slower */
}

/* At thousands a second a timer comes only every other millisecond: the rate is kept up, and never passed in any second. */
static void thousands_a_second_do_not_wait_for_timers(void **state)
{
	(void)state;
	enum { RATE = 5000, N = 15000 };
	struct turns fast;
	struct turn *who = xcalloc(N, sizeof *who);
	int64_t *at = xcalloc(N, sizeof *at), now = 0;
	int n = 0;
	turns_init(&fast, INT64_C(1000) * RATE, 11);
	for (int i = 0; i < N; i++)
		turns_ask(&fast, &who[i], false);
	for (; n < N; now += 2000)
		while (turns_take(&fast, now))
			at[n++] = now;
	for (int i = RATE; i < N; i++)
		assert_true(at[i] - at[i - RATE] >= 1000000);
	assert_true(at[N - 1] <= INT64_C(1250000) * N / RATE);
	free(at);
	free(who);
}

static void the_slowest_and_the_fastest_rate(void **state)
{
	(void)state;
	turns_init(&t, 1, 7);                   /* one in 1,000 s */
	turns_ask(&t, &x[0], false);
	turns_ask(&t, &x[1], false);
	assert_non_null(turns_take(&t, 0));
	assert_null(turns_take(&t, INT64_C(999999999)));
	assert_non_null(turns_take(&t, INT64_C(1250000000)));
	turns_init(&t, INT64_C(1000000000), 7);
	memset(x, 0, sizeof x);
	for (int i = 0; i < 1000; i++)
		turns_ask(&t, &x[i], false);
	for (int i = 0; i < 1000; i++)
		assert_non_null(turns_take(&t, i * 2));
}

/* ---- the state of the whole ---- */

static enum link_state whole(int floor, int up, enum link_state other, int n)
{
	int by[LINK_STATE_COUNT] = { 0 };
	by[other] = n;
	by[LINK_UP] += up;
	return pool_state_of(by, floor);
}

static void a_link_is_up_from_its_floor_on(void **state)
{
	(void)state;
	assert_int_equal(whole(3, 2, LINK_WAITING, 2), LINK_WAITING);
	assert_int_equal(whole(3, 3, LINK_WAITING, 1), LINK_UP);
	assert_int_equal(whole(3, 4, LINK_WAITING, 0), LINK_UP);
	assert_int_equal(whole(0, 0, LINK_CONNECTING, 4), LINK_CONNECTING);
	assert_int_equal(whole(2, 1, LINK_GIVEN_UP, 3), LINK_GIVEN_UP);
	assert_int_equal(whole(2, 1, LINK_JAMMED, 3), LINK_JAMMED);
	for (int s = 0; s < LINK_STATE_COUNT; s++)      /* one connection: its own state */
		assert_int_equal(whole(1, 0, (enum link_state)s, 1), s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nobody_waits_nothing_is_due, setup),
		cmocka_unit_test_setup(the_first_begins_at_once_the_second_a_gap_later, setup),
		cmocka_unit_test_setup(urgent_ones_go_first_and_keep_their_order, setup),
		cmocka_unit_test_setup(asking_twice_keeps_the_place_and_leaving_gives_it_up, setup),
		cmocka_unit_test_setup(an_idle_time_saves_no_turns, setup),
		cmocka_unit_test_setup(two_thousand_never_pass_the_rate, setup),
		cmocka_unit_test(thousands_a_second_do_not_wait_for_timers),
		cmocka_unit_test_setup(the_slowest_and_the_fastest_rate, setup),
		cmocka_unit_test(a_link_is_up_from_its_floor_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
