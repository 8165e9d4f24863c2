/* Screen 6: what failed for good, the most harmful first. Marks (or the row under the cursor) are what V
 * redrives and W dismisses; below the list stands what is believed of the one under the cursor. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { MOST = 500, PANE_LEAST = 8, LABEL = 16 };

struct letter {
	struct slice letter, cycle, lane, id, name, class_, belief, phase, failed_by;
	int64_t bytes, at_us;
};

struct dead {
	struct ui *ui;
	struct list list;
	struct table table;
	struct arena *mem;              /* of what follows */
	struct letter *letter;
	int64_t n, total;               /* read, in all; -1 until the first answer */
	bool busy;
	int64_t asked_at;               /* head of the chain when they were asked for */
	char trouble[240];
};

static struct dead *mine(struct ui *ui) { return ui_state(ui, &screen_dead); }

/* ---- the rows ---- */

static int64_t count(void *ctx) { return ((const struct dead *)ctx)->n; }

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct dead *v = ctx;
	if (row < 0 || row >= v->n)
		return false;
	*id = v->letter[row].letter;
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct dead *v = ctx;
	for (*row = 0; *row < v->n; ++*row)
		if (slice_eq(v->letter[*row].letter, id))
			return true;
	return false;
}

enum { C_MARK, C_BELIEF, C_CLASS, C_LANE, C_ID, C_NAME, C_SIZE, C_FAILED, C_AGE };

static const struct column columns[] = {
	[C_MARK] = { .title = "", .width = 3 },
	[C_BELIEF] = { .title = "believed", .width = 15 },
	[C_CLASS] = { .title = "class", .width = 5, .keep = 6 },
	[C_LANE] = { .title = "lane", .width = 10, .keep = 4 },
	[C_ID] = { .title = "id", .width = 20, .grow = 3, .most = 40 },
	[C_NAME] = { .title = "name", .width = 10, .grow = 6, .keep = 3 },
	[C_SIZE] = { .title = "size", .width = 8, .right = true, .keep = 2 },
	[C_FAILED] = { .title = "failed by", .width = 12, .keep = 5 },
	[C_AGE] = { .title = "age", .width = 6, .right = true, .keep = 1 },
};

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct dead *v = ctx;
	const struct letter *l = &v->letter[row];
	const struct table *t = &v->table;
	char text[FORMAT_TEXT];
	table_put(t, line, C_MARK, marked ? ROLE_HELD : ROLE_DIM, marked ? "[x]" : "[ ]");
	look_put(table_cell(t, line, C_BELIEF), 0, 0, 0, look_of(LOOK_BELIEF, l->belief));
	table_show(t, line, C_CLASS, slice_is(l->class_, "R0") ? ROLE_WARN : ROLE_TEXT, l->class_);
	table_show(t, line, C_LANE, ROLE_DIM, l->lane);
	struct area id = table_cell(t, line, C_ID);
	if (id.w > 0)
		area_show_id(id, 0, 0, id.w, ROLE_STRONG, l->id);
	look_name(table_cell(t, line, C_NAME), l->name);
	table_put(t, line, C_SIZE, ROLE_TEXT, format_bytes(text, l->bytes));
	table_show(t, line, C_FAILED, ROLE_WARN, l->failed_by);
	table_put(t, line, C_AGE, ROLE_DIM, format_age(text, v->ui->now.wall_us, l->at_us));
}

static struct list_source rows_of(struct ui *ui)
{
	return (struct list_source){ .ctx = mine(ui), .count = count, .id = row_id, .find = find, .draw = draw };
}

static const struct letter *under_cursor(struct ui *ui)
{
	int64_t row;
	return list_at(&mine(ui)->list, &row) && row < mine(ui)->n ? &mine(ui)->letter[row] : NULL;
}

/* ---- reading ---- */

static struct slice keep(struct arena *a, const struct json *j, const char *key)
{
	struct slice s = json_get_str(j, key);
	return (struct slice){ arena_strndup(a, s.p ? s.p : "", s.n), s.n };
}

static void read_letters(struct dead *v, const struct json *result)
{
	const struct json *list = json_get(result, "letters");
	arena_free(v->mem);
	struct arena *a = v->mem = arena_new(32768);
	v->letter = arena_alloc(a, (json_len(list) + 1) * sizeof(*v->letter));
	v->n = 0;
	v->total = json_get_i64(result, "total", 0);
	for (const struct json *j = json_first(list); j; j = json_next(j))
		v->letter[v->n++] = (struct letter){
			.letter = keep(a, j, "letter"), .lane = keep(a, j, "lane"), .id = keep(a, j, "id"), .name = keep(a, j, "name"),
			.class_ = keep(a, j, "class"), .belief = keep(a, j, "belief"), .phase = keep(a, j, "phase"), .failed_by = keep(a, j, "failed_by"),
			.bytes = json_get_i64(j, "bytes", -1), .at_us = json_get_i64(j, "at_us", -1) };
}

static void on_letters(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct dead *v = mine(ui);
	struct list_source s = rows_of(ui);
	(void)ctx;
	v->busy = false;
	v->trouble[0] = '\0';
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		read_letters(v, result);
	list_changed(&v->list, &s);
	ui->dirty = true;
}

static void ask(struct ui *ui)
{
	struct dead *v = mine(ui);
	struct buf b = { 0 };
	struct jw w;
	if (v->busy)
		return;
	v->busy = true;
	v->asked_at = ui->model.overview.chain_seq;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "limit", MOST);
	jw_end_obj(&w);
	ui_call(ui, "dead.list", &b, on_letters, NULL);
	buf_done(&b);
}

static void changed(struct ui *ui)
{
	if (ui->model.overview.chain_seq != mine(ui)->asked_at)
		ask(ui);
}

/* ---- the screen ---- */

static const struct {
	const char *belief, *meaning;
} meanings[] = {
	{ "row_conflict", "The file is gone and its row was changed by somebody else: the application may refer to a file that is not there." },
	{ "maybe_deleted", "Nobody knows whether the file is still there: its delete was not answered, and neither was the question after it." },
	{ "exists", "The file is still there; deleting it failed as often as the policy allows." },
	{ "not_restored", "The file is deleted, and bringing it back from its verified copy failed; the copy is still in escrow." },
	{ "maybe_restored_twice", "The file is deleted, and several files of its name and size have appeared since: one of them may be its copy." },
};

static void label(struct flow *f, const char *text)
{
	f->indent = 1;
	flow_line(f);
	flow_put(f, ROLE_DIM, text);
	flow_at(f, LABEL);
	f->indent = LABEL;
}

static void pane(struct area a, const struct letter *l)
{
	struct flow f;
	flow_init(&f, a, 0, 1);
	flow_show(&f, ROLE_TITLE, l->id);
	flow_gap(&f, 2);
	flow_show(&f, ROLE_DIM, l->name);
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (slice_is(l->belief, meanings[i].belief)) {
			label(&f, "believed");
			flow_words(&f, ROLE_TEXT, slice_of(meanings[i].meaning));
		}
	label(&f, "phase");
	flow_show(&f, ROLE_TEXT, l->phase);
	label(&f, "failed by");
	flow_show(&f, ROLE_TEXT, l->failed_by);
	label(&f, "letter");
	flow_show(&f, ROLE_DIM, l->letter);
	flow_gap(&f, 2);
	flow_put(&f, ROLE_DIM, "V makes a new plan, W dismisses with a reason");
}

static void summary(const struct dead *v, struct area a)
{
	char n[FORMAT_TEXT], bytes[FORMAT_TEXT];
	int x = area_putf(a, 0, 1, v->total > 0 ? ROLE_WARN : ROLE_OK, "%s dead letter%s, by harm", format_count(n, v->total), v->total == 1 ? "" : "s");
	if (v->total > v->n)
		x = area_putf(a, 0, x + 3, ROLE_DIM, "the first %s are shown", format_count(n, v->n));
	if (v->list.marks > 0)
		area_putf(a, 0, x + 3, ROLE_HELD, "marked %zu (%s)", v->list.marks, format_bytes(bytes, list_marked_bytes(&v->list)));
}

static void paint(struct ui *ui, struct area a)
{
	struct dead *v = mine(ui);
	struct list_source s = rows_of(ui);
	if (v->trouble[0] || v->n <= 0) {
		area_put(a, 1, 2, v->trouble[0] ? ROLE_FAIL : ROLE_DIM, v->trouble[0] ? v->trouble : v->n < 0 ? "loading…" : "No dead letters: nothing failed for good.");
		return;
	}
	summary(v, a);
	struct area in = area_sub(a, 1, 1, a.h - 1, a.w - 2);
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	int rows = (int)MIN(v->n, (int64_t)MAX(in.h - 1 - PANE_LEAST, 3));
	struct area body = area_rows(in, 1, rows);
	int y = list_paint(&v->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	}
	const struct letter *l = under_cursor(ui);
	if (l && in.h > rows + 2)
		pane(area_rows(in, rows + 2, in.h - rows - 2), l);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct dead *v = mine(ui);
	struct list_source s = rows_of(ui);
	const struct letter *l = under_cursor(ui);
	switch (what) {
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		return list_verb(&v->list, &s, what);
	case VERB_MARK:
		if (!l)
			return false;
		list_mark(&v->list, l->letter, l->bytes, (struct slice){ 0 });
		return list_verb(&v->list, &s, VERB_DOWN) || true;
	case VERB_OPEN: case VERB_LEFT: case VERB_RIGHT: case VERB_SORT: case VERB_BACK: case VERB_NEXT: case VERB_PREV: case VERB_VERIFY:
		return false;
	}
	return false;
}

/* Marks of letters that are no longer listed do not count. */
static int chosen(struct ui *ui, struct jw *w)
{
	struct dead *v = mine(ui);
	const struct letter *l = under_cursor(ui);
	int n = 0;
	for (int64_t i = 0; i < v->n; i++)
		if (list_marked(&v->list, v->letter[i].letter)) {
			n++;
			if (w)
				jw_str(w, v->letter[i].letter);
		}
	if (n > 0 || !l)
		return n;
	if (w)
		jw_str(w, l->letter);
	return 1;
}

static void init(struct ui *ui, void *state)
{
	struct dead *v = state;
	v->ui = ui;
	v->n = v->total = -1;
}

static void done(void *state)
{
	struct dead *v = state;
	arena_free(v->mem);
	list_done(&v->list);
}

const struct screen_ops screen_dead = {
	.id = "dead-letters", .number = 6, .name = "Dead letters", .brief = "Dead", .bar = "mark redrive dismiss hold command",
	.state_size = sizeof(struct dead), .init = init, .done = done, .enter = ask, .changed = changed, .paint = paint, .verb = verb, .chosen = chosen,
};
