#include "store/journal.h"

#include <string.h>

#include "base/mem.h"
#include "store/journal_op.h"

static enum rc put_mark(struct db *d, const struct journal_taken *t, int64_t *fresh, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO link_marks (link, key, n, at_us) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (link, key) DO UPDATE SET n = ?3, at_us = ?4 WHERE link_marks.at_us <= ?5", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, t->link);
	db_bind_blob(s, 2, t->key.b, HASH_BYTES);
	db_bind_i64(s, 3, t->n);
	db_bind_i64(s, 4, t->at_us);
	db_bind_i64(s, 5, t->stale_us);
	return db_run(s, fresh, e);
}

/* Of a large window not at each message: it holds up to a 64th more then. */
static bool drops(const struct journal_taken *t)
{
	int64_t window = t->n - t->keep_after_n, every = MAX(MIN(window / 64, (int64_t)64), (int64_t)1);

	return t->keep_after_n > 0 && t->n % every == 0;
}

static enum rc drop_marks(struct db *d, const struct journal_taken *t, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "DELETE FROM link_marks WHERE link = ?1 AND n <= ?2", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, t->link);
	db_bind_i64(s, 2, t->keep_after_n);
	return db_run(s, NULL, e);
}

static enum rc count_taken(struct db *d, const struct journal_taken *t, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO link_streams (link, taken, epoch, highest) VALUES (?1, 1, ?2, ?3)"
		" ON CONFLICT (link) DO UPDATE SET taken = taken + 1, epoch = ?2, highest = ?3", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, t->link);
	db_bind_blob(s, 2, t->epoch.p, t->epoch.n);
	if (t->sequenced)
		db_bind_i64(s, 3, t->highest);
	else
		db_bind_null(s, 3);
	return db_run(s, NULL, e);
}

enum rc journal_put_taken(struct db *d, const struct journal_taken *t, struct err *e)
{
	int64_t fresh = 1;
	enum rc rc = t->marked ? put_mark(d, t, &fresh, e) : RC_OK;

	if (rc == RC_OK && fresh)
		rc = count_taken(d, t, e);
	if (rc == RC_OK && fresh && t->marked && drops(t))
		rc = drop_marks(d, t, e);
	return rc;
}

/* ---- reading ---- */

enum rc journal_read_marks(struct db *r, struct slice link, journal_mark_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT n, key, at_us FROM link_marks WHERE link = ?1 ORDER BY n", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, link);
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct hash key;
		struct slice b = db_text(s, 1);
		if (b.n != HASH_BYTES)
			continue;
		memcpy(key.b, b.p, HASH_BYTES);
		rc = v(ctx, db_i64(s, 0), &key, db_i64(s, 2));
	}
	db_reset(s);
	return rc != RC_OK ? rc : db_step_rc(s);
}

enum rc journal_read_stream(struct db *r, struct slice link, struct journal_stream *out, struct buf *epoch, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT taken, epoch, highest FROM link_streams WHERE link = ?1", e);

	*out = (struct journal_stream){ 0 };
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, link);
	if (db_step(s, e) == DB_ROW) {
		struct slice b = db_text(s, 1);
		out->taken = db_i64(s, 0);
		out->sequenced = !db_is_null(s, 2);
		out->highest = out->sequenced ? db_i64(s, 2) : 0;
		buf_add(epoch, b.p, b.n);
	}
	db_reset(s);
	return db_step_rc(s);
}
