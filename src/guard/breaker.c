#include "guard/breaker.h"

#include <string.h>

#include "base/mem.h"

/* Half-open: one read, then three, then one delete. */
enum { FIRST_READS = 1, ALL_READS = 4, READS_AT_ONCE = 3 };

static const int64_t FLAP_SPAN_US = (int64_t)600 * 1000000;

const char *breaker_state_name(enum breaker_state s)
{
	switch (s) {
#define X(e, w) case BREAKER_##e: return w;
	BREAKER_STATES(X)
#undef X
	}
	return "open";
}

void breaker_init(struct breaker *b, const struct breaker_opts *o, uint64_t seed, int64_t now_us)
{
	*b = (struct breaker){ .changed_us = now_us };
	if (o)
		b->opts = *o;
	if (b->opts.open_ms <= 0)
		b->opts.open_ms = 60000;
	if (b->opts.open_max_ms <= 0)
		b->opts.open_max_ms = MAX(900000, b->opts.open_ms);
	if (b->opts.probe_deadline_ms <= 0)
		b->opts.probe_deadline_ms = 30000;
	for (int i = 0; i < BREAKER_FLAP_RING; i++)
		b->flaps_us[i] = -1;
	rng_seed(&b->rng, seed);
}

static void drop_probes(struct breaker *b)
{
	b->probes_out = 0;
	b->delete_out = false;
}

/* The one door for a state change: everything still out belongs to an older generation. */
static void change(struct breaker *b, enum breaker_state to, int64_t until_us, int64_t now_us)
{
	b->state = to;
	b->generation++;
	b->until_us = until_us;
	b->changed_us = now_us;
	b->ring_n = b->ring_at = 0;
	b->probes_good = 0;
	drop_probes(b);
	memmove(b->flaps_us + 1, b->flaps_us, sizeof(b->flaps_us) - sizeof(b->flaps_us[0]));
	b->flaps_us[0] = now_us;
}

static int64_t open_time_us(struct breaker *b)
{
	int64_t ms = b->opts.open_ms;
	for (int k = 1; k < b->opened_in_row && ms < b->opts.open_max_ms; k++)
		ms *= 2;
	ms = MIN(ms, b->opts.open_max_ms);
	return (ms + (int64_t)rng_below(&b->rng, (uint64_t)(ms / 4) + 1)) * 1000;
}

static void open_now(struct breaker *b, int64_t now_us)
{
	b->opened_in_row++;
	change(b, BREAKER_OPEN, now_us + open_time_us(b), now_us);
}

static void close_now(struct breaker *b, int64_t now_us)
{
	b->opened_in_row = 0;
	change(b, BREAKER_CLOSED, 0, now_us);
}

bool breaker_tick(struct breaker *b, int64_t now_us)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		return false;
	case BREAKER_OPEN:
		if (now_us < b->until_us)
			return false;
		change(b, BREAKER_HALF_OPEN, 0, now_us);
		return true;
	case BREAKER_HALF_OPEN:
		if (b->probes_out > 0 && now_us >= b->probe_due_us) {
			b->generation++;
			drop_probes(b);
		}
		return false;
	case BREAKER_FORCED_OPEN:
		if (b->until_us == 0 || now_us < b->until_us)
			return false;
		change(b, BREAKER_HALF_OPEN, 0, now_us);
		return true;
	case BREAKER_DISABLED:
		if (b->until_us == 0 || now_us < b->until_us)
			return false;
		close_now(b, now_us);
		return true;
	}
	return false;
}

static bool probe_allowed(const struct breaker *b, enum breaker_call call)
{
	int reads_out = b->probes_out - b->delete_out;
	if (call == BREAKER_DELETE)
		return b->probes_good >= ALL_READS && !b->delete_out;
	return reads_out < (b->probes_good < FIRST_READS ? FIRST_READS : READS_AT_ONCE);
}

bool breaker_would(struct breaker *b, enum breaker_call call, int64_t now_us)
{
	breaker_tick(b, now_us);
	switch (b->state) {
	case BREAKER_CLOSED:
	case BREAKER_DISABLED:
		return true;
	case BREAKER_HALF_OPEN:
		return probe_allowed(b, call);
	case BREAKER_OPEN:
	case BREAKER_FORCED_OPEN:
		break;
	}
	return false;
}

bool breaker_allow(struct breaker *b, enum breaker_call call, int64_t now_us, struct breaker_ticket *t)
{
	breaker_tick(b, now_us);
	*t = (struct breaker_ticket){ .generation = b->generation, .del = call == BREAKER_DELETE };
	switch (b->state) {
	case BREAKER_CLOSED:
	case BREAKER_DISABLED:
		return true;
	case BREAKER_HALF_OPEN:
		if (!probe_allowed(b, call))
			break;
		if (b->probes_out++ == 0)
			b->probe_due_us = now_us + b->opts.probe_deadline_ms * 1000;
		b->delete_out |= t->del;
		t->probe = true;
		return true;
	case BREAKER_OPEN:
	case BREAKER_FORCED_OPEN:
		break;
	}
	b->refused++;
	return false;
}

int breaker_bad(const struct breaker *b)
{
	int bad = 0;
	for (int i = 0; i < b->ring_n; i++)
		bad += b->ring[i] == BREAKER_BAD || b->ring[i] == BREAKER_SLOW;
	return bad;
}

static bool closed_result(struct breaker *b, enum breaker_result r, int64_t now_us)
{
	b->ring[b->ring_at] = (uint8_t)r;
	b->ring_at = (b->ring_at + 1) % BREAKER_WINDOW;
	b->ring_n = MIN(b->ring_n + 1, (int)BREAKER_WINDOW);
	if (b->ring_n < BREAKER_MINIMUM || 2 * breaker_bad(b) < b->ring_n)
		return false;
	open_now(b, now_us);
	return true;
}

static bool probe_result(struct breaker *b, struct breaker_ticket t, enum breaker_result r, int64_t now_us)
{
	b->probes_out--;
	b->delete_out &= !t.del;
	if (r == BREAKER_IGNORED)
		return false;
	if (r != BREAKER_GOOD) {
		open_now(b, now_us);
		return true;
	}
	b->probes_good += b->probes_good < ALL_READS;
	if (!t.del && !(b->opts.reads_only && b->probes_good == ALL_READS))
		return false;
	close_now(b, now_us);
	return true;
}

bool breaker_result(struct breaker *b, struct breaker_ticket t, enum breaker_result r, int64_t now_us)
{
	bool changed = breaker_tick(b, now_us);
	if (t.generation != b->generation) {
		b->stale++;
		return changed;
	}
	if (b->state == BREAKER_HALF_OPEN && t.probe && b->probes_out > 0)
		return probe_result(b, t, r, now_us) || changed;
	if (b->state == BREAKER_CLOSED && r != BREAKER_IGNORED)
		return closed_result(b, r, now_us) || changed;
	return changed;
}

void breaker_force(struct breaker *b, enum breaker_state s, int64_t until_us, int64_t now_us)
{
	switch (s) {
	case BREAKER_CLOSED:
		close_now(b, now_us);
		return;
	case BREAKER_OPEN:
		open_now(b, now_us);
		if (until_us > 0)
			b->until_us = until_us;
		return;
	case BREAKER_HALF_OPEN:
	case BREAKER_FORCED_OPEN:
	case BREAKER_DISABLED:
		change(b, s, until_us, now_us);
		return;
	}
}

int breaker_flaps(const struct breaker *b, int64_t now_us)
{
	int n = 0;
	for (int i = 0; i < BREAKER_FLAP_RING; i++)
		n += b->flaps_us[i] >= 0 && now_us - b->flaps_us[i] <= FLAP_SPAN_US;
	return n;
}
