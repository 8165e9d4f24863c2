#include "net/http_internal.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

static bool host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
}

/* "." and ".." would be folded away by whoever normalises the path, so their dots are encoded too
 * (RFC 3986 5.2.4 looks at the literal form only). */
void url_segment(struct buf *out, struct slice s)
{
	bool dots = slice_is(s, ".") || slice_is(s, "..");

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c && is_unreserved(c) && !dots)
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

static const char *judge(CURLU *u, bool allow_plain)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	const char *why = NULL;

	if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		why = "the address holds a user name; credentials do not belong there";
	else if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(u, CURLUPART_HOST, &host, 0))
		why = "the address has no host";
	else if (strcmp(scheme, "http") == 0 && !allow_plain && !host_is_loopback(host))
		why = "plain http is only allowed to this host; use https";
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		why = "only http and https addresses are supported";
	curl_free(user);
	curl_free(scheme);
	curl_free(host);
	return why;
}

/* Bytes of "scheme://authority" before a path; 0 if the address has no such form. */
static size_t origin_of(const char *url)
{
	const char *at = strstr(url, "://");
	const char *end = at ? at + 3 + strcspn(at + 3, "/?#\\") : NULL;

	return end && *end == '/' ? (size_t)(end - url) : 0;
}

/* Nothing in it that a parser would refuse or read otherwise. */
static bool path_plain(const char *p)
{
	for (; *p; p++)
		if (*p <= ' ' || *p >= 127 || *p == '\\' || *p == '#')
			return false;
	return true;
}

static bool is_known(const struct http_origin *known, const char *url)
{
	return known->n && strncmp(url, known->text, known->n) == 0 && url[known->n] == '/' && path_plain(url + known->n);
}

static void know(struct http_origin *known, const char *url)
{
	size_t n = origin_of(url);

	if (!n || n >= sizeof known->text)
		return;
	memcpy(known->text, url, n);
	known->n = n;
}

const char *http_url_refusal(const char *url, bool allow_plain, struct http_origin *known)
{
	const char *why;
	CURLU *u;

	if (url && is_known(known, url))
		return NULL;
	u = curl_url();
	if (!u)
		die("http: out of memory");
	if (!url || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		why = "not an address";
	else
		why = judge(u, allow_plain);
	curl_url_cleanup(u);
	if (!why)
		know(known, url);
	return why;
}
