/* What a link tries on a few of its connections: both groups side by side, and the key that promotes or rolls back. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"
#include "ui/ui.h"
#include "ui/widgets/flow.h"

static void group(struct flow *f, const char *name, const struct m_figures *g)
{
	char p50[FORMAT_TEXT], p99[FORMAT_TEXT], up[40] = "";
	if (g->up >= 0)
		snprintf(up, sizeof(up), " (%lld up)", (long long)g->up);
	flow_fieldf(f, name, "%lld connection%s%s: %s median, %s p99, %lld drops, %lld reconnects, %lld repeats, %lld errors in %lld messages",
		    (long long)g->connections, g->connections == 1 ? "" : "s", up, format_us(p50, g->rtt_p50_us), format_us(p99, g->rtt_p99_us),
		    (long long)g->drops, (long long)g->reconnects, (long long)g->duplicates, (long long)g->errors, (long long)g->messages);
	if (g->missed >= 0)
		flow_fieldf(f, "", "%lld messages its window got wrong, and the larger one caught", (long long)g->missed);
	if (g->events >= 0)
		flow_fieldf(f, "", "%lld events: %lld wait, %lld had no room, %lld lost; %s p99 until they left", (long long)g->events, (long long)g->depth,
			    (long long)g->full, (long long)g->lost, format_us(p99, g->wait_p99_us));
}

void link_feature_lines(struct flow *f, const struct m_link *k)
{
	char name[40], mode[20], value[80], by[80];
	for (int i = 0; i < k->features; i++) {
		const struct m_feature *x = &k->feature[i];
		flow_fieldf(f, text_z(name, sizeof(name), x->name), "%s (%s), by %s", text_z(mode, sizeof(mode), x->mode),
			    text_z(value, sizeof(value), x->value), text_z(by, sizeof(by), x->by));
		flow_field(f, "because", x->reason);
		group(f, "canary", &x->group[M_CANARY]);
		group(f, "stable", &x->group[M_STABLE]);
		if (x->verdict.n > 0)
			flow_field(f, "it is", x->verdict);
	}
}

void link_feature_line(struct flow *f, const struct m_feature *x)
{
	const struct m_figures *c = &x->group[M_CANARY], *s = &x->group[M_STABLE];
	char line[200], p99[FORMAT_TEXT], other[FORMAT_TEXT];
	flow_show(f, ROLE_TEXT, x->name);
	flow_gap(f, 1);
	flow_show(f, ROLE_STRONG, x->mode);
	flow_gap(f, 2);
	if (x->verdict.n > 0) {
		flow_show(f, ROLE_STRONG, x->verdict);
		flow_gap(f, 2);
	}
	if (c->missed >= 0)
		snprintf(line, sizeof(line), "canary %lld wrong of %lld messages; stable %lld of %lld", (long long)c->missed, (long long)c->messages,
			 (long long)s->missed, (long long)s->messages);
	else if (c->events >= 0)
		snprintf(line, sizeof(line), "canary %lld of %lld events without room, %lld lost; stable %lld of %lld, %lld", (long long)c->full,
			 (long long)c->events, (long long)c->lost, (long long)s->full, (long long)s->events, (long long)s->lost);
	else
		snprintf(line, sizeof(line), "canary %s p99, %lld drops; stable %s p99, %lld drops", format_us(p99, c->rtt_p99_us), (long long)c->drops,
			 format_us(other, s->rtt_p99_us), (long long)s->drops);
	flow_words(f, ROLE_DIM, slice_of(line));
}

/* ---- promote, roll back ---- */

bool link_can_flag(struct ui *ui, struct buf *why)
{
	const struct m_link *k = link_under_cursor(ui);
	if (k && k->features > 0)
		return true;
	buf_adds(why, k ? "this link tries nothing: write features: under it in the configuration" : "put the cursor on a link first (screen 2)");
	return false;
}

/* "promote reason"; the subject is the link and its feature. The engine knows which words there are. */
static void set(struct ui *ui, const char *text)
{
	struct slice to = { text, strcspn(text, " ") }, subject = buf_slice(&ui->ask_subject);
	const char *reason = text + to.n + strspn(text + to.n, " ");
	const char *gap = memchr(subject.p, ' ', subject.n);
	struct buf b = { 0 };
	struct jw w;
	if (!to.n || !*reason || !gap) {
		ui_note(ui, ROLE_WARN, "write promote, rollback, off, canary or on, and the reason");
		return;
	}
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "link", (struct slice){ subject.p, (size_t)(gap - subject.p) });
	jw_kstr(&w, "feature", (struct slice){ gap + 1, subject.n - (size_t)(gap + 1 - subject.p) });
	jw_kstr(&w, "to", to);
	jw_kz(&w, "reason", reason);
	jw_end_obj(&w);
	ui_do(ui, "links.feature", &b, "it is set; both groups are counted anew");
	buf_done(&b);
}

/* The one that is tried now, else the first; there is one. */
static const struct m_feature *meant(const struct m_link *k)
{
	for (int i = 0; i < k->features; i++)
		if (slice_is(k->feature[i].mode, "canary"))
			return &k->feature[i];
	return &k->feature[0];
}

void link_run_flag(struct ui *ui, const char *arg)
{
	const struct m_link *k = link_under_cursor(ui);
	const struct m_feature *x = meant(k);
	char name[80], feature[40], mode[20];
	struct buf subject = { 0 };
	buf_addf(&subject, "%.*s %.*s", (int)k->name.n, k->name.p, (int)x->name.n, x->name.p);
	ui_ask(ui, arg, buf_slice(&subject), set, "%s of %s is %s: promote, rollback, off, canary or on, and why (Esc leaves):",
	       text_z(feature, sizeof(feature), x->name), text_z(name, sizeof(name), k->name), text_z(mode, sizeof(mode), x->mode));
	buf_done(&subject);
}
