#include "lane/lane.h"

#include "../websocket/net_helper.h"

#include "net/tcp.h"

/* A store of raw bytes: answers the n-th request with what the test put down, and keeps the heads. */
static struct loop *loop;
static struct tcp_server *server;
static struct buf in, heads, reply;
static int requests;
static bool silent, cut_after_reply;
static struct cfg_lane cfg;
static struct lane *lane;
static char url[80];

static void *on_accept(void *ctx, struct tcp_conn *c)
{
	(void)ctx;
	buf_clear(&in);
	return c;
}

static void on_data(void *ctx, struct tcp_conn *c, struct slice bytes)
{
	(void)ctx;
	buf_add(&in, bytes.p, bytes.n);
	const char *end = memmem(in.p, in.n, "\r\n\r\n", 4), *length = memmem(in.p, in.n, "Content-Length: ", 16);
	if (!end || (length && in.n < (size_t)(end - in.p) + 4 + strtoul(length + 16, NULL, 10)))
		return;
	requests++;
	buf_add(&heads, in.p, in.n);
	buf_clear(&in);
	if (!silent)
		tcp_send(c, buf_slice(&reply));
	if (cut_after_reply)
		tcp_close(c);
}

static void on_end(void *ctx)
{
	(void)ctx;
}

static void answer(int status, const char *body)
{
	buf_clear(&reply);
	buf_addf(&reply, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nx-request-id: req-7\r\n\r\n%s", status, strlen(body), body);
}

static void make(const struct secret *key, enum http_permit permit)
{
	struct err e = { 0 };
	assert_int_equal(lane_new(&lane, loop, &cfg, key, &e), RC_OK);
	lane_permit(lane, permit);
}

static int setup(void **state)
{
	static const struct tcp_handler h = { on_accept, on_data, on_end };
	struct err e = { 0 };
	(void)state;
	loop = loop_new();
	assert_int_equal(tcp_listen(&server, loop, "127.0.0.1", 0, &h, NULL, &e), RC_OK);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", tcp_port(server));
	cfg = (struct cfg_lane){ .name = "kimi", .dialect = "openai", .url = url, .account = "team", .page_items = 1000, .in_flight = 4,
				 .timeout_ms = 5000, .list_timeout_ms = 5000 };
	requests = 0;
	silent = cut_after_reply = false;
	lane = NULL;
	answer(200, "{}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lane_free(lane);
	tcp_server_free(server);
	loop_free(loop);
	buf_done(&in);
	buf_done(&heads);
	buf_done(&reply);
	return 0;
}

struct got {
	int calls;
	struct lane_answer a;
	struct lane_page page;
	struct lane_probe probe;
	char first[64], last[64], cursor[64];
};

static void on_answer(void *ctx, const struct lane_answer *a)
{
	struct got *g = ctx;
	g->a = *a;
	g->calls++;
}

static void on_page(void *ctx, const struct lane_page *p)
{
	struct got *g = ctx;
	g->page = *p;
	snprintf(g->cursor, sizeof g->cursor, "%.*s", SLICE_FMT(p->cursor));
	if (p->n) {
		snprintf(g->first, sizeof g->first, "%.*s", SLICE_FMT(p->items[0].id));
		snprintf(g->last, sizeof g->last, "%.*s", SLICE_FMT(p->items[p->n - 1].id));
	}
	g->calls++;
}

static void on_probe(void *ctx, const struct lane_probe *p)
{
	struct got *g = ctx;
	g->probe = *p;
	g->calls++;
}

static bool called(void *ctx) { return ((struct got *)ctx)->calls > 0; }
static bool asked(void *ctx) { (void)ctx; return requests > 0; }

static struct got delete_id(const char *id)
{
	struct got g = { 0 };
	lane_delete(lane, slice_of(id), on_answer, &g);
	assert_int_equal(g.calls, 0);
	pump(loop, called, &g);
	assert_int_equal(g.calls, 1);
	return g;
}

static struct got list_after(const char *cursor)
{
	struct got g = { 0 };
	lane_list(lane, slice_of(cursor), on_page, &g);
	pump(loop, called, &g);
	assert_int_equal(g.calls, 1);
	return g;
}

static struct got probe_id(const char *id)
{
	struct got g = { 0 };
	lane_probe(lane, slice_of(id), on_probe, &g);
	pump(loop, called, &g);
	assert_int_equal(g.calls, 1);
	return g;
}

static struct secret *key_of(const char *text)
{
	char dir[256], path[300];
	struct secret *k;
	struct err e = { 0 };
	unit_mkdir(dir);
	snprintf(path, sizeof path, "%s/key", dir);
	unit_write(path, text, strlen(text), 0600);
	assert_int_equal(secret_load(&k, path, "credential of lane kimi", &e), RC_OK);
	unlink(path);
	rmdir(dir);
	return k;
}

static void a_delete_is_one_request_with_the_credential(void **state)
{
	static const struct cfg_header extra[] = { { "OpenAI-Project", "p-1" }, { "X-Who", "a b" } };
	struct secret *key = key_of("sk-canary-1\n");
	(void)state;
	cfg.headers = extra;
	cfg.n_headers = 2;
	make(key, HTTP_ALL);
	answer(200, "{\"id\":\"f-1\",\"deleted\":true}");
	struct got g = delete_id("f-1");
	assert_int_equal(g.a.kind, LANE_DELETED);
	assert_string_equal(g.a.request_id, "req-7");
	assert_int_equal(requests, 1);
	assert_int_equal(lane_requests_sent(lane), 1);
	assert_int_equal(strncmp(buf_z(&heads), "DELETE /v1/files/f-1 HTTP/1.1\r\n", 31), 0);
	assert_non_null(strstr(buf_z(&heads), "\r\nAuthorization: Bearer sk-canary-1\r\n"));
	assert_non_null(strstr(buf_z(&heads), "\r\nOpenAI-Project: p-1\r\n"));
	assert_non_null(strstr(buf_z(&heads), "\r\nX-Who: a b\r\n"));
	lane_free(lane);
	lane = NULL;
	secret_free(key);
}

static void an_id_is_one_path_segment_whatever_it_holds(void **state)
{
	(void)state;
	make(NULL, HTTP_ALL);
	answer(200, "{\"id\":\"../a b?c#d%2e\",\"deleted\":true}");
	assert_int_equal(delete_id("../a b?c#d%2e").a.kind, LANE_DELETED);
	assert_int_equal(strncmp(buf_z(&heads), "DELETE /v1/files/..%2Fa%20b%3Fc%23d%252e HTTP/1.1\r\n", 50), 0);
	assert_null(strstr(buf_z(&heads), "Authorization"));
}

static void an_id_that_would_be_another_address_is_never_sent(void **state)
{
	static const char *const ids[] = { ".", "..", "" };
	(void)state;
	make(NULL, HTTP_ALL);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct got g = delete_id(ids[i]);
		assert_int_equal(g.a.kind, LANE_ITEM_REFUSED);
		assert_false(g.a.left);
		assert_int_equal(probe_id(ids[i]).probe.presence, LANE_NO_ANSWER);
	}
	assert_int_equal(requests, 0);
}

static void a_page_is_asked_for_with_limit_and_cursor(void **state)
{
	(void)state;
	make(NULL, HTTP_READS);
	answer(200, "{\"data\":[{\"id\":\"f-2\"}],\"has_more\":true}");
	struct got g = list_after("");
	assert_int_equal(g.page.trouble, LANE_FINE);
	assert_int_equal(strncmp(buf_z(&heads), "GET /v1/files?limit=1000 HTTP/1.1\r\n", 35), 0);
	buf_clear(&heads);
	g = list_after("f&1");
	assert_int_equal(strncmp(buf_z(&heads), "GET /v1/files?limit=1000&after=f%261 HTTP/1.1\r\n", 47), 0);
	assert_int_equal(g.page.trouble, LANE_FINE);
	g = list_after("f-2");
	assert_int_equal(g.page.trouble, LANE_GARBLED);
	assert_non_null(strstr(g.page.detail, "repeats"));
}

static void the_store_s_own_page_limit_holds(void **state)
{
	(void)state;
	cfg.page_items = 1000000;
	make(NULL, HTTP_READS);
	answer(200, "{\"data\":[],\"has_more\":false}");
	assert_true(list_after("").page.last);
	assert_int_equal(strncmp(buf_z(&heads), "GET /v1/files?limit=10000 HTTP/1.1\r\n", 36), 0);
}

static char *large_page(int items)
{
	struct buf b = { 0 };
	buf_adds(&b, "{\"data\":[");
	for (int i = 0; i < items; i++)
		buf_addf(&b, "%s{\"id\":\"file-%06d\",\"bytes\":%d,\"created_at\":1700000000,\"filename\":\"%0100d\",\"purpose\":\"p\"}", i ? "," : "", i, i, i);
	buf_adds(&b, "],\"has_more\":false}");
	return buf_take(&b);
}

static void a_large_page_is_read_like_a_small_one(void **state)
{
	(void)state;
	static const int sizes[] = { 3, 4000, 10000 };
	make(NULL, HTTP_READS);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char last[32], *body = large_page(sizes[i]);
		answer(200, body);
		struct got g = list_after("");
		snprintf(last, sizeof last, "file-%06d", sizes[i] - 1);
		assert_int_equal(g.page.trouble, LANE_FINE);
		assert_int_equal(g.page.n, sizes[i]);
		assert_string_equal(g.first, "file-000000");
		assert_string_equal(g.last, last);
		assert_true(g.page.last);
		free(body);
	}
}

static void a_large_page_that_is_broken_is_trouble_too(void **state)
{
	(void)state;
	char *body = large_page(9000);
	body[strlen(body) - 30] = '\0';
	make(NULL, HTTP_READS);
	answer(200, body);
	struct got g = list_after("");
	assert_int_equal(g.page.trouble, LANE_GARBLED);
	assert_int_equal(g.page.n, 0);
	free(body);
}

static void a_probe_tells_present_absent_and_no_answer(void **state)
{
	static const struct { int status; const char *body; enum lane_presence want; enum lane_trouble trouble; } t[] = {
		{ 200, "{\"id\":\"f-1\",\"bytes\":7}", LANE_PRESENT, LANE_FINE }, { 200, "{\"id\":\"f-2\"}", LANE_NO_ANSWER, LANE_GARBLED },
		{ 200, "{\"id\":", LANE_NO_ANSWER, LANE_GARBLED }, { 404, "{\"error\":{}}", LANE_ABSENT, LANE_FINE },
		{ 404, "nginx", LANE_NO_ANSWER, LANE_REJECTED }, { 401, "", LANE_NO_ANSWER, LANE_AUTH }, { 500, "", LANE_NO_ANSWER, LANE_SERVER },
		{ 429, "{\"error\":{\"message\":\"try again in 2s\"}}", LANE_NO_ANSWER, LANE_PACED },
	};
	(void)state;
	make(NULL, HTTP_READS);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		answer(t[i].status, t[i].body);
		struct got g = probe_id("f-1");
		if (g.probe.presence != t[i].want || g.probe.trouble != t[i].trouble)
			fail_msg("%d %s", t[i].status, t[i].body);
		assert_int_equal(g.probe.wait_ms, t[i].trouble == LANE_PACED ? 2000 : -1);
	}
}

static void what_the_mode_forbids_never_leaves(void **state)
{
	(void)state;
	make(NULL, HTTP_READS);
	struct got g = delete_id("f-1");
	assert_int_equal(g.a.kind, LANE_NOT_SENT);
	assert_int_equal(g.a.trouble, LANE_NOT_PERMITTED);
	lane_permit(lane, HTTP_REHEARSE);
	g = delete_id("f-1");
	assert_int_equal(g.a.kind, LANE_NOT_SENT);
	assert_int_equal(g.a.trouble, LANE_NOT_PERMITTED);
	assert_non_null(strstr(g.a.detail, "rehearsed"));
	assert_false(g.a.left);
	assert_int_equal(requests, 0);
	assert_int_equal(lane_requests_sent(lane), 0);
}

static void a_timeout_after_it_left_is_unclear(void **state)
{
	(void)state;
	cfg.timeout_ms = 100;
	silent = true;
	make(NULL, HTTP_ALL);
	struct got g = delete_id("f-1");
	assert_int_equal(g.a.kind, LANE_UNCLEAR);
	assert_int_equal(g.a.class_, RETRY_TIMEOUT);
	assert_true(g.a.left);
}

static void freeing_answers_what_is_on_its_way(void **state)
{
	struct got g[3] = { { 0 } };
	(void)state;
	silent = true;
	make(NULL, HTTP_ALL);
	lane_delete(lane, SLICE_LIT("f-1"), on_answer, &g[0]);
	lane_list(lane, SLICE_LIT(""), on_page, &g[1]);
	lane_probe(lane, SLICE_LIT("f-1"), on_probe, &g[2]);
	pump(loop, asked, NULL);
	lane_free(lane);
	lane = NULL;
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].calls, 1);
	assert_int_not_equal(g[0].a.kind, LANE_DELETED);
	assert_false(g[1].page.last);
	assert_int_equal(g[2].probe.presence, LANE_NO_ANSWER);
}

static void a_list_without_pages_is_one_request_without_parameters(void **state)
{
	(void)state;
	cfg.dialect = "kimi";
	cfg.quota_items = -1;
	make(NULL, HTTP_READS);
	answer(200, "{\"object\":\"list\",\"data\":[{\"id\":\"f-2\"}]}");
	struct got g = list_after("");
	assert_int_equal(g.page.trouble, LANE_FINE);
	assert_true(g.page.last);
	assert_int_equal(strncmp(buf_z(&heads), "GET /v1/files HTTP/1.1\r\n", 24), 0);
}

static void glm(const char *const *purposes, size_t n)
{
	cfg.dialect = "glm";
	cfg.purposes = purposes;
	cfg.n_purposes = n;
	make(NULL, HTTP_ALL);
}

static void assert_sent(const char *line)
{
	if (strncmp(buf_z(&heads), line, strlen(line)) != 0)
		fail_msg("not %s but %.*s", line, (int)strcspn(buf_z(&heads), "\r"), buf_z(&heads));
	buf_clear(&heads);
}

static void a_list_by_purpose_asks_for_each_and_ends_after_the_last(void **state)
{
	struct buf cursor = { 0 };
	(void)state;
	glm(NULL, 0);
	static const struct { const char *sent, *body, *next; } steps[] = {
		{ "GET /v1/files?limit=100&purpose=batch HTTP/1.1\r\n",
		  "{\"data\":[{\"id\":\"b\",\"purpose\":\"batch\"},{\"id\":\"a:1\",\"purpose\":\"batch\"}],\"has_more\":true}", "0:a:1" },
		{ "GET /v1/files?limit=100&purpose=batch&after=a%3A1 HTTP/1.1\r\n", "{\"data\":[],\"has_more\":false}", "1:" },
		{ "GET /v1/files?limit=100&purpose=code-interpreter HTTP/1.1\r\n", "{\"data\":[],\"has_more\":false}", "2:" },
		{ "GET /v1/files?limit=100&purpose=agent HTTP/1.1\r\n", "{\"data\":[{\"id\":\"c\",\"purpose\":\"agent\"}],\"has_more\":false}", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		answer(200, steps[i].body);
		struct got g = list_after(buf_z(&cursor));
		assert_sent(steps[i].sent);
		assert_int_equal(g.page.trouble, LANE_FINE);
		assert_int_equal(g.page.last, !steps[i].next);
		if (steps[i].next)
			assert_string_equal(g.cursor, steps[i].next);
		buf_clear(&cursor);
		buf_adds(&cursor, g.cursor);
	}
	buf_done(&cursor);
}

static void a_cursor_that_no_page_gave_is_never_sent(void **state)
{
	static const char *const cursors[] = { "x", "3:", ":", "99999999999999999999:", "-1:a", "1" };
	(void)state;
	glm(NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(cursors); i++)
		assert_int_equal(list_after(cursors[i]).page.trouble, LANE_REJECTED);
	assert_int_equal(requests, 0);
}

static void what_is_listed_by_purpose_is_part_of_the_identity(void **state)
{
	static const char *const mine[] = { "batch", "voice" };
	struct buf b = { 0 };
	(void)state;
	glm(mine, 2);
	lane_identity(lane, &b);
	assert_non_null(strstr(buf_z(&b), " purposes=batch,voice"));
	buf_done(&b);
}

static bool all_called(void *ctx)
{
	const struct got *g = ctx;
	return g[0].calls && g[1].calls && g[2].calls;
}

/* No GET of one item: one list of every purpose answers all who asked before it. */
static void without_a_get_one_complete_list_answers_every_probe(void **state)
{
	static const char *const one[] = { "batch" };
	struct got g[3] = { { 0 } };
	(void)state;
	glm(one, 1);
	assert_false(lane_can_get(lane));
	answer(200, "{\"data\":[{\"id\":\"f-1\",\"purpose\":\"batch\",\"bytes\":7}],\"has_more\":false}");
	lane_probe(lane, SLICE_LIT("f-1"), on_probe, &g[0]);
	lane_probe(lane, SLICE_LIT("f-2"), on_probe, &g[1]);
	lane_probe(lane, SLICE_LIT("f-1"), on_probe, &g[2]);
	assert_int_equal(g[0].calls + g[1].calls + g[2].calls, 0);
	pump(loop, all_called, g);
	assert_int_equal(requests, 1);
	assert_int_equal(g[0].probe.presence, LANE_PRESENT);
	assert_int_equal(g[0].probe.item.bytes, 7);
	assert_int_equal(g[1].probe.presence, LANE_ABSENT);
	assert_int_equal(g[2].probe.presence, LANE_PRESENT);
}

static void a_list_that_is_not_complete_proves_no_absence(void **state)
{
	static const struct { int status; const char *body; enum lane_trouble trouble; } t[] = {
		{ 200, "{\"data\":[{\"id\":\"f-2\",\"purpose\":\"batch\"}]}", LANE_GARBLED },
		{ 200, "{\"data\":[],\"has_more\":true}", LANE_GARBLED }, { 200, "{", LANE_GARBLED },
		{ 500, "", LANE_SERVER }, { 429, "{\"error\":{\"code\":1113}}", LANE_BILLING }, { 404, "{}", LANE_UNSUPPORTED },
	};
	static const char *const one[] = { "batch" };
	(void)state;
	glm(one, 1);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		answer(t[i].status, t[i].body);
		struct got g = probe_id("f-1");
		if (g.probe.presence != LANE_NO_ANSWER || g.probe.trouble != t[i].trouble || !g.probe.detail[0])
			fail_msg("%s: %s %s", t[i].body, lane_trouble_name(g.probe.trouble), g.probe.detail);
	}
}

static void freeing_answers_probes_that_wait_for_a_list(void **state)
{
	struct got g[3] = { { 0 } };
	(void)state;
	silent = true;
	glm(NULL, 0);
	lane_probe(lane, SLICE_LIT("f-1"), on_probe, &g[0]);
	pump(loop, asked, NULL);
	lane_probe(lane, SLICE_LIT("f-2"), on_probe, &g[1]);
	lane_free(lane);
	lane = NULL;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(g[i].calls, 1);
		assert_int_equal(g[i].probe.presence, LANE_NO_ANSWER);
	}
}

static void an_unknown_dialect_is_refused_by_name(void **state)
{
	struct err e = { 0 };
	(void)state;
	cfg.dialect = "gemini";
	assert_int_equal(lane_new(&lane, loop, &cfg, NULL, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "lane kimi: dialect gemini is not in this version; it has: openai, kimi, glm"));
	lane = NULL;
}

static void the_identity_names_the_target_and_never_the_credential(void **state)
{
	struct secret *key = key_of("sk-canary-2");
	struct buf id = { 0 };
	(void)state;
	make(key, HTTP_READS);
	lane_identity(lane, &id);
	assert_non_null(strstr(buf_z(&id), url));
	assert_non_null(strstr(buf_z(&id), "account=team"));
	assert_null(strstr(buf_z(&id), "canary"));
	buf_done(&id);
	lane_free(lane);
	lane = NULL;
	secret_free(key);
}

/* ---- content ---- */

struct taken {
	struct got g;                   /* first: pump asks it */
	struct lane_content a;
	struct buf bytes;
	struct lane_stream *s;
	int refusals;                   /* parts that are not taken at once */
	struct loop_timer *later;
};

static void go_on(void *ctx)
{
	struct taken *t = ctx;
	lane_content_go_on(lane, t->s);
}

static bool on_part(void *ctx, struct slice part)
{
	struct taken *t = ctx;
	if (t->refusals-- > 0) {
		loop_timer_start(t->later, 1, 0);
		return false;
	}
	buf_add(&t->bytes, part.p, part.n);
	return true;
}

static void on_content(void *ctx, const struct lane_content *a)
{
	struct taken *t = ctx;
	t->a = *a;
	t->g.calls++;
}

static void take(struct taken *t, int64_t at_most, int refusals)
{
	*t = (struct taken){ .refusals = refusals };
	t->later = loop_timer_new(loop, go_on, t);
	t->s = lane_content(lane, slice_of("file-1"), at_most, on_part, on_content, t);
	assert_int_equal(t->g.calls, 0);
	pump(loop, called, &t->g);
	assert_int_equal(t->g.calls, 1);
	loop_timer_free(t->later);
}

static void content_comes_part_by_part_and_waits_when_it_is_told_to(void **state)
{
	enum { MUCH = 3 << 20 };
	struct taken t;
	char *much = xcalloc(1, MUCH + 1);
	(void)state;
	for (int i = 0; i < MUCH; i++)
		much[i] = (char)('a' + i % 26);
	make(NULL, HTTP_READS);
	answer(200, much);
	take(&t, MUCH, 7);
	assert_int_equal(t.a.trouble, LANE_FINE);
	assert_true(t.refusals < 0);
	assert_int_equal(t.bytes.n, MUCH);
	assert_memory_equal(t.bytes.p, much, MUCH);
	assert_non_null(strstr(buf_z(&heads), "GET /v1/files/file-1/content "));
	buf_done(&t.bytes);
	free(much);
}

static void content_that_is_refused_missing_or_too_long_is_no_content(void **state)
{
	static const struct { int status; const char *body; enum lane_trouble trouble; bool item, missing; } CASES[] = {
		{ 400, "{\"error\":{\"message\":\"Not allowed to download files of purpose: user_data\"}}", LANE_REJECTED, true, false },
		{ 404, "{\"error\":{\"message\":\"No such File object\",\"type\":\"invalid_request_error\"}}", LANE_REJECTED, true, true },
		{ 401, "{\"error\":{\"code\":\"invalid_api_key\"}}", LANE_AUTH, false, false },
		{ 429, "{\"error\":{\"code\":\"insufficient_quota\"}}", LANE_BILLING, false, false },
		{ 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LANE_PACED, false, false },
		{ 500, "{}", LANE_SERVER, false, false }, { 206, "12345", LANE_GARBLED, false, false }, { 200, "123456", LANE_GARBLED, true, false } };
	(void)state;
	make(NULL, HTTP_READS);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct taken t;
		answer(CASES[i].status, CASES[i].body);
		take(&t, 5, 0);
		assert_int_equal(t.a.trouble, CASES[i].trouble);
		assert_int_equal(t.a.about_item, CASES[i].item);
		assert_int_equal(t.a.missing, CASES[i].missing);
		assert_true(t.a.detail[0]);
		buf_done(&t.bytes);
	}
}

static void content_that_ends_early_was_cut(void **state)
{
	struct taken t;
	(void)state;
	make(NULL, HTTP_READS);
	buf_clear(&reply);
	buf_adds(&reply, "HTTP/1.1 200 X\r\nContent-Length: 9\r\nConnection: close\r\n\r\n12345");
	cut_after_reply = true;
	take(&t, 9, 0);
	assert_int_equal(t.a.trouble, LANE_CUT);
	buf_done(&t.bytes);
}

static void content_is_not_asked_for_where_none_is_given(void **state)
{
	(void)state;
	make(NULL, HTTP_READS);
	assert_null(lane_content_never(lane, slice_of("user_data")));   /* the store itself says no */
	lane_free(lane);
	cfg.dialect = "kimi";
	make(NULL, HTTP_READS);
	assert_non_null(strstr(lane_content_never(lane, slice_of("file-extract")), "not the file"));
	lane_free(lane);
	cfg.dialect = "glm";
	make(NULL, HTTP_READS);
	assert_null(lane_content_never(lane, slice_of("batch")));
	assert_non_null(strstr(lane_content_never(lane, slice_of("agent")), "batch"));
}

/* ---- uploads ---- */

struct made {
	struct got g;                   /* first: pump asks it */
	char id[40];
};

static void on_uploaded(void *ctx, const struct lane_answer *a, struct slice id)
{
	struct made *m = ctx;
	m->g.a = *a;
	snprintf(m->id, sizeof m->id, "%.*s", SLICE_FMT(id));
	m->g.calls++;
}

static struct made upload(const char *name, int fd, int64_t bytes)
{
	struct made m = { 0 };
	buf_clear(&heads);
	const struct lane_file f = { .name = slice_of(name), .purpose = SLICE_LIT("batch"), .fd = fd, .bytes = bytes };
	lane_upload(lane, &f, on_uploaded, &m);
	assert_int_equal(m.g.calls, 0);
	pump(loop, called, &m.g);
	assert_int_equal(m.g.calls, 1);
	return m;
}

static int file_of(const char *bytes, size_t n)
{
	char path[] = "/tmp/test-lane-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	return fd;
}

static void an_upload_is_one_form_with_the_bytes_of_the_file(void **state)
{
	enum { MUCH = 3 << 20 };
	char *much = xcalloc(1, MUCH + 1);
	(void)state;
	for (int i = 0; i < MUCH; i++)
		much[i] = (char)('a' + i % 26);
	int fd = file_of(much, MUCH);
	make(NULL, HTTP_ALL);
	answer(200, "{\"id\":\"file-new\",\"bytes\":3145728,\"object\":\"file\"}");
	struct made m = upload("a \"b\"\r\n.jsonl", fd, MUCH);
	assert_string_equal(m.id, "file-new");
	assert_int_equal(requests, 1);
	assert_non_null(strstr(buf_z(&heads), "POST /v1/files HTTP/1.1"));
	assert_non_null(strstr(buf_z(&heads), "name=\"purpose\"\r\n\r\nbatch\r\n--sluice-"));
	assert_non_null(strstr(buf_z(&heads), "name=\"file\"; filename=\"a %22b%22%0D%0A.jsonl\"\r\n"));
	const char *at = memmem(heads.p, heads.n, "octet-stream\r\n\r\n", 16);
	assert_non_null(at);
	assert_memory_equal(at + 16, much, MUCH);
	assert_memory_equal(at + 16 + MUCH, "\r\n--sluice-", 11);
	close(fd);
	free(much);
}

static void what_an_upload_came_to_is_told_by_the_table_of_deletes(void **state)
{
	static const struct { int status; const char *body; enum lane_delete_kind kind; enum retry_class class_; } CASES[] = {
		{ 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LANE_PACE, RETRY_RATE_LIMIT },
		{ 429, "{\"error\":{\"code\":\"insufficient_quota\"}}", LANE_LANE_REFUSED, RETRY_BILLING },
		{ 401, "{\"error\":{\"code\":\"invalid_api_key\"}}", LANE_LANE_REFUSED, RETRY_AUTH },
		{ 400, "{\"error\":{\"message\":\"Invalid value for 'purpose'.\"}}", LANE_ITEM_REFUSED, RETRY_REJECTED },
		{ 500, "{}", LANE_UNCLEAR, RETRY_SERVER_ERROR }, { 200, "{}", LANE_UNCLEAR, RETRY_CONFLICTING },
		{ 200, "{\"id\":\"f\",\"bytes\":4}", LANE_UNCLEAR, RETRY_CONFLICTING } };
	int fd = file_of("12345", 5);
	(void)state;
	make(NULL, HTTP_ALL);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		answer(CASES[i].status, CASES[i].body);
		struct made m = upload("a", fd, 5);
		assert_string_equal(m.id, "");
		assert_int_equal(m.g.a.kind, CASES[i].kind);
		assert_int_equal(m.g.a.class_, CASES[i].class_);
		assert_true(m.g.a.detail[0]);
	}
	requests = 0;
	struct made m = upload("a", fd, 9);     /* the file is shorter than it was */
	assert_string_equal(m.id, "");
	assert_int_equal(m.g.a.kind, LANE_UNCLEAR);
	lane_permit(lane, HTTP_READS);
	m = upload("a", fd, 5);
	assert_int_equal(m.g.a.kind, LANE_NOT_SENT);
	assert_int_equal(requests, 0);
	close(fd);
}

static void an_upload_is_not_asked_for_where_none_is_taken(void **state)
{
	(void)state;
	make(NULL, HTTP_READS);
	assert_null(lane_upload_never(lane, slice_of("user_data")));
	assert_non_null(lane_upload_never(lane, slice_of("batch_output")));
	assert_non_null(lane_upload_never(lane, slice_of("")));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(a_delete_is_one_request_with_the_credential),
	T(an_id_is_one_path_segment_whatever_it_holds),
	T(an_id_that_would_be_another_address_is_never_sent),
	T(a_page_is_asked_for_with_limit_and_cursor),
	T(the_store_s_own_page_limit_holds),
	T(a_large_page_is_read_like_a_small_one),
	T(a_large_page_that_is_broken_is_trouble_too),
	T(a_probe_tells_present_absent_and_no_answer),
	T(what_the_mode_forbids_never_leaves),
	T(a_timeout_after_it_left_is_unclear),
	T(freeing_answers_what_is_on_its_way),
	T(a_list_without_pages_is_one_request_without_parameters),
	T(a_list_by_purpose_asks_for_each_and_ends_after_the_last),
	T(a_cursor_that_no_page_gave_is_never_sent),
	T(what_is_listed_by_purpose_is_part_of_the_identity),
	T(without_a_get_one_complete_list_answers_every_probe),
	T(a_list_that_is_not_complete_proves_no_absence),
	T(freeing_answers_probes_that_wait_for_a_list),
	T(content_comes_part_by_part_and_waits_when_it_is_told_to),
	T(content_that_is_refused_missing_or_too_long_is_no_content),
	T(content_that_ends_early_was_cut),
	T(content_is_not_asked_for_where_none_is_given),
	T(an_upload_is_one_form_with_the_bytes_of_the_file),
	T(what_an_upload_came_to_is_told_by_the_table_of_deletes),
	T(an_upload_is_not_asked_for_where_none_is_taken),
	T(an_unknown_dialect_is_refused_by_name),
	T(the_identity_names_the_target_and_never_the_credential),
};

UNIT_MAIN("lane", tests)
