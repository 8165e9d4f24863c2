#include "ui/action.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/query.h"
#include "base/text.h"
#include "ui/action_write.h"
#include "ui/screens/screens.h"

static const struct screen_ops *front(const struct ui *ui)
{
	return ui->page ? ui->page : ui->screen;
}

/* ---- moving and looking ---- */

static void verb(struct ui *ui, enum verb v, const char *otherwise)
{
	const struct screen_ops *s = front(ui);
	if (!s->verb || !s->verb(ui, v))
		ui_note(ui, ROLE_DIM, "%s", otherwise);
}

#define VERB_ACTION(name, v, otherwise) \
	static void run_##name(struct ui *ui, const char *arg) \
	{ \
		(void)arg; \
		verb(ui, v, otherwise); \
	}
VERB_ACTION(up, VERB_UP, "")
VERB_ACTION(down, VERB_DOWN, "")
VERB_ACTION(left, VERB_LEFT, "")
VERB_ACTION(right, VERB_RIGHT, "")
VERB_ACTION(page_up, VERB_PAGE_UP, "")
VERB_ACTION(page_down, VERB_PAGE_DOWN, "")
VERB_ACTION(top, VERB_TOP, "")
VERB_ACTION(bottom, VERB_BOTTOM, "")
VERB_ACTION(open, VERB_OPEN, "there is nothing to open here")
VERB_ACTION(mark, VERB_MARK, "there is nothing to mark here")
VERB_ACTION(sort, VERB_SORT, "this screen has one order")
VERB_ACTION(next, VERB_NEXT, "there is no filter here")
VERB_ACTION(prev, VERB_PREV, "there is no filter here")
VERB_ACTION(verify, VERB_VERIFY, "the chain is verified on screen 7")

#define SCREEN_ACTION(name, ops) \
	static void run_##name(struct ui *ui, const char *arg) \
	{ \
		(void)arg; \
		ui_show(ui, &ops); \
	}
SCREEN_ACTION(overview, screen_overview)
SCREEN_ACTION(links, screen_links)
SCREEN_ACTION(breakers, screen_breakers)
SCREEN_ACTION(candidates, screen_candidates)
SCREEN_ACTION(cycle, screen_cycle)
SCREEN_ACTION(dead, screen_dead)
SCREEN_ACTION(audit, screen_audit)
SCREEN_ACTION(policies, screen_policies)
SCREEN_ACTION(checks, screen_checks)

static void turn(struct ui *ui, int by)
{
	ui_show(ui, screen_by_number((ui->screen->number + by + 8) % 9 + 1));
}

static void run_next_screen(struct ui *ui, const char *arg)
{
	(void)arg;
	turn(ui, 1);
}

static void run_prev_screen(struct ui *ui, const char *arg)
{
	(void)arg;
	turn(ui, -1);
}

static void run_back(struct ui *ui, const char *arg)
{
	(void)arg;
	if (front(ui)->verb && front(ui)->verb(ui, VERB_BACK))
		return;
	if (ui->page)
		ui_page(ui, NULL);
	else if (ui->screen != &screen_overview)
		ui_show(ui, &screen_overview);
}

static void run_detach(struct ui *ui, const char *arg)
{
	(void)arg;
	if (ui->page)
		ui_page(ui, NULL);
	else
		ui->quit = true;
}

static void run_filter(struct ui *ui, const char *arg)
{
	if (!front(ui)->filter)
		ui_note(ui, ROLE_DIM, "there is nothing to filter here");
	else if (*arg)
		front(ui)->filter(ui, arg);
	else
		ui_prompt(ui, PROMPT_FILTER);
}

/* One link or lane by its name: `:` only. */
static void run_link(struct ui *ui, const char *arg)
{
	struct slice name = slice_of(arg);
	char shown[80];
	ui_show(ui, &screen_links);
	for (int i = 0; i < ui->model.overview.links; i++) {
		if (slice_eq(ui->model.overview.link[i].name, name)) {
			detail_open(ui, "Link", name, link_detail);
			return;
		}
	}
	if (name.n > 0)
		ui_note(ui, ROLE_FAIL, "there is no link %s; Tab completes their names", text_z(shown, sizeof(shown), name));
}

static void run_lane(struct ui *ui, const char *arg)
{
	struct buf text = { 0 };
	struct slice name = slice_of(arg);
	ui_show(ui, &screen_candidates);
	if (name.n > 0) {
		buf_adds(&text, "lane:");
		query_quote(&text, name);
		screen_candidates.filter(ui, buf_z(&text));
	}
	buf_done(&text);
}

static void run_help(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_page(ui, ui->page == &page_help ? NULL : &page_help);
}

static void run_command(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_prompt(ui, PROMPT_COMMAND);
}

static void run_redraw(struct ui *ui, const char *arg)
{
	(void)arg;
	ui->redraw = true;
}

static const struct action table[] = {
	{ "up", "k Up", "up", "one row up", ACT_READ, NULL, NULL, run_up },
	{ "down", "j Down", "down", "one row down", ACT_READ, NULL, NULL, run_down },
	{ "left", "h Left", "left", "to the left, or the block before", ACT_READ, NULL, NULL, run_left },
	{ "right", "l Right", "right", "to the right, or the next block", ACT_READ, NULL, NULL, run_right },
	{ "page-up", "PgUp", "page up", "one screen up", ACT_READ, NULL, NULL, run_page_up },
	{ "page-down", "PgDn", "page down", "one screen down", ACT_READ, NULL, NULL, run_page_down },
	{ "top", "g Home", "top", "to the first row", ACT_READ, NULL, NULL, run_top },
	{ "bottom", "G End", "bottom", "to the last row", ACT_READ, NULL, NULL, run_bottom },
	{ "overview", "1", "Overview", "screen 1: links, breakers, the cycle, lanes, decisions", ACT_READ, NULL, NULL, run_overview },
	{ "links", "2", "Links", "screen 2: every link in detail", ACT_READ, NULL, NULL, run_links },
	{ "breakers", "3", "Breakers", "screen 3: every breaker", ACT_READ, NULL, NULL, run_breakers },
	{ "candidates", "4", "Candidates", "screen 4: what was found, with the evidence", ACT_READ, NULL, NULL, run_candidates },
	{ "cycle", "5", "Cycle", "screen 5: the cycle, lane by lane", ACT_READ, NULL, NULL, run_cycle },
	{ "dead-letters", "6", "Dead letters", "screen 6: what failed for good", ACT_READ, NULL, NULL, run_dead },
	{ "audit", "7", "Audit", "screen 7: who decided what", ACT_READ, NULL, NULL, run_audit },
	{ "policies", "8", "Policies", "screen 8: the rules in words", ACT_READ, NULL, NULL, run_policies },
	{ "checks", "9", "Checks", "screen 9: the doctor's list", ACT_READ, NULL, NULL, run_checks },
	{ "link", "", "link", "all there is about a link", ACT_READ, "LINK", NULL, run_link },
	{ "lane", "", "lane", "the candidates of a lane", ACT_READ, "LANE", NULL, run_lane },
	{ "next-screen", "Tab", "next screen", "the next screen", ACT_READ, NULL, NULL, run_next_screen },
	{ "prev-screen", "S-Tab", "previous screen", "the screen before", ACT_READ, NULL, NULL, run_prev_screen },
	{ "open", "Enter", "open", "all there is about the row under the cursor", ACT_READ, NULL, NULL, run_open },
	{ "back", "Esc", "back", "close the page, clear the filter, or back to the overview", ACT_READ, NULL, NULL, run_back },
	{ "detach", "q", "detach", "leave the console; the engine goes on", ACT_READ, NULL, NULL, run_detach },
	{ "mark", "Space", "mark", "mark or unmark the row", ACT_READ, NULL, NULL, run_mark },
	{ "filter", "/", "filter", "show only what matches", ACT_READ, "TEXT", NULL, run_filter },
	{ "next", "n", "next", "the next match; of the links the next that is down", ACT_READ, NULL, NULL, run_next },
	{ "prev", "N", "previous", "the match before; of the links the one before that is down", ACT_READ, NULL, NULL, run_prev },
	{ "sort", "o", "sort", "a menu of columns to sort by, and which way", ACT_READ, NULL, NULL, run_sort },
	{ "verify", "v", "verify", "verify the audit chain now; Esc ends it", ACT_READ, NULL, NULL, run_verify },
	{ "help", "?", "help", "this page", ACT_READ, NULL, NULL, run_help },
	{ "command", ":", "command", "type an action by its name; Tab completes", ACT_READ, NULL, NULL, run_command },
	{ "redraw", "Ctrl-L", "redraw", "paint the whole screen again", ACT_READ, NULL, NULL, run_redraw },
	{ "start", "", "start", "start a cycle of a policy", ACT_WRITE, "POLICY", action_can_start, action_run_start },
	{ "pick", "M", "plan", "start a cycle whose plan can hold nothing but the marked items", ACT_WRITE, NULL, action_on_picked, action_run_pick },
	{ "step", "S", "step", "open one gate, or send one batch; without a cycle, start one", ACT_WRITE, NULL, action_can_step, action_run_step },
	{ "approve", "A", "approve", "the approval page: type the phrases that grant a deletion", ACT_DANGER, NULL, action_can_approve, action_run_approve },
	{ "hold", "H F8", "hold", "send nothing new, at once, without a question; F8 also where letters are typed", ACT_WRITE, "WHY", NULL, action_run_hold },
	{ "resume", "R", "resume", "go on to the next gate", ACT_WRITE, NULL, action_can_resume, action_run_resume },
	{ "abort", "X", "abort", "end the cycle; what is deleted stays deleted", ACT_DANGER, "REASON", action_can_abort, action_run_abort },
	{ "ack", "K", "acknowledge", "acknowledge failures by their number", ACT_WRITE, "COUNT", action_can_ack, action_run_ack },
	{ "cancel", "", "cancel", "end a cycle that has sent nothing yet", ACT_WRITE, NULL, action_can_cancel, action_run_cancel },
	{ "reject", "", "reject", "reject the plan that waits for approval", ACT_WRITE, "REASON", action_can_reject, action_run_reject },
	{ "exclude", "E", "exclude lane", "leave the lane under the cursor out of this cycle", ACT_WRITE, "REASON", action_on_lane, action_run_exclude },
	{ "mode", "", "mode", "observe, rehearse or armed", ACT_WRITE, "MODE", NULL, action_run_mode },
	{ "engine-stop", "", "stop engine", "drain and stop the engine, for everyone", ACT_WRITE, NULL, NULL, action_run_engine_stop },
	{ "protect", "P", "protect", "protect the item under the cursor, whatever the policy says", ACT_WRITE, "REASON", action_on_item, action_run_protect },
	{ "breaker", "B", "breaker", "set the breaker under the cursor by hand", ACT_DANGER, "WHAT WHY", action_on_breaker, action_run_breaker },
	{ "flag", "F", "feature", "promote or roll back what the link under the cursor tries on its canary", ACT_WRITE, "WHAT WHY", link_can_flag, link_run_flag },
	{ "redrive", "V", "redrive", "make a new plan from the marked dead letters", ACT_DANGER, NULL, action_on_letters, action_run_redrive },
	{ "dismiss", "W", "dismiss", "dismiss the marked dead letters with a reason", ACT_DANGER, NULL, action_on_letters, action_run_dismiss },
	{ "diagnose", "!", "diagnose", "look again at the link under the cursor, rung by rung", ACT_READ, NULL, link_can_diagnose, link_run_diagnose },
};

const struct action *action_table(size_t *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

const struct action *action_by_id(struct slice id)
{
	for (size_t i = 0; i < ARRAY_LEN(table) && id.n > 0; i++)
		if (table[i].id[0] == id.p[0] && slice_is(id, table[i].id))
			return &table[i];
	return NULL;
}

static bool has_key(const struct action *a, int32_t code)
{
	for (const char *k = a->keys; *k;) {
		char name[16];
		size_t n = strcspn(k, " ");
		snprintf(name, sizeof(name), "%.*s", (int)n, k);
		if (key_parse(name) == code)
			return true;
		k += n + strspn(k + n, " ");
	}
	return false;
}

const struct action *action_by_key(int32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (has_key(&table[i], code))
			return &table[i];
	return NULL;
}

const char *action_key(char dst[16], const struct action *a)
{
	size_t n = MIN(strcspn(a->keys, " "), (size_t)15);
	memcpy(dst, a->keys, n);
	dst[n] = '\0';
	return dst;
}

bool action_enabled(struct ui *ui, const struct action *a, struct buf *why)
{
	if (a->kind != ACT_READ && ui_cannot_write(ui, why))
		return false;
	if (a->kind != ACT_READ && ui->silent_us >= 0 && a->run != action_run_hold) {
		buf_adds(why, "the engine does not answer");
		return false;
	}
	return !a->enabled || a->enabled(ui, why);
}

void action_run(struct ui *ui, const struct action *a, const char *arg)
{
	struct buf why = { 0 };
	if (action_enabled(ui, a, &why))
		a->run(ui, arg);
	else if (a->run == action_run_hold && !ui->watch && !ui->connected)
		ui_note(ui, ROLE_WARN, "hold: %s; SIGUSR1 to the engine (pid %lld) or a file HOLD in its state directory holds it too",
			buf_z(&why), (long long)ui->model.overview.pid);
	else
		ui_note(ui, ROLE_WARN, "%s: %s", a->label, buf_z(&why));
	buf_done(&why);
}
