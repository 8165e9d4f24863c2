#include "sim/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

struct ledger {
	char *path;
	int fd;                         /* -1: no file */
	int64_t seq, written;
	struct buf lines;
	struct jw w;
	bool stamped;                   /* stamp is of this turn */
	char stamp[TIME_TEXT];
};

enum rc ledger_open(struct ledger **out, const char *path, struct err *e)
{
	int fd = -1;
	if (path) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno == EEXIST)
			return err_set(e, RC_USAGE, "ledger %s exists already: name a new file or move it away", path);
		if (fd < 0)
			return err_set(e, RC_IO, "ledger %s cannot be made: %s", path, strerror(errno));
	}
	struct ledger *l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->path = path ? xstrdup(path) : NULL;
	*out = l;
	return RC_OK;
}

enum rc ledger_close(struct ledger *l, struct err *e)
{
	if (!l)
		return RC_OK;
	enum rc rc = ledger_flush(l, e);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	buf_done(&l->lines);
	free(l);
	return rc;
}

struct jw *ledger_begin(struct ledger *l, const char *kind)
{
	if (!l->stamped) {
		time_rfc3339(l->stamp, now_read().wall_us, true);
		l->stamped = true;
	}
	jw_init(&l->w, &l->lines);
	jw_obj(&l->w);
	jw_ki64(&l->w, "seq", ++l->seq);
	jw_kz(&l->w, "t", l->stamp);
	jw_kz(&l->w, "kind", kind);
	return &l->w;
}

int64_t ledger_end(struct ledger *l)
{
	jw_end_obj(&l->w);
	buf_addc(&l->lines, '\n');
	return l->seq;
}

enum rc ledger_flush(struct ledger *l, struct err *e)
{
	size_t at = 0;
	l->stamped = false;
	while (l->fd >= 0 && at < l->lines.n) {
		ssize_t n = write(l->fd, l->lines.p + at, l->lines.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, RC_IO, "ledger %s cannot be written: %s; nothing more is answered", l->path, strerror(errno));
		at += (size_t)n;
	}
	l->written += (int64_t)at;
	buf_clear(&l->lines);
	return RC_OK;
}

enum rc ledger_read(const struct ledger *l, int64_t from, size_t max, struct buf *out, struct err *e)
{
	if (l->fd < 0)
		return err_set(e, RC_NOT_FOUND, "this run keeps no ledger: start it with --ledger FILE");
	while (from < l->written && max > 0) {
		char piece[65536];
		ssize_t n = pread(l->fd, piece, MIN(sizeof(piece), max), from);
		if (n <= 0)
			return err_set(e, RC_IO, "ledger %s cannot be read: %s", l->path, n < 0 ? strerror(errno) : "it is shorter than what was written");
		buf_add(out, piece, (size_t)n);
		from += n;
		max -= (size_t)n;
	}
	return RC_OK;
}

int64_t ledger_lines(const struct ledger *l)
{
	return l->seq;
}
