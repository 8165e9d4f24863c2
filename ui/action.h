/* The one table of what an operator can do. Help, key bar, completion, the read-only rule and the
 * manual's key table all come from it; everything passes action_run(). */
#ifndef SLUICE_UI_ACTION_H
#define SLUICE_UI_ACTION_H

#include "ui/ui.h"

enum action_kind { ACT_READ, ACT_WRITE, ACT_DANGER };

struct action {
	const char *id;
	const char *keys;               /* names separated by blanks, "" = only by `:` */
	const char *label;              /* in the key bar */
	const char *help;               /* one sentence */
	enum action_kind kind;
	const char *arg;                /* what may follow the id after `:`; NULL = nothing */
	bool (*enabled)(struct ui *ui, struct buf *why);        /* NULL = always */
	void (*run)(struct ui *ui, const char *arg);            /* arg "" when none was given */
};

const struct action *action_table(size_t *n);
const struct action *action_by_id(struct slice id);
const struct action *action_by_key(int32_t code);
/* The only way to run one. A watcher runs nothing but ACT_READ; what cannot run says why on the bottom line. */
void action_run(struct ui *ui, const struct action *a, const char *arg);
/* Whether it could run now. */
bool action_enabled(struct ui *ui, const struct action *a, struct buf *why);
/* "S" or "Ctrl-L": the first key. "" if none. */
const char *action_key(char dst[16], const struct action *a);

#endif
