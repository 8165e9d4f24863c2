/* Small writers shared by the engine's snapshots. */
#ifndef SLUICE_ENGINE_VIEW_H
#define SLUICE_ENGINE_VIEW_H

#include "base/json.h"
#include "guard/breaker.h"
#include "store/audit.h"

void view_optional_z(struct jw *w, const char *key, const char *z);     /* null when empty */
int64_t view_wall(int64_t boot_us);
void view_breaker(struct jw *w, const struct breaker *b);
void view_head(struct jw *w, const struct audit_head *h);               /* members seq, hash, short */

#endif
