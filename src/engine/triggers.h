/* What links and lanes tell sets something going: a cycle is started, or cleaning holds. While a link that a lane of
 * the open cycle depends on is down, cleaning holds as well. Every firing is a record. Loop thread. */
#ifndef SLUICE_ENGINE_TRIGGERS_H
#define SLUICE_ENGINE_TRIGGERS_H

#include "engine/internal.h"

void triggers_open(struct engine *en);
void triggers_tick(struct engine *en);                          /* once a second */
void triggers_link_changed(struct engine *en, size_t link);
void triggers_message(struct engine *en, size_t link, const struct json *message);
void triggers_free(struct engine *en);

/* Which link keeps cleaning on which lane of the open cycle from going on; false = none. */
bool links_forbid(const struct engine *en, char why[200]);

#endif
