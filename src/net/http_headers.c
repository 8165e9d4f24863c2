#include "net/http_headers.h"

#include "base/mem.h"

#include <ctype.h>
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
	{ "content-range", offsetof(struct http_headers, content_range) },
	{ "x-request-id", offsetof(struct http_headers, request_id) },
	{ "ratelimit", offsetof(struct http_headers, ratelimit) },
	{ "ratelimit-policy", offsetof(struct http_headers, policy) },
};

/* The first family that is there counts: OpenAI and most gateways, Anthropic, Kimi and others, the older IETF draft. */
static const struct {
	const char *part[3];
} FAMILIES[HTTP_QUOTA_FORMS] = {
	{ { "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests" } },
	{ { "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset" } },
	{ { "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset" } },
	{ { "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset" } },
};

static struct slice trim(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s.p++, s.n--;
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

static bool is_name(struct slice name, const char *z)
{
	return name.n == strlen(z) && strncasecmp(name.p, z, name.n) == 0;
}

static void keep(char *dst, size_t cap, struct slice v)
{
	if (dst[0] || v.n >= cap || memchr(v.p, '\0', v.n))
		return;
	memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
}

static bool may_be_quota(struct slice name)
{
	return name.n > 14 && memmem(name.p, name.n, "-", 1) && strchr("xXaArR", name.p[0]);
}

static void keep_quota(struct http_headers *h, struct slice name, struct slice value)
{
	for (size_t i = 0; i < HTTP_QUOTA_FORMS; i++)
		for (size_t k = 0; k < 3; k++)
			if (is_name(name, FAMILIES[i].part[k]))
				keep(h->quota[i].part[k], HTTP_QUOTA_TEXT, value);
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
	if (!value.n)
		return;
	for (size_t i = 0; i < ARRAY_LEN(WANTED); i++)
		if (is_name(name, WANTED[i].name))
			keep((char *)h + WANTED[i].offset, HTTP_HEADER_TEXT, value);
	if (may_be_quota(name))
		keep_quota(h, name, value);
}

static bool named(struct slice name, const char *z)
{
	size_t n = strlen(z);

	return z[n - 1] == '-' ? name.n > n && strncasecmp(name.p, z, n) == 0 : is_name(name, z);
}

void http_headers_keep(struct buf *kept, bool *part, const char *const *names, struct slice line)
{
	const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	struct slice name = { line.p, colon ? (size_t)(colon - line.p) : 0 }, value;

	if (slice_starts(line, "HTTP/")) {
		buf_clear(kept);
		*part = false;
	}
	while (*names && !(colon && named(name, *names)))
		names++;
	if (!*names)
		return;
	value = trim((struct slice){ colon + 1, line.n - name.n - 1 });
	if (kept->n + line.n > HTTP_KEPT_MAX || memchr(value.p, '\0', value.n) || memchr(value.p, '\r', value.n)) {
		*part = true;
		return;
	}
	for (size_t i = 0; i < name.n; i++)
		buf_addc(kept, (char)tolower((unsigned char)name.p[i]));
	buf_adds(kept, ": ");
	buf_add(kept, value.p, value.n);
	buf_addc(kept, '\n');
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
static int64_t ms_until(const struct http_headers *h, int64_t us, int64_t wall_us)
{
	int64_t date = http_headers_date_us(h);

	return MAX((us - (date >= 0 ? date : wall_us)) / 1000, 0);
}

int64_t http_headers_retry_after_ms(const struct http_headers *h, int64_t wall_us)
{
	int64_t v;

	if (whole_thousandths(slice_of(h->retry_after_ms), &v))
		return v / 1000;
	if (whole_thousandths(slice_of(h->retry_after), &v))
		return v;
	if (time_parse_http(slice_of(h->retry_after), &v))
		return ms_until(h, v, wall_us);
	return -1;
}

bool http_headers_exact(const struct http_headers *h)
{
	int64_t v;

	return whole_thousandths(slice_of(h->retry_after_ms), &v);
}

/* A bare number is seconds to wait, or a time since 1970 in seconds or milliseconds: the three kinds
 * in use differ by orders of magnitude. One store writes RFC 3339. */
static int64_t reset_in(const struct http_headers *h, struct slice s, int64_t wall_us)
{
	int64_t v;

	if (!s.n)
		return -1;
	if (time_parse_rfc3339(s, &v))
		return ms_until(h, v, wall_us);
	if (!whole_thousandths(s, &v))
		return parse_spans(s, &v) ? v : -1;
	if (v >= 1000000000000000)
		return MAX(v / 1000 - wall_us / 1000, 0);
	if (v >= 1000000000000)
		return MAX(v - wall_us / 1000, 0);
	return v;
}

int64_t http_headers_reset_ms(const struct http_headers *h, int64_t wall_us)
{
	for (size_t i = 0; i < HTTP_QUOTA_FORMS; i++)
		if (h->quota[i].part[2][0])
			return reset_in(h, slice_of(h->quota[i].part[2]), wall_us);
	return -1;
}

/* "500", also "500, 500;w=60"; -1 otherwise. */
static int64_t count_in(const char *z)
{
	struct slice s = slice_of(z);
	int64_t v;

	if (!take_thousandths(&s, &v) || v % 1000 || (s.n && !strchr(",; ", s.p[0])))
		return -1;
	return v / 1000;
}

/* The number of ;key=N; -1 if it is not there. */
static int64_t parameter(const char *z, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = strchr(z, ';'); p; p = strchr(p + 1, ';')) {
		const char *at = p + 1 + strspn(p + 1, " ");

		if (strncmp(at, key, n) == 0 && at[n] == '=')
			return count_in(at + n + 1);
	}
	return -1;
}

static bool whole_quota(const struct pace_quota *q)
{
	return q->limit > 0 && q->remaining >= 0 && q->reset_ms >= 0;
}

struct pace_quota http_headers_quota(const struct http_headers *h, int64_t wall_us)
{
	struct pace_quota q = { -1, -1, -1 };
	int64_t t = parameter(h->ratelimit, "t");

	for (size_t i = 0; i < HTTP_QUOTA_FORMS; i++) {
		const struct http_quota_text *f = &h->quota[i];

		if (!f->part[0][0])
			continue;
		q = (struct pace_quota){ count_in(f->part[0]), count_in(f->part[1]), reset_in(h, slice_of(f->part[2]), wall_us) };
		if (whole_quota(&q))
			return q;
	}
	q = (struct pace_quota){ parameter(h->policy, "q"), parameter(h->ratelimit, "r"), t >= 0 ? t * 1000 : -1 };
	return whole_quota(&q) ? q : (struct pace_quota){ -1, -1, -1 };
}

int64_t http_headers_range_total(const struct http_headers *h)
{
	const char *slash = strrchr(h->content_range, '/');
	int64_t n;
	return slash && parse_i64(slice_of(slash + 1), &n) && n >= 0 ? n : -1;
}
