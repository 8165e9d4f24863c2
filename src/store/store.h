/* The storage thread: it owns the one writing connection to sluice.db, takes batches from the loop,
 * commits everything that waits in one transaction (group commit) and hands the answers back through
 * a wake function given by the caller. An intent may be acted on only after its answer came back
 * with RC_OK. A COMMIT that failed means unknown: the thread reopens, re-reads the tail, and answers
 * by what it then finds; if it cannot write it answers RC_AUDIT for everything until it can again. */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include "store/journal.h"

struct store;

struct store_opts {
	const char *dir;                        /* state directory, 0700, already locked by the caller */
	void (*wake)(void *ctx);                /* called on the storage thread: make the loop call store_drain */
	void *wake_ctx;
};

/* Opens or creates sluice.db, migrates, reads the head, starts the thread. RC_USAGE for a newer
 * state directory, RC_AUDIT for a damaged file. */
enum rc store_open(struct store **out, const struct store_opts *o, struct err *e) MUST_USE;
/* Commits what waits, takes a last PASSIVE checkpoint, joins the thread, runs the answers that were
 * not drained, frees. */
void store_close(struct store *s);

typedef void store_done(void *ctx, enum rc rc, const struct err *e);
/* Takes ownership of j. done (may be NULL) runs in store_drain, in order of submission; e is never
 * NULL. A batch with an error of its own is rolled back alone and answered with its code; RC_AUDIT
 * means the log cannot be written, and of a COMMIT that failed that the records may still be there:
 * store_head after the next RC_OK, or a restart, tells. Loop thread. */
void store_commit(struct store *s, struct journal *j, store_done *done, void *ctx);
/* Run the answers that came back. Loop thread. */
void store_drain(struct store *s);
bool store_drain_some(struct store *s, int64_t slice_us);       /* true: there are more, call it again */
int store_waiting(const struct store *s);               /* batches not yet answered */

struct audit_head store_head(const struct store *s);    /* of the last commit that was answered */
bool store_writable(const struct store *s);             /* wake is called when it changes; retried twice a second */
const char *store_path(const struct store *s);          /* of sluice.db, for readers */
int64_t store_wal_bytes(const struct store *s);
/* Lock the state directory (flock on DIR/lock, close-on-exec) and take the lease: a fencing token one
 * higher than any before. RC_LEASE names the holder's pid. The lock lives until the process ends. */
enum rc store_lock(const char *dir, int64_t *fencing_token, struct err *e) MUST_USE;

#endif
