#include "sim/speech.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/jstr.h"

static const char *const openai_uploads[] = { "assistants", "batch", "fine-tune", "vision", "user_data", "evals", NULL };
static const char *const kimi_purposes[] = { "file-extract", "file-extract", "file-extract", "image", "video", "batch", NULL };
static const char *const kimi_uploads[] = { "file-extract", "image", "video", "batch", NULL };
static const char *const glm_purposes[] = { "batch", "code-interpreter", "agent", "agent", NULL };
static const char *const glm_uploads[] = { "batch", "code-interpreter", "agent", "voice-clone-input", NULL };

static const struct speech speeches[] = {
	[SPEECH_OPENAI] = { .root = "/v1", .uploads = openai_uploads, .limit_max = 10000, .limit_default = 10000 },
	[SPEECH_KIMI] = { .root = "/v1", .purposes = kimi_purposes, .uploads = kimi_uploads, .unpaged = true },
	[SPEECH_GLM] = { .root = "/api/paas/v4", .purposes = glm_purposes, .uploads = glm_uploads, .by_purpose = true, .no_get = true,
			 .limit_max = 100, .limit_default = 20 },
};

const struct speech *speech_of(enum speech_dialect d)
{
	return &speeches[d];
}

/* OpenAI's (status, code) and what the dialect says instead; the first row that fits. */
static const struct translation {
	enum speech_dialect dialect;
	int status;
	const char *from;               /* code, NULL = any */
	int to;
	const char *word;               /* type (kimi) or code (glm) */
	const char *message;            /* NULL = the same */
} translations[] = {
	{ SPEECH_KIMI, 401, NULL, 401, "invalid_authentication_error", "Invalid Authentication" },
	{ SPEECH_KIMI, 403, NULL, 403, "permission_denied_error", NULL },
	{ SPEECH_KIMI, 404, NULL, 404, "resource_not_found_error", NULL },
	{ SPEECH_KIMI, 429, "insufficient_quota", 429, "exceeded_current_quota_error",
	  "Your account is suspended, please check your plan and billing details" },
	{ SPEECH_KIMI, 429, NULL, 429, "rate_limit_reached_error", NULL },
	{ SPEECH_KIMI, 500, NULL, 500, "server_error", NULL },
	{ SPEECH_KIMI, 503, NULL, 503, "engine_overloaded_error", NULL },
	{ SPEECH_GLM, 401, NULL, 401, "1000", "\350\272\253\344\273\275\351\252\214\350\257\201\345\244\261\350\264\245" },
	{ SPEECH_GLM, 403, "file_in_use", 409, "1215", NULL },
	{ SPEECH_GLM, 403, NULL, 434, "1220", NULL },
	{ SPEECH_GLM, 404, NULL, 404, "1214", NULL },
	{ SPEECH_GLM, 429, "insufficient_quota", 429, "1113",
	  "\346\202\250\347\232\204\350\264\246\346\210\267\345\267\262\346\254\240\350\264\271" },
	{ SPEECH_GLM, 429, NULL, 429, "1302", NULL },
	{ SPEECH_GLM, 500, NULL, 500, "500", NULL },
	{ SPEECH_GLM, 503, NULL, 503, "1305", NULL },
	{ SPEECH_GLM, 0, NULL, 0, "1210", NULL },
};

static const struct translation *translate(enum speech_dialect d, const struct speech_error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(translations); i++) {
		const struct translation *t = &translations[i];
		if (t->dialect == d && (!t->status || t->status == e->status) && (!t->from || (e->code && strcmp(t->from, e->code) == 0)))
			return t;
	}
	return NULL;
}

static void message_of(struct buf *body, const struct translation *t, const struct speech_error *e)
{
	buf_adds(body, ",\"message\":");
	jstr_add(body, t && t->message ? slice_of(t->message) : e->message);
}

static int say_kimi(const struct translation *t, const struct speech_error *e, struct buf *body)
{
	if (e->code && strcmp(e->code, "unknown_url") == 0) {
		buf_adds(body, "{\"code\":5,\"error\":\"url.not_found\",\"message\":\"no such object\",\"scode\":\"0x5\",\"status\":false}");
		return 404;
	}
	buf_adds(body, "{\"error\":{\"type\":");
	jstr_add(body, slice_of(t ? t->word : "invalid_request_error"));
	message_of(body, t, e);
	buf_adds(body, "}}");
	return t ? t->to : e->status;
}

static int say_glm(unsigned options, const struct translation *t, const struct speech_error *e, struct buf *body)
{
	bool page = e->code && (strcmp(e->code, "unknown_url") == 0 || strcmp(e->code, "method_not_supported") == 0);
	if (page) {
		buf_addf(body, "{\"timestamp\":\"2026-01-01T00:00:00.000+00:00\",\"status\":%d,\"error\":\"%s\"}", e->status,
			 e->status == 405 ? "Method Not Allowed" : "Not Found");
		return e->status;
	}
	buf_adds(body, "{\"error\":{\"code\":");
	if (options & SPEECH_NUMBER_CODES)
		buf_adds(body, t->word);
	else
		jstr_add(body, slice_of(t->word));
	message_of(body, t, e);
	buf_adds(body, "}}");
	return e->status == 404 && options & SPEECH_MISSING_400 ? 400 : t->to ? t->to : e->status;
}

int speech_say(enum speech_dialect d, unsigned options, const struct speech_error *e, struct buf *body)
{
	const struct translation *t = translate(d, e);
	switch (d) {
	case SPEECH_OPENAI:
		jstr_error(body, e->message, e->type, e->param, e->code);
		return e->status;
	case SPEECH_KIMI:
		return say_kimi(t, e, body);
	case SPEECH_GLM:
		return say_glm(options, t, e, body);
	}
	return e->status;
}
