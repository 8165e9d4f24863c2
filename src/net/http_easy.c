#include "net/http_easy.h"

#include "base/mem.h"

#include <stdlib.h>

enum { SPARE_EASIES = 64 };

struct http_easies {
	struct http_socks *socks;
	const char *ca_file;
	struct http_easy_fns fns;
	CURL *spare[SPARE_EASIES];
	int spares;
};

/* Nothing from the environment, no redirect, one request per connection at a time. */
static void set_policy(const struct http_easies *s, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
}

static void set_callbacks(const struct http_easies *s, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, s->fns.body);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, s->fns.header);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, s->fns.prereq);
	http_socks_use(s->socks, e);
}

static void set_up(const struct http_easies *s, CURL *e)
{
	set_policy(s, e);
	set_callbacks(s, e);
}

CURL *http_easy_take(struct http_easies *s)
{
	CURL *e;

	if (s->spares)
		return s->spare[--s->spares];
	e = curl_easy_init();
	if (!e)
		die("http: out of memory");
	set_up(s, e);
	return e;
}

void http_easy_call(CURL *e, void *call, char *words)
{
	curl_easy_setopt(e, CURLOPT_PRIVATE, call);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
}

void http_easy_give(struct http_easies *s, CURL *e, bool plain)
{
	if (s->spares == SPARE_EASIES) {
		curl_easy_cleanup(e);
		return;
	}
	if (plain) {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);       /* or a HEAD would become the DELETE before it */
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
		http_easy_call(e, NULL, NULL);
	} else {
		curl_easy_reset(e);
		set_up(s, e);
	}
	s->spare[s->spares++] = e;
}

struct http_easies *http_easies_new(struct http_socks *socks, const char *ca_file, const struct http_easy_fns *fns)
{
	struct http_easies *s = xcalloc(1, sizeof *s);

	s->socks = socks;
	s->ca_file = ca_file;
	s->fns = *fns;
	return s;
}

void http_easies_free(struct http_easies *s)
{
	if (!s)
		return;
	while (s->spares)
		curl_easy_cleanup(s->spare[--s->spares]);
	free(s);
}
