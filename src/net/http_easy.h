/* libcurl's handles of one client, kept between requests: what is the same for all of them is set once. Loop thread. */
#ifndef SLUICE_NET_HTTP_EASY_H
#define SLUICE_NET_HTTP_EASY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/http_sock.h"

/* All are called with the pointer of http_easy_call. */
struct http_easy_fns {
	size_t (*body)(char *p, size_t size, size_t n, void *call);
	size_t (*header)(char *p, size_t size, size_t n, void *call);
	int (*prereq)(void *call, char *remote_ip, char *local_ip, int remote_port, int local_port);
};

struct http_easies;

/* Both must live as long as the handles; ca_file may be NULL. */
struct http_easies *http_easies_new(struct http_socks *socks, const char *ca_file, const struct http_easy_fns *fns);
void http_easies_free(struct http_easies *s);

/* Nothing of an earlier call is in it. */
CURL *http_easy_take(struct http_easies *s);
/* Who owns it now; words takes CURL_ERROR_SIZE bytes. */
void http_easy_call(CURL *easy, void *call, char *words);
/* It is in no multi handle any more. plain: only the address, time-outs, method and headers were set after it was taken. */
void http_easy_give(struct http_easies *s, CURL *easy, bool plain);

#endif
