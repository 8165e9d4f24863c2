/* Approving, misused in every way that SEMANTICS 4 and SCREENS 5 name. */
#include "tests/unit/unit.h"

#include "tests/ui/fixture.h"
#include "ui/screens/approve.h"
#include "ui/screens/screens.h"

static struct grid g;

static void paint(struct fixture *f, int rows, int cols)
{
	grid_resize(&g, rows, cols);
	fixture_paint(f, &g);
}

static bool shows(const char *text)
{
	struct buf all = { 0 };
	for (int y = 0; y < g.rows; y++) {
		for (int x = 0; x < g.cols; x++)
			buf_adds(&all, grid_at(&g, y, x)->g);
		buf_addc(&all, ' ');
	}
	bool found = strstr(buf_z(&all), text) != NULL;
	buf_done(&all);
	return found;
}

static void load(struct fixture *f)
{
	char path[512];
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/usual.json", top ? top : ".");
	fixture_load(f, path, false);
	grid_init(&g, 30, 100, false);
	fixture_paint(f, &g);
}

/* The page is open, painted, and the cursor is in the first phrase; a reason was given. */
static void open_page(struct fixture *f)
{
	load(f);
	fixture_keys(f, "A");
	paint(f, 30, 100);
	fixture_keys(f, "Tab Tab");
	fixture_type(f, "quota");
	fixture_keys(f, "Tab");
}

static void close_page(struct fixture *f)
{
	fixture_done(f);
	grid_done(&g);
}

static const char *phrase(struct fixture *f)
{
	return prompt_text(&approve_state(&f->ui)->field[AP_PHRASE]);
}

static void the_two_phrases_and_a_reason_grant(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Tab");
	fixture_type(&f, "IRREVERSIBLE 37");
	assert_int_equal(f.writes, 0);
	fixture_keys(&f, "Enter");
	assert_int_equal(f.writes, 1);
	assert_string_equal(buf_z(&f.last), "grant.approve");
	assert_non_null(strstr(buf_z(&f.last_params), "\"phrase\":\"DELETE 412 kimi 9f3c\""));
	assert_non_null(strstr(buf_z(&f.last_params), "\"irreversible_phrase\":\"IRREVERSIBLE 37\""));
	assert_non_null(strstr(buf_z(&f.last_params), "\"items\":412"));
	assert_non_null(strstr(buf_z(&f.last_params), "\"bytes\":1800000000"));
	assert_non_null(strstr(buf_z(&f.last_params), "\"reason\":\"quota\""));
	/* the whole plan id, not what is shown of it */
	assert_non_null(strstr(buf_z(&f.last_params), "\"plan\":\"9f3c21ab77e04d4d"));
	close_page(&f);
}

static void enter_after_one_line_does_nothing(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Enter Enter Enter Enter");
	assert_int_equal(f.writes, 0);
	assert_int_equal(f.ui.wrong_phrases, 0);
	assert_string_equal(phrase(&f), "DELETE 412 kimi 9f3c");
	close_page(&f);
}

static void enter_on_empty_lines_does_nothing(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	for (int i = 0; i < 20; i++)
		fixture_keys(&f, "Enter");
	fixture_keys(&f, "Tab Enter");
	assert_int_equal(f.writes, 0);
	assert_int_equal(f.ui.wrong_phrases, 0);
	assert_int_equal(approve_cooling_s(&f.ui), 0);
	close_page(&f);
}

static void no_near_miss_grants(void **state)
{
	static const char *const near[] = {
		"DELETE 412 kimi 9f3", "DELETE 412 kimi 9f3c ", " DELETE 412 kimi 9f3c", "delete 412 kimi 9f3c", "DELETE 411 kimi 9f3c",
		"DELETE 413 kimi 9f3c", "DELETE 412 kimi 9f3d", "DELETE 412 Kimi 9f3c", "DELETE 412 kimi 9F3C", "DELETE  412 kimi 9f3c",
		"DELETE 412 kimi", "DELETE 0412 kimi 9f3c", "DELETE 412 glm 9f3c", "IRREVERSIBLE 37", "y", "yes", "DELETE 412 kimi 9f3c9f3c",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(near); i++) {
		struct fixture f;
		open_page(&f);
		fixture_type(&f, near[i]);
		fixture_keys(&f, "Tab");
		fixture_type(&f, "IRREVERSIBLE 37");
		fixture_keys(&f, "Enter");
		if (f.writes != 0)
			fail_msg("\"%s\" was taken for the phrase", near[i]);
		assert_int_equal(f.ui.wrong_phrases, 1);
		close_page(&f);
	}
}

static void a_wrong_second_phrase_does_not_grant(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Tab");
	fixture_type(&f, "IRREVERSIBLE 36");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.writes, 0);
	assert_int_equal(f.ui.wrong_phrases, 1);
	close_page(&f);
}

static void without_a_reason_nothing_is_sent(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_keys(&f, "S-Tab Ctrl-U Space Space Tab");
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Tab");
	fixture_type(&f, "IRREVERSIBLE 37");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.writes, 0);
	paint(&f, 30, 100);
	assert_true(shows("a reason is due"));
	close_page(&f);
}

static void feed(void *ctx, const struct key *k)
{
	ui_key(&((struct fixture *)ctx)->ui, k);
}

static void a_paste_between_brackets_clears_the_line_and_says_so(void **state)
{
	struct fixture f;
	struct keys keys;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DEL");
	keys_init(&keys);
	keys_feed(&keys, SLICE_LIT("\033[200~ETE 412\033[201~"), feed, &f);
	assert_string_equal(phrase(&f), "");
	paint(&f, 30, 100);
	assert_true(shows("pasting cleared the line"));
	fixture_type(&f, "D");
	assert_string_equal(phrase(&f), "D");
	close_page(&f);
}

static void a_pasted_phrase_with_its_enter_grants_nothing(void **state)
{
	struct fixture f;
	struct keys keys;
	(void)state;
	open_page(&f);
	keys_init(&keys);
	keys_feed(&keys, SLICE_LIT("\033[200~DELETE 412 kimi 9f3c\t IRREVERSIBLE 37\r\033[201~"), feed, &f);
	keys_feed(&keys, SLICE_LIT("DELETE 412 kimi 9f3c\tIRREVERSIBLE 37\r"), feed, &f);
	assert_int_equal(f.writes, 0);
	assert_string_equal(phrase(&f), "");
	close_page(&f);
}

static void eight_bytes_in_one_read_are_a_paste_seven_are_not(void **state)
{
	struct fixture f;
	struct keys keys;
	(void)state;
	open_page(&f);
	keys_init(&keys);
	keys_feed(&keys, SLICE_LIT("DELETE "), feed, &f);
	assert_string_equal(phrase(&f), "DELETE ");
	keys_feed(&keys, SLICE_LIT("412 kimi"), feed, &f);
	assert_string_equal(phrase(&f), "");
	close_page(&f);
}

static void three_wrong_phrases_cost_thirty_seconds_and_leaving_does_not_help(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "wrong");
	fixture_keys(&f, "Enter Enter");
	assert_int_equal(approve_cooling_s(&f.ui), 0);
	fixture_keys(&f, "Enter");
	assert_int_equal(approve_cooling_s(&f.ui), 30);
	assert_string_equal(phrase(&f), "");
	fixture_type(&f, "DELETE");
	assert_string_equal(phrase(&f), "");
	paint(&f, 30, 100);
	assert_true(shows("three wrong phrases: wait 30 s"));
	fixture_keys(&f, "Esc A");
	paint(&f, 30, 100);
	fixture_keys(&f, "Tab Tab Tab");
	fixture_type(&f, "D");
	assert_string_equal(phrase(&f), "");
	f.ui.now.boot_us += 29999999;
	fixture_type(&f, "D");
	assert_string_equal(phrase(&f), "");
	f.ui.now.boot_us += 1;
	fixture_type(&f, "D");
	assert_string_equal(phrase(&f), "D");
	close_page(&f);
}

static void keys_typed_before_the_page_was_painted_go_nowhere(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	fixture_keys(&f, "A Tab Tab");
	fixture_type(&f, "reason");
	fixture_keys(&f, "Tab");
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	paint(&f, 30, 100);
	assert_string_equal(phrase(&f), "");
	assert_int_equal(approve_state(&f.ui)->focus, AP_LOOK);
	close_page(&f);
}

static void the_frame_asks_that_typed_ahead_input_be_dropped(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	fixture_keys(&f, "A");
	f.ui.flush = false;
	grid_resize(&g, 30, 100);
	ui_paint(&f.ui, &g);
	assert_true(f.ui.flush);
	ui_painted(&f.ui);
	f.ui.flush = false;
	ui_paint(&f.ui, &g);
	assert_false(f.ui.flush);
	close_page(&f);
}

/* Whatever is typed, nothing leaves and the sentence is there. */
static void refuses(struct fixture *f, int rows, int cols, const char *sentence)
{
	int before = f->writes;
	paint(f, rows, cols);
	fixture_type(f, "DELETE 412 kimi 9f3c");
	fixture_keys(f, "Tab");
	fixture_type(f, "IRREVERSIBLE 37");
	fixture_keys(f, "Enter");
	assert_int_equal(f->writes, before);
	paint(f, rows, cols);
	if (!shows(sentence))
		fail_msg("the page does not say: %s", sentence);
}

static void a_plan_that_changed_underneath_takes_the_prompt_away(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	f.ui.model.cycle.plan_id = SLICE_LIT("0000");
	refuses(&f, 30, 100, "this plan is no longer valid: another plan was made meanwhile");
	assert_false(shows("type    DELETE"));
	close_page(&f);
	open_page(&f);
	f.ui.model.cycle.plan_valid = false;
	f.ui.model.cycle.plan_invalid_because = SLICE_LIT("the policy changed");
	refuses(&f, 30, 100, "this plan is no longer valid: the policy changed");
	close_page(&f);
	open_page(&f);
	f.ui.model.cycle.has_plan = false;
	refuses(&f, 30, 100, "this plan is no longer valid: the engine no longer has it");
	close_page(&f);
	open_page(&f);
	f.ui.now.wall_us = approve_state(&f.ui)->plan.expires_us;
	refuses(&f, 30, 100, "this plan is no longer valid: it has run out");
	close_page(&f);
}

static void a_plan_that_changed_since_the_last_frame_is_not_granted(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Tab");
	fixture_type(&f, "IRREVERSIBLE 37");
	f.ui.model.cycle.plan_id = SLICE_LIT("0000");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.writes, 0);
	close_page(&f);
}

static void a_microsecond_before_it_runs_out_the_plan_stands(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	f.ui.now.wall_us = approve_state(&f.ui)->plan.expires_us - 1;
	paint(&f, 30, 100);
	assert_true(shows("DELETE 412 kimi 9f3c"));
	assert_true(approve_state(&f.ui)->armed);
	close_page(&f);
}

static void a_window_below_80_by_24_is_refused(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	refuses(&f, 23, 80, "this window is 80×23; approving needs 80×24");
	refuses(&f, 24, 79, "this window is 79×24; approving needs 80×24");
	paint(&f, 24, 80);
	assert_true(shows("DELETE 412 kimi 9f3c"));
	close_page(&f);
}

static void a_stale_connection_is_refused(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	f.ui.silent_us = 12000000;
	refuses(&f, 30, 100, "the connection to the engine is stale");
	f.ui.silent_us = -1;
	ui_connection(&f.ui, false, "reset");
	refuses(&f, 30, 100, "the connection to the engine is stale");
	close_page(&f);
}

static void what_the_engine_forbids_is_refused_in_its_words(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	f.ui.model.cycle.can.approve = SLICE_LIT("the mode is observe");
	refuses(&f, 30, 100, "cannot be approved now: the mode is observe");
	close_page(&f);
	open_page(&f);
	f.ui.model.cycle.lane[0].granted = 412;
	refuses(&f, 30, 100, "this lane is granted already");
	close_page(&f);
}

static void a_watcher_never_sees_the_page(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	f.ui.watch = true;
	fixture_keys(&f, "A");
	assert_ptr_equal(f.ui.page, NULL);
	assert_non_null(strstr(f.ui.note, "read-only"));
	close_page(&f);
}

static void esc_leaves_and_forgets_what_was_typed(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_type(&f, "DELETE 412 kimi 9f3c");
	fixture_keys(&f, "Esc");
	assert_ptr_equal(f.ui.page, NULL);
	assert_string_equal(phrase(&f), "");
	assert_int_equal(f.writes, 0);
	close_page(&f);
}

static void hold_works_from_the_page_at_once(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	fixture_keys(&f, "F8");
	assert_string_equal(buf_z(&f.last), "cycle.hold");
	close_page(&f);
}

static void the_plan_on_the_page_is_frozen(void **state)
{
	struct fixture f;
	(void)state;
	open_page(&f);
	f.ui.model.cycle.plan_items = 9999;
	f.ui.model.overview.lane[0].listed = 1;
	paint(&f, 30, 100);
	assert_false(shows("9,999"));
	assert_true(shows("412   of       987 in the lane"));
	close_page(&f);
}

static void a_smaller_grant_takes_its_phrases_from_the_engine(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	fixture_keys(&f, "A");
	paint(&f, 30, 100);
	fixture_keys(&f, "Tab Ctrl-U");
	fixture_type(&f, "100");
	fixture_keys(&f, "Tab");
	assert_string_equal(buf_z(&f.last), "plan.show");
	assert_string_equal(buf_z(&f.last_params), "{\"lane\":\"kimi\",\"items\":100}");
	/* this engine gives no phrase for 100: the number goes back to what it can grant */
	assert_string_equal(prompt_text(&approve_state(&f.ui)->field[AP_ITEMS]), "412");
	close_page(&f);
}

static void a_number_outside_the_plan_is_refused(void **state)
{
	static const char *const bad[] = { "0", "413", "99999999999999999999" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fixture f;
		load(&f);
		fixture_keys(&f, "A");
		paint(&f, 30, 100);
		int calls = f.calls;
		fixture_keys(&f, "Tab Ctrl-U");
		fixture_type(&f, bad[i]);
		fixture_keys(&f, "Tab");
		assert_int_equal(f.calls, calls);
		assert_string_equal(prompt_text(&approve_state(&f.ui)->field[AP_ITEMS]), "412");
		close_page(&f);
	}
}

static void looking_at_items_is_noted_and_grants_nothing(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	fixture_keys(&f, "A");
	paint(&f, 30, 100);
	assert_true(shows("(you have seen: nothing)"));
	fixture_keys(&f, "Enter");
	paint(&f, 30, 100);
	assert_true(shows("Items: largest"));
	fixture_keys(&f, "j j Esc");
	paint(&f, 30, 100);
	assert_true(shows("(you have seen: largest)"));
	assert_int_equal(f.writes, 0);
	close_page(&f);
}

static void an_answer_after_leaving_does_not_reopen_or_fill_anything(void **state)
{
	struct fixture f;
	(void)state;
	load(&f);
	f.silent = true;
	fixture_keys(&f, "A Esc");
	assert_ptr_equal(f.ui.page, NULL);
	f.kept(&f.ui, f.kept_ctx, NULL, "too late");
	assert_ptr_equal(f.ui.page, NULL);
	assert_string_equal(approve_state(&f.ui)->trouble, "");
	close_page(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_phrases_and_a_reason_grant),
		cmocka_unit_test(enter_after_one_line_does_nothing),
		cmocka_unit_test(enter_on_empty_lines_does_nothing),
		cmocka_unit_test(no_near_miss_grants),
		cmocka_unit_test(a_wrong_second_phrase_does_not_grant),
		cmocka_unit_test(without_a_reason_nothing_is_sent),
		cmocka_unit_test(a_paste_between_brackets_clears_the_line_and_says_so),
		cmocka_unit_test(a_pasted_phrase_with_its_enter_grants_nothing),
		cmocka_unit_test(eight_bytes_in_one_read_are_a_paste_seven_are_not),
		cmocka_unit_test(three_wrong_phrases_cost_thirty_seconds_and_leaving_does_not_help),
		cmocka_unit_test(keys_typed_before_the_page_was_painted_go_nowhere),
		cmocka_unit_test(the_frame_asks_that_typed_ahead_input_be_dropped),
		cmocka_unit_test(a_plan_that_changed_underneath_takes_the_prompt_away),
		cmocka_unit_test(a_plan_that_changed_since_the_last_frame_is_not_granted),
		cmocka_unit_test(a_microsecond_before_it_runs_out_the_plan_stands),
		cmocka_unit_test(a_window_below_80_by_24_is_refused),
		cmocka_unit_test(a_stale_connection_is_refused),
		cmocka_unit_test(what_the_engine_forbids_is_refused_in_its_words),
		cmocka_unit_test(a_watcher_never_sees_the_page),
		cmocka_unit_test(esc_leaves_and_forgets_what_was_typed),
		cmocka_unit_test(hold_works_from_the_page_at_once),
		cmocka_unit_test(the_plan_on_the_page_is_frozen),
		cmocka_unit_test(a_smaller_grant_takes_its_phrases_from_the_engine),
		cmocka_unit_test(a_number_outside_the_plan_is_refused),
		cmocka_unit_test(looking_at_items_is_noted_and_grants_nothing),
		cmocka_unit_test(an_answer_after_leaving_does_not_reopen_or_fill_anything),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui approve", tests, NULL, NULL);
}
