#include "guard/canary.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"

enum { WHOLE_BP = 10000, MOST = 3 };

const char *canary_verdict_name(enum canary_verdict v)
{
	static const char *const names[] = { [CANARY_FEW] = "too few", [CANARY_GOOD] = "as good", [CANARY_WORSE] = "worse" };
	return names[v];
}

/* ---- what is compared ---- */

#define F(m) offsetof(struct canary_figures, m)

/* bad ones of so many. at_once: however few were seen. */
struct share {
	const char *what, *of;
	size_t bad, n;
	int64_t least;
	bool at_once;
};

/* Times, and how many were measured. */
struct span {
	const char *what;
	size_t us, n;
	int64_t noise_us;
};

#define WIRE .seen = { F(messages), F(rtts) }, \
		.share = { { "drops", "connections", F(drops), F(connections), CANARY_LEAST_BAD, true }, \
			   { "errors", "messages", F(errors), F(messages), CANARY_LEAST_BAD, false }, \
			   { "repeats", "messages", F(duplicates), F(messages), CANARY_LEAST_BAD, false } }, \
		.span = { { "round trip p50", F(rtt_p50_us), F(rtts), CANARY_RTT_US }, { "round trip p99", F(rtt_p99_us), F(rtts), CANARY_RTT_US } }, \
		.said = { { "round trips", F(rtts) }, { "messages", F(messages) }, { "drops", F(drops) } }

static const struct feature {
	bool pushes;                    /* the stable ones may be harmed by the canary being there */
	size_t seen[2];                 /* enough of either of them is enough for a verdict; 0 = none */
	struct share share[MOST];
	struct span span[MOST];
	struct said { const char *what; size_t at; } said[MOST];        /* when nothing is worse */
} features[CANARY_FEATURES] = {
	[CANARY_KEEPALIVE] = { WIRE },
	[CANARY_POOL] = { WIRE, .pushes = true },
	[CANARY_DEDUP] = {
		.seen = { F(messages) },
		.share = { { "wrong", "messages", F(missed), F(messages), 1, true } },
		.said = { { "messages", F(messages) }, { "repeats", F(duplicates) }, { "wrong", F(missed) } },
	},
	[CANARY_QUEUE] = {
		.seen = { F(events) },
		.share = { { "lost", "events", F(lost), F(events), CANARY_LEAST_BAD, true },
			   { "without room", "events", F(full), F(events), CANARY_LEAST_BAD, false } },
		.span = { { "wait p50", F(wait_p50_us), F(waits), CANARY_WAIT_US }, { "wait p99", F(wait_p99_us), F(waits), CANARY_WAIT_US } },
		.said = { { "events", F(events) }, { "without room", F(full) }, { "lost", F(lost) } },
	},
};

static int64_t get(const struct canary_figures *f, size_t at)
{
	return *(const int64_t *)(const void *)((const char *)f + at);
}

/* a of na is more than b of nb by more than the margin. */
static bool above(int64_t a, int64_t na, int64_t b, int64_t nb, const struct canary_opts *o)
{
	return (double)a * (double)nb * WHOLE_BP > (double)b * (double)na * (double)(WHOLE_BP + o->margin_bp);
}

struct both {
	const struct canary_figures *c, *s;
	const struct canary_opts *o;
};

static bool enough(const struct both *x, size_t n)
{
	return MIN(get(x->c, n), get(x->s, n)) >= MAX(x->o->sample, 1);
}

static bool more_bad(int64_t a, int64_t na, int64_t b, int64_t nb, int64_t least, const struct canary_opts *o)
{
	return a >= least && above(a, na, b, nb, o);
}

static bool share_worse(const struct both *x, const struct share *r, char why[CANARY_WHY])
{
	int64_t a = get(x->c, r->bad), na = get(x->c, r->n), b = get(x->s, r->bad), nb = get(x->s, r->n);
	if (!(r->at_once || enough(x, r->n)) || !more_bad(a, na, b, nb, r->least, x->o))
		return false;
	snprintf(why, CANARY_WHY, "%" PRId64 " %s of %" PRId64 " canary %s, %" PRId64 " of %" PRId64 " stable ones", a, r->what, na, r->of, b, nb);
	return true;
}

static bool span_worse(const struct both *x, const struct span *r, char why[CANARY_WHY])
{
	int64_t a = get(x->c, r->us), b = get(x->s, r->us);
	if (!enough(x, r->n) || a - b <= r->noise_us || !above(a, 1, b, 1, x->o))
		return false;
	snprintf(why, CANARY_WHY, "%s %" PRId64 " us canary, %" PRId64 " us stable", r->what, a, b);
	return true;
}

/* ---- the verdict ---- */

static bool any_worse(const struct both *x, const struct feature *f, char why[CANARY_WHY])
{
	for (int i = 0; i < MOST; i++)
		if ((f->share[i].what && share_worse(x, &f->share[i], why)) || (f->span[i].what && span_worse(x, &f->span[i], why)))
			return true;
	return false;
}

static bool pushed(const struct both *x, char why[CANARY_WHY])
{
	int64_t cut_off = MIN(x->s->drops, x->s->reconnects);   /* attempts alone fail as well while the peer is away */
	if (!x->s->connections || cut_off < CANARY_LEAST_BAD * x->s->connections)
		return false;
	snprintf(why, CANARY_WHY, "%" PRId64 " times one of the %" PRId64 " connections that were there before was cut off and came back since %" PRId64 " came", cut_off, x->s->connections,
		 x->c->connections);
	return true;
}

static bool any_enough(const struct both *x, const struct feature *f)
{
	return enough(x, f->seen[0]) || (f->seen[1] && enough(x, f->seen[1]));
}

static void say(const struct both *x, const struct said *r, char why[CANARY_WHY])
{
	snprintf(why, CANARY_WHY, "%" PRId64 " %s, %" PRId64 " %s, %" PRId64 " %s; stable ones %" PRId64 ", %" PRId64 ", %" PRId64, get(x->c, r[0].at),
		 r[0].what, get(x->c, r[1].at), r[1].what, get(x->c, r[2].at), r[2].what, get(x->s, r[0].at), get(x->s, r[1].at), get(x->s, r[2].at));
}

enum canary_verdict canary_judge(enum canary_feature of, const struct canary_figures *c, const struct canary_figures *s, const struct canary_opts *o,
				 char why[CANARY_WHY])
{
	const struct both x = { c, s, o };
	const struct feature *f = &features[of];
	why[0] = '\0';
	if (any_worse(&x, f, why) || (f->pushes && pushed(&x, why)))
		return CANARY_WORSE;
	if (!any_enough(&x, f))
		return CANARY_FEW;
	say(&x, f->said, why);
	return CANARY_GOOD;
}
