/* Messages of links into durable counts, each once, and records of our own log out to the links that want
 * them. The pure parts are link/dedup and link/queue; this binds them to links, the clock and the log.
 * Loop thread. */
#ifndef SLUICE_ENGINE_DELIVERY_H
#define SLUICE_ENGINE_DELIVERY_H

#include "engine/engine.h"
#include "link/dedup.h"
#include "link/facts.h"
#include "link/feature.h"
#include "link/queue.h"

struct delivery;
/* After the store is open and the links are made, before they start. Reads marks and cursors. */
enum rc delivery_open(struct engine *en, struct err *e) MUST_USE;
void delivery_link_changed(struct engine *en, size_t i);        /* it came up, or went */
void delivery_link_cut(struct engine *en, size_t i);            /* a connection of it is gone: what is out goes out again */
void delivery_committed(struct engine *en);                     /* the log may have grown */
void delivery_tick(struct engine *en);                          /* once a second */
void delivery_stop(struct engine *en);                          /* begins nothing more; what is collected is committed */
bool delivery_idle(const struct engine *en);                    /* nothing of it is deferred */
void delivery_free(struct engine *en);

struct delivery_view {
	bool dedups, notifies;
	int64_t taken;                  /* durable, over all runs */
	int64_t marks, pending;
	struct dedup_counts in;
	int64_t queue_items, queue_bytes, queue_out, oldest_us;         /* oldest: wall time, -1 none */
	struct queue_counts out;
	bool reports, probes;
	struct link_facts facts;
	int64_t facts_us;               /* wall time, -1 = it said nothing yet */
	int64_t probe_us, probes_failed;        /* how long the last answer took, -1 none */
	const char *probe_trouble, *file_trouble;       /* borrowed; "" none */
	int said_healthy;               /* its health page: 1 it says so, 0 it says something else, -1 it does not say */
};
void delivery_look(const struct engine *en, size_t i, struct delivery_view *v);

/* The feature in this mode, decided at since_us (wall time); what both groups do is counted anew. Nothing known is
 * forgotten, and nothing queued is dropped by it. */
void delivery_try_dedup(struct engine *en, size_t i, enum feature_mode m, int64_t since_us);
void delivery_try_queue(struct engine *en, size_t i, enum feature_mode m);
/* Fills in what of the feature is counted here; since it was set. */
void delivery_figures(const struct engine *en, size_t i, enum canary_feature of, struct canary_figures f[GROUPS]);

/* Value of `health` of a link: what its health page says; null = none is asked. */
void delivery_said_json(const struct engine *en, size_t i, struct jw *w);

#endif
