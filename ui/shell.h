/* Puts a struct ui on a terminal: input to keys, frames at most 30 a second and only when something
 * changed, a tick each second, signals. Whoever fills the model calls shell_poke(). Loop thread only. */
#ifndef SLUICE_UI_SHELL_H
#define SLUICE_UI_SHELL_H

#include "ui/term.h"
#include "ui/ui.h"

struct shell;

struct shell_opts {
	const char *theme;
	bool mono;
	struct now still;               /* a clock that stands still, for pictures; wall_us 0 = the real one */
	void (*on_tick)(void *ctx);     /* once a second, before the frame; may be NULL */
	void *ctx;
};

/* Takes the terminal. The loop is stopped when the operator leaves, or by TERM, INT or HUP. */
enum rc shell_new(struct shell **out, struct loop *l, struct ui *ui, const struct shell_opts *o, struct err *e) MUST_USE;
/* Gives the terminal back. Returns the signal that ended it, 0 if none. */
int shell_free(struct shell *s);
void shell_poke(struct shell *s);       /* the model or the connection changed: paint soon */

#endif
