#include "sim/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "sim/store.h"

enum { PIECE = 1 << 20 };

struct writing {
	const char *path;
	struct buf temp;                /* its name */
	int fd;
	struct buf text, content;
	struct hasher *hasher;
};

static enum rc failed(const struct writing *w, const char *what, struct err *e)
{
	return err_set(e, RC_IO, "%s cannot be %s: %s", w->path, what, strerror(errno));
}

static enum rc begin(struct writing *w, const char *path, struct err *e)
{
	*w = (struct writing){ .path = path };
	buf_addf(&w->temp, "%s.%d.new", path, (int)getpid());
	w->fd = open(buf_z(&w->temp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return w->fd < 0 ? failed(w, "made", e) : RC_OK;
}

static enum rc push(struct writing *w, struct err *e)
{
	for (size_t at = 0; at < w->text.n;) {
		ssize_t n = write(w->fd, w->text.p + at, w->text.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(w, "written", e);
		at += (size_t)n;
	}
	buf_clear(&w->text);
	return RC_OK;
}

static enum rc end(struct writing *w, enum rc rc, struct err *e)
{
	if (w->fd >= 0 && close(w->fd) != 0 && rc == RC_OK)
		rc = failed(w, "closed", e);
	if (rc == RC_OK && rename(buf_z(&w->temp), w->path) != 0)
		rc = failed(w, "put in place", e);
	if (rc != RC_OK)
		unlink(buf_z(&w->temp));
	buf_done(&w->temp);
	buf_done(&w->text);
	buf_done(&w->content);
	hasher_free(w->hasher);
	return rc;
}

static void put_hash(struct writing *w, struct files *f, int64_t i, struct jw *j)
{
	struct hash h;
	char hex[HASH_HEX];
	buf_clear(&w->content);
	files_content(f, i, &w->content);
	hasher_begin(w->hasher);
	hasher_add(w->hasher, w->content.p, w->content.n);
	hasher_end(w->hasher, &h);
	jw_kz(j, "sha256", hash_hex(hex, &h));
}

static void put_name(struct jw *j, struct slice name)
{
	struct buf b64 = { 0 };
	jw_kstr(j, "name", name);
	if (!utf8_valid(name)) {
		base64_encode(&b64, name.p, name.n);
		jw_kstr(j, "name_b64", buf_slice(&b64));
	}
	buf_done(&b64);
}

static void put_file(struct writing *w, struct store *st, int64_t i)
{
	struct file_view v;
	struct jw j;
	files_look(store_files(st), i, &v);
	jw_init(&j, &w->text);
	jw_obj(&j);
	jw_kz(&j, "store", store_opts(st)->name);
	jw_kz(&j, "id", v.id);
	put_name(&j, v.name);
	jw_ki64(&j, "bytes", v.bytes);
	jw_ki64(&j, "created_at", v.created_s);
	jw_kz(&j, "purpose", v.purpose);
	jw_kz(&j, "role", sim_role_name(v.role));
	if (store_opts(st)->hash)
		put_hash(w, store_files(st), i, &j);
	jw_end_obj(&j);
	buf_addc(&w->text, '\n');
}

static enum rc put_store(struct writing *w, struct store *st, struct err *e)
{
	enum rc rc = RC_OK;
	for (int64_t i = 0, n = files_count(store_files(st)); rc == RC_OK && i < n; i++) {
		put_file(w, st, i);
		if (w->text.n > PIECE)
			rc = push(w, e);
	}
	return rc;
}

enum rc manifest_write(struct sim *sim, const char *path, struct err *e)
{
	struct writing w;
	enum rc rc = begin(&w, path, e);
	w.hasher = hasher_new();
	for (size_t i = 0; rc == RC_OK && i < sim->opts->stores; i++)
		rc = put_store(&w, sim->store[i], e);
	if (rc == RC_OK)
		rc = push(&w, e);
	return end(&w, rc, e);
}

enum rc manifest_put(const char *path, struct slice text, struct err *e)
{
	struct writing w;
	enum rc rc = begin(&w, path, e);
	buf_add(&w.text, text.p, text.n);
	if (rc == RC_OK)
		rc = push(&w, e);
	return end(&w, rc, e);
}
