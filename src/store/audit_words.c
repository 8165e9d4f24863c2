#include "store/audit_words.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

static const char grant[] = "{items!} items;{bytes:b};on abort {on_abort};\"{reason}\";{why}";
static const char copy[] = "{outcome};{bytes:b};{was_there?it was there already:};{why}";

static const char *const templates[AUDIT_KIND_COUNT] = {
	[AUDIT_ENGINE_START] = "version {version};mode {mode};{environment};configuration {config:h}",
	[AUDIT_ENGINE_STOP] = "{drained?all that was under way had settled:before all that was under way had settled}",
	[AUDIT_CONFIG_LOADED] = "configuration {config:h};mode {mode};{environment}",
	[AUDIT_MODE] = "from {from} to {to};{why}",
	[AUDIT_CYCLE_OPEN] = "{lanes!} lanes;{rehearsal?rehearsal:}",
	[AUDIT_CYCLE_PICKED] = "{items!} items were picked by hand",
	[AUDIT_GATE] = "from {from} to {to};opened by {opened_by}",
	[AUDIT_DISCOVERY] = "{complete?complete:INCOMPLETE};{items!} items;{bytes:b};{pages} pages;{expected} expected;{trouble};"
			    "{server_clock?:the server told no time};{rehearsal?rehearsal:}",
	[AUDIT_RECORDS_LIST] = "{complete?complete:INCOMPLETE};{places};{trouble}",
	[AUDIT_PLAN] = "{items!} items;{picked_absent} picked items are on no list;expires {expires};{rehearsal?rehearsal:}",
	[AUDIT_GRANT_PROPOSED] = grant,
	[AUDIT_GRANT_APPROVED] = grant,
	[AUDIT_GRANT_REJECTED] = grant,
	[AUDIT_GRANT_LAPSED] = grant,
	[AUDIT_HOLD] = "{why}",
	[AUDIT_RESUME] = "it was held: {why}",
	[AUDIT_RECHECK] = "found {found};{claims_left} claims left",
	[AUDIT_CLAIM_INTENT] = "{items!} items;batch {batch!}",
	[AUDIT_CLAIM_OUTCOME] = "{claimed!} claimed;{no_row} without a row;{unclaimed} not claimed;{referenced} in use;{changed} changed;{failed} failed",
	[AUDIT_CLAIM_RELEASE] = "{rows!} rows",
	[AUDIT_INTENT] = "attempt {attempt!};{charge:b};row: {claim}",
	[AUDIT_OUTCOME] = "{outcome};attempt {attempt};{class};{detail}",
	[AUDIT_PROBE] = "{found}",
	[AUDIT_MATRIX] = "F/T = {F!}/{T!} of {N!};{verdict}",
	[AUDIT_BREAKER] = "{state};{bad} bad;asked: {asked};\"{reason}\"",
	[AUDIT_LANE] = "{state};{asked};{why};canary {canary};{control_present!} of {control_asked} control items are there;\"{reason}\"",
	[AUDIT_ACK] = "{failures!} failures accepted",
	[AUDIT_ABORT] = "{how};{why}",
	[AUDIT_ESCROW_INTENT] = copy,
	[AUDIT_ESCROW_OUTCOME] = copy,
	[AUDIT_ESCROW_TEST] = "{checked!} copies read again;{damaged!} damaged;{first};{why}",
	[AUDIT_COMPENSATION_BASELINE] = "{complete?complete:INCOMPLETE};{to_restore!} to bring back;{alike} like them were there;{detail}",
	[AUDIT_COMPENSATION_INTENT] = "attempt {attempt!}",
	[AUDIT_COMPENSATION_OUTCOME] = "{outcome};now {new_id};{class};{detail}",
	[AUDIT_RESTORE_INTENT] = "{bytes:b};{again?once more:};\"{reason}\"",
	[AUDIT_RESTORE_OUTCOME] = "{outcome};now {new_id};{detail}",
	[AUDIT_ROW_INTENT] = "its file is {after}",
	[AUDIT_ROW_OUTCOME] = "{row}",
	[AUDIT_PROTECT] = "{protected?protected by hand:no longer protected by hand};\"{reason}\"",
	[AUDIT_LINK_INCIDENT] = "{state};{why};{up!} of {connections} connections up",
	[AUDIT_FLAG] = "{feature} {value};from {from} to {to};{why};\"{reason}\"",
	[AUDIT_TRIGGER] = "{why};{do} {policy};{did};{refusal}",
	[AUDIT_REFUSED] = "{why}",
	[AUDIT_RECOVERY] = "in {stage};{intents_without_outcome!} intents without an outcome",
	[AUDIT_CHECKPOINT] = "{count!} records since the last one;head {hash:h}",
	[AUDIT_CYCLE_CLOSE] = "{end};{equation};{restored};{why};{balanced?:NOT BALANCED};{rehearsal?rehearsal:}",
};

const char *audit_template(enum audit_kind k) { return templates[k]; }

/* ---- one part ---- */

static void say_size(struct buf *out, int64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t u = 0;
	for (; v >= 999.95 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1000;
	buf_addf(out, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void say_digits(struct buf *out, struct slice hex)
{
	for (size_t i = 0; i < 12 && i < hex.n; i++)
		buf_addf(out, "%s%c", i && i % 4 == 0 ? " " : "", hex.p[i]);
}

/* {key…} from after its brace to before the other one; false: its part is left out. */
static bool say_member(struct buf *out, const char *from, const char *to, const struct json *payload)
{
	char key[40];
	size_t n = strcspn(from, "!:?}");
	if (n >= sizeof key)
		return false;
	memcpy(key, from, n);
	key[n] = '\0';
	const struct json *m = json_get(payload, key);
	struct slice text;
	int64_t number;
	bool yes;
	if (!m || json_is_null(m) || json_is_object(m) || json_is_array(m))
		return false;
	if (from[n] == '?') {
		const char *words = from + n + 1, *colon = memchr(words, ':', (size_t)(to - words));
		if (!json_bool(m, &yes) || !colon)
			return false;
		const char *begin = yes ? words : colon + 1, *end = yes ? colon : to;
		buf_add(out, begin, (size_t)(end - begin));
		return end > begin;
	}
	if (json_str(m, &text)) {
		if (from[n] == ':' && from[n + 1] == 'h')
			say_digits(out, text);
		else
			buf_add(out, text.p, text.n);
		return text.n > 0;
	}
	if (!json_i64(m, &number))
		return json_bool(m, &yes) && yes;
	if (from[n] == ':' && from[n + 1] == 'b')
		say_size(out, number);
	else
		buf_addf(out, "%" PRId64, number);
	return number != 0 || from[n] == '!';
}

static bool say_part(struct buf *out, const char *p, const char *end, const struct json *payload)
{
	while (p < end) {
		const char *brace = memchr(p, '{', (size_t)(end - p));
		buf_add(out, p, (size_t)((brace ? brace : end) - p));
		if (!brace)
			break;
		const char *close = memchr(brace, '}', (size_t)(end - brace));
		if (!close || !say_member(out, brace + 1, close, payload))
			return false;
		p = close + 1;
	}
	return true;
}

/* ---- the line ---- */

static void say_all(struct buf *out, const struct json *payload)
{
	size_t start = out->n;
	for (const struct json *m = json_first(payload); m; m = json_next(m)) {
		struct slice key = json_key(m), v;
		if (json_is_object(m) || json_is_array(m) || json_is_null(m))
			continue;
		buf_addf(out, "%s%.*s ", out->n > start ? ", " : "", SLICE_FMT(key));
		if (json_str(m, &v))
			buf_add(out, v.p, v.n);
		else
			json_print(out, m);
	}
}

void audit_words(struct buf *out, enum audit_kind k, const struct json *payload)
{
	size_t start = out->n;
	for (const char *p = templates[k]; p && *p; p += *p == ';') {
		size_t n = strcspn(p, ";");
		struct buf part = { 0 };
		if (say_part(&part, p, p + n, payload) && part.n) {
			if (out->n > start)
				buf_adds(out, ", ");
			buf_add(out, part.p, part.n);
		}
		buf_done(&part);
		p += n;
	}
	if (out->n == start)
		say_all(out, payload);
}
