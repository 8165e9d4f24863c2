/* One copy: written under NAME.part, to the disk, read again, renamed, the directory to the disk. */
#include "escrow/impl.h"

#include "base/mem.h"
#include "base/point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct escrow_copy {
	const struct escrow *s;
	int fd;
	int64_t bytes;
	struct hasher *h;
	char name[HASH_HEX], part[HASH_HEX + 8];
};

static enum rc fail(const struct escrow_copy *c, const char *doing, struct err *e)
{
	return err_set(e, RC_IO, "cannot %s the copy %s/%s: %s", doing, c->s->dir, c->part, strerror(errno));
}

enum rc escrow_begin(const struct escrow *s, struct slice lane, struct slice id, struct escrow_copy **out, struct err *e)
{
	struct escrow_copy *c = xcalloc(1, sizeof *c);
	enum rc rc = RC_OK;

	c->s = s;
	c->h = hasher_new();
	hasher_begin(c->h);
	escrow_file_name(lane, id, c->name);
	snprintf(c->part, sizeof c->part, "%s.part", c->name);
	if (unlinkat(s->fd, c->part, 0) != 0 && errno != ENOENT)
		rc = fail(c, "replace", e);
	c->fd = rc == RC_OK ? openat(s->fd, c->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	if (rc == RC_OK && c->fd < 0)
		rc = fail(c, "make", e);
	if (rc != RC_OK) {
		hasher_free(c->h);
		free(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

enum rc escrow_write(struct escrow_copy *c, struct slice bytes, struct err *e)
{
	for (size_t at = 0; at < bytes.n;) {
		ssize_t n = write(c->fd, bytes.p + at, bytes.n - at);

		if (n < 0 && errno != EINTR)
			return fail(c, "write", e);
		at += n > 0 ? (size_t)n : 0;
	}
	hasher_add(c->h, bytes.p, bytes.n);
	c->bytes += (int64_t)bytes.n;
	POINT("escrow.write", "after");
	return RC_OK;
}

int64_t escrow_written(const struct escrow_copy *c)
{
	return c->bytes;
}

static enum rc compare(const struct escrow_copy *c, int64_t bytes, const struct hash *received, const struct hash *sha256, struct err *e)
{
	if (bytes >= 0 && c->bytes != bytes)
		return err_set(e, RC_FORMAT, "%lld bytes came instead of the %lld that the lane lists", (long long)c->bytes, (long long)bytes);
	if (sha256 && !hash_eq(received, sha256))
		return err_set(e, RC_FORMAT, "the SHA-256 of the bytes that came is not the one in the row");
	return RC_OK;
}

/* What the disk gives back, not what memory still holds, as far as the kernel follows the advice. */
static enum rc read_again(const struct escrow_copy *c, const struct hash *received, struct err *e)
{
	struct hash again;
	int64_t n;
	enum rc rc;

	if (fsync(c->fd) != 0)
		return fail(c, "flush", e);
	(void)posix_fadvise(c->fd, 0, 0, POSIX_FADV_DONTNEED);
	rc = escrow_hash(c->fd, c->part, &again, &n, e);
	if (rc == RC_OK && (n != c->bytes || !hash_eq(&again, received)))
		rc = err_set(e, RC_FORMAT, "the copy in %s reads differently from what was written: is the disk all right?", c->s->dir);
	return rc;
}

static enum rc name_it(struct escrow_copy *c, struct err *e)
{
	POINT("escrow.rename", "before");
	if (renameat(c->s->fd, c->part, c->s->fd, c->name) != 0)
		return fail(c, "rename", e);
	snprintf(c->part, sizeof c->part, "%s", c->name);
	if (fsync(c->s->fd) != 0)
		return fail(c, "flush the directory of", e);
	POINT("escrow.rename", "after");
	return RC_OK;
}

static void let_go(struct escrow_copy *c)
{
	close(c->fd);
	hasher_free(c->h);
	free(c);
}

void escrow_drop(struct escrow_copy *c)
{
	if (!c)
		return;
	unlinkat(c->s->fd, c->part, 0);
	let_go(c);
}

enum rc escrow_finish(struct escrow_copy *c, int64_t bytes, const struct hash *sha256, struct hash *out, struct err *e)
{
	enum rc rc;

	hasher_end(c->h, out);
	rc = compare(c, bytes, out, sha256, e);
	if (rc == RC_OK)
		rc = read_again(c, out, e);
	if (rc == RC_OK)
		rc = name_it(c, e);
	if (rc == RC_OK)
		let_go(c);
	else
		escrow_drop(c);
	return rc;
}
