/* The application's own copies of the bytes in a directory: listed completely or not at all, never changed.
 * Symbolic links are not followed, not even the directory itself. Everything blocks on the disk; any thread. */
#ifndef SLUICE_ESCROW_OBJECTS_H
#define SLUICE_ESCROW_OBJECTS_H

#include <stdatomic.h>

#include "store/catalog.h"

struct objects_dir {
	const char *path;               /* absolute */
	const char *prefix;             /* before the path below it, in the keys */
	int64_t most;                   /* objects; more is RC_INCOMPLETE */
	const atomic_bool *stop;        /* set: RC_CANCELLED; NULL = never */
};

struct objects_count {
	int64_t objects, bytes;
	int64_t others;                 /* symbolic links, sockets …: not followed, no objects */
};

/* Pages of regular files below the directory, in no order. What vanished while it was listed is not there; all else that
 * cannot be read makes it RC_INCOMPLETE. */
typedef enum rc objects_page_fn(void *ctx, const struct catalog_object *o, size_t n, struct err *e);
enum rc objects_dir_list(const struct objects_dir *d, objects_page_fn *page, void *ctx, struct objects_count *out, struct err *e) MUST_USE;

/* The regular file that this key names, at its beginning; the caller closes it. RC_NOT_FOUND: there is none, or the key
 * does not begin with the prefix or leads elsewhere. RC_INCOMPLETE: it cannot be told. */
enum rc objects_dir_open(const struct objects_dir *d, struct slice key, int *fd, int64_t *bytes, struct err *e) MUST_USE;

#endif
