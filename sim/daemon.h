/* A WebSocket daemon as the EXAI project's: hello and hello_ack, list_tools, ping, its close codes,
 * its keepalive and its limits (or a silent or echoing one). Everything but pings goes to the ledger. */
#ifndef SLUICE_SIM_DAEMON_H
#define SLUICE_SIM_DAEMON_H

#include "sim/sim.h"

enum rc daemon_new(struct daemon **out, struct sim *sim, const struct link_opts *o, struct err *e) MUST_USE;
void daemon_free(struct daemon *d);
int daemon_port(const struct daemon *d);
/* A fault on every open connection at once. */
void daemon_now(struct daemon *d, const struct fault_rule *r);
void daemon_stats(const struct daemon *d, struct jw *w);

#endif
