/* Screen 2: every link in a row; under the list the ladder of the last attempt of the one under the
 * cursor, what to do about it, and its incidents from the audit log. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/look.h"
#include "ui/screens/screens.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { INCIDENTS = 40, PANE_LEAST = 6, LADDER_AT = 14 };

struct links {
	struct ui *ui;
	struct list list;
	struct table table;
	struct m_audit incidents;       /* of the link `asked_of`, newest first */
	struct buf asked_of;
	int64_t asked_at;               /* its attempts + reconnects when they were read */
	bool busy;
	char trouble[200];
	struct buf looked_at;           /* a second look was asked for; "" none */
	char look[400];                 /* what it said */
};

static struct links *mine(struct ui *ui) { return ui_state(ui, &screen_links); }

/* ---- the rows ---- */

static const struct m_overview *overview(const void *ctx) { return &((const struct links *)ctx)->ui->model.overview; }

static int64_t count(void *ctx) { return overview(ctx)->has ? overview(ctx)->links : -1; }

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	const struct m_overview *o = overview(ctx);
	if (row < 0 || row >= o->links)
		return false;
	*id = o->link[row].name;
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct m_overview *o = overview(ctx);
	for (int i = 0; i < o->links; i++)
		if (slice_eq(o->link[i].name, id))
			return *row = i, true;
	return false;
}

enum { C_STATE, C_NAME, C_RTT, C_SPARK, C_P50, C_P99, C_HEARD, C_IN, C_OUT, C_AGAIN, C_NEXT, C_CLOSE };

static const struct column columns[] = {
	[C_STATE] = { .title = "state", .width = 10 },
	[C_NAME] = { .title = "link", .width = 14, .grow = 3, .most = 28 },
	[C_RTT] = { .title = "rtt", .width = 6, .right = true },
	[C_SPARK] = { .title = "", .width = 8, .grow = 2, .most = 24, .keep = 4 },
	[C_P50] = { .title = "p50", .width = 6, .right = true, .keep = 2 },
	[C_P99] = { .title = "p99", .width = 6, .right = true, .keep = 5 },
	[C_HEARD] = { .title = "heard", .width = 5, .right = true, .keep = 7 },
	[C_IN] = { .title = "in", .width = 7, .right = true, .keep = 3 },
	[C_OUT] = { .title = "out", .width = 7, .right = true, .keep = 1 },
	[C_AGAIN] = { .title = "reconn", .width = 6, .right = true, .keep = 8 },
	[C_NEXT] = { .title = "next", .width = 6, .right = true, .keep = 6 },
	[C_CLOSE] = { .title = "last close", .width = 10, .grow = 8, .keep = 9 },
};

static void last_close(const struct table *t, struct area line, const struct m_link *k)
{
	struct area cell = table_cell(t, line, C_CLOSE);
	if (cell.w == 0)
		return;
	if (k->close_code <= 0) {
		area_put(cell, 0, 0, ROLE_DIM, "none");
		return;
	}
	int x = area_putf(cell, 0, 0, slice_is(k->state, "up") ? ROLE_DIM : ROLE_WARN, "%lld ", (long long)k->close_code);
	area_show(cell, 0, x, 0, ROLE_DIM, k->close_text);
}

/* "app-events 48/50" where there are several connections. */
static void link_name(const struct table *t, struct area line, const struct m_link *k)
{
	struct area cell = table_cell(t, line, C_NAME);
	int x = area_show(cell, 0, 0, 0, ROLE_TEXT, k->name);
	if (k->conns > 1)
		area_putf(cell, 0, x + 1, k->conns_up < k->conns_floor ? ROLE_FAIL : k->conns_up < k->conns ? ROLE_WARN : ROLE_DIM, "%lld/%lld",
			  (long long)k->conns_up, (long long)k->conns);
}

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct links *v = ctx;
	const struct m_link *k = &overview(ctx)->link[row];
	const struct table *t = &v->table;
	char text[FORMAT_TEXT];
	(void)marked;
	look_put(table_cell(t, line, C_STATE), 0, 0, 0, look_of(LOOK_LINK, k->state));
	link_name(t, line, k);
	table_put(t, line, C_RTT, ROLE_TEXT, format_us(text, k->rtt_us));
	struct area spark = table_cell(t, line, C_SPARK);
	if (spark.w > 0)
		spark_put(spark, 0, 0, spark.w, ROLE_ACCENT, k->rtt_recent, k->rtt_n);
	table_put(t, line, C_P50, ROLE_DIM, format_us(text, k->rtt_p50_us));
	table_put(t, line, C_P99, ROLE_DIM, format_us(text, k->rtt_p99_us));
	table_put(t, line, C_HEARD, ROLE_TEXT, format_age(text, v->ui->now.wall_us, k->last_message_us));
	table_put(t, line, C_IN, ROLE_TEXT, format_count(text, k->messages_in));
	table_put(t, line, C_OUT, ROLE_TEXT, format_count(text, k->messages_out));
	table_put(t, line, C_AGAIN, k->reconnects > 0 ? ROLE_WARN : ROLE_DIM, format_count(text, k->reconnects));
	if (k->next_attempt_us >= 0)
		table_put(t, line, C_NEXT, ROLE_WARN, format_until(text, v->ui->now.wall_us, k->next_attempt_us));
	last_close(t, line, k);
}

static struct list_source rows_of(struct ui *ui)
{
	return (struct list_source){ .ctx = mine(ui), .count = count, .id = row_id, .find = find, .draw = draw };
}

static const struct m_link *under_cursor(struct ui *ui)
{
	const struct m_overview *o = &ui->model.overview;
	int64_t row;
	return list_at(&mine(ui)->list, &row) && row < o->links ? &o->link[row] : NULL;
}

const struct m_link *link_under_cursor(struct ui *ui)
{
	return ui->screen == &screen_links ? under_cursor(ui) : NULL;
}

/* ---- its incidents ---- */

static void on_incidents(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct links *v = mine(ui);
	(void)ctx;
	v->busy = false;
	v->trouble[0] = '\0';
	if (error)
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
	else
		m_audit_read(&v->incidents, result, M_REPLACE);
	ui->dirty = true;
}

/* Asked anew when the cursor is on another link, or when this one came or went. */
static void ask_incidents(struct ui *ui)
{
	struct links *v = mine(ui);
	const struct m_link *k = under_cursor(ui);
	int64_t at = k ? k->attempts + k->reconnects + k->close_code : 0;
	struct buf b = { 0 };
	struct jw w;
	if (!k || v->busy || (slice_eq(buf_slice(&v->asked_of), k->name) && at == v->asked_at))
		return;
	if (!slice_eq(buf_slice(&v->asked_of), k->name))
		m_audit_done(&v->incidents);
	buf_clear(&v->asked_of);
	buf_add(&v->asked_of, k->name.p, k->name.n);
	v->asked_at = at;
	v->busy = true;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "kind", SLICE_LIT("link.incident"));
	jw_kstr(&w, "subject", k->name);
	jw_ki64(&w, "limit", INCIDENTS);
	jw_end_obj(&w);
	ui_call(ui, "audit.tail", &b, on_incidents, NULL);
	buf_done(&b);
}

static void incident_lines(struct ui *ui, struct flow *f)
{
	struct links *v = mine(ui);
	char at[FORMAT_TEXT], ago[FORMAT_TEXT];
	flow_put(f, ROLE_TITLE, "Incidents");
	flow_line(f);
	if (v->trouble[0])
		flow_words(f, ROLE_FAIL, slice_of(v->trouble));
	else if (!v->incidents.has)
		flow_put(f, ROLE_DIM, "loading…");
	else if (v->incidents.records == 0)
		flow_put(f, ROLE_DIM, "none in the log");
	for (int i = 0; i < v->incidents.records; i++) {
		const struct m_record *r = &v->incidents.record[i];
		flow_put(f, ROLE_DIM, format_clock(at, r->at_us));
		flow_at(f, 11);
		flow_putf(f, ROLE_DIM, "%s ago", format_age(ago, ui->now.wall_us, r->at_us));
		flow_at(f, 23);
		f->indent = 23;
		flow_words(f, ROLE_TEXT, r->text);
		f->indent = 1;
		flow_line(f);
	}
}

/* ---- a second look ---- */

bool link_can_diagnose(struct ui *ui, struct buf *why)
{
	if (ui->screen == &screen_links && under_cursor(ui))
		return true;
	buf_adds(why, "put the cursor on a link first (screen 2)");
	return false;
}

static void on_look(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct links *v = mine(ui);
	(void)ctx;
	text_z(v->look, sizeof(v->look), error ? slice_of(error) : json_get_str(result, "sentence"));
	ui_note(ui, error || json_get_str(result, "cause").n ? ROLE_WARN : ROLE_OK, "%s", v->look);
	ui->dirty = true;
}

void link_run_diagnose(struct ui *ui, const char *arg)
{
	struct links *v = mine(ui);
	const struct m_link *k = under_cursor(ui);
	struct buf b = { 0 };
	struct jw w;
	(void)arg;
	buf_clear(&v->looked_at);
	buf_add(&v->looked_at, k->name.p, k->name.n);
	snprintf(v->look, sizeof(v->look), "looking …");
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kstr(&w, "link", k->name);
	jw_end_obj(&w);
	ui_call(ui, "links.diagnose", &b, on_look, NULL);
	buf_done(&b);
}

/* ---- the ladder ---- */

void link_ladder(struct flow *f, const struct m_link *k)
{
	char text[FORMAT_TEXT];
	for (int i = 0; i < k->rungs; i++) {
		struct look l = look_of(LOOK_RUNG, k->rung[i].state);
		char rung[96], name[40];
		bool timed = k->rung[i].us >= 0, word = !timed || !slice_is(k->rung[i].state, "passed");
		snprintf(rung, sizeof(rung), "%s %s%s%.*s%s%s", text_z(name, sizeof(name), k->rung[i].name), glyph(l.mark), word ? " " : "",
			 word ? (int)MIN(l.word.n, 24) : 0, l.word.p, timed ? " " : "", timed ? format_us(text, k->rung[i].us) : "");
		flow_put(f, l.role, rung);
		flow_gap(f, 3);
	}
	if (k->rungs == 0)
		flow_put(f, ROLE_DIM, "no attempt yet");
}

static void labelled(struct flow *f, const char *label)
{
	flow_put(f, ROLE_DIM, label);
	flow_at(f, LADDER_AT);
	f->indent = LADDER_AT;
}

static void end_labelled(struct flow *f)
{
	f->indent = 1;
	flow_line(f);
}

static void paint_look(struct ui *ui, struct flow *f, const struct m_link *k)
{
	struct links *v = mine(ui);
	if (!v->look[0] || !slice_eq(buf_slice(&v->looked_at), k->name))
		return;
	labelled(f, "second look");
	flow_words(f, ROLE_TEXT, slice_of(v->look));
	end_labelled(f);
}

static void paint_pane(struct ui *ui, struct area a, const struct m_link *k)
{
	struct flow f;
	char text[FORMAT_TEXT], lag[128];
	flow_init(&f, a, 0, 1);
	flow_show(&f, ROLE_TITLE, k->name);
	flow_gap(&f, 2);
	flow_show(&f, ROLE_DIM, k->url);
	flow_gap(&f, 2);
	flow_put(&f, ROLE_DIM, "handshake ");
	flow_show(&f, ROLE_DIM, k->handshake);
	flow_line(&f);
	labelled(&f, "ladder");
	link_ladder(&f, k);
	end_labelled(&f);
	if (k->sentence.n > 0) {
		labelled(&f, "what to do");
		flow_words(&f, slice_is(k->state, "up") ? ROLE_TEXT : ROLE_STRONG, k->sentence);
		end_labelled(&f);
	}
	paint_look(ui, &f, k);
	if (k->close_code > 0) {
		labelled(&f, "last close");
		flow_putf(&f, ROLE_TEXT, "%lld", (long long)k->close_code);
		flow_gap(&f, 1);
		flow_words(&f, ROLE_TEXT, k->close_text);
		end_labelled(&f);
	}
	for (int i = 0; i < k->features; i++) {
		labelled(&f, "feature");
		link_feature_line(&f, &k->feature[i]);
		end_labelled(&f);
	}
	labelled(&f, "loop lag");
	snprintf(lag, sizeof(lag), "%s here: a keepalive lost beside a small lag was lost on the other side", format_us(text, ui->model.overview.loop_lag_us));
	flow_words(&f, ROLE_DIM, slice_of(lag));
	end_labelled(&f);
	flow_line(&f);
	incident_lines(ui, &f);
}

bool link_detail(struct ui *ui, struct flow *f, struct slice key)
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
	if (k->conns > 1)
		flow_fieldf(f, "connections", "%lld up, %lld needed, %lld configured", (long long)k->conns_up, (long long)k->conns_floor,
			    (long long)k->conns);
	flow_put(f, ROLE_DIM, "ladder");
	flow_at(f, 20);
	f->indent = 20;
	link_ladder(f, k);
	f->indent = 2;
	flow_line(f);
	flow_fieldf(f, "rtt", "%s now, %s median", format_us(text, k->rtt_us), format_us(more, k->rtt_p50_us));
	flow_fieldf(f, "rtt p99", "%s", format_us(text, k->rtt_p99_us));
	flow_fieldf(f, "last message", "%s ago", format_age(text, ui->now.wall_us, k->last_message_us));
	flow_fieldf(f, "messages", "%s in, %s out", format_count(text, k->messages_in), format_count(more, k->messages_out));
	link_delivery_lines(f, k, ui->now.wall_us);
	link_feature_lines(f, k);
	flow_fieldf(f, "attempts", "%s, %s reconnects", format_count(text, k->attempts), format_count(more, k->reconnects));
	flow_fieldf(f, "last close", "%s", k->close_code > 0 ? format_count(text, k->close_code) : "none");
	flow_field(f, "close text", k->close_text);
	flow_field(f, "breaker", k->breaker.state);
	flow_field(f, "window", k->breaker.window);
	return true;
}

/* ---- the screen ---- */

static bool is_down(const struct m_link *k)
{
	return !slice_is(k->state, "up") && !slice_is(k->state, "idle");
}

static void summary(const struct m_overview *o, struct area a)
{
	int up = 0, trouble = 0, down = 0;
	for (int i = 0; i < o->links; i++) {
		down += is_down(&o->link[i]);
		up += slice_is(o->link[i].state, "up");
		trouble += slice_is(o->link[i].state, "jammed") || slice_is(o->link[i].state, "given up");
	}
	int x = area_putf(a, 0, 1, up == o->links ? ROLE_OK : ROLE_WARN, "%d of %d up", up, o->links);
	if (trouble > 0)
		x = area_putf(a, 0, x + 3, ROLE_FAIL, "%d need%s a person", trouble, trouble == 1 ? "s" : "");
	if (down > 0) {
		x = area_put(a, 0, x + 3, ROLE_KEY, "n");
		area_put(a, 0, x + 1, ROLE_DIM, "next that is down");
	}
}

static void paint(struct ui *ui, struct area a)
{
	struct links *v = mine(ui);
	const struct m_overview *o = &ui->model.overview;
	struct list_source s = rows_of(ui);
	if (!o->has || o->links == 0) {
		area_put(a, 1, 2, ROLE_DIM, o->has ? "No link is configured: `links:` in the configuration names what Sluice shall watch." : "loading…");
		return;
	}
	summary(o, a);
	struct area in = area_sub(a, 1, 1, a.h - 1, a.w - 2);
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	int room = in.h - 1 - PANE_LEAST, rows = MIN(o->links, MAX(room, 3));
	struct area body = area_rows(in, 1, rows);
	int y = list_paint(&v->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	}
	const struct m_link *k = under_cursor(ui);
	if (k && in.h > rows + 2)
		paint_pane(ui, area_rows(in, rows + 2, in.h - rows - 2), k);
}

/* To the next link that is down, or the one before, round the end of the list. */
static void to_next_down(struct ui *ui, int by)
{
	struct links *v = mine(ui);
	const struct m_overview *o = &ui->model.overview;
	const struct list_source s = rows_of(ui);
	for (int step = 1; step <= o->links; step++) {
		int64_t row = (v->list.cursor + (int64_t)step * by + (int64_t)o->links * step) % o->links;
		if (is_down(&o->link[row])) {
			list_to(&v->list, &s, row);
			ask_incidents(ui);
			return;
		}
	}
	ui_note(ui, ROLE_OK, "no link is down");
}

static bool verb(struct ui *ui, enum verb what)
{
	struct links *v = mine(ui);
	struct list_source s = rows_of(ui);
	const struct m_link *k = under_cursor(ui);
	bool done = false;
	switch (what) {
	case VERB_OPEN:
		if (k)
			detail_open(ui, "Link", k->name, link_detail);
		return k != NULL;
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		done = list_verb(&v->list, &s, what);
		ask_incidents(ui);
		return done;
	case VERB_NEXT: case VERB_PREV:
		to_next_down(ui, what == VERB_NEXT ? 1 : -1);
		return true;
	case VERB_LEFT: case VERB_RIGHT: case VERB_MARK: case VERB_SORT: case VERB_BACK: case VERB_VERIFY:
		return false;
	}
	return false;
}

static void changed(struct ui *ui)
{
	struct list_source s = rows_of(ui);
	list_changed(&mine(ui)->list, &s);
	ask_incidents(ui);
}

static void enter(struct ui *ui)
{
	mine(ui)->asked_at = -1;
	changed(ui);
}

static void init(struct ui *ui, void *state) { ((struct links *)state)->ui = ui; }

static void done(void *state)
{
	struct links *v = state;
	m_audit_done(&v->incidents);
	list_done(&v->list);
	buf_done(&v->asked_of);
	buf_done(&v->looked_at);
}

const struct screen_ops screen_links = {
	.id = "links", .number = 2, .name = "Links", .brief = "Links", .bar = "open diagnose hold command help",
	.state_size = sizeof(struct links), .init = init, .done = done, .enter = enter, .changed = changed, .paint = paint, .verb = verb,
};
