#include "cleanup/plan.h"

#include "base/keysort.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct plan *plan_new(int64_t cycle)
{
	struct plan *p = xcalloc(1, sizeof *p);
	p->arena = arena_new(1 << 16);
	p->cycle = cycle;
	buf_init(&p->header);
	return p;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	arena_free(p->arena);
	buf_done(&p->header);
	free(p->lane);
	free(p->item);
	free(p);
}

struct slice plan_keep(struct plan *p, struct slice s)
{
	return (struct slice){ arena_strndup(p->arena, s.p ? s.p : "", s.n), s.n };
}

/* All in one piece, each with a NUL behind it: a million items have five million texts. Items in a row mostly go by one rule. */
static void keep_texts(struct plan *p, struct plan_item *it)
{
	struct slice *const text[] = { &it->id, &it->name, &it->row, &it->evidence, &it->rule };
	const struct plan_item *was = it->nth ? it - 1 : NULL;
	size_t n = ARRAY_LEN(text), bytes = 0;
	if (was && slice_eq(was->rule, it->rule)) {
		it->rule = was->rule;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		bytes += text[i]->n + 1;
	char *to = arena_alloc(p->arena, bytes);
	for (size_t i = 0; i < n; i++) {
		if (text[i]->n)
			memcpy(to, text[i]->p, text[i]->n);
		to[text[i]->n] = '\0';
		text[i]->p = to;
		to += text[i]->n + 1;
	}
}

struct plan_item *plan_add(struct plan *p, const struct plan_item *it)
{
	GROW(p->item, p->item_cap, (size_t)p->items + 1);
	struct plan_item *to = &p->item[p->items];
	*to = *it;
	to->nth = p->items++;
	keep_texts(p, to);
	return to;
}

int64_t plan_charge(const struct plan_lane *l, const struct plan_item *it)
{
	return it->bytes < 0 ? l->max_item_bytes : it->bytes;
}

/* ---- the two orders ---- */

static int cmp_lane_id(const struct plan_item *a, const struct plan_item *b)
{
	return a->lane != b->lane ? (a->lane > b->lane) - (a->lane < b->lane) : slice_cmp(a->id, b->id);
}

static int64_t group_of(const struct plan_item *it, bool levels) { return (int64_t)it->lane << 32 | (levels ? it->level : 0); }

/* v by the lanes of its items, and levels, equals as they are. */
static void into_groups(const struct plan *p, uint32_t *v, bool levels)
{
	bool one = true;
	for (int32_t i = 1; one && i < p->items; i++)
		one = group_of(&p->item[i], levels) == group_of(&p->item[0], levels);
	if (one)
		return;
	struct keysort *k = keysort_new();
	for (int32_t i = 0; i < p->items; i++)
		keysort_add_number(k, v[i], group_of(&p->item[v[i]], levels));
	keysort_end(k, v);
}

/* Items by lane and id; candidates come in this order, so most often there is nothing to sort. The caller frees. */
static uint32_t *sorted_by_id(const struct plan *p)
{
	uint32_t *v = xreallocarray(NULL, (size_t)MAX(p->items, 1), sizeof *v);
	bool sorted = true;
	for (int32_t i = 0; i < p->items; i++)
		v[p->item[i].nth] = (uint32_t)i;
	for (int32_t i = 1; sorted && i < p->items; i++)
		sorted = cmp_lane_id(&p->item[v[i - 1]], &p->item[v[i]]) <= 0;
	if (sorted)
		return v;
	struct keysort *k = keysort_new();
	for (int32_t i = 0; i < p->items; i++)
		keysort_add_text(k, (uint32_t)i, p->item[i].id);
	keysort_end(k, v);
	into_groups(p, v, false);
	return v;
}

/* Items by lane, level and rank. by_id: what stays among equals. Unknown comes last in every order. The caller frees. */
static uint32_t *sorted_by_rank(const struct plan *p, const uint32_t *by_id)
{
	bool by_age = p->order == ORDER_OLDEST || p->order == ORDER_NEWEST, up = p->order == ORDER_OLDEST || p->order == ORDER_SMALLEST;
	uint32_t *v = xreallocarray(NULL, (size_t)MAX(p->items, 1), sizeof *v);
	struct keysort *k = keysort_new();
	for (int32_t i = 0; i < p->items; i++) {
		const struct plan_item *it = &p->item[by_id[i]];
		int64_t value = by_age ? it->created_us : it->bytes;
		if (value < 0)
			keysort_add_none(k, by_id[i]);
		else
			keysort_add_number(k, by_id[i], up ? value : -value);
	}
	keysort_end(k, v);
	into_groups(p, v, true);
	return v;
}

int32_t *plan_in_rank_order(const struct plan *p)
{
	uint32_t *by_id = sorted_by_id(p), *v = sorted_by_rank(p, by_id);
	int32_t *out = xcalloc((size_t)MAX(p->items, 1), sizeof *out);
	for (int32_t i = 0; i < p->items; i++)
		out[i] = (int32_t)v[i];
	free(v);
	free(by_id);
	return out;
}

static void give_ranks(struct plan *p, const uint32_t *by_rank)
{
	for (int32_t i = 0; i < p->lanes; i++) {
		p->lane[i].first = p->lane[i].items = 0;
		p->lane[i].bytes = 0;
		memset(p->lane[i].by_class, 0, sizeof p->lane[i].by_class);
	}
	for (int32_t i = 0; i < p->items; i++) {
		struct plan_item *it = &p->item[by_rank[i]];
		struct plan_lane *l = &p->lane[it->lane];
		if (!l->items)
			l->first = i;
		it->rank = ++l->items;
		l->bytes += plan_charge(l, it);
		l->by_class[it->class_]++;
	}
}

static void into_order(struct plan *p, const uint32_t *by_rank)
{
	struct plan_item *to = xcalloc((size_t)p->items, sizeof *to);
	for (int32_t i = 0; i < p->items; i++)
		to[i] = p->item[by_rank[i]];
	free(p->item);
	p->item = to;
	p->item_cap = (size_t)p->items;
}

static void encode_caps(struct buf *b, const struct plan_caps *c)
{
	enc_i64(b, c->items);
	enc_i64(b, c->bytes);
	enc_i64(b, c->share_bp);
	enc_i64(b, c->remain);
	enc_i64(b, c->items_default | c->bytes_default << 1 | c->share_default << 2 | c->remain_default << 3);
}

static void encode_header(struct plan *p)
{
	struct buf *b = &p->header;
	buf_clear(b);
	enc_z(b, "sluice plan 1");
	enc_bytes(b, p->program);
	enc_i64(b, p->cycle);
	enc_bytes(b, p->policy);
	enc_bytes(b, (struct slice){ (const char *)p->policy_hash.b, HASH_BYTES });
	enc_bytes(b, p->creator);
	enc_bytes(b, p->records_proof);
	enc_bytes(b, p->lease);
	enc_i64(b, p->made_us);
	enc_i64(b, p->until_us);
	enc_i64(b, p->rehearsal);
	enc_i64(b, p->order);
	enc_i64(b, p->lanes);
	for (int32_t i = 0; i < p->lanes; i++) {
		const struct plan_lane *l = &p->lane[i];
		enc_bytes(b, l->name);
		enc_bytes(b, l->identity);
		encode_caps(b, &l->caps);
		const int64_t n[] = { l->listed, l->listed_bytes, l->pages, l->listed_us, l->expected, l->max_item_bytes,
				      l->items, l->bytes };
		for (size_t k = 0; k < ARRAY_LEN(n); k++)
			enc_i64(b, n[k]);
		for (int k = 0; k < REV_COUNT; k++)
			enc_i64(b, l->by_class[k]);
		enc_bytes(b, l->blind);
		enc_bytes(b, l->claims);
	}
}

/* ---- the header read back ---- */

struct reader {
	struct slice s;
	size_t at;
	bool bad;
};

static struct slice read_value(struct reader *r, char tag)
{
	uint64_t n = 0;
	if (r->bad || r->s.n - r->at < 9 || r->s.p[r->at] != tag)
		r->bad = true;
	for (int i = 1; !r->bad && i <= 8; i++)
		n = n << 8 | (uint8_t)r->s.p[r->at + (size_t)i];
	if (r->bad || n > r->s.n - r->at - 9) {
		r->bad = true;
		return (struct slice){ "", 0 };
	}
	struct slice v = { r->s.p + r->at + 9, (size_t)n };
	r->at += 9 + (size_t)n;
	return v;
}

static int64_t read_i64(struct reader *r)
{
	struct slice v = read_value(r, 'i');
	uint64_t n = 0;
	if (v.n != 8)
		r->bad = true;
	for (size_t i = 0; i < v.n && i < 8; i++)
		n = n << 8 | (uint8_t)v.p[i];
	return (int64_t)n;
}

static struct slice read_text(struct reader *r, struct plan *p) { return plan_keep(p, read_value(r, 'b')); }

static void read_lane(struct reader *r, struct plan *p, struct plan_lane *l)
{
	l->name = read_text(r, p);
	l->identity = read_text(r, p);
	l->caps.items = read_i64(r);
	l->caps.bytes = read_i64(r);
	l->caps.share_bp = read_i64(r);
	l->caps.remain = read_i64(r);
	int64_t defaults = read_i64(r);
	l->caps.items_default = defaults & 1;
	l->caps.bytes_default = defaults >> 1 & 1;
	l->caps.share_default = defaults >> 2 & 1;
	l->caps.remain_default = defaults >> 3 & 1;
	int64_t items, *n[] = { &l->listed, &l->listed_bytes, &l->pages, &l->listed_us, &l->expected, &l->max_item_bytes,
				&items, &l->bytes };
	for (size_t k = 0; k < ARRAY_LEN(n); k++)
		*n[k] = read_i64(r);
	l->items = (int32_t)items;
	for (int k = 0; k < REV_COUNT; k++)
		l->by_class[k] = (int32_t)read_i64(r);
	l->blind = read_text(r, p);
	l->claims = read_text(r, p);
}

enum rc plan_read_header(struct plan *p, struct slice header, struct err *e)
{
	struct reader r = { .s = header };
	if (!slice_is(read_value(&r, 'b'), "sluice plan 1"))
		return err_set(e, RC_FORMAT, "the stored plan has another format than this program's");
	p->program = read_text(&r, p);
	p->cycle = read_i64(&r);
	p->policy = read_text(&r, p);
	struct slice h = read_value(&r, 'b');
	if (h.n == HASH_BYTES)
		memcpy(p->policy_hash.b, h.p, HASH_BYTES);
	p->creator = read_text(&r, p);
	p->records_proof = read_text(&r, p);
	p->lease = read_text(&r, p);
	p->made_us = read_i64(&r);
	p->until_us = read_i64(&r);
	p->rehearsal = read_i64(&r) != 0;
	p->order = (enum plan_order)read_i64(&r);
	int64_t lanes = read_i64(&r);
	if (r.bad || h.n != HASH_BYTES || lanes < 0 || lanes > 64)
		return err_set(e, RC_FORMAT, "the stored plan is damaged");
	p->lanes = (int32_t)lanes;
	p->lane = xcalloc((size_t)lanes + 1, sizeof *p->lane);
	for (int32_t i = 0; i < p->lanes; i++)
		read_lane(&r, p, &p->lane[i]);
	if (r.bad || r.at != header.n)
		return err_set(e, RC_FORMAT, "the stored plan is damaged");
	buf_clear(&p->header);
	buf_add(&p->header, header.p, header.n);
	return RC_OK;
}

static void encode_item(struct buf *b, const struct plan *p, const struct plan_item *it)
{
	buf_clear(b);
	enc_bytes(b, p->lane[it->lane].name);
	enc_z(b, "file");
	enc_bytes(b, it->id);
	enc_i64(b, it->rank);
	enc_bytes(b, it->name);
	enc_i64(b, it->bytes);
	enc_i64(b, it->created_us < 0 ? -1 : it->created_us / 1000000);
	enc_bytes(b, it->row);
	enc_bytes(b, it->rule);
	enc_bytes(b, it->evidence);
	enc_i64(b, it->class_);
}

/* The hash of each item by its place, read as they lie in memory. */
static struct hash *item_hashes(const struct plan *p)
{
	struct hash *h = xreallocarray(NULL, (size_t)MAX(p->items, 1), sizeof *h);
	struct hasher *one = hasher_new();
	struct buf b;
	buf_init(&b);
	for (int32_t i = 0; i < p->items; i++) {
		encode_item(&b, p, &p->item[i]);
		hasher_begin(one);
		hasher_add(one, b.p, b.n);
		hasher_end(one, &h[i]);
	}
	buf_done(&b);
	hasher_free(one);
	return h;
}

static void hash_in_order(const struct plan *p, const uint32_t *by_id, struct hash *out)
{
	struct hasher *whole = hasher_new();
	struct hash *h = item_hashes(p);
	hasher_begin(whole);
	hasher_add(whole, p->header.p, p->header.n);
	for (int32_t i = 0; i < p->items; i++)
		hasher_add(whole, h[by_id[i]].b, sizeof h->b);
	hasher_end(whole, out);
	free(h);
	hasher_free(whole);
}

void plan_hash(const struct plan *p, struct hash *out)
{
	uint32_t *by_id = sorted_by_id(p);
	hash_in_order(p, by_id, out);
	free(by_id);
}

static enum rc refuse_duplicates(const struct plan *p, const uint32_t *by_id, struct err *e)
{
	enum rc rc = RC_OK;
	char id[80];
	for (int32_t i = 1; rc == RC_OK && i < p->items; i++)
		if (!cmp_lane_id(&p->item[by_id[i - 1]], &p->item[by_id[i]]))
			rc = err_set(e, RC_FORMAT, "item %s stands twice in lane %.*s; list it again",
				     text_z(id, sizeof id, p->item[by_id[i]].id), SLICE_FMT(p->lane[p->item[by_id[i]].lane].name));
	return rc;
}

void plan_remove(struct plan *p, const bool *gone)
{
	int32_t *now = xcalloc((size_t)MAX(p->items, 1), sizeof *now), left = 0, n = 0;
	for (int32_t k = 0; k < p->items; k++)
		now[k] = gone[k] ? -1 : left++;
	for (int32_t i = 0; i < p->items; i++)
		if (now[p->item[i].nth] >= 0) {
			p->item[n] = p->item[i];
			p->item[n++].nth = now[p->item[i].nth];
		}
	p->items = n;
	free(now);
}

enum rc plan_freeze(struct plan *p, struct err *e)
{
	uint32_t *by_id = sorted_by_id(p);
	enum rc rc = refuse_duplicates(p, by_id, e);
	if (rc == RC_OK) {
		uint32_t *by_rank = sorted_by_rank(p, by_id);
		give_ranks(p, by_rank);
		encode_header(p);
		hash_in_order(p, by_id, &p->id);        /* while they still lie in the order in which they are hashed */
		into_order(p, by_rank);
		free(by_rank);
	}
	free(by_id);
	return rc;
}

int64_t plan_bytes_of(const struct plan *p, int32_t lane, int64_t n)
{
	const struct plan_lane *l = &p->lane[lane];
	int64_t sum = 0;
	for (int64_t r = 0; r < n && r < l->items; r++)
		sum += plan_charge(l, &p->item[l->first + r]);
	return sum;
}

int64_t plan_irreversible_of(const struct plan *p, int32_t lane, int64_t n)
{
	const struct plan_lane *l = &p->lane[lane];
	int64_t sum = 0;
	for (int64_t r = 0; r < n && r < l->items; r++)
		sum += p->item[l->first + r].class_ == REV_R0;
	return sum;
}

int plan_lane_find(const struct plan *p, struct slice name)
{
	for (int32_t i = 0; i < p->lanes; i++)
		if (slice_eq(p->lane[i].name, name))
			return i;
	return -1;
}
