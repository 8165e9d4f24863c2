#include "ui/widgets/table.h"

#include <string.h>

#include "base/mem.h"

static int needed(const struct table *t)
{
	int sum = 0;
	for (int i = 0; i < t->n; i++)
		sum += t->w[i] > 0 ? t->w[i] + TABLE_GAP : 0;
	return sum - TABLE_GAP;
}

static bool drop_one(struct table *t)
{
	int least = -1;
	for (int i = 0; i < t->n; i++)
		if (t->w[i] > 0 && t->column[i].keep > 0 && (least < 0 || t->column[i].keep < t->column[least].keep))
			least = i;
	if (least >= 0)
		t->w[least] = 0;
	return least >= 0;
}

static bool can_grow(const struct table *t, int i)
{
	const struct column *c = &t->column[i];
	return t->w[i] > 0 && c->grow > 0 && (c->most == 0 || t->w[i] < c->most);
}

/* Hand out what is left over, one column wide at a time, by share. */
static void grow_columns(struct table *t, int left)
{
	for (bool any = true; left > 0 && any;) {
		any = false;
		for (int i = 0; i < t->n; i++) {
			for (int k = 0; can_grow(t, i) && k < t->column[i].grow && left > 0; k++, left--) {
				t->w[i]++;
				any = true;
			}
		}
	}
}

void table_scroll(struct table *t, const struct column *column, int n, int width, int fixed, int skip)
{
	n = MIN(n, (int)TABLE_COLUMNS);
	skip = MAX(MIN(skip, n - fixed - 1), 0);
	*t = (struct table){ .column = column, .n = n, .width = width, .fixed = fixed, .skip = skip };
	for (int i = 0; i < t->n; i++)
		t->w[i] = i >= fixed && i < fixed + skip ? 0 : column[i].width;
	while (needed(t) > width && drop_one(t))
		;
	grow_columns(t, width - needed(t));
	int x = 0;
	for (int i = 0; i < t->n; i++) {
		t->x[i] = x;
		x += t->w[i] > 0 ? t->w[i] + TABLE_GAP : 0;
	}
}

void table_layout(struct table *t, const struct column *column, int n, int width)
{
	table_scroll(t, column, n, width, 0, 0);
}

/* Columns after the scrolled ones that had no room. */
static bool without_room(const struct table *t)
{
	for (int i = t->fixed + t->skip; i < t->n; i++)
		if (t->w[i] == 0)
			return true;
	return false;
}

int table_scrolled(const struct table *t, int skip, int by)
{
	struct table from, to;
	if (t->n == 0)
		return 0;
	table_scroll(&from, t->column, t->n, t->width, t->fixed, skip);
	if (by > 0 && !without_room(&from))
		return from.skip;
	to = from;
	do
		table_scroll(&to, t->column, t->n, t->width, t->fixed, to.skip + by);
	while (to.skip > 0 && to.skip < t->n - t->fixed - 1 && memcmp(to.w, from.w, sizeof(to.w)) == 0);
	return to.skip;
}

void table_arrows(const struct table *t, struct area line)
{
	if (t->skip > 0)
		area_put(line, 0, 0, ROLE_ACCENT, "←");
	if (without_room(t))
		area_put(line, 0, line.w - 1, ROLE_ACCENT, "→");
}

struct area table_cell(const struct table *t, struct area row, int column)
{
	return area_cols(row, t->x[column], t->w[column]);
}

void table_put(const struct table *t, struct area row, int column, enum role r, const char *text)
{
	struct area cell = table_cell(t, row, column);
	if (cell.w == 0)
		return;
	if (t->column[column].right && put_width(text) < cell.w)
		area_put_right(cell, 0, cell.w, r, text);
	else
		area_put(cell, 0, 0, r, text);
}

void table_show(const struct table *t, struct area row, int column, enum role r, struct slice s)
{
	struct area cell = table_cell(t, row, column);
	if (cell.w > 0)
		area_show(cell, 0, 0, cell.w, r, s);
}

void table_titles(const struct table *t, struct area a, int y)
{
	struct area row = area_rows(a, y, 1);
	for (int i = 0; i < t->n; i++)
		table_put(t, row, i, ROLE_TITLE, t->column[i].title);
}
