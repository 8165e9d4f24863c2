/* Shared by the files of the HTTP client only. */
#ifndef SLUICE_NET_HTTP_INTERNAL_H
#define SLUICE_NET_HTTP_INTERNAL_H

#include "net/http.h"

/* NULL if the address may be asked, else why not, in words for a person. */
const char *http_url_refusal(const char *url, bool allow_plain);

#endif
