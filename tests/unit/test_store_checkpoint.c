/* Signed checkpoints: what a changed byte, another key, a missing anchor and a rewritten log come to, and
 * what a proof from the last checkpoint on covers. */
#include "unit_store.h"

#include "base/json.h"
#include "store/checkpoint.h"

enum { RECORDS = 20 };

struct signer {
	struct dir d;
	struct sign_key *key, *other;
	struct audit_key pub, other_pub;
};

static int begin(void **state)
{
	struct signer *s = xcalloc(1, sizeof *s);
	char path[320];
	struct err e;

	dir_make(&s->d);
	snprintf(path, sizeof path, "%s/key", s->d.path);
	ok(sign_key_generate(path, &e));
	ok(sign_key_load(&s->key, path, &e));
	snprintf(path, sizeof path, "%s/other", s->d.path);
	ok(sign_key_generate(path, &e));
	ok(sign_key_load(&s->other, path, &e));
	sign_key_public(s->key, s->pub.b);
	sign_key_public(s->other, s->other_pub.b);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct signer *s = *state;

	sign_key_free(s->key);
	sign_key_free(s->other);
	dir_remove(&s->d);
	free(s);
	return 0;
}

/* ---- the log ---- */

static struct checkpoint at(const struct signer *s, int64_t seq, const struct sign_key *k)
{
	struct checkpoint c = { .seq = seq, .count = seq, .wall_us = INT64_C(1700000000123456) };
	struct db *r;
	struct db_stmt *q;
	struct err e;

	ok(db_open(&r, s->d.db, DB_READER, NULL, &e));
	ok(db_prepare(r, &q, "SELECT hash FROM audit WHERE seq = ?1", &e));
	db_bind_i64(q, 1, seq);
	assert_int_equal(db_step(q, &e), DB_ROW);
	memcpy(c.hash.b, db_text(q, 0).p, HASH_BYTES);
	db_reset(q);
	db_close(r);
	if (k != NULL)
		checkpoint_sign(&c, k);
	return c;
}

static void anchor(const struct signer *s, int64_t seq, const struct sign_key *k)
{
	struct checkpoint c = at(s, seq, k);
	struct err e;

	ok(audit_anchor_checkpoint(s->d.anchors, &c, &e));
}

static void record(const struct signer *s, const struct checkpoint *c)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct journal *j = journal_new();
	struct audit_actor who = anna();
	struct buf b;
	struct jw w;
	struct err e;

	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, c);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_CHECKPOINT, &who, slice_of("chain"), 0, slice_of(""), buf_slice(&b));
	ok(loop_open(l, s->d.path, &e));
	assert_int_equal(loop_one(l, j), RC_OK);
	loop_close(l);
	free(l);
	buf_done(&b);
}

static struct audit_verdict prove(const struct signer *s, bool due, bool from_anchor)
{
	struct audit_proof p = { .anchors = { NULL, s->d.anchors }, .keys = { &s->pub, 1 }, .anchors_due = due, .from_anchor = from_anchor };
	struct audit_verdict v;
	struct db *r;
	struct err e;

	ok(db_open(&r, s->d.db, DB_READER, NULL, &e));
	ok(audit_prove(r, &p, &v, &e));
	db_close(r);
	return v;
}

static void expect(const struct audit_verdict *v, int64_t first_bad, const char *why)
{
	if (v->ok != (why == NULL) || v->first_bad != first_bad || (why != NULL && strstr(v->why, why) == NULL))
		print_error("first bad %lld (want %lld): %s (want %s)\n", (long long)v->first_bad, (long long)first_bad, v->why, why);
	assert_int_equal(v->ok, why == NULL);
	assert_int_equal(v->first_bad, first_bad);
	assert_true(why == NULL || strstr(v->why, why) != NULL);
}

/* The chain without its triggers: what somebody with SQL can do. */
static void rewrite(const struct signer *s, const char *sql)
{
	char *text = NULL;

	assert_true(asprintf(&text, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_in_order; %s", sql) > 0);
	assert_int_equal(raw_sql(s->d.db, text), SQLITE_OK);
	free(text);
}

/* ---- a checkpoint by itself ---- */

static void each_changed_byte_of_a_line_is_seen(void **state)
{
	const struct signer *s = *state;
	struct audit_keys keys = { &s->pub, 1 };
	struct checkpoint c, back;
	struct buf b;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->key);
	buf_init(&b);
	checkpoint_line(&b, &c);
	assert_true(checkpoint_parse(buf_slice(&b), &back) && checkpoint_trusted(&back, &keys));
	assert_int_equal(back.wall_us, c.wall_us);
	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] = (char)(b.p[i] ^ (1 << bit));
			assert_false(checkpoint_parse(buf_slice(&b), &back) && checkpoint_trusted(&back, &keys));
			b.p[i] = (char)(b.p[i] ^ (1 << bit));
		}
	for (size_t n = 0; n < b.n; n++)
		assert_false(checkpoint_parse((struct slice){ b.p, n }, &back) && back.is_signed);
	buf_addc(&b, ' ');
	assert_false(checkpoint_parse(buf_slice(&b), &back));
	buf_done(&b);
}

static void each_changed_byte_of_its_json_is_seen(void **state)
{
	const struct signer *s = *state;
	struct audit_keys keys = { &s->pub, 1 };
	struct checkpoint c, back;
	struct json_doc *doc;
	struct buf b;
	struct jw w;
	struct err e;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->key);
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, &c);
	jw_end_obj(&w);
	ok(json_parse(&doc, buf_slice(&b), NULL, &e));
	assert_true(checkpoint_read(json_root(doc), &back) && checkpoint_trusted(&back, &keys));
	json_doc_free(doc);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		if (json_parse(&doc, buf_slice(&b), NULL, NULL) == RC_OK) {
			assert_false(checkpoint_read(json_root(doc), &back) && checkpoint_trusted(&back, &keys));
			json_doc_free(doc);
		}
		b.p[i] ^= 1;
	}
	buf_done(&b);
}

static void another_key_signs_nothing_for_us(void **state)
{
	const struct signer *s = *state;
	struct audit_keys keys = { &s->pub, 1 }, both = { (struct audit_key[]){ s->other_pub, s->pub }, 2 };
	struct checkpoint c;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->other);
	assert_true(checkpoint_holds(&c));
	assert_false(checkpoint_trusted(&c, &keys));
	assert_true(checkpoint_trusted(&c, &both));
	c.key = s->pub;
	assert_false(checkpoint_trusted(&c, &keys));
}

/* ---- anchors ---- */

static void the_newest_anchor_is_signed_by_a_key_that_counts(void **state)
{
	const struct signer *s = *state;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	anchor(s, 10, s->key);
	v = prove(s, true, false);
	expect(&v, 0, NULL);
	assert_int_equal(v.anchors, 1);
	assert_int_equal(v.anchored, 10);
	anchor(s, 15, NULL);
	v = prove(s, true, false);
	expect(&v, 0, "not signed by the engine's key");
	v = prove(s, false, false);     /* a log that was never signed */
	expect(&v, 0, NULL);
	anchor(s, 20, s->key);
	v = prove(s, true, false);
	expect(&v, 0, NULL);
	log_of(&s->d, 1);
	anchor(s, 21, s->other);
	v = prove(s, false, false);
	expect(&v, 0, "not signed by the engine's key");
}

static void anchors_that_were_there_must_be_there(void **state)
{
	const struct signer *s = *state;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	v = prove(s, true, false);
	expect(&v, 0, "no anchor is there");
	v = prove(s, true, true);
	expect(&v, 0, "no anchor is there");
	v = prove(s, false, false);
	expect(&v, 0, NULL);
	unit_write(s->d.anchors, "", 0, 0600);
	v = prove(s, true, false);
	expect(&v, 0, "no anchor is there");
}

static void a_forged_older_anchor_is_named_by_its_line(void **state)
{
	const struct signer *s = *state;
	struct checkpoint c;
	struct audit_verdict v;
	struct err e;

	log_of(&s->d, RECORDS);
	c = at(s, 5, s->key);
	c.count++;
	ok(audit_anchor_checkpoint(s->d.anchors, &c, &e));
	anchor(s, 10, s->key);
	v = prove(s, true, false);
	expect(&v, 0, "line 1, the anchor of record 5, has a false signature");
	v = prove(s, true, true);       /* the start needs only the newest */
	expect(&v, 0, NULL);
}

/* ---- checkpoints in the log ---- */

static void a_log_rewritten_whole_is_found_by_its_checkpoints(void **state)
{
	const struct signer *s = *state;
	struct signer *new = NULL;
	struct checkpoint c;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->key);
	record(s, &c);
	v = prove(s, false, false);
	expect(&v, 0, NULL);
	assert_int_equal(v.checkpoints, 1);
	begin((void **)&new);
	log_of(&new->d, RECORDS);       /* another log, with the same checkpoint in it */
	record(new, &c);
	new->pub = s->pub;
	v = prove(new, false, false);
	expect(&v, RECORDS, "record 20 is not the one that the checkpoint in record 21 signed");
	end((void **)&new);
}

static void a_checkpoint_of_another_key_or_none_is_bad(void **state)
{
	const struct signer *s = *state;
	struct checkpoint c;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->other);
	record(s, &c);
	v = prove(s, false, false);
	expect(&v, RECORDS + 1, "signed by a key that is not the engine's");
}

static void a_checkpoint_cannot_speak_of_what_comes_later(void **state)
{
	const struct signer *s = *state;
	struct checkpoint c;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	c = at(s, RECORDS, s->key);
	c.seq = RECORDS + 1;
	checkpoint_sign(&c, s->key);
	record(s, &c);
	v = prove(s, false, false);
	expect(&v, RECORDS + 1, "no checkpoint");
}

/* ---- from the last checkpoint on ---- */

static void a_start_reads_from_the_newest_anchor_on(void **state)
{
	const struct signer *s = *state;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	anchor(s, 5, s->key);
	anchor(s, 15, s->key);
	v = prove(s, true, true);
	expect(&v, 0, NULL);
	assert_int_equal(v.first, 15);
	assert_int_equal(v.records, 6);
	assert_int_equal(v.head.seq, RECORDS);
	v = prove(s, true, false);
	assert_int_equal(v.first, 1);
	assert_int_equal(v.records, RECORDS);
}

/* What it finds, and what only the whole finds. The schema is put back, or it would be the first finding. */
static void what_a_start_finds_and_what_the_whole_finds(void **state)
{
	static const struct { const char *sql; int64_t start, whole; } rows[] = {
		{ "UPDATE audit SET payload = '{}' WHERE seq = 4", 0, 4 },
		{ "UPDATE audit SET payload = '{}' WHERE seq = 15", 15, 15 },
		{ "UPDATE audit SET payload = '{}' WHERE seq = 18", 18, 18 },
		{ "UPDATE audit SET hash = zeroblob(32) WHERE seq = 15", 15, 15 },
		{ "DELETE FROM audit WHERE seq = 15", 15, 15 },
		{ "DELETE FROM audit WHERE seq = 17", 17, 17 },
		{ "DELETE FROM audit WHERE seq >= 15", 15, 15 },
		{ "DELETE FROM audit", 1, 1 },
	};
	const struct signer *s = *state;
	char *kept = NULL;

	log_of(&s->d, RECORDS);
	anchor(s, 15, s->key);
	assert_true(asprintf(&kept, "cp %s %s/kept.db", s->d.db, s->d.path) > 0);
	assert_int_equal(system(kept), 0);
	free(kept);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct audit_verdict v;
		assert_true(asprintf(&kept, "cp %s/kept.db %s; rm -f %s-wal %s-shm", s->d.path, s->d.db, s->d.db, s->d.db) > 0);
		assert_int_equal(system(kept), 0);
		free(kept);
		rewrite(s, rows[i].sql);
		v = prove(s, true, true);
		if (rows[i].start != 0)
			assert_int_equal(v.first_bad, rows[i].start);
		assert_false(v.ok);     /* the triggers are gone */
		v = prove(s, true, false);
		assert_int_equal(v.first_bad, rows[i].whole);
	}
}

/* ---- sealing ---- */

static enum rc seal(const struct signer *s, enum audit_kind kind, int64_t last)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct journal *j = journal_new();
	struct checkpoint c = at(s, RECORDS, s->key);
	struct audit_actor who = anna();
	struct buf b;
	struct jw w;
	struct err e;

	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	checkpoint_write(&w, &c);
	jw_end_obj(&w);
	journal_audit(j, kind, &who, slice_of("chain"), 0, slice_of(""), buf_slice(&b));
	journal_seal(j, last);
	ok(loop_open(l, s->d.path, &e));
	enum rc rc = loop_one(l, j);
	assert_true(store_writable(l->s));
	loop_close(l);
	free(l);
	buf_done(&b);
	return rc;
}

static void records_leave_only_behind_the_record_that_says_so(void **state)
{
	const struct signer *s = *state;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	assert_int_equal(seal(s, AUDIT_MODE, RECORDS), RC_REFUSED);
	assert_int_equal(seal(s, AUDIT_SEAL, RECORDS - 1), RC_REFUSED);
	assert_int_equal(seal(s, AUDIT_SEAL, RECORDS + 1), RC_REFUSED);
	v = prove(s, false, false);
	expect(&v, 0, NULL);
	assert_int_equal(v.records, RECORDS);
	assert_int_equal(seal(s, AUDIT_SEAL, RECORDS), RC_OK);
	v = prove(s, false, false);
	expect(&v, 0, NULL);                    /* its triggers as well */
	assert_int_equal(v.records, 1);
	assert_int_equal(v.first, RECORDS + 1);
	log_of(&s->d, 5);
	v = prove(s, false, false);
	expect(&v, 0, NULL);
	assert_int_equal(v.head.seq, RECORDS + 6);
	assert_int_not_equal(raw_sql(s->d.db, "DELETE FROM audit WHERE seq = 22"), SQLITE_OK);
}

static void a_beginning_cut_off_without_the_key_is_found(void **state)
{
	const struct signer *s = *state;
	struct audit_verdict v;

	log_of(&s->d, RECORDS);
	assert_int_equal(seal(s, AUDIT_SEAL, RECORDS), RC_OK);
	rewrite(s, "UPDATE audit SET payload = replace(payload, '\"count\":20', '\"count\":21')");
	v = prove(s, false, false);
	expect(&v, 1, "record 1 is missing");
}

/* ---- exports ---- */

static enum rc one_line(void *ctx, const struct audit_record *rec)
{
	audit_json(ctx, rec);
	buf_addc(ctx, '\n');
	return RC_OK;
}

static void export(const struct signer *s, struct buf *out, bool sign)
{
	struct audit_filter f = { .oldest_first = true, .limit = 1000 };
	struct db *r;
	struct jw w;
	struct err e;

	buf_init(out);
	ok(db_open(&r, s->d.db, DB_READER, NULL, &e));
	ok(audit_query(r, &f, one_line, out, &e));
	db_close(r);
	if (!sign)
		return;
	struct checkpoint c = at(s, RECORDS, s->key);
	jw_init(&w, out);
	jw_obj(&w);
	checkpoint_write(&w, &c);
	jw_end_obj(&w);
	buf_addc(out, '\n');
}

static struct audit_verdict prove_export(const struct signer *s, struct slice text, struct audit_export_word *word)
{
	struct audit_proof p = { .keys = { &s->pub, 1 } };
	struct audit_verdict v;
	char path[320];
	struct err e;

	snprintf(path, sizeof path, "%s/export", s->d.path);
	unit_write(path, text.p, text.n, 0600);
	ok(audit_prove_export(path, &p, &v, word, &e));
	return v;
}

static void an_export_is_proved_by_itself(void **state)
{
	const struct signer *s = *state;
	struct audit_export_word word;
	struct audit_verdict v;
	struct buf b;

	log_of(&s->d, RECORDS);
	for (int sign = 0; sign < 2; sign++) {
		export(s, &b, sign);
		v = prove_export(s, buf_slice(&b), &word);
		expect(&v, sign ? 0 : RECORDS + 1, sign ? NULL : "not signed after record 20");
		assert_int_equal(v.records, RECORDS);
		assert_int_equal(word.checkpoint.is_signed, sign);
		buf_done(&b);
	}
	v = prove_export(s, SLICE_LIT(""), &word);
	expect(&v, 1, "no record");
}

static bool stop_at_once(void *ctx, int64_t done, int64_t of)
{
	++*(int *)ctx;
	assert_int_equal(done, 0);
	assert_int_equal(of, 0);
	return false;
}

/* Not even its missing signature is spoken of. */
static void a_stopped_proof_of_an_export_is_no_verdict(void **state)
{
	const struct signer *s = *state;
	int told = 0;
	struct audit_proof p = { .keys = { &s->pub, 1 }, .progress = stop_at_once, .ctx = &told };
	struct audit_export_word word;
	struct audit_verdict v;
	char path[320];
	struct buf b;
	struct err e;

	log_of(&s->d, RECORDS);
	export(s, &b, false);
	snprintf(path, sizeof path, "%s/export", s->d.path);
	unit_write(path, b.p, b.n, 0600);
	buf_done(&b);
	ok(audit_prove_export(path, &p, &v, &word, &e));
	assert_int_equal(told, 1);
	assert_true(v.stopped);
	assert_int_equal(v.records, 0);
	assert_string_equal(v.why, "");
}

/* "time", "text" and "at_us" of another order are shown, not hashed; everything that is hashed is found. */
static void a_changed_export_is_named_by_its_first_bad_record(void **state)
{
	const struct signer *s = *state;
	struct audit_export_word word;
	struct audit_verdict v;
	struct buf b, c;

	log_of(&s->d, RECORDS);
	export(s, &b, true);
	const char *lines[RECORDS + 2], *p = b.p;
	for (int i = 0; i < RECORDS + 2; i++, p = strchr(p, '\n') + 1)
		lines[i] = i <= RECORDS ? p : b.p + b.n;
	static const char *const words[] = { "\"lane\":\"kimi\"}", "\"anna\"", "\"subject\":\"file-8", "\"seq\":8,", "\"prev\":\"", "\"hash\":\"", "\"cycle\":7" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char *q = memmem(lines[7], (size_t)(lines[8] - lines[7]), words[i], strlen(words[i]));
		assert_non_null(q);
		q += strlen(words[i]) - (words[i][strlen(words[i]) - 1] == '}' ? 3 : words[i][strlen(words[i]) - 1] == ',' ? 2 : words[i][strlen(words[i]) - 1] == '"' && i < 2 ? 2 : 1);
		if (words[i][strlen(words[i]) - 1] == '"' && i >= 2)
			q++;
		char was = *q;
		*q = was == '1' ? '2' : was == '0' ? '1' : (char)(was ^ 1);
		v = prove_export(s, buf_slice(&b), &word);
		if (v.ok || v.first_bad != 8)
			print_error("%s %c: %d %lld %s\n", words[i], was, v.ok, (long long)v.first_bad, v.why);
		assert_false(v.ok);
		assert_int_equal(v.first_bad, 8);
		*q = was;
	}
	/* a line dropped; the last lines cut; the signature's line gone with them */
	const struct { int from, to; int64_t bad; const char *why; } cuts[] = { { 4, 5, 5, "record 5 is missing" }, { 18, 20, 19, "it was signed to record 20" },
		{ 0, 1, 1, "record 1 is missing" } };
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		buf_init(&c);
		buf_add(&c, b.p, (size_t)(lines[cuts[i].from] - b.p));
		buf_add(&c, lines[cuts[i].to], (size_t)(b.p + b.n - lines[cuts[i].to]));
		v = prove_export(s, buf_slice(&c), &word);
		expect(&v, cuts[i].bad, cuts[i].why);
		buf_done(&c);
	}
	v = prove_export(s, (struct slice){ b.p, b.n - 1 }, &word);
	expect(&v, RECORDS + 1, "cut off");
	v = prove_export(s, (struct slice){ b.p, (size_t)(lines[6] - b.p) - 9 }, &word);
	expect(&v, 6, "cut off");
	buf_adds(&b, "{}\n");
	v = prove_export(s, buf_slice(&b), &word);
	expect(&v, RECORDS + 1, "after the signature");
	buf_done(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_changed_byte_of_a_line_is_seen),
		T(each_changed_byte_of_its_json_is_seen),
		T(another_key_signs_nothing_for_us),
		T(the_newest_anchor_is_signed_by_a_key_that_counts),
		T(anchors_that_were_there_must_be_there),
		T(a_forged_older_anchor_is_named_by_its_line),
		T(a_log_rewritten_whole_is_found_by_its_checkpoints),
		T(a_checkpoint_of_another_key_or_none_is_bad),
		T(a_checkpoint_cannot_speak_of_what_comes_later),
		T(a_start_reads_from_the_newest_anchor_on),
		T(what_a_start_finds_and_what_the_whole_finds),
		T(records_leave_only_behind_the_record_that_says_so),
		T(a_beginning_cut_off_without_the_key_is_found),
		T(an_export_is_proved_by_itself),
		T(a_stopped_proof_of_an_export_is_no_verdict),
		T(a_changed_export_is_named_by_its_first_bad_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
