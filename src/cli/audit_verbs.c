/* The log: newest records, its proof, all of it. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static enum rc verdict(struct cli *c, const struct json *j, struct err *e)
{
	char why[220];
	bool ok = json_get_bool(j, "ok", false);
	if (c->json) {
		print_json(j);
	} else if (ok) {
		print_count("ok: ", j, "records");
		print_field(" records, head ", json_get(j, "head"), "short");
		putchar('\n');
	}
	return ok ? RC_OK : err_set(e, RC_AUDIT, "the log does not verify: %s", text_z(why, sizeof why, json_get_str(j, "why")));
}

/* As the protocol says it. */
static void verdict_json(struct buf *b, const struct audit_verdict *v)
{
	char hex[HASH_HEX], shown[16];
	struct jw w;
	jw_init(&w, b);
	jw_obj(&w);
	jw_kbool(&w, "ok", v->ok);
	jw_ki64(&w, "records", v->records);
	jw_kopt(&w, "first_bad", v->first_bad ? v->first_bad : -1);
	jw_kz(&w, "why", v->ok ? NULL : v->why);
	jw_key(&w, "head");
	jw_obj(&w);
	jw_ki64(&w, "seq", v->head.seq);
	jw_kz(&w, "hash", hash_hex(hex, &v->head.hash));
	jw_kz(&w, "short", hash_short(shown, &v->head.hash));
	jw_end_obj(&w);
	jw_end_obj(&w);
}

static enum rc verify_offline(struct cli *c, struct err *e)
{
	struct audit_verdict v;
	struct json_doc *doc;
	struct buf b;
	struct db *d;
	if (access(c->paths->db, F_OK) != 0 && errno == ENOENT)
		return err_set(e, RC_USAGE, "there is no log at %s; name its state directory with --state", c->paths->db);
	enum rc rc = db_open(&d, c->paths->db, DB_READER, &schema_sluice, e);
	if (rc != RC_OK)
		return rc;
	rc = audit_verify(d, c->paths->anchors, &v, NULL, NULL, e);
	db_close(d);
	if (rc != RC_OK)
		return rc;
	buf_init(&b);
	verdict_json(&b, &v);
	rc = json_parse(&doc, buf_slice(&b), NULL, e);
	if (rc == RC_OK) {
		rc = verdict(c, json_root(doc), e);
		json_doc_free(doc);
	}
	buf_done(&b);
	return rc;
}

enum rc verb_audit_verify(struct cli *c, struct err *e)
{
	struct json_doc *d;
	if (cli_opt(c, "--offline"))
		return verify_offline(c, e);
	enum rc rc = cli_call(c, "audit.verify", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	rc = verdict(c, json_root(d), e);
	json_doc_free(d);
	return rc;
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

static enum rc export_page(struct caller *cl, bool csv, int64_t *after, bool *more, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	char params[96];
	snprintf(params, sizeof params, "{\"after\":%" PRId64 ",\"limit\":%d,\"oldest_first\":true}", *after, EXPORT_PAGE);
	enum rc rc = caller_call(cl, "audit.tail", params, &d, e);
	if (rc != RC_OK)
		return rc;
	buf_init(&b);
	*more = false;
	for (const struct json *r = json_first(json_get(json_root(d), "records")); r; r = json_next(r)) {
		*after = json_get_i64(r, "seq", *after);
		*more = true;
		if (csv) {
			csv_record(&b, r);
		} else {
			json_print(&b, r);
			buf_addc(&b, '\n');
		}
	}
	fwrite(b.p ? b.p : "", 1, b.n, stdout);
	buf_done(&b);
	json_doc_free(d);
	return print_end(e);
}

enum rc verb_audit_export(struct cli *c, struct err *e)
{
	const char *format = cli_opt(c, "--format") ? cli_opt(c, "--format") : "jsonl";
	bool csv = !strcmp(format, "csv"), more = true;
	struct caller *cl;
	int64_t after = 0;
	if (!csv && strcmp(format, "jsonl"))
		return err_set(e, RC_USAGE, "--format is jsonl or csv");
	enum rc rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; csv && i < ARRAY_LEN(csv_fields); i++)
		printf("%s%s", csv_fields[i], i + 1 < ARRAY_LEN(csv_fields) ? "," : "\n");
	while (rc == RC_OK && more)
		rc = export_page(cl, csv, &after, &more, e);
	caller_close(cl);
	return rc;
}
