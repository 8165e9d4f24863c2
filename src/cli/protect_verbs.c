/* Items protected by hand. */
#include "cli/verbs.h"

#include "base/mem.h"

#include <stdio.h>

enum rc verb_protect_list(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 16 }, { "id", "id", COL_TEXT, 40 }, { "by", "by", COL_TEXT, 16 },
		{ "since", "at_us", COL_TIME, 0 }, { "reason", "reason", COL_TEXT, 60 } };
	struct json_doc *d;
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	if (cli_opt(c, "--lane"))
		jw_kz(&w, "lane", cli_opt(c, "--lane"));
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "protect.list", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	const struct json *items = json_get(json_root(d), "items");
	if (c->json)
		print_json(json_root(d));
	else if (!json_len(items))
		puts("nothing is protected by hand");
	else
		print_table(items, cols, ARRAY_LEN(cols));
	if (!c->json && json_get_bool(json_root(d), "more", false))
		printf("there are more: rpc protect.list with after_lane and after_id goes on\n");
	json_doc_free(d);
	return RC_OK;
}

static enum rc change(struct cli *c, const char *method, const char *done, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	struct jw w;
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "%s an item needs --reason TEXT", done);
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "lane", c->arg[0]);
	jw_kz(&w, "id", c->arg[1]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	jw_end_obj(&w);
	enum rc rc = cli_call(c, method, buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else if (!json_get_bool(json_root(d), "protected", false))
		puts("no longer protected by hand; the policy decides again from the next validation on");
	else if (json_get_bool(json_root(d), "planned", false))
		puts("protected: it stands in the plan and will not be sent");
	else
		puts("protected from the next validation on");
	json_doc_free(d);
	return RC_OK;
}

enum rc verb_protect_add(struct cli *c, struct err *e)
{
	return change(c, "protect.set", "protecting", e);
}

enum rc verb_protect_remove(struct cli *c, struct err *e)
{
	return change(c, "protect.clear", "no longer protecting", e);
}
