#include "ui/screens/approve.h"

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"

int64_t approve_granted(const struct ui *ui, struct slice lane)
{
	for (int i = 0; i < ui->model.cycle.lanes; i++)
		if (slice_eq(ui->model.cycle.lane[i].lane, lane))
			return MAX(ui->model.cycle.lane[i].granted, 0);
	return 0;
}

static bool invalid_plan(struct ui *ui, const struct approve *p, struct buf *why)
{
	const struct m_cycle *c = &ui->model.cycle;
	if (!p->plan.valid)
		text_show(why, p->plan.invalid_because, 0, false);
	else if (!c->has || !c->has_plan)
		buf_adds(why, "the engine no longer has it");
	else if (!slice_eq(c->plan_id, p->plan.id))
		buf_adds(why, "another plan was made meanwhile; leave and open that one");
	else if (!c->plan_valid)
		text_show(why, c->plan_invalid_because, 0, false);
	else if (p->plan.expires_us >= 0 && ui->now.wall_us >= p->plan.expires_us)
		buf_adds(why, "it has run out");
	else
		return false;
	return true;
}

static bool can_be_typed(struct slice phrase)
{
	struct buf b = { 0 };
	bool altered = text_show(&b, phrase, 0, false).altered;
	buf_done(&b);
	return phrase.n > 0 && !altered;
}

static bool lane_refusal(struct ui *ui, const struct approve *p, struct buf *why)
{
	const struct m_plan_lane *l = approve_lane(p);
	char n[FORMAT_TEXT];
	if (!l || l->items <= 0)
		buf_adds(why, "there is nothing to delete in this lane");
	else if (approve_granted(ui, l->lane) > 0)
		buf_addf(why, "this lane is granted already: %s items", format_count(n, approve_granted(ui, l->lane)));
	else if (p->amount.items < 0 || p->amount.bytes < 0)
		buf_adds(why, "the engine did not say how much this is");
	else if (!can_be_typed(p->amount.phrase))
		buf_adds(why, "its phrase cannot be typed; use a signed grant");
	else
		return false;
	return true;
}

bool approve_refusal(struct ui *ui, struct buf *why, bool *invalid)
{
	struct approve *p = approve_state(ui);
	char age[FORMAT_TEXT];
	*invalid = false;
	if (ui->rows < AP_ROWS || ui->cols < AP_COLS)
		buf_addf(why, "this window is %d×%d; approving needs %d×%d: enlarge it", ui->cols, ui->rows, AP_COLS, AP_ROWS);
	else if (ui_stale(ui))
		buf_addf(why, "the connection to the engine is stale: this picture is %s old",
			 format_age(age, ui->now.wall_us, ui->model.received_us));
	else if (ui_cannot_write(ui, why))
		;
	else if (p->loading)
		buf_adds(why, "the plan is being read");
	else if (!p->plan.has)
		buf_adds(why, p->trouble[0] ? p->trouble : "there is no plan");
	else if (invalid_plan(ui, p, why))
		*invalid = true;
	else if (ui->model.cycle.can.approve.p)
		text_show(why, ui->model.cycle.can.approve, 0, false);
	else if (lane_refusal(ui, p, why))
		;
	else if (p->too_small)
		buf_addf(why, "this plan needs a window of %d rows: enlarge it", p->needs_rows);
	else
		return false;
	return true;
}

int64_t approve_cooling_s(const struct ui *ui)
{
	int64_t left = ui->cool_until_us - ui->now.boot_us;
	return left > 0 ? (left + 999999) / 1000000 : 0;
}
