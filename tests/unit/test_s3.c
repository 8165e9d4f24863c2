#include "unit.h"

#include "base/hash.h"
#include "lane/s3_impl.h"
#include "lane/s3_xml.h"

/* ---- signing: AWS's published examples ---- */

#define EXAMPLE_KEY "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY_SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DAY_US (INT64_C(1369353600) * 1000000)  /* 2013-05-24T00:00:00Z */

static const struct example {
	const char *promise, *method, *path, *query, *sha;
	const char *extra[2][2];        /* headers before and after host in the alphabet */
	const char *signature;
} examples[] = {
	{ "GET of an object with a range", "GET", "/test.txt", "", EMPTY_SHA, { { NULL }, { "range", "bytes=0-9" } },
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "GET of a sub-resource", "GET", "/", "lifecycle=", EMPTY_SHA, { { NULL }, { NULL } },
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET of a list", "GET", "/", "max-keys=2&prefix=J", EMPTY_SHA, { { NULL }, { NULL } },
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
	{ "PUT of an object, its name encoded once", "PUT", "/test%24file.text", "",
	  "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	  { { "date", "Fri, 24 May 2013 00:00:00 GMT" }, { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct s3_header *)a)->name, ((const struct s3_header *)b)->name);
}

static void the_published_requests_have_the_published_signatures(void **state)
{
	(void)state;
	struct s3_key key;
	assert_true(s3_key_read(SLICE_LIT(EXAMPLE_KEY), &key));
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		const struct example *x = &examples[i];
		struct s3_header h[5] = { { "host", SLICE_LIT("examplebucket.s3.amazonaws.com") }, { "x-amz-content-sha256", slice_of(x->sha) },
					  { "x-amz-date", SLICE_LIT("20130524T000000Z") } };
		size_t n = 3;
		for (size_t k = 0; k < 2; k++)
			if (x->extra[k][0])
				h[n++] = (struct s3_header){ x->extra[k][0], slice_of(x->extra[k][1]) };
		qsort(h, n, sizeof *h, by_name);
		struct s3_request r = { .method = x->method, .region = "us-east-1", .service = "s3", .path = slice_of(x->path),
			.query = slice_of(x->query), .headers = h, .n_headers = n, .body_sha256 = x->sha, .wall_us = DAY_US };
		struct buf out = { 0 };
		s3_sign(&r, &key, &out);
		if (!strstr(buf_z(&out), x->signature))
			fail_msg("%s: %s", x->promise, buf_z(&out));
		assert_non_null(strstr(buf_z(&out), "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="));
		buf_done(&out);
	}
}

static void the_published_signing_key_comes_out(void **state)
{
	(void)state;
	struct hash h;
	char hex[HASH_HEX];
	s3_signing_key(&h, SLICE_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "20120215", "us-east-1", "iam");
	assert_string_equal(hash_hex(hex, &h), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

/* RFC 4231, cases 1, 2 and 6; RFC 1321 */
static void hmac_and_md5_give_the_published_digests(void **state)
{
	(void)state;
	struct hash h;
	char hex[HASH_HEX], key[131];
	uint8_t md5[MD5_BYTES];
	memset(key, 0x0b, 20);
	hash_hmac(&h, (struct slice){ key, 20 }, SLICE_LIT("Hi There"));
	assert_string_equal(hash_hex(hex, &h), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hash_hmac(&h, SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"));
	assert_string_equal(hash_hex(hex, &h), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 131);
	hash_hmac(&h, (struct slice){ key, 131 }, SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"));
	assert_string_equal(hash_hex(hex, &h), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	struct buf b = { 0 };
	assert_true(hash_md5(md5, "abc", 3));
	base64_encode(&b, md5, sizeof md5);
	assert_string_equal(buf_z(&b), "kAFQmDzST7DWlj99KOF/cg==");
	buf_done(&b);
}

static void a_credential_is_two_or_three_printable_parts(void **state)
{
	(void)state;
	struct s3_key k;
	static const char *const bad[] = { "", "id", "id:", ":secret", "id:sec ret", "id:secret\n", "id:secret:to ken" };
	assert_true(s3_key_read(SLICE_LIT("id:secret"), &k));
	assert_true(slice_is(k.id, "id") && slice_is(k.secret, "secret") && k.token.n == 0);
	assert_true(s3_key_read(SLICE_LIT("id:secret:to:ken"), &k));
	assert_true(slice_is(k.token, "to:ken"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (s3_key_read(slice_of(bad[i]), &k))
			fail_msg("taken: %s", bad[i]);
}

static void queries_are_encoded_whole_and_paths_keep_their_slashes(void **state)
{
	(void)state;
	struct buf b = { 0 };
	s3_query_add(&b, "delete", SLICE_LIT(""));
	s3_query_add(&b, "prefix", SLICE_LIT("a/b c+(d)\xc3\xa9~"));
	assert_string_equal(buf_z(&b), "delete=&prefix=a%2Fb%20c%2B%28d%29%C3%A9~");
	buf_clear(&b);
	s3_encode(&b, SLICE_LIT("/bucket/a b/(c)"), true);
	assert_string_equal(buf_z(&b), "/bucket/a%20b/%28c%29");
	buf_done(&b);
}

/* ---- XML ---- */

static bool count(void *ctx, const struct s3_xml_at *at, struct err *e)
{
	(void)at, (void)e;
	++*(int *)ctx;
	return true;
}

static void hostile_xml_is_refused_with_a_sentence(void **state)
{
	(void)state;
	static const struct { const char *promise, *xml, *says; } rows[] = {
		{ "empty", "", "empty" },
		{ "no XML", "<html><p>oops", "no XML" },
		{ "after its end", "<a/><b/>", "no XML" },
		{ "cut", "<a><b>1</b>", "no XML" },
		{ "entities of its own", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "DOCTYPE" },
		{ "an entity nobody declared", "<a>&x;</a>", "no XML" },
		{ "too deep", "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>", "deeply" },
		{ "an instruction", "<a><?php x?></a>", "instruction" },
		{ "a long name", "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>", "name too long" },
		{ "not UTF-8", "<a>\xff</a>", "no XML" },
		{ "a control character", "<a>\x01</a>", "no XML" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		int n = 0;
		if (s3_xml_read(slice_of(rows[i].xml), count, &n, &e) != RC_FORMAT || !strstr(e.text, rows[i].says))
			fail_msg("%s: %s", rows[i].promise, e.text);
	}
}

static void xml_is_bounded_in_text_and_elements(void **state)
{
	(void)state;
	struct err e = { 0 };
	for (int over = 0; over < 2; over++) {
		struct buf b = { 0 };
		int n = 0;
		buf_adds(&b, "<a>");
		for (int i = 0; i < S3_XML_TEXT + over; i++)
			buf_addc(&b, 'x');
		buf_adds(&b, "</a>");
		assert_int_equal(s3_xml_read(buf_slice(&b), count, &n, &e), over ? RC_FORMAT : RC_OK);
		buf_clear(&b);
		buf_adds(&b, "<a>");
		for (int i = 0; i < S3_XML_ELEMENTS - 1 + over; i++)
			buf_adds(&b, "<b/>");
		buf_adds(&b, "</a>");
		n = 0;
		assert_int_equal(s3_xml_read(buf_slice(&b), count, &n, &e), over ? RC_FORMAT : RC_OK);
		assert_int_equal(n, over ? S3_XML_ELEMENTS - 1 : S3_XML_ELEMENTS);
		buf_done(&b);
	}
}

/* ---- lists ---- */

static void a_page_of_objects_is_read_and_decoded(void **state)
{
	(void)state;
	static const char xml[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
		"<Prefix></Prefix><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>1 / x%2B</NextContinuationToken>"
		"<Contents><Key>a+b%2Bc%01%E2%82%AC</Key><LastModified>2009-10-12T17:50:30.500Z</LastModified><ETag>&quot;x&quot;</ETag><Size>434234</Size>"
		"<Owner><ID>o</ID><Key>not-this</Key></Owner></Contents>"
		"<Contents><Size>0</Size><Key>z</Key></Contents></ListBucketResult>";
	struct s3_list l;
	struct err e = { 0 };
	assert_int_equal(s3_read_list(&l, slice_of(xml), false, &e), RC_OK);
	assert_int_equal(l.n, 2);
	assert_true(slice_is(l.entry[0].key, "a b+c\x01\xe2\x82\xac"));
	assert_int_equal(l.entry[0].bytes, 434234);
	assert_int_equal(l.entry[0].modified_us, INT64_C(1255369830500000));
	assert_true(slice_is(l.entry[1].key, "z") && l.entry[1].bytes == 0 && l.entry[1].modified_us == -1);
	assert_true(l.truncated && slice_is(l.next, "1 / x%2B"));
	s3_list_done(&l);
}

static void a_page_of_versions_tells_versions_and_markers_apart(void **state)
{
	(void)state;
	static const char xml[] =
		"<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k%2F</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
		"<EncodingType>url</EncodingType>"
		"<DeleteMarker><Key>k%2F</Key><VersionId>m</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
		"<Version><Key>k%2F</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><Size>3</Size></Version></ListVersionsResult>";
	struct s3_list l;
	struct err e = { 0 };
	assert_int_equal(s3_read_list(&l, slice_of(xml), true, &e), RC_OK);
	assert_int_equal(l.n, 2);
	assert_true(l.entry[0].kind == S3_MARKER && l.entry[0].latest && slice_is(l.entry[0].version, "m"));
	assert_true(l.entry[1].kind == S3_VERSION && !l.entry[1].latest && slice_is(l.entry[1].key, "k/") && l.entry[1].bytes == 3);
	assert_true(slice_is(l.next, "k/") && slice_is(l.next_version, "v1"));
	s3_list_done(&l);
}

static void a_page_that_cannot_be_trusted_is_none(void **state)
{
	(void)state;
	static const struct { const char *promise, *xml, *says; bool versions; } rows[] = {
		{ "does not say whether it is the last", "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>", "last page", false },
		{ "more, and no token", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "where it goes on", false },
		{ "neither true nor false", "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>", "last page", false },
		{ "an entry without a key", "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents></ListBucketResult>", "no key", false },
		{ "a size that is none", "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1k</Size></Contents></ListBucketResult>", "no number", false },
		{ "a size below nothing", "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>", "no number", false },
		{ "a broken escape", "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>%4</Key></Contents></ListBucketResult>", "broken", false },
		{ "a version without an id", "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>a</Key></Version></ListVersionsResult>", "no version", true },
		{ "the other kind of list", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", "no list of this kind", true },
		{ "a page of somebody else", "<html><body>IsTruncated</body></html>", "no list of this kind", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct s3_list l;
		struct err e = { 0 };
		if (s3_read_list(&l, slice_of(rows[i].xml), rows[i].versions, &e) != RC_FORMAT || !strstr(e.text, rows[i].says))
			fail_msg("%s: %s", rows[i].promise, e.text);
		s3_list_done(&l);
	}
}

static void keys_are_bounded(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct buf b = { 0 };
		struct s3_list l;
		struct err e = { 0 };
		buf_adds(&b, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>");
		for (int i = 0; i < S3_KEY_MAX + over; i++)
			buf_addc(&b, 'k');
		buf_adds(&b, "</Key></Contents></ListBucketResult>");
		assert_int_equal(s3_read_list(&l, buf_slice(&b), false, &e), over ? RC_FORMAT : RC_OK);
		s3_list_done(&l);
		buf_done(&b);
	}
}

/* ---- bulk deletes ---- */

static void every_key_has_its_own_answer(void **state)
{
	(void)state;
	static const struct s3_ask ask[] = {
		{ SLICE_LIT("gone"), SLICE_LIT("") }, { SLICE_LIT("locked"), SLICE_LIT("v1") }, { SLICE_LIT("silent"), SLICE_LIT("") },
		{ SLICE_LIT("both"), SLICE_LIT("") }, { SLICE_LIT("a<&>\r"), SLICE_LIT("") }, { SLICE_LIT("locked"), SLICE_LIT("v2") },
	};
	static const char xml[] =
		"<DeleteResult><Deleted><Key>both</Key></Deleted><Error><Key>locked</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
		"<Deleted><Key>a&lt;&amp;&gt;&#13;</Key></Deleted><Error><Key>both</Key><Code>InternalError</Code></Error>"
		"<Deleted><Key>locked</Key><VersionId>v2</VersionId></Deleted>"
		"<Deleted><Key>gone</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>m-1</DeleteMarkerVersionId></Deleted></DeleteResult>";
	struct s3_said said[ARRAY_LEN(ask)];
	struct err e = { 0 };
	assert_int_equal(s3_read_deletes(slice_of(xml), ask, said, ARRAY_LEN(ask), &e), RC_OK);
	assert_true(said[0].deleted && !said[0].refused && said[0].marker);
	assert_string_equal(said[0].marker_version, "m-1");
	assert_true(!said[1].deleted && said[1].refused);
	assert_string_equal(said[1].error.code, "AccessDenied");
	assert_true(!said[2].deleted && !said[2].refused);
	assert_true(said[3].deleted && said[3].refused);
	assert_true(said[4].deleted && !said[4].marker);
	assert_true(said[5].deleted && !said[5].refused);
}

static void an_answer_that_cannot_be_trusted_is_believed_for_no_key(void **state)
{
	(void)state;
	static const struct s3_ask ask[] = { { SLICE_LIT("a"), SLICE_LIT("") }, { SLICE_LIT("b"), SLICE_LIT("") } };
	static const char *const rows[] = {
		"", "<DeleteResult><Deleted><Key>a</Key></Deleted>", "<Error><Code>InternalError</Code></Error>",
		"<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>a</Key></Deleted></DeleteResult>",
		"<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>c</Key></Deleted></DeleteResult>",
		"<DeleteResult><Deleted></Deleted></DeleteResult>",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct s3_said said[2];
		struct err e = { 0 };
		if (s3_read_deletes(slice_of(rows[i]), ask, said, 2, &e) != RC_FORMAT || !e.text[0])
			fail_msg("believed: %s", rows[i]);
	}
}

static void a_bulk_request_says_keys_exactly(void **state)
{
	(void)state;
	static const struct s3_ask ask[] = { { SLICE_LIT("a<&>\"'\r\n \xc3\xa9"), SLICE_LIT("") }, { SLICE_LIT("k"), SLICE_LIT("v.1") } };
	struct buf b = { 0 };
	s3_write_deletes(&b, ask, 2);
	assert_string_equal(buf_z(&b),
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&lt;&amp;&gt;\"'&#13;&#10; \xc3\xa9</Key></Object>"
		"<Object><Key>k</Key><VersionId>v.1</VersionId></Object><Quiet>false</Quiet></Delete>");
	buf_done(&b);
	assert_true(s3_writable(SLICE_LIT("a\t\r\n\xf0\x9f\x98\x80")));
	assert_false(s3_writable(SLICE_LIT("")));
	assert_false(s3_writable(SLICE_LIT("a\x01")));
	assert_false(s3_writable(((struct slice){ "a\0b", 3 })));
	assert_false(s3_writable(SLICE_LIT("a\xff")));
	assert_false(s3_writable(SLICE_LIT("\xef\xbf\xbf")));
}

/* ---- errors ---- */

#define ERR(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static void every_error_has_its_meaning(void **state)
{
	(void)state;
	static const struct { int status; const char *body; enum lane_trouble want; const char *says; } rows[] = {
		{ 503, ERR("SlowDown"), LANE_PACED, "SlowDown" },
		{ 500, ERR("InternalError"), LANE_SERVER, "InternalError" },
		{ 503, ERR("ServiceUnavailable"), LANE_SERVER, "" },
		{ 503, "<html>busy</html>", LANE_SERVER, "HTTP 503" },
		{ 403, ERR("AccessDenied"), LANE_AUTH, "credential" },
		{ 403, ERR("SignatureDoesNotMatch"), LANE_AUTH, "credential" },
		{ 403, "", LANE_AUTH, "HTTP 403" },
		{ 403, ERR("RequestTimeTooSkewed"), LANE_AUTH, "clock is 16m40s ahead of the store's" },
		{ 403, ERR("AccountProblem"), LANE_BILLING, "" },
		{ 404, ERR("NoSuchBucket"), LANE_UNSUPPORTED, "bucket" },
		{ 404, "default backend - 404", LANE_UNSUPPORTED, "url" },
		{ 409, ERR("OperationAborted"), LANE_PACED, "" },
		{ 409, ERR("Whatever"), LANE_REJECTED, "" },
		{ 400, ERR("MalformedXML"), LANE_REJECTED, "" },
		{ 400, ERR("RequestTimeout"), LANE_PACED, "" },
		{ 400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>", LANE_AUTH, "region: eu-west-1" },
		{ 301, ERR("PermanentRedirect"), LANE_AUTH, "another region" },
		{ 501, ERR("NotImplemented"), LANE_UNSUPPORTED, "" },
		{ 200, ERR("InternalError"), LANE_FINE, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_answer a = { .error = HTTP_OK, .left = true, .status = rows[i].status, .body = slice_of(rows[i].body), .date_us = DAY_US };
		struct s3_error said;
		char detail[200];
		enum lane_trouble t = s3_trouble(&a, DAY_US + INT64_C(1000000000), &said, detail);
		if (t != rows[i].want || !strstr(detail, rows[i].says))
			fail_msg("%d %s: %s, %s", rows[i].status, rows[i].body, lane_trouble_name(t), detail);
	}
}

static void every_error_of_one_key_has_its_meaning(void **state)
{
	(void)state;
	static const struct { const char *code; enum lane_delete_kind kind; enum retry_class class_; } rows[] = {
		{ "AccessDenied", LANE_ITEM_REFUSED, RETRY_REJECTED },
		{ "PreconditionFailed", LANE_ITEM_REFUSED, RETRY_REJECTED },
		{ "InternalError", LANE_UNCLEAR, RETRY_SERVER_ERROR },
		{ "SlowDown", LANE_PACE, RETRY_RATE_LIMIT },
		{ "NoSuchVersion", LANE_MISSING, RETRY_NONE_CLASS },
		{ "NoSuchKey", LANE_MISSING, RETRY_NONE_CLASS },
		{ "NoSuchBucket", LANE_LANE_REFUSED, RETRY_UNSUPPORTED },
		{ "ExpiredToken", LANE_LANE_REFUSED, RETRY_AUTH },
		{ "NeverHeardOf", LANE_UNCLEAR, RETRY_CONFLICTING },
		{ "", LANE_UNCLEAR, RETRY_CONFLICTING },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct s3_error said = { .message = "m" };
		struct lane_answer a = { 0 };
		snprintf(said.code, sizeof said.code, "%s", rows[i].code);
		s3_key_error(&said, &a);
		if (a.kind != rows[i].kind || a.class_ != rows[i].class_ || !a.detail[0])
			fail_msg("%s: %s, %s", rows[i].code, lane_delete_kind_name(a.kind), retry_class_name(a.class_));
	}
}

static void versioning_is_what_the_bucket_says(void **state)
{
	(void)state;
	static const struct { const char *xml; enum s3_versioning want; } rows[] = {
		{ "<VersioningConfiguration/>", S3_VERSIONING_NEVER },
		{ "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Disabled</MfaDelete></VersioningConfiguration>", S3_VERSIONING_ENABLED },
		{ "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", S3_VERSIONING_SUSPENDED },
		{ "<ListBucketResult/>", S3_VERSIONING_UNKNOWN },
		{ "<VersioningConfiguration><Status>Enabled</Status>", S3_VERSIONING_UNKNOWN },
		{ "{}", S3_VERSIONING_UNKNOWN },
		{ "", S3_VERSIONING_UNKNOWN },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (s3_read_versioning(slice_of(rows[i].xml)) != rows[i].want)
			fail_msg("%s", rows[i].xml);
}

/* ---- an object's request ---- */

static void spaces_in_a_row_are_signed_as_one(void **state)
{
	(void)state;
	struct buf b = { 0 };
	const struct s3_header h[] = { { "host", SLICE_LIT("h") }, { "if-none-match", SLICE_LIT("*") }, { "x-amz-meta-a", SLICE_LIT("a   b c") } };
	const struct s3_request r = { .method = "PUT", .path = SLICE_LIT("/b/k"), .query = SLICE_LIT(""), .headers = h, .n_headers = 3, .body_sha256 = "e" };
	s3_canonical(&r, &b);
	assert_string_equal(buf_z(&b), "PUT\n/b/k\n\nhost:h\nif-none-match:*\nx-amz-meta-a:a b c\n\nhost;if-none-match;x-amz-meta-a\ne");
	buf_done(&b);
}

static void a_path_can_carry_every_key_without_dots_alone(void **state)
{
	(void)state;
	static const struct { const char *key; bool may; } rows[] = {
		{ "a", true }, { "a/b", true }, { "a//b", true }, { "/a", true }, { "a/", true }, { "...", true }, { ".a", true }, { "a.", true }, { "..a/b", true },
		{ "", false }, { ".", false }, { "..", false }, { "./a", false }, { "a/.", false }, { "a/../b", false }, { "a/..", false }, { "../a", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (s3_addressable(slice_of(rows[i].key)) != rows[i].may)
			fail_msg("%s", rows[i].key);
}

static void kept_headers_are_read_whole_or_not_at_all(void **state)
{
	(void)state;
	struct s3_header h[S3_HEADERS_MAX];
	struct arena *keep = arena_new(1 << 12);
	struct buf b = { 0 };
	size_t n;
	assert_true(s3_headers_read(SLICE_LIT(""), keep, h, &n) && n == 0);
	assert_true(s3_headers_read(SLICE_LIT("content-type: a: b\nx-amz-meta-e: \n"), keep, h, &n));
	assert_int_equal(n, 2);
	assert_string_equal(h[0].name, "content-type");
	assert_true(slice_is(h[0].value, "a: b") && slice_is(h[1].value, ""));
	static const char *const bad[] = { "a: b", "a\n", ": b\n", "a: b\n\n", "a: 1\na: 2\n", "a: b\rc\n", "a: \x80\n" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (s3_headers_read(slice_of(bad[i]), keep, h, &n))
			fail_msg("taken: %s", bad[i]);
	for (int i = 0; i <= S3_HEADERS_MAX; i++) {
		assert_true(s3_headers_read(buf_slice(&b), keep, h, &n) && n == (size_t)i);
		buf_addf(&b, "h%d: v\n", i);
	}
	assert_false(s3_headers_read(buf_slice(&b), keep, h, &n));
	buf_done(&b);
	arena_free(keep);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_published_requests_have_the_published_signatures),
	cmocka_unit_test(the_published_signing_key_comes_out),
	cmocka_unit_test(hmac_and_md5_give_the_published_digests),
	cmocka_unit_test(a_credential_is_two_or_three_printable_parts),
	cmocka_unit_test(queries_are_encoded_whole_and_paths_keep_their_slashes),
	cmocka_unit_test(hostile_xml_is_refused_with_a_sentence),
	cmocka_unit_test(xml_is_bounded_in_text_and_elements),
	cmocka_unit_test(a_page_of_objects_is_read_and_decoded),
	cmocka_unit_test(a_page_of_versions_tells_versions_and_markers_apart),
	cmocka_unit_test(a_page_that_cannot_be_trusted_is_none),
	cmocka_unit_test(keys_are_bounded),
	cmocka_unit_test(every_key_has_its_own_answer),
	cmocka_unit_test(an_answer_that_cannot_be_trusted_is_believed_for_no_key),
	cmocka_unit_test(a_bulk_request_says_keys_exactly),
	cmocka_unit_test(every_error_has_its_meaning),
	cmocka_unit_test(every_error_of_one_key_has_its_meaning),
	cmocka_unit_test(versioning_is_what_the_bucket_says),
	cmocka_unit_test(spaces_in_a_row_are_signed_as_one),
	cmocka_unit_test(a_path_can_carry_every_key_without_dots_alone),
	cmocka_unit_test(kept_headers_are_read_whole_or_not_at_all),
};

UNIT_MAIN("s3", tests)
