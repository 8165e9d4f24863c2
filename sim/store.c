#include "sim/store_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/jstr.h"

static const char invalid[] = "invalid_request_error";

/* ---- one operation each: what happens to files, and the truth about it ---- */

/* Which file a lie deletes: the one the rule names, or the next of age. */
static int64_t scapegoat(const struct asking *a)
{
	const struct files *f = a->st->files;
	int64_t named = a->rule->word[0] ? files_find(f, slice_of(a->rule->word)) : -1;
	if (named >= 0 && named != a->file && files_is_live(f, named))
		return named;
	int64_t next = files_next(f, a->file, 1);
	return next >= 0 ? next : files_next(f, a->file, -1);
}

static void do_delete(struct asking *a)
{
	struct store *st = a->st;
	if (a->file < 0 || !files_is_live(st->files, a->file)) {
		say_missing(a);
		return;
	}
	int64_t victim = a->act == ACT_ASKED ? a->file : a->act == ACT_ANOTHER ? scapegoat(a) : -1;
	if (victim >= 0) {
		files_delete(st->files, victim);
		st->deleted++;
		a->effect = "deleted";
		a->victim = victim;
	}
	a->reply->type = "application/json";
	say_deleted(&a->reply->body, a->id, true);
}

static void do_get(struct asking *a)
{
	if (a->file < 0 || !files_is_live(a->st->files, a->file)) {
		say_missing(a);
		return;
	}
	a->reply->type = "application/json";
	say_file(a->st, &a->reply->body, a->file);
}

static bool may_download(const struct store *st, const char *purpose)
{
	static const char *const openai[] = { "batch", "batch_output", "vision", "assistants_output", "fine-tune-results", NULL };
	static const char *const kimi[] = { "file-extract", NULL }, *const glm[] = { "batch", NULL };
	static const char *const *const by_dialect[] = { [SPEECH_OPENAI] = openai, [SPEECH_KIMI] = kimi, [SPEECH_GLM] = glm };
	switch ((enum store_download)st->o->download) {
	case DOWNLOAD_ALL:
		return true;
	case DOWNLOAD_NONE:
		return false;
	case DOWNLOAD_OPENAI:
		break;
	}
	for (const char *const *given = by_dialect[st->o->dialect]; *given; given++)
		if (strcmp(purpose, *given) == 0)
			return true;
	return false;
}

/* Kimi gives the text that it found in a file, never the file. */
static void say_extract(struct asking *a)
{
	struct buf text = { 0 }, *out = &a->reply->body;
	struct file_view v;
	files_content(a->st->files, a->file, &text);
	files_look(a->st->files, a->file, &v);
	a->reply->type = "application/json";
	buf_adds(out, "{\"content\":");
	jstr_add(out, buf_slice(&text));
	buf_adds(out, ",\"file_type\":\"text/plain\",\"filename\":");
	jstr_add(out, v.name);
	buf_adds(out, ",\"title\":\"\",\"type\":\"file\"}");
	buf_done(&text);
}

static void do_content(struct asking *a)
{
	if (a->file < 0 || !files_is_live(a->st->files, a->file)) {
		say_missing(a);
		return;
	}
	const char *purpose = files_purpose(a->st->files, a->file);
	if (!may_download(a->st, purpose)) {
		char text[120];
		snprintf(text, sizeof(text), "Not allowed to download files of purpose: %.60s", purpose);
		say_error(a, 400, slice_of(text), invalid, NULL, NULL);
		return;
	}
	if (a->st->o->dialect == SPEECH_KIMI) {
		say_extract(a);
		return;
	}
	a->reply->type = "application/octet-stream";
	files_content(a->st->files, a->file, &a->reply->body);
}

static const struct {
	enum fault_op op;
	void (*fn)(struct asking *a);
	int counts;                     /* enum files_op, -1 not about one file */
} operations[] = {
	{ OP_LIST, store_list, -1 },
	{ OP_GET, do_get, FILES_GET },
	{ OP_CONTENT, do_content, FILES_CONTENT },
	{ OP_DELETE, do_delete, FILES_DELETE },
	{ OP_UPLOAD, store_upload, -1 },
	{ OP_REFS, store_refs, -1 },
};

/* ---- the ledger ---- */

static void write_status(struct jw *w, const struct httpd_reply *r)
{
	static const char *const none[] = { [HTTPD_CUT] = "cut", [HTTPD_RESET] = "cut", [HTTPD_HOLD] = "timeout" };
	if (r->how == HTTPD_CUT || r->how == HTTPD_RESET || r->how == HTTPD_HOLD)
		jw_kz(w, "status", none[r->how]);
	else
		jw_ki64(w, "status", r->status);
}

static void record_request(struct asking *a)
{
	struct jw *w = ledger_begin(a->st->sim->ledger, "request");
	jw_kz(w, "store", a->st->o->name);
	jw_kstr(w, "method", a->rq->head->method);
	jw_kstr(w, "path", a->rq->head->path);
	if (a->rq->head->query.n)
		jw_kstr(w, "query", a->rq->head->query);
	jw_kz(w, "op", a->op ? fault_op_name(a->op) : "other");
	if (a->id.n)
		jw_kstr(w, "id", a->id);
	jw_ki64(w, "conn", a->rq->conn);
	jw_ki64(w, "on_conn", a->rq->on_conn);
	if (a->attempt)
		jw_ki64(w, "nth", a->attempt);
	jw_kz(w, "fault", a->rule ? a->rule->kind->name : NULL);
	if (a->limited)
		jw_kbool(w, "limited", true);
	if (a->rule)
		jw_ki64(w, "rule", a->rule->number);
	write_status(w, a->reply);
	if (a->items >= 0)
		jw_ki64(w, "items", a->items);
}

static void record(struct asking *a)
{
	record_request(a);
	int64_t seq = ledger_end(a->st->sim->ledger);
	if (!a->effect)
		return;
	struct file_view v;
	files_look(a->st->files, a->victim, &v);
	struct jw *w = ledger_begin(a->st->sim->ledger, "effect");
	jw_kz(w, "store", a->st->o->name);
	jw_kz(w, "effect", a->effect);
	jw_kz(w, "id", v.id);
	if (a->id.n)
		jw_kstr(w, "asked", a->id);
	jw_kz(w, "role", sim_role_name(v.role));
	jw_ki64(w, "request", seq);
	ledger_end(a->st->sim->ledger);
}

/* ---- one request ---- */

static int64_t latency(const struct store *st)
{
	int64_t min = st->o->latency_min_ms, span = st->o->latency_max_ms - min;
	return min + (span ? (int64_t)(gen_hash((uint64_t)st->sim->opts->seed, st->request_number, 7) % (uint64_t)(span + 1)) : 0);
}

static void decide(struct asking *a)
{
	struct buf after = { 0 };
	struct fault_event ev = {
		.where = slice_of(a->st->o->name), .op = a->op, .id = a->id, .attempt = a->attempt, .warm = a->rq->on_conn > 1,
		.live = a->file >= 0 && files_is_live(a->st->files, a->file),
		.after = a->op == OP_LIST && store_after(a->rq, &after),
	};
	a->rule = fault_decide(a->st->sim->opts->faults, &ev);
	a->act = a->rule ? a->rule->act : ACT_ASKED;
	a->st->faults += a->rule != NULL;
	buf_done(&after);
}

static void serve(struct asking *a)
{
	struct store *st = a->st;
	size_t i = 0;
	while (operations[i].op != a->op)
		i++;
	st->requests[i]++;
	a->file = a->id.n ? files_find(st->files, a->id) : -1;
	if (a->file >= 0 && operations[i].counts >= 0)
		a->attempt = files_asked(st->files, a->file, (enum files_op)operations[i].counts);
	decide(a);
	bool unheard = a->rule && a->act == ACT_NONE && a->rule->kind->say == SAY_ERROR;
	if (!unheard)
		operations[i].fn(a);
	if (a->rule)
		say_fault(a);
}

/* Too fast: refused before anything else looks at it. */
static bool let_through(struct asking *a)
{
	struct store *st = a->st;
	struct now now = now_read();
	a->limited = !limit_take(&st->limit, now.boot_us);
	limit_tell(&st->limit, (enum limit_tell)st->o->tell, a->limited, now.wall_us / 1000000, &a->reply->fields);
	if (!a->limited)
		return true;
	say_error(a, 429, slice_of("Rate limit reached for requests"), "requests", NULL, "rate_limit_exceeded");
	if (st->o->tell == LIMIT_BODY) {
		buf_clear(&a->reply->body);
		limit_body(&st->limit, &a->reply->body);
	}
	return false;
}

static bool authorised(const struct store *st, const struct head *h)
{
	static const char scheme[] = "Bearer ";
	struct slice want = options_credential(st->o->key, st->o->key_secret), have = head_get(h, "authorization");
	if (!want.n)
		return true;
	if (!slice_starts(have, scheme))
		return false;
	return slice_eq(want, (struct slice){ have.p + sizeof(scheme) - 1, have.n - (sizeof(scheme) - 1) });
}

/* The operation of a path and method; false after an answer of its own. */
static bool route(struct asking *a)
{
	char root[40];
	const struct head *h = a->rq->head;
	struct slice rest = h->path;
	bool get = slice_is(h->method, "GET");
	size_t n = (size_t)snprintf(root, sizeof(root), "%s/files", a->st->speech->root), below = n - strlen("/files");
	if (rest.n > below && memcmp(rest.p, root, below) == 0 && store_refs_route(a, (struct slice){ rest.p + below, rest.n - below }))
		return true;
	if (!slice_starts(rest, root) || (rest.n > n && rest.p[n] != '/')) {
		say_error(a, 404, slice_of("Invalid URL"), invalid, NULL, "unknown_url");
		return false;
	}
	rest = (struct slice){ rest.p + n, rest.n - n };
	if (rest.n <= 1) {
		a->op = get ? OP_LIST : slice_is(h->method, "POST") ? OP_UPLOAD : 0;
	} else {
		struct slice seg = { rest.p + 1, rest.n - 1 };
		const char *slash = memchr(seg.p, '/', seg.n);
		struct slice tail = slash ? (struct slice){ slash, seg.n - (size_t)(slash - seg.p) } : slice_of("");
		seg.n -= tail.n;
		buf_clear(&a->st->id);
		if (!url_decode(seg, &a->st->id) || (tail.n && !slice_is(tail, "/content"))) {
			say_error(a, 404, slice_of("Invalid URL"), invalid, NULL, "unknown_url");
			return false;
		}
		a->id = buf_slice(&a->st->id);
		a->op = tail.n ? (get ? OP_CONTENT : 0) : get ? (a->st->speech->no_get ? 0 : OP_GET) : slice_is(h->method, "DELETE") ? OP_DELETE : 0;
	}
	if (!a->op)
		say_error(a, 405, slice_of("Not allowed to use this method on this path."), invalid, NULL, "method_not_supported");
	return a->op != 0;
}

static void on_request(void *ctx, const struct httpd_request *rq, struct httpd_reply *reply)
{
	struct store *st = ctx;
	struct asking a = { .st = st, .rq = rq, .reply = reply, .file = -1, .victim = -1, .items = -1 };
	char number[48];
	if (slice_starts(rq->head->path, "/__sim/")) {
		control_request(st->sim, rq, reply);
		return;
	}
	st->request_number++;
	snprintf(number, sizeof(number), "x-request-id: req_%016llx\r\n",
		 (unsigned long long)gen_hash((uint64_t)st->sim->opts->seed, st->request_number, 8));
	buf_adds(&reply->fields, number);
	reply->delay_ms = latency(st);
	bool known = route(&a), allowed = authorised(st, rq->head);
	if (known && allowed && let_through(&a))
		serve(&a);
	else if (!a.limited)
		st->other_requests++;
	if (!allowed)
		say_error(&a, 401, slice_of("Incorrect API key provided."), invalid, NULL, "invalid_api_key");
	record(&a);
	outbox_touch(st->sim->box);
}

static void on_gave_up(void *ctx, int64_t conn)
{
	struct store *st = ctx;
	struct jw *w = ledger_begin(st->sim->ledger, "gave_up");
	jw_kz(w, "store", st->o->name);
	jw_ki64(w, "conn", conn);
	ledger_end(st->sim->ledger);
	outbox_touch(st->sim->box);
}

static void on_refused(void *ctx, int64_t conn, int status)
{
	struct store *st = ctx;
	struct jw *w = ledger_begin(st->sim->ledger, "bad_request");
	jw_kz(w, "store", st->o->name);
	jw_ki64(w, "conn", conn);
	jw_ki64(w, "status", status);
	ledger_end(st->sim->ledger);
}

/* ---- life ---- */

static struct files *make_files(const struct sim *sim, const struct store_opts *o)
{
	struct files_plan p = {
		.key = gen_key((uint64_t)sim->opts->seed, slice_of(o->name)), .ids = (enum gen_ids)o->ids, .n = o->files, .now_s = sim->opts->now_s,
		.age_min_s = o->age_min_s, .age_max_s = o->age_max_s, .bytes_min = o->bytes_min, .bytes_max = o->bytes_max,
		.purpose = o->purpose[0] ? o->purpose : NULL, .purposes = speech_of((enum speech_dialect)o->dialect)->purposes,
	};
	memcpy(p.roles, o->roles, sizeof(p.roles));
	return files_new(&p);
}

enum rc store_new(struct store **out, struct sim *sim, const struct store_opts *o, struct err *e)
{
	static const struct httpd_handler h = { on_request, on_gave_up, on_refused };
	struct store *st = xcalloc(1, sizeof(*st));
	st->sim = sim;
	st->o = o;
	st->speech = speech_of((enum speech_dialect)o->dialect);
	enum rc rc = httpd_listen(&st->httpd, sim->loop, sim->box, (int)o->port, (size_t)o->max_upload, &h, st, e);
	if (rc != RC_OK) {
		free(st);
		return err_prefix(e, "store %s", o->name);
	}
	st->files = make_files(sim, o);
	limit_init(&st->limit, o->rate, o->burst, now_read().boot_us);
	*out = st;
	return RC_OK;
}

void store_free(struct store *st)
{
	if (!st)
		return;
	httpd_free(st->httpd);
	files_free(st->files);
	free(st->made);
	buf_done(&st->id);
	free(st);
}

int store_port(const struct store *st)
{
	return httpd_port(st->httpd);
}

const struct store_opts *store_opts(const struct store *st)
{
	return st->o;
}

struct files *store_files(struct store *st)
{
	return st->files;
}

void store_stats(const struct store *st, struct jw *w)
{
	jw_kz(w, "name", st->o->name);
	jw_key(w, "requests");
	jw_obj(w);
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		jw_ki64(w, fault_op_name(operations[i].op), st->requests[i]);
	jw_ki64(w, "other", st->other_requests);
	jw_end_obj(w);
	jw_ki64(w, "faults", st->faults);
	jw_ki64(w, "limited", st->limit.refused);
	jw_ki64(w, "deleted", st->deleted);
	jw_ki64(w, "uploaded", st->uploaded);
	jw_ki64(w, "files", files_count(st->files));
	jw_ki64(w, "live", files_live(st->files));
	jw_ki64(w, "connections", httpd_open(st->httpd));
	jw_ki64(w, "accepted", httpd_accepted(st->httpd));
	jw_ki64(w, "memory_bytes", (int64_t)files_memory(st->files));
}
