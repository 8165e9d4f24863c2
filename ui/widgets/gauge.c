#include "ui/widgets/gauge.h"

#include <stdio.h>

#include "ui/format.h"
#include "ui/glyph.h"

void gauge_put(struct area a, int y, int x, int w, enum role r, int64_t part, int64_t whole)
{
	if (part < 0 || whole <= 0) {
		area_put(a, y, x, ROLE_DIM, "?");
		return;
	}
	int64_t full = part >= whole ? w : (int64_t)((__int128)part * w / whole);
	if (full == 0 && part > 0)
		full = 1;
	area_fill(a, y, x, (int)full, r, glyph(GLYPH_FULL));
	area_fill(a, y, x + (int)full, w - (int)full, ROLE_TRACK, glyph(GLYPH_EMPTY));
}

void spark_put(struct area a, int y, int x, int w, enum role r, const int64_t *v, int n)
{
	int64_t top = 1;
	int first = n > w ? n - w : 0;
	for (int i = first; i < n; i++)
		top = MAX(top, v[i]);
	for (int i = first; i < n; i++) {
		if (v[i] < 0)
			continue;
		int64_t step = v[i] * 7 / top;
		area_put(a, y, x + w - (n - i), r, glyph(GLYPH_SPARK1 + (enum glyph)step));
	}
}

static void one_step(struct area a, int y, int *x, const struct m_stage *s, const char *now, enum role now_role)
{
	bool done = slice_is(s->state, "done"), at = slice_is(s->state, "now");
	enum role r = done ? ROLE_OK : at ? now_role : ROLE_DIM;
	*x = area_show(a, y, *x, 0, at ? ROLE_STRONG : r, s->name);
	*x = area_put(a, y, *x + 1, r, done ? glyph(GLYPH_DONE) : at ? now : glyph(GLYPH_UNKNOWN));
}

void steps_put(struct area a, int y, const struct m_stage *stage, int n, const char *now, enum role now_role)
{
	int names = 0;
	for (int i = 0; i < n; i++)
		names += (int)stage[i].name.n + 2;
	int room = n > 1 ? (a.w - names - 2) / (n - 1) : 0;
	int dash = MIN(MAX(room, 1), 6), x = 0;
	for (int i = 0; i < n; i++) {
		one_step(a, y, &x, &stage[i], now, now_role);
		bool next = i + 1 < n && slice_is(stage[i + 1].state, "now");
		if (i + 1 == n)
			break;
		enum role r = slice_is(stage[i].state, "done") ? ROLE_OK : ROLE_DIM;
		int line = next && dash > 2 ? dash - 2 : dash;
		area_fill(a, y, x, line, r, glyph(GLYPH_LINE));
		x += line;
		if (next && dash > 2) {
			area_put(a, y, x, now_role, glyph(GLYPH_NOW));
			x += 2;
		}
	}
}

void ruler_put(struct area a, int y, int64_t f, int64_t t)
{
	/* 0 … 25 % over the whole width: what matters happens below 20 %. */
	int w = a.w, five = w / 5, twenty = w * 4 / 5;
	area_fill(a, y, 0, five, ROLE_OK, glyph(GLYPH_LINE));
	area_fill(a, y, five, twenty - five, ROLE_WARN, glyph(GLYPH_LINE));
	area_fill(a, y, twenty, w - twenty, ROLE_FAIL, glyph(GLYPH_LINE));
	area_put(a, y, 0, ROLE_OK, "0 ");
	area_put(a, y, five - 2, ROLE_WARN, " 5 % ");
	area_put(a, y, twenty - 3, ROLE_FAIL, " 20 % ");
	int64_t bp = t > 0 ? share_bp(f, t) : 0;
	if (f < 0 || t < 0 || bp < 0) {
		area_put(a, y + 1, 0, ROLE_DIM, "F/T = ?");
		return;
	}
	int at = (int)MIN(bp * w / 2500, (int64_t)w - 1);
	enum role r = bp > 2000 ? ROLE_FAIL : bp >= 500 ? ROLE_WARN : ROLE_OK;
	char count_f[FORMAT_TEXT], count_t[FORMAT_TEXT], share[FORMAT_TEXT], text[128];
	if (t > 0)
		snprintf(text, sizeof(text), "F/T = %s/%s = %s", format_count(count_f, f), format_count(count_t, t), format_share(share, bp));
	else
		snprintf(text, sizeof(text), "F/T = 0/0");
	int len = put_width(text);
	bool left = at + 2 + len > w;
	area_put(a, y + 1, at, r, glyph(GLYPH_HELD));
	area_put(a, y + 1, left ? at - 1 - len : at + 2, r, text);
}
