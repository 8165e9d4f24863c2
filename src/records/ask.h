/* A call to a database over the network has a thread of its own, so that a server that hangs takes no
 * pool worker; its sockets stay on the loop. The thread asks, the loop does and answers: one
 * question at a time. */
#ifndef SLUICE_RECORDS_ASK_H
#define SLUICE_RECORDS_ASK_H

#include "net/loop.h"

struct asker;
struct asker *asker_new(struct loop *l);
void asker_free(struct asker *a);               /* on the loop; nobody asks */

/* Both run on the loop. start ends in asker_answer(), now or later; cancel in asker_answer() before
 * it returns. */
struct question {
	void (*start)(void *ctx);
	void (*cancel)(void *ctx);
	void *ctx;
};
/* Returns when the question is answered; false = stopped, it was not started or was cancelled. */
bool asker_ask(struct asker *a, const struct question *q);
void asker_answer(struct asker *a);             /* on the loop */
/* On the loop: what runs is cancelled, what comes is refused. */
void asker_stop(struct asker *a);

#endif
