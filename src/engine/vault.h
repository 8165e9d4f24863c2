/* Copies in a bucket (escrow.lane). Such a copy's path in the index is "bucket:LANE/KEY"; its key says whose it is and which
 * bytes it has, so the same copy put twice is one object, and no copy is ever in the way of another. Loop thread. */
#ifndef SLUICE_ENGINE_VAULT_H
#define SLUICE_ENGINE_VAULT_H

#include "base/hash.h"

struct engine;

bool vault_holds(struct slice path);
/* Of a copy that is to be put into the bucket of the configuration. */
void vault_path(const struct engine *en, struct slice lane, struct slice id, const struct hash *sha256, struct buf *out);

/* fd: at its beginning, the caller's; -1 unless RC_OK and asked for. */
typedef void vault_fn(void *ctx, enum rc rc, const struct err *e, int fd);
struct vault_copy {
	struct slice path;              /* vault_holds */
	int64_t bytes;
	struct hash sha256;
};
/* Reads the copy whole and compares; keep: into a file of the escrow directory that has no name. RC_NOT_FOUND: there is no
 * such object; RC_FORMAT: it is not the copy that was made; anything else: nobody knows. Each calls back exactly once,
 * never before it has returned. */
void vault_read(struct engine *en, const struct vault_copy *c, bool keep, vault_fn *fn, void *ctx);
/* Put from fd, which is the caller's and stays open until then, and proved by reading it again. RC_OK also where it was
 * there before. RC_IO: the bucket takes nothing. */
void vault_put(struct engine *en, const struct vault_copy *c, int fd, vault_fn *fn, void *ctx);
/* What comes of it goes to the program's log. */
void vault_remove(struct engine *en, struct slice path);
/* What waits to be asked for again is not; what is under way goes on. */
void vault_stop(struct engine *en);
bool vault_idle(const struct engine *en);

#endif
