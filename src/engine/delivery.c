#include "engine/delivery.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/triggers.h"
#include "link/adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_MAX = 5000,               /* messages in one commit */
	OUT_MAX = 64,                   /* events given to a connection at once */
	UNSENT_MAX = 256 * 1024,
	READ_AT_ONCE = 200,             /* records of the log */
	LEFT_MS = 20, SAVE_MS = 200,
};

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

struct dlink {
	struct engine *en;
	size_t i;
	const struct cfg_link *cfg;
	const struct adapter *adapter;
	/* in */
	struct dedup *dedup;            /* NULL = its messages have no place */
	int64_t taken;
	bool stale;                     /* a commit failed: memory is read anew before anything is taken */
	int64_t unmarked;               /* being written */
	/* out */
	struct queue *queue;            /* NULL = it wants no events */
	int64_t read, saved;            /* seq: given to the queue; told the database */
	bool saving;
};

struct delivery {
	struct dlink *l;
	struct batch *batch;
	bool flush_queued, stopping;
	int64_t due_us;                 /* boot time of the next pump, 0 = none */
	struct loop_timer *pump;        /* what left, what the log has, what to save */
};

static int64_t wall_us(void) { return now_read().wall_us; }

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
	struct journal_taken t = { .link = slice_of(l->cfg->name), .marked = m != NULL, .epoch = dedup_epoch(l->dedup) };
	*a = (struct arrival){ .link = l->i, .marked = m != NULL, .id = ack && p->id.n ? xstrndup(p->id.p, p->id.n) : NULL };
	t.sequenced = dedup_highest(l->dedup, &t.highest);
	if (m) {
		a->mark = *m;
		t.key = m->key;
		t.n = m->n;
		t.at_us = m->at_us;
		t.keep_after_n = m->n - l->cfg->events.window;
		t.stale_us = m->at_us - l->cfg->events.window_age_ms * 1000;
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
		take(l, p, &m, ack);
		return true;
	case DEDUP_NOWHERE:
		if (l->unmarked >= l->cfg->events.window)
			return false;
		take(l, p, NULL, ack);
		return true;
	case DEDUP_DUPLICATE:
		if (ack && p->id.n)
			acknowledge(l, p->id);
		return false;
	case DEDUP_PENDING:
	case DEDUP_FULL:
		return false;
	}
	return false;
}

/* ---- out ---- */

static void pump(void *ctx);

static void pump_soon(struct engine *en, int64_t ms)
{
	struct delivery *d = en->delivery;
	int64_t due = loop_now(en->loop).boot_us + ms * 1000;
	if (d->stopping || (d->due_us && d->due_us <= due))
		return;
	d->due_us = due;
	loop_timer_start(d->pump, ms, 0);
}

static bool wants(const struct cfg_notify *n, enum audit_kind k)
{
	const char *kind = audit_kind_name(k);
	for (size_t i = 0; i < n->n_kinds; i++) {
		size_t len = strlen(n->kinds[i]);
		bool prefix = n->kinds[i][len - 1] == '.';
		if (prefix ? strncmp(kind, n->kinds[i], len) == 0 : strcmp(kind, n->kinds[i]) == 0)
			return true;
	}
	return false;
}

static enum rc offer(void *ctx, const struct audit_record *rec)
{
	struct dlink *l = ctx;
	struct buf id = { 0 }, json = { 0 }, frame = { 0 };
	enum queue_answer answer = QUEUE_TAKEN;
	if (wants(&l->cfg->notify, rec->kind)) {
		buf_addf(&id, "%s:%" PRId64, l->en->cfg->name, rec->seq);
		audit_json(&json, rec);
		adapter_event(&frame, buf_slice(&id), rec->seq, buf_slice(&json));
		answer = queue_add(l->queue, rec->seq, rec->at.wall_us, buf_slice(&frame), wall_us());
	}
	buf_done(&id);
	buf_done(&json);
	buf_done(&frame);
	if (answer == QUEUE_FULL)
		return RC_FULL;
	l->read = rec->seq;
	return RC_OK;
}

/* The log itself is where events wait that do not fit. */
static void read_log(struct dlink *l)
{
	struct audit_filter f = { .after_seq = l->read, .limit = READ_AT_ONCE, .oldest_first = true };
	int64_t was = l->read;
	struct err e;
	queue_expire(l->queue, wall_us());
	if (store_head(l->en->store).seq <= l->read)
		return;
	enum rc rc = audit_query(l->en->reader, &f, offer, l, &e);
	if (rc != RC_OK && rc != RC_FULL)
		log_warn("delivery", l->cfg->name, "the log cannot be read for its events: %s", e.text);
	if (l->read - was >= READ_AT_ONCE)
		pump_soon(l->en, 1);
}

static void send_events(struct dlink *l)
{
	struct pool *k = l->en->link[l->i];
	struct slice frame;
	struct err e;
	int64_t id;
	if (pool_state(k) != LINK_UP)
		return;
	if (!l->cfg->notify.acked && pool_unsent(k) == 0)
		queue_left(l->queue);
	while (queue_items_out(l->queue) < OUT_MAX && pool_unsent(k) < UNSENT_MAX && queue_next(l->queue, wall_us(), &id, &frame)) {
		if (pool_send(k, frame, &e) != RC_OK)
			return;
		queue_out(l->queue, id);
	}
	if (!l->cfg->notify.acked && queue_items_out(l->queue))
		pump_soon(l->en, LEFT_MS);
}

/* All up to this record were sent or dropped. */
static int64_t handled(const struct dlink *l)
{
	return queue_items(l->queue) ? MIN(queue_oldest(l->queue) - 1, l->read) : l->read;
}

static void setting_of(const struct dlink *l, char key[64])
{
	snprintf(key, 64, "notify.%s", l->cfg->name);
}

static void saved(void *ctx, enum rc rc, const struct err *e)
{
	struct dlink *l = ctx;
	l->saving = false;
	if (rc != RC_OK)
		log_warn("delivery", l->cfg->name, "what was sent cannot be recorded, and may be sent again: %s", e->text);
	else if (handled(l) > l->saved)
		pump_soon(l->en, SAVE_MS);
}

static void save(struct dlink *l)
{
	char key[64], value[24];
	int64_t upto = handled(l);
	if (upto <= l->saved || l->saving || !store_writable(l->en->store))
		return;
	struct journal *j = journal_new();
	setting_of(l, key);
	snprintf(value, sizeof value, "%" PRId64, upto);
	journal_setting(j, key, slice_of(value));
	l->saving = true;
	l->saved = upto;
	store_commit(l->en->store, j, saved, l);
}

static void pump(void *ctx)
{
	struct engine *en = ctx;
	en->delivery->due_us = 0;
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		struct dlink *l = &en->delivery->l[i];
		if (!l->queue)
			continue;
		send_events(l);
		read_log(l);
		send_events(l);
		save(l);
	}
}

static void acknowledged(struct dlink *l, struct slice id)
{
	const char *colon = id.n ? memrchr(id.p, ':', id.n) : NULL;
	struct slice env = { id.p, colon ? (size_t)(colon - id.p) : 0 }, number = { NULL, 0 };
	int64_t seq;
	if (!colon || !slice_is(env, l->en->cfg->name))
		return;
	number = (struct slice){ colon + 1, id.n - env.n - 1 };
	if (parse_i64(number, &seq) && l->queue && queue_sent(l->queue, seq))
		pump_soon(l->en, 0);
}

static enum rc open_queue(struct dlink *l, struct err *e)
{
	const struct cfg_notify *n = &l->cfg->notify;
	struct queue_opts o = { (size_t)n->items, (size_t)n->bytes, n->age_ms * 1000 };
	struct buf value = { 0 };
	char key[64];
	bool found;
	if (!n->n_kinds)
		return RC_OK;
	l->queue = queue_new(&o);
	setting_of(l, key);
	enum rc rc = journal_read_setting(l->en->reader, key, &value, &found, e);
	if (rc == RC_OK && (!found || !parse_i64(buf_slice(&value), &l->read)))
		l->read = store_head(l->en->store).seq;         /* from now on */
	l->saved = found ? l->read : -1;
	buf_done(&value);
	return rc;
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
		acknowledged(l, id);
	else if (doc && l->adapter->position(l->cfg, root, &texts, &p) && ready(l) && came(l, &p))
		triggers_message(l->en, l->i, root);
	buf_done(&texts);
	json_doc_free(doc);
}

static enum rc open_link(struct engine *en, size_t i, struct err *e)
{
	struct dlink *l = &en->delivery->l[i];
	const struct cfg_link *c = &en->cfg->links[i];
	*l = (struct dlink){ .en = en, .i = i, .cfg = c, .adapter = adapter_find(c->handshake) };
	if (!l->adapter)
		return RC_OK;
	l->dedup = dedup_new((size_t)c->events.window, c->events.window_age_ms * 1000);
	pool_on_message(en->link[i], on_message, l);
	enum rc rc = restore(l, e);
	return rc == RC_OK ? open_queue(l, e) : rc;
}

enum rc delivery_open(struct engine *en, struct err *e)
{
	struct delivery *d = xcalloc(1, sizeof *d);
	enum rc rc = RC_OK;
	d->l = xcalloc(en->cfg->n_links + 1, sizeof *d->l);
	d->pump = loop_timer_new(en->loop, pump, en);
	en->delivery = d;
	for (size_t i = 0; rc == RC_OK && i < en->cfg->n_links; i++)
		rc = open_link(en, i, e);
	return rc;
}

void delivery_link_changed(struct engine *en, size_t i)
{
	struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	if (!l || !l->queue)
		return;
	if (pool_state(en->link[i]) == LINK_UP)
		pump_soon(en, 0);
	else
		queue_cut(l->queue);
}

void delivery_link_cut(struct engine *en, size_t i)
{
	struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	if (!l || !l->queue)
		return;
	queue_cut(l->queue);
	pump_soon(en, 0);
}

void delivery_committed(struct engine *en)
{
	if (!en->delivery || en->delivery->stopping)
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++)
		if (en->delivery->l[i].queue && store_head(en->store).seq > en->delivery->l[i].read && queue_has_room(en->delivery->l[i].queue, 1))
			pump_soon(en, 0);
}

void delivery_tick(struct engine *en)
{
	if (!en->delivery->stopping)
		pump(en);
}

void delivery_stop(struct engine *en)
{
	if (!en->delivery || en->delivery->stopping)
		return;
	for (size_t i = 0; i < en->cfg->n_links; i++)
		if (en->delivery->l[i].queue)
			save(&en->delivery->l[i]);
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
	for (size_t i = 0; i < en->cfg->n_links; i++) {
		dedup_free(d->l[i].dedup);
		queue_free(d->l[i].queue);
	}
	free(d->l);
	free(d);
	en->delivery = NULL;
}

void delivery_look(const struct engine *en, size_t i, struct delivery_view *v)
{
	const struct dlink *l = en->delivery ? &en->delivery->l[i] : NULL;
	*v = (struct delivery_view){ .oldest_us = -1 };
	if (!l)
		return;
	v->dedups = l->dedup != NULL;
	v->notifies = l->queue != NULL;
	v->taken = l->taken;
	if (l->dedup) {
		v->marks = (int64_t)dedup_marks(l->dedup);
		v->pending = (int64_t)dedup_pending(l->dedup);
		v->in = *dedup_counts(l->dedup);
	}
	if (l->queue) {
		v->queue_items = (int64_t)queue_items(l->queue);
		v->queue_bytes = (int64_t)queue_bytes(l->queue);
		v->queue_out = (int64_t)queue_items_out(l->queue);
		v->oldest_us = queue_oldest_at(l->queue);
		v->out = *queue_counts(l->queue);
	}
}
