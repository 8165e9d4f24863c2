#include "ui/screens/overview.h"

#include "base/mem.h"
#include "ui/format.h"
#include "ui/widgets/flow.h"

bool overview_lane_detail(struct ui *ui, struct flow *f, struct slice key)
{
	const struct m_overview *o = &ui->model.overview;
	const struct m_lane *l = NULL;
	char text[FORMAT_TEXT], more[FORMAT_TEXT];
	for (int i = 0; i < o->lanes; i++)
		if (slice_eq(o->lane[i].name, key))
			l = &o->lane[i];
	if (!l)
		return false;
	flow_field(f, "trouble", l->trouble);
	flow_field(f, "halted", l->halted);
	flow_field(f, "excluded by", l->excluded_by);
	flow_field(f, "because", l->excluded_reason);
	flow_field(f, "url", l->url);
	flow_field(f, "dialect", l->dialect);
	flow_field(f, "account", l->account);
	flow_field(f, "key", l->key);
	flow_fieldf(f, "listed", "%s items, %s", format_count(text, l->listed), l->complete ? "completely" : "not completely");
	flow_fieldf(f, "listed at", "%sZ, %s ago", format_clock(text, l->listed_us), format_age(more, ui->now.wall_us, l->listed_us));
	flow_fieldf(f, "pages", "%s, %s items expected", format_count(text, l->pages), format_count(more, l->expected));
	flow_fieldf(f, "bytes", "%s of %s", format_bytes(text, l->listed_bytes), format_bytes(more, l->quota_bytes));
	flow_fieldf(f, "quota", "%s items", format_count(text, l->quota_items));
	flow_fieldf(f, "candidates", "%s, %s of them irreversible", format_count(text, l->candidates), format_count(more, l->irreversible));
	flow_fieldf(f, "not", "%s protected, %s ineligible", format_count(text, l->protected_), format_count(more, l->ineligible));
	flow_field(f, "reconciled", l->reconciled);
	flow_field(f, "breaker", l->breaker.state);
	flow_field(f, "window", l->breaker.window);
	return true;
}
