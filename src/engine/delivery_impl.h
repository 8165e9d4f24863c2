/* Inside the room of delivery*.c; nobody else includes it. */
#ifndef SLUICE_ENGINE_DELIVERY_IMPL_H
#define SLUICE_ENGINE_DELIVERY_IMPL_H

#include "engine/delivery.h"
#include "engine/internal.h"
#include "link/adapter.h"

struct batch;

struct dlink {
	struct engine *en;
	size_t i;
	const struct cfg_link *cfg;
	const struct adapter *adapter;
	/* in */
	struct dedup *dedup;            /* NULL = its messages have no place */
	int64_t taken;
	bool stale;                     /* a commit failed: memory is read anew before anything is taken */
	int64_t unmarked;               /* being written */
	/* tried on a few connections */
	struct {
		enum feature_mode dedup;
		int64_t missed[GROUPS];
		int64_t events[GROUPS], full[GROUPS], large[GROUPS], expired[GROUPS];   /* expired: before it began */
		struct window wait[GROUPS];
		int64_t seq;            /* the event that was given last */
		int group, turn;        /* it was meant for; whose turn it is */
	} trial;
	/* out */
	struct queue *queue;            /* NULL = it wants no events */
	struct queue *tried;            /* the canary's share of them while another size is tried, else NULL */
	int64_t read, saved;            /* seq: given to the queue; told the database */
	bool saving;
	/* what the peer says of itself, and whether it answers */
	struct link_facts facts;
	int64_t facts_us;               /* wall time of the last word, -1 */
	struct probe {
		int64_t n, sent_us, due_us;     /* boot time; sent -1 = none is out */
		int64_t took_us, failed;        /* -1 never answered; since the start */
		bool plain;                     /* it does not know the op that was configured: list_tools */
		char trouble[160];              /* of the last one, "" none */
	} probe;
	struct {
		bool busy;
		int torn;               /* readings in a row that were not whole */
		int64_t due_us;         /* boot time */
		char trouble[160];
	} file;
	struct said *said;              /* its health page; NULL = none is asked */
};

struct delivery {
	struct dlink *l;
	struct batch *batch;
	bool flush_queued, stopping;
	int64_t due_us;                 /* boot time of the next pump, 0 = none */
	struct loop_timer *pump;        /* what left, what the log has, what to save */
	struct http_client *pages;      /* NULL until a health page is asked */
};


static inline int64_t wall_us(void) { return now_read().wall_us; }

/* ---- delivery_out.c ---- */
enum rc delivery_open_queue(struct dlink *l, struct err *e) MUST_USE;
void delivery_acknowledged(struct dlink *l, struct slice id);
void delivery_pump_soon(struct engine *en, int64_t ms);
void delivery_pump(void *engine);
void delivery_save(struct dlink *l);

/* ---- delivery_trial.c ---- */
/* Of a message that was just seen: would the window of its connection's group have told the same? */
void delivery_missed(struct dlink *l, enum dedup_verdict v, const struct dedup_mark *m);

/* Into the queue of the group whose turn it is; into the other while that one cannot take it. */
enum queue_answer delivery_give(struct dlink *l, int64_t seq, int64_t at_us, struct slice frame);
void delivery_gone(struct dlink *l, int group, int64_t at_us);          /* an event of then was given to a connection */
struct queue *delivery_queue(const struct dlink *l, int group);         /* NULL = it has none of its own */

/* ---- delivery_probe.c ---- */
void delivery_probe(struct dlink *l);                   /* once a second */
void delivery_probe_answer(struct dlink *l, const struct json *root);

/* ---- delivery_file.c ---- */
void delivery_file(struct dlink *l);                    /* once a second */

/* ---- delivery_said.c ---- */
void delivery_said_open(struct dlink *l);
void delivery_said(struct dlink *l);                    /* once a second */
int delivery_said_healthy(const struct dlink *l);       /* as of delivery_view */
void delivery_said_free(struct delivery *d, size_t links);

#endif
