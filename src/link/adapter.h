/* What the peer of a link says after the hello: one table row per handshake. Where a message stands in its
 * peer's stream, which of our events it acknowledges, what we ask it to see that it works, and what it says
 * of itself. Pure. */
#ifndef SLUICE_LINK_ADAPTER_H
#define SLUICE_LINK_ADAPTER_H

#include "base/json.h"
#include "config/config.h"
#include "link/dedup.h"

struct adapter {
	const char *name;               /* of the handshake */
	/* false: not a message that counts. texts holds what *out borrows and the document does not. */
	bool (*position)(const struct cfg_link *cfg, const struct json *root, struct buf *texts, struct link_position *out);
	/* The id of an event of ours that is acknowledged; NULL = the peer never does. */
	bool (*acknowledges)(const struct cfg_link *cfg, const struct json *root, struct slice *id);
};

const struct adapter *adapter_find(const char *handshake);      /* NULL: its messages are only counted */
struct json_doc *adapter_parse(struct slice frame);             /* NULL: not JSON within our limits */
/* "meta.id" in an object; NULL = not there. */
const struct json *adapter_path(const struct json *root, const char *path);

/* Our own frames. */
void adapter_ack(struct buf *out, struct slice id);
void adapter_event(struct buf *out, struct slice id, int64_t sequence, struct slice record);

#endif
