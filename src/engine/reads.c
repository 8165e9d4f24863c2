/* Reads of the log that run on a worker with connections of their own. Its proof: verifying.c. */
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
	struct audit_filter filter;
	struct buf actor, kind, subject;
	struct checkpoint signed_head;
	struct audit_head head;
};

static struct read_ctx *read_new(struct engine *en, engine_reply *r, void *ctx)
{
	struct read_ctx *q = xcalloc(1, sizeof *q);
	q->en = en;
	q->reply = r;
	q->ctx = ctx;
	q->head = store_head(en->store);
	jw_init(&q->w, &q->out);
	return q;
}

static void answer(void *ctx)
{
	struct read_ctx *q = ctx;
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&q->out) : NULL);
	buf_done(&q->out);
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

static enum rc one_line(void *ctx, const struct audit_record *rec)
{
	struct read_ctx *q = ctx;
	struct buf b;
	buf_init(&b);
	audit_json(&b, rec);
	jw_str(&q->w, buf_slice(&b));
	buf_done(&b);
	return RC_OK;
}

/* Lines as text, so that every byte that was hashed arrives. */
static void export_work(void *ctx)
{
	struct read_ctx *q = ctx;
	struct db *d;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	jw_key(&q->w, "lines");
	jw_arr(&q->w);
	q->rc = audit_query(d, &q->filter, one_line, q, &q->err);
	jw_end_arr(&q->w);
	jw_ki64(&q->w, "to", q->head.seq);
	jw_key(&q->w, "signed");
	if (q->signed_head.is_signed) {
		jw_obj(&q->w);
		checkpoint_write(&q->w, &q->signed_head);
		jw_end_obj(&q->w);
	} else {
		jw_null(&q->w);
	}
	jw_end_obj(&q->w);
	db_close(d);
}

void engine_audit_export(struct engine *en, int64_t after, int64_t to, int limit, engine_reply *r, void *ctx)
{
	struct read_ctx *q = read_new(en, r, ctx);
	if (to > 0)
		q->head.seq = MIN(to, q->head.seq);
	else
		(void)anchoring_sign(en, &q->signed_head);
	q->filter = (struct audit_filter){ .after_seq = after, .before_seq = q->head.seq + 1, .limit = limit, .oldest_first = true };
	job_read(en, export_work, answer, q);
}

/* ---- one record and its place in the chain ---- */

struct place {
	struct read_ctx *q;
	int64_t seq;
	bool found;
	struct hash prev, next_prev, hash;
	bool has_prev, has_next, recomputed;
};

static enum rc one_place(void *ctx, const struct audit_record *rec)
{
	struct place *p = ctx;
	struct hasher *h;
	struct hash again;
	if (rec->seq == p->seq - 1) {
		p->has_prev = true;
		p->prev = rec->hash;
	} else if (rec->seq == p->seq + 1) {
		p->has_next = true;
		p->next_prev = rec->prev;
	} else if (rec->seq == p->seq) {
		h = hasher_new();
		audit_hash(h, rec, &again);
		hasher_free(h);
		p->found = true;
		p->hash = rec->hash;
		p->recomputed = hash_eq(&again, &rec->hash);
		if (p->has_prev)
			p->has_prev = hash_eq(&p->prev, &rec->prev);
		else
			p->has_prev = rec->seq == 1 || rec->kind == AUDIT_SEAL;
		jw_key(&p->q->w, "record");
		return one_record(p->q, rec);
	}
	return RC_OK;
}

static enum rc first_checkpoint(void *ctx, const struct audit_record *rec)
{
	*(int64_t *)ctx = rec->seq;
	return RC_FULL;
}

/* The next checkpoint of the log after it, which signs it with all before. */
static int64_t next_checkpoint(struct db *d, int64_t seq)
{
	struct audit_filter f = { .after_seq = seq, .limit = 1, .kind = slice_of(audit_kind_name(AUDIT_CHECKPOINT)), .oldest_first = true };
	struct err e;
	int64_t at = -1;
	if (audit_query(d, &f, first_checkpoint, &at, &e) == RC_OK)
		return -1;
	return at;
}

static void show_work(void *ctx)
{
	struct read_ctx *q = ctx;
	struct place p = { .q = q, .seq = q->filter.after_seq + 2 };
	struct db *d;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	jw_obj(&q->w);
	q->rc = audit_query(d, &q->filter, one_place, &p, &q->err);
	if (q->rc == RC_OK && !p.found)
		q->rc = err_set(&q->err, RC_NOT_FOUND, "the log has no record %lld here", (long long)p.seq);
	jw_kbool(&q->w, "recomputed", p.recomputed);
	jw_kbool(&q->w, "follows", p.has_prev);
	jw_key(&q->w, "followed");
	if (p.has_next)
		jw_bool(&q->w, hash_eq(&p.hash, &p.next_prev));
	else
		jw_null(&q->w);
	jw_kopt(&q->w, "signed_by_record", q->rc == RC_OK ? next_checkpoint(d, p.seq) : -1);
	jw_end_obj(&q->w);
	db_close(d);
}

void engine_audit_show(struct engine *en, int64_t seq, engine_reply *r, void *ctx)
{
	struct read_ctx *q = read_new(en, r, ctx);
	q->filter = (struct audit_filter){ .after_seq = seq - 2, .before_seq = seq + 2, .limit = 3, .oldest_first = true };
	job_read(en, show_work, answer, q);
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
