#include "unit.h"

#include "link/said.h"

static const char *word(const struct link_said *s, const char *name)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return s->v[i].said ? s->v[i].word : NULL;
	fail_msg("%s is not in the table of this page", name);
	return NULL;
}

static struct link_said read_page(const char *url, const char *body, bool good)
{
	struct link_said s;
	link_said_init(&s, url);
	assert_int_equal(link_said_read(&s, slice_of(body)), good);
	return s;
}

static void both_generations_are_read(void **state)
{
	(void)state;
	struct link_said s = read_page("http://h:8082/health", "{\"status\":\"degraded\",\"timestamp_utc\":\"x\",\"version\":\"2.0\",\"components\":{"
		"\"storage\":{\"status\":\"healthy\",\"type\":\"supabase\"},\"supabase\":{\"status\":\"unhealthy\",\"enabled\":true},"
		"\"memory\":{\"status\":\"healthy\",\"process_memory_mb\":182.4},\"disk\":{\"status\":\"healthy\",\"disk_percent\":71},\"semaphores\":{\"status\":\"degraded\"}}}", true);
	assert_string_equal(word(&s, "status"), "degraded");
	assert_string_equal(word(&s, "supabase"), "unhealthy");
	assert_string_equal(word(&s, "memory MB"), "182.4");
	assert_string_equal(word(&s, "disk %"), "71");
	assert_null(word(&s, "service"));
	assert_int_equal(link_said_healthy(&s), 0);
	s = read_page("http://h:3002/health?x=/health/memory", "{\"status\":\"healthy\",\"service\":\"exai-mcp-daemon\",\"timestamp\":1.5}", true);
	assert_string_equal(word(&s, "service"), "exai-mcp-daemon");
	assert_null(word(&s, "storage"));
	assert_int_equal(link_said_healthy(&s), 1);
}

static void each_page_has_its_own_table(void **state)
{
	(void)state;
	struct link_said s = read_page("http://h/health/semaphores/", "{\"status\":\"degraded\",\"global\":{\"current\":22,\"expected\":24,\"status\":\"leak_detected\"},"
		"\"providers\":{\"kimi\":{\"status\":\"healthy\"}}}", true);
	assert_string_equal(word(&s, "in use"), "22");
	assert_string_equal(word(&s, "global"), "leak_detected");
	assert_null(word(&s, "glm"));
	s = read_page("http://h/health/websocket", "{\"status\":\"error\",\"error\":\"cannot import name 'get_websocket_manager'\"}", true);
	assert_string_equal(word(&s, "error"), "cannot import name 'get_websocket_manager'");
	assert_null(word(&s, "connections"));
	s = read_page("http://h/health/memory", "{\"alert\":null,\"history_size\":0}", true);
	assert_string_equal(word(&s, "history"), "0");
	assert_null(word(&s, "alert"));
	assert_int_equal(link_said_healthy(&s), -1);
}

/* Zero is said, and nothing is not zero. */
static void what_is_not_there_is_not_reported(void **state)
{
	static const char *const empty[] = { "{}", "{\"status\":null}", "{\"status\":{}}", "{\"status\":[]}", "{\"components\":7}", "{\"components\":[]}",
		"{\"components\":{\"storage\":\"healthy\"}}", "{\"STATUS\":\"healthy\"}" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		struct link_said s = read_page("http://h/health", empty[i], true);
		for (int k = 0; k < s.n; k++)
			assert_false(s.v[k].said);
		assert_int_equal(link_said_healthy(&s), -1);
	}
}

static void a_body_that_is_none_takes_back_what_was_said(void **state)
{
	static const char *const bad[] = { "", "<html>", "[1]", "\"healthy\"", "{\"status\":\"healthy\"", "{\"status\":\"healthy\"}x",
		"{\"status\":\"healthy\",\"status\":\"unhealthy\"}" };
	struct link_said s;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		link_said_init(&s, "http://h/health");
		assert_true(link_said_read(&s, SLICE_LIT("{\"status\":\"healthy\"}")));
		assert_int_equal(link_said_healthy(&s), 1);
		assert_false(link_said_read(&s, slice_of(bad[i])));
		assert_int_equal(link_said_healthy(&s), -1);
		assert_null(word(&s, "status"));
	}
}

static void words_are_bounded_and_cannot_paint(void **state)
{
	struct buf b = { 0 };
	(void)state;
	struct link_said s = read_page("http://h/health", "{\"status\":\"healthy\\u001b[2J\\u202e\"}", true);
	assert_null(strchr(word(&s, "status"), '\033'));
	assert_int_equal(link_said_healthy(&s), 0);
	buf_adds(&b, "{\"status\":\"");
	for (int i = 0; i < 40000; i++)
		buf_addc(&b, 'h');
	buf_adds(&b, "\"}");
	s = read_page("http://h/health", buf_z(&b), true);
	assert_true(strlen(word(&s, "status")) < SAID_TEXT);
	for (int i = 0; i < 40000; i++)
		buf_addc(&b, ' ');
	s = read_page("http://h/health", buf_z(&b), false);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_generations_are_read),
		cmocka_unit_test(each_page_has_its_own_table),
		cmocka_unit_test(what_is_not_there_is_not_reported),
		cmocka_unit_test(a_body_that_is_none_takes_back_what_was_said),
		cmocka_unit_test(words_are_bounded_and_cannot_paint),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
