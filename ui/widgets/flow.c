#include "ui/widgets/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { LABEL = 18 };

void flow_init(struct flow *f, struct area a, int y, int indent)
{
	*f = (struct flow){ .a = a, .y = y, .x = indent, .indent = indent };
}

void flow_line(struct flow *f)
{
	f->y++;
	f->x = f->indent;
}

void flow_at(struct flow *f, int x)
{
	if (f->x < x)
		f->x = x;
}

void flow_gap(struct flow *f, int columns)
{
	if (f->x > f->indent)
		f->x += columns;
}

static void fit(struct flow *f, int w)
{
	if (f->x > f->indent && f->x + w > f->a.w)
		flow_line(f);
}

void flow_put(struct flow *f, enum role r, const char *text)
{
	fit(f, put_width(text));
	f->x = area_put(f->a, f->y, f->x, r, text);
}

void flow_putf(struct flow *f, enum role r, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	flow_put(f, r, text);
}

void flow_show(struct flow *f, enum role r, struct slice s)
{
	struct buf shown = { 0 };
	int w = text_show(&shown, s, 0, f->a.g->ascii).columns;
	buf_done(&shown);
	fit(f, w);
	f->x = area_show(f->a, f->y, f->x, 0, r, s);
}

void flow_said(struct flow *f, enum role r, struct slice s)
{
	struct buf shown = { 0 };
	int w = text_show(&shown, s, 0, false).columns;
	buf_done(&shown);
	fit(f, w);
	f->x = area_said(f->a, f->y, f->x, 0, r, s);
}

/* Bytes of shown text that fit in w columns, cut at a blank if there is one. */
static size_t line_of(struct slice s, int w, bool whole_words)
{
	size_t last = 0;
	int used = 0;
	for (size_t i = 0; i < s.n;) {
		size_t from = i;
		int32_t cp = utf8_next(s, &i);
		if (cp == ' ')
			last = from;
		used += cp < 0 ? 1 : MAX(text_cp_width((uint32_t)cp), 0);
		if (used > w)
			return last > 0 ? last : whole_words ? 0 : from;
	}
	return s.n;
}

static void words(struct flow *f, enum role r, struct slice s, bool ascii)
{
	struct buf shown = { 0 };
	struct text_info info = text_show(&shown, s, 0, ascii);
	struct slice left = buf_slice(&shown);
	char line[1024];
	while (left.n > 0) {
		size_t n = line_of(left, f->a.w - f->x, f->x > f->indent);
		if (n == 0 && f->x == f->indent)
			n = left.n;             /* an area of no width: clipped */
		n = MIN(n, sizeof(line) - 1);
		memcpy(line, left.p, n);
		line[n] = '\0';
		f->x = area_put(f->a, f->y, f->x, info.altered ? ROLE_ESCAPE : r, line);
		left.p += n;
		left.n -= n;
		if (left.n > 0) {
			flow_line(f);
			while (left.n > 0 && *left.p == ' ')
				left.p++, left.n--;
		}
	}
	buf_done(&shown);
}

void flow_words(struct flow *f, enum role r, struct slice s)
{
	words(f, r, s, false);
}

void flow_field(struct flow *f, const char *label, struct slice s)
{
	if (!s.p)
		return;
	int back = f->indent;
	f->x = back;
	area_put(f->a, f->y, back, ROLE_DIM, label);
	f->indent = f->x = back + MAX(LABEL, put_width(label) + 1);
	words(f, ROLE_TEXT, s, f->a.g->ascii);
	f->indent = back;
	flow_line(f);
}

void flow_fieldf(struct flow *f, const char *label, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	flow_field(f, label, slice_of(text));
}
