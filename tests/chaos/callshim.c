/* Preloaded into an engine under test. It counts every call that leaves a mark outside the process
 * (files of the state directory and the records, sockets), kills the process with SIGKILL right before
 * the n-th, or lets calls fail with an errno for as long as asked (reads of files as well, which are
 * not counted). Orders come and counts go through
 * the file CALLSHIM_FILE, mapped by the test as well, so that both can change while it runs. With
 * `speed` above 1 time passes that much faster, for waits that would only be slept through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CALLS(X) X(write) X(pwrite64) X(writev) X(fsync) X(fdatasync) X(ftruncate) X(rename) X(unlink) X(open) X(mkdir) \
	X(send) X(sendto) X(sendmsg) X(connect) X(accept) X(socket) X(pread64)
enum call {
#define X(n) CALL_##n,
	CALLS(X)
#undef X
	CALL_COUNT
};
static const char *const call_names[] = {
#define X(n) #n,
	CALLS(X)
#undef X
};

/* What a call is about; the first whose text is in the path. OTHER is not counted. */
enum target { OTHER, LOG_WAL, LOG_SHM, LOG, CATALOG, ROWS, STATE, TCP, UNIX, TARGET_COUNT };
static const char *const target_names[] = { "other", "log-wal", "log-shm", "log", "catalog", "rows", "state", "tcp", "unix" };
static const struct { const char *text; enum target t; } paths[] = {
	{ "/sluice.db-wal", LOG_WAL }, { "/sluice.db-shm", LOG_SHM }, { "/sluice.db", LOG }, { "/catalog.db", CATALOG },
	{ "/app.db", ROWS }, { "/state", STATE },
};

/* The file, as 8-byte integers; tests/chaos/voyage.py knows the order. */
struct orders {
	_Atomic int64_t total, kill_at, commits;
	_Atomic int64_t fail_from, fail_left, fail_errno, fail_calls, fail_targets, failed;    /* two bit sets; left -1: until told */
	_Atomic int64_t matched;        /* calls of these sets so far; from the fail_from-th on they fail */
	_Atomic int64_t speed, base_mono_ns, base_real_ns;
	char where[128];                /* of the call before which it was killed, or the last that failed */
};

static struct orders none, *o = &none;
static _Atomic uint8_t target_of[4096];
static _Atomic int ordinal[CALL_COUNT][TARGET_COUNT];   /* since the last commit */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CALLSHIM_FILE");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		o = p;
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static enum target of_path(const char *path)
{
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (strstr(path, paths[i].text))
			return paths[i].t;
	return OTHER;
}

static enum target of_fd(int fd) { return fd >= 0 && fd < 4096 ? (enum target)target_of[fd] : OTHER; }

static void set(int fd, enum target t)
{
	if (fd >= 0 && fd < 4096)
		target_of[fd] = (uint8_t)t;
}

/* 0: go on; else the errno to fail with. */
static int pass(enum call c, enum target t)
{
	if (t == OTHER || o == &none)
		return 0;
	int64_t n = atomic_fetch_add(&o->total, c != CALL_pread64) + (c != CALL_pread64);
	int k = atomic_fetch_add(&ordinal[c][t], 1) + 1;
	if (o->kill_at && n == o->kill_at && c != CALL_pread64) {
		snprintf(o->where, sizeof o->where, "%s %s %d", call_names[c], target_names[t], k);
		syscall(SYS_kill, getpid(), SIGKILL);
		for (;;)
			pause();
	}
	if (!(o->fail_calls >> c & 1) || !(o->fail_targets >> t & 1))
		return 0;
	if (atomic_fetch_add(&o->matched, 1) + 1 < o->fail_from || !o->fail_errno || !o->fail_left)
		return 0;
	if (o->fail_left > 0)
		o->fail_left--;
	snprintf(o->where, sizeof o->where, "%s %s %d", call_names[c], target_names[t], k);
	o->failed++;
	if (c == CALL_accept)           /* who is called again at once would do nothing else */
		syscall(SYS_nanosleep, &(struct timespec){ 0, 2000000 }, NULL);
	return (int)o->fail_errno;
}

static long done(enum call c, enum target t, long rc)
{
	if (rc == 0 && c == CALL_fdatasync && t == LOG_WAL) {
		o->commits++;
		memset((void *)ordinal, 0, sizeof ordinal);
	}
	return rc;
}

#define CALL(c, t, ...) ({ enum target t_ = (t); int e_ = pass(CALL_##c, t_); \
	e_ ? (errno = e_, -1L) : done(CALL_##c, t_, syscall(__VA_ARGS__)); })

ssize_t write(int fd, const void *p, size_t n) { return CALL(write, of_fd(fd), SYS_write, fd, p, n); }
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) { return CALL(pwrite64, of_fd(fd), SYS_pwrite64, fd, p, n, at); }
ssize_t pread64(int fd, void *p, size_t n, off64_t at) { return CALL(pread64, of_fd(fd), SYS_pread64, fd, p, n, at); }
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return pwrite64(fd, p, n, at); }
ssize_t writev(int fd, const struct iovec *v, int n) { return CALL(writev, of_fd(fd), SYS_writev, fd, v, n); }
int fsync(int fd) { return (int)CALL(fsync, of_fd(fd), SYS_fsync, fd); }
int fdatasync(int fd) { return (int)CALL(fdatasync, of_fd(fd), SYS_fdatasync, fd); }
int ftruncate64(int fd, off64_t n) { return (int)CALL(ftruncate, of_fd(fd), SYS_ftruncate, fd, n); }
int ftruncate(int fd, off_t n) { return ftruncate64(fd, n); }
int rename(const char *a, const char *b) { return (int)CALL(rename, of_path(b), SYS_rename, a, b); }
int unlink(const char *path) { return (int)CALL(unlink, of_path(path), SYS_unlink, path); }
int mkdir(const char *path, mode_t mode) { return (int)CALL(mkdir, of_path(path), SYS_mkdir, path, mode); }
ssize_t send(int fd, const void *p, size_t n, int f) { return CALL(send, of_fd(fd), SYS_sendto, fd, p, n, f, NULL, 0); }
ssize_t sendto(int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t l)
{
	return CALL(sendto, of_fd(fd), SYS_sendto, fd, p, n, f, a, l);
}
ssize_t sendmsg(int fd, const struct msghdr *m, int f) { return CALL(sendmsg, of_fd(fd), SYS_sendmsg, fd, m, f); }
int connect(int fd, const struct sockaddr *a, socklen_t n) { return (int)CALL(connect, of_fd(fd), SYS_connect, fd, a, n); }

int close(int fd)
{
	set(fd, OTHER);
	return (int)syscall(SYS_close, fd);
}

static int opened(const char *path, int flags, mode_t mode)
{
	enum target t = of_path(path);
	int fd = (int)CALL(open, t, SYS_openat, AT_FDCWD, path, flags, mode);
	set(fd, t);
	return fd;
}

#define OPEN(name) int name(const char *path, int flags, ...) \
{ \
	va_list ap; \
	va_start(ap, flags); \
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0; \
	va_end(ap); \
	return opened(path, flags, mode); \
}
OPEN(open)
OPEN(open64)
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __open_2(const char *path, int flags) { return opened(path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(path, flags, 0); }

int socket(int domain, int type, int proto)
{
	enum target t = domain == AF_INET || domain == AF_INET6 ? TCP : domain == AF_UNIX ? UNIX : OTHER;
	int fd = (int)CALL(socket, t, SYS_socket, domain, type, proto);
	set(fd, t);
	return fd;
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	int got = (int)CALL(accept, of_fd(fd), SYS_accept4, fd, a, n, flags);
	set(got, of_fd(fd));
	return got;
}
int accept(int fd, struct sockaddr *a, socklen_t *n) { return accept4(fd, a, n, 0); }

/* ---- time ---- */

#define SECOND INT64_C(1000000000)

static int64_t faster(int64_t ns, int64_t base) { return o->speed > 1 ? base + (ns - base) * o->speed : ns; }
static int64_t slower(int64_t ns, int64_t base) { return o->speed > 1 ? base + (ns - base) / o->speed : ns; }

int clock_gettime(clockid_t id, struct timespec *t)
{
	long rc = syscall(SYS_clock_gettime, id, t);
	bool real = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	if (rc == 0 && id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID) {
		int64_t ns = faster(t->tv_sec * SECOND + t->tv_nsec, real ? o->base_real_ns : o->base_mono_ns);
		*t = (struct timespec){ ns / SECOND, ns % SECOND };
	}
	return (int)rc;
}

static int shorter(int ms) { return ms > 0 && o->speed > 1 ? (int)(ms / o->speed) + 1 : ms; }

int epoll_pwait(int fd, struct epoll_event *ev, int n, int ms, const sigset_t *set_)
{
	return (int)syscall(SYS_epoll_pwait, fd, ev, n, shorter(ms), set_, 8);
}
int epoll_wait(int fd, struct epoll_event *ev, int n, int ms) { return epoll_pwait(fd, ev, n, ms, NULL); }

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	if (!next)
		next = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	int64_t ns = slower(until->tv_sec * SECOND + until->tv_nsec, o->base_mono_ns);
	return next(c, m, &(struct timespec){ ns / SECOND, ns % SECOND });
}
