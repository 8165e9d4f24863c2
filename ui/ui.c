#include "ui/ui.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/command.h"
#include "ui/screens/screens.h"
#include "ui/typing.h"

/* ---- life ---- */

void ui_init(struct ui *ui, const struct ui_wire *wire, bool watch, bool ascii)
{
	*ui = (struct ui){ .wire = *wire, .watch = watch, .ascii = ascii, .silent_us = -1, .cy = -1, .dirty = true };
	model_init(&ui->model);
	for (size_t i = 0; screens[i]; i++) {
		ui->state[i] = xcalloc(1, MAX(screens[i]->state_size, 1));
		if (screens[i]->init)
			screens[i]->init(ui, ui->state[i]);
	}
	ui->screen = &screen_overview;
}

void ui_done(struct ui *ui)
{
	for (size_t i = 0; screens[i]; i++) {
		if (screens[i]->done)
			screens[i]->done(ui->state[i]);
		free(ui->state[i]);
	}
	history_done(&ui->commands);
	history_done(&ui->filters);
	prompt_done(&ui->line);
	buf_done(&ui->seen_stage);
	buf_done(&ui->ask_subject);
	model_done(&ui->model);
}

void *ui_state(struct ui *ui, const struct screen_ops *ops)
{
	for (size_t i = 0; screens[i]; i++)
		if (screens[i] == ops)
			return ui->state[i];
	die("console: screen %s is not in the table", ops->id);
}

/* ---- what is shown ---- */

static const struct screen_ops *front(const struct ui *ui)
{
	return ui->page ? ui->page : ui->screen;
}

void ui_show(struct ui *ui, const struct screen_ops *screen)
{
	ui_page(ui, NULL);
	if (ui->screen->leave && ui->screen != screen)
		ui->screen->leave(ui);
	ui->screen = screen;
	if (screen->enter)
		screen->enter(ui);
	ui->dirty = true;
}

void ui_page(struct ui *ui, const struct screen_ops *page)
{
	const struct screen_ops *old = ui->page;
	ui->page = page;
	if (old && old->leave)
		old->leave(ui);
	if (page && page->enter)
		page->enter(ui);
	ui->dirty = true;
}

void ui_note(struct ui *ui, enum role r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(ui->note, sizeof(ui->note), fmt, ap);
	va_end(ap);
	ui->note_role = r;
	ui->dirty = true;
}

/* ---- asking ---- */

void ui_prompt(struct ui *ui, enum prompt_kind kind)
{
	const struct screen_ops *s = front(ui);
	ui->prompt = kind;
	history_leave(&ui->commands);
	history_leave(&ui->filters);
	ui->refused = false;
	prompt_set(&ui->line, kind == PROMPT_FILTER && s->filter_text ? s->filter_text(ui) : "");
	ui->note[0] = '\0';
	ui->dirty = true;
}

void ui_ask(struct ui *ui, const char *initial, struct slice subject, void (*done)(struct ui *ui, const char *text),
	    const char *label, ...)
{
	va_list ap;
	va_start(ap, label);
	vsnprintf(ui->ask_label, sizeof(ui->ask_label), label, ap);
	va_end(ap);
	buf_clear(&ui->ask_subject);
	if (subject.n)
		buf_add(&ui->ask_subject, subject.p, subject.n);
	ui->ask_done = done;
	ui_prompt(ui, PROMPT_ASK);
	prompt_set(&ui->line, initial);
}

void ui_call(struct ui *ui, const char *method, const struct buf *params, ui_answer_fn *fn, void *ctx)
{
	ui->wire.call(ui->wire.ctx, method, params ? buf_slice(params) : (struct slice){ NULL, 0 }, fn, ctx);
}

static void on_done(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	(void)result;
	char shown[UI_NOTE];
	if (error)
		ui_note(ui, ROLE_FAIL, "%s", text_z(shown, sizeof(shown), slice_of(error)));
	else
		ui_note(ui, ROLE_OK, "%s", (const char *)ctx);
}

void ui_do(struct ui *ui, const char *method, const struct buf *params, const char *done_sentence)
{
	/* the sentence is a literal: it outlives the call */
	ui_call(ui, method, params, on_done, (void *)(uintptr_t)done_sentence);
}

bool ui_stale(const struct ui *ui)
{
	return !ui->connected || ui->silent_us >= 0 || !ui->model.overview.has;
}

bool ui_cannot_write(struct ui *ui, struct buf *why)
{
	const struct m_hello *h = &ui->model.hello;
	if (ui->watch)
		buf_adds(why, "watching is read-only");
	else if (!ui->connected)
		buf_adds(why, "there is no connection to the engine");
	else if (h->has && !slice_is(h->role, "operator"))
		buf_addf(why, "uid %lld is not in `operators:` of the configuration", (long long)h->uid);
	else
		return false;
	return true;
}

/* ---- what happened ---- */

/* Bell and a line for what a person should notice (SCREENS, Everywhere). */
static void notify(struct ui *ui)
{
	const struct m_cycle *c = &ui->model.cycle;
	struct buf seen = { 0 };
	char text[200];
	buf_addf(&seen, "%.*s/%.*s/%.*s", SLICE_FMT(c->stage), SLICE_FMT(c->state), SLICE_FMT(c->end));
	bool news = ui->seen_stage.n > 0 && !slice_eq(buf_slice(&seen), buf_slice(&ui->seen_stage));
	if (news && c->has && slice_is(c->state, "waiting") && !ui->note[0])
		ui_note(ui, ROLE_HELD, "gate reached: %s", text_z(text, sizeof(text), c->waiting_for));
	else if (news && c->has && slice_is(c->state, "ended") && !ui->note[0])
		ui_note(ui, ROLE_ACCENT, "the cycle ended: %s", text_z(text, sizeof(text), c->end));
	ui->bell |= news && c->has && (slice_is(c->state, "waiting") || slice_is(c->state, "ended") || slice_is(c->state, "held"));
	buf_done(&ui->seen_stage);
	ui->seen_stage = seen;
}

void ui_model_changed(struct ui *ui)
{
	notify(ui);
	if (ui->screen->changed)
		ui->screen->changed(ui);
	if (ui->page && ui->page->changed)
		ui->page->changed(ui);
	ui->dirty = true;
}

void ui_connection(struct ui *ui, bool connected, const char *why)
{
	bool back = connected && !ui->connected && ui->lost_why[0];
	ui->connected = connected;
	text_z(ui->lost_why, sizeof(ui->lost_why), slice_of(connected ? "" : why));
	if (connected && ui->screen->enter)
		ui->screen->enter(ui);
	if (back)
		ui_note(ui, ROLE_OK, "attached again");
	ui->dirty = true;
}

void ui_tick(struct ui *ui)
{
	const struct screen_ops *s = front(ui);
	if (s->tick)
		s->tick(ui);
	ui->dirty = true;
}

void ui_painted(struct ui *ui)
{
	if (ui->page && ui->page->painted)
		ui->page->painted(ui);
}

/* ---- keys ---- */

static void take_filter(struct ui *ui, const char *text)
{
	if (text[strspn(text, " ")])
		history_add(&ui->filters, text);
	front(ui)->filter(ui, text);
}

static void prompt_accept(struct ui *ui)
{
	enum prompt_kind kind = ui->prompt;
	if (kind == PROMPT_FILTER && !typing_may_end(ui))
		return;
	char *text = xstrdup(prompt_text(&ui->line));
	if (kind == PROMPT_ASK && text[strspn(text, " ")] == '\0') {
		free(text);
		return;                         /* Enter on an empty answer does nothing */
	}
	ui->prompt = PROMPT_NONE;
	if (kind == PROMPT_COMMAND)
		command_run(ui, text);
	else if (kind == PROMPT_FILTER)
		take_filter(ui, text);
	else
		ui->ask_done(ui, text);
	free(text);
}

static void prompt_takes(struct ui *ui, const struct key *k)
{
	ui->refused = false;
	switch (k->code) {
	case KEYC_ESC:
	case KEYC_ENTER:
		if (k->pasted)
			return;                 /* a pasted line is not an order */
		if (k->code == KEYC_ENTER)
			prompt_accept(ui);
		else
			ui->prompt = PROMPT_NONE;
		return;
	case KEYC_TAB:
		if (!k->pasted)
			typing_complete(ui);
		return;
	case KEYC_UP:
	case KEYC_DOWN:
		if (ui->prompt != PROMPT_ASK)
			typing_history(ui, k->code == KEYC_UP ? -1 : 1);
		return;
	default:
		if (k->code == KEYC_BACKSPACE && ui->line.text.n == 0 && ui->prompt != PROMPT_ASK)
			ui->prompt = PROMPT_NONE;
		else
			prompt_key(&ui->line, k);
	}
}

static void wheel(struct ui *ui, enum verb v)
{
	const struct screen_ops *s = front(ui);
	for (int i = 0; i < 3 && s->verb; i++)
		s->verb(ui, v);
}

static bool mouse(struct ui *ui, const struct key *k)
{
	const struct screen_ops *s = front(ui);
	if (k->code == KEYC_WHEEL_UP || k->code == KEYC_WHEEL_DOWN)
		wheel(ui, k->code == KEYC_WHEEL_UP ? VERB_UP : VERB_DOWN);
	else if (k->code == KEYC_CLICK && s->click)
		s->click(ui, k->y, k->x);
	return k->code >= KEYC_CLICK && k->code <= KEYC_WHEEL_DOWN;
}

void ui_key(struct ui *ui, const struct key *k)
{
	const struct action *hold = action_by_id(SLICE_LIT("hold"));
	ui->dirty = true;
	if (mouse(ui, k))
		return;
	if (k->code != KEYC_PASTE_END)
		ui->note[0] = '\0';
	if (k->code == KEYC_F8 && !k->pasted) {
		action_run(ui, hold, "");
		return;
	}
	if (ui->prompt != PROMPT_NONE) {
		prompt_takes(ui, k);
		return;
	}
	if (ui->page && ui->page->typing) {
		ui->page->key(ui, k);
		return;
	}
	const struct action *a = action_by_key(k->code);
	if (k->pasted && (!a || a->kind != ACT_READ))
		ui_note(ui, ROLE_WARN, "pasted text is not taken for keys");
	else if (a)
		action_run(ui, a, "");
	else if (key_is_text(k->code))
		ui_note(ui, ROLE_DIM, "no such key; ? shows them all");
}
