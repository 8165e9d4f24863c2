/* What is to be told the outside waits here until the ledger has it: bytes of all connections are
 * gathered during a loop turn, then the ledger is flushed, then they leave, each connection's in one
 * piece. If the ledger cannot be written nothing leaves and the loop stops. Loop thread only. */
#ifndef SLUICE_SIM_OUTBOX_H
#define SLUICE_SIM_OUTBOX_H

#include "net/tcp.h"
#include "sim/ledger.h"

#include <sys/queue.h>

struct outbox;

enum out_end { OUT_STAYS, OUT_CLOSES, OUT_RESETS };

/* Embedded in a connection. */
struct out {
	struct outbox *box;
	struct tcp_conn *conn;
	struct buf bytes;
	enum out_end end;
	bool waiting, ended;            /* ended: close or reset was already handed to TCP */
	TAILQ_ENTRY(out) link;
};

struct outbox *outbox_new(struct loop *l, struct ledger *ledger);
void outbox_free(struct outbox *b);
/* RC_OK while the ledger could be written. */
enum rc outbox_state(const struct outbox *b, struct err *e) MUST_USE;
/* Have the ledger written at the end of this turn though nothing is to be sent. */
void outbox_touch(struct outbox *b);

void out_init(struct out *o, struct outbox *b, struct tcp_conn *c);
void out_done(struct out *o);                           /* the connection is dead */
/* The buffer to add to; it leaves at the end of the turn. */
struct buf *out_bytes(struct out *o);
void out_end(struct out *o, enum out_end end);
bool out_ending(const struct out *o);

#endif
