#include "unit.h"

#include "link/adapter.h"
#include "link/facts.h"

static struct json_doc *doc;

static const struct json *frame(const char *text)
{
	json_doc_free(doc);
	doc = adapter_parse(slice_of(text));
	assert_non_null(doc);
	return json_root(doc);
}

static void the_first_message_says_what_it_says(void **state)
{
	(void)state;
	struct link_facts f;
	link_facts_init(&f);
	assert_true(link_facts_dashboard(&f, frame("{\"type\":\"initial_stats\",\"stats\":{\"websocket\":{}},"
		"\"session_metrics\":{\"active_sessions\":0,\"total_sessions\":7},"
		"\"semaphore_metrics\":{\"ports\":{\"8079\":{\"current\":2,\"limit\":24},\"8080\":{\"current\":1,\"limit\":4}},\"total_leaks_detected\":3},"
		"\"websocket_health\":{},\"recent_events\":[]}")));
	static const int64_t want[LINK_FACT_COUNT] = { 0, 7, 3, 28, 3, -1, -1, -1, -1, -1, -1 };
	for (int i = 0; i < LINK_FACT_COUNT; i++)
		assert_int_equal(f.v[i], want[i]);
}

static void an_empty_object_is_not_reported_and_never_zero(void **state)
{
	(void)state;
	static const char *const empty[] = {
		"{\"type\":\"initial_stats\",\"session_metrics\":{},\"semaphore_metrics\":{},\"websocket_health\":{}}",
		"{\"type\":\"initial_stats\"}",
		"{\"type\":\"initial_stats\",\"session_metrics\":null,\"semaphore_metrics\":{\"ports\":{}},\"websocket_health\":[]}",
		"{\"type\":\"initial_stats\",\"session_metrics\":{\"active_sessions\":\"3\",\"total_sessions\":-1},"
			"\"semaphore_metrics\":{\"ports\":{\"1\":{\"current\":1.5}},\"total_leaks_detected\":{}}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		struct link_facts f;
		for (int k = 0; k < LINK_FACT_COUNT; k++)
			f.v[k] = k < FACT_EVENTS ? 9 : -1;      /* said before: it says so no more */
		assert_true(link_facts_dashboard(&f, frame(empty[i])));
		for (int k = 0; k < LINK_FACT_COUNT; k++)
			assert_int_equal(f.v[k], -1);
	}
}

static void pushes_are_read_in_each_wrapping(void **state)
{
	(void)state;
	static const char *const row[] = {
		"{\"type\":\"session_metrics\",\"session_metrics\":{\"active_sessions\":4}}",
		"{\"type\":\"session_metrics\",\"data\":{\"active_sessions\":4}}",
		"{\"type\":\"session_metrics\",\"metrics\":{\"active_sessions\":4}}",
		"{\"type\":\"session_metrics\",\"active_sessions\":4}",
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct link_facts f;
		link_facts_init(&f);
		f.v[FACT_SEMAPHORE_LIMIT] = 24;                 /* another part: stays */
		assert_true(link_facts_dashboard(&f, frame(row[i])));
		assert_int_equal(f.v[FACT_SESSIONS_ACTIVE], 4);
		assert_int_equal(f.v[FACT_SESSIONS_TOTAL], -1);
		assert_int_equal(f.v[FACT_SEMAPHORE_LIMIT], 24);
	}
}

static void events_are_counted_and_others_are_nothing(void **state)
{
	(void)state;
	struct link_facts f;
	link_facts_init(&f);
	assert_true(link_facts_dashboard(&f, frame("{\"type\":\"event\",\"direction\":\"send\",\"error\":null}")));
	assert_int_equal(f.v[FACT_EVENTS_FAILED], 0);
	assert_true(link_facts_dashboard(&f, frame("{\"type\":\"event\",\"data\":{\"direction\":\"error\",\"error\":\"boom\"}}")));
	assert_int_equal(f.v[FACT_EVENTS], 2);
	assert_int_equal(f.v[FACT_EVENTS_FAILED], 1);
	assert_false(link_facts_dashboard(&f, frame("{\"type\":\"test_event\"}")));
	assert_false(link_facts_dashboard(&f, frame("[]")));
	assert_false(link_facts_exai(&f, frame("{\"op\":\"pong\",\"tools\":[]}")));
	assert_true(link_facts_exai(&f, frame("{\"op\":\"list_tools_res\",\"tools\":[{},{}]}")));
	assert_int_equal(f.v[FACT_TOOLS], 2);
}

static void a_health_file_is_read_whole_or_not(void **state)
{
	(void)state;
	static const char good[] = "{\"t\":1700000000.25,\"pid\":7,\"sessions\":2,\"global_capacity\":24,\"global_inflight\":0,\"tool_count\":29}";
	struct link_facts f;
	int64_t at;
	for (size_t n = 0; n < sizeof good - 1; n++) {          /* it is not rewritten atomically */
		link_facts_init(&f);
		assert_false(link_facts_file(&f, (struct slice){ good, n }, &at));
		assert_int_equal(f.v[FACT_TOOLS], -1);
	}
	assert_true(link_facts_file(&f, slice_of(good), &at));
	assert_true(at == INT64_C(1700000000000000));
	assert_int_equal(f.v[FACT_CAPACITY], 24);
	assert_int_equal(f.v[FACT_IN_FLIGHT], 0);
	assert_false(link_facts_file(&f, slice_of("{\"sessions\":1}"), &at));
	assert_false(link_facts_file(&f, slice_of("{\"t\":\"now\"}"), &at));
	assert_false(link_facts_file(&f, slice_of("[]"), &at));
}

static int done(void **state)
{
	(void)state;
	json_doc_free(doc);
	return 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_first_message_says_what_it_says),
	cmocka_unit_test(an_empty_object_is_not_reported_and_never_zero),
	cmocka_unit_test(pushes_are_read_in_each_wrapping),
	cmocka_unit_test(events_are_counted_and_others_are_nothing),
	cmocka_unit_test_teardown(a_health_file_is_read_whole_or_not, done),
};

UNIT_MAIN("facts", tests)
