#include "ui/typing.h"

#include "ui/command.h"
#include "ui/widgets/choices.h"

static const struct screen_ops *front(const struct ui *ui)
{
	return ui->page ? ui->page : ui->screen;
}

static struct slice typed(const struct ui *ui)
{
	return slice_of(prompt_text(&ui->line));
}

/* Returns where the word begins that they are about. */
static size_t offer(struct ui *ui, struct choices *c)
{
	size_t from = ui->line.at;
	if (ui->prompt == PROMPT_COMMAND)
		from = command_offer(ui, typed(ui), ui->line.at, c);
	else if (ui->prompt == PROMPT_FILTER && front(ui)->filter_offer)
		from = front(ui)->filter_offer(ui, typed(ui), ui->line.at, c);
	choices_narrow(c, (struct slice){ typed(ui).p + from, ui->line.at - from });
	return from;
}

static bool is_whole(struct slice word)
{
	char last = word.n > 0 ? word.p[word.n - 1] : ' ';
	return last != ':' && last != '~' && last != '>' && last != '<';
}

void typing_complete(struct ui *ui)
{
	struct choices c = { 0 };
	struct buf longer = { 0 };
	size_t from = offer(ui, &c);
	struct slice common = choices_common(&c);
	if (common.n > 0) {
		buf_add(&longer, common.p, common.n);
		if (c.n == 1 && ui->prompt == PROMPT_FILTER && is_whole(common) && ui->line.at == ui->line.text.n)
			buf_addc(&longer, ' ');
		prompt_replace(&ui->line, from, ui->line.at, buf_slice(&longer));
	}
	buf_done(&longer);
	choices_done(&c);
}

static bool filter_wrong(struct ui *ui, size_t *at, struct buf *why)
{
	return ui->prompt == PROMPT_FILTER && front(ui)->filter_wrong && front(ui)->filter_wrong(ui, typed(ui), at, why);
}

enum role typing_says(struct ui *ui, struct buf *out)
{
	struct choices c = { 0 };
	struct buf why = { 0 };
	size_t at = 0, from = offer(ui, &c);
	bool wrong = filter_wrong(ui, &at, &why), before = wrong && (at < from || ui->refused);
	if (wrong && (before || c.n == 0))
		buf_add(out, why.p, why.n);
	for (size_t i = 0; i < c.n && !before; i++) {
		buf_add(out, c.word[i].p, c.word[i].n);
		buf_adds(out, "  ");
	}
	if (out->n == 0 && ui->prompt == PROMPT_COMMAND)
		command_hint(ui, out);
	enum role r = before ? ROLE_FAIL : wrong && c.n == 0 ? ROLE_WARN : ROLE_DIM;
	buf_done(&why);
	choices_done(&c);
	return r;
}

bool typing_may_end(struct ui *ui)
{
	struct buf why = { 0 };
	size_t at = 0;
	bool wrong = filter_wrong(ui, &at, &why);
	if (wrong) {
		ui->line.at = at < ui->line.text.n ? at : ui->line.text.n;
		ui->refused = true;
	}
	buf_done(&why);
	return !wrong;
}

void typing_history(struct ui *ui, int step)
{
	struct history *h = ui->prompt == PROMPT_COMMAND ? &ui->commands : &ui->filters;
	const char *line = history_step(h, step, prompt_text(&ui->line));
	if (line)
		prompt_set(&ui->line, line);
}
