/* What events decided, made durable, then done. All that a turn of the loop brings is one journal batch, so that many
 * answers cost one; what a person or another journal waits for is one of its own, in order. */
#include "engine/internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEEDS_TOGETHER = 32 };           /* events in one batch at most: the disk is not kept waiting */

struct deed {
	struct runner *r;
	struct journal *j;              /* kept until it is durable */
	bool late;                      /* the log refused it at least once */
	bool large;                     /* it may hold a whole plan */
	struct deed *next;
	struct effects fx;              /* only acts are in it */
	int events;
	engine_reply *reply;
	void *ctx;
	char result[64];
};

static bool is_act(enum effect_kind k) { return k >= EFF_DISCOVER; }

/* The acts go over to the deed; what is written is written. *fx is empty afterwards. */
static void move_acts(struct deed *d, struct effects *fx)
{
	for (size_t i = 0; i < fx->n; i++)
		if (is_act(fx->e[i].kind)) {
			GROW(d->fx.e, d->fx.cap, d->fx.n + 1);
			d->fx.e[d->fx.n++] = fx->e[i];
		} else {
			free(fx->e[i].text);
		}
	fx->n = 0;
}

static struct deed *deed_new(struct runner *r, struct journal *j)
{
	struct deed *d = xcalloc(1, sizeof *d);
	*d = (struct deed){ .r = r, .j = j };
	r->waiting++;
	return d;
}

static void deed_free(struct deed *d)
{
	journal_free(d->j);
	effects_done(&d->fx);
	free(d);
}

void deeds_free(struct runner *r)
{
	for (struct deed *d = r->backlog, *next; d; d = next) {
		next = d->next;
		deed_free(d);
	}
}

/* A million items take 35 ms to give back. */
static void drop_work(void *journal) { journal_free(journal); }
static void dropped(void *journal) { (void)journal; }

static void drop_beside(struct deed *d)
{
	if (!d->large)
		return;
	loop_work(d->r->en->loop, drop_work, dropped, d->j);
	d->j = NULL;
}

/* ---- done ---- */

void runner_withdraw(struct runner *r, int32_t item, bool upload, const char *why)
{
	struct cycle_event ev = event_of(EV_ANSWER);
	ev.item = item;
	ev.answer = (struct cycle_answer){ .kind = ANSWER_WITHDRAWN, .wait_ms = -1, .detail = why };
	if (upload) {
		ev.kind = EV_RESTORED;
		ev.number = RESTORE_WITHDRAWN;
		ev.text = why;
	}
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

/* When the log can be written again the cycle is held: what should have left meanwhile does not. */
static void do_late(struct runner *r, const struct effect *e)
{
	static const char why[] = "not sent: the audit log could not be written";
	if (e->kind == EFF_SEND || e->kind == EFF_RESTORE)
		runner_withdraw(r, e->item, e->kind == EFF_RESTORE, why);
	else
		act(r, e);
}

static void deed_end(struct deed *d, enum rc rc, const struct err *e)
{
	struct runner *r = d->r;
	if (d->fx.n)
		r->durable_us = now_read().boot_us;
	for (size_t i = 0; i < d->fx.n; i++)
		if (d->late)
			do_late(r, &d->fx.e[i]);
		else
			act(r, &d->fx.e[i]);
	acts_go_out(r);
	if (d->reply)
		d->reply(d->ctx, rc, e, rc == RC_OK ? d->result : NULL);
	drop_beside(d);
	deed_free(d);
	r->waiting--;
	engine_changed(r->en, ENGINE_CYCLE | ENGINE_OVERVIEW);
}

static void store_failed(struct runner *r, const char *why)
{
	struct cycle_event ev = event_of(EV_STORE_FAILED);
	ev.text = why;
	if (!r->c->store_failed)
		runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

/* Nothing is lost and nothing overtakes: what could not be written waits, and everything after it. */
static void deed_done(void *ctx, enum rc rc, const struct err *e)
{
	struct deed *d = ctx;
	struct runner *r = d->r;
	if (rc == RC_OK) {
		deed_end(d, rc, e);
		return;
	}
	d->late = true;
	d->next = NULL;
	*r->backlog_tail = d;
	r->backlog_tail = &d->next;
	if (d->reply) {
		struct err late;
		err_set(&late, RC_AUDIT, "decided, but not recorded yet: %.180s; it counts once the audit log can be written", e->text);
		d->reply(d->ctx, RC_AUDIT, &late, NULL);
		d->reply = NULL;
	}
	store_failed(r, e->text);
}

static void backlog_done(void *ctx, enum rc rc, const struct err *e)
{
	struct runner *r = ctx;
	struct deed *d = r->backlog;
	r->backlog_busy = false;
	if (rc != RC_OK)
		return;
	r->backlog = d->next;
	if (!r->backlog)
		r->backlog_tail = &r->backlog;
	deed_end(d, rc, e);
	if (r->backlog) {
		runner_retry(r);
		return;
	}
	struct cycle_event ev = event_of(EV_STORE_BACK);
	runner_event(r, &ev, &actor_engine, NULL, NULL, NULL);
}

void runner_retry(struct runner *r)
{
	if (!r->backlog || r->backlog_busy)
		return;
	r->backlog_busy = true;
	store_commit(r->en->store, journal_keep(r->backlog->j), backlog_done, r);
}

/* ---- made durable ---- */

int engine_unwritten(const struct engine *en)
{
	return store_waiting(en->store) + (en->run && en->run->open);
}

static void submit(struct deed *d)
{
	const struct err full = { .rc = RC_AUDIT, .text = "the audit log cannot be written; this waits until it can" };
	if (d->r->backlog)
		deed_done(d, RC_AUDIT, &full);
	else
		store_commit(d->r->en->store, journal_keep(d->j), deed_done, d);
}

void deeds_flush(struct runner *r)
{
	struct deed *d = r->open;
	r->open = NULL;
	if (d)
		submit(d);
}

static void turn_over(void *ctx)
{
	struct runner *r = ctx;
	r->turn_set = false;
	r->waiting--;
	deeds_flush(r);
}

void deeds_add(struct runner *r, struct effects *fx, const struct audit_actor *who, struct now now)
{
	if (!r->open) {
		r->open = deed_new(r, journal_new());
		r->turn = now;
	}
	if (!r->turn_set) {
		r->turn_set = true;
		r->waiting++;
		loop_defer(r->en->loop, turn_over, r);
	}
	runner_write(r, fx, r->open->j, who);
	move_acts(r->open, fx);
	if (++r->open->events >= DEEDS_TOGETHER)
		deeds_flush(r);
}

void runner_carry_out(struct runner *r, struct effects *fx, struct journal *also, const struct audit_actor *who,
		      engine_reply *reply, void *ctx)
{
	struct deed *d;
	deeds_flush(r);
	d = deed_new(r, also ? also : journal_new());
	d->large = also;
	d->reply = reply;
	d->ctx = ctx;
	runner_write(r, fx, d->j, who);
	move_acts(d, fx);
	if (reply)
		snprintf(d->result, sizeof d->result, "{\"stage\":\"%s\"}", cycle_stage_name(r->c->stage));
	submit(d);
}
