/* Bytes to keys. */
#include "tests/unit/unit.h"

#include "ui/keys.h"

struct seen {
	struct key key[256];
	int n;
};

static void take(void *ctx, const struct key *k)
{
	struct seen *s = ctx;
	if (s->n < 256)
		s->key[s->n++] = *k;
}

static struct seen feed(struct keys *k, const char *bytes, size_t n)
{
	struct seen s = { .n = 0 };
	keys_feed(k, (struct slice){ bytes, n }, take, &s);
	return s;
}

#define FEED(k, lit) feed(k, lit, sizeof(lit) - 1)

static void sequences_become_keys(void **state)
{
	static const struct {
		const char *bytes;
		int32_t code;
	} rows[] = {
		{ "\033[A", KEYC_UP }, { "\033OA", KEYC_UP }, { "\033[1;5B", KEYC_DOWN }, { "\033[H", KEYC_HOME }, { "\033[1~", KEYC_HOME },
		{ "\033[7~", KEYC_HOME }, { "\033[4~", KEYC_END }, { "\033OF", KEYC_END }, { "\033[5~", KEYC_PGUP }, { "\033[6~", KEYC_PGDN },
		{ "\033[3~", KEYC_DELETE }, { "\033[Z", KEYC_BACKTAB }, { "\033OP", KEYC_F1 }, { "\033[[A", KEYC_F1 }, { "\033[[E", KEYC_F5 },
		{ "\033[19~", KEYC_F8 }, { "\r", KEYC_ENTER }, { "\n", KEYC_ENTER }, { "\t", KEYC_TAB }, { "\010", KEYC_BACKSPACE },
		{ "\177", KEYC_BACKSPACE }, { "\014", 12 }, { "a", 'a' }, { "é", 0xE9 }, { "会", 0x4F1A }, { "😀", 0x1F600 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keys k;
		keys_init(&k);
		struct seen s = feed(&k, rows[i].bytes, strlen(rows[i].bytes));
		assert_int_equal(s.n, 1);
		assert_int_equal(s.key[0].code, rows[i].code);
		assert_false(s.key[0].pasted);
		assert_false(keys_waiting(&k));
	}
}

static void a_sequence_cut_anywhere_is_the_same_key(void **state)
{
	static const char *const whole[] = { "\033[A", "\033[19~", "\033OF", "会", "\033[[B", "\033[<64;10;4M" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		struct keys k;
		keys_init(&k);
		struct seen one = feed(&k, whole[i], strlen(whole[i])), all = { .n = 0 };
		for (const char *p = whole[i]; *p; p++) {
			struct seen s = feed(&k, p, 1);
			for (int j = 0; j < s.n; j++)
				all.key[all.n++] = s.key[j];
		}
		assert_int_equal(one.n, 1);
		assert_int_equal(all.n, 1);
		assert_int_equal(all.key[0].code, one.key[0].code);
	}
}

static void esc_alone_is_esc_after_the_timeout(void **state)
{
	struct keys k;
	struct seen s = { .n = 0 };
	(void)state;
	keys_init(&k);
	assert_int_equal(FEED(&k, "\033").n, 0);
	assert_true(keys_waiting(&k));
	keys_timeout(&k, take, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.key[0].code, KEYC_ESC);
	assert_false(keys_waiting(&k));
}

static void unknown_sequences_are_swallowed(void **state)
{
	static const char *const rows[] = { "\033[?1;2c", "\033[99~", "\033[1;2;3X", "\033x", "\033[M !!", "\377", "\302" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keys k;
		struct seen late = { .n = 0 };
		keys_init(&k);
		struct seen s = feed(&k, rows[i], strlen(rows[i]));
		keys_timeout(&k, take, &late);
		assert_int_equal(s.n + late.n, 0);
	}
}

static void brackets_mark_a_paste_across_reads(void **state)
{
	struct keys k;
	(void)state;
	keys_init(&k);
	struct seen a = FEED(&k, "\033[200~ab"), b = FEED(&k, "c\r"), c = FEED(&k, "\033[20"), d = FEED(&k, "1~d");
	assert_int_equal(a.n, 3);
	assert_int_equal(a.key[0].code, KEYC_PASTE_BEGIN);
	assert_true(a.key[1].pasted && a.key[2].pasted && b.key[0].pasted && b.key[1].pasted);
	assert_int_equal(c.n, 0);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.key[0].code, KEYC_PASTE_END);
	assert_true(d.key[0].pasted);
	assert_false(d.key[1].pasted);
}

static void a_burst_of_eight_printable_bytes_is_a_paste(void **state)
{
	struct keys k;
	(void)state;
	keys_init(&k);
	struct seen seven = FEED(&k, "1234567"), eight = FEED(&k, "12345678"), arrows = FEED(&k, "\033[A\033[A\033[A\033[A\033[A"),
		    wide = FEED(&k, "会议记");
	assert_false(seven.key[0].pasted);
	for (int i = 0; i < 8; i++)
		assert_true(eight.key[i].pasted);
	assert_int_equal(arrows.n, 5);
	assert_false(arrows.key[0].pasted);
	assert_true(wide.key[0].pasted);
}

static void the_mouse_selects_and_scrolls_only(void **state)
{
	struct keys k;
	(void)state;
	keys_init(&k);
	struct seen s = FEED(&k, "\033[<0;11;5M\033[<0;11;5m\033[<64;1;1M\033[<65;1;1M\033[<2;1;1M\033[<35;1;1M");
	assert_int_equal(s.n, 3);
	assert_int_equal(s.key[0].code, KEYC_CLICK);
	assert_int_equal(s.key[0].y, 4);
	assert_int_equal(s.key[0].x, 10);
	assert_int_equal(s.key[1].code, KEYC_WHEEL_UP);
	assert_int_equal(s.key[2].code, KEYC_WHEEL_DOWN);
}

static void names_and_codes_are_each_others_opposite(void **state)
{
	static const char *const names[] = { "Enter", "Esc", "Tab", "S-Tab", "Space", "PgUp", "F8", "F12", "Ctrl-L", "Ctrl-U", "A", "!", ":" };
	char back[16];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(key_name(back, key_parse(names[i])), names[i]);
	assert_int_equal(key_parse("NoSuchKey"), -1);
	assert_int_equal(key_parse(""), -1);
}

/* Every byte string up to a length, from a small alphabet of troublemakers: no hang, no crash, all consumed. */
static void no_bytes_confuse_the_decoder_for_good(void **state)
{
	static const char alphabet[] = { 27, '[', 'O', '<', 'M', '~', ';', '2', '0', 'A', '\377', '\302', 'x' };
	(void)state;
	for (uint32_t n = 0; n < 13 * 13 * 13 * 13 * 13; n++) {
		char bytes[5];
		uint32_t v = n;
		struct keys k;
		struct seen s = { .n = 0 };
		for (int i = 0; i < 5; i++, v /= 13)
			bytes[i] = alphabet[v % 13];
		keys_init(&k);
		feed(&k, bytes, 5);
		keys_timeout(&k, take, &s);
		if (!k.in_paste)
			assert_false(keys_waiting(&k));
		keys_drop(&k);
		s = FEED(&k, "q");
		assert_int_equal(s.n, 1);
		assert_int_equal(s.key[0].code, 'q');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_become_keys),
		cmocka_unit_test(a_sequence_cut_anywhere_is_the_same_key),
		cmocka_unit_test(esc_alone_is_esc_after_the_timeout),
		cmocka_unit_test(unknown_sequences_are_swallowed),
		cmocka_unit_test(brackets_mark_a_paste_across_reads),
		cmocka_unit_test(a_burst_of_eight_printable_bytes_is_a_paste),
		cmocka_unit_test(the_mouse_selects_and_scrolls_only),
		cmocka_unit_test(names_and_codes_are_each_others_opposite),
		cmocka_unit_test(no_bytes_confuse_the_decoder_for_good),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ui keys", tests, NULL, NULL);
}
