#include "unit.h"

#include "base/hash.h"

/* FIPS 180-4 examples */
static void sha256_gives_the_published_digests(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	struct hasher *h = hasher_new();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hash once, parts;
		char hex[HASH_HEX];
		hash_bytes(&once, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(hash_hex(hex, &once), rows[i][1]);
		hasher_begin(h);
		for (const char *p = rows[i][0]; *p; p++)
			hasher_add(h, p, 1);
		hasher_add(h, NULL, 0);
		hasher_end(h, &parts);
		assert_true(hash_eq(&once, &parts));
	}
	hasher_free(h);
	hasher_free(NULL);
	struct hash none;
	hash_bytes(&none, NULL, 0);
	char hex[HASH_HEX];
	assert_string_equal(hash_hex(hex, &none), rows[0][1]);
}

static void a_digest_is_parsed_only_from_64_lower_case_digits(void **state)
{
	(void)state;
	static const char good[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct hash h, other;
	char hex[HASH_HEX], brief[16], bad[80];
	assert_true(hash_parse(&h, slice_of(good)));
	assert_string_equal(hash_hex(hex, &h), good);
	assert_string_equal(hash_short(brief, &h), "ba78 16bf 8f01");
	assert_false(hash_parse(&other, (struct slice){ good, 63 }));
	snprintf(bad, sizeof(bad), "%s0", good);
	assert_false(hash_parse(&other, slice_of(bad)));
	snprintf(bad, sizeof(bad), "%s", good);
	bad[0] = 'B';
	assert_false(hash_parse(&other, slice_of(bad)));
	bad[0] = 'g';
	assert_false(hash_parse(&other, slice_of(bad)));
	other = h;
	other.b[31] ^= 1;
	assert_false(hash_eq(&h, &other));
}

static void the_encoding_tells_absent_empty_and_zero_apart(void **state)
{
	(void)state;
	struct buf b = { 0 }, hex = { 0 };
	enc_bytes(&b, SLICE_LIT("a\0b"));
	enc_i64(&b, -2);
	enc_null(&b);
	enc_z(&b, NULL);
	enc_z(&b, "");
	hex_encode(&hex, b.p, b.n);
	assert_string_equal(buf_z(&hex),
		"62" "0000000000000003" "610062"
		"69" "0000000000000008" "fffffffffffffffe"
		"6e" "0000000000000000"
		"6e" "0000000000000000"
		"62" "0000000000000000");
	buf_done(&b);
	buf_done(&hex);
}

static void hex_is_strict(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_true(hex_decode(&b, SLICE_LIT("00ff7a")));
	assert_int_equal(b.n, 3);
	assert_memory_equal(b.p, "\0\xffz", 3);
	static const char *const bad[] = { "0", "0g", "FF", "0x", "00 " };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(hex_decode(&b, slice_of(bad[i])));
	assert_int_equal(b.n, 3);
	assert_true(hex_decode(&b, SLICE_LIT("")));
	buf_done(&b);
}

/* RFC 4648 section 10 */
static void base64_is_strict_and_padded(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "+/+/" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf a = { 0 }, b = { 0 };
		base64_encode(&a, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(buf_z(&a), rows[i][1]);
		assert_true(base64_decode(&b, buf_slice(&a)));
		assert_string_equal(buf_z(&b), rows[i][0]);
		buf_done(&a);
		buf_done(&b);
	}
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=g==", "Zg==Zg==", "Zm8=Zm8=", "====", "Z===", "Zm9v\n", "Zm-_", "Z g=", "Zg=a",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf b = { 0 };
		if (base64_decode(&b, slice_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(b.n, 0);
		buf_done(&b);
	}
	struct buf b = { 0 };
	assert_false(base64_decode(&b, SLICE_LIT("Zg\0\0")));
	buf_done(&b);
}

/* RFC 8032 section 7.1, test 2 */
static void ed25519_verifies_the_published_signature(void **state)
{
	(void)state;
	struct buf pub = { 0 }, sig = { 0 };
	assert_true(hex_decode(&pub, SLICE_LIT("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")));
	assert_true(hex_decode(&sig, SLICE_LIT("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")));
	assert_true(sign_verify((uint8_t *)pub.p, SLICE_LIT("\x72"), (uint8_t *)sig.p));
	assert_false(sign_verify((uint8_t *)pub.p, SLICE_LIT("\x73"), (uint8_t *)sig.p));
	sig.p[5] = (char)(sig.p[5] ^ 1);
	assert_false(sign_verify((uint8_t *)pub.p, SLICE_LIT("\x72"), (uint8_t *)sig.p));
	buf_done(&pub);
	buf_done(&sig);
}

static void a_key_is_made_once_kept_private_and_signs(void **state)
{
	(void)state;
	char dir[256], path[300], link_path[300];
	struct err e;
	struct stat st;
	struct sign_key *k;
	uint8_t pub[KEY_BYTES], sig[SIG_BYTES];
	unit_mkdir(dir);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	snprintf(link_path, sizeof(link_path), "%s/link.pem", dir);
	assert_int_equal(sign_key_generate(path, &e), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sign_key_generate(path, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "never overwritten"));

	assert_int_equal(sign_key_load(&k, path, &e), RC_OK);
	sign_key_public(k, pub);
	sign(k, SLICE_LIT("grant"), sig);
	assert_true(sign_verify(pub, SLICE_LIT("grant"), sig));
	assert_false(sign_verify(pub, SLICE_LIT("grand"), sig));
	sign_key_free(k);
	sign_key_free(NULL);

	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(sign_key_load(&k, link_path, &e), RC_USAGE);
	assert_null(k);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(sign_key_load(&k, path, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "chmod 600"));
	unit_write(path, "not a key", 9, 0600);
	assert_int_equal(sign_key_load(&k, path, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "not an Ed25519 private key"));
	unlink(path);
	unlink(link_path);
	rmdir(dir);
}

static void what_a_crash_left_of_a_key_is_made_again(void **state)
{
	(void)state;
	char dir[256], path[300], beside[310];
	struct err e;
	struct sign_key *k;
	unit_mkdir(dir);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	snprintf(beside, sizeof(beside), "%s.new", path);
	unit_write(beside, "-----BEGIN", 10, 0600);
	assert_int_equal(sign_key_generate(path, &e), RC_OK);
	assert_int_equal(sign_key_load(&k, path, &e), RC_OK);
	sign_key_free(k);
	assert_int_not_equal(access(beside, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_fingerprint_is_stable_and_not_the_plain_digest(void **state)
{
	(void)state;
	char a[9], b[9], hex[HASH_HEX];
	struct hash h;
	secret_fingerprint(a, SLICE_LIT("sk-one"));
	secret_fingerprint(b, SLICE_LIT("sk-two"));
	assert_int_equal(strlen(a), 8);
	assert_string_not_equal(a, b);
	secret_fingerprint(b, SLICE_LIT("sk-one"));
	assert_string_equal(a, b);
	hash_bytes(&h, "sk-one", 6);
	assert_int_not_equal(strncmp(hash_hex(hex, &h), a, 8), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sha256_gives_the_published_digests),
	cmocka_unit_test(a_digest_is_parsed_only_from_64_lower_case_digits),
	cmocka_unit_test(the_encoding_tells_absent_empty_and_zero_apart),
	cmocka_unit_test(hex_is_strict),
	cmocka_unit_test(base64_is_strict_and_padded),
	cmocka_unit_test(ed25519_verifies_the_published_signature),
	cmocka_unit_test(a_key_is_made_once_kept_private_and_signs),
	cmocka_unit_test(what_a_crash_left_of_a_key_is_made_again),
	cmocka_unit_test(a_fingerprint_is_stable_and_not_the_plain_digest),
};

UNIT_MAIN("hash", tests)
