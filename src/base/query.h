/* The filter of the candidates, as it is typed after `/`, given to --filter and sent to the engine:
 *
 *     filter = { ["!"] ( KEY OP VALUE | WORD ) }         all terms must hold, ! turns one round
 *     OP     = ":" is   "~" contains   "<" "<=" ">" ">="
 *     VALUE  = letters up to a blank | "letters, \" and \\"
 *     WORD   = candidate protected ineligible kept planned: the state; else a part of the name or id
 *
 * age takes a duration (30d), size an amount (10MB); age:unknown and size:unknown find what has none, and
 * what has none satisfies no comparison and no negated one. Letters are compared byte by byte. Pure; any
 * thread; the text may hold any byte. A struct query holds its values itself and may be copied. */
#ifndef SLUICE_BASE_QUERY_H
#define SLUICE_BASE_QUERY_H

#include "base/str.h"

/* Word, and what may follow it. Order is the order in which they are offered. */
#define QUERY_KEYS(X) \
	X(LANE, "lane") \
	X(STATE, "state") \
	X(RULE, "rule") \
	X(CLASS, "class") \
	X(AGE, "age") \
	X(SIZE, "size") \
	X(NAME, "name") \
	X(ID, "id") \
	X(WHY, "why") \
	X(PURPOSE, "purpose") \
	X(TEXT, "text")                 /* part of name or id: a word that stands alone */

enum query_key {
#define X(e, w) QUERY_##e,
	QUERY_KEYS(X)
#undef X
	QUERY_KEY_COUNT
};

enum query_op { QUERY_IS, QUERY_HAS, QUERY_LESS, QUERY_MOST, QUERY_MORE, QUERY_LEAST };

enum { QUERY_BYTES = 512, QUERY_TERMS = 16 };

struct query_term {
	enum query_key key;
	enum query_op op;
	bool negated;
	bool unknown;                   /* age:unknown, size:unknown */
	int64_t number;                 /* age in µs, size in bytes; class 0 … 3; of lane and state the asker's own */
	uint16_t value_at, value_n;     /* in text */
};

struct query {
	struct query_term term[QUERY_TERMS];
	int terms;
	char text[QUERY_BYTES];         /* values, without quotes */
};

/* An empty or blank text has no terms and lets everything pass. RC_USAGE says the column (characters from
 * 1) and what is allowed there; *at is its byte (NULL: not wanted). */
enum rc query_parse(struct query *q, struct slice text, size_t *at, struct err *e) MUST_USE;
struct slice query_value(const struct query *q, const struct query_term *t);
const char *query_key_name(enum query_key k);
/* The words that a key can have, NULL at the end; NULL for a key that takes other things. */
const char *const *query_words(enum query_key k);

/* What stands before the cursor (a byte offset), to be completed. */
struct query_spot {
	bool value;                     /* of `key`; else a key or a word is being typed */
	enum query_key key;
	enum query_op op;
	size_t from;                    /* where it begins: after !, after the operator, before a quote */
};
struct query_spot query_spot(struct slice text, size_t cursor);
/* As a VALUE: with quotes where it needs them. */
void query_quote(struct buf *out, struct slice value);

#endif
