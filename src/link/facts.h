/* What a peer says of itself, as numbers. What it does not say is -1, "not reported", and never zero: an
 * empty object stands for nothing measured, not for nothing there. Pure. */
#ifndef SLUICE_LINK_FACTS_H
#define SLUICE_LINK_FACTS_H

#include "base/json.h"

#define LINK_FACTS(X) \
	X(SESSIONS_ACTIVE, "sessions_active") \
	X(SESSIONS_TOTAL, "sessions_total") \
	X(SEMAPHORE_CURRENT, "semaphore_current")       /* permits in use, over all ports */ \
	X(SEMAPHORE_LIMIT, "semaphore_limit") \
	X(SEMAPHORE_LEAKS, "semaphore_leaks") \
	X(WEBSOCKET_CONNECTIONS, "websocket_connections") \
	X(EVENTS, "events")                             /* counted here */ \
	X(EVENTS_FAILED, "events_failed")               /* those with an error */ \
	X(TOOLS, "tools") \
	X(CAPACITY, "capacity")                         /* calls at once, of the health file */ \
	X(IN_FLIGHT, "in_flight")

enum link_fact {
#define X(e, w) FACT_##e,
	LINK_FACTS(X)
#undef X
	LINK_FACT_COUNT
};
const char *link_fact_name(enum link_fact f);

struct link_facts {
	int64_t v[LINK_FACT_COUNT];             /* -1 = not reported */
};

void link_facts_init(struct link_facts *f);
/* A frame of the daemon's monitoring (exai-dashboard). true: something in it was about itself. */
bool link_facts_dashboard(struct link_facts *f, const struct json *root);
/* A frame of the daemon itself: how many tools it has. */
bool link_facts_exai(struct link_facts *f, const struct json *root);
/* The daemon's health file. *at_us: when it was written; false: not whole, or not that file. */
bool link_facts_file(struct link_facts *f, struct slice text, int64_t *at_us);

#endif
