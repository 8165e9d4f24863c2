#include "sim/multipart.h"

#include <string.h>
#include <strings.h>

/* name="value" or name=value among the parameters of a field; false when absent. */
static bool parameter(struct slice field, const char *name, struct slice *out)
{
	size_t len = strlen(name);
	for (size_t i = 0; i + len + 1 < field.n; i++) {
		bool starts = i > 0 && (field.p[i - 1] == ';' || field.p[i - 1] == ' ');
		if (!starts || strncasecmp(field.p + i, name, len) != 0 || field.p[i + len] != '=')
			continue;
		struct slice v = { field.p + i + len + 1, field.n - i - len - 1 };
		bool quoted = v.n && v.p[0] == '"';
		if (quoted)
			v = (struct slice){ v.p + 1, v.n - 1 };
		const char *end = v.n ? memchr(v.p, quoted ? '"' : ';', v.n) : NULL;
		if (quoted && !end)
			return false;
		*out = (struct slice){ v.p, end ? (size_t)(end - v.p) : v.n };
		return true;
	}
	return false;
}

static bool part_head(struct slice head, struct part *out)
{
	static const char want[] = "content-disposition:";
	*out = (struct part){ 0 };
	while (head.n) {
		const char *nl = memmem(head.p, head.n, "\r\n", 2);
		struct slice line = { head.p, nl ? (size_t)(nl - head.p) : head.n };
		if (line.n > sizeof(want) && strncasecmp(line.p, want, sizeof(want) - 1) == 0) {
			parameter(line, "filename", &out->filename);
			return parameter(line, "name", &out->name);
		}
		size_t used = line.n + (nl ? 2 : 0);
		head = (struct slice){ head.p + used, head.n - used };
	}
	return false;
}

/* From behind a delimiter line to before the next; false at the end or when it is broken. */
static bool next_part(struct slice *rest, struct slice mark, struct part *out)
{
	const char *blank = rest->n ? memmem(rest->p, rest->n, "\r\n\r\n", 4) : NULL;
	if (!blank)
		return false;
	struct slice head = { rest->p, (size_t)(blank - rest->p) };
	const char *from = blank + 4;
	size_t left = rest->n - (size_t)(from - rest->p);
	const char *end = left ? memmem(from, left, mark.p, mark.n) : NULL;
	if (!end || !part_head(head, out))
		return false;
	out->content = (struct slice){ from, (size_t)(end - from) };
	end += mark.n;
	*rest = (struct slice){ end, left - (size_t)(end - from) };
	return true;
}

static bool fail(const char **why, const char *sentence)
{
	*why = sentence;
	return false;
}

bool multipart_parse(struct slice content_type, struct slice body, struct multipart *out, const char **why)
{
	struct slice boundary;
	char mark[76] = "\r\n--";
	out->parts = 0;
	if (!slice_starts(content_type, "multipart/form-data"))
		return fail(why, "the body is not multipart/form-data");
	if (!parameter(content_type, "boundary", &boundary) || boundary.n == 0 || boundary.n > 70)
		return fail(why, "the boundary is missing or longer than 70");
	memcpy(mark + 4, boundary.p, boundary.n);
	struct slice m = { mark, boundary.n + 4 };
	/* the first delimiter has no CRLF in front of it */
	if (body.n < m.n - 2 || memcmp(body.p, mark + 2, m.n - 2) != 0)
		return fail(why, "the body does not start with its boundary");
	struct slice rest = { body.p + m.n - 2, body.n - (m.n - 2) };
	while (!slice_starts(rest, "--")) {
		if (!slice_starts(rest, "\r\n") || out->parts == MULTIPART_MAX)
			return fail(why, "a part does not end with the boundary, or there are too many");
		if (!next_part(&rest, m, &out->part[out->parts++]))
			return fail(why, "a part is not complete");
	}
	return true;
}

const struct part *multipart_find(const struct multipart *m, const char *name)
{
	for (int i = 0; i < m->parts; i++)
		if (slice_is(m->part[i].name, name))
			return &m->part[i];
	return NULL;
}
