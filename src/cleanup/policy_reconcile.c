/* What of an item is where, for cleanup/reconcile. */
#include "cleanup/policy_internal.h"

enum there policy_row_of(const struct judging *j)
{
	if (!j->f->records)
		return j->f->records_unknown ? THERE_UNKNOWN : THERE_NA;
	return j->n ? THERE_YES : THERE_NOT;
}

/* Several live rows may name it: one object that is not there is enough. */
static enum there named(const struct judging *j)
{
	enum there o = THERE_NA;
	for (size_t i = 0; i < j->n; i++) {
		if (!j->rows[i].object.n)
			continue;
		if (j->f->objects == POLICY_OBJECTS_UNKNOWN)
			return THERE_UNKNOWN;
		if (!j->rows[i].object_found)
			return THERE_NOT;
		o = THERE_YES;
	}
	return o;
}

enum there policy_object_of(const struct judging *j)
{
	if (j->f->objects == POLICY_OBJECTS_NONE)
		return THERE_NA;
	if (j->n)
		return named(j);
	if (!j->f->objects_by_item)
		return THERE_NA;
	if (j->f->objects == POLICY_OBJECTS_UNKNOWN)
		return THERE_UNKNOWN;
	return j->item->object_found ? THERE_YES : THERE_NOT;
}

enum reconciled policy_reconciled(const struct judging *j)
{
	return reconcile(THERE_YES, policy_object_of(j), policy_row_of(j));
}

enum reconciled policy_row_alone(const struct policy_facts *f, const struct catalog_row *row)
{
	const struct catalog_item none = { 0 };
	const struct judging j = { .f = f, .item = &none, .rows = row, .n = row->deleted_us < 0 };
	return j.n ? reconcile(THERE_NOT, policy_object_of(&j), THERE_YES) : RECONCILED_NOWHERE;
}
