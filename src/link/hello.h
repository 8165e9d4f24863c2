/* Handshakes: what is said first after the upgrade, what the answer means, and what a close code or
 * a refused upgrade means for the next attempt. One table row per handshake. Pure. */
#ifndef SLUICE_LINK_HELLO_H
#define SLUICE_LINK_HELLO_H

#include "link/link.h"

enum hello_answer {
	HELLO_ACK,
	HELLO_REFUSED,          /* *v says what to do; the server usually closes after it */
	HELLO_OTHER             /* nothing about the handshake */
};

/* What an end means: for the next attempt, and for people. */
struct hello_verdict {
	enum link_class class_;
	const char *why;        /* static: probably why, and what to do */
};

struct hello {
	const char *name;
	/* Frame to send after the upgrade; false = none is due and the link is up. May hold the token:
	 * the caller wipes *out. */
	bool (*first)(const struct cfg_link *cfg, const struct secret *token, struct buf *out);
	enum hello_answer (*answer)(struct slice frame, struct hello_verdict *v, char error[64]);
	bool (*known_frame)(struct slice frame);        /* NULL = everything is fine */
	const struct hello_close {
		int code;
		struct hello_verdict v;
	} *closes;              /* beyond the common ones; ends with code 0 */
};

const struct hello *hello_find(const char *name);       /* NULL = unknown */
void hello_names(struct buf *out);
/* What this end means: by the handshake's own close codes, else by its cause (then why is NULL: the cause has the words). */
struct hello_verdict hello_verdict(const struct hello *h, enum link_cause c, const struct ws_end *end);

#endif
