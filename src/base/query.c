#include "base/query.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum kind { KIND_TEXT, KIND_WORD, KIND_AGE, KIND_SIZE };

#define OP(o) (1u << QUERY_##o)

static const char *const states[] = { "candidate", "protected", "ineligible", "kept", "planned", NULL };
static const char *const classes[] = { "R0", "R1", "R2", "R3", NULL };

static const struct {
	const char *name;
	enum kind kind;
	unsigned ops;
	const char *const *words;
	const char *takes;              /* after "takes" */
} keys[] = {
	[QUERY_LANE] = { "lane", KIND_TEXT, OP(IS), NULL, ": and the name of a lane" },
	[QUERY_STATE] = { "state", KIND_WORD, OP(IS), states, ": and candidate, protected, ineligible, kept or planned" },
	[QUERY_RULE] = { "rule", KIND_TEXT, OP(IS) | OP(HAS), NULL, ": or ~ and a rule" },
	[QUERY_CLASS] = { "class", KIND_WORD, OP(IS), classes, ": and R0, R1, R2 or R3" },
	[QUERY_AGE] = { "age", KIND_AGE, OP(LESS) | OP(MOST) | OP(MORE) | OP(LEAST) | OP(IS), NULL, "> or < and a time as 30d, or :unknown" },
	[QUERY_SIZE] = { "size", KIND_SIZE, OP(LESS) | OP(MOST) | OP(MORE) | OP(LEAST) | OP(IS), NULL, "> or < and an amount as 10MB, or :unknown" },
	[QUERY_NAME] = { "name", KIND_TEXT, OP(IS) | OP(HAS), NULL, "~ and a part, or : and all of it" },
	[QUERY_ID] = { "id", KIND_TEXT, OP(IS) | OP(HAS), NULL, ": and all of it, or ~ and a part" },
	[QUERY_WHY] = { "why", KIND_TEXT, OP(HAS), NULL, "~ and a part of the reason" },
	[QUERY_PURPOSE] = { "purpose", KIND_TEXT, OP(IS) | OP(HAS), NULL, ": or ~ and a purpose" },
	[QUERY_TEXT] = { "text", KIND_TEXT, OP(HAS), NULL, "~ and a part of the name or id" },
};

const char *query_key_name(enum query_key k)
{
	return keys[k].name;
}

const char *const *query_words(enum query_key k)
{
	return keys[k].words;
}

struct slice query_value(const struct query *q, const struct query_term *t)
{
	return (struct slice){ q->text + t->value_at, t->value_n };
}

/* ---- reading ---- */

struct reading {
	struct query *q;
	struct slice s;
	size_t i, used;                 /* in s, in q->text */
	size_t *at;
	struct err *e;
};

static size_t column(struct slice s, size_t at)
{
	size_t n = 1;
	for (size_t i = 0; i < at && i < s.n; n++)
		utf8_next(s, &i);
	return n;
}

static enum rc bad(struct reading *r, size_t at, const char *why)
{
	if (r->at)
		*r->at = at;
	return err_set(r->e, RC_USAGE, "column %zu: %s", column(r->s, at), why);
}

static enum rc bad_key(struct reading *r, size_t at, enum query_key k)
{
	struct buf b = { 0 };
	buf_addf(&b, "%s takes %s", keys[k].name, keys[k].takes);
	enum rc rc = bad(r, at, buf_z(&b));
	buf_done(&b);
	return rc;
}

static bool is_op(char c)
{
	return c == ':' || c == '~' || c == '<' || c == '>';
}

static enum query_op read_op(struct reading *r)
{
	char c = r->s.p[r->i++];
	bool equal = (c == '<' || c == '>') && r->i < r->s.n && r->s.p[r->i] == '=';
	r->i += equal;
	switch (c) {
	case ':': return QUERY_IS;
	case '~': return QUERY_HAS;
	case '<': return equal ? QUERY_MOST : QUERY_LESS;
	default:  return equal ? QUERY_LEAST : QUERY_MORE;
	}
}

/* A value of any bytes goes to q->text; its term points there. */
static enum rc read_value(struct reading *r, struct query_term *t)
{
	struct query *q = r->q;
	size_t from = r->i;
	bool quoted = from < r->s.n && r->s.p[from] == '"', closed = false;
	t->value_at = (uint16_t)r->used;
	for (r->i += quoted; r->i < r->s.n && !closed; r->i++) {
		char c = r->s.p[r->i];
		if (!quoted && c == ' ')
			break;
		if (quoted && c == '"') {
			closed = true;
			continue;
		}
		if (quoted && c == '\\') {
			if (++r->i >= r->s.n)
				break;
			c = r->s.p[r->i];
			if (c != '"' && c != '\\')
				return bad(r, r->i, "after \\ comes \" or \\");
		}
		q->text[r->used++] = c;
	}
	t->value_n = (uint16_t)(r->used - t->value_at);
	if (quoted && !closed)
		return bad(r, from, "this \" has no second one");
	if (closed && r->i < r->s.n && r->s.p[r->i] != ' ')
		return bad(r, r->i, "a blank must follow the \"");
	return RC_OK;
}

static int word_index(const char *const *words, struct slice s)
{
	for (int i = 0; words[i]; i++)
		if (slice_is(s, words[i]))
			return i;
	return -1;
}

static enum rc check_value(struct reading *r, struct query_term *t, size_t at)
{
	struct slice v = query_value(r->q, t);
	bool number = keys[t->key].kind == KIND_AGE || keys[t->key].kind == KIND_SIZE, fine = v.n > 0;
	int64_t ms;
	if (number && t->op == QUERY_IS) {
		t->unknown = fine = slice_is(v, "unknown");
	} else if (keys[t->key].kind == KIND_AGE) {
		fine = fine && parse_duration_ms(v, &ms) && ms >= 0 && ms < INT64_MAX / 1000;
		t->number = fine ? ms * 1000 : 0;
	} else if (keys[t->key].kind == KIND_SIZE) {
		fine = fine && parse_bytes(v, &t->number);
	} else if (keys[t->key].kind == KIND_WORD) {
		t->number = word_index(keys[t->key].words, v);
		fine = t->number >= 0;
	}
	return fine ? RC_OK : bad_key(r, at, t->key);
}

static bool find_key(struct slice word, enum query_key *k)
{
	if (slice_is(word, "verdict"))          /* what the column is called */
		word = SLICE_LIT("state");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (slice_is(word, keys[i].name)) {
			*k = (enum query_key)i;
			return true;
		}
	return false;
}

static enum rc no_such_key(struct reading *r, size_t at)
{
	struct buf b = { 0 };
	buf_adds(&b, "there is no such key; there are");
	for (size_t i = 0; i < QUERY_TEXT; i++)
		buf_addf(&b, "%s %s", i == 0 ? "" : ",", keys[i].name);
	buf_adds(&b, " (\"…\" to look for these letters)");
	enum rc rc = bad(r, at, buf_z(&b));
	buf_done(&b);
	return rc;
}

static enum rc read_pair(struct reading *r, struct query_term *t, struct slice word, size_t from)
{
	size_t op_at = r->i = from + word.n;
	if (!find_key(word, &t->key))
		return no_such_key(r, from);
	t->op = read_op(r);
	if (!(keys[t->key].ops & 1u << t->op))
		return bad_key(r, op_at, t->key);
	size_t at = r->i;
	enum rc rc = read_value(r, t);
	return rc == RC_OK ? check_value(r, t, at) : rc;
}

/* A word that stands alone: a state, or letters to look for. */
static enum rc read_word(struct reading *r, struct query_term *t)
{
	size_t from = r->i;
	bool quoted = r->s.p[from] == '"';
	enum rc rc = read_value(r, t);
	if (rc != RC_OK)
		return rc;
	int state = quoted ? -1 : word_index(states, query_value(r->q, t));
	*t = (struct query_term){ .key = state >= 0 ? QUERY_STATE : QUERY_TEXT, .op = state >= 0 ? QUERY_IS : QUERY_HAS,
		.negated = t->negated, .number = state, .value_at = t->value_at, .value_n = t->value_n };
	return t->value_n > 0 ? RC_OK : bad(r, from, "letters to look for must stand between the quotes");
}

static enum rc read_term(struct reading *r)
{
	struct query_term *t = &r->q->term[r->q->terms];
	*t = (struct query_term){ .negated = r->s.p[r->i] == '!' };
	size_t from = r->i += t->negated, n = 0;
	if (t->negated && (from == r->s.n || r->s.p[from] == ' ' || r->s.p[from] == '!'))
		return bad(r, from, "after ! comes what must not hold, as !protected");
	while (from + n < r->s.n && r->s.p[from + n] != ' ' && r->s.p[from + n] != '"' && !is_op(r->s.p[from + n]))
		n++;
	bool pair = from + n < r->s.n && is_op(r->s.p[from + n]);
	enum rc rc = pair ? read_pair(r, t, (struct slice){ r->s.p + from, n }, from) : read_word(r, t);
	r->q->terms += rc == RC_OK;
	return rc;
}

enum rc query_parse(struct query *q, struct slice text, size_t *at, struct err *e)
{
	struct reading r = { .q = q, .s = text, .at = at, .e = e };
	*q = (struct query){ 0 };
	if (text.n > QUERY_BYTES)
		return bad(&r, QUERY_BYTES, "a filter has at most 512 bytes");
	for (;;) {
		while (r.i < text.n && text.p[r.i] == ' ')
			r.i++;
		if (r.i == text.n)
			return RC_OK;
		if (q->terms == QUERY_TERMS)
			return bad(&r, r.i, "a filter has at most 16 terms");
		enum rc rc = read_term(&r);
		if (rc != RC_OK)
			return rc;
	}
}

/* ---- completing ---- */

/* A quote counts where a value begins. */
static bool opens(struct slice s, size_t from, size_t i)
{
	return s.p[i] == '"' && (i == from || (i == from + 1 && s.p[from] == '!') || is_op(s.p[i - 1]) || (s.p[i - 1] == '=' && i >= 2 && is_op(s.p[i - 2])));
}

/* Where the term begins that the cursor is in: quotes hold blanks. */
static size_t term_begin(struct slice s, size_t cursor)
{
	size_t from = 0;
	bool quoted = false;
	for (size_t i = 0; i < cursor; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (quoted ? s.p[i] == '"' : opens(s, from, i))
			quoted = !quoted;
		else if (s.p[i] == ' ' && !quoted)
			from = i + 1;
	}
	return from;
}

struct query_spot query_spot(struct slice text, size_t cursor)
{
	cursor = MIN(cursor, text.n);
	struct query_spot spot = { .from = term_begin(text, cursor) };
	spot.from += spot.from < cursor && text.p[spot.from] == '!';
	size_t n = 0;
	while (spot.from + n < cursor && text.p[spot.from + n] != '"' && !is_op(text.p[spot.from + n]))
		n++;
	if (spot.from + n < cursor && is_op(text.p[spot.from + n]) && find_key((struct slice){ text.p + spot.from, n }, &spot.key)) {
		struct reading r = { .s = { text.p, cursor }, .i = spot.from + n };
		spot.op = read_op(&r);
		spot.value = true;
		spot.from = r.i;
	}
	return spot;
}

void query_quote(struct buf *out, struct slice v)
{
	bool plain = v.n > 0 && v.p[0] != '"' && !memchr(v.p, ' ', v.n);
	if (plain) {
		buf_add(out, v.p, v.n);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, v.p[i]);
	}
	buf_addc(out, '"');
}
