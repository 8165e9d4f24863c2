/* Every state of the engine, from the tables of its own headers, on the screen that shows it, in
 * monochrome: its row has a mark and a word, the word stands where the state stands, and no two states
 * of a kind share one. Prints "N states of K kinds"; a state without a word ends it with exit status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cleanup/cycle.h"
#include "cleanup/policy.h"
#include "engine/health.h"
#include "engine/internal.h"
#include "engine/view.h"
#include "link/link.h"
#include "store/audit.h"
#include "tests/ui/fixture.h"
#include "ui/look.h"
#include "ui/term.h"

#define NONCE "zqjkv"

static const char *const cycle_stages[] = {
#define X(e, w) w,
	CYCLE_STAGES(X)
#undef X
};
static const char *const cycle_ends[] = {
#define X(e, w) w,
	CYCLE_ENDS(X)
#undef X
};
static const char *const items[] = {
#define X(e, w) w,
	ITEM_STATES(X)
#undef X
	"unclear", "repeat", "withdrawn"        /* of one attempt, not of an item */
};
static const char *const phases[] = {
#define X(e, w) w,
	LANE_PHASES(X)
#undef X
	"canary", "batch", "held"               /* parts of "sending", and a halted lane */
};
static const char *const verdicts[] = {
#define X(e, w) w,
	VERDICTS(X)
#undef X
};
static const char *const links[] = {
#define X(e, w) w,
	LINK_STATES(X)
#undef X
};
static const char *const breakers[] = {
#define X(e, w) w,
	BREAKER_STATES(X)
#undef X
};
static const char *const checks[] = {
#define X(e, w) w,
	HEALTHS(X)
#undef X
};
static const char *const modes[] = {
#define X(e, w) w,
	ENGINE_MODES(X)
#undef X
};
static const char *const cycles[] = {
#define X(e, w) w,
	VIEW_CYCLE_STATES(X)
#undef X
};
static const char *const failures[] = {
#define X(e, w) w,
	RETRY_CLASSES(X)
#undef X
};
static const char *const audits[] = {
#define X(e, w) w,
	AUDIT_KINDS(X)
#undef X
};
static const char *const grants[] = { "proposed", "active", "lapsed", "revoked", "spent" };
static const char *const beliefs[] = { "row_conflict", "maybe_deleted", "exists" };
static const char *const rungs[] = { "passed", "failed", "skipped" };
static const char *const classes[] = { "R0", "R1", "R2", "R3" };

enum { PLAIN = -1 };                            /* shown by its own word */

static const struct kind {
	const char *what, *fixture, *screen;
	const char *before, *after;             /* the state stands between them in the fixture */
	int look;
	const char *const *state;
	size_t states;
} kinds[] = {
#define OF(t) t, ARRAY_LEN(t)
	{ "mode", "usual", "overview", "\"mode\": \"", "armed\"", LOOK_MODE, OF(modes) },
	{ "link", "usual", "links", "\"state\": \"", "jammed\"", LOOK_LINK, OF(links) },
	{ "link on the overview", "usual", "overview", "\"state\": \"", "jammed\"", LOOK_LINK, OF(links) },
	{ "rung", "failing", "links", "\"name\": \"hello\", \"us\": null, \"state\": \"", "failed\"", LOOK_RUNG, OF(rungs) },
	{ "breaker", "usual", "breakers", "\"state\": \"", "half-open\"", LOOK_BREAKER, OF(breakers) },
	{ "breaker on the overview", "usual", "overview", "\"state\": \"", "half-open\"", LOOK_BREAKER, OF(breakers) },
	{ "stage", "busy", "cycle", "{\"name\": \"", "COMMITTING\"", PLAIN, OF(cycle_stages) },
	{ "cycle", "failing", "cycle", "\"state\": \"", "held\"", PLAIN, OF(cycles) },
	{ "cycle on the overview", "failing", "overview", "\"state\": \"", "held\"", PLAIN, OF(cycles) },
	{ "end", "failing", "cycle", "\"state\": \"held\",", "\"end\": null", PLAIN, OF(cycle_ends) },
	{ "phase", "busy", "cycle", "\"phase\": \"", "sending\"", LOOK_PHASE, OF(phases) },
	{ "item", "busy", "cycle", "\"name\": \"README\", \"outcome\": \"", "failed\"", LOOK_OUTCOME, OF(items) },
	{ "failure", "busy", "cycle", "\"outcome\": \"failed\", \"class\": \"", "server_error\"", PLAIN, OF(failures) },
	{ "grant", "busy", "cycle", "\"state\": \"", "active\"", PLAIN, OF(grants) },
	{ "verdict", "usual", "candidates", "\"verdict\": \"", "protected\"", LOOK_VERDICT, OF(verdicts) },
	{ "class", "usual", "candidates", "\"rule\": \"orphan\", \"class\": \"", "R0\"", PLAIN, OF(classes) },
	{ "letter", "usual", "dead-letters", "\"belief\": \"", "maybe_deleted\"", LOOK_BELIEF, OF(beliefs) },
	{ "check", "failing", "checks", "\"state\": \"", "warn\"", LOOK_CHECK, OF(checks) },
	{ "record", "usual", "audit", "\"kind\": \"", "grant.proposed\"", PLAIN, OF(audits) },
#undef OF
};

/* The fixture's text with `state` at the kind's place, everywhere it stands. */
static void with_state(struct buf *out, struct slice in, const struct kind *k, const char *state)
{
	char find[200];
	snprintf(find, sizeof(find), "%s%s", k->before, k->after);
	const char *at = memmem(in.p, in.n, find, strlen(find));
	bool quoted = strchr(k->after, '"') == k->after;
	if (!strcmp(k->what, "end")) {          /* two members: how it ended counts once it has */
		static const char held[] = "\"state\": \"held\"", none[] = "\"end\": null";
		const char *s = memmem(in.p, in.n, held, strlen(held)), *e = memmem(in.p, in.n, none, strlen(none));
		if (!s || !e || e < s)
			die("words: no cycle in %s", k->fixture);
		buf_add(out, in.p, (size_t)(s - in.p));
		buf_adds(out, "\"state\": \"ended\"");
		buf_add(out, s + strlen(held), (size_t)(e - s) - strlen(held));
		buf_addf(out, "\"end\": \"%s\"", state);
		buf_add(out, e + strlen(none), (size_t)(in.p + in.n - e) - strlen(none));
		return;
	}
	if (!at || quoted)
		die("words: %s is not in %s", find, k->fixture);
	while (at) {
		buf_add(out, in.p, (size_t)(at - in.p));
		buf_addf(out, "%s%s\"", k->before, state);
		in.n -= (size_t)(at - in.p) + strlen(find);
		in.p = at + strlen(find);
		at = memmem(in.p, in.n, find, strlen(find));
	}
	buf_add(out, in.p, in.n);
}

static void frame(struct buf *out, struct slice text, const struct kind *k, const char *state)
{
	struct fixture f;
	struct theme mono;
	struct grid g;
	struct buf with = { 0 };
	with_state(&with, text, k, state);
	fixture_parse(&f, buf_slice(&with), false);
	fixture_show(&f, k->screen);
	grid_init(&g, 60, 200, false);
	fixture_paint(&f, &g);
	fixture_paint(&f, &g);
	if (theme_parse(&mono, "x", SLICE_LIT(""), NULL) != RC_OK || theme_load(&mono, "mono", true, NULL) != RC_OK)
		die("words: there is no theme mono");
	term_text_dump(out, &g, &mono, TEXT_GLYPHS);
	grid_done(&g);
	fixture_done(&f);
	buf_done(&with);
}

static struct slice line_of(struct slice all, int n)
{
	while (all.n > 0) {
		const char *nl = memchr(all.p, '\n', all.n);
		size_t len = nl ? (size_t)(nl - all.p) : all.n;
		if (n-- == 0)
			return (struct slice){ all.p, len };
		all.p += len + (nl ? 1 : 0);
		all.n -= len + (nl ? 1 : 0);
	}
	return (struct slice){ NULL, 0 };
}

/* Occurrences of `word` that no letter touches. */
static int words_in(struct slice line, struct slice word)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
	int n = 0;
	for (size_t i = 0; word.n > 0 && i + word.n <= line.n; i++)
		n += memcmp(line.p + i, word.p, word.n) == 0 && (i == 0 || !strchr(inner, line.p[i - 1])) &&
		     (i + word.n == line.n || !strchr(inner, line.p[i + word.n]));
	return n;
}

/* Where a made-up state shows, the true one must show its word. */
static bool shows(const struct kind *k, struct slice text, struct slice nonce_frame, const char *state, struct slice word)
{
	struct buf got = { 0 };
	bool found = false;
	frame(&got, text, k, state);
	if (k->look == LOOK_CHECK)              /* sorted by state: the row is elsewhere */
		found = words_in(buf_slice(&got), word) > words_in(nonce_frame, word);
	for (int y = 0; !found; y++) {
		struct slice was = line_of(nonce_frame, y), is = line_of(buf_slice(&got), y);
		if (!was.p)
			break;
		found = words_in(was, SLICE_LIT(NONCE)) > 0 && words_in(is, word) > words_in(was, word);
	}
	buf_done(&got);
	return found;
}

static struct slice word_of(const struct kind *k, const char *state)
{
	return k->look == PLAIN ? slice_of(state) : look_of((enum look_kind)k->look, slice_of(state)).word;
}

static int check(const struct kind *k, int *states)
{
	struct buf text = { 0 }, nonce = { 0 };
	char path[512];
	int bad = 0;
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof(path), "%s/tests/ui/fixtures/%s.json", top ? top : ".", k->fixture);
	fixture_read(&text, path);
	frame(&nonce, buf_slice(&text), k, NONCE);
	if (!memmem(nonce.p, nonce.n, NONCE, strlen(NONCE)))
		bad += printf("%s: the screen %s does not show it\n", k->what, k->screen) > 0;
	for (size_t i = 0; i < k->states; i++) {
		const char *state = k->state[i];
		struct slice word = word_of(k, state);
		if (!*state || (k->state == cycles && !strcmp(state, "ended")))
			continue;               /* an ended cycle shows how it ended: its own kind */
		++*states;
		if (k->look != PLAIN && !look_known((enum look_kind)k->look, slice_of(state)))
			bad += printf("%s \"%s\" has no mark and no word\n", k->what, state) > 0;
		for (size_t j = 0; j < i; j++)
			if (*k->state[j] && slice_eq(word, word_of(k, k->state[j])))
				bad += printf("%s \"%s\" and \"%s\" have the same word\n", k->what, state, k->state[j]) > 0;
		if (!shows(k, buf_slice(&text), buf_slice(&nonce), state, word))
			bad += printf("%s \"%s\" does not show \"%.*s\" on %s\n", k->what, state, SLICE_FMT(word), k->screen) > 0;
	}
	buf_done(&text);
	buf_done(&nonce);
	return bad;
}

int main(void)
{
	int bad = 0, states = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		bad += check(&kinds[i], &states);
	if (!bad)
		printf("%d states of %zu kinds\n", states, ARRAY_LEN(kinds));
	return bad ? 1 : 0;
}
