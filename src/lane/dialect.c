#include "lane/dialect.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* OpenAI's Files API and what follows it. Sources: the public specification, the official SDKs'
 * retry rules, and answers of compatible stores. */
static const struct dialect_error openai_errors[] = {
	/* 429 is not always "wait": these are about money. */
	{ 0, "insufficient_quota", NULL, NULL, LANE_BILLING, false },
	{ 0, NULL, "insufficient_quota", NULL, LANE_BILLING, false },
	{ 0, NULL, "billing_hard_limit_reached", NULL, LANE_BILLING, false },
	{ 0, NULL, "billing_not_active", NULL, LANE_BILLING, false },
	{ 0, NULL, "exceeded_current_quota_error", NULL, LANE_BILLING, false },
	{ 0, "exceeded_current_quota_error", NULL, NULL, LANE_BILLING, false },
	{ 429, NULL, NULL, "exceeded your current quota", LANE_BILLING, false },
	{ 429, NULL, NULL, "billing", LANE_BILLING, false },
	{ 429, NULL, NULL, "spend limit", LANE_BILLING, false },
	{ 429, NULL, NULL, "credit", LANE_BILLING, false },
	{ 402, NULL, NULL, NULL, LANE_BILLING, false },
	{ 0, NULL, "account_deactivated", NULL, LANE_AUTH, false },
	{ 429, NULL, NULL, NULL, LANE_PACED, false },
	{ 408, NULL, NULL, NULL, LANE_PACED, false },
	{ 425, NULL, NULL, NULL, LANE_PACED, false },

	{ 401, NULL, NULL, NULL, LANE_AUTH, false },
	/* 403 speaks about the file only where it says so; every other one is about the key. */
	{ 403, NULL, "file_in_use", NULL, LANE_REJECTED, true },
	{ 403, NULL, "file_locked", NULL, LANE_REJECTED, true },
	{ 403, NULL, "resource_locked", NULL, LANE_REJECTED, true },
	{ 403, NULL, "resource_in_use", NULL, LANE_REJECTED, true },
	{ 403, "insufficient_permissions", NULL, NULL, LANE_AUTH, false },
	{ 403, NULL, NULL, "API key", LANE_AUTH, false },
	{ 403, NULL, NULL, "locked", LANE_REJECTED, true },
	{ 403, NULL, NULL, "in use", LANE_REJECTED, true },
	{ 403, NULL, NULL, "is used by", LANE_REJECTED, true },
	{ 403, NULL, NULL, NULL, LANE_AUTH, false },

	{ 409, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 412, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 423, NULL, NULL, NULL, LANE_REJECTED, true },

	/* A path that the server does not serve says nothing about the file. */
	{ 404, NULL, "unknown_url", NULL, LANE_UNSUPPORTED, false },
	{ 404, NULL, NULL, "Invalid URL", LANE_UNSUPPORTED, false },
	{ 404, NULL, NULL, "Unknown request URL", LANE_UNSUPPORTED, false },
	{ 405, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 501, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 400, NULL, "invalid_api_key", NULL, LANE_AUTH, false },
	{ 0, NULL, NULL, NULL, LANE_FINE, false }
};

/* Moonshot's Kimi: an error has a type and no code; three types share 429, one of them about money.
 * Unknown paths answer {"error":"url.not_found"}. */
static const struct dialect_error kimi_errors[] = {
	{ 0, "exceeded_current_quota_error", NULL, NULL, LANE_BILLING, false },
	{ 429, "engine_overloaded_error", NULL, NULL, LANE_PACED, false },
	{ 429, "rate_limit_reached_error", NULL, NULL, LANE_PACED, false },
	{ 429, NULL, NULL, "balance", LANE_BILLING, false },
	{ 429, NULL, NULL, "billing", LANE_BILLING, false },
	{ 429, NULL, NULL, "suspended", LANE_BILLING, false },
	{ 403, NULL, NULL, "balance", LANE_BILLING, false },
	{ 402, NULL, NULL, NULL, LANE_BILLING, false },
	{ 429, NULL, NULL, NULL, LANE_PACED, false },
	{ 408, NULL, NULL, NULL, LANE_PACED, false },
	{ 425, NULL, NULL, NULL, LANE_PACED, false },

	{ 401, NULL, NULL, NULL, LANE_AUTH, false },
	{ 0, "invalid_authentication_error", NULL, NULL, LANE_AUTH, false },
	{ 0, "incorrect_api_key_error", NULL, NULL, LANE_AUTH, false },
	{ 403, NULL, NULL, "in use", LANE_REJECTED, true },
	{ 403, NULL, NULL, NULL, LANE_AUTH, false },
	{ 409, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 412, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 423, NULL, NULL, NULL, LANE_REJECTED, true },

	{ 404, "", NULL, NULL, LANE_UNSUPPORTED, false },
	{ 405, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 501, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 0, NULL, NULL, NULL, LANE_FINE, false }
};

/* Zhipu's GLM: the code is a string of digits, from some gateways a number; it decides more than the
 * status. 429 also carries arrears and account trouble; some caps end at a time that only the text
 * names. "Wrong parameter" is what a missing file may answer too: that has to be looked up. */
static const struct dialect_error glm_errors[] = {
	{ 0, NULL, "1113", NULL, LANE_BILLING, false },
	{ 0, NULL, "1308", NULL, LANE_BILLING, false },
	{ 0, NULL, "1310", NULL, LANE_BILLING, false },
	{ 0, NULL, "1313", NULL, LANE_BILLING, false },
	{ 402, NULL, NULL, NULL, LANE_BILLING, false },
	{ 0, NULL, "1000", NULL, LANE_AUTH, false },
	{ 0, NULL, "1001", NULL, LANE_AUTH, false },
	{ 0, NULL, "1002", NULL, LANE_AUTH, false },
	{ 0, NULL, "1003", NULL, LANE_AUTH, false },
	{ 0, NULL, "1004", NULL, LANE_AUTH, false },
	{ 0, NULL, "1005", NULL, LANE_AUTH, false },
	{ 429, NULL, "1302", NULL, LANE_PACED, false },
	{ 429, NULL, "1303", NULL, LANE_PACED, false },
	{ 429, NULL, "1305", NULL, LANE_PACED, false },
	{ 0, NULL, "1230", NULL, LANE_SERVER, false },
	{ 0, NULL, "1234", NULL, LANE_SERVER, false },
	{ 429, NULL, NULL, "\xe6\xac\xa0\xe8\xb4\xb9", LANE_BILLING, false },        /* arrears */
	{ 429, NULL, NULL, "\xe4\xbd\x99\xe9\xa2\x9d", LANE_BILLING, false },        /* balance */
	{ 429, NULL, NULL, "\xe8\xb4\xa6\xe6\x88\xb7\xe5\xbc\x82\xe5\xb8\xb8", LANE_BILLING, false }, /* account abnormal */
	{ 429, NULL, NULL, "balance", LANE_BILLING, false },
	{ 429, NULL, NULL, "arrears", LANE_BILLING, false },
	{ 429, NULL, NULL, "abnormal", LANE_BILLING, false },
	{ 429, NULL, NULL, NULL, LANE_PACED, false },
	{ 408, NULL, NULL, NULL, LANE_PACED, false },
	{ 425, NULL, NULL, NULL, LANE_PACED, false },

	{ 401, NULL, NULL, NULL, LANE_AUTH, false },
	{ 403, NULL, NULL, NULL, LANE_AUTH, false },
	{ 434, NULL, NULL, NULL, LANE_AUTH, false },
	{ 400, NULL, "1210", NULL, LANE_GARBLED, true },
	{ 400, NULL, "1213", NULL, LANE_GARBLED, true },
	{ 400, NULL, "1214", NULL, LANE_GARBLED, true },
	{ 400, NULL, "1215", NULL, LANE_GARBLED, true },
	{ 409, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 412, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 423, NULL, NULL, NULL, LANE_REJECTED, true },
	{ 404, "", NULL, NULL, LANE_UNSUPPORTED, false },
	{ 405, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 501, NULL, NULL, NULL, LANE_UNSUPPORTED, false },
	{ 0, NULL, NULL, NULL, LANE_FINE, false }
};

static const int gone_status[] = { 404, 410, 0 };
static const char *const openai_made[] = { "assistants", "batch", "fine-tune", "vision", "user_data", "evals", NULL };
static const char *const kimi_made[] = { "file-extract", "image", "video", "batch", NULL };
static const char *const glm_made[] = { "batch", "code-interpreter", "agent", "voice-clone-input", NULL };
static const char *const glm_given_back[] = { "batch", NULL };
static const char *const glm_purposes[] = { "batch", "code-interpreter", "agent", NULL };

#define FILE_FIELDS \
	.list_path = "/files", .id_field = "id", .name_field = "filename", .bytes_field = "bytes", .created_field = "created_at", \
	.purpose_field = "purpose", .status_field = "status", .expires_field = "expires_at", .deleted_field = "deleted", .missing_status = gone_status

static const struct dialect dialects[] = {
	{ .name = "openai", FILE_FIELDS, .limit_param = "limit", .cursor_param = "after", .more_field = "has_more", .page_max = 10000,
	  .has_get = true, .content_path = "/content", .upload_purposes = openai_made, .errors = openai_errors, .ids_never_reused = true },
	/* One answer for the whole account, without a cursor and without saying that it is all. */
	{ .name = "kimi", FILE_FIELDS, .more_field = "has_more", .page_max = 10000, .unpaged = true, .has_get = true,
	  .content_why = "this store gives back the text it found in a file, not the file",
	  .upload_purposes = kimi_made, .errors = kimi_errors, .ids_never_reused = true },
	/* Whether a list without a purpose is whole is not documented, and neither is a GET of one file. */
	{ .name = "glm", FILE_FIELDS, .limit_param = "limit", .cursor_param = "after", .more_field = "has_more", .page_max = 100,
	  .has_get = false, .content_path = "/content", .content_purposes = glm_given_back,
	  .content_why = "this store gives back only files of purpose batch", .upload_purposes = glm_made,
	  .purpose_param = "purpose", .purposes = glm_purposes, .errors = glm_errors, .ids_never_reused = true },
};

const struct dialect *dialect_find(struct slice name)
{
	for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
		if (slice_is(name, dialects[i].name))
			return &dialects[i];
	return NULL;
}

void dialect_names(struct buf *out)
{
	for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
		if (i)
			buf_adds(out, ", ");
		buf_adds(out, dialects[i].name);
	}
}

/* ---- what an answer says about the request ---- */

struct said {
	struct slice type, code, message;
	char digits[24];                /* a code that is a number */
	bool plain;                     /* "error" is a text */
};

static struct slice member(const struct json *obj, const char *key)
{
	struct slice s = { 0 };
	if (!json_str(json_get(obj, key), &s))
		return slice_of(NULL);
	return s;
}

/* {"error":{"type","code","message"}}; some stores put the three at the top. */
static void said_read(const struct json *root, struct said *s)
{
	const struct json *e = json_get(root, "error");
	int64_t number;
	memset(s, 0, sizeof *s);
	if (json_is_string(e)) {
		s->message = member(root, "error");
		s->plain = true;
		return;
	}
	if (!json_is_object(e))
		e = root;
	s->type = member(e, "type");
	s->code = member(e, "code");
	s->message = member(e, "message");
	if (!s->code.n && json_i64(json_get(e, "code"), &number)) {
		snprintf(s->digits, sizeof s->digits, "%lld", (long long)number);
		s->code = slice_of(s->digits);
	}
}

static bool has(struct slice s, const char *part)
{
	size_t n = strlen(part);
	return n == 0 || (s.n >= n && memmem(s.p, s.n, part, n) != NULL);
}

static bool rule_fits(const struct dialect_error *r, int status, const struct said *s)
{
	return (r->status == 0 || r->status == status)
		&& (!r->type || (*r->type ? slice_is(s->type, r->type) : s->plain))
		&& (!r->code || slice_is(s->code, r->code))
		&& (!r->message_has || has(s->message, r->message_has));
}

static enum lane_trouble by_status(int status)
{
	if (status >= 200 && status < 300)
		return LANE_FINE;
	if (status >= 500)
		return LANE_SERVER;
	if (status >= 400)
		return LANE_REJECTED;
	return LANE_UNSUPPORTED;        /* a redirect: never followed */
}

static enum lane_trouble by_rules(const struct dialect *d, int status, const struct said *s, bool *about_item)
{
	enum lane_trouble plain = by_status(status);
	if (plain == LANE_FINE)
		return plain;
	for (const struct dialect_error *r = d->errors; r->trouble != LANE_FINE; r++)
		if (rule_fits(r, status, s)) {
			*about_item = r->about_item;
			return r->trouble;
		}
	*about_item = plain == LANE_REJECTED;
	return plain;
}

static enum lane_trouble by_transport(const struct http_answer *a)
{
	switch (a->error) {
	case HTTP_OK:
		return LANE_FINE;
	case HTTP_ERR_REFUSED_HERE:
	case HTTP_ERR_REHEARSED:
		return LANE_NOT_PERMITTED;
	case HTTP_ERR_RESOLVE:
	case HTTP_ERR_CONNECT:
	case HTTP_ERR_TLS:
	case HTTP_ERR_CUT:
	case HTTP_ERR_CANCELLED:
		return a->left ? LANE_CUT : LANE_NETWORK;
	case HTTP_ERR_TIMEOUT:
		return a->left ? LANE_TIMEOUT : LANE_NETWORK;
	case HTTP_ERR_TOO_LARGE:
	case HTTP_ERR_PROTOCOL:
		return a->left ? LANE_GARBLED : LANE_NETWORK;
	}
	return LANE_GARBLED;
}

static const char *transport_words(const struct http_answer *a)
{
	switch (a->error) {
	case HTTP_OK:
		return "";
	case HTTP_ERR_REFUSED_HERE:
		return "not sent: the mode allows reads only";
	case HTTP_ERR_REHEARSED:
		return "rehearsed: recorded instead of sent";
	case HTTP_ERR_RESOLVE:
		return "the store's name does not resolve: check the lane's url and the resolver";
	case HTTP_ERR_CONNECT:
		return "no connection to the store: check the lane's url and that the store runs";
	case HTTP_ERR_TLS:
		return "the store's certificate or TLS was refused: check the lane's url and ca_file";
	case HTTP_ERR_TIMEOUT:
		return a->left ? "no answer in time" : "no connection in time";
	case HTTP_ERR_CUT:
		return a->left ? "the connection ended before the whole answer" : "the connection ended before the request left";
	case HTTP_ERR_TOO_LARGE:
		return "the answer is larger than the limit";
	case HTTP_ERR_PROTOCOL:
		return "what came back is not HTTP";
	case HTTP_ERR_CANCELLED:
		return "cancelled here";
	}
	return "";
}

static const char *advice(enum lane_trouble t)
{
	switch (t) {
	case LANE_AUTH:
		return "; check the lane's credential";
	case LANE_BILLING:
		return "; the account needs money or a higher limit";
	case LANE_UNSUPPORTED:
		return "; check the lane's url and dialect";
	case LANE_FINE:
	case LANE_PACED:
	case LANE_SERVER:
	case LANE_NETWORK:
	case LANE_TIMEOUT:
	case LANE_CUT:
	case LANE_REJECTED:
	case LANE_GARBLED:
	case LANE_NOT_PERMITTED:
		return "";
	}
	return "";
}

static void describe_status(const struct http_answer *a, enum lane_trouble t, const struct said *s, char detail[200])
{
	char msg[96], code[40];
	struct slice word = s->code.n ? s->code : s->type;
	text_z(msg, sizeof msg, s->message);
	text_z(code, sizeof code, word);
	struct buf b = { 0 };
	buf_addf(&b, "HTTP %d", a->status);
	if (*code)
		buf_addf(&b, " %s", code);
	if (*msg)
		buf_addf(&b, ": %s", msg);
	buf_adds(&b, advice(t));
	text_z(detail, 200, buf_slice(&b));
	buf_done(&b);
}

static void describe_transport(const struct http_answer *a, char detail[200])
{
	const char *words = transport_words(a);
	if (a->detail[0])
		snprintf(detail, 200, "%s (%.100s)", words, a->detail);
	else
		snprintf(detail, 200, "%s", words);
}

enum lane_trouble dialect_transport(const struct http_answer *a, char detail[200])
{
	enum lane_trouble t = by_transport(a);
	detail[0] = '\0';
	if (t != LANE_FINE)
		describe_transport(a, detail);
	return t;
}

/* The error members of a body of any size that can be trusted to be small. */
static struct json_doc *error_body(const struct http_answer *a)
{
	struct json_limits small = { .max_bytes = 64 << 10, .max_depth = 16, .max_values = 1000 };
	struct json_doc *doc = NULL;
	if (a->body.n == 0 || json_parse(&doc, a->body, &small, NULL) != RC_OK)
		return NULL;
	return doc;
}

enum lane_trouble dialect_trouble(const struct dialect *d, const struct http_answer *a, bool *about_item, char detail[200])
{
	*about_item = false;
	detail[0] = '\0';
	enum lane_trouble t = dialect_transport(a, detail);
	if (t != LANE_FINE)
		return t;
	if (by_status(a->status) == LANE_FINE)
		return LANE_FINE;
	struct json_doc *doc = error_body(a);
	struct said s = { 0 };
	if (doc)
		said_read(json_root(doc), &s);
	t = by_rules(d, a->status, &s, about_item);
	describe_status(a, t, &s, detail);
	json_doc_free(doc);
	return t;
}

/* ---- how long to wait ---- */

/* "6m0.5s" at the front: milliseconds, -1 if it is not there. */
static int64_t spans_in(struct slice m)
{
	static const struct { const char *unit; int64_t ms; } units[] = { { "ms", 1 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };
	int64_t total = 0;
	bool any = false;
	const char *p = m.p, *end = m.p + m.n;
	while (p < end && *p >= '0' && *p <= '9') {
		int64_t milli = 0, scale = 1000;
		for (; p < end && *p >= '0' && *p <= '9' && milli < 1000000; p++)
			milli = milli * 10 + (*p - '0');
		milli *= 1000;
		if (p < end && *p == '.')
			for (p++; p < end && *p >= '0' && *p <= '9'; p++)
				milli += (*p - '0') * (scale /= 10);
		size_t u = 0;
		while (u < 4 && !slice_starts((struct slice){ p, (size_t)(end - p) }, units[u].unit))
			u++;
		if (u == 4)
			break;
		total += milli * units[u].ms / 1000;
		p += strlen(units[u].unit);
		any = true;
	}
	return any ? total : -1;
}

/* "Please try again in 6m0.5s" */
static int64_t hint_in(struct slice m)
{
	static const char mark[] = "try again in ";
	const char *at = m.n ? memmem(m.p, m.n, mark, sizeof mark - 1) : NULL;
	if (!at)
		return -1;
	at += sizeof mark - 1;
	return spans_in((struct slice){ at, (size_t)(m.p + m.n - at) });
}

/* google.rpc.RetryInfo among the details of an error: "retryDelay": "17s" */
static int64_t retry_info(const struct json *root)
{
	const struct json *e = json_get(root, "error"), *details = json_get(json_is_object(e) ? e : root, "details");
	struct slice s;
	if (!json_is_array(details))
		return -1;
	for (const struct json *d = json_first(details); d; d = json_next(d))
		if (json_is_object(d) && json_str(json_get(d, "retryDelay"), &s))
			return spans_in(s);
	return -1;
}

int64_t dialect_wait_ms(const struct http_answer *a)
{
	if (a->retry_after_ms >= 0)
		return a->retry_after_ms;
	struct json_doc *doc = error_body(a);
	struct said s = { 0 };
	int64_t info = -1;
	if (doc) {
		said_read(json_root(doc), &s);
		info = retry_info(json_root(doc));
	}
	int64_t hint = info >= 0 ? info : hint_in(s.message);
	json_doc_free(doc);
	return hint >= 0 ? hint : a->ratelimit_reset_ms;
}

bool dialect_wait_coarse(const struct http_answer *a, int64_t wait_ms)
{
	return wait_ms >= 0 && wait_ms % 1000 == 0 && !(a->retry_after_ms >= 0 && a->retry_after_exact);
}

bool dialect_says_missing(const struct dialect *d, const struct http_answer *a)
{
	bool listed = false, item;
	char detail[200];
	for (const int *m = d->missing_status; *m; m++)
		listed = listed || *m == a->status;
	if (a->error != HTTP_OK || !listed || dialect_trouble(d, a, &item, detail) == LANE_UNSUPPORTED)
		return false;
	if (a->body.n == 0)
		return true;
	struct json_doc *doc = error_body(a);
	bool spoken = doc && json_is_object(json_root(doc));
	json_doc_free(doc);
	return spoken;
}
