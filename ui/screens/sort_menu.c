#include "ui/screens/sort_menu.h"

#include <string.h>

#include "base/mem.h"

enum { TITLE = 3, GAP = 2 };

struct menu {
	const struct sort_column *column;
	int n, at, top, height;
	int active;
	bool desc[SORT_COLUMNS];
	sort_fn *chosen;
};

static struct menu *mine(struct ui *ui)
{
	return ui_state(ui, &page_sort);
}

void sort_open(struct ui *ui, const struct sort_column *column, size_t n, size_t at, bool desc, sort_fn *chosen)
{
	struct menu *m = mine(ui);
	*m = (struct menu){ .column = column, .n = (int)MIN(n, (size_t)SORT_COLUMNS), .at = (int)at, .active = (int)at, .chosen = chosen };
	for (int i = 0; i < m->n; i++)
		m->desc[i] = i == m->active ? desc : column[i].down_first;
	ui_page(ui, &page_sort);
}

static int widest(const struct menu *m, bool title)
{
	int w = 0;
	for (int i = 0; i < m->n; i++) {
		const struct sort_column *c = &m->column[i];
		w = title ? MAX(w, put_width(c->title)) : MAX(w, MAX(put_width(c->up), put_width(c->down)));
	}
	return w;
}

static void row(const struct menu *m, struct area box, int y, int i, int words)
{
	const struct sort_column *c = &m->column[i];
	struct area line = area_rows(box, y, 1);
	area_put(line, 0, 1, ROLE_ACCENT, i == m->active ? "●" : " ");
	area_put(line, 0, TITLE, ROLE_TEXT, c->title);
	area_put(line, 0, words, i == m->active ? ROLE_ACCENT : ROLE_DIM, m->desc[i] ? "↓" : "↑");
	area_put(line, 0, words + 2, i == m->active ? ROLE_ACCENT : ROLE_DIM, m->desc[i] ? c->down : c->up);
	if (i == m->at)
		area_select(line, 0);
}

static void paint(struct ui *ui, struct area a)
{
	static const char keys[] = "Enter sorts  ← → turn it round  Esc leaves";
	struct menu *m = mine(ui);
	ui->screen->paint(ui, a);
	int words = TITLE + widest(m, true) + GAP, w = MIN(MAX(words + 2 + widest(m, false), put_width(keys) + 1) + 2, a.w);
	struct area box = area_sub(a, 1, (a.w - w) / 2, MIN(m->n + 2, a.h - 1), w);
	m->height = MAX(box.h - 2, 1);
	m->top = MAX(MIN(m->top, m->at), m->at - m->height + 1);
	area_clear(box);
	for (int y = 0; y < box.h; y++)
		area_fill(box, y, 0, box.w, ROLE_TEXT, " ");
	area_fill(box, 0, 0, box.w, ROLE_BAR, " ");
	area_put(box, 0, 1, ROLE_BAR, "Sort by");
	for (int i = 0; i < m->height && m->top + i < m->n; i++)
		row(m, box, 1 + i, m->top + i, words);
	area_fill(box, box.h - 1, 0, box.w, ROLE_BAR, " ");
	area_put(box, box.h - 1, 1, ROLE_BAR, keys);
	ui->cy = box.y + 1 + m->at - m->top;
	ui->cx = box.x + TITLE;
}

static void choose(struct ui *ui)
{
	struct menu *m = mine(ui);
	ui_page(ui, NULL);
	m->chosen(ui, (size_t)m->at, m->desc[m->at]);
}

static void key(struct ui *ui, const struct key *k)
{
	struct menu *m = mine(ui);
	int page = MAX(m->height - 1, 1);
	if (k->pasted)
		return;
	switch (k->code) {
	case KEYC_UP: case 'k': m->at--; break;
	case KEYC_DOWN: case 'j': m->at++; break;
	case KEYC_PGUP: m->at -= page; break;
	case KEYC_PGDN: m->at += page; break;
	case KEYC_HOME: case 'g': m->at = 0; break;
	case KEYC_END: case 'G': m->at = m->n - 1; break;
	case KEYC_LEFT: case KEYC_RIGHT: case 'h': case 'l': case ' ': m->desc[m->at] = !m->desc[m->at]; break;
	case KEYC_ENTER: choose(ui); return;
	case KEYC_ESC: case 'q': case 'o': ui_page(ui, NULL); return;
	default: return;
	}
	m->at = MAX(MIN(m->at, m->n - 1), 0);
}

/* On a row: the cursor goes there. */
static void click(struct ui *ui, int y, int x)
{
	struct menu *m = mine(ui);
	int to = m->at + y - ui->cy;
	(void)x;
	if (to >= m->top && to < MIN(m->top + m->height, m->n))
		m->at = to;
}

const struct screen_ops page_sort = {
	.id = "sort-menu", .name = "Sort", .brief = "Sort", .bar = "hold", .state_size = sizeof(struct menu), .typing = true,
	.paint = paint, .key = key, .click = click,
};
