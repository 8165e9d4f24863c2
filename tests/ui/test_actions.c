/* The action table: complete, documented, and closed to a watcher. */
#include "tests/unit/unit.h"

#include "tests/ui/fixture.h"
#include "ui/action.h"
#include "ui/action_write.h"
#include "ui/client.h"
#include "ui/screens/screens.h"
#include "ui/term.h"

static const char *top(void)
{
	const char *t = getenv("SLUICE_TOP");
	return t ? t : ".";
}

static void load(struct fixture *f, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top(), name);
	fixture_load(f, path, false);
}

static void every_id_is_unique_and_says_what_it_does(void **state)
{
	size_t n;
	const struct action *t = action_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(*t[i].id && *t[i].label && *t[i].help && t[i].run);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t[i].id, t[k].id);
	}
}

static void every_key_can_be_typed_and_is_bound_once(void **state)
{
	size_t n;
	const struct action *t = action_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (const char *k = t[i].keys; *k;) {
			char name[16];
			size_t len = strcspn(k, " ");
			snprintf(name, sizeof(name), "%.*s", (int)len, k);
			int32_t code = key_parse(name);
			if (code < 0 || action_by_key(code) != &t[i])
				fail_msg("key %s of %s is not its own", name, t[i].id);
			k += len + strspn(k + len, " ");
		}
	}
}

static void small_letters_never_change_anything(void **state)
{
	size_t n;
	const struct action *t = action_table(&n);
	(void)state;
	for (int32_t c = 'a'; c <= 'z'; c++) {
		const struct action *a = action_by_key(c);
		if (a)
			assert_int_equal(a->kind, ACT_READ);
	}
	for (size_t i = 0; i < n; i++)
		if (t[i].kind != ACT_READ)
			for (const char *k = t[i].keys; *k; k++)
				assert_false(*k >= 'a' && *k <= 'z');
}

/* By its id, by its key, and by `:id argument`, on every screen: a watcher sends nothing but reads. */
static void a_watcher_can_run_nothing_but_reads(void **state)
{
	size_t n;
	const struct action *t = action_table(&n);
	(void)state;
	for (int screen = 1; screen <= 9; screen++) {
		for (size_t i = 0; i < n; i++) {
			struct fixture f;
			struct key key;
			char name[16], line[80];
			load(&f, "usual");
			f.ui.watch = true;
			ui_show(&f.ui, screen_by_number(screen));
			if (strcmp(t[i].id, "detach") != 0)
				action_run(&f.ui, &t[i], "armed");
			key = (struct key){ .code = key_parse(action_key(name, &t[i])) };
			if (key.code >= 0)
				ui_key(&f.ui, &key);
			snprintf(line, sizeof(line), "%s stale", t[i].id);
			ui_key(&f.ui, &(struct key){ .code = ':' });
			fixture_type(&f, line);
			fixture_keys(&f, "Enter");
			if (f.writes != 0)
				fail_msg("a watcher sent %s through %s", buf_z(&f.last), t[i].id);
			if (t[i].kind != ACT_READ) {
				action_run(&f.ui, &t[i], "");
				assert_non_null(strstr(f.ui.note, "read-only"));
				assert_int_equal(f.ui.prompt, PROMPT_NONE);
			}
			fixture_done(&f);
		}
	}
}

static void nobody_and_the_disconnected_can_change_nothing(void **state)
{
	size_t n;
	const struct action *t = action_table(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct fixture f;
		if (t[i].kind == ACT_READ)
			continue;
		load(&f, "usual");
		f.ui.model.hello.role = SLICE_LIT("nobody");
		action_run(&f.ui, &t[i], "x");
		assert_int_equal(f.writes, 0);
		assert_non_null(strstr(f.ui.note, "operators:"));
		fixture_done(&f);
		load(&f, "usual");
		ui_connection(&f.ui, false, "gone");
		action_run(&f.ui, &t[i], "x");
		assert_int_equal(f.writes, 0);
		assert_non_null(strstr(f.ui.note, "no connection"));
		fixture_done(&f);
	}
}

static void hold_is_one_key_without_a_question_on_every_screen(void **state)
{
	static const char *const states[] = { "usual", "busy", "failing" };
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		for (int screen = 1; screen <= 9; screen++) {
			struct fixture f;
			load(&f, states[s]);
			ui_connection(&f.ui, true, "");
			ui_show(&f.ui, screen_by_number(screen));
			fixture_keys(&f, "H");
			assert_string_equal(buf_z(&f.last), "cycle.hold");
			assert_int_equal(f.writes, 1);
			fixture_keys(&f, "?");
			fixture_keys(&f, "H");
			assert_int_equal(f.writes, 2);
			fixture_keys(&f, ": F8");
			assert_int_equal(f.writes, 3);
			fixture_done(&f);
		}
	}
}

static void dead_letters_are_redriven_by_their_number_and_dismissed_with_a_reason(void **state)
{
	static const struct {
		const char *keys;
		int writes;
		const char *params;             /* of the change */
	} rows[] = {
		{ "V Enter", 0, NULL }, { "V 2 Enter", 0, NULL }, { "V 0 Enter", 0, NULL }, { "V y Enter", 0, NULL }, { "V 1 Esc Enter", 0, NULL },
		{ "V 1 Enter", 1, "{\"letters\":[\"3.17\"]}" }, { "Space Space V 2 Enter", 1, "{\"letters\":[\"3.17\",\"3.4\"]}" },
		{ "Space Space V 1 Enter", 0, NULL }, { "W Enter", 0, NULL }, { "W x Esc Enter", 0, NULL },
		{ "j W x Enter", 1, "{\"letters\":[\"3.4\"],\"reason\":\"x\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		load(&f, "usual");
		struct grid g;
		grid_init(&g, 30, 100, false);
		fixture_show(&f, "dead-letters");
		fixture_paint(&f, &g);
		fixture_keys(&f, rows[i].keys);
		grid_done(&g);
		if (f.writes != rows[i].writes)
			fail_msg("%s sent %d changes", rows[i].keys, f.writes);
		if (rows[i].params && strcmp(buf_z(&f.last_params), rows[i].params) != 0)
			fail_msg("%s sent %s %s", rows[i].keys, buf_z(&f.last), buf_z(&f.last_params));
		fixture_done(&f);
	}
}

static void a_second_look_is_a_read_of_the_link_under_the_cursor(void **state)
{
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 30, 100, false);
	fixture_show(&f, "links");
	fixture_paint(&f, &g);
	fixture_keys(&f, "j !");
	assert_string_equal(buf_z(&f.last), "links.diagnose");
	assert_non_null(strstr(buf_z(&f.last_params), "{\"link\":\""));
	assert_int_equal(f.writes, 0);
	grid_done(&g);
	fixture_done(&f);
}

static void a_canary_is_promoted_with_a_reason(void **state)
{
	static const struct {
		const char *keys;
		int writes;
		const char *params;
	} rows[] = {
		{ "j F x Enter", 0, NULL }, { "F Enter", 0, NULL }, { "F p r o m o t e Enter", 0, NULL },
		{ "F p r o m o t e Space o k Enter", 1, "{\"link\":\"exai-daemon\",\"feature\":\"keepalive\",\"to\":\"promote\",\"reason\":\"ok\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		struct grid g;
		load(&f, "usual");
		grid_init(&g, 30, 100, false);
		fixture_show(&f, "links");
		fixture_paint(&f, &g);
		fixture_keys(&f, rows[i].keys);
		if (f.writes != rows[i].writes)
			fail_msg("%s sent %d changes", rows[i].keys, f.writes);
		if (rows[i].params && strcmp(buf_z(&f.last_params), rows[i].params) != 0)
			fail_msg("%s sent %s %s", rows[i].keys, buf_z(&f.last), buf_z(&f.last_params));
		grid_done(&g);
		fixture_done(&f);
	}
}

static void one_item_is_protected_with_a_reason(void **state)
{
	static const struct {
		const char *keys;
		int writes;
		const char *params;
	} rows[] = {
		{ "P Enter", 0, NULL }, { "P x Esc Enter", 0, NULL },
		{ "P x Enter", 1, "{\"lane\":\"kimi\",\"id\":\"d3unb01qmisdua6hob5h07\",\"reason\":\"x\"}" },
		{ "j P x Enter", 1, "{\"lane\":\"kimi\",\"id\":\"d3unb02qmisdua6hob5h14\",\"reason\":\"x\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		load(&f, "usual");
		struct grid g;
		grid_init(&g, 30, 100, false);
		fixture_show(&f, "candidates");
		fixture_paint(&f, &g);
		fixture_keys(&f, rows[i].keys);
		grid_done(&g);
		if (f.writes != rows[i].writes)
			fail_msg("%s sent %d changes", rows[i].keys, f.writes);
		if (rows[i].params && strcmp(buf_z(&f.last_params), rows[i].params) != 0)
			fail_msg("%s sent %s %s", rows[i].keys, buf_z(&f.last), buf_z(&f.last_params));
		fixture_done(&f);
	}
}

static bool stands(const struct grid *g, const char *text)
{
	for (int y = 0; y < g->rows; y++) {
		char line[1024];
		size_t n = 0;
		for (int x = 0; x < g->cols && n < sizeof line - 16; x++)
			n += (size_t)snprintf(line + n, sizeof line - n, "%s", grid_at(g, y, x)->g);
		if (strstr(line, text))
			return true;
	}
	return false;
}

/* What an item's class and the letters of its place mean stands beside them. */
static void an_items_details_are_in_words(void **state)
{
	static const struct {
		const char *keys, *where, *class_;
	} rows[] = {
		{ "Enter", "P O D:  in the lane · its object is there · in a row of the records", "R1:  can be brought back from a verified copy" },
		{ "j Enter", "P n -:  in the lane · no object belongs to it · in no row of the records", "R0:  cannot be brought back" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		struct grid g;
		load(&f, "usual");
		grid_init(&g, 30, 120, false);
		fixture_show(&f, "candidates");
		fixture_paint(&f, &g);
		fixture_keys(&f, rows[i].keys);
		fixture_paint(&f, &g);
		assert_true(stands(&g, rows[i].where));
		assert_true(stands(&g, rows[i].class_));
		grid_done(&g);
		fixture_done(&f);
	}
}

/* The third and the fourth of four links are down: n and N go to them and to no other, round the end. */
static void n_goes_to_the_links_that_are_down(void **state)
{
	static const struct {
		const char *key;
		int row;
	} rows[] = { { "n", 2 }, { "n", 3 }, { "n", 2 }, { "N", 3 }, { "N", 2 }, { "k", 1 }, { "N", 3 } };
	struct fixture f;
	struct grid g;
	(void)state;
	load(&f, "usual");
	grid_init(&g, 40, 120, false);
	fixture_show(&f, "links");
	fixture_paint(&f, &g);
	int first = f.ui.cy;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_keys(&f, rows[i].key);
		fixture_paint(&f, &g);
		assert_int_equal(f.ui.cy - first, rows[i].row);
	}
	for (int i = 0; i < f.ui.model.overview.links; i++)
		f.ui.model.overview.link[i].state = SLICE_LIT("up");
	fixture_keys(&f, "n");
	fixture_paint(&f, &g);
	assert_int_equal(f.ui.cy - first, 3);
	assert_true(stands(&g, "no link is down"));
	grid_done(&g);
	fixture_done(&f);
}

static void what_cannot_work_says_why(void **state)
{
	static const struct {
		const char *id, *says;
	} rows[] = {
		{ "step", "grant needed for kimi" }, { "ack", "there are no failures" }, { "protect", "put the cursor on an item" },
		{ "breaker", "put the cursor on a breaker" }, { "flag", "put the cursor on a link" }, { "redrive", "mark dead letters" },
		{ "dismiss", "mark dead letters" }, { "diagnose", "put the cursor on a link" },
	};
	struct fixture f;
	(void)state;
	load(&f, "usual");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		action_run(&f.ui, action_by_id(slice_of(rows[i].id)), "");
		if (!strstr(f.ui.note, rows[i].says))
			fail_msg("%s says \"%s\"", rows[i].id, f.ui.note);
	}
	assert_int_equal(f.writes, 0);
	fixture_done(&f);
}

/* A screen on which so many items with ids of so many bytes are marked. */
static int picked_items, picked_bytes;

static int picked(struct ui *ui, struct jw *w)
{
	static char id[1 << 21];
	(void)ui;
	memset(id, 'x', sizeof(id));
	for (int i = 0; w && i < picked_items; i++) {
		jw_obj(w);
		jw_kz(w, "lane", "a");
		jw_kstr(w, "id", (struct slice){ id, (size_t)picked_bytes });
		jw_end_obj(w);
	}
	return picked_items;
}

/* Runs the action there and answers its question, if it asks one: bytes of what was sent, 0 = nothing was, and nothing asked. */
static size_t pick(int items, int bytes, const char *note)
{
	static const struct screen_ops marked = { .id = "marked", .picked = picked };
	struct fixture f;
	char count[16];
	load(&f, "usual");
	f.ui.screen = &marked;
	picked_items = items;
	picked_bytes = bytes;
	action_run_pick(&f.ui, "");
	bool asks = f.ui.prompt == PROMPT_ASK;
	snprintf(count, sizeof(count), "%d", items);
	if (asks)
		f.ui.ask_done(&f.ui, count);
	else if (!strstr(f.ui.note, note) || !strstr(f.ui.note, ": at most 10,000 items are picked by hand, in a list of 1 MiB; nothing was started"))
		fail_msg("%d of %d bytes: %s", items, bytes, f.ui.note);
	assert_int_equal(f.writes, asks);
	size_t sent = asks ? f.last_params.n : 0;
	fixture_done(&f);
	return sent;
}

/* The engine ends a connection on which more than 1 MiB comes at once: nothing of the kind is sent, nor asked about. */
static void too_many_picked_are_refused_with_their_number(void **state)
{
	enum { MOST = (1 << 20) - 4096 };       /* the rest of the request needs some of it */
	(void)state;
	size_t one = pick(1, 1, "");
	assert_true(one > 0);
	assert_true(pick(9999, 10, "") > 0);
	assert_true(pick(10000, 10, "") > 0);
	assert_int_equal(pick(10001, 10, "10,001 marked ("), 0);
	int edge = (int)(MOST - one) + 1;
	assert_int_equal(pick(1, edge - 1, ""), MOST - 1);
	assert_int_equal(pick(1, edge, ""), MOST);
	assert_int_equal(pick(1, edge + 1, "1 marked (1.0 MB)"), 0);
	assert_int_equal(pick(10000, 90, "10,000 marked (1.1 MB)"), 0);
}

static void pasted_keys_run_nothing_that_changes(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "usual");
	for (const char *p = "SHARXEKSHARXEK"; *p; p++)
		ui_key(&f.ui, &(struct key){ .code = *p, .pasted = true });
	assert_int_equal(f.writes, 0);
	assert_non_null(strstr(f.ui.note, "pasted"));
	fixture_done(&f);
}

static void a_pasted_line_is_not_an_order(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "usual");
	fixture_keys(&f, ":");
	for (const char *p = "cancel"; *p; p++)
		ui_key(&f.ui, &(struct key){ .code = *p, .pasted = true });
	ui_key(&f.ui, &(struct key){ .code = KEYC_ENTER, .pasted = true });
	assert_int_equal(f.writes, 0);
	fixture_keys(&f, "Enter");
	assert_int_equal(f.writes, 1);
	assert_string_equal(buf_z(&f.last), "cycle.cancel");
	fixture_done(&f);
}

static void the_command_line_completes_and_remembers(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "usual");
	fixture_keys(&f, ":");
	fixture_type(&f, "can");
	fixture_keys(&f, "Tab");
	assert_string_equal(prompt_text(&f.ui.line), "can");     /* candidates and cancel */
	fixture_type(&f, "d");
	fixture_keys(&f, "Tab");
	assert_string_equal(prompt_text(&f.ui.line), "candidates");
	fixture_keys(&f, "Enter");
	assert_ptr_equal(f.ui.screen, &screen_candidates);
	fixture_keys(&f, ": Up");
	assert_string_equal(prompt_text(&f.ui.line), "candidates");
	fixture_keys(&f, "Esc");
	fixture_keys(&f, ":");
	fixture_type(&f, "nonsense");
	fixture_keys(&f, "Enter");
	assert_non_null(strstr(f.ui.note, "no such command: nonsense"));
	fixture_done(&f);
}

static void an_answer_that_is_asked_for_is_needed(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "busy");
	fixture_keys(&f, "X Enter Space Enter");
	assert_int_equal(f.writes, 0);
	fixture_type(&f, "keep wrong files");
	fixture_keys(&f, "Enter");
	assert_string_equal(buf_z(&f.last), "cycle.abort");
	assert_string_equal(buf_z(&f.last_params), "{\"how\":\"keep\",\"reason\":\"wrong files\"}");
	fixture_done(&f);
}

/* Who means restore and forgets why, or writes it otherwise, does not get the opposite. */
static void an_abort_is_what_its_first_word_says(void **state)
{
	static const char *const neither[] = { "restore", "restore ", "keep", "Restore because", "wrong files", "restored, please" };
	struct fixture f;
	(void)state;
	load(&f, "busy");
	for (size_t i = 0; i < ARRAY_LEN(neither); i++) {
		fixture_keys(&f, "X");
		fixture_type(&f, neither[i]);
		fixture_keys(&f, "Enter");
		assert_int_equal(f.writes, 0);
		assert_non_null(strstr(f.ui.note, "nothing was aborted"));
	}
	fixture_keys(&f, "X");
	fixture_type(&f, "restore wrong files");
	fixture_keys(&f, "Enter");
	assert_string_equal(buf_z(&f.last_params), "{\"how\":\"restore\",\"reason\":\"wrong files\"}");
	fixture_done(&f);
}

/* At the smallest size too: a question whose end is cut off is answered without being read. */
static void a_question_is_shown_whole(void **state)
{
	static const char *const asks[][2] = { { "X", "then why" }, { "E", "Esc leaves" }, { "W", "Esc leaves" }, { "V", "Esc leaves" }, { "P", "Esc leaves" },
					       { "B", "Esc leaves" } };
	static const char *const on[] = { "overview", "cycle", "dead-letters", "dead-letters", "candidates", "breakers" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct fixture f;
		struct grid g;
		struct theme theme;
		struct buf out = { 0 };
		load(&f, "busy");
		grid_init(&g, 24, 80, false);
		fixture_show(&f, on[i]);
		fixture_paint(&f, &g);
		fixture_paint(&f, &g);
		fixture_keys(&f, asks[i][0]);
		assert_int_equal(f.ui.prompt, PROMPT_ASK);
		fixture_paint(&f, &g);
		assert_int_equal(theme_parse(&theme, "x", SLICE_LIT(""), NULL), RC_OK);
		term_text_dump(&out, &g, &theme, TEXT_GLYPHS);
		if (!strstr(buf_z(&out), asks[i][1]))
			fail_msg("%s on %s is cut: %s", asks[i][0], on[i], f.ui.ask_label);
		buf_done(&out);
		grid_done(&g);
		fixture_done(&f);
	}
}

static void excluding_names_the_lane_under_the_cursor(void **state)
{
	struct fixture f;
	(void)state;
	load(&f, "usual");
	fixture_keys(&f, "j E");
	fixture_type(&f, "broken");
	fixture_keys(&f, "Enter");
	assert_string_equal(buf_z(&f.last_params), "{\"lane\":\"glm\",\"reason\":\"broken\"}");
	fixture_done(&f);
}

/* ui/KEYS.md is printed from the table; UPDATE=1 writes it. */
static void every_action_is_documented(void **state)
{
	static const char *const kind[] = { [ACT_READ] = "reads", [ACT_WRITE] = "changes", [ACT_DANGER] = "deletes" };
	size_t n;
	const struct action *t = action_table(&n);
	struct buf want = { 0 }, have = { 0 };
	char path[512];
	(void)state;
	buf_adds(&want, "# Keys and commands of the console\n\nPrinted from the action table (`ui/action.c`).\n\n"
		 "| key | after `:` | | what it does |\n|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		buf_addf(&want, "| %s%s%s | `%s%s%s` | %s | %s |\n", *t[i].keys ? "`" : "", t[i].keys, *t[i].keys ? "`" : "", t[i].id,
			 t[i].arg ? " " : "", t[i].arg ? t[i].arg : "", kind[t[i].kind], t[i].help);
	}
	snprintf(path, sizeof(path), "%s/ui/KEYS.md", top());
	if (getenv("UPDATE") && !getenv("CI")) {
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		fwrite(want.p, 1, want.n, file);
		fclose(file);
	}
	fixture_read(&have, path);
	assert_string_equal(buf_z(&have), buf_z(&want));
	buf_done(&have);
	buf_done(&want);
}

static void every_write_of_the_protocol_is_known_as_one(void **state)
{
	static const char *const writes[] = { "cycle.start", "cycle.step", "cycle.resume", "cycle.hold", "cycle.ack", "cycle.cancel", "lane.exclude",
					      "mode.set", "engine.stop", "grant.approve", "grant.reject", "grant.submit", "cycle.abort", "", "no.such" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		assert_false(client_method_reads(writes[i]));
}

static void key_bars_name_actions_that_exist(void **state)
{
	(void)state;
	for (size_t i = 0; screens[i]; i++) {
		for (const char *p = screens[i]->bar; p && *p;) {
			struct slice word = { p, strcspn(p, " ") };
			assert_non_null(action_by_id(word));
			p += word.n + strspn(p + word.n, " ");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_is_unique_and_says_what_it_does),
		cmocka_unit_test(every_key_can_be_typed_and_is_bound_once),
		cmocka_unit_test(small_letters_never_change_anything),
		cmocka_unit_test(a_watcher_can_run_nothing_but_reads),
		cmocka_unit_test(nobody_and_the_disconnected_can_change_nothing),
		cmocka_unit_test(hold_is_one_key_without_a_question_on_every_screen),
		cmocka_unit_test(a_second_look_is_a_read_of_the_link_under_the_cursor),
		cmocka_unit_test(a_canary_is_promoted_with_a_reason), cmocka_unit_test(one_item_is_protected_with_a_reason),
		cmocka_unit_test(dead_letters_are_redriven_by_their_number_and_dismissed_with_a_reason),
		cmocka_unit_test(an_items_details_are_in_words),
		cmocka_unit_test(n_goes_to_the_links_that_are_down),
		cmocka_unit_test(what_cannot_work_says_why),
		cmocka_unit_test(too_many_picked_are_refused_with_their_number),
		cmocka_unit_test(pasted_keys_run_nothing_that_changes),
		cmocka_unit_test(a_pasted_line_is_not_an_order),
		cmocka_unit_test(the_command_line_completes_and_remembers),
		cmocka_unit_test(an_answer_that_is_asked_for_is_needed),
		cmocka_unit_test(an_abort_is_what_its_first_word_says),
		cmocka_unit_test(a_question_is_shown_whole),
		cmocka_unit_test(excluding_names_the_lane_under_the_cursor),
		cmocka_unit_test(every_action_is_documented),
		cmocka_unit_test(every_write_of_the_protocol_is_known_as_one),
		cmocka_unit_test(key_bars_name_actions_that_exist),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui actions", tests, NULL, NULL);
}
