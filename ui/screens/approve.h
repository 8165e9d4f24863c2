/* The approval page: approve.c holds the state and what keys do to it, approve_refusal.c says when it
 * must not be approved, approve_look.c shows items of the plan, approve_paint.c draws the page. The plan it shows is frozen; what the engine says meanwhile can only close the prompt. */
#ifndef SLUICE_UI_SCREENS_APPROVE_H
#define SLUICE_UI_SCREENS_APPROVE_H

#include "ui/ui.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum approve_field { AP_LOOK, AP_ITEMS, AP_REASON, AP_PHRASE, AP_IRREVERSIBLE, AP_FIELDS };

enum {
	AP_ROWS = 24, AP_COLS = 80,             /* the least window */
	AP_WRONG = 3,                           /* wrong phrases … */
	AP_COOL_US = 30000000                   /* … cost this long */
};

struct approve {
	struct m_plan plan;                     /* frozen when the page was opened */
	int lane;                               /* index in the plan */
	char trouble[400];                      /* why there is no plan to show, or what the engine answered */
	bool loading, asking, sent;             /* plan, amount, grant: under way */
	int64_t asked;                          /* openings so far; an answer to an older one is dropped */
	bool open;                              /* the prompt was drawn in the last frame */
	bool armed;                             /* that frame is on the terminal and typed-ahead keys are gone */
	bool too_small;                         /* it did not fit */
	int needs_rows;
	enum approve_field focus;
	struct prompt field[AP_FIELDS];
	struct m_amount amount;                 /* of the grant as it would be; strings are the plan's */
	size_t look;                            /* which look the cursor is on */
	unsigned seen;                          /* looks that were opened, a bit each */
	/* the list of a look, over the page */
	bool looking;
	struct m_candidates items;
	struct list list;
	int64_t look_offset;
	bool look_busy;
	char look_trouble[240];
	struct table table;
	struct ui *ui;
};

struct approve_look {
	const char *word, *label;               /* of the protocol; on the page */
};
extern const struct approve_look approve_looks[];
enum { AP_LOOKS = 5 };

struct approve *approve_state(struct ui *ui);
const struct m_plan_lane *approve_lane(const struct approve *p);
/* Why nobody can approve this now; false = they can. invalid: the sentence is about the plan itself. */
bool approve_refusal(struct ui *ui, struct buf *why, bool *invalid);
int64_t approve_cooling_s(const struct ui *ui);
struct list_source approve_list(struct approve *p);
void approve_look_open(struct approve *p);
void approve_look_key(struct ui *ui, struct approve *p, int32_t code);
/* Items granted in a lane of the cycle, 0 = it waits for a grant. */
int64_t approve_granted(const struct ui *ui, struct slice lane);
void approve_paint(struct ui *ui, struct area a);

#endif
