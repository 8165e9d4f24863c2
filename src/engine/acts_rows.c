/* Claims and rows: one call to the records for a batch of items. */
#include "engine/acts_impl.h"

#include "base/mem.h"
#include "base/point.h"

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

void acts_batch_feed(struct acts_batch *b, const char *text)
{
	struct runner *r = b->r;
	struct cycle_event ev = event_of(b->kind);
	ev.lane = b->lane;
	ev.items = b->items;
	ev.results = b->results;
	ev.n = b->n;
	ev.text = text;
	r->waiting--;
	acts_feed(r, &ev);
	loop_timer_free(b->timer);
	free(b->queue);
	free(b->tries);
	free(b->items);
	free(b->refs);
	free(b->results);
	free(b);
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

void act_claim(struct runner *r, const struct effect *e)
{
	struct acts_batch *b = acts_batch(r, EV_CLAIMED, e->lane, (size_t)(e->to - e->from));
	for (int32_t i = e->from; i < e->to; i++)
		if (r->c->item[i].state == ITEM_CLAIMING)
			acts_batch_add(b, i);
	if (r->records) {
		records_claim(r->records->rec, b->refs, b->n, r->token, batch_answer, b);
		return;
	}
	memset(b->results, CLAIM_NO_ROW, b->n);
	acts_batch_feed(b, "");
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
