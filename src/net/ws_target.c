#include "net/ws_internal.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_CONNECT_MS = 10000 };

static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *p = NULL, *copy;

	if (curl_url_get(u, what, &p, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(p);
	curl_free(p);
	return copy;
}

static const char *parse_parts(struct ws_client *k, CURLU *u)
{
	char *scheme = part(u, CURLUPART_SCHEME, 0), *port = part(u, CURLUPART_PORT, 0);
	char *query = part(u, CURLUPART_QUERY, 0), *path = part(u, CURLUPART_PATH, 0);
	bool known = scheme && (strcmp(scheme, "ws") == 0 || strcmp(scheme, "wss") == 0);
	struct buf b;

	buf_init(&b);
	buf_addf(&b, query ? "%s?%s" : "%s", path ? path : "/", query);
	k->path = buf_take(&b);
	k->tls = scheme && strcmp(scheme, "wss") == 0;
	k->port = port ? atoi(port) : k->tls ? 443 : 80;
	k->host = part(u, CURLUPART_HOST, 0);
	if (k->host && k->host[0] == '[') {
		memmove(k->host, k->host + 1, strlen(k->host));
		k->host[strcspn(k->host, "]")] = '\0';
	}
	free(scheme);
	free(port);
	free(query);
	free(path);
	return known && k->host ? NULL : "the address must be ws://host:port/path or wss://…";
}

static const char *parse_url(struct ws_client *k, const char *url)
{
	CURLU *u = curl_url();
	const char *why;

	if (!u)
		die("ws: out of memory");
	if (!url || curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		why = "the address must be ws://host:port/path or wss://…";
	else
		why = parse_parts(k, u);
	curl_url_cleanup(u);
	return why;
}

static const char *copy_headers(struct ws_client *k, const char *const *headers)
{
	size_t n = 0;

	while (headers && headers[n])
		n++;
	k->headers = xcalloc(n + 1, sizeof *k->headers);
	for (size_t i = 0; i < n; i++) {
		if (strpbrk(headers[i], "\r\n") || !strchr(headers[i], ':'))
			return "a request header is malformed";
		k->headers[i] = xstrdup(headers[i]);
	}
	return NULL;
}

const char *ws_target_parse(struct ws_client *k, const struct ws_target *t)
{
	const char *why = parse_url(k, t->url);

	if (!why)
		why = copy_headers(k, t->headers);
	k->unix_path = t->unix_path ? xstrdup(t->unix_path) : NULL;
	k->subprotocol = t->subprotocol ? xstrdup(t->subprotocol) : NULL;
	k->ca_file = k->tls && t->ca_file ? xstrdup(t->ca_file) : NULL;
	if (!why && k->ca_file && access(k->ca_file, R_OK) != 0)
		why = "the CA file cannot be read; check its path and permissions";
	k->connect_ms = t->connect_timeout_ms > 0 ? t->connect_timeout_ms : DEFAULT_CONNECT_MS;
	if (k->unix_path && strlen(k->unix_path) >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
		why = "the socket path is longer than 107 bytes; use a shorter directory";
	return why;
}
