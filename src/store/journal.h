/* State that the audit records explain, in the same file and changed in the same transaction:
 * cycles, plans with their items, grants, dead letters, lane memory, settings.
 * Written only through a batch that the storage thread commits (store.h); read with any reader. */
#ifndef SLUICE_STORE_JOURNAL_H
#define SLUICE_STORE_JOURNAL_H

#include "store/audit.h"

/* A set of audit records and state changes that become durable together. Built on one thread,
 * handed over whole; everything added is copied into it. */
struct journal;
struct journal *journal_new(void);
void journal_free(struct journal *j);                   /* gives up one hold; NULL is fine */
struct journal *journal_keep(struct journal *j);        /* one more hold; any thread */
size_t journal_count(const struct journal *j);         /* audit records in it */
uint64_t journal_kinds(const struct journal *j);       /* bit k: it holds a record of audit kind k */

/* Times, boot id and chain are filled in by the storage thread. payload: JSON object text. */
void journal_audit(struct journal *j, enum audit_kind kind, const struct audit_actor *who,
		   struct slice subject, int64_t cycle, struct slice plan, struct slice payload);

struct journal_cycle {
	int64_t id;                     /* 1, 2, 3 … given by the engine: one more than journal_last_cycle() */
	struct slice name;              /* "2026-11-22.3" */
	struct slice policy;
	struct slice stage, state;      /* words of cleanup/cycle */
	struct slice plan;              /* "" until frozen */
	struct slice body;              /* JSON: everything the coordinator needs to be rebuilt besides its items */
	int64_t opened_us, closed_us;   /* closed -1 while open */
};
void journal_cycle(struct journal *j, const struct journal_cycle *c);      /* insert or replace by id */

struct journal_plan {
	struct slice id;                /* 64 hex digits */
	int64_t cycle;
	struct slice header;            /* canonical binary header, as hashed */
	struct slice summary;           /* JSON for people */
	int64_t made_us, expires_us;
};
void journal_plan(struct journal *j, const struct journal_plan *p);

/* One candidate of a plan; n counts from 0 within the cycle and is the coordinator's index. */
struct journal_item {
	int64_t cycle;
	int32_t n;
	int32_t lane;                   /* index within the plan */
	int32_t rank;                   /* 1 … within the lane */
	struct slice id, name;
	int64_t bytes, created_us;      /* -1 unknown */
	struct slice row;               /* key of the row in the records, "" = none */
	struct slice rule;              /* that selected it */
	int32_t class_;                 /* enum reversibility of cleanup/plan */
	struct slice evidence;          /* JSON */
	/* state */
	int32_t state;                  /* enum item_state of cleanup/cycle */
	int32_t row_state;              /* enum row_state of cleanup/cycle */
	int32_t attempts;
	int32_t last_class;             /* enum retry_class */
	int64_t sent_us;                /* wall time of the last send, -1 */
};
void journal_item(struct journal *j, const struct journal_item *it);        /* the plan's row, at freezing; n 0 drops an earlier plan's */
void journal_item_state(struct journal *j, int64_t cycle, int32_t n, int32_t state, int32_t row_state,
			int32_t attempts, int32_t last_class, int64_t sent_us);

struct journal_grant {
	struct slice id;                /* 32 hex digits, nonce */
	int64_t cycle;
	struct slice plan, lane;
	int64_t items, bytes, share_bp;
	struct slice on_abort;          /* restore | keep | ask */
	struct slice state;             /* active | spent | lapsed | rejected */
	struct slice body;              /* JSON: approvers, reason, via, expiry */
	int64_t made_us, made_boot_us, expires_us;
	struct slice boot;
};
void journal_grant(struct journal *j, const struct journal_grant *g);       /* insert or replace by id */

struct journal_dead {
	int64_t cycle;
	int32_t n;
	struct slice lane, id, phase, class_, belief;   /* belief: row_conflict | maybe_deleted | exists |
					 * not_restored | maybe_restored_twice */
	struct slice body;
	int64_t at_us;
	/* of its item, when read; not written */
	struct slice name;
	int64_t bytes;                  /* -1 unknown */
	int32_t reversibility;          /* enum reversibility of cleanup/plan */
};
void journal_dead(struct journal *j, const struct journal_dead *d);
void journal_dead_remove(struct journal *j, int64_t cycle, int32_t n);

/* Last complete list of a lane, for the floors; confirmed deletions since are counted up. */
void journal_lane_listed(struct journal *j, struct slice lane, int64_t items, int64_t at_us);
void journal_lane_deleted(struct journal *j, struct slice lane, int64_t more);
/* Items sent against a grant, for ceilings over 24 h. What is returned is subtracted at the at_us of
 * its send; a moment never counts for less than nothing. */
void journal_lane_spent(struct journal *j, struct slice lane, int64_t items, int64_t bytes, int64_t at_us);
/* A copy of an item's bytes (escrow/escrow.h); one row for each (lane, id). */
struct journal_escrow {
	struct slice lane, id, name, purpose;
	int64_t bytes;                  /* of the copy; -1 until there is a whole one */
	struct slice sha256;            /* of the copy, 64 hex digits; "" until there is a whole one */
	int64_t created_us;             /* of the original, -1 unknown */
	struct slice meta;              /* what the lane told about the original: a JSON object */
	struct slice path;              /* of the file */
	struct slice state;             /* started | ok | discarded */
	int64_t cycle;
	int64_t at_us;                  /* of this state */
};
void journal_escrow(struct journal *j, const struct journal_escrow *x);     /* insert or replace by lane and id */
/* Item n of the cycle is back under this id. */
void journal_restored(struct journal *j, int64_t cycle, int32_t n, struct slice new_id);
/* A file of that lane (of the cycle) that was there before the first upload; once more is harmless. */
void journal_baseline(struct journal *j, int64_t cycle, int32_t lane, struct slice id);
/* Behind an audit record of kind AUDIT_SEAL: the records up to last leave the database. RC_REFUSED, and
 * nothing happens, unless that record directly follows last. */
void journal_seal(struct journal *j, int64_t last);
void journal_setting(struct journal *j, const char *key, struct slice value);    /* mode, armed config hash, epoch … */

/* An item that an operator protects by hand, or no more (off). */
struct journal_protect {
	struct slice lane, id, actor, reason;
	int64_t at_us;
	bool off;
};
void journal_protect(struct journal *j, const struct journal_protect *p);   /* insert or replace by lane and id */

/* A message of a link whose effect is counted. With a mark that is there already nothing happens at all. */
struct journal_taken {
	struct slice link;
	bool marked;                    /* false: it cannot be told from another, and counts */
	struct hash key;
	int64_t n, at_us;
	int64_t keep_after_n;           /* marks up to this one leave, of a large window some later */
	int64_t stale_us;               /* a mark of that moment or older is none any more */
	struct slice epoch;             /* where the stream stands after it */
	int64_t highest;
	bool sequenced;
};
void journal_taken(struct journal *j, const struct journal_taken *t);

/* Commit the batch on the writing connection, or inside an open transaction apply it behind a
 * savepoint. On failure nothing of it remains and *head is as before. Storage thread only. */
enum rc journal_apply(struct db *d, struct audit_head *head, const struct journal *j, struct err *e) MUST_USE;

/* The same inside an open transaction, without a way back: after a failure the whole transaction must be rolled back,
 * and *head means nothing. */
enum rc journal_write(struct db *d, struct audit_head *head, const struct journal *j, struct err *e) MUST_USE;

/* ---- reading: any thread, own reader ----
 * limit <= 0 = all. A visitor that answers other than RC_OK ends the reading with that answer. A
 * cycle or plan that is not there is RC_NOT_FOUND; of several plans of a cycle the newest is read. */
enum rc journal_last_cycle(struct db *r, int64_t *id, struct err *e) MUST_USE;
typedef enum rc journal_cycle_visit(void *ctx, const struct journal_cycle *c);
enum rc journal_read_cycle(struct db *r, int64_t id, journal_cycle_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc journal_open_cycles(struct db *r, journal_cycle_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc journal_recent_cycles(struct db *r, int limit, journal_cycle_visit *v, void *ctx, struct err *e) MUST_USE;
typedef enum rc journal_plan_visit(void *ctx, const struct journal_plan *p);
enum rc journal_read_plan(struct db *r, int64_t cycle, journal_plan_visit *v, void *ctx, struct err *e) MUST_USE;
typedef enum rc journal_item_visit(void *ctx, const struct journal_item *it);
enum rc journal_read_items(struct db *r, int64_t cycle, int32_t from_n, int limit, journal_item_visit *v, void *ctx, struct err *e) MUST_USE;
typedef enum rc journal_grant_visit(void *ctx, const struct journal_grant *g);
enum rc journal_read_grants(struct db *r, int64_t cycle, journal_grant_visit *v, void *ctx, struct err *e) MUST_USE;
/* By harm: row conflicts, maybe deleted for good, maybe deleted, the others; newest first. */
typedef enum rc journal_dead_visit(void *ctx, const struct journal_dead *d);
enum rc journal_read_dead(struct db *r, int limit, journal_dead_visit *v, void *ctx, struct err *e) MUST_USE;
typedef enum rc journal_restore_visit(void *ctx, int32_t n, struct slice id);      /* n: item, or lane */
enum rc journal_read_restored(struct db *r, int64_t cycle, journal_restore_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc journal_read_baseline(struct db *r, int64_t cycle, journal_restore_visit *v, void *ctx, struct err *e) MUST_USE;
struct journal_lane {
	int64_t listed_items, listed_us;        /* -1 = never */
	int64_t deleted_since;
	int64_t spent_items, spent_bytes;       /* after now - 24 h, the future included */
};
enum rc journal_read_lane(struct db *r, struct slice lane, int64_t now_us, struct journal_lane *out, struct err *e) MUST_USE;
/* false in *found when it was never set; value appended to out */
enum rc journal_read_setting(struct db *r, const char *key, struct buf *out, bool *found, struct err *e) MUST_USE;

/* Protected items in order of lane and id; lane empty = of all lanes. */
typedef enum rc journal_protect_visit(void *ctx, const struct journal_protect *p);
enum rc journal_read_protected(struct db *r, struct slice lane, journal_protect_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc journal_is_protected(struct db *r, struct slice lane, struct slice id, bool *yes, struct err *e) MUST_USE;

/* Marks of a link in order of n; then its stream (taken 0 when there was none; epoch appended). */
struct journal_stream {
	int64_t taken, highest;
	bool sequenced;
};
typedef enum rc journal_mark_visit(void *ctx, int64_t n, const struct hash *key, int64_t at_us);
enum rc journal_read_marks(struct db *r, struct slice link, journal_mark_visit *v, void *ctx, struct err *e) MUST_USE;
enum rc journal_read_stream(struct db *r, struct slice link, struct journal_stream *out, struct buf *epoch, struct err *e) MUST_USE;

#endif
