#include "link/causes.h"

#include "base/mem.h"

#include <string.h>

/* Close codes: RFC 6455 7.4.1 and the IANA registry; 3000 and 3003: IANA; 4000 to 4003 are each server's own. */
static const struct cause causes[LINK_CAUSES] = {
	[CAUSE_NONE] = { "none", LINK_RETRY, "nothing is wrong", "", "" },
	[CAUSE_ADDRESS] = { "address", LINK_RETRY_LATER, "the address cannot be used", "url or ca_file is wrong", "correct the configuration" },
	[CAUSE_RESOLVE] = { "resolve", LINK_RETRY, "the name does not resolve", "it is misspelt, or the resolver does not answer",
		"check the url, then the resolver of this machine" },
	[CAUSE_REFUSED] = { "refused", LINK_RETRY, "the connection is refused", "nothing answers there",
		"is the server running, and the port right?" },
	[CAUSE_UNREACHABLE] = { "unreachable", LINK_RETRY, "no way leads to that host", "a network is down, or a firewall rejects it",
		"check the routes of this machine and the address" },
	[CAUSE_CONNECT_TIMEOUT] = { "connect_timeout", LINK_RETRY, "nothing answers the connection", "the host is off, or a firewall drops it",
		"check the host and the firewalls between" },
	[CAUSE_CONNECT] = { "connect", LINK_RETRY, "the connection did not come about", "nothing answers there",
		"is the server running, and the port right?" },
	[CAUSE_TLS_EXPIRED] = { "tls_expired", LINK_RETRY_LATER, "the server's certificate has expired", "nobody renewed it, or this clock is ahead",
		"renew it there, and check the clock here" },
	[CAUSE_TLS_EARLY] = { "tls_not_yet_valid", LINK_RETRY_LATER, "the server's certificate is not valid yet", "this clock is behind, or it was made for later",
		"check the clock here" },
	[CAUSE_TLS_HOST] = { "tls_wrong_host", LINK_RETRY_LATER, "the certificate is made out to another name", "the url names the host otherwise, or it is another server",
		"use the certificate's name in url, or correct it there" },
	[CAUSE_TLS_CA] = { "tls_unknown_ca", LINK_RETRY_LATER, "nobody we trust signed the certificate", "it is self-signed, or of a private authority",
		"put that authority in ca_file" },
	[CAUSE_TLS_CERT] = { "tls_certificate", LINK_RETRY_LATER, "the certificate does not verify", "its chain or purpose is wrong",
		"have it corrected there" },
	[CAUSE_TLS_PLAIN] = { "tls_plain_port", LINK_RETRY_LATER, "what answers there is not TLS", "the port takes plain ws",
		"use ws:// in url, or the port that speaks TLS" },
	[CAUSE_TLS_TIMEOUT] = { "tls_timeout", LINK_RETRY, "it takes connections, but is silent about TLS", "the server hangs, or the port is not TLS",
		"check that server, and ws or wss in the url" },
	[CAUSE_TLS] = { "tls", LINK_RETRY_LATER, "no TLS with this server", "it and we have no version or cipher in common, or the port is not TLS",
		"check ws or wss in the url, and ca_file" },
	[CAUSE_UPGRADE_TIMEOUT] = { "upgrade_timeout", LINK_RETRY, "it accepts connections, then is silent", "a hung server, or not a WebSocket port",
		"look at that server's log, restart it if it hangs" },
	[CAUSE_UPGRADE_CUT] = { "upgrade_cut", LINK_RETRY, "it accepts the connection and cuts it unanswered", "the server is starting or dying, or wants TLS",
		"look at its log; check ws or wss in the url" },
	[CAUSE_NOT_HTTP] = { "not_http", LINK_RETRY_LATER, "what answers there is not HTTP", "another service has this port",
		"check the port in url" },
	[CAUSE_UPGRADE] = { "upgrade", LINK_RETRY, "it accepts connections but does not upgrade", "a hung server, or not a WebSocket port",
		"look at that server's log, and check the url" },
	[CAUSE_HTTP_REDIRECT] = { "http_redirect", LINK_TERMINAL, "the server sends us elsewhere", "redirects are not followed",
		"put the final address in url" },
	[CAUSE_HTTP_401] = { "http_401", LINK_TERMINAL, "the server does not know who we are", "the token is missing or wrong",
		"check the token and the url" },
	[CAUSE_HTTP_403] = { "http_403", LINK_TERMINAL, "the server refuses who we are", "token, origin or address are not allowed",
		"check the token and its rights" },
	[CAUSE_HTTP_404] = { "http_404", LINK_RETRY_LATER, "there is no WebSocket at this path", "the path is wrong, or the service behind a proxy is gone",
		"check the url" },
	[CAUSE_HTTP_407] = { "http_407", LINK_TERMINAL, "a proxy wants to know who we are", "a proxy stands between",
		"let this machine reach the server without it" },
	[CAUSE_HTTP_426] = { "http_426", LINK_RETRY_LATER, "the server wants another kind of upgrade", "a proxy dropped the upgrade headers",
		"have it pass Connection and Upgrade on" },
	[CAUSE_HTTP_429] = { "http_429", LINK_RETRY_LATER, "too many attempts", "its limit of connections or attempts is reached",
		"nothing: the next attempt waits longer; close other clients if it lasts" },
	[CAUSE_HTTP_500] = { "http_500", LINK_RETRY, "the server failed inside", "an error in its own code",
		"look at its log" },
	[CAUSE_HTTP_502] = { "http_502", LINK_RETRY, "a proxy cannot reach the server behind it", "that server is down or broken",
		"start it, or correct the proxy" },
	[CAUSE_HTTP_503] = { "http_503", LINK_RETRY, "the server, or a proxy before it, is not ready", "it starts, drains or is overloaded",
		"nothing yet: it is tried again" },
	[CAUSE_HTTP_504] = { "http_504", LINK_RETRY, "a proxy waited in vain for the server behind it", "that server hangs",
		"look at that server" },
	[CAUSE_HTTP_CLIENT] = { "http_4xx", LINK_RETRY_LATER, "the server does not upgrade to WebSocket", "it understands the request otherwise",
		"check the url" },
	[CAUSE_HTTP_SERVER] = { "http_5xx", LINK_RETRY, "the server, or a proxy before it, is not ready", "an error there",
		"look at its log" },
	[CAUSE_HTTP_OTHER] = { "http_other", LINK_RETRY_LATER, "the server does not upgrade to WebSocket", "a page or an API is at this path",
		"check the url" },
	[CAUSE_ACCEPT_KEY] = { "accept_key", LINK_RETRY_LATER, "the upgrade's key is wrong", "a cache or a program that only imitates WebSocket answered",
		"check what stands at that port, and proxies between" },
	[CAUSE_SUBPROTOCOL] = { "subprotocol", LINK_RETRY_LATER, "the server chose a subprotocol that was not asked for", "it is another service than expected",
		"check the url and its path" },
	[CAUSE_HELLO_TIMEOUT] = { "hello_timeout", LINK_RETRY_LATER, "no answer to the hello", "the server hangs, or speaks another protocol",
		"check its log, the url and handshake" },
	[CAUSE_HELLO_REFUSED] = { "hello_refused", LINK_RETRY_LATER, "the server refused the hello", "token or protocol are not its own",
		"look at its log" },
	[CAUSE_JAMMED] = { "jammed", LINK_RETRY_LATER, "jammed: it upgrades, then closes 1000 without answering the hello, while its health page may say all is well",
		"its own circuit breaker is stuck open", "restart the daemon" },
	[CAUSE_1000] = { "close_1000", LINK_RETRY, "the server closed in good order", "it may have been stopped or restarted", "nothing: it is tried again" },
	[CAUSE_1001] = { "close_1001", LINK_RETRY, "the server goes away", "a restart, most likely", "nothing: it is tried again" },
	[CAUSE_1002] = { "close_1002_or_1012_1014", LINK_RETRY_LATER, "a protocol error, a restart or an overload: the library shows 1012 to 1014 as 1002",
		"its text tells which", "look at its log; is this the right server and path?" },
	[CAUSE_1003] = { "close_1003", LINK_RETRY_LATER, "the server does not take this kind of frame", "it expects another protocol", "check the handshake" },
	[CAUSE_1005] = { "close_1005", LINK_RETRY, "the server closed without a reason", "it may have been stopped", "nothing: it is tried again" },
	[CAUSE_1007] = { "close_1007", LINK_RETRY_LATER, "the server calls our text invalid", "it expects another protocol", "check that this is the right server" },
	[CAUSE_1008] = { "close_1008", LINK_RETRY_LATER, "the server's policy forbids it", "often too many connections", "look at its log" },
	[CAUSE_1009] = { "close_1009", LINK_RETRY_LATER, "the server calls a message too large", "its limit is lower than what was sent", "look at its log" },
	[CAUSE_1010] = { "close_1010", LINK_RETRY_LATER, "the server wants an extension that we do not offer", "it is made for other clients", "have it go without" },
	[CAUSE_1011] = { "close_1011", LINK_RETRY, "an error inside the server", "its own code failed", "look at its log" },
	[CAUSE_3000] = { "close_3000", LINK_TERMINAL, "unauthorized", "the token is missing or wrong", "check the token" },
	[CAUSE_3003] = { "close_3003", LINK_TERMINAL, "forbidden", "the token lacks the right", "check the token and its rights" },
	[CAUSE_4000] = { "close_4000", LINK_RETRY_LATER, "a code of the server's own", "its documentation says which", "look at its log" },
	[CAUSE_4001] = { "close_4001", LINK_RETRY_LATER, "a code of the server's own", "its documentation says which", "look at its log" },
	[CAUSE_4002] = { "close_4002", LINK_RETRY_LATER, "a code of the server's own", "its documentation says which", "look at its log" },
	[CAUSE_4003] = { "close_4003", LINK_RETRY_LATER, "a code of the server's own", "its documentation says which", "look at its log" },
	[CAUSE_CLOSE_OTHER] = { "close_other", LINK_RETRY_LATER, "a code of the server's own", "its documentation says which", "look at its log" },
	[CAUSE_NO_CLOSE] = { "no_close_frame", LINK_RETRY, "the connection was cut without a Close", "the process died, or the network or a proxy dropped it",
		"is that server running? it is tried again" },
	[CAUSE_PONG] = { "pong_missing", LINK_RETRY, "no pong came", "the server's loop is blocked, it hangs, or the network drops packets",
		"closed 1011 here, it reconnects by itself" },
	[CAUSE_PONG_PEER] = { "keepalive_peer", LINK_RETRY, "the server saw no pong of ours in time", "one side's loop was blocked, or the network drops packets",
		"compare the loop lag; it reconnects by itself" },
	[CAUSE_TEXT] = { "invalid_text", LINK_RETRY_LATER, "the server sent text that is not UTF-8", "a fault of the server, or not a WebSocket server",
		"closed 1007 here; check that this is the right server" },
	[CAUSE_FRAMES] = { "invalid_frames", LINK_RETRY_LATER, "the server broke the rules of WebSocket frames", "a fault of the server, or of a proxy between",
		"closed 1002 here; check that this is the right server" },
	[CAUSE_TOO_LARGE] = { "message_too_large", LINK_RETRY_LATER, "the server sent a message above 8 MiB", "it is made for other clients",
		"closed 1009 here; have it send less" },
	[CAUSE_SEND] = { "send", LINK_RETRY, "the hello could not be sent", "the connection took nothing more", "nothing: it is tried again" },
};

const struct cause *cause_of(enum link_cause c)
{
	return &causes[c < LINK_CAUSES ? c : CAUSE_NONE];
}

const char *link_class_name(enum link_class c)
{
	switch (c) {
	case LINK_RETRY: return "retry";
	case LINK_RETRY_LATER: return "retry later";
	case LINK_TERMINAL: return "terminal";
	}
	return "";
}

struct pair {
	int code;
	enum link_cause cause;
};

static enum link_cause find(const struct pair *p, size_t n, int code, enum link_cause otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].code == code)
			return p[i].cause;
	return otherwise;
}

static enum link_cause of_status(int status)
{
	static const struct pair rows[] = {
		{ 401, CAUSE_HTTP_401 }, { 403, CAUSE_HTTP_403 }, { 404, CAUSE_HTTP_404 }, { 407, CAUSE_HTTP_407 }, { 426, CAUSE_HTTP_426 },
		{ 429, CAUSE_HTTP_429 }, { 500, CAUSE_HTTP_500 }, { 502, CAUSE_HTTP_502 }, { 503, CAUSE_HTTP_503 }, { 504, CAUSE_HTTP_504 },
	};
	enum link_cause otherwise = status >= 500 ? CAUSE_HTTP_SERVER : status >= 400 ? CAUSE_HTTP_CLIENT : status >= 300 ? CAUSE_HTTP_REDIRECT
		: CAUSE_HTTP_OTHER;
	return find(rows, ARRAY_LEN(rows), status, otherwise);
}

static enum link_cause of_code(int code)
{
	static const struct pair rows[] = {
		{ 1000, CAUSE_1000 }, { 1001, CAUSE_1001 }, { 1002, CAUSE_1002 }, { 1003, CAUSE_1003 }, { 1005, CAUSE_1005 },
		{ 1006, CAUSE_NO_CLOSE }, { 1007, CAUSE_1007 }, { 1008, CAUSE_1008 }, { 1009, CAUSE_1009 }, { 1010, CAUSE_1010 },
		{ 1011, CAUSE_1011 }, { 1012, CAUSE_1002 }, { 1013, CAUSE_1002 }, { 1014, CAUSE_1002 }, { 3000, CAUSE_3000 },
		{ 3003, CAUSE_3003 }, { 4000, CAUSE_4000 }, { 4001, CAUSE_4001 }, { 4002, CAUSE_4002 }, { 4003, CAUSE_4003 },
	};
	return find(rows, ARRAY_LEN(rows), code, CAUSE_CLOSE_OTHER);
}

/* Where nothing exact is known, or nothing came at all, the rung decides. */
static enum link_cause of_rung(enum ws_rung rung, enum link_cause connect, enum link_cause tls, enum link_cause upgrade)
{
	switch (rung) {
	case WS_RESOLVE: return CAUSE_RESOLVE;
	case WS_CONNECT: return connect;
	case WS_TLS: return tls;
	case WS_UPGRADE:
	case WS_RUNGS: break;
	}
	return upgrade;
}

enum link_cause cause_of_why(enum net_why why, enum ws_rung rung, int http_status)
{
	static const enum link_cause exact[NET_WHYS] = {
		[NET_WHY_ADDRESS] = CAUSE_ADDRESS, [NET_WHY_RESOLVE] = CAUSE_RESOLVE, [NET_WHY_REFUSED] = CAUSE_REFUSED,
		[NET_WHY_UNREACHABLE] = CAUSE_UNREACHABLE, [NET_WHY_CERT_EXPIRED] = CAUSE_TLS_EXPIRED, [NET_WHY_CERT_EARLY] = CAUSE_TLS_EARLY,
		[NET_WHY_CERT_HOST] = CAUSE_TLS_HOST, [NET_WHY_CERT_CA] = CAUSE_TLS_CA, [NET_WHY_CERT_OTHER] = CAUSE_TLS_CERT,
		[NET_WHY_NOT_TLS] = CAUSE_TLS_PLAIN, [NET_WHY_TLS] = CAUSE_TLS, [NET_WHY_ACCEPT_KEY] = CAUSE_ACCEPT_KEY,
		[NET_WHY_SUBPROTOCOL] = CAUSE_SUBPROTOCOL, [NET_WHY_NOT_HTTP] = CAUSE_NOT_HTTP, [NET_WHY_FRAMES] = CAUSE_FRAMES,
		[NET_WHY_TEXT] = CAUSE_TEXT, [NET_WHY_TOO_LARGE] = CAUSE_TOO_LARGE,
	};
	if (why == NET_WHY_STATUS)
		return of_status(http_status);
	if (why == NET_WHY_SILENT)
		return of_rung(rung, CAUSE_CONNECT_TIMEOUT, CAUSE_TLS_TIMEOUT, CAUSE_UPGRADE_TIMEOUT);
	if (why == NET_WHY_CUT)
		return of_rung(rung, CAUSE_CONNECT, CAUSE_TLS, CAUSE_UPGRADE_CUT);
	if (why < NET_WHYS && exact[why])
		return exact[why];
	return of_rung(rung, CAUSE_CONNECT, CAUSE_TLS, CAUSE_UPGRADE);
}

enum link_cause cause_of_end(const struct ws_end *end, bool in_hello)
{
	if (!end->was_open)
		return cause_of_why(end->why, end->rung, end->http_status);
	if (end->why == NET_WHY_FRAMES || end->why == NET_WHY_TEXT || end->why == NET_WHY_TOO_LARGE)
		return cause_of_why(end->why, end->rung, 0);
	if (in_hello && end->close_code == 1000)
		return CAUSE_JAMMED;
	if (end->close_code == 1011 && strcasestr(end->reason, "keepalive"))
		return CAUSE_PONG_PEER;
	return of_code(end->close_code);
}

bool cause_is_vague(enum link_cause c)
{
	return c == CAUSE_CONNECT || c == CAUSE_TLS || c == CAUSE_UPGRADE;
}

enum link_class cause_class(enum link_cause c, const struct ws_end *end)
{
	if (c == CAUSE_1002 && (end->close_code == 1012 || strcasestr(end->reason, "restart")))
		return LINK_RETRY;
	return cause_of(c)->class_;
}
