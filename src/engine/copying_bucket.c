/* Copies that go into a bucket: room there as far as its lane tells, the verified copy put and taken out of the directory. */
#include "engine/copying_impl.h"
#include "engine/vault.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool copying_bucket_is(const struct copying *x) { return x->en->cfg->escrow.lane >= 0; }

/* ---- room ---- */

struct measuring {
	struct copying *x;
	int64_t items, bytes;
};

static void one_copy(void *ctx, const struct lane_item *it)
{
	struct measuring *m = ctx;
	m->items++;
	m->bytes += MAX(it->bytes, 0);
}

static void measured(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct measuring *m = ctx;
	struct copying *x = m->x;
	const struct cfg_lane *l = &x->en->cfg->lanes[x->en->cfg->escrow.lane];
	char why[200] = "";
	(void)found;
	(void)n;
	if (!complete)
		snprintf(why, sizeof why, "the bucket of copies could not be listed: %.120s", trouble);
	else if (l->quota_items >= 0 && m->items + x->need_items > l->quota_items)
		snprintf(why, sizeof why, "no room in the bucket of lane %.60s: %" PRId64 " copies to put, it holds %" PRId64 " of %" PRId64, l->name, x->need_items,
			 m->items, l->quota_items);
	else if (l->quota_bytes >= 0 && m->bytes + x->need > l->quota_bytes)
		snprintf(why, sizeof why, "no room in the bucket of lane %.60s: %" PRId64 " bytes to put, it holds %" PRId64 " of %" PRId64, l->name, x->need, m->bytes,
			 l->quota_bytes);
	if (why[0])
		copying_disk_failed(x, why);
	free(m);
	x->ready = true;
	copying_go(x);
}

void copying_bucket_room(struct copying *x)
{
	const struct cfg_lane *l = &x->en->cfg->lanes[x->en->cfg->escrow.lane];
	if (l->quota_items < 0 && l->quota_bytes < 0) {         /* a bucket tells nobody how much it takes */
		x->ready = true;
		copying_go(x);
		return;
	}
	struct measuring *m = xcalloc(1, sizeof *m);
	m->x = x;
	walk_lane(x->en, x->en->cfg->escrow.lane, one_copy, measured, m);
}

/* ---- one copy ---- */

static struct slice lane_name_of(const struct copy_task *t) { return slice_of(t->x->en->lane[t->x->r->lane_of[t->lane]].cfg->name); }

static void local_path(const struct copy_task *t, struct buf *out) { escrow_path(t->x->dir, lane_name_of(t), t->item->id, out); }

static void settle(void *ctx) { copying_item_settle(ctx); }

/* It is in the bucket, or it is nowhere: the one in the directory counts for nothing either way. */
static void leave_work(void *ctx)
{
	struct copy_task *t = ctx;
	struct buf path = { 0 };
	struct err e;
	local_path(t, &path);
	if (t->far_fd >= 0)
		close(t->far_fd);
	if (escrow_remove(buf_z(&path), &e) != RC_OK)
		log_warn("escrow", NULL, "%s", e.text);
	buf_done(&path);
}

static void put_done(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct copy_task *t = ctx;
	(void)fd;
	if (rc != RC_OK) {
		t->rc = err_set(&t->err, rc, "%s", e->text);
		buf_clear(&t->far);
	}
	loop_work(t->x->en->loop, leave_work, settle, t);
}

static void open_work(void *ctx)
{
	struct copy_task *t = ctx;
	struct buf path = { 0 };
	local_path(t, &path);
	t->far_fd = open(buf_z(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (t->far_fd < 0)
		t->rc = err_set(&t->err, RC_IO, "cannot open the copy %.200s: %s", buf_z(&path), strerror(errno));
	buf_done(&path);
}

static void opened(void *ctx)
{
	struct copy_task *t = ctx;
	if (t->rc != RC_OK) {
		copying_item_settle(t);
		return;
	}
	vault_path(t->x->en, lane_name_of(t), t->item->id, &t->made, &t->far);
	const struct vault_copy c = { .path = buf_slice(&t->far), .bytes = t->made_bytes, .sha256 = t->made };
	vault_put(t->x->en, &c, t->far_fd, put_done, t);
}

void copying_bucket_put(struct copy_task *t)
{
	loop_work(t->x->en->loop, open_work, opened, t);
}

/* ---- one that is there ---- */

/* Unless it is known to be none, it stays in the index as it is. */
static void proved(void *ctx, enum rc rc, const struct err *e, int fd)
{
	struct copy_task *t = ctx;
	(void)fd;
	if (rc != RC_OK && rc != RC_NOT_FOUND && rc != RC_FORMAT && rc != RC_REFUSED) {
		copying_disk_failed(t->x, e->text);
		copying_settled(t, false, e->text);
		return;
	}
	t->rc = rc == RC_OK && t->has_sha && !hash_eq(&t->sha, &t->made) ? RC_FORMAT : rc;
	copying_item_looked(t);
}

static void no_hash(void *ctx)
{
	struct copy_task *t = ctx;
	t->rc = RC_FORMAT;
	copying_item_looked(t);
}

void copying_bucket_look(struct copy_task *t)
{
	if (!hash_parse(&t->made, t->old.sha256)) {
		loop_defer(t->x->en->loop, no_hash, t);
		return;
	}
	const struct vault_copy c = { .path = t->old.path, .bytes = t->old.bytes, .sha256 = t->made };
	vault_read(t->x->en, &c, false, proved, t);
}
