#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "store/db_impl.h"

/* The newest record is the one that says so, and follows what goes. */
static enum rc may_drop(struct db *d, const struct audit_head *head, int64_t last, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "SELECT kind FROM audit WHERE seq = ?1", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, head->seq);
	bool seal = db_step(s, e) == DB_ROW && slice_is(db_text(s, 0), audit_kind_name(AUDIT_SEAL));
	db_reset(s);
	if (seal && head->seq == last + 1)
		return RC_OK;
	return err_set(e, RC_REFUSED, "audit log: record %" PRId64 " does not seal the records up to %" PRId64 "; they stay", head->seq, last);
}

/* What the trigger is made with, so that it is put back as it was. */
static enum rc trigger_text(struct db *d, struct buf *out, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'audit_no_delete'", e);

	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) == DB_ROW)
		buf_add(out, db_text(s, 0).p, db_text(s, 0).n);
	db_reset(s);
	return out->n != 0 ? RC_OK : err_set(e, RC_AUDIT, "audit log: the trigger audit_no_delete is missing; verify the log");
}

static enum rc drop_rows(struct db *d, int64_t last, struct err *e)
{
	char sql[80];
	struct buf trigger;

	buf_init(&trigger);
	enum rc rc = trigger_text(d, &trigger, e);
	if (rc == RC_OK)
		rc = db_exec(d, "DROP TRIGGER audit_no_delete", e);
	snprintf(sql, sizeof sql, "DELETE FROM audit WHERE seq <= %" PRId64, last);
	if (rc == RC_OK)
		rc = db_exec(d, sql, e);
	if (rc == RC_OK)
		rc = db_exec(d, buf_z(&trigger), e);
	buf_done(&trigger);
	return rc;
}

enum rc audit_drop(struct db *d, const struct audit_head *head, int64_t last, struct err *e)
{
	enum rc rc = may_drop(d, head, last, e);

	if (rc != RC_OK)
		return rc;
	db_guard(d, false);
	rc = drop_rows(d, last, e);
	db_guard(d, true);
	return rc;
}
