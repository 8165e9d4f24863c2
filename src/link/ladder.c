#include "link/ladder.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *link_rung_name(enum link_rung r)
{
	switch (r) {
	case LINK_R_RESOLVE: return "resolve";
	case LINK_R_CONNECT: return "connect";
	case LINK_R_TLS: return "tls";
	case LINK_R_UPGRADE: return "upgrade";
	case LINK_R_HELLO: return "hello";
	case LINK_R_FIRST: return "first message";
	case LINK_RUNGS: break;
	}
	return "";
}

void ladder_begin(struct ladder *l, bool tls, int64_t now_us)
{
	*l = (struct ladder){ .began_us = now_us, .rung_us = now_us, .failed = -1, .failed_us = -1, .tls = tls, .lag_us = -1 };
	for (int i = 0; i < LINK_RUNGS; i++)
		l->us[i] = -1;
}

void ladder_pass(struct ladder *l, enum link_rung r, int64_t now_us)
{
	l->us[r] = now_us - l->rung_us;
	l->rung_us = now_us;
}

void ladder_fail(struct ladder *l, enum link_rung r, int64_t now_us)
{
	l->failed = (int)r;
	l->failed_us = now_us - l->rung_us;
}

void ladder_end(struct ladder *l, enum link_cause cause, const struct ws_end *end, int64_t now_us)
{
	l->cause = cause;
	if (end->cert)
		l->cert = *end->cert;
	l->http_status = end->http_status ? end->http_status : l->http_status;
	snprintf(l->detail, sizeof l->detail, "%s", end->reason);
	if (!end->was_open)
		ladder_fail(l, (enum link_rung)MIN(end->rung, WS_UPGRADE), now_us);
	else if (l->us[LINK_R_HELLO] < 0)
		ladder_fail(l, LINK_R_HELLO, now_us);
}

/* ---- for people ---- */

static void say_close(const struct ws_end *end, struct buf *out)
{
	buf_addf(out, "closed %d%s", end->close_code, end->close_code == 1002 && !end->by_us ? " (or 1012–1014)" : "");
	if (end->reason[0])
		buf_addf(out, " “%s”", end->reason);
	buf_adds(out, ": ");
}

static void say_failure(const struct ladder *l, const struct ws_end *end, struct buf *out)
{
	if (end->was_open)
		say_close(end, out);
	else if (end->http_status && l->cause != CAUSE_ACCEPT_KEY && l->cause != CAUSE_SUBPROTOCOL)
		buf_addf(out, "upgrade answered HTTP %d: ", end->http_status);
	else
		buf_addf(out, "failed at %s%s%.60s%s: ", ws_rung_name(end->rung), end->reason[0] ? " (" : "", end->reason, end->reason[0] ? ")" : "");
}

void ladder_sentence(const struct ladder *l, const struct ws_end *end, const char *why, struct buf *out)
{
	const struct cause *c = cause_of(l->cause);
	if (l->cause != CAUSE_JAMMED)
		say_failure(l, end, out);
	if (why)
		buf_adds(out, why);
	else
		buf_addf(out, "%s: %s; %s", c->what, c->why, c->todo);
	if (l->lag_us >= 0)
		buf_addf(out, " (loop lag here: %" PRId64 ".%" PRId64 " ms)", l->lag_us / 1000, l->lag_us % 1000 / 100);
}

void ladder_pong_missing(const struct ladder *l, int64_t after_ms, int64_t silent_us, char *dst, size_t cap)
{
	const struct cause *c = cause_of(CAUSE_PONG);
	char silent[TIME_TEXT] = "never";
	if (silent_us >= 0)
		time_age(silent, silent_us);
	snprintf(dst, cap, "no pong for %" PRId64 " ms (last message %s%s; loop lag here: %" PRId64 ".%" PRId64 " ms): %s; %s", after_ms,
		 silent, silent_us >= 0 ? " ago" : "", l->lag_us / 1000, l->lag_us % 1000 / 100, c->why, c->todo);
}

bool ladder_explain(struct ladder *l, enum link_cause cause, const struct climb *c, char *sentence, size_t cap)
{
	struct ws_end end = { .rung = c->rung, .http_status = c->http_status };
	struct buf b = { 0 };
	if (l->failed == LINK_R_CONNECT && l->tls && l->cause == CAUSE_CONNECT && c->rung == WS_TLS) {
		l->failed = LINK_R_TLS;         /* the library does not always tell TCP from TLS */
		l->us[LINK_R_CONNECT] = c->us[WS_CONNECT];
	}
	if (l->failed != (int)c->rung || cause == CAUSE_NONE)
		return false;
	if (!l->cert.expires_us)
		l->cert = c->cert;
	if (!cause_is_vague(l->cause) || cause_is_vague(cause))
		return false;
	l->cause = cause;
	l->http_status = c->http_status;
	if (c->detail[0])
		memcpy(l->detail, c->detail, sizeof l->detail);
	memcpy(end.reason, l->detail, sizeof end.reason);
	ladder_sentence(l, &end, NULL, &b);
	text_z(sentence, cap, buf_slice(&b));
	buf_done(&b);
	return true;
}

bool ladder_wants_look(const struct ladder *l)
{
	return cause_is_vague(l->cause) || (l->failed == LINK_R_TLS && !l->cert.expires_us && l->cause != CAUSE_TLS_TIMEOUT);
}

/* ---- for the protocol ---- */

static void rungs_json(const struct ladder *l, struct jw *w)
{
	jw_key(w, "rungs");
	jw_arr(w);
	for (int i = 0; i < LINK_RUNGS; i++) {
		jw_obj(w);
		jw_kz(w, "name", link_rung_name((enum link_rung)i));
		jw_kopt(w, "us", l->failed == i ? l->failed_us : l->us[i]);
		jw_kz(w, "state", l->failed == i ? "failed" : l->us[i] >= 0 ? "passed" : "skipped");
		jw_end_obj(w);
	}
	jw_end_arr(w);
}

static void cert_json(const struct net_cert *c, struct jw *w)
{
	jw_key(w, "certificate");
	if (!c->expires_us) {
		jw_null(w);
		return;
	}
	jw_obj(w);
	jw_ki64(w, "expires_us", c->expires_us);
	jw_kz(w, "issuer", c->issuer);
	jw_kz(w, "subject", c->subject);
	jw_end_obj(w);
}

void ladder_json(const struct ladder *l, struct jw *w)
{
	rungs_json(l, w);
	cert_json(&l->cert, w);
	jw_kopt(w, "http_status", l->http_status ? l->http_status : -1);
	jw_kz(w, "cause", l->cause ? cause_of(l->cause)->name : NULL);
	jw_kz(w, "class", l->cause ? link_class_name(cause_of(l->cause)->class_) : NULL);
	jw_kz(w, "detail", l->detail);
	jw_kopt(w, "lag_us", l->lag_us);
}
