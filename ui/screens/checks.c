/* Screen 9: the doctor's list. What fails comes first; under the list what was found and what to do. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { MOST = 1000, ASK_EVERY_US = 900000, PANE_LEAST = 6, LABEL = 14 };

struct check {
	struct slice kind, name, state, said, todo, works, stops;
	int64_t at_us;
	char id[120];                   /* kind and name */
};

struct checks {
	struct ui *ui;
	struct list list;
	struct table table;
	struct arena *mem;
	struct check *check;
	int n, failing, warning;
	bool has, busy;
	int64_t asked_us;               /* boot time */
	char trouble[240];
};

static struct checks *mine(struct ui *ui) { return ui_state(ui, &screen_checks); }

/* ---- reading ---- */

static struct slice keep(struct arena *a, struct slice s) { return (struct slice){ arena_strndup(a, s.p ? s.p : "", s.n), s.n }; }

static int rank_of(struct slice state)
{
	static const char *const order[] = { "fail", "warn", "unknown", "pass" };
	for (int i = 0; i < (int)ARRAY_LEN(order); i++)
		if (slice_is(state, order[i]))
			return i;
	return 0;
}

static void read_checks(struct checks *v, const struct json *list)
{
	char kind[40], name[64];
	arena_free(v->mem);
	v->mem = arena_new(16384);
	int total = (int)MIN(json_len(list), (size_t)MOST);
	v->check = arena_alloc(v->mem, (size_t)(total + 1) * sizeof(*v->check));
	v->n = v->failing = v->warning = 0;
	for (int rank = 0; rank < 4; rank++)
		for (const struct json *j = json_first(list); j && v->n < total; j = json_next(j)) {
			struct slice state = json_get_str(j, "state");
			if (rank_of(state) != rank)
				continue;
			struct check *c = &v->check[v->n++];
			*c = (struct check){ keep(v->mem, json_get_str(j, "kind")), keep(v->mem, json_get_str(j, "name")), keep(v->mem, state),
				keep(v->mem, json_get_str(j, "said")), keep(v->mem, json_get_str(j, "todo")),
				keep(v->mem, json_get_str(j, "works")), keep(v->mem, json_get_str(j, "stops")), json_get_i64(j, "at_us", -1), "" };
			snprintf(c->id, sizeof(c->id), "%s%s%s", text_z(kind, sizeof(kind), c->kind), c->name.n > 0 ? " " : "",
				 text_z(name, sizeof(name), c->name));
			v->failing += rank == 0;
			v->warning += rank == 1;
		}
	v->has = true;
}

static struct list_source rows_of(struct ui *ui);

static void on_checks(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct checks *v = mine(ui);
	struct list_source s = rows_of(ui);
	(void)ctx;
	v->busy = false;
	v->trouble[0] = '\0';
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		read_checks(v, json_get(result, "checks"));
	list_changed(&v->list, &s);
	ui->dirty = true;
}

static void ask(struct ui *ui)
{
	struct checks *v = mine(ui);
	if (v->busy || (v->has && ui->now.boot_us - v->asked_us < ASK_EVERY_US))
		return;
	v->busy = true;
	v->asked_us = ui->now.boot_us;
	ui_call(ui, "checks", NULL, on_checks, NULL);
}

/* ---- the rows ---- */

static int64_t count(void *ctx)
{
	const struct checks *v = ctx;
	return v->has ? v->n : -1;
}

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct checks *v = ctx;
	if (row < 0 || row >= v->n)
		return false;
	*id = slice_of(v->check[row].id);
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct checks *v = ctx;
	for (int i = 0; i < v->n; i++)
		if (slice_is(id, v->check[i].id))
			return *row = i, true;
	return false;
}

static const struct column columns[] = {
	{ .title = "result", .width = 9 },
	{ .title = "check", .width = 22, .grow = 1, .most = 36 },
	{ .title = "found", .width = 30, .grow = 8 },
	{ .title = "age", .width = 6, .right = true, .keep = 1 },
};

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct checks *v = ctx;
	const struct check *c = &v->check[row];
	char age[FORMAT_TEXT];
	(void)marked;
	look_put(table_cell(&v->table, line, 0), 0, 0, 0, look_of(LOOK_CHECK, c->state));
	table_show(&v->table, line, 1, ROLE_TEXT, slice_of(c->id));
	struct area said = table_cell(&v->table, line, 2);
	area_said(said, 0, 0, said.w, ROLE_TEXT, c->said);
	table_put(&v->table, line, 3, ROLE_DIM, format_age(age, v->ui->now.wall_us, c->at_us));
}

static struct list_source rows_of(struct ui *ui)
{
	return (struct list_source){ .ctx = mine(ui), .count = count, .id = row_id, .find = find, .draw = draw };
}

/* ---- the screen ---- */

static void label(struct flow *f, const char *text)
{
	f->indent = 1;
	flow_line(f);
	flow_put(f, ROLE_DIM, text);
	flow_at(f, LABEL);
	f->indent = LABEL;
}

static void pane(struct area a, const struct check *c)
{
	struct flow f;
	flow_init(&f, a, 0, 1);
	flow_put(&f, ROLE_TITLE, c->id);
	label(&f, "found");
	flow_words(&f, ROLE_TEXT, c->said);
	label(&f, "what to do");
	if (c->todo.n > 0)
		flow_words(&f, ROLE_STRONG, c->todo);
	else
		flow_put(&f, ROLE_DIM, "nothing");
	if (c->stops.n == 0)
		return;
	label(&f, "still works");
	flow_words(&f, ROLE_TEXT, c->works);
	label(&f, "does not");
	flow_words(&f, ROLE_TEXT, c->stops);
}

static void summary(const struct checks *v, struct area a)
{
	int x = area_putf(a, 0, 1, v->failing > 0 ? ROLE_FAIL : ROLE_OK, v->failing > 0 ? "%d of %d fail: not ready" : "ready", v->failing, v->n);
	if (v->warning > 0)
		x = area_putf(a, 0, x + 3, ROLE_WARN, "%d to look at", v->warning);
	area_put(a, 0, x + 3, ROLE_DIM, "as /readyz and `sluice doctor` say it");
}

static void paint(struct ui *ui, struct area a)
{
	struct checks *v = mine(ui);
	struct list_source s = rows_of(ui);
	if (v->trouble[0] || !v->has) {
		area_put(a, 1, 2, v->trouble[0] ? ROLE_FAIL : ROLE_DIM, v->trouble[0] ? v->trouble : "loading…");
		return;
	}
	summary(v, a);
	struct area in = area_sub(a, 1, 1, a.h - 1, a.w - 2);
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	int rows = MIN(v->n, MAX(in.h - 1 - PANE_LEAST, 3));
	struct area body = area_rows(in, 1, rows);
	int y = list_paint(&v->list, &s, body);
	int64_t at;
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	}
	if (list_at(&v->list, &at) && at < v->n && in.h > rows + 2)
		pane(area_rows(in, rows + 2, in.h - rows - 2), &v->check[at]);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct list_source s = rows_of(ui);
	switch (what) {
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		return list_verb(&mine(ui)->list, &s, what);
	case VERB_OPEN: case VERB_LEFT: case VERB_RIGHT: case VERB_MARK: case VERB_SORT: case VERB_BACK: case VERB_NEXT: case VERB_PREV:
	case VERB_VERIFY:
		return false;
	}
	return false;
}

static void init(struct ui *ui, void *state) { ((struct checks *)state)->ui = ui; }

static void done(void *state)
{
	struct checks *v = state;
	arena_free(v->mem);
	list_done(&v->list);
}

const struct screen_ops screen_checks = {
	.id = "checks", .number = 9, .name = "Checks", .brief = "Chk", .bar = "up down hold command help",
	.state_size = sizeof(struct checks), .init = init, .done = done, .enter = ask, .changed = ask, .tick = ask, .paint = paint,
	.verb = verb,
};
