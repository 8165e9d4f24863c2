/* What a server shows of itself while a client connects: its certificate, its refusals. */
#include "net/ws_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

static void name_of(const X509_NAME *name, char *dst, size_t cap)
{
	char line[256];

	text_z(dst, cap, slice_of(X509_NAME_oneline(name, line, sizeof line) ? line : ""));
}

/* Not by lws, whose expiry is a day early and in local time. */
void ws_read_cert(struct ws_conn *c, void *store)
{
	const X509 *leaf = X509_STORE_CTX_get0_cert(store);
	struct tm t;

	if (!leaf || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &t) != 1)
		return;
	if (!c->cert)
		c->cert = xcalloc(1, sizeof *c->cert);
	c->cert->expires_us = (int64_t)timegm(&t) * 1000000;
	name_of(X509_get_issuer_name(leaf), c->cert->issuer, sizeof c->cert->issuer);
	name_of(X509_get_subject_name(leaf), c->cert->subject, sizeof c->cert->subject);
}

const struct net_cert *ws_cert(const struct ws_conn *c)
{
	return c->cert;
}

int ws_client_filter(struct ws_conn *c, struct lws *wsi)
{
	const struct ws_client *k = c->role_data;

	if (k->subprotocol || lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0)
		return 0;
	ws_conn_peer_says(c, SLICE_LIT("the server chose a subprotocol that was not asked for"));
	c->why = NET_WHY_SUBPROTOCOL;
	return -1;
}

int ws_verify(struct lws *wsi, void *store, size_t ok)
{
	const char *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	struct ws_conn *c = lws_get_opaque_user_data(wsi);
	char words[160];

	if (c)
		ws_read_cert(c, store);
	if (!ok && c) {
		c->why = net_why_x509(X509_STORE_CTX_get_error(store));
		snprintf(words, sizeof words, "certificate: %s", why);
		ws_conn_peer_says(c, slice_of(words));
	}
	return !ok;
}
