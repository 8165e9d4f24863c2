/* Figures of the engine as one set, rendered as Prometheus text or as OTLP/HTTP JSON, so that both readers
 * see the same. Labels come from the configuration only. Any thread; a set belongs to one. */
#ifndef SLUICE_ENGINE_METRIC_H
#define SLUICE_ENGINE_METRIC_H

#include "base/str.h"

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* Opens a family; its samples follow. type: "counter" (grows for the life of the process) or "gauge". Static texts. */
void metric_family(struct metrics *m, const char *name, const char *type, const char *help);
/* label NULL = none; values are copied. */
void metric_sample(struct metrics *m, const char *label, const char *value, const char *label2, const char *value2, int64_t v);
void metric_micro(struct metrics *m, const char *label, const char *value, const char *label2, const char *value2, int64_t us);    /* shown in seconds */

size_t metrics_samples(const struct metrics *m);
void metrics_prometheus(const struct metrics *m, struct buf *out);      /* text format 0.0.4 */

struct metrics_source {
	const char *service, *version, *instance;
	int64_t start_us, now_us;       /* wall time; start is that of the process */
};
/* The body of POST /v1/metrics: 64-bit integers as decimal strings, enums as numbers. */
void metrics_otlp(const struct metrics *m, const struct metrics_source *s, struct buf *out);

#endif
