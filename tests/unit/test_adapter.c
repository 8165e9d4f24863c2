#include "unit.h"

#include "link/adapter.h"

static const struct cfg_link EVENTS = { .name = "peer", .handshake = "json-events",
	.events = { .id = "meta.id", .type = "kind", .sequence = "seq", .epoch = "boot" } };

static const char *say(char out[200], const struct cfg_link *cfg, const char *text)
{
	const struct adapter *a = adapter_find(cfg->handshake);
	struct json_doc *doc = adapter_parse(slice_of(text));
	struct link_position p;
	struct buf texts = { 0 };
	if (!doc || !a->position(cfg, json_root(doc), &texts, &p))
		snprintf(out, 200, "none");
	else
		snprintf(out, 200, "epoch=%.*s id=%.*s seq=%lld", SLICE_FMT(p.epoch), SLICE_FMT(p.id), p.sequenced ? (long long)p.sequence : -1LL);
	buf_done(&texts);
	json_doc_free(doc);
	return out;
}

static void paths_say_where_a_message_stands(void **state)
{
	(void)state;
	static const char *const row[][2] = {
		{ "{\"meta\":{\"id\":\"a\"},\"seq\":3,\"boot\":\"b1\"}", "epoch=b1 id=a seq=3" },
		{ "{\"meta\":{\"id\":17},\"seq\":0,\"boot\":9223372036854775807}", "epoch=9223372036854775807 id=17 seq=0" },
		{ "{\"id\":\"a\"}", "epoch= id= seq=-1" },
		{ "{\"meta\":\"a\",\"seq\":\"3\"}", "epoch= id= seq=-1" },
		{ "{\"meta\":{\"id\":{}},\"seq\":1.5}", "epoch= id= seq=-1" },
		{ "{\"kind\":\"ack\",\"id\":\"x\"}", "none" },
		{ "[]", "none" }, { "3", "none" }, { "{", "none" }, { "", "none" },
	};
	char got[200];
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_string_equal(say(got, &EVENTS, row[i][0]), row[i][1]);
}

static void an_id_has_its_bound(void **state)
{
	(void)state;
	for (int n = 511; n <= 513; n++) {
		char text[700], got[200];
		snprintf(text, sizeof text, "{\"meta\":{\"id\":\"%0*d\"},\"seq\":1}", n, 7);
		say(got, &EVENTS, text);
		assert_int_equal(strncmp(got, "epoch= id=0", 11) == 0, n <= 512);
	}
}

static void results_of_exai_are_told_apart_by_request(void **state)
{
	(void)state;
	static const struct cfg_link exai = { .name = "d", .handshake = "exai" };
	static const char *const row[][2] = {
		{ "{\"op\":\"call_tool_res\",\"request_id\":\"r1\",\"outputs\":[]}", "epoch= id=call_tool_res:r1 seq=-1" },
		{ "{\"op\":\"list_tools_res\",\"request_id\":\"r1\"}", "epoch= id=list_tools_res:r1 seq=-1" },
		{ "{\"op\":\"progress\",\"request_id\":\"r1\"}", "none" },
		{ "{\"op\":\"call_tool_res\"}", "none" },
		{ "{\"error\":{\"code\":\"TIMEOUT\"}}", "none" },
	};
	char got[200];
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_string_equal(say(got, &exai, row[i][0]), row[i][1]);
}

static void acknowledgements_are_read_and_written(void **state)
{
	(void)state;
	struct json_doc *doc = adapter_parse(slice_of("{\"kind\":\"ack\",\"id\":\"test:7\"}"));
	struct buf b = { 0 };
	struct slice id;
	assert_true(adapter_find("json-events")->acknowledges(&EVENTS, json_root(doc), &id));
	assert_slice(id, "test:7");
	json_doc_free(doc);
	adapter_ack(&b, slice_of("a\"b"));
	assert_string_equal(buf_z(&b), "{\"type\":\"ack\",\"id\":\"a\\\"b\"}");
	buf_clear(&b);
	adapter_event(&b, slice_of("test:7"), 7, slice_of("{\"seq\":7}"));
	assert_string_equal(buf_z(&b), "{\"type\":\"event\",\"id\":\"test:7\",\"sequence\":7,\"record\":{\"seq\":7}}");
	buf_done(&b);
	assert_null(adapter_find("none"));
	assert_null(adapter_find(""));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(paths_say_where_a_message_stands),
	cmocka_unit_test(an_id_has_its_bound),
	cmocka_unit_test(results_of_exai_are_told_apart_by_request),
	cmocka_unit_test(acknowledgements_are_read_and_written),
};

UNIT_MAIN("adapter", tests)
