/* Reading a JSON object into a struct by a table of fields. For ui/model*.c only. */
#ifndef SLUICE_UI_MODEL_READ_H
#define SLUICE_UI_MODEL_READ_H

#include "ui/model.h"

enum field_kind { FIELD_I64, FIELD_STR, FIELD_BOOL };

struct field {
	const char *key;
	enum field_kind kind;
	size_t at;
};

#define F_I64(type, member, key_) { key_, FIELD_I64, offsetof(struct type, member) + 0 * sizeof(((struct type *)0)->member == (int64_t)0) }
#define F_STR(type, member, key_) { key_, FIELD_STR, offsetof(struct type, member) + 0 * sizeof(((struct type *)0)->member.p) }
#define F_BOOL(type, member, key_) { key_, FIELD_BOOL, offsetof(struct type, member) + 0 * sizeof(!((struct type *)0)->member) }

/* null, absent and of another type: -1, absent string, false. Strings are copied to `mem`. */
void read_fields(void *to, const struct field *f, size_t n, const struct json *obj, struct arena *mem);
#define READ(to, table, obj, mem) read_fields((to), (table), ARRAY_LEN(table), (obj), (mem))
/* The values of all fields in one piece, in `mem`: two structs have the same only if all their fields are the same. */
struct slice fields_whole(const void *from, const struct field *f, size_t n, struct arena *mem);
#define FIELDS_WHOLE(from, table, mem) fields_whole((from), (table), ARRAY_LEN(table), (mem))
struct slice read_str(const struct json *j, struct arena *mem);
/* Zeroed array for the elements of j. */
void *read_array(const struct json *j, size_t size, int *n, struct arena *mem);
struct slice *read_strings(const struct json *j, int *n, struct arena *mem);
void read_class(struct m_class *c, const struct json *j);
void read_record(struct m_record *r, const struct json *j, struct arena *mem);
void read_records(struct m_records **r, int *n, const struct json *j, struct arena *mem);
void read_cycle(struct m_cycle *c, const struct json *j);
void read_overview(struct m_overview *o, const struct json *j);

#endif
