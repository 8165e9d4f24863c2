/* Themes: the files are what is built in, errors name the place, nothing is said by colour alone. */
#include "tests/unit/unit.h"

#include "ui/theme.h"

static const char *const names[] = { "dark", "light", "mono", "contrast" };

static void the_files_are_what_is_built_in(void **state)
{
	const char *top = getenv("SLUICE_TOP");
	(void)state;
	unsetenv("NO_COLOR");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct theme built, file;
		struct err e;
		char path[512];
		snprintf(path, sizeof(path), "%s/data/themes/%s.theme", top ? top : ".", names[i]);
		assert_int_equal(theme_load(&built, names[i], false, &e), RC_OK);
		assert_int_equal(theme_load(&file, path, false, &e), RC_OK);
		assert_memory_equal(built.role, file.role, sizeof(built.role));
		assert_memory_equal(&built.selected, &file.selected, sizeof(built.selected));
	}
}

static void an_error_names_line_and_word(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "ok fg green\nnonsense bold\n", "line 2: \"nonsense\"" }, { "ok fg pink\n", "line 1: \"pink\"" },
		{ "ok fg green/256\n", "\"green/256\"" }, { "ok fg green/-1\n", "\"green/-1\"" }, { "ok shiny\n", "\"shiny\"" },
		{ "ok fg\n", "line 1" }, { "\033[2J bold\n", "\"^[[2J\"" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct theme t;
		struct err e;
		assert_int_equal(theme_parse(&t, "x", slice_of(rows[i].text), &e), RC_USAGE);
		if (!strstr(e.text, rows[i].says))
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

static void unknown_themes_are_refused_with_what_there_is(void **state)
{
	struct theme t;
	struct err e;
	(void)state;
	assert_int_equal(theme_load(&t, "solarized", false, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "dark, light, mono, contrast"));
	assert_int_equal(theme_load(&t, "./no/such.theme", false, &e), RC_USAGE);
}

static void no_color_means_no_colour(void **state)
{
	struct theme t;
	(void)state;
	setenv("NO_COLOR", "1", 1);
	assert_int_equal(theme_load(&t, "dark", false, NULL), RC_OK);
	unsetenv("NO_COLOR");
	for (int r = 0; r < ROLE_COUNT; r++)
		assert_true(t.role[r].fg8 == -1 && t.role[r].bg8 == -1);
	setenv("NO_COLOR", "", 1);
	assert_int_equal(theme_load(&t, "dark", false, NULL), RC_OK);
	unsetenv("NO_COLOR");
	assert_true(t.role[ROLE_OK].fg8 != -1);
}

static void danger_and_the_cursor_show_without_colour(void **state)
{
	struct theme t;
	(void)state;
	assert_int_equal(theme_load(&t, NULL, true, NULL), RC_OK);
	assert_true(theme_style(&t, ROLE_DANGER, false).attrs & STYLE_REVERSE);
	for (int r = 0; r < ROLE_COUNT; r++)
		assert_true((theme_style(&t, (enum role)r, true).attrs ^ theme_style(&t, (enum role)r, false).attrs) & STYLE_REVERSE);
}

static void letters_of_roles_are_unique(void **state)
{
	(void)state;
	for (int i = 0; i < ROLE_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(role_letter((enum role)i), role_letter((enum role)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_files_are_what_is_built_in),
		cmocka_unit_test(an_error_names_line_and_word),
		cmocka_unit_test(unknown_themes_are_refused_with_what_there_is),
		cmocka_unit_test(no_color_means_no_colour),
		cmocka_unit_test(danger_and_the_cursor_show_without_colour),
		cmocka_unit_test(letters_of_roles_are_unique),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui theme", tests, NULL, NULL);
}
