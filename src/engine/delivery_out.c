#include "engine/delivery_impl.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	OUT_MAX = 64,                   /* events given to a connection at once */
	UNSENT_MAX = 256 * 1024,
	READ_AT_ONCE = 200,             /* records of the log */
	LEFT_MS = 20, SAVE_MS = 200,
};

void delivery_pump_soon(struct engine *en, int64_t ms)
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
		answer = delivery_give(l, rec->seq, rec->at.wall_us, buf_slice(&frame));
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
	for (int g = 0; g < GROUPS; g++)
		if (delivery_queue(l, g))
			queue_expire(delivery_queue(l, g), wall_us());
	if (store_head(l->en->store).seq <= l->read)
		return;
	enum rc rc = audit_query(l->en->reader, &f, offer, l, &e);
	if (rc != RC_OK && rc != RC_FULL)
		log_warn("delivery", l->cfg->name, "the log cannot be read for its events: %s", e.text);
	if (l->read - was >= READ_AT_ONCE)
		delivery_pump_soon(l->en, 1);
}

static void send_from(struct dlink *l, int group)
{
	struct pool *k = l->en->link[l->i];
	struct queue *q = delivery_queue(l, group);
	struct slice frame;
	struct err e;
	int64_t id;
	if (!l->cfg->notify.acked && pool_unsent(k) == 0)
		queue_left(q);
	while (queue_items_out(q) < OUT_MAX && pool_unsent(k) < UNSENT_MAX && queue_next(q, wall_us(), &id, &frame)) {
		if ((l->tried ? pool_send_by(k, group, frame, &e) : pool_send(k, frame, &e)) != RC_OK)
			return;
		delivery_gone(l, group, queue_at(q, id));
		queue_out(q, id);
	}
	if (!l->cfg->notify.acked && queue_items_out(q))
		delivery_pump_soon(l->en, LEFT_MS);
}

static void send_events(struct dlink *l)
{
	if (pool_state(l->en->link[l->i]) != LINK_UP)
		return;
	for (int g = 0; g < GROUPS; g++)
		if (delivery_queue(l, g))
			send_from(l, g);
}

/* All up to this record were sent or dropped. */
static int64_t handled(const struct dlink *l)
{
	int64_t upto = l->read;
	for (int g = 0; g < GROUPS; g++)
		if (delivery_queue(l, g) && queue_items(delivery_queue(l, g)))
			upto = MIN(upto, queue_oldest(delivery_queue(l, g)) - 1);
	return upto;
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
		delivery_pump_soon(l->en, SAVE_MS);
}

void delivery_save(struct dlink *l)
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

void delivery_pump(void *ctx)
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
		delivery_save(l);
	}
}

void delivery_acknowledged(struct dlink *l, struct slice id)
{
	const char *colon = id.n ? memrchr(id.p, ':', id.n) : NULL;
	struct slice env = { id.p, colon ? (size_t)(colon - id.p) : 0 }, number = { NULL, 0 };
	int64_t seq;
	if (!colon || !slice_is(env, l->en->cfg->name))
		return;
	number = (struct slice){ colon + 1, id.n - env.n - 1 };
	if (!parse_i64(number, &seq) || !l->queue)
		return;
	if (queue_sent(l->queue, seq) || (l->tried && queue_sent(l->tried, seq)))
		delivery_pump_soon(l->en, 0);
}

enum rc delivery_open_queue(struct dlink *l, struct err *e)
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
