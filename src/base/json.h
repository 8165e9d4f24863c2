/* JSON in and out. Reading: cJSON behind limits (size, depth, members), exact case, duplicate keys,
 * \u0000, invalid UTF-8 and trailing bytes refused; integers are read as integers from the raw
 * text, exact to 64 bits. The tree lives in an arena and is freed whole. Writing: a small streaming
 * writer onto a buf; integers are printed as integers.
 * Only json.c includes cJSON. A document belongs to one thread at a time; parsing on any thread. */
#ifndef SLUICE_BASE_JSON_H
#define SLUICE_BASE_JSON_H

#include "base/str.h"

struct json;                       /* a value inside a document */
struct json_doc;                   /* owns the tree */

struct json_limits {
	size_t max_bytes;          /* 0 = 8 MiB */
	int max_depth;             /* 0 = 32 */
	size_t max_values;         /* 0 = 1,000,000 values in all */
};

enum rc json_parse(struct json_doc **out, struct slice text, const struct json_limits *lim, struct err *e) MUST_USE;
void json_doc_free(struct json_doc *d);                    /* NULL is fine */
const struct json *json_root(const struct json_doc *d);

/* All accept j == NULL and then answer "absent". */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_null(const struct json *j);
bool json_bool(const struct json *j, bool *out);           /* true if it is a JSON bool */
bool json_i64(const struct json *j, int64_t *out);         /* exact integer only: 3, -7, not 3.0 or 1e3 */
bool json_str(const struct json *j, struct slice *out);    /* borrowed from the document */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *j);        /* O(1) */
struct slice json_key(const struct json *member);
size_t json_len(const struct json *j);
/* The value printed again, compact. */
void json_print(struct buf *out, const struct json *j);

/* Shorthands with a default, for our own protocol. */
int64_t json_get_i64(const struct json *obj, const char *key, int64_t absent);
struct slice json_get_str(const struct json *obj, const char *key);   /* empty when absent */
bool json_get_bool(const struct json *obj, const char *key, bool absent);

/* Writer. Commas are its business; nesting is checked (die on misuse). Strings: valid UTF-8 as it
 * is with C0, DEL, C1 and format characters escaped as \uXXXX; an invalid byte and NUL
 * (which no reader of ours takes) become U+FFFD. */
struct jw {
	struct buf *out;
	int depth;
	bool first[32], object[32];
	bool after_key;
};

void jw_init(struct jw *w, struct buf *out);
void jw_obj(struct jw *w);
void jw_end_obj(struct jw *w);
void jw_arr(struct jw *w);
void jw_end_arr(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_str(struct jw *w, struct slice s);
void jw_z(struct jw *w, const char *z);                    /* NULL writes null */
void jw_i64(struct jw *w, int64_t v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, struct slice json);              /* already JSON */
/* key + value at once */
void jw_kstr(struct jw *w, const char *key, struct slice s);
void jw_kz(struct jw *w, const char *key, const char *z);
void jw_ki64(struct jw *w, const char *key, int64_t v);
void jw_kbool(struct jw *w, const char *key, bool v);
/* -1 (our "unknown") is written as null */
void jw_kopt(struct jw *w, const char *key, int64_t v);

#endif
