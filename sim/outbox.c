#include "sim/outbox.h"

#include <stdlib.h>

#include "base/mem.h"

struct outbox {
	struct loop *loop;
	struct ledger *ledger;
	TAILQ_HEAD(, out) waiting;
	bool scheduled;
	struct err failed;
};

struct outbox *outbox_new(struct loop *l, struct ledger *ledger)
{
	struct outbox *b = xcalloc(1, sizeof(*b));
	b->loop = l;
	b->ledger = ledger;
	TAILQ_INIT(&b->waiting);
	return b;
}

void outbox_free(struct outbox *b)
{
	free(b);
}

enum rc outbox_state(const struct outbox *b, struct err *e)
{
	if (b->failed.rc != RC_OK && e)
		*e = b->failed;
	return b->failed.rc;
}

static void leave(struct out *o)
{
	enum out_end end = o->end;
	struct tcp_conn *c = o->conn;
	if (o->ended)
		return;
	o->ended = end != OUT_STAYS;
	if (end != OUT_RESETS && o->bytes.n)
		tcp_send(c, buf_slice(&o->bytes));
	if (o->bytes.cap > 1 << 16)
		buf_done(&o->bytes);
	else
		buf_clear(&o->bytes);
	/* o may be gone after these two */
	if (end == OUT_CLOSES)
		tcp_close(c);
	else if (end == OUT_RESETS)
		tcp_reset(c);
}

static void turn_end(void *ctx)
{
	struct outbox *b = ctx;
	b->scheduled = false;
	if (b->failed.rc != RC_OK)
		return;
	if (ledger_flush(b->ledger, &b->failed) != RC_OK) {
		loop_stop(b->loop);
		return;
	}
	for (struct out *o; (o = TAILQ_FIRST(&b->waiting));) {
		TAILQ_REMOVE(&b->waiting, o, link);
		o->waiting = false;
		leave(o);
	}
}

void outbox_touch(struct outbox *b)
{
	if (b->scheduled)
		return;
	b->scheduled = true;
	loop_defer(b->loop, turn_end, b);
}

void out_init(struct out *o, struct outbox *b, struct tcp_conn *c)
{
	*o = (struct out){ .box = b, .conn = c };
}

void out_done(struct out *o)
{
	if (o->waiting)
		TAILQ_REMOVE(&o->box->waiting, o, link);
	o->waiting = false;
	o->ended = true;
	buf_done(&o->bytes);
}

static void wait_for_turn(struct out *o)
{
	if (!o->waiting && !o->ended) {
		o->waiting = true;
		TAILQ_INSERT_TAIL(&o->box->waiting, o, link);
	}
	outbox_touch(o->box);
}

struct buf *out_bytes(struct out *o)
{
	wait_for_turn(o);
	return &o->bytes;
}

void out_end(struct out *o, enum out_end end)
{
	if (o->end != OUT_RESETS)
		o->end = end;
	wait_for_turn(o);
}

bool out_ending(const struct out *o)
{
	return o->end != OUT_STAYS || o->ended;
}
