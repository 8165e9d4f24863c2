/* Work that takes long: how far it is, on the standard error where that is a terminal, and an end by Ctrl-C that is
 * clean. One at a time, main thread. */
#ifndef SLUICE_CLI_PROGRESS_H
#define SLUICE_CLI_PROGRESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* what: "verifying"; NULL = without a line. SIGINT, SIGTERM and SIGHUP are taken until the end, unless they were ignored; a second one of them
 * ends the process as it always did. */
struct progress *progress_begin(const char *what);
/* So many of so many, of <= 0 = not known. Cheap. false = it is to stop (which stays so). */
bool progress_tell(struct progress *p, int64_t done, int64_t of);
bool progress_stopped(void);
void progress_end(struct progress *p);                          /* the line goes away */

#endif
