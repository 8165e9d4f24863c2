#include "config/url.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"

struct url_parts {
	struct slice scheme, host, port, path;
	bool bracketed;
};

static struct slice cut(struct slice *s, size_t n)
{
	struct slice head = { s->p, n };
	s->p += n;
	s->n -= n;
	return head;
}

static size_t span_to(struct slice s, char stop)
{
	const char *hit = s.n ? memchr(s.p, stop, s.n) : NULL;
	return hit ? (size_t)(hit - s.p) : s.n;
}

static bool word_in(struct slice w, const char *words)
{
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " ");
		if (n == w.n && strncasecmp(p, w.p, n) == 0)
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

static bool chars_ok(struct slice s, const char *extra)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !(s.p[i] && strchr(extra, s.p[i])))
			return false;
	return true;
}

static const char *take_authority(struct url_parts *u, struct slice a)
{
	if (memchr(a.p, '@', a.n))
		return "holds a user or password; leave it out and name a private file instead";
	u->bracketed = a.n && a.p[0] == '[';
	if (u->bracketed) {
		cut(&a, 1);
		u->host = cut(&a, span_to(a, ']'));
		if (!a.n || !chars_ok(u->host, ":.") || !memchr(u->host.p, ':', u->host.n))
			return "has a broken IPv6 address";
		cut(&a, 1);
	} else {
		u->host = cut(&a, span_to(a, ':'));
		if (!chars_ok(u->host, ".-_"))
			return "has a host with characters no host has";
	}
	if (!u->host.n)
		return "has no host";
	if (!a.n)
		return NULL;
	int64_t port;
	u->port = (struct slice){ a.p + 1, a.n - 1 };
	if (a.p[0] != ':' || !parse_i64(u->port, &port) || u->port.p[0] == '0' || port < 1 || port > 65535)
		return "has a broken port; it is 1 to 65535";
	return NULL;
}

static const char *split(struct url_parts *u, struct slice s, const char *schemes)
{
	*u = (struct url_parts){ 0 };
	u->scheme = cut(&s, span_to(s, ':'));
	if (!slice_starts(s, "://") || !word_in(u->scheme, schemes))
		return strstr(schemes, "postgresql") ? "does not begin with postgresql://, http:// or https://" : strstr(schemes, "ws") ? "does not begin with ws:// or wss://" : "does not begin with http:// or https://";
	cut(&s, 3);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
			return "holds a character that must be percent-encoded";
	if (span_to(s, '?') < s.n || span_to(s, '#') < s.n)
		return "has a query or fragment; leave it out";
	const char *why = take_authority(u, cut(&s, span_to(s, '/')));
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	u->path = s;
	return why;
}

static void add_lower(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addc(out, (char)tolower((unsigned char)s.p[i]));
}

static bool default_port(const struct url_parts *u)
{
	if (slice_is(u->scheme, "postgresql"))
		return slice_is(u->port, "5432");
	bool tls = u->scheme.n && tolower((unsigned char)u->scheme.p[u->scheme.n - 1]) == 's' && u->scheme.n != 2;
	return slice_is(u->port, tls ? "443" : "80");
}

bool url_normalise(struct buf *out, struct slice url, const char *schemes, const char **why)
{
	struct url_parts u;
	*why = split(&u, url, schemes);
	if (*why)
		return false;
	add_lower(out, u.scheme);
	buf_adds(out, u.bracketed ? "://[" : "://");
	add_lower(out, u.host);
	if (u.bracketed)
		buf_addc(out, ']');
	if (u.port.n && !default_port(&u)) {
		buf_addc(out, ':');
		buf_add(out, u.port.p, u.port.n);
	}
	buf_add(out, u.path.p, u.path.n);
	return true;
}

struct slice url_host(const char *url)
{
	struct slice s = slice_of(url);
	size_t n = span_to(s, ':');
	if (n + 3 > s.n)
		return (struct slice){ "", 0 };
	cut(&s, n + 3);
	s.n = span_to(s, '/');
	if (s.n && s.p[0] == '[') {
		cut(&s, 1);
		return cut(&s, span_to(s, ']'));
	}
	return cut(&s, span_to(s, ':'));
}

bool cfg_url_loopback(const char *url)
{
	struct slice h = url_host(url);
	if (slice_is(h, "localhost") || slice_is(h, "::1"))
		return true;
	/* all of 127/8, but not a name such as 127.example.com */
	for (size_t i = 0; i < h.n; i++)
		if (h.p[i] != '.' && !isdigit((unsigned char)h.p[i]))
			return false;
	return slice_starts(h, "127.");
}
