/* Verbs that only look. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Call, then print the whole result as JSON, or one of its arrays as a table. */
static enum rc show(struct cli *c, const char *method, const char *params, const char *array, const struct column *cols, size_t n, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, method, params, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		print_table(json_get(json_root(d), array), cols, n);
	json_doc_free(d);
	return RC_OK;
}

static const struct column lane_cols[] = {
	{ "lane", "name", COL_TEXT, 32 }, { "listed", "listed", COL_NUMBER, 0 }, { "bytes", "listed_bytes", COL_BYTES, 0 },
	{ "candidates", "candidates", COL_NUMBER, 0 }, { "protected", "protected", COL_NUMBER, 0 }, { "ineligible", "ineligible", COL_NUMBER, 0 },
	{ "breaker", "breaker.state", COL_TEXT, 12 }, { "url", "url", COL_TEXT, 48 } };
static const struct column link_cols[] = {
	{ "link", "name", COL_TEXT, 32 }, { "state", "state", COL_TEXT, 12 }, { "rtt µs", "rtt_us", COL_NUMBER, 0 },
	{ "reconnects", "reconnects", COL_NUMBER, 0 }, { "close", "close_code", COL_NUMBER, 0 }, { "why", "sentence", COL_TEXT, 110 } };

enum rc verb_lanes(struct cli *c, struct err *e) { return show(c, "lanes", NULL, "lanes", lane_cols, ARRAY_LEN(lane_cols), e); }

enum rc verb_links(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "links", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *links = json_get(json_root(d), "links");
	if (c->json) {
		print_json(json_root(d));
	} else {
		print_table(links, link_cols, ARRAY_LEN(link_cols));
		links_below(links);
	}
	json_doc_free(d);
	return RC_OK;
}

enum rc verb_policies(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "policy", "name", COL_TEXT, 32 }, { "order", "order", COL_TEXT, 10 },
		{ "cap items", "cap_items", COL_NUMBER, 0 }, { "cap bytes", "cap_bytes", COL_BYTES, 0 }, { "approvals", "approvals", COL_NUMBER, 0 } };
	return show(c, "policies", NULL, "policies", cols, ARRAY_LEN(cols), e);
}

static void show_status(const struct json *j)
{
	const struct json *en = json_get(j, "engine"), *cy = json_get(j, "cycle"), *chain = json_get(j, "chain");
	char t[TIME_TEXT];
	print_field("engine ", en, "name");
	print_field("  mode ", en, "mode");
	printf("  up %s", time_age(t, now_read().wall_us - json_get_i64(en, "started_us", 0)));
	print_count("  chain #", chain, "seq");
	print_field(" ", chain, "short");
	print_field("\nnotice: ", en, "notice");
	puts("\n");
	print_table(json_get(j, "links"), link_cols, ARRAY_LEN(link_cols));
	putchar('\n');
	print_table(json_get(j, "lanes"), lane_cols, ARRAY_LEN(lane_cols));
	if (!json_is_object(cy))
		return;
	print_field("\ncycle ", cy, "name");
	print_field("  ", cy, "policy");
	print_field("  ", cy, "stage");
	print_field("  ", cy, "end");
	print_field("  ", cy, "waiting_for");
	putchar('\n');
}

enum rc verb_status(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "status", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		show_status(json_root(d));
	json_doc_free(d);
	return RC_OK;
}

/* {"lane": …, "items": …} from the options that were given. */
static enum rc params_from(const struct cli *c, const char *const (*map)[2], size_t n, const char *numbers, struct jw *w, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *v = cli_opt(c, map[i][0]);
		int64_t num;
		if (!v)
			continue;
		if (!strchr(numbers, (char)('0' + i)))
			jw_kz(w, map[i][1], v);
		else if (parse_i64(slice_of(v), &num))
			jw_ki64(w, map[i][1], num);
		else
			return err_set(e, RC_USAGE, "%s takes a whole number", map[i][0]);
	}
	return RC_OK;
}

enum rc verb_candidates(struct cli *c, struct err *e)
{
	static const char *const map[][2] = { { "--lane", "lane" }, { "--verdict", "verdict" }, { "--text", "text" }, { "--order", "order" },
		{ "--offset", "offset" }, { "--limit", "limit" }, { "--filter", "filter" } };
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 20 }, { "id", "id", COL_TEXT, 32 }, { "name", "name", COL_TEXT, 40 },
		{ "size", "bytes", COL_BYTES, 0 }, { "age", "created_us", COL_AGE, 0 }, { "verdict", "verdict", COL_TEXT, 12 },
		{ "rule", "rule", COL_TEXT, 30 }, { "class", "class", COL_TEXT, 3 }, { "where", "where", COL_TEXT, 6 }, { "reason", "reason", COL_TEXT, 60 } };
	struct buf b;
	struct jw w;
	const char *id = cli_opt(c, "--id");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	enum rc rc = RC_OK;
	if (id)
		jw_kz(&w, "id", id);
	else
		rc = params_from(c, map, ARRAY_LEN(map), "45", &w, e);
	if (!id && cli_opt(c, "--desc"))
		jw_kbool(&w, "desc", true);
	if (rc == RC_OK) {
		jw_end_obj(&w);
		if (id)
			c->json = true;         /* evidence is nested: shown as it is */
		rc = show(c, id ? "candidates.one" : "candidates", buf_z(&b), "rows", cols, ARRAY_LEN(cols), e);
	}
	buf_done(&b);
	return rc;
}

static void show_bytes(const char *before, const struct json *obj, const char *key)
{
	struct buf b;
	buf_init(&b);
	print_bytes(&b, json_get_i64(obj, key, 0));
	printf("%s%s", before, buf_z(&b));
	buf_done(&b);
}

static void show_plan_lane(const struct json *l)
{
	const struct json *k = json_get(l, "class"), *caps = json_get(l, "caps"), *part = json_get(l, "grant");
	int64_t share = json_get_i64(caps, "share_bp", 0);
	print_field("\nlane ", l, "lane");
	print_field("  ", l, "url");
	print_field("  account ", l, "account");
	print_field("  key …", l, "key");
	print_count("\n  items ", l, "items");
	print_count(" of ", l, "listed");
	print_count(" listed (expected ", l, "expected");
	show_bytes(")   bytes ", l, "bytes");
	print_count("\n  class R3 ", k, "R3");
	print_count("  R2 ", k, "R2");
	print_count("  R1 ", k, "R1");
	print_count("  R0 ", k, "R0");
	fputs(" (cannot be brought back)", stdout);
	show_bytes("\n  restorable ", l, "restorable_bytes");
	show_bytes(" of ", l, "bytes");
	print_count("\n  caps ", caps, "items");
	show_bytes(" items, ", caps, "bytes");
	printf(", share %" PRId64 ".%02" PRId64 " %%", share / 100, share % 100);
	print_count(", at least ", caps, "remain");
	puts(" remain");
	print_list("  by default: ", json_get(caps, "defaults"));
	print_list("  cannot be looked into: ", json_get(l, "blind"));
	print_field("  ", l, "claims_sentence");
	print_field(json_get_str(l, "claims_sentence").n ? "\n  type: " : "  type: ", l, "phrase");
	print_field("\n        ", l, "irreversible_phrase");
	if (part) {
		print_count("\n  a grant of ", part, "items");
		show_bytes(" items: ", part, "bytes");
		print_field("\n  type: ", part, "phrase");
		print_field("\n        ", part, "irreversible_phrase");
	}
	putchar('\n');
}

static void show_plan(const struct json *p)
{
	char t[TIME_TEXT];
	print_field("plan ", p, "short");
	print_field("  (", p, "id");
	print_field(")\npolicy ", p, "policy");
	printf("  made %s", time_rfc3339(t, json_get_i64(p, "made_us", 0), false));
	printf("  expires %s\n", time_rfc3339(t, json_get_i64(p, "expires_us", 0), false));
	if (!json_get_bool(p, "valid", false)) {
		print_field("no longer valid: ", p, "invalid_because");
		putchar('\n');
	}
	for (const struct json *l = json_first(json_get(p, "lanes")); l; l = json_next(l))
		show_plan_lane(l);
	for (const struct json *r = json_first(json_get(p, "records")); r; r = json_next(r)) {
		print_field("\nrecords ", r, "places");
		putchar('\n');
	}
	print_field("lease: ", p, "lease");
	print_field("\nif aborted: ", p, "if_abort");
	putchar('\n');
}

enum rc verb_plan_show(struct cli *c, struct err *e)
{
	static const char *const map[][2] = { { "--lane", "lane" }, { "--items", "items" } };
	struct json_doc *d;
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	enum rc rc = params_from(c, map, ARRAY_LEN(map), "1", &w, e);
	if (rc == RC_OK) {
		jw_end_obj(&w);
		rc = cli_call(c, "plan.show", buf_z(&b), &d, e);
	}
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		show_plan(json_root(d));
	json_doc_free(d);
	return RC_OK;
}

enum rc verb_plan_items(struct cli *c, struct err *e)
{
	static const char *const map[][2] = { { "--lane", "lane" }, { "--offset", "offset" }, { "--limit", "limit" } };
	static const struct column cols[] = { { "rank", "rank", COL_NUMBER, 0 }, { "lane", "lane", COL_TEXT, 20 }, { "id", "id", COL_TEXT, 32 },
		{ "name", "name", COL_TEXT, 40 }, { "size", "bytes", COL_BYTES, 0 }, { "age", "created_us", COL_AGE, 0 }, { "class", "class", COL_TEXT, 3 },
		{ "rule", "rule", COL_TEXT, 30 }, { "state", "state", COL_TEXT, 16 } };
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "look", c->arg[0]);
	enum rc rc = params_from(c, map, ARRAY_LEN(map), "12", &w, e);
	if (rc == RC_OK) {
		jw_end_obj(&w);
		rc = show(c, "plan.items", buf_z(&b), "rows", cols, ARRAY_LEN(cols), e);
	}
	buf_done(&b);
	return rc;
}

enum rc verb_mode(struct cli *c, struct err *e)
{
	struct json_doc *d;
	char params[80];
	enum rc rc;
	if (!c->args) {
		rc = cli_call(c, "status", NULL, &d, e);
		if (rc == RC_OK) {
			print_field(c->json ? "{\"mode\":\"" : "", json_get(json_root(d), "engine"), "mode");
			puts(c->json ? "\"}" : "");
			json_doc_free(d);
		}
		return rc;
	}
	if (strspn(c->arg[0], "abcdefghijklmnopqrstuvwxyz") != strlen(c->arg[0]) || strlen(c->arg[0]) > 20)
		return err_set(e, RC_USAGE, "mode is observe, rehearse or armed");
	snprintf(params, sizeof params, "{\"mode\":\"%s\"}", c->arg[0]);
	rc = cli_call(c, "mode.set", params, &d, e);
	if (rc == RC_OK) {
		if (c->json)
			print_json(json_root(d));
		else
			printf("%s\n", c->arg[0]);
		json_doc_free(d);
	}
	return rc;
}

enum rc verb_rpc(struct cli *c, struct err *e)
{
	struct caller *cl;
	struct json_doc *d;
	if (strspn(c->arg[0], "abcdefghijklmnopqrstuvwxyz._") != strlen(c->arg[0]))
		return err_set(e, RC_USAGE, "that is no name of a method; sluice rpc methods lists them");
	if (c->args > 1) {
		enum rc rc = json_parse(&d, slice_of(c->arg[1]), NULL, e);
		if (rc != RC_OK) {
			e->rc = RC_USAGE;
			return err_prefix(e, "parameters");
		}
		json_doc_free(d);
	}
	enum rc rc = caller_open(&cl, c, cli_opt(c, "--watch") != NULL, e);
	if (rc != RC_OK)
		return rc;
	rc = caller_call(cl, c->arg[0], c->args > 1 ? c->arg[1] : NULL, &d, e);
	caller_close(cl);
	if (rc == RC_OK) {
		print_json(json_root(d));
		json_doc_free(d);
	}
	return rc;
}

enum rc verb_paths(struct cli *c, struct err *e)
{
	const struct paths *p = c->paths;
	const struct { const char *what, *path, *from; } rows[] = { { "config", p->config_file, p->config_from }, { "state", p->state_dir, p->state_from },
		{ "db", p->db, "" }, { "catalog", p->catalog, "" }, { "log", p->log, "" }, { "hold", p->hold, "" }, { "anchors", p->anchors, "" }, { "audit_key", p->audit_key, "" },
		{ "socket", p->socket, p->socket_from } };
	struct buf b;
	struct jw w;
	(void)e;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		jw_kz(&w, rows[i].what, rows[i].path);
		if (!c->json)
			printf("%-8s %s%s%s%s\n", rows[i].what, rows[i].path, rows[i].from[0] ? "   (" : "", rows[i].from, rows[i].from[0] ? ")" : "");
	}
	jw_end_obj(&w);
	if (c->json)
		puts(buf_z(&b));
	buf_done(&b);
	return RC_OK;
}
