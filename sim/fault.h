/* Faults: one table of what can go wrong, rules that say when, and the decision for one request.
 * Chance comes from (seed, rule, id, n-th request of the id) alone, so a run with the same seed
 * hits the same files whatever the order in which requests arrive. Pure; one thread.
 *
 * A rule: store=NAME|link=NAME op=NAME id=ID nth=N every=N from=N..M attempt=N rate=SHARE times=N
 * conn=warm|cold|any act=yes|no arg=VALUE fault=NAME. Only fault= is required; without store= or
 * link= it holds everywhere. nth, every and from count the requests that fit store, op, id and
 * conn; attempt is the n-th request of this op for its own file; times ends the rule. */
#ifndef SLUICE_SIM_FAULT_H
#define SLUICE_SIM_FAULT_H

#include "base/str.h"

enum fault_op {
	OP_LIST = 1, OP_GET = 2, OP_CONTENT = 4, OP_DELETE = 8, OP_UPLOAD = 16,
	/* of a link: the upgrade, the first frame, frames after it, a ping, all open connections at once */
	OP_UPGRADE = 32, OP_HELLO = 64, OP_CALL = 128, OP_PING = 256, OP_NOW = 512,
	OP_REFS = 1024,                 /* lists of what refers to files */
	OP_STORE = 31 | 1024, OP_LINK = 992
};
const char *fault_op_name(enum fault_op op);

/* How the answer travels. */
enum fault_how {
	HOW_ANSWER,
	HOW_CUT,                /* no answer: the connection ends */
	HOW_HOLD,               /* no answer until the client gives up */
	HOW_SHORT,              /* half the body, then the end */
	HOW_DRIP,               /* one byte every arg ms */
	HOW_DELAY,              /* arg ms late */
	HOW_LINK                /* see what */
};

/* What it says. */
enum fault_what {
	SAY_TRUTH,              /* what would have been said without the fault */
	SAY_ERROR,              /* status and error object of the table */
	SAY_NOTHING,            /* 200 with no body */
	SAY_BROKEN,             /* 200 with JSON that ends early */
	SAY_NOT_DELETED,        /* 200 "deleted": false */
	SAY_WRONG_ID,           /* 200 about another id */
	SAY_HUGE,               /* the truth after arg bytes of padding */
	SAY_DELETED,            /* 200 "deleted": true, whatever happened */
	SAY_SAME_PAGE,          /* the page that ends where this one should begin, with more to come */
	SAY_EMPTY_PAGE,         /* no items, more to come */
	SAY_TWICE,              /* one item twice */
	SAY_OTHER_BYTE,         /* the truth, but for one byte in its middle */
	SAY_ONE_MORE,           /* the truth and one byte more */
	/* links */
	SAY_CLOSE,              /* Close with a code and a reason */
	SAY_TCP_END,
	SAY_NEVER,              /* silent from now on */
	SAY_NO_PONG,
	SAY_FLAP,               /* Close 1011 after arg seconds */
	SAY_BAD_JSON,
	SAY_HUGE_FRAME,
	SAY_FRAGMENTS,          /* the truth in arg pieces with pings between them */
	SAY_BAD_UTF8,
	SAY_MASKED,             /* server frames must not be */
	SAY_BAD_OPCODE,
	SAY_REFUSE,             /* HTTP status arg instead of 101 */
	SAY_BAD_ACCEPT,         /* 101 with a wrong Sec-WebSocket-Accept */
	SAY_LATE                /* arg ms late */
};

/* What happens to files. */
enum fault_act { ACT_NONE, ACT_ASKED, ACT_ANOTHER };

enum fault_arg { ARG_NONE, ARG_SECONDS, ARG_MS, ARG_BYTES, ARG_COUNT, ARG_STATUS, ARG_CODE, ARG_END, ARG_ID };

struct fault_kind {
	const char *name;
	unsigned ops;                   /* it can be asked for */
	unsigned usual;                 /* ops of a rule that names none */
	enum fault_act act;
	enum fault_how how;
	enum fault_what say;
	int status;                     /* HTTP status or close code */
	const char *type, *code, *message;      /* of the error object; message also of a Close */
	bool warm;                      /* unless conn= says otherwise, only on a connection that served a request */
	bool only_live;                 /* only for a file that is there */
	bool only_after;                /* only for a page that is not the first */
	enum fault_arg arg;
	int64_t arg_default;
	const char *help;
};

const struct fault_kind *fault_find(struct slice name);
/* By number from 0; NULL ends. For help, man page and tests. */
const struct fault_kind *fault_at(size_t i);

enum fault_conn { CONN_ANY, CONN_WARM, CONN_COLD };

struct fault_rule {
	const struct fault_kind *kind;
	int number;                     /* 1 for the first ever added */
	char text[240];                 /* as it was written */
	enum { WHERE_ANY, WHERE_STORE, WHERE_LINK } where;
	char name[40];
	unsigned ops;
	char id[64];                    /* "" any */
	int64_t nth, every, from, to, attempt, times;   /* -1 not said */
	uint64_t rate;                  /* of 2^32; 2^32 always */
	enum fault_conn conn;
	enum fault_act act;
	int64_t arg;
	char word[64];                  /* argument that is not a number */
	bool reset;                     /* a cut is a RST */
	int64_t seen, fired;
};

/* One rule. The sentence names the token that is wrong. */
enum rc fault_parse(struct fault_rule *out, struct slice text, struct err *e) MUST_USE;

struct fault_event {
	bool link;
	struct slice where;             /* name of the store or link */
	enum fault_op op;
	struct slice id;                /* empty for none */
	int64_t attempt;                /* n-th request of this op for this id; 0 unknown */
	bool warm, live, after;
};

struct fault_set;
struct fault_set *fault_set_new(uint64_t seed);
/* Before the first decision. */
void fault_set_seed(struct fault_set *s, uint64_t seed);
void fault_set_free(struct fault_set *s);
/* Copies r; returns its number. */
int fault_set_add(struct fault_set *s, const struct fault_rule *r);
/* Lines of rules; blank lines and lines with # are skipped. All or nothing; *added may be NULL. */
enum rc fault_set_add_text(struct fault_set *s, struct slice text, int *added, struct err *e) MUST_USE;
void fault_set_clear(struct fault_set *s);
size_t fault_set_count(const struct fault_set *s);
const struct fault_rule *fault_set_get(const struct fault_set *s, size_t i);
/* The first rule that fits and fires, or NULL. Counts in every rule that fits. Valid until the set changes. */
const struct fault_rule *fault_decide(struct fault_set *s, const struct fault_event *ev);

#endif
