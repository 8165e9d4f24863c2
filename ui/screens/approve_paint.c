#include "ui/screens/approve.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/glyph.h"
#include "ui/widgets/flow.h"

enum { LABEL_X = 2, FACT_X = 10, GAP = 3 };

static void label(struct flow *f, const char *text)
{
	f->x = LABEL_X;
	area_put(f->a, f->y, LABEL_X, ROLE_DIM, text);
	f->indent = f->x = FACT_X;
}

static void title(const struct approve *p, struct area a)
{
	char at[FORMAT_TEXT], made[64];
	area_fill(a, 0, 0, a.w, ROLE_BAR, " ");
	area_put(a, 0, 1, ROLE_DANGER, " APPROVE DELETION ");
	if (!p->plan.has)
		return;
	snprintf(made, sizeof(made), "made %sZ", format_clock(at, p->plan.made_us));
	int x = area_put_right(a, 0, a.w - 1, ROLE_BAR, made) - 3 - 14;
	area_show(a, 0, area_put(a, 0, x - 5, ROLE_BAR, "plan "), 14, ROLE_BAR, p->plan.short_);
}

static void target(struct ui *ui, const struct approve *p, struct flow *f)
{
	const struct m_plan_lane *l = approve_lane(p);
	char at[FORMAT_TEXT], left[FORMAT_TEXT];
	label(f, "lane");
	flow_show(f, ROLE_STRONG, l->lane);
	flow_gap(f, GAP);
	flow_show(f, ROLE_TEXT, l->url);
	flow_gap(f, GAP);
	if (l->account.n > 0) {
		flow_put(f, ROLE_DIM, "account ");
		flow_show(f, ROLE_TEXT, l->account);
		flow_gap(f, GAP);
	}
	flow_put(f, ROLE_DIM, "key ");
	flow_said(f, ROLE_TEXT, l->key);
	flow_gap(f, GAP);
	if (p->plan.lanes > 1)
		flow_putf(f, ROLE_ACCENT, "(lane %d of %d: PgUp PgDn)", p->lane + 1, p->plan.lanes);
	flow_line(f);
	label(f, "policy");
	flow_show(f, ROLE_TEXT, p->plan.policy);
	flow_putf(f, ROLE_DIM, " (sha %.*s…)", (int)MIN(p->plan.policy_hash.n, 4), p->plan.policy_hash.p ? p->plan.policy_hash.p : "");
	flow_gap(f, GAP);
	flow_putf(f, ROLE_TEXT, "expires %sZ, in %s", format_clock(at, p->plan.expires_us),
		  format_until(left, ui->now.wall_us, p->plan.expires_us));
	flow_gap(f, GAP);
	flow_put(f, ROLE_DIM, "made by ");
	flow_show(f, ROLE_TEXT, p->plan.creator);
	flow_line(f);
}

static void caps(const struct m_plan_lane *l, struct flow *f)
{
	char items[FORMAT_TEXT], bytes[FORMAT_TEXT];
	flow_gap(f, GAP);
	flow_putf(f, ROLE_DIM, "(cap %s items, %s", format_count(items, l->cap_items), format_bytes(bytes, l->cap_bytes));
	for (int i = 0; i < l->cap_defaults; i++) {
		flow_put(f, ROLE_DIM, i > 0 ? ", " : "; by default: ");
		flow_show(f, ROLE_DIM, l->cap_default[i]);
	}
	flow_put(f, ROLE_DIM, ")");
}

static void amount(const struct approve *p, struct flow *f)
{
	const struct m_plan_lane *l = approve_lane(p);
	const struct m_class *c = &p->amount.class_;
	char n[FORMAT_TEXT], of[FORMAT_TEXT], share[FORMAT_TEXT];
	label(f, "items");
	flow_putf(f, ROLE_STRONG, "%9s", format_count(n, p->amount.items));
	flow_putf(f, ROLE_TEXT, "   of %9s in the lane   ", format_count(of, l->listed));
	flow_put(f, ROLE_TEXT, format_share(share, share_bp(p->amount.items, l->listed)));
	flow_gap(f, GAP);
	flow_putf(f, ROLE_DIM, "(cap %s, at least %s remain)", format_share(share, l->cap_share_bp), format_count(of, l->cap_remain));
	flow_line(f);
	label(f, "bytes");
	flow_putf(f, ROLE_STRONG, "%9s", format_bytes(n, p->amount.bytes));
	flow_putf(f, ROLE_TEXT, "   of %9s", format_bytes(of, l->listed_bytes));
	caps(l, f);
	flow_line(f);
	label(f, "class");
	for (int k = 3; k >= 1; k--) {
		flow_putf(f, ROLE_TEXT, "R%d %s", k, format_count(n, c->n[k]));
		flow_gap(f, GAP);
	}
	flow_putf(f, c->n[0] == 0 ? ROLE_TEXT : ROLE_DANGER, "R0 %s", format_count(n, c->n[0]));
	if (c->n[0] != 0)
		flow_put(f, ROLE_FAIL, " ← cannot be brought back");
	if (p->amount.restorable_bytes > 0) {
		flow_gap(f, GAP);
		flow_putf(f, ROLE_TEXT, "restorable %s", format_bytes(n, p->amount.restorable_bytes));
		flow_putf(f, ROLE_DIM, " of %s", format_bytes(of, p->amount.bytes));
	}
	flow_line(f);
	label(f, "abort");
	flow_words(f, ROLE_TEXT, slice_of("if more than 20 % fail: stop;"));
	flow_gap(f, 1);
	flow_words(f, ROLE_TEXT, p->plan.if_abort);
	flow_line(f);
}

static void listing(const struct approve *p, struct flow *f)
{
	const struct m_plan_lane *l = approve_lane(p);
	char at[FORMAT_TEXT], n[FORMAT_TEXT], m[FORMAT_TEXT];
	label(f, "proof");
	flow_putf(f, l->complete ? ROLE_TEXT : ROLE_FAIL, "listed %s %sZ,", l->complete ? "completely" : "NOT COMPLETELY", format_clock(at, l->listed_us));
	flow_gap(f, 1);
	flow_putf(f, ROLE_TEXT, "%s %s,", format_count(n, l->pages), l->pages == 1 ? "page" : "pages");
	flow_gap(f, 1);
	flow_putf(f, ROLE_TEXT, "%s items (%s expected);", format_count(n, l->listed), format_count(m, l->expected));
	for (int i = 0; i < p->plan.recordses; i++) {
		flow_gap(f, 1);
		if (p->plan.records[i].places.n > 0) {
			flow_words(f, ROLE_TEXT, p->plan.records[i].places);
			continue;
		}
		flow_show(f, ROLE_TEXT, p->plan.records[i].name);
		flow_putf(f, ROLE_TEXT, ": %s rows", format_count(n, p->plan.records[i].rows));
	}
	if (p->plan.recordses == 0) {
		flow_gap(f, 1);
		flow_put(f, ROLE_TEXT, "no records");
	}
	flow_line(f);
}

static void circumstances(const struct approve *p, struct flow *f)
{
	const struct m_plan_lane *l = approve_lane(p);
	char n[FORMAT_TEXT], m[FORMAT_TEXT];
	label(f, "since");
	if (p->plan.since_added >= 0)
		flow_putf(f, ROLE_TEXT, "the last plan of this policy: +%s −%s", format_count(n, p->plan.since_added), format_count(m, p->plan.since_removed));
	else
		flow_put(f, ROLE_TEXT, "no earlier plan to compare with");
	flow_gap(f, GAP);
	flow_put(f, ROLE_TEXT, "blind: ");
	for (int i = 0; i < l->blinds; i++) {
		flow_put(f, ROLE_TEXT, i > 0 ? ", " : "");
		flow_show(f, ROLE_WARN, l->blind[i]);
	}
	flow_put(f, ROLE_TEXT, l->blinds == 0 ? "nowhere" : "");
	flow_gap(f, GAP);
	flow_put(f, ROLE_TEXT, "lease: ");
	flow_show(f, ROLE_TEXT, p->plan.lease);
	flow_gap(f, GAP);
	flow_put(f, l->claims ? ROLE_TEXT : ROLE_WARN, l->claims ? "claims: yes" : "claims: no, ");
	if (!l->claims)
		flow_words(f, ROLE_WARN, l->claims_sentence);
	flow_line(f);
}

static void looks(struct ui *ui, const struct approve *p, struct flow *f)
{
	char n[FORMAT_TEXT];
	bool any = false;
	label(f, "look");
	for (size_t i = 0; i < AP_LOOKS; i++) {
		char text[64];
		bool here = p->focus == AP_LOOK && p->look == i;
		if (i == 3)
			snprintf(text, sizeof(text), "%s %s", format_count(n, p->amount.class_.n[0]), approve_looks[i].label);
		else
			snprintf(text, sizeof(text), "%s%s", i < 3 ? "10 " : "", approve_looks[i].label);
		flow_put(f, ROLE_DIM, i > 0 ? " · " : "");
		if (here && p->open) {
			ui->cy = f->a.y + f->y;
			ui->cx = f->a.x + f->x;
		}
		flow_put(f, here ? ROLE_FIELD : p->seen & 1u << i ? ROLE_TEXT : ROLE_ACCENT, text);
	}
	flow_gap(f, GAP);
	flow_put(f, ROLE_DIM, "(you have seen: ");
	for (size_t i = 0; i < AP_LOOKS; i++) {
		if (!(p->seen & 1u << i))
			continue;
		flow_put(f, ROLE_DIM, any ? ", " : "");
		flow_put(f, ROLE_TEXT, approve_looks[i].label);
		any = true;
	}
	flow_put(f, ROLE_DIM, any ? ")" : "nothing)");
	flow_line(f);
}

static void put_field(struct ui *ui, const struct approve *p, struct flow *f, enum approve_field which, int w)
{
	int cx = prompt_paint(&p->field[which], f->a, f->y, f->x, w, ROLE_FIELD);
	if (p->focus == which) {
		ui->cy = f->a.y + f->y;
		ui->cx = f->a.x + MIN(cx, f->x + w - 1);
	}
	f->x += w;
}

/* "1 of 2 approvals by alice;" when somebody has proposed this lane's grant. */
static void proposal_part(const struct ui *ui, const struct approve *p, struct flow *f)
{
	const struct m_cycle *c = &ui->model.cycle;
	char n[FORMAT_TEXT], m[FORMAT_TEXT];
	for (int i = 0; i < c->grants; i++) {
		const struct m_grant *g = &c->grant[i];
		if (!slice_is(g->state, "proposed") || !slice_eq(g->lane, p->plan.lane[p->lane].lane))
			continue;
		flow_putf(f, ROLE_WARN, "%d of %s approvals", g->approvals, format_count(n, g->needed));
		for (int k = 0; k < g->approvals; k++) {
			flow_put(f, ROLE_TEXT, k ? ", " : " by ");
			flow_show(f, ROLE_TEXT, g->approval[k].operator_);
		}
		flow_putf(f, ROLE_TEXT, " for %s items; ", format_count(m, g->items));
	}
}

static void grant_line(struct ui *ui, const struct approve *p, struct flow *f)
{
	char bytes[FORMAT_TEXT], at[FORMAT_TEXT], n[FORMAT_TEXT], m[FORMAT_TEXT];
	label(f, "grant");
	flow_put(f, ROLE_TEXT, "for ");
	put_field(ui, p, f, AP_ITEMS, 9);
	flow_putf(f, ROLE_TEXT, " items, %s", p->asking ? "asking…" : format_bytes(bytes, p->amount.bytes));
	flow_gap(f, GAP);
	flow_putf(f, ROLE_DIM, "lapses %sZ unless it has begun", format_clock(at, p->plan.expires_us));
	flow_line(f);
	label(f, "reason");
	put_field(ui, p, f, AP_REASON, MIN(f->a.w - FACT_X - 1, 80));
	flow_line(f);
	label(f, "needs");
	proposal_part(ui, p, f);
	flow_putf(f, ROLE_TEXT, "%s %s", format_count(n, p->plan.approvals_needed), p->plan.approvals_needed == 1 ? "approval" : "approvals");
	if (p->amount.class_.n[0] != 0)
		flow_putf(f, ROLE_TEXT, ", %s for irreversible items", format_count(m, p->plan.irreversible_approvals_needed));
	flow_gap(f, GAP);
	flow_put(f, ROLE_TEXT, "identities: ");
	flow_show(f, ROLE_TEXT, p->plan.identities);
	flow_line(f);
}

static void phrase_line(struct ui *ui, const struct approve *p, struct flow *f, enum approve_field which, struct slice phrase)
{
	int room = MAX(f->a.w - FACT_X - 1, 20), w = MIN((int)phrase.n + 4, room / 2);
	label(f, "type");
	area_show(f->a, f->y, FACT_X, room - w - 4, ROLE_STRONG, phrase);
	f->x = MAX(FACT_X + (int)phrase.n + 3, FACT_X + 28);
	if (f->x + w > f->a.w)
		f->x = f->a.w - w;
	area_put(f->a, f->y, f->x - 2, ROLE_ACCENT, ">");
	put_field(ui, p, f, which, w);
	flow_line(f);
}

static void prompts(struct ui *ui, const struct approve *p, struct flow *f)
{
	int64_t cooling = approve_cooling_s(ui);
	bool two = p->amount.irreversible_phrase.n > 0;
	phrase_line(ui, p, f, AP_PHRASE, p->amount.phrase);
	if (two)
		phrase_line(ui, p, f, AP_IRREVERSIBLE, p->amount.irreversible_phrase);
	f->indent = f->x = LABEL_X;
	if (cooling > 0)
		flow_putf(f, ROLE_HELD, "%s three wrong phrases: wait %lld s", glyph(GLYPH_HELD), (long long)cooling);
	else if (p->sent)
		flow_put(f, ROLE_ACCENT, "sent; waiting for the engine");
	else
		flow_words(f, ROLE_DIM, slice_of(two ? "Esc leaves without approving. Pasting clears the line. Tab: next line. Enter does nothing until both lines are right."
					 : "Esc leaves without approving. Pasting clears the line. Tab: next line. Enter does nothing until the line is right."));
	flow_line(f);
}

static void refusal(struct flow *f, const struct buf *why, bool invalid)
{
	f->indent = f->x = LABEL_X;
	flow_putf(f, ROLE_FAIL, "%s %s", glyph(GLYPH_FAILED), invalid ? "this plan is no longer valid: " : "cannot be approved now: ");
	flow_words(f, ROLE_FAIL, buf_slice(why));
	flow_line(f);
	f->x = LABEL_X;
	flow_put(f, ROLE_DIM, "Esc leaves.");
	flow_line(f);
}

static void paint_look(struct ui *ui, struct approve *p, struct area a)
{
	static const struct column columns[] = {
		{ .title = "rank", .width = 6, .right = true }, { .title = "id", .width = 24, .grow = 1, .most = 32 },
		{ .title = "name", .width = 16, .grow = 3 }, { .title = "size", .width = 8, .right = true },
		{ .title = "age", .width = 5, .right = true }, { .title = "class", .width = 5 },
		{ .title = "rule", .width = 10, .keep = 1, .grow = 1, .most = 20 },
	};
	struct list_source s = approve_list(p);
	char n[FORMAT_TEXT];
	struct area in = area_sub(a, 2, 1, a.h - 2, a.w - 2);
	int x = area_putf(a, 1, 1, ROLE_TITLE, "Items: %s", approve_looks[p->look].label);
	x = area_putf(a, 1, x + 3, ROLE_TEXT, "%s in all", format_count(n, p->items.has ? p->items.total : -1));
	area_put(a, 1, x + 3, ROLE_DIM, "Esc goes back to the plan");
	table_layout(&p->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&p->table, in, 0);
	struct area body = area_rows(in, 1, in.h - 1);
	int y = list_paint(&p->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	} else {
		area_put(body, 0, 0, p->look_trouble[0] ? ROLE_FAIL : ROLE_DIM, p->look_trouble[0] ? p->look_trouble : !p->items.has ? "loading…" : "none");
	}
}

static void gap_line(struct flow *f, bool airy)
{
	if (airy)
		flow_line(f);
}

/* Everything above the prompt. */
static void facts(struct ui *ui, struct approve *p, struct flow *f, bool airy)
{
	target(ui, p, f);
	gap_line(f, airy);
	amount(p, f);
	listing(p, f);
	circumstances(p, f);
	looks(ui, p, f);
	gap_line(f, airy);
	grant_line(ui, p, f);
	gap_line(f, airy);
}

void approve_paint(struct ui *ui, struct area a)
{
	struct approve *p = approve_state(ui);
	struct buf why = { 0 };
	struct flow f;
	bool invalid, airy = a.h >= 27;
	p->too_small = false;
	p->open = !approve_refusal(ui, &why, &invalid);
	title(p, a);
	flow_init(&f, a, airy ? 2 : 1, LABEL_X);
	if (p->looking && p->plan.has) {
		paint_look(ui, p, a);
		p->open = false;
		buf_done(&why);
		return;
	}
	if (p->plan.has && approve_lane(p) && ui->rows >= AP_ROWS && ui->cols >= AP_COLS)
		facts(ui, p, &f, airy);
	if (p->open) {
		prompts(ui, p, &f);
		p->needs_rows = f.y + 1;
		p->too_small = f.y > a.h;
	}
	if (p->too_small) {                     /* what cannot be read whole cannot be approved */
		area_clear(area_rows(a, 1, a.h - 1));
		flow_init(&f, a, 2, LABEL_X);
		buf_clear(&why);
		p->open = approve_refusal(ui, &why, &invalid) ? false : p->open;
	}
	if (!p->open) {
		refusal(&f, &why, invalid);
		ui->cy = a.y + MIN(f.y, a.h) - 1;
		ui->cx = a.x + LABEL_X;
	}
	ui->flush |= p->open && !p->armed;
	if (!p->open)
		p->armed = false;
	buf_done(&why);
}
