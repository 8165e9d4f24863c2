#include "store/journal.h"

#include "store/journal_op.h"

enum rc journal_put_protect(struct db *d, const struct journal_protect *p, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, p->off ? "DELETE FROM protected_items WHERE lane = ?1 AND id = ?2" :
		"INSERT OR REPLACE INTO protected_items (lane, id, actor, reason, at_us) VALUES (?1, ?2, ?3, ?4, ?5)", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, p->lane);
	db_bind_text(s, 2, p->id);
	if (!p->off) {
		db_bind_text(s, 3, p->actor);
		db_bind_text(s, 4, p->reason);
		db_bind_i64(s, 5, p->at_us);
	}
	return db_run(s, NULL, e);
}

/* ---- reading ---- */

enum rc journal_read_protected(struct db *r, struct slice lane, journal_protect_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, lane.n ? "SELECT lane, id, actor, reason, at_us FROM protected_items WHERE lane = ?1 ORDER BY id" :
		"SELECT lane, id, actor, reason, at_us FROM protected_items ORDER BY lane, id", e);

	if (rc != RC_OK)
		return rc;
	if (lane.n)
		db_bind_text(s, 1, lane);
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_protect p = { .lane = db_text(s, 0), .id = db_text(s, 1), .actor = db_text(s, 2), .reason = db_text(s, 3),
			.at_us = db_i64(s, 4) };
		rc = v(ctx, &p);
	}
	db_reset(s);
	return rc != RC_OK ? rc : db_step_rc(s);
}

enum rc journal_is_protected(struct db *r, struct slice lane, struct slice id, bool *yes, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT 1 FROM protected_items WHERE lane = ?1 AND id = ?2", e);

	*yes = false;
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, lane);
	db_bind_text(s, 2, id);
	*yes = db_step(s, e) == DB_ROW;
	db_reset(s);
	return db_step_rc(s);
}
