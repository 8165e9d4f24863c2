#include "unit.h"

#include "sim/fault.h"

static struct fault_rule parsed(const char *text)
{
	struct fault_rule r;
	struct err e = { 0 };
	if (fault_parse(&r, slice_of(text), &e) != RC_OK)
		fail_msg("%s: %s", text, e.text);
	return r;
}

static void assert_refused(const char *text, const char *token)
{
	struct fault_rule r;
	struct err e = { 0 };
	assert_int_equal(fault_parse(&r, slice_of(text), &e), RC_USAGE);
	if (!strstr(e.text, token))
		fail_msg("\"%s\" does not name %s", e.text, token);
}

static struct fault_event deleting(const char *store, const char *id, int64_t attempt)
{
	return (struct fault_event){ .where = slice_of(store), .op = OP_DELETE, .id = slice_of(id), .attempt = attempt, .warm = true, .live = true };
}

static int count(const char *rule, int n)
{
	struct fault_set *s = fault_set_new(7);
	struct fault_rule r = parsed(rule);
	int hits = 0;
	fault_set_add(s, &r);
	for (int i = 0; i < n; i++) {
		struct fault_event ev = deleting("alpha", "file-x", 1);
		hits += fault_decide(s, &ev) != NULL;
	}
	fault_set_free(s);
	return hits;
}

/* The numbers of the requests that are hit, as "2,4,6". */
static const char *which(const char *rule, int n, char out[200])
{
	struct fault_set *s = fault_set_new(7);
	struct fault_rule r = parsed(rule);
	fault_set_add(s, &r);
	out[0] = '\0';
	for (int i = 1; i <= n; i++) {
		struct fault_event ev = deleting("alpha", "file-x", i);
		size_t at = strlen(out);
		if (fault_decide(s, &ev))
			snprintf(out + at, 200 - at, "%s%d", at ? "," : "", i);
	}
	fault_set_free(s);
	return out;
}

static void every_fault_of_the_table_can_be_asked_for(void **state)
{
	(void)state;
	const struct fault_kind *k;
	size_t n = 0;
	for (; (k = fault_at(n)); n++) {
		char text[80];
		snprintf(text, sizeof(text), "fault=%s", k->name);
		struct fault_rule r = parsed(text);
		assert_ptr_equal(r.kind, k);
		assert_int_equal(r.ops, k->usual);
		assert_true(k->usual && !(k->usual & ~k->ops));
		assert_ptr_equal(fault_find(slice_of(k->name)), k);
		assert_true(k->how == HOW_LINK ? !(k->ops & OP_STORE) : !(k->ops & OP_LINK));
	}
	assert_true(n >= 40);
}

static void unknown_words_are_named(void **state)
{
	(void)state;
	assert_refused("fault=428", "\"428\"");
	assert_refused("fault=429 colour=red", "\"colour=red\"");
	assert_refused("op=delete", "fault=NAME");
	assert_refused("fault=429 op=fly", "\"fly\"");
	assert_refused("fault=429 nth=0", "\"0\"");
	assert_refused("fault=429 nth=2x", "\"2x\"");
	assert_refused("fault=429 nth=", "\"nth=\"");
	assert_refused("fault=429 rate=1.5", "\"1.5\"");
	assert_refused("fault=429 rate=0.", "\"0.\"");
	assert_refused("fault=429 rate=101%", "\"101%\"");
	assert_refused("fault=429 from=5..3", "\"5..3\"");
	assert_refused("fault=429 arg=-1", "\"-1\"");
	assert_refused("fault=401 arg=1", "takes no arg");
	assert_refused("fault=429 fault=503", "\"fault=503\"");
	assert_refused("fault=429 link=x", "link= with");
	assert_refused("fault=1011 store=x", "store= with");
	assert_refused("fault=deleted-false op=list", "deleted-false");
	assert_refused("fault=deletes-another act=no", "deletes-another");
	assert_refused("fault=cut-after arg=maybe", "\"maybe\"");
	assert_refused("fault=429 conn=hot", "\"hot\"");
}

static void a_rule_chooses_its_requests(void **state)
{
	(void)state;
	char got[200];
	assert_string_equal(which("fault=429 nth=3", 9, got), "3");
	assert_string_equal(which("fault=429 every=3", 9, got), "3,6,9");
	assert_string_equal(which("fault=429 every=2 times=2", 9, got), "2,4");
	assert_string_equal(which("fault=429 from=4..6", 9, got), "4,5,6");
	assert_string_equal(which("fault=429 from=8", 9, got), "8,9");
	assert_string_equal(which("fault=429 attempt=2", 9, got), "2");
	assert_string_equal(which("fault=429 times=1", 9, got), "1");
	assert_string_equal(which("fault=429 store=beta", 9, got), "");
	assert_string_equal(which("fault=429 store=alpha nth=1", 9, got), "1");
	assert_string_equal(which("fault=429 id=file-y", 9, got), "");
	assert_string_equal(which("fault=429 id=file-x op=delete nth=2", 9, got), "2");
	assert_string_equal(which("fault=429 op=list", 9, got), "");
	assert_string_equal(which("fault=429 rate=0", 9, got), "");
	assert_string_equal(which("fault=429 rate=1 from=9", 9, got), "9");
}

static void a_share_is_about_that_share(void **state)
{
	(void)state;
	int n = 0;
	struct fault_set *s = fault_set_new(11);
	struct fault_rule r = parsed("fault=500-before rate=2%");
	fault_set_add(s, &r);
	for (int i = 0; i < 100000; i++) {
		char id[32];
		snprintf(id, sizeof(id), "file-%d", i);
		struct fault_event ev = deleting("alpha", id, 1);
		n += fault_decide(s, &ev) != NULL;
	}
	assert_in_range(n, 1850, 2150);
	fault_set_free(s);
	assert_int_equal(count("fault=429 rate=100%", 50), 50);
}

/* Which of 1,000 ids are hit when they come in the order from, from + step, … */
static void hit_set(uint64_t seed, int from, int step, bool hit[1000])
{
	struct fault_set *s = fault_set_new(seed);
	struct fault_rule r = parsed("fault=500-before rate=0.1");
	fault_set_add(s, &r);
	for (int k = 0, i = from; k < 1000; k++, i = (i + step) % 1000) {
		char id[32];
		snprintf(id, sizeof(id), "file-%d", i);
		struct fault_event ev = deleting("alpha", id, 1);
		hit[i] = fault_decide(s, &ev) != NULL;
	}
	fault_set_free(s);
}

static void chance_depends_on_the_seed_and_not_on_the_order(void **state)
{
	(void)state;
	bool a[1000], b[1000], c[1000];
	hit_set(5, 0, 1, a);
	hit_set(5, 999, 7, b);
	hit_set(6, 0, 1, c);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
}

static void a_cut_waits_for_a_warm_connection(void **state)
{
	(void)state;
	struct fault_set *s = fault_set_new(1);
	struct fault_rule r = parsed("fault=cut-after times=1"), cold = parsed("fault=cut-after conn=cold");
	assert_int_equal(r.conn, CONN_WARM);
	assert_int_equal(cold.conn, CONN_COLD);
	fault_set_add(s, &r);
	struct fault_event ev = deleting("alpha", "file-x", 1);
	ev.warm = false;
	assert_null(fault_decide(s, &ev));
	ev.warm = true;
	assert_non_null(fault_decide(s, &ev));
	assert_null(fault_decide(s, &ev));
	fault_set_free(s);
}

static void a_lie_waits_for_a_file_that_is_there(void **state)
{
	(void)state;
	struct fault_set *s = fault_set_new(1);
	struct fault_rule r = parsed("fault=says-deleted-was-not");
	fault_set_add(s, &r);
	struct fault_event ev = deleting("alpha", "file-x", 1);
	ev.live = false;
	assert_null(fault_decide(s, &ev));
	ev.live = true;
	assert_non_null(fault_decide(s, &ev));
	fault_set_free(s);
}

static void the_first_rule_wins_and_all_count(void **state)
{
	(void)state;
	struct fault_set *s = fault_set_new(1);
	struct err e;
	int added = 0;
	assert_int_equal(fault_set_add_text(s, slice_of("# comment\n\nfault=429 nth=2\r\n  fault=503 from=2..3\n"), &added, &e), RC_OK);
	assert_int_equal(added, 2);
	const char *want[] = { NULL, "429", "503", NULL };
	for (int i = 0; i < 4; i++) {
		struct fault_event ev = deleting("alpha", "file-x", i + 1);
		const struct fault_rule *r = fault_decide(s, &ev);
		if (want[i])
			assert_string_equal(r ? r->kind->name : "none", want[i]);
		else
			assert_null(r);
	}
	assert_int_equal(fault_set_get(s, 1)->seen, 4);
	fault_set_free(s);
}

static void a_bad_line_adds_nothing_and_is_numbered(void **state)
{
	(void)state;
	struct fault_set *s = fault_set_new(1);
	struct err e = { 0 };
	assert_int_equal(fault_set_add_text(s, slice_of("fault=429\nfault=503\nfault=nope\n"), NULL, &e), RC_USAGE);
	assert_int_equal(fault_set_count(s), 0);
	assert_non_null(strstr(e.text, "line 3"));
	assert_non_null(strstr(e.text, "\"nope\""));
	fault_set_free(s);
}

static void the_argument_may_follow_the_name(void **state)
{
	(void)state;
	assert_int_equal(parsed("link=beta fault=flap=3").arg, 3);
	assert_int_equal(parsed("link=beta fault=flap arg=4").arg, 4);
	assert_int_equal(parsed("fault=oversized-body arg=2MiB").arg, 2 << 20);
	assert_true(parsed("fault=cut-after arg=rst").reset);
	assert_string_equal(parsed("fault=deletes-another arg=file-z").word, "file-z");
	assert_int_equal(parsed("fault=broken-json act=no").act, ACT_NONE);
	assert_int_equal(parsed("fault=broken-json").act, ACT_ASKED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_fault_of_the_table_can_be_asked_for),
	cmocka_unit_test(unknown_words_are_named),
	cmocka_unit_test(a_rule_chooses_its_requests),
	cmocka_unit_test(a_share_is_about_that_share),
	cmocka_unit_test(chance_depends_on_the_seed_and_not_on_the_order),
	cmocka_unit_test(a_cut_waits_for_a_warm_connection),
	cmocka_unit_test(a_lie_waits_for_a_file_that_is_there),
	cmocka_unit_test(the_first_rule_wins_and_all_count),
	cmocka_unit_test(a_bad_line_adds_nothing_and_is_numbered),
	cmocka_unit_test(the_argument_may_follow_the_name),
};
UNIT_MAIN("sim/fault", tests)
