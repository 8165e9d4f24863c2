/* How long copies in escrow stay: first the log says that they go, then they go. */
#include "engine/internal.h"
#include "engine/vault.h"

#include "base/log.h"
#include "base/mem.h"
#include "escrow/escrow.h"

#include <stdlib.h>

enum { EXPIRED_AT_ONCE = 1000 };

struct expiry {
	struct engine *en;
	int64_t before_us, open_cycle;
	bool armed;
	struct journal *j;
	char *path[EXPIRED_AT_ONCE];
	int n;
};

static enum rc expire(void *ctx, const struct journal_escrow *x)
{
	struct expiry *q = ctx;
	struct journal_escrow now = *x;
	if (x->at_us >= q->before_us || x->cycle == q->open_cycle || q->n == EXPIRED_AT_ONCE)
		return RC_OK;
	if (vault_holds(x->path) && !q->armed)
		return RC_OK;           /* nothing may be deleted there now */
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", x->lane);
	jw_kz(&w, "outcome", "discarded");
	jw_kz(&w, "why", "it was kept for as long as keep_for says");
	jw_end_obj(&w);
	journal_audit(q->j, AUDIT_ESCROW_OUTCOME, &actor_engine, x->id, x->cycle, SLICE_LIT(""), buf_slice(&b));
	buf_done(&b);
	now.state = SLICE_LIT("discarded");
	now.at_us = now_read().wall_us;
	journal_escrow(q->j, &now);
	q->path[q->n++] = xstrndup(x->path.p, x->path.n);
	return RC_OK;
}

static void expiry_free(void *ctx)
{
	struct expiry *q = ctx;
	for (int i = 0; i < q->n; i++)
		free(q->path[i]);
	journal_free(q->j);
	free(q);
}

static void remove_work(void *ctx)
{
	struct expiry *q = ctx;
	struct err e;
	for (int i = 0; i < q->n; i++)
		if (!vault_holds(slice_of(q->path[i])) && escrow_remove(q->path[i], &e) != RC_OK)
			log_warn("escrow", NULL, "%s", e.text);
}

static void removed(void *ctx)
{
	struct expiry *q = ctx;
	for (int i = 0; i < q->n && !q->en->closing; i++)
		if (vault_holds(slice_of(q->path[i])))
			vault_remove(q->en, slice_of(q->path[i]));
	expiry_free(q);
}

static void expiry_recorded(void *ctx, enum rc rc, const struct err *e)
{
	struct expiry *q = ctx;
	(void)e;
	if (rc == RC_OK && !q->en->closing)
		job_read(q->en, remove_work, removed, q);
	else
		expiry_free(q);
}

static void expire_work(void *ctx)
{
	struct expiry *q = ctx;
	const struct escrow_filter f = { .state = SLICE_LIT("ok") };
	struct db *d;
	struct err e;
	if (db_open(&d, q->en->paths->db, DB_READER, NULL, &e) != RC_OK)
		return;
	if (escrow_each(d, &f, expire, q, &e) != RC_OK)
		log_warn("escrow", NULL, "%s", e.text);
	db_close(d);
}

static void expired(void *ctx)
{
	struct expiry *q = ctx;
	struct journal *j = q->j;
	if (!q->n || q->en->closing) {
		expiry_free(q);
		return;
	}
	q->j = NULL;
	store_commit(q->en->store, j, expiry_recorded, q);
}

void keeping_expire(struct engine *en)
{
	int64_t now = now_read().wall_us, keep_us = en->cfg->escrow.keep_for_ms * 1000;
	if (!keep_us || en->closing || en->stopping)
		return;
	struct expiry *q = xcalloc(1, sizeof *q);
	*q = (struct expiry){ .en = en, .before_us = now - keep_us, .open_cycle = runner_open(en) ? en->run->c->id : -1, .armed = en->mode == MODE_ARMED, .j = journal_new() };
	job_read(en, expire_work, expired, q);
}
