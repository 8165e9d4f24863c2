#include "sim/jstr.h"

#include <stdio.h>

static void add_escape(struct buf *out, unsigned char c)
{
	char text[8];
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		return;
	case '\\':
		buf_adds(out, "\\\\");
		return;
	case '\n':
		buf_adds(out, "\\n");
		return;
	case '\r':
		buf_adds(out, "\\r");
		return;
	case '\t':
		buf_adds(out, "\\t");
		return;
	default:
		snprintf(text, sizeof(text), "\\u%04x", c);
		buf_adds(out, text);
		return;
	}
}

void jstr_add(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		size_t from = i;
		while (i < s.n && (unsigned char)s.p[i] >= 0x20 && s.p[i] != '"' && s.p[i] != '\\')
			i++;
		buf_add(out, s.p + from, i - from);
		if (i < s.n)
			add_escape(out, (unsigned char)s.p[i]);
	}
	buf_addc(out, '"');
}

void jstr_i64(struct buf *out, int64_t v)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	do
		digits[--at] = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		digits[--at] = '-';
	buf_add(out, digits + at, sizeof(digits) - at);
}

static void add_or_null(struct buf *out, const char *key, const char *z)
{
	buf_adds(out, key);
	if (z)
		jstr_add(out, slice_of(z));
	else
		buf_adds(out, "null");
}

void jstr_error(struct buf *out, struct slice message, const char *type, const char *param, const char *code)
{
	buf_adds(out, "{\"error\":{\"message\":");
	jstr_add(out, message);
	add_or_null(out, ",\"type\":", type);
	add_or_null(out, ",\"param\":", param);
	add_or_null(out, ",\"code\":", code);
	buf_adds(out, "}}");
}
