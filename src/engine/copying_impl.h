/* Shared by the files of engine/copying*.c only. Loop thread, but for what is named *_work. */
#ifndef SLUICE_ENGINE_COPYING_IMPL_H
#define SLUICE_ENGINE_COPYING_IMPL_H

#include "engine/internal.h"
#include "escrow/escrow.h"

enum {
	COPYING_BUFFER = 1 << 20,       /* bytes of one item that wait for the disk; more make the lane wait */
	COPYING_TRIES = 3,              /* of one item, after trouble that may pass */
	COPYING_WAITS = 20,             /* times one item is told to wait */
	COPYING_WAIT_MAX_MS = 5 * 60 * 1000,
	COPYING_LOOK_MS = 50            /* held, or told to wait: how often it is looked again */
};

/* One item on its way. */
struct copy_task {
	struct copying *x;
	struct plan_item *item;
	int lane;                       /* of the plan */
	struct copy_task *next;         /* among those that wait to be asked for */
	struct copy_task *next_run, **prev_run; /* all */
	int tries, waits;
	int64_t not_before_us;
	struct journal_escrow old;      /* a whole copy that is there already, in x->texts */
	bool has_old;
	struct copying_object *object;  /* it comes from there, not from its lane: out of a directory, */
	bool of_bucket;                 /* or out of a bucket: its stream is one of that lane */
	struct buf far;                 /* its path in the bucket that takes the copies, once that is known */
	int far_fd;                     /* the verified copy while it is put there */
	struct lane_stream *stream;     /* NULL = nothing is under way */
	bool refused;                   /* a part was not taken */
	struct lane_content answer;     /* once it came */
	struct escrow_copy *copy;
	struct buf in, out;             /* come; being written */
	struct buf headers;             /* what the store keeps with the bytes */
	bool writing;
	bool given_up;                  /* stopped by us, and why */
	char given_why[220];
	enum rc rc;                     /* of the disk */
	struct err err;
	bool has_sha;
	struct hash sha;                /* of its row */
	struct hash made;
	int64_t made_bytes;
};

struct copy_lane {
	enum cfg_escrow_word how;
	int64_t cap;                    /* items of the plan that could be granted at most */
	struct slice target;            /* its identity, in x->texts */
	int32_t next, end;              /* places in v->order */
	int64_t taken;                  /* of cap: kept, on their way, and of a lane that only tries those that could not be kept */
	int64_t not_before_us;
	struct copy_task *again;        /* wait to be asked for */
	char stopped[220];              /* why nothing more is asked of it; "" = it is */
};

struct copying {
	struct engine *en;
	struct runner *r;
	struct validation *v;
	void (*done)(void *ctx);
	void *ctx;
	struct escrow *dir;
	const struct cfg_objects *objects;      /* whose objects may be copied where a lane gives nothing; NULL = none */
	struct arena *texts;
	struct loop_timer *timer;
	struct copy_lane lane[CYCLE_MAX_LANES];
	struct copy_task *tasks;
	int running;
	bool ready;                     /* prepared */
	char stopped[220];              /* why nothing more is copied; "" = it is */
	bool aborted;                   /* and what runs is given up */
	int64_t wanted, kept, not_kept;         /* items */
	int64_t bytes;                  /* that came */
	int64_t need, need_items, largest;      /* bytes that are to be copied, items, bytes of the largest */
	struct err err;
	enum rc rc;
};

/* ---- copying.c ---- */
void copying_go(struct copying *x);
/* It has its answer; frees t. kept: t->made and t->made_bytes say what; else why there is none. */
void copying_settled(struct copy_task *t, bool kept, const char *why);
void copying_wait(struct copy_task *t);                 /* asked for again when its lane may */
void copying_disk_failed(struct copying *x, const char *why);

/* ---- copying_item.c ---- */
void copying_item_begin(struct copy_task *t);
void copying_item_ask(struct copy_task *t);             /* the lane's pace allows it */
/* A task that is being asked, or waits to be. */
void copying_item_stop(struct copy_task *t, const char *why);
void copying_item_end(struct copy_task *t);             /* t->rc says what became of it, t->made what was copied */

void copying_item_settle(struct copy_task *t);          /* so it is; where it lies in the end is known */
void copying_item_looked(struct copy_task *t);          /* t->rc says whether the whole copy that was there is what it was */

/* ---- copying_bucket.c ---- */
bool copying_bucket_is(const struct copying *x);        /* copies go into one */
void copying_bucket_room(struct copying *x);            /* sets x->ready */
void copying_bucket_put(struct copy_task *t);           /* the verified copy, out of the directory */
void copying_bucket_look(struct copy_task *t);          /* at t->old, which lies in one */

/* ---- copying_object.c ---- */
/* Whether this item's bytes may come from the object that its row names. */
bool copying_has_object(const struct copying *x, const struct plan_item *it);
void copying_object_begin(struct copy_task *t);
/* Of t->of_bucket: the lane of the bucket, and the key there. */
struct lane *copying_object_lane(const struct copy_task *t);
struct slice copying_object_key(const struct copy_task *t);

#endif
