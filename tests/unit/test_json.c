#include "unit.h"

#include <pthread.h>

#include "base/json.h"

static struct json_doc *parse(const char *z)
{
	struct json_doc *d;
	struct err e;
	if (json_parse(&d, slice_of(z), NULL, &e) != RC_OK)
		fail_msg("%s: %s", z, e.text);
	return d;
}

static void refuse(struct slice s, const struct json_limits *lim, const char *why)
{
	struct json_doc *d = (void *)1;
	struct err e = { RC_OK, "" };
	if (json_parse(&d, s, lim, &e) != RC_FORMAT)
		fail_msg("%.*s was taken", SLICE_FMT(s));
	assert_null(d);
	if (!strstr(e.text, why))
		fail_msg("%.*s: \"%s\" does not say \"%s\"", SLICE_FMT(s), e.text, why);
}

static void good_documents_are_printed_as_they_were(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"null", "true", "false", "0", "-0", "1.50", "1e5", "-1.25E-3", "\"\"", "[]", "{}", "[1,[2,[3]],{}]",
		"{\"a\":{\"b\":[true,false,null]},\"A\":1,\"\":2}", "18446744073709551616", "\"a/b\"", "[\"\u20ac\",\"\U0001f600\"]",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *d = parse(rows[i]);
		struct buf b = { 0 };
		json_print(&b, json_root(d));
		assert_string_equal(buf_z(&b), rows[i]);
		buf_done(&b);
		json_doc_free(d);
	}
	json_doc_free(parse(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n"));
}

static void bad_documents_are_refused_with_the_reason(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "empty" }, { "  ", "not a JSON value" }, { "[1,]", "not a JSON value" }, { "{\"a\":1,}", "not a JSON value" },
		{ "[1 2]", "not a JSON value" }, { "{\"a\" 1}", "not a JSON value" }, { "{1:2}", "not a JSON value" }, { ":::", "not a JSON" },
		{ "]", "not a JSON value" }, { "[", "not a JSON value" }, { "{", "not a JSON value" }, { "[}", "not a JSON value" },
		{ "[]]", "follows" }, { "{} {}", "follows" }, { "1 1", "follows" }, { "{},", "follows" },
		{ "01", "leading zero" }, { "-01", "leading zero" }, { "[00]", "leading zero" }, { "-", "without digits" }, { "+1", "unexpected" },
		{ "1.", "point" }, { ".5", "unexpected" }, { "1e", "exponent" }, { "1e+", "exponent" }, { "0x10", "unexpected" },
		{ "NaN", "unexpected" }, { "Infinity", "unexpected" }, { "-Infinity", "without digits" }, { "True", "unexpected" }, { "nul", "unexpected" },
		{ "1234567890123456789012345678901234567890123456789012345678901", "60 characters" },
		{ "\"a", "ends inside" }, { "\"\\", "unknown escape" }, { "\"\\x\"", "unknown escape" }, { "'a'", "unexpected" },
		{ "\"\\u12\"", "four hex" }, { "\"\\u12g4\"", "four hex" }, { "\"\\u0000\"", "NUL" }, { "\"\\ud800\"", "surrogate" },
		{ "\"\\udc00\"", "surrogate" }, { "\"\\ud800\\u0041\"", "surrogate" }, { "\"\\ud800\\ud800\"", "surrogate" }, { "\"\\ud83d", "surrogate" },
		{ "\"a\nb\"", "control character" }, { "\"a\tb\"", "control character" }, { "\v1", "unexpected" }, { "1\f", "unexpected" },
		{ "\"\xff\"", "UTF-8" }, { "\"\xc0\x80\"", "UTF-8" }, { "\"\xed\xa0\x80\"", "UTF-8" }, { "\ufeff{}", "unexpected" },
		{ "{\"a\":1,\"a\":2}", "\"a\" occurs twice" }, { "{\"a\":1,\"\\u0061\":2}", "\"a\" occurs twice" },
		{ "[{\"x\":{\"b\":1,\"c\":2,\"b\":1}}]", "\"b\" occurs twice" }, { "{\"\":1,\"\":2}", "\"\" occurs twice" },
		{ "/* x */ 1", "unexpected" }, { "1 // x", "unexpected" }, { "{a:1}", "unexpected" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refuse(slice_of(rows[i][0]), NULL, rows[i][1]);
	refuse(SLICE_LIT("\"a\0b\""), NULL, "control character");
	refuse(SLICE_LIT("1\0"), NULL, "unexpected");
	refuse((struct slice){ NULL, 0 }, NULL, "empty");
}

static void a_duplicate_key_is_found_in_large_objects_too(void **state)
{
	(void)state;
	for (int n = 1; n < 40; n++) {
		struct buf b = { 0 };
		buf_adds(&b, "{\"k0\":0");
		for (int i = 1; i < n; i++)
			buf_addf(&b, ",\"k%d\":%d", i, i);
		struct buf twice = { 0 };
		buf_add(&twice, b.p, b.n);
		buf_addf(&twice, ",\"k%d\":9}", n / 2);
		buf_addc(&b, '}');
		json_doc_free(parse(buf_z(&b)));
		refuse(buf_slice(&twice), NULL, "occurs twice");
		buf_done(&b);
		buf_done(&twice);
	}
}

static void foreign_keys_are_shown_in_messages(void **state)
{
	(void)state;
	refuse(SLICE_LIT("{\"\\u001b[2J\":1,\"\\u001b[2J\":2}"), NULL, "^[[2J");
}

static struct buf nested(int depth)
{
	struct buf b = { 0 };
	for (int i = 0; i < depth; i++)
		buf_adds(&b, i % 2 ? "[" : "{\"a\":");
	buf_addc(&b, '1');
	for (int i = depth; i-- > 0;)
		buf_addc(&b, i % 2 ? ']' : '}');
	return b;
}

static void depth_is_capped(void **state)
{
	(void)state;
	static const int caps[] = { 1, 2, 32, 100, 512 };
	for (size_t k = 0; k < ARRAY_LEN(caps); k++)
		for (int depth = caps[k] - 1; depth <= caps[k] + 1; depth++) {
			struct json_limits lim = { .max_depth = caps[k] == 32 ? 0 : caps[k] };
			struct buf b = nested(depth);
			struct json_doc *d;
			if (depth > caps[k]) {
				refuse(buf_slice(&b), &lim, "too deeply");
			} else {
				assert_int_equal(json_parse(&d, buf_slice(&b), &lim, NULL), RC_OK);
				json_doc_free(d);
			}
			buf_done(&b);
		}
	struct buf b = nested(513);
	refuse(buf_slice(&b), &(struct json_limits){ .max_depth = 1000000 }, "too deeply");
	buf_done(&b);
}

static void size_is_capped_before_anything_is_read(void **state)
{
	(void)state;
	struct json_doc *d;
	assert_int_equal(json_parse(&d, SLICE_LIT("[1,2]"), &(struct json_limits){ .max_bytes = 6 }, NULL), RC_OK);
	json_doc_free(d);
	assert_int_equal(json_parse(&d, SLICE_LIT("[1,2]"), &(struct json_limits){ .max_bytes = 5 }, NULL), RC_OK);
	json_doc_free(d);
	refuse(SLICE_LIT("[1,2]"), &(struct json_limits){ .max_bytes = 4 }, "at most 4");
	struct buf b = { 0 };
	buf_add(&b, "1", 1);
	while (b.n <= 8 << 20)
		buf_adds(&b, "                                                                ");
	refuse(buf_slice(&b), NULL, "at most 8388608");
	assert_int_equal(json_parse(&d, (struct slice){ b.p, 8 << 20 }, NULL, NULL), RC_OK);
	json_doc_free(d);
	buf_done(&b);
}

static void values_are_capped_and_keys_are_not_values(void **state)
{
	(void)state;
	/* 5 values: the object, "x", the array, 1, 2 */
	struct slice s = SLICE_LIT("{\"a\":\"x\",\"b\":[1,2]}");
	struct json_doc *d;
	for (size_t max = 1; max < 8; max++) {
		struct json_limits lim = { .max_values = max };
		if (max < 5) {
			refuse(s, &lim, "too many values");
		} else {
			assert_int_equal(json_parse(&d, s, &lim, NULL), RC_OK);
			json_doc_free(d);
		}
	}
	assert_int_equal(json_parse(&d, s, &(struct json_limits){ 0 }, NULL), RC_OK);
	json_doc_free(d);
}

static void integers_are_exact_to_64_bits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t v;
	} rows[] = {
		{ "9007199254740993", true, 9007199254740993 }, { "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN }, { "9223372036854775808", false, 0 }, { "0", true, 0 }, { "-7", true, -7 },
		{ "3.0", false, 0 }, { "1e3", false, 0 }, { "\"5\"", false, 0 }, { "true", false, 0 }, { "null", false, 0 }, { "[1]", false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *d = parse(rows[i].text);
		int64_t v = 0;
		assert_int_equal(json_i64(json_root(d), &v), rows[i].ok);
		assert_true(v == rows[i].v);
		json_doc_free(d);
	}
	struct json_doc *d = parse("{\"a\":[1,\"2\",{\"b\":3}],\"c\":4,\"d\":{\"e\":[5]},\"f\":9007199254740993}");
	assert_int_equal(json_get_i64(json_get(json_next(json_next(json_first(json_get(json_root(d), "a")))), "b"), "x", -1), -1);
	assert_int_equal(json_get_i64(json_next(json_next(json_first(json_get(json_root(d), "a")))), "b", -1), 3);
	assert_int_equal(json_get_i64(json_root(d), "c", -1), 4);
	assert_true(json_get_i64(json_root(d), "f", -1) == 9007199254740993);
	json_doc_free(d);
}

static void lookup_is_exact_and_absent_is_harmless(void **state)
{
	(void)state;
	struct json_doc *d = parse("{\"Id\":\"a\",\"id\":\"b\\u0041\\n\",\"t\":true,\"n\":null,\"l\":[1,2,3],\"o\":{\"x\":1}}");
	const struct json *r = json_root(d), *none = json_get(r, "ID");
	bool v;
	int64_t i;
	struct slice s;
	assert_true(json_is_object(r));
	assert_null(none);
	assert_slice(json_get_str(r, "id"), "bA\n");
	assert_slice(json_get_str(r, "Id"), "a");
	assert_slice(json_get_str(r, "t"), "");
	assert_true(json_get_bool(r, "t", false));
	assert_true(json_get_bool(r, "n", true));
	assert_true(json_is_null(json_get(r, "n")));
	assert_int_equal(json_len(json_get(r, "l")), 3);
	assert_int_equal(json_len(r), 6);
	assert_slice(json_key(json_first(r)), "Id");
	assert_slice(json_key(json_next(json_first(r))), "id");
	assert_false(json_is_object(none) || json_is_array(none) || json_is_string(none) || json_is_null(none));
	assert_false(json_bool(none, &v) || json_i64(none, &i) || json_str(none, &s));
	assert_null(json_first(none));
	assert_null(json_next(none));
	assert_int_equal(json_len(none), 0);
	assert_slice(json_key(none), "");
	assert_null(json_get(json_get(r, "l"), "x"));
	assert_null(json_get(json_get(r, "t"), "x"));
	assert_int_equal(json_get_i64(none, "x", 7), 7);
	json_doc_free(d);
	json_doc_free(NULL);
}

static void the_writer_places_commas_and_escapes(void **state)
{
	(void)state;
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "a", "x");
	jw_kz(&w, "none", NULL);
	jw_ki64(&w, "min", INT64_MIN);
	jw_kbool(&w, "yes", true);
	jw_kopt(&w, "unknown", -1);
	jw_kopt(&w, "zero", 0);
	jw_key(&w, "l");
	jw_arr(&w);
	jw_i64(&w, 1);
	jw_obj(&w);
	jw_end_obj(&w);
	jw_arr(&w);
	jw_end_arr(&w);
	jw_null(&w);
	jw_bool(&w, false);
	jw_raw(&w, SLICE_LIT("{\"r\":1}"));
	jw_end_arr(&w);
	jw_kstr(&w, "k\"ey", SLICE_LIT("q\" b\\ n\n e\x1b d\x7f z\0 i\xff c\xc2\x9b o\u202e t\U000e0041 \u20ac"));
	jw_end_obj(&w);
	assert_string_equal(buf_z(&b),
		"{\"a\":\"x\",\"none\":null,\"min\":-9223372036854775808,\"yes\":true,\"unknown\":null,\"zero\":0,"
		"\"l\":[1,{},[],null,false,{\"r\":1}],"
		"\"k\\\"ey\":\"q\\\" b\\\\ n\\u000a e\\u001b d\\u007f z\uFFFD i\uFFFD c\\u009b o\\u202e t\\udb40\\udc41 \u20ac\"}");
	json_doc_free(parse(buf_z(&b)));
	buf_done(&b);
}

static void what_is_written_reads_back_the_same(void **state)
{
	(void)state;
	struct buf raw = { 0 }, b = { 0 };
	for (uint32_t cp = 1; cp <= 0x10FFFF; cp += cp < 0x3000 ? 1 : 131)
		if (cp < 0xD800 || cp > 0xDFFF) {
			char u[8];
			size_t n = 0;
			if (cp < 0x80)
				u[n++] = (char)cp;
			else if (cp < 0x800)
				u[n++] = (char)(0xC0 | cp >> 6), u[n++] = (char)(0x80 | (cp & 63));
			else if (cp < 0x10000)
				u[n++] = (char)(0xE0 | cp >> 12), u[n++] = (char)(0x80 | (cp >> 6 & 63)), u[n++] = (char)(0x80 | (cp & 63));
			else
				u[n++] = (char)(0xF0 | cp >> 18), u[n++] = (char)(0x80 | (cp >> 12 & 63)), u[n++] = (char)(0x80 | (cp >> 6 & 63)),
				u[n++] = (char)(0x80 | (cp & 63));
			buf_add(&raw, u, n);
		}
	struct jw w;
	jw_init(&w, &b);
	jw_str(&w, buf_slice(&raw));
	struct json_doc *d = parse(buf_z(&b));
	struct slice s;
	assert_true(json_str(json_root(d), &s));
	assert_true(slice_eq(s, buf_slice(&raw)));
	json_doc_free(d);
	buf_done(&raw);
	buf_done(&b);
}

static void key_in_array(void)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_key(&w, "a");
}

static void close_too_often(void)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_arr(&w);
	jw_end_arr(&w);
	jw_end_arr(&w);
}

static void close_the_other_kind(void)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_arr(&w);
	jw_end_obj(&w);
}

static void value_without_key(void)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_i64(&w, 1);
}

static void nest_too_deep(void)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	for (int i = 0; i < 32; i++)
		jw_arr(&w);
}

static void misuse_of_the_writer_dies(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(key_in_array), SIGABRT);
	assert_int_equal(unit_signal_of(close_too_often), SIGABRT);
	assert_int_equal(unit_signal_of(close_the_other_kind), SIGABRT);
	assert_int_equal(unit_signal_of(value_without_key), SIGABRT);
	assert_int_equal(unit_signal_of(nest_too_deep), SIGABRT);
}

static void *parse_many(void *arg)
{
	int64_t me = *(int64_t *)arg;
	for (int64_t i = 0; i < 2000; i++) {
		struct buf b = { 0 };
		buf_addf(&b, "{\"me\":%lld,\"list\":[1,2,{\"i\":%lld,\"s\":\"abc\"}]}", (long long)me, (long long)i);
		struct json_doc *d;
		if (json_parse(&d, buf_slice(&b), NULL, NULL) != RC_OK || json_get_i64(json_root(d), "me", -1) != me)
			return arg;
		const struct json *last = json_next(json_next(json_first(json_get(json_root(d), "list"))));
		if (json_get_i64(last, "i", -1) != i)
			return arg;
		json_doc_free(d);
		buf_done(&b);
	}
	return NULL;
}

static void threads_parse_at_the_same_time(void **state)
{
	(void)state;
	pthread_t t[4];
	int64_t me[4];
	for (int i = 0; i < 4; i++) {
		me[i] = i;
		assert_int_equal(pthread_create(&t[i], NULL, parse_many, &me[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *wrong = NULL;
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(good_documents_are_printed_as_they_were),
	cmocka_unit_test(bad_documents_are_refused_with_the_reason),
	cmocka_unit_test(a_duplicate_key_is_found_in_large_objects_too),
	cmocka_unit_test(foreign_keys_are_shown_in_messages),
	cmocka_unit_test(depth_is_capped),
	cmocka_unit_test(size_is_capped_before_anything_is_read),
	cmocka_unit_test(values_are_capped_and_keys_are_not_values),
	cmocka_unit_test(integers_are_exact_to_64_bits),
	cmocka_unit_test(lookup_is_exact_and_absent_is_harmless),
	cmocka_unit_test(the_writer_places_commas_and_escapes),
	cmocka_unit_test(what_is_written_reads_back_the_same),
	cmocka_unit_test(misuse_of_the_writer_dies),
	cmocka_unit_test(threads_parse_at_the_same_time),
};

UNIT_MAIN("json", tests)
