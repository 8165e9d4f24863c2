/* Screens that this version does not have: one sentence each on what they will show, and the verb that
 * gives it today. */
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"

static const struct {
	const struct screen_ops *ops;
	const char *will, *today;
} later[] = {
	{ &screen_dead, "What failed for good, sorted by harm, to be redriven or dismissed, will be here.",
	  "Today: `sluice audit tail --kind dead_letter`." },
};

static void paint(struct ui *ui, struct area a)
{
	struct flow f;
	flow_init(&f, area_cols(a, 0, a.w - 2), 1, 2);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (later[i].ops != ui->screen)
			continue;
		flow_put(&f, ROLE_TITLE, later[i].ops->name);
		flow_line(&f);
		flow_line(&f);
		flow_words(&f, ROLE_TEXT, slice_of("This version does not have this screen."));
		flow_gap(&f, 1);
		flow_words(&f, ROLE_TEXT, slice_of(later[i].will));
		flow_line(&f);
		flow_words(&f, ROLE_TEXT, slice_of(later[i].today));
		return;
	}
}

#define LATER(ops, n, id_, name_, brief_) \
	const struct screen_ops ops = { .id = id_, .number = n, .name = name_, .brief = brief_, .bar = "hold command help", .paint = paint }
LATER(screen_dead, 6, "dead-letters", "Dead letters", "Dead");
