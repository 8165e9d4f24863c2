/* Copies of items' bytes, kept so that a delete can be compensated (SEMANTICS 4): files 0600 in a
 * directory 0700 of their own, and their index in sluice.db. A copy counts as restorable only when
 * what was read again equals what was received, its length is the lane's and its SHA-256 the row's
 * where there is one. No network here; where the bytes come from is the caller's business.
 *
 * A file's name is SHA-256 over (lane, id): known before the first byte, so that what a crash left can
 * be found and taken away; free of foreign bytes; one file per item, so that giving one up takes
 * nothing from another. Any thread; everything but escrow_path blocks on the disk. */
#ifndef SLUICE_ESCROW_ESCROW_H
#define SLUICE_ESCROW_ESCROW_H

#include "base/hash.h"
#include "base/mem.h"
#include "store/journal.h"

/* ---- the directory ---- */

struct escrow;
/* Made (0700) if it is not there; refused unless it is a directory of ours that nobody else may enter.
 * reserve: bytes of its file system that copies leave free. */
enum rc escrow_open(struct escrow **out, const char *dir, int64_t reserve, struct err *e) MUST_USE;
void escrow_close(struct escrow *s);
void escrow_path(const struct escrow *s, struct slice lane, struct slice id, struct buf *out);
/* RC_FULL unless this many bytes fit beside the reserve. */
enum rc escrow_room(const struct escrow *s, int64_t bytes, struct err *e) MUST_USE;
/* A file of the directory that has no name, to read and write. */
enum rc escrow_spare(const struct escrow *s, int *fd, struct err *e) MUST_USE;
/* A copy by its path in the index, finished or not; nothing there is fine. */
enum rc escrow_remove(const char *path, struct err *e) MUST_USE;

/* ---- one copy being made ---- */

struct escrow_copy;
/* Writes under another name until it is whole; what an earlier attempt left there is taken away. */
enum rc escrow_begin(const struct escrow *s, struct slice lane, struct slice id, struct escrow_copy **out, struct err *e) MUST_USE;
enum rc escrow_write(struct escrow_copy *c, struct slice bytes, struct err *e) MUST_USE;
int64_t escrow_written(const struct escrow_copy *c);
/* To the disk, read again and compared, under its name. bytes -1 and sha256 NULL: nothing to compare
 * with. RC_FORMAT: it is not what it should be; RC_IO: it could not be kept. Frees c in every case, and
 * unless RC_OK nothing of it remains. */
enum rc escrow_finish(struct escrow_copy *c, int64_t bytes, const struct hash *sha256, struct hash *out, struct err *e) MUST_USE;
void escrow_drop(struct escrow_copy *c);        /* NULL is fine */

/* ---- reading one ---- */

/* Opens the file and hashes it whole; *fd stands at its beginning, the caller closes it. RC_NOT_FOUND:
 * no such file; RC_FORMAT: it is not the copy that was made. */
enum rc escrow_open_verified(const char *path, int64_t bytes, const struct hash *sha256, int *fd, struct err *e) MUST_USE;

/* ---- the index ---- */

/* The newest copy of an item; its slices live in *keep, which the caller frees. RC_NOT_FOUND unless
 * there is one in state ok. */
enum rc escrow_find(struct db *reader, struct slice lane, struct slice id, struct journal_escrow *out, struct arena *keep,
		    struct err *e) MUST_USE;
/* The same in any state. */
enum rc escrow_look(struct db *reader, struct slice lane, struct slice id, struct journal_escrow *out, struct arena *keep,
		    struct err *e) MUST_USE;
/* What the store kept with the bytes (lane_content.headers), out of a copy's meta; nothing where nothing was kept. */
void escrow_headers(struct slice meta, struct buf *out);
struct escrow_filter {
	struct slice lane, id, state;   /* empty = any */
	int64_t cycle;                  /* 0 = any */
	int limit;                      /* <= 0 = all */
};
typedef enum rc escrow_visit(void *ctx, const struct journal_escrow *x);        /* slices live for the call */
enum rc escrow_each(struct db *reader, const struct escrow_filter *f, escrow_visit *v, void *ctx, struct err *e) MUST_USE;   /* newest first */

#endif
