#include "ui/screens/overview.h"

#include <stdio.h>

#include "base/mem.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/widgets/gauge.h"

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

void overview_link(struct ui *ui, struct area row, const struct m_link *k)
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

int overview_breakers(const struct ui *ui, struct breaker_row out[OVERVIEW_BREAKERS])
{
	const int most = OVERVIEW_BREAKERS;
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

void overview_breaker(struct ui *ui, struct area row, const struct breaker_row *r)
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

/* ---- lanes ---- */

enum { L_NAME, L_LISTED, L_GAUGE, L_SHARE, L_CANDIDATES, L_PROTECTED, L_INELIGIBLE, L_IRREVERSIBLE };

const struct column overview_lane_columns[OVERVIEW_LANE_COLUMNS] = {
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

void overview_lane(struct ui *ui, const struct table *t, struct area row, const struct m_lane *l)
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
