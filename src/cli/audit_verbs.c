/* The log: newest records, one of them. All of it: audit_export.c; what proves it: audit_proof.c. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
