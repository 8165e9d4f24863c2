/* The log: newest records, one of them, all of it. What proves it is in audit_proof.c. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EXPORT_PAGE = 1000 };

enum rc verb_audit_tail(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "seq", "seq", COL_NUMBER, 0 }, { "time", "at_us", COL_TIME, 0 }, { "actor", "actor", COL_TEXT, 20 },
		{ "via", "via", COL_TEXT, 12 }, { "kind", "kind", COL_TEXT, 18 }, { "subject", "subject", COL_TEXT, 32 }, { "what", "text", COL_TEXT, 90 } };
	static const struct { const char *opt, *key; bool number; } map[] = { { "--limit", "limit", true }, { "--kind", "kind", false },
		{ "--actor", "actor", false }, { "--subject", "subject", false }, { "--cycle", "cycle", true } };
	struct json_doc *d;
	struct buf b;
	struct jw w;
	int64_t n;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(map); i++) {
		const char *v = cli_opt(c, map[i].opt);
		if (!v && !strcmp(map[i].key, "limit"))
			v = "20";
		if (!v)
			continue;
		if (!map[i].number)
			jw_kz(&w, map[i].key, v);
		else if (parse_i64(slice_of(v), &n))
			jw_ki64(&w, map[i].key, n);
		else
			rc = err_set(e, RC_USAGE, "%s takes a whole number", map[i].opt);
	}
	if (rc == RC_OK) {
		jw_end_obj(&w);
		rc = cli_call(c, "audit.tail", buf_z(&b), &d, e);
	}
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		print_table(json_get(json_root(d), "records"), cols, ARRAY_LEN(cols));
	json_doc_free(d);
	return RC_OK;
}

static const char *const csv_fields[] = { "seq", "time", "actor", "uid", "role", "via", "kind", "subject", "cycle", "plan", "text", "hash" };

static void csv_record(struct buf *b, const struct json *r)
{
	for (size_t i = 0; i < ARRAY_LEN(csv_fields); i++) {
		const struct json *v = json_get(r, csv_fields[i]);
		struct slice s;
		struct buf num;
		buf_init(&num);
		if (json_is_null(v)) {
			s = (struct slice){ "", 0 };
		} else if (!json_str(v, &s)) {
			json_print(&num, v);
			s = buf_slice(&num);
		}
		if (i)
			buf_addc(b, ',');
		text_csv(b, s);
		buf_done(&num);
	}
	buf_addc(b, '\n');
}

struct export {
	struct caller *cl;
	bool csv;
	int64_t after, to;
	struct buf signed_head;         /* the last line, "" = nothing is signed now */
};

static void export_line(struct export *x, struct buf *b, struct slice line)
{
	struct json_doc *d;
	struct err e;
	if (!x->csv) {
		buf_add(b, line.p, line.n);
		buf_addc(b, '\n');
	} else if (json_parse(&d, line, NULL, &e) == RC_OK) {
		csv_record(b, json_root(d));
		json_doc_free(d);
	}
}

/* *more: the head is not reached yet. */
static enum rc export_page(struct export *x, bool *more, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	struct slice line;
	char params[120];
	int n = 0;
	snprintf(params, sizeof params, "{\"after\":%" PRId64 ",\"to\":%" PRId64 ",\"limit\":%d}", x->after, x->to, EXPORT_PAGE);
	enum rc rc = caller_call(x->cl, "audit.export", params, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *signed_head = json_get(json_root(d), "signed");
	if (json_is_object(signed_head))
		json_print(&x->signed_head, signed_head);
	x->to = json_get_i64(json_root(d), "to", 0);
	buf_init(&b);
	for (const struct json *l = json_first(json_get(json_root(d), "lines")); l; l = json_next(l), n++)
		if (json_str(l, &line)) {
			struct json_doc *r;
			export_line(x, &b, line);
			if (json_parse(&r, line, NULL, NULL) == RC_OK) {
				x->after = json_get_i64(json_root(r), "seq", x->after);
				json_doc_free(r);
			}
		}
	fwrite(b.p ? b.p : "", 1, b.n, stdout);
	buf_done(&b);
	json_doc_free(d);
	*more = n > 0 && x->after < x->to;
	return print_end(e);
}

enum rc verb_audit_export(struct cli *c, struct err *e)
{
	const char *format = cli_opt(c, "--format") ? cli_opt(c, "--format") : "jsonl";
	struct export x = { .csv = !strcmp(format, "csv") };
	bool more = true, sign = cli_opt(c, "--signed");
	if (!x.csv && strcmp(format, "jsonl"))
		return err_set(e, RC_USAGE, "--format is jsonl or csv");
	if (x.csv && sign)
		return err_set(e, RC_USAGE, "--signed is for jsonl: a CSV does not hold all that was hashed");
	enum rc rc = caller_open(&x.cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; x.csv && i < ARRAY_LEN(csv_fields); i++)
		printf("%s%s", csv_fields[i], i + 1 < ARRAY_LEN(csv_fields) ? "," : "\n");
	while (rc == RC_OK && more)
		rc = export_page(&x, &more, e);
	caller_close(x.cl);
	if (rc == RC_OK && sign && !x.signed_head.n)
		rc = err_set(e, RC_AUDIT, "the engine signs nothing now: its log does not verify, or its key is gone; sluice audit verify says why");
	if (rc == RC_OK && sign) {
		puts(buf_z(&x.signed_head));
		rc = print_end(e);
	}
	buf_done(&x.signed_head);
	return rc;
}

enum rc verb_audit_show(struct cli *c, struct err *e)
{
	static const struct { const char *title, *key; } rows[] = { { "time     ", "time" }, { "actor    ", "actor" }, { "role     ", "role" },
		{ "via      ", "via" }, { "kind     ", "kind" }, { "subject  ", "subject" }, { "plan     ", "plan" }, { "what     ", "text" },
		{ "prev     ", "prev" }, { "hash     ", "hash" } };
	struct json_doc *d;
	char params[48];
	int64_t seq;
	if (!parse_i64(slice_of(c->arg[0]), &seq) || seq < 1)
		return err_set(e, RC_USAGE, "audit show takes the number of a record, 1 or more");
	snprintf(params, sizeof params, "{\"seq\":%" PRId64 "}", seq);
	enum rc rc = cli_call(c, "audit.show", params, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *j = json_root(d), *r = json_get(j, "record");
	bool good = json_get_bool(j, "recomputed", false) && json_get_bool(j, "follows", false) && json_get_bool(j, "followed", true);
	if (c->json) {
		print_json(j);
	} else {
		printf("record   %" PRId64 "\n", seq);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (json_get_str(r, rows[i].key).n) {
				print_field(rows[i].title, r, rows[i].key);
				putchar('\n');
			}
		printf("chain    %s, %s, %s\n", json_get_bool(j, "recomputed", false) ? "its hash is that of its values" : "ITS HASH IS NOT THAT OF ITS VALUES",
		       json_get_bool(j, "follows", false) ? "it follows the one before" : "IT DOES NOT FOLLOW THE ONE BEFORE",
		       json_is_null(json_get(j, "followed")) ? "it is the newest" : json_get_bool(j, "followed", false) ? "the next one follows it" :
		       "THE NEXT ONE DOES NOT FOLLOW IT");
		int64_t by = json_get_i64(j, "signed_by_record", -1);
		if (by > 0)
			printf("signed   by the checkpoint in record %" PRId64 "\n", by);
	}
	json_doc_free(d);
	rc = print_end(e);
	return rc == RC_OK && !good ? err_set(e, RC_AUDIT, "record %" PRId64 " does not stand in an unbroken chain; sluice audit verify names the first bad one", seq) : rc;
}
