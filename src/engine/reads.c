/* Reads that run on a worker with connections of their own: windows of candidates, the log, its proof. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct read_ctx {
	struct engine *en;
	engine_reply *reply;
	void *ctx;
	enum rc rc;
	struct err err;
	struct buf out;
	struct jw w;
	struct catalog_window window;
	struct buf text, id;
	struct audit_filter filter;
	struct buf actor, kind, subject;
	struct audit_verdict verdict;
	bool detail;
	int64_t listed_us;
	struct slice lane_name[CFG_MAX_LANES];
	struct audit_head head;
	int64_t found;
};

static struct read_ctx *read_new(struct engine *en, engine_reply *r, void *ctx)
{
	struct read_ctx *q = xcalloc(1, sizeof *q);
	q->en = en;
	q->reply = r;
	q->ctx = ctx;
	q->head = store_head(en->store);
	for (size_t i = 0; i < en->cfg->n_lanes; i++)
		q->lane_name[i] = slice_of(en->cfg->lanes[i].name);
	jw_init(&q->w, &q->out);
	return q;
}

static void answer(void *ctx)
{
	struct read_ctx *q = ctx;
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	buf_done(&q->out);
	buf_done(&q->text);
	buf_done(&q->id);
	buf_done(&q->actor);
	buf_done(&q->kind);
	buf_done(&q->subject);
	free(q);
}

static struct slice copy(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
	return buf_slice(b);
}

/* ---- candidates ---- */

static enum rc one_candidate(void *ctx, const struct catalog_verdict *v)
{
	struct read_ctx *q = ctx;
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
	jw_kz(w, "class", "R0");
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

static void candidates_work(void *ctx)
{
	struct read_ctx *q = ctx;
	struct catalog *c;
	int64_t total = 0;
	q->rc = catalog_open(&c, q->en->paths->catalog, false, &q->err);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	jw_key(&q->w, "rows");
	jw_arr(&q->w);
	q->rc = catalog_window(c, &q->window, &total, one_candidate, q, &q->err);
	jw_end_arr(&q->w);
	jw_ki64(&q->w, "total", total);
	jw_ki64(&q->w, "offset", q->window.offset);
	jw_kopt(&q->w, "listed_us", q->listed_us);
	jw_kbool(&q->w, "loading", false);
	jw_end_obj(&q->w);
	catalog_close(c);
}

static void refuse(engine_reply *r, void *ctx, const char *why)
{
	struct err e;
	err_set(&e, RC_USAGE, "%s", why);
	r(ctx, RC_USAGE, &e, NULL);
}

static bool order_parse(struct slice s, enum catalog_order *out)
{
	static const char *const words[] = { [CATALOG_BY_RANK] = "rank", [CATALOG_BY_SIZE] = "size", [CATALOG_BY_AGE] = "age",
		[CATALOG_BY_NAME] = "name", [CATALOG_BY_ID] = "id" };
	if (!s.n) {
		*out = CATALOG_BY_RANK;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (slice_is(s, words[i])) {
			*out = (enum catalog_order)i;
			return true;
		}
	return false;
}

void engine_candidates(struct engine *en, const struct engine_window *f, engine_reply *r, void *ctx)
{
	enum verdict v = VERDICT_KEPT;
	enum catalog_order order;
	int lane = f->lane.n ? config_lane_index(en->cfg, f->lane) : -1;
	if (f->lane.n && lane < 0) {
		refuse(r, ctx, "there is no such lane; sluice lanes lists them");
		return;
	}
	if (f->verdict.n && !verdict_parse(f->verdict, &v)) {
		refuse(r, ctx, "verdict is candidate, protected, ineligible or kept");
		return;
	}
	if (!order_parse(f->order, &order)) {
		refuse(r, ctx, "order is rank, size, age, name or id");
		return;
	}
	struct read_ctx *q = read_new(en, r, ctx);
	q->window = (struct catalog_window){ .lane = lane, .verdict = f->verdict.n ? (int32_t)v : -1, .order = order,
		.descending = f->desc, .offset = MAX(f->offset, 0), .limit = (int)(f->limit > 0 ? MIN(f->limit, 1000) : 100) };
	q->window.text = copy(&q->text, f->text);
	q->listed_us = en->cfg->n_lanes && en->lane[0].listed ? en->lane[0].listed_us : -1;
	job_read(en, candidates_work, answer, q);
}

static void candidate_work(void *ctx)
{
	struct read_ctx *q = ctx;
	struct catalog *c;
	q->rc = catalog_open(&c, q->en->paths->catalog, false, &q->err);
	if (q->rc != RC_OK)
		return;
	q->detail = true;
	q->rc = catalog_one(c, buf_slice(&q->id), one_candidate, q, &q->err);
	if (q->rc == RC_OK && !q->found)
		q->rc = err_set(&q->err, RC_NOT_FOUND, "no item of the last validation has this id");
	catalog_close(c);
}

void engine_candidate(struct engine *en, struct slice id, engine_reply *r, void *ctx)
{
	struct read_ctx *q = read_new(en, r, ctx);
	copy(&q->id, id);
	job_read(en, candidate_work, answer, q);
}

/* ---- the log ---- */

static enum rc one_record(void *ctx, const struct audit_record *rec)
{
	struct read_ctx *q = ctx;
	struct buf b;
	buf_init(&b);
	audit_json(&b, rec);
	jw_raw(&q->w, buf_slice(&b));
	buf_done(&b);
	return RC_OK;
}

static void tail_work(void *ctx)
{
	struct read_ctx *q = ctx;
	struct db *d;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	jw_key(&q->w, "records");
	jw_arr(&q->w);
	q->rc = audit_query(d, &q->filter, one_record, q, &q->err);
	jw_end_arr(&q->w);
	jw_key(&q->w, "head");
	jw_obj(&q->w);
	view_head(&q->w, &q->head);
	jw_end_obj(&q->w);
	jw_end_obj(&q->w);
	db_close(d);
}

void engine_audit_tail(struct engine *en, const struct audit_filter *f, engine_reply *r, void *ctx)
{
	struct read_ctx *q = read_new(en, r, ctx);
	q->filter = *f;
	q->filter.actor = copy(&q->actor, f->actor);
	q->filter.kind = copy(&q->kind, f->kind);
	q->filter.subject = copy(&q->subject, f->subject);
	job_read(en, tail_work, answer, q);
}

static void verify_work(void *ctx)
{
	struct read_ctx *q = ctx;
	const struct engine *en = q->en;
	struct db *d;
	const char *anchors = en->cfg->engine.anchor_file ? en->cfg->engine.anchor_file : en->paths->anchors;
	q->rc = db_open(&d, en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	q->rc = audit_verify(d, anchors, &q->verdict, NULL, NULL, &q->err);
	db_close(d);
}

static void verify_done(void *ctx)
{
	struct read_ctx *q = ctx;
	struct jw *w = &q->w;
	if (q->rc == RC_OK) {
		q->en->verified = q->verdict;
		q->en->verified_once = true;
		q->en->verified_us = now_read().wall_us;
		engine_changed(q->en, ENGINE_OVERVIEW);
		jw_obj(w);
		jw_kbool(w, "ok", q->verdict.ok);
		jw_ki64(w, "records", q->verdict.records);
		jw_kopt(w, "first_bad", q->verdict.first_bad ? q->verdict.first_bad : -1);
		view_optional_z(w, "why", q->verdict.why);
		jw_key(w, "head");
		jw_obj(w);
		view_head(w, &q->verdict.head);
		jw_end_obj(w);
		jw_end_obj(w);
	}
	answer(q);
}

void engine_audit_verify(struct engine *en, engine_reply *r, void *ctx)
{
	job_read(en, verify_work, verify_done, read_new(en, r, ctx));
}
