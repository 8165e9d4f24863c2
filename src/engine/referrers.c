/* References at the provider: every page of every configured place of a lane, a few requests at a
 * time. What does not answer completely makes the whole unknown, never empty. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_TRIES = 5, ASK_AT_ONCE = 8, ASK_WAIT_MAX_MS = 60000, ASK_PAGES_MAX = 1000000 };

/* One page that is to be asked for. */
struct errand {
	struct errand *next;
	struct walk *w;
	size_t place;
	struct buf parent, cursor;
	int tries;
};

struct walk {
	struct walk *next, **prev;      /* of the engine's */
	struct engine *en;
	int lane;
	struct errand *todo, **tail;
	int out;                        /* requests under way */
	int64_t not_before_us, pages;   /* boot time */
	struct loop_timer *timer;
	struct ereferrals *found;
	size_t cap, cap_inner;
	bool ended;
	referrers_fn *fn;
	void *ctx;
};

static void go(struct walk *w);

void referrals_free(struct ereferrals *f)
{
	if (!f || --f->users)
		return;
	free(f->held);
	free(f->inner);
	arena_free(f->texts);
	free(f);
}

const struct ereferrals *referrals_keep(struct ereferrals *f)
{
	if (f)
		f->users++;
	return f;
}

bool referrals_stale(const struct ereferrals *f, int64_t max_age_us)
{
	return !f || !f->complete || f->n_inner ||      /* an item that refers to others goes, and its references with it */
	       now_read().boot_us - f->boot_us > max_age_us;
}

static void errand_free(struct errand *e)
{
	buf_done(&e->parent);
	buf_done(&e->cursor);
	free(e);
}

static void errand_put(struct walk *w, struct errand *e)
{
	e->next = NULL;
	*w->tail = e;
	w->tail = &e->next;
}

static struct errand *errand_new(struct walk *w, size_t place, struct slice parent)
{
	struct errand *e = xcalloc(1, sizeof *e);
	e->w = w;
	e->place = place;
	buf_add(&e->parent, parent.p, parent.n);
	errand_put(w, e);
	return e;
}

static void walk_free(struct walk *w)
{
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	for (struct errand *e = w->todo, *next; e; e = next) {
		next = e->next;
		errand_free(e);
	}
	loop_timer_free(w->timer);
	referrals_free(w->found);
	free(w);
}

static int by_file(const void *a, const void *b)
{
	return slice_cmp(((const struct policy_held *)a)->id, ((const struct policy_held *)b)->id);
}

static int by_inner(const void *a, const void *b)
{
	const struct einner *x = a, *y = b;
	int d = slice_cmp(x->file, y->file);
	return d ? d : slice_cmp(x->holder, y->holder);
}

/* The answer, once; what is under way comes back to a walk that only waits for it. */
static void finish(struct walk *w, const char *trouble)
{
	struct ereferrals *f = w->found;
	if (w->ended)
		return;
	w->ended = true;
	w->found = NULL;
	f->complete = !trouble;
	f->asked = true;
	f->boot_us = now_read().boot_us;
	snprintf(f->trouble, sizeof f->trouble, "%s", trouble ? trouble : "");
	if (trouble)
		f->n = f->n_inner = 0;
	if (f->n)
		qsort(f->held, f->n, sizeof *f->held, by_file);
	if (f->n_inner)
		qsort(f->inner, f->n_inner, sizeof *f->inner, by_inner);
	referrals_free(w->en->lane[w->lane].referrals);
	w->en->lane[w->lane].referrals = f;
	w->fn(w->ctx, f);
}

void referrers_stop(struct engine *en, int lane, const char *why)
{
	for (struct walk *w = en->walks, *next; w; w = next) {
		next = w->next;
		if (lane >= 0 && w->lane != lane)
			continue;
		finish(w, why);
		if (!w->out)
			walk_free(w);
	}
}

/* "batch batch_7 (in_progress)", in shown form. */
static struct slice sentence(struct walk *w, const struct errand *e, const struct lane_ref *ref)
{
	struct buf b = { 0 };
	char holder[80], state[40];
	text_z(holder, sizeof holder, ref->holder);
	text_z(state, sizeof state, ref->state);
	buf_addf(&b, "%s %s uses it", lane_place_word(w->en->lane[w->lane].lane, e->place), holder);
	if (*state)
		buf_addf(&b, " (%s)", state);
	struct slice s = { arena_strndup(w->found->texts, b.p, b.n), b.n };
	buf_done(&b);
	return s;
}

static void take(struct walk *w, const struct errand *e, const struct lane_refs *p)
{
	struct ereferrals *f = w->found;
	for (size_t i = 0; i < p->n; i++) {
		const struct lane_ref *ref = &p->refs[i];
		if (!ref->file.n) {
			errand_new(w, e->place, ref->holder);
			continue;
		}
		if (lane_place_of_items(w->en->lane[w->lane].lane, e->place)) {
			GROW(f->inner, w->cap_inner, f->n_inner + 1);
			f->inner[f->n_inner++] = (struct einner){ { arena_strndup(f->texts, ref->file.p, ref->file.n), ref->file.n },
				{ arena_strndup(f->texts, ref->holder.p, ref->holder.n), ref->holder.n }, sentence(w, e, ref).p };
			continue;
		}
		GROW(f->held, w->cap, f->n + 1);
		f->held[f->n++] = (struct policy_held){ { arena_strndup(f->texts, ref->file.p, ref->file.n), ref->file.n }, sentence(w, e, ref).p };
	}
}

static bool again(struct walk *w, struct errand *e, const struct lane_refs *p)
{
	bool passing = p->trouble == LANE_PACED || p->trouble == LANE_SERVER || p->trouble == LANE_NETWORK ||
		       p->trouble == LANE_TIMEOUT || p->trouble == LANE_CUT;
	int64_t wait = p->wait_ms >= 0 ? p->wait_ms : (int64_t)250 << e->tries;
	if (!passing || ++e->tries >= ASK_TRIES || wait > ASK_WAIT_MAX_MS)
		return false;
	w->not_before_us = MAX(w->not_before_us, now_read().boot_us + wait * 1000);
	errand_put(w, e);
	return true;
}

static void failed(struct walk *w, const struct errand *e, const char *detail)
{
	char why[240];
	snprintf(why, sizeof why, "%s of lane %s cannot be listed: %.140s", lane_place_name(w->en->lane[w->lane].lane, e->place),
		 w->en->lane[w->lane].cfg->name, detail);
	finish(w, why);
}

static void next_page(struct walk *w, struct errand *e, const struct lane_refs *p)
{
	if (p->last) {
		errand_free(e);
	} else if (!p->cursor.n || slice_eq(p->cursor, buf_slice(&e->cursor)) || ++w->pages > ASK_PAGES_MAX) {
		failed(w, e, "the list does not end");
		errand_free(e);
	} else {
		buf_clear(&e->cursor);
		buf_add(&e->cursor, p->cursor.p, p->cursor.n);
		e->tries = 0;
		errand_put(w, e);
	}
}

static void on_refs(void *ctx, const struct lane_refs *p)
{
	struct errand *e = ctx;
	struct walk *w = e->w;
	w->out--;
	if (w->ended) {
		errand_free(e);
	} else if (p->trouble == LANE_FINE) {
		take(w, e, p);
		next_page(w, e, p);
	} else if (!again(w, e, p)) {
		failed(w, e, p->detail);
		errand_free(e);
	}
	go(w);
}

static void ask(struct walk *w, struct elane *l)
{
	struct errand *e = w->todo;
	w->todo = e->next;
	if (!w->todo)
		w->tail = &w->todo;
	w->out++;
	bucket_take(&l->reads, now_read().boot_us);
	lane_refs(l->lane, e->place, buf_slice(&e->parent), buf_slice(&e->cursor), on_refs, e);
}

static void go(struct walk *w)
{
	struct elane *l = &w->en->lane[w->lane];
	while (!w->ended && w->todo && w->out < MIN(l->cfg->in_flight, (int64_t)ASK_AT_ONCE)) {
		int64_t now = now_read().boot_us, wait = MAX(w->not_before_us - now, bucket_wait_us(&l->reads, now));
		if (wait > 0) {
			loop_timer_start(w->timer, MAX((wait + 999) / 1000, 1), 0);
			return;
		}
		ask(w, l);
	}
	if (w->out)
		return;
	if (!w->ended)
		finish(w, NULL);
	walk_free(w);
}

static void wait_over(void *ctx) { go(ctx); }

void referrers_ask(struct engine *en, int lane, referrers_fn *fn, void *ctx)
{
	struct walk *w = xcalloc(1, sizeof *w);
	size_t n = lane_places(en->lane[lane].lane);
	*w = (struct walk){ .en = en, .lane = lane, .tail = &w->todo, .fn = fn, .ctx = ctx, .next = en->walks, .prev = &en->walks };
	if (w->next)
		w->next->prev = &w->next;
	en->walks = w;
	w->timer = loop_timer_new(en->loop, wait_over, w);
	w->found = xcalloc(1, sizeof *w->found);
	w->found->users = 1;
	w->found->texts = arena_new(4096);
	for (size_t i = 0; i < n; i++)
		errand_new(w, i, slice_of(""));
	loop_timer_start(w->timer, 0, 0);
}

static int by_inner_file(const void *a, const void *b)
{
	return slice_cmp(((const struct einner *)a)->file, ((const struct einner *)b)->file);
}

const char *referrals_of(const struct ereferrals *f, struct slice id)
{
	struct policy_held key = { .id = id }, *hit = f->n ? bsearch(&key, f->held, f->n, sizeof key, by_file) : NULL;
	if (hit)
		return hit->by;
	struct einner inner = { .file = id }, *in = f->n_inner ? bsearch(&inner, f->inner, f->n_inner, sizeof inner, by_inner_file) : NULL;
	return in ? in->by : NULL;
}
