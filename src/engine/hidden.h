/* Hidden escrow (SEMANTICS 3): a plan that deletes an item and the only other copy of its bytes, and keeps neither. Copies are
 * told by the hash and size that rows say, in lanes of the plan, and by the objects that rows name where they lie in a lane
 * of the plan. Pure but for the plan that it looks at. */
#ifndef SLUICE_ENGINE_HIDDEN_H
#define SLUICE_ENGINE_HIDDEN_H

#include "engine/internal.h"

struct hidden;
/* NULL: it cannot happen here, or the policy allows it. */
struct hidden *hidden_new(const struct validation *v);
void hidden_free(struct hidden *h);
/* Each item once, in the order of plan_add: planned, or one that stays. */
void hidden_item(struct hidden *h, int lane, bool planned, const struct catalog_item *it, const struct catalog_row *rows, size_t live);
/* Before the plan's items are counted anew. gone[nth] = taken out of it, NULL = none is. RC_REFUSED names the first two. */
enum rc hidden_check(const struct hidden *h, const struct validation *v, const bool *gone, struct err *e) MUST_USE;

#endif
