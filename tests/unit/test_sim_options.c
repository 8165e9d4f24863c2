#include "unit.h"

#include "sim/options.h"

static enum rc reading(struct options *o, struct err *e, const char *const *words)
{
	char *argv[32] = { (char *)(uintptr_t)"sluice-sim" };
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return options_read(o, argc, argv, e);
}

#define READ(o, e, ...) reading(o, e, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_named(const char *a, const char *b, const char *token)
{
	struct options o;
	struct err e = { 0 };
	assert_int_equal(READ(&o, &e, a, b), RC_USAGE);
	if (!strstr(e.text, token))
		fail_msg("\"%s\" does not name %s", e.text, token);
	options_done(&o);
}

static void a_command_line_is_read(void **state)
{
	(void)state;
	struct options o;
	struct err e = { 0 };
	assert_int_equal(READ(&o, &e, "--seed", "9", "--ledger=l", "--store", "alpha:files=10,bytes=1..2KiB,age=1d..2d,ids=xid,latency_ms=5",
			      "--link", "beta:handshake=none,flap=3", "--fault", "store=alpha fault=429", "--parent-pipe"), RC_OK);
	assert_int_equal(o.seed, 9);
	assert_string_equal(o.ledger, "l");
	assert_true(o.parent_pipe);
	assert_int_equal(o.stores, 1);
	assert_int_equal(o.store[0].bytes_max, 2048);
	assert_int_equal(o.store[0].age_min_s, 86400);
	assert_int_equal(o.store[0].age_max_s, 172800);
	assert_int_equal(o.store[0].ids, GEN_IDS_XID);
	assert_int_equal(o.store[0].latency_max_ms, 5);
	assert_int_equal(o.link[0].handshake, HANDSHAKE_NONE);
	assert_int_equal(o.link[0].flap_s, 3);
	assert_int_equal(fault_set_count(o.faults), 1);
	options_done(&o);
}

static void roles_are_counts_or_shares_and_the_rest_is_tracked(void **state)
{
	(void)state;
	struct store_opts s;
	struct err e = { 0 };
	assert_int_equal(options_store(&s, slice_of("a:files=200,orphan=25%,protected=10,hostile=1%"), &e), RC_OK);
	assert_int_equal(s.roles[SIM_ORPHAN], 50);
	assert_int_equal(s.roles[SIM_PROTECTED], 10);
	assert_int_equal(s.roles[SIM_HOSTILE], 2);
	assert_int_equal(s.roles[SIM_TRACKED], 138);
	assert_int_equal(options_store(&s, slice_of("a:files=10,orphan=10"), &e), RC_OK);
	assert_int_equal(s.roles[SIM_TRACKED], 0);
	assert_int_equal(options_store(&s, slice_of("a:files=10,orphan=11"), &e), RC_USAGE);
	assert_int_equal(options_store(&s, slice_of("a:files=10,tracked=4,orphan=5"), &e), RC_USAGE);
	assert_int_equal(options_store(&s, slice_of("a:files=0"), &e), RC_OK);
}

static void wrong_tokens_are_named(void **state)
{
	(void)state;
	assert_named("--store", "a:fils=3", "\"fils=3\"");
	assert_named("--store", "a:files", "\"files\"");
	assert_named("--store", "a:files=3x", "\"files=3x\"");
	assert_named("--store", "a:files=-1", "\"files=-1\"");
	assert_named("--store", "a:files=20000001", "\"files=20000001\"");
	assert_named("--store", "a:port=65536", "\"port=65536\"");
	assert_named("--store", "a:files=1,files=2", "\"files=2\"");
	assert_named("--store", "a:bytes=9..3", "\"bytes=9..3\"");
	assert_named("--store", "a:age=3", "\"age=3\"");
	assert_named("--store", "a:ids=uuid", "\"ids=uuid\"");
	assert_named("--store", "a:orphan=200%", "\"orphan=200%\"");
	assert_named("--store", "bad name", "\"bad name\"");
	assert_named("--store", ":files=1", "\"\"");
	assert_named("--link", "l:handshake=tls", "\"handshake=tls\"");
	assert_named("--link", "l:files=1", "\"files=1\"");
	assert_named("--fault", "fault=nope", "\"nope\"");
	assert_named("--faults", "/nonexistent/file", "/nonexistent/file");
	assert_named("--seed", "1e3", "\"1e3\"");
	assert_named("--wat", "x", "\"--wat\"");
	assert_named("--help=1", "x", "--help");
	assert_named("--seed", "3", "nothing to simulate");
}

static void names_are_unique_and_rules_find_theirs(void **state)
{
	(void)state;
	struct options o;
	struct err e = { 0 };
	assert_int_equal(READ(&o, &e, "--store", "a", "--link", "a"), RC_USAGE);
	options_done(&o);
	assert_int_equal(READ(&o, &e, "--fault", "store=b fault=429", "--store", "a"), RC_USAGE);
	assert_non_null(strstr(e.text, "\"b\""));
	options_done(&o);
	assert_int_equal(READ(&o, &e, "--fault", "link=a fault=1011", "--store", "a"), RC_USAGE);
	options_done(&o);
	assert_int_equal(READ(&o, &e, "--fault", "link=a fault=1011 op=now", "--link", "a"), RC_USAGE);
	options_done(&o);
	assert_int_equal(READ(&o, &e, "--fault", "link=a fault=1011", "--link", "a"), RC_OK);
	options_done(&o);
}

static void the_help_knows_every_key_and_fault(void **state)
{
	(void)state;
	struct buf b = { 0 };
	const struct fault_kind *k;
	options_help(&b);
	for (int i = 0; i < SIM_UPLOADED; i++)
		assert_non_null(strstr(buf_z(&b), sim_role_name((enum sim_role)i)));
	assert_non_null(strstr(buf_z(&b), "--parent-pipe"));
	buf_clear(&b);
	options_faults_help(&b);
	for (size_t i = 0; (k = fault_at(i)); i++)
		assert_non_null(strstr(buf_z(&b), k->name));
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_command_line_is_read),
	cmocka_unit_test(roles_are_counts_or_shares_and_the_rest_is_tracked),
	cmocka_unit_test(wrong_tokens_are_named),
	cmocka_unit_test(names_are_unique_and_rules_find_theirs),
	cmocka_unit_test(the_help_knows_every_key_and_fault),
};
UNIT_MAIN("sim/options", tests)
