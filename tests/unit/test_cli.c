/* What the verbs share: words on the command line, tables for people, exit codes. */
#include "unit.h"

#include "cli/cli.h"

#include <errno.h>
#include <locale.h>

/* ---- what a function prints ---- */

static int real_stdout;
static char capture_path[300];

static void capture_begin(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(capture_path, sizeof capture_path, "%s/sluice-cli-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	int fd = mkstemp(capture_path);
	assert_true(fd >= 0);
	fflush(stdout);
	real_stdout = dup(1);
	dup2(fd, 1);
	close(fd);
}

static char *capture_end(void)
{
	fflush(stdout);
	dup2(real_stdout, 1);
	close(real_stdout);
	char *text = unit_read(capture_path);
	unlink(capture_path);
	return text;
}

/* ---- words ---- */

struct line {
	const char *words[8];
	const char *says;               /* part of the sentence */
};

static enum rc run_words(const char *const *words, struct cli *c, struct err *e)
{
	char *argv[9] = { NULL };
	int argc = 0;
	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	return cli_run(c, argv, argc, e);
}

static void words_that_do_not_fit_are_usage_errors(void **state)
{
	static const struct line lines[] = {
		{ { "frobnicate" }, "no verb frobnicate" },
		{ { "\x1b[2J" }, "^[[2J" },
		{ { "cycle" }, "cycle needs a verb" },
		{ { "cycle", "go" }, "cycle has no verb go" },
		{ { "cycle", "start" }, "needs POLICY" },
		{ { "cycle", "start", "a", "b" }, "too many" },
		{ { "cycle", "start", "--", "--wait", "b" }, "too many" },
		{ { "lanes", "--nope" }, "unknown option --nope" },
		{ { "lanes", "--js" }, "unknown option --js" },
		{ { "candidates", "--lane" }, "--lane needs a value" },
		{ { "candidates", "--lane", "a", "--lane=b" }, "twice" },
		{ { "candidates", "--desc=yes" }, "takes no value" },
		{ { "--state" }, "--state needs a value" },
		{ { "--json=1", "paths" }, "takes no value" },
		{ { "help", "nope" }, "no verb nope" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct cli c = { .program = "sluice" };
		struct err e = { 0 };
		assert_int_equal(run_words(lines[i].words, &c, &e), RC_USAGE);
		if (!strstr(e.text, lines[i].says))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, e.text, lines[i].says);
		paths_free(c.paths);
	}
}

static void global_options_stand_anywhere(void **state)
{
	static const char *const lines[][8] = {
		{ "--state", "/x/y", "--socket=/x/s", "--json", "paths" },
		{ "paths", "--state=/x/y", "--socket", "/x/s", "--json" },
		{ "--json", "paths", "--socket", "/x/s", "--state", "/x/y" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct cli c = { .program = "sluice" };
		struct err e = { 0 };
		capture_begin();
		enum rc rc = run_words(lines[i], &c, &e);
		char *text = capture_end();
		assert_int_equal(rc, RC_OK);
		assert_non_null(strstr(text, "\"state\":\"/x/y\""));
		assert_non_null(strstr(text, "\"socket\":\"/x/s\""));
		free(text);
		paths_free(c.paths);
	}
}

static void help_comes_from_the_table(void **state)
{
	static const struct line lines[] = {
		{ { "--help" }, "sluice audit verify" }, { { "help" }, "--state" }, { { "help", "grant" }, "grant keygen" },
		{ { "help", "grant", "sign" }, "--operator" }, { { "grant", "sign", "--lane", "x", "--help" }, "--operator" },
		{ { "grant", "--help" }, "grant submit" }, { { "demo", "-h" }, "--headless" }, { { "--version" }, "sluice 0" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct cli c = { .program = "sluice" };
		struct err e = { 0 };
		capture_begin();
		enum rc rc = run_words(lines[i].words, &c, &e);
		char *text = capture_end();
		assert_int_equal(rc, RC_OK);
		if (!strstr(text, lines[i].says))
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, lines[i].says, text);
		free(text);
	}
}

/* ---- exit codes ---- */

static void a_command_out_of_its_turn_is_a_usage_error(void **state)
{
	(void)state;
	assert_int_equal(cli_exit(RC_OK), 0);
	assert_int_equal(cli_exit(RC_REFUSED), 2);
	assert_int_equal(cli_exit(RC_NOT_FOUND), 2);
	assert_int_equal(cli_exit(RC_IO), 1);
	for (int rc = RC_INTERNAL; rc <= RC_CANCELLED; rc++)
		assert_int_equal(cli_exit((enum rc)rc), rc);
	assert_int_equal(cli_exit(RC_CANDIDATES), 20);
}

static void the_exit_code_says_where_a_cycle_stands(void **state)
{
	static const struct { const char *json; enum rc rc; } rows[] = {
		{ "{\"stage\":\"ENDED\",\"state\":\"ended\",\"end\":\"COMPLETED\"}", RC_OK },
		{ "{\"stage\":\"ENDED\",\"end\":\"COMPLETED\",\"rehearsal\":true,\"plan\":{\"items\":3}}", RC_CANDIDATES },
		{ "{\"stage\":\"ENDED\",\"end\":\"COMPLETED\",\"rehearsal\":true,\"plan\":{\"items\":0}}", RC_OK },
		{ "{\"stage\":\"ENDED\",\"end\":\"COMPLETED\",\"rehearsal\":true,\"plan\":null}", RC_OK },
		{ "{\"stage\":\"ENDED\",\"end\":\"COMPLETED_WITH_FAILURES\"}", RC_FAILURES },
		{ "{\"stage\":\"ENDED\",\"end\":\"ABORTED_RESTORED\"}", RC_RESTORED },
		{ "{\"stage\":\"ENDED\",\"end\":\"ABORTED_PARTLY_RESTORED\"}", RC_KEPT },
		{ "{\"stage\":\"ENDED\",\"end\":\"ABORTED_KEPT\"}", RC_KEPT },
		{ "{\"stage\":\"ENDED\",\"end\":\"CANCELLED\"}", RC_CANCELLED },
		{ "{\"stage\":\"ENDED\",\"end\":\"LAPSED\"}", RC_CANCELLED },
		{ "{\"stage\":\"CLEANING\",\"state\":\"held\"}", RC_HELD },
		{ "{\"stage\":\"CLEANING\",\"state\":\"waiting\",\"lanes\":[{\"halted\":null},{\"halted\":\"why\"}]}", RC_HELD },
		{ "{\"stage\":\"CLEANING\",\"state\":\"waiting\",\"lanes\":[{\"halted\":null,\"drifted\":2,\"N\":20}]}", RC_OK },
		{ "{\"stage\":\"CLEANING\",\"state\":\"waiting\",\"lanes\":[{\"halted\":\"stale\",\"drifted\":3,\"N\":20}]}", RC_STALE },
		{ "{\"stage\":\"CLEANING\",\"state\":\"waiting\",\"lanes\":[{\"halted\":null,\"drifted\":3,\"N\":30}]}", RC_OK },
		{ "{\"stage\":\"DISCOVERING\",\"state\":\"waiting\",\"waiting_for\":\"ready to validate: step\"}", RC_OK },
		{ "{\"stage\":\"DISCOVERING\",\"state\":\"working\",\"waiting_for\":\"\"}", RC_OK },
		{ "{\"stage\":\"DISCOVERING\",\"state\":\"waiting\",\"waiting_for\":\"lane a is not completely listed: x\"}", RC_INCOMPLETE },
		{ "{\"stage\":\"DISCOVERING\",\"state\":\"waiting\",\"waiting_for\":\"records: x\"}", RC_INCOMPLETE },
		{ "{\"stage\":\"VALIDATING\",\"state\":\"waiting\",\"waiting_for\":\"grant needed for a (3 items)\"}", RC_OK },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *d;
		struct err e;
		assert_int_equal(json_parse(&d, slice_of(rows[i].json), NULL, &e), RC_OK);
		if (cycle_rc(json_root(d)) != rows[i].rc)
			fail_msg("%s is %d, not %d", rows[i].json, (int)cycle_rc(json_root(d)), (int)rows[i].rc);
		json_doc_free(d);
	}
}

/* ---- for people ---- */

static void bytes_are_short_and_round_at_their_units(void **state)
{
	static const struct { int64_t v; const char *text; } rows[] = {
		{ 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" }, { 1049, "1.0 kB" }, { 1050, "1.1 kB" }, { 999949, "999.9 kB" },
		{ 1000000, "1.0 MB" }, { 10328204, "10.3 MB" }, { INT64_C(1000000000), "1.0 GB" }, { INT64_C(1000000000000), "1.0 TB" },
		{ INT64_C(5000000000000000), "5000.0 TB" }, { INT64_MAX, "9223372.0 TB" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;
		buf_init(&b);
		print_bytes(&b, rows[i].v);
		assert_string_equal(buf_z(&b), rows[i].text);
		buf_done(&b);
	}
}

static const char hostile[] =
	"[{\"name\":\"a\\u001b[2Jb\",\"n\":7},{\"name\":\"x\\u202egpj.exe\",\"n\":123456},"
	"{\"name\":\"two\\nlines\",\"n\":null},{\"name\":\"会议\",\"n\":1},{\"name\":null,\"n\":2},{\"n\":3}]";

static void a_table_is_aligned_whatever_the_names_are(void **state)
{
	static const struct column cols[] = { { "name", "name", COL_TEXT, 30 }, { "n", "n", COL_NUMBER, 0 } };
	static const char want[] =
		"name                   n\n"
		"a^[[2Jb                7\n"
		"x<U+202E>gpj.exe  123456\n"
		"two\\nlines             ?\n"
		"会议                   1\n"
		"-                      2\n"
		"-                      3\n";
	struct json_doc *d;
	struct err e;
	(void)state;
	assert_int_equal(json_parse(&d, slice_of(hostile), NULL, &e), RC_OK);
	capture_begin();
	print_table(json_root(d), cols, ARRAY_LEN(cols));
	char *text = capture_end();
	assert_string_equal(text, want);
	free(text);
	json_doc_free(d);
}

static void a_member_is_printed_safely_or_not_at_all(void **state)
{
	struct json_doc *d;
	struct err e;
	(void)state;
	assert_int_equal(json_parse(&d, slice_of("{\"a\":\"\\u001b]0;x\\u0007\",\"e\":\"\",\"z\":null,\"l\":[\"p\",\"\\u009bq\"],\"n\":0}"), NULL, &e), RC_OK);
	const struct json *j = json_root(d);
	capture_begin();
	print_field("a=", j, "a");
	print_field(" e=", j, "e");
	print_field(" z=", j, "z");
	print_field(" none=", j, "none");
	print_count(" n=", j, "n");
	print_count(" z=", j, "z");
	print_list(" l=", json_get(j, "l"));
	print_list(" none=", json_get(j, "none"));
	char *text = capture_end();
	assert_string_equal(text, "a=^[]0;x^G n=0 z=unknown l=p, <U+009B>q\n");
	free(text);
	json_doc_free(d);
}

static void full_disk(void)
{
	struct err e = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	dup2(fd, 1);
	puts("lost");
	if (print_end(&e) == RC_INTERNAL && strstr(e.text, strerror(ENOSPC)) && print_end(&e) == RC_INTERNAL)
		abort();
}

static void what_could_not_be_printed_is_an_error_with_its_cause(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(full_disk), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_do_not_fit_are_usage_errors),
		cmocka_unit_test(global_options_stand_anywhere),
		cmocka_unit_test(help_comes_from_the_table),
		cmocka_unit_test(a_command_out_of_its_turn_is_a_usage_error),
		cmocka_unit_test(the_exit_code_says_where_a_cycle_stands),
		cmocka_unit_test(bytes_are_short_and_round_at_their_units),
		cmocka_unit_test(a_table_is_aligned_whatever_the_names_are),
		cmocka_unit_test(a_member_is_printed_safely_or_not_at_all),
		cmocka_unit_test(what_could_not_be_printed_is_an_error_with_its_cause),
	};
	setlocale(LC_ALL, "C.UTF-8");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
