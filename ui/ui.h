/* The console's state between a key and a frame: the mirrored model, the screen that is shown, the
 * page over it, the line that is typed at the bottom. It draws into a grid and asks through a wire;
 * it knows no terminal, no loop and no socket, so that tests drive it with fixtures. Loop thread only. */
#ifndef SLUICE_UI_UI_H
#define SLUICE_UI_UI_H

#include "base/time.h"
#include "ui/grid.h"
#include "ui/keys.h"
#include "ui/model.h"
#include "ui/verb.h"
#include "ui/widgets/history.h"
#include "ui/widgets/prompt.h"

struct ui;
struct action;
struct choices;

/* result is borrowed for the call; exactly one of result and error is NULL. */
typedef void ui_answer_fn(struct ui *ui, void *ctx, const struct json *result, const char *error);

struct ui_wire {
	void *ctx;
	/* Ask the engine; answer comes later or at once, exactly once. */
	void (*call)(void *ctx, const char *method, struct slice params, ui_answer_fn *fn, void *fn_ctx);
};

/* A screen (number 1 … 9) or a page that is laid over it (number 0). */
struct screen_ops {
	const char *id;                         /* also the id of the action that shows it */
	int number;
	const char *name, *brief;               /* in the tabs; brief where they are narrow */
	const char *bar;                        /* action ids of the key bar, in order */
	size_t state_size;
	bool full;                              /* no top line and tabs over it */
	bool typing;                            /* gets every key itself; only hold (F8) passes it by */
	void (*init)(struct ui *ui, void *state);
	void (*done)(void *state);
	void (*enter)(struct ui *ui);           /* shown; may be NULL, as all below but paint */
	void (*leave)(struct ui *ui);
	void (*changed)(struct ui *ui);         /* the model changed */
	void (*tick)(struct ui *ui);            /* once a second */
	void (*painted)(struct ui *ui);         /* the frame is on the terminal and typed-ahead input was dropped */
	void (*paint)(struct ui *ui, struct area a);
	bool (*verb)(struct ui *ui, enum verb v);
	void (*key)(struct ui *ui, const struct key *k);
	void (*click)(struct ui *ui, int y, int x);     /* on the screen, absolute */
	void (*filter)(struct ui *ui, const char *text);
	const char *(*filter_text)(struct ui *ui);
	/* False: it is fine. Where (a byte) and why, while it is typed and when it ends; NULL: filter() says it. */
	bool (*filter_wrong)(struct ui *ui, struct slice text, size_t *at, struct buf *why);
	/* What may stand at the cursor, and from which byte on. */
	size_t (*filter_offer)(struct ui *ui, struct slice text, size_t cursor, struct choices *c);
	bool (*lane)(struct ui *ui, struct slice *name);        /* the lane under the cursor */
	bool (*breaker)(struct ui *ui, struct slice *name, bool *of_lane);      /* the breaker under the cursor */
	bool (*item)(struct ui *ui, struct slice *lane, struct slice *id);      /* the item under the cursor */
	int (*picked)(struct ui *ui, struct jw *w);             /* marked items: how many; w, if given, gets {lane, id} of each */
	int (*chosen)(struct ui *ui, struct jw *w);             /* dead letters: how many; w, if given, gets their names */
};

enum { UI_SCREENS = 16, UI_NOTE = 512 };

enum prompt_kind { PROMPT_NONE, PROMPT_COMMAND, PROMPT_FILTER, PROMPT_ASK };

struct ui {
	struct model model;
	struct ui_wire wire;
	struct now now;
	bool watch, ascii;
	/* connection */
	bool connected;
	char lost_why[256];
	int64_t silent_us;                      /* engine not heard of for; -1 fine */
	/* what is shown */
	const struct screen_ops *screen, *page;
	void *state[UI_SCREENS];
	int rows, cols;
	int cy, cx;                             /* real cursor, cy -1 = hidden */
	/* bottom line */
	char note[UI_NOTE];
	enum role note_role;
	enum prompt_kind prompt;
	struct prompt line;
	char ask_label[160];
	void (*ask_done)(struct ui *ui, const char *text);
	struct buf ask_subject;                 /* what the question was about: raw bytes */
	struct history commands, filters;
	bool refused;                           /* the line did not end with the last Enter: why stands over it */
	/* what the shell does next */
	bool dirty, quit, bell, redraw, flush;  /* flush: drop typed-ahead input once the frame is out */
	/* approving (SEMANTICS 4): survives leaving the page */
	int wrong_phrases;
	int64_t cool_until_us;                  /* boot time */
	/* what was notified of */
	struct buf seen_stage;
};

void ui_init(struct ui *ui, const struct ui_wire *wire, bool watch, bool ascii);
void ui_done(struct ui *ui);
void ui_paint(struct ui *ui, struct grid *g);
void ui_key(struct ui *ui, const struct key *k);
void ui_painted(struct ui *ui);                 /* the last frame is on the terminal */
void ui_model_changed(struct ui *ui);
void ui_tick(struct ui *ui);
void ui_connection(struct ui *ui, bool connected, const char *why);

void *ui_state(struct ui *ui, const struct screen_ops *ops);
void ui_show(struct ui *ui, const struct screen_ops *screen);
void ui_page(struct ui *ui, const struct screen_ops *page);     /* NULL closes it */
/* A sentence on the bottom line until the next key. Foreign parts were shown through base/text. */
void ui_note(struct ui *ui, enum role r, const char *fmt, ...) PRINTF_LIKE(3, 4);
void ui_prompt(struct ui *ui, enum prompt_kind kind);
/* Ask for one line; done gets it on Enter unless it is empty. Esc leaves. */
void ui_ask(struct ui *ui, const char *initial, struct slice subject, void (*done)(struct ui *ui, const char *text),
	    const char *label, ...) PRINTF_LIKE(5, 6);
void ui_call(struct ui *ui, const char *method, const struct buf *params, ui_answer_fn *fn, void *ctx);
/* A changing call whose answer is only told: "cycle.hold: done" or why not. */
void ui_do(struct ui *ui, const char *method, const struct buf *params, const char *done_sentence);
/* Why nothing that changes can be asked now: watching, no operator, no connection. False = it can. */
bool ui_cannot_write(struct ui *ui, struct buf *why);
/* The picture is not to be trusted for a decision. */
bool ui_stale(const struct ui *ui);

#endif
