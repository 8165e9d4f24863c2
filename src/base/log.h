/* The log: one line per event to a file (or stderr), every foreign string already shown through
 * base/text, rate-limited per call site. Never a secret. Any thread.
 * Line: 2026-11-22T14:03:22.123456Z warn link exai-daemon: closed 1011 "keepalive"
 * or as JSON: {"time":"…","level":"warn","module":"link","object":"exai-daemon","text":"…"} */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* path NULL = stderr; the file is opened 0600, append, O_NOFOLLOW. */
enum rc log_open(const char *path, enum log_level max, struct err *e) MUST_USE;
void log_close(void);
/* Of the lines from now on; before threads begin. */
void log_as_json(bool on);
/* "link=debug": the level of one module instead of the common one. false = no such module or level. Before threads begin. */
bool log_module_level(const char *word);
bool log_is_module_level(const char *word);     /* it would be taken */
/* The file by its path again, after it was moved away. If it cannot be opened the old one stays. */
enum rc log_reopen(struct err *e) MUST_USE;
/* module is a word of modules[] in log.c ("link", "store"); object may be NULL. */
void log_at(enum log_level l, const char *module, const char *object, const char *fmt, ...) PRINTF_LIKE(4, 5);
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
