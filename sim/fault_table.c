/* Every fault, once: what it does and which words it uses. Help, man page and tests read this table. */
#include "sim/fault.h"

#include "base/mem.h"

enum { MUTE = OP_LIST | OP_GET | OP_CONTENT | OP_DELETE | OP_UPLOAD | OP_REFS, ABOUT_FILE = OP_GET | OP_CONTENT | OP_DELETE };

#define RATE_TEXT "Rate limit reached for requests. Please try again later."
#define INVALID "invalid_request_error"

static const struct fault_kind kinds[] = {
	/* ---- paced and paid ---- */
	{ .name = "429", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = RATE_TEXT, .arg = ARG_SECONDS, .arg_default = 1, .help = "429 with Retry-After in seconds" },
	{ .name = "429-date", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = RATE_TEXT, .arg = ARG_SECONDS, .arg_default = 2, .help = "429 with Retry-After as an HTTP date" },
	{ .name = "429-ms", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = RATE_TEXT, .arg = ARG_MS, .arg_default = 200, .help = "429 with retry-after-ms" },
	{ .name = "429-reset", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = RATE_TEXT, .arg = ARG_MS, .arg_default = 500, .help = "429 with x-ratelimit-reset-requests" },
	{ .name = "429-bare", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = RATE_TEXT, .help = "429 that does not say how long to wait" },
	{ .name = "429-billing", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 429, .type = "insufficient_quota",
	  .code = "insufficient_quota", .message = "You exceeded your current quota, please check your plan and billing details.",
	  .help = "429 that waiting does not help" },
	/* ---- refused ---- */
	{ .name = "401", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 401, .type = INVALID, .code = "invalid_api_key",
	  .message = "Incorrect API key provided.", .help = "the key is not accepted" },
	{ .name = "403", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 403, .type = INVALID, .code = "insufficient_permissions",
	  .message = "You have insufficient permissions for this operation.", .help = "the key may not do this" },
	{ .name = "403-in-use", .ops = ABOUT_FILE, .usual = OP_DELETE, .say = SAY_ERROR, .status = 403, .type = INVALID, .code = "file_in_use",
	  .message = "The file is in use and cannot be deleted.", .help = "403 about the file" },
	{ .name = "404-lie", .ops = ABOUT_FILE, .usual = ABOUT_FILE, .say = SAY_ERROR, .status = 404, .type = INVALID,
	  .message = "No such File object", .only_live = true, .help = "says there is no such file; there is" },
	{ .name = "400-unclear", .ops = ABOUT_FILE, .usual = OP_DELETE, .say = SAY_ERROR, .status = 400, .type = INVALID,
	  .message = "Invalid parameter: file_id.", .help = "400 that may mean that there is no such file; there is" },
	{ .name = "409-in-use", .ops = ABOUT_FILE, .usual = OP_DELETE, .say = SAY_ERROR, .status = 409, .type = INVALID, .code = "file_in_use",
	  .message = "The file is attached to a vector store and cannot be deleted.", .help = "refused: attached" },
	{ .name = "423", .ops = ABOUT_FILE, .usual = OP_DELETE, .say = SAY_ERROR, .status = 423, .type = INVALID, .code = "resource_locked",
	  .message = "The file is locked.", .help = "refused: locked" },
	/* ---- server trouble ---- */
	{ .name = "500-before", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 500, .type = "server_error",
	  .message = "The server had an error while processing your request.", .help = "500, nothing was done" },
	{ .name = "500-after", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .say = SAY_ERROR, .status = 500, .type = "server_error",
	  .message = "The server had an error while processing your request.", .help = "500, it was done" },
	{ .name = "503", .ops = MUTE, .usual = MUTE, .say = SAY_ERROR, .status = 503, .type = "service_unavailable_error",
	  .code = "server_is_overloaded", .message = "The server is currently overloaded.", .help = "503, nothing was done" },
	/* ---- the connection ---- */
	{ .name = "cut-before", .ops = MUTE, .usual = MUTE, .how = HOW_CUT, .warm = true, .arg = ARG_END,
	  .help = "ends the connection (arg=fin or rst), nothing was done" },
	{ .name = "cut-after", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .how = HOW_CUT, .warm = true, .arg = ARG_END,
	  .help = "ends the connection (arg=fin or rst), it was done" },
	{ .name = "timeout-before", .ops = MUTE, .usual = MUTE, .how = HOW_HOLD, .help = "never answers, nothing was done" },
	{ .name = "timeout-after", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .how = HOW_HOLD, .help = "never answers, it was done" },
	{ .name = "delay", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .how = HOW_DELAY, .arg = ARG_MS, .arg_default = 500,
	  .help = "the right answer, late" },
	{ .name = "slow-drip", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .how = HOW_DRIP, .arg = ARG_MS, .arg_default = 50,
	  .help = "the right answer, one byte at a time" },
	{ .name = "short-page", .ops = MUTE, .usual = OP_LIST, .act = ACT_ASKED, .how = HOW_SHORT, .help = "half the body, then the end" },
	/* ---- the body ---- */
	{ .name = "broken-json", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .say = SAY_BROKEN, .status = 200, .help = "200, JSON that stops early" },
	{ .name = "empty-body", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .say = SAY_NOTHING, .status = 200, .help = "200, no body" },
	{ .name = "oversized-body", .ops = MUTE, .usual = MUTE, .act = ACT_ASKED, .say = SAY_HUGE, .status = 200, .arg = ARG_BYTES,
	  .arg_default = 16 << 20, .help = "the right answer behind arg bytes of space" },
	{ .name = "deleted-false", .ops = OP_DELETE, .usual = OP_DELETE, .say = SAY_NOT_DELETED, .status = 200, .help = "200 \"deleted\": false, true" },
	{ .name = "wrong-id", .ops = OP_DELETE | OP_GET, .usual = OP_DELETE, .act = ACT_ASKED, .say = SAY_WRONG_ID, .status = 200, .only_live = true,
	  .help = "200 about an id that was not asked" },
	/* ---- content ---- */
	{ .name = "wrong-byte", .ops = OP_CONTENT, .usual = OP_CONTENT, .act = ACT_ASKED, .say = SAY_OTHER_BYTE, .status = 200, .only_live = true,
	  .help = "the file's bytes, one of them another" },
	{ .name = "wrong-length", .ops = OP_CONTENT, .usual = OP_CONTENT, .act = ACT_ASKED, .say = SAY_ONE_MORE, .status = 200, .only_live = true,
	  .help = "the file's bytes and one more" },
	/* ---- lists ---- */
	{ .name = "repeated-cursor", .ops = OP_LIST, .usual = OP_LIST, .say = SAY_SAME_PAGE, .status = 200, .only_after = true,
	  .help = "the page before, again, with more to come" },
	{ .name = "empty-more", .ops = OP_LIST, .usual = OP_LIST, .say = SAY_EMPTY_PAGE, .status = 200, .help = "no items, has_more true" },
	{ .name = "duplicate-id", .ops = OP_LIST, .usual = OP_LIST, .say = SAY_TWICE, .status = 200, .help = "one item twice" },
	{ .name = "list-500", .ops = OP_LIST, .usual = OP_LIST, .say = SAY_ERROR, .status = 500, .type = "server_error",
	  .message = "The server had an error while processing your request.", .help = "a page that fails" },
	{ .name = "list-401", .ops = OP_LIST, .usual = OP_LIST, .say = SAY_ERROR, .status = 401, .type = INVALID, .code = "invalid_api_key",
	  .message = "Incorrect API key provided.", .help = "a page that is refused" },
	/* ---- lies ---- */
	{ .name = "says-deleted-was-not", .ops = OP_DELETE, .usual = OP_DELETE, .say = SAY_DELETED, .status = 200, .only_live = true,
	  .help = "200 \"deleted\": true, the file stays" },
	{ .name = "deletes-another", .ops = OP_DELETE, .usual = OP_DELETE, .act = ACT_ANOTHER, .say = SAY_DELETED, .status = 200, .only_live = true,
	  .arg = ARG_ID, .help = "200 \"deleted\": true; another file (arg=ID or the next) is gone" },
	/* ---- links ---- */
	{ .name = "1011", .ops = OP_LINK, .usual = OP_HELLO, .how = HOW_LINK, .say = SAY_CLOSE, .status = 1011, .message = "keepalive ping timeout",
	  .help = "Close 1011 instead of the answer" },
	{ .name = "1008", .ops = OP_LINK, .usual = OP_UPGRADE, .how = HOW_LINK, .say = SAY_CLOSE, .status = 1008,
	  .message = "Too many connections from your IP (10/10)", .help = "Close 1008 at once" },
	{ .name = "4003", .ops = OP_LINK, .usual = OP_HELLO, .how = HOW_LINK, .say = SAY_CLOSE, .status = 4003, .message = "unauthorized",
	  .help = "hello_ack ok:false, Close 4003" },
	{ .name = "close", .ops = OP_LINK, .usual = OP_HELLO, .how = HOW_LINK, .say = SAY_CLOSE, .status = 1001, .message = "Server shutting down",
	  .arg = ARG_CODE, .arg_default = 1001, .help = "Close with code arg" },
	{ .name = "jam", .ops = OP_LINK, .usual = OP_HELLO, .how = HOW_LINK, .say = SAY_CLOSE, .status = 1000, .message = "",
	  .help = "Close 1000 without hello_ack" },
	{ .name = "cut", .ops = OP_LINK, .usual = OP_CALL | OP_HELLO, .how = HOW_LINK, .say = SAY_TCP_END, .arg = ARG_END,
	  .help = "TCP ends (arg=fin or rst) without Close" },
	{ .name = "silence", .ops = OP_LINK, .usual = OP_HELLO, .how = HOW_LINK, .say = SAY_NEVER, .help = "connected, never heard again" },
	{ .name = "no-pong", .ops = OP_LINK, .usual = OP_UPGRADE, .how = HOW_LINK, .say = SAY_NO_PONG, .help = "pings are not answered" },
	{ .name = "flap", .ops = OP_LINK, .usual = OP_UPGRADE, .how = HOW_LINK, .say = SAY_FLAP, .arg = ARG_SECONDS, .arg_default = 5,
	  .help = "Close 1011 arg seconds after each upgrade" },
	{ .name = "bad-json", .ops = OP_HELLO | OP_CALL | OP_NOW, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_BAD_JSON,
	  .help = "a text frame that is not JSON instead of the answer" },
	{ .name = "huge", .ops = OP_HELLO | OP_CALL | OP_NOW, .usual = OP_CALL, .how = HOW_LINK, .say = SAY_HUGE_FRAME, .arg = ARG_BYTES,
	  .arg_default = 40 << 20, .help = "one message of arg bytes" },
	{ .name = "fragments", .ops = OP_HELLO | OP_CALL, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_FRAGMENTS, .arg = ARG_COUNT,
	  .arg_default = 5, .help = "the right answer in arg pieces, pings between them" },
	{ .name = "bad-utf8", .ops = OP_HELLO | OP_CALL | OP_NOW, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_BAD_UTF8,
	  .help = "a text frame that is not UTF-8" },
	{ .name = "masked", .ops = OP_HELLO | OP_CALL, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_MASKED, .help = "the answer in a masked frame" },
	{ .name = "bad-opcode", .ops = OP_HELLO | OP_CALL | OP_NOW, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_BAD_OPCODE,
	  .help = "a frame with opcode 3" },
	{ .name = "late", .ops = OP_HELLO | OP_CALL, .usual = OP_HELLO | OP_CALL, .how = HOW_LINK, .say = SAY_LATE, .arg = ARG_MS, .arg_default = 500,
	  .help = "the right answer, late" },
	{ .name = "refuse", .ops = OP_UPGRADE, .usual = OP_UPGRADE, .how = HOW_LINK, .say = SAY_REFUSE, .arg = ARG_STATUS, .arg_default = 503,
	  .help = "HTTP status arg instead of the upgrade" },
	{ .name = "bad-accept", .ops = OP_UPGRADE, .usual = OP_UPGRADE, .how = HOW_LINK, .say = SAY_BAD_ACCEPT, .help = "an upgrade with the wrong key" },
};

const struct fault_kind *fault_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (slice_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

const struct fault_kind *fault_at(size_t i)
{
	return i < ARRAY_LEN(kinds) ? &kinds[i] : NULL;
}
