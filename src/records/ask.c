#include "records/ask.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct asker {
	struct loop_wake *wake;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	const struct question *q;
	enum { IDLE, POSTED, RUNNING, ANSWERED } state;
	bool stopped;
};

static void on_wake(void *ctx)
{
	struct asker *a = ctx;
	pthread_mutex_lock(&a->lock);
	const struct question *q = a->state == POSTED ? a->q : NULL;
	if (q)
		a->state = RUNNING;
	pthread_mutex_unlock(&a->lock);
	if (q)
		q->start(q->ctx);
}

struct asker *asker_new(struct loop *l)
{
	struct asker *a = xcalloc(1, sizeof *a);
	a->wake = loop_wake_new(l, on_wake, a);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->answered, NULL);
	return a;
}

void asker_free(struct asker *a)
{
	if (!a)
		return;
	loop_wake_free(a->wake);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->answered);
	free(a);
}

bool asker_ask(struct asker *a, const struct question *q)
{
	pthread_mutex_lock(&a->lock);
	if (!a->stopped) {
		a->q = q;
		a->state = POSTED;
		loop_wake_send(a->wake);
		while (a->state != ANSWERED)
			pthread_cond_wait(&a->answered, &a->lock);
		a->state = IDLE;
	}
	bool done = !a->stopped;
	pthread_mutex_unlock(&a->lock);
	return done;
}

void asker_answer(struct asker *a)
{
	pthread_mutex_lock(&a->lock);
	a->state = ANSWERED;
	pthread_cond_signal(&a->answered);
	pthread_mutex_unlock(&a->lock);
}

void asker_stop(struct asker *a)
{
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	const struct question *running = a->state == RUNNING ? a->q : NULL;
	if (a->state == POSTED) {
		a->state = ANSWERED;
		pthread_cond_signal(&a->answered);
	}
	pthread_mutex_unlock(&a->lock);
	if (running)
		running->cancel(running->ctx);
}
