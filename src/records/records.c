#include "records/records.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "records/source.h"

enum job_kind { JOB_LIST, JOB_BATCH, JOB_COUNT, JOB_LEASE };

struct job {
	struct job *next;
	struct records *r;              /* NULL once the source has gone and the answer was given */
	enum job_kind kind;
	struct source source;           /* as it was when the job began; the worker's own */
	void *ctx;
	union {
		records_list_fn *list;
		records_answer_fn *batch;
		records_count_fn *count;
		records_lease_fn *lease;
	} fn;
	struct records_lease lease;
	records_page_fn *page;
	struct records_list list;
	struct batch batch;
	struct records_ref *refs;
	struct buf bytes;               /* what refs point into */
	char *token, *reason;
	enum rc rc;
	struct err err;
	int64_t count;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
	pthread_t thread;               /* of a call over the network, else a pool worker's */
	struct loop_wake *ended_wake;
};

struct records {
	struct loop *loop;
	struct source source;
	struct job *first, **last;      /* first is running if `busy` */
	bool busy;
};

const char *records_result_name(enum records_result r)
{
	switch (r) {
	case RECORDS_DONE: return "done";
	case RECORDS_NO_ROW: return "no row";
	case RECORDS_UNCLAIMED: return "unclaimed";
	case RECORDS_REFERENCED: return "referenced";
	case RECORDS_CHANGED: return "changed";
	case RECORDS_FAILED: return "failed";
	case RECORDS_REHEARSED: return "rehearsed";
	}
	return "";
}

static const struct adapter *const adapters[] = {
	[CFG_RECORDS_SQLITE] = &sqlite_adapter,
	[CFG_RECORDS_POSTGRESQL] = &postgres_adapter,
	[CFG_RECORDS_POSTGREST] = &postgrest_adapter,
};

enum rc records_new(struct records **out, struct loop *l, const struct config *all, const struct cfg_records *cfg, struct err *e)
{
	const struct adapter *a = adapters[cfg->kind];
	struct remote *remote = NULL;
	if (a->new) {
		enum rc rc = a->new(&remote, l, cfg, e);
		if (rc != RC_OK)
			return rc;
	}
	struct records *r = xcalloc(1, sizeof *r);
	r->loop = l;
	r->source = (struct source){ .cfg = cfg, .lanes = all->lanes, .adapter = a, .remote = remote, .permit = RECORDS_READS, .listed_us = -1 };
	r->last = &r->first;
	*out = r;
	return RC_OK;
}

void records_permit(struct records *r, enum records_permit p)
{
	r->source.permit = p;
}

void records_listed_since(struct records *r, int64_t wall_us)
{
	r->source.listed_us = wall_us;
}

const char *records_name(const struct records *r)
{
	return r->source.cfg->name;
}

/* ---- the queue ---- */

static void job_free(struct job *j)
{
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->ended);
	free(j->refs);
	free(j->batch.results);
	buf_done(&j->bytes);
	free(j->token);
	free(j->reason);
	free(j);
}

static void job_answer(struct job *j)
{
	switch (j->kind) {
	case JOB_LIST:
		j->fn.list(j->ctx, &j->list);
		return;
	case JOB_BATCH:
		j->fn.batch(j->ctx, &(struct records_answer){ .rc = j->rc, .err = j->err, .results = j->batch.results, .n = j->batch.n });
		return;
	case JOB_COUNT:
		j->fn.count(j->ctx, j->rc == RC_OK ? j->count : -1, &j->err);
		return;
	case JOB_LEASE:
		j->fn.lease(j->ctx, j->rc, &j->lease, &j->err);
		return;
	}
}

static void job_work(void *ctx)
{
	struct job *j = ctx;
	switch (j->kind) {
	case JOB_LIST:
		source_list(&j->source, j->page, j->ctx, &j->list);
		break;
	case JOB_BATCH:
		j->rc = source_batch(&j->source, &j->batch, &j->err);
		break;
	case JOB_COUNT:
		j->rc = source_count_claims(&j->source, j->token, &j->count, &j->err);
		break;
	case JOB_LEASE:
		j->rc = source_lease(&j->source, j->token, &j->lease, &j->err);
		break;
	}
	pthread_mutex_lock(&j->lock);
	j->over = true;
	pthread_cond_signal(&j->ended);
	pthread_mutex_unlock(&j->lock);
}

static void *job_thread(void *ctx)
{
	struct job *j = ctx;
	job_work(j);
	loop_wake_send(j->ended_wake);
	return NULL;
}

static void job_join(struct job *j)
{
	pthread_join(j->thread, NULL);
	loop_wake_free(j->ended_wake);
	j->ended_wake = NULL;
}

static void job_start(struct records *r);

static void job_done(void *ctx)
{
	struct job *j = ctx;
	struct records *r = j->r;
	if (j->ended_wake)
		job_join(j);
	if (!r) {
		job_free(j);
		return;
	}
	r->busy = false;
	r->first = j->next;
	if (!r->first)
		r->last = &r->first;
	if (j->kind == JOB_LIST)
		r->source.listed_us = j->source.listed_us;
	job_start(r);                   /* first: the callback may free the source */
	job_answer(j);
	job_free(j);
}

static void job_start(struct records *r)
{
	struct job *j = r->first;
	if (!j || r->busy)
		return;
	r->busy = true;
	j->source = r->source;
	if (!j->source.remote) {
		loop_work(r->loop, job_work, job_done, j);
		return;
	}
	j->ended_wake = loop_wake_new(r->loop, job_done, j);
	if (pthread_create(&j->thread, NULL, job_thread, j) != 0)
		die("records %s: no thread can be started", j->source.cfg->name);
}

static struct job *job_new(struct records *r, enum job_kind kind, void *ctx)
{
	struct job *j = xcalloc(1, sizeof *j);
	j->r = r;
	j->kind = kind;
	j->ctx = ctx;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->ended, NULL);
	return j;
}

static void job_enqueue(struct job *j)
{
	struct records *r = j->r;
	*r->last = j;
	r->last = &j->next;
	job_start(r);
}

static void job_cancel(struct job *j)
{
	j->rc = err_set(&j->err, RC_CANCELLED, "the engine stops: the records were not asked");
	j->list.rc = RC_CANCELLED;
	j->list.err = j->err;
	job_answer(j);
	job_free(j);
}

void records_free(struct records *r)
{
	if (!r)
		return;
	struct job *j = r->first;
	if (r->source.remote)
		r->source.adapter->stop(r->source.remote);
	if (r->busy) {
		pthread_mutex_lock(&j->lock);
		while (!j->over)
			pthread_cond_wait(&j->ended, &j->lock);
		pthread_mutex_unlock(&j->lock);
		struct job *next = j->next;
		j->r = NULL;            /* job_done frees it */
		job_answer(j);
		if (j->ended_wake)
			job_done(j);
		j = next;
	}
	while (j) {
		struct job *next = j->next;
		job_cancel(j);
		j = next;
	}
	if (r->source.remote)
		r->source.adapter->free(r->source.remote);
	free(r);
}

/* ---- calls ---- */

void records_list(struct records *r, records_page_fn *page, records_list_fn *done, void *ctx)
{
	struct job *j = job_new(r, JOB_LIST, ctx);
	j->page = page;
	j->fn.list = done;
	job_enqueue(j);
}

static void copy_refs(struct job *j, const struct records_ref *refs, size_t n)
{
	j->refs = xcalloc(n + 1, sizeof *j->refs);
	for (size_t i = 0; i < n; i++) {
		buf_add(&j->bytes, refs[i].lane.p, refs[i].lane.n);
		buf_add(&j->bytes, refs[i].file_id.p, refs[i].file_id.n);
		buf_add(&j->bytes, refs[i].key.p, refs[i].key.n);
		buf_add(&j->bytes, refs[i].new_id.p, refs[i].new_id.n);
	}
	const char *p = buf_z(&j->bytes);
	for (size_t i = 0; i < n; i++) {
		j->refs[i].lane = (struct slice){ p, refs[i].lane.n };
		j->refs[i].file_id = (struct slice){ p += refs[i].lane.n, refs[i].file_id.n };
		j->refs[i].key = (struct slice){ p += refs[i].file_id.n, refs[i].key.n };
		j->refs[i].new_id = (struct slice){ p += refs[i].key.n, refs[i].new_id.n };
		p += refs[i].new_id.n;
	}
}

static void batch(struct records *r, enum batch_op op, const struct records_ref *refs, size_t n, const char *token,
		  const char *reason, records_answer_fn *fn, void *ctx)
{
	struct job *j = job_new(r, JOB_BATCH, ctx);
	copy_refs(j, refs, n);
	j->token = xstrdup(token);
	j->reason = xstrdup(reason);
	j->fn.batch = fn;
	j->batch = (struct batch){ .op = op, .refs = j->refs, .n = n, .token = j->token, .reason = j->reason,
					  .results = xcalloc(n + 1, sizeof(enum records_result)) };
	job_enqueue(j);
}

void records_recheck(struct records *r, const struct records_ref *refs, size_t n, records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_RECHECK, refs, n, "", "", fn, ctx);
}

void records_claim(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_CLAIM, refs, n, token, "", fn, ctx);
}

void records_release(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_RELEASE, refs, n, token, "", fn, ctx);
}

void records_commit(struct records *r, const struct records_ref *refs, size_t n, const char *token, const char *reason,
		    records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_COMMIT, refs, n, token, reason, fn, ctx);
}

void records_remap(struct records *r, const struct records_ref *refs, size_t n, const char *token, records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_REMAP, refs, n, token, "", fn, ctx);
}

void records_count_claims(struct records *r, const char *token, records_count_fn *fn, void *ctx)
{
	struct job *j = job_new(r, JOB_COUNT, ctx);
	j->token = xstrdup(token);
	j->fn.count = fn;
	job_enqueue(j);
}

void records_lease(struct records *r, const char *who, records_lease_fn *fn, void *ctx)
{
	struct job *j = job_new(r, JOB_LEASE, ctx);
	j->token = xstrdup(who);
	j->fn.lease = fn;
	job_enqueue(j);
}

void records_purge(struct records *r, const struct records_ref *refs, size_t n, records_answer_fn *fn, void *ctx)
{
	batch(r, BATCH_PURGE, refs, n, "", "", fn, ctx);
}
