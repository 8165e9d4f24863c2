#include "cleanup/reconcile.h"

static const char *const names[] = {
#define X(e, w) w,
	RECONCILED(X)
#undef X
};

const char *reconciled_name(enum reconciled r) { return names[r]; }

/* What stands in no row of it is unknown: 0. The lane's item is there or is not: anything else is unknown too. */
static const unsigned char table[THERE_COUNT][THERE_COUNT][THERE_COUNT] = {
	[THERE_YES] = {
		[THERE_YES] = { [THERE_YES] = RECONCILED_HEALTHY, [THERE_NOT] = RECONCILED_ROW_LOST, [THERE_NA] = RECONCILED_ROWLESS },
		[THERE_NOT] = { [THERE_YES] = RECONCILED_LONE, [THERE_NOT] = RECONCILED_ORPHAN, [THERE_NA] = RECONCILED_ROWLESS },
		[THERE_NA] = { [THERE_YES] = RECONCILED_HEALTHY, [THERE_NOT] = RECONCILED_ORPHAN, [THERE_NA] = RECONCILED_ROWLESS },
	},
	[THERE_NOT] = {
		[THERE_YES] = { [THERE_YES] = RECONCILED_COPY_GONE, [THERE_NOT] = RECONCILED_OBJECT_ORPHAN, [THERE_NA] = RECONCILED_ROWLESS },
		[THERE_NOT] = { [THERE_YES] = RECONCILED_DANGLING, [THERE_NOT] = RECONCILED_NOWHERE, [THERE_NA] = RECONCILED_ROWLESS },
		[THERE_NA] = { [THERE_YES] = RECONCILED_DANGLING, [THERE_NOT] = RECONCILED_NOWHERE, [THERE_NA] = RECONCILED_ROWLESS },
	},
};

enum reconciled reconcile(enum there p, enum there o, enum there d)
{
	return (enum reconciled)table[p][o][d];
}

void reconcile_where(enum there p, enum there o, enum there d, char out[8])
{
	static const char letters[] = "POD", other[] = { [THERE_NA] = 'n', [THERE_NOT] = '-', [THERE_YES] = 0, [THERE_UNKNOWN] = '?' };
	const enum there t[] = { p, o, d };
	for (int i = 0; i < 3; i++) {
		out[2 * i] = t[i] == THERE_YES ? letters[i] : other[t[i]];
		out[2 * i + 1] = i < 2 ? ' ' : 0;
	}
}
