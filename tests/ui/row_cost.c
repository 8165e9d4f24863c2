/* row_cost ROUNDS    what one changed row costs the console: on the terminal it runs on stands a list of rows, in each
 *                    round the engine tells of another verdict of one of them, and the frame that shows it is drawn and
 *                    sent. Prints the median of the drawing thread's microseconds, from the model to the last byte, on
 *                    standard error. Each frame is compared with one that is drawn whole.
 *
 * The yardstick beside it: `tests/performance/bare row`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "tests/ui/fixture.h"
#include "ui/screens/screens.h"
#include "ui/term.h"
#include "ui/theme.h"

enum { WINDOW = 240, MOST = 10000, SEEN = 50 };

struct world {
	struct fixture f;
	struct ui_wire others;
	struct json_doc *window;
	struct loop *loop;
	struct term *term;
	struct grid grid, whole;
};

static void fail(const char *what)
{
	fprintf(stderr, "row_cost: %s\n", what);
	exit(1);
}

static bool turned(int n, int i)
{
	return i < SEEN && (n + SEEN - 1 - i) / SEEN % 2 == 1;
}

/* The list in its n-th round: one row on the screen, and another one each time, has changed its verdict since the round before. */
static void make_window(struct world *w, int n)
{
	struct buf text = { 0 };
	struct err e;
	buf_addf(&text, "{\"total\": 1000000, \"offset\": 0, \"listed_us\": %lld, \"rows\": [", (long long)w->f.ui.now.wall_us);
	for (int i = 0; i < WINDOW; i++)
		buf_addf(&text, "%s{\"lane\": \"openai\", \"id\": \"file-%016d\", \"name\": \"transcript-%d.pdf\", \"purpose\": \"assistants\", "
			 "\"bytes\": %d, \"created_us\": %lld, \"verdict\": \"%s\", \"rule\": \"age-created-30d\", \"class\": \"R1\", "
			 "\"where\": \"P n n\", \"reason\": \"created %d d ago\", \"rank\": %d}", i ? "," : "", i, i, 1000 + i * 37,
			 (long long)(w->f.ui.now.wall_us - (40 + i % 300) * 86400000000LL), turned(n, i) ? "protected" : "candidate", 40 + i % 300, i + 1);
	buf_adds(&text, "]}");
	json_doc_free(w->window);
	if (json_parse(&w->window, buf_slice(&text), NULL, &e) != RC_OK)
		fail(e.text);
	buf_done(&text);
}

static void answer(void *ctx, const char *method, struct slice params, ui_answer_fn *fn, void *fn_ctx)
{
	struct world *w = ctx;
	if (strcmp(method, "candidates") == 0)
		fn(&w->f.ui, fn_ctx, json_root(w->window), NULL);
	else
		w->others.call(w->others.ctx, method, params, fn, fn_ctx);
}

static double cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double frame(struct world *w)
{
	struct ui *ui = &w->f.ui;
	double began = cpu_us();
	ui_paint(ui, &w->grid);
	bool sent = w->term->ops->present(w->term, &w->grid, ui->cy, ui->cx);
	double took = cpu_us() - began;
	while (!sent) {                         /* whoever reads the terminal is behind; on_ready ends the loop */
		loop_run(w->loop);
		sent = w->term->ops->present(w->term, &w->grid, ui->cy, ui->cx);
	}
	grid_clear(&w->whole);
	ui_paint(ui, &w->whole);
	if (!grid_eq(&w->grid, &w->whole))
		fail("the frame is not what it would be if all of it were drawn");
	ui_painted(ui);
	return took;
}

static double round_of(struct world *w, int n)
{
	make_window(w, n + 1);
	w->f.ui.model.overview.lane[0].listed++;
	ui_model_changed(&w->f.ui);
	return frame(w);
}

static int smaller(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return d < 0 ? -1 : d > 0;
}

static void nothing(void *ctx) { (void)ctx; }
static void on_ready(void *ctx) { loop_stop(((struct world *)ctx)->loop); }
static void no_input(void *ctx, struct slice chunk) { (void)ctx, (void)chunk; }

static void begin(struct world *w, struct theme *theme)
{
	const struct term_events ev = { w, no_input, nothing, on_ready, nothing };
	char path[512];
	struct err e;
	int rows, cols;
	snprintf(path, sizeof path, "%s/tests/ui/fixtures/busy.json", getenv("SLUICE_TOP") ? getenv("SLUICE_TOP") : ".");
	if (!term_utf8() || theme_load(theme, NULL, false, &e) != RC_OK || term_curses_new(&w->term, w->loop, theme, &ev, &e) != RC_OK)
		fail("it needs a terminal, and UTF-8");
	fixture_load(&w->f, path, false);
	w->others = w->f.ui.wire;
	w->f.ui.wire = (struct ui_wire){ w, answer };
	w->term->ops->size(w->term, &rows, &cols);
	grid_init(&w->grid, rows, cols, false);
	grid_init(&w->whole, rows, cols, false);
	make_window(w, 0);
	fixture_show(&w->f, "candidates");
	frame(w);
}

int main(int argc, char **argv)
{
	static double took[MOST];
	struct world w = { 0 };
	struct theme theme;
	int rounds = argc == 2 ? atoi(argv[1]) : -1;
	if (rounds < 0 || rounds > MOST)
		fail("usage: row_cost ROUNDS");
	w.loop = loop_new();
	begin(&w, &theme);
	for (int i = 0; i < rounds; i++)
		took[i] = round_of(&w, i);
	qsort(took, (size_t)rounds, sizeof *took, smaller);
	w.term->ops->free(w.term);
	fprintf(stderr, "%.2f\n", rounds ? took[rounds / 2] : 0);
	json_doc_free(w.window);
	grid_done(&w.grid);
	grid_done(&w.whole);
	fixture_done(&w.f);
	loop_free(w.loop);
	return 0;
}
