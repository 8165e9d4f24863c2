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

/* Of count items, one after the other, that came to the same. */
struct op_states {
	int64_t cycle;
	int32_t n, count;
	int32_t state, row_state, attempts, last_class;
	int64_t sent_us;
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
		struct journal_item item;
		struct op_states states;
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

enum { JOURNAL_RUNS = 4 };               /* intents and outcomes take turns, some are repeated */

struct journal {
	struct arena *arena;
	int holds;                              /* atomic */
	struct op *first, **last;
	struct op_lane *spent;                  /* the last of its kind: more of the same moment is added to it */
	struct op_states *run[JOURNAL_RUNS];    /* the last of their kind, a ring; NULL = none */
	size_t runs;
	size_t audits;
	uint64_t kinds;                         /* bit k = it holds a record of audit kind k */
};

struct op *journal_op_add(struct journal *j, enum op_kind kind);

/* journal_states.c */
enum rc journal_put_states(struct db *d, const struct op_states *x, struct err *e) MUST_USE;
void journal_states_over(struct journal *j);    /* no run goes on: something else changes states */
/* journal_restore.c */
enum rc journal_put_restore(struct db *d, enum op_kind k, const struct op_restore *x, struct err *e) MUST_USE;
/* journal_link.c */
enum rc journal_put_taken(struct db *d, const struct journal_taken *t, struct err *e) MUST_USE;
/* journal_protect.c */
enum rc journal_put_protect(struct db *d, const struct journal_protect *p, struct err *e) MUST_USE;

#endif
