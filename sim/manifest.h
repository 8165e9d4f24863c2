/* What every file is, as JSON lines: whoever builds the application's records reads it. */
#ifndef SLUICE_SIM_MANIFEST_H
#define SLUICE_SIM_MANIFEST_H

#include "sim/sim.h"

/* Written beside path and renamed, so that a reader sees all of it or nothing. */
enum rc manifest_write(struct sim *sim, const char *path, struct err *e) MUST_USE;
/* The same for a small text. */
enum rc manifest_put(const char *path, struct slice text, struct err *e) MUST_USE;

#endif
