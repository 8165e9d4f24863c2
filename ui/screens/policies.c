/* Screen 8: what each policy would delete and what holds it back, in words, and the cycles it had. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { CYCLES = 40, PANE_LEAST = 12, LABEL = 14 };

struct policy {
	struct slice name, lanes, records, order, rules, on_abort, hash;
	int64_t cap_items, cap_bytes, cap_share_bp, cap_remain, approvals;
};

struct policies {
	struct ui *ui;
	struct list list;
	struct table table;
	struct arena *mem;              /* of what follows */
	struct policy *policy;
	int64_t n;                      /* -1 until the first answer */
	bool busy;
	char trouble[240];
	struct m_audit cycles;          /* of the policy `asked_of`, newest first */
	struct buf asked_of;
	int64_t asked_at;               /* head of the chain when they were asked for */
	bool asking;
};

static struct policies *mine(struct ui *ui) { return ui_state(ui, &screen_policies); }

static const struct policy *nth(const struct policies *v, int64_t row) { return row >= 0 && row < v->n ? &v->policy[row] : NULL; }

/* ---- the rows ---- */

static int64_t count(void *ctx) { return ((const struct policies *)ctx)->n; }

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct policy *p = nth(ctx, row);
	*id = p ? p->name : (struct slice){ 0 };
	return p != NULL;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct policies *v = ctx;
	for (*row = 0; *row < v->n; ++*row)
		if (slice_eq(v->policy[*row].name, id))
			return true;
	return false;
}

static const struct column columns[] = {
	{ .title = "policy", .width = 16, .grow = 2, .most = 32 },
	{ .title = "lanes", .width = 14, .grow = 2, .most = 40 },
	{ .title = "records", .width = 10, .keep = 2 },
	{ .title = "order", .width = 8, .keep = 1 },
	{ .title = "cap", .width = 9, .right = true },
	{ .title = "share", .width = 7, .right = true },
	{ .title = "approvals", .width = 9, .right = true, .keep = 3 },
};

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct policies *v = ctx;
	const struct policy *p = nth(v, row);
	char text[FORMAT_TEXT];
	(void)marked;
	table_show(&v->table, line, 0, ROLE_TEXT, p->name);
	table_show(&v->table, line, 1, ROLE_TEXT, p->lanes);
	table_show(&v->table, line, 2, ROLE_DIM, p->records);
	table_show(&v->table, line, 3, ROLE_DIM, p->order);
	table_put(&v->table, line, 4, ROLE_TEXT, format_count(text, p->cap_items));
	table_put(&v->table, line, 5, ROLE_TEXT, format_share(text, p->cap_share_bp));
	table_put(&v->table, line, 6, ROLE_TEXT, format_count(text, p->approvals));
}

static struct list_source rows_of(struct ui *ui)
{
	return (struct list_source){ .ctx = mine(ui), .count = count, .id = row_id, .find = find, .draw = draw };
}

static const struct policy *under_cursor(struct ui *ui)
{
	int64_t row;
	return list_at(&mine(ui)->list, &row) ? nth(mine(ui), row) : NULL;
}

/* ---- asking ---- */

static void on_cycles(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct policies *v = mine(ui);
	(void)ctx;
	v->asking = false;
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		m_audit_read(&v->cycles, result, M_REPLACE);
	ui->dirty = true;
}

static void ask_cycles(struct ui *ui)
{
	struct policies *v = mine(ui);
	const struct policy *p = under_cursor(ui);
	struct slice name = p ? p->name : (struct slice){ 0 };
	int64_t at = ui->model.overview.chain_seq;
	struct buf b = { 0 };
	struct jw w;
	if (!p || v->asking || (slice_eq(buf_slice(&v->asked_of), name) && at == v->asked_at))
		return;
	if (!slice_eq(buf_slice(&v->asked_of), name))
		m_audit_done(&v->cycles);
	buf_clear(&v->asked_of);
	buf_add(&v->asked_of, name.p, name.n);
	v->asked_at = at;
	v->asking = true;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "kind", SLICE_LIT("cycle."));
	jw_kstr(&w, "subject", name);
	jw_ki64(&w, "limit", CYCLES);
	jw_end_obj(&w);
	ui_call(ui, "audit.tail", &b, on_cycles, NULL);
	buf_done(&b);
}

static struct slice keep(struct arena *a, struct slice s) { return (struct slice){ arena_strndup(a, s.p ? s.p : "", s.n), s.n }; }

/* "kimi, openai" of an array of strings. */
static struct slice joined(struct arena *a, const struct json *list, const char *between)
{
	struct buf b = { 0 };
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		struct slice s = { 0 };
		if (b.n > 0)
			buf_adds(&b, between);
		if (json_str(j, &s))
			buf_add(&b, s.p, s.n);
	}
	struct slice s = keep(a, buf_slice(&b));
	buf_done(&b);
	return s;
}

static void read_policies(struct policies *v, const struct json *list)
{
	arena_free(v->mem);
	struct arena *a = v->mem = arena_new(8192);
	v->policy = arena_alloc(a, (json_len(list) + 1) * sizeof(*v->policy));
	v->n = 0;
	for (const struct json *j = json_first(list); j; j = json_next(j))
		v->policy[v->n++] = (struct policy){
			.name = keep(a, json_get_str(j, "name")), .lanes = joined(a, json_get(j, "lanes"), ", "),
			.records = keep(a, json_get_str(j, "records")), .order = keep(a, json_get_str(j, "order")),
			.rules = joined(a, json_get(j, "rules"), slice_is(json_get_str(j, "match"), "all") ? " and " : " or "),
			.on_abort = keep(a, json_get_str(j, "on_abort")), .hash = keep(a, json_get_str(j, "hash")),
			.cap_items = json_get_i64(j, "cap_items", -1), .cap_bytes = json_get_i64(j, "cap_bytes", -1),
			.cap_share_bp = json_get_i64(j, "cap_share_bp", -1), .cap_remain = json_get_i64(j, "cap_remain", -1),
			.approvals = json_get_i64(j, "approvals", -1) };
}

static void on_policies(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct policies *v = mine(ui);
	struct list_source s = rows_of(ui);
	(void)ctx;
	v->busy = false;
	v->trouble[0] = '\0';
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		read_policies(v, json_get(result, "policies"));
	list_changed(&v->list, &s);
	ask_cycles(ui);
	ui->dirty = true;
}

static void enter(struct ui *ui)
{
	struct policies *v = mine(ui);
	if (!v->busy) {
		v->busy = true;
		ui_call(ui, "policies", NULL, on_policies, NULL);
	}
}

/* ---- in words ---- */

static void label(struct flow *f, const char *text)
{
	f->indent = 1;
	flow_line(f);
	flow_put(f, ROLE_DIM, text);
	flow_at(f, LABEL);
	f->indent = LABEL;
}

static void caps_in_words(struct flow *f, const struct policy *p)
{
	char text[FORMAT_TEXT];
	label(f, "at most");
	flow_putf(f, ROLE_TEXT, "%s items,", format_count(text, p->cap_items));
	flow_gap(f, 1);
	flow_putf(f, ROLE_TEXT, "%s,", format_bytes(text, p->cap_bytes));
	flow_gap(f, 1);
	flow_putf(f, ROLE_TEXT, "%s of what is listed;", format_share(text, p->cap_share_bp));
	flow_gap(f, 1);
	flow_putf(f, ROLE_TEXT, "%s must remain", format_count(text, p->cap_remain));
}

static void rules_in_words(struct flow *f, const struct policy *p)
{
	label(f, "selects");
	flow_words(f, ROLE_STRONG, p->rules);
	label(f, "order");
	flow_show(f, ROLE_TEXT, p->order);
	flow_gap(f, 1);
	flow_put(f, ROLE_TEXT, "first");
}

static void cycles_in_words(struct ui *ui, struct flow *f)
{
	const struct policies *v = mine(ui);
	char ago[FORMAT_TEXT], at[FORMAT_TEXT];
	f->indent = 1;
	flow_line(f);
	flow_line(f);
	flow_put(f, ROLE_TITLE, "Cycles");
	flow_line(f);
	if (!v->cycles.has || v->cycles.records == 0)
		flow_put(f, ROLE_DIM, v->cycles.has ? "none yet" : "loading…");
	for (int i = 0; i < v->cycles.records; i++) {
		const struct m_record *r = &v->cycles.record[i];
		flow_putf(f, ROLE_DIM, "%s, %s ago", format_clock(at, r->at_us), format_age(ago, ui->now.wall_us, r->at_us));
		flow_at(f, 24);
		flow_show(f, ROLE_ACCENT, r->kind);
		flow_at(f, 37);
		f->indent = 37;
		flow_words(f, ROLE_TEXT, r->text);
		f->indent = 1;
		flow_line(f);
	}
}

static void pane(struct ui *ui, struct area a, const struct policy *p)
{
	struct flow f;
	struct slice hash = p->hash;
	char text[FORMAT_TEXT];
	flow_init(&f, a, 0, 1);
	flow_show(&f, ROLE_TITLE, p->name);
	flow_gap(&f, 2);
	flow_put(&f, ROLE_DIM, "hash");
	flow_gap(&f, 1);
	flow_show(&f, ROLE_DIM, (struct slice){ hash.p, MIN(hash.n, (size_t)12) });
	rules_in_words(&f, p);
	caps_in_words(&f, p);
	label(&f, "needs");
	flow_putf(&f, ROLE_TEXT, p->approvals == 1 ? "%s approval;" : "%s approvals;", format_count(text, p->approvals));
	flow_gap(&f, 1);
	flow_put(&f, ROLE_TEXT, "if it is aborted:");
	flow_gap(&f, 1);
	flow_show(&f, ROLE_TEXT, p->on_abort);
	cycles_in_words(ui, &f);
}

/* ---- the screen ---- */

static void paint(struct ui *ui, struct area a)
{
	struct policies *v = mine(ui);
	struct list_source s = rows_of(ui);
	int64_t n = count(v);
	if (n <= 0) {
		area_put(a, 1, 2, v->trouble[0] ? ROLE_FAIL : ROLE_DIM,
			 v->trouble[0] ? v->trouble : n < 0 ? "loading…" : "No policy is configured: `policies:` in the configuration says what may go.");
		return;
	}
	struct area in = area_sub(a, 0, 1, a.h, a.w - 2);
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	int rows = MIN((int)n, MAX(in.h - 1 - PANE_LEAST, 3));
	struct area body = area_rows(in, 1, rows);
	int y = list_paint(&v->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	}
	const struct policy *p = under_cursor(ui);
	if (p && in.h > rows + 2)
		pane(ui, area_rows(in, rows + 2, in.h - rows - 2), p);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct list_source s = rows_of(ui);
	bool done = false;
	switch (what) {
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		done = list_verb(&mine(ui)->list, &s, what);
		ask_cycles(ui);
		return done;
	case VERB_OPEN: case VERB_LEFT: case VERB_RIGHT: case VERB_MARK: case VERB_SORT: case VERB_BACK: case VERB_NEXT: case VERB_PREV:
	case VERB_VERIFY:
		return false;
	}
	return false;
}

static void init(struct ui *ui, void *state)
{
	struct policies *v = state;
	v->ui = ui;
	v->n = -1;
}

static void done(void *state)
{
	struct policies *v = state;
	arena_free(v->mem);
	m_audit_done(&v->cycles);
	buf_done(&v->asked_of);
	list_done(&v->list);
}

const struct screen_ops screen_policies = {
	.id = "policies", .number = 8, .name = "Policies", .brief = "Pol", .bar = "up down start hold command help",
	.state_size = sizeof(struct policies), .init = init, .done = done, .enter = enter, .changed = ask_cycles, .paint = paint, .verb = verb,
};
