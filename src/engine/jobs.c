#include "engine/internal.h"

#include "base/mem.h"

#include <stdlib.h>

struct job {
	struct engine *en;
	void (*work)(struct catalog *c, void *ctx);     /* NULL: only its turn is wanted */
	void (*done)(void *ctx);
	void *ctx;
	struct job *next;
};

static void job_start(struct engine *en);

static void job_work(void *ctx)
{
	struct job *j = ctx;
	j->work(j->en->catalog, j->ctx);
}

static void job_done(void *ctx)
{
	struct job *j = ctx;
	struct engine *en = j->en;
	en->job_running = false;
	job_start(en);
	j->done(j->ctx);
	free(j);
}

/* Its turn has come, and lasts until job_let_go. */
static void job_turn(void *ctx)
{
	struct job *j = ctx;
	j->done(j->ctx);
	free(j);
}

static void job_start(struct engine *en)
{
	struct job *j = en->jobs;
	if (en->job_running || !j)
		return;
	en->jobs = j->next;
	if (!en->jobs)
		en->jobs_tail = &en->jobs;
	en->job_running = true;
	if (j->work)
		loop_work(en->loop, job_work, job_done, j);
	else
		loop_defer(en->loop, job_turn, j);
}

static void enqueue(struct engine *en, void (*work)(struct catalog *c, void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct job *j = xmalloc(sizeof *j);
	*j = (struct job){ .en = en, .work = work, .done = done, .ctx = ctx };
	if (!en->jobs_tail)
		en->jobs_tail = &en->jobs;
	*en->jobs_tail = j;
	en->jobs_tail = &j->next;
	job_start(en);
}

void job_queue(struct engine *en, void (*work)(struct catalog *c, void *ctx), void (*done)(void *ctx), void *ctx)
{
	enqueue(en, work, done, ctx);
}

void job_hold(struct engine *en, void (*turn)(void *ctx), void *ctx)
{
	enqueue(en, NULL, turn, ctx);
}

void job_let_go(struct engine *en)
{
	en->job_running = false;
	job_start(en);
}

struct read {
	struct engine *en;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static void read_work(void *ctx)
{
	struct read *r = ctx;
	r->work(r->ctx);
}

static void read_done(void *ctx)
{
	struct read *r = ctx;
	r->en->reads_running--;
	r->done(r->ctx);
	free(r);
}

void job_read(struct engine *en, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct read *r = xmalloc(sizeof *r);
	*r = (struct read){ en, work, done, ctx };
	en->reads_running++;
	loop_work(en->loop, read_work, read_done, r);
}

bool jobs_idle(const struct engine *en)
{
	return !en->job_running && !en->jobs && !en->reads_running;
}
