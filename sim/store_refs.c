/* What refers to files: GET /batches, /fine_tuning/jobs, /vector_stores and /vector_stores/ID/files, POST /batches.
 * Synthetic ones come out of the seed; every second batch and job has ended, so that its files are free again. */
#include "sim/store_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/jstr.h"

enum { LIMIT_MAX = 100, LIMIT_DEFAULT = 20, STORE_FILES = 3, FIELD_REF = 300 };
enum { BATCHES = 1, JOBS, VECTORS, VECTOR_FILES };

static const char invalid[] = "invalid_request_error";

static void file_id(struct asking *a, int64_t i, int64_t field, int64_t step, char out[GEN_ID_MAX])
{
	struct files *f = a->st->files;
	struct file_view v = { .id = "" };
	int64_t n = files_count(f);
	uint64_t key = gen_key((uint64_t)a->st->sim->opts->seed, slice_of(a->st->o->name));
	if (n)
		files_look(f, (int64_t)((gen_hash(key, (uint64_t)i, (uint64_t)(FIELD_REF + field)) + (uint64_t)step) % (uint64_t)n), &v);
	memcpy(out, v.id, GEN_ID_MAX);
}

static void member(struct buf *out, const char *key, const char *id)
{
	buf_adds(out, key);
	if (*id)
		jstr_add(out, slice_of(id));
	else
		buf_adds(out, "null");
}

static void batch_entry(struct asking *a, struct buf *out, int64_t i)
{
	const struct store *st = a->st;
	char in[GEN_ID_MAX], result[GEN_ID_MAX] = "";
	bool made = i >= st->o->batches, ended = !made && i % 2;
	file_id(a, i, 0, 0, in);
	if (ended)
		file_id(a, i, 1, 0, result);
	buf_addf(out, "{\"object\":\"batch\",\"id\":\"batch_%06lld\",\"endpoint\":\"/v1/chat/completions\"", (long long)i);
	member(out, ",\"input_file_id\":", made ? st->made[i - st->o->batches].file : in);
	member(out, ",\"output_file_id\":", result);
	buf_addf(out, ",\"error_file_id\":null,\"status\":\"%s\"}", ended ? "completed" : made ? "validating" : "in_progress");
}

static void job_entry(struct asking *a, struct buf *out, int64_t i)
{
	char in[GEN_ID_MAX];
	file_id(a, i, 2, 0, in);
	buf_addf(out, "{\"object\":\"fine_tuning.job\",\"id\":\"ftjob_%06lld\"", (long long)i);
	member(out, ",\"training_file\":", in);
	buf_addf(out, ",\"validation_file\":null,\"result_files\":[],\"status\":\"%s\"}", i % 2 ? "succeeded" : "running");
}

static void vector_entry(struct asking *a, struct buf *out, int64_t i)
{
	(void)a;
	buf_addf(out, "{\"object\":\"vector_store\",\"id\":\"vs_%06lld\",\"name\":\"\",\"status\":\"completed\"}", (long long)i);
}

static void vector_file_entry(struct asking *a, struct buf *out, int64_t i)
{
	char id[GEN_ID_MAX];
	file_id(a, a->refs_of, 3, i, id);
	buf_adds(out, "{\"object\":\"vector_store.file\"");
	member(out, ",\"id\":", id);
	buf_adds(out, ",\"status\":\"completed\"}");
}

static int64_t entries(const struct asking *a)
{
	const struct store *st = a->st;
	switch (a->refs) {
	case BATCHES: return st->o->batches + (int64_t)st->n_made;
	case JOBS: return st->o->jobs;
	case VECTORS: return st->o->vectors;
	default: return MIN((int64_t)STORE_FILES, files_count(st->files));
	}
}

static void entry(struct asking *a, struct buf *out, int64_t i)
{
	switch (a->refs) {
	case BATCHES: batch_entry(a, out, i); return;
	case JOBS: job_entry(a, out, i); return;
	case VECTORS: vector_entry(a, out, i); return;
	default: vector_file_entry(a, out, i); return;
	}
}

/* "batch_000007" → 7; -1 for anything else. */
static int64_t number_of(struct slice id, const char *prefix, int64_t n)
{
	int64_t i;
	size_t at = strlen(prefix);
	if (!slice_starts(id, prefix) || !parse_i64((struct slice){ id.p + at, id.n - at }, &i) || i < 0 || i >= n)
		return -1;
	return i;
}

/* Where the entry after= stands; -1 none such. */
static int64_t place_of(struct asking *a, struct slice id, int64_t n)
{
	static const char *const prefixes[] = { [BATCHES] = "batch_", [JOBS] = "ftjob_", [VECTORS] = "vs_" };
	char have[GEN_ID_MAX];
	if (a->refs != VECTOR_FILES)
		return number_of(id, prefixes[a->refs], n);
	for (int64_t i = 0; i < n; i++) {
		file_id(a, a->refs_of, 3, i, have);
		if (slice_is(id, have))
			return i;
	}
	return -1;
}

static void list(struct asking *a)
{
	struct buf v = { 0 }, *out = &a->reply->body;
	int64_t n = entries(a), from = 0, limit = LIMIT_DEFAULT;
	bool given = query_get(a->rq->head->query, "limit", &v), ok = !given || (parse_i64(buf_slice(&v), &limit) && limit >= 1 && limit <= LIMIT_MAX);
	buf_clear(&v);
	if (store_after(a->rq, &v))
		from = place_of(a, buf_slice(&v), n) + 1;
	ok = ok && (!v.n || from);
	buf_done(&v);
	if (!ok) {
		say_error(a, 400, slice_of("Invalid 'limit' or 'after'."), invalid, NULL, NULL);
		return;
	}
	int64_t to = MIN(n, from + limit);
	a->reply->type = "application/json";
	buf_adds(out, "{\"object\":\"list\",\"data\":[");
	for (int64_t i = from; i < to; i++) {
		if (i > from)
			buf_addc(out, ',');
		entry(a, out, i);
	}
	buf_adds(out, to < n ? "],\"has_more\":true}" : "],\"has_more\":false}");
	a->items = to - from;
}

/* {"input_file_id": …} */
static void make_batch(struct asking *a)
{
	struct store *st = a->st;
	struct json_doc *doc = NULL;
	struct slice in = { 0 };
	if (json_parse(&doc, a->rq->body, NULL, NULL) == RC_OK)
		in = json_get_str(json_root(doc), "input_file_id");
	int64_t file = in.n ? files_find(st->files, in) : -1;
	if (file < 0 || !files_is_live(st->files, file)) {
		say_error(a, 400, slice_of("Invalid 'input_file_id'."), invalid, "input_file_id", NULL);
	} else {
		GROW(st->made, st->cap_made, st->n_made + 1);
		snprintf(st->made[st->n_made++].file, GEN_ID_MAX, "%.*s", SLICE_FMT(in));
		a->reply->type = "application/json";
		batch_entry(a, &a->reply->body, st->o->batches + (int64_t)st->n_made - 1);
	}
	json_doc_free(doc);
}

void store_refs(struct asking *a)
{
	if (slice_is(a->rq->head->method, "POST"))
		make_batch(a);
	else
		list(a);
}

static bool vector_files(struct asking *a, struct slice rest)
{
	static const char tail[] = "/files";
	size_t n = sizeof(tail) - 1;
	if (rest.n <= n || memcmp(rest.p + rest.n - n, tail, n) != 0)
		return false;
	a->refs = VECTOR_FILES;
	a->refs_of = number_of((struct slice){ rest.p, rest.n - n }, "vs_", a->st->o->vectors);
	return a->refs_of >= 0;
}

bool store_refs_route(struct asking *a, struct slice rest)
{
	bool openai = a->st->o->dialect == SPEECH_OPENAI, post = slice_is(a->rq->head->method, "POST");
	if (!post && !slice_is(a->rq->head->method, "GET"))
		return false;
	if (slice_is(rest, "/batches"))
		a->refs = BATCHES;
	else if (openai && !post && slice_is(rest, "/fine_tuning/jobs"))
		a->refs = JOBS;
	else if (openai && !post && slice_is(rest, "/vector_stores"))
		a->refs = VECTORS;
	else if (!openai || post || !slice_starts(rest, "/vector_stores/") ||
		 !vector_files(a, (struct slice){ rest.p + 15, rest.n - 15 }))
		return false;
	a->op = OP_REFS;
	return true;
}
