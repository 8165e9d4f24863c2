/* Every built screen, at three sizes, in three looks, over four states of the world, against the file
 * of the same name in tests/ui/golden. UPDATE=1 writes them anew (never in CI): read the diff. */
#include "tests/unit/unit.h"

#include "tests/ui/fixture.h"
#include "ui/term.h"

static const char *const names[] = { "overview", "links", "breakers", "candidates", "cycle", "dead-letters", "audit", "policies", "checks", "approve" };
static const char *const states[] = { "empty", "usual", "busy", "failing" };
static const struct {
	int rows, cols;
} sizes[] = { { 24, 80 }, { 30, 100 }, { 60, 200 } };
static const struct {
	const char *name, *theme;
	bool ascii;
	enum text_styles styles;
} looks[] = {
	{ "dark", "dark", false, TEXT_ROLES },
	{ "mono", "mono", false, TEXT_ATTRS },
	{ "ascii", "dark", true, TEXT_GLYPHS },
};

static const char *top(void)
{
	const char *t = getenv("SLUICE_TOP");
	return t ? t : ".";
}

/* What a person did there before the picture: keys, then letters, then keys. */
struct moment {
	const char *name, *screen, *before, *letters, *after;
};

static void draw_moment(struct fixture *f, const struct moment *m, size_t size, size_t look, struct buf *out)
{
	struct grid g;
	struct theme theme;
	fixture_show(f, m->screen);
	grid_init(&g, sizes[size].rows, sizes[size].cols, looks[look].ascii);
	fixture_paint(f, &g);
	fixture_paint(f, &g);                   /* the second frame has what the first one asked for */
	fixture_keys(f, m->before);
	fixture_type(f, m->letters);
	fixture_keys(f, m->after);
	fixture_paint(f, &g);
	assert_int_equal(theme_parse(&theme, "x", SLICE_LIT(""), NULL), RC_OK);
	assert_int_equal(theme_load(&theme, looks[look].theme, strcmp(looks[look].theme, "mono") == 0, NULL), RC_OK);
	term_text_dump(out, &g, &theme, looks[look].styles);
	buf_addf(out, "== cursor %d %d ==\n", f->ui.cy, f->ui.cx);
	grid_done(&g);
}

static void draw(struct fixture *f, const char *screen, size_t size, size_t look, struct buf *out)
{
	const struct moment m = { screen, screen, "", "", "" };
	draw_moment(f, &m, size, look, out);
}

static void draw_file(const char *state, const char *screen, size_t size, size_t look, struct buf *out)
{
	struct fixture f;
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top(), state);
	fixture_load(&f, path, looks[look].ascii);
	draw(&f, screen, size, look, out);
	fixture_done(&f);
}

static void write_golden(const char *path, const struct buf *b)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(b->p, 1, b->n, file), b->n);
	fclose(file);
}

static bool same_as_golden(const char *name, const struct buf *got)
{
	char path[512], mine[160];
	struct buf want = { 0 };
	snprintf(path, sizeof(path), "%s/tests/ui/golden/%s.txt", top(), name);
	if (getenv("UPDATE") && getenv("CI"))
		fail_msg("UPDATE is refused in CI: a golden is approved by a person who read its diff");
	if (getenv("UPDATE")) {
		write_golden(path, got);
		return true;
	}
	if (access(path, R_OK) != 0) {
		print_message("there is no golden %s\n", path);
		return false;
	}
	fixture_read(&want, path);
	bool same = slice_eq(buf_slice(&want), buf_slice(got));
	if (!same) {
		snprintf(mine, sizeof(mine), "golden-%s.txt", name);
		write_golden(mine, got);
		print_message("%s differs: diff %s %s\n", name, path, mine);
	}
	buf_done(&want);
	return same;
}

static void every_screen_looks_as_it_was_approved(void **state)
{
	int bad = 0;
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(states); s++)
		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			for (size_t z = 0; z < ARRAY_LEN(sizes); z++)
				for (size_t l = 0; l < ARRAY_LEN(looks); l++) {
					char name[128];
					struct buf got = { 0 };
					snprintf(name, sizeof(name), "%s-%s-%dx%d-%s", names[n], states[s], sizes[z].cols,
						 sizes[z].rows, looks[l].name);
					draw_file(states[s], names[n], z, l, &got);
					bad += !same_as_golden(name, &got);
					buf_done(&got);
				}
	assert_int_equal(bad, 0);
}

static const struct moment moments[] = {
	{ "filter-offers", "candidates", "/", "lane:kimi !pr", "" },
	{ "filter-wrong", "candidates", "/", "age>30 kept", "Enter" },
	{ "filtered", "candidates", "/", "lane:kimi age>30d !protected", "Enter o j j Enter" },
	{ "sort-menu", "candidates", "o", "", "j Right" },
	{ "scrolled", "candidates", "l l", "", "" },
	{ "command-offers", "overview", ":", "start ", "" },
	{ "verified", "audit", "v", "", "" },
};

/* The usual world, at two sizes. */
static void every_moment_looks_as_it_was_approved(void **state)
{
	int bad = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++)
		for (size_t z = 0; z < 2; z++)
			for (size_t l = 0; l < ARRAY_LEN(looks); l++) {
				char name[128], path[512];
				struct fixture f;
				struct buf got = { 0 };
				snprintf(path, sizeof(path), "%s/tests/ui/fixtures/usual.json", top());
				snprintf(name, sizeof(name), "moment-%s-%dx%d-%s", moments[i].name, sizes[z].cols, sizes[z].rows, looks[l].name);
				fixture_load(&f, path, looks[l].ascii);
				draw_moment(&f, &moments[i], z, l, &got);
				bad += !same_as_golden(name, &got);
				for (size_t k = 0; looks[l].ascii && k < got.n; k++)
					assert_true((unsigned char)got.p[k] < 0x80);
				fixture_done(&f);
				buf_done(&got);
			}
	assert_int_equal(bad, 0);
}

static void ascii_screens_hold_nothing_but_ascii(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(states); s++)
		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			struct buf got = { 0 };
			draw_file(states[s], names[n], 1, 2, &got);
			for (size_t i = 0; i < got.n; i++)
				assert_true((unsigned char)got.p[i] < 0x80);
			buf_done(&got);
		}
}

/* A screen that would look the same with another truth behind it is worse than none. */
static const struct {
	const char *fixture, *find, *replace, *screen;
} twins[] = {
	{ "usual", "\"mode\": \"armed\"", "\"mode\": \"observe\"", "overview" },
	{ "usual", "\"items\": 412", "\"items\": 413", "overview" },
	{ "usual", "\"state\": \"jammed\"", "\"state\": \"up\"", "overview" },
	{ "usual", "\"candidates\": 412", "\"candidates\": null", "overview" },
	{ "usual", "\"listed\": 987", "\"listed\": null", "overview" },
	{ "usual", "\"irreversible\": 37", "\"irreversible\": 0", "overview" },
	{ "usual", "\"short\": \"7c1e 90ab 44d2\"", "\"short\": \"7c1e 90ab 44d3\"", "overview" },
	{ "usual", "\"excluded\": {\"by\": \"alice\"", "\"excluded\": {\"by\": \"bob\"", "overview" },
	{ "usual", "\"state\": \"half-open\"", "\"state\": \"closed\"", "overview" },
	{ "usual", "\"operator\": \"alice\"", "\"operator\": \"mallory\"", "overview" },
	{ "usual", "\"state\": \"jammed\"", "\"state\": \"up\"", "links" },
	{ "usual", "\"close_code\": 1011", "\"close_code\": 1006", "links" },
	{ "failing", "{\"name\": \"hello\", \"us\": null, \"state\": \"failed\"}", "{\"name\": \"hello\", \"us\": null, \"state\": \"skipped\"}", "links" },
	{ "failing", "replace it and restart the link", "it will pass", "links" },
	{ "failing", "\"window\": \"BBBBBBBBBB\"", "\"window\": \"BBBBBBBBBS\"", "breakers" },
	{ "failing", "\"state\": \"open\"", "\"state\": \"closed\"", "breakers" },
	{ "failing", "\"retry_budget_left\": 3", "\"retry_budget_left\": 4", "breakers" },
	{ "failing", "it goes on by itself when", "it never goes on when", "checks" },
	{ "usual", "\"verified to #18100\"", "\"verified to #18000\"", "checks" },
	{ "failing", "\"state\": \"warn\"", "\"state\": \"pass\"", "checks" },
	{ "usual", "\"match\": \"any\"", "\"match\": \"all\"", "policies" },
	{ "usual", "\"cap_remain\": 200", "\"cap_remain\": 0", "policies" },
	{ "usual", "\"verdict\": \"protected\"", "\"verdict\": \"candidate\"", "candidates" },
	{ "usual", "\"total\": 4812", "\"total\": 4813", "candidates" },
	{ "usual", "\"bytes\": 94865433", "\"bytes\": null", "candidates" },
	{ "empty", "\"policies\": []", "\"policies\": [{\"name\": \"clean\"}]", "policies" },
	{ "empty", "\"state\": \"unknown\"", "\"state\": \"fail\"", "checks" },
	{ "usual", "\"belief\": \"maybe_deleted\"", "\"belief\": \"exists\"", "dead-letters" },
	{ "busy", "\"total\": 12345", "\"total\": 64", "dead-letters" },
	{ "busy", "\"F\": 8", "\"F\": 9", "cycle" },
	{ "busy", "\"in_flight\": 8", "\"in_flight\": 0", "cycle" },
	{ "busy", "\"control_present\": 3", "\"control_present\": 2", "cycle" },
	{ "busy", "\"outcome\": \"unknown\"", "\"outcome\": \"deleted\"", "cycle" },
	{ "busy", "\"balanced\": true", "\"balanced\": false", "cycle" },
	{ "failing", "\"ack_needed\": 72", "\"ack_needed\": null", "cycle" },
	{ "usual", "\"kind\": \"grant.proposed\"", "\"kind\": \"grant.rejected\"", "audit" },
	{ "usual", "\"verified_seq\": 18100", "\"verified_seq\": null", "audit" },
	{ "usual", "\"R0\": 37, \"R1\": 375", "\"R0\": 0, \"R1\": 412", "approve" },
	{ "usual", "\"key\": \"\\u2026a41f\"", "\"key\": \"\\u2026b52e\"", "approve" },
	{ "usual", "\"blind\": [\"chats\"]", "\"blind\": []", "approve" },
	{ "usual", "\"claims\": true", "\"claims\": false", "approve" },
	{ "usual", "\"complete\": true", "\"complete\": false", "approve" },
	{ "usual", "\"listed\": 987", "\"listed\": 98700", "approve" },
	{ "usual", "\"share_bp\": 5000", "\"share_bp\": 9000", "approve" },
	{ "usual", "\"removed\": 4", "\"removed\": 5", "approve" },
	{ "usual", "\"url\": \"https://api.moonshot.ai/v1\"", "\"url\": \"https://api.moonshot.cn/v1\"", "approve" },
};

static void replace_all(struct buf *out, struct slice in, const char *find, const char *replace, int *hits)
{
	size_t n = strlen(find);
	for (size_t i = 0; i < in.n;) {
		if (in.n - i >= n && memcmp(in.p + i, find, n) == 0) {
			buf_adds(out, replace);
			i += n;
			++*hits;
		} else {
			buf_addc(out, in.p[i++]);
		}
	}
}

static void a_wrong_twin_looks_different(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(twins); i++) {
		struct buf text = { 0 }, twin = { 0 }, right = { 0 }, wrong = { 0 };
		struct fixture f;
		char path[512];
		int hits = 0;
		snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top(), twins[i].fixture);
		fixture_read(&text, path);
		replace_all(&twin, buf_slice(&text), twins[i].find, twins[i].replace, &hits);
		if (hits == 0)
			fail_msg("%s is not in %s", twins[i].find, twins[i].fixture);
		fixture_parse(&f, buf_slice(&text), false);
		draw(&f, twins[i].screen, 1, 2, &right);
		fixture_done(&f);
		fixture_parse(&f, buf_slice(&twin), false);
		draw(&f, twins[i].screen, 1, 2, &wrong);
		fixture_done(&f);
		if (slice_eq(buf_slice(&right), buf_slice(&wrong)))
			fail_msg("%s shows the same for %s and %s", twins[i].screen, twins[i].find, twins[i].replace);
		buf_done(&text);
		buf_done(&twin);
		buf_done(&right);
		buf_done(&wrong);
	}
}

static void every_size_from_one_cell_up_can_be_painted(void **state)
{
	static const int side[] = { 1, 2, 3, 5, 7, 12, 19, 40, 79, 133 };
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		struct fixture f;
		char path[512];
		snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top(), states[s]);
		fixture_load(&f, path, false);
		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			fixture_show(&f, names[n]);
			for (size_t y = 0; y < ARRAY_LEN(side); y++)
				for (size_t x = 0; x < ARRAY_LEN(side); x++) {
					struct grid g;
					grid_init(&g, side[y], side[x], false);
					fixture_paint(&f, &g);
					grid_done(&g);
				}
		}
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_screen_looks_as_it_was_approved),
		cmocka_unit_test(every_moment_looks_as_it_was_approved),
		cmocka_unit_test(ascii_screens_hold_nothing_but_ascii),
		cmocka_unit_test(a_wrong_twin_looks_different),
		cmocka_unit_test(every_size_from_one_cell_up_can_be_painted),
	};
	if (getenv("UPDATE") && getenv("CI")) {
		fprintf(stderr, "UPDATE is refused in CI: goldens are looked at before they are committed\n");
		return 2;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui goldens", tests, NULL, NULL);
}
