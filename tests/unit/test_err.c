#include "unit.h"

#include "base/text.h"

static void err_set_returns_its_code_with_or_without_a_place_to_write(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_set(NULL, RC_CAP, "x"), RC_CAP);
	assert_int_equal(err_set(&e, RC_GRANT, "plan %s is stale", "9f3c"), RC_GRANT);
	assert_int_equal(e.rc, RC_GRANT);
	assert_string_equal(e.text, "plan 9f3c is stale");
}

static void a_sentence_that_does_not_fit_ends_in_an_ellipsis_and_stays_utf8(void **state)
{
	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		struct err e;
		char text[1000];
		memset(text, 'a', sizeof(text));
		for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "€", 3);
		text[sizeof(text) - 1] = '\0';
		(void)err_set(&e, RC_IO, "%s", text);
		assert_true(strlen(e.text) < sizeof(e.text));
		assert_true(utf8_valid(slice_of(e.text)));
		assert_string_equal(e.text + strlen(e.text) - 3, "…");
	}
	struct err e;
	char exact[sizeof(e.text)];
	memset(exact, 'x', sizeof(exact));
	exact[sizeof(exact) - 1] = '\0';
	(void)err_set(&e, RC_IO, "%s", exact);
	assert_string_equal(e.text, exact);
}

static void err_prefix_says_where_and_keeps_the_code(void **state)
{
	(void)state;
	struct err e;
	(void)err_set(&e, RC_AUTH, "401");
	assert_int_equal(err_prefix(&e, "lane %s", "kimi"), RC_AUTH);
	assert_string_equal(e.text, "lane kimi: 401");
}

static void every_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	int known = 0;
	for (int a = 0; a <= RC_FORMAT; a++) {
		known += strcmp(rc_name((enum rc)a), "internal") != 0;
		for (int b = 0; b < a; b++)
			if (strcmp(rc_name((enum rc)a), "internal") != 0)
				assert_string_not_equal(rc_name((enum rc)a), rc_name((enum rc)b));
	}
	assert_int_equal(known, 21);
}

static void exit_codes_are_the_documented_ones(void **state)
{
	(void)state;
	assert_int_equal(rc_exit(RC_OK), 0);
	assert_int_equal(rc_exit(RC_USAGE), 2);
	assert_int_equal(rc_exit(RC_HELD), 11);
	assert_int_equal(rc_exit(RC_CANDIDATES), 20);
	assert_int_equal(rc_exit(RC_NOT_FOUND), 2);
	assert_int_equal(rc_exit(RC_REFUSED), 2);
	assert_int_equal(rc_exit(RC_FORMAT), 1);
}

static void hook_dies_too(void)
{
	die("inside the hook");
}

static void die_now(void)
{
	die_hook(hook_dies_too);
	die("broken");
}

static void die_aborts_even_when_its_hook_dies(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(die_now), SIGABRT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(err_set_returns_its_code_with_or_without_a_place_to_write),
	cmocka_unit_test(a_sentence_that_does_not_fit_ends_in_an_ellipsis_and_stays_utf8),
	cmocka_unit_test(err_prefix_says_where_and_keeps_the_code),
	cmocka_unit_test(every_code_has_a_name_of_its_own),
	cmocka_unit_test(exit_codes_are_the_documented_ones),
	cmocka_unit_test(die_aborts_even_when_its_hook_dies),
};

UNIT_MAIN("err", tests)
