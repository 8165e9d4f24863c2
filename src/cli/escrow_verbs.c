/* Copies of what was deleted, or is going to be: which there are, and whether they are still whole. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

static enum rc ask(struct cli *c, const char *method, const char *id, const char *state, struct json_doc **d, struct err *e)
{
	const char *lane = cli_opt(c, "--lane"), *limit = c->verb->run == verb_escrow_list ? cli_opt(c, "--limit") : NULL;
	struct buf b;
	struct jw w;
	int64_t n = 0;
	if (limit && (!parse_i64(slice_of(limit), &n) || n < 1))
		return err_set(e, RC_USAGE, "--limit takes a whole number, 1 or more");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	if (lane)
		jw_kz(&w, "lane", lane);
	if (id)
		jw_kz(&w, "id", id);
	if (state)
		jw_kz(&w, "state", state);
	if (n)
		jw_ki64(&w, "limit", n);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, method, buf_z(&b), d, e);
	buf_done(&b);
	return rc;
}

enum rc verb_escrow_list(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 32 }, { "name", "name", COL_TEXT, 40 },
		{ "bytes", "bytes", COL_BYTES, 0 }, { "state", "state", COL_TEXT, 10 }, { "cycle", "cycle", COL_NUMBER, 0 },
		{ "since", "at_us", COL_TIME, 0 }, { "sha256", "sha256", COL_TEXT, 16 } };
	const char *state = cli_opt(c, "--state");
	struct json_doc *d;
	enum rc rc = ask(c, "escrow.list", NULL, state ? state : "ok", &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		print_table(json_get(json_root(d), "copies"), cols, ARRAY_LEN(cols));
	json_doc_free(d);
	return print_end(e);
}

enum rc verb_escrow_verify(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 40 }, { "why", "why", COL_TEXT, 200 } };
	struct json_doc *d;
	enum rc rc = ask(c, "escrow.verify", c->args ? c->arg[0] : NULL, NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *root = json_root(d);
	int64_t bad = json_get_i64(root, "bad", 0), checked = json_get_i64(root, "checked", 0);
	if (c->json) {
		print_json(root);
	} else {
		printf("%" PRId64 " cop%s read again and compared, %" PRId64 " damaged or missing\n", checked, checked == 1 ? "y" : "ies", bad);
		if (bad)
			print_table(json_get(root, "damaged"), cols, ARRAY_LEN(cols));
	}
	json_doc_free(d);
	rc = print_end(e);
	if (rc == RC_OK && bad)
		rc = err_set(e, RC_FAILURES, "%" PRId64 " of %" PRId64 " copies are damaged or missing", bad, checked);
	return rc;
}

enum rc verb_escrow_restore(struct cli *c, struct err *e)
{
	return err_set(e, RC_REFUSED, "this version restores copies only while a cycle is being aborted (cycle abort --how restore); "
		       "afterwards the copy of %.80s can be uploaded by hand: sluice escrow list --json says where it is",
		       c->arg[0]);
}
