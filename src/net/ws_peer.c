/* What a server shows of itself while a client connects: its certificate, its refusals. */
#include "net/ws_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum net_why ws_client_refusal(const struct ws_conn *c, struct slice words)
{
	static const struct { const char *words; enum net_why why; } ROWS[] = {
		{ "HS: Accept hash wrong", NET_WHY_ACCEPT_KEY }, { "HS: ACCEPT missing", NET_WHY_ACCEPT_KEY },
		{ "HS: PROTOCOL malformed", NET_WHY_SUBPROTOCOL }, { "HS: Cannot match protocol", NET_WHY_SUBPROTOCOL },
	};
	const struct ws_client *k = c->role_data;

	if (c->why)
		return c->why;
	if (c->rung == WS_UPGRADE && k->http_status > 0 && k->http_status != 101)
		return NET_WHY_STATUS;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		if (c->rung == WS_UPGRADE && slice_is(words, ROWS[i].words))
			return ROWS[i].why;
	return NET_WHY_VAGUE;
}

void ws_client_cert(struct ws_conn *c)
{
	struct ws_client *k = c->role_data;
	struct {
		union lws_tls_cert_info_results r;
		char more[192];         /* a name may be longer than the library's type */
	} who;
	union lws_tls_cert_info_results to;
	const struct { enum lws_tls_cert_info what; char *at; } NAMES[] = {
		{ LWS_TLS_CERT_INFO_ISSUER_NAME, c->cert.issuer }, { LWS_TLS_CERT_INFO_COMMON_NAME, c->cert.subject },
	};

	if (!k->tls || lws_tls_peer_cert_info(c->wsi, LWS_TLS_CERT_INFO_VALIDITY_TO, &to, 0) != 0)
		return;
	c->has_cert = true;
	c->cert.expires_us = (int64_t)to.time * 1000000;
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (lws_tls_peer_cert_info(c->wsi, NAMES[i].what, &who.r, sizeof who.r.ns.name + sizeof who.more) == 0)
			text_z(NAMES[i].at, sizeof c->cert.issuer, (struct slice){ who.r.ns.name, (size_t)who.r.ns.len });
}

const struct net_cert *ws_cert(const struct ws_conn *c)
{
	return c->has_cert ? &c->cert : NULL;
}

int ws_client_filter(struct ws_conn *c, struct lws *wsi)
{
	const struct ws_client *k = c->role_data;

	if (k->subprotocol || lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0)
		return 0;
	snprintf(c->peer_reason, sizeof c->peer_reason, "the server chose a subprotocol that was not asked for");
	c->why = NET_WHY_SUBPROTOCOL;
	return -1;
}
