/* AWS Signature Version 4 in a header, as S3 wants it: the path is encoded once and not normalised, and
 * the hash of the body is a header of its own. Pure; any thread. Checked against AWS's published
 * examples ("Authenticating Requests: Using the Authorization Header"). */
#ifndef SLUICE_LANE_S3_SIGN_H
#define SLUICE_LANE_S3_SIGN_H

#include "base/hash.h"

/* One line "ID:SECRET" or "ID:SECRET:TOKEN", the token of temporary credentials. */
struct s3_key {
	struct slice id, secret, token;         /* borrowed */
};
bool s3_key_read(struct slice text, struct s3_key *out);

struct s3_header {
	const char *name;                       /* lower case */
	struct slice value;
};

struct s3_request {
	const char *method;
	const char *region, *service;           /* service: "s3" */
	struct slice path;                      /* encoded, begins with / */
	struct slice query;                     /* name=value&…, encoded, sorted by name */
	const struct s3_header *headers;        /* all are signed; sorted by name; host, x-amz-content-sha256, x-amz-date are among them */
	size_t n_headers;
	const char *body_sha256;                /* 64 hex digits, or UNSIGNED-PAYLOAD */
	int64_t wall_us;
};

enum { S3_TIME_TEXT = 20 };
const char *s3_time(char dst[S3_TIME_TEXT], int64_t wall_us);  /* 20130524T000000Z */
void s3_canonical(const struct s3_request *r, struct buf *out);
void s3_signing_key(struct hash *out, struct slice secret, const char *day, const char *region, const char *service);
/* The value of the Authorization header. */
void s3_sign(const struct s3_request *r, const struct s3_key *k, struct buf *out);

/* Everything but the unreserved is encoded; '/' stays when slashes is set (a path). */
void s3_encode(struct buf *out, struct slice s, bool slashes);
/* Adds name=value; the caller adds in the order of the names. */
void s3_query_add(struct buf *query, const char *name, struct slice value);

#endif
