/* What shows a grid: a back end behind one table of functions. term_curses is the terminal,
 * term_text keeps the last frame as text for goldens and --dump-screen. Nothing here blocks the loop:
 * a terminal that does not read loses frames, not us. Loop thread only. */
#ifndef SLUICE_UI_TERM_H
#define SLUICE_UI_TERM_H

#include "net/loop.h"
#include "ui/grid.h"
#include "ui/theme.h"

struct term;

struct term_ops {
	void (*size)(struct term *t, int *rows, int *cols);
	/* Show the grid, always the same one; the cursor stands at (y, x), y < 0 hides it. False: the last frame is still on its
	 * way, on_ready will tell when to try again. */
	bool (*present)(struct term *t, const struct grid *g, int y, int x);
	void (*flush_input)(struct term *t);    /* forget what was typed and not yet read */
	void (*bell)(struct term *t);
	void (*forget)(struct term *t);         /* the next frame is painted whole */
	void (*free)(struct term *t);           /* gives the screen back */
};

struct term {
	const struct term_ops *ops;
};

struct term_events {
	void *ctx;
	void (*on_input)(void *ctx, struct slice chunk);        /* what one read() gave */
	void (*on_resize)(void *ctx);                           /* also after a suspend */
	void (*on_ready)(void *ctx);
	void (*on_hangup)(void *ctx);                           /* the terminal is gone */
};

/* Opens /dev/tty. RC_USAGE: no terminal, or one of an unknown or unusable type. Installs handlers for
 * SIGWINCH, SIGTSTP, SIGCONT and for crashes (which give the screen back, then crash on). */
enum rc term_curses_new(struct term **out, struct loop *l, const struct theme *theme, const struct term_events *ev,
			struct err *e) MUST_USE;
/* Whether the locale lets the terminal show more than ASCII. Sets LC_CTYPE. */
bool term_utf8(void);

enum text_styles { TEXT_GLYPHS, TEXT_ROLES, TEXT_ATTRS };
struct term *term_text_new(int rows, int cols, const struct theme *theme, enum text_styles styles);
const char *term_text_last(const struct term *t);       /* "" before the first frame */
/* Glyph plane, then (by `styles`) one letter per cell: its role, or what the theme makes of it
 * (b bold, d dim, r reverse, u underline, upper case where several). Trailing blanks are dropped. */
void term_text_dump(struct buf *out, const struct grid *g, const struct theme *theme, enum text_styles styles);

#endif
