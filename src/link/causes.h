/* Why a link is not up: one table says for each cause its word (ladder, metrics), what happened,
 * probably why, what to do, and whether another attempt makes sense. Pure. */
#ifndef SLUICE_LINK_CAUSES_H
#define SLUICE_LINK_CAUSES_H

#include "base/str.h"
#include "net/ws.h"

enum link_class { LINK_RETRY, LINK_RETRY_LATER, LINK_TERMINAL };
const char *link_class_name(enum link_class c);         /* retry | retry later | terminal */

enum link_cause {
	CAUSE_NONE,
	CAUSE_ADDRESS, CAUSE_RESOLVE,
	CAUSE_REFUSED, CAUSE_UNREACHABLE, CAUSE_CONNECT_TIMEOUT, CAUSE_CONNECT,
	CAUSE_TLS_EXPIRED, CAUSE_TLS_EARLY, CAUSE_TLS_HOST, CAUSE_TLS_CA, CAUSE_TLS_CERT, CAUSE_TLS_PLAIN, CAUSE_TLS_TIMEOUT, CAUSE_TLS,
	CAUSE_UPGRADE_TIMEOUT, CAUSE_UPGRADE_CUT, CAUSE_NOT_HTTP, CAUSE_UPGRADE,
	CAUSE_HTTP_REDIRECT, CAUSE_HTTP_401, CAUSE_HTTP_403, CAUSE_HTTP_404, CAUSE_HTTP_407, CAUSE_HTTP_426, CAUSE_HTTP_429,
	CAUSE_HTTP_500, CAUSE_HTTP_502, CAUSE_HTTP_503, CAUSE_HTTP_504, CAUSE_HTTP_CLIENT, CAUSE_HTTP_SERVER, CAUSE_HTTP_OTHER,
	CAUSE_ACCEPT_KEY, CAUSE_SUBPROTOCOL,
	CAUSE_HELLO_TIMEOUT, CAUSE_HELLO_REFUSED, CAUSE_JAMMED,
	CAUSE_1000, CAUSE_1001, CAUSE_1002, CAUSE_1003, CAUSE_1005, CAUSE_1007, CAUSE_1008, CAUSE_1009, CAUSE_1010, CAUSE_1011,
	CAUSE_3000, CAUSE_3003, CAUSE_4000, CAUSE_4001, CAUSE_4002, CAUSE_4003, CAUSE_CLOSE_OTHER,
	CAUSE_NO_CLOSE, CAUSE_PONG, CAUSE_PONG_PEER,
	CAUSE_TEXT, CAUSE_FRAMES, CAUSE_TOO_LARGE, CAUSE_SEND,
	LINK_CAUSES
};

struct cause {
	const char *name;       /* label of a metric: [a-z0-9_] */
	enum link_class class_;
	const char *what, *why, *todo;
};
const struct cause *cause_of(enum link_cause c);

/* An end that the peer or the network brought about. in_hello: the adapter's handshake was not over. */
enum link_cause cause_of_end(const struct ws_end *end, bool in_hello);
/* Of a failed attempt; rung as in struct ws_end. */
enum link_cause cause_of_why(enum net_why why, enum ws_rung rung, int http_status);
/* The failure was seen, its reason was not: a second look may find it. */
bool cause_is_vague(enum link_cause c);
/* Class for the next attempt: what Debian's library shows as 1002 may be a restart (1012), which its text tells. */
enum link_class cause_class(enum link_cause c, const struct ws_end *end);

#endif
