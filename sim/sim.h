/* What the parts of a running simulator share. Loop thread only. */
#ifndef SLUICE_SIM_SIM_H
#define SLUICE_SIM_SIM_H

#include "sim/ledger.h"
#include "sim/options.h"
#include "sim/outbox.h"

struct store;
struct daemon;

struct sim {
	struct loop *loop;
	struct ledger *ledger;
	struct outbox *box;
	struct options *opts;           /* and the faults in them */
	struct store **store;           /* opts->stores of them */
	struct daemon **daemon;         /* opts->links of them */
};

#endif
