/* One pass over a lane of the catalogue: each item with all its rows at once. */
#include "engine/internal.h"

#include "base/mem.h"

#include <stdlib.h>

struct gather {
	gather_fn *fn;
	void *ctx;
	struct catalog_row *row;        /* of the item at hand, live ones first */
	size_t n, cap, live;
	struct arena *texts;            /* their bytes */
};

static struct slice keep(struct gather *g, struct slice s)
{
	return (struct slice){ arena_strndup(g->texts, s.p ? s.p : "", s.n), s.n };
}

static void keep_row(struct gather *g, const struct catalog_row *row)
{
	GROW(g->row, g->cap, g->n + 1);
	struct catalog_row *r = &g->row[g->n++];
	if (row->deleted_us < 0) {
		*r = g->row[g->live];
		r = &g->row[g->live++];
	}
	*r = *row;
	r->key = keep(g, row->key);
	r->lane = keep(g, row->lane);
	r->file_id = keep(g, row->file_id);
	r->name = keep(g, row->name);
	r->status = keep(g, row->status);
	r->object = keep(g, row->object);
	r->sha256 = keep(g, row->sha256);
}

static enum rc visit(void *ctx, const struct catalog_item *item, const struct catalog_row *row, bool more)
{
	struct gather *g = ctx;
	if (!item)
		return g->fn(g->ctx, NULL, row, 1, row->deleted_us < 0);
	if (row)
		keep_row(g, row);
	if (more)
		return RC_OK;
	enum rc rc = g->fn(g->ctx, item, g->row, g->n, g->live);
	if (g->n)
		arena_reset(g->texts);
	g->n = g->live = 0;
	return rc;
}

enum rc gather_lane(struct catalog *c, int lane, const char *name, gather_fn *fn, void *ctx, struct err *e)
{
	struct gather g = { .fn = fn, .ctx = ctx, .texts = arena_new(512) };
	enum rc rc = catalog_merge(c, lane, slice_of(name), visit, &g, e);
	arena_free(g.texts);
	free(g.row);
	return rc;
}
