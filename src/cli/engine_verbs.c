/* Running, starting and stopping the engine, and the console that may start one. */
#include "cli/verbs.h"

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "ui/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 120000, POLL_MS = 25, LEASE_TRIES = 200, STOP_MS = 120000 };

struct process {
	struct loop *loop;
	struct engine *engine;
	struct loop_signal *term, *intr, *hup;
};

static void stopped(void *ctx) { loop_stop(((struct process *)ctx)->loop); }

static void on_signal(void *ctx, int signum)
{
	struct process *p = ctx;
	struct audit_actor who = { .name = SLICE_LIT("signal"), .uid = -1, .role = SLICE_LIT("engine"),
		.via = signum == SIGTERM ? SLICE_LIT("SIGTERM") : SLICE_LIT("SIGINT") };
	engine_stop(p->engine, &who, stopped, p);
}

static void on_hup(void *ctx, int signum)
{
	struct err e;
	(void)ctx, (void)signum;
	if (log_reopen(&e) != RC_OK)
		log_error("engine", NULL, "%s", e.text);
	else
		log_info("engine", NULL, "the log was opened anew");
}

static enum log_level level_of(const char *word)
{
	static const char *const words[] = { [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug" };
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
		if (!strcmp(word, words[i]))
			return (enum log_level)i;
	return LOG_INFO;
}

/* Says to the new process that its standard error is only there until it is ready. */
#define DETACHED "SLUICE_DETACHED"

/* In the background nobody reads our standard error any more: last words go to the log. */
static void leave_starter(const struct cli *c)
{
	int fd = getenv(DETACHED) ? open(c->paths->log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	dup2(fd, 2);
	close(fd);
}

static enum rc serve(struct cli *c, const struct config *cfg, struct err *e)
{
	struct process p = { .loop = loop_new() };
	struct ws_ctx *ws = ws_ctx_new(p.loop);
	struct api *api = NULL;
	enum rc rc = engine_new(&p.engine, p.loop, ws, cfg, c->paths, e);
	if (rc == RC_OK)
		rc = api_new(&api, p.engine, p.loop, ws, c->paths, e);
	if (rc == RC_OK) {
		api_on_stop(api, stopped, &p);
		p.term = loop_signal_new(p.loop, SIGTERM, on_signal, &p);
		p.intr = loop_signal_new(p.loop, SIGINT, on_signal, &p);
		p.hup = loop_signal_new(p.loop, SIGHUP, on_hup, &p);
		log_info("engine", cfg->name, "ready at %s", c->paths->socket);
		leave_starter(c);
		loop_run(p.loop);
		loop_signal_free(p.term);
		loop_signal_free(p.intr);
		loop_signal_free(p.hup);
	}
	api_close(api);
	engine_free(p.engine);
	ws_ctx_free(ws);
	api_free(api);
	loop_free(p.loop);
	return rc;
}

enum rc verb_engine_run(struct cli *c, struct err *e)
{
	struct config *cfg;
	enum rc rc = config_load(&cfg, c->paths->config_file, e);
	if (rc != RC_OK)
		return rc;
	secret_harden_process();
	mem_settle();
	signal(SIGHUP, SIG_IGN);                /* until serve() reopens the log by it */
	rc = paths_make(c->paths, cfg->engine.group, e);
	if (rc == RC_OK)
		rc = log_open(c->paths->log, level_of(cfg->engine.log_level), e);
	if (rc == RC_OK) {
		log_as_json(strcmp(cfg->engine.log_format, "json") == 0);
		for (size_t i = 0; i < cfg->engine.n_log_levels; i++)
			log_module_level(cfg->engine.log_levels[i]);
		rc = serve(c, cfg, e);
		if (rc != RC_OK)
			log_error("engine", NULL, "%s", e->text);
	}
	log_close();
	config_free(cfg);
	return rc;
}

/* ---- in the background ---- */

/* The process that answers at the socket; 0 = none does. */
static pid_t answers(struct cli *c)
{
	struct caller *cl;
	struct json_doc *d;
	struct err e;
	pid_t pid = 0;
	if (access(c->paths->socket, F_OK) != 0 || caller_open(&cl, c, true, &e) != RC_OK)
		return 0;
	if (caller_call(cl, "status", NULL, &d, &e) == RC_OK) {
		pid = (pid_t)json_get_i64(json_get(json_root(d), "engine"), "pid", 0);
		json_doc_free(d);
	}
	caller_close(cl);
	return pid;
}

/* The child: nothing of this terminal is left in it but its standard error, until it answers. */
_Noreturn static void child(struct cli *c, int err_fd, pid_t parent)
{
	char *exe = process_own_path(c);
	const char *argv[12] = { exe };
	int n = 1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	if (c->dies_with_us)
		process_die_with(parent, SIGTERM);
	dup2(null, 0);
	dup2(null, 1);
	dup2(err_fd, 2);
	setenv(DETACHED, "1", 1);
	const char *const globals[][2] = { { "--state", c->paths->state_dir }, { "--config", c->paths->config_file }, { "--socket", c->paths->socket } };
	for (size_t i = 0; i < ARRAY_LEN(globals); i++) {
		argv[n++] = globals[i][0];
		argv[n++] = globals[i][1];
	}
	argv[n++] = "engine";
	argv[n++] = "run";
	execv(exe, (char **)(uintptr_t)argv);
	fprintf(stderr, "sluice: %s: %s\n", exe, strerror(errno));
	_exit(RC_INTERNAL);
}

/* The first line of what the child said, as its error. */
static enum rc child_error(int fd, int status, struct err *e)
{
	char text[380], shown[380];
	size_t n = 0;
	ssize_t k;
	while (n + 1 < sizeof text && (k = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)k;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	const char *said = !strncmp(text, "sluice: ", 8) ? text + 8 : text;
	text_z(shown, sizeof shown, slice_of(said));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return err_set(e, (enum rc)WEXITSTATUS(status), "%s", said[0] ? shown : "the engine ended at once");
	return err_set(e, RC_INTERNAL, "the engine ended while it started%s%s", said[0] ? ": " : "", shown);
}

/* Until it answers, ends, or takes too long. */
static enum rc wait_child(struct cli *c, pid_t pid, int fd, struct err *e)
{
	int64_t until = now_read().boot_us + START_MS * 1000;
	int status;
	while (!cli_stop_signal && now_read().boot_us < until) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return child_error(fd, status, e);
		if (answers(c) == pid)
			return RC_OK;
		usleep(POLL_MS * 1000);
	}
	process_end(pid, SIGTERM);
	return err_set(e, RC_INTERNAL, "the engine did not answer in time; its log is %s", c->paths->log);
}

pid_t engine_spawn(struct cli *c, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0) {
		err_set(e, RC_INTERNAL, "a pipe for the engine: %s", strerror(errno));
		return -1;
	}
	fflush(stdout);
	pid_t parent = getpid(), pid = process_fork(e);
	if (pid == 0)
		child(c, fds[1], parent);
	close(fds[1]);
	enum rc rc = pid > 0 ? wait_child(c, pid, fds[0], e) : e->rc;
	close(fds[0]);
	return rc == RC_OK ? pid : -1;
}

/* *pid = 0 when one was there. Somebody else's start at the same moment is as good as ours. */
static enum rc ensure(struct cli *c, pid_t *pid, struct err *e)
{
	*pid = 0;
	if (answers(c))
		return RC_OK;
	*pid = engine_spawn(c, e);
	if (*pid > 0)
		return RC_OK;
	for (int i = 0; e->rc == RC_LEASE && i < LEASE_TRIES; i++) {
		*pid = 0;
		if (answers(c))
			return RC_OK;
		usleep(POLL_MS * 1000);
	}
	return e->rc;
}

enum rc engine_ensure(struct cli *c, struct err *e)
{
	pid_t pid;
	return ensure(c, &pid, e);
}

enum rc verb_engine_start(struct cli *c, struct err *e)
{
	pid_t pid;
	enum rc rc = ensure(c, &pid, e);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		printf("{\"started\":%s}\n", pid ? "true" : "false");
	else if (pid)
		printf("engine started, pid %d, socket %s\n", (int)pid, c->paths->socket);
	else
		printf("an engine answers at %s\n", c->paths->socket);
	return RC_OK;
}

/* A descriptor that becomes readable when the engine's process is gone: only then is its lock free. */
static enum rc engine_process(struct caller *cl, int *fd, struct err *e)
{
	struct json_doc *d;
	enum rc rc = caller_call(cl, "status", NULL, &d, e);
	if (rc != RC_OK)
		return rc;
	*fd = (int)syscall(SYS_pidfd_open, (pid_t)json_get_i64(json_get(json_root(d), "engine"), "pid", 0), 0);
	json_doc_free(d);
	return *fd >= 0 ? RC_OK : err_set(e, RC_INTERNAL, "the engine's process cannot be watched: %s", strerror(errno));
}

enum rc verb_engine_stop(struct cli *c, struct err *e)
{
	struct caller *cl;
	struct json_doc *d;
	struct pollfd p = { .events = POLLIN };
	enum rc rc = caller_open(&cl, c, false, e);
	if (rc != RC_OK)
		return rc;
	rc = engine_process(cl, &p.fd, e);
	if (rc == RC_OK)
		rc = caller_call(cl, "engine.stop", NULL, &d, e);
	if (rc == RC_OK)
		json_doc_free(d);
	caller_close(cl);
	if (rc == RC_OK && poll(&p, 1, STOP_MS) != 1)
		rc = err_set(e, RC_INTERNAL, "the engine drains but has not ended after %d s; its log is %s", STOP_MS / 1000, c->paths->log);
	if (rc == RC_OK)
		puts(c->json ? "{\"stopped\":true}" : "engine stopped");
	return rc;
}

/* ---- console ---- */

static enum rc console(struct cli *c, bool watch, struct err *e)
{
	struct console_opts o = { .socket_path = c->paths->socket, .watch = watch, .theme = cli_opt(c, "--theme"),
		.ascii = cli_opt(c, "--ascii") != NULL, .mono = cli_opt(c, "--mono") != NULL, .dump_screen = cli_opt(c, "--dump-screen") };
	return console_run(&o, e);
}

enum rc verb_console(struct cli *c, struct err *e)
{
	enum rc rc = RC_OK;
	if (!cli_opt(c, "--dump-screen"))
		rc = engine_ensure(c, e);
	return rc == RC_OK ? console(c, false, e) : rc;
}

enum rc verb_watch(struct cli *c, struct err *e) { return console(c, true, e); }
