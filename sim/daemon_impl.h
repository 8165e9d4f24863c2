/* Shared by daemon.c, daemon_talk.c and daemon_fault.c only. */
#ifndef SLUICE_SIM_DAEMON_IMPL_H
#define SLUICE_SIM_DAEMON_IMPL_H

#include "sim/daemon.h"
#include "sim/wsd.h"

#include <sys/queue.h>

struct session;

struct daemon {
	struct sim *sim;
	const struct link_opts *o;
	struct wsd *wsd;
	TAILQ_HEAD(, session) sessions;
	int64_t open, opened, refused, acks, messages, pings, closes_sent, closes_received, faults;
	bool stopping;                          /* the ledger has its last line */
	const struct fault_rule *at_open;       /* decided in on_upgrade for the on_open that follows it */
};

struct session {
	struct daemon *d;
	struct wsd_conn *c;
	int64_t conn, messages;
	char id[65];                            /* session_id */
	bool ready;                             /* hello is over */
	bool no_pong;
	bool ping_open;                         /* our ping waits for its pong */
	struct loop_timer *hello, *ping, *pong, *flap, *tick, *late;
	struct buf later;                       /* frames for the timer late */
	TAILQ_ENTRY(session) link;
};

/* daemon.c */
struct jw *daemon_event(struct daemon *d, const char *event, int64_t conn);    /* finish with daemon_event_end */
void daemon_event_end(struct daemon *d);
void session_close(struct session *s, int code, const char *reason);
void session_start_timer(struct session *s, struct loop_timer **t, void (*fn)(void *), int64_t after_ms, int64_t repeat_ms);
void session_flap(struct session *s, int64_t seconds);

/* daemon_talk.c: what it says. A frame in, the truth out (nothing appended: silence). */
struct answer {
	struct buf text;
	int close_code;                         /* after the text, 0 none */
	const char *close_reason;
	bool acks;                              /* this is a hello_ack with ok:true */
};
void talk(struct session *s, struct slice msg, bool binary, struct answer *out);

/* daemon_fault.c: what a fault makes of it. truth may be NULL. */
void daemon_fault(struct session *s, const struct fault_rule *r, enum fault_op op, const struct answer *truth);

#endif
