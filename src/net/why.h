/* Why a connection did not come about or ended: what both ways to climb (ws.h carries links, climb.h
 * looks again) can tell apart. */
#ifndef SLUICE_NET_WHY_H
#define SLUICE_NET_WHY_H

#include <stdint.h>

enum net_why {
	NET_WHY_NONE,           /* it did not fail, or a Close frame says why */
	NET_WHY_VAGUE,          /* failed without an exact reason: a second look may find one */
	NET_WHY_ADDRESS,        /* url or CA file cannot be used */
	NET_WHY_RESOLVE,
	NET_WHY_REFUSED,
	NET_WHY_UNREACHABLE,
	NET_WHY_SILENT,         /* nothing came in time; the rung says on what */
	NET_WHY_CERT_EXPIRED,
	NET_WHY_CERT_EARLY,     /* not valid yet */
	NET_WHY_CERT_HOST,      /* made out to another name */
	NET_WHY_CERT_CA,        /* nobody we trust signed it */
	NET_WHY_CERT_OTHER,
	NET_WHY_NOT_TLS,        /* what answers is not TLS */
	NET_WHY_TLS,            /* handshake refused */
	NET_WHY_STATUS,         /* answered with a status other than 101 */
	NET_WHY_ACCEPT_KEY,     /* 101 with a wrong or missing Sec-WebSocket-Accept */
	NET_WHY_SUBPROTOCOL,    /* 101 with a subprotocol nobody asked for */
	NET_WHY_NOT_HTTP,
	NET_WHY_CUT,            /* ended without an answer, or without a Close frame */
	NET_WHY_FRAMES,         /* the peer broke the rules of frames */
	NET_WHY_TEXT,           /* the peer sent text that is not UTF-8 */
	NET_WHY_TOO_LARGE,      /* the peer sent more than a message may have */
	NET_WHYS
};

enum net_why net_why_errno(int e);               /* of a connect or a read; NET_WHY_VAGUE: it tells nothing */
enum net_why net_why_x509(long code);           /* of a failed X509_V_ERR_ verification */

/* What the certificate of a peer says; texts in shown form. */
struct net_cert {
	int64_t expires_us;     /* wall; 0 = not told */
	char issuer[96], subject[96];
};

#endif
