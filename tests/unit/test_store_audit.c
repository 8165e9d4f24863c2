#include "unit_store.h"

#include "base/json.h"

enum { RECORDS = 20, VICTIM = 11 };

/* ---- somebody who knows SQLite ---- */

/* Runs sql with the triggers out of the way and puts them back exactly as they were. */
static void tamper(const struct dir *d, const char *sql)
{
	char *triggers[8];
	int n = 0;
	sqlite3 *h;
	sqlite3_stmt *s;
	char *error = NULL;

	assert_int_equal(sqlite3_open(d->db, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid", -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		triggers[n++] = xstrdup((const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_exec(h, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_in_order", NULL, NULL, NULL);
	if (sqlite3_exec(h, sql, NULL, NULL, &error) != SQLITE_OK)
		print_error("%s: %s\n", sql, error);
	assert_null(error);
	for (int i = 0; i < n; i++) {
		assert_int_equal(sqlite3_exec(h, triggers[i], NULL, NULL, NULL), SQLITE_OK);
		free(triggers[i]);
	}
	sqlite3_close(h);
}

static void assert_bad(const struct dir *d, bool with_anchors, int64_t first_bad, const char *why)
{
	struct audit_verdict v = verdict_of(d, with_anchors);

	if (v.ok || v.first_bad != first_bad || strstr(v.why, why) == NULL)
		print_error("first bad %lld (want %lld): %s (want %s)\n", (long long)v.first_bad, (long long)first_bad, v.why, why);
	assert_false(v.ok);
	assert_int_equal(v.first_bad, first_bad);
	assert_non_null(strstr(v.why, why));
}

static void assert_good(const struct dir *d, bool with_anchors, int64_t n)
{
	struct audit_verdict v = verdict_of(d, with_anchors);

	assert_string_equal(v.why, "");
	assert_true(v.ok);
	assert_int_equal(v.records, n);
	assert_int_equal(v.head.seq, n);
	assert_int_equal(v.first_bad, 0);
}

static struct audit_head head_of(const struct dir *d)
{
	struct audit_head head;
	struct db *r;
	struct err e;

	ok(db_open(&r, d->db, DB_READER, &schema_sluice, &e));
	ok(audit_read_head(r, &head, &e));
	db_close(r);
	return head;
}

static void anchor(const struct dir *d)
{
	struct audit_head head = head_of(d);
	struct err e;

	ok(audit_anchor(d->anchors, &head, INT64_C(1700000000) * 1000000, &e));
}

/* ---- the chain ---- */

static void an_untouched_log_verifies(void **state)
{
	log_of(*state, RECORDS);
	assert_good(*state, false, RECORDS);
	log_of(*state, RECORDS);
	assert_good(*state, false, 2 * RECORDS);
}

static void an_empty_log_verifies(void **state)
{
	log_of(*state, 0);
	assert_good(*state, false, 0);
	anchor(*state);
	assert_good(*state, true, 0);
}

/* The encoding is the one base/hash documents, so that another program can check it. */
static void the_hash_covers_the_canonical_encoding(void **state)
{
	char long_text[5000];
	struct audit_record rec = {
		.seq = 3, .at = { 1, -2 }, .boot = slice_of("b"), .actor = { slice_of("anna"), -1, slice_of("r"), slice_of("v") },
		.kind = AUDIT_ROW_OUTCOME, .subject = { "a\0b", 3 }, .cycle = INT64_MAX, .plan = slice_of(""),
		.payload = { long_text, sizeof long_text }, .prev = { { 9, 8, 7 } }
	};
	struct hasher *h = hasher_new();
	struct hash got, want;
	struct buf b;
	(void)state;

	memset(long_text, 'p', sizeof long_text);
	for (size_t n = 0; n < sizeof long_text; n += 97) {
		rec.payload.n = n;
		buf_init(&b);
		enc_z(&b, "sluice audit record 1");
		enc_bytes(&b, (struct slice){ (const char *)rec.prev.b, HASH_BYTES });
		enc_i64(&b, rec.seq);
		enc_i64(&b, rec.at.wall_us);
		enc_i64(&b, rec.at.boot_us);
		enc_bytes(&b, rec.boot);
		enc_bytes(&b, rec.actor.name);
		enc_i64(&b, rec.actor.uid);
		enc_bytes(&b, rec.actor.role);
		enc_bytes(&b, rec.actor.via);
		enc_z(&b, "row.outcome");
		enc_bytes(&b, rec.subject);
		enc_i64(&b, rec.cycle);
		enc_bytes(&b, rec.plan);
		enc_bytes(&b, rec.payload);
		hash_bytes(&want, b.p, b.n);
		buf_done(&b);
		audit_hash(h, &rec, &got);
		assert_memory_equal(got.b, want.b, HASH_BYTES);
	}
	hasher_free(h);
}

static void every_kind_has_its_own_word(void **state)
{
	(void)state;
	for (int k = 0; k < AUDIT_KIND_COUNT; k++) {
		enum audit_kind back;
		const char *word = audit_kind_name((enum audit_kind)k);
		assert_true(audit_kind_parse(slice_of(word), &back));
		assert_int_equal(back, k);
		assert_int_equal(strncmp(audit_kind_point((enum audit_kind)k), "audit.", 6), 0);
		assert_string_equal(audit_kind_point((enum audit_kind)k) + 6, word);
	}
	enum audit_kind none;
	assert_false(audit_kind_parse(slice_of("inten"), &none));
	assert_false(audit_kind_parse(slice_of(""), &none));
}

/* ---- tampering ---- */

static void a_change_in_any_column_is_found_at_its_record(void **state)
{
	static const char *const changes[] = {
		"wall_us = wall_us + 1", "boot_us = boot_us - 1", "boot = substr(boot, 2)", "actor = 'annA'", "uid = uid + 1",
		"role = 'watcher'", "via = 'cli'", "kind = 'probe'", "kind = 'nonsense'", "subject = subject || 'x'", "subject = ''",
		"cycle = cycle + 1", "plan = 'x'", "payload = '{\"lane\":\"glm\"}'", "prev = randomblob(32)", "hash = randomblob(32)",
		"prev = zeroblob(32)", "payload = payload || ' '"
	};
	struct dir *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char sql[200];
		log_of(d, RECORDS);
		assert_good(d, false, RECORDS);
		snprintf(sql, sizeof sql, "UPDATE audit SET %s WHERE seq = %d", changes[i], VICTIM);
		tamper(d, sql);
		assert_bad(d, false, VICTIM, "record 11");
		assert_int_equal(unlink(d->db), 0);
	}
}

static void a_dropped_record_is_named_as_missing(void **state)
{
	log_of(*state, RECORDS);
	tamper(*state, "DELETE FROM audit WHERE seq = 11");
	assert_bad(*state, false, VICTIM, "record 11 is missing");
}

static void a_dropped_first_record_is_named_as_missing(void **state)
{
	log_of(*state, RECORDS);
	tamper(*state, "DELETE FROM audit WHERE seq = 1");
	assert_bad(*state, false, 1, "record 1 is missing");
}

static void a_dropped_record_closed_up_is_found(void **state)
{
	log_of(*state, RECORDS);
	tamper(*state, "DELETE FROM audit WHERE seq = 11; UPDATE audit SET seq = -seq WHERE seq > 11;"
		       "UPDATE audit SET seq = -seq - 1 WHERE seq < 0");
	assert_bad(*state, false, VICTIM, "does not follow");
}

static void swapped_records_are_found_at_the_first(void **state)
{
	log_of(*state, RECORDS);
	tamper(*state, "UPDATE audit SET seq = -1 WHERE seq = 11; UPDATE audit SET seq = 11 WHERE seq = 14;"
		       "UPDATE audit SET seq = 14 WHERE seq = -1");
	assert_bad(*state, false, VICTIM, "record 11");
}

static void swapped_payloads_are_found_at_the_first(void **state)
{
	log_of(*state, RECORDS);
	tamper(*state, "UPDATE audit SET subject = CASE seq WHEN 11 THEN 'file-14' ELSE 'file-11' END WHERE seq IN (11, 14)");
	assert_bad(*state, false, VICTIM, "does not match");
}

static void an_inserted_record_is_found(void **state)
{
	struct dir *d = *state;

	log_of(d, RECORDS);
	tamper(d, "UPDATE audit SET seq = -seq WHERE seq > 10; UPDATE audit SET seq = -seq + 1 WHERE seq < 0;"
		  "INSERT INTO audit SELECT 11, wall_us, boot_us, boot, actor, uid, role, via, kind, 'forged', cycle, plan, payload, hash,"
		  " randomblob(32) FROM audit WHERE seq = 10");
	assert_bad(d, false, VICTIM, "record 11");
}

static void a_record_before_the_first_or_after_the_last_is_found(void **state)
{
	struct dir *d = *state;

	log_of(d, RECORDS);
	tamper(d, "INSERT INTO audit SELECT 0, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, prev,"
		  " hash FROM audit WHERE seq = 10");
	assert_bad(d, false, 1, "record 0 is one too many");
	tamper(d, "DELETE FROM audit WHERE seq = 0;"
		  "INSERT INTO audit SELECT 21, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, hash,"
		  " hash FROM audit WHERE seq = 20");
	assert_bad(d, false, RECORDS + 1, "does not match");
}

static void a_tail_cut_off_is_found_by_the_anchor_only(void **state)
{
	log_of(*state, RECORDS);
	anchor(*state);
	assert_good(*state, true, RECORDS);
	tamper(*state, "DELETE FROM audit WHERE seq > 18");
	assert_good(*state, false, 18);
	assert_bad(*state, true, 19, "ends at record 18, but record 20 was anchored at 2023-11-14T22:13:20Z");
}

static void a_log_cut_to_nothing_is_found_by_the_anchor(void **state)
{
	log_of(*state, RECORDS);
	anchor(*state);
	tamper(*state, "DELETE FROM audit");
	assert_bad(*state, true, 1, "ends at record 0");
}

static void a_replaced_file_is_found_by_the_anchor(void **state)
{
	struct dir *d = *state, other;

	log_of(d, RECORDS);
	anchor(d);
	log_of(d, 5);
	anchor(d);
	dir_make(&other);
	log_of(&other, 3 * RECORDS);
	assert_int_equal(rename(other.db, d->db), 0);
	dir_remove(&other);
	assert_good(d, false, 3 * RECORDS);
	assert_bad(d, true, RECORDS, "record 20 is not the one anchored");
}

static void removed_or_changed_triggers_are_found(void **state)
{
	struct dir *d = *state;

	log_of(d, RECORDS);
	assert_int_equal(raw_sql(d->db, "DROP TRIGGER audit_no_delete"), SQLITE_OK);
	assert_bad(d, false, 0, "audit_no_delete is missing");
	assert_int_equal(raw_sql(d->db, "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT 1; END"), SQLITE_OK);
	assert_bad(d, false, 0, "audit_no_delete in the schema is not as we made it");
	assert_int_equal(raw_sql(d->db, "DELETE FROM audit WHERE seq = 3"), SQLITE_OK);
	assert_bad(d, false, 3, "record 3 is missing");
}

static void an_added_trigger_or_another_view_is_found(void **state)
{
	struct dir *d = *state;

	log_of(d, RECORDS);
	assert_int_equal(raw_sql(d->db, "CREATE TRIGGER quiet BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END"), SQLITE_OK);
	assert_bad(d, false, 0, "quiet in the schema is not ours");
	assert_int_equal(raw_sql(d->db, "DROP TRIGGER quiet; DROP VIEW decisions;"
				 "CREATE VIEW decisions AS SELECT * FROM audit WHERE kind <> 'override'"), SQLITE_OK);
	assert_bad(d, false, 0, "decisions in the schema is not as we made it");
}

/* A trigger that swallows or changes records would make "written" a lie. */
static void no_trigger_of_somebody_else_stands_between(void **state)
{
	struct dir *d = *state;
	struct loop *l = xcalloc(1, sizeof *l);
	struct err e;

	log_of(d, 1);
	assert_int_equal(raw_sql(d->db, "CREATE TRIGGER quiet BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END;"
				 "CREATE TRIGGER worse AFTER INSERT ON audit BEGIN DELETE FROM commits; END"), SQLITE_OK);
	ok(loop_open(l, d->path, &e));
	ok(loop_one(l, records(AUDIT_INTENT, "x", 1)));
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM audit"), 2);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM commits"), 1);
	loop_close(l);
	free(l);
}

/* What the log's own trigger would say to each record, the writer asks once per transaction. */
static void nothing_is_written_after_a_record_of_somebody_else(void **state)
{
	static const char *const done[] = {
		"INSERT INTO audit SELECT seq + 1, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, hash, hash"
		" FROM audit ORDER BY seq DESC LIMIT 1",
		"DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
		"DROP TRIGGER audit_no_update; UPDATE audit SET hash = randomblob(32) WHERE seq = (SELECT max(seq) FROM audit)"
	};
	struct dir *d = *state;
	struct loop *l = xcalloc(1, sizeof *l);
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(done); i++) {
		ok(loop_open(l, d->path, &e));
		ok(loop_one(l, records(AUDIT_INTENT, "x", 2)));
		assert_int_equal(raw_sql(d->db, done[i]), SQLITE_OK);
		int64_t n = raw_number(d->db, "SELECT count(*) FROM audit");
		for (int k = 0; k < 2; k++)
			assert_int_equal(loop_one(l, records(AUDIT_INTENT, "y", 1)), RC_AUDIT);
		assert_int_equal(raw_number(d->db, "SELECT count(*) FROM audit"), n);
		loop_close(l);
	}
	free(l);
}

/* Whatever byte of the file changes: the log is refused, or not one value of it changed. */
static void a_flipped_byte_anywhere_in_the_file_is_found_or_harmless(void **state)
{
	struct dir *d = *state;
	struct audit_head head;
	struct stat st;
	int found = 0;

	log_of(d, RECORDS);
	head = head_of(d);
	assert_int_equal(stat(d->db, &st), 0);
	for (off_t at = 100; at < st.st_size; at += 53) {
		char byte, flipped;
		int fd = open(d->db, O_RDWR | O_CLOEXEC);
		struct audit_verdict v = { .ok = false };
		struct db *r = NULL;
		struct err e;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = (char)(byte ^ (1 << (at % 8)));
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		if (db_open(&r, d->db, DB_READER, &schema_sluice, &e) == RC_OK &&
		    audit_verify(r, NULL, &v, NULL, NULL, &e) == RC_OK && v.ok) {
			assert_int_equal(v.records, RECORDS);
			assert_memory_equal(&v.head, &head, sizeof head);
		} else {
			found++;
		}
		db_close(r);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	assert_true(found > 50);
	assert_good(d, false, RECORDS);
}

/* ---- append-only for people with SQL ---- */

static void sql_by_accident_is_refused(void **state)
{
	static const char *const accidents[] = {
		"UPDATE audit SET payload = '{}' WHERE seq = 3", "UPDATE audit SET payload = payload", "DELETE FROM audit WHERE seq = 3",
		"DELETE FROM audit", "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
		"REPLACE INTO audit SELECT * FROM audit WHERE seq = 20", "INSERT OR IGNORE INTO audit SELECT * FROM audit WHERE seq = 3",
		"INSERT OR REPLACE INTO audit SELECT 20, wall_us, boot_us, boot, 'x', uid, role, via, kind, subject, cycle, plan, payload,"
		" prev, hash FROM audit WHERE seq = 20",
		"INSERT INTO audit SELECT 3, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload, prev, hash"
		" FROM audit WHERE seq = 3 ON CONFLICT (seq) DO UPDATE SET payload = 'x'",
		"INSERT OR REPLACE INTO audit SELECT 22, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload,"
		" hash, hash FROM audit WHERE seq = 20",
		"INSERT OR REPLACE INTO audit SELECT 21, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload,"
		" prev, hash FROM audit WHERE seq = 20",
		"INSERT OR REPLACE INTO audit SELECT NULL, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload,"
		" hash, hash FROM audit WHERE seq = 20",
		"INSERT OR REPLACE INTO audit SELECT 0, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload,"
		" hash, hash FROM audit WHERE seq = 20",
		"INSERT OR REPLACE INTO audit SELECT 1, wall_us, boot_us, boot, actor, uid, role, via, kind, subject, cycle, plan, payload,"
		" hash, hash FROM audit WHERE seq = 20"
	};
	struct dir *d = *state;

	log_of(d, RECORDS);
	for (size_t i = 0; i < ARRAY_LEN(accidents); i++) {
		if (raw_sql(d->db, accidents[i]) != SQLITE_CONSTRAINT)
			print_error("not refused: %s\n", accidents[i]);
		assert_int_equal(raw_sql(d->db, accidents[i]), SQLITE_CONSTRAINT);
		assert_good(d, false, RECORDS);
	}
}

/* ---- anchors ---- */

static void anchors_are_private_and_appended(void **state)
{
	struct dir *d = *state;
	struct stat st;

	log_of(d, 3);
	anchor(d);
	log_of(d, 3);
	anchor(d);
	assert_int_equal(stat(d->anchors, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	char *text = unit_read(d->anchors);
	assert_int_equal(strncmp(text, "3 ", 2), 0);
	assert_int_equal(strncmp(strchr(text, '\n') + 1, "6 ", 2), 0);
	assert_string_equal(strrchr(text, ' '), " 2023-11-14T22:13:20Z\n");
	free(text);
	assert_good(d, true, 6);
}

static void an_anchor_line_that_was_cut_is_passed_over_and_the_next_counts(void **state)
{
	struct dir *d = *state;
	int fd;

	log_of(d, 3);
	anchor(d);
	fd = open(d->anchors, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "3 abcdef", 8), 8);
	close(fd);
	assert_good(d, true, 3);
	log_of(d, 3);
	anchor(d);
	assert_good(d, true, 6);
	tamper(d, "DELETE FROM audit WHERE seq = 6");
	assert_bad(d, true, 6, "record 6 was anchored");
}

static void a_changed_anchor_line_is_named(void **state)
{
	struct dir *d = *state;

	log_of(d, 3);
	unit_write(d->anchors, "3 nonsense\n", 11, 0600);
	assert_bad(d, true, 0, "line 1 is no anchor");
}

static void no_anchor_file_is_no_error(void **state)
{
	log_of(*state, 3);
	assert_good(*state, true, 3);
}

static void an_anchor_that_cannot_be_written_is_an_audit_error(void **state)
{
	struct dir *d = *state;
	struct audit_head head = { .seq = 1 };
	struct err e;
	char path[320];

	snprintf(path, sizeof path, "%s/none/anchors", d->path);
	assert_int_equal(audit_anchor(path, &head, 0, &e), RC_AUDIT);
	assert_non_null(strstr(e.text, "none/anchors"));
}

/* ---- reading ---- */

struct seen {
	int n;
	int64_t seq[64];
	int stop_after;
};

static enum rc see(void *ctx, const struct audit_record *rec)
{
	struct seen *s = ctx;

	s->seq[s->n++] = rec->seq;
	return s->n == s->stop_after ? RC_CANCELLED : RC_OK;
}

static struct seen query(const struct dir *d, struct audit_filter f)
{
	struct seen s = { 0 };
	struct db *r;
	struct err e;

	ok(db_open(&r, d->db, DB_READER, &schema_sluice, &e));
	ok(audit_query(r, &f, see, &s, &e));
	db_close(r);
	return s;
}

static void a_query_goes_from_the_newest_and_pages(void **state)
{
	struct dir *d = *state;

	log_of(d, RECORDS);
	struct seen s = query(d, (struct audit_filter){ .limit = 3 });
	assert_int_equal(s.n, 3);
	assert_int_equal(s.seq[0], 20);
	s = query(d, (struct audit_filter){ .limit = 3, .before_seq = 18 });
	assert_int_equal(s.seq[0], 17);
	s = query(d, (struct audit_filter){ .after_seq = 18, .oldest_first = true });
	assert_int_equal(s.n, 2);
	assert_int_equal(s.seq[0], 19);
	assert_int_equal(query(d, (struct audit_filter){ .cycle = 7 }).n, 20);
	assert_int_equal(query(d, (struct audit_filter){ .cycle = 8 }).n, 0);
}

static void a_query_filters_by_actor_kind_and_subject(void **state)
{
	struct dir *d = *state;
	struct loop *l = xcalloc(1, sizeof *l);
	struct err e;

	log_of(d, 10);
	ok(loop_open(l, d->path, &e));
	assert_int_equal(loop_one(l, records(AUDIT_ROW_INTENT, "file-3", 1)), RC_OK);
	loop_close(l);
	free(l);
	assert_int_equal(query(d, (struct audit_filter){ .kind = slice_of("intent") }).n, 5);
	assert_int_equal(query(d, (struct audit_filter){ .kind = slice_of("row.") }).n, 1);
	assert_int_equal(query(d, (struct audit_filter){ .kind = slice_of("row") }).n, 0);
	assert_int_equal(query(d, (struct audit_filter){ .subject = slice_of("file-3") }).n, 2);
	assert_int_equal(query(d, (struct audit_filter){ .subject = slice_of("file-3"), .kind = slice_of("row.intent") }).n, 1);
	assert_int_equal(query(d, (struct audit_filter){ .actor = slice_of("anna") }).n, 11);
	assert_int_equal(query(d, (struct audit_filter){ .actor = slice_of("ann") }).n, 0);
}

static void a_visitor_that_stops_ends_the_query_with_its_answer(void **state)
{
	struct seen s = { .stop_after = 2 };
	struct audit_filter f = { 0 };
	struct dir *d = *state;
	struct db *r;
	struct err e;

	log_of(d, 10);
	ok(db_open(&r, d->db, DB_READER, &schema_sluice, &e));
	assert_int_equal(audit_query(r, &f, see, &s, &e), RC_CANCELLED);
	assert_int_equal(s.n, 2);
	db_close(r);
}

static void a_record_as_json_is_valid_even_when_it_was_tampered_with(void **state)
{
	struct audit_record rec = {
		.seq = 1, .kind = AUDIT_MODE, .actor = { slice_of("anna"), -1, slice_of("r"), slice_of("v") },
		.subject = { "a\xff\n", 3 }, .payload = slice_of("{\"a\":1")
	};
	struct json_doc *doc;
	struct err e;
	struct buf b;
	(void)state;

	for (int i = 0; i < 2; i++) {
		buf_init(&b);
		audit_json(&b, &rec);
		ok(json_parse(&doc, buf_slice(&b), NULL, &e));
		const struct json *root = json_root(doc);
		assert_slice(json_get_str(root, "kind"), "mode");
		assert_slice(json_get_str(root, "subject_hex"), "61ff0a");
		assert_true(json_is_null(json_get(root, "uid")));
		if (i == 0)
			assert_slice(json_get_str(root, "payload"), "{\"a\":1");
		else
			assert_int_equal(json_get_i64(json_get(root, "payload"), "a", -1), 1);
		json_doc_free(doc);
		buf_done(&b);
		rec.payload = slice_of("{\"a\":1}");
	}
}

/* The view is for a person at a terminal: what is not plain text is shown in hexadecimal. */
static void the_view_reads_like_a_log_and_shows_no_hostile_bytes(void **state)
{
	struct dir *d = *state;
	struct loop *l = xcalloc(1, sizeof *l);
	struct journal *j = journal_new();
	struct audit_actor who = anna();
	struct err e;

	ok(loop_open(l, d->path, &e));
	add_record(j, AUDIT_INTENT, "file-1");
	add_record(j, AUDIT_INTENT, "\x1b[2J");
	journal_audit(j, AUDIT_INTENT, &who, (struct slice){ "a\0b", 3 }, 0, slice_of(""), slice_of("{}"));
	add_record(j, AUDIT_INTENT, "na\u202eme");
	assert_int_equal(loop_one(l, j), RC_OK);
	loop_close(l);
	free(l);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM decisions WHERE subject = 'file-1' AND who = 'anna (console)'"
				    " AND kind = 'intent' AND time LIKE '20__-__-__ __:__:__.______Z' AND cycle = 7"), 1);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM decisions WHERE seq = 2 AND subject = 'x''1B5B324A'''"), 1);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM decisions WHERE seq = 3 AND subject = 'x''610062''' AND cycle IS NULL"), 1);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM decisions WHERE seq = 4 AND subject GLOB 'x''*'"), 1);
	assert_int_equal(raw_number(d->db, "SELECT count(*) FROM decisions"), 4);
}

/* ---- how far it is ---- */

struct told {
	int64_t done[8], of[8];
	int n, stop_at;                 /* the call that is answered with: stop; -1 = none */
};

static bool on_progress(void *ctx, int64_t done, int64_t of)
{
	struct told *t = ctx;

	assert_true(t->n < 8);
	t->done[t->n] = done;
	t->of[t->n] = of;
	return t->n++ != t->stop_at;
}

static struct audit_verdict proved(const struct dir *d, struct told *t)
{
	struct audit_proof p = { .progress = on_progress, .ctx = t };
	struct audit_verdict v;
	struct db *r;
	struct err e;

	ok(db_open(&r, d->db, DB_READER, &schema_sluice, &e));
	ok(audit_prove(r, &p, &v, &e));
	db_close(r);
	return v;
}

static void a_verification_tells_how_far_it_is(void **state)
{
	struct told t = { .stop_at = -1 };

	log_of(*state, 2048);
	assert_true(proved(*state, &t).ok);
	assert_int_equal(t.n, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(t.done[i], i < 3 ? 1024 * i : 2048);
		assert_int_equal(t.of[i], 2048);
	}
}

/* At the beginning, and in the middle: so many records, and whatever ok says is no verdict. */
static void a_stopped_verification_says_so_and_after_how_many(void **state)
{
	log_of(*state, 2048);
	for (int at = 0; at < 3; at++) {
		struct told t = { .stop_at = at };
		struct audit_verdict v = proved(*state, &t);
		assert_true(v.stopped);
		assert_int_equal(v.records, 1024 * at);
		assert_int_equal(t.n, at + 1);
	}
}

static void damage_before_the_stop_is_a_verdict(void **state)
{
	struct told t = { .stop_at = 2 };

	log_of(*state, 2048);
	tamper(*state, "UPDATE audit SET subject = 'x' WHERE seq = 1025");
	struct audit_verdict v = proved(*state, &t);
	assert_false(v.stopped);
	assert_false(v.ok);
	assert_int_equal(v.first_bad, 1025);
}

static void an_empty_log_is_of_nothing(void **state)
{
	struct told t = { .stop_at = -1 };

	log_of(*state, 0);
	assert_true(proved(*state, &t).ok);
	assert_int_equal(t.of[0], 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		T(an_untouched_log_verifies),
		T(an_empty_log_verifies),
		T(the_hash_covers_the_canonical_encoding),
		T(every_kind_has_its_own_word),
		T(a_change_in_any_column_is_found_at_its_record),
		T(a_dropped_record_is_named_as_missing),
		T(a_dropped_first_record_is_named_as_missing),
		T(a_dropped_record_closed_up_is_found),
		T(swapped_records_are_found_at_the_first),
		T(swapped_payloads_are_found_at_the_first),
		T(an_inserted_record_is_found),
		T(a_record_before_the_first_or_after_the_last_is_found),
		T(a_tail_cut_off_is_found_by_the_anchor_only),
		T(a_log_cut_to_nothing_is_found_by_the_anchor),
		T(a_replaced_file_is_found_by_the_anchor),
		T(removed_or_changed_triggers_are_found),
		T(an_added_trigger_or_another_view_is_found),
		T(no_trigger_of_somebody_else_stands_between),
		T(nothing_is_written_after_a_record_of_somebody_else),
		T(a_flipped_byte_anywhere_in_the_file_is_found_or_harmless),
		T(sql_by_accident_is_refused),
		T(anchors_are_private_and_appended),
		T(an_anchor_line_that_was_cut_is_passed_over_and_the_next_counts),
		T(a_changed_anchor_line_is_named),
		T(no_anchor_file_is_no_error),
		T(an_anchor_that_cannot_be_written_is_an_audit_error),
		T(a_query_goes_from_the_newest_and_pages),
		T(a_query_filters_by_actor_kind_and_subject),
		T(a_visitor_that_stops_ends_the_query_with_its_answer),
		T(a_record_as_json_is_valid_even_when_it_was_tampered_with),
		T(the_view_reads_like_a_log_and_shows_no_hostile_bytes),
		T(a_verification_tells_how_far_it_is),
		T(a_stopped_verification_says_so_and_after_how_many),
		T(damage_before_the_stop_is_a_verdict),
		T(an_empty_log_is_of_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_audit", tests, NULL, NULL);
}
