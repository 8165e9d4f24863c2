/* What a few connections of a link try of its delivery. Dedup: one memory of marks serves all connections, and while a
 * window is tried it is the larger of both; what a group's own would have got wrong is counted. Queue: the canary's share of the
 * events has a queue of its own with the tried bounds, and goes out on the canary's connections while one of them is up. */
#include "engine/delivery_impl.h"

#include "base/mem.h"

void delivery_try_dedup(struct engine *en, size_t i, enum feature_mode m, int64_t since_us)
{
	struct dlink *l = &en->delivery->l[i];
	struct dedup_bounds most = feature_dedup_most(l->cfg), b = m == FEATURE_CANARY ? most : feature_dedup(l->cfg, m, false);
	if (!l->dedup)
		return;
	l->trial.dedup = m;
	l->trial.missed[GROUP_STABLE] = l->trial.missed[GROUP_CANARY] = 0;
	dedup_bound(l->dedup, (size_t)b.window, b.age_us, since_us);
}

void delivery_missed(struct dlink *l, enum dedup_verdict v, const struct dedup_mark *m)
{
	int group = pool_group_speaking(l->en->link[l->i]);
	struct dedup_bounds b = feature_dedup(l->cfg, l->trial.dedup, group == GROUP_CANARY);
	if (l->trial.dedup != FEATURE_CANARY)
		return;
	if (v == DEDUP_DUPLICATE)
		l->trial.missed[group] += !dedup_reaches(l->dedup, m, (size_t)b.window, b.age_us, wall_us());
	else if (v == DEDUP_NEW)
		l->trial.missed[group] += dedup_pending(l->dedup) > (size_t)b.window;
}

/* ---- queue ---- */

struct queue *delivery_queue(const struct dlink *l, int group)
{
	return group == GROUP_CANARY ? l->tried : l->queue;
}

static void count_anew(struct dlink *l)
{
	for (int g = 0; g < GROUPS; g++) {
		const struct queue *q = delivery_queue(l, g);
		l->trial.events[g] = l->trial.full[g] = l->trial.large[g] = 0;
		l->trial.expired[g] = q ? queue_counts(q)->expired : 0;
		l->trial.wait[g] = (struct window){ 0 };
	}
}

void delivery_try_queue(struct engine *en, size_t i, enum feature_mode m)
{
	struct dlink *l = &en->delivery->l[i];
	struct queue_opts stable = feature_queue(l->cfg, m, false), canary = feature_queue(l->cfg, m, true);
	if (!l->queue)
		return;
	queue_bound(l->queue, &stable);
	if (m == FEATURE_CANARY && !l->tried) {
		l->tried = queue_new(&canary);
	} else if (m != FEATURE_CANARY && l->tried) {
		queue_move(l->queue, l->tried);
		queue_free(l->tried);
		l->tried = NULL;
	}
	count_anew(l);
	delivery_pump_soon(en, 0);
}

static bool canarys_turn(struct dlink *l)
{
	struct pool_counts c;
	pool_count(l->en->link[l->i], &c);
	l->trial.turn = (l->trial.turn + 1) % MAX(c.configured, 1);
	return l->trial.turn < feature_canaries(l->cfg, c.configured);
}

enum queue_answer delivery_give(struct dlink *l, int64_t seq, int64_t at_us, struct slice frame)
{
	struct queue *q = l->queue, *other = l->tried;
	bool again = seq == l->trial.seq;       /* it had no room anywhere */
	if (!l->tried)
		return queue_add(l->queue, seq, at_us, frame, wall_us());
	if (!again)
		l->trial.group = canarys_turn(l) ? GROUP_CANARY : GROUP_STABLE;
	int g = l->trial.group;
	l->trial.seq = seq;
	l->trial.events[g] += !again;
	if (g == GROUP_CANARY) {
		q = l->tried;
		other = l->queue;
	}
	queue_expire(q, wall_us());
	if (queue_has_room(q, frame.n))
		return queue_add(q, seq, at_us, frame, wall_us());
	l->trial.large[g] += !again && !queue_fits(q, frame.n);
	l->trial.full[g] += !again && queue_fits(q, frame.n);
	return queue_add(queue_fits(other, frame.n) ? other : q, seq, at_us, frame, wall_us());
}

void delivery_gone(struct dlink *l, int group, int64_t at_us)
{
	if (l->tried && at_us >= 0)
		window_add(&l->trial.wait[group], MAX(wall_us() - at_us, (int64_t)0));
}

/* ---- shown ---- */

static void queue_figures(const struct dlink *l, int g, struct canary_figures *f)
{
	const struct queue *q = delivery_queue(l, g);
	const struct window *w = &l->trial.wait[g];
	f->events = l->trial.events[g];
	f->full = l->trial.full[g];
	f->lost = l->trial.large[g] + (q ? queue_counts(q)->expired - l->trial.expired[g] : 0);
	f->depth = q ? (int64_t)queue_items(q) : 0;
	f->waits = w->n;
	f->wait_p50_us = window_percentile(w, 50);
	f->wait_p99_us = window_percentile(w, 99);
}

void delivery_figures(const struct engine *en, size_t i, enum canary_feature of, struct canary_figures f[GROUPS])
{
	const struct dlink *l = &en->delivery->l[i];
	for (int g = 0; g < GROUPS; g++) {
		if (of == CANARY_DEDUP)
			f[g].missed = l->trial.missed[g];
		else if (of == CANARY_QUEUE)
			queue_figures(l, g, &f[g]);
	}
}
