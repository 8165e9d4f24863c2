#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

enum { SECRET_MAX = 16 * 1024 };

struct secret {
	char *p;               /* a mapping of SECRET_MAX bytes of its own */
	size_t n;
};

static enum rc check_owner(int fd, const char *path, const char *what, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(e, RC_USAGE, "%s: %s cannot be examined: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, RC_USAGE, "%s: %s is not a regular file", what, path);
	if (st.st_uid != geteuid())
		return err_set(e, RC_USAGE, "%s: %s belongs to uid %u, not to this account (uid %u); give it a copy of its own",
			what, path, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 077)
		return err_set(e, RC_USAGE, "%s: %s is open to other accounts (mode %04o); run chmod 600 on it", what, path,
			(unsigned)(st.st_mode & 07777));
	return RC_OK;
}

enum rc secret_open(int *fd, const char *path, const char *what, struct err *e)
{
	char shown[256];
	text_z(shown, sizeof(shown), slice_of(path));
	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0) {
		if (errno == ELOOP)
			return err_set(e, RC_USAGE, "%s: %s is a symbolic link; name the file itself", what, shown);
		if (errno == ENOENT)
			return err_set(e, RC_USAGE, "%s: %s does not exist; create it with mode 600", what, shown);
		return err_set(e, RC_USAGE, "%s: %s cannot be opened: %s", what, shown, strerror(errno));
	}
	enum rc rc = check_owner(*fd, shown, what, e);
	if (rc != RC_OK) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

static struct secret *secret_new(void)
{
	struct secret *s = xcalloc(1, sizeof(*s));
	s->p = mmap(NULL, SECRET_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->p == MAP_FAILED)
		die("out of memory (%d bytes for a credential)", SECRET_MAX);
	/* locking may exceed RLIMIT_MEMLOCK; the credential is then merely not locked */
	(void)mlock(s->p, SECRET_MAX);
	(void)madvise(s->p, SECRET_MAX, MADV_DONTDUMP);
	return s;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	explicit_bzero(s->p, SECRET_MAX);
	munmap(s->p, SECRET_MAX);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static bool read_all(int fd, struct secret *s)
{
	while (s->n < SECRET_MAX) {
		ssize_t got = read(fd, s->p + s->n, SECRET_MAX - s->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		s->n += (size_t)got;
	}
	return true;
}

static void drop_newline(struct secret *s)
{
	if (s->n > 0 && s->p[s->n - 1] == '\n')
		s->n--;
	if (s->n > 0 && s->p[s->n - 1] == '\r')
		s->n--;
}

static enum rc check_bytes(const struct secret *s, const char *path, const char *what, struct err *e)
{
	if (s->n == 0)
		return err_set(e, RC_USAGE, "%s: %s is empty", what, path);
	if (s->n == SECRET_MAX)
		return err_set(e, RC_USAGE, "%s: %s is longer than a credential (%d bytes)", what, path, SECRET_MAX - 1);
	/* it goes into a header line: nothing that could end one */
	for (size_t i = 0; i < s->n; i++)
		if ((unsigned char)s->p[i] < 0x20 || s->p[i] == 0x7F)
			return err_set(e, RC_USAGE, "%s: %s holds a line break or control character at byte %zu; it must be one line",
				what, path, i + 1);
	return RC_OK;
}

enum rc secret_load(struct secret **out, const char *path, const char *what, struct err *e)
{
	*out = NULL;
	int fd;
	enum rc rc = secret_open(&fd, path, what, e);
	if (rc != RC_OK)
		return rc;
	char shown[256];
	text_z(shown, sizeof(shown), slice_of(path));
	struct secret *s = secret_new();
	bool ok = read_all(fd, s);
	int why = errno;
	close(fd);
	if (!ok) {
		secret_free(s);
		return err_set(e, RC_USAGE, "%s: %s cannot be read: %s", what, shown, strerror(why));
	}
	if (s->n < SECRET_MAX)
		drop_newline(s);
	rc = check_bytes(s, shown, what, e);
	if (rc != RC_OK) {
		secret_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void secret_print(const struct secret *s, char dst[9])
{
	secret_fingerprint(dst, secret_use(s));
}

struct slice secret_use(const struct secret *s)
{
	return (struct slice){ s->p, s->n };
}

void secret_wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	buf_done(b);
}

void secret_harden_process(void)
{
	struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
