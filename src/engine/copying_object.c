/* Where a lane gives no bytes back, the application's own copy of them: read, written, compared, in slices on a worker. Out of
 * a bucket they come as they do from any lane (copying_item.c). */
#include "engine/copying_impl.h"

#include "base/mem.h"
#include "escrow/objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PART = 256 << 10, PARTS = 16 };  /* read at once; of one slice */

struct copying_object {
	int fd;                         /* -1 = not open yet */
	bool whole;
};

static const struct ecopy *wish(const struct copy_task *t) { return &t->x->v->copy[t->item->nth]; }

bool copying_has_object(const struct copying *x, const struct plan_item *it)
{
	return x->objects && x->v->copy[it->nth].object.n;
}

static void open_it(struct copy_task *t)
{
	const struct cfg_objects *cfg = t->x->objects;
	const struct objects_dir d = { .path = cfg->path, .prefix = cfg->row_prefix ? cfg->row_prefix : "" };
	struct slice lane = slice_of(t->x->en->lane[t->x->r->lane_of[t->lane]].cfg->name);
	int64_t bytes;
	t->rc = objects_dir_open(&d, wish(t)->object, &t->object->fd, &bytes, &t->err);
	if (t->rc == RC_OK && t->item->bytes >= 0 && bytes != t->item->bytes)
		t->rc = err_set(&t->err, RC_FORMAT, "its object has %lld bytes instead of the %lld that the lane lists", (long long)bytes, (long long)t->item->bytes);
	if (t->rc == RC_OK)
		t->rc = escrow_begin(t->x->dir, lane, t->item->id, &t->copy, &t->err);
}

/* What cannot be read is the object's fault, not that of the disk that copies go to. */
static void one_part(struct copy_task *t, char *part)
{
	ssize_t n = read(t->object->fd, part, PART);
	if (n < 0 && errno == EINTR)
		return;
	if (n < 0)
		t->rc = err_set(&t->err, RC_INCOMPLETE, "its object cannot be read: %s", strerror(errno));
	else if (n == 0)
		t->object->whole = true;
	else if (t->item->bytes >= 0 && escrow_written(t->copy) + n > t->item->bytes)
		t->rc = err_set(&t->err, RC_FORMAT, "its object grew while it was read");
	else
		t->rc = escrow_write(t->copy, (struct slice){ part, (size_t)n }, &t->err);
}

static void slice_work(void *ctx)
{
	struct copy_task *t = ctx;
	char *part = xmalloc(PART);
	if (t->object->fd < 0)
		open_it(t);
	for (int i = 0; t->rc == RC_OK && !t->object->whole && i < PARTS; i++)
		one_part(t, part);
	free(part);
	if (t->rc == RC_OK && !t->object->whole)
		return;
	t->made_bytes = t->copy ? escrow_written(t->copy) : 0;
	if (t->rc == RC_OK)
		t->rc = escrow_finish(t->copy, t->item->bytes, t->has_sha ? &t->sha : NULL, &t->made, &t->err);
	else
		escrow_drop(t->copy);
	t->copy = NULL;
}

static void give_up_work(void *ctx)
{
	struct copy_task *t = ctx;
	escrow_drop(t->copy);
	t->copy = NULL;
	t->rc = err_set(&t->err, RC_CANCELLED, "%s", t->x->stopped);
}

static void over(void *ctx)
{
	struct copy_task *t = ctx;
	if (t->object->fd >= 0)
		close(t->object->fd);
	copying_item_end(t);
}

static void slice_done(void *ctx)
{
	struct copy_task *t = ctx;
	if (t->rc != RC_OK || t->object->whole)
		over(t);
	else
		loop_work(t->x->en->loop, t->x->stopped[0] ? give_up_work : slice_work, t->x->stopped[0] ? over : slice_done, t);
}

struct lane *copying_object_lane(const struct copy_task *t) { return t->x->en->lane[t->x->objects->lane].lane; }

struct slice copying_object_key(const struct copy_task *t)
{
	const char *prefix = t->x->objects->row_prefix ? t->x->objects->row_prefix : "";
	struct slice key = wish(t)->object;
	size_t skip = slice_starts(key, prefix) ? strlen(prefix) : key.n;
	return (struct slice){ key.p + skip, key.n - skip };
}

void copying_object_begin(struct copy_task *t)
{
	if (t->x->objects->type == CFG_OBJECTS_S3) {
		t->of_bucket = true;
		t->tries = t->waits = 0;
		copying_wait(t);
		return;
	}
	t->object = xmalloc(sizeof *t->object);
	*t->object = (struct copying_object){ .fd = -1 };
	loop_work(t->x->en->loop, slice_work, slice_done, t);
}
