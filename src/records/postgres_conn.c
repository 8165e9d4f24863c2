#include "records/postgres_conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { CONNECT_MS = 10000, GRACE_MS = 5000, IDLE_MS = 60000 };

struct pg_conn {
	const struct cfg_records *cfg;
	struct loop *loop;
	struct asker *asker;
	PGconn *c;
	/* of the question that runs; loop thread */
	struct loop_poll *poll;
	struct loop_timer *timer;
	PGresult *result;
	bool lost;                      /* the connection is of no use any more */
	bool late;
};

/* ---- errors ---- */

/* While connecting libpq gives words only. */
static const char *advice_by_words(const char *words)
{
	return strstr(words, "password") ? "; check user and key_file" : strstr(words, "certificate") ? "; check ca_file" : "";
}

static const char *advice(const char *state)
{
	static const struct {
		const char *state, *text;
	} rows[] = {
		{ "55P03", "; the application holds it longer than busy_timeout: try again, or raise that" },
		{ "57014", "; it took longer than statement_timeout" },
		{ "42501", "; grant the role what it needs; a role that reads must see every row (BYPASSRLS)" },
		{ "42P01", "; check schema, table and references of these records" },
		{ "42703", "; check the columns of these records" },
		{ "25006", "; this session may only read" },
		{ "28", "; check user and key_file" },
		{ "3D", "; check the database in url" },
		{ "40", "; another transaction was in the way: try again" },
		{ "23", "; the table's own rules refuse the value" },
		{ "22", "; the column cannot hold the value" },
		{ "53", "; the server is out of something" },
	};
	for (size_t i = 0; state && i < ARRAY_LEN(rows); i++)
		if (strncmp(state, rows[i].state, strlen(rows[i].state)) == 0)
			return rows[i].text;
	return "";
}

static enum rc fail(const struct pg_conn *c, const char *doing, const char *words, const char *state, struct err *e)
{
	char said[160];
	size_t n = strlen(words);
	while (n && words[n - 1] == '\n')
		n--;
	return err_set(e, RC_IO, "records %s: cannot %s %s: %s%s", c->cfg->name, doing, c->cfg->url,
		       text_z(said, sizeof said, (struct slice){ words, n }), state ? advice(state) : advice_by_words(words));
}

static enum rc lost(struct pg_conn *c, const char *doing, bool asked, struct err *e)
{
	c->lost = true;
	if (!asked)
		return err_set(e, RC_CANCELLED, "records %s: the engine stops: the answer was not waited for", c->cfg->name);
	if (c->late)
		return err_set(e, RC_IO, "records %s: cannot %s %s: no answer within statement_timeout", c->cfg->name, doing, c->cfg->url);
	return fail(c, doing, PQerrorMessage(c->c), NULL, e);
}

/* ---- on the loop ---- */

static void over(struct pg_conn *c)
{
	loop_poll_free(c->poll);
	loop_timer_free(c->timer);
	c->poll = NULL;
	c->timer = NULL;
	asker_answer(c->asker);
}

static void on_timer(void *ctx)
{
	struct pg_conn *c = ctx;
	c->late = c->lost = true;
	over(c);
}

static void cancel(void *ctx)
{
	struct pg_conn *c = ctx;
	c->lost = true;
	over(c);
}

static void begin_wait(struct pg_conn *c, int64_t ms)
{
	c->timer = loop_timer_new(c->loop, on_timer, c);
	loop_timer_start(c->timer, ms, 0);
}

static bool watch(struct pg_conn *c, void (*fn)(void *ctx), bool write)
{
	struct err e;
	if (loop_poll_new(&c->poll, c->loop, PQsocket(c->c), fn, c, &e) != RC_OK)
		return false;
	loop_poll_want(c->poll, !write, write);
	return true;
}

/* libpq may close its socket and open another in each step, so each step has a watcher of its own. */
static void on_connecting(void *ctx)
{
	struct pg_conn *c = ctx;
	loop_poll_free(c->poll);
	c->poll = NULL;
	PostgresPollingStatusType s = PQconnectPoll(c->c);
	if (s == PGRES_POLLING_OK || s == PGRES_POLLING_FAILED || !watch(c, on_connecting, s == PGRES_POLLING_WRITING)) {
		c->lost = s != PGRES_POLLING_OK;
		over(c);
	}
}

static void start_connecting(void *ctx)
{
	struct pg_conn *c = ctx;
	begin_wait(c, CONNECT_MS);
	if (!watch(c, on_connecting, true)) {
		c->lost = true;
		over(c);
	}
}

/* True = the last result is there, or the connection is not. */
static bool take_results(struct pg_conn *c)
{
	while (!PQisBusy(c->c)) {
		PGresult *r = PQgetResult(c->c);
		if (!r)
			return true;
		if (c->result && PQresultStatus(c->result) == PGRES_FATAL_ERROR) {
			PQclear(r);     /* the first error says why */
			continue;
		}
		PQclear(c->result);
		c->result = r;
	}
	return PQstatus(c->c) == CONNECTION_BAD;
}

static void on_ready(void *ctx)
{
	struct pg_conn *c = ctx;
	bool ok = PQconsumeInput(c->c) == 1;
	int unsent = ok ? PQflush(c->c) : -1;
	bool all = take_results(c);
	if (all || unsent < 0) {
		c->lost = PQstatus(c->c) == CONNECTION_BAD || unsent < 0;
		over(c);
		return;
	}
	loop_poll_want(c->poll, true, unsent > 0);
}

static void start_query(void *ctx)
{
	struct pg_conn *c = ctx;
	begin_wait(c, c->cfg->statement_timeout_ms + GRACE_MS);
	if (!watch(c, on_ready, true)) {
		c->lost = true;
		over(c);
	}
}

/* ---- on the call's thread ---- */

bool pg_can_hold(struct slice text)
{
	return !(text.n && memchr(text.p, 0, text.n)) && utf8_valid(text);
}

bool pg_in_transaction(const struct pg_conn *c)
{
	return pg_alive(c) && PQtransactionStatus(c->c) != PQTRANS_IDLE;
}

bool pg_alive(const struct pg_conn *c)
{
	return c && !c->lost && PQstatus(c->c) == CONNECTION_OK;
}

void pg_close(struct pg_conn *c)
{
	if (!c)
		return;
	PQclear(c->result);
	PQfinish(c->c);
	free(c);
}

static enum rc answer(struct pg_conn *c, int sent, PGresult **out, struct err *e)
{
	static const char doing[] = "ask";
	if (!sent)
		return lost(c, doing, true, e);
	bool asked = asker_ask(c->asker, &(struct question){ start_query, cancel, c });
	if (c->lost || !asked) {
		/* A server that ends the session says why before. */
		enum rc rc = lost(c, doing, asked, e);
		PQclear(c->result);
		c->result = NULL;
		return rc;
	}
	PGresult *r = c->result;
	c->result = NULL;
	ExecStatusType s = r ? PQresultStatus(r) : PGRES_FATAL_ERROR;
	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK) {
		const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
		const char *words = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
		fail(c, doing, words ? words : PQerrorMessage(c->c), state, e);
		PQclear(r);
		return RC_IO;
	}
	*out = r;
	return RC_OK;
}

enum rc pg_query(struct pg_conn *c, const char *sql, const char *const *values, int n, PGresult **out, struct err *e)
{
	*out = NULL;
	if (c->lost)
		return lost(c, "ask", true, e);
	return answer(c, n ? PQsendQueryParams(c->c, sql, n, NULL, values, NULL, NULL, 0) : PQsendQuery(c->c, sql), out, e);
}

static const char statement[] = "sluice_change";

enum rc pg_prepare(struct pg_conn *c, const char *sql, struct err *e)
{
	PGresult *r = NULL;
	enum rc rc = c->lost ? lost(c, "ask", true, e) : answer(c, PQsendPrepare(c->c, statement, sql, 0, NULL), &r, e);
	PQclear(r);
	return rc;
}

enum rc pg_run(struct pg_conn *c, const char *const *values, int n, PGresult **out, struct err *e)
{
	*out = NULL;
	if (c->lost)
		return lost(c, "ask", true, e);
	return answer(c, PQsendQueryPrepared(c->c, statement, n, values, NULL, NULL, 0), out, e);
}

/* ---- opening ---- */

struct where {
	char host[256], port[8], database[256];
};

/* postgresql://host[:port]/database, as the configuration made it */
static void split_url(const char *url, struct where *w)
{
	const char *host = strstr(url, "://") + 3, *slash = strchr(host, '/');
	const char *end = *host == '[' ? strchr(host, ']') : host + strcspn(host, ":/");
	*w = (struct where){ .port = "5432" };
	if (*host == '[')
		host++;
	snprintf(w->host, sizeof w->host, "%.*s", (int)(end - host), host);
	end += *end == ']';
	if (*end == ':')
		snprintf(w->port, sizeof w->port, "%.*s", (int)strcspn(end + 1, "/"), end + 1);
	snprintf(w->database, sizeof w->database, "%s", slash ? slash + 1 : "");
}

static const char *system_certificates(void)
{
	static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (access(files[i], R_OK) == 0)
			return files[i];
	return files[0];
}

/* The host's name is looked up here, on the call's thread; the rest happens on the loop. */
static PGconn *start(const struct cfg_records *cfg, const struct secret *key, bool writing)
{
	struct where w;
	struct buf password = { 0 };
	const char *k[16], *v[16];
	int n = 0;
	split_url(cfg->url, &w);
	if (key) {
		struct slice s = secret_use(key);
		buf_add(&password, s.p, s.n);
	}
	/* On this machine, or where it is allowed, encryption is a matter of taste; certificates that are named are checked. */
	bool near = !cfg->ca_file && (cfg->path || cfg_url_loopback(cfg->url) || cfg->cleartext);
	const char *user = writing && cfg->writer ? cfg->writer : cfg->user;
#define PARAM(name, value) (k[n] = (name), v[n++] = (value))
	PARAM("host", cfg->path ? cfg->path : w.host);
	PARAM("port", w.port);
	PARAM("dbname", w.database);
	PARAM("application_name", "sluice");
	PARAM("client_encoding", "UTF8");
	PARAM("gssencmode", "disable");
	PARAM("keepalives_idle", "30");
	PARAM("sslmode", near ? "prefer" : "verify-full");
	PARAM("sslrootcert", cfg->ca_file ? cfg->ca_file : near ? "" : system_certificates());
	if (user)
		PARAM("user", user);
	if (key)
		PARAM("password", buf_z(&password));
#undef PARAM
	k[n] = v[n] = NULL;
	PGconn *c = PQconnectStartParams(k, v, 0);
	secret_wipe(&password);
	buf_done(&password);
	return c;
}

static void be_quiet(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

static enum rc make_session(struct pg_conn *c, bool writing, struct err *e)
{
	char sql[500];
	PGresult *r;
	snprintf(sql, sizeof sql,
		 "SET timezone='UTC'; SET datestyle='ISO'; SET intervalstyle='iso_8601'; SET bytea_output='hex'; SET row_security=off;"
		 "SET standard_conforming_strings=on; SET default_transaction_isolation='read committed'; SET default_transaction_read_only=%s;"
		 "SET statement_timeout=%" PRId64 "; SET lock_timeout=%" PRId64 "; SET idle_in_transaction_session_timeout=%d",
		 writing ? "off" : "on", c->cfg->statement_timeout_ms, MAX(c->cfg->busy_timeout_ms, INT64_C(1)), IDLE_MS);
	enum rc rc = pg_query(c, sql, NULL, 0, &r, e);
	PQclear(r);
	const char *encoding = PQparameterStatus(c->c, "server_encoding");
	if (rc == RC_OK && encoding && strcmp(encoding, "UTF8") != 0 && strcmp(encoding, "SQL_ASCII") != 0)
		rc = err_set(e, RC_USAGE, "records %s: the database's encoding is %.40s; only UTF8 can be compared with what a lane says", c->cfg->name,
			     encoding);
	return rc;
}

enum rc pg_open(struct pg_conn **out, struct loop *l, struct asker *a, const struct cfg_records *cfg, const struct secret *key,
		bool writing, struct err *e)
{
	static const char doing[] = "connect to";
	struct pg_conn *c = *out = xcalloc(1, sizeof *c);
	c->cfg = cfg;
	c->loop = l;
	c->asker = a;
	c->c = start(cfg, key, writing);
	if (!c->c)
		die("out of memory");
	if (PQstatus(c->c) == CONNECTION_BAD)
		return lost(c, doing, true, e);
	PQsetNoticeProcessor(c->c, be_quiet, NULL);
	bool asked = asker_ask(a, &(struct question){ start_connecting, cancel, c });
	if (c->lost || !asked)
		return lost(c, doing, asked, e);
	PQsetnonblocking(c->c, 1);
	return make_session(c, writing, e);
}
