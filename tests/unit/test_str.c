#include "unit.h"

static void slices_compare_by_bytes_and_nul_is_a_byte(void **state)
{
	(void)state;
	struct slice a = { "a\0b", 3 }, b = { "a\0c", 3 }, none = { NULL, 0 };
	assert_false(slice_eq(a, b));
	assert_true(slice_cmp(a, b) < 0);
	assert_true(slice_cmp(SLICE_LIT("ab"), SLICE_LIT("abc")) < 0);
	assert_true(slice_cmp(SLICE_LIT("\xff"), SLICE_LIT("a")) > 0);
	assert_true(slice_eq(none, slice_of(NULL)));
	assert_true(slice_eq(none, slice_of("")));
	assert_false(slice_is(a, "a"));
	assert_true(slice_starts(a, "a"));
	assert_true(slice_starts(none, ""));
	assert_false(slice_starts(SLICE_LIT("ab"), "abc"));
}

static void a_buf_is_always_terminated_and_can_be_used_again(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b);
	assert_string_equal(buf_z(&b), "");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.n, 3);
	assert_int_equal(b.p[3], 0);
	buf_clear(&b);
	assert_string_equal(buf_z(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	buf_addc(&b, '.');
	assert_int_equal(b.n, 3891);
	assert_int_equal(strlen(buf_z(&b)), b.n);
	char *z = buf_take(&b);
	assert_null(b.p);
	free(z);
	z = buf_take(&b);
	assert_string_equal(z, "");
	free(z);
	buf_adds(&b, "again");
	assert_slice(buf_slice(&b), "again");
	buf_done(&b);
	buf_done(&b);
}

struct row {
	const char *text;
	bool ok;
	int64_t value;
};

typedef bool parser(struct slice s, int64_t *out);

static void check_rows(parser *parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = -77;
		bool ok = parse(slice_of(rows[i].text), &v);
		if (ok != rows[i].ok || (ok && v != rows[i].value))
			fail_msg("\"%s\": got %d, %lld", rows[i].text, ok, (long long)v);
	}
}

#define CHECK_ROWS(parse, rows) check_rows(parse, rows, ARRAY_LEN(rows))

static void integers_are_read_whole_or_not_at_all(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "7", true, 7 }, { "-12", true, -12 }, { "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
		{ "-9223372036854775808", true, INT64_MIN }, { "-9223372036854775809", false, 0 },
		{ "99999999999999999999999", false, 0 }, { "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 },
		{ " 1", false, 0 }, { "1 ", false, 0 }, { "--1", false, 0 }, { "1.0", false, 0 }, { "1e3", false, 0 },
		{ "0x10", false, 0 }, { "1_000", false, 0 },
	};
	CHECK_ROWS(parse_i64, rows);
	int64_t v;
	assert_false(parse_i64((struct slice){ "1\0", 2 }, &v));
}

static void byte_counts_need_a_unit(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "0", true, 0 }, { "1B", true, 1 }, { "512MB", true, 512000000 }, { "1kB", true, 1000 },
		{ "1KiB", true, 1024 }, { "3GiB", true, (int64_t)3 << 30 }, { "2TB", true, 2000000000000 },
		{ "2TiB", true, (int64_t)2 << 40 }, { "5MiB", true, 5 << 20 }, { "8GB", true, 8000000000 },
		{ "512", false, 0 }, { "1.5GB", false, 0 }, { "1KB", false, 0 }, { "1mb", false, 0 }, { "1 MB", false, 0 },
		{ "MB", false, 0 }, { "", false, 0 }, { "-1MB", false, 0 }, { "1MB2", false, 0 }, { "1MBB", false, 0 },
		{ "8388607TiB", true, (int64_t)8388607 << 40 }, { "8388608TiB", false, 0 }, { "99999999999999999999B", false, 0 },
	};
	CHECK_ROWS(parse_bytes, rows);
}

static void durations_need_units_in_falling_order(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "0", true, 0 }, { "90s", true, 90000 }, { "30d", true, (int64_t)30 * 86400000 }, { "2h", true, 7200000 },
		{ "500ms", true, 500 }, { "1h30m", true, 5400000 }, { "1m500ms", true, 60500 }, { "1d1h1m1s1ms", true, 90061001 },
		{ "90", false, 0 }, { "", false, 0 }, { "s", false, 0 }, { "1h1h", false, 0 }, { "30m1h", false, 0 },
		{ "1.5h", false, 0 }, { "-1s", false, 0 }, { "1 s", false, 0 }, { "1w", false, 0 }, { "1h30", false, 0 },
		{ "106751991167d", true, (int64_t)106751991167 * 86400000 }, { "106751991168d", false, 0 },
		{ "106751991167d25h", false, 0 },
	};
	CHECK_ROWS(parse_duration_ms, rows);
}

static void shares_are_basis_points_of_at_most_one_hundred_percent(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "0%", true, 0 }, { "50%", true, 5000 }, { "12.5%", true, 1250 }, { "0.01%", true, 1 }, { "99.99%", true, 9999 },
		{ "100%", true, 10000 }, { "100.00%", true, 10000 }, { "100.01%", false, 0 }, { "101%", false, 0 },
		{ "12.345%", false, 0 }, { "12.%", false, 0 }, { ".5%", false, 0 }, { "50", false, 0 }, { "%", false, 0 },
		{ "-1%", false, 0 }, { "50%%", false, 0 }, { "50 %", false, 0 }, { "", false, 0 },
		{ "18446744073709551616%", false, 0 },
	};
	CHECK_ROWS(parse_share_bp, rows);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(slices_compare_by_bytes_and_nul_is_a_byte),
	cmocka_unit_test(a_buf_is_always_terminated_and_can_be_used_again),
	cmocka_unit_test(integers_are_read_whole_or_not_at_all),
	cmocka_unit_test(byte_counts_need_a_unit),
	cmocka_unit_test(durations_need_units_in_falling_order),
	cmocka_unit_test(shares_are_basis_points_of_at_most_one_hundred_percent),
};

UNIT_MAIN("str", tests)
