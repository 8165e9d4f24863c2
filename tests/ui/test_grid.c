/* The grid keeps everything in its place, whatever the bytes; numbers look as promised. */
#include "tests/unit/unit.h"

#include "base/text.h"
#include "tests/ui/fixture.h"
#include "ui/format.h"
#include "ui/glyph.h"
#include "ui/term.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/table.h"

/* Names that fight back: each replaces every name, id, reason and sentence of a fixture in turn. */
static const char *const hostile[] = {
	"\\u001b[2J\\u001b[H", "\\r\\nSAFE", "a\\tb", "\\u202egnp.exe", "x\\u200b\\u200dy", "e\\u0301\\u0302\\u0303\\u0304", "\\u0007\\u0008",
	"\\u009b31m", "\\ue000\\ufeff", "\\u2028line", "\\u00a0\\u3000", "\\ud83d\\udc68\\u200d\\ud83d\\udc69", "\\uff21\\uff22\\uff23\\uff24",
	"\\u001b]52;c;aGk=\\u0007", "%s%n%s", "", "A very long name that goes on and on and on and on and on and on and on and on and on and on.",
};

static const char *const screens_[] = { "overview", "candidates", "cycle", "audit", "approve" };

static void load_usual(struct buf *out, const char *name)
{
	char path[512];
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top ? top : ".", name);
	fixture_read(out, path);
}

static void replace_all(struct buf *out, struct slice in, const char *find, const char *replace)
{
	size_t n = strlen(find);
	for (size_t i = 0; i < in.n;) {
		if (in.n - i >= n && memcmp(in.p + i, find, n) == 0) {
			buf_adds(out, replace);
			i += n;
		} else {
			buf_addc(out, in.p[i++]);
		}
	}
}

/* Every cell is a printable grapheme of its width, wide ones have their right half. */
static void check_cells(const struct grid *g)
{
	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->cols; x++) {
			const struct cell *c = grid_at(g, y, x);
			size_t i = 0;
			if (c->width == 0) {
				assert_true(x > 0 && grid_at(g, y, x - 1)->width == 2);
				continue;
			}
			int32_t cp = utf8_next(slice_of(c->g), &i);
			assert_true(cp >= 0x20);
			assert_int_equal(text_cp_width((uint32_t)cp), c->width);
			assert_true(c->width == 1 || (x + 1 < g->cols && grid_at(g, y, x + 1)->width == 0));
		}
	}
}

static void paint_text(const char *json, size_t n, const char *screen, struct grid *g)
{
	struct fixture f;
	fixture_parse(&f, (struct slice){ json, n }, false);
	fixture_show(&f, screen);
	fixture_paint(&f, g);
	fixture_paint(&f, g);
	fixture_done(&f);
}

/* Where one name becomes another, only the cells of its own column may change. */
static void a_hostile_name_changes_no_cell_outside_its_column(void **state)
{
	static const char plain_name[] = "\"name\": \"scan0001.png\"";
	(void)state;
	struct buf text = { 0 };
	load_usual(&text, "usual");
	for (size_t h = 0; h < ARRAY_LEN(hostile); h++) {
		struct buf bad = { 0 };
		struct grid before, after;
		char name[256];
		snprintf(name, sizeof(name), "\"name\": \"%s\"", hostile[h]);
		replace_all(&bad, buf_slice(&text), plain_name, name);
		grid_init(&before, 30, 100, false);
		grid_init(&after, 30, 100, false);
		paint_text(text.p, text.n, "candidates", &before);
		paint_text(bad.p, bad.n, "candidates", &after);
		check_cells(&after);
		int left = 100, right = 0;
		for (int x = 0; x < 90; x++)            /* the column of the title "name" */
			if (memcmp(grid_at(&before, 3, x)->g, "n", 2) == 0 && memcmp(grid_at(&before, 3, x + 1)->g, "a", 2) == 0)
				left = x;
		for (int x = left; x < 95 && right == 0; x++)
			if (memcmp(grid_at(&before, 3, x)->g, "s", 2) == 0)
				right = x;              /* of "size" */
		assert_true(left < right);
		for (int y = 0; y < 30; y++)
			for (int x = 0; x < 100; x++)
				if (x < left || x >= right)
					assert_true(cell_eq(grid_at(&before, y, x), grid_at(&after, y, x)));
		grid_done(&before);
		grid_done(&after);
		buf_done(&bad);
	}
	buf_done(&text);
}

static void no_foreign_string_anywhere_reaches_a_cell_unshown(void **state)
{
	static const char *const places[] = {
		"\"kimi\"", "\"alice\"", "\"exai-daemon\"", "\"kimi-stale\"", "\"prod-files\"", "\"org-prod\"", "\"chats\"", "\"app\"",
		"\"grant needed for kimi (412 items)\"", "\"403 AccessDenied (auth)\"", "\"keepalive\"", "\"9f3c 21ab 77e0\"", "\"waiting\"",
		"\"stale-30d\"", "\"operator\"", "\"uid + key\"", "\"this host only\"", "\"7c1e 90ab 44d2\"", "\"armed\"", "\"closed\"",
	};
	(void)state;
	struct buf text = { 0 };
	load_usual(&text, "usual");
	for (size_t p = 0; p < ARRAY_LEN(places); p++) {
		for (size_t h = 0; h < ARRAY_LEN(hostile); h++) {
			struct buf bad = { 0 };
			char value[256];
			snprintf(value, sizeof(value), "\"%s\"", hostile[h]);
			replace_all(&bad, buf_slice(&text), places[p], value);
			for (size_t s = 0; s < ARRAY_LEN(screens_); s++) {
				struct grid g;
				grid_init(&g, 24, 80, false);
				paint_text(bad.p, bad.n, screens_[s], &g);
				check_cells(&g);
				grid_done(&g);
			}
			buf_done(&bad);
		}
	}
	buf_done(&text);
}

static void an_area_is_a_fence(void **state)
{
	struct grid g, clean;
	(void)state;
	grid_init(&g, 5, 20, false);
	grid_init(&clean, 5, 20, false);
	struct area a = area_sub(area_all(&g), 1, 5, 2, 6);
	area_put(a, 0, -3, ROLE_OK, "before");
	area_put(a, 1, 0, ROLE_OK, "much too long for it");
	area_put(a, 2, 0, ROLE_OK, "below");
	area_put(a, -1, 0, ROLE_OK, "above");
	area_put(a, 0, 5, ROLE_OK, "会");
	area_show(a, 0, 4, 50, ROLE_OK, SLICE_LIT("foreign and long"));
	for (int y = 0; y < 5; y++)
		for (int x = 0; x < 20; x++)
			if (y < 1 || y > 2 || x < 5 || x > 10)
				assert_true(cell_eq(grid_at(&g, y, x), grid_at(&clean, y, x)));
	check_cells(&g);
	grid_done(&g);
	grid_done(&clean);
}

static void half_of_a_wide_cell_never_stays(void **state)
{
	struct grid g;
	(void)state;
	grid_init(&g, 1, 6, false);
	area_put(area_all(&g), 0, 0, ROLE_TEXT, "会议记");
	area_put(area_all(&g), 0, 1, ROLE_TEXT, "x");
	area_put(area_all(&g), 0, 4, ROLE_TEXT, "y");
	check_cells(&g);
	assert_string_equal(grid_at(&g, 0, 0)->g, " ");
	assert_string_equal(grid_at(&g, 0, 5)->g, " ");
	grid_done(&g);
}

static void own_text_cannot_smuggle_either(void **state)
{
	struct grid g;
	(void)state;
	grid_init(&g, 1, 20, false);
	area_put(area_all(&g), 0, 0, ROLE_TEXT, "a\033[2J\r\xff\xe2\x80\xaez");
	check_cells(&g);
	grid_done(&g);
}

static void every_glyph_is_one_cell_and_has_a_twin(void **state)
{
	(void)state;
	for (int i = 0; i < GLYPH_COUNT; i++) {
		size_t at = 0;
		struct slice s = slice_of(glyph((enum glyph)i));
		int32_t cp = utf8_next(s, &at);
		assert_int_equal(at, s.n);
		assert_int_equal(text_cp_width((uint32_t)cp), 1);
		assert_true(glyph_ascii((uint32_t)cp) > ' ' && glyph_ascii((uint32_t)cp) < 0x7F);
	}
}

static void unknown_numbers_are_question_marks(void **state)
{
	char t[FORMAT_TEXT];
	(void)state;
	assert_string_equal(format_count(t, -1), "?");
	assert_string_equal(format_bytes(t, -1), "?");
	assert_string_equal(format_share(t, -1), "?");
	assert_string_equal(format_percent(t, 3, 0), "?");
	assert_string_equal(format_percent(t, -1, 5), "?");
	assert_string_equal(format_age(t, 5, -1), "?");
	assert_string_equal(format_until(t, 5, -1), "?");
	assert_string_equal(format_us(t, -1), "?");
	assert_string_equal(format_clock(t, -1), "?");
}

static void numbers_look_as_people_write_them(void **state)
{
	char t[FORMAT_TEXT];
	(void)state;
	assert_string_equal(format_count(t, 0), "0");
	assert_string_equal(format_count(t, 999), "999");
	assert_string_equal(format_count(t, 1000), "1,000");
	assert_string_equal(format_count(t, INT64_MAX), "9,223,372,036,854,775,807");
	assert_string_equal(format_bytes(t, 0), "0 B");
	assert_string_equal(format_bytes(t, 999), "999 B");
	assert_string_equal(format_bytes(t, 1000), "1.0 kB");
	assert_string_equal(format_bytes(t, 999949), "999.9 kB");
	assert_string_equal(format_bytes(t, 999950), "1.0 MB");
	assert_string_equal(format_bytes(t, 1800000000), "1.8 GB");
	assert_string_equal(format_bytes(t, INT64_MAX), "9.2 EB");
	assert_string_equal(format_share(t, 4174), "41.7 %");
	assert_string_equal(format_percent(t, 999, 1000), "99 %");
	assert_string_equal(format_percent(t, 1000, 1000), "100 %");
	assert_string_equal(format_age(t, 63000000, 0), "1m3s");
	assert_string_equal(format_age(t, 5, 9), "0s");
	assert_string_equal(format_until(t, 9, 5), "0s");
}

static void a_gauge_is_full_only_when_full(void **state)
{
	(void)state;
	for (int64_t part = 0; part <= 1000; part++) {
		struct grid g;
		int full = 0;
		grid_init(&g, 1, 10, false);
		gauge_put(area_all(&g), 0, 0, 10, ROLE_FILL, part, 1000);
		for (int x = 0; x < 10; x++)
			full += grid_at(&g, 0, x)->role == ROLE_FILL;
		assert_int_equal(full == 10, part == 1000);
		assert_int_equal(full == 0, part == 0);
		grid_done(&g);
	}
}

static void columns_leave_by_priority_and_never_overlap(void **state)
{
	static const struct column columns[] = {
		{ .title = "a", .width = 10 }, { .title = "b", .width = 8, .keep = 2 }, { .title = "c", .width = 6, .keep = 1 },
		{ .title = "d", .width = 5, .grow = 2, .most = 20, .keep = 3 }, { .title = "e", .width = 5, .grow = 1, .right = true, .keep = 9 },
	};
	(void)state;
	for (int w = 0; w < 120; w++) {
		struct table t;
		table_layout(&t, columns, 5, w);
		int end = 0;
		for (int i = 0; i < 5; i++) {
			if (t.w[i] == 0)
				continue;
			assert_true(t.x[i] >= end);
			assert_true(t.w[i] >= columns[i].width);
			end = t.x[i] + t.w[i] + TABLE_GAP;
		}
		assert_true(w < 10 || end - TABLE_GAP <= w);
		assert_true(t.w[0] > 0);
		assert_true(t.w[1] > 0 || t.w[2] == 0);         /* c leaves before b */
		assert_true(t.w[3] > 0 || t.w[1] == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hostile_name_changes_no_cell_outside_its_column),
		cmocka_unit_test(no_foreign_string_anywhere_reaches_a_cell_unshown),
		cmocka_unit_test(an_area_is_a_fence),
		cmocka_unit_test(half_of_a_wide_cell_never_stays),
		cmocka_unit_test(own_text_cannot_smuggle_either),
		cmocka_unit_test(every_glyph_is_one_cell_and_has_a_twin),
		cmocka_unit_test(unknown_numbers_are_question_marks),
		cmocka_unit_test(numbers_look_as_people_write_them),
		cmocka_unit_test(a_gauge_is_full_only_when_full),
		cmocka_unit_test(columns_leave_by_priority_and_never_overlap),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui grid", tests, NULL, NULL);
}
