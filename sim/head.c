#include "sim/head.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

static bool same(struct slice a, const char *z)
{
	return strlen(z) == a.n && strncasecmp(a.p, z, a.n) == 0;
}

static bool token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct slice trimmed(struct slice s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool request_line(struct slice line, struct head *h)
{
	const char *a = memchr(line.p, ' ', line.n);
	if (!a || a == line.p)
		return false;
	size_t rest = line.n - (size_t)(a + 1 - line.p);
	const char *b = memchr(a + 1, ' ', rest);
	if (!b || b == a + 1 || a[1] != '/')
		return false;
	struct slice version = { b + 1, line.n - (size_t)(b + 1 - line.p) };
	h->method = (struct slice){ line.p, (size_t)(a - line.p) };
	h->path = (struct slice){ a + 1, (size_t)(b - a - 1) };
	const char *q = memchr(h->path.p, '?', h->path.n);
	if (q) {
		h->query = (struct slice){ q + 1, h->path.n - (size_t)(q + 1 - h->path.p) };
		h->path.n = (size_t)(q - h->path.p);
	}
	h->http10 = slice_is(version, "HTTP/1.0");
	return h->http10 || slice_is(version, "HTTP/1.1");
}

static bool field_line(struct slice line, struct head *h)
{
	size_t n = 0;
	while (n < line.n && token_char(line.p[n]))
		n++;
	if (n == 0 || n == line.n || line.p[n] != ':' || h->fields == HEAD_MAX_FIELDS)
		return false;
	h->field[h->fields].name = (struct slice){ line.p, n };
	h->field[h->fields++].value = trimmed((struct slice){ line.p + n + 1, line.n - n - 1 });
	return true;
}

struct slice head_get(const struct head *h, const char *name)
{
	for (int i = 0; i < h->fields; i++)
		if (same(h->field[i].name, name))
			return h->field[i].value;
	return slice_of(NULL);
}

bool head_has(const struct head *h, const char *name, const char *word)
{
	struct slice v = head_get(h, name);
	while (v.n) {
		const char *comma = memchr(v.p, ',', v.n);
		struct slice one = { v.p, comma ? (size_t)(comma - v.p) : v.n };
		if (same(trimmed(one), word))
			return true;
		size_t used = one.n + (comma ? 1 : 0);
		v = (struct slice){ v.p + used, v.n - used };
	}
	return false;
}

/* What the fields say about the body and the connection; false when they contradict. */
static bool framing(struct head *h)
{
	int lengths = 0;
	for (int i = 0; i < h->fields; i++) {
		if (same(h->field[i].name, "content-length")) {
			struct slice v = h->field[i].value;
			if (lengths++ || !parse_i64(v, &h->length) || h->length < 0)
				return false;
		} else if (same(h->field[i].name, "transfer-encoding")) {
			if (h->chunked || !same(h->field[i].value, "chunked"))
				return false;
			h->chunked = true;
		}
	}
	h->close = head_has(h, "connection", "close") || (h->http10 && !head_has(h, "connection", "keep-alive"));
	h->expects_continue = !h->http10 && same(head_get(h, "expect"), "100-continue");
	return !(h->chunked && lengths);
}

enum head_result head_parse(struct slice in, struct head *h)
{
	h->fields = 0;
	h->length = 0;
	h->chunked = false;
	h->query = slice_of("");
	struct slice rest = { in.p, MIN(in.n, (size_t)HEAD_MAX_BYTES) };
	for (bool first = true;; first = false) {
		const char *nl = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
		if (!nl)
			return in.n >= HEAD_MAX_BYTES ? HEAD_TOO_LARGE : HEAD_MORE;
		struct slice line = { rest.p, (size_t)(nl - rest.p) };
		if (line.n == 0 || line.p[line.n - 1] != '\r')
			return HEAD_BAD;
		line.n--;
		rest = (struct slice){ nl + 1, rest.n - line.n - 2 };
		if (line.n == 0 && !first)
			break;
		if (first ? !request_line(line, h) : !field_line(line, h))
			return h->fields == HEAD_MAX_FIELDS ? HEAD_TOO_LARGE : HEAD_BAD;
	}
	h->bytes = (size_t)(rest.p - in.p);
	return framing(h) ? HEAD_OK : HEAD_BAD;
}

/* ---- chunks ---- */

/* "1a;ext\r\n" at the start of in. */
static enum head_result chunk_size(struct slice in, size_t *size, size_t *used)
{
	const char *nl = memchr(in.p, '\n', MIN(in.n, (size_t)200));
	if (!nl)
		return in.n >= 200 ? HEAD_BAD : HEAD_MORE;
	size_t i = 0, v = 0;
	for (; i < 8; i++) {
		char c = in.p[i];
		int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (d < 0)
			break;
		v = v << 4 | (size_t)d;
	}
	if (i == 0 || (in.p[i] != '\r' && in.p[i] != ';' && in.p[i] != ' ') || nl[-1] != '\r')
		return HEAD_BAD;
	*size = v;
	*used = (size_t)(nl + 1 - in.p);
	return HEAD_OK;
}

/* Trailer lines up to the empty one; they are dropped. */
static enum head_result trailers(struct slice in, size_t *used)
{
	for (size_t at = 0;;) {
		const char *nl = at < in.n ? memchr(in.p + at, '\n', in.n - at) : NULL;
		if (!nl)
			return in.n > HEAD_MAX_BYTES ? HEAD_TOO_LARGE : HEAD_MORE;
		size_t end = (size_t)(nl - in.p);
		if (end == at || in.p[end - 1] != '\r')
			return HEAD_BAD;
		if (end == at + 1) {
			*used = end + 1;
			return HEAD_OK;
		}
		at = end + 1;
	}
}

enum head_result chunks_parse(struct slice in, size_t max, struct buf *body, size_t *used)
{
	size_t at = 0, keep = body->n;
	for (;;) {
		size_t size, n;
		struct slice rest = { in.p + at, in.n - at };
		enum head_result r = rest.n ? chunk_size(rest, &size, &n) : HEAD_MORE;
		if (r == HEAD_OK && size == 0) {
			size_t tail;
			r = trailers((struct slice){ rest.p + n, rest.n - n }, &tail);
			if (r == HEAD_OK) {
				*used = at + n + tail;
				return HEAD_OK;
			}
		}
		if (r == HEAD_OK && size > max - (body->n - keep))
			r = HEAD_TOO_LARGE;
		if (r == HEAD_OK && rest.n - n < size + 2)
			r = HEAD_MORE;
		if (r == HEAD_OK && memcmp(rest.p + n + size, "\r\n", 2) != 0)
			r = HEAD_BAD;
		if (r != HEAD_OK) {
			body->n = keep;
			return r;
		}
		buf_add(body, rest.p + n, size);
		at += n + size + 2;
	}
}

/* ---- URLs ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool url_decode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			buf_addc(out, s.p[i]);
			continue;
		}
		int a = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1, b = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
		if (a < 0 || b < 0)
			return false;
		buf_addc(out, (char)(a << 4 | b));
		i += 2;
	}
	return true;
}

bool query_get(struct slice query, const char *name, struct buf *out)
{
	size_t len = strlen(name);
	while (query.n) {
		const char *amp = memchr(query.p, '&', query.n);
		struct slice pair = { query.p, amp ? (size_t)(amp - query.p) : query.n };
		if (pair.n > len && pair.p[len] == '=' && memcmp(pair.p, name, len) == 0)
			return url_decode((struct slice){ pair.p + len + 1, pair.n - len - 1 }, out);
		size_t used = pair.n + (amp ? 1 : 0);
		query = (struct slice){ query.p + used, query.n - used };
	}
	return false;
}
