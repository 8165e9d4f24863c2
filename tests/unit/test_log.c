#include "unit.h"

#include "base/log.h"
#include "base/time.h"

static char dir[256], path[300];

static int setup(void **state)
{
	(void)state;
	unit_mkdir(dir);
	snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_close();
	unlink(path);
	return rmdir(dir);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void a_line_has_time_level_module_object_and_text(void **state)
{
	(void)state;
	struct err e;
	struct stat st;
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	log_warn("link", "exai-daemon", "closed %d \"%s\"", 1011, "keepalive");
	log_error("store", NULL, "disk full");
	log_debug("store", NULL, "not at this level");
	log_close();
	char *text = unit_read(path);
	int64_t at;
	assert_true(time_parse_rfc3339((struct slice){ text, 27 }, &at));
	char *second = strchr(text, '\n') + 1;
	second[-1] = '\0';
	assert_string_equal(text + 27, " warn link exai-daemon: closed 1011 \"keepalive\"");
	assert_string_equal(second + 27, " error store: disk full\n");
	free(text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_foreign_byte_cannot_forge_a_line(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	log_info("lane", "ki\nmi\x1b[2J", "name %s", "a\n2026-01-01T00:00:00Z error fake\r\xe2\x80\xae\xff");
	log_close();
	char *text = unit_read(path);
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, "ki\\nmi^[[2J: name a\\n2026-01-01T00:00:00Z error fake\\r<U+202E>\\xFF\n"));
	free(text);
}

static void a_site_that_floods_is_cut_and_counted_and_silences_nobody_else(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	for (int i = 0; i < 100; i++) {
		log_warn("link", "a", "flaps %d", i);
		if (i >= 90)
			log_warn("link", "b", "only ten %d", i);
	}
	log_close();
	char *text = unit_read(path);
	assert_int_equal(count(text, "link a: flaps"), 20);
	assert_int_equal(count(text, "link b: only ten"), 10);
	assert_int_equal(count(text, "link: 80 more lines like the last ones were left out"), 1);
	free(text);
}

static void many_sites_and_objects_are_all_heard(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	for (int i = 0; i < 500; i++) {
		char object[16];
		snprintf(object, sizeof(object), "o%d", i);
		log_info("lane", object, "here");
	}
	log_close();
	char *text = unit_read(path);
	assert_int_equal(count(text, ": here\n"), 500);
	free(text);
}

static void lines_are_appended_and_a_link_is_not_followed(void **state)
{
	(void)state;
	struct err e;
	char link_path[300];
	unit_write(path, "before\n", 7, 0600);
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	log_info("x", NULL, "after");
	log_close();
	char *text = unit_read(path);
	assert_int_equal(strncmp(text, "before\n", 7), 0);
	assert_non_null(strstr(text, "after"));
	free(text);
	snprintf(link_path, sizeof(link_path), "%s/link", dir);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(log_open(link_path, LOG_INFO, &e), RC_USAGE);
	assert_non_null(strstr(e.text, link_path));
	unlink(link_path);
}

static void lines_can_be_json(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	log_as_json(true);
	log_warn("link", "a\"b\n", "closed \"%s\"", "k\x1b\xff");
	log_info("store", NULL, "plain");
	log_close();
	char *text = unit_read(path);
	char *second = strchr(text, '\n') + 1;
	second[-1] = '\0';
	assert_string_equal(strstr(text, "\"level\""), "\"level\":\"warn\",\"module\":\"link\",\"object\":\"a\\\"b\\\\n\",\"text\":\"closed \\\"k^[\\\\xFF\\\"\"}");
	assert_string_equal(strstr(second, "\"level\""), "\"level\":\"info\",\"module\":\"store\",\"text\":\"plain\"}\n");
	free(text);
}

static void a_module_has_its_own_level(void **state)
{
	(void)state;
	struct err e;
	static const char *const bad[] = { "link", "link=", "link=loud", "links=debug", "=debug", "", "lin=debug" };
	assert_int_equal(log_open(path, LOG_WARN, &e), RC_OK);
	assert_true(log_module_level("link=debug"));
	assert_true(log_module_level("store=error"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(log_module_level(bad[i]));
	log_debug("link", NULL, "heard 1");
	log_info("net", NULL, "not heard");
	log_warn("net", NULL, "heard 2");
	log_warn("store", NULL, "not heard");
	log_error("store", NULL, "heard 3");
	log_close();
	char *text = unit_read(path);
	assert_int_equal(count(text, ": heard"), 3);
	assert_int_equal(count(text, "\n"), 3);
	free(text);
}

static void a_log_that_was_moved_away_is_opened_anew(void **state)
{
	(void)state;
	struct err e;
	char old[320];
	snprintf(old, sizeof old, "%s.1", path);
	assert_int_equal(log_open(path, LOG_INFO, &e), RC_OK);
	log_info("net", NULL, "one");
	assert_int_equal(rename(path, old), 0);
	log_info("net", NULL, "two");
	assert_int_equal(log_reopen(&e), RC_OK);
	log_info("net", NULL, "three");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);         /* it cannot be opened: the old one stays */
	assert_int_equal(log_reopen(&e), RC_USAGE);
	log_info("net", NULL, "four");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(log_reopen(&e), RC_OK);
	log_info("net", NULL, "five");
	log_close();
	char *first = unit_read(old), *last = unit_read(path);
	assert_int_equal(count(first, "\n"), 2);
	assert_non_null(strstr(first, ": two\n"));
	assert_int_equal(count(last, "\n"), 1);
	assert_non_null(strstr(last, ": five\n"));
	free(first);
	free(last);
	unlink(old);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_line_has_time_level_module_object_and_text, setup, teardown),
	cmocka_unit_test_setup_teardown(a_foreign_byte_cannot_forge_a_line, setup, teardown),
	cmocka_unit_test_setup_teardown(a_site_that_floods_is_cut_and_counted_and_silences_nobody_else, setup, teardown),
	cmocka_unit_test_setup_teardown(many_sites_and_objects_are_all_heard, setup, teardown),
	cmocka_unit_test_setup_teardown(lines_can_be_json, setup, teardown),
	cmocka_unit_test_setup_teardown(a_module_has_its_own_level, setup, teardown),
	cmocka_unit_test_setup_teardown(a_log_that_was_moved_away_is_opened_anew, setup, teardown),
	cmocka_unit_test_setup_teardown(lines_are_appended_and_a_link_is_not_followed, setup, teardown),
};

UNIT_MAIN("log", tests)
