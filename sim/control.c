/* /__sim: faults while it runs, the ledger, the figures. No key is asked for: loopback only. */
#include "sim/store_impl.h"

#include "sim/daemon.h"
#include "sim/stats.h"

enum { LEDGER_PIECE = 64 << 20 };

static void say_sentence(struct httpd_reply *r, int status, const char *sentence)
{
	struct jw w;
	r->status = status;
	jw_init(&w, &r->body);
	jw_obj(&w);
	jw_kz(&w, "error", sentence);
	jw_end_obj(&w);
}

/* Rules with op=now happen at once and are gone. */
static void apply_now(struct sim *sim, const struct fault_rule *r)
{
	for (size_t i = 0; i < sim->opts->links; i++)
		if (!r->name[0] || slice_is(slice_of(r->name), sim->opts->link[i].name))
			daemon_now(sim->daemon[i], r);
}

static void add_faults(struct sim *sim, const struct httpd_request *rq, struct httpd_reply *reply)
{
	struct fault_set *news = fault_set_new(0);
	struct err e;
	enum rc rc = fault_set_add_text(news, rq->body, NULL, &e);
	for (size_t i = 0; rc == RC_OK && i < fault_set_count(news); i++)
		rc = options_check_rule(sim->opts, fault_set_get(news, i), true, &e);
	if (rc == RC_OK && fault_set_count(news) == 0)
		rc = err_set(&e, RC_USAGE, "the body has no rule");
	for (size_t i = 0; rc == RC_OK && i < fault_set_count(news); i++) {
		const struct fault_rule *r = fault_set_get(news, i);
		if (r->ops & OP_NOW)
			apply_now(sim, r);
		else
			fault_set_add(sim->opts->faults, r);
	}
	fault_set_free(news);
	if (rc == RC_OK)
		stats_faults(sim, &reply->body);
	else
		say_sentence(reply, 400, e.text);
}

static int64_t number(struct slice query, const char *name, int64_t absent)
{
	struct buf v = { 0 };
	int64_t n;
	if (!query_get(query, name, &v) || !parse_i64(buf_slice(&v), &n) || n < 0)
		n = absent;
	buf_done(&v);
	return n;
}

/* ?from=BYTE&max=BYTES: for a ledger that is longer than one answer. */
static void give_ledger(struct sim *sim, const struct httpd_request *rq, struct httpd_reply *reply)
{
	struct err e;
	int64_t from = number(rq->head->query, "from", 0), max = number(rq->head->query, "max", LEDGER_PIECE);
	enum rc rc = ledger_flush(sim->ledger, &e);
	if (rc == RC_OK)
		rc = ledger_read(sim->ledger, from, (size_t)(max < LEDGER_PIECE ? max : LEDGER_PIECE), &reply->body, &e);
	if (rc != RC_OK)
		say_sentence(reply, rc == RC_NOT_FOUND ? 404 : 500, e.text);
	else
		reply->type = "application/x-ndjson";
}

void control_request(struct sim *sim, const struct httpd_request *rq, struct httpd_reply *reply)
{
	struct slice path = rq->head->path, method = rq->head->method;
	bool get = slice_is(method, "GET");
	reply->type = "application/json";
	if (get && slice_is(path, "/__sim/stats")) {
		stats_all(sim, &reply->body);
	} else if (get && slice_is(path, "/__sim/ledger")) {
		give_ledger(sim, rq, reply);
	} else if (get && slice_is(path, "/__sim/faults")) {
		stats_faults(sim, &reply->body);
	} else if (slice_is(method, "POST") && slice_is(path, "/__sim/fault")) {
		add_faults(sim, rq, reply);
	} else if (slice_is(method, "DELETE") && slice_is(path, "/__sim/faults")) {
		fault_set_clear(sim->opts->faults);
		stats_faults(sim, &reply->body);
	} else {
		say_sentence(reply, 404, "there are GET stats, ledger, faults, POST fault and DELETE faults below /__sim");
	}
}
