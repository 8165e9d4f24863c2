/* The cell grid: what a frame is before a terminal sees it. Screens draw into `struct area`, a
 * rectangle of a grid that nothing can be drawn outside of. A cell holds one grapheme (a base and at
 * most one combining mark), its width and its role; colours are the theme's business.
 * Own text goes through area_put(), everything else through area_show(), which is base/text.
 * Loop thread only; knows no terminal. */
#ifndef SLUICE_UI_GRID_H
#define SLUICE_UI_GRID_H

#include <string.h>

#include "base/str.h"

/* Role and its letter in text dumps (upper case, or # for text, where the row is selected). */
#define ROLES(X) \
	X(TEXT, "text", '.') \
	X(DIM, "dim", 'd') \
	X(STRONG, "strong", 's') \
	X(OK, "ok", 'o') \
	X(WARN, "warn", 'w') \
	X(FAIL, "fail", 'f') \
	X(HELD, "held", 'h') \
	X(ACCENT, "accent", 'a') \
	X(DANGER, "danger", 'x') \
	X(BAR, "bar", 'b')              /* top line */ \
	X(TAB, "tab", 't')              /* the current screen's name */ \
	X(TITLE, "title", 'n')          /* heading of a block or column */ \
	X(KEY, "key", 'k')              /* a key in the key bar */ \
	X(OFF, "off", 'z')              /* an action that cannot work now */ \
	X(ESCAPE, "escape", 'e')        /* foreign text that had to be escaped */ \
	X(FIELD, "field", 'i')          /* where one types */ \
	X(FILL, "fill", 'g')            /* filled part of a gauge */ \
	X(TRACK, "track", 'u')          /* empty part of it */ \
	X(BANNER, "banner", 'r')        /* connection lost, engine's notice */

enum role {
#define X(e, w, l) ROLE_##e,
	ROLES(X)
#undef X
	ROLE_COUNT
};

enum { CELL_BYTES = 9 };

struct cell {                           /* without holes: two are the same if their bytes are */
	char g[CELL_BYTES];             /* UTF-8, then zeros; "" in the right half of a wide one */
	uint8_t width;                  /* 1, 2, or 0: right half */
	uint8_t role;
	uint8_t selected;
};

/* What stands in a row: nothing, what was drawn, or still the line of the frame before. */
enum line_state { ROW_BLANK, ROW_DRAWN, ROW_BEFORE };

struct grid_row {
	struct buf from;                /* what its one line was drawn from and where, empty where that is not known */
	enum line_state state;
	bool alone;                     /* the line that is being drawn has the row for itself */
	uint64_t changed;               /* the frame that last drew or blanked it */
};

struct grid {
	int rows, cols;
	bool ascii;                     /* own glyphs become their ASCII twins, foreign ones are escaped */
	struct cell *cell;
	struct grid_row *row;
	uint64_t frame;                 /* counts from 1 */
};

struct area {
	struct grid *g;
	int y, x, h, w;                 /* inside the grid */
};

void grid_init(struct grid *g, int rows, int cols, bool ascii);
void grid_done(struct grid *g);
void grid_resize(struct grid *g, int rows, int cols);   /* cleared; at least 1 × 1 */
void grid_clear(struct grid *g);
/* A frame: between the two everything is drawn that is to be seen. Rows whose line is known stand there as they were until
 * somebody draws in them; what nobody drew in or kept is blank at the end. */
void grid_frame(struct grid *g);
void grid_framed(struct grid *g);

static inline struct cell *grid_at(const struct grid *g, int y, int x)
{
	return &g->cell[(size_t)y * (size_t)g->cols + (size_t)x];
}

static inline bool cell_eq(const struct cell *a, const struct cell *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool grid_eq(const struct grid *a, const struct grid *b);
void grid_copy(struct grid *to, const struct grid *from);

struct area area_all(struct grid *g);
/* Clipped to `a`; an impossible rectangle becomes an empty one. */
struct area area_sub(struct area a, int y, int x, int h, int w);
struct area area_rows(struct area a, int y, int h);
struct area area_cols(struct area a, int x, int w);

/* Our own words and glyphs at (y, x); returns the column after them, clipped to the area. */
int area_put(struct area a, int y, int x, enum role r, const char *text);
int area_putf(struct area a, int y, int x, enum role r, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Right-aligned so that it ends before column `end`. Returns its first column. */
int area_put_right(struct area a, int y, int end, enum role r, const char *text);
/* Foreign bytes in at most w columns (0 = to the edge), escaped where needed and then in ROLE_ESCAPE. */
int area_show(struct area a, int y, int x, int w, enum role r, struct slice s);
/* A sentence of the engine or of our own that may quote foreign bytes: escaped as area_show() does, but
 * in ASCII our glyphs in it become their twins. */
int area_said(struct area a, int y, int x, int w, enum role r, struct slice s);
/* area_show() keeping head and tail. */
int area_show_middle(struct area a, int y, int x, int w, enum role r, struct slice s);
/* An id, which is approved and not only read: in ASCII, and where that is clipped, escaped or could be
 * another id's form too, with # and the head of its SHA-256 at the end: two ids never look the same. */
int area_show_id(struct area a, int y, int x, int w, enum role r, struct slice id);
void area_fill(struct area a, int y, int x, int w, enum role r, const char *glyph);
void area_clear(struct area a);
void area_role(struct area a, int y, int x, int w, enum role r);   /* keeps the glyphs */
void area_select(struct area a, int y);
/* All that a line one row high is drawn from, besides the place it is drawn in. */
struct origin {
	const void *by;                 /* who draws: lines of others are never the same */
	int64_t n[3];                   /* what it likes to tell apart */
	struct slice layout, text;
};

/* True: the line stands there from the frame before and need not be drawn. False: draw it, and then call area_drawn() with
 * the same origin. */
bool area_kept(struct area line, const struct origin *from);
void area_drawn(struct area line, const struct origin *from);
/* Columns of our own text. */
int put_width(const char *text);

#endif
