#include "ui/look.h"

#include "base/mem.h"

static const struct {
	enum look_kind kind;
	const char *state;
	enum glyph mark;
	enum role role;
	const char *word;
} table[] = {
	{ LOOK_LINK, "up", GLYPH_UP, ROLE_OK, "up" },
	{ LOOK_LINK, "idle", GLYPH_OPEN, ROLE_DIM, "idle" },
	{ LOOK_LINK, "connecting", GLYPH_HALF, ROLE_WARN, "connect" },
	{ LOOK_LINK, "hello", GLYPH_HALF, ROLE_WARN, "hello" },
	{ LOOK_LINK, "closing", GLYPH_HALF, ROLE_DIM, "closing" },
	{ LOOK_LINK, "waiting", GLYPH_HALF, ROLE_WARN, "retry" },
	{ LOOK_LINK, "jammed", GLYPH_UNKNOWN, ROLE_FAIL, "jammed" },
	{ LOOK_LINK, "given up", GLYPH_FAILED, ROLE_FAIL, "given up" },
	{ LOOK_BREAKER, "closed", GLYPH_UP, ROLE_OK, "closed" },
	{ LOOK_BREAKER, "open", GLYPH_OPEN, ROLE_FAIL, "open" },
	{ LOOK_BREAKER, "half-open", GLYPH_HALF, ROLE_WARN, "half-open" },
	{ LOOK_BREAKER, "forced-open", GLYPH_OPEN, ROLE_HELD, "forced" },
	{ LOOK_BREAKER, "disabled", GLYPH_UNKNOWN, ROLE_HELD, "disabled" },
	{ LOOK_BREAKER, "halted", GLYPH_HELD, ROLE_HELD, "halted" },
	{ LOOK_PHASE, "waiting", GLYPH_UNKNOWN, ROLE_DIM, "waiting" },
	{ LOOK_PHASE, "re-validating", GLYPH_HALF, ROLE_ACCENT, "re-validating" },
	{ LOOK_PHASE, "claiming", GLYPH_HALF, ROLE_ACCENT, "claiming" },
	{ LOOK_PHASE, "sending", GLYPH_NOW, ROLE_ACCENT, "sending" },
	{ LOOK_PHASE, "canary", GLYPH_NOW, ROLE_ACCENT, "canary" },
	{ LOOK_PHASE, "batch", GLYPH_NOW, ROLE_ACCENT, "batch" },
	{ LOOK_PHASE, "canary check", GLYPH_HALF, ROLE_ACCENT, "canary check" },
	{ LOOK_PHASE, "between batches", GLYPH_HELD, ROLE_HELD, "between batches" },
	{ LOOK_PHASE, "retry pass", GLYPH_HALF, ROLE_WARN, "retry pass" },
	{ LOOK_PHASE, "operator chooses", GLYPH_HELD, ROLE_HELD, "operator chooses" },
	{ LOOK_PHASE, "settled", GLYPH_DONE, ROLE_OK, "settled" },
	{ LOOK_PHASE, "aborted", GLYPH_FAILED, ROLE_FAIL, "aborted" },
	{ LOOK_PHASE, "held", GLYPH_HELD, ROLE_HELD, "held" },
	{ LOOK_PHASE, "excluded", GLYPH_UNKNOWN, ROLE_DIM, "excluded" },
	{ LOOK_OUTCOME, "planned", GLYPH_UNKNOWN, ROLE_DIM, "planned" },
	{ LOOK_OUTCOME, "checking", GLYPH_HALF, ROLE_ACCENT, "checking" },
	{ LOOK_OUTCOME, "claiming", GLYPH_HALF, ROLE_ACCENT, "claiming" },
	{ LOOK_OUTCOME, "ready", GLYPH_NOW, ROLE_ACCENT, "ready" },
	{ LOOK_OUTCOME, "sent", GLYPH_NOW, ROLE_WARN, "sent" },
	{ LOOK_OUTCOME, "waiting to repeat", GLYPH_HALF, ROLE_WARN, "to repeat" },
	{ LOOK_OUTCOME, "probing", GLYPH_HALF, ROLE_WARN, "probing" },
	{ LOOK_OUTCOME, "present, too early to tell", GLYPH_HALF, ROLE_WARN, "too early" },
	{ LOOK_OUTCOME, "deleted", GLYPH_DONE, ROLE_OK, "DELETED" },
	{ LOOK_OUTCOME, "gone", GLYPH_DONE, ROLE_OK, "GONE" },
	{ LOOK_OUTCOME, "gone_other", GLYPH_DONE, ROLE_WARN, "GONE_OTHER" },
	{ LOOK_OUTCOME, "failed", GLYPH_FAILED, ROLE_FAIL, "failed" },
	{ LOOK_OUTCOME, "unknown", GLYPH_UNKNOWN, ROLE_WARN, "UNKNOWN" },
	{ LOOK_OUTCOME, "unclear", GLYPH_HALF, ROLE_WARN, "unclear" },
	{ LOOK_OUTCOME, "repeat", GLYPH_HALF, ROLE_DIM, "repeat" },
	{ LOOK_OUTCOME, "withdrawn", GLYPH_OPEN, ROLE_DIM, "withdrawn" },
	{ LOOK_OUTCOME, "refused", GLYPH_FAILED, ROLE_WARN, "REFUSED" },
	{ LOOK_OUTCOME, "drifted", GLYPH_HALF, ROLE_WARN, "DRIFTED" },
	{ LOOK_OUTCOME, "protected", GLYPH_HELD, ROLE_OK, "protected" },
	{ LOOK_OUTCOME, "blocked", GLYPH_HELD, ROLE_WARN, "blocked" },
	{ LOOK_OUTCOME, "held", GLYPH_HELD, ROLE_HELD, "HELD" },
	{ LOOK_OUTCOME, "rehearsed", GLYPH_OPEN, ROLE_ACCENT, "rehearsed" },
	{ LOOK_OUTCOME, "restoring", GLYPH_HALF, ROLE_ACCENT, "restoring" },
	{ LOOK_OUTCOME, "perhaps restored", GLYPH_UNKNOWN, ROLE_WARN, "RESTORED?" },
	{ LOOK_OUTCOME, "restored", GLYPH_UP, ROLE_OK, "RESTORED" },
	{ LOOK_OUTCOME, "deleted, not restored", GLYPH_FAILED, ROLE_FAIL, "NOT RESTORED" },
	{ LOOK_MODE, "observe", GLYPH_OPEN, ROLE_OK, "OBSERVE" },
	{ LOOK_MODE, "rehearse", GLYPH_HALF, ROLE_ACCENT, "REHEARSE" },
	{ LOOK_MODE, "armed", GLYPH_UP, ROLE_DANGER, "ARMED" },
	{ LOOK_VERDICT, "candidate", GLYPH_NOW, ROLE_WARN, "candidate" },
	{ LOOK_VERDICT, "protected", GLYPH_HELD, ROLE_OK, "protected" },
	{ LOOK_VERDICT, "ineligible", GLYPH_UNKNOWN, ROLE_DIM, "ineligible" },
	{ LOOK_VERDICT, "kept", GLYPH_UP, ROLE_DIM, "kept" },
	{ LOOK_RUNG, "passed", GLYPH_DONE, ROLE_OK, "passed" },
	{ LOOK_RUNG, "failed", GLYPH_FAILED, ROLE_FAIL, "failed" },
	{ LOOK_RUNG, "skipped", GLYPH_UNKNOWN, ROLE_DIM, "not tried" },
	{ LOOK_CHECK, "pass", GLYPH_UP, ROLE_OK, "pass" },
	{ LOOK_CHECK, "warn", GLYPH_HALF, ROLE_WARN, "warn" },
	{ LOOK_CHECK, "fail", GLYPH_FAILED, ROLE_FAIL, "fail" },
	{ LOOK_CHECK, "unknown", GLYPH_UNKNOWN, ROLE_DIM, "unknown" },
	{ LOOK_BELIEF, "row_conflict", GLYPH_FAILED, ROLE_FAIL, "row conflict" },
	{ LOOK_BELIEF, "maybe_deleted", GLYPH_UNKNOWN, ROLE_WARN, "maybe deleted" },
	{ LOOK_BELIEF, "exists", GLYPH_UP, ROLE_TEXT, "exists" },
	{ LOOK_BELIEF, "not_restored", GLYPH_FAILED, ROLE_WARN, "not restored" },
	{ LOOK_BELIEF, "maybe_restored_twice", GLYPH_UNKNOWN, ROLE_WARN, "restored twice?" },
};

static size_t row_of(enum look_kind kind, struct slice state)
{
	size_t i = 0;
	while (i < ARRAY_LEN(table) && (table[i].kind != kind || !slice_is(state, table[i].state)))
		i++;
	return i;
}

bool look_known(enum look_kind kind, struct slice state)
{
	return row_of(kind, state) < ARRAY_LEN(table);
}

struct look look_of(enum look_kind kind, struct slice state)
{
	size_t i = row_of(kind, state);
	if (i < ARRAY_LEN(table))
		return (struct look){ table[i].mark, table[i].role, slice_of(table[i].word) };
	return (struct look){ GLYPH_UNKNOWN, ROLE_DIM, state.n > 0 ? state : SLICE_LIT("?") };
}

int look_put(struct area a, int y, int x, int w, struct look l)
{
	struct area column = area_cols(a, x, w > 0 ? w : a.w - x);
	int at = area_put(column, y, 0, l.role, glyph(l.mark));
	if (l.word.n == 0)
		return x + at;
	return x + area_show(column, y, at + 1, 0, l.role, l.word);
}

void look_name(struct area cell, struct slice name)
{
	if (cell.w > 0 && name.n == 0)
		area_put(cell, 0, 0, ROLE_DIM, "(no name)");
	else if (cell.w > 0)
		area_show_middle(cell, 0, 0, cell.w, ROLE_TEXT, name);
}
