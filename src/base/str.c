#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct slice slice_of(const char *z)
{
	return z ? (struct slice){ z, strlen(z) } : (struct slice){ "", 0 };
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = MIN(a.n, b.n);
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool slice_is(struct slice a, const char *z)
{
	return slice_eq(a, slice_of(z));
}

bool slice_starts(struct slice a, const char *z)
{
	size_t n = strlen(z);
	return a.n >= n && (n == 0 || memcmp(a.p, z, n) == 0);
}

void buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void buf_done(struct buf *b)
{
	free(b->p);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

enum { BUF_LEAST = 64 };                /* bytes of room at first */

static void buf_reserve(struct buf *b, size_t more)
{
	if (more < b->cap - b->n)
		return;
	if (more > SIZE_MAX / 2 - b->n)
		die("out of memory (%zu bytes more)", more);
	GROW(b->p, b->cap, MAX(b->n + more + 1, BUF_LEAST));
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

char *buf_more(struct buf *b, size_t n)
{
	buf_reserve(b, n);
	char *at = b->p + b->n;
	b->n += n;
	b->p[b->n] = '\0';
	return at;
}

void buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void buf_adds(struct buf *b, const char *z)
{
	buf_add(b, z, strlen(z));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	buf_reserve(b, 0);
	int n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("format \"%s\" cannot be printed", fmt);
	if ((size_t)n >= b->cap - b->n) {       /* it did not fit */
		buf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->n += (size_t)n;
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ buf_z(b), b->n };
}

const char *buf_z(const struct buf *b)
{
	return b->p ? b->p : "";
}

char *buf_take(struct buf *b)
{
	char *p = b->p ? b->p : xstrdup("");
	buf_init(b);
	return p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at s[*i] as a non-negative number; false when there are none or it overflows. */
static bool take_digits(struct slice s, size_t *i, int64_t *out)
{
	size_t start = *i;
	int64_t v = 0;
	for (; *i < s.n && is_digit(s.p[*i]); (*i)++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[*i] - '0', &v))
			return false;
	*out = v;
	return *i > start;
}

bool parse_i64(struct slice s, int64_t *out)
{
	bool neg = s.n > 0 && s.p[0] == '-';
	size_t i = neg ? 1 : 0;
	if (i == s.n)
		return false;
	int64_t v = 0;
	/* counts down, because INT64_MIN has no positive twin */
	for (; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return false;
	}
	if (!neg && __builtin_sub_overflow((int64_t)0, v, &v))
		return false;
	*out = v;
	return true;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* The unit that begins at s[i]: the letters up to the next digit or the end. */
static const struct unit *unit_at(const struct unit *units, size_t n, struct slice s, size_t *i)
{
	size_t start = *i;
	while (*i < s.n && !is_digit(s.p[*i]))
		(*i)++;
	struct slice word = { s.p + start, *i - start };
	for (size_t k = 0; k < n; k++)
		if (slice_is(word, units[k].name))
			return &units[k];
	return NULL;
}

bool parse_bytes(struct slice s, int64_t *out)
{
	static const struct unit units[] = {
		{ "B", 1 },
		{ "kB", 1000 },
		{ "MB", 1000000 },
		{ "GB", 1000000000 },
		{ "TB", 1000000000000 },
		{ "KiB", (int64_t)1 << 10 },
		{ "MiB", (int64_t)1 << 20 },
		{ "GiB", (int64_t)1 << 30 },
		{ "TiB", (int64_t)1 << 40 },
	};
	size_t i = 0;
	int64_t v;
	if (!take_digits(s, &i, &v))
		return false;
	if (i == s.n && v == 0) {
		*out = 0;
		return true;
	}
	const struct unit *u = unit_at(units, ARRAY_LEN(units), s, &i);
	return u && i == s.n && !__builtin_mul_overflow(v, u->factor, out);
}

bool parse_duration_ms(struct slice s, int64_t *out)
{
	static const struct unit units[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
	};
	if (slice_is(s, "0")) {
		*out = 0;
		return true;
	}
	size_t i = 0;
	int64_t sum = 0, v, last = INT64_MAX;
	do {
		if (!take_digits(s, &i, &v))
			return false;
		const struct unit *u = unit_at(units, ARRAY_LEN(units), s, &i);
		/* each unit once, larger ones first */
		if (!u || u->factor >= last || __builtin_mul_overflow(v, u->factor, &v) || __builtin_add_overflow(sum, v, &sum))
			return false;
		last = u->factor;
	} while (i < s.n);
	*out = sum;
	return true;
}

bool parse_share_bp(struct slice s, int64_t *out)
{
	size_t i = 0;
	int64_t whole, frac = 0;
	if (!take_digits(s, &i, &whole) || whole > 100)
		return false;
	if (i < s.n && s.p[i] == '.') {
		size_t dot = i++;
		if (!take_digits(s, &i, &frac) || i - dot > 3)
			return false;
		if (i - dot == 2)
			frac *= 10;
	}
	if (i + 1 != s.n || s.p[i] != '%' || whole * 100 + frac > 10000)
		return false;
	*out = whole * 100 + frac;
	return true;
}
