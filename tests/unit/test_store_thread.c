#include "unit_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/point.h"

/* ---- a disk that obeys the test: SQLite's fdatasync ends here ---- */

static atomic_bool gate_closed;
static sem_t at_gate, gate_opened;
static atomic_int syncs_to_fail;        /* -1 = all from now on */

int fdatasync(int fd)
{
	if (atomic_load(&gate_closed)) {
		sem_post(&at_gate);
		while (sem_wait(&gate_opened) != 0)
			;
	}
	int left = atomic_load(&syncs_to_fail);
	if (left != 0) {
		if (left > 0)
			atomic_fetch_sub(&syncs_to_fail, 1);
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* The storage thread stands before the disk. */
static void wait_at_gate(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	assert_int_equal(sem_timedwait(&at_gate, &until), 0);
}

static void open_gate(void)
{
	atomic_store(&gate_closed, false);
	sem_post(&gate_opened);
}

/* ---- a test's own store ---- */

struct bench {
	struct dir d;
	struct loop l;
	struct err e;
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof *b);
	struct err e;

	sem_init(&at_gate, 0, 0);
	sem_init(&gate_opened, 0, 0);
	atomic_store(&gate_closed, false);
	atomic_store(&syncs_to_fail, 0);
	dir_make(&b->d);
	ok(loop_open(&b->l, b->d.path, &e));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	if (b->l.s != NULL)
		loop_close(&b->l);
	dir_remove(&b->d);
	free(b);
	return 0;
}

static void close_and_verify(struct bench *b, int64_t n)
{
	struct err e;

	loop_close(&b->l);
	b->l.s = NULL;
	struct audit_verdict v = verdict_of(&b->d, false);
	assert_string_equal(v.why, "");
	assert_int_equal(v.records, n);
	/* and the next engine goes on from there */
	ok(loop_open(&b->l, b->d.path, &e));
	assert_int_equal(store_head(b->l.s).seq, n);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "next", 1)), RC_OK);
	assert_int_equal(store_head(b->l.s).seq, n + 1);
}

static void wait_until_writable(struct bench *b, bool writable)
{
	while (store_writable(b->l.s) != writable)
		assert_true(loop_turn(&b->l));
}

/* ---- commits ---- */

static void a_batch_is_answered_after_it_is_durable(void **state)
{
	struct bench *b = *state;

	atomic_store(&gate_closed, true);
	loop_commit(&b->l, 0, records(AUDIT_INTENT, "file-1", 3));
	wait_at_gate();
	store_drain(b->l.s);
	assert_int_equal(store_waiting(b->l.s), 1);
	assert_int_equal(store_head(b->l.s).seq, 0);
	open_gate();
	loop_answers(&b->l);
	assert_int_equal(b->l.rc[0], RC_OK);
	assert_int_equal(store_head(b->l.s).seq, 3);
	close_and_verify(b, 3);
}

static void everything_that_waits_is_one_transaction_and_answered_in_order(void **state)
{
	struct bench *b = *state;

	atomic_store(&gate_closed, true);
	loop_commit(&b->l, 0, records(AUDIT_INTENT, "first", 1));
	wait_at_gate();
	for (int i = 1; i <= 50; i++)
		loop_commit(&b->l, i, records(AUDIT_INTENT, "more", i));
	assert_int_equal(store_waiting(b->l.s), 51);
	open_gate();
	loop_answers(&b->l);
	assert_int_equal(b->l.n, 51);
	for (int i = 0; i <= 50; i++) {
		assert_int_equal(b->l.order[i], i);
		assert_int_equal(b->l.rc[i], RC_OK);
	}
	assert_int_equal(raw_number(b->d.db, "SELECT n FROM commits"), 2);
	close_and_verify(b, 1 + 50 * 51 / 2);
}

static struct journal *impossible(int records_before)
{
	struct journal *j = records(AUDIT_OUTCOME, "never", records_before);

	journal_item_state(j, 99, 0, 1, 1, 1, 1, 1);     /* no such item */
	add_record(j, AUDIT_OUTCOME, "nor this");
	return j;
}

static void an_error_inside_one_batch_rolls_back_and_answers_only_it(void **state)
{
	struct bench *b = *state;

	atomic_store(&gate_closed, true);
	loop_commit(&b->l, 0, records(AUDIT_INTENT, "first", 1));
	wait_at_gate();
	loop_commit(&b->l, 1, records(AUDIT_INTENT, "good", 2));
	loop_commit(&b->l, 2, impossible(3));
	loop_commit(&b->l, 3, records(AUDIT_INTENT, "good", 2));
	open_gate();
	loop_answers(&b->l);
	assert_int_equal(b->l.rc[1], RC_OK);
	assert_int_equal(b->l.rc[2], RC_INTERNAL);
	assert_non_null(strstr(b->l.text[2], "cycle 99 has no item 0"));
	assert_int_equal(b->l.rc[3], RC_OK);
	assert_true(store_writable(b->l.s));
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit WHERE subject = 'never'"), 0);
	close_and_verify(b, 5);
}

static void a_failing_batch_alone_commits_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, impossible(3)), RC_INTERNAL);
	assert_true(store_writable(b->l.s));
	assert_int_equal(raw_number(b->d.db, "SELECT n FROM commits"), 0);
	close_and_verify(b, 0);
}

static void an_empty_batch_is_answered(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, journal_new()), RC_OK);
	close_and_verify(b, 0);
}

static void closing_commits_what_waits_and_answers_it(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 20; i++)
		loop_commit(&b->l, i, records(AUDIT_INTENT, "late", 1));
	loop_close(&b->l);
	b->l.s = NULL;
	assert_int_equal(b->l.n, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(b->l.rc[i], RC_OK);
	assert_int_equal(verdict_of(&b->d, false).records, 20);
}

static void times_and_boot_id_are_filled_in(void **state)
{
	struct bench *b = *state;
	struct now before = now_read();
	char sql[200];

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "x", 5)), RC_OK);
	struct now after = now_read();
	snprintf(sql, sizeof sql, "SELECT count(*) FROM audit WHERE wall_us BETWEEN %lld AND %lld AND boot_us BETWEEN %lld AND %lld"
		 " AND boot = '%s'", (long long)before.wall_us, (long long)after.wall_us, (long long)before.boot_us,
		 (long long)after.boot_us, boot_id());
	assert_int_equal(raw_number(b->d.db, sql), 5);
}

/* ---- readers ---- */

static void a_reader_sees_one_moment_while_the_writer_goes_on(void **state)
{
	struct bench *b = *state;
	struct db_stmt *s;
	struct db *r;
	struct err e;
	int n = 1;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "x", 100)), RC_OK);
	ok(db_open(&r, b->d.db, DB_READER, &schema_sluice, &e));
	ok(db_prepare(r, &s, "SELECT seq FROM audit ORDER BY seq", &e));
	assert_int_equal(db_step(s, &e), DB_ROW);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "y", 100)), RC_OK);
	while (db_step(s, &e) == DB_ROW)
		n++;
	assert_int_equal(n, 100);
	db_reset(s);
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit"), 200);
	db_close(r);
}

struct verifier {
	const struct dir *d;
	atomic_bool stop;
	int times;
	bool good;
};

static void *verify_again_and_again(void *arg)
{
	struct verifier *v = arg;

	while (v->times < 3 || !atomic_load(&v->stop)) {
		struct audit_verdict verdict;
		struct db *r;
		struct err e;
		if (db_open(&r, v->d->db, DB_READER, &schema_sluice, &e) != RC_OK) {
			v->good = false;
			return NULL;
		}
		v->good = v->good && audit_verify(r, v->d->anchors, &verdict, NULL, NULL, &e) == RC_OK && verdict.ok;
		db_close(r);
		v->times++;
	}
	return NULL;
}

static void the_log_verifies_with_anchors_while_it_grows(void **state)
{
	struct bench *b = *state;
	struct verifier v = { .d = &b->d, .good = true };
	pthread_t thread;
	struct err e;

	assert_int_equal(pthread_create(&thread, NULL, verify_again_and_again, &v), 0);
	for (int i = 0; i < 100; i++) {
		struct audit_head head;
		assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "x", 20)), RC_OK);
		head = store_head(b->l.s);
		b->l.n = 0;
		ok(audit_anchor(b->d.anchors, &head, 0, &e));
	}
	atomic_store(&v.stop, true);
	pthread_join(thread, NULL);
	assert_true(v.good);
	close_and_verify(b, 2000);
}

static void the_log_is_checkpointed_when_idle_and_a_reader_that_holds_it_shows(void **state)
{
	struct bench *b = *state;
	struct db_stmt *s;
	struct db *r;
	struct err e;

	ok(db_open(&r, b->d.db, DB_READER, &schema_sluice, &e));
	ok(db_prepare(r, &s, "SELECT kind FROM audit UNION ALL SELECT 'x'", &e));
	assert_int_equal(db_step(s, &e), DB_ROW);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "x", 2000)), RC_OK);
	assert_true(store_wal_bytes(b->l.s) > 2000 * 150);
	db_close(r);
	/* Only the storage thread works now; it wakes nobody, so look until it is done. */
	for (int i = 0; i < 20000 && store_wal_bytes(b->l.s) != 0; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(store_wal_bytes(b->l.s), 0);
}

/* ---- when the disk fails ---- */

static void a_full_disk_is_answered_and_survived(void **state)
{
	struct bench *b = *state;
	struct rlimit before, small;
	int good = 0, i = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 300 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (i = 0; i < 100; i++) {
		loop_commit(&b->l, i, records(AUDIT_INTENT, "fill", 100));
		loop_answers(&b->l);
		if (b->l.rc[i] != RC_OK)
			break;
		good++;
	}
	assert_true(good > 0 && good < 100);
	assert_int_equal(b->l.rc[i], RC_AUDIT);
	assert_non_null(strstr(b->l.text[i], "free space"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	wait_until_writable(b, true);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "again", 100)), RC_OK);
	close_and_verify(b, (good + 1) * 100);
}

static void nothing_is_accepted_while_nothing_can_be_written(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "good", 5)), RC_OK);
	atomic_store(&syncs_to_fail, -1);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "bad", 5)), RC_AUDIT);
	assert_false(store_writable(b->l.s));
	assert_non_null(strstr(b->l.text[0], "check the disk"));
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "bad", 5)), RC_AUDIT);
	atomic_store(&syncs_to_fail, 0);
	wait_until_writable(b, true);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "good", 5)), RC_OK);
	loop_close(&b->l);
	b->l.s = NULL;
	struct audit_verdict v = verdict_of(&b->d, false);
	assert_true(v.ok);
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit WHERE subject = 'good'"), 10);
}

/* The sync failed once, but the reopened file holds the commit and could be synced then. */
static void a_commit_that_failed_and_is_there_is_answered_as_done(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 5)), RC_OK);
	atomic_store(&syncs_to_fail, 1);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "two", 5)), RC_OK);
	assert_true(store_writable(b->l.s));
	assert_int_equal(store_head(b->l.s).seq, 10);
	close_and_verify(b, 10);
}

/* A reader keeps the index of the log alive, in which the failed commit never appeared. */
static void a_commit_that_failed_and_is_not_there_is_answered_as_failed(void **state)
{
	struct bench *b = *state;
	struct db *r;
	struct err e;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 5)), RC_OK);
	ok(db_open(&r, b->d.db, DB_READER, &schema_sluice, &e));
	atomic_store(&syncs_to_fail, 1);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "two", 5)), RC_AUDIT);
	wait_until_writable(b, true);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "three", 5)), RC_OK);
	db_close(r);
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit WHERE subject = 'two'"), 0);
	close_and_verify(b, 10);
}

/* ---- when somebody moves the files ---- */

/* Asks again and again for longer than the store waits between two attempts to write. */
static void assert_refused_for_good(struct bench *b)
{
	int64_t until = now_read().boot_us + 1200000;

	while (now_read().boot_us < until) {
		b->l.n = 0;
		assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "two", 5)), RC_AUDIT);
		assert_false(store_writable(b->l.s));
	}
}

static void a_removed_file_stops_everything_and_its_return_is_noticed(void **state)
{
	struct bench *b = *state;
	char aside[320];

	snprintf(aside, sizeof aside, "%s.aside", b->d.db);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 5)), RC_OK);
	assert_int_equal(rename(b->d.db, aside), 0);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "two", 5)), RC_AUDIT);
	assert_non_null(strstr(b->l.text[0], "removed or replaced"));
	assert_false(store_writable(b->l.s));
	assert_int_equal(rename(aside, b->d.db), 0);
	wait_until_writable(b, true);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "three", 5)), RC_OK);
	close_and_verify(b, 10);
}

static void another_file_in_its_place_is_never_written(void **state)
{
	struct bench *b = *state;
	struct dir other;
	char aside[320];

	snprintf(aside, sizeof aside, "%s.aside", b->d.db);
	dir_make(&other);
	log_of(&other, 30);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 5)), RC_OK);
	assert_int_equal(rename(b->d.db, aside), 0);
	assert_int_equal(rename(other.db, b->d.db), 0);
	dir_remove(&other);
	assert_refused_for_good(b);
	loop_close(&b->l);
	b->l.s = NULL;
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit"), 30);
	assert_int_equal(raw_number(aside, "SELECT count(*) FROM audit"), 5);
}

static void a_removed_write_ahead_log_loses_nothing_that_was_answered(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 500)), RC_OK);
	assert_int_equal(unlink(b->d.wal), 0);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "two", 5)), RC_AUDIT);
	wait_until_writable(b, true);
	assert_int_equal(raw_number(b->d.db, "SELECT count(*) FROM audit"), 500);
	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "three", 5)), RC_OK);
	close_and_verify(b, 505);
}

static void a_write_ahead_log_of_somebody_else_is_never_opened(void **state)
{
	struct bench *b = *state;

	assert_int_equal(loop_one(&b->l, records(AUDIT_INTENT, "one", 500)), RC_OK);
	assert_int_equal(unlink(b->d.wal), 0);
	unit_write(b->d.wal, "not a log", 9, 0600);
	assert_refused_for_good(b);
	close_and_verify(b, 500);
}

/* ---- points ---- */

static void list_points(const struct dir *d, const char *list)
{
	struct journal *j = journal_new();
	struct loop *l = xcalloc(1, sizeof *l);
	struct err e;

	setenv("SLUICE_POINTS", list, 1);
	point_init();
	for (int k = 0; k < AUDIT_KIND_COUNT; k++)
		add_record(j, (enum audit_kind)k, "x");
	if (loop_open(l, d->path, &e) != RC_OK || loop_one(l, j) != RC_OK)
		_exit(1);
	loop_close(l);
	_exit(0);
}

static void every_record_kind_has_a_point_before_and_after_its_commit(void **state)
{
	struct dir *d = *state;
	char list[320];
	int status;

	snprintf(list, sizeof list, "%s/points", d->path);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		list_points(d, list);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	char *text = unit_read(list);
	for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
		char name[80];
		snprintf(name, sizeof name, "%s.before\n", audit_kind_point((enum audit_kind)k));
		assert_non_null(strstr(text, name));
		snprintf(name, sizeof name, "%s.after\n", audit_kind_point((enum audit_kind)k));
		assert_non_null(strstr(text, name));
	}
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_batch_is_answered_after_it_is_durable),
		T(everything_that_waits_is_one_transaction_and_answered_in_order),
		T(an_error_inside_one_batch_rolls_back_and_answers_only_it),
		T(a_failing_batch_alone_commits_nothing),
		T(an_empty_batch_is_answered),
		T(closing_commits_what_waits_and_answers_it),
		T(times_and_boot_id_are_filled_in),
		T(a_reader_sees_one_moment_while_the_writer_goes_on),
		T(the_log_verifies_with_anchors_while_it_grows),
		T(the_log_is_checkpointed_when_idle_and_a_reader_that_holds_it_shows),
		T(a_full_disk_is_answered_and_survived),
		T(nothing_is_accepted_while_nothing_can_be_written),
		T(a_commit_that_failed_and_is_there_is_answered_as_done),
		T(a_commit_that_failed_and_is_not_there_is_answered_as_failed),
		T(a_removed_file_stops_everything_and_its_return_is_noticed),
		T(another_file_in_its_place_is_never_written),
		T(a_removed_write_ahead_log_loses_nothing_that_was_answered),
		T(a_write_ahead_log_of_somebody_else_is_never_opened),
		cmocka_unit_test_setup_teardown(every_record_kind_has_a_point_before_and_after_its_commit, dir_setup, dir_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_thread", tests, NULL, NULL);
}
