/* The binary: one sentence for every error, the exit codes of SEMANTICS 9. */
#include "cli/cli.h"

#include "base/point.h"
#include "net/loop.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A standard descriptor that came closed would become a database or a socket: it gets /dev/null, opened
 * the wrong way round, so that using it is still an error. */
static void hold_standard_fds(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd == 0 || fd == 1);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	struct cli c = { .program = argv[0] };
	struct err e = { 0 };
	hold_standard_fds();
	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	point_init();
	enum rc rc = cli_run(&c, argv + 1, argc - 1, &e);
	if (e.text[0] && rc != RC_OK)
		fprintf(stderr, "sluice: %s\n", e.text);
	struct err out;
	if (print_end(&out) != RC_OK && rc == RC_OK) {
		fprintf(stderr, "sluice: %s\n", out.text);
		rc = RC_INTERNAL;
	}
	paths_free(c.paths);
	loop_workers_end();
	return cli_exit(rc);
}
