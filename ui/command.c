#include "ui/command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/widgets/choices.h"

static struct slice first_word(const char *line, const char **rest)
{
	line += strspn(line, " ");
	struct slice w = { line, strcspn(line, " ") };
	*rest = line + w.n + strspn(line + w.n, " ");
	return w;
}

static void run_line(struct ui *ui, const char *line)
{
	const char *rest;
	char shown[80];
	struct slice word = first_word(line, &rest);
	const struct action *a = action_by_id(word);
	if (!a)
		ui_note(ui, ROLE_FAIL, "no such command: %s; Tab completes, ? lists them", text_z(shown, sizeof(shown), word));
	else if (*rest && !a->arg)
		ui_note(ui, ROLE_FAIL, "%s takes nothing after it", a->id);
	else
		action_run(ui, a, rest);
}

void command_run(struct ui *ui, const char *line)
{
	struct buf b = { 0 };
	size_t n = strlen(line);
	while (n > 0 && line[n - 1] == ' ')             /* completion leaves one */
		n--;
	buf_add(&b, line, n);
	if (strspn(buf_z(&b), " ") < n) {
		history_add(&ui->commands, buf_z(&b));
		run_line(ui, buf_z(&b));
	}
	buf_done(&b);
}

static void offer_ids(struct choices *c)
{
	size_t n;
	const struct action *t = action_table(&n);
	char word[40];
	for (size_t i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "%s%s", t[i].id, t[i].arg ? " " : "");
		choices_addz(c, word);
	}
}

static void offer_words(struct choices *c, const char *words)
{
	for (; *words; words += strcspn(words, " "), words += strspn(words, " "))
		choices_add(c, (struct slice){ words, strcspn(words, " ") });
}

/* The names that the engine knows, by what the table says that the action takes. */
static void offer_names(const struct ui *ui, const char *arg, struct choices *c)
{
	const struct m_overview *o = &ui->model.overview;
	for (int i = 0; strcmp(arg, "POLICY") == 0 && i < o->policies; i++)
		choices_add(c, o->policy[i]);
	for (int i = 0; strcmp(arg, "LINK") == 0 && i < o->links; i++)
		choices_add(c, o->link[i].name);
	for (int i = 0; strcmp(arg, "LANE") == 0 && i < o->lanes; i++)
		choices_add(c, o->lane[i].name);
	if (strcmp(arg, "MODE") == 0)
		offer_words(c, "observe rehearse armed");
	if (strcmp(arg, "WHAT WHY") == 0)
		offer_words(c, "open auto disable");
}

size_t command_offer(struct ui *ui, struct slice text, size_t cursor, struct choices *c)
{
	const struct screen_ops *s = ui->page ? ui->page : ui->screen;
	const char *rest;
	struct slice id = first_word(text.p, &rest);
	size_t begin = (size_t)(id.p - text.p), at = (size_t)(rest - text.p);
	const struct action *a = action_by_id(id);
	if (cursor <= begin + id.n) {
		offer_ids(c);
		return MIN(begin, cursor);
	}
	if (a && a->arg && strcmp(a->id, "filter") == 0 && s->filter_offer && cursor >= at)
		return at + s->filter_offer(ui, (struct slice){ rest, text.n - at }, cursor - at, c);
	if (!a || !a->arg || cursor < at || memchr(rest, ' ', cursor - at))
		return cursor;
	offer_names(ui, a->arg, c);
	return at;
}

void command_hint(struct ui *ui, struct buf *out)
{
	const char *rest;
	struct slice word = first_word(prompt_text(&ui->line), &rest);
	const struct action *a = action_by_id(word);
	if (a)
		buf_addf(out, "%s  %s", a->arg ? a->arg : "", a->help);
	else
		buf_adds(out, "no such command; ? lists them");
}
