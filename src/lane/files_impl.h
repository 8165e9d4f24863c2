/* Shared by the files of OpenAI-like lanes only. */
#ifndef SLUICE_LANE_FILES_IMPL_H
#define SLUICE_LANE_FILES_IMPL_H

#include "lane/lane_impl.h"

enum { FILES_LIST_MAX = 256 << 20, FILES_ANSWER_MAX = 256 << 10 };

struct files_lane {
	struct lane base;
	const struct dialect *d;
	struct http_client *http;
	struct page_job *jobs;          /* pages that a worker reads */
	struct probe_list *lists;       /* NULL where one item can be asked for */
	const char *const *purposes;    /* asked for in turn; none = all at once */
	size_t n_purposes;
	const struct dialect_place **places;    /* that refer to files, as configured */
};

enum call_kind { CALL_LIST, CALL_DELETE, CALL_PROBE, CALL_REFS, CALL_CONTENT, CALL_UPLOAD };

/* One request under way. */
struct call {
	struct files_lane *ln;
	enum call_kind kind;
	union {
		lane_page_fn *page;
		lane_answer_fn *answer;
		lane_probe_fn *probe;
		lane_refs_fn *refs;
		lane_content_fn *content;
		lane_uploaded_fn *uploaded;
	} fn;
	lane_part_fn *part;             /* of content */
	struct http_call *http;
	int64_t bytes;                  /* of an upload */
	void *ctx;
	struct buf subject;             /* the id, or after which item of a list */
	size_t purpose;                 /* of a list, where it goes by purpose */
	struct buf cursor;              /* of the next page */
	const struct dialect_place *place;      /* of refs, and whose list: */
	struct buf parent;
};

static inline struct files_lane *files_self(struct lane *ln) { return (struct files_lane *)ln; }
static inline const struct files_lane *files_self_const(const struct lane *ln) { return (const struct files_lane *)ln; }

struct call *files_call_new(struct files_lane *ln, enum call_kind kind, struct slice subject, void *ctx);
void files_call_free(struct call *c);
/* part NULL: the answer as one; with it c->http is the request. */
void files_send(struct call *c, const char *method, const char *url, size_t max_body, http_part_fn *part, http_done_fn *done);
/* "." and ".." would be folded into the path of the whole list on their way. */
bool files_addressable(struct slice id);

/* files_list.c */
void files_list(struct lane *base, struct slice cursor, lane_page_fn *fn, void *ctx);
void files_list_stop(struct files_lane *ln);   /* answers for the pages that workers read */

void files_item_url(const struct files_lane *ln, struct slice id, struct buf *out);

/* files_content.c */
const char *files_content_never(const struct lane *ln, struct slice purpose);
struct lane_stream *files_content(struct lane *ln, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx);
void files_content_go_on(struct lane *ln, struct lane_stream *s);
void files_content_stop(struct lane *ln, struct lane_stream *s);

/* Header lines of one request; the first may hold the credential: wiped right after the send. */
enum { FILES_HEADERS = 24 };
struct headers {
	struct buf auth;
	struct buf extra[FILES_HEADERS];
	const char *lines[FILES_HEADERS + 4];
};
void files_headers_fill(struct headers *h, const struct files_lane *ln, bool content);
void files_headers_wipe(struct headers *h);

/* files_upload.c */
const char *files_upload_never(const struct lane *ln, struct slice purpose);
void files_upload(struct lane *ln, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx);

/* files_refs.c */
enum rc files_set_places(struct files_lane *ln, struct err *e) MUST_USE;
size_t files_places(const struct lane *ln);
const struct dialect_place *files_place(const struct lane *ln, size_t i);
void files_refs(struct lane *base, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx);

#endif
