/* URLs of the configuration: strict form, normalised so that two spellings of one address are equal.
 * Any thread. */
#ifndef SLUICE_CONFIG_URL_H
#define SLUICE_CONFIG_URL_H

#include "base/str.h"

/* schemes: "http https". out gets scheme://host[:port][/path] with lower-case scheme and host, no
 * default port, no trailing slash. On false why holds the end of a sentence. */
bool url_normalise(struct buf *out, struct slice url, const char *schemes, const char **why);
/* Host between scheme and path, without port and brackets. */
struct slice url_host(const char *url);

#endif
