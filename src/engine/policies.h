/* A policy, of this configuration or of another one, against what the last discovery found. Only reads. */
#ifndef SLUICE_ENGINE_POLICIES_H
#define SLUICE_ENGINE_POLICIES_H

#include "engine/internal.h"

struct side {
	const struct config *cfg;
	const struct cfg_policy *p;     /* NULL = there is none on this side */
	int lane_of[CFG_MAX_LANES];     /* the engine's, of p->lanes[i] */
	const char *places[CFG_MAX_LANES];
	const struct ereferrals *referrals[CFG_MAX_LANES];
	struct arena *arena;            /* of protected_ids */
	const struct slice *protected_ids[CFG_MAX_LANES];       /* by hand */
	size_t n_protected[CFG_MAX_LANES];
	struct policy_facts facts;
	bool deleted_too;               /* soft-deleted rows are shown to it */
	struct policy_sets *sets;
};

/* On the loop. RC_REFUSED: the last discovery cannot tell what this policy would say. side_close it in either case. */
enum rc side_open(struct engine *en, const struct config *cfg, const struct cfg_policy *p, int64_t wall_us, struct side *s, struct err *e) MUST_USE;
void side_close(struct side *s);
/* On a worker: rules that compare items see all of them first. */
enum rc side_compare(const struct engine *en, struct side *s, struct catalog *c, struct err *e) MUST_USE;
/* Index in p->lanes of an engine's lane; -1 = the policy does not clean it. */
int side_lane(const struct side *s, int lane);
/* By which name the rows of an engine's lane are found; NULL = this side looks at none. */
const char *side_rows(const struct engine *en, const struct side *s, int lane);
/* The item as this side's lane i has it, with the rows that this side looks at; *n is lowered. */
void side_sees(const struct side *s, int i, struct catalog_item *item, size_t *n, size_t *live);
void side_judge(struct side *s, int i, const struct catalog_item *item, const struct catalog_row *rows, size_t n, struct policy_verdict *v);

/* The lists as they stand; other after a discovery. */
struct stamp {
	int64_t lane_us[CFG_MAX_LANES];
	const struct erecords *rows_of;
	int64_t rows_us, objects_us;
};
void stamp_take(const struct engine *en, struct stamp *s);
/* Oldest list of these lanes, wall time. */
int64_t side_listed_us(const struct engine *en, const struct side *s);

#endif
