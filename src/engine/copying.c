/* The content of candidates is copied before their plan is frozen: which items, how many at once, at
 * which pace, and what became of each. One item's way is in copying_item.c. */
#include "engine/copying_impl.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct elane *elane_at(const struct copying *x, int lane) { return &x->en->lane[x->r->lane_of[lane]]; }

static const char *keep_why(struct validation *v, const char *why) { return plan_keep(v->plan, slice_of(why)).p; }

static struct plan_item *item_at(const struct copying *x, int32_t place) { return &x->v->plan->item[x->v->order[place]]; }

/* ---- which ---- */

static bool wanted(const struct validation *v, const struct plan_item *it)
{
	return v->escrow[it->lane] != CFG_ESCROW_OFF && it->class_ == REV_R0;
}

/* For all that have no answer yet. */
static void nothing_of(struct copying *x, int lane, const char *why)
{
	struct validation *v = x->v;
	const char *kept = NULL;
	for (int32_t i = x->lane[lane].next; i < x->lane[lane].end; i++) {
		if (!wanted(v, item_at(x, i)))
			continue;
		kept = kept ? kept : keep_why(v, why);
		v->copy[item_at(x, i)->nth].why = kept;
		x->not_kept++;
	}
	x->lane[lane].next = x->lane[lane].end;
}

static void set_ranges(struct copying *x)
{
	for (int32_t i = 0; i < x->v->plan->items; i++) {
		struct copy_lane *l = &x->lane[item_at(x, i)->lane];
		if (!l->end)
			l->next = i;
		l->end = i + 1;
		x->wanted += wanted(x->v, item_at(x, i));
	}
}

static void set_lanes(struct copying *x)
{
	for (int i = 0; i < x->v->lanes; i++) {
		struct copy_lane *l = &x->lane[i];
		struct buf b;
		buf_init(&b);
		lane_identity(elane_at(x, i)->lane, &b);
		l->target = (struct slice){ arena_strndup(x->texts, b.p, b.n), b.n };
		l->how = x->v->escrow[i];
		l->cap = x->v->policy->caps.items;
		buf_done(&b);
	}
}

/* ---- the end ---- */

static void end(void *ctx)
{
	struct copying *x = ctx;
	void (*done)(void *ctx) = x->done;
	void *to = x->ctx;
	if (x->aborted)
		x->v->rc = err_set(&x->v->err, RC_CANCELLED, "%s", x->stopped);
	x->en->copying = NULL;
	loop_timer_free(x->timer);
	escrow_close(x->dir);
	arena_free(x->texts);
	free(x);
	done(to);
}

/* ---- tasks ---- */

void copying_settled(struct copy_task *t, bool kept, const char *why)
{
	struct copying *x = t->x;
	struct ecopy *c = &x->v->copy[t->item->nth];
	c->kept = kept;
	c->bytes = kept ? t->made_bytes : -1;
	c->hash = t->made;
	c->why = kept ? NULL : keep_why(x->v, why);
	c->from = kept && (t->object || t->of_bucket) ? x->objects->name : NULL;
	c->same_id = lane_upload_keeps_id(elane_at(x, t->lane)->lane);
	free(t->object);
	x->kept += kept;
	x->not_kept += !kept;
	if (!kept && x->lane[t->lane].how == CFG_ESCROW_REQUIRED)
		x->lane[t->lane].taken--;       /* it falls out of the plan: the next takes its place */
	*t->prev_run = t->next_run;
	if (t->next_run)
		t->next_run->prev_run = t->prev_run;
	x->running--;
	buf_done(&t->in);
	buf_done(&t->out);
	buf_done(&t->headers);
	buf_done(&t->far);
	free(t);
	engine_changed(x->en, ENGINE_CYCLE);
	copying_go(x);
}

void copying_wait(struct copy_task *t)
{
	struct copy_lane *l = &t->x->lane[t->lane];
	t->next = l->again;
	l->again = t;
	copying_go(t->x);
}

static struct copy_task *take_waiting(struct copy_task **at)
{
	struct copy_task *t = *at;
	*at = t->next;
	return t;
}

static void begin(struct copying *x, int lane, struct plan_item *it)
{
	struct copy_task *t = xcalloc(1, sizeof *t);
	*t = (struct copy_task){ .x = x, .item = it, .lane = lane, .next_run = x->tasks, .prev_run = &x->tasks };
	if (t->next_run)
		t->next_run->prev_run = &t->next_run;
	x->tasks = t;
	x->running++;
	x->lane[lane].taken++;
	copying_item_begin(t);
}

void copying_disk_failed(struct copying *x, const char *why)
{
	if (!x->stopped[0])
		snprintf(x->stopped, sizeof x->stopped, "nothing more is copied: %.180s", why);
}

/* ---- turns ---- */

static const char *no_more_of(const struct copying *x, int lane)
{
	const struct copy_lane *l = &x->lane[lane];
	if (x->stopped[0])
		return x->stopped;
	if (x->r->c->lane[lane].excluded)
		return "the lane is excluded from this cycle";
	return l->stopped[0] ? l->stopped : NULL;
}

/* Those that wait to be asked for and never will be. */
static void give_up_waiting(struct copying *x, int lane, const char *why)
{
	struct copy_lane *l = &x->lane[lane];
	while (l->again)
		copying_item_stop(take_waiting(&l->again), why);
}

static bool lane_may_ask(struct copying *x, int lane, int64_t *wait_us)
{
	struct elane *el = elane_at(x, lane);
	int64_t now = now_read().boot_us, wait = MAX(x->lane[lane].not_before_us - now, bucket_wait_us(&el->reads, now));
	if (wait > 0)
		*wait_us = MIN(*wait_us, wait);
	return wait <= 0;
}

static void ask_waiting(struct copying *x, int lane, int64_t *wait_us)
{
	for (struct copy_task **at = &x->lane[lane].again; *at && lane_may_ask(x, lane, wait_us);) {
		int64_t now = now_read().boot_us;
		if ((*at)->not_before_us > now) {
			*wait_us = MIN(*wait_us, (*at)->not_before_us - now);
			at = &(*at)->next;
			continue;
		}
		bucket_take(&elane_at(x, lane)->reads, now);
		copying_item_ask(take_waiting(at));
	}
}

/* What can be told without asking is told; false when the next one has to wait. */
static bool begin_next(struct copying *x, int lane)
{
	struct copy_lane *l = &x->lane[lane];
	struct plan_item *it = item_at(x, l->next);
	struct ecopy *c = &x->v->copy[it->nth];
	const char *never;
	if (!wanted(x->v, it)) {
		l->next++;
		return true;
	}
	never = copying_has_object(x, it) ? NULL : lane_content_never(elane_at(x, lane)->lane, c->purpose);
	if (never || (never = lane_upload_never(elane_at(x, lane)->lane, c->purpose))) {
		c->why = never;         /* a constant of the dialect */
		x->not_kept++;
		l->taken += l->how == CFG_ESCROW_TRY;
		l->next++;
		return true;
	}
	if (x->running >= x->en->cfg->escrow.at_once)
		return false;
	l->next++;
	begin(x, lane, it);
	return true;
}

static void lane_turn(struct copying *x, int lane, int64_t *wait_us)
{
	struct copy_lane *l = &x->lane[lane];
	char why[120];
	const char *no = no_more_of(x, lane);
	if (no) {
		nothing_of(x, lane, no);
		give_up_waiting(x, lane, no);
		return;
	}
	if (x->r->c->held)
		return;
	ask_waiting(x, lane, wait_us);
	while (l->next < l->end && l->taken < l->cap && !no_more_of(x, lane))
		if (!begin_next(x, lane))
			return;
	/* one on its way may still fall out and make room for another */
	if (l->next < l->end && l->taken >= l->cap && (l->how != CFG_ESCROW_REQUIRED || !x->running)) {
		snprintf(why, sizeof why, "not copied: beyond the %" PRId64 " items that a plan of this policy may delete", l->cap);
		nothing_of(x, lane, why);
	}
}

static bool all_done(const struct copying *x)
{
	for (int i = 0; i < x->v->lanes; i++)
		if (x->lane[i].next < x->lane[i].end)
			return false;
	return !x->running;
}

void copying_go(struct copying *x)
{
	loop_timer_start(x->timer, 0, 0);
}

static void turn(void *ctx)
{
	struct copying *x = ctx;
	int64_t wait_us = COPYING_LOOK_MS * 1000;
	if (!x->ready)
		return;
	for (int i = 0; i < x->v->lanes; i++)
		lane_turn(x, i, &wait_us);
	if (all_done(x))
		end(x);
	else
		loop_timer_start(x->timer, MAX(wait_us / 1000, 1), 0);
}

/* ---- the beginning ---- */

/* Bytes of those that may be copied and are not there yet. */
static int64_t bytes_needed(struct copying *x, struct db *d)
{
	int64_t sum = 0;
	for (int i = 0; i < x->v->lanes; i++) {
		const struct copy_lane *l = &x->lane[i];
		struct arena *a = arena_new(4096);
		for (int32_t k = l->next; k < l->end && k - l->next < l->cap; k++) {
			const struct plan_item *it = item_at(x, k);
			struct journal_escrow old;
			if (!wanted(x->v, it) || escrow_find(d, slice_of(elane_at(x, i)->cfg->name), it->id, &old, a, NULL) == RC_OK)
				continue;
			sum += plan_charge(&x->v->plan->lane[i], it);
			x->largest = MAX(x->largest, plan_charge(&x->v->plan->lane[i], it));
			x->need_items++;
		}
		arena_free(a);
	}
	return sum;
}

void copying_dir(const struct engine *en, struct buf *out)
{
	if (en->cfg->escrow.dir)
		buf_adds(out, en->cfg->escrow.dir);
	else
		buf_addf(out, "%s/escrow", en->paths->state_dir);
}

static void prepare_work(void *ctx)
{
	struct copying *x = ctx;
	struct db *d = NULL;
	struct buf dir;
	buf_init(&dir);
	copying_dir(x->en, &dir);
	x->rc = escrow_open(&x->dir, buf_z(&dir), x->en->cfg->escrow.reserve, &x->err);
	if (x->rc == RC_OK)
		x->rc = db_open(&d, x->en->paths->db, DB_READER, NULL, &x->err);
	if (x->rc == RC_OK) {
		x->need = bytes_needed(x, d);
		x->rc = escrow_room(x->dir, copying_bucket_is(x) ? MIN(x->need, x->largest * x->en->cfg->escrow.at_once) : x->need, &x->err);
	}
	db_close(d);
	buf_done(&dir);
}

static void prepared(void *ctx)
{
	struct copying *x = ctx;
	if (x->rc != RC_OK)
		copying_disk_failed(x, x->err.text);
	if (x->rc == RC_OK && copying_bucket_is(x) && !x->stopped[0]) {
		copying_bucket_room(x);
		return;
	}
	x->ready = true;
	copying_go(x);
}

/* Why nothing at all may be copied in this cycle; NULL = it may. */
static const char *not_now(const struct copying *x)
{
	if (x->r->c->rehearsal)
		return "not copied: a rehearsal copies nothing";
	return x->en->mode == MODE_ARMED ? NULL : "not copied: that is done in mode armed only; arm, then plan again";
}

void copying_run(struct runner *r, struct validation *v, void (*done)(void *ctx), void *ctx)
{
	struct copying *x = xcalloc(1, sizeof *x);
	*x = (struct copying){ .en = r->en, .r = r, .v = v, .done = done, .ctx = ctx, .texts = arena_new(4096) };
	x->timer = loop_timer_new(r->en->loop, turn, x);
	r->en->copying = x;
	x->objects = r->records && r->records->objects.complete ? r->records->objects.cfg : NULL;
	set_lanes(x);
	set_ranges(x);
	const char *why = not_now(x);
	if (why)
		snprintf(x->stopped, sizeof x->stopped, "%s", why);
	if (x->stopped[0] || !x->wanted) {
		x->ready = true;
		copying_go(x);
	} else {
		loop_work(r->en->loop, prepare_work, prepared, x);
	}
}

void copying_stop(struct engine *en, const char *why)
{
	struct copying *x = en->copying;
	if (!x || x->aborted)
		return;
	x->aborted = true;
	snprintf(x->stopped, sizeof x->stopped, "%s", why);
	for (struct copy_task *t = x->tasks, *next; t; t = next) {
		next = t->next_run;
		if (t->stream)
			copying_item_stop(t, why);
	}
	copying_go(x);
}

/* ---- after a restart ---- */

struct leftovers {
	struct journal *j;
	int n;
};

static enum rc leftover(void *ctx, const struct journal_escrow *x)
{
	struct leftovers *l = ctx;
	struct audit_actor who = actor_engine;
	struct journal_escrow now = *x;
	struct err e;
	struct buf b;
	struct jw w;
	char *path = xstrndup(x->path.p, x->path.n);
	enum rc rc = escrow_remove(path, &e);
	free(path);
	if (rc != RC_OK)
		return RC_OK;           /* it stays started, so it counts for nothing; the next start tries again */
	who.name = SLICE_LIT("recovery");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", x->lane);
	jw_kz(&w, "outcome", "discarded");
	jw_kz(&w, "why", "the engine ended while it was being copied");
	jw_end_obj(&w);
	journal_audit(l->j, AUDIT_ESCROW_OUTCOME, &who, x->id, x->cycle, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
	now.state = SLICE_LIT("discarded");
	now.at_us = now_read().wall_us;
	journal_escrow(l->j, &now);
	l->n++;
	return RC_OK;
}

void copying_recover(struct engine *en)
{
	const struct escrow_filter f = { .state = SLICE_LIT("started") };
	struct leftovers l = { journal_new(), 0 };
	struct err e;
	if (escrow_each(en->reader, &f, leftover, &l, &e) == RC_OK && l.n)
		store_commit(en->store, l.j, engine_note_done, en);
	else
		journal_free(l.j);
}

void copying_json(const struct engine *en, struct jw *w)
{
	const struct copying *x = en->copying;
	jw_key(w, "copying");
	if (!x || !x->wanted) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	jw_ki64(w, "items", x->wanted);
	jw_ki64(w, "kept", x->kept);
	jw_ki64(w, "not_kept", x->not_kept);
	jw_ki64(w, "bytes", x->bytes);
	jw_ki64(w, "of_bytes", x->need);
	jw_end_obj(w);
}
