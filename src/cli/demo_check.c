/* Two accounts of one cycle, made by two programs that share no protocol code: what the store's ledger
 * says really happened, and what the audit log says. Compared id by id. */
#include "cli/demo.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, NAMED = 10 };

/* One fact about one id, from one of the two accounts. */
enum fact { ASKED, REALLY_DELETED, INTENT, TAKEN_BACK, SAID_DELETED, SAID_GONE, SAID_UNKNOWN };

struct entry {
	char *id;                       /* "lane/id" */
	enum fact fact;
};

struct facts {
	struct entry *v;
	size_t n, cap;
};

static void add(struct facts *f, struct slice lane, struct slice id, enum fact fact)
{
	GROW(f->v, f->cap, f->n + 1);
	char *key;
	if (asprintf(&key, "%.*s/%.*s", SLICE_FMT(lane), SLICE_FMT(id)) < 0)
		die("out of memory");
	f->v[f->n++] = (struct entry){ key, fact };
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int d = strcmp(x->id, y->id);
	return d ? d : (int)x->fact - (int)y->fact;
}

/* ---- the ledger ---- */

static void ledger_line(struct facts *f, const struct json *j)
{
	struct slice kind = json_get_str(j, "kind"), store = json_get_str(j, "store");
	if (slice_is(kind, "request") && slice_is(json_get_str(j, "op"), "delete"))
		add(f, store, json_get_str(j, "id"), ASKED);
	else if (slice_is(kind, "effect") && slice_is(json_get_str(j, "effect"), "deleted"))
		add(f, store, json_get_str(j, "id"), REALLY_DELETED);
}

static enum rc read_ledger(struct demo *d, struct facts *f, struct err *e)
{
	char path[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;
	enum rc rc = RC_OK;
	snprintf(path, sizeof path, "%s/ledger.jsonl", d->dir);
	FILE *file = fopen(path, "re");
	if (!file)
		return err_set(e, RC_INTERNAL, "%s cannot be read", path);
	while (rc == RC_OK && (n = getline(&line, &cap, file)) > 0) {
		struct json_doc *doc;
		rc = json_parse(&doc, (struct slice){ line, (size_t)n }, NULL, e);
		if (rc != RC_OK)
			break;
		ledger_line(f, json_root(doc));
		json_doc_free(doc);
	}
	free(line);
	fclose(file);
	return rc;
}

/* ---- the audit log ---- */

/* Which lane an id belongs to, from the plan. */
struct owner {
	struct slice id, lane;
};

static int owner_cmp(const void *a, const void *b)
{
	return slice_cmp(((const struct owner *)a)->id, ((const struct owner *)b)->id);
}

struct owners {
	struct owner *v;
	size_t n, cap;
	struct arena *text;
};

static enum rc read_owners(struct caller *cl, struct owners *o, struct err *e)
{
	int64_t offset = 0, total = 1;
	enum rc rc = RC_OK;
	while (rc == RC_OK && offset < total) {
		struct json_doc *d;
		char params[96];
		snprintf(params, sizeof params, "{\"look\":\"all\",\"offset\":%" PRId64 ",\"limit\":500}", offset);
		rc = caller_call(cl, "plan.items", params, &d, e);
		if (rc != RC_OK)
			return rc;
		total = json_get_i64(json_root(d), "total", 0);
		for (const struct json *r = json_first(json_get(json_root(d), "rows")); r; r = json_next(r), offset++) {
			struct slice id = json_get_str(r, "id"), lane = json_get_str(r, "lane");
			GROW(o->v, o->cap, o->n + 1);
			o->v[o->n++] = (struct owner){ { arena_strndup(o->text, id.p, id.n), id.n }, { arena_strndup(o->text, lane.p, lane.n), lane.n } };
		}
		json_doc_free(d);
	}
	qsort(o->v, o->n, sizeof *o->v, owner_cmp);
	return rc;
}

static void audit_record(struct facts *f, const struct owners *o, const struct json *r)
{
	const struct owner key = { json_get_str(r, "subject"), { NULL, 0 } };
	const struct owner *own = bsearch(&key, o->v, o->n, sizeof *o->v, owner_cmp);
	struct slice lane = own ? own->lane : SLICE_LIT("?"), kind = json_get_str(r, "kind");
	struct slice outcome = json_get_str(json_get(r, "payload"), "outcome");
	if (slice_is(kind, "intent"))
		add(f, lane, key.id, INTENT);
	else if (!slice_is(kind, "outcome"))
		return;
	else if (slice_is(outcome, "withdrawn"))
		add(f, lane, key.id, TAKEN_BACK);
	else if (slice_is(outcome, "deleted"))
		add(f, lane, key.id, SAID_DELETED);
	else if (slice_is(outcome, "gone"))
		add(f, lane, key.id, SAID_GONE);
	else if (slice_is(outcome, "unknown"))
		add(f, lane, key.id, SAID_UNKNOWN);
}

static enum rc read_audit(struct caller *cl, const struct owners *o, struct facts *f, struct err *e)
{
	static const char *const kinds[] = { "intent", "outcome" };
	enum rc rc = RC_OK;
	for (size_t k = 0; rc == RC_OK && k < ARRAY_LEN(kinds); k++) {
		int64_t after = 0, got = 1;
		while (rc == RC_OK && got) {
			struct json_doc *d;
			char params[128];
			snprintf(params, sizeof params, "{\"kind\":\"%s\",\"after\":%" PRId64 ",\"limit\":%d,\"oldest_first\":true}", kinds[k], after, PAGE);
			rc = caller_call(cl, "audit.tail", params, &d, e);
			if (rc != RC_OK)
				break;
			got = 0;
			for (const struct json *r = json_first(json_get(json_root(d), "records")); r; r = json_next(r), got++) {
				after = json_get_i64(r, "seq", after);
				audit_record(f, o, r);
			}
			json_doc_free(d);
		}
	}
	return rc;
}

/* ---- held against each other ---- */

struct tally {
	int64_t deleted, asked, intents, proved, lines, wrong;  /* wrong: ids that differ */
};

static void complain(struct tally *t, const char *id, const char *what)
{
	char shown[120];
	if (t->lines++ < NAMED)
		printf("DIFFERS      %s: %s\n", text_z(shown, sizeof shown, slice_of(id)), what);
}

static void one_id(struct tally *t, const struct entry *e, size_t n)
{
	int64_t by[SAID_UNKNOWN + 1] = { 0 }, lines = t->lines;
	char what[120];
	for (size_t i = 0; i < n; i++)
		by[e[i].fact]++;
	bool ours = by[SAID_DELETED] || by[SAID_GONE];
	t->deleted += by[REALLY_DELETED] > 0;
	t->asked += by[ASKED];
	by[INTENT] -= by[TAKEN_BACK];           /* its request never left */
	t->intents += by[INTENT];
	t->proved += by[SAID_UNKNOWN] && by[REALLY_DELETED] && !ours;
	if (ours && !by[REALLY_DELETED])
		complain(t, e->id, by[SAID_DELETED] ? "the store said deleted, its ledger says it was not" : "the log says gone, the ledger says it was not deleted");
	if (by[REALLY_DELETED] && !ours && !by[SAID_UNKNOWN])
		complain(t, e->id, "the ledger says it was deleted, the log does not");
	if (by[REALLY_DELETED] && !by[INTENT])
		complain(t, e->id, "it was deleted and nobody here intended it");
	if (by[ASKED] != by[INTENT]) {
		snprintf(what, sizeof what, "%" PRId64 " requests reached the store, %" PRId64 " attempts are in the log", by[ASKED], by[INTENT]);
		complain(t, e->id, what);
	}
	t->wrong += t->lines > lines;
}

static void compare(struct facts *f, struct tally *t)
{
	qsort(f->v, f->n, sizeof *f->v, by_id);
	for (size_t i = 0, j; i < f->n; i = j) {
		for (j = i; j < f->n && !strcmp(f->v[j].id, f->v[i].id); j++)
			;
		one_id(t, &f->v[i], j - i);
	}
}

enum rc demo_check(struct demo *d, struct caller *cl, struct err *e)
{
	struct facts f = { 0 };
	struct owners o = { .text = arena_new(1 << 16) };
	struct tally t = { 0 };
	enum rc rc = read_owners(cl, &o, e);
	if (rc == RC_OK)
		rc = read_audit(cl, &o, &f, e);
	if (rc == RC_OK)
		rc = read_ledger(d, &f, e);
	if (rc == RC_OK) {
		compare(&f, &t);
		printf("ledger       %" PRId64 " deleted, %" PRId64 " delete requests; log: %" PRId64 " attempts, %" PRId64 " unknown proved deleted; %" PRId64 " ids differ\n",
		       t.deleted, t.asked, t.intents, t.proved, t.wrong);
		if (t.wrong)
			rc = err_set(e, RC_INTERNAL, "the store's ledger and the audit log differ in %" PRId64 " id%s, named above", t.wrong, t.wrong == 1 ? "" : "s");
	}
	for (size_t i = 0; i < f.n; i++)
		free(f.v[i].id);
	free(f.v);
	free(o.v);
	arena_free(o.text);
	return rc;
}
