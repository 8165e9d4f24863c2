#include "store/journal.h"

#include "store/journal_op.h"

enum rc journal_put_restore(struct db *d, enum op_kind k, const struct op_restore *x, struct err *e)
{
	struct db_stmt *s;
	const char *sql = k == OP_RESTORED ? "INSERT INTO restored (cycle, n, new_id) VALUES (?1, ?2, ?3) ON CONFLICT (cycle, n) DO UPDATE SET new_id = ?3"
					   : "INSERT INTO restore_baseline (cycle, lane, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
	enum rc rc = db_prepare(d, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, x->cycle);
	db_bind_i64(s, 2, x->n);
	db_bind_text(s, 3, x->id);
	return db_run(s, NULL, e);
}

static enum rc each(struct db *r, const char *sql, int64_t cycle, journal_restore_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, cycle);
	while (rc == RC_OK && db_step(s, e) == DB_ROW)
		rc = v(ctx, (int32_t)db_i64(s, 0), db_text(s, 1));
	db_reset(s);
	return rc != RC_OK ? rc : db_step_rc(s);
}

enum rc journal_read_restored(struct db *r, int64_t cycle, journal_restore_visit *v, void *ctx, struct err *e)
{
	return each(r, "SELECT n, new_id FROM restored WHERE cycle = ?1 ORDER BY n", cycle, v, ctx, e);
}

enum rc journal_read_baseline(struct db *r, int64_t cycle, journal_restore_visit *v, void *ctx, struct err *e)
{
	return each(r, "SELECT lane, id FROM restore_baseline WHERE cycle = ?1 ORDER BY lane, id", cycle, v, ctx, e);
}
