#include "unit_store.h"

static enum rc open_writer(const struct dir *d, struct err *e)
{
	struct db *db = NULL;
	enum rc rc = db_open(&db, d->db, DB_WRITER, &schema_sluice, e);

	db_close(db);
	return rc;
}

static int newest(void)
{
	int n = 0;

	for (const struct db_migration *m = schema_sluice.steps; m->sql != NULL; m++)
		n = m->version;
	return n;
}

static void a_fresh_database_is_private_complete_and_in_wal_mode(void **state)
{
	struct dir *d = *state;
	struct stat st;
	struct err e;

	ok(open_writer(d, &e));
	assert_int_equal(stat(d->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(raw_number(d->db, "PRAGMA user_version"), newest());
	assert_int_equal(raw_number(d->db, "PRAGMA application_id"), schema_sluice.application_id);
	assert_int_equal(raw_number(d->db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	char leftover[320];
	snprintf(leftover, sizeof leftover, "%s.new", d->db);
	assert_int_equal(access(leftover, F_OK), -1);
}

static void what_a_crash_left_of_a_creation_is_made_again(void **state)
{
	struct dir *d = *state;
	char leftover[320];
	struct err e;

	snprintf(leftover, sizeof leftover, "%s.new", d->db);
	unit_write(leftover, "half", 4, 0600);
	ok(open_writer(d, &e));
	assert_int_equal(access(leftover, F_OK), -1);
}

static void a_database_of_an_earlier_version_is_brought_up_to_date(void **state)
{
	struct dir *d = *state;
	const struct db_migration first[] = { { 1, schema_sluice_1 }, { 0, NULL } };
	struct db_schema old = schema_sluice;
	struct db *db;
	struct err e;

	old.steps = first;
	ok(db_open(&db, d->db, DB_WRITER, &old, &e));
	db_close(db);
	assert_int_equal(raw_number(d->db, "PRAGMA user_version"), 1);
	ok(open_writer(d, &e));
	assert_int_equal(raw_number(d->db, "PRAGMA user_version"), newest());
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM escrow"), 0);
}

static void a_newer_database_is_refused_with_usage(void **state)
{
	struct dir *d = *state;
	struct db *r;
	struct err e;

	ok(open_writer(d, &e));
	char newer[40];
	snprintf(newer, sizeof newer, "PRAGMA user_version = %d", newest() + 1);
	assert_int_equal(raw_sql(d->db, newer), SQLITE_OK);
	assert_int_equal(open_writer(d, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "newer version"));
	assert_int_equal(db_open(&r, d->db, DB_READER, &schema_sluice, &e), RC_USAGE);
}

static void a_damaged_database_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	char junk[8192];
	struct err e;

	memset(junk, 'x', sizeof junk);
	unit_write(d->db, junk, sizeof junk, 0600);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "restore a copy"));
}

static void a_truncated_database_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	struct err e;

	log_of(d, 200);
	assert_int_equal(truncate(d->db, 3 * 4096 + 100), 0);
	struct loop *l = xcalloc(1, sizeof *l);
	assert_int_equal(loop_open(l, d->path, &e), RC_AUDIT);
	free(l);
}

/* A log cut to nothing must not begin again at record 1. */
static void an_empty_file_in_its_place_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	struct err e;

	unit_write(d->db, "", 0, 0600);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "is not one"));
}

static void a_missing_database_beside_its_wal_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	struct err e;

	unit_write(d->wal, "left behind", 11, 0600);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "-wal"));
}

static void a_database_of_another_program_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	struct err e;

	assert_int_equal(raw_sql(d->db, "PRAGMA application_id = 5; PRAGMA user_version = 1; CREATE TABLE t (x)"), SQLITE_OK);
	assert_int_equal(chmod(d->db, 0600), 0);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
}

static void a_link_or_a_file_others_can_write_is_refused(void **state)
{
	struct dir *d = *state;
	char aside[320];
	struct err e;

	ok(open_writer(d, &e));
	assert_int_equal(chmod(d->db, 0620), 0);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "chmod 600"));
	assert_int_equal(chmod(d->db, 0600), 0);
	snprintf(aside, sizeof aside, "%s.aside", d->db);
	assert_int_equal(rename(d->db, aside), 0);
	assert_int_equal(symlink(aside, d->db), 0);
	assert_int_equal(open_writer(d, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "not a regular file"));
}

static void a_directory_that_is_not_there_is_named(void **state)
{
	struct dir *d = *state;
	struct db *db;
	struct err e;
	char path[320];

	snprintf(path, sizeof path, "%s/none/sluice.db", d->path);
	assert_int_equal(db_open(&db, path, DB_WRITER, &schema_sluice, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "none/sluice.db"));
	assert_int_equal(db_open(&db, path, DB_READER, &schema_sluice, &e), RC_AUDIT);
}

static void a_reader_cannot_write(void **state)
{
	struct dir *d = *state;
	struct db *r;
	struct err e;

	ok(open_writer(d, &e));
	ok(db_open(&r, d->db, DB_READER, &schema_sluice, &e));
	assert_int_not_equal(db_exec(r, "UPDATE commits SET n = 9", &e), RC_OK);
	assert_int_not_equal(db_exec(r, "PRAGMA query_only = OFF; UPDATE commits SET n = 9", &e), RC_OK);
	db_close(r);
	assert_int_equal(raw_number(d->db, "SELECT n FROM commits"), 0);
}

static void the_writer_can_change_neither_the_log_nor_the_schema(void **state)
{
	static const char *const forbidden[] = {
		"UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DROP TABLE audit", "DROP TRIGGER audit_no_update",
		"ALTER TABLE audit ADD COLUMN x", "PRAGMA writable_schema = ON", "PRAGMA recursive_triggers = OFF",
		"CREATE TEMP TRIGGER t BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END",
		"ATTACH 'x.db' AS x", "PRAGMA journal_mode = DELETE"
	};
	struct dir *d = *state;
	struct db *db;
	struct err e;

	ok(db_open(&db, d->db, DB_WRITER, &schema_sluice, &e));
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		assert_int_equal(db_exec(db, forbidden[i], &e), RC_REFUSED);
	db_close(db);
}

static void a_statement_is_made_once_and_a_busy_one_left_alone(void **state)
{
	const char *sql = "SELECT value FROM (SELECT 1 AS value UNION ALL SELECT 2)";
	char copy[80];
	struct dir *d = *state;
	struct db_stmt *a, *b, *c;
	struct db *db;
	struct err e;

	ok(db_open(&db, d->db, DB_WRITER, &schema_sluice, &e));
	ok(db_prepare(db, &a, sql, &e));
	ok(db_prepare(db, &b, sql, &e));
	assert_ptr_equal(a, b);
	snprintf(copy, sizeof copy, "%s", sql);
	ok(db_prepare(db, &b, copy, &e));
	assert_ptr_equal(a, b);
	assert_int_equal(db_step(a, &e), DB_ROW);
	ok(db_prepare(db, &c, sql, &e));
	assert_ptr_not_equal(a, c);
	assert_int_equal(db_step(a, &e), DB_ROW);
	assert_int_equal(db_i64(a, 0), 2);
	db_reset(a);
	db_close(db);
}

static void values_come_back_as_they_were_bound(void **state)
{
	struct dir *d = *state;
	struct db_stmt *s;
	struct db *db;
	struct err e;

	ok(db_open(&db, d->db, DB_WRITER, &schema_sluice, &e));
	ok(db_prepare(db, &s, "SELECT ?1, ?2, ?3, ?4, ?5, ?6", &e));
	db_bind_i64(s, 1, INT64_MIN);
	db_bind_opt(s, 2, -1);
	db_bind_opt(s, 3, 0);
	db_bind_text(s, 4, (struct slice){ "a\0\xff", 3 });
	db_bind_text(s, 5, (struct slice){ NULL, 0 });
	assert_int_equal(db_step(s, &e), DB_ROW);
	assert_int_equal(db_i64(s, 0), INT64_MIN);
	assert_true(db_is_null(s, 1));
	assert_int_equal(db_i64(s, 1), -1);
	assert_int_equal(db_i64(s, 2), 0);
	assert_true(slice_eq(db_text(s, 3), (struct slice){ "a\0\xff", 3 }));
	assert_false(db_is_null(s, 4));
	assert_int_equal(db_text(s, 4).n, 0);
	assert_true(db_is_null(s, 5));
	db_close(db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		T(a_fresh_database_is_private_complete_and_in_wal_mode),
		T(what_a_crash_left_of_a_creation_is_made_again),
		T(a_database_of_an_earlier_version_is_brought_up_to_date),
		T(a_newer_database_is_refused_with_usage),
		T(a_damaged_database_is_an_audit_error),
		T(a_truncated_database_is_an_audit_error),
		T(an_empty_file_in_its_place_is_an_audit_error),
		T(a_missing_database_beside_its_wal_is_an_audit_error),
		T(a_database_of_another_program_is_an_audit_error),
		T(a_link_or_a_file_others_can_write_is_refused),
		T(a_directory_that_is_not_there_is_named),
		T(a_reader_cannot_write),
		T(the_writer_can_change_neither_the_log_nor_the_schema),
		T(a_statement_is_made_once_and_a_busy_one_left_alone),
		T(values_come_back_as_they_were_bound),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_db", tests, NULL, NULL);
}
