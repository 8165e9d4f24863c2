/* The actions that change something, for the table in action.c only. */
#ifndef SLUICE_UI_ACTION_WRITE_H
#define SLUICE_UI_ACTION_WRITE_H

#include "ui/ui.h"

bool action_can_abort(struct ui *ui, struct buf *why);
bool action_can_ack(struct ui *ui, struct buf *why);
bool action_can_approve(struct ui *ui, struct buf *why);
bool action_can_cancel(struct ui *ui, struct buf *why);
bool action_can_reject(struct ui *ui, struct buf *why);
bool action_can_resume(struct ui *ui, struct buf *why);
bool action_can_start(struct ui *ui, struct buf *why);
bool action_can_step(struct ui *ui, struct buf *why);
bool action_on_lane(struct ui *ui, struct buf *why);
/* Dead letters are marked, or one is under the cursor. */
bool action_on_item(struct ui *ui, struct buf *why);
bool action_on_breaker(struct ui *ui, struct buf *why);
bool action_on_letters(struct ui *ui, struct buf *why);
/* Items are marked, and a cycle can be started. How many are too many is said when it is run. */
bool action_on_picked(struct ui *ui, struct buf *why);
void action_run_abort(struct ui *ui, const char *arg);
void action_run_ack(struct ui *ui, const char *arg);
void action_run_approve(struct ui *ui, const char *arg);
void action_run_breaker(struct ui *ui, const char *arg);
void action_run_cancel(struct ui *ui, const char *arg);
void action_run_dismiss(struct ui *ui, const char *arg);
void action_run_engine_stop(struct ui *ui, const char *arg);
void action_run_exclude(struct ui *ui, const char *arg);
void action_run_hold(struct ui *ui, const char *arg);
void action_run_mode(struct ui *ui, const char *arg);
void action_run_pick(struct ui *ui, const char *arg);
void action_run_protect(struct ui *ui, const char *arg);
void action_run_redrive(struct ui *ui, const char *arg);
void action_run_reject(struct ui *ui, const char *arg);
void action_run_resume(struct ui *ui, const char *arg);
void action_run_start(struct ui *ui, const char *arg);
void action_run_step(struct ui *ui, const char *arg);

#endif
