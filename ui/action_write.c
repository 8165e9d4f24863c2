#include "ui/action_write.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"

static const struct screen_ops *front(const struct ui *ui)
{
	return ui->page ? ui->page : ui->screen;
}

/* ---- what the engine says about it is said before it is asked ---- */

static bool why_not(struct buf *why, struct slice reason)
{
	if (!reason.p)
		return true;
	text_show(why, reason, 0, false);
	return false;
}

static bool has_cycle(struct ui *ui, struct buf *why)
{
	if (ui->model.cycle.has)
		return true;
	buf_adds(why, "there is no cycle; S starts one");
	return false;
}

#define CAN_ACTION(name, member) \
	bool action_can_##name(struct ui *ui, struct buf *why) \
	{ \
		return has_cycle(ui, why) && why_not(why, ui->model.cycle.can.member); \
	}
CAN_ACTION(resume, resume)
CAN_ACTION(abort, abort)
CAN_ACTION(approve, approve)
CAN_ACTION(ack, ack)
CAN_ACTION(cancel, cancel)

static bool between_cycles(const struct ui *ui)
{
	return !ui->model.cycle.has || slice_is(ui->model.cycle.state, "ended");
}

bool action_can_start(struct ui *ui, struct buf *why)
{
	return why_not(why, ui->model.overview.cannot_start);
}

bool action_can_step(struct ui *ui, struct buf *why)
{
	return between_cycles(ui) ? action_can_start(ui, why) : why_not(why, ui->model.cycle.can.step);
}

static void params_begin(struct jw *w, struct buf *b)
{
	*b = (struct buf){ 0 };
	jw_init(w, b);
	jw_obj(w);
}

/* One string parameter, or none. */
static void do_with(struct ui *ui, const char *method, const char *key, const char *value, const char *sentence)
{
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	if (key)
		jw_kz(&w, key, value);
	jw_end_obj(&w);
	ui_do(ui, method, &b, sentence);
	buf_done(&b);
}

static void start_policy(struct ui *ui, const char *policy)
{
	do_with(ui, "cycle.start", "policy", policy, "cycle started");
}

void action_run_start(struct ui *ui, const char *arg)
{
	const struct m_overview *o = &ui->model.overview;
	char one[80] = "";
	struct buf names = { 0 };
	if (*arg) {
		start_policy(ui, arg);
		return;
	}
	for (int i = 0; i < o->policies; i++) {
		buf_adds(&names, i > 0 ? ", " : "");
		text_show(&names, o->policy[i], 30, ui->ascii);
	}
	if (o->policies == 1)
		text_z(one, sizeof(one), o->policy[0]);
	ui_ask(ui, one, (struct slice){ 0 }, start_policy, "start a cycle of which policy? (%s)", buf_z(&names));
	buf_done(&names);
}

void action_run_step(struct ui *ui, const char *arg)
{
	if (between_cycles(ui))
		action_run_start(ui, arg);
	else
		do_with(ui, "cycle.step", NULL, NULL, "stepping");
}

void action_run_resume(struct ui *ui, const char *arg)
{
	(void)arg;
	do_with(ui, "cycle.resume", NULL, NULL, "resumed: it runs to the next gate");
}

void action_run_hold(struct ui *ui, const char *arg)
{
	do_with(ui, "cycle.hold", *arg ? "why" : NULL, arg, "held: nothing new is sent, what is in flight settles");
}

static void ack_count(struct ui *ui, const char *count)
{
	int64_t n;
	struct buf b;
	struct jw w;
	if (!parse_i64(slice_of(count), &n) || n < 0) {
		ui_note(ui, ROLE_FAIL, "type the number of failures");
		return;
	}
	params_begin(&w, &b);
	jw_ki64(&w, "failures", n);
	jw_end_obj(&w);
	ui_do(ui, "cycle.ack", &b, "failures acknowledged");
	buf_done(&b);
}

void action_run_ack(struct ui *ui, const char *arg)
{
	char count[FORMAT_TEXT];
	if (*arg)
		ack_count(ui, arg);
	else
		ui_ask(ui, "", (struct slice){ 0 }, ack_count, "%s failures stay failed. Type their number to acknowledge them:",
		       format_count(count, ui->model.cycle.ack_needed));
}

void action_run_cancel(struct ui *ui, const char *arg)
{
	(void)arg;
	do_with(ui, "cycle.cancel", NULL, NULL, "cancelled");
}

static struct slice word(const char **at)
{
	const char *p = *at + strspn(*at, " ");
	size_t n = strcspn(p, " ");
	*at = p + n;
	return (struct slice){ p, n };
}

/* "restore REASON" or "keep REASON"; neither is guessed, for what is kept deleted never comes back by itself. */
static void abort_how(struct ui *ui, const char *text)
{
	const char *reason = text;
	struct slice how = word(&reason);
	bool restore = slice_is(how, "restore");
	struct buf b;
	struct jw w;
	reason += strspn(reason, " ");
	if ((!restore && !slice_is(how, "keep")) || !*reason) {
		ui_note(ui, ROLE_WARN, "nothing was aborted: write keep or restore first, then why");
		return;
	}
	params_begin(&w, &b);
	jw_kz(&w, "how", restore ? "restore" : "keep");
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	ui_do(ui, "cycle.abort", &b, restore ? "aborting: what has a copy comes back" : "aborting: what was deleted stays deleted");
	buf_done(&b);
}

void action_run_abort(struct ui *ui, const char *arg)
{
	struct m_class gone = m_cycle_class(&ui->model.cycle);
	char back[FORMAT_TEXT];
	if (*arg)
		abort_how(ui, arg);
	else
		ui_ask(ui, "", (struct slice){ 0 }, abort_how, "abort: keep (deleted stays deleted) or restore (%s can come back), then why",
		       format_count(back, m_class_restorable(&gone)));
}

void action_run_approve(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_page(ui, &page_approve);
}

bool action_can_reject(struct ui *ui, struct buf *why)
{
	if (!has_cycle(ui, why))
		return false;
	if (!ui->model.cycle.has_plan)
		buf_adds(why, "there is no plan to reject");
	return ui->model.cycle.has_plan;
}

static void reject(struct ui *ui, const char *reason)
{
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	jw_kstr(&w, "plan", ui->model.cycle.plan_id);
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	ui_do(ui, "grant.reject", &b, "plan rejected");
	buf_done(&b);
}

void action_run_reject(struct ui *ui, const char *arg)
{
	if (*arg)
		reject(ui, arg);
	else
		ui_ask(ui, "", (struct slice){ 0 }, reject, "reject this plan. Reason (Esc leaves):");
}

bool action_on_lane(struct ui *ui, struct buf *why)
{
	struct slice lane;
	if (front(ui)->lane && front(ui)->lane(ui, &lane))
		return true;
	buf_adds(why, "put the cursor on a lane first");
	return false;
}

static void exclude(struct ui *ui, const char *reason)
{
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	jw_kstr(&w, "lane", buf_slice(&ui->ask_subject));
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	ui_do(ui, "lane.exclude", &b, "lane excluded");
	buf_done(&b);
}

void action_run_exclude(struct ui *ui, const char *arg)
{
	struct slice lane = { 0 };
	char shown[80];
	if (!front(ui)->lane(ui, &lane))
		return;
	ui_ask(ui, arg, lane, exclude, "exclude lane %s from this cycle. Reason (Esc leaves):", text_z(shown, sizeof(shown), lane));
}

/* ---- one item ---- */

bool action_on_item(struct ui *ui, struct buf *why)
{
	struct slice lane, id;
	if (front(ui)->item && front(ui)->item(ui, &lane, &id))
		return true;
	buf_adds(why, "put the cursor on an item of screen 4 first");
	return false;
}

/* The question is about the item that was under the cursor when it was asked: lane, line feed, id. */
static void protect(struct ui *ui, const char *reason)
{
	struct slice subject = buf_slice(&ui->ask_subject);
	const char *cut = memchr(subject.p, '\n', subject.n);
	size_t n = (size_t)(cut - subject.p);
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	jw_kstr(&w, "lane", (struct slice){ subject.p, n });
	jw_kstr(&w, "id", (struct slice){ cut + 1, subject.n - n - 1 });
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	ui_do(ui, "protect.set", &b, "protected: it will not be sent, and the next validation keeps it");
	buf_done(&b);
}

void action_run_protect(struct ui *ui, const char *arg)
{
	struct slice lane = { 0 }, id = { 0 };
	struct buf subject = { 0 };
	char shown[80];
	if (!front(ui)->item(ui, &lane, &id))
		return;
	buf_add(&subject, lane.p, lane.n);
	buf_addc(&subject, '\n');
	buf_add(&subject, id.p, id.n);
	ui_ask(ui, arg, buf_slice(&subject), protect, "protect %s, whatever the policy says. Reason (Esc leaves):", text_z(shown, sizeof(shown), id));
	buf_done(&subject);
}

/* ---- breakers ---- */

bool action_on_breaker(struct ui *ui, struct buf *why)
{
	struct slice name;
	bool lane;
	if (front(ui)->breaker && front(ui)->breaker(ui, &name, &lane))
		return true;
	buf_adds(why, "put the cursor on a breaker of screen 3 first");
	return false;
}

/* "open 10m reason", "auto reason", "disable 10m reason"; the subject is "lane alpha". */
static void set_breaker(struct ui *ui, const char *text)
{
	static const char *const methods[] = { "breaker.open", "breaker.auto", "breaker.disable" };
	const char *at = text, *rest, *method = NULL, *subject = buf_z(&ui->ask_subject);
	struct slice what = word(&at);
	int64_t ms = 0;
	struct buf b;
	struct jw w;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		method = slice_is(what, strchr(methods[i], '.') + 1) ? methods[i] : method;
	rest = at;
	bool timed = parse_duration_ms(word(&rest), &ms);
	at = timed ? rest : at;
	at += strspn(at, " ");
	if (!method || !*at) {
		ui_note(ui, ROLE_WARN, "write open, auto or disable, for how long if you like (10m), and the reason");
		return;
	}
	params_begin(&w, &b);
	jw_kz(&w, strncmp(subject, "lane ", 5) == 0 ? "lane" : "link", subject + 5);
	jw_kz(&w, "reason", at);
	if (timed)
		jw_ki64(&w, "for_ms", ms);
	jw_end_obj(&w);
	ui_do(ui, method, &b, "breaker set");
	buf_done(&b);
}

void action_run_breaker(struct ui *ui, const char *arg)
{
	struct slice name = { 0 };
	struct buf subject = { 0 };
	char shown[80];
	bool lane;
	if (!front(ui)->breaker(ui, &name, &lane))
		return;
	buf_addf(&subject, "%s ", lane ? "lane" : "link");
	buf_add(&subject, name.p, name.n);
	ui_ask(ui, arg, buf_slice(&subject), set_breaker, "breaker of %s: open [10m], auto or disable 10m, and why (Esc leaves):",
	       text_z(shown, sizeof(shown), buf_slice(&subject)));
	buf_done(&subject);
}

/* ---- dead letters ---- */

bool action_on_letters(struct ui *ui, struct buf *why)
{
	if (front(ui)->chosen && front(ui)->chosen(ui, NULL) > 0)
		return true;
	buf_adds(why, "mark dead letters on screen 6 first, or put the cursor on one");
	return false;
}

/* The letters as they are chosen now, and how many that is. */
static int letters_into(struct ui *ui, struct jw *w)
{
	jw_key(w, "letters");
	jw_arr(w);
	int n = front(ui)->chosen ? front(ui)->chosen(ui, w) : 0;
	jw_end_arr(w);
	return n;
}

static void redrive_counted(struct ui *ui, const char *count)
{
	int64_t n;
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	int chosen = letters_into(ui, &w);
	jw_end_obj(&w);
	if (parse_i64(slice_of(count), &n) && n == chosen && n > 0)
		ui_do(ui, "dead.redrive", &b, "a cycle was opened whose plan can hold only these");
	else
		ui_note(ui, ROLE_WARN, "%d chosen, not %.20s: nothing was redriven", chosen, count);
	buf_done(&b);
}

void action_run_redrive(struct ui *ui, const char *arg)
{
	(void)arg;
	int n = front(ui)->chosen(ui, NULL);
	ui_ask(ui, "", (struct slice){ 0 }, redrive_counted, "open a cycle for %d dead letter%s only. Type their number (Esc leaves):", n, n == 1 ? "" : "s");
}

static void dismiss(struct ui *ui, const char *reason)
{
	struct buf b;
	struct jw w;
	params_begin(&w, &b);
	int n = letters_into(ui, &w);
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	if (n > 0)
		ui_do(ui, "dead.dismiss", &b, "dismissed");
	buf_done(&b);
}

void action_run_dismiss(struct ui *ui, const char *arg)
{
	(void)arg;
	int n = front(ui)->chosen(ui, NULL);
	ui_ask(ui, "", (struct slice){ 0 }, dismiss, "dismiss %d dead letter%s: nobody will look at them again. Reason (Esc leaves):", n, n == 1 ? "" : "s");
}

static void set_mode(struct ui *ui, const char *mode)
{
	char text[120];
	struct slice cannot = ui->model.overview.cannot_arm;
	if (strcmp(mode, "observe") != 0 && strcmp(mode, "rehearse") != 0 && strcmp(mode, "armed") != 0)
		ui_note(ui, ROLE_FAIL, "the modes are observe, rehearse and armed");
	else if (strcmp(mode, "armed") == 0 && cannot.p)
		ui_note(ui, ROLE_FAIL, "cannot arm: %s", text_z(text, sizeof(text), cannot));
	else
		do_with(ui, "mode.set", "mode", mode, "mode set");
}

void action_run_mode(struct ui *ui, const char *arg)
{
	if (*arg)
		set_mode(ui, arg);
	else
		ui_ask(ui, "", (struct slice){ 0 }, set_mode, "which mode? (observe, rehearse, armed)");
}

static void stop_if_meant(struct ui *ui, const char *text)
{
	if (strcmp(text, "stop") == 0)
		do_with(ui, "engine.stop", NULL, NULL, "the engine drains and stops");
	else
		ui_note(ui, ROLE_DIM, "the engine goes on");
}

void action_run_engine_stop(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_ask(ui, "", (struct slice){ 0 }, stop_if_meant, "stop the engine for everyone? Type stop (Esc leaves):");
}
