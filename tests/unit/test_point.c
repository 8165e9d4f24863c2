#include "unit.h"

#include "base/point.h"

static char list[300];

static void pass_some(void)
{
	point_init();
	POINT("send", "before");
	POINT("send", "after");
	POINT("send", "before");
	POINT("send", "before");
}

static void without_the_variables_a_point_does_nothing(void **state)
{
	(void)state;
	unsetenv("SLUICE_KILL_AT");
	unsetenv("SLUICE_POINTS");
	assert_int_equal(unit_signal_of(pass_some), 0);
}

static void the_named_passing_kills(void **state)
{
	(void)state;
	static const struct {
		const char *spec;
		int signal;
	} rows[] = {
		{ "send.before", SIGKILL }, { "send.after:1", SIGKILL }, { "send.before:3", SIGKILL }, { "send.before:4", 0 },
		{ "send.after:2", 0 }, { "send", 0 }, { "send.bef", 0 }, { "", 0 }, { "send.before:0", SIGABRT }, { "send.before:x", SIGABRT },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("SLUICE_KILL_AT", rows[i].spec, 1);
		assert_int_equal(unit_signal_of(pass_some), rows[i].signal);
	}
	unsetenv("SLUICE_KILL_AT");
}

static void each_point_is_listed_once_and_before_the_kill(void **state)
{
	(void)state;
	char dir[256];
	unit_mkdir(dir);
	snprintf(list, sizeof(list), "%s/points", dir);
	setenv("SLUICE_POINTS", list, 1);
	setenv("SLUICE_KILL_AT", "send.after", 1);
	assert_int_equal(unit_signal_of(pass_some), SIGKILL);
	char *text = unit_read(list);
	assert_string_equal(text, "send.before\nsend.after\n");
	free(text);
	unsetenv("SLUICE_KILL_AT");
	unlink(list);
	assert_int_equal(unit_signal_of(pass_some), 0);
	text = unit_read(list);
	assert_string_equal(text, "send.before\nsend.after\n");
	free(text);
	unsetenv("SLUICE_POINTS");
	unlink(list);
	rmdir(dir);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(without_the_variables_a_point_does_nothing),
	cmocka_unit_test(the_named_passing_kills),
	cmocka_unit_test(each_point_is_listed_once_and_before_the_kill),
};

UNIT_MAIN("point", tests)
