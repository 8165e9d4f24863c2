#include "ui/screens/verifying.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "ui/format.h"
#include "ui/screens/screens.h"

/* A guess is only told from so many microseconds on, when so many of the percent are past. */
enum { GUESS_US = 3000000, GUESS_PERCENT = 5 };

/* An answer about the verification before this one says nothing of this one. */
static bool is_this(const struct verifying *v, const struct json *result)
{
	return v->under_way && json_get_bool(result, "running", false);
}

static void on_progress(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct verifying *v = ctx;
	if (error || !is_this(v, result))
		return;
	v->done = json_get_i64(result, "done", -1);
	v->of = json_get_i64(result, "of", -1);
	v->at_us = ui->now.boot_us;
	if (v->from_us == 0 && v->done >= 0) {
		v->from_us = v->at_us;
		v->from = v->done;
	}
	ui->dirty = true;
}

static void on_stopped(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	(void)ui, (void)ctx, (void)result, (void)error; /* the answer to the verification itself tells */
}

static void found(struct verifying *v, const struct json *result)
{
	char n[FORMAT_TEXT], why[200];
	int64_t bad = json_get_i64(result, "first_bad", -1);
	if (json_get_bool(result, "ok", false)) {
		v->role = ROLE_OK;
		snprintf(v->verdict, sizeof(v->verdict), "verified just now: %s records, unbroken", format_count(n, json_get_i64(result, "records", -1)));
		return;
	}
	text_z(why, sizeof(why), json_get_str(result, "why"));
	if (bad > 0)
		snprintf(v->verdict, sizeof(v->verdict), "BROKEN at #%s: %s", format_count(n, bad), why);
	else
		snprintf(v->verdict, sizeof(v->verdict), "BROKEN: %s", why);
}

static void on_verified(struct ui *ui, void *ctx, const struct json *result, const char *error)
{
	struct verifying *v = ctx;
	v->under_way = false;
	v->role = error && v->stopped ? ROLE_HELD : ROLE_FAIL;
	if (error)
		text_z(v->verdict, sizeof(v->verdict), slice_of(error));
	else
		found(v, result);
	if (ui->screen != &screen_audit)
		ui_note(ui, v->role, "%s", v->verdict);
	ui->dirty = true;
}

static void about(struct ui *ui, struct verifying *v, const char *method, ui_answer_fn *fn)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "query", v->query);
	jw_end_obj(&w);
	ui_call(ui, method, &b, fn, v);
	buf_done(&b);
}

void verifying_begin(struct ui *ui, struct verifying *v)
{
	static int64_t last;
	if (v->under_way)
		return;
	*v = (struct verifying){ .under_way = true, .done = -1, .of = -1 };
	snprintf(v->query, sizeof(v->query), "%lld-%lld", (long long)getpid(), (long long)++last);
	about(ui, v, "audit.verify", on_verified);
}

void verifying_tick(struct ui *ui, struct verifying *v)
{
	if (v->under_way)
		about(ui, v, "audit.progress", on_progress);
}

void verifying_stop(struct ui *ui, struct verifying *v)
{
	if (v->under_way && !v->stopped)
		about(ui, v, "audit.stop", on_stopped);
	v->stopped = true;
}

/* Every record costs about the same: the rest takes what it took so far, per record. */
int64_t verifying_left(const struct verifying *v)
{
	int64_t took = v->at_us - v->from_us, past = v->done - v->from;
	if (v->from_us == 0 || took < GUESS_US || past <= 0 || v->done < v->of / 100 * GUESS_PERCENT)
		return -1;
	return (int64_t)((double)took / (double)past * (double)(v->of - v->done));
}

bool verifying_put(const struct verifying *v, struct flow *f)
{
	char n[FORMAT_TEXT], of[FORMAT_TEXT], part[FORMAT_TEXT];
	int64_t left = verifying_left(v);
	if (!v->under_way && v->verdict[0])
		flow_show(f, v->role, slice_of(v->verdict));
	if (!v->under_way)
		return v->verdict[0] != '\0';
	if (v->done < 0)
		flow_put(f, ROLE_ACCENT, v->stopped ? "verifying… · it stops" : "verifying… · Esc stops");
	else
		flow_putf(f, ROLE_ACCENT, "verifying %s of %s · %s · %s", format_count(n, v->done), format_count(of, v->of),
			  format_percent(part, v->done, v->of), v->stopped ? "it stops" : "Esc stops");
	flow_gap(f, 3);
	if (left >= 0 && !v->stopped)
		flow_putf(f, ROLE_DIM, "%s left", format_until(n, 0, left));
	return true;
}
