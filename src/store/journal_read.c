#include "store/journal.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* How a reading ended: the visitor's answer, or what the last step says. Resets the statement. */
static enum rc end(struct db_stmt *s, enum rc visited)
{
	db_reset(s);
	return visited != RC_OK ? visited : db_step_rc(s);
}

static int64_t limit_or_all(int limit)
{
	return limit > 0 ? limit : -1;
}

enum rc journal_last_cycle(struct db *r, int64_t *id, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT coalesce(max(id), 0) FROM cycles", e);

	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) == DB_ROW)
		*id = db_i64(s, 0);
	return end(s, RC_OK);
}

/* ---- cycles ---- */

#define CYCLES "SELECT id, name, policy, stage, state, plan, body, opened_us, closed_us FROM cycles "

static enum rc visit_cycles(struct db_stmt *s, int64_t *seen, journal_cycle_visit *v, void *ctx, struct err *e)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_cycle c = {
			.id = db_i64(s, 0), .name = db_text(s, 1), .policy = db_text(s, 2), .stage = db_text(s, 3),
			.state = db_text(s, 4), .plan = db_text(s, 5), .body = db_text(s, 6),
			.opened_us = db_i64(s, 7), .closed_us = db_i64(s, 8)
		};
		++*seen;
		rc = v(ctx, &c);
	}
	return end(s, rc);
}

static enum rc read_cycles(struct db *r, const char *sql, int64_t value, int64_t *seen, journal_cycle_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, value);
	return visit_cycles(s, seen, v, ctx, e);
}

enum rc journal_read_cycle(struct db *r, int64_t id, journal_cycle_visit *v, void *ctx, struct err *e)
{
	int64_t seen = 0;
	enum rc rc = read_cycles(r, CYCLES "WHERE id = ?1", id, &seen, v, ctx, e);

	if (rc == RC_OK && seen == 0)
		return err_set(e, RC_NOT_FOUND, "there is no cycle %lld; `sluice cycle status` names the last one", (long long)id);
	return rc;
}

enum rc journal_open_cycles(struct db *r, journal_cycle_visit *v, void *ctx, struct err *e)
{
	int64_t seen = 0;

	return read_cycles(r, CYCLES "WHERE closed_us IS NULL AND id > ?1 ORDER BY id", 0, &seen, v, ctx, e);
}

enum rc journal_recent_cycles(struct db *r, int limit, journal_cycle_visit *v, void *ctx, struct err *e)
{
	int64_t seen = 0;

	return read_cycles(r, CYCLES "ORDER BY id DESC LIMIT ?1", limit_or_all(limit), &seen, v, ctx, e);
}

/* ---- what belongs to a cycle ---- */

enum rc journal_read_plan(struct db *r, int64_t cycle, journal_plan_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT id, cycle, header, summary, made_us, expires_us FROM plans"
				" WHERE cycle = ?1 ORDER BY rowid DESC LIMIT 1", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, cycle);
	switch (db_step(s, e)) {
	case DB_ROW:
		rc = v(ctx, &(struct journal_plan){
			.id = db_text(s, 0), .cycle = db_i64(s, 1), .header = db_text(s, 2), .summary = db_text(s, 3),
			.made_us = db_i64(s, 4), .expires_us = db_i64(s, 5)
		});
		break;
	case DB_DONE:
		rc = err_set(e, RC_NOT_FOUND, "cycle %lld has no frozen plan", (long long)cycle);
		break;
	case DB_ERROR:
		break;
	}
	return end(s, rc);
}

static struct journal_item item_of(struct db_stmt *s, int64_t cycle)
{
	return (struct journal_item){
		.cycle = cycle, .n = (int32_t)(db_i64(s, 0) & 0xffffffff),
		.lane = (int32_t)db_i64(s, 1), .rank = (int32_t)db_i64(s, 2),
		.id = db_text(s, 3), .name = db_text(s, 4), .bytes = db_i64(s, 5), .created_us = db_i64(s, 6),
		.row = db_text(s, 7), .evidence = db_text(s, 8), .rule = db_text(s, 14), .class_ = (int32_t)db_i64(s, 15),
		.state = (int32_t)db_i64(s, 9), .row_state = (int32_t)db_i64(s, 10),
		.attempts = (int32_t)db_i64(s, 11), .last_class = (int32_t)db_i64(s, 12), .sent_us = db_i64(s, 13)
	};
}

enum rc journal_read_items(struct db *r, int64_t cycle, int32_t from_n, int limit, journal_item_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT i.key, i.lane, i.rank, i.id, i.name, i.bytes, i.created_us, i.row, i.evidence,"
				" s.state, s.row_state, s.attempts, s.last_class, s.sent_us, i.rule, i.class"
				" FROM items i JOIN item_states s ON s.key = i.key"
				" WHERE i.key >= ?1 AND i.key < ?2 ORDER BY i.key LIMIT ?3", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, cycle * (INT64_C(1) << 32) + from_n);
	db_bind_i64(s, 2, (cycle + 1) * (INT64_C(1) << 32));
	db_bind_i64(s, 3, limit_or_all(limit));
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_item it = item_of(s, cycle);
		rc = v(ctx, &it);
	}
	return end(s, rc);
}

enum rc journal_read_grants(struct db *r, int64_t cycle, journal_grant_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT id, cycle, plan, lane, items, bytes, share_bp, on_abort, state, body, made_us,"
				" made_boot_us, expires_us, boot FROM grants WHERE cycle = ?1 ORDER BY rowid", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, cycle);
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_grant g = {
			.id = db_text(s, 0), .cycle = db_i64(s, 1), .plan = db_text(s, 2), .lane = db_text(s, 3),
			.items = db_i64(s, 4), .bytes = db_i64(s, 5), .share_bp = db_i64(s, 6), .on_abort = db_text(s, 7),
			.state = db_text(s, 8), .body = db_text(s, 9), .made_us = db_i64(s, 10), .made_boot_us = db_i64(s, 11),
			.expires_us = db_i64(s, 12), .boot = db_text(s, 13)
		};
		rc = v(ctx, &g);
	}
	return end(s, rc);
}

/* The most harmful first (SEMANTICS 5), then the newest. */
enum rc journal_read_dead(struct db *r, int limit, journal_dead_visit *v, void *ctx, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT d.cycle, d.n, d.lane, d.id, d.phase, d.class, d.belief, d.body, d.at_us,"
				" coalesce(i.name, ''), i.bytes, coalesce(i.class, 0)"
				" FROM dead_letters d LEFT JOIN items i ON i.key = (d.cycle << 32 | d.n)"
				" ORDER BY CASE d.belief WHEN 'row_conflict' THEN 0 WHEN 'maybe_deleted' THEN"
				" CASE WHEN coalesce(i.class, 0) = 0 THEN 1 ELSE 2 END WHEN 'not_restored' THEN 2 WHEN 'exists' THEN 4 ELSE 3 END,"
				" d.at_us DESC, d.cycle, d.n LIMIT ?1", e);

	if (rc != RC_OK)
		return rc;
	db_bind_i64(s, 1, limit_or_all(limit));
	while (rc == RC_OK && db_step(s, e) == DB_ROW) {
		struct journal_dead x = {
			.cycle = db_i64(s, 0), .n = (int32_t)db_i64(s, 1), .lane = db_text(s, 2), .id = db_text(s, 3),
			.phase = db_text(s, 4), .class_ = db_text(s, 5), .belief = db_text(s, 6), .body = db_text(s, 7),
			.at_us = db_i64(s, 8), .name = db_text(s, 9), .bytes = db_i64(s, 10), .reversibility = (int32_t)db_i64(s, 11)
		};
		rc = v(ctx, &x);
	}
	return end(s, rc);
}

/* ---- lanes and settings ---- */

static enum rc read_listed(struct db *r, struct slice lane, struct journal_lane *out, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT listed_items, listed_us, deleted_since FROM lanes WHERE name = ?1", e);

	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, lane);
	if (db_step(s, e) == DB_ROW) {
		out->listed_items = db_i64(s, 0);
		out->listed_us = db_i64(s, 1);
		out->deleted_since = db_i64(s, 2);
	}
	return end(s, RC_OK);
}

enum rc journal_read_lane(struct db *r, struct slice lane, int64_t now_us, struct journal_lane *out, struct err *e)
{
	struct db_stmt *s;
	enum rc rc;

	*out = (struct journal_lane){ .listed_items = -1, .listed_us = -1 };
	rc = read_listed(r, lane, out, e);
	if (rc == RC_OK)
		rc = db_prepare(r, &s, "SELECT coalesce(sum(max(items, 0)), 0), coalesce(sum(max(bytes, 0)), 0) FROM lane_spent"
				" WHERE lane = ?1 AND at_us > ?2", e);
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, lane);
	db_bind_i64(s, 2, now_us - DAY_US);
	if (db_step(s, e) == DB_ROW) {
		out->spent_items = db_i64(s, 0);
		out->spent_bytes = db_i64(s, 1);
	}
	return end(s, RC_OK);
}

enum rc journal_read_setting(struct db *r, const char *key, struct buf *out, bool *found, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(r, &s, "SELECT value FROM settings WHERE key = ?1", e);

	*found = false;
	if (rc != RC_OK)
		return rc;
	db_bind_text(s, 1, slice_of(key));
	if (db_step(s, e) == DB_ROW) {
		struct slice value = db_text(s, 0);
		*found = true;
		buf_add(out, value.p, value.n);
	}
	return end(s, RC_OK);
}
