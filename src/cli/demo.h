/* The demo: a small world on loopback in a directory of its own (demo_world.c), driven once
 * (demo.c), and held against the store's own ledger by id (demo_check.c). */
#ifndef SLUICE_CLI_DEMO_H
#define SLUICE_CLI_DEMO_H

#include "cli/cli.h"

enum { DEMO_LANES = 2 };
extern const char *const demo_lanes[DEMO_LANES];

struct demo {
	struct cli *cli;
	char dir[256];
	bool keep;
	int64_t seed, files;
	const char *faults;             /* rules, a line each; NULL = none */
	bool no_faults;
	pid_t sim, engine;
	int sim_pipe;                   /* its standard input: closing it ends it */
	struct paths *paths_before;
	char url[DEMO_LANES][128], link_url[3][128];
};

/* Everything up and answering; on failure nothing is left behind. */
enum rc demo_open(struct demo *d, struct err *e) MUST_USE;
void demo_close(struct demo *d);

/* The audit log against the ledger. Prints what it compared; RC_INTERNAL and the ids when they disagree. */
enum rc demo_check(struct demo *d, struct caller *cl, struct err *e) MUST_USE;

/* Generated from data/schema. */
extern const char schema_records_exai[], schema_records_claim[];

#endif
