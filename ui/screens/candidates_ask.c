#include "ui/screens/candidates_ask.h"

#include <stdio.h>
#include <unistd.h>

const struct sort_column candidates_orders[CANDIDATES_ORDERS] = {
	{ "rank", "rank", "first to go first", "last to go first", false },
	{ "size", "size", "smallest first", "largest first", true },
	{ "age", "age", "newest first", "oldest first", true },
	{ "name", "name", "A to Z", "Z to A", false },
	{ "id", "id", "A to Z", "Z to A", false },
	{ "lane", "lane", "as configured", "the last configured first", false },
	{ "state", "verdict", "kept, candidate, protected, ineligible", "ineligible, protected, candidate, kept", false },
	{ "rule", "rule", "A to Z", "Z to A", false },
	{ "class", "class", "irreversible first", "restorable first", false },
	{ "where", "where", "A to Z", "Z to A", false },
	{ "why", "why", "A to Z", "Z to A", false },
};

/* Of this console and this request. */
static void name(struct candidates_ask *a, const struct ui *ui)
{
	static int64_t last;
	snprintf(a->query, sizeof(a->query), "%lld-%lld-%lld", (long long)getpid(), (long long)ui->now.boot_us, (long long)++last);
}

static void write_view(struct jw *w, const struct candidates_view *v)
{
	if (v->filter[0])
		jw_kz(w, "filter", v->filter);
	jw_kz(w, "order", candidates_orders[v->order].word);
	jw_kbool(w, "desc", v->desc);
}

void candidates_ask(struct ui *ui, struct candidates_ask *a, const struct candidates_view *v, struct candidates_rows rows, ui_answer_fn *fn, void *ctx)
{
	struct buf b = { 0 };
	struct jw w;
	*a = (struct candidates_ask){ .looked = -1, .of = -1 };
	name(a, ui);
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "query", a->query);
	write_view(&w, v);
	jw_ki64(&w, "offset", rows.offset);
	jw_ki64(&w, "limit", rows.limit);
	jw_end_obj(&w);
	ui_call(ui, "candidates", &b, fn, ctx);
	buf_done(&b);
}

static void about(struct ui *ui, struct candidates_ask *a, const char *method, ui_answer_fn *fn)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "query", a->query);
	jw_end_obj(&w);
	ui_call(ui, method, &b, fn, a);
	buf_done(&b);
}

/* An answer about the request before this one says nothing of it, and is replaced by the next. */
static void on_progress(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct candidates_ask *a = ctx;
	if (error || !json_get_bool(result, "running", false))
		return;
	a->looked = json_get_i64(result, "looked", -1);
	a->of = json_get_i64(result, "of", -1);
	ui->dirty = true;
}

void candidates_ask_progress(struct ui *ui, struct candidates_ask *a)
{
	about(ui, a, "candidates.progress", on_progress);
}

static void on_stopped(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	(void)ui, (void)ctx, (void)result, (void)error; /* the answer to the request itself tells */
}

void candidates_ask_stop(struct ui *ui, struct candidates_ask *a)
{
	if (!a->stopped)
		about(ui, a, "candidates.stop", on_stopped);
	a->stopped = true;
}
