#include "unit.h"

#include "base/rng.h"
#include "cleanup/depend.h"

#define E(...) (struct depend_edge[]){ __VA_ARGS__ }, sizeof((struct depend_edge[]){ __VA_ARGS__ }) / sizeof(struct depend_edge)

static void expect(const struct depend_node *node, int32_t n, const char *fates, const char *levels)
{
	static const char letter[] = { [DEPEND_GOES] = 'g', [DEPEND_STAYS] = 's', [DEPEND_HELD] = 'h', [DEPEND_CIRCLE] = 'c', [DEPEND_DEEP] = 'd' };
	for (int32_t i = 0; i < n; i++) {
		assert_int_equal(letter[node[i].fate], fates[i]);
		if (fates[i] == 'g')
			assert_int_equal(node[i].level, levels[i] - '0');
	}
}

static void what_refers_goes_before_what_it_refers_to(void **state)
{
	struct depend_node node[4] = { 0 };
	(void)state;
	depend_resolve(node, 4, E({ 2, 1 }, { 1, 0 }, { 2, 0 }, { 2, 1 }));
	expect(node, 4, "gggg", "2100");
	assert_int_equal(node[0].by, 1);
	assert_int_equal(node[1].by, 2);
	assert_int_equal(node[2].by, -1);
}

static void without_references_nothing_waits(void **state)
{
	struct depend_node node[3] = { 0 };
	(void)state;
	depend_resolve(node, 3, NULL, 0);
	expect(node, 3, "ggg", "000");
	depend_resolve(node, 0, NULL, 0);
	depend_resolve(node, 3, E({ 0, 7 }, { 9, 1 }, { 2, -1 }));
	expect(node, 3, "ggg", "000");
}

static void a_circle_is_refused_with_what_it_refers_to_and_not_what_refers_to_it(void **state)
{
	struct depend_node node[6] = { 0 };
	(void)state;
	depend_resolve(node, 6, E({ 0, 1 }, { 1, 2 }, { 2, 1 }, { 2, 3 }, { 3, 4 }));
	expect(node, 6, "gcchhg", "0    0");
	assert_int_equal(node[1].by, 2);
	assert_int_equal(node[2].by, 1);
	assert_int_equal(node[3].by, 2);
	assert_int_equal(node[4].by, 3);
}

static void one_that_refers_to_itself_is_a_circle(void **state)
{
	struct depend_node node[2] = { 0 };
	(void)state;
	depend_resolve(node, 2, E({ 1, 1 }, { 0, 1 }));
	expect(node, 2, "gc", "0 ");
	assert_int_equal(node[1].by, 1);
}

static void what_stays_holds_all_that_it_reaches(void **state)
{
	struct depend_node node[5] = { [3] = { .fate = DEPEND_STAYS } };
	(void)state;
	depend_resolve(node, 5, E({ 3, 2 }, { 2, 1 }, { 4, 3 }, { -1, 0 }));
	expect(node, 5, "hhhsg", "    0");
	assert_int_equal(node[0].by, -1);
	assert_int_equal(node[2].by, 3);
}

static void a_chain_is_cut_at_its_sixteenth_level(void **state)
{
	(void)state;
	for (int32_t n = DEPEND_LEVELS - 1; n <= DEPEND_LEVELS + 2; n++) {
		struct depend_node node[DEPEND_LEVELS + 2] = { 0 };
		struct depend_edge edge[DEPEND_LEVELS + 2];
		for (int32_t i = 0; i + 1 < n; i++)
			edge[i] = (struct depend_edge){ i, i + 1 };
		depend_resolve(node, n, edge, (size_t)n - 1);
		for (int32_t i = 0; i < n; i++)
			assert_int_equal(node[i].fate, i < DEPEND_LEVELS ? DEPEND_GOES : DEPEND_DEEP);
	}
}

/* ---- against the definition, on every kind of small graph ---- */

enum { N = 7 };

static void reach_of(bool reach[N][N], const struct depend_edge *edge, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (edge[i].from >= 0)
			reach[edge[i].from][edge[i].to] = true;
	for (int k = 0; k < N; k++)
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
}

static void agrees(const struct depend_node *in, const struct depend_node *node, const struct depend_edge *edge, size_t n)
{
	bool reach[N][N] = { 0 };
	reach_of(reach, edge, n);
	for (int i = 0; i < N; i++) {
		bool held = false;
		for (int k = 0; k < N; k++)
			held |= reach[k][i] && (in[k].fate == DEPEND_STAYS || reach[k][k]);
		for (size_t e = 0; e < n; e++)
			held |= edge[e].from < 0 && (edge[e].to == i || reach[edge[e].to][i]);
		enum depend_fate want = in[i].fate == DEPEND_STAYS ? DEPEND_STAYS : reach[i][i] ? DEPEND_CIRCLE : held ? DEPEND_HELD : DEPEND_GOES;
		assert_int_equal(node[i].fate, want);
	}
	for (size_t e = 0; e < n; e++)
		if (node[edge[e].to].fate == DEPEND_GOES) {
			assert_true(edge[e].from >= 0 && node[edge[e].from].fate == DEPEND_GOES);
			assert_true(node[edge[e].from].level < node[edge[e].to].level);
		}
	for (int i = 0; i < N; i++)
		if (node[i].fate == DEPEND_GOES && node[i].level)
			assert_int_equal(node[node[i].by].level, node[i].level - 1);
}

static void random_graphs_agree_with_the_definition(void **state)
{
	struct rng r;
	(void)state;
	rng_seed(&r, 4);
	for (int round = 0; round < 20000; round++) {
		struct depend_node in[N] = { 0 }, node[N];
		struct depend_edge edge[2 * N];
		size_t n = (size_t)rng_below(&r, 2 * N + 1);
		for (size_t i = 0; i < n; i++)
			edge[i] = (struct depend_edge){ rng_below(&r, 20) ? (int32_t)rng_below(&r, N) : -1, (int32_t)rng_below(&r, N) };
		for (int i = 0; i < N; i++)
			in[i].fate = rng_below(&r, 15) ? DEPEND_GOES : DEPEND_STAYS;
		memcpy(node, in, sizeof node);
		depend_resolve(node, N, edge, n);
		agrees(in, node, edge, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_refers_goes_before_what_it_refers_to),
		cmocka_unit_test(without_references_nothing_waits),
		cmocka_unit_test(a_circle_is_refused_with_what_it_refers_to_and_not_what_refers_to_it),
		cmocka_unit_test(one_that_refers_to_itself_is_a_circle),
		cmocka_unit_test(what_stays_holds_all_that_it_reaches),
		cmocka_unit_test(a_chain_is_cut_at_its_sixteenth_level),
		cmocka_unit_test(random_graphs_agree_with_the_definition),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("depend", tests, NULL, NULL);
}
