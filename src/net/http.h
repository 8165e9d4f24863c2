/* HTTP client: libcurl's multi interface on the loop. One call of http_send is at most one request
 * on the wire, whatever its method: the copy that libcurl would send by itself on a dead warm
 * connection is stopped (HTTP_ERR_CUT, and `left` says that the first copy left). Redirects are never followed,
 * environment proxies never used, bodies are counted while they arrive. Loop thread only.
 * The client refuses what its mode does not allow before anything reaches libcurl (SEMANTICS 1). */
#ifndef SLUICE_NET_HTTP_H
#define SLUICE_NET_HTTP_H

#include "base/str.h"
#include "base/time.h"
#include "guard/pace.h"
#include "net/loop.h"

enum http_permit {
	HTTP_READS,             /* observe: GET and HEAD only */
	HTTP_REHEARSE,          /* reads leave, anything else is recorded and answered HTTP_ERR_REHEARSED */
	HTTP_ALL
};

enum http_error {
	HTTP_OK,                /* a complete answer: look at status */
	HTTP_ERR_REFUSED_HERE,  /* not permitted in this mode; nothing left */
	HTTP_ERR_REHEARSED,     /* recorded instead of sent; nothing left */
	HTTP_ERR_RESOLVE,
	HTTP_ERR_CONNECT,       /* refused, unreachable, connect timeout: nothing left */
	HTTP_ERR_TLS,
	HTTP_ERR_TIMEOUT,
	HTTP_ERR_CUT,           /* connection ended before the whole answer */
	HTTP_ERR_TOO_LARGE,
	HTTP_ERR_PROTOCOL,      /* not HTTP */
	HTTP_ERR_CANCELLED
};
const char *http_error_name(enum http_error e);    /* "timeout", "cut" … */

/* A part of the body. false = not now: the transfer stands still until http_go_on, then it comes again. */
typedef bool http_part_fn(void *ctx, struct slice part);

/* What stands between body and tail is read from a file, from its beginning; the descriptor is borrowed until done. */
struct http_file {
	int fd;
	int64_t bytes;
	struct slice tail;              /* copied */
};

struct http_req {
	const char *method;             /* GET HEAD DELETE POST PUT PATCH */
	const char *url;
	const char *const *headers;     /* "Name: value", NULL-terminated, may be NULL; copied */
	struct slice body;              /* copied */
	const struct http_file *file;   /* copied; NULL = the body is all */
	int64_t timeout_ms;             /* whole request; 0 = 30,000 */
	int64_t connect_timeout_ms;     /* 0 = 10,000 */
	size_t max_body;                /* 0 = 8 MiB */
	http_part_fn *part;             /* takes the body of a 2xx answer instead of http_answer.body; with done's context */
	const char *const *keep;        /* names of headers that http_answer.kept is to have, lower case, one that ends in '-' stands for all
	                                   that begin with it; NULL-terminated, lives until done; NULL = none */
	int64_t idle_ms;                /* with part or file: nothing moved for so long = HTTP_ERR_TIMEOUT; 0 = no bound of its own */
};

struct http_answer {
	enum http_error error;
	bool left;                      /* request bytes may have reached the server */
	int status;                     /* 0 when there was none */
	struct slice body;              /* borrowed for the callback; empty unless HTTP_OK */
	int64_t date_us;                /* the server's Date, -1 if none */
	int64_t retry_after_ms;         /* from retry-after-ms or Retry-After (seconds or date), -1 if none */
	bool retry_after_exact;         /* as milliseconds, not rounded to seconds */
	int64_t ratelimit_reset_ms;     /* from the first x-ratelimit-reset-like header, -1 if none */
	struct pace_quota quota;        /* what the headers tell about the rate limit */
	int64_t range_total;            /* N of Content-Range "0-9/N", -1 if none */
	char request_id[64];            /* shown form of x-request-id, "" if none */
	struct slice kept;              /* "name: value\n" each, names in lower case; borrowed for the callback */
	bool kept_part;                 /* more than 16 KiB, or what no header may hold: some are missing */
	int64_t took_us;
	char detail[160];               /* libcurl's words for an error, shown form */
};

typedef void http_done_fn(void *ctx, const struct http_answer *a);

struct http_client;
struct http_opts {
	int max_connections;            /* per client; 0 = 64 */
	const char *ca_file;            /* NULL = system */
	bool allow_plain;               /* http:// allowed (loopback hosts always are) */
};
struct http_client *http_client_new(struct loop *l, const struct http_opts *o);
void http_client_free(struct http_client *c);      /* cancels what runs (their done is called first); not from a done */
void http_client_permit(struct http_client *c, enum http_permit p);   /* a new client has HTTP_READS */

struct http_call;
/* done is called exactly once, never from inside http_send. */
struct http_call *http_send(struct http_client *c, const struct http_req *r, http_done_fn *done, void *ctx);
void http_cancel(struct http_call *call);          /* calls done before it returns */
void http_go_on(struct http_call *call);           /* after a part was not taken; may call part before it returns, never done */
int http_in_flight(const struct http_client *c);
int64_t http_requests_sent(const struct http_client *c);   /* requests that left, for audit comparison */

/* One path segment, percent-encoded. */
void url_segment(struct buf *out, struct slice s);

#endif
