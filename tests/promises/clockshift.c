/* Preloaded into an engine under test: CLOCK_REALTIME is off by the seconds in the file
 * CLOCKSHIFT_FILE, so that a jump can be made while it runs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift_s(void)
{
	const char *path = getenv("CLOCKSHIFT_FILE");
	long s = 0;
	FILE *f = path ? fopen(path, "re") : NULL;
	if (f && fscanf(f, "%ld", &s) != 1)
		s = 0;
	if (f)
		fclose(f);
	return s;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	long rc = syscall(SYS_clock_gettime, id, t);
	if (rc == 0 && id == CLOCK_REALTIME)
		t->tv_sec += shift_s();
	return (int)rc;
}
