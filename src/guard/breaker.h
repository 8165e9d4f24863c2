/* Circuit breaker (SEMANTICS 5): transport health of one lane or link. Pure: time and randomness are
 * arguments. CLOSED → OPEN → HALF_OPEN → CLOSED, plus FORCED_OPEN and DISABLED by hand with an expiry.
 * Count window 20, minimum 10, opens at 50 % failed or slow calls. Open 60 s doubling to 15 min, plus
 * up to 25 % jitter. Half-open lets 1, then 3 reads through, then one delete. A result carries the generation it
 * was issued in; older ones are counted as stale and change nothing. Probe slots have a deadline.
 * While half-open waits for its delete, reads go on (three at a time): a bad one opens it again,
 * good ones do not close it. By hand: forced-open expires to half-open, disabled (lets everything
 * through and counts nothing) to closed. */
#ifndef SLUICE_GUARD_BREAKER_H
#define SLUICE_GUARD_BREAKER_H

#include "base/rng.h"

#include <stdbool.h>

#define BREAKER_STATES(X) \
	X(CLOSED, "closed") X(OPEN, "open") X(HALF_OPEN, "half-open") X(FORCED_OPEN, "forced-open") X(DISABLED, "disabled")
enum breaker_state {
#define X(e, w) BREAKER_##e,
	BREAKER_STATES(X)
#undef X
};
const char *breaker_state_name(enum breaker_state s);

enum breaker_call { BREAKER_READ, BREAKER_DELETE };
enum breaker_result { BREAKER_GOOD, BREAKER_BAD, BREAKER_SLOW, BREAKER_IGNORED };   /* pacing answers are IGNORED */

enum { BREAKER_WINDOW = 20, BREAKER_MINIMUM = 10, BREAKER_FLAP_RING = 16 };

struct breaker_opts {
	int64_t open_ms, open_max_ms;      /* 0 = 60,000 and 900,000 */
	int64_t probe_deadline_ms;         /* 0 = 30,000 */
	bool reads_only;                   /* a link: nothing to delete, four good reads close it */
};

struct breaker {
	struct breaker_opts opts;
	enum breaker_state state;
	uint32_t generation;
	uint8_t ring[BREAKER_WINDOW];      /* enum breaker_result, oldest at ring_at when full */
	int ring_n, ring_at;
	int opened_in_row;                 /* doubles the open time */
	int64_t until_us;                  /* open: half-open from then; by hand: expires then (0 = never) */
	int64_t changed_us;
	int probes_out, probes_good;       /* half-open */
	bool delete_out;                   /* one of probes_out is the delete */
	int64_t probe_due_us;              /* of the oldest probe that is out; then all are given up */
	int64_t flaps_us[BREAKER_FLAP_RING];   /* newest first, -1 = none */
	int64_t stale, refused;
	struct rng rng;
};

struct breaker_ticket {
	uint32_t generation;
	bool probe, del;
};

/* o may be NULL. */
void breaker_init(struct breaker *b, const struct breaker_opts *o, uint64_t seed, int64_t now_us);
/* Time passes: OPEN → HALF_OPEN when due, lost probes are given up, manual states expire. Called by
 * everyone who asks, so an open breaker finds its way by time alone. True if the state changed. */
bool breaker_tick(struct breaker *b, int64_t now_us);
bool breaker_allow(struct breaker *b, enum breaker_call call, int64_t now_us, struct breaker_ticket *t);
bool breaker_would(struct breaker *b, enum breaker_call call, int64_t now_us);  /* allow, without taking or counting */
/* True if the state changed. */
bool breaker_result(struct breaker *b, struct breaker_ticket t, enum breaker_result r, int64_t now_us);
void breaker_force(struct breaker *b, enum breaker_state s, int64_t until_us, int64_t now_us);  /* CLOSED ends it */
int breaker_bad(const struct breaker *b);                  /* failed or slow in the window */
int breaker_flaps(const struct breaker *b, int64_t now_us);    /* transitions in the last 10 min, at most 16 */

#endif
