/* Complete lists: every page of a lane into the catalogue, then the floors of SEMANTICS 3. Nothing is
 * deleted while paging, and there is no fallback to another kind of list. */
#include "engine/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_TRIES = 5, LIST_PAGES_MAX = 1000000 };

struct listing {
	struct engine *en;
	int lane;
	struct discovery_result r;
	discovery_fn *fn;
	void *ctx;
	struct loop_timer *timer;
	struct buf cursor;
	uint64_t *seen;                 /* hashes of cursors asked for, against repeats */
	size_t n_seen, cap_seen;
	int tries;
	int64_t skew_us;
	bool clock_known;
	/* the page on its way into the catalogue */
	struct catalog_item *items;
	size_t n;
	struct arena *arena;
	bool last;
	enum rc rc;
	struct err err;
	bool *sentinel;
	/* re-list instead of catalogue */
	const struct slice *want;
	struct buf want_bytes;
	bool *found;
	size_t n_want;
	relist_fn *relist;
	bool in_catalog;
};

static void ask(void *ctx);

static void listing_free(struct listing *l)
{
	loop_timer_free(l->timer);
	buf_done(&l->cursor);
	buf_done(&l->want_bytes);
	free(l->seen);
	free(l->sentinel);
	free(l->found);
	free((void *)(uintptr_t)l->want);
	arena_free(l->arena);
	free(l);
}

static void finish(struct listing *l, bool ok, const char *trouble)
{
	l->r.ok = ok;
	snprintf(l->r.trouble, sizeof l->r.trouble, "%s", trouble);
	if (l->relist)
		l->relist(l->ctx, ok, l->found, l->n_want, trouble);
	else
		l->fn(l->ctx, l->lane, &l->r);
	listing_free(l);
}

/* ---- floors ---- */

static bool floors(struct listing *l, char why[240])
{
	struct engine *en = l->en;
	const struct cfg_lane *cfg = en->lane[l->lane].cfg;
	struct journal_lane mem;
	struct err e;
	if (journal_read_lane(en->reader, slice_of(cfg->name), now_read().wall_us, &mem, &e) != RC_OK) {
		snprintf(why, 240, "its last good list cannot be read: %.150s", e.text);
		return false;
	}
	l->r.expected = mem.listed_items < 0 ? -1 : MAX(mem.listed_items - mem.deleted_since, 0);
	if (l->r.expected > 0 && !l->r.items)
		snprintf(why, 240, "the list is empty, %" PRId64 " items were expected", l->r.expected);
	else if (l->r.expected > 0 && 2 * l->r.items < l->r.expected)
		snprintf(why, 240, "only %" PRId64 " items are listed, %" PRId64 " were expected", l->r.items, l->r.expected);
	else if (l->clock_known && llabs(l->skew_us) > en->cfg->engine.clock_skew_ms * 1000)
		snprintf(why, 240, "our clock and the server's differ by %" PRId64 " s; set the clock", (int64_t)(llabs(l->skew_us) / 1000000));
	else {
		for (size_t i = 0; i < cfg->n_sentinels; i++)
			if (!l->sentinel[i]) {
				snprintf(why, 240, "sentinel %s is not in the list: wrong account, or an incomplete list", cfg->sentinels[i]);
				return false;
			}
		return true;
	}
	return false;
}

/* ---- pages ---- */

static void listed_work(struct catalog *c, void *ctx)
{
	struct listing *l = ctx;
	l->rc = catalog_list_finish(c, l->lane, &l->r.items, &l->err);
}

static void listed_done(void *ctx)
{
	struct listing *l = ctx;
	char why[240] = "";
	if (l->rc != RC_OK)
		finish(l, false, l->err.text);
	else
		finish(l, floors(l, why), why);
}

static void page_work(struct catalog *c, void *ctx)
{
	struct listing *l = ctx;
	l->rc = RC_OK;
	if (!l->in_catalog) {
		l->rc = catalog_list_begin(c, l->lane, &l->err);
		l->in_catalog = true;
	}
	if (l->rc == RC_OK)
		l->rc = catalog_list_add(c, l->items, l->n, &l->err);
}

static void page_done(void *ctx)
{
	struct listing *l = ctx;
	arena_free(l->arena);
	l->arena = NULL;
	free(l->items);
	l->items = NULL;
	if (l->rc != RC_OK)
		finish(l, false, l->err.text);
	else if (l->last)
		job_queue(l->en, listed_work, listed_done, l);
	else
		ask(l);
}

static uint64_t cursor_hash(struct slice s)
{
	struct hash h;
	uint64_t v;
	hash_bytes(&h, s.p, s.n);
	memcpy(&v, h.b, sizeof v);
	return v;
}

static bool cursor_repeats(struct listing *l, struct slice cursor)
{
	uint64_t h = cursor_hash(cursor);
	for (size_t i = 0; i < l->n_seen; i++)
		if (l->seen[i] == h)
			return true;
	GROW(l->seen, l->cap_seen, l->n_seen + 1);
	l->seen[l->n_seen++] = h;
	return false;
}

static void keep_items(struct listing *l, const struct lane_page *p)
{
	const struct cfg_lane *cfg = l->en->lane[l->lane].cfg;
	l->arena = arena_new(1 << 16);
	l->items = xcalloc(MAX(p->n, (size_t)1), sizeof *l->items);
	l->n = p->n;
	for (size_t i = 0; i < p->n; i++) {
		const struct lane_item *it = &p->items[i];
		l->items[i] = (struct catalog_item){
			.lane = l->lane, .bytes = it->bytes, .created_us = it->created_us,
			.id = { arena_strndup(l->arena, it->id.p, it->id.n), it->id.n },
			.name = { arena_strndup(l->arena, it->name.p, it->name.n), it->name.n },
			.purpose = { arena_strndup(l->arena, it->purpose.p, it->purpose.n), it->purpose.n },
			.status = { arena_strndup(l->arena, it->status.p, it->status.n), it->status.n },
		};
		l->r.bytes += MAX(it->bytes, 0);
		for (size_t k = 0; k < cfg->n_sentinels; k++)
			l->sentinel[k] |= slice_is(it->id, cfg->sentinels[k]);
	}
}

static void mark_found(struct listing *l, const struct lane_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < l->n_want; k++)
			l->found[k] |= slice_eq(p->items[i].id, l->want[k]);
}

static bool again(struct listing *l, const struct lane_page *p)
{
	bool passing = p->trouble == LANE_PACED || p->trouble == LANE_SERVER || p->trouble == LANE_NETWORK ||
		       p->trouble == LANE_TIMEOUT || p->trouble == LANE_CUT;
	if (!passing || ++l->tries >= LIST_TRIES || l->en->stopping)
		return false;
	int64_t wait = p->wait_ms >= 0 ? p->wait_ms : (int64_t)250 << l->tries;
	loop_timer_start(l->timer, MAX(wait, 1), 0);
	return true;
}

static void on_page(void *ctx, const struct lane_page *p)
{
	struct listing *l = ctx;
	char why[240];
	if (p->trouble != LANE_FINE) {
		if (again(l, p))
			return;
		snprintf(why, sizeof why, "listing failed on page %" PRId64 ": %.180s", l->r.pages + 1, p->detail);
		finish(l, false, why);
		return;
	}
	l->tries = 0;
	l->r.pages++;
	l->last = p->last;
	if (p->date_us >= 0) {
		l->clock_known = true;
		l->skew_us = now_read().wall_us - p->date_us;
	}
	if (!p->last && (!p->n || !p->cursor.n))
		finish(l, false, "a page was empty and claimed that more follows");
	else if (!p->last && cursor_repeats(l, p->cursor))
		finish(l, false, "the store repeated a cursor: the list goes in circles");
	else if (l->r.pages > LIST_PAGES_MAX)
		finish(l, false, "the list does not end");
	else {
		buf_clear(&l->cursor);
		buf_add(&l->cursor, p->cursor.p, p->cursor.n);
		if (l->relist) {
			mark_found(l, p);
			if (l->last)
				finish(l, true, "");
			else
				ask(l);
			return;
		}
		keep_items(l, p);
		job_queue(l->en, page_work, page_done, l);
	}
}

static void ask(void *ctx)
{
	struct listing *l = ctx;
	lane_list(l->en->lane[l->lane].lane, buf_slice(&l->cursor), on_page, l);
}

static struct listing *listing_new(struct engine *en, int lane, void *ctx)
{
	struct listing *l = xcalloc(1, sizeof *l);
	l->en = en;
	l->lane = lane;
	l->ctx = ctx;
	l->r.expected = -1;
	l->sentinel = xcalloc(en->lane[lane].cfg->n_sentinels + 1, sizeof *l->sentinel);
	l->timer = loop_timer_new(en->loop, ask, l);
	buf_init(&l->cursor);
	buf_init(&l->want_bytes);
	return l;
}

void discover_lane(struct engine *en, int lane, discovery_fn *fn, void *ctx)
{
	struct listing *l = listing_new(en, lane, ctx);
	l->fn = fn;
	ask(l);
}

void relist_lane(struct engine *en, int lane, const struct slice *ids, size_t n, relist_fn *fn, void *ctx)
{
	struct listing *l = listing_new(en, lane, ctx);
	struct slice *want = xcalloc(n + 1, sizeof *want);
	l->arena = arena_new(4096);
	for (size_t i = 0; i < n; i++)
		want[i] = (struct slice){ arena_strndup(l->arena, ids[i].p, ids[i].n), ids[i].n };
	l->want = want;
	l->n_want = n;
	l->found = xcalloc(n + 1, sizeof *l->found);
	l->relist = fn;
	ask(l);
}

/* ---- records ---- */

struct rows {
	struct engine *en;
	struct erecords *r;
	discover_records_fn *fn;
	void *ctx;
	struct catalog *cat;            /* its own writer: no other job runs meanwhile */
	struct records_list list;
};

/* On the records' worker. */
static enum rc rows_page(void *ctx, const struct catalog_row *rows, size_t n, struct err *e)
{
	struct rows *q = ctx;
	enum rc rc = RC_OK;
	if (!q->cat) {
		rc = catalog_open(&q->cat, q->en->paths->catalog, true, e);
		if (rc == RC_OK)
			rc = catalog_rows_begin(q->cat, e);
	}
	return rc == RC_OK ? catalog_rows_add(q->cat, rows, n, e) : rc;
}

static void rows_finish_work(struct catalog *c, void *ctx)
{
	struct rows *q = ctx;
	int64_t n;
	if (q->list.rc != RC_OK)
		return;
	if (!q->cat)                    /* not one page: an empty table */
		q->list.rc = catalog_rows_begin(c, &q->list.err);
	if (q->list.rc == RC_OK)
		q->list.rc = catalog_rows_finish(q->cat ? q->cat : c, &n, &q->list.err);
}

static void rows_finish_done(void *ctx)
{
	struct rows *q = ctx;
	catalog_close(q->cat);
	q->r->list = q->list;
	q->r->listed = true;
	q->r->listed_us = now_read().wall_us;
	q->fn(q->ctx, &q->r->list);
	free(q);
}

static void rows_listed(void *ctx, const struct records_list *l)
{
	struct rows *q = ctx;
	q->list = *l;
	job_queue(q->en, rows_finish_work, rows_finish_done, q);
}

void discover_records(struct engine *en, struct erecords *r, discover_records_fn *fn, void *ctx)
{
	struct rows *q = xcalloc(1, sizeof *q);
	*q = (struct rows){ .en = en, .r = r, .fn = fn, .ctx = ctx };
	records_list(r->rec, rows_page, rows_listed, q);
}
