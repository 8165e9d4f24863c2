#include "unit.h"

#include "base/time.h"

static const int64_t US = 1000000;

struct row {
	const char *text;
	bool ok;
	int64_t us;
};

typedef bool parser(struct slice s, int64_t *out);

static void check_rows(parser *parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = -77;
		bool ok = parse(slice_of(rows[i].text), &v);
		if (ok != rows[i].ok || (ok && v != rows[i].us))
			fail_msg("\"%s\": got %d, %lld", rows[i].text, ok, (long long)v);
	}
}

#define CHECK_ROWS(parse, rows) check_rows(parse, rows, ARRAY_LEN(rows))

static void rfc3339_is_read_strictly(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "1970-01-01T00:00:00Z", true, 0 }, { "2026-11-22T14:03:22Z", true, 1795356202 * (int64_t)1000000 },
		{ "2026-11-22T14:03:22.000123Z", true, 1795356202000123 }, { "2026-11-22t14:03:22z", true, 1795356202000000 },
		{ "2026-11-22T15:03:22+01:00", true, 1795356202000000 }, { "2026-11-22T08:33:22-05:30", true, 1795356202000000 },
		{ "1969-12-31T23:59:59.5Z", true, -500000 }, { "2000-02-29T00:00:00Z", true, 951782400000000 },
		{ "1900-02-29T00:00:00Z", false, 0 }, { "2023-02-29T00:00:00Z", false, 0 }, { "2026-13-01T00:00:00Z", false, 0 },
		{ "2026-00-01T00:00:00Z", false, 0 }, { "2026-04-31T00:00:00Z", false, 0 }, { "2026-01-00T00:00:00Z", false, 0 },
		{ "2026-01-01T24:00:00Z", false, 0 }, { "2026-01-01T00:60:00Z", false, 0 }, { "2026-01-01T00:00:61Z", false, 0 },
		{ "2016-12-31T23:59:60Z", true, 1483228800000000 }, { "2026-11-22T14:03:22", false, 0 }, { "2026-11-22", false, 0 },
		{ "2026-11-22T14:03:22Zx", false, 0 }, { "2026-11-22 14:03:22Z", false, 0 }, { "2026-11-22T14:03:22.Z", false, 0 },
		{ "2026-11-22T14:03:22+0100", false, 0 }, { "2026-11-22T14:03:22+24:00", false, 0 }, { "", false, 0 },
		{ "2026-11-22T14:03:22.1234567891Z", true, 1795356202123456 }, { "9999-12-31T23:59:59Z", true, 253402300799000000 },
		{ "0000-01-01T00:00:00Z", true, -62167219200000000 },
	};
	CHECK_ROWS(time_parse_rfc3339, rows);
}

static void the_three_http_dates_are_read(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777000000 }, { "Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777000000 },
		{ "Sun Nov  6 08:49:37 1994", true, 784111777000000 }, { "Wed Nov 16 08:49:37 1994", true, 784975777000000 },
		{ "Tuesday, 01-Jan-69 00:00:00 GMT", true, 3124224000000000 }, { "Thursday, 01-Jan-70 00:00:00 GMT", true, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", false, 0 }, { "Sun, 6 Nov 1994 08:49:37 GMT", false, 0 }, { "Sun, 06 Nov 94 08:49:37 GMT", false, 0 },
		{ "Sun, 06 nov 1994 08:49:37 GMT", false, 0 }, { "06 Nov 1994 08:49:37 GMT", false, 0 }, { "Sun, 06 Nov 1994 08:49:37 GMT ", false, 0 },
		{ "Sunday Nov  6 08:49:37 1994", false, 0 }, { "Sun, 31 Feb 1994 08:49:37 GMT", false, 0 }, { "120", false, 0 }, { "", false, 0 },
	};
	CHECK_ROWS(time_parse_http, rows);
}

static void database_times_are_read_as_utc_unless_they_say_otherwise(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "2026-11-22 14:03:22", true, 1795356202000000 }, { "2026-11-22T14:03:22", true, 1795356202000000 },
		{ "2026-11-22 14:03:22.5", true, 1795356202500000 }, { "2026-11-22 14:03:22.000123+00", true, 1795356202000123 },
		{ "2026-11-22 15:03:22+01", true, 1795356202000000 }, { "2026-11-22 19:33:22+05:30", true, 1795356202000000 },
		{ "2026-11-22 19:33:22+0530", true, 1795356202000000 }, { "2026-11-22 08:33:22-05:30", true, 1795356202000000 },
		{ "2026-11-22 14:03:22 +00:00", true, 1795356202000000 }, { "2026-11-22 14:03:52+00:00:30", true, 1795356202000000 },
		{ "2026-11-22T14:03:22Z", true, 1795356202000000 }, { "2026-11-22 14:03", true, 1795356180000000 }, { "2026-11-22", true, 1795305600000000 },
		{ "2026-11-22 14", false, 0 }, { "infinity", false, 0 }, { "2026-11-22 14:03:22 BC", false, 0 }, { "2026-11-22 14:03:22+1", false, 0 },
		{ "26-11-22", false, 0 }, { "2026-11-22 14:03:22+00:", false, 0 }, { "", false, 0 }, { "1795356202", false, 0 },
	};
	CHECK_ROWS(time_parse_sql, rows);
}

static void printing_and_reading_agree(void **state)
{
	(void)state;
	for (int64_t us = -62167219200 * US; us < 253402300800 * US; us += 86399999987 * (int64_t)9) {
		char t[TIME_TEXT];
		int64_t back = 0;
		assert_true(time_parse_rfc3339(slice_of(time_rfc3339(t, us, true)), &back));
		assert_true(back == us);
	}
	char t[TIME_TEXT];
	assert_string_equal(time_rfc3339(t, 1795356202000123, true), "2026-11-22T14:03:22.000123Z");
	assert_string_equal(time_rfc3339(t, 1795356202999999, false), "2026-11-22T14:03:22Z");
	assert_string_equal(time_rfc3339(t, -1, true), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(time_rfc3339(t, INT64_MAX, true), "year out of range");
	assert_string_equal(time_rfc3339(t, INT64_MIN, true), "year out of range");
	assert_string_equal(time_hms(t, 1795356202999999), "14:03:22");
	assert_string_equal(time_hms(t, -1), "23:59:59");
}

static void ages_are_for_people(void **state)
{
	(void)state;
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "0ms" }, { 999, "0ms" }, { 40000, "40ms" }, { 999999, "999ms" }, { 1000000, "1.0s" }, { 7200000, "7.2s" },
		{ 59999999, "59.9s" }, { 60000000, "1m" }, { 252000000, "4m12s" }, { 3599999999, "59m59s" }, { 10800000000, "3h" },
		{ 12300000000, "3h25m" }, { 86400000000, "1d" }, { 90000000000, "1d1h" }, { 212 * 86400000000 + 5000000000, "212d" },
		{ -7200000, "-7.2s" }, { INT64_MAX, "106751991d" }, { INT64_MIN, "-106751991d" },
	};
	char t[TIME_TEXT];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(time_age(t, rows[i].us), rows[i].text);
}

static void the_clocks_run_forward(void **state)
{
	(void)state;
	struct now a = now_read(), b = now_read();
	assert_true(b.boot_us >= a.boot_us && a.boot_us > 0);
	assert_true(a.wall_us > 1700000000 * US);
	assert_true(strlen(boot_id()) == 36 || strlen(boot_id()) == 0);
	assert_ptr_equal(boot_id(), boot_id());
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(rfc3339_is_read_strictly),
	cmocka_unit_test(the_three_http_dates_are_read),
	cmocka_unit_test(database_times_are_read_as_utc_unless_they_say_otherwise),
	cmocka_unit_test(printing_and_reading_agree),
	cmocka_unit_test(ages_are_for_people),
	cmocka_unit_test(the_clocks_run_forward),
};

UNIT_MAIN("time", tests)
