/* The inside of a struct journal: a list of things to write, in an arena. Made by journal.c, written
 * by journal_apply.c; nobody else includes this. */
#ifndef SLUICE_STORE_JOURNAL_OP_H
#define SLUICE_STORE_JOURNAL_OP_H

#include "base/mem.h"
#include "store/journal.h"

enum op_kind {
	OP_AUDIT, OP_CYCLE, OP_PLAN, OP_ITEM, OP_ITEM_STATE, OP_GRANT, OP_DEAD, OP_DEAD_REMOVE, OP_SEAL,
	OP_LANE_LISTED, OP_LANE_DELETED, OP_LANE_SPENT, OP_ESCROW, OP_SETTING, OP_TAKEN, OP_PROTECT,
	OP_RESTORED, OP_BASELINE
};

struct op_lane {
	struct slice lane;
	int64_t items, bytes, at_us;
};

struct op_restore {
	int64_t cycle;
	int32_t n;                              /* item, or lane */
	struct slice id;
};

struct op_setting {
	struct slice key, value;
};

struct op {
	struct op *next;
	enum op_kind kind;
	union {
		struct audit_record audit;
		struct journal_cycle cycle;
		struct journal_plan plan;
		struct journal_item item;       /* of OP_ITEM_STATE only its key and its state */
		struct journal_grant grant;
		struct journal_dead dead;
		struct op_lane lane;
		struct journal_escrow escrow;
		int64_t last;                   /* OP_SEAL */
		struct op_setting setting;
		struct op_restore restore;
		struct journal_taken taken;
		struct journal_protect protect;
	};
};

struct journal {
	struct arena *arena;
	int holds;                              /* atomic */
	struct op *first, **last;
	struct op_lane *spent;                  /* the last of its kind: more of the same moment is added to it */
	size_t audits;
	uint64_t kinds;                         /* bit k = it holds a record of audit kind k */
};

/* journal_restore.c */
enum rc journal_put_restore(struct db *d, enum op_kind k, const struct op_restore *x, struct err *e) MUST_USE;
/* journal_link.c */
enum rc journal_put_taken(struct db *d, const struct journal_taken *t, struct err *e) MUST_USE;
/* journal_protect.c */
enum rc journal_put_protect(struct db *d, const struct journal_protect *p, struct err *e) MUST_USE;

#endif
