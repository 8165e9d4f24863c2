/* A list over a source it never sees the whole of: a million rows scroll like a hundred. The cursor is
 * kept by the id of its row: when rows move the cursor moves with them, and when its row vanishes a
 * tombstone stands there until the operator moves, never the neighbour. Marks are ids as well. */
#ifndef SLUICE_UI_WIDGETS_LIST_H
#define SLUICE_UI_WIDGETS_LIST_H

#include "ui/grid.h"
#include "ui/verb.h"

struct list_source {
	void *ctx;
	int64_t (*count)(void *ctx);                            /* rows in all, -1 not known yet */
	bool (*id)(void *ctx, int64_t row, struct slice *id);   /* false: not loaded */
	bool (*find)(void *ctx, struct slice id, int64_t *row); /* among the loaded rows */
	void (*want)(void *ctx, int64_t first, int64_t n);      /* these rows are on the screen; may be NULL */
	void (*draw)(void *ctx, struct area line, int64_t row, bool marked);
	/* All that draw() reads of a row and of the screen, by and n[0] left to the list: while it is the same the line is not drawn
	 * again. NULL: it is drawn for every frame. */
	struct origin (*from)(void *ctx, int64_t row);
};

struct mark {
	char *id;
	size_t n;
	int64_t bytes;                  /* -1 unknown */
	char *of;                       /* its lane, "" where there is none */
};

struct list {
	int64_t top, cursor;
	int height;                     /* rows of the last frame */
	struct buf cursor_id;           /* empty: the row was not loaded when the cursor came */
	bool gone;                      /* the row with cursor_id is no more */
	struct mark *mark;              /* sorted by id */
	size_t marks, mark_cap;
};

void list_done(struct list *l);
void list_reset(struct list *l);                                /* to the top; marks stay */
/* Rows came, went or moved: find the cursor's row again. Call after every change of the source. */
void list_changed(struct list *l, const struct list_source *s);
/* Paints and returns the screen row of the cursor relative to the area, -1 if the list is empty. */
int list_paint(struct list *l, const struct list_source *s, struct area a);
void list_to(struct list *l, const struct list_source *s, int64_t row);         /* the cursor goes there */
bool list_verb(struct list *l, const struct list_source *s, enum verb v);
bool list_at(const struct list *l, int64_t *row);               /* false on a tombstone */
bool list_marked(const struct list *l, struct slice id);
void list_mark(struct list *l, struct slice id, int64_t bytes, struct slice of);        /* toggles */
int64_t list_marked_bytes(const struct list *l);

#endif
