/* Features of links: off, on the canary connections, or on. An operator says so, and the engine takes back by itself
 * what does worse than the margin allows. What is set outlives restarts; a value that was never judged begins as
 * canary. Loop thread. */
#ifndef SLUICE_ENGINE_FEATURES_H
#define SLUICE_ENGINE_FEATURES_H

#include "base/json.h"
#include "base/str.h"

struct engine;
struct metrics;
enum rc features_open(struct engine *en, struct err *e) MUST_USE;       /* needs links and the reader; before they start */
void features_tick(struct engine *en);                  /* once a second */
void features_free(struct engine *en);
void features_json(const struct engine *en, size_t link, struct jw *w);         /* an array */
void metrics_features(struct engine *en, struct metrics *m);

#endif
