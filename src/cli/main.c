/* The binary: one sentence for every error, the exit codes of SEMANTICS 9. */
#include "cli/cli.h"

#include "base/point.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct cli c = { .program = argv[0] };
	struct err e = { 0 };
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
	return rc_exit(rc);
}
