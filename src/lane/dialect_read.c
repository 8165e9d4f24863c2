#include "lane/dialect.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX_BYTES = 512 };

/* ---- deletes ---- */

struct meaning {
	enum lane_delete_kind kind;
	enum retry_class class_;
};

/* SEMANTICS 5's table, for everything but a 2xx and a missing file. */
static struct meaning delete_meaning(enum lane_trouble t, bool about_item)
{
	switch (t) {
	case LANE_FINE:
		return (struct meaning){ LANE_DELETED, RETRY_NONE_CLASS };
	case LANE_PACED:
		return (struct meaning){ LANE_PACE, RETRY_RATE_LIMIT };
	case LANE_SERVER:
		return (struct meaning){ LANE_UNCLEAR, RETRY_SERVER_ERROR };
	case LANE_NETWORK:
	case LANE_NOT_PERMITTED:
		return (struct meaning){ LANE_NOT_SENT, t == LANE_NETWORK ? RETRY_NETWORK : RETRY_NONE_CLASS };
	case LANE_TIMEOUT:
	case LANE_CUT:
		return (struct meaning){ LANE_UNCLEAR, RETRY_TIMEOUT };
	case LANE_AUTH:
		return (struct meaning){ LANE_LANE_REFUSED, RETRY_AUTH };
	case LANE_BILLING:
		return (struct meaning){ LANE_LANE_REFUSED, RETRY_BILLING };
	case LANE_UNSUPPORTED:
		return (struct meaning){ LANE_LANE_REFUSED, RETRY_UNSUPPORTED };
	case LANE_REJECTED:
		return (struct meaning){ about_item ? LANE_ITEM_REFUSED : LANE_LANE_REFUSED, RETRY_REJECTED };
	case LANE_GARBLED:
		return (struct meaning){ LANE_UNCLEAR, RETRY_CONFLICTING };
	}
	return (struct meaning){ LANE_UNCLEAR, RETRY_CONFLICTING };
}

/* NULL when the body names the asked id as deleted, else what is wrong with it. */
static const char *confirmation_fault(const struct dialect *d, struct slice body, struct slice asked)
{
	struct json_limits small = { .max_bytes = 64 << 10, .max_depth = 16, .max_values = 1000 };
	struct json_doc *doc = NULL;
	const char *fault = NULL;
	struct slice id;
	bool deleted = false;
	if (body.n == 0)
		return "without a body";
	if (json_parse(&doc, body, &small, NULL) != RC_OK)
		return "with a body that cannot be read";
	const struct json *root = json_root(doc);
	if (!json_is_object(root))
		fault = "with a body that is no object";
	else if (!json_str(json_get(root, d->id_field), &id))
		fault = "that names no file";
	else if (!slice_eq(id, asked))
		fault = "that names another file";
	else if (!json_bool(json_get(root, d->deleted_field), &deleted))
		fault = "that does not say deleted";
	else if (!deleted)
		fault = "that says deleted: false";
	else if (json_is_object(json_get(root, "error")))
		fault = "that says deleted and carries an error";
	json_doc_free(doc);
	return fault;
}

static void read_confirmation(const struct dialect *d, const struct http_answer *a, struct slice asked, struct lane_answer *out)
{
	const char *fault = confirmation_fault(d, a->body, asked);
	if (!fault) {
		out->kind = LANE_DELETED;
		out->trouble = LANE_FINE;
		out->class_ = RETRY_NONE_CLASS;
		out->detail[0] = '\0';
		return;
	}
	out->kind = LANE_UNCLEAR;
	out->trouble = LANE_GARBLED;
	out->class_ = RETRY_CONFLICTING;
	snprintf(out->detail, sizeof out->detail, "HTTP %d %s: the file may be gone or not", a->status, fault);
}

void dialect_meaning(enum lane_trouble t, bool about_item, struct lane_answer *out)
{
	struct meaning m = delete_meaning(t, about_item);
	out->kind = m.kind;
	out->class_ = m.class_;
}

/* What there is to say before the body is looked at. */
static bool begin_answer(const struct dialect *d, const struct http_answer *a, struct lane_answer *out)
{
	bool about_item;
	memset(out, 0, sizeof *out);
	out->left = a->left;
	out->status = a->status;
	out->took_us = a->took_us;
	out->wait_ms = -1;
	out->quota = a->quota;
	memcpy(out->request_id, a->request_id, sizeof out->request_id);
	out->trouble = dialect_trouble(d, a, &about_item, out->detail);
	if (out->trouble == LANE_FINE)
		return true;
	dialect_meaning(out->trouble, about_item, out);
	if (out->trouble == LANE_PACED) {
		out->wait_ms = dialect_wait_ms(a);
		out->wait_coarse = dialect_wait_coarse(a, out->wait_ms);
	}
	return false;
}

void dialect_read_delete(const struct dialect *d, const struct http_answer *a, struct slice asked_id, struct lane_answer *out)
{
	if (begin_answer(d, a, out)) {
		read_confirmation(d, a, asked_id, out);
		return;
	}
	if (dialect_says_missing(d, a)) {
		out->kind = LANE_MISSING;
		out->trouble = LANE_FINE;       /* a clear answer of a healthy store */
		out->class_ = RETRY_NONE_CLASS;
	} else if (out->trouble == LANE_REJECTED && (a->status == 404 || a->status == 410)) {
		out->kind = LANE_UNCLEAR;
		out->trouble = LANE_GARBLED;
		out->class_ = RETRY_CONFLICTING;
		snprintf(out->detail, sizeof out->detail, "HTTP %d in words that are not the store's: a proxy may have answered", a->status);
	}
}

void dialect_read_upload(const struct dialect *d, const struct http_answer *a, int64_t bytes, struct lane_answer *out,
			 struct slice *new_id, struct json_doc **doc)
{
	struct json_limits small = { .max_bytes = 256 << 10, .max_depth = 16, .max_values = 10000 };
	struct lane_item it = { .bytes = -1 };
	*doc = NULL;
	*new_id = SLICE_LIT("");
	if (!begin_answer(d, a, out))
		return;
	if (json_parse(doc, a->body, &small, NULL) == RC_OK && json_is_object(json_root(*doc)))
		dialect_read_fields(d, json_root(*doc), &it);
	if (it.id.n && (it.bytes < 0 || it.bytes == bytes)) {
		out->kind = LANE_DELETED;
		*new_id = it.id;
		return;
	}
	dialect_meaning(out->trouble = LANE_GARBLED, false, out);
	snprintf(out->detail, sizeof out->detail, it.id.n ? "HTTP %d, and the file it names is not as long as what was sent"
							  : "HTTP %d with a body that names no file", a->status);
}

/* ---- items and pages ---- */

static struct slice text_field(const struct json *o, const char *key)
{
	struct slice s;
	return key && json_str(json_get(o, key), &s) ? s : slice_of(NULL);
}

/* -1 for absent, null, negative and whatever is no integer: unknown, never a guess. */
static int64_t whole_field(const struct json *o, const char *key)
{
	int64_t v;
	return key && json_i64(json_get(o, key), &v) && v >= 0 ? v : -1;
}

/* null is a word of the store: the file stays. */
static int64_t expiry_field(const struct json *o, const char *key)
{
	const struct json *v = key ? json_get(o, key) : NULL;
	int64_t s = whole_field(o, key);
	if (v && json_is_null(v))
		return LANE_NEVER;
	return s >= 0 && s <= INT64_MAX / 1000000 ? s * 1000000 : -1;
}

static const char *item_fault(struct slice id)
{
	if (id.n == 0)
		return "an item without an id";
	if (id.n > ID_MAX_BYTES)
		return "an item whose id is longer than 512 bytes";
	if (slice_is(id, ".") || slice_is(id, ".."))
		return "an item whose id is a path step";
	return NULL;
}

void dialect_read_fields(const struct dialect *d, const struct json *o, struct lane_item *it)
{
	int64_t created = whole_field(o, d->created_field);
	it->id = text_field(o, d->id_field);
	it->name = text_field(o, d->name_field);
	it->purpose = text_field(o, d->purpose_field);
	it->status = text_field(o, d->status_field);
	it->bytes = whole_field(o, d->bytes_field);
	it->expires_us = expiry_field(o, d->expires_field);
	it->created_us = created >= 0 && created <= INT64_MAX / 1000000 ? created * 1000000 : -1;
}

enum rc dialect_read_item(const struct dialect *d, const struct http_answer *a, struct slice asked_id, struct lane_item *out,
			  struct json_doc **doc, struct err *e)
{
	struct json_limits small = { .max_bytes = 256 << 10, .max_depth = 16, .max_values = 10000 };
	*doc = NULL;
	if (json_parse(doc, a->body, &small, NULL) != RC_OK || !json_is_object(json_root(*doc)))
		return err_set(e, RC_FORMAT, "HTTP %d with a body that cannot be read", a->status);
	dialect_read_fields(d, json_root(*doc), out);
	if (!slice_eq(out->id, asked_id))
		return err_set(e, RC_FORMAT, "HTTP %d with a body about another file", a->status);
	return RC_OK;
}

static enum rc page_trouble(struct lane_page *out, enum lane_trouble t, const char *what)
{
	out->trouble = t;
	if (what)
		snprintf(out->detail, sizeof out->detail, "the list is not usable: %s", what);
	return RC_FORMAT;
}

/* An item in a page of a purpose: its own, one that has its own turn, or one that nobody asks for. */
static const char *purpose_fault(const struct dialect_ask *ask, struct slice purpose, bool *skip)
{
	*skip = false;
	if (!ask->purpose.n || slice_eq(purpose, ask->purpose))
		return NULL;
	for (size_t i = 0; i < ask->n_purposes; i++)
		*skip = *skip || slice_is(purpose, ask->purposes[i]);
	return *skip ? NULL : "it has an item of a purpose that is not asked for; name all purposes of the account in purposes";
}

/* *read: the last item of the page, left out or not. */
static enum rc read_items(const struct dialect *d, const struct json *data, const struct dialect_ask *ask, struct lane_item *items,
			  struct slice *read, struct lane_page *out)
{
	size_t n = 0;
	bool skip;
	for (const struct json *o = json_first(data); o; o = json_next(o)) {
		if (!json_is_object(o))
			return page_trouble(out, LANE_GARBLED, "an item is no object");
		dialect_read_fields(d, o, &items[n]);
		const char *fault = item_fault(items[n].id);
		if (!fault)
			fault = purpose_fault(ask, items[n].purpose, &skip);
		if (fault)
			return page_trouble(out, LANE_GARBLED, fault);
		if (ask->after.n && slice_eq(items[n].id, ask->after))
			return page_trouble(out, LANE_GARBLED, "the page repeats the item that it was to come after");
		*read = items[n].id;
		n += !skip;
	}
	out->n = n;
	return RC_OK;
}

static int by_id(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool repeats_an_id(const struct lane_item *items, size_t n)
{
	bool twice = false;
	if (n < 2)
		return false;
	struct slice *ids = xreallocarray(NULL, n, sizeof *ids);
	for (size_t i = 0; i < n; i++)
		ids[i] = items[i].id;
	qsort(ids, n, sizeof *ids, by_id);
	for (size_t i = 1; i < n && !twice; i++)
		twice = slice_eq(ids[i - 1], ids[i]);
	free(ids);
	return twice;
}

enum rc dialect_read_array(const struct dialect *d, const struct json *data, const struct dialect_ask *ask, struct lane_page *out,
			   struct lane_item **items, struct slice *last_read)
{
	*items = xcalloc(json_len(data) + 1, sizeof **items);
	out->items = *items;
	enum rc rc = read_items(d, data, ask, *items, last_read, out);
	if (rc == RC_OK && repeats_an_id(*items, out->n))
		rc = page_trouble(out, LANE_GARBLED, "the page has one id twice");
	if (rc != RC_OK)
		out->n = 0;
	return rc;
}

/* An unpaged answer does not say that it is all: it is where it stays below the most that one answer
 * holds, or is exactly what the account can hold. */
static enum rc read_unpaged_end(const struct json *root, const struct dialect *d, const struct dialect_ask *ask, int64_t n,
				struct lane_page *out)
{
	bool more = false;
	if (json_bool(json_get(root, d->more_field), &more) && more)
		return page_trouble(out, LANE_GARBLED, "it says that there is more, and this store has no cursor");
	out->last = n < ask->cap || n == ask->quota;
	if (out->last)
		return RC_OK;
	page_trouble(out, LANE_GARBLED, NULL);
	snprintf(out->detail, sizeof out->detail,
		 "the list is not usable: %lld items may be cut off at %lld; raise page_items, or set quota_items where the account holds exactly so many",
		 (long long)n, (long long)ask->cap);
	return RC_FORMAT;
}

static enum rc read_end(const struct dialect *d, const struct json *root, struct slice read, struct lane_page *out)
{
	bool more = false;
	struct slice last;
	if (!json_bool(json_get(root, d->more_field), &more))
		return page_trouble(out, LANE_GARBLED, "the page does not say whether it is the last");
	out->last = !more;
	if (!more)
		return RC_OK;
	if (!read.n)
		return page_trouble(out, LANE_GARBLED, "an empty page says that there is more");
	out->cursor = read;
	if (json_str(json_get(root, "last_id"), &last) && !slice_eq(last, out->cursor))
		return page_trouble(out, LANE_GARBLED, "last_id of the page is not its last item");
	return RC_OK;
}

static enum rc read_body(const struct dialect *d, const struct http_answer *a, const struct dialect_ask *ask, struct lane_page *out,
			 struct lane_item **items, struct json_doc **doc)
{
	struct json_limits lim = { .max_bytes = (size_t)256 << 20, .max_depth = 16, .max_values = 16000000 };
	struct err e = { 0 };
	if (json_parse(doc, a->body, &lim, &e) != RC_OK) {
		page_trouble(out, LANE_GARBLED, NULL);
		snprintf(out->detail, sizeof out->detail, "the list is not usable: %.150s", e.text);
		return RC_FORMAT;
	}
	const struct json *root = json_root(*doc), *data = json_get(root, "data");
	if (!json_is_array(data))
		return page_trouble(out, LANE_GARBLED, "the answer has no array named data");
	struct slice read = { 0 };
	enum rc rc = dialect_read_array(d, data, ask, out, items, &read);
	if (rc == RC_OK)
		rc = d->unpaged ? read_unpaged_end(root, d, ask, (int64_t)out->n, out) : read_end(d, root, read, out);
	if (rc != RC_OK)
		out->n = 0;
	return rc;
}

enum rc dialect_read_page(const struct dialect *d, const struct http_answer *a, const struct dialect_ask *ask, struct lane_page *out,
			  struct lane_item **items, struct json_doc **doc)
{
	bool about_item;
	memset(out, 0, sizeof *out);
	*items = NULL;
	*doc = NULL;
	out->status = a->status;
	out->date_us = a->date_us;
	out->wait_ms = -1;
	out->trouble = dialect_trouble(d, a, &about_item, out->detail);
	if (out->trouble == LANE_FINE && a->status == 200)
		return read_body(d, a, ask, out, items, doc);
	if (out->trouble == LANE_FINE)
		return page_trouble(out, LANE_GARBLED, "the answer is neither 200 nor an error");
	if (out->trouble == LANE_PACED)
		out->wait_ms = dialect_wait_ms(a);
	if (out->trouble == LANE_REJECTED && (a->status == 404 || a->status == 410)) {
		out->trouble = LANE_UNSUPPORTED;
		snprintf(out->detail, sizeof out->detail, "HTTP %d: there is no file list at this address; check the lane's url", a->status);
	}
	return RC_IO;
}
