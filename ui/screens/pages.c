/* Pages that scroll: the help, made from the action table, and the details of one object. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/action.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"

struct pager {
	int top, height, rows;          /* of the last frame */
};

static bool pager_verb(struct pager *p, enum verb v)
{
	int page = MAX(p->height - 1, 1);
	switch (v) {
	case VERB_UP: p->top--; break;
	case VERB_DOWN: p->top++; break;
	case VERB_PAGE_UP: p->top -= page; break;
	case VERB_PAGE_DOWN: p->top += page; break;
	case VERB_TOP: p->top = 0; break;
	case VERB_BOTTOM: p->top = p->rows; break;
	case VERB_LEFT: case VERB_RIGHT: case VERB_OPEN: case VERB_BACK: case VERB_MARK: case VERB_SORT:
	case VERB_NEXT: case VERB_PREV: case VERB_VERIFY:
		return false;
	}
	p->top = MAX(MIN(p->top, p->rows - p->height), 0);
	return true;
}

static void pager_end(struct ui *ui, struct pager *p, struct area a, const struct flow *f)
{
	p->height = a.h;
	p->rows = f->y + p->top + (f->x > f->indent);
	p->top = MAX(MIN(p->top, p->rows - a.h), 0);
	if (p->rows > a.h) {
		char where[48];
		snprintf(where, sizeof(where), " %d-%d of %d ", p->top + 1, MIN(p->top + a.h, p->rows), p->rows);
		area_put_right(a, 0, a.w - 1, ROLE_DIM, where);
	}
	ui->cy = a.y;
	ui->cx = a.x + MIN(2, a.w - 1);
}

/* ---- help ---- */

static void help_action(struct ui *ui, struct flow *f, const struct action *a)
{
	static const char *const kind[] = { [ACT_READ] = "", [ACT_WRITE] = "changes", [ACT_DANGER] = "deletes" };
	struct buf why = { 0 };
	char keys[40];
	bool enabled = action_enabled(ui, a, &why);
	snprintf(keys, sizeof(keys), "%s", a->keys);
	flow_put(f, enabled ? ROLE_KEY : ROLE_OFF, keys);
	flow_at(f, 12);
	flow_put(f, enabled ? ROLE_TEXT : ROLE_OFF, a->id);
	flow_at(f, 27);
	flow_put(f, a->kind == ACT_DANGER ? ROLE_DANGER : ROLE_WARN, kind[a->kind]);
	flow_at(f, 36);
	f->indent = 36;
	flow_words(f, enabled ? ROLE_TEXT : ROLE_OFF, slice_of(a->help));
	if (!enabled) {
		flow_gap(f, 1);
		flow_words(f, ROLE_WARN, slice_of("· not now:"));
		flow_gap(f, 1);
		flow_words(f, ROLE_WARN, buf_slice(&why));
	}
	f->indent = 2;
	flow_line(f);
	buf_done(&why);
}

static void help_paint(struct ui *ui, struct area a)
{
	struct pager *p = ui_state(ui, &page_help);
	struct flow f;
	size_t n;
	const struct action *t = action_table(&n);
	flow_init(&f, area_cols(a, 0, a.w - 1), -p->top, 2);
	flow_put(&f, ROLE_TITLE, "Keys and commands");
	flow_line(&f);
	flow_words(&f, ROLE_DIM, slice_of("Small letters look and move and never change anything. Capitals change, and say why when they cannot. "
					  "Every name works after `:` too. The marks: ● fine ◐ between ○ open ▲ held ✖ failed · unknown."));
	flow_line(&f);
	flow_line(&f);
	for (size_t i = 0; i < n; i++)
		help_action(ui, &f, &t[i]);
	pager_end(ui, p, a, &f);
}

static bool help_verb(struct ui *ui, enum verb v)
{
	return pager_verb(ui_state(ui, &page_help), v);
}

static void help_enter(struct ui *ui)
{
	*(struct pager *)ui_state(ui, &page_help) = (struct pager){ 0 };
}

const struct screen_ops page_help = {
	.id = "help", .name = "Help", .brief = "Help", .bar = "up down page-down", .state_size = sizeof(struct pager),
	.enter = help_enter, .paint = help_paint, .verb = help_verb,
};

/* ---- details ---- */

struct detail {
	struct pager pager;
	char title[80];
	struct buf key;
	detail_fn *draw;
};

void detail_open(struct ui *ui, const char *title, struct slice key, detail_fn *draw)
{
	struct detail *d = ui_state(ui, &page_detail);
	struct buf copy = { 0 };
	buf_add(&copy, key.p, key.n);
	buf_done(&d->key);
	*d = (struct detail){ .key = copy, .draw = draw };
	snprintf(d->title, sizeof(d->title), "%s", title);
	ui_page(ui, &page_detail);
}

static void detail_done(void *state)
{
	buf_done(&((struct detail *)state)->key);
}

static void detail_paint(struct ui *ui, struct area a)
{
	struct detail *d = ui_state(ui, &page_detail);
	struct flow f;
	flow_init(&f, area_cols(a, 0, a.w - 1), -d->pager.top, 2);
	flow_put(&f, ROLE_TITLE, d->title);
	flow_gap(&f, 2);
	flow_show(&f, ROLE_STRONG, buf_slice(&d->key));
	flow_line(&f);
	flow_line(&f);
	if (!d->draw(ui, &f, buf_slice(&d->key)))
		flow_words(&f, ROLE_WARN, slice_of("It is no longer there."));
	pager_end(ui, &d->pager, a, &f);
}

static bool detail_verb(struct ui *ui, enum verb v)
{
	struct detail *d = ui_state(ui, &page_detail);
	return pager_verb(&d->pager, v);
}

const struct screen_ops page_detail = {
	.id = "detail", .name = "Detail", .brief = "Detail", .bar = "up down hold", .state_size = sizeof(struct detail),
	.done = detail_done, .paint = detail_paint, .verb = detail_verb,
};

bool detail_record(struct flow *f, const struct m_record *r)
{
	char at[TIME_TEXT];
	flow_fieldf(f, "seq", "%lld", (long long)r->seq);
	flow_field(f, "time", slice_of(time_rfc3339(at, MAX(r->at_us, 0), true)));
	flow_field(f, "actor", r->actor);
	flow_field(f, "role", r->role);
	flow_field(f, "via", r->via);
	flow_field(f, "kind", r->kind);
	flow_field(f, "subject", r->subject);
	flow_field(f, "cycle", r->cycle);
	flow_field(f, "plan", r->plan);
	flow_field(f, "text", r->text);
	flow_field(f, "payload", r->payload);
	flow_field(f, "hash before", r->prev);
	flow_field(f, "hash", r->hash);
	return true;
}
