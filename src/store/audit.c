#include "store/audit.h"
#include "store/audit_words.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- kinds ---- */

static const struct {
	struct slice word;
	const char *point;
} kinds[AUDIT_KIND_COUNT] = {
#define X(e, w) [AUDIT_##e] = { { w, sizeof w - 1 }, "audit." w },
	AUDIT_KINDS(X)
#undef X
};

const char *audit_kind_name(enum audit_kind k)
{
	assert(k < AUDIT_KIND_COUNT);
	return kinds[k].word.p;
}

const char *audit_kind_point(enum audit_kind k)
{
	assert(k < AUDIT_KIND_COUNT);
	return kinds[k].point;
}

bool audit_kind_parse(struct slice word, enum audit_kind *out)
{
	for (int k = 0; k < AUDIT_KIND_COUNT; k++)
		if (slice_eq(word, kinds[k].word)) {
			*out = (enum audit_kind)k;
			return true;
		}
	return false;
}

/* ---- the hash ---- */

/* The encoding of base/hash (tag, 8-byte length, bytes) without a buffer on the heap. */
struct feed {
	struct hasher *h;
	size_t n;
	uint8_t b[1024];
};

static void feed_raw(struct feed *f, const void *p, size_t n)
{
	if (n > sizeof f->b - f->n) {
		hasher_add(f->h, f->b, f->n);
		f->n = 0;
	}
	if (n > sizeof f->b) {
		hasher_add(f->h, p, n);
		return;
	}
	if (n != 0)
		memcpy(f->b + f->n, p, n);
	f->n += n;
}

enum { HEAD_BYTES = 9 };                 /* tag, length */

static void head_put(uint8_t at[HEAD_BYTES], char tag, uint64_t n)
{
	uint64_t big = __builtin_bswap64(n);

	static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lengths are hashed big-endian");
	at[0] = (uint8_t)tag;
	memcpy(at + 1, &big, sizeof big);
}

static void feed_bytes(struct feed *f, const void *p, size_t n)
{
	uint8_t head[HEAD_BYTES];

	if (n < sizeof f->b - f->n && HEAD_BYTES < sizeof f->b - f->n - n) {
		head_put(f->b + f->n, 'b', n);
		if (n != 0)
			memcpy(f->b + f->n + HEAD_BYTES, p, n);
		f->n += HEAD_BYTES + n;
		return;
	}
	head_put(head, 'b', n);
	feed_raw(f, head, sizeof head);
	feed_raw(f, p, n);
}

static void feed_text(struct feed *f, struct slice s)
{
	feed_bytes(f, s.p, s.n);
}

static void feed_i64(struct feed *f, int64_t v)
{
	uint64_t big = __builtin_bswap64((uint64_t)v);
	uint8_t both[HEAD_BYTES + sizeof big];

	head_put(both, 'i', sizeof big);
	memcpy(both + HEAD_BYTES, &big, sizeof big);
	feed_raw(f, both, sizeof both);
}

void audit_hash(struct hasher *h, const struct audit_record *rec, struct hash *out)
{
	struct feed f = { .h = h, .n = 0 };

	hasher_begin(h);
	feed_text(&f, SLICE_LIT("sluice audit record 1"));
	feed_bytes(&f, rec->prev.b, HASH_BYTES);
	feed_i64(&f, rec->seq);
	feed_i64(&f, rec->at.wall_us);
	feed_i64(&f, rec->at.boot_us);
	feed_text(&f, rec->boot);
	feed_text(&f, rec->actor.name);
	feed_i64(&f, rec->actor.uid);
	feed_text(&f, rec->actor.role);
	feed_text(&f, rec->actor.via);
	feed_text(&f, kinds[rec->kind].word);
	feed_text(&f, rec->subject);
	feed_i64(&f, rec->cycle);
	feed_text(&f, rec->plan);
	feed_text(&f, rec->payload);
	hasher_add(h, f.b, f.n);
	hasher_end(h, out);
}

/* ---- rows ---- */

enum column {
	SEQ, WALL, BOOT_US, BOOT, ACTOR, UID, ROLE, VIA, KIND, SUBJECT, CYCLE, PLAN, PAYLOAD, PREV, HASH
};

static const char *wrong_type(struct db_stmt *s)
{
	static const int types[] = {
		[SEQ] = SQLITE_INTEGER, [WALL] = SQLITE_INTEGER, [BOOT_US] = SQLITE_INTEGER, [BOOT] = SQLITE_TEXT,
		[ACTOR] = SQLITE_TEXT, [UID] = SQLITE_INTEGER, [ROLE] = SQLITE_TEXT, [VIA] = SQLITE_TEXT,
		[KIND] = SQLITE_TEXT, [SUBJECT] = SQLITE_TEXT, [CYCLE] = SQLITE_INTEGER, [PLAN] = SQLITE_TEXT,
		[PAYLOAD] = SQLITE_TEXT, [PREV] = SQLITE_BLOB, [HASH] = SQLITE_BLOB
	};

	for (int i = 0; i < (int)ARRAY_LEN(types); i++)
		if (!db_is_type(s, i, types[i]))
			return "a value has the wrong type";
	return NULL;
}

const char *audit_from_row(struct db_stmt *s, struct audit_record *rec)
{
	const char *why = wrong_type(s);
	struct slice prev = db_text(s, PREV), hash = db_text(s, HASH);

	*rec = (struct audit_record){ .seq = db_i64(s, SEQ) };
	if (why != NULL)
		return why;
	if (prev.n != HASH_BYTES || hash.n != HASH_BYTES)
		return "a hash has the wrong length";
	if (!audit_kind_parse(db_text(s, KIND), &rec->kind))
		return "its kind is unknown";
	rec->at = (struct now){ db_i64(s, WALL), db_i64(s, BOOT_US) };
	rec->boot = db_text(s, BOOT);
	rec->actor = (struct audit_actor){ db_text(s, ACTOR), db_i64(s, UID), db_text(s, ROLE), db_text(s, VIA) };
	rec->subject = db_text(s, SUBJECT);
	rec->cycle = db_i64(s, CYCLE);
	rec->plan = db_text(s, PLAN);
	rec->payload = db_text(s, PAYLOAD);
	memcpy(rec->prev.b, prev.p, HASH_BYTES);
	memcpy(rec->hash.b, hash.p, HASH_BYTES);
	return NULL;
}

enum rc audit_append(struct db *d, struct audit_head *head, struct audit_record *rec, struct err *e)
{
	struct db_stmt *s;
	int64_t changed = 0;
	enum rc rc = db_prepare(d, &s, "INSERT INTO audit (" AUDIT_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", e);

	if (rc != RC_OK)
		return rc;
	rec->seq = head->seq + 1;
	rec->prev = head->hash;
	audit_hash(db_hasher(d), rec, &rec->hash);
	db_bind_i64(s, SEQ + 1, rec->seq);
	db_bind_i64(s, WALL + 1, rec->at.wall_us);
	db_bind_i64(s, BOOT_US + 1, rec->at.boot_us);
	db_bind_text(s, BOOT + 1, rec->boot);
	db_bind_text(s, ACTOR + 1, rec->actor.name);
	db_bind_i64(s, UID + 1, rec->actor.uid);
	db_bind_text(s, ROLE + 1, rec->actor.role);
	db_bind_text(s, VIA + 1, rec->actor.via);
	db_bind_text(s, KIND + 1, kinds[rec->kind].word);
	db_bind_text(s, SUBJECT + 1, rec->subject);
	db_bind_i64(s, CYCLE + 1, rec->cycle);
	db_bind_text(s, PLAN + 1, rec->plan);
	db_bind_text(s, PAYLOAD + 1, rec->payload);
	db_bind_blob(s, PREV + 1, rec->prev.b, HASH_BYTES);
	db_bind_blob(s, HASH + 1, rec->hash.b, HASH_BYTES);
	rc = db_run(s, &changed, e);
	if (rc == RC_OK && changed != 1)
		rc = err_set(e, RC_AUDIT, "audit log: a record was silently not written; verify the log");
	if (rc == RC_OK)
		*head = (struct audit_head){ rec->seq, rec->hash };
	return rc;
}

enum rc audit_read_head(struct db *d, struct audit_head *head, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", e);

	*head = (struct audit_head){ 0 };
	if (rc != RC_OK)
		return rc;
	switch (db_step(s, e)) {
	case DB_ERROR:
		return db_step_rc(s);
	case DB_DONE:
		break;
	case DB_ROW:
		head->seq = db_i64(s, 0);
		struct slice hash = db_text(s, 1);
		if (hash.n == HASH_BYTES)
			memcpy(head->hash.b, hash.p, HASH_BYTES);
		else
			rc = err_set(e, RC_AUDIT, "audit log: the hash of record %lld, the newest, is damaged; restore a copy",
				     (long long)head->seq);
		break;
	}
	db_reset(s);
	return rc;
}

enum rc audit_unmoved(struct db *d, const struct audit_head *head, bool *unmoved, struct err *e)
{
	struct audit_head is;
	enum rc rc = audit_read_head(d, &is, e);

	*unmoved = rc == RC_OK && is.seq == head->seq && hash_eq(&is.hash, &head->hash);
	if (rc == RC_OK && !*unmoved)
		(void)err_set(e, RC_AUDIT, "audit log: record %lld is its newest, but this engine wrote record %lld last: somebody else wrote "
			      "to the file; stop the engine and verify the log", (long long)is.seq, (long long)head->seq);
	return rc;
}

/* ---- reading ---- */

#define QUERY(direction) \
	"SELECT " AUDIT_COLUMNS " FROM audit WHERE seq < ?1 AND seq > ?2" \
	" AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR kind = ?4)" \
	" AND (?5 IS NULL OR substr(kind, 1, length(?5)) = ?5)" \
	" AND (?6 IS NULL OR subject = ?6) AND (?7 IS NULL OR cycle = ?7)" \
	" ORDER BY seq " direction " LIMIT ?8"

/* All but the records of single items; the same terms stand in the index audit_decisions of the schema (its newest version). */
#define NO_SINGLE_ITEM \
	"kind <> 'intent' AND kind <> 'outcome' AND kind <> 'probe' AND kind <> 'row.intent' AND kind <> 'row.outcome'" \
	" AND kind <> 'recheck' AND kind <> 'claim.intent' AND kind <> 'claim.outcome'" \
	" AND kind <> 'escrow.intent' AND kind <> 'escrow.outcome'" \
	" AND kind <> 'compensation.intent' AND kind <> 'compensation.outcome'"
#define DECISIONS \
	"SELECT " AUDIT_COLUMNS " FROM audit WHERE " NO_SINGLE_ITEM " AND seq < ?1 AND seq > ?2" \
	" AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR kind = ?4)" \
	" AND (?5 IS NULL OR substr(kind, 1, length(?5)) = ?5)" \
	" AND (?6 IS NULL OR subject = ?6) AND (?7 IS NULL OR cycle = ?7)" \
	" ORDER BY seq DESC LIMIT ?8"

static void bind_unless_empty(struct db_stmt *s, int i, struct slice v)
{
	if (v.n != 0)
		db_bind_text(s, i, v);
}

static void bind_filter(struct db_stmt *s, const struct audit_filter *f)
{
	bool prefix = f->kind.n != 0 && f->kind.p[f->kind.n - 1] == '.';

	db_bind_i64(s, 1, f->before_seq > 0 ? f->before_seq : INT64_MAX);
	db_bind_i64(s, 2, f->after_seq);
	bind_unless_empty(s, 3, f->actor);
	bind_unless_empty(s, prefix ? 5 : 4, f->kind);
	bind_unless_empty(s, 6, f->subject);
	if (f->cycle != 0)
		db_bind_i64(s, 7, f->cycle);
	db_bind_i64(s, 8, f->limit <= 0 ? 100 : MIN(f->limit, 1000));
}

enum rc audit_query(struct db *reader, const struct audit_filter *f, audit_visit *visit, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum db_step step;
	enum rc rc = db_prepare(reader, &s, f->decisions_only ? DECISIONS : f->oldest_first ? QUERY("ASC") : QUERY("DESC"), e);

	if (rc != RC_OK)
		return rc;
	bind_filter(s, f);
	while (rc == RC_OK && (step = db_step(s, e)) != DB_DONE) {
		struct audit_record rec;
		if (step == DB_ERROR)
			return db_step_rc(s);
		const char *why = audit_from_row(s, &rec);
		if (why != NULL)
			rc = err_set(e, RC_AUDIT, "audit log: record %lld: %s; verify the log", (long long)rec.seq, why);
		else
			rc = visit(ctx, &rec);
	}
	db_reset(s);
	return rc;
}

/* The stored payload if it is JSON, else (someone changed it) the bytes as a string. */
static void payload_json(struct jw *w, enum audit_kind k, struct slice payload)
{
	struct json_doc *doc = NULL;
	struct buf text;
	struct err e;

	buf_init(&text);
	jw_key(w, "payload");
	if (json_parse(&doc, payload, NULL, &e) == RC_OK)
		jw_raw(w, payload);
	else
		jw_str(w, payload);
	if (doc)
		audit_words(&text, k, json_root(doc));
	jw_kstr(w, "text", buf_slice(&text));
	buf_done(&text);
	json_doc_free(doc);
}

void audit_json(struct buf *out, const struct audit_record *rec)
{
	char text[TIME_TEXT], hex[HASH_HEX];
	struct jw w;

	jw_init(&w, out);
	jw_obj(&w);
	jw_ki64(&w, "seq", rec->seq);
	jw_kz(&w, "time", time_rfc3339(text, rec->at.wall_us, true));
	jw_ki64(&w, "at_us", rec->at.wall_us);
	jw_ki64(&w, "boot_us", rec->at.boot_us);
	jw_kstr(&w, "boot", rec->boot);
	jw_kstr(&w, "actor", rec->actor.name);
	jw_kopt(&w, "uid", rec->actor.uid);
	jw_kstr(&w, "role", rec->actor.role);
	jw_kstr(&w, "via", rec->actor.via);
	jw_kz(&w, "kind", audit_kind_name(rec->kind));
	jw_kstr(&w, "subject", rec->subject);
	if (!utf8_valid(rec->subject) || (rec->subject.n != 0 && memchr(rec->subject.p, 0, rec->subject.n) != NULL)) {
		struct buf bytes;
		buf_init(&bytes);
		hex_encode(&bytes, rec->subject.p, rec->subject.n);
		jw_kstr(&w, "subject_hex", buf_slice(&bytes));
		buf_done(&bytes);
	}
	jw_ki64(&w, "cycle", rec->cycle);
	jw_kstr(&w, "plan", rec->plan);
	payload_json(&w, rec->kind, rec->payload);
	jw_kz(&w, "prev", hash_hex(hex, &rec->prev));
	jw_kz(&w, "hash", hash_hex(hex, &rec->hash));
	jw_end_obj(&w);
}
