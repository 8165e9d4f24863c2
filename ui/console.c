#include "ui/console.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/client.h"
#include "ui/screens/screens.h"
#include "ui/shell.h"

enum { DUMP_MS = 10000, DUMP_LOOK_MS = 20 };

struct console {
	struct loop *loop;
	struct client *client;
	struct shell *shell;            /* NULL while dumping */
	struct asked *asked;            /* under way; what is left at the end is not answered any more */
	struct ui ui;
};

/* A request of the ui on its way through the client. */
struct asked {
	struct asked *next, **at;       /* in the console's list */
	struct console *c;
	ui_answer_fn *fn;
	void *ctx;
};

static struct asked *asked_new(struct console *c, ui_answer_fn *fn, void *ctx)
{
	struct asked *a = xmalloc(sizeof(*a));
	*a = (struct asked){ c->asked, &c->asked, c, fn, ctx };
	if (a->next)
		a->next->at = &a->next;
	c->asked = a;
	return a;
}

static void asked_free(struct asked *a)
{
	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	free(a);
}

static void poke(struct console *c)
{
	if (c->shell)
		shell_poke(c->shell);
}

static void on_answer(void *ctx, const struct json *result, const char *error)
{
	struct asked a = *(struct asked *)ctx;
	asked_free(ctx);
	a.c->ui.now = loop_now(a.c->loop);
	a.fn(&a.c->ui, a.ctx, result, error);
	a.c->ui.dirty = true;
	poke(a.c);
}

static void wire_call(void *ctx, const char *method, struct slice params, ui_answer_fn *fn, void *fn_ctx)
{
	struct console *c = ctx;
	client_call(c->client, method, params, on_answer, asked_new(c, fn, fn_ctx));
}

static void on_state(void *ctx, enum client_state s, const char *why)
{
	struct console *c = ctx;
	ui_connection(&c->ui, s == CLIENT_UP, why);
	poke(c);
}

static void on_hello(void *ctx, const struct json *hello)
{
	struct console *c = ctx;
	model_hello(&c->ui.model, hello);
	poke(c);
}

static void on_snapshot(void *ctx, struct slice topic, const struct json *data)
{
	struct console *c = ctx;
	c->ui.now = loop_now(c->loop);
	model_topic(&c->ui.model, topic, data, c->ui.now.wall_us);
	ui_model_changed(&c->ui);
	poke(c);
}

static void on_tick(void *ctx)
{
	struct console *c = ctx;
	client_tick(c->client, c->ui.now.boot_us);
	c->ui.silent_us = c->ui.connected ? client_silent_us(c->client) : -1;
}

static void start(struct console *c, const struct console_opts *o, bool ascii)
{
	const struct client_events ev = { c, on_state, on_hello, on_snapshot };
	const struct ui_wire wire = { c, wire_call };
	signal(SIGPIPE, SIG_IGN);
	c->loop = loop_new();
	ui_init(&c->ui, &wire, o->watch, ascii);
	c->ui.now = loop_now(c->loop);
	c->client = client_new(c->loop, o->socket_path, o->watch, &ev);
}

static void stop(struct console *c)
{
	client_free(c->client);
	while (c->asked)
		asked_free(c->asked);
	ui_done(&c->ui);
	loop_free(c->loop);
}

/* ---- one screen as text ---- */

struct dump {
	struct console *c;
	const struct screen_ops *screen;
	bool shown, ready;
	int waited_ms;
	struct loop_timer *timer;
};

static void on_look(void *ctx)
{
	struct dump *d = ctx;
	d->waited_ms += DUMP_LOOK_MS;
	if (d->c->ui.connected && !d->shown) {
		ui_show(&d->c->ui, d->screen);
		d->shown = true;
	}
	d->ready = d->shown && client_pending(d->c->client) == 0;
	if (d->ready || d->waited_ms > DUMP_MS)
		loop_stop(d->c->loop);
}

static const struct screen_ops *screen_named(const char *id)
{
	for (size_t i = 0; screens[i]; i++)
		if (screens[i]->number > 0 && strcmp(screens[i]->id, id) == 0)
			return screens[i];
	return NULL;
}

static void print_screen(struct console *c, int rows, int cols)
{
	struct grid g;
	struct buf text = { 0 };
	grid_init(&g, rows, cols, c->ui.ascii);
	c->ui.now = loop_now(c->loop);
	ui_paint(&c->ui, &g);
	term_text_dump(&text, &g, NULL, TEXT_GLYPHS);
	fputs(buf_z(&text), stdout);
	buf_done(&text);
	grid_done(&g);
}

static enum rc dump(const struct console_opts *o, struct err *e)
{
	struct console c = { 0 };
	struct dump d = { .c = &c, .screen = screen_named(o->dump_screen) };
	if (!d.screen)
		return err_set(e, RC_USAGE, "there is no screen \"%s\"; they are overview, links, breakers, candidates, cycle, dead-letters, audit, policies, checks",
			       o->dump_screen);
	start(&c, o, o->ascii || !term_utf8());
	d.timer = loop_timer_new(c.loop, on_look, &d);
	loop_timer_start(d.timer, DUMP_LOOK_MS, DUMP_LOOK_MS);
	loop_run(c.loop);
	if (d.ready)
		print_screen(&c, o->rows > 0 ? o->rows : 30, o->cols > 0 ? o->cols : 100);
	else
		err_set(e, RC_NO_ENGINE, "%s; start one with `sluice engine start`", c.ui.lost_why[0] ? c.ui.lost_why : "the engine did not answer within 10 s");
	loop_timer_free(d.timer);
	stop(&c);
	return d.ready ? RC_OK : RC_NO_ENGINE;
}

enum rc console_run(const struct console_opts *o, struct err *e)
{
	struct console c = { 0 };
	const struct shell_opts so = { .theme = o->theme, .mono = o->mono, .on_tick = on_tick, .ctx = &c };
	if (o->dump_screen)
		return dump(o, e);
	start(&c, o, o->ascii || !term_utf8());
	enum rc rc = shell_new(&c.shell, c.loop, &c.ui, &so, e);
	int signum = 0;
	if (rc == RC_OK) {
		loop_run(c.loop);
		signum = shell_free(c.shell);
		c.shell = NULL;
	}
	stop(&c);
	if (signum != 0) {
		signal(signum, SIG_DFL);
		raise(signum);
	}
	return rc;
}
