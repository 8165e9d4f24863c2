/* Where a store's own things refer to files: one list a place, and the fields that name files. What
 * has ended refers to nothing; a state that is not known here has not ended. */
#include "lane/dialect.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const batch_fields[] = { "input_file_id", "output_file_id", "error_file_id", NULL };
static const char *const batch_ended[] = { "completed", "failed", "expired", "cancelled", NULL };
static const char *const job_fields[] = { "training_file", "validation_file", "result_files", NULL };
static const char *const job_ended[] = { "succeeded", "failed", "cancelled", NULL };
static const char *const own_id[] = { "id", NULL };
static const char *const nothing[] = { NULL };

static const struct dialect_place places[] = {
	{ "openai", "batches", "batch", "/batches", NULL, batch_fields, batch_ended, false },
	{ "openai", "fine_tuning_jobs", "fine-tuning job", "/fine_tuning/jobs", NULL, job_fields, job_ended, false },
	{ "openai", "vector_stores", "vector store", "/vector_stores", "/files", own_id, nothing, false },
	{ "kimi", "batches", "batch", "/batches", NULL, batch_fields, batch_ended, false },
	{ "glm", "batches", "batch", "/batches", NULL, batch_fields, batch_ended, false },
};

const struct dialect_place *dialect_place(const struct dialect *d, struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (strcmp(places[i].dialect, d->name) == 0 && slice_is(name, places[i].name))
			return &places[i];
	return NULL;
}

void dialect_place_names(const struct dialect *d, struct buf *out)
{
	bool first = true;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (strcmp(places[i].dialect, d->name) == 0) {
			buf_addf(out, "%s%s", first ? "" : ", ", places[i].name);
			first = false;
		}
}

struct reading {
	const struct dialect_place *place;
	struct lane_refs *out;
	struct lane_ref **refs;
	size_t cap;
	struct slice last;
};

static enum rc garbled(struct lane_refs *out, const char *what)
{
	out->trouble = LANE_GARBLED;
	out->n = 0;
	out->last = false;
	snprintf(out->detail, sizeof out->detail, "the list is not usable: %s", what);
	return RC_FORMAT;
}

static void add(struct reading *r, struct slice file, struct slice holder, struct slice state)
{
	GROW(*r->refs, r->cap, r->out->n + 1);
	(*r->refs)[r->out->n++] = (struct lane_ref){ file, holder, state };
}

/* A field names one file, several, or none (null or not there). */
static enum rc read_field(struct reading *r, const struct json *v, struct slice holder, struct slice state)
{
	struct slice file;
	if (!v || json_is_null(v))
		return RC_OK;
	if (json_str(v, &file)) {
		if (file.n)
			add(r, file, holder, state);
		return RC_OK;
	}
	if (!json_is_array(v))
		return garbled(r->out, "a field that names files holds something else");
	for (const struct json *one = json_first(v); one; one = json_next(one)) {
		if (!json_str(one, &file) || !file.n)
			return garbled(r->out, "a field that names files holds something else");
		add(r, file, holder, state);
	}
	return RC_OK;
}

static bool has_ended(const struct dialect_place *p, struct slice state)
{
	for (const char *const *e = p->ended; *e; e++)
		if (slice_is(state, *e))
			return true;
	return false;
}

static enum rc read_one(struct reading *r, const struct json *o, struct slice parent, struct slice asked)
{
	struct slice id = json_get_str(o, "id"), state = json_get_str(o, "status");
	enum rc rc = RC_OK;
	if (!json_is_object(o) || !id.n)
		return garbled(r->out, "an entry without an id");
	if (asked.n && slice_eq(id, asked))
		return garbled(r->out, "the page repeats the entry that it was to come after");
	r->last = id;
	if (r->place->child_path && !parent.n) {
		add(r, slice_of(""), id, state);
		return RC_OK;
	}
	if (has_ended(r->place, state))
		return RC_OK;
	for (const char *const *f = r->place->fields; rc == RC_OK && *f; f++)
		rc = read_field(r, json_get(o, *f), parent.n ? parent : id, state);
	return rc;
}

static enum rc read_list(struct reading *r, const struct json *root, struct slice parent, struct slice asked)
{
	const struct json *data = json_get(root, "data");
	bool more = false;
	enum rc rc = RC_OK;
	if (!json_is_array(data))
		return garbled(r->out, "the answer has no array named data");
	for (const struct json *o = json_first(data); rc == RC_OK && o; o = json_next(o))
		rc = read_one(r, o, parent, asked);
	if (rc != RC_OK)
		return rc;
	if (!json_bool(json_get(root, "has_more"), &more))
		return garbled(r->out, "the page does not say whether it is the last");
	if (more && !r->last.n)
		return garbled(r->out, "an empty page says that there is more");
	r->out->last = !more;
	r->out->cursor = more ? r->last : slice_of("");
	return RC_OK;
}

enum rc dialect_read_refs(const struct dialect *d, const struct dialect_place *p, const struct http_answer *a, struct slice parent,
			  struct slice asked, struct lane_refs *out, struct lane_ref **refs, struct json_doc **doc)
{
	struct json_limits lim = { .max_bytes = 16 << 20, .max_depth = 16, .max_values = 1000000 };
	struct reading r = { .place = p, .out = out, .refs = refs };
	bool about_item;
	*out = (struct lane_refs){ .wait_ms = -1 };
	*refs = NULL;
	*doc = NULL;
	out->trouble = dialect_trouble(d, a, &about_item, out->detail);
	if (parent.n && dialect_says_missing(d, a)) {   /* the holder has gone since it was listed */
		out->trouble = LANE_FINE;
		out->last = true;
		return RC_OK;
	}
	if (out->trouble == LANE_PACED)
		out->wait_ms = dialect_wait_ms(a);
	if (out->trouble != LANE_FINE)
		return RC_IO;
	if (a->status != 200 || json_parse(doc, a->body, &lim, NULL) != RC_OK)
		return garbled(out, "the answer cannot be read");
	enum rc rc = read_list(&r, json_root(*doc), parent, asked);
	out->refs = *refs;
	return rc;
}
