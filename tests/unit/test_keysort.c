#include "unit.h"

#include "base/keysort.h"
#include "base/mem.h"
#include "base/rng.h"

enum { ROWS = 3000 };

/* What the sorter is told, and what it should come to. */
static struct row {
	struct slice text;
	int64_t number;
	uint32_t added;
	bool none, is_text;
} rows[ROWS];

static int by_key(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int d = 0;
	if (a->none != b->none)
		return a->none ? 1 : -1;
	if (!a->none)
		d = a->is_text ? slice_cmp(a->text, b->text) : (a->number > b->number) - (a->number < b->number);
	return d ? d : (a->added > b->added) - (a->added < b->added);
}

static void agrees(size_t n)
{
	static uint32_t out[ROWS];
	struct keysort *k = keysort_new();
	for (size_t i = 0; i < n; i++) {
		rows[i].added = (uint32_t)i;
		if (rows[i].none)
			keysort_add_none(k, (uint32_t)i);
		else if (rows[i].is_text)
			keysort_add_text(k, (uint32_t)i, rows[i].text);
		else
			keysort_add_number(k, (uint32_t)i, rows[i].number);
	}
	assert_int_equal(keysort_count(k), n);
	keysort_end(k, out);
	qsort(rows, n, sizeof *rows, by_key);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(out[i], rows[i].added);
}

static void numbers_of_any_size_and_ties_as_they_came(void **state)
{
	(void)state;
	static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, -256, -1, 0, 1, 255, 256, 65536, INT64_MAX - 1, INT64_MAX };
	static const size_t sizes[] = { 0, 1, 2, 47, 48, 49, 300, ROWS };
	struct rng r;
	rng_seed(&r, 1);
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++)
		for (int spread = 0; spread < 4; spread++) {
			for (size_t i = 0; i < sizes[s]; i++) {
				int64_t wide = (int64_t)(rng_below(&r, UINT32_MAX) << 31 | rng_below(&r, UINT32_MAX));
				rows[i] = (struct row){ .number = spread == 0 ? edges[rng_below(&r, ARRAY_LEN(edges))] : spread == 1 ? wide : (int64_t)rng_below(&r, 7) - 3,
					.none = spread == 3 && rng_below(&r, 3) == 0 };
			}
			agrees(sizes[s]);
		}
}

/* Texts that share long beginnings, end in one another, hold zero bytes and bytes above 127. */
static void texts_as_their_bytes_compare(void **state)
{
	(void)state;
	static const char letters[] = { 'a', 'b', '\0', (char)0xff };
	static char pool[ROWS][40];
	static const size_t sizes[] = { 1, 2, 48, 49, 500, ROWS };
	struct rng r;
	rng_seed(&r, 2);
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++)
		for (size_t same = 0; same < 34; same += 3) {
			for (size_t i = 0; i < sizes[s]; i++) {
				size_t n = rng_below(&r, 40);
				for (size_t at = 0; at < n; at++)
					pool[i][at] = at < same ? 'x' : letters[rng_below(&r, ARRAY_LEN(letters))];
				rows[i] = (struct row){ .text = { pool[i], n }, .is_text = true, .none = rng_below(&r, 20) == 0 };
			}
			agrees(sizes[s]);
		}
}

static void all_the_same_stays_as_it_came(void **state)
{
	(void)state;
	static char text[5000];
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct row){ .text = { text, sizeof text }, .is_text = true };
	agrees(ROWS);
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct row){ .text = { text, sizeof text - i % 2 }, .is_text = true };
	agrees(ROWS);
}

static void what_was_begun_can_be_given_up(void **state)
{
	(void)state;
	struct keysort *k = keysort_new();
	keysort_add_text(k, 1, SLICE_LIT("x"));
	keysort_add_none(k, 2);
	keysort_end(k, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(numbers_of_any_size_and_ties_as_they_came),
	cmocka_unit_test(texts_as_their_bytes_compare),
	cmocka_unit_test(all_the_same_stays_as_it_came),
	cmocka_unit_test(what_was_begun_can_be_given_up),
};

UNIT_MAIN("keysort", tests)
