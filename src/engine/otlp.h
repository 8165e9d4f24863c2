/* Metrics pushed to a collector, when engine.otlp names one. Loop thread. */
#ifndef SLUICE_ENGINE_OTLP_H
#define SLUICE_ENGINE_OTLP_H

#include "engine/engine.h"
#include "engine/metric.h"

struct otlp;
void otlp_open(struct engine *en);
void otlp_free(struct engine *en);

struct otlp_counts {
	int64_t accepted, retried, dropped;             /* pushes */
	int64_t points_dropped, points_rejected;        /* by an answer that forbids repeating; by a partial success */
};
/* NULL = none is configured. *trouble "" while all is well. */
const struct otlp_counts *otlp_look(const struct engine *en, const char **trouble);

/* Everything there is to tell (metrics.c). */
void metrics_collect(struct engine *en, struct metrics *m);
void metrics_links(struct engine *en, struct metrics *m);
bool metrics_link_shown(const struct engine *en, const char *name);
void metrics_process(struct engine *en, struct metrics *m);
void metrics_census(struct engine *en, struct metrics *m);

#endif
