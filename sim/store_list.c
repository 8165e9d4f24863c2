/* GET /v1/files: pages by cursor, and the pages that faults make. */
#include "sim/store_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim/jstr.h"

struct page {
	int64_t limit;
	int step;                       /* -1 newest first */
	int64_t after;                  /* index, -1 from the start */
	struct buf purpose;
	int64_t *item;
	size_t n, cap;
	bool more, claims_more;         /* claims: a fault says so where the dialect would say nothing */
};

static bool refuse(struct asking *a, const char *param, const char *message, const char *code)
{
	say_error(a, 400, slice_of(message), "invalid_request_error", param, code);
	return false;
}

static bool read_limit(struct asking *a, struct page *p)
{
	struct buf v = { 0 };
	bool given = query_get(a->rq->head->query, "limit", &v), ok = true;
	int max = a->st->speech->limit_max;
	char above[100];
	p->limit = a->st->speech->limit_default;
	snprintf(above, sizeof(above), "Invalid 'limit': integer above maximum value. Expected a value <= %d.", max);
	if (given && !parse_i64(buf_slice(&v), &p->limit))
		ok = refuse(a, "limit", "Invalid type for 'limit': expected an integer.", "invalid_type");
	else if (p->limit < 1)
		ok = refuse(a, "limit", "Invalid 'limit': integer below minimum value. Expected a value >= 1.", "integer_below_min_value");
	else if (p->limit > max)
		ok = refuse(a, "limit", above, "integer_above_max_value");
	if (a->st->o->page_cap && p->limit > a->st->o->page_cap)
		p->limit = a->st->o->page_cap;
	buf_done(&v);
	return ok;
}

static bool read_order(struct asking *a, struct page *p)
{
	struct buf v = { 0 };
	bool given = query_get(a->rq->head->query, "order", &v), asc = slice_is(buf_slice(&v), "asc");
	bool ok = !given || asc || slice_is(buf_slice(&v), "desc");
	p->step = asc ? 1 : -1;
	buf_done(&v);
	return ok || refuse(a, "order", "Invalid value for 'order': expected 'asc' or 'desc'.", "invalid_value");
}

bool store_after(const struct httpd_request *rq, struct buf *out)
{
	return query_get(rq->head->query, "after", out) && out->n > 0;
}

static bool read_after(struct asking *a, struct page *p)
{
	struct buf v = { 0 };
	bool ok = true;
	p->after = -1;
	if (store_after(a->rq, &v)) {
		p->after = files_find(a->st->files, buf_slice(&v));
		if (p->after < 0 || (!files_is_live(a->st->files, p->after) && !a->st->o->keeps_cursor))
			ok = refuse(a, "after", "Invalid 'after': no file with this id.", "invalid_value");
	}
	buf_done(&v);
	return ok;
}

static bool wanted(const struct asking *a, const struct page *p, int64_t i)
{
	return p->purpose.n == 0 || a->st->o->ignores_purpose || slice_is(buf_slice(&p->purpose), files_purpose(a->st->files, i));
}

static int64_t next_wanted(const struct asking *a, const struct page *p, int64_t i, int step)
{
	do
		i = files_next(a->st->files, i, step);
	while (i >= 0 && !wanted(a, p, i));
	return i;
}

static int64_t before_first(const struct asking *a, const struct page *p)
{
	return p->step > 0 ? -1 : files_count(a->st->files);
}

static void push(struct page *p, int64_t i)
{
	GROW(p->item, p->cap, p->n + 1);
	p->item[p->n++] = i;
}

static void gather(const struct asking *a, struct page *p)
{
	int64_t i = next_wanted(a, p, p->after >= 0 ? p->after : before_first(a, p), p->step);
	for (; i >= 0 && (int64_t)p->n < p->limit; i = next_wanted(a, p, i, p->step))
		push(p, i);
	p->more = i >= 0;
}

/* The page that ends with the item `after`, as if nothing had moved on. */
static void gather_again(const struct asking *a, struct page *p)
{
	int64_t i = files_is_live(a->st->files, p->after) ? p->after : next_wanted(a, p, p->after, -p->step);
	for (; i >= 0 && (int64_t)p->n < p->limit; i = next_wanted(a, p, i, -p->step))
		push(p, i);
	for (size_t x = 0, y = p->n; x + 1 < y; x++, y--) {
		int64_t swap = p->item[x];
		p->item[x] = p->item[y - 1];
		p->item[y - 1] = swap;
	}
	p->more = true;
}

static void shape(const struct asking *a, struct page *p)
{
	enum fault_what say = a->rule ? a->rule->kind->say : SAY_TRUTH;
	if (say == SAY_SAME_PAGE && p->after >= 0) {
		gather_again(a, p);
		return;
	}
	gather(a, p);
	if (say == SAY_EMPTY_PAGE) {
		p->n = 0;
		p->more = p->claims_more = true;
	} else if (say == SAY_TWICE && p->n) {
		push(p, p->item[0]);
	}
}

static void id_or_null(struct store *st, struct buf *out, const char *key, const struct page *p, size_t at)
{
	struct file_view v;
	buf_adds(out, key);
	if (p->n == 0) {
		buf_adds(out, "null");
		return;
	}
	files_look(st->files, p->item[at], &v);
	jstr_add(out, slice_of(v.id));
}

static void print(struct asking *a, const struct page *p)
{
	struct buf *out = &a->reply->body;
	a->reply->type = "application/json";
	buf_adds(out, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < p->n; i++) {
		if (i)
			buf_addc(out, ',');
		say_file(a->st, out, p->item[i]);
	}
	buf_addc(out, ']');
	if (a->st->o->dialect == SPEECH_OPENAI) {
		id_or_null(a->st, out, ",\"first_id\":", p, 0);
		id_or_null(a->st, out, ",\"last_id\":", p, p->n - 1);
	}
	if (!a->st->speech->unpaged || p->claims_more)
		buf_adds(out, p->more ? ",\"has_more\":true" : ",\"has_more\":false");
	buf_addc(out, '}');
	a->items = (int64_t)p->n;
}

void store_list(struct asking *a)
{
	const struct speech *s = a->st->speech;
	struct page p = { .limit = a->st->o->page_cap ? a->st->o->page_cap : INT64_MAX, .step = -1, .after = -1 };
	if (!s->unpaged)
		query_get(a->rq->head->query, "purpose", &p.purpose);
	if (s->by_purpose && !p.purpose.n)
		refuse(a, "purpose", "Invalid parameter: purpose is required.", NULL);
	else if (s->unpaged || (read_limit(a, &p) && read_order(a, &p) && read_after(a, &p))) {
		shape(a, &p);
		print(a, &p);
	}
	buf_done(&p.purpose);
	free(p.item);
}
