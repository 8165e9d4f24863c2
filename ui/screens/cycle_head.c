/* The lines of a cycle that Overview and Cycle share. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/format.h"
#include "ui/glyph.h"
#include "ui/screens/screens.h"
#include "ui/widgets/gauge.h"

static void cycle_plan_line(struct ui *ui, struct area a, int y)
{
	const struct m_cycle *c = &ui->model.cycle;
	struct m_class class_ = m_cycle_class(c);
	int64_t restorable = m_class_restorable(&class_);
	char n[FORMAT_TEXT], bytes[FORMAT_TEXT], back[FORMAT_TEXT], share[FORMAT_TEXT];
	if (!c->has_plan) {
		int end = area_put(a, y, 1, ROLE_DIM, "no plan yet") + 3;
		if (c->copying)
			area_putf(a, y, end, c->copying_not_kept > 0 ? ROLE_WARN : ROLE_ACCENT, "copying: %s of %s kept, %s not, %s",
				  format_count(n, c->copying_kept), format_count(bytes, c->copying_items), format_count(back, c->copying_not_kept),
				  format_bytes(share, c->copying_bytes));
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
	if (c->picked > 0)
		x = area_putf(a, y, x, ROLE_ACCENT, "%" PRId64 " picked by hand", c->picked) + 2;
	if (c->picked > 0 && c->picked_absent > 0)
		x = area_putf(a, y, x, ROLE_WARN, "%" PRId64 " of them on no list", c->picked_absent) + 2;
	format_age(age, ui->now.wall_us, c->since_us);
	text_show(&text, ended ? c->end : c->state, 24, false);
	buf_addf(&text, ended ? ", %s ago" : " %s", age);
	struct slice what = c->waiting_for;
	if (slice_starts(what, "held: "))
		what = (struct slice){ what.p + 6, what.n - 6 };
	if (!ended && !working && what.n > 0) {
		buf_adds(&text, ": ");
		text_show(&text, what, MAX(a.w - x - 1 - put_width(buf_z(&text)), 8), false);
	}
	area_put(a, y, MAX(x, a.w - 1 - put_width(buf_z(&text))), r, buf_z(&text));
	buf_done(&text);
	steps_put(area_cols(a, 1, a.w - 2), y + 1, c->stage_list, c->stages, glyph(working ? GLYPH_UP : GLYPH_HELD), r);
	return 2;
}

int cycle_summary(struct ui *ui, struct area a, int y)
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
