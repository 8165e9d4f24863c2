/* Screen 4: a window of the candidates. The engine holds and sorts them; here are the rows around the
 * cursor, the marks, and the filter. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/candidates_ask.h"
#include "ui/screens/candidates_detail.h"
#include "ui/screens/candidates_filter.h"
#include "ui/screens/screens.h"
#include "ui/widgets/choices.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { WINDOW = 240, AHEAD = 80 };

struct candidates {
	struct ui *ui;                  /* for the list's callbacks */
	struct m_candidates win;
	struct list list;
	struct candidates_view view, shown;     /* asked for; of the window that is shown */
	struct choices rules;           /* of the policies and of rows that were seen */
	bool rules_asked;
	int skip;                       /* columns that are scrolled away on the left */
	bool busy;                      /* one request is under way */
	bool anew;                      /* its answer is of another filter or order: to the top */
	int64_t wanted;                 /* offset asked for while busy, -1 none */
	int64_t asked;                  /* requests so far; an answer to an older filter is dropped by it */
	struct candidates_ask ask;      /* the request that is under way */
	char trouble[240];
	uint64_t seen;                  /* of the lanes, to notice a new discovery */
	struct table table;
	struct evidence evidence;       /* of the detail page */
};

static struct candidates *mine(struct ui *ui)
{
	return ui_state(ui, &screen_candidates);
}

/* ---- the window ---- */

static void fetch(struct ui *ui, int64_t offset);

static const struct list_source source;

/* What is shown is still of the view before, and says so. */
static void refused(struct ui *ui, const char *error)
{
	struct candidates *c = mine(ui);
	char shown[UI_NOTE];
	c->view = c->shown;
	c->anew = false;
	if (c->ask.stopped)
		ui_note(ui, ROLE_HELD, "stopped; this is the list from before");
	else
		ui_note(ui, ROLE_FAIL, "%s", text_z(shown, sizeof(shown), slice_of(error)));
}

static void on_window(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct candidates *c = mine(ui);
	int64_t asked = (int64_t)(intptr_t)ctx, again = c->wanted;
	c->busy = false;
	c->wanted = -1;
	if (asked == c->asked && error && c->win.has) {
		refused(ui, error);
	} else if (asked == c->asked && error) {
		text_z(c->trouble, sizeof(c->trouble), slice_of(error));
	} else if (asked == c->asked) {
		c->trouble[0] = '\0';
		c->shown = c->view;
		m_candidates_read(&c->win, result);
		for (int i = 0; i < c->win.rows; i++)
			candidates_rules(&c->rules, c->win.row[i].rule);
		struct list_source s = source;
		s.ctx = c;
		if (c->anew)
			list_reset(&c->list);
		c->anew = false;
		list_changed(&c->list, &s);
	}
	if (again >= 0 || asked != c->asked)
		fetch(ui, MAX(again, 0));
	ui->dirty = true;
}

static void tick(struct ui *ui)
{
	if (mine(ui)->busy)
		candidates_ask_progress(ui, &mine(ui)->ask);
}

static void fetch(struct ui *ui, int64_t offset)
{
	struct candidates *c = mine(ui);
	if (c->busy) {
		c->wanted = offset;
		return;
	}
	c->busy = true;
	candidates_ask(ui, &c->ask, &c->view, (struct candidates_rows){ offset, WINDOW }, on_window, (void *)(intptr_t)c->asked);
}

static int64_t count(void *ctx)
{
	const struct candidates *c = ctx;
	return c->win.has ? c->win.total : -1;
}

static const struct m_candidate *at(const struct candidates *c, int64_t row)
{
	int64_t i = row - c->win.offset;
	return i >= 0 && i < c->win.rows ? &c->win.row[i] : NULL;
}

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct m_candidate *r = at(ctx, row);
	if (r)
		*id = r->id;
	return r != NULL;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct candidates *c = ctx;
	for (int i = 0; i < c->win.rows; i++) {
		if (slice_eq(c->win.row[i].id, id)) {
			*row = c->win.offset + i;
			return true;
		}
	}
	return false;
}

static void want(void *ctx, int64_t first, int64_t n)
{
	struct candidates *c = ctx;
	int64_t last = MIN(first + n, count(c));
	if (last > first && (!at(c, first) || !at(c, last - 1)))
		fetch(c->ui, MAX(first - AHEAD, 0));
}

/* ---- rows ---- */

enum { C_MARK, C_ID, C_NAME, C_SIZE, C_AGE, C_VERDICT, C_RULE, C_CLASS, C_WHERE, C_WHY, FIXED = C_NAME };

static const struct column columns[] = {
	[C_MARK] = { .title = "", .width = 3 },
	[C_ID] = { .title = "id", .width = 22, .grow = 1, .most = 30, .keep = 8 },
	[C_NAME] = { .title = "name", .width = 18, .grow = 3, .most = 60 },
	[C_SIZE] = { .title = "size", .width = 8, .right = true },
	[C_AGE] = { .title = "age", .width = 5, .right = true, .keep = 9 },
	[C_VERDICT] = { .title = "verdict", .width = 12, .keep = 10 },
	[C_RULE] = { .title = "rule", .width = 11, .grow = 1, .most = 24, .keep = 5 },
	[C_CLASS] = { .title = "class", .width = 5, .keep = 2 },
	[C_WHERE] = { .title = "where", .width = 5, .keep = 3 },
	[C_WHY] = { .title = "why", .width = 16, .grow = 4, .keep = 1 },
};

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct candidates *c = ctx;
	const struct m_candidate *r = at(c, row);
	const struct table *t = &c->table;
	char text[FORMAT_TEXT];
	struct area verdict = table_cell(t, line, C_VERDICT);
	table_put(t, line, C_MARK, marked ? ROLE_HELD : ROLE_DIM, marked ? "[x]" : "[ ]");
	struct area id = table_cell(t, line, C_ID);
	if (id.w > 0)
		area_show_id(id, 0, 0, id.w, ROLE_DIM, r->id);
	look_name(table_cell(t, line, C_NAME), r->name);
	table_put(t, line, C_SIZE, r->bytes < 0 ? ROLE_WARN : ROLE_TEXT, format_bytes(text, r->bytes));
	table_put(t, line, C_AGE, r->created_us < 0 ? ROLE_WARN : ROLE_TEXT, format_age(text, c->ui->now.wall_us, r->created_us));
	if (verdict.w > 0)
		look_put(verdict, 0, 0, 0, look_of(LOOK_VERDICT, r->verdict));
	table_show(t, line, C_RULE, ROLE_TEXT, r->rule);
	table_show(t, line, C_CLASS, slice_is(r->class_, "R0") ? ROLE_WARN : ROLE_TEXT, r->class_);
	table_show(t, line, C_WHERE, ROLE_TEXT, r->where);
	table_show(t, line, C_WHY, ROLE_DIM, r->reason);
}

static struct origin drawn_from(void *ctx, int64_t row)
{
	const struct candidates *c = ctx;
	const struct m_candidate *r = at(c, row);
	return (struct origin){
		.n = { 0, format_age_step(c->ui->now.wall_us, r->created_us) }, .text = r->whole,
		.layout = { (const char *)c->table.w, sizeof c->table.w },
	};
}

static const struct list_source source = {
	.count = count, .id = row_id, .find = find, .want = want, .draw = draw, .from = drawn_from
};

static struct list_source rows_of(struct ui *ui)
{
	struct list_source s = source;
	s.ctx = mine(ui);
	return s;
}

static int64_t listed_in_all(const struct ui *ui)
{
	int64_t sum = 0;
	for (int i = 0; i < ui->model.overview.lanes; i++)
		sum = m_sum(sum, ui->model.overview.lane[i].listed);
	return sum;
}

static void heading(struct ui *ui, struct area a)
{
	struct candidates *c = mine(ui);
	struct flow f;
	char n[FORMAT_TEXT], of[FORMAT_TEXT];
	flow_init(&f, area_sub(a, 0, 0, 1, a.w - 1), 0, 1);
	flow_putf(&f, ROLE_STRONG, "%s of %s", format_count(n, c->win.has ? c->win.total : -1), format_count(of, listed_in_all(ui)));
	flow_gap(&f, 3);
	flow_putf(&f, ROLE_DIM, "filter: ");
	flow_show(&f, c->view.filter[0] ? ROLE_ACCENT : ROLE_DIM, slice_of(c->view.filter[0] ? c->view.filter : "none"));
	flow_gap(&f, 3);
	flow_putf(&f, ROLE_TEXT, "sorted by %s%s", candidates_orders[c->view.order].title, c->view.desc ? " ↓" : c->view.order > 0 ? " ↑" : "");
	flow_gap(&f, 3);
	if (c->list.marks > 0)
		flow_putf(&f, ROLE_HELD, "marked %s (%s)", format_count(n, (int64_t)c->list.marks), format_bytes(of, list_marked_bytes(&c->list)));
	flow_gap(&f, 3);
	if (c->busy && c->ask.looked >= 0)
		flow_putf(&f, ROLE_ACCENT, "looked at %s of %s · Esc stops", format_count(n, c->ask.looked), format_count(of, c->ask.of));
	else if (c->busy || c->win.loading)
		flow_put(&f, ROLE_ACCENT, "loading…");
	else if (c->win.has && ui->now.wall_us - c->win.listed_us > 600 * INT64_C(1000000) && c->win.listed_us > 0)
		flow_putf(&f, ROLE_DIM, "listed %s ago", format_age(n, ui->now.wall_us, c->win.listed_us));
}

static void paint(struct ui *ui, struct area a)
{
	struct candidates *c = mine(ui);
	struct list_source s = rows_of(ui);
	struct area in = area_sub(a, 1, 1, a.h - 1, a.w - 2);
	c->ui = ui;
	heading(ui, a);
	table_scroll(&c->table, columns, (int)ARRAY_LEN(columns), in.w, FIXED, c->skip);
	table_titles(&c->table, in, 0);
	table_arrows(&c->table, area_rows(a, 1, 1));
	struct area body = area_rows(in, 1, in.h - 1);
	int y = list_paint(&c->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	} else if (c->trouble[0]) {
		area_put(body, 1, 1, ROLE_FAIL, c->trouble);
	} else if (!c->win.has) {
		area_put(body, 1, 1, ROLE_DIM, "loading…");
	} else {
		area_put(body, 1, 1, ROLE_DIM, c->view.filter[0] ? "Nothing matches; Esc clears the filter." :
			 "Nothing was discovered yet. A cycle lists the lanes; S starts one.");
	}
}

/* ---- filter, order, refresh ---- */

static void restart(struct ui *ui)
{
	struct candidates *c = mine(ui);
	if (c->busy)                    /* nobody waits for that one any more */
		candidates_ask_stop(ui, &c->ask);
	c->asked++;
	c->anew = true;
	list_reset(&c->list);
	fetch(ui, 0);
	ui->dirty = true;
}

static void sorted(struct ui *ui, size_t column, bool desc)
{
	struct candidates *c = mine(ui);
	c->view.order = column;
	c->view.desc = desc;
	restart(ui);
}

static void filter(struct ui *ui, const char *text)
{
	struct candidates *c = mine(ui);
	struct buf why = { 0 };
	size_t at;
	text += strspn(text, " ");
	if (candidates_wrong(ui, slice_of(text), &at, &why)) {
		ui_note(ui, ROLE_FAIL, "%s", buf_z(&why));
	} else {
		snprintf(c->view.filter, sizeof(c->view.filter), "%s", text);
		restart(ui);
	}
	buf_done(&why);
}

static const char *filter_text(struct ui *ui)
{
	return mine(ui)->view.filter;
}

static size_t filter_offer(struct ui *ui, struct slice text, size_t cursor, struct choices *out)
{
	return candidates_offer(ui, text, cursor, &mine(ui)->rules, out);
}

static void on_policies(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	(void)ctx;
	mine(ui)->rules_asked = !error;
	for (const struct json *p = json_first(json_get(result, "policies")); p; p = json_next(p))
		for (const struct json *r = json_first(json_get(p, "rules")); r; r = json_next(r))
			choices_add(&mine(ui)->rules, json_get_str(r, "name"));
}

static uint64_t fingerprint(const struct ui *ui)
{
	uint64_t h = 1469598103934665603u;
	for (int i = 0; i < ui->model.overview.lanes; i++) {
		const struct m_lane *l = &ui->model.overview.lane[i];
		const int64_t v[] = { l->listed, l->listed_us, l->candidates, l->protected_, l->ineligible };
		for (size_t k = 0; k < ARRAY_LEN(v); k++)
			h = (h ^ (uint64_t)v[k]) * 1099511628211u;
	}
	return h;
}

static void changed(struct ui *ui)
{
	struct candidates *c = mine(ui);
	uint64_t now = fingerprint(ui);
	if (now == c->seen)
		return;
	c->seen = now;
	fetch(ui, c->win.offset);
}

static void enter(struct ui *ui)
{
	struct candidates *c = mine(ui);
	c->ui = ui;
	c->seen = fingerprint(ui);
	fetch(ui, c->win.offset);
	bool ask = !c->rules_asked;
	c->rules_asked = true;
	if (ask)
		ui_call(ui, "policies", NULL, on_policies, NULL);
}

/* ---- details ---- */

static bool detail(struct ui *ui, struct flow *f, struct slice key)
{
	struct candidates *c = mine(ui);
	int64_t row;
	if (!find(c, key, &row))
		return false;
	candidate_flow(ui, f, at(c, row), &c->evidence);
	return true;
}

static void open_row(struct ui *ui, struct candidates *c)
{
	int64_t row;
	if (!list_at(&c->list, &row) || !at(c, row))
		return;
	detail_open(ui, "Item", at(c, row)->id, detail);
	candidate_ask(ui, &c->evidence, at(c, row)->id);
}

static void mark(struct candidates *c, const struct list_source *s)
{
	int64_t row;
	if (!list_at(&c->list, &row) || !at(c, row))
		return;
	list_mark(&c->list, at(c, row)->id, at(c, row)->bytes, at(c, row)->lane);
	list_verb(&c->list, s, VERB_DOWN);
}

/* Marks stay while rows come and go: the engine says what became of an item that is no more. */
static int picked(struct ui *ui, struct jw *w)
{
	struct candidates *c = mine(ui);
	for (size_t i = 0; w && i < c->list.marks; i++) {
		jw_obj(w);
		jw_kz(w, "lane", c->list.mark[i].of);
		jw_kstr(w, "id", (struct slice){ c->list.mark[i].id, c->list.mark[i].n });
		jw_end_obj(w);
	}
	return (int)c->list.marks;
}

static bool verb(struct ui *ui, enum verb v)
{
	struct candidates *c = mine(ui);
	struct list_source s = rows_of(ui);
	switch (v) {
	case VERB_OPEN: open_row(ui, c); return true;
	case VERB_MARK: mark(c, &s); return true;
	case VERB_SORT:
		sort_open(ui, candidates_orders, CANDIDATES_ORDERS, c->view.order, c->view.desc, sorted);
		return true;
	case VERB_LEFT: case VERB_RIGHT:
		c->skip = table_scrolled(&c->table, c->skip, v == VERB_LEFT ? -1 : 1);
		return true;
	case VERB_NEXT: return list_verb(&c->list, &s, VERB_DOWN);
	case VERB_PREV: return list_verb(&c->list, &s, VERB_UP);
	case VERB_BACK:
		if (c->busy && c->anew) {
			candidates_ask_stop(ui, &c->ask);
			return true;
		}
		if (!c->view.filter[0])
			return false;
		filter(ui, "");
		return true;
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		return list_verb(&c->list, &s, v);
	case VERB_VERIFY:
		return false;
	}
	return false;
}

static void click(struct ui *ui, int y, int x)
{
	struct candidates *c = mine(ui);
	struct list_source s = rows_of(ui);
	(void)x;
	for (int by = y - ui->cy; by != 0 && ui->cy >= 0; by += by < 0 ? 1 : -1)
		list_verb(&c->list, &s, by < 0 ? VERB_UP : VERB_DOWN);
}

static bool lane(struct ui *ui, struct slice *name)
{
	struct candidates *c = mine(ui);
	int64_t row;
	if (!list_at(&c->list, &row) || !at(c, row))
		return false;
	*name = at(c, row)->lane;
	return true;
}

static bool item(struct ui *ui, struct slice *lane, struct slice *id)
{
	struct candidates *c = mine(ui);
	int64_t row;
	if (!list_at(&c->list, &row) || !at(c, row))
		return false;
	*lane = at(c, row)->lane;
	*id = at(c, row)->id;
	return true;
}

static void init(struct ui *ui, void *state)
{
	struct candidates *c = state;
	c->ui = ui;
	c->wanted = -1;
}

static void done(void *state)
{
	struct candidates *c = state;
	m_candidates_done(&c->win);
	list_done(&c->list);
	choices_done(&c->rules);
	candidate_done(&c->evidence);
}

const struct screen_ops screen_candidates = {
	.id = "candidates", .number = 4, .name = "Candidates", .brief = "Cand",
	.bar = "mark open filter sort pick protect exclude hold command",
	.state_size = sizeof(struct candidates), .init = init, .done = done, .enter = enter, .changed = changed, .tick = tick,
	.paint = paint, .verb = verb, .click = click, .filter = filter, .filter_text = filter_text,
	.filter_wrong = candidates_wrong, .filter_offer = filter_offer, .lane = lane, .item = item, .picked = picked,
};
