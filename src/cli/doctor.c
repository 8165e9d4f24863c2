/* sluice doctor: the engine's checks; without an engine, what can be checked from here. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* Rows of the table of what still works; a check that passes has none. */
static void show_lost(const struct json *k)
{
	static const char *const word[][2] = { { "works", "still works" }, { "stops", "does not" }, { "back", "comes back" } };
	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		struct slice said = json_get_str(k, word[i][0]);
		struct buf b = { 0 };
		if (!said.n)
			continue;
		text_show(&b, said, 400, false);
		printf("         %s: %s\n", word[i][1], buf_z(&b));
		buf_done(&b);
	}
}

static void show_check(const struct json *k)
{
	struct slice state = json_get_str(k, "state"), name = json_get_str(k, "name"), todo = json_get_str(k, "todo");
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "%-8.*s %.*s", SLICE_FMT(state), SLICE_FMT(json_get_str(k, "kind")));
	if (name.n) {
		buf_addc(&b, ' ');
		text_show(&b, name, 40, false);
	}
	buf_adds(&b, ": ");
	text_show(&b, json_get_str(k, "said"), 400, false);
	puts(buf_z(&b));
	if (todo.n) {
		buf_clear(&b);
		text_show(&b, todo, 400, false);
		printf("         -> %s\n", buf_z(&b));
	}
	buf_done(&b);
	show_lost(k);
}

static enum rc judged(const struct json *root, struct err *e)
{
	int64_t failed = 0;
	for (const struct json *k = json_first(json_get(root, "checks")); k; k = json_next(k))
		failed += slice_is(json_get_str(k, "state"), "fail");
	if (!failed)
		return RC_OK;
	return err_set(e, RC_FAILURES, "%lld check%s fail%s", (long long)failed, failed == 1 ? "" : "s", failed == 1 ? "s" : "");
}

/* The engine did not answer: say what the configuration looks like from here, and give its error back. */
static enum rc from_here(struct cli *c, enum rc rc, const struct err *why)
{
	struct config_report r;
	struct config *cfg;
	struct err e;
	if (c->json)
		return rc;
	printf("fail     engine: %s\n         -> sluice engine start\n", why->text);
	enum rc good = config_check(c->paths->config_file, &r);
	if (good == RC_OK && config_load(&cfg, c->paths->config_file, &e) == RC_OK) {
		good = config_check_files(cfg, &r);
		config_free(cfg);
	}
	if (good == RC_OK)
		printf("pass     configuration: %s\n", c->paths->config_file);
	else
		printf("fail     configuration: %zu error%s in %s\n         -> sluice config check\n", r.n, r.n == 1 ? "" : "s", c->paths->config_file);
	config_report_free(&r);
	return rc;
}

enum rc verb_doctor(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "checks", NULL, &d, e);
	if (rc != RC_OK)
		return from_here(c, rc, e);
	const struct json *root = json_root(d);
	if (c->json)
		print_json(root);
	else
		for (const struct json *k = json_first(json_get(root, "checks")); k; k = json_next(k))
			show_check(k);
	rc = judged(root, e);
	json_doc_free(d);
	return rc;
}
