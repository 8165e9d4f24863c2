/* Windows of the candidates and one of them with its evidence: read on a worker, with a connection of their own. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/query.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdlib.h>

struct looking {
	struct engine *en;
	engine_reply *reply;
	void *ctx;
	enum rc rc;
	struct err err;
	struct buf out;
	struct jw w;
	struct catalog_window window;
	struct query filter;
	struct buf text, id;
	bool detail;
	int64_t listed_us, found;
	struct slice lane_name[CFG_MAX_LANES];
	/* while it runs */
	struct looking *next;
	struct buf query;               /* the asker's name for it; empty: nobody will ask */
	struct catalog *reader;         /* with its last order; NULL: opened by the work */
	_Atomic int64_t looked, of;
	atomic_bool stop;
};

static struct looking *looking_new(struct engine *en, engine_reply *r, void *ctx)
{
	struct looking *q = xcalloc(1, sizeof *q);
	q->en = en;
	q->reply = r;
	q->ctx = ctx;
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		q->lane_name[i] = slice_of(en->cfg->lanes[i].name);
	jw_init(&q->w, &q->out);
	q->next = en->lookings;
	en->lookings = q;
	q->reader = en->look_reader;    /* one at a time: the next to come opens another */
	en->look_reader = NULL;
	return q;
}

static void let_go(struct looking *q)
{
	struct looking **at = &q->en->lookings;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	bool sound = q->rc == RC_OK || q->rc == RC_CANCELLED;
	if (!sound || q->en->look_reader)
		catalog_close(q->reader);
	else
		q->en->look_reader = q->reader;
}

static void answer(void *ctx)
{
	struct looking *q = ctx;
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	buf_done(&q->out);
	let_go(q);
	buf_done(&q->text);
	buf_done(&q->id);
	buf_done(&q->query);
	free(q);
}

static enum rc one_candidate(void *ctx, const struct catalog_verdict *v)
{
	static const char *const classes[] = { "R0", "R1", "R2", "R3" };
	struct looking *q = ctx;
	struct buf shown;
	struct jw *w = &q->w;
	buf_init(&shown);
	struct text_info info = text_show(&shown, v->name, 0, false);
	buf_done(&shown);
	q->found++;
	jw_obj(w);
	jw_kstr(w, "lane", v->lane >= 0 && v->lane < CFG_MAX_LANES ? q->lane_name[v->lane] : SLICE_LIT(""));
	jw_kstr(w, "id", v->id);
	jw_kstr(w, "name", v->name);
	jw_kbool(w, "altered", info.altered);
	jw_kstr(w, "purpose", v->purpose);
	jw_kopt(w, "bytes", v->bytes);
	jw_kopt(w, "created_us", v->created_us);
	jw_kz(w, "verdict", v->verdict >= 0 && v->verdict < VERDICT_COUNT ? verdict_name((enum verdict)v->verdict) : "?");
	jw_kstr(w, "rule", v->rule);
	jw_kz(w, "class", v->class_ >= 0 && v->class_ < (int)ARRAY_LEN(classes) ? classes[v->class_] : "R0");
	jw_kstr(w, "where", v->where);
	jw_kstr(w, "reason", v->reason);
	jw_kopt(w, "rank", v->rank ? v->rank : -1);
	if (q->detail) {
		jw_key(w, "evidence");
		jw_raw(w, v->evidence);
	}
	jw_end_obj(w);
	return RC_OK;
}

/* On the worker. */
static enum rc reader(struct looking *q)
{
	if (q->reader && !catalog_moved(q->reader))
		return RC_OK;
	catalog_close(q->reader);
	q->reader = NULL;
	return catalog_open(&q->reader, q->en->paths->catalog, CATALOG_READER, &q->err);
}

static bool on_progress(void *ctx, int64_t looked, int64_t of)
{
	struct looking *q = ctx;
	atomic_store(&q->looked, looked);
	atomic_store(&q->of, of);
	return !atomic_load(&q->stop) && !atomic_load(&q->en->no_proofs);
}

static void window_work(void *ctx)
{
	struct looking *q = ctx;
	int64_t total = 0;
	q->rc = reader(q);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	jw_key(&q->w, "rows");
	jw_arr(&q->w);
	q->rc = catalog_window(q->reader, &q->window, &total, one_candidate, q, &q->err);
	jw_end_arr(&q->w);
	jw_ki64(&q->w, "total", total);
	jw_ki64(&q->w, "offset", q->window.offset);
	jw_kopt(&q->w, "listed_us", q->listed_us);
	jw_kbool(&q->w, "loading", false);
	jw_end_obj(&q->w);
}

/* ---- what is asked for ---- */

static enum rc read_lane(const struct engine *en, struct slice name, int32_t *lane, struct err *e)
{
	char shown[80];
	*lane = name.n ? config_lane_index(en->cfg, name) : -1;
	if (name.n && *lane < 0)
		return err_set(e, RC_USAGE, "there is no lane %s; sluice lanes lists them", text_z(shown, sizeof shown, name));
	return RC_OK;
}

/* Names of the configuration and of the policy become the numbers of the catalogue. */
static enum rc resolve(const struct engine *en, struct query *f, struct err *e)
{
	enum rc rc = RC_OK;
	int32_t lane;
	for (int i = 0; i < f->terms && rc == RC_OK; i++) {
		struct query_term *t = &f->term[i];
		enum verdict v;
		if (t->key == QUERY_LANE) {
			rc = read_lane(en, query_value(f, t), &lane, e);
			t->number = lane;
		} else if (t->key == QUERY_STATE) {
			t->number = verdict_parse(query_value(f, t), &v) ? (int64_t)v : CATALOG_PLANNED;
		}
	}
	return rc;
}

static enum rc read_order(struct slice s, enum catalog_order *out, struct err *e)
{
	static const char *const words[] = { [CATALOG_BY_RANK] = "rank", [CATALOG_BY_SIZE] = "size", [CATALOG_BY_AGE] = "age",
		[CATALOG_BY_NAME] = "name", [CATALOG_BY_ID] = "id", [CATALOG_BY_LANE] = "lane", [CATALOG_BY_STATE] = "state",
		[CATALOG_BY_RULE] = "rule", [CATALOG_BY_CLASS] = "class", [CATALOG_BY_WHERE] = "where", [CATALOG_BY_WHY] = "why" };
	*out = CATALOG_BY_RANK;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (slice_is(s, words[i])) {
			*out = (enum catalog_order)i;
			return RC_OK;
		}
	return s.n == 0 ? RC_OK : err_set(e, RC_USAGE, "order is rank, size, age, name, id, lane, state, rule, class, where or why");
}

static enum rc read_window(struct looking *q, const struct engine_window *f)
{
	struct catalog_window *w = &q->window;
	enum verdict v = VERDICT_KEPT;
	*w = (struct catalog_window){ .verdict = -1, .descending = f->desc, .offset = MAX(f->offset, 0), .filter = &q->filter,
		.progress = on_progress, .progress_ctx = q, .limit = (int)(f->limit > 0 ? MIN(f->limit, 1000) : 100) };
	enum rc rc = read_lane(q->en, f->lane, &w->lane, &q->err);
	if (rc == RC_OK && f->verdict.n && !verdict_parse(f->verdict, &v))
		rc = err_set(&q->err, RC_USAGE, "verdict is candidate, protected, ineligible or kept");
	if (rc == RC_OK && f->verdict.n)
		w->verdict = (int32_t)v;
	if (rc == RC_OK)
		rc = read_order(f->order, &w->order, &q->err);
	if (rc == RC_OK)
		rc = query_parse(&q->filter, f->filter, NULL, &q->err);
	return rc == RC_OK ? resolve(q->en, &q->filter, &q->err) : rc;
}

/* To the minute, so that the pages of a list that is scrolled are of one order. */
static int64_t ages_from(const struct query *f)
{
	bool ages = false;
	for (int i = 0; i < f->terms; i++)
		ages |= f->term[i].key == QUERY_AGE;
	return ages ? now_read().wall_us / 60000000 * 60000000 : 0;
}

void engine_candidates(struct engine *en, const struct engine_window *f, engine_reply *r, void *ctx)
{
	struct looking *q = looking_new(en, r, ctx);
	q->rc = read_window(q, f);
	if (q->rc != RC_OK) {
		answer(q);
		return;
	}
	q->window.now_us = ages_from(&q->filter);
	buf_add(&q->query, f->query.p, f->query.n);
	buf_add(&q->text, f->text.p, f->text.n);
	q->window.text = buf_slice(&q->text);
	q->listed_us = en->cfg->n_lanes && en->lane[0].listed ? en->lane[0].listed_us : -1;
	job_read(en, window_work, answer, q);
}

/* ---- while it runs ---- */

static struct looking *running(const struct engine *en, struct slice query)
{
	struct looking *q = en->lookings;
	while (q && (query.n == 0 || !slice_eq(buf_slice(&q->query), query)))
		q = q->next;
	return q;
}

void engine_candidates_progress(struct engine *en, struct slice query, struct buf *out)
{
	struct looking *q = running(en, query);
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kbool(&w, "running", q != NULL);
	jw_kopt(&w, "looked", q ? atomic_load(&q->looked) : -1);
	jw_kopt(&w, "of", q && atomic_load(&q->of) > 0 ? atomic_load(&q->of) : -1);
	jw_end_obj(&w);
}

void engine_candidates_stop(struct engine *en, struct slice query, struct buf *out)
{
	struct looking *q = running(en, query);
	struct jw w;
	if (q)
		atomic_store(&q->stop, true);
	jw_init(&w, out);
	jw_obj(&w);
	jw_kbool(&w, "running", q != NULL);
	jw_end_obj(&w);
}

/* ---- one item ---- */

static void one_work(void *ctx)
{
	struct looking *q = ctx;
	q->rc = reader(q);
	if (q->rc != RC_OK)
		return;
	q->detail = true;
	q->rc = catalog_one(q->reader, buf_slice(&q->id), one_candidate, q, &q->err);
	if (q->rc == RC_OK && !q->found)
		q->rc = err_set(&q->err, RC_NOT_FOUND, "no item of the last validation has this id");
}

void engine_candidate(struct engine *en, struct slice id, engine_reply *r, void *ctx)
{
	struct looking *q = looking_new(en, r, ctx);
	buf_add(&q->id, id.p, id.n);
	job_read(en, one_work, answer, q);
}
