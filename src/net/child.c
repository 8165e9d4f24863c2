#include "net/child.h"

#include "base/mem.h"
#include "base/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { READ_BYTES = 65536, WORDS_MAX = 4096, DRAIN_MS = 1000 };

struct child {
	struct loop *loop;
	uv_process_t process;
	uv_pipe_t in, out, err;
	int handles;                    /* open ones; the last frees the struct */
	struct child_handler handler;
	void *ctx;
	size_t max_line;
	struct buf line, words;
	struct loop_timer *timer;       /* SIGKILL, then the wait for its last lines */
	struct child_end end;
	bool exited, out_ended, ended, freed;
	char read[READ_BYTES];
};

struct sending {
	uv_write_t uv;
	char bytes[];
};

/* Both its handles and its owner must be done with it. */
static void release(struct child *c)
{
	if (c->handles || !c->freed)
		return;
	buf_done(&c->line);
	buf_done(&c->words);
	free(c);
}

static void handle_closed(uv_handle_t *h)
{
	struct child *c = h->data;
	c->handles--;
	release(c);
}

static void shut(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, handle_closed);
}

static void shut_pipes(struct child *c)
{
	shut((uv_handle_t *)&c->in);
	shut((uv_handle_t *)&c->out);
	shut((uv_handle_t *)&c->err);
}

static void kill_group(struct child *c, int signum)
{
	if (c->process.pid > 0)
		(void)kill(-c->process.pid, signum);
}

/* The last line of what it said, as people may read it. */
static void keep_last_words(struct child *c)
{
	struct slice s = buf_slice(&c->words);
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	size_t from = s.n;
	while (from && s.p[from - 1] != '\n')
		from--;
	text_z(c->end.last_words, sizeof c->end.last_words, (struct slice){ s.p + from, s.n - from });
}

static void maybe_end(struct child *c)
{
	if (!c->exited || !c->out_ended || c->ended)
		return;
	c->ended = true;
	loop_timer_stop(c->timer);
	keep_last_words(c);
	shut_pipes(c);
	shut((uv_handle_t *)&c->process);
	if (!c->freed)
		c->handler.ended(c->ctx, &c->end);
}

static void on_timer(void *ctx)
{
	struct child *c = ctx;
	if (!c->exited) {
		kill_group(c, SIGKILL);
		return;
	}
	c->out_ended = true;            /* somebody else holds its stdout */
	maybe_end(c);
}

static void process_ended(uv_process_t *p, int64_t status, int signum)
{
	struct child *c = p->data;
	c->exited = true;
	c->end.exit_status = (int)status;
	c->end.signal = signum;
	kill_group(c, SIGKILL);         /* what it left behind; its number is not given away meanwhile */
	if (c->freed) {
		loop_owe(c->loop, -1);
		shut((uv_handle_t *)&c->process);
		return;
	}
	if (!c->out_ended)
		loop_timer_start(c->timer, DRAIN_MS, 0);
	maybe_end(c);
}

static void alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	struct child *c = h->data;
	(void)hint;
	*b = uv_buf_init(c->read, sizeof c->read);
}

/* Lines to the handler as long as it wants them: it may free the child. */
static void take(struct child *c, struct slice bytes)
{
	while (bytes.n && !c->freed && !c->end.too_long) {
		const char *nl = memchr(bytes.p, '\n', bytes.n);
		size_t n = nl ? (size_t)(nl - bytes.p) : bytes.n;
		buf_add(&c->line, bytes.p, n);
		bytes = (struct slice){ bytes.p + n + (nl != NULL), bytes.n - n - (nl != NULL) };
		if (c->line.n > c->max_line) {
			c->end.too_long = true;
			kill_group(c, SIGKILL);
		} else if (nl) {
			struct slice line = buf_slice(&c->line);
			if (line.n && line.p[line.n - 1] == '\r')
				line.n--;
			c->handler.line(c->ctx, line);
			buf_clear(&c->line);
		}
	}
}

static void on_out(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct child *c = s->data;
	if (n > 0)
		take(c, (struct slice){ b->base, (size_t)n });
	if (n >= 0 || c->freed)
		return;
	c->out_ended = true;
	shut((uv_handle_t *)&c->out);
	if (!c->exited)                 /* it will say nothing more: it has had its time */
		child_stop(c, DRAIN_MS);
	maybe_end(c);
}

static void on_err(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct child *c = s->data;
	if (n < 0) {
		shut((uv_handle_t *)&c->err);
		return;
	}
	buf_add(&c->words, b->base, (size_t)n);
	if (c->words.n > WORDS_MAX) {
		memmove(c->words.p, c->words.p + c->words.n - WORDS_MAX / 2, WORDS_MAX / 2);
		c->words.n = WORDS_MAX / 2;
	}
}

static struct child *child_new(struct loop *l, const struct child_opts *o, const struct child_handler *h, void *ctx)
{
	struct child *c = xcalloc(1, sizeof *c);
	uv_loop_t *uv = loop_uv(l);
	c->loop = l;
	c->handler = *h;
	c->ctx = ctx;
	c->max_line = o->max_line;
	c->timer = loop_timer_new(l, on_timer, c);
	uv_pipe_t *const pipes[] = { &c->in, &c->out, &c->err };
	for (size_t i = 0; i < ARRAY_LEN(pipes); i++) {
		uv_pipe_init(uv, pipes[i], 0);
		pipes[i]->data = c;
	}
	c->process.data = c;
	c->handles = 4;
	return c;
}

enum rc child_start(struct child **out, struct loop *l, const struct child_opts *o, const struct child_handler *h, void *ctx, struct err *e)
{
	struct child *c = child_new(l, o, h, ctx);
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->err },
	};
	/* libuv's types are not const; it writes to neither */
	uv_process_options_t p = {
		.exit_cb = process_ended, .file = o->argv[0], .args = (char **)(uintptr_t)o->argv, .env = (char **)(uintptr_t)o->env, .cwd = "/",
		.flags = UV_PROCESS_DETACHED, .stdio_count = ARRAY_LEN(stdio), .stdio = stdio,
	};
	int rc = uv_spawn(loop_uv(l), &c->process, &p);
	*out = NULL;
	if (rc < 0) {
		c->process.pid = 0;
		c->freed = true;
		loop_timer_free(c->timer);
		shut_pipes(c);
		shut((uv_handle_t *)&c->process);
		return err_set(e, RC_IO, "%s cannot be started: %s", o->argv[0], uv_strerror(rc));
	}
	uv_read_start((uv_stream_t *)&c->out, alloc, on_out);
	uv_read_start((uv_stream_t *)&c->err, alloc, on_err);
	*out = c;
	return RC_OK;
}

static void on_sent(uv_write_t *w, int status)
{
	(void)status;                   /* its end is told by its exit */
	free(w->data);
}

void child_send(struct child *c, struct slice bytes)
{
	if (c->ended || uv_is_closing((uv_handle_t *)&c->in))
		return;
	struct sending *s = xmalloc(sizeof *s + bytes.n);
	memcpy(s->bytes, bytes.p, bytes.n);
	s->uv.data = s;
	uv_buf_t b = uv_buf_init(s->bytes, (unsigned)bytes.n);
	if (uv_write(&s->uv, (uv_stream_t *)&c->in, &b, 1, on_sent) < 0)
		free(s);
}

void child_stop(struct child *c, int64_t grace_ms)
{
	if (c->exited)
		return;
	shut((uv_handle_t *)&c->in);
	kill_group(c, SIGTERM);
	loop_timer_start(c->timer, grace_ms, 0);
}

void child_free(struct child *c)
{
	if (!c || c->freed)
		return;
	c->freed = true;
	loop_timer_free(c->timer);
	shut_pipes(c);
	if (c->exited) {
		shut((uv_handle_t *)&c->process);
	} else {
		loop_owe(c->loop, 1);   /* process_ended closes the rest */
		kill_group(c, SIGKILL);
	}
	release(c);
}

int child_pid(const struct child *c)
{
	return c->process.pid;
}
