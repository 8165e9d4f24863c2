/* Screen 1: everything at a glance. The cursor walks over links, lanes and decisions; it is kept by
 * the name of what it stands on. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ui/format.h"
#include "ui/screens/overview.h"
#include "ui/widgets/flow.h"

enum block { BLOCK_LINKS, BLOCK_LANES, BLOCK_DECISIONS, BLOCKS };

struct overview {
	enum block block;
	struct buf key;                 /* name or seq of the row under the cursor; empty = the first */
	int top[BLOCKS];                /* first row shown of each */
	int rows[BLOCKS];               /* shown in the last frame */
	int at_y[BLOCKS];               /* screen row of the first, for clicks */
};

static int block_count(const struct ui *ui, enum block b)
{
	const struct m_overview *o = &ui->model.overview;
	const int n[BLOCKS] = { o->links, o->lanes, o->decisions };
	return n[b];
}

static struct slice row_key(const struct ui *ui, enum block b, int i, char dst[24])
{
	const struct m_overview *o = &ui->model.overview;
	switch (b) {
	case BLOCK_LINKS: return o->link[i].name;
	case BLOCK_LANES: return o->lane[i].name;
	case BLOCK_DECISIONS:
		snprintf(dst, 24, "%lld", (long long)o->decision[i].seq);
		return slice_of(dst);
	case BLOCKS: break;
	}
	return (struct slice){ 0 };
}

/* Row of the cursor in its block; 0 when it is not set or its row is gone. */
static int cursor_row(const struct ui *ui, const struct overview *v)
{
	char text[24];
	for (int i = 0; i < block_count(ui, v->block); i++)
		if (slice_eq(row_key(ui, v->block, i, text), buf_slice(&v->key)))
			return i;
	return 0;
}

static void cursor_to(struct ui *ui, struct overview *v, enum block b, int i)
{
	char text[24];
	v->block = b;
	buf_clear(&v->key);
	if (i < block_count(ui, b)) {
		struct slice key = row_key(ui, b, i, text);
		buf_add(&v->key, key.p, key.n);
	}
}

static void links_heading(struct ui *ui, struct area left, struct area right, int shown_links)
{
	const struct m_overview *o = &ui->model.overview;
	struct breaker_row rows[OVERVIEW_BREAKERS];
	int up = 0, open = 0, n = overview_breakers(ui, rows);
	char text[64];
	for (int i = 0; i < o->links; i++)
		up += slice_is(o->link[i].state, "up");
	for (int i = 0; i < n; i++)
		open += rows[i].rank == 1;
	area_put(left, 0, 0, ROLE_TITLE, "Links");
	snprintf(text, sizeof(text), shown_links < o->links ? "%d of %d up, %d shown" : "%d of %d up", up, o->links, shown_links);
	area_put_right(left, 0, left.w, up == o->links ? ROLE_OK : ROLE_WARN, text);
	area_put(right, 0, 0, ROLE_TITLE, "Breakers");
	snprintf(text, sizeof(text), "%d open", open);
	area_put_right(right, 0, right.w, open > 0 ? ROLE_WARN : ROLE_OK, text);
}

/* First row to show so that the cursor is among them. */
static int window_top(struct overview *v, enum block b, int cursor, int height, int count)
{
	int top = v->top[b];
	if (v->block == b && cursor < top)
		top = cursor;
	if (v->block == b && cursor >= top + height)
		top = cursor - height + 1;
	v->rows[b] = height;
	return v->top[b] = MAX(MIN(top, count - height), 0);
}

static void select_row(struct ui *ui, const struct overview *v, enum block b, int i, struct area row)
{
	if (v->block != b || i != cursor_row(ui, v))
		return;
	area_select(row, 0);
	ui->cy = row.y;
	ui->cx = row.x;
}

static int paint_links(struct ui *ui, struct overview *v, struct area a, int y, int height)
{
	const struct m_overview *o = &ui->model.overview;
	int half = (a.w - 3) / 2;
	struct area left = area_sub(a, y, 1, 1 + height, half), right = area_sub(a, y, half + 3, 1 + height, a.w - half - 4);
	struct breaker_row rows[OVERVIEW_BREAKERS];
	int n = overview_breakers(ui, rows), top = window_top(v, BLOCK_LINKS, cursor_row(ui, v), height, o->links);
	links_heading(ui, left, right, MIN(height, o->links));
	v->at_y[BLOCK_LINKS] = left.y + 1;
	for (int i = 0; i < height; i++) {
		if (top + i < o->links) {
			struct area row = area_rows(left, 1 + i, 1);
			overview_link(ui, row, &o->link[top + i]);
			select_row(ui, v, BLOCK_LINKS, top + i, row);
		}
		if (i < n)
			overview_breaker(ui, area_rows(right, 1 + i, 1), &rows[i]);
	}
	if (o->links == 0)
		area_put(left, 1, 0, ROLE_DIM, "none configured");
	return y + 1 + height;
}

static int paint_lanes(struct ui *ui, struct overview *v, struct area a, int y, int height)
{
	const struct m_overview *o = &ui->model.overview;
	struct area in = area_sub(a, y, 1, 1 + height, a.w - 2);
	struct table t;
	int top = window_top(v, BLOCK_LANES, cursor_row(ui, v), height, o->lanes);
	table_layout(&t, overview_lane_columns, OVERVIEW_LANE_COLUMNS, in.w);
	table_titles(&t, in, 0);
	v->at_y[BLOCK_LANES] = in.y + 1;
	for (int i = 0; i < height && top + i < o->lanes; i++) {
		struct area row = area_rows(in, 1 + i, 1);
		overview_lane(ui, &t, row, &o->lane[top + i]);
		select_row(ui, v, BLOCK_LANES, top + i, row);
	}
	if (o->lanes == 0)
		area_put(in, 1, 0, ROLE_DIM, "none configured");
	return y + 1 + height;
}

/* ---- decisions ---- */

static void paint_decisions(struct ui *ui, struct overview *v, struct area a, int y)
{
	static const struct column columns[] = {
		{ .title = "Decisions", .width = 9 },
		{ .title = "", .width = 8, .grow = 1, .most = 12, .keep = 9 },
		{ .title = "", .width = 15, .grow = 1, .most = 16, .keep = 8 },
		{ .title = "", .width = 10, .grow = 8 },
	};
	const struct m_overview *o = &ui->model.overview;
	struct area in = area_sub(a, y, 1, a.h - y, a.w - 2);
	struct table t;
	char at[FORMAT_TEXT];
	int height = MAX(in.h - 1, 0), top = window_top(v, BLOCK_DECISIONS, cursor_row(ui, v), height, o->decisions);
	table_layout(&t, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&t, in, 0);
	v->at_y[BLOCK_DECISIONS] = in.y + 1;
	for (int i = 0; i < height && top + i < o->decisions; i++) {
		const struct m_record *r = &o->decision[top + i];
		struct area row = area_rows(in, 1 + i, 1);
		table_put(&t, row, 0, ROLE_DIM, format_clock(at, r->at_us));
		table_show(&t, row, 1, ROLE_ACCENT, r->actor);
		table_show(&t, row, 2, ROLE_TEXT, r->kind);
		struct area what = table_cell(&t, row, 3);
		int x = area_show(what, 0, 0, MIN(what.w, 24), ROLE_STRONG, r->subject);
		area_show(what, 0, x > 0 ? x + 2 : 0, 0, ROLE_TEXT, r->text);
		select_row(ui, v, BLOCK_DECISIONS, top + i, row);
	}
	if (o->decisions == 0)
		area_put(in, 1, 0, ROLE_DIM, "none yet");
}

static void paint(struct ui *ui, struct area a)
{
	struct overview *v = ui_state(ui, &screen_overview);
	const struct m_overview *o = &ui->model.overview;
	if (!o->has) {
		area_put(a, 1, 2, ROLE_DIM, "loading…");
		return;
	}
	if (block_count(ui, v->block) == 0)
		for (enum block b = BLOCK_LINKS; b < BLOCKS && block_count(ui, v->block) == 0; b++)
			v->block = b;
	struct breaker_row rows[OVERVIEW_BREAKERS];
	int links = MAX(MAX(o->links, overview_breakers(ui, rows)), 1), lanes = MAX(o->lanes, 1);
	/* headings, blanks, the cycle and two decisions stay; the lists share the rest */
	int spare = a.h - (ui->model.cycle.has ? 12 : 9);
	while (links + lanes > spare && (links > 2 || lanes > 2)) {
		if (links >= lanes && links > 2)
			links--;
		else
			lanes--;
	}
	links = MAX(MIN(links, a.h / 4), 2);
	int y = paint_links(ui, v, a, 0, links);
	y = cycle_summary(ui, a, y + 1);
	y = paint_lanes(ui, v, a, y + 1, lanes);
	paint_decisions(ui, v, a, y + 1);
}

/* ---- details ---- */

static bool detail_decision(struct ui *ui, struct flow *f, struct slice key)
{
	const struct m_overview *o = &ui->model.overview;
	char text[24];
	for (int i = 0; i < o->decisions; i++)
		if (slice_eq(row_key(ui, BLOCK_DECISIONS, i, text), key))
			return detail_record(f, &o->decision[i]);
	return false;
}

/* ---- keys ---- */

static void open_row(struct ui *ui, struct overview *v)
{
	static const struct {
		const char *title;
		detail_fn *draw;
	} page[BLOCKS] = { { "Link", link_detail }, { "Lane", overview_lane_detail }, { "Decision", detail_decision } };
	char text[24];
	if (block_count(ui, v->block) > 0)
		detail_open(ui, page[v->block].title, row_key(ui, v->block, cursor_row(ui, v), text), page[v->block].draw);
}

/* One row up or down, over the borders of the blocks. */
static void step(struct ui *ui, struct overview *v, int by)
{
	int i = cursor_row(ui, v) + by;
	enum block b = v->block;
	while (i < 0 && b > BLOCK_LINKS) {
		b--;
		i = block_count(ui, b) - 1;
	}
	while (i >= block_count(ui, b) && b + 1 < BLOCKS) {
		b++;
		i = 0;
	}
	if (i >= 0 && i < block_count(ui, b))
		cursor_to(ui, v, b, i);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct overview *v = ui_state(ui, &screen_overview);
	switch (what) {
	case VERB_UP: step(ui, v, -1); return true;
	case VERB_DOWN: step(ui, v, 1); return true;
	case VERB_LEFT: cursor_to(ui, v, v->block > 0 ? v->block - 1 : v->block, 0); return true;
	case VERB_RIGHT: cursor_to(ui, v, v->block + 1 < BLOCKS ? v->block + 1 : v->block, 0); return true;
	case VERB_PAGE_UP: for (int i = 0; i < v->rows[v->block]; i++) step(ui, v, -1); return true;
	case VERB_PAGE_DOWN: for (int i = 0; i < v->rows[v->block]; i++) step(ui, v, 1); return true;
	case VERB_TOP: cursor_to(ui, v, BLOCK_LINKS, 0); return true;
	case VERB_BOTTOM: cursor_to(ui, v, BLOCK_DECISIONS, MAX(block_count(ui, BLOCK_DECISIONS) - 1, 0)); return true;
	case VERB_OPEN: open_row(ui, v); return true;
	case VERB_BACK: case VERB_MARK: case VERB_SORT: case VERB_NEXT: case VERB_PREV: case VERB_VERIFY: return false;
	}
	return false;
}

static void click(struct ui *ui, int y, int x)
{
	struct overview *v = ui_state(ui, &screen_overview);
	for (enum block b = BLOCK_LINKS; b < BLOCKS; b++) {
		int i = y - v->at_y[b];
		if (i >= 0 && i < v->rows[b] && v->top[b] + i < block_count(ui, b) && (b != BLOCK_LINKS || x < ui->cols / 2))
			cursor_to(ui, v, b, v->top[b] + i);
	}
}

static bool lane(struct ui *ui, struct slice *name)
{
	struct overview *v = ui_state(ui, &screen_overview);
	if (v->block != BLOCK_LANES || ui->model.overview.lanes == 0)
		return false;
	*name = ui->model.overview.lane[cursor_row(ui, v)].name;
	return true;
}

static void init(struct ui *ui, void *state)
{
	(void)ui;
	((struct overview *)state)->block = BLOCK_LANES;
}

static void done(void *state)
{
	buf_done(&((struct overview *)state)->key);
}

const struct screen_ops screen_overview = {
	.id = "overview", .number = 1, .name = "Overview", .brief = "Over",
	.bar = "step approve hold resume abort exclude open command",
	.state_size = sizeof(struct overview), .init = init, .done = done,
	.paint = paint, .verb = verb, .click = click, .lane = lane,
};
