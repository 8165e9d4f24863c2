/* sluice-sim: reads the command line, opens everything, says where, runs until it is told to end. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/point.h"
#include "sim/daemon.h"
#include "sim/manifest.h"
#include "sim/stats.h"
#include "sim/store.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unversioned"
#endif

struct run {
	struct sim sim;
	struct options opts;
	struct loop_signal *term, *interrupt;
	struct loop_poll *pipe;
	bool pipe_ended;
};

static int complain(const struct err *e)
{
	fprintf(stderr, "sluice-sim: %s\n", e->text);
	return rc_exit(e->rc);
}

static int print(void (*text)(struct buf *out))
{
	struct buf b = { 0 };
	text(&b);
	bool ok = fputs(buf_z(&b), stdout) >= 0 && fflush(stdout) == 0;
	buf_done(&b);
	return ok ? 0 : 1;
}

/* ---- where it listens ---- */

static void put_address(struct jw *w, const char *name, const char *scheme, int port, const char *path)
{
	char url[80];
	snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", scheme, port, path);
	jw_obj(w);
	jw_kz(w, "name", name);
	jw_kz(w, "url", url);
	jw_end_obj(w);
}

static void put_addresses(const struct sim *sim, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_ki64(&w, "pid", getpid());
	jw_ki64(&w, "seed", sim->opts->seed);
	jw_key(&w, "stores");
	jw_arr(&w);
	for (size_t i = 0; i < sim->opts->stores; i++)
		put_address(&w, sim->opts->store[i].name, "http", store_port(sim->store[i]), speech_of((enum speech_dialect)sim->opts->store[i].dialect)->root);
	jw_end_arr(&w);
	jw_key(&w, "links");
	jw_arr(&w);
	for (size_t i = 0; i < sim->opts->links; i++)
		put_address(&w, sim->opts->link[i].name, "ws", daemon_port(sim->daemon[i]), "/");
	jw_end_arr(&w);
	jw_end_obj(&w);
	buf_addc(out, '\n');
}

static enum rc say_ready(const struct sim *sim, struct err *e)
{
	struct buf b = { 0 };
	enum rc rc = RC_OK;
	put_addresses(sim, &b);
	if (sim->opts->ready)
		rc = manifest_put(sim->opts->ready, buf_slice(&b), e);
	else if (fwrite(b.p, 1, b.n, stdout) != b.n || fflush(stdout) != 0)
		rc = err_set(e, RC_IO, "the addresses cannot be written to standard output: %s", strerror(errno));
	buf_done(&b);
	return rc;
}

/* ---- the end ---- */

static void on_signal(void *ctx, int signum)
{
	struct run *r = ctx;
	(void)signum;
	loop_stop(r->sim.loop);
}

static void on_pipe(void *ctx)
{
	struct run *r = ctx;
	char drop[4096];
	ssize_t n = read(STDIN_FILENO, drop, sizeof(drop));
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		loop_stop(r->sim.loop);
}

static enum rc watch_for_end(struct run *r, struct err *e)
{
	r->term = loop_signal_new(r->sim.loop, SIGTERM, on_signal, r);
	r->interrupt = loop_signal_new(r->sim.loop, SIGINT, on_signal, r);
	if (!r->opts.parent_pipe)
		return RC_OK;
	enum rc rc = loop_poll_new(&r->pipe, r->sim.loop, STDIN_FILENO, on_pipe, r, e);
	return rc == RC_OK ? rc : err_prefix(e, "--parent-pipe: standard input must be a pipe");
}

static void last_line(struct sim *sim)
{
	struct jw *w = ledger_begin(sim->ledger, "summary");
	stats_members(sim, w);
	ledger_end(sim->ledger);
}

/* ---- the run ---- */

static enum rc open_all(struct run *r, struct err *e)
{
	struct sim *sim = &r->sim;
	enum rc rc = ledger_open(&sim->ledger, r->opts.ledger, e);
	if (rc != RC_OK)
		return rc;
	sim->box = outbox_new(sim->loop, sim->ledger);
	sim->store = xcalloc(r->opts.stores + 1, sizeof(*sim->store));
	sim->daemon = xcalloc(r->opts.links + 1, sizeof(*sim->daemon));
	for (size_t i = 0; rc == RC_OK && i < r->opts.stores; i++)
		rc = store_new(&sim->store[i], sim, &r->opts.store[i], e);
	for (size_t i = 0; rc == RC_OK && i < r->opts.links; i++)
		rc = daemon_new(&sim->daemon[i], sim, &r->opts.link[i], e);
	if (rc == RC_OK && r->opts.manifest)
		rc = manifest_write(sim, r->opts.manifest, e);
	if (rc == RC_OK)
		rc = watch_for_end(r, e);
	return rc == RC_OK ? say_ready(sim, e) : rc;
}

static void close_all(struct run *r)
{
	struct sim *sim = &r->sim;
	for (size_t i = 0; sim->store && i < r->opts.stores; i++)
		store_free(sim->store[i]);
	for (size_t i = 0; sim->daemon && i < r->opts.links; i++)
		daemon_free(sim->daemon[i]);
	free(sim->store);
	free(sim->daemon);
	loop_signal_free(r->term);
	loop_signal_free(r->interrupt);
	loop_poll_free(r->pipe);
	loop_free(sim->loop);
	outbox_free(sim->box);
}

/* Room for every connection the kernel lets us have. */
static void raise_files(void)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static enum rc run(struct run *r, struct err *e)
{
	r->sim.loop = loop_new();
	r->sim.opts = &r->opts;
	enum rc rc = open_all(r, e);
	if (rc == RC_OK) {
		loop_run(r->sim.loop);
		rc = outbox_state(r->sim.box, e);
		if (rc == RC_OK)
			last_line(&r->sim);
	}
	close_all(r);
	enum rc closed = ledger_close(r->sim.ledger, rc == RC_OK ? e : NULL);
	return rc == RC_OK ? closed : rc;
}

/* A standard descriptor that came closed must not become a socket. */
static void hold_standard_fds(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd == 0 || fd == 1);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	struct run r = { 0 };
	struct err e = { 0 };
	int code = 0;
	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	point_init();
	raise_files();
	enum rc rc = options_read(&r.opts, argc, argv, &e);
	if (rc != RC_OK)
		code = complain(&e);
	else if (r.opts.help || r.opts.faults_help)
		code = print(r.opts.help ? options_help : options_faults_help);
	else if (r.opts.version)
		code = printf("sluice-sim %s\n", PACKAGE_VERSION) < 0;
	else if (run(&r, &e) != RC_OK)
		code = complain(&e);
	options_done(&r.opts);
	return code;
}
