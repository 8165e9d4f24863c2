#include "cli/demo.h"

#include "base/mem.h"
#include "cli/verbs.h"
#include "ui/console.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STAGE_WAIT_MS = 120000, RESUMES = 12 };

/* ---- one line per gate ---- */

static int64_t sum(const struct json *cycle, const char *key)
{
	int64_t n = 0;
	for (const struct json *l = json_first(json_get(cycle, "lanes")); l; l = json_next(l))
		n += json_get_i64(l, key, 0);
	return n;
}

static void gate_line(const char *what, const struct json *c)
{
	printf("%-12s %-10.*s deleted %" PRId64 "  gone %" PRId64 "  failed %" PRId64 "  unknown %" PRId64 "  %.*s%.*s\n", what,
	       SLICE_FMT(json_get_str(c, "stage")), sum(c, "deleted"), sum(c, "gone"), sum(c, "failed"), sum(c, "unknown"),
	       SLICE_FMT(json_get_str(c, "waiting_for")), SLICE_FMT(json_get_str(c, "end")));
	fflush(stdout);
}

/* Give a command, wait, say where the cycle stands. */
static enum rc pass(struct caller *cl, const char *what, const char *method, const char *params, struct json_doc **state, struct err *e)
{
	struct json_doc *d;
	json_doc_free(*state);
	*state = NULL;
	enum rc rc = caller_call(cl, method, params, &d, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s", what);
	json_doc_free(d);
	rc = wait_cycle(cl, STAGE_WAIT_MS, state, e);
	if (rc == RC_OK)
		gate_line(what, json_root(*state));
	return rc;
}

static bool stage_is(const struct json_doc *state, const char *word)
{
	return slice_is(json_get_str(json_root(state), "stage"), word);
}

/* Up to the gate into CLEANING, armed. */
static enum rc prepare(struct caller *cl, struct json_doc **state, struct err *e)
{
	struct json_doc *d;
	enum rc rc = pass(cl, "discover", "cycle.start", "{\"policy\":\"stale\"}", state, e);
	if (rc == RC_OK)
		rc = caller_call(cl, "mode.set", "{\"mode\":\"armed\"}", &d, e);
	if (rc != RC_OK)
		return rc;
	json_doc_free(d);
	rc = pass(cl, "validate", "cycle.step", NULL, state, e);
	if (rc == RC_OK && !json_is_object(json_get(json_root(*state), "plan")))
		rc = err_set(e, RC_INTERNAL, "the demo has no plan: %.*s", SLICE_FMT(json_get_str(json_root(*state), "waiting_for")));
	return rc;
}

/* ---- headless ---- */

/* The same as a person would: sluice grant sign, sluice grant submit, for each lane. */
static enum rc sign_all(struct demo *d, struct caller *cl, struct err *e)
{
	struct json_doc *plan;
	char file[400], key[300];
	enum rc rc = caller_call(cl, "plan.show", NULL, &plan, e);
	if (rc != RC_OK)
		return rc;
	snprintf(key, sizeof key, "%s/signer.pem", d->dir);
	for (const struct json *l = json_first(json_get(json_root(plan), "lanes")); rc == RC_OK && l; l = json_next(l)) {
		struct slice lane = json_get_str(l, "lane");
		char name[64];
		if (!json_get_i64(l, "items", 0))
			continue;
		snprintf(name, sizeof name, "%.*s", SLICE_FMT(lane));
		snprintf(file, sizeof file, "%s/grant-%s.json", d->dir, name);
		struct cli sub = *d->cli;
		const char *const given[][2] = { { "--lane", name }, { "--reason", "demo" }, { "--key", key }, { "--operator", "demo" },
			{ "--on-abort", "keep" }, { "--out", file } };
		const struct verb *sign = cli_verbs, *submit = cli_verbs;
		while (strcmp(sign->name, "grant sign"))
			sign++;
		while (strcmp(submit->name, "grant submit"))
			submit++;
		memset(sub.opt, 0, sizeof sub.opt);
		sub.verb = sign;
		for (size_t i = 0; i < ARRAY_LEN(given); i++)
			for (size_t k = 0; sign->options[k].name; k++)
				if (!strcmp(sign->options[k].name, given[i][0]))
					sub.opt[k] = given[i][1];
		rc = verb_grant_sign(&sub, e);
		sub.verb = submit;
		sub.arg[0] = file;
		sub.args = 1;
		sub.json = false;
		printf("grant        %s: %" PRId64 " items, signed: ", name, json_get_i64(l, "items", 0));
		if (rc == RC_OK)
			rc = verb_grant_submit(&sub, e);
		else
			putchar('\n');
	}
	json_doc_free(plan);
	return rc;
}

static enum rc clean(struct caller *cl, struct json_doc **state, struct err *e)
{
	char params[48];
	enum rc rc = pass(cl, "canary", "cycle.step", NULL, state, e);
	for (int i = 0; rc == RC_OK && i < RESUMES && stage_is(*state, "CLEANING"); i++) {
		int64_t ack = json_get_i64(json_root(*state), "ack_needed", 0);
		snprintf(params, sizeof params, "{\"failures\":%" PRId64 "}", ack);
		if (ack > 0)
			rc = pass(cl, "acknowledge", "cycle.ack", params, state, e);
		bool cleaned = slice_starts(json_get_str(json_root(*state), "waiting_for"), "cleaned");
		if (rc == RC_OK && stage_is(*state, "CLEANING"))
			rc = pass(cl, cleaned ? "commit" : "clean", "cycle.resume", NULL, state, e);
	}
	return rc;
}

static enum rc finish(struct caller *cl, struct json_doc **state, struct err *e)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < RESUMES && !stage_is(*state, "ENDED"); i++)
		rc = pass(cl, stage_is(*state, "AUDITING") ? "sign off" : "audit", "cycle.step", NULL, state, e);
	if (rc == RC_OK && !stage_is(*state, "ENDED"))
		rc = err_set(e, RC_INTERNAL, "the cycle does not end: %.*s", SLICE_FMT(json_get_str(json_root(*state), "waiting_for")));
	return rc;
}

static enum rc report(struct demo *d, struct caller *cl, const struct json *c, struct err *e)
{
	struct json_doc *m;
	printf("\n%.*s\n%.*s%s\n", SLICE_FMT(json_get_str(c, "end")), SLICE_FMT(json_get_str(c, "equation")),
	       json_get_bool(c, "balanced", false) ? "" : "   DOES NOT HOLD");
	enum rc rc = demo_check(d, cl, e);
	if (rc == RC_OK && !json_get_bool(c, "balanced", false))
		rc = err_set(e, RC_INTERNAL, "the equation does not hold");
	if (cli_opt(d->cli, "--print-metrics") && caller_call(cl, "metrics", NULL, &m, &(struct err){ 0 }) == RC_OK) {
		struct slice text = json_get_str(json_root(m), "text");
		fwrite(text.p, 1, text.n, stdout);
		json_doc_free(m);
	}
	return rc;
}

static enum rc headless(struct demo *d, struct caller *cl, struct err *e)
{
	struct json_doc *state = NULL;
	enum rc rc = prepare(cl, &state, e);
	if (rc == RC_OK)
		rc = sign_all(d, cl, e);
	if (rc == RC_OK)
		rc = clean(cl, &state, e);
	if (rc == RC_OK)
		rc = finish(cl, &state, e);
	if (rc == RC_OK)
		rc = report(d, cl, json_root(state), e);
	json_doc_free(state);
	return rc;
}

/* ---- with a person ---- */

static void on_stop(int signum) { cli_stop_signal = signum; }

static const int stops[] = { SIGINT, SIGTERM, SIGHUP };

/* No SA_RESTART: what sleeps or reads wakes up. */
static void catch_stops(void)
{
	struct sigaction sa = { .sa_handler = on_stop };
	for (size_t i = 0; i < ARRAY_LEN(stops); i++)
		sigaction(stops[i], &sa, NULL);
}

/* The console is a process of its own: however it ends, this one cleans up. */
_Noreturn static void console_child(struct demo *d, const sigset_t *before, pid_t parent)
{
	struct console_opts o = { .socket_path = d->cli->paths->socket };
	struct err e = { 0 };
	sigprocmask(SIG_SETMASK, before, NULL);
	process_die_with(parent, SIGHUP);
	close(d->sim_pipe);
	enum rc rc = console_run(&o, &e);
	if (rc != RC_OK)
		fprintf(stderr, "sluice: %s\n", e.text);
	_exit(cli_exit(rc));
}

/* Until the console ended: suspended with it, and what should end this process ends the console first. */
static int wait_console(pid_t pid, const sigset_t *heard)
{
	int status, signum;
	for (;;) {
		if (waitpid(pid, &status, WNOHANG | WUNTRACED) == pid) {
			if (!WIFSTOPPED(status))
				return status;
			raise(SIGSTOP);
			kill(pid, SIGCONT);
			continue;
		}
		if (sigwait(heard, &signum) == 0 && signum != SIGCHLD && signum != SIGQUIT) {
			cli_stop_signal = signum;
			kill(pid, SIGTERM);
		}
	}
}

static enum rc console(struct demo *d, struct err *e)
{
	sigset_t heard, before;
	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	sigaddset(&heard, SIGQUIT);
	for (size_t i = 0; i < ARRAY_LEN(stops); i++)
		sigaddset(&heard, stops[i]);
	sigprocmask(SIG_BLOCK, &heard, &before);
	pid_t parent = getpid(), pid = process_fork(e);
	if (pid == 0)
		console_child(d, &before, parent);
	int status = pid > 0 ? wait_console(pid, &heard) : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return e->rc;
	if (WIFEXITED(status))
		return (enum rc)WEXITSTATUS(status);
	if (!cli_stop_signal)
		cli_stop_signal = WTERMSIG(status);
	return RC_INTERNAL;
}

/* Stand there, armed, until the standard input ends or somebody stops us. */
static void stand(struct demo *d)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	sigset_t all, before;
	char c[256];
	printf("armed %s\n", d->cli->paths->state_dir);
	fflush(stdout);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	while (!cli_stop_signal)
		if (ppoll(&in, 1, NULL, &before) > 0 && read(0, c, sizeof c) <= 0)
			break;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static enum rc at_the_console(struct demo *d, struct caller *cl, struct err *e)
{
	struct json_doc *state = NULL;
	enum rc rc = prepare(cl, &state, e);
	json_doc_free(state);
	caller_close(cl);
	if (rc != RC_OK)
		return rc;
	if (!cli_opt(d->cli, "--until"))
		return console(d, e);
	stand(d);
	return RC_OK;
}

static enum rc numbers(struct demo *d, struct err *e)
{
	const char *seed = cli_opt(d->cli, "--seed"), *files = cli_opt(d->cli, "--files"), *until = cli_opt(d->cli, "--until");
	d->seed = 1;
	d->files = 240;
	if (seed && (!parse_i64(slice_of(seed), &d->seed) || d->seed < 0))
		return err_set(e, RC_USAGE, "--seed takes a whole number");
	if (files && (!parse_i64(slice_of(files), &d->files) || d->files < 60 || d->files > 1000000))
		return err_set(e, RC_USAGE, "--files takes a whole number, 60 to 1000000");
	if (until && strcmp(until, "armed"))
		return err_set(e, RC_USAGE, "--until knows only: armed");
	return RC_OK;
}

enum rc verb_demo(struct cli *c, struct err *e)
{
	struct demo d = { .cli = c, .faults = cli_opt(c, "--fault"), .no_faults = cli_opt(c, "--no-faults") != NULL, .sim_pipe = -1 };
	struct caller *cl;
	bool alone = cli_opt(c, "--headless") != NULL;
	enum rc rc = numbers(&d, e);
	if (rc == RC_OK && !alone && !cli_opt(c, "--until") && !isatty(1))
		rc = err_set(e, RC_USAGE, "there is no terminal here; sluice demo --headless does the same without one");
	if (rc != RC_OK)
		return rc;
	catch_stops();
	rc = demo_open(&d, e);
	if (rc == RC_OK)
		rc = caller_open(&cl, c, false, e);
	if (rc == RC_OK && alone) {
		rc = headless(&d, cl, e);
		caller_close(cl);
	} else if (rc == RC_OK) {
		rc = at_the_console(&d, cl, e);
	}
	fflush(stdout);
	demo_close(&d);
	if (cli_stop_signal) {
		signal(cli_stop_signal, SIG_DFL);
		raise(cli_stop_signal);
	}
	return rc;
}
