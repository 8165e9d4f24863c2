/* A whole cleanup cycle in virtual time: the coordinator against models of a store, the application's
 * records, an audit log, an operator and crashes, all from one seed. After every event the promises
 * of SEMANTICS 2, 5 and 7 are checked; the first that does not hold ends the run. */
#ifndef SLUICE_TESTS_CLEANUP_SIM_H
#define SLUICE_TESTS_CLEANUP_SIM_H

#include "cleanup/cycle.h"

/* What may go wrong in a run; a climate is a set of them. */
enum sim_trouble {
	SIM_STORE = 1,          /* 429, 500, cuts, timeouts, unreadable answers, items in use */
	SIM_LIES = 2,           /* says deleted and was not; deletes something else */
	SIM_OTHERS = 4,         /* another cleaner in the same lane */
	SIM_AUTH = 8,           /* the key is revoked for a while */
	SIM_OUTAGE = 16,        /* nothing gets through for a while */
	SIM_RECORDS = 32,       /* the database is down for a while, rows change, references appear */
	SIM_LOG = 64,           /* the audit log refuses for a while */
	SIM_CRASH = 128,        /* SIGKILL and restart */
	SIM_HANDS = 256         /* an operator who holds, excludes, aborts and errs */
};

struct sim_report {
	bool ok;
	char why[400];          /* the promise that did not hold */
	enum cycle_end end;
	int64_t events, sends, crashes, breakers, closed, holds, restored,      /* closed: breakers that closed again */
		waited, taken_back;     /* of what was written ahead: sent, and not */
};

/* verbose: every event on stdout. Otherwise the last ones are printed when a promise breaks. */
void sim_run(uint64_t seed, unsigned troubles, bool verbose, struct sim_report *r);

#endif
