#include "store/journal.h"

#include <sqlite3.h>

#include "base/mem.h"
#include "base/time.h"
#include "store/journal_op.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* Spends older than this are dropped: far beyond the 24 hours they count for, whatever the clock did. */
#define SPENT_KEPT_US (8 * DAY_US)

static int64_t item_key(const struct journal_item *it)
{
	return it->cycle * (INT64_C(1) << 32) + it->n;
}

/* When the records of a batch are written. */
struct written {
	struct now at;
	struct slice boot;
};

static enum rc put_audit(struct db *d, struct audit_head *head, const struct audit_record *rec, const struct written *w, struct err *e)
{
	struct audit_record r = *rec;

	r.at = w->at;
	r.boot = w->boot;
	return audit_append(d, head, &r, e);
}

static enum rc put_cycle(struct db *d, const struct journal_cycle *c, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO cycles (id, name, policy, stage, state, plan, body, opened_us, closed_us) VALUES (?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (id) DO UPDATE SET name = excluded.name, policy = excluded.policy, stage = excluded.stage,"
		" state = excluded.state, plan = excluded.plan, body = excluded.body, opened_us = excluded.opened_us,"
		" closed_us = excluded.closed_us", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, c->id);
	db_bind_text(s, 2, c->name);
	db_bind_text(s, 3, c->policy);
	db_bind_text(s, 4, c->stage);
	db_bind_text(s, 5, c->state);
	db_bind_text(s, 6, c->plan);
	db_bind_text(s, 7, c->body);
	db_bind_i64(s, 8, c->opened_us);
	db_bind_opt(s, 9, c->closed_us);
	return db_run(s, NULL, e);
}

static enum rc put_plan(struct db *d, const struct journal_plan *p, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO plans (id, cycle, header, summary, made_us, expires_us) VALUES (?,?,?,?,?,?)", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, p->id);
	db_bind_i64(s, 2, p->cycle);
	db_bind_blob(s, 3, p->header.p, p->header.n);
	db_bind_text(s, 4, p->summary);
	db_bind_i64(s, 5, p->made_us);
	db_bind_i64(s, 6, p->expires_us);
	return db_run(s, NULL, e);
}

static void bind_state(struct db_stmt *s, const struct journal_item *it)
{
	db_bind_i64(s, 1, item_key(it));
	db_bind_i64(s, 2, it->state);
	db_bind_i64(s, 3, it->row_state);
	db_bind_i64(s, 4, it->attempts);
	db_bind_i64(s, 5, it->last_class);
	db_bind_opt(s, 6, it->sent_us);
}

/* Those of an earlier plan of this cycle: validation began again after a restart. */
static enum rc drop_items(struct db *d, int64_t cycle, struct err *e)
{
	static const char *const sql[] = { "DELETE FROM items WHERE key BETWEEN ?1 AND ?1 + 4294967295",
					   "DELETE FROM item_states WHERE key BETWEEN ?1 AND ?1 + 4294967295" };
	struct db_stmt *s;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(sql); i++) {
		rc = db_prepare(d, &s, sql[i], e);
		if (rc != RC_OK)
			return rc;
		db_bind_i64(s, 1, cycle * (INT64_C(1) << 32));
		rc = db_run(s, NULL, e);
	}
	return rc;
}

static enum rc put_item(struct db *d, const struct journal_item *it, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = it->n == 0 ? drop_items(d, it->cycle, e) : RC_OK;

	if (rc != RC_OK)
		return rc;
	rc = db_prepare(d, &s,
		"INSERT INTO items (key, lane, rank, id, name, bytes, created_us, row, rule, class, evidence)"
		" VALUES (?,?,?,?,?,?,?,?,?,?,?)", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, item_key(it));
	db_bind_i64(s, 2, it->lane);
	db_bind_i64(s, 3, it->rank);
	db_bind_text(s, 4, it->id);
	db_bind_text(s, 5, it->name);
	db_bind_opt(s, 6, it->bytes);
	db_bind_opt(s, 7, it->created_us);
	db_bind_text(s, 8, it->row);
	db_bind_text(s, 9, it->rule);
	db_bind_i64(s, 10, it->class_);
	db_bind_text(s, 11, it->evidence);
	rc = db_run(s, NULL, e);
	if (rc == RC_OK)
		rc = db_prepare(d, &s, "INSERT INTO item_states (key, state, row_state, attempts, last_class, sent_us)"
				" VALUES (?,?,?,?,?,?)", e);
	if (rc != RC_OK)
		return rc;
	bind_state(s, it);
	return db_run(s, NULL, e);
}

static enum rc put_grant(struct db *d, const struct journal_grant *g, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO grants (id, cycle, plan, lane, items, bytes, share_bp, on_abort, state, body, made_us, made_boot_us,"
		" expires_us, boot) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (id) DO UPDATE SET cycle = excluded.cycle, plan = excluded.plan, lane = excluded.lane,"
		" items = excluded.items, bytes = excluded.bytes, share_bp = excluded.share_bp, on_abort = excluded.on_abort,"
		" state = excluded.state, body = excluded.body, made_us = excluded.made_us, made_boot_us = excluded.made_boot_us,"
		" expires_us = excluded.expires_us, boot = excluded.boot", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, g->id);
	db_bind_i64(s, 2, g->cycle);
	db_bind_text(s, 3, g->plan);
	db_bind_text(s, 4, g->lane);
	db_bind_i64(s, 5, g->items);
	db_bind_i64(s, 6, g->bytes);
	db_bind_i64(s, 7, g->share_bp);
	db_bind_text(s, 8, g->on_abort);
	db_bind_text(s, 9, g->state);
	db_bind_text(s, 10, g->body);
	db_bind_i64(s, 11, g->made_us);
	db_bind_i64(s, 12, g->made_boot_us);
	db_bind_i64(s, 13, g->expires_us);
	db_bind_text(s, 14, g->boot);
	return db_run(s, NULL, e);
}

static enum rc put_dead(struct db *d, const struct journal_dead *x, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO dead_letters (cycle, n, lane, id, phase, class, belief, body, at_us) VALUES (?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (cycle, n) DO UPDATE SET lane = excluded.lane, id = excluded.id, phase = excluded.phase,"
		" class = excluded.class, belief = excluded.belief, body = excluded.body, at_us = excluded.at_us", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, x->cycle);
	db_bind_i64(s, 2, x->n);
	db_bind_text(s, 3, x->lane);
	db_bind_text(s, 4, x->id);
	db_bind_text(s, 5, x->phase);
	db_bind_text(s, 6, x->class_);
	db_bind_text(s, 7, x->belief);
	db_bind_text(s, 8, x->body);
	db_bind_i64(s, 9, x->at_us);
	return db_run(s, NULL, e);
}

static enum rc remove_dead(struct db *d, const struct journal_dead *x, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "DELETE FROM dead_letters WHERE cycle = ?1 AND n = ?2", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, x->cycle);
	db_bind_i64(s, 2, x->n);
	return db_run(s, NULL, e);
}

static enum rc put_listed(struct db *d, const struct op_lane *l, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "INSERT INTO lanes (name, listed_items, listed_us, deleted_since) VALUES (?1, ?2, ?3, 0)"
				" ON CONFLICT (name) DO UPDATE SET listed_items = ?2, listed_us = ?3, deleted_since = 0", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, l->lane);
	db_bind_i64(s, 2, l->items);
	db_bind_i64(s, 3, l->at_us);
	return db_run(s, NULL, e);
}

static enum rc put_deleted(struct db *d, const struct op_lane *l, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "INSERT INTO lanes (name, deleted_since) VALUES (?1, ?2)"
				" ON CONFLICT (name) DO UPDATE SET deleted_since = deleted_since + ?2", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, l->lane);
	db_bind_i64(s, 2, l->items);
	return db_run(s, NULL, e);
}

static enum rc put_spent(struct db *d, const struct op_lane *l, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "INSERT INTO lane_spent (lane, at_us, items, bytes) VALUES (?1, ?2, ?3, ?4)"
				" ON CONFLICT (lane, at_us) DO UPDATE SET items = items + ?3, bytes = bytes + ?4", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, l->lane);
	db_bind_i64(s, 2, l->at_us);
	db_bind_i64(s, 3, l->items);
	db_bind_i64(s, 4, l->bytes);
	rc = db_run(s, NULL, e);
	if (rc == RC_OK)
		rc = db_prepare(d, &s, "DELETE FROM lane_spent WHERE lane = ?1 AND at_us < ?2", e);
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, l->lane);
	db_bind_i64(s, 2, l->at_us - SPENT_KEPT_US);
	return db_run(s, NULL, e);
}

static enum rc put_escrow(struct db *d, const struct journal_escrow *x, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s,
		"INSERT INTO escrow (lane, id, name, purpose, bytes, sha256, created_us, meta, path, state, cycle, at_us)"
		" VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (lane, id) DO UPDATE SET name = excluded.name, purpose = excluded.purpose, bytes = excluded.bytes,"
		" sha256 = excluded.sha256, created_us = excluded.created_us, meta = excluded.meta, path = excluded.path,"
		" state = excluded.state, cycle = excluded.cycle, at_us = excluded.at_us", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, x->lane);
	db_bind_text(s, 2, x->id);
	db_bind_text(s, 3, x->name);
	db_bind_text(s, 4, x->purpose);
	db_bind_opt(s, 5, x->bytes);
	db_bind_text(s, 6, x->sha256);
	db_bind_opt(s, 7, x->created_us);
	db_bind_text(s, 8, x->meta);
	db_bind_text(s, 9, x->path);
	db_bind_text(s, 10, x->state);
	db_bind_i64(s, 11, x->cycle);
	db_bind_i64(s, 12, x->at_us);
	return db_run(s, NULL, e);
}

static enum rc put_setting(struct db *d, const struct op_setting *x, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "INSERT INTO settings (key, value) VALUES (?1, ?2)"
				" ON CONFLICT (key) DO UPDATE SET value = ?2", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, x->key);
	db_bind_text(s, 2, x->value);
	return db_run(s, NULL, e);
}

static enum rc put(struct db *d, struct audit_head *head, const struct op *op, const struct written *w, struct err *e)
{
	switch (op->kind) {
	case OP_AUDIT:        return put_audit(d, head, &op->audit, w, e);
	case OP_CYCLE:        return put_cycle(d, &op->cycle, e);
	case OP_PLAN:         return put_plan(d, &op->plan, e);
	case OP_ITEM:         return put_item(d, &op->item, e);
	case OP_ITEM_STATE:   return journal_put_states(d, &op->states, e);
	case OP_GRANT:        return put_grant(d, &op->grant, e);
	case OP_DEAD:         return put_dead(d, &op->dead, e);
	case OP_DEAD_REMOVE:  return remove_dead(d, &op->dead, e);
	case OP_SEAL:         return audit_drop(d, head, op->last, e);
	case OP_LANE_LISTED:  return put_listed(d, &op->lane, e);
	case OP_LANE_DELETED: return put_deleted(d, &op->lane, e);
	case OP_LANE_SPENT:   return put_spent(d, &op->lane, e);
	case OP_ESCROW:       return put_escrow(d, &op->escrow, e);
	case OP_SETTING:      return put_setting(d, &op->setting, e);
	case OP_TAKEN:        return journal_put_taken(d, &op->taken, e);
	case OP_PROTECT:      return journal_put_protect(d, &op->protect, e);
	case OP_RESTORED:
	case OP_BASELINE:     return journal_put_restore(d, op->kind, &op->restore, e);
	}
	die("journal: operation %d", (int)op->kind);
}

enum rc journal_write(struct db *d, struct audit_head *head, const struct journal *j, struct err *e)
{
	const struct written w = { now_read(), slice_of(boot_id()) };
	enum rc rc = RC_OK;

	for (const struct op *op = j->first; op != NULL && rc == RC_OK; op = op->next)
		rc = put(d, head, op, &w, e);
	return rc;
}

enum rc journal_apply(struct db *d, struct audit_head *head, const struct journal *j, struct err *e)
{
	bool alone = sqlite3_get_autocommit(db_sqlite(d)) != 0;
	struct audit_head was = *head;
	struct err undo;
	enum rc rc = db_do(d, alone ? "BEGIN IMMEDIATE" : "SAVEPOINT batch", e);

	if (rc != RC_OK)
		return rc;
	rc = journal_write(d, head, j, e);
	if (rc == RC_OK)
		rc = db_do(d, alone ? "COMMIT" : "RELEASE batch", e);
	if (rc == RC_OK)
		return RC_OK;
	*head = was;
	/* SQLite may have rolled everything back by itself (disk full, I/O error). */
	if (sqlite3_get_autocommit(db_sqlite(d)) == 0 &&
	    (db_do(d, alone ? "ROLLBACK" : "ROLLBACK TO batch", &undo) != RC_OK ||
	     (!alone && db_do(d, "RELEASE batch", &undo) != RC_OK)))
		return err_set(e, RC_AUDIT, "%s", undo.text);
	return rc;
}
