#include "unit_store.h"

#include "base/point.h"
#include "base/rng.h"

enum { ROUNDS = 25 };

/* ---- killed between and inside commits ---- */

/* Commits batches of 1 to 5 records for ever and writes the newest acknowledged seq to the pipe. */
static void commit_for_ever(const struct dir *d, int out, uint64_t seed)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct rng r;
	struct err e;

	rng_seed(&r, seed);
	if (loop_open(l, d->path, &e) != RC_OK)
		_exit(1);
	for (;;) {
		int n = (int)rng_below(&r, 5) + 1;
		if (loop_one(l, records(AUDIT_INTENT, "x", n)) != RC_OK)
			_exit(2);
		l->n = 0;
		int64_t seq = store_head(l->s).seq;
		if (write(out, &seq, sizeof seq) != sizeof seq)
			_exit(3);
	}
}

static int64_t kill_after(const struct dir *d, int answers, uint64_t seed)
{
	int64_t seq = 0, last = 0;
	int fd[2], status;

	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		commit_for_ever(d, fd[1], seed);
	}
	close(fd[1]);
	for (int i = 0; i < answers; i++) {
		assert_int_equal(read(fd[0], &seq, sizeof seq), sizeof seq);
		last = seq;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(fd[0], &seq, sizeof seq) == sizeof seq)
		last = seq;
	close(fd[0]);
	return last;
}

static void what_was_acknowledged_survives_sigkill(void **state)
{
	struct dir *d = *state;
	struct rng r;

	rng_seed(&r, 1);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t last = kill_after(d, (int)rng_below(&r, 40) + 1, (uint64_t)i);
		struct audit_verdict v = verdict_of(d, false);
		assert_string_equal(v.why, "");
		assert_true(v.records >= last);
		assert_true(v.records <= last + 5);
	}
}

/* ---- killed at every named point ---- */

static int killed_at(const struct dir *d, enum audit_kind kind, const char *suffix)
{
	int status;

	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct loop *l = xcalloc(1, sizeof *l);
		char name[80];
		struct err e;
		snprintf(name, sizeof name, "%s.%s", audit_kind_point(kind), suffix);
		setenv("SLUICE_KILL_AT", name, 1);
		point_init();
		if (loop_open(l, d->path, &e) != RC_OK)
			_exit(1);
		_exit((int)loop_one(l, records(kind, "x", 1)) + 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void killed_before_a_commit_leaves_nothing_and_after_it_everything(void **state)
{
	struct dir *d = *state;
	int64_t n = 0;

	for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
		assert_int_equal(killed_at(d, (enum audit_kind)k, "before"), SIGKILL);
		assert_int_equal(verdict_of(d, false).records, n);
		assert_int_equal(killed_at(d, (enum audit_kind)k, "after"), SIGKILL);
		struct audit_verdict v = verdict_of(d, false);
		assert_string_equal(v.why, "");
		assert_int_equal(v.records, ++n);
	}
}

/* ---- the lock ---- */

struct holder {
	pid_t pid;
	enum rc rc;
	int64_t token;
	char text[400];
	int keep_alive;
};

struct told {
	enum rc rc;
	int64_t token;
	char text[400];
};

/* A process that takes the lock, tells how it went, and lives until its pipe is closed. */
static struct holder hold(const char *dir)
{
	struct holder h = { 0 };
	struct told told = { 0 };
	int tell[2], live[2];

	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	assert_int_equal(pipe2(live, O_CLOEXEC), 0);
	fflush(NULL);
	h.pid = fork();
	if (h.pid == 0) {
		struct err e = { 0 };
		char byte;
		close(live[1]);
		told.rc = store_lock(dir, &told.token, &e);
		memcpy(told.text, e.text, sizeof told.text);
		if (write(tell[1], &told, sizeof told) != sizeof told)
			_exit(1);
		_exit((int)read(live[0], &byte, 1));
	}
	close(tell[1]);
	close(live[0]);
	assert_int_equal(read(tell[0], &told, sizeof told), sizeof told);
	close(tell[0]);
	h.rc = told.rc;
	h.token = told.token;
	memcpy(h.text, told.text, sizeof h.text);
	h.keep_alive = live[1];
	return h;
}

static void let_go(struct holder *h)
{
	close(h->keep_alive);
	assert_int_equal(waitpid(h->pid, NULL, 0), h->pid);
}

static void a_second_process_is_refused_and_told_the_pid(void **state)
{
	struct dir *d = *state;
	char pid[32];

	struct holder first = hold(d->path), second = hold(d->path);
	assert_int_equal(first.rc, RC_OK);
	assert_int_equal(second.rc, RC_LEASE);
	snprintf(pid, sizeof pid, "pid %d;", (int)first.pid);
	assert_non_null(strstr(second.text, pid));
	let_go(&second);
	let_go(&first);
}

static void each_lease_has_a_higher_token_even_after_a_kill(void **state)
{
	struct dir *d = *state;
	int64_t last = 0;

	for (int i = 0; i < 5; i++) {
		struct holder h = hold(d->path);
		assert_int_equal(h.rc, RC_OK);
		assert_int_equal(h.token, last + 1);
		last = h.token;
		if (i % 2 == 0)
			kill(h.pid, SIGKILL);
		let_go(&h);
	}
}

static void removing_the_lock_file_does_not_let_a_second_engine_in(void **state)
{
	struct dir *d = *state;
	char lock[320];

	snprintf(lock, sizeof lock, "%s/lock", d->path);
	struct holder first = hold(d->path);
	assert_int_equal(unlink(lock), 0);
	struct holder second = hold(d->path);
	assert_int_equal(second.rc, RC_LEASE);
	let_go(&second);
	let_go(&first);
}

static void a_damaged_lock_file_is_named(void **state)
{
	struct dir *d = *state;
	char lock[320];

	snprintf(lock, sizeof lock, "%s/lock", d->path);
	unit_write(lock, "pid 12 token x\n", 15, 0600);
	struct holder h = hold(d->path);
	assert_int_equal(h.rc, RC_USAGE);
	assert_non_null(strstr(h.text, "/lock is damaged"));
	let_go(&h);
}

static void a_state_directory_open_to_others_or_missing_or_a_link_is_refused(void **state)
{
	struct dir *d = *state;
	char path[320];

	assert_int_equal(chmod(d->path, 0750), 0);
	struct holder h = hold(d->path);
	assert_int_equal(h.rc, RC_USAGE);
	assert_non_null(strstr(h.text, "chmod 700"));
	let_go(&h);
	assert_int_equal(chmod(d->path, 0700), 0);
	snprintf(path, sizeof path, "%s/none", d->path);
	h = hold(path);
	assert_int_equal(h.rc, RC_USAGE);
	let_go(&h);
	assert_int_equal(symlink(d->path, path), 0);
	h = hold(path);
	assert_int_equal(h.rc, RC_USAGE);
	assert_non_null(strstr(h.text, "not a directory"));
	let_go(&h);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_acknowledged_survives_sigkill),
		T(killed_before_a_commit_leaves_nothing_and_after_it_everything),
		T(a_second_process_is_refused_and_told_the_pid),
		T(each_lease_has_a_higher_token_even_after_a_kill),
		T(removing_the_lock_file_does_not_let_a_second_engine_in),
		T(a_damaged_lock_file_is_named),
		T(a_state_directory_open_to_others_or_missing_or_a_link_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
