#include "config/shape.h"

#include <stdlib.h>
#include <string.h>

struct checker {
	struct shape s;
	struct config_report *r;
	int deep;                      /* lists of their own section that this stands in */
};

static size_t min3(size_t a, size_t b, size_t c)
{
	return MIN(MIN(a, b), c);
}

/* Edit distance with neighbouring swaps as one; words longer than 63 bytes are far from everything. */
static size_t distance(const char *a, const char *b)
{
	enum { MAX = 63 };
	size_t d[MAX + 1][MAX + 1], na = strlen(a), nb = strlen(b);
	if (na > MAX || nb > MAX)
		return MAX;
	for (size_t i = 0; i <= na; i++)
		for (size_t k = 0; k <= nb; k++) {
			if (i == 0 || k == 0) {
				d[i][k] = i + k;
				continue;
			}
			d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				d[i][k] = MIN(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[na][nb];
}

void shape_suggest(struct buf *out, const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_d = 3;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);
		if (!words[i][0])
			continue;
		bool part = strlen(word) >= 3 && (strstr(words[i], word) || strstr(word, words[i]));
		if (d >= strlen(word))
			d = best_d;
		if (part && d > 2)
			d = 2;
		if (d < best_d) {
			best = words[i];
			best_d = d;
		}
	}
	if (best) {
		buf_addf(out, "did you mean `%s`?", best);
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? ", " : n > 1 ? "one of " : "only ", words[i]);
}

static void unknown_key(struct checker *c, const struct section *s, const struct node *n)
{
	size_t count = section_fields(s);
	const char **keys = xcalloc(count, sizeof(*keys));
	for (size_t i = 0; i < count; i++)
		keys[i] = s->fields[i].key;
	struct buf hint;
	buf_init(&hint);
	shape_suggest(&hint, n->key, keys, count);
	report_add(c->r, n->line, n->path, "is not a key of %s; %s", s->name, buf_z(&hint));
	buf_done(&hint);
	free(keys);
	c->s.unknown = true;
}

static bool is_null(const struct node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	for (size_t i = 0; n->plain && i < ARRAY_LEN(nulls); i++)
		if (slice_is(n->text, nulls[i]))
			return true;
	return n->text.n == 0;
}

static void wrong(struct checker *c, const struct node *n, const char *should)
{
	static const char *const is[] = { [NODE_SCALAR] = "one value", [NODE_MAP] = "a section", [NODE_LIST] = "a list" };
	report_add(c->r, n->line, n->path, "is %s here; it must be %s", is[n->kind], should);
	c->s.readable = false;
}

static void check_map(struct checker *c, const struct section *s, const struct node *n);

static bool check_scalar(struct checker *c, const struct node *n)
{
	if (n->kind != NODE_SCALAR) {
		wrong(c, n, "one value");
		return false;
	}
	if (!is_null(n))
		return true;
	report_add(c->r, n->line, n->path, "has no value; write one or remove the line");
	c->s.readable = false;
	return false;
}

static void check_list(struct checker *c, const struct field *f, const struct node *n)
{
	int64_t max = f->max ? f->max : FIELD_LIST_MAX;
	if (n->kind == NODE_SCALAR && is_null(n)) {
		report_add(c->r, n->line, n->path, "has no value; write a list or remove the line");
		c->s.readable = false;
		return;
	}
	if (n->kind != NODE_LIST) {
		wrong(c, n, f->type == FIELD_LIST ? "a list; begin each entry with `- `" : "a list: [a, b]");
		return;
	}
	if (f->required && n->n == 0)
		report_add(c->r, n->line, n->path, "is an empty list; write at least one entry");
	if (n->n > (size_t)max)
		report_add(c->r, n->line, n->path, "has %zu entries; at most %lld are read", n->n, (long long)max);
	if (f->nested && c->deep == FIELD_NESTED) {
		report_add(c->r, n->line, n->path, "is nested too deep: a group may stand in a group, not in one that does");
		c->s.readable = false;
		return;
	}
	c->deep += f->nested;
	for (const struct node *k = n->first; k; k = k->next)
		if (f->type == FIELD_LIST)
			check_map(c, f->of, k);
		else
			check_scalar(c, k);
	c->deep -= f->nested;
}

static void check_field(struct checker *c, const struct field *f, const struct node *n)
{
	if (f->type == FIELD_MAP)
		check_map(c, f->of, n);
	else if (field_is_list(f->type))
		check_list(c, f, n);
	else
		check_scalar(c, n);
}

static bool said_before(const struct node *n)
{
	for (const struct node *k = n->parent->first; k != n; k = k->next)
		if (strcmp(k->key, n->key) == 0)
			return true;
	return false;
}

static void check_map(struct checker *c, const struct section *s, const struct node *n)
{
	if (n->kind == NODE_SCALAR && is_null(n)) {
		report_add(c->r, n->line, n->path, "is empty; write its keys below it or remove the line");
		c->s.readable = false;
		return;
	}
	if (n->kind != NODE_MAP) {
		wrong(c, n, "a section of `key: value` lines");
		return;
	}
	for (const struct node *k = n->first; k; k = k->next) {
		const struct field *f = section_field(s, slice_of(k->key));
		if (said_before(k)) {
			report_add(c->r, k->line, k->path, "is written twice in this section; keep one");
			c->s.readable = false;
		} else if (!f) {
			unknown_key(c, s, k);
		} else {
			check_field(c, f, k);
		}
	}
	for (const struct field *f = s->fields; f->key; f++)
		if (f->required && !tree_child(n, f->key))
			report_add(c->r, n->line, n->path, "has no `%s`, which every %s needs", f->key, s->name);
}

struct shape shape_check(const struct tree *t, const struct section *root, struct config_report *r)
{
	struct checker c = { .s = { .readable = true }, .r = r };
	check_map(&c, root, t->root);
	return c.s;
}
