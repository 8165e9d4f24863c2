/* Frames that a link shall carry to its peer: bounded by count, by bytes and by age. What is out stays in
 * the queue until its acknowledgement came (or, without acknowledgements, until it left this machine), and
 * goes out again under the same id when its connection ended before. Nothing leaves it uncounted.
 * Pure: time comes as an argument. */
#ifndef SLUICE_LINK_QUEUE_H
#define SLUICE_LINK_QUEUE_H

#include "base/str.h"

struct queue_opts {
	size_t items, bytes;            /* at most, of what waits and what is out together; 0 = nothing fits */
	int64_t age_us;                 /* older ones are dropped */
};

enum queue_answer {
	QUEUE_TAKEN,
	QUEUE_FULL,                     /* not now: what is in it must leave first */
	QUEUE_TOO_LARGE,                /* never: dropped and counted */
	QUEUE_EXPIRED                   /* too old already: dropped and counted */
};

struct queue_counts {
	int64_t taken, sent;
	int64_t repeated;               /* went out again */
	int64_t expired, too_large;     /* drops */
	size_t most_items, most_bytes;  /* ever held */
};

struct queue;
struct queue *queue_new(const struct queue_opts *o);
void queue_free(struct queue *q);

/* ids grow. frame is copied. at_us: when it happened. */
enum queue_answer queue_add(struct queue *q, int64_t id, int64_t at_us, struct slice frame, int64_t now_us);
bool queue_has_room(const struct queue *q, size_t bytes);
bool queue_fits(const struct queue *q, size_t bytes);   /* were it empty */
/* Other bounds from now on. What is in it stays, beyond them too: it takes nothing until enough has left. */
void queue_bound(struct queue *q, const struct queue_opts *o);
/* All of from, and what it counted, into q, whatever q's bounds; from is empty then. */
void queue_move(struct queue *q, struct queue *from);
/* The oldest that waits; false = none. The frame lives until the next call that is not queue_out. */
bool queue_next(struct queue *q, int64_t now_us, int64_t *id, struct slice *frame);
void queue_out(struct queue *q, int64_t id);            /* given to the connection */
bool queue_sent(struct queue *q, int64_t id);           /* left, or acknowledged, also after a cut; false = it never was out */
void queue_left(struct queue *q);                       /* all that is out was sent */
void queue_cut(struct queue *q);                        /* the connection ended: what is out waits again */
void queue_expire(struct queue *q, int64_t now_us);

int64_t queue_at(const struct queue *q, int64_t id);    /* at_us of it, -1 not in it */
size_t queue_items(const struct queue *q);
size_t queue_bytes(const struct queue *q);
size_t queue_items_out(const struct queue *q);
int64_t queue_oldest(const struct queue *q);            /* id of the oldest in it, -1 empty */
int64_t queue_oldest_at(const struct queue *q);         /* at_us of it, -1 empty */
const struct queue_counts *queue_counts(const struct queue *q);

#endif
