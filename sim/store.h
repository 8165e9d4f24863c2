/* A file store that speaks the OpenAI Files API below /v1, and the control endpoints of the whole
 * simulator below /__sim. What it does to files goes to the ledger before any answer leaves. */
#ifndef SLUICE_SIM_STORE_H
#define SLUICE_SIM_STORE_H

#include "sim/files.h"
#include "sim/sim.h"

/* Borrows both for its lifetime. */
enum rc store_new(struct store **out, struct sim *sim, const struct store_opts *o, struct err *e) MUST_USE;
void store_free(struct store *st);
int store_port(const struct store *st);
const struct store_opts *store_opts(const struct store *st);
struct files *store_files(struct store *st);
/* The members of one object: counts of requests by operation and of what happened to files. */
void store_stats(const struct store *st, struct jw *w);

#endif
