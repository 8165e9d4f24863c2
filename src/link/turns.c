#include "link/turns.h"

#include "base/mem.h"

void turns_init(struct turns *t, int64_t rate_mhz, uint64_t seed)
{
	*t = (struct turns){ .gap_us = INT64_C(1000000000) / MAX(rate_mhz, (int64_t)1) };
	rng_seed(&t->rng, seed);
}

void turns_ask(struct turns *t, struct turn *x, bool urgent)
{
	int q = !urgent;
	if (x->waits)
		return;
	*x = (struct turn){ .prev = t->last[q], .waits = true, .urgent = urgent };
	if (x->prev)
		x->prev->next = x;
	else
		t->first[q] = x;
	t->last[q] = x;
	t->waiting++;
}

void turns_leave(struct turns *t, struct turn *x)
{
	int q = !x->urgent;
	if (!x->waits)
		return;
	if (x->prev)
		x->prev->next = x->next;
	else
		t->first[q] = x->next;
	if (x->next)
		x->next->prev = x->prev;
	else
		t->last[q] = x->prev;
	*x = (struct turn){ .urgent = x->urgent };
	t->waiting--;
}

int64_t turns_due_us(const struct turns *t)
{
	return t->waiting ? t->next_us : INT64_MAX;
}

enum { LATE_US = 5000 };        /* timers are no finer */

/* A turn that is given late by less than a gap does not put off the ones behind it; nor one by less than 5 ms, or at thousands
 * a second each would wait for a timer of its own. The random parts of hundreds of gaps hold the rate of a second. */
static void step(struct turns *t, int64_t now_us)
{
	int64_t from = now_us - t->next_us < MAX(t->gap_us, (int64_t)LATE_US) ? t->next_us : now_us;
	t->next_us = from + t->gap_us + (int64_t)rng_below(&t->rng, (uint64_t)(t->gap_us / 4) + 1);
}

struct turn *turns_take(struct turns *t, int64_t now_us)
{
	struct turn *x = t->first[0] ? t->first[0] : t->first[1];
	if (!x || now_us < t->next_us)
		return NULL;
	turns_leave(t, x);
	step(t, now_us);
	t->given++;
	return x;
}
