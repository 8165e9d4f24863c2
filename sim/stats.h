/* Figures of a running simulator as JSON objects. */
#ifndef SLUICE_SIM_STATS_H
#define SLUICE_SIM_STATS_H

#include "sim/sim.h"

void stats_all(struct sim *sim, struct buf *out);
/* The members of stats_all without the braces, for the ledger's last line. */
void stats_members(struct sim *sim, struct jw *w);
void stats_faults(struct sim *sim, struct buf *out);

#endif
