/* The process, by the names that Prometheus' own libraries give. */
#include "engine/internal.h"

#include "engine/otlp.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t descriptors(void)
{
	int64_t n = -3;                 /* . and .. and this one */
	DIR *d = opendir("/proc/self/fd");
	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int64_t resident(void)
{
	long long all = 0, pages = -1;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld %lld", &all, &pages) != 2)
		pages = -1;
	fclose(f);
	return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

static void plain(struct metrics *m, const char *name, const char *help, int64_t v)
{
	if (v < 0)
		return;
	metric_family(m, name, "gauge", help);
	metric_sample(m, NULL, NULL, NULL, NULL, v);
}

void metrics_process(struct engine *en, struct metrics *m)
{
	struct rusage u;
	struct rlimit r;
	(void)en;
	if (getrusage(RUSAGE_SELF, &u) == 0) {
		metric_family(m, "process_cpu_seconds_total", "counter", "User and system time of the process.");
		metric_micro(m, NULL, NULL, NULL, NULL, (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	}
	plain(m, "process_resident_memory_bytes", "Memory of the process that is in RAM.", resident());
	plain(m, "process_open_fds", "Descriptors that are open.", descriptors());
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
		plain(m, "process_max_fds", "Descriptors that may be open.", (int64_t)r.rlim_cur);
}
