/* What the peer of a link says after the hello: one table row per handshake. Where a message stands in its
 * peer's stream, which of our events it acknowledges, what we ask it to see that it works, and what it says
 * of itself. Pure. */
#ifndef SLUICE_LINK_ADAPTER_H
#define SLUICE_LINK_ADAPTER_H

#include "base/json.h"
#include "config/config.h"
#include "link/dedup.h"
#include "link/facts.h"

enum probe_answer {
	PROBE_NOT_THIS,                 /* a frame about something else */
	PROBE_ANSWERED,
	PROBE_UNKNOWN_OP,               /* the daemon is of a generation that does not know it */
	PROBE_ERROR
};

struct adapter {
	const char *name;               /* of the handshake */
	/* NULL = none counts. false: not a message that counts. texts holds what *out borrows and the document does not. */
	bool (*position)(const struct cfg_link *cfg, const struct json *root, struct buf *texts, struct link_position *out);
	/* The id of an event of ours that is acknowledged; NULL = the peer never does. */
	bool (*acknowledges)(const struct cfg_link *cfg, const struct json *root, struct slice *id);
	/* What it says of itself; NULL = nothing that is known. */
	bool (*facts)(struct link_facts *f, const struct json *root);
	/* An answer to our probe, which is out; NULL = it is never asked. */
	enum probe_answer (*answers)(const struct json *root, const char *op, char error[64]);
};

const struct adapter *adapter_find(const char *handshake);      /* NULL: its messages are only counted */
struct json_doc *adapter_parse(struct slice frame);             /* NULL: not JSON within our limits */
/* "meta.id" in an object; NULL = not there. */
const struct json *adapter_path(const struct json *root, const char *path);

/* Our own frames. */
void adapter_probe(struct buf *out, const char *op, int64_t n);
void adapter_ack(struct buf *out, struct slice id);
void adapter_event(struct buf *out, struct slice id, int64_t sequence, struct slice record);

#endif
