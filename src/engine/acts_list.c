/* Discovery: lanes and records are listed completely, and what that showed is recorded. */
#include "engine/acts_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct journal *discovery_record(struct runner *r, int lane, const struct discovery_result *d)
{
	struct elane *l = acts_lane(r, lane);
	struct journal *j = journal_new();
	struct buf p;
	struct jw w;
	buf_init(&p);
	jw_init(&w, &p);
	jw_obj(&w);
	jw_kbool(&w, "complete", d->ok);
	jw_ki64(&w, "items", d->items);
	jw_ki64(&w, "bytes", d->bytes);
	jw_ki64(&w, "pages", d->pages);
	jw_kopt(&w, "expected", d->expected);
	if (d->trouble[0])
		jw_kz(&w, "trouble", d->trouble);
	if (d->ok)
		jw_kbool(&w, "server_clock", d->clock_known);
	jw_kbool(&w, "rehearsal", r->c->rehearsal);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_DISCOVERY, &actor_engine, slice_of(l->cfg->name), r->c->id, SLICE_LIT(""), buf_slice(&p));
	if (d->ok && !r->c->rehearsal)
		journal_lane_listed(j, slice_of(l->cfg->name), d->items, l->listed_us);
	buf_done(&p);
	return j;
}

static void lane_listed(void *ctx, int engine_lane_index, const struct discovery_result *d)
{
	struct lane_ctx *q = ctx;
	struct runner *r = q->r;
	struct elane *l = &r->en->lane[engine_lane_index];
	struct now now = now_read();
	l->listed = true;
	l->complete = d->ok;
	l->undoable = d->ok && d->undoable;
	l->items = d->items;
	l->bytes = d->bytes;
	l->pages = d->pages;
	l->expected = d->expected;
	l->listed_us = now.wall_us;
	l->listed_boot_us = now.boot_us;
	memset(l->by_verdict, 0, sizeof l->by_verdict);
	l->irreversible = 0;
	snprintf(l->trouble, sizeof l->trouble, "%s", d->trouble);
	struct cycle_event ev = event_of(EV_LISTED);
	ev.lane = q->lane;
	ev.ok = d->ok;
	ev.number = d->items;
	ev.text = d->trouble;
	r->waiting--;
	acts_feed_with(r, &ev, discovery_record(r, q->lane, d));
	free(q);
}

void act_discover(struct runner *r, int lane)
{
	struct lane_ctx *q = xmalloc(sizeof *q);
	*q = (struct lane_ctx){ r, lane };
	r->waiting++;
	discover_lane(r->en, r->lane_of[lane], lane_listed, q);
}

static void records_listed(void *ctx, const struct records_list *l)
{
	struct runner *r = ctx;
	struct cycle_event ev = event_of(EV_RECORDS);
	struct journal *j = journal_new();
	struct buf p;
	struct jw w;
	buf_init(&p);
	jw_init(&w, &p);
	jw_obj(&w);
	jw_kbool(&w, "complete", l->rc == RC_OK);
	jw_kopt(&w, "rows", l->rc == RC_OK ? l->rows : -1);
	jw_kz(&w, "places", l->places);
	objects_json(r->records, &w);
	if (l->rc != RC_OK)
		jw_kz(&w, "trouble", l->err.text);
	jw_end_obj(&w);
	journal_audit(j, AUDIT_RECORDS_LIST, &actor_engine, slice_of(records_name(r->records->rec)), r->c->id, SLICE_LIT(""), buf_slice(&p));
	buf_done(&p);
	ev.ok = l->rc == RC_OK && (!l->empty || l->may_be_empty);
	ev.number = l->rows;
	ev.text = l->rc != RC_OK ? l->err.text : "they answered, but with no row at all; say may_be_empty if that is right";
	r->waiting--;
	acts_feed_with(r, &ev, j);
}

void act_list_records(struct runner *r)
{
	r->waiting++;
	discover_known(r->en, r->records, records_listed, r);
}
