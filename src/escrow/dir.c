#include "escrow/impl.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void escrow_file_name(struct slice lane, struct slice id, char name[HASH_HEX])
{
	struct buf b;
	struct hash h;

	buf_init(&b);
	enc_bytes(&b, lane);
	enc_bytes(&b, id);
	hash_bytes(&h, b.p, b.n);
	hash_hex(name, &h);
	buf_done(&b);
}

static const char *strange(const struct stat *st)
{
	if (st->st_uid != geteuid())
		return "it belongs to somebody else";
	if (st->st_mode & 077)
		return "others may enter it; give it mode 0700";
	return NULL;
}

static enum rc open_dir(const char *dir, int *fd, struct err *e)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(e, RC_IO, "cannot make the escrow directory %s: %s", dir, strerror(errno));
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return err_set(e, RC_IO, "cannot open the escrow directory %s: %s", dir, strerror(errno));
	return strange(&st) ? err_set(e, RC_REFUSED, "the escrow directory %s is not used: %s", dir, strange(&st)) : RC_OK;
}

enum rc escrow_open(struct escrow **out, const char *dir, int64_t reserve, struct err *e)
{
	struct escrow *s = xmalloc(sizeof *s);
	enum rc rc;

	*s = (struct escrow){ .dir = xstrdup(dir), .fd = -1, .reserve = reserve };
	rc = open_dir(dir, &s->fd, e);
	if (rc != RC_OK) {
		escrow_close(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

void escrow_close(struct escrow *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->dir);
	free(s);
}

void escrow_path(const struct escrow *s, struct slice lane, struct slice id, struct buf *out)
{
	char name[HASH_HEX];

	escrow_file_name(lane, id, name);
	buf_addf(out, "%s/%s", s->dir, name);
}

enum rc escrow_room(const struct escrow *s, int64_t bytes, struct err *e)
{
	struct statvfs v;
	int64_t unit, free_bytes;

	if (fstatvfs(s->fd, &v) != 0)
		return err_set(e, RC_IO, "cannot ask how much room is left in %s: %s", s->dir, strerror(errno));
	unit = (int64_t)(v.f_frsize ? v.f_frsize : v.f_bsize);
	free_bytes = v.f_bavail > (fsblkcnt_t)(INT64_MAX / unit) ? INT64_MAX : (int64_t)v.f_bavail * unit;
	if (bytes > free_bytes - s->reserve)
		return err_set(e, RC_FULL, "no room in %s: %lld bytes to copy, %lld free, of which %lld stay reserved", s->dir,
			       (long long)bytes, (long long)free_bytes, (long long)s->reserve);
	return RC_OK;
}

enum rc escrow_spare(const struct escrow *s, int *fd, struct err *e)
{
	struct buf path = { 0 };

	buf_addf(&path, "%s/spare-XXXXXX", s->dir);
	*fd = mkostemp(path.p, O_CLOEXEC);
	enum rc rc = *fd < 0 ? err_set(e, RC_IO, "cannot make a file in %s: %s", s->dir, strerror(errno)) : RC_OK;

	if (*fd >= 0)
		unlink(path.p);
	buf_done(&path);
	return rc;
}

static enum rc flush_dir_of(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rc rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : err_set(e, RC_IO, "cannot flush the directory %s: %s", dir, strerror(errno));

	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

enum rc escrow_remove(const char *path, struct err *e)
{
	struct buf part = { 0 };
	bool gone = false;
	enum rc rc = RC_OK;

	buf_addf(&part, "%s.part", path);
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		if (unlink(i ? path : buf_z(&part)) == 0)
			gone = true;
		else if (errno != ENOENT)
			rc = err_set(e, RC_IO, "cannot remove the copy %s: %s", path, strerror(errno));
	}
	buf_done(&part);
	return rc == RC_OK && gone ? flush_dir_of(path, e) : rc;
}

static enum rc read_part(int fd, void *part, size_t *n, const char *what, struct err *e)
{
	ssize_t got;

	do
		got = read(fd, part, ESCROW_PART);
	while (got < 0 && errno == EINTR);
	*n = got > 0 ? (size_t)got : 0;
	return got < 0 ? err_set(e, RC_IO, "cannot read the copy %s: %s", what, strerror(errno)) : RC_OK;
}

enum rc escrow_hash(int fd, const char *what, struct hash *out, int64_t *bytes, struct err *e)
{
	struct hasher *h = hasher_new();
	char *part = xmalloc(ESCROW_PART);
	enum rc rc = RC_OK;
	size_t n = 0;

	*bytes = 0;
	hasher_begin(h);
	if (lseek(fd, 0, SEEK_SET) != 0)
		rc = err_set(e, RC_IO, "cannot read the copy %s: %s", what, strerror(errno));
	while (rc == RC_OK && (rc = read_part(fd, part, &n, what, e)) == RC_OK && n) {
		hasher_add(h, part, n);
		*bytes += (int64_t)n;
	}
	hasher_end(h, out);
	hasher_free(h);
	free(part);
	return rc;
}

static enum rc judge(int fd, const char *path, int64_t bytes, const struct hash *sha256, struct err *e)
{
	struct stat st;
	struct hash h;
	int64_t n;
	enum rc rc;

	if (fstat(fd, &st) != 0)
		return err_set(e, RC_IO, "cannot read the copy %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, RC_FORMAT, "the copy %s is not a plain file", path);
	if (bytes >= 0 && st.st_size != bytes)
		return err_set(e, RC_FORMAT, "the copy %s is damaged: it has %lld bytes instead of %lld", path,
			       (long long)st.st_size, (long long)bytes);
	rc = escrow_hash(fd, path, &h, &n, e);
	if (rc == RC_OK && !hash_eq(&h, sha256))
		rc = err_set(e, RC_FORMAT, "the copy %s is damaged: its SHA-256 is not the one it was made with", path);
	if (rc == RC_OK && lseek(fd, 0, SEEK_SET) != 0)
		rc = err_set(e, RC_IO, "cannot read the copy %s: %s", path, strerror(errno));
	return rc;
}

enum rc escrow_open_verified(const char *path, int64_t bytes, const struct hash *sha256, int *fd, struct err *e)
{
	/* O_NONBLOCK: a FIFO in its place must not hang the one who opens it. */
	int f = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum rc rc;

	*fd = -1;
	if (f < 0 && errno == ENOENT)
		return err_set(e, RC_NOT_FOUND, "the copy %s is missing", path);
	if (f < 0)
		return err_set(e, RC_IO, "cannot open the copy %s: %s", path, strerror(errno));
	rc = judge(f, path, bytes, sha256, e);
	if (rc == RC_OK)
		*fd = f;
	else
		close(f);
	return rc;
}
