/* A lane's inside: what each kind of lane does in its own file. Callers use lane/lane.h. */
#ifndef SLUICE_LANE_LANE_IMPL_H
#define SLUICE_LANE_LANE_IMPL_H

#include "lane/dialect.h"
#include "lane/lane.h"

struct lane_kind {
	bool (*speaks)(struct slice dialect);
	void (*names)(struct buf *out);                        /* its dialects, "a, b" */
	/* cfg->dialect is one that it speaks; *out starts with a struct lane. */
	enum rc (*open)(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e);
	void (*free)(struct lane *ln);                         /* ends what runs; every callback comes before it returns */
	void (*permit)(struct lane *ln, enum http_permit p);   /* nothing that is not permitted may leave */
	bool (*can_get)(const struct lane *ln);
	int64_t (*requests_sent)(const struct lane *ln);
	void (*identity)(const struct lane *ln, struct buf *out);      /* adds " key=value"; NULL = nothing to add */
	/* Each calls back exactly once, never before it has returned. */
	void (*list)(struct lane *ln, struct slice cursor, lane_page_fn *fn, void *ctx);
	void (*probe)(struct lane *ln, struct slice id, lane_probe_fn *fn, void *ctx);
	void (*delete_)(struct lane *ln, struct slice id, lane_answer_fn *fn, void *ctx);
	int64_t bulk;                                          /* deletes that may share a request; 0 = none */
	/* Bytes of an item; NULL = this kind never gives any. */
	const char *(*content_never)(const struct lane *ln, struct slice purpose);
	struct lane_stream *(*content)(struct lane *ln, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx);
	void (*content_go_on)(struct lane *ln, struct lane_stream *s);
	void (*content_stop)(struct lane *ln, struct lane_stream *s);
	/* Files made anew; NULL = this kind makes none. */
	const char *(*upload_never)(const struct lane *ln, struct slice purpose);
	void (*upload)(struct lane *ln, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx);
	int64_t upload_most;                                   /* 0 = the store decides */
	bool upload_keeps_id;
	/* Undo; all NULL = a delete is final. */
	bool (*undoes)(const struct lane *ln);                 /* a delete may be one that can be taken back: pages say whether */
	void (*must_undo)(struct lane *ln, bool must);
	void (*undo)(struct lane *ln, struct slice id, int64_t since_wall_us, lane_undo_fn *fn, void *ctx);
	/* References at the provider; NULL = this kind knows no such places. */
	size_t (*places)(const struct lane *ln);
	const struct dialect_place *(*place)(const struct lane *ln, size_t place);
	void (*refs)(struct lane *ln, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx);
};

/* The first member of each kind's own struct. */
struct lane {
	const struct lane_kind *kind;
	struct loop *loop;
	const struct cfg_lane *cfg;
	const struct secret *key;       /* NULL = none */
};

extern const struct lane_kind files_kind, exec_kind, s3_kind;

struct slice lane_base_url(const struct lane *ln);             /* without a slash at its end */

#endif
