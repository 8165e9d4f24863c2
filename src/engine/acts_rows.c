/* Claims and rows: one call to the records for a batch of items. */
#include "engine/acts_impl.h"

#include "base/mem.h"
#include "base/point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct acts_batch *acts_batch(struct runner *r, enum cycle_event_kind kind, int lane, size_t max)
{
	struct acts_batch *b = xcalloc(1, sizeof *b);
	b->r = r;
	b->kind = kind;
	b->lane = lane;
	b->items = xcalloc(max + 1, sizeof *b->items);
	b->refs = xcalloc(max + 1, sizeof *b->refs);
	b->results = xcalloc(max + 1, 1);
	r->waiting++;
	return b;
}

void acts_batch_add(struct acts_batch *b, int32_t item)
{
	const struct plan_item *pi = &b->r->plan->item[item];
	b->items[b->n] = item;
	b->refs[b->n] = (struct records_ref){ b->r->plan->lane[pi->lane].name, pi->id, pi->row, SLICE_LIT("") };
	b->n++;
}

static void batch_free(struct acts_batch *b)
{
	loop_timer_free(b->timer);
	free(b->queue);
	free(b->tries);
	free(b->items);
	free(b->refs);
	free(b->results);
	free(b);
}

static void fill_slice(void *ctx)
{
	struct acts_batch *b = ctx;
	struct runner *r = b->r;
	int32_t end = MIN(b->to, b->from + CYCLE_SLICE);
	if (r->en->closing) {
		r->waiting--;
		batch_free(b);
		return;
	}
	for (; b->from < end; b->from++)
		if (b->meant(&r->c->item[b->from]))
			acts_batch_add(b, b->from);
	if (b->from < b->to)
		loop_defer(r->en->loop, fill_slice, b);
	else
		b->then(b);
}

void acts_batch_fill(struct acts_batch *b, const struct effect *e, acts_meant_fn *meant, acts_then_fn *then)
{
	b->from = e->from;
	b->to = e->to;
	b->meant = meant;
	b->then = then;
	fill_slice(b);
}

static void feed_slice(void *ctx)
{
	struct acts_batch *b = ctx;
	struct runner *r = b->r;
	struct cycle_event ev = event_of(b->kind);
	ev.lane = b->lane;
	ev.items = b->items + b->fed;
	ev.results = b->results + b->fed;
	ev.n = MIN(b->n - b->fed, (size_t)CYCLE_SLICE);
	ev.text = b->said.text;
	b->fed += ev.n;
	ev.more = b->fed < b->n;
	r->waiting -= !ev.more;
	acts_feed(r, &ev);
	if (ev.more)
		loop_defer(r->en->loop, feed_slice, b);
	else
		batch_free(b);
}

void acts_batch_feed(struct acts_batch *b, const char *text)
{
	snprintf(b->said.text, sizeof b->said.text, "%s", text);
	feed_slice(b);
}

/* ---- the records ---- */

static void ask_slice(struct acts_batch *b);

static void slice_answer(void *ctx, const struct records_answer *a)
{
	struct acts_batch *b = ctx;
	size_t end = a->rc == RC_OK ? b->asked + a->n : b->n;
	for (size_t i = b->asked; i < end; i++)
		if (!b->results[i])
			b->results[i] = b->means[a->rc == RC_OK ? a->results[i - b->asked] : RECORDS_FAILED];
	b->asked = end;
	if (a->err.text[0])
		b->said = a->err;
	if (b->asked < b->n)
		ask_slice(b);
	else
		acts_batch_feed(b, b->said.text[0] ? b->said.text : b->why);
}

static void ask_slice(struct acts_batch *b)
{
	b->call(b, b->refs + b->asked, MIN(b->n - b->asked, (size_t)CYCLE_SLICE), slice_answer);
}

void acts_batch_ask(struct acts_batch *b, acts_records_fn *call, const uint8_t *means)
{
	b->call = call;
	b->means = means;
	ask_slice(b);
}

static const uint8_t claim_of[] = {
	[RECORDS_DONE] = CLAIM_DONE, [RECORDS_NO_ROW] = CLAIM_NO_ROW, [RECORDS_UNCLAIMED] = CLAIM_UNCLAIMED,
	[RECORDS_REFERENCED] = CLAIM_REFERENCED, [RECORDS_CHANGED] = CLAIM_CHANGED, [RECORDS_FAILED] = CLAIM_FAILED,
	[RECORDS_REHEARSED] = CLAIM_REHEARSED,
};

static void batch_answer(void *ctx, const struct records_answer *a)
{
	struct acts_batch *b = ctx;
	for (size_t i = 0; i < b->n; i++)
		b->results[i] = a->rc == RC_OK ? claim_of[a->results[i]] : CLAIM_FAILED;
	acts_batch_feed(b, a->err.text);
}

static bool to_claim(const struct cycle_item *it) { return it->state == ITEM_CLAIMING; }

static void claim_call(struct acts_batch *b, const struct records_ref *refs, size_t n, records_answer_fn *answer)
{
	records_claim(b->r->records->rec, refs, n, b->r->token, answer, b);
}

static void claim(struct acts_batch *b)
{
	if (b->r->records && b->n) {
		acts_batch_ask(b, claim_call, claim_of);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	acts_batch_feed(b, "");
}

void act_claim(struct runner *r, const struct effect *e)
{
	acts_batch_fill(acts_batch(r, EV_CLAIMED, e->lane, (size_t)(e->to - e->from)), e, to_claim, claim);
}

void act_commit(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_INTENT)
			acts_batch_add(b, i);
	POINT("row", "before");
	if (r->records) {
		records_commit(r->records->rec, b->refs, b->n, r->token, e->text, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	acts_batch_feed(b, "");
}

void act_remap(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_INTENT && r->c->item[i].state == ITEM_RESTORED) {
			acts_batch_add(b, i);
			b->refs[b->n - 1].new_id = restoring_id(r, i);
		}
	POINT("row", "before");
	if (r->records) {
		records_remap(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	acts_batch_feed(b, "");
}

static void look_answer(void *ctx, const struct records_answer *a)
{
	struct acts_batch *b = ctx;
	for (size_t i = 0; i < b->n; i++)
		b->results[i] = a->rc != RC_OK ? CLAIM_FAILED : a->results[i] == RECORDS_DONE ? CLAIM_NO_ROW : claim_of[a->results[i]];
	acts_batch_feed(b, a->err.text);
}

void act_look(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_ROWS, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (item_look_due(&r->c->item[i]))
			acts_batch_add(b, i);
	if (r->records) {
		records_recheck(r->records->rec, b->refs, b->n, look_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	acts_batch_feed(b, "");
}

void act_release(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_RELEASED, -1, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].row == ROW_RELEASING || r->c->item[i].unclaim)
			acts_batch_add(b, i);
	if (r->records) {
		records_release(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_DONE, b->n);
	acts_batch_feed(b, "");
}

static void claims_counted(void *ctx, int64_t n, const struct err *err)
{
	struct runner *r = ctx;
	struct cycle_event ev = event_of(EV_CLAIMS);
	ev.number = n;
	ev.text = err ? err->text : "";
	r->waiting--;
	acts_feed(r, &ev);
}

void act_count_claims(struct runner *r)
{
	r->waiting++;
	if (r->records)
		records_count_claims(r->records->rec, r->token, claims_counted, r);
	else
		claims_counted(r, 0, NULL);
}
