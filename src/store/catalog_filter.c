/* A filter as SQL over verdicts and ranks. What is not known makes a comparison NULL, and its negation too. */
#include "store/catalog_impl.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_VALUE = 4 };

static void contains(struct buf *sql, const char *what, int value)
{
	buf_addf(sql, "instr(CAST(%s AS BLOB), ?%d) > 0", what, value);
}

static void text_sql(struct buf *sql, const struct query_term *t, const char *what, int value)
{
	if (t->op == QUERY_HAS)
		contains(sql, what, value);
	else
		buf_addf(sql, "CAST(%s AS BLOB) = ?%d", what, value);
}

static void number_sql(struct buf *sql, const struct query_term *t, const char *what, int value)
{
	static const char *const ops[] = { [QUERY_IS] = "=", [QUERY_HAS] = "=", [QUERY_LESS] = "<", [QUERY_MOST] = "<=",
		[QUERY_MORE] = ">", [QUERY_LEAST] = ">=" };
	if (t->unknown)
		buf_addf(sql, "%s IS NULL", what);
	else
		buf_addf(sql, "%s %s ?%d", what, ops[t->op], value);
}

static void term_sql(struct buf *sql, const struct query_term *t, int value)
{
	switch (t->key) {
	case QUERY_LANE:
		number_sql(sql, t, "lane", value);
		break;
	case QUERY_STATE:
		if (t->number == CATALOG_PLANNED)
			buf_adds(sql, "rank IS NOT NULL");
		else
			number_sql(sql, t, "verdict", value);
		break;
	case QUERY_RULE:                /* several stand as a+b */
		if (t->op == QUERY_HAS)
			contains(sql, "rule", value);
		else
			buf_addf(sql, "instr(CAST('+' || rule || '+' AS BLOB), CAST('+' || ?%d || '+' AS BLOB)) > 0", value);
		break;
	case QUERY_CLASS:
		number_sql(sql, t, "class", value);
		break;
	case QUERY_AGE:                 /* the older, the smaller the time of making */
		number_sql(sql, t, t->unknown ? "created_us" : "-created_us", value);
		break;
	case QUERY_SIZE:
		number_sql(sql, t, "bytes", value);
		break;
	case QUERY_NAME:
		text_sql(sql, t, "name", value);
		break;
	case QUERY_ID:
		text_sql(sql, t, "id", value);
		break;
	case QUERY_WHY:
		text_sql(sql, t, "reason", value);
		break;
	case QUERY_PURPOSE:
		text_sql(sql, t, "purpose", value);
		break;
	case QUERY_TEXT:
		contains(sql, "name", value);
		buf_adds(sql, " OR ");
		contains(sql, "id", value);
		break;
	case QUERY_KEY_COUNT:
		break;
	}
}

bool catalog_filter_ranks(const struct query *q)
{
	for (int i = 0; q && i < q->terms; i++)
		if (q->term[i].key == QUERY_STATE && q->term[i].number == CATALOG_PLANNED)
			return true;
	return false;
}

void catalog_filter_sql(struct buf *sql, const struct query *q)
{
	for (int i = 0; q && i < q->terms; i++) {
		buf_adds(sql, q->term[i].negated ? " AND NOT (" : " AND (");
		term_sql(sql, &q->term[i], FIRST_VALUE + i);
		buf_addc(sql, ')');
	}
}

void catalog_filter_bind(struct db_stmt *s, const struct query *q, int64_t now_us)
{
	for (int i = 0; q && i < q->terms; i++) {
		const struct query_term *t = &q->term[i];
		struct slice v = query_value(q, t);
		bool number = t->key == QUERY_LANE || t->key == QUERY_STATE || t->key == QUERY_CLASS || t->key == QUERY_SIZE;
		if (t->unknown || (t->key == QUERY_STATE && t->number == CATALOG_PLANNED))
			continue;
		if (number)
			db_bind_i64(s, FIRST_VALUE + i, t->number);
		else if (t->key == QUERY_AGE)
			db_bind_i64(s, FIRST_VALUE + i, t->number - now_us);
		else
			db_bind_blob(s, FIRST_VALUE + i, v.p, v.n);
	}
}

static bool same_term(const struct query *a, const struct query *b, int i)
{
	const struct query_term *x = &a->term[i], *y = &b->term[i];
	return x->key == y->key && x->op == y->op && x->negated == y->negated && x->unknown == y->unknown && x->number == y->number &&
	       slice_eq(query_value(a, x), query_value(b, y));
}

bool catalog_filter_same(const struct query *a, const struct query *b)
{
	int n = a ? a->terms : 0;
	bool same = n == (b ? b->terms : 0);
	for (int i = 0; same && i < n; i++)
		same = same_term(a, b, i);
	return same;
}
