/* Dead letters: the list, a cycle for some of them, the end of one. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum rc verb_dead_list(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "letter", "letter", COL_TEXT, 14 }, { "belief", "belief", COL_TEXT, 14 }, { "class", "class", COL_TEXT, 5 },
		{ "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 40 }, { "name", "name", COL_TEXT, 30 }, { "bytes", "bytes", COL_BYTES, 0 },
		{ "failed by", "failed_by", COL_TEXT, 14 }, { "phase", "phase", COL_TEXT, 12 }, { "since", "at_us", COL_TIME, 0 } };
	static const struct { const char *opt, *key; bool number; } map[] = { { "--lane", "lane", false }, { "--belief", "belief", false },
		{ "--offset", "offset", true }, { "--limit", "limit", true } };
	struct json_doc *d;
	struct buf b;
	struct jw w;
	int64_t n;
	enum rc rc = RC_OK;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(map); i++) {
		const char *v = cli_opt(c, map[i].opt);
		if (!v)
			continue;
		if (!map[i].number)
			jw_kz(&w, map[i].key, v);
		else if (parse_i64(slice_of(v), &n) && n >= 0)
			jw_ki64(&w, map[i].key, n);
		else
			rc = err_set(e, RC_USAGE, "%s takes a whole number", map[i].opt);
	}
	if (rc == RC_OK) {
		jw_end_obj(&w);
		rc = cli_call(c, "dead.list", buf_z(&b), &d, e);
	}
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	const struct json *letters = json_get(json_root(d), "letters");
	int64_t total = json_get_i64(json_root(d), "total", 0);
	if (c->json)
		print_json(json_root(d));
	else if (!total)
		puts("no dead letters");
	else
		print_table(letters, cols, ARRAY_LEN(cols));
	if (!c->json && (int64_t)json_len(letters) < total)
		printf("%zu of %" PRId64 " shown\n", json_len(letters), total);
	json_doc_free(d);
	return RC_OK;
}

static void write_letters(struct jw *w, const struct cli *c)
{
	jw_key(w, "letters");
	jw_arr(w);
	for (int i = 0; i < c->args; i++)
		jw_z(w, c->arg[i]);
	jw_end_arr(w);
}

/* --lane and --belief instead of names: all of the list that fit. */
static enum rc letters_of(struct cli *c, struct jw *w, struct err *e)
{
	const char *lane = cli_opt(c, "--lane"), *belief = cli_opt(c, "--belief");
	struct json_doc *d;
	struct buf b;
	struct jw q;
	struct slice s;
	if (c->args && (lane || belief))
		return err_set(e, RC_USAGE, "name letters, or all of a --lane or --belief: not both");
	if (!c->args && !lane && !belief)
		return err_set(e, RC_USAGE, "name at least one dead letter, as dead list does, or all of a --lane or --belief");
	if (c->args) {
		write_letters(w, c);
		return RC_OK;
	}
	buf_init(&b);
	jw_init(&q, &b);
	jw_obj(&q);
	if (lane)
		jw_kz(&q, "lane", lane);
	if (belief)
		jw_kz(&q, "belief", belief);
	jw_ki64(&q, "limit", 1000);
	jw_end_obj(&q);
	enum rc rc = cli_call(c, "dead.list", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	jw_key(w, "letters");
	jw_arr(w);
	for (const struct json *j = json_first(json_get(json_root(d), "letters")); j; j = json_next(j)) {
		s = json_get_str(j, "letter");
		jw_str(w, s);
	}
	jw_end_arr(w);
	if (!json_get_i64(json_root(d), "total", 0))
		rc = err_set(e, RC_NOT_FOUND, "no dead letter is like that");
	json_doc_free(d);
	return rc;
}

static enum rc change(struct cli *c, const char *method, const char *reason, struct json_doc **out, struct err *e)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	enum rc rc = letters_of(c, &w, e);
	if (rc == RC_OK) {
		if (reason)
			jw_kz(&w, "reason", reason);
		jw_end_obj(&w);
		rc = cli_call(c, method, buf_z(&b), out, e);
	}
	buf_done(&b);
	return rc;
}

enum rc verb_dead_redrive(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = change(c, "dead.redrive", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		puts("a cycle for them is open; cycle status shows it, and its plan needs a grant");
	json_doc_free(d);
	return RC_OK;
}

enum rc verb_dead_dismiss(struct cli *c, struct err *e)
{
	const char *reason = cli_opt(c, "--reason");
	struct json_doc *d;
	if (!reason || !reason[0])
		return err_set(e, RC_USAGE, "dismissing a dead letter needs --reason");
	enum rc rc = change(c, "dead.dismiss", reason, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		printf("%" PRId64 " dismissed\n", json_get_i64(json_root(d), "dismissed", 0));
	json_doc_free(d);
	return RC_OK;
}
