#include "store/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define CUT " (cut)"

/* ---- reading ---- */

static bool was_cut(struct slice line)
{
	size_t n = sizeof CUT - 1;

	return line.n == 0 || (line.n >= n && memcmp(line.p + line.n - n, CUT, n) == 0);
}

static void add_line(struct anchors *all, const char *file, int line, struct slice text)
{
	struct anchor a = { .file = file, .line = line };
	char shown[100];

	if (checkpoint_parse(text, &a.c)) {
		GROW(all->a, all->cap, all->n + 1);
		all->a[all->n++] = a;
	} else if (!was_cut(text) && !all->damaged) {
		all->damaged = true;
		snprintf(all->why, sizeof all->why, "%s line %d is no anchor: the file was damaged or changed",
			 text_z(shown, sizeof shown, slice_of(file)), line);
	}
}

static void add_lines(struct anchors *all, const char *file, struct slice text)
{
	const char *p = text.p, *end = text.p + text.n, *nl;

	for (int line = 1; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; line++, p = nl + 1)
		add_line(all, file, line, (struct slice){ p, (size_t)(nl - p) });
}

static enum rc read_file(const char *file, struct buf *out, bool *found, struct err *e)
{
	char shown[120], block[65536];
	ssize_t n = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*found = fd >= 0 || errno != ENOENT;
	if (!*found)
		return RC_OK;
	while (fd >= 0 && (n = read(fd, block, sizeof block)) > 0)
		buf_add(out, block, (size_t)n);
	if (fd < 0 || n < 0) {
		enum rc rc = err_set(e, RC_AUDIT, "cannot read the anchors in %s: %s; check its permissions",
				     text_z(shown, sizeof shown, slice_of(file)), strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	close(fd);
	return RC_OK;
}

enum rc anchors_load(struct anchors *all, const char *file, bool *found, struct err *e)
{
	struct buf text;

	buf_init(&text);
	enum rc rc = read_file(file, &text, found, e);
	if (rc == RC_OK)
		add_lines(all, file, buf_slice(&text));
	buf_done(&text);
	return rc;
}

static int by_seq(const void *x, const void *y)
{
	const struct anchor *a = x, *b = y;

	if (a->c.seq != b->c.seq)
		return a->c.seq > b->c.seq ? 1 : -1;
	return (a->line > b->line) - (a->line < b->line);
}

void anchors_sort(struct anchors *all)
{
	if (all->n != 0)
		qsort(all->a, all->n, sizeof *all->a, by_seq);
}

void anchors_done(struct anchors *all)
{
	free(all->a);
	*all = (struct anchors){ 0 };
}

/* ---- writing ---- */

static bool append(int fd, const struct checkpoint *c)
{
	struct buf b;
	char last = '\n';
	struct stat st;

	if (fstat(fd, &st) != 0 || (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1))
		return false;
	buf_init(&b);
	if (last != '\n')
		buf_adds(&b, CUT "\n");
	checkpoint_line(&b, c);
	buf_addc(&b, '\n');
	bool ok = write(fd, b.p, b.n) == (ssize_t)b.n && fsync(fd) == 0;
	buf_done(&b);
	return ok;
}

static bool sync_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash != NULL ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(dir);
	return ok;
}

enum rc anchor_append(const char *file, const struct checkpoint *c, struct err *e)
{
	char shown[120];
	bool fresh = access(file, F_OK) != 0;
	int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && append(fd, c) && (!fresh || sync_directory(file));
	enum rc rc = RC_OK;

	if (!ok)
		rc = err_set(e, RC_AUDIT, "cannot write the anchor of record %" PRId64 " to %s: %s; check the disk and the "
			     "file's permissions", c->seq, text_z(shown, sizeof shown, slice_of(file)), strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}
