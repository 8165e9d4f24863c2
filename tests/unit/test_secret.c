#include "unit.h"

#include <sys/resource.h>

#include "base/secret.h"

static char dir[256], path[300];

static int setup(void **state)
{
	(void)state;
	unit_mkdir(dir);
	snprintf(path, sizeof(path), "%s/key", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void load_of_is_refused(const char *file, const char *why)
{
	struct secret *s = (void *)1;
	struct err e = { RC_OK, "" };
	assert_int_equal(secret_load(&s, file, "credential of lane kimi", &e), RC_USAGE);
	assert_null(s);
	assert_non_null(strstr(e.text, "credential of lane kimi"));
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	assert_null(strstr(e.text, "sk-canary"));
}

static void load_is_refused(const char *why)
{
	load_of_is_refused(path, why);
}

static void one_newline_at_the_end_is_not_part_of_it(void **state)
{
	(void)state;
	static const char *const rows[] = { "sk-canary", "sk-canary\n", "sk-canary\r\n" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct secret *s;
		struct err e;
		char print[9], again[9];
		unit_write(path, rows[i], strlen(rows[i]), 0600);
		assert_int_equal(secret_load(&s, path, "x", &e), RC_OK);
		assert_slice(secret_use(s), "sk-canary");
		secret_print(s, print);
		secret_print(s, again);
		assert_string_equal(print, again);
		assert_int_equal(strlen(print), 8);
		secret_free(s);
	}
	secret_free(NULL);
}

static void what_is_not_one_line_is_refused(void **state)
{
	(void)state;
	unit_write(path, "", 0, 0600);
	load_is_refused("is empty");
	unit_write(path, "\n", 1, 0600);
	load_is_refused("is empty");
	unit_write(path, "sk-canary\n\n", 11, 0600);
	load_is_refused("one line");
	unit_write(path, "sk-canary\r\nX-Other: 1\n", 22, 0600);
	load_is_refused("byte 10");
	unit_write(path, "sk-canary\0x", 11, 0600);
	load_is_refused("one line");
}

static void size_is_capped(void **state)
{
	(void)state;
	char *big = xmalloc(16385);
	memset(big, 'k', 16385);
	struct secret *s;
	struct err e;
	unit_write(path, big, 16383, 0600);
	assert_int_equal(secret_load(&s, path, "x", &e), RC_OK);
	assert_int_equal(secret_use(s).n, 16383);
	secret_free(s);
	unit_write(path, big, 16384, 0600);
	load_is_refused("longer");
	unit_write(path, big, 16385, 0600);
	load_is_refused("longer");
	free(big);
}

static void the_file_must_be_private_regular_and_there(void **state)
{
	(void)state;
	static const mode_t open_modes[] = { 0640, 0604, 0620, 0602, 0610, 0666 };
	for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
		unit_write(path, "sk-canary", 9, open_modes[i]);
		load_is_refused("chmod 600");
	}
	unit_write(path, "sk-canary", 9, 0400);
	struct secret *s;
	assert_int_equal(secret_load(&s, path, "x", NULL), RC_OK);
	secret_free(s);
	unlink(path);
	load_is_refused("does not exist");
	assert_int_equal(symlink("/etc/hostname", path), 0);
	load_is_refused("symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	load_is_refused("not a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	load_is_refused("not a regular file");
	rmdir(path);
}

static void a_file_of_another_account_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		load_of_is_refused("/etc/passwd", "belongs to uid 0");
		return;
	}
	unit_write(path, "sk-canary", 9, 0600);
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	load_is_refused("belongs to uid 65534");
}

static void a_wiped_buffer_is_fresh(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_adds(&b, "Authorization: Bearer sk-canary");
	secret_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	secret_wipe(&b);
}

static void harden_or_abort(void)
{
	struct rlimit r;
	secret_harden_process();
	if (getrlimit(RLIMIT_CORE, &r) != 0 || r.rlim_cur != 0 || r.rlim_max != 0)
		abort();
}

static void a_hardened_process_leaves_no_core(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(harden_or_abort), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(one_newline_at_the_end_is_not_part_of_it, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_not_one_line_is_refused, setup, teardown),
	cmocka_unit_test_setup_teardown(size_is_capped, setup, teardown),
	cmocka_unit_test_setup_teardown(the_file_must_be_private_regular_and_there, setup, teardown),
	cmocka_unit_test_setup_teardown(a_file_of_another_account_is_refused, setup, teardown),
	cmocka_unit_test(a_wiped_buffer_is_fresh),
	cmocka_unit_test(a_hardened_process_leaves_no_core),
};

UNIT_MAIN("secret", tests)
