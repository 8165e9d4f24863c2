/* The ledger: what really happened, one JSON object a line, in order. A line is begun, filled by the
 * caller, ended; it stays in memory until ledger_flush, which the outbox calls before any byte that
 * could tell the outside leaves. Loop thread only.
 * Every line: seq (from 1), t (RFC 3339, the start of the loop turn), kind. */
#ifndef SLUICE_SIM_LEDGER_H
#define SLUICE_SIM_LEDGER_H

#include "base/json.h"

struct ledger;

/* path NULL: lines are counted and dropped. An existing file is refused, so that two runs never mix. */
enum rc ledger_open(struct ledger **out, const char *path, struct err *e) MUST_USE;
enum rc ledger_close(struct ledger *l, struct err *e) MUST_USE;         /* flushes and frees; NULL is fine */
struct jw *ledger_begin(struct ledger *l, const char *kind);
int64_t ledger_end(struct ledger *l);                                   /* the line's seq */
enum rc ledger_flush(struct ledger *l, struct err *e) MUST_USE;
/* At most max bytes from byte `from` of what was flushed; RC_NOT_FOUND without a file. */
enum rc ledger_read(const struct ledger *l, int64_t from, size_t max, struct buf *out, struct err *e) MUST_USE;
int64_t ledger_lines(const struct ledger *l);

#endif
