/* What an S3 answer says, out of its XML. Pure; any thread. */
#ifndef SLUICE_LANE_S3_READ_H
#define SLUICE_LANE_S3_READ_H

#include "base/mem.h"
#include "lane/lane.h"

enum { S3_KEY_MAX = 1024, S3_VERSION_MAX = 128 };

/* ---- errors ---- */

struct s3_error {
	char code[64], message[160];            /* shown form; code "" = the body is no S3 error */
	char region[40];                        /* where the bucket is, when the error tells */
};
void s3_read_error(struct slice body, struct s3_error *out);

/* Trouble of a whole answer, with a sentence. sent_wall_us: when it was signed. */
enum lane_trouble s3_trouble(const struct http_answer *a, int64_t sent_wall_us, struct s3_error *said, char detail[200]);
/* Fills kind, trouble, class_ and detail of a delete by the error of one key. */
void s3_key_error(const struct s3_error *said, struct lane_answer *out);

/* ---- lists ---- */

enum s3_entry_kind { S3_OBJECT, S3_VERSION, S3_MARKER };
struct s3_entry {
	enum s3_entry_kind kind;
	struct slice key, version;              /* version "" in a list of objects */
	int64_t bytes, modified_us;             /* -1 unknown */
	bool latest;
};

struct s3_list {
	struct s3_entry *entry;
	size_t n, cap;
	bool truncated;
	struct slice next, next_version;        /* continuation token, or key and version markers */
	struct arena *texts;
};
/* versions: ListObjectVersions, else ListObjectsV2. RC_FORMAT with a sentence. *out needs s3_list_done in both cases. */
enum rc s3_read_list(struct s3_list *out, struct slice body, bool versions, struct err *e) MUST_USE;
void s3_list_done(struct s3_list *l);

/* ---- bulk deletes ---- */

struct s3_ask {
	struct slice key, version;              /* version "" = the object as it is now */
};
struct s3_said {
	bool deleted, refused;                  /* named in the one list, in the other */
	bool marker;                            /* a delete marker was written */
	char marker_version[S3_VERSION_MAX + 1];
	struct s3_error error;
};
/* said[i] about ask[i]. RC_FORMAT when the answer cannot be read, names a key twice in one list or one
 * that was not asked for: then nothing in it is believed. */
enum rc s3_read_deletes(struct slice body, const struct s3_ask *ask, struct s3_said *said, size_t n, struct err *e) MUST_USE;
/* The body of the request; RC_FORMAT for a key that XML cannot carry. */
bool s3_writable(struct slice key);
void s3_write_deletes(struct buf *out, const struct s3_ask *ask, size_t n);

/* ---- versioning ---- */

enum s3_versioning { S3_VERSIONING_UNKNOWN, S3_VERSIONING_NEVER, S3_VERSIONING_SUSPENDED, S3_VERSIONING_ENABLED };
const char *s3_versioning_name(enum s3_versioning v);
/* UNKNOWN for a body that is no such answer. */
enum s3_versioning s3_read_versioning(struct slice body);

#endif
