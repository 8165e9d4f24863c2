/* Proofs of the whole log, on workers with connections of their own: how far they are, and their end before it.
 * The worker says how far it is and reads whether to stop; all else is the loop's. */
#include "engine/internal.h"
#include "engine/view.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { AT_ONCE = 2 };                   /* of the workers: lists, plans and copies need the others */

struct verifying {
	struct engine *en;
	struct verifying *next;
	const void *asker;              /* NULL: the engine's own, or whoever asked is gone */
	struct buf query;
	engine_reply *reply;
	void *ctx;
	bool running;
	_Atomic int64_t done, of;
	atomic_bool stop;
	/* of the work */
	struct audit_proof proof;
	struct audit_verdict verdict;
	enum rc rc;
	struct err err;
};

static void next_turn(struct engine *en);

/* ---- the answer ---- */

static void write_verdict(struct jw *w, const struct audit_verdict *v)
{
	jw_obj(w);
	jw_kbool(w, "ok", v->ok);
	jw_ki64(w, "records", v->records);
	jw_kopt(w, "first_bad", v->first_bad ? v->first_bad : -1);
	view_optional_z(w, "why", v->why);
	jw_ki64(w, "anchors", v->anchors);
	jw_kopt(w, "anchored", v->anchored ? v->anchored : -1);
	jw_ki64(w, "checkpoints", v->checkpoints);
	jw_key(w, "head");
	jw_obj(w);
	view_head(w, &v->head);
	jw_end_obj(w);
	jw_end_obj(w);
}

static void let_go(struct verifying *q)
{
	struct verifying **at = &q->en->verifyings;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	buf_done(&q->query);
	free(q);
}

/* A proof that did not reach the end says nothing of the log, not even of the records it is past: a later one may
 * disown them. */
static enum rc not_whole(struct verifying *q)
{
	if (!atomic_load(&q->stop))
		return err_set(&q->err, RC_REFUSED, "the engine is stopping");
	return err_set(&q->err, RC_CANCELLED, "cancelled after %" PRId64 " of %" PRId64 " records: nothing is known of the log",
		       atomic_load(&q->done), atomic_load(&q->of));
}

static void answer(struct verifying *q)
{
	struct buf b;
	struct jw w;
	if (q->rc == RC_OK && q->verdict.stopped)
		q->rc = not_whole(q);
	buf_init(&b);
	jw_init(&w, &b);
	if (q->rc == RC_OK) {
		engine_verified(q->en, &q->verdict, true);
		write_verdict(&w, &q->verdict);
	}
	q->reply(q->ctx, q->rc, &q->err, q->rc == RC_OK ? buf_z(&b) : NULL);
	buf_done(&b);
	let_go(q);
}

/* ---- the work ---- */

/* A stop of the engine does not wait for a proof. */
static bool on_progress(void *ctx, int64_t done, int64_t of)
{
	struct verifying *q = ctx;
	atomic_store(&q->done, done);
	atomic_store(&q->of, of);
	return !atomic_load(&q->stop) && !atomic_load(&q->en->no_proofs);
}

static void work(void *ctx)
{
	struct verifying *q = ctx;
	struct db *d;
	anchoring_proof(q->en, &q->proof);
	q->proof.progress = on_progress;
	q->proof.ctx = q;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc != RC_OK)
		return;
	q->rc = audit_prove(d, &q->proof, &q->verdict, &q->err);
	db_close(d);
}

static void worked(void *ctx)
{
	struct verifying *q = ctx;
	struct engine *en = q->en;
	answer(q);
	next_turn(en);
}

/* The oldest that waits begins, while there is room. */
static void next_turn(struct engine *en)
{
	int running = 0;
	for (const struct verifying *q = en->verifyings; q; q = q->next)
		running += q->running;
	for (struct verifying *q = en->verifyings; q && running < AT_ONCE; q = q->next) {
		if (q->running)
			continue;
		q->running = true;
		running++;
		job_read(en, work, worked, q);
	}
}

void engine_audit_verify(struct engine *en, const void *asker, struct slice query, engine_reply *r, void *ctx)
{
	struct verifying *q = xcalloc(1, sizeof *q), **at = &en->verifyings;
	q->en = en;
	q->asker = asker;
	q->reply = r;
	q->ctx = ctx;
	buf_add(&q->query, query.p, query.n);
	while (*at)
		at = &(*at)->next;
	*at = q;
	next_turn(en);
}

/* ---- while it runs ---- */

static bool is_of(const struct verifying *q, const void *asker, struct slice query)
{
	return asker && q->asker == asker && query.n && slice_eq(buf_slice(&q->query), query);
}

void engine_audit_progress(struct engine *en, const void *asker, struct slice query, struct buf *out)
{
	struct verifying *q = en->verifyings;
	struct jw w;
	while (q && !is_of(q, asker, query))
		q = q->next;
	int64_t of = q ? atomic_load(&q->of) : 0;
	jw_init(&w, out);
	jw_obj(&w);
	jw_kbool(&w, "running", q != NULL);
	jw_kopt(&w, "done", of > 0 ? atomic_load(&q->done) : -1);
	jw_kopt(&w, "of", of > 0 ? of : -1);
	jw_end_obj(&w);
}

/* One that waits for its turn gets it, to end at once: its answer never comes from inside of the call. */
static void stop(struct verifying *q)
{
	atomic_store(&q->stop, true);
	if (q->running)
		return;
	q->running = true;
	job_read(q->en, work, worked, q);
}

void engine_audit_stop(struct engine *en, const void *asker, struct slice query, struct buf *out)
{
	bool any = false;
	struct jw w;
	for (struct verifying *q = en->verifyings; q; q = q->next)
		if (is_of(q, asker, query)) {
			stop(q);
			any = true;
		}
	jw_init(&w, out);
	jw_obj(&w);
	jw_kbool(&w, "running", any);
	jw_end_obj(&w);
}

void engine_asker_gone(struct engine *en, const void *asker)
{
	for (struct verifying *q = en->verifyings; q; q = q->next)
		if (asker && q->asker == asker) {
			q->asker = NULL;
			stop(q);
		}
}
