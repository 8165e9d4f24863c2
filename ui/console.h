/* The console: attach to an engine's socket, draw, ask, until the operator leaves. It never starts an
 * engine (that is the CLI's) and holds no truth. */
#ifndef SLUICE_UI_CONSOLE_H
#define SLUICE_UI_CONSOLE_H

#include "base/err.h"

#include <stdbool.h>

struct console_opts {
	const char *socket_path;
	bool watch;                     /* read-only connection, read-only console */
	const char *theme;              /* NULL = dark; a name, or a file if it has a slash */
	bool ascii, mono;
	const char *dump_screen;        /* NULL, or the id of a screen: print it once as text and leave */
	int rows, cols;                 /* of the dump; 0 = 30 × 100 */
};

/* RC_USAGE: no usable terminal, unknown theme or screen. RC_NO_ENGINE: a dump found no engine.
 * Ended by TERM, INT or HUP it dies of that signal, with the screen given back. */
enum rc console_run(const struct console_opts *o, struct err *e) MUST_USE;

#endif
