/* One records source driven by hand: recprobe CONFIG NAME. Each line on stdin is a JSON object with
 * "op"; each answer is a line. Bytes from and to the database are in hex. While "list" has
 * "pause": true, a line {"page": n} comes after every page and waits for a line on stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "records/records.h"

struct probe {
	struct loop *loop;
	struct records *rec;
	bool pause, over;
	struct buf rows;                /* JSON objects of the list */
	int64_t n;
};

static void hex(struct jw *w, const char *key, struct slice s)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < s.n; i++)
		buf_addf(&b, "%02x", (unsigned char)s.p[i]);
	jw_kstr(w, key, buf_slice(&b));
	buf_done(&b);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct slice unhex(struct slice s)
{
	char *p = xmalloc(s.n / 2 + 1);
	for (size_t i = 0; i + 1 < s.n; i += 2)
		p[i / 2] = (char)(digit(s.p[i]) << 4 | digit(s.p[i + 1]));
	return (struct slice){ p, s.n / 2 };
}

static void say(struct buf *b)
{
	puts(buf_z(b));
	fflush(stdout);
	buf_done(b);
}

static void trouble(struct jw *w, enum rc rc, const struct err *e)
{
	jw_kz(w, "rc", rc_name(rc));
	jw_kz(w, "error", e ? e->text : "");
}

/* On the records' thread. */
static enum rc on_page(void *ctx, const struct catalog_row *rows, size_t n, struct err *e)
{
	struct probe *p = ctx;
	(void)e;
	for (size_t i = 0; i < n; i++) {
		struct jw w;
		buf_adds(&p->rows, p->rows.n ? "," : "");
		jw_init(&w, &p->rows);
		jw_obj(&w);
		hex(&w, "key", rows[i].key);
		hex(&w, "lane", rows[i].lane);
		hex(&w, "file", rows[i].file_id);
		hex(&w, "name", rows[i].name);
		hex(&w, "object", rows[i].object);
		hex(&w, "status", rows[i].status);
		jw_ki64(&w, "bytes", rows[i].bytes);
		jw_ki64(&w, "created_us", rows[i].created_us);
		jw_ki64(&w, "used_us", rows[i].used_us);
		jw_kbool(&w, "referenced", rows[i].referenced);
		jw_end_obj(&w);
	}
	p->n += (int64_t)n;
	if (p->pause) {
		char line[64];
		printf("{\"page\": %zu}\n", n);
		fflush(stdout);
		if (!fgets(line, sizeof line, stdin))
			exit(2);
	}
	return RC_OK;
}

static void on_listed(void *ctx, const struct records_list *l)
{
	struct probe *p = ctx;
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	trouble(&w, l->rc, &l->err);
	jw_ki64(&w, "rows_counted", l->rows);
	jw_ki64(&w, "before", l->count_before);
	jw_ki64(&w, "after", l->count_after);
	jw_kbool(&w, "claim", l->caps.claim);
	jw_kbool(&w, "status", l->caps.status);
	jw_kbool(&w, "deleted_at", l->caps.deleted_at);
	jw_kbool(&w, "used", l->caps.used);
	jw_kz(&w, "unclaimed", l->caps.unclaimed);
	jw_kz(&w, "places", l->places);
	jw_key(&w, "rows");
	struct buf rows = { 0 };
	buf_addf(&rows, "[%s]", buf_z(&p->rows));
	jw_raw(&w, buf_slice(&rows));
	buf_done(&rows);
	jw_end_obj(&w);
	say(&b);
	p->over = true;
}

static void on_answer(void *ctx, const struct records_answer *a)
{
	struct probe *p = ctx;
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	trouble(&w, a->rc, &a->err);
	jw_key(&w, "results");
	jw_arr(&w);
	for (size_t i = 0; a->rc == RC_OK && i < a->n; i++)
		jw_z(&w, records_result_name(a->results[i]));
	jw_end_arr(&w);
	jw_end_obj(&w);
	say(&b);
	p->over = true;
}

static void on_count(void *ctx, int64_t n, const struct err *err)
{
	struct probe *p = ctx;
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_ki64(&w, "n", n);
	jw_kz(&w, "error", n < 0 ? err->text : "");
	jw_end_obj(&w);
	say(&b);
	p->over = true;
}

static char *text_of(const struct json *j, const char *key)
{
	struct slice s = json_get_str(j, key);
	return xstrndup(s.n ? s.p : "", s.n);
}

/* refs: [[lane, file, key, new id]; the last may be missing, …] in hex */
static struct records_ref *refs_of(const struct json *j, size_t *n)
{
	struct records_ref *r = xcalloc(json_len(j) + 1, sizeof *r);
	*n = 0;
	for (const struct json *one = json_first(j); one; one = json_next(one)) {
		struct slice part[4] = { 0 };
		int k = 0;
		for (const struct json *v = json_first(one); v && k < 4; v = json_next(v))
			if (json_str(v, &part[k]))
				part[k] = unhex(part[k]), k++;
		r[(*n)++] = (struct records_ref){ part[0], part[1], part[2], part[3] };
	}
	return r;
}

static void batch(struct probe *p, const char *op, const struct json *j)
{
	size_t n;
	struct records_ref *r = refs_of(json_get(j, "refs"), &n);
	char *token = text_of(j, "token"), *reason = text_of(j, "reason");
	if (strcmp(op, "recheck") == 0)
		records_recheck(p->rec, r, n, on_answer, p);
	else if (strcmp(op, "claim") == 0)
		records_claim(p->rec, r, n, token, on_answer, p);
	else if (strcmp(op, "release") == 0)
		records_release(p->rec, r, n, token, on_answer, p);
	else if (strcmp(op, "commit") == 0)
		records_commit(p->rec, r, n, token, reason, on_answer, p);
	else if (strcmp(op, "remap") == 0)
		records_remap(p->rec, r, n, token, on_answer, p);
	else if (strcmp(op, "purge") == 0)
		records_purge(p->rec, r, n, on_answer, p);
	else
		die("recprobe: no op %s", op);
	for (size_t i = 0; i < n; i++) {        /* refs are copied by the call */
		free((char *)(uintptr_t)r[i].lane.p);
		free((char *)(uintptr_t)r[i].file_id.p);
		free((char *)(uintptr_t)r[i].key.p);
		free((char *)(uintptr_t)r[i].new_id.p);
	}
	free(r);
	free(token);
	free(reason);
}

static void permit(struct probe *p, const char *what)
{
	records_permit(p->rec, strcmp(what, "all") == 0 ? RECORDS_ALL : strcmp(what, "rehearse") == 0 ? RECORDS_REHEARSE : RECORDS_READS);
	puts("{}");
	fflush(stdout);
	p->over = true;
}

static void run(struct probe *p, const struct json *j)
{
	char *op = text_of(j, "op"), *what = text_of(j, "what");
	p->over = false;
	if (strcmp(op, "list") == 0) {
		p->pause = json_get_bool(j, "pause", false);
		p->n = 0;
		buf_clear(&p->rows);
		records_list(p->rec, on_page, on_listed, p);
	} else if (strcmp(op, "permit") == 0) {
		permit(p, what);
	} else if (strcmp(op, "count") == 0) {
		records_count_claims(p->rec, what, on_count, p);
	} else {
		batch(p, op, j);
	}
	if (json_get_bool(j, "leave", false)) { /* the engine stops while the call runs */
		while (!p->over && !json_get_bool(j, "now", false))
			loop_run_once(p->loop);
		records_free(p->rec);
		p->rec = NULL;
	}
	while (!p->over)
		loop_run_once(p->loop);
	free(op);
	free(what);
}

int main(int argc, char **argv)
{
	struct probe p = { .loop = loop_new() };
	struct config *c;
	struct err e = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	if (argc != 3)
		die("usage: recprobe CONFIG NAME");
	if (config_load(&c, argv[1], &e) != RC_OK || !config_records(c, slice_of(argv[2])) ||
	    records_new(&p.rec, p.loop, c, config_records(c, slice_of(argv[2])), &e) != RC_OK) {
		printf("{\"error\": \"%s\"}\n", e.text);
		return 2;
	}
	records_permit(p.rec, RECORDS_ALL);
	puts("{\"ready\": true}");
	fflush(stdout);
	while (p.rec && (n = getline(&line, &cap, stdin)) > 0) {
		struct json_doc *d;
		const struct json_limits wide = { .max_bytes = 64u << 20 };
		if (json_parse(&d, (struct slice){ line, (size_t)n }, &wide, &e) != RC_OK)
			die("recprobe: %s", e.text);
		run(&p, json_root(d));
		json_doc_free(d);
	}
	records_free(p.rec);
	buf_done(&p.rows);
	free(line);
	config_free(c);
	loop_free(p.loop);
	return 0;
}
