/* Pacing in virtual time against a model of a store that limits its callers. */
#include "unit.h"

#include "base/mem.h"
#include "base/rng.h"
#include "guard/pace.h"

#include <stdlib.h>

static const int64_t S = 1000000;

enum tell { TELL_NOTHING, TELL_SECONDS, TELL_MS, TELL_HEADERS, TELL_WINDOW };

struct store {
	int64_t rate, burst;            /* per second */
	enum tell tell;
	int64_t level, at_us;           /* micro-tokens */
	int64_t window_us, in_window;   /* TELL_WINDOW */
	int64_t change_us, change_to;   /* the rate changes once; 0 never */
	int64_t asked_us;               /* strict: until then everything is refused */
	bool strict;
};

enum { FLIGHT = 64 };

struct call {
	bool busy;
	int64_t due_us, arrives_us;
	struct pace_answer a;
};

struct run {
	struct store st;
	struct pace p;
	struct call call[FLIGHT];
	int64_t now, rtt_us, left, out, accepted, refused, end_us, too_early;
	int64_t waiting[4096], n_waiting;       /* items that were refused, by when they may be sent again */
	struct rng rng;
};

static void fill(struct store *s, int64_t now)
{
	if (s->change_us && now >= s->change_us) {
		s->rate = s->change_to;
		s->change_us = 0;
	}
	s->level = MIN(s->level + (now - s->at_us) * s->rate, s->burst * S);
	s->at_us = now;
}

/* A window of a second lets `rate` through. */
static bool let_through(struct store *s, int64_t now)
{
	fill(s, now);
	if (s->strict && now < s->asked_us)
		return false;
	if (s->tell == TELL_WINDOW) {
		if (now - s->window_us >= S) {
			s->window_us = now / S * S;
			s->in_window = 0;
		}
		return s->in_window++ < s->rate;
	}
	if (s->level < S)
		return false;
	s->level -= S;
	return true;
}

static void tell(struct store *s, int64_t now, struct pace_answer *a)
{
	int64_t token_ms = (S - s->level + s->rate * 1000 - 1) / (s->rate * 1000);
	a->wait_ms = -1;
	a->quota = (struct pace_quota){ -1, -1, -1 };
	switch (s->tell) {
	case TELL_NOTHING:
		break;
	case TELL_SECONDS:
		a->wait_ms = a->refused ? 1000 : -1;
		a->coarse = true;
		s->asked_us = a->refused ? now + S : s->asked_us;
		break;
	case TELL_MS:
		a->wait_ms = a->refused ? token_ms : -1;
		break;
	case TELL_HEADERS:
		a->quota = (struct pace_quota){ s->burst, s->level / S, (s->burst * S - s->level + s->rate * 1000 - 1) / (s->rate * 1000) };
		break;
	case TELL_WINDOW:
		a->quota = (struct pace_quota){ s->rate, MAX(s->rate - s->in_window, 0), (s->window_us + S - now) / 1000 };
		break;
	}
}

static void arrive(struct run *r, struct call *c)
{
	c->a.accepted = let_through(&r->st, r->now);
	c->a.refused = !c->a.accepted;
	tell(&r->st, r->now, &c->a);
	c->arrives_us = INT64_MAX;
}

static void answer(struct run *r, struct call *c)
{
	c->busy = false;
	r->out--;
	pace_answered(&r->p, &c->a, r->now);
	r->accepted += c->a.accepted;
	r->refused += c->a.refused;
	if (c->a.accepted) {
		r->end_us = r->now;
		r->left--;
	} else {
		assert_true(r->n_waiting < (int64_t)ARRAY_LEN(r->waiting));
		r->waiting[r->n_waiting++] = r->now + MAX(c->a.wait_ms * 1000, c->a.wait_ms < 0 ? S + S / 8 : 0);
	}
}

/* An item that may be sent now: one that waited, or a fresh one. */
static bool take_item(struct run *r, int64_t *fresh)
{
	for (int64_t i = 0; i < r->n_waiting; i++) {
		if (r->waiting[i] > r->now)
			continue;
		r->waiting[i] = r->waiting[--r->n_waiting];
		return true;
	}
	return *fresh > 0 && (*fresh)--;
}

static void send_some(struct run *r, int64_t *fresh)
{
	int64_t most = MIN((int64_t)FLIGHT, pace_in_flight(&r->p));
	while (r->out < most && pace_wait_us(&r->p, r->now) <= 0 && take_item(r, fresh)) {
		struct call *c = r->call;
		while (c->busy)
			c++;
		int64_t half = r->rtt_us / 2 + (int64_t)rng_below(&r->rng, (uint64_t)r->rtt_us / 4 + 1);
		*c = (struct call){ .busy = true, .arrives_us = r->now + half, .due_us = r->now + half + r->rtt_us / 2,
				    .a = { .sent_us = r->now } };
		pace_sent(&r->p, r->now);
		r->out++;
	}
}

static void run(struct run *r, int64_t items, int64_t limit_us)
{
	int64_t fresh = items;
	r->left = items;
	while (r->left > 0 && r->now < limit_us) {
		for (struct call *c = r->call; c < r->call + FLIGHT; c++)
			if (c->busy && c->arrives_us <= r->now)
				arrive(r, c);
		for (struct call *c = r->call; c < r->call + FLIGHT; c++)
			if (c->busy && c->due_us <= r->now)
				answer(r, c);
		send_some(r, &fresh);
		r->now += 100;
	}
}

static struct run *begin(enum tell t, int64_t rate, int64_t burst, int64_t ceiling, int64_t rtt_us)
{
	struct run *r = xcalloc(1, sizeof *r);
	r->st = (struct store){ .rate = rate, .burst = burst, .tell = t, .level = burst * S };
	r->rtt_us = rtt_us;
	rng_seed(&r->rng, 7);
	pace_init(&r->p, ceiling * 1000, 10000, 0, 0);
	return r;
}

static void show(const struct run *r, const char *what, int64_t items)
{
	int64_t ideal = (items - r->st.burst) * S / r->st.rate;
	print_message("# %s: %.3f x ideal, %.2f %% refused, %s at %.1f/s\n", what, (double)r->end_us / (double)ideal,
		      100.0 * (double)r->refused / (double)(r->refused + r->accepted), pace_state_name(r->p.state),
		      (double)pace_rate_mhz(&r->p) / 1000);
}

/* Within `percent` of what the store would have let through at best, with at most per_mille refused. */
static void keeps(const char *what, struct run *r, int64_t items, int64_t percent, int64_t per_mille)
{
	run(r, items, 600 * S);
	show(r, what, items);
	int64_t ideal = (items - r->st.burst) * S / r->st.rate;
	assert_int_equal(r->left, 0);
	assert_true(r->end_us * 100 <= ideal * percent);
	assert_true(r->refused * 1000 <= (r->refused + r->accepted) * per_mille);
	free(r);
}

/* A limit of 500 a second and a burst of 50, at a distance. Far away more is on its way when the first
 * refusal arrives. */
static const struct {
	int64_t rtt_us, percent, per_mille;
} distances[] = { { 500, 106, 5 }, { 2000, 106, 5 }, { 10000, 110, 9 }, { 50000, 130, 30 } };

static void a_store_that_tells_is_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(distances); i++) {
		int64_t rtt = distances[i].rtt_us;
		keeps("headers", begin(TELL_HEADERS, 500, 50, 100000, rtt), 2000, 106, 0);
		keeps("wait in ms", begin(TELL_MS, 500, 50, 100000, rtt), 2000, distances[i].percent, distances[i].per_mille);
		keeps("a second", begin(TELL_SECONDS, 500, 50, 100000, rtt), 2000, distances[i].percent, distances[i].per_mille);
		keeps("nothing", begin(TELL_NOTHING, 500, 50, 100000, rtt), 2000, distances[i].percent, distances[i].per_mille);
	}
}

static void a_store_that_only_refuses_is_learned(void **state)
{
	(void)state;
	static const struct {
		int64_t rate, burst, seconds, percent, per_mille;
	} stores[] = { { 10, 1, 60, 170, 30 }, { 20, 2, 30, 170, 30 }, { 100, 10, 10, 130, 20 }, { 500, 10, 10, 130, 20 },
		       { 500, 500, 10, 130, 20 }, { 2000, 200, 4, 130, 20 } };
	for (size_t k = 0; k < ARRAY_LEN(stores); k++)
		for (size_t i = 0; i < 3; i++)
			keeps("learned", begin(TELL_NOTHING, stores[k].rate, stores[k].burst, 100000, distances[i].rtt_us),
			      stores[k].seconds * stores[k].rate, stores[k].percent, stores[k].per_mille);
}

static void a_window_is_not_overrun(void **state)
{
	(void)state;
	struct run *r = begin(TELL_WINDOW, 500, 0, 100000, 2000);
	run(r, 2000, 60 * S);
	show(r, "window", 2000);
	assert_int_equal(r->left, 0);
	assert_true(r->refused <= 10);
	assert_true(r->end_us <= 5 * S);
	free(r);
}

static void a_long_wait_closes_the_lane(void **state)
{
	(void)state;
	struct pace p;
	static const struct { int64_t wait_ms; bool coarse; } waits[] = { { 2000, true }, { 60000, true }, { 700, false }, { 1000, false } };
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		pace_init(&p, 20000, 20, 0, 0);
		pace_sent(&p, S);
		pace_answered(&p, &(struct pace_answer){ .refused = true, .sent_us = S, .wait_ms = waits[i].wait_ms, .coarse = waits[i].coarse }, 2 * S);
		assert_true(pace_wait_us(&p, 2 * S) >= waits[i].wait_ms * 1000);
		assert_true(pace_wait_us(&p, 2 * S + waits[i].wait_ms * 1000) <= S);
	}
}

static void a_second_that_is_meant_for_all_is_obeyed(void **state)
{
	(void)state;
	struct run *r = begin(TELL_SECONDS, 50, 5, 100000, 2000);
	r->st.strict = true;
	run(r, 400, 120 * S);
	show(r, "strict", 400);
	assert_int_equal(r->left, 0);
	assert_true(r->refused * 5 <= r->accepted);
	free(r);
}

static void the_configured_rate_is_never_passed(void **state)
{
	(void)state;
	struct run *r = begin(TELL_NOTHING, 1000000, 1000000, 50, 1000);
	pace_init(&r->p, 50000, 10, 0, 0);
	run(r, 200, 60 * S);
	assert_int_equal(r->left, 0);
	assert_true(r->end_us >= (200 - 10) * S / 50);
	assert_string_equal(pace_state_name(r->p.state), "configured");
	free(r);
}

static void an_open_store_is_asked_at_full_speed_within_a_second(void **state)
{
	(void)state;
	struct run *r = begin(TELL_NOTHING, 10000000, 10000000, 1000000, 1000);
	run(r, 100000, 60 * S);
	show(r, "open", 100000);
	assert_int_equal(r->left, 0);
	assert_int_equal(r->p.state, PACE_CEILING);
	assert_true(r->end_us <= 3 * S);        /* 64 in flight at 1 ms: 1.9 s at least with its jitter */
	free(r);
}

static void a_limit_that_changes_is_found_again(void **state)
{
	(void)state;
	struct run *r = begin(TELL_NOTHING, 500, 50, 100000, 2000);
	r->st.change_us = 5 * S;
	r->st.change_to = 100;
	run(r, 2500 + 2000, 60 * S);
	show(r, "lowered", 4500);
	assert_int_equal(r->left, 0);
	assert_true(r->end_us <= 28 * S);       /* 5 s and 20 s */
	assert_true(r->refused * 20 <= r->accepted);
	free(r);
	r = begin(TELL_NOTHING, 100, 10, 100000, 2000);
	r->st.change_us = 5 * S;
	r->st.change_to = 1000;
	run(r, 20000, 120 * S);
	show(r, "raised", 20000);
	assert_int_equal(r->left, 0);
	assert_true(r->end_us <= 50 * S);       /* 5 s and 19.5 s, and the time to find it */
	assert_true(r->refused * 50 <= r->accepted);
	free(r);
}

static void what_was_learned_serves_the_next_cycle(void **state)
{
	(void)state;
	struct run *r = begin(TELL_NOTHING, 500, 50, 100000, 2000);
	run(r, 4000, 60 * S);
	int64_t learned = pace_learned_mhz(&r->p);
	assert_true(learned > 450000 && learned < 520000);
	free(r);
	r = begin(TELL_NOTHING, 500, 50, 100000, 2000);
	pace_init(&r->p, 100000000, 10000, learned, 0);
	keeps("the next cycle", r, 2000, 110, 2);
}

static void where_a_request_carries_many_the_start_counts_requests(void **state)
{
	(void)state;
	struct pace p;
	pace_init(&p, 100000000, 10000, 0, 0);
	assert_int_equal(pace_in_flight(&p), 4);
	pace_bulk(&p, 1000, 0);
	assert_int_equal(pace_in_flight(&p), 4000);
	assert_int_equal(pace_rate_mhz(&p), 10000000);          /* ten times more items, not a thousand */
	assert_int_equal(p.state, PACE_START);
	pace_init(&p, 100000000, 10000, 0, 0);
	pace_bulk(&p, 1, 0);
	assert_int_equal(pace_in_flight(&p), 4);
	assert_int_equal(pace_rate_mhz(&p), 1000000);
	pace_init(&p, 5000000, 10000, 0, 0);
	pace_bulk(&p, 1000, 0);
	assert_int_equal(p.state, PACE_CEILING);                /* never faster than configured */
	assert_int_equal(pace_rate_mhz(&p), 5000000);
	pace_init(&p, 100000000, 10000, 700000, 0);
	pace_bulk(&p, 1000, 0);
	assert_int_equal(pace_rate_mhz(&p), 700000);            /* what was learned stands */
}

static void a_store_that_refuses_everything_is_asked_ever_less(void **state)
{
	(void)state;
	struct run *r = begin(TELL_NOTHING, 1, 0, 100000, 2000);
	run(r, 100, 120 * S);
	assert_int_equal(r->accepted, 0);
	assert_true(r->refused < 60);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_tells_is_followed),
		cmocka_unit_test(a_store_that_only_refuses_is_learned),
		cmocka_unit_test(a_window_is_not_overrun),
		cmocka_unit_test(a_long_wait_closes_the_lane),
		cmocka_unit_test(a_second_that_is_meant_for_all_is_obeyed),
		cmocka_unit_test(the_configured_rate_is_never_passed),
		cmocka_unit_test(an_open_store_is_asked_at_full_speed_within_a_second),
		cmocka_unit_test(a_limit_that_changes_is_found_again),
		cmocka_unit_test(what_was_learned_serves_the_next_cycle),
		cmocka_unit_test(where_a_request_carries_many_the_start_counts_requests),
	cmocka_unit_test(a_store_that_refuses_everything_is_asked_ever_less),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
