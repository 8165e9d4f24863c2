/* What every unit test includes: cmocka, TAP on stdout, and a few checks of our own. */
#ifndef SLUICE_TESTS_UNIT_H
#define SLUICE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define UNIT_MAIN(group, tests) \
	int main(void) \
	{ \
		cmocka_set_message_output(CM_OUTPUT_TAP); \
		return cmocka_run_group_tests_name(group, tests, NULL, NULL); \
	}

#define assert_slice(s, z) do { \
	struct slice assert_s_ = (s); \
	char *assert_z_ = xstrndup(assert_s_.n ? assert_s_.p : "", assert_s_.n); \
	assert_string_equal(assert_z_, (z)); \
	free(assert_z_); \
} while (0)

/* Runs fn in a child without its stderr; the signal that ended it, or 0. */
static inline int unit_signal_of(void (*fn)(void))
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A fresh directory below $TMPDIR or /tmp; unit_rmdir removes it with the plain files in it. */
static inline void unit_mkdir(char dst[256])
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dst, 256, "%s/sluice-unit-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dst));
}

static inline void unit_rmdir(const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *x; d && (x = readdir(d));)
		if (x->d_name[0] != '.')
			unlinkat(dirfd(d), x->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static inline void unit_write(const char *path, const char *text, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline char *unit_read(const char *path)
{
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	char *text = xcalloc(1, 1 << 20);
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

#endif
