/* Shared by the files of the s3 lane only. */
#ifndef SLUICE_LANE_S3_IMPL_H
#define SLUICE_LANE_S3_IMPL_H

#include "lane/lane_impl.h"
#include "lane/s3_read.h"
#include "lane/s3_sign.h"

enum { S3_BATCH_KEYS = 1000, S3_LINGER_MS = 1, S3_LIST_MAX = 16 << 20, S3_ANSWER_MAX = 4 << 20, S3_HEADERS_MAX = 40,
       S3_STREAM_TIMEOUT_MS = 6 * 3600 * 1000 };
#define S3_PUT_MAX (INT64_C(5) << 30)   /* bytes of one PUT, by AWS's rules */

struct s3_delete;
struct s3_wait;

struct s3_lane {
	struct lane base;
	struct http_client *http;
	struct buf origin, host, path;          /* "https://host:port"; as signed; "/bucket" or "/" */
	/* what GET ?versioning said last */
	enum s3_versioning versioning;
	int64_t versioning_boot_us;             /* -1 = never asked */
	struct s3_wait *waits;                  /* for the answer under way */
	bool asking;
	struct loop_timer *recall;
	/* deletes that wait for company, in order */
	struct s3_delete *queue, **queue_tail;
	size_t queued;
	struct loop_timer *flush;
	bool must_undo, freed;
};

static inline struct s3_lane *s3_self(struct lane *ln) { return (struct s3_lane *)ln; }
static inline const struct s3_lane *s3_self_const(const struct lane *ln) { return (const struct s3_lane *)ln; }
static inline bool s3_versions(const struct s3_lane *ln) { return ln->base.cfg->versions == CFG_VERSIONS_ALL; }

/* An item's id: the key, or in a lane of versions "KEY@VERSION". false: no list of this lane gave it. */
bool s3_split(const struct s3_lane *ln, struct slice id, struct s3_ask *out);

/* One request, signed now. key empty = the bucket. *signed_us is when, by the wall. What is no slice is borrowed as by
 * http_send. */
struct s3_out {
	const char *method;
	struct slice key, query, body;
	bool only_new;                          /* If-None-Match: * */
	const struct s3_header *headers;        /* further ones, at most S3_HEADERS_MAX */
	size_t n_headers;
	const struct http_file *file;           /* instead of body, and: */
	const struct hash *sha256;              /* of its bytes */
	http_part_fn *part;
	const char *const *keep;
	size_t max_body;
	int64_t timeout_ms, idle_ms;
};
struct http_call *s3_send(struct s3_lane *ln, const struct s3_out *o, int64_t *signed_us, http_done_fn *done, void *ctx);
void s3_query_list(struct buf *out, bool versions, struct slice prefix, int64_t limit, struct slice next, struct slice next_version);

/* Is the bucket versioned? Answered from memory for a minute, else asked for. Calls back exactly once, never before it has returned. */
struct s3_versioned {
	enum s3_versioning is;                  /* UNKNOWN: trouble says why */
	enum lane_trouble trouble;
	int64_t wait_ms;
	char detail[200];
};
typedef void s3_versioned_fn(void *ctx, const struct s3_versioned *v);
void s3_versioned(struct s3_lane *ln, s3_versioned_fn *fn, void *ctx);
void s3_versioned_recall(void *ctx);
void s3_versioned_stop(struct s3_lane *ln);    /* answers all that wait */

/* s3_list.c */
void s3_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx);
void s3_probe(struct lane *base, struct slice id, lane_probe_fn *fn, void *ctx);
/* s3_content.c */
/* false: a path cannot carry this key: what stands between would fold a segment "." or "..". */
bool s3_addressable(struct slice key);
struct lane_stream *s3_content(struct lane *base, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx);
void s3_content_go_on(struct lane *base, struct lane_stream *s);
void s3_content_stop(struct lane *base, struct lane_stream *s);
/* "name: value\n" each, of lane_content.headers; points into *keep. false: too many, one twice, or no such lines. */
bool s3_headers_read(struct slice lines, struct arena *keep, struct s3_header out[S3_HEADERS_MAX], size_t *n);
/* s3_upload.c */
const char *s3_upload_never(const struct lane *base, struct slice purpose);
void s3_upload(struct lane *base, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx);
/* s3_delete.c */
void s3_delete(struct lane *base, struct slice id, lane_answer_fn *fn, void *ctx);
void s3_delete_flush(void *ctx);
void s3_delete_stop(struct s3_lane *ln);
/* s3_undo.c */
void s3_undo(struct lane *base, struct slice id, int64_t since_wall_us, lane_undo_fn *fn, void *ctx);

#endif
