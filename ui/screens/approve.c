#include "ui/screens/approve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"

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
		p->amount = (struct m_amount){ l->items, l->bytes, l->class_, l->phrase, l->irreversible_phrase, l->restorable_bytes };
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

/* The first lane from `from` on that waits for a grant. */
static bool next_lane(const struct ui *ui, struct approve *p, int from)
{
	for (int i = from; i < p->plan.lanes; i++) {
		if (p->plan.lane[i].items > 0 && approve_granted(ui, p->plan.lane[i].lane) == 0) {
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

/* ---- granting ---- */

static void on_granted(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct approve *p = approve_state(ui);
	char n[FORMAT_TEXT], lane[80], shown[300];
	bool partly = !error && !json_get_bool(result, "granted", true);
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
	if (partly)
		ui_note(ui, ROLE_WARN, "%" PRId64 " of %" PRId64 " approvals for %s items in %s: not granted yet", json_get_i64(result, "approvals", 0),
			json_get_i64(result, "needed", 0), n, lane);
	else
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
			approve_look_open(p);
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
		approve_look_key(ui, p, k->code);
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
