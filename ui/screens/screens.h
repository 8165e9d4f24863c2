/* The screens, one table of functions each (one file per screen), and the pages over them. */
#ifndef SLUICE_UI_SCREENS_SCREENS_H
#define SLUICE_UI_SCREENS_SCREENS_H

#include "ui/ui.h"

extern const struct screen_ops screen_overview, screen_links, screen_breakers, screen_candidates, screen_cycle, screen_dead,
	screen_audit, screen_policies, screen_checks;
extern const struct screen_ops page_help, page_detail, page_approve;

/* By number 1 … 9, then the pages; NULL at the end. */
extern const struct screen_ops *const screens[];
const struct screen_ops *screen_by_number(int number);

/* Open the detail page: `draw` fills a flow from `ctx`, which it must be able to find again in the
 * model by the given key (it is called for every frame). False = the object is gone. */
struct flow;
typedef bool detail_fn(struct ui *ui, struct flow *f, struct slice key);
void detail_open(struct ui *ui, const char *title, struct slice key, detail_fn *draw);

/* Shared by Overview, Cycle and Audit. */
bool detail_record(struct flow *f, const struct m_record *r);
/* Everything about one link; the rungs of its last attempt in a row. */
bool link_detail(struct ui *ui, struct flow *f, struct slice key);
/* Ask for a second look at the link under the cursor. */
bool link_can_diagnose(struct ui *ui, struct buf *why);
void link_run_diagnose(struct ui *ui, const char *arg);
const struct m_link *link_under_cursor(struct ui *ui);  /* of screen 2; NULL none */
bool link_can_flag(struct ui *ui, struct buf *why);
void link_run_flag(struct ui *ui, const char *arg);
void link_feature_lines(struct flow *f, const struct m_link *k);        /* the canary beside the others */
void link_feature_line(struct flow *f, const struct m_feature *x);      /* the same in a few words */
void link_ladder(struct flow *f, const struct m_link *k);
void link_delivery_lines(struct flow *f, const struct m_link *k, int64_t now_us);       /* in, out, and what its daemon says */
/* Two head lines of a cycle: name and state, and the stages. Returns rows used. */
int cycle_head(struct ui *ui, struct area a, int y);
/* The cycle on the Overview: head, plan, grant. Returns the row after it. */
int cycle_summary(struct ui *ui, struct area a, int y);

#endif
