#include "link/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "guard/backoff.h"
#include "link/hello.h"

enum { REFUSAL_GRACE_MS = 2000, PING_BYTES = 8, SENTENCE_BYTES = 400 };

/* One connection; outlives its link until its end was reported. */
struct attempt {
	struct link *k;                 /* NULL = the link has gone */
	struct ws_conn *conn;           /* NULL once ended */
	bool refused;                   /* verdict and error hold what the server said */
	bool ours;                      /* we close it, and verdict and sentence say why */
	struct hello_verdict verdict;
	char error[64];
	enum link_cause cause;          /* of our closing */
	char *sentence;                 /* NULL = it is not ours */
	struct breaker_ticket ticket;
	bool ticketed;
};

struct link {
	struct loop *loop;
	struct ws_ctx *ws;
	const struct cfg_link *cfg;
	const struct secret *token;
	const struct hello *hello;
	void (*changed)(void *ctx, struct link *k, enum link_state from);
	void *ctx;
	void (*message)(void *ctx, struct link *k, struct slice msg);
	void *message_ctx;
	const struct link_team *team;   /* NULL = it is alone */
	struct breaker *breaker;        /* the team's; alone its own */
	struct link_view v;
	struct attempt *now;
	struct rng rng;
	int tries;                      /* since it was last stable */
	int64_t opened_us;              /* boot time of the upgrade */
	bool counted;                   /* the last end, among the failures */
	struct loop_timer *wait, *deadline, *pinger;
	int64_t ping_ms, pong_ms;
	uint8_t ping[PING_BYTES];       /* payload that is out */
	int64_t ping_sent_us;           /* -1 = none is out */
	struct breaker_ticket ping_ticket;
	bool ping_ticketed;
	bool suspect;                   /* its team needed it although a pong was missing */
};

/* ---- states ---- */

/* Nothing is kept of what says nothing: most links are up. */
static void keep(const char **at, const char *words)
{
	char *was = **at ? (char *)(uintptr_t)*at : NULL;
	*at = *words ? xstrdup(words) : "";
	free(was);
}

/* The one door. */
static void link_set_state(struct link *k, enum link_state to, const char *sentence)
{
	enum link_state from = k->v.state;
	if (!link_state_may(from, to))
		die("link %s: %s cannot become %s", k->cfg->name, link_state_name(from), link_state_name(to));
	k->v.state = to;
	if (sentence)
		keep(&k->v.sentence, sentence);
	k->v.up_since_us = to == LINK_UP ? loop_now(k->loop).boot_us : -1;
	log_at(to == LINK_GIVEN_UP || to == LINK_JAMMED ? LOG_WARN : LOG_INFO, "link", k->cfg->name, "%s → %s%s%s", link_state_name(from),
	       link_state_name(to), k->v.sentence[0] ? ": " : "", k->v.sentence);
	if (k->changed)
		k->changed(k->ctx, k, from);
}

static int64_t now_us(const struct link *k)
{
	return loop_now(k->loop).boot_us;
}

static void stop_timers(struct link *k)
{
	loop_timer_stop(k->wait);
	loop_timer_stop(k->deadline);
	loop_timer_stop(k->pinger);
	k->ping_sent_us = -1;
	if (k->team)
		k->team->leave(k->team->ctx, k);
}

/* ---- the breaker sees attempts and pings ---- */

static void attempt_result(struct link *k, struct attempt *a, enum breaker_result r)
{
	if (!a->ticketed)
		return;
	a->ticketed = false;
	breaker_result(k->breaker, a->ticket, r, now_us(k));
}

static void ping_result(struct link *k, enum breaker_result r)
{
	if (!k->ping_ticketed)
		return;
	k->ping_ticketed = false;
	breaker_result(k->breaker, k->ping_ticket, r, now_us(k));
}

/* ---- waiting ---- */

static int64_t delay_ms(struct link *k, enum link_class c)
{
	struct backoff soon = { BACKOFF_EXP_JITTER, k->cfg->reconnect_base_ms, k->cfg->reconnect_max_ms };
	int64_t max = MAX(k->cfg->reconnect_max_ms, (int64_t)1);
	if (c == LINK_RETRY)
		return backoff_ms(&soon, k->tries, &k->rng);
	return max / 2 + (int64_t)rng_below(&k->rng, (uint64_t)max + 1);
}

/* Not before the breaker lets an attempt through. */
static void schedule(struct link *k, enum link_class c)
{
	int64_t now = now_us(k), at = now + delay_ms(k, c) * 1000;
	breaker_tick(k->breaker, now);
	if (k->breaker->state == BREAKER_OPEN)
		at = MAX(at, k->breaker->until_us);
	k->v.next_attempt_us = at;
	loop_timer_start(k->wait, MAX((at - now + 999) / 1000, (int64_t)1), 0);
}

/* ---- ends ---- */

static void say_end(struct link *k, const struct ws_end *end, const struct attempt *a, const char *why)
{
	struct buf b = { 0 };
	char shown[SENTENCE_BYTES];
	if (a->ours)
		buf_adds(&b, a->sentence);
	else if (a->refused)
		buf_addf(&b, "hello refused%s%s: %s", a->error[0] ? " with " : "", a->error, why);
	else
		ladder_sentence(&k->v.ladder, end, why, &b);
	text_z(shown, sizeof shown, buf_slice(&b));
	keep(&k->v.sentence, shown);
	buf_done(&b);
}

static enum link_cause cause_here(const struct ws_end *end, const struct attempt *a, bool in_hello)
{
	return a->ours ? a->cause : a->refused ? CAUSE_HELLO_REFUSED : cause_of_end(end, in_hello);
}

static void note_end(struct link *k, const struct ws_end *end, enum link_cause cause)
{
	char shown[160];
	k->v.last_close_code = end->close_code;
	text_z(shown, sizeof shown, slice_of(end->reason));
	keep(&k->v.last_close_text, shown);
	ladder_end(&k->v.ladder, cause, end, now_us(k));
	k->counted = !cause_is_vague(cause);    /* else when it is explained, or never will be */
	k->v.failures[cause] += k->counted;
	if (cause == CAUSE_PONG_PEER || cause == CAUSE_1011)
		k->v.ladder.lag_us = loop_lag_lately_us(k->loop);
}

/* Only what stayed up long enough starts the backoff over. */
static void count_end(struct link *k, struct attempt *a, bool was_up, int64_t up_for_us)
{
	if (was_up && up_for_us >= k->cfg->min_uptime_ms * 1000) {
		k->tries = 0;
	} else if (was_up) {            /* an attempt that did not last */
		a->ticketed = breaker_allow(k->breaker, BREAKER_READ, now_us(k), &a->ticket);
		attempt_result(k, a, BREAKER_BAD);
	} else {
		attempt_result(k, a, BREAKER_BAD);
	}
	k->tries++;
}

static void ended(struct link *k, struct attempt *a, const struct ws_end *end)
{
	bool in_hello = k->opened_us >= 0 && k->v.ladder.us[LINK_R_HELLO] < 0;
	bool was_up = k->v.ladder.us[LINK_R_HELLO] >= 0;
	int64_t up_for = was_up ? now_us(k) - k->opened_us : 0;
	stop_timers(k);
	ping_result(k, BREAKER_IGNORED);
	note_end(k, end, cause_here(end, a, in_hello));
	struct hello_verdict v = a->ours || a->refused ? a->verdict : hello_verdict(k->hello, k->v.ladder.cause, end);
	count_end(k, a, was_up, up_for);
	k->now = NULL;
	say_end(k, end, a, v.why);
	if (v.class_ == LINK_TERMINAL) {
		k->v.next_attempt_us = -1;
		link_set_state(k, LINK_GIVEN_UP, NULL);
		return;
	}
	schedule(k, v.class_);
	link_set_state(k, k->v.ladder.cause == CAUSE_JAMMED ? LINK_JAMMED : LINK_WAITING, NULL);
}

/* We end it: the sentence is ours, and stays when the peer's Close comes. */
static void close_here(struct link *k, int code, const char *reason, enum link_cause cause, struct hello_verdict v, const char *sentence)
{
	struct attempt *a = k->now;
	a->ours = true;
	a->verdict = v;
	a->cause = cause;
	free(a->sentence);
	a->sentence = xstrdup(sentence);
	stop_timers(k);
	link_set_state(k, LINK_CLOSING, sentence);
	ws_close(a->conn, code, reason);
}

/* ---- the connection's callbacks ---- */

static void on_rung(void *ctx, enum ws_rung r, int64_t took_us)
{
	struct attempt *a = ctx;
	(void)took_us;
	if (!a->k || r >= WS_RUNGS)
		return;
	ladder_pass(&a->k->v.ladder, (enum link_rung)r, now_us(a->k));
	if (r == WS_TLS && ws_cert(a->conn))
		a->k->v.ladder.cert = *ws_cert(a->conn);
	if (r == WS_UPGRADE)
		a->k->v.ladder.http_status = 101;
}

static void on_ping_due(void *ctx);

static void become_up(struct link *k)
{
	ladder_pass(&k->v.ladder, LINK_R_HELLO, now_us(k));
	k->v.reconnects += k->v.up_count > 0;
	k->v.up_count++;
	attempt_result(k, k->now, BREAKER_GOOD);
	loop_timer_stop(k->deadline);
	loop_timer_start(k->pinger, k->ping_ms, k->ping_ms);
	link_set_state(k, LINK_UP, "");
	on_ping_due(k);                 /* a round-trip time at once */
}

static void send_hello(struct link *k, struct buf *frame)
{
	struct err e = { 0 };
	k->v.messages_out++;
	k->v.bytes_out += (int64_t)frame->n;
	link_set_state(k, LINK_HELLO, "");
	if (ws_send_text(k->now->conn, buf_slice(frame), &e) != RC_OK)
		close_here(k, 1011, "", CAUSE_SEND, (struct hello_verdict){ LINK_RETRY, NULL }, e.text);
	else
		loop_timer_start(k->deadline, k->cfg->hello_timeout_ms, 0);
}

static void on_open(void *ctx)
{
	struct attempt *a = ctx;
	struct link *k = a->k;
	struct buf frame = { 0 };
	if (!k)
		return;
	k->opened_us = now_us(k);
	if (k->hello->first(k->cfg, k->token, &frame))
		send_hello(k, &frame);
	else
		become_up(k);
	secret_wipe(&frame);
}

static void on_answer(struct link *k, struct slice msg)
{
	struct attempt *a = k->now;
	switch (k->hello->answer(msg, &a->verdict, a->error)) {
	case HELLO_ACK:
		become_up(k);
		return;
	case HELLO_REFUSED:
		a->refused = true;
		loop_timer_start(k->deadline, REFUSAL_GRACE_MS, 0);
		return;
	case HELLO_OTHER:
		k->v.bad_frames++;
		return;
	}
}

static void on_message(void *ctx, struct slice msg, bool binary)
{
	struct attempt *a = ctx;
	struct link *k = a->k;
	if (!k)
		return;
	k->v.messages_in++;
	k->v.bytes_in += (int64_t)msg.n;
	k->v.last_message_us = now_us(k);
	if (k->v.state == LINK_HELLO) {
		on_answer(k, msg);
		return;
	}
	if (k->v.state != LINK_UP)
		return;
	if (k->v.ladder.us[LINK_R_FIRST] < 0)
		ladder_pass(&k->v.ladder, LINK_R_FIRST, now_us(k));
	if (k->hello->known_frame && (binary || !k->hello->known_frame(msg)))
		k->v.bad_frames++;
	else if (k->message && !binary)
		k->message(k->message_ctx, k, msg);
}

static void on_pong(void *ctx, struct slice payload)
{
	struct attempt *a = ctx;
	struct link *k = a->k;
	bool ours = k && k->ping_sent_us >= 0 && payload.n == PING_BYTES && memcmp(payload.p, k->ping, PING_BYTES) == 0;
	if (!ours)
		return;
	window_add(&k->v.rtt_us, now_us(k) - k->ping_sent_us);
	if (k->team)
		k->team->rtt(k->team->ctx, now_us(k) - k->ping_sent_us);
	k->ping_sent_us = -1;
	k->suspect = false;
	k->v.pongs++;
	loop_timer_stop(k->deadline);
	ping_result(k, BREAKER_GOOD);
}

static void on_end(void *ctx, const struct ws_end *end)
{
	struct attempt *a = ctx;
	a->conn = NULL;
	if (a->k)
		ended(a->k, a, end);
	free(a->sentence);
	free(a);
}

/* ---- timers ---- */

static void on_ping_due(void *ctx)
{
	struct link *k = ctx;
	uint64_t r = rng_u64(&k->rng);
	if (k->v.state != LINK_UP || k->ping_sent_us >= 0)
		return;
	memcpy(k->ping, &r, PING_BYTES);
	k->ping_sent_us = now_us(k);
	k->ping_ticketed = breaker_allow(k->breaker, BREAKER_READ, k->ping_sent_us, &k->ping_ticket);
	k->v.pings++;
	ws_ping(k->now->conn, (struct slice){ (const char *)k->ping, PING_BYTES });
	loop_timer_start(k->deadline, k->pong_ms, 0);
}

/* Where too few others are up a first missing pong only makes it suspect: our own loop may have slept. */
static bool needed(struct link *k)
{
	if (!k->team || k->suspect || k->team->spare(k->team->ctx, k))
		return false;
	log_warn("link", k->cfg->name, "no pong for %" PRId64 " ms, and no other connection to spare: waiting as long again", k->pong_ms);
	k->suspect = true;
	loop_timer_start(k->deadline, k->pong_ms, 0);
	return true;
}

static void pong_missing(struct link *k)
{
	char s[400];
	k->v.ladder.lag_us = loop_lag_lately_us(k->loop);
	ladder_pong_missing(&k->v.ladder, k->pong_ms, k->v.last_message_us < 0 ? -1 : now_us(k) - k->v.last_message_us, s, sizeof s);
	ping_result(k, BREAKER_BAD);
	close_here(k, 1011, "keepalive ping timeout", CAUSE_PONG, (struct hello_verdict){ LINK_RETRY, NULL }, s);
}

static void hello_missing(struct link *k)
{
	const struct cause *c = cause_of(CAUSE_HELLO_TIMEOUT);
	char s[400];
	if (k->now->refused) {          /* it said no, but leaves the closing to us */
		struct hello_verdict v = k->now->verdict;
		snprintf(s, sizeof s, "hello refused with %s: %s", k->now->error[0] ? k->now->error : "no reason", v.why);
		close_here(k, 1000, "", CAUSE_HELLO_REFUSED, v, s);
		return;
	}
	snprintf(s, sizeof s, "%s for %" PRId64 " ms: %s; %s", c->what, k->cfg->hello_timeout_ms, c->why, c->todo);
	close_here(k, 1002, "hello timeout", CAUSE_HELLO_TIMEOUT, (struct hello_verdict){ c->class_, NULL }, s);
}

static void on_deadline(void *ctx)
{
	struct link *k = ctx;
	if (ws_is_closing(k->now->conn))        /* for what the peer sent: its end is told soon */
		return;
	if (k->v.state == LINK_UP && k->ping_sent_us >= 0) {
		if (!needed(k))
			pong_missing(k);
	} else if (k->v.state == LINK_HELLO)
		hello_missing(k);
}

/* ---- attempts ---- */

static void count_vague(struct link *k)
{
	if (!k->counted)
		k->v.failures[k->v.ladder.cause]++;
	k->counted = true;
}

void link_explain(struct link *k, enum link_cause cause, const struct climb *c)
{
	char s[SENTENCE_BYTES];
	if (k->v.state != LINK_WAITING || !ladder_explain(&k->v.ladder, cause, c, s, sizeof s))
		return;
	keep(&k->v.sentence, s);
	count_vague(k);
}

static void connect_now(struct link *k, bool ticketed, struct breaker_ticket ticket)
{
	static const struct ws_handler h = { .on_rung = on_rung, .on_open = on_open, .on_message = on_message, .on_pong = on_pong, .on_end = on_end };
	struct ws_target t = { .url = k->cfg->url, .ca_file = k->cfg->ca_file, .connect_timeout_ms = k->cfg->connect_timeout_ms,
			       .max_message = 8 << 20 };
	struct attempt *a = xcalloc(1, sizeof *a);
	stop_timers(k);
	a->k = k;
	a->ticketed = ticketed;
	a->ticket = ticket;
	count_vague(k);
	ladder_begin(&k->v.ladder, strncmp(k->cfg->url, "wss:", 4) == 0, now_us(k));
	k->v.attempts++;
	k->v.generation = k->team ? k->team->generation(k->team->ctx) : k->v.attempts;
	k->v.next_attempt_us = -1;
	k->suspect = false;
	k->opened_us = -1;
	k->now = a;
	link_set_state(k, LINK_CONNECTING, NULL);
	a->conn = ws_connect(k->ws, &t, &h, a);
}

static void wait_for_breaker(struct link *k)
{
	int64_t now = now_us(k), until = k->breaker->until_us;
	int64_t ms = until > now ? (until - now + 999) / 1000 : 1000;
	ms += (int64_t)rng_below(&k->rng, 250);
	k->v.next_attempt_us = now + ms * 1000;
	loop_timer_start(k->wait, ms, 0);
}

void link_turn(struct link *k)
{
	struct breaker_ticket ticket;
	if (breaker_allow(k->breaker, BREAKER_READ, now_us(k), &ticket))
		connect_now(k, true, ticket);
	else
		wait_for_breaker(k);
}

static void on_wait_over(void *ctx)
{
	struct link *k = ctx;
	if (!k->team)
		link_turn(k);
	else if (breaker_would(k->breaker, BREAKER_READ, now_us(k)))
		k->team->ask(k->team->ctx, k);
	else
		wait_for_breaker(k);
}

void link_keepalive(struct link *k, int64_t ping_ms, int64_t pong_ms)
{
	if (k->ping_ms != ping_ms && k->v.state == LINK_UP)
		loop_timer_start(k->pinger, ping_ms, ping_ms);
	k->ping_ms = ping_ms;
	k->pong_ms = pong_ms;
}

void link_start(struct link *k)
{
	link_start_in(k, 0);
}

void link_start_in(struct link *k, int64_t ms)
{
	if (k->v.state != LINK_IDLE)
		return;
	if (!k->hello) {
		struct buf b = { 0 };
		buf_addf(&b, "handshake %s is not in this version; it has: ", k->cfg->handshake);
		hello_names(&b);
		link_set_state(k, LINK_GIVEN_UP, buf_z(&b));
		buf_done(&b);
	} else if (ms > 0) {
		loop_timer_start(k->wait, ms, 0);
	} else {
		on_wait_over(k);
	}
}

void link_diagnose(struct link *k)
{
	switch (k->v.state) {
	case LINK_WAITING:
	case LINK_JAMMED:
	case LINK_GIVEN_UP:
		if (k->hello)
			connect_now(k, false, (struct breaker_ticket){ 0 });
		return;
	case LINK_UP:
		on_ping_due(k);
		return;
	case LINK_IDLE:
		link_start(k);
		return;
	case LINK_CONNECTING:
	case LINK_HELLO:
	case LINK_CLOSING:
	case LINK_STATE_COUNT:
		return;
	}
}

/* ---- life ---- */

void link_breaker_init(struct breaker *b, const struct cfg_link *cfg, uint64_t seed, int64_t at_us)
{
	struct breaker_opts o = cfg->breaker;
	o.reads_only = true;
	o.probe_deadline_ms = MAX(o.probe_deadline_ms, MAX(cfg->connect_timeout_ms, (int64_t)10000) + cfg->hello_timeout_ms + 5000);
	breaker_init(b, &o, seed, at_us);
}

void link_join(struct link *k, const struct link_team *team)
{
	free(k->breaker);
	k->team = team;
	k->v.breaker = k->breaker = team->breaker;
}

struct link *link_new(struct loop *l, struct ws_ctx *ws, const struct cfg_link *cfg, const struct secret *token, uint64_t seed,
		      void (*changed)(void *ctx, struct link *k, enum link_state from), void *ctx)
{
	struct link *k = xcalloc(1, sizeof *k);
	k->loop = l;
	k->ws = ws;
	k->cfg = cfg;
	k->ping_ms = cfg->ping_interval_ms;
	k->pong_ms = cfg->pong_timeout_ms;
	k->token = token;
	k->hello = hello_find(cfg->handshake);
	k->changed = changed;
	k->ctx = ctx;
	k->counted = true;
	k->v = (struct link_view){ .name = cfg->name, .url = cfg->url, .handshake = cfg->handshake, .state = LINK_IDLE, .sentence = "", .last_close_text = "",
				   .up_since_us = -1, .last_message_us = -1, .next_attempt_us = -1 };
	ladder_begin(&k->v.ladder, false, -1);
	k->opened_us = k->ping_sent_us = -1;
	rng_seed(&k->rng, seed);
	k->v.breaker = k->breaker = xcalloc(1, sizeof *k->breaker);
	link_breaker_init(k->breaker, cfg, rng_u64(&k->rng), now_us(k));
	k->wait = loop_timer_new(l, on_wait_over, k);
	k->deadline = loop_timer_new(l, on_deadline, k);
	k->pinger = loop_timer_new(l, on_ping_due, k);
	return k;
}

void link_free(struct link *k)
{
	if (!k)
		return;
	loop_timer_free(k->wait);
	loop_timer_free(k->deadline);
	loop_timer_free(k->pinger);
	ping_result(k, BREAKER_IGNORED);
	if (k->now) {
		struct attempt *a = k->now;
		attempt_result(k, a, BREAKER_IGNORED);
		a->k = NULL;
		ws_close(a->conn, 1001, "");
	}
	if (k->team)
		k->team->leave(k->team->ctx, k);
	else
		free(k->breaker);
	keep(&k->v.sentence, "");
	keep(&k->v.last_close_text, "");
	free(k);
}

const struct link_view *link_look(const struct link *k)
{
	return &k->v;
}

/* ---- messages ---- */

void link_on_message(struct link *k, void (*fn)(void *ctx, struct link *k, struct slice msg), void *ctx)
{
	k->message = fn;
	k->message_ctx = ctx;
}

enum rc link_send(struct link *k, struct slice text, struct err *e)
{
	if (k->v.state != LINK_UP)
		return err_set(e, RC_REFUSED, "link %s is %s", k->cfg->name, link_state_name(k->v.state));
	enum rc rc = ws_send_text(k->now->conn, text, e);
	if (rc == RC_OK) {
		k->v.messages_out++;
		k->v.bytes_out += (int64_t)text.n;
	}
	return rc;
}

size_t link_unsent(const struct link *k)
{
	return k->now && k->now->conn ? ws_queued(k->now->conn) : 0;
}
