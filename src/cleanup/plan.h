/* The frozen, ranked, hashed set of validated candidates of one cycle (SEMANTICS 4). Pure.
 * plan id = SHA-256(header ‖ record hashes): any change is a new plan. */
#ifndef SLUICE_CLEANUP_PLAN_H
#define SLUICE_CLEANUP_PLAN_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"

/* R3 exactly restorable … R0 irreversible. */
enum reversibility { REV_R0, REV_R1, REV_R2, REV_R3, REV_COUNT };

struct plan_item {
	int32_t lane;                   /* index in the plan */
	int32_t rank;                   /* 1 … within the lane, filled by plan_freeze */
	int32_t nth;                    /* 0 … in the order of plan_add, filled by it */
	int32_t level;                  /* ranks of a lane rise with it: what refers to others before them (cleanup/depend) */
	struct slice id, name;          /* in the plan's arena */
	struct slice row;               /* key of its row, empty = none */
	struct slice rule, evidence;    /* evidence: JSON */
	int64_t bytes, created_us, used_us;     /* -1 unknown */
	enum reversibility class_;
};

enum plan_order { ORDER_OLDEST, ORDER_NEWEST, ORDER_LARGEST, ORDER_SMALLEST };

struct plan_caps {
	int64_t items, bytes, share_bp, remain;
	bool items_default, bytes_default, share_default, remain_default;
};

struct plan_lane {
	struct slice name, identity;    /* identity: base URL, account, key fingerprint */
	struct slice url, account, key;
	struct plan_caps caps;
	int64_t listed, listed_bytes, pages, listed_us, expected;       /* expected -1 unknown */
	struct slice blind;             /* comma-separated, "" = none */
	struct slice claims;            /* "" when rows are claimed, else the sentence that says they are not */
	int64_t max_item_bytes;
	/* filled by plan_freeze */
	int32_t first, items;
	int64_t bytes;                  /* unknown sizes charged at the maximum */
	int32_t by_class[REV_COUNT];
};

struct plan {
	struct arena *arena;
	struct hash id;
	int64_t cycle;
	struct slice policy;
	struct hash policy_hash;
	struct slice program;           /* "sluice 0.1.0" */
	struct slice creator;
	struct slice records_proof;     /* places and counts */
	struct slice lease;             /* "this host only" */
	int64_t made_us, until_us;      /* wall */
	bool rehearsal;
	enum plan_order order;
	struct plan_lane *lane;
	int32_t lanes;
	struct plan_item *item;         /* grouped by lane, in rank order, after plan_freeze */
	int32_t items;
	size_t item_cap;
	struct buf header;              /* canonical, as hashed */
};

struct plan *plan_new(int64_t cycle);
void plan_free(struct plan *p);
/* Copies the strings into the arena. */
struct plan_item *plan_add(struct plan *p, const struct plan_item *it);
struct slice plan_keep(struct plan *p, struct slice s);
/* Places of the items by lane and rank, before freezing puts them there; the caller frees. */
int32_t *plan_in_rank_order(const struct plan *p);
/* Takes out the items whose gone[nth] is true; nth is counted anew. */
void plan_remove(struct plan *p, const bool *gone);
/* Rank by order (ties by id), count, encode, hash. A duplicate (lane, id) is RC_FORMAT and names it. */
enum rc plan_freeze(struct plan *p, struct err *e) MUST_USE;
/* Recompute the id from header and items; used when a plan was read back from disk. */
void plan_hash(const struct plan *p, struct hash *out);
/* Fill a fresh plan's header fields and lanes from the stored canonical header. RC_FORMAT when it is not one. */
enum rc plan_read_header(struct plan *p, struct slice header, struct err *e) MUST_USE;
int64_t plan_charge(const struct plan_lane *l, const struct plan_item *it);
/* Bytes charged for ranks 1…n of a lane. */
int64_t plan_bytes_of(const struct plan *p, int32_t lane, int64_t n);
/* R0 items among ranks 1…n. */
int64_t plan_irreversible_of(const struct plan *p, int32_t lane, int64_t n);
int plan_lane_find(const struct plan *p, struct slice name);    /* -1 = not in the plan */

#endif
