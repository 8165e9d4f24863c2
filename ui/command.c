#include "ui/command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"

static struct slice first_word(const char *line, const char **rest)
{
	line += strspn(line, " ");
	struct slice w = { line, strcspn(line, " ") };
	*rest = line + w.n + strspn(line + w.n, " ");
	return w;
}

static void remember(struct ui *ui, const char *line)
{
	const int most = (int)ARRAY_LEN(ui->history);
	if (ui->histories == most) {
		buf_done(&ui->history[0]);
		memmove(&ui->history[0], &ui->history[1], (size_t)(most - 1) * sizeof(ui->history[0]));
		ui->histories--;
	}
	ui->history[ui->histories] = (struct buf){ 0 };
	buf_adds(&ui->history[ui->histories++], line);
}

void command_run(struct ui *ui, const char *line)
{
	const char *rest;
	char shown[80];
	struct slice word = first_word(line, &rest);
	if (word.n == 0)
		return;
	remember(ui, line);
	const struct action *a = action_by_id(word);
	if (!a)
		ui_note(ui, ROLE_FAIL, "no such command: %s; Tab completes, ? lists them", text_z(shown, sizeof(shown), word));
	else if (*rest && !a->arg)
		ui_note(ui, ROLE_FAIL, "%s takes nothing after it", a->id);
	else
		action_run(ui, a, rest);
}

void command_complete(struct ui *ui)
{
	size_t n;
	const struct action *t = action_table(&n), *only = NULL;
	const char *text = prompt_text(&ui->line);
	size_t typed = strlen(text), common = 0;
	if (strchr(text, ' '))
		return;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(t[i].id, text, typed) != 0)
			continue;
		size_t same = strlen(t[i].id);
		if (only)
			for (same = 0; same < common && t[i].id[same] == only->id[same];)
				same++;
		common = same;
		only = only ? only : &t[i];
	}
	if (!only)
		return;
	char longer[64];
	bool whole = common == strlen(only->id);
	snprintf(longer, sizeof(longer), "%.*s%s", (int)common, only->id, whole && only->arg ? " " : "");
	if (strlen(longer) > typed)
		prompt_set(&ui->line, longer);
}

void command_history(struct ui *ui, int step)
{
	int to = ui->history_at + step;
	if (to < 0 || to > ui->histories)
		return;
	ui->history_at = to;
	prompt_set(&ui->line, to == ui->histories ? "" : buf_z(&ui->history[to]));
}

void command_hint(struct ui *ui, struct buf *out)
{
	size_t n;
	const struct action *t = action_table(&n);
	const char *rest, *text = prompt_text(&ui->line);
	struct slice word = first_word(text, &rest);
	const struct action *exact = action_by_id(word);
	if (exact && (text[strlen(text) - 1] == ' ' || *rest)) {
		buf_addf(out, "%s  %s", exact->arg ? exact->arg : "", exact->help);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (strncmp(t[i].id, word.p, word.n) == 0)
			buf_addf(out, "%s  ", t[i].id);
}
