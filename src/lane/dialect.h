/* What differs between OpenAI-like file stores, as data (facts of each store in dialect.c), and the
 * pure functions that turn an HTTP answer into a meaning. No I/O here. */
#ifndef SLUICE_LANE_DIALECT_H
#define SLUICE_LANE_DIALECT_H

#include "base/json.h"
#include "lane/lane.h"

/* First rule that fits wins; an empty pattern fits everything. */
struct dialect_error {
	int status;                     /* 0 = any */
	const char *type, *code;        /* of error.type / error.code in the body, NULL = any; type "" = error is a text: a gateway speaks */
	const char *message_has;        /* case-sensitive part of error.message, NULL = any */
	enum lane_trouble trouble;
	bool about_item;                /* on a delete: the item is refused, not the lane */
};

struct dialect {
	const char *name;
	const char *list_path;          /* "/files" below the base URL */
	const char *limit_param, *cursor_param, *more_field;
	int page_max;                   /* largest limit the store takes; unpaged: most items of one answer */
	bool unpaged, has_get;
	const char *const *upload_purposes;     /* a file of these can be made anew, at list_path; NULL-terminated */
	const char *purpose_param;      /* the list is asked for once per purpose; NULL = for all at once */
	const char *const *purposes;    /* which, unless the lane says others; NULL-terminated */
	const char *id_field, *name_field, *bytes_field, *created_field, *purpose_field, *status_field;
	const char *expires_field;      /* seconds since 1970, null = never; NULL = it does not say */
	const char *deleted_field;      /* must be true in the answer to a delete */
	const char *content_path;       /* behind an item's own: "/content"; NULL = its bytes are never given back, and why: */
	const char *content_why;
	const char *const *content_purposes;    /* only these are given back; NULL = whichever the store does not refuse */
	const int *missing_status;      /* 0-terminated */
	const struct dialect_error *errors;     /* ends with trouble LANE_FINE */
	bool ids_never_reused;
};

/* A list of a store's own things that refer to files. */
struct dialect_place {
	const char *dialect, *name;     /* name as in the configuration: "batches" */
	const char *word;               /* one of it, for people: "batch" */
	const char *path;               /* below the base URL */
	const char *child_path;         /* "/files": each entry has such a list of its own; NULL = the entry names the files */
	const char *const *fields;      /* that name files; NULL-terminated */
	const char *const *ended;       /* states in which nothing is referred to any more; NULL-terminated */
	bool of_items;                  /* who refers there is an item of the lane itself */
};
enum { DIALECT_PLACE_LIMIT = 100 };

/* What a page was asked for, to judge it by. */
struct dialect_ask {
	struct slice after;             /* the item it is to come after; empty = first */
	struct slice purpose;           /* empty = not asked by purpose */
	const char *const *purposes;    /* all that are asked for, each in its turn */
	size_t n_purposes;
	int64_t cap;                    /* unpaged: this many items may be a truncated list */
	int64_t quota;                  /* … unless the account can hold exactly as many; -1 unknown */
};

const struct dialect *dialect_find(struct slice name);     /* NULL = unknown */
/* Names of all rows, for "is one of …". */
void dialect_names(struct buf *out);

enum lane_trouble dialect_trouble(const struct dialect *d, const struct http_answer *a, bool *about_item, char detail[200]);
/* Trouble of the transport alone, with a sentence; LANE_FINE when there is a whole answer. */
enum lane_trouble dialect_transport(const struct http_answer *a, char detail[200]);
/* kind and class_ of a delete that met this trouble, by SEMANTICS 5's table. */
void dialect_meaning(enum lane_trouble t, bool about_item, struct lane_answer *out);
/* What a PACED answer asks to wait: retry-after-ms, Retry-After, RetryInfo in the body, the hint in the message, the reset
 * header, in this order; -1 if it does not say. */
int64_t dialect_wait_ms(const struct http_answer *a);
bool dialect_wait_coarse(const struct http_answer *a, int64_t wait_ms);    /* it came in whole seconds */
/* The store itself says that there is no such file: a missing_status with an error object or no body.
 * A page of a proxy in front of it ("default backend - 404") or an unknown path says nothing. */
bool dialect_says_missing(const struct dialect *d, const struct http_answer *a);
void dialect_read_delete(const struct dialect *d, const struct http_answer *a, struct slice asked_id, struct lane_answer *out);
/* kind LANE_DELETED stands for "done": the answer names a file of so many bytes, its id in *new_id (points into *doc, which
 * is the caller's). */
void dialect_read_upload(const struct dialect *d, const struct http_answer *a, int64_t bytes, struct lane_answer *out,
			 struct slice *new_id, struct json_doc **doc);
/* One item of GET; RC_FORMAT (sentence in *e) unless the answer is this item. */
enum rc dialect_read_item(const struct dialect *d, const struct http_answer *a, struct slice asked_id, struct lane_item *out,
			  struct json_doc **doc, struct err *e) MUST_USE;
/* RC_OK: a page without trouble; else out->trouble and out->detail say what is wrong with it. The
 * answer of an erroneous request included. *items (free) and *doc (json_doc_free) are the caller's
 * also then; the items point into *doc. out->last and out->cursor are about this purpose only; the
 * cursor is the id of the last item read. A page that repeats ask->after is in trouble. Items of a
 * purpose that has its own turn are left out: a store may ignore the filter. */
/* The elements of an array; the same care and the same owners as for a page. */
enum rc dialect_read_array(const struct dialect *d, const struct json *data, const struct dialect_ask *ask, struct lane_page *out,
			   struct lane_item **items, struct slice *last_read) MUST_USE;
const struct dialect_place *dialect_place(const struct dialect *d, struct slice name);     /* NULL = it has no such list */
void dialect_place_names(const struct dialect *d, struct buf *out);
/* parent: of a child list, else empty. Same owners as for a page. */
enum rc dialect_read_refs(const struct dialect *d, const struct dialect_place *p, const struct http_answer *a, struct slice parent,
			  struct slice asked, struct lane_refs *out, struct lane_ref **refs, struct json_doc **doc) MUST_USE;
void dialect_read_fields(const struct dialect *d, const struct json *o, struct lane_item *out);
enum rc dialect_read_page(const struct dialect *d, const struct http_answer *a, const struct dialect_ask *ask, struct lane_page *out,
			  struct lane_item **items, struct json_doc **doc) MUST_USE;

#endif
