/* The credential type: it has no way to print, log or serialise (DESIGN rule 8). The bytes are in
 * locked, non-dumpable memory and wiped when freed. It is read from a file that must be a regular
 * file, owned by us, not readable by group or others, opened O_NOFOLLOW. */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include "base/str.h"

struct secret;

/* what: "credential of lane kimi" for messages. One trailing newline is dropped; empty is an error. */
enum rc secret_load(struct secret **out, const char *path, const char *what, struct err *e) MUST_USE;
void secret_free(struct secret *s);
/* The same checks for a file that somebody else reads (a signing key): *fd is open, or -1. */
enum rc secret_open(int *fd, const char *path, const char *what, struct err *e) MUST_USE;
/* 8 hex digits that name the credential without revealing it. */
void secret_print(const struct secret *s, char dst[9]);
/* Borrow the bytes for one call: building an Authorization header or a hello frame. Nothing else. */
struct slice secret_use(const struct secret *s);
/* Wipe a buffer that held a secret. */
void secret_wipe(struct buf *b);
/* Process hardening: no core dumps, not dumpable. Called once at start by the engine. */
void secret_harden_process(void);

#endif
