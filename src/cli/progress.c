#include "cli/progress.h"

#include "base/mem.h"
#include "base/time.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing for what is done at once; a time left only when enough of it is past to know. */
enum { FIRST_US = 300000, AGAIN_US = 250000, GUESS_US = 3000000, GUESS_PERCENT = 5 };

static const int taken[] = { SIGINT, SIGTERM, SIGHUP };

struct progress {
	const char *what;
	bool shown;                     /* the standard error is a terminal */
	int64_t next_us, from_us, from; /* of the next line; of the first figure */
	int wide;                       /* columns of the line that stands there */
	struct sigaction before[ARRAY_LEN(taken)];
};

static void on_signal(int signum) { cli_stop_signal = signum; }

/* Calls that wait are interrupted: a reader of ours that hangs does not keep us. */
struct progress *progress_begin(const char *what)
{
	struct progress *p = xcalloc(1, sizeof *p);
	struct sigaction a = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	p->what = what;
	p->shown = what && isatty(STDERR_FILENO);
	p->from_us = now_read().boot_us;
	p->next_us = p->from_us + FIRST_US;
	p->from = -1;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (sigaction(taken[i], NULL, &p->before[i]) == 0 && p->before[i].sa_handler != SIG_IGN)
			sigaction(taken[i], &a, NULL);
	return p;
}

bool progress_stopped(void) { return cli_stop_signal != 0; }

/* Every record costs about the same. */
static int64_t left_s(const struct progress *p, int64_t now_us, int64_t done, int64_t of)
{
	int64_t took = now_us - p->from_us, past = done - p->from;
	if (of <= 0 || took < GUESS_US || past <= 0 || done < of / 100 * GUESS_PERCENT)
		return -1;
	return (int64_t)((double)took / (double)past * (double)(of - done)) / 1000000;
}

static void put(struct progress *p, const char *line)
{
	fprintf(stderr, "\r%-*s", p->wide, line);
	p->wide = (int)strlen(line);
	fflush(stderr);
}

bool progress_tell(struct progress *p, int64_t done, int64_t of)
{
	char line[160];
	if (!p->shown)
		return !progress_stopped();
	int64_t now_us = now_read().boot_us;
	if (p->from < 0 && done >= 0) {
		p->from = done;
		p->from_us = now_us;
	}
	if (now_us < p->next_us || done < 0)
		return !progress_stopped();
	p->next_us = now_us + AGAIN_US;
	int64_t left = left_s(p, now_us, done, of);
	int n = snprintf(line, sizeof line, "%s: %" PRId64, p->what, done);
	if (of > 0)
		n += snprintf(line + n, sizeof line - (size_t)n, " of %" PRId64 " records, %d %%", of, (int)((double)MIN(done, of) / (double)of * 100));
	else
		n += snprintf(line + n, sizeof line - (size_t)n, " records");
	if (left >= 0)
		n += snprintf(line + n, sizeof line - (size_t)n, ", %" PRId64 " s left", left);
	snprintf(line + n, sizeof line - (size_t)n, "; Ctrl-C cancels");
	put(p, line);
	return !progress_stopped();
}

void progress_end(struct progress *p)
{
	if (p->wide) {
		put(p, "");
		fputc('\r', stderr);
		fflush(stderr);
	}
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (p->before[i].sa_handler != SIG_IGN)
			sigaction(taken[i], &p->before[i], NULL);
	free(p);
}
