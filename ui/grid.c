#include "ui/grid.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "ui/glyph.h"

static const struct cell blank = { .g = " ", .width = 1, .role = ROLE_TEXT };

void grid_init(struct grid *g, int rows, int cols, bool ascii)
{
	*g = (struct grid){ .ascii = ascii };
	grid_resize(g, rows, cols);
}

static void free_rows(struct grid *g)
{
	for (int y = 0; g->row && y < g->rows; y++)
		buf_done(&g->row[y].from);
	free(g->row);
}

void grid_done(struct grid *g)
{
	free_rows(g);
	free(g->cell);
	g->cell = NULL;
	g->row = NULL;
}

void grid_resize(struct grid *g, int rows, int cols)
{
	free_rows(g);
	g->rows = MAX(rows, 1);
	g->cols = MAX(cols, 1);
	g->cell = xreallocarray(g->cell, (size_t)g->rows * (size_t)g->cols, sizeof(struct cell));
	g->row = xcalloc((size_t)g->rows, sizeof *g->row);
	grid_clear(g);
}

/* ---- rows ---- */

static void blank_row(struct grid *g, int y)
{
	size_t n = (size_t)g->cols, done = 1;
	struct cell *cell = grid_at(g, y, 0);
	cell[0] = blank;
	for (; done < n; done *= 2)
		memcpy(cell + done, cell, MIN(done, n - done) * sizeof *cell);
	buf_clear(&g->row[y].from);
	g->row[y].state = ROW_BLANK;
	g->row[y].changed = g->frame;
}

void grid_clear(struct grid *g)
{
	g->frame++;
	for (int y = 0; y < g->rows; y++)
		blank_row(g, y);
}

void grid_frame(struct grid *g)
{
	g->frame++;
	for (int y = 0; y < g->rows; y++) {
		if (g->row[y].from.n > 0)
			g->row[y].state = ROW_BEFORE;
		else if (g->row[y].state != ROW_BLANK)
			blank_row(g, y);
	}
}

void grid_framed(struct grid *g)
{
	for (int y = 0; y < g->rows; y++)
		if (g->row[y].state == ROW_BEFORE)
			blank_row(g, y);
}

/* Somebody draws there: it is no longer, or not only, the line that was known. */
static void touch(struct area a, int y)
{
	if (y < 0 || y >= a.h)
		return;
	struct grid_row *row = &a.g->row[a.y + y];
	if (row->state == ROW_BEFORE)
		blank_row(a.g, a.y + y);
	buf_clear(&row->from);
	row->state = ROW_DRAWN;
	row->changed = a.g->frame;
}

/* ---- lines that are known ---- */

/* A row is known by this, then the bytes of layout and text. */
struct known {
	const void *by;
	int64_t n[3];
	size_t layout, text;
	int x, w;
};

static struct known known_of(struct area line, const struct origin *o)
{
	return (struct known){ .by = o->by, .n = { o->n[0], o->n[1], o->n[2] }, .layout = o->layout.n, .text = o->text.n,
			       .x = line.x, .w = line.w };
}

static bool same_bytes(const char *p, struct slice s)
{
	return s.n == 0 || memcmp(p, s.p, s.n) == 0;
}

static bool known_as(const struct buf *row, struct area line, const struct origin *o)
{
	struct known k = known_of(line, o);
	return row->n == sizeof k + k.layout + k.text && memcmp(row->p, &k, sizeof k) == 0 &&
	       same_bytes(row->p + sizeof k, o->layout) && same_bytes(row->p + sizeof k + k.layout, o->text);
}

bool area_kept(struct area line, const struct origin *from)
{
	if (line.h != 1)
		return false;
	struct grid_row *row = &line.g->row[line.y];
	if (row->state == ROW_BEFORE && known_as(&row->from, line, from)) {
		row->state = ROW_DRAWN;
		return true;
	}
	if (row->state == ROW_BEFORE)
		blank_row(line.g, line.y);
	row->alone = row->state == ROW_BLANK;
	return false;
}

void area_drawn(struct area line, const struct origin *from)
{
	if (line.h != 1 || !line.g->row[line.y].alone)
		return;
	struct grid_row *row = &line.g->row[line.y];
	struct known k = known_of(line, from);
	buf_clear(&row->from);
	buf_add(&row->from, &k, sizeof k);
	buf_add(&row->from, from->layout.p, from->layout.n);
	buf_add(&row->from, from->text.p, from->text.n);
	row->state = ROW_DRAWN;
	row->alone = false;
}

bool grid_eq(const struct grid *a, const struct grid *b)
{
	if (a->rows != b->rows || a->cols != b->cols)
		return false;
	return memcmp(a->cell, b->cell, (size_t)a->rows * (size_t)a->cols * sizeof *a->cell) == 0;
}

void grid_copy(struct grid *to, const struct grid *from)
{
	if (to->rows != from->rows || to->cols != from->cols)
		grid_resize(to, from->rows, from->cols);
	grid_clear(to);
	memcpy(to->cell, from->cell, (size_t)to->rows * (size_t)to->cols * sizeof(struct cell));
	for (int y = 0; y < to->rows; y++)
		to->row[y].state = ROW_DRAWN;
}

struct area area_all(struct grid *g)
{
	return (struct area){ g, 0, 0, g->rows, g->cols };
}

struct area area_sub(struct area a, int y, int x, int h, int w)
{
	int y0 = MAX(y, 0), x0 = MAX(x, 0);
	int y1 = MIN(y + h, a.h), x1 = MIN(x + w, a.w);
	y0 = MIN(y0, a.h);
	x0 = MIN(x0, a.w);
	return (struct area){ a.g, a.y + y0, a.x + x0, MAX(y1 - y0, 0), MAX(x1 - x0, 0) };
}

struct area area_rows(struct area a, int y, int h)
{
	return area_sub(a, y, 0, h, a.w);
}

struct area area_cols(struct area a, int x, int w)
{
	return area_sub(a, 0, x, a.h, w);
}

static void set_glyph(struct cell *c, const char *bytes, size_t n, int width)
{
	memset(c->g, 0, sizeof c->g);
	memcpy(c->g, bytes, n);
	c->width = (uint8_t)width;
}

/* Half of a wide cell that stays when the other half is overwritten becomes a blank. */
static void heal(struct area a, int y, int x)
{
	struct grid *g = a.g;
	struct cell *c = grid_at(g, y, x);
	if (c->width == 1)
		return;
	if (c->width == 0 && x > 0)
		set_glyph(grid_at(g, y, x - 1), " ", 1, 1);
	if (c->width == 2 && x + 1 < g->cols)
		set_glyph(grid_at(g, y, x + 1), " ", 1, 1);
	c->width = 1;
}

/* One grapheme at the area's (y, x); false when it does not fit. */
static bool set_cell(struct area a, int y, int x, enum role r, const char *bytes, size_t n, int width)
{
	if (y < 0 || y >= a.h || x < 0 || x + width > a.w)
		return false;
	heal(a, a.y + y, a.x + x);
	if (width == 2)
		heal(a, a.y + y, a.x + x + 1);
	struct cell *c = grid_at(a.g, a.y + y, a.x + x);
	set_glyph(c, bytes, n, width);
	c->role = (uint8_t)r;
	if (width == 2)
		c[1] = (struct cell){ .g = "", .width = 0, .role = (uint8_t)r, .selected = c->selected };
	return true;
}

/* n ASCII letters, `step` 1, or n times the same one, 0; what is left and right of the area is not drawn. */
static void put_letters(struct area a, int y, int x, enum role r, const char *letter, int n, int step)
{
	int from = MAX(-x, 0), to = MIN(n, a.w - x);
	if (y < 0 || y >= a.h || from >= to)
		return;
	struct cell *c = grid_at(a.g, a.y + y, a.x + x + from);
	for (int i = from; i < to; i++, c++) {
		if (c->width != 1)
			heal(a, a.y + y, a.x + x + i);
		*c = (struct cell){ .g = { letter[i * step] }, .width = 1, .role = (uint8_t)r, .selected = c->selected };
	}
}

static inline bool is_letter(char c)
{
	return c >= 0x20 && c <= 0x7E;
}

static void add_mark(struct area a, int y, int x, const char *bytes, size_t n)
{
	if (y < 0 || y >= a.h || x < 0 || x >= a.w)
		return;
	struct cell *c = grid_at(a.g, a.y + y, a.x + x);
	size_t have = strlen(c->g);
	if (have + n < CELL_BYTES)
		memcpy(c->g + have, bytes, n);          /* what follows is 0 */
}

/* Text that is already fit to be shown. What is not a printable code point becomes `?`: the second fence. */
static int put_shown(struct area a, int y, int x, enum role r, struct slice s)
{
	int last = -1;
	touch(a, y);
	for (size_t i = 0; i < s.n;) {
		size_t from = i;
		if (is_letter(s.p[i])) {                        /* most of all text */
			while (i < s.n && is_letter(s.p[i]))
				i++;
			int n = (int)MIN(i - from, (size_t)INT_MAX / 2);
			put_letters(a, y, x, r, s.p + from, n, 1);
			if (x + n > a.w)
				return a.w;
			x += n;
			last = x - 1;
			continue;
		}
		int32_t cp = utf8_next(s, &i);
		int w = cp < 0 ? -1 : text_cp_width((uint32_t)cp);
		if (w == 0) {
			if (last >= 0)
				add_mark(a, y, last, s.p + from, i - from);
			continue;
		}
		char twin = a.g->ascii && cp > 0x7E ? glyph_ascii((uint32_t)cp) : w < 0 ? '?' : '\0';
		if (twin != '\0')
			w = 1;
		if (x + w > a.w)
			return a.w;
		if (twin != '\0')
			set_cell(a, y, x, r, &twin, 1, 1);
		else
			set_cell(a, y, x, r, s.p + from, i - from, w);
		last = x;
		x += w;
	}
	return x;
}

int area_put(struct area a, int y, int x, enum role r, const char *text)
{
	return put_shown(a, y, x, r, slice_of(text));
}

int area_putf(struct area a, int y, int x, enum role r, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return area_put(a, y, x, r, text);
}

int put_width(const char *text)
{
	struct slice s = slice_of(text);
	int w = 0;
	for (size_t i = 0; i < s.n;) {
		if (is_letter(s.p[i])) {
			i++;
			w++;
			continue;
		}
		int32_t cp = utf8_next(s, &i);
		int one = cp < 0 ? 1 : text_cp_width((uint32_t)cp);
		w += one < 0 ? 1 : one;
	}
	return w;
}

int area_put_right(struct area a, int y, int end, enum role r, const char *text)
{
	int x = end - put_width(text);
	area_put(a, y, x, r, text);
	return x;
}

typedef struct text_info shown_fn(struct buf *out, struct slice s, int max_columns, bool ascii);

static int show_with(shown_fn *fn, struct area a, int y, int x, int w, enum role r, struct slice s, bool ascii)
{
	int room = w > 0 ? MIN(w, a.w - x) : a.w - x;
	if (room <= 0)
		return x;
	struct buf shown = { 0 };
	struct text_info info = fn(&shown, s, room, ascii);
	struct area column = area_cols(a, x, room);
	int end = put_shown(column, y, 0, info.altered ? ROLE_ESCAPE : r, buf_slice(&shown));
	buf_done(&shown);
	return x + end;
}

int area_show(struct area a, int y, int x, int w, enum role r, struct slice s)
{
	return show_with(text_show, a, y, x, w, r, s, a.g->ascii);
}

int area_said(struct area a, int y, int x, int w, enum role r, struct slice s)
{
	return show_with(text_show, a, y, x, w, r, s, false);
}

int area_show_middle(struct area a, int y, int x, int w, enum role r, struct slice s)
{
	return show_with(text_show_middle, a, y, x, w, r, s, a.g->ascii);
}

/* Whether the shown form could be that of another id too. */
static bool ambiguous(struct slice s, const struct text_info *info)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("\\^<# ", s.p[i]))
			return true;
	return info->altered || info->clipped || s.n == 0;
}

int area_show_id(struct area a, int y, int x, int w, enum role r, struct slice id)
{
	enum { MARK = 9 };              /* # and 8 digits */
	int room = w > 0 ? MIN(w, a.w - x) : a.w - x;
	struct buf shown = { 0 };
	struct hash h;
	char hex[HASH_HEX];
	if (room <= 0)
		return x;
	struct text_info info = text_show(&shown, id, room, true);
	bool mark = ambiguous(id, &info);
	if (mark) {
		buf_clear(&shown);
		hash_bytes(&h, id.p ? id.p : "", id.n);
		if (room > MARK)
			info.altered |= text_show(&shown, id, room - MARK, true).altered;
		buf_addf(&shown, "#%.8s", hash_hex(hex, &h));
	}
	int end = put_shown(area_cols(a, x, room), y, 0, info.altered ? ROLE_ESCAPE : r, buf_slice(&shown));
	buf_done(&shown);
	return x + end;
}

void area_fill(struct area a, int y, int x, int w, enum role r, const char *glyph)
{
	struct slice s = slice_of(glyph);
	bool letter = s.n == 1 && is_letter(s.p[0]);
	touch(a, y);
	if (letter)
		put_letters(a, y, x, r, s.p, w, 0);
	for (int i = 0; i < w && !letter; i++)
		put_shown(a, y, x + i, r, s);
}

void area_clear(struct area a)
{
	for (int y = 0; y < a.h; y++) {
		touch(a, y);
		for (int x = 0; x < a.w; x++) {
			heal(a, a.y + y, a.x + x);
			*grid_at(a.g, a.y + y, a.x + x) = blank;
		}
	}
}

void area_role(struct area a, int y, int x, int w, enum role r)
{
	struct area part = area_sub(a, y, x, 1, w);
	touch(part, 0);
	for (int i = 0; part.h == 1 && i < part.w; i++)
		grid_at(part.g, part.y, part.x + i)->role = (uint8_t)r;
}

void area_select(struct area a, int y)
{
	struct area row = area_rows(a, y, 1);
	touch(row, 0);
	for (int i = 0; row.h == 1 && i < row.w; i++)
		grid_at(row.g, row.y, row.x + i)->selected = 1;
}
