#include "ui/frame.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/typing.h"

/* ---- top line ---- */

/* One piece of the top line; the lowest `keep` leaves first. */
struct piece {
	enum role role;
	int keep;
	bool right;
	struct buf text;
};

enum { PIECES = 8 };

static void shown(struct buf *out, const struct ui *ui, struct slice s, int most)
{
	text_show(out, s.n > 0 ? s : SLICE_LIT("?"), most, ui->ascii);
}

static void piece_who(const struct ui *ui, struct piece *p)
{
	const struct m_hello *h = &ui->model.hello;
	p->role = ui->watch ? ROLE_TAB : ROLE_BAR;
	if (ui->watch) {
		buf_adds(&p->text, "WATCHING · read-only");
		return;
	}
	if (h->operator_.n > 0)
		shown(&p->text, ui, h->operator_, 16);
	else if (h->has)
		buf_addf(&p->text, "uid %lld", (long long)h->uid);
	buf_adds(&p->text, " (");
	shown(&p->text, ui, h->role, 10);
	buf_addc(&p->text, ')');
}

static void fill_pieces(const struct ui *ui, struct piece p[PIECES])
{
	char text[FORMAT_TEXT];
	const struct m_overview *o = &ui->model.overview;
	struct look mode = look_of(LOOK_MODE, o->mode);
	p[0] = (struct piece){ .role = ROLE_BAR, .keep = 2 };
	buf_adds(&p[0].text, "sluice");
	p[1] = (struct piece){ .role = ROLE_BAR, .keep = 9 };
	shown(&p[1].text, ui, o->name, 20);
	p[2] = (struct piece){ .role = mode.role, .keep = 10 };
	buf_addc(&p[2].text, ' ');
	shown(&p[2].text, ui, mode.word, 12);
	buf_addc(&p[2].text, ' ');
	p[3] = (struct piece){ .keep = 8 };
	piece_who(ui, &p[3]);
	p[7] = (struct piece){ .role = ROLE_BAR, .keep = o->lease.n > 0 ? 5 : 0 };
	buf_adds(&p[7].text, "lease: ");
	shown(&p[7].text, ui, o->lease, 24);
	p[4] = (struct piece){ .role = ROLE_BAR, .keep = 3, .right = true };
	buf_addf(&p[4].text, "engine up %s", format_age(text, ui->now.wall_us, o->has ? o->started_us : -1));
	p[5] = (struct piece){ .role = ROLE_BAR, .keep = 6, .right = true };
	buf_addf(&p[5].text, "#%s ", format_count(text, o->has ? o->chain_seq : -1));
	shown(&p[5].text, ui, o->chain_short, 16);
	p[6] = (struct piece){ .role = ROLE_BAR, .keep = 7, .right = true };
	buf_addf(&p[6].text, "%sZ", format_clock(text, ui->now.wall_us));
}

static int pieces_width(const struct piece p[PIECES])
{
	int w = 2;
	for (int i = 0; i < PIECES; i++)
		w += p[i].keep > 0 ? put_width(buf_z(&p[i].text)) + 3 : 0;
	return w - 3;
}

static void draw_pieces(const struct ui *ui, const struct piece p[PIECES], struct area line)
{
	struct buf all = { 0 };
	for (int i = 0; i < PIECES; i++) {
		const char look[] = { (char)p[i].role, (char)p[i].keep, p[i].right };
		buf_add(&all, look, sizeof look);
		buf_add(&all, buf_z(&p[i].text), p[i].text.n + 1);
	}
	const struct origin from = { .by = &ui->model, .text = buf_slice(&all) };
	if (!area_kept(line, &from)) {
		area_fill(line, 0, 0, line.w, ROLE_BAR, " ");
		int right = line.w - 1, x = 1;
		for (int i = PIECES - 1; i >= 0; i--)
			if (p[i].keep > 0 && p[i].right)
				right = area_put_right(line, 0, right, p[i].role, buf_z(&p[i].text)) - 3;
		for (int i = 0; i < PIECES; i++)
			if (p[i].keep > 0 && !p[i].right)
				x = area_put(line, 0, x, p[i].role, buf_z(&p[i].text)) + 3;
		area_drawn(line, &from);
	}
	buf_done(&all);
}

static void top_line(struct ui *ui, struct area line)
{
	struct piece p[PIECES];
	fill_pieces(ui, p);
	while (pieces_width(p) > line.w) {
		int least = -1;
		for (int i = 0; i < PIECES; i++)
			if (p[i].keep > 0 && (least < 0 || p[i].keep < p[least].keep))
				least = i;
		if (least < 0)
			break;
		p[least].keep = 0;
	}
	draw_pieces(ui, p, line);
	for (int i = 0; i < PIECES; i++)
		buf_done(&p[i].text);
}

/* ---- tabs ---- */

enum tab_style { TAB_NAMES, TAB_CLOSE, TAB_BRIEF, TAB_NUMBERS };

static int tabs_paint(const struct ui *ui, struct area line, enum tab_style style, bool draw)
{
	int x = 1;
	for (int n = 1; n <= 9; n++) {
		const struct screen_ops *s = screen_by_number(n);
		bool here = s == ui->screen;
		const char *name = style < TAB_BRIEF || here ? s->name : style == TAB_BRIEF ? s->brief : "";
		char key[4] = { (char)('0' + n), *name ? ' ' : '\0', '\0', '\0' };
		if (draw) {
			area_put(line, 0, x, here ? ROLE_TAB : ROLE_KEY, key);
			area_put(line, 0, x + (int)strlen(key), here ? ROLE_TAB : ROLE_DIM, name);
		}
		x += (int)strlen(key) + put_width(name) + (style == TAB_CLOSE ? 1 : 2);
	}
	return x;
}

static void tabs(struct ui *ui, struct area line)
{
	const struct origin from = { .by = ui, .n = { ui->screen->number } };
	enum tab_style style = TAB_NAMES;
	if (area_kept(line, &from))
		return;
	while (style < TAB_NUMBERS && tabs_paint(ui, line, style, false) > line.w + 1)
		style++;
	int end = tabs_paint(ui, line, style, true);
	if (end + 6 < line.w) {
		area_put(line, 0, line.w - 7, ROLE_KEY, "?");
		area_put(line, 0, line.w - 5, ROLE_DIM, "help");
	}
	area_drawn(line, &from);
}

/* ---- banner ---- */

static bool banner(struct ui *ui, struct area line)
{
	const struct m_overview *o = &ui->model.overview;
	char text[UI_NOTE], age[FORMAT_TEXT], at[FORMAT_TEXT], notice[UI_NOTE - 4];
	if (!ui->connected && !o->has)
		snprintf(text, sizeof(text), " %s", ui->lost_why[0] ? ui->lost_why : "attaching to the engine");
	else if (!ui->connected || ui->silent_us >= 0)
		snprintf(text, sizeof(text), " %s old (%sZ), nothing can be changed: %s; it attaches again by itself",
			 format_age(age, ui->now.wall_us, ui->model.received_us), format_clock(at, ui->model.received_us),
			 ui->connected ? "the engine does not answer" : ui->lost_why);
	else if (o->notice.n > 0)
		snprintf(text, sizeof(text), " %s", text_z(notice, sizeof(notice), o->notice));
	else
		return false;
	area_fill(line, 0, 0, line.w, ROLE_BANNER, " ");
	area_said(line, 0, 0, line.w, ROLE_BANNER, slice_of(text));
	return true;
}

struct area frame_paint(struct ui *ui, struct area all, bool full)
{
	if (full)
		return area_rows(all, 0, all.h - 1);
	int y = 2;
	top_line(ui, area_rows(all, 0, 1));
	tabs(ui, area_rows(all, 1, 1));
	if (banner(ui, area_rows(all, 2, 1)))
		y = 3;
	return area_rows(all, y, all.h - y - 1);
}

/* ---- bottom line ---- */

/* A question that would leave less than a third of the line for its answer stands over it. */
static bool asks_above(const struct ui *ui, int cols)
{
	return ui->prompt == PROMPT_ASK && put_width(ui->ask_label) > cols * 2 / 3;
}

static void question_line(struct ui *ui, struct area line)
{
	area_fill(line, 0, 0, line.w, ROLE_TEXT, " ");
	area_said(line, 0, 1, line.w - 2, ROLE_STRONG, slice_of(ui->ask_label));
}

static void prompt_line(struct ui *ui, struct area line)
{
	static const char *const sign[] = { [PROMPT_NONE] = "", [PROMPT_COMMAND] = ":", [PROMPT_FILTER] = "/", [PROMPT_ASK] = "" };
	int x = area_put(line, 0, 1, ROLE_KEY, asks_above(ui, line.w) ? "> " : sign[ui->prompt]);
	if (ui->prompt == PROMPT_ASK && !asks_above(ui, line.w))
		x = area_said(line, 0, x, line.w * 2 / 3, ROLE_STRONG, slice_of(ui->ask_label)) + 1;
	int room = line.w - x - 1;
	ui->cy = line.y;
	ui->cx = line.x + prompt_paint(&ui->line, line, 0, x, room, ROLE_FIELD);
}

/* What is said of the line that is typed, over it. */
static void hint_line(struct ui *ui, struct area line)
{
	struct buf says = { 0 };
	enum role r = typing_says(ui, &says);
	if (says.n > 0) {
		area_fill(line, 0, 0, line.w, ROLE_TEXT, " ");
		area_show(line, 0, 1, line.w - 2, r, buf_slice(&says));
	}
	buf_done(&says);
}

enum { BAR_ITEMS = 24 };

struct bar {
	const struct action *item[BAR_ITEMS];
	int n;
	uint64_t enabled;               /* bit i: item i can be done now */
};

static void bar_add(struct ui *ui, struct bar *b, const struct action *a)
{
	struct buf why = { 0 };
	if (b->n == BAR_ITEMS)
		return;
	if (action_enabled(ui, a, &why))
		b->enabled |= UINT64_C(1) << b->n;
	b->item[b->n++] = a;
	buf_done(&why);
}

/* " S step": returns the column after it, or x when it does not fit before `end`. */
static int bar_item(const struct ui *ui, struct area line, int x, int end, const struct action *a, bool enabled)
{
	char key[16];
	action_key(key, a);
	if (ui->page && ui->page->typing && strcmp(a->id, "hold") == 0)
		snprintf(key, sizeof(key), "F8");              /* letters are typed there */
	int w = put_width(key) + 1 + put_width(a->label);
	if (x + w > end)
		return x;
	x = area_put(line, 0, x, enabled ? ROLE_KEY : ROLE_OFF, key);
	return area_put(line, 0, x + 1, enabled ? ROLE_TEXT : ROLE_OFF, a->label) + 2;
}

static void key_bar(struct ui *ui, struct area line, const char *bar)
{
	const struct action *last = action_by_id(slice_of(ui->page ? "back" : "detach"));
	struct bar b = { .n = 0 };
	bar_add(ui, &b, last);
	for (const char *at = bar; at && *at;) {
		struct slice word = { at, strcspn(at, " ") };
		const struct action *a = action_by_id(word);
		at += word.n + strspn(at + word.n, " ");
		if (a && (!ui->watch || a->kind == ACT_READ))
			bar_add(ui, &b, a);
	}
	const struct origin from = { .by = &ui->page, .n = { (int64_t)b.enabled, ui->page && ui->page->typing },
				     .text = { (const char *)b.item, (size_t)b.n * sizeof *b.item } };
	if (area_kept(line, &from))
		return;
	char key[16];
	int end = line.w - 1 - put_width(action_key(key, last)) - 1 - put_width(last->label), x = 1;
	for (int i = 1; i < b.n; i++)
		x = bar_item(ui, line, x, end - 1, b.item[i], b.enabled >> i & 1);
	bar_item(ui, line, end, line.w, last, b.enabled & 1);
	area_drawn(line, &from);
}

void frame_bottom(struct ui *ui, struct area line, const char *bar)
{
	if (ui->prompt != PROMPT_NONE)
		prompt_line(ui, line);
	else if (ui->note[0])
		area_said(line, 0, 1, 0, ui->note_role, slice_of(ui->note));
	else
		key_bar(ui, line, bar);
}

void ui_paint(struct ui *ui, struct grid *g)
{
	const struct screen_ops *s = ui->page ? ui->page : ui->screen;
	struct area all = area_all(g);
	grid_frame(g);
	ui->rows = g->rows;
	ui->cols = g->cols;
	ui->cy = -1;
	ui->cx = 0;
	ui->dirty = false;
	s->paint(ui, frame_paint(ui, all, s->full));
	if (ui->prompt == PROMPT_FILTER || ui->prompt == PROMPT_COMMAND)
		hint_line(ui, area_rows(all, all.h - 2, 1));
	else if (asks_above(ui, all.w))
		question_line(ui, area_rows(all, all.h - 2, 1));
	frame_bottom(ui, area_rows(all, all.h - 1, 1), s->bar);
	grid_framed(g);
	if (ui->cy >= g->rows || ui->cx >= g->cols)
		ui->cx = MIN(ui->cx, g->cols - 1), ui->cy = MIN(ui->cy, g->rows - 1);
}
