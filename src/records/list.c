#include "records/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

/* Above this a list that would hold back the application's writers is read in several transactions. */
enum { ONE_TX_ROWS = 20000 };

/* ---- references ---- */

/* The values of one reference table as 64-bit hashes. A collision only protects a file too much. */
struct ref_set {
	uint64_t *slot;
	size_t n, cap;                  /* cap is a power of two; 0 = a free slot */
};

static uint64_t ref_hash(struct slice v)
{
	uint64_t h = 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < v.n; i++)
		h = (h ^ (unsigned char)v.p[i]) * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h ? h : 1;
}

static size_t ref_slot(const struct ref_set *r, uint64_t h)
{
	size_t i = (size_t)h & (r->cap - 1);
	while (r->slot[i] && r->slot[i] != h)
		i = (i + 1) & (r->cap - 1);
	return i;
}

static void ref_add(struct ref_set *r, uint64_t h)
{
	if (2 * (r->n + 1) > r->cap) {
		struct ref_set bigger = { .cap = r->cap ? 2 * r->cap : 1024 };
		bigger.slot = xcalloc(bigger.cap, sizeof *bigger.slot);
		for (size_t i = 0; i < r->cap; i++)
			if (r->slot[i])
				bigger.slot[ref_slot(&bigger, r->slot[i])] = r->slot[i];
		bigger.n = r->n;
		free(r->slot);
		*r = bigger;
	}
	size_t i = ref_slot(r, h);
	r->n += r->slot[i] == 0;
	r->slot[i] = h;
}

static bool ref_has(const struct ref_set *r, struct slice v)
{
	return r->cap && v.n && r->slot[ref_slot(r, ref_hash(v))] != 0;
}

static enum rc ref_value(void *ctx, const struct cell *c, struct err *e)
{
	(void)e;
	ref_add(ctx, ref_hash(c->text));
	return RC_OK;
}

/* One known reference must be found, or we are looking in the wrong place and every file reads as free. */
static enum rc ref_self_test(const struct session *g, const struct cfg_reference *ref, const struct ref_set *set, struct buf *places, struct err *e)
{
	char known[80];
	if (!ref->known_id) {
		buf_addf(places, "; %s %zu (declared may_be_empty)", ref->table, set->n);
		return RC_OK;
	}
	if (ref_has(set, slice_of(ref->known_id))) {
		buf_addf(places, "; %s %zu, self-test ok", ref->table, set->n);
		return RC_OK;
	}
	if (set->n == 0 && ref->may_be_empty) {
		buf_addf(places, "; %s is empty (declared may_be_empty)", ref->table);
		return RC_OK;
	}
	return err_set(e, RC_INCOMPLETE, "records %s: self-test of the reference table %s failed: %s.%s does not hold the known id %s, so it cannot "
		       "be relied on; check table and column of the reference, or name an id that is there", g->s->cfg->name, ref->table,
		       ref->table, ref->column, text_z(known, sizeof known, slice_of(ref->known_id)));
}

/* ---- the complete list ---- */

struct listing {
	struct session *g;
	const struct adapter *a;
	struct ref_set *refs;
	records_page_fn *page;
	void *ctx;
	struct catalog_row rows[SOURCE_PAGE];
	size_t n;
	struct arena *bytes;            /* of one page */
	int64_t read, of_other_lanes, without_file, deleted;
};

static struct slice keep(struct listing *l, const struct cell *c)
{
	return c->text.n ? (struct slice){ arena_strndup(l->bytes, c->text.p, c->text.n), c->text.n } : c->text;
}

static enum rc take_row(void *ctx, const struct cell *c, struct err *e)
{
	struct listing *l = ctx;
	const char *lane = mapping_lane(&l->g->m, c[MAP_LANE].text);
	struct slice file_id = c[MAP_FILE_ID].text;
	bool live = mapping_live(&l->g->m, c[MAP_DELETED_AT].text, c[MAP_STATUS].text);
	l->read++;
	l->of_other_lanes += !lane;
	l->deleted += lane && !live;
	l->without_file += lane && live && !file_id.n;
	if (!lane || !file_id.n)
		return RC_OK;
	if (l->n == SOURCE_PAGE)
		return err_set(e, RC_INTERNAL, "records %s: a page has more rows than were asked for", l->g->s->cfg->name);
	struct catalog_row *r = &l->rows[l->n++];
	*r = (struct catalog_row){
		.key = keep(l, &c[MAP_ID]), .lane = slice_of(lane), .file_id = keep(l, &c[MAP_FILE_ID]),
		.name = keep(l, &c[MAP_NAME]), .status = keep(l, &c[MAP_STATUS]),
		.sha256 = keep(l, &c[MAP_SHA256]), .object = keep(l, &c[MAP_OBJECT]),
		.bytes = cell_number(&c[MAP_BYTES]), .created_us = cell_time_us(&c[MAP_CREATED]), .used_us = cell_time_us(&c[MAP_USED]),
		.deleted_us = live ? -1 : MAX(cell_time_us(&c[MAP_DELETED_AT]), 0), .refs = -1,
	};
	for (size_t i = 0; i < l->g->s->cfg->n_references; i++)
		r->referenced = r->referenced || ref_has(&l->refs[i], c[MAP_COUNT + (int)i].text);
	return RC_OK;
}

static enum rc read_pages(struct listing *l, struct err *e)
{
	bool last = false;
	enum rc rc = RC_OK;
	while (rc == RC_OK && !last) {
		int64_t rows, before = l->read;
		l->n = 0;
		arena_free(l->bytes);
		l->bytes = arena_new(1 << 16);
		rc = l->a->page(l->g, take_row, l, &rows, &last, e);
		if (rc == RC_OK && rows != l->read - before)
			rc = err_set(e, RC_INTERNAL, "records %s: a page was not handed over whole", l->g->s->cfg->name);
		if (rc == RC_OK && l->n)
			rc = l->page(l->ctx, l->rows, l->n, e);
	}
	return rc;
}

static void fill_caps(const struct session *g, struct records_caps *c)
{
	const struct mapping *m = &g->m;
	*c = (struct records_caps){
		.claim = m->column[MAP_TOKEN] != NULL, .deleted_at = m->column[MAP_DELETED_AT] != NULL,
		.deletion_reason = m->column[MAP_REASON] != NULL, .status = m->column[MAP_STATUS] != NULL,
		.used = m->column[MAP_USED] != NULL, .refs = m->cfg->n_references > 0,
	};
	if (!c->claim)
		snprintf(c->unclaimed, sizeof c->unclaimed, "unclaimed: another writer can attach until the row commits");
}

static enum rc load_references(struct listing *l, struct buf *places, struct err *e)
{
	const struct cfg_records *cfg = l->g->s->cfg;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < cfg->n_references && rc == RC_OK; i++) {
		rc = l->a->reference(l->g, i, ref_value, &l->refs[i], e);
		if (rc != RC_OK)
			err_prefix(e, "reference table %s", cfg->references[i].table);
		if (rc == RC_OK)
			rc = ref_self_test(l->g, &cfg->references[i], &l->refs[i], places, e);
	}
	return rc;
}

static enum rc same_counts(const struct listing *l, const struct records_list *out, struct err *e)
{
	const struct cfg_records *cfg = l->g->s->cfg;
	if (out->count_before != out->count_after || l->read != out->count_before)
		return err_set(e, RC_INCOMPLETE, "records %s: %s had %" PRId64 " rows before the list and %" PRId64 " after it, and %" PRId64
			       " were read: it changed while it was read; discover again", cfg->name, cfg->table,
			       out->count_before, out->count_after, l->read);
	if (out->rows == 0 && !cfg->may_be_empty)
		return err_set(e, RC_INCOMPLETE, "records %s: %s has no row for our lanes, so every file would read as an orphan; check table, path "
			       "and lanes of these records, or declare may_be_empty", cfg->name, cfg->table);
	return RC_OK;
}

static enum rc list_all(struct listing *l, struct records_list *out, struct buf *places, struct err *e)
{
	struct session *g = l->g;
	enum rc rc = l->a->count(g, &out->count_before, e);
	bool one = rc == RC_OK && (g->one_moment || out->count_before <= ONE_TX_ROWS);
	if (one)
		rc = l->a->begin(g, BEGIN_LIST, e);
	if (one && rc == RC_OK)
		rc = l->a->count(g, &out->count_before, e);
	if (rc == RC_OK)
		rc = load_references(l, places, e);
	if (rc == RC_OK)
		rc = read_pages(l, e);
	if (rc == RC_OK)
		rc = l->a->count(g, &out->count_after, e);
	l->a->rollback(g);
	out->rows = l->read - l->of_other_lanes - l->deleted;
	out->empty = out->rows == 0;
	return rc == RC_OK ? same_counts(l, out, e) : rc;
}

static void describe_places(const struct listing *l, const struct buf *refs, struct records_list *out)
{
	struct buf b = { 0 };
	buf_addf(&b, "%s %" PRId64 " rows", l->g->s->cfg->table, out->rows);
	if (l->of_other_lanes)
		buf_addf(&b, " and %" PRId64 " of other lanes", l->of_other_lanes);
	if (l->g->m.deleted_too)
		buf_addf(&b, " and %" PRId64 " soft-deleted", l->deleted);
	if (l->without_file)
		buf_addf(&b, ", %" PRId64 " without a file id", l->without_file);
	buf_adds(&b, buf_z(refs));
	if (!l->g->s->cfg->n_references)
		buf_adds(&b, "; no reference tables configured");
	text_z(out->places, sizeof out->places, buf_slice(&b));
	buf_done(&b);
}

void source_list(struct source *s, records_page_fn *page, void *ctx, struct records_list *out)
{
	struct session g = { .s = s };
	*out = (struct records_list){ .may_be_empty = s->cfg->may_be_empty };
	out->rc = s->adapter->open(&g, false, &out->err);
	struct listing *l = xcalloc(1, sizeof *l);
	struct buf places = { 0 };
	l->g = &g;
	l->a = s->adapter;
	l->page = page;
	l->ctx = ctx;
	l->refs = xcalloc(s->cfg->n_references + 1, sizeof *l->refs);
	if (out->rc == RC_OK) {
		g.m.deleted_too = s->cfg->deleted_too;
		fill_caps(&g, &out->caps);
		out->rc = list_all(l, out, &places, &out->err);
		describe_places(l, &places, out);
	}
	if (out->rc == RC_OK)
		s->listed_us = g.now_us;
	for (size_t i = 0; i < s->cfg->n_references; i++)
		free(l->refs[i].slot);
	free(l->refs);
	arena_free(l->bytes);
	buf_done(&places);
	free(l);
	s->adapter->close(&g);
	mapping_schema_done(&g.schema);
}
