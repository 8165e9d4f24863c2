/* The console on a real terminal with a fixture behind it: fixture_console FILE [SCREEN] [THEME] [ascii].
 * The clock stands still; q leaves. For screenshots of single screens and for tests on a pty. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/ui/fixture.h"
#include "ui/shell.h"

int main(int argc, char **argv)
{
	struct fixture f;
	struct shell *shell;
	struct err e;
	bool ascii = argc > 4 && strcmp(argv[4], "ascii") == 0;
	struct shell_opts o = { .theme = argc > 3 ? argv[3] : NULL };
	if (argc < 2) {
		fprintf(stderr, "usage: fixture_console FILE [SCREEN] [THEME] [ascii]\n");
		return 2;
	}
	fixture_load(&f, argv[1], ascii || !term_utf8());
	o.still = f.ui.now;
	struct loop *loop = loop_new();
	if (shell_new(&shell, loop, &f.ui, &o, &e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		loop_free(loop);
		fixture_done(&f);
		return 2;
	}
	fixture_show(&f, argc > 2 ? argv[2] : "overview");
	loop_run(loop);
	int signum = shell_free(shell);
	loop_free(loop);
	fixture_done(&f);
	if (signum != 0) {
		signal(signum, SIG_DFL);
		raise(signum);
	}
	return 0;
}
