/* Requests to PostgREST. The sockets are on the loop; each function here is called on the thread of a
 * call (records/ask.h) and returns with the whole answer. Reader and writer are two clients with a
 * key each; the reader's refuses everything but GET and HEAD. */
#ifndef SLUICE_RECORDS_POSTGREST_HTTP_H
#define SLUICE_RECORDS_POSTGREST_HTTP_H

#include "base/json.h"
#include "config/config.h"
#include "net/loop.h"

struct remote;

enum rc rest_new(struct remote **out, struct loop *l, const struct cfg_records *cfg, struct err *e) MUST_USE;
void rest_stop(struct remote *r);
void rest_free(struct remote *r);

struct rest_request {
	const char *method;             /* GET PATCH DELETE */
	const char *url;
	const char *prefer;             /* NULL = none */
	const char *accept;             /* NULL = application/json */
	struct slice body;
	bool writing;                   /* the mode allows changes; else the client refuses all but GET */
};
struct rest_reply {
	int status;                     /* 0 = no whole answer */
	bool too_large;                 /* of an answer that was stopped */
	int64_t total;                  /* of Content-Range, -1 none */
	int64_t date_us;                /* -1 none */
	struct json_doc *doc;           /* of a 2xx, NULL when the body was empty */
	char code[24];                  /* of an error: PGRST124, 42703 … */
};
/* RC_OK = 2xx with a body that parsed whole. An answer that was cut is RC_IO: nobody knows whether a
 * change was made. Free the reply in any case. */
enum rc rest_call(struct remote *r, const struct rest_request *q, struct rest_reply *out, struct err *e) MUST_USE;
void rest_reply_free(struct rest_reply *a);

#endif
