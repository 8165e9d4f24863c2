#include "guard/canary.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

enum { WHOLE_BP = 10000 };

const char *canary_verdict_name(enum canary_verdict v)
{
	static const char *const names[] = { [CANARY_FEW] = "too few", [CANARY_GOOD] = "as good", [CANARY_WORSE] = "worse" };
	return names[v];
}

/* a of na is more than b of nb by more than the margin. */
static bool above(int64_t a, int64_t na, int64_t b, int64_t nb, const struct canary_opts *o)
{
	return (double)a * (double)nb * WHOLE_BP > (double)b * (double)na * (double)(WHOLE_BP + o->margin_bp);
}

static bool more_bad(int64_t a, int64_t na, int64_t b, int64_t nb, const struct canary_opts *o)
{
	return a >= CANARY_LEAST_BAD && above(a, na, b, nb, o);
}

static bool later(int64_t canary_us, int64_t stable_us, const struct canary_opts *o)
{
	return canary_us - stable_us > CANARY_RTT_US && above(canary_us, 1, stable_us, 1, o);
}

static void counts(char why[CANARY_WHY], const char *what, int64_t a, int64_t na, int64_t b, int64_t nb, const char *of)
{
	snprintf(why, CANARY_WHY, "%" PRId64 " %s of %" PRId64 " canary %s, %" PRId64 " of %" PRId64 " stable ones", a, what, na, of, b, nb);
}

static void trips(char why[CANARY_WHY], const char *what, int64_t a, int64_t b)
{
	snprintf(why, CANARY_WHY, "round trip %s %" PRId64 " us canary, %" PRId64 " us stable", what, a, b);
}

static bool messages_worse(const struct canary_figures *c, const struct canary_figures *s, const struct canary_opts *o, char why[CANARY_WHY])
{
	if (more_bad(c->errors, c->messages, s->errors, s->messages, o))
		counts(why, "errors", c->errors, c->messages, s->errors, s->messages, "messages");
	else if (more_bad(c->duplicates, c->messages, s->duplicates, s->messages, o))
		counts(why, "repeats", c->duplicates, c->messages, s->duplicates, s->messages, "messages");
	else
		return false;
	return true;
}

static bool trips_worse(const struct canary_figures *c, const struct canary_figures *s, const struct canary_opts *o, char why[CANARY_WHY])
{
	if (later(c->rtt_p50_us, s->rtt_p50_us, o))
		trips(why, "p50", c->rtt_p50_us, s->rtt_p50_us);
	else if (later(c->rtt_p99_us, s->rtt_p99_us, o))
		trips(why, "p99", c->rtt_p99_us, s->rtt_p99_us);
	else
		return false;
	return true;
}

enum canary_verdict canary_judge(const struct canary_figures *c, const struct canary_figures *s, const struct canary_opts *o, char why[CANARY_WHY])
{
	bool messages = MIN(c->messages, s->messages) >= MAX(o->sample, 1), rtts = MIN(c->rtts, s->rtts) >= MAX(o->sample, 1);
	why[0] = '\0';
	if (more_bad(c->drops, c->connections, s->drops, s->connections, o)) {
		counts(why, "drops", c->drops, c->connections, s->drops, s->connections, "connections");
		return CANARY_WORSE;
	}
	if ((messages && messages_worse(c, s, o, why)) || (rtts && trips_worse(c, s, o, why)))
		return CANARY_WORSE;
	if (!messages && !rtts)
		return CANARY_FEW;
	snprintf(why, CANARY_WHY, "%" PRId64 " round trips, %" PRId64 " messages, %" PRId64 " drops; stable ones %" PRId64 ", %" PRId64 ", %" PRId64, c->rtts,
		 c->messages, c->drops, s->rtts, s->messages, s->drops);
	return CANARY_GOOD;
}
