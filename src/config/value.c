#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/url.h"

struct job {
	const struct field *f;
	struct slice text;
	void *to;
	const struct value_place *p;
	struct buf *why;
	char shown[120];
};

static bool no(struct job *j, const char *sentence)
{
	buf_addf(j->why, "`%s` %s", j->shown, sentence);
	return false;
}

static void put_text(struct job *j, struct slice s)
{
	*(const char **)j->to = arena_strndup(j->p->a, s.p, s.n);
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool text(struct job *j)
{
	size_t max = j->f->max && field_is_scalar(j->f->type) ? (size_t)j->f->max : FIELD_TEXT_MAX;
	if (has_control(j->text))
		return no(j, "holds a control character or line break; write it on one line");
	if (j->text.n > max) {
		buf_addf(j->why, "is %zu bytes long; at most %zu are read", j->text.n, max);
		return false;
	}
	put_text(j, j->text);
	return true;
}

static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!islower((unsigned char)s.p[i]) && !isdigit((unsigned char)s.p[i]) && (i == 0 || !strchr("._-", s.p[i])))
			return false;
	return s.n > 0 && s.n <= CFG_NAME_MAX;
}

static bool name(struct job *j)
{
	/* kept all the same, so that what refers to it is no second error */
	put_text(j, j->text);
	if (!is_name(j->text))
		return no(j, "is not a name; write lower-case letters, digits and . _ -, at most 32, beginning with a letter or digit");
	return true;
}

static bool is_ident(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalpha((unsigned char)s.p[i]) && s.p[i] != '_' && (i == 0 || !isdigit((unsigned char)s.p[i])))
			return false;
	return s.n > 0 && s.n <= 63;
}

static bool ident(struct job *j)
{
	if (!is_ident(j->text))
		return no(j, "is not a table or column name; write letters, digits and _, at most 63, not beginning with a digit");
	put_text(j, j->text);
	return true;
}

static bool column(struct job *j)
{
	struct cfg_column *c = j->to;
	if (slice_is(j->text, "none")) {
		*c = (struct cfg_column){ NULL, true };
		return true;
	}
	if (!is_ident(j->text))
		return no(j, "is not a column name; write letters, digits and _, or none");
	*c = (struct cfg_column){ arena_strndup(j->p->a, j->text.p, j->text.n), true };
	return true;
}

/* A glob that fnmatch would take literally because a set never ends is a slip. */
static bool glob(struct job *j)
{
	for (size_t i = 0; i < j->text.n; i++) {
		if (j->text.p[i] == '\\') {
			if (++i == j->text.n)
				return no(j, "ends with a backslash; write \\\\ for one");
		} else if (j->text.p[i] == '[') {
			size_t k = i + 1;
			if (k < j->text.n && (j->text.p[k] == '!' || j->text.p[k] == '^'))
				k++;
			for (k++; k < j->text.n && j->text.p[k] != ']';)
				k++;
			if (k >= j->text.n)
				return no(j, "opens a set with [ and never closes it; write \\[ for the character");
			i = k;
		}
	}
	return text(j);
}

static bool path(struct job *j)
{
	if (has_control(j->text) || j->text.n > FIELD_TEXT_MAX)
		return no(j, "is not a usable path");
	if (j->text.p[0] == '~')
		return no(j, "begins with ~, which only a shell expands; write the whole path");
	struct buf b;
	buf_init(&b);
	if (j->text.p[0] != '/')
		buf_addf(&b, "%s%s", j->p->dir, j->p->dir[1] ? "/" : "");
	buf_add(&b, j->text.p, j->text.n);
	put_text(j, buf_slice(&b));
	buf_done(&b);
	return true;
}

static bool url(struct job *j)
{
	struct buf b;
	const char *why;
	buf_init(&b);
	bool ok = url_normalise(&b, j->text, j->f->schemes, &why);
	/* a URL with a password must not be shown */
	if (!ok)
		buf_addf(j->why, "the URL %s", why);
	else
		put_text(j, buf_slice(&b));
	buf_done(&b);
	return ok;
}

static bool listen_at(struct job *j)
{
	struct buf b;
	const char *why;
	buf_init(&b);
	buf_adds(&b, "http://");
	buf_add(&b, j->text.p, j->text.n);
	struct buf whole;
	buf_init(&whole);
	bool ok = url_normalise(&whole, buf_slice(&b), "http", &why);
	buf_done(&b);
	ok = ok && cfg_url_loopback(buf_z(&whole)) && j->text.n && isdigit((unsigned char)j->text.p[j->text.n - 1]) &&
	     !memchr(j->text.p, '/', j->text.n) && strrchr(buf_z(&whole) + 7, ':');
	buf_done(&whole);
	if (!ok)
		return no(j, "is not a loopback address with a port; write it as 127.0.0.1:9464");
	put_text(j, j->text);
	return true;
}

static bool session(struct job *j)
{
	for (size_t i = 0; i < j->text.n; i++)
		if (!isalnum((unsigned char)j->text.p[i]) && !strchr("_-", j->text.p[i]))
			return no(j, "is not a session id; write 3 to 64 letters, digits, _ or -");
	if (j->text.n < 3 || j->text.n > 64)
		return no(j, "is not a session id; write 3 to 64 letters, digits, _ or -");
	put_text(j, j->text);
	return true;
}

static const struct field_word *find_word(struct job *j)
{
	for (const struct field_word *w = j->f->words; w->word; w++)
		if (slice_is(j->text, w->word)) {
			if (!w->not_yet)
				return w;
			buf_addf(j->why, "`%s`: %s", w->word, w->not_yet);
			return NULL;
		}
	buf_addf(j->why, "`%s` is not a word known here; write", j->shown);
	const char *sep = " ";
	for (const struct field_word *w = j->f->words; w->word; w++)
		if (!w->not_yet) {
			buf_addf(j->why, "%s%s", sep, w->word);
			sep = w[1].word && !w[1].not_yet && w[2].word && !w[2].not_yet ? ", " : " or ";
		}
	return NULL;
}

static bool word(struct job *j)
{
	const struct field_word *w = find_word(j);
	if (w)
		*(int *)j->to = w->value;
	return w;
}

static bool choice(struct job *j)
{
	const struct field_word *w = find_word(j);
	if (w)
		*(const char **)j->to = w->word;
	return w;
}

static bool gate(struct job *j)
{
	const struct field_word *w = find_word(j);
	if (w)
		*((bool *)((char *)j->to + w->value)) = true;
	return w;
}

static bool boolean(struct job *j)
{
	bool yes = slice_is(j->text, "yes") || slice_is(j->text, "true");
	if (!yes && !slice_is(j->text, "no") && !slice_is(j->text, "false"))
		return no(j, "is neither yes nor no");
	*(bool *)j->to = yes;
	return true;
}

static bool leading_zero(struct slice s)
{
	if (s.n > 1 && s.p[0] == '-')
		return s.p[1] == '0';
	return s.n > 1 && s.p[0] == '0' && isdigit((unsigned char)s.p[1]);
}

/* How a number of this type is written; NULL for other types. */
struct number_form {
	bool (*parse)(struct slice s, int64_t *out);
	const char *is_not;
};

static bool parse_rate(struct slice s, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t per_s;
	} units[] = { { "/s", 1 }, { "/m", 60 }, { "/h", 3600 } };
	int64_t n;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (s.n < 3 || memcmp(s.p + s.n - 2, units[i].unit, 2) != 0)
			continue;
		if (!parse_i64((struct slice){ s.p, s.n - 2 }, &n) || n < 0 || __builtin_mul_overflow(n, 1000, &n))
			return false;
		/* rounds down: never faster than asked */
		*out = n / units[i].per_s;
		return true;
	}
	return false;
}

static const struct number_form forms[FIELD_TYPE_COUNT] = {
	[FIELD_INT] = { parse_i64, "is not a whole number; write digits only, as 1000" },
	[FIELD_BYTES] = { parse_bytes, "is not a size; write digits and one of B kB MB GB TB KiB MiB GiB TiB, as 512MB" },
	[FIELD_DURATION] = { parse_duration_ms, "is not a duration; write digits and ms, s, m, h or d, as 30s or 1h30m" },
	[FIELD_SHARE] = { parse_share_bp, "is not a share from 0% to 100%; write it with its sign, as 50% or 12.5%" },
	[FIELD_RATE] = { parse_rate, "is not a rate; write digits and /s, /m or /h, as 20/s" },
};

static void add_span(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (ms % units[i].ms == 0) {
			buf_addf(out, "%lld%s", (long long)(ms / units[i].ms), ms ? units[i].unit : "");
			return;
		}
}

static void add_number(struct buf *out, enum field_type t, int64_t v)
{
	if (t == FIELD_DURATION)
		add_span(out, v);
	else if (t == FIELD_RATE)
		buf_addf(out, "%lld/%s", (long long)(v < 1000 ? v * 3600 / 1000 : v / 1000), v < 1000 ? "h" : "s");
	else if (t == FIELD_SHARE)
		buf_addf(out, "%lld%%", (long long)(v / 100));
	else
		buf_addf(out, "%lld%s", (long long)v, t == FIELD_BYTES && v ? "B" : "");
}

static bool in_limits(struct job *j, int64_t v)
{
	if (v >= j->f->min && v <= j->f->max)
		return true;
	buf_addf(j->why, "`%s` is out of range; it is ", j->shown);
	add_number(j->why, j->f->type, j->f->min);
	buf_adds(j->why, " to ");
	add_number(j->why, j->f->type, j->f->max);
	return false;
}

static bool number(struct job *j)
{
	int64_t v;
	if (leading_zero(j->text))
		return no(j, "has a leading zero; write the number without it");
	if (j->f->type == FIELD_RATE && j->text.n > 2 && j->text.p[0] == '0')
		return no(j, "would let nothing through; write a rate above 0 or remove the line for the default");
	if (!forms[j->f->type].parse(j->text, &v))
		return no(j, forms[j->f->type].is_not);
	if (!in_limits(j, v))
		return false;
	if (j->f->size == sizeof(int))
		*(int *)j->to = (int)v;
	else
		*(int64_t *)j->to = v;
	return true;
}

static bool uid(struct job *j)
{
	int64_t v;
	if (leading_zero(j->text) || !parse_i64(j->text, &v) || v < 0 || v > UINT32_MAX - 1)
		return no(j, "is not a user id; write its number, as `id -u` prints it");
	if (v == 65534)
		return no(j, "is nobody's id, which many share; it cannot be an operator");
	*(int64_t *)j->to = v;
	return true;
}

static bool key(struct job *j)
{
	static const char prefix[] = "ed25519:";
	struct buf raw;
	buf_init(&raw);
	size_t n = sizeof(prefix) - 1;
	bool ok = slice_starts(j->text, prefix) && base64_decode(&raw, (struct slice){ j->text.p + n, j->text.n - n }) &&
		  raw.n == KEY_BYTES;
	static const uint8_t zeros[KEY_BYTES];
	bool zero = ok && memcmp(raw.p, zeros, KEY_BYTES) == 0;
	if (ok)
		memcpy(((struct cfg_key *)j->to)->b, raw.p, KEY_BYTES);
	buf_done(&raw);
	if (zero)
		return no(j, "is all zeros; write the public key of that person");
	return ok ? true : no(j, "is not a public key; write ed25519: and 44 characters of base64 (32 bytes)");
}

typedef bool parse_fn(struct job *j);
static parse_fn *const parsers[FIELD_TYPE_COUNT] = {
	[FIELD_NAME] = name,       [FIELD_TEXT] = text,        [FIELD_IDENT] = ident,
	[FIELD_COLUMN] = column,   [FIELD_PATH] = path,       [FIELD_URL] = url,        [FIELD_LISTEN] = listen_at,
	[FIELD_SESSION] = session, [FIELD_WORD] = word,       [FIELD_CHOICE] = choice,  [FIELD_BOOL] = boolean,
	[FIELD_INT] = number,      [FIELD_BYTES] = number,    [FIELD_DURATION] = number, [FIELD_SHARE] = number,
	[FIELD_RATE] = number,     [FIELD_TEXTS] = text,      [FIELD_GLOBS] = glob,     [FIELD_UIDS] = uid,
	[FIELD_KEYS] = key,        [FIELD_GATES] = gate,
};

bool value_parse(const struct field *f, struct slice s, void *to, const struct value_place *p, struct buf *why)
{
	struct job j = { .f = f, .text = s, .to = to, .p = p, .why = why };
	text_z(j.shown, sizeof(j.shown), s);
	if (!parsers[f->type])
		die("configuration key %s has a type without a parser", f->key);
	return parsers[f->type](&j);
}

const char *value_word(const struct field_word *words, int value)
{
	for (const struct field_word *w = words; w->word; w++)
		if (w->value == value && !w->not_yet)
			return w->word;
	return "";
}
