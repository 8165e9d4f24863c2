#include "unit.h"

#include "base/rng.h"

/* Reference: splitmix64 and xoshiro256** by Blackman and Vigna, seed 0. */
static void the_same_seed_gives_the_published_stream(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 0);
	assert_true(r.s[0] == 0xE220A8397B1DCDAFu);
	assert_true(r.s[1] == 0x6E789E6AA1B965F4u);
	assert_true(rng_u64(&r) == 0x99EC5F36CB75F2B4u);
	assert_true(rng_u64(&r) == 0xBF6E1F784956452Au);
	assert_true(rng_u64(&r) == 0x1A5F849D4933E6E0u);
	struct rng a, b;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_u64(&a) == rng_u64(&b));
}

static void below_stays_below_and_reaches_everything(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 1);
	int seen[7] = { 0 };
	for (int i = 0; i < 70000; i++)
		seen[rng_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 9500, 10500);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rng_below(&r, 1), 0);
		assert_true(rng_below(&r, ((uint64_t)1 << 63) + 1) <= (uint64_t)1 << 63);
		assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
	}
}

/* With n = 3·2^62 a plain remainder would give the lowest third half of the time. */
static void below_has_no_modulo_bias(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 5);
	int low = 0;
	for (int i = 0; i < 30000; i++)
		low += rng_below(&r, (uint64_t)3 << 62) < (uint64_t)1 << 62;
	assert_in_range(low, 9600, 10400);
}

static void below_zero_values(void)
{
	struct rng r;
	rng_seed(&r, 1);
	rng_below(&r, 0);
}

static void below_nothing_dies(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(below_zero_values), SIGABRT);
}

static void the_kernel_gives_different_bytes(void **state)
{
	(void)state;
	char a[600] = { 0 }, b[600] = { 0 };
	rng_os(a, sizeof(a));
	rng_os(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 568, (char[32]){ 0 }, 32);
	rng_os(NULL, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_same_seed_gives_the_published_stream),
	cmocka_unit_test(below_stays_below_and_reaches_everything),
	cmocka_unit_test(below_has_no_modulo_bias),
	cmocka_unit_test(below_nothing_dies),
	cmocka_unit_test(the_kernel_gives_different_bytes),
};

UNIT_MAIN("rng", tests)
