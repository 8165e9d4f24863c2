#include "link/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { EPOCH_MAX = 128, NONE = -1 };

enum mark_state { MARK_FREE, MARK_PENDING, MARK_DONE };

struct mark {
	struct dedup_mark m;
	enum mark_state state;
	int32_t next;                   /* in its chain */
};

/* A ring in order of n; chains by the first bytes of the key. */
struct dedup {
	struct mark *ring;
	int32_t *chain;
	size_t most, chains;            /* slots */
	size_t window;                  /* of them in use, when nothing older than since_us is known */
	size_t first, used;             /* slots from the oldest on */
	size_t marks, pending;
	int64_t most_age_us, age_us, since_us, last_n;
	char epoch[EPOCH_MAX];
	size_t epoch_n;
	bool sequenced;
	int64_t highest;
	struct dedup_counts c;
};

struct dedup *dedup_new(size_t window, int64_t age_us)
{
	struct dedup *d = xcalloc(1, sizeof *d);
	d->most = d->window = MAX(window, (size_t)1);
	d->most_age_us = d->age_us = age_us;
	d->since_us = INT64_MIN;
	d->chains = 16;
	while (d->chains < d->most)
		d->chains *= 2;
	d->ring = xcalloc(d->most, sizeof *d->ring);
	d->chain = xmalloc(d->chains * sizeof *d->chain);
	memset(d->chain, 0xff, d->chains * sizeof *d->chain);
	return d;
}

void dedup_free(struct dedup *d)
{
	if (!d)
		return;
	free(d->ring);
	free(d->chain);
	free(d);
}

void dedup_clear(struct dedup *d)
{
	memset(d->ring, 0, d->most * sizeof *d->ring);
	memset(d->chain, 0xff, d->chains * sizeof *d->chain);
	d->first = d->used = d->marks = d->pending = 0;
	d->last_n = 0;
	d->epoch_n = 0;
	d->sequenced = false;
}

/* ---- the table ---- */

static int32_t *head_of(struct dedup *d, const struct hash *key)
{
	uint64_t h;
	memcpy(&h, key->b, sizeof h);
	return &d->chain[h & (d->chains - 1)];
}

static struct mark *find(struct dedup *d, const struct hash *key)
{
	for (int32_t i = *head_of(d, key); i != NONE; i = d->ring[i].next)
		if (memcmp(d->ring[i].m.key.b, key->b, HASH_BYTES) == 0)
			return &d->ring[i];
	return NULL;
}

static void forget(struct dedup *d, struct mark *k)
{
	int32_t slot = (int32_t)(k - d->ring);
	int32_t *at = head_of(d, &k->m.key);
	if (k->state == MARK_FREE)
		return;
	while (*at != slot)
		at = &d->ring[*at].next;
	*at = k->next;
	d->pending -= k->state == MARK_PENDING;
	d->marks--;
	k->state = MARK_FREE;
}

static void drop_first(struct dedup *d)
{
	forget(d, &d->ring[d->first]);
	d->first = (d->first + 1) % d->most;
	d->used--;
}

void dedup_bound(struct dedup *d, size_t window, int64_t age_us, int64_t since_us)
{
	d->window = MIN(MAX(window, (size_t)1), d->most);
	d->age_us = MIN(age_us, d->most_age_us);
	d->since_us = since_us;
}

/* In the ring the oldest comes first, so that it tells of all. */
void dedup_holds(const struct dedup *d, int64_t now_us, size_t *window, int64_t *age_us)
{
	const struct dedup_mark *oldest = d->used ? &d->ring[d->first].m : NULL;
	bool all = oldest && oldest->at_us <= d->since_us && now_us - oldest->at_us < d->most_age_us;
	*window = all ? d->most : d->window;
	*age_us = all ? d->most_age_us : d->age_us;
}

bool dedup_reaches(const struct dedup *d, const struct dedup_mark *m, size_t window, int64_t age_us, int64_t now_us)
{
	return m->n > d->last_n - (int64_t)window && now_us - m->at_us < age_us;
}

/* What is being written stays, however old. */
static void expire(struct dedup *d, int64_t now_us)
{
	while (d->used) {
		const struct mark *k = &d->ring[d->first];
		size_t window;
		int64_t age_us;
		dedup_holds(d, now_us, &window, &age_us);
		if (k->state == MARK_PENDING || (k->state == MARK_DONE && d->used <= window && now_us - k->m.at_us < age_us))
			return;
		drop_first(d);
	}
}

/* At most so many then; the oldest is not being written. */
static void put(struct dedup *d, const struct dedup_mark *m, enum mark_state s, size_t window)
{
	size_t slot;
	int32_t *head = head_of(d, &m->key);
	while (d->used >= window)
		drop_first(d);
	slot = (d->first + d->used++) % d->most;
	d->ring[slot] = (struct mark){ *m, s, *head };
	*head = (int32_t)slot;
	d->marks++;
	d->pending += s == MARK_PENDING;
	d->last_n = m->n;
}

/* ---- keys and the stream ---- */

static bool key_of(const struct link_position *p, struct hash *out)
{
	struct buf b = { 0 };
	if (!p->id.n && !p->sequenced)
		return false;
	enc_bytes(&b, p->epoch);
	if (p->id.n)
		enc_bytes(&b, p->id);
	else
		enc_i64(&b, p->sequence);
	hash_bytes(out, b.p, b.n);
	buf_done(&b);
	return true;
}

static void note_epoch(struct dedup *d, struct slice epoch)
{
	size_t n = MIN(epoch.n, sizeof d->epoch);
	if (!epoch.n || (n == d->epoch_n && memcmp(epoch.p, d->epoch, n) == 0))
		return;
	d->c.epochs += d->epoch_n > 0;
	memcpy(d->epoch, epoch.p, n);
	d->epoch_n = n;
	d->sequenced = false;
}

static void note_sequence(struct dedup *d, int64_t s)
{
	uint64_t skipped = (uint64_t)s - (uint64_t)d->highest - 1;
	if (!d->sequenced) {
		d->sequenced = true;
		d->highest = s;
	} else if (s > d->highest) {
		d->c.gaps += (int64_t)MIN(skipped, (uint64_t)(INT64_MAX - d->c.gaps));
		d->highest = s;
	} else {
		d->c.reordered++;
	}
}

/* ---- messages ---- */

enum dedup_verdict dedup_see(struct dedup *d, const struct link_position *p, int64_t now_us, struct dedup_mark *m)
{
	struct hash key;
	struct mark *k;
	size_t window;
	int64_t age_us;
	if (!key_of(p, &key)) {
		d->c.nowhere++;
		return DEDUP_NOWHERE;
	}
	expire(d, now_us);
	dedup_holds(d, now_us, &window, &age_us);
	k = find(d, &key);
	if (k && k->state == MARK_PENDING)
		return DEDUP_PENDING;
	if (k && now_us - k->m.at_us < age_us) {
		d->c.duplicates++;
		*m = k->m;
		return DEDUP_DUPLICATE;
	}
	if (d->used >= window && d->ring[d->first].state == MARK_PENDING) {
		d->c.refused++;
		return DEDUP_FULL;
	}
	if (k)                          /* too old, behind one that is being written */
		forget(d, k);
	note_epoch(d, p->epoch);
	if (p->sequenced)
		note_sequence(d, p->sequence);
	*m = (struct dedup_mark){ d->last_n + 1, key, now_us };
	put(d, m, MARK_PENDING, window);
	return DEDUP_NEW;
}

void dedup_settle(struct dedup *d, const struct dedup_mark *m, bool durable)
{
	struct mark *k = find(d, &m->key);
	if (!k || k->m.n != m->n || k->state != MARK_PENDING)
		return;
	if (!durable) {
		d->c.refused++;
		forget(d, k);
		return;
	}
	k->state = MARK_DONE;
	d->pending--;
}

void dedup_restore(struct dedup *d, const struct dedup_mark *m, int64_t now_us)
{
	if (now_us - m->at_us < d->most_age_us && !find(d, &m->key))
		put(d, m, MARK_DONE, d->most);
	d->last_n = MAX(d->last_n, m->n);
}

void dedup_restore_stream(struct dedup *d, struct slice epoch, bool sequenced, int64_t highest)
{
	d->epoch_n = MIN(epoch.n, sizeof d->epoch);
	if (d->epoch_n)
		memcpy(d->epoch, epoch.p, d->epoch_n);
	d->sequenced = sequenced;
	d->highest = highest;
}

size_t dedup_marks(const struct dedup *d) { return d->marks; }
size_t dedup_pending(const struct dedup *d) { return d->pending; }
const struct dedup_counts *dedup_counts(const struct dedup *d) { return &d->c; }
struct slice dedup_epoch(const struct dedup *d) { return (struct slice){ d->epoch, d->epoch_n }; }

bool dedup_highest(const struct dedup *d, int64_t *out)
{
	*out = d->highest;
	return d->sequenced;
}
