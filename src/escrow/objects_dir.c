#include "escrow/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { PAGE = 1000, DEPTH_MAX = 64, KEY_MAX = 4096, FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

struct walk {
	const struct objects_dir *d;
	objects_page_fn *page;
	void *ctx;
	struct objects_count *out;
	struct buf key;                 /* of the folder at hand, with its '/' */
	struct catalog_object found[PAGE];
	size_t n;
	struct arena *keys;
	struct err *e;
};

static enum rc fail(struct walk *w, const char *doing)
{
	char shown[200];
	return err_set(w->e, RC_INCOMPLETE, "cannot %s %s in %s: %s", doing, text_z(shown, sizeof shown, buf_slice(&w->key)), w->d->path, strerror(errno));
}

static enum rc flush(struct walk *w)
{
	enum rc rc = w->n ? w->page(w->ctx, w->found, w->n, w->e) : RC_OK;
	w->n = 0;
	arena_reset(w->keys);
	return rc;
}

static enum rc take(struct walk *w, const struct stat *st)
{
	if (w->out->objects == w->d->most)
		return err_set(w->e, RC_INCOMPLETE, "%s holds more than %lld objects; raise `most` of this source if that is right", w->d->path,
			       (long long)w->d->most);
	w->out->objects++;
	w->out->bytes += st->st_size;
	w->found[w->n++] = (struct catalog_object){ .key = { arena_strndup(w->keys, w->key.p, w->key.n), w->key.n }, .bytes = st->st_size };
	return w->n == PAGE ? flush(w) : RC_OK;
}

static enum rc walk_folder(struct walk *w, int fd, int depth);

static enum rc enter(struct walk *w, int in, const char *name, int depth)
{
	if (depth == DEPTH_MAX)
		return err_set(w->e, RC_INCOMPLETE, "%s has folders more than %d deep", w->d->path, DEPTH_MAX);
	int fd = openat(in, name, FOLDER);
	if (fd < 0)
		return errno == ENOENT ? RC_OK : fail(w, "open");
	buf_addc(&w->key, '/');
	return walk_folder(w, fd, depth + 1);
}

static enum rc one_entry(struct walk *w, int in, const char *name, int depth)
{
	struct stat st;
	size_t before = w->key.n;
	enum rc rc = RC_OK;
	buf_adds(&w->key, name);
	if (w->key.n > KEY_MAX)
		rc = err_set(w->e, RC_INCOMPLETE, "%s has paths longer than %d bytes", w->d->path, KEY_MAX);
	else if (w->d->stop && atomic_load(w->d->stop))
		rc = err_set(w->e, RC_CANCELLED, "the list of %s was given up", w->d->path);
	else if (fstatat(in, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		rc = errno == ENOENT ? RC_OK : fail(w, "look at");
	else if (S_ISDIR(st.st_mode))
		rc = enter(w, in, name, depth);
	else if (S_ISREG(st.st_mode))
		rc = take(w, &st);
	else
		w->out->others++;
	w->key.n = before;
	return rc;
}

/* Closes fd. */
static enum rc walk_folder(struct walk *w, int fd, int depth)
{
	enum rc rc = RC_OK;
	DIR *d = fdopendir(fd);
	if (!d) {
		rc = fail(w, "read");
		close(fd);
		return rc;
	}
	while (rc == RC_OK) {
		errno = 0;
		const struct dirent *x = readdir(d);
		if (!x) {
			rc = errno ? fail(w, "read") : RC_OK;
			break;
		}
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
			rc = one_entry(w, fd, x->d_name, depth);
	}
	closedir(d);
	return rc;
}

/* Something was mounted there meanwhile, or is no more. */
static enum rc still_there(struct walk *w, const struct stat *was)
{
	struct stat now;
	if (lstat(w->d->path, &now) == 0 && now.st_dev == was->st_dev && now.st_ino == was->st_ino)
		return RC_OK;
	return err_set(w->e, RC_INCOMPLETE, "%s was another directory after it was listed: is it being mounted?", w->d->path);
}

enum rc objects_dir_list(const struct objects_dir *d, objects_page_fn *page, void *ctx, struct objects_count *out, struct err *e)
{
	struct stat st;
	int fd = open(d->path, FOLDER);
	*out = (struct objects_count){ 0 };
	if (fd < 0 || fstat(fd, &st) != 0) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		return err_set(e, RC_INCOMPLETE, "cannot open the directory %s: %s", d->path, why == ELOOP || why == ENOTDIR ?
			       "it is no directory, or a symbolic link, which is not followed" : strerror(why));
	}
	struct walk *w = xcalloc(1, sizeof *w);
	*w = (struct walk){ .d = d, .page = page, .ctx = ctx, .out = out, .keys = arena_new(1 << 16), .e = e };
	buf_init(&w->key);
	buf_adds(&w->key, d->prefix);
	enum rc rc = walk_folder(w, fd, 0);
	if (rc == RC_OK)
		rc = flush(w);
	if (rc == RC_OK)
		rc = still_there(w, &st);
	buf_done(&w->key);
	arena_free(w->keys);
	free(w);
	return rc;
}

/* ---- one object ---- */

/* One step of a path; false: it leads elsewhere. */
static bool next_name(struct slice *rest, char name[NAME_MAX + 1])
{
	const char *slash = memchr(rest->p, '/', rest->n);
	size_t n = slash ? (size_t)(slash - rest->p) : rest->n;
	if (!n || n > NAME_MAX || memchr(rest->p, 0, n) || (slash && n + 1 == rest->n))
		return false;
	memcpy(name, rest->p, n);
	name[n] = 0;
	rest->p += slash ? n + 1 : n;
	rest->n -= slash ? n + 1 : n;
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum rc no_such(const struct objects_dir *d, struct slice key, struct err *e)
{
	char shown[200];
	return err_set(e, RC_NOT_FOUND, "the object %s is not in %s", text_z(shown, sizeof shown, key), d->path);
}

static enum rc unclear(const struct objects_dir *d, struct slice key, struct err *e)
{
	char shown[200];
	return err_set(e, RC_INCOMPLETE, "cannot open the object %s in %s: %s", text_z(shown, sizeof shown, key), d->path, strerror(errno));
}

enum rc objects_dir_open(const struct objects_dir *d, struct slice key, int *fd, int64_t *bytes, struct err *e)
{
	char name[NAME_MAX + 1];
	struct stat st;
	size_t skip = strlen(d->prefix);
	struct slice rest = { key.p + skip, key.n - skip };
	*fd = -1;
	if (key.n <= skip || memcmp(key.p, d->prefix, skip) != 0)
		return no_such(d, key, e);
	int at = open(d->path, FOLDER);
	if (at < 0)
		return unclear(d, key, e);
	while (rest.n) {
		if (!next_name(&rest, name)) {
			close(at);
			return no_such(d, key, e);
		}
		int in = openat(at, name, rest.n ? FOLDER : O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		int why = errno;
		close(at);
		errno = why;
		if (in < 0)
			return why == ENOENT || why == ELOOP || why == ENOTDIR ? no_such(d, key, e) : unclear(d, key, e);
		at = in;
	}
	if (fstat(at, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(at);
		return no_such(d, key, e);
	}
	*fd = at;
	*bytes = st.st_size;
	return RC_OK;
}
