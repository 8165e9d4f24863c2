#include "ui/widgets/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/glyph.h"

/* ---- marks ---- */

static size_t mark_at(const struct list *l, struct slice id, bool *found)
{
	size_t lo = 0, hi = l->marks;
	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = slice_cmp((struct slice){ l->mark[mid].id, l->mark[mid].n }, id);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool list_marked(const struct list *l, struct slice id)
{
	bool found;
	mark_at(l, id, &found);
	return found;
}

void list_mark(struct list *l, struct slice id, int64_t bytes, struct slice of)
{
	bool found;
	size_t at = mark_at(l, id, &found);
	if (found) {
		free(l->mark[at].id);
		free(l->mark[at].of);
		l->marks--;
		memmove(&l->mark[at], &l->mark[at + 1], (l->marks - at) * sizeof(*l->mark));
		return;
	}
	GROW(l->mark, l->mark_cap, l->marks + 1);
	memmove(&l->mark[at + 1], &l->mark[at], (l->marks - at) * sizeof(*l->mark));
	l->mark[at] = (struct mark){ xstrndup(id.p, id.n), id.n, bytes, xstrndup(of.n ? of.p : "", of.n) };
	l->marks++;
}

int64_t list_marked_bytes(const struct list *l)
{
	int64_t sum = 0;
	for (size_t i = 0; i < l->marks && sum >= 0; i++)
		sum = l->mark[i].bytes < 0 ? -1 : sum + l->mark[i].bytes;
	return sum;
}

void list_done(struct list *l)
{
	for (size_t i = 0; i < l->marks; i++) {
		free(l->mark[i].id);
		free(l->mark[i].of);
	}
	free(l->mark);
	buf_done(&l->cursor_id);
	*l = (struct list){ 0 };
}

/* ---- cursor ---- */

static void remember(struct list *l, const struct list_source *s)
{
	struct slice id;
	buf_clear(&l->cursor_id);
	l->gone = false;
	if (l->cursor >= 0 && s->id(s->ctx, l->cursor, &id))
		buf_add(&l->cursor_id, id.p, id.n);
}

void list_reset(struct list *l)
{
	l->top = l->cursor = 0;
	l->gone = false;
	buf_clear(&l->cursor_id);
}

static void clamp(struct list *l, int64_t count)
{
	l->cursor = MAX(MIN(l->cursor, count - 1), 0);
	if (l->cursor < l->top)
		l->top = l->cursor;
	if (l->height > 0 && l->cursor >= l->top + l->height)
		l->top = l->cursor - l->height + 1;
	l->top = MAX(MIN(l->top, count - l->height), 0);
}

void list_changed(struct list *l, const struct list_source *s)
{
	struct slice id, mine = buf_slice(&l->cursor_id);
	int64_t row, count = s->count(s->ctx);
	if (mine.n == 0) {
		if (count >= 0)
			clamp(l, count);
		remember(l, s);
		return;
	}
	if (s->id(s->ctx, l->cursor, &id) && slice_eq(id, mine)) {
		l->gone = false;
		return;
	}
	if (s->find(s->ctx, mine, &row)) {
		l->top = MAX(l->top + row - l->cursor, 0);
		l->cursor = row;
		l->gone = false;
	} else if (count >= 0 && (l->cursor >= count || s->id(s->ctx, l->cursor, &id))) {
		l->gone = true;
	}
}

static int64_t target(const struct list *l, enum verb v, int64_t count)
{
	int64_t page = MAX(l->height - 1, 1);
	switch (v) {
	case VERB_UP: return l->cursor - 1;
	case VERB_DOWN: return l->gone ? l->cursor : l->cursor + 1;
	case VERB_PAGE_UP: return l->cursor - page;
	case VERB_PAGE_DOWN: return l->cursor + page;
	case VERB_TOP: return 0;
	case VERB_BOTTOM: return count - 1;
	case VERB_LEFT: case VERB_RIGHT: case VERB_OPEN: case VERB_BACK: case VERB_MARK: case VERB_SORT:
	case VERB_NEXT: case VERB_PREV: case VERB_VERIFY:
		break;
	}
	return -2;
}

bool list_verb(struct list *l, const struct list_source *s, enum verb v)
{
	int64_t count = s->count(s->ctx), to = target(l, v, count);
	if (to == -2)
		return false;
	if (count > 0)
		list_to(l, s, to);
	return true;
}

void list_to(struct list *l, const struct list_source *s, int64_t row)
{
	l->cursor = row;
	clamp(l, s->count(s->ctx));
	remember(l, s);
}

bool list_at(const struct list *l, int64_t *row)
{
	*row = l->cursor;
	return !l->gone && l->cursor_id.n > 0;
}

/* ---- paint ---- */

static void tombstone(const struct list *l, struct area line)
{
	int x = area_put(line, 0, 0, ROLE_DIM, glyph(GLYPH_FAILED));
	x = area_put(line, 0, x + 1, ROLE_DIM, "no longer in this list: ");
	area_show(line, 0, x, 0, ROLE_DIM, buf_slice(&l->cursor_id));
}

static void paint_row(const struct list *l, const struct list_source *s, struct area line, int64_t row, struct slice id)
{
	bool here = row == l->cursor, marked = list_marked(l, id);
	struct origin from = s->from ? s->from(s->ctx, row) : (struct origin){ 0 };
	from.by = l;
	from.n[0] = (here ? 1 : 0) + (marked ? 2 : 0);
	if (s->from && area_kept(line, &from))
		return;
	s->draw(s->ctx, line, row, marked);
	if (here)
		area_select(line, 0);
	if (s->from)
		area_drawn(line, &from);
}

int list_paint(struct list *l, const struct list_source *s, struct area a)
{
	int64_t count = s->count(s->ctx);
	l->height = a.h;
	if (count <= 0 && !l->gone)
		return -1;
	clamp(l, MAX(count, l->gone ? l->cursor + 1 : 0));
	if (s->want)
		s->want(s->ctx, l->top, a.h);
	if (l->cursor_id.n == 0)
		remember(l, s);
	for (int y = 0; y < a.h; y++) {
		int64_t row = l->top + y;
		struct area line = area_rows(a, y, 1);
		struct slice id;
		bool gone = row == l->cursor && l->gone;
		if (!gone && row >= count)
			break;
		if (!gone && s->id(s->ctx, row, &id)) {
			paint_row(l, s, line, row, id);
			continue;
		}
		if (gone)
			tombstone(l, line);
		else
			area_put(line, 0, 0, ROLE_DIM, "loading…");
		if (row == l->cursor)
			area_select(line, 0);
	}
	return (int)(l->cursor - l->top);
}
