#include "unit.h"

#include "base/hash.h"
#include "sim/frame.h"
#include "sim/sha1.h"

static void sha1_gives_the_published_values(void **state)
{
	(void)state;
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "b37a4f2cc0624f1690f64606cf385945b2bec4ea" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t sum[20];
		struct buf hex = { 0 };
		sha1(sum, rows[i].text, strlen(rows[i].text));
		hex_encode(&hex, sum, sizeof(sum));
		assert_string_equal(buf_z(&hex), rows[i].hex);
		buf_done(&hex);
	}
}

static void what_is_written_is_read_at_every_length(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 1, 124, 125, 126, 127, 65535, 65536, 70000 };
	static const uint8_t mask[4] = { 9, 8, 7, 6 };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (int masked = 0; masked < 2; masked++) {
			struct buf b = { 0 };
			struct frame f;
			char *p = xcalloc(1, lengths[i] + 1);
			memset(p, 'x', lengths[i]);
			frame_write(&b, true, FRAME_TEXT, (struct slice){ p, lengths[i] }, masked ? mask : NULL);
			assert_int_equal(frame_read((struct slice){ b.p, b.n - 1 }, 1 << 20, &f), FRAME_MORE);
			assert_int_equal(frame_read(buf_slice(&b), 1 << 20, &f), FRAME_OK);
			assert_int_equal(f.head + f.payload, b.n);
			assert_int_equal(f.payload, lengths[i]);
			assert_int_equal(f.masked, masked);
			frame_unmask(&f, b.p + f.head);
			assert_memory_equal(b.p + f.head, p, lengths[i]);
			free(p);
			buf_done(&b);
		}
}

static enum frame_result reading(const char *bytes, size_t n, size_t max)
{
	struct frame f;
	return frame_read((struct slice){ bytes, n }, max, &f);
}

static void malformed_frames_are_refused(void **state)
{
	(void)state;
	assert_int_equal(reading("\x89\x7e\x00\x7e", 4, 1000), FRAME_BAD);              /* ping above 125 */
	assert_int_equal(reading("\x09\x00", 2, 1000), FRAME_BAD);                      /* ping without FIN */
	assert_int_equal(reading("\x81\x7e\x00\x7d", 4, 1000), FRAME_BAD);              /* 125 in 16 bits */
	assert_int_equal(reading("\x81\x7f\0\0\0\0\0\0\xff\xff", 10, 100000), FRAME_BAD);
	assert_int_equal(reading("\x81\x7f\x80\0\0\0\0\1\0\0", 10, 1000), FRAME_BAD);   /* top bit */
	assert_int_equal(reading("\x81\x05", 2, 4), FRAME_TOO_LARGE);
	assert_int_equal(reading("\x81\x04", 2, 4), FRAME_MORE);
	assert_int_equal(reading("\x81", 1, 4), FRAME_MORE);
	assert_int_equal(reading("", 0, 4), FRAME_MORE);
}

static void close_codes_are_those_of_the_wire(void **state)
{
	(void)state;
	static const int good[] = { 1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4000, 4999 };
	static const int bad[] = { 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535 };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(frame_close_code_ok(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(frame_close_code_ok(bad[i]));
}

static void a_close_keeps_to_125_bytes(void **state)
{
	(void)state;
	char reason[300];
	struct buf b = { 0 };
	memset(reason, 'r', sizeof(reason));
	frame_write_close(&b, 1011, (struct slice){ reason, sizeof(reason) });
	assert_int_equal(b.n, 2 + 125);
	assert_memory_equal(b.p, "\x88\x7d\x03\xf3rr", 6);
	buf_clear(&b);
	frame_write_close(&b, 0, slice_of("dropped"));
	assert_int_equal(b.n, 2);
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sha1_gives_the_published_values),
	cmocka_unit_test(what_is_written_is_read_at_every_length),
	cmocka_unit_test(malformed_frames_are_refused),
	cmocka_unit_test(close_codes_are_those_of_the_wire),
	cmocka_unit_test(a_close_keeps_to_125_bytes),
};
UNIT_MAIN("sim/frame", tests)
