#include "ui/screens/approve.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"

enum { LOOK_WINDOW = 200 };

const struct approve_look approve_looks[] = {
	{ "largest", "largest" }, { "newest", "newest" }, { "random", "by chance" }, { "irreversible", "irreversible" }, { "all", "all" },
};

struct approve *approve_state(struct ui *ui)
{
	return ui_state(ui, &page_approve);
}

const struct m_plan_lane *approve_lane(const struct approve *p)
{
	return p->lane < p->plan.lanes ? &p->plan.lane[p->lane] : NULL;
}

/* ---- the plan ---- */

static void take_amount(struct approve *p)
{
	const struct m_plan_lane *l = approve_lane(p);
	if (!l)
		return;
	if (l->has_grant)
		p->amount = l->grant;
	else
		p->amount = (struct m_amount){ l->items, l->bytes, l->class_, l->phrase, l->irreversible_phrase };
}

static void clear_fields(struct approve *p)
{
	char n[24];
	for (int i = 0; i < AP_FIELDS; i++)
		prompt_set(&p->field[i], "");
	take_amount(p);
	snprintf(n, sizeof(n), "%lld", (long long)MAX(p->amount.items, 0));
	prompt_set(&p->field[AP_ITEMS], n);
	p->focus = AP_LOOK;
	p->seen = 0;
	p->armed = false;
}

/* 0 = this lane has no grant yet. */
static int64_t granted(const struct ui *ui, struct slice lane)
{
	for (int i = 0; i < ui->model.cycle.lanes; i++)
		if (slice_eq(ui->model.cycle.lane[i].lane, lane))
			return MAX(ui->model.cycle.lane[i].granted, 0);
	return 0;
}

/* The first lane from `from` on that waits for a grant. */
static bool next_lane(const struct ui *ui, struct approve *p, int from)
{
	for (int i = from; i < p->plan.lanes; i++) {
		if (p->plan.lane[i].items > 0 && granted(ui, p->plan.lane[i].lane) == 0) {
			p->lane = i;
			return true;
		}
	}
	return false;
}

static void on_plan(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct approve *p = approve_state(ui);
	if ((int64_t)(intptr_t)ctx != p->asked)
		return;
	p->loading = false;
	ui->dirty = true;
	if (error) {
		text_z(p->trouble, sizeof(p->trouble), slice_of(error));
		return;
	}
	m_plan_read(&p->plan, result);
	p->lane = 0;
	next_lane(ui, p, 0);
	clear_fields(p);
}

static void enter(struct ui *ui)
{
	struct approve *p = approve_state(ui);
	m_plan_done(&p->plan);
	p->ui = ui;
	p->asked++;
	p->loading = true;
	p->asking = p->sent = p->looking = p->open = p->armed = false;
	p->trouble[0] = '\0';
	ui_call(ui, "plan.show", NULL, on_plan, (void *)(intptr_t)p->asked);
}

static void leave(struct ui *ui)
{
	struct approve *p = approve_state(ui);
	p->asked++;
	for (int i = 0; i < AP_FIELDS; i++)
		prompt_set(&p->field[i], "");
}

/* ---- a smaller amount ---- */

static void on_amount(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct approve *p = approve_state(ui);
	if ((int64_t)(intptr_t)ctx != p->asked)
		return;
	p->asking = false;
	ui->dirty = true;
	if (error) {
		char shown[300];
		ui_note(ui, ROLE_FAIL, "%s", text_z(shown, sizeof(shown), slice_of(error)));
		clear_fields(p);
		return;
	}
	if (!slice_eq(json_get_str(result, "id"), p->plan.id)) {
		snprintf(p->trouble, sizeof(p->trouble), "another plan was made meanwhile; leave and open it");
		p->plan.has = false;
		return;
	}
	m_plan_read(&p->plan, result);
	take_amount(p);
	if (!approve_lane(p)->has_grant) {
		ui_note(ui, ROLE_WARN, "the engine gives no phrase for that number; the grant is for all items of the plan");
		clear_fields(p);
	}
}

/* The number in the items field is what the phrases must be for. */
static void ask_amount(struct ui *ui, struct approve *p)
{
	const struct m_plan_lane *l = approve_lane(p);
	int64_t n;
	if (!parse_i64(slice_of(prompt_text(&p->field[AP_ITEMS])), &n) || n < 1 || n > l->items) {
		char all[FORMAT_TEXT], text[24];
		ui_note(ui, ROLE_FAIL, "a grant is for 1 to %s items of this plan", format_count(all, l->items));
		snprintf(text, sizeof(text), "%lld", (long long)p->amount.items);
		prompt_set(&p->field[AP_ITEMS], text);
		return;
	}
	if (n == p->amount.items)
		return;
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "lane", l->lane);
	jw_ki64(&w, "items", n);
	jw_end_obj(&w);
	prompt_set(&p->field[AP_PHRASE], "");
	prompt_set(&p->field[AP_IRREVERSIBLE], "");
	p->asking = true;
	ui_call(ui, "plan.show", &b, on_amount, (void *)(intptr_t)p->asked);
	buf_done(&b);
}

/* ---- whether it can be approved at all ---- */

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
	else if (granted(ui, l->lane) > 0)
		buf_addf(why, "this lane is granted already: %s items", format_count(n, granted(ui, l->lane)));
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

/* ---- granting ---- */

static void on_granted(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct approve *p = approve_state(ui);
	char n[FORMAT_TEXT], lane[80], shown[300];
	(void)result;
	if ((int64_t)(intptr_t)ctx != p->asked) {
		ui_note(ui, error ? ROLE_FAIL : ROLE_OK, "%s", error ? text_z(shown, sizeof(shown), slice_of(error)) : "the grant was given");
		return;
	}
	p->sent = false;
	ui->dirty = true;
	if (error) {
		prompt_set(&p->field[AP_PHRASE], "");
		prompt_set(&p->field[AP_IRREVERSIBLE], "");
		ui_note(ui, ROLE_FAIL, "not granted: %s", text_z(shown, sizeof(shown), slice_of(error)));
		return;
	}
	ui->wrong_phrases = 0;
	format_count(n, p->amount.items);
	text_z(lane, sizeof(lane), approve_lane(p)->lane);
	if (next_lane(ui, p, p->lane + 1))
		clear_fields(p);
	else
		ui_page(ui, NULL);
	ui_note(ui, ROLE_OK, "approved: %s items in %s", n, lane);
}

static void send_grant(struct ui *ui, struct approve *p)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "plan", p->plan.id);
	jw_kstr(&w, "lane", approve_lane(p)->lane);
	jw_ki64(&w, "items", p->amount.items);
	jw_ki64(&w, "bytes", p->amount.bytes);
	jw_kz(&w, "phrase", prompt_text(&p->field[AP_PHRASE]));
	if (p->amount.irreversible_phrase.n > 0)
		jw_kz(&w, "irreversible_phrase", prompt_text(&p->field[AP_IRREVERSIBLE]));
	jw_kz(&w, "reason", prompt_text(&p->field[AP_REASON]));
	jw_end_obj(&w);
	p->sent = true;
	ui_call(ui, "grant.approve", &b, on_granted, (void *)(intptr_t)p->asked);
	buf_done(&b);
}

static bool typed(const struct approve *p, enum approve_field f)
{
	return p->field[f].text.n > 0;
}

static bool wrong(const struct approve *p, enum approve_field f, struct slice phrase)
{
	return typed(p, f) && !slice_eq(buf_slice(&p->field[f].text), phrase);
}

static void count_wrong(struct ui *ui, struct approve *p)
{
	ui->wrong_phrases++;
	if (ui->wrong_phrases < AP_WRONG) {
		ui_note(ui, ROLE_WARN, "that is not the phrase; %d of %d wrong ones before a pause", ui->wrong_phrases, AP_WRONG);
		return;
	}
	ui->wrong_phrases = 0;
	ui->cool_until_us = ui->now.boot_us + AP_COOL_US;
	prompt_set(&p->field[AP_PHRASE], "");
	prompt_set(&p->field[AP_IRREVERSIBLE], "");
}

static void submit(struct ui *ui, struct approve *p)
{
	bool two = p->amount.irreversible_phrase.n > 0;
	if (p->asking || p->sent)
		return;
	if (wrong(p, AP_PHRASE, p->amount.phrase) || wrong(p, AP_IRREVERSIBLE, p->amount.irreversible_phrase))
		count_wrong(ui, p);
	else if (!typed(p, AP_PHRASE) || (two && !typed(p, AP_IRREVERSIBLE)))
		return;
	else if (strspn(prompt_text(&p->field[AP_REASON]), " ") == p->field[AP_REASON].text.n)
		ui_note(ui, ROLE_WARN, "a reason is due: it stands in the audit log");
	else
		send_grant(ui, p);
}

/* ---- looking at items ---- */

static void fetch_items(struct approve *p, int64_t offset);

static void on_items(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct approve *p = approve_state(ui);
	struct list_source s = approve_list(p);
	p->look_busy = false;
	ui->dirty = true;
	if ((int64_t)(intptr_t)ctx != p->asked || !p->looking)
		return;
	p->look_trouble[0] = '\0';
	if (error) {
		text_z(p->look_trouble, sizeof(p->look_trouble), slice_of(error));
		return;
	}
	m_candidates_read(&p->items, result);
	p->items.offset = p->look_offset;
	p->seen |= 1u << p->look;
	list_changed(&p->list, &s);
}

static void fetch_items(struct approve *p, int64_t offset)
{
	struct buf b = { 0 };
	struct jw w;
	if (p->look_busy)
		return;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "look", approve_looks[p->look].word);
	jw_kstr(&w, "lane", approve_lane(p)->lane);
	jw_ki64(&w, "offset", offset);
	jw_ki64(&w, "limit", p->look < 3 ? 10 : LOOK_WINDOW);
	jw_end_obj(&w);
	p->look_busy = true;
	p->look_offset = offset;
	ui_call(p->ui, "plan.items", &b, on_items, (void *)(intptr_t)p->asked);
	buf_done(&b);
}

static int64_t items_count(void *ctx)
{
	const struct approve *p = ctx;
	/* the first three looks are ten items of what they could show */
	return !p->items.has ? -1 : p->look < 3 ? p->items.rows : p->items.total;
}

static bool items_id(void *ctx, int64_t row, struct slice *id)
{
	const struct approve *p = ctx;
	int64_t i = row - p->items.offset;
	if (i < 0 || i >= p->items.rows)
		return false;
	*id = p->items.row[i].id;
	return true;
}

static bool items_find(void *ctx, struct slice id, int64_t *row)
{
	const struct approve *p = ctx;
	for (int i = 0; i < p->items.rows; i++) {
		if (slice_eq(p->items.row[i].id, id)) {
			*row = p->items.offset + i;
			return true;
		}
	}
	return false;
}

static void items_want(void *ctx, int64_t first, int64_t n)
{
	struct approve *p = ctx;
	struct slice id;
	int64_t last = MIN(first + n, items_count(p));
	if (last > first && (!items_id(p, first, &id) || !items_id(p, last - 1, &id)))
		fetch_items(p, MAX(first - LOOK_WINDOW / 3, 0));
}

static void items_draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct approve *p = ctx;
	const struct m_candidate *r = &p->items.row[row - p->items.offset];
	char text[FORMAT_TEXT];
	(void)marked;
	table_put(&p->table, line, 0, ROLE_DIM, format_count(text, r->rank));
	table_show(&p->table, line, 1, ROLE_STRONG, r->id);
	look_name(table_cell(&p->table, line, 2), r->name);
	table_put(&p->table, line, 3, ROLE_TEXT, format_bytes(text, r->bytes));
	table_put(&p->table, line, 4, ROLE_TEXT, format_age(text, p->ui->now.wall_us, r->created_us));
	table_show(&p->table, line, 5, slice_is(r->class_, "R0") ? ROLE_WARN : ROLE_TEXT, r->class_);
	table_show(&p->table, line, 6, ROLE_DIM, r->rule);
}

struct list_source approve_list(struct approve *p)
{
	return (struct list_source){ .ctx = p, .count = items_count, .id = items_id, .find = items_find, .want = items_want,
				     .draw = items_draw };
}

static void look_open(struct approve *p)
{
	p->looking = true;
	p->look_trouble[0] = '\0';
	m_candidates_done(&p->items);
	list_reset(&p->list);
	fetch_items(p, 0);
}

static void look_key(struct ui *ui, struct approve *p, int32_t code)
{
	static const struct {
		int32_t code;
		enum verb v;
	} keys[] = {
		{ 'j', VERB_DOWN }, { 'k', VERB_UP }, { 'g', VERB_TOP }, { 'G', VERB_BOTTOM }, { KEYC_DOWN, VERB_DOWN },
		{ KEYC_UP, VERB_UP }, { KEYC_PGDN, VERB_PAGE_DOWN }, { KEYC_PGUP, VERB_PAGE_UP }, { KEYC_HOME, VERB_TOP },
		{ KEYC_END, VERB_BOTTOM }, { ' ', VERB_PAGE_DOWN },
	};
	struct list_source s = approve_list(p);
	if (code == KEYC_ESC || code == 'q') {
		p->looking = false;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].code == code)
			list_verb(&p->list, &s, keys[i].v);
	ui->dirty = true;
}

/* ---- keys ---- */

static void focus_by(struct ui *ui, struct approve *p, int by)
{
	enum approve_field from = p->focus, last = p->amount.irreversible_phrase.n > 0 ? AP_IRREVERSIBLE : AP_PHRASE;
	int to = ((int)from + by + (int)last + 1) % ((int)last + 1);
	p->focus = (enum approve_field)to;
	if (from == AP_ITEMS)
		ask_amount(ui, p);
}

static void turn_lane(struct approve *p, int by)
{
	if (p->plan.lanes < 2 || p->sent || p->asking)
		return;
	p->lane = (p->lane + by + p->plan.lanes) % p->plan.lanes;
	clear_fields(p);
}

/* True if the key was part of a paste, which is dealt with. */
static bool pasted(struct ui *ui, struct approve *p, const struct key *k)
{
	if (!k->pasted)
		return false;
	if (p->focus == AP_REASON) {
		if (key_is_text(k->code))
			prompt_key(&p->field[AP_REASON], k);
		return true;
	}
	if (p->focus == AP_PHRASE || p->focus == AP_IRREVERSIBLE)
		prompt_set(&p->field[p->focus], "");
	ui_note(ui, ROLE_WARN, "pasting cleared the line: the phrase is typed by hand");
	return true;
}

static void field_key(struct ui *ui, struct approve *p, const struct key *k)
{
	bool phrase = p->focus == AP_PHRASE || p->focus == AP_IRREVERSIBLE;
	if (p->sent || (phrase && (p->asking || approve_cooling_s(ui) > 0)))
		return;
	if (p->focus == AP_LOOK) {
		if (k->code == KEYC_LEFT || k->code == KEYC_RIGHT)
			p->look = (p->look + (k->code == KEYC_RIGHT ? 1 : AP_LOOKS - 1)) % AP_LOOKS;
		else if (k->code == KEYC_ENTER)
			look_open(p);
	} else if (k->code == KEYC_ENTER) {
		if (phrase)
			submit(ui, p);
		else if (p->focus == AP_ITEMS)
			ask_amount(ui, p);
	} else if (p->focus != AP_ITEMS || !key_is_text(k->code) || (k->code >= '0' && k->code <= '9')) {
		prompt_key(&p->field[p->focus], k);
	}
}

static void key(struct ui *ui, const struct key *k)
{
	struct approve *p = approve_state(ui);
	struct buf why = { 0 };
	bool invalid, refused = approve_refusal(ui, &why, &invalid);
	buf_done(&why);
	if (p->looking && !k->pasted) {
		look_key(ui, p, k->code);
	} else if (k->code == KEYC_ESC && !k->pasted) {
		ui_page(ui, NULL);
		ui_note(ui, ROLE_DIM, p->sent ? "left; the grant was sent and its answer will be shown" : "left without approving");
	} else if ((k->code == KEYC_PGUP || k->code == KEYC_PGDN) && p->plan.has) {
		turn_lane(p, k->code == KEYC_PGUP ? -1 : 1);
	} else if (refused || !p->armed || pasted(ui, p, k)) {
		return;
	} else if (k->code == KEYC_TAB || k->code == KEYC_DOWN) {
		focus_by(ui, p, 1);
	} else if (k->code == KEYC_BACKTAB || k->code == KEYC_UP) {
		focus_by(ui, p, -1);
	} else {
		field_key(ui, p, k);
	}
}

static void painted(struct ui *ui)
{
	struct approve *p = approve_state(ui);
	p->armed = p->open;
}

static void init(struct ui *ui, void *state)
{
	((struct approve *)state)->ui = ui;
}

static void done(void *state)
{
	struct approve *p = state;
	m_plan_done(&p->plan);
	m_candidates_done(&p->items);
	list_done(&p->list);
	for (int i = 0; i < AP_FIELDS; i++)
		prompt_done(&p->field[i]);
}

const struct screen_ops page_approve = {
	.id = "approve-page", .name = "Approve", .brief = "Approve", .bar = "hold", .full = true, .typing = true,
	.state_size = sizeof(struct approve), .init = init, .done = done, .enter = enter, .leave = leave,
	.painted = painted, .paint = approve_paint, .key = key,
};
