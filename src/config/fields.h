/* The one table of configuration keys: key, type, place in config.h's structs, default, limits,
 * explanation. Reading (raw.c, fill.c), hashing (canon.c), the reference (describe.c), the shipped
 * data/sluice.yaml and the tests all walk it. Constant data; any thread. */
#ifndef SLUICE_CONFIG_FIELDS_H
#define SLUICE_CONFIG_FIELDS_H

#include "config/config.h"

/* Type, its word in the reference, and an example for messages. */
#define FIELD_TYPES(X) \
	X(NAME, "name", "kimi")                 /* const char * */ \
	X(TEXT, "text", "production")           /* const char * */ \
	X(IDENT, "identifier", "file_id")       /* const char *: a table or column */ \
	X(COLUMN, "column", "file_id")          /* struct cfg_column */ \
	X(PATH, "path", "/etc/sluice/kimi.key") /* const char *, made absolute */ \
	X(URL, "URL", "https://api.example.com/v1")   /* const char *, normalised */ \
	X(LISTEN, "address", "127.0.0.1:9464")  /* const char * */ \
	X(SESSION, "session id", "sluice-1")    /* const char * */ \
	X(WORD, "word", "")                     /* enum */ \
	X(CHOICE, "word", "")                   /* const char * out of words */ \
	X(BOOL, "yes or no", "yes")             /* bool */ \
	X(INT, "number", "1000")                /* int or int64_t */ \
	X(BYTES, "size", "512MB")               /* int64_t */ \
	X(DURATION, "duration", "30s")          /* int64_t, ms */ \
	X(SHARE, "share", "50%")                /* int64_t, basis points */ \
	X(RATE, "rate", "20/s")                 /* int64_t, per 1,000 s */ \
	X(REF, "name", "")                      /* int: index into the list `ref` */ \
	X(TEXTS, "list of texts", "") \
	X(GLOBS, "list of patterns", "") \
	X(UIDS, "list of uids", "1000")         /* int64_t * */ \
	X(KEYS, "list of keys", "ed25519:…")    /* struct cfg_key * */ \
	X(REFS, "list of names", "")            /* int * */ \
	X(GATES, "list of words", "")           /* words[].value is the offset of a bool */ \
	X(MAP, "section", "")                   /* struct in place */ \
	X(LIST, "list of sections", "")         /* array of structs */

enum field_type {
#define X(e, w, x) FIELD_##e,
	FIELD_TYPES(X)
#undef X
	FIELD_TYPE_COUNT
};
const char *field_type_name(enum field_type t);
const char *field_type_example(enum field_type t);

/* A word that may be written. not_yet: it may not, and this sentence says why. */
struct field_word {
	const char *word;                      /* NULL ends the array */
	int value;
	const char *not_yet;
};

struct section;
struct field {
	const char *key;                       /* NULL ends the array */
	enum field_type type;
	bool required;                         /* lists: at least one entry */
	size_t at, size;                       /* of the member; lists: of the pointer */
	size_t count_at;                       /* lists: of its size_t */
	const char *def;                       /* as one would write it; NULL = none or told in doc */
	int64_t min, max;                      /* numbers by value, lists by count (0 = FIELD_LIST_MAX), texts by bytes */
	const struct field_word *words;
	const struct section *of;              /* MAP, LIST */
	const char *ref;                       /* REF, REFS: key of the list in the root section */
	const char *schemes;                   /* URL: "http https" */
	bool nested;                           /* LIST of its own section, FIELD_NESTED deep at most; the reference tells its keys once */
	const char *doc;
};

enum { FIELD_NESTED = 2 };
enum { FIELD_LIST_MAX = 1000, FIELD_TEXT_MAX = 1000 };

struct section {
	const char *name;                      /* of one entry: "lane" */
	size_t size;
	const struct field *fields;
	void (*init)(void *rec);               /* defaults that are not text; may be NULL */
};

extern const struct section section_config;
extern const struct section section_features; /* fields_features.c */
extern const struct section section_objects;  /* fields_objects.c */
extern const struct section section_escrow;   /* fields_escrow.c */
size_t section_fields(const struct section *s);
const struct field *section_field(const struct section *s, struct slice key);
bool field_is_list(enum field_type t);         /* a YAML sequence */
bool field_is_scalar(enum field_type t);

#endif
