/* Screen 7: the audit log, newest first, read page by page as the cursor goes down. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"
#include "ui/screens/verifying.h"
#include "ui/widgets/filter.h"
#include "ui/widgets/flow.h"
#include "ui/widgets/list.h"
#include "ui/widgets/table.h"

enum { PAGE = 200, MOST = 4000 };       /* records kept; beyond it begins anew at the newest */

struct audit {
	struct ui *ui;
	struct m_audit log;
	struct list list;
	char filter[200];
	bool busy, ended;
	int64_t asked;                  /* filters so far */
	int64_t head_seq;               /* of the overview when the newest page was read */
	enum m_join join;
	char trouble[240];
	struct verifying verifying;
	struct table table;
	char key[24];                   /* room for the id of a row */
};

static struct audit *mine(struct ui *ui)
{
	return ui_state(ui, &screen_audit);
}

/* ---- reading ---- */

static int64_t count(void *ctx)
{
	const struct audit *v = ctx;
	return v->log.has ? v->log.records : -1;
}

static bool row_id(void *ctx, int64_t row, struct slice *id)
{
	struct audit *v = ctx;
	if (row < 0 || row >= v->log.records)
		return false;
	snprintf(v->key, sizeof(v->key), "%lld", (long long)v->log.record[row].seq);
	*id = slice_of(v->key);
	return true;
}

static bool find(void *ctx, struct slice id, int64_t *row)
{
	const struct audit *v = ctx;
	int64_t seq;
	if (!parse_i64(id, &seq))
		return false;
	for (int i = 0; i < v->log.records; i++) {
		if (v->log.record[i].seq == seq) {
			*row = i;
			return true;
		}
	}
	return false;
}

static void fetch(struct ui *ui, enum m_join how);
static const struct list_source source;

static struct list_source rows_of(struct ui *ui)
{
	struct list_source s = source;
	s.ctx = mine(ui);
	return s;
}

static void on_page(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct audit *v = mine(ui);
	struct list_source s = rows_of(ui);
	bool mine_still = (int64_t)(intptr_t)ctx == v->asked;
	v->busy = false;
	if (!mine_still) {
		fetch(ui, M_REPLACE);
		return;
	}
	if (error) {
		text_z(v->trouble, sizeof(v->trouble), slice_of(error));
		return;
	}
	size_t n = json_len(json_get(result, "records"));
	bool gap = v->join == M_PREPEND && (n >= PAGE || v->log.records + (int)n > MOST);
	v->trouble[0] = '\0';
	v->ended = v->join == M_PREPEND ? v->ended : n < PAGE;
	m_audit_read(&v->log, result, gap ? M_REPLACE : v->join);
	if (gap)
		v->ended = false;
	list_changed(&v->list, &s);
	ui->dirty = true;
}

static bool page_params(struct audit *v, enum m_join how, struct buf *b, struct buf *why)
{
	static const char *const keys[] = { "kind", "actor", "subject", NULL };
	struct jw w;
	jw_init(&w, b);
	jw_obj(&w);
	bool good = filter_write(&w, v->filter, keys, NULL, why);
	jw_ki64(&w, "limit", PAGE);
	if (how == M_APPEND)
		jw_ki64(&w, "before", v->log.record[v->log.records - 1].seq);
	if (how == M_PREPEND)
		jw_ki64(&w, "after", v->log.record[0].seq);
	jw_end_obj(&w);
	return good;
}

static void fetch(struct ui *ui, enum m_join how)
{
	struct audit *v = mine(ui);
	struct buf b = { 0 }, why = { 0 };
	if (v->busy)
		return;
	if (how != M_REPLACE && v->log.records == 0)
		how = M_REPLACE;
	v->head_seq = how == M_APPEND ? v->head_seq : ui->model.overview.chain_seq;
	v->join = how;
	if (page_params(v, how, &b, &why)) {
		v->busy = true;
		ui_call(ui, "audit.tail", &b, on_page, (void *)(intptr_t)v->asked);
	}
	buf_done(&why);
	buf_done(&b);
}

static void want(void *ctx, int64_t first, int64_t n)
{
	struct audit *v = ctx;
	if (first + n >= v->log.records && !v->ended && v->log.records > 0 && v->log.records < MOST)
		fetch(v->ui, M_APPEND);
}

/* ---- drawing ---- */

static const struct column columns[] = {
	{ .title = "seq", .width = 7, .right = true },
	{ .title = "time", .width = 8 },
	{ .title = "actor", .width = 8, .grow = 1, .most = 14 },
	{ .title = "via", .width = 7, .keep = 1 },
	{ .title = "kind", .width = 15, .grow = 1, .most = 24 },
	{ .title = "subject", .width = 14, .grow = 2, .most = 32, .keep = 3 },
	{ .title = "what", .width = 24, .grow = 12, .keep = 5 },
};

static void draw(void *ctx, struct area line, int64_t row, bool marked)
{
	const struct audit *v = ctx;
	const struct m_record *r = &v->log.record[row];
	char text[FORMAT_TEXT];
	(void)marked;
	table_put(&v->table, line, 0, ROLE_DIM, format_count(text, r->seq));
	table_put(&v->table, line, 1, ROLE_DIM, format_clock(text, r->at_us));
	table_show(&v->table, line, 2, ROLE_ACCENT, r->actor);
	table_show(&v->table, line, 3, ROLE_DIM, r->via);
	table_show(&v->table, line, 4, ROLE_TEXT, r->kind);
	table_show(&v->table, line, 5, ROLE_TEXT, r->subject);
	table_show(&v->table, line, 6, ROLE_TEXT, r->text);
}

static const struct list_source source = { .count = count, .id = row_id, .find = find, .want = want, .draw = draw };

static void chain_line(struct ui *ui, struct flow *f)
{
	struct audit *v = mine(ui);
	const struct m_overview *o = &ui->model.overview;
	char n[FORMAT_TEXT], at[FORMAT_TEXT];
	bool said = verifying_put(&v->verifying, f);
	flow_gap(f, 3);
	flow_putf(f, ROLE_DIM, "head #%s ", format_count(n, o->has ? o->chain_seq : -1));
	flow_show(f, ROLE_STRONG, o->chain_short);
	flow_gap(f, 3);
	if (said)
		return;
	if (o->chain_verified_seq >= 0)
		flow_putf(f, ROLE_OK, "verified to #%s at %.5s", format_count(n, o->chain_verified_seq), format_clock(at, o->chain_verified_us));
	else
		flow_put(f, ROLE_WARN, "not verified yet: v verifies now");
}

static void paint(struct ui *ui, struct area a)
{
	struct audit *v = mine(ui);
	struct list_source s = rows_of(ui);
	struct flow f;
	char n[FORMAT_TEXT];
	struct area in = area_sub(a, 1, 1, a.h - 1, a.w - 2);
	v->ui = ui;
	flow_init(&f, area_sub(a, 0, 0, 1, a.w - 1), 0, 1);
	chain_line(ui, &f);
	flow_gap(&f, 3);
	flow_putf(&f, ROLE_DIM, "%s%s read", format_count(n, v->log.has ? v->log.records : -1), v->ended ? ", all" : "");
	flow_gap(&f, 3);
	if (v->filter[0]) {
		flow_put(&f, ROLE_DIM, "filter: ");
		flow_show(&f, ROLE_ACCENT, slice_of(v->filter));
	}
	table_layout(&v->table, columns, (int)ARRAY_LEN(columns), in.w);
	table_titles(&v->table, in, 0);
	struct area body = area_rows(in, 1, in.h - 1);
	int y = list_paint(&v->list, &s, body);
	if (y >= 0) {
		ui->cy = body.y + y;
		ui->cx = body.x;
	} else {
		area_put(body, 1, 1, v->trouble[0] ? ROLE_FAIL : ROLE_DIM,
			 v->trouble[0] ? v->trouble : !v->log.has ? "loading…" : v->filter[0] ? "Nothing matches; Esc clears the filter." : "No records.");
	}
}

/* ---- doing ---- */

static void restart(struct ui *ui)
{
	struct audit *v = mine(ui);
	v->asked++;
	v->ended = false;
	list_reset(&v->list);
	fetch(ui, M_REPLACE);
}

static void filter(struct ui *ui, const char *text)
{
	struct audit *v = mine(ui);
	struct buf b = { 0 }, why = { 0 };
	char before[sizeof(v->filter)];
	memcpy(before, v->filter, sizeof(before));
	snprintf(v->filter, sizeof(v->filter), "%s", text + strspn(text, " "));
	if (page_params(v, M_REPLACE, &b, &why)) {
		restart(ui);
	} else {
		memcpy(v->filter, before, sizeof(before));
		ui_note(ui, ROLE_FAIL, "%s", buf_z(&why));
	}
	buf_done(&b);
	buf_done(&why);
}

static const char *filter_text(struct ui *ui)
{
	return mine(ui)->filter;
}

static bool detail(struct ui *ui, struct flow *f, struct slice key)
{
	struct audit *v = mine(ui);
	int64_t row;
	return find(v, key, &row) && detail_record(f, &v->log.record[row]);
}

static void open_row(struct ui *ui, struct audit *v)
{
	int64_t row;
	struct slice id;
	char key[24];
	if (!list_at(&v->list, &row) || !row_id(v, row, &id))
		return;
	snprintf(key, sizeof(key), "%.*s", SLICE_FMT(id));
	detail_open(ui, "Record", slice_of(key), detail);
}

static bool verb(struct ui *ui, enum verb what)
{
	struct audit *v = mine(ui);
	struct list_source s = rows_of(ui);
	switch (what) {
	case VERB_OPEN: open_row(ui, v); return true;
	case VERB_VERIFY: verifying_begin(ui, &v->verifying); return true;
	case VERB_BACK:
		if (v->verifying.under_way) {
			verifying_stop(ui, &v->verifying);
			return true;
		}
		if (!v->filter[0])
			return false;
		filter(ui, "");
		return true;
	case VERB_NEXT: return list_verb(&v->list, &s, VERB_DOWN);
	case VERB_PREV: return list_verb(&v->list, &s, VERB_UP);
	case VERB_UP: case VERB_DOWN: case VERB_PAGE_UP: case VERB_PAGE_DOWN: case VERB_TOP: case VERB_BOTTOM:
		return list_verb(&v->list, &s, what);
	case VERB_LEFT: case VERB_RIGHT: case VERB_MARK: case VERB_SORT:
		return false;
	}
	return false;
}

static void enter(struct ui *ui)
{
	mine(ui)->ui = ui;
	fetch(ui, M_PREPEND);
}

static void changed(struct ui *ui)
{
	struct audit *v = mine(ui);
	if (v->log.has && ui->model.overview.chain_seq != v->head_seq)
		fetch(ui, M_PREPEND);
}

static void tick(struct ui *ui)
{
	verifying_tick(ui, &mine(ui)->verifying);
}

static void init(struct ui *ui, void *state)
{
	((struct audit *)state)->ui = ui;
}

static void done(void *state)
{
	struct audit *v = state;
	m_audit_done(&v->log);
	list_done(&v->list);
}

const struct screen_ops screen_audit = {
	.id = "audit", .number = 7, .name = "Audit", .brief = "Audit", .bar = "open filter verify hold command",
	.state_size = sizeof(struct audit), .init = init, .done = done, .enter = enter, .changed = changed, .tick = tick,
	.paint = paint, .verb = verb, .filter = filter, .filter_text = filter_text,
};
