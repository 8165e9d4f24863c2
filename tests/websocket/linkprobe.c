/* One link driven by hand: linkprobe URL HANDSHAKE [key=value …] prints a JSON line at every change of
 * state and at every pong, until its stdin ends. Keys: token_file session ping pong hello base max
 * (milliseconds). A line "diagnose" on stdin tries at once. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "link/link.h"

struct probe {
	struct loop *loop;
	struct link *k;
	int64_t pongs, bad_frames, messages;
};

static void say(const struct link_view *v, const char *event, const char *from)
{
	struct buf b = { 0 };
	struct jw w;
	jw_init(&w, &b);
	jw_obj(&w);
	jw_kz(&w, "event", event);
	if (from)
		jw_kz(&w, "from", from);
	jw_kz(&w, "state", link_state_name(v->state));
	jw_kz(&w, "sentence", v->sentence);
	jw_ki64(&w, "close_code", v->last_close_code);
	jw_kz(&w, "close_text", v->last_close_text);
	jw_kz(&w, "failed_rung", v->ladder.failed < 0 ? NULL : link_rung_name((enum link_rung)v->ladder.failed));
	jw_kz(&w, "cause", cause_of(v->ladder.cause)->name);
	jw_ki64(&w, "attempts", v->attempts);
	jw_ki64(&w, "ups", v->up_count);
	jw_ki64(&w, "pongs", v->pongs);
	jw_kopt(&w, "rtt_us", window_last(&v->rtt_us, 0));
	jw_ki64(&w, "messages_in", v->messages_in);
	jw_ki64(&w, "bad_frames", v->bad_frames);
	jw_kbool(&w, "tries_again", v->next_attempt_us >= 0);
	jw_end_obj(&w);
	puts(buf_z(&b));
	fflush(stdout);
	buf_done(&b);
}

static void on_changed(void *ctx, struct link *k, enum link_state from)
{
	(void)ctx;
	say(link_look(k), "state", link_state_name(from));
}

static void on_tick(void *ctx)
{
	struct probe *p = ctx;
	const struct link_view *v = link_look(p->k);
	if (v->pongs != p->pongs || v->messages_in != p->messages)
		say(v, "traffic", NULL);
	p->pongs = v->pongs;
	p->messages = v->messages_in;
}

static void on_stdin(void *ctx)
{
	struct probe *p = ctx;
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof line);
	if (n <= 0)
		loop_stop(p->loop);
	else if (n >= 8 && memcmp(line, "diagnose", 8) == 0)
		link_diagnose(p->k);
}

static int64_t ms(const char *v)
{
	int64_t out;
	if (!parse_i64(slice_of(v), &out) || out < 1) {
		fprintf(stderr, "linkprobe: %s is no number of milliseconds\n", v);
		exit(2);
	}
	return out;
}

static void option(struct cfg_link *c, const char *arg)
{
	static const struct { const char *key; size_t at; } numbers[] = {
		{ "ping=", offsetof(struct cfg_link, ping_interval_ms) }, { "pong=", offsetof(struct cfg_link, pong_timeout_ms) },
		{ "hello=", offsetof(struct cfg_link, hello_timeout_ms) }, { "base=", offsetof(struct cfg_link, reconnect_base_ms) },
		{ "max=", offsetof(struct cfg_link, reconnect_max_ms) },
	};
	const char *value = strchr(arg, '=');
	if (strncmp(arg, "token_file=", 11) == 0)
		c->token_file = value + 1;
	if (strncmp(arg, "session=", 8) == 0)
		c->session_id = value + 1;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strncmp(arg, numbers[i].key, strlen(numbers[i].key)) == 0)
			*(int64_t *)(void *)((char *)c + numbers[i].at) = ms(value + 1);
}

int main(int argc, char **argv)
{
	struct cfg_link cfg = { .name = "probe", .ping_interval_ms = 100, .pong_timeout_ms = 2000, .hello_timeout_ms = 2000, .connections = 1,
				.reconnect_base_ms = 50, .reconnect_max_ms = 400, .min_uptime_ms = 10000 };
	struct secret *token = NULL;
	struct loop_poll *in = NULL;
	struct err e = { 0 };
	if (argc < 3) {
		fputs("usage: linkprobe URL HANDSHAKE [key=value …]\n", stderr);
		return 2;
	}
	cfg.url = argv[1];
	cfg.handshake = argv[2];
	for (int i = 3; i < argc; i++)
		option(&cfg, argv[i]);
	if ((cfg.token_file && secret_load(&token, cfg.token_file, "token of linkprobe", &e) != RC_OK)) {
		fprintf(stderr, "linkprobe: %s\n", e.text);
		return 1;
	}
	struct loop *loop = loop_new();
	struct ws_ctx *ws = ws_ctx_new(loop);
	struct probe p = { .loop = loop };
	p.k = link_new(loop, ws, &cfg, token, 1, on_changed, &p);
	struct loop_timer *tick = loop_timer_new(loop, on_tick, &p);
	if (loop_poll_new(&in, loop, STDIN_FILENO, on_stdin, &p, &e) != RC_OK) {
		fprintf(stderr, "linkprobe: %s\n", e.text);
		return 1;
	}
	loop_timer_start(tick, 20, 20);
	link_start(p.k);
	loop_run(loop);
	loop_poll_free(in);
	loop_timer_free(tick);
	link_free(p.k);
	ws_ctx_free(ws);
	loop_free(loop);
	secret_free(token);
	return 0;
}
