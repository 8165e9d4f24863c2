/* The doctor's list: every check of what the engine stands on, from its own state and a few calls to
 * the system, made when it is asked. The same list answers `checks`, `sluice doctor`, /readyz,
 * /healthz, the metrics and screen 9. Loop thread only; nothing here waits. */
#ifndef SLUICE_ENGINE_HEALTH_H
#define SLUICE_ENGINE_HEALTH_H

#include "engine/engine.h"

/* pass: works. warn: works, but somebody should look. fail: does not work. unknown: not looked at yet. */
#define HEALTHS(X) X(PASS, "pass") X(WARN, "warn") X(FAIL, "fail") X(UNKNOWN, "unknown")
enum health {
#define X(e, w) HEALTH_##e,
	HEALTHS(X)
#undef X
};
const char *health_name(enum health h);

struct health_check {
	const char *kind;               /* "link", "lane", "disk" … from a fixed set */
	const char *name;               /* of the configuration, "" where there is one of its kind */
	enum health health;
	char said[280];                 /* what was found, one sentence; foreign parts were made safe */
	const char *todo;               /* what to do about it, "" when nothing */
	int64_t at_us;                  /* wall time of the fact, -1 not known */
};

/* All checks in a fixed order, in memory the caller frees with free(). */
struct health_check *engine_health(struct engine *en, size_t *n);
/* Worst of them; unknown counts as pass, since nothing was seen to fail. */
enum health health_worst(const struct health_check *c, size_t n);
/* The value of method `checks`: {"status", "checks": [{"kind", "name", "state", "said", "todo", "at_us"}]}. */
void engine_checks_json(struct engine *en, struct buf *out);

#endif
