#include "base/json.h"

#include "base/mem.h"
#include "base/text.h"

void jw_init(struct jw *w, struct buf *out)
{
	*w = (struct jw){ .out = out };
	w->first[0] = true;
}

static void separate(struct jw *w)
{
	if (!w->first[w->depth])
		buf_addc(w->out, ',');
	w->first[w->depth] = false;
}

static void before_value(struct jw *w)
{
	if (w->object[w->depth] && !w->after_key)
		die("JSON writer: a value without a key");
	if (!w->after_key)
		separate(w);
	w->after_key = false;
}

static void open_level(struct jw *w, bool object)
{
	before_value(w);
	if (w->depth + 1 >= (int)ARRAY_LEN(w->first))
		die("JSON writer: nested more than %zu deep", ARRAY_LEN(w->first) - 1);
	w->depth++;
	w->first[w->depth] = true;
	w->object[w->depth] = object;
	buf_addc(w->out, object ? '{' : '[');
}

static void close_level(struct jw *w, bool object)
{
	if (w->depth == 0 || w->after_key || w->object[w->depth] != object)
		die("JSON writer: '%c' where it closes nothing", object ? '}' : ']');
	w->depth--;
	buf_addc(w->out, object ? '}' : ']');
}

void jw_obj(struct jw *w)
{
	open_level(w, true);
}

void jw_end_obj(struct jw *w)
{
	close_level(w, true);
}

void jw_arr(struct jw *w)
{
	open_level(w, false);
}

void jw_end_arr(struct jw *w)
{
	close_level(w, false);
}

static void add_escaped(struct buf *out, uint32_t cp)
{
	if (cp > 0xFFFF)
		buf_addf(out, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10), 0xDC00 + ((cp - 0x10000) & 0x3FF));
	else
		buf_addf(out, "\\u%04x", cp);
}

static void add_string(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	for (size_t i = 0, start = 0; i < s.n; start = i) {
		while (i < s.n && (unsigned char)s.p[i] - 0x20u < 0x5F && s.p[i] != '"' && s.p[i] != '\\')
			i++;
		buf_add(out, s.p + start, i - start);
		if (i == s.n)
			break;
		start = i;
		int32_t cp = utf8_next(s, &i);
		if (cp == '"' || cp == '\\')
			buf_addf(out, "\\%c", (char)cp);
		else if (cp <= 0)
			utf8_put(out, 0xFFFD);
		else if (text_cp_width((uint32_t)cp) < 0)
			add_escaped(out, (uint32_t)cp);
		else
			buf_add(out, s.p + start, i - start);
	}
	buf_addc(out, '"');
}

void jw_key(struct jw *w, const char *key)
{
	if (!w->object[w->depth] || w->after_key)
		die("JSON writer: key \"%s\" where no key can be", key);
	separate(w);
	add_string(w->out, slice_of(key));
	buf_addc(w->out, ':');
	w->after_key = true;
}

void jw_str(struct jw *w, struct slice s)
{
	before_value(w);
	add_string(w->out, s);
}

void jw_z(struct jw *w, const char *z)
{
	if (z)
		jw_str(w, slice_of(z));
	else
		jw_null(w);
}

void jw_i64(struct jw *w, int64_t v)
{
	char digits[20];
	size_t at = sizeof digits;
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	before_value(w);
	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) != 0);
	if (v < 0)
		digits[--at] = '-';
	buf_add(w->out, digits + at, sizeof digits - at);
}

void jw_bool(struct jw *w, bool v)
{
	before_value(w);
	buf_adds(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w)
{
	before_value(w);
	buf_adds(w->out, "null");
}

void jw_raw(struct jw *w, struct slice json)
{
	before_value(w);
	buf_add(w->out, json.p, json.n);
}

void jw_kstr(struct jw *w, const char *key, struct slice s)
{
	jw_key(w, key);
	jw_str(w, s);
}

void jw_kz(struct jw *w, const char *key, const char *z)
{
	jw_key(w, key);
	jw_z(w, z);
}

void jw_ki64(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	jw_i64(w, v);
}

void jw_kbool(struct jw *w, const char *key, bool v)
{
	jw_key(w, key);
	jw_bool(w, v);
}

void jw_kopt(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	if (v == -1)
		jw_null(w);
	else
		jw_i64(w, v);
}
