#include "ui/term.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/mem.h"

struct text_term {
	struct term base;
	int rows, cols;
	const struct theme *theme;
	enum text_styles styles;
	struct buf last;
};

static void trim(struct buf *out, size_t from, char blank)
{
	while (out->n > from && out->p[out->n - 1] == blank)
		out->n--;
	buf_addc(out, '\n');
}

static char attr_letter(uint8_t attrs)
{
	static const char letter[16] = { '.', 'b', 'd', 'B', 'r', 'R', 'D', 'R', 'u', 'U', 'D', 'U', 'V', 'V', 'V', 'V' };
	return letter[attrs & 15];
}

static char style_letter(const struct cell *c, const struct theme *theme, enum text_styles styles)
{
	if (styles == TEXT_ATTRS)
		return attr_letter(theme_style(theme, (enum role)c->role, c->selected != 0).attrs);
	char l = role_letter((enum role)c->role);
	return !c->selected ? l : l == '.' ? '#' : (char)toupper((unsigned char)l);
}

void term_text_dump(struct buf *out, const struct grid *g, const struct theme *theme, enum text_styles styles)
{
	for (int y = 0; y < g->rows; y++) {
		size_t from = out->n;
		for (int x = 0; x < g->cols; x++)
			buf_adds(out, grid_at(g, y, x)->g);
		trim(out, from, ' ');
	}
	if (styles == TEXT_GLYPHS)
		return;
	buf_addf(out, "== %s ==\n", styles == TEXT_ATTRS ? "attributes" : "roles");
	for (int y = 0; y < g->rows; y++) {
		size_t from = out->n;
		for (int x = 0; x < g->cols; x++)
			buf_addc(out, style_letter(grid_at(g, y, x), theme, styles));
		trim(out, from, '.');
	}
}

static void text_size(struct term *t, int *rows, int *cols)
{
	struct text_term *x = (struct text_term *)t;
	*rows = x->rows;
	*cols = x->cols;
}

static bool text_present(struct term *t, const struct grid *g, int cy, int cx)
{
	struct text_term *x = (struct text_term *)t;
	buf_clear(&x->last);
	term_text_dump(&x->last, g, x->theme, x->styles);
	if (x->styles != TEXT_GLYPHS)
		buf_addf(&x->last, "== cursor %d %d ==\n", cy, cx);
	return true;
}

static void text_nothing(struct term *t)
{
	(void)t;
}

static void text_free(struct term *t)
{
	struct text_term *x = (struct text_term *)t;
	buf_done(&x->last);
	free(x);
}

static const struct term_ops text_ops = {
	.size = text_size,
	.present = text_present,
	.flush_input = text_nothing,
	.bell = text_nothing,
	.forget = text_nothing,
	.free = text_free,
};

struct term *term_text_new(int rows, int cols, const struct theme *theme, enum text_styles styles)
{
	struct text_term *x = xcalloc(1, sizeof(*x));
	x->base.ops = &text_ops;
	x->rows = rows;
	x->cols = cols;
	x->theme = theme;
	x->styles = styles;
	return &x->base;
}

const char *term_text_last(const struct term *t)
{
	return buf_z(&((const struct text_term *)t)->last);
}
