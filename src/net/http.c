#include "net/http.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/http_easy.h"
#include "net/http_headers.h"
#include "net/http_internal.h"
#include "net/http_sock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_TIMEOUT_MS = 30000,
	DEFAULT_CONNECT_MS = 10000,
	DEFAULT_MAX_BODY = 8 << 20,
	DEFAULT_CONNECTIONS = 64,
	REFUSAL_MAX = 256 << 10                 /* what an answer that is no 2xx may say to who streams */
};

static const char *const ERROR_NAMES[] = {
	[HTTP_OK] = "ok",
	[HTTP_ERR_REFUSED_HERE] = "refused_here",
	[HTTP_ERR_REHEARSED] = "rehearsed",
	[HTTP_ERR_RESOLVE] = "resolve",
	[HTTP_ERR_CONNECT] = "connect",
	[HTTP_ERR_TLS] = "tls",
	[HTTP_ERR_TIMEOUT] = "timeout",
	[HTTP_ERR_CUT] = "cut",
	[HTTP_ERR_TOO_LARGE] = "too_large",
	[HTTP_ERR_PROTOCOL] = "protocol",
	[HTTP_ERR_CANCELLED] = "cancelled",
};

static const struct method {
	const char *name;
	bool reads;
} METHODS[] = {
	{ "GET", true }, { "HEAD", true }, { "DELETE", false }, { "POST", false }, { "PUT", false }, { "PATCH", false },
};

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct http_socks *socks;
	struct loop_timer *soon;        /* answers calls that never reached libcurl */
	struct http_call *running;      /* doubly linked */
	struct http_call *local;        /* answered by us, in order */
	struct http_call **local_tail;
	struct http_easies *easies;
	int in_flight;
	int64_t sent;
	enum http_permit permit;
	bool allow_plain;
	struct http_origin known;
	char *ca_file;
};

struct http_call {
	struct http_client *client;
	struct http_call *next, *prev;
	CURL *easy;                     /* NULL: answered by us */
	bool plain;                     /* http_easy_give */
	struct curl_slist *headers;
	struct buf body;
	size_t max_body, passed;        /* passed: bytes that part took */
	http_part_fn *part;
	struct upload {
		struct buf head, tail;
		int fd;
		int64_t bytes, at;      /* of the file; of the whole */
	} *up;                          /* NULL: the body is copied by libcurl */
	http_done_fn *done;
	void *ctx;
	struct http_headers seen;
	const char *const *keep;
	struct buf kept;
	bool kept_part;
	int64_t start_us;
	int copies;                     /* how often libcurl was about to send the request */
	bool too_large;
	enum http_error verdict;        /* of a call answered by us */
	const char *why;
	char words[CURL_ERROR_SIZE];
};

const char *http_error_name(enum http_error e)
{
	return ERROR_NAMES[e];
}

static const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
		if (name && strcmp(METHODS[i].name, name) == 0)
			return &METHODS[i];
	return NULL;
}

/* What libcurl calls while it works */

static bool streams(const struct http_call *c)
{
	long status = 0;

	if (c->part)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static size_t pass_on(struct http_call *c, struct slice part)
{
	if (part.n > c->max_body - c->passed) {
		c->too_large = true;
		return 0;
	}
	if (!c->part(c->ctx, part))
		return CURL_WRITEFUNC_PAUSE;
	c->passed += part.n;
	return part.n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *c = ctx;

	if (streams(c))
		return pass_on(c, (struct slice){ p, size * n });
	if (size * n > (c->part ? (size_t)REFUSAL_MAX : c->max_body) - c->body.n) {
		c->too_large = true;
		return 0;
	}
	buf_add(&c->body, p, size * n);
	return size * n;
}

/* Its next bytes, from whichever of the three parts has them. */
static size_t on_send(char *p, size_t size, size_t n, void *ctx)
{
	struct upload *u = ((struct http_call *)ctx)->up;
	int64_t head = (int64_t)u->head.n, at = u->at, room = (int64_t)(size * n), got = 0;

	if (at < head) {
		got = MIN(room, head - at);
		memcpy(p, buf_z(&u->head) + at, (size_t)got);
	} else if (at < head + u->bytes) {
		got = (int64_t)pread(u->fd, p, (size_t)MIN(room, head + u->bytes - at), (off_t)(at - head));
		if (got <= 0)
			return CURL_READFUNC_ABORT;     /* the file is shorter than it was */
	} else {
		at -= head + u->bytes;
		got = MIN(room, (int64_t)u->tail.n - at);
		memcpy(p, buf_z(&u->tail) + at, (size_t)got);
	}
	u->at += got;
	return (size_t)got;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *c = ctx;

	http_headers_line(&c->seen, (struct slice){ p, size * n });
	if (c->keep)
		http_headers_keep(&c->kept, &c->kept_part, c->keep, (struct slice){ p, size * n });
	return size * n;
}

/* Runs when a connection stands and the request is about to be written. libcurl writes it again by
 * itself when a reused connection turns out to be dead, whatever the method is: the first copy may
 * have been acted on, so the second never leaves. */
static int on_prereq(void *ctx, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct http_call *c = ctx;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (c->copies++ > 0)
		return CURL_PREREQFUNC_ABORT;
	c->client->sent++;
	return CURL_PREREQFUNC_OK;
}

/* Answers */

static enum http_error classify(const struct http_call *c, CURLcode rc)
{
	bool left = c->copies > 0;

	switch ((int)rc) {
	case CURLE_OK:
		return HTTP_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_ERR_RESOLVE;
	case CURLE_OPERATION_TIMEDOUT:
		return left ? HTTP_ERR_TIMEOUT : HTTP_ERR_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return HTTP_ERR_TLS;
	case CURLE_WRITE_ERROR:
		return c->too_large ? HTTP_ERR_TOO_LARGE : HTTP_ERR_PROTOCOL;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
		return HTTP_ERR_PROTOCOL;
	default:
		return left ? HTTP_ERR_CUT : HTTP_ERR_CONNECT;
	}
}

static const char *words_of(const struct http_call *c, CURLcode rc)
{
	if (c->too_large)
		return "the answer is larger than allowed";
	if (c->copies > 1)
		return "the connection ended before the answer; the request was not repeated";
	return c->words[0] ? c->words : curl_easy_strerror(rc);
}

static void call_free(struct http_call *c)
{
	if (c->up) {
		buf_done(&c->up->head);
		buf_done(&c->up->tail);
		free(c->up);
	}
	curl_slist_free_all(c->headers);
	buf_done(&c->body);
	buf_done(&c->kept);
	free(c);
}

/* The call is out of every list already; done may send, cancel others and read counters. */
static void answer(struct http_call *c, enum http_error error, int status, const char *words)
{
	struct now now = loop_now(c->client->loop);
	uint64_t began = loop_step_began();
	struct http_answer a = {
		.error = error,
		.left = c->copies > 0,
		.status = status,
		.body = error == HTTP_OK ? buf_slice(&c->body) : (struct slice){ "", 0 },
		.date_us = http_headers_date_us(&c->seen),
		.retry_after_ms = http_headers_retry_after_ms(&c->seen, now.wall_us),
		.retry_after_exact = http_headers_exact(&c->seen),
		.quota = http_headers_quota(&c->seen, now.wall_us),
		.ratelimit_reset_ms = http_headers_reset_ms(&c->seen, now.wall_us),
		.kept = buf_slice(&c->kept),
		.kept_part = c->kept_part,
		.took_us = now.boot_us - c->start_us,
	};

	a.range_total = http_headers_range_total(&c->seen);
	text_z(a.request_id, sizeof a.request_id, slice_of(c->seen.request_id));
	if (error != HTTP_OK)
		text_z(a.detail, sizeof a.detail, slice_of(words));
	c->client->in_flight--;
	c->done(c->ctx, &a);
	loop_step_note(c->client->loop, LOOP_STEP(answer), began);
	call_free(c);
}

/* Takes the call away from libcurl and out of the running list; returns the status seen. */
static int detach(struct http_call *c)
{
	struct http_client *cl = c->client;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(cl->multi, c->easy);
	http_easy_give(cl->easies, c->easy, c->plain);
	c->easy = NULL;
	if (c->prev)
		c->prev->next = c->next;
	else
		cl->running = c->next;
	if (c->next)
		c->next->prev = c->prev;
	return (int)status;
}

static void drain(void *ctx)
{
	struct http_client *cl = ctx;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(cl->multi, &left))) {
		CURLcode rc = m->data.result;
		struct http_call *c = NULL;
		int status;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		status = detach(c);
		answer(c, classify(c, rc), status, rc == CURLE_OK ? "" : words_of(c, rc));
	}
}

static void answer_local(void *ctx)
{
	struct http_client *cl = ctx;
	struct http_call *c;

	while ((c = cl->local)) {
		cl->local = c->next;
		if (!cl->local)
			cl->local_tail = &cl->local;
		answer(c, c->verdict, 0, c->why);
	}
}

/* Sending */

/* A line end inside a header would start another one. */
static bool headers_sane(const char *const *h)
{
	for (; h && *h; h++)
		if (strpbrk(*h, "\r\n") || !strchr(*h, ':') || (*h)[0] == ':')
			return false;
	return true;
}

static const char *refusal(struct http_client *cl, const struct http_req *r, enum http_error *verdict)
{
	const struct method *m = method_find(r->method);

	*verdict = HTTP_ERR_REFUSED_HERE;
	if (!m)
		return "not a request method of this client";
	if (!m->reads && cl->permit == HTTP_READS)
		return "this client may only read (GET, HEAD) in the present mode";
	if (!headers_sane(r->headers))
		return "a request header is malformed";
	if (!m->reads && cl->permit == HTTP_REHEARSE) {
		*verdict = HTTP_ERR_REHEARSED;
		return "rehearsal: recorded, not sent";
	}
	return http_url_refusal(r->url, cl->allow_plain, &cl->known);
}

static void add_header(struct http_call *c, const char *line)
{
	struct curl_slist *l = curl_slist_append(c->headers, line);

	if (!l)
		die("http: out of memory");
	c->headers = l;
}

static bool has_header(const char *const *h, const char *name)
{
	size_t n = strlen(name);

	for (; h && *h; h++)
		if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
			return true;
	return false;
}

static void set_headers(struct http_call *c, const struct http_req *r)
{
	for (const char *const *h = r->headers; h && *h; h++)
		add_header(c, *h);
	if (!has_header(r->headers, "Content-Type"))
		add_header(c, "Content-Type:");
	if (!has_header(r->headers, "User-Agent"))
		add_header(c, "User-Agent: sluice");
	add_header(c, "Expect:");
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
}

static void set_method(struct http_call *c, const struct http_req *r)
{
	bool posts = strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0;

	c->plain &= !posts && !r->file && !r->body.n && strcmp(r->method, "HEAD") != 0;
	if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (r->file) {
		struct upload *u = c->up = xcalloc(1, sizeof *u);

		u->fd = r->file->fd;
		u->bytes = r->file->bytes;
		buf_add(&u->head, r->body.p, r->body.n);
		buf_add(&u->tail, r->file->tail.p, r->file->tail.n);
		curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(u->head.n + u->tail.n) + (curl_off_t)u->bytes);
		curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
	} else if (r->body.n || posts) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, r->body.n ? r->body.p : "");
	}
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void start(struct http_call *c, const struct http_req *r)
{
	struct http_client *cl = c->client;

	c->easy = http_easy_take(cl->easies);
	c->plain = !r->part;
	http_easy_call(c->easy, c, c->words);
	curl_easy_setopt(c->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms > 0 ? r->timeout_ms : DEFAULT_TIMEOUT_MS));
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(r->connect_timeout_ms > 0 ? r->connect_timeout_ms : DEFAULT_CONNECT_MS));
	if ((r->part || r->file) && r->idle_ms > 0) {
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)((r->idle_ms + 999) / 1000));
	}
	set_method(c, r);
	set_headers(c, r);
	c->next = cl->running;
	if (c->next)
		c->next->prev = c;
	cl->running = c;
	curl_multi_add_handle(cl->multi, c->easy);
}

struct http_call *http_send(struct http_client *cl, const struct http_req *r, http_done_fn *done, void *ctx)
{
	struct http_call *c = xcalloc(1, sizeof *c);

	c->client = cl;
	c->done = done;
	c->ctx = ctx;
	c->max_body = r->max_body ? r->max_body : DEFAULT_MAX_BODY;
	c->part = r->part;
	c->keep = r->keep;
	c->start_us = loop_now(cl->loop).boot_us;
	cl->in_flight++;
	c->why = refusal(cl, r, &c->verdict);
	if (!c->why) {
		start(c, r);
		return c;
	}
	*cl->local_tail = c;
	cl->local_tail = &c->next;
	loop_timer_start(cl->soon, 0, 0);
	return c;
}

static void cancel_local(struct http_call *c)
{
	struct http_client *cl = c->client;
	struct http_call **p = &cl->local;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	if (!c->next)
		cl->local_tail = p;
	answer(c, HTTP_ERR_CANCELLED, 0, "cancelled");
}

void http_cancel(struct http_call *c)
{
	if (!c->easy)
		cancel_local(c);
	else
		answer(c, HTTP_ERR_CANCELLED, detach(c), "cancelled");
}

void http_go_on(struct http_call *c)
{
	if (c->easy)
		curl_easy_pause(c->easy, CURLPAUSE_CONT);
}

/* Clients */

struct http_client *http_client_new(struct loop *l, const struct http_opts *o)
{
	struct http_client *cl = xcalloc(1, sizeof *cl);
	const struct http_easy_fns fns = { on_body, on_header, on_prereq };
	int max = o && o->max_connections > 0 ? o->max_connections : DEFAULT_CONNECTIONS;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(cl->multi = curl_multi_init()))
		die("http: libcurl cannot start");
	cl->loop = l;
	cl->local_tail = &cl->local;
	cl->permit = HTTP_READS;
	cl->allow_plain = o && o->allow_plain;
	cl->ca_file = o && o->ca_file ? xstrdup(o->ca_file) : NULL;
	cl->soon = loop_timer_new(l, answer_local, cl);
	cl->socks = http_socks_new(l, cl->multi, drain, cl);
	cl->easies = http_easies_new(cl->socks, cl->ca_file, &fns);
	curl_multi_setopt(cl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max);
	curl_multi_setopt(cl->multi, CURLMOPT_MAXCONNECTS, (long)max);
	return cl;
}

void http_client_free(struct http_client *cl)
{
	if (!cl)
		return;
	while (cl->running)
		http_cancel(cl->running);
	while (cl->local)
		http_cancel(cl->local);
	http_easies_free(cl->easies);
	curl_multi_cleanup(cl->multi);
	http_socks_free(cl->socks);
	loop_timer_free(cl->soon);
	free(cl->ca_file);
	free(cl);
	curl_global_cleanup();
}

void http_client_permit(struct http_client *cl, enum http_permit p)
{
	cl->permit = p;
}

int http_in_flight(const struct http_client *cl)
{
	return cl->in_flight;
}

int64_t http_requests_sent(const struct http_client *cl)
{
	return cl->sent;
}
