/* What the log's database keeps, in figures: read on a worker when the log has grown, never on the loop. */
#include "engine/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/otlp.h"
#include "store/census.h"

#include <stdlib.h>
#include <string.h>

enum { EVERY_MS = 2000, REST = 20 };    /* it works one part in twenty of the time at most */

struct counting {
	struct engine *en;
	struct census now;
	int64_t began_us;
	enum rc rc;
	struct err err;
};

static void work(void *ctx)
{
	struct counting *q = ctx;
	struct db *d = NULL;
	q->rc = db_open(&d, q->en->paths->db, DB_READER, NULL, &q->err);
	if (q->rc == RC_OK)
		q->rc = census_read(&q->now, d, &q->err);
	db_close(d);
}

static void done(void *ctx)
{
	struct counting *q = ctx;
	struct ecensus *x = &q->en->census;
	int64_t now = now_read().boot_us;
	x->busy = false;
	x->due_us = now + MAX((int64_t)EVERY_MS * 1000, (now - q->began_us) * REST);
	if (q->rc == RC_OK)
		x->now = q->now;
	else
		log_warn("store", NULL, "what the log keeps was not counted: %s", q->err.text);
	free(q);
}

void census_tick(struct engine *en)
{
	struct ecensus *x = &en->census;
	int64_t now = now_read().boot_us;
	if (x->busy || en->stopping || now < x->due_us || store_head(en->store).seq == x->now.seq)
		return;
	struct counting *q = xcalloc(1, sizeof *q);
	*q = (struct counting){ .en = en, .now = x->now, .began_us = now };
	x->busy = true;
	job_read(en, work, done, q);
}

/* A word that nothing has now keeps its line, as zero. */
static void part(struct metrics *m, const struct census_part *p, const char *const *known, size_t n, bool bytes)
{
	int64_t rest = 0;
	for (int i = 0; i < p->n; i++)
		rest += bytes ? p->of[i].bytes : p->of[i].count;
	for (size_t k = 0; k < n; k++) {
		int64_t v = 0;
		for (int i = 0; i < p->n; i++)
			if (!strcmp(p->of[i].word, known[k]))
				v = bytes ? p->of[i].bytes : p->of[i].count;
		metric_sample(m, "state", known[k], NULL, NULL, v);
		rest -= v;
	}
	if (rest)
		metric_sample(m, "state", "other", NULL, NULL, rest);
}

static void outcomes(struct metrics *m, const char *how, const struct census_part *p)
{
	for (int i = 0; i < p->n; i++)
		metric_sample(m, "how", how, "outcome", p->of[i].word, p->of[i].count);
}

void metrics_census(struct engine *en, struct metrics *m)
{
	static const char *const grants[] = { "proposed", "active", "spent", "lapsed", "revoked" };
	static const char *const copies[] = { "started", "ok", "discarded" };
	const struct census *c = &en->census.now;
	if (!c->seq)
		return;                 /* unknown is no line, and never zero */
	metric_family(m, "sluice_grants", "gauge", "Grants in the database by state; spent: its deleting began.");
	part(m, &c->grants, grants, ARRAY_LEN(grants), false);
	metric_family(m, "sluice_escrow_copies", "gauge", "Copies of items in escrow by state.");
	part(m, &c->copies, copies, ARRAY_LEN(copies), false);
	metric_family(m, "sluice_escrow_bytes", "gauge", "Bytes of the copies in escrow by state.");
	part(m, &c->copies, copies, ARRAY_LEN(copies), true);
	metric_family(m, "sluice_compensations_total", "counter", "Attempts to bring a deleted item back, in the log, by who wanted it and how they ended.");
	outcomes(m, "abort", &c->restores);
	outcomes(m, "hand", &c->by_hand);
}
