/* Screen 5: the cycle, lane by lane, and what happened last. The cursor walks over lanes and the log. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/table.h"

struct cycle_view {
	bool in_log;
	struct buf lane;                /* the lane under the cursor, or whose panel stays while it is in the log */
	struct buf entry;               /* key of the log row */
	int top_lane, top_log, log_height;
	int lane_y, lanes_shown, log_y;
};

static struct cycle_view *mine(struct ui *ui)
{
	return ui_state(ui, &screen_cycle);
}

static int lane_row(const struct ui *ui, const struct cycle_view *v)
{
	for (int i = 0; i < ui->model.cycle.lanes; i++)
		if (slice_eq(ui->model.cycle.lane[i].lane, buf_slice(&v->lane)))
			return i;
	return 0;
}

static void log_key(const struct m_log *l, struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "%lld %lld ", (long long)l->at_us, (long long)l->attempt);
	buf_add(out, l->id.p, l->id.n);
}

static int log_row(const struct ui *ui, const struct cycle_view *v)
{
	struct buf key = { 0 };
	int found = 0;
	for (int i = 0; i < ui->model.cycle.logs && v->entry.n > 0; i++) {
		log_key(&ui->model.cycle.log[i], &key);
		if (slice_eq(buf_slice(&key), buf_slice(&v->entry)))
			found = i;
	}
	buf_done(&key);
	return found;
}

/* ---- lanes ---- */

enum { L_LANE, L_PHASE, L_PLANNED, L_SENT, L_DELETED, L_GONE, L_FAILED, L_UNKNOWN, L_OTHER, L_FLYING, L_RATE, L_ETA };

static const struct column columns[] = {
	[L_LANE] = { .title = "lane", .width = 10, .grow = 1, .most = 24 },
	[L_PHASE] = { .title = "phase", .width = 17, .grow = 1, .most = 20 },
	[L_PLANNED] = { .title = "planned", .width = 7, .right = true },
	[L_SENT] = { .title = "sent", .width = 6, .right = true, .keep = 8 },
	[L_DELETED] = { .title = "deleted", .width = 7, .right = true },
	[L_GONE] = { .title = "gone", .width = 4, .right = true, .keep = 5 },
	[L_FAILED] = { .title = "failed", .width = 6, .right = true },
	[L_UNKNOWN] = { .title = "unknown", .width = 7, .right = true, .keep = 9 },
	[L_OTHER] = { .title = "drifted", .width = 7, .right = true, .keep = 4 },
	[L_FLYING] = { .title = "in flight", .width = 9, .right = true, .keep = 7 },
	[L_RATE] = { .title = "per s", .width = 5, .right = true, .keep = 3 },
	[L_ETA] = { .title = "eta", .width = 6, .right = true, .keep = 6 },
};

static void put_count(const struct table *t, struct area row, int column, int64_t n, enum role above_zero)
{
	char text[FORMAT_TEXT];
	table_put(t, row, column, n > 0 ? above_zero : n < 0 ? ROLE_WARN : ROLE_DIM, format_count(text, n));
}

static void paint_lane(const struct table *t, struct area row, const struct m_cycle_lane *l)
{
	char text[FORMAT_TEXT];
	struct area phase = table_cell(t, row, L_PHASE);
	table_show(t, row, L_LANE, ROLE_STRONG, l->lane);
	if (l->halted.p)
		look_put(phase, 0, 0, 0, look_of(LOOK_BREAKER, SLICE_LIT("halted")));
	else
		look_put(phase, 0, 0, 0, look_of(LOOK_PHASE, l->phase));
	put_count(t, row, L_PLANNED, l->planned, ROLE_TEXT);
	put_count(t, row, L_SENT, l->sent, ROLE_TEXT);
	put_count(t, row, L_DELETED, l->deleted, ROLE_OK);
	put_count(t, row, L_GONE, m_sum(l->gone, l->gone_other), ROLE_OK);
	put_count(t, row, L_FAILED, l->failed, ROLE_FAIL);
	put_count(t, row, L_UNKNOWN, l->unknown, ROLE_WARN);
	put_count(t, row, L_OTHER, l->drifted, ROLE_WARN);
	put_count(t, row, L_FLYING, l->in_flight, ROLE_ACCENT);
	put_count(t, row, L_RATE, l->per_second, ROLE_TEXT);
	table_put(t, row, L_ETA, l->eta_s < 0 ? ROLE_DIM : ROLE_TEXT, l->eta_s < 0 ? "?" : format_until(text, 0, l->eta_s * 1000000));
}

static void cursor_here(struct ui *ui, struct area row)
{
	area_select(row, 0);
	ui->cy = row.y;
	ui->cx = row.x;
}

static int paint_lanes(struct ui *ui, struct area a, int y, int height)
{
	struct cycle_view *v = mine(ui);
	const struct m_cycle *c = &ui->model.cycle;
	struct area in = area_sub(a, y, 1, height + 1, a.w - 2);
	struct table t;
	int at = lane_row(ui, v);
	table_layout(&t, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&t, in, 0);
	v->top_lane = MAX(MIN(MAX(MIN(v->top_lane, at), at - height + 1), c->lanes - height), 0);
	v->lane_y = in.y + 1;
	v->lanes_shown = height;
	for (int i = 0; i < height && v->top_lane + i < c->lanes; i++) {
		struct area row = area_rows(in, 1 + i, 1);
		paint_lane(&t, row, &c->lane[v->top_lane + i]);
		if (!v->in_log && v->top_lane + i == at)
			cursor_here(ui, row);
	}
	return y + 1 + height;
}

/* ---- the panel of one lane ---- */

static void panel_work(struct ui *ui, struct flow *f, const struct m_cycle_lane *l)
{
	char n[FORMAT_TEXT], m[FORMAT_TEXT];
	if (l->batch > 0) {
		flow_putf(f, ROLE_TEXT, "batch %s of %s items", format_count(n, l->batch), format_count(m, l->batch_items));
		flow_gap(f, 3);
	}
	flow_putf(f, ROLE_TEXT, "requests %s", format_count(n, l->requests));
	flow_gap(f, 3);
	if (l->paced_until_us > ui->now.wall_us + 1000000) {
		flow_putf(f, ROLE_WARN, "paced for %s", format_until(n, ui->now.wall_us, l->paced_until_us));
		flow_gap(f, 3);
	}
	if (l->has_canary) {
		flow_putf(f, l->canary_checked ? ROLE_OK : ROLE_ACCENT, "canary %s of %s deleted%s", format_count(n, l->canary_deleted),
			  format_count(m, l->canary_items), l->canary_checked ? ", re-read and gone" : "");
		flow_gap(f, 3);
		flow_putf(f, l->control_present == l->control ? ROLE_OK : ROLE_FAIL, "control %s of %s still there",
			  format_count(n, l->control_present), format_count(m, l->control));
		flow_gap(f, 3);
	}
	for (int i = 0; i < l->failed_bys; i++) {
		struct buf both = { 0 };
		buf_addf(&both, "%s ", format_count(n, l->failed_by[i].n));
		buf_add(&both, l->failed_by[i].class_.p, l->failed_by[i].class_.n);
		flow_show(f, ROLE_FAIL, buf_slice(&both));
		flow_gap(f, 2);
		buf_done(&both);
	}
}

static void panel_left(struct flow *f, const struct m_cycle_lane *l)
{
	char n[FORMAT_TEXT], m[FORMAT_TEXT];
	const struct {
		const char *word;
		int64_t n;
	} rest[] = { { "refused", l->refused }, { "protected", l->protected_ }, { "blocked", l->blocked }, { "held", l->held },
		     { "gone by another", l->gone_other }, { "not started", l->not_started } };
	flow_putf(f, ROLE_TEXT, "tolerance left %s", format_count(n, l->tolerance_left));
	flow_gap(f, 3);
	flow_putf(f, ROLE_TEXT, "repeats left %s", format_count(n, l->retry_budget_left));
	flow_gap(f, 3);
	flow_putf(f, ROLE_TEXT, "grant left %s items, %s", format_count(n, l->budget_items), format_bytes(m, l->budget_bytes));
	flow_gap(f, 3);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
		if (rest[i].n == 0)
			continue;
		flow_putf(f, rest[i].n < 0 ? ROLE_WARN : ROLE_TEXT, "%s %s", rest[i].word, format_count(n, rest[i].n));
		flow_gap(f, 3);
	}
}

static int paint_panel(struct ui *ui, struct area a, int y, const struct m_cycle_lane *l)
{
	struct flow f;
	struct area in = area_sub(a, y, 1, a.h - y, a.w - 2);
	flow_init(&f, in, 0, 0);
	flow_show(&f, ROLE_TITLE, l->lane);
	flow_gap(&f, 2);
	if (l->halted.p)
		flow_words(&f, ROLE_FAIL, l->halted);
	else
		panel_work(ui, &f, l);
	flow_line(&f);
	ruler_put(area_sub(in, f.y, 0, 2, MIN(in.w, 100)), 0, l->F, l->T);
	f.y += 2;
	panel_left(&f, l);
	return y + f.y + 1;
}

/* ---- grants, rows, the equation ---- */

static int paint_grants(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	char n[FORMAT_TEXT], bytes[FORMAT_TEXT], until[FORMAT_TEXT];
	for (int i = 0; i < c->grants && i < 3; i++, y++) {
		const struct m_grant *g = &c->grant[i];
		struct flow f;
		flow_init(&f, area_sub(a, y, 1, 1, a.w - 2), 0, 0);
		flow_put(&f, ROLE_TITLE, "grant ");
		flow_putf(&f, ROLE_TEXT, "%s items, %s in ", format_count(n, g->items), format_bytes(bytes, g->bytes));
		flow_show(&f, ROLE_STRONG, g->lane);
		flow_gap(&f, 3);
		flow_show(&f, ROLE_ACCENT, g->state);
		flow_gap(&f, 3);
		flow_put(&f, ROLE_DIM, "by ");
		for (int k = 0; k < g->approvals; k++) {
			flow_show(&f, ROLE_TEXT, g->approval[k].operator_);
			flow_gap(&f, 1);
		}
		flow_putf(&f, ROLE_DIM, "(%d of %s)", g->approvals, format_count(n, g->needed));
		flow_gap(&f, 3);
		flow_putf(&f, ROLE_DIM, "lapses in %s", format_until(until, ui->now.wall_us, g->expires_us));
		flow_gap(&f, 3);
		flow_show(&f, ROLE_DIM, g->reason);
	}
	return y;
}

static int paint_sums(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	char n[FORMAT_TEXT];
	if (m_sum(c->rows_todo, m_sum(c->rows_committed, c->rows_conflicts)) > 0) {
		struct flow f;
		flow_init(&f, area_sub(a, y++, 1, 1, a.w - 2), 0, 0);
		flow_put(&f, ROLE_TITLE, "rows ");
		flow_putf(&f, ROLE_TEXT, "%s to do", format_count(n, c->rows_todo));
		flow_gap(&f, 3);
		flow_putf(&f, ROLE_OK, "%s committed", format_count(n, c->rows_committed));
		flow_gap(&f, 3);
		flow_putf(&f, ROLE_DIM, "%s without a row", format_count(n, c->rows_none));
		flow_gap(&f, 3);
		flow_putf(&f, c->rows_conflicts > 0 ? ROLE_FAIL : ROLE_DIM, "%s conflicts", format_count(n, c->rows_conflicts));
	}
	if (c->restored.n > 0) {
		struct flow f;
		flow_init(&f, area_sub(a, y++, 1, 1, a.w - 2), 0, 0);
		flow_put(&f, ROLE_TITLE, "abort ");
		flow_words(&f, ROLE_TEXT, c->restored);
	}
	if (c->ack_needed > 0)
		area_putf(a, y++, 1, ROLE_HELD, "%s %s failures stay failed: K acknowledges them by their number", glyph(GLYPH_HELD),
			  format_count(n, c->ack_needed));
	if (c->equation.n > 0 && c->has_plan) {
		struct flow f;
		flow_init(&f, area_sub(a, y, 1, 3, a.w - 2), 0, 0);
		flow_put(&f, ROLE_TITLE, "equation ");
		/* while it works some items are between two of its terms */
		bool working = slice_is(c->state, "working");
		flow_words(&f, c->balanced || working ? ROLE_TEXT : ROLE_FAIL, c->equation);
		flow_gap(&f, 2);
		flow_put(&f, c->balanced ? ROLE_OK : working ? ROLE_DIM : ROLE_FAIL,
			 c->balanced ? "✔ holds" : working ? "· the rest is under way" : "✖ does not hold");
		y += f.y + 1;
	}
	return y;
}

/* ---- the log ---- */

enum { G_TIME, G_LANE, G_OUTCOME, G_ID, G_NAME, G_CLASS, G_TRY, G_STATUS, G_TOOK };

static const struct column log_columns[] = {
	[G_TIME] = { .title = "time", .width = 8 },
	[G_LANE] = { .title = "lane", .width = 8, .grow = 1, .most = 14, .keep = 4 },
	[G_OUTCOME] = { .title = "outcome", .width = 14 },
	[G_ID] = { .title = "id", .width = 20, .grow = 1, .most = 30, .keep = 9 },
	[G_NAME] = { .title = "name", .width = 14, .grow = 4, .keep = 8 },
	[G_CLASS] = { .title = "class", .width = 12, .keep = 5 },
	[G_TRY] = { .title = "try", .width = 3, .right = true, .keep = 3 },
	[G_STATUS] = { .title = "http", .width = 4, .right = true, .keep = 6 },
	[G_TOOK] = { .title = "took", .width = 6, .right = true, .keep = 2 },
};

static void paint_entry(const struct table *t, struct area row, const struct m_log *l)
{
	char text[FORMAT_TEXT];
	table_put(t, row, G_TIME, ROLE_DIM, format_clock(text, l->at_us));
	table_show(t, row, G_LANE, ROLE_DIM, l->lane);
	look_put(table_cell(t, row, G_OUTCOME), 0, 0, 0, look_of(LOOK_OUTCOME, l->outcome));
	struct area id = table_cell(t, row, G_ID);
	if (id.w > 0)
		area_show_middle(id, 0, 0, id.w, ROLE_DIM, l->id);
	look_name(table_cell(t, row, G_NAME), l->name);
	table_show(t, row, G_CLASS, ROLE_WARN, l->class_);
	table_put(t, row, G_TRY, l->attempt > 1 ? ROLE_WARN : ROLE_DIM, format_count(text, l->attempt));
	table_put(t, row, G_STATUS, ROLE_DIM, l->status < 0 ? "" : format_count(text, l->status));
	table_put(t, row, G_TOOK, ROLE_DIM, l->took_us < 0 ? "" : format_us(text, l->took_us));
}

static void paint_log(struct ui *ui, struct area a, int y)
{
	struct cycle_view *v = mine(ui);
	const struct m_cycle *c = &ui->model.cycle;
	struct area in = area_sub(a, y, 1, a.h - y, a.w - 2);
	struct table t;
	int at = log_row(ui, v), height = MAX(in.h - 1, 0);
	table_layout(&t, log_columns, (int)ARRAY_LEN(log_columns), in.w);
	table_titles(&t, in, 0);
	v->log_height = height;
	v->log_y = in.y + 1;
	int top = v->in_log ? MAX(MIN(v->top_log, at), at - height + 1) : 0;
	v->top_log = MAX(MIN(top, c->logs - height), 0);
	for (int i = 0; i < height && v->top_log + i < c->logs; i++) {
		struct area row = area_rows(in, 1 + i, 1);
		paint_entry(&t, row, &c->log[v->top_log + i]);
		if (v->in_log && v->top_log + i == at)
			cursor_here(ui, row);
	}
	if (c->logs == 0)
		area_put(in, 1, 0, ROLE_DIM, "nothing was sent yet");
}

/* The sentence in full where the head line had no room for it; else a blank line. */
static int paint_waiting(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	struct flow f;
	if ((int)(c->waiting_for.n + c->name.n + c->policy.n) + 26 < a.w || slice_is(c->state, "working"))
		return y + 1;
	flow_init(&f, area_sub(a, y, 1, 3, a.w - 2), 0, 0);
	flow_words(&f, ROLE_HELD, c->waiting_for);
	return y + f.y + 1;
}

static void paint_none(struct ui *ui, struct area a)
{
	const struct m_overview *o = &ui->model.overview;
	struct flow f;
	flow_init(&f, area_cols(a, 0, a.w - 2), 1, 2);
	flow_put(&f, ROLE_STRONG, o->has ? "There is no cycle." : "loading…");
	flow_line(&f);
	if (!o->has)
		return;
	if (o->cannot_start.p) {
		flow_put(&f, ROLE_WARN, "None can be started: ");
		flow_words(&f, ROLE_WARN, o->cannot_start);
	} else {
		flow_words(&f, ROLE_DIM, slice_of(ui->watch ? "You are watching; an operator starts one." : "S starts one; it lists and validates, and deletes nothing before somebody approves."));
	}
	flow_line(&f);
	ui->cy = a.y + 1;
	ui->cx = a.x + 2;
}

static void paint(struct ui *ui, struct area a)
{
	struct cycle_view *v = mine(ui);
	const struct m_cycle *c = &ui->model.cycle;
	if (!c->has) {
		paint_none(ui, a);
		return;
	}
	int y = cycle_head(ui, a, 0);
	y = paint_waiting(ui, a, y);
	y = paint_lanes(ui, a, y, MAX(MIN(c->lanes, a.h / 4), 1));
	if (a.h - y > 12)
		y++;
	if (c->lanes > 0 && a.h - y > 6)
		y = paint_panel(ui, a, y, &c->lane[lane_row(ui, v)]);
	if (a.h - y > 10)
		y++;
	y = paint_grants(ui, a, y);
	y = paint_sums(ui, a, y);
	paint_log(ui, a, a.h - y > 6 ? y + 1 : y);
}

/* ---- details ---- */

static bool detail(struct ui *ui, struct flow *f, struct slice key)
{
	struct buf mine_key = { 0 };
	const struct m_log *l = NULL;
	char text[TIME_TEXT];
	for (int i = 0; i < ui->model.cycle.logs; i++) {
		log_key(&ui->model.cycle.log[i], &mine_key);
		if (slice_eq(buf_slice(&mine_key), key))
			l = &ui->model.cycle.log[i];
	}
	buf_done(&mine_key);
	if (!l)
		return false;
	flow_field(f, "name", l->name);
	flow_field(f, "id", l->id);
	flow_field(f, "lane", l->lane);
	flow_field(f, "outcome", l->outcome);
	flow_field(f, "class", l->class_);
	flow_field(f, "time", slice_of(time_rfc3339(text, MAX(l->at_us, 0), true)));
	flow_fieldf(f, "attempt", "%lld", (long long)l->attempt);
	if (l->status > 0)
		flow_fieldf(f, "http status", "%lld", (long long)l->status);
	flow_fieldf(f, "took", "%s", format_us(text, l->took_us));
	return true;
}

/* ---- keys ---- */

static void lane_to(struct ui *ui, struct cycle_view *v, int i)
{
	const struct m_cycle *c = &ui->model.cycle;
	if (c->lanes == 0)
		return;
	struct slice name = c->lane[MAX(MIN(i, c->lanes - 1), 0)].lane;
	v->in_log = false;
	buf_clear(&v->lane);
	buf_add(&v->lane, name.p, name.n);
}

static void log_to(struct ui *ui, struct cycle_view *v, int i)
{
	const struct m_cycle *c = &ui->model.cycle;
	if (c->logs == 0)
		return;
	v->in_log = true;
	log_key(&c->log[MAX(MIN(i, c->logs - 1), 0)], &v->entry);
}

static void move(struct ui *ui, struct cycle_view *v, int by)
{
	const struct m_cycle *c = &ui->model.cycle;
	int to = (v->in_log ? log_row(ui, v) : lane_row(ui, v)) + by;
	if (v->in_log && to < 0)
		lane_to(ui, v, c->lanes - 1);
	else if (v->in_log)
		log_to(ui, v, to);
	else if (to >= c->lanes)
		log_to(ui, v, 0);
	else
		lane_to(ui, v, to);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct cycle_view *v = mine(ui);
	int page = MAX(v->log_height - 1, 1);
	switch (what) {
	case VERB_UP: move(ui, v, -1); return true;
	case VERB_DOWN: move(ui, v, 1); return true;
	case VERB_PAGE_UP: move(ui, v, v->in_log ? -page : -1); return true;
	case VERB_PAGE_DOWN: move(ui, v, v->in_log ? page : 1); return true;
	case VERB_LEFT: case VERB_TOP: lane_to(ui, v, what == VERB_TOP ? 0 : lane_row(ui, v)); return true;
	case VERB_RIGHT: log_to(ui, v, log_row(ui, v)); return true;
	case VERB_BOTTOM: log_to(ui, v, ui->model.cycle.logs - 1); return true;
	case VERB_OPEN:
		if (v->in_log && v->entry.n > 0)
			detail_open(ui, "Attempt", buf_slice(&v->entry), detail);
		return v->in_log;
	case VERB_BACK: case VERB_MARK: case VERB_SORT: case VERB_NEXT: case VERB_PREV: case VERB_VERIFY: return false;
	}
	return false;
}

static void click(struct ui *ui, int y, int x)
{
	struct cycle_view *v = mine(ui);
	(void)x;
	if (y >= v->lane_y && y < v->lane_y + v->lanes_shown)
		lane_to(ui, v, v->top_lane + y - v->lane_y);
	else if (y >= v->log_y)
		log_to(ui, v, v->top_log + y - v->log_y);
}

static bool lane(struct ui *ui, struct slice *name)
{
	if (ui->model.cycle.lanes == 0)
		return false;
	*name = ui->model.cycle.lane[lane_row(ui, mine(ui))].lane;
	return true;
}

static void done(void *state)
{
	buf_done(&((struct cycle_view *)state)->lane);
	buf_done(&((struct cycle_view *)state)->entry);
}

const struct screen_ops screen_cycle = {
	.id = "cycle", .number = 5, .name = "Cycle", .brief = "Cycle",
	.bar = "step approve hold resume ack abort exclude open command",
	.state_size = sizeof(struct cycle_view), .done = done,
	.paint = paint, .verb = verb, .click = click, .lane = lane,
};
