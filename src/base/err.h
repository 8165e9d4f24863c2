/* Errors are values. Every function that can fail returns `enum rc` (which must be used) and fills
 * a `struct err` given by the caller: what failed, on which object, what to do next.
 * die() is for broken invariants and out of memory only. Any thread; no global state. */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/* The numbers up to RC_CANDIDATES are the exit codes of the CLI (SEMANTICS 9); keep them. */
enum rc {
	RC_OK = 0,
	RC_INTERNAL = 1,
	RC_USAGE = 2,          /* usage, configuration, terminal, newer state directory */
	RC_FAILURES = 3,       /* completed with failures */
	RC_CAP = 4,            /* refused: cap or floor */
	RC_GRANT = 5,          /* refused: grant missing, stale, lapsed or spent */
	RC_RESTORED = 6,       /* aborted, fully restored */
	RC_KEPT = 7,           /* aborted, something not restored or kept */
	RC_LEASE = 8,          /* lease held by another */
	RC_STALE = 9,          /* plan stale (drift) */
	RC_AUTH = 10,          /* auth or target identity */
	RC_HELD = 11,          /* held, resumable */
	RC_AUDIT = 12,         /* audit log cannot be written or does not verify */
	RC_INCOMPLETE = 13,    /* discovery incomplete */
	RC_NO_ENGINE = 14,     /* no engine / cannot attach */
	RC_CANCELLED = 15,     /* cancelled or lapsed */
	RC_CANDIDATES = 20,    /* rehearsal: there are candidates */
	/* never an exit code */
	RC_NOT_FOUND = 64,
	RC_FULL,               /* a bound was reached */
	RC_REFUSED,            /* not allowed for this connection, mode or state */
	RC_IO,
	RC_FORMAT              /* bytes from outside that are not what they should be */
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

struct err {
	enum rc rc;
	char text[400];        /* one sentence, safe to show: foreign bytes went through text_show */
};

/* Fill *e (may be NULL) and return rc, so that `return err_set(...)` reads well. */
enum rc err_set(struct err *e, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Put "context: " in front of what *e says; keeps its rc and returns it. */
enum rc err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Stable lower-case word of a code for JSON and logs: "usage", "grant", "audit" … */
const char *rc_name(enum rc rc);
/* Exit code of the CLI for a code: itself up to 20; what cannot be asked for now, or of that name, is 2; else 1. */
int rc_exit(enum rc rc);

_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Runs before die() aborts (the console gives the screen back). One hook. */
void die_hook(void (*fn)(void));

#endif
