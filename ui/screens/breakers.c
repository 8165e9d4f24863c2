/* Screen 3: every breaker, of lanes and of links, worst first; under the list what stands behind the
 * one under the cursor: why it is where it is, and how the open cycle paces and repeats on that lane. */
#include <stdio.h>

#include "base/mem.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/overview.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"

enum { PANE_LEAST = 6, LABEL = 18 };

struct breakers {
	struct ui *ui;
	struct list list;
	struct table table;
	struct breaker_row row[OVERVIEW_BREAKERS];
	int rows;
};

static struct breakers *mine(struct ui *ui) { return ui_state(ui, &screen_breakers); }

/* ---- the rows ---- */

static int64_t count(void *ctx)
{
	const struct breakers *v = ctx;
	return v->ui->model.overview.has ? v->rows : -1;
}

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct breakers *v = ctx;
	if (row < 0 || row >= v->rows)
		return false;
	*id = v->row[row].name;
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct breakers *v = ctx;
	for (int i = 0; i < v->rows; i++)
		if (slice_eq(v->row[i].name, id))
			return *row = i, true;
	return false;
}

enum { C_STATE, C_NAME, C_OF, C_BAD, C_SLOW, C_WINDOW, C_REFUSED, C_FLAPS, C_UNTIL, C_WHY };

static const struct column columns[] = {
	[C_STATE] = { .title = "state", .width = 11 },
	[C_NAME] = { .title = "breaker", .width = 14, .grow = 2, .most = 28 },
	[C_OF] = { .title = "of", .width = 4, .keep = 4 },
	[C_BAD] = { .title = "bad", .width = 5, .right = true },
	[C_SLOW] = { .title = "slow", .width = 4, .right = true, .keep = 3 },
	[C_WINDOW] = { .title = "window, oldest first", .width = 20, .keep = 6 },
	[C_REFUSED] = { .title = "refused", .width = 7, .right = true, .keep = 1 },
	[C_FLAPS] = { .title = "flaps", .width = 5, .right = true, .keep = 2 },
	[C_UNTIL] = { .title = "probe in", .width = 8, .right = true, .keep = 7 },
	[C_WHY] = { .title = "why", .width = 8, .grow = 8, .keep = 5 },
};

static bool of_lane(const struct ui *ui, struct slice name)
{
	const struct m_overview *o = &ui->model.overview;
	for (int i = 0; i < o->lanes; i++)
		if (slice_eq(o->lane[i].name, name))
			return true;
	return false;
}

static int64_t slow_in(struct slice window)
{
	int64_t n = 0;
	for (size_t i = 0; i < window.n; i++)
		n += window.p[i] == 'S';
	return n;
}

/* The last calls that fit. */
static void dots(struct area cell, struct slice window)
{
	static const struct {
		char c;
		enum glyph g;
		enum role r;
	} dot[] = { { 'G', GLYPH_UP, ROLE_OK }, { 'B', GLYPH_FAILED, ROLE_FAIL }, { 'S', GLYPH_HALF, ROLE_WARN } };
	size_t skip = window.n > (size_t)cell.w ? window.n - (size_t)cell.w : 0;
	int x = 0;
	for (size_t i = skip; i < window.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(dot); k++)
			if (window.p[i] == dot[k].c)
				x = area_put(cell, 0, x, dot[k].r, glyph(dot[k].g));
	if (window.n == 0)
		area_put(cell, 0, 0, ROLE_DIM, "no calls yet");
}

static void draw(void *ctx, struct area line, int64_t n, bool marked)
{
	const struct breakers *v = ctx;
	const struct breaker_row *r = &v->row[n];
	const struct table *t = &v->table;
	char text[FORMAT_TEXT], bad[80];
	(void)marked;
	look_put(table_cell(t, line, C_STATE), 0, 0, 0, look_of(LOOK_BREAKER, r->halted ? SLICE_LIT("halted") : r->b->state));
	table_show(t, line, C_NAME, ROLE_TEXT, r->name);
	table_put(t, line, C_OF, ROLE_DIM, of_lane(v->ui, r->name) ? "lane" : "link");
	snprintf(bad, sizeof(bad), "%s/%zu", format_count(text, r->b->bad), r->b->window.n);
	table_put(t, line, C_BAD, r->b->bad > 0 ? ROLE_WARN : ROLE_TEXT, bad);
	table_put(t, line, C_SLOW, ROLE_DIM, format_count(text, slow_in(r->b->window)));
	struct area cell = table_cell(t, line, C_WINDOW);
	if (cell.w > 0)
		dots(cell, r->b->window);
	table_put(t, line, C_REFUSED, r->b->refused > 0 ? ROLE_WARN : ROLE_DIM, format_count(text, r->b->refused));
	table_put(t, line, C_FLAPS, r->b->flaps > 0 ? ROLE_WARN : ROLE_DIM, format_count(text, r->b->flaps));
	if (r->b->until_us > 0 && !slice_is(r->b->state, "closed"))
		table_put(t, line, C_UNTIL, ROLE_WARN, format_until(text, v->ui->now.wall_us, r->b->until_us));
	table_show(t, line, C_WHY, ROLE_HELD, r->why);
}

static struct list_source rows_of(struct ui *ui)
{
	return (struct list_source){ .ctx = mine(ui), .count = count, .id = row_id, .find = find, .draw = draw };
}

/* ---- what stands behind one ---- */

static const struct {
	const char *state, *meaning;
} meanings[] = {
	{ "closed", "Calls go through. It opens when half of the last calls failed or were slow." },
	{ "open", "Nothing is sent. When its time is over it lets one read through, then three, then one delete." },
	{ "half-open", "It lets single reads through to find out; a bad one opens it again, for longer." },
	{ "forced-open", "An operator holds it open." },
	{ "disabled", "An operator has switched it off: it counts and stops nothing." },
};

static const struct m_cycle_lane *in_cycle(const struct ui *ui, struct slice name)
{
	const struct m_cycle *c = &ui->model.cycle;
	for (int i = 0; c->has && i < c->lanes; i++)
		if (slice_eq(c->lane[i].lane, name))
			return &c->lane[i];
	return NULL;
}

static void label(struct flow *f, const char *text)
{
	f->indent = 1;
	flow_line(f);
	flow_put(f, ROLE_DIM, text);
	flow_at(f, LABEL);
	f->indent = LABEL;
}

static void lane_lines(struct ui *ui, struct flow *f, const struct m_cycle_lane *l)
{
	char a[FORMAT_TEXT], b[FORMAT_TEXT];
	label(f, "retry budget");
	flow_putf(f, l->retry_budget_left == 0 ? ROLE_WARN : ROLE_TEXT, "%s repeats left in this cycle", format_count(a, l->retry_budget_left));
	label(f, "failed by class");
	if (l->failed_bys == 0)
		flow_put(f, ROLE_DIM, "none");
	for (int i = 0; i < l->failed_bys; i++) {
		flow_show(f, ROLE_WARN, l->failed_by[i].class_);
		flow_gap(f, 1);
		flow_putf(f, ROLE_TEXT, "%s", format_count(a, l->failed_by[i].n));
		flow_gap(f, 3);
	}
	label(f, "pace");
	flow_putf(f, ROLE_TEXT, "%s requests, %s per second, ", format_count(a, l->requests), format_count(b, l->per_second));
	flow_putf(f, ROLE_TEXT, "%s in flight", format_count(a, l->in_flight));
	if (l->paced_until_us > 0)
		flow_putf(f, ROLE_WARN, ", the store asked to wait %s", format_until(a, ui->now.wall_us, l->paced_until_us));
}

static void paint_pane(struct ui *ui, struct area a, const struct breaker_row *r)
{
	const struct m_cycle_lane *l = in_cycle(ui, r->name);
	struct flow f;
	flow_init(&f, a, 0, 1);
	flow_show(&f, ROLE_TITLE, r->name);
	if (r->halted) {
		label(&f, "halted");
		flow_words(&f, ROLE_HELD, r->why);
	}
	for (size_t i = 0; !r->halted && i < ARRAY_LEN(meanings); i++)
		if (slice_is(r->b->state, meanings[i].state)) {
			label(&f, meanings[i].state);
			flow_words(&f, ROLE_TEXT, slice_of(meanings[i].meaning));
		}
	if (l)
		lane_lines(ui, &f, l);
	else if (of_lane(ui, r->name)) {
		label(&f, "cycle");
		flow_put(&f, ROLE_DIM, "no open cycle sends to this lane");
	}
	label(&f, "by hand");
	flow_words(&f, ROLE_DIM, slice_of("B keeps it open, leaves it to itself or switches it off; E on screen 5 excludes a lane; H holds everything."));
}

static void paint(struct ui *ui, struct area a)
{
	struct breakers *v = mine(ui);
	struct list_source s = rows_of(ui);
	v->rows = overview_breakers(ui, v->row);
	if (v->rows == 0) {
		area_put(a, 1, 2, ROLE_DIM, ui->model.overview.has ? "No lane and no link is configured." : "loading…");
		return;
	}
	list_changed(&v->list, &s);
	struct area in = area_sub(a, 0, 1, a.h, a.w - 2);
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	int rows = MIN(v->rows, MAX(in.h - 1 - PANE_LEAST, 3));
	struct area body = area_rows(in, 1, rows);
	int y = list_paint(&v->list, &s, body);
	int64_t at;
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	}
	if (list_at(&v->list, &at) && at < v->rows && in.h > rows + 2)
		paint_pane(ui, area_rows(in, rows + 2, in.h - rows - 2), &v->row[at]);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct breakers *v = mine(ui);
	struct list_source s = rows_of(ui);
	int64_t at;
	switch (what) {
	case VERB_OPEN:
		if (!list_at(&v->list, &at) || at >= v->rows)
			return false;
		if (of_lane(ui, v->row[at].name))
			detail_open(ui, "Lane", v->row[at].name, overview_lane_detail);
		else
			detail_open(ui, "Link", v->row[at].name, link_detail);
		return true;
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		return list_verb(&v->list, &s, what);
	case VERB_LEFT: case VERB_RIGHT: case VERB_MARK: case VERB_SORT: case VERB_BACK: case VERB_NEXT: case VERB_PREV: case VERB_VERIFY:
		return false;
	}
	return false;
}

static bool under_cursor(struct ui *ui, struct slice *name, bool *lane)
{
	struct breakers *v = mine(ui);
	int64_t at;
	if (!list_at(&v->list, &at) || at >= v->rows)
		return false;
	*name = v->row[at].name;
	*lane = of_lane(ui, *name);
	return true;
}

static void changed(struct ui *ui)
{
	struct breakers *v = mine(ui);
	struct list_source s = rows_of(ui);
	v->rows = overview_breakers(ui, v->row);
	list_changed(&v->list, &s);
}

static void init(struct ui *ui, void *state) { ((struct breakers *)state)->ui = ui; }

static void done(void *state) { list_done(&((struct breakers *)state)->list); }

const struct screen_ops screen_breakers = {
	.id = "breakers", .number = 3, .name = "Breakers", .brief = "Brk", .bar = "open breaker hold command help",
	.state_size = sizeof(struct breakers), .init = init, .done = done, .enter = changed, .changed = changed, .paint = paint, .verb = verb, .breaker = under_cursor,
};
