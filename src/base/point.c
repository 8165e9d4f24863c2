#include "base/point.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

int point_armed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *kill_at;          /* name without ":n"; NULL when nothing is to be killed */
static int64_t kill_left;
static int list_fd = -1;
static char **seen;
static size_t seen_n, seen_cap;

static void arm_kill(const char *spec)
{
	const char *colon = strrchr(spec, ':');
	kill_left = 1;
	if (colon && (!parse_i64(slice_of(colon + 1), &kill_left) || kill_left < 1))
		die("SLUICE_KILL_AT=%s: write name or name:n with n ≥ 1", spec);
	kill_at = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
}

void point_init(void)
{
	const char *spec = getenv("SLUICE_KILL_AT"), *list = getenv("SLUICE_POINTS");
	if (spec && *spec && !kill_at)
		arm_kill(spec);
	if (list && *list && list_fd < 0) {
		list_fd = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (list_fd < 0)
			die("SLUICE_POINTS=%s cannot be opened for writing", list);
	}
	point_armed = kill_at != NULL || list_fd >= 0;
}

static void list_once(const char *name)
{
	for (size_t i = 0; i < seen_n; i++)
		if (strcmp(seen[i], name) == 0)
			return;
	GROW(seen, seen_cap, seen_n + 1);
	seen[seen_n++] = xstrdup(name);
	char line[160];
	int n = snprintf(line, sizeof(line), "%s\n", name);
	if (n < 0 || write(list_fd, line, (size_t)n) != n)
		die("SLUICE_POINTS: %s could not be written", name);
}

void point_pass(const char *name, const char *suffix)
{
	char full[128];
	int n = snprintf(full, sizeof(full), "%s.%s", name, suffix);
	if (n < 0 || (size_t)n >= sizeof(full))
		die("point %s.%s: the name is too long", name, suffix);
	pthread_mutex_lock(&lock);
	if (list_fd >= 0)
		list_once(full);
	if (kill_at && strcmp(kill_at, full) == 0 && --kill_left == 0)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&lock);
}
