#include "link/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
	int64_t id, at_us;
	char *p;
	size_t n;
	bool out, was_out;
};

/* In order of id; few enough that moving them is cheap. */
struct queue {
	struct queue_opts o;
	struct entry *e;
	size_t n, cap, bytes, out;
	struct queue_counts c;
};

struct queue *queue_new(const struct queue_opts *o)
{
	struct queue *q = xcalloc(1, sizeof *q);
	q->o = *o;
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n; i++)
		free(q->e[i].p);
	free(q->e);
	free(q);
}

static void remove_at(struct queue *q, size_t i)
{
	q->bytes -= q->e[i].n;
	q->out -= q->e[i].out;
	free(q->e[i].p);
	memmove(&q->e[i], &q->e[i + 1], (q->n - i - 1) * sizeof *q->e);
	q->n--;
}

static bool old(const struct queue *q, int64_t at_us, int64_t now_us)
{
	return now_us - at_us >= q->o.age_us;
}

void queue_expire(struct queue *q, int64_t now_us)
{
	for (size_t i = 0; i < q->n;) {
		if (old(q, q->e[i].at_us, now_us)) {
			remove_at(q, i);
			q->c.expired++;
		} else {
			i++;
		}
	}
}

bool queue_has_room(const struct queue *q, size_t bytes)
{
	return q->n < q->o.items && q->bytes <= q->o.bytes && bytes <= q->o.bytes - q->bytes;
}

bool queue_fits(const struct queue *q, size_t bytes)
{
	return q->o.items > 0 && bytes <= q->o.bytes;
}

void queue_bound(struct queue *q, const struct queue_opts *o)
{
	q->o = *o;
}

enum queue_answer queue_add(struct queue *q, int64_t id, int64_t at_us, struct slice frame, int64_t now_us)
{
	if (!queue_fits(q, frame.n)) {
		q->c.too_large++;
		return QUEUE_TOO_LARGE;
	}
	if (old(q, at_us, now_us)) {
		q->c.expired++;
		return QUEUE_EXPIRED;
	}
	queue_expire(q, now_us);
	if (!queue_has_room(q, frame.n))
		return QUEUE_FULL;
	GROW(q->e, q->cap, q->n + 1);
	q->e[q->n++] = (struct entry){ .id = id, .at_us = at_us, .p = xstrndup(frame.p, frame.n), .n = frame.n };
	q->bytes += frame.n;
	q->c.taken++;
	q->c.most_items = MAX(q->c.most_items, q->n);
	q->c.most_bytes = MAX(q->c.most_bytes, q->bytes);
	return QUEUE_TAKEN;
}

bool queue_next(struct queue *q, int64_t now_us, int64_t *id, struct slice *frame)
{
	queue_expire(q, now_us);
	for (size_t i = 0; i < q->n; i++) {
		if (q->e[i].out)
			continue;
		*id = q->e[i].id;
		*frame = (struct slice){ q->e[i].p, q->e[i].n };
		return true;
	}
	return false;
}

static struct entry *find(struct queue *q, int64_t id)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->e[i].id == id)
			return &q->e[i];
	return NULL;
}

void queue_out(struct queue *q, int64_t id)
{
	struct entry *x = find(q, id);
	if (!x || x->out)
		return;
	q->c.repeated += x->was_out;
	x->out = x->was_out = true;
	q->out++;
}

bool queue_sent(struct queue *q, int64_t id)
{
	struct entry *x = find(q, id);
	if (!x || !x->was_out)
		return false;
	remove_at(q, (size_t)(x - q->e));
	q->c.sent++;
	return true;
}

void queue_left(struct queue *q)
{
	for (size_t i = 0; i < q->n;) {
		if (q->e[i].out)
			queue_sent(q, q->e[i].id);
		else
			i++;
	}
}

void queue_cut(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		q->e[i].out = false;
	q->out = 0;
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

void queue_move(struct queue *q, struct queue *from)
{
	const struct queue_counts c = from->c;
	GROW(q->e, q->cap, q->n + from->n);
	if (from->n)
		memcpy(&q->e[q->n], from->e, from->n * sizeof *q->e);
	q->n += from->n;
	q->bytes += from->bytes;
	q->out += from->out;
	if (q->n)
		qsort(q->e, q->n, sizeof *q->e, by_id);
	from->n = from->bytes = from->out = 0;
	from->c = (struct queue_counts){ 0 };
	q->c.taken += c.taken;
	q->c.sent += c.sent;
	q->c.repeated += c.repeated;
	q->c.expired += c.expired;
	q->c.too_large += c.too_large;
	q->c.most_items = MAX(q->c.most_items, q->n);
	q->c.most_bytes = MAX(q->c.most_bytes, q->bytes);
}

int64_t queue_at(const struct queue *q, int64_t id)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->e[i].id == id)
			return q->e[i].at_us;
	return -1;
}

size_t queue_items(const struct queue *q) { return q->n; }
size_t queue_bytes(const struct queue *q) { return q->bytes; }
size_t queue_items_out(const struct queue *q) { return q->out; }
int64_t queue_oldest(const struct queue *q) { return q->n ? q->e[0].id : -1; }
int64_t queue_oldest_at(const struct queue *q) { return q->n ? q->e[0].at_us : -1; }
const struct queue_counts *queue_counts(const struct queue *q) { return &q->c; }
