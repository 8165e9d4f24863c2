/* After the values: defaults that depend on other values, then what must hold between values.
 * Any thread. */
#ifndef SLUICE_CONFIG_FINISH_H
#define SLUICE_CONFIG_FINISH_H

#include "config/fill.h"

void finish_defaults(struct filling *f);
/* Every broken promise goes to the report. */
void checks_run(struct filling *f);
/* The rules of one policy, groups and their members; part of checks_run. */
void checks_rules(struct filling *f, size_t policy);
/* checks_escrow.c */
void checks_escrow(struct filling *f);
/* checks_objects.c */
void checks_objects(struct filling *f, size_t objects);
void checks_object_column(struct filling *f, size_t records);
/* Hashes of policies and of the whole. */
void canon_hash(struct config *c);

#endif
