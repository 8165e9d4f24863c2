/* The three-way reconcile of SEMANTICS 3: lane item P, object O, row D. Pure, one table. */
#ifndef SLUICE_CLEANUP_RECONCILE_H
#define SLUICE_CLEANUP_RECONCILE_H

#include <stdbool.h>

/* NA: nothing can be there: no object source, the row names none, or the policy has no records. */
enum there { THERE_NA, THERE_NOT, THERE_YES, THERE_UNKNOWN };
enum { THERE_COUNT = THERE_UNKNOWN + 1 };

#define RECONCILED(X) \
	X(UNKNOWN, "cannot know")       /* any of the three is: no action */ \
	X(HEALTHY, "healthy")           /* POD; P D */ \
	X(LONE, "object missing")       /* P-D: this may be the last copy: protected */ \
	X(ORPHAN, "orphan")             /* P--; P - */ \
	X(ROW_LOST, "row lost")         /* PO-: no orphan */ \
	X(COPY_GONE, "lane copy gone")  /* -OD */ \
	X(DANGLING, "dangling row")     /* --D; - D */ \
	X(OBJECT_ORPHAN, "object orphan")       /* -O- */ \
	X(NOWHERE, "nowhere") \
	X(ROWLESS, "no records")        /* the policy has none: there is nothing to compare with */
enum reconciled {
#define X(e, w) RECONCILED_##e,
	RECONCILED(X)
#undef X
	RECONCILED_COUNT
};
const char *reconciled_name(enum reconciled r);

enum reconciled reconcile(enum there p, enum there o, enum there d);
/* "P O D": n = n/a, - = missing, ? = unknown. */
void reconcile_where(enum there p, enum there o, enum there d, char out[8]);

#endif
