/* Built without libpq. */
#include "records/source.h"

static enum rc none_new(struct remote **out, struct loop *l, const struct cfg_records *cfg, struct err *e)
{
	(void)l;
	*out = NULL;
	return err_set(e, RC_USAGE, "records %s: this program was built without PostgreSQL; build it with libpq (configure --with-postgresql)",
		       cfg->name);
}

const struct adapter postgres_adapter = { .new = none_new };
