#include "unit.h"

#include "config/paths.h"

static char dir[256];

static int fresh(void **state)
{
	(void)state;
	static const char *const names[] = { "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "SLUICE_CONFIG", "SLUICE_STATE",
					     "SLUICE_SOCKET" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	unit_mkdir(dir);
	return setenv("HOME", "/home/anna", 1);
}

static int gone(void **state)
{
	(void)state;
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static struct paths *found(const struct paths_opts *o)
{
	struct paths *p;
	struct err e;
	if (paths_find(&p, o, &e) != RC_OK)
		fail_msg("%s", e.text);
	return p;
}

static const char *in_dir(char dst[600], const char *name)
{
	snprintf(dst, 600, "%s/%s", dir, name);
	return dst;
}

static void defaults_are_below_the_home(void **state)
{
	(void)state;
	struct paths *p = found(&(struct paths_opts){ 0 });
	assert_string_equal(p->config_file, "/home/anna/.config/sluice/sluice.yaml");
	assert_string_equal(p->state_dir, "/home/anna/.local/state/sluice");
	assert_string_equal(p->db, "/home/anna/.local/state/sluice/sluice.db");
	assert_string_equal(p->catalog, "/home/anna/.local/state/sluice/catalog.db");
	assert_string_equal(p->hold, "/home/anna/.local/state/sluice/HOLD");
	assert_string_equal(p->socket, "/home/anna/.local/state/sluice/engine.sock");
	assert_string_equal(p->state_from, "default");
	paths_free(p);
	char *c = config_default_path();
	assert_string_equal(c, "/home/anna/.config/sluice/sluice.yaml");
	free(c);
}

static void xdg_comes_before_the_home_and_relative_values_do_not_count(void **state)
{
	(void)state;
	setenv("XDG_CONFIG_HOME", "/c/", 1);
	setenv("XDG_STATE_HOME", "state", 1);
	struct paths *p = found(&(struct paths_opts){ 0 });
	assert_string_equal(p->config_file, "/c/sluice/sluice.yaml");
	assert_string_equal(p->state_dir, "/home/anna/.local/state/sluice");
	paths_free(p);
}

static void options_come_before_variables(void **state)
{
	(void)state;
	setenv("SLUICE_STATE", "/from/env", 1);
	setenv("SLUICE_CONFIG", "/from/env.yaml", 1);
	struct paths *p = found(&(struct paths_opts){ 0 });
	assert_string_equal(p->state_dir, "/from/env");
	assert_string_equal(p->config_file, "/from/env.yaml");
	assert_string_equal(p->socket, "/from/env/engine.sock");
	assert_string_equal(p->state_from, "SLUICE_STATE");
	paths_free(p);
	p = found(&(struct paths_opts){ .state = "/from/option//", .config = "/o.yaml", .socket = "/run/s" });
	assert_string_equal(p->state_dir, "/from/option");
	assert_string_equal(p->config_file, "/o.yaml");
	assert_string_equal(p->socket, "/run/s");
	assert_string_equal(p->state_from, "--state");
	paths_free(p);
}

static void relative_options_begin_at_the_working_directory(void **state)
{
	(void)state;
	char want[600], *cwd = getcwd(NULL, 0);
	struct paths *p = found(&(struct paths_opts){ .state = "st", .config = "c.yaml" });
	snprintf(want, sizeof(want), "%s/st", cwd);
	assert_string_equal(p->state_dir, want);
	snprintf(want, sizeof(want), "%s/c.yaml", cwd);
	assert_string_equal(p->config_file, want);
	paths_free(p);
	free(cwd);
}

/* A state directory whose socket path has n bytes. */
static struct paths *with_length(size_t n)
{
	static const char tail[] = "/engine.sock";
	char state_dir[300];
	size_t len = n - (sizeof(tail) - 1);
	memset(state_dir, 'x', len);
	state_dir[0] = '/';
	state_dir[len] = '\0';
	return found(&(struct paths_opts){ .state = state_dir });
}

static void a_socket_path_that_is_too_long_goes_elsewhere(void **state)
{
	(void)state;
	struct paths *p = with_length(PATHS_SOCKET_MAX - 1);
	assert_non_null(strstr(p->socket, "/engine.sock"));
	paths_free(p);
	p = with_length(PATHS_SOCKET_MAX);
	assert_int_equal(strlen(p->socket), PATHS_SOCKET_MAX);
	assert_non_null(strstr(p->socket, "/engine.sock"));
	paths_free(p);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	p = with_length(PATHS_SOCKET_MAX + 1);
	assert_true(strncmp(p->socket, dir, strlen(dir)) == 0);
	assert_true(strlen(p->socket) <= PATHS_SOCKET_MAX);
	struct paths *again = with_length(PATHS_SOCKET_MAX + 1), *other = with_length(PATHS_SOCKET_MAX + 2);
	assert_string_equal(p->socket, again->socket);
	assert_string_not_equal(p->socket, other->socket);
	paths_free(p);
	paths_free(again);
	paths_free(other);
}

static void a_runtime_directory_of_others_is_not_used(void **state)
{
	(void)state;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	assert_int_equal(chmod(dir, 0755), 0);
	struct paths *p = with_length(150);
	assert_true(strncmp(p->socket, dir, strlen(dir)) != 0);
	paths_free(p);
}

static void a_long_socket_by_hand_is_refused(void **state)
{
	(void)state;
	char socket[200];
	struct paths *p;
	struct err e;
	memset(socket, 'x', sizeof(socket));
	socket[0] = '/';
	socket[PATHS_SOCKET_MAX + 1] = '\0';
	assert_int_equal(paths_find(&p, &(struct paths_opts){ .socket = socket }, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "--socket is 108 bytes long and a socket takes 107"));
	socket[PATHS_SOCKET_MAX] = '\0';
	p = found(&(struct paths_opts){ .socket = socket });
	paths_free(p);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void directories_are_made_private_and_again_is_fine(void **state)
{
	(void)state;
	char path[600];
	struct err e;
	mode_t old = umask(0);
	struct paths *p = found(&(struct paths_opts){ .state = in_dir(path, "a/b/state") });
	assert_int_equal(paths_make(p, NULL, &e), RC_OK);
	assert_int_equal(paths_make(p, NULL, &e), RC_OK);
	umask(old);
	assert_int_equal(mode_of(p->state_dir), 0700);
	assert_int_equal(mode_of(in_dir(path, "a")), 0700);
	paths_free(p);
}

static void refused(const struct paths_opts *o, const char *group, const char *says)
{
	struct err e;
	struct paths *p = found(o);
	assert_int_equal(paths_make(p, group, &e), RC_USAGE);
	if (!strstr(e.text, says))
		fail_msg("`%s` is not in: %s", says, e.text);
	paths_free(p);
}

static void a_state_directory_that_others_may_use_is_refused(void **state)
{
	(void)state;
	char path[600];
	in_dir(path, "open");
	assert_int_equal(mkdir(path, 0700), 0);
	static const mode_t modes[] = { 0755, 0770, 0701, 01700 };
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		refused(&(struct paths_opts){ .state = path }, NULL, "run chmod 700 on it");
	}
}

static void a_link_or_a_file_is_no_state_directory(void **state)
{
	(void)state;
	char path[600], target[600];
	assert_int_equal(mkdir(in_dir(target, "target"), 0700), 0);
	assert_int_equal(symlink(target, in_dir(path, "link")), 0);
	refused(&(struct paths_opts){ .state = path }, NULL, "is a symbolic link");
	strcat(path, "/");
	refused(&(struct paths_opts){ .state = path }, NULL, "is a symbolic link");
	unit_write(in_dir(path, "file"), "x", 1, 0600);
	refused(&(struct paths_opts){ .state = path }, NULL, "is not a directory");
	strcat(path, "/state");
	refused(&(struct paths_opts){ .state = path }, NULL, "file");
}

static void a_parent_that_everyone_may_write_is_refused_unless_sticky(void **state)
{
	(void)state;
	char path[600], below[600];
	struct err e;
	in_dir(path, "shared");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	refused(&(struct paths_opts){ .state = in_dir(below, "shared/state") }, NULL, "may be written by everyone");
	assert_int_equal(chmod(path, 01777), 0);
	struct paths *p = found(&(struct paths_opts){ .state = below });
	assert_int_equal(paths_make(p, NULL, &e), RC_OK);
	paths_free(p);
}

static void a_directory_of_another_account_is_refused(void **state)
{
	(void)state;
	char path[600];
	in_dir(path, "theirs");
	assert_int_equal(mkdir(path, 0700), 0);
	/* root makes it somebody else's; anybody else finds root's own */
	bool root = geteuid() == 0;
	if (root)
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	refused(&(struct paths_opts){ .state = root ? path : "/root" }, NULL, root ? "belongs to uid 12345" : "/root");
}

static void a_group_needs_a_socket_directory_of_its_own(void **state)
{
	(void)state;
	char path[600], socket[600];
	struct err e;
	in_dir(path, "state");
	refused(&(struct paths_opts){ .state = path }, "root", "set SLUICE_SOCKET");
	refused(&(struct paths_opts){ .state = path, .socket = in_dir(socket, "run/s.sock") }, "no-such-group-here", "not a group of this machine");
	if (geteuid() != 0)
		return;
	struct paths *p = found(&(struct paths_opts){ .state = path, .socket = socket });
	assert_int_equal(paths_make(p, "root", &e), RC_OK);
	assert_int_equal(mode_of(in_dir(path, "run")), 0750);
	assert_int_equal(mode_of(p->state_dir), 0700);
	assert_int_equal(paths_make(p, "root", &e), RC_OK);
	paths_free(p);
}

static void hold_is_seen_and_doubt_counts_as_hold(void **state)
{
	(void)state;
	char path[600];
	struct err e;
	struct paths *p = found(&(struct paths_opts){ .state = in_dir(path, "state") });
	assert_false(paths_hold(p));
	assert_int_equal(paths_make(p, NULL, &e), RC_OK);
	assert_false(paths_hold(p));
	unit_write(p->hold, "", 0, 0600);
	assert_true(paths_hold(p));
	unlink(p->hold);
	assert_int_equal(symlink("/nowhere", p->hold), 0);
	assert_true(paths_hold(p));
	unlink(p->hold);
	free(p->hold);
	/* a loop of links cannot be looked through: no answer is not "no" */
	p->hold = xstrdup(in_dir(path, "loop/HOLD"));
	assert_int_equal(symlink("loop", in_dir(path, "loop")), 0);
	assert_true(paths_hold(p));
	paths_free(p);
}

static void without_a_home_it_says_what_to_give(void **state)
{
	(void)state;
	struct err e;
	struct paths *p;
	/* the account's own home still counts */
	setenv("HOME", "relative", 1);
	if (paths_find(&p, &(struct paths_opts){ 0 }, &e) == RC_OK) {
		assert_int_equal(p->state_dir[0], '/');
		assert_null(strstr(p->state_dir, "relative"));
		paths_free(p);
	} else {
		assert_non_null(strstr(e.text, "--state"));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
static const struct CMUnitTest tests[] = {
	T(defaults_are_below_the_home),
	T(xdg_comes_before_the_home_and_relative_values_do_not_count),
	T(options_come_before_variables),
	T(relative_options_begin_at_the_working_directory),
	T(a_socket_path_that_is_too_long_goes_elsewhere),
	T(a_runtime_directory_of_others_is_not_used),
	T(a_long_socket_by_hand_is_refused),
	T(directories_are_made_private_and_again_is_fine),
	T(a_state_directory_that_others_may_use_is_refused),
	T(a_link_or_a_file_is_no_state_directory),
	T(a_parent_that_everyone_may_write_is_refused_unless_sticky),
	T(a_directory_of_another_account_is_refused),
	T(a_group_needs_a_socket_directory_of_its_own),
	T(hold_is_seen_and_doubt_counts_as_hold),
	T(without_a_home_it_says_what_to_give),
};
UNIT_MAIN("paths", tests)
