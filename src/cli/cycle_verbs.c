/* Verbs that move a cycle, and the exit code for where it then stands. */
#include "cli/verbs.h"

#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 50, WAIT_DEFAULT_MS = 600000 };

enum rc wait_cycle(struct caller *cl, int64_t ms, struct json_doc **state, struct err *e)
{
	int64_t until = now_read().boot_us + ms * 1000;
	for (;;) {
		enum rc rc = caller_call(cl, "cycle.status", NULL, state, e);
		if (rc != RC_OK || !slice_is(json_get_str(json_root(*state), "state"), "working"))
			return rc;
		if (now_read().boot_us >= until)
			return RC_OK;
		json_doc_free(*state);
		*state = NULL;
		if (cli_stop_signal)
			return err_set(e, RC_CANCELLED, "stopped by signal %d; the cycle goes on as it stands", (int)cli_stop_signal);
		caller_wait(cl, POLL_MS);
	}
}

/* More items changed since the plan was made than SEMANTICS 5 lets pass. */
static bool drifted(const struct json *c)
{
	for (const struct json *l = json_first(json_get(c, "lanes")); l; l = json_next(l))
		if (json_get_i64(l, "drifted", 0) > MAX(2, json_get_i64(l, "N", 0) / 10))
			return true;
	return false;
}

static bool halted(const struct json *c)
{
	for (const struct json *l = json_first(json_get(c, "lanes")); l; l = json_next(l))
		if (json_get_str(l, "halted").n)
			return true;
	return false;
}

enum rc cycle_rc(const struct json *c)
{
	static const struct { const char *end; enum rc rc; } ends[] = {
		{ "COMPLETED", RC_OK }, { "COMPLETED_WITH_FAILURES", RC_FAILURES }, { "ABORTED_RESTORED", RC_RESTORED },
		{ "ABORTED_PARTLY_RESTORED", RC_KEPT }, { "ABORTED_KEPT", RC_KEPT }, { "CANCELLED", RC_CANCELLED }, { "LAPSED", RC_CANCELLED },
	};
	struct slice end = json_get_str(c, "end"), stage = json_get_str(c, "stage"), waiting = json_get_str(c, "waiting_for");
	bool rehearsal = json_get_bool(c, "rehearsal", false);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (slice_is(end, ends[i].end)) {
			bool some = json_get_i64(json_get(c, "plan"), "items", 0) > 0;
			return rehearsal && ends[i].rc == RC_OK && some ? RC_CANDIDATES : ends[i].rc;
		}
	if (slice_is(stage, "CLEANING") && drifted(c))
		return RC_STALE;
	if (slice_is(json_get_str(c, "state"), "held") || halted(c))
		return RC_HELD;
	bool listed = !slice_is(stage, "DISCOVERING") || !waiting.n || slice_starts(waiting, "ready ");
	return listed ? RC_OK : RC_INCOMPLETE;
}

static void show_lanes(const struct json *c)
{
	static const struct column cols[] = {
		{ "lane", "lane", COL_TEXT, 32 }, { "phase", "phase", COL_TEXT, 20 }, { "planned", "planned", COL_NUMBER, 0 },
		{ "granted", "granted", COL_NUMBER, 0 }, { "deleted", "deleted", COL_NUMBER, 0 }, { "gone", "gone", COL_NUMBER, 0 },
		{ "gone other", "gone_other", COL_NUMBER, 0 }, { "failed", "failed", COL_NUMBER, 0 }, { "unknown", "unknown", COL_NUMBER, 0 },
		{ "refused", "refused", COL_NUMBER, 0 }, { "drifted", "drifted", COL_NUMBER, 0 }, { "held", "held", COL_NUMBER, 0 }, { "in flight", "in_flight", COL_NUMBER, 0 },
		{ "requests", "requests", COL_NUMBER, 0 }, { "halted", "halted", COL_TEXT, 100 } };
	print_table(json_get(c, "lanes"), cols, ARRAY_LEN(cols));
}

static void show_cycle(const struct json *c)
{
	print_field("cycle ", c, "name");
	print_field("  ", c, "policy");
	print_field("  ", c, "stage");
	print_field("  ", c, "state");
	puts(json_get_bool(c, "rehearsal", false) ? "  (rehearsal)" : "");
	if (json_get_str(c, "end").n) {
		print_field("ended ", c, "end");
		putchar('\n');
	}
	if (json_get_str(c, "waiting_for").n) {
		print_field("", c, "waiting_for");
		putchar('\n');
	}
	if (json_get_str(c, "restored").n) {
		print_field("", c, "restored");
		putchar('\n');
	}
	if (json_is_object(json_get(c, "plan"))) {
		print_field("plan ", json_get(c, "plan"), "short");
		print_count("  items ", json_get(c, "plan"), "items");
		putchar('\n');
	}
	show_lanes(c);
	print_field("", c, "equation");
	puts(json_get_bool(c, "balanced", false) ? "" : "  (still moving)");
}

static enum rc show_where(struct cli *c, struct caller *cl, int64_t ms, struct err *e)
{
	struct json_doc *d = NULL;
	enum rc rc = ms >= 0 ? wait_cycle(cl, ms, &d, e) : caller_call(cl, "cycle.status", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(json_root(d));
	else
		show_cycle(json_root(d));
	if (ms >= 0)
		rc = cycle_rc(json_root(d));
	json_doc_free(d);
	return rc;
}

static enum rc wait_ms(const struct cli *c, int64_t *ms, struct err *e)
{
	const char *w = cli_opt(c, "--wait");
	int64_t s = 0;
	*ms = -1;
	if (!w)
		return RC_OK;
	if (w[0] && (!parse_i64(slice_of(w), &s) || s < 0 || s > 86400))
		return err_set(e, RC_USAGE, "--wait takes whole seconds, 0 to 86400");
	*ms = w[0] ? s * 1000 : WAIT_DEFAULT_MS;
	return RC_OK;
}

/* One command, then where the cycle stands. */
static enum rc command(struct cli *c, const char *method, const char *params, struct err *e)
{
	struct caller *cl;
	struct json_doc *d;
	int64_t ms;
	enum rc rc = wait_ms(c, &ms, e);
	if (rc == RC_OK)
		rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	rc = caller_call(cl, method, params, &d, e);
	if (rc == RC_OK) {
		json_doc_free(d);
		rc = show_where(c, cl, ms, e);
	}
	caller_close(cl);
	return rc;
}

static enum rc command_with(struct cli *c, const char *method, const char *k1, const char *v1, const char *k2, const char *v2, struct err *e)
{
	struct buf b;
	struct jw w;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	if (v1)
		jw_kz(&w, k1, v1);
	if (v2)
		jw_kz(&w, k2, v2);
	jw_end_obj(&w);
	enum rc rc = command(c, method, buf_z(&b), e);
	buf_done(&b);
	return rc;
}

/* What the engine takes: so many, and a message of so many bytes. */
enum { PICKED_MAX = 10000, MESSAGE_MAX = 1 << 20 };

/* One line for an item: its lane, a blank or tab, its id; - reads the standard input. */
static enum rc read_picked(struct jw *w, const struct buf *so_far, const char *path, struct err *e)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	enum rc rc = RC_OK;
	int items = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	if (!f)
		return err_set(e, RC_USAGE, "--only %s: %s", path, strerror(errno));
	for (int at = 1; rc == RC_OK && (n = getline(&line, &cap, f)) > 0; at++) {
		n -= line[n - 1] == '\n';
		size_t lane = strcspn(line, " \t");
		if (!n || line[0] == '\n')
			continue;
		if (!lane || (ssize_t)lane + 1 >= n || memchr(line, '\0', (size_t)n)) {
			rc = err_set(e, RC_USAGE, "--only %s line %d: it takes a lane, a blank and an id", path, at);
			break;
		}
		jw_obj(w);
		jw_kstr(w, "lane", (struct slice){ line, lane });
		jw_kstr(w, "id", (struct slice){ line + lane + 1, (size_t)n - lane - 1 });
		jw_end_obj(w);
		if (++items > PICKED_MAX || so_far->n > MESSAGE_MAX - 4096) {
			rc = err_set(e, RC_USAGE, "--only %s line %d: at most %d items are picked by hand, in a list of 1 MiB; nothing was started: "
				     "take fewer, or write a policy that selects them", path, at, (int)PICKED_MAX);
			break;
		}
	}
	if (rc == RC_OK && ferror(f))
		rc = err_set(e, RC_USAGE, "--only %s: it cannot be read to its end", path);
	free(line);
	if (f != stdin)
		fclose(f);
	return rc;
}

enum rc verb_cycle_start(struct cli *c, struct err *e)
{
	const char *only = cli_opt(c, "--only");
	struct buf b;
	struct jw w;
	enum rc rc = RC_OK;
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "policy", c->arg[0]);
	if (only) {
		jw_key(&w, "only");
		jw_arr(&w);
		rc = read_picked(&w, &b, only, e);
		jw_end_arr(&w);
	}
	jw_end_obj(&w);
	if (rc == RC_OK)
		rc = command(c, "cycle.start", buf_z(&b), e);
	buf_done(&b);
	return rc;
}

enum rc verb_cycle_step(struct cli *c, struct err *e) { return command(c, "cycle.step", NULL, e); }
enum rc verb_cycle_resume(struct cli *c, struct err *e) { return command(c, "cycle.resume", NULL, e); }
enum rc verb_cycle_hold(struct cli *c, struct err *e) { return command_with(c, "cycle.hold", "why", c->args ? c->arg[0] : NULL, NULL, NULL, e); }

enum rc verb_cycle_ack(struct cli *c, struct err *e)
{
	char params[64];
	int64_t n;
	if (!parse_i64(slice_of(c->arg[0]), &n))
		return err_set(e, RC_USAGE, "cycle ack takes the number of failures");
	snprintf(params, sizeof params, "{\"failures\":%" PRId64 "}", n);
	return command(c, "cycle.ack", params, e);
}

enum rc verb_cycle_cancel(struct cli *c, struct err *e)
{
	struct json_doc *d;
	enum rc rc = cli_call(c, "cycle.cancel", NULL, &d, e);
	if (rc == RC_OK) {
		if (c->json)
			print_json(json_root(d));
		else
			puts("cancelled");
		json_doc_free(d);
	}
	return rc;
}

enum rc verb_cycle_abort(struct cli *c, struct err *e)
{
	const char *how = cli_opt(c, "--how"), *why = cli_opt(c, "--reason");
	if (!how || !why)
		return err_set(e, RC_USAGE, "cycle abort needs --how keep or --how restore, and --reason TEXT");
	return command_with(c, "cycle.abort", "how", how, "reason", why, e);
}

enum rc verb_lane_exclude(struct cli *c, struct err *e)
{
	struct buf b;
	struct jw w;
	struct json_doc *d;
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "lane exclude needs --reason TEXT");
	buf_init(&b);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "lane", c->arg[0]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	jw_end_obj(&w);
	enum rc rc = cli_call(c, "lane.exclude", buf_z(&b), &d, e);
	buf_done(&b);
	if (rc == RC_OK) {
		printf("lane %s is excluded from the open cycle\n", c->arg[0]);
		json_doc_free(d);
	}
	return rc;
}

/* sluice breaker open lane alpha --for 10m --reason TEXT */
enum rc verb_breaker(struct cli *c, struct err *e)
{
	static const char *const what[] = { "open", "auto", "disable" };
	const char *span = cli_opt(c, "--for"), *method = NULL;
	int64_t ms = 0;
	char name[32];
	for (size_t i = 0; i < ARRAY_LEN(what); i++)
		method = strcmp(c->arg[0], what[i]) == 0 ? what[i] : method;
	if (!method || (strcmp(c->arg[1], "lane") != 0 && strcmp(c->arg[1], "link") != 0))
		return err_set(e, RC_USAGE, "breaker open, auto or disable, then lane or link, then its name");
	if (!cli_opt(c, "--reason"))
		return err_set(e, RC_USAGE, "breaker %s needs --reason TEXT", method);
	if (span && !parse_duration_ms(slice_of(span), &ms))
		return err_set(e, RC_USAGE, "--for takes a time such as 90s, 10m or 2h");
	struct buf b = { 0 };
	struct jw w;
	struct json_doc *d;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, c->arg[1], c->arg[2]);
	jw_kz(&w, "reason", cli_opt(c, "--reason"));
	if (span)
		jw_ki64(&w, "for_ms", ms);
	jw_end_obj(&w);
	snprintf(name, sizeof name, "breaker.%s", method);
	enum rc rc = cli_call(c, name, buf_z(&b), &d, e);
	buf_done(&b);
	if (rc == RC_OK) {
		printf("breaker of %s %s: %s\n", c->arg[1], c->arg[2], strcmp(method, "open") == 0 ? "kept open" : strcmp(method, "auto") == 0 ? "left to itself" : "off");
		json_doc_free(d);
	}
	return rc;
}

enum rc verb_cycle_status(struct cli *c, struct err *e)
{
	struct caller *cl;
	int64_t ms, id;
	enum rc rc = wait_ms(c, &ms, e);
	if (rc != RC_OK)
		return rc;
	if (c->args) {
		struct json_doc *d;
		char params[48];
		if (!parse_i64(slice_of(c->arg[0]), &id))
			return err_set(e, RC_USAGE, "a cycle is given by its number");
		snprintf(params, sizeof params, "{\"cycle\":%" PRId64 "}", id);
		rc = cli_call(c, "cycle.status", params, &d, e);
		if (rc == RC_OK) {
			if (c->json)
				print_json(json_root(d));
			else
				show_cycle(json_root(d));
			json_doc_free(d);
		}
		return rc;
	}
	rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	rc = show_where(c, cl, ms, e);
	caller_close(cl);
	return rc;
}
