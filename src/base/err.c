#include "base/err.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static _Atomic(void (*)(void)) hook;

/* A sentence that did not fit ends in "…", never inside a UTF-8 sequence. */
static void mark_cut(char *text, size_t cap)
{
	static const char more[] = "…";
	size_t n = cap - sizeof(more);
	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	memcpy(text + n, more, sizeof(more));
}

enum rc err_set(struct err *e, enum rc rc, const char *fmt, ...)
{
	if (!e)
		return rc;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		e->text[0] = '\0';
	else if ((size_t)n >= sizeof(e->text))
		mark_cut(e->text, sizeof(e->text));
	e->rc = rc;
	return rc;
}

enum rc err_prefix(struct err *e, const char *fmt, ...)
{
	if (!e)
		return RC_INTERNAL;
	char front[sizeof(e->text)], whole[2 * sizeof(e->text) + 2];
	va_list ap;
	va_start(ap, fmt);
	if (vsnprintf(front, sizeof(front), fmt, ap) < 0)
		front[0] = '\0';
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s: %s", front, e->text);
	return err_set(e, e->rc, "%s", whole);
}

static const struct {
	enum rc rc;
	const char *name;
} names[] = {
	{ RC_OK, "ok" },
	{ RC_INTERNAL, "internal" },
	{ RC_USAGE, "usage" },
	{ RC_FAILURES, "failures" },
	{ RC_CAP, "cap" },
	{ RC_GRANT, "grant" },
	{ RC_RESTORED, "restored" },
	{ RC_KEPT, "kept" },
	{ RC_LEASE, "lease" },
	{ RC_STALE, "stale" },
	{ RC_AUTH, "auth" },
	{ RC_HELD, "held" },
	{ RC_AUDIT, "audit" },
	{ RC_INCOMPLETE, "incomplete" },
	{ RC_NO_ENGINE, "no_engine" },
	{ RC_CANCELLED, "cancelled" },
	{ RC_CANDIDATES, "candidates" },
	{ RC_NOT_FOUND, "not_found" },
	{ RC_FULL, "full" },
	{ RC_REFUSED, "refused" },
	{ RC_IO, "io" },
	{ RC_FORMAT, "format" },
};

const char *rc_name(enum rc rc)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].rc == rc)
			return names[i].name;
	return "internal";
}

int rc_exit(enum rc rc)
{
	if (rc == RC_REFUSED || rc == RC_NOT_FOUND)
		return RC_USAGE;
	return rc <= RC_CANDIDATES ? (int)rc : RC_INTERNAL;
}

void die_hook(void (*fn)(void))
{
	atomic_store(&hook, fn);
}

void die(const char *fmt, ...)
{
	/* the hook runs once, even when it dies itself */
	void (*fn)(void) = atomic_exchange(&hook, NULL);
	if (fn)
		fn();
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "sluice: fatal: %s\n", n < 0 ? fmt : text);
	abort();
}
