#include "ui/model_read.h"

#include <stdio.h>
#include <string.h>

struct slice read_str(const struct json *j, struct arena *mem)
{
	struct slice s;
	int64_t n;
	char digits[24];
	if (json_i64(j, &n))                    /* an id that is a number is shown as one */
		s = (struct slice){ digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)n) };
	else if (!json_str(j, &s))
		return (struct slice){ NULL, 0 };
	return (struct slice){ arena_strndup(mem, s.p, s.n), s.n };
}

static void read_field(char *to, enum field_kind kind, const struct json *j, struct arena *mem)
{
	int64_t n = -1;
	bool b = false;
	switch (kind) {
	case FIELD_I64:
		if (!json_i64(j, &n))
			n = -1;
		memcpy(to, &n, sizeof(n));
		return;
	case FIELD_BOOL:
		if (!json_bool(j, &b))
			b = false;
		memcpy(to, &b, sizeof(b));
		return;
	case FIELD_STR: {
		struct slice s = read_str(j, mem);
		memcpy(to, &s, sizeof(s));
		return;
	}
	}
}

void read_fields(void *to, const struct field *f, size_t n, const struct json *obj, struct arena *mem)
{
	for (size_t i = 0; i < n; i++)
		read_field((char *)to + f[i].at, f[i].kind, json_get(obj, f[i].key), mem);
}

/* A string goes in with its length before it. */
static struct slice field_bytes(const char *at, enum field_kind kind, struct slice *text)
{
	*text = (struct slice){ NULL, 0 };
	switch (kind) {
	case FIELD_I64:
		return (struct slice){ at, sizeof(int64_t) };
	case FIELD_BOOL:
		return (struct slice){ at, sizeof(bool) };
	case FIELD_STR:
		memcpy(text, at, sizeof *text);
		return (struct slice){ at + offsetof(struct slice, n), sizeof text->n };
	}
	return *text;
}

struct slice fields_whole(const void *from, const struct field *f, size_t n, struct arena *mem)
{
	struct slice text;
	size_t size = 0, done = 0;
	for (size_t i = 0; i < n; i++) {
		size += field_bytes((const char *)from + f[i].at, f[i].kind, &text).n;
		size += text.n;
	}
	char *p = arena_alloc(mem, size);
	for (size_t i = 0; i < n; i++) {
		struct slice b = field_bytes((const char *)from + f[i].at, f[i].kind, &text);
		memcpy(p + done, b.p, b.n);
		if (text.n > 0)
			memcpy(p + done + b.n, text.p, text.n);
		done += b.n + text.n;
	}
	return (struct slice){ p, size };
}

void *read_array(const struct json *j, size_t size, int *n, struct arena *mem)
{
	*n = json_is_array(j) ? (int)json_len(j) : 0;
	void *a = arena_alloc(mem, MAX((size_t)*n, 1) * size);
	memset(a, 0, MAX((size_t)*n, 1) * size);
	return a;
}

struct slice *read_strings(const struct json *j, int *n, struct arena *mem)
{
	struct slice *s = read_array(j, sizeof(*s), n, mem);
	int i = 0;
	for (const struct json *v = json_first(j); i < *n; v = json_next(v))
		s[i++] = read_str(v, mem);
	return s;
}

void read_class(struct m_class *c, const struct json *j)
{
	static const char *const name[] = { "R0", "R1", "R2", "R3" };
	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		c->n[i] = json_get_i64(j, name[i], -1);
}

void read_record(struct m_record *r, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_I64(m_record, seq, "seq"), F_I64(m_record, at_us, "at_us"),
		F_STR(m_record, actor, "actor"), F_STR(m_record, role, "role"), F_STR(m_record, via, "via"),
		F_STR(m_record, kind, "kind"), F_STR(m_record, subject, "subject"), F_STR(m_record, cycle, "cycle"),
		F_STR(m_record, plan, "plan"), F_STR(m_record, text, "text"),
		F_STR(m_record, prev, "prev"), F_STR(m_record, hash, "hash"),
	};
	READ(r, fields, j, mem);
	struct buf b = { 0 };
	if (json_get(j, "payload"))
		json_print(&b, json_get(j, "payload"));
	r->payload = (struct slice){ arena_strndup(mem, buf_z(&b), b.n), b.n };
	buf_done(&b);
}

void read_records(struct m_records **r, int *n, const struct json *j, struct arena *mem)
{
	static const struct field fields[] = {
		F_STR(m_records, name, "name"), F_STR(m_records, sentence, "sentence"),
		F_STR(m_records, places, "places"),
		F_I64(m_records, rows, "rows"), F_I64(m_records, listed_us, "listed_us"), F_BOOL(m_records, complete, "complete"),
	};
	*r = read_array(j, sizeof(**r), n, mem);
	int i = 0;
	for (const struct json *v = json_first(j); i < *n; v = json_next(v))
		READ(&(*r)[i++], fields, v, mem);
}
