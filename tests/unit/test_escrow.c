/* The directory of copies and its index: what is not exactly what it should be is no copy. */
#include "unit_store.h"

#include <sys/resource.h>

#include "escrow/escrow.h"

#define LANE SLICE_LIT("alpha")
#define ID SLICE_LIT("file-1")

struct fixture {
	struct dir d;
	char copies[300];
	struct escrow *s;
	struct db *db;
	struct audit_head head;
	struct arena *keep;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct err e;

	dir_make(&f->d);
	snprintf(f->copies, sizeof f->copies, "%s/copies", f->d.path);
	ok(escrow_open(&f->s, f->copies, 0, &e));
	ok(db_open(&f->db, f->d.db, DB_WRITER, &schema_sluice, &e));
	f->keep = arena_new(512);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->keep);
	db_close(f->db);
	escrow_close(f->s);
	dir_remove(&f->d);
	free(f);
	return 0;
}

static int files_in(const char *dir)
{
	int n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *x; (x = readdir(d));)
		n += x->d_name[0] != '.';
	closedir(d);
	return n;
}

static enum rc copy(struct fixture *f, struct slice bytes, int64_t want, const struct hash *sha, struct hash *out, struct err *e)
{
	struct escrow_copy *c;

	assert_int_equal(escrow_begin(f->s, LANE, ID, &c, e), RC_OK);
	assert_int_equal(escrow_write(c, bytes, e), RC_OK);
	return escrow_finish(c, want, sha, out, e);
}

static const char *path_of(struct fixture *f, struct buf *b)
{
	buf_init(b);
	escrow_path(f->s, LANE, ID, b);
	return buf_z(b);
}

static void a_copy_is_private_whole_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct hash made, want;
	struct stat st;
	struct buf path;
	struct err e;
	char back[16];
	int fd;

	hash_bytes(&want, "12345", 5);
	ok(copy(f, SLICE_LIT("12345"), 5, &want, &made, &e));
	assert_true(hash_eq(&made, &want));
	assert_int_equal(stat(path_of(f, &path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(f->copies, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	ok(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e));
	assert_int_equal(read(fd, back, sizeof back), 5);
	assert_memory_equal(back, "12345", 5);
	close(fd);
	ok(escrow_remove(buf_z(&path), &e));
	ok(escrow_remove(buf_z(&path), &e));
	assert_int_equal(files_in(f->copies), 0);
	assert_int_equal(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e), RC_NOT_FOUND);
	buf_done(&path);
}

static void an_empty_item_has_a_copy_too(void **state)
{
	struct fixture *f = *state;
	struct hash made;
	struct buf path;
	struct err e;
	int fd;

	ok(copy(f, SLICE_LIT(""), 0, NULL, &made, &e));
	ok(escrow_open_verified(path_of(f, &path), 0, &made, &fd, &e));
	close(fd);
	buf_done(&path);
}

static void too_few_too_many_and_other_bytes_leave_nothing(void **state)
{
	struct fixture *f = *state;
	struct hash made, other;
	struct err e;

	hash_bytes(&other, "1234X", 5);
	assert_int_equal(copy(f, SLICE_LIT("1234"), 5, NULL, &made, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "4 bytes came instead of the 5"));
	assert_int_equal(copy(f, SLICE_LIT("123456"), 5, NULL, &made, &e), RC_FORMAT);
	assert_int_equal(copy(f, SLICE_LIT("12345"), 5, &other, &made, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "SHA-256"));
	assert_int_equal(files_in(f->copies), 0);
}

static void a_failed_second_copy_leaves_the_first(void **state)
{
	struct fixture *f = *state;
	struct hash made, again;
	struct buf path;
	struct err e;
	int fd;

	ok(copy(f, SLICE_LIT("12345"), 5, NULL, &made, &e));
	assert_int_equal(copy(f, SLICE_LIT("1234"), 5, NULL, &again, &e), RC_FORMAT);
	ok(escrow_open_verified(path_of(f, &path), 5, &made, &fd, &e));
	close(fd);
	buf_done(&path);
}

static void damage_truncation_and_what_is_no_file_are_named(void **state)
{
	struct fixture *f = *state;
	struct hash made;
	struct buf path;
	struct err e;
	int fd;

	ok(copy(f, SLICE_LIT("12345"), 5, NULL, &made, &e));
	int w = open(path_of(f, &path), O_WRONLY);
	assert_int_equal(pwrite(w, "X", 1, 2), 1);
	assert_int_equal(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e), RC_FORMAT);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(e.text, "SHA-256"));
	assert_int_equal(ftruncate(w, 4), 0);
	close(w);
	assert_int_equal(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e), RC_FORMAT);
	assert_non_null(strstr(e.text, "4 bytes instead of 5"));
	assert_int_equal(unlink(buf_z(&path)), 0);
	assert_int_equal(mkfifo(buf_z(&path), 0600), 0);
	assert_int_equal(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e), RC_FORMAT);
	assert_int_equal(unlink(buf_z(&path)), 0);
	assert_int_equal(symlink("/etc/passwd", buf_z(&path)), 0);
	assert_int_not_equal(escrow_open_verified(buf_z(&path), 5, &made, &fd, &e), RC_OK);
	assert_int_equal(fd, -1);
	buf_done(&path);
}

static void what_a_crash_left_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct escrow_copy *left, *next;
	struct hash made;
	struct err e;

	ok(escrow_begin(f->s, LANE, ID, &left, &e));
	ok(escrow_write(left, SLICE_LIT("half of it"), &e));
	ok(escrow_begin(f->s, LANE, ID, &next, &e));
	ok(escrow_write(next, SLICE_LIT("12345"), &e));
	assert_int_equal(escrow_written(next), 5);
	ok(escrow_finish(next, 5, NULL, &made, &e));
	escrow_drop(left);
	struct buf path;
	ok(escrow_begin(f->s, LANE, SLICE_LIT("file-2"), &left, &e));
	buf_init(&path);
	escrow_path(f->s, LANE, SLICE_LIT("file-2"), &path);
	ok(escrow_remove(buf_z(&path), &e));    /* its unfinished name too */
	buf_done(&path);
	assert_int_equal(files_in(f->copies), 1);
	escrow_drop(left);
	assert_int_equal(files_in(f->copies), 1);
}

static void room_counts_the_reserve(void **state)
{
	struct fixture *f = *state;
	struct escrow *greedy;
	struct err e;

	ok(escrow_room(f->s, 1, &e));
	assert_int_equal(escrow_room(f->s, INT64_MAX, &e), RC_FULL);
	ok(escrow_open(&greedy, f->copies, INT64_MAX, &e));
	assert_int_equal(escrow_room(greedy, 1, &e), RC_FULL);
	assert_non_null(strstr(e.text, "stay reserved"));
	escrow_close(greedy);
}

static void a_directory_that_others_may_enter_is_refused(void **state)
{
	struct fixture *f = *state;
	struct escrow *s;
	struct err e;

	assert_int_equal(chmod(f->copies, 0750), 0);
	assert_int_equal(escrow_open(&s, f->copies, 0, &e), RC_REFUSED);
	assert_null(s);
	assert_non_null(strstr(e.text, "0700"));
	assert_int_equal(escrow_open(&s, f->d.db, 0, &e), RC_IO);
	assert_int_equal(escrow_open(&s, "/nonexistent/copies", 0, &e), RC_IO);
}

/* In a process of its own, whose files may not grow past 4 KiB: 0 = refused as it should be. */
static int write_past_a_limit(struct fixture *f)
{
	const struct rlimit small = { 4096, 4096 };
	char bytes[5000] = { 0 };
	struct escrow_copy *c;
	struct err e;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &small) != 0 || escrow_begin(f->s, LANE, ID, &c, &e) != RC_OK)
		return 2;
	if (escrow_write(c, (struct slice){ bytes, sizeof bytes }, &e) != RC_IO || !strstr(e.text, "cannot write the copy"))
		return 3;
	escrow_drop(c);
	return files_in(f->copies) ? 4 : 0;
}

static void a_disk_that_takes_no_more_is_said_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(write_past_a_limit(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- the index ---- */

static void put(struct fixture *f, const char *id, const char *word, int64_t cycle)
{
	struct journal *j = journal_new();
	struct journal_escrow x = { .lane = LANE, .id = slice_of(id), .name = SLICE_LIT("a.txt"), .purpose = SLICE_LIT("batch"),
		.bytes = slice_is(slice_of(word), "ok") ? 5 : -1, .sha256 = SLICE_LIT("ab"), .created_us = 7, .meta = SLICE_LIT("{}"),
		.path = SLICE_LIT("/x/y"), .state = slice_of(word), .cycle = cycle, .at_us = cycle };
	struct err e;

	journal_escrow(j, &x);
	ok(journal_apply(f->db, &f->head, j, &e));
	journal_free(j);
}

static enum rc count(void *ctx, const struct journal_escrow *x)
{
	(void)x;
	++*(int *)ctx;
	return RC_OK;
}

static void only_a_whole_copy_is_found(void **state)
{
	struct fixture *f = *state;
	struct journal_escrow x;
	struct err e;

	assert_int_equal(escrow_find(f->db, LANE, ID, &x, f->keep, &e), RC_NOT_FOUND);
	put(f, "file-1", "started", 1);
	assert_int_equal(escrow_find(f->db, LANE, ID, &x, f->keep, &e), RC_NOT_FOUND);
	ok(escrow_look(f->db, LANE, ID, &x, f->keep, &e));
	assert_int_equal(x.bytes, -1);
	put(f, "file-1", "ok", 2);
	ok(escrow_find(f->db, LANE, ID, &x, f->keep, &e));
	assert_int_equal(x.bytes, 5);
	assert_int_equal(x.created_us, 7);
	assert_int_equal(x.cycle, 2);
	assert_true(slice_is(x.name, "a.txt") && slice_is(x.purpose, "batch") && slice_is(x.path, "/x/y"));
	put(f, "file-1", "discarded", 3);
	assert_int_equal(escrow_find(f->db, LANE, ID, &x, f->keep, &e), RC_NOT_FOUND);
	assert_non_null(strstr(e.text, "discarded"));
}

static void the_index_is_listed_by_lane_state_and_cycle(void **state)
{
	struct fixture *f = *state;
	const struct { struct escrow_filter f; int n; } CASES[] = {
		{ { .limit = 0 }, 3 }, { { .limit = 2 }, 2 }, { { .state = SLICE_LIT("ok") }, 2 }, { { .lane = LANE }, 3 },
		{ { .lane = SLICE_LIT("beta") }, 0 }, { { .cycle = 2 }, 1 }, { { .cycle = 1, .state = SLICE_LIT("ok") }, 1 } };
	struct err e;

	put(f, "file-1", "ok", 1);
	put(f, "file-2", "started", 1);
	put(f, "file-3", "ok", 2);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		int n = 0;

		ok(escrow_each(f->db, &CASES[i].f, count, &n, &e));
		assert_int_equal(n, CASES[i].n);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
	T(a_copy_is_private_whole_and_comes_back), T(an_empty_item_has_a_copy_too),
	T(too_few_too_many_and_other_bytes_leave_nothing), T(a_failed_second_copy_leaves_the_first),
	T(damage_truncation_and_what_is_no_file_are_named), T(what_a_crash_left_is_replaced),
	T(room_counts_the_reserve), T(a_directory_that_others_may_enter_is_refused),
	T(a_disk_that_takes_no_more_is_said_and_leaves_nothing), T(only_a_whole_copy_is_found),
	T(the_index_is_listed_by_lane_state_and_cycle),
};

UNIT_MAIN("escrow", tests)
