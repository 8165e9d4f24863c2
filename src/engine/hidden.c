#include "engine/hidden.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { STAYS = -1 };

struct content {
	struct hash sha;
	int64_t bytes;
	int32_t nth;                    /* of plan_add, or STAYS */
	int32_t lane;
};

/* A planned item whose object is there. */
struct pointer {
	int32_t nth;
	struct slice id;                /* in the lane of the objects, if they are a bucket's */
};

struct hidden {
	int objects_lane;               /* of the plan, -1 = it deletes no objects, so that they stay */
	struct slice prefix;
	struct content *content;
	size_t n, cap;
	struct pointer *pointer;
	size_t n_pointers, cap_pointers;
	int32_t planned;
	struct arena *ids;
};

struct hidden *hidden_new(const struct validation *v)
{
	int lanes = 0;
	for (int i = 0; i < v->lanes; i++)
		lanes += !v->excluded[i];
	if (v->policy->hidden_escrow == CFG_HIDDEN_ALLOW || lanes < 2 || !v->records)
		return NULL;
	struct hidden *h = xcalloc(1, sizeof *h);
	*h = (struct hidden){ .objects_lane = v->objects_lane, .prefix = v->objects_prefix, .ids = arena_new(4096) };
	return h;
}

void hidden_free(struct hidden *h)
{
	if (!h)
		return;
	arena_free(h->ids);
	free(h->content);
	free(h->pointer);
	free(h);
}

/* In any case; false: it says nothing. */
static bool sha_of(struct slice hex, struct hash *sha)
{
	char low[HASH_HEX];
	if (hex.n != HASH_HEX - 1)
		return false;
	for (size_t i = 0; i < hex.n; i++)
		low[i] = (char)(hex.p[i] >= 'A' && hex.p[i] <= 'F' ? hex.p[i] - 'A' + 'a' : hex.p[i]);
	return hash_parse(sha, (struct slice){ low, hex.n });
}

void hidden_item(struct hidden *h, int lane, bool planned, const struct catalog_item *it, const struct catalog_row *rows, size_t live)
{
	int32_t nth = planned ? h->planned++ : STAYS;
	struct content c = { .bytes = it->bytes, .nth = nth, .lane = lane };
	if (live && sha_of(rows[0].sha256, &c.sha)) {
		GROW(h->content, h->cap, h->n + 1);
		h->content[h->n++] = c;
	}
	struct slice object = planned && lane != h->objects_lane ? objects_of(rows, live) : SLICE_LIT("");
	if (object.n <= h->prefix.n)
		return;
	GROW(h->pointer, h->cap_pointers, h->n_pointers + 1);
	h->pointer[h->n_pointers++] = (struct pointer){ nth, { arena_strndup(h->ids, object.p + h->prefix.n, object.n - h->prefix.n), object.n - h->prefix.n } };
}

/* ---- the check ---- */

struct checking {
	const struct hidden *h;
	const struct validation *v;
	const struct plan_item **of;    /* by nth; NULL = it stays, or is kept in another way */
	struct slice *objects;          /* ids planned in the lane of the objects, sorted */
	size_t n_objects;
	bool *object_stays;             /* by nth: it has one that stays */
	int64_t found;
	const struct plan_item *one, *other;
};

static int by_bytes(const void *a, const void *b) { return slice_cmp(*(const struct slice *)a, *(const struct slice *)b); }

static int by_content(const void *a, const void *b)
{
	const struct content *x = a, *y = b;
	int order = memcmp(&x->sha, &y->sha, sizeof x->sha);
	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* A rehearsal copies nothing and deletes nothing: what it would keep counts as kept. */
static bool lost(const struct validation *v, const struct plan_item *it, const bool *gone)
{
	bool kept = v->plan->rehearsal && v->escrow[it->lane] != CFG_ESCROW_OFF;
	return it->class_ == REV_R0 && !kept && !(gone && gone[it->nth]);
}

static void tell(struct checking *c, const struct plan_item *one, const struct plan_item *other)
{
	if (!c->found++) {
		c->one = one;
		c->other = other;
	}
}

static const struct plan_item *planned_object(const struct checking *c, struct slice id)
{
	const struct plan *p = c->v->plan;
	for (int32_t i = 0; i < p->items; i++)
		if (p->item[i].lane == c->h->objects_lane && slice_eq(p->item[i].id, id))
			return &p->item[i];
	die("a planned object is not in the plan");
}

static void by_object(struct checking *c)
{
	for (size_t i = 0; i < c->h->n_pointers; i++) {
		const struct pointer *x = &c->h->pointer[i];
		bool both = bsearch(&x->id, c->objects, c->n_objects, sizeof x->id, by_bytes) != NULL;
		c->object_stays[x->nth] = !both;
		if (both && c->of[x->nth])
			tell(c, c->of[x->nth], c->found ? NULL : planned_object(c, x->id));
	}
}

static bool stays(const struct checking *c, const struct content *x)
{
	return x->nth == STAYS || !c->of[x->nth] || c->object_stays[x->nth];
}

/* Equal contents in more than one lane, and none of them is left. */
static void one_content(struct checking *c, const struct content *x, size_t n)
{
	size_t other = 0;
	for (size_t i = 0; i < n; i++) {
		if (stays(c, &x[i]))
			return;
		if (x[i].lane != x[0].lane && !other)
			other = i;
	}
	if (other)
		tell(c, c->of[x[0].nth], c->of[x[other].nth]);
}

static void by_hash(struct checking *c)
{
	const struct hidden *h = c->h;
	if (h->n)
		qsort(h->content, h->n, sizeof *h->content, by_content);
	for (size_t i = 0, to; i < h->n; i = to) {
		for (to = i + 1; to < h->n && by_content(&h->content[i], &h->content[to]) == 0; to++)
			;
		one_content(c, &h->content[i], to - i);
	}
}

/* Advice first: the place where it is told is short. */
static enum rc refuse(const struct checking *c, struct err *e)
{
	const struct plan *p = c->v->plan;
	char one[40], other[40], lanes[2][40];
	return err_set(e, RC_REFUSED, "the plan would delete %lld item%s and the only other copy of each; exclude a lane, keep copies (escrow), or say "
		       "hidden_escrow: allow. First: %s of %s, %s of %s", (long long)c->found, c->found == 1 ? "" : "s",
		       text_z(one, sizeof one, c->one->id), text_z(lanes[0], sizeof lanes[0], p->lane[c->one->lane].name),
		       text_z(other, sizeof other, c->other->id), text_z(lanes[1], sizeof lanes[1], p->lane[c->other->lane].name));
}

enum rc hidden_check(const struct hidden *h, const struct validation *v, const bool *gone, struct err *e)
{
	const struct plan *p = v->plan;
	size_t n = (size_t)MAX(p->items, 1);
	struct checking c = { .h = h, .v = v, .of = xcalloc(n, sizeof *c.of), .objects = xcalloc(n, sizeof *c.objects),
		.object_stays = xcalloc(n, sizeof *c.object_stays) };
	for (int32_t i = 0; i < p->items; i++) {
		const struct plan_item *it = &p->item[i];
		if (!lost(v, it, gone))
			continue;
		c.of[it->nth] = it;
		if (it->lane == h->objects_lane)
			c.objects[c.n_objects++] = it->id;
	}
	qsort(c.objects, c.n_objects, sizeof *c.objects, by_bytes);
	by_object(&c);
	by_hash(&c);
	enum rc rc = c.found ? refuse(&c, e) : RC_OK;
	free(c.of);
	free(c.objects);
	free(c.object_stays);
	return rc;
}
