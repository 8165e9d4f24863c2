/* Small writers shared by the engine's snapshots. */
#ifndef SLUICE_ENGINE_VIEW_H
#define SLUICE_ENGINE_VIEW_H

#include "base/json.h"
#include "guard/breaker.h"
#include "store/audit.h"

/* Members `state` of a cycle, as the screens show them. */
#define VIEW_CYCLE_STATES(X) X(ENDED, "ended") X(HELD, "held") X(WAITING, "waiting") X(WORKING, "working")
enum view_cycle_state {
#define X(e, w) VIEW_##e,
	VIEW_CYCLE_STATES(X)
#undef X
};

void view_optional_z(struct jw *w, const char *key, const char *z);     /* null when empty */
int64_t view_wall(int64_t boot_us);
struct byhand;
void view_breaker(struct jw *w, const struct breaker *b, const struct byhand *h);
void view_head(struct jw *w, const struct audit_head *h);               /* members seq, hash, short */

#endif
