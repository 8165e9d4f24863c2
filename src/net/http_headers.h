/* What an answer's headers say that we act on. Pure; any thread. Kept as text until the answer is
 * complete, because Retry-After may come before the Date it is measured against. */
#ifndef SLUICE_NET_HTTP_HEADERS_H
#define SLUICE_NET_HTTP_HEADERS_H

#include "base/mem.h"
#include "base/time.h"
#include "guard/pace.h"

enum { HTTP_HEADER_TEXT = 80, HTTP_QUOTA_TEXT = 40, HTTP_QUOTA_FORMS = 4, HTTP_KEPT_MAX = 16 << 10 };

/* limit, remaining, reset of one family of names */
struct http_quota_text {
	char part[3][HTTP_QUOTA_TEXT];
};

struct http_headers {
	char date[HTTP_HEADER_TEXT];
	char retry_after[HTTP_HEADER_TEXT];
	char retry_after_ms[HTTP_HEADER_TEXT];
	char request_id[HTTP_HEADER_TEXT];
	char content_range[HTTP_HEADER_TEXT];
	struct http_quota_text quota[HTTP_QUOTA_FORMS];
	char ratelimit[HTTP_HEADER_TEXT], policy[HTTP_HEADER_TEXT];     /* the structured fields of the IETF draft */
};

/* One line as it came, end of line included. A status line starts over (interim answers). The first
 * of two equal names counts. */
void http_headers_line(struct http_headers *h, struct slice line);
int64_t http_headers_date_us(const struct http_headers *h);                     /* -1 if none */
int64_t http_headers_retry_after_ms(const struct http_headers *h, int64_t wall_us);
int64_t http_headers_reset_ms(const struct http_headers *h, int64_t wall_us);
/* N of "Content-Range: 0-9/N"; -1 when there is none or it is not told. */
int64_t http_headers_range_total(const struct http_headers *h);
/* The wait came as retry-after-ms: exact, not rounded to seconds. */
bool http_headers_exact(const struct http_headers *h);
/* Adds a line of one of these names (http_req.keep) to *kept, which a status line empties; at most HTTP_KEPT_MAX bytes,
 * else *part. */
void http_headers_keep(struct buf *kept, bool *part, const char *const *names, struct slice line);
/* All three of one family, or of the structured fields; -1 each when nothing whole was said. */
struct pace_quota http_headers_quota(const struct http_headers *h, int64_t wall_us);

#endif
