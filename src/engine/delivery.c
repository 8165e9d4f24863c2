#include "engine/delivery_impl.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/triggers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 5000 };       /* messages in one commit */

/* One message between its arrival and its commit. */
struct arrival {
	size_t link;
	struct dedup_mark mark;
	bool marked;
	char *id;                       /* to acknowledge; NULL = not wanted */
};

struct batch {
	struct engine *en;
	struct journal *j;
	struct arrival *a;
	size_t n, cap;
};

/* ---- in: from the database ---- */

struct restoring {
	struct dedup *d;
	int64_t now_us;
};

static enum rc restore_mark(void *ctx, int64_t n, const struct hash *key, int64_t at_us)
{
	struct restoring *r = ctx;
	dedup_restore(r->d, &(struct dedup_mark){ n, *key, at_us }, r->now_us);
	return RC_OK;
}

static enum rc restore(struct dlink *l, struct err *e)
{
	struct restoring r = { l->dedup, wall_us() };
	struct journal_stream s;
	struct buf epoch = { 0 };
	struct slice name = slice_of(l->cfg->name);
	dedup_clear(l->dedup);
	enum rc rc = journal_read_marks(l->en->reader, name, restore_mark, &r, e);
	if (rc == RC_OK)
		rc = journal_read_stream(l->en->reader, name, &s, &epoch, e);
	if (rc == RC_OK) {
		dedup_restore_stream(l->dedup, buf_slice(&epoch), s.sequenced, s.highest);
		l->taken = s.taken;
		l->stale = false;
	}
	buf_done(&epoch);
	return rc;
}

/* After a commit that failed only the database knows what was taken. */
static bool ready(struct dlink *l)
{
	struct err e;
	if (!l->stale)
		return true;
	if (dedup_pending(l->dedup) || l->unmarked || !store_writable(l->en->store))
		return false;
	if (restore(l, &e) == RC_OK)
		return true;
	log_error("delivery", l->cfg->name, "what was taken in cannot be read: %s", e.text);
	return false;
}

/* ---- in: to the database ---- */

static void acknowledge(struct dlink *l, struct slice id)
{
	struct buf b = { 0 };
	struct err e;
	adapter_ack(&b, id);
	if (pool_send(l->en->link[l->i], buf_slice(&b), &e) != RC_OK)
		log_debug("delivery", l->cfg->name, "not acknowledged: %s", e.text);    /* the peer repeats it */
	buf_done(&b);
}

static void batch_done(void *ctx, enum rc rc, const struct err *e)
{
	struct batch *b = ctx;
	struct engine *en = b->en;
	for (size_t i = 0; i < b->n; i++) {
		struct arrival *a = &b->a[i];
		struct dlink *l = &en->delivery->l[a->link];
		if (a->marked)
			dedup_settle(l->dedup, &a->mark, rc == RC_OK);
		else
			l->unmarked--;
		l->taken += rc == RC_OK;
		l->stale |= rc != RC_OK;
		if (rc == RC_OK && a->id && !en->closing)
			acknowledge(l, slice_of(a->id));
		free(a->id);
	}
	if (rc != RC_OK)
		log_warn("delivery", NULL, "%zu messages could not be recorded; those that are repeated will be taken: %s", b->n, e->text);
	free(b->a);
	free(b);
}

static void flush(void *ctx)
{
	struct engine *en = ctx;
	struct batch *b = en->delivery->batch;
	en->delivery->flush_queued = false;
	en->delivery->batch = NULL;
	if (b)
		store_commit(en->store, b->j, batch_done, b);
}

static struct arrival *arrived(struct engine *en)
{
	struct delivery *d = en->delivery;
	if (d->batch && d->batch->n >= BATCH_MAX)
		flush(en);
	if (!d->batch) {
		d->batch = xcalloc(1, sizeof *d->batch);
		d->batch->en = en;
		d->batch->j = journal_new();
	}
	if (!d->flush_queued) {
		d->flush_queued = true;
		loop_defer(en->loop, flush, en);
	}
	GROW(d->batch->a, d->batch->cap, d->batch->n + 1);
	return &d->batch->a[d->batch->n++];
}

static void take(struct dlink *l, const struct link_position *p, const struct dedup_mark *m, bool ack)
{
	struct arrival *a = arrived(l->en);
	size_t window;
	int64_t age_us;
	struct journal_taken t = { .link = slice_of(l->cfg->name), .marked = m != NULL, .epoch = dedup_epoch(l->dedup) };
	*a = (struct arrival){ .link = l->i, .marked = m != NULL, .id = ack && p->id.n ? xstrndup(p->id.p, p->id.n) : NULL };
	t.sequenced = dedup_highest(l->dedup, &t.highest);
	if (m) {
		a->mark = *m;
		t.key = m->key;
		t.n = m->n;
		t.at_us = m->at_us;
		dedup_holds(l->dedup, m->at_us, &window, &age_us);
		t.keep_after_n = m->n - (int64_t)window;
		t.stale_us = m->at_us - age_us;
	} else {
		l->unmarked++;
	}
	journal_taken(l->en->delivery->batch->j, &t);
}

/* True for a message that was not here before. */
static bool came(struct dlink *l, const struct link_position *p)
{
	struct dedup_mark m;
	bool ack = l->cfg->events.ack;
	switch (dedup_see(l->dedup, p, wall_us(), &m)) {
	case DEDUP_NEW:
		delivery_missed(l, DEDUP_NEW, &m);
		take(l, p, &m, ack);
		return true;
	case DEDUP_NOWHERE:
		if (l->unmarked >= l->cfg->events.window)
			return false;
		take(l, p, NULL, ack);
		return true;
	case DEDUP_DUPLICATE:
		delivery_missed(l, DEDUP_DUPLICATE, &m);
		pool_duplicate(l->en->link[l->i]);
		if (ack && p->id.n)
			acknowledge(l, p->id);
		return false;
	case DEDUP_PENDING:
	case DEDUP_FULL:
		return false;
	}
	return false;
}

/* ---- links ---- */

static void on_message(void *ctx, struct pool *k, struct slice msg)
{
	struct dlink *l = ctx;
	struct json_doc *doc = adapter_parse(msg);
	const struct json *root = doc ? json_root(doc) : NULL;
	struct link_position p;
	struct buf texts = { 0 };
	struct slice id;
	(void)k;
	if (l->en->delivery->stopping)
		;
	else if (doc && l->adapter->acknowledges && l->adapter->acknowledges(l->cfg, root, &id))
		delivery_acknowledged(l, id);
	else if (doc && l->adapter->position && l->adapter->position(l->cfg, root, &texts, &p) && ready(l) && came(l, &p))
		triggers_message(l->en, l->i, root);
	if (doc && l->adapter->facts && l->adapter->facts(&l->facts, root)) {
		l->facts_us = wall_us();
		engine_changed(l->en, ENGINE_OVERVIEW);
	}
	if (doc)
		delivery_probe_answer(l, root);
	buf_done(&texts);
	json_doc_free(doc);
}

static enum rc open_link(struct engine *en, size_t i, struct err *e)
{
	struct dlink *l = &en->delivery->l[i];
	const struct cfg_link *c = &en->cfg->links[i];
	*l = (struct dlink){ .en = en, .i = i, .cfg = c, .adapter = adapter_find(c->handshake), .facts_us = -1,
			     .probe = { .sent_us = -1, .took_us = -1 } };
	link_facts_init(&l->facts);
	delivery_said_open(l);
	if (!l->adapter)
		return RC_OK;
	pool_on_message(en->link[i], on_message, l);
	if (!l->adapter->position)
		return RC_OK;
	struct dedup_bounds most = feature_dedup_most(c);
	l->dedup = dedup_new((size_t)most.window, most.age_us);
	enum rc rc = restore(l, e);
	return rc == RC_OK ? delivery_open_queue(l, e) : rc;
}

enum rc delivery_open(struct engine *en, struct err *e)
{
	struct delivery *d = xcalloc(1, sizeof *d);
	enum rc rc = RC_OK;
	d->l = xcalloc(en->cfg->n_links + 1, sizeof *d->l);
	d->pump = loop_timer_new(en->loop, delivery_pump, en);
	en->delivery = d;
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++)
		rc = open_link(en, i, e);
	return rc;
}

/* What is out goes out again. */
static void cut(struct dlink *l)
{
	queue_cut(l->queue);
	if (l->tried)
		queue_cut(l->tried);
}

void delivery_link_changed(struct engine *en, size_t i)
{
	struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	if (!l || !l->queue)
		return;
	if (pool_state(en->link[i]) == LINK_UP)
		delivery_pump_soon(en, 0);
	else
		cut(l);
}

void delivery_link_cut(struct engine *en, size_t i)
{
	struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	if (!l || !l->queue)
		return;
	cut(l);
	delivery_pump_soon(en, 0);
}

void delivery_committed(struct engine *en)
{
	if (!en->delivery || en->delivery->stopping)
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		const struct dlink *l = &en->delivery->l[i];
		if (l->queue && store_head(en->store).seq > l->read && (queue_has_room(l->queue, 1) || (l->tried && queue_has_room(l->tried, 1))))
			delivery_pump_soon(en, 0);
	}
}

void delivery_tick(struct engine *en)
{
	if (en->delivery->stopping)
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		delivery_probe(&en->delivery->l[i]);
		delivery_file(&en->delivery->l[i]);
		delivery_said(&en->delivery->l[i]);
	}
	delivery_pump(en);
}

void delivery_stop(struct engine *en)
{
	if (!en->delivery || en->delivery->stopping)
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++)
		if (en->delivery->l[i].queue)
			delivery_save(&en->delivery->l[i]);
	en->delivery->stopping = true;
	loop_timer_stop(en->delivery->pump);
}

bool delivery_idle(const struct engine *en)
{
	return !en->delivery || !en->delivery->flush_queued;
}

void delivery_free(struct engine *en)
{
	struct delivery *d = en->delivery;
	if (!d)
		return;
	loop_timer_free(d->pump);
	delivery_said_free(d, en->cfg->n_links);
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		dedup_free(d->l[i].dedup);
		queue_free(d->l[i].queue);
		queue_free(d->l[i].tried);
	}
	free(d->l);
	free(d);
	en->delivery = NULL;
}

/* As one. */
static void look_queues(const struct dlink *l, struct delivery_view *v)
{
	v->out = *queue_counts(l->queue);
	v->oldest_us = queue_oldest_at(l->queue);
	v->queue_items = (int64_t)queue_items(l->queue);
	v->queue_bytes = (int64_t)queue_bytes(l->queue);
	v->queue_out = (int64_t)queue_items_out(l->queue);
	if (!l->tried)
		return;
	const struct queue_counts *c = queue_counts(l->tried);
	int64_t at = queue_oldest_at(l->tried);
	v->oldest_us = v->oldest_us < 0 || (at >= 0 && at < v->oldest_us) ? at : v->oldest_us;
	v->queue_items += (int64_t)queue_items(l->tried);
	v->queue_bytes += (int64_t)queue_bytes(l->tried);
	v->queue_out += (int64_t)queue_items_out(l->tried);
	v->out.taken += c->taken;
	v->out.sent += c->sent;
	v->out.repeated += c->repeated;
	v->out.expired += c->expired;
	v->out.too_large += c->too_large;
}

void delivery_look(const struct engine *en, size_t i, struct delivery_view *v)
{
	const struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	*v = (struct delivery_view){ .oldest_us = -1, .facts_us = -1, .probe_us = -1, .probe_trouble = "", .file_trouble = "",
				      .said_healthy = -1 };
	link_facts_init(&v->facts);
	if (!l)
		return;
	v->reports = l->adapter && l->adapter->facts;
	v->facts = l->facts;
	v->facts_us = l->facts_us;
	v->probes = l->cfg->probe[0] != 'n';
	v->probe_us = l->probe.took_us;
	v->probes_failed = l->probe.failed;
	v->probe_trouble = l->probe.trouble;
	v->file_trouble = l->file.trouble;
	v->said_healthy = delivery_said_healthy(l);
	v->dedups = l->dedup != NULL;
	v->notifies = l->queue != NULL;
	v->taken = l->taken;
	if (l->dedup) {
		v->marks = (int64_t)dedup_marks(l->dedup);
		v->pending = (int64_t)dedup_pending(l->dedup);
		v->in = *dedup_counts(l->dedup);
	}
	if (l->queue)
		look_queues(l, v);
}
