/* Configurations and policies before they are trusted: check, explain, try. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- check ---- */

static void lines(const struct config_report *r)
{
	struct buf b;
	buf_init(&b);
	for (size_t i = 0; i < r->n; i++) {
		buf_clear(&b);
		config_report_line(r, i, &b);
		puts(buf_z(&b));
	}
	buf_done(&b);
}

/* Everything wrong with a file, and the configuration when nothing is. */
static enum rc checked(const char *file, struct config **cfg, struct config_report *r)
{
	struct err e;
	enum rc rc = config_check(file, r);
	*cfg = NULL;
	if (rc == RC_OK && config_load(cfg, file, &e) == RC_OK)
		rc = config_check_files(*cfg, r);
	return rc;
}

static enum rc counted(const struct config_report *r, const char *file, struct err *e)
{
	return err_set(e, RC_USAGE, "%zu error%s in %s", r->n, r->n == 1 ? "" : "s", file);
}

enum rc verb_config_check(struct cli *c, struct err *e)
{
	const char *file = c->paths->config_file;
	struct config_report r;
	struct config *cfg;
	enum rc rc = checked(file, &cfg, &r);
	lines(&r);
	if (rc == RC_OK)
		printf("%s is good\n", file);
	else
		rc = counted(&r, file, e);
	config_free(cfg);
	config_report_free(&r);
	return rc;
}

static void policy_json(struct jw *w, const struct cfg_policy *p)
{
	char hex[HASH_HEX];
	jw_obj(w);
	jw_kz(w, "name", p->name);
	jw_kz(w, "hash", hash_hex(hex, &p->hash));
	jw_kz(w, "match", p->match == CFG_MATCH_ALL ? "all" : "any");
	jw_key(w, "rules");
	jw_arr(w);
	for (size_t i = 0; i < p->n_rules; i++) {
		struct buf b = { 0 };
		cfg_rule_words(&b, &p->rules[i]);
		jw_str(w, buf_slice(&b));
		buf_done(&b);
	}
	jw_end_arr(w);
	jw_end_obj(w);
}

static void check_json(const char *file, const struct config_report *r, const struct config *cfg)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "file", file);
	jw_key(&w, "errors");
	jw_arr(&w);
	for (size_t i = 0; i < r->n; i++) {
		jw_obj(&w);
		jw_kopt(&w, "line", r->errors[i].line ? r->errors[i].line : -1);
		jw_kz(&w, "key", r->errors[i].key);
		jw_kz(&w, "text", r->errors[i].text);
		jw_end_obj(&w);
	}
	jw_end_arr(&w);
	jw_key(&w, "policies");
	jw_arr(&w);
	for (size_t i = 0; cfg && i < cfg->n_policies; i++)
		policy_json(&w, &cfg->policies[i]);
	jw_end_arr(&w);
	jw_end_obj(&w);
	puts(buf_z(&b));
	buf_done(&b);
}

static void policy_lines(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_policies; i++) {
		const struct cfg_policy *p = &cfg->policies[i];
		struct buf b = { 0 };
		for (size_t k = 0; k < p->n_rules; k++) {
			buf_adds(&b, !k ? "" : p->match == CFG_MATCH_ALL ? " and " : " or ");
			cfg_rule_words(&b, &p->rules[k]);
		}
		printf("policy %s: %s\n", p->name, buf_z(&b));
		buf_done(&b);
	}
}

enum rc verb_policy_check(struct cli *c, struct err *e)
{
	const char *file = c->args ? c->arg[0] : c->paths->config_file;
	struct config_report r;
	struct config *cfg;
	enum rc rc = checked(file, &cfg, &r);
	if (c->json)
		check_json(file, &r, rc == RC_OK ? cfg : NULL);
	else
		lines(&r);
	if (rc != RC_OK)
		rc = counted(&r, file, e);
	else if (!c->json) {
		policy_lines(cfg);
		printf("%s is good\n", file);
	}
	config_free(cfg);
	config_report_free(&r);
	return rc;
}

/* ---- explain ---- */

static void show_explained(const struct json *j)
{
	static const struct column rules[] = { { "rule", "rule", COL_TEXT, 48 }, { "says", "verdict", COL_TEXT, 12 }, { "because", "because", COL_TEXT, 90 } };
	static const struct column protects[] = { { "protected by", "rule", COL_TEXT, 30 }, { "because", "because", COL_TEXT, 110 } };
	char t[TIME_TEXT];
	print_field("policy ", j, "policy");
	print_field(", ", j, "match");
	print_field(" of its rules, on ", j, "id");
	print_field(" ", j, "name");
	print_field(" in lane ", j, "lane");
	printf(", listed %s ago", time_age(t, now_read().wall_us - json_get_i64(j, "listed_us", 0)));
	print_count(", rows ", j, "rows_total");
	puts("\n");
	print_table(json_get(j, "evidence"), rules, ARRAY_LEN(rules));
	putchar('\n');
	if (json_first(json_get(j, "protects")))
		print_table(json_get(j, "protects"), protects, ARRAY_LEN(protects));
	else
		puts("nothing protects it");
	print_field("\nverdict: ", j, "verdict");
	print_field(" (", j, "rule");
	fputs(json_get_str(j, "rule").n ? ")" : "", stdout);
	print_field(": ", j, "reason");
	putchar('\n');
}

enum rc verb_policy_explain(struct cli *c, struct err *e)
{
	struct json_doc *d;
	struct buf b;
	struct jw w;
	const char *lane = cli_opt(c, "--lane");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "policy", c->arg[0]);
	jw_kz(&w, "id", c->arg[1]);
	if (lane)
		jw_kz(&w, "lane", lane);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "policy.explain", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		show_explained(json_root(d));
	json_doc_free(d);
	return RC_OK;
}

/* ---- try ---- */

static void samples(const struct json *lane, const char *key, const char *sign)
{
	for (const struct json *s = json_first(json_get(lane, key)); s; s = json_next(s)) {
		printf("  %s", sign);
		print_field(" ", s, "id");
		print_field("  ", s, "name");
		print_field("  ", s, "reason");
		putchar('\n');
	}
}

static void show_tried(const struct json *p)
{
	static const struct column cols[] = { { "lane", "lane", COL_TEXT, 32 }, { "listed", "listed", COL_NUMBER, 0 }, { "candidates", "is.candidate", COL_NUMBER, 0 },
		{ "tried", "tried.candidate", COL_NUMBER, 0 }, { "+", "added", COL_NUMBER, 0 }, { "−", "removed", COL_NUMBER, 0 },
		{ "protected", "tried.protected", COL_NUMBER, 0 }, { "ineligible", "tried.ineligible", COL_NUMBER, 0 } };
	print_field("policy ", p, "policy");
	if (json_get_str(p, "trouble").n) {
		print_field(" cannot be tried: ", p, "trouble");
		putchar('\n');
		return;
	}
	printf(": +%" PRId64 " −%" PRId64 "%s\n", json_get_i64(p, "added", 0), json_get_i64(p, "removed", 0),
	       !json_get_str(p, "is").n ? " (the engine does not have it)" : !json_get_str(p, "tried").n ? " (the file does not have it)" : "");
	print_table(json_get(p, "lanes"), cols, ARRAY_LEN(cols));
	for (const struct json *l = json_first(json_get(p, "lanes")); l; l = json_next(l)) {
		samples(l, "added_first", "+");
		samples(l, "removed_first", "−");
	}
}

/* Whatever could not be tried makes the answer incomplete. */
static enum rc troubled(const struct json *j, struct err *e)
{
	int n = 0;
	for (const struct json *p = json_first(json_get(j, "policies")); p; p = json_next(p))
		n += json_get_str(p, "trouble").n > 0;
	return n ? err_set(e, RC_INCOMPLETE, "%d %s not be tried", n, n == 1 ? "policy could" : "policies could") : RC_OK;
}

static enum rc ask_try(struct cli *c, const char *file, struct slice text, struct json_doc **d, struct err *e)
{
	struct buf b;
	struct jw w;
	const char *policy = cli_opt(c, "--policy");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "text", text);
	jw_kz(&w, "name", file);
	if (policy)
		jw_kz(&w, "policy", policy);
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "policy.try", buf_z(&b), d, e);
	buf_done(&b);
	return rc;
}

/* What is wrong with the file is said before the engine is asked. */
enum rc verb_policy_try(struct cli *c, struct err *e)
{
	struct config_report r;
	struct buf text;
	struct json_doc *d = NULL;
	buf_init(&text);
	enum rc rc = config_check(c->arg[0], &r);
	if (rc != RC_OK) {
		lines(&r);
		rc = counted(&r, c->arg[0], e);
	}
	config_report_free(&r);
	if (rc == RC_OK)
		rc = config_text(c->arg[0], &text, e);
	char *file = realpath(c->arg[0], NULL);
	if (rc == RC_OK)
		rc = ask_try(c, file ? file : c->arg[0], buf_slice(&text), &d, e);
	free(file);
	buf_done(&text);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		for (const struct json *p = json_first(json_get(json_root(d), "policies")); p; p = json_next(p))
			show_tried(p);
	rc = troubled(json_root(d), e);
	json_doc_free(d);
	return rc;
}
