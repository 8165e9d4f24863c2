#include "unit.h"

#include "sim/head.h"
#include "sim/httpd.h"
#include "sim/jstr.h"
#include "sim/multipart.h"

static enum head_result parsing(const char *text, struct head *h)
{
	return head_parse(slice_of(text), h);
}

static void a_request_is_taken_apart(void **state)
{
	(void)state;
	static const char text[] = "GET /v1/files?limit=2&after=a%2Fb HTTP/1.1\r\nHost: x\r\nACCEPT:\t*/* \r\n\r\nrest";
	struct head h;
	assert_int_equal(parsing(text, &h), HEAD_OK);
	assert_slice(h.method, "GET");
	assert_slice(h.path, "/v1/files");
	assert_slice(h.query, "limit=2&after=a%2Fb");
	assert_slice(head_get(&h, "accept"), "*/*");
	assert_int_equal(head_get(&h, "cookie").n, 0);
	assert_string_equal(text + h.bytes, "rest");
	assert_false(h.close);
	struct buf v = { 0 };
	assert_true(query_get(h.query, "after", &v));
	assert_string_equal(buf_z(&v), "a/b");
	assert_false(query_get(h.query, "aft", &v));
	assert_false(query_get(slice_of("a=%4"), "a", &v));
	buf_done(&v);
}

static void lengths_and_connections_are_read(void **state)
{
	(void)state;
	struct head h;
	assert_int_equal(parsing("POST / HTTP/1.1\r\nContent-Length: 12\r\nConnection: foo, Close\r\n\r\n", &h), HEAD_OK);
	assert_int_equal(h.length, 12);
	assert_true(h.close);
	assert_int_equal(parsing("POST / HTTP/1.0\r\n\r\n", &h), HEAD_OK);
	assert_true(h.close);
	assert_int_equal(parsing("POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &h), HEAD_OK);
	assert_false(h.close);
	assert_int_equal(parsing("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nExpect: 100-continue\r\n\r\n", &h), HEAD_OK);
	assert_true(h.chunked && h.expects_continue);
}

static void what_is_not_http_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "\r\n\r\n", "\n",
	};
	struct head h;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parsing(bad[i], &h) != HEAD_BAD)
			fail_msg("taken: %s", bad[i]);
}

static void every_prefix_of_a_request_is_incomplete(void **state)
{
	(void)state;
	static const char text[] = "DELETE /v1/files/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
	struct head h;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(head_parse((struct slice){ text, n }, &h), HEAD_MORE);
	assert_int_equal(head_parse((struct slice){ text, sizeof(text) - 1 }, &h), HEAD_OK);
}

static void a_head_has_a_largest_size(void **state)
{
	(void)state;
	struct head h;
	for (int over = -1; over <= 1; over++) {
		struct buf b = { 0 };
		buf_adds(&b, "GET / HTTP/1.1\r\nX: ");
		while ((int)b.n < HEAD_MAX_BYTES + over - 4)
			buf_addc(&b, 'y');
		buf_adds(&b, "\r\n\r\n");
		assert_int_equal(head_parse(buf_slice(&b), &h), over > 0 ? HEAD_TOO_LARGE : HEAD_OK);
		buf_done(&b);
	}
}

static enum head_result chunks(const char *text, size_t max, struct buf *body, size_t *used)
{
	buf_clear(body);
	return chunks_parse(slice_of(text), max, body, used);
}

static void chunks_are_put_together(void **state)
{
	(void)state;
	static const char text[] = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n";
	struct buf b = { 0 };
	size_t used = 0;
	assert_int_equal(chunks(text, 13, &b, &used), HEAD_OK);
	assert_string_equal(buf_z(&b), "abc0123456789");
	assert_int_equal(used, sizeof(text) - 1);
	assert_int_equal(chunks(text, 12, &b, &used), HEAD_TOO_LARGE);
	assert_int_equal(chunks("0\r\n\r\n", 0, &b, &used), HEAD_OK);
	assert_int_equal(chunks("g\r\n", 9, &b, &used), HEAD_BAD);
	assert_int_equal(chunks("\r\n", 9, &b, &used), HEAD_BAD);
	assert_int_equal(chunks("1\r\nabc\r\n", 9, &b, &used), HEAD_BAD);
	assert_int_equal(chunks("123456789\r\n", 9, &b, &used), HEAD_BAD);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		buf_clear(&b);
		assert_int_equal(chunks_parse((struct slice){ text, n }, 13, &b, &used), HEAD_MORE);
		assert_int_equal(b.n, 0);
	}
	buf_done(&b);
}

static void an_upload_is_taken_apart(void **state)
{
	(void)state;
	struct multipart m;
	const char *why = NULL;
	static const char plain[] = "--XY\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
				    "--XY\r\nContent-Disposition: form-data; filename=\"a b.txt\"; name=\"file\"\r\n\r\n1\r\n2\0\r\n--XY--\r\n";
	assert_true(multipart_parse(slice_of("multipart/form-data; boundary=XY"), (struct slice){ plain, sizeof(plain) - 1 }, &m, &why));
	assert_int_equal(m.parts, 2);
	assert_slice(multipart_find(&m, "purpose")->content, "batch");
	assert_slice(multipart_find(&m, "file")->filename, "a b.txt");
	assert_int_equal(multipart_find(&m, "file")->content.n, 5);
	assert_null(multipart_find(&m, "other"));
}

static void broken_uploads_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *type, *body;
	} rows[] = {
		{ "application/json", "{}" },
		{ "multipart/form-data", "--B--" },
		{ "multipart/form-data; boundary=", "--B--" },
		{ "multipart/form-data; boundary=B", "" },
		{ "multipart/form-data; boundary=B", "--C\r\n" },
		{ "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nno end" },
		{ "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--" },
	};
	struct multipart m;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = NULL;
		assert_false(multipart_parse(slice_of(rows[i].type), slice_of(rows[i].body), &m, &why));
		assert_non_null(why);
	}
}

static void strings_of_the_store_keep_their_bytes(void **state)
{
	(void)state;
	struct buf b = { 0 };
	jstr_add(&b, slice_of("a\"b\\\n\033\xFF\xE2\x80\xAE"));
	assert_string_equal(buf_z(&b), "\"a\\\"b\\\\\\n\\u001b\xFF\xE2\x80\xAE\"");
	buf_clear(&b);
	jstr_i64(&b, INT64_MIN);
	assert_string_equal(buf_z(&b), "-9223372036854775808");
	buf_done(&b);
}

static void dates_are_http_dates(void **state)
{
	(void)state;
	char d[32];
	assert_string_equal(http_date(d, 784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_string_equal(http_date(d, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_taken_apart),
	cmocka_unit_test(lengths_and_connections_are_read),
	cmocka_unit_test(what_is_not_http_is_refused),
	cmocka_unit_test(every_prefix_of_a_request_is_incomplete),
	cmocka_unit_test(a_head_has_a_largest_size),
	cmocka_unit_test(chunks_are_put_together),
	cmocka_unit_test(an_upload_is_taken_apart),
	cmocka_unit_test(broken_uploads_are_refused),
	cmocka_unit_test(strings_of_the_store_keep_their_bytes),
	cmocka_unit_test(dates_are_http_dates),
};
UNIT_MAIN("sim/http", tests)
