/* The lines that are typed: the filter of the candidates and the `:` line, with completion and history. */
#include "tests/unit/unit.h"

#include "tests/ui/fixture.h"
#include "ui/typing.h"
#include "ui/widgets/choices.h"

static void load(struct fixture *f, const char *name)
{
	char path[512];
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top ? top : ".", name);
	fixture_load(f, path, false);
}

static void is_line(const struct fixture *f, const char *want)
{
	assert_string_equal(prompt_text(&f->ui.line), want);
}

static void says(struct fixture *f, enum role role, const char *want)
{
	struct buf b = { 0 };
	enum role r = typing_says(&f->ui, &b);
	if (r != role || !strstr(buf_z(&b), want))
		fail_msg("over %s stands %s (%d), not %s", prompt_text(&f->ui.line), buf_z(&b), (int)r, want);
	buf_done(&b);
}

static void open_filter(struct fixture *f)
{
	load(f, "usual");
	fixture_keys(f, "4 /");
}

static void a_filter_is_applied_whole_or_not_at_all(void **state)
{
	struct fixture f;
	(void)state;
	open_filter(&f);
	int calls = f.calls;
	fixture_type(&f, "lane:kimi age>30 x");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.calls, calls);
	assert_int_equal(f.ui.prompt, PROMPT_FILTER);
	is_line(&f, "lane:kimi age>30 x");
	says(&f, ROLE_FAIL, "column 15: age takes > or < and a time as 30d");
	assert_int_equal(f.ui.line.at, 14);             /* the cursor stands there */
	fixture_keys(&f, "Delete Delete");
	fixture_type(&f, "30d");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.ui.prompt, PROMPT_NONE);
	assert_int_equal(f.calls, calls + 1);
	assert_non_null(strstr(buf_z(&f.last_params), "\"filter\":\"lane:kimi age>30d x\""));
	fixture_keys(&f, "Esc");                        /* and Esc takes it away */
	assert_null(strstr(buf_z(&f.last_params), "filter"));
	fixture_done(&f);
}

static void the_line_says_what_is_wrong_while_it_is_typed(void **state)
{
	struct fixture f;
	(void)state;
	open_filter(&f);
	fixture_type(&f, "colour:red la");
	says(&f, ROLE_FAIL, "column 1: there is no such key; there are lane, state");
	fixture_keys(&f, "Ctrl-U");
	fixture_type(&f, "age>");
	says(&f, ROLE_WARN, "age takes > or < and a time as 30d");
	fixture_type(&f, "30d");
	struct buf b = { 0 };
	typing_says(&f.ui, &b);
	assert_int_equal(b.n, 0);
	buf_done(&b);
	fixture_done(&f);
}

static void tab_completes_keys_and_known_values(void **state)
{
	struct fixture f;
	(void)state;
	open_filter(&f);
	says(&f, ROLE_DIM, "lane:  state:  rule:  class:  age>");
	fixture_type(&f, "la");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:");
	says(&f, ROLE_DIM, "kimi  glm  s3-backup");
	fixture_type(&f, "s");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup ");
	fixture_type(&f, "!prot");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup !protected ");
	fixture_type(&f, "rule:du");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup !protected rule:duplicate ");
	fixture_type(&f, "rule:protect:");             /* seen in a row */
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup !protected rule:duplicate rule:protect:names ");
	fixture_type(&f, "class:");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup !protected rule:duplicate rule:protect:names class:R");
	fixture_type(&f, "zz");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:s3-backup !protected rule:duplicate rule:protect:names class:Rzz");
	fixture_done(&f);
}

/* Names of the engine may hold anything: what nobody could type is not offered, blanks come in quotes. */
static void foreign_names_are_offered_only_as_they_can_be_typed(void **state)
{
	static const char text[] = "{\"now_us\": 1, \"overview\": {\"lanes\": [{\"name\": \"a b\"}, {\"name\": \"x\\u001b[2J\"}, {\"name\": \"q\\\"\\\\\"}]},"
		" \"rpc\": {\"candidates\": {\"total\": 0, \"rows\": []}, \"policies\": {\"policies\": []}}}";
	struct fixture f;
	(void)state;
	fixture_parse(&f, slice_of(text), false);
	fixture_keys(&f, "4 /");
	fixture_type(&f, "lane:");
	says(&f, ROLE_DIM, "\"a b\"  q\"\\  ");
	fixture_type(&f, "\"");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane:\"a b\" ");
	fixture_keys(&f, "Enter");
	assert_int_equal(f.ui.prompt, PROMPT_NONE);
	fixture_done(&f);
}

static void pasted_text_completes_nothing_and_ends_nothing(void **state)
{
	struct fixture f;
	(void)state;
	open_filter(&f);
	int calls = f.calls;
	fixture_type(&f, "la");
	ui_key(&f.ui, &(struct key){ .code = KEYC_TAB, .pasted = true });
	ui_key(&f.ui, &(struct key){ .code = KEYC_ENTER, .pasted = true });
	is_line(&f, "la");
	assert_int_equal(f.calls, calls);
	fixture_done(&f);
}

static void the_command_line_completes_ids_and_names(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "usual");
	fixture_keys(&f, ":");
	fixture_type(&f, "sta");
	fixture_keys(&f, "Tab");
	is_line(&f, "start ");
	fixture_keys(&f, "Tab");
	assert_true(strlen(prompt_text(&f.ui.line)) > 6);
	fixture_keys(&f, "Ctrl-U");
	fixture_type(&f, "mode a");
	fixture_keys(&f, "Tab");
	is_line(&f, "mode armed");
	fixture_keys(&f, "Ctrl-U");
	fixture_type(&f, "lane g");
	fixture_keys(&f, "Tab");
	is_line(&f, "lane glm");
	fixture_keys(&f, "Enter");
	assert_string_equal(f.ui.screen->id, "candidates");
	assert_non_null(strstr(buf_z(&f.last_params), "\"filter\":\"lane:glm\""));
	fixture_keys(&f, ":");
	fixture_type(&f, "filter sta");
	fixture_keys(&f, "Tab");
	is_line(&f, "filter state:");
	fixture_type(&f, "x");
	fixture_keys(&f, "Enter");
	assert_non_null(strstr(f.ui.note, "column 7: state takes"));
	fixture_keys(&f, ":");
	fixture_type(&f, "nothing");
	says(&f, ROLE_DIM, "no such command");
	fixture_done(&f);
}

static void up_and_down_bring_back_what_was_typed(void **state)
{
	struct fixture f;
	(void)state;
	open_filter(&f);
	fixture_type(&f, "kept");
	fixture_keys(&f, "Enter / Ctrl-U");
	fixture_type(&f, "planned");
	fixture_keys(&f, "Enter / Ctrl-U");
	fixture_type(&f, "new");
	fixture_keys(&f, "Up");
	is_line(&f, "planned");
	fixture_keys(&f, "Up Up");
	is_line(&f, "kept");
	fixture_keys(&f, "Down Down");
	is_line(&f, "new");
	fixture_keys(&f, "Esc :");
	fixture_keys(&f, "Up");
	is_line(&f, "");                                /* commands have their own */
	fixture_done(&f);
}

static void history_is_bounded(void **state)
{
	struct history h = { 0 };
	char line[16];
	(void)state;
	for (int i = 0; i < HISTORY_LINES + 7; i++) {
		snprintf(line, sizeof(line), "%d", i);
		history_add(&h, line);
		history_add(&h, line);
	}
	assert_int_equal(h.n, HISTORY_LINES);
	history_leave(&h);
	for (int i = 0; i < HISTORY_LINES - 1; i++)
		assert_non_null(history_step(&h, -1, "draft"));
	assert_string_equal(history_step(&h, -1, ""), "7");
	assert_null(history_step(&h, -1, ""));
	history_done(&h);
}

static void choices_agree_on_whole_characters(void **state)
{
	struct choices c = { 0 };
	(void)state;
	assert_int_equal(choices_common(&c).n, 0);
	choices_addz(&c, "x\xc3\xa4");
	choices_addz(&c, "x\xc3\xb6");
	choices_addz(&c, "x\xc3\xb6");
	choices_addz(&c, "");
	choices_addz(&c, "a\x1b");
	assert_int_equal(c.n, 2);
	assert_slice(choices_common(&c), "x");
	choices_narrow(&c, SLICE_LIT("x\xc3\xb6"));
	assert_slice(choices_common(&c), "x\xc3\xb6");
	choices_done(&c);
}

static void the_menu_sorts_by_any_column_and_esc_changes_nothing(void **state)
{
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 24, 80, false);
	fixture_keys(&f, "4");
	int calls = f.calls;
	fixture_keys(&f, "o j Esc");
	assert_null(f.ui.page);
	assert_int_equal(f.calls, calls);
	fixture_keys(&f, "o j Enter");
	assert_int_equal(f.calls, calls + 1);
	assert_non_null(strstr(buf_z(&f.last_params), "\"order\":\"size\",\"desc\":true"));
	fixture_keys(&f, "o Right Enter");              /* the one that is shown, turned round */
	assert_non_null(strstr(buf_z(&f.last_params), "\"order\":\"size\",\"desc\":false"));
	fixture_keys(&f, "o G k Enter");
	assert_non_null(strstr(buf_z(&f.last_params), "\"order\":\"where\""));
	fixture_keys(&f, "o g k k");                    /* stays on the first */
	fixture_paint(&f, &g);
	assert_true(f.ui.cy > 0);
	calls = f.calls;
	ui_key(&f.ui, &(struct key){ .code = KEYC_ENTER, .pasted = true });
	fixture_keys(&f, "S X A");                      /* no other key is meant here */
	assert_int_equal(f.calls, calls);
	assert_int_equal(f.writes, 0);
	fixture_keys(&f, "F8");                         /* but hold is */
	assert_string_equal(buf_z(&f.last), "cycle.hold");
	fixture_keys(&f, "Esc");
	grid_done(&g);
	fixture_done(&f);
}

static bool stands(const struct grid *g, const char *word)
{
	char line[4096];
	for (int y = 0; y < g->rows; y++) {
		size_t n = 0;
		for (int x = 0; x < g->cols; x++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", grid_at(g, y, x)->g);
		if (strstr(line, word))
			return true;
	}
	return false;
}

static void answer(struct fixture *f, ui_answer_fn *fn, void *ctx, const char *result, const char *error)
{
	struct json_doc *d = NULL;
	struct err e;
	if (result)
		assert_int_equal(json_parse(&d, slice_of(result), NULL, &e), RC_OK);
	fn(&f->ui, ctx, d ? json_root(d) : NULL, error);
	if (d)
		json_doc_free(d);
}

static void a_list_that_is_made_says_how_far_it_is_and_esc_stops_it(void **state)
{
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 24, 100, false);
	fixture_keys(&f, "4 j j");
	f.silent = true;
	fixture_keys(&f, "/");
	fixture_type(&f, "name~x");
	fixture_keys(&f, "Enter");
	ui_answer_fn *list = f.kept;
	void *list_ctx = f.kept_ctx;
	ui_tick(&f.ui);
	assert_string_equal(buf_z(&f.last), "candidates.progress");
	answer(&f, f.kept, f.kept_ctx, "{\"running\": true, \"looked\": 412000, \"of\": 1000000}", NULL);
	fixture_paint(&f, &g);
	assert_true(stands(&g, "filter: name~x"));
	assert_true(stands(&g, "looked at 412,000 of 1,000,000 · Esc stops"));
	fixture_keys(&f, "Esc Esc");                    /* asked once */
	assert_string_equal(buf_z(&f.last), "candidates.stop");
	assert_int_equal(f.writes, 0);
	answer(&f, list, list_ctx, NULL, "stopped before the list was made");
	fixture_paint(&f, &g);
	assert_true(stands(&g, "filter: none"));        /* what is shown is what the line says */
	assert_true(stands(&g, "stopped; this is the list from before"));
	assert_true(stands(&g, "4,812 of"));
	grid_done(&g);
	fixture_done(&f);
}

static void a_refused_filter_leaves_the_list_and_its_line(void **state)
{
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 24, 100, false);
	fixture_keys(&f, "4");
	f.silent = true;
	fixture_keys(&f, "/");
	fixture_type(&f, "lane:nobody");
	fixture_keys(&f, "Enter");
	answer(&f, f.kept, f.kept_ctx, NULL, "there is no lane nobody; sluice lanes lists them");
	fixture_paint(&f, &g);
	assert_true(stands(&g, "there is no lane nobody"));
	assert_true(stands(&g, "filter: none"));
	grid_done(&g);
	fixture_done(&f);
}

static void columns_without_room_come_by_going_right(void **state)
{
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 24, 80, false);
	fixture_keys(&f, "4");
	fixture_paint(&f, &g);
	assert_true(stands(&g, "→"));
	assert_false(stands(&g, "where"));
	assert_false(stands(&g, " why"));
	int steps = 0;
	for (; stands(&g, "→") && steps < 12; steps++) {
		fixture_keys(&f, "l");
		fixture_paint(&f, &g);
		assert_true(stands(&g, " id "));
	}
	assert_true(steps > 0 && steps < 12);
	assert_true(stands(&g, " why"));
	assert_true(stands(&g, "←"));
	fixture_keys(&f, "l l");
	for (int i = 0; i < 12; i++)
		fixture_keys(&f, "h");
	fixture_paint(&f, &g);
	assert_false(stands(&g, "←"));
	grid_resize(&g, 24, 200);
	fixture_paint(&f, &g);
	assert_false(stands(&g, "→"));
	grid_done(&g);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_is_applied_whole_or_not_at_all),
		cmocka_unit_test(the_line_says_what_is_wrong_while_it_is_typed),
		cmocka_unit_test(tab_completes_keys_and_known_values),
		cmocka_unit_test(foreign_names_are_offered_only_as_they_can_be_typed),
		cmocka_unit_test(pasted_text_completes_nothing_and_ends_nothing),
		cmocka_unit_test(the_command_line_completes_ids_and_names),
		cmocka_unit_test(up_and_down_bring_back_what_was_typed),
		cmocka_unit_test(the_menu_sorts_by_any_column_and_esc_changes_nothing),
		cmocka_unit_test(columns_without_room_come_by_going_right),
		cmocka_unit_test(a_list_that_is_made_says_how_far_it_is_and_esc_stops_it),
		cmocka_unit_test(a_refused_filter_leaves_the_list_and_its_line),
		cmocka_unit_test(history_is_bounded),
		cmocka_unit_test(choices_agree_on_whole_characters),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui typing", tests, NULL, NULL);
}
