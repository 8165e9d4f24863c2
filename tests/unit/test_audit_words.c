#include "unit.h"

#include "store/audit_words.h"

static void says(enum audit_kind k, const char *payload, const char *want)
{
	struct json_doc *d;
	struct err e;
	struct buf out = { 0 };
	assert_int_equal(json_parse(&d, slice_of(payload), NULL, &e), RC_OK);
	audit_words(&out, k, json_root(d));
	assert_string_equal(buf_z(&out), want);
	buf_done(&out);
	json_doc_free(d);
}

static void a_record_reads_as_a_person_would_say_it(void **state)
{
	(void)state;
	says(AUDIT_DISCOVERY, "{\"complete\":true,\"items\":240,\"bytes\":10328204,\"pages\":3,\"expected\":null,\"server_clock\":true,\"rehearsal\":false}",
	     "complete, 240 items, 10.3 MB, 3 pages");
	says(AUDIT_DISCOVERY, "{\"complete\":false,\"items\":0,\"bytes\":0,\"pages\":1,\"expected\":98,\"trouble\":\"page 2: HTTP 500\",\"rehearsal\":true}",
	     "INCOMPLETE, 0 items, 1 pages, 98 expected, page 2: HTTP 500, rehearsal");
	says(AUDIT_GATE, "{\"from\":\"DISCOVERING\",\"to\":\"VALIDATING\",\"opened_by\":\"operator\"}", "from DISCOVERING to VALIDATING, opened by operator");
	says(AUDIT_GRANT_APPROVED, "{\"lane\":\"kimi\",\"items\":103,\"bytes\":999949,\"on_abort\":\"keep\",\"reason\":\"quota\",\"nonce\":\"00\"}",
	     "103 items, 999.9 kB, on abort keep, \"quota\"");
	says(AUDIT_MATRIX, "{\"at\":\"batch\",\"T\":3,\"F\":0,\"N\":39,\"verdict\":\"continue\"}", "F/T = 0/3 of 39, continue");
	says(AUDIT_CLAIM_OUTCOME, "{\"claimed\":0,\"no_row\":7,\"unclaimed\":0,\"referenced\":0,\"changed\":0,\"failed\":2}",
	     "0 claimed, 7 without a row, 2 failed");
	says(AUDIT_CHECKPOINT, "{\"checkpoint\":2,\"hash\":\"863e4f20002cb3511be7\",\"count\":1}", "1 records since the last one, head 863e 4f20 002c");
	says(AUDIT_CYCLE_CLOSE, "{\"end\":\"COMPLETED\",\"equation\":\"1 planned = 1 deleted\",\"balanced\":false}", "COMPLETED, 1 planned = 1 deleted, NOT BALANCED");
}

static void sizes_change_their_unit_before_they_are_rounded_to_four_digits(void **state)
{
	(void)state;
	static const struct { const char *bytes, *want; } rows[] = {
		{ "1", "1 B" }, { "999", "999 B" }, { "1000", "1.0 kB" }, { "999949", "999.9 kB" }, { "999950", "1.0 MB" },
		{ "1500000000", "1.5 GB" }, { "9007199254740993", "9007.2 TB" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char payload[80], want[80];
		snprintf(payload, sizeof payload, "{\"outcome\":\"ok\",\"bytes\":%s}", rows[i].bytes);
		snprintf(want, sizeof want, "ok, %s", rows[i].want);
		says(AUDIT_ESCROW_OUTCOME, payload, want);
	}
}

static void what_no_template_asks_for_is_told_member_by_member(void **state)
{
	(void)state;
	assert_null(audit_template(AUDIT_ATTACH));
	says(AUDIT_ATTACH, "{\"b\":true,\"n\":-3,\"s\":\"x\",\"list\":[1],\"nothing\":null}", "b true, n -3, s x");
	says(AUDIT_GATE, "{\"other\":\"member\"}", "other member");         /* of a later version */
	says(AUDIT_MODE, "{\"from\":{\"a\":1},\"to\":7.5}", "to 7.5");
	says(AUDIT_GATE, "{}", "");
}

static void what_a_payload_holds_is_no_template(void **state)
{
	(void)state;
	says(AUDIT_HOLD, "{\"why\":\"{items!};{why}\"}", "{items!};{why}");
	says(AUDIT_ABORT, "{\"how\":\"keep\",\"why\":\"\"}", "keep");
}

/* Each part of each template names members that are closed, and shows something when they are there. */
static void every_template_is_well_formed(void **state)
{
	(void)state;
	for (int k = 0; k < AUDIT_KIND_COUNT; k++)
		for (const char *p = audit_template((enum audit_kind)k); p && *p; p++)
			if (*p == '{') {
				size_t n = strcspn(p, "}");
				assert_int_equal(p[n], '}');
				assert_in_range(strcspn(p + 1, "!:?}"), 1, 39);
				assert_true(p[1 + strcspn(p + 1, "!:?}")] != '?' || memchr(p, ':', n));
				assert_false(strcspn(p + 1, "{") < n);
				p += n;
			} else {
				assert_int_not_equal(*p, '}');
			}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_record_reads_as_a_person_would_say_it),
	cmocka_unit_test(sizes_change_their_unit_before_they_are_rounded_to_four_digits),
	cmocka_unit_test(what_no_template_asks_for_is_told_member_by_member),
	cmocka_unit_test(what_a_payload_holds_is_no_template),
	cmocka_unit_test(every_template_is_well_formed),
};

UNIT_MAIN("audit words", tests)
