#include "lane/dialect.h"

#include "unit.h"

/* Everything that came back to DELETE /files/f-1, and what it means (SEMANTICS 5). */
static const struct answer_row {
	const char *promise;
	enum http_error error;
	bool left;
	int status;
	const char *body;
	enum lane_delete_kind kind;
	enum lane_trouble trouble;
	enum retry_class class_;
} rows[] = {
#define OK(st, body) HTTP_OK, true, st, body
#define E(msg, type, code) "{\"error\":{\"message\":\"" msg "\",\"type\":\"" type "\",\"param\":null,\"code\":\"" code "\"}}"
	{ "a body that names the id is a deletion", OK(200, "{\"id\":\"f-1\",\"object\":\"file\",\"deleted\":true}"), LANE_DELETED, LANE_FINE, 0 },
	{ "202 with the same body too", OK(202, "{\"id\":\"f-1\",\"deleted\":true}"), LANE_DELETED, LANE_FINE, 0 },
	{ "other members do not matter", OK(200, "{\"deleted\":true,\"x\":[1,{}],\"id\":\"f-1\"}"), LANE_DELETED, LANE_FINE, 0 },
	{ "error null beside it does not matter", OK(200, "{\"deleted\":true,\"error\":null,\"id\":\"f-1\"}"), LANE_DELETED, LANE_FINE, 0 },
	{ "200 without a body is unclear", OK(200, ""), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "204 is unclear: a body is due", OK(204, ""), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "200 with broken JSON is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":tr"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "200 with trailing bytes is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":true}x"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "200 with the id twice is unclear", OK(200, "{\"id\":\"f-2\",\"id\":\"f-1\",\"deleted\":true}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "deleted: false is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":false}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "deleted: 1 is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":1}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "deleted: \"true\" is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":\"true\"}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "Deleted in another case is unclear", OK(200, "{\"id\":\"f-1\",\"Deleted\":true}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "another id is unclear", OK(200, "{\"id\":\"f-2\",\"deleted\":true}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "an id that only begins so is unclear", OK(200, "{\"id\":\"f-10\",\"deleted\":true}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "no id is unclear", OK(200, "{\"deleted\":true}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "an array is unclear", OK(200, "[{\"id\":\"f-1\",\"deleted\":true}]"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "deleted with an error is unclear", OK(200, "{\"id\":\"f-1\",\"deleted\":true,\"error\":{\"code\":\"x\"}}"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "an error under 200 is unclear", OK(200, E("no", "server_error", "x")), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "404 of the store is missing", OK(404, E("No such File object: f-1", "invalid_request_error", "")), LANE_MISSING, LANE_FINE, 0 },
	{ "404 without type and code is missing", OK(404, "{\"error\":{\"message\":\"No such file: f-1\"}}"), LANE_MISSING, LANE_FINE, 0 },
	{ "404 without a body is missing", OK(404, ""), LANE_MISSING, LANE_FINE, 0 },
	{ "410 is missing", OK(410, E("gone", "invalid_request_error", "")), LANE_MISSING, LANE_FINE, 0 },
	{ "404 page of a proxy says nothing", OK(404, "<html>404 Not Found</html>"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "404 text of a gateway says nothing", OK(404, "default backend - 404"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "404 for the path is about the lane", OK(404, E("Invalid URL (DELETE /v2/files/f-1)", "invalid_request_error", "")), LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "404 unknown_url is about the lane", OK(404, E("x", "invalid_request_error", "unknown_url")), LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "405 is about the lane", OK(405, ""), LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "501 is about the lane", OK(501, ""), LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "a redirect is about the lane", OK(307, ""), LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "401 is about the lane", OK(401, E("Incorrect API key", "invalid_request_error", "invalid_api_key")), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "401 without a body too", OK(401, ""), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "402 is money", OK(402, ""), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "403 without a reason is about the lane", OK(403, ""), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "403 page of a firewall is about the lane", OK(403, "<html>Forbidden</html>"), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "403 of missing rights is about the lane", OK(403, E("no scope", "insufficient_permissions", "missing_scope")), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "403 API key in the text is about the lane", OK(403, E("API key is in use elsewhere", "invalid_request_error", "")), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "403 in use is about the item", OK(403, E("File is in use by a job", "invalid_request_error", "")), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "403 file_locked is about the item", OK(403, E("x", "invalid_request_error", "file_locked")), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "409 is about the item", OK(409, ""), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "412 is about the item", OK(412, ""), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "423 is about the item", OK(423, ""), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "400 is about the item", OK(400, E("file is attached", "invalid_request_error", "")), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "429 without a reason is pacing", OK(429, ""), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "429 rate_limit_exceeded is pacing", OK(429, E("slow", "requests", "rate_limit_exceeded")), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "429 insufficient_quota by code is money", OK(429, E("x", "x", "insufficient_quota")), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "429 insufficient_quota by type is money", OK(429, E("x", "insufficient_quota", "")), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "429 exceeded_current_quota_error is money", OK(429, E("x", "exceeded_current_quota_error", "")), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "429 quota in the text is money", OK(429, E("You exceeded your current quota, check your plan", "", "")), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "429 hard limit is money", OK(429, E("x", "x", "billing_hard_limit_reached")), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "408 is pacing", OK(408, ""), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "425 is pacing", OK(425, ""), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "500 is unclear", OK(500, E("x", "server_error", "")), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "502 is unclear", OK(502, "<html>"), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "503 is unclear", OK(503, ""), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "529 is unclear", OK(529, ""), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "a timeout after it left is unclear", HTTP_ERR_TIMEOUT, true, 0, "", LANE_UNCLEAR, LANE_TIMEOUT, RETRY_TIMEOUT },
	{ "a timeout before it left was not sent", HTTP_ERR_TIMEOUT, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "a cut after it left is unclear", HTTP_ERR_CUT, true, 0, "", LANE_UNCLEAR, LANE_CUT, RETRY_TIMEOUT },
	{ "a cut in the middle of a good body is unclear", HTTP_ERR_CUT, true, 200, "{\"id\":\"f-1\",\"deleted\":true}", LANE_UNCLEAR, LANE_CUT, RETRY_TIMEOUT },
	{ "a cut in the body of a 404 is unclear", HTTP_ERR_CUT, true, 404, "{}", LANE_UNCLEAR, LANE_CUT, RETRY_TIMEOUT },
	{ "a cut before it left was not sent", HTTP_ERR_CUT, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "refused was not sent", HTTP_ERR_CONNECT, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "no name was not sent", HTTP_ERR_RESOLVE, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "TLS was not sent", HTTP_ERR_TLS, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "TLS trouble after it left is unclear", HTTP_ERR_TLS, true, 0, "", LANE_UNCLEAR, LANE_CUT, RETRY_TIMEOUT },
	{ "no HTTP after it left is unclear", HTTP_ERR_PROTOCOL, true, 0, "", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "too large after it left is unclear", HTTP_ERR_TOO_LARGE, true, 200, "", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "cancelled after it left is unclear", HTTP_ERR_CANCELLED, true, 0, "", LANE_UNCLEAR, LANE_CUT, RETRY_TIMEOUT },
	{ "cancelled before was not sent", HTTP_ERR_CANCELLED, false, 0, "", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "the mode's refusal was not sent", HTTP_ERR_REFUSED_HERE, false, 0, "", LANE_NOT_SENT, LANE_NOT_PERMITTED, 0 },
	{ "a rehearsal was not sent", HTTP_ERR_REHEARSED, false, 0, "", LANE_NOT_SENT, LANE_NOT_PERMITTED, 0 },
};

static const struct dialect *openai(void)
{
	const struct dialect *d = dialect_find(SLICE_LIT("openai"));
	assert_non_null(d);
	return d;
}

static struct http_answer answer(int status, const char *body)
{
	return (struct http_answer){ .error = HTTP_OK, .left = true, .status = status, .body = slice_of(body), .date_us = -1,
				     .retry_after_ms = -1, .ratelimit_reset_ms = -1 };
}

static void every_answer_to_a_delete_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct answer_row *r = &rows[i];
		struct http_answer a = answer(r->status, r->body);
		struct lane_answer out;
		a.error = r->error;
		a.left = r->left;
		dialect_read_delete(openai(), &a, SLICE_LIT("f-1"), &out);
		if (out.kind != r->kind || out.trouble != r->trouble || out.class_ != r->class_)
			fail_msg("%s: %s/%s/%s", r->promise, lane_delete_kind_name(out.kind), lane_trouble_name(out.trouble),
				 retry_class_name(out.class_));
		assert_int_equal(out.left, r->left);
		assert_true((out.kind == LANE_DELETED) == (out.detail[0] == '\0'));
	}
}

static void only_what_never_left_or_a_clear_no_proves_that_nothing_was_deleted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].left && (rows[i].status >= 500 || rows[i].error != HTTP_OK) && rows[i].status != 501)
			assert_int_equal(rows[i].kind, LANE_UNCLEAR);
}

/* What differs in kimi and glm: the words of an error decide more than its status. */
static const struct dialect_row {
	const char *dialect, *promise;
	int status;
	const char *body;
	enum lane_delete_kind kind;
	enum lane_trouble trouble;
	enum retry_class class_;
} dialect_rows[] = {
#define K(type, msg) "{\"error\":{\"type\":\"" type "\",\"message\":\"" msg "\"}}"
#define G(code, msg) "{\"error\":{\"code\":\"" code "\",\"message\":\"" msg "\"}}"
#define GN(code) "{\"error\":{\"code\":" code ",\"message\":\"x\"}}"
	{ "kimi", "its confirmation is a deletion", 200, "{\"id\":\"f-1\",\"object\":\"file\",\"deleted\":true}", LANE_DELETED, LANE_FINE, 0 },
	{ "kimi", "money under 429 is never repeated", 429, K("exceeded_current_quota_error", "x"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "kimi", "a suspended account under 429 too", 429, K("x", "Your account is suspended"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "kimi", "an overloaded engine is pacing", 429, K("engine_overloaded_error", "x"), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "kimi", "a rate limit is pacing", 429, K("rate_limit_reached_error", "x"), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "kimi", "429 without a body is pacing", 429, "", LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "kimi", "401 is about the lane", 401, K("incorrect_api_key_error", "x"), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "kimi", "403 is about the lane", 403, K("permission_denied_error", "x"), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "kimi", "403 for lack of balance is money", 403, K("x", "insufficient balance"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "kimi", "404 of the store is missing", 404, K("resource_not_found_error", "x"), LANE_MISSING, LANE_FINE, 0 },
	{ "kimi", "404 for the path is about the lane", 404, "{\"code\":5,\"error\":\"url.not_found\",\"message\":\"x\"}", LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "kimi", "400 is about the item", 400, K("invalid_request_error", "x"), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "kimi", "an overload under 503 is unclear", 503, K("engine_overloaded_error", "x"), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "glm", "its confirmation is a deletion", 200, "{\"id\":\"f-1\",\"object\":\"file\",\"deleted\":true}", LANE_DELETED, LANE_FINE, 0 },
	{ "glm", "an error under 200 is unclear", 200, "{\"code\":500,\"msg\":\"x\",\"success\":false}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "glm", "arrears under 429 are never repeated", 429, G("1113", "x"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "glm", "arrears as a number too", 429, GN("1113"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "glm", "arrears in words too", 429, G("", "\u60a8\u7684\u8d26\u6237\u5df2\u6b20\u8d39"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "glm", "a used-up cap is never repeated", 429, G("1308", "resets at 18:00"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "glm", "the weekly cap neither", 429, G("1310", "x"), LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "glm", "concurrency is pacing", 429, G("1302", "x"), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "glm", "frequency is pacing", 429, GN("1303"), LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "glm", "429 without a code is pacing", 429, "", LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "glm", "an account code under 400 is about the lane", 400, G("1002", "x"), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "glm", "434 is about the lane", 434, G("1220", "x"), LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "glm", "404 of the store is missing", 404, G("1214", "x"), LANE_MISSING, LANE_FINE, 0 },
	{ "glm", "404 of its gateway is about the lane", 404, "{\"status\":404,\"error\":\"Not Found\"}", LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "glm", "a wrong parameter may be a missing file: look", 400, G("1214", "x"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "glm", "the same as a number", 400, GN("1210"), LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "glm", "another 400 is about the item", 400, G("1211", "x"), LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "glm", "a transient code under 400 is unclear", 400, G("1234", "x"), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
	{ "glm", "a rate code under 503 is unclear", 503, G("1305", "x"), LANE_UNCLEAR, LANE_SERVER, RETRY_SERVER_ERROR },
};

static void every_dialect_s_own_words_have_their_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dialect_rows); i++) {
		const struct dialect_row *r = &dialect_rows[i];
		struct http_answer a = answer(r->status, r->body);
		struct lane_answer out;
		dialect_read_delete(dialect_find(slice_of(r->dialect)), &a, SLICE_LIT("f-1"), &out);
		if (out.kind != r->kind || out.trouble != r->trouble || out.class_ != r->class_)
			fail_msg("%s: %s: %s/%s/%s", r->dialect, r->promise, lane_delete_kind_name(out.kind), lane_trouble_name(out.trouble),
				 retry_class_name(out.class_));
	}
}

static void the_detail_says_rehearsed(void **state)
{
	struct http_answer a = answer(0, "");
	struct lane_answer out;
	(void)state;
	a.error = HTTP_ERR_REHEARSED;
	a.left = false;
	dialect_read_delete(openai(), &a, SLICE_LIT("f-1"), &out);
	assert_non_null(strstr(out.detail, "rehearsed"));
}

static void a_hostile_message_is_shown_as_escapes(void **state)
{
	struct http_answer a = answer(409, "{\"error\":{\"message\":\"a\\u001b[2Jb\\u202e\"}}");
	struct lane_answer out;
	(void)state;
	dialect_read_delete(openai(), &a, SLICE_LIT("f-1"), &out);
	assert_null(strchr(out.detail, '\033'));
	assert_non_null(strstr(out.detail, "<U+202E>"));
}

static void the_wait_is_taken_in_order_header_body_reset(void **state)
{
	static const struct { int64_t after, reset; const char *message; int64_t want; } t[] = {
		{ 1500, 9000, "try again in 7s", 1500 }, { 0, 9000, "try again in 7s", 0 }, { -1, 9000, "Please try again in 7s.", 7000 },
		{ -1, 9000, "Please try again in 6m0s", 360000 }, { -1, 9000, "try again in 1.25s", 1250 }, { -1, 9000, "try again in 20ms", 20 },
		{ -1, 9000, "try again in 1h2m3s", 3723000 }, { -1, 9000, "later", 9000 }, { -1, -1, "later", -1 },
		{ -1, 9000, "try again in a while", 9000 }, { -1, -1, "try again in 12 parsecs", -1 },
		{ -1, -1, "try again in 99999999999999999999s", -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char body[200];
		snprintf(body, sizeof body, "{\"error\":{\"message\":\"%s\"}}", t[i].message);
		struct http_answer a = answer(429, body);
		struct lane_answer out;
		a.retry_after_ms = t[i].after;
		a.ratelimit_reset_ms = t[i].reset;
		dialect_read_delete(openai(), &a, SLICE_LIT("f-1"), &out);
		if (out.wait_ms != t[i].want)
			fail_msg("%s: %lld", t[i].message, (long long)out.wait_ms);
	}
}

static void retry_info_in_the_body_is_a_wait_and_whole_seconds_are_coarse(void **state)
{
#define INFO(delay) "{\"error\":{\"code\":429,\"message\":\"try again in 9s\",\"details\":[{\"@type\":\"x/google.rpc.Help\"}," \
	"{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"" delay "\"}]}}"
	static const struct { const char *body; int64_t after; bool exact; int64_t want; bool coarse; } t[] = {
		{ INFO("17s"), -1, false, 17000, true }, { INFO("0.004s"), -1, false, 4, false }, { INFO("1.500s"), -1, false, 1500, false },
		{ INFO("soon"), -1, false, 9000, true }, { INFO("17s"), 1000, false, 1000, true }, { INFO("17s"), 1000, true, 1000, false },
		{ "{\"error\":{\"details\":{}}}", -1, false, -1, false }, { "{\"error\":{\"details\":[1,null,[]]}}", -1, false, -1, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_answer a = answer(429, t[i].body);
		struct lane_answer out;
		a.retry_after_ms = t[i].after;
		a.retry_after_exact = t[i].exact;
		dialect_read_delete(openai(), &a, SLICE_LIT("f-1"), &out);
		if (out.wait_ms != t[i].want || out.wait_coarse != t[i].coarse)
			fail_msg("%zu: %lld", i, (long long)out.wait_ms);
	}
#undef INFO
}

/* ---- pages ---- */

struct page {
	struct lane_page p;
	struct lane_item *items;
	struct json_doc *doc;
	enum rc rc;
};

static struct page read_page_of(const char *dialect, const struct dialect_ask *ask, const char *body)
{
	struct page p;
	struct http_answer a = answer(200, body);
	p.rc = dialect_read_page(dialect_find(slice_of(dialect)), &a, ask, &p.p, &p.items, &p.doc);
	return p;
}

static struct page read_page(int status, const char *body, const char *asked)
{
	struct page p;
	struct http_answer a = answer(status, body);
	struct dialect_ask ask = { .after = slice_of(asked), .quota = -1 };
	p.rc = dialect_read_page(openai(), &a, &ask, &p.p, &p.items, &p.doc);
	return p;
}

static void page_done(struct page *p)
{
	free(p->items);
	json_doc_free(p->doc);
}

#define F(id) "{\"id\":\"" id "\",\"bytes\":5,\"created_at\":1700000000,\"filename\":\"n\",\"purpose\":\"p\",\"status\":\"processed\"}"

static void a_page_has_its_items_and_the_next_cursor(void **state)
{
	struct page p = read_page(200, "{\"object\":\"list\",\"data\":[" F("a") "," F("b") "],\"last_id\":\"b\",\"has_more\":true}", "");
	(void)state;
	assert_int_equal(p.rc, RC_OK);
	assert_int_equal(p.p.n, 2);
	assert_false(p.p.last);
	assert_slice(p.p.cursor, "b");
	assert_slice(p.p.items[0].id, "a");
	assert_int_equal(p.p.items[0].bytes, 5);
	assert_int_equal(p.p.items[0].created_us, 1700000000000000);
	page_done(&p);
}

static void only_has_more_false_is_the_last_page(void **state)
{
	static const struct { const char *body; bool ok, last; } t[] = {
		{ "{\"data\":[],\"has_more\":false}", true, true },
		{ "{\"data\":[" F("a") "],\"has_more\":false}", true, true },
		{ "{\"data\":[" F("a") "],\"has_more\":true}", true, false },
		{ "{\"data\":[" F("a") "]}", false, false },
		{ "{\"data\":[]}", false, false },
		{ "{\"data\":[" F("a") "],\"has_more\":null}", false, false },
		{ "{\"data\":[" F("a") "],\"has_more\":0}", false, false },
		{ "{\"data\":[" F("a") "],\"has_more\":\"false\"}", false, false },
		{ "{\"data\":[],\"has_more\":true}", false, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct page p = read_page(200, t[i].body, "");
		if ((p.rc == RC_OK) != t[i].ok || (t[i].ok && p.p.last != t[i].last))
			fail_msg("%s", t[i].body);
		assert_true(t[i].ok || (p.p.trouble == LANE_GARBLED && p.p.detail[0] && !p.p.last && p.p.n == 0));
		page_done(&p);
	}
}

static void a_page_that_contradicts_itself_is_trouble(void **state)
{
	static const struct { const char *body, *asked; int status; enum lane_trouble trouble; } t[] = {
		{ "{\"data\":[" F("a") "," F("a") "],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[" F("a") "," F("z") "],\"has_more\":true}", "z", 200, LANE_GARBLED },
		{ "{\"data\":[" F("z") "," F("a") "],\"has_more\":false}", "z", 200, LANE_GARBLED },
		{ "{\"data\":[" F("a") "],\"last_id\":\"b\",\"has_more\":true}", "", 200, LANE_GARBLED },
		{ "{\"data\":[" F("") "],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[" F("..") "],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[{\"bytes\":1}],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[{\"id\":7}],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[\"a\"],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":{},\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "[]", "", 200, LANE_GARBLED },
		{ "", "", 200, LANE_GARBLED },
		{ "{\"data\":[" F("a") "],\"has_mo", "", 200, LANE_GARBLED },
		{ "{\"data\":[{\"id\":\"a\\u0000b\"}],\"has_more\":false}", "", 200, LANE_GARBLED },
		{ "{\"data\":[],\"has_more\":false}", "", 206, LANE_GARBLED },
		{ "", "", 204, LANE_GARBLED },
		{ "{\"error\":{\"message\":\"no\"}}", "", 404, LANE_UNSUPPORTED },
		{ "", "", 410, LANE_UNSUPPORTED },
		{ "", "", 401, LANE_AUTH },
		{ "", "", 400, LANE_REJECTED },
		{ "", "", 429, LANE_PACED },
		{ "", "", 503, LANE_SERVER },
		{ "", "", 301, LANE_UNSUPPORTED },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct page p = read_page(t[i].status, t[i].body, t[i].asked);
		if (p.rc == RC_OK || p.p.trouble != t[i].trouble || !p.p.detail[0] || p.p.last || p.p.n)
			fail_msg("%d %s: %s %s", t[i].status, t[i].body, lane_trouble_name(p.p.trouble), p.p.detail);
		page_done(&p);
	}
}

static void what_an_item_lacks_is_unknown_not_zero(void **state)
{
	static const struct { const char *members; int64_t bytes, created; } t[] = {
		{ "", -1, -1 },
		{ ",\"bytes\":null,\"created_at\":null", -1, -1 },
		{ ",\"bytes\":0,\"created_at\":0", 0, 0 },
		{ ",\"bytes\":-3,\"created_at\":-1", -1, -1 },
		{ ",\"bytes\":1.5,\"created_at\":1.7e9", -1, -1 },
		{ ",\"bytes\":\"12\",\"created_at\":\"2026-01-01\"", -1, -1 },
		{ ",\"bytes\":9007199254740993,\"created_at\":1", 9007199254740993, 1000000 },
		{ ",\"bytes\":1,\"created_at\":9223372036854775807", 1, -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char body[300];
		snprintf(body, sizeof body, "{\"data\":[{\"id\":\"a\"%s}],\"has_more\":false}", t[i].members);
		struct page p = read_page(200, body, "");
		assert_int_equal(p.rc, RC_OK);
		assert_int_equal(p.p.items[0].bytes, t[i].bytes);
		assert_int_equal(p.p.items[0].created_us, t[i].created);
		page_done(&p);
	}
}

static void an_unpaged_answer_is_whole_below_its_cap_or_at_the_quota(void **state)
{
	static const struct { int n; int64_t cap, quota; bool whole; } t[] = {
		{ 0, 5, -1, true }, { 4, 5, -1, true }, { 5, 5, -1, false }, { 6, 5, -1, false },
		{ 5, 5, 5, true }, { 5, 5, 6, false }, { 6, 5, 5, false }, { 6, 5, 6, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct dialect_ask ask = { .cap = t[i].cap, .quota = t[i].quota };
		struct buf b = { 0 };
		buf_adds(&b, "{\"object\":\"list\",\"data\":[");
		for (int k = 0; k < t[i].n; k++)
			buf_addf(&b, "%s{\"id\":\"f%d\"}", k ? "," : "", k);
		buf_adds(&b, "]}");
		struct page p = read_page_of("kimi", &ask, buf_z(&b));
		assert_int_equal(p.rc == RC_OK, t[i].whole);
		assert_int_equal(p.p.last, t[i].whole);
		if (!t[i].whole)
			assert_true(p.p.trouble == LANE_GARBLED && p.p.n == 0 && strstr(p.p.detail, "quota_items"));
		page_done(&p);
		buf_done(&b);
	}
}

static void an_unpaged_answer_that_speaks_of_more_is_not_whole(void **state)
{
	struct dialect_ask ask = { .cap = 10, .quota = -1 };
	struct page p = read_page_of("kimi", &ask, "{\"data\":[{\"id\":\"a\"}],\"has_more\":true}");
	(void)state;
	assert_int_equal(p.p.trouble, LANE_GARBLED);
	page_done(&p);
	p = read_page_of("kimi", &ask, "{\"data\":[{\"id\":\"a\"}],\"has_more\":false}");
	assert_int_equal(p.rc, RC_OK);
	page_done(&p);
}

/* A store may honour the filter or ignore it; an item of a purpose that nobody asks for would be missed. */
static void a_page_of_a_purpose_has_its_own_items_only(void **state)
{
	static const char *const purposes[] = { "batch", "agent" };
	struct dialect_ask ask = { .purpose = SLICE_LIT("agent"), .purposes = purposes, .n_purposes = 2, .quota = -1 };
#define P(id, purpose) "{\"id\":\"" id "\",\"purpose\":\"" purpose "\"}"
	static const struct { const char *body; int n; const char *cursor; } t[] = {
		{ "{\"data\":[" P("a", "agent") "," P("b", "batch") "],\"has_more\":false}", 1, "" },
		{ "{\"data\":[" P("b", "batch") "," P("a", "agent") "],\"has_more\":true}", 1, "a" },
		{ "{\"data\":[" P("a", "agent") "," P("b", "batch") "],\"has_more\":true}", 1, "b" },
		{ "{\"data\":[" P("b", "batch") "],\"has_more\":true}", 0, "b" },
		{ "{\"data\":[" P("a", "agent") "," P("c", "voice") "],\"has_more\":false}", -1, NULL },
		{ "{\"data\":[{\"id\":\"a\"}],\"has_more\":false}", -1, NULL },
		{ "{\"data\":[],\"has_more\":true}", -1, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct page p = read_page_of("glm", &ask, t[i].body);
		if ((p.rc == RC_OK) != (t[i].n >= 0) || (t[i].n >= 0 && (p.p.n != (size_t)t[i].n || !slice_is(p.p.cursor, t[i].cursor))))
			fail_msg("%s: %zu %s", t[i].body, p.p.n, p.p.detail);
		page_done(&p);
	}
}

/* What a page of a place of the provider says about files: "holder file state" of each, or trouble. */
static void a_page_of_a_place_names_the_files_in_use_or_is_trouble(void **state)
{
#define B(id, in, out, st) "{\"id\":\"" id "\",\"input_file_id\":" in ",\"output_file_id\":" out ",\"status\":\"" st "\"}"
#define PAGE(body, more) "{\"data\":[" body "],\"has_more\":" more "}"
	static const struct { const char *place, *parent, *asked; int status; const char *body, *refs; bool last; } t[] = {
		{ "batches", "", "", 200, PAGE(B("b1", "\"f1\"", "null", "in_progress"), "false"), "b1 f1 in_progress;", true },
		{ "batches", "", "", 200, PAGE(B("b1", "\"f1\"", "\"f2\"", "completed"), "false"), "", true },
		{ "batches", "", "", 200, PAGE(B("b1", "\"f1\"", "\"f2\"", "finalizing"), "true"), "b1 f1 finalizing;b1 f2 finalizing;", false },
		{ "batches", "", "", 200, PAGE(B("b1", "\"f1\"", "null", "new_state"), "false"), "b1 f1 new_state;", true },
		{ "batches", "", "", 200, PAGE("{\"id\":\"b1\",\"input_file_id\":\"f1\"}", "false"), "b1 f1 ;", true },
		{ "batches", "", "", 200, PAGE("", "false"), "", true },
		{ "batches", "", "", 200, PAGE(B("b1", "7", "null", "in_progress"), "false"), NULL, false },
		{ "batches", "", "", 200, PAGE("{\"input_file_id\":\"f1\"}", "false"), NULL, false },
		{ "batches", "", "", 200, "{\"data\":[]}", NULL, false },
		{ "batches", "", "", 200, PAGE("", "true"), NULL, false },
		{ "batches", "", "", 200, "{\"data\":null,\"has_more\":false}", NULL, false },
		{ "batches", "", "", 200, "", NULL, false },
		{ "batches", "", "", 204, "", NULL, false },
		{ "batches", "", "b1", 200, PAGE(B("b1", "\"f1\"", "null", "in_progress"), "false"), NULL, false },
		{ "batches", "", "", 404, "{\"error\":{}}", NULL, false },
		{ "batches", "", "", 401, "", NULL, false },
		{ "fine_tuning_jobs", "", "", 200, PAGE("{\"id\":\"j\",\"training_file\":\"f1\",\"result_files\":[\"f2\",\"f3\"],\"status\":\"running\"}", "false"),
		  "j f1 running;j f2 running;j f3 running;", true },
		{ "fine_tuning_jobs", "", "", 200, PAGE("{\"id\":\"j\",\"training_file\":\"f1\",\"status\":\"succeeded\"}", "false"), "", true },
		{ "fine_tuning_jobs", "", "", 200, PAGE("{\"id\":\"j\",\"result_files\":[1],\"status\":\"running\"}", "false"), NULL, false },
		{ "vector_stores", "", "", 200, PAGE("{\"id\":\"v1\",\"status\":\"expired\"}", "false"), "v1  expired;", true },
		{ "vector_stores", "v1", "", 200, PAGE("{\"id\":\"f1\",\"status\":\"completed\"}", "false"), "v1 f1 completed;", true },
		{ "vector_stores", "v1", "", 404, "{\"error\":{\"message\":\"no such store\"}}", "", true },
		{ "vector_stores", "v1", "", 404, "<html>", NULL, false },
		{ "vector_stores", "v1", "", 500, "", NULL, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_answer a = answer(t[i].status, t[i].body);
		struct lane_refs p;
		struct lane_ref *refs;
		struct json_doc *doc;
		struct buf b = { 0 };
		enum rc rc = dialect_read_refs(openai(), dialect_place(openai(), slice_of(t[i].place)), &a, slice_of(t[i].parent),
					       slice_of(t[i].asked), &p, &refs, &doc);
		for (size_t k = 0; k < p.n; k++)
			buf_addf(&b, "%.*s %.*s %.*s;", SLICE_FMT(refs[k].holder), SLICE_FMT(refs[k].file), SLICE_FMT(refs[k].state));
		if ((rc == RC_OK) != (t[i].refs != NULL) || (t[i].refs && (strcmp(buf_z(&b), t[i].refs) != 0 || p.last != t[i].last)))
			fail_msg("%s %s: %s %s", t[i].place, t[i].body, buf_z(&b), p.detail);
		assert_true(rc == RC_OK || (p.trouble != LANE_FINE && p.n == 0 && !p.last && p.detail[0]));
		free(refs);
		json_doc_free(doc);
		buf_done(&b);
	}
}

static void a_dialect_has_only_its_own_places(void **state)
{
	(void)state;
	assert_non_null(dialect_place(openai(), SLICE_LIT("vector_stores")));
	assert_non_null(dialect_place(dialect_find(SLICE_LIT("glm")), SLICE_LIT("batches")));
	assert_null(dialect_place(dialect_find(SLICE_LIT("kimi")), SLICE_LIT("vector_stores")));
	assert_null(dialect_place(openai(), SLICE_LIT("threads")));
}

static void an_unknown_dialect_has_no_row(void **state)
{
	struct buf names = { 0 };
	(void)state;
	assert_null(dialect_find(SLICE_LIT("gemini")));
	assert_null(dialect_find(SLICE_LIT("OpenAI")));
	assert_null(dialect_find(SLICE_LIT("")));
	dialect_names(&names);
	assert_string_equal(buf_z(&names), "openai, kimi, glm");
	buf_done(&names);
}

static void only_the_store_says_that_an_item_is_absent(void **state)
{
	static const struct { int status; const char *body; bool missing; } t[] = {
		{ 404, "", true }, { 404, "{\"error\":{}}", true }, { 410, "{}", true }, { 404, "404 page not found", false },
		{ 404, "[]", false }, { 404, "{\"error\":{\"message\":\"Invalid URL (GET /x)\"}}", false }, { 200, "{}", false },
		{ 403, "{}", false }, { 500, "{}", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_answer a = answer(t[i].status, t[i].body);
		assert_int_equal(dialect_says_missing(openai(), &a), t[i].missing);
	}
	struct http_answer cut = answer(404, "{}");
	cut.error = HTTP_ERR_CUT;
	assert_false(dialect_says_missing(openai(), &cut));
}

static void an_item_is_only_the_one_that_was_asked_for(void **state)
{
	static const struct { const char *body; bool ok; } t[] = {
		{ F("f-1"), true }, { F("f-2"), false }, { "{}", false }, { "[" F("f-1") "]", false }, { "", false }, { "{\"id\":\"f-1\"", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_answer a = answer(200, t[i].body);
		struct lane_item it;
		struct json_doc *doc;
		struct err e = { 0 };
		enum rc rc = dialect_read_item(openai(), &a, SLICE_LIT("f-1"), &it, &doc, &e);
		assert_int_equal(rc == RC_OK, t[i].ok);
		assert_true(t[i].ok || e.text[0]);
		json_doc_free(doc);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_answer_to_a_delete_has_its_meaning),
	cmocka_unit_test(only_what_never_left_or_a_clear_no_proves_that_nothing_was_deleted),
	cmocka_unit_test(every_dialect_s_own_words_have_their_meaning),
	cmocka_unit_test(an_unpaged_answer_is_whole_below_its_cap_or_at_the_quota),
	cmocka_unit_test(an_unpaged_answer_that_speaks_of_more_is_not_whole),
	cmocka_unit_test(a_page_of_a_purpose_has_its_own_items_only),
	cmocka_unit_test(a_page_of_a_place_names_the_files_in_use_or_is_trouble),
	cmocka_unit_test(a_dialect_has_only_its_own_places),
	cmocka_unit_test(the_detail_says_rehearsed),
	cmocka_unit_test(a_hostile_message_is_shown_as_escapes),
	cmocka_unit_test(the_wait_is_taken_in_order_header_body_reset),
	cmocka_unit_test(retry_info_in_the_body_is_a_wait_and_whole_seconds_are_coarse),
	cmocka_unit_test(a_page_has_its_items_and_the_next_cursor),
	cmocka_unit_test(only_has_more_false_is_the_last_page),
	cmocka_unit_test(a_page_that_contradicts_itself_is_trouble),
	cmocka_unit_test(what_an_item_lacks_is_unknown_not_zero),
	cmocka_unit_test(an_unknown_dialect_has_no_row),
	cmocka_unit_test(only_the_store_says_that_an_item_is_absent),
	cmocka_unit_test(an_item_is_only_the_one_that_was_asked_for),
};

UNIT_MAIN("dialect", tests)
