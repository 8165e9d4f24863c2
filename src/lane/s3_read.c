#include "lane/s3_read.h"

#include "base/text.h"
#include "lane/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in(const struct s3_xml_at *at, int depth, const char *parent, const char *name)
{
	return s3_xml_is(at, depth, name) && strcmp(at->name[depth - 2], parent) == 0;
}

static struct slice keep(struct arena *a, struct slice s)
{
	return (struct slice){ arena_strndup(a, s.n ? s.p : "", s.n), s.n };
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* encoding-type=url: %XX, and '+' for a space (AWS); a '+' of the key comes as %2B. false: a broken escape. */
static bool url_decode(struct arena *a, struct slice s, struct slice *out)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			to[n++] = s.p[i] == '+' ? ' ' : s.p[i];
			continue;
		}
		int hi = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1, lo = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
		if (hi < 0 || lo < 0)
			return false;
		to[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	to[n] = '\0';
	*out = (struct slice){ to, n };
	return true;
}

/* ---- lists ---- */

struct list_reading {
	struct s3_list *out;
	struct s3_entry now;
	bool versions, encoded, said_truncated, bad_number;
};

static void list_field(struct list_reading *r, const struct s3_xml_at *at)
{
	const char *name = at->name[2];
	struct arena *a = r->out->texts;
	if (strcmp(name, "Key") == 0)
		r->now.key = keep(a, at->text);
	else if (strcmp(name, "VersionId") == 0)
		r->now.version = keep(a, at->text);
	else if (strcmp(name, "IsLatest") == 0)
		r->now.latest = slice_is(at->text, "true");
	else if (strcmp(name, "Size") == 0)
		r->bad_number |= !parse_i64(at->text, &r->now.bytes) || r->now.bytes < 0;
	else if (strcmp(name, "LastModified") == 0 && !time_parse_rfc3339(at->text, &r->now.modified_us))
		r->now.modified_us = -1;
}

static void list_end(struct list_reading *r, const struct s3_xml_at *at)
{
	struct s3_list *l = r->out;
	const char *name = at->name[1];
	if (strcmp(name, "IsTruncated") == 0) {
		l->truncated = slice_is(at->text, "true");
		r->said_truncated = l->truncated || slice_is(at->text, "false");
	} else if (strcmp(name, "EncodingType") == 0) {
		r->encoded = slice_is(at->text, "url");
	} else if (strcmp(name, r->versions ? "NextKeyMarker" : "NextContinuationToken") == 0) {
		l->next = keep(l->texts, at->text);
	} else if (strcmp(name, "NextVersionIdMarker") == 0) {
		l->next_version = keep(l->texts, at->text);
	}
}

static bool list_entry(struct list_reading *r, enum s3_entry_kind kind, struct err *e)
{
	struct s3_list *l = r->out;
	r->now.kind = kind;
	if (!r->now.key.n || r->bad_number || (r->versions && !r->now.version.n)) {
		err_set(e, RC_FORMAT, "an entry of it has %s", !r->now.key.n ? "no key" : r->bad_number ? "a size that is no number" : "no version");
		return false;
	}
	GROW(l->entry, l->cap, l->n + 1);
	l->entry[l->n++] = r->now;
	return true;
}

static bool list_at(void *ctx, const struct s3_xml_at *at, struct err *e)
{
	static const struct { const char *name; bool versions; enum s3_entry_kind kind; } entries[] = {
		{ "Contents", false, S3_OBJECT }, { "Version", true, S3_VERSION }, { "DeleteMarker", true, S3_MARKER },
	};
	struct list_reading *r = ctx;
	if (strcmp(at->name[0], r->versions ? "ListVersionsResult" : "ListBucketResult") != 0) {
		err_set(e, RC_FORMAT, "the answer is no list of this kind");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(entries) && at->depth >= 2; i++) {
		if (entries[i].versions != r->versions || strcmp(at->name[1], entries[i].name) != 0)
			continue;
		if (at->depth == 3 && at->leaf)
			list_field(r, at);
		if (at->depth != 2)
			return true;
		bool ok = list_entry(r, entries[i].kind, e);
		r->now = (struct s3_entry){ .bytes = -1, .modified_us = -1 };
		r->bad_number = false;
		return ok;
	}
	if (at->depth == 2 && at->leaf)
		list_end(r, at);
	return true;
}

static bool decode(const struct list_reading *r)
{
	struct s3_list *l = r->out;
	bool ok = true;
	for (size_t i = 0; ok && i < l->n; i++)
		ok = url_decode(l->texts, l->entry[i].key, &l->entry[i].key);
	return ok && (!r->versions || url_decode(l->texts, l->next, &l->next));
}

enum rc s3_read_list(struct s3_list *out, struct slice body, bool versions, struct err *e)
{
	struct list_reading r = { .out = out, .versions = versions, .now = { .bytes = -1, .modified_us = -1 } };
	*out = (struct s3_list){ .texts = arena_new(1 << 16), .next = SLICE_LIT(""), .next_version = SLICE_LIT("") };
	enum rc rc = s3_xml_read(body, list_at, &r, e);
	if (rc != RC_OK)
		return rc;
	if (!r.said_truncated)
		return err_set(e, RC_FORMAT, "it does not say whether it is the last page");
	if (out->truncated && !out->next.n)
		return err_set(e, RC_FORMAT, "it says that there is more, and not where it goes on");
	if (r.encoded && !decode(&r))
		return err_set(e, RC_FORMAT, "a key of it is broken");
	for (size_t i = 0; i < out->n; i++)
		if (!out->entry[i].key.n || out->entry[i].key.n > S3_KEY_MAX)
			return err_set(e, RC_FORMAT, "a key of it is longer than %d bytes", S3_KEY_MAX);
	return RC_OK;
}

void s3_list_done(struct s3_list *l)
{
	free(l->entry);
	arena_free(l->texts);
	*l = (struct s3_list){ 0 };
}

/* ---- bulk deletes ---- */

/* Tab and line feed are characters of XML; carriage return is when it is written as a reference. */
bool s3_writable(struct slice key)
{
	size_t i = 0;
	if (!key.n || key.n > S3_KEY_MAX)
		return false;
	while (i < key.n) {
		int32_t cp = utf8_next(key, &i);
		if (cp < 0 || (cp < ' ' && cp != '\t' && cp != '\n' && cp != '\r') || cp == 0xFFFE || cp == 0xFFFF)
			return false;
	}
	return true;
}

static void xml_text(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '\t': case '\n': case '\r': buf_addf(out, "&#%d;", s.p[i]); break;
		default: buf_addc(out, s.p[i]);
		}
}

void s3_write_deletes(struct buf *out, const struct s3_ask *ask, size_t n)
{
	buf_adds(out, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, "<Object><Key>");
		xml_text(out, ask[i].key);
		buf_adds(out, "</Key>");
		if (ask[i].version.n) {
			buf_adds(out, "<VersionId>");
			xml_text(out, ask[i].version);
			buf_adds(out, "</VersionId>");
		}
		buf_adds(out, "</Object>");
	}
	buf_adds(out, "<Quiet>false</Quiet></Delete>");
}

struct delete_reading {
	const struct s3_ask **by_key;   /* sorted */
	const struct s3_ask *ask;
	struct s3_said *said;
	size_t n;
	struct buf key, version, marker_version, code, message;
	bool marker;
};

static int by_key(const void *a, const void *b)
{
	const struct s3_ask *x = *(const struct s3_ask *const *)a, *y = *(const struct s3_ask *const *)b;
	int c = slice_cmp(x->key, y->key);
	return c ? c : slice_cmp(x->version, y->version);
}

/* Of a delete without a version some servers name one all the same: the marker's. */
static const struct s3_ask *asked_for(const struct delete_reading *r)
{
	struct s3_ask want = { buf_slice(&r->key), buf_slice(&r->version) };
	const struct s3_ask *key = &want;
	const struct s3_ask **hit = bsearch(&key, r->by_key, r->n, sizeof *r->by_key, by_key);
	want.version.n = 0;
	if (!hit)
		hit = bsearch(&key, r->by_key, r->n, sizeof *r->by_key, by_key);
	return hit ? *hit : NULL;
}

static bool delete_entry(struct delete_reading *r, bool deleted, struct err *e)
{
	const struct s3_ask *asked = asked_for(r);
	struct s3_said *s = asked ? &r->said[asked - r->ask] : NULL;
	if (!s || (deleted ? s->deleted : s->refused)) {
		err_set(e, RC_FORMAT, s ? "the answer names a key twice" : "the answer names a key that was not asked for");
		return false;
	}
	if (deleted) {
		s->deleted = true;
		s->marker = r->marker;
		snprintf(s->marker_version, sizeof s->marker_version, "%s", r->marker_version.n <= S3_VERSION_MAX ? buf_z(&r->marker_version) : "");
	} else {
		s->refused = true;
		text_z(s->error.code, sizeof s->error.code, buf_slice(&r->code));
		text_z(s->error.message, sizeof s->error.message, buf_slice(&r->message));
	}
	return true;
}

static void delete_clear(struct delete_reading *r)
{
	buf_clear(&r->key);
	buf_clear(&r->version);
	buf_clear(&r->marker_version);
	buf_clear(&r->code);
	buf_clear(&r->message);
	r->marker = false;
}

static void delete_field(struct delete_reading *r, const struct s3_xml_at *at)
{
	struct { const char *name; struct buf *to; } fields[] = {
		{ "Key", &r->key }, { "VersionId", &r->version }, { "DeleteMarkerVersionId", &r->marker_version },
		{ "Code", &r->code }, { "Message", &r->message },
	};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(at->name[2], fields[i].name) == 0) {
			buf_clear(fields[i].to);
			buf_add(fields[i].to, at->text.p, at->text.n);
		}
	if (strcmp(at->name[2], "DeleteMarker") == 0)
		r->marker = slice_is(at->text, "true");
}

static bool delete_at(void *ctx, const struct s3_xml_at *at, struct err *e)
{
	struct delete_reading *r = ctx;
	if (strcmp(at->name[0], "DeleteResult") != 0) {
		err_set(e, RC_FORMAT, "the answer is none to a bulk delete");
		return false;
	}
	if (at->depth == 3 && at->leaf)
		delete_field(r, at);
	if (at->depth != 2)
		return true;
	bool deleted = strcmp(at->name[1], "Deleted") == 0, refused = strcmp(at->name[1], "Error") == 0;
	bool ok = (!deleted && !refused) || delete_entry(r, deleted, e);
	delete_clear(r);
	return ok;
}

enum rc s3_read_deletes(struct slice body, const struct s3_ask *ask, struct s3_said *said, size_t n, struct err *e)
{
	struct delete_reading r = { .ask = ask, .said = said, .n = n };
	memset(said, 0, n * sizeof *said);
	r.by_key = xcalloc(n + 1, sizeof *r.by_key);
	for (size_t i = 0; i < n; i++)
		r.by_key[i] = &ask[i];
	qsort(r.by_key, n, sizeof *r.by_key, by_key);
	enum rc rc = s3_xml_read(body, delete_at, &r, e);
	free(r.by_key);
	buf_done(&r.key);
	buf_done(&r.version);
	buf_done(&r.marker_version);
	buf_done(&r.code);
	buf_done(&r.message);
	return rc;
}

/* ---- versioning ---- */

const char *s3_versioning_name(enum s3_versioning v)
{
	switch (v) {
	case S3_VERSIONING_UNKNOWN: return "unknown";
	case S3_VERSIONING_NEVER: return "never enabled";
	case S3_VERSIONING_SUSPENDED: return "suspended";
	case S3_VERSIONING_ENABLED: return "enabled";
	}
	return "";
}

static bool versioning_at(void *ctx, const struct s3_xml_at *at, struct err *e)
{
	enum s3_versioning *v = ctx;
	(void)e;
	if (s3_xml_is(at, 1, "VersioningConfiguration") && *v == S3_VERSIONING_UNKNOWN)
		*v = S3_VERSIONING_NEVER;
	else if (at->depth == 2 && at->leaf && in(at, 2, "VersioningConfiguration", "Status"))
		*v = slice_is(at->text, "Enabled") ? S3_VERSIONING_ENABLED : S3_VERSIONING_SUSPENDED;
	return true;
}

enum s3_versioning s3_read_versioning(struct slice body)
{
	enum s3_versioning v = S3_VERSIONING_UNKNOWN;
	return s3_xml_read(body, versioning_at, &v, NULL) == RC_OK ? v : S3_VERSIONING_UNKNOWN;
}
