#include "unit.h"

static void arena_memory_is_aligned_and_its_own(void **state)
{
	(void)state;
	struct arena *a = arena_new(1000);
	char *p[300];
	for (size_t i = 0; i < 300; i++) {
		p[i] = arena_alloc(a, i);
		assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		memset(p[i], (int)i, i);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal((unsigned char)p[i][k], (unsigned char)i);
	assert_true(arena_bytes(a) >= 300 * 299 / 2);
	arena_free(a);
	arena_free(NULL);
}

static void arena_takes_what_is_larger_than_a_block(void **state)
{
	(void)state;
	struct arena *a = arena_new(0);
	char *small = arena_strndup(a, "small", 5), *big = arena_alloc(a, 1 << 20);
	memset(big, 1, 1 << 20);
	char *after = arena_strndup(a, "after", 5);
	assert_string_equal(small, "small");
	assert_string_equal(after, "after");
	assert_true(arena_bytes(a) < (1 << 20) + 4096);
	arena_free(a);
}

static void grow_doubles_and_keeps_what_was_there(void **state)
{
	(void)state;
	int *v = NULL;
	size_t cap = 0, moves = 0;
	for (int i = 0; i < 1000; i++) {
		size_t before = cap;
		GROW(v, cap, (size_t)i + 1);
		moves += cap != before;
		v[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v[i], i);
	assert_true(moves <= 8);
	free(v);
}

static void copies_end_where_they_should(void **state)
{
	(void)state;
	char *a = xstrndup("hello", 3), *b = xstrndup("hi", 99), *c = xstrdup("");
	assert_string_equal(a, "hel");
	assert_string_equal(b, "hi");
	assert_string_equal(c, "");
	free(a);
	free(b);
	free(c);
	free(xmalloc(0));
	free(xcalloc(0, 9));
}

static void too_many(void)
{
	free(xreallocarray(NULL, SIZE_MAX / 2, 3));
}

static void too_large(void)
{
	struct arena *a = arena_new(0);
	arena_alloc(a, SIZE_MAX - 3);
}

static void sizes_that_overflow_die(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(too_many), SIGABRT);
	assert_int_equal(unit_signal_of(too_large), SIGABRT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(arena_memory_is_aligned_and_its_own),
	cmocka_unit_test(arena_takes_what_is_larger_than_a_block),
	cmocka_unit_test(grow_doubles_and_keeps_what_was_there),
	cmocka_unit_test(copies_end_where_they_should),
	cmocka_unit_test(sizes_that_overflow_die),
};

UNIT_MAIN("mem", tests)
