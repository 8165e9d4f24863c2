/* yardstick list URL KEY DB            list all files into SQLite by rowid, index once
 * yardstick delete URL KEY DB FLIGHT   delete every listed file, FLIGHT at once, an intent and an outcome row each
 *
 * The barest C that does the same work with the same libraries: curl multi on uv with watchers kept until
 * the socket closes, cJSON, SQLite WAL FULL with a commit every 64 answers. It decides nothing, checks
 * nothing and sends before its intent is on disk, so it is the limit of the stack.
 * Prints {"items","seconds"}. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct call { CURL *easy; char *body; size_t n, cap; long long row; };
static uv_loop_t loop;
static uv_timer_t curl_timer;
static CURLM *multi;
static sqlite3 *db;
static sqlite3_stmt *put, *next_row, *intent, *outcome;
static struct sock { uv_poll_t poll; int events; } *socks[4096];      /* by descriptor */
static const char *base;
static struct curl_slist *headers;
static void (*on_done)(struct call *c);
static long long items, answers, running;

static void fail(const char *what) { fprintf(stderr, "yardstick: %s\n", what); exit(1); }
static void sql_ok(int rc) { if (rc != SQLITE_OK) fail(sqlite3_errmsg(db)); }
static void sql(const char *q) { sql_ok(sqlite3_exec(db, q, NULL, NULL, NULL)); }
static void prepare(sqlite3_stmt **s, const char *q) { sql_ok(sqlite3_prepare_v2(db, q, -1, s, NULL)); }

static void run_row(sqlite3_stmt *s, long long row)
{
	sqlite3_bind_int64(s, 1, row), sqlite3_step(s);
	sql_ok(sqlite3_reset(s));
}

/* ---- curl on uv ---- */

static size_t on_body(char *p, size_t one, size_t n, void *ctx)
{
	struct call *c = ctx;
	n *= one;
	if (c->n + n > c->cap)
		c->body = realloc(c->body, c->cap = 2 * (c->n + n));
	memcpy(c->body + c->n, p, n);
	return c->n += n, n;
}

static void drive(curl_socket_t fd, int flags)
{
	CURLMsg *m;
	int n;
	curl_multi_socket_action(multi, fd, flags, &n);
	while ((m = curl_multi_info_read(multi, &n))) {
		struct call *c;
		if (m->data.result != CURLE_OK)
			fail(curl_easy_strerror(m->data.result));
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		curl_multi_remove_handle(multi, c->easy);
		on_done(c);
		if (--running == 0)
			uv_stop(&loop);
	}
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	drive((curl_socket_t)(intptr_t)p->data, status < 0 ? CURL_CSELECT_ERR : flags);
}

/* Lazy: a socket is watched until it is closed, however often curl lets go of it. */
static int on_socket(CURL *e, curl_socket_t fd, int what, void *u, void *sp)
{
	struct sock *s = socks[fd];
	int want = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	if ((void)e, (void)u, (void)sp, what == CURL_POLL_REMOVE)
		return 0;
	if (!s) {
		s = socks[fd] = calloc(1, sizeof *s);
		uv_poll_init_socket(&loop, &s->poll, fd);
		s->poll.data = (void *)(intptr_t)fd;
	}
	if (s->events != want)
		uv_poll_start(&s->poll, s->events = want, on_poll);
	return 0;
}

static int on_close(void *u, curl_socket_t fd)
{
	(void)u;
	if (socks[fd])
		uv_close((uv_handle_t *)&socks[fd]->poll, (uv_close_cb)free);
	socks[fd] = NULL;
	return close(fd);
}

static void on_timer(uv_timer_t *t) { (void)t; drive(CURL_SOCKET_TIMEOUT, 0); }
static int on_curl_timer(CURLM *m, long ms, void *u)
{
	return (void)m, (void)u, ms < 0 ? uv_timer_stop(&curl_timer) : uv_timer_start(&curl_timer, on_timer, (uint64_t)ms, 0);
}

static void start(struct call *c, const char *method, const char *query, const char *id)
{
	char url[512];
	snprintf(url, sizeof url, "%s/files%s%s", base, query, id);
	c->n = 0;
	if (!c->easy) {
		c->easy = curl_easy_init();
		curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body), curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
		curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers), curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
		curl_easy_setopt(c->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close), curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
		curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	}
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	curl_multi_add_handle(multi, c->easy), running++;
}

/* ---- the work ---- */

static void listed(struct call *c)
{
	cJSON *j = cJSON_ParseWithLength(c->body, c->n), *it, *data = cJSON_GetObjectItemCaseSensitive(j, "data");
	const char *last = NULL;
	sql("BEGIN");
	cJSON_ArrayForEach(it, data) {
		last = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it, "id"));
		sqlite3_bind_text(put, 2, last, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it, "filename")), -1, SQLITE_STATIC);
		run_row(put, (long long)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(it, "bytes")));
		items++;
	}
	sql("COMMIT");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "has_more")))
		start(c, "GET", "?limit=1000&after=", last);
	cJSON_Delete(j);
}

static void delete_next(struct call *c)
{
	if (!next_row || sqlite3_step(next_row) != SQLITE_ROW)
		return (void)(next_row = NULL);         /* another step would begin again */
	c->row = sqlite3_column_int64(next_row, 0);
	run_row(intent, c->row);
	start(c, "DELETE", "/", (const char *)sqlite3_column_text(next_row, 1));
}

static void deleted(struct call *c)
{
	cJSON *j = cJSON_ParseWithLength(c->body, c->n);
	items += cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "deleted"));
	cJSON_Delete(j);
	run_row(outcome, c->row);
	if (++answers % 64 == 0)
		sql("COMMIT; BEGIN");
	delete_next(c);
}

int main(int argc, char **argv)
{
	static struct call calls[1024];
	char auth[300];
	if (argc < 6)
		fail("usage: yardstick list|delete URL KEY DB FLIGHT");
	base = argv[2];
	snprintf(auth, sizeof auth, "Authorization: Bearer %s", argv[3]);
	headers = curl_slist_append(NULL, auth);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &curl_timer);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	sql_ok(sqlite3_open(argv[4], &db));
	sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	uint64_t t0 = uv_hrtime();
	if (!strcmp(argv[1], "list")) {
		sql("CREATE TABLE f (id TEXT, name TEXT, bytes INTEGER)");
		prepare(&put, "INSERT INTO f VALUES (?2, ?3, ?1)");
		on_done = listed;
		start(calls, "GET", "?limit=1000", "");
		uv_run(&loop, UV_RUN_DEFAULT);
		sql("CREATE INDEX fi ON f (id)");
	} else {
		sql("CREATE TABLE log (row INTEGER, what INTEGER); BEGIN");
		prepare(&next_row, "SELECT rowid, id FROM f");
		prepare(&intent, "INSERT INTO log VALUES (?1, 0)");
		prepare(&outcome, "INSERT INTO log VALUES (?1, 1)");
		on_done = deleted;
		for (int i = 0; i < atoi(argv[5]) && i < 1024; i++)
			delete_next(&calls[i]);
		uv_run(&loop, UV_RUN_DEFAULT);
		sql("COMMIT");
	}
	printf("{\"items\":%lld,\"seconds\":%.4f}\n", items, (double)(uv_hrtime() - t0) / 1e9);
	return 0;
}
