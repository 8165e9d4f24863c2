#include "sim/daemon_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* ---- the ledger ---- */

struct jw *daemon_event(struct daemon *d, const char *event, int64_t conn)
{
	struct jw *w = ledger_begin(d->sim->ledger, "link");
	jw_kz(w, "link", d->o->name);
	jw_kz(w, "event", event);
	jw_ki64(w, "conn", conn);
	return w;
}

void daemon_event_end(struct daemon *d)
{
	ledger_end(d->sim->ledger);
	outbox_touch(d->sim->box);
}

static void event(struct daemon *d, const char *name, int64_t conn)
{
	daemon_event(d, name, conn);
	daemon_event_end(d);
}

static void close_event(struct daemon *d, const char *name, int64_t conn, int code, struct slice reason)
{
	struct jw *w = daemon_event(d, name, conn);
	jw_ki64(w, "code", code);
	jw_kstr(w, "reason", reason);
	daemon_event_end(d);
}

/* ---- timers ---- */

void session_start_timer(struct session *s, struct loop_timer **t, void (*fn)(void *), int64_t after_ms, int64_t repeat_ms)
{
	if (!*t)
		*t = loop_timer_new(s->d->sim->loop, fn, s);
	loop_timer_start(*t, after_ms, repeat_ms);
}

void session_close(struct session *s, int code, const char *reason)
{
	if (wsd_closing(s->c))
		return;
	s->d->closes_sent++;
	close_event(s->d, "close_sent", s->conn, code, slice_of(reason));
	wsd_close(s->c, code, slice_of(reason));
}

static void on_flap(void *ctx)
{
	session_close(ctx, 1011, "keepalive ping timeout");
}

void session_flap(struct session *s, int64_t seconds)
{
	session_start_timer(s, &s->flap, on_flap, seconds * 1000, 0);
}

static void no_hello(void *ctx)
{
	session_close(ctx, 4002, "hello timeout or disconnect");
}

static void no_pong(void *ctx)
{
	session_close(ctx, 1011, "keepalive ping timeout");
}

static void on_ping_due(void *ctx)
{
	struct session *s = ctx;
	if (s->ping_open)
		return;
	s->ping_open = true;
	wsd_control(s->c, FRAME_PING, SLICE_LIT("keep"));
	session_start_timer(s, &s->pong, no_pong, s->d->o->pong_ms, 0);
}

static void on_tick(void *ctx)
{
	struct session *s = ctx;
	struct buf b = { 0 };
	if (s->ready) {
		buf_addf(&b, "{\"type\":\"event\",\"link\":\"%s\",\"number\":%lld}", s->d->o->name, (long long)++s->messages);
		wsd_text(s->c, buf_slice(&b));
	}
	buf_done(&b);
}

/* ---- a connection ---- */

static const struct fault_rule *decide(struct daemon *d, enum fault_op op, int64_t messages)
{
	struct fault_event ev = { .link = true, .where = slice_of(d->o->name), .op = op, .id = slice_of(""), .warm = messages > 0, .live = true };
	return fault_decide(d->sim->opts->faults, &ev);
}

static int on_upgrade(void *ctx, int64_t conn)
{
	struct daemon *d = ctx;
	const struct fault_rule *r = d->at_open = decide(d, OP_UPGRADE, 0);
	enum fault_what say = r ? r->kind->say : SAY_TRUTH;
	if (say != SAY_REFUSE && say != SAY_BAD_ACCEPT)
		return WSD_ACCEPT;
	struct jw *w = daemon_event(d, say == SAY_REFUSE ? "refused" : "bad_accept", conn);
	jw_kz(w, "fault", r->kind->name);
	jw_ki64(w, "rule", r->number);
	if (say == SAY_REFUSE)
		jw_ki64(w, "status", r->arg);
	daemon_event_end(d);
	d->faults++;
	d->at_open = NULL;
	if (say == SAY_BAD_ACCEPT)
		return WSD_ACCEPT_WRONGLY;
	d->refused++;
	return (int)r->arg;
}

static void on_refused(void *ctx, int64_t conn, int status)
{
	struct daemon *d = ctx;
	struct jw *w = daemon_event(d, "refused", conn);
	jw_ki64(w, "status", status);
	daemon_event_end(d);
	d->refused++;
}

static void start_session(struct session *s)
{
	const struct link_opts *o = s->d->o;
	s->ready = o->handshake != HANDSHAKE_EXAI;
	if (!s->ready)
		session_start_timer(s, &s->hello, no_hello, o->hello_timeout_ms, 0);
	if (o->ping_ms)
		session_start_timer(s, &s->ping, on_ping_due, o->ping_ms, o->ping_ms);
	if (o->tick_ms)
		session_start_timer(s, &s->tick, on_tick, o->tick_ms, o->tick_ms);
	if (o->flap_s)
		session_flap(s, o->flap_s);
}

static void *on_open(void *ctx, struct wsd_conn *c, int64_t conn)
{
	struct daemon *d = ctx;
	struct session *s = xcalloc(1, sizeof(*s));
	char reason[80];
	s->d = d;
	s->c = c;
	s->conn = conn;
	event(d, "open", conn);
	d->opened++;
	TAILQ_INSERT_TAIL(&d->sessions, s, link);
	if (d->open++ >= d->o->max_per_ip) {
		snprintf(reason, sizeof(reason), "Too many connections from your IP (%lld/%lld)", (long long)d->o->max_per_ip, (long long)d->o->max_per_ip);
		session_close(s, 1008, reason);
		return s;
	}
	start_session(s);
	if (d->at_open)
		daemon_fault(s, d->at_open, OP_UPGRADE, NULL);
	return s;
}

/* What was said becomes true: the ack is counted and the session ready. */
static void heard(struct session *s, const struct answer *a)
{
	if (!a->acks)
		return;
	s->ready = true;
	s->d->acks++;
	loop_timer_free(s->hello);
	s->hello = NULL;
	event(s->d, "hello_ack", s->conn);
}

static void answer(struct session *s, const struct answer *a)
{
	if (a->text.n)
		wsd_text(s->c, buf_slice(&a->text));
	if (a->close_code)
		session_close(s, a->close_code, a->close_reason);
	heard(s, a);
}

static void on_message(void *cc, struct slice msg, bool binary)
{
	struct session *s = cc;
	struct daemon *d = s->d;
	struct answer a = { 0 };
	enum fault_op op = s->ready ? OP_CALL : OP_HELLO;
	struct jw *w = daemon_event(d, fault_op_name(op), s->conn);
	jw_ki64(w, "bytes", (int64_t)msg.n);
	daemon_event_end(d);
	d->messages++;
	const struct fault_rule *r = decide(d, op, s->messages++);
	talk(s, msg, binary, &a);
	if (d->o->jam && op == OP_HELLO && !r) {
		session_close(s, 1000, "");
	} else if (r) {
		daemon_fault(s, r, op, &a);
		/* these four carry the truth to its end */
		enum fault_what say = r->kind->say;
		if (say == SAY_NO_PONG || say == SAY_FLAP || say == SAY_FRAGMENTS || say == SAY_LATE)
			heard(s, &a);
	} else {
		answer(s, &a);
	}
	buf_done(&a.text);
}

static void on_ping(void *cc, struct slice payload)
{
	struct session *s = cc;
	s->d->pings++;
	const struct fault_rule *r = decide(s->d, OP_PING, s->messages);
	if (r)
		daemon_fault(s, r, OP_PING, NULL);
	else if (!s->no_pong)
		wsd_control(s->c, FRAME_PONG, payload);
}

static void on_pong(void *cc, struct slice payload)
{
	struct session *s = cc;
	if (!slice_is(payload, "keep"))
		return;
	s->ping_open = false;
	if (s->pong)
		loop_timer_stop(s->pong);
}

static void on_close(void *cc, int code, struct slice reason, bool by_us)
{
	struct session *s = cc;
	if (by_us)
		s->d->closes_sent++;
	else
		s->d->closes_received++;
	close_event(s->d, by_us ? "close_sent" : "close_received", s->conn, code, reason);
}

static void on_end(void *cc)
{
	struct session *s = cc;
	struct loop_timer *timers[] = { s->hello, s->ping, s->pong, s->flap, s->tick, s->late };
	for (size_t i = 0; i < ARRAY_LEN(timers); i++)
		loop_timer_free(timers[i]);
	if (!s->d->stopping)
		event(s->d, "end", s->conn);
	s->d->open--;
	TAILQ_REMOVE(&s->d->sessions, s, link);
	buf_done(&s->later);
	free(s);
}

/* ---- the daemon ---- */

enum rc daemon_new(struct daemon **out, struct sim *sim, const struct link_opts *o, struct err *e)
{
	static const struct wsd_handler h = { on_upgrade, on_refused, on_open, on_message, on_ping, on_pong, on_close, on_end };
	struct daemon *d = xcalloc(1, sizeof(*d));
	d->sim = sim;
	d->o = o;
	TAILQ_INIT(&d->sessions);
	enum rc rc = wsd_listen(&d->wsd, sim->loop, sim->box, (int)o->port, (size_t)o->max_bytes, &h, d, e);
	if (rc != RC_OK) {
		free(d);
		return err_prefix(e, "link %s", o->name);
	}
	*out = d;
	return RC_OK;
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	d->stopping = true;
	wsd_free(d->wsd);
	free(d);
}

int daemon_port(const struct daemon *d)
{
	return wsd_port(d->wsd);
}

void daemon_now(struct daemon *d, const struct fault_rule *r)
{
	struct session *s;
	TAILQ_FOREACH(s, &d->sessions, link)
		daemon_fault(s, r, OP_NOW, NULL);
}

void daemon_stats(const struct daemon *d, struct jw *w)
{
	jw_kz(w, "name", d->o->name);
	jw_ki64(w, "connections", d->open);
	jw_ki64(w, "opened", d->opened);
	jw_ki64(w, "refused", d->refused);
	jw_ki64(w, "acks", d->acks);
	jw_ki64(w, "messages", d->messages);
	jw_ki64(w, "pings", d->pings);
	jw_ki64(w, "closes_sent", d->closes_sent);
	jw_ki64(w, "closes_received", d->closes_received);
	jw_ki64(w, "faults", d->faults);
}
