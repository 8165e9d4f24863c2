/* The key=value lists of --store and --link, each one table. */
#include "sim/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum key_type { K_INT, K_SECONDS, K_MS, K_BYTES, K_CHOICE, K_WORD, K_PLAIN, K_SECRET, K_ROLE, K_RANGE_BYTES, K_RANGE_AGE, K_RANGE_MS, K_RATE };

struct key {
	const char *name;
	enum key_type type;
	size_t at;              /* of the field; of the lower end of a range, the upper follows it */
	int64_t min, max;
	const char *choices;    /* "a|b|c": 0, 1, 2 */
	const char *help;
};

#define S(field) offsetof(struct store_opts, field)
#define L(field) offsetof(struct link_opts, field)
#define ROLE(role) offsetof(struct store_opts, roles) + sizeof(int64_t) * (role)

enum { FILES_MAX = 20000000, CONTENT_MAX = 64 << 20 };
static const int64_t AGE_MAX_MS = (int64_t)20 * 365 * 86400 * 1000;

static const struct key store_keys[] = {
	{ "port", K_INT, S(port), 0, 65535, NULL, "TCP port on 127.0.0.1, 0 picks one (0)" },
	{ "files", K_INT, S(files), 0, FILES_MAX, NULL, "synthetic files (100)" },
	{ "bytes", K_RANGE_BYTES, S(bytes_min), 0, CONTENT_MAX, NULL, "size of a file, N..M (200..6000)" },
	{ "age", K_RANGE_AGE, S(age_min_s), 0, 0, NULL, "age of a file, N..M as 1d..400d (1h..400d)" },
	{ "expires", K_SECONDS, S(expires_s), 0, 20 * 365 * 86400, NULL, "seconds that a file of purpose batch is kept, 0 no end (0)" },
	{ "purpose", K_WORD, S(purpose), 0, NAME_CAP, NULL, "purpose of all files (a mix)" },
	{ "dialect", K_CHOICE, S(dialect), 0, 0, "openai|kimi|glm", "whose API is spoken (openai)" },
	{ "filter", K_CHOICE, S(ignores_purpose), 0, 0, "honoured|ignored", "purpose= of a list (honoured)" },
	{ "missing", K_CHOICE, S(missing_400), 0, 0, "404|400", "how glm says that there is no such file (404)" },
	{ "codes", K_CHOICE, S(number_codes), 0, 0, "string|number", "how glm writes its error codes (string)" },
	{ "ids", K_CHOICE, S(ids), 0, 0, "openai|xid", "form of the ids (openai; kimi: xid)" },
	{ "key", K_PLAIN, S(key), 0, 0, NULL, "bearer key that is asked for (none)" },
	{ "key_file", K_SECRET, S(key_secret), 0, 0, NULL, "the same from a file (0600)" },
	{ "latency_ms", K_RANGE_MS, S(latency_min_ms), 0, 600000, NULL, "every answer is this late, N or N..M (0)" },
	{ "rate", K_RATE, S(rate), 1, 1000000, NULL, "requests let through, N/s, more are answered 429 (no limit)" },
	{ "burst", K_INT, S(burst), 1, 1000000, NULL, "requests let through at once (a tenth of rate)" },
	{ "tell", K_CHOICE, S(tell), 0, 0, "nothing|retry-after|date|ms|headers|body", "how the limit is told (nothing)" },
	{ "page_cap", K_INT, S(page_cap), 0, 10000, NULL, "items of a page at most whatever is asked, 0 as asked (0)" },
	{ "batches", K_INT, S(batches), 0, 100000, NULL, "batches that refer to files, every second one ended (0)" },
	{ "jobs", K_INT, S(jobs), 0, 100000, NULL, "fine-tuning jobs likewise, openai only (0)" },
	{ "vectors", K_INT, S(vectors), 0, 100000, NULL, "vector stores with three files each, openai only (0)" },
	{ "max_upload", K_BYTES, S(max_upload), 1, 1 << 30, NULL, "largest request body (64MiB)" },
	{ "download", K_CHOICE, S(download), 0, 0, "openai|all|none", "whose content is given (openai: by purpose)" },
	{ "deleted_cursor", K_CHOICE, S(keeps_cursor), 0, 0, "refuse|accept", "after= with a deleted id (refuse)" },
	{ "hash", K_CHOICE, S(hash), 0, 0, "no|yes", "sha256 of every content in the manifest (yes)" },
	{ "tracked", K_ROLE, ROLE(SIM_TRACKED), 0, 0, NULL, "files with a row and a reference, N or share (the rest)" },
	{ "orphan", K_ROLE, ROLE(SIM_ORPHAN), 0, 0, NULL, "files without a row" },
	{ "unused", K_ROLE, ROLE(SIM_UNUSED), 0, 0, NULL, "files with a row and no reference" },
	{ "protected", K_ROLE, ROLE(SIM_PROTECTED), 0, 0, NULL, "files whose name starts with keep-" },
	{ "hostile", K_ROLE, ROLE(SIM_HOSTILE), 0, 0, NULL, "files whose name attacks the reader" },
	{ "hostile_bytes", K_ROLE, ROLE(SIM_HOSTILE_BYTES), 0, 0, NULL, "the same with names that are not UTF-8" },
	{ "no_created", K_ROLE, ROLE(SIM_NO_CREATED), 0, 0, NULL, "files without created_at" },
	{ "unknown_size", K_ROLE, ROLE(SIM_UNKNOWN_SIZE), 0, 0, NULL, "files without bytes" },
};

static const struct key link_keys[] = {
	{ "port", K_INT, L(port), 0, 65535, NULL, "TCP port on 127.0.0.1, 0 picks one (0)" },
	{ "handshake", K_CHOICE, L(handshake), 0, 0, "exai|none|echo", "hello and hello_ack, silence, or everything sent back (exai)" },
	{ "version", K_CHOICE, L(newer), 0, 0, "old|new", "which daemon is spoken (old)" },
	{ "token", K_PLAIN, L(token), 0, 0, NULL, "token that hello must have (none)" },
	{ "token_file", K_SECRET, L(token_secret), 0, 0, NULL, "the same from a file (0600)" },
	{ "hello_timeout_ms", K_MS, L(hello_timeout_ms), 1, 600000, NULL, "wait for hello, then 4002 (15000)" },
	{ "ping_ms", K_MS, L(ping_ms), 0, 3600000, NULL, "between two pings, 0 never (30000)" },
	{ "pong_ms", K_MS, L(pong_ms), 1, 3600000, NULL, "wait for a pong, then 1011 (10000)" },
	{ "tick_ms", K_MS, L(tick_ms), 0, 3600000, NULL, "between two event messages, 0 never (0)" },
	{ "max_per_ip", K_INT, L(max_per_ip), 1, 10000, NULL, "connections, then 1008 (10)" },
	{ "max_bytes", K_BYTES, L(max_bytes), 125, 1 << 30, NULL, "largest message taken, then 1009 (32MiB)" },
	{ "tools", K_INT, L(tools), 0, 1000, NULL, "tools that list_tools names (29)" },
	{ "flap", K_SECONDS, L(flap_s), 0, 86400, NULL, "Close 1011 this many seconds after each upgrade, 0 never (0)" },
	{ "jam", K_CHOICE, L(jam), 0, 0, "no|yes", "Close 1000 instead of hello_ack (no)" },
};

#undef S
#undef L
#undef ROLE

struct keyset {
	const char *option;
	const struct key *key;
	size_t n;
};

static const struct keyset store_set = { "--store", store_keys, ARRAY_LEN(store_keys) };
static const struct keyset link_set = { "--link", link_keys, ARRAY_LEN(link_keys) };

static enum rc wrong(struct err *e, const struct keyset *set, struct slice token, const char *want)
{
	char shown[160];
	return err_set(e, RC_USAGE, "%s: \"%s\": %s", set->option, text_z(shown, sizeof(shown), token), want);
}

/* "a..b" or "a": both halves. */
static void halves(struct slice v, struct slice *a, struct slice *b)
{
	const char *dots = v.n > 2 ? memmem(v.p, v.n, "..", 2) : NULL;
	*a = dots ? (struct slice){ v.p, (size_t)(dots - v.p) } : v;
	*b = dots ? (struct slice){ dots + 2, v.n - a->n - 2 } : v;
}

static bool size_of(struct slice s, int64_t *out)
{
	return parse_i64(s, out) || parse_bytes(s, out);
}

static bool range(struct slice v, bool (*read)(struct slice, int64_t *), int64_t min, int64_t max, int64_t *out)
{
	struct slice a, b;
	halves(v, &a, &b);
	return read(a, &out[0]) && read(b, &out[1]) && out[0] >= min && out[0] <= out[1] && out[1] <= max;
}

static bool choice(struct slice v, const char *choices, int64_t *out)
{
	int64_t i = 0;
	for (const char *at = choices;; i++) {
		size_t n = strcspn(at, "|");
		if (v.n == n && memcmp(at, v.p, n) == 0) {
			*out = i;
			return true;
		}
		if (!at[n])
			return false;
		at += n + 1;
	}
}

static bool number_in(struct slice v, const struct key *k, int64_t *out)
{
	bool ok = k->type == K_BYTES ? size_of(v, out) : parse_i64(v, out);
	return ok && *out >= k->min && *out <= k->max;
}

static bool role(struct store_opts *s, struct slice v, const struct key *k)
{
	size_t i = (k->at - offsetof(struct store_opts, roles)) / sizeof(int64_t);
	s->role_said[i] = true;
	if (parse_share_bp(v, &s->role_share[i]))
		return true;
	s->role_share[i] = -1;
	return parse_i64(v, &s->roles[i]) && s->roles[i] >= 0;
}

/* RC_OK, or RC_FORMAT when the value is not what the key takes; secrets bring their own sentence. */
static enum rc set_key(void *opts, const struct key *k, struct slice v, struct err *e)
{
	char *field = (char *)opts + k->at;
	int64_t *number = (int64_t *)(void *)field;
	bool ok = false;
	switch (k->type) {
	case K_INT:
	case K_SECONDS:
	case K_MS:
	case K_BYTES:
		ok = number_in(v, k, number);
		break;
	case K_CHOICE:
		ok = choice(v, k->choices, number);
		break;
	case K_WORD:
		ok = v.n > 0 && v.n < (size_t)k->max && !memchr(v.p, 0, v.n);
		if (ok)
			memcpy(field, v.p, v.n);
		break;
	case K_PLAIN:
		ok = v.n > 0;
		if (ok)
			*(char **)(void *)field = xstrndup(v.p, v.n);
		break;
	case K_SECRET: {
		char *path = xstrndup(v.p, v.n);
		enum rc rc = secret_load((struct secret **)(void *)field, path, "credential of the simulator", e);
		free(path);
		return rc;
	}
	case K_ROLE:
		ok = role(opts, v, k);
		break;
	case K_RANGE_BYTES:
		ok = range(v, size_of, k->min, k->max, number);
		break;
	case K_RANGE_MS:
		ok = range(v, parse_i64, k->min, k->max, number);
		break;
	case K_RATE:
		ok = v.n > 2 && memcmp(v.p + v.n - 2, "/s", 2) == 0 && number_in((struct slice){ v.p, v.n - 2 }, k, number);
		break;
	case K_RANGE_AGE:
		ok = range(v, parse_duration_ms, 0, AGE_MAX_MS, number);
		number[0] /= 1000;
		number[1] /= 1000;
		break;
	}
	return ok ? RC_OK : RC_FORMAT;
}

static const struct key *find_key(const struct keyset *set, struct slice name)
{
	for (size_t i = 0; i < set->n; i++)
		if (slice_is(name, set->key[i].name))
			return &set->key[i];
	return NULL;
}

static enum rc read_pair(void *opts, const struct keyset *set, struct slice pair, uint64_t *seen, struct err *e)
{
	const char *eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
	struct slice name = eq ? (struct slice){ pair.p, (size_t)(eq - pair.p) } : pair;
	const struct key *k = find_key(set, name);
	if (!k || !eq)
		return wrong(e, set, pair, k ? "write key=value" : "unknown key; --help lists them");
	uint64_t bit = (uint64_t)1 << (k - set->key);
	if (*seen & bit)
		return wrong(e, set, pair, "each key once");
	*seen |= bit;
	enum rc rc = set_key(opts, k, (struct slice){ eq + 1, pair.n - name.n - 1 }, e);
	return rc == RC_FORMAT ? wrong(e, set, pair, k->help) : rc;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static enum rc read_name(char dst[NAME_CAP], const struct keyset *set, struct slice name, struct err *e)
{
	bool ok = name.n > 0 && name.n < NAME_CAP;
	for (size_t i = 0; ok && i < name.n; i++)
		ok = name_char(name.p[i]);
	if (!ok)
		return wrong(e, set, name, "a name has 1 to 39 letters, digits, - _ or .");
	memcpy(dst, name.p, name.n);
	dst[name.n] = '\0';
	return RC_OK;
}

/* NAME[:key=value,…] */
static enum rc read_list(void *opts, char *name, const struct keyset *set, struct slice text, struct err *e)
{
	const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	struct slice head = colon ? (struct slice){ text.p, (size_t)(colon - text.p) } : text;
	struct slice rest = colon ? (struct slice){ colon + 1, text.n - head.n - 1 } : slice_of("");
	uint64_t seen = 0;
	enum rc rc = read_name(name, set, head, e);
	while (rc == RC_OK && rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct slice pair = { rest.p, comma ? (size_t)(comma - rest.p) : rest.n };
		size_t used = pair.n + (comma ? 1 : 0);
		rc = read_pair(opts, set, pair, &seen, e);
		rest = (struct slice){ rest.p + used, rest.n - used };
	}
	return rc;
}

/* Shares become counts; what is left over is tracked. */
static enum rc settle_roles(struct store_opts *s, struct err *e)
{
	int64_t sum = 0;
	for (int i = 0; i < SIM_ROLE_COUNT; i++) {
		if (s->role_said[i] && s->role_share[i] >= 0)
			s->roles[i] = s->files * s->role_share[i] / 10000;
		if (__builtin_add_overflow(sum, s->roles[i], &sum))
			sum = INT64_MAX;
	}
	if (sum > s->files)
		return err_set(e, RC_USAGE, "--store: \"%s\": the roles need %lld files, files=%lld", s->name, (long long)sum, (long long)s->files);
	if (sum < s->files && s->role_said[SIM_TRACKED] && s->role_share[SIM_TRACKED] < 0)
		return err_set(e, RC_USAGE, "--store: \"%s\": the roles make %lld files, files=%lld; leave tracked= out or make them equal", s->name,
			       (long long)sum, (long long)s->files);
	s->roles[SIM_TRACKED] += s->files - sum;
	return RC_OK;
}

enum rc options_store(struct store_opts *out, struct slice text, struct err *e)
{
	*out = (struct store_opts){
		.files = 100, .bytes_min = 200, .bytes_max = 6000, .age_min_s = 3600, .age_max_s = 400 * 86400, .max_upload = 64 << 20, .hash = 1, .ids = -1,
	};
	enum rc rc = read_list(out, out->name, &store_set, text, e);
	if (rc == RC_OK && out->key && out->key_secret)
		rc = err_set(e, RC_USAGE, "--store: \"%s\": key= and key_file= exclude each other", out->name);
	if (out->ids < 0)
		out->ids = out->dialect == SPEECH_KIMI ? GEN_IDS_XID : GEN_IDS_OPENAI;
	return rc == RC_OK ? settle_roles(out, e) : rc;
}

enum rc options_link(struct link_opts *out, struct slice text, struct err *e)
{
	*out = (struct link_opts){
		.hello_timeout_ms = 15000, .ping_ms = 30000, .pong_ms = 10000, .max_per_ip = 10, .tools = 29, .max_bytes = 32 << 20,
	};
	enum rc rc = read_list(out, out->name, &link_set, text, e);
	if (rc == RC_OK && out->token && out->token_secret)
		rc = err_set(e, RC_USAGE, "--link: \"%s\": token= and token_file= exclude each other", out->name);
	return rc;
}

static void help_of(struct buf *out, const struct keyset *set)
{
	buf_addf(out, "\nkeys of %s:\n", set->option);
	for (size_t i = 0; i < set->n; i++)
		buf_addf(out, "  %-17s %s\n", set->key[i].name, set->key[i].help);
}

void options_keys_help(struct buf *out)
{
	help_of(out, &store_set);
	help_of(out, &link_set);
}
