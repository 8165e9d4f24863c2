#include "net/http_headers.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

enum { MAX_DIGITS = 13 };               /* enough for milliseconds since 1970 */

static const struct {
	const char *name;
	size_t offset;
} WANTED[] = {
	{ "date", offsetof(struct http_headers, date) },
	{ "retry-after", offsetof(struct http_headers, retry_after) },
	{ "retry-after-ms", offsetof(struct http_headers, retry_after_ms) },
	{ "x-ratelimit-reset-requests", offsetof(struct http_headers, reset_requests) },
	{ "x-ratelimit-reset", offsetof(struct http_headers, reset) },
	{ "x-request-id", offsetof(struct http_headers, request_id) },
};

static struct slice trim(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s.p++, s.n--;
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

void http_headers_line(struct http_headers *h, struct slice line)
{
	const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	struct slice name = { line.p, colon ? (size_t)(colon - line.p) : 0 };
	struct slice value;

	if (slice_starts(line, "HTTP/"))
		*h = (struct http_headers){ .date = "" };
	if (!colon)
		return;
	value = trim((struct slice){ colon + 1, line.n - name.n - 1 });
	for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
		char *dst = (char *)h + WANTED[i].offset;

		if (name.n != strlen(WANTED[i].name) || strncasecmp(name.p, WANTED[i].name, name.n) != 0 || dst[0])
			continue;
		if (value.n < HTTP_HEADER_TEXT && !memchr(value.p, '\0', value.n)) {
			memcpy(dst, value.p, value.n);
			dst[value.n] = '\0';
		}
	}
}

/* "12" or "12.5" from the front of *s, in thousandths. */
static bool take_thousandths(struct slice *s, int64_t *out)
{
	int64_t v = 0, scale = 1000;
	size_t i = 0;

	while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && i < MAX_DIGITS)
		v = v * 10 + (s->p[i++] - '0');
	if (i == 0)
		return false;
	v *= 1000;
	if (i < s->n && s->p[i] == '.')
		for (i++; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
			scale /= 10;
			v += (s->p[i] - '0') * scale;
		}
	s->p += i;
	s->n -= i;
	*out = v;
	return true;
}

static bool whole_thousandths(struct slice s, int64_t *out)
{
	return take_thousandths(&s, out) && s.n == 0;
}

/* "6m0s", "1m26.4s", "20ms" */
static bool parse_spans(struct slice s, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} UNITS[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	int64_t total = 0, v;

	while (s.n) {
		size_t u = 0;

		if (!take_thousandths(&s, &v) || v > 1000000000)
			return false;
		while (u < ARRAY_LEN(UNITS) && !slice_starts(s, UNITS[u].unit))
			u++;
		if (u == ARRAY_LEN(UNITS))
			return false;
		total += v * UNITS[u].ms / 1000;
		s.p += strlen(UNITS[u].unit);
		s.n -= strlen(UNITS[u].unit);
	}
	*ms = total;
	return true;
}

int64_t http_headers_date_us(const struct http_headers *h)
{
	int64_t us;

	return time_parse_http(slice_of(h->date), &us) ? us : -1;
}

/* A date is measured on the server's own clock when it told us its time. */
int64_t http_headers_retry_after_ms(const struct http_headers *h, int64_t wall_us)
{
	int64_t v, date = http_headers_date_us(h);

	if (whole_thousandths(slice_of(h->retry_after_ms), &v))
		return v / 1000;
	if (whole_thousandths(slice_of(h->retry_after), &v))
		return v;
	if (time_parse_http(slice_of(h->retry_after), &v))
		return MAX((v - (date >= 0 ? date : wall_us)) / 1000, 0);
	return -1;
}

/* A bare number is seconds to wait, or a time since 1970 in seconds or milliseconds: the three kinds
 * in use differ by orders of magnitude. */
int64_t http_headers_reset_ms(const struct http_headers *h, int64_t wall_us)
{
	struct slice s = slice_of(h->reset_requests[0] ? h->reset_requests : h->reset);
	int64_t v;

	if (!s.n)
		return -1;
	if (!whole_thousandths(s, &v))
		return parse_spans(s, &v) ? v : -1;
	if (v >= 1000000000000000)
		return MAX(v / 1000 - wall_us / 1000, 0);
	if (v >= 1000000000000)
		return MAX(v - wall_us / 1000, 0);
	return v;
}
