/* The lease rows of the records: of all engines that clean by the same records only the one that holds the row
 * sends deletes. Taken and renewed in mode armed; in any other nothing is written, so nothing is taken. A row
 * that was not renewed in time counts as lost, whoever has it. Loop thread. */
#ifndef SLUICE_ENGINE_LEASE_H
#define SLUICE_ENGINE_LEASE_H

#include "engine/internal.h"

void lease_tick(struct engine *en);             /* once a second */
/* May these records' files be deleted now, as far as the lease goes? false: why says who has it. */
bool lease_held(const struct engine *en, const struct erecords *r, char why[200]);
/* Why the open cycle may not go on into or in its cleaning; false = it may. */
bool lease_forbids(const struct engine *en, char why[200]);
/* For the top line and the plan: "this host only", or of each lease row whose it is. r NULL = of all. */
void lease_text(const struct engine *en, const struct erecords *r, char text[200]);

#endif
