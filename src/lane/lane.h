/* A lane: one file store account. What differs between OpenAI-like stores is a row in a dialect
 * table (lane/dialect.h), not a copy of this code. Loop thread only. One call = at most one request;
 * nothing here repeats anything: retries, pacing and the breaker belong to the coordinator. */
#ifndef SLUICE_LANE_LANE_H
#define SLUICE_LANE_LANE_H

#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"
#include "guard/retry.h"
#include "net/http.h"

struct lane;

/* key may be NULL (a store without credentials). Borrows cfg and key for its lifetime. */
enum rc lane_new(struct lane **out, struct loop *l, const struct cfg_lane *cfg, const struct secret *key, struct err *e) MUST_USE;
void lane_free(struct lane *ln);                           /* cancels what runs; callbacks come first */
void lane_permit(struct lane *ln, enum http_permit p);     /* follows the engine's mode */
const char *lane_name(const struct lane *ln);
/* Target identity for the plan: base URL, account, key fingerprint, as one canonical text. */
void lane_identity(const struct lane *ln, struct buf *out);
bool lane_can_get(const struct lane *ln);                  /* the dialect has GET of one item */
int64_t lane_requests_sent(const struct lane *ln);

/* What a request came to, apart from its meaning for a stage. */
enum lane_trouble {
	LANE_FINE,
	LANE_PACED,             /* 429/408/425 by code and body: wait; class RATE_LIMIT */
	LANE_SERVER,            /* 5xx */
	LANE_NETWORK,           /* before the request left */
	LANE_TIMEOUT,           /* after it left */
	LANE_CUT,               /* after it left */
	LANE_AUTH,              /* 401, 403 of the auth kind */
	LANE_BILLING,           /* quota and billing codes, also under 429 */
	LANE_UNSUPPORTED,       /* no such operation */
	LANE_REJECTED,          /* other 4xx */
	LANE_GARBLED,           /* 2xx that cannot be read or contradicts itself */
	LANE_NOT_PERMITTED      /* mode: nothing left */
};
const char *lane_trouble_name(enum lane_trouble t);

#define LANE_NEVER INT64_MAX
struct lane_item {
	struct slice id, name, purpose, status;
	int64_t bytes, created_us;      /* -1 unknown */
	int64_t expires_us;             /* 0, -1 unknown, LANE_NEVER = the store says that it stays */
};

/* One page of a list. */
struct lane_page {
	enum lane_trouble trouble;
	const struct lane_item *items;  /* borrowed for the callback */
	size_t n;
	bool undoable;                  /* a delete of these items can be taken back, exactly */
	bool last;                      /* this page said it is the last (or the dialect is unpaged and the answer parsed whole) */
	struct slice cursor;            /* for the next page; borrowed */
	int64_t wait_ms;                /* PACED: what the server asked for, -1 if it did not say */
	int64_t date_us;                /* server's Date, -1 */
	int status;
	char detail[200];               /* one sentence, shown form; says what is wrong */
};
typedef void lane_page_fn(void *ctx, const struct lane_page *p);
/* cursor empty = first page. A page above 1 MB is parsed on a worker. */
void lane_list(struct lane *ln, struct slice cursor, lane_page_fn *fn, void *ctx);

/* Places of the provider that refer to files, as configured (referrers:), in that order. */
size_t lane_places(const struct lane *ln);
const char *lane_place_name(const struct lane *ln, size_t place);      /* "batches" */
bool lane_place_of_items(const struct lane *ln, size_t place);         /* who refers there is an item of the lane itself */
const char *lane_place_word(const struct lane *ln, size_t place);      /* one of it: "batch" */

struct lane_ref {
	struct slice file;              /* empty: holder has a list of its own, to be asked for with parent = holder */
	struct slice holder, state;
};
/* One page of a place. */
struct lane_refs {
	enum lane_trouble trouble;
	const struct lane_ref *refs;    /* borrowed for the callback */
	size_t n;
	bool last;
	struct slice cursor;            /* for the next page; borrowed */
	int64_t wait_ms;
	char detail[200];
};
typedef void lane_refs_fn(void *ctx, const struct lane_refs *p);
/* parent empty: the place itself. cursor empty: its first page. */
void lane_refs(struct lane *ln, size_t place, struct slice parent, struct slice cursor, lane_refs_fn *fn, void *ctx);

/* Answer to a delete, by SEMANTICS 5's table. */
enum lane_delete_kind {
	LANE_DELETED,           /* 2xx and a body that names this id as deleted */
	LANE_MISSING,           /* 404/410 or the dialect's equivalent */
	LANE_UNCLEAR,           /* unreadable, contradicting or empty 2xx; timeout, cut or 5xx after it left */
	LANE_ITEM_REFUSED,      /* 403/409/412/423 about the item */
	LANE_LANE_REFUSED,      /* auth, billing, unsupported: about the lane */
	LANE_PACE,              /* wait; nothing happened */
	LANE_NOT_SENT           /* network trouble before it left, or not permitted (trouble says which) */
};
const char *lane_delete_kind_name(enum lane_delete_kind k);

struct lane_answer {
	enum lane_delete_kind kind;
	enum lane_trouble trouble;
	enum retry_class class_;        /* RETRY_NONE_CLASS when deleted */
	bool left;
	int status;                     /* HTTP, 0 none */
	int64_t wait_ms;                /* -1 unknown */
	bool wait_coarse;               /* it came in whole seconds */
	struct pace_quota quota;
	int64_t took_us;
	char request_id[64];
	char detail[200];               /* of a delete that can be taken back: by what */
};
typedef void lane_answer_fn(void *ctx, const struct lane_answer *a);
void lane_delete(struct lane *ln, struct slice id, lane_answer_fn *fn, void *ctx);
int64_t lane_bulk(const struct lane *ln);                  /* deletes that may share one request */

/* A file to be made anew, streamed from fd (its first `bytes`), which is the caller's and must live until the answer. */
struct lane_file {
	struct slice name, purpose;
	struct slice headers;           /* lane_content.headers of the one that it was copied from; empty = none */
	int fd;
	int64_t bytes;
	const struct hash *sha256;      /* of these bytes, proved by the caller */
};
/* new_id (borrowed) empty: it was not made, or nobody knows: a->kind says, by the same table as for a delete. Nothing that is
 * there is overwritten. */
typedef void lane_uploaded_fn(void *ctx, const struct lane_answer *a, struct slice new_id);
/* NULL: it can be; else why this lane takes no file of this purpose. */
const char *lane_upload_never(const struct lane *ln, struct slice purpose);
/* Only where lane_upload_never lets pass. */
void lane_upload(struct lane *ln, const struct lane_file *f, lane_uploaded_fn *fn, void *ctx);
int64_t lane_upload_most(const struct lane *ln);            /* bytes of one file; INT64_MAX = the store decides */
bool lane_upload_keeps_id(const struct lane *ln);           /* what is made anew has the id of the old one, or is not made */
/* The name as it is told to the store: what a form cannot hold is escaped. */
void lane_upload_name(struct slice name, struct buf *out);

/* Deletes from here on that could not be taken back are refused as about the lane: the plan says that they can. */
void lane_must_undo(struct lane *ln, bool must);
bool lane_undoes(const struct lane *ln);                   /* lane_undo may be called */

enum lane_undo_kind {
	LANE_UNDONE,            /* the item is there again, under its own id; bytes and created_us say which */
	LANE_UNDO_NEEDLESS,     /* it is there, and not by us */
	LANE_UNDO_IMPOSSIBLE,   /* nothing of it is left, or somebody else deleted it before */
	LANE_UNDO_UNKNOWN       /* no answer, or none that can be read: may be asked again */
};
struct lane_undone {
	enum lane_undo_kind kind;
	enum lane_trouble trouble;
	int64_t bytes, created_us;      /* -1 unknown */
	int64_t wait_ms;
	char detail[200];
};
typedef void lane_undo_fn(void *ctx, const struct lane_undone *u);
/* Takes back a delete made no earlier than since_wall_us by the store's clock. May be repeated: what was
 * taken back already is NEEDLESS. */
void lane_undo(struct lane *ln, struct slice id, int64_t since_wall_us, lane_undo_fn *fn, void *ctx);

/* Is one item there? By GET, where the dialect has it. */
enum lane_presence { LANE_PRESENT, LANE_ABSENT, LANE_NO_ANSWER };
struct lane_probe {
	enum lane_presence presence;
	enum lane_trouble trouble;
	struct lane_item item;          /* when present; borrowed */
	int64_t wait_ms;
	int64_t took_us;
	int status;
	char detail[200];
};
typedef void lane_probe_fn(void *ctx, const struct lane_probe *p);
void lane_probe(struct lane *ln, struct slice id, lane_probe_fn *fn, void *ctx);

/* The bytes of an item, part by part. */
struct lane_content {
	enum lane_trouble trouble;      /* FINE: all of it came */
	bool about_item;                /* refused for this item; others may be given */
	bool missing;                   /* there is no such item */
	int64_t wait_ms;                /* PACED: what the server asked for, -1 if it did not say */
	int64_t took_us;
	int status;
	struct slice headers;           /* what the store keeps with the bytes: "name: value\n" each, for lane_upload; borrowed */
	char detail[200];
};
/* false = not now: nothing more comes until lane_content_go_on, then the same part again. */
typedef bool lane_part_fn(void *ctx, struct slice part);
typedef void lane_content_fn(void *ctx, const struct lane_content *a);
struct lane_stream;                     /* lives until its lane_content_fn was called */
/* NULL: it can be asked for; else why this lane has no bytes of an item of this purpose to give. */
const char *lane_content_never(const struct lane *ln, struct slice purpose);
/* at_most: more bytes than this are GARBLED. Only of a lane and an item that lane_content_never lets pass. */
struct lane_stream *lane_content(struct lane *ln, struct slice id, int64_t at_most, lane_part_fn *part, lane_content_fn *fn, void *ctx);
void lane_content_go_on(struct lane *ln, struct lane_stream *s);
void lane_content_stop(struct lane *ln, struct lane_stream *s);        /* calls fn before it returns: NETWORK */

#endif
