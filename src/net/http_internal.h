/* Shared by the files of the HTTP client only. */
#ifndef SLUICE_NET_HTTP_INTERNAL_H
#define SLUICE_NET_HTTP_INTERNAL_H

#include "net/http.h"

/* The last server that may be asked, as text: "https://host:port". Zero = none yet. One per client: what may be asked
 * depends on the client only. */
struct http_origin {
	char text[128];
	size_t n;
};

/* NULL if the address may be asked, else why not, in words for a person. */
const char *http_url_refusal(const char *url, bool allow_plain, struct http_origin *known);

#endif
