/* What the verbs of the binary share: the table, parsed arguments, a blocking client, printing. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include "base/json.h"
#include "config/paths.h"

#include <signal.h>
#include <sys/types.h>

struct cli {
	const char *state, *config, *socket;    /* global options, NULL = not given */
	bool json;
	struct paths *paths;
	const char *program;                    /* argv[0] */
	bool dies_with_us;                      /* an engine that is started ends with this process (demo) */
	/* of the verb */
	const struct verb *verb;
	const char *arg[8];                     /* positional */
	int args;
	const char *opt[16];                    /* by index in verb->options; NULL = not given; "" for a switch */
};

struct option {
	const char *name;                       /* "--lane"; NULL ends */
	/* what it takes; NULL = a switch, "[N]" = a whole number that may be left out, "X …" = may stand several
	 * times (cli_opt: one value a line) */
	const char *value;
	const char *help;
};

struct verb {
	const char *name;                       /* "cycle start" */
	const char *usage;                      /* "POLICY" */
	int min_args, max_args;
	struct option options[14];
	enum rc (*run)(struct cli *c, struct err *e);
	const char *help;
};
extern const struct option cli_globals[];       /* ends with a NULL name */
extern const struct verb cli_verbs[];           /* ends with a NULL name */
/* Parse the words after argv[0] and run the verb. */
enum rc cli_run(struct cli *c, char **argv, int argc, struct err *e) MUST_USE;
/* Value of an option of this verb; NULL when it was not given. */
const char *cli_opt(const struct cli *c, const char *name);

/* Exit code: SEMANTICS 9; a command that cannot be given now, or names what is not there, is a usage error. */
int cli_exit(enum rc rc);

/* ---- caller.c: one call at a time ---- */
struct caller;
enum rc caller_open(struct caller **out, const struct cli *c, bool watch, struct err *e) MUST_USE;
void caller_close(struct caller *cl);
/* params: JSON object text or NULL. The document belongs to the caller. An error answer becomes *e with its rc. */
enum rc caller_call(struct caller *cl, const char *method, const char *params, struct json_doc **out, struct err *e) MUST_USE;
/* The same for what takes long and has a name: how far it is is asked now and then and told to p; where that says stop it
 * is told to stop, and answers with RC_CANCELLED. However long it takes, while the engine answers. */
struct progress;
struct caller_long {
	const char *method, *progress, *stop;
	const char *params;                     /* of all three: its name */
};
enum rc caller_long(struct caller *cl, const struct caller_long *c, struct progress *p, struct json_doc **out, struct err *e) MUST_USE;
/* Let a moment pass on the client's loop. */
void caller_wait(struct caller *cl, int64_t ms);
/* Open, call once, close. */
enum rc cli_call(struct cli *c, const char *method, const char *params, struct json_doc **out, struct err *e) MUST_USE;

/* ---- print.c ---- */
/* Rows of an array as aligned columns; key "a.b" reaches into objects; kinds: text, bytes, time, number. */
struct column {
	const char *title, *key;
	enum { COL_TEXT, COL_NUMBER, COL_BYTES, COL_TIME, COL_AGE } kind;
	int width;                              /* at most; 0 = as needed */
};
void print_table(const struct json *rows, const struct column *cols, size_t n);
void print_json(const struct json *j);
/* A member as text that is safe on a terminal, after `before`; nothing at all when it is absent or empty. */
void print_field(const char *before, const struct json *obj, const char *key);
/* A member that counts: "unknown" where it is null. */
void print_count(const char *before, const struct json *obj, const char *key);
/* "title: a, b, c" of an array of strings; nothing when it is empty. */
void print_list(const char *title, const struct json *array);
void print_bytes(struct buf *b, int64_t v);
/* Flush; a closed standard output is an error of its own. */
enum rc print_end(struct err *e) MUST_USE;

/* ---- waiting for a cycle ---- */
/* Poll until the cycle is not working, or ms are over; fills *state with the last cycle.status. */
enum rc wait_cycle(struct caller *cl, int64_t ms, struct json_doc **state, struct err *e) MUST_USE;
/* Exit code for where a cycle stands (SEMANTICS 9). */
enum rc cycle_rc(const struct json *cycle);

/* Set by a signal handler of a verb that cleans up after itself: waiting ends early. */
extern volatile sig_atomic_t cli_stop_signal;

/* ---- process.c: children ---- */
char *process_own_path(const struct cli *c);                    /* caller frees */
/* In the child the handlers of verbs are gone. -1 and *e on failure. */
pid_t process_fork(struct err *e);
/* In the child: end with the parent. */
void process_die_with(pid_t parent, int signum);
/* Send signum (0 = it ends by itself), reap; kill it after 20 s. */
void process_end(pid_t pid, int signum);

/* ---- engines (engine_verbs.c) ---- */
enum rc engine_ensure(struct cli *c, struct err *e) MUST_USE;   /* start one if none answers */
pid_t engine_spawn(struct cli *c, struct err *e);               /* detached; -1 on failure */

#endif
