/* yardstick list URL KEY DB         list all files into SQLite by rowid, index once
 * yardstick delete URL KEY DB N     delete every listed file, N in flight, an intent and an outcome row each
 *
 * The barest C that does the same work with the same libraries: curl multi on uv with watchers kept
 * until the socket closes, cJSON, SQLite WAL FULL with one commit per batch. It decides nothing and
 * checks nothing, so it is the limit of the stack. Prints {"name","items","seconds"}. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t curl_timer;
static CURLM *multi;
static struct curl_slist *headers;
static sqlite3 *db;
static const char *base;

static void fail(const char *what) { fprintf(stderr, "yardstick: %s\n", what); exit(1); }

static void sql(const char *q)
{
	char *err = NULL;
	if (sqlite3_exec(db, q, NULL, NULL, &err) != SQLITE_OK)
		fail(err);
}

struct call {
	CURL *easy;
	char *body;
	size_t n, cap;
	long long row;
};

static size_t on_body(char *p, size_t one, size_t n, void *ctx)
{
	struct call *c = ctx;
	n *= one;
	if (c->n + n + 1 > c->cap)
		c->body = realloc(c->body, c->cap = 2 * (c->n + n) + 256);
	memcpy(c->body + c->n, p, n);
	c->n += n;
	c->body[c->n] = 0;
	return n;
}

/* ---- curl on uv ---- */

struct sock { uv_poll_t poll; curl_socket_t fd; int events; };
static struct sock *socks[4096];
static void done_calls(void);

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct sock *s = p->data;
	int run, flags = status < 0 ? CURL_CSELECT_ERR : (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(multi, s->fd, flags, &run);
	done_calls();
}

static int on_socket(CURL *e, curl_socket_t fd, int what, void *u, void *sp)
{
	struct sock *s = socks[fd];
	int want = what == CURL_POLL_REMOVE ? UV_READABLE : (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	(void)e, (void)u, (void)sp;
	if (!s) {
		s = socks[fd] = calloc(1, sizeof *s);
		s->fd = fd;
		uv_poll_init_socket(&loop, &s->poll, fd);
		s->poll.data = s;
	}
	if (s->events != want && what != CURL_POLL_REMOVE)
		uv_poll_start(&s->poll, s->events = want, on_poll);
	return 0;
}

static void on_sock_freed(uv_handle_t *h) { free(h->data); }

static int on_close(void *u, curl_socket_t fd)
{
	(void)u;
	if (socks[fd]) {
		uv_poll_stop(&socks[fd]->poll);
		uv_close((uv_handle_t *)&socks[fd]->poll, on_sock_freed);
		socks[fd] = NULL;
	}
	return close(fd);
}

static void on_timer(uv_timer_t *t)
{
	int run;
	(void)t;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &run);
	done_calls();
}

static int on_curl_timer(CURLM *m, long ms, void *u)
{
	(void)m, (void)u;
	if (ms < 0)
		uv_timer_stop(&curl_timer);
	else
		uv_timer_start(&curl_timer, on_timer, ms ? (uint64_t)ms : 1, 0);
	return 0;
}

static void start(struct call *c, const char *method, const char *url)
{
	c->n = 0;
	if (!c->easy) {
		c->easy = curl_easy_init();
		curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
		curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
		curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
		curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
	}
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	curl_multi_add_handle(multi, c->easy);
}

/* ---- the work ---- */

static void (*on_done)(struct call *c);

static void done_calls(void)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(multi, &left))) {
		struct call *c;
		if (m->data.result != CURLE_OK)
			fail(curl_easy_strerror(m->data.result));
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		curl_multi_remove_handle(multi, c->easy);
		on_done(c);
	}
}

static sqlite3_stmt *put, *next_row, *intent, *outcome;
static long long items;

static void list_page(struct call *c)
{
	char url[512];
	cJSON *j = cJSON_ParseWithLength(c->body, c->n), *it, *data = cJSON_GetObjectItemCaseSensitive(j, "data");
	const char *last = NULL;
	sql("BEGIN");
	cJSON_ArrayForEach(it, data) {
		last = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it, "id"));
		sqlite3_bind_text(put, 1, last, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 2, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it, "filename")), -1, SQLITE_STATIC);
		sqlite3_bind_double(put, 3, cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(it, "bytes")));
		sqlite3_step(put);
		sqlite3_reset(put);
		items++;
	}
	sql("COMMIT");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "has_more"))) {
		snprintf(url, sizeof url, "%s/files?limit=1000&after=%s", base, last);
		start(c, "GET", url);
	}
	cJSON_Delete(j);
}

static int batch;

static void delete_next(struct call *c)
{
	char url[512];
	if (sqlite3_step(next_row) != SQLITE_ROW)
		return;
	c->row = sqlite3_column_int64(next_row, 0);
	snprintf(url, sizeof url, "%s/files/%s", base, (const char *)sqlite3_column_text(next_row, 1));
	sqlite3_bind_int64(intent, 1, c->row);
	sqlite3_step(intent);
	sqlite3_reset(intent);
	start(c, "DELETE", url);
}

static void deleted(struct call *c)
{
	cJSON *j = cJSON_ParseWithLength(c->body, c->n);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "deleted"))) {
		sqlite3_bind_int64(outcome, 1, c->row);
		sqlite3_step(outcome);
		sqlite3_reset(outcome);
		items++;
	}
	cJSON_Delete(j);
	if (++batch % 64 == 0)
		sql("COMMIT; BEGIN");
	delete_next(c);
}

int main(int argc, char **argv)
{
	char auth[300], url[512];
	if (argc < 5)
		fail("usage: yardstick list|delete URL KEY DB [IN_FLIGHT]");
	base = argv[2];
	snprintf(auth, sizeof auth, "Authorization: Bearer %s", argv[3]);
	headers = curl_slist_append(NULL, auth);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &curl_timer);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	sqlite3_open(argv[4], &db);
	sql("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
	uint64_t t0 = uv_hrtime();
	struct call *calls = calloc(1024, sizeof *calls);
	if (!strcmp(argv[1], "list")) {
		sql("CREATE TABLE f (id TEXT, name TEXT, bytes INTEGER)");
		sqlite3_prepare_v2(db, "INSERT INTO f VALUES (?,?,?)", -1, &put, NULL);
		on_done = list_page;
		snprintf(url, sizeof url, "%s/files?limit=1000", base);
		start(&calls[0], "GET", url);
		uv_run(&loop, UV_RUN_DEFAULT);
		sql("CREATE INDEX fi ON f (id)");
	} else {
		int n = argc > 5 ? atoi(argv[5]) : 64;
		sql("CREATE TABLE log (row INTEGER, what INTEGER); BEGIN");
		sqlite3_prepare_v2(db, "SELECT rowid, id FROM f", -1, &next_row, NULL);
		sqlite3_prepare_v2(db, "INSERT INTO log VALUES (?,0)", -1, &intent, NULL);
		sqlite3_prepare_v2(db, "INSERT INTO log VALUES (?,1)", -1, &outcome, NULL);
		on_done = deleted;
		for (int i = 0; i < n; i++)
			delete_next(&calls[i]);
		uv_run(&loop, UV_RUN_DEFAULT);
		sql("COMMIT");
	}
	printf("{\"name\":\"%s\",\"items\":%lld,\"seconds\":%.4f}\n", argv[1], items, (double)(uv_hrtime() - t0) / 1e9);
	return 0;
}
