/* From libcyaml's raw texts to the structs of config.h, by the field table: defaults, values, names
 * that refer to other entries. Every error goes to the report with its line. Any thread. */
#ifndef SLUICE_CONFIG_FILL_H
#define SLUICE_CONFIG_FILL_H

#include "config/raw.h"
#include "config/report.h"
#include "config/tree.h"
#include "config/value.h"

struct filling {
	struct config *c;
	const struct tree *t;
	struct config_report *r;
	struct value_place place;
};

void fill_config(struct filling *f, const struct slot *slots);
/* Adds an error at the line of `path`. */
void fill_bad(struct filling *f, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
