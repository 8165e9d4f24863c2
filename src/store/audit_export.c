#include "store/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/chain.h"

enum { LINE_MAX_BYTES = 4 << 20, PROGRESS_EVERY = 1024 };

/* Hashes that went by, so that a checkpoint's word about one of them can be compared. */
struct passed {
	struct hash *h;
	size_t n, cap;
	int64_t first;
};

static bool passed_hash(void *ctx, int64_t seq, struct hash *out)
{
	const struct passed *p = ctx;
	int64_t i = seq - p->first;

	if (i < 0 || i >= (int64_t)p->n)
		return false;
	*out = p->h[i];
	return true;
}

/* ---- one line ---- */

static size_t skip_string(struct slice s, size_t i)
{
	for (i++; i < s.n && s.p[i] != '"'; i++)
		i += s.p[i] == '\\';
	return i + 1;
}

/* Past one value of text that is known to be JSON. */
static size_t skip_value(struct slice s, size_t i)
{
	int depth = 0;

	do {
		if (s.p[i] == '"') {
			i = skip_string(s, i);
			continue;
		}
		depth += s.p[i] == '{' || s.p[i] == '[';
		depth -= s.p[i] == '}' || s.p[i] == ']';
		i++;
	} while (i < s.n && (depth > 0 || (s.p[i] != ',' && s.p[i] != '}')));
	return i;
}

/* The bytes of the payload as they stand: what was hashed, and no other spelling of it. Our own
 * writer puts no space between tokens. */
static struct slice raw_payload(struct slice line)
{
	static const char key[] = "\"payload\"";
	size_t i = 1;

	while (i < line.n && line.p[i] == '"') {
		size_t end = skip_string(line, i), value = end + 1;
		bool it = end - i == sizeof key - 1 && memcmp(line.p + i, key, end - i) == 0;
		if (value >= line.n || line.p[end] != ':')
			break;
		end = skip_value(line, value);
		if (it)
			return (struct slice){ line.p + value, end - value };
		i = end + 1;
	}
	return (struct slice){ "", 0 };
}

struct line {
	struct json_doc *doc;
	struct buf subject;
};

static struct slice subject_of(struct line *l, const struct json *j)
{
	struct slice hex;

	buf_init(&l->subject);
	if (json_str(json_get(j, "subject_hex"), &hex) && hex_decode(&l->subject, hex))
		return buf_slice(&l->subject);
	return json_get_str(j, "subject");
}

static const char *record_of(struct line *l, const struct json *j, struct slice text, struct audit_record *rec)
{
	*rec = (struct audit_record){ .boot = json_get_str(j, "boot"), .cycle = json_get_i64(j, "cycle", 0), .plan = json_get_str(j, "plan"),
		.payload = raw_payload(text), .subject = subject_of(l, j) };
	rec->actor = (struct audit_actor){ json_get_str(j, "actor"), json_get_i64(j, "uid", -1), json_get_str(j, "role"), json_get_str(j, "via") };
	if (!json_i64(json_get(j, "seq"), &rec->seq) || !json_i64(json_get(j, "at_us"), &rec->at.wall_us) ||
	    !json_i64(json_get(j, "boot_us"), &rec->at.boot_us))
		return "a number is missing";
	if (!audit_kind_parse(json_get_str(j, "kind"), &rec->kind))
		return "its kind is unknown";
	if (!hash_parse(&rec->prev, json_get_str(j, "prev")) || !hash_parse(&rec->hash, json_get_str(j, "hash")))
		return "a hash is missing";
	return NULL;
}

/* What is only shown is written from what was hashed: every byte of the line counts. */
static bool as_written(const struct audit_record *rec, struct slice text)
{
	struct buf b;

	buf_init(&b);
	audit_json(&b, rec);
	bool same = slice_eq(buf_slice(&b), text);
	buf_done(&b);
	return same;
}

/* ---- the file ---- */

struct reading {
	struct chain k;
	struct passed passed;
	struct audit_export_word *word;
	int64_t line;
};

/* The signed head at the end, if the export has it. */
static void last_word(struct reading *r, const struct json *j)
{
	struct checkpoint c;
	struct audit_verdict *v = r->k.v;

	if (!checkpoint_read(j, &c) || !checkpoint_holds(&c))
		chain_bad(v, 0, "line %" PRId64 ": the signature of the export is false", r->line);
	else if (r->k.p->keys.n != 0 && !audit_keys_have(&r->k.p->keys, &c.key))
		chain_bad(v, 0, "line %" PRId64 ": the export is signed by a key that is not the one named", r->line);
	else if (c.seq != v->head.seq || !hash_eq(&c.hash, &v->head.hash))
		chain_bad(v, MIN(c.seq, v->head.seq) + (c.seq != v->head.seq), "the export ends at record %" PRId64 ", but it was signed to "
			  "record %" PRId64, v->head.seq, c.seq);
	r->word->checkpoint = c;
}

static void take_line(struct reading *r, struct slice text)
{
	struct audit_verdict *v = r->k.v;
	struct audit_record rec;
	struct line l = { 0 };
	struct json_limits lim = { .max_bytes = LINE_MAX_BYTES };

	r->line++;
	if (r->word->checkpoint.is_signed) {
		chain_bad(v, v->head.seq + 1, "line %" PRId64 ": something stands after the signature", r->line);
		return;
	}
	if (json_parse(&l.doc, text, &lim, NULL) != RC_OK) {
		chain_bad(v, v->head.seq + 1, "line %" PRId64 ", where record %" PRId64 " should be, is not JSON", r->line, v->head.seq + 1);
		return;
	}
	const struct json *j = json_root(l.doc);
	if (json_get(j, "checkpoint") != NULL) {
		last_word(r, j);
	} else {
		const char *why = record_of(&l, j, text, &rec);
		if (why != NULL)
			chain_bad(v, v->head.seq + 1, "line %" PRId64 ", where record %" PRId64 " should be: %s", r->line, v->head.seq + 1, why);
		else
			chain_record(&r->k, &rec);
		if (why == NULL && v->ok && !as_written(&rec, text))
			chain_bad(v, rec.seq, "record %" PRId64 ": its line is not as we write it: something that is only shown was changed", rec.seq);
		if (why == NULL && v->ok) {
			GROW(r->passed.h, r->passed.cap, r->passed.n + 1);
			r->passed.first = r->passed.n == 0 ? rec.seq : r->passed.first;
			r->passed.h[r->passed.n++] = rec.hash;
		}
	}
	json_doc_free(l.doc);
	buf_done(&l.subject);
}

/* How many lines there are is not known before they are read. */
static bool go_on(const struct reading *r, bool now)
{
	const struct audit_proof *p = r->k.p;

	return p->progress == NULL || (!now && r->line % PROGRESS_EVERY != 0) || p->progress(p->ctx, r->k.v->records, 0);
}

static enum rc read_lines(struct reading *r, const char *path, struct err *e)
{
	char shown[160], *text = NULL;
	size_t cap = 0;
	ssize_t n = 0;
	FILE *f = fopen(path, "re");

	text_z(shown, sizeof shown, slice_of(path));
	if (f == NULL)
		return err_set(e, RC_USAGE, "%s cannot be opened: %s", shown, strerror(errno));
	r->k.v->stopped = !go_on(r, true);
	while (r->k.v->ok && !r->k.v->stopped && (n = getline(&text, &cap, f)) > 0) {
		bool whole = text[n - 1] == '\n';
		if (!whole)
			chain_bad(r->k.v, r->k.v->head.seq + 1, "line %" PRId64 " was cut off", r->line + 1);
		else
			take_line(r, (struct slice){ text, (size_t)n - 1 });
		r->k.v->stopped = r->k.v->ok && !go_on(r, false);
	}
	bool failed = ferror(f) != 0;
	free(text);
	fclose(f);
	return failed ? err_set(e, RC_IO, "%s cannot be read: %s", shown, strerror(errno)) : RC_OK;
}

enum rc audit_prove_export(const char *path, const struct audit_proof *p, struct audit_verdict *out, struct audit_export_word *word,
			   struct err *e)
{
	struct reading r = { .word = word };

	*word = (struct audit_export_word){ 0 };
	r.k = (struct chain){ .p = p, .v = out, .h = hasher_new(), .passed = passed_hash, .ctx = &r.passed };
	enum rc rc = chain_begin(&r.k, e);
	if (rc == RC_OK)
		rc = read_lines(&r, path, e);
	bool whole = rc == RC_OK && !out->stopped;
	if (whole)
		chain_end(&r.k, 0);
	if (whole && out->ok && out->records == 0)
		chain_bad(out, 1, "there is no record in it");
	if (whole && p->keys.n != 0 && !word->checkpoint.is_signed)
		chain_bad(out, out->head.seq + 1, "the export is not signed after record %" PRId64 ": its end may have been cut off; "
			  "export --signed signs it", out->head.seq);
	chain_done(&r.k);
	hasher_free(r.k.h);
	free(r.passed.h);
	return rc;
}
