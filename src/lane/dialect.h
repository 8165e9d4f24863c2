/* What differs between OpenAI-like file stores, as data (facts of each store in dialect.c), and the
 * pure functions that turn an HTTP answer into a meaning. No I/O here. */
#ifndef SLUICE_LANE_DIALECT_H
#define SLUICE_LANE_DIALECT_H

#include "lane/lane.h"

/* First rule that fits wins; an empty pattern fits everything. */
struct dialect_error {
	int status;                     /* 0 = any */
	const char *type, *code;        /* of error.type / error.code in the body, NULL = any */
	const char *message_has;        /* case-sensitive part of error.message, NULL = any */
	enum lane_trouble trouble;
	bool about_item;                /* on a delete: the item is refused, not the lane */
};

struct dialect {
	const char *name;
	const char *list_path;          /* "/files" below the base URL */
	const char *limit_param, *cursor_param, *more_field;
	int page_max;                   /* largest limit the store takes */
	bool unpaged, has_get;
	const char *id_field, *name_field, *bytes_field, *created_field, *purpose_field, *status_field;
	const char *deleted_field;      /* must be true in the answer to a delete */
	const int *missing_status;      /* 0-terminated */
	const struct dialect_error *errors;     /* ends with trouble LANE_FINE */
	bool ids_never_reused;
};

const struct dialect *dialect_find(struct slice name);     /* NULL = unknown */
/* Names of all rows, for "is one of …". */
void dialect_names(struct buf *out);

enum lane_trouble dialect_trouble(const struct dialect *d, const struct http_answer *a, bool *about_item, char detail[200]);
void dialect_read_delete(const struct dialect *d, const struct http_answer *a, struct slice asked_id, struct lane_answer *out);
/* Items point into *doc, which the caller frees after use. */
enum rc dialect_read_page(const struct dialect *d, const struct http_answer *a, struct lane_page *out,
			  struct lane_item **items, struct json_doc **doc);

#endif
