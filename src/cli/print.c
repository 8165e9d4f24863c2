#include "cli/cli.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void print_bytes(struct buf *b, int64_t v)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t u = v > INT64_MAX / 10;
	int64_t tenths = (u ? v / 1000 : v) * 10;
	while (tenths >= 10000 && u + 1 < ARRAY_LEN(units)) {
		tenths = (tenths + 500) / 1000;
		u++;
	}
	if (u)
		buf_addf(b, "%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10, units[u]);
	else
		buf_addf(b, "%" PRId64 " B", v);
}

static const struct json *reach(const struct json *j, const char *key)
{
	const char *dot;
	char part[64];
	while ((dot = strchr(key, '.'))) {
		snprintf(part, sizeof part, "%.*s", (int)(dot - key), key);
		j = json_get(j, part);
		key = dot + 1;
	}
	return json_get(j, key);
}

static void cell(struct buf *b, const struct json *row, const struct column *c)
{
	const struct json *v = reach(row, c->key);
	char t[TIME_TEXT];
	struct slice s;
	int64_t n;
	bool yes;
	if (json_str(v, &s))
		text_show(b, s, c->width, false);
	else if (json_bool(v, &yes))
		buf_adds(b, yes ? "yes" : "no");
	else if (!json_i64(v, &n))
		buf_adds(b, v && !json_is_null(v) ? "…" : c->kind == COL_TEXT ? "-" : "?");
	else if (c->kind == COL_BYTES)
		print_bytes(b, n);
	else if (c->kind == COL_TIME)
		buf_adds(b, time_rfc3339(t, n, false));
	else if (c->kind == COL_AGE)
		buf_adds(b, time_age(t, MAX(now_read().wall_us - n, 0)));
	else
		buf_addf(b, "%" PRId64, n);
}

static int width_of(struct slice s)
{
	int w = 0;
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);
		w += cp < 0 ? 1 : MAX(text_cp_width((uint32_t)cp), 0);
	}
	return w;
}

static void pad(int n)
{
	for (; n > 0; n--)
		putchar(' ');
}

static void put_cell(const struct column *c, struct slice s, int width, bool last)
{
	bool right = c->kind == COL_NUMBER || c->kind == COL_BYTES;
	int gap = width - width_of(s);
	if (right)
		pad(gap);
	fwrite(s.p, 1, s.n, stdout);
	if (!right && !last)
		pad(gap);
	fputs(last ? "\n" : "  ", stdout);
}

void print_table(const struct json *rows, const struct column *cols, size_t n)
{
	int *width = xcalloc(n, sizeof *width);
	struct buf b;
	buf_init(&b);
	for (size_t k = 0; k < n; k++)
		width[k] = width_of(slice_of(cols[k].title));
	for (const struct json *r = json_first(rows); r; r = json_next(r))
		for (size_t k = 0; k < n; k++) {
			buf_clear(&b);
			cell(&b, r, &cols[k]);
			width[k] = MAX(width[k], width_of(buf_slice(&b)));
		}
	for (size_t k = 0; k < n; k++)
		put_cell(&cols[k], slice_of(cols[k].title), width[k], k + 1 == n);
	for (const struct json *r = json_first(rows); r; r = json_next(r))
		for (size_t k = 0; k < n; k++) {
			buf_clear(&b);
			cell(&b, r, &cols[k]);
			put_cell(&cols[k], buf_slice(&b), width[k], k + 1 == n);
		}
	buf_done(&b);
	free(width);
}

static void put(const struct buf *b)
{
	fwrite(b->n ? b->p : "", 1, b->n, stdout);
}

void print_field(const char *before, const struct json *obj, const char *key)
{
	struct slice s = json_get_str(obj, key);
	struct buf b;
	if (!s.n)
		return;
	buf_init(&b);
	buf_adds(&b, before);
	text_show(&b, s, 0, false);
	put(&b);
	buf_done(&b);
}

void print_count(const char *before, const struct json *obj, const char *key)
{
	int64_t n;
	if (json_i64(json_get(obj, key), &n))
		printf("%s%" PRId64, before, n);
	else
		printf("%sunknown", before);
}

void print_list(const char *title, const struct json *array)
{
	struct buf b;
	buf_init(&b);
	for (const struct json *j = json_first(array); j; j = json_next(j)) {
		struct slice s = { NULL, 0 };
		buf_adds(&b, b.n ? ", " : title);
		if (json_str(j, &s))
			text_show(&b, s, 0, false);
	}
	if (b.n)
		buf_addc(&b, '\n');
	put(&b);
	buf_done(&b);
}

void print_json(const struct json *j)
{
	struct buf b;
	buf_init(&b);
	json_print(&b, j);
	buf_addc(&b, '\n');
	put(&b);
	buf_done(&b);
}

enum rc print_end(struct err *e)
{
	static int first;               /* errno of the first flush that failed */
	if (fflush(stdout) != 0 && !first)
		first = errno;
	if (!first && !ferror(stdout))
		return RC_OK;
	return err_set(e, RC_INTERNAL, "standard output cannot be written (%s); what was printed is not all", first ? strerror(first) : "it was closed");
}
