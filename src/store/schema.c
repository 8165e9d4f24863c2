#include "store/schema.h"

static const struct db_migration sluice_steps[] = {
	{ 1, schema_sluice_1 },
	{ 2, schema_sluice_2 },
	{ 3, schema_sluice_3 },
	{ 4, schema_sluice_4 },
	{ 5, schema_sluice_5 },
	{ 0, NULL }
};

const struct db_schema schema_sluice = {
	.what = "audit log",
	.application_id = 0x534c4331,           /* "SLC1" */
	.steps = sluice_steps,
	.unusable = RC_AUDIT,
	.fixed = true,
	.append_only = "audit"
};

static const struct db_migration catalog_steps[] = {
	{ 1, schema_catalog_1 },
	{ 2, schema_catalog_2 },
	{ 3, schema_catalog_3 },
	{ 0, NULL }
};

const struct db_schema schema_catalog = {
	.what = "catalog",
	.application_id = 0x534c4332,           /* "SLC2" */
	.steps = catalog_steps,
	.unusable = RC_IO
};
