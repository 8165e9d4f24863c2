#include "guard/trigger.h"
#include "unit.h"

static struct trigger t;
enum { S = 1000000 };

static void it_fires_when_it_held_for_so_long(void **state)
{
	(void)state;
	trigger_init(&t, 3000, 0);
	assert_false(trigger_see(&t, true, 10 * S));
	assert_false(trigger_see(&t, true, 13 * S - 1));
	assert_true(trigger_see(&t, true, 13 * S));
	assert_false(trigger_see(&t, true, 14 * S));    /* once while it goes on */
	assert_int_equal(t.firings, 1);
}

static void a_break_starts_it_over(void **state)
{
	(void)state;
	trigger_init(&t, 3000, 0);
	assert_false(trigger_see(&t, true, 0));
	assert_false(trigger_see(&t, false, 2 * S));
	assert_false(trigger_see(&t, true, 3 * S));
	assert_false(trigger_see(&t, true, 5 * S));
	assert_true(trigger_see(&t, true, 6 * S));
}

static void without_a_delay_it_fires_at_once(void **state)
{
	(void)state;
	trigger_init(&t, 0, 0);
	assert_true(trigger_see(&t, true, 0));
	assert_false(trigger_see(&t, false, 1));
	assert_true(trigger_see(&t, true, 2));
}

/* 1,000 flaps in ten seconds: one firing each cool-down. */
static void a_storm_fires_once_per_cooldown(void **state)
{
	(void)state;
	int fired = 0;
	trigger_init(&t, 0, 60000);
	for (int i = 0; i < 1000; i++)
		fired += trigger_see(&t, i % 2, i * (S / 100));
	assert_int_equal(fired, 1);
	assert_false(trigger_see(&t, true, 60 * S + S / 100 - 1));
	assert_true(trigger_see(&t, true, 60 * S + S / 100));   /* what holds when it is over fires then */
}

static void counted_ones_fire_at_each_so_many(void **state)
{
	(void)state;
	int fired = 0;
	trigger_init(&t, 0, 0);
	for (int i = 1; i <= 30; i++) {
		bool f = trigger_count(&t, 10, i);
		assert_int_equal(f, i % 10 == 0);
		fired += f;
	}
	assert_int_equal(fired, 3);
	trigger_init(&t, 0, 1000);
	for (int i = 0; i < 25; i++)
		fired += trigger_count(&t, 10, i);
	assert_int_equal(fired, 4);             /* the second ten fell into the cool-down */
	assert_true(trigger_count(&t, 10, 2 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_fires_when_it_held_for_so_long),
		cmocka_unit_test(a_break_starts_it_over),
		cmocka_unit_test(without_a_delay_it_fires_at_once),
		cmocka_unit_test(a_storm_fires_once_per_cooldown),
		cmocka_unit_test(counted_ones_fire_at_each_so_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
