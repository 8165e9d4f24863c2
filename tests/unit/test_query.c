/* The filter of the candidates: what it understands, what it says of what it does not, and that no text harms it. */
#include "unit.h"

#include "base/query.h"
#include "base/rng.h"

static struct query good(const char *text)
{
	struct query q;
	struct err e = { 0 };
	if (query_parse(&q, slice_of(text), NULL, &e) != RC_OK)
		fail_msg("%s: %s", text, e.text);
	return q;
}

static void refused(const char *text, size_t at, const char *why)
{
	struct query q;
	struct err e = { 0 };
	size_t where = SIZE_MAX;
	if (query_parse(&q, slice_of(text), &where, &e) != RC_USAGE)
		fail_msg("%s was taken", text);
	if (where != at || !strstr(e.text, why))
		fail_msg("%s: byte %zu: %s, not byte %zu and %s", text, where, e.text, at, why);
}

static void is_term(const struct query *q, int i, enum query_key key, enum query_op op, bool negated, const char *value)
{
	assert_true(i < q->terms);
	assert_int_equal(q->term[i].key, key);
	assert_int_equal(q->term[i].op, op);
	assert_int_equal(q->term[i].negated, negated);
	assert_true(slice_is(query_value(q, &q->term[i]), value));
}

static void every_kind_of_term_is_read(void **state)
{
	(void)state;
	struct query q = good("lane:kimi age>30d !protected size<=10MB name~\"a \\\"b\\\" \\\\\" !id:x rule~dup class:R1 why~row purpose:fine-tune");
	assert_int_equal(q.terms, 10);
	is_term(&q, 0, QUERY_LANE, QUERY_IS, false, "kimi");
	is_term(&q, 1, QUERY_AGE, QUERY_MORE, false, "30d");
	assert_true(q.term[1].number == INT64_C(30) * 86400 * 1000000);
	is_term(&q, 2, QUERY_STATE, QUERY_IS, true, "protected");
	is_term(&q, 3, QUERY_SIZE, QUERY_MOST, false, "10MB");
	assert_int_equal(q.term[3].number, 10000000);
	is_term(&q, 4, QUERY_NAME, QUERY_HAS, false, "a \"b\" \\");
	is_term(&q, 5, QUERY_ID, QUERY_IS, true, "x");
	is_term(&q, 6, QUERY_RULE, QUERY_HAS, false, "dup");
	is_term(&q, 7, QUERY_CLASS, QUERY_IS, false, "R1");
	assert_int_equal(q.term[7].number, 1);
	is_term(&q, 8, QUERY_WHY, QUERY_HAS, false, "row");
	is_term(&q, 9, QUERY_PURPOSE, QUERY_IS, false, "fine-tune");
}

static void a_word_alone_is_a_state_or_letters_to_look_for(void **state)
{
	(void)state;
	struct query q = good("  kept report \"protected\"  !a+b verdict:planned size:unknown ");
	assert_int_equal(q.terms, 6);
	is_term(&q, 0, QUERY_STATE, QUERY_IS, false, "kept");
	is_term(&q, 1, QUERY_TEXT, QUERY_HAS, false, "report");
	is_term(&q, 2, QUERY_TEXT, QUERY_HAS, false, "protected");
	is_term(&q, 3, QUERY_TEXT, QUERY_HAS, true, "a+b");
	is_term(&q, 4, QUERY_STATE, QUERY_IS, false, "planned");
	assert_true(q.term[5].unknown);
	assert_int_equal(good("").terms, 0);
	assert_int_equal(good("    ").terms, 0);
}

static void an_error_says_where_and_what_is_allowed(void **state)
{
	(void)state;
	refused("age>30", 4, "column 5: age takes > or < and a time as 30d, or :unknown");
	refused("age:30d", 4, "age takes");
	refused("age~30d", 3, "column 4: age takes");
	refused("lane~k", 4, "lane takes : and the name of a lane");
	refused("lane:", 5, "column 6: lane takes");
	refused("size>1.5MB", 5, "an amount as 10MB");
	refused("size>-1B", 5, "an amount as 10MB");
	refused("class:R4", 6, "R0, R1, R2 or R3");
	refused("state:deleted", 6, "candidate, protected, ineligible, kept or planned");
	refused("kept colour:red", 5, "column 6: there is no such key; there are lane, state,");
	refused(":x", 0, "there is no such key");
	refused("a !", 3, "after ! comes what must not hold");
	refused("! protected", 1, "after ! comes");
	refused("!!kept", 1, "after ! comes");
	refused("!kept x:", 6, "there is no such key");
	refused("name~\"abc", 5, "this \" has no second one");
	refused("name~\"abc\\", 5, "this \" has no second one");
	refused("name~\"a\\n\"", 8, "after \\ comes");
	refused("name~\"a\"b", 8, "a blank must follow");
	refused("\"\"", 0, "letters to look for");
	refused("\xe4\xbc\x9a\xe8\xae\xae age>x", 11, "column 8: age takes");
	refused("age>99999999999999999999d", 4, "age takes");
	refused("age>106751991168d", 4, "age takes");
}

static void caps_hold_at_their_edge(void **state)
{
	(void)state;
	struct query q;
	struct err e;
	struct buf b = { 0 };
	for (int i = 0; i < QUERY_TERMS; i++)
		buf_adds(&b, "x ");
	assert_int_equal(good(buf_z(&b)).terms, QUERY_TERMS);
	buf_adds(&b, "y");
	refused(buf_z(&b), 2 * QUERY_TERMS, "at most 16 terms");
	buf_clear(&b);
	while (b.n < QUERY_BYTES)
		buf_addc(&b, 'x');
	q = good(buf_z(&b));
	assert_int_equal(query_value(&q, &q.term[0]).n, QUERY_BYTES);
	buf_addc(&b, 'x');
	assert_int_equal(query_parse(&q, buf_slice(&b), NULL, &e), RC_USAGE);
	buf_done(&b);
}

static struct query_spot spot(const char *text)
{
	return query_spot(slice_of(text), strlen(text));
}

static void the_cursor_knows_what_is_typed(void **state)
{
	(void)state;
	assert_false(spot("").value);
	assert_int_equal(spot("la").from, 0);
	assert_int_equal(spot("kept !pro").from, 6);
	struct query_spot s = spot("kept !lane:ki");
	assert_true(s.value);
	assert_int_equal(s.key, QUERY_LANE);
	assert_int_equal(s.from, 11);
	s = spot("age>=3");
	assert_int_equal(s.op, QUERY_LEAST);
	assert_int_equal(s.from, 5);
	s = spot("rule:\"a b");
	assert_int_equal(s.key, QUERY_RULE);
	assert_int_equal(s.from, 5);
	assert_false(spot("colour:r").value);
	assert_int_equal(spot("name~a\"b c").from, 9);
	assert_int_equal(query_spot(SLICE_LIT("lane:kimi"), 99).from, 5);
}

static void what_is_quoted_is_read_back(void **state)
{
	(void)state;
	static const struct slice values[] = { SLICE_LIT("kimi"), SLICE_LIT("a b"), SLICE_LIT("\"x\\ y"), SLICE_LIT("x\"y"), SLICE_LIT("a:b~c"),
		SLICE_LIT("\\"), SLICE_LIT("\0\xff\x1b[2J") };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct buf b = { 0 };
		struct query q;
		struct err e;
		buf_adds(&b, "!name:");
		query_quote(&b, values[i]);
		buf_adds(&b, " kept");
		assert_int_equal(query_parse(&q, buf_slice(&b), NULL, &e), RC_OK);
		assert_int_equal(q.terms, 2);
		assert_true(slice_eq(query_value(&q, &q.term[0]), values[i]));
		buf_done(&b);
	}
}

/* Pieces near the grammar, and bytes that are not. Whatever comes: an answer, a place inside the text, values inside the query. */
static void no_text_harms_it(void **state)
{
	static const char *const pieces[] = { "lane:", "age>", "size<=", "name~", "!", "\"", "\\", " ", "30d", "10MB", "kept", ":", "~", "\x1b[2J",
		"\xe2\x80\xae", "\xff", "\xc3", "a", "R0", "class:", "unknown", "99999999999999999999", "=", "<", "会" };
	struct rng r;
	(void)state;
	rng_seed(&r, 20);
	for (int i = 0; i < 200000; i++) {
		struct buf b = { 0 };
		struct query q;
		struct err e = { 0 };
		size_t at = 0;
		for (uint64_t n = rng_below(&r, i % 1000 == 0 ? 400 : 12); n > 0; n--)
			buf_adds(&b, pieces[rng_below(&r, ARRAY_LEN(pieces))]);
		if (rng_below(&r, 4) == 0)
			buf_addc(&b, (char)rng_below(&r, 256));
		char *exact = xmalloc(b.n + 1);         /* so that a byte read past the end is noticed */
		memcpy(exact, b.n ? b.p : "", b.n);
		struct slice text = { exact, b.n };
		enum rc rc = query_parse(&q, text, &at, &e);
		assert_true(rc == RC_OK || (rc == RC_USAGE && at <= text.n && strncmp(e.text, "column ", 7) == 0));
		for (const char *p = e.text; rc != RC_OK && *p; p++)
			assert_true((unsigned char)*p >= 0x20);
		for (int k = 0; k < q.terms; k++)
			assert_true(q.term[k].value_at + q.term[k].value_n <= QUERY_BYTES);
		for (size_t c = 0; c <= text.n; c++)
			assert_true(query_spot(text, c).from <= c);
		free(exact);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_term_is_read),
		cmocka_unit_test(a_word_alone_is_a_state_or_letters_to_look_for),
		cmocka_unit_test(an_error_says_where_and_what_is_allowed),
		cmocka_unit_test(caps_hold_at_their_edge),
		cmocka_unit_test(the_cursor_knows_what_is_typed),
		cmocka_unit_test(what_is_quoted_is_read_back),
		cmocka_unit_test(no_text_harms_it),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
