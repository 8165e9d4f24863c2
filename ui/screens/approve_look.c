#include "ui/screens/approve.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"

enum { LOOK_WINDOW = 200 };

const struct approve_look approve_looks[] = {
	{ "largest", "largest" }, { "newest", "newest" }, { "random", "by chance" }, { "irreversible", "irreversible" }, { "all", "all" },
};

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
	struct area id = table_cell(&p->table, line, 1);
	if (id.w > 0)
		area_show_id(id, 0, 0, id.w, ROLE_STRONG, r->id);
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

void approve_look_open(struct approve *p)
{
	p->looking = true;
	p->look_trouble[0] = '\0';
	m_candidates_done(&p->items);
	list_reset(&p->list);
	fetch_items(p, 0);
}

void approve_look_key(struct ui *ui, struct approve *p, int32_t code)
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
