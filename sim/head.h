/* The head of an HTTP/1.1 request, and its body: found, checked, borrowed. What RFC 9112 lets a
 * server refuse is refused (bare LF, spaces before a colon, folded lines, two lengths). Pure. */
#ifndef SLUICE_SIM_HEAD_H
#define SLUICE_SIM_HEAD_H

#include "base/str.h"

enum { HEAD_MAX_BYTES = 32768, HEAD_MAX_FIELDS = 100 };

enum head_result { HEAD_MORE, HEAD_OK, HEAD_BAD, HEAD_TOO_LARGE };

struct head {
	struct slice method, path, query;       /* query without its "?" */
	bool http10;
	struct {
		struct slice name, value;
	} field[HEAD_MAX_FIELDS];
	int fields;
	size_t bytes;                           /* with the empty line */
	bool chunked;
	int64_t length;                         /* of Content-Length, 0 without */
	bool close;                             /* the connection ends after the answer */
	bool expects_continue;
};

/* Borrows from in. */
enum head_result head_parse(struct slice in, struct head *out);
/* The empty slice when absent; the first when repeated. */
struct slice head_get(const struct head *h, const char *name);
/* Is `word` one of the comma-separated tokens of the field? Case does not count. */
bool head_has(const struct head *h, const char *name, const char *word);

/* A chunked body from in: HEAD_OK with the bytes appended to *body and their length on the wire in
 * *used. HEAD_TOO_LARGE above max bytes. */
enum head_result chunks_parse(struct slice in, size_t max, struct buf *body, size_t *used);

/* One parameter of a query, percent-decoded and appended; false when absent. */
bool query_get(struct slice query, const char *name, struct buf *out);
/* Percent-decodes a path segment; false on a bad escape. */
bool url_decode(struct slice s, struct buf *out);

#endif
