#include "net/climb.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "net/http_sock.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_MS = 10000, KEY_BYTES = 16, KEY_TEXT = 32, SHA1_BYTES = 20 };

struct try {
	struct climber *climber;
	struct try *next, **prev;
	CURL *easy;
	struct curl_slist *headers;
	char *url, *ca_file;
	bool tls, answered;             /* the head of an answer is whole */
	bool reading_cert;              /* second connection, for a certificate that does not verify */
	int64_t ms, began_us;
	int64_t hello_us;               /* TLS began: TCP stands; 0 = not yet */
	char accept[KEY_TEXT];          /* what the server must answer to our key */
	bool accepted, chose_protocol;
	char words[CURL_ERROR_SIZE];
	struct climb r;
	void (*done)(void *ctx, const struct climb *r);
	void *ctx;
};

struct climber {
	struct loop *loop;
	CURLM *multi;
	struct http_socks *socks;
	struct try *tries;
};

/* ---- the answer to the upgrade ---- */

static struct slice trimmed(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool header_is(struct slice line, const char *name, struct slice *value)
{
	size_t n = strlen(name);

	if (line.n <= n || strncasecmp(line.p, name, n) != 0 || line.p[n] != ':')
		return false;
	*value = trimmed((struct slice){ line.p + n + 1, line.n - n - 1 });
	return true;
}

/* Ends the transfer with the head: nothing that follows is of interest. */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct try *t = ctx;
	struct slice line = { p, size * n }, value;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	t->r.http_status = (int)status;
	if (header_is(line, "Sec-WebSocket-Accept", &value))
		t->accepted = slice_is(value, t->accept);
	if (header_is(line, "Sec-WebSocket-Protocol", &value))
		t->chose_protocol = true;
	if (trimmed(line).n || (status / 100 == 1 && status != 101))
		return size * n;
	t->answered = true;
	return 0;
}

/* libcurl tells of TCP and TLS together; the first bytes of TLS tell when TCP stood. */
static int on_debug(CURL *e, curl_infotype what, char *p, size_t n, void *ctx)
{
	struct try *t = ctx;

	(void)e, (void)p, (void)n;
	if (what == CURLINFO_SSL_DATA_OUT && !t->hello_us)
		t->hello_us = loop_now(t->climber->loop).boot_us;
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	(void)p, (void)size, (void)n, (void)ctx;
	return 0;
}

static enum net_why of_answer(const struct try *t)
{
	if (t->r.http_status != 101)
		return NET_WHY_STATUS;
	return !t->accepted ? NET_WHY_ACCEPT_KEY : t->chose_protocol ? NET_WHY_SUBPROTOCOL : NET_WHY_NONE;
}

/* ---- how far it came ---- */

static void read_rungs(struct try *t)
{
	static const CURLINFO phases[] = { [WS_RESOLVE] = CURLINFO_NAMELOOKUP_TIME_T, [WS_CONNECT] = CURLINFO_CONNECT_TIME_T,
					   [WS_TLS] = CURLINFO_APPCONNECT_TIME_T };
	int64_t before = 0;

	t->r.rung = WS_UPGRADE;
	for (enum ws_rung r = WS_RESOLVE; r < WS_UPGRADE; r++) {
		curl_off_t at = 0;

		if (r == WS_TLS && !t->tls)
			continue;
		curl_easy_getinfo(t->easy, phases[r], &at);
		if (r == WS_CONNECT && t->hello_us)
			at = (curl_off_t)(t->hello_us - t->began_us);
		if (at <= 0) {
			t->r.rung = r;
			return;
		}
		t->r.us[r] = (int64_t)at - before;
		before = (int64_t)at;
	}
	if (t->answered) {
		t->r.us[WS_UPGRADE] = loop_now(t->climber->loop).boot_us - t->began_us - before;
		t->r.rung = WS_RUNGS;
	}
}

static void read_address(struct try *t)
{
	char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip && *ip)
		snprintf(t->r.address, sizeof t->r.address, strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip, port);
}

static void read_cert(struct try *t)
{
	struct curl_certinfo *chain = NULL;

	if (curl_easy_getinfo(t->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs < 1)
		return;
	for (struct curl_slist *s = chain->certinfo[0]; s; s = s->next) {
		struct slice line = slice_of(s->data), value;

		if (header_is(line, "Issuer", &value))
			text_z(t->r.cert.issuer, sizeof t->r.cert.issuer, value);
		else if (header_is(line, "Subject", &value))
			text_z(t->r.cert.subject, sizeof t->r.cert.subject, value);
		else if (header_is(line, "Expire date", &value))
			t->r.cert.expires_us = (int64_t)curl_getdate(value.p, NULL) * 1000000;
	}
}

/* OpenSSL's words for bytes that are no TLS record. */
static bool says_not_tls(const char *words)
{
	static const char *const rows[] = { "wrong version number", "http request", "packet length too long", "unknown protocol" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(words, rows[i]))
			return true;
	return false;
}

static enum net_why of_tls(const struct try *t, CURLcode rc)
{
	long verified = 0;

	if (rc == CURLE_SSL_CACERT_BADFILE)
		return NET_WHY_ADDRESS;
	if (rc != CURLE_PEER_FAILED_VERIFICATION)
		return says_not_tls(t->words) ? NET_WHY_NOT_TLS : NET_WHY_TLS;
	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	return verified ? net_why_x509(verified) : NET_WHY_CERT_HOST;
}

static enum net_why of_code(const struct try *t, CURLcode rc)
{
	long e = 0;

	if (t->answered)
		return of_answer(t);
	switch ((int)rc) {
	case CURLE_URL_MALFORMAT:
		return NET_WHY_ADDRESS;
	case CURLE_COULDNT_RESOLVE_HOST:
		return NET_WHY_RESOLVE;
	case CURLE_OPERATION_TIMEDOUT:
		return NET_WHY_SILENT;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &e);
		return net_why_errno((int)e);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return of_tls(t, rc);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return NET_WHY_NOT_HTTP;
	default:
		return NET_WHY_CUT;
	}
}

/* ---- one try ---- */

static void make_key(struct try *t)
{
	unsigned char raw[KEY_BYTES], digest[SHA1_BYTES];
	char key[KEY_TEXT], whole[96], line[96];

	rng_os(raw, sizeof raw);
	lws_b64_encode_string((const char *)raw, KEY_BYTES, key, KEY_TEXT);
	snprintf(whole, sizeof whole, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	lws_SHA1((const unsigned char *)whole, strlen(whole), digest);
	lws_b64_encode_string((const char *)digest, SHA1_BYTES, t->accept, KEY_TEXT);
	snprintf(line, sizeof line, "Sec-WebSocket-Key: %s", key);
	t->headers = curl_slist_append(t->headers, line);
}

static void make_headers(struct try *t)
{
	static const char *const rows[] = { "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "User-Agent: sluice" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		t->headers = curl_slist_append(t->headers, rows[i]);
	make_key(t);
	if (!t->headers)
		die("climb: out of memory");
}

/* Nothing from the environment, no redirect. */
static void set_options(struct try *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, t->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(e, CURLOPT_DEBUGDATA, t);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->ms);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->words);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	if (t->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, t->ca_file);
	if (t->ca_file)
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	http_socks_use(t->climber->socks, e);
}

static void begin(struct try *t)
{
	t->easy = curl_easy_init();
	if (!t->easy)
		die("climb: out of memory");
	set_options(t);
	if (t->reading_cert) {          /* looked at only: nothing is sent over it */
		curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_multi_add_handle(t->climber->multi, t->easy);
}

static void stop(struct try *t)
{
	curl_multi_remove_handle(t->climber->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

static void try_free(struct try *t)
{
	if (t->easy)
		stop(t);
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	curl_slist_free_all(t->headers);
	free(t->url);
	free(t->ca_file);
	free(t);
}

static bool is_cert(enum net_why w)
{
	return w >= NET_WHY_CERT_EXPIRED && w <= NET_WHY_CERT_OTHER;
}

static void note(struct try *t, CURLcode rc)
{
	read_rungs(t);
	read_address(t);
	t->r.why = of_code(t, rc);
	if (t->r.why && t->r.rung == WS_RUNGS) {
		t->r.rung = WS_UPGRADE;
		t->r.us[WS_UPGRADE] = -1;
	}
	if (!t->answered)
		text_z(t->r.detail, sizeof t->r.detail, slice_of(t->words[0] ? t->words : curl_easy_strerror(rc)));
}

static void ended(struct try *t, CURLcode rc)
{
	void (*done)(void *ctx, const struct climb *r) = t->done;

	if (!t->reading_cert)
		note(t, rc);
	read_cert(t);
	stop(t);
	if (!t->reading_cert && is_cert(t->r.why)) {
		t->reading_cert = true;
		begin(t);
		return;
	}
	t->done = NULL;
	done(t->ctx, &t->r);
	try_free(t);
}

static void drain(void *ctx)
{
	struct climber *c = ctx;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		CURLcode rc = m->data.result;
		struct try *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		ended(t, rc);
	}
}

/* ws becomes http, wss https; anything else stays what it is and is refused by libcurl. */
static char *http_url(const char *url)
{
	struct buf b = { 0 };

	if (strncasecmp(url, "ws", 2) == 0)
		buf_addf(&b, "http%s", url + 2);
	else
		buf_adds(&b, url);
	return buf_take(&b);
}

void climber_start(struct climber *c, const struct climb_ask *ask, void (*done)(void *ctx, const struct climb *r), void *ctx)
{
	struct try *t = xcalloc(1, sizeof *t);

	t->climber = c;
	t->url = http_url(ask->url);
	t->ca_file = ask->ca_file ? xstrdup(ask->ca_file) : NULL;
	t->tls = strncasecmp(ask->url, "wss:", 4) == 0;
	t->ms = ask->timeout_ms > 0 ? ask->timeout_ms : DEFAULT_MS;
	t->began_us = loop_now(c->loop).boot_us;
	t->done = done;
	t->ctx = ctx;
	for (int i = 0; i < WS_RUNGS; i++)
		t->r.us[i] = -1;
	t->next = c->tries;
	if (t->next)
		t->next->prev = &t->next;
	t->prev = &c->tries;
	c->tries = t;
	make_headers(t);
	begin(t);
}

struct climber *climber_new(struct loop *l)
{
	struct climber *c = xcalloc(1, sizeof *c);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->multi = curl_multi_init()))
		die("climb: libcurl cannot start");
	c->loop = l;
	c->socks = http_socks_new(l, c->multi, drain, c);
	return c;
}

void climber_free(struct climber *c)
{
	if (!c)
		return;
	while (c->tries)
		try_free(c->tries);
	curl_multi_cleanup(c->multi);
	http_socks_free(c->socks);
	free(c);
	curl_global_cleanup();
}
