/* Before a batch is sent, the objects that its items' rows named are looked for once more: what lost its object since the
 * plan may be the last copy by now. */
#include "engine/acts_impl.h"

#include "base/mem.h"
#include "escrow/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECTS_SLICE = 1024 };         /* items whose evidence is read in one turn of the loop */

struct wanted_object {
	size_t item;                    /* of the batch */
	struct slice key;
};

struct looking {
	struct acts_batch *b;
	acts_then_fn *then;
	struct objects_dir dir;
	struct wanted_object *want;
	size_t n, cap;
	size_t read;                    /* so many items' evidence was read */
	const struct cfg_objects *cfg;
	struct arena *keys;
	char why[200];
};

static void want(struct looking *q, size_t item, struct slice key)
{
	GROW(q->want, q->cap, q->n + 1);
	q->want[q->n++] = (struct wanted_object){ item, { arena_strndup(q->keys, key.p, key.n), key.n } };
}

/* From the evidence that was approved with the plan. */
static void want_of(struct looking *q, size_t item, struct slice evidence)
{
	struct json_doc *d;
	struct slice key;
	if (json_parse(&d, evidence, NULL, NULL) != RC_OK)
		return;
	for (const struct json *x = json_first(json_root(d)); x; x = json_next(x)) {
		const struct json *all = slice_is(json_get_str(x, "rule"), "reconcile") ? json_get(x, "objects") : NULL;
		for (const struct json *o = all ? json_first(all) : NULL; o; o = json_next(o))
			if (json_str(o, &key))
				want(q, item, key);
	}
	json_doc_free(d);
}

static void look_work(void *ctx)
{
	struct looking *q = ctx;
	for (size_t i = 0; i < q->n; i++) {
		uint8_t *result = &q->b->results[q->want[i].item];
		int64_t bytes;
		struct err e;
		int fd;
		enum rc rc = *result == CHECK_SAME ? objects_dir_open(&q->dir, q->want[i].key, &fd, &bytes, &e) : RC_CANCELLED;
		if (rc == RC_OK)
			close(fd);
		else if (rc == RC_NOT_FOUND)
			*result = CHECK_PROTECTED;
		else if (rc != RC_CANCELLED)
			*result = CHECK_NO_ANSWER;
		if (rc == RC_INCOMPLETE && !q->why[0])
			snprintf(q->why, sizeof q->why, "objects could not be looked for: %.150s", e.text);
	}
}

static void look_done(void *ctx)
{
	struct looking *q = ctx;
	struct acts_batch *b = q->b;
	acts_then_fn *then = q->then;
	if (!b->why[0])
		snprintf(b->why, sizeof b->why, "%s", q->why);
	arena_free(q->keys);
	free(q->want);
	free(q);
	then(b);
}

/* One complete list of the bucket answers for all. */
static void bucket_listed(void *ctx, bool complete, const bool *found, size_t n, const char *trouble)
{
	struct looking *q = ctx;
	for (size_t i = 0; i < n; i++) {
		uint8_t *result = &q->b->results[q->want[i].item];
		if (!complete)
			*result = CHECK_NO_ANSWER;
		else if (!found[i] && *result == CHECK_SAME)
			*result = CHECK_PROTECTED;
	}
	if (!complete)
		snprintf(q->why, sizeof q->why, "objects could not be looked for: %.150s", trouble);
	look_done(q);
}

static void look_in_bucket(struct looking *q, int lane)
{
	struct slice *ids = xcalloc(q->n + 1, sizeof *ids);
	size_t skip = strlen(q->dir.prefix);
	for (size_t i = 0; i < q->n; i++) {
		struct slice key = q->want[i].key;
		bool ours = key.n > skip && memcmp(key.p, q->dir.prefix, skip) == 0;
		ids[i] = ours ? (struct slice){ key.p + skip, key.n - skip } : SLICE_LIT("");
	}
	relist_lane(q->b->r->en, lane, ids, q->n, bucket_listed, q);
	free(ids);
}

static void want_slice(void *ctx)
{
	struct looking *q = ctx;
	struct acts_batch *b = q->b;
	size_t end = MIN(b->n, q->read + OBJECTS_SLICE);
	for (; q->read < end; q->read++)
		if (b->results[q->read] == CHECK_SAME)
			want_of(q, q->read, b->r->plan->item[b->items[q->read]].evidence);
	if (q->read < b->n)
		loop_defer(b->r->en->loop, want_slice, q);
	else if (!q->n)
		look_done(q);
	else if (q->cfg->type == CFG_OBJECTS_S3)
		look_in_bucket(q, q->cfg->lane);
	else
		loop_work(b->r->en->loop, look_work, look_done, q);
}

void acts_objects(struct acts_batch *b, acts_then_fn *then)
{
	struct runner *r = b->r;
	const struct cfg_objects *cfg = r->records && r->records->cfg->objects >= 0 ? &r->en->cfg->objects[r->records->cfg->objects] : NULL;
	if (!cfg || r->en->closing) {
		then(b);
		return;
	}
	struct looking *q = xcalloc(1, sizeof *q);
	*q = (struct looking){ .b = b, .then = then, .keys = arena_new(4096), .cfg = cfg,
		.dir = { .path = cfg->path, .prefix = cfg->row_prefix ? cfg->row_prefix : "" } };
	want_slice(q);
}
