#include "link/diagnose.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct waiter {
	struct waiter *next;
	diagnose_fn *fn;
	void *ctx;
};

struct patient {
	struct diagnoser *d;
	struct diagnosis last;
	bool wanted, running;
	struct waiter *waiters;
};

struct diagnoser {
	struct loop *loop;
	struct climber *climber;
	const struct cfg_link *links;
	size_t n;
	struct patient *patient;
	int running, wanted;
	struct loop_timer *pace;
	int64_t began_us;               /* of the newest look; -1 none */
	size_t turn;                    /* who is next */
	void (*looked)(void *ctx, size_t link, const struct diagnosis *d);
	void *ctx;
};

static int64_t now_us(const struct diagnoser *d)
{
	return loop_now(d->loop).boot_us;
}

static bool is_fresh(const struct patient *p)
{
	return p->last.at_us >= 0 && now_us(p->d) - p->last.at_us < (int64_t)LOOK_GAP_S * 1000000;
}

static void answer_waiters(struct patient *p, const struct diagnosis *d)
{
	struct waiter *w = p->waiters;
	p->waiters = NULL;
	while (w) {
		struct waiter *next = w->next;
		w->fn(w->ctx, d, true);
		free(w);
		w = next;
	}
}

static void begin(struct patient *p);

static void begin_next(void *ctx)
{
	struct diagnoser *d = ctx;
	int64_t ms = (d->began_us - now_us(d)) / 1000 + LOOK_PACE_MS;
	if (!d->wanted || d->running >= LOOKS)
		return;
	if (d->began_us >= 0 && ms > 0) {
		loop_timer_start(d->pace, ms, 0);
		return;
	}
	for (size_t n = 0; n < d->n; n++) {
		struct patient *p = &d->patient[d->turn++ % d->n];
		if (p->wanted) {
			begin(p);
			break;
		}
	}
	begin_next(d);
}

static void on_climbed(void *ctx, const struct climb *r)
{
	struct patient *p = ctx;
	struct diagnoser *d = p->d;
	p->running = false;
	d->running--;
	p->last = (struct diagnosis){ .at_us = now_us(d), .climb = *r };
	if (r->why)
		p->last.cause = cause_of_why(r->why, r->rung, r->http_status);
	if (d->looked)
		d->looked(d->ctx, (size_t)(p - d->patient), &p->last);
	answer_waiters(p, &p->last);
	begin_next(d);
}

static void begin(struct patient *p)
{
	struct diagnoser *d = p->d;
	const struct cfg_link *k = &d->links[p - d->patient];
	p->wanted = false;
	d->wanted--;
	p->running = true;
	d->running++;
	d->began_us = now_us(d);
	climber_start(d->climber, &(struct climb_ask){ .url = k->url, .ca_file = k->ca_file, .timeout_ms = k->connect_timeout_ms }, on_climbed, p);
}

static void want(struct patient *p)
{
	if (p->running || p->wanted)
		return;
	p->wanted = true;
	p->d->wanted++;
	begin_next(p->d);
}

void diagnose(struct diagnoser *d, size_t link, diagnose_fn *fn, void *ctx)
{
	struct patient *p = &d->patient[link];
	struct waiter *w;
	if (!p->running && is_fresh(p)) {
		fn(ctx, &p->last, false);
		return;
	}
	w = xcalloc(1, sizeof *w);
	*w = (struct waiter){ p->waiters, fn, ctx };
	p->waiters = w;
	want(p);
}

void diagnose_soon(struct diagnoser *d, size_t link)
{
	struct patient *p = &d->patient[link];
	if (is_fresh(p) && !p->running && d->looked)
		d->looked(d->ctx, link, &p->last);
	else if (!is_fresh(p))
		want(p);
}

const struct diagnosis *diagnoser_look(const struct diagnoser *d, size_t link)
{
	return &d->patient[link].last;
}

struct diagnoser *diagnoser_new(struct loop *l, const struct cfg_link *links, size_t n,
				void (*looked)(void *ctx, size_t link, const struct diagnosis *d), void *ctx)
{
	struct diagnoser *d = xcalloc(1, sizeof *d);
	*d = (struct diagnoser){ .loop = l, .links = links, .n = n, .looked = looked, .ctx = ctx, .began_us = -1 };
	d->pace = loop_timer_new(l, begin_next, d);
	d->climber = climber_new(l);
	d->patient = xcalloc(n + 1, sizeof *d->patient);
	for (size_t i = 0; i < n; i++)
		d->patient[i] = (struct patient){ .d = d, .last = { .at_us = -1 } };
	return d;
}

void diagnoser_free(struct diagnoser *d)
{
	if (!d)
		return;
	climber_free(d->climber);
	loop_timer_free(d->pace);
	for (size_t i = 0; i < d->n; i++)
		answer_waiters(&d->patient[i], NULL);
	free(d->patient);
	free(d);
}

/* ---- shown ---- */

/* As if a link had climbed it: the same rungs, the same words. */
static struct ladder as_ladder(const struct diagnosis *d)
{
	struct ladder l;
	ladder_begin(&l, d->climb.us[WS_TLS] >= 0, -1);
	for (int r = 0; r < WS_RUNGS; r++)
		l.us[r] = d->climb.us[r];
	l.failed = d->climb.why ? (int)MIN(d->climb.rung, WS_UPGRADE) : -1;
	l.cert = d->climb.cert;
	l.http_status = d->climb.http_status;
	l.cause = d->cause;
	snprintf(l.detail, sizeof l.detail, "%s", d->climb.detail);
	return l;
}

void diagnosis_sentence(const struct diagnosis *d, struct buf *out)
{
	struct ladder l = as_ladder(d);
	struct ws_end end = { .rung = d->climb.rung, .http_status = d->climb.http_status, .why = d->climb.why };
	if (!d->cause) {
		buf_adds(out, "every rung up to the upgrade is passed: what keeps the link down, if anything, comes after it (hello, frames, pongs)");
		return;
	}
	snprintf(end.reason, sizeof end.reason, "%s", d->climb.detail);
	ladder_sentence(&l, &end, NULL, out);
}

void diagnosis_json(const struct diagnosis *d, struct jw *w)
{
	struct ladder l = as_ladder(d);
	struct buf b = { 0 };
	ladder_json(&l, w);
	jw_kz(w, "address", d->climb.address[0] ? d->climb.address : NULL);
	diagnosis_sentence(d, &b);
	jw_kz(w, "sentence", buf_z(&b));
	buf_done(&b);
}
