/* The records, and behind them the objects that their rows name (SEMANTICS 3): listed last, so that what is told of them
 * is as young as it can be. An incomplete list of them stops no cycle; what hangs on it is not eligible. */
#include "engine/internal.h"

#include "base/mem.h"
#include "escrow/objects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct objects_page;

struct objects_job {
	struct engine *en;
	struct erecords *r;
	const struct cfg_objects *cfg;
	discover_records_fn *fn;
	void *ctx;
	struct catalog *c;
	struct objects_count count;
	struct objects_page *page;      /* of a bucket, being filled */
	char why[240];                  /* its list is not complete; "" = it is */
	enum rc rc;
	struct err err;
};

enum { OBJECTS_PAGE = 1000 };

static enum rc add_page(void *ctx, const struct catalog_object *o, size_t n, struct err *e)
{
	struct objects_job *q = ctx;
	return catalog_objects_add(q->c, o, n, e);
}

static const char *prefix_of(const struct cfg_objects *cfg) { return cfg->row_prefix ? cfg->row_prefix : ""; }

static enum rc begin(struct objects_job *q)
{
	static const enum catalog_item_key by[] = { [CFG_ITEM_KEY_NONE] = CATALOG_ITEM_NONE, [CFG_ITEM_KEY_ID] = CATALOG_ITEM_ID,
		[CFG_ITEM_KEY_NAME] = CATALOG_ITEM_NAME };
	return catalog_objects_begin(q->c, by[q->cfg->item_key], slice_of(prefix_of(q->cfg)), &q->err);
}

static enum rc finish(struct objects_job *q)
{
	int64_t n;
	if (!q->count.objects && !q->cfg->may_be_empty)
		return err_set(&q->err, RC_INCOMPLETE, "%s holds no object at all: is it mounted? declare may_be_empty if that is right",
			       q->cfg->path ? q->cfg->path : "the bucket");
	return catalog_objects_finish(q->c, &n, &q->err);
}

static enum rc list_all(struct objects_job *q)
{
	const struct objects_dir d = { .path = q->cfg->path, .prefix = prefix_of(q->cfg), .most = q->cfg->most, .stop = &q->en->no_proofs };
	enum rc rc = begin(q);
	if (rc == RC_OK)
		rc = objects_dir_list(&d, add_page, q, &q->count, &q->err);
	return rc == RC_OK ? finish(q) : rc;
}

static enum rc sentinels(struct objects_job *q)
{
	bool known = true;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < q->cfg->n_sentinels; i++) {
		rc = catalog_object_known(q->c, slice_of(q->cfg->sentinels[i]), &known, &q->err);
		if (rc == RC_OK && !known)
			rc = err_set(&q->err, RC_INCOMPLETE, "sentinel %s is not in it: is everything mounted?", q->cfg->sentinels[i]);
	}
	return rc;
}

static void list_work(struct catalog *c, void *ctx)
{
	struct objects_job *q = ctx;
	q->c = c;
	q->rc = list_all(q);
	if (q->rc == RC_OK)
		q->rc = sentinels(q);
}

static void list_done(void *ctx)
{
	struct objects_job *q = ctx;
	struct eobjects *o = &q->r->objects;
	o->complete = q->rc == RC_OK;
	o->count = q->count.objects;
	o->bytes = q->count.bytes;
	o->others = q->count.others;
	o->listed_us = now_read().wall_us;
	if (o->complete)
		o->trouble[0] = 0;
	else
		snprintf(o->trouble, sizeof o->trouble, "objects %s are not listed: %.160s", q->cfg->name, q->err.text);
	q->fn(q->ctx, &q->r->list);
	free(q);
}

/* ---- a bucket: its lane lists it, the catalogue takes page by page ---- */

struct objects_page {
	struct objects_job *q;
	struct catalog_object *o;
	size_t n;
	struct arena *keys;
};

static struct objects_page *page_new(struct objects_job *q)
{
	struct objects_page *p = xmalloc(sizeof *p);
	*p = (struct objects_page){ .q = q, .o = xcalloc(OBJECTS_PAGE, sizeof *p->o), .keys = arena_new(1 << 16) };
	return p;
}

static void page_work(struct catalog *c, void *ctx)
{
	struct objects_page *p = ctx;
	if (p->q->rc == RC_OK)
		p->q->rc = catalog_objects_add(c, p->o, p->n, &p->q->err);
}

static void page_done(void *ctx)
{
	struct objects_page *p = ctx;
	arena_free(p->keys);
	free(p->o);
	free(p);
}

static void bucket_item(void *ctx, const struct lane_item *it)
{
	struct objects_job *q = ctx;
	const char *prefix = prefix_of(q->cfg);
	struct buf key;
	if (q->count.objects++ >= q->cfg->most)
		return;
	if (!q->page)
		q->page = page_new(q);
	struct objects_page *p = q->page;
	buf_init(&key);
	buf_adds(&key, prefix);
	buf_add(&key, it->id.p, it->id.n);
	q->count.bytes += MAX(it->bytes, 0);
	p->o[p->n++] = (struct catalog_object){ .key = { arena_strndup(p->keys, key.p, key.n), key.n }, .bytes = it->bytes };
	buf_done(&key);
	if (p->n < OBJECTS_PAGE)
		return;
	q->page = NULL;
	job_queue(q->en, page_work, page_done, p);
}

static void bucket_finish_work(struct catalog *c, void *ctx)
{
	struct objects_job *q = ctx;
	q->c = c;
	if (q->rc == RC_OK && q->why[0])
		q->rc = err_set(&q->err, RC_INCOMPLETE, "%s", q->why);
	if (q->rc == RC_OK)
		q->rc = finish(q);
	if (q->rc == RC_OK)
		q->rc = sentinels(q);
}

/* Pages are in before this job's turn comes. */
static void bucket_listed(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct objects_job *q = ctx;
	(void)found;
	(void)n;
	if (q->page)
		job_queue(q->en, page_work, page_done, q->page);
	q->page = NULL;
	if (!complete)
		snprintf(q->why, sizeof q->why, "%.150s", trouble);
	else if (q->count.objects > q->cfg->most)
		snprintf(q->why, sizeof q->why, "the bucket holds more than %" PRId64 " objects; raise `most` of this source if that is right", q->cfg->most);
	job_queue(q->en, bucket_finish_work, list_done, q);
}

static void bucket_begin_work(struct catalog *c, void *ctx)
{
	struct objects_job *q = ctx;
	q->c = c;
	q->rc = begin(q);
}

static void bucket_begun(void *ctx)
{
	struct objects_job *q = ctx;
	if (q->rc == RC_OK && q->en->closing)
		q->rc = err_set(&q->err, RC_CANCELLED, "the engine stops: the bucket was not listed");
	if (q->rc == RC_OK)
		walk_lane(q->en, q->cfg->lane, bucket_item, bucket_listed, q);
	else
		list_done(q);
}

static void rows_listed(void *ctx, const struct records_list *l)
{
	struct objects_job *q = ctx;
	if (l->rc == RC_OK && q->cfg && !q->en->closing) {
		if (q->cfg->type == CFG_OBJECTS_S3)
			job_queue(q->en, bucket_begin_work, bucket_begun, q);
		else
			job_queue(q->en, list_work, list_done, q);
		return;
	}
	q->fn(q->ctx, l);
	free(q);
}

void discover_known(struct engine *en, struct erecords *r, discover_records_fn *fn, void *ctx)
{
	struct objects_job *q = xcalloc(1, sizeof *q);
	*q = (struct objects_job){ .en = en, .r = r, .fn = fn, .ctx = ctx, .cfg = r->cfg->objects < 0 ? NULL : &en->cfg->objects[r->cfg->objects] };
	r->objects = (struct eobjects){ .cfg = q->cfg };
	if (q->cfg)
		snprintf(r->objects.trouble, sizeof r->objects.trouble, "objects %s are not listed yet", q->cfg->name);
	discover_records(en, r, rows_listed, q);
}

void objects_facts(const struct erecords *r, struct policy_facts *f)
{
	const struct eobjects *o = &r->objects;
	f->objects = r->cfg->objects < 0 ? POLICY_OBJECTS_NONE : o->complete ? POLICY_OBJECTS_LISTED : POLICY_OBJECTS_UNKNOWN;
	f->objects_by_item = o->cfg && o->cfg->item_key != CFG_ITEM_KEY_NONE;
	f->objects_trouble = o->complete ? NULL : o->trouble[0] ? o->trouble : "objects are not listed yet";
}

void objects_where(const struct runner *r, struct validation *v)
{
	const struct cfg_objects *cfg = r->records->objects.cfg;
	if (!cfg)
		return;
	v->objects_prefix = slice_of(prefix_of(cfg));
	for (int i = 0; i < v->lanes; i++)
		if (cfg->type == CFG_OBJECTS_S3 && v->lane_of[i] == cfg->lane && !v->excluded[i])
			v->objects_lane = i;
}

void objects_json(const struct erecords *r, struct jw *w)
{
	const struct eobjects *o = &r->objects;
	if (r->cfg->objects < 0)
		return;
	jw_key(w, "objects");
	jw_obj(w);
	jw_kz(w, "name", o->cfg ? o->cfg->name : "");
	jw_kbool(w, "complete", o->complete);
	jw_ki64(w, "objects", o->count);
	jw_ki64(w, "bytes", o->bytes);
	jw_ki64(w, "others", o->others);
	if (!o->complete)
		jw_kz(w, "trouble", o->trouble);
	jw_end_obj(w);
}

void objects_proof(const struct erecords *r, struct buf *out)
{
	const struct eobjects *o = &r->objects;
	if (!o->cfg)
		return;
	if (!o->complete) {
		buf_addf(out, "; %s", o->trouble);
		return;
	}
	buf_addf(out, "; objects %s: %" PRId64 " in %s", o->cfg->name, o->count, o->cfg->path ? o->cfg->path : "their bucket");
	if (o->others)
		buf_addf(out, ", %" PRId64 " that are no files not followed", o->others);
	if (o->cfg->may_be_empty)
		buf_adds(out, "; declared: they may be none");
}

struct slice objects_of(const struct catalog_row *rows, size_t live)
{
	for (size_t i = 0; i < live; i++)
		if (rows[i].object.n && rows[i].object_found)
			return rows[i].object;
	return SLICE_LIT("");
}
