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
enum rc verb_links(struct cli *c, struct err *e) { return show(c, "links", NULL, "links", link_cols, ARRAY_LEN(link_cols), e); }

enum rc verb_policies(struct cli *c, struct err *e)
{
	static const struct column cols[] = { { "policy", "name", COL_TEXT, 32 }, { "order", "order", COL_TEXT, 10 },
		{ "cap items", "cap_items", COL_NUMBER, 0 }, { "cap bytes", "cap_bytes", COL_BYTES, 0 }, { "approvals", "approvals", COL_NUMBER, 0 } };
	return show(c, "policies", NULL, "policies", cols, ARRAY_LEN(cols), e);
}

enum rc verb_status(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "status", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	const struct json *j = json_root(d), *en = json_get(j, "engine"), *cy = json_get(j, "cycle");
	if (c->json) {
		print_json(j);
	} else {
		char t[TIME_TEXT];
		printf("engine %.*s  mode %.*s  up %s  chain #%" PRId64 " %.*s\n", SLICE_FMT(json_get_str(en, "name")), SLICE_FMT(json_get_str(en, "mode")),
		       time_age(t, now_read().wall_us - json_get_i64(en, "started_us", 0)), json_get_i64(json_get(j, "chain"), "seq", 0),
		       SLICE_FMT(json_get_str(json_get(j, "chain"), "short")));
		if (json_get_str(en, "notice").n)
			printf("notice: %.*s\n", SLICE_FMT(json_get_str(en, "notice")));
		putchar('\n');
		print_table(json_get(j, "links"), link_cols, ARRAY_LEN(link_cols));
		putchar('\n');
		print_table(json_get(j, "lanes"), lane_cols, ARRAY_LEN(lane_cols));
		if (json_is_object(cy))
			printf("\ncycle %.*s  %.*s  %.*s  %.*s%.*s\n", SLICE_FMT(json_get_str(cy, "name")), SLICE_FMT(json_get_str(cy, "policy")),
			       SLICE_FMT(json_get_str(cy, "stage")), SLICE_FMT(json_get_str(cy, "end")), SLICE_FMT(json_get_str(cy, "waiting_for")));
	}
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
		{ "--offset", "offset" }, { "--limit", "limit" } };
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

static void plan_line(const char *what, const struct json *l)
{
	printf("%-22s %.*s\n", what, SLICE_FMT(json_get_str(l, what)));
}

static void show_plan(const struct json *p)
{
	char t[TIME_TEXT];
	printf("plan %.*s  (%.*s)\npolicy %.*s  made %s", SLICE_FMT(json_get_str(p, "short")), SLICE_FMT(json_get_str(p, "id")),
	       SLICE_FMT(json_get_str(p, "policy")), time_rfc3339(t, json_get_i64(p, "made_us", 0), false));
	printf("  expires %s\n", time_rfc3339(t, json_get_i64(p, "expires_us", 0), false));
	if (!json_get_bool(p, "valid", false))
		printf("this plan is no longer valid: %.*s\n", SLICE_FMT(json_get_str(p, "invalid_because")));
	for (const struct json *l = json_first(json_get(p, "lanes")); l; l = json_next(l)) {
		struct buf b;
		buf_init(&b);
		print_bytes(&b, json_get_i64(l, "bytes", 0));
		const struct json *k = json_get(l, "class"), *caps = json_get(l, "caps");
		printf("\nlane %.*s  %.*s  key …%.*s\n", SLICE_FMT(json_get_str(l, "lane")), SLICE_FMT(json_get_str(l, "url")), SLICE_FMT(json_get_str(l, "key")));
		printf("  items %" PRId64 " of %" PRId64 " listed   bytes %s\n", json_get_i64(l, "items", 0), json_get_i64(l, "listed", 0), buf_z(&b));
		printf("  class R3 %" PRId64 "  R2 %" PRId64 "  R1 %" PRId64 "  R0 %" PRId64 " (cannot be brought back)\n", json_get_i64(k, "R3", 0),
		       json_get_i64(k, "R2", 0), json_get_i64(k, "R1", 0), json_get_i64(k, "R0", 0));
		printf("  caps %" PRId64 " items, share %" PRId64 ".%02" PRId64 " %%, at least %" PRId64 " remain\n", json_get_i64(caps, "items", 0),
		       json_get_i64(caps, "share_bp", 0) / 100, json_get_i64(caps, "share_bp", 0) % 100, json_get_i64(caps, "remain", 0));
		if (json_get_str(l, "claims_sentence").n)
			printf("  %.*s\n", SLICE_FMT(json_get_str(l, "claims_sentence")));
		printf("  type: ");
		plan_line("phrase", l);
		buf_done(&b);
	}
	printf("\nif aborted: %.*s\n", SLICE_FMT(json_get_str(p, "if_abort")));
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
			struct slice m = json_get_str(json_get(json_root(d), "engine"), "mode");
			printf(c->json ? "{\"mode\":\"%.*s\"}\n" : "%.*s\n", SLICE_FMT(m));
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
		{ "db", p->db, "" }, { "catalog", p->catalog, "" }, { "log", p->log, "" }, { "hold", p->hold, "" }, { "anchors", p->anchors, "" },
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

enum rc verb_config_check(struct cli *c, struct err *e)
{
	struct config_report r;
	struct buf b;
	enum rc rc = config_check(c->paths->config_file, &r);
	struct config *cfg;
	if (rc == RC_OK && config_load(&cfg, c->paths->config_file, e) == RC_OK) {
		rc = config_check_files(cfg, &r);
		config_free(cfg);
	}
	buf_init(&b);
	for (size_t i = 0; i < r.n; i++) {
		buf_clear(&b);
		config_report_line(&r, i, &b);
		puts(buf_z(&b));
	}
	if (rc == RC_OK)
		printf("%s is good\n", c->paths->config_file);
	else
		err_set(e, RC_USAGE, "%zu error%s in %s", r.n, r.n == 1 ? "" : "s", c->paths->config_file);
	buf_done(&b);
	config_report_free(&r);
	return rc;
}
