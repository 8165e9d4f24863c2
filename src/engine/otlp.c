/* The metrics, pushed to a collector (OTLP/HTTP JSON). Each push says all there is, so one that failed is
 * not kept: the next one carries it. */
#include "engine/otlp.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/internal.h"
#include "guard/backoff.h"
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEND_MS = 10000, ANSWER_MAX = 4 << 20, WAIT_BASE_MS = 1000, WAIT_MAX_MS = 300000 };

struct otlp {
	struct engine *en;
	struct http_client *http;
	struct loop_timer *timer;
	struct rng rng;
	struct http_call *call;
	int64_t points;                 /* in the one that is out */
	int failures;                   /* in a row */
	bool closing;
	char trouble[240];
	struct otlp_counts c;
};

static void push(void *ctx);

static void again(struct otlp *o, int64_t ms)
{
	if (!o->closing)
		loop_timer_start(o->timer, MAX(ms, (int64_t)1), 0);
}

/* OTLP 1.x: these may be repeated, nothing else. */
static bool may_repeat(const struct http_answer *a)
{
	if (a->error != HTTP_OK)
		return true;
	return a->status == 429 || a->status == 502 || a->status == 503 || a->status == 504;
}

/* A 64-bit number, which JSON of protobuf writes as a text. */
static int64_t rejected(struct slice body)
{
	struct json_doc *doc = NULL;
	struct slice text;
	int64_t n = 0;
	if (json_parse(&doc, body, NULL, NULL) != RC_OK)
		return 0;
	const struct json *v = json_get(json_get(json_root(doc), "partialSuccess"), "rejectedDataPoints");
	if (json_str(v, &text) ? !parse_i64(text, &n) : !json_i64(v, &n))
		n = 0;
	json_doc_free(doc);
	return MAX(n, (int64_t)0);
}

static void accepted(struct otlp *o, const struct http_answer *a)
{
	int64_t lost = MIN(rejected(a->body), o->points);
	o->failures = 0;
	o->c.accepted++;
	o->c.points_rejected += lost;
	o->trouble[0] = '\0';
	if (lost)
		snprintf(o->trouble, sizeof o->trouble, "the collector rejected %lld of %lld points; look at its log", (long long)lost, (long long)o->points);
	again(o, o->en->cfg->engine.otlp_interval_ms);
}

static void failed(struct otlp *o, const struct http_answer *a)
{
	struct backoff b = { BACKOFF_EXP_JITTER, WAIT_BASE_MS, WAIT_MAX_MS };
	bool repeat = may_repeat(a);
	if (a->error == HTTP_OK)
		snprintf(o->trouble, sizeof o->trouble, "the collector answered %d", a->status);
	else
		snprintf(o->trouble, sizeof o->trouble, "the collector cannot be reached: %s %.150s", http_error_name(a->error), a->detail);
	if (o->failures++ == 0)
		log_warn("otlp", NULL, "%s", o->trouble);
	if (repeat) {
		o->c.retried++;
		again(o, MAX(a->retry_after_ms, backoff_ms(&b, o->failures, &o->rng)));
	} else {
		o->c.dropped++;
		o->c.points_dropped += o->points;
		again(o, o->en->cfg->engine.otlp_interval_ms);
	}
}

static void answered(void *ctx, const struct http_answer *a)
{
	struct otlp *o = ctx;
	o->call = NULL;
	if (o->closing)
		return;
	if (a->error == HTTP_OK && a->status >= 200 && a->status < 300)
		accepted(o, a);
	else
		failed(o, a);
}

static void push(void *ctx)
{
	struct otlp *o = ctx;
	const char *headers[] = { "Content-Type: application/json", NULL };
	struct metrics *m = metrics_new();
	struct metrics_source s = { "sluice", SLUICE_VERSION, o->en->epoch, o->en->started_us, now_read().wall_us };
	struct buf body = { 0 };
	metrics_collect(o->en, m);
	metrics_otlp(m, &s, &body);
	o->points = (int64_t)metrics_samples(m);
	struct http_req r = { .method = "POST", .url = o->en->cfg->engine.otlp, .headers = headers, .body = buf_slice(&body),
			      .timeout_ms = SEND_MS, .connect_timeout_ms = SEND_MS, .max_body = ANSWER_MAX };
	o->call = http_send(o->http, &r, answered, o);
	buf_done(&body);
	metrics_free(m);
}

void otlp_open(struct engine *en)
{
	struct http_opts opts = { .max_connections = 1 };
	if (!en->cfg->engine.otlp)
		return;
	struct otlp *o = xcalloc(1, sizeof *o);
	uint64_t seed;
	rng_os(&seed, sizeof seed);
	rng_seed(&o->rng, seed);
	o->en = en;
	o->http = http_client_new(en->loop, &opts);
	http_client_permit(o->http, HTTP_ALL);
	o->timer = loop_timer_new(en->loop, push, o);
	en->otlp = o;
	again(o, 0);
}

void otlp_free(struct engine *en)
{
	struct otlp *o = en->otlp;
	if (!o)
		return;
	o->closing = true;
	loop_timer_free(o->timer);
	http_client_free(o->http);
	free(o);
	en->otlp = NULL;
}

const struct otlp_counts *otlp_look(const struct engine *en, const char **trouble)
{
	if (!en->otlp)
		return NULL;
	*trouble = en->otlp->trouble;
	return &en->otlp->c;
}
