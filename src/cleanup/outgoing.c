#include "cleanup/outgoing.h"

#include "base/mem.h"
#include "cleanup/cycle_internal.h"

#include <stdlib.h>

enum { MEAN_OF = 8 };

static int64_t mean(int64_t old, int64_t us)
{
	us = MAX(us, 1);
	return old > 0 ? MAX(old + (us - old) / MEAN_OF, 1) : us;
}

void outgoing_measured(struct outgoing_times *t, int64_t disk_us, int64_t wire_us)
{
	t->disk_us = mean(t->disk_us, disk_us);
	t->wire_us = mean(t->wire_us, wire_us);
}

int64_t outgoing_ahead(const struct outgoing_times *t, int64_t in_flight)
{
	if (t->disk_us <= 0 || t->wire_us <= 0)
		return 0;
	return (int64_t)MIN((__int128)2 * in_flight * t->disk_us / t->wire_us, (__int128)OUTGOING_AHEAD);
}

void outgoing_done(struct outgoing *o)
{
	free(o->ring);
	*o = (struct outgoing){ 0 };
}

static void widen(struct outgoing *o)
{
	struct outgoing wide = { .cap = MAX(2 * o->cap, 16), .n = o->n, .fresh = o->fresh, .out = o->out, .kept = o->kept };
	wide.ring = xcalloc(wide.cap, sizeof *wide.ring);
	for (size_t i = 0; i < o->n; i++)
		wide.ring[i] = o->ring[(o->at + i) % o->cap];
	free(o->ring);
	*o = wide;
}

void outgoing_add(struct outgoing *o, int32_t item, int64_t ready_us)
{
	if (o->n == o->cap)
		widen(o);
	o->ring[(o->at + o->n++) % o->cap] = (struct outgoing_one){ item, ready_us };
	o->fresh++;
}

static bool stopped(struct cycle *c, int lane, struct now now)
{
	struct step s = { .c = c, .now = now };
	return blocked(&s, &c->lane[lane]);
}

void outgoing_answered(struct outgoing *o, struct cycle *c, int lane, struct now now)
{
	o->kept++;
	if (!stopped(c, lane, now)) {
		o->out -= o->kept;
		o->kept = 0;
	}
}

/* What was written ahead goes on only while everything goes well. */
static const char *not_now(struct cycle *c, const struct cycle_lane *l, struct now now, int64_t ready_us)
{
	struct step s = { .c = c, .now = now };
	if (blocked(&s, l))
		return "not sent: nothing may leave now";
	if (lane_hopeless(&s, l))
		return "not sent: too much of the lane has failed";
	if (l->breaker.state != BREAKER_CLOSED && l->breaker.state != BREAKER_DISABLED)
		return "not sent: the breaker is not closed";
	if (l->pace.state != PACE_CEILING)
		return "not sent: the store wants fewer requests";
	if (now.boot_us - ready_us > OUTGOING_MAX_US)
		return "not sent: its turn did not come in a second";
	return NULL;
}

enum outgoing_next outgoing_next(struct outgoing *o, struct cycle *c, int lane, struct now now, struct outgoing_one *one, const char **why)
{
	const struct cycle_lane *l = &c->lane[lane];
	if (!o->n)
		return OUTGOING_NONE;
	if (o->kept && !stopped(c, lane, now)) {
		o->out -= o->kept;
		o->kept = 0;
	}
	bool room = o->out < cycle_wire(l);
	*one = o->ring[o->at];
	o->fresh = room ? o->fresh : 0;
	*why = o->n <= o->fresh ? NULL : not_now(c, l, now, one->ready_us);
	if (!room && !*why)
		return OUTGOING_NONE;
	o->at = (o->at + 1) % o->cap;
	o->n--;
	o->fresh = MIN(o->fresh, o->n);
	o->out += !*why;
	return *why ? OUTGOING_TAKE_BACK : OUTGOING_SEND;
}
