#include "lane/lane.h"

#include "../websocket/net_helper.h"

#include "lane/exec_read.h"

/* ---- one line of a script, and what it means ---- */

#define ID "\"id\":3,\"item\":\"f-1\""

static const struct delete_row {
	const char *promise, *line;
	enum lane_delete_kind kind;
	enum lane_trouble trouble;
	enum retry_class class_;
} deletes[] = {
	{ "yes about the item is a deletion", "{" ID ",\"answer\":\"yes\"}", LANE_DELETED, LANE_FINE, 0 },
	{ "no, missing", "{" ID ",\"answer\":\"no\",\"why\":\"missing\"}", LANE_MISSING, LANE_FINE, 0 },
	{ "no, refused", "{" ID ",\"answer\":\"no\",\"why\":\"refused\"}", LANE_ITEM_REFUSED, LANE_REJECTED, RETRY_REJECTED },
	{ "no, paced", "{" ID ",\"answer\":\"no\",\"why\":\"paced\",\"wait_ms\":70}", LANE_PACE, LANE_PACED, RETRY_RATE_LIMIT },
	{ "no, network", "{" ID ",\"answer\":\"no\",\"why\":\"network\"}", LANE_NOT_SENT, LANE_NETWORK, RETRY_NETWORK },
	{ "no, auth", "{" ID ",\"answer\":\"no\",\"why\":\"auth\"}", LANE_LANE_REFUSED, LANE_AUTH, RETRY_AUTH },
	{ "no, billing", "{" ID ",\"answer\":\"no\",\"why\":\"billing\"}", LANE_LANE_REFUSED, LANE_BILLING, RETRY_BILLING },
	{ "no, unsupported", "{" ID ",\"answer\":\"no\",\"why\":\"unsupported\"}", LANE_LANE_REFUSED, LANE_UNSUPPORTED, RETRY_UNSUPPORTED },
	{ "no without a reason is unclear", "{" ID ",\"answer\":\"no\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "no for an unknown reason is unclear", "{" ID ",\"answer\":\"no\",\"why\":\"MISSING\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "yes with a reason is unclear", "{" ID ",\"answer\":\"yes\",\"why\":\"missing\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "unknown is unclear", "{" ID ",\"answer\":\"unknown\"}", LANE_UNCLEAR, LANE_TIMEOUT, RETRY_TIMEOUT },
	{ "unknown with missing is unclear", "{" ID ",\"answer\":\"unknown\",\"why\":\"missing\"}", LANE_UNCLEAR, LANE_TIMEOUT, RETRY_TIMEOUT },
	{ "yes about another item is unclear", "{\"id\":3,\"item\":\"f-10\",\"answer\":\"yes\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "yes about no item is unclear", "{\"id\":3,\"answer\":\"yes\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
	{ "no about another item is unclear", "{\"id\":3,\"item\":\"f-2\",\"answer\":\"no\",\"why\":\"missing\"}", LANE_UNCLEAR, LANE_GARBLED, RETRY_CONFLICTING },
};

static void every_line_about_a_delete_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deletes); i++) {
		const struct delete_row *r = &deletes[i];
		struct exec_said s;
		struct lane_answer a;
		struct err e;
		assert_int_equal(exec_read_line(&s, slice_of(r->line), &e), RC_OK);
		exec_read_delete(&s, SLICE_LIT("f-1"), &a);
		if (a.kind != r->kind || a.trouble != r->trouble || a.class_ != r->class_)
			fail_msg("%s: %s/%s/%s", r->promise, lane_delete_kind_name(a.kind), lane_trouble_name(a.trouble), retry_class_name(a.class_));
		assert_int_equal(a.wait_ms, r->kind == LANE_PACE ? 70 : -1);
		assert_true((a.kind == LANE_DELETED) == (a.detail[0] == '\0'));
		exec_said_done(&s);
	}
}

static void a_probe_is_present_absent_or_no_answer(void **state)
{
	static const struct { const char *line; enum lane_presence want; enum lane_trouble trouble; } t[] = {
		{ "{" ID ",\"answer\":\"yes\",\"bytes\":7}", LANE_PRESENT, LANE_FINE },
		{ "{" ID ",\"answer\":\"no\"}", LANE_ABSENT, LANE_FINE },
		{ "{" ID ",\"answer\":\"no\",\"why\":\"missing\"}", LANE_ABSENT, LANE_FINE },
		{ "{" ID ",\"answer\":\"no\",\"why\":\"auth\"}", LANE_NO_ANSWER, LANE_GARBLED },
		{ "{" ID ",\"answer\":\"yes\",\"why\":\"missing\"}", LANE_NO_ANSWER, LANE_GARBLED },
		{ "{" ID ",\"answer\":\"unknown\"}", LANE_NO_ANSWER, LANE_SERVER },
		{ "{" ID ",\"answer\":\"unknown\",\"why\":\"auth\"}", LANE_NO_ANSWER, LANE_AUTH },
		{ "{\"id\":3,\"item\":\"f-2\",\"answer\":\"no\"}", LANE_NO_ANSWER, LANE_GARBLED },
		{ "{\"id\":3,\"answer\":\"no\"}", LANE_NO_ANSWER, LANE_GARBLED },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct exec_said s;
		struct lane_probe p;
		struct err e;
		assert_int_equal(exec_read_line(&s, slice_of(t[i].line), &e), RC_OK);
		exec_read_probe(&s, SLICE_LIT("f-1"), &p);
		if (p.presence != t[i].want || p.trouble != t[i].trouble)
			fail_msg("%s: %s", t[i].line, lane_trouble_name(p.trouble));
		assert_true(p.presence != LANE_NO_ANSWER || p.detail[0]);
		exec_said_done(&s);
	}
}

static void a_page_is_whole_or_has_a_cursor_or_is_trouble(void **state)
{
	static const struct { const char *line; enum lane_trouble trouble; bool last; const char *cursor; } t[] = {
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[],\"last\":true}", LANE_FINE, true, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[{\"id\":\"a\"}],\"cursor\":\"7\"}", LANE_FINE, false, "7" },
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[{\"id\":\"a\"}]}", LANE_GARBLED, false, NULL },
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[{\"id\":\"a\"}],\"last\":true,\"cursor\":\"7\"}", LANE_GARBLED, false, NULL },
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[{\"id\":\"a\"},{\"id\":\"a\"}],\"last\":true}", LANE_GARBLED, false, NULL },
		{ "{\"id\":1,\"answer\":\"yes\",\"items\":[{\"name\":\"a\"}],\"last\":true}", LANE_GARBLED, false, NULL },
		{ "{\"id\":1,\"answer\":\"yes\",\"last\":true}", LANE_GARBLED, false, NULL },
		{ "{\"id\":1,\"answer\":\"no\",\"why\":\"auth\",\"items\":[],\"last\":true}", LANE_AUTH, false, NULL },
		{ "{\"id\":1,\"answer\":\"unknown\",\"items\":[],\"last\":true}", LANE_SERVER, false, NULL },
		{ "{\"id\":1,\"answer\":\"no\",\"why\":\"missing\",\"items\":[],\"last\":true}", LANE_SERVER, false, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct exec_said s;
		struct lane_page p;
		struct lane_item *items;
		struct err e;
		assert_int_equal(exec_read_line(&s, slice_of(t[i].line), &e), RC_OK);
		exec_read_page(&s, &p, &items);
		if (p.trouble != t[i].trouble || (p.trouble == LANE_FINE && (p.last != t[i].last || !slice_is(p.cursor, t[i].cursor))))
			fail_msg("%s: %s %s", t[i].line, lane_trouble_name(p.trouble), p.detail);
		assert_true(p.trouble == LANE_FINE || (p.n == 0 && !p.last && p.detail[0]));
		free(items);
		exec_said_done(&s);
	}
}

static void references_are_read_whole_or_not_at_all(void **state)
{
	static const struct { const char *line; enum lane_trouble trouble; size_t n; bool last; const char *cursor; } t[] = {
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[],\"last\":true}", LANE_FINE, 0, true, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[{\"by\":\"a\",\"item\":\"b\"},{\"by\":\"a\",\"item\":\"c\"}],\"cursor\":\"2\"}", LANE_FINE, 2, false, "2" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[],\"last\":true,\"cursor\":\"2\"}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[]}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":{},\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[{\"by\":\"a\",\"item\":\"b\"},{\"by\":\"a\"}],\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[{\"by\":\"\",\"item\":\"b\"}],\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"refs\":[{\"by\":1,\"item\":\"b\"}],\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"yes\",\"why\":\"auth\",\"refs\":[],\"last\":true}", LANE_GARBLED, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"unknown\",\"why\":\"auth\",\"refs\":[],\"last\":true}", LANE_AUTH, 0, false, "" },
		{ "{\"id\":1,\"answer\":\"no\",\"refs\":[],\"last\":true}", LANE_SERVER, 0, false, "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct exec_said s;
		struct lane_refs p;
		struct lane_ref *refs;
		struct err e;
		assert_int_equal(exec_read_line(&s, slice_of(t[i].line), &e), RC_OK);
		exec_read_refs(&s, &p, &refs);
		if (p.trouble != t[i].trouble || p.n != t[i].n || p.last != t[i].last || !slice_is(p.cursor, t[i].cursor))
			fail_msg("%s: %s %s", t[i].line, lane_trouble_name(p.trouble), p.detail);
		assert_true(p.trouble == LANE_FINE || p.detail[0]);
		free(refs);
		exec_said_done(&s);
	}
}

static void a_line_that_is_no_answer_is_refused(void **state)
{
	static const char *const lines[] = {
		"", "x", "[]", "{}", "{\"id\":1}", "{\"id\":-1,\"answer\":\"yes\"}", "{\"id\":\"1\",\"answer\":\"yes\"}", "{\"answer\":\"yes\"}",
		"{\"id\":1,\"answer\":true}", "{\"id\":1,\"answer\":\"Yes\"}", "{\"id\":1,\"id\":2,\"answer\":\"yes\"}", "{\"id\":1.0,\"answer\":\"yes\"}",
		"{\"id\":1,\"answer\":\"yes\"}x",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct exec_said s;
		struct err e = { 0 };
		if (exec_read_line(&s, slice_of(lines[i]), &e) == RC_OK)
			fail_msg("%s", lines[i]);
		assert_true(e.text[0]);
		exec_said_done(&s);
	}
}

/* ---- real scripts ---- */

static struct loop *loop;
static struct lane *lane;
static struct cfg_lane cfg;
static char dir[256], script[300];
static const char *command[3];

/* What every script of these tests begins with: id and item of each line, and the hello. */
#define HEAD "#!/bin/sh\ncd \"${0%/*}\"; echo start >>log\nwhile read -r line; do\nid=${line#*:}; id=${id%%[,\\}]*}\n" \
	     "item=${line#*\\\"item\\\":\\\"}; item=${item%%\\\"*}\necho \"$line\" >>log\ncase $line in\n"
#define HELLO(probe) "*hello*) echo \"{\\\"id\\\":$id,\\\"answer\\\":\\\"yes\\\",\\\"version\\\":1,\\\"probe\\\":" probe "}\";;\n"
#define SAY(text) "echo \"{\\\"id\\\":$id,\\\"item\\\":\\\"$item\\\"," text "}\";;\n"
#define YES "\\\"answer\\\":\\\"yes\\\""
#define LIST "*list*) echo \"{\\\"id\\\":$id," YES ",\\\"items\\\":[{\\\"id\\\":\\\"a\\\",\\\"bytes\\\":7},{\\\"id\\\":\\\"b\\\"}],\\\"last\\\":true}\";;\n"
#define TAIL "esac\ndone\n"

static void put(const char *text)
{
	unit_write(script, text, strlen(text), 0700);
}

static void make(const char *text, enum http_permit permit)
{
	struct err e = { 0 };
	put(text);
	if (lane_new(&lane, loop, &cfg, NULL, &e) != RC_OK)
		fail_msg("%s", e.text);
	lane_permit(lane, permit);
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	unit_mkdir(dir);
	snprintf(script, sizeof script, "%s/script", dir);
	command[0] = script;
	command[1] = "with words; $(not run)";
	cfg = (struct cfg_lane){ .name = "old", .dialect = "exec", .url = "exec:x", .account = "team", .command = command, .n_command = 2,
				 .page_items = 1000, .in_flight = 1, .timeout_ms = 8000, .list_timeout_ms = 8000 };
	loop = loop_new();
	lane = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lane_free(lane);
	loop_free(loop);
	unit_rmdir(dir);
	return 0;
}

struct got {
	int calls;
	struct lane_answer a;
	struct lane_page page;
	struct lane_probe probe;
};

static void on_answer(void *ctx, const struct lane_answer *a) { ((struct got *)ctx)->a = *a; ((struct got *)ctx)->calls++; }
static void on_page(void *ctx, const struct lane_page *p) { ((struct got *)ctx)->page = *p; ((struct got *)ctx)->calls++; }
static void on_probe(void *ctx, const struct lane_probe *p) { ((struct got *)ctx)->probe = *p; ((struct got *)ctx)->calls++; }
static bool called(void *ctx) { return ((struct got *)ctx)->calls > 0; }

static struct got delete_id(const char *id)
{
	struct got g = { 0 };
	lane_delete(lane, slice_of(id), on_answer, &g);
	assert_int_equal(g.calls, 0);
	pump(loop, called, &g);
	assert_int_equal(g.calls, 1);
	return g;
}

static struct got probe_id(const char *id)
{
	struct got g = { 0 };
	lane_probe(lane, slice_of(id), on_probe, &g);
	assert_int_equal(g.calls, 0);
	pump(loop, called, &g);
	return g;
}

static struct got list_all(void)
{
	struct got g = { 0 };
	lane_list(lane, slice_of(""), on_page, &g);
	assert_int_equal(g.calls, 0);
	pump(loop, called, &g);
	return g;
}

static char *logged(void)
{
	char path[300];
	snprintf(path, sizeof path, "%s/log", dir);
	return unit_read(path);
}

static int count(const char *part)
{
	char *text = logged();
	int n = 0;
	for (char *at = text; (at = strstr(at, part)); at++)
		n++;
	free(text);
	return n;
}

static void one_script_lists_probes_and_deletes(void **state)
{
	(void)state;
	make(HEAD HELLO("true") LIST "*probe*) " SAY(YES ",\\\"bytes\\\":7") "*delete*) " SAY(YES) TAIL, HTTP_ALL);
	assert_false(lane_can_get(lane));
	struct got g = list_all();
	assert_int_equal(g.page.trouble, LANE_FINE);
	assert_int_equal(g.page.n, 2);
	assert_true(g.page.last && lane_can_get(lane));
	g = probe_id("a");
	assert_int_equal(g.probe.presence, LANE_PRESENT);
	assert_int_equal(g.probe.item.bytes, 7);
	assert_int_equal(delete_id("a").a.kind, LANE_DELETED);
	assert_int_equal(count("start"), 1);
	assert_int_equal(lane_requests_sent(lane), 3);
	assert_int_equal(count("\"op\":\"hello\",\"version\":1,\"lane\":\"old\",\"account\":\"team\",\"deletes\":true"), 1);
}

static void a_script_without_probe_is_asked_for_its_list(void **state)
{
	(void)state;
	make(HEAD HELLO("false") LIST TAIL, HTTP_READS);
	assert_int_equal(probe_id("b").probe.presence, LANE_PRESENT);
	assert_int_equal(probe_id("c").probe.presence, LANE_ABSENT);
	assert_false(lane_can_get(lane));
	assert_int_equal(count("\"op\":\"probe\""), 0);
}

static void what_the_mode_forbids_never_reaches_the_script(void **state)
{
	static const enum http_permit modes[] = { HTTP_READS, HTTP_REHEARSE };
	(void)state;
	make(HEAD HELLO("true") LIST "*delete*) " SAY(YES) TAIL, HTTP_READS);
	list_all();
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		lane_permit(lane, modes[i]);
		struct got g = delete_id("a");
		assert_int_equal(g.a.kind, LANE_NOT_SENT);
		assert_int_equal(g.a.trouble, LANE_NOT_PERMITTED);
		assert_false(g.a.left);
	}
	assert_int_equal(count("delete\""), 0);
	assert_int_equal(count("\"deletes\":false"), 1);
}

/* The script of the mode that only reads is never the one that deletes. */
static void another_mode_is_another_start_of_the_script(void **state)
{
	(void)state;
	make(HEAD HELLO("true") LIST "*op*delete*) " SAY(YES) TAIL, HTTP_READS);
	list_all();
	lane_permit(lane, HTTP_ALL);
	assert_int_equal(delete_id("a").a.kind, LANE_DELETED);
	assert_int_equal(count("start"), 2);
	lane_permit(lane, HTTP_READS);
	assert_int_equal(list_all().page.trouble, LANE_FINE);
	assert_int_equal(count("start"), 3);
	assert_int_equal(count("\"deletes\":false"), 2);
}

static void a_script_that_dies_over_a_delete_leaves_it_unknown(void **state)
{
	(void)state;
	make(HEAD HELLO("true") LIST "*op*delete*) echo oh dear >&2; exit 3;;\n" TAIL, HTTP_ALL);
	struct got g = delete_id("a");
	assert_int_equal(g.a.kind, LANE_UNCLEAR);
	assert_int_equal(g.a.trouble, LANE_CUT);
	assert_true(g.a.left);
	assert_non_null(strstr(g.a.detail, "ended with 3; it said: oh dear"));
	assert_int_equal(list_all().page.trouble, LANE_FINE);   /* it is started again */
	assert_int_equal(count("start"), 2);
	assert_int_equal(count("\"op\":\"delete\""), 1);
}

static void a_script_that_says_nothing_is_ended_and_the_delete_unknown(void **state)
{
	(void)state;
	cfg.timeout_ms = 2000;
	make(HEAD HELLO("true") LIST "*op*delete*) sleep 60;;\n" TAIL, HTTP_ALL);
	struct got g = delete_id("a");
	assert_int_equal(g.a.kind, LANE_UNCLEAR);
	assert_int_equal(g.a.trouble, LANE_TIMEOUT);
	assert_int_equal(list_all().page.trouble, LANE_FINE);
	assert_int_equal(count("start"), 2);
}

static void a_breach_of_the_contract_ends_the_script_and_leaves_deletes_unknown(void **state)
{
	static const struct { const char *line, *why; } t[] = {
		{ "*op*delete*) echo nonsense; sleep 60;;\n", "no JSON" }, { "*op*delete*) echo; sleep 60;;\n", "no JSON" },
		{ "*op*delete*) echo '{\"id\":999,\"answer\":\"yes\"}'; sleep 60;;\n", "nobody asked" },
		{ "*op*delete*) head -c 2000000 /dev/zero | tr '\\0' x; sleep 60;;\n", "above" },
		{ "*op*delete*) printf '{\"id\":1,\"item\":\"a\",\"answer\":\"yes\"}'; exit 0;;\n", "ended with 0" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct buf b = { 0 };
		buf_addf(&b, "%s%s%s", HEAD HELLO("true"), t[i].line, TAIL);
		make(buf_z(&b), HTTP_ALL);
		struct got g = delete_id("a");
		if (g.a.kind != LANE_UNCLEAR || !g.a.left || !strstr(g.a.detail, t[i].why))
			fail_msg("%s: %s %s", t[i].line, lane_delete_kind_name(g.a.kind), g.a.detail);
		lane_free(lane);
		lane = NULL;
		buf_done(&b);
	}
}

static void a_script_that_speaks_no_such_contract_gets_nothing_but_the_hello(void **state)
{
	static const char *const scripts[] = {
		"#!/bin/sh\nexit 1\n", "#!/bin/sh\necho usage: old-cleanup --days N >&2; exit 64\n",
		HEAD "*hello*) echo \"{\\\"id\\\":$id,\\\"answer\\\":\\\"yes\\\",\\\"version\\\":2}\"; sleep 60;;\n" TAIL,
		HEAD "*hello*) echo \"{\\\"id\\\":$id,\\\"answer\\\":\\\"no\\\",\\\"version\\\":1}\"; sleep 60;;\n" TAIL,
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		make(scripts[i], HTTP_ALL);
		struct got g = delete_id("a");
		assert_int_equal(g.a.kind, LANE_NOT_SENT);
		assert_false(g.a.left);
		assert_true(g.a.detail[0]);
		assert_int_equal(lane_requests_sent(lane), 0);
		lane_free(lane);
		lane = NULL;
	}
	assert_int_equal(count("\"op\":\"delete\""), 0);
}

static bool all_written_down(void *ctx)
{
	char path[300];
	(void)ctx;
	snprintf(path, sizeof path, "%s/done", dir);
	return access(path, F_OK) == 0;
}

static void no_shell_reads_the_command_and_no_credential_is_in_the_environment(void **state)
{
	char path[300];
	(void)state;
	assert_int_equal(setenv("OPENAI_API_KEY", "sk-canary-9", 1), 0);
	make("#!/bin/sh\nenv >\"${0%/*}/env\"; printf '%s\\n' \"$@\" >\"${0%/*}/words\"; : >\"${0%/*}/done\"; exec cat >/dev/null\n", HTTP_READS);
	struct got g = { 0 };
	lane_list(lane, slice_of(""), on_page, &g);
	pump(loop, all_written_down, NULL);
	lane_free(lane);
	lane = NULL;
	unsetenv("OPENAI_API_KEY");
	snprintf(path, sizeof path, "%s/env", dir);
	char *text = unit_read(path);
	assert_null(strstr(text, "canary"));
	assert_non_null(strstr(text, "SLUICE_LANE=old\n"));
	free(text);
	snprintf(path, sizeof path, "%s/words", dir);
	text = unit_read(path);
	assert_string_equal(text, "with words; $(not run)\n");
	free(text);
}

static void a_script_that_changed_is_not_started(void **state)
{
	(void)state;
	make(HEAD HELLO("true") "*op*delete*) " SAY(YES) TAIL, HTTP_ALL);
	put(HEAD HELLO("true") "*op*delete*) rm -rf /nonexistent; " SAY(YES) TAIL);
	struct got g = delete_id("a");
	assert_int_equal(g.a.kind, LANE_NOT_SENT);
	assert_non_null(strstr(g.a.detail, "has changed"));
}

static void a_script_that_others_may_change_is_refused(void **state)
{
	static const struct { mode_t mode; const char *why; } t[] = {
		{ 0720, "chmod go-w" }, { 0702, "chmod go-w" }, { 0600, "cannot be run" },
	};
	struct err e = { 0 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		unit_write(script, "#!/bin/sh\n", 10, t[i].mode);
		if (t[i].mode == 0600 && geteuid() == 0)
			assert_int_equal(chmod(script, 0600), 0);
		assert_int_equal(lane_new(&lane, loop, &cfg, NULL, &e), RC_USAGE);
		assert_non_null(strstr(e.text, t[i].why));
		lane = NULL;
	}
	unlink(script);
	assert_int_equal(lane_new(&lane, loop, &cfg, NULL, &e), RC_USAGE);
	lane = NULL;
}

static void the_identity_has_the_words_and_the_bytes_of_the_script(void **state)
{
	struct buf a = { 0 }, b = { 0 };
	(void)state;
	make("#!/bin/sh\n", HTTP_READS);
	lane_identity(lane, &a);
	lane_free(lane);
	make("#!/bin/sh\n# other\n", HTTP_READS);
	lane_identity(lane, &b);
	assert_non_null(strstr(buf_z(&a), "with words; $(not run)"));
	assert_string_not_equal(buf_z(&a), buf_z(&b));
	buf_done(&a);
	buf_done(&b);
}

static bool written(void *ctx)
{
	(void)ctx;
	return lane_requests_sent(lane) > 0;
}

static void freeing_answers_what_is_on_its_way(void **state)
{
	struct got g[3] = { { 0 } };
	(void)state;
	make(HEAD HELLO("true") "*op*delete*) sleep 60;;\n" TAIL, HTTP_ALL);
	lane_delete(lane, SLICE_LIT("a"), on_answer, &g[0]);
	pump(loop, written, NULL);
	lane_list(lane, SLICE_LIT(""), on_page, &g[1]);
	lane_probe(lane, SLICE_LIT("a"), on_probe, &g[2]);
	lane_free(lane);
	lane = NULL;
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].calls, 1);
	assert_int_equal(g[0].a.kind, LANE_UNCLEAR);
	assert_false(g[1].page.last);
	assert_int_equal(g[2].probe.presence, LANE_NO_ANSWER);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_about_a_delete_has_its_meaning),
		cmocka_unit_test(a_probe_is_present_absent_or_no_answer),
		cmocka_unit_test(a_page_is_whole_or_has_a_cursor_or_is_trouble),
		cmocka_unit_test(references_are_read_whole_or_not_at_all),
		cmocka_unit_test(a_line_that_is_no_answer_is_refused),
		T(one_script_lists_probes_and_deletes),
		T(a_script_without_probe_is_asked_for_its_list),
		T(what_the_mode_forbids_never_reaches_the_script),
		T(another_mode_is_another_start_of_the_script),
		T(a_script_that_dies_over_a_delete_leaves_it_unknown),
		T(a_script_that_says_nothing_is_ended_and_the_delete_unknown),
		T(a_breach_of_the_contract_ends_the_script_and_leaves_deletes_unknown),
		T(a_script_that_speaks_no_such_contract_gets_nothing_but_the_hello),
		T(no_shell_reads_the_command_and_no_credential_is_in_the_environment),
		T(a_script_that_changed_is_not_started),
		T(a_script_that_others_may_change_is_refused),
		T(the_identity_has_the_words_and_the_bytes_of_the_script),
		T(freeing_answers_what_is_on_its_way),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
