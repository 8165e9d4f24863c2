#include "ui/shell.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"

/* a frame comes 20 ms after the last of several changes of size, and once in 150 ms while they go on */
enum { FRAME_MS = 33, ESCAPE_MS = 25, TICK_MS = 1000, RESIZE_QUIET_MS = 20, RESIZE_MOST_MS = 150 };

struct shell {
	struct loop *loop;
	struct ui *ui;
	struct theme theme;
	struct term *term;
	struct grid grid;
	struct keys keys;
	struct loop_timer *tick, *frame, *escape;
	struct loop_signal *sig[3];
	bool framed;                    /* the frame timer runs */
	int64_t resized_us;             /* first change of size that was not painted yet, 0 = none */
	int64_t painted_us[2];          /* boot time of the last two frames */
	int signum;
	struct now still;
	void (*on_tick)(void *ctx);
	void *ctx;
};

static void read_clock(struct shell *s)
{
	s->ui->now = s->still.wall_us != 0 ? s->still : loop_now(s->loop);
}

static void after_frame(struct shell *s)
{
	struct ui *ui = s->ui;
	if (ui->flush) {
		s->term->ops->flush_input(s->term);
		keys_drop(&s->keys);
		ui->flush = false;
	}
	ui_painted(ui);
	if (ui->bell)
		s->term->ops->bell(s->term);
	ui->bell = false;
}

static void paint(struct shell *s)
{
	struct ui *ui = s->ui;
	if (ui->quit) {
		loop_stop(s->loop);
		return;
	}
	if (!ui->dirty && !ui->redraw)
		return;
	read_clock(s);
	if (ui->redraw)
		s->term->ops->forget(s->term);
	ui->redraw = false;
	ui_paint(ui, &s->grid);
	s->painted_us[0] = s->painted_us[1];
	s->painted_us[1] = loop_now(s->loop).boot_us;
	if (s->term->ops->present(s->term, &s->grid, ui->cy, ui->cx))
		after_frame(s);
	else
		ui->dirty = true;       /* on_ready comes */
}

static void on_frame(void *ctx)
{
	struct shell *s = ctx;
	s->framed = false;
	s->resized_us = 0;
	paint(s);
}

/* Two frames may follow each other at once, so that what comes after a rest is not kept waiting; no more than two in two periods. */
void shell_poke(struct shell *s)
{
	if (s->framed)
		return;
	int64_t since_ms = (loop_now(s->loop).boot_us - s->painted_us[0]) / 1000;
	s->framed = true;
	loop_timer_start(s->frame, since_ms >= 2 * FRAME_MS ? 0 : 2 * FRAME_MS - since_ms, 0);
}

static void on_key(void *ctx, const struct key *k)
{
	struct shell *s = ctx;
	ui_key(s->ui, k);
}

static void on_escape(void *ctx)
{
	struct shell *s = ctx;
	read_clock(s);
	keys_timeout(&s->keys, on_key, s);
	shell_poke(s);
}

static void on_input(void *ctx, struct slice chunk)
{
	struct shell *s = ctx;
	read_clock(s);
	keys_feed(&s->keys, chunk, on_key, s);
	if (keys_waiting(&s->keys))
		loop_timer_start(s->escape, ESCAPE_MS, 0);
	else
		loop_timer_stop(s->escape);
	shell_poke(s);
}

/* Whoever drags a window makes a hundred sizes: most of them are never painted. */
static void settle(struct shell *s)
{
	int64_t now_us = loop_now(s->loop).boot_us;
	if (!s->resized_us)
		s->resized_us = now_us;
	int64_t left_ms = RESIZE_MOST_MS - (now_us - s->resized_us) / 1000;
	s->framed = true;
	loop_timer_start(s->frame, MAX(MIN(left_ms, RESIZE_QUIET_MS), 0), 0);
}

static void on_resize(void *ctx)
{
	struct shell *s = ctx;
	int rows, cols;
	s->term->ops->size(s->term, &rows, &cols);
	if (rows != s->grid.rows || cols != s->grid.cols)
		grid_resize(&s->grid, rows, cols);
	/* back at the size it had, the terminal has still cut off or wrapped what stood there */
	s->ui->redraw = s->ui->dirty = true;
	settle(s);
}

static void on_ready(void *ctx)
{
	shell_poke(ctx);
}

static void on_hangup(void *ctx)
{
	struct shell *s = ctx;
	s->signum = SIGHUP;
	loop_stop(s->loop);
}

static void on_signal(void *ctx, int signum)
{
	struct shell *s = ctx;
	s->signum = signum;
	loop_stop(s->loop);
}

static void on_second(void *ctx)
{
	struct shell *s = ctx;
	read_clock(s);
	if (s->on_tick)
		s->on_tick(s->ctx);
	ui_tick(s->ui);
	paint(s);
}

enum rc shell_new(struct shell **out, struct loop *l, struct ui *ui, const struct shell_opts *o, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct shell *s = xcalloc(1, sizeof(*s));
	int rows, cols;
	*s = (struct shell){ .loop = l, .ui = ui, .on_tick = o->on_tick, .ctx = o->ctx, .still = o->still };
	const struct term_events ev = { s, on_input, on_resize, on_ready, on_hangup };
	enum rc rc = theme_load(&s->theme, o->theme, o->mono, e);
	if (rc == RC_OK)
		rc = term_curses_new(&s->term, l, &s->theme, &ev, e);
	if (rc != RC_OK) {
		free(s);
		return rc;
	}
	keys_init(&s->keys);
	s->term->ops->size(s->term, &rows, &cols);
	grid_init(&s->grid, rows, cols, ui->ascii);
	s->tick = loop_timer_new(l, on_second, s);
	s->frame = loop_timer_new(l, on_frame, s);
	s->escape = loop_timer_new(l, on_escape, s);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		s->sig[i] = loop_signal_new(l, signals[i], on_signal, s);
	loop_timer_start(s->tick, TICK_MS, TICK_MS);
	read_clock(s);
	shell_poke(s);
	*out = s;
	return RC_OK;
}

int shell_free(struct shell *s)
{
	int signum = s->signum;
	s->term->ops->free(s->term);
	for (size_t i = 0; i < ARRAY_LEN(s->sig); i++)
		loop_signal_free(s->sig[i]);
	loop_timer_free(s->tick);
	loop_timer_free(s->frame);
	loop_timer_free(s->escape);
	grid_done(&s->grid);
	free(s);
	return signum;
}
