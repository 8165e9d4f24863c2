#include "ui/term_rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT };

static struct {
	int fd;
	struct termios modes;
	char restore[512];
	size_t n;
	volatile sig_atomic_t up;
	struct sigaction before[ARRAY_LEN(crashes)];
	int stderr_real, stderr_kept;
	char stack[65536];
} rescue = { .fd = -1, .stderr_real = -1, .stderr_kept = -1 };

/* The terminal's descriptor does not block; a stuck one gets a fifth of a second. */
static void write_out(int fd, const char *p, size_t n)
{
	for (int tries = 0; n > 0 && tries < 20; tries++) {
		ssize_t w = write(fd, p, n);
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (w < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };
			poll(&pfd, 1, 10);
		}
	}
}

static void stderr_keep(void)
{
	if (!isatty(STDERR_FILENO))
		return;
	rescue.stderr_kept = memfd_create("stderr", MFD_CLOEXEC);
	rescue.stderr_real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (rescue.stderr_kept >= 0 && rescue.stderr_real >= 0)
		dup2(rescue.stderr_kept, STDERR_FILENO);
}

static void stderr_give_back(void)
{
	char text[4096];
	ssize_t n;
	if (rescue.stderr_real < 0 || rescue.stderr_kept < 0)
		return;
	dup2(rescue.stderr_real, STDERR_FILENO);
	for (off_t at = 0; (n = pread(rescue.stderr_kept, text, sizeof(text), at)) > 0; at += n)
		write_out(STDERR_FILENO, text, (size_t)n);
	close(rescue.stderr_kept);
	close(rescue.stderr_real);
	rescue.stderr_kept = rescue.stderr_real = -1;
}

void rescue_now(void)
{
	if (rescue.fd < 0 || !rescue.up)
		return;
	rescue.up = 0;
	write_out(rescue.fd, rescue.restore, rescue.n);
	tcsetattr(rescue.fd, TCSANOW, &rescue.modes);
	stderr_give_back();
}

void rescue_again(void)
{
	if (!rescue.up)
		stderr_keep();
	rescue.up = 1;
}

static void on_crash(int signum)
{
	int saved = errno;
	rescue_now();
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		if (crashes[i] == signum)
			sigaction(signum, &rescue.before[i], NULL);
	errno = saved;
	raise(signum);
}

void rescue_begin(int fd, const struct termios *modes, struct slice restore)
{
	rescue.fd = fd;
	rescue.modes = *modes;
	rescue.n = MIN(restore.n, sizeof(rescue.restore));
	memcpy(rescue.restore, restore.p, rescue.n);
	stack_t alt = { .ss_sp = rescue.stack, .ss_size = sizeof(rescue.stack) };
	sigaltstack(&alt, NULL);
	struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_NODEFER | SA_ONSTACK };
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &sa, &rescue.before[i]);
	die_hook(rescue_now);
	rescue_again();
}

void rescue_end(void)
{
	rescue_now();
	if (rescue.fd < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &rescue.before[i], NULL);
	die_hook(NULL);
	rescue.fd = -1;
}
