/* A child process that speaks lines: argv without a shell, an environment of its own, its own process
 * group. What it writes to stdout comes as lines, the end of what it writes to stderr as last words.
 * Loop thread. */
#ifndef SLUICE_NET_CHILD_H
#define SLUICE_NET_CHILD_H

#include "base/str.h"
#include "net/loop.h"

struct child_opts {
	const char *const *argv;        /* argv[0] is an absolute path; NULL-terminated */
	const char *const *env;         /* "NAME=value", all that it gets; NULL-terminated */
	size_t max_line;                /* bytes; a longer line ends the child */
};

struct child_end {
	int exit_status, signal;        /* signal 0 = it exited */
	bool too_long;                  /* it wrote a line above max_line */
	char last_words[120];           /* shown form of its last line on stderr; "" none */
};

struct child_handler {
	/* Without the line break; borrowed. A line that the end cuts off is not handed on. */
	void (*line)(void *ctx, struct slice line);
	/* Once, after the last line. Then only child_free is left. */
	void (*ended)(void *ctx, const struct child_end *end);
};

struct child;
/* RC_IO with a sentence when it cannot be started; nothing is called back then. Copies h. */
enum rc child_start(struct child **out, struct loop *l, const struct child_opts *o, const struct child_handler *h, void *ctx,
		    struct err *e) MUST_USE;
/* Queues bytes for its stdin. What an ended child did not read is dropped. */
void child_send(struct child *c, struct slice bytes);
/* Its whole group: SIGTERM and the end of its stdin now, SIGKILL after grace_ms. */
void child_stop(struct child *c, int64_t grace_ms);
/* No callback comes any more; a child that runs gets SIGKILL with its group. NULL is fine. */
void child_free(struct child *c);
int child_pid(const struct child *c);

#endif
