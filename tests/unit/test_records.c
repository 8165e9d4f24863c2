#include "records/records.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "unit.h"

/* The application's database, as it is on disk, with its own connection beside ours. */
static char dir[256], path[300];
static sqlite3 *app;
static struct loop *loop;
static struct cfg_lane lanes[2] = { { .name = "kimi" }, { .name = "glm-files" } };
static struct cfg_lane_value values[2] = { { "kimi", 0 }, { "glm", 1 } };
static struct cfg_reference reference;
static struct cfg_records cfg;
static struct config all = { .lanes = lanes, .n_lanes = 2 };
static struct records *rec;

static const char TOKEN[] = "sluice:12:3";

static const char first_shape[] =
	"CREATE TABLE provider_file_uploads (id TEXT PRIMARY KEY, provider TEXT NOT NULL, provider_file_id TEXT NOT NULL, sha256 TEXT,"
	" filename TEXT, file_size_bytes INTEGER, last_used TEXT, upload_status TEXT DEFAULT 'completed', error_message TEXT, created_at TEXT,"
	" updated_at TEXT, supabase_file_id TEXT, upload_method TEXT, reference_count INTEGER DEFAULT 1, deleted_at TEXT, deletion_reason TEXT,"
	" cleanup_claimed_at TEXT, cleanup_claim TEXT, UNIQUE(provider, provider_file_id));"
	"CREATE TABLE conversation_files (conversation_id TEXT, file_id TEXT, PRIMARY KEY(conversation_id, file_id));";

static const char second_shape[] =
	"CREATE TABLE provider_file_uploads (id TEXT PRIMARY KEY, file_id TEXT NOT NULL, user_id TEXT, provider_name TEXT NOT NULL,"
	" provider_file_id TEXT, upload_timestamp TEXT NOT NULL, file_size INTEGER, file_type TEXT, file_hash TEXT, storage_path TEXT,"
	" metadata TEXT, created_at TEXT, updated_at TEXT, deleted_at INTEGER);";

static void sql(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void sql(const char *fmt, ...)
{
	char *text, *why = NULL;
	va_list ap;
	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) > 0);
	va_end(ap);
	if (sqlite3_exec(app, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	free(text);
}

/* One value as text; "-" for NULL or no row. */
static const char *value(const char *query)
{
	static char out[200];
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(app, query, -1, &s, NULL), SQLITE_OK);
	snprintf(out, sizeof out, "%s", sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0) ? (const char *)sqlite3_column_text(s, 0) : "-");
	sqlite3_finalize(s);
	return out;
}

static void default_config(void)
{
#define DEF(n) { n, false }
	cfg = (struct cfg_records){
		.name = "app", .kind = CFG_RECORDS_SQLITE, .path = path, .table = "provider_file_uploads",
		.columns = { .id = DEF("id"), .lane = DEF("provider"), .file_id = DEF("provider_file_id"), .name = DEF("filename"),
			     .bytes = DEF("file_size_bytes"), .sha256 = DEF("sha256"), .created = DEF("created_at"), .updated = DEF("updated_at"),
			     .last_used = DEF("last_used"), .status = DEF("upload_status"), .deleted_at = DEF("deleted_at"),
			     .deletion_reason = DEF("deletion_reason"), .claim = DEF("cleanup_claimed_at"), .claim_token = DEF("cleanup_claim"),
			     .object = DEF("supabase_file_id") },
		.objects = -1, .status_deleted = "deleted", .lanes = values, .n_lanes = 2, .busy_timeout_ms = 2000,
	};
}

static void with_references(const char *known_id, bool may_be_empty)
{
	reference = (struct cfg_reference){ "conversation_files", "file_id", "supabase_file_id", known_id, may_be_empty };
	cfg.references = &reference;
	cfg.n_references = 1;
}

static void reopen(void)
{
	struct err e = { 0 };
	records_free(rec);
	assert_int_equal(records_new(&rec, loop, &all, &cfg, &e), RC_OK);
	records_permit(rec, RECORDS_ALL);
}

static int start(const char *schema, bool wal)
{
	unit_mkdir(dir);
	snprintf(path, sizeof path, "%s/app.db", dir);
	assert_int_equal(sqlite3_open(path, &app), SQLITE_OK);
	sqlite3_busy_timeout(app, 5000);
	sql("PRAGMA journal_mode=%s; %s", wal ? "WAL" : "DELETE", schema);
	loop = loop_new();
	default_config();
	rec = NULL;
	reopen();
	return 0;
}

static int setup(void **state) { (void)state; return start(first_shape, true); }
static int setup_rollback(void **state) { (void)state; return start(first_shape, false); }
static int setup_second(void **state) { (void)state; return start(second_shape, true); }

static void remove_dir(void)
{
	static const char *const names[] = { "app.db", "app.db-wal", "app.db-shm", "app.db-journal", "junk.db" };
	char file[400];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(file, sizeof file, "%s/%s", dir, names[i]);
		unlink(file);
	}
	rmdir(dir);
}

static int teardown(void **state)
{
	(void)state;
	records_free(rec);
	loop_free(loop);
	sqlite3_close(app);
	remove_dir();
	return 0;
}

static void add(const char *id, const char *provider, const char *file)
{
	sql("INSERT INTO provider_file_uploads(id, provider, provider_file_id, filename, file_size_bytes, created_at, last_used)"
	    " VALUES('%s','%s','%s','n-%s',10,'2026-01-02 03:04:05+00','2026-02-01 00:00:00')", id, provider, file, id);
}

/* ---- calls that wait ---- */

struct listed {
	struct records_list l;
	struct buf rows;                /* "key lane file_id;…" */
	int64_t n, referenced, bytes;
	int64_t created_us, used_us;
	void (*between)(void);          /* runs on the worker after the first page */
	bool done;
};

static enum rc on_rows(void *ctx, const struct catalog_row *rows, size_t n, struct err *e)
{
	struct listed *r = ctx;
	(void)e;
	for (size_t i = 0; i < n; i++) {
		if (r->n < 10)
			buf_addf(&r->rows, "%.*s %.*s %.*s;", SLICE_FMT(rows[i].key), SLICE_FMT(rows[i].lane), SLICE_FMT(rows[i].file_id));
		r->n++;
		r->referenced += rows[i].referenced;
		r->bytes = rows[i].bytes;
		r->created_us = rows[i].created_us;
		r->used_us = rows[i].used_us;
	}
	if (r->between)
		r->between();
	r->between = NULL;
	return RC_OK;
}

static void on_listed(void *ctx, const struct records_list *l)
{
	struct listed *r = ctx;
	r->l = *l;
	r->done = true;
}

static struct listed list_with(void (*between)(void))
{
	struct listed r = { .between = between };
	records_list(rec, on_rows, on_listed, &r);
	while (!r.done)
		loop_run_once(loop);
	return r;
}

static struct listed list_rows(void) { return list_with(NULL); }

static enum rc list_rc(void)
{
	struct listed r = list_rows();
	buf_done(&r.rows);
	return r.l.rc;
}

struct batch {
	enum rc rc;
	struct err err;
	enum records_result results[600];
	size_t n;
	bool done;
};

static void on_batch(void *ctx, const struct records_answer *a)
{
	struct batch *b = ctx;
	b->rc = a->rc;
	b->err = a->err;
	b->n = a->n;
	assert_true(a->n <= 600);
	if (a->rc == RC_OK)
		memcpy(b->results, a->results, a->n * sizeof *a->results);
	b->done = true;
}

typedef void batch_fn(const struct records_ref *refs, size_t n, struct batch *b);
static void recheck_fn(const struct records_ref *refs, size_t n, struct batch *b) { records_recheck(rec, refs, n, on_batch, b); }
static void claim_fn(const struct records_ref *refs, size_t n, struct batch *b) { records_claim(rec, refs, n, TOKEN, on_batch, b); }
static void release_fn(const struct records_ref *refs, size_t n, struct batch *b) { records_release(rec, refs, n, TOKEN, on_batch, b); }
static void commit_fn(const struct records_ref *refs, size_t n, struct batch *b) { records_commit(rec, refs, n, TOKEN, "expired", on_batch, b); }

static struct batch run(batch_fn *fn, const struct records_ref *refs, size_t n)
{
	struct batch b = { .done = false };
	fn(refs, n, &b);
	while (!b.done)
		loop_run_once(loop);
	return b;
}

static struct records_ref ref(const char *lane, const char *file, const char *key)
{
	return (struct records_ref){ slice_of(lane), slice_of(file), slice_of(key), SLICE_LIT("") };
}

static enum records_result one(batch_fn *fn, const char *lane, const char *file, const char *key)
{
	struct records_ref r = ref(lane, file, key);
	struct batch b = run(fn, &r, 1);
	if (b.rc != RC_OK)
		fail_msg("%s", b.err.text);
	return b.results[0];
}

static void on_count(void *ctx, int64_t n, const struct err *err)
{
	(void)err;
	*(int64_t *)ctx = n;
}

static int64_t claims(void)
{
	int64_t n = -2;
	records_count_claims(rec, TOKEN, on_count, &n);
	while (n == -2)
		loop_run_once(loop);
	return n;
}

/* ---- listing ---- */

static void the_list_has_every_live_row_of_our_lanes(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	add("b", "glm", "f2");
	add("c", "openai", "f3");
	add("d", "kimi", "f4");
	add("e", "kimi", "f5");
	sql("UPDATE provider_file_uploads SET deleted_at='2026-01-01' WHERE id='d';"
	    "UPDATE provider_file_uploads SET upload_status='Deleted' WHERE id='e'");
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_string_equal(buf_z(&r.rows), "a kimi f1;b glm-files f2;");
	assert_int_equal(r.l.rows, 2);
	assert_int_equal(r.l.count_before, 3);
	assert_int_equal(r.created_us, INT64_C(1767323045000000));
	assert_int_equal(r.used_us, INT64_C(1769904000000000));
	assert_true(r.l.caps.claim && r.l.caps.deleted_at && r.l.caps.status && r.l.caps.used && !r.l.caps.refs);
	assert_string_equal(r.l.caps.unclaimed, "");
	assert_non_null(strstr(r.l.places, "provider_file_uploads 2 rows and 1 of other lanes"));
	buf_done(&r.rows);
}

static void an_empty_deleted_at_deletes_nothing(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	sql("UPDATE provider_file_uploads SET deleted_at='', upload_status=NULL");
	struct listed r = list_rows();
	assert_int_equal(r.n, 1);
	buf_done(&r.rows);
}

static void pages_follow_the_key(void **state)
{
	(void)state;
	for (int n = 4999; n <= 5001; n++) {
		sql("DELETE FROM provider_file_uploads; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<%d) "
		    "INSERT INTO provider_file_uploads(id, provider, provider_file_id) SELECT hex(randomblob(8)), 'kimi', 'f-'||i FROM c", n);
		struct listed r = list_rows();
		assert_int_equal(r.l.rc, RC_OK);
		assert_int_equal(r.n, n);
		buf_done(&r.rows);
	}
}

static void integer_keys_page_as_integers(void **state)
{
	(void)state;
	sql("DROP TABLE provider_file_uploads; CREATE TABLE provider_file_uploads(id INTEGER PRIMARY KEY, provider TEXT, provider_file_id TEXT,"
	    " deleted_at INTEGER);"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<12000) "
	    "INSERT INTO provider_file_uploads SELECT i, 'kimi', 'f-'||i, NULL FROM c");
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_int_equal(r.n, 12000);
	assert_int_equal(one(commit_fn, "kimi", "f-7", "7"), RECORDS_DONE);
	assert_string_equal(value("SELECT typeof(deleted_at) FROM provider_file_uploads WHERE id=7"), "integer");
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL"), "1");
	buf_done(&r.rows);
}

static void many(int n)
{
	sql("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<%d) "
	    "INSERT INTO provider_file_uploads(id, provider, provider_file_id) SELECT printf('k%%06d', i), 'kimi', 'f-'||i FROM c", n);
}

static void insert_low(void) { add("a-low", "kimi", "f-low"); }

static void a_list_of_a_write_ahead_database_is_one_moment(void **state)
{
	(void)state;
	many(6000);
	struct listed r = list_with(insert_low);
	assert_int_equal(r.l.rc, RC_OK);
	assert_int_equal(r.n, 6000);
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads"), "6001");
	buf_done(&r.rows);
}

static void rows_that_came_while_a_long_list_was_read_make_it_incomplete(void **state)
{
	(void)state;
	many(21000);                    /* above what one transaction reads of a rollback-journal database */
	struct listed r = list_with(insert_low);
	assert_int_equal(r.l.rc, RC_INCOMPLETE);
	assert_non_null(strstr(r.l.err.text, "discover again"));
	buf_done(&r.rows);
}

static void no_row_at_all_is_incomplete_unless_declared(void **state)
{
	(void)state;
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_INCOMPLETE);
	assert_non_null(strstr(r.l.err.text, "may_be_empty"));
	cfg.may_be_empty = true;
	reopen();
	r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_true(r.l.empty && r.l.may_be_empty);
	cfg.may_be_empty = false;
	add("c", "openai", "f3");
	reopen();
	assert_int_equal(list_rc(), RC_INCOMPLETE);
}

static void a_reference_table_is_believed_only_after_its_self_test(void **state)
{
	(void)state;
	static const struct { const char *known; bool may_be_empty, filled; enum rc rc; } t[] = {
		{ "s1", false, true, RC_OK }, { "s9", false, true, RC_INCOMPLETE }, { "s1", false, false, RC_INCOMPLETE },
		{ "s1", true, false, RC_OK }, { "s9", true, true, RC_INCOMPLETE }, { NULL, true, true, RC_OK }, { NULL, true, false, RC_OK },
	};
	add("a", "kimi", "f1");
	add("b", "kimi", "f2");
	sql("UPDATE provider_file_uploads SET supabase_file_id='s1' WHERE id='a'");
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		sql("DELETE FROM conversation_files; %s", t[i].filled ? "INSERT INTO conversation_files VALUES('c','s1')" : "");
		with_references(t[i].known, t[i].may_be_empty);
		reopen();
		struct listed r = list_rows();
		if (r.l.rc != t[i].rc)
			fail_msg("row %zu: %s", i, r.l.err.text);
		if (r.l.rc == RC_OK)
			assert_int_equal(r.referenced, t[i].filled ? 1 : 0);
		buf_done(&r.rows);
	}
}

/* ---- columns ---- */

static void the_second_shape_is_understood(void **state)
{
	(void)state;
	sql("INSERT INTO provider_file_uploads(id, file_id, provider_name, provider_file_id, upload_timestamp, file_size) VALUES"
	    "('a','own-1','kimi','f1','2026-01-01',77), ('b','own-2','kimi',NULL,'2026-01-01',1)");
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_string_equal(buf_z(&r.rows), "a kimi f1;");
	assert_int_equal(r.bytes, 77);
	assert_int_equal(r.used_us, -1);
	assert_false(r.l.caps.claim || r.l.caps.status || r.l.caps.used);
	assert_non_null(strstr(r.l.caps.unclaimed, "unclaimed"));
	assert_non_null(strstr(r.l.places, "1 without a file id"));
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_UNCLAIMED);
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_string_equal(value("SELECT typeof(deleted_at) FROM provider_file_uploads WHERE id='a'"), "integer");
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_DONE);
	buf_done(&r.rows);
}

static void a_missing_column_is_named_with_its_key(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	static const struct { struct cfg_column *c; struct cfg_column want; const char *column, *key; } t[] = {
		{ &cfg.columns.file_id, { "remote_id", false }, "remote_id", "columns.file_id" },
		{ &cfg.columns.lane, { "vendor", false }, "vendor", "columns.lane" },
		{ &cfg.columns.status, { "state", true }, "state", "columns.status" },
		{ &cfg.columns.claim_token, { "lease", true }, "lease", "columns.claim_token" },
	};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		default_config();
		*t[i].c = t[i].want;
		reopen();
		struct listed r = list_rows();
		assert_int_equal(r.l.rc, RC_USAGE);
		assert_non_null(strstr(r.l.err.text, t[i].column));
		assert_non_null(strstr(r.l.err.text, t[i].key));
	}
	default_config();
	cfg.table = "uploads; DROP TABLE provider_file_uploads";
	reopen();
	assert_non_null(strstr(list_rows().l.err.text, "there is no table"));
	default_config();
	cfg.columns.status.name = NULL;         /* switched off with none */
	cfg.columns.name = (struct cfg_column){ "title", false };
	reopen();
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_false(r.l.caps.status);
	buf_done(&r.rows);
}

static void where_no_deletion_can_be_recorded_nothing_is_claimed(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	cfg.columns.status.name = NULL;
	cfg.columns.deleted_at.name = NULL;
	reopen();
	struct records_ref r = ref("kimi", "f1", "a");
	struct batch b = run(claim_fn, &r, 1);
	assert_int_equal(b.rc, RC_USAGE);
	assert_non_null(strstr(b.err.text, "columns.deleted_at"));
}

static void names_with_quotes_are_only_names(void **state)
{
	(void)state;
	sql("CREATE TABLE \"my \"\"table\" (\"the id\" TEXT PRIMARY KEY, \"a'b\" TEXT, \"f\"\"id\" TEXT, \"select\" TEXT);"
	    "INSERT INTO \"my \"\"table\" VALUES('k','it''s','f1',NULL)");
	static struct cfg_lane_value quoted[1] = { { "it's", 0 } };
	cfg.table = "my \"table";
	cfg.columns = (struct cfg_columns){ .id = { "the id", true }, .lane = { "a'b", true }, .file_id = { "f\"id", true }, .deleted_at = { "select", true } };
	cfg.lanes = quoted;
	cfg.n_lanes = 1;
	reopen();
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_OK);
	assert_string_equal(buf_z(&r.rows), "k kimi f1;");
	assert_int_equal(one(commit_fn, "kimi", "f1", "k"), RECORDS_DONE);
	assert_string_equal(value("SELECT \"select\" IS NOT NULL FROM \"my \"\"table\""), "1");
	buf_done(&r.rows);
}

/* ---- recheck ---- */

static void a_row_that_changed_is_not_what_was_listed(void **state)
{
	(void)state;
	static const struct { const char *change; enum records_result want; } t[] = {
		{ "SELECT 1", RECORDS_DONE },
		{ "UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET provider='glm' WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET deleted_at='2026-01-01' WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET upload_status='deleted' WHERE id='a'", RECORDS_CHANGED },
		{ "DELETE FROM provider_file_uploads WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET id='z' WHERE id='a'", RECORDS_REFERENCED },
		{ "UPDATE provider_file_uploads SET last_used=datetime('now') WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET updated_at=strftime('%Y-%m-%dT%H:%M:%SZ','now') WHERE id='a'", RECORDS_CHANGED },
		{ "INSERT INTO conversation_files VALUES('c','s1')", RECORDS_REFERENCED },
	};
	with_references(NULL, true);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		sql("DELETE FROM provider_file_uploads; DELETE FROM conversation_files");
		add("a", "kimi", "f1");
		sql("UPDATE provider_file_uploads SET supabase_file_id='s1'");
		reopen();
		struct listed r = list_rows();
		assert_int_equal(r.l.rc, RC_OK);
		sql("%s", t[i].change);
		enum records_result got = one(recheck_fn, "kimi", "f1", "a");
		if (got != t[i].want)
			fail_msg("%s: %s", t[i].change, records_result_name(got));
		if (got != RECORDS_DONE)
			assert_int_equal(one(claim_fn, "kimi", "f1", "a"), got);
		buf_done(&r.rows);
	}
}

static void an_orphan_that_got_a_row_is_referenced(void **state)
{
	(void)state;
	add("a", "kimi", "other");
	assert_int_equal(one(recheck_fn, "kimi", "orphan", ""), RECORDS_DONE);
	assert_int_equal(one(claim_fn, "kimi", "orphan", ""), RECORDS_NO_ROW);
	add("b", "glm", "orphan");              /* another lane's file of the same id */
	assert_int_equal(one(recheck_fn, "kimi", "orphan", ""), RECORDS_DONE);
	add("c", "kimi", "orphan");
	assert_int_equal(one(recheck_fn, "kimi", "orphan", ""), RECORDS_REFERENCED);
	assert_int_equal(one(claim_fn, "kimi", "orphan", ""), RECORDS_REFERENCED);
	assert_int_equal(one(commit_fn, "kimi", "orphan", ""), RECORDS_REFERENCED);
	sql("UPDATE provider_file_uploads SET deleted_at='x' WHERE id='c'");
	assert_int_equal(one(recheck_fn, "kimi", "orphan", ""), RECORDS_DONE);
}

/* ---- claim, release, commit ---- */

static void a_claim_is_taken_once_and_only_when_free(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	add("b", "kimi", "f2");
	add("c", "kimi", "f3");
	sql("UPDATE provider_file_uploads SET cleanup_claim='sluice:99:1' WHERE id='b';"
	    "UPDATE provider_file_uploads SET cleanup_claimed_at='2026-01-01' WHERE id='c'");
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(one(claim_fn, "kimi", "f2", "b"), RECORDS_CHANGED);
	assert_int_equal(one(claim_fn, "kimi", "f3", "c"), RECORDS_CHANGED);
	assert_string_equal(value("SELECT cleanup_claim FROM provider_file_uploads WHERE id='a'"), TOKEN);
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE cleanup_claimed_at LIKE '20__-__-__T__:__:__.______Z'"), "1");
	assert_int_equal(claims(), 1);
	assert_int_equal(one(release_fn, "kimi", "f2", "b"), RECORDS_DONE);     /* not ours: left alone */
	assert_string_equal(value("SELECT cleanup_claim FROM provider_file_uploads WHERE id='b'"), "sluice:99:1");
	assert_int_equal(one(release_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(one(release_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_string_equal(value("SELECT coalesce(cleanup_claim,'free')||coalesce(cleanup_claimed_at,'') FROM provider_file_uploads WHERE id='a'"), "free");
	assert_int_equal(claims(), 0);
}

static void a_claim_of_a_row_that_moved_to_another_file_is_released(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
	sql("UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'");
	assert_int_equal(one(release_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(claims(), 0);
}

static void a_commit_marks_exactly_its_row_and_may_be_repeated(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	add("b", "kimi", "f2");
	add("c", "glm", "f1");
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_string_equal(value("SELECT upload_status||' '||deletion_reason FROM provider_file_uploads WHERE id='a'"), "deleted expired sluice:12:3");
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL AND upload_status='completed'"), "2");
	assert_int_equal(claims(), 0);
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_DONE);
	sql("UPDATE provider_file_uploads SET deletion_reason='expired sluice:112:3' WHERE id='a'");
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_CHANGED);
}

static void a_commit_of_a_row_that_somebody_took_is_a_conflict(void **state)
{
	(void)state;
	static const struct { const char *change; enum records_result want; } t[] = {
		{ "UPDATE provider_file_uploads SET deleted_at='2026-01-01', deletion_reason='manual' WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET cleanup_claim='somebody' WHERE id='a'", RECORDS_CHANGED },
		{ "UPDATE provider_file_uploads SET provider_file_id='f9' WHERE id='a'", RECORDS_CHANGED },
		{ "DELETE FROM provider_file_uploads WHERE id='a'", RECORDS_CHANGED },
		{ "INSERT INTO conversation_files VALUES('c','s1')", RECORDS_REFERENCED },
	};
	with_references(NULL, true);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		sql("DELETE FROM provider_file_uploads; DELETE FROM conversation_files");
		add("a", "kimi", "f1");
		sql("UPDATE provider_file_uploads SET supabase_file_id='s1'");
		reopen();
		assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
		sql("%s", t[i].change);
		enum records_result got = one(commit_fn, "kimi", "f1", "a");
		if (got != t[i].want)
			fail_msg("%s: %s", t[i].change, records_result_name(got));
		assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deletion_reason LIKE '%sluice%'"), "0");
	}
}

static void a_key_that_names_two_rows_changes_none(void **state)
{
	(void)state;
	sql("DROP TABLE provider_file_uploads; CREATE TABLE provider_file_uploads(id TEXT, provider TEXT, provider_file_id TEXT, deleted_at TEXT);"
	    "INSERT INTO provider_file_uploads VALUES('k','kimi','f1',NULL),('k','kimi','f1',NULL)");
	struct records_ref r = ref("kimi", "f1", "k");
	struct batch b = run(commit_fn, &r, 1);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(b.results[0], RECORDS_FAILED);
	assert_non_null(strstr(b.err.text, "columns.id"));
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL"), "2");
}

static void a_batch_larger_than_a_transaction_is_whole(void **state)
{
	struct records_ref refs[401];
	char ids[401][16], keys[401][16];
	(void)state;
	many(500);
	for (int i = 0; i < 401; i++) {
		snprintf(ids[i], sizeof ids[i], "f-%d", i + 1);
		snprintf(keys[i], sizeof keys[i], "k%06d", i + 1);
		refs[i] = ref("kimi", ids[i], keys[i]);
	}
	for (int n = 199; n <= 401; n += n == 201 ? 198 : 1) {
		struct batch b = run(claim_fn, refs, (size_t)n);
		assert_int_equal(b.rc, RC_OK);
		for (int i = 0; i < n; i++)
			assert_int_equal(b.results[i], RECORDS_DONE);
		assert_int_equal(claims(), n);
	}
	struct batch b = run(commit_fn, refs, 401);
	assert_int_equal(b.results[400], RECORDS_DONE);
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NOT NULL"), "401");
	b = run(commit_fn, refs, 0);
	assert_int_equal(b.rc, RC_OK);
}

/* ---- modes ---- */

static void observe_and_rehearse_change_nothing(void **state)
{
	(void)state;
	struct records_ref r = ref("kimi", "f1", "a");
	static batch_fn *const fns[] = { claim_fn, release_fn, commit_fn };
	add("a", "kimi", "f1");
	records_permit(rec, RECORDS_READS);
	int before = sqlite3_total_changes(app);
	for (size_t i = 0; i < ARRAY_LEN(fns); i++)
		assert_int_equal(run(fns[i], &r, 1).rc, RC_REFUSED);
	assert_int_equal(list_rc(), RC_OK);
	assert_int_equal(one(recheck_fn, "kimi", "f1", "a"), RECORDS_DONE);
	records_permit(rec, RECORDS_REHEARSE);
	for (size_t i = 0; i < ARRAY_LEN(fns); i++)
		assert_int_equal(one(fns[i], "kimi", "f1", "a"), RECORDS_REHEARSED);
	sql("UPDATE provider_file_uploads SET cleanup_claim='somebody'");
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_CHANGED);
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_CHANGED);
	sql("UPDATE provider_file_uploads SET cleanup_claim=NULL");
	before += 2;
	assert_int_equal(sqlite3_total_changes(app), before);
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE deleted_at IS NULL AND cleanup_claim IS NULL"), "1");
}

static void observe_leaves_the_bytes_of_the_file_alone(void **state)
{
	(void)state;
	struct stat a, b;
	add("a", "kimi", "f1");
	records_permit(rec, RECORDS_READS);
	assert_int_equal(stat(path, &a), 0);
	assert_int_equal(list_rc(), RC_OK);
	assert_int_equal(stat(path, &b), 0);
	assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	assert_string_equal(value("PRAGMA journal_mode"), "delete");
}

static void the_write_ahead_log_is_left_to_the_application(void **state)
{
	char wal[320];
	struct stat st;
	(void)state;
	add("a", "kimi", "f1");
	snprintf(wal, sizeof wal, "%s-wal", path);
	sql("PRAGMA wal_autocheckpoint=0");
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size > 0);
	sqlite3_close(app);             /* it checkpoints on close; open it again by hand */
	assert_int_equal(sqlite3_open(path, &app), SQLITE_OK);
	assert_string_equal(value("SELECT cleanup_claim FROM provider_file_uploads"), TOKEN);
	assert_string_equal(value("PRAGMA journal_mode"), "wal");
}

/* ---- trouble ---- */

static void a_locked_database_fails_with_a_sentence_and_changes_nothing(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	cfg.busy_timeout_ms = 50;
	reopen();
	sql("BEGIN IMMEDIATE");
	struct records_ref r = ref("kimi", "f1", "a");
	struct batch b = run(claim_fn, &r, 1);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(b.results[0], RECORDS_FAILED);
	assert_non_null(strstr(b.err.text, "busy_timeout"));
	sql("COMMIT");
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_DONE);
}

static void a_file_that_is_not_there_is_never_created(void **state)
{
	(void)state;
	char gone[400];
	struct stat st;
	snprintf(gone, sizeof gone, "%s/none.db", dir);
	cfg.path = gone;
	reopen();
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_IO);
	assert_non_null(strstr(r.l.err.text, "none.db"));
	assert_int_not_equal(stat(gone, &st), 0);
}

static void a_file_that_is_no_database_says_so(void **state)
{
	(void)state;
	char junk[400];
	snprintf(junk, sizeof junk, "%s/junk.db", dir);
	FILE *f = fopen(junk, "w");
	for (int i = 0; i < 5000; i++)
		fputs("not a database\n", f);
	fclose(f);
	cfg.path = junk;
	reopen();
	struct listed r = list_rows();
	assert_int_equal(r.l.rc, RC_IO);
	assert_non_null(strstr(r.l.err.text, "no SQLite database"));
}

static void a_rule_of_the_table_that_refuses_is_a_failure_not_a_success(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	sql("CREATE TRIGGER t BEFORE UPDATE ON provider_file_uploads BEGIN SELECT RAISE(ABORT, 'frozen'); END");
	struct records_ref r = ref("kimi", "f1", "a");
	struct batch b = run(commit_fn, &r, 1);
	assert_int_equal(b.results[0], RECORDS_FAILED);
	assert_non_null(strstr(b.err.text, "frozen"));
}

/* A trigger that ignores the change leaves zero rows: never reported as done. */
static void a_change_that_did_not_happen_is_not_reported(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	sql("CREATE TRIGGER t BEFORE UPDATE ON provider_file_uploads BEGIN SELECT RAISE(IGNORE); END");
	assert_int_equal(one(commit_fn, "kimi", "f1", "a"), RECORDS_CHANGED);
	assert_int_equal(one(claim_fn, "kimi", "f1", "a"), RECORDS_CHANGED);
}

/* ---- a second writer ---- */

enum { RACE_ROWS = 400 };
static atomic_int taken;
static atomic_bool race_go;

/* The application attaches files while we claim: whoever is first wins, never both. */
static void *attach_files(void *arg)
{
	sqlite3 *h;
	(void)arg;
	sqlite3_open(path, &h);
	sqlite3_busy_timeout(h, 5000);
	while (!atomic_load(&race_go))
		;
	for (int i = RACE_ROWS; i > 0; i--) {
		char q[300];
		snprintf(q, sizeof q, "UPDATE provider_file_uploads SET supabase_file_id='used', upload_method='again', cleanup_claim='app' "
			 "WHERE provider_file_id='f-%d' AND cleanup_claim IS NULL AND deleted_at IS NULL", i);
		if (sqlite3_exec(h, q, NULL, NULL, NULL) == SQLITE_OK && sqlite3_changes(h) == 1)
			atomic_fetch_add(&taken, 1);
	}
	sqlite3_close(h);
	return NULL;
}

static void of_two_writers_exactly_one_gets_each_row(void **state)
{
	static char ids[RACE_ROWS][16], keys[RACE_ROWS][16];
	int ours = 0, lost = 0;
	pthread_t t;
	(void)state;
	many(RACE_ROWS);
	atomic_store(&taken, 0);
	atomic_store(&race_go, false);
	assert_int_equal(pthread_create(&t, NULL, attach_files, NULL), 0);
	atomic_store(&race_go, true);
	for (int from = 0; from < RACE_ROWS; from += 20) {
		struct records_ref refs[20];
		for (int i = 0; i < 20; i++) {
			int at = from + i;
			snprintf(ids[at], sizeof ids[at], "f-%d", at + 1);
			snprintf(keys[at], sizeof keys[at], "k%06d", at + 1);
			refs[i] = ref("kimi", ids[at], keys[at]);
		}
		struct batch b = run(claim_fn, refs, 20);
		assert_int_equal(b.rc, RC_OK);
		for (int i = 0; i < 20; i++) {
			ours += b.results[i] == RECORDS_DONE;
			lost += b.results[i] == RECORDS_CHANGED;
		}
	}
	pthread_join(t, NULL);
	assert_int_equal(ours + lost, RACE_ROWS);
	assert_int_equal(lost, atomic_load(&taken));
	assert_int_equal(claims(), ours);
	char want[16];
	snprintf(want, sizeof want, "%d", lost);
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE cleanup_claim='app'"), want);
}

/* ---- the queue ---- */

static struct buf order;
static char names[3][2] = { "1", "2", "3" };
static void on_order(void *ctx, const struct records_answer *a)
{
	buf_addf(&order, "%s%s ", (const char *)ctx, a->rc == RC_OK ? "" : a->rc == RC_CANCELLED ? "-cancelled" : "-failed");
}

static void calls_run_in_order_and_every_one_is_answered_once(void **state)
{
	(void)state;
	add("a", "kimi", "f1");
	struct records_ref r = ref("kimi", "f1", "a");
	buf_clear(&order);
	records_recheck(rec, &r, 1, on_order, names[0]);
	records_claim(rec, &r, 1, TOKEN, on_order, names[1]);
	records_commit(rec, &r, 1, TOKEN, "expired", on_order, names[2]);
	while (!strchr(buf_z(&order), '3'))
		loop_run_once(loop);
	assert_string_equal(buf_z(&order), "1 2 3 ");
	buf_done(&order);
}

static void freeing_waits_for_what_runs_and_answers_the_rest(void **state)
{
	(void)state;
	many(3000);
	struct records_ref r = ref("kimi", "f-1", "k000001");
	records_claim(rec, &r, 1, TOKEN, on_order, names[0]);
	records_claim(rec, &r, 1, TOKEN, on_order, names[1]);
	records_free(rec);
	rec = NULL;
	assert_string_equal(buf_z(&order), "1 2-cancelled ");
	assert_string_equal(value("SELECT count(*) FROM provider_file_uploads WHERE cleanup_claim IS NOT NULL"), "1");
	buf_done(&order);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(the_list_has_every_live_row_of_our_lanes),
	T(an_empty_deleted_at_deletes_nothing),
	T(pages_follow_the_key),
	T(integer_keys_page_as_integers),
	T(a_list_of_a_write_ahead_database_is_one_moment),
	cmocka_unit_test_setup_teardown(rows_that_came_while_a_long_list_was_read_make_it_incomplete, setup_rollback, teardown),
	T(no_row_at_all_is_incomplete_unless_declared),
	T(a_reference_table_is_believed_only_after_its_self_test),
	cmocka_unit_test_setup_teardown(the_second_shape_is_understood, setup_second, teardown),
	T(a_missing_column_is_named_with_its_key),
	T(where_no_deletion_can_be_recorded_nothing_is_claimed),
	T(names_with_quotes_are_only_names),
	T(a_row_that_changed_is_not_what_was_listed),
	T(an_orphan_that_got_a_row_is_referenced),
	T(a_claim_is_taken_once_and_only_when_free),
	T(a_claim_of_a_row_that_moved_to_another_file_is_released),
	T(a_commit_marks_exactly_its_row_and_may_be_repeated),
	T(a_commit_of_a_row_that_somebody_took_is_a_conflict),
	T(a_key_that_names_two_rows_changes_none),
	T(a_batch_larger_than_a_transaction_is_whole),
	T(observe_and_rehearse_change_nothing),
	cmocka_unit_test_setup_teardown(observe_leaves_the_bytes_of_the_file_alone, setup_rollback, teardown),
	T(the_write_ahead_log_is_left_to_the_application),
	T(a_locked_database_fails_with_a_sentence_and_changes_nothing),
	T(a_file_that_is_not_there_is_never_created),
	T(a_file_that_is_no_database_says_so),
	T(a_rule_of_the_table_that_refuses_is_a_failure_not_a_success),
	T(a_change_that_did_not_happen_is_not_reported),
	T(of_two_writers_exactly_one_gets_each_row),
	T(calls_run_in_order_and_every_one_is_answered_once),
	T(freeing_waits_for_what_runs_and_answers_the_rest),
};

UNIT_MAIN("records", tests)
