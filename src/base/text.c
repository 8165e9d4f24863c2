#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text_table.h"

/* ---- UTF-8 and widths ---- */

static bool is_cont(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

int32_t utf8_next(struct slice s, size_t *i)
{
	const unsigned char *p = (const unsigned char *)s.p + *i;
	size_t left = s.n - *i, n;
	uint32_t cp, least;
	(*i)++;
	if (p[0] < 0x80)
		return p[0];
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		n = 2, cp = p[0] & 0x1F, least = 0x80;
	else if ((p[0] & 0xF0) == 0xE0)
		n = 3, cp = p[0] & 0x0F, least = 0x800;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		n = 4, cp = p[0] & 0x07, least = 0x10000;
	else
		return -1;
	if (left < n)
		return -1;
	for (size_t k = 1; k < n; k++) {
		if (!is_cont((char)p[k]))
			return -1;
		cp = cp << 6 | (p[k] & 0x3Fu);
	}
	if (cp < least || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		return -1;
	*i += n - 1;
	return (int32_t)cp;
}

static size_t utf8_bytes(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

void utf8_put(struct buf *out, uint32_t cp)
{
	char b[4];
	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		cp = 0xFFFD;
	buf_add(out, b, utf8_bytes(b, cp));
}

/* Length of the run of printable ASCII at s[i]. */
static size_t ascii_run(struct slice s, size_t i)
{
	size_t start = i;
	while (i < s.n && (unsigned char)s.p[i] - 0x20u < 0x5F)
		i++;
	return i - start;
}

bool utf8_valid(struct slice s)
{
	for (size_t i = 0; i < s.n;) {
		i += ascii_run(s, i);
		if (i < s.n && utf8_next(s, &i) < 0)
			return false;
	}
	return true;
}

int text_cp_width(uint32_t cp)
{
	if (cp < 0x300)
		return (cp >= 0x20 && cp < 0x7F) || (cp > 0xA0 && cp != 0xAD) ? 1 : -1;
	if (cp > 0x10FFFF)
		return -1;
	size_t lo = 0, hi = ARRAY_LEN(text_table);
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (text_table[mid] >> 2 <= cp)
			lo = mid;
		else
			hi = mid;
	}
	return (int)(text_table[lo] & 3) - 1;
}

/* ---- showing ---- */

/* What one byte or code point of the input becomes: shown whole or not at all. */
struct unit {
	char b[16];
	size_t n;
	int columns;
	bool escaped;
};

static void unit_escape(struct unit *u, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void unit_escape(struct unit *u, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(u->b, sizeof(u->b), fmt, ap);
	va_end(ap);
	u->n = (size_t)n;
	u->columns = n;
	u->escaped = true;
}

static void unit_control(struct unit *u, unsigned c)
{
	switch (c) {
	case '\t': unit_escape(u, "\\t"); break;
	case '\n': unit_escape(u, "\\n"); break;
	case '\r': unit_escape(u, "\\r"); break;
	default: unit_escape(u, "^%c", c ^ 0x40); break;
	}
}

static bool plain(char c) { return c >= 0x20 && c <= 0x7E; }

/* Bytes from s[i] on that are shown as they are, one column each; at most `most`. */
static size_t plain_run(struct slice s, size_t i, size_t most)
{
	size_t n = 0;
	most = MIN(most, s.n - i);
	while (n < most && plain(s.p[i + n]))
		n++;
	return n;
}

/* The unit at s[*i]. *base: whether the unit before can carry one combining mark. */
static void unit_next(struct slice s, size_t *i, bool ascii, bool *base, struct unit *u)
{
	size_t start = *i;
	int32_t cp = utf8_next(s, i);
	bool carries = *base;
	*base = false;
	if (cp < 0) {
		unit_escape(u, "\\x%02X", (unsigned char)s.p[start]);
		return;
	}
	if (cp < 0x20 || cp == 0x7F) {
		unit_control(u, (unsigned)cp);
		return;
	}
	int w = text_cp_width((uint32_t)cp);
	if (w < 0 || (w == 0 && !carries) || (ascii && cp > 0x7E)) {
		unit_escape(u, "<U+%04X>", (unsigned)cp);
		return;
	}
	u->n = *i - start;
	memcpy(u->b, s.p + start, u->n);
	u->columns = w;
	u->escaped = false;
	*base = w > 0 && cp != ' ';
}

static const char *ellipsis(bool ascii)
{
	return ascii ? "~" : "…";
}

struct text_info text_show(struct buf *out, struct slice s, int max_columns, bool ascii)
{
	struct text_info info = { 0, false, false };
	struct unit u;
	bool base = false;
	/* where to cut if one more column is needed for the ellipsis */
	size_t cut = out->n;
	int cut_columns = 0;
	for (size_t i = 0; i < s.n;) {
		size_t run = plain_run(s, i, max_columns > 0 ? (size_t)(max_columns - info.columns) : s.n);
		if (run > 0) {
			buf_add(out, s.p + i, run);
			i += run;
			base = s.p[i - 1] != ' ';
			info.columns += (int)run;
			cut_columns = info.columns - (info.columns == max_columns);
			cut = out->n - (size_t)(info.columns - cut_columns);
			continue;
		}
		unit_next(s, &i, ascii, &base, &u);
		if (max_columns > 0 && info.columns + u.columns > max_columns) {
			info.clipped = true;
			break;
		}
		buf_add(out, u.b, u.n);
		info.columns += u.columns;
		info.altered |= u.escaped;
		if (info.columns < max_columns) {
			cut = out->n;
			cut_columns = info.columns;
		}
	}
	if (info.clipped) {
		info.altered |= u.escaped;
		buf_add(out, "", 0);
		out->n = cut;
		out->p[cut] = '\0';
		buf_adds(out, ellipsis(ascii));
		info.columns = cut_columns + 1;
	}
	return info;
}

/* A boundary between units in a shown text. */
struct mark {
	size_t at;
	int columns;
};

static struct text_info plain_middle(struct buf *out, struct slice s, size_t max, bool ascii)
{
	size_t tail = max > 0 ? (max - 1) / 3 : 0;
	if (max == 0 || s.n <= max) {
		buf_add(out, s.p, s.n);
		return (struct text_info){ (int)s.n, false, false };
	}
	buf_add(out, s.p, max - 1 - tail);
	buf_adds(out, ellipsis(ascii));
	buf_add(out, s.p + s.n - tail, tail);
	return (struct text_info){ (int)max, .clipped = true };
}

struct text_info text_show_middle(struct buf *out, struct slice s, int max_columns, bool ascii)
{
	if (s.n > 0 && plain_run(s, 0, s.n) == s.n)
		return plain_middle(out, s, (size_t)MAX(max_columns, 0), ascii);
	struct text_info info = { 0, false, false };
	struct buf whole = { 0 };
	struct mark *marks = NULL;
	size_t n = 0, cap = 0;
	bool base = false;
	for (size_t i = 0; i < s.n;) {
		struct unit u;
		unit_next(s, &i, ascii, &base, &u);
		/* a combining mark is not a place to begin the tail */
		if (u.columns > 0) {
			GROW(marks, cap, n + 1);
			marks[n++] = (struct mark){ whole.n, info.columns };
		}
		buf_add(&whole, u.b, u.n);
		info.columns += u.columns;
		info.altered |= u.escaped;
	}
	if (max_columns <= 0 || info.columns <= max_columns) {
		buf_add(out, buf_z(&whole), whole.n);
	} else {
		int tail_columns = (max_columns - 1) / 3, head_columns = max_columns - 1 - tail_columns;
		struct mark head = { 0, 0 }, tail = { whole.n, info.columns };
		for (size_t k = 0; k < n && marks[k].columns <= head_columns; k++)
			head = marks[k];
		for (size_t k = n; k-- > 0 && info.columns - marks[k].columns <= tail_columns;)
			tail = marks[k];
		buf_add(out, whole.p, head.at);
		buf_adds(out, ellipsis(ascii));
		buf_add(out, whole.p + tail.at, whole.n - tail.at);
		info.columns = head.columns + 1 + info.columns - tail.columns;
		info.clipped = true;
	}
	free(marks);
	buf_done(&whole);
	return info;
}

const char *text_z(char *dst, size_t cap, struct slice s)
{
	if (cap == 0)
		return "";
	struct unit u;
	bool base = false;
	const char *more = ellipsis(false);
	size_t n = 0, cut = 0, more_n = strlen(more);
	for (size_t i = 0; i < s.n;) {
		unit_next(s, &i, false, &base, &u);
		if (n + u.n >= cap) {
			n = cut;
			if (n + more_n < cap) {
				memcpy(dst + n, more, more_n);
				n += more_n;
			}
			break;
		}
		memcpy(dst + n, u.b, u.n);
		n += u.n;
		if (n + more_n < cap)
			cut = n;
	}
	dst[n] = '\0';
	return dst;
}

/* Spreadsheets run a cell that begins like this, in their ASCII and full-width forms. */
static bool starts_formula(struct slice s)
{
	static const char *const first[] = { "=", "+", "-", "@", "＝", "＋", "－", "＠" };
	while (s.n > 0 && s.p[0] == ' ')
		s.p++, s.n--;
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		if (slice_starts(s, first[i]))
			return true;
	return false;
}

void text_csv(struct buf *out, struct slice s)
{
	struct buf shown = { 0 };
	text_show(&shown, s, 0, false);
	buf_addc(out, '"');
	if (starts_formula(buf_slice(&shown)))
		buf_addc(out, '\'');
	for (size_t i = 0; i < shown.n; i++) {
		if (shown.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, shown.p[i]);
	}
	buf_addc(out, '"');
	buf_done(&shown);
}

void text_label(struct buf *out, struct slice s)
{
	struct buf shown = { 0 };
	text_show(&shown, s, 0, false);
	for (size_t i = 0; i < shown.n; i++) {
		if (shown.p[i] == '"' || shown.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, shown.p[i]);
	}
	buf_done(&shown);
}
