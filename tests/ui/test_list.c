/* The list that never sees its rows: cursor and marks follow ids. */
#include "tests/unit/unit.h"

#include "base/time.h"
#include "ui/widgets/list.h"

/* A source of n rows whose ids are numbers, of which a window is loaded. */
struct rows {
	int64_t n, first, loaded;
	int64_t shift;                  /* id of row r is r + shift */
	int64_t missing;                /* this id does not exist; -1 none */
	int64_t asked, asked_n, draws;
	char id[32];
};

static int64_t id_of(const struct rows *r, int64_t row)
{
	int64_t id = row + r->shift;
	return r->missing >= 0 && id >= r->missing ? id + 1 : id;
}

static int64_t count(void *ctx)
{
	return ((struct rows *)ctx)->n;
}

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	struct rows *r = ctx;
	if (row < r->first || row >= r->first + r->loaded || row >= r->n)
		return false;
	snprintf(r->id, sizeof(r->id), "%lld", (long long)id_of(r, row));
	*id = slice_of(r->id);
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	struct rows *r = ctx;
	for (int64_t i = r->first; i < r->first + r->loaded && i < r->n; i++) {
		struct slice other;
		if (row_id(r, i, &other) && slice_eq(other, id)) {
			*row = i;
			return true;
		}
	}
	return false;
}

static void want(void *ctx, int64_t first, int64_t n)
{
	struct rows *r = ctx;
	r->asked = first;
	r->asked_n = n;
}

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	struct rows *r = ctx;
	r->draws++;
	area_putf(line, 0, 0, ROLE_TEXT, "%s %lld", marked ? "[x]" : "[ ]", (long long)id_of(r, row));
}

static struct list_source source(struct rows *r)
{
	return (struct list_source){ .ctx = r, .count = count, .id = row_id, .find = find, .want = want, .draw = draw };
}

static struct grid g;

static int paint(struct list *l, struct rows *r)
{
	struct list_source s = source(r);
	grid_clear(&g);
	return list_paint(l, &s, area_all(&g));
}

static const char *cursor_line(struct list *l, struct rows *r)
{
	static char text[128];
	size_t n = 0;
	int y = paint(l, r);
	for (int x = 0; y >= 0 && x < g.cols; x++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", grid_at(&g, y, x)->g);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	return text;
}

static void a_million_rows_cost_what_is_on_the_screen(void **state)
{
	struct rows r = { .n = 1000000, .loaded = 1000000, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	(void)state;
	paint(&l, &r);
	assert_int_equal(r.draws, 10);
	list_verb(&l, &s, VERB_BOTTOM);
	r.draws = 0;
	assert_string_equal(cursor_line(&l, &r), "[ ] 999999");
	assert_int_equal(r.draws, 10);
	assert_int_equal(r.asked, 999990);
	list_verb(&l, &s, VERB_PAGE_UP);
	assert_string_equal(cursor_line(&l, &r), "[ ] 999990");
	list_done(&l);
}

static void the_cursor_follows_its_row(void **state)
{
	struct rows r = { .n = 100, .loaded = 100, .shift = 100, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	(void)state;
	paint(&l, &r);
	for (int i = 0; i < 5; i++)
		list_verb(&l, &s, VERB_DOWN);
	int y = paint(&l, &r);
	assert_string_equal(cursor_line(&l, &r), "[ ] 105");
	r.shift = 90;                   /* ten rows came in front */
	list_changed(&l, &s);
	assert_string_equal(cursor_line(&l, &r), "[ ] 105");
	assert_int_equal(paint(&l, &r), y);     /* and it did not move on the screen */
	list_done(&l);
}

static void a_vanished_row_leaves_a_tombstone_not_its_neighbour(void **state)
{
	struct rows r = { .n = 100, .loaded = 100, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	int64_t row;
	(void)state;
	paint(&l, &r);
	for (int i = 0; i < 5; i++)
		list_verb(&l, &s, VERB_DOWN);
	r.missing = 5;
	r.n = 99;
	list_changed(&l, &s);
	assert_false(list_at(&l, &row));
	assert_non_null(strstr(cursor_line(&l, &r), "no longer in this list: 5"));
	list_verb(&l, &s, VERB_DOWN);
	assert_true(list_at(&l, &row));
	assert_string_equal(cursor_line(&l, &r), "[ ] 6");
	list_done(&l);
}

static void the_last_row_may_vanish_too(void **state)
{
	struct rows r = { .n = 1, .loaded = 1, .shift = 7, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	int64_t row;
	(void)state;
	paint(&l, &r);
	assert_true(list_at(&l, &row));
	r.n = 0;
	list_changed(&l, &s);
	assert_false(list_at(&l, &row));
	assert_non_null(strstr(cursor_line(&l, &r), "no longer in this list: 7"));
	list_verb(&l, &s, VERB_UP);
	list_verb(&l, &s, VERB_BOTTOM);
	paint(&l, &r);
	list_done(&l);
}

static void marks_stay_with_ids_when_rows_move(void **state)
{
	struct rows r = { .n = 50, .loaded = 50, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	(void)state;
	list_mark(&l, SLICE_LIT("3"), 10, SLICE_LIT(""));
	list_mark(&l, SLICE_LIT("1"), 5, SLICE_LIT(""));
	list_mark(&l, SLICE_LIT("7"), 1, SLICE_LIT(""));
	list_mark(&l, SLICE_LIT("1"), 5, SLICE_LIT(""));
	assert_int_equal(l.marks, 2);
	assert_int_equal(list_marked_bytes(&l), 11);
	r.shift = 3;
	paint(&l, &r);
	assert_string_equal(cursor_line(&l, &r), "[x] 3");
	list_verb(&l, &s, VERB_DOWN);
	assert_string_equal(cursor_line(&l, &r), "[ ] 4");
	list_mark(&l, SLICE_LIT("9"), -1, SLICE_LIT(""));
	assert_int_equal(list_marked_bytes(&l), -1);
	list_done(&l);
}

static void rows_that_are_not_loaded_say_so_and_are_asked_for(void **state)
{
	struct rows r = { .n = 1000, .loaded = 20, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	int64_t row;
	(void)state;
	paint(&l, &r);
	list_verb(&l, &s, VERB_BOTTOM);
	assert_string_equal(cursor_line(&l, &r), "loading…");
	assert_false(list_at(&l, &row));        /* nothing can be done to what was not seen */
	assert_int_equal(r.asked, 990);
	r.first = 980;
	list_changed(&l, &s);
	assert_string_equal(cursor_line(&l, &r), "[ ] 999");
	assert_true(list_at(&l, &row));
	list_done(&l);
}

static void a_million_rows_move_within_a_millisecond(void **state)
{
	struct rows r = { .n = 1000000, .loaded = 1000000, .missing = -1 };
	struct list l = { 0 };
	struct list_source s = source(&r);
	(void)state;
	int64_t from = now_read().boot_us;
	for (int i = 0; i < 1000; i++) {
		list_verb(&l, &s, VERB_PAGE_DOWN);
		paint(&l, &r);
	}
	assert_true(now_read().boot_us - from < 1000000);
	list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_rows_cost_what_is_on_the_screen),
		cmocka_unit_test(the_cursor_follows_its_row),
		cmocka_unit_test(a_vanished_row_leaves_a_tombstone_not_its_neighbour),
		cmocka_unit_test(the_last_row_may_vanish_too),
		cmocka_unit_test(marks_stay_with_ids_when_rows_move),
		cmocka_unit_test(rows_that_are_not_loaded_say_so_and_are_asked_for),
		cmocka_unit_test(a_million_rows_move_within_a_millisecond),
	};
	grid_init(&g, 10, 60, false);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int rc = cmocka_run_group_tests_name("ui list", tests, NULL, NULL);
	grid_done(&g);
	return rc;
}
