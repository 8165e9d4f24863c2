#include "records/postgrest_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/http.h"
#include "records/ask.h"

enum { MAX_BODY = 32 << 20, MAX_HEADERS = 10 };

struct remote {
	const struct cfg_records *cfg;
	struct asker *asker;
	struct http_client *reader, *writer;
	struct secret *key, *writer_key;
};

/* One request and its answer, copied out of the callback. */
struct exchange {
	struct remote *r;
	const struct rest_request *q;
	struct http_call *call;
	struct http_answer a;
	struct buf body;
};

/* ---- the clients ---- */

static enum rc load_key(struct secret **out, const char *path, const char *who, const struct cfg_records *cfg, struct err *e)
{
	char what[100];
	snprintf(what, sizeof what, "API key of the %s of records %s", who, cfg->name);
	return path ? secret_load(out, path, what, e) : RC_OK;
}

enum rc rest_new(struct remote **out, struct loop *l, const struct cfg_records *cfg, struct err *e)
{
	const struct http_opts o = { .max_connections = 1, .ca_file = cfg->ca_file, .allow_plain = cfg->cleartext || !cfg->key_file };
	struct remote *r = xcalloc(1, sizeof *r);
	r->cfg = cfg;
	r->asker = asker_new(l);
	r->reader = http_client_new(l, &o);
	r->writer = http_client_new(l, &o);
	enum rc rc = load_key(&r->key, cfg->key_file, "reader", cfg, e);
	if (rc == RC_OK)
		rc = load_key(&r->writer_key, cfg->writer_key_file, "writer", cfg, e);
	if (rc == RC_OK)
		*out = r;
	else
		rest_free(r);
	return rc;
}

void rest_stop(struct remote *r)
{
	asker_stop(r->asker);
}

void rest_free(struct remote *r)
{
	http_client_free(r->reader);
	http_client_free(r->writer);
	asker_free(r->asker);
	secret_free(r->key);
	secret_free(r->writer_key);
	free(r);
}

/* ---- on the loop ---- */

static void answered(void *ctx, const struct http_answer *a)
{
	struct exchange *x = ctx;
	x->call = NULL;
	x->a = *a;
	buf_add(&x->body, a->body.p, a->body.n);
	x->a.body = (struct slice){ NULL, 0 };
	asker_answer(x->r->asker);
}

static void send_now(void *ctx)
{
	struct exchange *x = ctx;
	const struct rest_request *q = x->q;
	const struct cfg_records *cfg = x->r->cfg;
	bool reads = strcmp(q->method, "GET") == 0;
	const struct secret *key = !reads && x->r->writer_key ? x->r->writer_key : x->r->key;
	struct buf line[MAX_HEADERS] = { 0 };
	const char *headers[MAX_HEADERS + 1] = { NULL };
	int n = 0;
	buf_addf(&line[n++], "Accept: %s", q->accept ? q->accept : "application/json");
	if (q->prefer)
		buf_addf(&line[n++], "Prefer: %s", q->prefer);
	if (q->body.n)
		buf_adds(&line[n++], "Content-Type: application/json");
	if (strcmp(cfg->schema, "public") != 0)
		buf_addf(&line[n++], "%s-Profile: %s", reads ? "Accept" : "Content", cfg->schema);
	if (key) {
		struct slice s = secret_use(key);
		buf_addf(&line[n++], "apikey: %.*s", SLICE_FMT(s));
		buf_addf(&line[n++], "Authorization: Bearer %.*s", SLICE_FMT(s));
	}
	for (int i = 0; i < n; i++)
		headers[i] = buf_z(&line[i]);
	http_client_permit(x->r->writer, q->writing ? HTTP_ALL : HTTP_READS);
	x->call = http_send(reads ? x->r->reader : x->r->writer,
			    &(struct http_req){ .method = q->method, .url = q->url, .headers = headers, .body = q->body,
						.timeout_ms = cfg->statement_timeout_ms, .max_body = MAX_BODY }, answered, x);
	for (int i = 0; i < n; i++) {
		secret_wipe(&line[i]);
		buf_done(&line[i]);
	}
}

static void cancel(void *ctx)
{
	struct exchange *x = ctx;
	http_cancel(x->call);
}

/* ---- on the call's thread ---- */

static const char *advice(int status, const char *code)
{
	static const struct {
		const char *code, *text;
	} rows[] = {
		{ "PGRST301", "; check key_file" },
		{ "PGRST302", "; check key_file" },
		{ "PGRST303", "; check key_file" },
		{ "PGRST122", "; this server does not know max-affected: PostgREST 12 or later is needed" },
		{ "PGRST124", "; map columns.id to the primary key" },
		{ "PGRST205", "; check schema, table and references of these records" },
		{ "42P01", "; check schema, table and references of these records" },
		{ "42703", "; check the columns of these records" },
		{ "42501", "; the key's role lacks a right; it must see every row" },
		{ "57014", "; it took longer than the server's statement_timeout" },
		{ "55P03", "; the application holds the row: try again" },
		{ "23", "; the table's own rules refuse the value" },
		{ "22", "; the column cannot hold the value" },
	};
	for (size_t i = 0; *code && i < ARRAY_LEN(rows); i++)
		if (strncmp(code, rows[i].code, strlen(rows[i].code)) == 0)
			return rows[i].text;
	return status == 401 || status == 403 ? "; check key_file" : status == 404 ? "; check url, schema and table" : "";
}

static const char *doing(const struct rest_request *q)
{
	return strcmp(q->method, "GET") == 0 ? "read" : "write";
}

static enum rc no_answer(const struct exchange *x, bool asked, struct err *e)
{
	const char *name = x->r->cfg->name;
	if (!asked)
		return err_set(e, RC_CANCELLED, "records %s: the engine stops: the answer was not waited for", name);
	if (x->a.error == HTTP_ERR_TIMEOUT)
		return err_set(e, RC_IO, "records %s: cannot %s %s: no answer within statement_timeout", name, doing(x->q), x->r->cfg->url);
	return err_set(e, RC_IO, "records %s: cannot %s %s: %s (%.120s)", name, doing(x->q), x->r->cfg->url, http_error_name(x->a.error), x->a.detail);
}

static enum rc refusal(const struct exchange *x, struct rest_reply *out, struct err *e)
{
	struct json_doc *d = NULL;
	char said[160] = "";
	if (json_parse(&d, buf_slice(&x->body), NULL, e) == RC_OK) {
		text_z(out->code, sizeof out->code, json_get_str(json_root(d), "code"));
		text_z(said, sizeof said, json_get_str(json_root(d), "message"));
	}
	json_doc_free(d);
	return err_set(e, RC_IO, "records %s: cannot %s %s: %d %s %s%s", x->r->cfg->name, doing(x->q), x->r->cfg->url, x->a.status, out->code, said,
		       advice(x->a.status, out->code));
}

static enum rc parse(const struct exchange *x, struct rest_reply *out, struct err *e)
{
	const struct json_limits wide = { .max_bytes = MAX_BODY };
	if (x->a.status < 200 || x->a.status > 299)
		return refusal(x, out, e);
	if (x->body.n == 0)
		return RC_OK;
	if (json_parse(&out->doc, buf_slice(&x->body), &wide, e) == RC_OK)
		return RC_OK;
	return err_prefix(e, "records %s: the answer of %s", x->r->cfg->name, x->r->cfg->url);
}

enum rc rest_call(struct remote *r, const struct rest_request *q, struct rest_reply *out, struct err *e)
{
	struct exchange x = { .r = r, .q = q };
	*out = (struct rest_reply){ .total = -1, .date_us = -1 };
	bool asked = asker_ask(r->asker, &(struct question){ send_now, cancel, &x });
	enum rc rc;
	if (!asked || x.a.error != HTTP_OK) {
		out->too_large = asked && x.a.error == HTTP_ERR_TOO_LARGE;
		rc = no_answer(&x, asked, e);
	} else {
		out->status = x.a.status;
		out->total = x.a.range_total;
		out->date_us = x.a.date_us;
		rc = parse(&x, out, e);
	}
	buf_done(&x.body);
	return rc;
}

void rest_reply_free(struct rest_reply *a)
{
	json_doc_free(a->doc);
	a->doc = NULL;
}
