#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/finish.h"
#include "config/shape.h"

enum { CONFIG_FILE_MAX = 1 << 20 };

/* What config_load hands out is the first member. */
struct owned {
	struct config c;
	struct arena *a;
	struct tree t;                 /* in the arena; for config_line */
};

static bool file_ok(int fd, struct config_report *r)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		report_add(r, 0, "", "cannot be examined: %s", strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		report_add(r, 0, "", "is not a regular file; name the file itself");
		return false;
	}
	size_t before = r->n;
	if (st.st_mode & S_IWOTH)
		report_add(r, 0, "", "may be written by everyone, so anybody could change what is deleted; run chmod o-w on it");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		report_add(r, 0, "", "belongs to uid %u, who could change what is deleted; it must be yours or root's", st.st_uid);
	if (st.st_size > CONFIG_FILE_MAX)
		report_add(r, 0, "", "is %lld bytes long; at most 1 MiB is read", (long long)st.st_size);
	return r->n == before;
}

static bool read_all(int fd, struct buf *out, struct config_report *r)
{
	char block[8192];
	ssize_t n;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			report_add(r, 0, "", "cannot be read: %s", strerror(errno));
			return false;
		}
		buf_add(out, block, (size_t)n);
		if (out->n > CONFIG_FILE_MAX) {
			report_add(r, 0, "", "grew above 1 MiB while it was read");
			return false;
		}
	}
	return true;
}

static bool read_file(const char *path, struct buf *out, struct config_report *r)
{
	/* not blocking: a FIFO must not hang the start */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		report_add(r, 0, "", "cannot be opened: %s; write it, or name another with --config", strerror(errno));
		return false;
	}
	bool ok = file_ok(fd, r) && read_all(fd, out, r);
	close(fd);
	return ok;
}

enum rc config_text(const char *path, struct buf *out, struct err *e)
{
	struct config_report r = { .file = xstrdup(path) };
	(void)read_file(path, out, &r);
	enum rc rc = report_first(&r, e);
	config_report_free(&r);
	return rc;
}

static char *folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash == file ? xstrdup("/") : xstrndup(file, (size_t)(slash - file));
}

static void fill(struct owned *o, struct raw *raw, struct config_report *r)
{
	char *dir = folder_of(o->c.file);
	struct filling f = { .c = &o->c, .t = &o->t, .r = r, .place = { o->a, dir } };
	fill_config(&f, raw_slots(raw));
	finish_defaults(&f);
	checks_run(&f);
	if (r->n == 0)
		canon_hash(&o->c);
	free(dir);
}

static void parse(struct owned *o, struct slice text, struct config_report *r)
{
	if (!tree_read(&o->t, text, o->a, r))
		return;
	struct shape s = shape_check(&o->t, &section_config, r);
	if (!s.readable)
		return;
	struct raw *raw;
	struct err e;
	if (raw_read(&raw, &section_config, text, s.unknown, &e) != RC_OK) {
		report_add(r, 1, "", "%s", e.text);
		return;
	}
	fill(o, raw, r);
	raw_free(raw);
}

static struct owned *read_config(const char *path, struct config_report *r)
{
	struct owned *o = xcalloc(1, sizeof(*o));
	struct buf text;
	o->a = arena_new(16384);
	buf_init(&text);
	char *real = realpath(path, NULL);
	r->file = xstrdup(path);
	o->c.file = real ? arena_strndup(o->a, real, strlen(real)) : path;
	free(real);
	if (read_file(path, &text, r))
		parse(o, buf_slice(&text), r);
	buf_done(&text);
	report_sort(r);
	return o;
}

int config_line(const struct config *c, const char *key)
{
	const struct owned *o = (const struct owned *)c;
	return tree_line(&o->t, key);
}

void config_free(struct config *c)
{
	struct owned *o = (struct owned *)c;
	if (!o)
		return;
	arena_free(o->a);
	free(o);
}

enum rc config_check(const char *path, struct config_report *r)
{
	*r = (struct config_report){ 0 };
	struct owned *o = read_config(path, r);
	config_free(&o->c);
	return r->n ? RC_USAGE : RC_OK;
}

static struct owned *read_text(struct slice text, const char *name, struct config_report *r)
{
	struct owned *o = xcalloc(1, sizeof(*o));
	o->a = arena_new(16384);
	r->file = xstrdup(name);
	o->c.file = name[0] == '/' ? arena_strndup(o->a, name, strlen(name)) : "/text";
	if (text.n > CONFIG_FILE_MAX)
		report_add(r, 0, "", "is %zu bytes long; at most 1 MiB is read", text.n);
	else
		parse(o, text, r);
	report_sort(r);
	return o;
}

static enum rc hand_out(struct config **out, struct owned *o, struct config_report r, struct err *e)
{
	enum rc rc = report_first(&r, e);
	config_report_free(&r);
	if (rc != RC_OK) {
		config_free(&o->c);
		*out = NULL;
		return rc;
	}
	*out = &o->c;
	return RC_OK;
}

enum rc config_load(struct config **out, const char *path, struct err *e)
{
	struct config_report r = { 0 };
	struct owned *o = read_config(path, &r);
	return hand_out(out, o, r, e);
}

enum rc config_load_text(struct config **out, struct slice text, const char *name, struct err *e)
{
	struct config_report r = { 0 };
	struct owned *o = read_text(text, name, &r);
	return hand_out(out, o, r, e);
}
