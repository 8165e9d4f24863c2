/* The verification of the log on screen 7: how far it is, Esc, and what it says in the end. */
#include "tests/unit/unit.h"

#include "tests/ui/fixture.h"
#include "ui/screens/verifying.h"

struct world {
	struct fixture f;
	struct grid g;
	ui_answer_fn *verdict;          /* waits for the answer to audit.verify */
	void *verdict_ctx;
};

static void answer(struct world *w, ui_answer_fn *fn, void *ctx, const char *result, const char *error)
{
	struct json_doc *d = NULL;
	struct err e;
	if (result)
		assert_int_equal(json_parse(&d, slice_of(result), NULL, &e), RC_OK);
	fn(&w->f.ui, ctx, d ? json_root(d) : NULL, error);
	json_doc_free(d);
	fixture_paint(&w->f, &w->g);
}

static void tells(struct world *w, const char *progress)
{
	ui_tick(&w->f.ui);
	assert_string_equal(buf_z(&w->f.last), "audit.progress");
	answer(w, w->f.kept, w->f.kept_ctx, progress, NULL);
}

static bool stands(const struct grid *g, const char *text)
{
	struct buf all = { 0 };
	for (int y = 0; y < g->rows; y++)
		for (int x = 0; x < g->cols; x++)
			buf_adds(&all, grid_at(g, y, x)->g);
	bool found = strstr(buf_z(&all), text) != NULL;
	buf_done(&all);
	return found;
}

static void see(struct world *w, const char *text)
{
	if (!stands(&w->g, text))
		fail_msg("it does not stand there: %s", text);
}

static void begin(struct world *w, int cols)
{
	char path[512];
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/usual.json", top ? top : ".");
	*w = (struct world){ 0 };
	fixture_load(&w->f, path, false);
	grid_init(&w->g, 24, cols, false);
	fixture_keys(&w->f, "7");
	fixture_paint(&w->f, &w->g);
	w->f.silent = true;
	fixture_keys(&w->f, "v");
	assert_string_equal(buf_z(&w->f.last), "audit.verify");
	w->verdict = w->f.kept;
	w->verdict_ctx = w->f.kept_ctx;
	fixture_paint(&w->f, &w->g);
}

static void end(struct world *w)
{
	assert_int_equal(w->f.writes, 0);
	grid_done(&w->g);
	fixture_done(&w->f);
}

static void it_says_how_far_it_is_and_the_screen_stays_usable(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 80);
	see(&w, "verifying… · Esc stops");
	tells(&w, "{\"running\": true, \"done\": null, \"of\": null}");        /* it waits for its turn */
	see(&w, "verifying… · Esc stops");
	tells(&w, "{\"running\": true, \"done\": 412000, \"of\": 1000000}");
	see(&w, "verifying 412,000 of 1,000,000 · 41 % · Esc stops");
	int calls = w.f.calls;
	fixture_keys(&w.f, "v");                        /* one at a time */
	assert_int_equal(w.f.calls, calls);
	fixture_keys(&w.f, "j");
	fixture_paint(&w.f, &w.g);
	see(&w, "verifying 412,000 of 1,000,000 · 41 % · Esc stops");
	tells(&w, "{\"running\": true, \"done\": 999999, \"of\": 1000000}");
	see(&w, "verifying 999,999 of 1,000,000 · 99 % · Esc stops");
	answer(&w, w.verdict, w.verdict_ctx, "{\"ok\": true, \"records\": 1000000}", NULL);
	see(&w, "verified just now: 1,000,000 records, unbroken");
	assert_false(stands(&w.g, "Esc stops"));
	calls = w.f.calls;
	ui_tick(&w.f.ui);
	assert_int_equal(w.f.calls, calls);
	end(&w);
}

static void esc_cancels_once_and_the_outcome_is_never_a_good_one(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 80);
	tells(&w, "{\"running\": true, \"done\": 1024, \"of\": 200000}");
	int calls = w.f.calls;
	fixture_keys(&w.f, "Esc Esc");
	assert_string_equal(buf_z(&w.f.last), "audit.stop");
	assert_int_equal(w.f.calls, calls + 1);
	fixture_paint(&w.f, &w.g);
	see(&w, "verifying 1,024 of 200,000 · 0 % · it stops");
	answer(&w, w.verdict, w.verdict_ctx, NULL, "cancelled after 2048 of 200000 records: nothing is known of the log");
	see(&w, "cancelled after 2048 of 200000 records: nothing is known of the log");
	assert_false(stands(&w.g, "unbroken"));
	fixture_keys(&w.f, "v");                        /* and another one may be started */
	assert_string_equal(buf_z(&w.f.last), "audit.verify");
	end(&w);
}

static void the_first_bad_record_is_named_also_when_the_end_came_too_late(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 80);
	fixture_keys(&w.f, "Esc");
	answer(&w, w.verdict, w.verdict_ctx, "{\"ok\": false, \"records\": 10, \"first_bad\": 11, \"why\": \"record 11: its hash does not match its values\"}", NULL);
	see(&w, "BROKEN at #11: record 11: its hash does not match its values");
	end(&w);
}

static void who_looks_elsewhere_is_told(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 100);
	w.f.silent = false;
	fixture_keys(&w.f, "1");
	answer(&w, w.verdict, w.verdict_ctx, "{\"ok\": false, \"records\": 10, \"first_bad\": null, \"why\": \"an anchor lies beyond the log\"}", NULL);
	see(&w, "BROKEN: an anchor lies beyond the log");
	end(&w);
}

/* Never from one figure, nor from the first seconds, nor from the first few percent. */
static void the_time_left_is_only_told_when_it_is_known(void **state)
{
	static const struct { int64_t took_us, done; int64_t left_us; } cases[] = {
		{ 0, 500000, -1 }, { 2999999, 500000, -1 }, { 3000000, 500000, 3000000 }, { 9000000, 49999, -1 }, { 9000000, 50000, 171000000 },
		{ 9000000, 0, -1 }, { 60000000, 1000000, 0 },
	};
	struct verifying v = { .under_way = true, .of = 1000000 };
	(void)state;
	assert_int_equal(verifying_left(&v), -1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		v.from_us = 7000000;
		v.at_us = v.from_us + cases[i].took_us;
		v.done = cases[i].done;
		assert_int_equal(verifying_left(&v), cases[i].left_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_how_far_it_is_and_the_screen_stays_usable),
		cmocka_unit_test(esc_cancels_once_and_the_outcome_is_never_a_good_one),
		cmocka_unit_test(the_first_bad_record_is_named_also_when_the_end_came_too_late),
		cmocka_unit_test(who_looks_elsewhere_is_told),
		cmocka_unit_test(the_time_left_is_only_told_when_it_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("verifying", tests, NULL, NULL);
}
