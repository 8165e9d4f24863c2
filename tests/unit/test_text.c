#include "unit.h"

#include "base/rng.h"
#include "base/text.h"
#include "base/text_table.h"

struct row {
	struct slice in;
	const char *out;
	int columns;
};

#define ROW(in, out, columns) { { in, sizeof(in) - 1 }, out, columns }

static void hostile_names_become_visible(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("report.pdf", "report.pdf", 10),
		ROW("", "", 0),
		ROW("\x1b[31mred", "^[[31mred", 9),
		ROW("a\0b", "a^@b", 4),
		ROW("cr-hidden\rSAFE", "cr-hidden\\rSAFE", 15),
		ROW("nl\ntab\t", "nl\\ntab\\t", 9),
		ROW("\x7f\x07", "^?^G", 4),
		ROW("\xc2\x9b" "31m", "<U+009B>31m", 11),
		ROW("\x9b" "31m", "\\x9B31m", 7),
		ROW("caf\xe9", "caf\\xE9", 7),
		ROW("\xc0\xaf", "\\xC0\\xAF", 8),
		ROW("\xed\xa0\x80", "\\xED\\xA0\\x80", 12),
		ROW("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80", 16),
		ROW("\xe2\x82", "\\xE2\\x82", 8),
		ROW("gpj\u202efdp.exe", "gpj<U+202E>fdp.exe", 18),
		ROW("zw\u200bsp\u200d\ufeff\u2060", "zw<U+200B>sp<U+200D><U+FEFF><U+2060>", 36),
		ROW("\u2066x\u2069\u061c\u200e", "<U+2066>x<U+2069><U+061C><U+200E>", 33),
		ROW("\U000e0041\U000e007f", "<U+E0041><U+E007F>", 18),
		ROW("a\u2028b\u2029", "a<U+2028>b<U+2029>", 18),
		ROW("nb\u00a0sp\u3000\u2003", "nb<U+00A0>sp<U+3000><U+2003>", 28),
		ROW("\ue000\U0010ffff\u0378", "<U+E000><U+10FFFF><U+0378>", 26),
		ROW("soft\u00adhyphen", "soft<U+00AD>hyphen", 18),
		ROW("e\u0301e\u0301\u0302", "e\u0301e\u0301<U+0302>", 10),
		ROW("\u0301first", "<U+0301>first", 13),
		ROW(" \u0301", " <U+0301>", 9),
		ROW("\xff\u0301", "\\xFF<U+0301>", 12),
		ROW("heart\u2764\ufe0f", "heart\u2764<U+FE0F>", 14),
		ROW("\u65e5\u672c", "\u65e5\u672c", 4),
		ROW("\U0001f600\U0001f3fb", "\U0001f600<U+1F3FB>", 11),
		ROW("\u3164\u115f\u2800\uffa0", "<U+3164><U+115F><U+2800><U+FFA0>", 32),
		ROW("\u0430dmin", "\u0430dmin", 5),
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };
		struct text_info t = text_show(&b, rows[i].in, 0, false);
		assert_string_equal(buf_z(&b), rows[i].out);
		assert_int_equal(t.columns, rows[i].columns);
		assert_int_equal(t.altered, !slice_is(rows[i].in, rows[i].out));
		assert_false(t.clipped);
		buf_done(&b);
	}
}

/* Columns of a shown text, and that it holds nothing that must not reach a screen. */
static int columns_of_shown(struct slice s)
{
	int columns = 0;
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);
		assert_true(cp >= 0x20 && cp != 0x7F);
		assert_true(text_cp_width((uint32_t)cp) >= 0);
		columns += text_cp_width((uint32_t)cp);
	}
	return columns;
}

static void no_code_point_reaches_a_screen_unshown(void **state)
{
	(void)state;
	struct buf raw = { 0 }, shown = { 0 }, again = { 0 };
	for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
		if (cp >= 0xD800 && cp <= 0xDFFF)
			continue;
		buf_clear(&raw);
		buf_clear(&shown);
		buf_addc(&raw, 'a');
		utf8_put(&raw, cp);
		struct text_info t = text_show(&shown, buf_slice(&raw), 0, false);
		assert_int_equal(columns_of_shown(buf_slice(&shown)), t.columns);
		assert_int_equal(t.altered, !slice_eq(buf_slice(&raw), buf_slice(&shown)));
		if (cp % 97)
			continue;
		buf_clear(&again);
		text_show(&again, buf_slice(&shown), 0, false);
		assert_string_equal(buf_z(&again), buf_z(&shown));
		buf_clear(&shown);
		text_show(&shown, buf_slice(&raw), 0, true);
		for (size_t i = 0; i < shown.n; i++)
			assert_true(shown.p[i] >= 0x20 && shown.p[i] < 0x7F);
	}
	buf_done(&raw);
	buf_done(&shown);
	buf_done(&again);
}

static void random_bytes_fit_their_columns_and_their_array(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 8);
	for (int round = 0; round < 20000; round++) {
		char bytes[40], z[24];
		struct slice s = { bytes, (size_t)rng_below(&r, sizeof(bytes)) };
		bool words = rng_below(&r, 2);
		for (size_t i = 0; i < s.n; i++)
			bytes[i] = words ? "a \xe2\x80\xae\xcc\x81\xe6\x97\xa5"[rng_below(&r, 10)] : (char)rng_u64(&r);
		int max = (int)rng_below(&r, 20);
		struct buf a = { 0 }, b = { 0 };
		struct text_info t = text_show(&a, s, max, false), m = text_show_middle(&b, s, max, false);
		assert_int_equal(columns_of_shown(buf_slice(&a)), t.columns);
		assert_int_equal(columns_of_shown(buf_slice(&b)), m.columns);
		assert_true(max == 0 || (t.columns <= max && m.columns <= max));
		assert_int_equal(t.clipped, m.clipped);
		columns_of_shown(slice_of(text_z(z, 1 + (size_t)rng_below(&r, sizeof(z)), s)));
		buf_done(&a);
		buf_done(&b);
	}
}

static void check_clip(const char *in, int max, const char *head, const char *middle)
{
	struct buf b = { 0 };
	struct text_info t = text_show(&b, slice_of(in), max, false);
	assert_string_equal(buf_z(&b), head);
	assert_int_equal(t.clipped, strcmp(in, head) != 0);
	buf_clear(&b);
	t = text_show_middle(&b, slice_of(in), max, false);
	assert_string_equal(buf_z(&b), middle);
	assert_int_equal(t.clipped, strcmp(in, middle) != 0);
	buf_done(&b);
}

static void clipping_is_by_columns_and_never_inside_an_escape(void **state)
{
	(void)state;
	check_clip("abcdef", 7, "abcdef", "abcdef");
	check_clip("abcdef", 6, "abcdef", "abcdef");
	check_clip("abcdef", 5, "abcd…", "abc…f");
	check_clip("abcdef", 1, "…", "…");
	check_clip("\u65e5\u672c\u8a9e", 6, "\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9e");
	check_clip("\u65e5\u672c\u8a9e", 5, "\u65e5\u672c…", "\u65e5…");
	check_clip("\u65e5\u672c\u8a9e", 4, "\u65e5…", "\u65e5…");
	check_clip("cafe\u0301", 4, "cafe\u0301", "cafe\u0301");
	check_clip("cafe\u0301s", 4, "caf…", "ca…s");
	check_clip("very long name.pdf", 13, "very long na…", "very lon….pdf");
	struct buf b = { 0 };
	struct text_info t = text_show(&b, slice_of("ab\u202ecd"), 6, false);
	assert_string_equal(buf_z(&b), "ab…");
	assert_true(t.altered && t.clipped);
	buf_clear(&b);
	text_show(&b, slice_of("abcdef"), 4, true);
	assert_string_equal(buf_z(&b), "abc~");
	buf_clear(&b);
	text_show(&b, slice_of("\u65e5x"), 0, true);
	assert_string_equal(buf_z(&b), "<U+65E5>x");
	buf_done(&b);
}

static void text_is_appended_to_what_is_there(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_adds(&b, "name: ");
	struct text_info t = text_show(&b, slice_of("abcdef"), 3, false);
	assert_string_equal(buf_z(&b), "name: ab…");
	assert_int_equal(t.columns, 3);
	buf_done(&b);
}

static void text_z_fits_any_array(void **state)
{
	(void)state;
	char z[16];
	assert_string_equal(text_z(z, 7, slice_of("abcdef")), "abcdef");
	assert_string_equal(text_z(z, 6, slice_of("abcdef")), "ab…");
	assert_string_equal(text_z(z, 3, slice_of("abcdef")), "");
	assert_string_equal(text_z(z, 1, slice_of("abcdef")), "");
	assert_string_equal(text_z(z, 0, slice_of("abcdef")), "");
	assert_string_equal(text_z(z, sizeof(z), (struct slice){ "a\0b", 3 }), "a^@b");
}

static void csv_cells_are_quoted_and_run_no_formula(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "plain", "\"plain\"" }, { "", "\"\"" }, { "a,\"b\"", "\"a,\"\"b\"\"\"" },
		{ "=1+1", "\"'=1+1\"" }, { "+1", "\"'+1\"" }, { "-1", "\"'-1\"" }, { "@x", "\"'@x\"" }, { "  =1", "\"'  =1\"" },
		{ "\uff1d1", "\"'\uff1d1\"" }, { "a=1", "\"a=1\"" }, { "\t=1", "\"\\t=1\"" }, { "a\r\nb", "\"a\\r\\nb\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };
		text_csv(&b, slice_of(rows[i][0]));
		assert_string_equal(buf_z(&b), rows[i][1]);
		buf_done(&b);
	}
}

static void labels_are_escaped_for_prometheus(void **state)
{
	(void)state;
	struct buf b = { 0 };
	text_label(&b, slice_of("a\"b\\c\nd"));
	assert_string_equal(buf_z(&b), "a\\\"b\\\\c\\\\nd");
	buf_done(&b);
}

static void widths_of_known_code_points(void **state)
{
	(void)state;
	static const struct {
		uint32_t cp;
		int width;
	} rows[] = {
		{ 'a', 1 }, { 0x1F, -1 }, { 0x20, 1 }, { 0x7E, 1 }, { 0x7F, -1 }, { 0xA0, -1 }, { 0xA1, 1 }, { 0x2FF, 1 }, { 0x300, 0 },
		{ 0x36F, 0 }, { 0x370, 1 }, { 0x1100, 2 }, { 0x1161, -1 }, { 0x20AC, 1 }, { 0x2026, 1 }, { 0x2588, 1 }, { 0x28FF, 1 },
		{ 0x4E00, 2 }, { 0xAC00, 2 }, { 0xD800, -1 }, { 0xFF21, 2 }, { 0xFFFD, 1 }, { 0xFFFE, -1 }, { 0x1F600, 2 },
		{ 0x1F1E6, -1 }, { 0x20000, 2 }, { 0xE0100, -1 }, { 0x10FFFF, -1 }, { 0x110000, -1 }, { UINT32_MAX, -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(text_cp_width(rows[i].cp), rows[i].width);
	/* what the screens themselves draw */
	for (uint32_t cp = 0x2500; cp <= 0x259F; cp++)
		assert_int_equal(text_cp_width(cp), 1);
	/* the short way for Latin says what the table says */
	size_t run = 0;
	for (uint32_t cp = 0; cp < 0x300; cp++) {
		while (text_table[run + 1] >> 2 <= cp)
			run++;
		assert_int_equal(text_cp_width(cp), (int)(text_table[run] & 3) - 1);
	}
}

static void utf8_is_decoded_strictly(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (uint32_t cp = 0; cp <= 0x10FFFF; cp += cp < 0x3000 ? 1 : 61) {
		if (cp >= 0xD800 && cp <= 0xDFFF)
			continue;
		size_t i = 0;
		buf_clear(&b);
		utf8_put(&b, cp);
		assert_int_equal(utf8_next(buf_slice(&b), &i), (int32_t)cp);
		assert_int_equal(i, b.n);
		for (size_t cut = 1; cut < b.n; cut++) {
			i = 0;
			assert_int_equal(utf8_next((struct slice){ b.p, cut }, &i), -1);
			assert_int_equal(i, 1);
		}
	}
	buf_clear(&b);
	utf8_put(&b, 0xD800);
	utf8_put(&b, 0x110000);
	assert_string_equal(buf_z(&b), "\uFFFD\uFFFD");
	buf_done(&b);
	static const char *const bad[] = { "\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xbf\xbf", "\xf5\x80\x80\x80", "\xfe", "a\xff", "\xe2(\xa1" };
	for (size_t k = 0; k < ARRAY_LEN(bad); k++)
		assert_false(utf8_valid(slice_of(bad[k])));
	assert_true(utf8_valid(SLICE_LIT("plain \0 \u20ac \U0001f600")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hostile_names_become_visible),
	cmocka_unit_test(no_code_point_reaches_a_screen_unshown),
	cmocka_unit_test(random_bytes_fit_their_columns_and_their_array),
	cmocka_unit_test(clipping_is_by_columns_and_never_inside_an_escape),
	cmocka_unit_test(text_is_appended_to_what_is_there),
	cmocka_unit_test(text_z_fits_any_array),
	cmocka_unit_test(csv_cells_are_quoted_and_run_no_formula),
	cmocka_unit_test(labels_are_escaped_for_prometheus),
	cmocka_unit_test(widths_of_known_code_points),
	cmocka_unit_test(utf8_is_decoded_strictly),
};

UNIT_MAIN("text", tests)
