/* Screen 1: everything at a glance. The cursor walks over links, lanes and decisions; it is kept by
 * the name of what it stands on. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/table.h"

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

/* ---- links and breakers ---- */

static void link_up(struct ui *ui, struct area rest, const struct m_link *k)
{
	static const struct column columns[] = {
		{ .title = "rtt", .width = 6, .right = true },
		{ .title = "", .width = 8, .grow = 1, .most = 24, .keep = 5 },
		{ .title = "p99", .width = 10, .right = true, .keep = 2 },
		{ .title = "message", .width = 12, .keep = 4 },
		{ .title = "reconnects", .width = 14, .keep = 3 },
	};
	struct table t;
	char text[FORMAT_TEXT], more[64];
	table_layout(&t, columns, (int)ARRAY_LEN(columns), rest.w);
	table_put(&t, rest, 0, ROLE_TEXT, format_us(text, k->rtt_us));
	struct area cell = table_cell(&t, rest, 1);
	spark_put(cell, 0, 0, cell.w, ROLE_ACCENT, k->rtt_recent, k->rtt_n);
	snprintf(more, sizeof(more), "p99 %s", format_us(text, k->rtt_p99_us));
	table_put(&t, rest, 2, ROLE_DIM, more);
	snprintf(more, sizeof(more), "heard %s ago", format_age(text, ui->now.wall_us, k->last_message_us));
	table_put(&t, rest, 3, ROLE_DIM, more);
	snprintf(more, sizeof(more), "%s reconnects", format_count(text, k->reconnects));
	table_put(&t, rest, 4, k->reconnects > 0 ? ROLE_WARN : ROLE_DIM, more);
}

static void link_down(struct ui *ui, struct area rest, const struct m_link *k)
{
	char text[FORMAT_TEXT];
	int x = 0;
	if (k->next_attempt_us >= 0)
		x = area_putf(rest, 0, x, ROLE_WARN, "in %s  ", format_until(text, ui->now.wall_us, k->next_attempt_us));
	if (k->close_code > 0)
		x = area_putf(rest, 0, x, ROLE_TEXT, "%lld ", (long long)k->close_code);
	area_show(rest, 0, x, 0, ROLE_TEXT, k->close_text.n > 0 && k->close_code > 0 ? k->close_text : k->sentence);
}

static void link_row(struct ui *ui, struct area row, const struct m_link *k)
{
	int name = MIN(MAX(row.w / 4, 14), 24), x = 11 + name + 1;
	look_put(row, 0, 0, 10, look_of(LOOK_LINK, k->state));
	area_show(row, 0, 11, name, ROLE_TEXT, k->name);
	struct area rest = area_cols(row, x, row.w - x);
	if (slice_is(k->state, "up"))
		link_up(ui, rest, k);
	else
		link_down(ui, rest, k);
}

/* A breaker as it is listed: of a lane or of a link, and halted lanes with them. */
struct breaker_row {
	struct slice name, why;
	const struct m_breaker *b;
	bool halted;
	int rank;                       /* worst first */
};

static int breaker_rows(const struct ui *ui, struct breaker_row *out, int most)
{
	const struct m_overview *o = &ui->model.overview;
	int n = 0;
	for (int i = 0; i < o->lanes && n < most; i++)
		out[n++] = (struct breaker_row){ o->lane[i].name, o->lane[i].halted, &o->lane[i].breaker, o->lane[i].halted.p != NULL, 0 };
	for (int i = 0; i < o->links && n < most; i++)
		out[n++] = (struct breaker_row){ o->link[i].name, { 0 }, &o->link[i].breaker, false, 0 };
	for (int i = 0; i < n; i++)
		out[i].rank = out[i].halted ? 0 : slice_is(out[i].b->state, "closed") ? 2 : 1;
	for (int i = 1; i < n; i++)             /* stable: the order of the configuration within a rank */
		for (int j = i; j > 0 && out[j].rank < out[j - 1].rank; j--) {
			struct breaker_row swap = out[j];
			out[j] = out[j - 1];
			out[j - 1] = swap;
		}
	return n;
}

static void window_dots(struct area a, int x, struct slice window)
{
	for (size_t i = 0; i < window.n && x < a.w; i++) {
		char c = window.p[i];
		enum role r = c == 'G' ? ROLE_OK : c == 'B' ? ROLE_FAIL : ROLE_WARN;
		x = area_put(a, 0, x, r, glyph(c == 'G' ? GLYPH_UP : c == 'B' ? GLYPH_FAILED : GLYPH_HALF));
	}
}

static void breaker_paint(struct ui *ui, struct area row, const struct breaker_row *r)
{
	char text[FORMAT_TEXT];
	int name = MIN(MAX(row.w / 4, 14), 24), x = 12 + name + 1;
	look_put(row, 0, 0, 11, look_of(LOOK_BREAKER, r->halted ? SLICE_LIT("halted") : r->b->state));
	area_show(row, 0, 12, name, ROLE_TEXT, r->name);
	if (r->halted) {
		area_show(row, 0, x, 0, ROLE_HELD, r->why);
	} else if (slice_is(r->b->state, "closed") || slice_is(r->b->state, "half-open")) {
		area_putf(row, 0, x, ROLE_TEXT, "%s/%zu bad", format_count(text, r->b->bad), r->b->window.n);
		if (row.w - x > 34)
			window_dots(row, x + 12, r->b->window);
	} else if (r->b->until_us > 0) {
		area_putf(row, 0, x, ROLE_WARN, "for %s", format_until(text, ui->now.wall_us, r->b->until_us));
	}
}

static void links_heading(struct ui *ui, struct area left, struct area right, int shown_links)
{
	const struct m_overview *o = &ui->model.overview;
	struct breaker_row rows[64];
	int up = 0, open = 0, n = breaker_rows(ui, rows, 64);
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
	struct breaker_row rows[64];
	int n = breaker_rows(ui, rows, 64), top = window_top(v, BLOCK_LINKS, cursor_row(ui, v), height, o->links);
	links_heading(ui, left, right, MIN(height, o->links));
	v->at_y[BLOCK_LINKS] = left.y + 1;
	for (int i = 0; i < height; i++) {
		if (top + i < o->links) {
			struct area row = area_rows(left, 1 + i, 1);
			link_row(ui, row, &o->link[top + i]);
			select_row(ui, v, BLOCK_LINKS, top + i, row);
		}
		if (i < n)
			breaker_paint(ui, area_rows(right, 1 + i, 1), &rows[i]);
	}
	if (o->links == 0)
		area_put(left, 1, 0, ROLE_DIM, "none configured");
	return y + 1 + height;
}

/* ---- the cycle ---- */

static void cycle_plan_line(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	struct m_class class_ = m_cycle_class(c);
	int64_t restorable = m_class_restorable(&class_);
	char n[FORMAT_TEXT], bytes[FORMAT_TEXT], back[FORMAT_TEXT], share[FORMAT_TEXT];
	if (!c->has_plan) {
		area_put(a, y, 1, ROLE_DIM, "no plan yet");
		return;
	}
	int x = area_put(a, y, 1, ROLE_DIM, "plan ");
	x = area_show(a, y, x, 16, ROLE_STRONG, c->plan_short) + 3;
	x = area_putf(a, y, x, ROLE_TEXT, "%s items  %s", format_count(n, c->plan_items), format_bytes(bytes, c->plan_bytes)) + 3;
	x = area_putf(a, y, x, restorable == c->plan_items ? ROLE_OK : ROLE_WARN, "restorable %s of %s (%s)", format_count(back, restorable), n,
		      format_percent(share, restorable, c->plan_items)) + 3;
	if (!c->plan_valid && slice_is(c->stage, "VALIDATING")) {
		x = area_put(a, y, x, ROLE_FAIL, "no longer valid: ");
		area_show(a, y, x, 0, ROLE_FAIL, c->plan_invalid_because);
	} else if (slice_is(c->stage, "VALIDATING")) {
		area_putf(a, y, x, ROLE_TEXT, "expires in %s", format_until(share, ui->now.wall_us, c->plan_expires_us));
	}
}

/* "A approve  S step  X abort": only what can be done now, in the words of the key bar. */
static void cycle_hints(struct ui *ui, struct area a, int y, int x)
{
	static const char *const ids[] = { "approve", "step", "resume", "ack", "abort" };
	char key[16];
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct action *act = action_by_id(slice_of(ids[i]));
		struct buf why = { 0 };
		bool can = action_enabled(ui, act, &why);
		buf_done(&why);
		int w = 1 + put_width(act->label) + 3;
		if (!can || x + w > a.w)
			continue;
		x = area_put(a, y, x, ROLE_KEY, action_key(key, act));
		x = area_put(a, y, x + 1, ROLE_TEXT, act->label) + 2;
	}
}

static void cycle_grant_line(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	int64_t granted = 0, planned = 0, f = 0, t = 0, flying = 0;
	char n[FORMAT_TEXT], m[FORMAT_TEXT];
	for (int i = 0; i < c->lanes; i++) {
		granted = m_sum(granted, MAX(c->lane[i].granted, 0));
		planned = m_sum(planned, c->lane[i].planned);
		f = m_sum(f, c->lane[i].F);
		t = m_sum(t, c->lane[i].T);
		flying = m_sum(flying, c->lane[i].in_flight);
	}
	int x = area_putf(a, y, 1, granted > 0 ? ROLE_TEXT : ROLE_DIM, "grant %s of %s", format_count(n, granted), format_count(m, planned));
	x = area_putf(a, y, MAX(x + 3, 24), f > 0 ? ROLE_FAIL : ROLE_DIM, "failures %s/%s", format_count(n, f), format_count(m, t));
	x = area_putf(a, y, MAX(x + 3, 44), flying > 0 ? ROLE_ACCENT : ROLE_DIM, "in flight %s", format_count(n, flying));
	if (c->equation.n > 0 && slice_is(c->state, "ended"))
		area_show(a, y, x + 3, 0, c->balanced ? ROLE_OK : ROLE_FAIL, c->equation);
	else
		cycle_hints(ui, a, y, MAX(x + 3, 58));
}

int cycle_head(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	bool ended = slice_is(c->state, "ended"), working = slice_is(c->state, "working");
	enum role r = ended ? slice_is(c->end, "COMPLETED") ? ROLE_OK : ROLE_WARN : working ? ROLE_ACCENT : ROLE_HELD;
	char age[FORMAT_TEXT];
	struct buf text = { 0 };
	int x = area_put(a, y, 1, ROLE_TITLE, "Cycle ");
	x = area_show(a, y, x, 24, ROLE_STRONG, c->name.n ? c->name : c->id) + 2;
	x = area_show(a, y, x, 20, ROLE_TEXT, c->policy) + 2;
	if (c->rehearsal)
		x = area_put(a, y, x, ROLE_ACCENT, "REHEARSAL") + 2;
	format_age(age, ui->now.wall_us, c->since_us);
	text_show(&text, ended ? c->end : c->state, 24, false);
	buf_addf(&text, ended ? ", %s ago" : " %s", age);
	if (!ended && !working && c->waiting_for.n > 0) {
		buf_adds(&text, ": ");
		text_show(&text, c->waiting_for, MAX(a.w - x - 1 - put_width(buf_z(&text)), 8), false);
	}
	area_put(a, y, MAX(x, a.w - 1 - put_width(buf_z(&text))), r, buf_z(&text));
	buf_done(&text);
	steps_put(area_cols(a, 1, a.w - 2), y + 1, c->stage_list, c->stages, glyph(working ? GLYPH_UP : GLYPH_HELD), r);
	return 2;
}

static int paint_cycle(struct ui *ui, struct area a, int y)
{
	const struct m_overview *o = &ui->model.overview;
	if (!ui->model.cycle.has) {
		int x = area_put(a, y, 1, ROLE_TITLE, "Cycle ");
		x = area_put(a, y, x, ROLE_DIM, "none");
		if (o->cannot_start.p) {
			x = area_put(a, y, x, ROLE_WARN, "; cannot start one: ");
			area_show(a, y, x, 0, ROLE_WARN, o->cannot_start);
		} else if (!ui->watch) {
			area_put(a, y, x, ROLE_DIM, "; S starts one");
		}
		return y + 1;
	}
	y += cycle_head(ui, a, y);
	cycle_plan_line(ui, a, y);
	cycle_grant_line(ui, a, y + 1);
	return y + 2;
}

/* ---- lanes ---- */

enum { L_NAME, L_LISTED, L_GAUGE, L_SHARE, L_CANDIDATES, L_PROTECTED, L_INELIGIBLE, L_IRREVERSIBLE };

static const struct column lane_columns[] = {
	[L_NAME] = { .title = "Lanes", .width = 10, .grow = 1, .most = 24 },
	[L_LISTED] = { .title = "listed", .width = 14, .grow = 1, .most = 22 },
	[L_GAUGE] = { .title = "quota", .width = 8, .grow = 6, .most = 30, .keep = 1 },
	[L_SHARE] = { .title = "", .width = 7, .right = true, .keep = 2 },
	[L_CANDIDATES] = { .title = "candidates", .width = 10, .right = true },
	[L_PROTECTED] = { .title = "protected", .width = 9, .right = true, .keep = 6 },
	[L_INELIGIBLE] = { .title = "ineligible", .width = 10, .right = true, .keep = 4 },
	[L_IRREVERSIBLE] = { .title = "irreversible", .width = 12, .right = true, .keep = 7 },
};

static void lane_counts(const struct table *t, struct area row, const struct m_lane *l)
{
	char text[FORMAT_TEXT];
	table_put(t, row, L_CANDIDATES, l->candidates > 0 ? ROLE_STRONG : ROLE_TEXT, format_count(text, l->candidates));
	table_put(t, row, L_PROTECTED, ROLE_TEXT, format_count(text, l->protected_));
	table_put(t, row, L_INELIGIBLE, ROLE_TEXT, format_count(text, l->ineligible));
	table_put(t, row, L_IRREVERSIBLE, l->irreversible > 0 ? ROLE_WARN : ROLE_TEXT, format_count(text, l->irreversible));
}

static void lane_sentence(const struct table *t, struct area row, const struct m_lane *l)
{
	char at[FORMAT_TEXT];
	struct area rest = area_cols(row, t->x[L_LISTED] + t->w[L_LISTED] + TABLE_GAP, row.w);
	struct slice why = l->halted.p ? l->halted : l->trouble;
	int x = area_show(rest, 0, 0, 0, ROLE_FAIL, why);
	if (l->excluded_by.p) {
		x = area_put(rest, 0, x > 0 ? x + 2 : 0, ROLE_HELD, "excluded by ");
		x = area_show(rest, 0, x, 16, ROLE_HELD, l->excluded_by);
		area_putf(rest, 0, x + 1, ROLE_HELD, "%.5s", format_clock(at, l->excluded_us));
	}
}

static void lane_listed(struct ui *ui, const struct table *t, struct area row, const struct m_lane *l)
{
	char n[FORMAT_TEXT], of[FORMAT_TEXT];
	struct area cell = table_cell(t, row, L_LISTED);
	bool loading = !l->complete && !l->trouble.p && l->listed >= 0;
	int x = area_putf(cell, 0, 0, loading ? ROLE_WARN : ROLE_TEXT, loading ? "%s of ?" : "%s", format_count(n, l->listed));
	if (loading)
		area_put(cell, 0, x + 1, ROLE_WARN, "…");
	else if (l->quota_items > 0)
		area_putf(cell, 0, x, ROLE_DIM, " of %s", format_count(of, l->quota_items));
	else if (l->listed_us > 0 && ui->now.wall_us - l->listed_us > 3600 * INT64_C(1000000))
		area_putf(cell, 0, x + 1, ROLE_DIM, "%s old", format_age(n, ui->now.wall_us, l->listed_us));
}

static void lane_row(struct ui *ui, const struct table *t, struct area row, const struct m_lane *l)
{
	char share[FORMAT_TEXT];
	bool bytes = l->quota_items <= 0 && l->quota_bytes > 0;
	int64_t part = bytes ? l->listed_bytes : l->listed, whole = bytes ? l->quota_bytes : l->quota_items;
	table_show(t, row, L_NAME, ROLE_TEXT, l->name);
	lane_listed(ui, t, row, l);
	if (l->trouble.p || l->halted.p || l->excluded_by.p) {
		lane_sentence(t, row, l);
		return;
	}
	struct area cell = table_cell(t, row, L_GAUGE);
	int64_t bp = share_bp(part, whole);
	gauge_put(cell, 0, 0, cell.w, bp >= 9000 ? ROLE_WARN : ROLE_FILL, part, whole);
	if (bp >= 0)
		table_put(t, row, L_SHARE, bp >= 9000 ? ROLE_WARN : ROLE_TEXT, format_share(share, bp));
	lane_counts(t, row, l);
}

static int paint_lanes(struct ui *ui, struct overview *v, struct area a, int y, int height)
{
	const struct m_overview *o = &ui->model.overview;
	struct area in = area_sub(a, y, 1, 1 + height, a.w - 2);
	struct table t;
	int top = window_top(v, BLOCK_LANES, cursor_row(ui, v), height, o->lanes);
	table_layout(&t, lane_columns, (int)ARRAY_LEN(lane_columns), in.w);
	table_titles(&t, in, 0);
	v->at_y[BLOCK_LANES] = in.y + 1;
	for (int i = 0; i < height && top + i < o->lanes; i++) {
		struct area row = area_rows(in, 1 + i, 1);
		lane_row(ui, &t, row, &o->lane[top + i]);
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
	struct breaker_row rows[64];
	int links = MAX(MAX(o->links, breaker_rows(ui, rows, 64)), 1), lanes = MAX(o->lanes, 1);
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
	y = paint_cycle(ui, a, y + 1);
	y = paint_lanes(ui, v, a, y + 1, lanes);
	paint_decisions(ui, v, a, y + 1);
}

/* ---- details ---- */

static bool detail_link(struct ui *ui, struct flow *f, struct slice key)
{
	const struct m_overview *o = &ui->model.overview;
	const struct m_link *k = NULL;
	char text[FORMAT_TEXT], more[FORMAT_TEXT];
	for (int i = 0; i < o->links; i++)
		if (slice_eq(o->link[i].name, key))
			k = &o->link[i];
	if (!k)
		return false;
	flow_field(f, "state", k->state);
	flow_field(f, "what to do", k->sentence.n > 0 ? k->sentence : (struct slice){ 0 });
	flow_field(f, "url", k->url);
	flow_field(f, "handshake", k->handshake);
	flow_put(f, ROLE_DIM, "ladder");
	flow_at(f, 20);
	f->indent = 20;
	for (int i = 0; i < k->rungs; i++) {
		struct look l = look_of(LOOK_RUNG, k->rung[i].state);
		flow_show(f, l.role, k->rung[i].name);
		flow_gap(f, 1);
		flow_put(f, l.role, glyph(l.mark));
		flow_gap(f, 1);
		flow_put(f, ROLE_DIM, k->rung[i].us >= 0 ? format_us(text, k->rung[i].us) : "");
		flow_gap(f, 3);
	}
	f->indent = 2;
	flow_line(f);
	flow_fieldf(f, "rtt", "%s now, %s median", format_us(text, k->rtt_us), format_us(more, k->rtt_p50_us));
	flow_fieldf(f, "rtt p99", "%s", format_us(text, k->rtt_p99_us));
	flow_fieldf(f, "last message", "%s ago", format_age(text, ui->now.wall_us, k->last_message_us));
	flow_fieldf(f, "messages", "%s in, %s out", format_count(text, k->messages_in), format_count(more, k->messages_out));
	flow_fieldf(f, "attempts", "%s, %s reconnects", format_count(text, k->attempts), format_count(more, k->reconnects));
	flow_fieldf(f, "last close", "%s", k->close_code > 0 ? format_count(text, k->close_code) : "none");
	flow_field(f, "close text", k->close_text);
	flow_field(f, "breaker", k->breaker.state);
	flow_field(f, "window", k->breaker.window);
	return true;
}

static bool detail_lane(struct ui *ui, struct flow *f, struct slice key)
{
	const struct m_overview *o = &ui->model.overview;
	const struct m_lane *l = NULL;
	char text[FORMAT_TEXT], more[FORMAT_TEXT];
	for (int i = 0; i < o->lanes; i++)
		if (slice_eq(o->lane[i].name, key))
			l = &o->lane[i];
	if (!l)
		return false;
	flow_field(f, "trouble", l->trouble);
	flow_field(f, "halted", l->halted);
	flow_field(f, "excluded by", l->excluded_by);
	flow_field(f, "because", l->excluded_reason);
	flow_field(f, "url", l->url);
	flow_field(f, "dialect", l->dialect);
	flow_field(f, "account", l->account);
	flow_field(f, "key", l->key);
	flow_fieldf(f, "listed", "%s items, %s", format_count(text, l->listed), l->complete ? "completely" : "not completely");
	flow_fieldf(f, "listed at", "%sZ, %s ago", format_clock(text, l->listed_us), format_age(more, ui->now.wall_us, l->listed_us));
	flow_fieldf(f, "pages", "%s, %s items expected", format_count(text, l->pages), format_count(more, l->expected));
	flow_fieldf(f, "bytes", "%s of %s", format_bytes(text, l->listed_bytes), format_bytes(more, l->quota_bytes));
	flow_fieldf(f, "quota", "%s items", format_count(text, l->quota_items));
	flow_fieldf(f, "candidates", "%s, %s of them irreversible", format_count(text, l->candidates), format_count(more, l->irreversible));
	flow_fieldf(f, "not", "%s protected, %s ineligible", format_count(text, l->protected_), format_count(more, l->ineligible));
	flow_field(f, "breaker", l->breaker.state);
	flow_field(f, "window", l->breaker.window);
	return true;
}

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
	} page[BLOCKS] = { { "Link", detail_link }, { "Lane", detail_lane }, { "Decision", detail_decision } };
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
