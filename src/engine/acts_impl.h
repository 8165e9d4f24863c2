/* Shared by the files acts*.c alone: how an effect of the coordinator becomes a call, and an answer an event.
 * Everything here runs on the loop's thread. */
#ifndef SLUICE_ENGINE_ACTS_IMPL_H
#define SLUICE_ENGINE_ACTS_IMPL_H

#include "engine/internal.h"

/* The coordinator numbers the lanes of its cycle, the engine all of them. */
static inline struct elane *acts_lane(struct runner *r, int lane) { return &r->en->lane[r->lane_of[lane]]; }

/* An answer from outside, told to the coordinator as the engine's own; also = records of the same transaction, owned after the call. */
static inline void acts_feed_with(struct runner *r, const struct cycle_event *ev, struct journal *also)
{
	runner_event(r, ev, &actor_engine, also, NULL, NULL);
}

static inline void acts_feed(struct runner *r, const struct cycle_event *ev) { acts_feed_with(r, ev, NULL); }

/* Of a call about one lane. */
struct lane_ctx {
	struct runner *r;
	int lane;
};

struct acts_batch;
typedef void acts_then_fn(struct acts_batch *b);
typedef void acts_records_fn(struct acts_batch *b, const struct records_ref *refs, size_t n, records_answer_fn *answer);
typedef bool acts_meant_fn(const struct cycle_item *it);

/* One call about many items: taken by acts_batch with room for max, given back by acts_batch_feed as events of CYCLE_SLICE
 * items each. Whatever is done for each of them is done a slice at a time, one in a turn of the loop. */
struct acts_batch {
	struct runner *r;
	enum cycle_event_kind kind;
	int lane;
	int32_t *items;
	struct records_ref *refs;
	uint8_t *results;
	size_t n;
	int32_t from, to;               /* of the plan: looked through for items that are meant */
	acts_meant_fn *meant;
	acts_then_fn *then;
	acts_records_fn *call;
	const uint8_t *means;           /* what the records' results mean */
	size_t asked, fed;
	struct err said;                /* fed as the events' text */
	/* recheck by GET */
	size_t *queue, queued, next;    /* which of the items, some of them again */
	uint8_t *tries;
	int64_t out;
	int64_t not_before_us;          /* boot time */
	struct loop_timer *timer;
	size_t looked;                  /* so many of them are looked for among protections and uses */
	bool protections;               /* there may be some */
	bool items_too;                 /* not only rows and references */
	char why[200];
};

struct acts_batch *acts_batch(struct runner *r, enum cycle_event_kind kind, int lane, size_t max);
void acts_batch_add(struct acts_batch *b, int32_t item);
/* Adds those of e's range that are meant, then goes on with it. If the engine stops meanwhile nothing comes of it. */
void acts_batch_fill(struct acts_batch *b, const struct effect *e, acts_meant_fn *meant, acts_then_fn *then);
/* Asks the records about all of them and feeds what they say, by means[]; a result other than 0 stays. After a part without an
 * answer the rest is not asked for and has none either. */
void acts_batch_ask(struct acts_batch *b, acts_records_fn *call, const uint8_t *means);
void acts_batch_feed(struct acts_batch *b, const char *text);

/* Objects that are gone by now protect their items in b->results; then goes on with the batch. */
void acts_objects(struct acts_batch *b, acts_then_fn *then);

/* One function per kind of effect; each ends in exactly one event per call it made. */
void act_discover(struct runner *r, int lane);
void act_list_records(struct runner *r);
void act_validate(struct runner *r);
void act_claim(struct runner *r, const struct effect *e);
void act_commit(struct runner *r, const struct effect *e);
void act_remap(struct runner *r, const struct effect *e);
void act_look(struct runner *r, const struct effect *e);
void act_release(struct runner *r, const struct effect *e);
void act_count_claims(struct runner *r);
void act_recheck(struct runner *r, const struct effect *e);

#endif
