/* Two passes. The scan reads the raw text once as tokens and refuses what cJSON would accept or
 * mangle (bytes, escapes, number forms, depth, counts); cJSON then checks the order of the tokens
 * and builds the tree in an arena; a walk over the tree puts the raw text of every number into its
 * valuestring (cJSON itself keeps only a double) and refuses duplicate keys. */
#include "base/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	DEFAULT_BYTES = 8 << 20,
	DEFAULT_DEPTH = 32,
	DEFAULT_VALUES = 1000000,
	DEPTH_MAX = 512,       /* below cJSON's own nesting limit of 1000 */
	NUMBER_MAX = 60,       /* cJSON copies a number into 64 bytes */
};

struct json_doc {
	struct arena *arena;
	cJSON *root;
};

/* ---- cJSON's memory: the arena of the parse that runs on this thread ---- */

static _Thread_local struct arena *parsing;

static void *hook_alloc(size_t n)
{
	return arena_alloc(parsing, n);
}

static void hook_free(void *p)
{
	(void)p;
}

static void hooks_set(void)
{
	cJSON_Hooks hooks = { hook_alloc, hook_free };
	cJSON_InitHooks(&hooks);
}

/* ---- the scan ---- */

struct scan {
	struct slice s;
	size_t i;
	const struct json_limits *lim;
	int depth;
	int64_t values;
	struct slice *numbers; /* in document order */
	size_t n, cap;
	struct err *e;
};

static enum rc refuse(const struct scan *c, const char *why)
{
	return err_set(c->e, RC_FORMAT, "JSON refused at byte %zu: %s", c->i + 1, why);
}

/* Four hex digits of \uXXXX at s[i]; -1 when they are not. */
static int32_t hex4(struct slice s, size_t i)
{
	int32_t v = 0;
	for (size_t k = i; k < i + 4; k++) {
		char c = k < s.n ? s.p[k] : '\0';
		int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* At the backslash; ends behind the escape. */
static enum rc scan_escape(struct scan *c)
{
	char kind = c->i + 1 < c->s.n ? c->s.p[c->i + 1] : '\0';
	if (kind != 'u') {
		if (!kind || !strchr("\"\\/bfnrt", kind))
			return refuse(c, "unknown escape in a string");
		c->i += 2;
		return RC_OK;
	}
	int32_t v = hex4(c->s, c->i + 2);
	if (v < 0)
		return refuse(c, "\\u without four hex digits");
	if (v == 0)
		return refuse(c, "NUL (\\u0000) in a string");
	if (v >= 0xDC00 && v <= 0xDFFF)
		return refuse(c, "half of a surrogate pair");
	if (v >= 0xD800 && v <= 0xDBFF) {
		bool pair = c->i + 7 < c->s.n && c->s.p[c->i + 6] == '\\' && c->s.p[c->i + 7] == 'u';
		int32_t low = pair ? hex4(c->s, c->i + 8) : -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return refuse(c, "half of a surrogate pair");
		c->i += 6;
	}
	c->i += 6;
	return RC_OK;
}

/* At the opening quote; ends behind the closing one. */
static enum rc scan_string(struct scan *c)
{
	for (c->i++; c->i < c->s.n;) {
		unsigned char b = (unsigned char)c->s.p[c->i];
		if (b == '"') {
			c->i++;
			return RC_OK;
		}
		if (b < 0x20)
			return refuse(c, "control character in a string");
		if (b != '\\') {
			c->i++;
			continue;
		}
		enum rc rc = scan_escape(c);
		if (rc != RC_OK)
			return rc;
	}
	return refuse(c, "the text ends inside a string");
}

static bool digits(struct scan *c)
{
	size_t start = c->i;
	while (c->i < c->s.n && c->s.p[c->i] >= '0' && c->s.p[c->i] <= '9')
		c->i++;
	return c->i > start;
}

static bool one_of(struct scan *c, const char *set)
{
	if (c->i == c->s.n || !c->s.p[c->i] || !strchr(set, c->s.p[c->i]))
		return false;
	c->i++;
	return true;
}

static enum rc scan_number(struct scan *c)
{
	size_t start = c->i;
	one_of(c, "-");
	size_t first = c->i;
	if (!digits(c))
		return refuse(c, "a number without digits");
	if (c->s.p[first] == '0' && c->i > first + 1) {
		c->i = first;
		return refuse(c, "a number with a leading zero");
	}
	if (one_of(c, ".") && !digits(c))
		return refuse(c, "a number that ends in a point");
	if (one_of(c, "eE")) {
		one_of(c, "+-");
		if (!digits(c))
			return refuse(c, "a number with an empty exponent");
	}
	if (c->i - start > NUMBER_MAX)
		return refuse(c, "a number of more than 60 characters");
	GROW(c->numbers, c->cap, c->n + 1);
	c->numbers[c->n++] = (struct slice){ c->s.p + start, c->i - start };
	return RC_OK;
}

static enum rc scan_word(struct scan *c)
{
	struct slice rest = { c->s.p + c->i, c->s.n - c->i };
	static const char *const words[] = { "true", "false", "null" };
	for (size_t k = 0; k < ARRAY_LEN(words); k++)
		if (slice_starts(rest, words[k])) {
			c->i += strlen(words[k]);
			return RC_OK;
		}
	return refuse(c, "unexpected character");
}

static enum rc scan_token(struct scan *c)
{
	char b = c->s.p[c->i];
	switch (b) {
	case ' ': case '\t': case '\n': case '\r': case ',':
		c->i++;
		return RC_OK;
	case ':':
		c->values--;           /* the string before it was a key */
		c->i++;
		return RC_OK;
	case ']': case '}':
		c->depth--;
		c->i++;
		return RC_OK;
	default:
		break;
	}
	c->values++;
	if (b == '"')
		return scan_string(c);
	if (b == '-' || (b >= '0' && b <= '9'))
		return scan_number(c);
	if (b != '[' && b != '{')
		return scan_word(c);
	if (++c->depth > c->lim->max_depth)
		return refuse(c, "nested too deeply");
	c->i++;
	return RC_OK;
}

static enum rc scan(struct scan *c)
{
	if (c->s.n > c->lim->max_bytes)
		return err_set(c->e, RC_FORMAT, "JSON refused: %zu bytes, at most %zu are taken", c->s.n, c->lim->max_bytes);
	if (!utf8_valid(c->s))
		return err_set(c->e, RC_FORMAT, "JSON refused: invalid UTF-8");
	const int64_t max = (int64_t)MIN(c->lim->max_values, (size_t)INT64_MAX);
	while (c->i < c->s.n) {
		enum rc rc = scan_token(c);
		if (rc != RC_OK)
			return rc;
		/* one more for a string that may turn out to be a key */
		if (c->values - 1 > max)
			return refuse(c, "too many values");
	}
	return c->values > max ? refuse(c, "too many values") : RC_OK;
}

/* ---- the walk ---- */

static int key_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *duplicate_sorted(const cJSON *obj, size_t n)
{
	const char **keys = xreallocarray(NULL, n, sizeof(*keys)), *found = NULL;
	size_t k = 0;
	for (const cJSON *m = obj->child; m; m = m->next)
		keys[k++] = m->string;
	qsort(keys, n, sizeof(*keys), key_cmp);
	for (k = 1; k < n && !found; k++)
		if (strcmp(keys[k - 1], keys[k]) == 0)
			found = keys[k];
	free(keys);
	return found;
}

/* A key that occurs twice, or NULL. */
static const char *duplicate_key(const cJSON *obj)
{
	size_t n = 0;
	for (const cJSON *m = obj->child; m; m = m->next, n++)
		if (n >= 16)
			return duplicate_sorted(obj, json_len((const struct json *)obj));
	for (const cJSON *m = obj->child; m; m = m->next)
		for (const cJSON *o = m->next; o; o = o->next)
			if (strcmp(m->string, o->string) == 0)
				return m->string;
	return NULL;
}

static enum rc walk(struct json_doc *d, cJSON *j, struct scan *c, size_t *number)
{
	if (cJSON_IsNumber(j)) {
		if (*number == c->n)
			return err_set(c->e, RC_INTERNAL, "JSON refused: numbers were read differently twice");
		struct slice raw = c->numbers[(*number)++];
		j->valuestring = arena_strndup(d->arena, raw.p, raw.n);
	}
	const char *twice = cJSON_IsObject(j) ? duplicate_key(j) : NULL;
	if (twice) {
		char shown[80];
		return err_set(c->e, RC_FORMAT, "JSON refused: key \"%s\" occurs twice in one object", text_z(shown, sizeof(shown), slice_of(twice)));
	}
	for (cJSON *m = j->child; m; m = m->next) {
		enum rc rc = walk(d, m, c, number);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* ---- parse ---- */

static bool only_space(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	return p == end;
}

static enum rc build(struct json_doc *d, struct scan *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hooks_set);
	const char *end = c->s.p;
	parsing = d->arena;
	d->root = cJSON_ParseWithLengthOpts(c->s.p, c->s.n, &end, false);
	parsing = NULL;
	c->i = (size_t)(end - c->s.p);
	if (!d->root)
		return c->s.n == 0 ? refuse(c, "empty text") : refuse(c, "not a JSON value");
	if (!only_space(end, c->s.p + c->s.n))
		return refuse(c, "something follows the value");
	size_t number = 0;
	return walk(d, d->root, c, &number);
}

enum rc json_parse(struct json_doc **out, struct slice text, const struct json_limits *lim, struct err *e)
{
	struct json_limits l = lim ? *lim : (struct json_limits){ 0 };
	*out = NULL;
	l.max_bytes = l.max_bytes ? l.max_bytes : DEFAULT_BYTES;
	l.max_depth = l.max_depth > 0 ? MIN(l.max_depth, (int)DEPTH_MAX) : DEFAULT_DEPTH;
	l.max_values = l.max_values ? l.max_values : DEFAULT_VALUES;
	struct scan c = { .s = text, .lim = &l, .e = e };
	struct json_doc *d = NULL;
	enum rc rc = scan(&c);
	if (rc == RC_OK) {
		d = xcalloc(1, sizeof(*d));
		d->arena = arena_new(MAX((size_t)1024, MIN((size_t)MAX(c.values, 1) * (sizeof(cJSON) + 32), (size_t)1 << 18)));
		rc = build(d, &c);
	}
	free(c.numbers);
	if (rc != RC_OK) {
		json_doc_free(d);
		return rc;
	}
	*out = d;
	return RC_OK;
}

void json_doc_free(struct json_doc *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	free(d);
}

const struct json *json_root(const struct json_doc *d)
{
	return (const struct json *)d->root;
}

/* ---- access: a struct json is a cJSON ---- */

static const cJSON *cj(const struct json *j)
{
	return (const cJSON *)j;
}

bool json_is_object(const struct json *j)
{
	return cJSON_IsObject(cj(j));
}

bool json_is_array(const struct json *j)
{
	return cJSON_IsArray(cj(j));
}

bool json_is_string(const struct json *j)
{
	return cJSON_IsString(cj(j));
}

bool json_is_null(const struct json *j)
{
	return cJSON_IsNull(cj(j));
}

bool json_bool(const struct json *j, bool *out)
{
	if (!cJSON_IsBool(cj(j)))
		return false;
	*out = cJSON_IsTrue(cj(j));
	return true;
}

bool json_i64(const struct json *j, int64_t *out)
{
	return cJSON_IsNumber(cj(j)) && parse_i64(slice_of(cj(j)->valuestring), out);
}

bool json_str(const struct json *j, struct slice *out)
{
	if (!cJSON_IsString(cj(j)))
		return false;
	*out = slice_of(cj(j)->valuestring);
	return true;
}

const struct json *json_get(const struct json *obj, const char *key)
{
	if (!json_is_object(obj))
		return NULL;
	for (const cJSON *m = cj(obj)->child; m; m = m->next)
		if (strcmp(m->string, key) == 0)
			return (const struct json *)m;
	return NULL;
}

const struct json *json_first(const struct json *array_or_object)
{
	return array_or_object ? (const struct json *)cj(array_or_object)->child : NULL;
}

const struct json *json_next(const struct json *j)
{
	return j ? (const struct json *)cj(j)->next : NULL;
}

struct slice json_key(const struct json *member)
{
	return slice_of(member ? cj(member)->string : NULL);
}

size_t json_len(const struct json *j)
{
	size_t n = 0;
	for (const struct json *m = json_first(j); m; m = json_next(m))
		n++;
	return n;
}

int64_t json_get_i64(const struct json *obj, const char *key, int64_t absent)
{
	int64_t v;
	return json_i64(json_get(obj, key), &v) ? v : absent;
}

struct slice json_get_str(const struct json *obj, const char *key)
{
	struct slice s;
	return json_str(json_get(obj, key), &s) ? s : slice_of(NULL);
}

bool json_get_bool(const struct json *obj, const char *key, bool absent)
{
	bool v;
	return json_bool(json_get(obj, key), &v) ? v : absent;
}

static void print_string(struct buf *out, struct slice s)
{
	struct jw w;
	jw_init(&w, out);
	jw_str(&w, s);
}

/* Its own recursion: a document may nest deeper than the writer goes. */
void json_print(struct buf *out, const struct json *j)
{
	const cJSON *c = cj(j);
	bool object = json_is_object(j);
	if (json_is_string(j)) {
		print_string(out, slice_of(c->valuestring));
	} else if (cJSON_IsNumber(c)) {
		buf_adds(out, c->valuestring);
	} else if (object || json_is_array(j)) {
		buf_addc(out, object ? '{' : '[');
		for (const struct json *m = json_first(j); m; m = json_next(m)) {
			if (m != json_first(j))
				buf_addc(out, ',');
			if (object) {
				print_string(out, json_key(m));
				buf_addc(out, ':');
			}
			json_print(out, m);
		}
		buf_addc(out, object ? '}' : ']');
	} else {
		buf_adds(out, cJSON_IsTrue(c) ? "true" : cJSON_IsFalse(c) ? "false" : "null");
	}
}
