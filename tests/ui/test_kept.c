/* What is not drawn again is what would have been drawn. */
#include "tests/unit/unit.h"

#include "base/rng.h"
#include "base/json.h"
#include "tests/ui/fixture.h"
#include "ui/format.h"

static const struct origin one = { .n = { 1 } }, other = { .n = { 2 } };

/* One frame in which a line is drawn at (2, x) in w columns; whether it had to be. */
static bool line_frame(struct grid *g, const struct origin *o, int x, int w, const char *text)
{
	grid_frame(g);
	struct area line = area_sub(area_all(g), 2, x, 1, w);
	bool kept = area_kept(line, o);
	if (!kept) {
		area_put(line, 0, 0, ROLE_TEXT, text);
		area_drawn(line, o);
	}
	grid_framed(g);
	return !kept;
}

static const char *shown(const struct grid *g, int y)
{
	static char text[256];
	size_t n = 0;
	for (int x = 0; x < g->cols; x++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", grid_at(g, y, x)->g);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	return text;
}

static void a_line_stays_while_it_is_the_same(void **state)
{
	(void)state;
	struct grid g;
	const char text[] = "text";
	struct origin longer = { .n = { 1 }, .text = { text, 4 } }, laid = { .n = { 1 }, .layout = { text, 4 } }, by = { .by = text, .n = { 1 } };
	const struct origin *all[] = { &one, &other, &longer, &laid, &by, &one };
	grid_init(&g, 4, 20, false);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_true(line_frame(&g, all[i], 0, 20, "alpha"));
		assert_false(line_frame(&g, all[i], 0, 20, "alpha"));
	}
	assert_true(line_frame(&g, &one, 1, 19, "beta"));
	assert_true(line_frame(&g, &one, 1, 10, "gamma"));
	assert_string_equal(shown(&g, 2), " gamma");
	grid_resize(&g, 4, 20);
	assert_true(line_frame(&g, &one, 1, 10, "delta"));
	grid_done(&g);
}

static void a_line_that_nobody_keeps_is_gone(void **state)
{
	(void)state;
	struct grid g;
	grid_init(&g, 4, 20, false);
	line_frame(&g, &one, 0, 20, "alpha");
	grid_frame(&g);
	grid_framed(&g);
	assert_string_equal(shown(&g, 2), "");
	assert_true(line_frame(&g, &one, 0, 20, "alpha"));
	grid_done(&g);
}

/* Whoever else draws in the row, before or after the line, in this frame or in the one before. */
static void a_row_with_two_in_it_is_drawn_each_time(void **state)
{
	(void)state;
	struct grid g;
	grid_init(&g, 4, 20, false);
	for (int after = 0; after < 2; after++) {
		line_frame(&g, &one, 0, 10, "alpha");
		grid_frame(&g);
		struct area line = area_sub(area_all(&g), 2, 0, 1, 10);
		if (!after)
			area_put(area_all(&g), 2, 15, ROLE_FAIL, "over");
		assert_int_equal(area_kept(line, &one), after);
		if (!after) {
			area_put(line, 0, 0, ROLE_TEXT, "alpha");
			area_drawn(line, &one);
		} else {
			area_put(area_all(&g), 2, 15, ROLE_FAIL, "over");
		}
		grid_framed(&g);
		assert_string_equal(shown(&g, 2), "alpha          over");
		assert_true(line_frame(&g, &one, 0, 10, "alpha"));
		assert_string_equal(shown(&g, 2), "alpha");
	}
	grid_done(&g);
}

static void only_changed_rows_have_the_frames_number(void **state)
{
	(void)state;
	struct grid g;
	grid_init(&g, 4, 20, false);
	line_frame(&g, &one, 0, 20, "alpha");
	uint64_t drawn = g.frame;
	line_frame(&g, &one, 0, 20, "alpha");
	assert_int_equal(g.row[2].changed, drawn);
	line_frame(&g, &other, 0, 20, "beta");
	assert_int_equal(g.row[2].changed, g.frame);
	assert_true(g.row[0].changed < drawn);
	grid_done(&g);
}

static void an_age_has_the_same_step_exactly_if_it_is_the_same_text(void **state)
{
	(void)state;
	char a[FORMAT_TEXT], b[FORMAT_TEXT];
	int64_t last = -2;
	b[0] = '\0';
	for (int64_t s = 0; s < 40 * INT64_C(86400); s += s < 8000 ? 1 : 7) {
		int64_t step = format_age_step(s * 1000000 + 5, 0);
		assert_int_equal(step == last, strcmp(format_age(a, s * 1000000 + 5, 0), b) == 0);
		last = step;
		memcpy(b, a, sizeof b);
	}
	assert_int_equal(format_age_step(5, -1), -1);
	assert_int_equal(format_age_step(5, 6), 0);
}

/* The same fixture with other verdicts. */
static struct json_doc *twin_of(const char *path)
{
	static const char *const from = "\"verdict\": \"candidate\"", *const to = "\"verdict\": \"protected\"";
	struct buf text = { 0 };
	struct json_doc *doc;
	struct err e;
	fixture_read(&text, path);
	for (char *at = text.p; (at = strstr(at, from)); at++)
		memcpy(at, to, strlen(to));
	assert_int_equal(json_parse(&doc, buf_slice(&text), NULL, &e), RC_OK);
	buf_done(&text);
	return doc;
}

/* Keys, time, sizes and the connection at random: one grid that keeps its lines beside one that is drawn whole. */
static void walk(const char *fixture, uint64_t seed)
{
	static const char *const keys[] = {
		"j", "k", "j", "PgDn", "PgUp", "Space", "o", "Enter", "Esc", "1", "2", "3", "4", "4", "5", "6", "7", "8", "9", "?", "Tab", "g", "G",
		"/ a Enter", "/ Esc", ": Esc", "Left", "Right", "y Esc", "A Esc", "4 Space k", "4 Space k k",
	};
	const char *top = getenv("SLUICE_TOP");
	char path[512];
	struct fixture f;
	struct grid kept, whole;
	struct rng r;
	rng_seed(&r, seed);
	snprintf(path, sizeof path, "%s/tests/ui/fixtures/%s.json", top ? top : ".", fixture);
	fixture_load(&f, path, false);
	struct json_doc *twin = twin_of(path);
	grid_init(&kept, 30, 100, false);
	grid_init(&whole, 30, 100, false);
	for (int i = 0; i < 400; i++) {
		fixture_keys(&f, keys[rng_below(&r, ARRAY_LEN(keys))]);
		f.ui.now.wall_us += rng_below(&r, 3) ? 0 : (int64_t)rng_below(&r, 1 << 10 * rng_below(&r, 3)) * 1000000;
		f.ui.connected = rng_below(&r, 9) > 0;
		if (rng_below(&r, 6) == 0 && f.ui.model.overview.lanes > 0) {
			struct json_doc *was = f.doc;
			f.doc = twin;
			twin = was;
			f.ui.model.overview.lane[0].listed++;
			ui_model_changed(&f.ui);
		}
		if (rng_below(&r, 40) == 0) {
			int rows = 1 + (int)rng_below(&r, 60), cols = 1 + (int)rng_below(&r, 200);
			grid_resize(&kept, rows, cols);
			grid_resize(&whole, rows, cols);
		}
		if (rng_below(&r, 5) == 0)
			continue;               /* two keys between two frames */
		ui_paint(&f.ui, &kept);         /* may fetch, and then the next one differs */
		grid_clear(&whole);
		ui_paint(&f.ui, &whole);
		ui_paint(&f.ui, &kept);
		if (!grid_eq(&kept, &whole))
			fail_msg("%s, seed %llu, step %d: a line was kept that would be drawn otherwise", fixture, (unsigned long long)seed, i);
		ui_painted(&f.ui);
	}
	grid_done(&kept);
	grid_done(&whole);
	fixture_done(&f);
	json_doc_free(twin);
}

static void every_frame_is_what_it_would_be_drawn_whole(void **state)
{
	static const char *const fixtures[] = { "usual", "busy", "failing", "empty" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fixtures); i++)
		for (uint64_t seed = 1; seed <= 8; seed++)
			walk(fixtures[i], seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_stays_while_it_is_the_same),
		cmocka_unit_test(a_line_that_nobody_keeps_is_gone),
		cmocka_unit_test(a_row_with_two_in_it_is_drawn_each_time),
		cmocka_unit_test(only_changed_rows_have_the_frames_number),
		cmocka_unit_test(an_age_has_the_same_step_exactly_if_it_is_the_same_text),
		cmocka_unit_test(every_frame_is_what_it_would_be_drawn_whole),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui kept", tests, NULL, NULL);
}
