/* A health page of the daemon (/health and its relatives), read by a table. It is what the daemon says,
 * never what is: it is shown beside what the connection tells and decides nothing. Every word is kept as it
 * was said; what the page does not say has none. Pure. */
#ifndef SLUICE_LINK_SAID_H
#define SLUICE_LINK_SAID_H

#include "base/json.h"

enum { SAID_MOST = 12, SAID_TEXT = 64, SAID_BODY_MAX = 65536 };

struct link_said {
	int page;                               /* which of the table */
	int n;                                  /* what it could say */
	struct said_word {
		const char *name;               /* of the table */
		bool said;
		char word[SAID_TEXT];           /* shown form; "" unless said */
	} v[SAID_MOST];
};

/* All that the page at this url could say, and nothing of it said. */
void link_said_init(struct link_said *s, const char *url);
/* What it says in this body; false: not a JSON object within our limits, and nothing is said. */
bool link_said_read(struct link_said *s, struct slice body);
/* 1 = it calls itself healthy, 0 = it calls itself something else, -1 = it does not say. */
int link_said_healthy(const struct link_said *s);

#endif
