/* misuse [SEQUENCES [SEED]]: sequences of keys near the right one, each with at least one thing wrong, must
 * never approve; the deliberate one, with typing mistakes that were corrected, approves exactly once.
 * The same for aborting; and hold works from every screen, page and prompt in every state.
 * Prints one line of figures; a sequence that misbehaves is named with its seed, which plays it again. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/ui/fixture.h"
#include "ui/screens/approve.h"
#include "ui/screens/screens.h"

static struct grid g;
static struct buf usual;
static struct rng rng;
static uint64_t seed;

#define PHRASE "DELETE 412 kimi 9f3c"
#define SECOND "IRREVERSIBLE 37"

static int below(int n) { return (int)rng_below(&rng, (uint64_t)n); }

PRINTF_LIKE(1, 2) static _Noreturn void broken(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("not ok seed %llu: ", (unsigned long long)seed);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	exit(1);
}

/* ---- hands ---- */

static void on_key(void *ctx, const struct key *k) { ui_key(&((struct fixture *)ctx)->ui, k); }

static void feed(struct fixture *f, const char *bytes, size_t n)
{
	struct keys keys;
	keys_init(&keys);
	keys_feed(&keys, (struct slice){ bytes, n }, on_key, f);
}

static void feed_z(struct fixture *f, const char *bytes) { feed(f, bytes, strlen(bytes)); }

/* As a hand types: at most seven bytes come in one read; now and then a wrong letter is taken back. */
static void type_slowly(struct fixture *f, const char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		size_t some = (size_t)(1 + below(7)), n = MIN(some, left);
		if (below(20) == 0) {
			fixture_type(f, "x");
			fixture_keys(f, "Backspace");
		}
		feed(f, text, n);
		text += n;
		left -= n;
	}
}

static void paint(struct fixture *f, int rows, int cols)
{
	grid_resize(&g, rows, cols);
	fixture_paint(f, &g);
}

/* ---- what can be wrong with a phrase ---- */

static void near_miss(char *dst, size_t cap, const char *phrase)
{
	static const char *const others[] = { "DELETE 413 kimi 9f3c", "DELETE 411 kimi 9f3c", "DELETE 412 glm 9f3c", "DELETE 412 kimi 7c1e",
		"DELETE 412 kimi", "IRREVERSIBLE 38", "IRREVERSIBLE 412", "yes", "y", "DELETE", "delete 412 kimi 9f3c", "DELETE 412 kimi 9F3C" };
	size_t n = strlen(phrase), at = (size_t)below((int)n);
	switch (below(6)) {
	case 0:                         /* a letter changed */
		snprintf(dst, cap, "%s", phrase);
		dst[at] = dst[at] == '7' ? '8' : '7';
		break;
	case 1:                         /* dropped */
		snprintf(dst, cap, "%.*s%s", (int)at, phrase, phrase + at + 1);
		break;
	case 2:                         /* twice */
		snprintf(dst, cap, "%.*s%c%s", (int)at, phrase, phrase[at], phrase + at);
		break;
	case 3:                         /* neighbours swapped, unless they are the same */
		snprintf(dst, cap, "%s", phrase);
		at = MIN(at, n - 2);
		dst[at] = phrase[at + 1];
		dst[at + 1] = phrase[at];
		if (dst[at] == dst[at + 1])
			dst[at] = '#';
		break;
	case 4:                         /* blank before or after */
		snprintf(dst, cap, below(2) ? " %s" : "%s ", phrase);
		break;
	default:
		snprintf(dst, cap, "%s", others[below((int)ARRAY_LEN(others))]);
		if (strcmp(dst, phrase) == 0)
			dst[0] = '#';
		break;
	}
}

/* ---- what can be wrong with a sequence ---- */

#define DEFECTS(X) \
	X(PHRASE_NEAR, "a near phrase") X(SECOND_NEAR, "a near second phrase") X(PHRASE_MISSING, "no first phrase") \
	X(SECOND_MISSING, "Enter after one line") X(SWAPPED, "the phrases in each other's place") X(NO_REASON, "no reason") \
	X(BLANK_REASON, "a blank reason") X(BEFORE_PAINT, "typed before the first paint") X(BRACKET_PASTE, "a phrase pasted in brackets") \
	X(RAW_PASTE, "a phrase that came in one read") X(PASTE_ENTER, "a paste that brings its Enter") \
	X(SECOND_PASTE, "a second phrase that was pasted") X(NEW_PLAN, "another plan before Enter") X(PLAN_INVALID, "an invalid plan before Enter") \
	X(PLAN_GONE, "no plan before Enter") X(PLAN_LATE, "a plan that ran out") X(GRANTED, "a lane that was granted meanwhile") \
	X(FORBIDDEN, "what the engine forbids") X(SMALL, "a window too small") X(STALE, "a stale picture") X(LOST, "a lost engine") \
	X(COOLING, "three wrong phrases before it") X(LEFT, "left and entered again") X(WATCHING, "a watcher") X(NO_ENTER, "no Enter") \
	X(OTHER_KEYS, "other keys in place of Enter")

enum defect {
#define X(e, w) D_##e,
	DEFECTS(X)
#undef X
	D_COUNT
};
static const char *const words[] = {
#define X(e, w) w,
	DEFECTS(X)
#undef X
};

struct plan_of {
	bool has[D_COUNT];
};

static void fill_phrase(struct fixture *f, const struct plan_of *p, const char *phrase, enum defect near, enum defect missing)
{
	char text[64];
	if (p->has[missing])
		return;
	if (p->has[near]) {
		near_miss(text, sizeof(text), phrase);
		type_slowly(f, text);
	} else {
		type_slowly(f, phrase);
	}
}

static void first_phrase(struct fixture *f, const struct plan_of *p)
{
	static const char *const with_enter[] = { "\033[200~" PHRASE "\t" SECOND "\r\033[201~", PHRASE "\t" SECOND "\r", PHRASE "\r" };
	if (p->has[D_BRACKET_PASTE])
		feed_z(f, "\033[200~" PHRASE "\033[201~");
	else if (p->has[D_PASTE_ENTER])
		feed_z(f, with_enter[below((int)ARRAY_LEN(with_enter))]);
	else if (p->has[D_RAW_PASTE])
		feed_z(f, PHRASE);
	else
		fill_phrase(f, p, p->has[D_SWAPPED] ? SECOND : PHRASE, D_PHRASE_NEAR, D_PHRASE_MISSING);
}

static void second_phrase(struct fixture *f, const struct plan_of *p)
{
	if (p->has[D_SECOND_PASTE])
		feed_z(f, SECOND);
	else
		fill_phrase(f, p, p->has[D_SWAPPED] ? PHRASE : SECOND, D_SECOND_NEAR, D_SECOND_MISSING);
}

/* What happens in the world between the last letter and Enter. */
static void happens(struct fixture *f, const struct plan_of *p)
{
	struct m_cycle *c = &f->ui.model.cycle;
	if (p->has[D_NEW_PLAN])
		c->plan_id = SLICE_LIT("9f3c21ab77e04d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4e");
	if (p->has[D_PLAN_INVALID]) {
		c->plan_valid = false;
		c->plan_invalid_because = SLICE_LIT("the policy changed");
	}
	if (p->has[D_PLAN_GONE])
		c->has_plan = false;
	if (p->has[D_PLAN_LATE])
		f->ui.now.wall_us = approve_state(&f->ui)->plan.expires_us + below(3);
	if (p->has[D_GRANTED] && c->lanes > 0)
		c->lane[0].granted = 1 + below(412);
	if (p->has[D_FORBIDDEN])
		c->can.approve = SLICE_LIT("the mode is observe");
	if (p->has[D_SMALL])
		paint(f, 23 - below(3) * 5, 79 + below(40));
	if (p->has[D_STALE])
		f->ui.silent_us = 12000000;
	if (p->has[D_LOST])
		ui_connection(&f->ui, false, "reset");
	if (below(2) && !p->has[D_SMALL])
		paint(f, 30, 100);
}

static void three_wrong(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		type_slowly(f, "wrong");
		fixture_keys(f, "Enter");
	}
}

static void enters(struct fixture *f, const struct plan_of *p)
{
	static const char *const other[] = { "Tab", "Down", "Left", "Space", "End", "PgDn", "Ctrl-L" };
	if (p->has[D_NO_ENTER])
		return;
	for (int n = 1 + below(3); n > 0; n--)
		fixture_keys(f, p->has[D_OTHER_KEYS] ? other[below((int)ARRAY_LEN(other))] : "Enter");
}

/* Opens the page and goes to the first phrase. */
static void begins(struct fixture *f, const struct plan_of *p)
{
	fixture_keys(f, "A");
	if (!p->has[D_BEFORE_PAINT])
		paint(f, 30, 100);
	fixture_keys(f, "Tab Tab");
	if (!p->has[D_NO_REASON])
		type_slowly(f, p->has[D_BLANK_REASON] ? "   " : "monthly quota");
	fixture_keys(f, "Tab");
}

static void plays(struct fixture *f, const struct plan_of *p)
{
	f->ui.watch = p->has[D_WATCHING];
	begins(f, p);
	if (p->has[D_COOLING])
		three_wrong(f);
	first_phrase(f, p);
	fixture_keys(f, "Tab");
	second_phrase(f, p);
	if (p->has[D_LEFT]) {
		fixture_keys(f, "Esc A");
		paint(f, 30, 100);
		fixture_keys(f, below(2) ? "Tab Tab Tab" : "Tab Tab");
	}
	happens(f, p);
	f->silent = true;               /* the answer is still under way when Enter comes again */
	enters(f, p);
}

static void one_sequence(uint64_t n, bool deliberate)
{
	struct plan_of p = { 0 };
	struct fixture f;
	char why[400] = "";
	seed = n;
	rng_seed(&rng, n);
	for (int i = deliberate ? 0 : 1 + (below(3) == 0) + (below(9) == 0); i > 0; i--)
		p.has[below(D_COUNT)] = true;
	fixture_parse(&f, buf_slice(&usual), false);
	grid_init(&g, 30, 100, false);
	fixture_paint(&f, &g);
	plays(&f, &p);
	for (int i = 0; i < D_COUNT; i++)
		if (p.has[i])
			snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s%s", why[0] ? ", " : "", words[i]);
	if (!deliberate && f.writes)
		broken("approved with %s: %s %s", why, buf_z(&f.last), buf_z(&f.last_params));
	if (deliberate && (f.writes != 1 || !slice_is(buf_slice(&f.last), "grant.approve")))
		broken("the deliberate sequence approved %d times", f.writes);
	fixture_done(&f);
	grid_done(&g);
}

/* ---- aborting, and what does not exist yet ---- */

static void one_abort(uint64_t n)
{
	static const struct {
		const char *keys, *bytes;
		int writes;
	} way[] = {
		{ "X Enter", "", 0 }, { "X Space Space Enter", "", 0 }, { "X k e e p Space s t o p Esc Enter", "", 0 },
		{ "x k e e p Space s t o p Enter", "", 0 },
		{ "X", "\033[200~keep it\r\033[201~", 0 },        /* short: longer ones are a paste by their speed */
		{ "X", "\033[200~keep it\n\n\r\033[201~", 0 }, { "X Esc", "keep it\r", 0 },
		{ "X s t o p Enter", "", 0 }, { "X r e s t o r e Enter", "", 0 }, { "X k e e p Enter Enter", "", 0 },
		{ "X k e e p Space s t o p Enter", "", 1 }, { "X r e s t o r e Space i t Enter Enter Enter", "", 1 },
		{ "B y Enter", "", 0 }, { "W y Enter", "", 0 }, { "V 1 Enter", "", 0 }, { "F y Enter", "", 0 },
	};
	struct fixture f;
	seed = n;
	rng_seed(&rng, n);
	size_t i = (size_t)below((int)ARRAY_LEN(way));
	fixture_parse(&f, buf_slice(&usual), false);
	f.silent = false;
	grid_init(&g, 30, 100, false);
	fixture_show(&f, below(2) ? "overview" : "cycle");
	fixture_paint(&f, &g);
	fixture_keys(&f, way[i].keys);
	feed_z(&f, way[i].bytes);
	if (f.writes != way[i].writes)
		broken("%s sent %d changes (%s), not %d", way[i].keys, f.writes, buf_z(&f.last), way[i].writes);
	fixture_done(&f);
	grid_done(&g);
}

/* ---- holding ---- */

static int holds(void)
{
	static const char *const states[] = { "empty", "usual", "busy", "failing" }, *const before[] = { "", "?", "A", "A Tab", ":", ":  h", "/", "X", "X a", "Enter", "? Down" };
	int n = 0;
	for (size_t s = 0; s < ARRAY_LEN(states); s++)
		for (size_t b = 0; b < ARRAY_LEN(before); b++)
			for (size_t i = 0; screens[i] && screens[i]->number; i++, n++) {
				char path[512];
				struct fixture f;
				snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", getenv("SLUICE_TOP") ? getenv("SLUICE_TOP") : ".", states[s]);
				fixture_load(&f, path, false);
				f.ui.model.hello.role = SLICE_LIT("operator");
				ui_connection(&f.ui, true, "");
				grid_init(&g, 30, 100, false);
				ui_show(&f.ui, screens[i]);
				fixture_paint(&f, &g);
				fixture_keys(&f, before[b]);
				f.writes = 0;
				fixture_keys(&f, "F8");
				if (f.writes != 1 || !slice_is(buf_slice(&f.last), "cycle.hold"))
					broken("hold from %s in %s after \"%s\" sent %d changes, last %s", screens[i]->name, states[s], before[b], f.writes, buf_z(&f.last));
				fixture_done(&f);
				grid_done(&g);
			}
	return n;
}

int main(int argc, char **argv)
{
	const char *top = getenv("SLUICE_TOP");
	char path[512];
	long long n = argc > 1 ? atoll(argv[1]) : 2000, first = argc > 2 ? atoll(argv[2]) : 1, deliberate = 0;
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/usual.json", top ? top : ".");
	fixture_read(&usual, path);
	for (long long i = 0; i < n; i++) {
		bool meant = i % 20 == 0;
		deliberate += meant;
		one_sequence((uint64_t)(first + i), meant);
		if (i % 10 == 0)
			one_abort((uint64_t)(first + i));
	}
	printf("ok %lld sequences near the right one approved nothing, %lld deliberate ones approved once each, %lld around aborting, hold from %d places\n",
	       n - deliberate, deliberate, (n + 9) / 10, holds());
	buf_done(&usual);
	return 0;
}
