#include "ui/screens/overview.h"

#include "base/mem.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/widgets/flow.h"

bool overview_link_detail(struct ui *ui, struct flow *f, struct slice key)
{
	const struct m_overview *o = &ui->model.overview;
	const struct m_link *k = NULL;
	char text[FORMAT_TEXT], more[FORMAT_TEXT];
	for (int i = 0; i < o->links; i++)
		if (slice_eq(o->link[i].name, key))
			k = &o->link[i];
	if (!k)
		return false;
	flow_field(f, "state", k->state);
	flow_field(f, "what to do", k->sentence.n > 0 ? k->sentence : (struct slice){ 0 });
	flow_field(f, "url", k->url);
	flow_field(f, "handshake", k->handshake);
	flow_put(f, ROLE_DIM, "ladder");
	flow_at(f, 20);
	f->indent = 20;
	for (int i = 0; i < k->rungs; i++) {
		struct look l = look_of(LOOK_RUNG, k->rung[i].state);
		flow_show(f, l.role, k->rung[i].name);
		flow_gap(f, 1);
		flow_put(f, l.role, glyph(l.mark));
		flow_gap(f, 1);
		flow_put(f, ROLE_DIM, k->rung[i].us >= 0 ? format_us(text, k->rung[i].us) : "");
		flow_gap(f, 3);
	}
	f->indent = 2;
	flow_line(f);
	flow_fieldf(f, "rtt", "%s now, %s median", format_us(text, k->rtt_us), format_us(more, k->rtt_p50_us));
	flow_fieldf(f, "rtt p99", "%s", format_us(text, k->rtt_p99_us));
	flow_fieldf(f, "last message", "%s ago", format_age(text, ui->now.wall_us, k->last_message_us));
	flow_fieldf(f, "messages", "%s in, %s out", format_count(text, k->messages_in), format_count(more, k->messages_out));
	flow_fieldf(f, "attempts", "%s, %s reconnects", format_count(text, k->attempts), format_count(more, k->reconnects));
	flow_fieldf(f, "last close", "%s", k->close_code > 0 ? format_count(text, k->close_code) : "none");
	flow_field(f, "close text", k->close_text);
	flow_field(f, "breaker", k->breaker.state);
	flow_field(f, "window", k->breaker.window);
	return true;
}

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
	flow_field(f, "breaker", l->breaker.state);
	flow_field(f, "window", l->breaker.window);
	return true;
}
