/* The schemas of our own databases. Their SQL is in data/schema, one file per version, turned into
 * C strings when the program is built (schema_sql.sh makes schema_sql.c). */
#ifndef SLUICE_STORE_SCHEMA_H
#define SLUICE_STORE_SCHEMA_H

#include "store/db.h"

extern const struct db_schema schema_sluice;
extern const struct db_schema schema_catalog;

extern const char schema_sluice_1[], schema_sluice_2[], schema_sluice_3[], schema_sluice_4[], schema_sluice_5[];
extern const char schema_catalog_1[], schema_catalog_2[], schema_catalog_3[];

#endif
