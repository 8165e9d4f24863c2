#include "lane/exec_read.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The fields of an item in the contract. */
static const struct dialect fields = {
	.name = "exec", .id_field = "id", .name_field = "name", .bytes_field = "bytes", .created_field = "created_at",
	.purpose_field = "purpose", .status_field = "status", .expires_field = "expires_at",
};

/* Words of "why". To a delete answered no: nothing was deleted, and this is why. */
static const struct reason {
	const char *why;
	enum lane_trouble trouble;
	enum lane_delete_kind no;
	enum retry_class class_;
} reasons[] = {
	{ "missing", LANE_FINE, LANE_MISSING, RETRY_NONE_CLASS },
	{ "refused", LANE_REJECTED, LANE_ITEM_REFUSED, RETRY_REJECTED },
	{ "paced", LANE_PACED, LANE_PACE, RETRY_RATE_LIMIT },
	{ "network", LANE_NETWORK, LANE_NOT_SENT, RETRY_NETWORK },
	{ "auth", LANE_AUTH, LANE_LANE_REFUSED, RETRY_AUTH },
	{ "billing", LANE_BILLING, LANE_LANE_REFUSED, RETRY_BILLING },
	{ "unsupported", LANE_UNSUPPORTED, LANE_LANE_REFUSED, RETRY_UNSUPPORTED },
};

static const struct reason *reason_of(struct slice why)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (slice_is(why, reasons[i].why))
			return &reasons[i];
	return NULL;
}

static bool answer_of(struct slice word, enum exec_answer *out)
{
	static const char *const words[] = { [EXEC_YES] = "yes", [EXEC_NO] = "no", [EXEC_UNKNOWN] = "unknown" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (slice_is(word, words[i])) {
			*out = (enum exec_answer)i;
			return true;
		}
	return false;
}

enum rc exec_read_line(struct exec_said *out, struct slice line, struct err *e)
{
	struct json_limits lim = { .max_bytes = 1 << 20, .max_depth = 8, .max_values = 200000 };
	*out = (struct exec_said){ .wait_ms = -1, .id = -1 };
	enum rc rc = json_parse(&out->doc, line, &lim, e);
	if (rc != RC_OK)
		return err_prefix(e, "a line of the script is no JSON");
	out->root = json_root(out->doc);
	if (!json_is_object(out->root) || !json_i64(json_get(out->root, "id"), &out->id) || out->id < 0)
		return err_set(e, RC_FORMAT, "a line of the script has no id");
	if (!answer_of(json_get_str(out->root, "answer"), &out->answer))
		return err_set(e, RC_FORMAT, "a line of the script answers neither yes, no nor unknown");
	out->why = json_get_str(out->root, "why");
	out->message = json_get_str(out->root, "message");
	out->wait_ms = json_get_i64(out->root, "wait_ms", -1);
	if (out->wait_ms < 0)
		out->wait_ms = -1;
	return RC_OK;
}

void exec_said_done(struct exec_said *s)
{
	json_doc_free(s->doc);
	s->doc = NULL;
}

enum rc exec_read_hello(const struct exec_said *s, bool *can_probe, struct err *e)
{
	int64_t version = json_get_i64(s->root, "version", 0);
	*can_probe = json_get_bool(s->root, "probe", false);
	if (s->answer != EXEC_YES || version != EXEC_VERSION)
		return err_set(e, RC_FORMAT, "the script does not speak version %d of the contract; see sluice-exec(7)", EXEC_VERSION);
	return RC_OK;
}

/* "why: message", shown form. */
static void describe(const struct exec_said *s, const char *otherwise, char detail[200])
{
	struct buf b = { 0 };
	buf_addf(&b, "the script says %s", otherwise);
	if (s->why.n)
		buf_addf(&b, " (%.*s)", SLICE_FMT(s->why));
	if (s->message.n)
		buf_addf(&b, ": %.*s", SLICE_FMT(s->message));
	text_z(detail, 200, buf_slice(&b));
	buf_done(&b);
}

static bool names(const struct exec_said *s, struct slice asked)
{
	struct slice id;
	return json_str(json_get(s->root, "item"), &id) && slice_eq(id, asked);
}

static void unclear(struct lane_answer *out, enum lane_trouble t, const char *why)
{
	out->kind = LANE_UNCLEAR;
	out->trouble = t;
	out->class_ = t == LANE_TIMEOUT ? RETRY_TIMEOUT : RETRY_CONFLICTING;
	if (why)
		snprintf(out->detail, sizeof out->detail, "the script %s: the file may be gone or not", why);
}

void exec_read_delete(const struct exec_said *s, struct slice asked_id, struct lane_answer *out)
{
	const struct reason *r = reason_of(s->why);
	*out = (struct lane_answer){ .left = true, .wait_ms = s->wait_ms };
	if (!names(s, asked_id)) {
		unclear(out, LANE_GARBLED, "names another file");
	} else if (s->answer == EXEC_YES && s->why.n) {
		unclear(out, LANE_GARBLED, "says yes and a reason against it");
	} else if (s->answer == EXEC_YES) {
		out->kind = LANE_DELETED;
	} else if (s->answer == EXEC_NO && r) {
		out->kind = r->no;
		out->trouble = r->trouble;
		out->class_ = r->class_;
		out->left = r->no != LANE_NOT_SENT;
		describe(s, "no", out->detail);
	} else if (s->answer == EXEC_NO) {
		unclear(out, LANE_GARBLED, "says no without a reason that the contract has");
	} else {
		unclear(out, LANE_TIMEOUT, NULL);
		describe(s, "unknown", out->detail);
	}
}

void exec_read_probe(const struct exec_said *s, struct slice asked_id, struct lane_probe *out)
{
	const struct reason *r = reason_of(s->why);
	*out = (struct lane_probe){ .presence = LANE_NO_ANSWER, .trouble = LANE_GARBLED, .wait_ms = s->wait_ms };
	if (!names(s, asked_id)) {
		snprintf(out->detail, sizeof out->detail, "the script names another file");
	} else if (s->answer == EXEC_UNKNOWN) {
		out->trouble = r && r->trouble != LANE_FINE ? r->trouble : LANE_SERVER;
		describe(s, "unknown", out->detail);
	} else if (s->why.n && !(s->answer == EXEC_NO && slice_is(s->why, "missing"))) {
		snprintf(out->detail, sizeof out->detail, "the script answers and gives a reason against it");
	} else {
		out->presence = s->answer == EXEC_YES ? LANE_PRESENT : LANE_ABSENT;
		out->trouble = LANE_FINE;
		dialect_read_fields(&fields, s->root, &out->item);
		out->item.id = asked_id;
	}
}

static void page_garbled(struct lane_page *out, const char *what)
{
	out->trouble = LANE_GARBLED;
	out->n = 0;
	out->last = false;
	snprintf(out->detail, sizeof out->detail, "the list is not usable: %s", what);
}

void exec_read_page(const struct exec_said *s, struct lane_page *out, struct lane_item **items)
{
	const struct reason *r = reason_of(s->why);
	const struct json *list = json_get(s->root, "items");
	struct dialect_ask all = { .quota = -1 };
	struct slice read;
	*items = NULL;
	*out = (struct lane_page){ .wait_ms = s->wait_ms, .date_us = -1 };
	if (s->answer != EXEC_YES) {
		out->trouble = r && r->trouble != LANE_FINE ? r->trouble : LANE_SERVER;
		describe(s, s->answer == EXEC_NO ? "no" : "unknown", out->detail);
		return;
	}
	if (!json_is_array(list)) {
		page_garbled(out, "the script gives no array named items");
		return;
	}
	if (dialect_read_array(&fields, list, &all, out, items, &read) != RC_OK)
		return;
	out->last = json_get_bool(s->root, "last", false);
	out->cursor = json_get_str(s->root, "cursor");
	if (out->last == (out->cursor.n > 0))
		page_garbled(out, "a page has either \"last\": true or a cursor");
}

/* One of "refs": {"by": HOLDER, "item": ITEM}. */
static bool read_ref(const struct json *j, struct lane_ref *r)
{
	*r = (struct lane_ref){ .state = SLICE_LIT("") };
	return json_str(json_get(j, "by"), &r->holder) && json_str(json_get(j, "item"), &r->file) && r->holder.n && r->file.n;
}

void exec_read_refs(const struct exec_said *s, struct lane_refs *out, struct lane_ref **refs)
{
	const struct reason *r = reason_of(s->why);
	const struct json *list = json_get(s->root, "refs");
	const char *bad = NULL;
	*out = (struct lane_refs){ .wait_ms = s->wait_ms };
	*refs = NULL;
	if (s->answer != EXEC_YES) {
		out->trouble = r && r->trouble != LANE_FINE ? r->trouble : LANE_SERVER;
		describe(s, s->answer == EXEC_NO ? "no" : "unknown", out->detail);
		return;
	}
	out->last = json_get_bool(s->root, "last", false);
	out->cursor = json_get_str(s->root, "cursor");
	if (!json_is_array(list) || s->why.n)
		bad = "the script gives no array named refs, or a reason against it";
	else if (out->last == (out->cursor.n > 0))
		bad = "a page has either \"last\": true or a cursor";
	struct lane_ref *all = bad ? NULL : xcalloc(json_len(list) + 1, sizeof *all);
	for (const struct json *j = bad ? NULL : json_first(list); j && !bad; j = json_next(j))
		if (!read_ref(j, &all[out->n++]))
			bad = "a reference lacks by or item";
	*refs = all;
	out->refs = all;
	if (!bad)
		return;
	*out = (struct lane_refs){ .trouble = LANE_GARBLED, .wait_ms = -1 };
	snprintf(out->detail, sizeof out->detail, "the references are not usable: %s", bad);
}
