#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* DIR/lock holds one line of fixed length, so that it is rewritten in place by one small write:
 * "pid 0000012345 token 00000000000000000007\n". The flock is what locks; the line says who. */
#define LINE_FORMAT "pid %010" PRId64 " token %020" PRId64 "\n"
enum { LINE_BYTES = 4 + 10 + 7 + 20 + 1 };

struct lease {
	int64_t pid, token;
};

static enum rc check_dir(const char *dir, const char *shown, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st) != 0)
		return err_set(e, RC_USAGE, "state directory %s: %s; create it with mode 700", shown, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, RC_USAGE, "state directory %s is not a directory; give the directory itself, not a link to it", shown);
	if (st.st_uid != geteuid())
		return err_set(e, RC_USAGE, "state directory %s belongs to uid %u; run as that user or choose another directory",
			       shown, (unsigned)st.st_uid);
	if ((st.st_mode & 077) != 0)
		return err_set(e, RC_USAGE, "state directory %s is open to others; run: chmod 700 %s", shown, shown);
	return RC_OK;
}

/* 1 = read, 0 = the file is empty, -1 = damaged */
static int read_lease(int fd, struct lease *l)
{
	char line[LINE_BYTES + 1] = "";
	ssize_t n = pread(fd, line, LINE_BYTES, 0);

	*l = (struct lease){ 0 };
	if (n == 0)
		return 0;
	if (n != LINE_BYTES || memcmp(line, "pid ", 4) != 0 || memcmp(line + 14, " token ", 7) != 0)
		return -1;
	if (!parse_i64((struct slice){ line + 4, 10 }, &l->pid) || !parse_i64((struct slice){ line + 21, 20 }, &l->token))
		return -1;
	return l->token > 0 && l->token < INT64_MAX ? 1 : -1;
}

static enum rc held(int fd, const char *shown, struct err *e)
{
	struct lease l;

	if (errno != EWOULDBLOCK)
		return err_set(e, RC_USAGE, "cannot lock %s/lock: %s; keep the state directory on a local disk", shown, strerror(errno));
	if (read_lease(fd, &l) == 1)
		return err_set(e, RC_LEASE, "state directory %s is in use by the engine with pid %" PRId64 "; attach to it, or stop it "
			       "with `sluice engine stop`", shown, l.pid);
	return err_set(e, RC_LEASE, "state directory %s is in use by another engine; try again in a moment", shown);
}

static enum rc take_lease(int fd, const char *shown, int64_t *token, struct err *e)
{
	char line[64];
	struct lease l;

	if (read_lease(fd, &l) < 0)
		return err_set(e, RC_USAGE, "%s/lock is damaged: the last fencing token is not known; if no other host uses this "
			       "state directory, remove that file", shown);
	*token = l.token + 1;
	if (snprintf(line, sizeof line, LINE_FORMAT, (int64_t)getpid(), *token) != LINE_BYTES)
		die("lease: a pid or token of too many digits");
	if (pwrite(fd, line, LINE_BYTES, 0) != LINE_BYTES || fdatasync(fd) != 0)
		return err_set(e, RC_AUDIT, "cannot write %s/lock: %s; check the disk", shown, strerror(errno));
	return RC_OK;
}

/* The directory is locked too: whoever removes the lock file does not open the door. */
static enum rc lock_dir(int *fd, const char *dir, const char *shown, struct err *e)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || fsync(*fd) != 0)
		return err_set(e, RC_AUDIT, "cannot make %s durable: %s; check the disk", shown, strerror(errno));
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, RC_LEASE, "state directory %s is in use by an engine whose lock file was removed; stop that engine first",
			       shown);
	return RC_OK;
}

static enum rc lock_both(int fd, int *dir_fd, const char *dir, const char *shown, int64_t *token, struct err *e)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return held(fd, shown, e);
	enum rc rc = lock_dir(dir_fd, dir, shown, e);
	return rc == RC_OK ? take_lease(fd, shown, token, e) : rc;
}

enum rc store_lock(const char *dir, int64_t *fencing_token, struct err *e)
{
	char shown[160];
	struct buf path;
	int dir_fd = -1;
	enum rc rc = check_dir(dir, text_z(shown, sizeof shown, slice_of(dir)), e);

	if (rc != RC_OK)
		return rc;
	buf_init(&path);
	buf_addf(&path, "%s/lock", dir);
	int fd = open(buf_z(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	buf_done(&path);
	if (fd < 0)
		return err_set(e, RC_USAGE, "cannot open %s/lock: %s; check its permissions and the free space", shown, strerror(errno));
	rc = lock_both(fd, &dir_fd, dir, shown, fencing_token, e);
	/* On success both stay open: the lock ends with the process. */
	if (rc != RC_OK) {
		close(fd);
		if (dir_fd >= 0)
			close(dir_fd);
	}
	return rc;
}
